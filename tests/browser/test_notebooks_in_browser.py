"""The course as a learner has it: JupyterLab in a browser, all cells run, every control moved."""

import json
import re

import pytest

from benchmarks.browser import ROOT, Notebook, served
from helpers import labs

pytestmark = pytest.mark.slow

WHOLE = ("00_start_here", "01_backpropagate_by_hand", "02_watch_gradients_vanish")

OUTPUTS = ".jp-Notebook .jp-Cell-outputArea"
ERRORS = f"{OUTPUTS} [data-mime-type='application/vnd.jupyter.error']"
STDERR = f"{OUTPUTS} [data-mime-type='application/vnd.jupyter.stderr']"
BROKEN_WIDGETS = ("Error displaying widget", "model not found", "Loading widget", "Error creating widget")
LAB = f"{OUTPUTS} .widget-vbox:has(> .widget-gridbox):has(canvas.td-canvas)"
CONTROL = ".widget-inline-hbox:has(.noUi-handle, select, input[type=checkbox])"
CHANGE_SECONDS = 20

# What Chromium or JupyterLab says in the console of any notebook, with or without a lab.
HARMLESS = ("favicon", "Failed to load resource", "ResizeObserver loop")

PIXELS = "canvas => canvas.toDataURL()"
DRAWN = "canvas => canvas.dataset.drawn"


def lesson_names():
    """List the names of the lessons."""
    return [path.stem for path in sorted((ROOT / "notebooks/solutions").glob("*.ipynb"))]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The address of a JupyterLab that serves copies of the notebooks."""
    folder, scratch = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("jupyter")
    (folder / "notebooks").mkdir()
    for name in lesson_names():
        (folder / "notebooks" / f"{name}.ipynb").write_text(json.dumps(lesson(name)), encoding="utf-8")
    with served(folder, scratch) as address:
        yield address


@pytest.fixture(scope="module")
def opened(browser, site):
    """A function: a notebook's name → it, open in the browser and not yet run; one page is open at a time."""
    pages = {}

    def open_notebook(name):
        if name not in pages:
            while pages:
                pages.popitem()[1].close()
            pages[name] = Notebook(browser, site, f"notebooks/{name}.ipynb")
        return pages[name]

    yield open_notebook
    for page in pages.values():
        page.close()


def file_name(text):
    """Return a text without what a file's name can't hold."""
    return re.sub(r"\W+", "_", text).strip("_")


