"""Preprocessing: a cloud of points, its covariance and its loss, through each step."""

import numpy as np

from helpers import data
from helpers.labs import live
from helpers.numerics.conditioning import condition_number, descent, predicted_steps, second_moments
from helpers.numerics.preprocessing import PREPROCESSORS, covariance
from helpers.plots.over_layers import CurvePanel
from helpers.plots.quicktext import QuickText
from helpers.plots.style import BLACK, GREEN, MEASURED, PREDICTED, SKY

POINTS = 400
STEPS = 50  # of gradient descent
FACTOR = 1e-3  # by which the predicted steps shrink the slowest error
DEVIATIONS = 2  # standard deviations that the ellipse reaches
RATIOS = (1, 2, 3, 4, 5, 7, 10, 20, 30, 50, 70, 100)
REACHES = tuple(step * 10.0**k for k in range(-1, 4) for step in (1, 1.5, 2, 3, 5, 7))  # of the cloud's axes
CONTOURS = (1, 0.3, 0.05)  # of the loss, as shares of the start's
NEAR_ZERO = 1e-6  # an error below this share of the start's is not drawn
ANGLES = np.linspace(0, 2 * np.pi, 121)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)])
PLACES = ((0.25, 0.7), (0.75, 0.7), (0.25, 0.2), (0.75, 0.2))

TEXT = {
    "synthetic": "drawn points",
    "regions": "images: sides, middle",
    "pixels": "images: two neighbor pixels",
    "own": "Images keep their own correlation, here {0:.2f}.",
}


