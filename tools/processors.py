"""Compute what nbval compares as other processors would, and tell where the answer depends on it.

    python -m tools.processors                     every lab, at its first state and ten other settings
    python -m tools.processors --labs depth_lab    some labs
    python -m tools.processors --notebooks         strict nbval of every solved twin: an hour
    python -m tools.processors --notebooks 02 08             some lessons
    python -m tools.processors --paths default Nehalem    on some paths only

A path is a set of environment variables that makes OpenBLAS, NumPy or oneDNN compute with the instructions
of another processor. One that this processor lacks the instructions for is told and left out. The status is 1
where something differs. The paths are those of x86-64; elsewhere there is nothing to choose.
"""

import argparse
import ast
import json
import os
import platform
import random
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ipywidgets as widgets
from numpy._core import _multiarray_umath as numpy_core

from helpers import labs
from tools.notebooks import choose
from tools.sources import ROOT, build, solved_path, source_paths

SETTINGS = 10
CORES = ("Haswell", "SkylakeX", "Zen", "Sandybridge", "Nehalem", "Prescott")  # OpenBLAS's names
FOUND = [name for name in numpy_core.__cpu_dispatch__ if numpy_core.__cpu_features__[name]]
DEFAULT = {"default": {}}
BASELINE = {"NPY_DISABLE_CPU_FEATURES": " ".join(FOUND)} if FOUND else {}
NUMPY_PATHS = {
    **DEFAULT,
    **{core: {"OPENBLAS_CORETYPE": core} for core in CORES},
    "NumPy's baseline": BASELINE,
    "oldest": {"OPENBLAS_CORETYPE": "Prescott", **BASELINE},
}
KERAS_PATHS = {
    **DEFAULT,
    "no oneDNN, Nehalem": {"TF_ENABLE_ONEDNN_OPTS": "0", "OPENBLAS_CORETYPE": "Nehalem"},
    "oneDNN AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    "oneDNN SSE41": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
}
ILLEGAL_INSTRUCTION = (-getattr(signal, "SIGILL", 4), 0xC000001D)  # of POSIX and of Windows
NBVAL = ("--nbval", "--nbval-current-env", "--nbval-cell-timeout=900", "-q", "-p", "no:cacheprovider")
CHILD = """
import json, sys
from tools.processors import texts
print(json.dumps(texts(*json.loads(sys.argv[1]))))
"""
PRODUCT = "import numpy; numpy.ones((99, 99)) @ numpy.ones((99, 99))"
NOT_HERE = "not on this processor"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    options = _parser().parse_args(arguments)
    if not can_choose():
        print(f"This processor is {platform.machine()}; the paths are those of x86-64. Nothing was compared.")
        return 0
    if options.notebooks is None:
        told = {path: on_path(path, options.labs, options.settings) for path in _chosen(NUMPY_PATHS, options)}
        return report_labs(told)
    return report_lessons(choose(options.notebooks, ROOT), options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.processors", description=__doc__.splitlines()[0])
    paths = [*(NUMPY_PATHS | KERAS_PATHS)]
    parser.add_argument("--labs", nargs="+", choices=sorted(labs.MODULES), default=sorted(labs.MODULES))
    parser.add_argument(
        "--settings",
        type=int,
        default=SETTINGS,
        choices=range(SETTINGS + 1),
        metavar="N",
        help=f"of each lab, besides the first state (default and most: {SETTINGS})",
    )
    parser.add_argument("--notebooks", nargs="*", metavar="NAME", help="nbval of lessons (default: all)")
    parser.add_argument("--paths", nargs="+", choices=paths, default=paths, help="only these")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="lessons at once (default 2)")
    return parser


def _chosen(paths: dict, options: argparse.Namespace) -> list[str]:
    return [path for path in paths if path in options.paths]


def can_choose() -> bool:
    """Return whether this processor is an x86-64, whose paths these are."""
    return platform.machine().lower() in ("x86_64", "amd64")


# ---- labs


def settings_of(lab) -> list[dict]:
    """Return `SETTINGS` settings of a lab's controls, the same at every call.

    Each control takes its first and its last value in one of them, and random ones in the others.
    """
    draw = random.Random(type(lab).__name__)
    columns = {}
    for name, widget in lab.widgets.items():
        values = _allowed(widget)
        drawn = [values[0], values[-1], *draw.choices(values, k=SETTINGS - 2)]
        columns[name] = draw.sample(drawn, SETTINGS)
    return [dict(zip(columns, setting, strict=True)) for setting in zip(*columns.values(), strict=True)]


def _allowed(widget) -> list:
    if hasattr(widget, "options"):
        return [option[1] if isinstance(option, tuple) else option for option in widget.options]
    if isinstance(widget, widgets.Checkbox):
        return [False, True]
    steps = round((widget.max - widget.min) / widget.step)
    return [min(widget.min + step * widget.step, widget.max) for step in range(steps + 1)]


def texts(names: list[str], count: int) -> dict[str, list[str]]:
    """Return the text forms of these labs, each at its first state and the first `count` of its settings."""
    told = {}
    for name in names:
        lab = getattr(labs, name)()
        told[name] = [repr(lab)]
        for setting in settings_of(lab)[:count]:
            lab.set(**setting)
            told[name].append(repr(lab))
        lab.close()
    return told


