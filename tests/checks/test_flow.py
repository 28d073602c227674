"""The checks of lesson 02: right answers pass, each known slip is met with its own reason."""

import numpy as np
import pytest

from helpers.checks import flow
from helpers.numerics.activations import sigmoid, sigmoid_derivative
from helpers.numerics.theory import chi


def naive(z):
    return 1 / (1 + np.exp(-z))


def back(weights, h, dz, carry=lambda dz, W, h: dz @ W.T * (1 - h**2), divide=1):
    dW = [h[-1].T @ dz / divide]
    for layer in range(len(weights) - 1, 0, -1):
        dz = carry(dz, weights[layer], h[layer])
        dW.insert(0, h[layer - 1].T @ dz / divide)
    return dW


def back_with_loops(weights, h, dz):
    found = [None] * len(weights)
    for layer in reversed(range(len(weights))):
        found[layer] = np.einsum("bi,bj->ij", h[layer], dz)
        if layer:
            dz = np.einsum("bj,ij->bi", dz, weights[layer]) * (1 - h[layer] ** 2)
    return tuple(found)


def all_dz(weights, h, dz):
    found = [dz]
    for W, out in zip(weights[:0:-1], h[:0:-1], strict=True):
        found.insert(0, found[0] @ W.T * (1 - out**2))
    return found


def branches(z):
    return np.where(z > 0, np.exp(-z) / (1 + np.exp(-z)) ** 2, np.exp(z) / (1 + np.exp(z)) ** 2)


def read(h=2.0, dz=2.0, because="B"):
    return {"h": h, "dz": dz, "because": because}


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
    (flow.best_share, lambda depth: 0.25 ** (depth - 1)),
    (flow.best_share, lambda depth: 4.0 ** (1 - depth)),
    (flow.best_share, lambda depth: float(np.prod([0.25] * (depth - 1)))),
    (flow.stable_slope, sigmoid_derivative),
    (flow.stable_slope, lambda z: np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2),
    (flow.stable_slope, lambda z: sigmoid(z) * sigmoid(-z)),  # of a sigmoid that doesn't overflow
    (flow.stable_slope, lambda z: np.exp(-np.logaddexp(0, z) - np.logaddexp(0, -z))),
    (flow.backward, back),
    (flow.backward, back_with_loops),
    (flow.read_flow, read()),
    (flow.read_flow, read(1.9, 2.1, "b ")),
    (flow.level, [0.3] + [1.03] * 9),
    (flow.level, np.array([0.3] + [1.04] * 9)),
    (flow.chi_factor, sampled_chi),
    (flow.chi_factor, integrated_chi),
    (flow.edge_of_leaky_relu, lambda a: 2 / (1 + a**2)),
    (flow.edge_of_leaky_relu, lambda a: 2 / np.mean([1 + a**2])),
    (flow.clip_together, clip),
    (flow.clip_together, lambda g, limit: tuple(clip(g, limit))),
]

