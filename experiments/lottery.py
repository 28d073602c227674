"""Narrow deep ReLU networks are a lottery over seeds: their start, and what a short training makes of it."""

from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np

from experiments.numbers import rounded
from helpers import data
from helpers.networks.builders import DESIGNS
from helpers.networks.mlp import MLP
from helpers.networks.training import train
from helpers.signals.trace import trace

NETWORKS = {name: DESIGNS[name] for name in ("ReLU + He", "SELU + LeCun")}
SIZES = (784, *[100] * 100, 10)
SEEDS, TRAINED = 24, 10  # seeds whose start is measured, and the first of them, which are trained
IMAGES, VALIDATION, TRACED = 5000, 1000, 200
STEPS, BATCH, RATE, CLIP = 300, 64, 0.05, 1.0
TOLERANCE = 0.01  # of a log10 at the start: the same draws, rounded otherwise


@dataclass(frozen=True)
class Ticket:
    """The settings of one run: which network, which seed, and whether it is trained as well."""

    network: str
    seed: int
    trained: bool


def settings() -> list:
    """Return all runs, network by network."""
    return [Ticket(network, seed, seed < TRAINED) for network in NETWORKS for seed in range(SEEDS)]


def short() -> list:
    """Return the starts of a few seeds, without training."""
    return [Ticket(network, seed, False) for network in NETWORKS for seed in range(4)]


def run(ticket: Ticket) -> dict:
    """Return log10 of the last layer's std and the first layer's gradient norm, and what training gives."""
    x, y, x_valid, y_valid = images()
    design, rng = NETWORKS[ticket.network], np.random.default_rng(ticket.seed)
    options = {"activation": design.activation, "initializer": design.initializer, "dtype": np.float32}
    model = MLP(SIZES, **options, rng=rng)
    signals = trace(model, x[:TRACED], y[:TRACED], weights=False)
    ends = [signals.hidden[-1].std, signals.hidden[0].grad_z_norm, signals.loss]
    with np.errstate(all="ignore"):
        signal, gradient = rounded(np.log10(ends[:2]))
    given = {"signal": signal, "gradient": gradient, "loss_at_start": rounded(ends[2:])[0]}
    if ticket.trained:
        options = {"learning_rate": RATE, "steps": STEPS, "batch_size": BATCH, "clip_norm": CLIP}
        losses = train(model, x, y, **options, rng=rng)
        given["loss"] = rounded(losses.reshape(10, -1).mean(axis=1))
        given["accuracy"] = model.accuracy(x_valid, y_valid)
    return given


def merge(runs) -> dict:
    """Return what is stored: per network one number per seed, of the trained seeds a curve."""
    tickets = settings()
    networks = {}
    for name in NETWORKS:
        own = [one for ticket, one in zip(tickets, runs, strict=True) if ticket.network == name]
        networks[name] = {key: [one[key] for one in own] for key in ("signal", "gradient", "loss_at_start")}
        networks[name] |= {key: [one[key] for one in own[:TRAINED]] for key in ("loss", "accuracy")}
    return {
        "settings": {
            "hidden_layers": len(SIZES) - 2,
            "width": SIZES[1],
            "seeds": list(range(SEEDS)),
            "trained_seeds": list(range(TRAINED)),
            "traced_images": TRACED,
            "images": IMAGES,
            "validation_images": VALIDATION,
            "optimizer": "stochastic gradient descent without momentum",
            "learning_rate": RATE,
            "clip_norm": CLIP,
            "steps": STEPS,
            "batch_size": BATCH,
        },
        "meaning": "signal: log10 of the std of layer 100's activations; gradient: log10 of the gradient "
        "norm of layer 1's z; loss: means over 30 steps; accuracy: on validation images",
        "steps": [(k + 1) * STEPS // 10 for k in range(10)],
        "networks": networks,
    }


def faults(stored, tickets, runs) -> list:
    """Say which starts differ from the stored ones by more than the tolerance."""
    found = []
    for ticket, one in zip(tickets, runs, strict=True):
        for name in ("signal", "gradient"):
            known = stored["networks"][ticket.network][name][ticket.seed]
            if not abs(known - one[name]) <= TOLERANCE:
                found.append(f"{asdict(ticket)}: {name} {one[name]}, stored {known}")
    return found


@lru_cache(maxsize=1)
def images():
    """Return training images and labels, then validation images and labels."""
    x, y = data.load_batch(IMAGES + VALIDATION)
    return x[:IMAGES], y[:IMAGES], x[IMAGES:], y[IMAGES:]
