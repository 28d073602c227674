"""Dropout: a small network drawn with its mask, and the sample beside the exact expectation."""

from functools import cache, lru_cache
from itertools import pairwise

import numpy as np

from helpers import data
from helpers.labs import live
from helpers.numerics.dropout import all_masks, mask_probabilities, thinned_layers, thinned_outputs
from helpers.numerics.initializers import get_initializer
from helpers.plots.frame import Axis, Frame, Line, Panel, Points, Text, beside, fitting_axis, pieces, stacked

SIZES = (5, 6, 6, 3)  # inputs: the brightness of five bands of an image
HIDDEN = SIZES[1:-1]
MASKS = all_masks(sum(HIDDEN))  # 4,096
IMAGES, MOST_DRAWS = 10, 200
RATES = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
PLACES = [  # of the units of each layer, (units, 2)
    np.stack([np.full(n, column), (max(SIZES) - n) / 2 + np.arange(n)[::-1]], axis=1, dtype=np.float64)
    for column, n in enumerate(SIZES)
]
BESIDE, BELOW = 0.13, -0.75  # where a unit's number begins, and where the layers' names stand
ROOM = 0.6  # for a unit's number
LOOKS = {"sample": "sample", "mean": "measured", "expected": "expectation", "testing": "testing"}
LEVELS = {"expected": "predicted", "testing": "tested level"}

TEXT = {
    "inverted": "inverted",
    "vanilla": "vanilla",
    "training": "training",
    "testing": "testing",
    "layers": ("input", "hidden 1", "hidden 2", "output"),
    "on": "on",
    "off": "off: no signal, no gradient",
    "positive": "positive weight",
    "negative": "negative weight",
    "sample": "this pass",
    "mean": "mean of draws",
    "expected": "mean over all masks",
    "output": "output {}",
    "network": "the network under its mask",
    "outputs": "the three outputs",
    "running": "mean of output 3 over the draws so far",
    "nothing": "Rate 0: no unit is ever off, and training is like testing.",
    "cut": "All units of a hidden layer are off: nothing of the image gets through.",
    "still": "Testing: all units are on, and every pass gives the same.",
}


class DropoutLab(live.LiveFigure):
    """A network of 12 hidden units under a mask, and its outputs: this pass, mean, all masks, testing."""

    READ_OUT = {
        "off": "units that are off",
        "sample_3": "output 3, this pass",
        "mean_3": "output 3, mean of {draw} draws",
        "expected_3": "output 3, mean over all masks",
        "testing_3": "output 3, testing",
    }

    def controls(self):
        return {
            "mode": live.choice("mode", [(TEXT[m], m) for m in ("training", "testing")], "training"),
            "method": live.choice("method", [(TEXT[m], m) for m in ("inverted", "vanilla")], "inverted"),
            "rate": live.steps("rate", RATES, 0.5),
            "draw": live.whole("draw", 1, MOST_DRAWS, 50),
            "image": live.whole("image", 1, IMAGES, 1),
        }

    def update(self, mode, method, rate, draw, image):
        images, weights, chances = network()
        x, kept, whole = images[image - 1], chances >= rate, np.ones((1, sum(HIDDEN)), bool)
        factor, scale = (1 / (1 - rate), 1.0) if method == "inverted" else (1.0, 1 - rate)
        mean = running_mean(thinned_outputs(x, weights, kept, factor)[:draw])
        mask, by = (kept[draw - 1 : draw], factor) if mode == "training" else (whole, scale)
        layers = [x, *(values[0] for values in thinned_layers(x, weights, mask, by))]
        outputs = {
            "sample": layers[-1],
            "mean": mean[-1],
            "expected": expected_outputs(image, rate, factor),
            "testing": thinned_outputs(x, weights, whole, scale)[0],
        }
        levels = {name: outputs[name][-1] for name in LEVELS}
        beyond = stacked(outputs_panel(outputs), running_panel(mean[:, -1], levels))
        return Frame(
            beside(network_panel(layers, mask[0], weights), beyond, widths=(46, 50)),
            words=_in_words(mode, rate, mask[0]),
            numbers={"off": int(np.sum(~mask))} | {f"{name}_3": float(v[-1]) for name, v in outputs.items()},
        )


