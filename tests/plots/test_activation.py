"""Pictures of activations: what is drawn is what was given."""

import numpy as np
import pytest

from helpers.numerics.activations import ACTIVATIONS
from helpers.plots import activation
from helpers.plots.frame import Axis


def test_cards_draw_value_and_slope_of_each():
    picture = activation.activation_cards(ACTIVATIONS)
    assert [axes.get_title() for axes in picture.axes] == [entry.label for entry in ACTIVATIONS.values()]
    assert len({axes.get_ylim() for axes in picture.axes}) == 1
    for axes, entry in zip(picture.axes, ACTIVATIONS.values(), strict=True):
        _zero, value, slope = axes.lines
        z = value.get_xdata()
        assert (z[0], z[-1]) == (-5, 5)
        assert np.allclose(value.get_ydata(), entry.f(z))
        assert np.allclose(slope.get_ydata(), entry.df(z))
    assert picture._repr_png_()[:4] == b"\x89PNG"


def test_spare_places_stay_empty_and_unknown_names_are_refused():
    assert len(activation.activation_cards(list(ACTIVATIONS)[:5]).axes) == 5
    with pytest.raises(ValueError, match="swoosh"):
        activation.activation_cards(["swoosh"])


def test_slopes_are_drawn_without_names():
    picture = activation.unnamed_slopes({"A": "tanh", "B": "relu"})
    assert [axes.get_title() for axes in picture.axes] == ["A", "B"]
    for axes, name in zip(picture.axes, ("tanh", "relu"), strict=True):
        slope = axes.lines[-1]
        assert np.allclose(slope.get_ydata(), ACTIVATIONS[name].df(slope.get_xdata()))
    assert "tanh" not in picture.alt.casefold()


Z = np.linspace(-6, 6, 1201)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relu", [(-6, 0)]),
        ("linear", []),
        ("prelu", []),
        ("elu", [(-6, -np.log(20))]),
        ("tanh", [(-6, -np.arccosh(20**0.5)), (np.arccosh(20**0.5), 6)]),
    ],
)
def test_saturated_intervals(name, expected):
    spans = activation.saturated_intervals(name, Z)
    assert np.allclose(np.array(spans).reshape(-1), np.array(expected).reshape(-1), atol=0.02)


def test_a_dip_in_the_middle_is_no_saturation():
    (span,) = activation.saturated_intervals("silu", Z)
    assert span[1] < -2  # the lowest point, where the slope is 0 as well, lies at −1.28


def test_shades_are_as_high_as_the_axis():
    shades, zero = activation.shaded(ACTIVATIONS["tanh"], Z, Axis(-2, 3))
    intervals = activation.saturated_intervals("tanh", Z)
    assert list(zip(shades.left, shades.right, strict=True)) == intervals
    assert (set(shades.bottom), set(shades.top)) == ({-2}, {3})
    assert (*zero.x, *zero.y) == (-6, 6, 0, 0)
    none, _ = activation.shaded(ACTIVATIONS["linear"], Z, Axis(-2, 3))
    assert none.left.size == 0


def test_all_flat_is_one_interval():
    assert activation.saturated_intervals("relu", np.linspace(-5, -1, 9)) == [(-5, -1)]


def test_cost_bars_are_sorted_with_the_cheapest_on_top():
    axes = activation.cost_bars({"dear": 9.0, "cheap": 0.5, "fair": 1.0}).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["dear", "fair", "cheap"]
    assert [bar.get_width() for bar in axes.patches] == [9.0, 1.0, 0.5]


def test_maxout_fits_draw_the_upper_envelope():
    x = np.linspace(-1, 1, 5)
    lines = np.column_stack([x, -x])
    axes = activation.maxout_fits(x, x**2, {2: lines}).axes[0]
    assert np.allclose(axes.lines[-1].get_ydata(), np.abs(x))
    assert np.allclose(axes.lines[0].get_ydata(), x**2)
