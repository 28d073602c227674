"""Deep networks in Keras: quiet import, builders, and what the Trace needs to read any Keras model.

This is the only module that imports Keras, and it does so inside functions: a notebook that needs no Keras
does not wait for it.
"""

import os
import re
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from itertools import pairwise

import numpy as np

from helpers.activations import ACTIVATIONS, Activation, Saturation, with_parameter
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
    functions = keras().activations
    ours = {
        "leaky_relu": lambda z: functions.leaky_relu(z, negative_slope=0.01),
        "prelu": lambda z: functions.leaky_relu(z, negative_slope=0.25),
    }
    return ours.get(activation.name, activation.name)


def passage(model, x, y, *, weights=True, training=True) -> Passage:
    """Return one batch's way through a Keras model and back, for `helpers.signals.trace`.

    The model is left as it was: weights, moving statistics, seeds and metrics. Raises ValueError for a model
    that is not built, or is neither Sequential nor functional, or has a layer whose weights have no known
    place in a Trace (recurrent, attention, layers of one's own), and for a batch that doesn't fit.
    """
    import tensorflow as tf

    check_model(model)
    x = _inputs_that_fit(model, x)
    with unchanged(model), recorded(model) as steps, tf.GradientTape() as tape:
        outputs = model(x, training=training)
        loss = loss_of(model, x, y, outputs, training)
        groups = grouped(steps)
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
                f"the layer {part.name!r} is a {type(part).__name__}, and a Trace has no place for its weights; "
                "dense, convolutional and embedding layers, normalization and activations can be traced"
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
    return found


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
        return model.compute_loss(x=x, y=y, y_pred=outputs, training=training)
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
        raise ValueError(f"labels must lie in 0 … {classes - 1}, got {y.min()} … {y.max()}")
    sums = probabilities.numpy().sum(axis=-1)
    logits = not np.allclose(sums, 1, atol=1e-3)
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
        inputs = tuple(_flat((args, kwargs)))
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
    if name in ("LeakyReLU", "ELU"):
        value = part.negative_slope if name == "LeakyReLU" else part.alpha
        return with_parameter("leaky_relu" if name == "LeakyReLU" else "elu", float(value))
    if name in ("ReLU", "PReLU"):
        return ACTIVATIONS["relu"] if _is_plain_relu(part) else _wrapped(part)
    if callable(function):
        return _of_function(function)
    return ACTIVATIONS.get(name.lower()) if not hasattr(part, "weights") else None


def _is_plain_relu(part):
    return type(part).__name__ == "ReLU" and not (part.max_value or part.negative_slope or part.threshold)


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
    import tensorflow as tf

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
    known = _weights(part) is not None or "Normalization" in type(part).__name__
    inner = getattr(part, "_layers", None)
    return bool(inner) or (
        not known and bool(getattr(part, "weights", None)) and kind_of(part) != "activation"
    )


def _inputs_that_fit(model, x):
    x = np.asarray(x)
    wanted = model.inputs
    if len(wanted) != 1:
        raise ValueError(f"the model {model.name!r} has {len(wanted)} inputs; a Trace follows one")
    shape = tuple(wanted[0].shape)
    fits = len(shape) == x.ndim and all(a in (None, b) for a, b in zip(shape[1:], x.shape[1:], strict=True))
    if not fits:
        raise ValueError(f"x must have shape {('batch', *shape[1:])}, got {x.shape}")
    return keras().ops.convert_to_tensor(x, dtype=wanted[0].dtype)


def _flat(structure):
    return [part for part in keras().tree.flatten(structure) if keras().ops.is_tensor(part)]


def _numpy(tensor):
    array = np.asarray(keras().ops.convert_to_numpy(tensor))
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
