"""Dense networks in Keras, the hundred layers of lesson 08 among them, and the quiet import of Keras.

No other module imports Keras, and this one does so inside functions: a notebook that needs no Keras does not
wait for it. How the hundred layers are trained is told in `helpers.networks.keras_training`.
"""

import os
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise

from helpers.networks.mlp import MLP
from helpers.networks.stack import NORMALIZED
from helpers.numerics.activations import LEAKY_RELU_SLOPE, PRELU_START_SLOPE, Activation

SIZES = (784, 300, *[100] * 99, 10)  # the reference network: a hundred hidden layers (Géron 2019, chapter 11)


@lru_cache(maxsize=1)
def keras():
    """Return the Keras package on TensorFlow, imported without the lines that TensorFlow prints.

    Those come from C++ and heed no setting, so file descriptor 2 points at nothing meanwhile. Raises
    ImportError where TensorFlow is not installed.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # the course's networks are small
    with _nothing_on_stderr():
        import keras
        import tensorflow as tf

        tf.constant(0.0)  # the first operation prints as well
    return keras


def tensorflow():
    """Return the TensorFlow package, imported as quietly."""
    keras()
    import tensorflow

    return tensorflow


def dense_network(
    sizes=SIZES,
    *,
    activation="selu",
    initializer="lecun_normal",
    normalized=None,
    dropout=0.0,
    alpha_dropout=0.0,
    skips=False,
    seed=None,
):
    """Return a `keras.Model` of dense layers of the given sizes, (inputs, hidden …, outputs), with a softmax.

    The options are those of `helpers.networks.builders.dense_stack`, all but its gain; the defaults are the
    hundred layers of lesson 08. `seed` goes to `keras.utils.set_random_seed`. Raises ValueError for an
    unknown name or place.
    """
    if normalized not in NORMALIZED:
        raise ValueError(f"normalized must be None, 'before' or 'after', got {normalized!r}")
    if len(sizes) < 2:
        raise ValueError(f"sizes must be at least two numbers, got {tuple(sizes)}")
    if seed is not None:
        keras().utils.set_random_seed(seed)
    layers = keras().layers
    h = inputs = keras().Input((sizes[0],))
    for fan_in, fan_out in pairwise(sizes[:-1]):
        z = layers.Dense(fan_out, kernel_initializer=initializer, use_bias=normalized != "before")(h)
        z = layers.BatchNormalization()(z) if normalized == "before" else z
        new = layers.Activation(activation)(z)
        new = layers.BatchNormalization()(new) if normalized == "after" else new
        new = layers.Dropout(dropout)(new) if dropout else new
        new = layers.AlphaDropout(alpha_dropout)(new) if alpha_dropout else new
        h = layers.Add()([h, new]) if skips and fan_in == fan_out else new
    outputs = layers.Dense(sizes[-1], activation="softmax", kernel_initializer=initializer)(h)
    return keras().Model(inputs, outputs)


def keras_copy(model: MLP):
    """Return a Keras model with the layers and weights of an `MLP`, so that both compute the same."""
    copy = dense_network(model.sizes, activation=keras_activation(model.activation), initializer="zeros")
    pairs = zip(model.weights, model.biases, strict=True)
    copy.set_weights([array for pair in pairs for array in pair])
    return copy


def keras_activation(activation: Activation):
    """Return Keras's function for one of our activations: its own name, or itself with our parameter."""
    functions, name = keras().activations, activation.name
    chosen = getattr(activation.f, "keywords", {})  # where `with_parameter` puts the number
    if name == "elu" and chosen:
        return _named(name, lambda z: functions.elu(z, alpha=chosen["alpha"]))
    if name in ("leaky_relu", "prelu"):
        slope = chosen.get("slope", LEAKY_RELU_SLOPE if name == "leaky_relu" else PRELU_START_SLOPE)
        return _named(name, lambda z: functions.leaky_relu(z, negative_slope=slope))
    return name


def _named(name, function):
    function.__name__ = name
    return function


@contextmanager
def _nothing_on_stderr():
    saved, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nothing)
