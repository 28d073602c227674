"""Pictures of lesson 02: the gradient ratio by depth, every activation at once, and the lottery of narrow nets."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from helpers.plots.panels import power_of_ten
from helpers.style import BLUE, COLOURS, MARKERS, MEASURED, PREDICTED, RED, Picture, styled

REACHES = (10, 25, 50, 100)  # ends of a live layer axis, so that it changes seldom
COLUMNS = 4


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
def ratio_by_depth(
    depths, measured, predicted, *, alt="gradient ratio first / last layer against depth"
) -> Picture:
    """Return the ratio first / last layer against depth: median dots, a bar from lowest to highest, prediction.

    `measured` maps a label to an array (seeds, len(depths)), `predicted` the same labels to (len(depths),).
    """
    picture = Picture((9.6, 3.4), alt, layout="constrained")
    axes = picture.subplots()
    for i, (label, ratios) in enumerate(measured.items()):
        low, middle, high = np.log10([ratios.min(axis=0), np.median(ratios, axis=0), ratios.max(axis=0)])
        axes.errorbar(
            depths, middle, [middle - low, high - middle], color=COLOURS[i], marker=MARKERS[i], markersize=5,
            linestyle="", capsize=4, label=f"{label}, measured",
        )  # fmt: skip
        line = {**PREDICTED, "color": COLOURS[i]}
        axes.plot(depths, np.log10(predicted[label]), **line, label=f"{label}, predicted")
    axes.set(xlabel="depth", ylabel="gradient norm, first / last layer")
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture


@styled()
def small_multiples(measured, predicted, *, ylabel, alt="one small panel per network") -> Picture:
    """Return a small panel per label: dots over layers, and the predicted dashed line, all on one log axis.

    `measured` and `predicted` map the same labels to one positive number per layer.
    """
    rows = -(-len(measured) // COLUMNS)
    picture = Picture((9.6, 0.3 + 1.25 * rows), alt, layout="constrained")
    grid = picture.subplots(rows, COLUMNS, squeeze=False, sharex=True, sharey=True)
    for axes, (label, norms) in zip(grid.flat, measured.items(), strict=False):
        layers = np.arange(1, len(norms) + 1)
        axes.plot(layers, np.log10(norms), **MEASURED, label="measured")
        axes.plot(layers, np.log10(predicted[label]), **PREDICTED, label="predicted")
        axes.set_title(label, fontsize=9, pad=2)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    for spare in list(grid.flat)[len(measured) :]:
        spare.set_visible(False)
    picture.supxlabel("layer", fontsize=9)
    picture.supylabel(ylabel, fontsize=9)
    picture.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return picture


@styled()
def lottery(
    paths, variance_per_layer, *, alt="log of the signal layer by layer, one line per seed"
) -> Picture:
    """Return one panel per label with a thin line per seed and the predicted spread of ±2 standard deviations.

    `paths` maps a label to an array (seeds, layers) of ln‖h‖², centred by nobody; `variance_per_layer` maps the
    label to (drift, variance) per layer.
    """
    picture = Picture((9.6, 3.4), alt, layout="constrained")
    all_axes = picture.subplots(1, len(paths), sharey=True)
    for axes, (label, values) in zip(np.ravel(all_axes), paths.items(), strict=True):
        layers = np.arange(1, values.shape[1] + 1)
        drift, variance = variance_per_layer[label]
        axes.plot(layers, values.T, color=BLUE, linewidth=0.6, alpha=0.5)
        for sign in (-2, 2):
            axes.plot(
                layers,
                drift * layers + sign * np.sqrt(variance * layers),
                color=RED,
                linestyle="--",
                linewidth=2,
            )
        axes.plot([], [], color=BLUE, linewidth=0.6, label="one seed, measured")
        axes.plot([], [], color=RED, linestyle="--", linewidth=2, label="predicted, ±2 standard deviations")
        axes.set(title=label, xlabel="layer")
    np.ravel(all_axes)[0].set_ylabel("ln of the mean square of h")
    np.ravel(all_axes)[0].legend(loc="lower left")
    return picture
