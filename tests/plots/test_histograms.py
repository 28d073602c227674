"""Histograms: the bars are the shares, the dashed line is the predicted density."""

import numpy as np
import pytest

from helpers.networks.mlp import MLP
from helpers.numerics.activations import sigmoid
from helpers.plots import histograms
from helpers.signals.trace import trace


@pytest.fixture(scope="module")
def traced():
    """A Trace of three layers on random input."""
    rng = np.random.default_rng(3)
    model = MLP((20, 30, 30, 30, 10), activation="tanh", initializer="glorot_normal", rng=rng)
    return trace(model, rng.standard_normal((50, 20)), rng.integers(0, 10, 50))


def test_a_lone_bin_runs_out_of_the_frame():
    assert histograms.height_unit(np.array([0.9, 0.05, 0.05])) == 0.05
    assert histograms.height_unit(np.array([0.5, 0.3, 0.2])) == 0.5
    assert histograms.height_unit(np.array([1.0, 0.0, 0.0])) == 1.0  # collapsed into one bin: shown whole
    assert histograms.height_unit(np.zeros(3)) > 0


def test_layer_panel_shows_the_layer(traced):
    layer = traced.hidden[1]
    panel = histograms.layer_panel(2, layer, -1, 1, layer.histogram.shares)
    bars, line = panel.marks
    np.testing.assert_allclose(bars.heights / bars.heights.sum(), layer.histogram.shares)
    np.testing.assert_allclose(line.y, bars.heights)  # the prediction in the same unit
    assert (bars.low, bars.high) == (-1, 1)
    assert panel.title == f"layer 2: std {layer.std:.2g}"
    assert panel.about == ("layer", 2)
    assert len(histograms.layer_panel(2, layer, -1, 1).marks) == 1


def case(depth=10, activation="tanh", initializer="glorot_normal"):
    rng = np.random.default_rng(0)
    sizes = (30, *[40] * depth, 4)
    model = MLP(sizes, activation=activation, initializer=initializer, rng=rng)
    x, y = rng.standard_normal((60, 30)), rng.integers(0, 4, 60)
    return trace(model, x, y)


def shown(picture):
    return [axes for axes in picture.axes if axes.get_visible()]


def stairs_of(axes):
    return axes.patches[0].get_data()


class TestHistogramRows:
    def test_bars_are_the_traces_shares(self):
        signals = case()
        picture = histograms.histogram_rows({"net": signals}, alt="ten layers")
        assert len(shown(picture)) == 10
        for axes, layer in zip(shown(picture), signals.hidden, strict=True):
            values, edges, _ = stairs_of(axes)
            shares = layer.histogram.shares
            np.testing.assert_allclose(values / values.max(), shares / shares.max(), atol=1e-12)
            np.testing.assert_array_equal(edges, layer.histogram.edges)

    def test_what_lies_beyond_is_told_and_no_bar(self):
        signals = case(activation="relu", initializer="standard_normal")
        last = shown(histograms.histogram_rows({"net": signals}, alt="x"))[-1]
        shares = signals.hidden[-1].histogram.shares
        assert shares[-1] > 0.2
        assert last.texts[0].get_text() == f"{shares[-1]:.0%} > 3"
        values = stairs_of(last)[0]
        assert values[-1] == 0
        assert values[0] > 0

    def test_what_piles_up_at_a_limit_stays_a_bar(self):
        signals = case(activation="tanh", initializer="standard_normal")
        last = shown(histograms.histogram_rows({"net": signals}, alt="x"))[-1]
        assert last.texts[0].get_text() == ""
        assert stairs_of(last)[0][-1] > 0.9

    def test_titles_name_layer_and_spread(self):
        signals = case(depth=100, activation="selu", initializer="lecun_normal")
        titles = [axes.get_title() for axes in shown(histograms.histogram_rows({"net": signals}, alt="x"))]
        assert titles[0].startswith("layer 1\nstd ")
        assert titles[-1] == f"layer 100\nstd {signals.hidden[-1].std:.2g}"

    def test_layer_numbers_stand_again_where_they_change(self):
        runs = {"a": case(), "b": case(), "c": case(depth=20)}
        titles = [axes.get_title() for axes in histograms.histogram_rows(runs, alt="x").axes]
        assert [title.startswith("layer") for title in titles[::10]] == [True, False, True]

    def test_few_layers_leave_places_empty(self):
        assert len(shown(histograms.histogram_rows({"net": case(depth=3)}, alt="x"))) == 3

    @pytest.mark.parametrize("initializer", ["zeros", "ones", "standard_normal"])
    def test_extremes_are_drawn(self, initializer):
        signals = case(depth=100, activation="relu", initializer=initializer)
        picture = histograms.histogram_rows({"net": signals}, alt="x")
        assert picture._repr_png_().startswith(b"\x89PNG")


def test_histograms_hold_the_shares():
    weights = {"step 1": np.array([-0.3, 0.0, 0.0, 0.3]), "step 2": np.zeros(8)}
    picture = histograms.weight_histograms({"L1": weights, "L2": weights}, reach=0.4, alt="x", bins=5)
    first, second = picture.axes[:2]
    np.testing.assert_allclose(first.patches[0].get_data()[0], [0.25, 0, 0.5, 0, 0.25])
    np.testing.assert_allclose(second.patches[0].get_data()[0], [0, 0, 1, 0, 0])
    assert [axes.get_title() for axes in picture.axes] == ["step 1", "step 2", "", ""]
    assert [axes.get_ylabel() for axes in picture.axes] == ["L1", "", "L2", ""]


class TestOverSigmoid:
    values = np.random.default_rng(0).standard_normal(5000)

    def test_bars_are_the_histogram(self):
        axes = histograms.over_sigmoid({"γ = 1": (self.values, (0.2, 0.5))}, alt="x").axes[0]
        heights, edges, _ = axes.patches[0].get_data()
        counts, wanted = np.histogram(self.values, histograms.BINS, (-histograms.REACH, histograms.REACH))
        np.testing.assert_array_equal(edges, wanted)
        np.testing.assert_allclose(heights, 0.9 * counts / counts.max())

    def test_what_lies_beyond_is_in_the_last_bars(self):
        axes = histograms.over_sigmoid({"γ = 9": (9 * self.values, (0.1, 0.5))}, alt="x").axes[0]
        heights = axes.patches[0].get_data()[0]
        inside = np.mean(np.abs(9 * self.values) < histograms.REACH)
        shares = heights / heights.sum()
        assert shares[[0, -1]].sum() > 1 - inside
        assert heights.max() == heights[[0, -1]].max()

    def test_curve_and_line(self):
        axes = histograms.over_sigmoid({"γ = 1": (self.values, (0.2, 0.5))}, alt="x").axes[0]
        curve, line = axes.lines
        np.testing.assert_allclose(curve.get_ydata(), sigmoid(curve.get_xdata()))
        np.testing.assert_allclose(line.get_ydata(), 0.5 + 0.2 * line.get_xdata())
        np.testing.assert_allclose(line.get_xdata(), np.quantile(self.values, (0.025, 0.975)))


def test_every_layer_has_its_histogram(traced):
    shares = [layer.histogram.shares for layer in traced.hidden]
    picture = histograms.histograms(traced, shares)
    drawn = shown(picture)
    assert len(drawn) == 3
    for axes, layer in zip(drawn, traced.hidden, strict=True):
        heights = stairs_of(axes).values
        np.testing.assert_allclose(heights / heights.sum(), layer.histogram.shares)
    assert len(picture._repr_png_()) > 1000
