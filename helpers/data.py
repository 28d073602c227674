"""Fashion-MNIST: found, checked, loaded; and drawn stand-ins where the real images cannot be had.

The images are looked for in this order:

1. the folder named by the environment variable FASHION_MNIST_DIR (a relative path counts from the project);
2. the project's folder `data/`, or the user's cache folder where `data/` cannot be written to;
3. the network: downloaded once, into that folder;
4. a stand-in drawn by `helpers.standin`, which says that it is one.

Every file is checked by its SHA-256 before it is used. FASHION_MNIST_URL replaces the addresses to download
from (one or more base addresses, separated by spaces); TAMING_DEPTH_OFFLINE=1 forbids downloading.
"""

import gzip
import hashlib
import os
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers import standin

PROJECT = Path(__file__).resolve().parents[1]
FOLDER = PROJECT / "data"

# SHA-256 of the files that Zalando Research published, https://github.com/zalandoresearch/fashion-mnist
FILES = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
URLS = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)
TIMEOUT = (4, 10)  # seconds to connect, and between two pieces: a learner without network must not wait long

CLASS_NAMES = tuple(name for name, _, _ in standin.OUTLINES)
TRAIN_SIZE = 60_000
TRAIN_MEAN, TRAIN_STD = 0.286041, 0.353024  # of all training pixels in [0, 1]; measured again in the tests

NOTICE = (
    "These are not the real Fashion-MNIST images but drawn ones, because {reason}. To get the real ones, "
    "connect to the internet or follow data/README.md, then restart the kernel."
)


