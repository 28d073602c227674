"""Still pictures of lesson 03: cards of activations, descent paths, costs, a fitted maxout unit, training."""

import numpy as np

from helpers.numerics.activations import SATURATED_SLOPE, get_activation, largest_slope
from helpers.plots.style import BLACK, BLUE, COLOURS, LINES, MARKERS, RED, SKY, YELLOW, Picture, styled

COLUMNS = 4
LOWEST, HIGHEST = -1.8, 3.0  # a card shows values between these
SHADE = {"color": YELLOW, "alpha": 0.35, "linewidth": 0}
VALUE = {"color": BLUE, "linestyle": "-", "linewidth": 2}
SLOPE = {"color": RED, "linestyle": "--", "linewidth": 1.8}

TEXT = {
    "value": "f(z)",
    "slope": "f'(z)",
    "saturated": "slope below 1/20 of its largest",
    "z": "pre-activation z",
    "first": "first weight",
    "second": "second weight",
    "start": "start",
    "target": "target",
    "cost": "time, in multiples of ReLU's (this machine, float32)",
    "step": "training step",
    "loss": "training loss",
    "reference": "{label}, for comparison",
    "given": "the curve to fit",
    "pieces": "its pieces",
    "fitted": "maxout of {pieces} pieces",
}


@styled()
def cards(names, *, columns=COLUMNS, reach=5.0, alt=None) -> Picture:
    """Return f and f' of each activation, one panel each on the same axes, saturated regions shaded.

    `reach` is how far the pre-activations go to both sides. Raises ValueError for an unknown name.
    """
    entries = [get_activation(name) for name in names]
    columns = min(columns, len(entries))
    rows = -(-len(entries) // columns)
    told = alt or f"value and derivative of {', '.join(entry.label for entry in entries)}"
    picture = Picture((2.2 * max(columns, 2), 0.6 + 1.55 * rows), told, layout="constrained")
    grid = picture.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat
    z = np.linspace(-reach, reach, 401)
    for axes, entry in zip(grid, entries, strict=False):
        draw_card(axes, entry, z)
    grid[0].set_ylim(*_height(entries, z))
    for spare in list(grid)[len(entries) :]:
        spare.set_visible(False)
    handles, labels = grid[0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=3)
    return picture


def draw_card(axes, entry, z) -> None:
    """Draw one activation on `axes`: f solid, f' dashed, saturated regions shaded."""
    for i, (low, high) in enumerate(saturated_intervals(entry, z)):
        axes.axvspan(low, high, **SHADE, label=TEXT["saturated"] if i == 0 else None)
    axes.plot(z, entry.f(z), **VALUE, label=TEXT["value"])
    axes.plot(z, entry.df(z), **SLOPE, label=TEXT["slope"])
    axes.axhline(0, color="#999999", linewidth=0.8)
    axes.set_title(entry.label)
    axes.set_xlim(z[0], z[-1])


def _height(entries, z):
    """Limits for f and f' of all entries, cut where unbounded ones would flatten the rest."""
    values = np.concatenate([g(z) for entry in entries for g in (entry.f, entry.df)])
    low, high = max(values.min(), LOWEST), min(values.max(), HIGHEST)
    return low - 0.05 * (high - low), high + 0.05 * (high - low)


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
def paths(walks, target, *, alt="paths of gradient descent in the plane of two weights") -> Picture:
    """Return the paths of two weights side by side: `walks` maps a label to an array (steps + 1, 2)."""
    picture = Picture((7.2, 3.3), alt, layout="constrained")
    for i, (axes, (label, walk)) in enumerate(
        zip(
            picture.subplots(1, len(walks), sharex=True, sharey=True, squeeze=False).flat,
            walks.items(),
            strict=True,
        )
    ):
        style = {"color": COLOURS[i], "marker": MARKERS[i], "markersize": 3, "linewidth": 1.2}
        axes.plot(*walk.T, **style)
        axes.plot([walk[0, 0], target[0]], [walk[0, 1], target[1]], color=BLACK, linestyle=":")
        axes.annotate(TEXT["start"], walk[0], xytext=(0, 6), textcoords="offset points", ha="center")
        axes.plot(*target, marker="*", markersize=14, color=BLACK)
        axes.annotate(TEXT["target"], target, xytext=(0, -16), textcoords="offset points", ha="center")
        axes.set(title=label, xlabel=TEXT["first"], ylabel=TEXT["second"] if i == 0 else "")
        axes.margins(0.15)
    return picture


@styled()
def cost_bars(costs, *, alt="measured cost of each activation, relative to ReLU") -> Picture:
    """Return measured costs (label → multiples of ReLU's time) as bars, cheapest on top."""
    picture = Picture((7.2, 0.7 + 0.22 * len(costs)), alt, layout="constrained")
    axes = picture.subplots()
    ordered = sorted(costs.items(), key=lambda pair: pair[1], reverse=True)
    bars = axes.barh([label for label, _ in ordered], [cost for _, cost in ordered], color=SKY)
    axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=8)
    axes.axvline(1, color=RED, linestyle="--")
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.1)
    axes.set_xlabel(TEXT["cost"])
    return picture


