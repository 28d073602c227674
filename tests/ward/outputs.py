"""Outputs and losses that don't belong together.

Severe: the loss can't fall below half of its start (ten numbers between 0 and 1 as logits leave it at
ln(1 + 9/e) = 1.46 or more, of ln 10 = 2.30), or it starts far above that and most gradients are cut off, or
the answer is the same for every input. Mild: the loss can fall, though the output hampers it; or Keras mends
the program by itself. So it does on TensorFlow with softmax or sigmoid before a loss that expects logits: the
loss finds what entered the activation, warns, and takes that. In 30 epochs the patient with softmax, the one
with ten sigmoids and a sound network came to the very same loss.
"""

import numpy as np

from tests.ward.material import CLASSES, images, net, parts, pictures, plain, table, words
from tests.ward.patient import Patient, at, halved


def logits_loss(kind):
    """A function of Keras: the loss of that name, told to expect logits."""
    return lambda keras: getattr(keras.losses, kind)(from_logits=True)


def two_classes():
    """The table with two classes, as floats in one column."""
    x, y = table(classes=2)
    return x, y.astype("float32")[:, None]


def one_hot_images():
    """Images, and their labels as rows with a single 1."""
    x, y = images()
    return x, np.eye(CLASSES, dtype="float32")[y]


def ending(*kinds, activation="relu"):
    """A `make` for `parts`: two hidden layers, then an output with what `kinds` puts on the logits."""

    def make(draw, inputs, classes):
        hidden = [draw.dense(inputs, 40), draw.bend(activation), draw.dense(40, 40), draw.bend(activation)]
        return [*hidden, draw.dense(40, classes, variance=1.0), *(draw.bend(kind) for kind in kinds)]

    return make


def sentences(out, end=None):
    """A `make` for `net`: an embedding, a convolution, the largest of its outputs, and an output layer."""

    def make(L, inputs, classes):
        h = L.Conv1D(12, 3, activation="relu", name="c1")(L.Embedding(40, 8, name="e1")(inputs))
        return L.Dense(end or classes, activation=out, name="out")(L.GlobalMaxPooling1D()(h))

    return make


def _softmax_twice(L, inputs, classes):
    h = L.Dense(32, activation="relu", name="d1")(inputs)
    return L.Softmax()(L.Dense(classes, activation="softmax", name="out")(h))


def _mismatch(severity, *must, may=()):
    return {"output_activation_mismatch": at(severity, *must, may=may)}


MISMATCH = halved(
    "set",
    Patient(
        "logits and a loss that expects probabilities, convolutions in Keras",
        net(pictures, plain([20], "relu", convs=[6], out=None)),
        _mismatch("severe", "out"),
    ),
    Patient(
        "ten sigmoids as logits, images",
        parts(images, ending("sigmoid")),
        _mismatch("severe", "layer 3"),
    ),
    Patient(
        "softmax on a single unit, Keras",
        net(two_classes, plain([24], "relu", end=1), loss="binary_crossentropy"),
        _mismatch("severe", "out"),
    ),
    Patient(
        "softmax twice, Keras",
        net(table, _softmax_twice),
        _mismatch("severe", "out"),
    ),
    Patient(
        "logits and a loss that expects probabilities, sentences in Keras",
        net(words, sentences(None)),
        _mismatch("severe", "out"),
    ),
    Patient(
        "logits and categorical cross-entropy of probabilities, images in Keras",
        net(one_hot_images, plain([40] * 2, "elu", out=None, end=10), loss="categorical_crossentropy"),
        _mismatch("severe", "out"),
    ),
) + halved(
    "hold",
    Patient(
        "ReLU on the logits",
        parts(images, ending("relu")),
        _mismatch("mild", "layer 3"),
        frozenset({"dead_units"}),
    ),
    Patient(
        "ten sigmoids where one class is right, Keras",
        net(images, plain([40] * 2, "relu", out="sigmoid")),
        _mismatch("mild", "out"),
    ),
    Patient(
        "ReLU on the logits, images in Keras",
        net(images, plain([40] * 2, "relu", out="relu"), loss=logits_loss("SparseCategoricalCrossentropy")),
        _mismatch("mild", "out"),
        frozenset({"dead_units"}),
    ),
    Patient(
        "tanh on the logits, ten classes",
        parts(images, ending("tanh", activation="tanh")),
        _mismatch("mild", "layer 3"),
    ),
    Patient(
        "softmax and a loss that expects logits, images in Keras",
        net(images, plain([40] * 2, "relu"), loss=logits_loss("SparseCategoricalCrossentropy")),
        _mismatch("mild", "out"),
    ),
    Patient(
        "sigmoid and a loss that expects logits, sentences in Keras",
        net(words, sentences("sigmoid", 1), loss=logits_loss("BinaryCrossentropy")),
        _mismatch("mild", "out"),
    ),
    Patient(
        "a logit and binary cross-entropy of probabilities, Keras",
        net(
            two_classes, plain([24] * 2, "tanh", "glorot_normal", out=None, end=1), loss="binary_crossentropy"
        ),
        _mismatch("mild", "out"),
    ),
)

PATIENTS = MISMATCH
