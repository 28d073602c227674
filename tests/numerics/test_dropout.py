"""DropConnect, stochastic depth, fractional pooling: ways back, expectations, TensorFlow's own pooling."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.numerics import pooling
from helpers.numerics.dropout import (
    Connections,
    drop_connect_backward,
    drop_connect_forward,
    linear_decay,
    stochastic_depth_backward,
    stochastic_depth_forward,
    stochastic_depth_testing,
)
from helpers.numerics.gradcheck import numerical_gradient, relative_error
from helpers.numerics.pooling import (
    even_borders,
    fractional_max_pool_backward,
    fractional_max_pool_forward,
    pool_regions,
    random_borders,
)

SEED = 4
PROBABILITIES = st.floats(0, 1)


def fixed():
    """The same draws at every call, as a gradient check needs them."""
    return np.random.default_rng(SEED)


# DropConnect


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.8])
def test_drop_connect_against_central_differences(rate, rng):
    x, W, b = rng.normal(size=(6, 5)), rng.normal(size=(5, 4)), rng.normal(size=4)
    weight = rng.normal(size=(6, 4))
    run = lambda x, W, b: drop_connect_forward(x, W, b, rate, rng=fixed())  # noqa: E731
    gradients = drop_connect_backward(weight, run(x, W, b)[1])
    for place, got in enumerate(gradients):
        arguments = [x, W, b]

        def loss(value, place=place, arguments=arguments):
            return np.sum(weight * run(*arguments[:place], value, *arguments[place + 1 :])[0])

        assert relative_error(got, numerical_gradient(loss, arguments[place])) < 1e-6


def test_a_dropped_weight_gets_no_gradient_and_kept_ones_are_scaled(rng):
    x, W = rng.normal(size=(6, 50)), 1 + rng.random((50, 40))
    z, cache = drop_connect_forward(x, W, None, 0.25, rng=rng)
    kept = cache.mask.kept
    np.testing.assert_allclose(cache.W, W * kept / 0.75)
    np.testing.assert_allclose(z, x @ cache.W)
    _, dW, _ = drop_connect_backward(np.ones((6, 40)), cache)
    assert (dW[~kept] == 0).all()
    assert (dW[kept] != 0).all()
    assert kept.mean() == pytest.approx(0.75, abs=5 * np.sqrt(0.25 * 0.75 / W.size))


def test_the_way_back_of_testing_is_that_of_a_dense_layer(rng):
    x, W, dz = rng.normal(size=(6, 5)), rng.normal(size=(5, 4)), rng.normal(size=(6, 4))
    dx, dW, db = drop_connect_backward(dz, Connections(x, W, None))
    np.testing.assert_allclose(dx, dz @ W.T)
    np.testing.assert_allclose(dW, x.T @ dz)
    np.testing.assert_allclose(db, dz.sum(axis=0))


@settings(max_examples=20)
@given(rate=st.floats(0, 0.9), seed=st.integers(0, 2**32))
def test_the_expectation_of_drop_connect_is_the_dense_layer(rate, seed):
    rng = np.random.default_rng(seed)
    x, W, b = rng.normal(size=(2, 8)), rng.normal(size=(8, 3)), rng.normal(size=3)
    z = np.array([drop_connect_forward(x, W, b, rate, rng=rng)[0] for _ in range(3000)])
    error = np.sqrt(
        rate / (1 - rate) * (x**2) @ (W**2) / len(z)
    )  # one mask entry has the variance p / (1 − p)
    assert (np.abs(z.mean(axis=0) - x @ W - b) <= 5 * error + 1e-9).all()


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5])
def test_rates_are_checked(rate, rng):
    with pytest.raises(ValueError, match="rate must be 0 or more and below 1"):
        drop_connect_forward(np.ones((2, 3)), np.ones((3, 2)), None, rate, rng=rng)


# Stochastic depth


@settings(max_examples=25)
@given(survival=PROBABILITIES, seed=st.integers(0, 2**32))
def test_the_mean_of_training_is_the_testing_output(survival, seed):
    rng = np.random.default_rng(seed)
    h, branch = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    out = np.array([stochastic_depth_forward(h, branch, survival, rng=rng)[0] for _ in range(2000)])
    error = np.abs(branch) * np.sqrt(survival * (1 - survival) / len(out))
    wanted = stochastic_depth_testing(h, branch, survival)
    assert (np.abs(out.mean(axis=0) - wanted) <= 5 * error + 1e-9).all()


@pytest.mark.parametrize("survival", [0, 1])
def test_the_whole_batch_lives_or_dies_together(survival, rng):
    h, branch = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
    out, alive = stochastic_depth_forward(h, branch, survival, rng=rng)
    np.testing.assert_array_equal(out, h + survival * branch)
    assert alive == survival
    ways = [stochastic_depth_forward(h, branch, 0.5, rng=rng)[0] for _ in range(20)]
    assert {np.array_equal(out, h) for out in ways} == {True, False}
    assert all(np.array_equal(out, h) or np.array_equal(out, h + branch) for out in ways)


@pytest.mark.parametrize("seed", range(4))
def test_stochastic_depth_against_central_differences(seed, rng):
    h, weight, W = rng.normal(size=(5, 4)), rng.normal(size=(5, 4)), rng.normal(size=(4, 4))

    def run(h, W):
        return stochastic_depth_forward(h, np.tanh(h @ W), 0.5, rng=np.random.default_rng(seed))

    dh, dbranch = stochastic_depth_backward(weight, run(h, W)[1])
    dz = dbranch * (1 - np.tanh(h @ W) ** 2)
    for got, wanted in (
        (dh + dz @ W.T, numerical_gradient(lambda h: np.sum(weight * run(h, W)[0]), h)),
        (h.T @ dz, numerical_gradient(lambda W: np.sum(weight * run(h, W)[0]), W)),
    ):
        assert relative_error(got, wanted) < 1e-6


def test_survival_falls_linearly_to_the_last_block():
    np.testing.assert_allclose(linear_decay(5), [0.9, 0.8, 0.7, 0.6, 0.5])
    np.testing.assert_allclose(linear_decay(1, 0.3), [0.3])
    assert linear_decay(54).sum() == pytest.approx(40.25)  # the paper's 110 layers: "L̃ ≈ 40" of 54 blocks


@pytest.mark.parametrize("survival", [-0.1, 1.1, np.nan])
def test_survival_is_checked(survival, rng):
    h = np.zeros((2, 2))
    for refuse in (
        lambda: stochastic_depth_forward(h, h, survival, rng=rng),
        lambda: stochastic_depth_testing(h, h, survival),
        lambda: linear_decay(3, survival),
    ):
        with pytest.raises(ValueError, match="survival must lie in 0 … 1"):
            refuse()
    with pytest.raises(ValueError, match="blocks must be 1 or more, got 0"):
        linear_decay(0)


# Fractional pooling


@settings(max_examples=60)
@given(inputs=st.integers(1, 60), data=st.data())
def test_borders_step_by_one_or_two_from_end_to_end(inputs, data):
    outputs = data.draw(st.integers(-(-inputs // 2), inputs))
    for borders in (random_borders(inputs, outputs, rng=fixed()), even_borders(inputs, outputs)):
        assert (borders[0], borders[-1], len(borders)) == (0, inputs, outputs + 1)
        assert set(np.diff(borders)) <= {1, 2}


def test_the_order_of_ones_and_twos_is_random(rng):
    steps = np.array([np.diff(random_borders(28, 20, rng=rng)) for _ in range(4000)])
    assert (steps.sum(axis=1) == 28).all()
    np.testing.assert_allclose((steps == 2).mean(axis=0), 8 / 20, atol=0.04)
    assert np.diff(even_borders(28, 20)).tolist() == [1, 1, 2, 1, 2] * 4


def plainly(images, rows, columns, overlapping):
    """Max pooling by two loops."""
    more = int(overlapping)
    out = [
        [images[:, a : b + more, c : d + more].max(axis=(1, 2)) for c, d in pairwise(columns)]
        for a, b in pairwise(rows)
    ]
    return np.moveaxis(np.array(out), 2, 0)


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("shape", [(4, 9, 9), (3, 10, 7, 2), (1, 6, 6, 1)])
def test_each_output_is_the_largest_of_its_region(shape, overlapping, rng):
    images = rng.normal(size=shape)
    for size in range(-(-max(shape[1:3]) // 2), min(shape[1:3]) + 1):
        out, _ = fractional_max_pool_forward(
            images, size, overlapping=overlapping, rng=np.random.default_rng(1)
        )
        draw = np.random.default_rng(1)
        rows, columns = (random_borders(side, size, rng=draw) for side in shape[1:3])
        np.testing.assert_array_equal(out, plainly(images, rows, columns, overlapping))
        assert out.shape == (shape[0], size, size, *shape[3:])


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("shape", [(2, 6, 7), (2, 7, 6, 3)])
@pytest.mark.parametrize("seed", [0, 1, None])
def test_pooling_against_central_differences(seed, shape, overlapping, rng):
    images, weight = rng.normal(size=shape), rng.normal(size=(2, 5, 5, *shape[3:]))

    def run(images):
        rng = None if seed is None else np.random.default_rng(seed)
        return fractional_max_pool_forward(images, 5, overlapping=overlapping, rng=rng)

    got = fractional_max_pool_backward(weight, run(images)[1])
    wanted = numerical_gradient(lambda images: np.sum(weight * run(images)[0]), images)
    assert relative_error(got, wanted) < 1e-6


@pytest.mark.parametrize("overlapping", [False, True])
def test_the_same_as_tensorflows_pooling_over_its_own_regions(overlapping, rng, keras):
    import tensorflow as tf

    images = rng.normal(size=(3, 20, 17, 2)).astype(np.float32)
    ratio = [1.0, 1.4, 1.6, 1.0]
    options = {
        "pseudo_random": False,
        "overlapping": overlapping,
        "seed": 1,
        "seed2": 2,
        "deterministic": True,
    }
    theirs, rows, columns = tf.raw_ops.FractionalMaxPool(value=images, pooling_ratio=ratio, **options)
    out, cache = pool_regions(images, rows.numpy(), columns.numpy(), overlapping=overlapping)
    np.testing.assert_array_equal(out, theirs)
    dout = rng.normal(size=out.shape).astype(np.float32)
    back = tf.raw_ops.FractionalMaxPoolGrad(
        orig_input=images,
        orig_output=theirs,
        out_backprop=dout,
        row_pooling_sequence=rows,
        col_pooling_sequence=columns,
        overlapping=overlapping,
    )
    np.testing.assert_allclose(fractional_max_pool_backward(dout, cache), back, atol=1e-5)
    assert set(np.diff(rows)) <= {1, 2}  # the random regions of the paper, as ours are


def test_two_passes_differ_and_even_ones_do_not(rng):
    images = rng.random((2, 28, 28))
    first, second = (fractional_max_pool_forward(images, 20, rng=rng)[0] for _ in range(2))
    assert not np.array_equal(first, second)
    first, second = (fractional_max_pool_forward(images, 20)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_pooling_by_one_changes_nothing_and_by_two_is_max_pooling(rng):
    images = rng.random((2, 8, 8))
    same = fractional_max_pool_forward(images, 8, overlapping=False, rng=rng)[0]
    np.testing.assert_array_equal(same, images)
    half = fractional_max_pool_forward(images, 4, overlapping=False, rng=rng)[0]
    np.testing.assert_array_equal(half, images.reshape(2, 4, 2, 4, 2).max(axis=(2, 4)))


@pytest.mark.parametrize("size", [0, 13, 29, 20.5])
def test_sizes_are_checked(size, rng):
    for draw in (rng, None):
        with pytest.raises(ValueError, match=f"size must be whole and lie in 14 … 28, got {size}"):
            fractional_max_pool_forward(np.zeros((1, 28, 28)), size, rng=draw)


@pytest.mark.parametrize("shape", [(28, 28), (3, 784), (1, 2, 3, 4, 5)])
def test_shapes_are_checked(shape):
    with pytest.raises(ValueError, match="images must have shape"):
        fractional_max_pool_forward(np.zeros(shape), 20)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_are_kept(dtype, rng):
    x, W, images = (rng.random(shape).astype(dtype) for shape in ((4, 4), (4, 4), (2, 6, 6)))
    z, cache = drop_connect_forward(x, W, W[0], 0.5, rng=rng)
    assert {array.dtype for array in (z, *drop_connect_backward(z, cache))} == {np.dtype(dtype)}
    out, alive = stochastic_depth_forward(x, W, 0.5, rng=rng)
    back = stochastic_depth_backward(out, alive)
    assert {array.dtype for array in (out, *back, stochastic_depth_testing(x, W, 0.5))} == {np.dtype(dtype)}
    out, cache = fractional_max_pool_forward(images, 4, rng=rng)
    assert {out.dtype, pooling.fractional_max_pool_backward(out, cache).dtype} == {np.dtype(dtype)}
