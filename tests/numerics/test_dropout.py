"""Dropout in all its forms: what it keeps on average, Keras's layers, ways back, and all masks at once."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from helpers.numerics.activations import SELU_FLOOR, selu
from helpers.numerics.dropout import (
    Connections,
    all_masks,
    alpha_dropout_forward,
    check_rate,
    drop_connect_backward,
    drop_connect_forward,
    dropout_backward,
    dropout_forward,
    linear_decay,
    mask_probabilities,
    stochastic_depth_forward,
    stochastic_depth_testing,
    thinned_layers,
    thinned_outputs,
    vanilla_dropout_forward,
    vanilla_dropout_testing,
)
from helpers.numerics.gradcheck import numerical_gradient, relative_error

SEED = 4
PROBABILITIES = st.floats(0, 1)
PAIRS = [
    (dropout_forward, dropout_backward),
    (vanilla_dropout_forward, dropout_backward),
    (alpha_dropout_forward, dropout_backward),
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

    def again(x):
        return forward(x, rate, rng=np.random.default_rng(5))

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

    def pick(seed):
        return forward(x, 0.5, rng=np.random.default_rng(seed))[0]

    assert np.array_equal(pick(1), pick(1))
    assert not np.array_equal(pick(1), pick(2))


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, float("nan")])
@pytest.mark.parametrize("forward", [*FORWARDS, lambda x, rate, rng: check_rate(rate)])
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


def fixed():
    """The same draws at every call, as a gradient check needs them."""
    return np.random.default_rng(SEED)


# DropConnect


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.8])
def test_drop_connect_against_central_differences(rate, rng):
    x, W, b = rng.normal(size=(6, 5)), rng.normal(size=(5, 4)), rng.normal(size=4)
    weight = rng.normal(size=(6, 4))

    def run(x, W, b):
        return drop_connect_forward(x, W, b, rate, rng=fixed())

    gradients = drop_connect_backward(weight, run(x, W, b)[1])
    for place, got in enumerate(gradients):
        arguments = [x, W, b]

        def loss(value, place=place, arguments=arguments):
            return np.sum(weight * run(*arguments[:place], value, *arguments[place + 1 :])[0])

        assert relative_error(got, numerical_gradient(loss, arguments[place])) < 1e-6


def test_a_dropped_weight_gets_no_gradient_and_kept_ones_are_scaled(rng):
    x, W = rng.normal(size=(6, 50)), 1 + rng.random((50, 40))
    z, cache = drop_connect_forward(x, W, None, 0.25, rng=rng)
    kept = cache.mask.kept
    np.testing.assert_allclose(cache.W, W * kept / 0.75)
    np.testing.assert_allclose(z, x @ cache.W)
    _, dW, _ = drop_connect_backward(np.ones((6, 40)), cache)
    assert (dW[~kept] == 0).all()
    assert (dW[kept] != 0).all()
    assert kept.mean() == pytest.approx(0.75, abs=5 * np.sqrt(0.25 * 0.75 / W.size))


def test_the_way_back_of_testing_is_that_of_a_dense_layer(rng):
    x, W, dz = rng.normal(size=(6, 5)), rng.normal(size=(5, 4)), rng.normal(size=(6, 4))
    dx, dW, db = drop_connect_backward(dz, Connections(x, W, None))
    np.testing.assert_allclose(dx, dz @ W.T)
    np.testing.assert_allclose(dW, x.T @ dz)
    np.testing.assert_allclose(db, dz.sum(axis=0))


@settings(max_examples=20)
@given(rate=st.floats(0, 0.9), seed=st.integers(0, 2**32))
def test_the_expectation_of_drop_connect_is_the_dense_layer(rate, seed):
    rng = np.random.default_rng(seed)
    x, W, b = rng.normal(size=(2, 8)), rng.normal(size=(8, 3)), rng.normal(size=3)
    z = np.array([drop_connect_forward(x, W, b, rate, rng=rng)[0] for _ in range(3000)])
    error = np.sqrt(
        rate / (1 - rate) * (x**2) @ (W**2) / len(z)
    )  # one mask entry has the variance p / (1 − p)
    assert (np.abs(z.mean(axis=0) - x @ W - b) <= 5 * error + 1e-9).all()


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5])
def test_rates_of_drop_connect_are_checked(rate, rng):
    with pytest.raises(ValueError, match="rate must be 0 or more and below 1"):
        drop_connect_forward(np.ones((2, 3)), np.ones((3, 2)), None, rate, rng=rng)


# Stochastic depth


@settings(max_examples=25)
@given(survival=PROBABILITIES, seed=st.integers(0, 2**32))
def test_the_mean_of_training_is_the_testing_output(survival, seed):
    rng = np.random.default_rng(seed)
    h, branch = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    out = np.array([stochastic_depth_forward(h, branch, survival, rng=rng)[0] for _ in range(2000)])
    error = np.abs(branch) * np.sqrt(survival * (1 - survival) / len(out))
    wanted = stochastic_depth_testing(h, branch, survival)
    assert (np.abs(out.mean(axis=0) - wanted) <= 5 * error + 1e-9).all()


@pytest.mark.parametrize("survival", [0, 1])
def test_the_whole_batch_lives_or_dies_together(survival, rng):
    h, branch = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
    out, alive = stochastic_depth_forward(h, branch, survival, rng=rng)
    np.testing.assert_array_equal(out, h + survival * branch)
    assert alive == survival
    ways = [stochastic_depth_forward(h, branch, 0.5, rng=rng)[0] for _ in range(20)]
    assert {np.array_equal(out, h) for out in ways} == {True, False}
    assert all(np.array_equal(out, h) or np.array_equal(out, h + branch) for out in ways)


def test_survival_falls_linearly_to_the_last_block():
    np.testing.assert_allclose(linear_decay(5), [0.9, 0.8, 0.7, 0.6, 0.5])
    np.testing.assert_allclose(linear_decay(1, 0.3), [0.3])
    assert linear_decay(54).sum() == pytest.approx(40.25)  # the paper's 110 layers: "L̃ ≈ 40" of 54 blocks


@pytest.mark.parametrize("survival", [-0.1, 1.1, np.nan])
def test_survival_is_checked(survival, rng):
    h = np.zeros((2, 2))
    for refuse in (
        lambda: stochastic_depth_forward(h, h, survival, rng=rng),
        lambda: stochastic_depth_testing(h, h, survival),
        lambda: linear_decay(3, survival),
    ):
        with pytest.raises(ValueError, match="survival must lie in 0 … 1"):
            refuse()
    with pytest.raises(ValueError, match="blocks must be 1 or more, got 0"):
        linear_decay(0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_are_kept(dtype, rng):
    x, W = (rng.random((4, 4)).astype(dtype) for _ in range(2))
    z, cache = drop_connect_forward(x, W, W[0], 0.5, rng=rng)
    assert {array.dtype for array in (z, *drop_connect_backward(z, cache))} == {np.dtype(dtype)}
    out, _ = stochastic_depth_forward(x, W, 0.5, rng=rng)
    assert {array.dtype for array in (out, stochastic_depth_testing(x, W, 0.5))} == {np.dtype(dtype)}


# All masks at once


def weights_of(sizes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in pairwise(sizes)]


@pytest.mark.parametrize("units", [1, 4, 10])
def test_every_mask_occurs_once(units):
    masks = all_masks(units)
    assert {tuple(mask) for mask in masks.tolist()} == set(product((False, True), repeat=units))
    assert len(masks) == 2**units


@settings(max_examples=20)
@given(rate=st.floats(0, 0.99), units=st.integers(1, 10))
def test_probabilities_sum_to_1_and_each_unit_is_on_as_often_as_asked(rate, units):
    masks = all_masks(units)
    chances = mask_probabilities(masks, rate)
    assert chances.sum() == pytest.approx(1)
    np.testing.assert_allclose(chances @ masks, 1 - rate)


@settings(max_examples=20)
@given(rate=st.floats(0, 0.95), seed=st.integers(0, 1000))
def test_with_one_hidden_layer_the_average_is_the_whole_network(rate, seed):
    x, weights, masks = np.ones(3), weights_of((3, 6, 2), seed), all_masks(6)
    whole = thinned_outputs(x, weights, np.ones((1, 6), bool))[0]
    chances = mask_probabilities(masks, rate)
    inverted = chances @ thinned_outputs(x, weights, masks, 1 / (1 - rate))
    vanilla = chances @ thinned_outputs(x, weights, masks)
    np.testing.assert_allclose(inverted, whole, atol=1e-9)
    np.testing.assert_allclose(vanilla, (1 - rate) * whole, atol=1e-9)


def test_with_two_it_is_not_but_near():
    x, masks, chances, apart, spread = (
        np.ones(5),
        all_masks(10),
        mask_probabilities(all_masks(10), 0.5),
        [],
        [],
    )
    for seed in range(20):
        weights = weights_of((5, 5, 5, 1), seed)
        outputs = thinned_outputs(x, weights, masks, 2)[:, 0]
        apart.append(chances @ outputs - thinned_outputs(x, weights, np.ones((1, 10), bool))[0, 0])
        spread.append(chances @ (outputs - chances @ outputs) ** 2)
    assert 0.01 * np.mean(spread) < np.mean(np.square(apart)) < 0.1 * np.mean(spread)


def test_one_mask_is_the_network_with_these_units_off():
    x, (A, B, C) = np.arange(3.0), weights_of((3, 4, 2, 1))
    mask = np.array([[True, False, True, True, False, True]])
    first, second, out = thinned_layers(x, (A, B, C), mask, factor=2)
    np.testing.assert_allclose(first, 2 * mask[:, :4] * np.maximum(x @ A, 0)[None])
    np.testing.assert_allclose(second, 2 * mask[:, 4:] * np.maximum(first @ B, 0))
    np.testing.assert_allclose(out, second @ C)


def test_drawn_masks_come_near_the_exact_average():
    x, (A, B, C), rng = np.ones(4), weights_of((4, 5, 5, 1)), np.random.default_rng(0)
    h, _ = dropout_forward(np.maximum(np.tile(x, (40_000, 1)) @ A, 0), 0.3, rng=rng)
    outputs = dropout_forward(np.maximum(h @ B, 0), 0.3, rng=rng)[0] @ C
    masks = all_masks(10)
    exact = mask_probabilities(masks, 0.3) @ thinned_outputs(x, (A, B, C), masks, 1 / 0.7)
    assert abs(outputs.mean() - exact.item()) < 4 * outputs.std() / 200


def test_masks_that_do_not_fit_are_named():
    for units in (0, 17):
        with pytest.raises(ValueError, match=f"units must lie in 1 … 16, got {units}"):
            all_masks(units)
    with pytest.raises(ValueError, match="rate must be"):
        mask_probabilities(all_masks(2), 1)
    with pytest.raises(ValueError, match="masks must have 6 units, got 5"):
        thinned_outputs(np.ones(3), weights_of((3, 6, 2)), all_masks(5))
