"""Results over seeds: median and range, dots, differences are those of the numbers."""

from pathlib import Path

import numpy as np
import pytest

from helpers.data import results
from helpers.plots import over_seeds, style

RUNS = {"a": np.array([[1.0, 10], [2, 20], [4, 40]]), "b": np.array([[5.0, 5], [6, 6], [7, 7]])}


class TestSeedPanels:
    def test_lines_are_medians_and_bands_ranges(self):
        axes = over_seeds.seed_panels({"title": RUNS}, xlabel="layer", alt="x").axes[0]
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), [2, 20])
        band = axes.collections[0].get_paths()[0].vertices[:, 1]
        assert (band.min(), band.max()) == (1, 40)
        assert axes.get_yscale() == "log"

    def test_predictions_are_dashed_in_the_same_color(self):
        predicted = {"a": np.array([3.0, 30]), "b": np.array([6.0, 6])}
        axes = over_seeds.seed_panels({"title": RUNS}, predicted, xlabel="layer", alt="x").axes[0]
        measured, theory = axes.lines[0], axes.lines[1]
        np.testing.assert_array_equal(theory.get_ydata(), [3, 30])
        assert theory.get_linestyle() == "--"
        assert theory.get_color() == measured.get_color()

    def test_a_label_keeps_its_color_in_every_panel(self):
        picture = over_seeds.seed_panels({"all": RUNS, "one": {"b": RUNS["b"]}}, xlabel="x", alt="x")
        assert picture.axes[1].lines[0].get_color() == picture.axes[0].lines[1].get_color()

    def test_points_are_numbered_from_first(self):
        axes = over_seeds.seed_panels({"title": RUNS}, xlabel="block", alt="x", first=0).axes[0]
        np.testing.assert_array_equal(axes.lines[0].get_xdata(), [0, 1])


def test_seed_dots_show_every_seed_and_the_median():
    picture = over_seeds.seed_dots(
        {"t": {"a": [0.1, 0.3, 0.2], "b": [0.5, 0.6, 0.9]}}, ylabel="right", alt="x"
    )
    dots, bar = picture.axes[0].lines[2:4]
    np.testing.assert_array_equal(dots.get_ydata(), [0.5, 0.6, 0.9])
    np.testing.assert_allclose(bar.get_ydata(), 0.6)
    assert [label.get_text() for label in picture.axes[0].get_xticklabels()] == ["a", "b"]


def test_bands_are_median_and_range():
    runs = np.array([[1.0, 2], [2, 4], [9, 9]])
    panels = {"a": {"x": runs}, "b": {"x": runs, "y": 2 * runs}}
    picture = over_seeds.seed_bands(panels, (1, 10), xlabel="n", alt="x", log=("b",), log_x=True, mark=5)
    left, right = picture.axes
    np.testing.assert_array_equal(left.lines[0].get_ydata(), [2, 4])
    np.testing.assert_array_equal(right.lines[1].get_ydata(), [4, 8])
    edges = left.collections[0].get_paths()[0].vertices
    assert (edges[:, 1].min(), edges[:, 1].max()) == (1, 9)
    assert (left.get_yscale(), right.get_yscale(), left.get_xscale()) == ("linear", "log", "log")
    assert right.lines[0].get_linestyle() != right.lines[1].get_linestyle()
    assert "$" not in "".join(label.get_text() for label in right.get_yticklabels())


def test_means_are_drawn_against_testing_outputs():
    means, testing = np.array([1.0, 2, 3]), np.array([1.0, 2.5, 2])
    axes = over_seeds.against_testing({"two": (means, testing)}, alt="x").axes[0]
    points, line = axes.lines
    np.testing.assert_array_equal(points.get_xdata(), testing)
    np.testing.assert_array_equal(points.get_ydata(), means)
    assert line.get_slope() == 1
    assert points.get_linestyle() != line.get_linestyle()


class TestSeedsAgainst:
    runs = {"without": {0.1: [1.0, 3, 2], 1: [5, 4, 9]}, "batch norm": {0.1: [0.0, 0, 1], 1: [7, 7, 8]}}

    def picture(self, **panels):
        panels = panels or {"title": self.runs}
        return over_seeds.seeds_against(panels, xlabels=["rate"] * len(panels), ylabel="right", alt="x")

    def test_lines_are_medians_and_bands_ranges(self):
        axes = self.picture().axes[0]
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), [2, 5])
        np.testing.assert_array_equal(axes.lines[1].get_ydata(), [0, 7])
        heights = axes.collections[0].get_paths()[0].vertices[:, 1]
        assert (heights.min(), heights.max()) == (1, 9)

    def test_places_are_named_on_a_log_axis(self):
        axes = self.picture().axes[0]
        assert axes.get_xscale() == "log"
        assert [label.get_text() for label in axes.get_xticklabels()] == ["0.1", "1"]

    def test_labels_differ_in_more_than_color(self):
        first, second = self.picture().axes[0].lines
        assert first.get_marker() != second.get_marker()
        assert first.get_linestyle() != second.get_linestyle()

    def test_two_panels_and_runs_without_a_number(self):
        gone = {"without": {1: [np.nan] * 3, 10: [1.0, 2, 3]}}
        picture = self.picture(a=self.runs, b=gone)
        assert [axes.get_title() for axes in picture.axes] == ["a", "b"]
        assert np.isnan(picture.axes[1].lines[0].get_ydata()[0])
        assert picture._repr_png_().startswith(b"\x89PNG")


ACCURACIES = np.array([[0.1, 0.5, 0.8], [0.2, 0.4, 0.7], [0.6, 0.6, 0.95]])


