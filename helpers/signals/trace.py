"""The Trace: layer by layer, what went forward through a network and what came back.

Every plot, lab and finding reads a `Trace`; `trace(model, x, y)` takes one from a network and a batch.
"""

import sys
from dataclasses import dataclass, fields

import numpy as np

from helpers.networks.mlp import MLP, cross_entropy
from helpers.networks.stack import Stack
from helpers.numerics.activations import ACTIVATIONS
from helpers.signals.blocks import Block, Passage, Step, dropout_of, grouped, parts_of, signal_of
from helpers.signals.measures import (
    BatchNormSignal,
    End,
    Histogram,
    batch_norm_signal,
    histogram,
    histogram_range,
    mean_and_std,
    norm,
    share_saturated,
    shares_alike,
    shares_off_and_on,
)


@dataclass(frozen=True)
class LayerSignal:
    """One layer's vital signs on one batch: a layer with weights, its activation, and what stands between.

    `mean`, `std`: of the activations h over batch and units; `z_mean`, `z_std`: of the pre-activations.
    `share_saturated`: share of all z whose derivative is below `SATURATED_SLOPE` of the activation's
    largest. `share_dead`: share of units whose derivative is 0 on every example. `grad_z_norm`,
    `grad_W_norm`: norms of the mean loss's gradient with respect to the pre-activations (over batch and
    units) and the weights. `finite` is false once any activation is inf or nan. `kind` is that of the layer
    with weights, `parts` the kinds of all layers it stands for, in order; `output` marks a network's output,
    whose z = h are the logits. Of a convolution a unit is a channel, and its places count as examples.

    `share_on` is the share of units whose derivative is 0 on no example, for activations that can die;
    `share_twins` that of units which another one equals, `share_stuck` of those which stay so
    (`helpers.signals.measures.shares_alike`). `size` is the number of entries of z. `can_die` and `saturates` are the
    activation's, as in `ACTIVATIONS`. `biased`, `dropout` and `batch_norm` are what a `Block` says of its
    layers. Where a convolution in Keras has very many places, all but the norms are read from some of them,
    evenly spaced.
    """

    name: str
    activation: str
    histogram: Histogram
    z_mean: float
    z_std: float
    mean: float
    std: float
    share_saturated: float
    share_dead: float
    grad_z_norm: float
    grad_W_norm: float
    W_norm: float
    finite: bool
    kind: str = "dense"
    parts: tuple[str, ...] = ("dense", "activation")
    output: bool = False
    units: int = 0
    size: int = 0
    fan_in: int = 0
    share_on: float = 0.0
    share_twins: float = 0.0
    share_stuck: float = 0.0
    can_die: bool = False
    saturates: str = "no"
    biased: bool = True
    dropout: float = 0.0
    batch_norm: BatchNormSignal | None = None


NUMBERS = tuple(field.name for field in fields(LayerSignal) if field.type is float or field.type == "float")


@dataclass(frozen=True)
class Trace:
    """The vital signs of every layer, first to last, on one batch; an output layer holds the logits.

    `loss` is the mean loss; `input_mean` and `input_std` are those of what enters the first layer with
    weights; `output_error` the squared norm of the loss's gradient with respect to each
    example's logits, shape (batch,), from which theory predicts the gradients before it. `entered` is what
    enters the first layer with weights; `ends` tells how each output meets the loss.
    """

    layers: tuple[LayerSignal, ...]
    loss: float
    examples: int
    input_mean: float
    input_std: float
    output_error: np.ndarray
    entered: np.ndarray | None = None
    ends: tuple[End, ...] = ()

    @property
    def hidden(self) -> tuple[LayerSignal, ...]:
        """The layers before the output, or outputs."""
        return tuple(layer for layer in self.layers if not layer.output)

    def per_layer(self, quantity) -> np.ndarray:
        """Return one number per hidden layer, as in `per_layer("std")`; raises ValueError for other names."""
        if quantity not in NUMBERS:
            raise ValueError(f"unknown quantity {quantity!r}; choose one of {', '.join(NUMBERS)}")
        return np.array([getattr(layer, quantity) for layer in self.hidden])

    def __repr__(self):
        return f"Trace of {len(self.layers)} layers on {self.examples} examples, loss {self.loss:.4g}"


def trace(model, x, y, *, weights=True, training=True) -> Trace:
    """Return the `Trace` of a network on one batch: `x` of shape (batch, inputs), integer labels `y`.

    The network is an `MLP`, a `Stack` or a `keras.Model`, and is left as it was. With `training` batch
    normalization uses the batch's statistics and dropout drops, as in a training step; a Keras model's
    compiled loss is used where there is one, and `y` is whatever that loss takes. Without `weights` the
    gradients of the weights are left out and `grad_W_norm` is nan: quicker, for live figures that don't show
    them. Works at any scale: overflow turns up as inf or nan in the numbers, never as an error or a warning.
    Raises ValueError for a model of an unknown kind or a batch that doesn't fit.
    """
    with np.errstate(all="ignore"):
        passage = passage_of(model)(model, x, y, weights=weights, training=training)
        layers = tuple(_layer_signal(block) for block in passage.blocks)
        errors = [block.dz for block in passage.blocks if block.output]
        error = sum(np.square(dz.reshape(len(dz), -1), dtype=np.float64).sum(axis=1) for dz in errors)
        moments = mean_and_std(passage.entered)
        return Trace(layers, passage.loss, len(x), *moments, error, passage.entered, passage.ends)


