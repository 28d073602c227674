"""All activations in one sortable table, computed from their entries in `ACTIVATIONS`; and what they cost.

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
from helpers.numerics.gaussian import expectation, mean_square_slope
from helpers.numerics.tables import table

HEADINGS = {
    "activation": "activation",
    "value": "f(z)",
    "derivative": "f'(z)",
    "range": "range",
    "zero_centered": "centered",
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
    "zero_centered",
    "saturates",
    "can_die",
    "mean",
    "std",
    "slope_square",
    "initializer",
)


@dataclass(frozen=True)
class Properties:
    """What a learner compares: the entry's own words, limits and yes-or-no, and averages for z ~ N(0, 1).

    `mean` and `std` are those of f(z), `slope_square` is E[f'(z)²], `cost` the time relative to ReLU's or
    None where it was not measured.
    """

    activation: str
    value: str
    derivative: str
    range: tuple[float, float]
    zero_centered: bool
    saturates: str
    can_die: bool
    mean: float
    std: float
    slope_square: float
    initializer: str
    cost: float | None = None


def properties(name, cost=None) -> Properties:
    """Return the `Properties` of one activation; raises ValueError for an unknown name."""
    entry = get_activation(name)
    mean = float(expectation(entry.f, 1.0))
    variance = float(expectation(lambda z: (entry.f(z) - mean) ** 2, 1.0))
    return Properties(
        activation=entry.label,
        value=entry.formula,
        derivative=entry.derivative,
        range=tuple(float(limit) for limit in entry.limits),
        zero_centered=entry.zero_centered,
        saturates=entry.saturates,
        can_die=entry.can_die,
        mean=round(mean, 12) + 0.0,  # an odd function's mean is 0 and not the rounding error's -1e-17
        std=variance**0.5,
        slope_square=float(mean_square_slope(entry, 1.0)),
        initializer=entry.initializer,
        cost=cost,
    )


@dataclass(frozen=True, repr=False)
class PropertiesTable:
    """Rows of `Properties` and the columns to show; its text form is an aligned table."""

    rows: tuple[Properties, ...]
    columns: tuple[str, ...]

    def column(self, name) -> list:
        """Return one column, top to bottom."""
        return [getattr(row, name) for row in self.rows]

    def __repr__(self):
        cells = [[_text(getattr(row, name)) for name in self.columns] for row in self.rows]
        return table([HEADINGS[name] for name in self.columns], cells)


def properties_table(sort_by="activation", *, descending=False, columns=USUAL, costs=None) -> PropertiesTable:
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
    rows = [properties(name, costs.get(name)) for name in ACTIVATIONS]
    rows.sort(key=lambda row: _sort_key(getattr(row, sort_by)), reverse=descending)
    columns = (*columns, "cost") if costs and "cost" not in columns else tuple(columns)
    return PropertiesTable(tuple(rows), columns)


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


def _text(value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return f"{_limit(value[0])} … {_limit(value[1])}"
    if isinstance(value, float):
        return f"{value:.3f}"
    return "-" if value is None else value


def _limit(value) -> str:
    return ("−∞" if value < 0 else "∞") if isinf(value) else f"{value:.3g}".replace("-", "−")