def on_path(path: str, names: list[str], count: int, before: str = "") -> dict[str, list[str]] | None:
    """Return the `texts` of a new process on a path; None where the processor lacks its instructions.

    `before` is Python code that the process runs first. Raises RuntimeError with what the process wrote where
    it fails.
    """
    if not runs_here(NUMPY_PATHS[path]):
        return None
    command = [sys.executable, "-c", f"{before}\n{CHILD}", json.dumps([names, count])]
    done = _run(command, NUMPY_PATHS[path])
    if done.returncode:
        raise RuntimeError(f"{path}: the process ended with {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def runs_here(path: dict) -> bool:
    """Return whether this processor has the instructions of a path: a matrix product shows it."""
    return _run([sys.executable, "-c", PRODUCT], path).returncode not in ILLEGAL_INSTRUCTION


def _run(command: list[str], path: dict) -> subprocess.CompletedProcess:
    """Run a command in the project's folder with the variables of a path, and of no other."""
    every = {name for one in (NUMPY_PATHS | KERAS_PATHS).values() for name in one}
    variables = {name: value for name, value in os.environ.items() if name not in every} | path
    return subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True)


def differences(told: dict[str, dict[str, list[str]]]) -> list[tuple[str, int, str, dict[str, list[str]]]]:
    """Return (lab, setting, name of a number, {what it is told as: paths}) of each that differs.

    `told` holds the `texts` by path; setting 0 is the first state.
    """
    found = []
    names = next(iter(told.values()), {})
    for lab in names:
        for place in range(len(names[lab])):
            forms = {path: _told_by_name(texts_[lab][place]) for path, texts_ in told.items()}
            for name in dict.fromkeys(name for form in forms.values() for name in form):
                paths_of = {}
                for path, form in forms.items():
                    paths_of.setdefault(form.get(name, "-"), []).append(path)
                if len(paths_of) > 1:
                    found.append((lab, place, name, paths_of))
    return found


def _told_by_name(text: str) -> dict[str, str]:
    """The parts `name=value` of a text form."""
    inner = text.partition("(")[2].removesuffix(")")
    return dict(part.split("=", 1) for part in re.split(r", (?=\w+=)", inner) if "=" in part)


def report_labs(told: dict[str, dict[str, list[str]] | None]) -> int:
    """Print every number that depends on the path, and the table lab × path; return the exit status."""
    ran = {path: texts_ for path, texts_ in told.items() if texts_ is not None}
    found = differences(ran)
    for lab, place, name, paths_of in found:
        print(
            f"{lab}, setting {place}, {name}: "
            + "; ".join(f"{v} ({', '.join(p)})" for v, p in paths_of.items())
        )
    first = next(iter(ran), None)
    rows = {}
    for lab in ran.get(first, {}):
        rows[lab] = [_verdict(texts_ and texts_[lab], ran[first][lab]) for texts_ in told.values()]
    print_table("lab", list(told), rows)
    return 1 if found else 0


def _verdict(texts_: list[str] | None, expected: list[str]) -> str:
    if texts_ is None:
        return NOT_HERE
    other = sum(a != b for a, b in zip(texts_, expected, strict=True))
    return f"{other} of {len(expected)} differ" if other else "same"


def print_table(corner: str, columns: list[str], rows: dict[str, list[str]]) -> None:
    """Print a Markdown table of rows by name."""
    print(f"\n| {' | '.join([corner, *columns])} |\n|{' --- |' * (len(columns) + 1)}")
    for name, cells in rows.items():
        print(f"| {' | '.join([name, *cells])} |")


# ---- notebooks


def imports_keras(name: str) -> bool:
    """Return whether the code of a lesson names Keras."""
    lesson = build(source_paths(ROOT)[name])[1]
    code = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "code")
    names = {word for node in ast.walk(ast.parse(code)) for word in _words(node)}
    return any("keras" in word.lower() for word in names)


def _words(node: ast.AST) -> list[str]:
    match node:
        case ast.alias(name=name):
            return name.split(".")
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return [name]
    return []


def report_lessons(names: list[str], options: argparse.Namespace) -> int:
    """Run nbval of each lesson on each path, print the table; return the exit status."""
    paths_of = {name: KERAS_PATHS if imports_keras(name) else NUMPY_PATHS for name in names}
    runs = [(path, name) for name in names for path in _chosen(paths_of[name], options)]

    def verdict(run):
        path, name = run
        said = nbval(name, paths_of[name][path])
        print(f"{name}, {path}: {said}", flush=True)
        return said

    with ThreadPoolExecutor(options.jobs) as pool:
        verdicts = dict(zip(runs, pool.map(verdict, runs), strict=True))
    rows = {path: [verdicts.get((path, name), "") for name in names] for path, _ in verdicts}
    print_table("path", [name.partition("_")[0] for name in names], rows)
    return 0 if all(said in ("passed", NOT_HERE) for said in verdicts.values()) else 1


def nbval(name: str, path: dict, root: Path = ROOT) -> str:
    """Return what strict nbval says of a solved lesson on a path: "passed", or how many cells differ.

    What pytest writes about a failure is printed.
    """
    if not runs_here(path):
        return NOT_HERE
    done = _run([sys.executable, "-m", "pytest", *NBVAL, str(solved_path(name, root))], path)
    if done.returncode:
        print(done.stdout, done.stderr)
    return (
        f"{done.stdout.count(f'{os.linesep}FAILED ') or 'not run,'} failed" if done.returncode else "passed"
    )


if __name__ == "__main__":
    sys.exit(main())
