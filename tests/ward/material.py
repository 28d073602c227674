"""What the ward's networks are made from: real images, made-up tables and sentences, and quick builders.

All is small: the whole ward has to pass in a minute and a half. Everything is drawn from a seed.
"""

from functools import cache

import numpy as np

from helpers.data.fashion_mnist import load_batch
from helpers.networks import keras_models
from helpers.networks.builders import dense_stack
from helpers.networks.mlp import MLP
from helpers.networks.stack import BatchNorm, Dense, Dropout, Nonlinearity, Skip, Stack
from helpers.networks.training import train
from helpers.numerics.activations import ACTIVATIONS
from tests.ward.patient import Case

BATCH = 240
POOL = 2000  # images are drawn from the first so many
SIDE = 14
PIXELS = SIDE * SIDE
CLASSES = 10


@cache
def _pool():
    x, y = load_batch(POOL, standardize=False)
    return x.reshape(POOL, SIDE, 2, SIDE, 2).mean(axis=(2, 4)), y


def raw_images(n=BATCH, seed=0):
    """Return n real images of 14 × 14 pixels in 0 … 1, flat, and their labels."""
    x, y = _pool()
    rows = np.random.default_rng(seed).choice(POOL, n, replace=False)
    return x[rows].reshape(n, PIXELS), y[rows]


def images(n=BATCH, seed=0, per_pixel=False):
    """Return n standardized images, with one mean and deviation for all pixels or one for each."""
    pool = _pool()[0].reshape(POOL, PIXELS)
    axis = 0 if per_pixel else None
    x, y = raw_images(n, seed)
    return ((x - pool.mean(axis)) / np.maximum(pool.std(axis), 1e-3)).astype(np.float32), y


def pictures(n=BATCH, seed=0):
    """Return n standardized images (n, 14, 14, 1)."""
    x, y = images(n, seed)
    return x.reshape(n, SIDE, SIDE, 1), y


def table(n=BATCH, width=12, classes=3, seed=0):
    """Return a standard normal table and labels that a small random network gives it."""
    rng = np.random.default_rng(1000 + seed)
    inner, outer = rng.normal(size=(width, 8)), rng.normal(size=(8, classes))
    x = rng.normal(size=(n, width))
    return x.astype(np.float32), (np.tanh(x @ inner / 2) @ outer).argmax(axis=1)


