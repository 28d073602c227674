"""How long the valley of a loss is: its condition number, and the steps that gradient descent needs in it.

Near its minimum a loss is a bowl, ½ eᵀ H e with e = w − w*, whose curvatures are the eigenvalues λ of the
Hessian H. The steepest direction limits the learning rate, the flattest then sets the pace. For the least
squares loss ½ mean((x · w + b − t)²) the Hessian is the matrix of the inputs' second moments: it depends on
the inputs alone, and so on their preprocessing.
"""

from math import ceil, inf, log, log1p

import numpy as np

SINGULAR = 1e-14  # an eigenvalue below this share of the largest is rounding: the valley has no end


def second_moments(x, bias=True) -> np.ndarray:
    """Return H = XᵀX / n of inputs (n, features), X having a further column of ones for the bias if wanted.

    It is the Hessian of ½ mean((x · w + b − t)²), with the bias as the last of its parameters.
    """
    X = _with_ones(x) if bias else np.asarray(x, np.float64)
    return X.T @ X / len(X)


def condition_number(hessian) -> float:
    """Return κ = λ_max / λ_min of a symmetric matrix: 1 for a round bowl, inf for a valley without an end."""
    low, *_, high = _eigenvalues(hessian)
    return float(high / low) if low > SINGULAR * high else inf


def safe_rate(hessian) -> float:
    """Return η = 1 / λ_max: the steepest direction gets to its minimum in one step (2 / λ_max diverges)."""
    return float(1 / _eigenvalues(hessian)[-1])


def predicted_steps(kappa, factor=1e-3) -> float:
    """Return the steps after which the slowest error is `factor` of its start: ln(factor) / ln(1 − 1/κ).

    At the rate 1 / λ_max each step multiplies the error in direction i by 1 − λ_i / λ_max, which for the
    slowest is 1 − 1/κ. For large κ the steps are about κ ln(1 / factor). Whole steps; inf for κ = inf.
    Raises ValueError for κ below 1 or a factor outside 0 … 1.
    """
    if not kappa >= 1:
        raise ValueError(f"kappa must be 1 or more, got {kappa}")
    if not 0 < factor < 1:
        raise ValueError(f"factor must lie between 0 and 1, got {factor}")
    if kappa in (1, inf):
        return float(kappa)
    return float(ceil(log(factor) / log1p(-1 / kappa)))


def measured_steps(x, t, factor=1e-3, most=10**6) -> float:
    """Return the steps that gradient descent on ½ mean((x · w + b − t)²) takes, from w = 0, b = 0.

    They are counted until the distance to the minimum, over w and b together, is `factor` of what it was; inf
    where `most` steps don't suffice. `x` is (n, features), `t` (n,). The rate is 1 / λ_max.
    """
    X, hessian = _with_ones(x), second_moments(x)
    slope, rate = X.T @ np.asarray(t, np.float64) / len(X), safe_rate(hessian)
    best = np.linalg.lstsq(X, t, rcond=None)[0]
    w, limit = np.zeros(len(best)), factor * np.linalg.norm(best)
    for step in range(most + 1):
        if np.linalg.norm(w - best) <= limit:
            return float(step)
        w -= rate * (hessian @ w - slope)
    return inf


def descent(hessian, start, steps) -> np.ndarray:
    """Return the errors w − w* of `steps` steps of gradient descent at the rate 1 / λ_max, (steps + 1, d)."""
    rate, errors = safe_rate(hessian), [np.asarray(start, np.float64)]
    for _ in range(steps):
        errors.append(errors[-1] - rate * (hessian @ errors[-1]))
    return np.array(errors)


def _with_ones(x):
    x = np.asarray(x, np.float64)
    return np.column_stack([x, np.ones(len(x))])


def _eigenvalues(hessian):
    """The eigenvalues of a symmetric matrix, smallest first; raises ValueError for one without curvature."""
    hessian = np.asarray(hessian, np.float64)
    if not np.allclose(hessian, hessian.T):
        raise ValueError("the matrix must be symmetric")
    values = np.linalg.eigvalsh(hessian)
    if not values[-1] > 0:
        raise ValueError(f"the matrix has no positive eigenvalue: the largest is {values[-1]}")
    return values
