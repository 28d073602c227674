"""Learning rate × spread of the weights: where a network learns, with and without batch norm."""

import numpy as np
from matplotlib.patches import Rectangle

from helpers.data import results
from helpers.labs import live
from helpers.plots.quicktext import QuickText
from helpers.plots.style import BLACK, BLUE, ORANGE

CHANCE_LOSS = np.log(10)  # of guessing among ten classes, all equally likely
LOSS_SHOWN = 5.0
HIGHEST = 0.8  # the accuracy at which the colors end
PLACES = ("without", "with")
LOOKS = {"without": {"color": ORANGE, "marker": "s"}, "with": {"color": BLUE, "marker": "o"}}
COLORS = "cividis"  # dark to bright in one direction for every kind of color vision
SHOWN = ("worst", "accuracy", "loss")
TICKS = (0, 2, 4, 6, 8)

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
    """Two maps of the result over learning rate and spread, a cross-hair on both, and the cell's two curves.

    All is read from `results/learning_rate.json`: medians over five seeds of a network with five hidden ReLU
    layers of 100, trained for 150 steps on 2,000 images.
    """

    size = (9.6, 3.9)

    def controls(self):
        stored = results.load("learning_rate")
        shown = [(TEXT[name], name) for name in SHOWN]
        return {
            "rate": live.steps("learning rate", tuple(stored.rate.tolist()), 0.1),
            "std": live.steps("std of weights", tuple(stored.std.tolist()), 0.1),
            "shown": live.choice("shown", shown, "accuracy"),
        }

    def build(self):
        self.stored = results.load("learning_rate")
        self._drawn = None
        maps = self.figure.add_gridspec(1, 2, left=0.075, right=0.61, top=0.76, bottom=0.135, wspace=0.12)
        self.maps = {name: self.figure.add_subplot(maps[0, i]) for i, name in enumerate(PLACES)}
        self.crosses = {name: self._build_map(name, axes) for name, axes in self.maps.items()}
        self.maps["without"].set_ylabel("std of weights")
        self._build_curves(self.figure.add_axes([0.71, 0.135, 0.275, 0.625]))
        gone = ~np.isfinite(self.stored.loss[..., -1])
        self.images = [self._build_image(*pair) for pair in zip(self.maps.values(), gone, strict=True)]
        self.figure.colorbar(self.images[0], cax=self.figure.add_axes([0.62, 0.135, 0.012, 0.625]))

    def update(self, rate, std, shown):
        self._show_maps(shown)
        row, column = place_of(self.stored.std, std), place_of(self.stored.rate, rate)
        cells = {name: cell(self.stored, i, row, column) for i, name in enumerate(PLACES)}
        for name, numbers in cells.items():
            self._show_cell(name, row, column, numbers, shown)
        self.say(in_words(cells))
        return {
            f"{quantity}_{name}": numbers[quantity]
            for name, numbers in cells.items()
            for quantity in ("accuracy", "loss")
        }

    def free(self):
        self.stored = self.maps = self.images = self.crosses = self.lines = None

    def _build_map(self, name, axes):
        """The frame of one map, and what moves on it: two lines that cross, a square, the number."""
        axes.set_title(TEXT[name], pad=18)
        axes.set_xlabel("learning rate")
        axes.set_xticks(TICKS, [f"{self.stored.rate[k]:g}" for k in TICKS])
        axes.set_yticks(TICKS, [f"{self.stored.std[k]:g}" if name == PLACES[0] else "" for k in TICKS])
        axes.grid(False)
        look = {"color": "white", "linewidth": 1.2, "linestyle": "--"}
        (across,), (up,) = axes.plot([], [], **look), axes.plot([], [], **look)
        box = {"marker": "s", "markersize": 15, "markerfacecolor": "none", "markeredgewidth": 2.5}
        (square,) = axes.plot([], [], **box, markeredgecolor="white")
        (inner,) = axes.plot(
            [], [], **box | {"markersize": 12, "markeredgewidth": 1.2}, markeredgecolor=BLACK
        )
        told = QuickText(axes, 0.5, 1.025, size=9)
        return self.moving([across, up, square, inner, told])

    def _build_image(self, axes, gone):
        """The colors of one map, to be filled in, and a hatched square on each cell that diverged."""
        image = axes.imshow(np.zeros(gone.shape), origin="lower", aspect="auto", cmap=COLORS, zorder=0)
        for row, column in np.argwhere(gone):
            axes.add_patch(_hatched(row, column))
        axes.set(xlim=(-0.5, 8.5), ylim=(-0.5, 8.5))
        return image

    def _build_curves(self, axes):
        axes.set(title="training loss (cut off at 5)", xlabel="step", ylim=(0, LOSS_SHOWN))
        axes.set_xlim(0, self.stored.steps[-1] * 1.03)
        chance = axes.axhline(CHANCE_LOSS, color=BLACK, linestyle=":", label="chance, ln 10")
        self.lines = {
            name: self.moving(axes.plot([], [], label=TEXT[name], markersize=4, **look)[0])
            for name, look in LOOKS.items()
        }
        hatched = Rectangle((0, 0), 1, 1, facecolor="#dddddd", edgecolor=BLACK, hatch="////", linewidth=0)
        hatched.set_label("diverged")
        handles = [*self.lines.values(), chance, hatched]
        self.figure.legend(handles=handles, loc="upper right", ncols=4, bbox_to_anchor=(1, 0.945))

    def _show_maps(self, shown):
        """Color both maps, where another quantity is shown than before; the bar follows."""
        if self._drawn == shown:
            return
        for image, values in zip(self.images, map_of(self.stored, shown), strict=True):
            image.set_data(values)
            image.set(cmap=f"{COLORS}_r" if shown == "loss" else COLORS)
            image.set_clim(0, CHANCE_LOSS if shown == "loss" else HIGHEST)
        self._drawn = shown
        self.redraw()

    def _show_cell(self, name, row, column, numbers, shown):
        across, up, square, inner, told = self.crosses[name]
        across.set_data([-0.5, 8.5], [row, row])
        up.set_data([column, column], [-0.5, 8.5])
        for marker in (square, inner):
            marker.set_data([column], [row])
        value, low, high = (numbers[key] for key in (shown, "worst", "best"))
        words = f"{value:.3g}" + (f" ({low:.2g} to {high:.2g})" if shown == "accuracy" else "")
        told.set_text(words if np.isfinite(numbers["loss"]) else "diverged")
        curve = numbers["curve"]
        self.lines[name].set_data(self.stored.steps, np.where(curve <= LOSS_SHOWN, curve, np.nan))


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


def _hatched(row, column):
    look = {"facecolor": "#dddddd", "edgecolor": "#777777", "hatch": "////", "linewidth": 0}
    return Rectangle((column - 0.5, row - 0.5), 1, 1, zorder=1, **look)