WRONG = [
    (flow.best_share, lambda depth: 0.25**depth, "nine steps, not ten"),
    (flow.best_share, lambda depth: 0.25 ** (depth + 1), "two factors too many"),
    (flow.best_share, lambda depth: 0.25 ** (depth - 2), "too few"),
    (flow.best_share, lambda depth: 0.25 * (depth - 1), "added"),
    (flow.best_share, lambda depth: 0.25 / depth, "divided once"),
    (flow.best_share, lambda depth: 0.25 / (depth - 1), "divided once"),
    (flow.best_share, lambda depth: 4.0 ** (depth - 1), "inverse"),
    (flow.best_share, lambda depth: 1 - 0.25 ** (depth - 1), "that is lost"),
    (flow.best_share, lambda depth: 0.5 ** (depth - 1), "σ(0)"),
    (flow.best_share, lambda depth: 0.75 ** (depth - 1), "takes away"),
    (flow.best_share, lambda depth: 0.0625 ** (depth - 1), "squared length"),
    (flow.best_share, lambda depth: (depth - 1) * np.log10(0.25), "power of ten"),
    (flow.best_share, lambda depth: 0.25**9, "must depend on `depth`"),
    (flow.best_share, lambda depth: -(0.25 ** (depth - 1)), "positive"),
    (flow.best_share, lambda depth: 0.25 ** max(depth - 1, 1), "no step"),
    (flow.stable_slope, sigmoid, "σ(z) itself"),
    (flow.stable_slope, lambda z: sigmoid(z) * (1 - sigmoid(z)), "1 − σ(51) is 0"),
    (flow.stable_slope, lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2, "overflows"),
    (flow.stable_slope, lambda z: np.exp(z) / (1 + np.exp(z)) ** 2, "z = 800"),
    (flow.stable_slope, lambda z: 1 - sigmoid(z), "1 − σ(z)"),
    (flow.stable_slope, lambda z: np.exp(-np.abs(z)), "at z = 0 it is 1"),
    (flow.stable_slope, lambda z: np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))), "one factor"),
    (flow.stable_slope, lambda z: np.exp(-np.abs(z)) / (1 + np.exp(-2 * np.abs(z))), "whole denominator"),
    (flow.stable_slope, lambda z: (1 - np.tanh(z / 2) ** 2) / 4, "slope at z = 51 is 0"),
    (flow.stable_slope, lambda z: 1 - np.tanh(z) ** 2, "slope of tanh"),
    (flow.stable_slope, lambda z: 4 * sigmoid_derivative(z), "4 times"),
    (flow.stable_slope, lambda z: 1 / (2 + np.exp(z) + np.exp(-z)), "1 / ∞"),
    (flow.stable_slope, lambda z: 1 / (4 * np.cosh(z / 2) ** 2), "1 / ∞"),
    (flow.stable_slope, lambda z: naive(z) * naive(-z), "1 / ∞"),
    (flow.stable_slope, branches, "np.where computes both"),
    (flow.backward, all_dz, "that is dz"),
    (flow.backward, lambda *given: back(*given)[::-1], "reverse order"),
    (flow.backward, lambda *given: back(*given)[1:], "layer 1 both have one"),
    (flow.backward, lambda *given: back(*given)[-1:], "1 arrays"),
    (flow.backward, lambda *given: [dW.T for dW in back(*given)], "transposed"),
    (flow.backward, lambda W, h, dz: back(W, h, dz, lambda d, W, h: d @ W.T), "forgot the slopes"),
    (
        flow.backward,
        lambda W, h, dz: back(W, h, dz, lambda d, W, h: d @ W.T * h * (1 - h)),
        "sigmoid's slope",
    ),
    (flow.backward, lambda W, h, dz: back(W, h, dz, lambda d, W, h: d @ W.T * (1 - h)), "with the square"),
    (
        flow.backward,
        lambda W, h, dz: back(W, h, dz, lambda d, W, h: d @ W.T * (1 - np.tanh(h) ** 2)),
        "no second tanh",
    ),
    (flow.backward, lambda W, h, dz: back(W, h, dz, lambda d, W, h: d @ W.T * h), "h itself"),
    (flow.backward, lambda W, h, dz: back(W, h, dz, divide=7), "once more"),
    (flow.backward, lambda W, h, dz: back(W, h, dz, divide=-1), "points uphill"),
    (flow.backward, lambda W, h, dz: back(W, h, dz)[-1], "arrays"),
    (flow.read_flow, read(h=0.5), "upside down"),
    (flow.read_flow, read(dz=0.5), "upside down"),
    (flow.read_flow, read(h=512.0), "all nine steps"),
    (flow.read_flow, read(dz=1.0), "that is dW"),
    (flow.read_flow, read(dz=4.0), "factor of the square"),
    (flow.read_flow, read(h=-2.0), "positive"),
    (flow.read_flow, read(h=30.0), "power 1/9"),
    (flow.read_flow, read(because="A"), "nothing was clipped"),
    (flow.read_flow, read(because="C"), "own weights"),
    (flow.read_flow, read(because="D"), "way back"),
    (flow.read_flow, read(because="E"), "axis is the same"),
    (flow.read_flow, read(because="F"), "ReLU's slopes"),
    (flow.read_flow, read(because="G"), "none of the choices"),
    (flow.read_flow, {"h": 2, "dz": 2}, "not filled in"),
    (flow.level, [1.0] * 9, "9 numbers"),
    (flow.level, 1.0, "shape ()"),
    (flow.level, [0.0] * 10, "above 0"),
    (flow.level, [-1.0] * 10, "above 0"),
    (flow.level, [0.01] * 10, "the patient"),
    (flow.level, [0.4] * 10, "only at z = 0"),
    (flow.level, [0.1] * 10, "it vanishes"),
    (flow.level, [0.3] + [1.1] * 9, "nearly, but it grows"),
    (flow.level, [0.9] * 10, "it shrinks"),
    (flow.level, [30.0] * 10, "it explodes"),
    (flow.level, [1e9] * 10, "rounded to 0"),
    (flow.level, ["1"] * 10, "numbers are wanted"),
    (flow.level, [np.nan] * 10, "NaN"),
    (flow.chi_factor, lambda df, w, q: sampled_chi(df, 1, q), "forgot σ_w²"),
    (flow.chi_factor, lambda df, w, q: sampled_chi(df, np.sqrt(w), q), "σ_w; χ"),
    (flow.chi_factor, lambda df, w, q: sampled_chi(df, w**2, q), "the square already"),
    (flow.chi_factor, lambda df, w, q: q * sampled_chi(df, w, q), "multiplied by q"),
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
    (flow.edge_of_leaky_relu, lambda a: 1.0, "Glorot's value"),
    (flow.edge_of_leaky_relu, lambda a: 2 / (1 + a) ** 2, "square of each slope"),
    (flow.edge_of_leaky_relu, lambda a: 1 + a**2, "inverse"),
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


def test_a_slip_on_chi_must_fit_all_three_activations():
    """For one of them some slips change nothing, or look like another."""
    relu = sampled_chi(lambda z: (z > 0) * 1.0, 3.0, 1.0)
    assert np.isclose(relu, chi("relu", 0.5, 3.0), rtol=0.02)  # forgetting q is right for ReLU
    assert "does not depend on q" in flow.chi_factor(lambda df, w, q: sampled_chi(df, w, 1)).message


@pytest.mark.parametrize("check", CHECKS)
def test_each_exercise_has_three_hints(check):
    assert [check.hint().of for _ in range(3)] == [3, 3, 3]


def test_each_exercise_has_eight_wrong_answers_or_more():
    counts = {check: sum(one is check for one, _, _ in WRONG) for check in CHECKS}
    assert min(counts.values()) >= 8, counts


def test_the_challenge_is_scored():
    verdict = flow.level([0.3] + [1.03] * 9)
    assert 0 <= verdict.score < 0.1


def test_what_was_not_attempted():
    assert flow.level(...).status == "not attempted"
    assert flow.read_flow(read(..., ..., ...)).status == "not attempted"
    assert flow.read_flow(read(because=...)).status == "not yet"
    assert flow.backward(lambda *given: None).status == "not attempted"
