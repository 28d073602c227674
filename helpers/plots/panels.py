"""Panels: a pair of axes with artists that can be set again and again, still or live.

A panel is made once on an `Axes`, lists its `artists`, and draws new data with `show(…)`. The pictures of
`helpers.plots` make one and show it once; a lab registers its artists as moving and shows it at every step.
"""

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from helpers.plots.quicktext import QuickText
from helpers.plots.style import MEASURED, PREDICTED, SKY

FULL_HEIGHT = 1.1  # histograms are drawn relative to their tallest bin, with room for the prediction above
LONE_BIN = 3  # a bin this many times taller than the next is cut off at the frame: ReLU's zeros, for example


class HistogramPanel:
    """One layer's activations as a histogram, with the predicted one as a dashed line over it."""

    def __init__(self, axes, low, high, bins):
        self.axes = axes
        self.bars = axes.stairs(
            np.zeros(bins), np.linspace(low, high, bins + 1), fill=True, color=SKY, linewidth=0
        )
        (self.line,) = axes.plot([], [], **PREDICTED)
        self.title = QuickText(axes, 0.5, 1.05)
        self.artists = [self.bars, self.line, self.title]
        axes.set(ylim=(0, FULL_HEIGHT), yticks=[])
        axes.grid(False)
        self.set_range(low, high)

    def set_range(self, low, high):
        """Set the range of activations; a little room on both sides shows what piles up at the ends."""
        margin = 0.03 * (high - low)
        self.axes.set_xlim(low - margin, high + margin)

    def show(self, number, layer, predicted=None):
        """Draw one `LayerSignal` as layer `number`, and its predicted density unless it is None."""
        histogram = layer.histogram
        shares, edges = histogram.shares, histogram.edges
        unit = height_unit(shares)
        self.bars.set_data(shares / unit, edges)
        heights = np.full(len(shares), np.nan) if predicted is None else predicted / unit
        self.line.set_data((edges[1:] + edges[:-1]) / 2, np.minimum(heights, FULL_HEIGHT))
        self.title.set_text(f"layer {number}: {spread_in_words(layer)}")


class CurvePanel:
    """One quantity per layer: measured dots over the predicted dashed line, on a linear or a log axis."""

    def __init__(self, axes, title, *, log):
        self.axes, self.log = axes, log
        (self.measured,) = axes.plot([], [], **MEASURED, label="measured")
        (self.predicted,) = axes.plot([], [], **PREDICTED, label="predicted", zorder=3)
        self.artists = [self.measured, self.predicted]
        axes.set_title(title)
        axes.set_ylim(-1, 1)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=log))
        if log:  # the data are drawn as log10 on a plain axis: no math text, and 0 is simply left out
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))

    def show(self, measured, predicted=None):
        """Draw arrays of one number per layer, measured and (unless None) predicted."""
        layers = np.arange(1, len(measured) + 1)
        lines = [
            (self.measured, measured),
            (self.predicted, np.full(len(layers), np.nan) if predicted is None else predicted),
        ]
        drawn = [self._drawable(values) for _, values in lines]
        for (line, _), values in zip(lines, drawn, strict=True):
            line.set_data(layers, values)
        self.measured.set_markersize(MEASURED["markersize"] if len(layers) <= 30 else 2)
        room = max(0.5, 0.03 * len(layers))
        self.axes.set_xlim(1 - room, len(layers) + room)
        self.axes.set_ylim(
            *fitting_limits(np.concatenate(drawn), self.axes.get_ylim(), 2.0 if self.log else 0.2)
        )

    def _drawable(self, values):
        values = np.asarray(values, float)
        with np.errstate(all="ignore"):
            values = np.log10(values) if self.log else values
        return np.where(np.isfinite(values), values, np.nan)


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


def power_of_ten(exponent) -> str:
    """Return a tick label for 10^exponent in plain text: 0.1, 1, 10, else 1e-7."""
    if not float(exponent).is_integer():
        return ""
    return f"{10.0**exponent:g}" if -2 <= exponent <= 3 else f"1e{int(exponent)}"


def fitting_limits(values, present, smallest) -> tuple[float, float]:
    """Return axis limits for the finite values: the present ones where they still serve, else new ones.

    Present limits serve while all values lie inside and fill an eighth of them, so that a small step of a
    slider leaves the axis alone and the background need not be redrawn. New ones are `smallest` or wider.
    """
    values = values[np.isfinite(values)]
    if not values.size:
        return present
    low, high = values.min(), values.max()
    width = present[1] - present[0]
    if present[0] <= low and high <= present[1] and max(high - low, smallest / 2) >= width / 8:
        return present
    room = max(0.4 * (high - low), (smallest - (high - low)) / 2)
    return low - room, high + room
