"""Statistics of batches of every size: how far off they are, what moving averages make of them."""

from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from helpers import data
from helpers.labs import live
from helpers.networks.mlp import MLP
from helpers.numerics.normalization import (
    KERAS_EPS,
    batch_norm_forward,
    batch_statistics,
    expected_running,
    normalize,
    unbiased,
)
from helpers.plots.frame import Axis, Frame, Line, Panel, Points, Steps, beside, fitting_axis, grid
from helpers.signals.measures import histogram

IMAGES, UNITS = 10_000, 100
UNIT = 3  # its mean and variance are far from 0 and 1, where moving averages start
SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
MOMENTA = (0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
SEEN = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)
BATCHES = 2000  # drawn of each size; the moving averages see the first of them
SHOWN, TIMES = 9, 100  # images whose output is followed, and how many batches each of them is put into
WIDEST, BINS = 3.0, 60  # variance estimates are drawn up to 3 population variances
REACH = 4.0  # outputs are drawn up to ±4
LEVELS = (0.05, 0.5, 0.95)
KINDS = {"biased": ("first", "biased (Keras)"), "unbiased": ("third", "unbiased (PyTorch)")}  # look, label

TEXT = {
    "one": "A batch of 1 is its own mean: its variance is 0, its output β = 0. No unbiased variance exists.",
    "two": "A batch of 2: whatever the two values are, nearly always the output is close to −1 or +1.",
    "beyond": "At inference {count} of 9 outputs lie beyond ±4: the moving variance is {variance:.2g}.",
}


class Draws(NamedTuple):
    """What many batches of one size gave: each one's mean and biased variance, and the outputs in training.

    `outputs` is (TIMES, SHOWN): the followed images, each normalized within that many batches.
    """

    mean: np.ndarray
    variance: np.ndarray
    outputs: np.ndarray


class Unit(NamedTuple):
    """One unit's pre-activations of all images, their mean and variance, those followed, `Draws` by size."""

    z: np.ndarray
    mean: float
    variance: float
    followed: np.ndarray
    draws: dict[int, Draws]


class BatchSizeLab(live.LiveFigure):
    """One real unit's batch variance, its moving averages, and its output in training and at inference."""

    READ_OUT = {
        "variance_of_all": "variance of all images",
        "biased": "biased variance, mean over batches of {size}",
        "predicted_biased": "biased variance, predicted",
        "moving_mean": "moving mean after {seen} batches",
        "moving_variance": "moving variance",
        "spread_in_training": "spread of an image's output in training",
        "gap": "distance of outputs, training to inference",
    }

    def controls(self):
        return {
            "size": live.steps("batch size m", SIZES, 8),
            "momentum": live.steps("momentum (of the old)", MOMENTA, 0.99),
            "seen": live.steps("batches seen", SEEN, 100),
        }

    def update(self, size, momentum, seen):
        unit = drawn_once(data.fetch())
        draws, share = unit.draws[size], (size - 1) / size
        corrected = unbiased(draws.variance, size) if size > 1 else np.full(BATCHES, np.nan)
        batches = {"biased": draws.variance[:seen], "unbiased": corrected[:seen]}
        averages = {"biased": share * unit.variance, "unbiased": unit.variance if size > 1 else np.nan}
        moving_mean = moving_averages({"biased": draws.mean[:seen]}, 0, momentum)
        moving_variance = moving_averages(batches, 1, momentum)
        ends = moving_mean["biased"][-1], moving_variance["biased"][-1]
        inference = one_feature(unit.followed, *ends)
        panels = [
            estimates_panel(draws.variance / unit.variance, corrected / unit.variance),
            bias_panel(unit, size),
            moving_panel("moving mean", 0, unit.mean, momentum, moving_mean, {"biased": unit.mean}),
            moving_panel("moving variance", 1, unit.variance, momentum, moving_variance, averages),
        ]
        parts = beside(grid(panels, 2), outputs_panel(unit, draws.outputs, inference), widths=(2.2, 1))
        words = _in_words(size, inference, ends[1]) or data.notice()
        return Frame(parts, 450, words, _numbers(unit, draws, share, ends, inference))


def estimates_panel(biased, corrected) -> Panel:
    """Return histograms of estimates of the variance, in units of the variance of all images."""
    looks = (("bars", biased), ("corrected", corrected))
    shares = {look: histogram(estimates, 0, WIDEST, BINS).shares for look, estimates in looks}
    bars = [Steps(each / max(each.max(), 1e-9), 0, WIDEST, look=look) for look, each in shares.items()]
    of_all = Line([1, 1], [0, 1.1], "reference")
    x = Axis(-0.03, 1.02 * WIDEST, label="filled: biased; line: unbiased; last bar: 3 or more")
    return Panel((*bars, of_all), "variance estimates (all images: 1)", x, Axis(0, 1.1, ticks=()))


