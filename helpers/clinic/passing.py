"""What happens to signal and gradient on their way through the layers: vanishing, exploding, not finite."""

from itertools import pairwise
from math import log, pi

import numpy as np

from helpers.clinic.findings import Evidence, finding

# How far ln of a norm may move over the whole depth, beyond what chance allows (below). Healthy networks, as
# in helpers.clinic.units, move by at most 0.7. Severe: norms that differ a hundredfold, mean squares ten
# thousandfold, which is 9 depth scales 1/|ln χ|; beyond 6 a network can hardly be trained (Schoenholz et al.
# 2017).
MILD, SEVERE = 1.25, 4.5
SCALES = 3.0  # 6 depth scales: a mean square changes by e⁶, a norm by e³
# Chance spreads ln‖h‖² by about 5 · depth / width (lesson 02), so ln‖h‖ by a quarter of that:
# three standard deviations of it are no illness.
SPREAD, DEVIATIONS = 5 / 4, 3.0
# A batch normalization before a ReLU makes the gradient grow by about √(π / (π − 1)) = 1.21 per layer
# whatever the weights; we measure no more up to 60 layers. Without skips that ends what can be trained at
# large depths, but after one step the gradients already differ far less (Yang et al. 2019): told as mild,
# however deep.
GROWTH_OF_NORM = 0.5 * log(pi / (pi - 1))


def examine_passing(trace) -> list:
    """Return the findings about numbers that overflow, and about signal and gradient over depth."""
    found = not_finite(trace)
    layers = [layer for layer in trace.hidden if layer.kind != "embedding"]
    if not layers or not np.isfinite([trace.input_mean, trace.input_std]).all():
        return found
    with np.errstate(all="ignore"):
        found += signals(trace, layers)
        return found + gradients(trace, layers) if np.isfinite(trace.loss) else found


def not_finite(trace) -> list:
    """Return the finding of inputs, weights, activations, gradients or a loss that are inf or nan, if any.

    Where numbers go wrong on their way forward, every gradient is nan too and says nothing more.
    """
    forward = {"norm of W": "W_norm", "std of z": "z_std", "std of h": "std"}
    evidence = _not_finite_of(trace.layers, forward) or _not_finite_of(
        trace.layers, {"norm of dz": "grad_z_norm"}
    )
    if not np.isfinite([trace.input_mean, trace.input_std]).all():
        evidence.insert(0, Evidence("mean of the inputs", trace.input_mean, 0.0))
    if not np.isfinite(trace.loss):
        evidence.append(Evidence("loss", trace.loss, 0.0))
    return [finding("non_finite_values", True, evidence)] if evidence else []


def _not_finite_of(layers, quantities):
    """The first of these quantities that is not finite, of every layer where there is one."""
    pairs = [
        (layer, name)
        for layer in layers
        for name, field in quantities.items()
        if not np.isfinite(getattr(layer, field))
    ]
    first = {layer.name: (layer, name) for layer, name in reversed(pairs)}
    return [
        Evidence(name, getattr(layer, quantities[name]), 0.0, layer.name)
        for layer, name in list(first.values())[::-1]
    ]


def signals(trace, layers) -> list:
    """Return the findings of a signal that vanishes or explodes on its way forward.

    It has exploded at a layer when it is large there and from there on, to the output: a layer with large
    biases in the middle is no illness of depth."""
    ends = [layer for layer in trace.layers if layer.output and layer.z_std > 0]
    chain = signal_growth(trace, [*layers, *ends])
    logs, grown = chain[: len(layers)], np.fmin.accumulate(chain[::-1])[::-1][: len(layers)]
    limits = MILD + allowance(layers), SEVERE + allowance(layers), "std of z, of the first layer's"
    return [
        *judged("vanishing_signal", layers, -logs, *limits),
        *judged("exploding_signal", layers, np.where(np.isfinite(logs), grown, logs), *limits),
    ]


def gradients(trace, layers) -> list:
    """Return the findings of a gradient that vanishes or explodes on its way back.

    It has vanished at a layer when it is small there and at all layers before: the branches of a residual
    network may begin with 0 in between. And likewise it has exploded.
    """
    allowed, own = allowance(layers[::-1])[::-1], normalized_growth(layers)
    fallen, grown = from_the_first(gradient_growth(trace, layers))
    quantity = "norm of dz, of the last layers'"
    return judged("vanishing_gradient", layers, fallen, MILD + allowed, SEVERE + allowed, quantity) + judged(
        "exploding_gradient",
        layers,
        grown,
        np.where(own > 0, np.maximum(MILD + allowed, SCALES), MILD + allowed),
        SEVERE + allowed + own,
        quantity,
    )


