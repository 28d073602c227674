"""Batch normalization used wrongly.

Too small a batch, severe: 1 or 2 examples per feature (of two, what comes out is ±1, whatever went in); mild:
4 or 5 (the variance is then uncertain by 70 to 80 %, √(2 / (m − 1))). Stale moving statistics, severe: in
testing the loss is 1.5 times or more that of the same batch in training mode; mild: 1.1 to 1.5 times. A bias
before the mean is taken away costs parameters, never the result: always mild. Dropout before batch
normalization: the variance in testing is up to 1 − rate of that in training (Li et al. 2018,
arXiv:1801.05134); severe from a rate of 0.5 on, mild to 0.25.
"""

import numpy as np

from helpers.networks.stack import BatchNorm
from helpers.numerics.normalization import RunningStatistics
from tests.ward.material import called, images, names, net, parts, pictures, plain, stack, table
from tests.ward.patient import Patient, at, halved, within

NOISE = frozenset({"dead_units", "vanishing_gradient", "vanishing_signal", "exploding_gradient"})


def first(count, data):
    """The first examples of the data, that is a small batch; all classes stay."""

    def loaded():
        x, y = data()
        return x[:count], np.concatenate([y[: count - 1], [y.max()]])

    return loaded


def alternating(*kinds, width=40, hidden=3, rate=0.5, only=None):
    """Hidden layers whose parts are listed by kind, as in ("dense", "norm", "bend").

    `only` has them in that one layer; "bias" is a dense layer with a bias, "dense" one without.
    """

    def make(draw, inputs, classes):
        layers = []
        for i in range(hidden):
            fan_in = inputs if i == 0 else width
            chosen = kinds if only in (None, i + 1) else ("dense", "norm", "bend")
            layers += [_part(draw, kind, fan_in, width, rate) for kind in chosen]
        return [*layers, draw.dense(width, classes)]

    return make


def _part(draw, kind, fan_in, width, rate):
    return {
        "dense": lambda: draw.dense(fan_in, width, bias=False),
        "bias": lambda: draw.dense(fan_in, width),
        "norm": lambda: draw.norm(width),
        "bend": lambda: draw.bend("relu"),
        "drop": lambda: draw.drop(rate),
    }[kind]()


def dropping(widths, rate, place, convs=()):
    """A `make` for `net`: batch normalization in every layer, dropout "inside" it or "between" the layers."""

    def make(L, inputs, classes):
        h = inputs
        for i, width in enumerate(convs):
            h = L.Conv2D(width, 3, padding="same", use_bias=False, name=f"c{i + 1}")(h)
            h = L.ReLU()(L.BatchNormalization()(L.Dropout(rate)(h) if place == "inside" else h))
        h = L.Flatten()(L.AveragePooling2D(2)(h)) if convs else h
        for i, width in enumerate(widths):
            h = L.Dropout(rate)(h) if place == "between" and i else h
            h = L.Dense(width, use_bias=False, name=f"d{i + 1}")(h)
            h = L.Dropout(rate)(h) if place == "inside" and not convs else h
            h = L.ReLU()(L.BatchNormalization()(h))
        return L.Dense(classes, activation="softmax", name="out")(h)

    return make


def _normalized_after(L, inputs, classes):
    h = inputs
    for i in range(2):
        h = L.BatchNormalization()(L.Dense(24, activation="tanh", name=f"d{i + 1}")(h))
    return L.Dense(classes, activation="softmax", name="out")(h)


def momentum(value):
    """A change of a Keras model: another momentum for every batch normalization, and large steps."""

    def change(model):
        model.optimizer.learning_rate = 0.02
        for layer in model.layers:
            if hasattr(layer, "moving_mean"):
                layer.momentum = value

    return change


def forgotten(model):
    """Moving statistics as they were before training, as after copying the trainable weights alone."""
    for layer in model.flat():
        if isinstance(layer, BatchNorm):
            layer.running = RunningStatistics(np.zeros_like(layer.beta), np.ones_like(layer.gamma))


