"""What an examination costs: the Trace of a Keras model and its findings, beside training steps, in turns."""

from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.results import Result, middle
from helpers import clinic
from helpers.networks import keras_models
from helpers.signals.trace import trace

RUNS = 9


def measure() -> list[Result]:
    """Return the time of an examination beside that of steps of the same model, compiled and not."""
    found = []
    for name, build, shape, batch in MODELS:
        x = np.random.default_rng(0).normal(size=(batch, *shape)).astype(np.float32)
        y = np.random.default_rng(1).integers(10, size=batch)
        steps = {eager: compiled(build(), eager) for eager in (True, False)}
        times = [measured(steps, x, y) for _ in range(RUNS + 1)][1:]  # the first one compiles
        found += results(name, *map(list, zip(*times, strict=True)))
    return found


def compiled(model, eager):
    """Return the model, ready to be trained, by single operations or as one compiled graph."""
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=eager)
    return model


def measured(models, x, y) -> tuple[float, float, float]:
    """Return the milliseconds of an examination, of a plain step and of a compiled step."""
    return (
        milliseconds(lambda: clinic.examine(trace(models[False], x, y))),
        milliseconds(lambda: models[True].train_on_batch(x, y)),
        milliseconds(lambda: models[False].train_on_batch(x, y)),
    )


def milliseconds(run) -> float:
    """Return the milliseconds of one call."""
    begin = perf_counter()
    run()
    return 1000 * (perf_counter() - begin)


def results(name, examined, plain, compiled) -> list[Result]:
    """Return the table's lines for milliseconds of examinations and steps, measured in turns.

    The promise is about the step that `fit` takes, which is compiled. A Trace calls the layers one by one, as
    an uncompiled step does; the ratio to that one tells what the instruments themselves cost.
    """
    return [
        Result(
            f"an examination, {name}", promised=3, ratio_to="a training step", **_ratio(examined, compiled)
        ),
        Result("  the same, beside an uncompiled step", ratio_to="that step", **_ratio(examined, plain)),
        Result("  the examination", **middle(examined)),
        Result("  a training step", **middle(compiled)),
        Result("  a training step, uncompiled", **middle(plain)),
    ]


def _ratio(examined, steps):
    ratios = middle([a / b for a, b in zip(examined, steps, strict=True)], "×")
    return ratios | {"measured": median(examined) / median(steps)}


def convolutional():
    """A small convolutional network for images of 28 × 28, as in Keras's first example."""
    layers = keras_models.keras().layers
    return keras_models.keras().Sequential(
        [
            keras_models.keras().Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def residual():
    """Nine normalized convolutions with skips, for images of 32 × 32."""
    layers = keras_models.keras().layers
    inputs = keras_models.keras().Input((32, 32, 3))
    h = layers.Conv2D(16, 3, padding="same")(inputs)
    for width in (16, 32, 64, 64):
        stride = 1 if width == h.shape[-1] else 2
        branch = layers.Conv2D(width, 3, strides=stride, padding="same", use_bias=False)(h)
        branch = layers.ReLU()(layers.BatchNormalization()(branch))
        branch = layers.BatchNormalization()(layers.Conv2D(width, 3, padding="same", use_bias=False)(branch))
        h = h if stride == 1 else layers.Conv2D(width, 1, strides=2)(h)
        h = layers.ReLU()(layers.Add()([h, branch]))
    outputs = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(h))
    return keras_models.keras().Model(inputs, outputs)


MODELS = (  # name, builder, shape of an example, batch
    ("a convolutional network", convolutional, (28, 28, 1), 128),
    ("a residual network", residual, (32, 32, 3), 64),
    ("100 SELU layers", keras_models.dense_network, (784,), 256),
)
