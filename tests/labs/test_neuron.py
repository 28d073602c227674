"""The neuron lab: its points lie on their curves, and its gradients are the numerical ones."""

import numpy as np
import pytest

from helpers import labs
from helpers.labs.neuron import slope_in_words
from helpers.numerics.activations import ACTIVATIONS
from tests.labs.driving import idle_controls


def test_the_neuron_of_the_lesson():
    lab = labs.neuron_lab()
    assert lab.numbers["z"] == pytest.approx(51)
    assert lab.numbers["df"] == pytest.approx(np.exp(-51), rel=1e-12)
    assert lab.numbers["gradient_2"] / lab.numbers["gradient_1"] == pytest.approx(5000)
    assert [panel.point.get_xdata()[0] for panel in lab.panels] == [51, 51, 51]
    assert lab.panels[2].point.get_ydata()[0] == pytest.approx(-51 / np.log(10))
    assert "1e-18" in lab._message.get_text()


@pytest.mark.slow
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize(("w1", "w2"), [(100, 0), (-10_000, -2), (10_000, 2), (0, 0.1)])
def test_the_points_lie_on_their_curves_and_in_sight(activation, w1, w2):
    lab = labs.neuron_lab(activation=activation, w1=w1, w2=w2)
    assert lab.trouble is None
    for panel in lab.panels:
        (x,), (y,) = panel.point.get_data()
        low, high = panel.axes.get_ylim()
        assert panel.axes.get_xlim()[0] < x < panel.axes.get_xlim()[1]
        if np.isfinite(y):
            at_point = np.interp(x, *panel.curve.get_data())
            assert at_point == pytest.approx(y, abs=0.02 * (high - low))
            assert low < y < high


def test_gradients_are_the_numerical_ones():
    lab, step = labs.neuron_lab(activation="tanh", w1=20, w2=0.02), 1e-6
    f = ACTIVATIONS["tanh"].f
    for name, x in (("gradient_1", 0.01), ("gradient_2", 50)):
        z = lab.numbers["z"]
        slope = (f(z + step * x) - f(z - step * x)) / (2 * step)
        assert lab.numbers[name] == pytest.approx(slope, rel=1e-5)


def test_what_a_slope_means_in_words():
    assert slope_in_words(0.1) == ""
    assert "exactly 0" in slope_in_words(0.0)
    assert "below" in slope_in_words(1e-20)


def test_every_control_moves_the_picture():
    assert idle_controls(labs.neuron_lab()) == []
