"""Still pictures of what happens layer by layer: histograms, curves, and curves over several seeds."""

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from helpers.plots.panels import HistogramPanel, power_of_ten
from helpers.plots.style import COLOURS, LINES, MARKERS, Picture, styled
from helpers.signals.measures import histogram_range

COLUMNS = 5


@styled()
def histograms(trace, densities=None, *, alt="histograms of the activations, layer by layer") -> Picture:
    """Return the histogram of every hidden layer of a `Trace`, five to a row.

    `densities` may hold, per layer, the predicted share in each bin (`meanfield.predicted_density`), drawn
    dashed over the measured bars. Heights are relative to each layer's tallest bin.
    """
    layers = trace.hidden
    rows = -(-len(layers) // COLUMNS)
    picture = Picture((9.6, 0.35 + 1.15 * rows), alt, layout="constrained")
    axes = picture.subplots(rows, COLUMNS, squeeze=False, sharex=True, sharey=True).flat
    for i, layer in enumerate(layers):
        panel = HistogramPanel(axes[i], *histogram_range(layer.activation), len(layer.histogram.counts))
        panel.show(i + 1, layer, None if densities is None else densities[i])
        axes[i].set_title(" ", fontsize=8)  # room for the panel's own title, which the layout does not see
    for spare in list(axes)[len(layers) :]:
        spare.set_visible(False)
    return picture


@styled()
def curves(measured, predicted=None, *, xlabel="layer", ylabel, log=True, x=None, alt=None) -> Picture:
    """Return one curve per entry of `measured` (label → one number per layer), with markers.

    `predicted` (label → numbers) draws dashed lines in the same colour. `x` replaces the positions 1, 2, ….
    """
    picture = Picture((9.6, 3.2), alt or f"{ylabel} against {xlabel}", layout="constrained")
    axes = picture.subplots()
    for i, (label, values) in enumerate(measured.items()):
        colour, places = COLOURS[i % len(COLOURS)], np.arange(1, len(values) + 1) if x is None else x
        marker = MARKERS[i % len(MARKERS)]
        axes.plot(places, _drawable(values, log), color=colour, marker=marker, markersize=4, label=label)
        if predicted and label in predicted:
            axes.plot(
                places,
                _drawable(predicted[label], log),
                color=colour,
                linestyle="--",
                linewidth=2.5,
                alpha=0.6,
            )
    if predicted:
        axes.plot([], [], color="#666666", linestyle="--", linewidth=2.5, alpha=0.6, label="predicted")
    _finish(axes, xlabel, ylabel, log)
    return picture


@styled()
def seed_curves(runs, *, xlabel, ylabel, log=False, x=None, alt=None) -> Picture:
    """Return median and range over seeds: `runs` maps a label to an array of shape (seeds, points).

    The line is the median over the seeds, the band reaches from the smallest to the largest.
    """
    picture = Picture(
        (9.6, 3.2), alt or f"{ylabel} against {xlabel}, median and range over seeds", layout="constrained"
    )
    axes = picture.subplots()
    for i, (label, values) in enumerate(runs.items()):
        values = _drawable(values, log)
        places = np.arange(1, values.shape[1] + 1) if x is None else x
        colour, line = COLOURS[i % len(COLOURS)], LINES[i % len(LINES)]
        axes.fill_between(
            places, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.18, linewidth=0
        )
        axes.plot(places, np.median(values, axis=0), color=colour, linestyle=line, linewidth=2, label=label)
    _finish(axes, xlabel, ylabel, log)
    return picture


def _drawable(values, log):
    """The values, or their log10 where the axis is logarithmic; what is not finite is left out."""
    values = np.asarray(values, float)
    with np.errstate(all="ignore"):
        values = np.log10(values) if log else values
    return np.where(np.isfinite(values), values, np.nan)


def _finish(axes, xlabel, ylabel, log):
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    if log:
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
