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
from helpers.plots.axes import fitting_limits
from helpers.plots.style import BLACK, BLUE, GREEN, MEASURED, ORANGE, PREDICTED, SKY
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

POPULATION = {"color": "#777777", "linestyle": ":", "linewidth": 1.6}
BIASED = {"color": BLUE, "marker": "o", "markersize": 4, "linestyle": "-", "linewidth": 1.5}
UNBIASED = {"color": GREEN, "marker": "^", "markersize": 4, "linestyle": "-.", "linewidth": 1.5}

TEXT = {
    "biased": "biased (Keras)",
    "unbiased": "unbiased (PyTorch)",
    "predicted": "predicted",
    "all": "all images",
    "training": "in training: median, 5–95 %",
    "inference": "at inference, as Keras",
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


class BatchSizeLab(live.LiveFigure):
    """One real unit's batch variance, its moving averages, and its output in training and at inference."""

    size = (9.6, 5.2)

    def controls(self):
        return {
            "size": live.steps("batch size m", SIZES, 8),
            "momentum": live.steps("momentum (of the old)", MOMENTA, 0.99),
            "seen": live.steps("batches seen", SEEN, 100),
        }

    def build(self):
        self.z, self.followed, self.draws = drawn_once(data.fetch())
        (self.mean,), (self.variance,), _ = batch_statistics(self.z[:, None])
        left = self.figure.add_gridspec(
            2, 2, left=0.055, right=0.65, top=0.87, bottom=0.17, hspace=0.55, wspace=0.22
        )
        right = self.figure.add_gridspec(1, 1, left=0.72, right=0.985, top=0.87, bottom=0.17)
        self._build_estimates(self.figure.add_subplot(left[0, 0]))
        self._build_bias(self.figure.add_subplot(left[0, 1]))
        self.moving_mean = MovingPanel(self.figure.add_subplot(left[1, 0]), "moving mean", 0, self.mean)
        self.moving_variance = MovingPanel(
            self.figure.add_subplot(left[1, 1]), "moving variance", 1, self.variance
        )
        self._build_outputs(self.figure.add_subplot(right[0]))
        for panel in (self.moving_mean, self.moving_variance):
            self.moving(panel.artists)
        self._legend_below()

    def update(self, size, momentum, seen):
        draws = self.draws[size]
        corrected = unbiased(draws.variance, size) if size > 1 else np.full(BATCHES, np.nan)
        self._show_estimates(size, draws.variance, corrected)
        mean = self.moving_mean.show(momentum, seen, {"biased": (draws.mean, self.mean)})
        share = (size - 1) / size
        variance = self.moving_variance.show(
            momentum,
            seen,
            {
                "biased": (draws.variance, share * self.variance),
                "unbiased": (corrected, self.variance if size > 1 else np.nan),
            },
        )
        inference = self._one_feature(self.followed, mean["biased"], variance["biased"])
        self._show_outputs(draws.outputs, inference)
        self.say(_in_words(size, inference, variance["biased"]) or data.notice())
        return self._numbers(draws, share, mean, variance, inference)

    def free(self):
        self.z = self.draws = None
        self.moving_mean = self.moving_variance = None

    def _build_estimates(self, axes):
        axes.set(xlim=(-0.03, 1.02 * WIDEST), ylim=(0, 1.1), yticks=[])
        axes.set_title("variance estimates (all images: 1)")
        axes.set_xlabel("filled: biased; line: unbiased; last bar: 3 or more", fontsize=8)
        axes.grid(False)
        axes.axvline(1, **POPULATION)
        edges = np.linspace(0, WIDEST, BINS + 1)
        biased = axes.stairs(np.zeros(BINS), edges, fill=True, color=SKY)
        corrected = axes.stairs(np.zeros(BINS), edges, color=GREEN, linestyle="-", linewidth=1.4)
        self.estimates = self.moving([biased, corrected])

    def _build_bias(self, axes):
        """The dots of all sizes stand still; a ring marks the present one."""
        axes.set(
            xlim=(-0.4, 9.4),
            ylim=(-0.06, 1.25),
            title="their mean, for every batch size",
            xlabel="batch size m",
        )
        axes.set_xticks(range(0, 10, 2), [str(2**k) for k in range(0, 10, 2)])
        axes.axhline(1, **POPULATION)
        ratios = np.array([self.draws[size].variance.mean() / self.variance for size in SIZES])
        fine = np.geomspace(1, 512, 200)
        corrected = [unbiased(ratio, m) for ratio, m in zip(ratios[1:], SIZES[1:], strict=True)]
        axes.plot(np.log2(SIZES[1:]), corrected, **UNBIASED | {"linestyle": ""})
        axes.plot(np.log2(SIZES), ratios, **BIASED | {"linestyle": ""})
        axes.plot(np.log2(fine), (fine - 1) / fine, **PREDICTED)
        self.ratios = dict(zip(SIZES, ratios, strict=True))
        ring = {"markersize": 11, "markerfacecolor": "none", "markeredgecolor": BLACK, "markeredgewidth": 1.6}
        (self.ring,) = self.moving(axes.plot([], [], "o", **ring))

    def _build_outputs(self, axes):
        reach = 1.05 * REACH
        axes.set(
            xlim=(-2.6, 2.6),
            ylim=(-reach, reach),
            title="output of nine images",
            xlabel="output with the statistics of all images",
        )
        axes.plot([-reach, reach], [-reach, reach], **POPULATION)
        self.expected = self._one_feature(self.followed, self.mean, self.variance)
        (middle,) = axes.plot([], [], **MEASURED | {"linestyle": "", "markersize": 6})
        bars = axes.vlines(self.expected, np.nan, np.nan, color=BLUE, linewidth=1.6)
        (moving,) = axes.plot([], [], "D", color=ORANGE, markersize=5, markeredgecolor=BLACK)
        self.outputs = self.moving([bars, middle, moving])

    def _legend_below(self):
        _, middle, moving = self.outputs
        variance = self.moving_variance
        lines = [*variance.lines.values(), variance.predicted[0], variance.population, middle, moving]
        labels = [TEXT[n] for n in ("biased", "unbiased", "predicted", "all", "training", "inference")]
        self.figure.legend(lines, labels, loc="lower center", ncols=len(lines), columnspacing=1.2)

    def _one_feature(self, z, mean, variance):
        """The form used at inference, for the one unit, γ = 1 and β = 0."""
        return normalize(z[:, None], [mean], [variance], [1], [0])[:, 0]

    def _show_estimates(self, size, biased, corrected):
        for bars, estimates in zip(self.estimates, (biased, corrected), strict=True):
            shares = histogram(estimates / self.variance, 0, WIDEST, BINS).shares
            bars.set_data(shares / max(shares.max(), 1e-9))
        self.ring.set_data([np.log2(size)], [self.ratios[size]])

    def _show_outputs(self, training, inference):
        bars, middle, moving = self.outputs
        low, median, high = np.quantile(training, LEVELS, axis=0)
        ends = np.stack([self.expected, low, self.expected, high], axis=-1).reshape(-1, 2, 2)
        bars.set_segments(list(ends))
        middle.set_data(self.expected, median)
        moving.set_data(self.expected, np.clip(inference, -REACH, REACH))

    def _numbers(self, draws, share, mean, variance, inference):
        return {
            "variance_of_all": self.variance,
            "biased": draws.variance.mean(),
            "predicted_biased": share * self.variance,
            "moving_mean": mean["biased"],
            "moving_variance": variance["biased"],
            "spread_in_training": draws.outputs.std(axis=0).mean(),
            "gap": np.abs(draws.outputs - inference).mean(),
        }


class MovingPanel:
    """A moving statistic over the batches seen: measured lines, predicted dashes, the value of all images."""

    def __init__(self, axes, title, start, of_all):
        self.axes, self.start = axes, start
        self.always = (start, of_all)
        axes.set(xlim=(-0.05, 3.05), ylim=(start - 0.2, of_all + 0.2), title=title, xlabel="batches seen")
        axes.set_xticks(range(4), [f"{10**k:,}" for k in range(4)])
        self.population = axes.axhline(of_all, **POPULATION)
        looks = {"biased": BIASED, "unbiased": UNBIASED}
        self.lines = {name: axes.plot([], [], **look)[0] for name, look in looks.items()}
        self.predicted = [axes.plot([], [], **PREDICTED)[0] for _ in looks]
        self.artists = [*self.lines.values(), *self.predicted]

    def show(self, momentum, seen, series) -> dict:
        """Draw each named (values of batch after batch, what they are on average); return where each ends."""
        ticks, ends = np.unique(np.geomspace(1, seen, 40).round().astype(int)), {}
        drawn = [np.array(self.always)]
        for (name, line), predicted in zip(self.lines.items(), self.predicted, strict=True):
            values, average = series.get(name, (np.full(seen, np.nan), np.nan))
            running = moving_average(values[:seen], self.start, momentum)
            expected = expected_running(self.start, average, momentum, ticks)
            line.set_data(np.log10(ticks), running[ticks])
            predicted.set_data(np.log10(ticks), expected)
            drawn += [running[ticks], expected]
            ends[name] = running[-1]
        self.axes.set_ylim(*fitting_limits(np.concatenate(drawn), self.axes.get_ylim(), 0.2))
        return ends


@lru_cache(maxsize=1)
def drawn_once(_source):
    """The unit's pre-activations, those of the followed images, and the draws of every size: 1 MB, kept.

    Making them takes half a second and large arrays for a moment: too much for every run of a cell.
    """
    z = pre_activations()
    followed = np.quantile(z, np.linspace(0.05, 0.95, SHOWN), method="nearest")
    return z, followed, {size: draw(z, followed, size) for size in SIZES}


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


def _in_words(size, inference, variance):
    if size <= 2:
        return TEXT["one" if size == 1 else "two"]
    beyond = int((np.abs(inference) > REACH).sum())
    return TEXT["beyond"].format(count=beyond, variance=variance) if beyond else ""
