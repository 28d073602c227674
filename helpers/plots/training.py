"""A training run: loss, gradients and updates per layer, abs(activation) over the steps, skipped blocks.

All but the last two are drawn from a `Recording`; the panels serve the live figure as well.
"""

import numpy as np

from helpers.plots.axes import (
    fitting_limits,
    label_decades,
    legend_below,
    legend_beside,
    log10,
    log_scale,
    row_of_panels,
    two_lines,
    whole_numbers,
)
from helpers.plots.looks import COLORS as INKS
from helpers.plots.over_layers import evenly_picked
from helpers.plots.over_seeds import draw_band
from helpers.plots.style import BLACK, BLUE, COLORS, GREEN, MARKERS, ORANGE, PREDICTED, RED, Picture, styled
from helpers.signals.recording import HEALTHY_RATIO, REACH

TITLES = {"grad_W_norm": "gradient norm of W, per layer", "ratio": "update / weights, per layer"}
LOWEST, HIGHEST = 1e-12, 1e12  # gradients outside are not drawn: nothing could be trained with them
RATIOS = (1e-7, 1e-2)  # update / weights between these are drawn
SHOWN = 4  # layers drawn over time, evenly spread over the depth


class LossPanel:
    """The recorded batch's loss over the steps, with the validation accuracy of each epoch beside it."""

    def __init__(self, axes):
        self.axes, self.right = axes, axes.twinx()
        (self.loss,) = axes.plot([], [], color=BLUE, linewidth=1.5, label="loss of the recorded batch")
        (self.accuracy,) = self.right.plot(
            [], [], "s--", color=ORANGE, markersize=5, label="validation accuracy"
        )
        self.artists = [self.loss, self.accuracy]
        axes.set(xlabel="training step", ylabel="loss", ylim=(0, 2.5))
        self.right.set(ylim=(0, 1), ylabel="accuracy")
        self.right.grid(False)
        self.right.spines["right"].set_visible(True)
        axes.legend(handles=self.artists, loc="upper center", ncols=2, bbox_to_anchor=(0.5, 1.16))

    def show(self, recording):
        """Draw what there is of a `Recording`; the axis reaches to the planned end."""
        self.loss.set_data(recording.steps, recording.loss)
        self.accuracy.set_data(*recording.logged("val_accuracy"))
        self.axes.set_xlim(0, recording.end)
        finite = recording.loss[np.isfinite(recording.loss)]
        highest = finite.max() if finite.size else 1.0
        if not highest <= self.axes.get_ylim()[1] <= 4 * highest:
            self.axes.set_ylim(0, 1.3 * highest)


class LayersPanel:
    """One quantity of every layer on a log axis: the first record as a thin line, the last with markers."""

    def __init__(self, axes, quantity, guide=None):
        self.axes, self.quantity = axes, quantity
        (self.first,) = axes.plot([], [], color=BLACK, linestyle=":", linewidth=1.2, label="before training")
        (self.now,) = axes.plot([], [], "o-", color=GREEN, markersize=2.5, linewidth=1, label="now")
        self.artists = [self.first, self.now]
        axes.set(xlabel="layer", title=TITLES[quantity], ylim=(-5, -1) if guide else (-2, 3))
        label_decades(axes)
        if guide is not None:
            axes.axhline(np.log10(guide), color=RED, linestyle="--", linewidth=1.2)

    def show(self, recording):
        """Draw the first and the last record of a `Recording`."""
        values = log10(getattr(recording, self.quantity))
        layers = np.arange(1, len(recording.layers) + 1)
        for line, row in ((self.first, 0), (self.now, -1)):
            line.set_data(layers, values[row] if len(values) else np.full(len(layers), np.nan))
        self.axes.set_xlim(0.5, len(layers) + 0.5)
        ends = values[[0, -1]] if len(values) else np.empty(0)
        self.axes.set_ylim(*fitting_limits(ends.ravel(), self.axes.get_ylim(), 2.0))


class HeatPanel:
    """The mean of abs(activation): training steps to the right, layers upward."""

    def __init__(self, axes, figure):
        self.axes = axes
        self.image = axes.imshow(
            np.full((2, 2), np.nan), aspect="auto", origin="lower", cmap="viridis", vmin=0, vmax=REACH / 2
        )
        self.artists = [self.image]
        axes.set(xlabel="training step", ylabel="layer", title="mean of abs(activation)")
        axes.grid(False)
        figure.colorbar(self.image, ax=axes, pad=0.02)

    def show(self, recording):
        """Draw all records of a `Recording`; what is still to come stays white."""
        values = recording.mean_activation.T
        end, layers = recording.end, len(recording.layers)
        reached = max(recording.last_step, 1)
        self.image.set_data(values if values.size else np.full((layers, 1), np.nan))
        self.image.set_extent((0, reached if values.size else end, 0.5, layers + 0.5))
        self.axes.set(xlim=(0, end), ylim=(0.5, layers + 0.5))


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


@styled()
def activation_maps(recordings, *, alt="mean of abs(activation), steps by layers") -> Picture:
    """Return heat maps of the mean of abs(activation), one per entry of `recordings` (label → Recording)."""
    picture, row = row_of_panels(len(recordings), alt, 2.9)
    for axes, (label, recording) in zip(row, recordings.items(), strict=True):
        HeatPanel(axes, picture).show(recording)
        axes.set_title(label)
    return picture


@styled()
def gradient_panels(recordings, *, alt) -> Picture:
    """Return the gradient norm of every layer's W at the first and the last step; label → `Recording`."""
    picture, row = row_of_panels(len(recordings), alt, sharey=True)
    moments = (("first step", 0, BLACK, ":"), ("last step", -1, GREEN, "-"))
    for axes, (label, recording) in zip(row, recordings.items(), strict=True):
        layers = np.arange(1, len(recording.layers) + 1)
        for moment, record, color, line in moments:
            values = recording.grad_W_norm[record]
            drawn = np.where((values >= LOWEST) & (values <= HIGHEST), values, np.nan)
            axes.plot(layers, drawn, color=color, linestyle=line, linewidth=2, label=moment)
        axes.set(title=two_lines(label), xlabel="layer", xlim=(-2, layers[-1] + 2), ylim=(LOWEST, HIGHEST))
        _few_ticks(axes)
    row[0].set_ylabel("gradient norm of W")
    legend_below(picture, row[0])
    return picture


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
