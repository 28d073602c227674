"""The rules that every stored notebook keeps. Each rule takes a Page and returns its problems, in words.

`tests/test_notebooks.py` applies every one in RULES to every notebook; `tests/test_tools.py` breaks each.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import nbformat
from markdown_it import MarkdownIt
from markdown_it.token import Token
from nbformat import NotebookNode

from tools.claims import FREE, output_text, prose, unbacked_numbers
from tools.notebooks import WIDGET_VIEW
from tools.sources import METADATA, build

NOTEBOOKS = "[0-9][0-9]_*.ipynb"
MAX_CELLS, MAX_KB = 60, 300
MAX_LINES, MAX_EXERCISE_LINES, MAX_SET_UP_LINES = 12, 20, 6
MIN_EXERCISES = 3
# The aim is 5 to 10 words of text for a line of code. The bounds are wider, since how many words a table, a
# list of links or a formula holds is a matter of counting; outside of them a notebook is code or an essay.
WORDS_PER_LINE = (4, 14)
SET_UP = (
    'import sys; sys.path[:0] = ["..", "../.."]'
    "  # the course's own package lies one folder up (two, for the solved twins)"
)
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/<~])/(?:[\w.-]+/)+[\w.-]+|\b[A-Z]:\\\w+")
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
MARKERS = re.compile(r"NBVAL_|PYTEST_VALIDATE|raises-exception")
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


@dataclass(frozen=True)
class Page:
    """A stored notebook and where it lies."""

    path: Path
    notebook: NotebookNode

    @property
    def is_solved(self) -> bool:
        """True for a twin in solutions/."""
        return self.path.parent.name == "solutions"

    @property
    def is_lesson(self) -> bool:
        """True for all but 00_…, which teaches nothing and has no exercises."""
        return not self.path.name.startswith("00_")

    @property
    def folder(self) -> Path:
        """The folder `notebooks/`."""
        return self.path.parent.parent if self.is_solved else self.path.parent

    @property
    def code(self) -> list[tuple[int, NotebookNode]]:
        """The code cells with their index among all cells."""
        return [(i, c) for i, c in enumerate(self.notebook.cells) if c.cell_type == "code"]

    @property
    def texts(self) -> list[tuple[int, str]]:
        """The markdown cells' texts with their index among all cells."""
        return [(i, c.source) for i, c in enumerate(self.notebook.cells) if c.cell_type == "markdown"]

    @property
    def outputs(self) -> list[tuple[int, NotebookNode]]:
        """Every output with the index of its cell."""
        return [(i, output) for i, cell in self.code for output in cell.outputs]


def notebook_paths(root: Path) -> list[Path]:
    """Return the course's notebooks under `root`, lessons first; a learner's own are left out."""
    lessons = root / "notebooks"
    return [path for folder in (lessons, lessons / "solutions") for path in sorted(folder.glob(NOTEBOOKS))]


def open_page(path: Path) -> Page:
    """Read one stored notebook."""
    return Page(path, nbformat.read(path, as_version=4))


# --- what was run ------------------------------------------------------------------------------------------


def every_cell_was_run(page: Page) -> list[str]:
    """Every code cell was executed, in order, from 1."""
    counts = [(i, cell.execution_count) for i, cell in page.code]
    return [f"cell {i} has number {n}, not {k}" for k, (i, n) in enumerate(counts, 1) if n != k]


def no_errors(page: Page) -> list[str]:
    """No stored output is an error."""
    return [f"cell {i}: {out.ename}" for i, out in page.outputs if out.output_type == "error"]


def no_stderr(page: Page) -> list[str]:
    """Nothing written to stderr is stored."""
    return [f"cell {i}: {out.text[:200]}" for i, out in page.outputs if out.get("name") == "stderr"]


def nothing_volatile(page: Page) -> list[str]:
    """No widget state, model ids, timing or versions are stored."""
    found = [f"cell {i} stores a widget view" for i, o in page.outputs if WIDGET_VIEW in o.get("data", {})]
    found += [f"cell {i} has metadata {set(c.metadata)}" for i, c in page.code if set(c.metadata) - {"tags"}]
    return found + ["the notebook's metadata differ from the tool's"] * (page.notebook.metadata != METADATA)


def no_machine_traces(page: Page) -> list[str]:
    """No output shows an absolute path or a memory address."""
    said = [(i, output_text(output)) for i, output in page.outputs]
    matches = [(i, pattern.search(text)) for i, text in said for pattern in (ABSOLUTE_PATH, ADDRESS)]
    return [f"cell {i} shows {match[0]}" for i, match in matches if match]


