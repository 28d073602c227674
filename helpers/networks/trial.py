"""One training of the comparison of activations: a small network, one activation, one rate, one seed.

The studies of `experiments.activations` tune and score with it, and so does lesson 03's challenge. The images
are the patient's, standardized, and test images that nothing is chosen on.
"""

from functools import lru_cache

import numpy as np

from helpers import data
from helpers.networks.builders import dense_stack
from helpers.networks.mlp import MLP
from helpers.networks.patient import cured
from helpers.networks.scoring import scores
from helpers.networks.stack import Nonlinearity, PRelu, Stack
from helpers.networks.training import train
from helpers.numerics.activations import get_activation

WIDTH, TEST = 50, 4000
BATCH = 50


def trial(activation, rate, seed, *, hidden, steps, looks) -> dict:
    """Train a network with `hidden` layers of 50 units, and score it at `looks` evenly spaced steps.

    `activation` is a name or an `Activation`; its own initializer draws the weights. Returns
    {"validation": [Scores …], "test": [Scores …]}.
    """
    x, y, *held_out = images()
    model, rng = network(activation, hidden, seed), np.random.default_rng(100 + seed)
    found = {"validation": [], "test": []}

    def look(step, _loss, _gradients):
        if (step + 1) % (steps // looks) == 0:
            for which, new in zip(found, (held_out[:2], held_out[2:]), strict=True):
                found[which].append(scores(logits_of(model, new[0]), new[1]))

    train(model, x, y, learning_rate=rate, steps=steps, batch_size=BATCH, rng=rng, after_step=look)
    return found


def network(activation, hidden, seed):
    """Return the untrained network: an `MLP`, or for PReLU a `Stack` whose layers learn their slopes."""
    entry, sizes = get_activation(activation), (784, *[WIDTH] * hidden, 10)
    options = {"activation": entry, "initializer": entry.initializer, "rng": np.random.default_rng(seed)}
    if entry.name != "prelu":
        return MLP(sizes, **options)
    layers = dense_stack(sizes, **options).layers
    return Stack([PRelu() if isinstance(layer, Nonlinearity) else layer for layer in layers])


def logits_of(model, x) -> np.ndarray:
    """Return a network's logits; what overflows is not hidden."""
    with np.errstate(all="ignore"):
        return model.logits(x) if isinstance(model, Stack) else model.forward(x).logits


@lru_cache(maxsize=1)
def images():
    """Return images and labels to train with, to validate with, and to test with, standardized alike."""
    pixels = cured().images()[0] / 255
    mean, std = pixels.mean(), pixels.std()  # of the training images alone
    everything = data.load_fashion_mnist()
    x_test = (everything.x_test[:TEST].astype(float) - mean) / std
    return *cured("inputs").images(), x_test, everything.y_test[:TEST]
