"""Activations, each at its own best rate, in three layers and in ten; and what they cost (lesson 03).

"sigmoid − ½" and "4 × sigmoid" change one thing about the sigmoid alone, "4 × (sigmoid − ½)" both: what it is
centered on, and how steep it is.
"""

import platform
from functools import partial

import numpy as np

from experiments.fair import Contender, Study
from helpers.networks import patient, trial
from helpers.networks.mlp import MLP
from helpers.networks.tuning import Knob, decades
from helpers.numerics.activation_table import COMPARED, best_times, relative_costs
from helpers.numerics.activations import ACTIVATIONS, reshaped

RATE = Knob(decades(-4, 3), (5, 9))  # 0.03 to 1 at first
TOLD = {
    "sizes": [784, "hidden × 50", 10],
    "optimizer": "stochastic gradient descent without momentum",
    "weights": "by each activation's own initialization",
    "scored": "at the look with the lowest validation loss",
    "batch_size": trial.BATCH,
    "images": patient.IMAGES,
    "validation_images": patient.VALIDATION,
    "test_images": trial.TEST,
}
TUNING, SEEDS = (100, 101, 102), (0, 1, 2, 3, 4)


def run(entries, options, contender, setting, seed):
    """Train one network."""
    return trial.trial(entries[contender], setting["rate"], seed, **options)


def study(name, entries, repeated, **options) -> Study:
    """Return the study of these activations; `options` go to `trial`: how many layers, steps and looks."""
    contenders = {label: Contender({"rate": RATE}, stops_early=True) for label in entries}
    return Study(
        name,
        contenders,
        partial(run, entries, options),
        TUNING,
        SEEDS,
        TOLD | options,
        tolerance=0.03,
        repeated=repeated,
    )


RESHAPED = (
    reshaped("sigmoid", "sigmoid − ½", shift=-0.5),
    reshaped("sigmoid", "4 × sigmoid", factor=4.0),
    reshaped("sigmoid", "4 × (sigmoid − ½)", factor=4.0, shift=-0.5),
)
IN_DEPTH = ("sigmoid", "tanh", "relu", "elu", "selu", "gelu", "linear")
SHALLOW = study(
    "activations",
    {entry.label: entry for entry in ACTIVATIONS.values()},
    ("tanh", "ReLU"),
    hidden=3,
    steps=1000,
    looks=10,
)
DEEP = study(
    "activations_deep",
    {entry.label: entry for entry in (*RESHAPED, *(ACTIVATIONS[name] for name in IN_DEPTH))},
    ("tanh",),
    hidden=10,
    steps=400,
    looks=4,
)

# What they cost.

SIZES, BATCH, IMAGES, ROUNDS = (784, 100, 100, 100, 10), 50, 1000, 60
FAR = 5  # of the stored cost: another processor has other strengths, but not another order of size


def cost_settings() -> list:
    """Return the one run: all activations take turns, so that a busy machine disturbs all alike."""
    return [ROUNDS]


def short_costs() -> list:
    """Return the run of the short version, with fewer rounds."""
    return [ROUNDS // 4]


def measure(rounds) -> dict:
    """Return each activation's cost in multiples of ReLU's: alone, in a training step, in inference."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((IMAGES, SIZES[0])).astype(np.float32), rng.integers(0, 10, IMAGES)
    steps, passes = {}, {}
    for name, entry in COMPARED.items():
        model = MLP(SIZES, activation=entry, initializer=entry.initializer, rng=rng, dtype=np.float32)
        steps[name] = partial(_step, model, x[:BATCH], y[:BATCH])
        passes[name] = partial(model.forward, x)
    alone = relative_costs(rounds=rounds)
    timed = {"training step": best_times(steps, rounds), "inference": best_times(passes, rounds)}
    return {
        name: {"alone": alone[name]}
        | {kind: seconds[name] / seconds["relu"] for kind, seconds in timed.items()}
        for name in COMPARED
    }


def _step(model, x, y):
    model.step(model.loss_and_gradients(x, y)[1], 0.0)


def merge_costs(runs) -> dict:
    """Return what is stored: the costs, to three digits."""
    (costs,) = runs
    told = {"sizes": list(SIZES), "batch_of_a_step": BATCH, "images_of_inference": IMAGES, "type": "float32"}
    machine = {"rounds": ROUNDS, "system": platform.system(), "processor": platform.machine(), "threads": 1}
    kept = {name: {kind: round(cost, 2) for kind, cost in own.items()} for name, own in costs.items()}
    return {"settings": told | machine, "in_multiples_of_relu": kept}


def cost_faults(stored, _settings, runs) -> list:
    """Say which costs alone are so far from the stored ones that another processor can't be the reason."""
    (costs,) = runs
    known = stored["in_multiples_of_relu"].items()
    pairs = ((name, own["alone"], costs[name]["alone"]) for name, own in known)
    return [
        f"{name}: {now:.2g} times ReLU's cost, stored {known:.2g}"
        for name, known, now in pairs
        if not known / FAR <= now <= known * FAR
    ]
