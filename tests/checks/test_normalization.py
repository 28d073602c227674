"""The checks of lesson 06: right answers pass, each known slip is met with its own reason."""

import numpy as np
import pytest

from helpers.checks import normalization as checks
from helpers.numerics.normalization import batch_norm_forward, fold


def forward(x, gamma, beta, eps):
    return batch_norm_forward(x, gamma, beta, eps)[0]


def by(axes, *, ddof=0, keep=False):
    """An answer that takes its statistics over other axes, or with another divisor."""

    def answer(x, gamma, beta, eps):
        over = axes(x) if callable(axes) else axes
        mean = x.mean(axis=over, keepdims=keep)
        std = np.sqrt(x.var(axis=over, ddof=ddof, keepdims=keep) + eps)
        return gamma * (x - mean) / std + beta

    return answer


def all_but_last(x):
    return tuple(range(x.ndim - 1))


def moments(x):
    return x.mean(axis=all_but_last(x)), x.var(axis=all_but_last(x))


def variant(formula):
    """An answer made from a formula of x, mean, variance, gamma, beta, eps."""
    return lambda x, gamma, beta, eps: formula(x, *moments(x), gamma, beta, eps)


def gradient(dout, x_hat, gamma, std, *, mean=1, along=1):
    return gamma / std * (dout - mean * dout.mean(0) - along * x_hat * (dout * x_hat).mean(0))


def update(mean, variance, batch, momentum):
    keep, new = momentum, 1 - momentum
    return keep * mean + new * batch.mean(0), keep * variance + new * batch.var(0)


def folded(W, b, gamma, beta, mean, variance, eps, *, ours=1, shift=1, plus=1):
    scale = gamma / np.sqrt(variance + eps)
    return W * scale, plus * beta + (ours * b - shift * mean) * scale


def kernel(formula):
    """An answer whose W is wrong, and whose b is right."""

    def answer(W, b, gamma, beta, mean, variance, eps):
        return formula(W, gamma, variance, eps), fold(W, b, gamma, beta, mean, variance, eps)[1]

    return answer


def bias(formula):
    """An answer whose W is right, and whose b is a formula of b, beta, mean and the scale."""

    def answer(W, b, gamma, beta, mean, variance, eps):
        scale = gamma / np.sqrt(variance + eps)
        return W * scale, formula(b, beta, mean, scale)

    return answer


RIGHT = [
    (checks.batch_norm, forward),
    (checks.batch_norm, by(all_but_last)),
    (checks.batch_norm, by(all_but_last, keep=True)),
    (checks.batch_norm_dx, gradient),
    (checks.keras_update, update),
    (checks.keras_update, lambda *inputs: list(update(*inputs))),
    (checks.folded, fold),
    (checks.folded, folded),
]

