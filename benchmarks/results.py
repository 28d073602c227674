"""A measurement beside its promise, the table of them, and their JSON."""

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import median

HEADS = ("what", "measured", "promised", "ratio to", "runs", "spread", "")
AT_MOST, AT_LEAST = "≤", "≥"


@dataclass(frozen=True)
class Result:
    """One measurement: `measured` in `unit` beside the number `promised`, None where nothing is promised.

    `limit` says whether the promise is kept at most or at least at that number. `ratio_to` names what a
    ratio is taken to; `runs` counts the measurements, and `spread` tells how far they lie apart.
    """

    name: str
    measured: float
    unit: str
    promised: float | None = None
    limit: str = AT_MOST
    ratio_to: str = ""
    runs: int = 1
    spread: str = ""

    @property
    def verdict(self) -> str:
        """Return "kept", "missed", or nothing where nothing is promised; nan misses."""
        if self.promised is None:
            return ""
        kept = self.measured <= self.promised if self.limit == AT_MOST else self.measured >= self.promised
        return "kept" if kept else "missed"

    def row(self) -> tuple[str, ...]:
        """Return this result's cells of the table."""
        promised = "" if self.promised is None else f"{self.limit} {_told(self.promised, self.unit)}"
        measured = _told(self.measured, self.unit)
        return (self.name, measured, promised, self.ratio_to, str(self.runs), self.spread, self.verdict)


def table(results) -> str:
    """Return the results as lines of aligned text."""
    rows = [HEADS, *(result.row() for result in results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def write_json(results, path) -> None:
    """Write the results as a list of objects with `name`, `measured`, `promised`, `unit` and more."""
    told = [
        {
            "name": result.name,
            "measured": result.measured,
            "promised": result.promised,
            "unit": result.unit,
            "limit": result.limit,
            "runs": result.runs,
            "spread": result.spread,
        }
        for result in results
    ]
    Path(path).write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def middle(times, unit="ms") -> dict:
    """Return `measured`, `unit`, `runs` and `spread` of times: their median and middle half."""
    low, high = quartiles(times)
    spread = f"{_told(low, unit)} … {_told(high, unit)}"
    return {"measured": median(times), "unit": unit, "runs": len(times), "spread": spread}


def quartiles(times) -> tuple[float, float]:
    """Return the first and the third quartile, interpolated between the sorted values."""
    ordered = sorted(times)
    return tuple(_at(ordered, share * (len(ordered) - 1)) for share in (0.25, 0.75))


def _at(ordered, place):
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def _told(value, unit) -> str:
    return f"{value:.3g} {unit}" if unit != "×" else f"{value:.3g}×"
