"""Pictures of lesson 08's NumPy networks: a hundred layers at the start, and while they train."""

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from helpers.plots.panels import power_of_ten
from helpers.plots.style import BLACK, COLOURS, GREEN, MARKERS, PREDICTED, RED, Picture, styled
from helpers.signals.recording import HEALTHY_RATIO

TEXT = {
    "mean": "mean of h",
    "variance": "variance of h",
    "gradient": "gradient norm of z",
    "gradient_W": "gradient norm of W",
    "ratio": "update / weights",
    "layer": "layer",
    "step": "training step",
    "first": "first step",
    "last": "last step",
    "predicted": "predicted",
    "healthy": f"{HEALTHY_RATIO:g}",
}
LOWEST, HIGHEST = 1e-12, 1e12  # gradients outside are not drawn: nothing could be trained with them
RATIOS = (-7, -2)  # decades of update / weights that are drawn
SHOWN = 4  # layers drawn over time, evenly spread over the depth


@styled()
def flow_panels(flows, predicted, *, limits, alt) -> Picture:
    """Return mean, variance and gradient per layer: the median over the seeds, with the prediction dashed.

    `flows` is label → list of `helpers.signals.flow.Flow`, one per seed; `predicted` has one Flow per label.
    `limits` is panel ("mean", "variance", "gradient") → (lowest, highest) drawn; a curve may leave the frame.
    """
    picture = Picture((9.6, 3.3), alt, layout="constrained")
    axes = dict(zip(("mean", "variance", "gradient"), picture.subplots(1, 3), strict=True))
    for i, (label, runs) in enumerate(flows.items()):
        look = {"color": COLOURS[i], "marker": MARKERS[i], "markersize": 4, "markevery": (7 + 3 * i, 20)}
        medians = {name: np.median([_curve(run, name) for run in runs], axis=0) for name in axes}
        for name, place in axes.items():
            layers = np.arange(1, len(medians[name]) + 1)
            place.plot(layers, medians[name], label=label, linewidth=1.3, **look)
            place.plot(layers, _curve(predicted[label], name), **PREDICTED | {"color": COLOURS[i]}, alpha=0.6)
    for name, place in axes.items():
        place.set(title=TEXT[name], xlabel=TEXT["layer"], ylim=limits[name])
    for name in ("variance", "gradient"):
        _log_scale(axes[name])
    handles, labels = axes["mean"].get_legend_handles_labels()
    (dashed,) = axes["mean"].plot([], [], **PREDICTED | {"color": "#666666"})
    picture.legend([*handles, dashed], [*labels, TEXT["predicted"]], loc="outside lower center", ncols=4)
    return picture


@styled()
def gradient_panels(recordings, *, alt) -> Picture:
    """Return the gradient norm of every layer's W at the first and the last step; label → `Recording`."""
    picture, row = _row(recordings, alt)
    for axes, (label, recording) in zip(row, recordings.items(), strict=True):
        layers = np.arange(1, len(recording.layers) + 1)
        for place, look in ((0, {"color": BLACK, "linestyle": ":"}), (-1, {"color": GREEN})):
            values = recording.gradient[place]
            drawn = np.where((values >= LOWEST) & (values <= HIGHEST), values, np.nan)
            axes.plot(layers, drawn, linewidth=2, label=TEXT["last" if place else "first"], **look)
        axes.set(
            title=_two_lines(label), xlabel=TEXT["layer"], ylim=(LOWEST, HIGHEST), xlim=(-2, layers[-1] + 2)
        )
        _log_scale(axes)
    row[0].set_ylabel(TEXT["gradient_W"])
    picture.legend(*row[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return picture


@styled()
def update_panels(recordings, *, alt) -> Picture:
    """Return ‖ΔW‖ / ‖W‖ over the steps for a few layers, with a line at a thousandth; label → `Recording`."""
    picture, row = _row(recordings, alt)
    for axes, (label, recording) in zip(row, recordings.items(), strict=True):
        layers = np.unique(np.linspace(0, len(recording.layers) - 1, SHOWN).round().astype(int))
        for i, layer in enumerate(layers):
            values = np.where(recording.ratio[:, layer] > 0, recording.ratio[:, layer], np.nan)
            look = {"color": COLOURS[i], "marker": MARKERS[i], "markersize": 3, "markevery": 3}
            axes.plot(recording.steps, values, label=f"{TEXT['layer']} {layer + 1}", linewidth=1.2, **look)
        axes.axhline(HEALTHY_RATIO, color=RED, linestyle="--", linewidth=1.4, label=TEXT["healthy"])
        axes.set(title=_two_lines(label), xlabel=TEXT["step"])
        axes.set_ylim(*(10.0**end for end in RATIOS))
        _log_scale(axes)
    row[0].set_ylabel(TEXT["ratio"])
    handles, labels = row[0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return picture


def _curve(flow, name):
    return {"mean": flow.mean, "variance": flow.std**2, "gradient": flow.grad_z_norm}[name]


def _row(recordings, alt):
    picture = Picture((9.6, 3.0), alt, layout="constrained")
    return picture, picture.subplots(1, len(recordings), sharey=True, squeeze=False)[0]


def _two_lines(label):
    """A network's name over two lines, for a narrow panel: "ReLU + He + batch norm" breaks at its first +."""
    return label.replace(" + ", "\n", 1)


def _log_scale(axes):
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(np.log10(value))))
    axes.yaxis.minorticks_off()
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
