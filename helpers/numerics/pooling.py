"""Fractional max pooling: regions of one and two pixels in random order (Graham 2014)."""

from typing import NamedTuple

import numpy as np


class Regions(NamedTuple):
    """What one pass of fractional pooling needs to remember: the images, and their regions.

    `rows` and `columns` hold the pixels of each region along one side, (regions, 1 to 3); a region that is
    shorter than others repeats its last pixel.
    """

    images: np.ndarray
    rows: np.ndarray
    columns: np.ndarray


def random_borders(inputs, outputs, *, rng: np.random.Generator) -> np.ndarray:
    """Return outputs + 1 borders from 0 to `inputs`, whose steps are ones and twos in random order.

    Region k holds the pixels from border k up to, but not including, border k + 1 (Graham 2014, section 2).
    Raises ValueError unless inputs / 2 ≤ outputs ≤ inputs.
    """
    steps = np.repeat([2, 1], _twos_and_ones(inputs, outputs))
    return np.concatenate([[0], np.cumsum(rng.permutation(steps))])


def even_borders(inputs, outputs) -> np.ndarray:
    """Return borders as even as whole numbers allow, ⌊k · inputs / outputs⌋: nothing about them is random."""
    _twos_and_ones(inputs, outputs)
    return np.arange(outputs + 1) * inputs // outputs


def fractional_max_pool_forward(images, size, *, overlapping=True, rng: np.random.Generator | None = None):
    """Return the largest pixel of each of size × size random regions, and the cache.

    Images are (n, height, width) or (n, height, width, channels), the output (n, size, size) and so on.
    Regions are 1 or 2 pixels high and wide, the same for the whole batch and all channels; where they
    overlap, each takes one more row and column, which it shares with the next. Without `rng` they are even,
    as testing uses them. Graham 2014. Raises ValueError for a size below half the images' or above it, or
    for images of another shape.
    """
    images = np.asarray(images)
    if images.ndim not in (3, 4):
        raise ValueError(f"images must have shape (n, height, width[, channels]), got {images.shape}")
    draw = even_borders if rng is None else lambda *sizes: random_borders(*sizes, rng=rng)
    return pool_regions(images, *(draw(side, size) for side in images.shape[1:3]), overlapping=overlapping)


def pool_regions(images, rows, columns, *, overlapping=True):
    """Return max pooling over the regions between given borders, and the cache, as the function above."""
    down, across = (_pixels_of(borders, overlapping) for borders in (rows, columns))
    low = np.max([images[:, pixels] for pixels in down.T], axis=0)  # the largest in each column
    return np.max([low[:, :, pixels] for pixels in across.T], axis=0), Regions(images, down, across)


def fractional_max_pool_backward(dout, cache: Regions) -> np.ndarray:
    """Return the images' gradient: each region's goes to its largest pixel, and sums up if two share it."""
    images, rows, columns = cache
    flat = images.reshape(*images.shape[:3], -1)
    windows = flat[:, rows[:, None, :, None], columns[None, :, None, :]]
    best = windows.reshape(*windows.shape[:3], -1, flat.shape[3]).argmax(axis=3)
    example, row, column, channel = np.indices(best.shape, sparse=True)
    down, across = np.divmod(best, columns.shape[1])
    places = (example, rows[row, down], columns[column, across], channel)
    winners = np.ravel_multi_index(places, flat.shape).ravel()
    return np.bincount(winners, dout.ravel(), images.size).reshape(images.shape).astype(dout.dtype)


def _pixels_of(borders, overlapping):
    """The pixels of each region along one side, (regions, 1 to 3)."""
    last = np.minimum(borders[1:] - (not overlapping), borders[-1] - 1)
    reach = np.arange(np.max(last - borders[:-1]) + 1)
    return np.minimum(borders[:-1, None] + reach, last[:, None])


def _twos_and_ones(inputs, outputs):
    """How many steps of two and of one make `outputs` steps that add up to `inputs`."""
    if not (float(outputs).is_integer() and 1 <= outputs <= inputs <= 2 * outputs):
        raise ValueError(f"size must be whole and lie in {-(-inputs // 2)} … {inputs}, got {outputs}")
    return inputs - outputs, 2 * outputs - inputs
