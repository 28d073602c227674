"""The per-layer figures of a Trace with the clinic's findings marked on them."""

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from helpers.plots.panels import power_of_ten
from helpers.plots.style import BLUE, GREEN, ORANGE, PURPLE, RED, Picture, styled

TEXT = {
    "signal": "std of z",
    "gradient": "norm of the gradient of z",
    "units": "share of units",
    "layer": "layer",
    "flat": "flat places",
    "dead": "dead",
    "whole": "of the whole: ",
    "none": "no findings",
    "alt": "std of z, gradient norm and shares of ill units per layer, with {} marked",
}
PLACES = {  # the panel that shows the evidence; other findings that name layers are marked on the first
    "vanishing_gradient": "gradient",
    "exploding_gradient": "gradient",
    "saturated_units": "units",
    "dead_units": "units",
    "symmetric_weights": "units",
}
SIGNS = {  # severity: colour and marker, around the point
    "severe": {"color": RED, "marker": "o", "markersize": 11, "markeredgewidth": 2.2},
    "mild": {"color": ORANGE, "marker": "s", "markersize": 9, "markeredgewidth": 1.8},
}
WIDER = 5  # a second finding's rings lie around those of the first
DECADES = 2  # a log axis shows so many at least, lest the eye take noise for a trend


@styled()
def marked(trace, findings, *, alt=None) -> Picture:
    """Return three panels over the layers: std of z, gradient norm, and shares of flat and dead units.

    `findings` are those of `helpers.clinic.examine` on the same `Trace`. Every layer that a finding names is
    ringed in the panel of its evidence, red circles for severe, orange squares for mild; what concerns the
    inputs or the whole is written above. Numbers that are not finite, or 0 on a log axis, have no point.
    """
    names = [layer.name for layer in trace.layers]
    said = ", ".join(finding.code for finding in findings) or TEXT["none"]
    picture = Picture((9.6, 3.6), alt or TEXT["alt"].format(said), layout="constrained")
    for panel, (place, curves) in zip(picture.subplots(1, 3), _curves(trace.layers).items(), strict=True):
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
        picture.suptitle(TEXT["whole"] + ", ".join(whole) if whole else TEXT["none"], fontsize=9)
    return picture


def _curves(layers):
    """(label, values, colour, marker) of the lines of each panel; log10 in the first two."""
    std, gradient = ([getattr(layer, name) for layer in layers] for name in ("z_std", "grad_z_norm"))
    flat = [layer.share_saturated * (layer.saturates != "no" and not layer.can_die) for layer in layers]
    dead = [layer.share_dead * layer.can_die for layer in layers]
    return {
        "signal": [(TEXT["signal"], _log10(std), BLUE, ".")],
        "gradient": [(TEXT["gradient"], _log10(gradient), BLUE, ".")],
        "units": [(TEXT["flat"], np.array(flat), PURPLE, "^"), (TEXT["dead"], np.array(dead), GREEN, "v")],
    }


def _log10(values):
    with np.errstate(all="ignore"):
        logs = np.log10(values)
    return np.where(np.isfinite(logs), logs, np.nan)


def _place_of(finding):
    return PLACES.get(finding.code, "signal")


def _finish(panel, place, count, values):
    room = max(0.4, 0.04 * count)
    panel.set(title=TEXT[place], xlabel=TEXT["layer"], xlim=(1 - room, count + room))
    panel.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    if place == "units":
        panel.set_ylim(-0.04, 1.04)
        return
    finite = values[np.isfinite(values)] if np.isfinite(values).any() else np.zeros(1)
    middle, half = (finite.min() + finite.max()) / 2, max(np.ptp(finite), DECADES) / 2
    panel.set_ylim(middle - 1.15 * half, middle + 1.15 * half)
    panel.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))


def _ring(panel, names, findings, heights):
    """Ring the layers that the findings name; where there is no point, at the foot of the panel."""
    foot = panel.get_ylim()[0]
    for number, finding in enumerate(findings):
        ill = [i for i, name in enumerate(names) if name in finding.layers]
        at = [foot if np.isnan(heights[i]) else heights[i] for i in ill]
        label = f"{finding.code} ({finding.severity})"
        sign = SIGNS[finding.severity]
        sign = sign | {"markersize": sign["markersize"] + WIDER * number}
        panel.plot(
            [i + 1 for i in ill],
            at,
            **sign,
            linestyle="",
            fillstyle="none",
            label=label,
            clip_on=False,
        )
