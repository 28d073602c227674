"""SELU's map: where one layer takes the mean and the variance of its input, and where many lead."""

import numpy as np

from helpers.labs import knobs, live, wording
from helpers.numerics.activations import get_activation
from helpers.numerics.theory import moment_map
from helpers.plots.over_layers import CurvePanel
from helpers.plots.style import BLACK, BLUE, GREEN, MEASURED, PREDICTED

LAYERS = 15
SETTLING = 60  # further layers that the prediction is followed for, to see where it comes to rest
BATCH = 200
VANISHED = 1e-8  # a variance below this is nothing to see
MEANS, VARIANCES = np.linspace(-1, 1, 11), np.linspace(0, 3, 13)
WIDTHS = (2, 5, 10, 20, 50, 100, 200)
ARROW = 0.14  # the longest arrow, in units of the picture's axes

TEXT = {
    "impossible": "Prediction only: no {width} weights have sum {omega:g} and squares adding to {tau:g}.",
    "overflow": "Overflow: the variance grows out of all bounds.",
    "outside": "The path leaves the picture at layer {layer}.",
    "constant": "In the end the variance is 0: every input becomes the same number.",
}


class SeluMapLab(live.LiveFigure):
    """The map of (mean, variance) as arrows, the path of a start point, and a real random network's dots."""

    size = (9.6, 4.2)

    def controls(self):
        return {
            "activation": knobs.activation("selu", "activation"),
            "mean": live.real("start mean", -1, 1, 0.05, 0.6),
            "variance": live.real("start variance", 0, 3, 0.05, 2.5),
            "omega": live.real("ω: sum of w", -2, 2, 0.05, 0.0),
            "tau": live.real("τ: sum of w²", 0, 4, 0.05, 1.0),
            "width": live.steps("width", WIDTHS, 100),
        }

    def build(self):
        self._field, self._weights = (None, None), (None, None)
        grid = self.figure.add_gridspec(
            2,
            2,
            width_ratios=(1.35, 1),
            left=0.06,
            right=0.985,
            top=0.87,
            bottom=0.2,
            hspace=0.5,
            wspace=0.16,
        )
        self._build_map(self.figure.add_subplot(grid[:, 0]))
        panels = [("mean, per layer", False), ("standard deviation, per layer", True)]
        self.curves = [
            CurvePanel(self.figure.add_subplot(grid[row, 1]), title, log=log)
            for row, (title, log) in enumerate(panels)
        ]
        for panel in self.curves:
            self.moving(panel.artists)

    def update(self, activation, mean, variance, omega, tau, width):
        self._show_field(activation, omega, tau)
        path = predicted_path(activation, mean, variance, omega, tau, LAYERS + SETTLING)
        possible = omega**2 <= width * tau
        measured = np.full((LAYERS + 1, 2), np.nan)
        if possible:
            measured = measured_path(activation, mean, variance, omega, tau, self._base_weights(width))
        predicted, rest = path[: LAYERS + 1], path[-1]
        settled = comes_to_rest(path)
        self._show_paths(predicted, measured, rest if settled else (np.nan, np.nan))
        self._show_curves(predicted, measured)
        self.say(
            _in_words(path) if possible else TEXT["impossible"].format(width=width, omega=omega, tau=tau)
        )
        told = {"predicted": predicted} | ({"measured": measured} if possible else {})
        return {k: v for name, path in told.items() for k, v in _numbers(name, *path[-1]).items()}

    def free(self):
        self._field, self._weights = (None, None), (None, None)
        self.curves = self.arrows = None

    def _build_map(self, axes):
        axes.set(
            xlim=(-1.1, 1.1),
            ylim=(-0.12, 3.12),
            title="one layer takes (mean, variance) along the arrow",
            xlabel="mean of h",
            ylabel="variance of h",
        )
        self.grid = tuple(part.ravel() for part in np.meshgrid(MEANS, VARIANCES))
        nothing = np.zeros_like(self.grid[0])
        self.arrows = self.moving(
            axes.quiver(
                *self.grid,
                nothing,
                nothing,
                angles="xy",
                scale_units="xy",
                scale=1,
                color="#8c8c8c",
                width=0.003,
            )
        )
        (self.predicted,) = self.moving(axes.plot([], [], **PREDICTED, label="predicted"))
        (self.measured,) = self.moving(
            axes.plot([], [], **MEASURED | {"linestyle": "none"}, label="measured")
        )
        (self.start,) = self.moving(axes.plot([], [], "D", color=BLACK, markersize=7))
        (self.rest,) = self.moving(axes.plot([], [], "*", color=GREEN, markersize=15, label="comes to rest"))
        axes.plot(0, 1, "+", color=BLUE, markersize=16, markeredgewidth=2, label="(0, 1)")
        axes.legend(
            loc="upper center", ncols=4, bbox_to_anchor=(0.5, -0.14), handletextpad=0.3, columnspacing=1
        )

    def _show_field(self, activation, omega, tau):
        key = (activation, omega, tau)
        if self._field[0] != key:
            mean, variance = moment_map(activation, *self.grid, omega, tau)
            self._field = (key, short_arrows(mean - self.grid[0], variance - self.grid[1]))
        self.arrows.set_UVC(*self._field[1])

    def _show_paths(self, predicted, measured, rest):
        self.predicted.set_data(*_drawable(predicted))
        self.measured.set_data(*_drawable(measured))
        self.start.set_data(*predicted[:1].T)
        self.rest.set_data([rest[0]], [rest[1]])

    def _show_curves(self, predicted, measured):
        for panel, column in zip(self.curves, (0, 1), strict=True):
            pair = (measured[1:, column], predicted[1:, column])
            panel.show(*(np.sqrt(values) if column else values for values in pair))

    def _base_weights(self, width):
        if self._weights[0] != width:
            self._weights = (width, balanced_weights(width))
        return self._weights[1]


