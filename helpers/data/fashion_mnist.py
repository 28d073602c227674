"""Fashion-MNIST: found, checked, loaded; and drawn stand-ins where the real images cannot be had.

The images are looked for in this order:

1. the folder named by the environment variable FASHION_MNIST_DIR (a relative path counts from the project);
2. the project's folder `data/`, or the user's cache folder where `data/` cannot be written to;
3. the network: downloaded once, into that folder;
4. a stand-in drawn by `helpers.data.standin`, which says that it is one.

Every file is checked by its SHA-256 before it is used. FASHION_MNIST_URL replaces the addresses to download
from (one or more base addresses, separated by spaces); TAMING_DEPTH_OFFLINE=1 forbids downloading.
"""

import gzip
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from helpers.data import standin
from helpers.data.files import at_hand, current_settings, place_of

CLASS_NAMES = tuple(name for name, _, _ in standin.OUTLINES)
TRAIN_SIZE = 60_000
VALIDATION_SIZE = 5_000  # the first of the training images, as in the reference run of lesson 08
REMINDER = "Drawn stand-in images, not the real Fashion-MNIST."  # on a figure; the whole story is a `notice`
TRAIN_MEAN, TRAIN_STD = 0.286041, 0.353024  # of all training pixels in [0, 1]; measured again in the tests


@dataclass(frozen=True, repr=False, eq=False)
class FashionMnist:
    """The training and test images, their labels, and where they come from.

    `x_train` (60000, 784) and `x_test` (10000, 784) are float32 in [0, 1], 0 being background; `y_train` and
    `y_test` are int64, and `class_names[label]` is the name of a class. The arrays are read-only, because all
    callers share them. `source` is "environment", "folder", "download" or "stand-in"; `notice` is empty for
    the real images and otherwise says why these are not the real ones.
    Source: Xiao, Rasul, Vollgraf (2017), arXiv:1708.07747.
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
    return _load(place_of(current_settings()))


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
    if n not in range(1, TRAIN_SIZE + 1):
        raise ValueError(f"n is {n}; allowed are 1 to {TRAIN_SIZE:,} training images")
    n = int(n)
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype is {np.dtype(dtype).name}; allowed are float32 and float64")
    place = place_of(current_settings())
    pixels, labels = _remembered(place, "train", n if rng is None else TRAIN_SIZE)
    if rng is not None:
        chosen = rng.choice(len(labels), n, replace=False)
        pixels, labels = pixels[chosen], labels[chosen]
    x = _scale(pixels, dtype)
    if standardize:
        mean, std = (TRAIN_MEAN, TRAIN_STD) if place.folder else (standin.TRAIN_MEAN, standin.TRAIN_STD)
        x -= mean
        x /= std
    return x, labels.copy()


def shared_batch(n=1000, *, standardize=True, dtype=np.float32):
    """Return what `load_batch` loads, made once and read-only, for figures that ask for it at every step."""
    return _shared(place_of(current_settings()), n, standardize, np.dtype(dtype))


@lru_cache(maxsize=8)
def _shared(_place, n, standardize, dtype):
    batch = load_batch(n, standardize=standardize, dtype=dtype)
    for array in batch:
        array.flags.writeable = False
    return batch


@dataclass(frozen=True, repr=False, eq=False)
class Split:
    """Training, validation and test images, every pixel standardized by its training mean and deviation.

    `x`, `x_valid` and `x_test` are float32 (n, 784), the labels int64 (n,).
    """

    x: np.ndarray
    y: np.ndarray
    x_valid: np.ndarray
    y_valid: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def __repr__(self):
        return (
            f"{len(self.x):,} training, {len(self.x_valid):,} validation and {len(self.x_test):,} test images"
        )


def load_split(n=TRAIN_SIZE - VALIDATION_SIZE, *, standardize=True) -> Split:
    """Load the images in three parts: 5,000 to validate, `n` of the other 55,000 to train, and the test.

    With `standardize` each pixel gets z = (x − mean) / std over the training part alone; a pixel that never
    changes there is divided by 1. Raises ValueError for `n` outside 1 … 55,000.
    """
    if n not in range(1, TRAIN_SIZE - VALIDATION_SIZE + 1):
        raise ValueError(f"n is {n}; allowed are 1 to {TRAIN_SIZE - VALIDATION_SIZE:,} training images")
    images, end = load_fashion_mnist(), VALIDATION_SIZE + int(n)
    parts = [images.x_train[VALIDATION_SIZE:end], images.x_train[:VALIDATION_SIZE], images.x_test]
    if standardize:
        mean, std = parts[0].mean(axis=0, dtype=np.float64).astype(np.float32), parts[0].std(axis=0)
        changes = parts[0].min(axis=0) < parts[0].max(axis=0)  # rounding gives even a constant a small std
        parts = [(part - mean) / np.where(changes, std, 1) for part in parts]
    labels = [images.y_train[VALIDATION_SIZE:end], images.y_train[:VALIDATION_SIZE], images.y_test]
    return Split(*(array for pair in zip(parts, labels, strict=True) for array in pair))


def find() -> str:
    """Tell which source would be used, without downloading or loading anything.

    Returns "environment", "folder", "download" or "stand-in". "download" is an intention: where the network
    fails, the images will be the stand-in. Raises what `load_fashion_mnist` raises.
    """
    settings = current_settings()
    place = at_hand(settings)
    return place.source if place else "stand-in" if settings.offline else "download"


def fetch() -> str:
    """Have the files ready, downloading them if need be, and tell the source that is really used.

    Returns "environment", "folder", "download" or "stand-in". Raises what `load_fashion_mnist` raises.
    """
    return place_of(current_settings()).source


def notice() -> str:
    """Return a line to show on a figure of stand-in images; empty for the real ones."""
    return REMINDER if place_of(current_settings()).source == "stand-in" else ""


@lru_cache(maxsize=1)
def _load(place):
    (x_train, y_train), (x_test, y_test) = _read(place, "train"), _read(place, "test")
    arrays = (_scale(x_train), y_train, _scale(x_test), y_test)
    for array in arrays:
        array.flags.writeable = False
    return FashionMnist(*arrays, source=place.source, notice=place.notice)


@lru_cache(maxsize=2)
def _remembered(place, part, n):
    """What `_read` gives, kept for the next batch."""
    return _read(place, part, n)


def _read(place, part, n=None):
    """The first `n` images (all, without `n`) as uint8 (n, 784), and their labels as int64 (n,)."""
    if place.folder is None:
        return standin.draw(n or {"train": TRAIN_SIZE, "test": 10_000}[part], part=part)
    name = {"train": "train", "test": "t10k"}[part]
    pixels = _read_idx(place.folder / f"{name}-images-idx3-ubyte.gz", n)
    labels = _read_idx(place.folder / f"{name}-labels-idx1-ubyte.gz", n)
    return pixels.reshape(len(pixels), -1), labels.astype(np.int64)


def _read_idx(path, n=None):
    """The first `n` items of an IDX file: two zero bytes, type, number of axes, their sizes, the items."""
    with gzip.open(path) as file:
        axes = file.read(4)[3]
        length, *shape = np.frombuffer(file.read(4 * axes), ">u4").tolist()
        count = length if n is None else min(n, length)
        items = np.frombuffer(file.read(count * int(np.prod(shape))), np.uint8)
    return items.reshape(count, *shape)


def _scale(pixels, dtype=np.float32):
    return pixels / np.dtype(dtype).type(255)
