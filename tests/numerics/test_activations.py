"""Every activation and its derivative: against Keras, closed forms, numerical derivatives, its own facts."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import integrate, optimize, special, stats

from helpers.numerics import activations as act
from helpers.numerics.activations import ACTIVATIONS, GELU_TANH, get_activation, reshaped
from helpers.numerics.gradcheck import numerical_gradient
from helpers.numerics.initializers import INITIALIZERS

NAMES = sorted(ACTIVATIONS)
GRID = np.concatenate([np.linspace(-30, 30, 4001), [-700.0, -100.0, 100.0, 700.0, 1e-8, -1e-8]])
GRID = GRID[GRID != 0]


@pytest.mark.parametrize("name", NAMES)
def test_value_and_derivative_are_those_of_keras(name, keras_twin, autodiff):
    twin, tolerance = keras_twin(name)
    z = GRID[None]  # one row: the PReLU layer wants (batch, features)
    value, gradient = autodiff(twin, z)
    np.testing.assert_allclose(ACTIVATIONS[name].f(z), value, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(ACTIVATIONS[name].df(z), gradient, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu"])
def test_choice_at_the_kink_is_that_of_keras(name, keras_twin, autodiff):
    value, gradient = autodiff(keras_twin(name)[0], np.zeros((1, 1)))
    assert ACTIVATIONS[name].f(np.zeros((1, 1))) == value
    assert ACTIVATIONS[name].df(np.zeros((1, 1))) == pytest.approx(gradient, rel=1e-6)


CLOSED_FORMS = {
    "sigmoid": (special.expit, lambda z: special.expit(z) * special.expit(-z)),
    "tanh": (
        lambda z: 2 * special.expit(2 * z) - 1,
        lambda z: 4 * special.expit(2 * z) * special.expit(-2 * z),
    ),
    "gelu": (lambda z: z * stats.norm.cdf(z), lambda z: stats.norm.cdf(z) + z * stats.norm.pdf(z)),
    "silu": (
        lambda z: z * special.expit(z),
        lambda z: special.expit(z) * (1 + z * special.expit(-z)),
    ),
    "softplus": (lambda z: -special.log_expit(-z), special.expit),
    "relu": (lambda z: (z + abs(z)) / 2, lambda z: (1 + np.sign(z)) / 2),
    "leaky_relu": (lambda z: 0.505 * z + 0.495 * abs(z), lambda z: 0.505 + 0.495 * np.sign(z)),
    "prelu": (lambda z: 0.625 * z + 0.375 * abs(z), lambda z: 0.625 + 0.375 * np.sign(z)),
    "elu": (
        lambda z: np.where(z > 0, z, special.expm1(np.minimum(z, 0))),
        lambda z: np.exp(np.minimum(z, 0)),
    ),
    "linear": (lambda z: z, lambda z: 1 + 0 * z),
}


@pytest.mark.parametrize("name", sorted(CLOSED_FORMS))
def test_value_and_derivative_are_the_closed_form(name):
    f, df = CLOSED_FORMS[name]
    np.testing.assert_allclose(ACTIVATIONS[name].f(GRID), f(GRID), rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(ACTIVATIONS[name].df(GRID), df(GRID), rtol=1e-10, atol=1e-13)


def test_sigmoid_derivative_keeps_its_digits_far_out():
    assert act.sigmoid_derivative(51.0) == pytest.approx(math.exp(-51), rel=1e-12, abs=0)  # 7e-23
    assert act.sigmoid_derivative(-51.0) == pytest.approx(math.exp(-51), rel=1e-12, abs=0)


@pytest.mark.parametrize("slope", [0.01, 0.2, 0.3, 1.0])
def test_leaky_relu_takes_any_slope(slope, keras, autodiff):
    z = np.linspace(-3, 3, 20)
    value, gradient = autodiff(lambda t: keras.activations.leaky_relu(t, negative_slope=slope), z)
    np.testing.assert_allclose(act.leaky_relu(z, slope), value, rtol=1e-6)
    np.testing.assert_allclose(act.leaky_relu_derivative(z, slope), gradient, rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.6732632423543772])
def test_elu_takes_any_alpha(alpha, keras, autodiff):
    z = np.linspace(-3, 3, 20)
    value, gradient = autodiff(lambda t: keras.activations.elu(t, alpha=alpha), z)
    np.testing.assert_allclose(act.elu(z, alpha), value, atol=1e-10)
    np.testing.assert_allclose(act.elu_derivative(z, alpha), gradient, atol=1e-10)


def test_selu_constants_are_the_published_ones():
    scale, alpha = act.selu_constants()
    assert scale == pytest.approx(1.0507009873554805, abs=1e-14)  # the digits in Keras
    assert alpha == pytest.approx(1.6732632423543772, abs=1e-14)


@pytest.mark.parametrize(("power", "wanted"), [(1, 0), (2, 1)])
def test_selu_keeps_mean_0_and_variance_1(power, wanted):
    def moment(z):
        return act.selu(z) ** power * stats.norm.pdf(z)

    sides = [integrate.quad(moment, *ends, epsabs=1e-13)[0] for ends in ((-12, 0), (0, 12))]
    assert sum(sides) == pytest.approx(wanted, abs=1e-12)


def test_prelu_slope_gradient_is_the_numerical_one(rng):
    z, dh = rng.normal(size=(6, 5)), rng.normal(size=(6, 5))
    numeric = numerical_gradient(lambda a: np.sum(dh * act.leaky_relu(z, float(a))), np.array(0.25))
    assert act.prelu_slope_gradient(z, dh) == pytest.approx(float(numeric), rel=1e-9)


def test_prelu_slope_gradient_is_that_of_the_keras_layer(keras, rng):
    import tensorflow as tf

    z, dh = rng.normal(size=(6, 5)), rng.normal(size=(6, 5))
    layer = keras.layers.PReLU(
        alpha_initializer=keras.initializers.Constant(0.25), shared_axes=[1], dtype="float64"
    )
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(dh * layer(tf.constant(z)))
    gradient = tape.gradient(loss, layer.trainable_variables[0].value).numpy()
    assert act.prelu_slope_gradient(z, dh) == pytest.approx(gradient.item(), rel=1e-10)


def test_prelu_slope_gradient_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3,\)"):
        act.prelu_slope_gradient(np.ones((2, 3)), np.ones(3))


def test_prelu_is_a_leaky_relu_with_the_starting_slope():
    assert ACTIVATIONS["prelu"].f(np.array([-2.0])) == -2 * act.PRELU_START_SLOPE


@pytest.mark.parametrize("pieces", [1, 2, 3, 6])
def test_maxout_is_the_plain_loop(pieces, rng):
    z = rng.normal(size=(4, 12))
    wanted = [[max(row[j : j + pieces]) for j in range(0, 12, pieces)] for row in z]
    assert np.array_equal(act.maxout(z, pieces), wanted)


@pytest.mark.parametrize("pieces", [1, 2, 3, 6])
def test_maxout_derivative_is_the_numerical_one(pieces, rng):
    z, dh = rng.normal(size=(3, 6)), rng.normal(size=(3, 6 // pieces))
    numeric = numerical_gradient(lambda t: np.sum(dh * act.maxout(t, pieces)), z)
    analytic = np.repeat(dh, pieces, axis=1) * act.maxout_derivative(z, pieces)
    np.testing.assert_allclose(analytic, numeric, atol=1e-9)


def test_maxout_gives_equal_pieces_one_winner():
    assert np.array_equal(act.maxout_derivative(np.array([[2.0, 2.0, 1.0]]), 3), [[1, 0, 0]])


def test_relu_and_leaky_relu_are_special_cases_of_maxout(rng):
    z = rng.normal(size=(20, 1))
    assert np.array_equal(act.maxout(np.hstack([z, 0 * z]), 2), act.relu(z))
    assert np.array_equal(act.maxout(np.hstack([z, 0.01 * z]), 2), act.leaky_relu(z))


@pytest.mark.parametrize("pieces", [0, -1, 4])
def test_maxout_refuses_uneven_groups(pieces):
    with pytest.raises(ValueError, match=f"6 pre-activations.*{pieces} pieces"):
        act.maxout(np.ones((2, 6)), pieces)


def test_unknown_activation_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'rleu'.*relu"):
        get_activation("rleu")


def test_an_activation_is_its_own_entry():
    assert get_activation(ACTIVATIONS["tanh"]) is get_activation("tanh")


# Properties that hold for every activation

finite_numbers = st.floats(-1e4, 1e4, width=32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
@given(z=arrays(np.float64, array_shapes(min_dims=1, max_dims=3, max_side=4), elements=finite_numbers))
def test_shape_and_type_are_kept_and_nothing_overflows(name, dtype, z):
    entry, z = ACTIVATIONS[name], z.astype(dtype)
    for result in (entry.f(z), entry.df(z)):
        assert result.shape == z.shape
        assert result.dtype == dtype
        assert np.isfinite(result).all()


@pytest.mark.parametrize("name", NAMES)
@given(z=st.floats(-40, 40).filter(lambda z: abs(z) > 1e-3))
def test_derivative_is_the_central_difference_away_from_the_kink(name, z):
    z, entry = np.array([z]), ACTIVATIONS[name]
    numeric = numerical_gradient(lambda t: float(entry.f(t)[0]), z)
    np.testing.assert_allclose(entry.df(z), numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_float32_agrees_with_float64(name):
    z = np.linspace(-20, 20, 2001).astype(np.float32)
    for g in (ACTIVATIONS[name].f, ACTIVATIONS[name].df):
        np.testing.assert_allclose(g(z), g(z.astype(np.float64)), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_single_numbers_and_integers_work(name):
    entry = ACTIVATIONS[name]
    assert entry.f(2) == pytest.approx(entry.f(np.array([2.0]))[0])
    assert entry.df(2) == pytest.approx(entry.df(np.array([2.0]))[0])


# What an entry says of its activation

FAR = 1e4


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_the_least_and_the_largest_value(name):
    entry = ACTIVATIONS[name]
    low, high = entry.limits
    values = entry.f(np.concatenate([[-FAR, FAR], np.linspace(-30, 30, 6001)]))
    if math.isfinite(low):
        deepest = optimize.minimize_scalar(
            lambda z: entry.f(np.float64(z)), bounds=(-5, 0), method="bounded", options={"xatol": 1e-9}
        )
        assert min(values.min(), deepest.fun) == pytest.approx(low, abs=1e-9)
    else:
        assert values.min() <= -0.01 * FAR
    if math.isfinite(high):
        assert values.max() == pytest.approx(high, abs=1e-9)
    else:
        assert values.max() >= FAR


@pytest.mark.parametrize("name", NAMES)
def test_saturation_is_where_the_output_settles_and_the_slope_vanishes(name):
    entry = ACTIVATIONS[name]
    for z, level in zip((-FAR, FAR), entry.saturation, strict=True):
        value, slope = entry.f(np.array([z]))[0], entry.df(np.array([z]))[0]
        if level is None:
            assert abs(value) > 90
            assert slope >= 0.01
        else:
            assert value == pytest.approx(level, abs=1e-12)
            assert slope == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_only_those_that_can_die_have_no_slope_on_a_half_line(name):
    slopes = ACTIVATIONS[name].df(-np.array([0.1, 1.5, 3.0, 5.0]))  # 1.5 and the others miss every minimum
    assert (np.count_nonzero(slopes) == 0) == ACTIVATIONS[name].can_die


def test_side_of_saturation_in_words():
    words = {name: entry.saturates for name, entry in ACTIVATIONS.items()}
    assert words["tanh"] == words["sigmoid"] == "both sides"
    assert {name for name, word in words.items() if word == "no"} == {"leaky_relu", "prelu", "linear"}
    assert {name for name, word in words.items() if word == "left"} == set(NAMES) - {
        "tanh", "sigmoid", "leaky_relu", "prelu", "linear",
    }  # fmt: skip


def test_only_odd_functions_are_zero_centered():
    assert {name for name, entry in ACTIVATIONS.items() if entry.zero_centered} == {"tanh", "linear"}


def test_gelu_s_tanh_form_is_that_of_keras(keras, autodiff):
    z = np.linspace(-6, 6, 121)
    twin = lambda z: keras.activations.gelu(z, approximate=True)  # noqa: E731
    value, slope = autodiff(twin, z)
    assert np.allclose(GELU_TANH.f(z), value, atol=1e-6)
    assert np.allclose(GELU_TANH.df(z), slope, atol=1e-6)
    assert np.abs(GELU_TANH.f(z) - ACTIVATIONS["gelu"].f(z)).max() < 1e-3
    assert GELU_TANH.f(z.astype(np.float32)).dtype == GELU_TANH.df(z.astype(np.float32)).dtype == np.float32


def test_a_reshaped_activation_is_moved_and_stretched():
    both = reshaped("sigmoid", "both", factor=4.0, shift=-0.5)
    z = np.linspace(-8, 8, 41)
    assert np.allclose(both.f(z), 2 * np.tanh(z / 2))
    assert np.allclose(both.df(z), 1 - np.tanh(z / 2) ** 2)
    assert both.limits == both.saturation == (-2, 2)
    assert both.zero_centered
    assert not reshaped("sigmoid", "steep", factor=4.0).zero_centered
    assert reshaped("relu", "moved", shift=1.0).saturation == (1, None)
    assert both.f(z.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("form", ["normal", "uniform"])
def test_initializers_serve_whose_companion_they_are(form):
    assert all(entry.initializer in INITIALIZERS for entry in ACTIVATIONS.values())
    served = {family: set(act.served_by(f"{family}_{form}")) for family in ("lecun", "glorot", "he")}
    assert served["lecun"] == {"selu", "linear"}  # self-normalizing, or no activation at all
    assert served["glorot"] == {"sigmoid", "tanh"}  # the two that Glorot and Bengio looked at
    assert set.union(*served.values()) == set(ACTIVATIONS)
    assert sum(map(len, served.values())) == len(ACTIVATIONS)
    assert act.served_by("orthogonal") == ()


SYMBOLS = {
    "exp": np.exp,
    "ln": np.log,
    "tanh": np.tanh,
    "max": max,
    "softplus": act.softplus,
    "σ": act.sigmoid,
    "Φ": special.ndtr,
}
SYMBOLS |= {
    "φ": lambda z: np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi),
    "a": act.PRELU_START_SLOPE,
    "λ": act.SELU_SCALE,
    "α": act.SELU_ALPHA,
}


def compute(formula, z, f=None):
    """What the formula of an entry gives at z, read as Python."""
    formula = formula.replace("·", "*").replace("²", "**2")
    formula = re.sub(r" with s = .*", "", formula)
    return eval(formula, {}, SYMBOLS | {"z": z, "s": act.softplus(z), "f": f})


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_formulas_say_what_the_code_does(name):
    value, derivative = ACTIVATIONS[name].formula, ACTIVATIONS[name].derivative
    for z in (-3.0, -0.4, 0.3, 2.5):
        f = compute(value, z)
        assert f == pytest.approx(float(ACTIVATIONS[name].f(np.array(z))), rel=1e-12)
        assert compute(derivative, z, f) == pytest.approx(float(ACTIVATIONS[name].df(np.array(z))), rel=1e-10)


@pytest.mark.parametrize(
    ("name", "slope"), [("sigmoid", 1 / 4), ("tanh", 1), ("relu", 1), ("gelu", 1.128904)]
)
def test_largest_slope(name, slope):
    assert act.largest_slope(name) == pytest.approx(slope, rel=1e-5)


def test_a_saturated_sigmoid_is_within_1_3_percent_of_its_limits():
    """And is no nearer: h (1 − h) of such an h is a twentieth of the largest slope, 1/4."""
    z = np.linspace(0, 10, 100_001)
    saturated = act.sigmoid_derivative(z) < act.SATURATED_SLOPE * act.largest_slope("sigmoid")
    farthest = 1 - act.sigmoid(z[saturated]).min()
    assert farthest == pytest.approx(0.01266, abs=1e-5)
    assert farthest * (1 - farthest) == pytest.approx(1 / 4 / 20, rel=1e-3)


@pytest.mark.parametrize("name", ["leaky_relu", "prelu", "elu"])
@pytest.mark.parametrize("value", [0.0, 0.2, 1.0, 1.7])
def test_a_chosen_parameter_goes_into_value_and_slope(name, value):
    entry = act.with_parameter(name, value)
    z = np.array([-2.0, -0.3, 0.7])
    slope = [float(numerical_gradient(lambda t: float(entry.f(t)), np.array(point))) for point in z]
    assert entry.df(z) == pytest.approx(slope, abs=1e-8)
    below = value * z[0] if name != "elu" else value * np.expm1(z[0])
    assert entry.f(z)[0] == pytest.approx(below)
    assert entry.can_die == (value == 0)
    low = -value if name == "elu" else (-np.inf if value else 0)
    assert entry.limits == (low, np.inf)
    for point in z:
        assert compute(entry.formula, point) == pytest.approx(float(entry.f(np.array(point))))
        assert compute(entry.derivative, point) == pytest.approx(float(entry.df(np.array(point))))


def test_with_parameter_refuses_what_it_can_t_do():
    with pytest.raises(ValueError, match="tanh"):
        act.with_parameter("tanh", 0.1)
    for value in (-0.1, 11, float("nan")):
        with pytest.raises(ValueError, match="0 … 10"):
            act.with_parameter("elu", value)


def test_names_and_keys_agree():
    assert all(key == entry.name for key, entry in ACTIVATIONS.items())


def test_a_warning_out_of_helpers_fails_the_tests():
    with pytest.raises(RuntimeWarning, match="invalid value"):  # −∞ · σ(−∞) = −∞ · 0
        act.silu(np.array([-np.inf]))
