"""Healthy networks: every activation with its proper weights, shallow and deep, trained and untrained.

A network is healthy that learns: by plain steps of a usual size its loss falls. Deep ones are only those
whose signal theory holds: sigmoid has one hidden layer, since every further one costs a factor of four of the
gradient, and batch normalization without skips eight, since each costs a factor of 1.2.
"""

import numpy as np

from tests.ward.material import (
    images,
    mlp,
    net,
    parts,
    pictures,
    plain,
    raw_images,
    stack,
    table,
    words,
)
from tests.ward.norm import LONG, first
from tests.ward.outputs import logits_loss, sentences, two_classes
from tests.ward.patient import Patient, halved

SHORT = {"learning_rate": 0.1, "steps": 150}


def pixels():
    """Images, each pixel standardized by itself."""
    return images(per_pixel=True)


def large_pictures():
    """Standardized images with a frame of ground, 16 × 16: a quarter of the pixels never change."""
    x, y = pictures()
    return np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=x.min()), y


def mixed_table():
    """Six standard normal columns and six of zeros and ones, standardized, as tables are."""
    x, y = table()
    x[:, 6:] = x[:, 6:] > 0.5
    return ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32"), y


def skewed_table():
    """Columns with long tails (log-normal), standardized."""
    x, y = table()
    x = np.exp(x)
    return ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32"), y


def regression():
    """The table, and a number to be told from it."""
    x, _ = table()
    return x, (x[:, :1] * x[:, 1:2] + x[:, 2:3]).astype("float32")


def many_labels():
    """The table, and five labels that may each hold."""
    x, _ = table()
    return x, (x[:, :5] + 0.5 * x[:, 5:10] > 0).astype("float32")


def _residual(draw, inputs, classes):
    """Normalize, bend, multiply, add; without biases, for every reader of the stream would undo them."""
    width = 40

    def block():
        return draw.skip(draw.norm(width), draw.bend(), draw.dense(width, width, bias=False))

    end = [draw.norm(width), draw.bend(), draw.dense(width, classes)]
    return [draw.dense(inputs, width, bias=False), *(block() for _ in range(6)), *end]


def _scaled_residual(draw, inputs, classes):
    """Eight blocks whose branches add a sixteenth of the variance each."""
    width = 50

    def block():
        return draw.skip(draw.dense(width, width, 2 / 16), draw.bend("elu"))

    return [draw.dense(inputs, width), draw.bend(), *(block() for _ in range(8)), draw.dense(width, classes)]


def _residual_pictures(L, inputs, classes):

    def bend(x):
        return L.ReLU()(L.BatchNormalization()(x))

    def conv(name, n, **more):
        return L.Conv2D(n, 3, padding="same", use_bias=False, name=name, **more)

    h = bend(conv("c1", 8)(inputs))
    h = L.ReLU()(L.Add()([h, L.BatchNormalization()(conv("c3", 8)(bend(conv("c2", 8)(h))))]))
    short = L.Conv2D(16, 1, strides=2, use_bias=False, name="c4")(h)
    branch = L.BatchNormalization()(conv("c6", 16)(bend(conv("c5", 16, strides=2)(h))))
    h = L.ReLU()(L.Add()([L.BatchNormalization()(short), branch]))
    return L.Dense(classes, activation="softmax", name="out")(L.GlobalAveragePooling2D()(h))


def _lenet(L, inputs, classes):
    h = L.AveragePooling2D(2)(L.Conv2D(6, 5, padding="same", activation="tanh", name="c1")(inputs))
    h = L.AveragePooling2D(2)(L.Conv2D(16, 3, activation="tanh", name="c2")(h))
    h = L.Dense(40, activation="tanh", name="d2")(L.Dense(60, activation="tanh", name="d1")(L.Flatten()(h)))
    return L.Dense(classes, activation="softmax", name="out")(h)


def _convnet(L, inputs, classes):
    h = L.MaxPooling2D(2)(L.Conv2D(12, 3, activation="relu", name="c1")(inputs))
    h = L.MaxPooling2D(2)(L.Conv2D(24, 3, activation="relu", name="c2")(h))
    return L.Dense(classes, activation="softmax", name="out")(L.Dropout(0.5)(L.Flatten()(h)))


def _layer_normed(L, inputs, classes):
    h = inputs
    for i in range(6):
        h = L.Activation("gelu")(L.LayerNormalization()(L.Dense(32, name=f"d{i + 1}")(h)))
    return L.Dense(classes, name="out")(h)


def _self_normalizing(L, inputs, classes):
    h = inputs
    for i in range(6):
        h = L.Dense(40, activation="selu", kernel_initializer="lecun_normal", name=f"d{i + 1}")(h)
        h = L.AlphaDropout(0.1)(h)
    return L.Dense(classes, activation="softmax", name="out")(h)


def _averaged_words(L, inputs, classes):
    h = L.GlobalAveragePooling1D()(L.Embedding(40, 8, name="e1")(inputs))
    return L.Dense(classes, activation="softmax", name="out")(L.Dense(16, activation="relu", name="d1")(h))


