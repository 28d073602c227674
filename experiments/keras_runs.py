"""Runs of the patient in Keras that lesson 07 shows beside a live one: curves, freezing, recalibration."""

from dataclasses import dataclass

import numpy as np

from experiments.numbers import rounded
from helpers.networks import keras_patient, patient
from helpers.networks.keras_patient import Setup

SEEDS = (0, 1, 2, 3, 4)
EPOCHS = 8
CURED = patient.cured(*patient.CURES)
RUNS = {  # name → what is trained, at which rate
    "without": (Setup(), 0.01),
    "momentum 0.99": (Setup("before"), 0.01),
    "momentum 0.9": (Setup("before", momentum=0.9), 0.01),
    "momentum 0.1": (Setup("before", momentum=0.1), 0.01),
    "small output": (Setup("before", momentum=0.9, small_output=True), 0.01),
    "after": (Setup("after", momentum=0.9), 0.001),
    "cured": (Setup(None, CURED), 0.1),
}
RECALIBRATED = "momentum 0.99"
CONTINUED = "momentum 0.9"
SMALL_BATCH, SMALL_STEPS, SMALL_RATES = 2, 200, (0.001, 0.0001, 0.00001)
WAYS = {"learning on": False, "frozen": True}
TOLERANCE = 0.1  # accuracy, of a short run beyond the stored range


@dataclass(frozen=True)
class Case:
    """One run: its name in `RUNS`, and the seed."""

    name: str
    seed: int


def settings() -> list:
    """Return all runs."""
    return [Case(name, seed) for name in RUNS for seed in SEEDS]


def short() -> list:
    """Return the runs of the short version."""
    return [Case("momentum 0.9", 0), Case("cured", 0)]


def run(case) -> dict:
    """Return the curves, and for two of the runs what was done to the trained network."""
    setup, rate = RUNS[case.name]
    model, history = keras_patient.train(setup, rate=rate, epochs=EPOCHS, seed=case.seed)
    found = {name: rounded(values) for name, values in history.items()}
    x, y, x_valid, y_valid = keras_patient.images(setup.case)
    kept = model.get_weights()
    found["seen"] = keras_patient.accuracy(model, x, y)
    if case.name == RECALIBRATED:
        keras_patient.recalibrate(model, x)
        found["recalibrated"] = keras_patient.accuracy(model, x_valid, y_valid)
    if case.name == CONTINUED:
        for way, frozen in WAYS.items():
            keras_patient.freeze(model, frozen)
            found[way] = []
            for small in SMALL_RATES:
                model.set_weights(kept)
                model.optimizer.learning_rate.assign(small)
                continue_training(model, x, y)
                found[way].append(keras_patient.accuracy(model, x_valid, y_valid))
        keras_patient.freeze(model, False, rate)
    return found


def continue_training(model, x, y) -> None:
    """Train a model further on tiny batches."""
    count = SMALL_BATCH * SMALL_STEPS
    model.fit(x[:count], y[:count], batch_size=SMALL_BATCH, epochs=1, verbose=0)


def merge(runs) -> dict:
    """Return what is stored: for each run every curve, (seeds, epochs), and the single numbers, (seeds,)."""
    entries = {}
    for case, one in zip(settings(), runs, strict=True):
        entry = entries.setdefault(case.name, {})
        for name, values in one.items():
            entry.setdefault(name, []).append(values if isinstance(values, list) else rounded([values])[0])
    told = {
        "epochs": EPOCHS,
        "batch_size": patient.BATCH,
        "images": patient.IMAGES,
        "validation_images": patient.VALIDATION,
        "seeds": list(SEEDS),
        "rates": {name: rate for name, (_, rate) in RUNS.items()},
        "continued": {"batch_size": SMALL_BATCH, "steps": SMALL_STEPS, "rates": list(SMALL_RATES)},
    }
    return {"settings": told, "runs": entries}


def faults(stored, cases, runs) -> list:
    """Say where the short version leaves the stored range of the last accuracy by more than the tolerance."""
    found = []
    for case, one in zip(cases, runs, strict=True):
        ends = np.array(stored["runs"][case.name]["val_accuracy"])[:, -1]
        end = one["val_accuracy"][-1]
        if not ends.min() - TOLERANCE <= end <= ends.max() + TOLERANCE:
            found.append(f"{case.name}: accuracy {end:.3f}, stored {ends.min():.3f} to {ends.max():.3f}")
    return found
