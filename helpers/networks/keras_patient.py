"""The one patient as a Keras model, with batch normalization before or after each activation, or without.

Its output layer keeps Keras's default weights: there is no normalization behind it that could make up for
the patient's small ones. `Setup(small_output=True)` draws them as all others are. Lesson 07 writes this
model out; here it serves the stored runs and the challenge. Keras computes in single precision, so that its
digits differ from one processor to another: what is told of it is a band over seeds.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from helpers.networks import keras_models
from helpers.networks.patient import BATCH, SIZES, SMALL, Patient

PLACES = (None, "before", "after")  # of batch normalization, as seen from the activation
RATE = 0.01  # of the lesson's runs; the fair comparison says what suits each network best
MOMENTUM = 0.99  # Keras's default: the weight of the old value in a moving average


@dataclass(frozen=True)
class Setup:
    """What is trained: the patient (or cured in part), where normalization stands, its momentum, the batch.

    Raises ValueError for an unknown place, a momentum outside 0 … 1, and a batch of less than one image.
    """

    place: str | None = None
    case: Patient = field(default_factory=Patient)
    momentum: float = MOMENTUM
    batch_size: int = BATCH
    small_output: bool = False

    def __post_init__(self):
        if self.place not in PLACES:
            raise ValueError(f"place must be one of {PLACES}, got {self.place!r}")
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum must be in 0 … 1, got {self.momentum}")
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, got {self.batch_size}")

    def build(self):
        """Return the untrained `keras.Sequential`, weights drawn from Keras's global seed."""
        keras = keras_models.keras()
        layers = keras.layers
        model = keras.Sequential([keras.Input((SIZES[0],))])
        for width in SIZES[1:-1]:
            model.add(layers.Dense(width, use_bias=self.place != "before", kernel_initializer=self._drawn()))
            if self.place == "before":
                model.add(layers.BatchNormalization(momentum=self.momentum))
            model.add(layers.Activation(self.case.activation))
            if self.place == "after":
                model.add(layers.BatchNormalization(momentum=self.momentum))
        last = self._drawn() if self.small_output else "glorot_uniform"
        model.add(layers.Dense(SIZES[-1], activation="softmax", kernel_initializer=last))
        return model

    def _drawn(self):
        """A fresh initializer: one that is shared gives every layer of a shape the same weights."""
        return self.case.initializer or keras_models.keras().initializers.RandomNormal(stddev=SMALL)


def images(case=None) -> tuple:
    """Return training images and labels, then validation images and labels, in single precision."""
    x, y, x_valid, y_valid = (case or Patient()).images()
    return x.astype(np.float32), y, x_valid.astype(np.float32), y_valid


def started(setup, *, rate=RATE, seed=0):
    """Return the compiled model at the start of a training with this seed; each setup is compiled once."""
    keras = keras_models.keras()
    keras.utils.set_random_seed(seed)
    drawn = setup.build().get_weights()
    model = _compiled(setup)
    model.set_weights(drawn)
    model.optimizer.learning_rate.assign(rate)
    keras.utils.set_random_seed(100 + seed)  # of the order of the images
    return model


def train(setup, *, rate=RATE, epochs=10, seed=0) -> tuple:
    """Train on the patient's images; return the model and Keras's history as arrays, one value an epoch.

    "accuracy" and "loss" are what `fit` tells of the training images, "val_…" those of the validation images
    at inference.
    """
    model, (x, y, x_valid, y_valid) = started(setup, rate=rate, seed=seed), images(setup.case)
    options = {"validation_data": (x_valid, y_valid), "validation_batch_size": 1000, "verbose": 0}
    history = model.fit(x, y, batch_size=setup.batch_size, epochs=epochs, **options).history
    return model, {name: np.array(values) for name, values in history.items()}


def accuracy(model, x, y) -> float:
    """Return the share of images that get their class at inference."""
    return float(np.mean(np.argmax(model(x, training=False), axis=1) == y))


def norms(model) -> list:
    """Return the layers of batch normalization, from the input on."""
    return [layer for layer in model.layers if hasattr(layer, "moving_mean")]


def freeze(model, frozen, rate=RATE) -> None:
    """Freeze the normalization, or let it learn again, in place; compile, without which nothing changes."""
    for layer in norms(model):
        layer.trainable = not frozen
    _compile(model, rate)


def recalibrate(model, x, *, batch_size=BATCH, batches=40) -> None:
    """Set the moving statistics to those of batches of `x`, in place; no weight changes.

    The k-th batch gets the weight 1/k, so that each counts alike and the start is forgotten at once.
    """
    own = {layer: layer.momentum for layer in norms(model)}
    for k in range(min(batches, len(x) // batch_size)):
        for layer in own:
            layer.momentum = 1 - 1 / (k + 1)
        model(x[k * batch_size : (k + 1) * batch_size], training=True)
    for layer, momentum in own.items():
        layer.momentum = momentum


@lru_cache(maxsize=4)
def _compiled(setup):
    model = setup.build()
    _compile(model, RATE)
    return model


def _compile(model, rate):
    sgd = keras_models.keras().optimizers.SGD(rate)
    model.compile(sgd, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
