"""What a `Recording` shows: gradients and updates per layer, abs(activation) over the run; still or live."""

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from helpers.plots.panels import fitting_limits, power_of_ten
from helpers.plots.style import BLACK, BLUE, GREEN, ORANGE, RED, Picture, styled
from helpers.signals.recording import HEALTHY_RATIO, REACH

TEXT = {
    "loss": "loss of the recorded batch",
    "grad_W_norm": "gradient norm of W, per layer",
    "ratio": "update / weights, per layer",
    "activation": "mean of abs(activation)",
    "first": "before training",
    "now": "now",
    "healthy": f"{HEALTHY_RATIO:g}",
    "validation": "validation accuracy",
    "step": "training step",
    "layer": "layer",
}
SHOWN = 5  # layers drawn as curves over time, evenly spread over the depth


class LossPanel:
    """The recorded batch's loss over the steps, with the validation accuracy of each epoch beside it."""

    def __init__(self, axes):
        self.axes, self.right = axes, axes.twinx()
        (self.loss,) = axes.plot([], [], color=BLUE, linewidth=1.5, label=TEXT["loss"])
        (self.accuracy,) = self.right.plot(
            [], [], "s--", color=ORANGE, markersize=5, label=TEXT["validation"]
        )
        self.artists = [self.loss, self.accuracy]
        axes.set(xlabel=TEXT["step"], ylabel="loss", ylim=(0, 2.5))
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
        (self.first,) = axes.plot([], [], color=BLACK, linestyle=":", linewidth=1.2, label=TEXT["first"])
        (self.now,) = axes.plot([], [], "o-", color=GREEN, markersize=2.5, linewidth=1, label=TEXT["now"])
        self.artists = [self.first, self.now]
        axes.set(xlabel=TEXT["layer"], title=TEXT[quantity], ylim=(-5, -1) if guide else (-2, 3))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
        if guide is not None:
            axes.axhline(np.log10(guide), color=RED, linestyle="--", linewidth=1.2)

    def show(self, recording):
        """Draw the first and the last record of a `Recording`."""
        values = _log10(getattr(recording, self.quantity))
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
        axes.set(xlabel=TEXT["step"], ylabel=TEXT["layer"], title=TEXT["activation"])
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


@styled()
def update_ratios(recording, *, alt="update to weight ratio over the run, a few layers") -> Picture:
    """Return ‖ΔW‖ / ‖W‖ over the steps for a few layers, with a dashed line at a thousandth."""
    return _over_time(recording, "ratio", alt, guide=HEALTHY_RATIO)


@styled()
def gradient_norms(recording, *, alt="gradient norms over the run, a few layers") -> Picture:
    """Return the norm of the gradient of W over the steps for a few layers."""
    return _over_time(recording, "grad_W_norm", alt)


@styled()
def activation_maps(recordings, *, alt="mean of abs(activation), steps by layers") -> Picture:
    """Return heat maps of the mean of abs(activation), one per entry of `recordings` (label → Recording)."""
    picture = Picture((9.6, 2.9), alt, layout="constrained")
    axes = picture.subplots(1, len(recordings), squeeze=False)[0]
    for place, (label, recording) in zip(axes, recordings.items(), strict=True):
        HeatPanel(place, picture).show(recording)
        place.set_title(label)
    return picture


@styled()
def layers_before_and_after(recordings, quantity="grad_W_norm", *, alt=None) -> Picture:
    """Return a quantity of every layer before and after training, one panel per entry of `recordings`."""
    alt = alt or f"{TEXT[quantity]}, before and after training"
    picture = Picture((9.6, 2.9), alt, layout="constrained")
    axes = picture.subplots(1, len(recordings), squeeze=False, sharey=True)[0]
    guide = HEALTHY_RATIO if quantity == "ratio" else None
    panels = [LayersPanel(place, quantity, guide) for place in axes]
    for panel, (label, recording) in zip(panels, recordings.items(), strict=True):
        panel.show(recording)
        panel.axes.set_title(label)
    ends = np.concatenate([_log10(getattr(r, quantity)[[0, -1]]).ravel() for r in recordings.values()])
    if np.isfinite(ends).any():
        axes[0].set_ylim(*fitting_limits(ends, (0, 0), 2.0))
    axes[0].set_ylabel(TEXT[quantity].partition(",")[0])
    axes[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture


def _over_time(recording, quantity, alt, guide=None):
    picture = Picture((9.6, 3.0), alt, layout="constrained")
    axes, values = picture.subplots(), _log10(getattr(recording, quantity))
    shown = np.unique(np.linspace(0, len(recording.layers) - 1, SHOWN).round().astype(int))
    for place, layer in enumerate(shown):
        colour = _shade(place, len(shown))
        axes.plot(recording.steps, values[:, layer], "o^sDv"[place], linestyle="-", color=colour,
                  markersize=3, label=f"layer {layer + 1}")  # fmt: skip
    if guide is not None:
        axes.axhline(np.log10(guide), color=RED, linestyle="--", linewidth=1.2, label=TEXT["healthy"])
    drawn = values[:, shown]
    decades = (np.floor(np.nanmin(drawn)), np.ceil(np.nanmax(drawn))) if np.isfinite(drawn).any() else (-5, 0)
    axes.set(xlabel=TEXT["step"], ylabel=TEXT[quantity].partition(",")[0], ylim=decades)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture


def _shade(place, count):
    """A colour from dark to light blue-green: the order of the layers."""
    from matplotlib import colormaps

    return colormaps["viridis"](0.9 * place / max(count - 1, 1))


def _log10(values):
    with np.errstate(all="ignore"):
        logs = np.log10(values)
    return np.where(np.isfinite(logs), logs, np.nan)
