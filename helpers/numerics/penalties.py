"""Penalties on the weights, so that a network can't learn its examples by heart: L1, L2, and their solutions.

A penalty has `.loss(W)`, which is added to the loss, and `.gradient(W)`, which
`helpers.networks.training.train` adds to the gradient.
"""

from dataclasses import dataclass
from math import copysign

import numpy as np

SWEEPS, PATIENCE = 1000, 10  # rounds of coordinate descent at most, and between two looks at the signs
SETTLED = 1e-8  # the share by which a pull may differ from λ


@dataclass(frozen=True)
class L2:
    """The penalty λ · Σ W² (ridge), with λ = `strength`; raises ValueError for a negative one.

    This is Keras's convention. Others write λ/2 · Σ W², whose gradient is λ W: their λ is twice ours.
    """

    strength: float

    def __post_init__(self):
        _check_strength(self.strength)

    def loss(self, W) -> float:
        """Return λ · Σ W²."""
        return self.strength * float(np.square(W, dtype=np.float64).sum())

    def gradient(self, W):
        """Return 2 λ W: a pull toward 0 in proportion to each weight."""
        return W * W.dtype.type(2 * self.strength)


@dataclass(frozen=True)
class L1:
    """The penalty λ · Σ |W| (lasso), with λ = `strength`; raises ValueError for a negative one.

    Tibshirani 1996. As in Keras.
    """

    strength: float

    def __post_init__(self):
        _check_strength(self.strength)

    def loss(self, W) -> float:
        """Return λ · Σ |W|."""
        return self.strength * float(np.abs(W).sum(dtype=np.float64))

    def gradient(self, W):
        """Return λ sign(W): the same pull toward 0 for every weight, and none at 0."""
        return np.sign(W) * W.dtype.type(self.strength)


def soft_threshold(W, amount):
    """Return sign(W) · max(|W| − amount, 0): W moved toward 0, and exactly 0 where it would cross it.

    After a step of gradient descent without the penalty, and with amount = η λ, it is the exact step for L1
    (the proximal step; Parikh and Boyd 2014, section 6.5.2). Raises ValueError for a negative amount.
    """
    if not amount >= 0:
        raise ValueError(f"amount must be 0 or more, got {amount}")
    return np.sign(W) * np.maximum(np.abs(W) - amount, 0)


def ridge(hessian, best, strength) -> np.ndarray:
    """Return the lowest point w of ½ (w − best)ᵀ H (w − best) + λ Σ w², which is (H + 2 λ I)⁻¹ H best.

    `hessian` is H (d, d), symmetric, `best` (d,) the lowest point of the loss alone. Along an eigenvector of
    H with the eigenvalue h, the point is h / (h + 2 λ) of the way out: L2 shrinks most what the loss holds
    least. Raises ValueError for a negative strength.
    """
    _check_strength(strength)
    if strength == 0:  # H itself may be singular
        return np.array(best, np.float64)
    H = np.asarray(hessian, np.float64)
    return np.linalg.solve(H + 2 * strength * np.eye(len(H)), H @ best)


def lasso(hessian, best, strength, sweeps=SWEEPS) -> np.ndarray:
    """Return the lowest point w of ½ (w − best)ᵀ H (w − best) + λ Σ |w|, by coordinate descent.

    Each weight in turn goes to its own lowest point, a soft threshold (Friedman et al. 2007). Once the signs
    and zeros are right, the rest is a linear system, which ends it; `sweeps` bounds the rounds. A weight that
    the loss does not hold at all is 0. All else as in `ridge`.
    """
    _check_strength(strength)
    H, w = np.asarray(hessian, np.float64), np.array(best, np.float64)
    slope, curvature = H @ w, np.diag(H)
    if strength == 0:
        return w
    for sweep in range(sweeps):
        for i in range(len(w)):
            pulled = slope[i] - H[i] @ w + curvature[i] * w[i]
            left = abs(pulled) - strength  # the soft threshold of one number, quicker than for an array
            w[i] = copysign(left, pulled) / curvature[i] if left > 0 and curvature[i] else 0.0
        if sweep % PATIENCE == 0 and (exact := _with_signs_of(w, H, slope, strength)) is not None:
            return exact
    return w


def _with_signs_of(w, hessian, slope, strength):
    """The lasso's solution if its signs and zeros are those of `w`, else None."""
    on, signs, exact = w != 0, np.sign(w), np.zeros_like(w)
    exact[on] = np.linalg.lstsq(hessian[np.ix_(on, on)], (slope - strength * signs)[on])[0]
    pull, limit = slope - hessian @ exact, strength * (1 + SETTLED)
    held = np.allclose(pull[on], strength * signs[on], rtol=SETTLED)
    return exact if held and (np.abs(pull) <= limit).all() and (np.sign(exact) == signs).all() else None


def _check_strength(strength):
    if not 0 <= strength < np.inf:
        raise ValueError(f"strength must be 0 or more, and finite, got {strength}")
