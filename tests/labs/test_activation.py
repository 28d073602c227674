"""The activation lab, against exact integrals and the slopes of the curves that it draws."""

import numpy as np
import pytest

from helpers import labs
from helpers.numerics.activations import ACTIVATIONS, PARAMETERS, leaky_relu
from helpers.numerics.theory import expectation
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def single():
    return labs.activation_lab()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_point_and_tangent_lie_on_the_curve(single, name):
    single.set(activation=name, compare="none", z=-0.7, parameter=0.3, spread=1)
    f = single.curves[2]
    value = float(np.interp(-0.7, *f.get_data()))
    assert single.numbers["f"] == pytest.approx(value, abs=1e-3)
    assert single.point.get_xydata()[0] == pytest.approx([-0.7, value], abs=1e-3)
    (x0, x1), (y0, y1) = single.tangent.get_data()
    assert (y1 - y0) / (x1 - x0) == pytest.approx(single.numbers["slope"], abs=1e-9)
    assert float(np.interp(-0.7, *single.curves[3].get_data())) == pytest.approx(
        single.numbers["slope"], abs=2e-3
    )


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
    z, f = single.curves[2].get_data()
    assert np.allclose(f, leaky_relu(z, 0.5))
    assert single.curves[0].get_ydata().min() == pytest.approx(0.5 * np.expm1(-6))
    assert "slope and α = 0.5" in single.facts[1].get_text()


def test_shading_covers_where_the_slope_is_small(single):
    single.set(activation="tanh", compare="none")
    left, right = ((s.get_x(), s.get_x() + s.get_width()) for s in single.shades)
    edge = np.arccosh(np.sqrt(20))  # 1 / cosh² = 1 / 20
    assert left == pytest.approx((-6, -edge), abs=0.03)
    assert right == pytest.approx((edge, 6), abs=0.03)
    single.set(activation="linear")
    assert all(s.get_width() == 0 for s in single.shades)


def test_dead_side_is_told_in_words(single):
    single.set(activation="relu", z=-1)
    assert "exactly 0" in single._message.get_text()
    single.set(z=1)
    assert single._message.get_text() == ""
    single.set(activation="sigmoid", z=6)
    assert "hardly any gradient" in single._message.get_text()


def test_every_control_moves_the_picture():
    assert idle_controls(labs.activation_lab()) == []
