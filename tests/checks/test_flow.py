"""The checks of lesson 02: right answers pass, each known slip is met with its own reason."""

import numpy as np
import pytest

from helpers.checks import flow
from helpers.numerics.activations import sigmoid, sigmoid_derivative
from helpers.numerics.theory import chi


def back(dz_last, weights, slopes, step=lambda dz, W, slope, later: dz @ W.T * slope):
    found = [dz_last]
    for W, slope, later in zip(weights[::-1], slopes[-2::-1], slopes[:0:-1], strict=True):
        found.insert(0, step(found[0], W, slope, later))
    return found


def sampled_chi(df, sigma_w2, q):
    z = np.sqrt(q) * np.random.default_rng(3).standard_normal(200_000)
    return sigma_w2 * np.mean(df(z) ** 2)


def integrated_chi(df, sigma_w2, q):
    z = np.linspace(-9, 9, 20_001)
    weight = np.exp(-(z**2) / 2)
    return sigma_w2 * np.sum(weight * df(np.sqrt(q) * z) ** 2) / weight.sum()


def clip(gradients, limit):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    return [g * min(1, limit / norm) for g in gradients]


def each_alone(gradients, limit):
    return [g * min(1, limit / max(np.linalg.norm(g), 1e-9)) for g in gradients]


def draws(df, shape, sigma_w2, q):
    return sigma_w2 * np.mean(df(shape(q) * np.random.default_rng(0).standard_normal(200_000)) ** 2)


RIGHT = [
    (flow.stable_slope, sigmoid_derivative),
    (flow.stable_slope, lambda z: np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2),
    (flow.stable_slope, lambda z: 0.25 / np.cosh(z / 2) ** 2),
    (flow.gradients_back, back),
    (flow.gradients_back, lambda *given: tuple(back(*given))),
    (flow.chi_factor, sampled_chi),
    (flow.chi_factor, integrated_chi),
    (flow.edge_of_leaky_relu, lambda a: 2 / (1 + a**2)),
    (flow.edge_of_leaky_relu, lambda a: 2 / np.mean([1 + a**2])),
    (flow.clip_together, clip),
    (flow.clip_together, lambda g, limit: tuple(clip(g, limit))),
]

