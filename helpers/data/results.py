"""The stored results of the long runs: small files in `results/`, made by `python3 -m experiments`."""

import json
from pathlib import Path
from types import MappingProxyType

import numpy as np

FOLDER = Path(__file__).resolve().parents[2] / "results"


class Result:
    """A stored result: its entries as attributes or `result["name"]`; nothing in it can be changed.

    Lists of numbers are arrays, with nan where a number was not finite; tables within are results again.
    """

    def __init__(self, entries):
        object.__setattr__(self, "_entries", MappingProxyType({k: _frozen(v) for k, v in entries.items()}))

    def __getitem__(self, name):
        return self._entries[name]

    def __getattr__(self, name):
        if name.startswith("_") or name not in self._entries:
            raise AttributeError(f"no entry {name!r}; there are {', '.join(self)}")
        return self._entries[name]

    def __setattr__(self, name, value):
        raise AttributeError("a stored result can't be changed")

    def __reduce__(self):
        return Result, (dict(self._entries),)

    def __iter__(self):
        return iter(self._entries)

    def __len__(self):
        return len(self._entries)

    def items(self):
        """Return the pairs of name and entry."""
        return self._entries.items()

    def __repr__(self):
        return f"Result of {', '.join(self)}"


def names() -> list[str]:
    """Return the names of the stored results."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load(name) -> Result:
    """Return the stored result of a name; raises ValueError for an unknown one."""
    if name not in names():
        raise ValueError(f"there is no stored result {name!r}; choose one of {', '.join(names())}")
    return Result(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def _frozen(value):
    """A table as a `Result`, a list of numbers as a read-only array, a list of anything else as a tuple."""
    if isinstance(value, dict):
        return Result(value)
    if not isinstance(value, list):
        return value
    try:
        array = np.array(value, dtype=float)  # None becomes nan
    except (TypeError, ValueError):
        return tuple(_frozen(entry) for entry in value)
    array.flags.writeable = False
    return array
