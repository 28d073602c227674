"""Weight decay: a λ slider, L1 or L2, two weights in the constraint picture and 49 as an image."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from helpers import data
from helpers.labs import live
from helpers.plots.style import BLACK, BLUE, RED, SKY
from helpers.plots.weights import SOLVERS, ConstraintPanel

PAIRS = (("Dress", "Shirt"), ("Pullover", "Coat"), ("T-shirt/top", "Shirt"), ("Sneaker", "Ankle boot"))
SEARCHED, NEW, SIDE = 8000, 1000, 7
COUNTS = (100, 200, 400)  # of training images
STRENGTHS = (0, *(float(f"{10**exponent:.2g}") for exponent in np.arange(-3, 0.51, 0.25)))
NEAR_ZERO = 1e-3
FLAT = 0.02  # a pixel that varies less than this, out of 1, is taken for constant
REACH, BINS = 1.0, 41  # of the histogram; what lies beyond counts in the last bars
LARGEST_ERROR = 2.0

TEXT = {
    "two": "two weights",
    "features": ("weight of the upper half", "weight of the lower half"),
    "training": "training images",
    "new": "1,000 new images",
    "none": "λ = 0: no penalty, the weights are free.",
    "all": "Every weight is exactly 0: all images get the same answer.",
    "cut": "One of the two weights is exactly 0: the solution sits in a corner.",
}


class Problem(NamedTuple):
    """Standardized features of training and new images, targets ±1, and the training images' Hessian."""

    x: np.ndarray
    t: np.ndarray
    x_new: np.ndarray
    t_new: np.ndarray
    hessian: np.ndarray
    best: np.ndarray


class WeightDecayLab(live.LiveFigure):
    """The constraint picture, histogram and image of the weights, and the errors along λ."""

    size = (9.6, 4.3)

    def controls(self):
        return {
            "penalty": live.choice("penalty", list(SOLVERS), "L1"),
            "strength": live.steps("λ", STRENGTHS, STRENGTHS[8]),
            "pair": live.choice("classes", [(" or ".join(pair), pair) for pair in PAIRS], PAIRS[0]),
            "images": live.steps("training images", COUNTS, COUNTS[0]),
        }

    def build(self):
        self._problem = None
        grid = self.figure.add_gridspec(1, 1, left=0.065, right=0.4, top=0.8, bottom=0.11)
        self.two = ConstraintPanel(self.figure.add_subplot(grid[0]), TEXT["features"])
        self.two.axes.locator_params(nbins=6)
        self.moving(self.two.artists)
        rows = {"height_ratios": (1.35, 1), "hspace": 0.42, "wspace": 0.2}
        beside = self.figure.add_gridspec(2, 2, left=0.47, right=0.985, top=0.86, bottom=0.08, **rows)
        self._build_weights(*(self.figure.add_subplot(beside[0, k]) for k in (0, 1)))
        self._build_errors(self.figure.add_subplot(beside[1, :]))
        lines = [self.two.touching, self.two.region, self.two.path, self.two.best, self.two.solution]
        self.two.axes.legend(handles=lines, loc="lower center", ncols=3, bbox_to_anchor=(0.5, 1), fontsize=7,
                             columnspacing=0.8)  # fmt: skip

    def update(self, penalty, strength, pair, images):
        path, problem = solutions(pair, penalty, images), problem_of(pair, pixels, images)
        if self._problem != (pair, penalty, images):
            halves_problem = problem_of(pair, halves, images)
            self.two.set_problem(halves_problem.hessian, halves_problem.best, penalty)
            self._problem = pair, penalty, images
        two, w = self.two.show(strength), path[STRENGTHS.index(strength)]
        self._show_weights(w)
        errors = self._show_errors(path, problem, STRENGTHS.index(strength))
        self.say(_in_words(strength, two, w))
        return {
            "weight_1": _rounded(two[0]),
            "weight_2": _rounded(two[1]),
            "near_zero": float(np.mean(np.abs(w) < NEAR_ZERO)),
            "exactly_zero": float(np.mean(w == 0)),
            "largest": float(np.abs(w).max()),
            "error_training": errors[0],
            "error_new": errors[1],
            "right_new": float(np.mean(np.sign(problem.x_new @ w + problem.t.mean()) == problem.t_new)),
        }

    def free(self):
        self.two = self.bars = self.pixels = self.errors = self.marks = None

    def _build_weights(self, left, right):
        self.bars = left.stairs(np.zeros(BINS), np.linspace(-REACH, REACH, BINS + 1), fill=True, color=SKY)
        left.set(title="49 weights, how many", ylim=(0, 20), xlim=(-REACH, REACH))
        right.set(title="the same as an image", xticks=[], yticks=[])
        right.grid(False)
        image = right.imshow(
            np.zeros((SIDE, SIDE)), cmap="PuOr", vmin=-0.5, vmax=0.5, interpolation="nearest"
        )
        bar = self.figure.colorbar(image, ax=right, pad=0.04, ticks=(-0.5, 0, 0.5))
        bar.outline.set_visible(False)
        self.pixels = image
        self.moving([self.bars, self.pixels])

    def _build_errors(self, axes):
        looks = {
            "training": {"color": BLUE, "marker": "o"},
            "new": {"color": RED, "marker": "s", "linestyle": "--"},
        }
        self.errors = {
            name: axes.plot([], [], markersize=4, label=TEXT[name], **look)[0] for name, look in looks.items()
        }
        (self.marks,) = axes.plot([], [], color=BLACK, linewidth=1.2)
        self.moving([*self.errors.values(), self.marks])
        shown = range(0, len(STRENGTHS), 4)
        axes.set(ylim=(0, LARGEST_ERROR), xlim=(-0.5, len(STRENGTHS) - 0.5))
        axes.set_title("squared error, by λ", loc="left")
        axes.set_xticks([0, *(k + 1 for k in shown)], ["0", *(f"{STRENGTHS[k + 1]:g}" for k in shown)])
        axes.legend(loc="lower right", ncols=2, bbox_to_anchor=(1, 0.97))

    def _show_weights(self, w):
        counts, edges = np.histogram(np.clip(w, -REACH, REACH), BINS, (-REACH, REACH))
        self.bars.set_data(np.minimum(counts, 20), edges)
        self.pixels.set_data(w.reshape(SIDE, SIDE))

    def _show_errors(self, path, problem, place):
        errors = errors_along(path, problem)
        for line, values in zip(self.errors.values(), errors.T, strict=True):
            line.set_data(np.arange(len(values)), np.minimum(values, LARGEST_ERROR))
        self.marks.set_data([place, place], [0, LARGEST_ERROR])
        return errors[place].tolist()