def many_images():
    """1,000 images to train on."""
    return images(1000)


def other_images():
    """240 images, few of which were trained on."""
    return images(seed=9)


def trained_then(change, **options):
    """A trained, normalized stack whose statistics are changed afterwards."""
    build = stack(many_images, [40] * 3, normalized="before", shown=other_images, **options)

    def built():
        case = build()
        change(case.subject)
        return case

    return built


def drifted(factor):
    """A change: the moving variances are those of data this many times as wide."""

    def change(model):
        for layer in model.flat():
            if isinstance(layer, BatchNorm):
                layer.running = RunningStatistics(layer.running.mean, factor**2 * layer.running.variance)

    return change


LONG = {"learning_rate": 0.1, "steps": 700, "batch_size": 32}

SMALL_BATCH = halved(
    "set",
    Patient(
        "two examples, 4 normalized layers",
        stack(images, [40] * 4, normalized="before", batch=2),
        {"batch_too_small_for_batch_norm": at("severe", *names(1, 4))},
        NOISE,
    ),
    Patient(
        "two examples in Keras, 3 normalized layers",
        net(first(2, table), plain([32] * 3, "relu", norm=True, bias=False)),
        {"batch_too_small_for_batch_norm": at("severe", *called(1, 3))},
        NOISE,
    ),
    Patient(
        "one example",
        stack(table, [32] * 2, normalized="before", batch=1),
        {"batch_too_small_for_batch_norm": at("severe", *names(1, 2))},
        NOISE | {"constant_inputs", "symmetric_weights", "uncentered_inputs", "unscaled_inputs"},
    ),
    Patient(
        "two pictures: dense layers too few, convolutions enough",
        net(first(2, pictures), plain([32] * 2, "relu", convs=[6, 8], norm=True, bias=False)),
        {"batch_too_small_for_batch_norm": at("severe", *called(1, 2))},
        NOISE,
    ),
) + halved(
    "hold",
    Patient(
        "four examples, 3 normalized layers",
        stack(images, [40] * 3, normalized="before", batch=4),
        {"batch_too_small_for_batch_norm": at("mild", *names(1, 3))},
        NOISE,
    ),
    Patient(
        "four examples in Keras, normalized after the activation",
        net(first(4, table), _normalized_after),
        {"batch_too_small_for_batch_norm": at("mild", *called(1, 2))},
        NOISE,
    ),
    Patient(
        "five examples, 2 normalized layers",
        stack(table, [32] * 2, normalized="before", batch=5),
        {"batch_too_small_for_batch_norm": at("mild", *names(1, 2))},
        NOISE,
    ),
    Patient(
        "five pictures: dense layers too few, convolutions enough",
        net(first(5, pictures), plain([32], "relu", convs=[6, 8], norm=True, bias=False)),
        {"batch_too_small_for_batch_norm": at("mild", "d1")},
        NOISE,
    ),
)


STALE = halved(
    "set",
    Patient(
        "12 steps of training, then testing, images",
        stack(
            images, [40] * 3, normalized="before", fit={"learning_rate": 0.3, "steps": 12, "batch_size": 120}
        ),
        {"stale_moving_statistics": within("severe", *names(1, 3))},
    ),
    Patient(
        "six epochs in Keras with a momentum of 0.9999",
        net(
            table,
            plain([32] * 2, "relu", norm=True, bias=False),
            change=momentum(0.9999),
            fit={"epochs": 6, "batch_size": 24},
        ),
        {"stale_moving_statistics": within("severe", *called(1, 2))},
    ),
    Patient(
        "trained, then the moving statistics lost",
        trained_then(forgotten, fit=LONG),
        {"stale_moving_statistics": within("severe", *names(1, 3))},
    ),
    Patient(
        "trained, then moving variances of data 5 times as wide",
        trained_then(drifted(5.0), fit=LONG, seed=2),
        {"stale_moving_statistics": within("severe", *names(1, 3))},
    ),
) + halved(
    "hold",
    Patient(
        "60 steps of training, other images",
        stack(
            many_images,
            [40] * 3,
            normalized="before",
            shown=other_images,
            fit={"learning_rate": 0.03, "steps": 60, "batch_size": 64},
        ),
        {"stale_moving_statistics": within("mild", *names(1, 3))},
    ),
    Patient(
        "six epochs in Keras, convolutions",
        net(
            pictures,
            plain([], "relu", convs=[8, 8], norm=True, bias=False),
            fit={"epochs": 6, "batch_size": 24},
        ),
        {"stale_moving_statistics": within("mild", "c1", "c2")},
    ),
    Patient(
        "trained, then moving variances of data 1.3 times as wide",
        trained_then(drifted(1.3), fit=LONG, seed=1),
        {"stale_moving_statistics": within("mild", *names(1, 3))},
    ),
    Patient(
        "trained, then moving variances of data 0.87 times as wide",
        trained_then(drifted(0.87), fit=LONG, seed=4),
        {"stale_moving_statistics": within("mild", *names(1, 3))},
    ),
)

