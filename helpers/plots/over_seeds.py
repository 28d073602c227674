"""Results over several seeds: median and range, one dot per seed, paired differences.

A line is the median over the seeds, and the band around it reaches from the smallest to the largest.
"""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from helpers.numerics.over_seeds import spread
from helpers.plots.axes import (
    finite,
    label_decades,
    legend_below,
    legend_beside,
    log10,
    log_scale,
    number_in_words,
    row_of_panels,
    whole_numbers,
)
from helpers.plots.over_layers import show_decades
from helpers.plots.style import (
    BLACK,
    BLUE,
    COLORS,
    EXPECTED,
    GRAY,
    GREEN,
    LINES,
    MARKERS,
    MEASURED,
    PREDICTED,
    RED,
    Picture,
    styled,
)

BAND = {"alpha": 0.18, "linewidth": 0}
MARKED = 10  # about so many markers on a line, however many points it has
ERRORS = 2  # standard errors that a whisker reaches to each side
CHANCE = 0.1  # accuracy of guessing among ten classes
RECIPES = {
    "reference": "the reference",
    "other_training": "other training",
    "and_orthogonal": "and orthogonal weights",
    "ours": "and longer",
}
LOTTERY = {
    "signal": "signal: log10 of std, layer 100",
    "gradient": "gradient: log10 of norm, layer 1",
    "accuracy": "validation accuracy after training",
}


def draw_seeds(axes, x, values, i=0, **look) -> None:
    """Draw median and range over the seeds, `values` being (seeds, points), as the `i`-th curve of `axes`.

    Color, line style and marker tell the curves apart; `look` replaces what Matplotlib's `plot` is given.
    """
    draw_band(axes, x, *spread(values), i, **look)


def draw_band(axes, x, low, middle, high, i=0, *, range_label=None, **look) -> None:
    """Draw a line in its band, in the look of the `i`-th curve; `range_label` is the band's in a legend."""
    number = i % len(COLORS)
    color, every = look.pop("color", COLORS[number]), max(1, len(middle) // MARKED)
    axes.fill_between(x, low, high, color=color, label=range_label, **BAND)
    usual = {"linestyle": LINES[number], "marker": MARKERS[number], "markersize": 4, "markevery": every}
    axes.plot(x, middle, color=color, **usual | look)


def draw_dots(axes, runs) -> None:
    """Draw one dot per seed and a bar at the median for each of `runs` (label → numbers), side by side."""
    for i, values in enumerate(runs.values()):
        values = finite(values)
        values = values[np.isfinite(values)]
        places = i + np.linspace(-0.16, 0.16, len(values))
        axes.plot(places, values, color=COLORS[i], marker=MARKERS[i], linestyle="none", markersize=5)
        axes.plot([i - 0.3, i + 0.3], [np.median(values)] * 2, color=BLACK, linewidth=1.5)
    axes.set_xticks(range(len(runs)), [label.replace(" + ", "\n+ ") for label in runs])
    axes.set_xlim(-0.6, len(runs) - 0.4)


@styled()
def seed_curves(runs, *, xlabel, ylabel, log=False, x=None, alt=None) -> Picture:
    """Return median and range over seeds: `runs` maps a label to an array of shape (seeds, points)."""
    picture, (axes,) = row_of_panels(1, alt or f"{ylabel} against {xlabel}, median and range over seeds", 3.2)
    for i, (label, values) in enumerate(runs.items()):
        places = np.arange(1, np.shape(values)[1] + 1) if x is None else x
        draw_seeds(axes, places, (log10 if log else finite)(values), i, label=label, linewidth=2)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    whole_numbers(axes.xaxis)
    if log:
        label_decades(axes, 6)
    legend_beside(axes)
    return picture


@styled()
def seed_panels(panels, predicted=None, *, xlabel, alt, first=1) -> Picture:
    """Return panels side by side, `panels` being title → {label → array (seeds, points)}, on log axes.

    `predicted` (label → one number per point) is drawn dashed. Points are numbered from `first`; one legend
    serves all panels.
    """
    picture, row = row_of_panels(len(panels), alt, 3.2)
    order = list(next(iter(panels.values())))
    for axes, (title, runs) in zip(row, panels.items(), strict=True):
        for label, values in runs.items():
            i, places = order.index(label), first + np.arange(values.shape[1])
            draw_seeds(axes, places, values, i, label=label, linestyle="-")
            if predicted:
                axes.plot(places, predicted[label], **EXPECTED | {"color": COLORS[i]})
        axes.set(title=title, xlabel=xlabel)
        log_scale(axes.yaxis)
        whole_numbers(axes.xaxis)
    legend_below(picture, row[0], more=[Line2D([], [], **EXPECTED, label="predicted")] if predicted else [])
    return picture


@styled()
def seed_bands(panels, x, *, xlabel, alt, log=(), log_x=False, mark=None) -> Picture:
    """Return panels side by side, `panels` being title → {label → array (seeds, points)}, over `x`.

    `log` names the panels with a log axis; `mark` is a place on x marked by a dotted line.
    """
    picture, row = row_of_panels(len(panels), alt, 2.9)
    for axes, (title, runs) in zip(row, panels.items(), strict=True):
        for i, (label, values) in enumerate(runs.items()):
            draw_seeds(axes, x, values, i, label=label, markersize=3, markevery=1)
        if mark is not None:
            axes.axvline(mark, color=BLACK, linestyle=":", linewidth=1)
        axes.set(title=title, xlabel=xlabel)
        if log_x:
            log_scale(axes.xaxis)
        if title in log:
            log_scale(axes.yaxis)
    legend_below(picture, row[0])
    return picture


@styled()
def seeds_against(panels, *, xlabels, ylabel, alt, height=3.0) -> Picture:
    """Return median and range over seeds against a quantity on a log axis.

    `panels` is title → {label → {place → one number per seed}}, with one of `xlabels` for each; all labels
    of a panel share its places. nan is left out, so that a median of runs that diverged is not drawn.
    """
    picture, row = row_of_panels(len(panels), alt, height)
    for axes, (title, runs), xlabel in zip(row, panels.items(), xlabels, strict=True):
        for i, (label, by_place) in enumerate(runs.items()):
            draw_seeds(axes, list(by_place), np.transpose(list(by_place.values())), i, label=label)
        places = list(next(iter(runs.values())))
        axes.set(title=title, xlabel=xlabel, xscale="log")
        axes.set_xticks(places, [f"{place:g}" for place in places])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number_in_words(value)))
    row[0].set_ylabel(ylabel)
    legend_below(picture, row[0])
    return picture


