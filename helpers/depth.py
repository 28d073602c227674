"""A hundred layers in NumPy: what signal and gradient do in a deep stack, measured beside predicted.

A `Design` says how a deep dense network is made; `flow` measures one on a batch, and `predicted_flow` says
beforehand what will be measured, from variances alone. It extends `helpers.meanfield` by batch
normalization, both kinds of dropout, and skips.
"""

from dataclasses import asdict, dataclass
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

import numpy as np

from helpers.activations import get_activation
from helpers.initializers import get_initializer
from helpers.meanfield import expectation, gaussian_moments
from helpers.network import clip_by_norm, cross_entropy
from helpers.normalization import KERAS_EPS
from helpers.recording import BINS, REACH, Recording
from helpers.regularization import SELU_FLOOR
from helpers.signals import histogram, mean_and_std, norm
from helpers.stack import Backward, Stack, dense_stack


@dataclass(frozen=True)
class Design:
    """How a deep dense network is made; the options are those of `helpers.stack.dense_stack`."""

    activation: str = "selu"
    initializer: str = "lecun_normal"
    normalized: str | None = None
    dropout: float = 0.0
    alpha_dropout: float = 0.0
    skips: bool = False

    def stack(self, sizes, *, rng: np.random.Generator, dtype=np.float64, weights=None) -> Stack:
        """Return a network of these sizes; `weights`, where given, are taken as they are, uncopied."""
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


class Flow(NamedTuple):
    """What hidden layers hand on and get back: arrays of length L, first to last.

    `mean` and `std` are those of what a layer hands on, over batch and units, after its activation, its
    dropout and its skip. `gradient` is the norm of the mean loss's gradient with respect to what enters the
    activation, over batch and units. `output_error` is the squared norm of the gradient with respect to each
    example's logits, shape (batch,).
    """

    mean: np.ndarray
    std: np.ndarray
    gradient: np.ndarray
    output_error: np.ndarray


def flow(stack: Stack, x, y) -> Flow:
    """Return the `Flow` of one training batch through a stack; no gradient of a weight is computed.

    Overflow turns up as inf or nan in the numbers. The stack is left as it was, its random numbers too.
    """
    state = stack.rng.bit_generator.state
    with np.errstate(all="ignore"):
        calls = stack.forward(np.asarray(x, stack.dtype), training=True)
        stack.rng.bit_generator.state = state
        _, dlogits = cross_entropy(calls[-1].output, y)
        arriving = stack.backward(calls, dlogits, weights=False).arriving
        handed_on = [mean_and_std(h) for h in _handed_on(calls)]
        bends = [call for call in calls if call.layer.kind == "activation"]
        gradient = [norm(arriving[id(call.inputs[0])]) for call in bends]
        error = np.square(dlogits, dtype=np.float64).sum(axis=1)
    return Flow(*np.array(handed_on).T, np.array(gradient), error)


def growth_per_layer(activation, q=1.0, sigma_w2=1.0) -> float:
    """Return σ_w² E[f'(√q ξ)²]: what one layer puts on the mean square of the gradient; SELU: 1.072.

    Over L layers the gradient's standard deviation grows by the root of its L-th power.
    """
    df = get_activation(activation).df
    return float(sigma_w2 * expectation(lambda z: df(z) ** 2, q))


def predicted_flow(design: Design, sizes, x, output_error) -> Flow:
    """Return what theory says of a `Design` with these sizes on the batch `x`, before any weight is drawn.

    Forward, per example: Var(z) = fan_in Var(w) E[h²], from the example's own mean square. Backward:
    ‖dz_l‖² = n_l Var(w_{l+1}) E[f'²] ‖dz_{l+1}‖², begun with `output_error`. Dropout and batch normalization
    each add a factor: see `_dropped`, `_alpha_dropped` and `_normalized`. With skips the gradient is nan, for
    what comes back through a branch depends on the stream that chose its slopes, and the rule above takes the
    two for independent; with skips and normalization all is nan.
    """
    if design.skips and design.normalized:
        return Flow(*np.full((3, len(sizes) - 2), np.nan), output_error)
    variance = get_initializer(design.initializer).variance
    moments, state, layers = gaussian_moments(design.activation), _entering(x), []
    with np.errstate(all="ignore"):
        for shape in pairwise(sizes[:-1]):
            state, layer = _one_layer(design, moments, state, shape, variance(shape))
            layers.append(layer)
        last = sizes[-2] * variance(sizes[-2:])
        gradient = _gradients(layers, last * np.asarray(output_error, float))
        mean = np.array([layer.state.first.mean() for layer in layers])
        second = np.array([layer.state.second.mean() for layer in layers])
        return Flow(mean, np.sqrt(np.maximum(second - mean**2, 0)), gradient, output_error)


class _State(NamedTuple):
    """What is handed on: per example E[h] and E[h²] over the units; per unit Var(h) over the batch."""

    first: np.ndarray
    second: np.ndarray
    over_batch: float


class _Layer(NamedTuple):
    """What one layer did: its state, and its factors on the way back: through the bend, and to its input."""

    state: _State
    through: np.ndarray
    back: float


def _entering(x):
    x = np.asarray(x, np.float64)
    return _State(x.mean(axis=1), np.mean(x * x, axis=1), x.var(axis=0).mean())


