"""Change numbers in the notebooks' prose, one at a time, and say which test catches each change.

    python -m tools.mutate_claims               300 digits and 20 number words, in all notebooks
    python -m tools.mutate_claims 03 --digits 50
    python -m tools.mutate_claims --no-run      trust the stored numbers as the computed ones; runs nothing
    python -m tools.mutate_claims --source      change the sources, as one who then rebuilds would

A change in a notebook is judged by what the tests call: `source_and_twins_agree`, `twins_tell_the_same` (the
texts outside and inside the holes), and `bound.differences` with what the kernel answers. The last is done in
solved twins and in `deeper/` only; a learner's copy is not run, and must be caught by the rules. A change in
a source is caught where `unbound_numbers` refuses it; what stands inside of an expression is computed.
"""

import argparse
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools import bound, hygiene, telling
from tools.claims import FREE, WORD, unbound_numbers
from tools.notebooks import choose, execute
from tools.sources import ROOT, build, cells, paths_of, source_paths

DIGIT = re.compile(r"(?<![A-Za-z_])\d(?![\d.,]*[A-Za-z_])")


@dataclass(frozen=True)
class Change:
    """One change: where (notebook or source, cell), the characters replaced, and what takes their place."""

    path: Path
    cell: int
    start: int
    old: str
    new: str

    def apply(self, text: str) -> str:
        """Return the cell's text with the change made."""
        return text[: self.start] + self.new + text[self.start + len(self.old) :]


def changes(path: Path, texts: dict[int, str], pattern: re.Pattern, rng: random.Random) -> list[Change]:
    """Return a change for every place in the prose of the texts (cell index → text) that `pattern` finds."""
    found = []
    for index, text in texts.items():
        covered = FREE.sub(lambda match: " " * len(match[0]), bound.HOLE.sub(_blank, text))
        for match in pattern.finditer(covered):
            found.append(Change(path, index, match.start(), match[0], _other(match[0], rng)))
    return found


def _blank(match: re.Match) -> str:
    return " " * len(match[0])


def _other(old: str, rng: random.Random) -> str:
    if old.isdigit():
        return rng.choice([digit for digit in "0123456789" if digit != old])
    new = rng.choice([word for word in telling.SMALL[2:13] if word != old.lower()])
    return new.capitalize() if old[0].isupper() else new


# --- who catches a change ----------------------------------------------------------------------------------


def judge_of_notebook(path: Path, run: bool) -> Callable[[Change], str | None]:
    """Return a function: a change in this stored notebook → the name of the test that fails, or None."""
    page = hygiene.open_page(path)
    source, _ = hygiene.source_and_twin(page)
    templates = [cell.source for cell in build(source)[page.is_solved].cells]
    told = {} if page.is_copy else _told(page, source, templates, run)

    def judge(change: Change) -> str | None:
        cell = page.notebook.cells[change.cell]
        stored, cell.source = cell.source, change.apply(cell.source)
        try:
            for rule in (hygiene.source_and_twins_agree, hygiene.twins_tell_the_same):
                if rule(page):
                    return rule.__name__
            answers = told.get(change.cell)
            return (
                "nbval"
                if answers and bound.differences(templates[change.cell], cell.source, answers)
                else None
            )
        finally:
            cell.source = stored

    return judge


def _told(page: hygiene.Page, source: Path, templates: list[str], run: bool) -> dict[int, list[bound.Told]]:
    """The kernel's answers by cell: of a fresh run, or those that are stored."""
    notebook = execute(build(source)[page.is_solved], page.path) if run else page.notebook
    answers = {}
    for index, cell in enumerate(notebook.cells):
        wanted = bound.fields(templates[index]) if cell.cell_type == "markdown" else []
        if wanted:
            texts = bound.stored_texts(templates[index], cell.source)
            answers[index] = [bound.Told(*pair, None) for pair in zip(wanted, texts, strict=True)]
    return answers


def judge_of_source(path: Path) -> Callable[[Change], str | None]:
    """Return a function: a change in this source's prose → "unbound_numbers" where it is refused, or None."""
    known = Counter(problem for _, problem in unbound_numbers(path))
    all_cells = cells(path)
    script = path.read_text(encoding="utf-8")

    def judge(change: Change) -> str | None:
        before = all_cells[change.cell].source
        lines = _commented(before), _commented(change.apply(before))
        if script.count(lines[0]) != 1:
            raise ValueError(f"{path.name}, cell {change.cell} is not found in its source")
        with tempfile.TemporaryDirectory() as folder:
            changed = Path(folder) / path.name
            changed.write_text(script.replace(*lines), encoding="utf-8")
            new = Counter(problem for _, problem in unbound_numbers(changed))
        return "unbound_numbers" if sum(new.values()) > sum(known.values()) else None

    return judge


def _commented(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in text.split("\n"))


# --- the command -------------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 1 where changes in notebooks survive by more than one in a hundred."""
    options = _parser().parse_args(arguments)
    rng = random.Random(options.seed)
    paths = _paths(choose(options.names, ROOT), options.source)
    texts = {path: dict(_texts(path)) for path in paths}
    drawn = [
        change
        for pattern, count in ((DIGIT, options.digits), (WORD, options.words))
        for change in _draw(
            [c for path in paths for c in changes(path, texts[path], pattern, rng)], count, rng
        )
    ]
    caught = {}
    for path in paths:
        judge = judge_of_source(path) if options.source else judge_of_notebook(path, options.run)
        caught |= {change: judge(change) for change in drawn if change.path == path}
    _report(caught, texts)
    survivors = sum(test is None for test in caught.values())
    return int(not options.source and survivors > 0.01 * len(caught))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools.mutate_claims", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="number or name of a notebook (default: all)")
    parser.add_argument("--digits", type=int, default=300, help="how many digits to change (default 300)")
    parser.add_argument("--words", type=int, default=20, help="how many number words to change (default 20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-run", dest="run", action="store_false", help="run no notebook")
    parser.add_argument("--source", action="store_true", help="change the sources")
    return parser


def _paths(names: list[str], source: bool, root: Path = ROOT) -> list[Path]:
    if source:
        return [source_paths(root)[name] for name in names]
    return [path for name in names for path in paths_of(name, root)]


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    if path.suffix == ".py":
        return ((i, cell.source) for i, cell in enumerate(cells(path)) if cell.cell_type == "markdown")
    return iter(hygiene.open_page(path).texts)


def _draw(found: list[Change], count: int, rng: random.Random) -> list[Change]:
    return rng.sample(found, min(count, len(found)))


def _report(caught: dict[Change, str | None], texts: dict[Path, dict[int, str]]) -> None:
    print(f"{'notebook':<50} {'tried':>6} {'caught':>7}   by")
    for path in texts:
        tests = [test for change, test in caught.items() if change.path == path]
        by = Counter(test for test in tests if test)
        told = ", ".join(f"{name} {count}" for name, count in by.items())
        print(f"{path.parent.name + '/' + path.stem:<50} {len(tests):>6} {by.total():>7}   {told}")
    total = sum(test is not None for test in caught.values())
    print(f"{'all':<50} {len(caught):>6} {total:>7}")
    for change in (change for change, test in caught.items() if test is None):
        text = texts[change.path][change.cell]
        around = " ".join(text[max(0, change.start - 40) : change.start + 40].split())
        print(
            f"survived: {change.path.stem}, cell {change.cell}: {change.old} → {change.new} in '…{around}…'"
        )


if __name__ == "__main__":
    sys.exit(main())