WRONG = [
    (checks.batch_norm, by(-1, keep=True), "layer normalization"),
    (checks.batch_norm, by(None), "of everything"),
    (checks.batch_norm, by(all_but_last, ddof=1), "unbiased"),
    (checks.batch_norm, by(0), "right for a dense layer"),
    (
        checks.batch_norm,
        lambda x, *rest: by(0)(x, *rest) if x.ndim == 2 else by((1, 2), keep=True)(x, *rest),
        "places of each image",
    ),
    (checks.batch_norm, variant(lambda x, m, v, g, b, e: g * (x - m) / (v**0.5 + e) + b), "under the root"),
    (checks.batch_norm, variant(lambda x, m, v, g, b, e: g * (x - m) / v**0.5 + b), "ε is missing"),
    (checks.batch_norm, variant(lambda x, m, v, g, b, e: g * (x - m) / (v + e) + b), "by the variance"),
    (checks.batch_norm, variant(lambda x, m, v, g, b, e: (x - m) / (v + e) ** 0.5), "γ and β"),
    (checks.batch_norm, variant(lambda x, m, v, g, b, e: g * (x - m) / (v + e) ** 0.5), "β is missing"),
    (checks.batch_norm, variant(lambda x, m, v, g, b, e: (x - m) / (v + e) ** 0.5 + b), "γ is missing"),
    (checks.batch_norm, variant(lambda x, m, v, g, b, e: g * x / (v + e) ** 0.5 + b), "mean is still in x"),
    (checks.batch_norm, variant(lambda x, m, v, g, b, e: g * ((x - m) / (v + e) ** 0.5 + b)), "β too"),
    (checks.batch_norm, batch_norm_forward, "the output alone"),
    (checks.batch_norm, lambda x, *rest: x + 1, "values of your output"),
    (checks.batch_norm, lambda x, *rest: x[0], "shape"),
    (checks.batch_norm_dx, lambda *a: gradient(*a, mean=0, along=0), "for constants"),
    (checks.batch_norm_dx, lambda *a: gradient(*a, along=0), "through the variance is missing"),
    (checks.batch_norm_dx, lambda *a: gradient(*a, mean=0), "through the mean is missing"),
    (checks.batch_norm_dx, lambda *a: gradient(*a, mean=-1, along=-1), "not added"),
    (checks.batch_norm_dx, lambda d, h, g, s: gradient(d, h, 1, s), "γ is missing"),
    (checks.batch_norm_dx, lambda d, h, g, s: gradient(d, h, g, 1), "division by the standard"),
    (checks.batch_norm_dx, lambda d, h, g, s: gradient(d, h, g, 1 / s), "you multiplied"),
    (checks.batch_norm_dx, lambda d, h, g, s: gradient(d, h, g, s**2), "by the variance"),
    (checks.batch_norm_dx, lambda d, h, g, s: gradient(d, h, 1, 1), "in front of everything"),
    (checks.batch_norm_dx, lambda d, h, g, s: gradient(d, h, g, s, mean=5, along=5), "you took sums"),
    (checks.batch_norm_dx, lambda d, h, g, s: g / s * (d - d.mean(0) - (d * h).mean(0)), "lacks its x̂"),
    (
        checks.batch_norm_dx,
        lambda d, h, g, s: g / s * (d - d.mean(0) - d * (d * h).mean(0)),
        "not dout times",
    ),
    (checks.batch_norm_dx, lambda *a: gradient(*a).T, "transposed"),
    (checks.keras_update, lambda m, v, b, k: update(m, v, b, 1 - k), "PyTorch's convention"),
    (checks.keras_update, lambda m, v, b, k: (b.mean(0), b.var(0)), "batch's mean alone"),
    (checks.keras_update, lambda m, v, b, k: (m, v), "has not moved"),
    (checks.keras_update, lambda m, v, b, k: (m + 0.1 * b.mean(0), v), "add up to 1"),
    (checks.keras_update, lambda m, v, b, k: (0.9 * m + b.mean(0), v), "add up to 1"),
    (checks.keras_update, lambda m, v, b, k: ((m + b.mean(0)) / 2, v), "plain average"),
    (checks.keras_update, lambda m, v, b, k: (update(m, v, b, k)[0], v), "the variance has not moved"),
    (
        checks.keras_update,
        lambda m, v, b, k: (update(m, v, b, k)[0], k * v + (1 - k) * b.var(0, ddof=1)),
        "which PyTorch stores",
    ),
    (
        checks.keras_update,
        lambda m, v, b, k: (update(m, v, b, k)[0], (1 - k) * v + k * b.var(0, ddof=1)),
        "PyTorch's update",
    ),
    (
        checks.keras_update,
        lambda m, v, b, k: (update(m, v, b, k)[0], k * v + (1 - k) * b.std(0)),
        "averaged the standard deviation",
    ),
    (checks.keras_update, lambda m, v, b, k: m, "a pair"),
    (checks.keras_update, lambda m, v, b, k: update(m, v, b, k)[::-1], "your mean"),
    (checks.folded, kernel(lambda W, g, v, e: W), "W is unchanged"),
    (checks.folded, kernel(lambda W, g, v, e: W * (g / np.sqrt(v + e))[:, None]), "rows"),
    (checks.folded, kernel(lambda W, g, v, e: W / np.sqrt(v + e)), "γ is missing"),
    (checks.folded, kernel(lambda W, g, v, e: W * g), "division by sqrt"),
    (checks.folded, kernel(lambda W, g, v, e: W * g / (v + e)), "by the variance"),
    (checks.folded, kernel(lambda W, g, v, e: W * g / np.sqrt(v)), "ε is missing"),
    (checks.folded, kernel(lambda W, g, v, e: W / g * np.sqrt(v + e)), "upside down"),
    (checks.folded, bias(lambda b, beta, m, s: b), "b is unchanged"),
    (checks.folded, lambda *a: folded(*a, ours=0), "own b is missing"),
    (checks.folded, lambda *a: folded(*a, shift=0), "mean is missing"),
    (checks.folded, lambda *a: folded(*a, shift=-1), "not added"),
    (checks.folded, lambda *a: folded(*a, plus=0), "β is missing"),
    (checks.folded, bias(lambda b, beta, m, s: beta + b - m * s), "scaled as well"),
    (checks.folded, bias(lambda b, beta, m, s: beta + b - m), "scaling is missing"),
    (checks.folded, bias(lambda b, beta, m, s: (beta + b - m) * s), "not scaled itself"),
    (checks.folded, lambda W, *rest: W, "a pair"),
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_right_answers_pass(check, answer):
    verdict = check(answer)
    assert verdict.right, verdict


@pytest.mark.parametrize(("check", "answer", "why"), WRONG)
def test_wrong_answers_are_told_why(check, answer, why):
    verdict = check(answer)
    assert verdict.status == "not yet", verdict
    assert why in verdict.message
