"""Activations: f and its slope with the saturated regions, what they cost, a fitted maxout unit."""

import numpy as np

from helpers.numerics.activations import SATURATED_SLOPE, get_activation, largest_slope
from helpers.plots.axes import row_of_panels
from helpers.plots.frame import Axis, Bars, Frame, Line, Panel, grid
from helpers.plots.paint import paint
from helpers.plots.style import BLACK, BLUE, LINES, RED, SKY, Picture, styled

COLUMNS = 4
LOWEST, HIGHEST = -1.8, 3.0  # a card shows values between these


def activation_cards(names, *, columns=COLUMNS, reach=5.0, alt=None) -> Picture:
    """Return f and f' of each activation, one panel each on the same axes, saturated regions shaded.

    `reach` is how far the pre-activations go to both sides. Raises ValueError for an unknown name.
    """
    entries, z = [get_activation(name) for name in names], np.linspace(-reach, reach, 401)
    x, y = Axis(-reach, reach), _height(entries, z)
    cards = [
        Panel((*shaded(entry, z, y), *curves(entry, z, ("f(z)", "f'(z)"))), entry.label, x, y)
        for entry in entries
    ]
    height = 155 * -(-len(cards) // columns)
    alt = alt or f"value and derivative of {', '.join(entry.label for entry in entries)}"
    return paint(Frame(grid(cards, min(columns, len(cards))), height), alt)


def unnamed_slopes(shown, *, reach=5.0, alt=None) -> Picture:
    """Return the slope f' of some activations, one panel each on the same axes; the titles tell no names.

    `shown` maps the title of a panel to an activation. Raises ValueError for an unknown name.
    """
    z = np.linspace(-reach, reach, 2002)  # an even number: a jump at 0 stands between two points
    x, y, panels = Axis(-reach, reach), Axis(-0.25, 1.25), []
    for title, name in shown.items():
        line = Line(z, get_activation(name).df(z), "slope", "f'(z)")
        panels.append(Panel((Line((-reach, reach), (0, 0), "zero"), line), title, x, y))
    alt = alt or f"the slopes of {len(panels)} activations without names, panels {', '.join(shown)}"
    return paint(Frame(grid(panels, min(3, len(panels))), 155 * -(-len(panels) // 3)), alt)


def curves(entry, z, labels, looks=("value", "slope")) -> tuple[Line, Line]:
    """Return an activation and its slope over the points `z`."""
    (name, slope_name), (look, slope_look) = labels, looks
    return Line(z, entry.f(z), look, name), Line(z, entry.df(z), slope_look, slope_name)


def shaded(entry, z, y) -> tuple[Bars, Line]:
    """Return the shades of the saturated regions along `z`, as high as the axis `y`, and the line at 0."""
    left, right = np.reshape(saturated_intervals(entry, z), (-1, 2)).T
    ends = np.full_like(left, y.low), np.full_like(left, y.high)
    shades = Bars(left, right, *ends, "shade", "slope below 1/20 of its largest")
    return shades, Line((z[0], z[-1]), (0, 0), "zero")


def _height(entries, z):
    """An axis for f and f' of all entries, cut where unbounded ones would flatten the rest."""
    values = np.concatenate([g(z) for entry in entries for g in (entry.f, entry.df)])
    low, high = max(values.min(), LOWEST), min(values.max(), HIGHEST)
    return Axis(low - 0.05 * (high - low), high + 0.05 * (high - low))


def saturated_intervals(activation, z) -> list[tuple[float, float]]:
    """Return where, along the rising points `z`, the slope is below `SATURATED_SLOPE` of its largest.

    Only what reaches an end of `z` counts: a minimum in the middle, where the slope crosses 0, does not.
    """
    entry = get_activation(activation)
    flat = np.abs(entry.df(z)) < SATURATED_SLOPE * largest_slope(entry)
    steep = np.flatnonzero(~flat)
    if not steep.size:
        return [(float(z[0]), float(z[-1]))]
    ends = [(z[0], z[steep[0]]), (z[steep[-1]], z[-1])]
    return [(float(low), float(high)) for low, high in ends if low < high]


@styled()
def cost_bars(costs, *, alt="measured cost of each activation, relative to ReLU") -> Picture:
    """Return measured costs (label → multiples of ReLU's time) as bars, cheapest on top."""
    picture, (axes,) = row_of_panels(1, alt, 0.7 + 0.22 * len(costs), width=7.2)
    ordered = sorted(costs.items(), key=lambda pair: pair[1], reverse=True)
    bars = axes.barh([label for label, _ in ordered], [cost for _, cost in ordered], color=SKY)
    axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=8)
    axes.axvline(1, color=RED, linestyle="--")
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.1)
    axes.set_xlabel("time, in multiples of ReLU's (this machine, float32)")
    return picture


@styled()
def maxout_fits(x, wanted, fits, *, alt="a curve, and maxout units fitted to it") -> Picture:
    """Return maxout units fitted to a curve: `fits` maps pieces to lines (points, pieces)."""
    picture, row = row_of_panels(len(fits), alt, 2.9, sharey=True)
    for axes, (pieces, lines) in zip(row, fits.items(), strict=True):
        axes.plot(x, wanted, color=BLACK, linestyle=LINES[3], linewidth=2.5, label="the curve to fit")
        drawn = axes.plot(x, lines, color="#999999", linestyle="--", linewidth=0.9)
        drawn[0].set_label("its pieces")
        axes.plot(x, lines.max(axis=1), color=BLUE, linewidth=1.8, label=f"maxout of {pieces} pieces")
        low, high = wanted.min(), wanted.max()
        axes.set(ylim=(low - 0.15 * (high - low), high + 0.7 * (high - low)), xlabel="x")
        axes.legend(loc="upper center")
    return picture
