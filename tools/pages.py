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
from os.path import normpath, relpath
from pathlib import Path
from struct import unpack

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from helpers import labs
from helpers.clinic.illnesses import ILLNESSES
from tools.grids import Play
from tools.sources import DEEPER, ROOT, solved_path, source_paths
from tools.sources import NOTE as SOLVED

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
CODE = {"code_prompt_show": "Show the code", "code_prompt_hide": "Hide the code"}
CHECK = {"code_prompt_show": "Show what the check says", "code_prompt_hide": "Hide what the check says"}
RESULT = {"code_prompt_show": "Show what was measured", "code_prompt_hide": "Hide what was measured"}
REVEALED = re.compile(r"\.reveal\(")  # what a guess is compared with
GUESS = "Predict: "  # begins the text form of a question that waits for a guess
CHECKED = re.compile(r"\bchecks\.\w+\.\w+\(")  # an exercise, whose answer tells why a solution is right
LAB = re.compile(r"(\w+Lab)\(")
PICTURE = re.compile(r"<picture: (.*)>", re.DOTALL)
NAMES = {"relu": "ReLU", "selu": "SELU"}  # letters that a name of a lab has in capitals
# Code, where a bracket is not a link; then a link in Markdown.
LINK = re.compile(r"(?P<code>```.*?```|`[^`\n]+`)|\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)", re.DOTALL)
HREF = re.compile(r"""(?P<before>href=["'])(?P<target>[^"']+)""")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#", re.IGNORECASE)  # a URL, an anchor
VALUE = re.compile(r"\{value:[^}%]*(%?)\}")


@dataclass(frozen=True)
class Lesson:
    """A lesson's page: name, title, what it is about, notebook, and the labs in it with their pictures."""

    name: str
    title: str
    about: str
    page: NotebookNode
    plays: dict[Play, bytes]

    @property
    def number(self) -> str:
        """The lesson's number; a page in `deeper/` has that of the lesson that it belongs to."""
        return self.name.removeprefix(DEEPER)[:2]


# ---------------------------------------------------------------- lessons


def lessons(names=(), root: Path = ROOT) -> list[Lesson]:
    """Return the pages of the lessons whose names begin with one of `names`; all where there are none.

    Raises ValueError for a name that no lesson has, and for a notebook that is not there yet.
    """
    known = list(source_paths(root))
    if lost := [name for name in names if not any(full.startswith(name) for full in known)]:
        raise ValueError(f"there is no lesson {lost[0]!r}; there are {', '.join(known)}")
    chosen = [full for full in known if not names or full.startswith(tuple(names))]
    if unwritten := [name for name in chosen if not solved_path(name, root).exists()]:
        raise ValueError(f"{unwritten[0]} is not written yet: python3 course.py notebooks {unwritten[0]}")
    return [lesson(name, nbformat.read(solved_path(name, root), as_version=4)) for name in chosen]


def lesson(name, solved) -> Lesson:
    """Return the page of a solved twin, or of a notebook in `deeper/`."""
    page, plays = deepcopy(solved), {}
    heading, *paragraphs = page.cells[0].source.split("\n\n")
    title = heading.removeprefix("# ").removesuffix(" — solved")
    paragraphs = [text for text in paragraphs if text != SOLVED.format(name=name)]
    deeper = name.startswith(DEEPER)
    beginning = [f"# {title}"] if deeper else [f"# {name[:2]} {title}", NOTE]
    page.cells[0].source = "\n\n".join([*beginning, *paragraphs])
    for cell in page.cells:
        if cell.cell_type == "markdown":
            cell.source = linked(cell.source, name).replace("<details open>", "<details>")
        else:
            _fold(cell)
            _describe(cell)
            _relink(cell, name)
            _ask(cell)
            plays |= _play(cell, "../../_static" if deeper else "../_static")
    return Lesson(name, title, " ".join(paragraphs[0].split()), page, plays)


def linked(text, name) -> str:
    """Return a text of a notebook with its links as the page needs them; what has no page is named only."""

    def _link(found):
        if found["code"] or ELSEWHERE.match(found["target"]):
            return found[0]
        target = target_of(found["target"], name)
        return f"[{found['text']}]({target})" if target else found["text"]

    return LINK.sub(_link, text)


def target_of(target, name) -> str | None:
    """Return where a link of a notebook leads as a link between pages, or None where that is no page."""
    file, _, part = target.partition("#")
    own = solved_path(name, Path()).parent.as_posix()
    meant = normpath(f"{own}/{file}").removeprefix("notebooks/").removeprefix("solutions/")
    if meant.removesuffix(".ipynb") not in source_paths():
        return None
    place = relpath(meant, Path(name).parent.as_posix())
    return f"{place}#{part}" if part else place


