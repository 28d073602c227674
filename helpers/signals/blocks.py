"""Blocks: a network's layers grouped for the Trace, one block per layer with weights and what follows it.

A dense layer, its batch normalization, its activation and its dropout are one block, whether a library
writes them as one layer or as four. The pre-activation z is what enters the activation, h what leaves it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from helpers.numerics.activations import ACTIVATIONS, Activation
from helpers.signals.measures import BatchNormSignal, End

# Kinds of layers that are no place to read z from; an "activation" among them is one without a nonlinearity.
PASSING = ("dropout", "flatten", "pool", "reshape", "padding", "noise", "activation", "softmax")


class Step(NamedTuple):
    """One layer's call in a network of any kind: what it is, and the arrays, nodes or tensors it joins.

    `weights` is the weight array, or None; `activation` the nonlinearity, or None; `z` what entered the
    nonlinearity, where the layer computes it itself.
    """

    layer: object
    kind: str
    inputs: tuple
    output: object
    weights: object = None
    activation: Activation | None = None
    z: object = None


@dataclass(frozen=True)
class Block:
    """One block on one batch: z, h = f(z), the gradient dz of the mean loss, the weights and theirs.

    `kind` is that of the layer with weights, `parts` the kinds of all its layers in order; `slope` is f'(z).
    `output` says that the network's output comes from here, `biased` that the layer with weights has a bias;
    `dropout` is the largest rate of dropout in the block, `norm` what its batch normalization sees. Of a
    large convolution z, h, dz and slope may hold some of the places alone; then `size` is the number of
    entries of the whole z, and `dz_norm` the norm of the whole dz.
    """

    name: str
    kind: str
    parts: tuple[str, ...]
    activation: Activation
    z: np.ndarray
    h: np.ndarray
    dz: np.ndarray
    slope: np.ndarray
    W: np.ndarray
    dW: np.ndarray | None
    output: bool = False
    biased: bool = True
    dropout: float = 0.0
    norm: BatchNormSignal | None = None
    size: int | None = None
    dz_norm: float | None = None


@dataclass(frozen=True)
class Passage:
    """One batch on its way through a network and back: blocks, mean loss, what entered the first block, and
    how each output meets the loss."""

    blocks: list
    loss: float
    entered: np.ndarray
    ends: tuple[End, ...] = ()


def grouped(steps) -> list[list[Step]]:
    """Return the steps in groups: each begins with one that has weights, and holds what follows it.

    Where branches meet, the meeting belongs to the branch whose weights were used last. Steps before the
    first weights belong to no group.
    """
    groups, owner = [], {}
    for step in steps:
        if step.weights is not None:
            groups.append([])
        place = len(groups) - 1 if step.weights is not None else _latest(step, owner)
        if place >= 0:
            groups[place].append(step)
        owner[id(step.output)] = place
    return groups


def signal_of(group) -> tuple:
    """Return (z, h, activation) of a group of steps: those of its first nonlinearity.

    Without one, z and h are both what the last of its weights, normalizations and sums gives; a softmax is
    part of the loss, and what entered it is given.
    """
    for step in group:
        if step.activation is not None:
            return (step.inputs[0] if step.z is None else step.z), step.output, step.activation
    last = [step for step in group if not any(word in step.kind for word in PASSING)][-1]
    z = last.output if last.z is None else last.z
    return z, z, ACTIVATIONS["linear"]


def parts_of(group) -> tuple[str, ...]:
    """Return the kinds of a group's layers in order; a fused nonlinearity is a part too."""
    fused = lambda step: step.activation is not None and step.kind != "activation"  # noqa: E731
    return tuple(
        kind for step in group for kind in ([step.kind, "activation"] if fused(step) else [step.kind])
    )


def dropout_of(group) -> float:
    """Return the largest rate of dropout among a group's layers that changes the variance; 0 without one."""
    rates = [step.layer.rate for step in group if "dropout" in step.kind and "alpha" not in step.kind]
    return float(max(rates, default=0.0))


def _latest(step, owner):
    return max((owner.get(id(array), -1) for array in step.inputs), default=-1)
