"""What the patient's third cause is: pixels centered alone, scaled alone, or a better rate (lesson 05).

The patient has the cures of lessons 03 and 04, tanh and Glorot's weights. Each kind of inputs is trained at
the patient's own learning rate, and at its best one. "smaller first weights" leaves the pixels alone and
divides the first layer's weights as the pixels else were: the network starts from the z of scaled pixels.
"""

from functools import lru_cache

import numpy as np

from experiments.fair import Contender, Study
from helpers.networks import patient, prepared
from helpers.networks.scoring import Scores, scores
from helpers.networks.training import train
from helpers.networks.tuning import Knob, decades

CURES = ("activation", "weights")
OWN_RATE = ", rate 0.1"
KINDS = ("raw", "smaller first weights", "centered", "scaled", "standardized")
RATES = decades(-7, 1)
FIRST = {"raw": (4, 9), "centered": (4, 9), "smaller first weights": (4, 9)}
CONTENDERS = {kind + OWN_RATE: Contender() for kind in KINDS} | {
    kind: Contender({"rate": Knob(RATES, FIRST.get(kind, (9, 14)))}) for kind in KINDS
}


def run(contender, setting, seed) -> dict:
    """Train the half-cured patient on one kind of inputs, at its own rate where none is set."""
    kind = contender.removesuffix(OWN_RATE)
    x, y, x_valid, y_valid, x_test, y_test = inputs(kind)
    model = patient.cured(*CURES).network(seed)
    if kind == "smaller first weights":
        model.weights[0] /= x.std()
    options = {"learning_rate": setting.get("rate", patient.RATE), "batch_size": patient.BATCH}
    train(model, x, y, steps=patient.STEPS, rng=np.random.default_rng(100 + seed), **options)
    return {"validation": [_score(model, x_valid, y_valid)], "test": [_score(model, x_test, y_test)]}


@lru_cache(maxsize=1)
def inputs(kind) -> tuple:
    """Return the patient's training and validation images and test images, prepared in one way."""
    x, y, x_valid, y_valid = patient.cured(*CURES).images()
    shift, scale = {
        "centered": (x.mean(), 1),
        "scaled": (0, x.std()),
        "standardized": (x.mean(), x.std()),
    }.get(kind, (0, 1))
    given = prepared.images()
    x, x_valid, x_test = ((part - shift) / scale for part in (x, x_valid, given.x_test))
    return x, y, x_valid, y_valid, x_test, given.y_test


def _score(model, x, y) -> Scores:
    with np.errstate(all="ignore"):
        return scores(model.forward(x).logits, y)


STUDY = Study(
    "patient_inputs",
    CONTENDERS,
    run,
    tuning_seeds=(100, 101, 102),
    seeds=(0, 1, 2, 3, 4),
    told={
        "cures": list(CURES),
        "sizes": list(patient.SIZES),
        "steps": patient.STEPS,
        "batch_size": patient.BATCH,
        "images": patient.IMAGES,
        "validation_images": patient.VALIDATION,
        "test_images": prepared.HELD_OUT,
    },
    tolerance=0.05,
    repeated=("standardized",),
)
