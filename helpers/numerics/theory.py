"""Mean-field theory: what signal and gradient do from layer to layer, predicted before any weight is drawn.

In a wide layer with random weights each pre-activation is a sum of many independent terms, so it is
normal with mean 0 and variance q. Everything follows from three Gaussian averages of the activation:
E[f], E[f²] and E[f'²] at z = √q ξ with ξ ~ N(0, 1) (Poole et al. 2016; Schoenholz et al. 2017).
σ_w² is the variance of √fan_in · W, σ_b² the variance of a bias.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from helpers.networks.mlp import MLP
from helpers.numerics.activations import SATURATED_SLOPE, get_activation, largest_slope
from helpers.numerics.dropout import SELU_FLOOR
from helpers.numerics.initializers import get_initializer
from helpers.numerics.normalization import KERAS_EPS

_TAIL = 12.0  # beyond 12 standard deviations a normal variable has a probability of 1e-33
_LOG_Q, _LOG_Q_STEP = np.linspace(-46, 30, 1521, retstep=True)  # ln q of the tables: q from 1e-20 to 1e13
_Q_LEVELS = (np.arange(20) + 0.5) / 20
# a normal variable at 400 even levels for each of the 20 above, each a little on, so that none fall together
_XI_LEVELS = (np.arange(400) + _Q_LEVELS[:, None]) / 400
_XI = np.vectorize(NormalDist().inv_cdf)(_XI_LEVELS)


def _half_line():
    """Nodes and weights on (0, ∞) by the exp-sinh rule t = exp(π/2 sinh s): dense near 0, where kinks are."""
    s, step = np.linspace(-3.9, 1.65, 220, retstep=True)
    t = np.exp(np.pi / 2 * np.sinh(s))
    return t, step * np.pi / 2 * np.cosh(s) * t


_T, _DT = _half_line()


def expectation(g, variance, mean=0.0) -> np.ndarray:
    """Return E[g(z)] for z ~ N(mean, variance), to about 1e-12 for a `g` that is smooth but for a kink at 0.

    `variance` and `mean` broadcast; the result has their shape. Raises ValueError for a negative variance.
    """
    variance, mean = np.broadcast_arrays(np.asarray(variance, float), np.asarray(mean, float))
    if (variance < 0).any():
        raise ValueError(f"a variance can't be negative, got {variance.min()}")
    std, mean = np.sqrt(variance)[..., None], mean[..., None]
    kink = np.clip(-mean / np.maximum(std, 1e-300), -_TAIL / 2, _TAIL / 2)  # where z crosses 0
    xi = np.concatenate([kink - _T[::-1], kink + _T], axis=-1)
    weight = np.concatenate([_DT[::-1], _DT]) * np.exp(-(xi**2) / 2) / np.sqrt(2 * np.pi)
    return np.sum(weight * g(mean + std * np.clip(xi, -40, 40)), axis=-1)


def variance_map(activation, q, sigma_w2, sigma_b2=0.0):
    """Return the next layer's pre-activation variance, σ_w² E[f(√q ξ)²] + σ_b²."""
    f = get_activation(activation).f
    return sigma_w2 * expectation(lambda z: f(z) ** 2, q) + sigma_b2


def chi(activation, q, sigma_w2):
    """Return χ = σ_w² E[f'(√q ξ)²], the factor that one layer puts on the gradient's mean square.

    Below 1 the gradient vanishes with depth, above 1 it explodes; χ = 1 is the edge of chaos.
    """
    df = get_activation(activation).df
    return sigma_w2 * expectation(lambda z: df(z) ** 2, q)


def depth_scale(chi_value):
    """Return 1 / |ln χ|: the number of layers over which the gradient changes by a factor e; inf at χ = 1."""
    with np.errstate(divide="ignore"):
        return 1 / np.abs(np.log(chi_value))


