"""Pictures of the stored long runs of lesson 08: the reference beside ours, the rivals, the lottery."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from helpers.plots.style import BLACK, COLOURS, LINES, MARKERS, Picture, styled

CHANCE = 0.1  # accuracy of guessing among ten classes
NAMES = {"reference": "reference", "ours": "ours", "ours_with_lecun": "ours, LeCun normal weights"}

TEXT = {
    "epoch": "epoch",
    "share": "share of the training time",
    "accuracy": "validation accuracy",
    "published": "published, 0.739",
    "chance": "chance",
    "signal": "signal: log10 of std, layer 100",
    "gradient": "gradient: log10 of norm, layer 1",
    "trained": "validation accuracy after training",
}


@styled()
def validation_curves(result, *, alt="validation accuracy by epoch, reference and ours") -> Picture:
    """Return a panel per recipe of `results.load("depth")`: each seed's curve, the median, and the range.

    The published end of the reference is drawn across. Epochs of the two recipes take different time: the
    panels stand side by side, not one over the other.
    """
    runs = {name: result[name] for name in NAMES if name in result}
    picture = Picture((9.6, 3.2), alt, layout="constrained")
    panels = picture.subplots(1, len(runs), sharey=True, squeeze=False)[0]
    for i, (axes, (name, run)) in enumerate(zip(panels, runs.items(), strict=True)):
        values = np.asarray(run.val_accuracy)
        axes.fill_between(run.epochs, values.min(0), values.max(0), color=COLOURS[i], alpha=0.15, linewidth=0)
        axes.plot(run.epochs, values.T, color=COLOURS[i], linewidth=0.8, alpha=0.6)
        axes.plot(run.epochs, np.median(values, axis=0), color=COLOURS[i], marker=MARKERS[i], linewidth=2)
        axes.axhline(result.published.val_accuracy, color=BLACK, linestyle="--", label=TEXT["published"])
        axes.set(title=NAMES[name], xlabel=TEXT["epoch"])
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    panels[0].set_ylabel(TEXT["accuracy"])
    panels[0].legend(loc="lower right")
    return picture


@styled()
def rival_accuracies(result, *, alt="validation accuracy of five networks of the same depth") -> Picture:
    """Return one dot per seed and a bar at the median for each network of `results.load("depth_rivals")`."""
    picture = Picture((9.6, 2.8), alt, layout="constrained")
    axes = picture.subplots()
    for i, run in enumerate(result.rivals[name] for name in result.rivals):
        _strip(axes, i, np.asarray(run.val_accuracy)[:, -1])
    _finish(axes, list(result.rivals), TEXT["accuracy"])
    axes.axhline(CHANCE, color=BLACK, linestyle=":", label=TEXT["chance"])
    axes.legend(loc="center right")
    axes.set_ylim(0, 1)
    return picture


@styled()
def lottery_strip(result, *, alt="signal, gradient and accuracy over seeds, ReLU and SELU") -> Picture:
    """Return three panels of dots, one per seed of `results.load("depth_lottery")`: signal and gradient at
    the start, and the accuracy of the seeds that were trained."""
    picture = Picture((9.6, 3), alt, layout="constrained")
    panels = zip(picture.subplots(1, 3), ("signal", "gradient", "accuracy"), strict=True)
    for axes, name in panels:
        for i, network in enumerate(result.networks):
            _strip(axes, i, np.asarray(result.networks[network][name]))
        _finish(axes, list(result.networks), TEXT["trained" if name == "accuracy" else name])
    return picture


def gradient_rows(result, when="gradients_before") -> dict:
    """Return, per network of `results.load("depth_rivals")`, log10 of its gradient norms as an array with
    three rows: the smallest, the median and the largest over the seeds, layer by layer."""
    rows = ("smallest", "median", "largest")
    return {
        name: np.array([run[when][row] for row in rows])
        for name, run in ((name, result.rivals[name]) for name in result.rivals)
    }


@styled()
def rival_gradients(result, *, alt="gradient norm per layer at the start, five networks") -> Picture:
    """Return log10 of the gradient norm of z per layer at the start: medians over the seeds, and ranges."""
    picture = Picture((9.6, 3.2), alt, layout="constrained")
    axes = picture.subplots()
    for i, (name, (low, middle, high)) in enumerate(gradient_rows(result).items()):
        layers = np.arange(1, len(middle) + 1)
        axes.fill_between(layers, low, high, color=COLOURS[i], alpha=0.18, linewidth=0)
        axes.plot(layers, middle, color=COLOURS[i], linestyle=LINES[i], label=name)
    axes.set(xlabel="layer", ylabel="log10 of the gradient norm")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture


def _strip(axes, i, values):
    values = values[np.isfinite(values)]
    places = i + np.linspace(-0.18, 0.18, len(values))
    axes.plot(places, values, color=COLOURS[i], marker=MARKERS[i], linestyle="none", markersize=5)
    axes.plot([i - 0.3, i + 0.3], [np.median(values)] * 2, color=BLACK, linewidth=1.5)


def _finish(axes, names, ylabel):
    axes.set_xticks(range(len(names)), [name.replace(" + ", "\n+ ") for name in names])
    axes.set(ylabel=ylabel, xlim=(-0.6, len(names) - 0.4))
