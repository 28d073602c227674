"""Gaussian averages: what an activation makes of a normal variable, exact and as a table for live figures.

In a wide layer with random weights each pre-activation is a sum of many independent terms, and so normal.
All that `theory` says comes from three averages at z = √q ξ with ξ ~ N(0, 1): E[f], E[f²] and E[f'²].
"""

from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from helpers.numerics.activations import get_activation

_TAIL = 12.0  # beyond 12 standard deviations a normal variable has a probability of 1e-33
_LOG_Q, _LOG_Q_STEP = np.linspace(-46, 30, 1521, retstep=True)  # ln q of the tables: q from 1e-20 to 1e13


def _half_line():
    """Nodes and weights on (0, ∞) by the exp-sinh rule t = exp(π/2 sinh s): dense near 0, where kinks are."""
    s, step = np.linspace(-3.9, 1.65, 220, retstep=True)
    t = np.exp(np.pi / 2 * np.sinh(s))
    return t, step * np.pi / 2 * np.cosh(s) * t


_T, _DT = _half_line()


def expectation(g, variance, mean=0.0) -> np.ndarray:
    """Return E[g(z)] for z ~ N(mean, variance), to about 1e-12 for a `g` that is smooth but for a kink at 0.

    `variance` and `mean` broadcast; the result has their shape. Raises ValueError for a negative variance.
    """
    variance, mean = np.broadcast_arrays(np.asarray(variance, float), np.asarray(mean, float))
    if (variance < 0).any():
        raise ValueError(f"a variance can't be negative, got {variance.min()}")
    std, mean = np.sqrt(variance)[..., None], mean[..., None]
    kink = np.clip(-mean / np.maximum(std, 1e-300), -_TAIL / 2, _TAIL / 2)  # where z crosses 0
    xi = np.concatenate([kink - _T[::-1], kink + _T], axis=-1)
    weight = np.concatenate([_DT[::-1], _DT]) * np.exp(-(xi**2) / 2) / np.sqrt(2 * np.pi)
    return np.sum(weight * g(mean + std * np.clip(xi, -40, 40)), axis=-1)


def mean_square(activation, q) -> np.ndarray:
    """Return E[f(√q ξ)²], the mean square of what an activation gives at the pre-activation variance q."""
    f = get_activation(activation).f
    return expectation(lambda z: f(z) ** 2, q)


def mean_square_slope(activation, q) -> np.ndarray:
    """Return E[f'(√q ξ)²], the mean square of an activation's slope at the pre-activation variance q."""
    df = get_activation(activation).df
    return expectation(lambda z: df(z) ** 2, q)


class Moments(NamedTuple):
    """E[f], E[f²] and E[f'²] at the pre-activation variance q."""

    first: np.ndarray
    second: np.ndarray
    slope_square: np.ndarray


@lru_cache(maxsize=32)
def gaussian_moments(activation):
    """Return a function q → `Moments`, interpolated from a table made once: quick enough for a live figure.

    The relative error of E[f²], E[f'²] and of the standard deviation √(E[f²] − E[f]²) is below 2e-4; use
    `expectation` where more digits count. A q of 0 or inf is allowed.
    """
    q = np.exp(_LOG_Q)
    second, slope = mean_square(activation, q), mean_square_slope(activation, q)
    # E[f] in units of the root mean square, so that the small spread of a sigmoid about 1/2 keeps its digits
    share = expectation(get_activation(activation).f, q) / np.sqrt(second)
    look_up_second, look_up_slope = _power_law_table(second), _power_law_table(slope)

    def moments(q):
        with np.errstate(divide="ignore", over="ignore"):
            log_q = np.clip(np.log(q), -1000, 1000)
            square = look_up_second(log_q)
            return Moments(np.interp(log_q, _LOG_Q, share) * np.sqrt(square), square, look_up_slope(log_q))

    return moments


def _power_law_table(values):
    """A function ln q → value, straight lines between the logarithms, continued at both ends of the table:
    for very small and very large q each moment is a power of q."""
    logs = np.log(values)
    first_slope, *_, last_slope = np.diff(logs) / _LOG_Q_STEP

    def look_up(log_q):
        below, above = np.minimum(log_q - _LOG_Q[0], 0), np.maximum(log_q - _LOG_Q[-1], 0)
        return np.exp(np.interp(log_q, _LOG_Q, logs) + first_slope * below + last_slope * above)

    return look_up


@lru_cache(maxsize=1)
def normal_levels(mixed=20, points=400) -> np.ndarray:
    """Return `points` quantiles of N(0, 1) for each of `mixed` variables, shape (mixed, points).

    Each variable's levels lie a little on from the one's before, so that no two in a mixture fall together.
    """
    levels = (np.arange(points) + (np.arange(mixed)[:, None] + 0.5) / mixed) / points
    xi = np.vectorize(NormalDist().inv_cdf)(levels)
    xi.flags.writeable = False
    return xi
