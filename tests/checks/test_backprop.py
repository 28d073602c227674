"""The checks of lesson 01: right answers pass, each known slip is met with its own reason."""

import numpy as np
import pytest

from helpers.checks import backprop
from helpers.networks.two_weights import batches
from helpers.numerics import autodiff
from helpers.numerics.activations import sigmoid, sigmoid_derivative
from helpers.numerics.gradcheck import numerical_gradient

H3, H2 = float(sigmoid(sigmoid(1.0) - 0.5)), 0.5


def by_hand():
    """The six gradients, written out here without the graph."""
    dh3 = H3 - 0.3
    dz3 = dh3 * H3 * (1 - H3)
    dh2 = dz3 * -1
    dz2 = dh2 * 0.25
    return {"dh3": dh3, "dz3": dz3, "dv2": dz3 * 0.5, "dh2": dh2, "dz2": dz2, "dw4": dz2 * -1}


def with_wrong(**wrong):
    return by_hand() | wrong


def neuron(x, w, dh):
    dz = dh * sigmoid_derivative(x @ w)
    return dz * w, dz * x


def scaled(factor):
    """A neuron's way back with `factor(z)` where dz should be."""
    return lambda x, w, dh: (factor(x @ w, dh) * w, factor(x @ w, dh) * x)


def drop_last(count, size, rng):
    return [batch for batch in batches(count, size, rng) if len(batch) == size]


def unshuffled(count, size, rng):
    return [np.arange(count)[start : start + size] for start in range(0, count, size)]


def inside_only(count, size, rng):
    return [rng.permutation(batch) for batch in unshuffled(count, size, rng)]


RIGHT = [
    (backprop.chain_by_hand, by_hand()),
    (backprop.chain_by_hand, {name: round(value, 4) for name, value in by_hand().items()}),
    (
        backprop.chain_by_hand,
        {"dh3": 0.26, "dz3": 0.064, "dv2": 0.032, "dh2": -0.064, "dz2": -0.016, "dw4": 0.016},
    ),
    (backprop.neuron_backward, neuron),
    (backprop.neuron_backward, lambda x, w, dh: list(neuron(x, w, dh))),
    (backprop.update, lambda w, dw, rate: w - rate * dw),
    (backprop.epoch, batches),
    (backprop.epoch, lambda count, size, rng: [batch.tolist() for batch in batches(count, size, rng)]),
]

