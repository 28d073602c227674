"""The backpropagation lab: each step shows one node more, and the gradients are those of differences."""

import numpy as np
import pytest

from helpers import labs
from helpers.labs.backprop import NODES, in_brackets
from helpers.numerics import autodiff
from helpers.numerics.gradcheck import numerical_gradient, relative_error
from helpers.plots.graph import short
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def steps():
    return labs.backprop_lab()


def shown(lab, which):
    return {
        node.name: pair[which].get_text()
        for node, pair in lab.panel.numbers.items()
        if pair[which].get_text()
    }


def test_every_step_shows_one_more_node(steps):
    assert len(autodiff.forward_order(autodiff.chain())) == NODES
    for step in range(2 * NODES + 1):
        steps.set(step=step, **autodiff.CHAIN)
        assert len(shown(steps, 0)) == 9 + min(step, NODES)
        assert bool(shown(steps, 1)) == (step > NODES)
        assert steps.numbers["node"] in ("none", *autodiff.nodes(autodiff.chain()))
    assert len(shown(steps, 1)) == 22


def test_the_words_name_the_step(steps):
    steps.set(step=7, **autodiff.CHAIN)
    assert steps.words[0].get_text() == "Forward 7 of 13:   h₁ = σ(1) = 0.731"
    steps.set(step=13)
    assert "L = ½(0.558 − 0.7)² = 0.0102" in steps.words[0].get_text()
    steps.set(step=17)
    assert steps.words[1].get_text() == "to v₂:   gradient × local derivative = −0.0352 × 0.5 = −0.0176"
    assert steps.words[2].get_text() == "to h₂:   gradient × local derivative = −0.0352 × (−1) = 0.0352"
    steps.set(step=26)
    assert "x₁ now has −0.0050" in steps.words[2].get_text()
    steps.set(step=0)
    assert "nothing is computed" in steps.words[0].get_text()
    assert in_brackets(-1) == "(−1)"


def test_the_frame_surrounds_the_node_of_the_step(steps):
    steps.set(step=7, **autodiff.CHAIN)
    x, y = steps.panel.frame.get_data()
    assert (np.mean([min(x), max(x)]), np.mean([min(y), max(y)])) == pytest.approx(
        steps.panel.places[steps.named["h1"]]
    )
    steps.set(step=0)
    assert len(steps.panel.frame.get_xdata()) == 0


@pytest.mark.parametrize("seed", range(5))
def test_gradients_agree_with_central_differences(steps, seed):
    drawn = np.random.default_rng(seed).integers(-8, 9, size=8) / 4
    values = dict(zip(autodiff.CHAIN, [*drawn, 0.25], strict=True))
    steps.set(step=2 * NODES, **values)

    def loss(numbers):
        return autodiff.chain(**dict(zip(autodiff.CHAIN, numbers, strict=True))).value

    numeric = numerical_gradient(loss, np.array(list(values.values()), float))
    ours = [steps.named[name].grad for name in autodiff.CHAIN]
    assert relative_error(ours, numeric) < 1e-6
    told = shown(steps, 1)
    assert told["w3"] == short(steps.named["w3"].grad)
    assert steps.numbers["gradient_w1"] == steps.named["w1"].grad
    assert steps.numbers["loss"] == pytest.approx(loss(list(values.values())))


def test_a_gradient_of_0_is_told_in_words(steps):
    steps.set(step=26, **autodiff.CHAIN | {"v1": 0})
    assert "w₁ gets the gradient 0" in steps._message.get_text()
    steps.set(**autodiff.CHAIN)
    assert steps._message.get_text() == ""


def test_every_control_moves_the_picture():
    assert idle_controls(labs.backprop_lab()) == []
