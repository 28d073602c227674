"""How a run went, from its logs alone."""

import numpy as np
import pytest

from helpers.clinic.progress import examine_progress

EPOCHS = np.arange(30)
CONVERGED = 0.3 + 2 * np.exp(-EPOCHS / 4)
FALLING = 2.3 * np.exp(-EPOCHS / 20)


def found(loss, **logs):
    return {one.code: one.severity for one in examine_progress({"loss": list(loss)} | logs)}


def test_a_run_that_has_converged_is_healthy(rng):
    assert found(CONVERGED) == {}
    assert found(CONVERGED * (1 + 0.05 * rng.standard_normal(30))) == {}
    assert found(CONVERGED, val_loss=list(CONVERGED + 0.1)) == {}


def test_a_loss_that_stands_still(rng):
    assert found(2.303 + 0.001 * rng.standard_normal(30)) == {"no_progress": "severe"}
    assert found(np.full(30, 2.303)) == {"no_progress": "severe"}
    assert found(np.linspace(2.303, 2.2, 30)) == {}


def test_a_run_that_ended_while_it_fell():
    assert found(FALLING) == {"still_learning": "mild"}
    assert found(FALLING, val_loss=list(FALLING + 0.1)) == {"still_learning": "mild"}


def test_a_training_loss_that_falls_while_validation_rises_is_another_illness():
    validation = np.abs(EPOCHS - 12) / 30 + 1
    assert found(FALLING, val_loss=list(validation)) == {}


def test_a_loss_that_jumps(rng):
    jumping = 2 + 1.5 * (-1.0) ** EPOCHS
    assert found(jumping) == {"oscillating_loss": "mild"}
    assert found(CONVERGED * (1 + 0.1 * (-1.0) ** EPOCHS)) == {}


@pytest.mark.parametrize("loss", [[], [2.3, 2.3], [2.3, np.nan, 2.0, 1.0, 1.0, 1.0], [0.0] * 9])
def test_too_little_to_judge(loss):
    assert found(loss) == {}


def test_the_words_tell_the_run():
    (told,) = examine_progress({"loss": list(FALLING)})
    assert "last 10 of 30 epochs" in told.meaning
    assert "epochs=120" in told.advice
