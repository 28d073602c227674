"""Full batch, mini-batch, one example at a time: three paths on one loss surface, and what they cost."""

from functools import lru_cache

import numpy as np

from helpers.labs import live
from helpers.networks.two_weights import (
    EXAMPLES,
    brightness_of_dresses_and_shirts,
    descend,
    logistic_loss,
    lowest_point,
)
from helpers.plots.contours import contour
from helpers.plots.frame import Axis, Frame, Line, Panel, Points, Text, beside

START = (3.0, -2.0)
REACH = ((-5.5, 5.5), (-4.0, 7.0))  # of the two weights
SIZES = tuple(2**k for k in range(9))
RATES = (0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30)
MOST_EPOCHS, LOSS_SHOWN = 4, 3.5
LEVELS = (0.36, 0.4, 0.5, 0.65, 0.85, 1.2, 1.7, 2.4, 3.3, 4.5)
TOLD = (0.65, 1.2, 2.4)  # levels whose loss stands on the contour
UPHILL = (-0.3, -0.95)  # from the lowest point, where contours are told
LOOKS = {"single": "noisy", "mini": "third", "full": "first"}  # the noisiest path is drawn lowest

TEXT = {
    "full": "full batch",
    "mini": "mini-batch",
    "single": "one example",
    "cost": "Updates: full batch {full}, mini-batch {mini}, one example at a time {single}.",
    "still": "Learning rate 0: no path moves.",
    "left": "{count} of 3 paths leave the picture: their steps are too long.",
    "same_full": "A batch of all examples is the full batch: both paths are the same.",
    "same_single": "A batch of 1 is one example at a time: both paths are the same.",
}


class MinibatchLab(live.LiveFigure):
    """Three paths over contours of the loss, and the loss against the number of examples looked at."""

    READ_OUT = {
        "updates_per_epoch": "updates per epoch, batches of {batch}",
        "loss_full": "loss, full batch",
        "loss_mini": "loss, batches of {batch}",
        "loss_single": "loss, one example at a time",
    }

    def __init__(self, **start):
        self.free()
        super().__init__(**start)

    def controls(self):
        return {
            "batch": live.steps("batch size", SIZES, 16),
            "rate": live.steps("learning rate", RATES, 1),
            "epochs": live.whole("epochs", 1, MOST_EPOCHS, 2),
            "seed": live.whole("seed", 0, 20, 0),
        }

    def update(self, batch, rate, epochs, seed):
        sizes = {"single": 1, "mini": batch, "full": EXAMPLES}
        runs = {name: self._run(size, rate, epochs, seed) for name, size in sizes.items()}
        losses = {f"loss_{name}": runs[name][1][-1] for name in ("full", "mini", "single")}
        return Frame(
            beside(surface_panel(runs), losses_panel(runs, epochs)),
            height=390,
            words=_in_words(runs, rate, batch),
            numbers={"updates_per_epoch": EXAMPLES // batch, **losses},
        )

    def free(self):
        self._single = (None, None)

    def _run(self, size, rate, epochs, seed):
        """Path and losses; the costly path of single examples is kept while its settings stay."""
        key = rate, epochs, seed
        if size == 1 and self._single[0] == key:
            return self._single[1]
        examples, rng = brightness_of_dresses_and_shirts(), np.random.default_rng(seed)
        path = descend(*examples, batch_size=size, rate=rate, epochs=epochs, start=START, rng=rng)
        run = path, logistic_loss(path, *examples)
        if size == 1:
            self._single = key, run
        return run


def surface_panel(runs) -> Panel:
    """Return the paths, run by run, over contours of the loss, with a star at the lowest point."""
    contour, told, lowest = surface()
    paths = [Line(*path.T, LOOKS[name], TEXT[name]) for name, (path, _) in runs.items()]
    x = Axis(*REACH[0], label="weight of the middle's brightness")
    y = Axis(*REACH[1], label="weight of the sides' brightness")
    return Panel((contour, told, *paths, lowest), "paths on the loss surface", x, y)


@lru_cache(maxsize=1)
def surface() -> tuple[Line, Text, Points]:
    """Return contours of the loss over the two weights, their levels, and its lowest point."""
    examples = brightness_of_dresses_and_shirts()
    w1, w2 = (np.linspace(*reach, 45) for reach in REACH)
    heights = logistic_loss(np.stack(np.meshgrid(w1, w2), axis=-1), *examples)
    lowest = lowest_point(*examples)
    away = np.linspace(0, 12, 200)
    losses = logistic_loss(lowest + np.outer(away, UPHILL), *examples)
    places = lowest + np.outer(np.interp(TOLD, losses, away), UPHILL)
    return (
        contour(w1, w2, heights, LEVELS, "level"),
        Text(*places.T, [f"{level:g}" for level in TOLD], "small text"),
        Points(*lowest, "lowest", "lowest loss"),
    )


def losses_panel(runs, epochs) -> Panel:
    """Return the loss over all examples along the paths, cut off where it leaves the picture."""
    curves = [
        Line(np.linspace(0, epochs, len(losses)), np.minimum(losses, LOSS_SHOWN), LOOKS[name], TEXT[name])
        for name, (_, losses) in runs.items()
    ]
    x = Axis(-0.03 * epochs, 1.03 * epochs, label="epochs: each looks at every example once", counts="epoch")
    title = f"loss over all examples (cut off at {LOSS_SHOWN})"
    return Panel(tuple(curves), title, x, Axis(0, 1.04 * LOSS_SHOWN))


def outside(path) -> bool:
    """Say whether a path leaves the part of the surface that is shown."""
    low, high = np.transpose(REACH)
    return bool(((path < low) | (path > high)).any())


def _in_words(runs, rate, batch):
    left = sum(outside(path) for path, _ in runs.values())
    if left:
        return TEXT["left"].format(count=left)
    if rate == 0:
        return TEXT["still"]
    updates = {name: len(path) - 1 for name, (path, _) in runs.items()}
    return {1: TEXT["same_single"], EXAMPLES: TEXT["same_full"]}.get(batch, TEXT["cost"].format(**updates))
