"""A stack of layers: dense, activation, batch normalization, dropout, in any order, with skips over them.

Where `helpers.network.MLP` is the quick network of the labs, a `Stack` is the open one. Going forward it
writes down every call of a layer, and going backward it reads the list from the end: that is all there is
to automatic differentiation.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from helpers import regularization, stochastic
from helpers.activations import Activation, get_activation
from helpers.initializers import get_initializer
from helpers.network import cross_entropy
from helpers.normalization import (
    CONVENTIONS,
    RunningStatistics,
    batch_norm_backward,
    batch_norm_forward,
    normalize,
    update_running,
)

NORMALIZED = (None, "before", "after")  # where batch normalization stands: before or after the activation


class Call(NamedTuple):
    """One layer's call: what came in, what went out, and what its backward pass needs."""

    layer: object
    inputs: tuple
    output: np.ndarray
    cache: object


@dataclass(eq=False)
class Dense:
    """z = x @ W + b; without b where it is None. `W` has shape (fan_in, fan_out)."""

    W: np.ndarray
    b: np.ndarray | None = None
    kind = "dense"
    parameters = ("W", "b")

    def forward(self, x, *, training, rng):
        """Return z and x, which the gradient of W needs; raises ValueError for another width of x."""
        self.check(x)
        z = x @ self.W
        return (z if self.b is None else z + self.b), x

    def backward(self, dz, x):
        """Return dx = dz Wᵀ, and dW = xᵀ dz, db = Σ dz."""
        db = {} if self.b is None else {"b": dz.sum(axis=0)}
        return (self.to_input(dz, x),), {"W": x.T @ dz, **db}

    def to_input(self, dz, x):
        """Return dx = dz Wᵀ alone."""
        return dz @ self.W.T

    def check(self, x):
        """Raise ValueError for an x of another width than W has rows."""
        if x.ndim != 2 or x.shape[1] != len(self.W):
            raise ValueError(f"x must have shape (batch, {len(self.W)}), got {x.shape}")


@dataclass(eq=False)
class DropConnect(Dense):
    """A dense layer whose weights are dropped at random in training, at the given rate."""

    rate: float = 0.5
    kind = "drop_connect"

    def __post_init__(self):
        regularization.check_rate(self.rate)

    def forward(self, x, *, training, rng):
        """Return z, and x with the weights that were used; raises ValueError for another width of x."""
        self.check(x)
        if training:
            return stochastic.drop_connect_forward(x, self.W, self.b, self.rate, rng=rng)
        return super().forward(x, training=False, rng=rng)[0], stochastic.Connections(x, self.W, None)

    def backward(self, dz, cache):
        """Return dx, and dW, db: a weight that was dropped gets no gradient."""
        dx, dW, db = stochastic.drop_connect_backward(dz, cache)
        return (dx,), {"W": dW} if self.b is None else {"W": dW, "b": db}

    def to_input(self, dz, cache):
        """Return dx alone, through the weights that were used."""
        return dz @ cache.W.T


@dataclass(eq=False)
class Nonlinearity:
    """h = f(z) for an entry of `ACTIVATIONS`."""

    activation: Activation
    kind = "activation"
    parameters = ()

    def forward(self, z, *, training, rng):
        """Return h and z."""
        h = self.activation.f(z)
        return (h.copy() if h is z else h), z

    def backward(self, dh, z):
        """Return dz = dh ⊙ f'(z)."""
        return (dh * self.activation.df(z),), {}


