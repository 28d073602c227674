"""The activation lab, against exact integrals and the slopes of the curves that it draws."""

import numpy as np
import pytest
from scipy.special import ndtri

from helpers import labs
from helpers.numerics.activations import ACTIVATIONS, PARAMETERS, leaky_relu
from helpers.numerics.theory import expectation
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def single():
    return labs.activation_lab()


def curves(lab):
    """Return the large panel's marks by their labels; the two points by their looks."""
    marks = lab.frame.panel("f (solid)").marks
    return {mark.label or mark.look: mark for mark in marks}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_point_and_tangent_lie_on_the_curve(single, name):
    single.set(activation=name, compare="none", z=-0.7, parameter=0.3, spread=1)
    marks, label = curves(single), ACTIVATIONS[name].label
    value, slope = (
        float(np.interp(-0.7, mark.x, mark.y)) for mark in (marks[label], marks[f"{label}, slope"])
    )
    assert single.numbers["f"] == pytest.approx(value, abs=1e-3)
    assert single.numbers["slope"] == pytest.approx(slope, abs=2e-3)
    for look, height in (("value point", value), ("slope point", slope)):
        assert (*marks[look].x, *marks[look].y) == pytest.approx((-0.7, height), abs=2e-3)
    (x0, x1), (y0, y1) = marks["tangent"].x, marks["tangent"].y
    assert (y1 - y0) / (x1 - x0) == pytest.approx(single.numbers["slope"], abs=1e-9)
    assert np.interp(-0.7, (x0, x1), (y0, y1)) == pytest.approx(single.numbers["f"], abs=1e-9)


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - set(PARAMETERS)))
@pytest.mark.parametrize("spread", [0.1, 1, 3])
def test_mean_and_std_agree_with_the_exact_averages(single, name, spread):
    single.set(activation=name, spread=spread)
    f = ACTIVATIONS[name].f
    mean = expectation(f, spread**2)
    std = np.sqrt(expectation(lambda z: (f(z) - mean) ** 2, spread**2))
    assert single.numbers["mean"] == pytest.approx(mean, abs=2e-3 * spread)
    assert single.numbers["std"] == pytest.approx(std, abs=2e-3 * spread)


def test_parameter_bends_both_curves(single):
    single.set(activation="leaky_relu", compare="elu", parameter=0.5)
    marks = curves(single)
    f = marks["Leaky ReLU"]
    assert np.allclose(f.y, leaky_relu(f.x, 0.5))
    assert marks["ELU"].y.min() == pytest.approx(0.5 * np.expm1(-6))
    assert [words[-1] for words in table(single)[1:]] == ["slope = 0.5", "α = 0.5"]


def table(lab):
    """Return the columns of the table of facts."""
    (panel,) = (panel for panel in lab.frame.panels if panel.bare)
    return [mark.words for mark in panel.marks]


def test_facts_are_told_of_both(single):
    single.set(activation="tanh", compare="relu", parameter=0.5)
    names, first, second = table(single)
    assert names == ("", "range", "odd", "saturates", "can die", "parameter")
    assert first == ("tanh", "−1 to 1", "yes", "both sides", "no", "none")
    assert second == ("ReLU", "0 to ∞", "no", "left", "yes", "none")
    single.set(compare="none")
    assert not any(panel.bare for panel in single.frame.panels)


def test_at_first_there_is_the_sigmoid_alone():
    lab = labs.activation_lab()
    assert [mark.label for mark in lab.frame.panel("output").marks] == ["sigmoid, output"]
    assert not any(panel.bare for panel in lab.frame.panels)
    assert lab.widgets["parameter"].layout.display == "none"
    lab.set(compare="elu")
    assert lab.widgets["parameter"].layout.display == "flex"
    lab.set(compare="tanh")
    assert lab.widgets["parameter"].layout.display == "none"
    lab.close()
    lab.refresh()


@pytest.mark.parametrize("name", ["sigmoid", "relu", "linear"])
def test_bars_are_the_shares_of_the_outputs(single, name):
    single.set(activation=name, compare="elu", spread=1.5)
    panel, entry = single.frame.panel("output f(z)"), ACTIVATIONS[name]
    assert [mark.label for mark in panel.marks] == [f"{entry.label}, output", "ELU, output"]
    heights = panel.marks[0].heights
    f = entry.f(1.5 * ndtri((np.arange(4000) + 0.5) / 4000))
    shares, _ = np.histogram(np.clip(f, -3, 3), 60, (-3, 3))
    cut = heights >= 1.1  # a lone bar runs out of the panel
    assert np.allclose(heights[~cut] * shares[~cut].max() / heights[~cut].max(), shares[~cut])
    assert shares[cut].sum() == 0 or shares[cut].min() > shares[~cut].max()


def test_shading_covers_where_the_slope_is_small(single):
    single.set(activation="tanh", compare="none")
    shades = curves(single)["slope below 1/20 of its largest"]
    left, right = zip(shades.left, shades.right, strict=True)
    edge = np.arccosh(np.sqrt(20))  # 1 / cosh² = 1 / 20
    assert left == pytest.approx((-6, -edge), abs=0.03)
    assert right == pytest.approx((edge, 6), abs=0.03)
    single.set(activation="linear")
    assert curves(single)["slope below 1/20 of its largest"].left.size == 0


def test_dead_side_is_told_in_words(single):
    single.set(activation="relu", z=-1)
    assert "exactly 0" in single.frame.words
    single.set(z=1)
    assert single.frame.words == ""
    single.set(activation="sigmoid", z=6)
    assert "hardly any gradient" in single.frame.words


def test_every_control_moves_the_picture():
    assert idle_controls(labs.activation_lab(compare="elu")) == []
