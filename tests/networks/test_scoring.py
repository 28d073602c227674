"""Accuracy, loss and calibration error of logits."""

import numpy as np
import pytest

from helpers.networks.mlp import cross_entropy
from helpers.networks.scoring import calibration_error, scores


def test_a_network_that_is_sure_and_right(rng):
    y = rng.integers(0, 10, 50)
    found = scores(100 * np.eye(10)[y], y)
    assert found.accuracy == 1
    assert found.loss == pytest.approx(0, abs=1e-12)
    assert found.calibration_error == pytest.approx(0, abs=1e-12)


def test_a_network_that_is_sure_and_half_the_time_wrong():
    y = np.array([0, 1, 0, 1])
    found = scores(np.tile([50.0, 0.0], (4, 1)), y)
    assert found.accuracy == 0.5
    assert found.calibration_error == pytest.approx(0.5)
    assert found.loss == pytest.approx(25)


def test_the_loss_is_the_cross_entropy(rng):
    logits, y = rng.normal(size=(30, 4)), rng.integers(0, 4, 30)
    assert scores(logits, y).loss == cross_entropy(logits, y)[0]


def test_the_calibration_error_by_hand():
    """Two bins: of two images at 0.6 one is right (0.1 off), of two at 0.9 both are (0.1 off)."""
    sure = np.array([[0.6, 0.4], [0.6, 0.4], [0.9, 0.1], [0.1, 0.9]])
    assert calibration_error(sure, np.array([0, 1, 0, 1])) == pytest.approx(0.1)


def test_labels_drawn_from_the_probabilities_are_calibrated(rng):
    probabilities = rng.dirichlet(np.ones(3), 200_000)
    y = (rng.random((len(probabilities), 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    assert calibration_error(probabilities, y) < 0.01
    sharper = probabilities**3 / (probabilities**3).sum(axis=1, keepdims=True)
    assert calibration_error(sharper, y) > 0.1


def test_logits_that_overflowed_score_as_always_wrong():
    found = scores(np.array([[np.nan, 1.0]]), np.array([1]))
    assert found == (0, np.inf, np.inf)
