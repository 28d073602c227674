"""The labs of lesson 03: what they draw and read out, compared with numbers computed here."""

from itertools import product

import numpy as np
import pytest

from helpers.labs import activation_lab, dead_relu_lab, selu_map_lab
from helpers.labs.dead_relu import STEPS, UNITS, small_images, train_small
from helpers.labs.selu_map import ARROW, LAYERS, balanced_weights, measured_path, predicted_path, short_arrows
from helpers.numerics.activations import ACTIVATIONS, PARAMETERS, leaky_relu
from helpers.numerics.theory import expectation

# --- activation_lab ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def single():
    return activation_lab()


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


# --- selu_map_lab ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def flow():
    return selu_map_lab()


@pytest.mark.parametrize("start", list(product((-1, 0, 1), (0, 0.5, 3))))
def test_every_start_comes_to_rest_at_0_1(start):
    path = predicted_path("selu", *start, 0.0, 1.0, 120)
    assert path[0] == pytest.approx(start)
    wanted = (0, 0) if start[1] == 0 else (0, 1)
    assert path[-1] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("omega", "tau"), [(0.0, 1.0), (0.5, 0.8), (-1.0, 2.0)])
def test_weights_have_the_sums_they_should(omega, tau):
    unit = balanced_weights(50)
    W = np.sqrt(tau - omega**2 / 50) * unit + omega / 50
    assert np.allclose(W.sum(axis=1), omega, atol=1e-4)
    assert np.allclose((W**2).sum(axis=1), tau, rtol=1e-4)


@pytest.mark.parametrize("name", ["selu", "tanh", "relu", "sigmoid"])
def test_a_wide_random_network_follows_the_prediction(name):
    predicted = predicted_path(name, 0.5, 1.5, 0.3, 1.0, LAYERS)
    measured = measured_path(name, 0.5, 1.5, 0.3, 1.0, balanced_weights(200))
    assert np.abs(measured[:6] - predicted[:6]).max() < 0.12


def test_dots_and_dashes_are_what_is_read_out(flow):
    flow.set(activation="selu", mean=-0.4, variance=0.5, omega=0, tau=1, width=100)
    assert flow.predicted.get_xydata()[0] == pytest.approx([-0.4, 0.5])
    assert flow.predicted.get_xydata()[-1] == pytest.approx(
        [flow.numbers["predicted_mean"], flow.numbers["predicted_variance"]]
    )
    assert flow.measured.get_xydata()[-1] == pytest.approx(
        [flow.numbers["measured_mean"], flow.numbers["measured_variance"]]
    )
    assert flow.rest.get_xydata()[0] == pytest.approx([0, 1], abs=1e-2)


def test_no_arrow_at_the_fixed_point_and_none_too_long(flow):
    flow.set(activation="selu", omega=0, tau=1)
    lengths = np.hypot(flow.arrows.U, flow.arrows.V)
    here = np.argmin(np.hypot(flow.grid[0], flow.grid[1] - 1))
    assert lengths[here] < 1e-9
    assert 0.05 < lengths.max() <= ARROW
    assert np.hypot(*short_arrows(np.array([1e300, 0.0]), np.array([0.0, 0.0]))) == pytest.approx([ARROW, 0])


def test_impossible_weights_are_told_in_words(flow):
    flow.set(omega=2, tau=0.05, width=5)
    assert "no 5 weights" in flow._message.get_text()
    assert "measured_mean" not in flow.numbers
    flow.set(omega=0, tau=4, width=50)
    assert "leaves the picture" in flow._message.get_text() or "Overflow" in flow._message.get_text()


# --- dead_relu_lab -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dead():
    return dead_relu_lab()


def test_small_images_are_means_of_blocks():
    x, y = small_images()
    assert x.shape == (200, 49)
    assert (x.mean(), x.std()) == pytest.approx((0, 1), abs=1e-9)
    assert set(y) <= set(range(10))


def test_rate_0_changes_nothing(dead):
    dead.set(rate=0, bias=0, slope=0.01, seed=3)
    for lines in dead.lines.values():
        assert np.ptp(lines[0].get_ydata()) == 0
        assert np.ptp(lines[1].get_ydata()) == 0


def test_a_silent_relu_unit_stays_silent():
    x, y = small_images()
    for rate, seed in product((0.5, 2, 10), range(3)):
        assert (np.diff(train_small("relu", x, y, rate, -2.0, seed).silent) >= 0).all()


def test_higher_rates_and_lower_biases_silence_more(dead):
    shares = []
    for rate, bias in ((0.1, 0), (10, 0), (0.1, -10)):
        dead.set(rate=rate, bias=bias, slope=0.01, seed=0)
        shares.append(dead.numbers["silent_relu"])
    assert shares[0] < 0.1 < 0.5 < shares[1]
    assert shares[2] == 1
    assert "All ReLU units are dead" in dead._message.get_text()


def test_leaky_units_come_back_where_relu_s_do_not(dead):
    dead.set(rate=1, bias=-5, slope=0.3, seed=0)
    assert dead.numbers["silent_relu"] > 0.9
    assert dead.numbers["silent_leaky"] < 0.2
    assert dead.numbers["loss_leaky"] < dead.numbers["loss_relu"]


def test_overflow_is_told_in_words(dead):
    dead.set(rate=100, bias=2, slope=1)
    assert "out of all bounds" in dead._message.get_text()
    assert dead.trouble is None


def test_drawn_units_are_sorted_and_cut_off(dead):
    dead.set(rate=3, bias=0, slope=0.01, seed=0)
    for lines in dead.lines.values():
        z = lines[2].get_ydata()
        assert len(z) == UNITS
        assert (np.diff(z) >= 0).all()
        assert np.abs(z).max() <= 10
        assert len(lines[0].get_ydata()) == STEPS + 1


# --- extremes and small moves ------------------------------------------------------------------------------


def values_of(widget):
    if hasattr(widget, "options"):
        options = [option[1] if isinstance(option, tuple) else option for option in widget.options]
        return [options[0], options[-1]]
    return [widget.min, widget.max]


@pytest.mark.parametrize("make", [activation_lab, selu_map_lab, dead_relu_lab])
def test_all_extremes_together_never_raise_nor_go_blank(make):
    lab = make()
    for values in product(*(values_of(widget) for widget in lab.widgets.values())):
        lab.set(**dict(zip(lab.widgets, values, strict=True)))
        assert lab.trouble is None, values
        assert len(set(lab.image.value)) > 50


@pytest.mark.parametrize("make", [activation_lab, selu_map_lab, dead_relu_lab])
def test_every_control_moves_the_picture(make):
    for name in make().widgets:
        lab = make()
        before, widget = lab.image.value, lab.widgets[name]
        if hasattr(widget, "options"):
            widget.index = widget.index + 1 if widget.index + 1 < len(widget.options) else widget.index - 1
        else:
            widget.value = (
                min(widget.max, widget.value + widget.step) if widget.value < widget.max else widget.min
            )
        assert lab.image.value != before, name
        lab.close()
