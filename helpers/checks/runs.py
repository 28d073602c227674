"""Saved runs: a learner's own experiments, kept under a name and compared."""

import numpy as np

from helpers.checks import learner
from helpers.numerics.tables import table


class Runs(dict):
    """Name → the numbers of a run; its text form is a table of where each curve ends and its lowest value."""

    def __repr__(self):
        if not self:
            return "No run is saved yet."
        curve = next(iter(next(iter(self.values()))))
        rows = [(name, *_ends(run.get(curve, ()))) for name, run in self.items()]
        return table(("run", f"{curve} at the end", "lowest", "steps"), rows)


def save(name, **curves) -> None:
    """Keep a run under a name, in place of an earlier one of that name: `runs.save("my idea", loss=losses)`.

    Each curve is one number per step. Raises ValueError for an empty name, no curve, or one that is not a row
    of numbers.
    """
    if not str(name).strip():
        raise ValueError("a run needs a name")
    if not curves:
        raise ValueError('there is nothing to save: give a curve, as in runs.save("my idea", loss=losses)')
    kept = {}
    for label, values in curves.items():
        row = np.asarray(values, float)
        if row.ndim != 1 or not row.size:
            raise ValueError(f"{label} must be a row of numbers, got an array of shape {row.shape}")
        kept[label] = [float(f"{value:.5g}") if np.isfinite(value) else None for value in row]
    learner.keep("runs", str(name), kept)


def compare(*names) -> Runs:
    """Return the saved runs of these names, or all; raises ValueError for a name that was not saved."""
    kept = learner.load("runs")
    missing = [name for name in names if name not in kept]
    if missing:
        raise ValueError(f"no run {missing[0]!r} is saved; there are {', '.join(map(repr, kept)) or 'none'}")
    return Runs({name: kept[name] for name in names or kept})


def _ends(values):
    finite = np.array([np.nan if value is None else value for value in values], float)
    if not np.isfinite(finite).any():
        return "overflow", "overflow", len(finite)
    return float(finite[-1]), float(np.nanmin(finite)), len(finite)
