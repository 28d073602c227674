"""The progress page: what was guessed and solved, lesson by lesson, and where to go on."""

import html
from importlib import import_module

from helpers.checks import learner
from helpers.checks.guesses import tally
from helpers.numerics.tables import table

LESSONS = {  # the modules of checks whose exercises a lesson holds
    "00": ("start",),
    "01": ("backprop",),
    "02": ("flow",),
    "03": ("activation",),
    "04": ("scales",),
    "05": ("preprocessing",),
    "06": ("normalization",),
    "07": ("keras_normalization",),
    "08": ("depth",),
    "09": ("regularization",),
    "10": ("augmentation",),
    "11": ("clinic", "bugs"),
}
HEADS = ("lesson", "guesses", "close or right", "exercises solved", "of")


class Progress:
    """Rows of numbers, one per lesson, and the lesson to go on with."""

    def __init__(self, rows, next_lesson):
        self.rows, self.next_lesson = rows, next_lesson

    @property
    def words(self):
        """Where to go on, in a sentence."""
        return f"Go on with lesson {self.next_lesson}." if self.next_lesson else "Every exercise is solved."

    def __repr__(self):
        return f"{table(HEADS, self.rows)}\n{self.words}"

    def _repr_html_(self):
        head = "".join(f"<th>{html.escape(title)}</th>" for title in HEADS)
        body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{self.words}</p>"


def exercises_of(lesson) -> list[str]:
    """Return the names of a lesson's exercises, as the learner's file has them."""
    return [
        f"{module}.{name}"
        for module in LESSONS[lesson]
        for name, found in vars(import_module(f"helpers.checks.{module}")).items()
        if getattr(found, "is_exercise", False) and found.__module__.endswith(f".{module}")
    ]


def progress() -> Progress:
    """Return how far this learner is."""
    kept, rows = learner.load("exercises"), []
    for lesson in LESSONS:
        names = exercises_of(lesson)
        solved = sum(kept.get(name, {}).get("right", False) for name in names)
        compared = [outcome for outcome in tally(lesson).outcomes if outcome]
        good = sum(outcome in ("close", "right") for outcome in compared)
        rows.append((lesson, len(compared), good, solved, len(names)))
    unsolved = [lesson for lesson, _, _, solved, count in rows if solved < count]
    return Progress(rows, unsolved[0] if unsolved else None)
