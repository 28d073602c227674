"""Histograms: of the activations, layer by layer or network by network, of weights, of a sigmoid's input."""

import numpy as np

from helpers.numerics.activations import get_activation, sigmoid
from helpers.plots.axes import grid_of_panels, legend_below, log_scale, row_of_panels, two_lines
from helpers.plots.frame import Axis, Frame, Line, Panel, Steps, grid
from helpers.plots.over_layers import evenly_picked
from helpers.plots.paint import paint
from helpers.plots.style import BLACK, RED, SKY, Picture, styled
from helpers.signals.measures import histogram_range

FULL_HEIGHT = 1.1  # histograms are drawn relative to their tallest bin, with room for the prediction above
LONE_BIN = 3  # a bin this many times taller than the next is cut off at the frame: ReLU's zeros, for example
COLUMNS, PER_NETWORK = 5, 10  # layers to a row: of one network, of several
REACH, BINS = 6.0, 48  # of the input of a sigmoid
Z = np.linspace(-REACH, REACH, 121)
BEYOND = 0.001  # a bar for all that lies beyond the axis is told in words from this share on


def layer_panel(number, layer, low, high, predicted=None, *, ticks=True) -> Panel:
    """Return the histogram of a `LayerSignal`, told as layer `number`, its predicted density dashed.

    A little room on both sides of `low` … `high` shows what piles up at the ends.
    """
    shares, edges = layer.histogram.shares, layer.histogram.edges
    unit, margin = height_unit(shares), 0.03 * (high - low)
    marks = [Steps(np.minimum(shares / unit, FULL_HEIGHT), edges[0], edges[-1])]
    if predicted is not None:
        heights = np.minimum(predicted / unit, FULL_HEIGHT)
        marks.append(Line((edges[1:] + edges[:-1]) / 2, heights, "predicted"))
    x = Axis(low - margin, high + margin, most=3, **({} if ticks else {"ticks": ()}))
    title = f"layer {number}: {spread_in_words(layer)}"
    return Panel(tuple(marks), title, x, Axis(0, FULL_HEIGHT, ticks=()), about=("layer", number))


def height_unit(shares) -> float:
    """Return the share of activations that a histogram draws at height 1.

    It is the tallest bin's, unless that bin stands alone and would flatten all the others: then it is the
    next one's, and the lone bar runs out of the frame. A signal that collapsed into one bin is not cut.
    """
    second, first = np.sort(shares)[-2:]
    lone = first > LONE_BIN * second and second > 0.01
    return float(second if lone else max(first, 1e-9))


def spread_in_words(layer) -> str:
    """Return a layer's standard deviation as a short label, or the word for what happened to it."""
    if not layer.finite:
        return "overflow"
    return f"std {layer.std:.2g}"


