"""Weights: the plane of two of them, a penalty's limit, the loss around a start, how many there are."""

import numpy as np

from helpers.numerics.penalties import lasso, ridge
from helpers.plots.axes import legend_beside, row_of_panels, shared_limits
from helpers.plots.frame import Axis, Frame, Line, Panel, Points, beside, pieces
from helpers.plots.paint import paint
from helpers.plots.style import BLACK, BLUE, COLORS, MARKERS, ORANGE, Picture, styled

SOLVERS = {"L2": ridge, "L1": lasso}
PATH = (0, *np.geomspace(1e-3, 100, 61))  # strengths of the penalty along the path
LEVELS = (0.1, 0.3, 0.6, 1)  # contours of the loss, as shares of its value at w = 0
REACH = 1.45  # of the picture, in sizes of the larger weight
LONGEST = 1e3  # half-axes of a contour, where the loss is flat
ANGLES = np.linspace(0, 2 * np.pi, 121)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)])
DIAMOND = np.array([[1, 0, -1, 0, 1], [0, 1, 0, -1, 0]])
HATCHES = ("", "//", "..")


def constraint_panel(hessian, best, kind, strength, *, labels, title="", path=None) -> Panel:
    """Return two weights: the loss as contours, the penalty's limit, and the solution where they touch.

    The loss is ½ (w − best)ᵀ H (w − best), the penalty is of a `kind` of `SOLVERS` and has this `strength`.
    `path` is the `solution_path` of loss and kind, for who has it already.
    """
    path = solution_path(hessian, best, kind) if path is None else path
    w = SOLVERS[kind](hessian, best, strength)
    height = best @ hessian @ best / 2  # of the loss at w = 0
    contours = _ellipses(hessian, best, [share * height for share in LEVELS])
    touching = _ellipses(hessian, best, [(w - best) @ hessian @ (w - best) / 2])
    allowed = np.abs(w).sum() * DIAMOND if kind == "L1" else np.linalg.norm(w) * CIRCLE
    reach = REACH * max(np.abs(best).max(), 1e-9)
    marks = (
        pieces([[0, -reach], [-reach, 0]], [[0, reach], [reach, 0]], "zero"),
        Line(*contours, "contour", "loss of the data"),
        Line(*touching, "strong line", "loss at the solution"),
        Line(*allowed, "limit", "what the penalty allows"),
        Line(*path.T, "here", "path of the solution, by λ"),
        Points(*best[:, None], "goal", "without a penalty"),
        Points(*w[:, None], "point", "solution"),
    )
    x, y = (Axis(-reach, reach, label=label, most=6) for label in labels)
    return Panel(marks, title, x, y, square=True)


def solution_path(hessian, best, kind) -> np.ndarray:
    """Return the solutions from no penalty to a strong one, shape (strengths, weights)."""
    return np.array([SOLVERS[kind](hessian, best, strength) for strength in PATH])


def constraints(hessian, best, strength, *, labels, alt) -> Picture:
    """Return the constraint pictures of L2 and L1 side by side, for a loss of two weights."""
    panels = [
        constraint_panel(hessian, best, kind, strength, labels=labels, title=f"{kind}, λ = {strength:g}")
        for kind in SOLVERS
    ]
    return paint(Frame(beside(*panels), 390), alt)


def _ellipses(hessian, center, levels):
    """x and y of the lines where ½ (w − center)ᵀ H (w − center) has these levels, with gaps between them."""
    values, vectors = np.linalg.eigh(hessian)
    flat = np.maximum(values, 1e-12)
    axes = [np.minimum(np.sqrt(2 * level / flat), LONGEST) for level in levels]
    gap = np.full((2, 1), np.nan)
    return np.hstack([np.hstack([center[:, None] + (vectors * a) @ CIRCLE, gap]) for a in axes])


@styled()
def descent_paths(walks, target, *, alt="paths of gradient descent in the plane of two weights") -> Picture:
    """Return the paths of two weights side by side: `walks` maps a label to an array (steps + 1, 2)."""
    picture, row = row_of_panels(len(walks), alt, 3.3, width=7.2, sharex=True, sharey=True)
    words = {"textcoords": "offset points", "ha": "center"}
    for i, (axes, (label, walk)) in enumerate(zip(row, walks.items(), strict=True)):
        axes.plot(*walk.T, color=COLORS[i], marker=MARKERS[i], markersize=3, linewidth=1.2)
        axes.plot([walk[0, 0], target[0]], [walk[0, 1], target[1]], color=BLACK, linestyle=":")
        axes.annotate("start", walk[0], xytext=(0, 6), **words)
        axes.plot(*target, marker="*", markersize=14, color=BLACK)
        axes.annotate("target", target, xytext=(0, -16), **words)
        axes.set(title=label, xlabel="first weight")
        axes.margins(0.15)
    row[0].set_ylabel("second weight")
    return picture


@styled()
def loss_lines(losses, reaches, *, alt) -> Picture:
    """Return the loss along a line through several starts, `losses` being title → losses, the start's amid.

    `reaches` (title → number) says how far the line goes to both sides. Panels whose losses are of one size
    share their axis, so that flat looks flat beside steep.
    """
    picture, row = row_of_panels(len(losses), alt, 2.8)
    limits = shared_limits(list(losses.values()))
    for axes, (title, values), ylim in zip(row, losses.items(), limits, strict=True):
        distances = np.linspace(-reaches[title], reaches[title], len(values))
        axes.plot(distances, values, color=BLUE, linewidth=1.5)
        start = values[len(values) // 2]
        axes.plot([0], [start], color=COLORS[1], marker="D", linestyle="none", label="the start")
        axes.set(title=title, xlabel="distance along the line", ylim=ylim)
        axes.set_xticks([-reaches[title], 0, reaches[title]])
    row[0].set_ylabel("loss")
    row[0].legend(loc="upper center")
    return picture


@styled()
def loss_valleys(w, losses, *, starts, alt) -> Picture:
    """Return the loss over one weight, `losses` being title → losses, where runs start shaded."""
    picture, row = row_of_panels(len(losses), alt, 2.6, sharey=True)
    for axes, (title, values) in zip(row, losses.items(), strict=True):
        axes.axvspan(*starts, color=ORANGE, alpha=0.25, label="runs start here")
        axes.plot(w, values, color=BLUE, linewidth=2)
        axes.set(title=title, xlabel="weight", ylim=(0, None))
    row[0].set_ylabel("loss")
    row[0].legend(loc="lower right")
    return picture


@styled()
def parameter_shares(networks, *, alt) -> Picture:
    """Return one bar per network, `networks` being name → {kind → parameters}, divided by kind."""
    picture, (axes,) = row_of_panels(1, alt, 0.7 + 0.42 * len(networks))
    left = np.zeros(len(networks))
    for i, kind in enumerate(next(iter(networks.values()))):
        millions = np.array([counts[kind] for counts in networks.values()]) / 1e6
        look = {"color": COLORS[i], "hatch": HATCHES[i], "edgecolor": "white", "linewidth": 0}
        axes.barh(list(networks), millions, left=left, label=kind.replace("_", " "), **look)
        left += millions
    axes.set(xlabel="millions of parameters")
    axes.invert_yaxis()
    legend_beside(axes)
    return picture
