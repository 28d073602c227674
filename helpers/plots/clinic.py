"""What the clinic sees: a Trace with the findings marked on its layers, the charts of patients, their end."""

import numpy as np

from helpers.plots.axes import label_decades, legend_beside, log10, row_of_panels, whole_numbers
from helpers.plots.style import BLACK, BLUE, GREEN, MEASURED, ORANGE, PURPLE, RED, Picture, styled

TITLES = {"signal": "std of z", "gradient": "norm of the gradient of z", "units": "share of units"}
PLACES = {  # the panel that shows the evidence; other findings that name layers are marked on the first
    "vanishing_gradient": "gradient",
    "exploding_gradient": "gradient",
    "saturated_units": "units",
    "dead_units": "units",
    "symmetric_weights": "units",
}
SIGNS = {  # severity: color and marker, around the point
    "severe": {"color": RED, "marker": "o", "markersize": 11, "markeredgewidth": 2.2},
    "mild": {"color": ORANGE, "marker": "s", "markersize": 9, "markeredgewidth": 1.8},
}
WIDER = 5  # a second finding's rings lie around those of the first
NO_FINDINGS = "no findings"
DECADES = 2  # a log axis shows so many at least, lest the eye take noise for a trend
LOSS_SHOWN = 4.0
CHARTED = {"std": "std of h", "grad_z_norm": "gradient of z", "loss": "loss (cut off at 4)"}
BAND = {"color": GREEN, "alpha": 0.25, "linewidth": 0}
TRAINED = {"color": BLACK, "marker": "s", "markersize": 3, "linewidth": 1.3}
NEW = {"color": RED, "linestyle": "--", "marker": "^", "markersize": 3, "linewidth": 1.3}
LOWEST = -9  # powers of ten below this are drawn at the foot: nothing is left


@styled()
def marked_layers(trace, findings, *, alt=None) -> Picture:
    """Return three panels over the layers: std of z, gradient norm, and shares of flat and dead units.

    `findings` are those of `helpers.clinic.examine` on the same `Trace`. Every layer that a finding names is
    ringed in the panel of its evidence, red circles for severe, orange squares for mild; what concerns the
    inputs or the whole is written above. Numbers that are not finite, or 0 on a log axis, have no point.
    """
    names = [layer.name for layer in trace.layers]
    codes = ", ".join(finding.code for finding in findings) or NO_FINDINGS
    alt = alt or f"std of z, gradient norm and shares of ill units per layer, with {codes} marked"
    picture, row = row_of_panels(len(TITLES), alt, 3.6)
    for panel, (place, curves) in zip(row, _curves(trace.layers).items(), strict=True):
        for label, values, color, mark in curves:
            panel.plot(
                np.arange(1, len(names) + 1), values, color=color, marker=mark, markersize=5, label=label
            )
        values = np.array([values for _, values, _, _ in curves])
        _finish(panel, place, len(names), values)
        own = [finding for finding in findings if finding.layers and _place_of(finding) == place]
        _ring(panel, names, own, np.fmax.reduce(values))
        if own or place == "units":
            panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
    whole = [f"{finding.code} ({finding.severity})" for finding in findings if not finding.layers]
    if whole or not len(findings):
        picture.suptitle("of the whole: " + ", ".join(whole) if whole else NO_FINDINGS, fontsize=9)
    return picture


def _curves(layers):
    """(label, values, color, marker) of the lines of each panel; log10 in the first two."""
    std, gradient = ([getattr(layer, name) for layer in layers] for name in ("z_std", "grad_z_norm"))
    flat = [layer.share_saturated * (layer.saturates != "no" and not layer.can_die) for layer in layers]
    dead = [layer.share_dead * layer.can_die for layer in layers]
    return {
        "signal": [("std of z", log10(std), BLUE, ".")],
        "gradient": [("norm of the gradient of z", log10(gradient), BLUE, ".")],
        "units": [("flat places", np.array(flat), PURPLE, "^"), ("dead", np.array(dead), GREEN, "v")],
    }


def _place_of(finding):
    return PLACES.get(finding.code, "signal")


def _finish(panel, place, count, values):
    room = max(0.4, 0.04 * count)
    panel.set(title=TITLES[place], xlabel="layer", xlim=(1 - room, count + room))
    whole_numbers(panel.xaxis, 8)
    if place == "units":
        panel.set_ylim(-0.04, 1.04)
        return
    finite = values[np.isfinite(values)] if np.isfinite(values).any() else np.zeros(1)
    middle, half = (finite.min() + finite.max()) / 2, max(np.ptp(finite), DECADES) / 2
    panel.set_ylim(middle - 1.15 * half, middle + 1.15 * half)
    label_decades(panel)


