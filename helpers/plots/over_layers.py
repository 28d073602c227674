"""What happens layer by layer: curves, small panels, the flow of signal and gradient, one path per seed."""

from dataclasses import replace

import numpy as np
from matplotlib.lines import Line2D

from helpers.plots.axes import (
    finite,
    fitting_limits,
    grid_of_panels,
    label_decades,
    legend_below,
    legend_beside,
    log10,
    log_scale,
    row_of_panels,
    whole_numbers,
)
from helpers.plots.frame import (
    Frame,
    Line,
    Panel,
    Points,
    beside,
    fitting_axis,
    fitting_log_axis,
    layer_axis,
)
from helpers.plots.paint import paint
from helpers.plots.style import COLORS, EXPECTED, GRAY, MARKERS, MEASURED, PREDICTED, SKY, Picture, styled

COLUMNS = 4
DECADES = 2.4  # a log axis shows at least so many, lest the eye take noise for a trend
FLOW = {"mean": "mean of h", "variance": "variance of h", "gradient": "gradient norm of z"}


def evenly_picked(depth, count) -> np.ndarray:
    """Return at most `count` layers, counted from 0 and evenly spread over the depth, both ends included."""
    return np.unique(np.linspace(0, depth - 1, count).round().astype(int))


def layers_panel(
    title, measured, predicted=None, *, log, smallest=None, counts="layer", label="layer"
) -> Panel:
    """Return one quantity per layer: measured dots over the predicted dashed line, on a linear or a log axis.

    `measured` and `predicted` hold one number per layer. A log axis spans two decades at least, a linear one
    `smallest` (0.2), lest the eye take noise for a trend. `counts` is what the places count.
    """
    layers = np.arange(1, len(measured) + 1)
    drawn = [measured] if predicted is None else [measured, predicted]
    y = fitting_log_axis(*drawn) if log else fitting_axis(*drawn, smallest=smallest or 0.2)
    looks = (("measured", "measured"), ("predicted", "predicted"))
    marks = [Line(layers, values, look, name) for values, (look, name) in zip(drawn, looks, strict=False)]
    return Panel(tuple(marks), title, replace(layer_axis(len(layers), label), counts=counts), y)


LOOKS = ("first", "second", "third", "fourth", "fifth")


def side_by_side(panels, *, guess=None, log=True, xlabel="layer", alt) -> Picture:
    """Return panels side by side with one axis for all, so that equal slopes look equal.

    `panels` is title → {label → one number per layer}. `guess` is title → what a learner guessed there: None,
    a number (a level line), a (layer, number) pair (a point) or a line over the layers.
    """
    curves = [values for lines in panels.values() for values in lines.values()]
    order = list(dict.fromkeys(label for lines in panels.values() for label in lines))
    guessed = {
        title: _guess_marks(value, len(next(iter(panels[title].values()))), log)
        for title, value in (guess or {}).items()
    }
    drawn = [*curves, *(mark.y for marks in guessed.values() for mark in marks)]
    y = fitting_log_axis(*drawn) if log else fitting_axis(*drawn)
    parts = []
    for title, lines in panels.items():
        depth = max(map(len, lines.values()))
        marks = [
            Line(np.arange(1, len(values) + 1), values, LOOKS[order.index(label)], label)
            for label, values in lines.items()
        ]
        marks += guessed.get(title, [])
        parts.append(Panel(tuple(marks), title, layer_axis(depth, xlabel), y))
    return paint(Frame(beside(*parts), 240), alt)


def _guess_marks(guess, depth, log):
    """A learner's guess as marks: nothing, a level line, a point, or a line over the layers."""
    if guess is None:
        return []
    kind = Points if isinstance(guess, tuple) else Line
    if isinstance(guess, tuple):
        x, y = [guess[0]], [guess[1]]
    elif np.ndim(guess) == 0:
        x, y = [1, depth], [guess, guess]
    else:
        x, y = range(1, len(guess) + 1), guess
    y = [np.nan if value is None or (log and value <= 0) else value for value in y]
    return [kind(list(x), y, "guess", "your guess")] if np.isfinite(y).any() else []


@styled()
def curves(measured, predicted=None, *, xlabel="layer", ylabel, log=True, x=None, alt=None) -> Picture:
    """Return one curve per entry of `measured` (label → one number per layer), with markers.

    `predicted` (label → numbers) draws dashed lines in the same color. `x` replaces the positions 1, 2, ….
    """
    picture, (axes,) = row_of_panels(1, alt or f"{ylabel} against {xlabel}", 3.2)
    drawable = log10 if log else finite
    for i, (label, values) in enumerate(measured.items()):
        color, places = COLORS[i % len(COLORS)], np.arange(1, len(values) + 1) if x is None else x
        marker = MARKERS[i % len(MARKERS)]
        axes.plot(places, drawable(values), color=color, marker=marker, markersize=4, label=label)
        if predicted and label in predicted:
            axes.plot(places, drawable(predicted[label]), **EXPECTED | {"color": color})
    if predicted:
        axes.plot([], [], **EXPECTED, label="predicted")
    axes.set(xlabel=xlabel, ylabel=ylabel)
    whole_numbers(axes.xaxis)
    if log:
        label_decades(axes, 6)
    legend_beside(axes)
    return picture


