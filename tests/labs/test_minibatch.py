"""The mini-batch lab: three paths on one loss surface are those of the descent."""

import numpy as np
import pytest

from helpers import labs
from helpers.labs.minibatch import LOSS_SHOWN, START, outside
from helpers.networks import two_weights
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def paths():
    return labs.minibatch_lab()


@pytest.fixture(scope="module")
def examples():
    return two_weights.brightness_of_dresses_and_shirts()


def test_paths_and_losses_are_what_is_read_out(paths, examples):
    paths.set(batch=16, rate=1, epochs=2, seed=0)
    for name, updates in (("full", 2), ("mini", 32), ("single", 512)):
        path = paths.paths[name].get_xydata()
        assert len(path) == updates + 1
        assert tuple(path[0]) == START
        losses = two_weights.logistic_loss(path, *examples)
        assert np.allclose(paths.curves[name].get_ydata(), np.minimum(losses, LOSS_SHOWN))
        assert paths.numbers[f"loss_{name}"] == pytest.approx(losses[-1])
        assert f"{updates} updates" in paths.words[name].get_text()
    one_step = np.array(START) - two_weights.logistic_gradient(np.array(START), *examples)
    assert paths.paths["full"].get_xydata()[1] == pytest.approx(one_step)


def test_a_batch_of_one_and_of_all_are_the_other_paths(paths):
    paths.set(batch=1, rate=1, epochs=2, seed=0)
    assert np.array_equal(paths.paths["mini"].get_xydata(), paths.paths["single"].get_xydata())
    assert "same" in paths._message.get_text()
    paths.set(batch=256)
    assert np.allclose(paths.paths["mini"].get_xydata(), paths.paths["full"].get_xydata())
    assert "same" in paths._message.get_text()


def test_the_seed_changes_the_noisy_paths_only(paths):
    paths.set(batch=16, rate=1, epochs=2, seed=0)
    before = {name: line.get_xydata().copy() for name, line in paths.paths.items()}
    paths.set(seed=1)
    same = {name: np.allclose(line.get_xydata(), before[name]) for name, line in paths.paths.items()}
    assert same == {"full": True, "mini": False, "single": False}


def test_steps_that_are_too_long_are_told(paths):
    paths.set(batch=16, rate=30, epochs=2, seed=0)
    assert "3 of 3 paths leave" in paths._message.get_text()
    assert paths.curves["single"].get_ydata().max() == LOSS_SHOWN < paths.numbers["loss_single"]
    paths.set(rate=0)
    assert "no path moves" in paths._message.get_text()
    assert outside(np.array([[0.0, 0.0], [9.0, 0.0]]))
    assert not outside(np.array([[0.0, 0.0]]))


def test_every_control_moves_the_picture():
    assert idle_controls(labs.minibatch_lab()) == []
