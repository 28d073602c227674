"""Augmentation: random changes of training images that leave their labels right, or blend the labels too.

Images are (n, height, width) or (n, height, width, channels), pixels in [0, 1]. Every function draws anew for
each image from `rng`, and returns a new array of the same shape and type; its input is left as it was.
"""

from collections.abc import Callable

import numpy as np

SIDE = 28  # of a Fashion-MNIST image, in pixels


def flip(images, probability=0.5, *, rng: np.random.Generator) -> np.ndarray:
    """Return the images, each mirrored left to right with the given probability.

    Raises ValueError for a probability outside 0 … 1 (0 and 1 are allowed).
    """
    images = _checked(images)
    _require(0 <= probability <= 1, "probability", probability, "0 … 1")
    mirrored = rng.random(len(images)) < probability
    return np.where(_per_image(mirrored, images), images[:, :, ::-1], images)


def shift(images, reach, *, rng: np.random.Generator, fill=0.0) -> np.ndarray:
    """Return the images, each moved by whole pixels drawn from −reach … reach, down and to the right.

    What is uncovered gets `fill`. It is the same as to pad every side by `reach` and to cut out a random
    window of the old size (He et al. 2016, section 4.2). Raises ValueError for a reach outside 0 … the
    shorter side.
    """
    images = _checked(images)
    height, width = images.shape[1:3]
    _require(_is_whole(reach, 0, min(height, width)), "reach", reach, f"whole, 0 … {min(height, width)}")
    sides = [(0, 0), (reach, reach), (reach, reach), (0, 0)][: images.ndim]
    padded = np.pad(images, sides, constant_values=fill)
    return _windows(padded, height, width, rng)


def crop(images, size, *, rng: np.random.Generator) -> np.ndarray:
    """Return a random window of size × size pixels of each image, enlarged to the old size.

    The enlarged image takes the value of the nearest pixel. Cut from larger images, as in AlexNet (224 of 256
    pixels, Krizhevsky et al. 2012, section 4.1), windows need no enlarging. What is trained on windows is
    tested on the `middle` one. Raises ValueError for a size outside 1 … the shorter side.
    """
    images = _checked(images)
    height, width = images.shape[1:3]
    _require(_is_whole(size, 1, min(height, width)), "size", size, f"whole, 1 … {min(height, width)}")
    return _enlarged(_windows(images, size, size, rng), height, width)


def middle(images, size) -> np.ndarray:
    """Return the middle window of size × size pixels of each image, enlarged as by `crop`, for testing."""
    images = _checked(images)
    height, width = images.shape[1:3]
    _require(_is_whole(size, 1, min(height, width)), "size", size, f"whole, 1 … {min(height, width)}")
    top, left = (height - size) // 2, (width - size) // 2
    return _enlarged(images[:, top : top + size, left : left + size], height, width)


def brightness(images, strength, *, rng: np.random.Generator, low=0.0, high=1.0) -> np.ndarray:
    """Return the images, each with one number drawn from U(−strength, strength) · (high − low) added to it.

    The result is clipped to low … high. Raises ValueError for a strength outside 0 … 1.
    """
    images = _checked(images)
    _require(0 <= strength <= 1, "strength", strength, "0 … 1")
    added = rng.uniform(-strength, strength, len(images)) * (high - low)
    return np.clip(images + _per_image(added.astype(images.dtype), images), low, high)


def contrast(images, strength, *, rng: np.random.Generator, low=0.0, high=1.0) -> np.ndarray:
    """Return the images, each with its distance from its mean multiplied by U(1 − strength, 1 + strength).

    The result is clipped to low … high. Raises ValueError for a strength outside 0 … 1.
    """
    images = _checked(images)
    _require(0 <= strength <= 1, "strength", strength, "0 … 1")
    factor = _per_image(rng.uniform(1 - strength, 1 + strength, len(images)).astype(images.dtype), images)
    mean = images.mean(axis=(1, 2), keepdims=True)
    return np.clip(mean + factor * (images - mean), low, high)


