"""What keeps a network from learning its examples by heart: penalties on the weights, and dropout.

A penalty has `.loss(W)`, which is added to the loss, and `.gradient(W)`, which `helpers.network.train` adds
to the gradient. The forward functions of dropout return `(out, cache)` and the backward ones take that
cache; `rng` draws the mask.
"""

from dataclasses import dataclass
from math import copysign, sqrt
from typing import NamedTuple

import numpy as np

from helpers.activations import SELU_ALPHA, SELU_SCALE

SELU_FLOOR = (
    -SELU_SCALE * SELU_ALPHA
)  # what SELU gives far left: the value of a unit that alpha dropout drops
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

    With the cache of `vanilla_dropout_forward` it is dout · mask.
    """
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


def _check_strength(strength):
    if not 0 <= strength < np.inf:
        raise ValueError(f"strength must be 0 or more, and finite, got {strength}")


def _floating(x):
    x = np.asarray(x)
    return x if np.issubdtype(x.dtype, np.floating) else x.astype(np.float64)


def _draw_mask(x, rate, rng):
    check_rate(rate)
    return rng.random(x.shape) >= rate
