"""The passage of one batch through any Sequential or functional Keras model, for `helpers.signals.trace`.

Every layer's call is noted while the model runs: its instance gets a `call` of its own meanwhile, so that
models need no change, and nested models, shared layers and several outputs are followed like any other.
"""

import warnings
from contextlib import ExitStack, contextmanager

import numpy as np

from helpers.networks.keras_models import keras, tensorflow
from helpers.numerics.activations import ACTIVATIONS
from helpers.signals.blocks import Block, Passage, Step, dropout_of, grouped, parts_of, signal_of
from helpers.signals.keras_layers import (
    activation_of,
    array_of,
    bends_of,
    is_unknown,
    kind_of,
    taken_by,
    weights_of,
)
from helpers.signals.measures import SAFE_SQUARE, End, batch_norm_signal, norm

ENTRIES = 2**17  # of a convolution's signal, from which means, shares and histograms are read: three digits


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
    steps = _steps_taken(model)
    blocks = [
        _block(group, signal, dz[i], dW[i] if weights else None, ends, steps)
        for i, (group, signal) in enumerate(zip(groups, signals, strict=True))
    ]
    return Passage(blocks, float(loss), array_of(groups[0][0].inputs[0]), _ends(model, groups, outputs))


def check_model(model) -> None:
    """Raise ValueError, naming the cause, for a model whose layers can't be followed one by one."""
    kind = keras().Model
    if not isinstance(model, kind):
        raise ValueError(f"a keras.Model is needed, got a {type(model).__name__}")
    if not model.built:
        raise ValueError(f"the model {model.name!r} is not built yet: give it an Input, or call it once")
    parts = operations_of(model)
    if not any(weights_of(part) is not None for part in parts):
        raise ValueError(f"the model {model.name!r} has no layer with weights to follow")
    for part in parts:
        if is_unknown(part):
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
        known = {id(variable) for variable, _ in kept}
        for (
            variable
        ) in model.metrics_variables:  # Keras makes its own at a model's first loss; they begin at 0
            if id(variable) not in known:
                variable.assign(np.zeros(variable.shape))


def loss_of(model, x, y, outputs, training):
    """Return the mean loss: the compiled one where there is one, else the cross-entropy of integer labels."""
    if getattr(model, "compiled", False) and getattr(model, "_compile_loss", None) is not None:
        try:
            with warnings.catch_warnings():  # Keras mends a softmax before logits; helpers.clinic tells of it
                warnings.filterwarnings("ignore", message=".*from_logits")
                return model.compute_loss(x=x, y=y, y_pred=outputs, training=training)
        except (ValueError, TypeError, tensorflow().errors.InvalidArgumentError) as error:
            reason = str(error).rpartition("}} ")[2]  # without the name of TensorFlow's inner function
            raise ValueError(f"the compiled loss {model.loss!r} can't take these labels: {reason}") from error
    ends = _flat(outputs)
    labels = y if isinstance(y, tuple | list) and len(ends) > 1 else [y] * len(ends)
    if len(labels) != len(ends):
        raise ValueError(f"the model has {len(ends)} outputs, and {len(labels)} sets of labels were given")
    return sum(_cross_entropy(np.asarray(part), end) for part, end in zip(labels, ends, strict=True))


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


def _check_ends(model, groups, outputs):
    ends = {id(output) for output in _flat(outputs)}
    if not ends <= {id(step.output) for group in groups for step in group}:
        raise ValueError(f"what the model {model.name!r} gives is not what one of its layers gave")


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
    sums = array_of(probabilities).sum(axis=-1)  # bfloat16 has two to three digits
    logits = not np.allclose(sums[np.isfinite(sums)], 1, atol=1e-2)
    return keras().losses.SparseCategoricalCrossentropy(from_logits=logits)(y, probabilities)


def _steps_taken(model):
    """How many training steps the model's optimizer has made; 0 for one without."""
    optimizer = getattr(model, "optimizer", None)
    return 0 if optimizer is None else int(optimizer.iterations)


def _ends(model, groups, outputs):
    """How each output meets the loss."""
    found = []
    for output, (loss, takes) in zip(_flat(outputs), taken_by(model), strict=False):
        group = next(g for g in groups if any(step.output is output for step in g))
        mended = hasattr(output, "_keras_logits")  # Keras's own note for its losses on a softmax's output
        found.append(End(group[0].layer.name, bends_of(group, output), loss, takes, mended))
    return tuple(found)


def _norm_of(group, steps):
    """What the first batch normalization of a group sees, or None."""
    step = next((step for step in group if step.kind == "batch_norm"), None)
    if step is None or step.layer.axis not in (-1, len(step.output.shape) - 1):
        return None
    layer = step.layer
    moved = [(layer.gamma, 1), (layer.beta, 0)]
    moved = any(weight is not None and (array_of(weight) != start).any() for weight, start in moved)
    mean, variance = array_of(layer.moving_mean), array_of(layer.moving_variance)
    x, trained = step.inputs[0], moved or steps > 0
    return batch_norm_signal(
        array_of(some_places(x)),
        mean=mean,
        variance=variance,
        eps=layer.epsilon,
        trained=trained,
        count=int(np.prod(x.shape[:-1])),
    )


def some_places(tensor):
    """Return a tensor (batch, places …, channels) with so few of its places, evenly spaced, that it has not
    many more entries than `ENTRIES`."""
    axes = len(tensor.shape) - 2
    size = int(np.prod(tensor.shape))
    if axes < 1 or size <= ENTRIES:
        return tensor
    stride = int(np.ceil((size / ENTRIES) ** (1 / axes)))
    return tensor[(slice(None), *[slice(None, None, stride)] * axes)]


def _whole_norm(tensor):
    """The norm of a tensor, in TensorFlow's own threads where no square is lost."""
    square = float(tensorflow().reduce_sum(tensorflow().square(tensor)))
    return square**0.5 if SAFE_SQUARE < square < 1 / SAFE_SQUARE else norm(array_of(tensor))


def _block(group, signal, dz, dW, ends, steps):
    z, h, activation = signal
    output = any(id(step.output) in ends for step in group)
    if output:  # what bends the output belongs to the loss: an output layer holds the logits
        h, activation = z, ACTIVATIONS["linear"]
    entire = output or activation.name == "prelu"  # whose slopes belong to places
    part = (lambda tensor: tensor) if entire else some_places
    first, few = group[0], array_of(part(z))
    whole = few.size == int(np.prod(z.shape))
    return Block(
        name=first.layer.name,
        kind=first.kind,
        parts=parts_of(group),
        activation=activation,
        z=few,
        h=few if output else array_of(part(h)),
        dz=array_of(part(dz)),
        slope=activation.df(few),
        W=array_of(first.weights),
        dW=None if dW is None else array_of(dW),
        output=output,
        biased=getattr(first.layer, "bias", None) is not None,
        dropout=dropout_of(group),
        norm=_norm_of(group, steps),
        size=int(np.prod(z.shape)),
        dz_norm=None if whole else _whole_norm(dz),
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
            steps.append(Step(part, kind, inputs, end, weights_of(part), activation, z))
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


def _flat(structure):
    return [part for part in keras().tree.flatten(structure) if keras().ops.is_tensor(part)]
