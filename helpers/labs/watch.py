"""A live figure of a training run, with a button that stops it.

    figure = watch.TrainingFigure()
    display(figure)
    model.fit(…, callbacks=[recorder(x, y, figure=figure)])

A cell that trains keeps the kernel busy, so that a click would be heard only when it is over. Each time the
figure is shown a record, it hears the clicks that wait.
"""

import ipywidgets as widgets
from IPython import get_ipython

from helpers.labs import live
from helpers.plots.frame import Frame, beside, stacked
from helpers.plots.training import panels_of
from helpers.signals.recording import Recording

TEXT = {
    "stop": "Stop training",
    "waiting": "Nothing is recorded yet. The figure fills while `fit` runs.",
    "running": "step {done:,} of {total:,}",
    "done": "Done: {done:,} of {total:,} steps.",
    "stopped": "Stopped after {done:,} of {total:,} steps; what was recorded is kept.",
    "overflow": "The loss is no longer a number: the run has diverged.",
}


class TrainingFigure(live.LiveFigure):
    """Loss, gradients, updates and activations of every layer while `fit` runs; `show` takes each record."""

    READ_OUT = {
        "step": "training step",
        "loss": "loss",
        "gradient_first": "gradient norm of W, layer 1",
        "gradient_last": "gradient norm of W, last layer",
    }

    def __init__(self):
        self.recording: Recording | None = None
        self.progress = widgets.IntProgress(0, 0, 1, layout={"width": "420px"})
        super().__init__()

    def controls(self):
        look = {"icon": "stop", "tooltip": TEXT["stop"], "layout": {"width": "auto"}}
        return {"stop": widgets.ToggleButton(False, description=TEXT["stop"], **look)}

    def layout(self):
        box = widgets.HBox([self.widgets["stop"], self.progress], layout={"align_items": "center"})
        return widgets.VBox([box, self.canvas])

    def update(self, stop):
        panels = panels_of(self.recording)
        return Frame(
            stacked(beside(*panels[:3]), beside(*panels[3:])),
            height=480,
            words=_in_words(self.recording),
            numbers=_numbers(self.recording),
        )

    def show(self, recording) -> bool:
        """Draw a recording; return False once the stop button has been pressed, else True."""
        self.recording = recording
        self.progress.max, self.progress.value = recording.total, recording.last_step
        hear_clicks()
        self.refresh()
        return not self.stopped

    @property
    def stopped(self) -> bool:
        """Whether the stop button has been pressed."""
        return bool(self.values.get("stop", False))

    def __repr__(self):
        # Keras's numbers differ from one processor to another, and notebooks compare this line.
        return f"TrainingFigure({self.recording!r})"


def _in_words(recording):
    if recording is None:
        return TEXT["waiting"]
    if len(recording.loss) and not recording.loss[-1] < float("inf"):
        return TEXT["overflow"]
    over = recording.last_step >= recording.total
    state = "stopped" if recording.stopped else "done" if over else "running"
    return TEXT[state].format(done=recording.last_step, total=recording.total)


def _numbers(recording):
    """What the last record tells; the step alone where there is none."""
    if recording is None or not len(recording.loss):
        return {"step": 0}
    return {
        "step": recording.last_step,
        "loss": recording.loss[-1],
        "gradient_first": recording.grad_W_norm[-1, 0],
        "gradient_last": recording.grad_W_norm[-1, -1],
    }


def hear_clicks() -> None:
    """Handle what the browser has sent since the cell began; cells that wait keep waiting. Outside a notebook
    nothing happens."""
    shell = get_ipython()
    if not hasattr(shell, "kernel"):
        return
    from jupyter_ui_poll import ui_events

    with ui_events() as poll:
        poll(5)
