"""A hundred layers: networks side by side, each condition of self-normalization to be broken."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from helpers import data
from helpers.labs import live, wording
from helpers.networks.builders import DESIGNS
from helpers.numerics.theory import predicted_flow
from helpers.plots.frame import Frame, beside
from helpers.plots.over_layers import layers_panel
from helpers.signals.flow import flow

DEEPEST = 100
WIDTHS = (10, 20, 30, 50, 70, 100, 150, 200, 300)
IMAGES, MIN_IMAGES = 64, 32
WORK = 7 * 10**7  # multiplications forward; larger networks get fewer images, so that a step stays short

TITLES = {
    "std": "std of h, per layer",
    "mean": "mean of h, per layer",
    "grad_z_norm": "gradient norm of z, per layer",
}
TEXT = {
    "way_back": "From layer {last} back to layer 1 the gradient changes by ×{factor:.3g}",
    "predicted": "(predicted: ×{factor:.3g}).",
    "unpredicted": "(no theory with skips).",
}
INPUTS = {"standardized": 0, "pixels 0 to 1": 1, "pixels 0 to 255": 255}
OWN = "own"  # a list shows nothing as chosen where the value is None
INITIALIZERS = {
    "the network's own": OWN,
    "Glorot": "glorot_normal",
    "He": "he_normal",
    "LeCun": "lecun_normal",
}


class DepthLab(live.LiveFigure):
    """Spread and mean of what every layer hands on, and the gradient that comes back, with predictions."""

    READ_OUT = {
        "std_first": "std of h, layer 1",
        "std_last": "std of h, layer {depth}",
        "mean_last": "mean of h, layer {depth}",
        "gradient_first": "gradient norm of z, layer 1",
        "gradient_last": "gradient norm of z, layer {depth}",
        "growth": "gradient, layer 1 / layer {depth}",
    }

    def __init__(self, **start):
        self.free()
        super().__init__(**start)

    def controls(self):
        return {
            "network": live.choice("network", list(DESIGNS), "SELU + LeCun"),
            "inputs": live.choice("inputs", list(INPUTS), "standardized"),
            "initializer": live.choice("initialization", list(INITIALIZERS.items()), OWN),
            "dropout": live.real("dropout", 0, 0.5, 0.01, 0.0),
            "alpha_dropout": live.real("alpha dropout", 0, 0.5, 0.01, 0.0),
            "skips": live.switch("skip over every layer"),
            "depth": live.whole("depth", 1, DEEPEST, 100),
            "width": live.steps("width", WIDTHS, 100),
            "seed": live.whole("seed", 0, 20, 0),
        }

    def update(self, network, inputs, initializer, dropout, alpha_dropout, skips, depth, width, seed):
        design = replace(DESIGNS[network], dropout=dropout, alpha_dropout=alpha_dropout, skips=skips)
        design = replace(design, initializer=design.initializer if initializer == OWN else initializer)
        sizes = (784, *[width] * depth, 10)
        stack = self._stack(design, sizes, seed)
        x, y = batch(inputs, images_for(sizes))
        measured = flow(stack, x, y)
        predicted = predicted_flow(design, sizes, x, measured.output_error)
        panels = [
            layers_panel(title, getattr(measured, name), getattr(predicted, name), log=name != "mean")
            for name, title in TITLES.items()
        ]
        told = {"words": _in_words(measured, predicted), "numbers": _numbers(measured, predicted, len(x))}
        return Frame(beside(*panels), height=330, **told)

    def free(self):
        self._weights = (None, None)

    def _stack(self, design, sizes, seed):
        """The network, of weights that are kept while a slider moves that does not concern them."""
        key = (design.initializer, sizes[1], seed)
        if self._weights[0] != key:
            deepest = (784, *[sizes[1]] * DEEPEST, 10)
            drawn = design.stack(deepest, rng=np.random.default_rng(seed))
            self._weights = key, [layer.W for layer in drawn.flat() if layer.kind == "dense"]
        *hidden, last = self._weights[1]
        weights = [*hidden[: len(sizes) - 2], last]
        return design.stack(sizes, rng=np.random.default_rng(seed), weights=weights)


def batch(inputs, n):
    """Return `n` images as the choice of inputs has them, and their labels."""
    factor = INPUTS[inputs]
    x, y = data.shared_batch(n, standardize=not factor, dtype=np.float64)
    return (factor * x if factor else x), y


def images_for(sizes) -> int:
    """Return how many images a network of these sizes is shown, so that one step stays within `WORK`."""
    work = sum(fan_in * fan_out for fan_in, fan_out in pairwise(sizes))
    return int(np.clip(WORK // work, MIN_IMAGES, IMAGES))


def _growth(gradient):
    """The factor from the last layer back to the first; nan where there is none."""
    return float(gradient[0] / gradient[-1])


def _in_words(measured, predicted):
    depth, factor = len(measured.std), _growth(measured.grad_z_norm)
    out_of_range = wording.range_in_words(measured.std, measured.grad_z_norm)
    if out_of_range or depth == 1:
        return out_of_range or "One layer: nothing to compare the gradient with."
    told = TEXT["way_back"].format(last=depth, factor=factor)
    expected = _growth(predicted.grad_z_norm)
    key = "unpredicted" if np.isnan(expected) else "predicted"
    return f"{told} {TEXT[key].format(factor=expected)}"


def _numbers(measured, predicted, images):
    return {
        "std_first": measured.std[0],
        "std_last": measured.std[-1],
        "mean_last": measured.mean[-1],
        "gradient_first": measured.grad_z_norm[0],
        "gradient_last": measured.grad_z_norm[-1],
        "growth": _growth(measured.grad_z_norm),
        "images": images,
    }
