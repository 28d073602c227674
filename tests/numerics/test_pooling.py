"""Fractional max pooling: its borders, its regions by plain loops, its way back, TensorFlow's own pooling."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.numerics.gradcheck import numerical_gradient, relative_error
from helpers.numerics.pooling import (
    even_borders,
    fractional_max_pool_backward,
    fractional_max_pool_forward,
    pool_regions,
    random_borders,
)


@settings(max_examples=60)
@given(inputs=st.integers(1, 60), data=st.data())
def test_borders_step_by_one_or_two_from_end_to_end(inputs, data):
    outputs = data.draw(st.integers(-(-inputs // 2), inputs))
    for borders in (
        random_borders(inputs, outputs, rng=np.random.default_rng(4)),
        even_borders(inputs, outputs),
    ):
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
    out, cache = fractional_max_pool_forward(rng.random((2, 6, 6)).astype(dtype), 4, rng=rng)
    assert {out.dtype, fractional_max_pool_backward(out, cache).dtype} == {np.dtype(dtype)}
