"""Losses along a line: slopes against differences, directions of the right length, the model left alone."""

import numpy as np
import pytest

from helpers.networks.landscape import losses_along, random_direction, turns
from helpers.networks.mlp import MLP


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    model = MLP((6, 5, 5, 3), activation="tanh", initializer="glorot_normal", rng=rng)
    return model, rng.standard_normal((20, 6)), rng.integers(0, 3, 20)


def test_a_direction_is_as_long_as_each_layer(case):
    model, *_ = case
    direction = random_direction(model, np.random.default_rng(1))
    for D, W in zip(direction, model.weights, strict=True):
        assert np.linalg.norm(D) == pytest.approx(np.linalg.norm(W))
        assert abs(np.sum(D * W)) < 0.9 * np.sum(W * W)


def test_a_layer_of_zeros_stays_put():
    model = MLP((4, 3, 2), initializer="zeros", rng=np.random.default_rng(0))
    assert all(not D.any() for D in random_direction(model, np.random.default_rng(1)))


def test_the_loss_at_distance_0_is_the_models_and_the_model_stays(case):
    model, x, y = case
    before = [W.copy() for W in model.weights]
    direction = random_direction(model, np.random.default_rng(1))
    losses = losses_along(model, direction, (-1, 0, 1), x, y)
    assert losses[1] == model.loss_and_gradients(x, y)[0]
    assert losses[0] != losses[1] != losses[2]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.weights, strict=True))


def test_the_model_stays_even_when_the_batch_does_not_fit(case):
    model, x, y = case
    weights = model.weights
    with pytest.raises(ValueError, match="shape"):
        losses_along(model, random_direction(model, np.random.default_rng(1)), (0.5,), x[:, :2], y)
    assert model.weights is weights


@pytest.mark.parametrize(
    ("curve", "wanted"),
    [([1, 2, 3], 0), ([1, 2, 1], 1), ([1, 2, 2, 1], 1), ([1, 1, 1], 0), ([0, 1, 0, 1, 0], 3)],
)
def test_turns(curve, wanted):
    assert turns(np.array(curve, float)) == wanted
