"""Two activations side by side: value, slope, saturation, and what they make of a normal signal."""

import numpy as np
from scipy.special import ndtri

from helpers.labs import knobs, live
from helpers.numerics.activations import (
    ACTIVATIONS,
    PARAMETERS,
    SATURATED_SLOPE,
    largest_slope,
    with_parameter,
)
from helpers.plots.activation import curves, shaded
from helpers.plots.frame import Axis, Frame, Line, Panel, Points, Steps, Text, beside, stacked
from helpers.plots.histograms import FULL_HEIGHT, height_unit
from helpers.signals.measures import histogram

REACH = 6.0
Z = np.linspace(-REACH, REACH, 601)
BOUNDED, UNBOUNDED = (-1.35, 1.35), (-2.2, 6.4)  # heights of the large panel
XI = ndtri((np.arange(4000) + 0.5) / 4000)  # a standard normal variable at evenly spaced quantiles
OUT, BINS = 3.0, 60
PARAMETER_STEPS = (0, 0.01, 0.03, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1, 1.3, 1.7, 2)
SPREADS = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 30, 100)
NONE = "none"

LOOKS = (("value", "slope", "bars"), ("other value", "other slope", "outline"))  # of the first, of the second
FACTS = ("range", "odd", "saturates", "can die", "parameter")
KEYWORDS = {"slope": "slope", "alpha": "α"}
TINY = "Here the slope is {slope:.1e}: hardly any gradient passes this unit."


class ActivationLab(live.LiveFigure):
    """An activation and its slope with a movable point and tangent, and its output; a second one beside it.

    What is known of both in words is told where two are compared; the slider of slope or α is there where an
    activation has one.
    """

    READ_OUT = {
        "f": "f(z) at z = {z:g}",
        "slope": "slope at z = {z:g}",
        "mean": "mean of f(z)",
        "std": "std of f(z)",
        "saturated": "share saturated",
    }

    def controls(self):
        return {
            "activation": knobs.activation("sigmoid", "activation"),
            "compare": knobs.activation(NONE, "compare with", also=[NONE]),
            "z": live.real("point z", -REACH, REACH, 0.1, 1.0),
            "parameter": live.steps("slope or α", PARAMETER_STEPS, 0.3),
            "spread": live.steps("std of z", SPREADS, 1),
        }

    def refresh(self, _change=None):
        super().refresh(_change)
        if self.widgets:
            used = {self.widgets["activation"].value, self.widgets["compare"].value} & set(PARAMETERS)
            self.widgets["parameter"].layout.display = "flex" if used else "none"

    def update(self, activation, compare, z, parameter, spread):
        names = (activation,) if compare == NONE else (activation, compare)
        entries = [with_parameter(n, parameter) if n in PARAMETERS else ACTIVATIONS[n] for n in names]
        right = (output_panel(entries, spread),)
        if len(entries) == 2:
            facts = facts_panel(entries, [_parameter_in_words(name, parameter) for name in names])
            right = stacked(*right, facts, heights=(3, 2))
        value, slope = value_and_slope(entries[0], z)
        return Frame(
            beside(curves_panel(entries, z), right, widths=(1.6, 1)),
            height=380,
            words=_slope_in_words(slope, largest_slope(entries[0])),
            numbers={"f": value, "slope": slope, **_output_numbers(entries[0], spread * XI)},
        )


def curves_panel(entries, z) -> Panel:
    """Return f and f' of one or two activations, with the first one's point and tangent at `z`."""
    bounded = all(np.isfinite(entry.limits).all() for entry in entries)
    x, y = Axis(-REACH, REACH, label="z", most=7), Axis(*(BOUNDED if bounded else UNBOUNDED), most=9)
    marks = [*shaded(entries[0], Z, y)]
    for entry, (*looks, _) in zip(entries, LOOKS, strict=False):
        marks += curves(entry, Z, (entry.label, f"{entry.label}, slope"), looks)
    value, slope = value_and_slope(entries[0], z)
    reach = np.array([-1.6, 1.6]) / np.sqrt(1 + slope**2)
    marks += [
        Line(z + reach, value + slope * reach, "tangent", "tangent"),
        Points(z, value, "value point"),
        Points(z, slope, "slope point"),
    ]
    return Panel(tuple(marks), "f (solid) and its slope f' (dashed)", x, y)


def output_panel(entries, spread) -> Panel:
    """Return the histograms of f(z), where z is normal with mean 0 and standard deviation `spread`."""
    marks = []
    for entry, (*_, look) in zip(entries, LOOKS, strict=False):
        shares = histogram(entry.f(spread * XI), -OUT, OUT, BINS).shares
        heights = np.minimum(shares / height_unit(shares), FULL_HEIGHT)
        marks.append(Steps(heights, -OUT, OUT, look=look, label=f"{entry.label}, output"))
    x = Axis(-1.03 * OUT, 1.03 * OUT, label="beyond ±3: in the last bars")
    return Panel(tuple(marks), "output f(z) of a normal z, mean 0", x, Axis(0, FULL_HEIGHT, ticks=()))


def facts_panel(entries, parameters) -> Panel:
    """Return a table of what is known of the activations, one column each; the last row is `parameters`."""
    yes = {True: "yes", False: "no"}
    table = [("", *FACTS)]
    for entry, parameter in zip(entries, parameters, strict=True):
        limits = " to ".join(_limit(limit) for limit in entry.limits)
        facts = (limits, yes[entry.zero_centered], entry.saturates, yes[entry.can_die])
        table.append((entry.label, *facts, parameter))
    rows = np.arange(len(FACTS) + 1)
    marks = [
        Text(np.full(len(rows), x), rows, words, align="left")
        for x, words in zip((0, 0.32, 0.68), table, strict=False)
    ]
    return Panel(tuple(marks), y=Axis(len(FACTS) + 0.5, -0.5), bare=True)


def value_and_slope(entry, z) -> tuple[float, float]:
    """Return f(z) and f'(z) of an activation."""
    return float(entry.f(np.array(z))), float(entry.df(np.array(z)))


def _output_numbers(entry, z):
    h, slope = entry.f(z), np.abs(entry.df(z))
    saturated = np.mean(slope < SATURATED_SLOPE * largest_slope(entry))
    return {"mean": h.mean(), "std": h.std(), "saturated": saturated}


def _parameter_in_words(name, value):
    return f"{KEYWORDS[PARAMETERS[name][2]]} = {value:g}" if name in PARAMETERS else "none"


def _slope_in_words(slope, largest):
    if slope == 0:
        return "Here the slope is exactly 0: no gradient passes this unit."
    return TINY.format(slope=slope) if abs(slope) < SATURATED_SLOPE * largest else ""


def _limit(value):
    return f"{value:.3g}".replace("-", "−").replace("inf", "∞")