def _ring(panel, names, findings, heights):
    """Ring the layers that the findings name; where there is no point, at the foot of the panel."""
    foot = panel.get_ylim()[0]
    for number, finding in enumerate(findings):
        ill = [i for i, name in enumerate(names) if name in finding.layers]
        at = [foot if np.isnan(heights[i]) else heights[i] for i in ill]
        label = f"{finding.code} ({finding.severity})"
        sign = SIGNS[finding.severity]
        sign = sign | {"markersize": sign["markersize"] + WIDER * number}
        ring = {"linestyle": "", "fillstyle": "none", "clip_on": False}
        panel.plot([i + 1 for i in ill], at, **sign | ring, label=label)


@styled()
def patient_charts(patients, healthy, *, alt="signal, gradient and loss of each patient") -> Picture:
    """Return a column per patient (name → `patients.Chart`): signal and gradient per layer, loss over steps.

    `healthy` holds (lowest, highest) of "std" and "grad_z_norm" in healthy networks, drawn as a band.
    """
    picture = Picture((9.6, 4.7), alt, layout="constrained")
    grid = picture.subplots(len(CHARTED), len(patients), sharey="row", squeeze=False)
    for column, (name, chart) in zip(grid.T, patients.items(), strict=True):
        column[0].set_title(name, weight="bold")
        for axes, quantity in zip(column[:2], ("std", "grad_z_norm"), strict=True):
            _per_layer(axes, chart.before.per_layer(quantity), healthy[quantity])
        _losses(column[2], chart.recording)
    for axes, words in zip(grid[:, 0], CHARTED.values(), strict=True):
        axes.set_ylabel(words)
    _legend_of_charts(picture, grid)
    return picture


def _per_layer(axes, values, limits):
    layers = np.arange(1, len(values) + 1)
    with np.errstate(all="ignore"):
        heights = np.maximum(np.log10(np.abs(values)), LOWEST)
        axes.axhspan(*np.log10(limits), **BAND, label="healthy networks")
    axes.plot(layers, heights, **(MEASURED | {"markersize": 3}), label="measured")
    axes.set(ylim=(LOWEST - 0.5, 3.5), xlim=(0.3, len(values) + 0.7))
    axes.set_xlabel("layer", fontsize=8, labelpad=0)
    whole_numbers(axes.xaxis, 3)
    label_decades(axes)


def _losses(axes, recording):
    for name, look in (("loss", TRAINED), ("val_loss", NEW)):
        steps, values = recording.logged(name)
        axes.plot(steps, np.minimum(values, LOSS_SHOWN), **look)
        if not np.isfinite(values).any():
            axes.text(0.5, 0.5, "nan", transform=axes.transAxes, ha="center", size=11, weight="bold")
    axes.set(ylim=(-0.15, LOSS_SHOWN + 0.15), xlim=(0, recording.total * 1.05))
    axes.set_xlabel("step", fontsize=8, labelpad=0)
    whole_numbers(axes.xaxis, 2)


def _legend_of_charts(picture, grid):
    axes = grid[2, 0]
    (trained,), (new,) = axes.plot([], [], **TRAINED), axes.plot([], [], **NEW)
    measured, healthy = grid[0, 0].get_lines()[0], grid[0, 0].patches[0]
    labels = ["measured", "healthy networks", "on images trained on", "on new images"]
    picture.legend([measured, healthy, trained, new], labels, loc="outside lower center", ncols=4)


@styled()
def final_losses(
    sick, treated, *, alt="loss on new images of each patient, before and after treatment"
) -> Picture:
    """Return the last losses on new images, name → one per seed, as `sick` and `treated`; nan at the top."""
    picture, (axes,) = row_of_panels(1, alt)
    looks = (("as they came", sick, RED, "X", -0.12), ("treated", treated, BLUE, "o", 0.12))
    for label, losses, color, marker, shift in looks:
        for place, name in enumerate(sick):
            values = np.asarray(losses.get(name, ()), float)
            heights = np.where(np.isfinite(values), np.minimum(values, LOSS_SHOWN), LOSS_SHOWN)
            places = place + shift + 0.05 * (np.arange(len(values)) - 1)
            axes.plot(places, heights, color=color, marker=marker, linestyle="none", markersize=7)
            if len(values) and not np.isfinite(values).all():
                axes.text(place + shift, LOSS_SHOWN - 0.4, "nan", ha="center", size=9)
        axes.plot([], [], color=color, marker=marker, linestyle="none", label=label)
    axes.axhline(np.log(10), color=BLACK, linestyle=":", label="guessing, ln 10")
    axes.set(
        ylim=(0, LOSS_SHOWN + 0.2),
        ylabel="loss on new images",
        xticks=range(len(sick)),
        xticklabels=list(sick),
    )
    legend_beside(axes)
    return picture
