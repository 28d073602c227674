"""Full batch, mini-batch, one example at a time: three paths on one loss surface, and what they cost."""

import numpy as np

from helpers.labs import live
from helpers.networks.two_weights import (
    EXAMPLES,
    brightness_of_dresses_and_shirts,
    descend,
    logistic_loss,
    lowest_point,
)
from helpers.plots.quicktext import QuickText
from helpers.plots.style import BLACK, BLUE, GREEN, LINES, MARKERS, RED

START = (3.0, -2.0)
REACH = ((-5.5, 5.5), (-4.0, 7.0))  # of the two weights
SIZES = tuple(2**k for k in range(9))
RATES = (0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30)
MOST_EPOCHS, LOSS_SHOWN = 4, 3.5
LEVELS = (0.36, 0.4, 0.5, 0.65, 0.85, 1.2, 1.7, 2.4, 3.3, 4.5, 6)
LOOKS = {  # of the three paths, the noisiest lowest: color, marker, line, its width, size of the markers
    "single": (RED, MARKERS[2], LINES[0], 0.6, 2.5),
    "mini": (GREEN, MARKERS[1], LINES[1], 1.4, 4),
    "full": (BLUE, MARKERS[0], LINES[0], 1.8, 7),
}

TEXT = {
    "full": "full batch",
    "mini": "mini-batch",
    "single": "one example",
    "cost": "{name}: {updates} of {examples}, loss {loss:.3f}",
    "still": "Learning rate 0: no path moves.",
    "left": "{count} of 3 paths leave the picture: their steps are too long.",
    "same_full": "A batch of all examples is the full batch: both paths are the same.",
    "same_single": "A batch of 1 is one example at a time: both paths are the same.",
}


class MinibatchLab(live.LiveFigure):
    """Three paths over contours of the loss, and the loss against the number of examples looked at."""

    size = (9.6, 4.5)

    def controls(self):
        return {
            "batch": live.steps("batch size", SIZES, 16),
            "rate": live.steps("learning rate", RATES, 1),
            "epochs": live.whole("epochs", 1, MOST_EPOCHS, 2),
            "seed": live.whole("seed", 0, 20, 0),
        }

    def build(self):
        self.examples = brightness_of_dresses_and_shirts()
        self._single = None, None
        self.figure.subplots_adjust(left=0.055, right=0.985, top=0.86, bottom=0.24, wspace=0.14)
        self.surface, self.losses = self.figure.subplots(1, 2)
        best = draw_surface(self.surface, *self.examples)
        self.losses.set(ylim=(0, 1.04 * LOSS_SHOWN), xlim=(-0.03, 2.03))
        self.losses.set_title("loss over all examples (cut off at 3.5)", fontsize=9)
        self.losses.set_xlabel("epochs: each looks at every example once")
        self.paths, self.curves = {}, {}
        for name, (color, marker, line, width, size) in LOOKS.items():
            look = {
                "color": color,
                "marker": marker,
                "linestyle": line,
                "linewidth": width,
                "markersize": size,
            }
            self.paths[name] = self.moving(self.surface.plot([], [], label=TEXT[name], **look)[0])
            self.curves[name] = self.moving(self.losses.plot([], [], **look)[0])
        self.moving(best)  # drawn anew each time, over the paths
        words = self.figure.add_axes([0, 0, 1, 0.14])
        words.axis("off")
        self.words = {
            name: self.moving(QuickText(words, 0.5, y, size=9, color=LOOKS[name][0]))
            for name, y in (("full", 0.74), ("mini", 0.42), ("single", 0.1))
        }
        self.legend(*(self.paths[name] for name in ("full", "mini", "single")))

    def update(self, batch, rate, epochs, seed):
        sizes = {"full": EXAMPLES, "mini": batch, "single": 1}
        self.losses.set_xlim(-0.03 * epochs, 1.03 * epochs)
        left, numbers = 0, {}
        for name, size in sizes.items():
            path, losses = self._run(size, rate, epochs, seed)
            self.paths[name].set_data(*path.T)
            self.curves[name].set_data(np.linspace(0, epochs, len(path)), np.minimum(losses, LOSS_SHOWN))
            told = {"updates": counted(len(path) - 1, "update"), "examples": counted(size, "example")}
            self.words[name].set_text(TEXT["cost"].format(name=TEXT[name], loss=losses[-1], **told))
            numbers[f"loss_{name}"] = losses[-1]
            left += outside(path)
        self.say(_in_words(left, rate, batch))
        return {"updates_per_epoch": EXAMPLES // batch, **numbers}

    def free(self):
        self.examples = self._single = self.paths = self.curves = self.words = None
        self.surface = self.losses = None

    def _run(self, size, rate, epochs, seed):
        """Path and losses; the costly path of single examples is kept while its settings stay."""
        key = rate, epochs, seed
        if size == 1 and self._single[0] == key:
            return self._single[1]
        rng = np.random.default_rng(seed)
        path = descend(*self.examples, batch_size=size, rate=rate, epochs=epochs, start=START, rng=rng)
        run = path, logistic_loss(path, *self.examples)
        if size == 1:
            self._single = key, run
        return run


def draw_surface(axes, x, y):
    """Draw contours of the loss over the two weights, and return a star at the lowest point."""
    w1, w2 = (np.linspace(*reach, 67) for reach in REACH)
    points = np.stack(np.meshgrid(w1, w2), axis=-1)
    lines = axes.contour(w1, w2, logistic_loss(points, x, y), levels=LEVELS, colors="#999999", linewidths=0.8)
    axes.clabel(lines, levels=LEVELS[2::2], fontsize=7, fmt="%g")
    look = {"marker": "*", "markersize": 13, "color": BLACK, "markeredgecolor": "white", "linestyle": ""}
    (best,) = axes.plot(*lowest_point(x, y), **look, label="lowest loss")
    axes.set(
        xlim=REACH[0],
        ylim=REACH[1],
        xlabel="weight of the middle's brightness",
        ylabel="weight of the sides' brightness",
    )
    axes.set_title("paths on the loss surface", fontsize=9)
    axes.legend(loc="lower left")
    axes.grid(False)
    return best


def counted(n, thing) -> str:
    """Return a number and a noun, in the plural where there are several."""
    return f"{n} {thing}{'' if n == 1 else 's'}"


def outside(path) -> bool:
    """Say whether a path leaves the part of the surface that is shown."""
    low, high = np.transpose(REACH)
    return bool(((path < low) | (path > high)).any())


def _in_words(left, rate, batch):
    if left:
        return TEXT["left"].format(count=left)
    if rate == 0:
        return TEXT["still"]
    return {1: TEXT["same_single"], EXAMPLES: TEXT["same_full"]}.get(batch, "")
