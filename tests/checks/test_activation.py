"""The checks of lesson 03: right answers pass, each plausible wrong one hears its reason."""

import numpy as np
import pytest

from helpers.checks import activation as checks
from helpers.networks import trial
from helpers.numerics.activations import ACTIVATIONS, elu

BRIEF = {"hidden": 1, "steps": 20, "looks": 1}


def leaky(z, slope):
    return np.where(z > 0, z, slope * z), np.where(z > 0, 1.0, slope), np.minimum(z, 0)


def leaky_with_one_at_the_kink(z, slope):
    return np.where(z > 0, z, slope * z), np.where(z >= 0, 1.0, slope), np.minimum(z, 0)


def leaky_with_masks(z, slope):
    return [np.maximum(z, 0) + slope * np.minimum(z, 0), (z > 0) + slope * (z <= 0), z * (z <= 0)]


def parts(h=None, dz=None, dslope=None):
    def answer(z, slope):
        right = leaky(z, slope)
        return tuple(own(z, slope) if own else part for own, part in zip((h, dz, dslope), right, strict=True))

    return answer


def moments(scale, alpha, root=(2 * np.pi) ** 0.5, start=-10, step=True):
    z, dz = np.linspace(start, 10, 20001, retstep=True)
    weight = np.exp(-(z**2) / 2) / root * (dz if step else 1)
    h = scale * elu(z, alpha)
    return np.sum(weight * h), np.sum(weight * h**2)


def drawn_moments(scale, alpha):
    z = np.linspace(-10, 10, 200_001)
    weight = np.exp(-(z**2) / 2)
    h = scale * elu(z, alpha)
    return [np.average(h, weights=weight), np.average(h**2, weights=weight)]


def of_second(change):
    def answer(scale, alpha):
        first, second = moments(scale, alpha)
        return first, change(first, second)

    return answer


def without_density(scale, alpha):
    z, dz = np.linspace(-10, 10, 20001, retstep=True)
    h = scale * elu(z, alpha)
    return np.sum(h) * dz, np.sum(h**2) * dz


def plain_mean(scale, alpha):
    h = scale * elu(np.linspace(-10, 10, 20001), alpha)
    return h.mean(), np.mean(h**2)


def read(**changed):
    right = {"can die": "B", "falls somewhere": "A", "flat on both sides": "CF", "never flat": "E"}
    return right | {name.replace("_", " "): value for name, value in changed.items()}


ABS, LEAKY, ZERO = [1.0, -1.0], [1.0, 0.01], [0.0, 0.0]
ELU, SIGMOID = ACTIVATIONS["elu"], ACTIVATIONS["sigmoid"]


def rooted(z):
    return np.sqrt(1 + z**2) + z - 1


def rooted_slope(z):
    return z / np.sqrt(1 + z**2) + 1


RIGHT = [
    (checks.tanh_from_sigmoid, (lambda z, sigmoid: 2 * sigmoid(2 * z) - 1,)),
    (checks.tanh_from_sigmoid, (lambda z, sigmoid: sigmoid(2 * z) - sigmoid(-2 * z),)),
    (checks.tanh_from_sigmoid, (lambda z, sigmoid: 1 - 2 * sigmoid(-2 * z),)),
    (checks.leaky_relu_with_gradients, (leaky,)),
    (checks.leaky_relu_with_gradients, (leaky_with_one_at_the_kink,)),
    (checks.leaky_relu_with_gradients, (leaky_with_masks,)),
    (checks.selu_moments, (moments,)),
    (checks.selu_moments, (drawn_moments,)),
    (checks.dead_units, (lambda W, b, x: (x @ W + b <= 0).all(axis=0),)),
    (checks.dead_units, (lambda W, b, x: (x @ W + b).max(axis=0) <= 0,)),
    (checks.dead_units, (lambda W, b, x: [bool((c <= 0).all()) for c in (x @ W + b).T],)),
    (checks.dead_units, (lambda W, b, x: ~(x @ W + b > 0).any(axis=0),)),
    (checks.read_slopes, (read(),)),
    (checks.read_slopes, (read(flat_on_both_sides="f, c", can_die="b"),)),
    (checks.read_slopes, (read(flat_on_both_sides=["C", "F"]),)),
    (checks.maxout_weights, (ABS, ZERO, LEAKY, ZERO)),
    (checks.maxout_weights, (np.array(ABS[::-1]), ZERO, LEAKY[::-1], ZERO)),
]

