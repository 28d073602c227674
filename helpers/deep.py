"""Deep networks in Keras: quiet import, builders, and what the Trace needs to read any Keras model.

This is the only module that imports Keras, and it does so inside functions: a notebook that needs no Keras
does not wait for it.
"""

import os
import re
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from helpers.activations import (
    ACTIVATIONS,
    LEAKY_RELU_SLOPE,
    PRELU_START_SLOPE,
    Activation,
    Saturation,
    leaky_relu,
    leaky_relu_derivative,
    with_parameter,
)
from helpers.blocks import Block, Passage, Step, grouped, parts_of, signal_of
from helpers.network import MLP
from helpers.stack import NORMALIZED

SIZES = (784, 300, *[100] * 99, 10)  # the reference network: a hundred hidden layers (Géron 2019, chapter 11)
KERNELS = ("kernel", "embeddings", "depthwise_kernel", "pointwise_kernel")  # where Keras layers keep weights


@lru_cache(maxsize=1)
def keras():
    """Return the Keras package on TensorFlow, imported without the lines that TensorFlow prints.

    Those come from C++ and heed no setting, so file descriptor 2 points at nothing meanwhile. Raises
    ImportError where TensorFlow is not installed.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault(
        "CUDA_VISIBLE_DEVICES", "-1"
    )  # the course's networks are small; results on one device
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

    The options are those of `helpers.stack.dense_stack`; the defaults are the hundred layers of lesson 08.
    `seed` goes to `keras.utils.set_random_seed`. Raises ValueError for an unknown name or place.
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
        z = layers.Dense(fan_out, kernel_initializer=initializer, use_bias=normalized is None)(h)
        z = layers.BatchNormalization()(z) if normalized == "before" else z
        new = layers.Activation(activation)(z)
        new = layers.BatchNormalization()(new) if normalized == "after" else new
        new = layers.Dropout(dropout)(new) if dropout else new
        new = layers.AlphaDropout(alpha_dropout)(new) if alpha_dropout else new
        h = layers.Add()([h, new]) if skips and fan_in == fan_out else new
    outputs = layers.Dense(sizes[-1], activation="softmax", kernel_initializer=initializer)(h)
    return keras().Model(inputs, outputs)


def twin(model: MLP):
    """Return the Keras model that carries the weights of an `MLP`, so that both compute the same."""
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


def passage(model, x, y, *, weights=True, training=True) -> Passage:
    """Return one batch's way through a Keras model and back, for `helpers.signals.trace`.

    The model is left as it was: weights, moving statistics, seeds and metrics. Raises ValueError for a model
    that is not built, or is neither Sequential nor functional, or has a layer whose weights have no known
    place in a Trace (recurrent, attention, layers of one's own), and for a batch that doesn't fit.
    """
    tf = tensorflow()
    check_model(model)
    x = inputs_that_fit(model, x)
    with unchanged(model), recorded(model) as steps, tf.GradientTape() as tape:
        outputs = model(x, training=training)
        loss = loss_of(model, x, y, outputs, training)
        groups = grouped(steps)
        _check_ends(model, groups, outputs)
        signals = [signal_of(group) for group in groups]
        wanted = [[z for z, _, _ in signals], [group[0].weights for group in groups if weights]]
    dz, dW = tape.gradient(loss, wanted, unconnected_gradients="zero")
    ends = {id(output) for output in _flat(outputs)}
    blocks = [
        _block(group, signal, dz[i], dW[i] if weights else None, ends)
        for i, (group, signal) in enumerate(zip(groups, signals, strict=True))
    ]
    return Passage(blocks, float(loss), _numpy(groups[0][0].inputs[0]))


def check_model(model) -> None:
    """Raise ValueError, naming the cause, for a model whose layers can't be followed one by one."""
    kind = keras().Model
    if not isinstance(model, kind):
        raise ValueError(f"a keras.Model is needed, got a {type(model).__name__}")
    if not model.built:
        raise ValueError(f"the model {model.name!r} is not built yet: give it an Input, or call it once")
    parts = operations_of(model)
    if not any(_weights(part) is not None for part in parts):
        raise ValueError(f"the model {model.name!r} has no layer with weights to follow")
    for part in parts:
        if _is_unknown(part):
            raise ValueError(
                f"the layer {part.name!r} is a {type(part).__name__}; a Trace has no place for its weights. "
                "Dense, convolutional, embedding, normalization and activation layers can be traced"
            )


def operations_of(model) -> list:
    """Return a model's layers and operations in order, those of nested models in place of them.

    Raises ValueError for a model that is neither Sequential nor functional: its `call` is plain Python, and
    what it does between layers can't be seen.
    """
    functional = getattr(model, "_functional", None) or model
    if not hasattr(functional, "operations"):
        raise ValueError(
            f"the model {model.name!r} is a {type(model).__name__} with a `call` of its own; "
            "a Sequential or functional model is needed"
        )
    found = []
    for part in functional.operations:
        found += operations_of(part) if isinstance(part, keras().Model) else [part]
    return list(dict.fromkeys(found))  # a layer that two nested models share is one layer


def _check_ends(model, groups, outputs):
    ends = {id(output) for output in _flat(outputs)}
    if not ends <= {id(step.output) for group in groups for step in group}:
        raise ValueError(f"what the model {model.name!r} gives is not what one of its layers gave")


@contextmanager
def recorded(model):
    """Yield a list to which every call of a layer of the model is added as a `Step` meanwhile."""
    steps = []
    with ExitStack() as undo:
        for part in operations_of(model):
            undo.enter_context(_recording(part, steps))
        yield steps


@contextmanager
def unchanged(model):
    """Put back what a call in training mode changes: moving statistics, seeds of dropout, metrics."""
    kept = [
        (variable, variable.numpy())
        for variable in (*model.non_trainable_variables, *model.metrics_variables)
    ]
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)


