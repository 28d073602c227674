"""Numerical gradients: the slow, plain way to tell whether a derivative written by hand is right."""

import numpy as np

STEP = 1e-5  # near the cube root of float64's rounding error, where central differences are most exact


def numerical_gradient(loss, x, step=STEP) -> np.ndarray:
    """Return the gradient of `loss(x)` by central differences, (loss(x + s) − loss(x − s)) / 2s per entry.

    `loss` maps an array in the shape of `x` to one number. The error shrinks like s², the rounding
    noise grows like 1/s. `x` itself is not changed. Raises ValueError when `x` is not float64.
    """
    x = np.asarray(x)
    if x.dtype != np.float64:
        raise ValueError(f"central differences need float64, got {x.dtype}")
    gradient = np.empty_like(x)
    for place in np.ndindex(x.shape):
        gradient[place] = _difference(loss, x, place, step)
    return gradient


def relative_error(a, b) -> float:
    """Return ‖a − b‖ / max(‖a‖, ‖b‖), and 0 when both are 0. Raises ValueError when the shapes differ."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"gradients must have the same shape, got {a.shape} and {b.shape}")
    size = max(np.linalg.norm(a), np.linalg.norm(b))
    return float(np.linalg.norm(a - b) / size) if size else 0.0


def agrees(pairs, tolerance=1e-6) -> bool:
    """Say whether the `relative_error` of every pair of gradients is below the tolerance."""
    return all(relative_error(a, b) < tolerance for a, b in pairs)


def agreement(pairs, tolerance=1e-6) -> str:
    """Return in words how far several pairs of gradients differ: the largest `relative_error` of them.

    Below the tolerance only this is told, since the digits beyond are rounding, another on each processor.
    """
    worst = max(relative_error(a, b) for a, b in pairs)
    told = f"below {tolerance:g}" if worst < tolerance else f"{worst:.1e}, above {tolerance:g}"
    return f"largest relative difference: {told}"


def _difference(loss, x, place, step):
    above, below = x.copy(), x.copy()
    above[place] += step
    below[place] -= step
    return (loss(above) - loss(below)) / (2 * step)
