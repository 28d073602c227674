"""How far the gradient gets: per layer of a deep stack, and from the last layer to the first at every depth.

One deep network holds all shallower ones: cut it after layer d, put the output layer there, and a network
of depth d is left. So the ratio ‖dz_1‖ / ‖dz_d‖ of every depth comes out of one pass forward and one back.
"""

import copy

import numpy as np

from helpers.networks.mlp import MLP, cross_entropy
from helpers.networks.stack import Stack
from helpers.numerics.activations import get_activation
from helpers.numerics.theory import Flow
from helpers.signals.blocks import signal_of
from helpers.signals.measures import mean_and_std, norm
from helpers.signals.numpy_passage import stack_passage


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


def flow(stack: Stack, x, y) -> Flow:
    """Return the `Flow` of one training batch through a stack; no gradient of a weight is computed.

    Overflow turns up as inf or nan in the numbers. The stack is left as it was, its random numbers too.
    """
    with np.errstate(all="ignore"):
        *hidden, last = stack_passage(stack, x, y, weights=False).blocks
        mean, std = np.array([mean_and_std(block[-1].output) for block in hidden]).T
        grad_z_norm = np.array([norm(signal_of(block)[0].gradient) for block in hidden])
        output_error = np.square(last[-1].gradient, dtype=np.float64).sum(axis=1)
    return Flow(mean, std, grad_z_norm, output_error)
