"""Pictures of a training run: what the artists hold is what was recorded."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.networks import builders
from helpers.plots import training
from helpers.signals import recording


def test_skipped_blocks_shows_the_passes_and_their_share():
    alive = np.random.default_rng(0).random((100, 5)) < 0.7
    left, right = training.skipped_blocks(alive, np.full(5, 0.7), shown=30, alt="x").axes
    np.testing.assert_array_equal(left.images[0].get_array(), alive[:30].T)
    measured, survival = right.lines
    np.testing.assert_allclose(measured.get_ydata(), alive.mean(axis=0))
    np.testing.assert_allclose(survival.get_ydata(), 0.7)
    assert measured.get_marker() == "o"
    assert survival.get_linestyle() == "--"


def bands():
    low = np.array([-1.0, -2, -3])
    return range(0, 30, 10), np.stack([low, low + 1, low + 3], axis=1)


class TestQuantileBands:
    def test_line_is_the_middle_and_band_reaches_from_low_to_high(self):
        axes = training.quantile_bands({"plain": bands()}, xlabel="step", ylabel="z", alt="x").axes[0]
        np.testing.assert_array_equal(axes.lines[0].get_xdata(), [0, 10, 20])
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0, -1, -2])
        heights = axes.collections[0].get_paths()[0].vertices[:, 1]
        assert (heights.min(), heights.max()) == (-3, 2)

    def test_the_start_is_marked(self):
        axes = training.quantile_bands({"plain": bands()}, xlabel="step", ylabel="z", alt="x").axes[0]
        assert list(axes.lines[1].get_ydata()) == [0, 0]
        assert axes.lines[1].get_linestyle() == "--"

    def test_panels_share_their_axes(self):
        runs = {"a": bands(), "b": (range(3), 10 * bands()[1])}
        picture = training.quantile_bands(runs, xlabel="step", ylabel="z", alt="two")
        assert picture.axes[0].get_ylim() == picture.axes[1].get_ylim()
        assert [axes.get_title() for axes in picture.axes] == ["a", "b"]
        assert repr(picture) == "<picture: two>"


@pytest.fixture
def recorded(rng):
    """A recorded run of a small network on random images."""
    net = builders.Design().stack((30, *[20] * 6, 10), rng=rng)
    x, y = rng.standard_normal((200, 30)), rng.integers(0, 10, 200)
    return recording.recorded_training(net, x, y, learning_rate=0.1, steps=5, every=2, rng=rng)


def test_updates_of_a_few_layers_and_the_guide(recorded):
    lines = training.update_panels({"SELU + LeCun": recorded}, alt="x").axes[0].get_lines()
    assert [line.get_label() for line in lines] == ["layer 1", "layer 3", "layer 5", "layer 7", "0.001"]
    np.testing.assert_allclose(lines[0].get_ydata(), recorded.ratio[:, 0])
    assert set(lines[-1].get_ydata()) == {1e-3}


def test_maps_hold_the_mean_of_the_activations(recorded):
    picture = training.activation_maps({"one": recorded, "two": recorded}, alt="two maps")
    *maps, bar = picture.axes
    assert bar.get_ylim() == (0, recording.REACH / 2)
    assert [bool(axes.get_ylabel()) for axes in maps] == [True, False]
    assert maps[0].bbox.width == pytest.approx(maps[1].bbox.width)
    for axes, title in zip(maps, ("one", "two"), strict=True):
        (image,) = axes.images
        np.testing.assert_allclose(image.get_array()[::-1], recorded.mean_activation.T)
        assert image.get_clim() == (0, recording.REACH / 2)
        assert image.get_extent() == [0, recorded.last_step, 0.5, len(recorded.layers) + 0.5]
        assert axes.get_title() == title
    assert repr(picture) == "<picture: two maps>"


def test_what_is_still_to_come_is_empty(recorded):
    under_way = replace(recorded, total=2 * recorded.last_step)
    panel = training.heat_panel(under_way)
    assert panel.marks[0].extent[:2] == (0, recorded.last_step)
    assert panel.x.ends == (0, 2 * recorded.last_step)


def test_the_panels_of_a_run_hold_its_records(recorded):
    loss, accuracy, heat, gradient, ratio = training.panels_of(recorded)
    np.testing.assert_array_equal(loss.marks[0].y, recorded.loss)
    np.testing.assert_array_equal(loss.marks[0].x, recorded.steps)
    assert loss.y.low == 0
    assert loss.y.high >= recorded.loss.max()
    assert len(accuracy.marks[0].y) == 0  # nobody measured it
    assert heat.marks[0].bar
    for panel, values in ((gradient, recorded.grad_W_norm), (ratio, recorded.ratio)):
        before, now = panel.marks[-2:]
        assert (before.label, now.label) == ("before training", "now")
        np.testing.assert_array_equal(before.y, values[0])
        np.testing.assert_array_equal(now.y, values[-1])
    assert [mark.look for mark in ratio.marks] == ["guide", "before", "now"]
    assert set(ratio.marks[0].y) == {recording.HEALTHY_RATIO}


def test_without_a_record_there_are_titles_only():
    for panels in (training.panels_of(None), training.panels_of(recording.empty(("a", "b"), 10))):
        assert [panel.title for panel in panels] == list(training.TITLES.values())
    assert not any(panel.marks for panel in training.panels_of(None))


def test_a_run_without_a_finite_number_is_drawn(recorded):
    lost = replace(recorded, **dict.fromkeys(("grad_W_norm", "ratio"), recorded.grad_W_norm * np.nan))
    assert training.update_panels({"lost": lost}, alt="x")._repr_png_().startswith(b"\x89PNG")


def test_training_losses_draws_median_guess_and_levels():
    runs = np.array([[3.0, 2, 1], [3, 1, 0.5], [3, 3, 2]])
    picture = training.training_losses({"a": runs, "b": [3, 2, 2]}, guess=1.5, levels={"chance": 2.3}, low=0)
    (axes,) = picture.axes
    lines = {line.get_label(): line for line in axes.lines}
    np.testing.assert_allclose(lines["a"].get_ydata(), [3, 2, 1])
    np.testing.assert_allclose(lines["your guess"].get_ydata(), 1.5)
    np.testing.assert_allclose(lines["chance"].get_ydata(), 2.3)
    assert "your guess" not in {
        line.get_label() for line in training.training_losses({"a": runs}).axes[0].lines
    }
