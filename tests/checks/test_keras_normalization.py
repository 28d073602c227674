"""The checks of lesson 07: right answers pass, each known slip is met with its own reason."""

from itertools import pairwise
from math import ceil, log

import numpy as np
import pytest

from helpers.checks import keras_normalization as checks
from helpers.networks import keras_models
from helpers.numerics import normalization


def counts(sizes, learned=2, followed=2, features=None):
    features = sum(sizes[:-1]) if features is None else features
    kernels = sum(a * b for a, b in pairwise(sizes))
    return kernels + sizes[-1] + learned * features, followed * features


def steps(share, momentum):
    t = 0
    while momentum**t > share:
        t += 1
    return t


def folded(W, gamma, beta, mean, variance, eps):
    s = gamma / np.sqrt(variance + eps)
    return W * s, beta - mean * s


def diagnosis(in_fit, evaluated, validation):
    if in_fit - evaluated >= 0.1:
        return "statistics"
    return "over-fitting" if evaluated - validation >= 0.1 else "fine"


def with_kernel(change):
    return lambda W, g, b, m, v, eps: (change(W, g, v, eps), folded(W, g, b, m, v, eps)[1])


def with_bias(change):
    def answer(W, g, b, m, v, eps):
        return folded(W, g, b, m, v, eps)[0], change(b, m, g / np.sqrt(v + eps), g)

    return answer


RIGHT = [
    (checks.parameter_counts, counts),
    (checks.parameter_counts, lambda sizes: list(counts(sizes))),
    (checks.parameter_counts, lambda sizes: np.array(counts(sizes))),
    (checks.steps_until, steps),
    (checks.steps_until, lambda s, p: ceil(log(s) / log(p))),
    (checks.steps_until, lambda s, p: float(np.ceil(np.log(s) / np.log(p)))),
    (checks.fold_layer, folded),
    (checks.fold_layer, lambda W, *rest: normalization.fold(W, 0, *rest)),
    (checks.diagnose, diagnosis),
    (checks.diagnose, lambda *three: diagnosis(*three).upper()),
]