@styled()
def loss_panels(runs, reference, *, x, alt=None) -> Picture:
    """Return one panel per activation: median loss and range over seeds; one entry is drawn in all.

    `runs` maps a name to losses of shape (seeds, points), `x` the steps, `reference` a name in `runs`.
    """
    told = (
        alt or f"training loss over {next(iter(runs.values())).shape[0]} seeds under {len(runs)} activations"
    )
    rows = -(-len(runs) // COLUMNS)
    picture = Picture((8.8, 0.8 + 1.4 * rows), told, layout="constrained")
    grid = picture.subplots(rows, COLUMNS, squeeze=False, sharex=True, sharey=True)
    for axes, (name, losses) in zip(grid.flat, runs.items(), strict=False):
        axes.fill_between(x, losses.min(axis=0), losses.max(axis=0), color=BLUE, alpha=0.25, linewidth=0)
        axes.plot(x, np.median(losses, axis=0), color=BLUE, linewidth=1.8)
        label = TEXT["reference"].format(label=get_activation(reference).label)
        (dashed,) = axes.plot(x, np.median(runs[reference], axis=0), color=BLACK, linestyle="--", label=label)
        axes.set_title(get_activation(name).label)
        axes.set_ylim(0, 2.6)
    for spare in list(grid.flat)[len(runs) :]:
        spare.set_visible(False)
    picture.supxlabel(TEXT["step"], fontsize=9)
    picture.supylabel(TEXT["loss"], fontsize=9)
    picture.legend(handles=[dashed], loc="outside upper right")
    return picture


@styled()
def maxout_fits(x, wanted, fits, *, alt="a curve, and maxout units fitted to it") -> Picture:
    """Return maxout units fitted to a curve: `fits` maps pieces to lines (points, pieces)."""
    picture = Picture((9.6, 2.9), alt, layout="constrained")
    for axes, (pieces, lines) in zip(
        picture.subplots(1, len(fits), sharey=True, squeeze=False).flat, fits.items(), strict=True
    ):
        axes.plot(x, wanted, color=BLACK, linestyle=LINES[3], linewidth=2.5, label=TEXT["given"])
        drawn = axes.plot(x, lines, color="#999999", linestyle="--", linewidth=0.9)
        drawn[0].set_label(TEXT["pieces"])
        axes.plot(x, lines.max(axis=1), color=BLUE, linewidth=1.8, label=TEXT["fitted"].format(pieces=pieces))
        low, high = wanted.min(), wanted.max()
        axes.set(ylim=(low - 0.15 * (high - low), high + 0.7 * (high - low)), xlabel="x")
        axes.legend(loc="upper center")
    return picture
