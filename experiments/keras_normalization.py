"""Batch normalization in Keras (lesson 07): what it gains, what small batches cost, and how runs go.

`STUDY` compares the patient, and the patient with all its cures, without batch normalization, before and
after the activation, each at its own best rate. `BATCHES` compares batch sizes, with and without it.
"""

from functools import lru_cache

import numpy as np

from experiments.fair import Contender, Study
from helpers import data
from helpers.networks import keras_patient, patient
from helpers.networks.keras_patient import Setup
from helpers.networks.scoring import scores
from helpers.networks.tuning import Knob, decades

EPOCHS, EVERY = 8, 2  # trained for so long, with a look at the held-out images every so many
MOMENTUM = 0.9  # Keras's default lags behind a run of 480 steps
TEST = 5000
CASES = {"patient": (), "cured": tuple(patient.CURES)}
LADDER = decades(-6, 2)
FIRST = {  # rates tried first: all are widened until the choice lies within
    ("patient", None): (0.003, 0.03),
    ("patient", "before"): (0.003, 0.03),
    ("patient", "after"): (0.0003, 0.003),
    ("cured", None): (0.03, 0.3),
    ("cured", "before"): (0.03, 0.3),
}
WORDS = {None: "without", "before": "before", "after": "after"}
STEPS = 200
TRAINING = {
    "optimizer": "stochastic gradient descent without momentum",
    "images": patient.IMAGES,
    "validation_images": patient.VALIDATION,
    "test_images": TEST,
    "momentum_of_the_moving_averages": MOMENTUM,
}


def _rates(lowest, highest):
    return Knob(LADDER, (LADDER.index(lowest), LADDER.index(highest) + 1))


def _contenders():
    found = {}
    for (case, place), ends in FIRST.items():
        found[f"{case}, {WORDS[place]}"] = Contender({"rate": _rates(*ends)}, stops_early=True)
    return found


def train(contender, setting, seed) -> dict:
    """Train one network of `STUDY`, with a look every few epochs."""
    case, place = contender.split(", ")
    cured = patient.cured(*CASES[case])
    setup = Setup(None if place == "without" else place, cured, MOMENTUM)
    model, (x, y, _, _) = keras_patient.started(setup, **setting, seed=seed), keras_patient.images(cured)
    looks = []
    for end in range(EVERY, EPOCHS + 1, EVERY):
        model.fit(x, y, batch_size=setup.batch_size, initial_epoch=end - EVERY, epochs=end, verbose=0)
        looks.append(_scored(model, case))
    return {name: [one[name] for one in looks] for name in ("validation", "test")}


def train_batches(contender, setting, seed) -> dict:
    """Train one network of `BATCHES`: the cured patient, so many steps at one batch size."""
    size, place = contender.split(", ")
    setup = Setup(
        "before" if place == "with" else None, patient.cured(*CASES["cured"]), MOMENTUM, int(size.split()[-1])
    )
    model, (x, y, _, _) = keras_patient.started(setup, **setting, seed=seed), keras_patient.images(setup.case)
    size, order = setup.batch_size, np.random.default_rng(seed)
    chosen = np.concatenate([order.permutation(len(x)) for _ in range(-(-STEPS * size // len(x)))])
    chosen = chosen[: STEPS * size]
    model.fit(x[chosen], y[chosen], batch_size=size, epochs=1, shuffle=False, verbose=0)
    return {name: [one] for name, one in _scored(model, "cured").items()}


def _scored(model, case):
    parts = _held_out(case)
    return {name: scores(_logits(model, x), y) for name, (x, y) in parts.items()}


def _logits(model, x):
    """Logs of the probabilities, which are logits as good as any; what is 0 in single precision is 1e-30."""
    return np.log(np.maximum(np.asarray(model(x, training=False), float), 1e-30))


@lru_cache(maxsize=2)
def _held_out(case):
    cured = patient.cured(*CASES[case])
    _, _, x_valid, y_valid = keras_patient.images(cured)
    everything = data.load_fashion_mnist()
    pixels = everything.x_test[:TEST]
    if cured.inputs == patient.INPUTS[0]:
        x_test = 255 * pixels
    else:
        seen = everything.x_train[data.VALIDATION_SIZE : data.VALIDATION_SIZE + patient.IMAGES].astype(float)
        x_test = ((pixels - seen.mean()) / seen.std()).astype(np.float32)
    return {"validation": (x_valid, y_valid), "test": (x_test, everything.y_test[:TEST])}


STUDY = Study(
    "keras_normalization",
    _contenders(),
    train,
    tuning_seeds=(100, 101, 102),
    seeds=(0, 1, 2, 3, 4),
    told=TRAINING | {"epochs": EPOCHS, "batch_size": patient.BATCH, "looks_every": EVERY},
    tolerance=0.15,
    repeated=("cured, without",),
)

BATCHES = Study(
    "keras_batches",
    {
        f"batch {size}, {place}": Contender({"rate": _rates(0.01, 0.1)})
        for place, sizes in (("with", (2, 4, 8, 16, 64)), ("without", (2, 16)))
        for size in sizes
    },
    train_batches,
    tuning_seeds=(100, 101, 102),
    seeds=(0, 1, 2, 3, 4),
    told=TRAINING | {"steps": STEPS},
    tolerance=0.2,
    repeated=("batch 64, with",),
)
