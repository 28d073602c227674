"""The mean-field lab: point, slope and words agree with the phase of the weights."""

import numpy as np
import pytest

from helpers import labs
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def map_lab():
    return labs.mean_field_lab()


def test_tanh_sits_on_the_edge_at_its_critical_weights(map_lab):
    map_lab.set(activation="tanh", sigma_w2=1.761, sigma_b2=0.05, depth=30, seed=0)
    assert map_lab.numbers["chi"] == pytest.approx(1, abs=1e-3)
    assert map_lab.numbers["phase"] == "edge"
    assert map_lab.numbers["depth_scale"] > 1000


@pytest.mark.parametrize(("sigma_w2", "phase"), [(1.2, "order"), (4, "chaos")])
def test_the_point_the_slope_and_the_words_agree(map_lab, sigma_w2, phase):
    map_lab.set(activation="tanh", sigma_w2=sigma_w2, sigma_b2=0.05, depth=30, seed=0)
    assert map_lab.numbers["phase"] == phase
    (x,), (y,) = map_lab.point.get_data()
    assert (10**x, y) == pytest.approx((sigma_w2, 0.05))
    slope = np.diff(map_lab.slope.get_ydata())
    assert np.allclose(slope, -np.log10(map_lab.numbers["chi"]) / 2)
    measured = map_lab.panel.measured.get_ydata()
    assert (measured[-1] - measured[9]) / 20 == pytest.approx(slope[0], abs=0.025)


def test_relu_explodes_above_two(map_lab):
    map_lab.set(activation="relu", sigma_w2=4, sigma_b2=0, depth=20, seed=1)
    assert map_lab.numbers["chi"] == pytest.approx(2)
    assert map_lab.numbers["ratio"] == pytest.approx(2 ** (19 / 2), rel=0.6)
    assert "grows without end" in map_lab._message.get_text()


def test_the_map_is_drawn_anew_for_another_activation_only(map_lab):
    map_lab.set(activation="tanh", sigma_w2=1.2, sigma_b2=0.05, depth=30, seed=0)
    image = map_lab._map_artists[0]
    map_lab.set(sigma_w2=2)
    assert map_lab._map_artists[0] is image
    map_lab.set(activation="gelu")
    assert map_lab._map_artists[0] is not image
    assert len(map_lab.map_axes.images) == 1


def test_every_control_moves_the_picture():
    assert idle_controls(labs.mean_field_lab()) == []