@dataclass(eq=False)
class BatchNorm:
    """Batch normalization: the batch's statistics in training, the moving ones otherwise, as in Keras.

    `momentum` is the weight of the old value in a moving statistic.
    """

    gamma: np.ndarray
    beta: np.ndarray
    eps: float = CONVENTIONS["keras"].eps
    running: RunningStatistics = None
    momentum: float = CONVENTIONS["keras"].momentum
    kind = "batch_norm"
    parameters = ("gamma", "beta")

    def __post_init__(self):
        if self.running is None:
            self.running = RunningStatistics(np.zeros_like(self.beta), np.ones_like(self.gamma))

    def forward(self, x, *, training, rng):
        """Return the normalized, scaled and shifted x, and the cache of `batch_norm_forward`."""
        if training:
            return batch_norm_forward(x, self.gamma, self.beta, self.eps)
        mean, variance = self.running.mean, self.running.variance
        return normalize(x, mean, variance, self.gamma, self.beta, self.eps), None

    def backward(self, dout, cache):
        """Return dx, and dγ, dβ: through the batch's statistics too, which after inference are constants."""
        if cache is None:
            return (dout * self.gamma / np.sqrt(self.running.variance + dout.dtype.type(self.eps)),), {}
        dx, dgamma, dbeta = batch_norm_backward(dout, cache)
        return (dx,), {"gamma": dgamma, "beta": dbeta}

    def remember(self, cache, count):
        """Move the running statistics toward those of a batch of `count` examples."""
        new = cache.mean, cache.variance, count
        self.running = update_running(self.running, *new, "keras", momentum=self.momentum)


@dataclass(eq=False)
class Dropout:
    """Inverted dropout, or alpha dropout, in training; nothing otherwise."""

    rate: float
    alpha: bool = False
    parameters = ()

    def __post_init__(self):
        regularization.check_rate(self.rate)

    @property
    def kind(self):
        """What a Trace calls this layer."""
        return "alpha_dropout" if self.alpha else "dropout"

    def forward(self, x, *, training, rng):
        """Return x with units dropped, and the mask."""
        if not training:
            return x.copy(), None
        drop = regularization.alpha_dropout_forward if self.alpha else regularization.dropout_forward
        return drop(x, self.rate, rng=rng)

    def backward(self, dout, mask):
        """Return dx: the gradient is blocked where a unit was off."""
        return (dout if mask is None else regularization.dropout_backward(dout, mask),), {}


@dataclass(eq=False)
class Add:
    """The end of a skip: a + b; a alone where the branch was skipped; in testing a + survival · b."""

    survival: float = 1.0
    kind = "add"
    parameters = ()

    def __post_init__(self):
        stochastic.check_survival(self.survival)

    def forward(self, a, b=None, *, training, rng):
        """Return the sum, and the factor on b, or None where there is no b."""
        if b is None:
            return a.copy(), None
        factor = 1.0 if training else self.survival
        return (a + b if factor == 1 else a + b.dtype.type(factor) * b), factor

    def backward(self, dout, factor):
        """Return dout for a, and factor · dout for b."""
        if factor is None:
            return (dout,), {}
        return (dout, dout if factor == 1 else dout.dtype.type(factor) * dout), {}


@dataclass(eq=False)
class Skip:
    """x + F(x), where F is a short list of layers that keep the shape.

    With a `survival` below 1 it has stochastic depth: in training F is left out with the probability
    1 − survival, so that its layers are not called; in testing it is x + survival · F(x).
    """

    layers: list
    survival: float = 1.0
    add: Add = field(init=False)

    def __post_init__(self):
        self.add = Add(self.survival)

    def is_left_out(self, training, rng) -> bool:
        """Draw whether F is left out of this pass; without stochastic depth nothing is drawn."""
        return training and self.survival < 1 and rng.random() >= self.survival


class Backward(NamedTuple):
    """What came back: `arriving[id(array)]` is the gradient of an array that went forward, `parameters` holds
    pairs (layer, {name: gradient})."""

    arriving: dict
    parameters: list

    def of_parameters(self) -> list:
        """Return the gradients of all parameters, which a step uses."""
        return [gradient for _, own in self.parameters for gradient in own.values()]

    def scaled(self, factor) -> "Backward":
        """Return these gradients with those of the parameters multiplied by `factor`."""
        shrink = lambda own: {name: g * g.dtype.type(factor) for name, g in own.items()}  # noqa: E731
        return self._replace(parameters=[(layer, shrink(own)) for layer, own in self.parameters])


