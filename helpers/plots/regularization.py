"""Pictures of lesson 09: bands over seeds, weights under a penalty, the constraint, masks, parameters."""

import numpy as np
from matplotlib.ticker import FuncFormatter, NullFormatter

from helpers.numerics.penalties import lasso, ridge
from helpers.plots.style import (
    BLACK,
    BLUE,
    COLOURS,
    GREEN,
    LINES,
    MARKERS,
    ORANGE,
    PREDICTED,
    RED,
    SKY,
    Picture,
    styled,
)

SOLVERS = {"L2": ridge, "L1": lasso}
PATH = (0, *np.geomspace(1e-3, 100, 61))  # strengths of the penalty along the path
LEVELS = (0.1, 0.3, 0.6, 1)  # contours of the loss, as shares of its value at w = 0
LONGEST = 1e3  # half-axes of a contour, where the loss is flat
ANGLES = np.linspace(0, 2 * np.pi, 121)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)])
DIAMOND = np.array([[1, 0, -1, 0, 1], [0, 1, 0, -1, 0]])
HATCHES = ("", "//", "..")

TEXT = {
    "contours": "loss of the data",
    "touching": "loss at the solution",
    "region": "what the penalty allows",
    "path": "path of the solution, by λ",
    "best": "without a penalty",
    "solution": "solution",
    "all": "mean over all masks",
    "testing": "output in testing",
    "networks": "one random network, one image",
    "equal": "both equal",
}


class ConstraintPanel:
    """Two weights: the loss as contours, the penalty's limit, and the solution where they touch."""

    def __init__(self, axes, labels=("weight 1", "weight 2")):
        self.axes = axes
        axes.set(aspect="equal", xlabel=labels[0], ylabel=labels[1])
        axes.axhline(0, color="#b0b0b0", linewidth=0.8)
        axes.axvline(0, color="#b0b0b0", linewidth=0.8)
        line = lambda **look: axes.plot([], [], **look)[0]  # noqa: E731
        self.contours = line(color="#999999", linewidth=0.9, label=TEXT["contours"])
        self.touching = line(color=BLUE, linewidth=1.6, label=TEXT["touching"])
        self.region = line(**PREDICTED | {"color": ORANGE, "linewidth": 2}, label=TEXT["region"])
        self.path = line(color=BLACK, linestyle=":", linewidth=1.4, label=TEXT["path"])
        self.best = line(color=GREEN, marker="*", markersize=12, linestyle="", label=TEXT["best"])
        self.solution = line(color=RED, marker="o", markersize=7, linestyle="", label=TEXT["solution"])
        self.artists = [self.contours, self.touching, self.region, self.path, self.best, self.solution]

    def set_problem(self, hessian, best, kind):
        """Draw the loss ½ (w − best)ᵀ H (w − best) and the path of its solutions under a penalty."""
        self.problem = np.asarray(hessian, np.float64), np.asarray(best, np.float64), kind
        height = best @ hessian @ best / 2  # of the loss at w = 0
        self.contours.set_data(*_ellipses(hessian, best, [share * height for share in LEVELS]))
        self.best.set_data(*best[:, None])
        self.path.set_data(*np.transpose([SOLVERS[kind](hessian, best, strength) for strength in PATH]))
        reach = 1.45 * max(np.abs(best).max(), 1e-9)
        self.axes.set(xlim=(-reach, reach), ylim=(-reach, reach))

    def show(self, strength):
        """Draw the solution for one strength, and return it."""
        hessian, best, kind = self.problem
        w = SOLVERS[kind](hessian, best, strength)
        size = np.abs(w).sum() if kind == "L1" else np.linalg.norm(w)
        self.region.set_data(*(size * (DIAMOND if kind == "L1" else CIRCLE)))
        self.solution.set_data(*w[:, None])
        self.touching.set_data(*_ellipses(hessian, best, [(w - best) @ hessian @ (w - best) / 2]))
        return w


@styled()
def constraints(hessian, best, strength, *, labels, alt) -> Picture:
    """Return the constraint pictures of L2 and L1 side by side, for a loss of two weights."""
    picture = Picture((9.6, 3.9), alt, layout="constrained")
    for axes, kind in zip(picture.subplots(1, 2), SOLVERS, strict=True):
        panel = ConstraintPanel(axes, labels)
        panel.set_problem(hessian, best, kind)
        panel.show(strength)
        axes.set_title(f"{kind}, λ = {strength:g}")
    handles, names = picture.axes[0].get_legend_handles_labels()
    picture.legend(handles, names, loc="outside right center")
    return picture