@styled()
def by_batch_size(sizes, runs, references, *, ylabel, alt) -> Picture:
    """Return label → (seeds, sizes) against the batch size on a log axis; `references` are dotted levels."""
    picture, (axes,) = row_of_panels(1, alt, 3.2)
    for i, (label, values) in enumerate(runs.items()):
        draw_seeds(axes, np.log2(sizes), values, i, label=f"{label}: {ended(values)}")
    for label, level in references.items():
        axes.axhline(level, color=GRAY, linestyle=":", linewidth=1.6, label=f"{label}: {level:.2f}")
    axes.set_xticks(np.log2(sizes), [str(size) for size in sizes])
    axes.set(xlabel="batch size", ylabel=ylabel, ylim=(0, 1))
    legend_beside(axes)
    return picture


def ended(values) -> str:
    """Return where runs (seeds, places) ended: median, and in brackets the smallest and the largest."""
    low, middle, high = spread(np.asarray(values)[:, -1])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


@styled()
def ratio_by_depth(depths, measured, predicted, *, alt="gradient ratio against depth") -> Picture:
    """Return the ratio first / last layer against depth: median, bar from low to high, prediction.

    `measured` maps a label to an array (seeds, depths), `predicted` the same labels to (depths,). Each label
    has its own panel and scale.
    """
    picture, row = row_of_panels(len(measured), alt)
    for axes, (label, ratios) in zip(row, measured.items(), strict=True):
        (low, middle, high), line = spread(np.log10(ratios)), np.log10(predicted[label])
        bars, dots = [middle - low, high - middle], MEASURED | {"linestyle": ""}
        axes.errorbar(depths, middle, bars, **dots, capsize=4, label="median and range")
        axes.plot(depths, line, **PREDICTED, label="predicted")
        axes.set(title=label, xlabel="depth")
        show_decades(axes, [*low, *high, *line])
    row[0].set_ylabel("gradient norm, first / last layer")
    row[0].legend(loc="upper right")
    return picture


@styled()
def seed_dots(groups, *, ylabel, alt) -> Picture:
    """Return one dot per seed and a bar at the median; `groups` is title → {label → numbers}."""
    picture, row = row_of_panels(len(groups), alt, 2.8, sharey=True)
    for axes, (title, runs) in zip(row, groups.items(), strict=True):
        draw_dots(axes, runs)
        axes.set_title(title)
    row[0].set_ylabel(ylabel)
    return picture


