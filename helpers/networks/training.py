"""Gradient descent on mini-batches, and the two ways to clip a gradient."""

from math import sqrt

import numpy as np


def clip_by_norm(gradients, limit):
    """Return the gradients, those of all parameters shrunk together to a joint norm of at most `limit`.

    `gradients` are those of an `MLP` or of a `Stack`. Pascanu et al. 2013, algorithm 1: above the limit every
    gradient is multiplied by limit / norm. Raises ValueError for a limit that is not positive.
    """
    factor = _factor(gradients.of_parameters(), limit)
    return gradients.mapped(lambda g: g * g.dtype.type(factor))


def clip_each(gradients, limit):
    """Return the gradients, each array shrunk by itself to a norm of at most `limit`: Keras's `clipnorm`.

    Unlike a joint norm it lets no layer take the others' share. Raises ValueError for a limit that is not
    positive.
    """
    return gradients.mapped(lambda g: g * g.dtype.type(_factor([g], limit)))


def _factor(arrays, limit):
    """What brings the joint norm of some arrays down to the limit; 1 where it is not above it.

    In float32 the squares of exploded gradients overflow: the norm would be inf, and every gradient 0.
    """
    if not limit > 0:
        raise ValueError(f"limit must be positive, got {limit}")
    norm = sqrt(sum(np.square(g, dtype=np.float64).sum() for g in arrays))
    return min(1.0, limit / norm) if norm else 1.0


def train(
    model,
    x,
    y,
    *,
    learning_rate,
    steps,
    batch_size=32,
    clip_norm=None,
    penalty=None,
    augment=None,
    rng,
    after_step=None,
):
    """Return the mini-batch loss of each of `steps` steps of stochastic gradient descent.

    `model` is an `MLP` or a `Stack`. Each epoch visits the examples in a new random order.
    `augment(x, y, rng=rng)` returns the changed mini-batch that a step uses; labels may become distributions
    (see `cross_entropy`). `penalty.gradient(W)` is added to the gradient of every weight array, as
    `helpers.numerics.penalties` has them; the losses returned are without it. `clip_norm` bounds the
    gradient's norm; `after_step(step, loss, gradients)` may watch. Overflow is not hidden: the loss turns inf
    or nan. Raises ValueError for a batch larger than the data.
    """
    if not 1 <= batch_size <= len(x):
        raise ValueError(f"batch_size must lie in 1 … {len(x)}, got {batch_size}")
    losses = []
    with np.errstate(all="ignore"):
        for step, rows in zip(range(steps), _mini_batches(len(x), batch_size, rng), strict=False):
            batch = augment(x[rows], y[rows], rng=rng) if augment else (x[rows], y[rows])
            loss, gradients = model.loss_and_gradients(*batch)
            used = gradients if penalty is None else model.penalized(gradients, penalty)
            model.step(used if clip_norm is None else clip_by_norm(used, clip_norm), learning_rate)
            losses.append(loss)
            if after_step:
                after_step(step, loss, gradients)
    return np.array(losses)


def _mini_batches(n, batch_size, rng):
    """Endless index arrays: whole mini-batches of one random order after another."""
    while True:
        order = rng.permutation(n)
        for start in range(0, n - batch_size + 1, batch_size):
            yield order[start : start + batch_size]