@styled()
def bands(panels, x, *, xlabel, alt, log=(), log_x=False, mark=None) -> Picture:
    """Return panels side by side, `panels` being title → {label → array (seeds, points)}, over `x`.

    Lines are medians over the seeds, bands reach from the smallest to the largest. `log` names the panels
    with a log axis; `mark` is a place on x marked by a dotted line.
    """
    picture = Picture((9.6, 2.9), alt, layout="constrained")
    for axes, (title, runs) in zip(
        picture.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        for i, (label, values) in enumerate(runs.items()):
            colour = COLOURS[i]
            axes.fill_between(x, np.min(values, 0), np.max(values, 0), color=colour, alpha=0.2, linewidth=0)
            axes.plot(x, np.median(values, 0), color=colour, linestyle=LINES[i], marker=MARKERS[i],
                      markersize=3, label=label)  # fmt: skip
        if mark is not None:
            axes.axvline(mark, color=BLACK, linestyle=":", linewidth=1)
        axes.set(title=title, xlabel=xlabel, **_scales(log_x, title in log))
        _plain_ticks(axes)
    handles, names = picture.axes[0].get_legend_handles_labels()
    picture.legend(handles, names, loc="outside lower center", ncols=len(names))
    return picture


@styled()
def weight_histograms(rows, *, reach, alt, bins=61) -> Picture:
    """Return histograms of weights, `rows` being label → {title → weights}, all on one axis −reach … reach.

    Heights are shares of all weights on a log axis, so that the few large weights are seen beside the many
    small ones. What lies beyond the ends is left out.
    """
    columns = len(next(iter(rows.values())))
    picture = Picture((9.6, 0.4 + 1.25 * len(rows)), alt, layout="constrained")
    grid = picture.subplots(len(rows), columns, sharex=True, sharey=True, squeeze=False)
    edges = np.linspace(-reach, reach, bins + 1)
    for number, (line, (label, states)) in enumerate(zip(grid, rows.items(), strict=True)):
        for axes, (title, weights) in zip(line, states.items(), strict=True):
            shares = np.histogram(weights, edges)[0] / np.size(weights)
            axes.stairs(shares, edges, fill=True, color=SKY, linewidth=0, antialiased=False)
            axes.set(yscale="log", ylim=(1e-5, 1.5), yticks=[1e-4, 1e-2, 1])
            axes.set_title("" if number else title, fontsize=9)
            _plain_ticks(axes)
        line[0].set_ylabel(label)
    picture.supxlabel("weight", fontsize=9)
    return picture


@styled()
def against_testing(panels, *, alt) -> Picture:
    """Return the mean over all masks against the testing output, and the line on which both are equal.

    `panels` is title → (means (networks,), testing outputs (networks,)), one point per network.
    """
    picture = Picture((9.6, 3.1), alt, layout="constrained")
    grid = picture.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)[0]
    for axes, (title, (means, testing)) in zip(grid, panels.items(), strict=True):
        axes.plot(testing, means, "o", color=BLUE, markersize=4, label=TEXT["networks"])
        axes.axline((0, 0), slope=1, **PREDICTED, label=TEXT["equal"])
        axes.set(title=title, xlabel=TEXT["testing"])
    grid[0].set_ylabel(TEXT["all"])
    picture.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return picture


@styled()
def parameter_shares(networks, *, alt) -> Picture:
    """Return one bar per network, `networks` being name → {kind → parameters}, divided by kind."""
    picture = Picture((9.6, 0.7 + 0.42 * len(networks)), alt, layout="constrained")
    axes, left = picture.subplots(), np.zeros(len(networks))
    for i, kind in enumerate(next(iter(networks.values()))):
        millions = np.array([counts[kind] for counts in networks.values()]) / 1e6
        axes.barh(list(networks), millions, left=left, color=COLOURS[i], hatch=HATCHES[i], edgecolor="white",
                  linewidth=0, label=kind.replace("_", " "))  # fmt: skip
        left += millions
    axes.set(xlabel="millions of parameters")
    axes.invert_yaxis()
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture


def _ellipses(hessian, center, levels):
    """x and y of the lines where ½ (w − center)ᵀ H (w − center) has these levels, with gaps between them."""
    values, vectors = np.linalg.eigh(hessian)
    flat = np.maximum(values, 1e-12)
    axes = [np.minimum(np.sqrt(2 * level / flat), LONGEST) for level in levels]
    gap = np.full((2, 1), np.nan)
    return np.hstack([np.hstack([center[:, None] + (vectors * a) @ CIRCLE, gap]) for a in axes])


def _scales(log_x, log_y):
    return {"xscale": "log" if log_x else "linear", "yscale": "log" if log_y else "linear"}


def _plain_ticks(axes):
    """Log axes with plain figures instead of powers in math text, and none between the decades."""
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
