"""How far the gradient gets: measured in one pass and network by network, a flow beside a Trace."""

import numpy as np
import pytest

from helpers import data
from helpers.networks import builders
from helpers.networks.mlp import MLP
from helpers.signals.flow import flow, gradient_ratios, shortened
from helpers.signals.trace import trace

SIZES = (784, *[100] * 40, 10)


@pytest.fixture(scope="module")
def batch():
    return data.load_batch(16, dtype=np.float64)


def deep(activation="tanh", initializer="glorot_normal", width=30, depth=20, seed=0):
    sizes = (784, *[width] * depth, 10)
    return MLP(sizes, activation=activation, initializer=initializer, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "selu"])
def test_ratios_are_those_of_the_cut_networks(activation, batch):
    model, depths = deep(activation), (1, 3, 7, 20)
    apart = [trace(shortened(model, depth), *batch).per_layer("grad_z_norm") for depth in depths]
    assert np.allclose(gradient_ratios(model, *batch, depths), [g[0] / g[-1] for g in apart], rtol=1e-9)


def test_a_network_without_gradient_has_no_ratio(batch):
    assert np.isnan(gradient_ratios(deep(initializer="zeros"), *batch, (2, 5))).all()


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


@pytest.mark.parametrize("name", builders.DESIGNS)
def test_flow_is_what_a_trace_says(name, batch):
    net = builders.DESIGNS[name].stack(SIZES, rng=np.random.default_rng(0))
    found, seen = flow(net, *batch), trace(net, *batch)
    assert np.allclose(found.mean, seen.per_layer("mean"), rtol=1e-9, atol=1e-12)
    assert np.allclose(found.std, seen.per_layer("std"), rtol=1e-9)
    assert np.allclose(found.grad_z_norm, seen.per_layer("grad_z_norm"), rtol=1e-9)
    assert np.allclose(found.output_error, seen.output_error, rtol=1e-9)


def test_flow_leaves_the_random_numbers_alone(batch):
    net = builders.Design(dropout=0.3).stack(SIZES, rng=np.random.default_rng(0))
    one, two = flow(net, *batch), flow(net, *batch)
    assert np.array_equal(one.grad_z_norm, two.grad_z_norm)


def test_what_is_handed_on_is_after_dropout_and_skip():
    x = np.ones((4, 3))
    net = builders.Design("linear", "orthogonal", skips=True).stack(
        (3, 3, 3, 2), rng=np.random.default_rng(0)
    )
    W = [layer.W for layer in net.flat() if layer.kind == "dense"]
    h = x + x @ W[0]
    assert np.allclose(flow(net, x, np.zeros(4, int)).std, [h.std(), (h + h @ W[1]).std()])
