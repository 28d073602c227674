"""Measure what the course promises about speed, and print it beside the promises.

    python3 -m benchmarks                         everything
    python3 -m benchmarks live network            some sections of it
    python3 -m benchmarks --json figures.json     and write the same as JSON

`live`, `memory` and `site` need an installed Chromium, Chrome or Edge; `site` measures build/site, and builds
it first where it is not there. Close other programs: a busy machine measures itself.
"""

# Nothing but the standard library may be imported at the head: this file must be able to say what is missing.

import argparse
import os
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from course import FOR_LIVE_FIGURES

ROOT = Path(__file__).resolve().parent.parent
VENV_PYTHON = ROOT / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
NEEDED = ("numpy", "matplotlib", "ipywidgets", "jupyterlab", "playwright")

SECTIONS = {  # name → module with a function `measure()` that returns a list of results
    "live": "benchmarks.live",
    "network": "benchmarks.network",
    "import": "benchmarks.imports",
    "recording": "benchmarks.recording",
    "depth": "benchmarks.depth",
    "clinic": "benchmarks.clinic",
    "site": "benchmarks.site",
    "memory": "benchmarks.memory",
}


def main(arguments=None) -> int:
    """Run the command line; a missed promise is told in the table and does not change the exit code 0."""
    parser = argparse.ArgumentParser(
        prog="python3 -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sections", nargs="*", metavar="section", help=f"some of: {', '.join(SECTIONS)}")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures there too")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.sections if name not in SECTIONS]:
        parser.error(f"there is no section {unknown[0]!r}; choose from {', '.join(SECTIONS)}")
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        return elsewhere(missing, sys.argv[1:] if arguments is None else arguments)
    report(measured(options.sections or list(SECTIONS)), options.json)
    return 0


def elsewhere(missing, arguments) -> int:
    """Run with the course's own Python where it is set up; otherwise say how to set it up."""
    if VENV_PYTHON.exists() and Path(sys.prefix).resolve() != VENV_PYTHON.parent.parent.resolve():
        return subprocess.call([str(VENV_PYTHON), "-m", "benchmarks", *arguments], cwd=str(ROOT))
    print(
        f"This Python lacks {', '.join(missing)}. Set the course up first: python3 course.py lab",
        file=sys.stderr,
    )
    return 2


def measured(sections):
    """Return the results of the named sections, in the order given."""
    results = []
    for name in sections:
        print(f"Measuring: {name} …", file=sys.stderr, flush=True)
        results += import_module(SECTIONS[name]).measure()
    return results


def report(results, path=None) -> None:
    """Print the table, with the machine's load, and write the JSON where a path is given."""
    from benchmarks.results import table, write_json

    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"\n{os.cpu_count()} cores{load}\n\n{table(results)}")
    if path is not None:
        write_json(results, path)


def as_the_course_starts_it() -> bool:
    """Say whether this process has the variables that `course.py lab` gives its kernels."""
    return FOR_LIVE_FIGURES.items() <= os.environ.items()


def again_as_the_course_starts_it() -> int:
    """Run the same command line with those variables, which only a new process heeds."""
    command = [sys.executable, "-m", "benchmarks", *sys.argv[1:]]
    return subprocess.call(command, cwd=str(ROOT), env={**os.environ, **FOR_LIVE_FIGURES})


if __name__ == "__main__":
    sys.exit(main() if as_the_course_starts_it() else again_as_the_course_starts_it())