def fixed_point(activation, sigma_w2, sigma_b2=0.0, *, start=1.0, layers=2000):
    """Return the variance q* that the variance map settles at, started at `start`, or reaches after `layers`.

    `sigma_w2` and `sigma_b2` broadcast. Where the variance passes 1e30 by then the result is inf.
    """
    sigma_w2, sigma_b2 = np.broadcast_arrays(np.asarray(sigma_w2, float), np.asarray(sigma_b2, float))
    moments = gaussian_moments(activation)
    q = np.full(sigma_w2.shape, float(start))
    for _ in range(layers):
        q, before = np.minimum(sigma_w2 * moments(q).second + sigma_b2, 1e40), q
        if np.allclose(q, before, rtol=1e-12, atol=0):
            break
    return np.where(q > 1e30, np.inf, q)[()]


def critical_sigma_w2(activation, sigma_b2) -> float:
    """Return the σ_w² on the edge of chaos: the one for which χ = 1 at a fixed point of the variance map.

    Along the edge both conditions fix σ_w² once q is chosen: σ_w² = 1 / E[f'²] and q = σ_w² E[f²] + σ_b².
    The equation left for q is solved by bisection. Raises ValueError where no such q exists. For GELU, SiLU
    and Mish with a small σ_b² this fixed point repels: from a larger variance the signal grows without bound.
    """
    square, slope_square = _squares(activation)

    def bias_needed(log_q):
        q = np.exp(log_q)
        return q - expectation(square, q) / expectation(slope_square, q) - sigma_b2

    low, high = _bracket(bias_needed, activation, sigma_b2)
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if bias_needed(middle) < 0 else (low, middle)
    return float(1 / expectation(slope_square, np.exp(high)))


def _squares(activation):
    activation = get_activation(activation)
    return (lambda z: activation.f(z) ** 2), (lambda z: activation.df(z) ** 2)


def _bracket(bias_needed, activation, sigma_b2):
    """Two neighbouring ln q between which the bias variance on the edge passes through the wanted one."""
    grid = np.linspace(-30, 10, 161)
    values = np.array([bias_needed(log_q) for log_q in grid])
    rises = np.flatnonzero((values[:-1] < 0) & (values[1:] >= 0))
    if not rises.size:
        name = get_activation(activation).name
        raise ValueError(f"{name} has no edge of chaos at sigma_b2 = {sigma_b2}")
    return grid[rises[0]], grid[rises[0] + 1]


def moment_map(activation, mean, variance, omega=0.0, tau=1.0):
    """Return (mean, variance) after one layer, from those before it: SELU's map g.

    The inputs are independent with that mean and variance, one unit's weights have the sum ω and the sum
    of squares τ, so that z ~ N(ω mean, τ variance) (Klambauer et al. 2017, equations 3 to 5).
    """
    f = get_activation(activation).f
    z_mean, z_variance = omega * np.asarray(mean, float), tau * np.asarray(variance, float)
    first = expectation(f, z_variance, z_mean)
    centred_square = expectation(lambda z: f(z) ** 2, z_variance, z_mean) - first**2
    return first, centred_square


class Moments(NamedTuple):
    """E[f], E[f²] and E[f'²] at pre-activation variance q."""

    first: np.ndarray
    second: np.ndarray
    slope_square: np.ndarray


@lru_cache(maxsize=32)
def gaussian_moments(activation):
    """Return a function q → `Moments`, interpolated from a table made once: quick enough for a live figure.

    The relative error of E[f²], E[f'²] and of the standard deviation √(E[f²] − E[f]²) is below 2e-4; use
    `expectation` where more digits count. A q of 0 or inf is allowed.
    """
    q = np.exp(_LOG_Q)
    second, slope = (expectation(square, q) for square in _squares(activation))
    # E[f] in units of the root mean square, so that the small spread of a sigmoid about 1/2 keeps its digits
    share = expectation(get_activation(activation).f, q) / np.sqrt(second)
    look_up_second, look_up_slope = _power_law_table(second), _power_law_table(slope)

    def moments(q):
        with np.errstate(divide="ignore", over="ignore"):
            log_q = np.clip(np.log(q), -1000, 1000)
            square = look_up_second(log_q)
            return Moments(np.interp(log_q, _LOG_Q, share) * np.sqrt(square), square, look_up_slope(log_q))

    return moments


