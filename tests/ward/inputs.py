"""Inputs that are not scaled, not centered, or don't change.

Unscaled, severe: a feature's standard deviation, or that of all, is 50 or more, or a fiftieth or less; mild:
5 to 20. By lesson 05 the loss's condition number is the square of that: a learning rate that suits one
feature is 2,500 times wrong for another. Uncentered, severe: the mean lies 5 standard deviations or more from
0; mild: 1.3 to 2.5. Constant, severe: no feature changes from one example to the next; mild: three fifths or
more of the features don't.
"""

import numpy as np

from tests.ward.material import images, mlp, net, pictures, plain, raw_images, stack, table
from tests.ward.patient import Patient, at, halved


def changed(data, change):
    """The same data, its inputs after `change(x)`."""

    def loaded():
        x, y = data()
        return change(x.copy()).astype(np.float32), y

    return loaded


def columns(first, factor):
    """A change that multiplies the first columns of a table."""

    def change(x):
        x[:, :first] *= factor
        return x

    return change


def stuck(share, value=0.0):
    """A change that sets the first share of the columns to a value."""

    def change(x):
        x[:, : round(share * x.shape[1])] = value
        return x

    return change


def bytes_of_images():
    """Images as they come from a file: 0 … 255."""
    x, y = raw_images()
    return np.round(255 * x).astype(np.float32), y


def byte_pictures():
    """The same as (n, 14, 14, 1)."""
    x, y = bytes_of_images()
    return x.reshape(-1, 14, 14, 1), y


def negatives():
    """Images in 0 … 1 on white ground."""
    x, y = raw_images()
    return (1 - x).reshape(-1, 14, 14, 1).astype(np.float32), y


def same(data):
    """Every example the same."""
    return changed(data, lambda x: np.broadcast_to(x[:1], x.shape).copy())


UNSCALED_SCALE = frozenset({"exploding_signal", "saturated_units"})  # a large input gives a large signal

UNSCALED = halved(
    "set",
    Patient(
        "images in 0 … 255, ReLU",
        mlp(bytes_of_images, [60] * 3, "relu", "he_normal"),
        {"unscaled_inputs": at("severe")},
        UNSCALED_SCALE | {"uncentered_inputs"},
    ),
    Patient(
        "images in 0 … 255, convolutions in Keras",
        net(byte_pictures, plain([20], "relu", convs=[6, 8])),
        {"unscaled_inputs": at("severe")},
        UNSCALED_SCALE | {"uncentered_inputs"},
    ),
    Patient(
        "three of twelve columns in thousands, ReLU in Keras",
        net(changed(table, columns(3, 5000.0)), plain([32] * 3, "relu")),
        {"unscaled_inputs": at("severe")},
        UNSCALED_SCALE,
    ),
    Patient(
        "a table of millionths, tanh",
        mlp(changed(table, lambda x: 1e-6 * x), [40] * 3, "tanh", "glorot_normal"),
        {"unscaled_inputs": at("severe")},
    ),
    Patient(
        "images in 0 … 255, tanh",
        mlp(bytes_of_images, [60] * 3, "tanh", "glorot_normal", seed=3),
        {"unscaled_inputs": at("severe"), "saturated_units": at("severe", "layer 1")},
        UNSCALED_SCALE | {"uncentered_inputs"},
    ),
    Patient(
        "a table of hundreds before batch normalization",
        stack(changed(table, lambda x: 300 * x), [32] * 3, normalized="before"),
        {"unscaled_inputs": at("severe")},
        UNSCALED_SCALE,
    ),
) + halved(
    "hold",
    Patient(
        "a table of standard deviation 8, ReLU",
        mlp(changed(table, lambda x: 8 * x), [40] * 3, "relu", "he_normal"),
        {"unscaled_inputs": at("mild")},
        UNSCALED_SCALE,
    ),
    Patient(
        "two of twelve columns of deviation 15, ReLU in Keras",
        net(changed(table, columns(2, 15.0)), plain([32] * 2, "relu")),
        {"unscaled_inputs": at("mild")},
        UNSCALED_SCALE,
    ),
    Patient(
        "standardized images times 10, convolutions in Keras",
        net(changed(pictures, lambda x: 10 * x), plain([20], "leaky_relu", convs=[6])),
        {"unscaled_inputs": at("mild")},
        UNSCALED_SCALE,
    ),
    Patient(
        "images times 12, SELU",
        mlp(changed(images, lambda x: 12 * x), [50] * 3, "selu", "lecun_normal"),
        {"unscaled_inputs": at("mild")},
        UNSCALED_SCALE,
    ),
)

