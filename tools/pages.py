"""The pages of the static site: lessons from their solved twins, the course's map, the clinic's illnesses.

A page is a notebook or a text in MyST's Markdown. Where a lesson shows a lab, the page has a player: a
`<div class="td-player">` with the lab's stored picture in it, which `site/player.js` brings to life.
"""

import ast
import re
from base64 import b64decode
from copy import deepcopy
from dataclasses import dataclass
from html import escape
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from helpers import labs
from helpers.clinic.illnesses import ILLNESSES
from tools.grids import Play
from tools.sources import ROOT, solved_path, source_paths

# The course in parts: what one is after, and the lessons that go for it.
PARTS = {
    "Start": ("00",),
    "See what goes wrong": ("01", "02"),
    "Start well": ("03", "04", "05"),
    "Keep it well": ("06", "07"),
    "Go deep": ("08",),
    "Do well on new data": ("09", "10"),
    "Find the fault": ("11",),
}
NOTE = (
    "*This page is for reading and dragging. To run the code and to do the exercises, open the lesson as a "
    "notebook: `python3 course.py lab`. Solutions, and what the checks say to them, are folded here.*"
)
SOLUTION = {"code_prompt_show": "Show a solution", "code_prompt_hide": "Hide the solution"}
CHECK = {"code_prompt_show": "Show what the check says", "code_prompt_hide": "Hide what the check says"}
CHECKED = re.compile(r"\bchecks\.\w+\.\w+\(")  # an exercise, whose answer tells why a solution is right
LAB = re.compile(r"(\w+Lab)\(")
PICTURE = re.compile(r"<picture: (.*)>", re.DOTALL)
NAMES = {"relu": "ReLU", "selu": "SELU"}  # letters that a name of a lab has in capitals
OUTSIDE = re.compile(r"\[([^\]]*)\]\(\.\./[^)]*\)")  # a link to what is no page of the site
NOTEBOOK = re.compile(r"""(href=["'][^"':]+)\.ipynb""")
VALUE = re.compile(r"\{value:[^}%]*(%?)\}")


@dataclass(frozen=True)
class Lesson:
    """A lesson's page: name, title, what it is about, notebook, and the labs in it with their pictures."""

    name: str
    title: str
    about: str
    page: NotebookNode
    plays: dict[Play, bytes]


# ---------------------------------------------------------------- lessons


def lessons(names=(), root: Path = ROOT) -> list[Lesson]:
    """Return the pages of the lessons whose names begin with one of `names`; all where there are none.

    Raises ValueError for a name that no lesson has.
    """
    known = list(source_paths(root))
    if lost := [name for name in names if not any(full.startswith(name) for full in known)]:
        raise ValueError(f"there is no lesson {lost[0]!r}; there are {', '.join(known)}")
    chosen = [full for full in known if not names or full.startswith(tuple(names))]
    return [lesson(name, nbformat.read(solved_path(name, root), as_version=4)) for name in chosen]


def lesson(name, solved) -> Lesson:
    """Return the page of a solved twin."""
    page, plays = deepcopy(solved), {}
    heading, _, *paragraphs = page.cells[0].source.split("\n\n")  # the second one is `sources.NOTE`
    title = heading.removeprefix("# ").removesuffix(" — solved")
    page.cells[0].source = "\n\n".join([f"# {name[:2]} {title}", NOTE, *paragraphs])
    for cell in page.cells:
        if cell.cell_type == "markdown":
            cell.source = OUTSIDE.sub(r"\1", cell.source)
        else:
            _fold(cell)
            _describe(cell)
            _relink(cell)
            plays |= _play(cell)
    return Lesson(name, title, " ".join(paragraphs[0].split()), page, plays)


def _fold(cell):
    """Fold a solution, and what a check says to it."""
    if "solution" in cell.metadata.get("tags", []):
        cell.metadata = NotebookNode(tags=["hide-cell"], mystnb=SOLUTION)
    elif CHECKED.search(cell.source):
        cell.metadata = NotebookNode(tags=["hide-output"], mystnb=CHECK)


def _describe(cell):
    """Give the picture in a cell's output the words that stand for it."""
    texts = [out.data.get("text/plain", "") for out in cell.outputs if "image/png" in out.get("data", {})]
    if texts:
        found = PICTURE.match(texts[-1])
        alt = found[1] if found else texts[-1]
        cell.metadata.setdefault("mystnb", NotebookNode())["image"] = {"alt": alt}