WRONG = [
    (checks.tanh_from_sigmoid, (lambda z, s: 2 * s(z) - 1,), "Stretch z"),
    (checks.tanh_from_sigmoid, (lambda z, s: s(2 * z),), "from 0 to 1"),
    (checks.tanh_from_sigmoid, (lambda z, s: 2 * s(2 * z),), "from 0 to 2"),
    (checks.tanh_from_sigmoid, (lambda z, s: s(z) - 0.5,), "−½ to ½"),
    (checks.tanh_from_sigmoid, (lambda z, s: s(2 * z) - 0.5,), "double it"),
    (checks.tanh_from_sigmoid, (lambda z, s: 2 * (s(2 * z) - 1),), "after doubling"),
    (checks.tanh_from_sigmoid, (lambda z, s: 2 * s(2 * z) + 1,), "from 1 to 3"),
    (checks.tanh_from_sigmoid, (lambda z, s: 2 * s(z / 2) - 1,), "flattened"),
    (checks.tanh_from_sigmoid, (lambda z, s: 4 * s(z) - 2,), "−2 and 2"),
    (checks.tanh_from_sigmoid, (lambda z, s: 1 - 2 * s(2 * z),), "falls"),
    (checks.tanh_from_sigmoid, (lambda z, s: 2 * 2 * s(z) - 1,), "not 2σ(z)"),
    (checks.tanh_from_sigmoid, (lambda z, s: 2 * s(z) ** 2 - 1,), "squared"),
    (checks.tanh_from_sigmoid, (lambda z, s: 1 - s(z) ** 2,), "slope"),
    (checks.tanh_from_sigmoid, (lambda z, s: np.tanh(z),), "`sigmoid` alone"),
    (checks.leaky_relu_with_gradients, (parts(h=lambda z, a: np.maximum(z, 0)),), "plain ReLU"),
    (checks.leaky_relu_with_gradients, (parts(h=lambda z, a: a * z),), "slope · z everywhere"),
    (checks.leaky_relu_with_gradients, (parts(h=lambda z, a: np.maximum(z, a * z)),), "above 1"),
    (checks.leaky_relu_with_gradients, (parts(h=lambda z, a: np.where(z > 0, z, -a * z)),), "sign is turned"),
    (checks.leaky_relu_with_gradients, (parts(h=lambda z, a: np.where(z > 0, z, a)),), "slope itself"),
    (checks.leaky_relu_with_gradients, (parts(dz=lambda z, a: (z > 0) * 1.0),), "ReLU's"),
    (checks.leaky_relu_with_gradients, (parts(dz=lambda z, a: np.full_like(z, a)),), "must be 1"),
    (checks.leaky_relu_with_gradients, (parts(dz=lambda z, a: np.where(z > 0, 1, a * z)),), "drop the z"),
    (checks.leaky_relu_with_gradients, (parts(dz=lambda z, a: np.where(z > 0, z, a)),), "of z is 1"),
    (checks.leaky_relu_with_gradients, (lambda z, a: [leaky(z, a)[i] for i in (0, 2, 1)],), "swapped"),
    (checks.leaky_relu_with_gradients, (parts(dslope=lambda z, a: z),), "must be 0"),
    (checks.leaky_relu_with_gradients, (parts(dslope=lambda z, a: np.maximum(-z, 0)),), "wrong sign"),
    (checks.leaky_relu_with_gradients, (parts(dslope=lambda z, a: np.where(z > 0, 0.0, 1)),), "is z, not 1"),
    (checks.leaky_relu_with_gradients, (parts(dslope=lambda z, a: np.where(z > 0, 0, a)),), "it is z"),
    (checks.leaky_relu_with_gradients, (parts(dslope=lambda z, a: np.where(z > 0, 0, a * z)),), "drop the"),
    (checks.leaky_relu_with_gradients, (parts(dslope=lambda z, a: np.where(z > 0, 1, z)),), "0, not 1"),
    (checks.leaky_relu_with_gradients, (parts(dslope=lambda z, a: np.maximum(z, 0)),), "sides are swapped"),
    (checks.leaky_relu_with_gradients, (parts(dslope=lambda z, a: leaky(z, a)[2].sum()),), "the sum over"),
    (
        checks.leaky_relu_with_gradients,
        (parts(dz=lambda z, a: np.where(z > 0, 1, np.where(z < 0, a, 7.0))),),
        "kink",
    ),
    (checks.leaky_relu_with_gradients, (lambda z, a: leaky(z, a)[0],), "return three arrays"),
    (checks.leaky_relu_with_gradients, (lambda z, a: leaky(z, a)[:2],), "three are wanted"),
    (checks.selu_moments, (of_second(lambda m, s: s - m**2),), "is the variance"),
    (checks.selu_moments, (of_second(lambda m, s: s**0.5),), "root"),
    (checks.selu_moments, (of_second(lambda m, s: m**2),), "mean of the square"),
    (checks.selu_moments, (lambda s, a: moments(s, a)[::-1],), "swapped"),
    (checks.selu_moments, (lambda s, a: moments(1, a),), "scale is missing"),
    (checks.selu_moments, (lambda s, a: (moments(s, a)[0], moments(s, a)[1] / s),), "squared"),
    (checks.selu_moments, (lambda s, a: moments(s, a, root=1),), "lacks its factor"),
    (checks.selu_moments, (lambda s, a: moments(s, a, step=False),), "grid's step"),
    (checks.selu_moments, (lambda s, a: moments(s, a, root=1, step=False),), "grid's step"),
    (checks.selu_moments, (without_density,), "density is missing"),
    (checks.selu_moments, (plain_mean,), "plain mean"),
    (checks.selu_moments, (lambda s, a: moments(s, 1),), "α is missing"),
    (checks.selu_moments, (lambda s, a: moments(s, a, start=0),), "half below 0"),
    (checks.selu_moments, (lambda s, a: moments(s, a)[1],), "shape"),
    (checks.selu_moments, (lambda s, a: (0.0, 1.0),), "wanted"),
    (checks.dead_units, (lambda W, b, x: (x @ W + b).mean(axis=0) <= 0,), "negative mean"),
    (checks.dead_units, (lambda W, b, x: (x @ W + b <= 0).any(axis=0),), "`any`"),
    (checks.dead_units, (lambda W, b, x: (x @ W + b > 0).any(axis=0),), "living units"),
    (checks.dead_units, (lambda W, b, x: (x @ W + b >= 0).all(axis=0),), "with `<= 0`"),
    (checks.dead_units, (lambda W, b, x: (x @ W + b)[0] <= 0,), "first input alone"),
    (checks.dead_units, (lambda W, b, x: (x @ W <= 0).all(axis=0),), "Did b go in"),
    (checks.dead_units, (lambda W, b, x: (np.maximum(x @ W + b, 0) < 0).all(axis=0),), "never below 0"),
    (checks.dead_units, (lambda W, b, x: (x @ W + b <= 0).all(axis=1),), "axis=0"),
    (checks.dead_units, (lambda W, b, x: x @ W + b <= 0,), "axis=0"),
    (checks.dead_units, (lambda W, b, x: (x @ W + b <= 0).all(axis=0).mean(),), "one number"),
    (checks.dead_units, (lambda W, b, x: np.flatnonzero((x @ W + b <= 0).all(axis=0)),), "numbers of some"),
    (checks.dead_units, (lambda W, b, x: (x @ W + b).max(axis=0),), "True or False"),
    (checks.read_slopes, (read(can_die="E"),), "it stays"),
    (checks.read_slopes, (read(can_die="D"),), "never exactly 0"),
    (checks.read_slopes, (read(can_die="C"),), "small on both sides"),
    (checks.read_slopes, (read(can_die="AB"),), "only at one point"),
    (checks.read_slopes, (read(falls_somewhere="D"),), "nowhere below 0"),
    (checks.read_slopes, (read(flat_on_both_sides="C"),), "one more"),
    (checks.read_slopes, (read(flat_on_both_sides="BCF"),), "1 wherever z > 0"),
    (checks.read_slopes, (read(never_flat="B"),), "goes to 0 on the left"),
    (checks.read_slopes, (read(never_flat="F"),), "goes to 0 on both sides"),
    (checks.read_slopes, (read(can_die="G"),), "the panels are"),
    (checks.read_slopes, (read(can_die=...),), "not filled in"),
    (checks.read_slopes, ("B",), "a dict"),
    (checks.entry, (lambda z: z, np.ones_like), "straight line"),
    (checks.entry, (lambda z: 0 * z + 1, lambda z: 0 * z), "same for all z"),
    (checks.entry, (np.tanh, np.tanh), "f(z) itself"),
    (checks.entry, (np.tanh, lambda z: np.tanh(z) ** 2 - 1), "sign of your slope"),
    (checks.entry, (lambda z: np.tanh(2 * z), lambda z: 1 - np.tanh(2 * z) ** 2), "half of what"),
    (checks.entry, (lambda z: np.tanh(z / 2), lambda z: 1 - np.tanh(z / 2) ** 2), "twice what"),
    (checks.entry, (np.tanh, lambda z: 0 * z), "0 everywhere"),
    (checks.entry, (np.tanh, np.ones_like), "1 everywhere"),
    (checks.entry, (np.tanh, lambda z: (1 - np.tanh(z) ** 2) ** 2), "square of what"),
    (checks.entry, (lambda z: np.maximum(z, 0), lambda z: (z > 0.2) * 1.0), "a nudge measures 1"),
    (checks.entry, (lambda z: z * (z > 0) + 3 * (z > 0), lambda z: (z > 0) * 1.0), "jumps"),
    (checks.entry, (lambda z: np.exp(z) - 1, np.exp), "infinite"),
    (checks.entry, (lambda z: np.exp(z) / np.exp(z).sum(), lambda z: 0 * z), "each z alone"),
    (checks.entry, (lambda z: np.cumsum(np.tanh(z)) / 99, lambda z: 1 - np.tanh(z) ** 2), "each z alone"),
    (checks.entry, (lambda z: np.tanh(z).sum(), np.tanh), "shape"),
    (checks.entry, (np.tanh, lambda z: 1 - np.tanh(z) ** 2, "zeros"), "the initializer is one of"),
    (checks.maxout_weights, ([1, 0], ZERO, LEAKY, ZERO), "that is ReLU"),
    (checks.maxout_weights, ([1, 1], ZERO, LEAKY, ZERO), "give x"),
    (checks.maxout_weights, ([-1, -1], ZERO, LEAKY, ZERO), "give −x"),
    (checks.maxout_weights, ([2, -2], ZERO, LEAKY, ZERO), "2|x|"),
    (checks.maxout_weights, (ZERO, ZERO, LEAKY, ZERO), "both pieces are 0"),
    (checks.maxout_weights, (ABS, [1, 1], LEAKY, ZERO), "biases must be 0"),
    (checks.maxout_weights, (ABS, ZERO, [1, 0], ZERO), "that is ReLU"),
    (checks.maxout_weights, (ABS, ZERO, [1, -0.01], ZERO), "upward on the left"),
    (checks.maxout_weights, (ABS, ZERO, [1, 0.3], ZERO), "Keras's slope"),
    (checks.maxout_weights, (ABS, ZERO, ABS, ZERO), "|x| again"),
    (checks.maxout_weights, ([1, -1, 0], ZERO, LEAKY, ZERO), "shape"),
]
CHECKS = sorted({check for check, _, _ in WRONG}, key=lambda check: check.__name__)
NO_FUNCTION = (checks.read_slopes, checks.maxout_weights, checks.entry)
FUNCTIONS = [check for check in CHECKS if check not in NO_FUNCTION]


