"""Mean-field theory: what signal and gradient do from layer to layer, predicted before any weight is drawn.

In a wide layer with random weights each pre-activation is normal with mean 0 and variance q
(`helpers.numerics.gaussian` has its averages). One step forward maps q to the next layer's
(`variance_map`), one step back multiplies the gradient's mean square by χ (`chi`; Poole et al. 2016,
Schoenholz et al. 2017). The recursion over both is `_recursion`; `predict`, `predicted_flow` and
`predicted_ratios` are its readings. σ_w² is the variance of √fan_in · W, σ_b² the variance of a bias.
"""

from functools import lru_cache
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

import numpy as np

from helpers.numerics.activations import (
    SATURATED_SLOPE,
    SELU_FLOOR,
    get_activation,
    largest_slope,
    normal_cdf,
)
from helpers.numerics.gaussian import (
    expectation,
    gaussian_moments,
    mean_square,
    mean_square_slope,
    normal_levels,
)
from helpers.numerics.initializers import get_initializer
from helpers.numerics.normalization import KERAS_EPS
from helpers.numerics.remembering import once_per_array

SETTLED = 200  # layers after which the variance is taken as settled; far more than any network here has


# One layer, and where many of them lead


def variance_map(activation, q, sigma_w2, sigma_b2=0.0):
    """Return the next layer's pre-activation variance, σ_w² E[f(√q ξ)²] + σ_b²."""
    return sigma_w2 * mean_square(activation, q) + sigma_b2


