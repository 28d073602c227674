"""The neuron lab: its points lie on their curves, and its gradients are the numerical ones."""

import numpy as np
import pytest

from helpers import labs
from helpers.labs.neuron import slope_in_words
from helpers.numerics.activations import ACTIVATIONS
from helpers.plots.frame import Points
from tests.labs.driving import idle_controls


def parts(panel):
    """Return a panel's curve, and its points by label."""
    return panel.marks[0], {mark.label: mark for mark in panel.marks if isinstance(mark, Points)}


def test_the_neuron_of_the_lesson():
    lab = labs.neuron_lab()
    assert lab.numbers["z"] == pytest.approx(51)
    assert lab.numbers["df"] == pytest.approx(np.exp(-51), rel=1e-12)
    assert lab.numbers["gradient_2"] / lab.numbers["gradient_1"] == pytest.approx(5000)
    points = [parts(panel)[1]["this neuron"] for panel in lab.frame.panels]
    assert [point.x[0] for point in points] == [51, 51, 51]
    assert points[2].y[0] == pytest.approx(np.exp(-51), rel=1e-9, abs=0)
    back = parts(lab.frame.panel("f'(z) on a log axis"))[1]
    for weight, x in ((1, 0.01), (2, 50)):
        assert back[f"gradient of weight {weight}"].y[0] == pytest.approx(x * np.exp(-51), rel=1e-9, abs=0)
    assert "1e-18" in lab.frame.words
    assert lab.frame.readout[0] == ("z = 100 · 0.01 + 1 · 50", "51")


@pytest.mark.slow
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize(("w1", "w2"), [(100, 0), (-10_000, -2), (10_000, 2), (0, 0.1)])
def test_the_points_lie_on_their_curves_and_in_sight(activation, w1, w2):
    lab = labs.neuron_lab(activation=activation, w1=w1, w2=w2)
    assert lab.trouble is None
    for panel in lab.frame.panels:
        curve, points = parts(panel)
        (x,), (low, high) = points["this neuron"].x, panel.y.ends
        assert panel.x.low < x < panel.x.high
        heights = {label: panel.y.scaled(point.y)[0] for label, point in points.items()}
        if np.isfinite(heights["this neuron"]):
            at_point = np.interp(x, curve.x, panel.y.scaled(curve.y))
            assert at_point == pytest.approx(heights["this neuron"], abs=0.02 * (high - low))
            assert all(low < y < high for y in heights.values())


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
