"""A learner's guesses in JupyterLab: a number, a choice, lines with mouse and keys, there after a restart."""

import json

import numpy as np
import pytest

from benchmarks.browser import Notebook, served, write_notebook

pytestmark = pytest.mark.slow

CELLS = [
    "from helpers import predict",
    "number = predict.number('How many of ten?', low=0, high=10)\nnumber",
    "choice = predict.choice('Will it learn?', ['yes', 'a little', 'no'])\nchoice",
    "drawn = predict.curve('by mouse', layers=5, low=1e-4, high=1)\ndrawn",
    "typed = predict.curve('by keys', layers=4, low=0, high=10, log=False)\ntyped",
    "print(number.reveal(1.0), choice.reveal('no'), sep='|')",
    "print(drawn.value, typed.value, sep='|')",
]
NUMBER, CHOICE, DRAWN, TYPED, REVEALED, VALUES = range(1, 7)
RESTART = """async () => {
    await jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart();
}"""
STATE = ".td-predict .widget-hbox .widget-html"
COMMIT = ".td-predict button.widget-button"
SKETCH = "canvas => canvas.figure.sketch"


class Learner:
    """One notebook with questions, and the hand that answers them."""

    def __init__(self, notebook, file):
        self.notebook, self.page, self.file = notebook, notebook.page, file

    def cell(self, place):
        """Return a code cell's outputs."""
        return self.page.locator(".jp-CodeCell").nth(place).locator(".jp-Cell-outputArea")

    def said(self, place):
        """Return what stands beside a question's button."""
        return self.cell(place).locator(STATE).inner_text()

    def commit(self, place):
        """Press a question's button, and wait until it is told."""
        self.cell(place).locator(COMMIT).click()
        self.cell(place).locator(STATE, has_text="Your guess: ").wait_for(timeout=20_000)
        self.notebook.idle()

    def kept(self):
        """Return the kept guesses by their question, without the lesson's number."""
        guesses = json.loads(self.file.read_text("utf-8"))["guesses"]
        return {name.removeprefix("02 "): entry for name, entry in guesses.items()}

    def canvas(self, place):
        """Return a question's canvas, once it is drawn."""
        canvas = self.cell(place).locator("canvas.td-canvas[data-drawn]")
        canvas.wait_for(timeout=20_000)
        canvas.scroll_into_view_if_needed()
        return canvas

    def restart(self):
        """Restart the kernel and run all cells, as a learner does the next day."""
        self.page.evaluate(RESTART)
        self.notebook.idle()
        self.notebook.run()


@pytest.fixture(scope="module")
def learner(browser, tmp_path_factory, album):
    """A notebook of lesson 02 with four questions, run once without any answer."""
    folder, scratch = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("jupyter")
    file = scratch / "learner.json"
    write_notebook(folder / "02_questions.ipynb", CELLS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAMING_DEPTH_LEARNER", str(file))
        with served(folder, scratch) as address:
            notebook = Notebook(browser, address, "02_questions.ipynb", size=(1280, 1600))
            notebook.run()
            yield Learner(notebook, file)
            notebook.page.screenshot(path=album / "guesses.png")
            notebook.close()


def test_without_a_guess_all_cells_run_and_say_so(learner):
    assert learner.said(NUMBER).startswith("No guess yet.")
    told = learner.notebook.output(REVEALED)
    assert told.strip() == "You made no guess here. Measured: 1.|You made no guess here. It is “no”."
    assert not learner.file.exists()


def test_a_number_and_a_choice_are_committed(learner):
    handle = learner.cell(NUMBER).locator(".noUi-handle").first
    handle.focus()
    for _ in range(3):
        learner.page.keyboard.press("ArrowRight")
    learner.notebook.idle()
    learner.commit(NUMBER)
    learner.cell(CHOICE).locator("input[type=radio]").nth(1).check()
    learner.notebook.idle()
    learner.commit(CHOICE)
    assert learner.said(NUMBER) == "Your guess: 5.3"
    assert learner.said(CHOICE) == "Your guess: a little"
    assert learner.kept()["How many of ten?"]["value"] == pytest.approx(5.3)
    assert learner.kept()["Will it learn?"]["value"] == "a little"


def test_a_line_is_drawn_with_the_mouse(learner, album):
    canvas = learner.canvas(DRAWN)
    place, (left, top, width, height) = canvas.bounding_box(), box_of(canvas)
    mouse = learner.page.mouse
    for step, (across, down) in enumerate(((0.1, 0.0), (0.5, 0.5), (0.9, 1.0))):  # layers 1, 3 and 5
        mouse.move(place["x"] + left + across * width, place["y"] + top + down * height)
        if not step:
            mouse.down()
    mouse.up()
    learner.notebook.idle()
    learner.commit(DRAWN)
    np.testing.assert_allclose(np.log10(learner.kept()["by mouse"]["value"]), [0, -1, -2, -3, -4], atol=0.1)
    assert learner.said(DRAWN) == "Your guess: a line at 5 of 5 places"
    learner.page.screenshot(path=album / "guesses_committed.png")


def test_a_line_is_drawn_with_keys(learner):
    learner.canvas(TYPED).focus()
    for key in ("ArrowRight", "ArrowUp", "ArrowUp", "ArrowRight", "ArrowDown"):
        learner.page.keyboard.press(key)
    assert learner.cell(TYPED).locator(".td-told").inner_text() == "layer 2: 5.25"
    learner.notebook.idle()
    learner.commit(TYPED)
    assert learner.kept()["by keys"]["value"] == [5.5, 5.25, None, None]
    assert learner.said(TYPED) == "Your guess: a line at 2 of 4 places"


def test_after_a_restart_the_guesses_are_there_and_compared(learner, album):
    before = learner.kept()
    learner.restart()
    assert [learner.said(place) for place in (NUMBER, CHOICE)] == ["Your guess: 5.3", "Your guess: a little"]
    assert learner.cell(NUMBER).locator(".widget-readout").inner_text() == "5.3"
    assert learner.cell(CHOICE).locator("input[type=radio]").nth(1).is_checked()
    told = learner.notebook.output(REVEALED).strip()
    assert told == "You said 5.3, measured 1: 5.3 times too large.|You said “a little”. It is “no”."
    assert learner.notebook.output(VALUES).strip() == "|".join(
        str(before[name]["value"]) for name in ("by mouse", "by keys")
    )
    learner.page.screenshot(path=album / "guesses_after_restart.png")


def test_a_drawn_line_comes_back_and_goes_on(learner):
    canvas = learner.canvas(TYPED)
    assert canvas.evaluate(SKETCH) == {"1": 5.5, "2": 5.25}
    canvas.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowDown"):
        learner.page.keyboard.press(key)
    learner.notebook.idle()
    learner.commit(TYPED)
    learner.cell(TYPED).locator(STATE, has_text="at 3 of 4 places").wait_for(timeout=20_000)
    assert learner.kept()["by keys"]["value"] == [5.5, 5.25, 5.0, None]


def test_the_first_guess_counts_and_the_page_is_sound(learner):
    assert learner.kept()["How many of ten?"]["outcome"] == "more"
    learner.commit(NUMBER)
    assert learner.kept()["How many of ten?"]["outcome"] == "more"
    assert [error for error in learner.notebook.errors if "page:" in error] == []
    assert "Error displaying widget" not in learner.page.locator(".jp-Notebook").inner_text()


def box_of(canvas):
    """Return (left, top, width, height) of the first panel on the canvas."""
    return canvas.evaluate("canvas => { const { x, y, w, h } = canvas.figure.boxes[0]; return [x, y, w, h] }")
