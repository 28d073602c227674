"""Random in training, still in testing: whether a method is, found by calling it in both ways.

Dropout and its kin follow one pattern: they disturb the training at random, and use the average of the
disturbed networks in testing. `behavior` measures how far a method does so; `behavior_table` shows several.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from helpers.numerics.tables import table

SURE = 3  # standard errors: a bias beyond them is no accident
ROUNDING = 1e-6  # a bias below this share of the testing output is float32's rounding
HEADER = (
    "method",
    "training passes differ",
    "testing passes differ",
    "testing − mean",
    "± error",
    "averages",
)


class Behavior(NamedTuple):
    """What a method does in its two modes; `bias` and `standard_error` are as `behavior` says."""

    random_in_training: bool
    random_in_testing: bool
    bias: float
    standard_error: float

    @property
    def averages_out(self) -> bool:
        """Whether the testing output is the mean of the training outputs, within 3 standard errors."""
        return self.bias <= SURE * self.standard_error


def behavior(training: Callable, testing: Callable, *, samples: int, rng: np.random.Generator) -> Behavior:
    """Return what a method does in each mode: `samples` passes in training are compared with two in testing.

    `training(rng)` and `testing(rng)` each return the output of one pass on the same input, arrays of one
    shape; they draw all their randomness from the `rng` they are given. A mode is random when its passes
    differ. `bias` is the root mean square, over the entries, of testing output − mean of training outputs;
    `standard_error` is what it would be by chance alone, the root mean square of the entries' std / √samples.
    A bias that is only rounding is returned as 0. Raises ValueError for fewer than 2 samples, or for outputs
    of different shapes.
    """
    if samples < 2:
        raise ValueError(f"samples must be 2 or more, got {samples}")
    first, second = (np.asarray(testing(rng), np.float64) for _ in range(2))
    mean, variance = _mean_and_variance(training, samples, rng)
    if first.shape != mean.shape:
        raise ValueError(f"training returns shape {mean.shape} and testing {first.shape}; they must be equal")
    bias, error = _size(first - mean), float(np.sqrt(np.mean(variance) / samples))
    small = bias <= ROUNDING * _size(first)
    return Behavior(bool(variance.any()), not np.array_equal(first, second), 0.0 if small else bias, error)


def behavior_table(methods: dict, *, samples: int, rng: np.random.Generator) -> str:
    """Return a row per method, name → (training, testing), as `behavior` measures them."""
    rows = []
    for name, (training, testing) in methods.items():
        found = behavior(training, testing, samples=samples, rng=rng)
        words = ["yes" if flag else "no" for flag in (*found[:2], found.averages_out)]
        rows.append((name, *words[:2], f"{found.bias:.1e}", f"{found.standard_error:.1e}", words[2]))
    return table(HEADER, rows)


def _mean_and_variance(training, samples, rng):
    """The mean and the variance of every entry, sample by sample (Welford): no sample has to be kept."""
    mean = squares = 0.0
    for number in range(1, samples + 1):
        output = np.asarray(training(rng), np.float64)
        step = output - mean
        mean = mean + step / number
        squares = squares + step * (output - mean)
    return mean, squares / (samples - 1)


def _size(values):
    return float(np.sqrt(np.mean(np.square(values))))
