"""The races of starts: networks as they are told, and a run that learns."""

import numpy as np
import pytest

from experiments import initializations
from helpers.networks import comparison


def test_the_images_are_standardized_by_the_training_pixels():
    (x, y), (x_valid, _), (x_test, _) = initializations.images()
    assert len(x) == len(y) == initializations.IMAGES
    assert abs(float(x.mean(dtype=float))) < 1e-3
    assert abs(float(x.std(dtype=float)) - 1) < 1e-3
    assert len(x_valid) == 5000
    assert len(x_test) == 10_000


@pytest.mark.slow
def test_a_sound_start_learns_and_a_small_one_does_not(monkeypatch):
    monkeypatch.setattr(initializations, "STEPS", 60)
    sound = initializations.train_network("tanh, Glorot", {"rate": 0.03}, 0)["validation"][0]
    small = initializations.train_network("tanh, N(0, 0.01²)", {"rate": 0.03}, 0)["validation"][0]
    assert sound.loss < 2 < small.loss
    block = initializations.train_residual("3 blocks, zeroed", {"rate": 0.03}, 0)["test"][0]
    assert block.loss < 1.5


@pytest.mark.parametrize("name", ["initializations", "residual_starts"])
def test_what_is_stored_has_all_contenders_and_seeds(name):
    stored = comparison.load(name)
    wanted = {"initializations": initializations.NETWORKS, "residual_starts": initializations.RESIDUAL}[name]
    assert list(stored) == list(wanted)
    for contender in stored:
        assert len(stored.test(contender)) == len(initializations.SEEDS)
        assert np.isfinite(stored.test(contender)).all()
