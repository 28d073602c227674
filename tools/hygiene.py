"""The rules that every stored notebook keeps. Each rule takes a Page and returns its problems, in words.

`tests/test_notebooks.py` applies every one in RULES to every notebook; `tests/test_tools.py` breaks each.
"""

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import nbformat
from markdown_it import MarkdownIt
from markdown_it.token import Token
from nbformat import NotebookNode

from tools import bound
from tools.claims import FREE, unbound_numbers
from tools.notebooks import WIDGET_VIEW
from tools.sources import METADATA, build

NOTEBOOKS = "[0-9][0-9]_*.ipynb"
MAX_KB, MAX_LINE = 300, 100
MIN_EXERCISES = 3
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/<~])/(?:[\w.-]+/)+[\w.-]+|\b[A-Z]:\\\w+")
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
TEXT_TYPES = ("text/plain", "text/html", "text/markdown")
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
        """True for all but 00_…, and what is in deeper/: they need no exercises."""
        return not self.path.name.startswith("00_") and not self.is_deeper

    @property
    def is_deeper(self) -> bool:
        """True for a page in deeper/, which has no twin and no neighbors."""
        return self.path.parent.name == "deeper"

    @property
    def is_copy(self) -> bool:
        """True for a learner's copy, which carries no outputs."""
        return not self.is_solved and not self.is_deeper

    @property
    def folder(self) -> Path:
        """The folder `notebooks/`."""
        return self.path.parent if self.is_copy else self.path.parent.parent

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
    folders = (lessons, lessons / "solutions", lessons / "deeper")
    return [path for folder in folders for path in sorted(folder.glob(NOTEBOOKS))]


def open_page(path: Path) -> Page:
    """Read one stored notebook."""
    return Page(path, nbformat.read(path, as_version=4))


# --- what was run ------------------------------------------------------------------------------------------


def every_cell_was_run(page: Page) -> list[str]:
    """Every code cell was executed, in order, from 1; none of a learner's copy, which gives nothing away."""
    if page.is_copy:
        return [f"cell {i} has outputs" for i, c in page.code if c.outputs or c.execution_count is not None]
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
    kept = {"tags", "jupyter"}
    found += [f"cell {i} has metadata {set(c.metadata)}" for i, c in page.code if set(c.metadata) - kept]
    return found + ["the notebook's metadata differ from the tool's"] * (page.notebook.metadata != METADATA)


def no_machine_traces(page: Page) -> list[str]:
    """No output shows an absolute path or a memory address."""
    said = [(i, output_text(output)) for i, output in page.outputs]
    matches = [(i, pattern.search(text)) for i, text in said for pattern in (ABSOLUTE_PATH, ADDRESS)]
    return [f"cell {i} shows {match[0]}" for i, match in matches if match]


def output_text(output: NotebookNode) -> str:
    """Return what an output says in text: a stream, or the text types of a displayed object, tags removed."""
    if output.output_type == "stream":
        return output.text
    texts = [output.data[kind] for kind in TEXT_TYPES if kind in output.get("data", {})]
    return "\n".join(re.sub(r"</?[a-zA-Z][^>]*>", " ", text) for text in texts)


def outputs_are_compared(page: Page) -> list[str]:
    """No cell asks to be left out of the comparison."""
    marked = [(i, MARKERS.search(f"{cell.source} {cell.metadata}")) for i, cell in page.code]
    return [f"cell {i} holds {match[0]}" for i, match in marked if match]


def numbers_are_bound(page: Page) -> list[str]:
    """Every number that the prose reports is an expression in the source (see tools.claims)."""
    source, _ = source_and_twin(page)
    found = unbound_numbers(source) if source.exists() else []
    return [f"cell {i} of the source: {number}" for i, number in found]


# --- how much ----------------------------------------------------------------------------------------------


def is_small(page: Page) -> list[str]:
    """At most MAX_KB kilobytes."""
    kilobytes = page.path.stat().st_size / 1024
    return [f"{kilobytes:.0f} KB, at most {MAX_KB}"] * (kilobytes > MAX_KB)


def has_exercises(page: Page) -> list[str]:
    """A lesson has at least MIN_EXERCISES stubs, its twin as many solutions, and neither has the other's."""
    own, other = ("solution", "stub") if page.is_solved else ("stub", "solution")
    kinds = [tag for _, cell in page.code for tag in cell.metadata.get("tags", [])]
    problems = [f"{kinds.count(other)} cells tagged {other}"] * (other in kinds)
    few = page.is_lesson and kinds.count(own) < MIN_EXERCISES
    return problems + [f"{kinds.count(own)} cells tagged {own}, at least {MIN_EXERCISES}"] * few


# --- how it reads ------------------------------------------------------------------------------------------


