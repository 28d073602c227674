"""Pre-activations before and after batch normalization, over the curve of the activation."""

import numpy as np
from matplotlib.patches import Patch

from helpers import data
from helpers.labs import knobs, live
from helpers.networks.mlp import MLP
from helpers.numerics.activations import ACTIVATIONS, SATURATED_SLOPE, largest_slope
from helpers.numerics.normalization import KERAS_EPS, batch_norm_forward, batch_statistics
from helpers.numerics.theory import predict, predicted_density
from helpers.plots.activation import SHADE, SLOPE, VALUE, saturated_intervals
from helpers.plots.histograms import height_unit
from helpers.plots.quicktext import QuickText
from helpers.plots.style import BLACK, GREEN, PREDICTED, SKY
from helpers.signals.measures import histogram, mean_and_std

IMAGES, WIDTH, DEPTH = 256, 100, 5
REACH, BINS = 8.0, 64
Z = np.linspace(-REACH, REACH, 401)
LINEAR_SLOPE = 0.75  # the linear part: a slope of 3/4 of the largest or more; for the sigmoid, |z| ≤ ln 3
FULL = 0.92  # of the panel's height, for the tallest bar
OUT_BINS = 50
LINEAR = {"facecolor": GREEN, "alpha": 0.22, "hatch": "///", "edgecolor": "white", "linewidth": 0}
GAMMAS = (0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 7, 10)

TEXT = {
    "before": "before: pre-activations z",
    "after": "after batch normalization, γ and β",
    "bars": "measured, 256 images × 100 units",
    "predicted": "predicted",
    "curve": "activation f",
    "slope": "its slope f'",
    "linear": "linear part",
    "saturated": "saturated",
    "facts": "mean {mean:.3g}, std {std:.3g}: linear {linear:.0%}, "
    "saturated {saturated:.0%}, mean slope {slope:.3f}",
    "same": "All images give the same pre-activation: its variance is 0, and normalized it is β.",
    "no_gamma": "γ is 0: whatever comes in, β goes out, and no gradient comes back.",
    "undone": "γ is each unit's √(variance + ε), β its mean: the input is back. The sliders γ, β rest.",
    "small": "Half of the units vary too little beside ε = 0.001: after it their std stays below γ.",
}


class BatchNormLab(live.LiveFigure):
    """Where a real layer's pre-activations fall on a sigmoid or tanh, before and after normalization."""

    size = (9.6, 4.9)

    def controls(self):
        names = [(ACTIVATIONS[name].label, name) for name in ("sigmoid", "tanh")]
        return {
            "activation": live.choice("activation", names, "sigmoid"),
            "layer": live.whole("layer", 1, DEPTH, 2),
            "gain": knobs.gain(7, "weight scale"),
            "gamma": live.steps("γ", GAMMAS, 1),
            "beta": live.real("β", -5, 5, 0.1, 0),
            "undo": live.switch("let γ and β undo it"),
        }

    def build(self):
        self._x, _ = data.load_batch(IMAGES, dtype=np.float64)
        self._networks, self._drawn = {}, None
        grid = self.figure.add_gridspec(
            2,
            2,
            height_ratios=(3, 1),
            left=0.055,
            right=0.985,
            top=0.83,
            bottom=0.14,
            hspace=0.52,
            wspace=0.1,
        )
        self.panels = [CurveOverBars(self.figure.add_subplot(grid[0, k])) for k in (0, 1)]
        self.outputs = [OutputBars(self.figure.add_subplot(grid[1, k])) for k in (0, 1)]
        for panel, name in zip(self.panels, ("before", "after"), strict=True):
            panel.axes.set_title(TEXT[name], pad=18)
        for panel in (*self.panels, *self.outputs):
            self.moving(panel.artists)
        self._legend_below()

    def update(self, activation, layer, gain, gamma, beta, undo):
        entry = ACTIVATIONS[activation]
        self._show_activation(entry)
        model = self._network(activation).scaled(gain)
        z = model.forward(self._x).z[layer - 1]
        mean, variance, _ = batch_statistics(z)
        scale, shift = np.full(WIDTH, float(gamma)), np.full(WIDTH, float(beta))
        if undo:
            scale, shift = np.sqrt(variance + KERAS_EPS), mean
        out, _ = batch_norm_forward(z, scale, shift)
        before = predicted_before(model, self._x, layer)
        after = before if undo else predicted_after(variance, gamma, beta)
        numbers = {}
        pairs = zip(self.panels, self.outputs, ("before", "after"), (z, out), (before, after), strict=True)
        for panel, output, name, values, predicted in pairs:
            facts = where_it_falls(entry, values)
            panel.show(values, predicted, facts)
            output.show(entry.f(values))
            numbers |= {f"{fact}_{name}": value for fact, value in facts.items()}
        self.say(_in_words(variance, gamma, undo) or data.notice())
        return numbers

    def free(self):
        self._x, self._networks = None, {}
        self.panels = self.outputs = None

    def _network(self, activation):
        """The same weights for both activations, before they are scaled."""
        if activation not in self._networks:
            sizes, rng = (784, *[WIDTH] * DEPTH, 10), np.random.default_rng(0)
            self._networks[activation] = MLP(sizes, activation=activation, rng=rng)
        return self._networks[activation]

    def _show_activation(self, entry):
        if self._drawn == entry.name:
            return
        self._drawn = entry.name
        for panel in (*self.panels, *self.outputs):
            panel.set_activation(entry)
        self.redraw()

    def _legend_below(self):
        panel = self.panels[0]
        shades = [Patch(**LINEAR), Patch(**SHADE)]
        lines = [panel.bars, panel.predicted, panel.curve, panel.slope, *shades]
        labels = [TEXT[n] for n in ("bars", "predicted", "curve", "slope", "linear", "saturated")]
        self.figure.legend(lines, labels, loc="lower center", ncols=len(lines), borderaxespad=0.2)


