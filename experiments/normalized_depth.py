"""Why a hundred layers with batch normalization don't train: one thing changed at a time (lesson 08).

As it is: ReLU, He's weights, batch normalization before every ReLU, gradient descent, one clip for all arrays
together. Validation images are scored with their own batch's statistics, as in training, so that moving
averages, which a short run has not filled yet, play no part.
"""

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from experiments.numbers import rounded
from helpers import data
from helpers.networks.builders import DESIGNS
from helpers.networks.mlp import cross_entropy
from helpers.networks.stack import BatchNorm, Dense, Nonlinearity, Stack
from helpers.networks.training import clip_by_norm, clip_each
from helpers.numerics.activations import get_activation
from helpers.numerics.initializers import get_initializer
from helpers.signals.flow import flow

SIZES = (784, *[100] * 100, 10)
SEEDS = (0, 1, 2, 3, 4)
RATES = (0.003, 0.03, 0.3)  # all are told, none is chosen
IMAGES, VALIDATION, MEASURED = 3000, 1000, 100
STEPS, BATCH, CLIP = 120, 64, 1.0
WARM_UP = 0.5  # share of the run in which the rate rises from 0
EVERY = 10  # so many layers share one batch normalization where they are rare
SMALLER, FROM = 0.1, 50  # the factor on the weights of the layers after this one
TOLERANCE = 0.02  # of a log10 at the start: the same draws, rounded otherwise
NORMALIZED = DESIGNS["ReLU + He + batch norm"]


def as_it_is(rng) -> Stack:
    """Return the network with batch normalization before each of its hundred ReLUs."""
    return NORMALIZED.stack(SIZES, rng=rng, dtype=np.float32)


def with_skips(rng) -> Stack:
    """Return the same layers, each with its input added: h + F(h)."""
    return replace(NORMALIZED, skips=True).stack(SIZES, rng=rng, dtype=np.float32)


def without_normalization(rng) -> Stack:
    """Return the same network without any batch normalization."""
    return DESIGNS["ReLU + He"].stack(SIZES, rng=rng, dtype=np.float32)


def smaller_weights(rng) -> Stack:
    """Return the network with smaller weights in its upper half."""
    net = as_it_is(rng)
    dense = [layer for layer in net.flat() if layer.kind == "dense"]
    for layer in dense[FROM:-1]:
        layer.W *= np.float32(SMALLER)
    return net


def rarely_normalized(rng) -> Stack:
    """Return the network with batch normalization at every tenth layer only."""
    draw, relu, layers = get_initializer("he_normal"), get_activation("relu"), []
    for place, shape in enumerate(pairwise(SIZES)):
        W, size = draw(shape, rng=rng).astype(np.float32), shape[1]
        if place == len(SIZES) - 2:
            return Stack([*layers, Dense(W, np.zeros(size, np.float32))], rng=rng)
        normalized = place % EVERY == 0
        layers.append(Dense(W, None if normalized else np.zeros(size, np.float32)))
        if normalized:
            layers.append(BatchNorm(np.ones(size, np.float32), np.zeros(size, np.float32)))
        layers.append(Nonlinearity(relu))
    raise ValueError("a network needs an output layer")


def steps_like_weights(gradients, limit):
    """Return the gradients, each array scaled to the length of the array that it changes (You et al. 2017).

    An array of zeros, such as β before the first step, counts as one of ones.
    """

    def scaled(array, gradient):
        length, steepness = np.linalg.norm(array) or np.sqrt(array.size), np.linalg.norm(gradient)
        return gradient * gradient.dtype.type(length / steepness if steepness else 0)

    parameters = {
        layer: {name: scaled(getattr(layer, name), gradient) for name, gradient in own.items()}
        for layer, own in gradients.parameters.items()
    }
    return type(gradients)(parameters)


