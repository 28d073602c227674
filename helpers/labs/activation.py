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
from helpers.plots.activation import SHADE, SLOPE, VALUE, saturated_intervals
from helpers.plots.histograms import height_unit
from helpers.plots.style import BLACK, GREEN, ORANGE, PURPLE, SKY
from helpers.signals.measures import histogram

REACH = 6.0
Z = np.linspace(-REACH, REACH, 601)
BOUNDED, UNBOUNDED = (-1.35, 1.35), (-2.2, 6.4)  # heights of the large panel
XI = ndtri((np.arange(4000) + 0.5) / 4000)  # a standard normal variable at evenly spaced quantiles
OUT, BINS = 3.0, 60
PARAMETER_STEPS = (0, 0.01, 0.03, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1, 1.3, 1.7, 2)
SPREADS = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 30, 100)
NONE = "none"

TEXT = {
    "value": "{label}",
    "slope": "{label}, slope",
    "facts": "{label}\nrange: {low} to {high}\ncentered: {centered}\nsaturates: {saturates}\ncan die: {dies}",
    "made": "std of z: {spread:g}\nmean of f(z): {mean:.3g}\nstd of f(z): {std:.3g}\nsaturated: {share:.1%}",
    "used": "{keyword} = {value:g}",
    "unused": "slope or α = {value:g}: unused",
    "tiny": "Here the slope is {slope:.1e}: hardly any gradient passes this unit.",
}
KEYWORDS = {"slope": "slope", "alpha": "α"}


