"""The checks of lesson 03: right answers pass, each plausible wrong one hears its reason."""

import numpy as np
import pytest

from helpers.checks import activation as checks
from helpers.numerics.activations import elu

# --- Leaky ReLU --------------------------------------------------------------------------------------------


def leaky(z, slope):
    return np.where(z > 0, z, slope * z), np.where(z > 0, 1.0, slope), np.minimum(z, 0)


def leaky_with_one_at_the_kink(z, slope):
    return np.where(z > 0, z, slope * z), np.where(z >= 0, 1.0, slope), np.minimum(z, 0)


@pytest.mark.parametrize("answer", [leaky, leaky_with_one_at_the_kink])
def test_right_leaky_relu_passes(answer):
    assert checks.leaky_relu_with_gradients(answer).right


def with_parts(h=None, dz=None, dslope=None):
    def answer(z, slope):
        right = leaky(z, slope)
        return tuple(own(z, slope) if own else part for own, part in zip((h, dz, dslope), right, strict=True))

    return answer


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (with_parts(h=lambda z, a: np.maximum(z, 0)), "plain ReLU"),
        (with_parts(h=lambda z, a: a * z), "slope · z everywhere"),
        (with_parts(h=lambda z, a: np.maximum(z, a * z)), "above 1"),
        (with_parts(dz=lambda z, a: (z > 0) * 1.0), "ReLU's"),
        (with_parts(dz=lambda z, a: np.full_like(z, a)), "must be 1"),
        (with_parts(dz=lambda z, a: np.where(z > 0, 1, a * z)), "drop the z"),
        (with_parts(dslope=lambda z, a: z), "must be 0"),
        (with_parts(dslope=lambda z, a: np.maximum(-z, 0)), "wrong sign"),
        (with_parts(dslope=lambda z, a: np.where(z > 0, 0.0, 1)), "is z, not 1"),
        (with_parts(dslope=lambda z, a: np.where(z > 0, 0, a)), "it is z"),
        (with_parts(dslope=lambda z, a: np.where(z > 0, 1, z)), "0, not 1"),
        (with_parts(dz=lambda z, a: np.where(z > 0, 1, np.where(z < 0, a, 7.0))), "kink"),
        (lambda z, a: leaky(z, a)[0], "return three arrays"),
        (lambda z, a: leaky(z, a)[:2], "three are wanted"),
        (with_parts(dslope=lambda z, a: np.minimum(z, 0).sum()), "shape"),
    ],
)
def test_wrong_leaky_relu_hears_why(answer, reason):
    verdict = checks.leaky_relu_with_gradients(answer)
    assert verdict.status == "not yet"
    assert reason in verdict.message


# --- SELU's conditions -------------------------------------------------------------------------------------


def moments(scale, alpha, root=(2 * np.pi) ** 0.5):
    z, dz = np.linspace(-10, 10, 20001, retstep=True)
    weight = np.exp(-(z**2) / 2) / root * dz
    h = scale * elu(z, alpha)
    return np.sum(weight * h), np.sum(weight * h**2)


def variance_instead(scale, alpha):
    first, second = moments(scale, alpha)
    return first, second - first**2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (variance_instead, "is the variance"),
        (lambda s, a: (moments(s, a)[0], moments(s, a)[1] ** 0.5), "root"),
        (lambda s, a: moments(1, a), "scale is missing"),
        (lambda s, a: (moments(s, a)[0], moments(s, a)[1] / s), "squared"),
        (lambda s, a: moments(s, a, root=1), "density"),
        (lambda s, a: moments(s, 1), "α is missing"),
        (lambda s, a: moments(s, a)[1], "shape"),
        (lambda s, a: (0.0, 1.0), "wanted"),
    ],
)
def test_wrong_moments_hear_why(answer, reason):
    verdict = checks.selu_moments(answer)
    assert verdict.status == "not yet"
    assert reason in verdict.message


def test_right_moments_pass():
    assert checks.selu_moments(moments).right


# --- maxout ------------------------------------------------------------------------------------------------

ABS, LEAKY, ZERO = [1.0, -1.0], [1.0, 0.01], [0.0, 0.0]


@pytest.mark.parametrize("absolute", [ABS, ABS[::-1], np.array(ABS)])
def test_right_maxout_passes_in_any_order(absolute):
    assert checks.maxout_weights(absolute, ZERO, LEAKY[::-1], ZERO).right


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (([1, 0], ZERO, LEAKY, ZERO), "that is ReLU"),
        (([1, 1], ZERO, LEAKY, ZERO), "give x"),
        ((ABS, [1, 1], LEAKY, ZERO), "biases must be 0"),
        ((ABS, ZERO, [1, 0], ZERO), "that is ReLU"),
        ((ABS, ZERO, [1, -0.01], ZERO), "upward on the left"),
        ((ABS, ZERO, [1, 0.3], ZERO), "Leaky ReLU"),
        (([1, -1, 0], ZERO, LEAKY, ZERO), "shape"),
    ],
)
def test_wrong_maxout_hears_why(answer, reason):
    verdict = checks.maxout_weights(*answer)
    assert verdict.status == "not yet"
    assert reason in verdict.message


# --- dead units --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        lambda W, b, x: (x @ W + b <= 0).all(axis=0),
        lambda W, b, x: (x @ W + b).max(axis=0) <= 0,
        lambda W, b, x: [bool((column <= 0).all()) for column in (x @ W + b).T],
        lambda W, b, x: ~(x @ W + b > 0).any(axis=0),
    ],
)
def test_right_dead_units_pass(answer):
    assert checks.dead_units(answer).right


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda W, b, x: (x @ W + b).mean(axis=0) <= 0, "negative mean"),
        (lambda W, b, x: (x @ W + b <= 0).any(axis=0), "`any`"),
        (lambda W, b, x: (x @ W + b > 0).any(axis=0), "living units"),
        (lambda W, b, x: (x @ W <= 0).all(axis=0), "Did b go in"),
        (lambda W, b, x: (x @ W + b <= 0).all(axis=1), "axis=0"),
        (lambda W, b, x: x @ W + b <= 0, "axis=0"),
        (lambda W, b, x: (x @ W + b <= 0).all(axis=0).mean(), "one number"),
        (lambda W, b, x: (x @ W + b).max(axis=0), "True or False"),
    ],
)
def test_wrong_dead_units_hear_why(answer, reason):
    verdict = checks.dead_units(answer)
    assert verdict.status == "not yet"
    assert reason in verdict.message


# --- all of them -------------------------------------------------------------------------------------------


def test_unattempted_maxout():
    assert checks.maxout_weights(..., ..., ..., ...).status == "not attempted"
    assert checks.maxout_weights(ABS, ZERO, ..., ZERO).status == "not attempted"
