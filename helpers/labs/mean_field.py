"""The map of order and chaos, with the learner's network on it and its gradients beside it."""

from functools import lru_cache

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.ticker import MultipleLocator

from helpers import data
from helpers.labs import knobs, live, wording
from helpers.networks.mlp import MLP
from helpers.numerics.initializers import variance_scaling
from helpers.numerics.theory import chi, depth_scale, fixed_point, order_chaos_map, predict
from helpers.plots.axes import power_of_ten
from helpers.plots.over_layers import CurvePanel, reach_of, set_layer_axis
from helpers.plots.style import BLACK, BLUE, GREEN, ORANGE, RED
from helpers.signals.flow import shortened
from helpers.signals.trace import trace

IMAGES = 24
WIDTH = 150
DEEPEST = 100
SIGMA_W2 = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.761, 1.8, 1.9, 2, 2.1)
SIGMA_W2 += (2.3, 2.6, 3, 3.5, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 400)
MAP_W, MAP_B = np.geomspace(0.1, 400, 60), np.linspace(0, 1, 30)
SETTLED = 200  # layers after which the variance is taken as settled
UNIT = variance_scaling(1, "fan_in", "normal")
FAR = 2  # the map's colors end at χ = 1/100 and 100
EDGE = 0.01  # closer to 1 than this, χ counts as on the edge

TEXT = {
    "grows": "The signal grows without end here; χ is that of a very large signal.",
}
COLORS = LinearSegmentedColormap.from_list("order and chaos", [BLUE, "#ffffff", ORANGE])
WORDS = {-1: "order", 0: "edge", 1: "chaos"}


