"""What a lab leaves behind: a thousand moves and fifty runs of its cell must not fill the memory.

A file of its own, so that it is tested beside `test_all_labs.py` rather than after it. Day by day 300 moves
and 15 runs are made, in a third of the time; TAMING_DEPTH_THOROUGH=1 makes them all.
"""

import gc
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import SimpleNamespace

import ipywidgets as widgets
import psutil

from helpers.labs import live
from tests.labs.driving import each_lab, faults, make, neighbor

MOVES, RUNS = (1000, 50) if os.environ.get("TAMING_DEPTH_THOROUGH") == "1" else (300, 15)
MEGABYTES = 20
WARM_UP = 100  # moves after which every cache is filled


@each_lab
def test_memory_stays(name):
    """Many moves of the controls and runs of the cell leave nothing, once every cache is filled.

    In a fresh process: what other tests left behind would hide a leak, or look like one.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        left = fresh.submit(left_behind, name).result()
    assert left["open figures"] == 0, "the figure of the cell's last run stays open"
    assert left["models"] == 0, "widgets of closed figures are kept"
    assert left["megabytes"] <= MEGABYTES
    assert left["faults"] == []


def left_behind(name):
    """Move the controls of a lab and run its cell, again and again; tell what is left of it all."""
    lab = run_cell(name, 0, **small_start(name))
    states = [{control: neighbor(widget)} for control, widget in lab.widgets.items()]
    steps = [lab.values | state for state in states for _ in range(2)] + [lab.values]
    move(lab, steps, WARM_UP)
    for run in range(1, 4):
        lab = run_cell(name, run, **small_start(name))
    models, before, still_open = known_models(), megabytes(), 0
    move(lab, steps, MOVES)
    for run in range(4, 4 + RUNS):
        earlier, lab = lab, run_cell(name, run, **small_start(name))
        still_open += earlier.figure is not None
    return {
        "open figures": still_open,
        "models": known_models() - models,
        "megabytes": megabytes() - before,
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
    """Set a lab to one state after the other."""
    for place in range(times):
        lab.set(**steps[place % len(steps)])


def known_models():
    """Return how many models ipywidgets keeps."""
    gc.collect()
    return len(widgets.widget._instances)


def megabytes():
    """Return the memory of this process in MB, with all garbage collected."""
    gc.collect()
    return psutil.Process().memory_info().rss / 2**20
