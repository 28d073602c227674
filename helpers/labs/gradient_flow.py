"""The gradient's way back: depth × activation × initialization × gain, on real images."""

import numpy as np

from helpers import data
from helpers.labs import knobs, live, wording
from helpers.networks.mlp import MLP
from helpers.numerics.theory import predict, predicted_ratios, predicted_saturation
from helpers.plots.over_layers import CurvePanel, set_layer_axis
from helpers.plots.style import BLACK
from helpers.signals.flow import gradient_ratios, shortened
from helpers.signals.trace import trace

IMAGES = 32
WIDTH = 100
DEEPEST = 100
DEPTHS = (1, 5, 10, 20, 40, 60, 80, 100)  # where the ratio is measured
RATIO_IMAGES = 8

TEXT = {
    "gradient": "gradient norm of z, per layer",
    "std": "std of h, per layer",
    "saturated": "share of saturated units, per layer",
    "ratio": "gradient ratio, first / last layer, by depth",
}


class GradientFlowLab(live.LiveFigure):
    """Gradient norm, spread and saturated share per layer, and the ratio first / last at every depth."""

    size = (9.6, 5.0)

    def controls(self):
        return {
            "depth": live.whole("depth", 1, DEEPEST, 10),
            "activation": knobs.activation("sigmoid", "activation"),
            "initializer": knobs.initializer("glorot_normal", "initialization"),
            "gain": knobs.gain(1, "gain"),
        }

    def build(self):
        self.free()
        self.figure.subplots_adjust(left=0.06, right=0.99, top=0.85, bottom=0.09, hspace=0.42, wspace=0.16)
        places = dict(
            zip(("gradient", "std", "saturated", "ratio"), self.figure.subplots(2, 2).flat, strict=True)
        )
        self.panels = {
            name: CurvePanel(axes, TEXT[name], log=name != "saturated") for name, axes in places.items()
        }
        for name, panel in self.panels.items():
            panel.axes.set_xlabel("depth" if name == "ratio" else "layer")
            self.moving(panel.artists)
        here = places["ratio"].axvline(1, color=BLACK, linestyle=":", linewidth=1.2, label="depth now")
        self.here = self.moving(here)
        places["saturated"].set_ylim(-0.05, 1.05)
        handles = [*self.panels["ratio"].artists, here]
        self.figure.legend(handles=handles, loc="upper center", ncols=3, bbox_to_anchor=(0.5, 0.955))

    def update(self, depth, activation, initializer, gain):
        deep = self._deep_network(initializer, activation, gain)
        model = shortened(deep, depth)
        x, y = data.load_batch(IMAGES, dtype=np.float64)
        signals = trace(model, x, y, weights=False)
        predicted = predict(model, x, signals.output_error)
        self.panels["gradient"].show(signals.per_layer("grad_z_norm"), predicted.grad_z_norm)
        self.panels["std"].show(signals.per_layer("std"), predicted.std)
        self._show_saturation(signals, predicted, activation)
        for name in ("gradient", "std", "saturated"):
            set_layer_axis(self.panels[name].axes, depth)
        self._show_ratios(deep, x, y, depth, (activation, initializer, gain))
        self.say(wording.signal_in_words(signals))
        return self._numbers(signals)

    def free(self):
        self._weights, self._ratios = (None, None), (None, None)

    def _deep_network(self, initializer, activation, gain):
        """A hundred layers at gain 1, kept while the initialization stays, then given the rest."""
        if self._weights[0] != initializer:
            sizes = (784, *[WIDTH] * DEEPEST, 10)
            self._weights = initializer, MLP(sizes, initializer=initializer, rng=np.random.default_rng(0))
        return shortened(self._weights[1], DEEPEST, activation).scaled(gain)

    def _show_saturation(self, signals, predicted, activation):
        expected = predicted_saturation(activation, predicted.q).mean(axis=1)
        panel = self.panels["saturated"]
        panel.show(signals.per_layer("share_saturated"), expected)
        panel.axes.set_ylim(-0.05, 1.05)

    def _show_ratios(self, deep, x, y, depth, settings):
        """Dots at `DEPTHS` over the prediction for all depths; measured anew only for another network."""
        self.here.set_xdata([depth, depth])
        if self._ratios[0] == settings:
            return
        measured = np.full(DEEPEST, np.nan)
        few = slice(RATIO_IMAGES)
        measured[np.array(DEPTHS) - 1] = gradient_ratios(deep, x[few], y[few], DEPTHS)
        self._ratios = settings, measured
        self.panels["ratio"].show(measured, predicted_ratios(deep, x))
        self.panels["ratio"].measured.set(linestyle="", markersize=5)

    def _numbers(self, signals):
        gradient, std = signals.per_layer("grad_z_norm"), signals.per_layer("std")
        saturated = signals.per_layer("share_saturated")
        return {
            "gradient_first": gradient[0],
            "gradient_last": gradient[-1] + 0.0,  # no −0
            "ratio": gradient[0] / gradient[-1] if gradient[-1] else "0 / 0",
            "std_last": std[-1],
            "saturated_first": saturated[0],
            "saturated_last": saturated[-1],
        }