@styled()
def against_testing(panels, *, alt) -> Picture:
    """Return the mean over all masks against the testing output, and the line on which both are equal.

    `panels` is title → (means (networks,), testing outputs (networks,)), one point per network.
    """
    picture, row = row_of_panels(len(panels), alt, 3.1, sharex=True, sharey=True)
    for axes, (title, (means, testing)) in zip(row, panels.items(), strict=True):
        axes.plot(testing, means, "o", color=BLUE, markersize=4, label="one random network, one image")
        axes.axline((0, 0), slope=1, **PREDICTED, label="both equal")
        axes.set(title=title, xlabel="output in testing")
    row[0].set_ylabel("mean over all masks")
    legend_below(picture, row[0])
    return picture


@styled()
def paired_differences(series, *, xlabel, alt) -> Picture:
    """Return paired differences, a row for each method: every seed, the mean, and 2 standard errors each way.

    `series` maps a label to {method → differences (seeds,)}; all have the same methods, drawn from the top.
    """
    names = list(next(iter(series.values())))
    picture, (axes,) = row_of_panels(1, alt, 1.0 + 0.3 * len(names))
    step = 0.8 / len(series)
    for k, (label, methods) in enumerate(series.items()):
        middle, color = (k - (len(series) - 1) / 2) * step, (BLUE, RED, GREEN)[k % 3]
        means = np.array([np.mean(methods[name]) for name in names])
        reach = ERRORS * np.array([standard_error(methods[name]) for name in names])
        places = np.arange(len(names)) + middle
        for place, name in zip(places, names, strict=True):
            axes.plot(methods[name], np.full(len(methods[name]), place), "|", color=color, alpha=0.45)
        whiskers = {"capsize": 3, "markersize": 5, "linestyle": "", "label": label}
        axes.errorbar(means, places, xerr=reach, fmt=MARKERS[k], color=color, **whiskers)
    axes.axvline(0, color=BLACK, linewidth=1)
    axes.set(yticks=np.arange(len(names)), yticklabels=names, xlabel=xlabel)
    axes.set_ylim(len(names) - 0.5, -0.5)
    legend_beside(axes)
    return picture


def standard_error(values) -> float:
    """Return the standard error of a mean: the sample's standard deviation over √n."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


@styled()
def validation_curves(result, *, alt="validation accuracy by epoch, reference and ours") -> Picture:
    """Return a panel per step of `results.load("depth")`: each seed's curve, the median, and the range.

    The published end of the reference is drawn across. Epochs of two recipes take different time: the
    panels stand side by side, not one over the other.
    """
    runs = {name: result[name] for name in RECIPES if name in result}
    picture, row = row_of_panels(len(runs), alt, 3.2, sharey=True)
    for i, (axes, (name, run)) in enumerate(zip(row, runs.items(), strict=True)):
        values = np.asarray(run.val_accuracy)
        axes.plot(run.epochs, values.T, color=COLORS[i], linewidth=0.8, alpha=0.6)
        draw_seeds(axes, run.epochs, values, i, linestyle="-", linewidth=2, markersize=6, markevery=1)
        axes.axhline(result.published.val_accuracy, color=BLACK, linestyle="--", label="published, 0.739")
        axes.set(title=RECIPES[name], xlabel="epoch")
        whole_numbers(axes.xaxis)
    row[0].set_ylabel("validation accuracy")
    row[0].legend(loc="lower right")
    return picture


@styled()
def rival_accuracies(result, *, alt="validation accuracy of five networks of the same depth") -> Picture:
    """Return one dot per seed and a bar at the median for each network of `results.load("depth_rivals")`."""
    picture, (axes,) = row_of_panels(1, alt, 2.8)
    draw_dots(axes, {name: result.rivals[name].val_accuracy[:, -1] for name in result.rivals})
    axes.axhline(CHANCE, color=BLACK, linestyle=":", label="chance")
    axes.set(ylabel="validation accuracy", ylim=(0, 1))
    axes.legend(loc="center right")
    return picture


@styled()
def lottery_strip(result, *, alt="signal, gradient and accuracy over seeds, ReLU and SELU") -> Picture:
    """Return three panels of dots, one per seed of `results.load("depth_lottery")`: signal and gradient at
    the start, and the accuracy of the seeds that were trained."""
    picture, row = row_of_panels(len(LOTTERY), alt)
    for axes, (name, ylabel) in zip(row, LOTTERY.items(), strict=True):
        draw_dots(axes, {network: result.networks[network][name] for network in result.networks})
        axes.set_ylabel(ylabel)
    return picture
