"""One neuron with two inputs: drag a weight, and see z slide along f(z) and f'(z)."""

import numpy as np

from helpers.labs import knobs, live
from helpers.numerics.activations import ACTIVATIONS
from helpers.plots.frame import Axis, Frame, Line, Panel, Points, beside, fitting_axis, fitting_log_axis

INPUTS = (0.01, 50.0)
REACHES = (8, 16, 32, 64, 128, 256)  # half-widths of the z axis, so that it changes seldom while z slides
POINTS = 801
LOST = 1e-18  # even times 50, a step this small is lost when float64 adds it to a weight near 1

TEXT = {
    "zero": "The slope is exactly 0 in the computer's numbers: no gradient passes, and a log axis has no 0.",
    "lost": "The slope is below {limit:g}: no step of gradient descent will move these weights noticeably.",
}


class NeuronLab(live.LiveFigure):
    """A point on f(z), on f'(z), and on f'(z) with a log axis, where each weight's gradient is shown too."""

    READ_OUT = {
        "z": f"z = {{w1}} · {INPUTS[0]:g} + {{w2:g}} · {INPUTS[1]:g}",
        "f": "f(z)",
        "df": "f'(z)",
        "gradient_1": f"∂h/∂w₁ = f'(z) · {INPUTS[0]:g}",
        "gradient_2": f"∂h/∂w₂ = f'(z) · {INPUTS[1]:g}",
    }

    def controls(self):
        return {
            "activation": knobs.activation("sigmoid", "activation"),
            "w1": live.whole("weight 1", -10_000, 10_000, 100),
            "w2": live.real("weight 2", -2, 2, 0.02, 1),
        }

    def update(self, activation, w1, w2):
        f, df = ACTIVATIONS[activation].f, ACTIVATIONS[activation].df
        z, value, slope, gradients = neuron(activation, w1, w2)
        reach = next(reach for reach in REACHES if abs(z) < 0.95 * reach)
        grid = np.linspace(-reach, reach, POINTS)
        back = [
            Points(z, abs(gradient), f"gradient {i}", f"gradient of weight {i}")
            for i, gradient in enumerate(gradients, start=1)
        ]
        panels = (
            curve_panel("f(z), what the neuron says", grid, f(grid), z, value),
            curve_panel("f'(z), what it lets back", grid, df(grid), z, slope),
            curve_panel("f'(z) on a log axis", grid, np.abs(df(grid)), z, abs(slope), back, log=True),
        )
        return Frame(
            beside(*panels),
            height=300,
            words=slope_in_words(slope),
            numbers={"z": z, "f": value, "df": slope, "gradient_1": gradients[0], "gradient_2": gradients[1]},
        )


def curve_panel(title, x, y, x_point, y_point, others=(), *, log=False) -> Panel:
    """Return a curve over z, with one point on it and a dotted line down from it; `others` must fit too."""
    values = [y, [y_point], *(mark.y for mark in others)]
    height = fitting_log_axis(*values) if log else fitting_axis(*values)
    marks = (
        Line(x, y, "value"),
        Line((x_point, x_point), (height.low, y_point), "here"),
        *others,
        Points(x_point, y_point, "point", "this neuron"),
    )
    return Panel(marks, title, Axis(x[0], x[-1], label="z"), height)


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
