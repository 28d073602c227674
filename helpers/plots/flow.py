"""Pictures of lesson 02: the gradient ratio by depth, all activations at once, the lottery of narrow nets."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from helpers.plots.panels import fitting_limits, power_of_ten
from helpers.plots.style import MEASURED, PREDICTED, SKY, Picture, styled

REACHES = (10, 20, 30, 40, 50, 70, 100)  # ends of a live layer axis, so that it changes seldom
COLUMNS = 4
DECADES = 2.4  # a log axis shows at least so many, lest the eye take noise for a trend


def reach_of(depth) -> int:
    """Return the smallest of `REACHES` that holds `depth` layers; raises ValueError above the largest."""
    if depth > REACHES[-1]:
        raise ValueError(f"depth must be at most {REACHES[-1]}, got {depth}")
    return next(reach for reach in REACHES if depth <= reach)


def set_layer_axis(axes: Axes, depth) -> None:
    """Let the x axis reach from layer 1 to `reach_of(depth)`, with a little room on both sides."""
    reach = reach_of(depth)
    axes.set_xlim(1 - 0.03 * reach, 1.03 * reach)


@styled()
def ratio_by_depth(depths, measured, predicted, *, alt="gradient ratio against depth") -> Picture:
    """Return the ratio first / last layer against depth: median, bar from low to high, prediction.

    `measured` maps a label to an array (seeds, depths), `predicted` the same labels to (depths,). Each label
    has its own panel and scale.
    """
    picture = Picture((9.6, 3.0), alt, layout="constrained")
    panels = picture.subplots(1, len(measured), squeeze=False)[0]
    for axes, (label, ratios) in zip(panels, measured.items(), strict=True):
        low, middle, high = np.log10([ratios.min(axis=0), np.median(ratios, axis=0), ratios.max(axis=0)])
        bars = [middle - low, high - middle]
        axes.errorbar(
            depths, middle, bars, **MEASURED | {"linestyle": ""}, capsize=4, label="median and range"
        )
        axes.plot(depths, np.log10(predicted[label]), **PREDICTED, label="predicted")
        axes.set(title=label, xlabel="depth")
        _log_axis(axes, [*low, *high, *np.log10(predicted[label])])
    panels[0].set_ylabel("gradient norm, first / last layer")
    panels[0].legend(loc="upper right")
    return picture


@styled()
def small_multiples(measured, predicted, *, ylabel, alt="gradient norm per layer, one panel each") -> Picture:
    """Return a small panel per label: dots over layers and the predicted line, each on its own log axis.

    `measured` and `predicted` map the same labels to one positive number per layer.
    """
    rows = -(-len(measured) // COLUMNS)
    picture = Picture((9.6, 0.3 + 1.25 * rows), alt, layout="constrained")
    grid = picture.subplots(rows, COLUMNS, squeeze=False, sharex=True)
    for axes, (label, norms) in zip(grid.flat, measured.items(), strict=False):
        layers, logs, line = np.arange(1, len(norms) + 1), np.log10(norms), np.log10(predicted[label])
        axes.plot(layers, logs, **MEASURED | {"linestyle": ""}, label="measured")
        axes.plot(layers, line, **PREDICTED, label="predicted")
        axes.set_title(label, fontsize=9, pad=2)
        _log_axis(axes, [*logs, *line])
    for spare in list(grid.flat)[len(measured) :]:
        spare.set_visible(False)
    picture.supxlabel("layer", fontsize=9)
    picture.supylabel(ylabel, fontsize=9)
    picture.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return picture


@styled()
def lottery(paths, per_layer, *, alt="log of the signal layer by layer, one line per seed") -> Picture:
    """Return one panel per label: a thin line per seed, and the predicted spread of ±2 standard deviations.

    `paths` maps a label to an array (seeds, layers) of the log of the signal's mean square, `per_layer` the
    same labels to the predicted (drift, variance) that one layer adds to it.
    """
    picture = Picture((9.0, 2.8), alt, layout="constrained")
    panels = picture.subplots(1, len(paths), sharey=True, squeeze=False)[0]
    for axes, (label, logs) in zip(panels, paths.items(), strict=True):
        layers = np.arange(1, logs.shape[1] + 1)
        lines = axes.plot(layers, logs.T, color=SKY, linewidth=0.6)
        drift, variance = per_layer[label]
        for sign in (-2, 2):
            border = drift * layers + sign * np.sqrt(variance * layers)
            (edge,) = axes.plot(layers, border, **PREDICTED)
        axes.set(title=label, xlabel="layer")
    panels[0].set_ylabel("ln of the mean square of h")
    labels = ["one seed, measured", "predicted, ±2 standard deviations"]
    panels[0].legend([lines[0], edge], labels, loc="lower left")
    return picture


def _log_axis(axes, logs):
    """Whole powers of ten as ticks, and at least `DECADES` of them in sight."""
    axes.set_ylim(*fitting_limits(np.asarray(logs, float), (0, 1e9), DECADES))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
