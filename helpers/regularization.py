"""Dropout, forward and backward: units switched off at random in training, and left alone in testing.

The forward functions return `(out, cache)` and the backward ones take that cache; `rng` draws the mask.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np

from helpers.activations import SELU_ALPHA, SELU_SCALE

SELU_FLOOR = (
    -SELU_SCALE * SELU_ALPHA
)  # what SELU gives far left: the value of a unit that alpha dropout drops


class Mask(NamedTuple):
    """What one pass of dropout needs to remember: which units are kept, and the factor put on them."""

    kept: np.ndarray
    factor: float


def dropout_forward(x, rate, *, rng: np.random.Generator):
    """Return inverted dropout of `x` and its cache: x · mask / (1 − rate), so that E[out] = x.

    Each entry is kept with the probability 1 − rate (Srivastava et al. 2014). Raises ValueError for a rate
    outside 0 … 1; at 1 nothing could be kept.
    """
    x = _floating(x)
    mask = Mask(_draw_mask(x, rate, rng), 1 / (1 - rate))
    return x * mask.kept * x.dtype.type(mask.factor), mask


def dropout_backward(dout, mask: Mask):
    """Return dx = dout · mask / (1 − rate): the gradient is blocked where a unit is off."""
    dout = _floating(dout)
    return dout * mask.kept * dout.dtype.type(mask.factor)


def alpha_dropout_forward(x, rate, *, rng: np.random.Generator):
    """Return alpha dropout of `x` and its cache; mean 0 and variance 1 come out as they went in.

    A dropped unit gets SELU's floor s = −λα in place of 0, then all is scaled and shifted: out = a·x̃ + b with
    a = ((1 − p)(1 + p s²))^(−1/2) and b = −a p s, for the rate p (Klambauer et al. 2017, section 3). Raises
    ValueError for a rate outside 0 … 1.
    """
    x = _floating(x)
    kept = _draw_mask(x, rate, rng)
    a = 1 / sqrt((1 - rate) * (1 + rate * SELU_FLOOR**2))
    number = x.dtype.type
    out = number(a) * np.where(kept, x, number(SELU_FLOOR)) - number(a * rate * SELU_FLOOR)
    return out, Mask(kept, a)


def alpha_dropout_backward(dout, mask: Mask):
    """Return dx = a · dout where a unit was kept, else 0."""
    return dropout_backward(dout, mask)


def check_rate(rate) -> None:
    """Raise ValueError for a rate of dropout that is not 0 or more and below 1."""
    if not 0 <= rate < 1:
        raise ValueError(f"rate must be 0 or more and below 1, got {rate}")


def _floating(x):
    x = np.asarray(x)
    return x if np.issubdtype(x.dtype, np.floating) else x.astype(np.float64)


def _draw_mask(x, rate, rng):
    check_rate(rate)
    return rng.random(x.shape) >= rate
