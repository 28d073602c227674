"""Pictures of lesson 06: what the artists hold is what they were given."""

import numpy as np

from helpers.numerics.activations import sigmoid
from helpers.plots import normalization as plots


def bands():
    low = np.array([-1.0, -2, -3])
    return range(0, 30, 10), np.stack([low, low + 1, low + 3], axis=1)


class TestQuantileBands:
    def test_line_is_the_middle_and_band_reaches_from_low_to_high(self):
        axes = plots.quantile_bands({"plain": bands()}, xlabel="step", ylabel="z", alt="x").axes[0]
        np.testing.assert_array_equal(axes.lines[0].get_xdata(), [0, 10, 20])
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0, -1, -2])
        heights = axes.collections[0].get_paths()[0].vertices[:, 1]
        assert (heights.min(), heights.max()) == (-3, 2)

    def test_the_start_is_marked(self):
        axes = plots.quantile_bands({"plain": bands()}, xlabel="step", ylabel="z", alt="x").axes[0]
        assert list(axes.lines[1].get_ydata()) == [0, 0]
        assert axes.lines[1].get_linestyle() == "--"

    def test_panels_share_their_axes(self):
        runs = {"a": bands(), "b": (range(3), 10 * bands()[1])}
        picture = plots.quantile_bands(runs, xlabel="step", ylabel="z", alt="two")
        assert picture.axes[0].get_ylim() == picture.axes[1].get_ylim()
        assert [axes.get_title() for axes in picture.axes] == ["a", "b"]
        assert repr(picture) == "<picture: two>"


class TestOverSigmoid:
    values = np.random.default_rng(0).standard_normal(5000)

    def test_bars_are_the_histogram(self):
        axes = plots.over_sigmoid({"γ = 1": (self.values, (0.2, 0.5))}, alt="x").axes[0]
        heights, edges, _ = axes.patches[0].get_data()
        counts, wanted = np.histogram(self.values, plots.BINS, (-plots.REACH, plots.REACH))
        np.testing.assert_array_equal(edges, wanted)
        np.testing.assert_allclose(heights, 0.9 * counts / counts.max())

    def test_what_lies_beyond_is_in_the_last_bars(self):
        axes = plots.over_sigmoid({"γ = 9": (9 * self.values, (0.1, 0.5))}, alt="x").axes[0]
        heights = axes.patches[0].get_data()[0]
        inside = np.mean(np.abs(9 * self.values) < plots.REACH)
        shares = heights / heights.sum()
        assert shares[[0, -1]].sum() > 1 - inside
        assert heights.max() == heights[[0, -1]].max()

    def test_curve_and_line(self):
        axes = plots.over_sigmoid({"γ = 1": (self.values, (0.2, 0.5))}, alt="x").axes[0]
        curve, line = axes.lines
        np.testing.assert_allclose(curve.get_ydata(), sigmoid(curve.get_xdata()))
        np.testing.assert_allclose(line.get_ydata(), 0.5 + 0.2 * line.get_xdata())
        np.testing.assert_allclose(line.get_xdata(), np.quantile(self.values, (0.025, 0.975)))


class TestSeedsAgainst:
    runs = {"without": {0.1: [1.0, 3, 2], 1: [5, 4, 9]}, "batch norm": {0.1: [0.0, 0, 1], 1: [7, 7, 8]}}  # noqa: RUF012

    def picture(self, **panels):
        panels = panels or {"title": self.runs}
        return plots.seeds_against(panels, xlabels=["rate"] * len(panels), ylabel="right", alt="x")

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

    def test_labels_differ_in_more_than_colour(self):
        first, second = self.picture().axes[0].lines
        assert first.get_marker() != second.get_marker()
        assert first.get_linestyle() != second.get_linestyle()

    def test_two_panels_and_runs_without_a_number(self):
        gone = {"without": {1: [np.nan] * 3, 10: [1.0, 2, 3]}}
        picture = self.picture(a=self.runs, b=gone)
        assert [axes.get_title() for axes in picture.axes] == ["a", "b"]
        assert np.isnan(picture.axes[1].lines[0].get_ydata()[0])
        assert picture._repr_png_().startswith(b"\x89PNG")
