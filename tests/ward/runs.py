"""Recorded runs: the wrong learning rate, overfitting, and what else a record shows; and runs that go well.

The learning rates come from a grid (1e-5 to 30, 300 steps) for each NumPy network. Too high, severe: the loss
turns nan, or ends no better (0.95 times) than it began or than a guess among the classes; mild: it ends at
1.5 times or more of what a good rate reaches. Too low, severe: in the whole run the loss falls by less than a
twentieth; mild: by 5 to 30 %, where a good rate takes it down by 70 % or more. Overfitting, severe: the
validation loss ends at 1.5 times its smallest value or more; mild: at 1.1 to 1.4 times.
"""

import numpy as np

from helpers.networks import keras_models
from helpers.networks.builders import dense_stack
from helpers.networks.mlp import MLP
from helpers.networks.training import train
from helpers.signals import recorder
from helpers.signals.recording import watcher
from tests.ward.depth import backwards
from tests.ward.material import called, images, names, pictures, plain, table
from tests.ward.patient import Case, Patient, at, halved

MANY = 1200
STEPS = 300


def many_images():
    """1,200 images."""
    return images(MANY)


def many_rows():
    """A table of 1,200 rows."""
    return table(MANY)


def relu_net(sizes, rng):
    """ReLU with He, two layers of 60."""
    return MLP((sizes[0], 60, 60, sizes[1]), activation="relu", initializer="he_normal", rng=rng)


def leaky_net(sizes, rng):
    """Leaky ReLU with He, three layers of 60: its units can't die, so that it diverges for good."""
    return MLP((sizes[0], 60, 60, 60, sizes[1]), activation="leaky_relu", initializer="he_normal", rng=rng)


def tanh_net(sizes, rng):
    """tanh with Glorot, two layers of 40."""
    return MLP((sizes[0], 40, 40, sizes[1]), activation="tanh", initializer="glorot_normal", rng=rng)


def normalized_net(sizes, rng):
    """ReLU, normalized, two layers of 60."""
    return dense_stack((sizes[0], 60, 60, sizes[1]), normalized="before", rng=rng)


def sigmoid_net(sizes, rng):
    """Sigmoid, eight layers: too deep for it."""
    return MLP((sizes[0], *[40] * 8, sizes[1]), activation="sigmoid", initializer="glorot_normal", rng=rng)


def wild_net(sizes, rng):
    """ReLU with He times 2.6, eight layers."""
    return MLP((sizes[0], *[40] * 8, sizes[1]), activation="relu", initializer="he_normal", gain=2.6, rng=rng)


def run(make, data, learning_rate, *, few=None, steps=STEPS, every=20, seed=1, valid=400):
    """Return a function that records a NumPy run, on the `few` first examples where that is given."""

    def build():
        x, y = data()
        held, x, y = (x[-valid:], y[-valid:]), x[:-valid][:few], y[:-valid][:few]
        model = make((x.shape[1], int(held[1].max()) + 1), np.random.default_rng(seed))
        watch = watcher(
            model, x[:32], y[:32], steps=steps, learning_rate=learning_rate, every=every, valid=held
        )
        rng = np.random.default_rng(seed)
        train(model, x, y, learning_rate=learning_rate, steps=steps, rng=rng, after_step=watch)
        return Case(watch.recording, guess=float(np.log(held[1].max() + 1)))

    return build


