"""A small residual network, h + F(h) block after block, and four ways to start its branches.

A block is `h ← h + relu(h @ W1) @ W2`: the skip hands h on unchanged, the branch F adds to it. With random
weights the two are uncorrelated, so their variances add, and the stream of h grows with every block.
"""

from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np

from helpers.activations import relu, relu_derivative
from helpers.initializers import INITIALIZERS
from helpers.network import cross_entropy

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