@styled()
def small_multiples(measured, predicted, *, ylabel, alt="gradient norm per layer, one panel each") -> Picture:
    """Return a small panel per label: dots over layers and the predicted line, all on one log axis.

    `measured` and `predicted` map the same labels to one positive number per layer.
    """
    height = 0.3 + 1.25 * -(-len(measured) // COLUMNS)
    picture, panels = grid_of_panels(len(measured), COLUMNS, alt, height, sharex=True, sharey=True)
    drawn = []
    for axes, (label, norms) in zip(panels, measured.items(), strict=True):
        layers, logs, line = np.arange(1, len(norms) + 1), np.log10(norms), np.log10(predicted[label])
        axes.plot(layers, logs, **MEASURED | {"linestyle": ""}, label="measured")
        axes.plot(layers, line, **PREDICTED, label="predicted")
        axes.set_title(label, fontsize=9, pad=2)
        drawn += [*logs, *line]
    show_decades(panels[0], drawn)
    picture.supxlabel("layer", fontsize=9)
    picture.supylabel(ylabel, fontsize=9)
    picture.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return picture


def show_decades(axes, logs) -> None:
    """Let the y axis hold these values of log10, labeled with powers of ten, `DECADES` of them in sight."""
    axes.set_ylim(*fitting_limits(np.asarray(logs, float), (0, 1e9), DECADES))
    label_decades(axes, 4)


@styled()
def flow_panels(flows, predicted, *, limits, alt) -> Picture:
    """Return mean, variance and gradient per layer: the median over the seeds, with the prediction dashed.

    `flows` is label → list of `theory.Flow`, one per seed; `predicted` has one Flow per label. `limits` is
    panel ("mean", "variance", "gradient") → (lowest, highest) drawn; a curve may leave the frame.
    """
    picture, panels = row_of_panels(len(FLOW), alt, 3.3)
    for axes, (name, title) in zip(panels, FLOW.items(), strict=True):
        for i, (label, runs) in enumerate(flows.items()):
            look = {"color": COLORS[i], "marker": MARKERS[i], "markersize": 4, "markevery": (7 + 3 * i, 20)}
            median, expected = np.median([_curve(run, name) for run in runs], axis=0), predicted[label]
            layers = np.arange(1, len(median) + 1)
            axes.plot(layers, median, label=label, linewidth=1.3, **look)
            axes.plot(layers, _curve(expected, name), **PREDICTED | {"color": COLORS[i]}, alpha=0.6)
        axes.set(title=title, xlabel="layer", ylim=limits[name])
        if name != "mean":
            log_scale(axes.yaxis)
        whole_numbers(axes.xaxis, 4)
    dashed = Line2D([], [], **PREDICTED | {"color": GRAY}, label="predicted")
    legend_below(picture, panels[0], columns=4, more=[dashed])
    return picture


def _curve(flow, name):
    return {"mean": flow.mean, "variance": flow.std**2, "gradient": flow.grad_z_norm}[name]


@styled()
def seed_paths(paths, per_layer, *, alt="log of the signal layer by layer, one line per seed") -> Picture:
    """Return one panel per label: a thin line per seed, and the predicted spread of ±2 standard deviations.

    `paths` maps a label to an array (seeds, layers) of the log of the signal's mean square, `per_layer` the
    same labels to the predicted (drift, variance) that one layer adds to it.
    """
    picture, panels = row_of_panels(len(paths), alt, 2.8, width=9.0, sharey=True)
    for axes, (label, logs) in zip(panels, paths.items(), strict=True):
        layers = np.arange(1, logs.shape[1] + 1)
        lines = axes.plot(layers, logs.T, color=SKY, linewidth=0.6)
        drift, variance = per_layer[label]
        for sign in (-2, 2):
            border = drift * layers + sign * np.sqrt(variance * layers)
            (edge,) = axes.plot(layers, border, **PREDICTED)
        axes.set(title=label, xlabel="layer")
    panels[0].set_ylabel("ln of the mean square of h")
    labels = ["one seed, measured", "predicted, ±2 standard deviations"]
    panels[0].legend([lines[0], edge], labels, loc="lower left")
    return picture