@pytest.mark.parametrize(("check", "answers"), RIGHT)
def test_a_right_answer_passes(check, answers):
    verdict = check(*answers)
    assert verdict.right, verdict


@pytest.mark.parametrize(("check", "answers", "reason"), WRONG)
def test_a_wrong_answer_is_told_why(check, answers, reason):
    verdict = check(*answers)
    assert verdict.status == "not yet"
    assert reason in verdict.message, verdict


@pytest.mark.parametrize("check", FUNCTIONS)
@pytest.mark.parametrize("answer", [lambda *given: 1 / 0, lambda *given: "text", 7, lambda: 1])
def test_an_answer_that_fails_is_not_yet(check, answer):
    verdict = check(answer)
    assert verdict.status == "not yet"
    assert verdict.message


@pytest.mark.parametrize("check", CHECKS)
def test_each_exercise_has_three_hints(check):
    assert [check.hint().of for _ in range(3)] == [3, 3, 3]


def test_each_exercise_has_eight_wrong_answers_or_more():
    counts = {check: sum(one is check for one, _, _ in WRONG) for check in CHECKS}
    assert min(counts.values()) >= 8, counts


def test_what_was_not_attempted():
    assert checks.maxout_weights(..., ..., ..., ...).status == "not attempted"
    assert checks.maxout_weights(ABS, ZERO, ..., ZERO).status == "not attempted"
    assert checks.read_slopes(dict.fromkeys(checks.QUESTIONS, ...)).status == "not attempted"
    assert checks.entry(lambda z: None, lambda z: None).status == "not attempted"
    assert checks.tanh_from_sigmoid(lambda z, s: None).status == "not attempted"


