"""What a long session with a lab leaves behind in memory: 1,000 moves of a slider, 50 runs of its cell."""

import tempfile
from pathlib import Path

from benchmarks.browser import Notebook, chromium, served, write_notebook
from benchmarks.live import LAB, PROBE
from benchmarks.results import Result

MOVES, RUNS, PROMISED = 1000, 50, 20
SWEEP = ["ArrowRight"] * 10 + ["ArrowLeft"] * 10
FIRST = 2  # sweeps and runs before the first look: what is loaded once is not left behind
CELL, KERNEL = 1, 2
CELLS = [
    "from helpers import labs",
    "labs.initialization_lab()",
    "import gc\nimport psutil\n\ngc.collect()\nprint(psutil.Process().memory_info().rss / 2**20)",
]
RUN_CELL = """async cell => {
    const notebook = jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = cell;
    await jupyterapp.commands.execute('notebook:run-cell');
}"""


def measure() -> list[Result]:
    """Return by how many megabytes kernel and page grew, over the moves and over the runs."""
    with tempfile.TemporaryDirectory(prefix="taming-depth-") as folder:
        write_notebook(Path(folder) / "site/memory.ipynb", CELLS)
        with served(Path(folder) / "site", folder) as address, chromium() as browser:
            notebook = Notebook(browser, address, "memory.ipynb", size=(1280, 1600))
            notebook.run()
            moved = growth(notebook, lambda: sweep(notebook), MOVES // len(SWEEP))
            ran = growth(notebook, lambda: run_cell(notebook, CELL), RUNS)
    return [
        Result(f"{what}: the {where} grows by", value, "MB", PROMISED)
        for what, pair in ((f"{MOVES:,} moves of a slider", moved), (f"{RUNS} runs of a lab's cell", ran))
        for where, value in zip(("kernel", "page"), pair, strict=True)
    ]


def growth(notebook, action, times) -> tuple[float, float]:
    """Return the megabytes that kernel and page gain while an action is repeated, after a few to warm up."""
    for _ in range(FIRST):
        action()
    before = used(notebook)
    for _ in range(times):
        action()
    return tuple(after - earlier for after, earlier in zip(used(notebook), before, strict=True))


def used(notebook) -> tuple[float, float]:
    """Return the megabytes that the kernel holds, and those of the page's JavaScript, garbage collected."""
    run_cell(notebook, KERNEL)
    tools = notebook.page.context.new_cdp_session(notebook.page)
    tools.send("HeapProfiler.collectGarbage")
    heap = tools.send("Runtime.getHeapUsage")
    tools.detach()
    return float(notebook.output(KERNEL)), (heap["usedSize"] + heap.get("backingStorageSize", 0)) / 2**20


def sweep(notebook) -> None:
    """Move the first slider up and down again, each step seen before the next."""
    page = notebook.page
    page.evaluate(PROBE, [CELL, LAB])
    page.locator(".jp-CodeCell").nth(CELL).locator(".noUi-handle").first.focus()
    for key in SWEEP:
        page.keyboard.press(key)
        page.wait_for_function("() => probe.end !== null", timeout=20_000)


def run_cell(notebook, cell) -> None:
    """Run one cell and wait until the kernel is idle."""
    notebook.page.evaluate(RUN_CELL, cell)
    notebook.idle()
