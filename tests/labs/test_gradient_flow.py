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


def line(lab, title, label):
    """Return the line, or the points, of a label on the panel of a title."""
    return next(mark for mark in lab.frame.panel(title).marks if mark.label == label)


def test_the_start_is_the_vanishing_sigmoid(flow_lab):
    flow_lab.set(depth=10, activation="sigmoid", initializer="glorot_normal", gain=1)
    ratio = flow_lab.numbers["ratio"]
    assert 1e-7 < ratio < 1e-5
    dots = line(flow_lab, "gradient norm of z", "measured")
    assert list(dots.x) == list(range(1, 11))
    assert dots.y[0] / dots.y[-1] == pytest.approx(ratio)


def test_predictions_lie_over_the_dots(flow_lab):
    flow_lab.set(depth=20, activation="relu", initializer="he_normal", gain=2)
    for title in ("gradient norm of z", "std of h", "gradient ratio"):
        measured, predicted = (line(flow_lab, title, label) for label in ("measured", "predicted"))
        beside = np.log10(predicted.y)[np.isin(predicted.x, measured.x)]
        off = np.log10(measured.y) - beside
        assert len(off) in (20, len(DEPTHS))
        assert np.abs(off).max() < 0.8  # of a decade, over a span of six and thirty
        assert np.ptp(np.log10(predicted.y)) > 5


def test_the_ratio_panel_agrees_with_the_network_shown(flow_lab):
    for depth in (5, 10, 100):
        flow_lab.set(depth=depth, activation="sigmoid", initializer="glorot_normal", gain=1)
        dots, here = (line(flow_lab, "gradient ratio", label) for label in ("measured", "depth now"))
        network = shortened(flow_lab._deep_network("glorot_normal", "sigmoid", 1), depth)
        norms = trace(network, *data.load_batch(RATIO_IMAGES, dtype=np.float64)).per_layer("grad_z_norm")
        assert dots.y[DEPTHS.index(depth)] == pytest.approx(norms[0] / norms[-1], rel=1e-6)
        assert list(here.x) == [depth, depth]
        assert tuple(dots.x) == DEPTHS


def test_it_says_in_words_what_left_the_range(flow_lab):
    flow_lab.set(depth=100, activation="sigmoid", initializer="glorot_normal", gain=1)
    assert "vanished" in flow_lab.frame.words
    flow_lab.set(depth=100, activation="linear", initializer="standard_normal", gain=100)
    assert "Overflow" in flow_lab.frame.words or flow_lab.numbers["std_last"] > 1e200
    flow_lab.set(depth=3, activation="tanh", initializer="zeros", gain=0)
    assert flow_lab.trouble is None
    assert flow_lab.numbers["ratio"] == "0 / 0"
    assert ("gradient, layer 1 / layer 3", "0 / 0") in flow_lab.frame.readout


def test_saturation_of_standard_normal_weights(flow_lab):
    flow_lab.set(depth=10, activation="sigmoid", initializer="standard_normal", gain=1)
    title = "share of saturated units"
    measured, predicted = (line(flow_lab, title, label).y for label in ("measured", "predicted"))
    assert measured[0] > 0.8
    assert np.abs(measured - predicted).max() < 0.15


def test_every_control_moves_the_picture():
    assert idle_controls(labs.gradient_flow_lab()) == []