def _power_law_table(values):
    """A function ln q → value, straight lines between the logarithms, continued at both ends of the table:
    for very small and very large q each moment is a power of q."""
    logs = np.log(values)
    first_slope, *_, last_slope = np.diff(logs) / _LOG_Q_STEP

    def look_up(log_q):
        below, above = np.minimum(log_q - _LOG_Q[0], 0), np.maximum(log_q - _LOG_Q[-1], 0)
        return np.exp(np.interp(log_q, _LOG_Q, logs) + first_slope * below + last_slope * above)

    return look_up


@dataclass(frozen=True)
class Prediction:
    """What theory says of each hidden layer: arrays of length L, and `q` of shape (L, examples).

    `mean` and `std` are those of h over the batch and the units; `grad_z_norm` is the norm of the
    gradient with respect to the pre-activations, over the batch and the units.
    """

    q: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    grad_z_norm: np.ndarray


def predict(model, x, output_error) -> Prediction:
    """Return what theory says of an `MLP` on the batch `x`, from its sizes and variances alone.

    Forward, per example: q = fan_in Var(w) E[h²] + σ_b², begun with the example's own mean square.
    Backward, per example: ‖dz_l‖² = n_l Var(w_{l+1}) E[f'²] ‖dz_{l+1}‖², begun with `output_error`, the
    squared norm of the loss's gradient with respect to each example's logits, shape (batch,).
    All nan where the initializer's variance is unknown to theory.
    """
    variances = weight_variances(model)
    moments = gaussian_moments(model.activation)
    square, layers = np.mean(np.square(x, dtype=np.float64), axis=1), []
    with np.errstate(all="ignore"):
        for fan_in, variance in zip(model.sizes[:-2], variances[:-1], strict=True):
            q = fan_in * variance * square + model.bias_std**2
            layers.append((q, moments(q)))
            square = layers[-1][1].second
        return _pooled(layers, model.sizes[1:-1], variances[1:], output_error)


def predicted_density(activation, q, low, high, bins) -> np.ndarray:
    """Return the share of a layer's activations in each of `bins` equal bins, as theory has it.

    `q` holds the pre-activation variance of each example; z is then a mixture of normals, taken here at
    evenly spaced quantiles. What lies outside `low` … `high` counts in the end bins, as in a `Histogram`.
    """
    if not np.isfinite(q).all():
        return np.full(bins, np.nan)
    scales = np.sqrt(np.quantile(q, _Q_LEVELS))[:, None]
    h = get_activation(activation).f((scales * _XI).ravel())
    places = np.clip((h - low) * (bins / (high - low)), 0, bins - 1).astype(np.intp)
    return np.bincount(places, minlength=bins) / len(h)


def weight_variances(model) -> list[float]:
    """Return the variance of each layer's weights in theory, gain² · the initializer's, or as measured.

    A plain function as initializer tells no theory, so the drawn weights' own mean square is used.
    """
    theory = getattr(model.initializer, "variance", None)
    if theory is None:
        return [float(np.mean(np.square(W))) for W in model.weights]
    return [model.gain**2 * theory(W.shape) for W in model.weights]


def _pooled(layers, widths, next_variances, output_error):
    """The per-example predictions put together over the batch, backwards for the gradient."""
    error, norms = np.asarray(output_error, float), []
    for (_, moments), width, variance in reversed(list(zip(layers, widths, next_variances, strict=True))):
        error = width * variance * moments.slope_square * error
        norms.append(np.sqrt(error.sum()))
    mean = np.array([moments.first.mean() for _, moments in layers])
    second = np.array([moments.second.mean() for _, moments in layers])
    std = np.sqrt(np.maximum(second - mean**2, 0))
    return Prediction(np.array([q for q, _ in layers]), mean, std, np.array(norms[::-1]))


_SATURATION_LOG_Q = np.linspace(-46, 46, 461)  # ln q of the saturation table
_SATURATION_XI = np.linspace(-8, 8, 4001)  # a standard normal variable, evenly spaced
_SETTLED = 200  # layers after which the variance is taken as settled; far more than any network here has