CHANGES = {  # what is changed → (network, how gradients are limited, whether the rate rises slowly)
    "as it is": (as_it_is, clip_by_norm, False),
    "each array clipped by itself": (as_it_is, clip_each, False),
    "a slow warm-up, each clipped": (as_it_is, clip_each, True),
    "each step as long as its weights": (as_it_is, steps_like_weights, False),
    "smaller weights from layer 51 on": (smaller_weights, clip_by_norm, False),
    "batch norm at every tenth layer": (rarely_normalized, clip_by_norm, False),
    "a skip over every layer": (with_skips, clip_by_norm, False),
    "no batch norm at all": (without_normalization, clip_by_norm, False),
}


@dataclass(frozen=True)
class Changed:
    """The settings of one run: what is changed, the rate, the seed, and whether it is trained as well."""

    change: str
    rate: float
    seed: int
    steps: int = STEPS


def settings() -> list:
    """Return all runs, change by change, rate by rate."""
    return [Changed(change, rate, seed) for change in CHANGES for rate in RATES for seed in SEEDS]


def short() -> list:
    """Return the starts of three of the networks, without training."""
    names = ("as it is", "smaller weights from layer 51 on", "a skip over every layer")
    return [Changed(name, RATES[0], SEEDS[0], steps=0) for name in names]


def run(changed: Changed) -> dict:
    """Return log10 of the gradient's growth at the start, and validation loss and accuracy at the end."""
    build, limited, rises = CHANGES[changed.change]
    rng = np.random.default_rng(changed.seed)
    net, (x, y, x_valid, y_valid) = build(rng), images()
    with np.errstate(all="ignore"):
        measured = flow(net, x[:MEASURED], y[:MEASURED]).grad_z_norm
        given = {"growth": rounded([np.log10(measured[0] / measured[-1])])[0]}
        for step in range(changed.steps):
            rows = rng.choice(len(x), BATCH, replace=False)
            _, gradients = net.loss_and_gradients(x[rows], y[rows])
            rate = changed.rate * (min(1, step / (WARM_UP * changed.steps)) if rises else 1)
            net.step(limited(gradients, CLIP), rate)
        logits = net.forward(x_valid, training=True)[-1].output
        given["loss"] = rounded([cross_entropy(logits, y_valid)[0]])[0]
        given["accuracy"] = float(np.mean(logits.argmax(axis=1) == y_valid))
    return given


def merge(runs) -> dict:
    """Return what is stored: per change the growth of each seed, and (rates, seeds) of loss and accuracy."""
    every, shape = len(RATES) * len(SEEDS), (len(RATES), len(SEEDS))
    changes = {}
    for place, change in enumerate(CHANGES):
        own = runs[place * every : (place + 1) * every]
        changes[change] = {"growth": [one["growth"] for one in own[: len(SEEDS)]]}
        for name in ("loss", "accuracy"):
            values = np.array([one[name] for one in own], dtype=object).reshape(shape)
            changes[change][name] = values.tolist()
    return {
        "settings": {
            "seeds": list(SEEDS),
            "rates": list(RATES),
            "steps": STEPS,
            "batch_size": BATCH,
            "images": IMAGES,
            "validation_images": VALIDATION,
            "clip_norm": CLIP,
            "warm_up": WARM_UP,
        },
        "meaning": "growth: log10 of the norm of dz at layer 1 over that at layer 100, before training; loss "
        "and accuracy: validation images after training, (rates, seeds)",
        "changes": changes,
    }


def faults(stored, trials, runs) -> list:
    """Say which starts differ from the stored ones by more than the tolerance."""
    found = []
    for trial, one in zip(trials, runs, strict=True):
        known = stored["changes"][trial.change]["growth"][SEEDS.index(trial.seed)]
        if not abs(known - one["growth"]) <= TOLERANCE:
            found.append(f"{asdict(trial)}: growth {one['growth']}, stored {known}")
    return found


@lru_cache(maxsize=1)
def images():
    """Return training images and labels, then validation images and labels."""
    x, y = data.load_batch(IMAGES + VALIDATION)
    return x[:IMAGES], y[:IMAGES], x[IMAGES:], y[IMAGES:]
