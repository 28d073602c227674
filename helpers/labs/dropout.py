"""Dropout: a small network drawn with its mask, and the sample beside the exact expectation."""

from itertools import pairwise

import numpy as np
from matplotlib.collections import LineCollection

from helpers import data
from helpers.labs import live
from helpers.numerics.dropout import all_masks, mask_probabilities, thinned_layers, thinned_outputs
from helpers.numerics.initializers import get_initializer
from helpers.plots.quicktext import QuickText
from helpers.plots.style import BLACK, BLUE, GREEN, MEASURED, ORANGE, PREDICTED, RED, SKY

SIZES = (5, 6, 6, 3)  # inputs: the brightness of five bands of an image
HIDDEN = SIZES[1:-1]
MASKS = all_masks(sum(HIDDEN))  # 4,096
IMAGES, MOST_DRAWS = 10, 200
RATES = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SIZE_OF_UNIT = 9  # points; the text stands beside
ROOM = 1.25

TEXT = {
    "inverted": "inverted",
    "vanilla": "vanilla",
    "training": "training",
    "testing": "testing",
    "layers": ("input", "hidden 1", "hidden 2", "output"),
    "sample": "this pass",
    "mean": "mean of draws",
    "expected": "mean over all masks",
    "whole": "testing",
    "output": "output {}",
    "draws": "draws",
    "nothing": "Rate 0: no unit is ever off, and training is like testing.",
    "cut": "All units of a hidden layer are off: nothing of the image gets through.",
    "still": "Testing: all units are on, and every pass gives the same.",
}


