"""One training run of a deep Keras network: a plain function of its settings, in any process."""

import os
import sys
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from experiments.numbers import rounded
from helpers import data
from helpers.networks import keras_models
from helpers.networks.keras_training import OURS, Recipe
from helpers.signals.trace import trace

ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
TRACED = 200  # images whose gradients are measured


@dataclass(frozen=True)
class Training:
    """The settings of one run: its seed, its recipe, the network's sizes, how many images.

    `epochs` stops the run early, its schedule being that of the whole recipe. `gradients` asks for the
    gradient norms of all layers before and after; `test` for the accuracy on the test images, at the end,
    which only a final table may show.
    """

    seed: int
    recipe: Recipe = OURS
    sizes: tuple = keras_models.SIZES
    images: int = 55_000
    epochs: int | None = None
    gradients: bool = False
    test: bool = False


def train(training: Training) -> dict:
    """Return what one run gave, in plain lists: a curve per metric, one number an epoch, and its seconds.

    The run takes one thread where Keras is not at work in this process yet, so that several runs share a
    machine without waiting for each other.
    """
    if "tensorflow" not in sys.modules:
        os.environ.update(ONE_THREAD)
    split, recipe = data.load_split(training.images), training.recipe
    model = recipe.compile(recipe.network(training.seed, training.sizes), len(split.x))
    given = {"seed": training.seed}
    if training.gradients:
        given["gradients_before"] = gradient_norms(model, split)
    epochs = recipe.epochs if training.epochs is None else training.epochs
    if epochs:
        begin = perf_counter()
        history = recipe.fit(model, split, epochs=epochs)
        given["seconds"] = round(perf_counter() - begin, 1)
        given |= {name: rounded(values) for name, values in history.items()}
    if training.gradients and epochs:
        given["gradients_after"] = gradient_norms(model, split)
    if training.test:
        given["test_accuracy"] = float(model.evaluate(split.x_test, split.y_test, verbose=0)[1])
    keras_models.keras().utils.clear_session()
    return given


def gradient_norms(model, split) -> list:
    """Return log10 of the norm of the loss's gradient with respect to z, per hidden layer, on some images."""
    norms = trace(model, split.x[:TRACED], split.y[:TRACED], weights=False).per_layer("grad_z_norm")
    with np.errstate(all="ignore"):
        return rounded(np.log10(norms))
