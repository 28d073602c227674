"""The images, real or stand-in, and the stored results of the long runs."""

from helpers.data.fashion_mnist import (
    CLASS_NAMES,
    TRAIN_MEAN,
    TRAIN_SIZE,
    TRAIN_STD,
    VALIDATION_SIZE,
    FashionMnist,
    Split,
    fetch,
    find,
    load_batch,
    load_fashion_mnist,
    load_split,
    notice,
    shared_batch,
)

__all__ = [
    "CLASS_NAMES",
    "TRAIN_MEAN",
    "TRAIN_SIZE",
    "TRAIN_STD",
    "VALIDATION_SIZE",
    "FashionMnist",
    "Split",
    "fetch",
    "find",
    "load_batch",
    "load_fashion_mnist",
    "load_split",
    "notice",
    "shared_batch",
]
