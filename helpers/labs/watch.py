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
from helpers.plots.training import HeatPanel, LayersPanel, LossPanel
from helpers.signals.recording import HEALTHY_RATIO, Recording

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

    size = (9.6, 5.6)

    def __init__(self):
        self.recording: Recording | None = None
        super().__init__()

    def controls(self):
        button = widgets.ToggleButton(False, description=TEXT["stop"], icon="stop", tooltip=TEXT["stop"])
        return {"stop": button}

    def build(self):
        self.progress = widgets.IntProgress(0, 0, 1, layout={"width": "420px"})
        grid = self.figure.add_gridspec(
            2, 2, left=0.06, right=0.97, top=0.87, bottom=0.09, hspace=0.5, wspace=0.25
        )
        axes = [self.figure.add_subplot(cell) for cell in grid]
        self.panels = [
            LossPanel(axes[0]),
            LayersPanel(axes[1], "grad_W_norm"),
            LayersPanel(axes[2], "ratio", guide=HEALTHY_RATIO),
            HeatPanel(axes[3], self.figure),
        ]
        for panel in self.panels:
            self.moving(panel.artists)
        self.legend(*self.panels[1].artists)

    def layout(self):
        box = widgets.HBox([self.widgets["stop"], self.progress], layout={"align_items": "center"})
        return widgets.VBox([box, self.image, self.readout])

    def update(self, stop):
        recording = self.recording
        for axes in self.figure.axes:
            axes.set_visible(recording is not None)
        if recording is None:
            self.say(TEXT["waiting"])
            return {"step": 0}
        for panel in self.panels:
            panel.show(recording)
        self.progress.max, self.progress.value = recording.total, recording.last_step
        self.say(self._in_words(recording))
        return {
            "step": recording.last_step,
            "loss": recording.loss[-1],
            "gradient_first": recording.grad_W_norm[-1, 0],
            "gradient_last": recording.grad_W_norm[-1, -1],
        }

    def show(self, recording) -> bool:
        """Draw a recording; return False once the stop button has been pressed, else True."""
        self.recording = recording
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

    def _in_words(self, recording):
        if not recording.loss[-1] < float("inf"):
            return TEXT["overflow"]
        over = recording.last_step >= recording.total
        state = "stopped" if recording.stopped else "done" if over else "running"
        return TEXT[state].format(done=recording.last_step, total=recording.total)


def hear_clicks() -> None:
    """Handle what the browser has sent since the cell began; cells that wait keep waiting. Outside a notebook
    nothing happens."""
    shell = get_ipython()
    if not hasattr(shell, "kernel"):
        return
    from jupyter_ui_poll import ui_events

    with ui_events() as poll:
        poll(5)