def loss_of(model, x, y, outputs, training):
    """Return the mean loss: the compiled one where there is one, else the cross-entropy of integer labels."""
    if getattr(model, "compiled", False) and getattr(model, "_compile_loss", None) is not None:
        try:
            return model.compute_loss(x=x, y=y, y_pred=outputs, training=training)
        except (ValueError, TypeError, tensorflow().errors.InvalidArgumentError) as error:
            reason = str(error).rpartition("}} ")[2]  # without the name of TensorFlow's inner function
            raise ValueError(f"the compiled loss {model.loss!r} can't take these labels: {reason}") from error
    ends = _flat(outputs)
    labels = y if isinstance(y, tuple | list) and len(ends) > 1 else [y] * len(ends)
    if len(labels) != len(ends):
        raise ValueError(f"the model has {len(ends)} outputs, and {len(labels)} sets of labels were given")
    return sum(_cross_entropy(np.asarray(part), end) for part, end in zip(labels, ends, strict=True))


def _cross_entropy(y, probabilities):
    classes = int(probabilities.shape[-1])
    if y.shape != tuple(probabilities.shape[:-1]) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError(
            f"y must hold {probabilities.shape[0]} integer labels, got shape {y.shape} of {y.dtype}; "
            "for another loss compile the model with it"
        )
    if y.size and (y.min() < 0 or y.max() >= classes):
        raise ValueError(
            f"labels must lie in 0 … {classes - 1}, got {y.min()} … {y.max()}; "
            "for another loss compile the model with it"
        )
    sums = _numpy(probabilities).sum(axis=-1)  # bfloat16 has two to three digits
    logits = not np.allclose(sums[np.isfinite(sums)], 1, atol=1e-2)
    return keras().losses.SparseCategoricalCrossentropy(from_logits=logits)(y, probabilities)


def _block(group, signal, dz, dW, ends):
    z, h, activation = signal
    output = any(id(step.output) in ends for step in group)
    if output:  # what bends the output belongs to the loss: an output layer holds the logits
        h, activation = z, ACTIVATIONS["linear"]
    first, z = group[0], _numpy(z)
    return Block(
        name=first.layer.name,
        kind=first.kind,
        parts=parts_of(group),
        activation=activation,
        z=z,
        h=z if output else _numpy(h),
        dz=_numpy(dz),
        slope=activation.df(z),
        W=_numpy(first.weights),
        dW=None if dW is None else _numpy(dW),
        output=output,
    )


@contextmanager
def _recording(part, steps):
    """Note every call of one layer: its instance gets a `call` of its own meanwhile."""
    call, own = part.call, part.__dict__
    kind, activation, function, entered = kind_of(part), activation_of(part), own.get("activation"), []

    def activate(z, *args, **kwargs):
        entered.append(z)
        return function(z, *args, **kwargs)

    def noting(*args, **kwargs):
        entered.clear()
        output = call(*args, **kwargs)
        inputs = tuple(_before_cast(tensor, steps) for tensor in _flat((args, kwargs)))
        z = entered[-1] if entered else None
        for end in _flat(output):
            steps.append(Step(part, kind, inputs, end, _weights(part), activation, z))
        return output

    before = {name: own[name] for name in ("call", "activation") if name in own}
    own["call"] = noting
    if callable(function):
        own["activation"] = activate
    try:
        yield
    finally:
        del own["call"]
        own.update(before)


