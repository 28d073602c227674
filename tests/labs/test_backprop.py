"""The backpropagation lab: each step shows one node more, and the gradients are those of differences."""

import numpy as np
import pytest

from helpers import labs
from helpers.labs.backprop import NODES, in_brackets
from helpers.numerics import autodiff
from helpers.numerics.gradcheck import numerical_gradient, relative_error
from helpers.plots.graph import BOX, pixels_of, places, short
from tests.labs.driving import idle_controls, mark


@pytest.fixture(scope="module")
def steps():
    return labs.backprop_lab()


def shown(lab, which):
    """Return name of the node → words, of the values or the gradients that are shown."""
    told = mark(lab.frame.panels[0], f"{which} text").words
    return {name: words for name, words in zip(autodiff.nodes(autodiff.chain()), told, strict=True) if words}


def lines(lab):
    """Return what is said of the step: the headline, and what is handed to whom."""
    panel = lab.frame.panels[1]
    return [panel.title, *panel.marks[0].words]


def gradients(values):
    """Return the gradient of each number of the chain, without the lab."""
    loss = autodiff.chain(**values)
    return autodiff.backward(loss)


def test_every_step_shows_one_more_node(steps):
    assert len(autodiff.forward_order(autodiff.chain())) == NODES
    for step in range(2 * NODES + 1):
        steps.set(step=step, **autodiff.CHAIN)
        assert len(shown(steps, "value")) == 9 + min(step, NODES)
        assert bool(shown(steps, "gradient")) == (step > NODES)
        assert steps.numbers["node"] in ("none", *autodiff.nodes(autodiff.chain()))
    assert len(shown(steps, "gradient")) == 22


def test_the_words_name_the_step(steps):
    steps.set(step=7, **autodiff.CHAIN)
    assert lines(steps) == ["Forward 7 of 13:   h₁ = σ(1) = 0.731", "", ""]
    steps.set(step=13)
    assert "L = ½(0.558 − 0.7)² = 0.0102" in lines(steps)[0]
    steps.set(step=17)
    assert lines(steps) == [
        "Backward 4 of 13:   v₂·h₂ has the gradient −0.0352, and hands back",
        "to v₂:   gradient × local derivative = −0.0352 × 0.5 = −0.0176",
        "to h₂:   gradient × local derivative = −0.0352 × (−1) = 0.0352",
    ]
    steps.set(step=26)
    assert "x₁ now has −0.0050" in lines(steps)[2]
    steps.set(step=0)
    assert "nothing is computed" in lines(steps)[0]
    assert in_brackets(-1) == "(−1)"


def test_the_frame_surrounds_the_node_of_the_step(steps):
    steps.set(step=7, **autodiff.CHAIN)
    graph, loss = steps.frame.panels[0], autodiff.chain()
    frame = mark(graph, "active")
    (k,) = np.flatnonzero(np.isfinite(frame.left))
    middle = (frame.left[k] + frame.right[k]) / 2, (frame.bottom[k] + frame.top[k]) / 2
    size = graph.x.high + graph.x.low, graph.y.high
    assert middle == pytest.approx(pixels_of(places(loss), size)[autodiff.nodes(loss)["h1"]])
    assert (frame.right[k] - frame.left[k], frame.top[k] - frame.bottom[k]) == pytest.approx(BOX)
    steps.set(step=0)
    assert np.isnan(mark(steps.frame.panels[0], "active").left).all()


def test_local_derivatives_are_those_of_the_node_of_the_step(steps):
    steps.set(step=17, **autodiff.CHAIN)
    slopes = steps.frame.panels[0].marks[-1].words
    assert [words for words in slopes if words] == ["×0.5", "×−1"]
    steps.set(step=9)
    assert not any(steps.frame.panels[0].marks[-1].words)


@pytest.mark.parametrize("seed", range(5))
def test_gradients_agree_with_central_differences(steps, seed):
    drawn = np.random.default_rng(seed).integers(-8, 9, size=8) / 4
    values = dict(zip(autodiff.CHAIN, [*drawn, 0.25], strict=True))
    steps.set(step=2 * NODES, **values)

    def loss(numbers):
        return autodiff.chain(**dict(zip(autodiff.CHAIN, numbers, strict=True))).value

    numeric = numerical_gradient(loss, np.array(list(values.values()), float))
    ours, told = gradients(values), shown(steps, "gradient")
    assert relative_error([ours[name] for name in autodiff.CHAIN], numeric) < 1e-6
    assert {name: told[name] for name in ours} == {name: short(grad) for name, grad in ours.items()}
    assert steps.numbers["gradient_w1"] == ours["w1"]
    assert steps.numbers["gradient_v1"] == ours["v1"]
    assert steps.numbers["loss"] == pytest.approx(loss(list(values.values())))


def test_a_gradient_of_0_is_told_in_words(steps):
    steps.set(step=26, **autodiff.CHAIN | {"v1": 0})
    assert "w₁ gets the gradient 0" in steps.frame.words
    assert ("gradient of w₁", "0") in steps.frame.readout
    steps.set(**autodiff.CHAIN)
    assert steps.frame.words == ""


def test_every_control_moves_the_picture():
    assert idle_controls(labs.backprop_lab()) == []
