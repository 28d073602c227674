"""The small network: shapes, loss, steps, LSUV."""

import numpy as np
import pytest

from helpers.networks.mlp import MLP, cross_entropy, lsuv
from helpers.networks.training import clip_by_norm
from helpers.numerics.activations import ACTIVATIONS
from helpers.numerics.initializers import INITIALIZERS
from helpers.numerics.theory import predict, weight_variances
from helpers.signals.trace import trace

SIZES = (6, 5, 4, 3)


@pytest.fixture
def model(rng):
    return MLP(SIZES, bias_std=0.3, rng=rng)


@pytest.fixture
def batch(rng):
    return rng.normal(size=(8, 6)), rng.integers(3, size=8)


def test_forward_is_the_formula(model, batch):
    x, _ = batch
    (W1, W2, W3), (b1, b2, b3) = model.weights, model.biases
    h1 = np.tanh(x @ W1 + b1)
    h2 = np.tanh(h1 @ W2 + b2)
    forward = model.forward(x)
    np.testing.assert_allclose(forward.logits, h2 @ W3 + b3, rtol=1e-14)
    assert [h.shape[1] for h in forward.h] == [6, 5, 4]
    assert [z.shape[1] for z in forward.z] == [5, 4, 3]
    assert model.depth == 2


def test_slopes_are_the_derivatives_at_z(model, batch):
    forward = model.forward(batch[0])
    _, gradients = model.loss_and_gradients(*batch)
    for slope, z in zip(gradients.slope[:-1], forward.z[:-1], strict=True):
        np.testing.assert_allclose(slope, 1 - np.tanh(z) ** 2)
    assert (gradients.slope[-1] == 1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_type_is_kept_from_input_to_gradient(name, dtype, batch, rng):
    model = MLP(SIZES, activation=name, bias_std=0.1, rng=rng, dtype=dtype)
    x, y = batch[0].astype(dtype), batch[1]
    forward = model.forward(x)
    _, gradients = model.loss_and_gradients(x, y)
    clipped = clip_by_norm(gradients, 0.1)
    model.step(clipped, 0.1)
    everything = (*forward.z, *forward.h, *(a for kind in (*gradients, *clipped) for a in kind))
    assert {a.dtype for a in (*everything, *model.weights, *model.biases)} == {np.dtype(dtype)}


def test_gain_multiplies_every_weight_and_no_bias():
    plain, strong = (MLP(SIZES, gain=gain, bias_std=1, rng=np.random.default_rng(0)) for gain in (1, 2.5))
    assert all(np.allclose(2.5 * a, b) for a, b in zip(plain.weights, strong.weights, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(plain.biases, strong.biases, strict=True))


def test_biases_have_the_given_spread(rng):
    biases = np.concatenate(MLP((5, 4000, 4000, 3), bias_std=0.5, initializer="zeros", rng=rng).biases)
    standard_error = 0.5 / np.sqrt(2 * biases.size)
    assert abs(biases.std() - 0.5) < 4 * standard_error
    assert not np.concatenate(MLP(SIZES, rng=rng).biases).any()


@pytest.mark.parametrize("bias_std", [0, 0.7])
@pytest.mark.parametrize("initializer", ["he_normal", "glorot_uniform", "orthogonal"])
def test_deeper_network_begins_with_the_layers_of_the_shallower_one(initializer, bias_std):
    options = {"initializer": initializer, "bias_std": bias_std}
    shallow = MLP((6, 5, 5, 3), **options, rng=np.random.default_rng(4))
    deep = MLP((6, 5, 5, 5, 5, 3), **options, rng=np.random.default_rng(4))
    for i in range(shallow.depth):
        assert np.array_equal(shallow.weights[i], deep.weights[i])
        assert np.array_equal(shallow.biases[i], deep.biases[i])


def test_scaled_copy_shares_no_memory(model):
    copy = model.scaled(3)
    assert copy.gain == 3 * model.gain
    for a, b in zip(model.weights, copy.weights, strict=True):
        np.testing.assert_allclose(3 * a, b)
    pairs = [*zip(model.weights, copy.weights, strict=True), *zip(model.biases, copy.biases, strict=True)]
    assert not any(np.shares_memory(a, b) for a, b in pairs)


def test_stepping_the_scaled_copy_leaves_the_model_alone(model, batch):
    before = [a.copy() for a in (*model.weights, *model.biases)]
    copy = model.scaled(1)
    copy.step(copy.loss_and_gradients(*batch)[1], 1.0)
    assert all(np.array_equal(a, b) for a, b in zip(before, (*model.weights, *model.biases), strict=True))


def test_any_function_may_initialize(rng):
    model = MLP((3, 2), initializer=lambda shape, rng: np.full(shape, 0.5), gain=2, rng=rng)
    assert np.array_equal(model.weights[0], np.ones((3, 2)))


@pytest.mark.parametrize("sizes", [(3,), (), (3, 0, 2), (3, -1)])
def test_sizes_are_checked(sizes, rng):
    with pytest.raises(ValueError, match="at least two positive numbers"):
        MLP(sizes, rng=rng)


def test_names_are_checked(rng):
    with pytest.raises(ValueError, match="'reluu'"):
        MLP(SIZES, activation="reluu", rng=rng)
    with pytest.raises(ValueError, match="'hee'"):
        MLP(SIZES, initializer="hee", rng=rng)


@pytest.mark.parametrize("shape", [(8, 5), (6,), (2, 2, 6)])
def test_input_is_checked(shape, model):
    with pytest.raises(ValueError, match=r"\(batch, 6\), got \("):
        model.forward(np.ones(shape))


# Cross-entropy


@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
def test_cross_entropy_is_that_of_keras(scale, keras, autodiff, rng):
    logits, y = scale * rng.normal(size=(7, 5)), rng.integers(5, size=7)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
    value, gradient = autodiff(lambda z: loss(y, z), logits)
    ours, dlogits = cross_entropy(logits, y)
    assert ours == pytest.approx(float(value), rel=1e-10)
    np.testing.assert_allclose(dlogits, gradient, rtol=1e-10, atol=1e-14)


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes():
    loss, dlogits = cross_entropy(np.zeros((4, 10)), np.array([0, 3, 9, 9]))
    assert loss == pytest.approx(np.log(10), rel=1e-15)
    np.testing.assert_allclose(dlogits.sum(axis=1), 0, atol=1e-16)
    assert dlogits[1, 3] == pytest.approx(-0.9 / 4)


def test_cross_entropy_does_not_change_its_logits(rng):
    logits = rng.normal(size=(3, 4))
    before = logits.copy()
    cross_entropy(logits, np.array([0, 1, 2]))
    assert np.array_equal(logits, before)


@pytest.mark.parametrize(
    ("y", "named"),
    [
        ([0, 1, 3], "0 … 2, got 0 … 3"),
        ([-1, 1, 2], "0 … 2, got -1 … 2"),
        ([0, 1], "3 integer labels, got shape \\(2,\\)"),
        ([[0, 1, 2]], "3 integer labels, got shape \\(1, 3\\)"),
        ([0.0, 1.0, 2.0], "float64"),
    ],
)
def test_labels_are_checked(y, named):
    with pytest.raises(ValueError, match=named):
        cross_entropy(np.zeros((3, 3)), np.array(y))


def test_distributions_in_place_of_labels(keras, autodiff, rng):
    logits, targets = 3 * rng.normal(size=(7, 5)), rng.dirichlet(np.ones(5), size=7)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, dtype="float64")
    value, gradient = autodiff(lambda z: loss(targets, z), logits)
    ours, dlogits = cross_entropy(logits, targets)
    assert ours == pytest.approx(float(value), rel=1e-10)
    np.testing.assert_allclose(dlogits, gradient, rtol=1e-10, atol=1e-14)


def test_one_hot_distributions_are_the_labels(rng):
    logits, y = rng.normal(size=(7, 5)).astype(np.float32), rng.integers(5, size=7)
    loss, dlogits = cross_entropy(logits, np.eye(5)[y])
    wanted_loss, wanted = cross_entropy(logits, y)
    assert loss == pytest.approx(wanted_loss, rel=1e-6)
    np.testing.assert_allclose(dlogits, wanted, rtol=1e-5, atol=1e-7)
    assert dlogits.dtype == np.float32


@pytest.mark.parametrize(
    ("targets", "named"),
    [
        (np.full((3, 3), 0.5), "sums 1.5 … 1.5"),
        (np.full((3, 2), 0.5), "3 distributions over 3 classes.*shape \\(3, 2\\)"),
        (np.eye(3)[:2], "shape \\(2, 3\\)"),
    ],
)
def test_distributions_are_checked(targets, named):
    with pytest.raises(ValueError, match=named):
        cross_entropy(np.zeros((3, 3)), targets)


# Learning


def test_step_is_the_formula(model, batch):
    before = [a.copy() for a in (*model.weights, *model.biases)]
    _, gradients = model.loss_and_gradients(*batch)
    model.step(gradients, 0.25)
    moves = (*gradients.dW, *gradients.db)
    for old, new, move in zip(before, (*model.weights, *model.biases), moves, strict=True):
        np.testing.assert_allclose(new, old - 0.25 * move, rtol=1e-13)


def test_small_step_lowers_the_loss_as_the_gradient_says(model, batch):
    loss, gradients = model.loss_and_gradients(*batch)
    square = sum(np.sum(g**2) for g in (*gradients.dW, *gradients.db))
    model.step(gradients, 1e-6)
    assert loss - model.loss_and_gradients(*batch)[0] == pytest.approx(1e-6 * square, rel=1e-4)


def test_overflow_outside_train_and_trace_is_not_hidden():
    with pytest.raises(RuntimeWarning, match="invalid value"):
        cross_entropy(np.array([[np.inf, 0.0]]), np.array([0]))


# LSUV


@pytest.mark.parametrize("tolerance", [0.1, 1e-3])
@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_lsuv_gives_every_layer_unit_variance(name, tolerance, rng):
    x = rng.normal(1, 2, size=(100, 20))
    model = MLP((20, 30, 30, 30, 5), activation=name, initializer="standard_normal", bias_std=1, rng=rng)
    iterations = lsuv(model, x, rng=rng, tolerance=tolerance)
    assert len(iterations) == model.depth
    for z in model.forward(x).z[:-1]:
        assert abs(np.var(z) - 1) < tolerance


def test_lsuv_weights_stay_orthogonal_up_to_their_scale(rng):
    model = MLP((20, 20, 20, 5), rng=rng)
    lsuv(model, rng.normal(size=(50, 20)), rng=rng)
    for W in model.weights[:-1]:
        product = W.T @ W
        np.testing.assert_allclose(product, product[0, 0] * np.eye(20), atol=1e-12)


def test_theory_of_an_lsuv_network_measures_its_weights(rng):
    x, y = rng.normal(size=(100, 300)), rng.integers(5, size=100)
    model = MLP((300, 300, 300, 300, 5), activation="relu", initializer="small_normal", rng=rng)
    lsuv(model, x, rng=rng)
    np.testing.assert_allclose(weight_variances(model), [np.mean(W**2) for W in model.weights])
    signals = trace(model, x, y)
    predicted = predict(model, x, signals.output_error)
    np.testing.assert_allclose(signals.per_layer("std"), predicted.std, rtol=0.2)
    assert INITIALIZERS["small_normal"].variance((300, 300)) < 0.1 * weight_variances(model)[0]
