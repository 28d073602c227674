"""Gaussian averages: against closed forms and quadrature; their table is as exact as it says."""

from itertools import pairwise
from math import asin, exp, inf, log, pi, sqrt

import numpy as np
import pytest
from scipy import integrate, stats

from helpers.numerics.activations import ACTIVATIONS, SELU_ALPHA, SELU_SCALE
from helpers.numerics.gaussian import (
    expectation,
    gaussian_moments,
    mean_square,
    mean_square_slope,
    normal_levels,
)

NAMES = sorted(ACTIVATIONS)
VARIANCES = [1e-6, 1e-2, 1.0, 1e2, 1e6]
cdf, pdf = stats.norm.cdf, stats.norm.pdf


def quadrature(g, variance, mean=0.0):
    """E[g(z)] by scipy's adaptive quadrature, cut into pieces at 0 and wherever an activation curves."""
    std = sqrt(variance)
    low, high = mean - 12 * std, mean + 12 * std
    curved = [z for z in (-300, -40, -10, -3, 0, 3, 10, 40, 300) if low < z < high]
    ends = sorted({low, *curved, mean, high})

    def density(z):
        return g(np.float64(z)) * exp(-(((z - mean) / std) ** 2) / 2)

    pieces = [integrate.quad(density, *p, epsabs=0, epsrel=1e-12, limit=200)[0] for p in pairwise(ends)]
    return sum(pieces) / (std * sqrt(2 * pi))


@pytest.mark.filterwarnings(
    "ignore::scipy.integrate.IntegrationWarning"
)  # asked for more digits than there are
@pytest.mark.parametrize(
    ("mean", "variance"), [(m, v) for m in (0.0,) for v in VARIANCES] + [(-2.0, 1.0), (0.7, 1e2)]
)
@pytest.mark.parametrize("name", NAMES)
def test_expectation_is_the_quadrature(name, mean, variance):
    f, df = ACTIVATIONS[name].f, ACTIVATIONS[name].df
    for g in (f, lambda z: f(z) ** 2, lambda z: df(z) ** 2):
        size = sqrt(quadrature(lambda z, g=g: g(z) ** 2, variance, mean))  # tanh's own mean is 0
        assert abs(expectation(g, variance, mean) - quadrature(g, variance, mean)) < 1e-10 * size


# Closed forms: (E[f], E[f²], E[f'²]) at variance q


def rectified(slope):
    return lambda q: ((1 - slope) * sqrt(q / (2 * pi)), q * (1 + slope**2) / 2, (1 + slope**2) / 2)


def exponential(scale, alpha):
    def moments(q):
        tail1, tail2 = (
            exp(q / 2) * cdf(-sqrt(q)),
            exp(2 * q) * cdf(-2 * sqrt(q)),
        )  # E[e^z; z < 0], E[e^2z; z < 0]
        first = sqrt(q / (2 * pi)) + alpha * (tail1 - 1 / 2)
        second = q / 2 + alpha**2 * (tail2 - 2 * tail1 + 1 / 2)
        return scale * first, scale**2 * second, scale**2 * (1 / 2 + alpha**2 * tail2)

    return moments


def gelu_moments(q):
    """By Stein's lemma E[z g(z)] = q E[g'(z)], with the averages of Φ², zΦφ and z²φ²."""
    cdf_square = 1 / 4 + asin(q / (1 + q)) / (2 * pi)
    mixed = q / (1 + q) / (2 * pi * sqrt(1 + 2 * q))
    second = q * cdf_square + 2 * q * mixed
    return q / sqrt(2 * pi * (1 + q)), second, cdf_square + 2 * mixed + q / (2 * pi * (1 + 2 * q) ** 1.5)


CLOSED_FORMS = {
    "linear": lambda q: (0, q, 1),
    "relu": rectified(0),
    "leaky_relu": rectified(0.01),
    "prelu": rectified(0.25),
    "elu": exponential(1, 1),
    "selu": exponential(SELU_SCALE, SELU_ALPHA),
    "gelu": gelu_moments,
}


