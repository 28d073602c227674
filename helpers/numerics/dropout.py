"""Dropout in all its forms: of units, of weights (DropConnect), of whole branches (stochastic depth).

Each disturbs a pass in training at random, and has a counterpart for testing that does on average what
training does. A forward function returns `(out, cache)`, its backward function takes that cache; `rng`
draws what is dropped. Every mask leaves another network, and all share their weights: with few units
`all_masks` lists them, so that their average is exact and not sampled.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np

from helpers.numerics.activations import SELU_FLOOR, relu

MOST_UNITS = 16  # whose masks are listed: 65,536


class Mask(NamedTuple):
    """What one pass of dropout needs to remember: which units are kept, and the factor put on them."""

    kept: np.ndarray
    factor: float


def check_rate(rate) -> None:
    """Raise ValueError for a rate of dropout that is not 0 or more and below 1."""
    if not 0 <= rate < 1:
        raise ValueError(f"rate must be 0 or more and below 1, got {rate}")


def check_survival(survival) -> None:
    """Raise ValueError for a survival probability outside 0 … 1."""
    if not 0 <= survival <= 1:
        raise ValueError(f"survival must lie in 0 … 1, got {survival}")


# Of units


def dropout_forward(x, rate, *, rng: np.random.Generator):
    """Return inverted dropout of `x` and its cache: x · mask / (1 − rate), so that E[out] = x.

    Each entry is kept with the probability 1 − rate (Srivastava et al. 2014). Raises ValueError for a rate
    outside 0 … 1; at 1 nothing could be kept.
    """
    x = _floating(x)
    mask = Mask(_draw_mask(x, rate, rng), 1 / (1 - rate))
    return x * mask.kept * x.dtype.type(mask.factor), mask


def vanilla_dropout_forward(x, rate, *, rng: np.random.Generator):
    """Return dropout of `x` as first published, and its cache: x · mask, so that E[out] = (1 − rate) x.

    In testing `vanilla_dropout_testing` makes up for it (Hinton et al. 2012). Raises ValueError for a rate
    outside 0 … 1.
    """
    x = _floating(x)
    mask = Mask(_draw_mask(x, rate, rng), 1.0)
    return x * mask.kept, mask


def vanilla_dropout_testing(x, rate):
    """Return (1 − rate) · x: every unit is on, scaled by the probability with which it was kept in training.

    It is its own way back: the gradient of x is `vanilla_dropout_testing(dout, rate)`.
    """
    check_rate(rate)
    x = _floating(x)
    return x * x.dtype.type(1 - rate)


def dropout_backward(dout, mask: Mask):
    """Return dx = dout · mask / (1 − rate): the gradient is blocked where a unit is off.

    With the cache of `vanilla_dropout_forward` it is dout · mask, with that of `alpha_dropout_forward` a
    · dout · mask.
    """
    dout = _floating(dout)
    return dout * mask.kept * dout.dtype.type(mask.factor)


def alpha_dropout_forward(x, rate, *, rng: np.random.Generator):
    """Return alpha dropout of `x` and its cache; mean 0 and variance 1 come out as they went in.

    A dropped unit gets SELU's floor s = −λα in place of 0, then all is scaled and shifted: out = a·x̃ + b
    with a = ((1 − p)(1 + p s²))^(−1/2) and b = −a p s, for the rate p (Klambauer et al. 2017, section 3).
    Raises ValueError for a rate outside 0 … 1.
    """
    x = _floating(x)
    kept = _draw_mask(x, rate, rng)
    a = 1 / sqrt((1 - rate) * (1 + rate * SELU_FLOOR**2))
    number = x.dtype.type
    out = number(a) * np.where(kept, x, number(SELU_FLOOR)) - number(a * rate * SELU_FLOOR)
    return out, Mask(kept, a)


# Of weights


class Connections(NamedTuple):
    """What one pass of DropConnect needs to remember: x, the weights that were used, and their mask.

    The mask is None in testing, where all weights are used.
    """

    x: np.ndarray
    W: np.ndarray
    mask: Mask | None


def drop_connect_forward(x, W, b=None, rate=0.5, *, rng: np.random.Generator):
    """Return z = x @ (W ⊙ mask / (1 − rate)) + b and its cache: dropout of weights, E[z] = x @ W + b.

    One mask serves the whole batch; the paper draws one per example, and scales in testing (Wan et al. 2013,
    section 3). Raises ValueError for a rate outside 0 … 1; at 1 nothing could be kept.
    """
    kept, mask = dropout_forward(W, rate, rng=rng)
    z = x @ kept
    return (z if b is None else z + b), Connections(x, kept, mask)


def drop_connect_backward(dz, cache: Connections):
    """Return (dx, dW, db): dx = dz W̃ᵀ with the weights W̃ that were used, dW = xᵀ dz ⊙ mask / (1 − rate)."""
    dW = cache.x.T @ dz
    dW = dW if cache.mask is None else dropout_backward(dW, cache.mask)
    return dz @ cache.W.T, dW, dz.sum(axis=0)


# Of branches


def stochastic_depth_forward(h, branch, survival, *, rng: np.random.Generator):
    """Return h + B · branch and B, which is 1 with the probability `survival`, else 0, for the whole batch.

    `branch` is F(h), in the shape of h (Huang et al. 2016, equation 2). A network need not compute it when
    B is 0; `helpers.networks.stack.Skip` does not. Back, the branch gets B · dout and the skip hands all on.
    Raises ValueError for a survival outside 0 … 1.
    """
    check_survival(survival)
    alive = float(rng.random() < survival)
    return h + h.dtype.type(alive) * branch, alive


def stochastic_depth_testing(h, branch, survival):
    """Return h + survival · branch, the mean of what training gives for this h (equation 5)."""
    check_survival(survival)
    return h + h.dtype.type(survival) * branch


def linear_decay(blocks, last=0.5) -> np.ndarray:
    """Return every block's survival p_l = 1 − (l / L)(1 − p_L), l = 1 … L (Huang et al. 2016, equation 4).

    Early blocks, whose features all later ones use, survive more often. Raises ValueError for fewer than one
    block, or a `last` outside 0 … 1.
    """
    check_survival(last)
    if blocks < 1:
        raise ValueError(f"blocks must be 1 or more, got {blocks}")
    return 1 - np.arange(1, blocks + 1) / blocks * (1 - last)


# All masks at once


def all_masks(units: int) -> np.ndarray:
    """Return every mask of so many units, shape (2^units, units); raises ValueError outside 1 … 16 units."""
    if not 1 <= units <= MOST_UNITS:
        raise ValueError(f"units must lie in 1 … {MOST_UNITS}, got {units}")
    return (np.arange(2**units)[:, None] >> np.arange(units)) & 1 == 1


def mask_probabilities(masks, rate) -> np.ndarray:
    """Return the probability of each mask: the product over its units of 1 − rate if kept, else rate."""
    check_rate(rate)
    return np.where(masks, 1 - rate, rate).prod(axis=1)


def thinned_layers(x, weights, masks, factor=1.0, f=relu) -> list[np.ndarray]:
    """Return the activations of all layers, under every mask at once, from the hidden ones to the output.

    `x` (inputs,) is one example and `weights` the matrices of a network without biases. The activation `f`
    of each hidden layer is multiplied by its part of the mask and by `factor`: 1 / (1 − rate) for inverted
    dropout, 1 for vanilla dropout. The output is linear. Each array has shape (masks, units). Raises
    ValueError where the masks have another number of units.
    """
    widths = [W.shape[1] for W in weights[:-1]]
    if np.shape(masks)[1] != sum(widths):
        raise ValueError(f"masks must have {sum(widths)} units, got {np.shape(masks)[1]}")
    layers, h = [], np.broadcast_to(x, (len(masks), len(x)))
    for W, kept in zip(weights, np.split(masks, np.cumsum(widths)[:-1], axis=1), strict=False):
        h = factor * kept * f(h @ W)
        layers.append(h)
    return [*layers, h @ weights[-1]]


def thinned_outputs(x, weights, masks, factor=1.0, f=relu) -> np.ndarray:
    """Return the output of `thinned_layers` alone, shape (masks, outputs)."""
    return thinned_layers(x, weights, masks, factor, f)[-1]


def _floating(x):
    x = np.asarray(x)
    return x if np.issubdtype(x.dtype, np.floating) else x.astype(np.float64)


def _draw_mask(x, rate, rng):
    check_rate(rate)
    return rng.random(x.shape) >= rate