USELESS_BIAS = halved(
    "hold",
    Patient(
        "biases before batch normalization, 3 layers",
        parts(images, alternating("bias", "norm", "bend")),
        {"useless_bias_before_batch_norm": at("mild", *names(1, 3))},
    ),
    Patient(
        "biases before batch normalization in Keras",
        net(table, plain([24] * 2, "relu", norm=True)),
        {"useless_bias_before_batch_norm": at("mild", "d1", "d2")},
    ),
    Patient(
        "biases before batch normalization, convolutions",
        net(pictures, plain([], "relu", convs=[6, 6], norm=True)),
        {"useless_bias_before_batch_norm": at("mild", "c1", "c2")},
    ),
    Patient(
        "a bias before batch normalization in layer 2 of 4 alone",
        parts(table, alternating("bias", "norm", "bend", hidden=4, only=2)),
        {"useless_bias_before_batch_norm": at("mild", "layer 2")},
    ),
)

DROPOUT = halved(
    "set",
    Patient(
        "dropout of 0.5 inside every normalized layer",
        parts(images, alternating("dense", "drop", "norm", "bend", rate=0.5)),
        {"dropout_before_batch_norm": at("severe", *names(1, 3))},
    ),
    Patient(
        "dropout of 0.5 between normalized layers in Keras",
        net(table, dropping([40] * 3, 0.5, "between")),
        {"dropout_before_batch_norm": within("severe", *called(1, 3))},
    ),
    Patient(
        "dropout of 0.6 inside normalized convolutions",
        net(pictures, dropping([], 0.6, "inside", convs=[8, 8])),
        {"dropout_before_batch_norm": at("severe", "c1", "c2")},
    ),
    Patient(
        "dropout of 0.6 in layer 2 of 4 alone",
        parts(table, alternating("dense", "drop", "norm", "bend", rate=0.6, hidden=4, only=2)),
        {"dropout_before_batch_norm": at("severe", "layer 2")},
    ),
) + halved(
    "hold",
    Patient(
        "dropout of 0.1 inside every normalized layer",
        parts(images, alternating("dense", "drop", "norm", "bend", rate=0.1)),
        {"dropout_before_batch_norm": at("mild", *names(1, 3))},
    ),
    Patient(
        "dropout of 0.2 inside normalized layers in Keras",
        net(table, dropping([40] * 2, 0.2, "inside")),
        {"dropout_before_batch_norm": at("mild", "d1", "d2")},
    ),
    Patient(
        "dropout of 0.2 between normalized layers",
        stack(table, [40] * 3, normalized="before", dropout=0.2),
        {"dropout_before_batch_norm": within("mild", *names(1, 3))},
    ),
    Patient(
        "dropout of 0.25 between normalized dense layers after convolutions",
        net(pictures, dropping([40, 30], 0.25, "between", convs=[6])),
        {"dropout_before_batch_norm": within("mild", "d1", "d2")},
    ),
)

PATIENTS = [*SMALL_BATCH, *STALE, *USELESS_BIAS, *DROPOUT]
