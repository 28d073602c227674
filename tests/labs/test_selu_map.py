"""SELU's map: where a layer takes mean and variance, by closed form and by a wide random network."""

from itertools import product

import numpy as np
import pytest

from helpers import labs
from helpers.labs.selu_map import ARROW, LAYERS, balanced_weights, measured_path, predicted_path, short_arrows
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def flow():
    return labs.selu_map_lab()


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
    assert flow.predicted.get_xydata()[0] == pytest.approx([-0.4, 0.5])
    assert flow.predicted.get_xydata()[-1] == pytest.approx(
        [flow.numbers["predicted_mean"], flow.numbers["predicted_variance"]]
    )
    assert flow.measured.get_xydata()[-1] == pytest.approx(
        [flow.numbers["measured_mean"], flow.numbers["measured_variance"]]
    )
    assert flow.rest.get_xydata()[0] == pytest.approx([0, 1], abs=1e-2)


def test_no_arrow_at_the_fixed_point_and_none_too_long(flow):
    flow.set(activation="selu", omega=0, tau=1)
    lengths = np.hypot(flow.arrows.U, flow.arrows.V)
    here = np.argmin(np.hypot(flow.grid[0], flow.grid[1] - 1))
    assert lengths[here] < 1e-9
    assert 0.05 < lengths.max() <= ARROW
    assert np.hypot(*short_arrows(np.array([1e300, 0.0]), np.array([0.0, 0.0]))) == pytest.approx([ARROW, 0])


def test_impossible_weights_are_told_in_words(flow):
    flow.set(omega=2, tau=0.05, width=5)
    assert "no 5 weights" in flow._message.get_text()
    assert "measured_mean" not in flow.numbers
    flow.set(omega=0, tau=4, width=50)
    assert "leaves the picture" in flow._message.get_text() or "Overflow" in flow._message.get_text()


def test_every_control_moves_the_picture():
    assert idle_controls(labs.selu_map_lab()) == []