class Stack:
    """A network of layers, first to last; the last gives the logits. `rng` draws the masks of dropout.

    It trains with `helpers.network.train`, and `helpers.signals.trace` takes its vital signs.
    """

    def __init__(self, layers, *, rng: np.random.Generator | None = None):
        self.layers, self.rng = list(layers), rng or np.random.default_rng(0)
        if not any(isinstance(layer, Dense) for layer in self.flat()):
            raise ValueError("a stack needs a dense layer or more, got none")

    @property
    def dtype(self):
        """The floating-point type of the weights."""
        return next(layer.W.dtype for layer in self.flat() if isinstance(layer, Dense))

    def flat(self) -> list:
        """Return the layers in the order of their calls, those inside skips included."""
        inner = lambda layer: [*layer.layers, layer.add] if isinstance(layer, Skip) else [layer]  # noqa: E731
        return [part for layer in self.layers for part in inner(layer)]

    def forward(self, x, *, training=False) -> list[Call]:
        """Return the calls of all layers on a batch `x`, first to last; nothing is changed by it."""
        calls = []
        self._run(self.layers, np.asarray(x), training, calls)
        return calls

    def backward(self, calls, dlogits, *, weights=True) -> Backward:
        """Return the gradients of everything, given the loss's gradient with respect to the logits.

        Without `weights`, those of the dense layers' W and b are left out, which spares a third of the work.

        Read from the last call to the first: what arrives at an output goes through the layer to its inputs,
        and where an array was used twice, as by a skip, both contributions add up.
        """
        arriving, parameters = {id(calls[-1].output): dlogits}, []
        for call in reversed(calls):
            dout = arriving[id(call.output)]
            if isinstance(call.layer, Dense) and not weights:
                dinputs, own = (call.layer.to_input(dout, call.cache),), {}
            else:
                dinputs, own = call.layer.backward(dout, call.cache)
            for array, gradient in zip(call.inputs, dinputs, strict=True):
                known = arriving.get(id(array))
                arriving[id(array)] = gradient if known is None else known + gradient
            if own:
                parameters.append((call.layer, own))
        return Backward(arriving, parameters[::-1])

    def logits(self, x) -> np.ndarray:
        """Return the logits of a batch, as in testing."""
        return self.forward(x)[-1].output

    def loss_and_gradients(self, x, y) -> tuple[float, Backward]:
        """Return the mean cross-entropy of a training batch and its gradients; moving statistics move."""
        calls = self.forward(x, training=True)
        loss, dlogits = cross_entropy(calls[-1].output, y)
        for call in calls:
            if call.layer.kind == "batch_norm":
                call.layer.remember(call.cache, len(x))
        return loss, self.backward(calls, dlogits)

    def penalized(self, gradients: Backward, penalty) -> Backward:
        """Return the gradients with `penalty.gradient(W)` added to that of every dense layer's weights."""
        own = lambda layer, d: d | {"W": d["W"] + penalty.gradient(layer.W)} if "W" in d else d  # noqa: E731
        return gradients._replace(parameters=[(layer, own(layer, d)) for layer, d in gradients.parameters])

    def step(self, gradients: Backward, learning_rate) -> None:
        """Take one step of gradient descent in place."""
        for layer, own in gradients.parameters:
            for name, gradient in own.items():
                values = getattr(layer, name)
                values -= values.dtype.type(learning_rate) * gradient

    def accuracy(self, x, y) -> float:
        """Return the share of examples whose largest logit is the right class, as in testing."""
        with np.errstate(all="ignore"):  # a net that diverged has no answer, and is right by chance
            return float(np.mean(self.logits(x).argmax(axis=1) == y))

    def _run(self, layers, x, training, calls):
        for layer in layers:
            if isinstance(layer, Skip):
                out = layer.is_left_out(training, self.rng)
                branch = () if out else (self._run(layer.layers, x, training, calls),)
                x = self._call(layer.add, (x, *branch), training, calls)
            else:
                x = self._call(layer, (x,), training, calls)
        return x

    def _call(self, layer, inputs, training, calls):
        output, cache = layer.forward(*inputs, training=training, rng=self.rng)
        calls.append(Call(layer, inputs, output, cache))
        return output


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
    for own in stochastic.linear_decay(blocks, survival):
        layers.append(Skip([*bent(square), dense(np.zeros(square))], float(own)))
    W = draw((width, classes), rng=rng).astype(dtype)
    return Stack([*layers, Dense(W, np.zeros(classes, dtype))], rng=rng)
