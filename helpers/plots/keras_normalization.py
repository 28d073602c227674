"""Still pictures of lesson 07: training runs over several seeds, each legend telling where the runs ended."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from helpers.plots.style import COLOURS, LINES, MARKERS, Picture, styled


@styled()
def training_panels(panels, *, xlabels, ylabel, alt) -> Picture:
    """Return panels side by side, `panels` being title → {label → (places, array (seeds, places))}.

    Lines are medians over the seeds, bands reach from the smallest to the largest. Beneath each panel stands
    where its runs ended: median, smallest and largest. `xlabels` has one text per panel.
    """
    picture = Picture((9.6, 3.8), alt, layout="constrained")
    row = picture.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (title, runs), xlabel in zip(row, panels.items(), xlabels, strict=True):
        for i, (label, (places, values)) in enumerate(runs.items()):
            _median_and_range(axes, np.asarray(places), np.asarray(values), i, label)
        axes.set(title=title, xlabel=xlabel, ylim=(0, 1))
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17))
    for axes, xlabel in zip(row, xlabels, strict=True):
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer="epoch" in xlabel))
    row[0].set_ylabel(ylabel)
    return picture


def ended(values) -> str:
    """Return where runs (seeds, places) ended: median, and in brackets the smallest and the largest."""
    last = np.asarray(values)[:, -1]
    return f"{np.median(last):.2f} ({last.min():.2f} to {last.max():.2f})"


@styled()
def by_batch_size(sizes, runs, references, *, ylabel, alt) -> Picture:
    """Return label → (seeds, sizes) against the batch size on a log axis; `references` are dotted levels."""
    picture = Picture((9.6, 3.2), alt, layout="constrained")
    axes = picture.subplots()
    for i, (label, values) in enumerate(runs.items()):
        _median_and_range(axes, np.log2(sizes), np.asarray(values), i, label)
    for label, level in references.items():
        axes.axhline(level, color="#666666", linestyle=":", linewidth=1.6, label=f"{label}: {level:.2f}")
    axes.set_xticks(np.log2(sizes), [str(size) for size in sizes])
    axes.set(xlabel="batch size", ylabel=ylabel, ylim=(0, 1))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture


def _median_and_range(axes, places, values, i, label):
    colour, look = COLOURS[i], {"marker": MARKERS[i], "markersize": 4, "linestyle": LINES[i]}
    axes.fill_between(places, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.18, linewidth=0)
    axes.plot(places, np.median(values, axis=0), color=colour, label=f"{label}: {ended(values)}", **look)
