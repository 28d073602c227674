"""One source, two notebooks: the learner's (stubs, no outputs) and its solved twin (solutions, outputs).

A source is `notebooks/source/NN_verb_object.py` in jupytext's percent format. A cell tagged `stub` goes to
the learner's notebook only, one tagged `solution` to the twin only, every other cell to both. The tag `given`
marks a text cell whose numbers are not claims of the lesson (see `tools.claims`); a `folded` code cell is
shown as one line until it is opened. What stands in `<details>` is closed for the learner and open in the
twin.

A source in `notebooks/source/deeper/` makes one notebook, in `notebooks/deeper/`, with outputs and no
exercises; what it holds in `<details>` is closed.
"""

import hashlib
import re
from collections import Counter
from pathlib import Path

import jupytext
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[1]
TAGS = frozenset({"stub", "solution", "given", "folded"})
DEEPER = "deeper/"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    },
}
NOTE = "*This is the solved twin of [{name}](../{name}.ipynb). Try the exercises there first.*"

# Code, where a bracket is not a link; then the two ways to write a link or an image.
LINK = re.compile(
    r"(?P<code>```.*?```|`[^`\n]+`)"
    r"|(?P<before>\]\(<?|(?:src|href)=[\"'])(?P<target>[^)\s\"'>]+)",
    re.DOTALL,
)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#|/", re.IGNORECASE)  # a URL, an anchor, a rooted path


def source_paths(root: Path = ROOT) -> dict[str, Path]:
    """Return the sources under `root` by their notebook's name, lessons first, in the order of the course."""
    folder = root / "notebooks" / "source"
    found = [*sorted(folder.glob("[0-9][0-9]_*.py")), *sorted(folder.glob(f"{DEEPER}[0-9][0-9]_*.py"))]
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in found}


def lesson_path(name: str, root: Path = ROOT) -> Path:
    """Return where the learner's notebook of that name is written."""
    return root / "notebooks" / f"{name}.ipynb"


def solved_path(name: str, root: Path = ROOT) -> Path:
    """Return where the notebook with outputs is written: the solved twin, or a page in `deeper/` itself."""
    return lesson_path(name if name.startswith(DEEPER) else f"solutions/{name}", root)


def paths_of(name: str, root: Path = ROOT) -> list[Path]:
    """Return all notebooks that are made of one source."""
    return list(dict.fromkeys([lesson_path(name, root), solved_path(name, root)]))


def build(source: Path) -> tuple[NotebookNode, NotebookNode]:
    """Return (learner's notebook, solved twin), not executed, made from one source file.

    Cell ids depend on the cells' texts alone, so that the same source always gives the same bytes. Of a page
    in `deeper/` both are the same. Raises ValueError where a tag is unknown, where the first cell has no
    title, and where a page in `deeper/` has a stub or a solution.
    """
    both, deeper = cells(source), source.parent.name == DEEPER.strip("/")
    lesson = [cell for cell in both if "solution" not in _tags(cell)]
    solved = [cell for cell in both if "stub" not in _tags(cell)]
    if deeper and not len(lesson) == len(solved) == len(both):
        raise ValueError(f"{source.name}: a page in {DEEPER} has no exercises, so no stub and no solution")
    solved = [NotebookNode(cell) if deeper else _opened(_one_folder_deeper(cell)) for cell in solved]
    if not solved or not solved[0].source.startswith("# "):
        raise ValueError(f"{source.name}: the first cell must be markdown and start with '# ' and the title")
    if not deeper:
        _mark_as_solved(solved[0], source.stem)
    return new_notebook(cells=lesson, metadata=METADATA), new_notebook(cells=solved, metadata=METADATA)


def cells(source: Path) -> list[NotebookNode]:
    """Return all cells of a source, stubs and solutions alike, as they stand there."""
    read = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent").cells
    seen = Counter()
    return [_cell(cell, source.name, seen) for cell in read]


def _cell(cell: NotebookNode, name: str, seen: Counter) -> NotebookNode:
    unknown = _tags(cell) - TAGS
    if unknown:
        raise ValueError(f"{name}: unknown tags {sorted(unknown)}; allowed are {sorted(TAGS)}")
    new = new_code_cell if cell.cell_type == "code" else new_markdown_cell
    metadata = {"tags": sorted(_tags(cell))} if _tags(cell) else {}
    if "folded" in _tags(cell):
        metadata["jupyter"] = {"source_hidden": True}
    return new(cell.source, metadata=metadata, id=_identity(cell, seen))


def _identity(cell: NotebookNode, seen: Counter) -> str:
    digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:10]
    seen[digest] += 1
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def _tags(cell: NotebookNode) -> frozenset[str]:
    return frozenset(cell.metadata.get("tags", []))


def _opened(cell: NotebookNode) -> NotebookNode:
    text = cell.source.replace("<details>", "<details open>") if cell.cell_type == "markdown" else cell.source
    return NotebookNode({**cell, "source": text})


def _one_folder_deeper(cell: NotebookNode) -> NotebookNode:
    text = LINK.sub(_deeper, cell.source) if cell.cell_type == "markdown" else cell.source
    return NotebookNode({**cell, "source": text})


def _deeper(match: re.Match) -> str:
    if match["code"] or ELSEWHERE.match(match["target"]):
        return match[0]
    file = match["target"].partition("#")[0]
    is_sibling = "/" not in file and file.endswith(".ipynb")  # the twin of that notebook lies beside this one
    return match[0] if is_sibling else f"{match['before']}../{match['target']}"


def _mark_as_solved(cell: NotebookNode, name: str) -> None:
    title, *rest = cell.source.split("\n")
    cell.source = "\n".join([f"{title} — solved", "", NOTE.format(name=name), *rest])