class CurveOverBars:
    """Bars of a layer's pre-activations, standing on the floor of a panel that shows f and f'."""

    def __init__(self, axes):
        self.axes, self.shades = axes, []
        self.bars = axes.stairs(np.zeros(BINS), np.linspace(-REACH, REACH, BINS + 1), fill=True, color=SKY)
        (self.curve,) = axes.plot([], [], **VALUE)
        (self.slope,) = axes.plot([], [], **(SLOPE | {"color": BLACK, "linestyle": "-.", "linewidth": 1.4}))
        (self.predicted,) = axes.plot([], [], **PREDICTED)
        self.facts = QuickText(axes, 0.5, 1.05)
        self.artists = [self.bars, self.predicted, self.curve, self.slope, self.facts]
        axes.set(xlim=(-1.03 * REACH, 1.03 * REACH), xlabel="z; what lies beyond ±8 counts in the last bars")
        axes.grid(False)

    def set_activation(self, entry):
        """Draw another activation, and shade where it is nearly straight and where it is nearly flat."""
        self.low, self.high = (float(limit) for limit in entry.limits)
        self.axes.set(ylim=(self.low, self.high), yticks=np.linspace(self.low, self.high, 5))
        self.curve.set_data(Z, entry.f(Z))
        self.slope.set_data(Z, entry.df(Z))
        for shade in self.shades:
            shade.remove()
        straight = Z[entry.df(Z) >= LINEAR_SLOPE * largest_slope(entry)]
        self.shades = [self.axes.axvspan(straight[0], straight[-1], **LINEAR)]
        self.shades += [self.axes.axvspan(*ends, **SHADE) for ends in saturated_intervals(entry, Z)]

    def show(self, values, predicted, facts):
        """Draw pre-activations, the predicted share of each bin, and the facts as a line of text."""
        counted = histogram(values, -REACH, REACH, BINS)
        unit = height_unit(counted.shares) / (FULL * (self.high - self.low))
        self.bars.set_data(self.low + counted.shares / unit, counted.edges, self.low)
        middles = (counted.edges[1:] + counted.edges[:-1]) / 2
        self.predicted.set_data(middles, np.minimum(self.low + predicted / unit, self.high))
        self.facts.set_text(TEXT["facts"].format(**facts).replace("-", "−"))


class OutputBars:
    """A histogram of what the activation puts out, over its whole range."""

    def __init__(self, axes):
        self.axes = axes
        self.bars = axes.stairs(np.zeros(OUT_BINS), np.linspace(0, 1, OUT_BINS + 1), fill=True, color=SKY)
        self.artists = [self.bars]
        axes.set(ylim=(0, 1.1), yticks=[], title="output of the activation: f of the above")
        axes.grid(False)

    def set_activation(self, entry):
        """Set the range to that of another activation."""
        self.low, self.high = (float(limit) for limit in entry.limits)
        room = 0.02 * (self.high - self.low)
        self.axes.set_xlim(self.low - room, self.high + room)

    def show(self, values):
        """Draw the activations."""
        counted = histogram(values, self.low, self.high, OUT_BINS)
        self.bars.set_data(counted.shares / counted.shares.max(), counted.edges)


def where_it_falls(entry, z) -> dict:
    """Return mean and std of pre-activations, the shares in the linear and the flat part, the mean slope."""
    slope, largest = entry.df(z), largest_slope(entry)
    mean, std = mean_and_std(z)
    return {
        "mean": round(mean, 9) + 0.0,  # what is 0 but for rounding is told as 0
        "std": std,
        "linear": float(np.mean(slope >= LINEAR_SLOPE * largest)),
        "saturated": float(np.mean(slope < SATURATED_SLOPE * largest)),
        "slope": float(slope.mean()),
    }


def predicted_before(model, x, layer) -> np.ndarray:
    """Return the share of pre-activations in each bin, by mean-field theory: a mixture of N(0, q)."""
    q = predict(model, x, np.zeros(len(x))).q[layer - 1]
    return predicted_density("linear", q, -REACH, REACH, BINS)


def predicted_after(variance, gamma, beta) -> np.ndarray:
    """Return the share in each bin if every unit is normal: N(β, γ² v / (v + ε)), a unit of variance v."""
    q = gamma**2 * variance / (variance + KERAS_EPS)
    return predicted_density("linear", q, -REACH - beta, REACH - beta, BINS)


def _in_words(variance, gamma, undo):
    if variance.max() == 0:
        return TEXT["same"]
    if undo:
        return TEXT["undone"]
    if gamma == 0:
        return TEXT["no_gamma"]
    return TEXT["small"] if np.median(variance) < 10 * KERAS_EPS else ""
