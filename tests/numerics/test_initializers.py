"""Initial weights: the variance that theory gives them, the bounds of their distributions, Keras's rules."""

from math import isnan, pi, sqrt

import numpy as np
import pytest
from scipy import stats

from helpers.numerics.initializers import (
    INITIALIZERS,
    TRUNCATED_STD,
    Initializer,
    constant,
    fans,
    get_initializer,
    random_normal,
    scale_to_unit_variance,
    variance_scaling,
)

SHAPES = [(300, 200), (200, 300), (1000, 100), (3, 3, 32, 64), (5, 2, 64, 32)]  # dense, then convolutional
FAMILIES = {"lecun": (1.0, "fan_in"), "glorot": (1.0, "fan_avg"), "he": (2.0, "fan_in")}
SCALED = [f"{family}_{form}" for family in FAMILIES for form in ("normal", "uniform")]
RANDOM = [*SCALED, "small_normal", "standard_normal"]


def assert_variance_within_sampling_error(weights, variance):
    """Mean and mean square of n independent draws lie within four standard errors of 0 and of the variance.

    SE(mean) = √(v / n); SE(mean square) = std(w²) / √n, with std(w²) estimated from the draws.
    """
    n = weights.size
    assert abs(weights.mean()) < 4 * sqrt(variance / n)
    standard_error = np.square(weights).std() / sqrt(n)
    assert standard_error < 0.02 * variance  # or the comparison would say little
    assert abs(np.square(weights).mean() - variance) < 4 * standard_error


@pytest.mark.parametrize("shape", [*SHAPES, (1, 1), (7, 9), (1, 1, 5, 3), (4, 6, 8)], ids=str)
def test_fans_are_those_of_keras(shape, keras):
    from keras.src.initializers.random_initializers import compute_fans  # Keras shows it nowhere public

    assert fans(shape) == tuple(compute_fans(shape))


def test_fan_in_of_a_convolution_is_height_times_width_times_channels():
    assert fans((3, 5, 4, 8)) == (3 * 5 * 4, 3 * 5 * 8)


@pytest.mark.parametrize("shape", [(3,), (), (0, 4), (3, 3, 0, 2)])
def test_fans_refuse_what_is_no_weight_matrix(shape):
    with pytest.raises(ValueError, match="at least two positive numbers"):
        fans(shape)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", RANDOM)
def test_drawn_variance_is_the_theory(name, shape, rng):
    initializer = INITIALIZERS[name]
    weights = initializer(shape, rng=rng)
    assert weights.shape == shape
    assert_variance_within_sampling_error(weights, initializer.variance(shape))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", SCALED)
def test_variance_rule_is_scale_over_fan(name, shape):
    scale, mode = FAMILIES[name.split("_")[0]]
    fan_in, fan_out = int(np.prod(shape[:-1])), int(np.prod(shape[:-2])) * shape[-1]
    fan = fan_in if mode == "fan_in" else (fan_in + fan_out) / 2
    assert INITIALIZERS[name].variance(shape) == pytest.approx(scale / fan, rel=1e-14)


@pytest.mark.parametrize("name", SCALED)
def test_variance_rule_is_that_of_keras(name, keras):
    theirs = keras.initializers.get(name)
    scale, mode = FAMILIES[name.split("_")[0]]
    assert (theirs.scale, theirs.mode) == (scale, mode)
    assert theirs.distribution == {"normal": "truncated_normal", "uniform": "uniform"}[name.split("_")[1]]


@pytest.mark.parametrize("shape", [(300, 200), (3, 3, 32, 64)], ids=str)
@pytest.mark.parametrize("name", SCALED)
def test_keras_draws_from_the_same_distribution(name, shape, keras, rng):
    ours = INITIALIZERS[name](shape, rng=rng)
    theirs = keras.ops.convert_to_numpy(getattr(keras.initializers, _class_name(name))(seed=5)(shape))
    assert_variance_within_sampling_error(theirs.astype(float), INITIALIZERS[name].variance(shape))
    assert np.abs(theirs).max() == pytest.approx(np.abs(ours).max(), rel=2e-3)  # both end at the same bound
    assert stats.ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 1e-3


