"""Penalties in Keras's convention, their gradients, and their solutions beside scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.networks.mlp import MLP
from helpers.networks.training import train
from helpers.numerics.gradcheck import numerical_gradient, relative_error
from helpers.numerics.penalties import L1, L2, lasso, ridge, soft_threshold


class TestPenalties:
    @pytest.mark.parametrize("penalty", [L1(0.3), L2(0.3)])
    def test_the_gradient_is_that_of_the_loss(self, penalty, rng):
        W = rng.normal(size=(4, 5))
        assert relative_error(penalty.gradient(W), numerical_gradient(penalty.loss, W)) < 1e-6

    @pytest.mark.parametrize("name", ["L1", "L2"])
    def test_the_values_are_those_of_keras(self, name, rng, keras):
        W = rng.normal(size=(40, 30)).astype(np.float32)
        theirs = getattr(keras.regularizers, name)(0.01)
        assert float(theirs(W)) == pytest.approx({"L1": L1, "L2": L2}[name](0.01).loss(W), rel=1e-5)

    @pytest.mark.parametrize("penalty", [L1(0.1), L2(0.1)])
    def test_type_is_kept_and_zero_is_not_pulled(self, penalty):
        gradient = penalty.gradient(np.array([[0.0, 2.0]], np.float32))
        assert gradient.dtype == np.float32
        assert gradient[0, 0] == 0 < gradient[0, 1]

    @pytest.mark.parametrize("strength", [-1, float("nan"), float("inf")])
    def test_strengths_are_checked(self, strength):
        for make in (
            L1,
            L2,
            lambda s: ridge(np.eye(2), np.ones(2), s),
            lambda s: lasso(np.eye(2), np.ones(2), s),
        ):
            with pytest.raises(ValueError, match=f"strength must be 0 or more, and finite, got {strength}"):
                make(strength)

    def test_training_with_l2_ends_with_smaller_weights_by_the_formula_of_decay(self, rng):
        x, y = rng.normal(size=(8, 5)), np.arange(8) % 3
        plain, decayed = (MLP((5, 3), rng=np.random.default_rng(0)) for _ in range(2))
        start = plain.weights[0].copy()
        for model, penalty in ((plain, None), (decayed, L2(0.7))):
            train(
                model,
                x,
                y,
                learning_rate=0.1,
                steps=1,
                batch_size=8,
                penalty=penalty,
                rng=np.random.default_rng(1),
            )
        np.testing.assert_allclose(decayed.weights[0], plain.weights[0] - 0.14 * start)
        np.testing.assert_array_equal(decayed.biases[0], plain.biases[0])


class TestSoftThreshold:
    @settings(max_examples=50)
    @given(w=st.floats(-5, 5), amount=st.floats(0, 3))
    def test_it_is_the_lowest_point_of_distance_and_l1(self, w, amount):
        def total(v):
            return (v - w) ** 2 / 2 + amount * np.abs(v)

        best = soft_threshold(w, amount)
        assert (total(best) <= total(np.linspace(-6, 6, 1201)) + 1e-12).all()

    def test_small_ones_are_exactly_0(self):
        np.testing.assert_allclose(soft_threshold(np.array([2, 0.5, -0.3, -3]), 0.5), [1.5, 0, 0, -2.5])

    @pytest.mark.parametrize("amount", [-0.1, float("nan")])
    def test_amounts_are_checked(self, amount):
        with pytest.raises(ValueError, match=f"amount must be 0 or more, got {amount}"):
            soft_threshold(np.ones(2), amount)


def least_squares(rng, n=50, d=6):
    """A least squares problem: inputs, targets, its Hessian and its lowest point."""
    x = rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
    t = x @ rng.normal(size=d) + rng.normal(size=n)
    return x, t, x.T @ x / n, np.linalg.lstsq(x, t)[0]


@pytest.mark.parametrize("strength", [0.01, 0.3, 3])
def test_ridge_and_lasso_are_those_of_scikit_learn(strength, rng):
    from sklearn.linear_model import Lasso, Ridge

    x, t, hessian, best = least_squares(rng)
    theirs = Ridge(alpha=2 * strength * len(x), fit_intercept=False).fit(x, t).coef_
    np.testing.assert_allclose(ridge(hessian, best, strength), theirs, rtol=1e-6)
    theirs = Lasso(alpha=strength, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(x, t).coef_
    np.testing.assert_allclose(lasso(hessian, best, strength), theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("solve", "penalty"), [(ridge, L2), (lasso, L1)])
@settings(max_examples=25)
@given(strength=st.floats(0, 10), seed=st.integers(0, 1000))
def test_no_point_nearby_is_lower(solve, penalty, strength, seed):
    rng = np.random.default_rng(seed)
    _, _, hessian, best = least_squares(rng, d=3)

    def total(w):
        return (w - best) @ hessian @ (w - best) / 2 + penalty(strength).loss(w)

    w = solve(hessian, best, strength)
    for size in (1e-3, 0.1, 1):
        for step in size * rng.normal(size=(20, 3)):
            assert total(w) <= total(w + step) + 1e-9


def test_ridge_shrinks_flat_directions_most():
    hessian, best = np.diag([4.0, 1.0, 0.25]), np.ones(3)
    np.testing.assert_allclose(ridge(hessian, best, 0.5), [4 / 5, 1 / 2, 0.2])
    np.testing.assert_allclose(lasso(hessian, best, 0.5), [1 - 0.5 / 4, 0.5, 0])


def test_without_strength_the_lowest_point_stays_even_where_the_loss_is_flat():
    hessian, best = np.diag([1.0, 0.0]), np.array([2.0, 3.0])
    for solve in (ridge, lasso):
        np.testing.assert_array_equal(solve(hessian, best, 0), best)
    np.testing.assert_allclose(lasso(hessian, best, 0.5), [1.5, 0])  # what the data don't hold, goes
