"""Saved runs: a learner's own experiments, kept under a name and compared."""

import numpy as np

from helpers.checks import learner
from helpers.numerics.tables import Table, table

NOTHING = 'No run is saved yet. Save one: runs.save("my idea", loss=losses).'


class Runs(dict):
    """Name → the curves of a run; it shows itself as a table: each curve's end, lowest, highest, length."""

    def table(self) -> Table:
        """Return a row for every curve of every run."""
        rows = [(name, label, *_told(values)) for name, run in self.items() for label, values in run.items()]
        return table(HEADS, rows)

    def __repr__(self):
        return self.table() if self else NOTHING

    def _repr_html_(self):
        return self.table()._repr_html_() if self else NOTHING


HEADS = ("run", "curve", "at the end", "lowest", "highest", "values")


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


def _told(values):
    """The end, the lowest, the highest and the number of values; words where a number overflowed."""
    row = np.array([np.nan if value is None else value for value in values], float)
    finite = row[np.isfinite(row)]
    if not finite.size:
        return "overflow", "overflow", "overflow", len(row)
    end = float(row[-1]) if np.isfinite(row[-1]) else "overflow"
    return end, float(finite.min()), float(finite.max()), len(row)
