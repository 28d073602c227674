"""What a Keras layer is, in the words of a Trace: its kind, its activation function, its weights."""

import re
from dataclasses import replace
from functools import lru_cache

import numpy as np

from helpers.networks.keras_models import keras, tensorflow
from helpers.numerics.activations import (
    ACTIVATIONS,
    Activation,
    Saturation,
    leaky_relu,
    leaky_relu_derivative,
    with_parameter,
)

FLAT = 1e-2  # a slope of a hundredth of the largest, thirty units from 0
KERNELS = ("kernel", "embeddings", "depthwise_kernel", "pointwise_kernel")  # where Keras layers keep weights


def kind_of(part) -> str:
    """Return what a Trace calls a Keras layer: "dense", "conv", "batch_norm", …, else its snake name."""
    name = type(part).__name__
    for words, kind in (("Conv", "conv"), ("Embedding", "embedding"), ("EinsumDense", "dense")):
        if words in name:
            return kind
    if activation_of(part) is not None and weights_of(part) is None:
        return "activation"
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", name).lower()
    return snake.replace("normalization", "norm")


def activation_of(part) -> Activation | None:
    """Return the nonlinearity of a Keras layer or operation, or None; a softmax is part of the loss."""
    name, function = type(part).__name__, getattr(part, "activation", None)
    if name in ("LeakyReLU", "LeakyRelu"):  # the layer, and the operation of `keras.ops`
        return with_parameter("leaky_relu", float(part.negative_slope))
    if name in ("ELU", "Elu"):
        return with_parameter("elu", float(part.alpha))
    if name == "PReLU":
        return _prelu(array_of(part.alpha))
    if name == "ReLU":
        return ACTIVATIONS["relu"] if _is_plain_relu(part) else _wrapped(part)
    if callable(function):
        return activation_of(function) if hasattr(function, "weights") else _of_function(function)
    if hasattr(part, "weights") or name.lower() not in ACTIVATIONS:
        return None
    return _wrapped(part) if getattr(part, "approximate", False) else ACTIVATIONS[name.lower()]


def weights_of(part):
    """Return the weight array that a layer multiplies with, or None."""
    for name in KERNELS:
        if getattr(part, name, None) is not None:
            return getattr(part, name)
    return None


def function_name(part) -> str:
    """Return the name of the function that a layer applies at its end: "relu", "softmax", …, or "linear"."""
    function = getattr(part, "activation", None)
    if callable(function):
        return getattr(function, "__name__", type(function).__name__).lower()
    activation = activation_of(part)
    if activation is not None:
        return activation.name
    return kind_of(part) if "softmax" in kind_of(part) else "linear"


def losses_of(model) -> list[tuple[str, str]]:
    """Return (the loss's name, what it takes) of each output: "logits", "probabilities", or "" for anything.

    A model that is not compiled, or whose losses can't be told apart, takes anything.
    """
    loss, count = getattr(model, "loss", None), len(model.outputs)
    if isinstance(loss, dict):
        loss = [loss.get(name) for name in model.output_names]
    losses = list(loss) if isinstance(loss, list | tuple) else [loss] * count
    return [(_name_of(one), _taken(one)) for one in losses] if len(losses) == count else [("", "")] * count


def _name_of(loss):
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", None) or getattr(loss, "name", None)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name or "").lower()


def _taken(loss):
    if not _name_of(loss).endswith("crossentropy"):
        return ""
    return "logits" if getattr(loss, "_fn_kwargs", {}).get("from_logits", False) else "probabilities"


def is_unknown(part) -> bool:
    """Say whether a layer has weights that a Trace has no place for."""
    W, activation = weights_of(part), getattr(part, "activation", None)
    if any(layer.weights for layer in getattr(part, "_layers", None) or () if layer is not activation):
        return True
    if not getattr(activation, "built", True):  # a PReLU inside a layer gets its weights at the first call
        return True
    if W is not None:  # of a quantized layer, or one with low-rank updates, it is computed anew at each call
        return getattr(part, "quantization_mode", None) is not None or not isinstance(W, keras().Variable)
    known = "Normalization" in type(part).__name__ or kind_of(part) == "activation"
    return bool(getattr(part, "weights", None)) and not known


def _is_plain_relu(part):
    return not (part.max_value or part.negative_slope or part.threshold)


def _prelu(alpha):
    """Leaky ReLU with a slope per unit; of a mere row of numbers, which has no units, the largest."""

    def slope(z):
        return alpha if z.ndim > alpha.ndim else alpha.max()

    return replace(
        ACTIVATIONS["prelu"],
        f=lambda z: leaky_relu(z, slope(z)),
        df=lambda z: leaky_relu_derivative(z, slope(z)),
    )


@lru_cache(maxsize=64)
def _of_function(function):
    name = getattr(function, "__name__", "")
    standard = getattr(keras().activations, name, None) is function
    if name in ("linear", "softmax", "log_softmax"):
        return None
    same = standard and name in ACTIVATIONS and name != "leaky_relu"  # Keras's slope there is 0.2
    return ACTIVATIONS[name] if same else _wrapped(function)


def _wrapped(function):
    """An `Activation` for any function of tensors, differentiated automatically."""
    tf = tensorflow()

    def value(z):
        return array_of(function(tf.constant(z)))

    def slope(z):
        z = tf.constant(np.asarray(z, np.float32))
        with tf.GradientTape() as tape:
            tape.watch(z)
            h = function(z)
        return array_of(tape.gradient(h, z, unconnected_gradients="zero"))

    name = getattr(function, "__name__", None) or getattr(function, "name", "activation")
    saturation, can_die = _flat_sides(value, slope)
    return Activation(
        name=name,
        label=name,
        f=value,
        df=slope,
        formula="",
        derivative="",
        limits=(-np.inf, np.inf),
        initializer="he_normal",
        saturation=saturation,
        can_die=can_die,
    )


def _flat_sides(value, slope):
    """(where an unknown function settles, whether it is flat all the way left of 0), seen at a few points."""
    places = np.array([-30.0, -3.0, -0.5, 0.5, 3.0, 30.0], np.float32)
    slopes, values = np.abs(slope(places)), value(places)
    left, right = slopes[[0, -1]] < FLAT * slopes.max()
    dies = bool((slopes[:3] == 0).all() and slopes[3] > 0)
    return Saturation(values[0] if left else None, values[-1] if right else None), dies


def array_of(tensor) -> np.ndarray:
    """Return a tensor or a variable as an array of 32 bits or more, which may share its memory."""
    if not isinstance(tensor, np.ndarray):
        tensor = tensorflow().convert_to_tensor(tensor)  # an embedding's gradient arrives as single rows
    array = np.asarray(tensor)
    return array.astype(np.float32) if array.dtype.itemsize < 4 else array
