"""Penalties and their solutions; dropout in its forms: what they keep on average, Keras, and the way back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from helpers.networks.mlp import MLP
from helpers.networks.training import train
from helpers.numerics import dropout
from helpers.numerics.activations import selu
from helpers.numerics.dropout import (
    SELU_FLOOR,
    alpha_dropout_backward,
    alpha_dropout_forward,
    dropout_backward,
    dropout_forward,
    vanilla_dropout_forward,
    vanilla_dropout_testing,
)
from helpers.numerics.gradcheck import numerical_gradient, relative_error
from helpers.numerics.penalties import L1, L2, lasso, ridge, soft_threshold

PAIRS = [
    (dropout_forward, dropout_backward),
    (vanilla_dropout_forward, dropout_backward),
    (alpha_dropout_forward, alpha_dropout_backward),
]
FORWARDS = [forward for forward, _ in PAIRS]
RATES = st.floats(0, 0.9)


@settings(max_examples=25)
@given(rate=RATES, x=arrays(np.float64, 6, elements=st.floats(-100, 100)), seed=st.integers(0, 2**32))
def test_the_expectation_is_the_input(rate, x, seed):
    out, _ = dropout_forward(np.tile(x, (4000, 1)), rate, rng=np.random.default_rng(seed))
    standard_error = np.abs(x) * np.sqrt(rate / (1 - rate) / 4000)
    assert (np.abs(out.mean(axis=0) - x) <= 5 * standard_error + 1e-9).all()


def test_kept_entries_are_scaled_and_the_others_are_zero(rng):
    x = 1 + rng.random((200, 50))
    out, mask = dropout_forward(x, 0.2, rng=rng)
    np.testing.assert_allclose(out[mask.kept], x[mask.kept] / 0.8)
    assert (out[~mask.kept] == 0).all()
    assert mask.kept.mean() == pytest.approx(0.8, abs=5 * np.sqrt(0.2 * 0.8 / x.size))


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3, 0.5, 0.8])
def test_alpha_dropout_keeps_the_mean_and_the_variance_of_selu(rate, rng):
    h = selu(rng.standard_normal((1000, 1000)))  # mean 0 and variance 1, by the choice of λ and α
    out, _ = alpha_dropout_forward(h, rate, rng=rng)
    assert out.mean() == pytest.approx(0, abs=0.01)
    assert out.var() == pytest.approx(1, abs=0.02)
    plain, _ = dropout_forward(h, rate, rng=rng)
    assert plain.var() == pytest.approx(1 / (1 - rate), rel=0.03)  # plain dropout would not


@settings(max_examples=25)
@given(rate=RATES)
def test_alpha_dropout_keeps_mean_and_variance_of_two_values_exactly(rate):
    out, mask = alpha_dropout_forward(np.tile([-1.0, 1.0], 20_000), rate, rng=np.random.default_rng(0))
    a, b = mask.factor, -mask.factor * rate * SELU_FLOOR
    values, shares = np.array([b - a, b + a, b + a * SELU_FLOOR]), [(1 - rate) / 2, (1 - rate) / 2, rate]
    assert shares @ values == pytest.approx(0, abs=1e-12)
    assert shares @ values**2 == pytest.approx(1)
    possible = values if rate else values[:2]
    assert (np.abs(out[:, None] - possible).min(axis=1) < 1e-12).all()


def test_the_floor_is_selus_limit():
    assert pytest.approx(-1.7580993408473766) == SELU_FLOOR == pytest.approx(float(selu(np.array(-50.0))))


@pytest.mark.parametrize("rate", [0.1, 0.5])
@pytest.mark.parametrize(
    ("forward", "name"), [(dropout_forward, "Dropout"), (alpha_dropout_forward, "AlphaDropout")]
)
def test_the_values_are_those_of_the_keras_layer(forward, name, rate, rng, keras):
    x = np.full((40, 50), 0.7, np.float32)  # two values can come out, whatever the mask
    theirs = np.asarray(getattr(keras.layers, name)(rate, seed=1)(x, training=True))
    ours, _ = forward(x, rate, rng=rng)
    np.testing.assert_allclose(np.unique(ours), np.unique(theirs), rtol=1e-6)
    assert len(np.unique(ours)) == 2
    assert (ours == ours.max()).mean() == pytest.approx(1 - rate, abs=0.05)
    assert (theirs == theirs.max()).mean() == pytest.approx(1 - rate, abs=0.05)


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.9])
@pytest.mark.parametrize(("forward", "backward"), PAIRS)
def test_the_way_back_with_the_mask_held_still(forward, backward, rate, rng):
    x, weights = rng.normal(size=(6, 7)), rng.normal(size=(6, 7))
    again = lambda x: forward(x, rate, rng=np.random.default_rng(5))  # noqa: E731
    dx = backward(weights, again(x)[1])
    assert relative_error(dx, numerical_gradient(lambda x: np.sum(weights * again(x)[0]), x)) < 1e-6
    assert dx.any()


@pytest.mark.parametrize("forward", FORWARDS)
def test_at_rate_0_nothing_happens(forward, rng):
    x = rng.normal(size=(6, 7))
    np.testing.assert_allclose(forward(x, 0, rng=rng)[0], x, rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("forward", "backward"), PAIRS)
def test_type_and_shape_are_kept_and_nothing_is_changed(forward, backward, dtype, rng):
    x = rng.normal(size=(3, 4, 5)).astype(dtype)
    before = x.copy()
    out, mask = forward(x, 0.3, rng=rng)
    dx = backward(x, mask)
    assert {(a.dtype, a.shape) for a in (out, dx)} == {(np.dtype(dtype), x.shape)}
    assert np.array_equal(x, before)


@pytest.mark.parametrize("forward", FORWARDS)
def test_integers_are_read_as_numbers(forward):
    ours = forward([[1, 2, 3, 4]], 0.2, rng=np.random.default_rng(0))[0]
    exact = forward(np.array([[1.0, 2.0, 3.0, 4.0]]), 0.2, rng=np.random.default_rng(0))[0]
    assert np.array_equal(ours, exact)
    assert ours.dtype == np.float64


@pytest.mark.parametrize("forward", FORWARDS)
def test_the_same_seed_draws_the_same_mask(forward, rng):
    x = rng.normal(size=(6, 7))
    pick = lambda seed: forward(x, 0.5, rng=np.random.default_rng(seed))[0]  # noqa: E731
    assert np.array_equal(pick(1), pick(1))
    assert not np.array_equal(pick(1), pick(2))


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, float("nan")])
@pytest.mark.parametrize("forward", [*FORWARDS, lambda x, rate, rng: dropout.check_rate(rate)])
def test_rates_are_checked(forward, rate, rng):
    with pytest.raises(ValueError, match=f"rate must be 0 or more and below 1, got {rate}"):
        forward(np.ones((2, 2)), rate, rng=rng)


@settings(max_examples=25)
@given(rate=RATES, x=arrays(np.float64, 6, elements=st.floats(-100, 100)), seed=st.integers(0, 2**32))
def test_vanilla_dropouts_expectation_is_its_testing_output(rate, x, seed):
    out, _ = vanilla_dropout_forward(np.tile(x, (4000, 1)), rate, rng=np.random.default_rng(seed))
    standard_error = np.abs(x) * np.sqrt(rate * (1 - rate) / 4000)
    assert (np.abs(out.mean(axis=0) - vanilla_dropout_testing(x, rate)) <= 5 * standard_error + 1e-9).all()


def test_vanilla_and_inverted_differ_by_the_factor_alone(rng):
    x = rng.normal(size=(6, 7))
    vanilla, inverted = (
        forward(x, 0.3, rng=np.random.default_rng(5))[0]
        for forward in (vanilla_dropout_forward, dropout_forward)
    )
    np.testing.assert_allclose(vanilla, 0.7 * inverted)
    np.testing.assert_allclose(vanilla_dropout_testing(x, 0.3), 0.7 * x)
    assert vanilla_dropout_testing(x.astype(np.float32), 0.3).dtype == np.float32


def test_testing_of_vanilla_dropout_is_its_own_way_back(rng):
    x, weights = rng.normal(size=(2, 6, 7))
    numeric = numerical_gradient(lambda x: np.sum(weights * vanilla_dropout_testing(x, 0.3)), x)
    assert relative_error(vanilla_dropout_testing(weights, 0.3), numeric) < 1e-6
    with pytest.raises(ValueError, match="rate must be"):
        vanilla_dropout_testing(x, 1)


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
        total = lambda v: (v - w) ** 2 / 2 + amount * np.abs(v)  # noqa: E731
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
    total = lambda w: (w - best) @ hessian @ (w - best) / 2 + penalty(strength).loss(w)  # noqa: E731
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
