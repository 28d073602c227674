"""Is this machine ready for the course? A line for each thing needed, and what to do where it is missing."""

import html
import os
import sys
from importlib.metadata import PackageNotFoundError, version

from helpers import data, labs
from helpers.checks import learner
from helpers.numerics.tables import table

PYTHONS = ((3, 11), (3, 13))
START = "start the course with `python3 course.py lab`, which installs what is right."
RESTART = "run the cell again. If it still says NO, restart the kernel."
IMAGES = "drawn images stand in for them, and numbers differ from the text. See data/README.md."
KEPT = "your guesses are lost when the kernel ends: the course's folder can't be written to."


class Readiness:
    """Rows (what, whether it is so, what to do else); it shows itself as a table."""

    def __init__(self, rows):
        self.rows = rows

    @property
    def ready(self) -> bool:
        """Whether everything is there."""
        return all(fine for _, fine, _ in self.rows)

    def __repr__(self):
        return table(("needed", "there?"), [(what, _told(fine, cure)) for what, fine, cure in self.rows])

    def _repr_html_(self):
        left = ' style="text-align: left"'
        cells = [(html.escape(what), html.escape(_told(fine, cure))) for what, fine, cure in self.rows]
        body = "".join(f"<tr><td{left}>{what}</td><td{left}>{told}</td></tr>" for what, told in cells)
        return f"<table><tbody>{body}</tbody></table>"


def check() -> Readiness:
    """Return what the course needs, and whether this machine has it."""
    low, high = PYTHONS
    return Readiness(
        [
            ("Python 3.11, 3.12 or 3.13", low <= sys.version_info[:2] <= high, START),
            ("ipykernel 6", _is_version("ipykernel", "6."), START),
            ("ipywidgets 8", _is_version("ipywidgets", "8."), START),
            ("the images are Fashion-MNIST", data.fetch() != "stand-in", IMAGES),
            ("a live figure answers", _answers(), RESTART),
            ("what you do is kept", _can_keep(), KEPT),
        ]
    )


def _told(fine, cure):
    return "yes" if fine else f"NO: {cure}"


def _is_version(package, beginning):
    try:
        return version(package).startswith(beginning)
    except PackageNotFoundError:
        return False


def _answers():
    """Say whether a live figure draws something else when a control is set."""
    lab = labs.initialization_lab(depth=2)
    before = lab.numbers
    lab.set(gain=2)
    answered = lab.numbers != before and lab.trouble is None
    lab.close()
    return answered


def _can_keep():
    """Say whether the learner's file can be written; where none is wanted, nothing is missing."""
    file = learner.path()
    return file is None or os.access(file if file.exists() else file.parent, os.W_OK)
