"""The networks inside one network with dropout: every mask leaves another one, and all share their weights.

With few units all masks can be listed, so that their average is exact and not sampled. A mask is a row of
True (kept) and False (dropped), one for each hidden unit, layer after layer.
"""

import numpy as np

from helpers.activations import relu
from helpers.regularization import check_rate

MOST_UNITS = 16  # 65,536 masks


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
