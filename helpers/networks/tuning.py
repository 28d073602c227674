"""Tuning that does not stop at an edge: a grid of settings, widened until the chosen one lies within."""

from dataclasses import dataclass
from itertools import product

import numpy as np


@dataclass(frozen=True)
class Knob:
    """A setting that is tuned: all values that could be tried, ascending, and those tried first.

    `first` is a part of the ladder, (start, stop) as in a slice. `closed` names the ends, "low" or "high",
    beyond which no value exists (a probability of 0): a choice there lies at no edge. Raises ValueError for
    a ladder that does not ascend, and for a part that is none.
    """

    ladder: tuple
    first: tuple
    closed: tuple = ()

    def __post_init__(self):
        start, stop = self.first
        if list(self.ladder) != sorted(set(self.ladder)):
            raise ValueError(f"a ladder ascends, got {self.ladder}")
        if not 0 <= start < stop <= len(self.ladder):
            raise ValueError(f"first must be a part of the {len(self.ladder)} rungs, got {self.first}")


def decades(lowest, highest, mantissas=(1, 3)) -> tuple:
    """Return the ladder 1, 3, 10, 30 … times a power of ten, from 10^lowest to 10^highest."""
    values = [float(f"{m}e{power}") for power in range(lowest, highest) for m in mantissas]
    return (*values, float(f"1e{highest}"))


class Grid:
    """The settings tried so far: of every knob a part of its ladder, and all their combinations."""

    def __init__(self, knobs):
        self.knobs = knobs
        self.parts = {name: knob.first for name, knob in knobs.items()}

    def values(self) -> dict:
        """Return knob → the values tried, ascending."""
        return {name: knob.ladder[slice(*self.parts[name])] for name, knob in self.knobs.items()}

    def settings(self) -> list[tuple]:
        """Return every combination, as pairs (name, value)."""
        return [tuple(zip(self.knobs, point, strict=True)) for point in product(*self.values().values())]

    def widen(self, chosen) -> bool:
        """Add the next rung of each knob whose chosen value is the last one tried; return whether any was."""
        before = self.parts
        self.parts = {name: self._wider(name, value) for name, value in chosen}
        return self.parts != before

    def _wider(self, name, value):
        ladder, (start, stop) = self.knobs[name].ladder, self.parts[name]
        lower, higher = value == ladder[start], value == ladder[stop - 1]
        return max(start - lower, 0), min(stop + higher, len(ladder))

    def at_edge(self, chosen) -> list[str]:
        """Return the knobs whose chosen value ends what could be tried, though more may lie beyond."""
        return [name for name, value in chosen if value in self._open_ends(name)]

    def _open_ends(self, name):
        knob, tried = self.knobs[name], self.values()[name]
        closed = {"low": knob.ladder[0], "high": knob.ladder[-1]}
        return {tried[0], tried[-1]} - {closed[end] for end in knob.closed}


def best_of(settings, losses) -> tuple:
    """Return the setting with the lowest loss, the first of equals; one that is not a number never wins."""
    return settings[int(np.argmin(np.nan_to_num(losses, nan=np.inf)))]


def search(knobs, loss_of) -> tuple[dict, Grid]:
    """Return the setting with the lowest `loss_of(**setting)` and the grid, widened until it lies within.

    Each setting is tried once. `knobs` maps a name to its `Knob`. Raises ValueError where the best value is
    the last of a ladder that is not closed there: then nobody knows what lies beyond.
    """
    grid, tried = Grid(knobs), {}
    while True:
        tried |= {setting: loss_of(**dict(setting)) for setting in grid.settings() if setting not in tried}
        chosen = best_of(grid.settings(), [tried[setting] for setting in grid.settings()])
        if not grid.widen(chosen):
            break
    if edges := grid.at_edge(chosen):
        raise ValueError(f"the best {edges[0]}, {dict(chosen)[edges[0]]:g}, ends its ladder; lengthen it")
    return dict(chosen), grid
