"""How well a classifier does on images it has not seen: accuracy, cross-entropy and calibration error."""

from typing import NamedTuple

import numpy as np

from helpers.networks.mlp import cross_entropy

BINS = 15  # of the confidence, as Guo et al. 2017


class Scores(NamedTuple):
    """The share of images classed right, the mean cross-entropy in nats, and the calibration error."""

    accuracy: float
    loss: float
    calibration_error: float


def scores(logits, y) -> Scores:
    """Return the scores of logits, shape (images, classes), for integer labels y, shape (images,).

    Logits that are not finite score as a network that is always wrong: accuracy 0, the other two infinite.
    Raises ValueError as `cross_entropy` does.
    """
    logits = np.asarray(logits, np.float64)
    if not np.isfinite(logits).all():
        return Scores(0.0, np.inf, np.inf)
    accuracy = float(np.mean(logits.argmax(axis=1) == y))
    return Scores(accuracy, cross_entropy(logits, y)[0], calibration_error(_softmax(logits), y))


def calibration_error(probabilities, y, bins=BINS) -> float:
    """Return the expected calibration error Σ n_b / n · |accuracy_b − confidence_b| over bins of confidence.

    The confidence of an image is its largest probability; `bins` of equal width part [0, 1]. 0 says that of
    the images that the network is 70 % sure of, 70 % are classed right. Source: Guo et al. 2017,
    arXiv:1706.04599, equation 3.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(place, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def _softmax(logits):
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)
