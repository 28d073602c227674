"""Batch and layer normalization: gradients, invariances, Keras's layers, running statistics, folding."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.numerics.gradcheck import numerical_gradient, relative_error
from helpers.numerics.normalization import (
    CONVENTIONS,
    NormCache,
    RunningStatistics,
    batch_norm_backward,
    batch_norm_backward_staged,
    batch_norm_forward,
    batch_statistics,
    expected_running,
    fold,
    get_convention,
    initial_statistics,
    layer_norm_backward,
    layer_norm_forward,
    normalize,
    shared_norm_backward,
    shared_norm_forward,
    unbiased,
    update_running,
)

EXACT = 1e-6  # the promise of the lesson: relative error of every gradient
SMALL = [(2, 3), (3, 1), (8, 4), (32, 3), (2, 2, 3, 4), (5, 2, 2, 3), (1, 3, 3, 2)]  # numerical gradients
SHAPES = [*SMALL, (2, 50), (64, 20), (256, 10), (256, 3, 3, 2), (7, 5, 3)]
NORMS = {
    "batch": (batch_norm_forward, batch_norm_backward),
    "staged": (batch_norm_forward, batch_norm_backward_staged),
    "layer": (layer_norm_forward, layer_norm_backward),
}
each_norm = pytest.mark.parametrize("norm", NORMS)
small_shapes = pytest.mark.parametrize("shape", SMALL, ids=str)
all_shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
two_shapes = pytest.mark.parametrize("shape", [(16, 5), (4, 3, 3, 5)], ids=["dense", "convolutional"])
seeds = st.integers(0, 10_000)


def problem(shape, seed=3, dtype=np.float64):
    """Draw x with a mean and spread of its own per feature, gamma, beta, and a gradient from above."""
    rng = np.random.default_rng(seed)
    features = shape[-1]
    x = rng.normal(rng.normal(0, 2, features), rng.uniform(0.5, 3, features), shape)
    gamma, beta = rng.normal(1, 0.5, features), rng.normal(0, 1, features)
    return tuple(array.astype(dtype) for array in (x, gamma, beta, rng.normal(size=shape)))


def gradients(norm, shape, eps):
    """Return the three gradients of Σ dout · out by hand, and the loss as a function of each input."""
    forward, backward = NORMS[norm]
    x, gamma, beta, dout = problem(shape)
    loss = {
        "x": (lambda a: (dout * forward(a, gamma, beta, eps)[0]).sum(), x),
        "gamma": (lambda a: (dout * forward(x, a, beta, eps)[0]).sum(), gamma),
        "beta": (lambda a: (dout * forward(x, gamma, a, eps)[0]).sum(), beta),
    }
    by_hand = backward(dout, forward(x, gamma, beta, eps)[1])
    return dict(zip(loss, by_hand, strict=True)), loss


# --- forward -----------------------------------------------------------------------------------------------


@all_shapes
def test_forward_is_the_formula(shape):
    x, gamma, beta, _ = problem(shape)
    axes = tuple(range(x.ndim - 1))
    out, cache = batch_norm_forward(x, gamma, beta, eps=0.01)
    expected = gamma * (x - x.mean(axes)) / np.sqrt(x.var(axes) + 0.01) + beta
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(cache.mean, x.mean(axes), rtol=1e-12)
    np.testing.assert_allclose(cache.variance, x.var(axes), rtol=1e-12)  # the biased one
    assert cache.mean.shape == cache.variance.shape == cache.std.shape == shape[-1:]
    assert cache.count == x.size // shape[-1]


@two_shapes
def test_output_has_mean_beta_and_std_gamma(shape):
    x, gamma, beta, _ = problem(shape)
    out, _ = batch_norm_forward(x, gamma, beta, eps=0)
    axes = tuple(range(x.ndim - 1))
    np.testing.assert_allclose(out.mean(axes), beta, atol=1e-12)
    np.testing.assert_allclose(out.std(axes), np.abs(gamma), atol=1e-12)


@all_shapes
def test_gamma_and_beta_can_undo_it(shape):
    x, *_ = problem(shape)
    mean, variance, _ = batch_statistics(x)
    out, _ = batch_norm_forward(x, np.sqrt(variance + 1e-3), mean, eps=1e-3)
    np.testing.assert_allclose(out, x, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 3), (1, 1, 1, 3)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_of_one_gives_beta_and_no_gradient(shape, dtype):
    x, gamma, beta, dout = problem(shape, dtype=dtype)
    out, cache = batch_norm_forward(x, gamma, beta)
    assert (out == beta).all()
    assert (cache.variance == 0).all()
    for backward in (batch_norm_backward, batch_norm_backward_staged):
        dx, dgamma, dbeta = backward(dout, cache)
        assert (dx == 0).all()
        assert (dgamma == 0).all()
        assert (dbeta == dout.reshape(-1)).all()


def test_a_constant_feature_gives_beta_unless_eps_is_zero():
    x = np.full((10, 2), 0.25)
    assert (batch_norm_forward(x, np.ones(2), np.array([3.0, 4]), 1e-3)[0] == [3, 4]).all()
    assert np.isnan(batch_norm_forward(x, np.ones(2), np.zeros(2), 0)[0]).all()


@each_norm
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floating_point_type_stays(norm, dtype):
    forward, backward = NORMS[norm]
    x, gamma, beta, dout = problem((6, 4), dtype=dtype)
    out, cache = forward(x, gamma.astype(float), beta.astype(float))
    given_statistics = normalize(x, np.zeros(4), np.ones(4), gamma, beta)
    arrays = (out, given_statistics, *cache, *backward(dout.astype(float), cache))
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_whole_numbers_are_allowed():
    out, _ = batch_norm_forward([[1, 2], [3, 2]], [1, 1], [0, 5], 1e-12)
    np.testing.assert_allclose(out, [[-1, 5], [1, 5]], atol=1e-9)


@each_norm
def test_a_large_mean_costs_no_digits(norm):
    """mean(x²) − mean(x)² would be 0 or negative here: x² is 1e16, its spread 1."""
    forward, _ = NORMS[norm]
    x = np.random.default_rng(0).normal(size=(200, 200))
    near, _ = forward(x, np.ones(200), np.zeros(200))
    far, _ = forward(x + 1e8, np.ones(200), np.zeros(200))
    np.testing.assert_allclose(far, near, atol=1e-6)


def test_a_long_float32_batch_keeps_its_mean():
    """A plain float32 sum of 500,000 numbers near 100 is off by far more than their rounding."""
    x = (100 + np.random.default_rng(0).normal(size=(500_000, 2))).astype(np.float32)
    mean, variance, _ = batch_statistics(x)
    exact = x.astype(np.float64)
    assert mean == pytest.approx(exact.mean(axis=0), abs=4e-6)
    assert variance == pytest.approx(exact.var(axis=0), rel=1e-6)


def test_inputs_are_not_changed():
    inputs = problem((6, 3))
    x, gamma, beta, dout = inputs
    copies = [array.copy() for array in inputs]
    for forward, backward in NORMS.values():
        _, cache = forward(x, gamma, beta)
        kept = [array.copy() for array in cache]
        backward(dout, cache)
        for now, before in zip((*inputs, *cache), (*copies, *kept), strict=True):
            np.testing.assert_array_equal(now, before)


# --- backward ----------------------------------------------------------------------------------------------


@each_norm
@small_shapes
@pytest.mark.parametrize("eps", [1e-3, 0.3])
def test_gradients_equal_central_differences(norm, shape, eps):
    by_hand, loss = gradients(norm, shape, eps)
    for name, (f, at) in loss.items():
        numerical = numerical_gradient(f, at)
        if np.linalg.norm(numerical) < 1e-6:  # layer norm of a single feature: x has no influence at all
            assert np.linalg.norm(by_hand[name]) < 1e-9
        else:
            assert relative_error(by_hand[name], numerical) < EXACT, name


@each_norm
@all_shapes
def test_gradients_equal_automatic_differentiation(norm, shape, keras, autodiff):
    ops, eps = keras.ops, 1e-3
    axes = [-1] if norm == "layer" else list(range(len(shape) - 1))
    by_hand, _ = gradients(norm, shape, eps)
    values = dict(zip(("x", "gamma", "beta", "dout"), problem(shape), strict=True))

    def loss(**changed):
        x, gamma, beta, dout = (values | changed).values()
        x = ops.convert_to_tensor(x)
        mean = ops.mean(x, axes, keepdims=True)
        variance = ops.mean(ops.square(x - mean), axes, keepdims=True)
        return ops.sum((gamma * (x - mean) / ops.sqrt(variance + eps) + beta) * dout)

    for name, gradient in by_hand.items():
        _, automatic = autodiff(lambda a, name=name: loss(**{name: a}), values[name])
        if np.linalg.norm(automatic) < 1e-9:
            assert np.linalg.norm(gradient) < 1e-9
        else:
            assert relative_error(gradient, automatic) < EXACT, name


@all_shapes
def test_staged_equals_simplified(shape):
    x, gamma, beta, dout = problem(shape)
    _, cache = batch_norm_forward(x, gamma, beta)
    for one, other in zip(
        batch_norm_backward(dout, cache), batch_norm_backward_staged(dout, cache), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


# --- invariances -------------------------------------------------------------------------------------------


@given(seeds, st.integers(1, 40), st.integers(1, 6), st.sampled_from([1e-5, 1e-3, 1.0]))
def test_gradients_of_x_sum_to_zero_per_feature(seed, batch, features, eps):
    x, gamma, beta, dout = problem((batch, features), seed)
    _, cache = batch_norm_forward(x, gamma, beta, eps)
    dx, *_ = batch_norm_backward(dout, cache)
    scale = np.abs(cache.gamma / cache.std) * np.abs(dout).sum(axis=0)  # what it is the rounding of
    assert (np.abs(dx.sum(axis=0)) <= 1e-13 * scale).all()


@given(seeds, st.integers(2, 40), st.floats(-100, 100))
def test_a_bias_before_it_changes_nothing_and_has_gradient_zero(seed, batch, bias):
    rng = np.random.default_rng(seed)
    x, gamma, beta, dout = problem((batch, 4), seed)
    W, b = rng.normal(size=(4, 4)), bias * rng.normal(size=4)
    without, _ = batch_norm_forward(x @ W, gamma, beta)
    out, cache = batch_norm_forward(x @ W + b, gamma, beta)
    np.testing.assert_allclose(out, without, rtol=0, atol=1e-10)
    db = batch_norm_backward(dout, cache)[0].sum(axis=0)
    scale = np.abs(cache.gamma / cache.std) * np.abs(dout).sum(axis=0)
    assert (np.abs(db) <= 1e-13 * scale).all()


@given(seeds, st.sampled_from([0.01, 0.1, 3, 100]), st.sampled_from([0, 1e-3]))
def test_scaling_the_weights_leaves_the_output_and_divides_their_gradient(seed, c, eps):
    """Exact for eps = 0; any other ε must be scaled by c² too, for it is added to a variance of c²v."""
    rng = np.random.default_rng(seed)
    x, gamma, beta, dout = problem((30, 4), seed)
    W = rng.normal(size=(4, 4))
    out, cache = batch_norm_forward(x @ W, gamma, beta, eps)
    scaled_out, scaled_cache = batch_norm_forward(x @ (c * W), gamma, beta, c**2 * eps)
    np.testing.assert_allclose(scaled_out, out, rtol=0, atol=1e-9)
    dW = x.T @ batch_norm_backward(dout, cache)[0]
    scaled_dW = x.T @ batch_norm_backward(dout, scaled_cache)[0]
    assert relative_error(c * scaled_dW, dW) < 1e-9


def test_with_eps_the_scale_of_small_weights_does_matter():
    """The caveat: at the default ε, weights so small that v is near ε are not normalized to 1."""
    x, *_ = problem((200, 4))
    out, _ = batch_norm_forward(x / x.std(axis=0) * 1e-3**0.5, np.ones(4), np.zeros(4), 1e-3)
    np.testing.assert_allclose(out.std(axis=0), 0.5**0.5, rtol=1e-9)


@given(seeds, st.integers(2, 30))
def test_the_order_of_the_batch_does_not_matter(seed, batch):
    x, gamma, beta, _ = problem((batch, 3), seed)
    order = np.random.default_rng(seed).permutation(batch)
    out, _ = batch_norm_forward(x, gamma, beta)
    shuffled, _ = batch_norm_forward(x[order], gamma, beta)
    np.testing.assert_allclose(shuffled, out[order], rtol=0, atol=1e-10)


def test_a_convolution_has_one_mean_per_channel_not_per_activation():
    x, gamma, beta, _ = problem((6, 4, 5, 3))
    out, _ = batch_norm_forward(x, gamma, beta)
    flat, _ = batch_norm_forward(x.reshape(-1, 3), gamma, beta)
    np.testing.assert_allclose(out.reshape(-1, 3), flat, rtol=1e-12, atol=1e-12)


# --- running statistics ------------------------------------------------------------------------------------


def test_conventions_say_what_differs():
    told = {c.name: (c.stores, c.weighs, c.momentum, c.eps) for c in CONVENTIONS.values()}
    assert told == {
        "paper": ("unbiased", "all", None, None),
        "keras": ("biased", "old", 0.99, 1e-3),
        "pytorch": ("unbiased", "new", 0.1, 1e-5),
    }
    assert list(told) == list(CONVENTIONS)


def test_keras_convention_is_the_default_of_the_layer(keras):
    layer = keras.layers.BatchNormalization()
    assert (layer.momentum, layer.epsilon) == (CONVENTIONS["keras"].momentum, CONVENTIONS["keras"].eps)


@two_shapes
@pytest.mark.parametrize("momentum", [None, 0.7, 0.0])
def test_keras_convention_equals_the_moving_values_of_keras(shape, momentum, keras):
    layer = keras.layers.BatchNormalization(**({} if momentum is None else {"momentum": momentum}))
    ours = initial_statistics(shape[-1])
    for seed in range(4):
        x, *_ = problem(shape, seed)
        layer(x.astype(np.float32), training=True)
        ours = update_running(ours, *batch_statistics(x), "keras", momentum=momentum)
    assert ours.batches == 4
    np.testing.assert_allclose(ours.mean, layer.moving_mean.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ours.variance, layer.moving_variance.numpy(), rtol=1e-5)


def test_pytorch_convention_against_closed_numbers():
    """A batch of 1, 3, 5: mean 3, biased variance 8/3, unbiased 4. From (0, 1): 0.3 and 0.9 + 0.4."""
    one = update_running(initial_statistics(1), *batch_statistics([[1], [3], [5]]), "pytorch")
    assert one.mean == pytest.approx([0.3])
    assert one.variance == pytest.approx([1.3])
    two = update_running(one, *batch_statistics([[0], [2]]), "pytorch")  # mean 1, unbiased 2
    assert two.mean == pytest.approx([0.37])
    assert two.variance == pytest.approx([0.9 * 1.3 + 0.2])


@pytest.mark.parametrize(("name", "share"), [("keras", 0.99), ("pytorch", 0.9)])
def test_the_start_fades_as_predicted(name, share):
    """Of a constant batch the running values reach 1 − (share of old)^t."""
    statistics = initial_statistics(1)
    count = 10**12  # so that biased and unbiased agree
    for _ in range(25):
        statistics = update_running(statistics, np.array([2.0]), np.array([3.0]), count, name)
    assert statistics.mean == pytest.approx([2 * (1 - share**25)])
    assert statistics.variance == pytest.approx([3 - 2 * share**25])


def test_expected_running_value_is_what_updates_come_to():
    statistics, t = initial_statistics(1), 40
    for _ in range(t):
        statistics = update_running(statistics, np.array([-2.0]), np.array([0.5]), 8, "keras", momentum=0.95)
    assert statistics.mean == pytest.approx([expected_running(0, -2, 0.95, t)])
    assert statistics.variance == pytest.approx([expected_running(1, 0.5, 0.95, t)])
    np.testing.assert_allclose(expected_running(1, 5, 0, np.arange(3)), [1, 5, 5])  # no memory at all


def test_the_same_batch_three_conventions():
    statistics = RunningStatistics(np.array([10.0]), np.array([1.0]), batches=3)
    batch = (np.array([2.0]), np.array([6.0]), 4)  # unbiased 8
    results = {name: update_running(statistics, *batch, name) for name in CONVENTIONS}
    assert {name: float(r.mean[0]) for name, r in results.items()} == pytest.approx(
        {"paper": 8.0, "keras": 9.92, "pytorch": 9.2}
    )
    assert {name: float(r.variance[0]) for name, r in results.items()} == pytest.approx(
        {"paper": 2.75, "keras": 1.05, "pytorch": 1.7}
    )


def test_a_convention_of_ones_own():
    own = replace(CONVENTIONS["keras"], name="own", momentum=0.5)
    updated = update_running(initial_statistics(1), np.array([4.0]), np.array([5.0]), 2, own)
    assert (updated.mean[0], updated.variance[0]) == (2, 3)


@pytest.mark.parametrize("size", [2, 3, 10])
def test_the_corrected_variance_is_right_on_average_and_the_other_too_small(size):
    """Over all ordered draws with replacement from a population: exact expectations, no sampling."""
    population = np.array([0.0, 1.0, 5.0]) if size < 10 else np.array([0.0, 1.0])
    draws = np.stack(np.meshgrid(*[population] * size), axis=-1).reshape(-1, size)
    batches = [batch.reshape(-1, 1) for batch in draws]
    biased = np.mean([batch_statistics(batch)[1] for batch in batches])
    assert biased == pytest.approx(population.var() * (size - 1) / size)
    corrected = [unbiased(batch_statistics(batch)[1], size) for batch in batches]
    assert np.mean(corrected) == pytest.approx(population.var())


def test_statistics_are_frozen():
    statistics = initial_statistics(2)
    with pytest.raises(FrozenInstanceError):
        statistics.mean = np.ones(2)
    before = statistics.mean.copy()
    update_running(statistics, np.ones(2), np.ones(2), 4)
    assert (statistics.mean == before).all()


# --- inference, the library, folding ----------------------------------------------------------------------


@two_shapes
def test_inference_equals_the_keras_layer_after_training_updates(shape, keras):
    layer = keras.layers.BatchNormalization(momentum=0.8)
    x, gamma, beta, _ = problem(shape)
    layer.build(x.shape)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    statistics = initial_statistics(shape[-1])
    for seed in range(5):
        batch, *_ = problem(shape, seed)
        trained = layer(batch.astype(np.float32), training=True).numpy()
        out, cache = batch_norm_forward(batch, gamma, beta)
        np.testing.assert_allclose(trained, out, rtol=1e-5, atol=1e-5)
        statistics = update_running(statistics, cache.mean, cache.variance, cache.count, momentum=0.8)
    ours = normalize(x, statistics.mean, statistics.variance, gamma, beta)
    np.testing.assert_allclose(layer(x.astype(np.float32), training=False), ours, rtol=1e-5, atol=1e-5)
    assert np.abs(ours - batch_norm_forward(x, gamma, beta)[0]).max() > 0.01  # the two modes do differ


def test_inference_treats_every_example_alone():
    x, gamma, beta, _ = problem((8, 3))
    mean, variance = np.zeros(3), np.full(3, 2.0)
    whole = normalize(x, mean, variance, gamma, beta)
    np.testing.assert_array_equal(normalize(x[2:3], mean, variance, gamma, beta), whole[2:3])


@given(seeds, st.sampled_from([0, 1e-5, 1e-3]), st.booleans())
def test_folding_a_dense_layer(seed, eps, with_bias):
    rng = np.random.default_rng(seed)
    x, gamma, beta, _ = problem((10, 4), seed)
    W, b = rng.normal(size=(4, 4)), rng.normal(size=4) if with_bias else 0
    mean, variance = rng.normal(size=4), rng.uniform(0.1, 4, 4)
    expected = normalize(x @ W + b, mean, variance, gamma, beta, eps)
    folded_W, folded_b = fold(W, b, gamma, beta, mean, variance, eps)
    np.testing.assert_allclose(x @ folded_W + folded_b, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kernel_shape", [(3, 3, 2, 4), (1, 1, 2, 4)], ids=str)
def test_folding_a_convolution(kernel_shape, keras, rng):
    x = rng.normal(size=(3, 6, 6, 2))
    W, b = rng.normal(size=kernel_shape), rng.normal(size=4)
    gamma, beta, mean, variance = *rng.normal(size=(3, 4)), rng.uniform(0.1, 4, 4)

    def convolve(kernel):
        return keras.ops.conv(x, kernel, padding="same").numpy()

    expected = normalize(convolve(W) + b, mean, variance, gamma, beta)
    folded_W, folded_b = fold(W, b, gamma, beta, mean, variance)
    np.testing.assert_allclose(convolve(folded_W) + folded_b, expected, rtol=0, atol=1e-6)


@two_shapes
def test_layer_norm_equals_the_keras_layer(shape, keras):
    x, gamma, beta, _ = problem(shape)
    layer = keras.layers.LayerNormalization(dtype="float64")
    layer.build(x.shape)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    ours, _ = layer_norm_forward(x, gamma, beta, layer.epsilon)
    np.testing.assert_allclose(ours, layer(x), rtol=1e-6, atol=1e-6)


def test_layer_norm_looks_at_one_example_only():
    x, gamma, beta, _ = problem((8, 6))
    whole, cache = layer_norm_forward(x, gamma, beta)
    np.testing.assert_array_equal(layer_norm_forward(x[3:4], gamma, beta)[0], whole[3:4])
    np.testing.assert_allclose(((whole - beta) / gamma).mean(axis=-1), 0, atol=1e-12)
    assert cache.count == 6


# --- what is refused ---------------------------------------------------------------------------------------

ONE, X = np.ones(3), np.ones((4, 3))
CACHE = batch_norm_forward(X, ONE, ONE)[1]
START = initial_statistics(3)
WRONG = {
    "an empty batch": (lambda: batch_norm_forward(np.ones((0, 3)), ONE, ONE), r"\(0, 3\)"),
    "one axis": (lambda: batch_norm_forward(ONE, ONE, ONE), r"two axes or more.*\(3,\)"),
    "gamma": (lambda: batch_norm_forward(X, np.ones(4), ONE), r"gamma must have shape \(3,\).*\(4,\)"),
    "gamma, a number": (lambda: batch_norm_forward(X, 1.0, ONE), r"gamma must have shape \(3,\).*\(\)"),
    "beta": (lambda: batch_norm_forward(X, ONE, np.ones((1, 3))), r"beta must have shape .*\(1, 3\)"),
    "eps": (lambda: batch_norm_forward(X, ONE, ONE, -1e-3), "eps must be 0 or more, got -0.001"),
    "eps nan": (lambda: batch_norm_forward(X, ONE, ONE, np.nan), "eps must be 0 or more, got nan"),
    "dout": (lambda: batch_norm_backward(np.ones((4, 2)), CACHE), r"dout .*\(4, 3\), got \(4, 2\)"),
    "staged": (lambda: batch_norm_backward_staged(ONE, CACHE), r"dout .*\(4, 3\), got \(3,\)"),
    "variance": (lambda: normalize(X, ONE, -ONE, ONE, ONE), "variance must be 0 or more, got -1"),
    "mean": (lambda: normalize(X, np.ones(2), ONE, ONE, ONE), r"mean must have shape \(3,\).*\(2,\)"),
    "layer norm": (lambda: layer_norm_forward(np.ones((2, 0)), [], []), r"\(2, 0\)"),
    "layer norm back": (lambda: layer_norm_backward(ONE, CACHE), r"dout .*\(3,\)"),
    "features": (lambda: initial_statistics(0), "features must be 1 or more, got 0"),
    "convention": (lambda: get_convention("caffe"), "unknown convention 'caffe'.*paper, keras, pytorch"),
    "momentum": (lambda: update_running(START, ONE, ONE, 2, momentum=1.1), "momentum .* 0 … 1, got 1.1"),
    "expected": (lambda: expected_running(0, 1, -0.1, 2), "momentum .* 0 … 1, got -0.1"),
    "statistics": (lambda: update_running(START, ONE, X, 2), r"\(3,\), got \(3,\), \(4, 3\)"),
    "count 0": (lambda: update_running(START, ONE, ONE, 0), "count must be 1 or more, got 0"),
    "count 1": (lambda: update_running(START, ONE, ONE, 1, "pytorch"), "needs 2 values or more.*got 1"),
    "unbiased": (lambda: unbiased(ONE, 1), "needs 2 values or more per feature, got 1"),
    "fold b": (lambda: fold(np.ones((2, 3)), np.ones(2), ONE, ONE, ONE, ONE), r"b must have .*\(2,\)"),
    "fold W": (lambda: fold(ONE, 0, ONE, ONE, ONE, ONE), r"two axes or more.*\(3,\)"),
}


@pytest.mark.parametrize(("call", "words"), WRONG.values(), ids=list(WRONG))
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_keras_keeps_a_single_value_as_a_variance_of_zero():
    """Storing the biased variance, it has nothing to divide by m − 1: a batch of 1 pulls it toward 0."""
    updated = update_running(initial_statistics(1), *batch_statistics([[7.0]]), "keras", momentum=0.9)
    assert (updated.mean[0], updated.variance[0]) == pytest.approx((0.7, 0.9))


def test_cache_names():
    assert NormCache._fields == ("x_hat", "gamma", "mean", "variance", "std")


def test_numbers_that_share_a_label_share_mean_and_variance():
    x = np.random.default_rng(0).normal(3, 2, (4, 6))
    labels = np.arange(4)[:, None] * 2 + np.arange(6) // 3  # two groups in each row
    out, cache = shared_norm_forward(x, np.ones(6), np.zeros(6), labels, 0.0)
    groups = out.reshape(4, 2, 3)
    assert np.allclose(groups.mean(axis=-1), 0)
    assert np.allclose(groups.var(axis=-1), 1)

    def loss(values):
        return np.sum(dout * shared_norm_forward(values, gamma, np.zeros(6), labels, 0.1)[0])

    dout, gamma = np.random.default_rng(1).standard_normal((4, 6)), np.arange(1.0, 7)
    _, cache = shared_norm_forward(x, gamma, np.zeros(6), labels, 0.1)
    assert relative_error(shared_norm_backward(dout, cache)[0], numerical_gradient(loss, x)) < 1e-6


@pytest.mark.parametrize("labels", [np.zeros((3, 6), int), np.zeros((4, 6)), np.full((4, 6), -1)])
def test_labels_that_are_none_are_refused(labels):
    with pytest.raises(ValueError, match="labels must be whole numbers"):
        shared_norm_forward(np.ones((4, 6)), np.ones(6), np.zeros(6), labels)
