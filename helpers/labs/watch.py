"""A live figure of a training run, with a button that stops it.

    figure = watch.TrainingFigure()
    display(figure)
    model.fit(…, callbacks=[recorder(x, y, figure=figure)])

A cell that trains keeps the kernel busy, so that a click would be heard only when it is over. Each time the
figure is shown a record, it hears the clicks that wait.

`cut_short_unless_watched` keeps a run of minutes out of the building and testing of notebooks.
"""

from dataclasses import replace
from time import perf_counter

import ipywidgets as widgets
from IPython import get_ipython

from helpers.checks import learner
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
    "seconds": "about {count:.0f} s to go",
    "minutes": "about {count:.0f} min to go",
    "cut": "Nobody looks on: this run is cut short, to {images:,} of {all:,} images.",
    "whole": "The whole run: all {images:,} images.",
}
MINUTES = 100  # seconds to go from which minutes are told
UNWATCHED = 1600  # images of a run that nobody looks on at


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
        self.progress = widgets.IntProgress(0, 0, 1, layout={"width": "min(420px, 60%)"})
        self.to_go = widgets.Label("")
        self._first = None  # when the first record was shown, and its step
        super().__init__()

    def controls(self):
        look = {"icon": "stop", "tooltip": TEXT["stop"], "layout": {"width": "auto"}}
        return {"stop": widgets.ToggleButton(False, description=TEXT["stop"], **look)}

    def layout(self):
        row = [self.widgets["stop"], self.progress, self.to_go]
        box = widgets.HBox(row, layout={"align_items": "center"})
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
        self.to_go.value = self._remaining(recording)
        hear_clicks()
        self.refresh()
        return not self.stopped

    def _remaining(self, recording):
        """How long the rest takes, at the pace since the first record; nothing where there is none."""
        now, step = perf_counter(), recording.last_step
        if self._first is None or step <= self._first[1]:
            self._first = now, step
            return ""
        if recording.stopped or step >= recording.total:
            return ""
        began, first_step = self._first
        return told_seconds((now - began) / (step - first_step) * (recording.total - step))

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


def told_seconds(seconds) -> str:
    """Return a time to go as a reader wants it: in seconds, from a hundred on in minutes."""
    key, unit = ("minutes", 60) if seconds >= MINUTES else ("seconds", 1)
    return TEXT[key].format(count=seconds / unit)


def cut_short_unless_watched(split):
    """Return a `Split` whole for a learner, and cut where notebooks are built or tested.

    What is cut are the training images alone: epochs, batches and validation images stay.
    """
    return split if learner.is_kept() else replace(split, x=split.x[:UNWATCHED], y=split.y[:UNWATCHED])


def said_of_cut(images, split) -> str:
    """Return in words whether a run sees the whole `Split` or a part of it."""
    key = "whole" if len(images.x) == len(split.x) else "cut"
    return TEXT[key].format(images=len(images.x), all=len(split.x))


def hear_clicks() -> None:
    """Handle what the browser has sent since the cell began; cells that wait keep waiting. Outside a notebook
    nothing happens."""
    shell = get_ipython()
    if not hasattr(shell, "kernel"):
        return
    from jupyter_ui_poll import ui_events

    with ui_events() as poll:
        poll(5)