def _one_layer(design, moments, state, shape, variance):
    fan_in, fan_out = shape
    q, shrink = fan_in * variance * state.second, 1.0
    if design.normalized == "before":
        q, shrink = _normalized(fan_in * variance * state.over_batch, q)
    first, second, slope = moments(q)
    new = _State(first, second, float(np.mean(second) - np.mean(first) ** 2))
    new, kept = _dropped(new, design.dropout)
    new, kept_alpha = _alpha_dropped(new, design.alpha_dropout)
    if design.skips and fan_in == fan_out:
        slope, new = np.full_like(slope, np.nan), _skipped(state, new)
    return new, _Layer(new, kept * kept_alpha * slope, fan_in * variance * shrink)


def _normalized(over_batch, q):
    """Batch normalization makes the variance over the batch 1, and divides the gradient by √(v + ε)."""
    return np.full_like(q, over_batch / (over_batch + KERAS_EPS)), 1 / (over_batch + KERAS_EPS)


def _dropped(state, rate):
    """Inverted dropout keeps E[h]; E[h²] and the square of the gradient grow by 1 / (1 − rate)."""
    factor = 1 / (1 - rate)
    return _after(state, state.first, factor * state.second), factor


def _alpha_dropped(state, rate):
    """Alpha dropout keeps mean 0 and variance 1; the square of the gradient shrinks by 1 / (1 + rate s²)."""
    shrink = 1 / (1 + rate * SELU_FLOOR**2)
    a = sqrt(shrink / (1 - rate))
    b = -a * rate * SELU_FLOOR
    first = (1 - rate) * state.first + rate * SELU_FLOOR
    second = (1 - rate) * state.second + rate * SELU_FLOOR**2
    return _after(state, a * first + b, a**2 * second + 2 * a * b * first + b**2), shrink


def _after(state, first, second):
    """The state after dropout: what is added to the spread is added over the batch too."""
    return _State(first, second, float(np.mean(second) - np.mean(first) ** 2))


def _skipped(state, new):
    """h + F(h): fresh weights make the two uncorrelated, but for their means."""
    second = state.second + new.second + 2 * state.first * new.first
    return _State(state.first + new.first, second, np.nan)


def _gradients(layers, arriving):
    """Norms of dz, first layer to last: the error goes back through each bend, then through the weights."""
    norms = []
    for layer in reversed(layers):
        dz = layer.through * arriving
        norms.append(sqrt(dz.sum()))
        arriving = layer.back * dz
    return np.array(norms[::-1])


def _handed_on(calls):
    """What each dense layer but the first was given: the hidden layers' last word."""
    return [call.inputs[0] for call in calls if call.layer.kind == "dense"][1:]


def recorded_training(
    stack: Stack, x, y, *, learning_rate, steps, batch_size=64, clip=clip_by_norm, limit=1.0, every=10, rng
) -> Recording:
    """Train a stack by gradient descent, in place, and return the `Recording` of every `every`-th step.

    `clip(gradients, limit)` is `clip_by_norm`, for all parameters together, or `clip_each`. A record tells of
    one step: loss and gradient norms of its mini-batch, the update's norm divided by that of the weights, and
    histograms on the first `batch_size` images. The last step has one too. Raises ValueError for `every` or
    `steps` below 1.
    """
    if every < 1 or steps < 1:
        raise ValueError(f"every and steps must be at least 1, got {every} and {steps}")
    records, dense = [], [layer for layer in stack.flat() if layer.kind == "dense"]
    for step in range(steps):
        rows = rng.choice(len(x), batch_size, replace=False)
        loss, gradients = stack.loss_and_gradients(x[rows], y[rows])
        clipped = clip(gradients, limit)
        if step % every == 0 or step == steps - 1:
            weights = np.array([norm(layer.W) for layer in dense])
            ratios = learning_rate * _norms(clipped) / weights
            records.append((step, loss, _norms(gradients), ratios, _histograms(stack, x[:batch_size])))
        stack.step(clipped, learning_rate)
    columns = [np.array(column) for column in zip(*records, strict=True)]
    return Recording(tuple(f"layer {i + 1}" for i in range(len(dense))), steps - 1, *columns)


def clip_each(gradients: Backward, limit) -> Backward:
    """Return the gradients, each array shrunk by itself to a norm of at most `limit`: Keras's `clipnorm`.

    Unlike a joint norm it lets no layer take the others' share. Raises ValueError for a limit not positive.
    """
    if not limit > 0:
        raise ValueError(f"limit must be positive, got {limit}")
    shrink = lambda g: g * g.dtype.type(min(1.0, limit / max(norm(g), 1e-300)))  # noqa: E731
    parameters = [(layer, {k: shrink(g) for k, g in own.items()}) for layer, own in gradients.parameters]
    return gradients._replace(parameters=parameters)


def _norms(gradients):
    """The norm of each dense layer's dW."""
    return np.array([norm(own["W"]) for layer, own in gradients.parameters if layer.kind == "dense"])


def _histograms(stack, x):
    """Counts of abs(activation) per dense layer, (layers, BINS); the last layer's are those of the logits."""
    calls = stack.forward(x, training=True)
    signals = [np.abs(h) for h in (*_handed_on(calls), calls[-1].output)]
    return np.array([histogram(h, 0, REACH, BINS).counts for h in signals])
