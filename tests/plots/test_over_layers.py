"""Pictures over the layers: what the artists hold is what they were given."""

import numpy as np
import pytest

from helpers.networks import builders
from helpers.numerics import theory
from helpers.plots import over_layers
from helpers.signals import flow


def test_layers_panel_holds_what_it_was_given():
    panel = over_layers.layers_panel("std", [1.0, 0.0, np.inf, 100.0], [1.0, 10.0, 10.0, 100.0], log=True)
    measured, predicted = panel.marks
    np.testing.assert_array_equal(measured.x, [1, 2, 3, 4])
    np.testing.assert_array_equal(measured.y, [1, 0, np.inf, 100])
    np.testing.assert_array_equal(predicted.y, [1, 10, 10, 100])
    np.testing.assert_array_equal(panel.y.scaled(measured.y), [0, np.nan, np.nan, 2])
    assert panel.y.low <= 1 < 100 <= panel.y.high
    assert (panel.x.counts, panel.x.low < 1, panel.x.high > 4) == ("layer", True, True)
    assert [mark.label for mark in panel.marks] == ["measured", "predicted"]


def test_without_a_prediction_there_is_one_line():
    assert len(over_layers.layers_panel("mean", [0.1, 0.2], log=False).marks) == 1


def test_curves_are_the_numbers_with_their_predictions():
    picture = over_layers.curves({"a": [1, 10], "b": [2, 20]}, {"a": [1, 11]}, ylabel="std", alt="two curves")
    lines = picture.axes[0].get_lines()
    labels = [line.get_label() for line in lines if not line.get_label().startswith("_")]
    assert labels == ["a", "b", "predicted"]
    np.testing.assert_allclose(lines[0].get_ydata(), [0, 1])
    np.testing.assert_allclose(lines[1].get_ydata(), np.log10([1, 11]))
    assert lines[0].get_marker() != lines[2].get_marker()
    assert repr(picture) == "<picture: two curves>"


def test_small_multiples_hold_the_measured_and_the_predicted():
    measured, predicted = np.array([0.5, 0.1]), np.array([0.6, 0.2])
    lines = over_layers.small_multiples({"a": measured}, {"a": predicted}, ylabel="norm").axes[0].lines
    np.testing.assert_allclose(lines[0].get_ydata(), np.log10(measured))
    np.testing.assert_allclose(lines[1].get_ydata(), np.log10(predicted))


def test_seed_paths_stand_between_two_standard_deviations():
    paths = np.array([[0.5, 0.1], [0.6, 0.2], [0.4, 0.1]])
    picture = over_layers.seed_paths({"a": paths}, {"a": (-0.5, 0.25)})
    lines = picture.axes[0].lines
    np.testing.assert_array_equal([line.get_ydata() for line in lines[:3]], paths)
    np.testing.assert_allclose(lines[-1].get_ydata(), [-0.5 + 1, -1 + 2 * np.sqrt(0.5)])
    assert picture._repr_png_()


def test_flow_panels_show_medians_and_predictions(rng):
    sizes, design = (784, *[20] * 6, 10), builders.Design()
    x, y = rng.standard_normal((50, 784)), rng.integers(0, 10, 50)
    runs = [flow.flow(design.stack(sizes, rng=np.random.default_rng(seed)), x, y) for seed in range(2)]
    expected = theory.predicted_flow(design, sizes, x, runs[0].output_error)
    limits = {"mean": (-1, 1), "variance": (0.1, 10), "gradient": (1e-3, 10)}
    picture = over_layers.flow_panels({"kept": runs}, {"kept": expected}, limits=limits, alt="a picture")
    measured, dashed = picture.axes[1].get_lines()[:2]
    np.testing.assert_allclose(measured.get_ydata(), np.median([run.std**2 for run in runs], axis=0))
    np.testing.assert_allclose(dashed.get_ydata(), expected.std**2)
    assert picture.axes[2].get_ylim() == limits["gradient"]


@pytest.mark.parametrize(("depth", "wanted"), [(1, [0]), (10, range(10)), (3, [0, 1, 2])])
def test_evenly_picked(depth, wanted):
    assert list(over_layers.evenly_picked(depth, 10)) == list(wanted)


def test_evenly_picked_of_a_deep_net_reach_both_ends():
    layers = over_layers.evenly_picked(100, 10)
    assert len(layers) == 10
    assert (layers[0], layers[-1]) == (0, 99)


def test_panels_side_by_side_share_one_axis_and_show_a_guess():
    panels = {"a": {"x": [1.0, 1e-3], "y": [1.0, 0.5]}, "b": {"x": [1.0, 2.0]}}
    picture = over_layers.side_by_side(panels, guess={"a": (2, 1e-6), "b": None}, alt="two panels")
    first, second = picture.axes
    assert first.get_ylim() == second.get_ylim()
    blind = over_layers.side_by_side(panels, alt="no guess").axes[0]
    assert len(first.lines) == len(blind.lines) + 1  # the guess, one point
    assert first.lines[-1].get_xydata().tolist() == [[2, -6]]


@pytest.mark.parametrize("guess", [0.5, [1.0, None], (1, None), None])
def test_any_guess_can_be_drawn(guess):
    over_layers.side_by_side({"a": {"x": [1.0, 0.1]}}, guess={"a": guess}, alt="a guess")