WRONG = [
    (checks.parameter_counts, lambda s: sum(counts(s)), "sum of both"),
    (checks.parameter_counts, lambda s: (sum(counts(s)), 0), "no gradient reaches them"),
    (checks.parameter_counts, lambda s: counts(s)[::-1], "swapped"),
    (checks.parameter_counts, lambda s: (counts(s)[0], 0), "are missing"),
    (checks.parameter_counts, lambda s: counts(s, 1, 1), "1 of each kind"),
    (checks.parameter_counts, lambda s: counts(s, 0, 4), "are trainable"),
    (checks.parameter_counts, lambda s: (counts(s)[0] + sum(s[1:-1]), counts(s)[1]), "use_bias=False"),
    (checks.parameter_counts, lambda s: counts(s, features=sum(s[1:-1])), "on the inputs is missing"),
    (checks.parameter_counts, lambda s: counts(s, features=sum(s)), "output layer has no"),
    (checks.parameter_counts, lambda s: counts(s, features=sum(s[1:])), "The inputs have one"),
    (checks.parameter_counts, lambda s: counts(s, features=s[0]), "after the hidden layers is missing"),
    (checks.parameter_counts, lambda s: (counts(s)[0] - s[-1], counts(s)[1]), "bias is missing"),
    (checks.parameter_counts, lambda s: (1, 2), "off"),
    (checks.parameter_counts, lambda s: "many", "wanted"),
    (checks.steps_until, lambda s, p: log(s) / log(p), "round up"),
    (checks.steps_until, lambda s, p: int(log(s) / log(p)), "rounded down"),
    (checks.steps_until, lambda s, p: steps(s, p) + 1, "one step too many"),
    (checks.steps_until, lambda s, p: ceil(log(s) / log(1 - p)), "PyTorch"),
    (checks.steps_until, lambda s, p: steps(1 - s, p), "replaced"),
    (checks.steps_until, lambda s, p: 1 / (1 - p), "37 percent"),
    (checks.steps_until, lambda s, p: round(1 / (1 - p)), "37 percent"),
    (checks.steps_until, lambda s, p: round((1 - s) / (1 - p)), "same amount"),
    (checks.steps_until, lambda s, p: p**s, "power of the share"),
    (checks.steps_until, lambda s, p: 17, "is wanted"),
    (checks.fold_layer, with_kernel(lambda W, g, v, e: W), "still W"),
    (checks.fold_layer, with_kernel(lambda W, g, v, e: W * g / (v + e)), "by the variance"),
    (checks.fold_layer, with_kernel(lambda W, g, v, e: W * g / np.sqrt(v)), "ε is missing"),
    (checks.fold_layer, with_kernel(lambda W, g, v, e: W * g / (np.sqrt(v) + e)), "under the root"),
    (checks.fold_layer, with_kernel(lambda W, g, v, e: W / np.sqrt(v + e)), "γ is missing in W'"),
    (checks.fold_layer, with_kernel(lambda W, g, v, e: W * g), "by γ alone"),
    (checks.fold_layer, with_kernel(lambda W, g, v, e: W * np.sqrt(v + e) / g), "multiply by"),
    (checks.fold_layer, with_bias(lambda b, m, s, g: b), "β alone"),
    (checks.fold_layer, with_bias(lambda b, m, s, g: b + m * s), "sign of the mean"),
    (checks.fold_layer, with_bias(lambda b, m, s, g: b - m), "not scaled"),
    (checks.fold_layer, with_bias(lambda b, m, s, g: b - m * g), "not divided"),
    (checks.fold_layer, with_bias(lambda b, m, s, g: b - m * s / g), "γ is missing in b'"),
    (checks.fold_layer, with_bias(lambda b, m, s, g: (b - m) * s), "β is scaled"),
    (checks.fold_layer, with_bias(lambda b, m, s, g: -m * s), "β is missing"),
    (checks.fold_layer, with_bias(lambda b, m, s, g: m), "moving mean itself"),
    (checks.fold_layer, lambda W, *rest: folded(W, *rest)[0], "two arrays"),
    (checks.fold_layer, lambda W, *rest: (folded(W, *rest)[0], np.zeros(1)), "shape"),
    (checks.diagnose, lambda *three: "fine", "over-fitting."),
    (checks.diagnose, lambda *three: "over-fitting", "nothing is wrong"),
    (checks.diagnose, lambda a, b, c: "over-fitting" if a - c >= 0.1 else "fine", "*same* images"),
    (checks.diagnose, lambda a, b, c: "statistics" if a - c >= 0.1 else "fine", "known in both modes"),
    (checks.diagnose, lambda *three: "broken", "none of the choices"),
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


def test_scaled_rows_are_told_where_the_shape_allows_them():
    def rows(W, g, b, m, v, eps):
        if W.shape[0] != W.shape[1]:
            return folded(W, g, b, m, v, eps)
        return W * (g / np.sqrt(v + eps))[:, None], folded(W, g, b, m, v, eps)[1]

    assert "rows of W" in checks.fold_layer(rows).message


def test_the_expected_counts_are_those_of_keras():
    """The check's own formula against a real model: it must not be wrong together with the learner."""
    keras = keras_models.keras()
    for sizes in checks.NETWORKS:
        layers = [keras.Input((sizes[0],)), keras.layers.BatchNormalization()]
        for size in sizes[1:-1]:
            layers += [keras.layers.Dense(size, use_bias=False), keras.layers.BatchNormalization()]
        model = keras.Sequential([*layers, keras.layers.Dense(sizes[-1])])
        found = [
            sum(v.numpy().size for v in some)
            for some in (model.trainable_weights, model.non_trainable_weights)
        ]
        assert tuple(found) == checks._counts(sizes)


def test_the_expected_steps_are_the_first_below_the_share():
    for share, momentum in checks.MEMORIES:
        t = checks._steps(share, momentum)
        assert momentum**t <= share * (1 + 1e-12)
        assert momentum ** (t - 1) > share
