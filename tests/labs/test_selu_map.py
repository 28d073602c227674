"""SELU's map: where a layer takes mean and variance, by closed form and by a wide random network."""

from itertools import product

import numpy as np
import pytest

from helpers import labs
from helpers.labs.selu_map import ARROW, LAYERS, balanced_weights, measured_path, predicted_path, short_arrows
from helpers.numerics.theory import moment_map
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def flow():
    return labs.selu_map_lab()


def drawn(lab):
    """Return the map's marks by label, and its arrows."""
    return {mark.label or "arrows": mark for mark in lab.frame.panel("one layer takes").marks}


@pytest.mark.parametrize("start", list(product((-1, 0, 1), (0, 0.5, 3))))
def test_every_start_comes_to_rest_at_0_1(start):
    path = predicted_path("selu", *start, 0.0, 1.0, 120)
    assert path[0] == pytest.approx(start)
    wanted = (0, 0) if start[1] == 0 else (0, 1)
    assert path[-1] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("omega", "tau"), [(0.0, 1.0), (0.5, 0.8), (-1.0, 2.0)])
def test_weights_have_the_sums_they_should(omega, tau):
    unit = balanced_weights(50)
    W = np.sqrt(tau - omega**2 / 50) * unit + omega / 50
    assert np.allclose(W.sum(axis=1), omega, atol=1e-4)
    assert np.allclose((W**2).sum(axis=1), tau, rtol=1e-4)


@pytest.mark.parametrize("name", ["selu", "tanh", "relu", "sigmoid"])
def test_a_wide_random_network_follows_the_prediction(name):
    predicted = predicted_path(name, 0.5, 1.5, 0.3, 1.0, LAYERS)
    measured = measured_path(name, 0.5, 1.5, 0.3, 1.0, balanced_weights(200))
    assert np.abs(measured[:6] - predicted[:6]).max() < 0.12


def test_dots_and_dashes_are_what_is_read_out(flow):
    flow.set(activation="selu", mean=-0.4, variance=0.5, omega=0, tau=1, width=100)
    marks = drawn(flow)
    assert (*marks["start"].x, *marks["start"].y) == pytest.approx((-0.4, 0.5))
    for name in ("predicted", "measured"):
        mean, variance = marks[name].x, marks[name].y
        assert (mean[0], variance[0]) == pytest.approx((-0.4, 0.5))
        told = flow.numbers[f"{name}_mean"], flow.numbers[f"{name}_variance"]
        assert (mean[-1], variance[-1]) == pytest.approx(told)
        for title, values in (("mean of h", mean), ("std of h", np.sqrt(variance))):
            (line,) = (mark for mark in flow.frame.panel(title).marks if mark.label == name)
            assert line.y == pytest.approx(values[1:])
    assert (*marks["comes to rest"].x, *marks["comes to rest"].y) == pytest.approx((0, 1), abs=1e-2)


def test_no_arrow_at_the_fixed_point_and_none_too_long(flow):
    flow.set(activation="selu", omega=0, tau=1)
    arrows = drawn(flow)["arrows"]
    lengths = np.hypot(arrows.dx, arrows.dy)
    here = np.argmin(np.hypot(arrows.x, arrows.y - 1))
    assert lengths[here] < 1e-9
    assert 0.05 < lengths.max() <= ARROW
    assert np.hypot(*short_arrows(np.array([1e300, 0.0]), np.array([0.0, 0.0]))) == pytest.approx([ARROW, 0])


def test_arrows_point_where_a_layer_takes_mean_and_variance(flow):
    flow.set(activation="relu", omega=0.5, tau=2)
    arrows = drawn(flow)["arrows"]
    mean, variance = moment_map("relu", arrows.x, arrows.y, 0.5, 2.0)
    moved = np.array([mean - arrows.x, variance - arrows.y])
    length, shown = np.hypot(*moved), np.hypot(arrows.dx, arrows.dy)
    assert (shown <= length + 1e-12).all()
    assert np.allclose(arrows.dx * length, moved[0] * shown)
    assert np.allclose(arrows.dy * length, moved[1] * shown)


def test_a_path_that_leaves_the_map_is_not_painted_beside_it(flow):
    flow.set(activation="selu", mean=0.6, variance=2.5, omega=2, tau=4, width=100)
    assert drawn(flow)["measured"].y.max() > 1e6
    axes = flow.picture().axes[0]
    free = [line for line in axes.lines if not line.get_clip_on()]
    assert free
    for line in free:
        x, y = line.get_data()
        assert ((np.abs(x) < 1.2) & (y > -0.2) & (y < 3.2)).all()


def test_impossible_weights_are_told_in_words(flow):
    flow.set(omega=2, tau=0.05, width=5)
    assert "no 5 weights" in flow.frame.words
    assert "measured_mean" not in flow.numbers
    assert np.isnan(drawn(flow)["measured"].x).all()
    flow.set(omega=0, tau=4, width=50)
    assert "leaves the picture" in flow.frame.words or "Overflow" in flow.frame.words


def test_every_control_moves_the_picture():
    assert idle_controls(labs.selu_map_lab()) == []
