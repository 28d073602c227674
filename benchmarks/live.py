"""How soon a slider's step is seen in the browser: the lab, the bare round trip, and `interact`."""

import tempfile
from pathlib import Path
from statistics import median

from benchmarks.browser import Notebook, chromium, served, write_notebook
from benchmarks.results import AT_LEAST, Result, middle

SWEEP = (
    ["ArrowRight"] * 9 + ["ArrowLeft"] * 18 + ["ArrowRight"] * 9
)  # up from the start, down past it, and back
SHORT_SWEEP = ["ArrowRight"] * 4 + ["ArrowLeft"] * 4
WARM_UP = ["ArrowRight", "ArrowLeft"]
PAUSE = 60  # milliseconds between a changed picture and the next key, so that no step waits for another

SETUP = "from benchmarks import pages"
CELLS = {"lab": "pages.lab()", "label": "pages.label()", "interact": "pages.redrawn()"}
KERNEL_SWEEP = "pages.kernel_milliseconds()"

LAB, PICTURE, LABEL = "canvas.td-canvas", "img", ".bare-round-trip"
PROBE = """([cell, target]) => {
    const root = document.querySelectorAll('.jp-CodeCell')[cell].querySelector('.jp-Cell-outputArea');
    const probe = { start: null, end: null, seen: null };
    const look = () => {
        const node = root.querySelector(target);
        const state = node && (node.tagName === 'IMG' ? node.src : node.dataset.drawn ?? node.textContent);
        if (!state || state === probe.seen) return;
        probe.seen = state;
        const done = () => { if (probe.start !== null && probe.end === null) probe.end = performance.now() };
        node.tagName === 'IMG' ? node.decode().then(done, () => { probe.seen = null }) : done();
    };
    look();
    root.addEventListener('keydown', event => { probe.start = event.timeStamp; probe.end = null }, true);
    const all = { subtree: true, childList: true, characterData: true, attributes: true };
    new MutationObserver(look).observe(root, { ...all, attributeFilter: ['src', 'data-drawn'] });
    window.probe = probe;
}"""


def measure() -> list[Result]:
    """Return the times of a slider's step in a headless Chromium, and their ratios."""
    with tempfile.TemporaryDirectory(prefix="taming-depth-") as folder:
        write_notebook(Path(folder) / "site/bench.ipynb", [SETUP, *CELLS.values(), KERNEL_SWEEP])
        with served(Path(folder) / "site", folder) as address, chromium() as browser:
            notebook = Notebook(browser, address, "bench.ipynb", size=(1280, 2400))
            notebook.run()
            return results(*times(notebook))


def times(notebook) -> tuple[list, list, list, list]:
    """Return milliseconds per step: of the lab, of the bare round trip, of `interact`, and within the kernel.

    The lab's and the label's sweeps are taken half and half, so that a slow minute slows both.
    """
    lab, label = [], []
    half = len(SWEEP) // 2
    for keys in (SWEEP[:half], SWEEP[half:]):
        lab += sweep(notebook, 1, LAB, keys)
        label += sweep(notebook, 2, LABEL, keys)
    interact = sweep(notebook, 3, PICTURE, SHORT_SWEEP)
    return lab, label, interact, told_times(notebook.output(4))


def told_times(text) -> list[float]:
    """Return the numbers of a printed list."""
    return [float(number) for number in text.strip("[]\n ").split(",")]


def sweep(notebook, cell, target, keys) -> list[float]:
    """Return milliseconds from each key press to the changed target, after two steps to warm up."""
    page = notebook.page
    page.evaluate(PROBE, [cell, target])
    handle = (
        page.locator(".jp-CodeCell").nth(cell).locator(".noUi-handle").first
    )  # the gain: the first slider of all three
    handle.focus()
    return [step(page, key) for key in [*WARM_UP, *keys]][len(WARM_UP) :]


def step(page, key) -> float:
    """Press a key and return the milliseconds until the target has changed."""
    page.wait_for_timeout(PAUSE)
    page.keyboard.press(key)
    page.wait_for_function("() => probe.end !== null", timeout=20_000)
    return page.evaluate("() => probe.end - probe.start")


def results(lab, label, interact, kernel) -> list[Result]:
    """Return the table's lines for milliseconds per step."""
    beside_label = Result(
        "the same, beside the bare round trip",
        median(lab) / median(label),
        "×",
        2.5,
        ratio_to="slider to a label",
    )
    beside_interact = Result(
        "how many times quicker than interact",
        median(interact) / median(lab),
        "×",
        20,
        AT_LEAST,
        ratio_to="interact and pyplot",
    )
    return [
        Result("slider step to changed picture", promised=40, **middle(lab)),
        beside_label,
        beside_interact,
        Result("  of it in the kernel", **middle(kernel)),
        Result("slider step to changed label", **middle(label)),
        Result("slider step with interact", **middle(interact)),
    ]
