"""A small multilayer perceptron: forward, backward, one step of gradient descent.

A layer is `z = h @ W + b`, `h = f(z)`. The hidden layers share one activation; the output layer is
linear and feeds a softmax with the cross-entropy loss. Arrays are (batch, features), labels integers.
"""

from typing import NamedTuple

import numpy as np

from helpers.numerics.activations import get_activation
from helpers.numerics.initializers import get_initializer, scale_to_unit_variance


class Forward(NamedTuple):
    """What went forward: `h[0]` is the input, `z[l]` and `h[l + 1]` belong to layer l + 1.

    The last `z` holds the logits; the output layer has no `h`.
    """

    z: list
    h: list

    @property
    def logits(self):
        """The pre-activation of the last layer, (batch, classes)."""
        return self.z[-1]


class Gradients(NamedTuple):
    """What came back, one entry per layer: derivatives of the mean loss; `slope[l]` is f'(z[l])."""

    dz: list
    dW: list
    db: list
    slope: list

    def of_parameters(self) -> list:
        """Return the gradients of all weights and biases, which a step uses."""
        return [*self.dW, *self.db]

    def mapped(self, change) -> "Gradients":
        """Return these gradients with `change(gradient)` in place of each of a weight or bias array."""
        return self._replace(dW=[change(d) for d in self.dW], db=[change(d) for d in self.db])


class MLP:
    """A multilayer perceptron of the given layer sizes, (inputs, hidden …, outputs).

    `activation` is a name or an `Activation`, `initializer` a name or any function `(shape, rng=…)`.
    Every weight is multiplied by `gain`; biases are drawn from N(0, bias_std²). Layers are drawn from
    `rng` one after another, so that a deeper network begins with the layers of the shallower one.
    Raises ValueError for fewer than two sizes, a size below 1, or an unknown name.
    """

    def __init__(
        self,
        sizes,
        *,
        activation="tanh",
        initializer="glorot_normal",
        gain=1.0,
        bias_std=0.0,
        rng: np.random.Generator,
        dtype=np.float64,
    ):
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes must be at least two positive numbers, got {tuple(sizes)}")
        self.sizes = tuple(int(size) for size in sizes)
        self.activation = get_activation(activation)
        self.initializer = get_initializer(initializer)
        self.gain, self.bias_std = gain, bias_std
        self.weights, self.biases = [], []
        for shape in zip(self.sizes, self.sizes[1:], strict=False):
            self.weights.append((gain * self.initializer(shape, rng=rng)).astype(dtype))
            self.biases.append(_draw_bias(shape[1], bias_std, rng).astype(dtype))

    @property
    def depth(self) -> int:
        """The number of hidden layers."""
        return len(self.sizes) - 2

    def scaled(self, factor) -> "MLP":
        """Return a copy whose weights are multiplied by `factor`; biases and all else stay."""
        copy = object.__new__(MLP)
        copy.__dict__ = self.__dict__ | {"gain": self.gain * factor}
        copy.weights = [W * W.dtype.type(factor) for W in self.weights]
        copy.biases = [b.copy() for b in self.biases]
        return copy

    def forward(self, x) -> Forward:
        """Return every pre-activation and activation for a batch `x` of shape (batch, inputs)."""
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != self.sizes[0]:
            raise ValueError(f"x must have shape (batch, {self.sizes[0]}), got {x.shape}")
        z, h = [], [x]
        for W, b in zip(self.weights, self.biases, strict=True):
            z.append(h[-1] @ W)
            z[-1] += b  # in place, as the product below: a new array costs as much as the sum itself
            if len(z) < len(self.weights):
                h.append(self.activation.f(z[-1]))
        return Forward(z, h)

    def backward(self, forward: Forward, dlogits, *, weights=True) -> Gradients:
        """Return the gradients of all layers, given the loss's gradient with respect to the logits.

        dW = hᵀ dz and db = Σ dz for the layer itself; dz = (dz_next W_nextᵀ) ⊙ f'(z) for the one before.
        Without `weights` the lists dW and db stay empty, which spares a third of the work.
        """
        dz, slopes = [dlogits], [np.ones_like(dlogits)]
        for W, z in zip(self.weights[:0:-1], forward.z[-2::-1], strict=True):
            slopes.append(self.activation.df(z))
            dz.append(dz[-1] @ W.T)
            dz[-1] *= slopes[-1]
        dz.reverse()
        slopes.reverse()
        if not weights:
            return Gradients(dz, [], [], slopes)
        dW = [h.T @ d for h, d in zip(forward.h, dz, strict=True)]
        return Gradients(dz, dW, [d.sum(axis=0) for d in dz], slopes)

    def loss_and_gradients(self, x, y) -> tuple[float, Gradients]:
        """Return the mean cross-entropy of a batch and its gradients; `y` holds integer labels."""
        forward = self.forward(x)
        loss, dlogits = cross_entropy(forward.logits, y)
        return loss, self.backward(forward, dlogits)

    def penalized(self, gradients: Gradients, penalty) -> Gradients:
        """Return the gradients with `penalty.gradient(W)` added to that of every layer's weights."""
        pairs = zip(gradients.dW, self.weights, strict=True)
        return gradients._replace(dW=[dW + penalty.gradient(W) for dW, W in pairs])

    def step(self, gradients: Gradients, learning_rate) -> None:
        """Take one step of gradient descent in place: W ← W − η dW, b ← b − η db."""
        for W, b, dW, db in zip(self.weights, self.biases, gradients.dW, gradients.db, strict=True):
            W -= W.dtype.type(learning_rate) * dW
            b -= b.dtype.type(learning_rate) * db

    def accuracy(self, x, y) -> float:
        """Return the share of examples whose largest logit is the right class."""
        return float(np.mean(self.forward(x).logits.argmax(axis=1) == y))