class DropoutLab(live.LiveFigure):
    """A network of 12 hidden units under a mask, and its outputs: this pass, mean, all masks, testing."""

    size = (9.6, 4.4)

    def controls(self):
        return {
            "mode": live.choice("mode", [(TEXT[m], m) for m in ("training", "testing")], "training"),
            "method": live.choice("method", [(TEXT[m], m) for m in ("inverted", "vanilla")], "inverted"),
            "rate": live.steps("rate", RATES, 0.5),
            "draw": live.whole("draw", 1, MOST_DRAWS, 50),
            "image": live.whole("image", 1, IMAGES, 1),
        }

    def build(self):
        rng = np.random.default_rng(0)
        self.images, self._known = bands_of_images(), (None, None)
        self.weights = [get_initializer("he_normal")(shape, rng=rng) for shape in pairwise(SIZES)]
        self.chances = np.random.default_rng(1).random((MOST_DRAWS, sum(HIDDEN)))  # one row for each draw
        self._build_network(self.figure.add_axes([0.01, 0.02, 0.45, 0.83]))
        grid = self.figure.add_gridspec(2, 1, left=0.55, right=0.985, top=0.79, bottom=0.1, hspace=0.5)
        self._build_outputs(self.figure.add_subplot(grid[0]))
        self._build_running(self.figure.add_subplot(grid[1]))

    def update(self, mode, method, rate, draw, image):
        x, factor = self.images[image - 1], 1 / (1 - rate) if method == "inverted" else 1.0
        kept = self.chances >= rate
        drawn = thinned_outputs(x, self.weights, kept, factor)
        expected = self._expected(image, rate, factor)
        scale = 1.0 if method == "inverted" else 1 - rate
        whole = np.ones((1, sum(HIDDEN)), bool)
        testing = thinned_outputs(x, self.weights, whole, scale)[0]
        mask, factor = (kept[draw - 1 : draw], factor) if mode == "training" else (whole, scale)
        layers = [values[0] for values in thinned_layers(x, self.weights, mask, factor)]
        self._show_network(x, layers, mask[0])
        mean = drawn[:draw].mean(axis=0)
        self._show_outputs(layers[-1], mean, expected, testing)
        self._show_running(drawn[:draw, -1], expected[-1], testing[-1])
        self.say(_in_words(mode, rate, mask[0]))
        return {
            "off": int(np.sum(~mask)),
            "sample_3": float(layers[-1][-1]),
            "mean_3": float(mean[-1]),
            "expected_3": float(expected[-1]),
            "testing_3": float(testing[-1]),
        }

    def free(self):
        self.images = self.weights = self.chances = self._known = None
        self.units = self.texts = self.edges = self.dots = self.lines = None

    def _build_network(self, axes):
        axes.set(xlim=(-0.35, 3.6), ylim=(-0.75, max(SIZES) - 0.3))
        axes.axis("off")
        self.places = [
            np.stack([np.full(n, float(column)), (max(SIZES) - n) / 2 + np.arange(n)[::-1]], axis=1)
            for column, n in enumerate(SIZES)
        ]
        for column, name in enumerate(TEXT["layers"]):
            axes.text(column, -0.7, name, ha="center")
        self.edges = self.moving(axes.add_collection(LineCollection([], linewidths=1.2)))
        look = {"linestyle": "", "markersize": SIZE_OF_UNIT, "markeredgecolor": BLACK}
        (on,) = axes.plot([], [], "o", color=SKY, label="on", **look)
        (off,) = axes.plot([], [], "X", color="#bbbbbb", label="off: no signal, no gradient", **look)
        self.units = self.moving([on, off])
        self.texts = [[self._number(axes, place) for place in layer] for layer in self.places]
        axes.legend(handles=self.units, loc="lower center", ncols=2, bbox_to_anchor=(0.45, 1))

    def _number(self, axes, place):
        x, y = axes.transLimits.transform(place + np.array([0.26, -0.07]))
        return self.moving(QuickText(axes, x, y, size=8))

    def _build_outputs(self, axes):
        looks = {
            "sample": {"color": ORANGE, "marker": "s", "markersize": 7},
            "mean": {"color": BLUE, "marker": "o", "markersize": 6},
            "expected": {"color": RED, "marker": "_", "markersize": 20, "markeredgewidth": 2},
            "whole": {"color": GREEN, "marker": "D", "markersize": 6, "markerfacecolor": "none"},
        }
        self.dots = {
            name: axes.plot([], [], linestyle="", label=TEXT[name], **look)[0] for name, look in looks.items()
        }
        self.moving(list(self.dots.values()))
        places = range(1, SIZES[-1] + 1)
        axes.set(xlim=(0.5, SIZES[-1] + 0.5))
        axes.set_xticks(places, [TEXT["output"].format(k) for k in places])
        axes.set_title("the three outputs", pad=20)
        axes.legend(
            loc="lower center", ncols=4, bbox_to_anchor=(0.48, 0.98), columnspacing=0.9, handletextpad=0.8
        )
        self.outputs_axes = axes

    def _build_running(self, axes):
        (mean,) = axes.plot([], [], **MEASURED | {"markersize": 2})
        (expected,) = axes.plot([], [], **PREDICTED)
        (testing,) = axes.plot([], [], color=GREEN, linestyle=":", linewidth=2)
        self.lines = self.moving([mean, expected, testing])
        axes.set(xlim=(0, MOST_DRAWS), title="mean of output 3 over the draws so far")
        self.running_axes = axes

    def _expected(self, image, rate, factor):
        """The mean of the outputs over all masks; the last one is kept, for the draws don't change it."""
        key = image, rate, factor
        if self._known[0] != key:
            outputs = thinned_outputs(self.images[image - 1], self.weights, MASKS, factor)
            self._known = key, mask_probabilities(MASKS, rate) @ outputs
        return self._known[1]

    def _show_network(self, x, layers, mask):
        on = [np.ones(SIZES[0], bool), *np.split(mask, np.cumsum(HIDDEN)[:-1]), np.ones(SIZES[-1], bool)]
        on[1:3] = [part.astype(bool) for part in on[1:3]]
        self._show_edges(on)
        for line, chosen in zip(self.units, (on, [~part for part in on]), strict=True):
            shown = np.concatenate([places[part] for places, part in zip(self.places, chosen, strict=True)])
            line.set_data(*shown.T)
        for texts, values in zip(self.texts, [x, *layers], strict=True):
            for text, value in zip(texts, values, strict=True):
                text.set_text(f"{value:.2f}")

    def _show_edges(self, on):
        """Lines between units that are both on: blue for a positive weight, orange dashes for a negative."""
        segments, colors, styles = [], [], []
        for k, W in enumerate(self.weights):
            for i, j in np.argwhere(on[k][:, None] & on[k + 1][None]):
                segments.append((self.places[k][i], self.places[k + 1][j]))
                colors.append("#9fc5e8" if W[i, j] > 0 else "#f0c27a")
                styles.append("-" if W[i, j] > 0 else (0, (4, 2)))
        self.edges.set_segments(segments)
        self.edges.set(color=colors, linestyle=styles or "-")

    def _show_outputs(self, *four):
        for line, values in zip(self.dots.values(), four, strict=True):
            line.set_data(np.arange(1, len(values) + 1), values)
        self.outputs_axes.set_ylim(*_reach(self.outputs_axes, np.concatenate(four)))

    def _show_running(self, drawn, expected, testing):
        draws = np.arange(1, len(drawn) + 1)
        mean = np.cumsum(drawn) / draws
        self.lines[0].set_data(draws, mean)
        for line, value in zip(self.lines[1:], (expected, testing), strict=True):
            line.set_data([0, MOST_DRAWS], [value, value])
        self.running_axes.set_ylim(*_reach(self.running_axes, np.append(mean, (expected, testing))))


def bands_of_images() -> np.ndarray:
    """Return the mean brightness of five bands of each image, top to bottom, shape (images, 5), in 0 … 1."""
    x, _ = data.load_batch(IMAGES, standardize=False, dtype=np.float64)
    rows = x.reshape(-1, 28, 28).mean(axis=2)
    return np.stack([part.mean(axis=1) for part in np.array_split(rows, SIZES[0], axis=1)], axis=1)


def _reach(axes, values):
    """Limits that hold the values, from a short list, so that they seldom change."""
    low, high = min(values.min(), 0), max(values.max(), 0)
    sizes = (0.25, 0.5, 1, 2, 4, 8, 16, 64, 1024)
    below, above = (next((s for s in sizes if ROOM * reach <= s), reach) for reach in (-low, high))
    return -below, above


def _in_words(mode, rate, mask):
    if mode == "testing":
        return TEXT["still"]
    if rate == 0:
        return TEXT["nothing"]
    cut = any(not part.any() for part in np.split(mask, np.cumsum(HIDDEN)[:-1]))
    return TEXT["cut"] if cut else data.notice()