def set_up_is_plain(page: Page) -> list[str]:
    """The first code cell holds one or two imports and nothing else, and nothing touches sys.path."""
    set_up = ast.parse(page.code[0][1].source).body if page.code else []
    plain = all(isinstance(statement, ast.Import | ast.ImportFrom) for statement in set_up)
    problems = [f"the first code cell is {page.code}"] * (not plain or len(set_up) not in (1, 2))
    return problems + [f"cell {i} touches sys.path" for i, cell in page.code if "sys.path" in cell.source]


def statements_are_not_joined(page: Page) -> list[str]:
    """No semicolon joins or ends statements (write `_ = …` to hide a value)."""
    return [f"cell {i}: {line}" for i, cell in page.code for line in _lines_with_semicolon(cell.source)]


def _lines_with_semicolon(code: str) -> list[str]:
    read = tokenize.generate_tokens(io.StringIO(code).readline)
    return [token.line.rstrip() for token in read if token.type == tokenize.OP and token.string == ";"]


def lines_are_short(page: Page) -> list[str]:
    """No line of the source has more than MAX_LINE characters; a table's row, which can't be broken, may."""
    source, _ = source_and_twin(page)
    if not source.exists():
        return []
    lines = enumerate(source.read_text(encoding="utf-8").splitlines(), 1)
    long = [(n, len(line)) for n, line in lines if len(line) > MAX_LINE and not line.startswith("# |")]
    return [f"line {n} has {length} characters" for n, length in long]


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
    beside = [] if page.is_deeper else sorted(page.path.parent.glob(NOTEBOOKS))
    if not beside:
        return []
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
    source, twin = source_and_twin(page)
    missing = [f"{p.name} is missing in {p.parent.name}/" for p in (source, twin) if not p.exists()]
    return missing or _drift(page, build(source)[page.is_solved])


def _drift(page: Page, built: NotebookNode) -> list[str]:
    stored, wanted = page.notebook.cells, built.cells
    if len(stored) != len(wanted):
        return [f"{len(stored)} cells stored, {len(wanted)} in the source"]
    pairs = enumerate(zip(stored, wanted, strict=True))
    return [f"cell {i} differs from its source" for i, (a, b) in pairs if not _agree(a, b)]


def _agree(stored: NotebookNode, built: NotebookNode) -> bool:
    """What fills a hole is free here: nbval computes it again."""
    if built.cell_type == "code" or not bound.fields(built.source):
        return _essence(stored) == _essence(built) and stored.source == built.source
    return _essence(stored) == _essence(built) and bound.stored_texts(built.source, stored.source) is not None


def _essence(cell: NotebookNode) -> tuple:
    return cell.id, cell.cell_type, tuple(cell.metadata.get("tags", [])), cell.metadata.get("jupyter")


def twins_tell_the_same(page: Page) -> list[str]:
    """The learner's copy and the solved twin fill every hole of their texts with the same words.

    Nothing is computed in a copy when it is tested, so this is what keeps its numbers right.
    """
    source, twin = source_and_twin(page)
    if page.is_deeper or not (source.exists() and twin.exists()):
        return []  # it has no twin, or source_and_twins_agree says what is missing
    built = build(source)
    holes = [cell.id for cell in built[0].cells if cell.cell_type == "markdown" and bound.fields(cell.source)]
    own, other = (_fillings(opened, built[opened.is_solved]) for opened in (page, open_page(twin)))
    return [
        f"text {key}: {own.get(key)}, its twin {other.get(key)}"
        for key in holes
        if own.get(key) != other.get(key)
    ]


def _fillings(page: Page, built: NotebookNode) -> dict[str, list[str] | None]:
    templates = {cell.id: cell.source for cell in built.cells}
    texts = [cell for cell in page.notebook.cells if cell.cell_type == "markdown" and cell.id in templates]
    return {cell.id: bound.stored_texts(templates[cell.id], cell.source) for cell in texts}


def source_and_twin(page: Page) -> tuple[Path, Path]:
    """Return where a notebook's source and its twin lie; a page in deeper/ is its own twin."""
    if page.is_deeper:
        return page.folder / "source" / "deeper" / f"{page.path.stem}.py", page.path
    twin = (page.folder if page.is_solved else page.folder / "solutions") / page.path.name
    return page.folder / "source" / f"{page.path.stem}.py", twin


RULES = (
    every_cell_was_run,
    no_errors,
    no_stderr,
    nothing_volatile,
    no_machine_traces,
    outputs_are_compared,
    numbers_are_bound,
    is_small,
    has_exercises,
    set_up_is_plain,
    statements_are_not_joined,
    lines_are_short,
    headings_are_in_order,
    images_have_alt_text,
    links_resolve,
    neighbours_are_linked,
    source_and_twins_agree,
    twins_tell_the_same,
)