def fitted(make, data, optimizer, *, few=None, epochs=8, every=10, seed=1, valid=300):
    """Return a function that records a Keras `fit`; `optimizer(keras)` gives the optimizer."""

    def build():
        keras = keras_models.keras()
        keras.utils.set_random_seed(seed)
        x, y = data()
        held, x, y = (x[-valid:], y[-valid:]), x[:-valid][:few], y[:-valid][:few]
        inputs = keras.Input(x.shape[1:])
        model = keras.Model(inputs, make(keras.layers, inputs, int(held[1].max()) + 1))
        model.compile(optimizer(keras), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        watch = recorder.recorder(x[:32], y[:32], every=every)
        model.fit(
            x,
            y,
            batch_size=32,
            epochs=epochs,
            validation_data=held,
            validation_batch_size=valid,
            verbose=0,
            callbacks=[watch],
        )
        return Case(watch.recording, guess=float(np.log(held[1].max() + 1)))

    return build


def descent(rate):
    """Plain gradient descent in Keras."""
    return lambda keras: keras.optimizers.SGD(rate)


def adam(rate):
    """Adam."""
    return lambda keras: keras.optimizers.Adam(rate)


def _high(severity):
    return {"learning_rate_too_high": at(severity)}


def _low(severity):
    return {"learning_rate_too_low": at(severity)}


def _over(severity):
    return {"overfitting": at(severity)}


SHAKEN = frozenset({"overfitting"})  # where the loss leaps, that of the validation set leaps too

TOO_HIGH = halved(
    "set",
    Patient("ReLU, steps of 5, images", run(relu_net, many_images, 5.0), _high("severe"), SHAKEN),
    Patient("tanh, steps of 10, table", run(tanh_net, many_rows, 10.0), _high("severe"), SHAKEN),
    Patient(
        "normalized, steps of 10, images", run(normalized_net, many_images, 10.0), _high("severe"), SHAKEN
    ),
    Patient(
        "Keras: convolutions, steps of 3",
        fitted(plain([20], "relu", convs=[8]), lambda: pictures(700), descent(3.0), epochs=5),
        _high("severe"),
        SHAKEN,
    ),
) + halved(
    "hold",
    Patient("ReLU, steps of 0.6, images", run(relu_net, many_images, 0.6), _high("mild"), SHAKEN),
    Patient("tanh, steps of 3, table", run(tanh_net, many_rows, 3.0), _high("mild"), SHAKEN),
    Patient("normalized, steps of 3, images", run(normalized_net, many_images, 3.0), _high("mild"), SHAKEN),
    Patient(
        "Keras: ReLU, Adam with 0.1, images",
        fitted(plain([60] * 2, "relu"), many_images, adam(0.1)),
        _high("mild"),
        SHAKEN,
    ),
)

TOO_LOW = halved(
    "set",
    Patient("ReLU, steps of 1e-5, images", run(relu_net, many_images, 1e-5), _low("severe")),
    Patient("tanh, steps of 1e-5, table", run(tanh_net, many_rows, 1e-5), _low("severe")),
    Patient(
        "Keras: ReLU, Adam with 1e-6, table",
        fitted(plain([32] * 2, "relu"), many_rows, adam(1e-6)),
        _low("severe"),
    ),
    Patient("normalized, steps of 1e-5, images", run(normalized_net, many_images, 1e-5), _low("severe")),
) + halved(
    "hold",
    Patient("ReLU, steps of 2e-4, images", run(relu_net, many_images, 2e-4), _low("mild")),
    Patient("tanh, steps of 1e-3, table", run(tanh_net, many_rows, 1e-3), _low("mild")),
    Patient("normalized, steps of 4e-4, images", run(normalized_net, many_images, 4e-4), _low("mild")),
    Patient(
        "Keras: convolutions, steps of 3e-4",
        fitted(plain([20], "relu", convs=[8]), lambda: pictures(700), descent(3e-4), epochs=5),
        _low("mild"),
    ),
)

OVERFITTING = halved(
    "set",
    Patient("60 images, 2,000 steps", run(relu_net, many_images, 0.1, few=60, steps=2000), _over("severe")),
    Patient("90 rows, tanh, 3,000 steps", run(tanh_net, many_rows, 0.3, few=90, steps=3000), _over("severe")),
    Patient(
        "Keras: 96 images, Adam with 0.01, 40 epochs",
        fitted(plain([60] * 2, "relu"), many_images, adam(1e-2), few=96, epochs=40, every=12),
        _over("severe"),
    ),
    Patient(
        "40 images, 2,000 steps of 0.2",
        run(relu_net, many_images, 0.2, few=40, steps=2000, seed=3),
        _over("severe"),
    ),
) + halved(
    "hold",
    Patient("80 images, 250 steps", run(relu_net, many_images, 0.1, few=80, steps=250), _over("mild")),
    Patient("100 rows, tanh, 300 steps", run(tanh_net, many_rows, 0.1, few=100, steps=300), _over("mild")),
    Patient(
        "150 images, 500 steps", run(relu_net, many_images, 0.1, few=150, steps=500, seed=2), _over("mild")
    ),
    Patient(
        "Keras: 96 images, Adam with 0.002, 40 epochs",
        fitted(plain([60] * 2, "relu"), many_images, adam(2e-3), few=96, epochs=40, every=12, seed=2),
        _over("mild"),
    ),
)

STILL = frozenset(
    {"learning_rate_too_low"}
)  # the loss stands still: from the record alone that is one way to say it

OTHERS = halved(
    "set",
    Patient(
        "a run of sigmoid, 8 layers, images",
        run(sigmoid_net, many_images, 0.1),
        {"vanishing_gradient": backwards("severe", names(1, 8))},
        STILL,
    ),
    Patient(
        "Keras: a run of sigmoid, 7 layers, table",
        fitted(plain([32] * 7, "sigmoid", "glorot_uniform"), many_rows, descent(0.05)),
        {"vanishing_gradient": backwards("severe", called(1, 7))},
        STILL,
    ),
    Patient(
        "a run of ReLU with He times 2.6, 8 layers, that ends in nan",
        run(wild_net, many_images, 0.1),
        {"non_finite_values": at("severe", may=(*names(1, 9),))},
        frozenset({"learning_rate_too_high", "exploding_gradient", "exploding_signal", "dead_units"}),
    ),
    Patient(
        "a run of leaky ReLU in steps of 1 that ends in nan",
        run(leaky_net, many_images, 1.0),
        {"non_finite_values": at("severe", may=(*names(1, 4),)), "learning_rate_too_high": at("severe")},
    ),
)

WELL = halved(
    "set",
    Patient("a good run: ReLU, steps of 0.1, images", run(relu_net, many_images, 0.1)),
    Patient("a good run: tanh, steps of 0.3, table", run(tanh_net, many_rows, 0.3)),
    Patient("a good run: normalized, steps of 0.1, images", run(normalized_net, many_images, 0.1)),
    Patient("a good run: ReLU, steps of 0.03, images", run(relu_net, many_images, 0.03, seed=5)),
    Patient(
        "Keras: a good run: Adam with 1e-3, images",
        fitted(plain([60] * 2, "relu"), many_images, adam(1e-3)),
    ),
    Patient(
        "Keras: a good run: convolutions, steps of 0.05",
        fitted(plain([20], "relu", convs=[8]), lambda: pictures(1000), descent(0.05)),
    ),
)

PATIENTS = [*TOO_HIGH, *TOO_LOW, *OVERFITTING, *OTHERS, *WELL]