def test_the_panels_of_the_figure_are_what_the_key_says():
    flat = 1e-3
    for letter, name in checks.SHOWN.items():
        left, right = (float(ACTIVATIONS[name].df(np.array(z))) for z in (-30.0, 30.0))
        falls = ACTIVATIONS[name].df(np.linspace(-5, 5, 1001)).min() < -0.01
        assert (letter in checks.QUESTIONS["flat on both sides"]) == (abs(left) < flat and abs(right) < flat)
        assert (letter in checks.QUESTIONS["never flat"]) == (abs(left) > flat and abs(right) > flat)
        assert (letter in checks.QUESTIONS["falls somewhere"]) == falls
        assert (letter in checks.QUESTIONS["can die"]) == ACTIVATIONS[name].can_die


@pytest.mark.slow
def test_an_entry_is_scored_and_the_sigmoid_does_not_beat_itself():
    verdict = checks.entry(ELU.f, ELU.df)
    assert verdict.right
    assert verdict.score < checks.baseline("sigmoid")
    again = checks.entry(SIGMOID.f, SIGMOID.df, SIGMOID.initializer)
    assert again.status == "not yet"
    assert "does not beat the sigmoid" in again.message


@pytest.mark.slow
def test_a_kinked_and_a_smooth_entry_pass_whatever_slope_stands_at_the_kink():
    for at_kink in (0.0, 0.5, 1.0):
        slope = lambda z, at=at_kink: np.where(z > 0, 1.0, np.where(z < 0, 0.1, at))  # noqa: E731
        assert checks.entry(lambda z: np.where(z > 0, z, 0.1 * z), slope).right
    assert checks.entry(rooted, rooted_slope, "lecun_normal").right


def test_the_rate_of_an_entry_is_chosen_on_validation_images(monkeypatch):
    monkeypatch.setattr(checks, "QUICK", BRIEF)
    monkeypatch.setattr(checks, "ENTRY_SEEDS", (0,))
    loss, rate = checks.score_of(np.tanh, lambda z: 1 - np.tanh(z) ** 2, "glorot_normal")
    own = ACTIVATIONS["tanh"]
    tried = {r: trial.trial(own, r, 0, **BRIEF) for r in (rate / 10**0.5, rate, rate * 10**0.5)}
    assert loss == tried[rate]["test"][-1].loss
    assert tried[rate]["validation"][-1].loss == min(one["validation"][-1].loss for one in tried.values())