def _class_name(name):
    return "".join(part.capitalize() for part in name.replace("lecun", "le_cun").split("_")).replace(
        "LeCun", "Lecun"
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_glorot_uniform_reaches_its_bound_and_stays_inside(shape, rng):
    bound = sqrt(3 / (sum(fans(shape)) / 2))  # √(3 / fan_avg)
    largest = np.abs(INITIALIZERS["glorot_uniform"](shape, rng=rng)).max()
    assert 0.999 * bound < largest <= bound


@pytest.mark.parametrize("name", ["lecun_normal", "glorot_normal", "he_normal"])
def test_normal_weights_are_cut_off_at_two_widened_standard_deviations(name, rng):
    shape = (500, 400)
    largest = np.abs(INITIALIZERS[name](shape, rng=rng)).max() / sqrt(INITIALIZERS[name].variance(shape))
    assert largest == pytest.approx(2 / 0.8796, rel=1e-3)  # 2.27 standard deviations
    assert largest <= 2 / TRUNCATED_STD


def test_truncated_standard_deviation_is_the_closed_form():
    # Var of N(0, 1) within ±2 is 1 − 2 · 2φ(2) / (2Φ(2) − 1)
    inside = 2 * stats.norm.cdf(2) - 1
    assert sqrt(1 - 4 * np.exp(-2) / sqrt(2 * pi) / inside) == pytest.approx(TRUNCATED_STD, rel=1e-14)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("distribution", ["normal", "truncated_normal", "uniform"])
def test_variance_scaling_in_every_mode_and_distribution(mode, distribution, rng):
    initializer, shape = variance_scaling(2.0, mode, distribution), (400, 100)
    assert initializer.variance(shape) == 2 / {"fan_in": 400, "fan_out": 100, "fan_avg": 250}[mode]
    weights = initializer(shape, rng=rng)
    assert_variance_within_sampling_error(weights, initializer.variance(shape))
    cut_off = {"normal": np.inf, "truncated_normal": 2 / TRUNCATED_STD, "uniform": sqrt(3)}[distribution]
    largest = np.abs(weights).max() / sqrt(initializer.variance(shape))
    assert largest <= cut_off
    assert largest > (3.5 if distribution == "normal" else 0.999 * cut_off)


def test_he_average_uniform_is_that_of_keras(keras, rng):
    # VarianceScaling(scale=2., mode="fan_avg", distribution="uniform")
    theirs = keras.initializers.VarianceScaling(scale=2.0, mode="fan_avg", distribution="uniform", seed=1)
    ours, shape = variance_scaling(2.0, "fan_avg", "uniform"), (300, 100)
    assert ours.variance(shape) == 2 / 200
    bounds = (
        np.abs(ours(shape, rng=rng)).max(),
        float(np.abs(keras.ops.convert_to_numpy(theirs(shape))).max()),
    )
    assert bounds == pytest.approx((sqrt(3 * 2 / 200),) * 2, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((0, "fan_in", "normal"), "got 0"),
        ((-1, "fan_in", "normal"), "got -1"),
        ((float("nan"), "fan_in", "normal"), "got nan"),
        ((1, "fan", "normal"), "'fan'"),
        ((1, "fan_in", "gauss"), "'gauss'"),
    ],
)
def test_variance_scaling_refuses(arguments, named):
    with pytest.raises(ValueError, match=named):
        variance_scaling(*arguments)


