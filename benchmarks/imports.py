"""What a NumPy lesson imports, in seconds beyond what NumPy and Matplotlib take by themselves."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks.results import Result, middle

ROOT = Path(__file__).resolve().parent.parent
RUNS = 9
BASE = "import numpy, matplotlib.figure"
LESSON = ROOT / "notebooks/source/04_scale_the_weights.py"
DOORS = ("checks", "labs", "plots")  # rooms that load piece by piece
KERNEL = (
    "import ipykernel.kernelapp, ipykernel.ipkernel"  # a notebook's kernel has these before the first cell
)
TIMED = """
import sys, time
{before}
begin = time.perf_counter()
{timed}
print(time.perf_counter() - begin, sorted({{"keras", "tensorflow"}} & set(sys.modules)))
"""


def measure() -> list[Result]:
    """Return the seconds of fresh processes, each kind in turn: a plain Python, and one like a kernel."""
    lesson = needs(LESSON.read_text(encoding="utf-8"))
    plain, kernel = [], []
    for run in range(RUNS + 1):
        told = seconds(BASE, lesson), seconds(f"{KERNEL}\n{BASE}", lesson), seconds("", BASE)
        if run:  # the first fills the disk's cache
            plain.append((told[0], told[2]))
            kernel.append(told[1])
    return results([own for own, _ in plain], [base for _, base in plain], kernel)


def needs(source) -> str:
    """Return what a lesson loads: its imports from `helpers`, and what it takes from the `DOORS`, as code."""
    tree = ast.parse(source)
    lines = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "helpers"]
    taken = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) in DOORS
    }
    return "\n".join([*(ast.unparse(line) for line in lines), *sorted(taken)])


def seconds(before, timed) -> float:
    """Return the seconds of `timed` in a new Python after `before`; raises RuntimeError with Keras."""
    code = TIMED.format(before=before, timed=timed)
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ).stdout
    taken, heavy = told.split(maxsplit=1)
    if heavy.strip() != "[]":
        raise RuntimeError(f"a NumPy lesson imports {heavy.strip()}")
    return float(taken)


def results(own, base, kernel) -> list[Result]:
    """Return the table's lines for seconds: of our imports, of the base's, and of ours inside a kernel."""
    beside = f"{median(base):.2f} s of NumPy and Matplotlib"
    return [
        Result(
            "import of what a NumPy lesson needs, beyond", promised=0.3, ratio_to=beside, **middle(own, "s")
        ),
        Result("  the same in a kernel, which has ipykernel already", **middle(kernel, "s")),
    ]
