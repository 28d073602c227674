"""Pictures of lesson 10: galleries of changed images, pooling regions, skipped blocks, paired differences."""

import numpy as np

from helpers.plots.style import BLACK, BLUE, GREEN, MARKERS, ORANGE, PREDICTED, RED, SKY, Picture, styled

ERRORS = 2  # standard errors that a whisker reaches to each side
JITTER = 0.09  # of a row, between one seed's dot and the next


@styled()
def gallery(rows, *, alt, captions=None, side=0.95) -> Picture:
    """Return rows of images on one gray scale from 0 to 1, `rows` being label → images (k, height, width).

    `captions` may hold label → k texts, which stand below the images of that row.
    """
    columns, captions = max(len(images) for images in rows.values()), captions or {}
    height = side * len(rows) + 0.2 * len(captions) + 0.1
    picture = Picture((min(9.6, 1.4 + side * columns), height), alt, layout="constrained")
    grid = picture.subplots(len(rows), columns, squeeze=False)
    for line, (label, images) in zip(grid, rows.items(), strict=True):
        for ax in line[len(images) :]:
            ax.set_visible(False)
        for ax, image in zip(line, images, strict=False):
            _show(ax, image)
        for ax, text in zip(line, captions.get(label, ()), strict=False):
            ax.set_xlabel(text, fontsize=7)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
    return picture


@styled()
def pooling(image, draws, *, alt) -> Picture:
    """Return an image with the borders of pooling regions over it, and beside it what pooling leaves.

    `draws` maps a title to (borders of the rows, borders of the columns, pooled image).
    """
    picture = Picture((4.4 * len(draws), 2.5), alt, layout="constrained")
    axes = picture.subplots(1, 2 * len(draws), squeeze=False)[0]
    for k, (title, (rows, columns, pooled)) in enumerate(draws.items()):
        left, right = axes[2 * k : 2 * k + 2]
        _show(left, image)
        for border in rows:
            left.axhline(border - 0.5, color=ORANGE, linewidth=0.8)
        for border in columns:
            left.axvline(border - 0.5, color=ORANGE, linewidth=0.8)
        _show(right, pooled)
        left.set_title(title)
        right.set_title(f"pooled: {pooled.shape[0]} × {pooled.shape[1]}")
    return picture


@styled()
def skipped_blocks(alive, survival, *, shown=40, alt) -> Picture:
    """Return which blocks lived in the first passes, `alive` being (passes, blocks), and how often over all.

    The dashed line is `survival`, one probability per block.
    """
    picture = Picture((9.6, 2.7), alt, layout="constrained")
    left, right = picture.subplots(1, 2, width_ratios=(2, 1))
    passes, blocks = np.shape(alive)
    numbers = np.arange(1, blocks + 1)
    left.imshow(
        np.transpose(alive[:shown]),
        cmap="cividis",
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=(0.5, min(shown, passes) + 0.5, 0.5, blocks + 0.5),
    )
    left.set(title="light: the block is there, dark: skipped", xlabel="training pass", ylabel="block")
    left.grid(False)
    right.plot(numbers, np.mean(alive, axis=0), "o", color=BLUE, label=f"share of {passes} passes")
    right.plot(numbers, survival, **PREDICTED, label="survival")
    right.set(xlabel="block", ylim=(0, 1.05), xticks=numbers[:: max(1, blocks // 5)])
    right.legend(loc="lower left")
    return picture


@styled()
def differences(series, *, xlabel, alt) -> Picture:
    """Return paired differences, a row for each method: every seed, the mean, and 2 standard errors each way.

    `series` maps a label to {method → differences (seeds,)}; all have the same methods, drawn from the top.
    """
    names = list(next(iter(series.values())))
    picture = Picture((9.6, 1.0 + 0.3 * len(names)), alt, layout="constrained")
    axes, step = picture.subplots(), 0.8 / len(series)
    for k, (label, methods) in enumerate(series.items()):
        middle, colour = (k - (len(series) - 1) / 2) * step, (BLUE, RED, GREEN)[k % 3]
        means = np.array([np.mean(methods[name]) for name in names])
        reach = ERRORS * np.array([standard_error(methods[name]) for name in names])
        places = np.arange(len(names)) + middle
        for place, name in zip(places, names, strict=True):
            axes.plot(methods[name], np.full(len(methods[name]), place), "|", color=colour, alpha=0.45)
        whiskers = {"capsize": 3, "markersize": 5, "linestyle": "", "label": label}
        axes.errorbar(means, places, xerr=reach, fmt=MARKERS[k], color=colour, **whiskers)
    axes.axvline(0, color=BLACK, linewidth=1)
    axes.set(yticks=np.arange(len(names)), yticklabels=names, xlabel=xlabel)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture


@styled()
def mirror_scores(scores, *, alt) -> Picture:
    """Return how often original and mirrored images are told apart, `scores` being class → share right."""
    picture = Picture((9.6, 2.4), alt, layout="constrained")
    axes = picture.subplots()
    bars = axes.bar(list(scores), np.array(list(scores.values())), color=SKY, edgecolor=BLACK, linewidth=0.5)
    axes.bar_label(bars, fmt="{:.0%}", fontsize=8)
    axes.axhline(0.5, **PREDICTED, label="guessing")
    axes.set(ylim=(0, 1.12), ylabel="told apart")
    axes.tick_params(axis="x", labelsize=7.5)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture


def standard_error(values) -> float:
    """Return the standard error of a mean: the sample's standard deviation over √n."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def _show(axes, image):
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
