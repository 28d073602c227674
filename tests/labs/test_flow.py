"""The labs and numbers of lesson 02: what is drawn and read out agrees with numerics computed apart."""

import numpy as np
import pytest

from helpers import data
from helpers.labs import gradient_flow_lab, mean_field_lab, neuron_lab
from helpers.labs.gradient_flow import DEPTHS, RATIO_IMAGES
from helpers.labs.neuron import slope_in_words
from helpers.networks.mlp import MLP
from helpers.numerics.activations import ACTIVATIONS
from helpers.numerics.theory import predicted_ratios
from helpers.plots import flow as pictures
from helpers.signals.flow import gradient_ratios, shortened
from helpers.signals.trace import trace


@pytest.fixture(scope="module")
def batch():
    return data.load_batch(16, dtype=np.float64)


def deep(activation="tanh", initializer="glorot_normal", width=30, depth=20, seed=0):
    sizes = (784, *[width] * depth, 10)
    return MLP(sizes, activation=activation, initializer=initializer, rng=np.random.default_rng(seed))


# --- numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "selu"])
def test_ratios_are_those_of_the_cut_networks(activation, batch):
    model, depths = deep(activation), (1, 3, 7, 20)
    apart = [trace(shortened(model, depth), *batch).per_layer("grad_z_norm") for depth in depths]
    assert np.allclose(gradient_ratios(model, *batch, depths), [g[0] / g[-1] for g in apart], rtol=1e-9)


def test_a_network_without_gradient_has_no_ratio(batch):
    assert np.isnan(gradient_ratios(deep(initializer="zeros"), *batch, (2, 5))).all()


def test_predicted_ratios_meet_the_measured_ones(batch):
    logs, depth = [], 10
    for seed in range(20):
        model = deep(width=200, depth=depth, seed=seed)
        logs.append(np.log(gradient_ratios(model, *batch, [depth])[0]))
    error = np.std(logs) / np.sqrt(len(logs))
    assert abs(np.mean(logs) - np.log(predicted_ratios(model, batch[0])[-1])) < 3 * error + 0.02


def test_cutting_keeps_the_layers_and_the_output(batch):
    model = deep()
    short = shortened(model, 4, "relu")
    assert short.depth == 4
    assert short.activation.name == "relu"
    assert short.weights[:4] == model.weights[:4]
    assert short.weights[4] is model.weights[-1]
    assert model.depth == 20
    assert model.activation.name == "tanh"
    assert short.forward(batch[0]).logits.shape == (16, 10)


@pytest.mark.parametrize("depth", [0, 21])
def test_a_cut_outside_the_network_is_named(depth):
    with pytest.raises(ValueError, match=rf"1 … 20, got {depth}"):
        shortened(deep(), depth)


def test_uneven_widths_can_not_be_cut():
    with pytest.raises(ValueError, match="one width"):
        shortened(MLP((4, 3, 5, 2), rng=np.random.default_rng(0)), 1)


# --- neuron -------------------------------------------------------------------------------------------------


def test_the_neuron_of_the_lesson():
    lab = neuron_lab()
    assert lab.numbers["z"] == pytest.approx(51)
    assert lab.numbers["df"] == pytest.approx(np.exp(-51), rel=1e-12)
    assert lab.numbers["gradient_2"] / lab.numbers["gradient_1"] == pytest.approx(5000)
    assert [panel.point.get_xdata()[0] for panel in lab.panels] == [51, 51, 51]
    assert lab.panels[2].point.get_ydata()[0] == pytest.approx(-51 / np.log(10))
    assert "1e-18" in lab._message.get_text()


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize(("w1", "w2"), [(100, 0), (-10_000, -2), (10_000, 2), (0, 0.1)])
def test_the_points_lie_on_their_curves_and_in_sight(activation, w1, w2):
    lab = neuron_lab(activation=activation, w1=w1, w2=w2)
    assert lab.trouble is None
    for panel in lab.panels:
        (x,), (y,) = panel.point.get_data()
        low, high = panel.axes.get_ylim()
        assert panel.axes.get_xlim()[0] < x < panel.axes.get_xlim()[1]
        if np.isfinite(y):
            at_point = np.interp(x, *panel.curve.get_data())
            assert at_point == pytest.approx(y, abs=0.02 * (high - low))
            assert low < y < high


def test_gradients_are_the_numerical_ones():
    lab, step = neuron_lab(activation="tanh", w1=20, w2=0.02), 1e-6
    f = ACTIVATIONS["tanh"].f
    for name, x in (("gradient_1", 0.01), ("gradient_2", 50)):
        z = lab.numbers["z"]
        slope = (f(z + step * x) - f(z - step * x)) / (2 * step)
        assert lab.numbers[name] == pytest.approx(slope, rel=1e-5)


