"""The map of order and chaos, with the learner's network on it and its gradients beside it."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from helpers import data
from helpers.labs import knobs, live, wording
from helpers.networks.mlp import MLP
from helpers.numerics.initializers import variance_scaling
from helpers.numerics.theory import chi, depth_scale, fixed_point, order_chaos_map, predict
from helpers.plots.contours import contour
from helpers.plots.frame import Axis, Frame, Image, Line, Panel, Points, beside
from helpers.plots.over_layers import layers_panel
from helpers.signals.flow import shortened
from helpers.signals.trace import trace

IMAGES = 24
WIDTH = 150
DEPTHS = (
    10,
    20,
    30,
    40,
    50,
    70,
    100,
)  # that weights are drawn for; those of a depth between are cut from the next
SIGMA_W2 = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.761, 1.8, 1.9, 2, 2.1)
SIGMA_W2 += (2.3, 2.6, 3, 3.5, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 400)
MAP_W, MAP_B = np.geomspace(0.1, 400, 60), np.linspace(0, 1, 30)
SETTLED = 200  # layers after which the variance is taken as settled
UNIT = variance_scaling(1, "fan_in", "normal")
FAR = 2  # the map's colors end at χ = 1/100 and 100
EDGE = 0.01  # closer to 1 than this, χ counts as on the edge
SCALES = (3, 10, 30)  # layers: depth scales that the map has lines for

GROWS = "The signal grows without end here; χ is that of a very large signal."
WORDS = {-1: "order", 0: "edge", 1: "chaos"}


class MeanFieldLab(live.LiveFigure):
    """The map of χ over (σ_w², σ_b²), and one network's gradient norms over their prediction."""

    READ_OUT = {
        "chi": "χ",
        "phase": "phase",
        "depth_scale": "depth scale, in layers",
        "q": "variance of z, settled",
        "ratio": "gradient norm of z, layer 1 / layer {depth}",
    }

    def __init__(self, **start):
        self.free()
        super().__init__(**start)

    def controls(self):
        return {
            "activation": knobs.activation("tanh", "activation"),
            "sigma_w2": live.steps("σ_w²", SIGMA_W2, 1.2),
            "sigma_b2": live.real("σ_b²", 0, 1, 0.01, 0.05),
            "depth": live.whole("depth", 1, DEPTHS[-1], 30),
            "seed": live.whole("seed", 0, 20, 0),
        }

    def update(self, activation, sigma_w2, sigma_b2, depth, seed):
        model = self._network(activation, sigma_w2, sigma_b2, depth, seed)
        x, y = data.shared_batch(IMAGES, dtype=np.float64)
        signals = trace(model, x, y, weights=False)
        norms = signals.per_layer("grad_z_norm")
        q = float(fixed_point(activation, sigma_w2, sigma_b2, layers=SETTLED))
        slope = float(chi(activation, min(q, 1e20), sigma_w2))
        here = Points(sigma_w2, sigma_b2, "network", "this network")
        gradients = gradient_panel(norms, predict(model, x, signals.output_error).grad_z_norm, slope)
        return Frame(
            beside(Panel((*map_marks(activation), here), **MAP), gradients),
            height=370,
            words=wording.signal_in_words(signals) or ("" if np.isfinite(q) else GROWS),
            numbers={
                "chi": slope,
                "phase": WORDS[int(np.sign(slope - 1)) if abs(slope - 1) > EDGE else 0],
                "depth_scale": "endless" if slope == 1 else float(depth_scale(slope)),
                "q": q,
                "ratio": _ratio(signals, norms),
            },
        )

    def free(self):
        self._base = (None, None)

    def _network(self, activation, sigma_w2, sigma_b2, depth, seed):
        """Weights and biases of variance 1, kept while they serve; then cut to depth and scaled."""
        key = seed, next(drawn for drawn in DEPTHS if depth <= drawn)
        if self._base[0] != key:
            sizes = (784, *[WIDTH] * key[1], 10)
            model = MLP(sizes, initializer=UNIT, bias_std=1.0, rng=np.random.default_rng(seed))
            self._base = key, model
        model = shortened(self._base[1], depth, activation).scaled(np.sqrt(sigma_w2))
        model.bias_std = np.sqrt(sigma_b2)
        model.biases = [model.bias_std * b for b in model.biases]
        return model


MAP = {
    "title": "order (blue) and chaos (orange)",
    "x": Axis(MAP_W[0], MAP_W[-1], log=True, label="σ_w²"),
    "y": Axis(MAP_B[0], MAP_B[-1], label="σ_b²"),
}


@lru_cache(maxsize=32)
def map_marks(activation) -> tuple[Image, Line, Line]:
    """Return log10 χ over (σ_w², σ_b²) as colors, the edge, and lines of equal depth scale."""
    log_chi = np.log10(order_chaos_map(activation, MAP_W, MAP_B))
    half_w, half_b = (
        (MAP_W[1] / MAP_W[0]) ** 0.5,
        (MAP_B[1] - MAP_B[0]) / 2,
    )  # a color is that of a cell's middle
    extent = (MAP_W[0] / half_w, MAP_W[-1] * half_w, MAP_B[0] - half_b, MAP_B[-1] + half_b)
    levels = [sign / scale for scale in SCALES for sign in (-1, 1)]  # |ln χ| = 1 / depth scale
    return (
        Image(log_chi[::-1], extent, "order and chaos", -FAR, FAR, smooth=True),
        map_contour(np.log(10) * log_chi, [0], "edge", "edge, χ = 1"),
        map_contour(np.log(10) * log_chi, levels, "equal depth", "depth scale 3, 10, 30 layers"),
    )


def map_contour(values, levels, look, label) -> Line:
    """Return where `values` over (σ_w², σ_b²) equal one of the levels, as one line with gaps."""
    line = contour(np.log10(MAP_W), MAP_B, values, levels, look, label)
    return replace(line, x=10**line.x)


def gradient_panel(norms, predicted, slope) -> Panel:
    """Return gradient norms over layers, and the line of slope √χ per layer through the measured last one."""
    panel = layers_panel("gradient norm of z, per layer", norms, predicted, log=True)
    layers = np.arange(1, len(norms) + 1)
    line = norms[-1] * slope ** ((len(norms) - layers) / 2)
    return replace(panel, marks=(*panel.marks, Line(layers, line, "asymptote", "slope √χ per layer")))


def _ratio(signals, norms):
    """The gradient norm of the first layer over that of the last, in words where there is none."""
    if not norms[-1]:
        return "0 / 0"
    ratio = norms[0] / norms[-1]
    chaotic = wording.is_chaotic(signals.per_layer("std"), norms, norms.dtype)
    return live.ByRounding(ratio) if chaotic else ratio