def outputs_are_compared(page: Page) -> list[str]:
    """No cell asks to be left out of the comparison."""
    marked = [(i, MARKERS.search(f"{cell.source} {cell.metadata}")) for i, cell in page.code]
    return [f"cell {i} holds {match[0]}" for i, match in marked if match]


def numbers_are_backed(page: Page) -> list[str]:
    """Every number claimed in the prose stands in a cell above it (see tools.claims)."""
    return [f"cell {i}: nothing above it says {number}" for i, number in unbacked_numbers(page.notebook)]


# --- how much ----------------------------------------------------------------------------------------------


def is_small(page: Page) -> list[str]:
    """At most MAX_CELLS cells and MAX_KB kilobytes."""
    cells, kilobytes = len(page.notebook.cells), page.path.stat().st_size / 1024
    problems = [f"{cells} cells, at most {MAX_CELLS}"] * (cells > MAX_CELLS)
    return problems + [f"{kilobytes:.0f} KB, at most {MAX_KB}"] * (kilobytes > MAX_KB)


def code_is_short(page: Page) -> list[str]:
    """A code cell has at most MAX_LINES lines, an exercise at most MAX_EXERCISE_LINES."""
    most = {True: MAX_EXERCISE_LINES, False: MAX_LINES}
    sizes = [(i, len(code_lines(cell)), most[is_exercise(cell)]) for i, cell in page.code]
    return [f"cell {i} has {lines} lines, at most {limit}" for i, lines, limit in sizes if lines > limit]


def text_and_code_balance(page: Page) -> list[str]:
    """A lesson has WORDS_PER_LINE words of text for every line of code."""
    if page.is_solved or not page.is_lesson:
        return []
    words = sum(len(_words(text)) for _, text in page.texts)
    ratio = words / max(1, sum(len(code_lines(cell)) for _, cell in page.code))
    low, high = WORDS_PER_LINE
    return [] if low <= ratio <= high else [f"{ratio:.1f} words for a line of code, wanted {low} to {high}"]


def has_exercises(page: Page) -> list[str]:
    """A lesson has at least MIN_EXERCISES stubs, its twin as many solutions, and neither has the other's."""
    own, other = ("solution", "stub") if page.is_solved else ("stub", "solution")
    kinds = [tag for _, cell in page.code for tag in cell.metadata.get("tags", [])]
    problems = [f"{kinds.count(other)} cells tagged {other}"] * (other in kinds)
    few = page.is_lesson and kinds.count(own) < MIN_EXERCISES
    return problems + [f"{kinds.count(own)} cells tagged {own}, at least {MIN_EXERCISES}"] * few


def code_lines(cell: NotebookNode) -> list[str]:
    """Return the lines of a cell that are not blank."""
    return [line for line in cell.source.splitlines() if line.strip()]


def is_exercise(cell: NotebookNode) -> bool:
    """Say whether the cell is a stub or its solution."""
    return bool({"stub", "solution"} & set(cell.metadata.get("tags", [])))


def _words(text: str) -> list[str]:
    linked = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)  # a link's words count, its address does not
    return re.findall(r"[^\W\d_][\w'’-]*", prose(linked))


# --- how it reads ------------------------------------------------------------------------------------------


def set_up_is_the_same(page: Page) -> list[str]:
    """The first code cell is the set-up: the path line, then imports, at most MAX_SET_UP_LINES lines."""
    lines = page.code[0][1].source.splitlines() if page.code else [""]
    problems = [f"the first code line is {lines[0]!r}, not {SET_UP!r}"] * (lines[0] != SET_UP)
    return problems + [f"{len(lines)} lines of set-up"] * (len(lines) > MAX_SET_UP_LINES)


def no_semicolons(page: Page) -> list[str]:
    """No line of code ends in a semicolon (write `_ = …` to hide a value)."""
    lines = [(i, line) for i, cell in page.code for line in cell.source.splitlines()]
    return [f"cell {i}: {line}" for i, line in lines if re.sub(r"\s*(#.*)?$", "", line).endswith(";")]


def headings_are_in_order(page: Page) -> list[str]:
    """One first-level heading, at the very top, and no level is skipped on the way down."""
    levels = [level for level, _ in headings(page)]
    problems = [f"{levels.count(1)} headings of level 1"] * (levels.count(1) != 1)
    problems += [f"level {b} follows level {a}" for a, b in pairwise(levels) if b > a + 1]
    starts_with_title = page.notebook.cells[0].source.startswith("# ")
    return problems + ["the first cell does not begin with the title"] * (not starts_with_title)


def images_have_alt_text(page: Page) -> list[str]:
    """Every image in the text says in words what it shows."""
    images = [(token.attrs["src"], token.content) for token in tokens(page) if token.type == "image"]
    images += [(tag, _attribute(tag, "alt")) for tag in _tags(page, "img")]
    return [f"no alt text: {image}" for image, alt in images if not (alt or "").strip()]


