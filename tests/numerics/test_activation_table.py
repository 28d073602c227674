"""The table of activations: its averages against a sample, ranges by closed form, costs."""

import numpy as np
import pytest

from helpers.numerics import activation_table
from helpers.numerics.activation_table import COMPARED, properties, told


def test_averages_agree_with_a_large_sample():
    z = np.random.default_rng(0).standard_normal(1_000_000)
    for name, entry in COMPARED.items():
        row = properties(name)
        assert row["mean of f"] == pytest.approx(entry.f(z).mean(), abs=5e-3)
        assert row["E[f'²]"] == pytest.approx((entry.df(z) ** 2).mean(), abs=5e-3)


def test_selu_is_centered_at_its_fixed_point_and_tanh_everywhere():
    row = properties("selu")
    assert row["mean of f"] == pytest.approx(0, abs=1e-9)
    assert row["E[f'²]"] == pytest.approx(1.0715749925, abs=1e-9)
    centered = {name for name in COMPARED if properties(name)["zero-centered"] == "yes"}
    assert centered == {"tanh", "selu", "linear"}


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("sigmoid", 0, 0.25),
        ("tanh", 0, 1),
        ("relu", 0, 1),
        ("leaky_relu", 0.01, 1),
        ("selu", 0, 1.758099),
        ("gelu", -0.128904, 1.128904),  # at z = ∓√2
        ("linear", 1, 1),
    ],
)
def test_ranges_of_slopes(name, low, high):
    assert properties(name)["f'(z)"] == pytest.approx((low, high), abs=2e-6)


def test_values_are_told_with_a_true_minus():
    assert told((-np.inf, -0.5)) == "−∞ … −0.5"
    assert told(-0.25) == "−0.250"
    assert told(None) == "–"
    assert told("left") == "left"


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="beauty"):
        properties("beauty")


def test_costs_are_relative_to_relu():
    costs = activation_table.relative_costs(("relu", "mish"), shape=(200, 100), rounds=3)
    assert costs["relu"] == 1
    assert costs["mish"] > 0


def test_each_activation_is_timed_with_its_own_function(monkeypatch):
    seen = []
    for name in ("relu", "elu"):
        entry = COMPARED[name]
        spied = lambda z, entry=entry: seen.append(entry.name) or entry.f(z)  # noqa: E731
        fake = type(entry)(**{**entry.__dict__, "f": spied})
        monkeypatch.setitem(activation_table.COMPARED, name, fake)
    activation_table.relative_costs(("relu", "elu"), shape=(2, 2), rounds=2)
    assert seen == ["relu", "elu"] * 2