class ActivationLab(live.LiveFigure):
    """An activation and its slope with a movable point and tangent, a second one beside it, their outputs."""

    size = (9.6, 4.2)

    def controls(self):
        return {
            "activation": knobs.activation("sigmoid", "activation"),
            "compare": knobs.activation("leaky_relu", "compare with", also=[NONE]),
            "z": live.real("point z", -REACH, REACH, 0.1, 1.0),
            "parameter": live.steps("slope or α", PARAMETER_STEPS, 0.3),
            "spread": live.steps("std of z", SPREADS, 1),
        }

    def build(self):
        self.named = None
        grid = self.figure.add_gridspec(
            2,
            2,
            width_ratios=(1.6, 1),
            height_ratios=(1.5, 1),
            left=0.05,
            right=0.985,
            top=0.87,
            bottom=0.22,
            hspace=0.5,
            wspace=0.12,
        )
        self._build_curves(self.figure.add_subplot(grid[:, 0]))
        self._build_output(self.figure.add_subplot(grid[0, 1]))
        self.facts = [
            self.moving(self.figure.text(x, 0.31, "", va="top", linespacing=1.5)) for x in (0.63, 0.82)
        ]

    def update(self, activation, compare, z, parameter, spread):
        first = _entry(activation, parameter)
        second = None if compare == NONE else _entry(compare, parameter)
        self._show_curves(first, second)
        value, slope = self._show_point(first, z)
        mean, std, saturated = self._show_output(first, second, spread)
        made = TEXT["made"].format(spread=spread, mean=mean, std=std, share=saturated)
        self._show_facts(first, made, _parameter_in_words((activation, compare), parameter))
        self.say(_slope_in_words(slope, largest_slope(first)))
        return {"f": value, "slope": slope, "mean": mean, "std": std, "saturated": saturated}

    def free(self):
        self.curves = self.panel = self.output = self.facts = None

    def _build_curves(self, axes):
        axes.set(xlim=(-REACH, REACH), ylim=BOUNDED, xlabel="z", title="f (solid) and its slope f' (dashed)")
        axes.axhline(0, color="#999999", linewidth=0.8)
        self.panel = axes
        self.shades = [self.moving(axes.axvspan(0, 0, **SHADE)) for _ in range(2)]
        other = {"linewidth": 1.6, "color": GREEN}
        looks = (other | {"linestyle": "-."}, other | {"linestyle": ":", "color": PURPLE}, VALUE, SLOPE)
        self.curves = [self.moving(axes.plot([], [], **look)[0]) for look in looks]
        (self.tangent,) = self.moving(axes.plot([], [], color=BLACK, linewidth=1.2))
        (self.point,) = self.moving(axes.plot([], [], "o", color=BLACK, markersize=8))
        (self.slope_point,) = self.moving(
            axes.plot([], [], "D", color=ORANGE, markersize=7, markeredgecolor=BLACK)
        )

    def _build_output(self, axes):
        axes.set(
            xlim=(-1.03 * OUT, 1.03 * OUT),
            ylim=(0, 1.1),
            yticks=[],
            title="output f(z) of a normal z, mean 0",
        )
        axes.set_xlabel("what lies beyond ±3 counts in the last bars", fontsize=8)
        axes.grid(False)
        edges = np.linspace(-OUT, OUT, BINS + 1)
        self.output = self.moving(axes.stairs(np.zeros(BINS), edges, fill=True, color=SKY))
        self.output_second = self.moving(
            axes.stairs(np.zeros(BINS), edges, color=GREEN, linestyle="-.", linewidth=1.4)
        )

    def _show_curves(self, first, second):
        both = [entry for entry in (first, second) if entry]
        bounded = all(np.isfinite(entry.limits).all() for entry in both)
        self.panel.set_ylim(*(BOUNDED if bounded else UNBOUNDED))
        curves = [second.f(Z), second.df(Z)] if second else [np.full_like(Z, np.nan)] * 2
        for line, values in zip(self.curves, [*curves, first.f(Z), first.df(Z)], strict=True):
            line.set_data(Z, values)
        intervals = saturated_intervals(first, Z)
        for shade, (low, high) in zip(self.shades, [*intervals, (0, 0), (0, 0)], strict=False):
            shade.set_x(low)
            shade.set_width(high - low)
        self._name_curves(first, second)

    def _name_curves(self, first, second):
        """The legend below the panel stands still until one of the two activations changes."""
        names = (first.name, second and second.name)
        if self.named == names:
            return
        self.named = names
        curves = [(self.curves[2], "value", first), (self.curves[3], "slope", first)]
        if second:
            curves += [(self.curves[0], "value", second), (self.curves[1], "slope", second)]
        labels = [TEXT[text].format(label=entry.label) for _, text, entry in curves]
        handles = [line for line, _, _ in curves] + [self.tangent, self.shades[0]]
        look = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.11), "frameon": False, "fontsize": 8}
        self.panel.legend(handles, [*labels, "tangent", "slope below 1/20 of its largest"], ncols=3, **look)
        self.redraw()

    def _show_point(self, entry, z):
        value, slope = (float(g(np.array(z))) for g in (entry.f, entry.df))
        reach = 1.6 / np.sqrt(1 + slope**2)
        ends = np.array([z - reach, z + reach])
        self.tangent.set_data(ends, value + slope * (ends - z))
        self.point.set_data([z], [value])
        self.slope_point.set_data([z], [slope])
        return value, slope

    def _show_output(self, first, second, spread):
        z = spread * XI
        for artist, entry in ((self.output, first), (self.output_second, second)):
            artist.set_visible(entry is not None)
            shares = histogram(entry.f(z), -OUT, OUT, BINS).shares if entry else np.zeros(BINS)
            artist.set_data(shares / height_unit(shares))
        h, slope = first.f(z), first.df(z)
        return h.mean(), h.std(), np.mean(np.abs(slope) < SATURATED_SLOPE * largest_slope(first))

    def _show_facts(self, entry, made, parameter):
        low, high = (_limit(limit) for limit in entry.limits)
        yes = {True: "yes", False: "no"}
        told = TEXT["facts"].format(
            label=entry.label,
            low=low,
            high=high,
            centered=yes[entry.zero_centered],
            saturates=entry.saturates,
            dies=yes[entry.can_die],
        )
        for text, words in zip(self.facts, (told, f"{made}\n{parameter}"), strict=True):
            text.set_text(words.replace("-", "−"))


def _entry(name, parameter):
    return with_parameter(name, parameter) if name in PARAMETERS else ACTIVATIONS[name]


def _parameter_in_words(names, value):
    used = [KEYWORDS[PARAMETERS[name][2]] for name in names if name in PARAMETERS]
    if not used:
        return TEXT["unused"].format(value=value)
    return TEXT["used"].format(keyword=" and ".join(dict.fromkeys(used)), value=value)


def _slope_in_words(slope, largest):
    if slope == 0:
        return "Here the slope is exactly 0: no gradient passes this unit."
    return TEXT["tiny"].format(slope=slope) if abs(slope) < SATURATED_SLOPE * largest else ""


def _limit(value):
    return f"{value:.3g}" if np.isfinite(value) else ("−∞" if value < 0 else "∞")
