"""A run of one's own beside stored ones: Keras gives other digits on another processor, so bands compare.

    bands.compare("validation accuracy", measured, stored)

shows the number to a learner. Where notebooks are written it tells the band alone, the same anywhere.
"""

import html
from dataclasses import dataclass

import numpy as np

from helpers.checks import learner
from helpers.checks.frame import boxed
from helpers.data import notice

TEXT = "{what}: {number}{where} the band {band} of {seeds} stored runs."
DRAWN = " (Those are of the real images, yours of the stand-in.)"
SMALLEST = 0.02  # half of a band's width at least


@dataclass(frozen=True)
class Band:
    """Where a new run is expected, from so many stored ones: `middle` ± `reach`.

    A sixth run falls outside of the bare range of five in one of three cases, though nothing has changed; so
    the band reaches one and a half ranges from the middle.
    """

    middle: float
    reach: float
    seeds: int

    def holds(self, value) -> bool:
        """Say whether a value lies within."""
        return bool(abs(value - self.middle) <= self.reach)

    def __str__(self):
        return f"{self.middle:.2f} ± {self.reach:.2f}"


def band(stored) -> Band:
    """Return the band of stored results, one number per seed: median ± 1.5 ranges, 0.02 at least.

    Raises ValueError for fewer than three.
    """
    values = np.asarray(stored, float)
    if values.ndim != 1 or len(values) < 3:
        raise ValueError(f"a band needs three numbers at least, got an array of shape {values.shape}")
    return Band(float(np.median(values)), max(1.5 * float(np.ptp(values)), SMALLEST), len(values))


@dataclass(frozen=True, repr=False)
class Compared:
    """A number beside its band; it tells the number only where a learner looks on."""

    what: str
    value: float
    band: Band

    def __repr__(self):
        number = f"{self.value:.2f}, " if learner.is_kept() else ""
        where = "inside" if self.band.holds(self.value) else "outside"
        told = TEXT.format(what=self.what, number=number, where=where, band=self.band, seeds=self.band.seeds)
        return told + (DRAWN if notice() else "")

    def _repr_html_(self):
        return boxed(html.escape(repr(self)), "#0072b2")


def compare(what, measured, stored) -> Compared:
    """Return how a run of one's own lies to the band of the stored ones."""
    return Compared(what, float(measured), band(stored))