NUMPY = halved(
    "set",
    Patient("ReLU, He, 3 layers, images", mlp(images, [100] * 3, "relu", "he_normal")),
    Patient("ReLU, He, 7 layers, images", mlp(images, [100] * 7, "relu", "he_normal")),
    Patient("leaky ReLU, He, 8 layers, table", mlp(table, [40] * 8, "leaky_relu", "he_uniform")),
    Patient("PReLU, He, 4 layers, images", mlp(images, [60] * 4, "prelu", "he_normal")),
    Patient("ELU, He, 6 layers, each pixel standardized", mlp(pixels, [60] * 6, "elu", "he_normal")),
    Patient("SELU, LeCun, 10 layers, images", mlp(images, [60] * 10, "selu", "lecun_normal")),
    Patient("SELU, LeCun, 50 layers, images", mlp(images, [60] * 50, "selu", "lecun_normal")),
    Patient("tanh, Glorot, 3 layers, table", mlp(table, [40] * 3, "tanh", "glorot_normal")),
    Patient("tanh, Glorot, 20 layers, images", mlp(images, [80] * 20, "tanh", "glorot_normal")),
    Patient("sigmoid, Glorot, 1 layer, images", mlp(images, [60], "sigmoid", "glorot_normal")),
    Patient("GELU, He, 4 layers, images", mlp(images, [60] * 4, "gelu", "he_normal")),
    Patient("SiLU, He, 3 layers, table", mlp(table, [40] * 3, "silu", "he_normal")),
    Patient("softplus, He, 2 layers, table", mlp(table, [40] * 2, "softplus", "he_normal")),
    Patient("Mish, He, 4 layers, images", mlp(images, [60] * 4, "mish", "he_uniform")),
    Patient("linear, orthogonal, 8 layers, table", mlp(table, [40] * 8, "linear", "orthogonal")),
    Patient("ReLU, widths from 150 to 20, images", mlp(images, [150, 80, 40, 20], "relu", "he_normal")),
    Patient("one layer, no hidden one", mlp(table, [], "relu", "he_normal")),
    Patient("ReLU trained, images", mlp(images, [60] * 3, "relu", "he_normal", fit=SHORT)),
    Patient("tanh trained, table", mlp(table, [40] * 3, "tanh", "glorot_normal", fit=SHORT)),
    Patient("SELU trained, 10 layers, images", mlp(images, [60] * 10, "selu", "lecun_normal",
            fit={"learning_rate": 0.02, "steps": 200})),
    Patient("sigmoid trained, table", mlp(table, [40], "sigmoid", "glorot_normal", fit=SHORT)),
    Patient("ReLU on columns with long tails", mlp(skewed_table, [40] * 3, "relu", "he_normal")),
    Patient("ELU on columns of zeros and ones", mlp(mixed_table, [40] * 3, "elu", "he_normal")),
    Patient("a small batch of eight, ReLU", mlp(first(8, table), [40] * 3, "relu", "he_normal")),
    Patient("ReLU, He, images in 0 … 1", mlp(raw_images, [60] * 3, "relu", "he_normal"),
            accept=frozenset({"uncentered_inputs"})),  # usual, though lesson 05 would have them centered
    Patient("normalized, 8 layers, before training", stack(images, [40] * 8, normalized="before")),
    Patient("normalized, trained", stack(images, [40] * 3, normalized="before", fit=LONG)),
    Patient("normalized after the activation, trained", stack(table, [40] * 3, normalized="after", fit=LONG)),
    Patient("dropout without normalization", stack(images, [60] * 3, dropout=0.3)),
    Patient("alpha dropout, SELU", stack(images, [60] * 5, activation="selu", initializer="lecun_normal",
            alpha_dropout=0.1)),
    Patient("residual, normalized in its branches", parts(images, _residual)),
    Patient("residual, scaled branches, trained", parts(table, _scaled_residual, fit=SHORT)),
)  # fmt: skip

KERAS = halved(
    "hold",
    Patient("Keras: ReLU, trained by Adam", net(table, plain([32] * 2, "relu"), fit={"epochs": 8})),
    Patient("Keras: convnet with dropout", net(pictures, _convnet)),
    Patient("Keras: convolutions, normalized", net(pictures, plain([], "relu", convs=[8, 8, 8], norm=True,
            bias=False))),
    Patient("Keras: residual convolutions", net(pictures, _residual_pictures)),
    Patient("Keras: LeNet, tanh", net(pictures, _lenet)),
    Patient("Keras: sentences, one sigmoid", net(words, sentences("sigmoid", 1), loss="binary_crossentropy")),
    Patient("Keras: sentences, logits", net(words, sentences(None),
            loss=logits_loss("SparseCategoricalCrossentropy"))),
    Patient("Keras: averaged words", net(words, _averaged_words)),
    Patient("Keras: regression", net(regression, plain([32] * 2, "relu", out=None, end=1), loss="mse")),
    Patient("Keras: many labels", net(many_labels, plain([32] * 2, "relu", out="sigmoid", end=5),
            loss="binary_crossentropy")),
    Patient("Keras: GELU, layer normalization, logits", net(table, _layer_normed,
            loss=logits_loss("SparseCategoricalCrossentropy"))),
    Patient("Keras: SELU, alpha dropout", net(images, _self_normalizing)),
    Patient("Keras: normalized convolutions, 8 pictures", net(first(8, pictures), plain([], "relu",
            convs=[8, 8], norm=True, bias=False))),
    Patient("Keras: logits and their loss, one unit", net(two_classes, plain([24], "relu", out=None, end=1),
            loss=logits_loss("BinaryCrossentropy"))),
    Patient("Keras: pictures with a frame, not compiled", net(large_pictures, plain([20], "elu", convs=[6]),
            loss=None)),
    Patient("Keras: default weights, 2 layers", net(images, plain([64, 32], "relu", "glorot_uniform"))),
)  # fmt: skip

PATIENTS = [*NUMPY, *KERAS]
