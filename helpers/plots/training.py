"""A training run: loss, gradients and updates per layer, abs(activation) over the steps, skipped blocks.

All but the last two are drawn from a `Recording`; the panels serve the live figure as well.
"""

from dataclasses import replace

import numpy as np

from helpers.plots.axes import legend_below, legend_beside, log_scale, row_of_panels, two_lines, whole_numbers
from helpers.plots.frame import (
    WIDTH,
    Axis,
    Frame,
    Image,
    Line,
    Panel,
    beside,
    fitting_axis,
    fitting_log_axis,
    layer_axis,
    whole_ticks,
)
from helpers.plots.looks import COLORS as INKS
from helpers.plots.over_layers import evenly_picked
from helpers.plots.over_seeds import draw_band
from helpers.plots.paint import paint
from helpers.plots.style import BLACK, BLUE, COLORS, MARKERS, PREDICTED, RED, Picture, styled
from helpers.signals.recording import HEALTHY_RATIO, REACH

TITLES = {
    "loss": "loss of the recorded batch",
    "val_accuracy": "validation accuracy",
    "mean_activation": "mean of abs(activation)",
    "grad_W_norm": "gradient norm of W, per layer",
    "ratio": "update / weights, per layer",
}
RATIOS = (1e-7, 1e-2)  # update / weights between these are drawn
SHOWN = 4  # layers drawn over time, evenly spread over the depth


def panels_of(recording) -> list[Panel]:
    """Return the five panels of a run: loss, accuracy, activations by step; gradients and updates by layer.

    Without a recording they have titles and are empty.
    """
    if recording is None:
        none = Axis(ticks=())
        return [Panel((), title, none, none) for title in TITLES.values()]
    by_step = [loss_panel(recording), accuracy_panel(recording), heat_panel(recording)]
    gradient = before_and_now_panel(recording, "grad_W_norm")
    return [*by_step, gradient, before_and_now_panel(recording, "ratio", HEALTHY_RATIO)]


def loss_panel(recording) -> Panel:
    """Return the recorded batch's loss over the steps; the axis reaches to the planned end."""
    y = Axis(0, fitting_axis(recording.loss, 0, 1).high)
    return Panel((Line(recording.steps, recording.loss, "curve"),), TITLES["loss"], _steps(recording), y)


def accuracy_panel(recording) -> Panel:
    """Return the validation accuracy after each epoch."""
    line = Line(*recording.logged("val_accuracy"), "second")
    return Panel((line,), TITLES["val_accuracy"], _steps(recording), Axis(0, 1))


def before_and_now_panel(recording, quantity, guide=None) -> Panel:
    """Return "grad_W_norm" or "ratio" of every layer on a log axis: the first record dotted, and the last."""
    layers, values = np.arange(1, len(recording.layers) + 1), getattr(recording, quantity)
    before, now = values[[0, -1]] if len(values) else np.full((2, len(layers)), np.nan)
    marks = [Line(layers, before, "before", "before training"), Line(layers, now, "now", "now")]
    if guide is not None:
        marks.insert(0, Line(layers, np.full(len(layers), guide), "guide", f"healthy: about {guide:g}"))
    y = fitting_log_axis(*(mark.y for mark in marks))
    return Panel(tuple(marks), TITLES[quantity], layer_axis(len(layers)), y)


def heat_panel(recording) -> Panel:
    """Return the mean of abs(activation), steps to the right, layers upward; empty where it is to come."""
    values, layers = recording.mean_activation.T, len(recording.layers)
    reached = max(recording.last_step, 1)
    image = Image(values[::-1], (0, reached, 0.5, layers + 0.5), "viridis", 0, REACH / 2, bar=True)
    y = Axis(0.5, layers + 0.5, label="layer", counts="layer")
    return Panel((image,), TITLES["mean_activation"], _steps(recording), y)


def _steps(recording):
    return Axis(0, recording.end, label="training step", counts="step")


GUESS = {"color": INKS["purple"][0], "linestyle": "-.", "linewidth": 2.2}