def bias_panel(unit, size) -> Panel:
    """Return the mean of the estimates for every batch size, with a ring at the present one."""
    ratios = np.array([unit.draws[m].variance.mean() / unit.variance for m in SIZES])
    corrected = [unbiased(ratio, m) for ratio, m in zip(ratios[1:], SIZES[1:], strict=True)]
    fine = np.geomspace(1, 512, 60)
    marks = (
        Line([0.8, 640], [1, 1], "reference"),
        Points(SIZES[1:], corrected, KINDS["unbiased"][0]),
        Points(SIZES, ratios, KINDS["biased"][0]),
        Line(fine, (fine - 1) / fine, "predicted"),
        Points(size, ratios[SIZES.index(size)], "ring"),
    )
    x = Axis(0.8, 640, log=True, label="batch size m", ticks={4**k: str(4**k) for k in range(5)})
    return Panel(marks, "their mean, for every batch size", x, Axis(-0.06, 1.25))


def moving_averages(batches, start, momentum) -> dict:
    """Return the running values, from `start` on, of each kind's values of batch after batch."""
    return {kind: moving_average(values, start, momentum) for kind, values in batches.items()}


def moving_panel(title, start, of_all, momentum, running, averages) -> Panel:
    """Return moving statistics over the batches seen, with what they should be on average dashed.

    `running` maps a kind to its values before and after each batch, `averages` to what one batch gives on
    average; `of_all` is the value of all images.
    """
    seen = len(running["biased"]) - 1
    ticks = np.unique(np.geomspace(1, seen, 40).round().astype(int))
    measured = [Line(ticks, values[ticks], *KINDS[kind]) for kind, values in running.items()]
    predicted = [
        Line(ticks, expected_running(start, averages[kind], momentum, ticks), "predicted", "predicted")
        for kind in running
    ]
    lines = (*measured, *predicted)
    x = Axis(0.9, 1100, log=True, label="batches seen")
    y = fitting_axis([start, of_all], *(line.y for line in lines))
    return Panel((Line([0.9, 1100], [of_all] * 2, "reference", "all images"), *lines), title, x, y)


def outputs_panel(unit, training, inference) -> Panel:
    """Return the followed images' outputs against those that the statistics of all images give."""
    expected, reach = one_feature(unit.followed, unit.mean, unit.variance), 1.05 * REACH
    low, median, high = np.quantile(training, LEVELS, axis=0)
    ends = np.stack([low, high, np.full(SHOWN, np.nan)], axis=1).ravel()
    marks = (
        Line([-reach, reach], [-reach, reach], "reference"),
        Line(np.repeat(expected, 3), ends, "strong line"),
        Points(expected, median, "measured", "in training: median, 5–95 %"),
        Points(expected, np.clip(inference, -REACH, REACH), "at inference", "at inference, as Keras"),
    )
    x = Axis(-2.6, 2.6, label="output with the statistics of all images")
    return Panel(marks, "output of nine images", x, Axis(-reach, reach, most=10))


def one_feature(z, mean, variance) -> np.ndarray:
    """Return the form used at inference, for one unit, γ = 1 and β = 0."""
    return normalize(z[:, None], [mean], [variance], [1], [0])[:, 0]


@lru_cache(maxsize=1)
def drawn_once(_source) -> Unit:
    """Return the unit and the draws of every size: 1 MB, kept.

    Making them takes half a second and large arrays for a moment: too much for every run of a cell.
    """
    z = pre_activations()
    (mean,), (variance,), _ = batch_statistics(z[:, None])
    followed = np.quantile(z, np.linspace(0.05, 0.95, SHOWN), method="nearest")
    return Unit(z, mean, variance, followed, {size: draw(z, followed, size) for size in SIZES})


def pre_activations() -> np.ndarray:
    """Return the pre-activation of one unit of a first layer, Glorot weights, for 10,000 real images."""
    x, _ = data.load_batch(IMAGES)
    model = MLP((784, UNITS, 10), rng=np.random.default_rng(0), dtype=np.float32)
    return (x @ model.weights[0][:, UNIT]).astype(np.float64)


def draw(z, followed, size) -> Draws:
    """Return the `Draws` of one batch size, with replacement, so that the batches are independent."""
    rng = np.random.default_rng(size)
    batches = z[rng.integers(len(z), size=(size, BATCHES))]  # one batch a column: a feature to the helpers
    mean, variance, _ = batch_statistics(batches)
    around = batches[:, : TIMES * SHOWN].copy()
    around[0] = np.tile(followed, TIMES)  # the followed image takes part in its own batch
    ones = np.ones(TIMES * SHOWN)
    out, _ = batch_norm_forward(around, ones, 0 * ones, KERAS_EPS)
    return Draws(mean, variance, out[0].reshape(TIMES, SHOWN))


def moving_average(values, start, momentum) -> np.ndarray:
    """Return the running value before and after each batch, momentum · old + (1 − momentum) · new."""
    steps = accumulate(values.tolist(), lambda old, new: momentum * old + (1 - momentum) * new, initial=start)
    return np.array(list(steps))


def _numbers(unit, draws, share, ends, inference):
    return {
        "variance_of_all": unit.variance,
        "biased": draws.variance.mean(),
        "predicted_biased": share * unit.variance,
        "moving_mean": ends[0],
        "moving_variance": ends[1],
        "spread_in_training": draws.outputs.std(axis=0).mean(),
        "gap": np.abs(draws.outputs - inference).mean(),
    }


def _in_words(size, inference, variance):
    if size <= 2:
        return TEXT["one" if size == 1 else "two"]
    beyond = int((np.abs(inference) > REACH).sum())
    return TEXT["beyond"].format(count=beyond, variance=variance) if beyond else ""
