"""The table of facts: formulas against code, sorting, costs; and activations with a chosen parameter."""

import re

import numpy as np
import pytest
from scipy.special import ndtr

from helpers.numerics import activation_table
from helpers.numerics.activations import (
    ACTIVATIONS,
    PRELU_START_SLOPE,
    SELU_ALPHA,
    SELU_SCALE,
    sigmoid,
    softplus,
    with_parameter,
)
from helpers.numerics.gradcheck import numerical_gradient

NAMES = {
    "exp": np.exp,
    "ln": np.log,
    "tanh": np.tanh,
    "max": max,
    "softplus": softplus,
    "σ": sigmoid,
    "Φ": ndtr,
}
NAMES |= {
    "φ": lambda z: np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi),
    "a": PRELU_START_SLOPE,
    "λ": SELU_SCALE,
    "α": SELU_ALPHA,
}


def compute(formula, z, f=None):
    """What a formula of the table gives at z, read as Python."""
    formula = formula.replace("·", "*").replace("²", "**2")
    formula = re.sub(r" with s = .*", "", formula)
    return eval(formula, {}, NAMES | {"z": z, "s": softplus(z), "f": f})


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_formulas_say_what_the_code_does(name):
    value, derivative = activation_table.FORMULAS[name]
    for z in (-3.0, -0.4, 0.3, 2.5):
        f = compute(value, z)
        assert f == pytest.approx(float(ACTIVATIONS[name].f(np.array(z))), rel=1e-12)
        assert compute(derivative, z, f) == pytest.approx(float(ACTIVATIONS[name].df(np.array(z))), rel=1e-10)


def test_averages_agree_with_a_large_sample():
    z = np.random.default_rng(0).standard_normal(1_000_000)
    for name, entry in ACTIVATIONS.items():
        row = activation_table.facts_of(name)
        assert row.mean == pytest.approx(entry.f(z).mean(), abs=5e-3)
        assert row.std == pytest.approx(entry.f(z).std(), abs=5e-3)
        assert row.slope_square == pytest.approx((entry.df(z) ** 2).mean(), abs=5e-3)


def test_selu_stands_at_its_fixed_point():
    row = activation_table.facts_of("selu")
    assert (row.mean, row.std) == pytest.approx((0, 1), abs=1e-9)
    assert row.slope_square == pytest.approx(1.0715749925, abs=1e-9)


@pytest.mark.parametrize("column", [name for name in activation_table.HEADINGS if name != "cost"])
def test_every_column_sorts_both_ways(column):
    up = activation_table.fact_table(column).column(column)
    down = activation_table.fact_table(column, descending=True).column(column)
    key = (lambda v: v.casefold()) if isinstance(up[0], str) else (lambda v: v)
    assert up == sorted(up, key=key)
    assert down == sorted(up, key=key, reverse=True)
    assert len(up) == len(ACTIVATIONS)


def test_the_text_form_is_aligned_and_complete():
    lines = repr(activation_table.fact_table("mean")).splitlines()
    assert len(lines) == len(ACTIVATIONS) + 2
    start = lines[0].index("centred")
    assert all(line[start:].startswith(("yes", "no")) for line in lines[2:])
    assert "−∞ … ∞" in repr(activation_table.fact_table())


def test_costs_are_a_column_when_given():
    table = activation_table.fact_table("cost", costs=dict.fromkeys(ACTIVATIONS, 1.0) | {"mish": 9.0})
    assert table.column("activation")[-1] == "Mish"
    assert "9.000" in repr(table)


@pytest.mark.parametrize("wrong", [{"sort_by": "beauty"}, {"columns": ("beauty",)}, {"sort_by": "cost"}])
def test_unknown_columns_are_refused(wrong):
    with pytest.raises(ValueError, match=r"beauty|relative_costs"):
        activation_table.fact_table(**wrong)


def test_costs_are_relative_to_relu():
    costs = activation_table.relative_costs(("relu", "mish"), shape=(200, 100), rounds=3)
    assert costs["relu"] == 1
    assert costs["mish"] > 0


@pytest.mark.parametrize("name", ["leaky_relu", "prelu", "elu"])
@pytest.mark.parametrize("value", [0.0, 0.2, 1.0, 1.7])
def test_a_chosen_parameter_goes_into_value_and_slope(name, value):
    entry = with_parameter(name, value)
    z = np.array([-2.0, -0.3, 0.7])
    slope = [float(numerical_gradient(lambda t: float(entry.f(t)), np.array(point))) for point in z]
    assert entry.df(z) == pytest.approx(slope, abs=1e-8)
    below = value * z[0] if name != "elu" else value * np.expm1(z[0])
    assert entry.f(z)[0] == pytest.approx(below)
    assert entry.can_die == (value == 0)
    low = -value if name == "elu" else (-np.inf if value else 0)
    assert entry.limits == (low, np.inf)


def test_with_parameter_refuses_what_it_can_t_do():
    with pytest.raises(ValueError, match="tanh"):
        with_parameter("tanh", 0.1)
    for value in (-0.1, 11, float("nan")):
        with pytest.raises(ValueError, match="0 … 10"):
            with_parameter("elu", value)