def words(n=BATCH, length=16, vocabulary=40, seed=0):
    """Return sentences of whole numbers, and whether one fifth of the words comes up four times or more."""
    x = np.random.default_rng(seed).integers(vocabulary, size=(n, length))
    return x, ((x < vocabulary // 5).sum(axis=1) >= 4).astype(np.int64)


def mlp(data, hidden, activation, initializer, *, seed=1, change=None, fit=None, **options):
    """Return a function that builds an `MLP` with its batch, after `change(model)` and `train` with `fit`."""

    def build():
        x, y = data()
        sizes = (x.shape[1], *hidden, int(y.max()) + 1)
        rng = np.random.default_rng(seed)
        model = MLP(sizes, activation=activation, initializer=initializer, rng=rng, **options)
        return finished(model, x, y, change, fit)

    return build


def stack(data, hidden, *, seed=1, change=None, fit=None, batch=None, shown=None, **options):
    """Return a function that builds a `dense_stack` with its batch, or the first `batch` examples of it.

    `shown` is other data than those that it was trained on, for the batch.
    """

    def build():
        x, y = data()
        sizes = (x.shape[1], *hidden, int(y.max()) + 1)
        case = finished(dense_stack(sizes, rng=np.random.default_rng(seed), **options), x, y, change, fit)
        x, y = shown() if shown else (x, y)
        return Case(case.subject, x[:batch], y[:batch])

    return build


def finished(model, x, y, change=None, fit=None):
    """Return the `Case` of a NumPy network after its change and its training."""
    if change:
        change(model)
    if fit:
        train(model, x, y, rng=np.random.default_rng(7), **fit)
    return Case(model, x, y)


def parts(data, make, *, seed=1, fit=None, batch=None):
    """Return a function that builds a `Stack` of the layers that `make(draw, x)` gives, with its batch."""

    def build():
        x, y = data()
        rng = np.random.default_rng(seed)
        case = finished(Stack(make(Drawing(rng), x.shape[1], int(y.max()) + 1), rng=rng), x, y, fit=fit)
        return Case(case.subject, x[:batch], y[:batch])

    return build


class Drawing:
    """Layers of a `Stack`, their weights drawn with He's variance (or another) from one generator."""

    def __init__(self, rng):
        self.rng = rng

    def dense(self, fan_in, fan_out, variance=2.0, bias=True):
        """Return a dense layer whose weights have the variance `variance` / fan_in."""
        W = self.rng.normal(size=(fan_in, fan_out)) * np.sqrt(variance / fan_in)
        return Dense(W, np.zeros(fan_out) if bias else None)

    def norm(self, width):
        """Return a fresh batch normalization."""
        return BatchNorm(np.ones(width), np.zeros(width))

    def bend(self, name="relu"):
        """Return an activation."""
        return Nonlinearity(ACTIVATIONS[name])

    def drop(self, rate):
        """Return a dropout."""
        return Dropout(rate)

    def skip(self, *layers):
        """Return h + F(h)."""
        return Skip(list(layers))


def net(
    data, make, *, seed=1, loss="sparse_categorical_crossentropy", optimizer="adam", fit=None, change=None
):
    """Return a function that builds a Keras model with its batch; it is not compiled where `loss` is None.

    `make(layers, inputs, classes)` gives the output tensor, `layers` being Keras's; `fit` holds arguments of
    `fit`, and `loss` is a name or a function of Keras.
    """

    def build():
        keras = keras_models.keras()
        keras.utils.set_random_seed(seed)
        x, y = data()
        kind = "int64" if x.dtype.kind == "i" else "float32"
        inputs = keras.Input(x.shape[1:], dtype=kind)
        model = keras.Model(inputs, make(keras.layers, inputs, int(np.max(y)) + 1))
        if loss is not None:
            model.compile(optimizer, loss=loss(keras) if callable(loss) else loss)
        if change:
            change(model)
        if fit:
            model.fit(x, y, verbose=0, **fit)
        return Case(model, x, y)

    return build


def names(first, last):
    """Return the names of the layers `first` to `last` of a NumPy network."""
    return tuple(f"layer {i}" for i in range(first, last + 1))


def called(first, last, letter="d"):
    """Return the names d1, d2, … that the ward gives to layers of Keras models."""
    return tuple(f"{letter}{i}" for i in range(first, last + 1))


def scaled(variance):
    """Return a function that makes a new Keras initializer of variance `variance` / fan_in at each call."""
    return lambda: keras_models.keras().initializers.VarianceScaling(variance)


def plain(
    widths, activation, kernel="he_normal", *, convs=(), norm=False, bias=True, out="softmax", end=None
):
    """Return a `make` for `net`: 3 × 3 convolutions c1, c2, …, then dense layers d1, d2, …, then "out".

    `kernel` is a name or a function that makes a new initializer; `end` the number of outputs.
    """
    new = kernel if callable(kernel) else lambda: kernel

    def make(L, inputs, classes):
        h = inputs
        options = {"use_bias": bias}
        for i, width in enumerate(convs):
            layer = L.Conv2D(width, 3, padding="same", name=f"c{i + 1}", kernel_initializer=new(), **options)
            h = _bent(L, layer(h), activation, norm)
        h = L.Flatten()(L.AveragePooling2D(2)(h)) if convs else h
        for i, width in enumerate(widths):
            layer = L.Dense(width, name=f"d{i + 1}", kernel_initializer=new(), **options)
            h = _bent(L, layer(h), activation, norm)
        return L.Dense(end or classes, activation=out, name="out")(h)

    return make


def _bent(L, z, activation, norm):
    return L.Activation(activation)(L.BatchNormalization()(z) if norm else z)
