"""Where the four files of Fashion-MNIST are: looked for, checked, and downloaded where they are missing.

The order: the folder named by FASHION_MNIST_DIR; the project's folder `data/`, or the user's cache folder
where `data/` cannot be written to; the network. A file that is not byte for byte the published one is
never used. Downloading is pooch's: it shows the progress, checks the SHA-256, and gives a file its name
only when it is whole.
"""

import hashlib
import os
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[2]
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
TIMEOUT = (3, 10)  # seconds to connect and to wait for more: without network nobody should wait for long

NOTICE = (
    "These are not the real Fashion-MNIST images but drawn ones, because {reason}. To get the real ones, "
    "connect to the internet or follow data/README.md, then restart the kernel."
)


class Settings(NamedTuple):
    """What decides where the files come from: three environment variables and the project's folder."""

    directory: str
    urls: tuple[str, ...]
    offline: bool
    folder: Path


class Place(NamedTuple):
    """Where the files are: `source` as in `FashionMnist`, the folder (None: the stand-in), and a notice."""

    source: str
    folder: Path | None = None
    notice: str = ""


def current_settings():
    """Read the settings from the environment, anew each time."""
    return Settings(
        directory=os.environ.get("FASHION_MNIST_DIR", ""),
        urls=tuple(os.environ.get("FASHION_MNIST_URL", "").split()) or URLS,
        offline=os.environ.get("TAMING_DEPTH_OFFLINE", "") not in ("", "0"),
        folder=FOLDER,
    )


# Where the images are


@lru_cache
def place_of(settings):
    """The place with the checked files, downloaded if need be, or the stand-in; found out once per process.

    Raises:
        FileNotFoundError: if FASHION_MNIST_DIR is set and a file is missing there.
        ValueError: if FASHION_MNIST_DIR is set and a file there is not the published one.
    """
    place = at_hand(settings)
    if place:
        return place
    reason = "downloading is switched off by TAMING_DEPTH_OFFLINE"
    if not settings.offline:
        folder = next(filter(_writable, _folders(settings)), None)
        reason = _download_all(folder, settings.urls) if folder else "no folder can be written to"
        if not reason:
            return Place("download", folder)
    broken = [f"{name} in data/ is damaged" for name in FILES if _fault(settings.folder, name) == "damaged"]
    return Place("stand-in", notice=NOTICE.format(reason=" and ".join([*broken, reason])))


def at_hand(settings):
    """The place that needs no download, or None; raises what `place_of` raises."""
    if settings.directory:
        folder = PROJECT / Path(settings.directory).expanduser()
        _insist(folder)
        return Place("environment", folder)
    for folder in _folders(settings):
        if not any(_fault(folder, name) for name in FILES):
            return Place("folder", folder)
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
        reasons = []
        for url in urls:  # the second address stands in for a second try
            reason = _download(folder, name, url)
            if not reason:
                break
            reasons.append(reason)
        else:
            return f"{name} could not be downloaded ({'; '.join(dict.fromkeys(reasons))})"
    return ""


def _download(folder, name, url):
    """Have one file in `folder`, from `url` where it is not there yet; return why that failed, or nothing."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # the progress bar says enough
    headers = {"Accept-Encoding": "identity"}  # a server must not unpack the file on the way
    get = pooch.HTTPDownloader(progressbar=True, chunk_size=1 << 16, timeout=TIMEOUT, headers=headers)
    store = pooch.create(folder, url.rstrip("/") + "/", registry=FILES)
    try:
        store.fetch(name, downloader=get, processor=_share)
    except requests.HTTPError as error:
        return f"the server answered {error.response.status_code}"
    except requests.Timeout:
        return "the server did not answer in time"
    except requests.RequestException:
        return "the connection failed"
    except ValueError:
        return "the file received is damaged"
    except OSError:  # on Windows, too, while another process reads the file that it has put there itself
        return "the file could not be written" if _fault(folder, name) else ""
    return ""


def _share(path, action, store):
    """Let others read what was downloaded: a teacher's download serves the whole class."""
    if action != "fetch":
        os.chmod(path, 0o644)
    return path
