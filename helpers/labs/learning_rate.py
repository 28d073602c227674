"""Learning rate × spread of the weights: where a network learns, with and without batch norm."""

import numpy as np

from helpers.data import results
from helpers.labs import live
from helpers.plots.frame import Axis, Bars, Frame, Image, Line, Panel, beside

CHANCE_LOSS = np.log(10)  # of guessing among ten classes, all equally likely
LOSS_SHOWN = 5.0
HIGHEST = 0.8  # the accuracy at which the colors end
PLACES = {"without": "second", "with": "first"}  # batch norm, and how its curve looks
SHOWN = ("worst", "accuracy", "loss")

TEXT = {
    "accuracy": "validation accuracy",
    "worst": "its lowest of 5 seeds",
    "loss": "training loss at the end",
    "without": "without batch norm",
    "with": "with batch norm",
    "both": "Both diverged here: the loss left the range of the computer's numbers in most of the 5 runs.",
    "one": "{name}: diverged here, the loss left the range of the computer's numbers in most of the 5 runs.",
    "off": "{name}: the loss lies above the picture, at {loss:.3g} in the end.",
}


class LearningRateLab(live.LiveFigure):
    """Two maps of the result over learning rate and spread, the chosen cell on both, and its two curves.

    All is read from `results/learning_rate.json`: medians over five seeds of a network with five hidden ReLU
    layers of 100, trained for 150 steps on 2,000 images.
    """

    READ_OUT = {
        "accuracy_without": "validation accuracy, without batch norm",
        "loss_without": "training loss, without",
        "accuracy_with": "validation accuracy, with batch norm",
        "loss_with": "training loss, with",
    }

    def __init__(self, **start):
        self.stored = results.load("learning_rate")
        super().__init__(**start)

    def controls(self):
        shown = [(TEXT[name], name) for name in SHOWN]
        return {
            "rate": live.steps("learning rate", tuple(self.stored.rate.tolist()), 0.1),
            "std": live.steps("std of weights", tuple(self.stored.std.tolist()), 0.1),
            "shown": live.choice("shown", shown, "accuracy"),
        }

    def update(self, rate, std, shown):
        stored, maps = self.stored, map_of(self.stored, shown)
        row, column = place_of(stored.std, std), place_of(stored.rate, rate)
        cells = {name: cell(stored, i, row, column) for i, name in enumerate(PLACES)}
        titles = [f"{TEXT[name]}\n{told(numbers, shown)}" for name, numbers in cells.items()]
        panels = [
            map_panel(stored, title, values, shown, (row, column), bar)
            for title, values, bar in zip(titles, maps, (False, True), strict=True)
        ]
        numbers = {
            f"{quantity}_{name}": cells[name][quantity] for name in cells for quantity in ("accuracy", "loss")
        }
        parts = beside(*panels, losses_panel(stored.steps, cells))
        return Frame(parts, 330, in_words(cells), numbers)


def place_of(values, value) -> int:
    """Return where a value stands among the grid's."""
    return int(np.flatnonzero(values == value)[0])


def map_of(stored, shown) -> np.ndarray:
    """Return the median or the lowest of one quantity per cell, (2, stds, rates); nan where most diverged."""
    loss = stored.loss[..., -1]
    if shown == "loss":
        return loss
    over_seeds = np.median if shown == "accuracy" else np.min
    return np.where(np.isfinite(loss), over_seeds(stored.accuracy, axis=-1), np.nan)


def cell(stored, place, row, column) -> dict:
    """Return a cell's median accuracy with its lowest and highest, its last loss, and its loss curve."""
    accuracies, curve = stored.accuracy[place, row, column], stored.loss[place, row, column]
    ends = {"worst": float(accuracies.min()), "best": float(accuracies.max())}
    return {"accuracy": float(np.median(accuracies)), "loss": float(curve[-1]), "curve": curve, **ends}


def told(numbers, shown) -> str:
    """Return what the chosen quantity is in a cell, an accuracy with its range over the seeds."""
    if not np.isfinite(numbers["loss"]):
        return "diverged"
    ends = f" ({numbers['worst']:.2g} to {numbers['best']:.2g})" if shown == "accuracy" else ""
    return f"{numbers[shown]:.3g}{ends}"


def map_panel(stored, title, values, shown, chosen, bar) -> Panel:
    """Return `values` (stds, rates) as colors, diverged cells hatched, with a cross on the chosen cell.

    `bar` draws the colors with their numbers beside it.
    """
    ends = (-0.5, values.shape[1] - 0.5, -0.5, values.shape[0] - 0.5)
    colors = ("cividis_r", 0, CHANCE_LOSS) if shown == "loss" else ("cividis", 0, HIGHEST)
    gone = np.argwhere(~np.isfinite(values))
    row, column = chosen
    cross = ([*ends[:2], np.nan, column, column], [row, row, np.nan, *ends[2:]])
    marks = (
        Image(values[::-1], ends, *colors, bar),
        squares(*gone.T, "diverged", "diverged"),
        Line(*cross, "casing"),
        Line(*cross, "here"),
        squares([row], [column], "around chosen"),
        squares([row], [column], "chosen"),
    )
    ticks = [{k: f"{each[k]:g}" for k in range(0, len(each), 2)} for each in (stored.rate, stored.std)]
    x = Axis(*ends[:2], ticks=ticks[0], label="learning rate")
    return Panel(marks, title, x, Axis(*ends[2:], ticks=ticks[1], label="std of weights"))


def squares(rows, columns, look, label="") -> Bars:
    """Return squares that fill cells of a map."""
    rows, columns = np.asarray(rows), np.asarray(columns)
    return Bars(columns - 0.5, columns + 0.5, rows - 0.5, rows + 0.5, look, label)


def losses_panel(steps, cells) -> Panel:
    """Return the loss curves of the chosen cell, cut off where they leave the picture."""
    ends = (-0.5, 1.03 * steps[-1])
    shown = {name: np.where(c["curve"] <= LOSS_SHOWN, c["curve"], np.nan) for name, c in cells.items()}
    curves = [Line(steps, losses, PLACES[name], TEXT[name]) for name, losses in shown.items()]
    chance = Line(ends, [CHANCE_LOSS] * 2, "reference", "chance, ln 10")
    x = Axis(*ends, label="step", counts="step")
    return Panel((*curves, chance), f"training loss (cut off at {LOSS_SHOWN:g})", x, Axis(0, LOSS_SHOWN))


def in_words(cells) -> str:
    """Return what the picture can't show of the chosen cell, in a sentence."""
    gone = [name for name, numbers in cells.items() if not np.isfinite(numbers["loss"])]
    off = [name for name, numbers in cells.items() if numbers["loss"] > LOSS_SHOWN]
    if len(gone) == len(cells):
        return TEXT["both"]
    if gone:
        return TEXT["one"].format(name=TEXT[gone[0]].capitalize())
    if off:
        return TEXT["off"].format(name=TEXT[off[0]].capitalize(), loss=cells[off[0]]["loss"])
    return ""