def histograms(trace, densities=None, *, alt="histograms of the activations, layer by layer") -> Picture:
    """Return the histogram of every hidden layer of a `Trace`, five to a row.

    `densities` may hold, per layer, the predicted share in each bin (`theory.predicted_density`), drawn
    dashed over the measured bars. Heights are relative to each layer's tallest bin.
    """
    densities = [None] * len(trace.hidden) if densities is None else densities
    panels = [
        layer_panel(i + 1, layer, *histogram_range(layer.activation), density)
        for i, (layer, density) in enumerate(zip(trace.hidden, densities, strict=True))
    ]
    return paint(Frame(grid(panels, COLUMNS), 30 + 115 * -(-len(panels) // COLUMNS)), alt)


@styled()
def histogram_rows(traces, *, alt) -> Picture:
    """Return one row of histograms per network, `traces` being label → `Trace`, ten layers to a row.

    Deeper networks show ten layers evenly picked. Heights are relative within each histogram. Of an
    activation without a limit the last bar would hold all that lies beyond the axis and look like a peak: it
    is left out, and its share told in words. `alt` says in words what is to be seen.
    """
    picture = Picture((9.6, 0.3 + 1.05 * len(traces)), alt, layout="constrained")
    grid = picture.subplots(len(traces), PER_NETWORK, squeeze=False)
    numbered = None
    for row, (label, trace) in zip(grid, traces.items(), strict=True):
        shown = evenly_picked(len(trace.hidden), PER_NETWORK)
        _histogram_row(row, shown, trace)
        row[0].set_ylabel(two_lines(label, at=", "), fontsize=8)
        if numbered != len(trace.hidden):  # the layers' numbers, once for all rows that show the same layers
            for axes, i in zip(row, shown, strict=False):
                axes.set_title(f"layer {i + 1}\n{axes.get_title()}", fontsize=8, pad=3)
            numbered = len(trace.hidden)
    return picture


def _histogram_row(row, shown, trace):
    for axes, i in zip(row, shown, strict=False):
        _histogram(axes, trace.hidden[i])
        axes.set_title(spread_in_words(trace.hidden[i]), fontsize=8, pad=3)
        axes.tick_params(labelbottom=i == 0)
    for spare in row[len(shown) :]:
        spare.set_visible(False)


def _histogram(axes, layer):
    shares, edges = layer.histogram.shares.copy(), layer.histogram.edges
    limits = get_activation(layer.activation).limits
    words = []
    for end, sign, limit in ((0, "<", limits[0]), (-1, ">", limits[1])):
        if np.isinf(limit) and shares[end] > BEYOND:
            told = f"{shares[end]:.0%}" if shares[end] >= 0.005 else "<1%"
            words.append(f"{told} {sign} {edges[end]:g}".replace("-", "−"))
            shares[end] = 0
    heights = np.minimum(shares / height_unit(shares), FULL_HEIGHT)
    axes.stairs(heights, edges, fill=True, color=SKY, linewidth=0, antialiased=False)
    axes.text(0.96, 0.94, "\n".join(words), fontsize=6.5, ha="right", va="top", transform=axes.transAxes)
    margin = 0.04 * (edges[-1] - edges[0])
    axes.set(ylim=(0, FULL_HEIGHT), yticks=[], xlim=(edges[0] - margin, edges[-1] + margin))
    axes.set_xticks([edges[0], edges[-1]], [f"{edges[0]:.3g}", f"{edges[-1]:.3g}"], fontsize=7)
    axes.grid(False)


@styled()
def weight_histograms(rows, *, reach, alt, bins=61) -> Picture:
    """Return histograms of weights, `rows` being label → {title → weights}, all on one axis −reach … reach.

    Heights are shares of all weights on a log axis, so that the few large weights are seen beside the many
    small ones. What lies beyond the ends is left out.
    """
    columns, height = len(next(iter(rows.values()))), 0.4 + 1.25 * len(rows)
    picture, panels = grid_of_panels(columns * len(rows), columns, alt, height, sharex=True, sharey=True)
    edges = np.linspace(-reach, reach, bins + 1)
    cells = [(label, title, weights) for label, states in rows.items() for title, weights in states.items()]
    for i, (axes, (label, title, weights)) in enumerate(zip(panels, cells, strict=True)):
        shares = np.histogram(weights, edges)[0] / np.size(weights)
        axes.stairs(shares, edges, fill=True, color=SKY, linewidth=0, antialiased=False)
        axes.set_title("" if i >= columns else title, fontsize=9)
        axes.set_ylabel("" if i % columns else label)
        axes.set_ylim(1e-5, 1.5)
        log_scale(axes.yaxis)
        axes.set_yticks([1e-4, 1e-2, 1])
    picture.supxlabel("weight", fontsize=9)
    return picture


@styled()
def over_sigmoid(groups, *, alt) -> Picture:
    """Return the histogram of each group of pre-activations under the sigmoid's curve, with the best line.

    `groups` is title → (values, (slope, height at 0)); the line is drawn where the middle 95 % of the values
    lie. What lies beyond ±6 is in the last bars, and the tallest bar reaches to 0.9.
    """
    picture, row = row_of_panels(len(groups), alt, 2.8, sharey=True)
    for axes, (title, (values, (slope, height))) in zip(row, groups.items(), strict=True):
        counts, edges = np.histogram(np.clip(values, -REACH, REACH), BINS, (-REACH, REACH))
        axes.stairs(0.9 * counts / counts.max(), edges, fill=True, color=SKY, label="pre-activations")
        axes.plot(Z, sigmoid(Z), color=BLACK, linewidth=1.5, label="σ")
        ends = np.clip(np.quantile(values, (0.025, 0.975)), -REACH, REACH)
        axes.plot(ends, height + slope * ends, color=RED, linestyle="--", linewidth=2, label="best line")
        axes.set(title=title, xlabel="z", ylim=(-0.03, 1.03))
    legend_below(picture, row[0])
    return picture
