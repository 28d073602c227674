"""The passage of one batch through any Sequential or functional Keras model, for `helpers.signals.trace`.

Every layer's call is noted while the model runs: its instance gets a `call` of its own meanwhile, so that
models need no change, and nested models, shared layers and several outputs are followed like any other.
"""

import warnings
from contextlib import ExitStack, contextmanager

import numpy as np

from helpers.networks.keras_models import keras, tensorflow
from helpers.signals.blocks import FUNCTIONS, End, Passage, Step, blocks_of, functions_on, signal_of
from helpers.signals.keras_layers import (
    activation_of,
    array_of,
    function_name,
    is_unknown,
    kind_of,
    losses_of,
    weights_of,
)
from helpers.signals.measures import batch_norm_signal


def passage(model, x, y, *, weights=True, training=True) -> Passage:
    """Return one batch's way through a Keras model and back, for `helpers.signals.trace`.

    The model is left as it was: weights, moving statistics, seeds and metrics. Raises ValueError for a model
    that is not built, or is neither Sequential nor functional, or has a layer whose weights have no known
    place in a Trace (recurrent, attention, layers of one's own), and for a batch that doesn't fit.
    """
    check_model(model)
    x = inputs_that_fit(model, x)
    with unchanged(model), recorded(described(model)) as steps, tensorflow().GradientTape() as tape:
        outputs = model(x, training=training)
        loss = loss_of(model, x, y, outputs, training)
        blocks = blocks_of(steps)
        last = _last_steps(model, blocks, outputs)
        signals = [signal_of(block, last)[:2] for block in blocks]
        wanted = [[before.output for before, _ in signals], [block[0].W for block in blocks if weights]]
    ends = _ends(model, blocks, last)
    dz, dW = tape.gradient(loss, wanted, unconnected_gradients="zero")
    for i, (block, (before, after)) in enumerate(zip(blocks, signals, strict=True)):
        before.output, after.output = array_of(before.output), array_of(after.output)
        before.gradient = array_of(dz[i])
        block[0].W, block[0].dW = array_of(block[0].W), array_of(dW[i]) if weights else None
        for step in block:
            step.batch_norm = _batch_norm(step, model)
    first = blocks[0][0].parents[0]
    first.output = array_of(first.output)
    return Passage(blocks, float(loss), last, ends)


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


def described(model) -> dict:
    """Return layer → (kind, name of its function, `Activation` or None) of all layers, in order."""
    return {part: (kind_of(part), function_name(part), activation_of(part)) for part in operations_of(model)}


@contextmanager
def recorded(layers):
    """Yield a list to which every call of these layers is added as a `Step` meanwhile; see `described`.

    They are described before, since slopes can't be read while TensorFlow makes a graph of the calls.
    """
    steps = []
    with ExitStack() as undo:
        for part, description in layers.items():
            undo.enter_context(_recording(part, steps, *description))
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


def _last_steps(model, blocks, outputs):
    """The steps that gave the model's outputs."""
    steps = [step for block in blocks for step in block]
    last = [next((step for step in reversed(steps) if step.output is end), None) for end in _flat(outputs)]
    if None in last:
        raise ValueError(f"what the model {model.name!r} gives is not what one of its layers gave")
    return tuple(last)


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


def _ends(model, blocks, last):
    """How each output meets the loss."""
    found = []
    for step, (loss, takes) in zip(last, losses_of(model), strict=False):
        block = next(block for block in blocks if step in block)
        mended = hasattr(
            step.output, "_keras_logits"
        )  # Keras's own note for its losses on a softmax's output
        found.append(End(block[0].name, functions_on(block, step), loss, takes, mended))
    return tuple(found)


def _batch_norm(step, model):
    """What a batch normalization over the last axis sees; None for any other step."""
    layer = step.layer
    if step.kind != "batch_norm" or layer.axis not in (-1, len(step.output.shape) - 1):
        return None
    starts = [(weight, start) for weight, start in ((layer.gamma, 1), (layer.beta, 0)) if weight is not None]
    moved = any((array_of(weight) != start).any() for weight, start in starts)
    optimizer = getattr(model, "optimizer", None)
    moving = {"mean": array_of(layer.moving_mean), "variance": array_of(layer.moving_variance)}
    trained = moved or (optimizer is not None and int(optimizer.iterations) > 0)
    x = array_of(step.parents[0].output)
    return batch_norm_signal(x, **moving, eps=layer.epsilon, trained=trained)


@contextmanager
def _recording(part, steps, kind, applied, activation):
    """Note every call of one layer: its instance gets a `call` of its own meanwhile.

    A nonlinearity inside a layer with weights is a step of its own, as where it stands in a layer by itself.
    """
    call, own, W = part.call, part.__dict__, weights_of(part)
    function, entered = own.get("activation"), []

    def activate(z, *args, **kwargs):
        entered.append(z)
        return function(z, *args, **kwargs)

    def noting(*args, **kwargs):
        entered.clear()
        outputs = call(*args, **kwargs)
        parents = tuple(_step_before(tensor, steps) for tensor in _flat((args, kwargs)))
        for output in _flat(outputs):
            if W is None:
                name = applied if kind in FUNCTIONS else part.name
                steps.append(Step(output, part, parents, kind=kind, name=name, activation=activation))
                continue
            z = entered[-1] if entered else output
            biased = getattr(part, "bias", None) is not None
            steps.append(Step(z, part, parents, kind=kind, name=part.name, W=W, biased=biased))
            if entered and applied != "linear":
                inside = {"kind": "activation" if activation else applied, "name": applied}
                steps.append(Step(output, function, (steps[-1],), activation=activation, **inside))
        return outputs

    before = {key: own[key] for key in ("call", "activation") if key in own}
    own["call"] = noting
    if callable(function):
        own["activation"] = activate
    try:
        yield
    finally:
        del own["call"]
        own.update(before)


def _step_before(tensor, steps):
    """The step that gave a tensor, also where mixed precision has given it another type since."""
    for step in reversed(steps):
        if step.output is tensor:
            return step
    for step in reversed(steps):
        end = step.output
        if tensor.dtype.is_floating and end.shape == tensor.shape and end.dtype != tensor.dtype:
            return step
    return Step(tensor)  # what enters the network


def _flat(structure):
    return [part for part in keras().tree.flatten(structure) if keras().ops.is_tensor(part)]
