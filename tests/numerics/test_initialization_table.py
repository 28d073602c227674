"""The table of initializations: computed from the activations' formulas, checked against drawn networks."""

import numpy as np
import pytest

from helpers.numerics import initialization_table as it
from helpers.numerics.activations import ACTIVATIONS


@pytest.mark.parametrize(("name", "asked"), [("relu", 2), ("linear", 1), ("selu", 1), ("silu", 2.811)])
def test_what_the_signal_asks_for(name, asked):
    assert it.asked_by_signal(name) == pytest.approx(asked, rel=1e-3)


@pytest.mark.parametrize(("name", "asked"), [("relu", 2), ("linear", 1), ("sigmoid", 22.3), ("silu", 2.635)])
def test_what_the_gradient_asks_for(name, asked):
    assert it.asked_by_gradient(name) == pytest.approx(asked, rel=1e-3)


@pytest.mark.parametrize("name", ["tanh", "gelu", "mish", "softplus"])
def test_both_against_samples(name):
    z = np.random.default_rng(0).standard_normal(1_000_000)
    entry = ACTIVATIONS[name]
    assert it.asked_by_signal(name) == pytest.approx(1 / np.mean(entry.f(z) ** 2), rel=0.01)
    assert it.asked_by_gradient(name) == pytest.approx(1 / np.mean(entry.df(z) ** 2), rel=0.01)


def test_the_std_in_layer_ten_is_what_wide_networks_have():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((20, 800))
    silu = ACTIVATIONS["silu"].f
    for _ in range(it.STEPS):
        z = silu(z) @ (rng.standard_normal((800, 800)) * np.sqrt(2 / 800))
    assert it.std_after("silu", 2) == pytest.approx(z.std(), rel=0.1)
    assert it.std_after("relu", 2) == pytest.approx(1)


def test_the_usual_scales():
    assert [it.usual_scale(name) for name in ("relu", "tanh", "selu")] == pytest.approx([2, 1, 1])


def test_the_table_has_a_row_for_every_activation_and_softmax():
    lines = str(it.initialization_table()).splitlines()
    assert len(lines) == 1 + len(ACTIVATIONS) + 1
    assert "output layer only" in lines[-1]
    (silu,) = [line for line in lines if line.startswith("SiLU")]
    last = f"{it.std_after('silu', 2):.2f}"
    assert silu.split()[1:] == ["2.81", "2.64", "He", "2.00", "0.71", "0.76", last]