def passage_of(model):
    """Return the function that takes a batch through a model of this kind; raises ValueError for others."""
    for kind, passage in ((MLP, _mlp_passage), (Stack, _stack_passage)):
        if isinstance(model, kind):
            return passage
    if "keras" in sys.modules and isinstance(model, sys.modules["keras"].Model):
        from helpers.signals import keras_passage

        return keras_passage.passage
    raise ValueError(f"can't trace a {type(model).__name__}; an MLP, a Stack or a keras.Model is needed")


def _mlp_passage(model, x, y, *, weights, training):
    x = np.asarray(x, dtype=model.weights[0].dtype)
    forward = model.forward(x)
    loss, dlogits = cross_entropy(forward.logits, y)
    gradients = model.backward(forward, dlogits, weights=weights)
    blocks = []
    for i, (W, z) in enumerate(zip(model.weights, forward.z, strict=True)):
        last = i == model.depth
        blocks.append(
            Block(
                name=f"layer {i + 1}",
                kind="dense",
                parts=("dense",) if last else ("dense", "activation"),
                activation=ACTIVATIONS["linear"] if last else model.activation,
                z=z,
                h=z if last else forward.h[i + 1],
                dz=gradients.dz[i],
                slope=gradients.slope[i],
                W=W,
                dW=gradients.dW[i] if weights else None,
                output=last,
            )
        )
    return Passage(blocks, loss, x, (End(blocks[-1].name, (), "cross-entropy", "logits"),))


def _stack_passage(model, x, y, *, weights, training):
    state = model.rng.bit_generator.state
    nodes = model.forward(np.asarray(x, dtype=model.dtype), training=training)
    model.rng.bit_generator.state = state  # the next training step draws the masks it would have drawn
    loss, dlogits = cross_entropy(nodes[-1].output, y)
    gradients = model.backward(nodes, dlogits, weights=weights).parameters
    groups = grouped([_step(node) for node in nodes])
    blocks = []
    for i, group in enumerate(groups):
        z, h, activation = signal_of(group)
        blocks.append(
            Block(
                name=f"layer {i + 1}",
                kind="dense",
                parts=parts_of(group),
                activation=activation,
                z=z.output,
                h=h.output,
                dz=z.gradient,
                slope=activation.df(z.output),
                W=group[0].weights,
                dW=gradients[group[0].layer]["W"] if weights else None,
                output=i == len(groups) - 1,
                biased=group[0].layer.b is not None,
                dropout=dropout_of(group),
                norm=_norm_of(group),
            )
        )
    bends = tuple(step.activation.name for step in groups[-1] if step.activation is not None)
    end = End(blocks[-1].name, bends, "cross-entropy", "logits")
    return Passage(blocks, loss, groups[0][0].inputs[0].output, (end,))


def _norm_of(group):
    """What the first batch normalization of a stack's group sees, or None."""
    step = next((step for step in group if step.kind == "batch_norm"), None)
    if step is None:
        return None
    layer, running = step.layer, step.layer.running
    trained = running.batches > 0 or bool((layer.gamma != 1).any() or (layer.beta != 0).any())
    return batch_norm_signal(
        step.inputs[0].output, mean=running.mean, variance=running.variance, eps=layer.eps, trained=trained
    )


def _step(node):
    """A stack's step joins nodes, which hold an array each and its gradient."""
    layer = node.layer
    weights, activation = getattr(layer, "W", None), getattr(layer, "activation", None)
    return Step(layer, layer.kind, node.parents, node, weights, activation)


def _layer_signal(block):
    activation = block.activation
    z_mean, z_std = mean_and_std(block.z)
    mean, std = (z_mean, z_std) if block.h is block.z else mean_and_std(block.h)
    share_dead, share_on = shares_off_and_on(block.slope, activation.can_die)
    share_twins, share_stuck = shares_alike(block.W, block.z, block.dz)
    return LayerSignal(
        name=block.name,
        activation=activation.name,
        histogram=histogram(block.h, *histogram_range(activation)),
        z_mean=z_mean,
        z_std=z_std,
        mean=mean,
        std=std,
        share_saturated=share_saturated(block.slope, activation),
        share_dead=share_dead,
        grad_z_norm=norm(block.dz) if block.dz_norm is None else block.dz_norm,
        grad_W_norm=float("nan") if block.dW is None else norm(block.dW),
        W_norm=norm(block.W),
        finite=bool(np.isfinite(std)),
        kind=block.kind,
        parts=block.parts,
        output=block.output,
        units=block.z.shape[-1],
        size=block.size or block.z.size,
        fan_in=block.W.size // block.W.shape[-1],
        share_on=share_on,
        share_twins=share_twins,
        share_stuck=share_stuck,
        can_die=activation.can_die,
        saturates=activation.saturates,
        biased=block.biased,
        dropout=block.dropout,
        batch_norm=block.norm,
    )
