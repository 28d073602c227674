"""Still pictures of lesson 05: clouds with their ellipses, moved boundaries, covariances, whitened images."""

import numpy as np

from helpers.numerics.preprocessing import covariance
from helpers.plots.style import BLACK, BLUE, COLOURS, LINES, RED, SKY, Picture, styled

DEVIATIONS = 2  # standard deviations that an ellipse reaches
SHOWN = 600  # points drawn of a cloud
MANY = 99  # percent of an image's values that its gray scale spans


@styled()
def clouds(panels, *, labels=("x₁", "x₂"), alt) -> Picture:
    """Return clouds side by side, `panels` being title → points (n, 2), each on axes that show the origin.

    The ellipse reaches two standard deviations, and a cross marks the mean. Both axes have one scale.
    """
    picture, axes = _row(panels, 0.4 + 8.4 / max(3, len(panels)), alt)
    for ax, (title, points) in zip(axes, panels.items(), strict=True):
        outline = ellipse(points)
        ax.axhline(0, color="#999999", linewidth=0.8)
        ax.axvline(0, color="#999999", linewidth=0.8)
        ax.plot(*points[:SHOWN].T, "o", color=SKY, markersize=2, markeredgewidth=0)
        ax.plot(*outline, color=RED, linewidth=1.4)
        ax.plot(*points.mean(axis=0), "P", color=BLACK, markersize=6)
        low, high = min(points.min(), outline.min(), 0), max(points.max(), outline.max(), 0)
        room = 0.05 * (high - low)
        ax.set(title=title, xlabel=labels[0], aspect="equal")
        ax.set(xlim=(low - room, high + room), ylim=(low - room, high + room))
    axes[0].set_ylabel(labels[1])
    return picture


def ellipse(points, deviations=DEVIATIONS) -> np.ndarray:
    """Return x and y of the ellipse of so many standard deviations around the mean of `points` (n, 2)."""
    values, vectors = np.linalg.eigh(covariance(points))
    angles = np.linspace(0, 2 * np.pi, 121)
    circle = deviations * np.stack([np.cos(angles), np.sin(angles)])
    return points.mean(axis=0)[:, None] + (vectors * np.sqrt(np.maximum(values, 0))) @ circle


@styled()
def boundaries(panels, names, *, labels, alt) -> Picture:
    """Return the clouds of two classes with several lines each, and the pivot of the lines.

    `panels` is title → (points (n, 2), which are of the second class (n,), {label → (slope, intercept)}), and
    `names` names the two classes. Lines of one panel that meet on the vertical axis have their pivot marked.
    """
    picture, axes = _row(panels, 3.6, alt)
    for ax, (title, (points, second, lines)) in zip(axes, panels.items(), strict=True):
        for chosen, marker, colour, name in zip((~second, second), "ox", COLOURS[5:2:-2], names, strict=True):
            shown = points[chosen][: SHOWN // 2].T
            ax.plot(*shown, marker, color=colour, markersize=3, alpha=0.7, linestyle="", label=name)
        reach = np.array([min(0, points[:, 0].min()), points[:, 0].max()])
        styles = zip(lines.items(), LINES, strict=False)
        for (label, (slope, intercept)), line in styles:
            ax.plot(reach, slope * reach + intercept, linestyle=line, color=BLACK, linewidth=1.5, label=label)
        ax.plot(0, intercept, "o", color=RED, markersize=7, zorder=4, label="pivot, x = 0")
        ax.set(title=title, xlabel=labels[0])
    axes[0].set_ylabel(labels[1])
    picture.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=7)
    return picture


@styled()
def covariances(matrices, *, alt, height=2.7, digits=3) -> Picture:
    """Return covariance matrices as images, `matrices` being title → C; small ones show their numbers.

    Each has its own colour scale, white being 0, orange below it and purple above.
    """
    picture, axes = _row(matrices, height, alt)
    for ax, (title, C) in zip(axes, matrices.items(), strict=True):
        reach = max(np.abs(C).max(), 1e-12) * (2 if len(C) <= 4 else 1)  # pale behind the numbers
        ax.imshow(C, cmap="PuOr", vmin=-reach, vmax=reach, interpolation="nearest")
        for (i, j), value in np.ndenumerate(C if len(C) <= 4 else np.zeros((0, 0))):
            ax.text(j, i, f"{_clean(value):.{digits}g}", ha="center", va="center", color=BLACK)
        ax.set(title=title, xticks=[], yticks=[])
        ax.grid(False)
    return picture


@styled()
def image_rows(rows, *, alt, side=0.95) -> Picture:
    """Return rows of images, `rows` being label → images (k, 784); gray scales are each image's own.

    A scale spans the middle 99 percent of an image's values, so that one wild pixel doesn't darken the rest.
    """
    columns = max(len(images) for images in rows.values())
    picture = Picture((min(9.6, 1.3 + side * columns), side * len(rows) + 0.1), alt, layout="constrained")
    grid = picture.subplots(len(rows), columns, squeeze=False)
    for line, (label, images) in zip(grid, rows.items(), strict=True):
        for ax, image in zip(line, images, strict=True):
            low, high = np.percentile(image, [(100 - MANY) / 2, (100 + MANY) / 2])
            ax.imshow(image.reshape(28, 28), cmap="gray", vmin=low, vmax=max(high, low + 1e-12))
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
    return picture


@styled()
def pixel_maps(maps, *, alt) -> Picture:
    """Return one number per pixel as images, `maps` being title → (784,), each with the scale beside it."""
    picture = Picture((3.2 * len(maps), 2.6), alt, layout="constrained")
    axes = picture.subplots(1, len(maps), squeeze=False)[0]
    for ax, (title, values) in zip(axes, maps.items(), strict=True):
        shown = ax.imshow(np.reshape(values, (28, 28)), cmap="viridis", interpolation="nearest")
        picture.colorbar(shown, ax=ax, shrink=0.9)
        ax.set(title=title, xticks=[], yticks=[])
        ax.grid(False)
    return picture


@styled()
def wiggles(shares, mistakes, *, xlabel, alt) -> Picture:
    """Return mistakes against how far a weight was changed, `mistakes` being label → numbers."""
    picture = Picture((9.6, 2.7), alt, layout="constrained")
    axes = picture.subplots()
    for (label, values), colour, line in zip(mistakes.items(), (RED, BLUE), ("--", "-"), strict=False):
        axes.plot(100 * np.asarray(shares), values, color=colour, linestyle=line, linewidth=2, label=label)
    axes.set(xlabel=xlabel, ylabel="mistakes", ylim=(0, None))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture


def _row(panels, height, alt):
    picture = Picture((9.6, height), alt, layout="constrained")
    return picture, picture.subplots(1, len(panels), squeeze=False)[0]


def _clean(value):
    """The number, with what is only rounding set to 0."""
    return 0.0 if abs(value) < 1e-9 else value
