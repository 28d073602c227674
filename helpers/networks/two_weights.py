"""Gradient descent with batches of any size, on a loss surface of two weights that a picture can show.

The model is one neuron with two inputs, p = σ(w₁ x₁ + w₂ x₂): the probability that an image shows a shirt
and not a dress. It sees two numbers of each image, the brightness of its middle and of its sides.
"""

from functools import lru_cache

import numpy as np

from helpers import data
from helpers.numerics.activations import sigmoid

CLASSES = ("Dress", "Shirt")  # labels 0 and 1
EXAMPLES = 256
MIDDLE, SIDES = slice(10, 18), (slice(0, 7), slice(21, 28))  # columns of an image, out of 28
SEARCHED = 20 * EXAMPLES  # images among which there are surely enough of two classes out of ten


@lru_cache(maxsize=1)
def brightness_of_dresses_and_shirts() -> tuple[np.ndarray, np.ndarray]:
    """Return x (256, 2), mean brightness of middle and sides, standardized, and y (256,), 1 for a shirt.

    The images are the first of the two classes among the training images. Both columns have mean 0 and
    variance 1. The arrays are read-only, since all callers share them.
    """
    images, labels = data.load_batch(SEARCHED, standardize=False, dtype=np.float64)
    kinds = [data.CLASS_NAMES.index(name) for name in CLASSES]
    chosen = np.flatnonzero(np.isin(labels, kinds))[:EXAMPLES]
    rows = images[chosen].reshape(-1, 28, 28).mean(axis=1)
    sides = np.concatenate([rows[:, part] for part in SIDES], axis=1)
    x = np.stack([rows[:, MIDDLE].mean(axis=1), sides.mean(axis=1)], axis=1)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    y = (labels[chosen] == kinds[1]).astype(float)
    x.flags.writeable = y.flags.writeable = False
    return x, y


def logistic_loss(w, x, y) -> np.ndarray:
    """Return the mean of −log p(right class), with p = σ(x @ w) for class 1, at one or many points w.

    `w` has the shape (…, 2), the result (…). It is log(1 + e^z) − y z, which does not overflow.
    """
    z = np.asarray(w) @ x.T
    return np.mean(np.logaddexp(0, z) - y * z, axis=-1)


def logistic_gradient(w, x, y) -> np.ndarray:
    """Return the gradient of `logistic_loss` at one point: the mean of (p − y) x over the examples given."""
    return (sigmoid(x @ w) - y) @ x / len(y)


def batches(count, size, rng) -> list[np.ndarray]:
    """Return one epoch: the numbers 0 … count − 1, shuffled, in batches of `size`; the last may be smaller.

    Raises ValueError for a size that is not between 1 and `count`.
    """
    if not 1 <= size <= count:
        raise ValueError(f"the batch size must lie between 1 and {count}, got {size}")
    order = rng.permutation(count)
    return [order[start : start + size] for start in range(0, count, size)]


def descend(x, y, *, batch_size, rate, epochs, start, rng) -> np.ndarray:
    """Return the path of w, (updates + 1, 2), under w ← w − rate · gradient, one update per batch."""
    path = [np.array(start, dtype=float)]
    for _ in range(epochs):
        for batch in batches(len(y), batch_size, rng):
            path.append(path[-1] - rate * logistic_gradient(path[-1], x[batch], y[batch]))
    return np.array(path)


def lowest_point(x, y) -> np.ndarray:
    """Return the w of lowest loss, by Newton's method: the surface is convex, so there is only one."""
    w = np.zeros(x.shape[1])
    for _ in range(30):
        p = sigmoid(x @ w)
        curvature = (x.T * (p * (1 - p))) @ x / len(y)
        w = w - np.linalg.solve(curvature, logistic_gradient(w, x, y))
    return w
