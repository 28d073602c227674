"""Write the notebooks from their sources, run them, and strip what changes from run to run.

    python -m tools.notebooks               all: twins with their outputs, copies without
    python -m tools.notebooks 02 04 -j 1    only these, one after the other
    python -m tools.notebooks --no-run      text only: outputs stay as long as the code above them is the same

The solved twin is run. What stands in double braces in a text is evaluated on the way (`tools.bound`), and
the learner's copy tells the same. A page in `deeper/` is run, too, and has no copy.

A cell that raises, writes to stderr or takes too long stops the command with status 1; the files of that
notebook are then left as they were.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from tools import bound
from tools.sources import DEEPER, METADATA, ROOT, build, lesson_path, solved_path, source_paths

CELL_SECONDS = 300
os.environ["TAMING_DEPTH_LEARNER"] = ""  # notebooks are written without anybody's guesses
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class NotebookError(Exception):
    """A notebook did not run cleanly; the message names the notebook and the cell."""


@dataclass(frozen=True)
class Written:
    """One notebook as it was written: its path, the finished text, and the seconds it took to run."""

    path: Path
    cells: int
    text: str
    seconds: float

    def row(self, root: Path) -> str:
        """Return this notebook's line of the table."""
        name, size = self.path.relative_to(root).as_posix(), len(self.text.encode()) / 1024
        return f"{name:<60} {self.cells:>5} {size:>7.1f} {self.seconds:>8.1f}"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    options = _parser().parse_args(arguments)
    root = options.root.resolve()
    try:
        chosen = choose(options.names, root)
    except ValueError as error:
        return _complain([error])
    with ThreadPoolExecutor(options.jobs) as pool:
        finished = pool.map(lambda name: _attempt(name, root, run=options.run), chosen)
        return report([one for written in finished for one in written], root)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="course.py notebooks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="number or name of a notebook (default: all)")
    parser.add_argument("--no-run", dest="run", action="store_false", help="write the text, run nothing")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="how many run at once (default 2)")
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder that holds notebooks/")
    return parser


def choose(names: list[str], root: Path) -> list[str]:
    """Return the full names meant by `names` (a number, a name or its beginning); all where there are none.

    Raises ValueError for a name that no source has.
    """
    known = list(source_paths(root))
    lost = [name for name in names if not any(full.startswith(name) for full in known)]
    if lost or not known:
        raise ValueError(f"no source for {lost or 'any notebook'}; there are {known}")
    return [full for full in known if not names or any(full.startswith(name) for name in names)]


def report(finished: list[Written | NotebookError], root: Path) -> int:
    """Write the files of every notebook that ran, print the table, return the exit status."""
    print(f"{'notebook':<60} {'cells':>5} {'KB':>7} {'seconds':>8}")
    for one in (one for one in finished if isinstance(one, Written)):
        _replace(one.path, one.text)
        print(one.row(root))
    return _complain([error for error in finished if isinstance(error, NotebookError)])


def _complain(errors: list[Exception]) -> int:
    for error in errors:
        print(f"\nNot written: {error}", file=sys.stderr)
    return 1 if errors else 0


def _attempt(name: str, root: Path, run: bool) -> list[Written | NotebookError]:
    """Make the notebooks of one source: the solved twin, which is run, and of it the learner's copy."""
    start, path, copy_path = time.perf_counter(), solved_path(name, root), lesson_path(name, root)
    lesson, solved = build(source_paths(root)[name])
    texts = {cell.id: cell.source for cell in solved.cells if cell.cell_type == "markdown"}
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        finished = execute(solved, path) if run else keep_outputs(solved, path)
        copies = [] if name.startswith(DEEPER) else [filled(lesson, texts, finished, copy_path)]
    except NotebookError as error:
        return [error]
    seconds = time.perf_counter() - start
    return [*(_written(copy_path, copy, 0.0) for copy in copies), _written(path, finished, seconds)]


def _written(path: Path, notebook: NotebookNode, seconds: float) -> Written:
    return Written(path, len(notebook.cells), nbformat.writes(notebook) + "\n", seconds)