@pytest.mark.parametrize("shape", [(50, 50), (80, 30), (30, 80), (3, 3, 4, 10), (2, 2, 3, 40)], ids=str)
def test_orthogonal_weights_have_orthonormal_rows_or_columns(shape, rng):
    W = INITIALIZERS["orthogonal"](shape, rng=rng)
    assert W.shape == shape
    W = W.reshape(-1, shape[-1])
    product = W.T @ W if W.shape[0] >= W.shape[1] else W @ W.T
    np.testing.assert_allclose(product, np.eye(min(W.shape)), atol=1e-12)
    assert np.square(W).mean() == pytest.approx(INITIALIZERS["orthogonal"].variance(shape), rel=1e-12)


def test_orthogonal_weights_take_both_signs(rng):
    # Without the correction of signs, LAPACK's first diagonal entry always has the same one.
    signs = [np.sign(INITIALIZERS["orthogonal"]((4, 4), rng=rng)[0, 0]) for _ in range(200)]
    assert abs(np.mean(signs)) < 4 / sqrt(200)


def test_zeros_ones_and_constants(rng):
    assert np.array_equal(INITIALIZERS["zeros"]((2, 3), rng=rng), np.zeros((2, 3)))
    assert np.array_equal(INITIALIZERS["ones"]((2, 3), rng=rng), np.ones((2, 3)))
    assert np.array_equal(constant(0.3)((2, 3), rng=rng), np.full((2, 3), 0.3))
    assert INITIALIZERS["zeros"].variance((2, 3)) == 0
    assert isnan(constant(0.3).variance((2, 3)))  # equal weights: no theory of random ones


def test_random_normal_of_any_width(rng):
    assert_variance_within_sampling_error(random_normal(0.3)((300, 300), rng=rng), 0.09)
    assert not random_normal(0)((3, 3), rng=rng).any()


@pytest.mark.parametrize("std", [-0.1, float("nan")])
def test_random_normal_refuses_a_negative_std(std):
    with pytest.raises(ValueError, match=str(std)):
        random_normal(std)


@pytest.mark.parametrize("name", sorted(INITIALIZERS))
def test_same_seed_same_weights(name):
    first, second, other = (INITIALIZERS[name]((4, 5), rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert name in ("zeros", "ones") or not np.array_equal(first, other)


def test_get_initializer():
    assert get_initializer("he_normal") is INITIALIZERS["he_normal"]
    assert get_initializer(np.ones) is np.ones
    assert isinstance(get_initializer(random_normal(1)), Initializer)
    with pytest.raises(ValueError, match=r"'hee'.*he_normal"):
        get_initializer("hee")


# LSUV


@pytest.mark.parametrize("gain", [1e-3, 1.0, 50.0])
@pytest.mark.parametrize("tolerance", [0.1, 0.01, 1e-6])
def test_scaling_to_unit_variance(gain, tolerance, rng):
    h = rng.normal(3, 2, size=(200, 30))
    W, iterations = scale_to_unit_variance(h, gain * rng.normal(size=(30, 20)), tolerance=tolerance)
    assert abs(np.var(h @ W) - 1) < tolerance
    assert iterations <= 1  # z is linear in W: one division does it


def test_weights_of_unit_variance_are_left_alone(rng):
    h = rng.normal(size=(50, 8))
    W = rng.normal(size=(8, 4))
    W /= np.std(h @ W)
    kept, iterations = scale_to_unit_variance(h, W)
    assert kept is W
    assert iterations == 0


def test_iterations_count_the_divisions(rng):
    h, W = rng.normal(size=(50, 8)), 5 * rng.normal(size=(8, 4))
    kept, iterations = scale_to_unit_variance(h, W, max_iterations=0)
    assert kept is W
    assert iterations == 0
    # no variance is within 0 of 1, so that all the divisions allowed are made
    assert scale_to_unit_variance(h, W, tolerance=0, max_iterations=3)[1] == 3


def test_no_scale_helps_where_nothing_varies():
    with pytest.raises(ValueError, match=r"variance 0\.0"):
        scale_to_unit_variance(np.ones((5, 3)), np.zeros((3, 2)))
