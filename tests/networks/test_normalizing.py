"""Layers that normalize otherwise: right gradients, the noise of the paper, one layer for every partition."""

import numpy as np
import pytest

from helpers.networks.builders import dense_stack
from helpers.networks.mlp import cross_entropy
from helpers.networks.normalizing import (
    LayerNorm,
    NoisyBatchNorm,
    SharedNorm,
    replaced,
    share_labels_across_rows,
    take_statistics,
)
from helpers.numerics.gradcheck import numerical_gradient, relative_error
from helpers.numerics.normalization import batch_norm_forward, layer_norm_forward


def per_row(batch, features):
    return np.repeat(np.arange(batch), features).reshape(batch, features)


def per_column(batch, features):
    return np.tile(np.arange(features), (batch, 1))


def network(kind=None, **attributes):
    model = dense_stack((6, 5, 5, 3), activation="tanh", normalized="before", rng=np.random.default_rng(0))
    return replaced(model, kind, **attributes) if kind else model


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    return rng.standard_normal((8, 6)), rng.integers(3, size=8)


@pytest.mark.parametrize(
    ("kind", "attributes"), [(LayerNorm, {}), (SharedNorm, {"shared": per_row}), (NoisyBatchNorm, {})]
)
def test_gradients_are_those_of_differences(kind, attributes, batch):
    x, y = batch
    model = network(kind, **attributes)
    dense = model.layers[0]

    def loss(W):
        dense.W = W
        model.rng = np.random.default_rng(5)  # the same noise every time
        return cross_entropy(model.forward(x, training=True)[-1].output, y)[0]

    W = dense.W.copy()
    numeric = numerical_gradient(loss, W)
    dense.W, model.rng = W, np.random.default_rng(5)
    _, gradients = model.loss_and_gradients(x, y)
    assert relative_error(gradients.parameters[dense]["W"], numeric) < 1e-6


def test_a_label_per_column_is_batch_norm_and_one_per_row_layer_norm(batch):
    x = batch[0]
    ones, zeros = np.ones(6), np.zeros(6)
    for shared, forward, crosses in (
        (per_column, batch_norm_forward, True),
        (per_row, layer_norm_forward, False),
    ):
        layer = SharedNorm(ones, zeros)
        layer.shared = shared
        out, _ = layer.forward(x, training=True, rng=None)
        assert np.allclose(out, forward(x, ones, zeros)[0])
        assert layer.crosses == crosses


def test_what_crosses_images_predicts_with_moving_averages(batch):
    x = batch[0]
    layer = SharedNorm(np.ones(6), np.zeros(6))
    layer.shared = per_column
    for _ in range(3):
        layer.forward(x, training=True, rng=None)
    assert np.allclose(layer.running.mean, x.mean(axis=0))
    assert np.allclose(layer.running.variance, x.var(axis=0))
    alone, _ = layer.forward(x[:1], training=False, rng=None)
    assert np.allclose(alone, layer.forward(x, training=False, rng=None)[0][:1])


def test_labels_in_several_rows_are_found():
    assert share_labels_across_rows(per_column(3, 4))
    assert share_labels_across_rows(np.zeros((2, 3), int))
    assert not share_labels_across_rows(per_row(3, 4))
    assert not share_labels_across_rows(per_column(1, 4))


def test_the_noise_has_another_mean_and_scale_per_unit_and_step():
    x = np.random.default_rng(2).standard_normal((4000, 50))
    layer, rng = NoisyBatchNorm(np.ones(50), np.zeros(50)), np.random.default_rng(3)
    first, _ = layer.forward(x, training=True, rng=rng)
    second, _ = layer.forward(x, training=True, rng=rng)
    for out in (first, second):
        assert 0.15 < np.std(out.mean(axis=0)) < 0.4  # U(−0.5, 0.5) has a std of 0.29
        assert np.abs(out.mean(axis=0)).max() < 0.52
        assert 0.99 < out.std(axis=0).min() < out.std(axis=0).max() < 1.28
    assert np.abs(first.mean(axis=0) - second.mean(axis=0)).max() > 0.3
    quiet, _ = batch_norm_forward(x, np.ones(50), np.zeros(50))
    own = (first - first.mean(axis=0)) / quiet  # each value's own scale, far from 0
    assert np.std(own[np.abs(quiet) > 1]) > 0.05


def test_without_noise_and_at_inference_it_is_batch_norm(batch):
    x, _ = batch
    noisy, plain = network(NoisyBatchNorm), network()
    take_statistics(noisy, x)
    take_statistics(plain, x)
    assert np.allclose(noisy.logits(x), plain.logits(x))
    assert noisy.layers[1].noisy


def test_statistics_are_those_of_all_images(batch):
    x, _ = batch
    model = network()
    take_statistics(model, x)
    z = x @ model.layers[0].W
    assert np.allclose(model.layers[1].running.mean, z.mean(axis=0))
    assert np.allclose(model.layers[1].running.variance, z.var(axis=0))
