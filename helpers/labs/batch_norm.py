"""Pre-activations before and after batch normalization, over the curve of the activation."""

from functools import lru_cache

import numpy as np

from helpers import data
from helpers.labs import knobs, live
from helpers.networks.mlp import MLP
from helpers.numerics.activations import ACTIVATIONS, SATURATED_SLOPE, largest_slope
from helpers.numerics.normalization import KERAS_EPS, batch_norm_forward, batch_statistics
from helpers.numerics.theory import predict, predicted_density
from helpers.plots.activation import saturated_intervals
from helpers.plots.frame import Axis, Bars, Frame, Line, Panel, Steps, beside, stacked
from helpers.plots.histograms import height_unit
from helpers.signals.measures import histogram, mean_and_std

IMAGES, WIDTH, DEPTH = 256, 100, 5
REACH, BINS = 8.0, 64
Z = np.linspace(-REACH, REACH, 401)
DRAWN = Z[::4]  # points of a curve
LINEAR_SLOPE = 0.75  # the linear part: a slope of 3/4 of the largest or more; for the sigmoid, |z| ≤ ln 3
FULL = 0.92  # of the panel's height, for the tallest bar
OUT_BINS = 50
GAMMAS = (0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 7, 10)
TITLES = {"before": "before: pre-activations z", "after": "after batch normalization, γ and β"}

TEXT = {
    "title": "{title}\n{linear:.0%} linear, {saturated:.0%} saturated",
    "same": "All images give the same pre-activation: its variance is 0, and normalized it is β.",
    "no_gamma": "γ is 0: whatever comes in, β goes out, and no gradient comes back.",
    "undone": "γ is each unit's √(variance + ε), β its mean: the input is back. The sliders γ, β rest.",
    "small": "Half of the units vary too little beside ε = 0.001: after it their std stays below γ.",
}
FACTS = {
    "mean": "mean of z",
    "std": "std of z",
    "linear": "share in the linear part",
    "saturated": "share saturated",
    "slope": "mean slope f'",
}


class BatchNormLab(live.LiveFigure):
    """Where a real layer's pre-activations fall on a sigmoid or tanh, before and after normalization."""

    READ_OUT = {f"{fact}_{name}": f"{words}, {name}" for name in TITLES for fact, words in FACTS.items()}

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

    def update(self, activation, layer, gain, gamma, beta, undo):
        entry = ACTIVATIONS[activation]
        x, _ = data.load_batch(IMAGES, dtype=np.float64)
        model = network(activation).scaled(gain)
        z = model.forward(x).z[layer - 1]
        mean, variance, _ = batch_statistics(z)
        scale, shift = np.full(WIDTH, float(gamma)), np.full(WIDTH, float(beta))
        if undo:
            scale, shift = np.sqrt(variance + KERAS_EPS), mean
        out, _ = batch_norm_forward(z, scale, shift)
        before = predicted_before(model, x, layer)
        after = before if undo else predicted_after(variance, gamma, beta)
        columns, numbers = [], {}
        for name, values, predicted in (("before", z, before), ("after", out, after)):
            facts = where_it_falls(entry, values)
            title = TEXT["title"].format(title=TITLES[name], **facts)
            panels = curve_over_bars(title, entry, values, predicted), output_bars(entry, values)
            columns.append(stacked(*panels, heights=(3, 1.4)))
            numbers |= {f"{fact}_{name}": value for fact, value in facts.items()}
        return Frame(beside(*columns), 450, _in_words(variance, gamma, undo) or data.notice(), numbers)


@lru_cache(maxsize=2)
def network(activation) -> MLP:
    """Return the network, of the same weights for both activations, before they are scaled."""
    return MLP((784, *[WIDTH] * DEPTH, 10), activation=activation, rng=np.random.default_rng(0))


def curve_over_bars(title, entry, values, predicted) -> Panel:
    """Return pre-activations as bars that stand on the floor of a panel that shows f and f'.

    Where f is nearly straight and where it is nearly flat is shaded; `predicted` is the share of each bin.
    """
    low, high = (float(limit) for limit in entry.limits)
    counted = histogram(values, -REACH, REACH, BINS)
    unit = height_unit(counted.shares) / (FULL * (high - low))
    middles = (counted.edges[1:] + counted.edges[:-1]) / 2
    straight = Z[entry.df(Z) >= LINEAR_SLOPE * largest_slope(entry)]
    flat = np.transpose(saturated_intervals(entry, Z))
    measured = f"measured, {IMAGES} images × {WIDTH} units"
    marks = (
        Bars(*flat, *np.broadcast_to([[low], [high]], flat.shape), "shade", "saturated"),
        Bars(straight[0], straight[-1], low, high, "hatched", "linear part"),
        Steps(low + counted.shares / unit, -REACH, REACH, low, label=measured),
        Line(DRAWN, entry.f(DRAWN), "strong line", "activation f"),
        Line(DRAWN, entry.df(DRAWN), "derivative", "its slope f'"),
        Line(middles, np.minimum(low + predicted / unit, high), "predicted", "predicted"),
    )
    label, ticks = "z (last bars: all beyond ±8)", {z: str(z) for z in (-8, -4, 0, 4, 8)}
    return Panel(marks, title, Axis(-1.03 * REACH, 1.03 * REACH, label=label, ticks=ticks), Axis(low, high))


def output_bars(entry, values) -> Panel:
    """Return the activations of these pre-activations as bars."""
    low, high = (float(limit) for limit in entry.limits)
    counted, room = histogram(entry.f(values), low, high, OUT_BINS), 0.02 * (high - low)
    bars = Steps(counted.shares / counted.shares.max(), low, high)
    title, x = "output of the activation: f of the above", Axis(low - room, high + room)
    return Panel((bars,), title, x, Axis(0, 1.1, ticks=()))


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
