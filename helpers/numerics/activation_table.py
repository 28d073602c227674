"""All activations in one table, computed from their entries in `ACTIVATIONS`; and what they cost.

What a standard normal pre-activation becomes is exact (a Gaussian average, not a sample): the mean of the
output, and E[f'²], the factor that one layer with LeCun's variance puts on the gradient's mean square.
"""

from collections.abc import Callable
from functools import lru_cache
from math import inf, isinf
from time import perf_counter

import numpy as np

from helpers.numerics.activations import ACTIVATIONS, GELU_TANH, get_activation
from helpers.numerics.gaussian import expectation, mean_square_slope

REACH, POINTS = 40, 320_001  # where the slope's range is looked for: every activation has settled there
COMPARED = {**ACTIVATIONS, "gelu_tanh": GELU_TANH}


def properties(name) -> dict:
    """Return what a learner compares of one activation: heading → its value.

    Yes and no are those of z ~ N(0, 1): "zero-centered" says whether the mean of f(z) is 0. Raises ValueError
    for an unknown name.
    """
    entry = COMPARED[name] if name in COMPARED else get_activation(name)
    mean = float(expectation(entry.f, 1.0))
    return {
        "activation": entry.label,
        "f(z)": tuple(float(limit) for limit in entry.limits),
        "f'(z)": slope_range(entry),
        "mean of f": round(mean, 12) + 0.0,  # an odd function's mean is 0 and not the rounding error's -1e-17
        "zero-centered": _yes(abs(mean) < 1e-9),
        "E[f'²]": float(mean_square_slope(entry, 1.0)),
        "saturates": entry.saturates,
        "can die": _yes(entry.can_die),
        "start with": entry.initializer.replace("_", " "),
    }


@lru_cache(maxsize=32)
def slope_range(entry) -> tuple[float, float]:
    """Return the lowest and the highest slope f'(z), found on a fine grid of −40 … 40."""
    slopes = entry.df(np.linspace(-REACH, REACH, POINTS))
    return round(float(slopes.min()), 6) + 0.0, round(float(slopes.max()), 6)


def best_times(jobs: dict[str, Callable], rounds) -> dict[str, float]:
    """Return the shortest time in seconds that each job took, in `rounds` rounds of all jobs in turn.

    All take turns and the best counts, so that a busy machine disturbs little.
    """
    best = dict.fromkeys(jobs, inf)
    for _ in range(rounds):
        for name, job in jobs.items():
            start = perf_counter()
            job()
            best[name] = min(best[name], perf_counter() - start)
    return best


def relative_costs(names=tuple(COMPARED), *, shape=(1000, 100), rounds=15) -> dict[str, float]:
    """Return how long each activation takes on float32 numbers of that shape, in multiples of ReLU's time."""
    z = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    jobs = {name: (lambda f=COMPARED[name].f: f(z)) for name in (*names, "relu")}
    seconds = best_times(jobs, rounds)
    return {name: seconds[name] / seconds["relu"] for name in names}


def told(value) -> str:
    """Return a value of the table in words: a range with its two limits, a number with three digits."""
    if isinstance(value, tuple):
        return f"{_limit(value[0])} … {_limit(value[1])}"
    if isinstance(value, float):
        return f"{value:#.3g}".replace("-", "−")
    return "–" if value is None else str(value)


def _limit(value) -> str:
    text = ("-∞" if value < 0 else "∞") if isinf(value) else f"{value + 0.0:.3g}"
    return text.replace("-", "−")


def _yes(so) -> str:
    return "yes" if so else "no"
