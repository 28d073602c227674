"""A fair comparison as it is read in a lesson: who was chosen how, what it scored, and what differs for sure.

`experiments.fair` makes it: every contender is tuned on its own grid, which is widened until the chosen value
does not lie at its edge; the choice is made on validation images, and test images score it with fresh seeds.
"""

from itertools import product

import numpy as np

from helpers.data import results
from helpers.numerics.over_seeds import median_and_range, paired_difference
from helpers.numerics.tables import Table, table

METRICS = {"loss": "test loss", "accuracy": "test accuracy", "calibration_error": "calibration error"}


class Comparison:
    """Contenders that were tuned alike and scored on images that nothing was chosen on."""

    def __init__(self, stored):
        self.stored, self.contenders = stored, stored.contenders

    def __iter__(self):
        return iter(self.contenders)

    def test(self, contender, metric="loss") -> np.ndarray:
        """Return a contender's test scores, one per seed; `metric` is one of METRICS."""
        if metric not in METRICS:
            raise ValueError(f"there is no metric {metric!r}; choose one of {', '.join(METRICS)}")
        scores = np.array(self._of(contender).test[metric], float)
        return np.where(np.isnan(scores), np.inf, scores)

    def chosen(self, contender) -> dict:
        """Return the settings that were chosen on validation images: name → value."""
        return dict(self._of(contender).chosen.items())

    def order(self, metric="loss") -> list[str]:
        """Return the contenders, the best median first."""
        sign = -1 if metric == "accuracy" else 1
        return sorted(self, key=lambda name: sign * np.median(self.test(name, metric)))

    def table(self, *contenders, sort="loss") -> Table:
        """Return a row for each contender, the best first: what was chosen, and its scores over seeds."""
        heads = ["contender", "chosen"]
        for title in METRICS.values():
            heads += [title, "of the seeds"]
        rows = [self._row(name) for name in self.order(sort) if name in (contenders or self)]
        return table(heads, rows)

    def _row(self, name):
        told = [text for metric in METRICS for text in median_and_range(self.test(name, metric), 3)]
        return name, _settings_told(self.chosen(name)), *told

    def grid(self, contender) -> Table:
        """Return every setting that was tried, with the mean validation loss that it was judged by."""
        entry = self._of(contender)
        heads = [*entry.grid, "validation loss", ""]
        rows, chosen = [], tuple(self.chosen(contender).values())
        for values, loss in zip(_points(entry.grid), np.ravel(entry.validation_loss), strict=True):
            told = f"{loss:.3f}" if np.isfinite(loss) else "overflow"
            rows.append((*(f"{value:g}" for value in values), told, "chosen" if values == chosen else ""))
        return table(heads, rows)

    def tuning_curve(self, contender, knob) -> tuple[np.ndarray, np.ndarray]:
        """Return the values of one knob, and the best validation loss that each reaches with any others."""
        entry = self._of(contender)
        if knob not in entry.grid:
            raise ValueError(f"{contender} has no {knob!r}; it has {', '.join(entry.grid) or 'no knob'}")
        losses = np.ravel(entry.validation_loss).reshape(
            [len(values) for values in entry.grid._entries.values()]
        )
        losses = np.where(np.isnan(losses), np.inf, losses)
        others = tuple(axis for axis, name in enumerate(entry.grid) if name != knob)
        return np.array(entry.grid[knob]), losses.min(axis=others)

    def difference(self, a, b, metric="loss", comparisons=1):
        """Return a − b over the seeds that both were scored with, see `paired_difference`."""
        return paired_difference(self.test(a, metric), self.test(b, metric), comparisons=comparisons)

    def against(self, baseline, metric="loss") -> Table:
        """Return every other contender's difference to one of them, with intervals that hold together.

        The intervals are 95 % for all rows at once (Bonferroni).
        """
        others = [name for name in self.order(metric) if name != baseline]
        rows = []
        for name in others:
            found = self.difference(name, baseline, metric, comparisons=len(others))
            rows.append(
                (
                    name,
                    f"{found.mean:+.3f}",
                    f"{found.low:+.3f} to {found.high:+.3f}",
                    _verdict(found, metric),
                )
            )
        return table(
            ("contender", f"{METRICS[metric]}: difference", "95 % interval", f"than {baseline}"), rows
        )

    def _of(self, contender):
        if contender not in self.contenders:
            raise ValueError(f"there is no contender {contender!r}; choose one of {', '.join(self)}")
        return self.contenders[contender]

    def __repr__(self):
        return str(self.table())

    def _repr_html_(self):
        return self.table()._repr_html_()


def load(name) -> Comparison:
    """Return a stored comparison; raises ValueError for an unknown one."""
    return Comparison(results.load(name))


def _points(grid):
    return list(product(*(tuple(values) for _, values in grid.items())))


def _settings_told(chosen) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in chosen.items()) or "–"


def _verdict(found, metric) -> str:
    if not found.tells_apart:
        return "not told apart"
    return "better" if (found.mean > 0) == (metric == "accuracy") else "worse"
