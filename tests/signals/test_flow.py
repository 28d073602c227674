"""What flows through a network: it is what a trace says, and what theory predicts of it."""

from dataclasses import replace

import numpy as np
import pytest

from helpers import data
from helpers.networks import builders
from helpers.networks.mlp import MLP
from helpers.numerics import theory
from helpers.numerics.theory import predicted_ratios
from helpers.signals import flow
from helpers.signals.flow import gradient_ratios, shortened
from helpers.signals.trace import trace


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


SIZES = (784, *[100] * 40, 10)


# ReLU wanders: ln E[h²] gets the variance 5 / width at each layer, so that theory is tested on wide networks.
WIDE = (784, *[300] * 20, 10)


BROKEN = {
    "kept": builders.Design(),
    "Glorot": builders.Design(initializer="glorot_normal"),
    "He": builders.Design(initializer="he_normal"),
    "dropout": builders.Design(dropout=0.1),
    "alpha dropout": builders.Design(alpha_dropout=0.1),
    "alpha dropout, tanh": builders.Design("tanh", "glorot_normal", alpha_dropout=0.2),
}


@pytest.fixture(scope="module")
def images():
    return data.load_batch(100, dtype=np.float64)


def flows(design, batch, sizes=SIZES, seeds=5):
    return [flow.flow(design.stack(sizes, rng=np.random.default_rng(seed)), *batch) for seed in range(seeds)]


@pytest.mark.parametrize("name", builders.DESIGNS)
def test_flow_is_what_a_trace_says(name, images):
    net = builders.DESIGNS[name].stack(SIZES, rng=np.random.default_rng(0))
    found, seen = flow.flow(net, *images), trace(net, *images)
    assert np.allclose(found.mean, seen.per_layer("mean"), rtol=1e-9, atol=1e-12)
    assert np.allclose(found.std, seen.per_layer("std"), rtol=1e-9)
    assert np.allclose(found.grad_z_norm, seen.per_layer("grad_z_norm"), rtol=1e-9)
    assert np.allclose(found.output_error, seen.output_error, rtol=1e-9)


def test_flow_leaves_the_random_numbers_alone(images):
    net = builders.Design(dropout=0.3).stack(SIZES, rng=np.random.default_rng(0))
    one, two = flow.flow(net, *images), flow.flow(net, *images)
    assert np.array_equal(one.grad_z_norm, two.grad_z_norm)


def test_what_is_handed_on_is_after_dropout_and_skip():
    x = np.ones((4, 3))
    net = builders.Design("linear", "orthogonal", skips=True).stack(
        (3, 3, 3, 2), rng=np.random.default_rng(0)
    )
    W = [layer.W for layer in net.flat() if layer.kind == "dense"]
    h = x + x @ W[0]
    assert np.allclose(flow.flow(net, x, np.zeros(4, int)).std, [h.std(), (h + h @ W[1]).std()])


@pytest.mark.parametrize("name", [*builders.DESIGNS, *BROKEN])
def test_the_prediction_holds(name, images):
    design = (builders.DESIGNS | BROKEN)[name]
    runs = flows(design, images, WIDE)
    predicted = theory.predicted_flow(design, WIDE, images[0], runs[0].output_error)
    for quantity, within in (("std", 1.35), ("grad_z_norm", 2.0)):
        measured = np.median([getattr(run, quantity) for run in runs], axis=0)
        ratio = measured / getattr(predicted, quantity)
        assert 1 / within < ratio.min() <= ratio.max() < within
    measured = np.median([run.mean for run in runs], axis=0)
    assert np.allclose(measured, predicted.mean, atol=0.2 * max(1, predicted.std.max()))


def test_selus_gradient_grows_32_fold_over_a_hundred_layers(images):
    sizes = (784, *[200] * 100, 10)
    runs = flows(builders.Design(), images, sizes)
    growth = np.median([run.grad_z_norm[0] / run.grad_z_norm[-1] for run in runs])
    assert theory.chi("selu") ** 50 == pytest.approx(32, abs=1)
    assert 20 < growth < 60
    assert all(0.7 < run.std[-1] < 1.3 for run in runs)


def test_batch_norms_factor_is_pi_over_pi_minus_1(images):
    design = builders.DESIGNS["ReLU + He + batch norm"]
    predicted = theory.predicted_flow(design, SIZES, images[0], np.ones(100))
    factor = (predicted.grad_z_norm[9] / predicted.grad_z_norm[19]) ** (2 / 10)
    assert factor == pytest.approx(np.pi / (np.pi - 1), rel=0.005)  # Keras's ε takes a little


def test_alpha_dropout_keeps_the_signal_and_loses_the_gradient(images):
    runs = flows(builders.Design(alpha_dropout=0.1), images, (784, *[100] * 100, 10))
    assert all(0.8 < run.std[-1] < 1.2 for run in runs)
    assert all(run.grad_z_norm[0] < 1e-3 * run.grad_z_norm[-1] for run in runs)


def test_skips_have_a_prediction_of_the_signal_only(images):
    design = builders.Design(skips=True)
    runs = flows(design, images)
    predicted = theory.predicted_flow(design, SIZES, images[0], runs[0].output_error)
    assert np.isnan(predicted.grad_z_norm[:-1]).all()
    assert 0.5 < np.median([run.std[-1] for run in runs]) / predicted.std[-1] < 2
    both = theory.predicted_flow(replace(design, normalized="before"), SIZES, images[0], runs[0].output_error)
    assert np.isnan(both.std).all()
