"""Several seeds: median, range, and the interval of paired differences."""

import numpy as np
import pytest
from scipy import stats

from helpers.numerics.over_seeds import median_and_range, paired_difference, spread


def test_the_spread_is_taken_over_the_rows():
    low, middle, high = spread([[1, 9], [4, 8], [2, 7]])
    assert (low.tolist(), middle.tolist(), high.tolist()) == ([1, 7], [2, 8], [4, 9])


def test_median_and_range_as_a_table_tells_them():
    assert median_and_range(np.array([0.3, 0.1, 0.25])) == ("0.25", "0.10 to 0.30")
    assert median_and_range(np.array([0.1234, 0.1]), 3) == ("0.112", "0.100 to 0.123")
    assert median_and_range(np.array([0.3, np.inf])) == ("overflow", "overflow")


def test_the_interval_is_scipys(rng):
    a, b = rng.normal(size=7), rng.normal(size=7)
    expected = stats.ttest_rel(a, b).confidence_interval(0.95)
    found = paired_difference(a, b)
    assert found.mean == pytest.approx((a - b).mean())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    several = stats.ttest_rel(a, b).confidence_interval(1 - 0.05 / 6)
    assert paired_difference(a, b, comparisons=6)[1:] == pytest.approx((several.low, several.high))


def test_what_is_paired_is_told_apart_where_the_seeds_differ_more():
    """Seeds differ by 1, the contenders by 0.1 on every seed: only the pairs show it."""
    b = np.arange(5.0)
    a = b + 0.1 + 0.01 * np.array([1, -1, 0, 1, -1])
    assert paired_difference(a, b).tells_apart
    assert not paired_difference(a, b[::-1]).tells_apart
    assert not paired_difference(b, b).tells_apart


def test_the_interval_covers_the_truth_as_often_as_it_says(rng):
    inside = 0
    for _ in range(1000):
        found = paired_difference(0.3 + rng.normal(size=5), np.zeros(5))
        inside += found.low <= 0.3 <= found.high
    assert 930 <= inside <= 970


def test_what_cannot_be_compared_is_told():
    assert np.isnan(paired_difference([1, np.inf], [1, 2])).all()
    with pytest.raises(ValueError, match=r"\(3,\) and \(2,\)"):
        paired_difference([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="two at least"):
        paired_difference([1], [2])
    with pytest.raises(ValueError, match="got 0"):
        paired_difference([1, 2], [2, 3], comparisons=0)
