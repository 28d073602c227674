"""Weight decay: a λ slider, L1 or L2, two weights in the constraint picture and 49 as an image."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from helpers import data
from helpers.labs import live
from helpers.plots.frame import Axis, Frame, Line, Panel, Steps, beside, stacked
from helpers.plots.images import image_panel
from helpers.plots.weights import SOLVERS, constraint_panel, solution_path

PAIRS = (("Dress", "Shirt"), ("Pullover", "Coat"), ("T-shirt/top", "Shirt"), ("Sneaker", "Ankle boot"))
SEARCHED, NEW, SIDE = 8000, 1000, 7
COUNTS = (100, 200, 400)  # of training images
STRENGTHS = (0, *(float(f"{10**exponent:.2g}") for exponent in np.arange(-3, 0.51, 0.25)))
NEAR_ZERO = 1e-3
FLAT = 0.02  # a pixel that varies less than this, out of 1, is taken for constant
REACH, BINS, MOST = 1.0, 41, 20  # of the histogram: its ends, its bars, how high they are drawn
COLORS = {"colors": "PuOr", "low": -0.5, "high": 0.5, "bar": True}  # of the image of the weights
LARGEST_ERROR = 2.0

TEXT = {
    "two": "two weights",
    "histogram": "49 weights, how many",
    "image": "as an image",
    "errors": "squared error, by λ",
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

    READ_OUT = {
        "weight_1": "weight of the upper half",
        "weight_2": "weight of the lower half",
        "near_zero": "share of the 49 weights within ±0.001",
        "exactly_zero": "share exactly 0",
        "largest": "size of the largest",
        "error_training": "squared error, training images",
        "error_new": "squared error, new images",
        "right_new": "new images told right",
    }

    def controls(self):
        return {
            "penalty": live.choice("penalty", list(SOLVERS), "L1"),
            "strength": live.steps("λ", STRENGTHS, STRENGTHS[8]),
            "pair": live.choice("classes", [(" or ".join(pair), pair) for pair in PAIRS], PAIRS[0]),
            "images": live.steps("training images", COUNTS, COUNTS[0]),
        }

    def update(self, penalty, strength, pair, images):
        place, problem = STRENGTHS.index(strength), problem_of(pair, pixels, images)
        path, of_halves = solutions(pair, penalty, images), problem_of(pair, halves, images)
        hessian, best, w = of_halves.hessian, of_halves.best, path[place]
        two, errors = SOLVERS[penalty](hessian, best, strength), errors_along(path, problem)
        told = {"labels": TEXT["features"], "path": path_of_two(pair, penalty, images)}
        weights = beside(histogram_panel(w), image_panel(w.reshape(SIDE, SIDE), TEXT["image"], **COLORS))
        return Frame(
            beside(
                constraint_panel(hessian, best, penalty, strength, title=TEXT["two"], **told),
                stacked(weights, errors_panel(errors, place), heights=(1.35, 1)),
                widths=(0.42, 0.58),
            ),
            height=410,
            words=_in_words(strength, two, w),
            numbers=_numbers(two, w, errors[place], problem),
        )


def histogram_panel(w) -> Panel:
    """Return how many of the weights are how large; what lies beyond the ends is in the last bars."""
    counts, _ = np.histogram(np.clip(w, -REACH, REACH), BINS, (-REACH, REACH))
    bars = Steps(np.minimum(counts, MOST), -REACH, REACH)
    return Panel((bars,), TEXT["histogram"], Axis(-REACH, REACH), Axis(0, MOST))


def errors_panel(errors, place) -> Panel:
    """Return the errors (strengths, 2) for every λ, an even step apart, with a line at the one in `place`."""
    places = np.arange(len(errors))
    curves = (
        Line(places, np.minimum(values, LARGEST_ERROR), look, TEXT[name])
        for values, look, name in zip(errors.T, ("first", "second"), ("training", "new"), strict=True)
    )
    here = Line([place, place], [0, LARGEST_ERROR], "here")
    ticks = {0: "0"} | {k: f"{STRENGTHS[k]:g}" for k in range(1, len(STRENGTHS), 4)}
    x = Axis(-0.5, len(errors) - 0.5, ticks=ticks)
    return Panel((here, *curves), TEXT["errors"], x, Axis(0, LARGEST_ERROR))


def _numbers(two, w, errors, problem):
    return {
        "weight_1": _rounded(two[0]),
        "weight_2": _rounded(two[1]),
        "near_zero": float(np.mean(np.abs(w) < NEAR_ZERO)),
        "exactly_zero": float(np.mean(w == 0)),
        "largest": float(np.abs(w).max()),
        "error_training": float(errors[0]),
        "error_new": float(errors[1]),
        "right_new": float(np.mean(np.sign(problem.x_new @ w + problem.t.mean()) == problem.t_new)),
    }


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


@lru_cache(maxsize=2 * len(PAIRS) * len(COUNTS))
def path_of_two(pair, penalty, count) -> np.ndarray:
    """Return the path of the two halves' weights, from no penalty to a strong one."""
    problem = problem_of(pair, halves, count)
    return solution_path(problem.hessian, problem.best, penalty)


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
