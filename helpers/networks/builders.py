"""Networks made in one call: dense stacks and residual ones, and the `Design`s that lesson 08 compares.

A residual block is `h ← h + relu(h @ W1) @ W2`: the skip hands h on unchanged, the branch F adds to it. With
random weights the two are uncorrelated, so their variances add, and the stream of h grows with every block.
"""

from dataclasses import asdict, dataclass
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

import numpy as np

from helpers.networks.mlp import cross_entropy
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
from helpers.numerics.activations import get_activation, relu, relu_derivative
from helpers.numerics.dropout import linear_decay
from helpers.numerics.initializers import INITIALIZERS, get_initializer


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
        W = (gain * initializer(shape, rng=rng)).astype(dtype)
        if place == len(sizes) - 2:
            return Stack([*layers, Dense(W, np.zeros(shape[1], dtype))], rng=rng)
        norm = [BatchNorm(np.ones(shape[1], dtype), np.zeros(shape[1], dtype))] if normalized else []
        b = None if normalized == "before" else np.zeros(shape[1], dtype)
        dense, bend = Dense(W, b), Nonlinearity(activation)
        drops = [Dropout(rate, alpha) for rate, alpha in ((dropout, False), (alpha_dropout, True)) if rate]
        bent = [*norm, bend] if normalized == "before" else [bend, *norm]
        hidden = [dense, *bent, *drops]
        layers += [Skip(hidden)] if skips and shape[0] == shape[1] else hidden
    raise ValueError(f"sizes must be at least two numbers, got {tuple(sizes)}")


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

    def bent(shape):
        norm = [BatchNorm(np.ones(width, dtype), np.zeros(width, dtype))] if normalized else []
        drop = [Dropout(dropout)] if dropout else []
        linear = dense(draw(shape, rng=rng), bias=not normalized)
        return [linear, *norm, Nonlinearity(get_activation("relu")), *drop]

    square = (width, width)
    layers = bent((inputs, width))
    for own in linear_decay(blocks, survival):
        layers.append(Skip([*bent(square), dense(np.zeros(square))], float(own)))
    W = draw((width, classes), rng=rng).astype(dtype)
    return Stack([*layers, Dense(W, np.zeros(classes, dtype))], rng=rng)


BRANCH_LAYERS = 2  # m in Fixup: the number of weight matrices in one branch


@dataclass(frozen=True)
class Start:
    """A way to start a residual branch: `variances(blocks)` gives fan_in · Var(W1) and fan_in · Var(W2)."""

    label: str
    variances: callable

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


STARTS: dict[str, Start] = {
    "naive": Start("Glorot everywhere", lambda blocks: (1, 1)),
    "he": Start("He everywhere", lambda blocks: (2, 2)),
    "zeroed": Start("He, last of branch 0", lambda blocks: (2, 0)),
    "scaled": Start("He, branch scaled by depth", lambda blocks: (2 * fixup_scale(blocks) ** 2, 2)),
    "fixup": Start("Fixup: scaled and last 0", lambda blocks: (2 * fixup_scale(blocks) ** 2, 0)),
}


class ResidualForward(NamedTuple):
    """What went forward: `stream[l]` is h before block l + 1, `z[l]` that block's pre-activation."""

    stream: list
    z: list
    logits: np.ndarray


class ResidualNet:
    """A residual network: a linear layer in, `blocks` blocks of one width, a linear layer out; no biases.

    `start` is a name in `STARTS`. The layer in is LeCun's, which keeps the variance; so is the layer out.
    Raises ValueError for an unknown start or fewer than one block.
    """

    def __init__(
        self, inputs, width, blocks, classes, *, start="he", rng: np.random.Generator, dtype=np.float64
    ):
        if start not in STARTS or blocks < 1:
            raise ValueError(
                f"start must be one of {', '.join(STARTS)} and blocks at least 1, got {start!r}, {blocks}"
            )
        draw = lambda shape: INITIALIZERS["lecun_normal"](shape, rng=rng).astype(dtype)  # noqa: E731
        scales = [dtype(sqrt(variance)) for variance in STARTS[start].variances(blocks)]
        self.entry, self.exit = draw((inputs, width)), draw((width, classes))
        self.branches = [[scale * draw((width, width)) for scale in scales] for _ in range(blocks)]

    @property
    def weights(self) -> list:
        """All weight matrices, first to last."""
        return [self.entry, *(W for branch in self.branches for W in branch), self.exit]

    def forward(self, x) -> ResidualForward:
        """Return the stream of h, the branches' pre-activations and the logits for a batch `x`."""
        stream, z = [x @ self.entry], []
        for W1, W2 in self.branches:
            z.append(stream[-1] @ W1)
            stream.append(stream[-1] + relu(z[-1]) @ W2)
        return ResidualForward(stream, z, stream[-1] @ self.exit)

    def loss_and_gradients(self, x, y) -> tuple[float, list]:
        """Return the mean cross-entropy of a batch and its gradients, in the order of `weights`.

        Backward through a block: dz = (dh W2ᵀ) ⊙ relu'(z), dW2 = relu(z)ᵀ dh, dW1 = hᵀ dz, and the skip adds
        up what comes back on both ways, dh ← dh + dz W1ᵀ.
        """
        stream, zs, logits = self.forward(x)
        loss, dlogits = cross_entropy(logits, y)
        dh, gradients = dlogits @ self.exit.T, [stream[-1].T @ dlogits]
        for h, z, (W1, W2) in zip(stream[-2::-1], zs[::-1], self.branches[::-1], strict=True):
            dz = (dh @ W2.T) * relu_derivative(z)
            gradients += [relu(z).T @ dh, h.T @ dz]
            dh = dh + dz @ W1.T
        return loss, [*gradients, x.T @ dh][::-1]

    def step(self, gradients, learning_rate) -> None:
        """Take one step of gradient descent in place: W ← W − η dW."""
        for W, dW in zip(self.weights, gradients, strict=True):
            W -= W.dtype.type(learning_rate) * dW

    def accuracy(self, x, y) -> float:
        """Return the share of examples whose largest logit is the right class."""
        with np.errstate(all="ignore"):  # a net that diverged has no answer, and is right by chance
            return float(np.mean(self.forward(x).logits.argmax(axis=1) == y))


def stream_second_moments(net: ResidualNet, x) -> np.ndarray:
    """Return E[h²] over the batch and the units, before the first block and after each one."""
    with np.errstate(over="ignore"):
        return np.array([np.mean(np.square(h, dtype=np.float64)) for h in net.forward(x).stream])


@dataclass(frozen=True)
class Design:
    """How a deep dense network is made; the options are those of `helpers.networks.builders.dense_stack`."""

    activation: str = "selu"
    initializer: str = "lecun_normal"
    normalized: str | None = None
    dropout: float = 0.0
    alpha_dropout: float = 0.0
    skips: bool = False

    def stack(self, sizes, *, rng: np.random.Generator, dtype=np.float64, weights=None) -> Stack:
        """Return a network of these sizes; `weights` are taken in place of new ones, where they are given."""
        options = asdict(self)
        if weights is not None:
            given = iter(weights)
            options["initializer"] = lambda shape, rng: next(given)
        return dense_stack(sizes, **options, rng=rng, dtype=dtype)


DESIGNS = {
    "SELU + LeCun": Design(),
    "ReLU + He": Design("relu", "he_normal"),
    "ReLU + He + batch norm": Design("relu", "he_normal", normalized="before"),
    "tanh + Glorot": Design("tanh", "glorot_normal"),
    "sigmoid + Glorot": Design("sigmoid", "glorot_normal"),
}
