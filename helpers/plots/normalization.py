"""Still pictures of lesson 06: a unit's input while it learns, bars under σ, results against a scale."""

import numpy as np
from matplotlib.ticker import FuncFormatter, NullLocator

from helpers.numerics.activations import sigmoid
from helpers.plots.style import BLACK, BLUE, COLOURS, LINES, MARKERS, ORANGE, RED, SKY, Picture, styled

REACH, BINS = 6.0, 48
Z = np.linspace(-REACH, REACH, 121)


@styled()
def quantile_bands(runs, *, xlabel, ylabel, alt) -> Picture:
    """Return panels side by side, `runs` being title → (places, quantiles of shape (places, 3)).

    The line is the middle quantile, the band reaches from the lowest to the highest; the dashed line lies
    where the middle one began. All panels have the same axes.
    """
    picture = Picture((9.6, 2.8), alt, layout="constrained")
    grid = picture.subplots(1, len(runs), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (title, (places, quantiles)) in zip(grid, runs.items(), strict=True):
        low, middle, high = np.transpose(quantiles)
        axes.fill_between(places, low, high, color=SKY, alpha=0.5, linewidth=0, label="15 to 85 %")
        axes.plot(places, middle, color=BLUE, marker="o", markersize=3, linewidth=1.5, label="median")
        axes.axhline(middle[0], color=BLACK, linestyle="--", linewidth=1, label="median at the start")
        axes.set(title=title, xlabel=xlabel)
    grid[0].set_ylabel(ylabel)
    _legend_below(picture, grid[0])
    return picture


@styled()
def over_sigmoid(groups, *, alt) -> Picture:
    """Return the histogram of each group of pre-activations under the sigmoid's curve, with the best line.

    `groups` is title → (values, (slope, height at 0)); the line is drawn where the middle 95 % of the values
    lie. What lies beyond ±6 is in the last bars, and the tallest bar reaches to 0.9.
    """
    picture = Picture((9.6, 2.8), alt, layout="constrained")
    grid = picture.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for axes, (title, (values, (slope, height))) in zip(grid, groups.items(), strict=True):
        counts, edges = np.histogram(np.clip(values, -REACH, REACH), BINS, (-REACH, REACH))
        axes.stairs(0.9 * counts / counts.max(), edges, fill=True, color=SKY, label="pre-activations")
        axes.plot(Z, sigmoid(Z), color=BLACK, linewidth=1.5, label="σ")
        ends = np.clip(np.quantile(values, (0.025, 0.975)), -REACH, REACH)
        axes.plot(ends, height + slope * ends, color=RED, linestyle="--", linewidth=2, label="best line")
        axes.set(title=title, xlabel="z", ylim=(-0.03, 1.03))
    _legend_below(picture, grid[0])
    return picture


@styled()
def seeds_against(panels, *, xlabels, ylabel, alt, height=3.0) -> Picture:
    """Return median and range over seeds against a quantity on a log axis.

    `panels` is title → {label → {place → one number per seed}}, with one of `xlabels` for each. Line style
    and marker tell the labels apart, not colour alone; all labels of a panel share its places. nan is left
    out, so that a median of runs that diverged is not drawn.
    """
    picture = Picture((9.6, height), alt, layout="constrained")
    grid = picture.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, runs), xlabel in zip(grid, panels.items(), xlabels, strict=True):
        for i, (label, by_place) in enumerate(runs.items()):
            _median_and_range(axes, i, label, by_place)
        axes.set(title=title, xlabel=xlabel, xscale="log")
        places = list(next(iter(runs.values())))
        axes.set_xticks(places, [f"{place:g}" for place in places])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    grid[0].set_ylabel(ylabel)
    _legend_below(picture, grid[0])
    return picture


def _median_and_range(axes, i, label, by_place):
    places, values = list(by_place), np.array(list(by_place.values()), float)
    colour = (BLUE, RED, *COLOURS[2:4], ORANGE)[i]
    axes.fill_between(places, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.18, linewidth=0)
    look = {"color": colour, "marker": MARKERS[i], "linestyle": LINES[i], "markersize": 5}
    axes.plot(places, np.median(values, axis=1), label=label, **look)


def _legend_below(picture, axes):
    handles, labels = axes.get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=len(labels))
