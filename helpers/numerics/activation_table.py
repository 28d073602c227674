"""The facts of every activation in one sortable table, computed from `ACTIVATIONS`, and its measured cost.

What a standard normal pre-activation becomes is exact (a Gaussian average, not a sample): the mean and the
standard deviation of the output, and E[f'²], the factor that one layer with LeCun's variance puts on the
gradient's mean square.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import isinf
from time import perf_counter

import numpy as np

from helpers.numerics.activations import ACTIVATIONS, get_activation
from helpers.numerics.theory import expectation

# Read by learners, and by a test that computes each of them and compares it with the code.
FORMULAS = {
    "sigmoid": ("1 / (1 + exp(-z))", "f·(1 - f)"),
    "tanh": ("tanh(z)", "1 - f²"),
    "relu": ("z if z > 0 else 0", "1 if z > 0 else 0"),
    "leaky_relu": ("z if z > 0 else 0.01·z", "1 if z > 0 else 0.01"),
    "prelu": ("z if z > 0 else a·z", "1 if z > 0 else a"),
    "elu": ("z if z > 0 else exp(z) - 1", "1 if z > 0 else exp(z)"),
    "selu": ("λ·z if z > 0 else λ·α·(exp(z) - 1)", "λ if z > 0 else λ·α·exp(z)"),
    "gelu": ("z·Φ(z)", "Φ(z) + z·φ(z)"),
    "silu": ("z·σ(z)", "σ(z) + z·σ(z)·σ(-z)"),
    "softplus": ("ln(1 + exp(z))", "σ(z)"),
    "mish": ("z·tanh(s) with s = softplus(z)", "tanh(s) + z·σ(z)·(1 - tanh(s)²)"),
    "linear": ("z", "1"),
}

NO = "-"


@dataclass(frozen=True)
class Facts:
    """What a learner compares: limits of f, yes-or-no facts, and exact averages for z ~ N(0, 1).

    `mean` and `std` are those of f(z), `slope_square` is E[f'(z)²], `cost` the time relative to ReLU's or
    None where it was not measured.
    """

    name: str
    activation: str
    value: str
    derivative: str
    range: tuple[float, float]
    zero_centred: bool
    saturates: str
    can_die: bool
    mean: float
    std: float
    slope_square: float
    initializer: str
    cost: float | None = None


HEADINGS = {
    "activation": "activation",
    "value": "f(z)",
    "derivative": "f'(z)",
    "range": "range",
    "zero_centred": "centred",
    "saturates": "saturates",
    "can_die": "can die",
    "mean": "mean",
    "std": "std",
    "slope_square": "E[f'²]",
    "initializer": "start with",
    "cost": "cost",
}
USUAL = (
    "activation",
    "range",
    "zero_centred",
    "saturates",
    "can_die",
    "mean",
    "std",
    "slope_square",
    "initializer",
)


def facts_of(name, cost=None) -> Facts:
    """Return the `Facts` of one activation; raises ValueError for an unknown name."""
    entry = get_activation(name)
    mean = float(expectation(entry.f, 1.0))
    variance = float(expectation(lambda z: (entry.f(z) - mean) ** 2, 1.0))
    return Facts(
        entry.name,
        entry.label,
        *FORMULAS.get(entry.name, (NO, NO)),
        tuple(float(limit) for limit in entry.limits),
        entry.zero_centred,
        entry.saturates,
        entry.can_die,
        round(mean, 12) + 0.0,  # an odd function's mean is 0 and not the rounding error's -1e-17
        variance**0.5,
        float(expectation(lambda z: entry.df(z) ** 2, 1.0)),
        entry.initializer,
        cost,
    )


@dataclass(frozen=True, repr=False)
class FactTable:
    """Rows of `Facts` and the columns to show; its text form is an aligned table."""

    rows: tuple[Facts, ...]
    columns: tuple[str, ...]

    def column(self, name) -> list:
        """Return one column, top to bottom."""
        return [getattr(row, name) for row in self.rows]

    def __repr__(self):
        cells = [[HEADINGS[name], *(_told(value) for value in self.column(name))] for name in self.columns]
        widths = [max(map(len, column)) for column in cells]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in zip(*cells, strict=True)
        ]
        return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def fact_table(sort_by="activation", *, descending=False, columns=USUAL, costs=None) -> FactTable:
    """Return the table of all activations, sorted by any column of `HEADINGS`.

    `columns` chooses what is shown; `costs` (name → relative cost, as from `relative_costs`) adds the column
    of measured costs. Raises ValueError for an unknown column.
    """
    for name in (sort_by, *columns):
        if name not in HEADINGS:
            raise ValueError(f"unknown column {name!r}; choose one of {', '.join(HEADINGS)}")
    if (sort_by == "cost" or "cost" in columns) and costs is None:
        raise ValueError("the column 'cost' needs costs=relative_costs()")
    costs = costs or {}
    rows = [facts_of(name, costs.get(name)) for name in ACTIVATIONS]
    rows.sort(key=lambda row: _sort_key(getattr(row, sort_by)), reverse=descending)
    columns = (*columns, "cost") if costs and "cost" not in columns else tuple(columns)
    return FactTable(tuple(rows), columns)


def relative_costs(names=tuple(ACTIVATIONS), *, shape=(1000, 100), rounds=15) -> dict[str, float]:
    """Return how long each activation takes on float32 numbers of that shape, in multiples of ReLU's time.

    All take turns in each round, and the best of the rounds counts, so that a busy machine disturbs little.
    """
    z = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    jobs = {name: partial(get_activation(name).f, z) for name in (*names, "relu")}
    seconds = best_times(jobs, rounds)
    return {name: seconds[name] / seconds["relu"] for name in names}


def best_times(jobs: dict[str, Callable], rounds) -> dict[str, float]:
    """Return the shortest time in seconds that each job took, in `rounds` rounds of all jobs in turn."""
    best = dict.fromkeys(jobs, float("inf"))
    for _ in range(rounds):
        for name, job in jobs.items():
            start = perf_counter()
            job()
            best[name] = min(best[name], perf_counter() - start)
    return best


def _sort_key(value):
    return (value is None, value.casefold() if isinstance(value, str) else value)


def _told(value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return f"{_limit(value[0])} … {_limit(value[1])}"
    if isinstance(value, float):
        return f"{value:.3f}"
    return NO if value is None else value


def _limit(value) -> str:
    return ("−∞" if value < 0 else "∞") if isinf(value) else f"{value:.3g}".replace("-", "−")
