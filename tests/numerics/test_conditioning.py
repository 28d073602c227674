"""The valley of a loss: its Hessian against differences, its length against NumPy's and by counting steps."""

import numpy as np
import pytest

from helpers.numerics import conditioning
from helpers.numerics.preprocessing import PREPROCESSORS, covariance


def full_rank(n=300, d=6, seed=0):
    """Correlated data of very different scales, far from the origin."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) * np.geomspace(0.1, 30, d) + 50


def test_second_moments_are_the_hessian_of_least_squares():
    x, rng = full_rank(50, 3) / 50, np.random.default_rng(0)
    t, theta, step = rng.standard_normal(50), rng.standard_normal(4), 1e-3
    units = step * np.eye(4)

    def loss(p):
        return 0.5 * np.mean((x @ p[:3] + p[3] - t) ** 2)

    numeric = [
        [
            (loss(theta + a + b) - loss(theta + a - b) - loss(theta - a + b) + loss(theta - a - b))
            / (4 * step**2)
            for a in units
        ]
        for b in units
    ]
    np.testing.assert_allclose(conditioning.second_moments(x), numeric, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        conditioning.second_moments(x, bias=False), np.array(numeric)[:3, :3], rtol=1e-5
    )


def test_condition_number():
    assert np.isclose(conditioning.condition_number(np.diag([4, 0.5])), 8)
    assert conditioning.condition_number(np.eye(3)) == 1
    assert conditioning.condition_number(np.ones((2, 2))) == np.inf
    assert np.isclose(
        conditioning.condition_number(covariance(full_rank())), np.linalg.cond(covariance(full_rank()))
    )


def test_rotation_keeps_and_whitening_removes_the_condition():
    x = full_rank()
    kappa = {
        n: conditioning.condition_number(covariance(p.fit(x).transform(x))) for n, p in PREPROCESSORS.items()
    }
    assert np.isclose(kappa["pca"], kappa["raw"], rtol=1e-6)
    assert np.isclose(kappa["whiten"], 1)
    assert np.isclose(kappa["zca"], 1)


@pytest.mark.parametrize("kappa", [1.5, 10, 1000])
def test_predicted_steps_are_those_of_the_slowest_error(kappa):
    hessian = np.diag([kappa, 1.0])
    steps = int(conditioning.predicted_steps(kappa, 0.01))
    errors = np.abs(conditioning.descent(hessian, [0, 1.0], steps)[:, 1])
    assert errors[-1] <= 0.01 < errors[-2]


def test_measured_steps_never_exceed_the_prediction():
    rng = np.random.default_rng(0)
    for shift, scale in ((0, 1), (3, 1), (0, 0.1), (5, 2)):
        x, t = shift + scale * rng.standard_normal((200, 2)), rng.standard_normal(200)
        kappa = conditioning.condition_number(conditioning.second_moments(x))
        assert 0 < conditioning.measured_steps(x, t) <= conditioning.predicted_steps(kappa)


def test_measured_steps_give_up():
    x = np.random.default_rng(0).standard_normal((50, 2)) + 100
    assert conditioning.measured_steps(x, x[:, 0], most=5) == np.inf


def test_edges_of_the_prediction():
    assert conditioning.predicted_steps(1) == 1
    assert conditioning.predicted_steps(np.inf) == np.inf
    assert np.isclose(conditioning.predicted_steps(1e6), 1e6 * np.log(1000), rtol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda: conditioning.predicted_steps(0.5), "kappa must be 1 or more, got 0.5"),
        (lambda: conditioning.predicted_steps(2, 1), "factor must lie between 0 and 1, got 1"),
        (lambda: conditioning.condition_number(np.array([[1, 2], [0, 1]])), "symmetric"),
        (lambda: conditioning.safe_rate(np.zeros((2, 2))), "no positive eigenvalue"),
    ],
)
def test_bad_numbers_are_named(wrong, why):
    with pytest.raises(ValueError, match=why):
        wrong()
