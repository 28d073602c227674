"""Training: how the gradient is clipped."""

import numpy as np
import pytest

from helpers import data
from helpers.networks import builders, training

SIZES = (784, *[100] * 40, 10)


# ReLU wanders: ln E[h²] gets the variance 5 / width at each layer, so that theory is tested on wide networks.
WIDE = (784, *[300] * 20, 10)


BROKEN = {
    "kept": builders.Design(),
    "Glorot": builders.Design(initializer="glorot_normal"),
    "He": builders.Design(initializer="he_normal"),
    "dropout": builders.Design(dropout=0.1),
    "alpha dropout": builders.Design(alpha_dropout=0.1),
    "alpha dropout, tanh": builders.Design("tanh", "glorot_normal", alpha_dropout=0.2),
}


@pytest.fixture(scope="module")
def batch():
    return data.load_batch(100, dtype=np.float64)


def test_clip_each_shrinks_every_array_by_itself(batch):
    net = builders.Design().stack((784, 20, 20, 10), rng=np.random.default_rng(0))
    gradients = net.loss_and_gradients(*batch)[1]
    norms = [np.linalg.norm(g) for g in training.clip_each(gradients, 0.01).of_parameters()]
    before = [np.linalg.norm(g) for g in gradients.of_parameters()]
    assert np.allclose(norms, np.minimum(before, 0.01))
    with pytest.raises(ValueError, match="positive, got 0"):
        training.clip_each(gradients, 0)
