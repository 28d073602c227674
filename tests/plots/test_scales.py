"""Pictures of lesson 04: what the artists hold is what the numerics say."""

import numpy as np
import pytest

from helpers.networks.mlp import MLP
from helpers.numerics import theory
from helpers.plots import scales
from helpers.plots.style import PREDICTED
from helpers.signals.trace import trace


def case(depth=10, activation="tanh", initializer="glorot_normal"):
    rng = np.random.default_rng(0)
    sizes = (30, *[40] * depth, 4)
    model = MLP(sizes, activation=activation, initializer=initializer, rng=rng)
    x, y = rng.standard_normal((60, 30)), rng.integers(0, 4, 60)
    signals = trace(model, x, y)
    return signals, theory.predict(model, x, signals.output_error)


def shown(picture):
    return [axes for axes in picture.axes if axes.get_visible()]


def stairs_of(axes):
    return axes.patches[0].get_data()


class TestHistogramRows:
    def test_bars_are_the_traces_shares(self):
        signals, prediction = case()
        picture = scales.histogram_rows({"net": signals}, {"net": prediction}, alt="ten layers")
        assert len(shown(picture)) == 10
        for axes, layer in zip(shown(picture), signals.hidden, strict=True):
            values, edges, _ = stairs_of(axes)
            shares = layer.histogram.shares
            np.testing.assert_allclose(values / values.max(), shares / shares.max(), atol=1e-12)
            np.testing.assert_array_equal(edges, layer.histogram.edges)

    def test_the_dashed_line_is_the_predicted_density(self):
        signals, prediction = case()
        axes = scales.histogram_rows({"net": signals}, {"net": prediction}, alt="x").axes[4]
        line = axes.lines[0]
        density = theory.predicted_density("tanh", prediction.q[4], -1, 1, len(line.get_ydata()))
        np.testing.assert_allclose(
            line.get_ydata() / line.get_ydata().max(), density / density.max(), rtol=1e-9
        )
        assert line.get_linestyle() == PREDICTED["linestyle"]

    def test_without_predictions_there_is_no_line(self):
        assert not scales.histogram_rows({"net": case()[0]}, alt="x").axes[0].lines

    def test_titles_name_layer_and_spread(self):
        signals, _ = case(depth=100, activation="selu", initializer="lecun_normal")
        titles = [axes.get_title() for axes in shown(scales.histogram_rows({"net": signals}, alt="x"))]
        assert titles[0].startswith("layer 1\nstd ")
        assert titles[-1] == f"layer 100\nstd {signals.hidden[-1].std:.2g}"

    def test_layer_numbers_stand_again_where_they_change(self):
        runs = {"a": case()[0], "b": case()[0], "c": case(depth=20)[0]}
        titles = [axes.get_title() for axes in scales.histogram_rows(runs, alt="x").axes]
        assert [title.startswith("layer") for title in titles[::10]] == [True, False, True]

    def test_few_layers_leave_places_empty(self):
        assert len(shown(scales.histogram_rows({"net": case(depth=3)[0]}, alt="x"))) == 3

    @pytest.mark.parametrize("initializer", ["zeros", "ones", "standard_normal"])
    def test_extremes_are_drawn(self, initializer):
        signals, prediction = case(depth=100, activation="relu", initializer=initializer)
        picture = scales.histogram_rows({"net": signals}, {"net": prediction}, alt="x")
        assert picture._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(("depth", "wanted"), [(1, [0]), (10, range(10)), (3, [0, 1, 2])])
def test_layers_shown(depth, wanted):
    assert list(scales.layers_shown(depth)) == list(wanted)


def test_layers_shown_of_a_deep_net_reach_both_ends():
    layers = scales.layers_shown(100)
    assert len(layers) == 10
    assert (layers[0], layers[-1]) == (0, 99)


RUNS = {"a": np.array([[1.0, 10], [2, 20], [4, 40]]), "b": np.array([[5.0, 5], [6, 6], [7, 7]])}


class TestSeedPanels:
    def test_lines_are_medians_and_bands_ranges(self):
        axes = scales.seed_panels({"title": RUNS}, xlabel="layer", alt="x").axes[0]
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), [2, 20])
        band = axes.collections[0].get_paths()[0].vertices[:, 1]
        assert (band.min(), band.max()) == (1, 40)
        assert axes.get_yscale() == "log"

    def test_predictions_are_dashed_in_the_same_colour(self):
        predicted = {"a": np.array([3.0, 30]), "b": np.array([6.0, 6])}
        axes = scales.seed_panels({"title": RUNS}, predicted, xlabel="layer", alt="x").axes[0]
        measured, theory = axes.lines[0], axes.lines[1]
        np.testing.assert_array_equal(theory.get_ydata(), [3, 30])
        assert theory.get_linestyle() == "--"
        assert theory.get_color() == measured.get_color()

    def test_a_label_keeps_its_colour_in_every_panel(self):
        picture = scales.seed_panels({"all": RUNS, "one": {"b": RUNS["b"]}}, xlabel="x", alt="x")
        assert picture.axes[1].lines[0].get_color() == picture.axes[0].lines[1].get_color()

    def test_points_are_numbered_from_first(self):
        axes = scales.seed_panels({"title": RUNS}, xlabel="block", alt="x", first=0).axes[0]
        np.testing.assert_array_equal(axes.lines[0].get_xdata(), [0, 1])


class TestLossLines:
    def test_curves_and_starts(self):
        t = np.linspace(-1, 1, 5)
        picture = scales.loss_lines(t, {"a": (t**2 + 1, 1.0), "b": (t + 30, 30.0)}, alt="x")
        np.testing.assert_array_equal(picture.axes[0].lines[0].get_ydata(), t**2 + 1)
        assert list(picture.axes[1].lines[1].get_ydata()) == [30]

    def test_curves_of_one_size_share_limits_others_do_not(self):
        t = np.linspace(-1, 1, 5)
        losses = {"flat": (0 * t + 2.3, 2.3), "steep": (t + 2.3, 2.3), "high": (t + 30, 30.0)}
        limits = [axes.get_ylim() for axes in scales.loss_lines(t, losses, alt="x").axes]
        assert limits[0] == limits[1] != limits[2]
        assert limits[0][0] < 1.3 < 3.3 < limits[0][1]


def test_matrix_images_show_the_matrices():
    matrices = {"a": np.eye(3), "b": np.zeros((3, 3))}
    picture = scales.matrix_images(matrices, alt="two")
    for axes, W in zip(picture.axes, matrices.values(), strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), W)
    assert repr(picture) == "<picture: two>"


def test_seed_dots_show_every_seed_and_the_median():
    picture = scales.seed_dots({"t": {"a": [0.1, 0.3, 0.2], "b": [0.5, 0.6, 0.9]}}, ylabel="right", alt="x")
    dots, bar = picture.axes[0].lines[2:4]
    np.testing.assert_array_equal(dots.get_ydata(), [0.5, 0.6, 0.9])
    np.testing.assert_allclose(bar.get_ydata(), 0.6)
    assert [label.get_text() for label in picture.axes[0].get_xticklabels()] == ["a", "b"]
