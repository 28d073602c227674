"""The Trace: layer by layer, what went forward through a network and what came back.

Every plot, lab and finding reads a `Trace`; `trace(model, x, y)` takes one from a network and a batch.
"""

import sys
from dataclasses import dataclass, fields

import numpy as np

from helpers.networks.mlp import MLP
from helpers.networks.stack import Stack
from helpers.numerics.remembering import once_per_array
from helpers.signals import numpy_passage
from helpers.signals.blocks import End, dropout_of, parts_of, signal_of
from helpers.signals.measures import (
    BatchNormSignal,
    Histogram,
    histogram,
    histogram_range,
    mean_and_std,
    norm,
    share_saturated,
    shares_equal,
    shares_off_and_on,
    some_places,
)


@dataclass(frozen=True)
class LayerSignal:
    """One layer's vital signs on one batch: a layer with weights, its activation, and what stands between.

    What it is: `kind` is that of the layer with weights, `parts` the kinds of all layers it stands for, in
    order; `output` marks a network's output, whose z = h are the logits. `units` is the number of units,
    `fan_in` of the inputs of each, `size` the number of entries of z. `biased` says whether the layer with
    weights has a bias, `dropout` is the largest rate of dropout among the parts, `batch_norm` what the first
    batch normalization among them sees. `can_die` and `saturates` are the activation's, as in `ACTIVATIONS`.
    Of a convolution a unit is a channel, and its places count as examples; of very many some are read.

    What goes forward: `mean`, `std` of the activations h over batch and units, `z_mean`, `z_std` of the
    pre-activations. `share_saturated`: share of all z whose derivative is below `SATURATED_SLOPE` of the
    activation's largest. `share_dead`: share of units whose derivative is 0 on every example, `share_on` on
    none, for activations that can die. `share_equal`: share of units which another one equals,
    `share_stay_equal` of those which stay so (`helpers.signals.measures.shares_equal`).

    What comes back: `grad_z_norm`, `grad_W_norm`, the norms of the mean loss's gradient with respect to the
    pre-activations (over batch and units) and the weights; `W_norm` is that of the weights.
    """

    name: str
    kind: str
    parts: tuple[str, ...]
    output: bool
    units: int
    fan_in: int
    size: int
    biased: bool
    dropout: float
    batch_norm: BatchNormSignal | None
    activation: str
    can_die: bool
    saturates: str
    histogram: Histogram
    z_mean: float
    z_std: float
    mean: float
    std: float
    share_saturated: float
    share_dead: float
    share_on: float
    share_equal: float
    share_stay_equal: float
    grad_z_norm: float
    grad_W_norm: float
    W_norm: float

    @property
    def finite(self) -> bool:
        """False once any activation is inf or nan."""
        return bool(np.isfinite(self.std))


NUMBERS = tuple(field.name for field in fields(LayerSignal) if field.type is float)


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
        layers = tuple(layer_signal(block, passage.outputs) for block in passage.blocks)
        entered = passage.blocks[0][0].parents[0].output
        error = sum(_squared_norms(block, passage.outputs) for block in passage.blocks)
        return Trace(layers, passage.loss, len(x), *_spread(entered), error, entered, passage.ends)


_spread = once_per_array(mean_and_std)


def layer_signal(block, outputs) -> LayerSignal:
    """Return what one block of steps shows: a layer with weights first, its activation, what stands between.

    `outputs` are the network's; a block that holds one of them is an output layer.
    """
    first, (before, after, activation) = block[0], signal_of(block, outputs)
    z, dz, h = before.output, before.gradient, after.output
    grad_z_norm, size = norm(dz), z.size
    if activation.name != "prelu":  # whose slopes belong to places
        z, dz, h = some_places(z), some_places(dz), some_places(h)
    slope = activation.df(z) if after.slope is None else after.slope
    z_mean, z_std = mean_and_std(z)
    mean, std = (z_mean, z_std) if after is before else mean_and_std(h)
    share_dead, share_on = shares_off_and_on(slope, activation.can_die)
    share_equal, share_stay_equal = shares_equal(first.W, z, dz)
    return LayerSignal(
        name=first.name,
        kind=first.kind,
        parts=parts_of(block),
        output=any(step in outputs for step in block),
        units=z.shape[-1],
        fan_in=first.W.size // first.W.shape[-1],
        size=size,
        biased=first.biased,
        dropout=dropout_of(block),
        batch_norm=next((step.batch_norm for step in block if step.kind == "batch_norm"), None),
        activation=activation.name,
        can_die=activation.can_die,
        saturates=activation.saturates,
        histogram=histogram(h, *histogram_range(activation)),
        z_mean=z_mean,
        z_std=z_std,
        mean=mean,
        std=std,
        share_saturated=share_saturated(slope, activation),
        share_dead=share_dead,
        share_on=share_on,
        share_equal=share_equal,
        share_stay_equal=share_stay_equal,
        grad_z_norm=grad_z_norm,
        grad_W_norm=float("nan") if first.dW is None else norm(first.dW),
        W_norm=norm(first.W),
    )


def _squared_norms(block, outputs):
    """Of an output's logits: the squared norm of each example's gradient; 0 of a hidden block."""
    if not any(step in outputs for step in block):
        return 0.0
    dz = signal_of(block, outputs)[0].gradient
    return np.square(dz.reshape(len(dz), -1), dtype=np.float64).sum(axis=1)


def passage_of(model):
    """Return the function that takes a batch through a model of this kind; raises ValueError for others."""
    if isinstance(model, MLP):
        return numpy_passage.mlp_passage
    if isinstance(model, Stack):
        return numpy_passage.stack_passage
    if "keras" in sys.modules and isinstance(model, sys.modules["keras"].Model):
        from helpers.signals import keras_passage

        return keras_passage.passage
    raise ValueError(f"can't trace a {type(model).__name__}; an MLP, a Stack or a keras.Model is needed")
