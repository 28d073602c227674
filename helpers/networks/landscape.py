"""The loss around a network: what it does along a straight line through the space of all weights."""

import numpy as np

from helpers.networks.mlp import cross_entropy


def random_direction(model, rng: np.random.Generator) -> list:
    """Return a random direction: one normal matrix per layer, as long as that layer's own weights.

    A step of 1 along it then changes small and large weights alike by their own size (Li et al. 2018,
    section 4, here for whole layers). A layer of zeros has no size and stays put.
    """
    draws = [rng.standard_normal(W.shape) for W in model.weights]
    return [D * (np.linalg.norm(W) / np.linalg.norm(D)) for D, W in zip(draws, model.weights, strict=True)]


def losses_along(model, direction, distances, x, y) -> np.ndarray:
    """Return the mean cross-entropy at `W + t · D` for every t in `distances`; the model is not changed."""
    start = model.weights
    try:
        losses = []
        for t in distances:
            model.weights = [W + t * D for W, D in zip(start, direction, strict=True)]
            losses.append(cross_entropy(model.forward(x).logits, y)[0])
        return np.array(losses)
    finally:
        model.weights = start


def turns(losses) -> int:
    """Return how often a sampled curve changes from rising to falling or back."""
    signs = np.sign(np.diff(losses))
    signs = signs[signs != 0]
    return int(np.count_nonzero(signs[1:] != signs[:-1]))
