"""The live figure of a training run in a browser: it moves while the cell runs, and its button stops it."""

import pytest

from benchmarks.browser import Notebook, served, write_notebook

pytestmark = pytest.mark.slow

TRAINING = """
import numpy as np
from IPython.display import display
from helpers import keras_models, recorder, watch
keras = keras_models.keras()
rng = np.random.default_rng(0)
x, y = rng.standard_normal((2000, 20)).astype("float32"), rng.integers(3, size=2000)
model = keras_models.dense_network((20, *[16] * 5, 3), seed=0)
model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
figure = watch.TrainingFigure()
display(figure)
callback = recorder.recorder(x[:100], y[:100], every=20, figure=figure)
"""
FIT = "_ = model.fit(x, y, batch_size=100, epochs={epochs}, verbose=0, callbacks=[callback])\n"
TOLD = "print(callback.recording)"
FOREVER = 100_000  # epochs; only the button ends this run


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """A notebook with three cells: the training, what was recorded, and a cell that waits meanwhile."""
    folder, scratch = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("jupyter")
    cells = [TRAINING + FIT.format(epochs=FOREVER), TOLD, "print('and', figure.stopped, repr(figure))"]
    write_notebook(folder / "training.ipynb", cells)
    with served(folder, scratch) as address:
        notebook = Notebook(browser, address, "training.ipynb")
        yield notebook
        notebook.close()


def test_the_figure_moves_and_the_button_stops_the_run(page, album):
    page.page.evaluate(
        "() => { window.done = false;"
        "jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.done = true }) }"
    )
    canvas = page.page.locator("canvas.td-canvas[data-drawn]").first
    canvas.wait_for(timeout=120_000)
    pictures = {canvas.evaluate("canvas => canvas.toDataURL()")}
    for _ in range(3):
        page.page.wait_for_function(
            "seen => !seen.includes(document.querySelector('canvas.td-canvas').toDataURL())",
            arg=list(pictures),
            timeout=60_000,
        )
        pictures.add(canvas.evaluate("canvas => canvas.toDataURL()"))
    page.page.screenshot(path=album / "training_running.png")
    assert not page.page.evaluate("() => window.done"), "the run was over before the button was pressed"
    page.page.locator("button.widget-toggle-button").click()
    page.page.wait_for_function("() => window.done", timeout=60_000)
    page.idle()
    page.page.screenshot(path=album / "training_stopped.png")
    told, after = page.output(1), page.output(2)
    assert told.startswith("Recording of 6 layers")
    assert told.strip().endswith("stopped")
    assert after.startswith("and True TrainingFigure(")
    assert "Error" not in page.page.locator(".jp-Notebook").inner_text()
    assert [error for error in page.errors if "page:" in error] == []