def cross_entropy(logits, y) -> tuple[float, np.ndarray]:
    """Return the mean loss −Σ t log softmax(logits) and its gradient (softmax − t) / batch.

    `logits` has shape (batch, classes). `y` holds integer labels (batch,), of which t is the one-hot form, or
    t itself, (batch, classes): one distribution over the classes per example, as mixup makes them. Raises
    ValueError for another shape or type, a label outside 0 … classes − 1, or a row that doesn't sum to 1.
    """
    y = _checked_targets(y, *logits.shape)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dlogits = np.exp(log_softmax)
    if y.ndim == 2:
        y = y.astype(logits.dtype, copy=False)
        dlogits -= y
        of_target = (y * log_softmax).sum(axis=1)
    else:
        dlogits[np.arange(len(y)), y] -= 1
        of_target = log_softmax[np.arange(len(y)), y]
    return float(-of_target.mean(dtype=np.float64)), dlogits / logits.dtype.type(len(y))


def lsuv(model: MLP, x, *, rng: np.random.Generator, **options) -> list[int]:
    """Initialize the hidden layers by LSUV, in place; return the iterations that each layer needed.

    Layer-sequential unit variance (Mishkin and Matas 2016): orthogonal weights, then each layer in turn
    scaled until its pre-activations have variance 1 on the batch `x`. No formula for the activation.
    """
    orthogonal = get_initializer("orthogonal")
    h, iterations = np.asarray(x), []
    for layer in range(model.depth):
        W = orthogonal(model.weights[layer].shape, rng=rng).astype(model.weights[layer].dtype)
        W, needed = scale_to_unit_variance(h, W, **options)
        model.weights[layer], model.biases[layer] = W, np.zeros_like(model.biases[layer])
        h = model.activation.f(h @ W)
        iterations.append(needed)
    model.initializer, model.bias_std = orthogonal.draw, 0.0  # theory must measure these weights from now on
    return iterations


def _checked_targets(y, batch, classes):
    y = np.asarray(y)
    if y.ndim == 2 and np.issubdtype(y.dtype, np.floating):
        if y.shape != (batch, classes) or not np.allclose(y.sum(axis=1), 1, atol=1e-4):
            raise ValueError(
                f"y must hold {batch} distributions over {classes} classes, rows that sum to 1, got shape "
                f"{y.shape} and sums {y.sum(axis=1).min():.4g} … {y.sum(axis=1).max():.4g}"
            )
        return y
    if y.shape != (batch,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError(f"y must hold {batch} integer labels, got shape {y.shape} of {y.dtype}")
    if batch and (y.min() < 0 or y.max() >= classes):
        raise ValueError(f"labels must lie in 0 … {classes - 1}, got {y.min()} … {y.max()}")
    return y


def _draw_bias(size, std, rng):
    return std * rng.standard_normal(size) if std else np.zeros(size)
