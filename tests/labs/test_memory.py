"""What a lab leaves behind: a thousand moves and fifty runs of its cell must not fill the memory.

A file of its own, so that it is tested beside `test_all_labs.py` rather than after it. Day by day 30 moves
and 5 runs are made, and show what is kept all the same: Python counts its blocks of memory, and glibc its
bytes. TAMING_DEPTH_THOROUGH=1 makes them all.
"""

import ctypes
import gc
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import SimpleNamespace

import ipywidgets as widgets
import psutil
import pytest

from helpers.labs import live
from tests.labs.driving import each_lab, faults, make, neighbor

MOVES, RUNS = (1000, 50) if os.environ.get("TAMING_DEPTH_THOROUGH") == "1" else (30, 5)
MOVES_KEEP = {"resident": 20, "allocated": 0.005 * MOVES, "blocks": 10 * MOVES}  # MB, MB, blocks in all
RUNS_KEEP = {"resident": 20, "allocated": 0.02 * RUNS, "blocks": 100 * RUNS}
FIRST_RUNS = 15  # of the cell, after which Python has made the tables that it keeps
SETTLING = 20  # moves after which a lab has made all that it keeps for itself

pytestmark = pytest.mark.slow


@each_lab
def test_memory_stays(name):
    """Many moves of the controls and runs of the cell leave nothing, once every cache is filled.

    In a fresh process: what other tests left behind would hide a leak, or look like one.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        left = fresh.submit(left_behind, name).result()
    assert left["open figures"] == 0, "the figure of the cell's last run stays open"
    assert left["models"] == 0, "widgets of closed figures are kept"
    assert not more_than(MOVES_KEEP, left["by moves"])
    assert not more_than(RUNS_KEEP, left["by runs"])
    assert left["faults"] == []


def more_than(limits, kept):
    """Map what was kept beyond its limit to how much."""
    return {unit: kept[unit] for unit in limits if kept[unit] > limits[unit]}


def left_behind(name):
    """Move the controls of a lab and run its cell, again and again; tell what is left of it all."""
    lab = run_cell(name, 0, **small_start(name))
    states = [{control: neighbor(widget)} for control, widget in lab.widgets.items()]
    steps = [lab.values | state for state in states for _ in range(2)] + [lab.values]
    move(lab, steps, len(steps))  # every cache is filled
    for run in range(1, FIRST_RUNS):
        lab = run_cell(name, run, **small_start(name))
    at_first, still_open = in_use(), 0
    move(lab, steps, SETTLING)
    settled = in_use()
    move(lab, steps, MOVES)
    by_moves = growth(settled)
    for run in range(FIRST_RUNS, FIRST_RUNS + RUNS):
        earlier, lab = lab, run_cell(name, run, **small_start(name))
        still_open += earlier.canvas is not None
    del earlier
    by_runs = growth(at_first)
    return {
        "open figures": still_open,
        "models": by_runs["models"],
        "by moves": by_moves,
        "by runs": by_runs,
        "faults": faults(lab),
    }


def small_start(name):
    """Settings at which a lab of networks is quick; what a step leaves behind doesn't depend on them."""
    small = {"depth": 2, "width": 10}
    return {"initialization_lab": small, "depth_lab": small}.get(name, {})


def run_cell(name, run, **start):
    """Make a lab as the numbered run of one and the same notebook cell."""
    parent = {"metadata": {"cellId": f"cell of {name}"}, "header": {"msg_id": f"run {run}"}}
    live.get_ipython = lambda: SimpleNamespace(get_parent=lambda: parent)
    return make(name, **start)


def move(lab, steps, times):
    """Set a lab to one state after the other, and to the last of them at the end.

    What it keeps for its present state, a deep network say, is then the same at each count.
    """
    for place in range(times):
        lab.set(**steps[place % len(steps)])
    lab.set(**steps[-1])


def in_use():
    """Count what is in use once all garbage is collected: MB, blocks of Python's, models of ipywidgets'."""
    gc.collect()
    return {
        "resident": psutil.Process().memory_info().rss / 2**20,
        "allocated": allocated() / 2**20,
        "blocks": sys.getallocatedblocks(),
        "models": len(widgets.widget._instances),
    }


def allocated():
    """Return the bytes that glibc has given out, arrays among them; 0 with another C library."""
    try:
        tell = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        return 0
    tell.restype = Mallinfo2
    told = tell()
    return told.uordblks + told.hblkhd


class Mallinfo2(ctypes.Structure):
    """What glibc tells of its memory, bytes in use inside (`uordblks`) and outside (`hblkhd`) its heaps."""

    _fields_ = [
        *((f"_{place}", ctypes.c_size_t) for place in range(4)),
        ("hblkhd", ctypes.c_size_t),
        *((f"_{place}", ctypes.c_size_t) for place in range(5, 7)),
        ("uordblks", ctypes.c_size_t),
        *((f"_{place}", ctypes.c_size_t) for place in range(8, 10)),
    ]


def growth(before):
    """Return by how much each count has grown since."""
    return {unit: count - before[unit] for unit, count in in_use().items()}
