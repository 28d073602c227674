"""Descent on a surface of two weights: its examples, its loss and gradient, its batches and paths."""

import numpy as np
import pytest

from helpers import data
from helpers.networks import two_weights
from helpers.numerics.activations import sigmoid
from helpers.numerics.gradcheck import numerical_gradient, relative_error

START = (3.0, -2.0)


@pytest.fixture(scope="module")
def examples():
    return two_weights.brightness_of_dresses_and_shirts()


def test_the_two_features_are_standardized_brightness(examples):
    x, y = examples
    assert x.shape == (256, 2)
    assert x.mean(axis=0) == pytest.approx([0, 0], abs=1e-12)
    assert x.std(axis=0) == pytest.approx([1, 1])
    images, labels = data.load_batch(two_weights.SEARCHED, standardize=False, dtype=np.float64)
    first = np.flatnonzero(np.isin(labels, [data.CLASS_NAMES.index(n) for n in ("Dress", "Shirt")]))[:256]
    assert np.array_equal(y, labels[first] == data.CLASS_NAMES.index("Shirt"))
    middle = images[first].reshape(-1, 28, 28)[:, :, 10:18].mean(axis=(1, 2))
    assert np.corrcoef(middle, x[:, 0])[0, 1] == pytest.approx(1)


def test_loss_and_gradient(examples, rng):
    x, y = examples
    for w in rng.normal(scale=2, size=(5, 2)):
        p = sigmoid(x @ w)
        assert two_weights.logistic_loss(w, x, y) == pytest.approx(
            -np.mean(np.log(np.where(y == 1, p, 1 - p)))
        )
        numeric = numerical_gradient(lambda w: two_weights.logistic_loss(w, x, y), w)
        assert relative_error(two_weights.logistic_gradient(w, x, y), numeric) < 1e-6
    assert np.linalg.norm(two_weights.logistic_gradient(two_weights.lowest_point(x, y), x, y)) < 1e-12
    assert two_weights.logistic_loss(np.array([[1e4, -1e4]]), x, y).shape == (1,)


def test_gradient_agrees_with_automatic_differentiation(examples, autodiff):
    import tensorflow as tf

    x, y = examples

    def loss(w):
        z = tf.linalg.matvec(tf.constant(x), w)
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.constant(y), logits=z))

    value, gradient = autodiff(loss, np.array(START))
    assert two_weights.logistic_loss(START, x, y) == pytest.approx(float(value), rel=1e-12)
    np.testing.assert_allclose(two_weights.logistic_gradient(np.array(START), x, y), gradient, rtol=1e-10)


@pytest.mark.parametrize(("count", "size"), [(256, 1), (256, 16), (256, 256), (10, 4)])
def test_an_epoch_holds_every_example_once(count, size):
    parts = two_weights.batches(count, size, np.random.default_rng(0))
    assert sorted(np.concatenate(parts)) == list(range(count))
    assert [len(part) for part in parts[:-1]] == [size] * (len(parts) - 1)


@pytest.mark.parametrize("size", [0, 257])
def test_a_batch_size_out_of_range_is_named(size):
    with pytest.raises(ValueError, match=f"between 1 and 256, got {size}"):
        two_weights.batches(256, size, np.random.default_rng(0))


def test_the_full_batch_descends_at_any_small_rate(examples):
    options = {"batch_size": 256, "epochs": 20, "start": START, "rng": np.random.default_rng(0)}
    for rate in (0.1, 1, 3):
        losses = two_weights.logistic_loss(two_weights.descend(*examples, rate=rate, **options), *examples)
        assert (np.diff(losses) < 0).all()


def test_a_path_takes_one_step_per_batch(examples):
    x, y = examples
    options = {"rate": 0.5, "epochs": 2, "start": START, "rng": np.random.default_rng(0)}
    assert len(two_weights.descend(x, y, batch_size=100, **options)) == 2 * 3 + 1
    path = two_weights.descend(x, y, batch_size=256, **options)
    np.testing.assert_allclose(path[1], START - 0.5 * two_weights.logistic_gradient(np.array(START), x, y))
