"""All masks of a small network: how many, how likely, and where their average is the whole network."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.numerics.dropout import (
    all_masks,
    dropout_forward,
    mask_probabilities,
    thinned_layers,
    thinned_outputs,
)


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


def test_bad_input_is_named():
    for units in (0, 17):
        with pytest.raises(ValueError, match=f"units must lie in 1 … 16, got {units}"):
            all_masks(units)
    with pytest.raises(ValueError, match="rate must be"):
        mask_probabilities(all_masks(2), 1)
    with pytest.raises(ValueError, match="masks must have 6 units, got 5"):
        thinned_outputs(np.ones(3), weights_of((3, 6, 2)), all_masks(5))
