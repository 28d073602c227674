"""The labs and numbers of lesson 02: what is drawn and read out agrees with numerics computed apart."""

import numpy as np
import pytest

from helpers import data
from helpers.networks.mlp import MLP
from helpers.numerics.activations import ACTIVATIONS
from helpers.numerics.theory import (
    chi,
    critical_sigma_w2,
    fixed_point,
    order_chaos_map,
    predicted_ratios,
    predicted_saturation,
)
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


def test_predicted_ratio_of_relu_is_a_power_of_the_gain(batch):
    model = deep("relu", "he_normal", depth=20).scaled(3)
    assert np.allclose(predicted_ratios(model, batch[0]), 3.0 ** np.arange(20), rtol=1e-3)


def test_predicted_ratios_of_a_hundred_layers_do_not_overflow(batch):
    model = deep("relu", "he_normal", width=10, depth=100).scaled(1000)
    assert np.isclose(np.log10(predicted_ratios(model, batch[0])[-1]), 3 * 99, rtol=1e-3)


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


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "softplus"])
@pytest.mark.parametrize("q", [0.01, 1.0, 49.0, 800.0])
def test_saturated_share_agrees_with_a_sample(activation, q):
    z = np.sqrt(q) * np.random.default_rng(0).standard_normal(200_000)
    slope = ACTIVATIONS[activation].df(z)
    steepest = np.abs(ACTIVATIONS[activation].df(np.linspace(-6, 6, 1201))).max()
    assert predicted_saturation(activation, q) == pytest.approx(
        np.mean(np.abs(slope) < steepest / 20), abs=0.01
    )


def test_the_map_is_chi_at_the_settled_variance():
    w, b = np.array([0.5, 1.2, 3.0]), np.array([0.0, 0.05, 0.5])
    found = order_chaos_map("tanh", w, b)
    for i, j in ((1, 1), (2, 0), (2, 2)):
        assert found[i, j] == pytest.approx(
            float(chi("tanh", fixed_point("tanh", w[j], b[i]), w[j])), rel=2e-3
        )
    assert found.shape == (3, 3)


def test_the_map_of_relu_is_half_of_the_weights_everywhere():
    w = np.geomspace(0.1, 100, 7)
    assert np.allclose(order_chaos_map("relu", w, [0, 0.3, 1]), w / 2, rtol=1e-3)


def test_the_edge_of_the_map_is_the_critical_line():
    w = np.linspace(1.5, 2, 501)
    row = order_chaos_map("tanh", w, [0.05])[0]
    assert np.interp(1, row, w) == pytest.approx(critical_sigma_w2("tanh", 0.05), abs=0.005)
