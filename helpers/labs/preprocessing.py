"""Preprocessing: a cloud of points, its covariance and its loss, through each step."""

import numpy as np

from helpers import data
from helpers.labs import live
from helpers.numerics.conditioning import condition_number, descent, predicted_steps, second_moments
from helpers.numerics.preprocessing import PREPROCESSORS, covariance
from helpers.plots.frame import Axis, Frame, Image, Line, Panel, Points, Text, beside, stacked
from helpers.plots.over_layers import layers_panel

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

CLOUDS = {
    "synthetic": "drawn points",
    "regions": "images: sides, middle",
    "pixels": "images: two neighbor pixels",
}
OWN = "Images keep their own correlation, here {0:.2f}."


class PreprocessingLab(live.LiveFigure):
    """The cloud with its ellipse, its covariance matrix, and gradient descent on a loss over these inputs."""

    READ_OUT = {
        "mean_1": "mean of x₁",
        "mean_2": "mean of x₂",
        "var_1": "variance of x₁",
        "var_2": "variance of x₂",
        "covariance": "their covariance",
        "condition_of_covariance": "condition number κ of the covariance",
        "condition_of_loss": "κ of the loss",
        "steps_predicted": f"steps to shrink the slowest error to {FACTOR:g}, predicted",
    }

    def controls(self):
        clouds = [(label, name) for name, label in CLOUDS.items()]
        return {
            "cloud": live.choice("data", clouds, "synthetic"),
            "step": live.choice("step", [(e.label, e.name) for e in PREPROCESSORS.values()], "raw"),
            "correlation": live.real("correlation", -0.99, 0.99, 0.01, 0.8),
            "offset": live.real("offset, in std", 0, 10, 0.1, 2.5),
            "ratio": live.steps("scale ratio", RATIOS, 3),
        }

    def update(self, cloud, step, correlation, offset, ratio):
        x, C = points(cloud, correlation, offset, ratio)
        z = PREPROCESSORS[step].fit(x).transform(x)
        measured, hessian = covariance(z), second_moments(z, bias=False)
        kappa = condition_number(hessian)
        errors = descent(hessian, start_of_descent(hessian), STEPS)
        squares = cloud_panel(z, predicted_covariance(step, C)), bowl_panel(hessian, errors)
        right = stacked(matrix_panel(measured), distance_panel(errors, kappa))
        return Frame(
            beside(*squares, right, widths=(3, 3, 2)),
            height=350,
            words=_in_words(cloud, C, kappa),
            numbers={
                "mean_1": _rounded(z[:, 0].mean()),
                "mean_2": _rounded(z[:, 1].mean()),
                "var_1": measured[0, 0],
                "var_2": measured[1, 1],
                "covariance": _rounded(measured[0, 1]),
                "condition_of_covariance": condition_number(measured),
                "condition_of_loss": kappa,
                "steps_predicted": predicted_steps(max(kappa, 1.0 + 1e-9), FACTOR),
            },
        )


def cloud_panel(z, C) -> Panel:
    """Return points (n, 2), their mean, and the ellipse of two standard deviations by the covariance `C`."""
    mean = z.mean(axis=0)
    ellipse = mean + DEVIATIONS * (_root(C) @ CIRCLE).T
    extent = max(np.abs(z).max(), np.abs(ellipse).max())
    reach = next((reach for reach in REACHES if extent < 0.98 * reach), extent)
    axis = Axis(-reach, reach)
    marks = (
        Line((axis.low, axis.high), (0, 0), "zero"),
        Line((0, 0), (axis.low, axis.high), "zero"),
        Points(*z.T, "dot", "points"),
        Line(*ellipse.T, "predicted", "predicted"),
        Points(*mean, "middle", "mean"),
    )
    return Panel(marks, "the cloud, ellipse of 2 std", axis, axis, square=True)


def matrix_panel(C) -> Panel:
    """Return a covariance matrix in colors, orange below 0 and purple above, with its numbers."""
    places = (0.5, 1.5, 0.5, 1.5), (1.5, 1.5, 0.5, 0.5)
    words = [f"{_rounded(value):.3g}" for value in C.ravel()]
    image = Image(
        C / np.abs(C).max(), (0, 2, 0, 2), "PuOr", -2, 2
    )  # half of the colors: pale behind the numbers
    return Panel((image, Text(*places, words)), "covariance", Axis(0, 2), Axis(0, 2), bare=True)


def bowl_panel(hessian, errors) -> Panel:
    """Return contours of the loss over the errors of two weights, with the path of gradient descent."""
    marks = (
        Line(*contour_lines(hessian, errors[0]), "contour"),
        Line(*errors.T, "measured", "measured"),
        Points(0, 0, "goal", "minimum"),
    )
    axis = Axis(-1.3, 1.3, ticks={-1: "-1", 0: "0", 1: "1"})
    return Panel(marks, "loss over two weights", axis, axis, square=True)


def distance_panel(errors, kappa) -> Panel:
    """Return the distance to the minimum after each step, measured and predicted, as a share of the start."""
    measured = np.linalg.norm(errors[1:], axis=1) / np.linalg.norm(errors[0])
    predicted = (1 - 1 / kappa) ** np.arange(1, STEPS + 1) / np.sqrt(2)
    shown = (np.where(v > NEAR_ZERO, v, np.nan) for v in (measured, predicted))
    return layers_panel("distance to minimum", *shown, log=True, counts="step", label="step")


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
    return data.notice() or OWN.format(C[0, 1] / np.sqrt(C[0, 0] * C[1, 1]))


def _rounded(value):
    """The value, with what is only rounding set to 0."""
    return 0.0 if abs(value) < 1e-9 else float(value)