def _before_cast(tensor, steps):
    """The earlier output that a tensor was before mixed precision gave it another type, else the tensor."""
    if not tensor.dtype.is_floating or any(step.output is tensor for step in steps):
        return tensor
    copied = lambda end: end.shape == tensor.shape and end.dtype != tensor.dtype  # noqa: E731
    return next((step.output for step in reversed(steps) if copied(step.output)), tensor)


def kind_of(part) -> str:
    """Return what a Trace calls a Keras layer: "dense", "conv", "batch_norm", …, else its snake name."""
    name = type(part).__name__
    for words, kind in (("Conv", "conv"), ("Embedding", "embedding"), ("EinsumDense", "dense")):
        if words in name:
            return kind
    if activation_of(part) is not None and _weights(part) is None:
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
        return _prelu(_numpy(part.alpha))
    if name == "ReLU":
        return ACTIVATIONS["relu"] if _is_plain_relu(part) else _wrapped(part)
    if callable(function):
        return activation_of(function) if hasattr(function, "weights") else _of_function(function)
    if hasattr(part, "weights") or name.lower() not in ACTIVATIONS:
        return None
    return _wrapped(part) if getattr(part, "approximate", False) else ACTIVATIONS[name.lower()]


def _is_plain_relu(part):
    return not (part.max_value or part.negative_slope or part.threshold)


def _prelu(alpha):
    """Leaky ReLU with a slope per unit; of a mere row of numbers, which has no units, the largest."""
    slope = lambda z: alpha if z.ndim > alpha.ndim else alpha.max()  # noqa: E731
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
        return _numpy(function(tf.constant(z)))

    def slope(z):
        z = tf.constant(np.asarray(z, np.float32))
        with tf.GradientTape() as tape:
            tape.watch(z)
            h = function(z)
        return _numpy(tape.gradient(h, z, unconnected_gradients="zero"))

    name = getattr(function, "__name__", None) or getattr(function, "name", "activation")
    wide = (-np.inf, np.inf)
    return Activation(name, name, value, slope, wide, Saturation(None, None), False, "he_normal")


def _weights(part):
    """The weight array that a layer multiplies with, or None."""
    for name in KERNELS:
        if getattr(part, name, None) is not None:
            return getattr(part, name)
    return None


def _is_unknown(part):
    W, activation = _weights(part), getattr(part, "activation", None)
    if any(layer.weights for layer in getattr(part, "_layers", None) or () if layer is not activation):
        return True
    if not getattr(activation, "built", True):  # a PReLU inside a layer gets its weights at the first call
        return True
    if W is not None:  # of a quantized layer, or one with low-rank updates, it is computed anew at each call
        return getattr(part, "quantization_mode", None) is not None or not isinstance(W, keras().Variable)
    known = "Normalization" in type(part).__name__ or kind_of(part) == "activation"
    return bool(getattr(part, "weights", None)) and not known


def inputs_that_fit(model, x):
    """Return a batch as the tensor that the model takes; raises ValueError for another shape."""
    x = np.asarray(x)
    wanted = model.inputs
    if len(wanted) != 1:
        raise ValueError(f"the model {model.name!r} has {len(wanted)} inputs; a Trace follows one")
    shape = tuple(wanted[0].shape)
    fits = len(shape) == x.ndim and all(a in (None, b) for a, b in zip(shape[1:], x.shape[1:], strict=True))
    if not fits:
        raise ValueError(f"x must have shape {('batch', *shape[1:])}, got {x.shape}")
    if not len(x):
        raise ValueError("x must hold one example or more, got none")
    return keras().ops.convert_to_tensor(x, dtype=wanted[0].dtype)


def _flat(structure):
    return [part for part in keras().tree.flatten(structure) if keras().ops.is_tensor(part)]


def _numpy(tensor):
    array = tensorflow().convert_to_tensor(tensor).numpy()  # an embedding's gradient arrives as single rows
    return array.astype(np.float32) if array.dtype.itemsize < 4 else array


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