def links_resolve(page: Page) -> list[str]:
    """Every relative link and image leads to a file that exists, and to a heading that exists in it."""
    broken = [(target, _broken(target, page)) for target in targets(page)]
    return [f"{target}: {why}" for target, why in broken if why]


def neighbours_are_linked(page: Page) -> list[str]:
    """The first and the last text link to the notebook before and the one after, where there is one."""
    beside = sorted(page.path.parent.glob(NOTEBOOKS))
    here = beside.index(page.path)
    wanted = [path.name for path in beside[max(0, here - 1) : here + 2] if path != page.path]
    linked = {target.partition("#")[0] for target in targets(page)}
    return [f"no link to {name}" for name in wanted if name not in linked]


def headings(page: Page) -> list[tuple[int, str]]:
    """Return (level, text) of every heading, in order."""
    found = []
    for _, text in page.texts:
        parsed = MARKDOWN.parse(text)
        titles = pairwise(parsed)
        found += [(int(a.tag[1]), b.content) for a, b in titles if a.type == "heading_open"]
    return found


def tokens(page: Page) -> list[Token]:
    """Return the inline tokens of all text cells; math is left out, since `$a[i](x)$` is not a link."""
    parsed = [token for _, text in page.texts for token in MARKDOWN.parse(_without_math(text))]
    return [child for token in parsed for child in token.children or []]


def targets(page: Page) -> list[str]:
    """Return where the links and images of a notebook lead, as written."""
    found = [token.attrs.get("href") or token.attrs.get("src") for token in tokens(page)]
    found += [_attribute(tag, "href") for tag in _tags(page, "a")]
    found += [_attribute(tag, "src") for tag in _tags(page, "img")]
    return [target for target in found if target]


def _without_math(text: str) -> str:
    return FREE.sub(lambda match: "math" if match[0].startswith(("$", "\\begin")) else match[0], text)


def _tags(page: Page, name: str) -> list[str]:
    return [tag for _, text in page.texts for tag in re.findall(rf"<{name}\s[^>]*>", text)]


def _attribute(tag: str, name: str) -> str | None:
    match = re.search(rf"\b{name}\s*=\s*[\"']([^\"']*)[\"']", tag)
    return match and match[1]


def _broken(target: str, page: Page) -> str | None:
    if re.match(r"(https?|mailto):", target):
        return None
    if target.startswith("/"):
        return "a path from the root of the disk"
    name, _, anchor = unquote(target).partition("#")
    path = page.path.parent / name if name else page.path
    if not path.exists():
        return "no such file"
    return f"no heading {anchor!r}" if anchor and anchor not in _anchors(path) else None


def _anchors(path: Path) -> set[str]:
    """The anchors that JupyterLab makes: the heading's text with hyphens for spaces, letters as they are."""
    if path.suffix != ".ipynb":
        return set()
    return {re.sub(r"[`*]", "", text).replace(" ", "-") for _, text in headings(open_page(path))}


# --- lesson, twin and source -------------------------------------------------------------------------------


def source_and_twins_agree(page: Page) -> list[str]:
    """The source exists, both twins exist, and building them again gives the stored texts, tags and ids."""
    source = page.folder / "source" / f"{page.path.stem}.py"
    twin = (page.folder if page.is_solved else page.folder / "solutions") / page.path.name
    missing = [f"{p.name} is missing in {p.parent.name}/" for p in (source, twin) if not p.exists()]
    return missing or _drift(page, build(source)[page.is_solved])


def _drift(page: Page, built: NotebookNode) -> list[str]:
    stored, wanted = ([_essence(cell) for cell in nb.cells] for nb in (page.notebook, built))
    if len(stored) != len(wanted):
        return [f"{len(stored)} cells stored, {len(wanted)} in the source"]
    pairs = enumerate(zip(stored, wanted, strict=True))
    return [f"cell {i} differs from its source" for i, (a, b) in pairs if a != b]


def _essence(cell: NotebookNode) -> tuple:
    return cell.id, cell.cell_type, cell.source, tuple(cell.metadata.get("tags", []))


RULES = (
    every_cell_was_run,
    no_errors,
    no_stderr,
    nothing_volatile,
    no_machine_traces,
    outputs_are_compared,
    numbers_are_backed,
    is_small,
    code_is_short,
    text_and_code_balance,
    has_exercises,
    set_up_is_the_same,
    no_semicolons,
    headings_are_in_order,
    images_have_alt_text,
    links_resolve,
    neighbours_are_linked,
    source_and_twins_agree,
)