def predicted_ratios(model: MLP, x) -> np.ndarray:
    """Return ‖dz_1‖ / ‖dz_d‖ for d = 1 … depth as theory has it: √ of the mean over examples of Π χ_l.

    χ_l = n_l Var(w_{l+1}) E[f'(√q_l ξ)²] for l = 1 … d − 1. The logarithms are added, so that a hundred
    layers don't overflow. All nan where the initializer's variance is unknown to theory.
    """
    q = predict(model, x, np.ones(len(x))).q
    with np.errstate(all="ignore"):
        variances = np.array(weight_variances(model)[1:-1]) * model.sizes[1:-2]
        slopes = gaussian_moments(model.activation)(q[:-1]).slope_square
        steps = np.log(variances[:, None] * slopes)
        total = np.concatenate([np.zeros((1, q.shape[1])), np.cumsum(steps, axis=0)])
        highest = total.max(axis=1, keepdims=True)
        finite = np.where(np.isfinite(highest), highest, 0)
        return np.exp((np.log(np.exp(total - finite).mean(axis=1)) + finite[:, 0]) / 2)


@lru_cache(maxsize=32)
def _saturation_table(activation):
    """The share of saturated units at each q of `_SATURATION_LOG_Q`."""
    activation = get_activation(activation)
    z = np.exp(_SATURATION_LOG_Q / 2)[:, None] * _SATURATION_XI
    flat = np.abs(activation.df(z)) < SATURATED_SLOPE * largest_slope(activation)
    density = np.exp(-(_SATURATION_XI**2) / 2)
    return flat @ density / density.sum()


def predicted_saturation(activation, q) -> np.ndarray:
    """Return the share of units whose slope is below `SATURATED_SLOPE` of the largest, for z ~ N(0, q).

    It is what `Trace` measures as `share_saturated`; `q` has any shape, the result the same.
    """
    table = _saturation_table(get_activation(activation).name)
    with np.errstate(divide="ignore"):
        return np.interp(np.log(q), _SATURATION_LOG_Q, table)


def order_chaos_map(activation, sigma_w2, sigma_b2) -> np.ndarray:
    """Return χ at the signal's settled variance q*, for every pair of the two axes.

    `sigma_w2` has length n, `sigma_b2` length m, the result shape (m, n). Where the signal grows without
    end, χ is that of a very large q. Below 1 lies order (gradients vanish), above 1 chaos (they explode).
    """
    grid_w, grid_b = np.meshgrid(sigma_w2, sigma_b2)
    activation = get_activation(activation).name
    q = fixed_point(activation, grid_w, grid_b, layers=_SETTLED)
    return grid_w * gaussian_moments(activation)(q).slope_square


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


def growth_per_layer(activation, q=1.0, sigma_w2=1.0) -> float:
    """Return σ_w² E[f'(√q ξ)²]: what one layer puts on the mean square of the gradient; SELU: 1.072.

    Over L layers the gradient's standard deviation grows by the root of its L-th power.
    """
    df = get_activation(activation).df
    return float(sigma_w2 * expectation(lambda z: df(z) ** 2, q))


def predicted_flow(design, sizes, x, output_error) -> Flow:
    """Return what theory says of a `Design` with these sizes on the batch `x`, before any weight is drawn.

    Forward, per example: Var(z) = fan_in Var(w) E[h²], from the example's own mean square. Backward:
    ‖dz_l‖² = n_l Var(w_{l+1}) E[f'²] ‖dz_{l+1}‖², begun with `output_error`. Dropout and batch normalization
    each add a factor: see `_dropped`, `_alpha_dropped` and `_normalized`. With skips the gradient is nan, for
    what comes back through a branch depends on the stream that chose its slopes, and the rule above takes the
    two for independent; with skips and normalization all is nan.
    """
    if design.skips and design.normalized:
        return Flow(*np.full((3, len(sizes) - 2), np.nan), output_error)
    drawn = get_initializer(design.initializer).variance
    moments, state, layers = gaussian_moments(design.activation), _entering(x), []

    def variance(shape):
        return design.gain**2 * drawn(shape)

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