def lesson(name):
    """Return the solved twin of a lesson, with what it has stored.

    nbval runs every cell of every lesson, and what a cell computes is the same in a browser. So three lessons
    are run whole here; of the others the set-up and the lines that show a lab are, and all other code is left
    out. What it gave stays in place until then.
    """
    notebook = json.loads((ROOT / "notebooks/solutions" / f"{name}.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for cell in [] if name in WHOLE else code[1:]:
        lines = "".join(cell["source"]).splitlines()
        cell["source"] = "\n".join(line for line in lines if line.startswith("labs."))
    return notebook


def labs_in(cells):
    """List the classes of the live figures in the cells' outputs; none where a cell's code is left out."""
    outputs = [
        output.get("data", {}) for cell in cells if cell["source"] for output in cell.get("outputs", [])
    ]
    texts = ["".join(data.get("text/plain", "")) for data in outputs if "image/png" in data]
    return [found[1] for text in texts if (found := re.match(r"(\w+Lab)\(", text))]


def faults(opened):
    """List what went wrong in page and kernel so far."""
    page = opened.page
    found = [error for error in opened.errors if not any(words in error for words in HARMLESS)]
    found += page.locator(ERRORS).all_inner_texts() + page.locator(STDERR).all_inner_texts()
    text = " ".join(page.locator(OUTPUTS).all_inner_texts())
    return found + [words for words in BROKEN_WIDGETS if words in text]


@pytest.fixture(scope="session")
def made():
    """Every lab by the name of its class."""
    every = [getattr(labs, name)() for name in labs.MODULES]
    return {type(lab).__name__: lab for lab in every}


@pytest.fixture(params=lesson_names(), scope="module")
def name(request):
    return request.param


def test_stored_pictures_show_before_anything_runs(name, opened):
    page = opened(name).page
    outputs = [output for cell in lesson(name)["cells"] for output in cell.get("outputs", [])]
    wanted = sum("image/png" in output.get("data", {}) for output in outputs)
    pictures = page.locator(f"{OUTPUTS} img")
    assert pictures.count() == wanted
    assert all(pictures.nth(i).evaluate("image => image.naturalWidth > 0") for i in range(wanted))
    assert page.locator("canvas.td-canvas").count() == 0
    assert faults(opened(name)) == []


def test_all_cells_run(name, opened, album):
    notebook = opened(name)
    notebook.run()
    assert faults(notebook) == []
    wanted = len(labs_in(lesson(name)["cells"]))
    notebook.page.locator("canvas.td-canvas[data-drawn]").first.wait_for() if wanted else None
    assert notebook.page.locator(LAB).count() == wanted
    notebook.page.screenshot(path=album / f"{file_name(name)}.png")


def test_every_control_moves_its_picture(name, opened, album, made):
    notebook = opened(name)
    unmoved, controls = [], []
    for place, lab in enumerate(notebook.page.locator(LAB).all()):
        lab.scroll_into_view_if_needed()
        lab.screenshot(path=album / f"{file_name(name)}_lab{place + 1}.png")
        told = move_all(notebook.page, lab)
        controls.append(len(told))
        unmoved += [f"lab {place + 1}: {label}" for label, moved in told if not moved]
        lab.screenshot(path=album / f"{file_name(name)}_lab{place + 1}_moved.png")
    notebook.idle()
    assert unmoved == []
    assert controls == [len(made[lab].widgets) for lab in labs_in(lesson(name)["cells"])]
    assert faults(notebook) == []


def move_all(page, lab):
    """Move every control of a lab as a keyboard would, and back; list (label, picture changed)."""
    canvas = lab.locator("canvas.td-canvas").first
    told = []
    for box in lab.locator(CONTROL).all():
        label = box.inner_text().split("\n")[0]
        before, pixels = canvas.evaluate(DRAWN), canvas.evaluate(PIXELS)
        move_back = move(page, box)
        told.append((label, waits_for_change(canvas, before) and canvas.evaluate(PIXELS) != pixels))
        before = canvas.evaluate(DRAWN)
        move_back()  # some controls rest while another one is elsewhere, and say so
        waits_for_change(canvas, before)
    return told


def move(page, box):
    """Move one control a step: a slider by an arrow key, a list to another entry, a box by a click.

    Return a function that moves it back.
    """
    if (handle := box.locator(".noUi-handle")).count():
        handle.first.focus()
        at_end = handle.first.get_attribute("aria-valuenow") == handle.first.get_attribute("aria-valuemax")
        there, back = ("ArrowLeft", "ArrowRight") if at_end else ("ArrowRight", "ArrowLeft")
        page.keyboard.press(there)
        return lambda: page.keyboard.press(back)
    if (chooser := box.locator("select")).count():
        chosen = chooser.evaluate("list => list.selectedIndex")
        last = chosen + 1 == chooser.locator("option").count()
        chooser.select_option(index=chosen - 1 if last else chosen + 1)
        return lambda: chooser.select_option(index=chosen)
    box.locator("input").first.click()
    return lambda: box.locator("input").first.click()


def waits_for_change(canvas, before):
    """Wait until a canvas was drawn anew; say whether it was."""
    return canvas.evaluate(
        """async (canvas, [before, seconds]) => {
            const end = performance.now() + 1000 * seconds;
            while (canvas.dataset.drawn === before && performance.now() < end)
                await new Promise(resolve => setTimeout(resolve, 10));
            return canvas.dataset.drawn !== before;
        }""",
        [before, CHANGE_SECONDS],
    )


def test_every_lab_is_in_a_lesson(made):
    """So that no lab escapes the tests above."""
    assert {lab for name in lesson_names() for lab in labs_in(lesson(name)["cells"])} == made.keys()