@pytest.mark.parametrize("q", [1e-2, 0.3, 1.0, 4.0, 30.0])
@pytest.mark.parametrize("name", sorted(CLOSED_FORMS))
def test_averages_are_the_closed_forms(name, q):
    first, second, slope = CLOSED_FORMS[name](q)
    assert expectation(ACTIVATIONS[name].f, q) == pytest.approx(first, rel=1e-11, abs=1e-12 * sqrt(second))
    assert mean_square(name, q) == pytest.approx(second, rel=1e-11)
    assert mean_square_slope(name, q) == pytest.approx(slope, rel=1e-11)


@pytest.mark.parametrize("mean", [-1.5, 0.0, 0.4])
def test_expectation_of_relu_about_any_mean(mean):
    s = 0.8
    first = mean * cdf(mean / s) + s * pdf(mean / s)
    assert expectation(ACTIVATIONS["relu"].f, s**2, mean) == pytest.approx(first, rel=1e-11)


def test_expectation_broadcasts_and_knows_variance_0():
    result = expectation(np.square, np.array([[0.0], [4.0]]), np.array([0.0, 3.0]))
    np.testing.assert_allclose(result, [[0, 9], [4, 13]], atol=1e-12)


def test_expectation_refuses_a_negative_variance():
    with pytest.raises(ValueError, match=r"-0\.5"):
        expectation(np.square, np.array([1.0, -0.5]))


# The table for live figures


@pytest.mark.parametrize("name", NAMES)
def test_table_is_as_exact_as_it_says(name):
    q = np.exp(np.random.default_rng(0).uniform(log(1e-10), log(1e12), 500))
    f, df = ACTIVATIONS[name].f, ACTIVATIONS[name].df
    moments, second = gaussian_moments(name)(q), mean_square(name, q)
    np.testing.assert_allclose(moments.second, second, rtol=2e-4)
    np.testing.assert_allclose(moments.slope_square, expectation(lambda z: df(z) ** 2, q), rtol=2e-4)
    std = np.sqrt(expectation(lambda z: (f(z) - expectation(f, q)[:, None]) ** 2, q))
    np.testing.assert_allclose(np.sqrt(moments.second - moments.first**2), std, rtol=3e-4)


@pytest.mark.parametrize("q", [1e-70, 1e-30, 1e30, 1e60])
@pytest.mark.parametrize("name", NAMES)
def test_table_goes_on_where_it_ends(name, q):
    moments, scale = gaussian_moments(name)(q), sqrt(mean_square(name, q))
    assert moments.second == pytest.approx(scale**2, rel=1e-4, abs=0)
    assert moments.first / scale == pytest.approx(expectation(ACTIVATIONS[name].f, q) / scale, abs=1e-5)
    # ∫ f'² dz: at large q the density is flat where f' is not 0
    slope_integrals = {"sigmoid": 1 / 6, "tanh": 4 / 3}
    far_out = (
        slope_integrals[name] / sqrt(2 * pi * q)
        if q > 1 and name in slope_integrals
        else mean_square_slope(name, q)
    )
    assert moments.slope_square == pytest.approx(far_out, rel=1e-4, abs=0)


@pytest.mark.parametrize("name", NAMES)
def test_table_at_0_and_infinity(name):
    moments = gaussian_moments(name)(np.array([0.0, inf]))
    at_0 = float(ACTIVATIONS[name].f(np.array(0.0)))
    assert moments.second[0] == pytest.approx(at_0**2, rel=1e-8, abs=1e-300)
    assert moments.first[0] == pytest.approx(at_0, rel=1e-8, abs=1e-100)
    assert moments.second[1] == (pytest.approx(1, abs=0.51) if name in ("tanh", "sigmoid") else inf)


def test_levels_are_the_quantiles_of_the_normal_distribution():
    xi = normal_levels()
    assert xi.shape == (20, 400)
    np.testing.assert_allclose(np.sort(stats.norm.cdf(xi), axis=None), (np.arange(8000) + 0.5) / 8000)
