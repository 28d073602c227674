"""The checks of lesson 06: right answers pass, each known slip is met with its own reason."""

import numpy as np
import pytest

from helpers.checks import normalization as checks
from helpers.checks.normalization import WIDTH, small_batch
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


def undone(x, eps, *, scale=lambda x, eps: np.sqrt(x.var(0) + eps), shift=lambda x: x.mean(0)):
    return scale(x, eps), shift(x)


def lines(**other):
    """The eight lines of the way back; a function of all that is known replaces its line."""
    x, dy, gamma, _, eps = small_batch()
    k = {"x": x, "dy": dy, "gamma": gamma, "m": len(x), "c": x - x.mean(0)}
    k["v"] = np.mean(k["c"] ** 2, axis=0)
    k["s"] = np.sqrt(k["v"] + eps)
    k["x_hat"] = k["c"] / k["s"]
    right = {
        "dbeta": lambda k: k["dy"].sum(0),
        "dgamma": lambda k: (k["dy"] * k["x_hat"]).sum(0),
        "dx_hat": lambda k: k["gamma"] * k["dy"],
        "ds": lambda k: -(k["dx_hat"] * k["c"]).sum(0) / k["s"] ** 2,
        "dv": lambda k: k["ds"] / (2 * k["s"]),
        "dc": lambda k: k["dx_hat"] / k["s"] + 2 * k["c"] * k["dv"] / k["m"],
        "dmu": lambda k: -k["dc"].sum(0),
        "dx": lambda k: k["dc"] + k["dmu"] / k["m"],
    }
    for name, line in right.items():
        k[name] = line(k)
    return {name: other[name](k) if name in other else k[name] for name in right}


def empty_from(name):
    """The lines before `name`, and `...` from there on."""
    found = lines()
    names = list(found)
    return {one: found[one] if names.index(one) < names.index(name) else ... for one in names}


def per_row(batch, features):
    return np.repeat(np.arange(batch), features).reshape(batch, features)


def per_column(batch, features):
    return np.tile(np.arange(features), (batch, 1))


def recipe(shared=per_row, activation="tanh", rate=0.01):
    return {"shared": shared, "activation": activation, "rate": rate}


