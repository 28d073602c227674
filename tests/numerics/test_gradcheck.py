"""The numerical gradient itself, and with it every parameter of every kind of network."""

import numpy as np
import pytest

from helpers.networks.mlp import MLP, cross_entropy
from helpers.numerics.activations import ACTIVATIONS
from helpers.numerics.gradcheck import agreement, agrees, numerical_gradient, relative_error

NAMES = sorted(ACTIVATIONS)
SIZES = [(4, 3), (3, 5, 2), (4, 3, 5, 2), (2, 1, 6, 3, 4)]


def network_and_batch(name, sizes, examples, seed=3):
    rng = np.random.default_rng(seed)
    model = MLP(sizes, activation=name, initializer="glorot_normal", gain=1.3, bias_std=0.5, rng=rng)
    return model, rng.normal(size=(examples, sizes[0])), rng.integers(sizes[-1], size=examples)


def loss_with(model, arrays, i, x, y):
    """The loss as a function of one parameter array: `arrays` is the model's list of weights or of biases."""

    def loss(array):
        kept, arrays[i] = arrays[i], array
        try:
            return cross_entropy(model.forward(x).logits, y)[0]
        finally:
            arrays[i] = kept

    return loss


@pytest.mark.parametrize("examples", [1, 6])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_backward_agrees_with_central_differences(name, sizes, examples):
    model, x, y = network_and_batch(name, sizes, examples)
    _, gradients = model.loss_and_gradients(x, y)
    for arrays, analytic in ((model.weights, gradients.dW), (model.biases, gradients.db)):
        for i, array in enumerate(arrays):
            numeric = numerical_gradient(loss_with(model, arrays, i, x, y), array)
            # central differences carry noise of 1e-11, which counts where a dead ReLU leaves a gradient of 0
            assert relative_error(analytic[i], numeric) < 1e-6 or np.abs(analytic[i] - numeric).max() < 1e-10


@pytest.mark.parametrize("sizes", [(3, 5, 2), (4, 3, 5, 2)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_backward_agrees_with_automatic_differentiation(name, sizes, keras_twin):
    import tensorflow as tf

    model, x, y = network_and_batch(name, sizes, 6)
    loss, gradients = model.loss_and_gradients(x, y)
    weights, biases = [tf.Variable(W) for W in model.weights], [tf.Variable(b) for b in model.biases]
    h, zs = tf.constant(x), []
    with tf.GradientTape() as tape:
        for W, b in zip(weights, biases, strict=True):
            zs.append(h @ W + b)
            h = keras_twin(name)[0](zs[-1])
        wanted = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, zs[-1]))
    tolerance = keras_twin(name)[1]
    assert loss == pytest.approx(float(wanted), rel=tolerance)
    automatic = tape.gradient(wanted, [weights, biases, zs])
    for ours, theirs in zip((gradients.dW, gradients.db, gradients.dz), automatic, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b.numpy(), rtol=tolerance, atol=tolerance / 100)


def test_numerical_gradient_of_a_known_function(rng):
    x, A = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    numeric = numerical_gradient(lambda t: np.sum(A * t**3), x)
    np.testing.assert_allclose(numeric, 3 * A * x**2, rtol=1e-8, atol=1e-9)


def test_numerical_gradient_of_a_single_number():
    assert float(numerical_gradient(np.exp, np.array(1.0))) == pytest.approx(np.e, rel=1e-9)


def test_numerical_gradient_leaves_x_alone(rng):
    x = rng.normal(size=4)
    before = x.copy()
    numerical_gradient(np.sum, x)
    assert np.array_equal(x, before)


def test_numerical_gradient_error_shrinks_with_the_square_of_the_step():
    errors = [abs(numerical_gradient(lambda t: t[0] ** 3, np.ones(1), step)[0] - 3) for step in (1e-1, 1e-2)]
    assert errors[0] / errors[1] == pytest.approx(100, rel=1e-3)


def test_numerical_gradient_refuses_float32():
    with pytest.raises(ValueError, match="float32"):
        numerical_gradient(np.sum, np.ones(3, np.float32))


def test_relative_error():
    assert relative_error([3.0, 4.0], [3.0, 4.0]) == 0
    assert relative_error([3.0, 4.0], [0.0, 0.0]) == 1
    assert relative_error([0.0], [0.0]) == 0
    assert relative_error([1.0, 0.0], [2.0, 0.0]) == 0.5


def test_relative_error_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"\(2,\) and \(2, 1\)"):
        relative_error(np.ones(2), np.ones((2, 1)))


def test_agreement_is_told_without_rounding_errors():
    a = np.array([1.0, 2.0])
    near, far = (a, a * (1 + 1e-12)), (a, a * 1.01)
    assert agreement([near]) == "largest relative difference: below 1e-06"
    assert agreement([near, far]) == "largest relative difference: 9.9e-03, above 1e-06"
    assert agrees([near])
    assert not agrees([near, far])