def balanced_weights(width) -> np.ndarray:
    """Return LAYERS square weight matrices whose columns have the sum 0 and squares that add up to 1.

    √τ times them, plus ω / width, has the sum ω and squares that add up to τ + ω² / width.
    """
    weights = np.random.default_rng(0).standard_normal((LAYERS, width, width))
    weights -= weights.mean(axis=1, keepdims=True)
    return weights / np.sqrt(np.square(weights).sum(axis=1, keepdims=True))


def measured_path(activation, mean, variance, omega, tau, weights) -> np.ndarray:
    """Return (mean, variance) of the input and of each layer of a real random network, (layers + 1, 2).

    Every unit's weights have exactly the sum ω and the sum of squares τ; the inputs are normal numbers.
    """
    f, width = get_activation(activation).f, weights.shape[1]
    h = np.random.default_rng(1).standard_normal((BATCH, width))
    h = mean + np.sqrt(variance) * (h - h.mean()) / h.std()
    spread, shift = np.sqrt(tau - omega**2 / width), omega
    path = [(h.mean(), h.var())]
    for W in weights:
        h = f(spread * (h @ W) + shift * h.mean(axis=1, keepdims=True))
        path.append((h.mean(), h.var()))
    return np.array(path)


def predicted_path(activation, mean, variance, omega, tau, layers) -> np.ndarray:
    """Return (mean, variance) of the input and of `layers` layers, as the map has it, (layers + 1, 2)."""
    path = [(mean, variance)]
    for _ in range(layers):
        mean, variance = moment_map(activation, mean, variance, omega, tau)
        variance = np.maximum(variance, 0.0)  # E[f²] − E[f]² can round to less than 0
        path.append((float(mean), float(variance)))
        if not np.isfinite(variance) or variance > 1e30:
            break
    return np.array(path + [path[-1]] * (layers + 1 - len(path)))


def comes_to_rest(path) -> bool:
    """Return whether the last layer of a path moved it by less than a thousandth, or it has vanished."""
    moved = np.abs(path[-1] - path[-2]).max()
    return bool(
        np.isfinite(path[-1]).all() and (moved < 1e-3 * np.abs(path[-1]).max() or path[-1, 1] < VANISHED)
    )


def short_arrows(dx, dy) -> tuple[np.ndarray, np.ndarray]:
    """Return arrows of the same directions, none longer than `ARROW` (tanh of the length)."""
    length = np.hypot(dx, dy)
    with np.errstate(all="ignore"):
        factor = np.where(length > 0, ARROW * np.tanh(length / ARROW) / length, 0)
    return np.nan_to_num(dx * factor), np.nan_to_num(dy * factor)


def _drawable(path):
    """Columns of a path; what lies far outside of the picture is left out, for Agg can't draw to infinity."""
    return np.where(np.abs(path) < 1e4, path, np.nan).T


def _numbers(name, mean, variance):
    """The two numbers that a path ends at; each can be what rounding left beside the other one."""
    std = np.sqrt(variance)
    left = isinstance(wording.or_rounding(std, mean), live.ByRounding)
    return {
        f"{name}_mean": wording.or_rounding(mean, std),
        f"{name}_variance": live.ByRounding(variance) if left else variance,
    }


def _in_words(path):
    with np.errstate(all="ignore"):
        if not np.isfinite(path).all() or path[-1, 1] > 1e12:
            return TEXT["overflow"]
    if path[-1, 1] < VANISHED:
        return (
            "In the end the signal vanishes: mean and variance go to 0."
            if abs(path[-1, 0]) < 1e-4
            else TEXT["constant"]
        )
    outside = np.flatnonzero((np.abs(path[:, 0]) > 1.1) | (path[:, 1] > 3.12))
    return TEXT["outside"].format(layer=outside[0]) if outside.size else ""