@styled()
def training_losses(losses, *, x=None, xlabel="step", guess=None, levels=None, low=None, alt=None) -> Picture:
    """Return losses over the steps: `losses` is label → one number per step, or a range of (seeds, steps).

    `x` is label → the places of that curve; `guess` is the learner's, a dash-dotted level, or None;
    `levels` is label → a dotted level.
    """
    picture, (axes,) = row_of_panels(1, alt or f"loss against {xlabel}: {', '.join(losses)}", 3.0)
    for i, (label, values) in enumerate(losses.items()):
        rows = np.atleast_2d(values)
        places = np.arange(rows.shape[1]) if x is None else x[label]
        look = {"markersize": 3.5, "markevery": max(1, rows.shape[1] // 12)}
        band = rows.min(axis=0), np.median(rows, axis=0), rows.max(axis=0)
        draw_band(axes, places, *band, i, label=label, **look)
    for label, level in (levels or {}).items():
        axes.axhline(level, color=BLACK, linestyle=":", linewidth=1.2, label=label)
    if guess is not None:
        axes.axhline(guess, **GUESS, label="your guess")
    axes.set(xlabel=xlabel, ylabel="loss", ylim=(low, None))
    legend_beside(axes)
    return picture


def activation_maps(recordings, *, alt="mean of abs(activation), steps by layers") -> Picture:
    """Return heat maps of the mean of abs(activation), one per entry of `recordings` (label → Recording).

    The layers are numbered at the first, the colors at the last.
    """
    panels = []
    for place, (label, recording) in enumerate(recordings.items(), 1):
        panel = heat_panel(recording)
        image = replace(panel.marks[0], bar=place == len(recordings))
        y = panel.y if place == 1 else replace(panel.y, ticks=(), label="")
        ticks = whole_ticks(0.0, float(recording.end), 3)
        x = replace(panel.x, ticks={step: told for step, told in ticks.items() if step < recording.end})
        panels.append(Panel((image,), two_lines(label), x, y))
    rooms = np.array([left + right for left, _, right, _ in (panel.room for panel in panels)])
    widths = (WIDTH - rooms.sum()) / len(panels) + rooms
    return paint(Frame(beside(*panels, widths=widths), 290), alt)


@styled()
def update_panels(recordings, *, alt) -> Picture:
    """Return ‖ΔW‖ / ‖W‖ over the steps for a few layers, with a line at a thousandth; label → `Recording`."""
    picture, row = row_of_panels(len(recordings), alt, sharey=True)
    for axes, (label, recording) in zip(row, recordings.items(), strict=True):
        for i, layer in enumerate(evenly_picked(len(recording.layers), SHOWN)):
            values = np.where(recording.ratio[:, layer] > 0, recording.ratio[:, layer], np.nan)
            look = {"color": COLORS[i], "marker": MARKERS[i], "markersize": 3, "markevery": 3}
            axes.plot(recording.steps, values, label=f"layer {layer + 1}", linewidth=1.2, **look)
        guide = f"{HEALTHY_RATIO:g}"
        axes.axhline(HEALTHY_RATIO, color=RED, linestyle="--", linewidth=1.4, label=guide)
        axes.set(title=two_lines(label), xlabel="training step", ylim=RATIOS)
        _few_ticks(axes)
    row[0].set_ylabel("update / weights")
    legend_below(picture, row[0])
    return picture


def _few_ticks(axes):
    log_scale(axes.yaxis)
    whole_numbers(axes.xaxis, 4)


@styled()
def quantile_bands(runs, *, xlabel, ylabel, alt) -> Picture:
    """Return panels side by side, `runs` being title → (places, quantiles of shape (places, 3)).

    The line is the middle quantile, the band reaches from the lowest to the highest; the dashed line lies
    where the middle one began. All panels have the same axes.
    """
    picture, row = row_of_panels(len(runs), alt, 2.8, sharex=True, sharey=True)
    look = {"range_label": "15 to 85 %", "label": "median", "markersize": 3, "markevery": 1}
    for axes, (title, (places, quantiles)) in zip(row, runs.items(), strict=True):
        low, middle, high = np.transpose(quantiles)
        draw_band(axes, places, low, middle, high, **look)
        axes.axhline(middle[0], color=BLACK, linestyle="--", linewidth=1, label="median at the start")
        axes.set(title=title, xlabel=xlabel)
    row[0].set_ylabel(ylabel)
    legend_below(picture, row[0])
    return picture


@styled()
def skipped_blocks(alive, survival, *, shown=40, alt) -> Picture:
    """Return which blocks lived in the first passes, `alive` being (passes, blocks), and how often over all.

    The dashed line is `survival`, one probability per block.
    """
    picture, (left, right) = row_of_panels(2, alt, 2.7, width_ratios=(2, 1))
    passes, blocks = np.shape(alive)
    numbers = np.arange(1, blocks + 1)
    extent = (0.5, min(shown, passes) + 0.5, 0.5, blocks + 0.5)
    look = {"cmap": "cividis", "interpolation": "nearest"}
    left.imshow(np.transpose(alive[:shown]), origin="lower", aspect="auto", extent=extent, **look)
    left.set(title="light: the block is there, dark: skipped", xlabel="training pass", ylabel="block")
    left.grid(False)
    right.plot(numbers, np.mean(alive, axis=0), "o", color=BLUE, label=f"share of {passes} passes")
    right.plot(numbers, survival, **PREDICTED, label="survival")
    right.set(xlabel="block", ylim=(0, 1.05), xticks=numbers[:: max(1, blocks // 5)])
    right.legend(loc="lower left")
    return picture