def network_panel(layers, mask, weights) -> Panel:
    """Return the network with each unit's activation; no line leads to or from a unit that is off."""
    on = [np.ones(SIZES[0], bool), *np.split(mask, np.cumsum(HIDDEN)[:-1]), np.ones(SIZES[-1], bool)]
    every, is_on = np.concatenate(PLACES), np.concatenate(on)
    numbers = [f"{value:.2f}" for value in np.concatenate(layers)]
    marks = (
        *_edges(weights, on),
        *(
            Points(*np.where(chosen[:, None], every, np.nan).T, f"unit {name}", TEXT[name])
            for name, chosen in (("on", is_on), ("off", ~is_on))
        ),
        Text(every[:, 0] + BESIDE, every[:, 1], numbers, "small text", "left", within=ROOM),
        Text(np.arange(len(SIZES)), np.full(len(SIZES), BELOW), TEXT["layers"], within=1),
    )
    x, y = Axis(-0.4, len(SIZES) - 0.4, ticks=()), Axis(BELOW - 0.25, max(SIZES) - 0.6, ticks=())
    return Panel(marks, TEXT["network"], x, y, bare=True)


def _edges(weights, on):
    """The lines between units that are both on: those of positive weights, and those of negative ones."""
    pairs = [np.broadcast_arrays(a[:, None], b[None]) for a, b in pairwise(PLACES)]
    starts, ends = (np.concatenate([pair[k].reshape(-1, 2) for pair in pairs]) for k in (0, 1))
    both_on = np.concatenate([np.outer(a, b).ravel() for a, b in pairwise(on)])
    positive = np.concatenate([W.ravel() > 0 for W in weights])
    for name, chosen in (("positive", positive), ("negative", ~positive)):
        shown = np.where(both_on[chosen, None], starts[chosen], np.nan)
        yield pieces(shown, ends[chosen], f"{name} weight", TEXT[name])


def outputs_panel(outputs) -> Panel:
    """Return the three outputs: in this pass, on average, over all masks, in testing."""
    places = np.arange(1, SIZES[-1] + 1)
    marks = [Points(places, values, LOOKS[name], TEXT[name]) for name, values in outputs.items()]
    ticks = {k: TEXT["output"].format(k) for k in places}
    x = Axis(0.5, SIZES[-1] + 0.5, ticks=ticks, counts="output")
    return Panel(tuple(marks), TEXT["outputs"], x, fitting_axis(*outputs.values(), 0))


def running_panel(mean, levels) -> Panel:
    """Return the mean over the draws so far, with the levels that it is to be compared with."""
    draws = np.arange(1, MOST_DRAWS + 1)
    so_far = np.pad(mean, (0, MOST_DRAWS - len(mean)), constant_values=np.nan)
    lines = [Line(draws, so_far, "measured", TEXT["mean"])]
    for name, level in levels.items():
        lines.append(Line(draws, np.full(MOST_DRAWS, level), LEVELS[name], TEXT[name]))
    x = Axis(0, 1.03 * MOST_DRAWS, label="draws", counts="draw")
    return Panel(tuple(lines), TEXT["running"], x, fitting_axis(mean, *levels.values(), 0))


def running_mean(drawn) -> np.ndarray:
    """Return the mean over the first 1, 2, 3, … rows."""
    return np.cumsum(drawn, axis=0) / np.arange(1, len(drawn) + 1)[:, None]


@cache
def network() -> tuple:
    """Return the images' bands, the weights, and for each draw the chances by which units are kept."""
    rng = np.random.default_rng(0)
    weights = [get_initializer("he_normal")(shape, rng=rng) for shape in pairwise(SIZES)]
    return bands_of_images(), weights, np.random.default_rng(1).random((MOST_DRAWS, sum(HIDDEN)))


@lru_cache(maxsize=64)
def expected_outputs(image, rate, factor) -> np.ndarray:
    """Return the mean of the outputs over all masks, exactly. The array is shared: don't change it."""
    images, weights, _ = network()
    return mask_probabilities(MASKS, rate) @ thinned_outputs(images[image - 1], weights, MASKS, factor)


def bands_of_images() -> np.ndarray:
    """Return the mean brightness of five bands of each image, top to bottom, shape (images, 5), in 0 … 1."""
    x, _ = data.load_batch(IMAGES, standardize=False, dtype=np.float64)
    rows = x.reshape(-1, 28, 28).mean(axis=2)
    return np.stack([part.mean(axis=1) for part in np.array_split(rows, SIZES[0], axis=1)], axis=1)


def _in_words(mode, rate, mask):
    if mode == "testing":
        return TEXT["still"]
    if rate == 0:
        return TEXT["nothing"]
    cut = any(not part.any() for part in np.split(mask, np.cumsum(HIDDEN)[:-1]))
    return TEXT["cut"] if cut else data.notice()