# A mean is a signal too: the first layer's units get an offset each, ReLUs shut for good, tanh saturates.
OFFSET = frozenset({"dead_units", "saturated_units", "exploding_signal"})

UNCENTERED = halved(
    "set",
    Patient(
        "a table about 20, ReLU",
        mlp(changed(table, lambda x: x + 20), [40] * 3, "relu", "he_normal"),
        {"uncentered_inputs": at("severe")},
        OFFSET,
    ),
    Patient(
        "a table about −12 in Keras",
        net(changed(table, lambda x: x - 12), plain([32] * 2, "leaky_relu")),
        {"uncentered_inputs": at("severe")},
        OFFSET,
    ),
    Patient(
        "pictures about 8, convolutions in Keras",
        net(changed(pictures, lambda x: x + 8), plain([20], "elu", convs=[6, 8])),
        {"uncentered_inputs": at("severe")},
        OFFSET,
    ),
    Patient(
        "images about 6, tanh",
        mlp(changed(images, lambda x: x + 6), [50] * 2, "tanh", "glorot_normal"),
        {"uncentered_inputs": at("severe")},
        OFFSET,
    ),
) + halved(
    "hold",
    Patient(
        "a table about 2, ReLU",
        mlp(changed(table, lambda x: x + 2), [40] * 3, "relu", "he_normal"),
        {"uncentered_inputs": at("mild")},
        OFFSET,
    ),
    Patient(
        "white ground, 0 … 1, convolutions in Keras",
        net(negatives, plain([20], "relu", convs=[6, 8])),
        {"uncentered_inputs": at("mild")},
        OFFSET,
    ),
    Patient(
        "images about −1.5, SELU",
        mlp(changed(images, lambda x: x - 1.5), [50] * 3, "selu", "lecun_normal"),
        {"uncentered_inputs": at("mild")},
        OFFSET,
    ),
    Patient(
        "a table about 1.8 in Keras",
        net(changed(table, lambda x: x + 1.8), plain([32] * 2, "elu")),
        {"uncentered_inputs": at("mild")},
        OFFSET,
    ),
)

# Of one and the same example, nothing says whether it is centered or scaled.
ONE_EXAMPLE = frozenset({"unscaled_inputs", "uncentered_inputs", "saturated_units"})

CONSTANT = halved(
    "set",
    Patient(
        "the same image 240 times, ReLU",
        mlp(same(images), [50] * 3, "relu", "he_normal"),
        {"constant_inputs": at("severe")},
        ONE_EXAMPLE,
    ),
    Patient(
        "the same picture 240 times, convolutions in Keras",
        net(same(pictures), plain([20], "relu", convs=[6, 8])),
        {"constant_inputs": at("severe")},
        ONE_EXAMPLE,
    ),
    Patient(
        "a table of zeros in Keras",
        net(changed(table, lambda x: 0 * x), plain([32] * 2, "tanh", "glorot_normal")),
        {"constant_inputs": at("severe")},
        ONE_EXAMPLE,
    ),
    Patient(
        "a table of ones, tanh",
        mlp(changed(table, lambda x: 0 * x + 1), [40] * 3, "tanh", "glorot_normal"),
        {"constant_inputs": at("severe")},
        ONE_EXAMPLE,
    ),
) + halved(
    "hold",
    Patient(
        "three of four columns stuck at 0, ReLU",
        mlp(changed(lambda: table(width=20), stuck(0.75)), [40] * 3, "relu", "he_normal"),
        {"constant_inputs": at("mild")},
    ),
    Patient(
        "two thirds of the columns stuck at 0 in Keras",
        net(changed(lambda: table(width=30), stuck(0.667)), plain([32] * 2, "relu")),
        {"constant_inputs": at("mild")},
    ),
    Patient(
        "the upper two thirds of the pixels black, SELU",
        mlp(changed(images, stuck(0.667, -0.81)), [50] * 3, "selu", "lecun_normal"),
        {"constant_inputs": at("mild")},
    ),
    Patient(
        "the upper two thirds of the pictures black, convolutions in Keras",
        net(changed(pictures, stuck(0.667, -0.81)), plain([20], "relu", convs=[6])),
        {"constant_inputs": at("mild")},
    ),
)

PATIENTS = [*UNSCALED, *UNCENTERED, *CONSTANT]
