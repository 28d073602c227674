"""A Keras model read as a program, without running it: its layers in their graph, its loss and optimizer.

What a model's own Python `call` does between layers can't be read; `Program.unread` says so then.
"""

from dataclasses import dataclass, field

import numpy as np

from helpers.networks.keras_models import keras
from helpers.signals.keras_layers import function_name, kind_of, losses_of, weights_of

LINEAR = "linear"


@dataclass(frozen=True, eq=False)
class Part:
    """One call of a layer: `kind` as in a Trace, the `function` at its end, its `parents`, its shapes.

    `weighted` says whether it multiplies with weights of its own; `units` is the size of the last axis of
    what it gives, `entering` of what it takes; either is 0 where it is not known.
    """

    layer: object
    name: str
    kind: str
    function: str = LINEAR
    parents: tuple["Part", ...] = ()
    weighted: bool = False
    shape: tuple = ()
    entered: tuple = ()

    @property
    def units(self) -> int:
        """The size of the last axis of what the layer gives."""
        return _last(self.shape)

    @property
    def entering(self) -> int:
        """The size of the last axis of what the layer takes."""
        return _last(self.entered)


@dataclass(frozen=True)
class Outlet:
    """One output of a model: the part that gives it, the functions on it, and the loss it meets.

    `loss` is the loss's name in snake case, "" for a model without one; `takes` is "logits", "probabilities"
    or "".
    """

    name: str
    part: Part | None
    functions: tuple[str, ...]
    shape: tuple
    loss: str
    takes: str

    @property
    def units(self) -> int:
        """The size of the output's last axis."""
        return _last(self.shape)


@dataclass(frozen=True)
class Program:
    """What can be read of a model: its parts in order, its outlets, optimizer and trainable numbers.

    `unread` names what could not be read, in a sentence each.
    """

    name: str
    parts: tuple[Part, ...]
    outlets: tuple[Outlet, ...]
    optimizer: str
    learning_rate: float | None
    trainable: int
    frozen: int
    unread: tuple[str, ...] = field(default=())

    @property
    def weighted(self) -> tuple[Part, ...]:
        """The parts that multiply with weights."""
        return tuple(part for part in self.parts if part.weighted)


def program_of(model) -> Program:
    """Return a Keras model as a `Program`; raises ValueError for anything else, or one not built."""
    if not isinstance(model, keras().Model):
        raise ValueError(f"a keras.Model is needed, got a {type(model).__name__}")
    if not model.built:
        raise ValueError(f"the model {model.name!r} is not built yet: give it an Input, or call it once")
    parts, ends, unread = _read_whole(model)
    optimizer = getattr(model, "optimizer", None)
    return Program(
        name=model.name,
        parts=tuple(parts),
        outlets=_outlets(model, ends),
        optimizer=type(optimizer).__name__.lower() if optimizer is not None else "",
        learning_rate=_rate_of(optimizer),
        trainable=_count(model.trainable_variables),
        frozen=_count(model.non_trainable_variables),
        unread=unread,
    )


def _read_whole(model):
    functional = _functional(model)
    if functional is None:
        told = f"{model.name!r} has a `call` of its own: how its layers hang together"
        return [_part(layer, (), ()) for layer in _layers_of(model)], None, (told,)
    parts = []
    entering = [Part(None, tensor.name, "input", shape=tuple(tensor.shape)) for tensor in functional.inputs]
    return parts, _read(functional, entering, parts), ()


def _functional(model):
    functional = getattr(model, "_functional", None) or model
    return functional if hasattr(functional, "_nodes_by_depth") else None


def _layers_of(model):
    """All layers of a model that is not functional, those of nested models in place of them."""
    found = []
    for layer in model._flatten_layers(include_self=False):
        if not isinstance(layer, keras().Model):
            found.append(layer)
    return found


def _read(functional, entering, parts) -> list[Part]:
    """Add the parts of a functional model in the order of its calls; return those that give its outputs."""
    place = {id(tensor): part for tensor, part in zip(functional.inputs, entering, strict=True)}
    for depth in sorted(functional._nodes_by_depth, reverse=True):
        for node in functional._nodes_by_depth[depth]:
            if node.is_input:
                continue
            parents = [place[id(tensor)] for tensor in node.input_tensors]
            given = _given(node, parents, parts)
            place |= {id(tensor): part for tensor, part in zip(node.output_tensors, given, strict=True)}
    return [place[id(tensor)] for tensor in functional.outputs]


def _given(node, parents, parts):
    inner = _functional(node.operation) if isinstance(node.operation, keras().Model) else None
    if inner is not None:
        return _read(inner, parents, parts)
    shapes = [tuple(tensor.shape) for tensor in node.output_tensors]
    entered = tuple(node.input_tensors[0].shape) if node.input_tensors else ()
    part = _part(node.operation, shapes[0], tuple(parents), entered)
    parts.append(part)
    return [part] * len(shapes)


def _part(layer, shape, parents, entered=()):
    return Part(
        layer,
        layer.name,
        kind_of(layer),
        function_name(layer),
        tuple(parents),
        weights_of(layer) is not None,
        shape,
        entered,
    )


def _outlets(model, ends) -> tuple[Outlet, ...]:
    if not getattr(model, "outputs", None):
        return ()
    found, names = [], getattr(_functional(model), "output_names", None) or model.output_names
    for i, (tensor, (loss, takes)) in enumerate(zip(model.outputs, losses_of(model), strict=True)):
        part = ends[i] if ends else None
        found.append(Outlet(names[i], part, functions_on(part), tuple(tensor.shape), loss, takes))
    return tuple(found)


def functions_on(part) -> tuple[str, ...]:
    """Return the names of the functions between the last weights and a part's output, first to last."""
    names = []
    while part is not None:
        if part.function != LINEAR:
            names.insert(0, part.function)
        unchanging = part.kind in ("activation", "softmax", "flatten", "reshape", "dropout")
        if part.weighted or not unchanging or len(part.parents) != 1:
            break
        part = part.parents[0]
    return tuple(names)


def _rate_of(optimizer):
    rate = getattr(optimizer, "learning_rate", None)
    try:
        return None if rate is None else float(rate)
    except (TypeError, ValueError):
        return None  # a schedule that needs a step


def _count(variables) -> int:
    return int(sum(np.prod(variable.shape) for variable in variables))


def _last(shape) -> int:
    return int(shape[-1] or 0) if shape else 0
