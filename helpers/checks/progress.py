"""The progress page: what was guessed, solved and scored, lesson by lesson, and where to go on."""

import html
from dataclasses import dataclass
from importlib import import_module

from helpers.checks import learner
from helpers.checks.guesses import short, tally
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
HEADS = ("lesson", "guesses", "close or right", "exercises solved", "scores")
LEFT = (0, 4)  # the columns that hold words
DONE = "Every exercise is solved. Your own network is next: lesson 11 shows how to examine it."


@dataclass(frozen=True)
class Row:
    """How far the learner is in one lesson; `scores` has those of its challenges, `left` the unsolved."""

    lesson: str
    guesses: int
    close: int
    solved: int
    exercises: int
    scores: dict
    left: tuple

    @property
    def begun(self) -> bool:
        """Whether anything was done in it."""
        return bool(self.guesses or self.solved or self.scores)

    def cells(self) -> tuple:
        """Return the row of the table, one text or number per head; zeros are left out."""
        scores = ", ".join(f"{name} {short(score)}" for name, score in self.scores.items())
        told = self.guesses or "", self.close if self.guesses else ""
        return (title_of(self.lesson), *told, f"{self.solved} of {self.exercises}", scores)


class Progress:
    """A row per lesson, and the lesson to go on with."""

    def __init__(self, rows):
        self.rows = rows

    @property
    def next_lesson(self) -> str | None:
        """The first lesson in which something is unsolved, or None."""
        return next((row.lesson for row in self.rows if row.left), None)

    @property
    def words(self) -> str:
        """Where to go on, in a sentence or two."""
        if self.next_lesson is None:
            return DONE
        row = next(row for row in self.rows if row.lesson == self.next_lesson)
        if not row.begun:
            return f"Go on with {title_of(row.lesson)}."
        return f"Go on with {title_of(row.lesson)}: still to solve {', '.join(row.left)}."

    def __repr__(self):
        return f"{table(HEADS, [tuple(map(str, row.cells())) for row in self.rows])}\n{self.words}"

    def _repr_html_(self):
        head = "".join(f"<th{_align(k)}>{title}</th>" for k, title in enumerate(HEADS))
        body = "".join(self._html_of(row) for row in self.rows)
        page = page_of(self.next_lesson) if self.next_lesson else ""
        words = html.escape(self.words)
        if page:
            name = html.escape(title_of(self.next_lesson))
            words = words.replace(name, f'<a href="{page}"><b>{name}</b></a>')
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{words}</p>"

    def _html_of(self, row):
        title, *cells = (html.escape(str(cell)) for cell in row.cells())
        page = page_of(row.lesson)
        told = [f'<a href="{page}">{title}</a>' if page else title, *cells]
        if row.begun and not row.left:
            told[3] += " ✓"
        return "<tr>" + "".join(f"<td{_align(k)}>{cell}</td>" for k, cell in enumerate(told)) + "</tr>"


def _align(column):
    return f' style="text-align: {"left" if column in LEFT else "right"}"'


def page_of(lesson) -> str:
    """Return the name of a lesson's notebook, or "" where there is none."""
    found = sorted((learner.ROOT / "notebooks").glob(f"{lesson}_*.ipynb"))
    return found[0].name if found else ""


def title_of(lesson) -> str:
    """Return a lesson's number and name: "01 Backpropagate by hand"."""
    words = page_of(lesson).removesuffix(".ipynb").partition("_")[2].replace("_", " ")
    return f"{lesson} {words.capitalize().replace('keras', 'Keras')}".strip()


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
    return Progress([_row(lesson, learner.load("exercises")) for lesson in LESSONS])


def _row(lesson, kept) -> Row:
    names = exercises_of(lesson)
    left = tuple(name.partition(".")[2] for name in names if not kept.get(name, {}).get("right"))
    scores = {name.partition(".")[2]: kept[name]["score"] for name in names if "score" in kept.get(name, {})}
    compared = [outcome for outcome in tally(lesson).outcomes if outcome]
    close = sum(outcome in ("close", "right") for outcome in compared)
    return Row(lesson, len(compared), close, len(names) - len(left), len(names), scores, left)
