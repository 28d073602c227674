"""What a NumPy notebook imports, in seconds beyond what NumPy and Matplotlib take by themselves."""

import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks.results import Result, middle

ROOT = Path(__file__).resolve().parent.parent
RUNS = 9
BASE = "import numpy, matplotlib.figure"
NOTEBOOK = """
from helpers import data
from helpers.checks import frame
from helpers.labs import initialization_lab
from helpers.plots import over_layers
"""
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
    plain, kernel = [], []
    for run in range(RUNS + 1):
        told = seconds(BASE, NOTEBOOK), seconds(f"{KERNEL}\n{BASE}", NOTEBOOK), seconds("", BASE)
        if run:  # the first fills the disk's cache
            plain.append((told[0], told[2]))
            kernel.append(told[1])
    return results([own for own, _ in plain], [base for _, base in plain], kernel)


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
        raise RuntimeError(f"a NumPy notebook imports {heavy.strip()}")
    return float(taken)


def results(own, base, kernel) -> list[Result]:
    """Return the table's lines for seconds: of our imports, of the base's, and of ours inside a kernel."""
    beside = f"{median(base):.2f} s of NumPy and Matplotlib"
    return [
        Result(
            "import of what a NumPy notebook needs, beyond", promised=0.3, ratio_to=beside, **middle(own, "s")
        ),
        Result("  the same in a kernel, which has ipykernel already", **middle(kernel, "s")),
    ]
