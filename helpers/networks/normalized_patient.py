"""The one patient with batch normalization before each activation (lesson 06)."""

import numpy as np

from helpers.data import results
from helpers.networks.builders import dense_stack
from helpers.networks.normalizing import take_statistics
from helpers.networks.patient import (
    BATCH,
    RATE,
    SIZES,
    STEPS,
    Course,
    Patient,
    course_of,
    small_weights,
)
from helpers.networks.stack import Stack
from helpers.networks.training import train
from helpers.numerics.normalization import KERAS_EPS
from helpers.numerics.over_seeds import median_and_range
from helpers.numerics.tables import Table, table

HEADS = ("with batch norm, and", "accuracy", "of 5 seeds", "loss", "of 5 seeds")


def normalized_network(patient: Patient, seed=0, *, eps=KERAS_EPS) -> Stack:
    """Return the patient's untrained network, batch normalization before each activation."""
    drawn, rng = patient.initializer or small_weights, np.random.default_rng(seed)
    options = {"activation": patient.activation, "initializer": drawn, "normalized": "before"}
    model = dense_stack(SIZES, **options, rng=rng)
    for layer in model.layers:
        if layer.kind == "batch_norm":
            layer.eps = eps
    return model


class _OwnRates:
    """A stack of which the hidden weights take steps of their own; all else takes the rate given."""

    def __init__(self, model, factor):
        self.model, self.factor = model, factor

    def loss_and_gradients(self, x, y):
        return self.model.loss_and_gradients(x, y)

    def step(self, gradients, learning_rate):
        for layer, own in gradients.parameters.items():
            if "W" in own and layer is not self.model.layers[-1]:
                own["W"] = self.factor * own["W"]
        self.model.step(gradients, learning_rate)


def train_normalized(
    patient: Patient, seed=0, *, eps=KERAS_EPS, hidden_rate=1.0, steps=STEPS, rate=RATE, network=None
) -> Course:
    """Train the normalized patient as the patient is trained, and return how that went.

    `hidden_rate` multiplies the steps of the hidden layers' weights alone; `network`, where given, is trained
    in place of the patient's own. Validation uses the statistics of all training images.
    """
    x, y, x_valid, y_valid = patient.images()
    model = network or normalized_network(patient, seed, eps=eps)
    rng = np.random.default_rng(100 + seed)
    stepped = _OwnRates(model, hidden_rate)
    loss = train(stepped, x, y, learning_rate=rate, steps=steps, batch_size=BATCH, rng=rng)
    with np.errstate(all="ignore"):
        take_statistics(model, x)
        return course_of(model, loss, model.logits(x_valid), y_valid)


def stored_scores() -> dict:
    """Return case → its stored scores, `accuracy` and `loss`, one number per seed."""
    return dict(results.load("patient_normalized").scores.items())


def rates_that_work(std, *, accuracy) -> dict:
    """Return over how many decades of the rate the stored grid's median accuracy lies above `accuracy`.

    "with" and "without" batch normalization, at one spread of the weights; each rate that was tried stands
    for the half decade around it. Raises ValueError for a spread that was not tried.
    """
    stored = results.load("learning_rate")
    if std not in stored.std:
        raise ValueError(f"std must be one of {', '.join(map(str, stored.std))}, got {std}")
    reached = np.median(stored.accuracy[:, list(stored.std).index(std)], axis=-1) > accuracy
    return {name: row.sum() / 2 for name, row in zip(("without", "with"), reached, strict=True)}


def scoreboard(*chosen) -> Table:
    """Return the stored scores of cases by name, "nothing" or "activation + inputs"; of all without names.

    Validation accuracy and loss over five seeds: the median, and from the lowest to the highest.
    """
    stored, rows = stored_scores(), []
    for name in chosen or stored:
        if name not in stored:
            raise ValueError(f"no case {name!r} is stored; there are {', '.join(stored)}")
        scores = stored[name]
        rows.append((name, *median_and_range(scores.accuracy), *median_and_range(scores.loss)))
    return table(HEADS, rows)
