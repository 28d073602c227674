"""Steps and blocks: the calls of a network's layers on one batch, in groups behind each layer with weights.

A dense layer, its batch normalization, its activation and its dropout are one block, whether a library
writes them as one layer or as four. The pre-activation z is what enters the activation, h what leaves it.
"""

from dataclasses import dataclass
from typing import NamedTuple

from helpers.networks.stack import Node
from helpers.numerics.activations import ACTIVATIONS, Activation
from helpers.signals.measures import BatchNormSignal

# Kinds of layers that are no place to read z from; an "activation" among them is one without a nonlinearity.
PASSING = ("dropout", "flatten", "pool", "reshape", "padding", "noise", "activation", "softmax")
FUNCTIONS = ("activation", "softmax", "log_softmax")
UNCHANGING = ("dropout", "flatten", "reshape")  # what may stand between two functions and changes nothing


@dataclass(eq=False)
class Step(Node):
    """A `Node` in a network of any kind: one layer's call, what it is, and what came back to it.

    `output` has the shape (batch, …, units), and so has `gradient`, that of the mean loss with respect to it,
    which is known where a Trace needs it. `parents` are the steps whose outputs went in; what enters the
    network is a step of the kind "input". A layer with weights has `W`, and `dW` on the way back; a
    nonlinearity its `activation`, and perhaps the `slope` f'(z). `layer` is the library's own object.
    """

    kind: str = "input"
    name: str = ""
    W: object = None
    dW: object = None
    biased: bool = True
    activation: Activation | None = None
    slope: object = None
    batch_norm: BatchNormSignal | None = None


class End(NamedTuple):
    """One output: the layer it comes from, the functions on it, first to last, and what the loss takes.

    `takes` is "logits", "probabilities", or "" for any number, `loss` the loss's name; `mended` says that
    Keras gives the loss what entered the last function, if that loss is one of its own cross-entropies.
    """

    layer: str
    functions: tuple[str, ...]
    loss: str
    takes: str
    mended: bool = False


class Passage(NamedTuple):
    """One batch on its way through a network and back: its blocks, the mean loss, the steps whose outputs the
    loss takes, and how each of them meets it. Steps hold NumPy arrays by now."""

    blocks: list[list[Step]]
    loss: float
    outputs: tuple[Step, ...]
    ends: tuple[End, ...]


def blocks_of(steps) -> list[list[Step]]:
    """Return the steps in blocks: each begins with one that has weights, and holds what follows it.

    Where branches meet, the meeting belongs to the branch whose weights were used last. Steps before the
    first weights belong to no block.
    """
    blocks, place = [], {}
    for step in steps:
        if step.W is not None:
            blocks.append([])
        before = max((place.get(parent, -1) for parent in step.parents), default=-1)
        place[step] = before if step.W is None else len(blocks) - 1
        if place[step] >= 0:
            blocks[place[step]].append(step)
    return blocks


def signal_of(block, outputs=()) -> tuple[Step, Step, Activation]:
    """Return the steps that gave z and h, before and after the block's first nonlinearity, and that.

    Without one both are the last of its weights, normalizations and sums. In a block that gives one of the
    `outputs` both are the logits: functions on them are part of the loss.
    """
    bent = next((step for step in block if step.activation is not None), None)
    before = bent.parents[0] if bent else [step for step in block if _has_signal(step)][-1]
    if bent is None or any(step in outputs for step in block):
        return before, before, ACTIVATIONS["linear"]
    return before, bent, bent.activation


def functions_on(block, end) -> tuple[str, ...]:
    """Return the names of the functions on a block's output `end`, in order, after its last other layer."""
    names = []
    for step in block[: block.index(end) + 1]:
        if step.kind in FUNCTIONS:
            names += [step.name] if step.name != "linear" else []
        elif step.kind not in UNCHANGING:
            names = []
    return tuple(names)


def parts_of(block) -> tuple[str, ...]:
    """Return the kinds of a block's layers in order; a softmax is part of the loss."""
    return tuple(step.kind for step in block if "softmax" not in step.kind)


def dropout_of(block) -> float:
    """Return the largest rate of dropout among a block's layers that changes the variance; 0 without one."""
    rates = [step.layer.rate for step in block if "dropout" in step.kind and "alpha" not in step.kind]
    return float(max(rates, default=0.0))


def _has_signal(step):
    return not any(word in step.kind for word in PASSING)
