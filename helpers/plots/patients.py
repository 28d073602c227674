"""Pictures of lesson 11: the charts of several patients side by side, and their end before and after."""

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from helpers.plots.panels import power_of_ten
from helpers.plots.style import BLACK, BLUE, GREEN, MEASURED, RED, Picture, styled

LOSS_SHOWN = 4.0
ROWS = {"std": "std of h", "grad_z_norm": "gradient of z", "loss": "loss"}
TEXT = {
    "loss": "loss (cut off at 4)",
    "trained": "on images trained on",
    "new": "on new images",
    "step": "step",
    "layer": "layer",
    "healthy": "healthy networks",
    "measured": "measured",
    "sick": "as they came",
    "treated": "treated",
    "end": "loss on new images",
    "guessing": "guessing, ln 10",
}
BAND = {"color": GREEN, "alpha": 0.25, "linewidth": 0}
TRAINED = {"color": BLACK, "marker": "s", "markersize": 3, "linewidth": 1.3}
NEW = {"color": RED, "linestyle": "--", "marker": "^", "markersize": 3, "linewidth": 1.3}
LOWEST = -9  # powers of ten below this are drawn at the foot: nothing is left


@styled()
def charts(patients, healthy, *, alt="signal, gradient and loss of each patient") -> Picture:
    """Return a column per patient (name → `patients.Chart`): signal and gradient per layer, loss over steps.

    `healthy` holds (lowest, highest) of "std" and "grad_z_norm" in healthy networks, drawn as a band.
    """
    picture = Picture((9.6, 4.7), alt, layout="constrained")
    grid = picture.subplots(len(ROWS), len(patients), sharey="row", squeeze=False)
    for column, (name, chart) in zip(grid.T, patients.items(), strict=True):
        column[0].set_title(name, weight="bold")
        for axes, quantity in zip(column[:2], ("std", "grad_z_norm"), strict=True):
            _per_layer(axes, chart.before.per_layer(quantity), healthy[quantity])
        _losses(column[2], chart.recording)
    for axes, quantity in zip(grid[:, 0], ROWS, strict=True):
        axes.set_ylabel(TEXT["loss"] if quantity == "loss" else ROWS[quantity])
    _legend(picture, grid)
    return picture


def _per_layer(axes, values, limits):
    layers = np.arange(1, len(values) + 1)
    with np.errstate(all="ignore"):
        heights = np.maximum(np.log10(np.abs(values)), LOWEST)
        axes.axhspan(*np.log10(limits), **BAND, label=TEXT["healthy"])
    axes.plot(layers, heights, **(MEASURED | {"markersize": 3}), label=TEXT["measured"])
    axes.set(ylim=(LOWEST - 0.5, 3.5), xlim=(0.3, len(values) + 0.7))
    axes.set_xlabel(TEXT["layer"], fontsize=8, labelpad=0)
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))


def _losses(axes, recording):
    for name, look in (("loss", TRAINED), ("val_loss", NEW)):
        steps, values = recording.logged(name)
        axes.plot(steps, np.minimum(values, LOSS_SHOWN), **look)
        if not np.isfinite(values).any():
            axes.text(0.5, 0.5, "nan", transform=axes.transAxes, ha="center", size=11, weight="bold")
    axes.set(ylim=(-0.15, LOSS_SHOWN + 0.15), xlim=(0, recording.total * 1.05))
    axes.set_xlabel(TEXT["step"], fontsize=8, labelpad=0)
    axes.xaxis.set_major_locator(MaxNLocator(2, integer=True))


def _legend(picture, grid):
    axes = grid[2, 0]
    (trained,), (new,) = axes.plot([], [], **TRAINED), axes.plot([], [], **NEW)
    measured, healthy = grid[0, 0].get_lines()[0], grid[0, 0].patches[0]
    labels = [TEXT[name] for name in ("measured", "healthy", "trained", "new")]
    picture.legend([measured, healthy, trained, new], labels, loc="outside lower center", ncols=4)


@styled()
def ends(sick, treated, *, alt="loss on new images of each patient, before and after treatment") -> Picture:
    """Return the last losses on new images, name → one per seed, as `sick` and `treated`; nan at the top."""
    picture = Picture((9.6, 3.0), alt, layout="constrained")
    axes = picture.subplots()
    looks = (("sick", sick, RED, "X", -0.12), ("treated", treated, BLUE, "o", 0.12))
    for label, losses, colour, marker, shift in looks:
        for place, name in enumerate(sick):
            values = np.asarray(losses.get(name, ()), float)
            heights = np.where(np.isfinite(values), np.minimum(values, LOSS_SHOWN), LOSS_SHOWN)
            places = place + shift + 0.05 * (np.arange(len(values)) - 1)
            axes.plot(places, heights, color=colour, marker=marker, linestyle="none", markersize=7)
            if len(values) and not np.isfinite(values).all():
                axes.text(place + shift, LOSS_SHOWN - 0.4, "nan", ha="center", size=9)
        axes.plot([], [], color=colour, marker=marker, linestyle="none", label=TEXT[label])
    axes.axhline(np.log(10), color=BLACK, linestyle=":", label=TEXT["guessing"])
    axes.set(ylim=(0, LOSS_SHOWN + 0.2), ylabel=TEXT["end"], xticks=range(len(sick)), xticklabels=list(sick))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture
