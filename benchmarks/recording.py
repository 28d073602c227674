"""What it costs to record a Keras run: the hundred layers of lesson 08 trained with and without, in turns."""

from statistics import median
from time import perf_counter

from benchmarks.results import Result, middle
from helpers import data
from helpers.networks import keras_models
from helpers.signals.recorder import EVERY, probe_of, recorder

BATCH = 256
STEPS = 1000  # training steps of one run, about five epochs of the real images
PAIRS = 3


def measure() -> list[Result]:
    """Return the time of a whole run with a recorder at its default setting, beside the same run without."""
    images = data.load_split()
    model = compiled()
    fit(model, images, 20, [])  # compiles the training itself
    watched, plain, begun = [], [], []
    for _ in range(PAIRS):
        plain.append(fit(model, images, STEPS, []))
        watched.append(fit(model, images, STEPS, [recorder(images.x[:BATCH], images.y[:BATCH])]))
        begin = perf_counter()
        probe_of(model, images.x[:BATCH], images.y[:BATCH])
        begun.append(perf_counter() - begin)
    return results(watched, plain, begun)


def compiled():
    """Return the hundred layers, compiled as a plain program would compile them."""
    model = keras_models.dense_network(seed=0)
    optimizer = keras_models.keras().optimizers.SGD(1e-3, momentum=0.9)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy")
    return model


def fit(model, images, steps, callbacks) -> float:
    """Return the seconds of one run of so many steps."""
    tf = keras_models.tensorflow()
    batches = tf.data.Dataset.from_tensor_slices((images.x, images.y)).batch(BATCH, drop_remainder=True)
    begin = perf_counter()
    model.fit(batches.repeat(), epochs=1, steps_per_epoch=steps, verbose=0, callbacks=callbacks)
    return perf_counter() - begin


def results(watched, plain, begun) -> list[Result]:
    """Return the table's lines for seconds per run with and without the recorder, and for its start."""
    costs = [100 * (a / b - 1) for a, b in zip(watched, plain, strict=True)]
    cost = middle(costs, "%") | {"measured": 100 * (median(watched) / median(plain) - 1)}
    return [
        Result(
            f"recording every {EVERY} of {STEPS} steps, 100 SELU layers",
            promised=10,
            ratio_to="the run",
            **cost,
        ),
        Result("  the run, recorded", **middle(watched, "s")),
        Result("  the run without", **middle(plain, "s")),
        Result("  of which, once: compiling the record", **middle(begun, "s")),
    ]