def _relink(cell):
    """Let links to other notebooks in an output lead to their pages; those in texts Sphinx sees to."""
    for output in cell.outputs:
        if "text/html" in output.get("data", {}):
            output.data["text/html"] = NOTEBOOK.sub(r"\1.html", output.data["text/html"])


def _play(cell):
    """Put a player in place of a lab's picture; return play → picture."""
    plays = {}
    for k, output in enumerate(cell.outputs):
        shown = output.get("data", {})
        if "image/png" in shown and LAB.match(shown.get("text/plain", "")):
            play = play_of(cell.source)
            plays[play] = b64decode(shown["image/png"])
            html = player(play, shown["text/plain"])
            cell.outputs[k] = new_output("display_data", {"text/html": html})
    return plays


def play_of(source) -> Play:
    """Return what a cell that ends in a lab plays; raises ValueError where its settings are not plain."""
    call = ast.parse(source).body[-1].value
    lab = ast.unparse(call.func).rpartition(".")[2]
    if lab not in labs.MODULES or call.args:
        raise ValueError(f"a cell that shows a lab must end in its call, not in {ast.unparse(call)}")
    return Play(lab, tuple((option.arg, ast.literal_eval(option.value)) for option in call.keywords))


def player(play, alt, folder="../_static") -> str:
    """Return the HTML of a player, which shows the stored picture until JavaScript runs."""
    picture = f'<img src="{folder}/labs/{play.name}.png" alt="{escape(alt)}" loading="lazy">'
    return f'<div class="td-player" id="{play.lab}" data-grid="{play.name}">{picture}</div>'


# ---------------------------------------------------------------- the map


def map_of(pages) -> str:
    """Return the course's map: part by part the lessons, what each is about, and its labs."""
    lines = ["# The course's map", "", MAP]
    for part, numbers in PARTS.items():
        inside = [page for page in pages if page.name[:2] in numbers]
        lines += [f"## {part}", ""] * bool(inside)
        for page in inside:
            lines += [f"**[{page.name[:2]} {page.title}](lessons/{page.name}.ipynb)**", "", page.about, ""]
            lines += [*(_lab_line(page, play) for play in page.plays), ""]
    return "\n".join(lines)


MAP = "Each lesson stands on those before it. Under each are its labs, to be played right on its page.\n"


def _lab_line(page, play):
    link = f'<a href="lessons/{page.name}.html#{play.lab}">{lab_name(play.lab)}</a>'
    about = getattr(labs, play.lab).__doc__.split("\n\n")[0].strip()
    return f"- {link}: {about[0].lower()}{about[1:]}"


def lab_name(lab) -> str:
    """Return a lab's name as it is read: "dead ReLU lab" for "dead_relu_lab"."""
    return " ".join(NAMES.get(word, word) for word in lab.split("_"))


# ---------------------------------------------------------------- the clinic


def clinic(known) -> str:
    """Return the page on what the clinic finds; `known` are the names of the lessons that have a page."""
    lines = [CLINIC]
    for code, illness in ILLNESSES.items():
        told = f"Lesson {illness.lesson[:2]}"
        if illness.lesson in known:
            told = f"[{told}](lessons/{illness.lesson}.ipynb)"
        name = code.replace("_", " ").capitalize().replace("Non ", "Non-")
        lines += [f"## {name}", "", in_general(illness.meaning), "", f"**What to try.** {illness.advice}", ""]
        lines += [f"{told} tells more. In code: `{code}`.", ""]
    return "\n".join(lines)


def in_general(meaning) -> str:
    """Return what an illness means with a letter where a finding tells its number."""
    return VALUE.sub(lambda found: "*p* %" if found[1] else "*v*", meaning)


CLINIC = """# The clinic

One batch tells much about a model that will not train:

```python
from helpers import clinic, trace

clinic.examine(trace(model, x, y))
```

`trace` sends the batch through the model and back. `examine` compares the vital signs of each layer with what
theory and healthy networks show, and names what is wrong, in which layers, by which number, and what to try.
While `fit` runs, `helpers.recorder` notes them step by step, and `clinic.examine_training` judges the run.

These are all the illnesses that it knows. Where *v* or *p* stands, a finding tells the measured number.
"""