class MeanFieldLab(live.LiveFigure):
    """The map of χ over (σ_w², σ_b²), and one network's gradient norms over their prediction."""

    size = (9.6, 4.4)

    def controls(self):
        return {
            "activation": knobs.activation("tanh", "activation"),
            "sigma_w2": live.steps("σ_w²", SIGMA_W2, 1.2),
            "sigma_b2": live.real("σ_b²", 0, 1, 0.01, 0.05),
            "depth": live.whole("depth", 1, DEEPEST, 30),
            "seed": live.whole("seed", 0, 20, 0),
        }

    def build(self):
        self.free()
        self.figure.subplots_adjust(left=0.06, right=0.99, top=0.86, bottom=0.22, wspace=0.18)
        self.map_axes, axes = self.figure.subplots(1, 2)
        self._dress_map()
        self.panel = CurvePanel(axes, "gradient norm of z, per layer", log=True)
        self.panel.predicted.set_zorder(4)
        axes.set_xlabel("layer")
        (self.slope,) = axes.plot([], [], color=GREEN, linestyle=":", linewidth=3, label="slope √χ per layer")
        (self.point,) = self.map_axes.plot(
            [], [], color=RED, marker="*", markersize=15, markeredgecolor="white", linestyle="",
            label="this network", clip_on=False,
        )  # fmt: skip
        self.moving([*self.panel.artists, self.slope, self.point])
        (edge,) = self.map_axes.plot([], [], color=BLACK, linewidth=2, label="edge, χ = 1")
        (scale,) = self.map_axes.plot(
            [], [], color=BLACK, linewidth=0.7, linestyle="--", label="depth scale 3, 10, 30 layers"
        )
        left, right = [self.point, edge, scale], [*self.panel.artists, self.slope]
        self.figure.legend(handles=left, loc="lower center", ncols=3, bbox_to_anchor=(0.28, 0))
        self.figure.legend(handles=right, loc="lower center", ncols=3, bbox_to_anchor=(0.77, 0))

    def update(self, activation, sigma_w2, sigma_b2, depth, seed):
        self._show_map(activation)
        self.point.set_data([np.log10(sigma_w2)], [sigma_b2])
        model = self._network(activation, sigma_w2, sigma_b2, depth, seed)
        x, y = data.load_batch(IMAGES, dtype=np.float64)
        signals = trace(model, x, y, weights=False)
        norms = signals.per_layer("grad_z_norm")
        q = float(fixed_point(activation, sigma_w2, sigma_b2, layers=SETTLED))
        slope = float(chi(activation, min(q, 1e20), sigma_w2))
        self.panel.show(norms, predict(model, x, signals.output_error).grad_z_norm)
        self._show_slope(norms, slope)
        set_layer_axis(self.panel.axes, depth)
        self.say(wording.signal_in_words(signals) or ("" if np.isfinite(q) else TEXT["grows"]))
        ratio = norms[0] / norms[-1] if norms[-1] else "0 / 0"
        if norms[-1] and wording.is_chaotic(signals.per_layer("std"), norms, norms.dtype):
            ratio = live.ByRounding(ratio)
        return {
            "chi": slope,
            "phase": WORDS[int(np.sign(slope - 1)) if abs(slope - 1) > EDGE else 0],
            "depth_scale": "endless" if slope == 1 else float(depth_scale(slope)),
            "q": q,
            "ratio": ratio,
        }

    def free(self):
        self._base, self._drawn_map, self._map_artists = (None, None), None, []

    def _network(self, activation, sigma_w2, sigma_b2, depth, seed):
        """Weights and biases of variance 1, kept while seed and axis stay; then cut to depth and scaled."""
        key = seed, reach_of(depth)
        if self._base[0] != key:
            sizes = (784, *[WIDTH] * reach_of(depth), 10)
            model = MLP(sizes, initializer=UNIT, bias_std=1.0, rng=np.random.default_rng(seed))
            self._base = key, model
        model = shortened(self._base[1], depth, activation).scaled(np.sqrt(sigma_w2))
        model.bias_std = np.sqrt(sigma_b2)
        model.biases = [model.bias_std * b for b in model.biases]
        return model

    def _show_slope(self, norms, slope):
        """The straight line of slope √χ per layer through the measured last layer."""
        layers = np.arange(1, len(norms) + 1)
        line = np.log10(norms[-1]) + (len(norms) - layers) / 2 * np.log10(slope)
        self.slope.set_data(layers, np.where(np.isfinite(line), line, np.nan))

    def _dress_map(self):
        axes = self.map_axes
        axes.set(title="order (blue, χ < 1) and chaos (orange, χ > 1)", xlabel="σ_w²", ylabel="σ_b²")
        axes.xaxis.set_major_formatter(lambda value, _: power_of_ten(value))
        axes.xaxis.set_major_locator(MultipleLocator(1))
        axes.grid(False)

    def _show_map(self, activation):
        if self._drawn_map == activation:
            return
        for artist in self._map_artists:
            artist.remove()
        self._map_artists = draw_map(self.map_axes, activation)
        self._drawn_map = activation
        self.redraw()


def draw_map(axes, activation) -> list:
    """Draw log10 χ over (log10 σ_w², σ_b²), the edge and lines of equal depth scale; return the artists."""
    log_chi = map_of(activation)
    extent = (*np.log10(MAP_W[[0, -1]]), MAP_B[0], MAP_B[-1])
    image = axes.imshow(
        log_chi, extent=extent, origin="lower", aspect="auto", cmap=COLORS, norm=Normalize(-FAR, FAR),
        interpolation="bilinear",
    )  # fmt: skip
    places = np.log10(MAP_W), MAP_B, np.log(10) * log_chi
    edge = axes.contour(*places, levels=[0], colors=BLACK, linewidths=2)
    levels = sorted(sign / scale for scale in (3, 10, 30) for sign in (-1, 1))  # |ln χ| = 1 / depth scale
    scales = axes.contour(*places, levels=levels, colors=BLACK, linewidths=0.7, linestyles="--")
    return [image, edge, scales]


@lru_cache(maxsize=32)
def map_of(activation):
    """Return log10 χ on the map's grid, computed once per activation."""
    return np.log10(order_chaos_map(activation, MAP_W, MAP_B))
