"""What preparing the inputs does: clouds with their ellipses, moved boundaries, covariance matrices."""

import numpy as np

from helpers.numerics.preprocessing import covariance
from helpers.plots.axes import legend_below, row_of_panels
from helpers.plots.images import show_matrix
from helpers.plots.style import BLACK, COLORS, LINES, RED, SKY, Picture, styled

DEVIATIONS = 2  # standard deviations that an ellipse reaches
SHOWN = 600  # points drawn of a cloud


@styled()
def clouds(panels, *, labels=("x₁", "x₂"), alt) -> Picture:
    """Return clouds side by side, `panels` being title → points (n, 2), each on axes that show the origin.

    The ellipse reaches two standard deviations, and a cross marks the mean. Both axes have one scale.
    """
    picture, axes = row_of_panels(len(panels), alt, 0.4 + 8.4 / max(3, len(panels)))
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
    picture, axes = row_of_panels(len(panels), alt, 3.6)
    for ax, (title, (points, second, lines)) in zip(axes, panels.items(), strict=True):
        for chosen, marker, color, name in zip((~second, second), "ox", COLORS[5:2:-2], names, strict=True):
            shown = points[chosen][: SHOWN // 2].T
            ax.plot(*shown, marker, color=color, markersize=3, alpha=0.7, linestyle="", label=name)
        reach = np.array([min(0, points[:, 0].min()), points[:, 0].max()])
        styles = zip(lines.items(), LINES, strict=False)
        for (label, (slope, intercept)), line in styles:
            ax.plot(reach, slope * reach + intercept, linestyle=line, color=BLACK, linewidth=1.5, label=label)
        ax.plot(0, intercept, "o", color=RED, markersize=7, zorder=4, label="pivot, x = 0")
        ax.set(title=title, xlabel=labels[0])
    axes[0].set_ylabel(labels[1])
    legend_below(picture, axes[0], columns=7)
    return picture


@styled()
def covariances(matrices, *, alt, height=2.7, digits=3) -> Picture:
    """Return covariance matrices as images, `matrices` being title → C; small ones show their numbers.

    Each has its own color scale, white being 0, orange below it and purple above.
    """
    picture, axes = row_of_panels(len(matrices), alt, height)
    for ax, (title, C) in zip(axes, matrices.items(), strict=True):
        reach = max(np.abs(C).max(), 1e-12) * (2 if len(C) <= 4 else 1)  # pale behind the numbers
        show_matrix(ax, C, reach)
        for (i, j), value in np.ndenumerate(C if len(C) <= 4 else np.zeros((0, 0))):
            ax.text(j, i, f"{_clean(value):.{digits}g}", ha="center", va="center", color=BLACK)
        ax.set_title(title)
    return picture


def _clean(value):
    """The number, with what is only rounding set to 0."""
    return 0.0 if abs(value) < 1e-9 else value
