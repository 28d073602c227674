"""Ten ways to prepare inputs, for a small network and a linear model, each tuned alike (lesson 05).

Every way has its own learning rate; the floor of "per pixel" and the ε of both whitenings are tuned with it.
All is fitted on the training images alone.
"""

from functools import lru_cache

import numpy as np

from experiments.fair import Contender, Study
from helpers.networks import prepared
from helpers.networks.tuning import Knob, decades
from helpers.numerics.preprocessing import principal_axes

BATCH_NORM = " + batch norm"  # of a contender: one comes before all other layers
RATES = decades(-9, 2)
FLOOR = Knob(decades(-3, 1), (2, 5))  # under a pixel's standard deviation, pixels running from 0 to 1
EPS = Knob(decades(-5, 3), (4, 8))  # added to the variances of pixels from 0 to 1


def rates(middle, beside=2) -> Knob:
    """Return the learning rates to begin with: `beside` rungs on each side of one of them."""
    place = RATES.index(middle)
    return Knob(RATES, (place - beside, place + beside + 1))


CONTENDERS = {
    "raw": Contender({"rate": rates(1e-6)}),
    "centered": Contender({"rate": rates(1e-6)}),
    "scaled": Contender({"rate": rates(0.1)}),
    "centered + scaled": Contender({"rate": rates(0.1)}),
    "standardized": Contender({"rate": rates(0.03)}),
    "per pixel": Contender({"floor": FLOOR, "rate": rates(0.03, 1)}),
    "PCA-whitened": Contender({"eps": EPS, "rate": rates(0.03, 1)}),
    "ZCA": Contender({"eps": EPS, "rate": rates(0.03, 1)}),
    "raw + batch norm": Contender({"rate": rates(0.1)}),
    "standardized + batch norm": Contender({"rate": rates(0.1)}),
}


def train_network(contender, setting, seed) -> dict:
    """Train the small ReLU network on inputs prepared in one way."""
    return _train("network", contender, setting, seed)


def train_linear(contender, setting, seed) -> dict:
    """Train the linear softmax model on inputs prepared in one way."""
    return _train("linear", contender, setting, seed)


def _train(kind, contender, setting, seed):
    own = {name: value for name, value in setting.items() if name != "rate"}
    way = contender.removesuffix(BATCH_NORM)
    z, z_valid, z_test = inputs(way, *own.values())
    given = prepared.images()
    options = {"kind": kind, "batch_norm": contender.endswith(BATCH_NORM)}
    net = prepared.trained(z, given.y, rate=setting["rate"], seed=seed, **options)
    return {
        "validation": [prepared.score(net, z_valid, given.y_valid)],
        "test": [prepared.score(net, z_test, given.y_test)],
    }


@lru_cache(maxsize=2)
def inputs(way, knob=None) -> tuple:
    """Return training, validation and test images prepared in one way, as float32 (n, 784)."""
    given = prepared.images()
    parts = given.x, given.x_valid, given.x_test
    if way in ("PCA-whitened", "ZCA"):
        variances, V, turned = _turned()
        white = [part / np.sqrt(variances + knob) for part in turned]
        return tuple((z @ V.T if way == "ZCA" else z).astype(np.float32) for z in white)
    mean, std = given.x.mean(axis=0), given.x.std(axis=0)
    shift, scale = {
        "raw": (0, 1),
        "centered": (mean, 1),
        "scaled": (0, 255),
        "centered + scaled": (mean, 255),
        "standardized": (given.x.mean(), given.x.std()),
        "per pixel": (mean, np.maximum(std, 255 * (knob or 0))),
    }[way]
    return tuple(((part - shift) / scale).astype(np.float32) for part in parts)


@lru_cache(maxsize=1)
def _turned():
    """The variances, the axes, and all three parts on the axes, of centered pixels from 0 to 1."""
    given = prepared.images()
    mean, variances, V = principal_axes(given.x / 255)
    return variances, V, [(part / 255 - mean) @ V for part in (given.x, given.x_valid, given.x_test)]


def study(name, train) -> Study:
    """Return the comparison for one kind of model."""
    return Study(
        name,
        CONTENDERS,
        train,
        tuning_seeds=(100, 101, 102),
        seeds=tuple(range(10)),
        told={
            "images": prepared.IMAGES,
            "validation_images": prepared.HELD_OUT,
            "test_images": prepared.HELD_OUT,
            "steps": prepared.STEPS,
            "batch_size": prepared.BATCH,
            "hidden": list(prepared.HIDDEN[train.__name__.removeprefix("train_")]),
            "optimizer": "stochastic gradient descent without momentum",
        },
        tolerance=0.05,
        repeated=("standardized", "ZCA"),
    )


NETWORK = study("preprocessing", train_network)
LINEAR = study("preprocessing_linear", train_linear)