class TestByBatchSize:
    def picture(self):
        sizes = (2, 8, 32)
        return over_seeds.by_batch_size(
            sizes, {"training": ACCURACIES}, {"inference": 0.85}, ylabel="a", alt="b"
        )

    def test_places_are_powers_of_two_and_named(self):
        axes = self.picture().axes[0]
        np.testing.assert_allclose(axes.lines[0].get_xdata(), [1, 3, 5])
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["2", "8", "32"]

    def test_values_and_level(self):
        axes = self.picture().axes[0]
        np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.2, 0.5, 0.8])
        np.testing.assert_allclose(axes.lines[1].get_ydata(), 0.85)
        assert "inference: 0.85" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_differences_show_mean_error_and_every_seed():
    series = {
        "short": {"a": np.array([1.0, 2, 3]), "b": np.zeros(3)},
        "long": {"a": np.ones(3), "b": -np.arange(3.0)},
    }
    axes = over_seeds.paired_differences(series, xlabel="gain", alt="x").axes[0]
    short, long = axes.containers
    np.testing.assert_allclose(short.lines[0].get_xdata(), [2, 0])
    np.testing.assert_allclose(long.lines[0].get_xdata(), [1, -1])
    low, high = short.lines[2][0].get_segments()[0][:, 0]
    np.testing.assert_allclose([low, high], 2 + np.array([-2, 2]) / np.sqrt(3))
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b"]
    assert axes.get_ylim() == (1.5, -0.5)  # the first method on top
    assert short.lines[0].get_marker() != long.lines[0].get_marker()
    ticks = [line for line in axes.lines if line.get_marker() == "|" and len(line.get_xdata()) == 3]
    assert [1, 2, 3] in [list(line.get_xdata()) for line in ticks]


def test_the_standard_error():
    assert over_seeds.standard_error([1.0, 2, 3, 4]) == pytest.approx(np.std([1, 2, 3, 4], ddof=1) / 2)


def markers(axes):
    """Return the drawn values of every strip of dots."""
    return [line.get_ydata() for line in axes.lines if line.get_linestyle() == "None"]


def test_validation_curves():
    stored = results.load("depth")
    picture = over_seeds.validation_curves(stored)
    assert [axes.get_title() for axes in picture.axes] == list(over_seeds.RECIPES.values())
    for axes, name in zip(picture.axes, over_seeds.RECIPES, strict=True):
        drawn = [line.get_ydata() for line in axes.lines if len(line.get_xdata()) == len(stored[name].epochs)]
        seeds, median = np.array(drawn[:5]), drawn[5]
        np.testing.assert_array_equal(seeds, stored[name].val_accuracy)
        np.testing.assert_array_equal(median, np.median(stored[name].val_accuracy, axis=0))


def test_rival_accuracies():
    stored = results.load("depth_rivals")
    (axes,) = over_seeds.rival_accuracies(stored).axes
    ends = [stored.rivals[name].val_accuracy[:, -1] for name in stored.rivals]
    np.testing.assert_array_equal(markers(axes), ends)
    low, high = axes.get_ylim()
    assert low < min(map(min, ends))
    assert high > max(map(max, ends))


def test_lottery_strip():
    stored = results.load("depth_lottery")
    picture = over_seeds.lottery_strip(stored)
    for axes, name in zip(picture.axes, ("signal", "gradient", "accuracy"), strict=True):
        for drawn, network in zip(markers(axes), stored.networks, strict=True):
            np.testing.assert_array_equal(drawn, stored.networks[network][name])


def test_pictures_are_small_enough_for_a_notebook():
    pictures = [
        over_seeds.validation_curves(results.load("depth")),
        over_seeds.rival_accuracies(results.load("depth_rivals")),
        over_seeds.lottery_strip(results.load("depth_lottery")),
    ]
    for picture in pictures:
        assert 4_000 < len(picture._repr_png_()) < 40_000


def test_seed_curves_are_medians_over_the_seeds():
    runs = {"runs": np.array([[1.0, 4.0], [2.0, 6.0], [9.0, 5.0]])}
    picture = over_seeds.seed_curves(runs, xlabel="step", ylabel="y")
    np.testing.assert_array_equal(picture.axes[0].get_lines()[0].get_ydata(), [2, 5])
    assert "median and range" in repr(picture)


def test_ratios_are_medians_with_bars():
    depths, ratios = (2, 10), np.array([[0.5, 0.1], [0.6, 0.2], [0.4, 0.1]])
    picture = over_seeds.ratio_by_depth(depths, {"a": ratios, "b": ratios}, {"a": ratios[0], "b": ratios[1]})
    assert [axes.get_title() for axes in picture.axes] == ["a", "b"]
    np.testing.assert_allclose(picture.axes[0].lines[0].get_ydata(), np.log10([0.5, 0.1]))


@pytest.mark.parametrize("i", range(len(style.COLORS)))
def test_median_and_range_look_alike_everywhere_but_for_color_marker_and_line(i):
    axes = style.Picture().subplots()
    over_seeds.draw_seeds(axes, [1, 2], [[1, 5], [2, 3], [6, 4]], i, label="a")
    (line,), (band,) = axes.lines, axes.collections
    np.testing.assert_array_equal(line.get_ydata(), [2, 4])
    assert {tuple(corner) for corner in band.get_paths()[0].vertices} == {(1, 1), (2, 3), (2, 5), (1, 6)}
    assert band.get_alpha() == over_seeds.BAND["alpha"]
    assert (line.get_color(), line.get_marker()) == (style.COLORS[i], style.MARKERS[i])


def test_no_other_module_draws_a_band_of_its_own():
    folder = Path(over_seeds.__file__).parent
    drawing = [path.name for path in folder.glob("*.py") if "fill_between" in path.read_text("utf-8")]
    assert drawing == ["over_seeds.py"]
