"""The gradient flow lab: what it draws is what the network shown has, and what theory predicts."""

import numpy as np
import pytest

from helpers import data, labs
from helpers.labs.gradient_flow import DEPTHS, RATIO_IMAGES
from helpers.signals.flow import shortened
from helpers.signals.trace import trace
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def flow_lab():
    return labs.gradient_flow_lab()


def test_the_start_is_the_vanishing_sigmoid(flow_lab):
    flow_lab.set(depth=10, activation="sigmoid", initializer="glorot_normal", gain=1)
    ratio = flow_lab.numbers["ratio"]
    assert 1e-7 < ratio < 1e-5
    dots = flow_lab.panels["gradient"].measured.get_ydata()
    assert len(dots) == 10
    assert dots[0] - dots[-1] == pytest.approx(np.log10(ratio))


def test_predictions_lie_over_the_dots(flow_lab):
    flow_lab.set(depth=20, activation="relu", initializer="he_normal", gain=2)
    for name in ("gradient", "std", "ratio"):
        panel = flow_lab.panels[name]
        measured, predicted = panel.measured.get_ydata(), panel.predicted.get_ydata()
        seen = np.isfinite(measured)
        assert np.abs(measured - predicted)[seen].max() < 0.8  # of a decade, over a span of six and thirty
        assert np.ptp(predicted) > 5


def test_the_ratio_panel_agrees_with_the_network_shown(flow_lab):
    for depth in (5, 10, 100):
        flow_lab.set(depth=depth, activation="sigmoid", initializer="glorot_normal", gain=1)
        dot = flow_lab.panels["ratio"].measured.get_ydata()[depth - 1]
        network = shortened(flow_lab._deep_network("glorot_normal", "sigmoid", 1), depth)
        norms = trace(network, *data.load_batch(RATIO_IMAGES, dtype=np.float64)).per_layer("grad_z_norm")
        assert dot == pytest.approx(np.log10(norms[0] / norms[-1]), abs=1e-6)
        assert list(flow_lab.here.get_xdata()) == [depth, depth]
    shown = np.flatnonzero(np.isfinite(flow_lab.panels["ratio"].measured.get_ydata())) + 1
    assert tuple(shown) == DEPTHS


def test_it_says_in_words_what_left_the_range(flow_lab):
    flow_lab.set(depth=100, activation="sigmoid", initializer="glorot_normal", gain=1)
    assert "vanished" in flow_lab._message.get_text()
    flow_lab.set(depth=100, activation="linear", initializer="standard_normal", gain=100)
    assert "Overflow" in flow_lab._message.get_text() or flow_lab.numbers["std_last"] > 1e200
    flow_lab.set(depth=3, activation="tanh", initializer="zeros", gain=0)
    assert flow_lab.trouble is None
    assert flow_lab.numbers["ratio"] == "0 / 0"


def test_saturation_of_standard_normal_weights(flow_lab):
    flow_lab.set(depth=10, activation="sigmoid", initializer="standard_normal", gain=1)
    measured = flow_lab.panels["saturated"].measured.get_ydata()
    predicted = flow_lab.panels["saturated"].predicted.get_ydata()
    assert measured[0] > 0.8
    assert np.abs(measured - predicted).max() < 0.15


def test_every_control_moves_the_picture():
    assert idle_controls(labs.gradient_flow_lab()) == []