def filled(
    lesson: NotebookNode, templates: dict[str, str], finished: NotebookNode, path: Path
) -> NotebookNode:
    """Return the learner's copy: the holes of its texts filled as in the finished twin; no outputs.

    `templates` are the twin's texts by cell before they were filled. Raises NotebookError for a text with
    holes that the twin does not hold.
    """
    told = {cell.id: cell.source for cell in finished.cells if cell.cell_type == "markdown"}
    for index, cell in enumerate(lesson.cells):
        if cell.cell_type == "markdown" and bound.fields(cell.source):
            if cell.id not in told:
                raise _error(path, index, "its text has expressions, which the solved twin does not compute")
            cell.source = bound.fill(cell.source, bound.stored_texts(templates[cell.id], told[cell.id]))
    return lesson


def execute(notebook: NotebookNode, path: Path, seconds: int = CELL_SECONDS) -> NotebookNode:
    """Run every cell in a fresh kernel that starts in the folder of `path`; return the stripped notebook.

    Raises NotebookError where a cell raises, writes to stderr, or takes more than `seconds`.
    """
    begun = []
    client = _Client(
        notebook,
        timeout=seconds,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        on_cell_start=lambda cell, cell_index: begun.append(cell_index),
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise _error(path, begun[-1], str(error)) from error
    except _UntoldError as error:
        raise _error(path, *error.args) from error
    return strip(notebook, path)


class _UntoldError(Exception):
    """An expression of the prose could not be told: (cell index, why)."""


class _Client(NotebookClient):
    """Runs a notebook, and fills the holes of its texts between the cells, where they stand."""

    async def async_execute_cell(self, cell: NotebookNode, cell_index: int, **options) -> NotebookNode:
        wanted = bound.fields(cell.source) if cell.cell_type == "markdown" else []
        if not wanted:
            return await super().async_execute_cell(cell, cell_index, **options)
        reply = await self.kc.execute(**bound.request(wanted), reply=True, timeout=self.timeout)
        told = bound.answers(wanted, reply)
        raised = bound.differences(cell.source, "", told, compare=False)
        if raised:
            raise _UntoldError(cell_index, "\n".join(raised))
        cell.source = bound.fill(cell.source, [one.text for one in told])
        return cell


def _error(path: Path, index: int, what: str) -> NotebookError:
    place = f"{path.parent.name}/{path.name}, cell {index} (counted from 0)"
    return NotebookError(f"{place}: {what}")


def strip(notebook: NotebookNode, path: Path) -> NotebookNode:
    """Return the notebook without what changes from run to run: widget state and ids, timing, versions.

    The picture and the text of a widget stay. Raises NotebookError where a cell wrote to stderr.
    """
    notebook.metadata = nbformat.from_dict(METADATA)
    for index, cell in enumerate(notebook.cells):
        kept = {name: cell.metadata[name] for name in ("tags", "jupyter") if name in cell.metadata}
        cell.metadata = nbformat.from_dict(kept)
        for output in cell.get("outputs", []):
            _strip_output(output)
            if output.get("name") == "stderr":
                raise _error(path, index, f"wrote to stderr:\n{output.text}")
    return notebook


def _strip_output(output: NotebookNode) -> None:
    output.get("data", {}).pop(WIDGET_VIEW, None)
    if "metadata" in output:
        output.metadata = NotebookNode()


def keep_outputs(notebook: NotebookNode, path: Path) -> NotebookNode:
    """Return the notebook with the outputs that `path` holds, down to the first code cell that differs.

    What fills the holes of its texts is kept, too. Raises NotebookError for a text with holes that is new.
    """
    old = nbformat.read(path, as_version=4).cells if path.exists() else []
    texts = {cell.id: cell.source for cell in old}
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and bound.fields(cell.source):
            stored = texts.get(cell.id, "")
            if bound.stored_texts(cell.source, stored) is None:
                raise _error(path, index, "its text has new expressions, so the notebook must run")
            cell.source = stored
    new_code, old_code = ([c for c in cells if c.cell_type == "code"] for cells in (notebook.cells, old))
    for cell, before in zip(new_code, old_code, strict=False):
        if cell.source != before.source:
            break
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    return notebook


def _replace(path: Path, text: str) -> None:
    """Write the whole file or nothing: a reader never meets half a notebook."""
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, path)


if __name__ == "__main__":
    sys.exit(main())
