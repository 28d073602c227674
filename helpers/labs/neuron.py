"""One neuron with two inputs: drag a weight, and see z slide along f(z) and f'(z)."""

import numpy as np

from helpers.labs import knobs, live
from helpers.numerics.activations import ACTIVATIONS
from helpers.plots.axes import fitting_limits, power_of_ten
from helpers.plots.quicktext import QuickText
from helpers.plots.style import BLUE, GREEN, MARKERS, ORANGE, RED

INPUTS = (0.01, 50.0)
REACHES = (8, 16, 32, 64, 128, 256)  # half-widths of the z axis, so that it changes seldom while z slides
POINTS = 801
LOST = 1e-18  # even times 50, a step this small is lost when float64 adds it to a weight near 1

TEXT = {
    "value": "f(z), what the neuron says",
    "slope": "f'(z), what it lets back",
    "log": "f'(z) on a log axis",
    "sum": "z = {w1:g} · {x1:g} + {w2:g} · {x2:g} = {z:.6g}        f(z) = {f:.4g}        f'(z) = {df:.3g}"
    "        ∂h/∂w₁ = f'(z) · {x1:g} = {g1:.3g}        ∂h/∂w₂ = f'(z) · {x2:g} = {g2:.3g}",
    "gradient_points": ("gradient of weight 1", "gradient of weight 2"),
    "zero": "The slope is exactly 0 in the computer's numbers: no gradient passes, and a log axis has no 0.",
    "lost": "The slope is below {limit:g}: no step of gradient descent will move these weights noticeably.",
}


class NeuronLab(live.LiveFigure):
    """A point on f(z), on f'(z), and on f'(z) with a log axis, where each weight's gradient is shown too."""

    size = (9.6, 3.8)

    def controls(self):
        return {
            "activation": knobs.activation("sigmoid", "activation"),
            "w1": live.whole("weight 1", -10_000, 10_000, 100),
            "w2": live.real("weight 2", -2, 2, 0.02, 1),
        }

    def build(self):
        self.figure.subplots_adjust(left=0.05, right=0.99, top=0.78, bottom=0.21, wspace=0.22)
        self.panels = [_CurveAndPoint(axes) for axes in self.figure.subplots(1, 3)]
        for panel, title in zip(self.panels, ("value", "slope", "log"), strict=True):
            panel.axes.set(title=TEXT[title], xlabel="z")
            self.moving(panel.artists)
        self.words = self.moving(QuickText(self.panels[1].axes, 0.5, 1.2, size=9))
        self._build_log_panel(self.panels[2])

    def update(self, activation, w1, w2):
        z, value, slope, gradients = neuron(activation, w1, w2)
        grid = np.linspace(-1, 1, POINTS) * next(reach for reach in REACHES if abs(z) < 0.95 * reach)
        curve = ACTIVATIONS[activation].df(grid)
        self.panels[0].show(grid, ACTIVATIONS[activation].f(grid), z, value)
        self.panels[1].show(grid, curve, z, slope)
        self.panels[2].show(grid, _log(curve), z, _log(slope), _log(gradients))
        for point, gradient in zip(self.gradients, gradients, strict=True):
            point.set_data([z], [_log(gradient)])
        numbers = {"z": z, "f": value, "df": slope, "gradient_1": gradients[0], "gradient_2": gradients[1]}
        shown = zip(("x1", "x2", "g1", "g2"), (*INPUTS, *gradients), strict=True)
        self.words.set_text(TEXT["sum"].format(w1=w1, w2=w2, z=z, f=value, df=slope, **dict(shown)))
        self.say(slope_in_words(slope))
        return numbers

    def free(self):
        self.panels = self.gradients = self.words = None

    def _build_log_panel(self, panel):
        panel.axes.yaxis.set_major_formatter(lambda value, _: power_of_ten(value))
        panel.point.set_label("f'(z)")
        self.gradients = [
            panel.axes.plot([], [], color=color, marker=marker, markersize=6, linestyle="", label=label)[0]
            for color, marker, label in zip(
                (GREEN, ORANGE), MARKERS[2:4], TEXT["gradient_points"], strict=True
            )
        ]
        self.moving(self.gradients)
        self.figure.legend(
            handles=[panel.point, *self.gradients], loc="lower right", ncols=3, handletextpad=0.2
        )


class _CurveAndPoint:
    """A curve over z with one point on it, and a dotted line down from the point."""

    def __init__(self, axes):
        self.axes = axes
        (self.curve,) = axes.plot([], [], color=BLUE, linewidth=1.8)
        (self.drop,) = axes.plot([], [], color="#888888", linestyle=":", linewidth=1)
        (self.point,) = axes.plot([], [], color=RED, marker="o", markersize=7, linestyle="", zorder=4)
        self.artists = [self.curve, self.drop, self.point]

    def show(self, x, y, x_point, y_point, others=()):
        """Draw curve and point; the axes keep their limits while these serve. `others` must fit too."""
        self.curve.set_data(x, y)
        self.point.set_data([x_point], [y_point])
        self.drop.set_data([x_point, x_point], [-1e3, y_point])
        self.axes.set_xlim(x[0], x[-1])
        values = np.concatenate([y, [y_point], np.ravel(others)])
        self.axes.set_ylim(*fitting_limits(values, self.axes.get_ylim(), 1.0))


def neuron(activation, w1, w2) -> tuple:
    """Return (z, f(z), f'(z), gradients) of the neuron z = w₁ x₁ + w₂ x₂ with the inputs `INPUTS`.

    The gradients are those of h = f(z) with respect to the two weights, ∂h/∂w_i = f'(z) x_i.
    """
    z = w1 * INPUTS[0] + w2 * INPUTS[1]
    value, slope = (
        float(function(np.float64(z))) for function in (ACTIVATIONS[activation].f, ACTIVATIONS[activation].df)
    )
    return z, value, slope, np.array(INPUTS) * slope


def slope_in_words(slope) -> str:
    """Return a sentence where so little passes back that no weight can move, else an empty string."""
    if slope == 0:
        return TEXT["zero"]
    return TEXT["lost"].format(limit=LOST) if abs(slope) < LOST else ""


def _log(values):
    """log10 of the absolute values; nan, which is not drawn, where they are 0."""
    with np.errstate(divide="ignore"):
        logs = np.log10(np.abs(values))
    return np.where(np.isfinite(logs), logs, np.nan)