B = by_hand()
WRONG = [
    (backprop.chain_by_hand, with_wrong(dh3=-B["dh3"]), "t − h3"),
    (backprop.chain_by_hand, with_wrong(dh3=H3), "target 0.3 is missing"),
    (backprop.chain_by_hand, with_wrong(dh3=B["dh3"] ** 2 / 2), "loss itself"),
    (backprop.chain_by_hand, with_wrong(dh3=2 * B["dh3"]), "twice too much"),
    (backprop.chain_by_hand, with_wrong(dh3=H3 - 0.7), "target 0.7"),
    (backprop.chain_by_hand, with_wrong(dz3=B["dh3"]), "forgot the local derivative"),
    (backprop.chain_by_hand, with_wrong(dz3=B["dh3"] * H3), "multiplied by σ(z3)"),
    (backprop.chain_by_hand, with_wrong(dz3=B["dh3"] * (1 - H3)), "1 − σ(z3)"),
    (backprop.chain_by_hand, with_wrong(dz3=H3 * (1 - H3)), "local derivative alone"),
    (backprop.chain_by_hand, with_wrong(dv2=-B["dz3"]), "multiplied by v2"),
    (backprop.chain_by_hand, with_wrong(dv2=B["dz3"]), "gradient of the product"),
    (backprop.chain_by_hand, with_wrong(dv2=0.5), "local derivative alone"),
    (backprop.chain_by_hand, with_wrong(dv2=B["dz3"] * sigmoid(1.0)), "v2 meets h2"),
    (backprop.chain_by_hand, with_wrong(dh2=B["dz3"] * 0.5), "multiplied by h2"),
    (backprop.chain_by_hand, with_wrong(dh2=B["dz3"]), "sign is wrong"),
    (backprop.chain_by_hand, with_wrong(dh2=-B["dv2"]), "went on from dv2"),
    (backprop.chain_by_hand, with_wrong(dz2=B["dh2"]), "forgot the local derivative"),
    (backprop.chain_by_hand, with_wrong(dz2=B["dh2"] * 0.5), "multiplied by σ(z2)"),
    (backprop.chain_by_hand, with_wrong(dz2=0.0), "multiplied by z2"),
    (backprop.chain_by_hand, with_wrong(dw4=B["dz2"]), "multiplied by w4"),
    (backprop.chain_by_hand, with_wrong(dw4=-B["dh2"]), "skipped σ"),
    (backprop.chain_by_hand, with_wrong(dw4=9.0), "is wanted"),
    (backprop.chain_by_hand, with_wrong(dh2=...), "right so far: dh3, dz3, dv2. Next is dh2"),
    (backprop.chain_by_hand, with_wrong(dh3=...), "begin with dh3"),
    (backprop.chain_by_hand, with_wrong(dh3="much"), "numbers are wanted"),
    (backprop.chain_by_hand, 3.0, "a dict is wanted"),
    (backprop.neuron_backward, lambda x, w, dh: neuron(x, w, dh)[::-1], "swapped"),
    (backprop.neuron_backward, scaled(lambda z, dh: dh), "slope of σ is missing"),
    (backprop.neuron_backward, scaled(lambda z, dh: sigmoid_derivative(z)), "forgot dh"),
    (backprop.neuron_backward, scaled(lambda z, dh: dh * sigmoid(z)), "multiplied by σ(z)"),
    (backprop.neuron_backward, scaled(lambda z, dh: dh * (1 - sigmoid(z))), "1 − σ(z)"),
    (backprop.neuron_backward, scaled(lambda z, dh: dh * sigmoid_derivative(sigmoid(z))), "slope at h"),
    (backprop.neuron_backward, scaled(lambda z, dh: dh * z * (1 - z)), "z(1 − z)"),
    (backprop.neuron_backward, scaled(lambda z, dh: -dh * sigmoid_derivative(z)), "no minus"),
    (backprop.neuron_backward, lambda x, w, dh: neuron(x, w, dh)[0], "return two things"),
    (backprop.neuron_backward, lambda x, w, dh: (w, x), "is wanted"),
    (backprop.update, lambda w, dw, rate: w + rate * dw, "went up"),
    (backprop.update, lambda w, dw, rate: w - dw, "left out the learning rate"),
    (backprop.update, lambda w, dw, rate: w, "old weights"),
    (backprop.update, lambda w, dw, rate: -rate * dw, "step alone"),
    (backprop.update, lambda w, dw, rate: w - rate, "gradient is missing"),
    (backprop.update, lambda w, dw, rate: w - rate * np.sign(dw), "only the signs"),
    (backprop.update, lambda w, dw, rate: w * (1 - rate * dw), "in proportion"),
    (backprop.update, lambda w, dw, rate: dw - rate * w, "swapped"),
    (backprop.update, lambda w, dw, rate: w - 0.1 * dw, "with the learning rate 0"),
    (backprop.epoch, drop_last, "never seen"),
    (backprop.epoch, unshuffled, "old order"),
    (backprop.epoch, inside_only, "inside the batches"),
    (backprop.epoch, lambda n, k, rng: np.array_split(rng.permutation(n), k), "size counts examples"),
    (
        backprop.epoch,
        lambda n, k, rng: [rng.integers(n, size=len(b)) for b in batches(n, k, rng)],
        "come twice",
    ),
    (backprop.epoch, lambda n, k, rng: [b + 1 for b in batches(n, k, rng)], "count from 0"),
    (backprop.epoch, lambda n, k, rng: batches(n, k, rng) * 2, "your batches hold 24"),
    (backprop.epoch, lambda n, k, rng: batches(n, k, np.random.default_rng(3)), "another rng gave the same"),
    (backprop.epoch, lambda n, k, rng: batches(n, k, np.random.default_rng()), "the same rng gave another"),
    (backprop.epoch, lambda n, k, rng: rng.permutation(n), "a list of batches"),
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


def test_an_empty_dict_of_numbers_is_not_attempted():
    assert backprop.chain_by_hand(dict.fromkeys(backprop.WAY_BACK, ...)).status == "not attempted"
    assert backprop.chain_by_hand({}).status == "not attempted"
    assert backprop.chain_by_hand(...).status == "not attempted"


def test_the_numbers_wanted_are_those_of_central_differences():
    """The check's own numbers come from the graph; here they are found without it."""

    def loss(at):
        v2, w4 = at
        h2 = sigmoid(1 - w4)
        return (sigmoid(sigmoid(1.0) + v2 * h2) - 0.3) ** 2 / 2

    dv2, dw4 = numerical_gradient(loss, np.array([-1.0, 1.0]))
    right = backprop._right_chain()
    assert (right["dv2"], right["dw4"]) == pytest.approx((dv2, dw4), rel=1e-6)
    assert right == pytest.approx(by_hand(), rel=1e-12)
    assert autodiff.CHAIN["t"] != backprop.TARGET
