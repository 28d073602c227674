"""The explorer: activation × initialization × gain × depth × width × seed, on real images."""

import numpy as np

from helpers import data
from helpers.labs import knobs, live, wording
from helpers.networks.mlp import MLP
from helpers.numerics.theory import predict, predicted_density
from helpers.plots.histograms import HistogramPanel
from helpers.plots.over_layers import CurvePanel
from helpers.signals.measures import BINS, histogram_range
from helpers.signals.trace import trace

IMAGES = 1000
PANELS = 10
WIDTHS = (1, 2, 3, 5, 10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)
WORK = 10**9  # multiplications per forward pass; larger networks get fewer images, so that a step stays short
MIN_IMAGES = 32
DEEP = 15  # hidden layers from which float32's rounding would be told; double precision is twice as dear
KEPT_WEIGHTS = 2_000_000  # a larger network is drawn anew at each step rather than kept in memory
QUANTITIES = ("mean", "std", "grad_z_norm")

TEXT = {
    "mean": "mean of h, per layer",
    "std": "std of h, per layer",
    "grad_z_norm": "gradient norm of z, per layer",
}


class InitializationLab(live.LiveFigure):
    """Ten layers' histograms; mean, spread and gradient norm of every layer, measured and predicted."""

    size = (9.6, 5.0)

    def controls(self):
        return {
            "activation": knobs.activation("tanh", "activation"),
            "initializer": knobs.initializer("glorot_normal", "initialization"),
            "gain": knobs.gain(1, "gain"),
            "depth": live.whole("depth", 1, 100, 10),
            "width": live.steps("width", WIDTHS, 100),
            "seed": live.whole("seed", 0, 20, 0),
        }

    def build(self):
        self._network = (None, None)
        top = self.figure.add_gridspec(
            2, 5, left=0.03, right=0.99, top=0.9, bottom=0.44, hspace=0.4, wspace=0.12
        )
        bottom = self.figure.add_gridspec(1, 3, left=0.06, right=0.99, top=0.33, bottom=0.06, wspace=0.24)
        self.histograms = [HistogramPanel(self.figure.add_subplot(cell), -1, 1, BINS) for cell in top]
        for panel in self.histograms[:5]:
            panel.axes.tick_params(labelbottom=False)
        self.curves = {
            name: CurvePanel(self.figure.add_subplot(cell), TEXT[name], log=name != "mean")
            for name, cell in zip(QUANTITIES, bottom, strict=True)
        }
        self.legend(self.curves["mean"].measured, self.curves["mean"].predicted)
        for panel in (*self.histograms, *self.curves.values()):
            self.moving(panel.artists)

    def update(self, activation, initializer, gain, depth, width, seed):
        model = self._base_network(activation, initializer, depth, width, seed).scaled(gain)
        x, y = data.load_batch(images_for(model), dtype=model.weights[0].dtype)
        signals = trace(model, x, y, weights=False)
        predicted = predict(model, x, signals.output_error)
        self._show_histograms(signals, predicted, activation)
        for quantity in QUANTITIES:
            self.curves[quantity].show(signals.per_layer(quantity), getattr(predicted, quantity))
        self.say(wording.signal_in_words(signals) or data.notice())
        return self._numbers(signals, x)

    def free(self):
        self._network = (None, None)
        self.histograms = self.curves = None

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

    def _show_histograms(self, signals, predicted, activation):
        low, high = histogram_range(activation)
        layers = np.unique(np.linspace(0, len(signals.hidden) - 1, PANELS).round().astype(int))
        for place, panel in enumerate(self.histograms):
            panel.axes.set_visible(place < len(layers))
            if place < len(layers):
                i = layers[place]
                panel.set_range(low, high)
                panel.show(
                    i + 1, signals.hidden[i], predicted_density(activation, predicted.q[i], low, high, BINS)
                )

    def _numbers(self, signals, x):
        told = wording.ends_of(signals, x.dtype)
        loss, saturated = told.pop("loss"), signals.hidden[-1].share_saturated
        if wording.is_chaotic(signals.per_layer("std"), signals.per_layer("grad_z_norm"), x.dtype):
            saturated = live.ByRounding(saturated)
        return {**told, "saturated_last": saturated, "loss": loss, "images": len(x)}


def images_for(model) -> int:
    """Return how many images a network of this size is shown, so that one step stays within `WORK`.

    In double precision it is half as many: so a step takes as long.
    """
    twice = model.weights[0].dtype == np.float64
    most = IMAGES // 2 if twice else IMAGES
    return int(np.clip(WORK // (1 + twice) // sum(W.size for W in model.weights), MIN_IMAGES, most))
