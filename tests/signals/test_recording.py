"""Recorded training of a NumPy network: it trains, and what is recorded is that of the step."""

import numpy as np
import pytest

from helpers import data
from helpers.networks import builders
from helpers.signals import recording

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


def test_recorded_training_trains_and_records(batch):
    net = builders.Design().stack((784, 20, 20, 10), rng=np.random.default_rng(0))
    W = net.layers[0].W.copy()
    rng = np.random.default_rng(1)
    run = recording.recorded_training(net, *batch, learning_rate=0.1, steps=21, every=10, rng=rng)
    assert list(run.steps) == [0, 10, 20]
    assert run.grad_W_norm.shape == run.ratio.shape == (3, 3)
    assert (run.counts.sum(axis=2) == 64 * np.array([20, 20, 10])).all()
    assert run.loss[-1] < run.loss[0]
    assert not np.array_equal(W, net.layers[0].W)
    assert "done" in repr(run)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        recording.recorded_training(net, *batch, learning_rate=0.1, steps=1, every=0, rng=rng)


def test_the_recorded_ratio_is_that_of_the_step(batch):
    x, y = (part[:64] for part in batch)
    net = builders.Design().stack((784, 20, 10), rng=np.random.default_rng(0))
    W = net.layers[0].W.copy()
    run = recording.recorded_training(net, x, y, learning_rate=0.5, steps=1, rng=np.random.default_rng(1))
    assert run.ratio[0, 0] == pytest.approx(np.linalg.norm(net.layers[0].W - W) / np.linalg.norm(W))