WRONG = [
    (flow.stable_slope, sigmoid, "σ(z) itself"),
    (flow.stable_slope, lambda z: sigmoid(z) * (1 - sigmoid(z)), "1 − σ(51) is 0"),
    (flow.stable_slope, lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2, "overflows"),
    (flow.stable_slope, lambda z: 1 - sigmoid(z), "1 − σ(z)"),
    (flow.stable_slope, lambda z: np.exp(-np.abs(z)), "at z = 0 it is 1"),
    (flow.stable_slope, lambda z: (1 - np.tanh(z / 2) ** 2) / 4, "slope at z = 51 is 0"),
    (flow.stable_slope, lambda z: 4 * sigmoid_derivative(z), "4 times"),
    (flow.gradients_back, lambda dz, Ws, s: back(dz, Ws, s)[::-1], "reverse order"),
    (flow.gradients_back, lambda dz, Ws, s: back(dz, Ws[::-1], s), "from first to last"),
    (flow.gradients_back, lambda dz, Ws, s: back(dz, Ws, s)[:-1], "dz_last belongs to it"),
    (flow.gradients_back, lambda dz, Ws, s: back(dz, Ws, s, lambda d, W, f, g: d @ W.T), "forgot the slopes"),
    (flow.gradients_back, lambda dz, Ws, s: back(dz, Ws, s, lambda d, W, f, g: d @ W * f), "transposed"),
    (flow.gradients_back, lambda dz, Ws, s: back(dz, Ws, s, lambda d, W, f, g: d @ W.T * g), "comes from"),
    (flow.gradients_back, lambda dz, Ws, s: back(dz, Ws, s, lambda d, W, f, g: (d * g) @ W.T), "first come"),
    (flow.gradients_back, lambda dz, Ws, s: dz, "list"),
    (flow.gradients_back, lambda dz, Ws, s: [dz], "1 arrays"),
    (flow.chi_factor, lambda df, w, q: sampled_chi(df, 1, q), "forgot σ_w²"),
    (flow.chi_factor, lambda df, w, q: sampled_chi(df, np.sqrt(w), q), "σ_w; χ"),
    (
        flow.chi_factor,
        lambda df, w, q: draws(lambda z: np.sqrt(df(z)), np.sqrt, w, q),
        "average of its square",
    ),
    (flow.chi_factor, lambda df, w, q: draws(df, lambda q: q, w, q), "standard deviation is √q"),
    (flow.chi_factor, lambda df, w, q: sampled_chi(df, w, 1), "does not depend on q"),
    (flow.chi_factor, lambda df, w, q: np.sqrt(sampled_chi(df, w, q)), "√χ"),
    (flow.chi_factor, lambda df, w, q: sampled_chi(df, w, q) / 2, "half"),
    (flow.chi_factor, lambda df, w, q: 5.0, "is wanted"),
    (flow.edge_of_leaky_relu, lambda a: 2.0, "ReLU's value"),
    (flow.edge_of_leaky_relu, lambda a: 2 / (1 + a), "by its square"),
    (flow.edge_of_leaky_relu, lambda a: 1 / (1 + a**2), "probability 1/2"),
    (flow.edge_of_leaky_relu, lambda a: (1 + a**2) / 2, "inverse"),
    (flow.edge_of_leaky_relu, lambda a: np.sqrt(2 / (1 + a**2)), "that is σ_w"),
    (flow.edge_of_leaky_relu, lambda a: np.array([2.0]), "shape"),
    (flow.clip_together, lambda g, limit: g, "nothing was clipped"),
    (flow.clip_together, lambda g, limit: [np.clip(a, -limit, limit) for a in g], "turns the direction"),
    (flow.clip_together, each_alone, "each array by itself"),
    (flow.clip_together, lambda g, limit: [a * limit / 169 for a in g], "squared norm"),
    (flow.clip_together, lambda g, limit: [a / 13 for a in g], "scaled to norm 1"),
    (flow.clip_together, lambda g, limit: [a * limit / 19 for a in g], "absolute values"),
    (
        flow.clip_together,
        lambda g, limit: [a * limit / np.sqrt(sum(np.sum(b**2) for b in g)) for a in g],
        "stretched",
    ),
    (flow.clip_together, lambda g, limit: np.concatenate([a.ravel() for a in g]), "list of arrays"),
    (flow.clip_together, lambda g, limit: clip(g, limit)[:1], "1 arrays"),
    (flow.clip_together, lambda g, limit: [a.ravel() for a in clip(g, limit)], "shapes must not change"),
]
CHECKS = sorted({check for check, _ in RIGHT}, key=lambda check: check.__name__)


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_a_right_answer_passes(check, answer):
    verdict = check(answer)
    assert verdict.right, verdict


@pytest.mark.parametrize(("check", "answer", "reason"), WRONG)
def test_a_wrong_answer_is_told_why(check, answer, reason):
    verdict = check(answer)
    assert verdict.status == "not yet"
    assert reason in verdict.message, verdict


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("answer", [lambda *given: 1 / 0, lambda *given: "text", 7, lambda: 1])
def test_an_answer_that_fails_is_not_yet(check, answer):
    verdict = check(answer)
    assert verdict.status == "not yet"
    assert verdict.message


def test_every_hint_on_chi_fits_one_activation_at_least():
    """The check tries three activations since some slips change nothing for one of them."""
    relu = sampled_chi(lambda z: (z > 0) * 1.0, 3.0, 1.0)
    assert np.isclose(relu, chi("relu", 0.5, 3.0), rtol=0.02)  # forgetting q is right for ReLU
    assert "does not depend on q" in flow.chi_factor(lambda df, w, q: sampled_chi(df, w, 1)).message