class PreprocessingLab(live.LiveFigure):
    """The cloud with its ellipse, its covariance matrix, and gradient descent on a loss over these inputs."""

    size = (9.6, 3.9)

    def controls(self):
        clouds = [(TEXT[name], name) for name in ("synthetic", "regions", "pixels")]
        return {
            "cloud": live.choice("data", clouds, "synthetic"),
            "step": live.choice("step", [(e.label, e.name) for e in PREPROCESSORS.values()], "raw"),
            "correlation": live.real("correlation", -0.99, 0.99, 0.01, 0.8),
            "offset": live.real("offset, in std", 0, 10, 0.1, 2.5),
            "ratio": live.steps("scale ratio", RATIOS, 3),
        }

    def build(self):
        square = {"bottom": 0.1, "top": 0.86}
        grid = self.figure.add_gridspec(1, 1, left=0.045, right=0.355, **square)
        self._build_cloud(self.figure.add_subplot(grid[0]))
        grid = self.figure.add_gridspec(1, 1, left=0.67, right=0.98, **square)
        self._build_bowl(self.figure.add_subplot(grid[0]))
        self._build_matrix(self.figure.add_axes([0.435, 0.56, 0.16, 0.3]))
        self.error = CurvePanel(
            self.figure.add_axes([0.415, 0.1, 0.215, 0.33]), "distance to minimum, by step", log=True
        )
        self.moving(self.error.artists)
        self.legend(self.points, self.ellipse, self.path)

    def update(self, cloud, step, correlation, offset, ratio):
        x, C = points(cloud, correlation, offset, ratio)
        z = PREPROCESSORS[step].fit(x).transform(x)
        measured, hessian = covariance(z), second_moments(z, bias=False)
        kappa = condition_number(hessian)
        self._show_cloud(z, predicted_covariance(step, C))
        self._show_matrix(measured)
        self._show_descent(hessian, kappa)
        self.say(_in_words(cloud, C, kappa))
        return {
            "mean_1": _rounded(z[:, 0].mean()),
            "mean_2": _rounded(z[:, 1].mean()),
            "var_1": measured[0, 0],
            "var_2": measured[1, 1],
            "covariance": _rounded(measured[0, 1]),
            "condition_of_covariance": condition_number(measured),
            "condition_of_loss": kappa,
            "steps_predicted": predicted_steps(max(kappa, 1.0 + 1e-9), FACTOR),
        }

    def free(self):
        self.points = self.ellipse = self.path = self.error = None

    def _build_cloud(self, axes):
        self.cloud_axes = axes
        axes.set(title="the cloud", aspect="equal")
        axes.axhline(0, color="#b0b0b0", linewidth=0.8)
        axes.axvline(0, color="#b0b0b0", linewidth=0.8)
        (self.points,) = axes.plot([], [], "o", color=SKY, markersize=2.5, markeredgewidth=0, label="points")
        (self.ellipse,) = axes.plot([], [], **PREDICTED, label="ellipse predicted, 2 std")
        (self.middle,) = axes.plot([], [], "P", color=BLACK, markersize=7)
        self.moving([self.points, self.ellipse, self.middle])

    def _build_matrix(self, axes):
        axes.set(title="covariance", xticks=[], yticks=[])
        axes.grid(False)
        self.matrix = self.moving(
            axes.imshow(np.zeros((2, 2)), cmap="PuOr", vmin=-2, vmax=2, interpolation="nearest")
        )
        axes.set_aspect("auto")
        self.cells = [self.moving(QuickText(axes, *place, size=10)) for place in PLACES]

    def _build_bowl(self, axes):
        axes.set(title="loss over two weights", xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), aspect="equal")
        axes.set(xlabel="", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
        (self.contours,) = axes.plot([], [], color="#999999", linewidth=0.9)
        (self.path,) = axes.plot([], [], **MEASURED, label="gradient descent, measured")
        axes.plot(0, 0, "*", color=GREEN, markersize=13)
        self.moving([self.contours, self.path])

    def _show_cloud(self, z, C):
        mean = z.mean(axis=0)
        ellipse = mean + DEVIATIONS * (_root(C) @ CIRCLE).T
        extent = max(np.abs(z).max(), np.abs(ellipse).max())
        reach = next((reach for reach in REACHES if extent < 0.98 * reach), extent)
        self.cloud_axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
        self.points.set_data(*z.T)
        self.ellipse.set_data(*ellipse.T)
        self.middle.set_data(*mean[:, None])

    def _show_matrix(self, C):
        self.matrix.set_data(C / np.abs(C).max())
        for cell, value in zip(self.cells, C.ravel(), strict=True):
            cell.set_text(f"{_rounded(value):.3g}")

    def _show_descent(self, hessian, kappa):
        errors = descent(hessian, start_of_descent(hessian), STEPS)
        self.path.set_data(*errors.T)
        self.contours.set_data(*contour_lines(hessian, errors[0]))
        measured = np.linalg.norm(errors[1:], axis=1) / np.linalg.norm(errors[0])
        predicted = (1 - 1 / kappa) ** np.arange(1, STEPS + 1) / np.sqrt(2)
        self.error.show(*(np.where(v > NEAR_ZERO, v, np.nan) for v in (measured, predicted)))


def points(cloud, correlation, offset, ratio) -> tuple[np.ndarray, np.ndarray]:
    """Return (points (n, 2), their covariance): the second feature is divided by `ratio`.

    Each feature is then shifted by `offset` of its standard deviations. Drawn points have exactly the
    correlation asked for; those from images keep their own, and their covariance is measured.
    """
    if cloud == "synthetic":
        x = _round_cloud() @ np.linalg.cholesky([[1, correlation], [correlation, 1]]).T
    else:
        x = image_features(cloud)
    x = x / (1, ratio)
    C = covariance(x)
    if cloud == "synthetic":
        C = np.array([[1, correlation / ratio], [correlation / ratio, 1 / ratio**2]])
    return x + offset * np.sqrt(np.diag(C)), C


def image_features(cloud) -> np.ndarray:
    """Return two numbers in [0, 1] per image: two neighboring pixels, or the means of sides and middle."""
    x, _ = data.load_batch(POINTS, standardize=False, dtype=np.float64)
    images = x.reshape(-1, 28, 28)
    if cloud == "pixels":
        return images[:, 14, 13:15]
    sides = np.concatenate([images[:, :, :7], images[:, :, 21:]], axis=2)
    return np.stack([sides.mean(axis=(1, 2)), images[:, :, 7:21].mean(axis=(1, 2))], axis=1)


def predicted_covariance(step, C) -> np.ndarray:
    """Return the covariance that theory gives after a step, from the covariance C of the raw points."""
    if step in ("whiten", "zca"):
        return np.eye(2)
    if step == "pca":
        return np.diag(np.linalg.eigvalsh(C)[::-1])
    std = np.sqrt(np.diag(C)) if step == "standardize" else np.ones(2)
    return C / np.outer(std, std)


def start_of_descent(hessian) -> np.ndarray:
    """Return an error of length 1, half of it along the steepest direction and half along the flattest."""
    _, vectors = np.linalg.eigh(np.round(hessian / np.abs(hessian).max(), 9))  # a round bowl has no own axes
    return _turned(vectors[:, 0]) / np.sqrt(2) + _turned(vectors[:, 1]) / np.sqrt(2)


def contour_lines(hessian, start) -> np.ndarray:
    """Return x and y of the ellipses where the loss is a share of the start's, with gaps between them."""
    values, vectors = np.linalg.eigh(hessian)
    loss, gap = start @ hessian @ start / 2, np.full((2, 1), np.nan)
    axes = (np.sqrt(2 * share * loss / values) for share in CONTOURS)
    lines = [np.hstack([(vectors * np.minimum(lengths, 1e3)) @ CIRCLE, gap]) for lengths in axes]
    return np.hstack(lines)


def _turned(vector):
    """The eigenvector whose larger entry is positive, so that the start doesn't jump from step to step."""
    return vector * np.sign(vector[np.abs(vector).argmax()])


def _round_cloud():
    """Points whose covariance is the identity, exactly."""
    x = np.random.default_rng(0).standard_normal((POINTS, 2))
    return PREPROCESSORS["zca"].fit(x).transform(x)


def _root(C):
    """A square root of a covariance, for the ellipse that its unit circle becomes."""
    values, vectors = np.linalg.eigh(C)
    return vectors * np.sqrt(np.maximum(values, 0))


def _in_words(cloud, C, kappa):
    if kappa < 1 + NEAR_ZERO:
        return "One step reaches the minimum: no distance is left."
    if cloud == "synthetic":
        return ""
    return data.notice() or TEXT["own"].format(C[0, 1] / np.sqrt(C[0, 0] * C[1, 1]))


def _rounded(value):
    """The value, with what is only rounding set to 0."""
    return 0.0 if abs(value) < 1e-9 else float(value)
