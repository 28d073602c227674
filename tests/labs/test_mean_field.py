"""The mean-field lab: point, slope and words agree with the phase of the weights."""

import numpy as np
import pytest

from helpers import labs
from helpers.labs.mean_field import SETTLED
from helpers.numerics.theory import chi, fixed_point
from helpers.plots.frame import Image
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def map_lab():
    return labs.mean_field_lab()


def drawn(lab, title):
    """Return a panel's marks by label; the map itself has none."""
    return {mark.label: mark for mark in lab.frame.panel(title).marks}


def test_tanh_sits_on_the_edge_at_its_critical_weights(map_lab):
    map_lab.set(activation="tanh", sigma_w2=1.761, sigma_b2=0.05, depth=30, seed=0)
    assert map_lab.numbers["chi"] == pytest.approx(1, abs=1e-3)
    assert map_lab.numbers["phase"] == "edge"
    assert ("phase", "edge") in map_lab.frame.readout
    assert map_lab.numbers["depth_scale"] > 1000


@pytest.mark.parametrize(("sigma_w2", "phase"), [(1.2, "order"), (4, "chaos")])
def test_the_point_the_slope_and_the_words_agree(map_lab, sigma_w2, phase):
    map_lab.set(activation="tanh", sigma_w2=sigma_w2, sigma_b2=0.05, depth=30, seed=0)
    assert map_lab.numbers["phase"] == phase
    point = drawn(map_lab, "order")["this network"]
    assert (*point.x, *point.y) == (sigma_w2, 0.05)
    marks = drawn(map_lab, "gradient norm")
    slope = np.diff(np.log10(marks["slope √χ per layer"].y))
    assert np.allclose(slope, -np.log10(map_lab.numbers["chi"]) / 2)
    measured = np.log10(marks["measured"].y)
    assert (measured[-1] - measured[9]) / 20 == pytest.approx(slope[0], abs=0.025)
    assert measured[0] - measured[-1] == pytest.approx(np.log10(map_lab.numbers["ratio"]))


def test_relu_explodes_above_two(map_lab):
    map_lab.set(activation="relu", sigma_w2=4, sigma_b2=0, depth=20, seed=1)
    assert map_lab.numbers["chi"] == pytest.approx(2)
    assert map_lab.numbers["ratio"] == pytest.approx(2 ** (19 / 2), rel=0.6)
    assert "grows without end" in map_lab.frame.words


def test_lines_of_the_map_lie_where_theory_has_them(map_lab):
    """On a line of the map |ln χ| is 0, or 1 / depth scale; between points of the grid it is interpolated."""
    map_lab.set(activation="tanh", sigma_w2=1.2, sigma_b2=0.05, depth=5, seed=0)
    marks = drawn(map_lab, "order")
    assert isinstance(marks[""], Image)
    for label, levels in (("edge, χ = 1", [0]), ("depth scale 3, 10, 30 layers", [1 / 30, 1 / 10, 1 / 3])):
        line = marks[label]
        places = np.flatnonzero(np.isfinite(line.x) & (line.y > 0.1))[::7]  # below that q settles slowly
        found = [
            abs(np.log(chi("tanh", fixed_point("tanh", w, b, layers=SETTLED), w)))
            for w, b in zip(line.x[places], line.y[places], strict=True)
        ]
        off = np.abs(np.subtract.outer(found, levels)).min(axis=1)
        assert off.max() < 3e-3
        assert len(np.unique(np.abs(np.subtract.outer(found, levels)).argmin(axis=1))) == len(levels)


def test_colors_of_the_map_are_chi(map_lab):
    map_lab.set(activation="gelu", sigma_w2=1.2, sigma_b2=0.05, depth=5, seed=0)
    image = drawn(map_lab, "order")[""]
    left, right, bottom, top = image.extent
    rows, columns = image.values.shape
    for row, column in ((0, 0), (rows - 1, columns - 1), (10, 40)):
        w = left * (right / left) ** ((column + 0.5) / columns)
        b = max(0.0, top + (bottom - top) * (row + 0.5) / rows)
        expected = chi("gelu", min(fixed_point("gelu", w, b, layers=SETTLED), 1e20), w)
        assert image.values[row, column] == pytest.approx(np.log10(expected), abs=2e-3)


def test_the_map_is_computed_anew_for_another_activation_only(map_lab):
    map_lab.set(activation="tanh", sigma_w2=1.2, sigma_b2=0.05, depth=30, seed=0)
    image = drawn(map_lab, "order")[""]
    map_lab.set(sigma_w2=2)
    assert drawn(map_lab, "order")[""] is image
    map_lab.set(activation="gelu")
    assert drawn(map_lab, "order")[""] is not image


def test_closing_drops_the_weights():
    lab = labs.mean_field_lab(depth=3)
    lab.close()
    assert lab._base == (None, None)


def test_every_control_moves_the_picture():
    assert idle_controls(labs.mean_field_lab()) == []
