"""The gradient's way back: depth × activation × initialization × gain, on real images."""

from dataclasses import replace

import numpy as np

from helpers import data
from helpers.labs import knobs, live, wording
from helpers.networks.mlp import MLP
from helpers.numerics.theory import predict, predicted_ratios, predicted_saturation
from helpers.plots.frame import Axis, Frame, Line, Panel, Points, fitting_log_axis, grid, layer_axis
from helpers.plots.over_layers import layers_panel
from helpers.signals.flow import gradient_ratios, shortened
from helpers.signals.trace import trace

IMAGES = 32
WIDTH = 100
DEEPEST = 100
DEPTHS = (1, 5, 10, 20, 40, 60, 80, 100)  # where the ratio is measured
RATIO_IMAGES = 8


class GradientFlowLab(live.LiveFigure):
    """Gradient norm, spread and saturated share per layer, and the ratio first / last at every depth."""

    READ_OUT = {
        "gradient_first": "gradient norm of z, layer 1",
        "gradient_last": "gradient norm of z, layer {depth}",
        "ratio": "gradient, layer 1 / layer {depth}",
        "std_last": "std of h, layer {depth}",
        "saturated_first": "saturated, layer 1",
        "saturated_last": "saturated, layer {depth}",
    }

    def __init__(self, **start):
        self.free()
        super().__init__(**start)

    def controls(self):
        return {
            "depth": live.whole("depth", 1, DEEPEST, 10),
            "activation": knobs.activation("sigmoid", "activation"),
            "initializer": knobs.initializer("glorot_normal", "initialization"),
            "gain": knobs.gain(1, "gain"),
        }

    def update(self, depth, activation, initializer, gain):
        deep = self._deep_network(initializer, activation, gain)
        model = shortened(deep, depth)
        x, y = data.load_batch(IMAGES, dtype=np.float64)
        signals = trace(model, x, y, weights=False)
        predicted = predict(model, x, signals.output_error)
        gradient, std, saturated = map(signals.per_layer, ("grad_z_norm", "std", "share_saturated"))
        flat = predicted_saturation(activation, predicted.q).mean(axis=1)
        share = layers_panel("share of saturated units, per layer", saturated, flat, log=False)
        panels = [
            layers_panel("gradient norm of z, per layer", gradient, predicted.grad_z_norm, log=True),
            layers_panel("std of h, per layer", std, predicted.std, log=True),
            replace(share, y=Axis(-0.05, 1.05)),
            ratios_panel(*self._ratios(deep, x, y, (activation, initializer, gain)), depth),
        ]
        words = wording.signal_in_words(signals) or data.notice()
        return Frame(grid(panels, 2), 450, words, _numbers(gradient, std, saturated))

    def free(self):
        self._weights, self._measured = (None, None), (None, None)

    def _deep_network(self, initializer, activation, gain):
        """A hundred layers at gain 1, kept while the initialization stays, then given the rest."""
        if self._weights[0] != initializer:
            sizes = (784, *[WIDTH] * DEEPEST, 10)
            self._weights = initializer, MLP(sizes, initializer=initializer, rng=np.random.default_rng(0))
        return shortened(self._weights[1], DEEPEST, activation).scaled(gain)

    def _ratios(self, deep, x, y, settings):
        """The ratios measured at `DEPTHS` and predicted at all depths; kept while the network stays."""
        if self._measured[0] != settings:
            few = slice(RATIO_IMAGES)
            measured = gradient_ratios(deep, x[few], y[few], DEPTHS)
            self._measured = settings, (measured, predicted_ratios(deep, x))
        return self._measured[1]


def ratios_panel(measured, predicted, depth) -> Panel:
    """Return the gradient, first over last layer, by depth, with a line at the present depth."""
    y = fitting_log_axis(measured, predicted)
    marks = (
        Line([depth, depth], [y.low, y.high], "here", "depth now"),
        Points(DEPTHS, measured, "measured", "measured"),
        Line(np.arange(1, DEEPEST + 1), predicted, "predicted", "predicted"),
    )
    x = replace(layer_axis(DEEPEST, "depth"), counts="depth")
    return Panel(marks, "gradient ratio, first / last layer, by depth", x, y)


def _numbers(gradient, std, saturated):
    return {
        "gradient_first": gradient[0],
        "gradient_last": gradient[-1] + 0.0,  # no −0
        "ratio": gradient[0] / gradient[-1] if gradient[-1] else "0 / 0",
        "std_last": std[-1],
        "saturated_first": saturated[0],
        "saturated_last": saturated[-1],
    }