def chi(activation, q=1.0, sigma_w2=1.0):
    """Return χ = σ_w² E[f'(√q ξ)²], the factor that one layer puts on the gradient's mean square.

    Below 1 the gradient vanishes with depth, above 1 it explodes; χ = 1 is the edge of chaos. SELU at its
    fixed point q = 1, σ_w² = 1 has 1.072: over L layers the gradient's norm grows by the root of its L-th
    power.
    """
    return sigma_w2 * mean_square_slope(activation, q)


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
    The equation left is solved for ln q. Raises ValueError where no such q exists. For GELU, SiLU and
    Mish with a small σ_b² this fixed point repels: from a larger variance the signal grows without bound.
    """
    from scipy.optimize import brentq  # here, since its import takes longer than that of all helpers

    def bias_missing(log_q):
        q = np.exp(log_q)
        return float(q - mean_square(activation, q) / mean_square_slope(activation, q) - sigma_b2)

    grid = np.linspace(-30, 10, 161)
    values = np.array([bias_missing(log_q) for log_q in grid])
    rises = np.flatnonzero((values[:-1] < 0) & (values[1:] >= 0))
    if not rises.size:
        raise ValueError(f"{get_activation(activation).name} has no edge of chaos at sigma_b2 = {sigma_b2}")
    log_q = brentq(bias_missing, *grid[rises[0] : rises[0] + 2])
    return float(1 / mean_square_slope(activation, np.exp(log_q)))


def order_chaos_map(activation, sigma_w2, sigma_b2) -> np.ndarray:
    """Return χ at the signal's settled variance q*, for every pair of the two axes.

    `sigma_w2` has length n, `sigma_b2` length m, the result shape (m, n). Where the signal grows without
    end, χ is that of a very large q. Below 1 lies order (gradients vanish), above 1 chaos (they explode).
    """
    grid_w, grid_b = np.meshgrid(sigma_w2, sigma_b2)
    q = fixed_point(activation, grid_w, grid_b, layers=SETTLED)
    return grid_w * gaussian_moments(activation)(q).slope_square


def moment_map(activation, mean, variance, omega=0.0, tau=1.0):
    """Return (mean, variance) after one layer, from those before it: SELU's map g.

    The inputs are independent with that mean and variance, one unit's weights have the sum ω and the sum
    of squares τ, so that z ~ N(ω mean, τ variance) (Klambauer et al. 2017, equations 3 to 5).
    """
    f = get_activation(activation).f
    z_mean, z_variance = omega * np.asarray(mean, float), tau * np.asarray(variance, float)
    first = expectation(f, z_variance, z_mean)
    # not E[f²] − E[f]²: where the variance is next to nothing, their difference is rounding
    return first, expectation(lambda z: (f(z) - first[..., None]) ** 2, z_variance, z_mean)


# A whole network


class Flow(NamedTuple):
    """What hidden layers hand on and get back, predicted or measured: arrays of length L, first to last.

    `mean` and `std` are those of what a layer hands on, over batch and units, after its activation, its
    dropout and its skip. `grad_z_norm` is the norm of the mean loss's gradient with respect to what
    enters the activation, over batch and units. `output_error` is the squared norm of the gradient with
    respect to each example's logits, shape (batch,). A prediction also has `q`, each example's
    pre-activation variance, shape (L, batch).
    """

    mean: np.ndarray
    std: np.ndarray
    grad_z_norm: np.ndarray
    output_error: np.ndarray
    q: np.ndarray | None = None


def predict(model, x, output_error) -> Flow:
    """Return what theory says of an `MLP` on the batch `x`, from its sizes and variances alone.

    Forward, per example: q = fan_in Var(w) E[h²] + σ_b², begun with the example's own mean square.
    Backward, per example: ‖dz_l‖² = χ_l ‖dz_{l+1}‖² with χ_l = n_l Var(w_{l+1}) E[f'²], begun with
    `output_error`, the squared norm of the loss's gradient with respect to each example's logits, shape
    (batch,). All nan where the initializer's variance is unknown to theory.
    """
    return _flow(_recursion_of(model, x), output_error)


def predicted_flow(design, sizes, x, output_error) -> Flow:
    """Return what theory says of a `Design` with these sizes on the batch `x`, before any weight is drawn.

    As `predict`; dropout and batch normalization before the activation each add a factor: see `_dropped`,
    `_alpha_dropped` and `_normalized`. With skips the gradient is nan, for what comes back through a branch
    depends on the stream that chose its slopes, and the rule above takes the two for independent; with skips
    and normalization, or with normalization after the activation, all is nan.
    """
    variance = get_initializer(design.initializer).variance
    layers = _recursion(
        x,
        design.activation,
        sizes,
        [design.gain**2 * variance(shape) for shape in pairwise(sizes)],
        normalized=design.normalized,
        dropout=design.dropout,
        alpha_dropout=design.alpha_dropout,
        skips=design.skips,
    )
    return _flow(layers, output_error)


def predicted_ratios(model, x) -> np.ndarray:
    """Return ‖dz_1‖ / ‖dz_d‖ of an `MLP` cut at d = 1 … depth: √ of the mean over examples of Π χ_l, l < d.

    All nan where the initializer's variance is unknown to theory.
    """
    with np.errstate(all="ignore"):
        steps = np.log(
            _recursion_of(model, x).chi[:-1]
        )  # logarithms, so that a hundred layers don't overflow
        growth = np.concatenate([np.zeros((1, len(x))), np.cumsum(steps, axis=0)])
        highest = growth.max(axis=1, keepdims=True)
        highest = np.where(np.isfinite(highest), highest, 0)
        return np.exp((np.log(np.exp(growth - highest).mean(axis=1)) + highest[:, 0]) / 2)


def predicted_density(activation, q, low, high, bins) -> np.ndarray:
    """Return the share of a layer's activations in each of `bins` equal bins, as theory has it.

    `q` holds the pre-activation variance of each example; z is then a mixture of normals, taken here at
    evenly spaced quantiles. What lies outside `low` … `high` counts in the end bins, as in a `Histogram`.
    """
    if not np.isfinite(q).all():
        return np.full(bins, np.nan)
    xi = normal_levels()
    scales = np.sqrt(np.quantile(q, (np.arange(len(xi)) + 0.5) / len(xi)))[:, None]
    h = get_activation(activation).f((scales * xi).ravel())
    places = np.clip((h - low) * (bins / (high - low)), 0, bins - 1).astype(np.intp)
    return np.bincount(places, minlength=bins) / len(h)


def predicted_saturation(activation, q) -> np.ndarray:
    """Return the share of units whose slope is below `SATURATED_SLOPE` of the largest, for z ~ N(0, q).

    It is what `Trace` measures as `share_saturated`: the probability Φ(b/√q) − Φ(a/√q) of each stretch a … b
    of z where the activation is that flat. `q` has any shape, the result the same.
    """
    edges, flat = _flat_stretches(get_activation(activation))
    std = np.clip(np.sqrt(q), 1e-10, 1e300)[..., None]  # 0 and inf as what they are the limit of
    return np.diff(normal_cdf(edges / std), axis=-1) @ flat


@lru_cache(maxsize=32)
def _flat_stretches(activation):
    """The borders from −∞ to ∞ between which an activation is saturated or is not, and whether it is."""
    from scipy.optimize import brentq

    limit = SATURATED_SLOPE * largest_slope(activation)

    def above(z):
        return abs(float(activation.df(z))) - limit

    grid = np.linspace(-20, 20, 4001)
    steep = np.abs(activation.df(grid)) >= limit
    changes = np.flatnonzero(steep[1:] != steep[:-1])
    edges = [brentq(above, grid[k], grid[k + 1], xtol=1e-15) for k in changes]
    return np.array([-np.inf, *edges, np.inf]), ~steep[[0, *(changes + 1)]]


def weight_variances(model) -> list[float]:
    """Return the variance of each layer's weights in theory, gain² · the initializer's, or as measured.

    A plain function as initializer tells no theory, so the drawn weights' own mean square is used.
    """
    variance = getattr(model.initializer, "variance", None)
    if variance is None:
        return [float(np.mean(np.square(W))) for W in model.weights]
    return [model.gain**2 * variance(W.shape) for W in model.weights]


# The recursion that all predictions of a network are read from


class _Layers(NamedTuple):
    """For each hidden layer and example, shape (L, batch): q, E[h] and E[h²] of what is handed on, and χ."""

    q: np.ndarray
    first: np.ndarray
    second: np.ndarray
    chi: np.ndarray


class _State(NamedTuple):
    """What is handed on: E[h] and E[h²] over the units, per example."""

    first: np.ndarray
    second: np.ndarray


@once_per_array
def _moments_of_examples(x):
    """Mean and mean square of each example."""
    return x.mean(axis=1, dtype=np.float64), np.square(x, dtype=np.float64).mean(axis=1)


def _recursion_of(model, x):
    variances = weight_variances(model)
    return _recursion(x, model.activation, model.sizes, variances, bias_variance=model.bias_std**2)


def _recursion(
    x,
    activation,
    sizes,
    variances,
    *,
    bias_variance=0.0,
    normalized=None,
    dropout=0.0,
    alpha_dropout=0.0,
    skips=False,
) -> _Layers:
    """Forward through the hidden layers, from each example's own mean square; χ holds all of the way back.

    `variances` are those of the weights of each layer, the output layer's last.
    """
    x = np.asarray(x)
    if normalized == "after" or (normalized and skips):
        return _Layers(*np.full((4, len(sizes) - 2, len(x)), np.nan))
    moments, state, rows = gaussian_moments(activation), _State(*_moments_of_examples(x)), []
    over_batch = x.var(axis=0, dtype=np.float64).mean() if normalized else None
    to_input = []  # the factor from ‖dz‖² of a layer to the gradient's of what it was given
    with np.errstate(all="ignore"):
        for (fan_in, fan_out), variance in zip(pairwise(sizes[:-1]), variances[:-1], strict=True):
            q, shrink = fan_in * variance * state.second + bias_variance, 1.0
            if normalized:
                q, shrink = _normalized(fan_in * variance * over_batch, q)
            *new, slope = moments(q)
            new, through = _dropped(_State(*new), dropout)
            slope = slope * through
            if alpha_dropout:
                new, through = _alpha_dropped(new, alpha_dropout)
                slope = slope * through
            if skips and fan_in == fan_out:
                new, slope = _skipped(state, new), np.full_like(slope, np.nan)
            state = new
            over_batch = np.mean(state.second) - np.mean(state.first) ** 2 if normalized else None
            rows.append((q, *state, slope))
            to_input.append(fan_in * variance * shrink)
        q, first, second, slope = np.array(rows).reshape(-1, 4, len(x)).swapaxes(0, 1)
        to_input = np.array([*to_input[1:], sizes[-2] * variances[-1]])
        return _Layers(q, first, second, to_input[:, None] * slope)


def _flow(layers, output_error) -> Flow:
    """The examples put together over the batch; backward, ‖dz_l‖² = χ_l ‖dz_{l+1}‖² for each of them."""
    with np.errstate(all="ignore"):
        steps = np.concatenate([layers.chi, np.asarray(output_error, float)[None]])
        squares = np.cumprod(steps[::-1], axis=0)[:0:-1]
        mean, second = layers.first.mean(axis=1), layers.second.mean(axis=1)
        std = np.sqrt(np.maximum(second - mean**2, 0))
        return Flow(mean, std, np.sqrt(squares.sum(axis=1)), output_error, layers.q)


def _normalized(over_batch, q):
    """Batch normalization makes the variance over the batch 1, and divides the gradient by √(v + ε)."""
    return np.full_like(q, over_batch / (over_batch + KERAS_EPS)), 1 / (over_batch + KERAS_EPS)


def _dropped(state, rate):
    """Inverted dropout keeps E[h]; E[h²] and the square of the gradient grow by 1 / (1 − rate)."""
    factor = 1 / (1 - rate)
    return _State(state.first, factor * state.second), factor


def _alpha_dropped(state, rate):
    """Alpha dropout keeps mean 0 and variance 1; the square of the gradient shrinks by 1 / (1 + rate s²)."""
    shrink = 1 / (1 + rate * SELU_FLOOR**2)
    a = sqrt(shrink / (1 - rate))
    b = -a * rate * SELU_FLOOR
    first = (1 - rate) * state.first + rate * SELU_FLOOR
    second = (1 - rate) * state.second + rate * SELU_FLOOR**2
    return _State(a * first + b, a**2 * second + 2 * a * b * first + b**2), shrink


def _skipped(state, new):
    """h + F(h): fresh weights make the two uncorrelated, but for their means."""
    second = state.second + new.second + 2 * state.first * new.first
    return _State(state.first + new.first, second)
