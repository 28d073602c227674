"""The measures: each by hand, at every scale."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from helpers.numerics.activations import ACTIVATIONS
from helpers.signals import measures
from helpers.signals.measures import (
    BINS,
    batch_norm_signal,
    histogram,
    histogram_range,
    mean_and_std,
    norm,
    share_saturated,
    shares_equal,
    shares_off_and_on,
    some_places,
)


def test_unit_off_on_some_examples_only_is_not_dead():
    slope = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    assert shares_off_and_on(slope) == pytest.approx((1 / 3, 1 / 3))


def test_units_off_and_on():
    slope = np.array([[0.0, 0.0, 1.0, 0.5], [0.0, 1.0, 1.0, 0.0]])
    assert shares_off_and_on(slope) == (0.25, 0.25)
    assert shares_off_and_on(slope, both=False) == (0.25, 0)


def test_units_that_are_equal():
    rng = np.random.default_rng(0)
    W, z, dz = (rng.standard_normal((9, 4)) for _ in range(3))
    assert shares_equal(W, z, dz) == (0, 0)
    for array in (W, z):
        array[:, 3] = array[:, 1]
    assert shares_equal(W, z, dz) == (0.5, 0)
    dz[:, 3] = dz[:, 1]
    assert shares_equal(W, z, dz) == (0.5, 0.5)
    dz[4, 3] = 0  # dropout switched it off
    assert shares_equal(W, z, dz) == (0.5, 0.5)
    assert shares_equal(0 * W, 0 * z, rng.standard_normal((9, 4))) == (0, 0)  # 0, but told apart from now on
    assert shares_equal(0 * W, 0 * z, 0 * dz) == (1, 1)
    assert shares_equal(W[:, :1], z[:, :1], dz[:, :1]) == (0, 0)


def test_what_a_batch_normalization_sees():
    x = np.array([[1.0, 5.0], [3.0, 5.0], [2.0, 8.0]])
    start = {"mean": np.zeros(2), "variance": np.ones(2), "eps": 0.0}
    seen = batch_norm_signal(x, **start, trained=False)
    spread = x.var(axis=0)
    assert (seen.count, seen.fresh) == (3, True)
    assert seen.shift == pytest.approx(np.median(x.mean(axis=0) / np.sqrt((spread + 1) / 2)))
    assert seen.stretch == pytest.approx(np.median(np.abs(np.log(spread))))
    assert not batch_norm_signal(x, **start, trained=True).fresh
    same = batch_norm_signal(x, mean=x.mean(axis=0), variance=spread, eps=0.0, trained=False)
    assert (same.shift, same.stretch, same.fresh) == (0, 0, False)


def test_batch_normalization_over_places_is_read_at_some_of_them(rng, monkeypatch):
    x = rng.normal(1.0, 2.0, size=(8, 40, 40, 3))
    start = {"mean": np.zeros(3), "variance": np.ones(3), "eps": 0.0, "trained": True}
    whole = batch_norm_signal(x, **start)
    monkeypatch.setattr(measures, "PLACES", 4000)
    some = batch_norm_signal(x, **start)
    assert whole.count == some.count == 8 * 40 * 40
    error = 2.0 / np.sqrt(8 * 10 * 10) / np.sqrt((4 + 1) / 2)  # of the mean over every fourth row and column
    assert 0 < abs(some.shift - whole.shift) < 3 * error


@pytest.mark.parametrize(
    ("shape", "kept"), [((8, 5), (8, 5)), ((8, 40, 40, 3), (8, 14, 14, 3)), ((2, 9, 3), (2, 9, 3))]
)
def test_some_places_keep_examples_and_channels(shape, kept, monkeypatch):
    monkeypatch.setattr(measures, "PLACES", 5000)
    a = np.arange(np.prod(shape), dtype=float).reshape(shape)
    seen = some_places(a)
    assert seen.shape == kept
    assert np.isin(seen, a).all()


def test_saturated_means_below_a_twentieth_of_the_largest_slope():
    slope = ACTIVATIONS["sigmoid"].df(np.array([[0.0, 4.3, 4.4, -4.4]]))  # σ' = 0.25 / 20 at |z| = 4.357
    assert share_saturated(slope, "sigmoid") == 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1.0), (0.0, 3.0), (-1.75, 3.0)])
@settings(max_examples=20)
@given(data=st.data())
def test_histogram_counts_what_numpy_counts(low, high, dtype, data):
    width = (high - low) / BINS
    places = data.draw(arrays(np.int64, 30, elements=st.integers(-20, BINS + 20)))
    inside = data.draw(
        arrays(np.float64, 30, elements=st.floats(0.01, 0.99))
    )  # off the edges, where rounding decides
    values = (low + (places + inside) * width).astype(dtype)
    result = histogram(values, low, high)
    wanted, edges = np.histogram(np.clip(values, low, high), BINS, (low, high))
    assert np.array_equal(result.counts, wanted)
    np.testing.assert_allclose(result.edges, edges)
    np.testing.assert_allclose(result.shares, wanted / 30)


def test_both_limits_belong_to_the_histogram():
    result = histogram(np.array([[-1.0, 1.0]]), -1.0, 1.0)
    assert (result.counts[0], result.counts[-1], result.counts.sum()) == (1, 1, 2)


def test_histogram_puts_infinities_at_the_ends_and_leaves_out_nan():
    result = histogram(np.array([-np.inf, np.inf, np.inf, np.nan, 0.01]), -1.0, 1.0)
    assert (result.counts[0], result.counts[-1], result.counts.sum()) == (1, 2, 4)
    assert result.shares.sum() == pytest.approx(1)
    assert histogram(np.full(3, np.nan), 0, 1).shares.sum() == 0


@pytest.mark.parametrize(
    ("name", "limits"), [("tanh", (-1, 1)), ("sigmoid", (0, 1)), ("relu", (0, 3)), ("linear", (-3, 3))]
)
def test_histogram_range_is_the_activations_own(name, limits):
    assert histogram_range(name) == limits
    assert all(isinstance(limit, float) for limit in histogram_range(name))


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_norm_neither_overflows_nor_vanishes(scale):
    assert norm(scale * np.array([[3.0, -4.0]])) == pytest.approx(5 * scale, rel=1e-14, abs=0)


def test_norm_of_the_smallest_float32_numbers():
    smallest = np.full(9, 1e-42, np.float32)
    assert norm(smallest) == pytest.approx(3e-42, rel=2e-3, abs=0)


def test_norm_of_what_is_not_finite():
    assert norm(np.zeros(3)) == 0
    assert norm(np.array([1.0, -np.inf])) == np.inf
    assert np.isnan(norm(np.array([1.0, np.nan, np.inf])))


@given(arrays(np.float32, (3, 4), elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_norm_and_spread_are_those_of_float64(values):
    exact = values.astype(np.float64)
    mean, std = mean_and_std(values)
    assert norm(values) == pytest.approx(np.linalg.norm(exact), rel=1e-5)
    assert mean == pytest.approx(exact.mean(), abs=1e-6 * np.abs(exact).max())
    assert std == pytest.approx(exact.std(), rel=1e-4, abs=1e-6 * np.abs(exact).max())


def test_small_spread_about_a_large_mean_keeps_its_digits():
    values = np.array([[1e6, 1e6 + 1]], np.float32)
    assert mean_and_std(values) == (1e6 + 0.5, 0.5)
    values = 1e8 + np.array([-1e-4, 1e-4])
    assert mean_and_std(values)[1] == pytest.approx(1e-4, rel=1e-3)