def from_the_first(logs) -> tuple[np.ndarray, np.ndarray]:
    """Return how far a gradient has fallen, and grown, at each layer and at all layers before it.

    `logs` is ln of its norm against that at the end. A gradient of 0 has not grown, nor does it stop others.
    """
    least = np.minimum.accumulate(np.where(logs > -np.inf, logs, np.inf))
    return -np.maximum.accumulate(logs), np.where(least < np.inf, least, 0.0)


def signal_growth(trace, layers) -> np.ndarray:
    """Return ln of every layer's std of z against that of the first layer, or against 1.

    A tanh brings a signal of 100 down to 1, which is no loss; so growth counts from the larger of the two,
    shrinking from the smaller one. The first layer counts no further away from its inputs than e^`SEVERE`.
    """
    first, entered = layers[0].z_std, float(np.hypot(trace.input_mean, trace.input_std))
    if (
        entered
        and trace.layers[0].kind != "embedding"
        and not any("norm" in part for part in layers[0].parts)
    ):
        first = np.clip(first, entered * np.exp(-SEVERE), entered * np.exp(SEVERE))
    logs = np.log([layer.z_std for layer in layers])
    low, high = np.log(min(first, 1.0)), np.log(max(first, 1.0))
    beyond = np.where(logs < low, logs - low, 0.0)
    beyond[logs > high] = logs[logs > high] - high
    return np.where(np.isnan(logs), np.nan, beyond)


def gradient_growth(trace, layers) -> np.ndarray:
    """Return ln of the norm of every layer's gradient against that of the last two hidden layers.

    Theory has ‖dz_l‖² = n_l Var(w_{l+1}) E[f'²] ‖dz_{l+1}‖²: with the initialization that goes with the
    activation the norm stays, whatever the widths. An average over places divides the norm by the root of
    their number, and what is added up over them later makes up for it: that is taken out. All 0 where nothing
    comes back, as through output weights that begin at 0.
    """
    norms = np.array([layer.grad_z_norm for layer in layers])
    logs = np.log(norms) + averaged(trace, layers)
    alive = np.flatnonzero(norms > 0)
    return logs - max(logs[alive[-2:]]) if len(alive) else np.zeros(len(layers))


def averaged(trace, layers) -> np.ndarray:
    """Return what averages over places after each layer take from ln‖dz‖, summed up from the output."""
    places = [layer.size / (layer.units * trace.examples) for layer in layers] + [1.0]
    taken = [
        max(0.5 * log(here / there), 0.0) if any("average_pooling" in part for part in layer.parts) else 0.0
        for layer, (here, there) in zip(layers, pairwise(places), strict=True)
    ]
    return np.cumsum(taken[::-1])[::-1]


def normalized_growth(layers) -> np.ndarray:
    """Return what batch normalization adds to ln‖dz‖ by itself, summed up from the output."""
    own = [GROWTH_OF_NORM * ("batch_norm" in layer.parts) for layer in layers]
    return np.cumsum(own[::-1])[::-1]


def allowance(layers) -> np.ndarray:
    """Return how far chance may move ln of a norm by the time that it has come through each layer.

    A convolution adds up as many terms as its kernel has; a batch normalization takes the spread away.
    """
    terms = [max(layer.units, layer.fan_in) if layer.kind == "conv" else layer.units for layer in layers]
    spread = [
        0.0 if "batch_norm" in layer.parts else SPREAD / n for layer, n in zip(layers, terms, strict=True)
    ]
    return DEVIATIONS * np.sqrt(np.cumsum(spread))


def judged(code, layers, logs, mild, severe, quantity) -> list:
    """Return the finding, if any, of layers whose ln is beyond the limits; of a vanishing one it is −ln."""
    sign = -1 if code.startswith("vanishing") else 1
    ill = [place for place in zip(layers, logs, mild, severe, strict=True) if place[1] > place[2]]
    evidence = [
        Evidence(quantity, _ratio(sign * size), _ratio(sign * (most if size > most else least)), layer.name)
        for layer, size, least, most in ill
    ]
    return [finding(code, any(size > most for _, size, _, most in ill), evidence)] if ill else []


def _ratio(log):
    return float(np.exp(log))
