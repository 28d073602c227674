"""What the clinic's tests examine: small networks, and traces and recordings made up number by number."""

from dataclasses import replace

import numpy as np

from helpers import clinic
from helpers.networks.builders import dense_stack
from helpers.networks.mlp import MLP
from helpers.numerics.activations import ACTIVATIONS
from helpers.signals import recording
from helpers.signals.measures import BatchNormSignal, Histogram
from helpers.signals.trace import LayerSignal, Trace, trace
from tests.keras_models import CLASSES as KERAS_CLASSES
from tests.keras_models import labels, table

WIDTH, CLASSES = 40, 5
NAMES = sorted(ACTIVATIONS)
PROPER = {"tanh": "glorot_normal", "sigmoid": "glorot_normal", "selu": "lecun_normal"}
LAYERS = ("a", "b", "c", "d")
GOOD = [2.3, 1.5, 1.0, 0.7, 0.5, 0.45]
ENDLESS = 10**12  # so many units, or examples, that nothing happens by chance


def network(activation="relu", depth=4, initializer=None, seed=1, width=WIDTH, **options):
    """A plain network of WIDTH inputs, with the initialization that goes with its activation."""
    initializer = initializer or PROPER.get(activation, "he_normal")
    sizes = (WIDTH, *[width] * depth, CLASSES)
    rng = np.random.default_rng(seed)
    return MLP(sizes, activation=activation, initializer=initializer, rng=rng, **options)


def normalized(depth=3, **options):
    """A stack of WIDTH inputs with batch normalization."""
    sizes = (WIDTH, *[WIDTH] * depth, CLASSES)
    return dense_stack(sizes, **({"normalized": "before"} | options), rng=np.random.default_rng(1))


def small_keras(keras, *middle, last="softmax", loss="sparse_categorical_crossentropy", units=KERAS_CLASSES):
    """A Keras model of six inputs, compiled with a loss where there is one."""
    model = keras.Sequential([keras.Input((6,)), *middle, keras.layers.Dense(units, last, name="out")])
    if loss:
        model.compile("adam", loss)
    return model


def many(n=128, seed=2):
    """A batch for `small_keras`."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 6)).astype(np.float32), rng.integers(KERAS_CLASSES, size=n)


def codes(model, x=None, y=None):
    """Severities by code of what is found in a Keras model."""
    return severities(clinic.examine(trace(model, table() if x is None else x, labels() if y is None else y)))


def severities(findings):
    """Severities by code."""
    return {finding.code: finding.severity for finding in findings}


def layer(name="layer 1", **changes):
    """A healthy layer of a Trace, with these numbers changed."""
    healthy = LayerSignal(
        name=name,
        kind="dense",
        parts=("dense", "activation"),
        output=False,
        units=ENDLESS,
        fan_in=ENDLESS,
        size=ENDLESS,
        biased=True,
        dropout=0.0,
        batch_norm=None,
        activation="relu",
        can_die=False,
        saturates="no",
        histogram=Histogram(np.ones(4), 0.0, 1.0),
        z_mean=0.0,
        z_std=1.0,
        mean=0.0,
        std=1.0,
        share_saturated=0.0,
        share_dead=0.0,
        share_on=0.0,
        share_equal=0.0,
        share_stay_equal=0.0,
        grad_z_norm=1.0,
        grad_W_norm=1.0,
        W_norm=1.0,
    )
    return replace(healthy, **changes)


def made_up_trace(*layers, examples=ENDLESS, entered=None, **changes):
    """A Trace of these layers, named in order, on healthy inputs."""
    named = tuple(replace(one, name=f"layer {i + 1}") for i, one in enumerate(layers))
    return replace(Trace(named, 1.0, examples, 0.0, 1.0, np.zeros(1), entered), **changes)


def batch_norm_layer(*, count=1000, shift=0.0, stretch=0.0, fresh=False, **changes):
    """A layer with batch normalization that saw `count` values per feature."""
    norm = BatchNormSignal(count=count, shift=shift, stretch=stretch, fresh=fresh)
    return layer(parts=("dense", "batch_norm", "activation"), biased=False, batch_norm=norm, **changes)


def made_up(loss, ratio=3e-3, gradient=(1.0, 1.0, 1.0, 1.0), validation=None, training=None, steps=1000):
    """A recorded run with the given losses; ratio and gradient are the same at every record."""
    loss = np.asarray(loss, float)
    count, shape = len(loss), (len(loss), len(LAYERS))
    marks = np.linspace(0, steps, count).astype(int)
    epochs = [
        (mark, {"val_loss": float(v), "loss": float(t)})
        for mark, v, t in zip(marks, validation or (), training or loss, strict=False)
    ]
    return replace(
        recording.empty(LAYERS, steps),
        steps=marks,
        loss=loss,
        grad_W_norm=np.broadcast_to(gradient, shape),
        ratio=np.full(shape, ratio),
        counts=np.ones((*shape, recording.BINS)),
        epochs=tuple(epochs),
    )