def test_what_a_slope_means_in_words():
    assert slope_in_words(0.1) == ""
    assert "exactly 0" in slope_in_words(0.0)
    assert "below" in slope_in_words(1e-20)


# --- gradient flow ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def flow_lab():
    return gradient_flow_lab()


def test_the_start_is_the_vanishing_sigmoid(flow_lab):
    flow_lab.set(depth=10, activation="sigmoid", initializer="glorot_normal", gain=1)
    ratio = flow_lab.numbers["ratio"]
    assert 1e-7 < ratio < 1e-5
    dots = flow_lab.panels["gradient"].measured.get_ydata()
    assert len(dots) == 10
    assert dots[0] - dots[-1] == pytest.approx(np.log10(ratio))


def test_predictions_lie_over_the_dots(flow_lab):
    flow_lab.set(depth=20, activation="relu", initializer="he_normal", gain=2)
    for name in ("gradient", "std", "ratio"):
        panel = flow_lab.panels[name]
        measured, predicted = panel.measured.get_ydata(), panel.predicted.get_ydata()
        seen = np.isfinite(measured)
        assert np.abs(measured - predicted)[seen].max() < 0.8  # of a decade, over a span of six and thirty
        assert np.ptp(predicted) > 5


def test_the_ratio_panel_agrees_with_the_network_shown(flow_lab):
    for depth in (5, 10, 100):
        flow_lab.set(depth=depth, activation="sigmoid", initializer="glorot_normal", gain=1)
        dot = flow_lab.panels["ratio"].measured.get_ydata()[depth - 1]
        network = shortened(flow_lab._deep_network("glorot_normal", "sigmoid", 1), depth)
        norms = trace(network, *data.load_batch(RATIO_IMAGES, dtype=np.float64)).per_layer("grad_z_norm")
        assert dot == pytest.approx(np.log10(norms[0] / norms[-1]), abs=1e-6)
        assert list(flow_lab.here.get_xdata()) == [depth, depth]
    shown = np.flatnonzero(np.isfinite(flow_lab.panels["ratio"].measured.get_ydata())) + 1
    assert tuple(shown) == DEPTHS


def test_it_says_in_words_what_left_the_range(flow_lab):
    flow_lab.set(depth=100, activation="sigmoid", initializer="glorot_normal", gain=1)
    assert "vanished" in flow_lab._message.get_text()
    flow_lab.set(depth=100, activation="linear", initializer="standard_normal", gain=100)
    assert "Overflow" in flow_lab._message.get_text() or flow_lab.numbers["std_last"] > 1e200
    flow_lab.set(depth=3, activation="tanh", initializer="zeros", gain=0)
    assert flow_lab.trouble is None
    assert flow_lab.numbers["ratio"] == "0 / 0"


def test_saturation_of_standard_normal_weights(flow_lab):
    flow_lab.set(depth=10, activation="sigmoid", initializer="standard_normal", gain=1)
    measured = flow_lab.panels["saturated"].measured.get_ydata()
    predicted = flow_lab.panels["saturated"].predicted.get_ydata()
    assert measured[0] > 0.8
    assert np.abs(measured - predicted).max() < 0.15


# --- mean field ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def map_lab():
    return mean_field_lab()


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


# --- pictures -----------------------------------------------------------------------------------------------


def test_pictures_show_what_they_are_given():
    depths, ratios = (2, 10), np.array([[0.5, 0.1], [0.6, 0.2], [0.4, 0.1]])
    picture = pictures.ratio_by_depth(depths, {"a": ratios, "b": ratios}, {"a": ratios[0], "b": ratios[1]})
    assert [axes.get_title() for axes in picture.axes] == ["a", "b"]
    medians = picture.axes[0].lines[0].get_ydata()
    assert np.allclose(medians, np.log10([0.5, 0.1]))
    lines = pictures.small_multiples({"a": ratios[0]}, {"a": ratios[1]}, ylabel="norm").axes[0].lines
    assert np.allclose(lines[1].get_ydata(), np.log10(ratios[1]))
    picture = pictures.lottery({"a": ratios}, {"a": (-0.5, 0.25)})
    assert np.allclose(picture.axes[0].lines[-1].get_ydata(), [-0.5 + 1, -1 + 2 * np.sqrt(0.5)])
    assert picture._repr_png_()


def test_the_layer_axis_changes_seldom():
    assert [pictures.reach_of(depth) for depth in (1, 10, 11, 100)] == [10, 10, 20, 100]
    with pytest.raises(ValueError, match="at most 100, got 101"):
        pictures.reach_of(101)
