"""What the course keeps for its learner: guesses, solved exercises, scores, saved runs, in one small file.

The file is `learner.json` beside course.py, not part of the course's history. TAMING_DEPTH_LEARNER names
another one; empty, nothing is kept longer than the kernel runs: so notebooks are built and tested. The file
is written whole, beside the old one first, so that a crash leaves the old one or the new one, never a half.
"""

import json
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("guesses", "exercises", "runs")

_of_this_kernel = {}  # what is known where there is no file


def path() -> Path | None:
    """Return the learner's file, or None where nothing is to be kept."""
    told = os.environ.get("TAMING_DEPTH_LEARNER")
    if told is None:
        return ROOT / "learner.json"
    return Path(told) if told else None


def is_kept() -> bool:
    """Say whether anything is kept; where not, notebooks are being built or tested, and nobody looks on."""
    return path() is not None


def load(part) -> dict:
    """Return what is kept of one part, by name; raises ValueError for an unknown part.

    A file that can't be read is set aside as `learner.json.unreadable`, so that nothing is lost.
    """
    return _everything().get(_known(part), {})


def keep(part, name, entry) -> None:
    """Keep an entry under a name, in place of an earlier one; the entry is plain data, as JSON holds it."""
    file, everything = path(), _everything()
    everything.setdefault(_known(part), {})[name] = entry
    if file is None:
        return
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    beside.write_text(json.dumps(everything, indent=1, ensure_ascii=False), encoding="utf-8")
    beside.replace(file)


def forget(part=None) -> None:
    """Forget one part, or everything."""
    file = path()
    if file is None:
        _of_this_kernel.clear() if part is None else _of_this_kernel.pop(_known(part), None)
    if file is None or not file.exists():
        return
    everything = {} if part is None else {k: v for k, v in _everything().items() if k != _known(part)}
    file.write_text(json.dumps(everything), encoding="utf-8")


def lesson() -> str:
    """Return the number of the lesson that this kernel runs, "02", or "" where it is none."""
    name = Path(os.environ.get("JPY_SESSION_NAME", "")).name
    return name[:2] if name[:2].isdigit() else ""


def _known(part):
    if part not in PARTS:
        raise ValueError(f"nothing is kept of {part!r}; choose one of {', '.join(PARTS)}")
    return part


def _everything():
    file = path()
    if file is None:
        return _of_this_kernel
    if not file.exists():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"{file.name} holds no parts")
        return found
    except ValueError:
        file.replace(file.with_name(file.name + ".unreadable"))
        return {}
