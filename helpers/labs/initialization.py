"""The explorer: activation × initialization × gain × depth × width × seed, on real images."""

import numpy as np

from helpers import data
from helpers.labs import knobs, live, wording
from helpers.networks.mlp import MLP
from helpers.numerics.theory import predict, predicted_density
from helpers.plots.frame import Frame, beside, grid, stacked
from helpers.plots.histograms import layer_panel
from helpers.plots.over_layers import evenly_picked, layers_panel
from helpers.signals.measures import BINS, histogram_range
from helpers.signals.trace import trace

IMAGES = 500
PANELS = 10
WIDTHS = (1, 2, 3, 5, 10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)
WORK = 5 * 10**8  # multiplications per forward pass; larger networks get fewer images: a step stays short
MIN_IMAGES = 32
DEEP = 15  # hidden layers from which float32's rounding would be told; double precision is twice as dear
KEPT_WEIGHTS = 2_000_000  # a larger network is drawn anew at each step rather than kept in memory
TITLES = {
    "mean": "mean of h, per layer",
    "std": "std of h, per layer",
    "grad_z_norm": "gradient norm of z, per layer",
}


class InitializationLab(live.LiveFigure):
    """Ten layers' histograms; mean, spread and gradient norm of every layer, measured and predicted."""

    READ_OUT = {
        "std_first": "std of h, layer 1",
        "std_last": "std of h, layer {depth}",
        "gradient_first": "gradient norm of z, layer 1",
        "gradient_last": "gradient norm of z, layer {depth}",
        "saturated_last": "saturated, layer {depth}",
    }

    def __init__(self, **start):
        self._network = (None, None)
        super().__init__(**start)

    def controls(self):
        return {
            "activation": knobs.activation("tanh", "activation"),
            "initializer": knobs.initializer("glorot_normal", "initialization"),
            "gain": knobs.gain(1, "gain"),
            "depth": live.whole("depth", 1, 100, 10),
            "width": live.steps("width", WIDTHS, 100),
            "seed": live.whole("seed", 0, 20, 0),
        }

    def update(self, activation, initializer, gain, depth, width, seed):
        model = self._base_network(activation, initializer, depth, width, seed).scaled(gain)
        x, y = data.shared_batch(images_for(model), dtype=model.weights[0].dtype)
        signals = trace(model, x, y, weights=False)
        predicted = predict(model, x, signals.output_error)
        curves = [
            layers_panel(title, signals.per_layer(name), getattr(predicted, name), log=name != "mean")
            for name, title in TITLES.items()
        ]
        return Frame(
            stacked(grid(histograms(signals, predicted, activation), 5), beside(*curves), heights=(3, 2)),
            height=450,
            words=wording.signal_in_words(signals) or data.notice(),
            numbers=_numbers(signals, x),
        )

    def free(self):
        self._network = (None, None)

    def _base_network(self, activation, initializer, depth, width, seed):
        """The network at gain 1; the last one is kept, since a gain slider asks for it again and again."""
        key = (activation, initializer, depth, width, seed)
        if self._network[0] == key:
            return self._network[1]
        sizes = (784, *[width] * depth, 10)
        rng, dtype = np.random.default_rng(seed), np.float64 if depth >= DEEP else np.float32
        model = MLP(sizes, activation=activation, initializer=initializer, rng=rng, dtype=dtype)
        small = sum(W.size for W in model.weights) <= KEPT_WEIGHTS
        self._network = (key, model) if small else (None, None)
        return model


def histograms(signals, predicted, activation):
    """Return at most ten layers' histograms, evenly spread over the depth, with what theory expects."""
    low, high = histogram_range(activation)
    shown = evenly_picked(len(signals.hidden), PANELS)
    return [
        layer_panel(
            i + 1,
            signals.hidden[i],
            low,
            high,
            predicted_density(activation, predicted.q[i], low, high, BINS),
        )
        for i in shown
    ]


def _numbers(signals, x):
    told = wording.ends_of(signals, x.dtype)
    loss, saturated = told.pop("loss"), signals.hidden[-1].share_saturated
    if wording.is_chaotic(signals.per_layer("std"), signals.per_layer("grad_z_norm"), x.dtype):
        saturated = live.ByRounding(saturated)
    return {**told, "saturated_last": saturated, "loss": loss, "images": len(x)}


def images_for(model) -> int:
    """Return how many images a network of this size is shown, so that one step stays within `WORK`."""
    return int(np.clip(WORK // sum(W.size for W in model.weights), MIN_IMAGES, IMAGES))
