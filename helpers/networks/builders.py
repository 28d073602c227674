"""Networks made in one call: dense ones by their `Design`, residual ones by their start.

A residual block is `h ← h + F(h)`: the skip hands h on unchanged, the branch F adds to it. With random
weights the two are uncorrelated, so their variances add, and h grows with every block.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from itertools import pairwise
from math import sqrt

import numpy as np

from helpers.networks import keras_models
from helpers.networks.stack import (
    NORMALIZED,
    BatchNorm,
    Dense,
    DropConnect,
    Dropout,
    Nonlinearity,
    Skip,
    Stack,
)
from helpers.numerics.activations import get_activation
from helpers.numerics.dropout import linear_decay
from helpers.numerics.initializers import get_initializer


@dataclass(frozen=True)
class Design:
    """How a dense network is made, in NumPy or in Keras; the options are those of `dense_stack`."""

    activation: str = "selu"
    initializer: str = "lecun_normal"
    gain: float = 1.0
    normalized: str | None = None
    dropout: float = 0.0
    alpha_dropout: float = 0.0
    skips: bool = False

    def stack(self, sizes, *, rng: np.random.Generator, dtype=np.float64, weights=None) -> Stack:
        """Return a `Stack` of these sizes; `weights`, where given, are taken as they are, uncopied."""
        options = self._options()
        if weights is not None:
            given = iter(weights)
            options |= {"initializer": lambda shape, rng: next(given), "gain": 1.0}
        return dense_stack(sizes, **options, rng=rng, dtype=dtype)

    def keras(self, sizes, *, seed=None):
        """Return a `keras.Model` of these sizes; raises ValueError for a gain, which Keras does not have."""
        options = self._options()
        if options.pop("gain") != 1:
            raise ValueError(f"gain must be 1 in Keras, got {self.gain}")
        return keras_models.dense_network(sizes, **options, seed=seed)

    def _options(self):
        return {option.name: getattr(self, option.name) for option in fields(Design)}


DESIGNS = {
    "SELU + LeCun": Design(),
    "ReLU + He": Design("relu", "he_normal"),
    "ReLU + He + batch norm": Design("relu", "he_normal", normalized="before"),
    "tanh + Glorot": Design("tanh", "glorot_normal"),
    "sigmoid + Glorot": Design("sigmoid", "glorot_normal"),
}


def dense_stack(
    sizes,
    *,
    activation="relu",
    initializer="he_normal",
    gain=1.0,
    normalized=None,
    dropout=0.0,
    alpha_dropout=0.0,
    skips=False,
    rng: np.random.Generator,
    dtype=np.float64,
) -> Stack:
    """Return a stack of dense layers of the given sizes, (inputs, hidden …, outputs).

    `normalized` puts batch normalization "before" or "after" every activation; before it, the dense layer has
    no bias, for the mean would take it away. A dropout rate puts that dropout after every activation. With
    `skips`, every hidden layer that keeps its width becomes h + F(h). Weights are drawn as `MLP` draws them,
    times `gain`, so that the same seed gives both the same weights. Raises ValueError for an unknown name or
    place.
    """
    if normalized not in NORMALIZED:
        raise ValueError(f"normalized must be None, 'before' or 'after', got {normalized!r}")
    initializer, activation = get_initializer(initializer), get_activation(activation)
    layers = []
    for place, shape in enumerate(pairwise(sizes)):
        W = initializer(shape, rng=rng)
        W = (W if gain == 1 else gain * W).astype(dtype, copy=False)
        if place == len(sizes) - 2:
            return Stack([*layers, Dense(W, np.zeros(shape[1], dtype))], rng=rng)
        b = None if normalized == "before" else np.zeros(shape[1], dtype)
        hidden = [Dense(W, b), Nonlinearity(activation)]
        if normalized:
            hidden.insert(1 if normalized == "before" else 2, _batch_norm(shape[1], dtype))
        if dropout:
            hidden.append(Dropout(dropout))
        if alpha_dropout:
            hidden.append(Dropout(alpha_dropout, alpha=True))
        layers += [Skip(hidden)] if skips and shape[0] == shape[1] else hidden
    raise ValueError(f"sizes must be at least two numbers, got {tuple(sizes)}")


def _batch_norm(size, dtype):
    return BatchNorm(np.ones(size, dtype), np.zeros(size, dtype))


def residual_stack(
    inputs,
    width,
    blocks,
    classes,
    *,
    survival=1.0,
    drop_connect=0.0,
    dropout=0.0,
    normalized=False,
    rng: np.random.Generator,
    dtype=np.float64,
) -> Stack:
    """Return a residual stack: a ReLU layer, `blocks` blocks h + F(h) of two dense layers, an output layer.

    F(h) = relu(h @ W1 + b1) @ W2 + b2. Weights are drawn from `rng` by He's rule, but W2 starts at 0, so that
    every block starts as the identity. `survival` is that of the last block under the linear rule of
    stochastic depth. `drop_connect` drops weights of all dense layers but the last one, dropout stands after
    every ReLU; batch normalization, where `normalized`, before it, in place of a bias. The same seed gives
    the same weights whatever the options.
    """
    draw = get_initializer("he_normal")

    def dense(W, bias=True):
        W, b = W.astype(dtype), np.zeros(width, dtype) if bias else None
        return DropConnect(W, b, drop_connect) if drop_connect else Dense(W, b)

    def relu_layer(shape):
        norm = [_batch_norm(width, dtype)] if normalized else []
        drop = [Dropout(dropout)] if dropout else []
        linear = dense(draw(shape, rng=rng), bias=not normalized)
        return [linear, *norm, Nonlinearity(get_activation("relu")), *drop]

    square = (width, width)
    layers = relu_layer((inputs, width))
    for own in linear_decay(blocks, survival):
        layers.append(Skip([*relu_layer(square), dense(np.zeros(square))], float(own)))
    W = draw((width, classes), rng=rng).astype(dtype)
    return Stack([*layers, Dense(W, np.zeros(classes, dtype))], rng=rng)


BRANCH_LAYERS = 2  # m in Fixup: the number of weight matrices in one branch


@dataclass(frozen=True)
class Start:
    """A way to start a residual branch: `variances(blocks)` gives fan_in · Var(W1) and fan_in · Var(W2)."""

    variances: Callable

    def growth(self, blocks) -> float:
        """Return the factor that one block puts on the mean square of h: 1 + v1 v2 / 2.

        The branch gets E[h²], multiplies it by v1, loses half at the ReLU and multiplies by v2.
        """
        first, last = self.variances(blocks)
        return 1 + first * last / 2


def fixup_scale(blocks, branch_layers=BRANCH_LAYERS) -> float:
    """Return L^(−1/(2m − 2)), Fixup's factor on every branch weight but the last (Zhang et al. 2019).

    L is the number of blocks, m the number of weight matrices in a branch. Raises ValueError for m below 2,
    since a branch of one matrix has none left to scale, and for fewer than one block.
    """
    if branch_layers < 2 or blocks < 1:
        raise ValueError(
            f"a branch needs 2 matrices or more and a net 1 block, got {branch_layers}, {blocks}"
        )
    return blocks ** (-1 / (2 * branch_layers - 2))


STARTS = {
    "naive": Start(lambda blocks: (1, 1)),  # Glorot everywhere
    "he": Start(lambda blocks: (2, 2)),
    "zeroed": Start(lambda blocks: (2, 0)),  # the last matrix of every branch is 0
    "scaled": Start(lambda blocks: (2 * fixup_scale(blocks) ** 2, 2)),
    "fixup": Start(lambda blocks: (2 * fixup_scale(blocks) ** 2, 0)),  # scaled and zeroed
}


def bare_residual_stack(
    inputs, width, blocks, classes, *, start="he", rng: np.random.Generator, dtype=np.float64
) -> Stack:
    """Return a residual stack without biases: a linear layer, `blocks` blocks, a linear layer.

    F(h) = relu(h @ W1) @ W2. `start` is a name in `STARTS`, which says how W1 and W2 are drawn; the layers
    around the blocks have LeCun's weights, which keep the variance. `residual_stack` is the one to train;
    this one has nothing beside its start, and shows what that does. Raises ValueError for an unknown start or
    fewer than one block.
    """
    if start not in STARTS or blocks < 1:
        raise ValueError(
            f"start must be one of {', '.join(STARTS)} and blocks at least 1, got {start!r}, {blocks}"
        )
    lecun, relu = get_initializer("lecun_normal"), get_activation("relu")
    scales = [dtype(sqrt(variance)) for variance in STARTS[start].variances(blocks)]

    def dense(shape, scale=1):
        return Dense(scale * lecun(shape, rng=rng).astype(dtype))

    entry, last = dense((inputs, width)), dense((width, classes))
    branches = [[dense((width, width), scale) for scale in scales] for _ in range(blocks)]
    skips = [Skip([first, Nonlinearity(relu), second]) for first, second in branches]
    return Stack([entry, *skips, last], rng=rng)


def stream_second_moments(stack: Stack, x) -> np.ndarray:
    """Return E[h²] over batch and units, before the first block of a residual stack and after each one."""
    with np.errstate(over="ignore"):
        sums = [node for node in stack.forward(x) if node.layer.kind == "add"]
        stream = [sums[0].inputs[0], *(node.output for node in sums)]
        return np.array([np.mean(np.square(h, dtype=np.float64)) for h in stream])
