"""Still pictures of lesson 04: many networks' histograms in one, losses along a line, results over seeds."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from helpers.numerics.theory import predicted_density
from helpers.plots.panels import FULL_HEIGHT, height_unit, spread_in_words
from helpers.plots.style import BLACK, BLUE, COLOURS, MARKERS, PREDICTED, SKY, Picture, styled
from helpers.signals.measures import histogram_range

COLUMNS = 10
# Without antialiasing a row of histograms takes two thirds of the bytes.
_EXPECTED = PREDICTED | {"linewidth": 1.1, "antialiased": False}
_DASHED = {"linestyle": "--", "linewidth": 2.5, "alpha": 0.6}  # what theory predicts


@styled()
def histogram_rows(traces, predictions=None, *, alt) -> Picture:
    """Return one row of histograms per network, `traces` being label → `Trace`, ten layers to a row.

    Deeper networks show ten layers evenly picked. `predictions` (label → `Prediction`) draws what theory
    expects, dashed. Heights are relative within each histogram; `alt` says in words what is to be seen.
    """
    picture = Picture((9.6, 0.3 + 1.05 * len(traces)), alt, layout="constrained")
    grid = picture.subplots(len(traces), COLUMNS, squeeze=False)
    numbered = None
    for row, (label, trace) in zip(grid, traces.items(), strict=True):
        _histogram_row(row, trace, predictions and predictions.get(label))
        row[0].set_ylabel(label.replace(", ", "\n", 1), fontsize=8)
        if numbered != len(trace.hidden):  # the layers' numbers, once for all rows that show the same layers
            _number_layers(row, layers_shown(len(trace.hidden)))
            numbered = len(trace.hidden)
    return picture


def layers_shown(depth, columns=COLUMNS) -> np.ndarray:
    """Return the layers that a row has room for, counted from 0: all of them, or some evenly picked."""
    return np.unique(np.linspace(0, depth - 1, columns).round().astype(int))


@styled()
def seed_panels(panels, predicted=None, *, xlabel, alt, first=1) -> Picture:
    """Return panels side by side, `panels` being title → {label → array (seeds, points)}, on log axes.

    Solid lines are medians over the seeds, bands reach from the smallest to the largest. `predicted` (label →
    one number per point) is drawn dashed. Points are numbered from `first`; one legend serves all panels.
    """
    picture = Picture((9.6, 3.2), alt, layout="constrained")
    for axes, (title, runs) in zip(
        picture.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        for label, values in runs.items():
            i = list(next(iter(panels.values()))).index(label)
            _median_and_range(axes, first + np.arange(values.shape[1]), values, i, label)
            if predicted:
                axes.plot(first + np.arange(values.shape[1]), predicted[label], **_DASHED, color=COLOURS[i])
        axes.set(title=title, xlabel=xlabel)
        _log_axis(axes)
    _legend_below(picture, bool(predicted))
    return picture


@styled()
def loss_lines(distances, losses, *, alt) -> Picture:
    """Return the loss along a line for several starts, `losses` being title → (losses, the start's own loss).

    Panels whose losses are of one size share their axis, so that flat looks flat beside steep.
    """
    picture = Picture((9.6, 2.8), alt, layout="constrained")
    limits = _shared_limits([values for values, _ in losses.values()])
    for axes, (title, (values, start)), lim in zip(
        picture.subplots(1, len(losses), squeeze=False)[0], losses.items(), limits, strict=True
    ):
        axes.plot(distances, values, color=BLUE, linewidth=1.5)
        axes.plot([0], [start], color=COLOURS[1], marker="D", linestyle="none", label="the start")
        axes.set(title=title, xlabel="distance along the line", ylim=lim)
    picture.axes[0].set_ylabel("loss")
    picture.axes[0].legend(loc="upper center")
    return picture


@styled()
def matrix_images(matrices, *, alt, height=2.6) -> Picture:
    """Return weight matrices as images, `matrices` being title → array; each has its own colour scale."""
    picture = Picture((9.6, height), alt, layout="constrained")
    for axes, (title, W) in zip(
        picture.subplots(1, len(matrices), squeeze=False)[0], matrices.items(), strict=True
    ):
        reach = max(np.abs(W).max(), 1e-12)
        axes.imshow(W, cmap="PuOr", vmin=-reach, vmax=reach, interpolation="nearest")
        axes.set(title=title, xlabel="unit", ylabel="input")
        axes.grid(False)
    return picture


@styled()
def seed_dots(groups, *, ylabel, alt) -> Picture:
    """Return one dot per seed and a bar at the median; `groups` is title → {label → numbers}."""
    picture = Picture((9.6, 2.8), alt, layout="constrained")
    for axes, (title, runs) in zip(
        picture.subplots(1, len(groups), sharey=True, squeeze=False)[0], groups.items(), strict=True
    ):
        for i, values in enumerate(runs.values()):
            places = i + np.linspace(-0.15, 0.15, len(values))
            axes.plot(places, values, color=COLOURS[i], marker=MARKERS[i], linestyle="none", markersize=5)
            axes.plot([i - 0.3, i + 0.3], [np.median(values)] * 2, color=BLACK, linewidth=1.5)
        axes.set_xticks(range(len(runs)), list(runs))
        axes.set_title(title)
    picture.axes[0].set_ylabel(ylabel)
    return picture


def _histogram_row(row, trace, prediction):
    shown = layers_shown(len(trace.hidden))
    for axes, i in zip(row, shown, strict=False):
        layer = trace.hidden[i]
        low, high = histogram_range(layer.activation)
        bins = len(layer.histogram.counts)
        density = (
            None
            if prediction is None
            else predicted_density(layer.activation, prediction.q[i], low, high, bins)
        )
        _histogram(axes, layer, density)
        axes.set_title(spread_in_words(layer), fontsize=8, pad=3)
        axes.tick_params(labelbottom=i == 0)
    for spare in row[len(shown) :]:
        spare.set_visible(False)


def _number_layers(row, shown):
    for axes, i in zip(row, shown, strict=False):
        axes.set_title(f"layer {i + 1}\n{axes.get_title()}", fontsize=8, pad=3)


def _histogram(axes, layer, density):
    shares, edges = layer.histogram.shares, layer.histogram.edges
    unit = height_unit(shares)
    heights = np.minimum(shares / unit, FULL_HEIGHT)
    axes.stairs(heights, edges, fill=True, color=SKY, linewidth=0, antialiased=False)
    if density is not None:
        middles = (edges[1:] + edges[:-1]) / 2
        axes.plot(middles, np.minimum(density / unit, FULL_HEIGHT), **_EXPECTED)
    margin = 0.04 * (edges[-1] - edges[0])
    axes.set(ylim=(0, FULL_HEIGHT), yticks=[], xlim=(edges[0] - margin, edges[-1] + margin))
    axes.set_xticks([edges[0], edges[-1]], [f"{edges[0]:.3g}", f"{edges[-1]:.3g}"], fontsize=7)
    axes.grid(False)


def _median_and_range(axes, places, values, i, label):
    axes.fill_between(
        places, values.min(axis=0), values.max(axis=0), color=COLOURS[i], alpha=0.2, linewidth=0
    )
    style = {
        "color": COLOURS[i],
        "marker": MARKERS[i],
        "markersize": 4,
        "markevery": max(1, len(places) // 10),
    }
    axes.plot(places, np.median(values, axis=0), label=label, **style)


def _log_axis(axes):
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high / low < 1e3:  # a few labels inside each decade, in plain figures
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))


def _legend_below(picture, with_predicted):
    handles, labels = picture.axes[0].get_legend_handles_labels()
    if with_predicted:
        handles, labels = [*handles, Line2D([], [], **_DASHED, color="#666666")], [*labels, "predicted"]
    picture.legend(handles, labels, loc="outside lower center", ncols=len(labels))


def _shared_limits(curves):
    """Limits per curve, common to curves of one size: those whose largest values are within a factor of 2."""
    tops = [values.max() for values in curves]
    groups = [
        [c for c, t in zip(curves, tops, strict=True) if max(t, top) <= 2 * min(t, top)] for top in tops
    ]
    spans = [(min(c.min() for c in group), max(c.max() for c in group)) for group in groups]
    return [(low - 0.08 * (high - low) - 1e-9, high + 0.08 * (high - low) + 1e-9) for low, high in spans]
