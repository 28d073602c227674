"""One small training on inputs that are prepared in one way or another: what lesson 05 compares.

The same images, the same network, the same number of steps: only the inputs differ, and the learning rate
that suits them. `experiments.preprocessing` tunes it for every kind of inputs.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from helpers import data
from helpers.networks.builders import dense_stack
from helpers.networks.scoring import Scores, scores
from helpers.networks.stack import BatchNorm, Stack
from helpers.networks.training import train

IMAGES, HELD_OUT = 5000, 5000
HIDDEN = {"network": (50, 50), "linear": ()}  # ReLU units; a linear softmax model has none
STEPS, BATCH = 400, 50


class Images(NamedTuple):
    """Pixels from 0 to 255 as float64 (n, 784), and integer labels, in three parts."""

    x: np.ndarray
    y: np.ndarray
    x_valid: np.ndarray
    y_valid: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


@lru_cache(maxsize=1)
def images() -> Images:
    """Return training, validation and test images as they come from the file: pixels from 0 to 255."""
    split = data.load_split(IMAGES, standardize=False)
    parts = []
    for x, y in ((split.x, split.y), (split.x_valid, split.y_valid), (split.x_test, split.y_test)):
        parts += [np.rint(255 * x[:HELD_OUT].astype(np.float64)), y[:HELD_OUT]]
    for part in parts:
        part.flags.writeable = False
    return Images(*parts)


def trained(z, y, *, rate, seed=0, kind="network", batch_norm=False, steps=STEPS) -> Stack:
    """Return a network after `steps` steps on inputs `z` (n, features); `kind` is one of HIDDEN.

    Hidden units are ReLU with He's rule; with `batch_norm` a batch normalization comes before all layers.
    The seed draws the weights and the mini-batches. Raises ValueError for another kind.
    """
    if kind not in HIDDEN:
        raise ValueError(f"kind can't be {kind!r}; choose one of {', '.join(HIDDEN)}")
    z, features = np.asarray(z), np.shape(z)[1]
    net = dense_stack((features, *HIDDEN[kind], 10), rng=np.random.default_rng(seed), dtype=z.dtype)
    if batch_norm:
        net = Stack([BatchNorm(np.ones(features, z.dtype), np.zeros(features, z.dtype)), *net.layers])
    rng = np.random.default_rng(100 + seed)
    net.loss = train(net, z, y, learning_rate=rate, steps=steps, batch_size=BATCH, rng=rng)
    return net


def score(net, z, y) -> Scores:
    """Return accuracy, cross-entropy and calibration error of a network on inputs it has not seen."""
    with np.errstate(all="ignore"):
        return scores(net.logits(z), y)
