"""How far the gradient gets: the first layer's share of the last layer's gradient, at every depth.

One deep network holds all shallower ones: cut it after layer d, put the output layer there, and a network
of depth d is left. So the ratio ‖dz_1‖ / ‖dz_d‖ of every depth comes out of one pass forward and one back.
"""

import copy
from functools import lru_cache

import numpy as np

from helpers.activations import get_activation
from helpers.meanfield import fixed_point, gaussian_moments, predict, weight_variances
from helpers.network import MLP, cross_entropy
from helpers.signals import SATURATED_SLOPE, largest_slope, norm

_LOG_Q = np.linspace(-46, 46, 461)  # ln q of the saturation table
_XI = np.linspace(-8, 8, 4001)  # a standard normal variable, evenly spaced
_SETTLED = 200  # layers after which the variance is taken as settled; far more than any network here has


def shortened(model: MLP, depth, activation=None) -> MLP:
    """Return the network cut after hidden layer `depth`, with the same output layer; weights are shared.

    The hidden layers must be of one width, so that the output layer fits. `activation` replaces the
    model's own. Raises ValueError for a depth below 1 or above the model's, or for uneven widths.
    """
    if not 1 <= depth <= model.depth:
        raise ValueError(f"depth must lie in 1 … {model.depth}, got {depth}")
    if len(set(model.sizes[1:-1])) != 1:
        raise ValueError(f"the hidden layers must be of one width, got {model.sizes[1:-1]}")
    short = copy.copy(model)
    short.sizes = (*model.sizes[: depth + 1], model.sizes[-1])
    short.weights = [*model.weights[:depth], model.weights[-1]]
    short.biases = [*model.biases[:depth], model.biases[-1]]
    short.activation = model.activation if activation is None else get_activation(activation)
    return short


def gradient_ratios(model: MLP, x, y, depths) -> np.ndarray:
    """Return ‖dz_1‖ / ‖dz_d‖ of the network cut at each depth d of `depths`, measured on one batch.

    `x` has shape (batch, inputs), `y` holds integer labels. The errors of all depths travel back together,
    stacked as (depths under way, batch, width). nan where there is no gradient
    to compare with, and on overflow, without a warning.
    """
    depths = [int(depth) for depth in depths]
    with np.errstate(all="ignore"):
        forward = model.forward(x)
        errors, starts = np.empty((0, *forward.h[1].shape)), {}
        for layer in range(max(depths), 0, -1):
            slope = model.activation.df(forward.z[layer - 1])
            errors = errors @ model.weights[layer].T * slope if len(errors) else errors
            if layer in depths:
                own = _output_error(model, forward.h[layer], y) * slope
                starts[layer], errors = (len(errors), norm(own)), np.concatenate([errors, own[None]])
        ratios = [np.float64(norm(errors[place])) / size for place, size in map(starts.get, depths)]
    return np.array(ratios)


def _output_error(model, h, y):
    """The loss's gradient with respect to h, when the output layer sits on top of h."""
    _, dlogits = cross_entropy(h @ model.weights[-1] + model.biases[-1], y)
    return dlogits @ model.weights[-1].T


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
    """The share of saturated units at each q of `_LOG_Q`."""
    activation = get_activation(activation)
    z = np.exp(_LOG_Q / 2)[:, None] * _XI
    flat = np.abs(activation.df(z)) < SATURATED_SLOPE * largest_slope(activation)
    density = np.exp(-(_XI**2) / 2)
    return flat @ density / density.sum()


def predicted_saturation(activation, q) -> np.ndarray:
    """Return the share of units whose slope is below `SATURATED_SLOPE` of the largest, for z ~ N(0, q).

    It is what `Trace` measures as `share_saturated`; `q` has any shape, the result the same.
    """
    table = _saturation_table(get_activation(activation).name)
    with np.errstate(divide="ignore"):
        return np.interp(np.log(q), _LOG_Q, table)


def order_chaos_map(activation, sigma_w2, sigma_b2) -> np.ndarray:
    """Return χ at the signal's settled variance q*, for every pair of the two axes.

    `sigma_w2` has length n, `sigma_b2` length m, the result shape (m, n). Where the signal grows without
    end, χ is that of a very large q. Below 1 lies order (gradients vanish), above 1 chaos (they explode).
    """
    grid_w, grid_b = np.meshgrid(sigma_w2, sigma_b2)
    activation = get_activation(activation).name
    q = fixed_point(activation, grid_w, grid_b, layers=_SETTLED)
    return grid_w * gaussian_moments(activation)(q).slope_square