@lru_cache(maxsize=2 * len(PAIRS) * len(COUNTS))
def problem_of(pair, features, count) -> Problem:
    """Return the least squares problem of telling two classes apart, −1 and +1, from `count` images.

    `features` makes the inputs of images (n, 28, 28); they are standardized with the training images'
    statistics. `t` keeps its mean, which the answer adds. The arrays are shared: don't change them.
    """
    images, labels = data.load_batch(SEARCHED, standardize=False, dtype=np.float64)
    first, second = (data.CLASS_NAMES.index(name) for name in pair)
    chosen = np.flatnonzero(np.isin(labels, (first, second)))
    chosen = np.concatenate([chosen[:count], chosen[COUNTS[-1] :][:NEW]])
    x, t = features(images[chosen].reshape(-1, 28, 28)), np.where(labels[chosen] == second, 1.0, -1.0)
    mean, std = x[:count].mean(axis=0), x[:count].std(axis=0)
    x = (x - mean) * (std > FLAT) / np.where(std > FLAT, std, 1)
    hessian = x[:count].T @ x[:count] / count
    best = np.linalg.lstsq(x[:count], t[:count] - t[:count].mean(), rcond=None)[0]
    return Problem(x[:count], t[:count], x[count:], t[count:], hessian, best)


def pixels(images) -> np.ndarray:
    """Return images (n, 28, 28) at 7 × 7 pixels, each the mean of 4 × 4, shape (n, 49)."""
    return images.reshape(-1, SIDE, 4, SIDE, 4).mean(axis=(2, 4)).reshape(len(images), -1)


def halves(images) -> np.ndarray:
    """Return the mean brightness of each image's upper and lower half, shape (n, 2)."""
    return images.reshape(-1, 2, 14 * 28).mean(axis=2)


@lru_cache(maxsize=2 * len(PAIRS) * len(COUNTS))
def solutions(pair, penalty, count) -> np.ndarray:
    """Return the 49 weights for every strength, shape (strengths, 49)."""
    problem = problem_of(pair, pixels, count)
    return np.array([SOLVERS[penalty](problem.hessian, problem.best, strength) for strength in STRENGTHS])


def errors_along(path, problem) -> np.ndarray:
    """Return the mean squared errors on training and on new images, shape (strengths, 2)."""
    middle = problem.t.mean()
    pairs = ((problem.x, problem.t), (problem.x_new, problem.t_new))
    return np.transpose([np.mean((path @ x.T + middle - t) ** 2, axis=1) for x, t in pairs])


def _rounded(value):
    """The value, with what is only rounding set to 0."""
    return 0.0 if abs(value) < 1e-9 else float(value)


def _in_words(strength, two, w):
    if strength == 0:
        return TEXT["none"]
    if not w.any():
        return TEXT["all"]
    return data.notice() or (TEXT["cut"] if (two == 0).any() else "")
