"""Images: in rows, under pooling regions, made of a number per pixel or of a matrix."""

import numpy as np

from helpers.plots.axes import legend_beside, row_of_panels
from helpers.plots.frame import Axis, Image, Panel
from helpers.plots.style import BLACK, ORANGE, PREDICTED, SKY, Picture, styled

MANY = 99  # percent of an image's values that a gray scale of its own spans


def image_panel(values, title="", *, side=None, over=(), **options) -> Panel:
    """Return a square array pixel by pixel: the middle of the pixel in row i and column j is at x = j, y = i.

    A panel of `side` pixels has a smaller image in its middle. `over` holds marks that are drawn over it;
    `options` go to `Image`.
    """
    size = len(values)
    side = size if side is None else side
    low, high = (side - size) / 2 - 0.5, (side + size) / 2 - 0.5
    image = Image(values, (low, high, high, low), **options)
    ends = -0.5, side - 0.5
    x, y = Axis(*ends, ticks=()), Axis(*ends[::-1], ticks=())
    return Panel((image, *over), title, x, y, square=True, bare=True)


def show_image(axes, image, low=0, high=1, *, cmap="gray", ticks=False):
    """Show an array (height, width) pixel by pixel, and return Matplotlib's image."""
    shown = axes.imshow(image, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
    if not ticks:
        axes.set(xticks=[], yticks=[])
    axes.grid(False)
    return shown


def show_matrix(axes, matrix, reach=None, *, ticks=False):
    """Show a matrix by its signs and sizes: white is 0, orange below it and purple above, up to ±`reach`."""
    reach = max(np.abs(matrix).max(), 1e-12) if reach is None else reach
    return show_image(axes, matrix, -reach, reach, cmap="PuOr", ticks=ticks)


@styled()
def gallery(rows, *, alt, captions=None, own_scales=False, side=0.95) -> Picture:
    """Return rows of images, `rows` being label → images (k, height, width) or (k, 784).

    All have one gray scale from 0 to 1; with `own_scales` each image has its own, which spans the middle 99
    percent of its values, so that one wild pixel doesn't darken the rest. `captions` may hold label → k
    texts, which stand below the images of that row.
    """
    columns, captions = max(len(images) for images in rows.values()), captions or {}
    height = side * len(rows) + 0.2 * len(captions) + 0.1
    picture = Picture((min(9.6, 1.4 + side * columns), height), alt, layout="constrained")
    grid = picture.subplots(len(rows), columns, squeeze=False)
    for line, (label, images) in zip(grid, rows.items(), strict=True):
        for axes in line[len(images) :]:
            axes.set_visible(False)
        for axes, image in zip(line, images, strict=False):
            image = np.reshape(image, (28, 28)) if np.ndim(image) == 1 else image
            show_image(axes, image, *(_own_scale(image) if own_scales else (0, 1)))
        for axes, text in zip(line, captions.get(label, ()), strict=False):
            axes.set_xlabel(text, fontsize=7)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
    return picture


def _own_scale(image):
    low, high = np.percentile(image, [(100 - MANY) / 2, (100 + MANY) / 2])
    return low, max(high, low + 1e-12)


@styled()
def pooling_regions(image, draws, *, alt) -> Picture:
    """Return an image with the borders of pooling regions over it, and beside it what pooling leaves.

    `draws` maps a title to (borders of the rows, borders of the columns, pooled image).
    """
    picture, panels = row_of_panels(2 * len(draws), alt, 2.5, width=4.4 * len(draws))
    for k, (title, (rows, columns, pooled)) in enumerate(draws.items()):
        left, right = panels[2 * k : 2 * k + 2]
        show_image(left, image)
        for border in rows:
            left.axhline(border - 0.5, color=ORANGE, linewidth=0.8)
        for border in columns:
            left.axvline(border - 0.5, color=ORANGE, linewidth=0.8)
        show_image(right, pooled)
        left.set_title(title)
        right.set_title(f"pooled: {pooled.shape[0]} × {pooled.shape[1]}")
    return picture


@styled()
def pixel_maps(maps, *, alt) -> Picture:
    """Return one number per pixel as images, `maps` being title → (784,), each with the scale beside it."""
    picture, panels = row_of_panels(len(maps), alt, 2.6, width=3.2 * len(maps))
    for axes, (title, values) in zip(panels, maps.items(), strict=True):
        shown = show_image(axes, np.reshape(values, (28, 28)), None, None, cmap="viridis")
        picture.colorbar(shown, ax=axes, shrink=0.9)
        axes.set_title(title)
    return picture


@styled()
def matrix_images(matrices, *, alt, height=2.6) -> Picture:
    """Return weight matrices as images, `matrices` being title → array; each has its own color scale."""
    picture, panels = row_of_panels(len(matrices), alt, height)
    for axes, (title, W) in zip(panels, matrices.items(), strict=True):
        show_matrix(axes, W, ticks=True)
        axes.set(title=title, xlabel="unit", ylabel="input")
    return picture


@styled()
def mirror_scores(scores, *, alt) -> Picture:
    """Return how often original and mirrored images are told apart, `scores` being class → share right."""
    picture, (axes,) = row_of_panels(1, alt, 2.4)
    bars = axes.bar(list(scores), np.array(list(scores.values())), color=SKY, edgecolor=BLACK, linewidth=0.5)
    axes.bar_label(bars, fmt="{:.0%}", fontsize=8)
    axes.axhline(0.5, **PREDICTED, label="guessing")
    axes.set(ylim=(0, 1.12), ylabel="told apart")
    axes.tick_params(axis="x", labelsize=7.5)
    legend_beside(axes)
    return picture
