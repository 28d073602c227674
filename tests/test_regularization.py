"""Dropout and alpha dropout: what they keep on average, Keras's formula, and the way back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from helpers import regularization
from helpers.activations import selu
from helpers.gradcheck import numerical_gradient, relative_error
from helpers.regularization import (
    SELU_FLOOR,
    alpha_dropout_backward,
    alpha_dropout_forward,
    dropout_backward,
    dropout_forward,
)

PAIRS = [(dropout_forward, dropout_backward), (alpha_dropout_forward, alpha_dropout_backward)]
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
@pytest.mark.parametrize("forward", [*FORWARDS, lambda x, rate, rng: regularization.check_rate(rate)])
def test_rates_are_checked(forward, rate, rng):
    with pytest.raises(ValueError, match=f"rate must be 0 or more and below 1, got {rate}"):
        forward(np.ones((2, 2)), rate, rng=rng)