def _fold(cell):
    """Fold what a learner is to find first: a solution, what a check says, a result; and folded code."""
    tags = cell.metadata.get("tags", [])
    cell.metadata = NotebookNode()
    if "solution" in tags:
        cell.metadata = NotebookNode(tags=["hide-cell"], mystnb=SOLUTION)
    elif CHECKED.search(cell.source):
        cell.metadata = NotebookNode(tags=["hide-output"], mystnb=CHECK)
    elif REVEALED.search(cell.source):
        cell.metadata = NotebookNode(tags=["hide-output"], mystnb=RESULT)
    elif "folded" in tags:
        cell.metadata = NotebookNode(tags=["hide-input"], mystnb=CODE)


def _describe(cell):
    """Give the picture in a cell's output the words that stand for it."""
    texts = [out.data.get("text/plain", "") for out in cell.outputs if "image/png" in out.get("data", {})]
    if texts:
        found = PICTURE.match(texts[-1])
        alt = found[1] if found else texts[-1]
        cell.metadata.setdefault("mystnb", NotebookNode())["image"] = {"alt": alt}


def _relink(cell, name):
    """Let links to other notebooks in an output lead to their pages."""

    def _link(found):
        target = None if ELSEWHERE.match(found["target"]) else target_of(found["target"], name)
        return found["before"] + target.replace(".ipynb", ".html") if target else found[0]

    for output in cell.outputs:
        if "text/html" in output.get("data", {}):
            output.data["text/html"] = HREF.sub(_link, output.data["text/html"])


def _ask(cell):
    """Put a line that asks in place of a question whose control needs the notebook."""
    for k, output in enumerate(cell.outputs):
        told = output.get("data", {}).get("text/plain", "")
        if told.startswith(GUESS):
            html = f'<p class="td-guess"><b>Your guess?</b> {escape(told.removeprefix(GUESS))}</p>'
            cell.outputs[k] = new_output("display_data", {"text/html": html})


def _play(cell, static):
    """Put a player in place of a lab's picture; return play → picture."""
    plays = {}
    for k, output in enumerate(cell.outputs):
        shown = output.get("data", {})
        if "image/png" in shown and LAB.match(shown.get("text/plain", "")):
            play = play_of(cell.source)
            plays[play] = b64decode(shown["image/png"])
            html = player(play, shown["text/plain"], plays[play], static)
            cell.outputs[k] = new_output("display_data", {"text/html": html})
    return plays


def play_of(source) -> Play:
    """Return what a cell that ends in a lab plays; raises ValueError where its settings are not plain."""
    call = ast.parse(source).body[-1].value
    lab = ast.unparse(call.func).rpartition(".")[2]
    if lab not in labs.MODULES or call.args:
        raise ValueError(f"a cell that shows a lab must end in its call, not in {ast.unparse(call)}")
    return Play(lab, tuple((option.arg, ast.literal_eval(option.value)) for option in call.keywords))


def player(play, alt, png, folder="_static") -> str:
    """Return the HTML of a player, which shows the stored picture until JavaScript runs."""
    width, height = unpack(">II", png[16:24])  # so that its room is there before the picture is
    size = f'width="{width}" height="{height}" loading="lazy"'
    picture = f'<img src="{folder}/labs/{play.name}.png" alt="{escape(alt)}" {size}>'
    return f'<div class="td-player" id="{play.lab}" data-grid="{play.name}">{picture}</div>'


# ---------------------------------------------------------------- contents and map


def contents(pages) -> str:
    """Return the hidden lists of pages from which Sphinx makes the contents beside each page."""
    names = [page.name for page in pages]
    groups = {
        "": ["map"],
        "Lessons": [f"lessons/{name}" for name in names if not name.startswith(DEEPER)],
        "Deeper": [f"lessons/{name}" for name in names if name.startswith(DEEPER)],
        "In practice": ["clinic"],
    }
    return "\n\n".join(_toctree(caption, group) for caption, group in groups.items() if group)


def _toctree(caption, names):
    options = [":hidden:", *([f":caption: {caption}"] if caption else [])]
    return "\n".join(["```{toctree}", *options, "", *names, "```"])


def map_of(pages) -> str:
    """Return the course's map: part by part the lessons, what each is about, its labs, what goes deeper."""
    lines = ["# The course's map", "", MAP]
    for part, numbers in PARTS.items():
        inside = [page for page in pages if page.number in numbers]
        lines += [f"## {part}", ""] * bool(inside)
        for page in sorted(inside, key=lambda page: page.number):
            lines += _lesson_lines(page)
    return "\n".join(lines)


def _lesson_lines(page):
    link = f"(lessons/{page.name}.ipynb)"
    if page.name.startswith(DEEPER):
        return [f"Deeper: [{page.title}]{link}", ""]
    labs = [_lab_line(page, play) for play in page.plays]
    return [f"**[{page.number} {page.title}]{link}**", "", page.about, "", *labs, ""]


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