RIGHT = [
    (checks.undo, undone),
    (checks.undo, lambda x, eps: [np.sqrt(((x - x.mean(0)) ** 2).mean(0) + eps), x.sum(0) / len(x)]),
    (checks.way_back, lines()),
    (checks.way_back, lines(dmu=lambda k: -k["dx_hat"].sum(0) / k["s"])),  # Σ c is 0
    (checks.which_is_which, {"A": "paper", "B": "Keras", "C": "PyTorch"}),
    (checks.which_is_which, {"A": " Paper", "B": "keras", "C": "pytorch"}),
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
    (checks.undo, lambda x, e: (1 / np.sqrt(x.var(0) + e), x.mean(0)), "upside down"),
    (checks.undo, lambda x, e: (x.var(0), x.mean(0)), "that is the variance"),
    (checks.undo, lambda x, e: (x.var(0) + e, x.mean(0)), "v + ε"),
    (checks.undo, lambda x, e: (x.std(0), x.mean(0)), "must come back"),
    (checks.undo, lambda x, e: (x.std(0) + e, x.mean(0)), "not beside"),
    (checks.undo, lambda x, e: (np.sqrt(x.var(0, ddof=1) + e), x.mean(0)), "unbiased"),
    (checks.undo, lambda x, e: (np.ones(3), np.zeros(3)), "with γ = 1"),
    (checks.undo, lambda x, e: undone(x, e)[::-1], "which is β"),
    (checks.undo, lambda x, e: undone(x, e, scale=lambda x, e: np.sqrt(x.var() + e)), "its own γ"),
    (checks.undo, lambda x, e: undone(x, e, shift=lambda x: -x.mean(0)), "β adds it"),
    (checks.undo, lambda x, e: undone(x, e, shift=lambda x: x.mean()), "its own β"),
    (checks.undo, lambda x, e: undone(x, e, shift=lambda x: np.zeros(3)), "with β = 0"),
    (
        checks.undo,
        lambda x, e: (np.sqrt(x.var(0) + e), x.mean(0) / np.sqrt(x.var(0) + e)),
        "does not multiply β",
    ),
    (checks.undo, lambda x, e: x.mean(0), "a pair"),
    (checks.way_back, lines(dbeta=lambda k: k["dy"]), "sum over axis 0"),
    (checks.way_back, lines(dbeta=lambda k: k["dy"].mean(0)), "adds up"),
    (checks.way_back, lines(dbeta=lambda k: k["dy"].sum(1)), "sum over the batch"),
    (checks.way_back, lines(dbeta=lambda k: k["dy"].sum()), "its own β"),
    (checks.way_back, lines(dbeta=lambda k: (k["gamma"] * k["dy"]).sum(0)), "does not multiply β"),
    (checks.way_back, lines(dgamma=lambda k: (k["dy"] * k["x"]).sum(0)), "x̂, not x"),
    (checks.way_back, lines(dgamma=lambda k: k["dy"].sum(0)), "that is dβ"),
    (checks.way_back, lines(dgamma=lambda k: k["dy"] * k["x_hat"]), "sum over axis 0"),
    (checks.way_back, lines(dgamma=lambda k: (k["dy"] * k["c"]).sum(0)), "not c"),
    (checks.way_back, lines(dx_hat=lambda k: k["dy"]), "γ is missing"),
    (checks.way_back, lines(dx_hat=lambda k: k["dy"] * k["x_hat"]), "leads to γ"),
    (checks.way_back, lines(dx_hat=lambda k: (k["gamma"] * k["dy"]).sum(0)), "no sum here"),
    (checks.way_back, lines(ds=lambda k: k["ds"] * k["s"]), "square is missing"),
    (checks.way_back, lines(ds=lambda k: -k["ds"]), "makes x̂ smaller"),
    (checks.way_back, lines(ds=lambda k: -k["dx_hat"] * k["c"] / k["s"] ** 2), "sum over axis 0"),
    (checks.way_back, lines(ds=lambda k: k["ds"] / k["s"]), "once too often"),
    (checks.way_back, lines(ds=lambda k: k["dx_hat"].sum(0) / k["s"]), "the way to c"),
    (checks.way_back, lines(dv=lambda k: k["ds"] / 2), "1 / 2s"),
    (checks.way_back, lines(dv=lambda k: k["ds"] / k["s"]), "the ½"),
    (checks.way_back, lines(dv=lambda k: k["ds"] / 2 / np.sqrt(k["v"])), "ε is missing"),
    (checks.way_back, lines(dv=lambda k: k["ds"] / 2 / k["v"]), "not v"),
    (checks.way_back, lines(dv=lambda k: k["ds"] * 2 * k["s"]), "upside down"),
    (checks.way_back, lines(dc=lambda k: k["dx_hat"] / k["s"]), "leads to v as well"),
    (checks.way_back, lines(dc=lambda k: 2 * k["c"] * k["dv"] / k["m"]), "straight to x̂"),
    (checks.way_back, lines(dc=lambda k: k["dx_hat"] / k["s"] + 2 * k["c"] * k["dv"]), "share 1 / m"),
    (checks.way_back, lines(dc=lambda k: k["dx_hat"] / k["s"] + k["c"] * k["dv"] / k["m"]), "The 2".lower()),
    (checks.way_back, lines(dmu=lambda k: k["dc"].sum(0)), "c = x − μ"),
    (checks.way_back, lines(dmu=lambda k: -k["dc"]), "sum over axis 0"),
    (checks.way_back, lines(dmu=lambda k: -k["dc"].mean(0)), "no mean here"),
    (checks.way_back, lines(dmu=lambda k: -k["dx_hat"].sum(0)), "not from dx̂"),
    (checks.way_back, lines(dx=lambda k: k["dc"]), "in the mean as well"),
    (checks.way_back, lines(dx=lambda k: k["dc"] + k["dmu"]), "share 1 / m"),
    (checks.way_back, lines(dx=lambda k: k["dc"] - k["dmu"] / k["m"]), "minus is in dμ"),
    (checks.way_back, lines(dx=lambda k: k["dx_hat"] / k["s"]), "for constants"),
    (checks.way_back, lines(dx=lambda k: k["dx"] * 1.3), "your dx"),
    (checks.way_back, empty_from("dv"), "Next is dv"),
    (checks.way_back, {"dx": lines()["dx"]}, "begin with dbeta"),
    (checks.way_back, [1, 2], "a dict"),
    (checks.which_is_which, {"A": "Keras", "B": "paper", "C": "PyTorch"}, "Keras starts at 1"),
    (checks.which_is_which, {"A": "paper", "B": "PyTorch", "C": "Keras"}, "it must jump"),
    (checks.which_is_which, {"A": "PyTorch", "B": "Keras", "C": "paper"}, "calmer and calmer"),
    (checks.which_is_which, {"A": "Keras", "B": "PyTorch", "C": "paper"}, "Keras starts at 1"),
    (checks.which_is_which, {"A": "PyTorch", "B": "paper", "C": "Keras"}, "calmer and calmer"),
    (checks.which_is_which, {"A": "paper", "B": "paper", "C": "Keras"}, "stands twice"),
    (checks.which_is_which, {"A": "paper", "B": "Keras", "C": "torch"}, "none of the choices"),
    (checks.which_is_which, {"A": "paper", "B": "Keras", "C": ...}, "not filled in"),
    (checks.which_is_which, "paper", "a dict"),
    (checks.small_batches, recipe(rate=0), "above 0"),
    (checks.small_batches, recipe(rate="fast"), "numbers are wanted"),
    (checks.small_batches, recipe(activation="relus"), "no activation"),
    (checks.small_batches, recipe(activation=...), "not filled in"),
    (checks.small_batches, recipe(shared=7), "a function is wanted"),
    (checks.small_batches, recipe(shared=lambda b, f: per_row(f, b)), "transposed"),
    (checks.small_batches, recipe(shared=lambda b, f: np.arange(f)), "One label for each"),
    (checks.small_batches, recipe(shared=lambda b, f: per_row(b, f) / 2), "whole numbers"),
    (checks.small_batches, recipe(shared=lambda b, f: 1.0 * per_row(b, f)), "astype"),
    (checks.small_batches, recipe(shared=lambda b, f: per_row(b, f) - 1), "count from 0"),
    (checks.small_batches, recipe(shared=lambda b, f: np.arange(b * f).reshape(b, f)), "every output is β"),
    (checks.small_batches, recipe(shared=lambda b, f: np.random.randint(0, 50, (b, f))), "by chance"),
    (checks.small_batches, per_row, "a dict"),
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


CHECKS = sorted({check for check, _, _ in WRONG}, key=lambda check: check.__name__)


@pytest.mark.parametrize("check", CHECKS)
def test_each_exercise_has_three_hints_and_eight_wrong_answers(check):
    assert [check.hint().of for _ in range(3)] == [3, 3, 3]
    assert sum(one is check for one, _, _ in WRONG) >= 8


def test_what_was_not_attempted():
    assert checks.way_back(dict.fromkeys(lines(), ...)).status == "not attempted"
    assert checks.which_is_which({"A": ..., "B": ..., "C": ...}).status == "not attempted"
    assert checks.small_batches({"shared": ..., "activation": ..., "rate": ...}).status == "not attempted"


def test_the_three_rules_see_the_same_batches():
    z = np.random.default_rng(0).normal(5, 2, 500)
    found = checks.moving_variances(z, 2000, np.random.default_rng(1))
    late = {source: values[1000:] for source, values in found.items()}
    assert np.isclose(late["Keras"].mean() / z.var(), 3 / 4, rtol=0.05)
    assert np.isclose(late["PyTorch"].mean() / z.var(), 1, rtol=0.08)
    assert np.isclose(late["paper"][-1] / z.var(), 1, rtol=0.05)
    assert late["paper"].std() < late["Keras"].std() < late["PyTorch"].std()


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(checks, "CHALLENGE_SEEDS", 1)
    return monkeypatch


def test_the_challenge_is_scored_and_says_what_is_wrong(short):
    assert checks.LEVEL_OF_BATCH_NORM > checks.PASS
    for losses, labels, activation, why in (
        ([2.3], per_row(4, WIDTH), "sigmoid", "leave that constant in"),
        ([2.3], per_column(4, WIDTH), "sigmoid", "far too large"),
        ([1.4], per_column(4, WIDTH), "tanh", "four are few"),
        ([1.3], per_row(4, WIDTH), "relu", "other rates"),
        ([1.2], per_row(4, WIDTH), "relu", "below 1.1"),
        ([np.nan], per_row(4, WIDTH), "relu", "diverged"),
    ):
        with pytest.raises(checks.NotYet, match=why):
            checks._judged(losses, labels, activation)
    assert checks._judged([0.9], per_row(4, WIDTH), "tanh").score == 0.9


@pytest.mark.slow
def test_the_solution_of_the_challenge_passes(short):
    verdict = checks.small_batches(recipe())
    assert verdict.right, verdict
    assert verdict.score < checks.PASS
