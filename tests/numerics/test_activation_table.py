"""The table of activations: its averages against a sample, sorting, text form, costs."""

import numpy as np
import pytest

from helpers.numerics import activation_table
from helpers.numerics.activations import ACTIVATIONS


def test_averages_agree_with_a_large_sample():
    z = np.random.default_rng(0).standard_normal(1_000_000)
    for name, entry in ACTIVATIONS.items():
        row = activation_table.properties(name)
        assert row.mean == pytest.approx(entry.f(z).mean(), abs=5e-3)
        assert row.std == pytest.approx(entry.f(z).std(), abs=5e-3)
        assert row.slope_square == pytest.approx((entry.df(z) ** 2).mean(), abs=5e-3)


def test_selu_stands_at_its_fixed_point():
    row = activation_table.properties("selu")
    assert (row.mean, row.std) == pytest.approx((0, 1), abs=1e-9)
    assert row.slope_square == pytest.approx(1.0715749925, abs=1e-9)


@pytest.mark.parametrize("column", [name for name in activation_table.HEADINGS if name != "cost"])
def test_every_column_sorts_both_ways(column):
    up = activation_table.properties_table(column).column(column)
    down = activation_table.properties_table(column, descending=True).column(column)
    key = (lambda v: v.casefold()) if isinstance(up[0], str) else (lambda v: v)
    assert up == sorted(up, key=key)
    assert down == sorted(up, key=key, reverse=True)
    assert len(up) == len(ACTIVATIONS)


def test_the_text_form_is_aligned_and_complete():
    lines = repr(activation_table.properties_table("mean")).splitlines()
    assert len(lines) == len(ACTIVATIONS) + 1
    start = lines[0].index("centered")
    assert all(line[start:].startswith(("yes", "no")) for line in lines[1:])
    assert "−∞ … ∞" in repr(activation_table.properties_table())


def test_costs_are_a_column_when_given():
    table = activation_table.properties_table("cost", costs=dict.fromkeys(ACTIVATIONS, 1.0) | {"mish": 9.0})
    assert table.column("activation")[-1] == "Mish"
    assert "9.000" in repr(table)


@pytest.mark.parametrize("wrong", [{"sort_by": "beauty"}, {"columns": ("beauty",)}, {"sort_by": "cost"}])
def test_unknown_columns_are_refused(wrong):
    with pytest.raises(ValueError, match=r"beauty|relative_costs"):
        activation_table.properties_table(**wrong)


def test_costs_are_relative_to_relu():
    costs = activation_table.relative_costs(("relu", "mish"), shape=(200, 100), rounds=3)
    assert costs["relu"] == 1
    assert costs["mish"] > 0
