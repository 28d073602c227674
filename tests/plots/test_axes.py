"""Axes: limits that hold the values, tick labels in plain text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.plots import axes


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(-10, 0), st.floats(0.1, 10), st.floats(0.1, 5))
def test_limits_hold_every_value(values, low, width, smallest):
    values = np.array([*values, np.nan, np.inf])
    limits = axes.fitting_limits(values, (low, low + width), smallest)
    finite = values[np.isfinite(values)]
    assert limits[0] <= finite.min() <= finite.max() <= limits[1]
    assert axes.fitting_limits(values, limits, smallest) == limits  # a second look changes nothing


def test_limits_without_a_finite_value_stay():
    assert axes.fitting_limits(np.array([np.nan, np.inf]), (-1, 4), 1) == (-1, 4)


def test_limits_follow_when_the_values_have_shrunk():
    low, high = axes.fitting_limits(np.array([0.0, 1.0]), (0.0, 1000.0), 0.2)
    assert high - low < 3


@pytest.mark.parametrize(
    ("exponent", "told"),
    [
        (0, "1"),
        (-2, "0.01"),
        (3, "1000"),
        (-7, "1e-7"),
        (12, "1e12"),
        (-400, "1e-400"),
        (400, "1e400"),
        (0.5, ""),
    ],
)
def test_powers_of_ten_in_plain_text(exponent, told):
    assert axes.power_of_ten(exponent) == told
