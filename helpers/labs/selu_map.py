"""SELU's map: where one layer takes the mean and the variance of its input, and where many lead."""

from functools import lru_cache

import numpy as np

from helpers.labs import knobs, live, wording
from helpers.numerics.activations import get_activation
from helpers.numerics.theory import moment_map
from helpers.plots.frame import Arrows, Axis, Frame, Line, Panel, Points, beside, stacked
from helpers.plots.over_layers import layers_panel

LAYERS = 15
SETTLING = 60  # further layers that the prediction is followed for, to see where it comes to rest
BATCH = 200
VANISHED = 1e-8  # a variance below this is nothing to see
GRID = np.reshape(np.meshgrid(np.linspace(-1, 1, 11), np.linspace(0, 3, 13)), (2, -1))  # means, variances
WIDTHS = (2, 5, 10, 20, 50, 100, 200)
REACH = 1e3  # a path is drawn so far out of the picture: all the dashes on the way farther would take long
ARROW = 0.14  # the longest arrow, in units of the picture's axes

TEXT = {
    "impossible": "Prediction only: no {width} weights have sum {omega:g} and squares adding to {tau:g}.",
    "overflow": "Overflow: the variance grows out of all bounds.",
    "outside": "The path leaves the picture at layer {layer}.",
    "constant": "In the end the variance is 0: every input becomes the same number.",
}


class SeluMapLab(live.LiveFigure):
    """The map of (mean, variance) as arrows, the path of a start point, and a real random network's dots."""

    READ_OUT = {
        "predicted_mean": f"mean of h, layer {LAYERS}, predicted",
        "predicted_variance": f"variance of h, layer {LAYERS}, predicted",
        "measured_mean": f"mean of h, layer {LAYERS}, measured",
        "measured_variance": f"variance of h, layer {LAYERS}, measured",
    }

    def controls(self):
        return {
            "activation": knobs.activation("selu", "activation"),
            "mean": live.real("start mean", -1, 1, 0.05, 0.6),
            "variance": live.real("start variance", 0, 3, 0.05, 2.5),
            "omega": live.real("ω: sum of w", -2, 2, 0.05, 0.0),
            "tau": live.real("τ: sum of w²", 0, 4, 0.05, 1.0),
            "width": live.steps("width", WIDTHS, 100),
        }

    def update(self, activation, mean, variance, omega, tau, width):
        path = predicted_path(activation, mean, variance, omega, tau, LAYERS + SETTLING)
        possible = omega**2 <= width * tau
        predicted, measured = path[: LAYERS + 1], np.full((LAYERS + 1, 2), np.nan)
        if possible:
            measured = measured_path(activation, mean, variance, omega, tau, balanced_weights(width))
        curves = stacked(
            layers_panel("mean of h, per layer", measured[1:, 0], predicted[1:, 0], log=False),
            layers_panel("std of h, per layer", *np.sqrt([measured[1:, 1], predicted[1:, 1]]), log=True),
        )
        arrows = Arrows(*GRID, *arrow_field(activation, omega, tau))
        rest = path[-1] if comes_to_rest(path) else (np.nan, np.nan)
        impossible = TEXT["impossible"].format(width=width, omega=omega, tau=tau)
        return Frame(
            beside(map_panel(arrows, predicted, measured, rest), curves, widths=(1.35, 1)),
            height=380,
            words=_in_words(path) if possible else impossible,
            numbers=_numbers("predicted", *predicted[-1])
            | (_numbers("measured", *measured[-1]) if possible else {}),
        )


def map_panel(arrows, predicted, measured, rest) -> Panel:
    """Return the map: arrows, and two paths (layers + 1, 2) from their common start to the place of rest."""
    in_reach = np.where(np.abs(predicted) < REACH, predicted, np.nan)
    marks = (
        arrows,
        Line(*in_reach.T, "predicted", "predicted"),
        Points(*measured.T, "measured", "measured"),
        Points(*predicted[0], "start", "start"),
        Points(0, 1, "fixed point", "(0, 1)"),
        Points(*rest, "goal", "comes to rest"),
    )
    x, y = Axis(-1.1, 1.1, label="mean of h"), Axis(-0.12, 3.12, label="variance of h")
    return Panel(marks, "one layer takes (mean, variance) along the arrow", x, y)