def cutout(images, size, *, rng: np.random.Generator, fill=0.0) -> np.ndarray:
    """Return the images, each with a square of size × size pixels set to `fill`.

    The square's middle is any pixel, so that part of the square may lie outside (DeVries and Taylor 2017,
    section 3.1). Raises ValueError for a size that is negative or not whole.
    """
    images = _checked(images)
    _require(_is_whole(size, 0, np.inf), "size", size, "whole, 0 or more")
    height, width = images.shape[1:3]
    top, left = (rng.integers(side, size=len(images)) - size // 2 for side in (height, width))
    hidden = _boxes(images, top, top + size, left, left + size)
    return np.where(hidden, images.dtype.type(fill), images)


def mixup(images, y, alpha, *, rng: np.random.Generator, classes=10, others=None):
    """Return every image blended with another of the batch, and the labels blended alike.

    x̃ = λ x + (1 − λ) x', ỹ = λ y + (1 − λ) y' with λ ~ Beta(α, α) for each image, and the partners x', y' a
    random order of the batch (Zhang et al. 2018), or what stands at the same places of `others`, (images, y).
    `y` holds integer labels or distributions; distributions (n, classes) come back. Raises ValueError for an
    α that is not positive, or for labels that don't fit.
    """
    images, targets, weight, others = _to_blend(images, y, alpha, rng, classes, others)
    share = _per_image(weight.astype(images.dtype), images)
    return share * images + (1 - share) * others[0], _mixed(targets, weight, others[1])


def cutmix(images, y, alpha=1.0, *, rng: np.random.Generator, classes=10, others=None):
    """Return every image with a box pasted in from another, and labels blended by the pasted area.

    The box has the sides √(1 − λ) of the image's with λ ~ Beta(α, α), its middle is any pixel, and what of it
    lies outside does not count (Yun et al. 2019). Arguments and errors are those of `mixup`.
    """
    images, targets, weight, others = _to_blend(images, y, alpha, rng, classes, others)
    ends = []
    for side in images.shape[1:3]:
        length = np.round(side * np.sqrt(1 - weight)).astype(int)
        start = rng.integers(side, size=len(images)) - length // 2
        ends += [start, start + length]
    pasted = _boxes(images, *ends)
    kept = 1 - pasted.mean(axis=tuple(range(1, images.ndim)))
    return np.where(pasted, others[0], images), _mixed(targets, kept, others[1])


def pasted_share(alpha, side=SIDE, points=1000) -> float:
    """Return the expected share of its image that a box of `cutmix` covers, for images of side × side pixels.

    The part of a box that lies inside is averaged over all places of its middle, per side and then squared;
    this is averaged over λ at evenly spaced quantiles of Beta(α, α).
    """
    from scipy.special import betaincinv  # here, since its import takes 0.2 s

    weight = betaincinv(alpha, alpha, (np.arange(points) + 0.5) / points)
    length = np.round(side * np.sqrt(1 - weight)).astype(int)[:, None]
    start = np.arange(side) - length // 2
    covered = np.minimum(start + length, side) - np.maximum(start, 0)
    return float(np.mean((covered.mean(axis=1) / side) ** 2))


def as_distributions(y, n, classes=10, dtype=np.float64) -> np.ndarray:
    """Return labels as one distribution per example, (n, classes): integer labels put all mass on one class.

    Distributions are returned as they are. Raises ValueError for another shape, or labels out of range.
    """
    y = np.asarray(y)
    if y.ndim == 2 and y.shape == (n, classes):
        return y.astype(dtype)
    whole = y.shape == (n,) and np.issubdtype(y.dtype, np.integer)
    if not whole or (n and not (y.min() >= 0 and y.max() < classes)):
        raise ValueError(
            f"y must hold {n} labels from 0 to {classes - 1}, or shape ({n}, {classes}), got {y}"
        )
    return np.eye(classes, dtype=dtype)[y]


def for_training(*changes: Callable, blend: Callable | None = None, mean=0.0, std=1.0, side=SIDE) -> Callable:
    """Return `augment(x, y, rng=rng)` for `networks.training.train`: changes applied one after another.

    A change is a function `(images, rng=rng)`, such as `partial(shift, reach=2)`; `blend` comes last and
    takes the labels too, `(images, y, rng=rng)`, such as `partial(mixup, alpha=0.2)`. `x` is flat and
    standardized, (n, side²): its pixels are brought back to x · std + mean, changed, and standardized again.
    """

    def augment(x, y, *, rng):
        number = x.dtype.type
        images = (x * number(std) + number(mean)).reshape(-1, side, side)
        for change in changes:
            images = change(images, rng=rng)
        if blend:
            images, y = blend(images, y, rng=rng)
        return ((images.reshape(len(x), -1) - number(mean)) / number(std)).astype(x.dtype), y

    return augment


def _windows(images, height, width, rng):
    """A window of height × width at a random place of each image."""
    rows, columns = (
        rng.integers(whole - part + 1, size=(len(images), 1)) + np.arange(part)
        for whole, part in zip(images.shape[1:3], (height, width), strict=True)
    )
    return images[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]


def _enlarged(windows, height, width):
    """The windows at the size height × width, every pixel taking the value of the nearest one."""
    rows, columns = (
        ((np.arange(large) + 0.5) * small / large).astype(int)
        for large, small in zip((height, width), windows.shape[1:3], strict=True)
    )
    return windows[:, rows[:, None], columns]


def _boxes(images, top, bottom, left, right):
    """A mask in the shape of the images that is true in one box of each."""
    rows, columns = np.arange(images.shape[1]), np.arange(images.shape[2])
    vertical = (rows >= top[:, None]) & (rows < bottom[:, None])
    horizontal = (columns >= left[:, None]) & (columns < right[:, None])
    boxes = vertical[:, :, None] & horizontal[:, None, :]
    return np.broadcast_to(boxes.reshape(*boxes.shape, *[1] * (images.ndim - 3)), images.shape)


def _to_blend(images, y, alpha, rng, classes, others):
    """The images, their labels as distributions, the weight λ of each, and their partners with labels."""
    images = _checked(images)
    n = len(images)
    _require(0 < alpha < np.inf, "alpha", alpha, "positive, and finite")
    targets, weight = as_distributions(y, n, classes, images.dtype), rng.beta(alpha, alpha, n)
    if others is not None:
        return images, targets, weight, (others[0], as_distributions(others[1], n, classes, images.dtype))
    order = rng.permutation(n)
    return images, targets, weight, (images[order], targets[order])


def _mixed(targets, weight, others):
    share = weight[:, None].astype(targets.dtype)
    return share * targets + (1 - share) * others


def _checked(images):
    images = np.asarray(images)
    if images.ndim not in (3, 4) or not np.issubdtype(images.dtype, np.floating):
        raise ValueError(
            "images must be floats of shape (n, height, width[, channels]), "
            f"got {images.dtype} of shape {images.shape}"
        )
    return images


def _per_image(values, images):
    """One value per image, in a shape that meets the images."""
    return values.reshape(-1, *[1] * (images.ndim - 1))


def _is_whole(value, low, high):
    return float(value).is_integer() and low <= value <= high


def _require(condition, name, value, allowed):
    if not condition:
        raise ValueError(f"{name} must be {allowed}, got {value}")