@dataclass(frozen=True, repr=False, eq=False)
class FashionMnist:
    """The training and test images, their labels, and where they come from.

    `x_train` (60000, 784) and `x_test` (10000, 784) are float32 in [0, 1], 0 being background; `y_train` and
    `y_test` are int64, and `class_names[label]` is the name of a class. The arrays are read-only, because all
    callers share them. `source` is "environment", "folder", "download" or "stand-in"; `notice` is empty for the
    real images and otherwise says why these are not the real ones. Source: Xiao, Rasul, Vollgraf (2017),
    arXiv:1708.07747.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    source: str
    notice: str = ""
    class_names: tuple[str, ...] = CLASS_NAMES

    @property
    def real(self) -> bool:
        """Whether these are the real images."""
        return self.source != "stand-in"

    def __repr__(self):
        # The same words whichever folder the real images came from: notebooks compare this line.
        name = "Fashion-MNIST" if self.real else "Stand-in for Fashion-MNIST"
        sizes = f"{len(self.x_train):,} training and {len(self.x_test):,} test images of 28 × 28 pixels"
        line = f"{name}: {sizes}, {len(self.class_names)} classes"
        return f"{line}\n{self.notice}" if self.notice else line


def load_fashion_mnist() -> FashionMnist:
    """Load all images, real ones where they can be had; the second call returns the same object.

    Raises:
        FileNotFoundError: if FASHION_MNIST_DIR is set and a file is missing there.
        ValueError: if FASHION_MNIST_DIR is set and a file there is not the published one.
    """
    return _load(_place(_settings()))


def load_batch(n=1000, *, rng=None, standardize=True, dtype=np.float32):
    """Load `n` training images, quickly: only the head of the file is unpacked.

    Standardized pixels are z = (x - mean) / std with the mean and the standard deviation of all pixels of the
    whole training set.

    Args:
        n: how many images, 1 to 60,000.
        rng: draws the images without repetition; without it they are the first `n`.
        standardize: False leaves the pixels in [0, 1].
        dtype: float32 or float64.

    Returns:
        x of shape (n, 784) and integer labels y of shape (n,): fresh arrays, free to change.

    Raises:
        ValueError: if `n` or `dtype` is not allowed; and what `load_fashion_mnist` raises.
    """
    if not 1 <= n <= TRAIN_SIZE:
        raise ValueError(f"n is {n}; allowed are 1 to {TRAIN_SIZE:,} training images")
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype is {np.dtype(dtype).name}; allowed are float32 and float64")
    place = _place(_settings())
    pixels, labels = _raw(place, "train", n if rng is None else TRAIN_SIZE)
    if rng is not None:
        chosen = rng.choice(len(labels), n, replace=False)
        pixels, labels = pixels[chosen], labels[chosen]
    x = _scale(pixels, dtype)
    if standardize:
        mean, std = (TRAIN_MEAN, TRAIN_STD) if place.folder else (standin.TRAIN_MEAN, standin.TRAIN_STD)
        x -= mean
        x /= std
    return x, labels.copy()


def find() -> str:
    """Tell which source would be used, without downloading or loading anything.

    Returns "environment", "folder", "download" or "stand-in". "download" is an intention: where the network
    fails, the images will be the stand-in. Raises what `load_fashion_mnist` raises.
    """
    settings = _settings()
    place = _at_hand(settings)
    return place.source if place else "stand-in" if settings.offline else "download"


def fetch() -> str:
    """Have the files ready, downloading them if need be, and tell the source that is really used.

    Returns "environment", "folder", "download" or "stand-in". Raises what `load_fashion_mnist` raises.
    """
    return _place(_settings()).source


def notice() -> str:
    """Return one line to show beside a figure: empty with real images, else why they are not real and what to do."""
    return _place(_settings()).notice


class _Settings(NamedTuple):
    directory: str
    urls: tuple[str, ...]
    offline: bool
    folder: Path


class _Place(NamedTuple):
    source: str
    folder: Path | None = None  # None: the stand-in
    notice: str = ""


def _settings():
    return _Settings(
        directory=os.environ.get("FASHION_MNIST_DIR", ""),
        urls=tuple(os.environ.get("FASHION_MNIST_URL", "").split()) or URLS,
        offline=os.environ.get("TAMING_DEPTH_OFFLINE", "") not in ("", "0"),
        folder=FOLDER,
    )


# Where the images are


@lru_cache
def _place(settings):
    place = _at_hand(settings)
    if place:
        return place
    reason = "downloading is switched off by TAMING_DEPTH_OFFLINE"
    if not settings.offline:
        folder = next(filter(_writable, _folders(settings)), None)
        reason = _download_all(folder, settings.urls) if folder else "no folder can be written to"
        if not reason:
            return _Place("download", folder)
    broken = [f"{name} in data/ is damaged" for name in FILES if _fault(settings.folder, name) == "damaged"]
    return _Place("stand-in", notice=NOTICE.format(reason=" and ".join([*broken, reason])))


def _at_hand(settings):
    """The place that needs no download, or None."""
    if settings.directory:
        folder = PROJECT / Path(settings.directory).expanduser()
        _insist(folder)
        return _Place("environment", folder)
    for folder in _folders(settings):
        if not any(_fault(folder, name) for name in FILES):
            return _Place("folder", folder)
    return None


def _insist(folder):
    for name in FILES:
        fault = _fault(folder, name)
        if fault == "missing":
            raise FileNotFoundError(f"FASHION_MNIST_DIR is {folder}, but {name} is missing there")
        if fault:
            raise ValueError(
                f"FASHION_MNIST_DIR is {folder}, but {name} there is {fault}: "
                f"its SHA-256 must be {FILES[name]}; see data/README.md"
            )


def _fault(folder, name):
    """What is wrong with a file: "missing", "unreadable", "damaged", or nothing."""
    try:
        with open(folder / name, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    except OSError:
        return "unreadable"
    return "" if found == FILES[name] else "damaged"


def _folders(settings):
    """The folders that may keep the files: the project's own, then the user's cache folder."""
    yield settings.folder
    yield _cache_folder()


def _cache_folder():
    import pooch  # slow to import, and not needed where data/ has the files

    return Path(pooch.os_cache("taming-depth"))


def _writable(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


# Downloading


def _download_all(folder, urls):
    """Bring every missing or damaged file into `folder`; return why that failed, or nothing."""
    for name in FILES:
        if _fault(folder, name):
            reason = _download(folder, name, urls)
            if reason:
                return f"{name} could not be downloaded ({reason})"
    return ""


def _download(folder, name, urls):
    """Try one address after the other; a file gets its name only when it is whole and checked."""
    reasons = []
    try:
        with tempfile.TemporaryDirectory(suffix=".part", dir=folder, ignore_cleanup_errors=True) as part:
            for url in urls:
                reason = _receive(url.rstrip("/") + "/" + name, Path(part) / name)
                if not reason and _fault(Path(part), name):
                    reason = "the file received is damaged"
                if not reason:
                    _put(Path(part) / name, folder)
                    return ""
                reasons.append(reason)
    except OSError:
        reasons.append("the file could not be written")
    return "; ".join(dict.fromkeys(reasons))


def _receive(url, path):
    """Write what `url` sends to `path`, under a progress bar; return why that failed, or nothing."""
    import pooch
    import requests
    from tqdm import tqdm

    # pooch sets the total when the server has told it; until then it must not be 0 or None
    with tqdm(desc=path.name, total=1, unit="B", unit_scale=True, leave=False) as bar:
        # "identity": a server must not unpack the file on the way, or its checksum changes
        headers = {"Accept-Encoding": "identity"}
        get = pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 16, timeout=TIMEOUT, headers=headers)
        try:
            get(url, str(path), None)
        except requests.HTTPError as error:
            return f"the server answered {error.response.status_code}"
        except requests.Timeout:
            return "the server did not answer in time"
        except requests.RequestException:
            return "the connection failed"
    return ""


def _put(path, folder):
    target = folder / path.name
    path.chmod(0o644)  # a teacher's download serves the whole class
    try:
        os.replace(path, target)
    except PermissionError:  # on Windows, while another process reads the file it has just put there itself
        if _fault(folder, path.name):
            raise


# Reading


@lru_cache(maxsize=1)
def _load(place):
    x_train, y_train = _raw.__wrapped__(place, "train")
    x_test, y_test = _raw.__wrapped__(place, "test")
    arrays = (_scale(x_train), y_train, _scale(x_test), y_test)
    for array in arrays:
        array.flags.writeable = False
    return FashionMnist(*arrays, source=place.source, notice=place.notice)


@lru_cache(maxsize=2)
def _raw(place, part, n=None):
    """The first `n` images (all, without `n`) as uint8 (n, 784), and their labels as int64 (n,)."""
    if place.folder is None:
        return standin.draw(n or {"train": TRAIN_SIZE, "test": 10_000}[part], part=part)
    name = {"train": "train", "test": "t10k"}[part]
    pixels = _read_idx(place.folder / f"{name}-images-idx3-ubyte.gz", n)
    labels = _read_idx(place.folder / f"{name}-labels-idx1-ubyte.gz", n)
    return pixels.reshape(len(pixels), -1), labels.astype(np.int64)


def _read_idx(path, n=None):
    """The first `n` items of an IDX file: two zero bytes, type (8: uint8), number of axes, sizes, then the bytes."""
    with gzip.open(path) as file:
        axes = file.read(4)[3]
        length, *shape = np.frombuffer(file.read(4 * axes), ">u4").tolist()
        count = length if n is None else min(n, length)
        items = np.frombuffer(file.read(count * int(np.prod(shape))), np.uint8)
    return items.reshape(count, *shape)


def _scale(pixels, dtype=np.float32):
    return pixels / np.dtype(dtype).type(255)