@lru_cache(maxsize=16)
def arrow_field(activation, omega, tau) -> tuple[np.ndarray, np.ndarray]:
    """Return where the map takes each point of `GRID`, as short arrows (dx, dy)."""
    mean, variance = moment_map(activation, *GRID, omega, tau)
    return short_arrows(mean - GRID[0], variance - GRID[1])


@lru_cache(maxsize=1)
def balanced_weights(width) -> np.ndarray:
    """Return LAYERS square weight matrices whose columns have the sum 0 and squares that add up to 1.

    √τ times them, plus ω / width, has the sum ω and squares that add up to τ + ω² / width.
    """
    weights = np.random.default_rng(0).standard_normal((LAYERS, width, width))
    weights -= weights.mean(axis=1, keepdims=True)
    return weights / np.sqrt(np.square(weights).sum(axis=1, keepdims=True))


def measured_path(activation, mean, variance, omega, tau, weights) -> np.ndarray:
    """Return (mean, variance) of the input and of each layer of a real random network, (layers + 1, 2).

    Every unit's weights have exactly the sum ω and the sum of squares τ; the inputs are normal numbers.
    """
    f, width = get_activation(activation).f, weights.shape[1]
    h = np.random.default_rng(1).standard_normal((BATCH, width))
    h = mean + np.sqrt(variance) * (h - h.mean()) / h.std()
    spread, shift = np.sqrt(tau - omega**2 / width), omega
    path = [(h.mean(), h.var())]
    for W in weights:
        h = f(spread * (h @ W) + shift * h.mean(axis=1, keepdims=True))
        path.append((h.mean(), h.var()))
    return np.array(path)


def predicted_path(activation, mean, variance, omega, tau, layers) -> np.ndarray:
    """Return (mean, variance) of the input and of `layers` layers, as the map has it, (layers + 1, 2)."""
    path = [(mean, variance)]
    for _ in range(layers):
        mean, variance = moment_map(activation, mean, variance, omega, tau)
        variance = np.maximum(variance, 0.0)  # E[f²] − E[f]² can round to less than 0
        path.append((float(mean), float(variance)))
        if not np.isfinite(variance) or variance > 1e30:
            break
    return np.array(path + [path[-1]] * (layers + 1 - len(path)))


def comes_to_rest(path) -> bool:
    """Return whether the last layer of a path moved it by less than a thousandth, or it has vanished."""
    moved = np.abs(path[-1] - path[-2]).max()
    return bool(
        np.isfinite(path[-1]).all() and (moved < 1e-3 * np.abs(path[-1]).max() or path[-1, 1] < VANISHED)
    )


def short_arrows(dx, dy) -> tuple[np.ndarray, np.ndarray]:
    """Return arrows of the same directions, none longer than `ARROW` (tanh of the length)."""
    length = np.hypot(dx, dy)
    with np.errstate(all="ignore"):
        factor = np.where(length > 0, ARROW * np.tanh(length / ARROW) / length, 0)
    return np.nan_to_num(dx * factor), np.nan_to_num(dy * factor)


def _numbers(name, mean, variance):
    """The two numbers that a path ends at; each can be what rounding left beside the other one."""
    std = np.sqrt(variance)
    left = isinstance(wording.or_rounding(std, mean), live.ByRounding)
    return {
        f"{name}_mean": wording.or_rounding(mean, std),
        f"{name}_variance": live.ByRounding(variance) if left else variance,
    }


def _in_words(path):
    with np.errstate(all="ignore"):
        if not np.isfinite(path).all() or path[-1, 1] > 1e12:
            return TEXT["overflow"]
    if path[-1, 1] < VANISHED:
        return (
            "In the end the signal vanishes: mean and variance go to 0."
            if abs(path[-1, 0]) < 1e-4
            else TEXT["constant"]
        )
    outside = np.flatnonzero((np.abs(path[:, 0]) > 1.1) | (path[:, 1] > 3.12))
    return TEXT["outside"].format(layer=outside[0]) if outside.size else ""
