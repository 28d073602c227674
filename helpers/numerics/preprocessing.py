"""Preprocessing of inputs: fitted on the training data, and then applied to any data unchanged.

Every entry of `PREPROCESSORS` has a `fit` that takes the training data and nothing else. It returns a
frozen transform with `transform(x)` and `inverse_transform(z)`, as in scikit-learn, which holds its own
numbers: no later data can change them::

    fitted = PREPROCESSORS["standardize"].fit(x_train)
    z_train, z_test = fitted.transform(x_train), fitted.transform(x_test)

Variances are means of squares over all n examples (divided by n, not by n − 1), as in scikit-learn's
StandardScaler. Numbers are computed and returned in float64, whatever type comes in.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# A direction with less than this share of the largest variance counts as having none: in float64 the rounding
# of the covariance is of the order 1e-16, so that above it the whitened variance is 1 to better than 1e-6.
RANK_TOLERANCE = 1e-9

PER = ("pixel", "channel", "set")


@dataclass(frozen=True, eq=False)
class Scaling:
    """A fitted shift and scale, z = (x − mean) / scale, in the shape of one example or wider."""

    mean: np.ndarray
    scale: np.ndarray

    def __post_init__(self):
        _keep_copies(self, "mean", "scale")

    def transform(self, x) -> np.ndarray:
        """Return z = (x − mean) / scale for examples (n, …)."""
        return (_examples(x, self.mean) - self.mean) / self.scale

    def inverse_transform(self, z) -> np.ndarray:
        """Return x = z · scale + mean."""
        return _examples(z, self.mean) * self.scale + self.mean


@dataclass(frozen=True, eq=False)
class LinearMap:
    """A fitted shift and matrix product, z = (x − mean) @ matrix.

    `mean` is (features,), `matrix` (features, components), `back` (components, features), and `variances`
    (features,) are those along all principal axes of the training data, largest first.
    """

    mean: np.ndarray
    matrix: np.ndarray
    back: np.ndarray
    variances: np.ndarray

    def __post_init__(self):
        _keep_copies(self, "mean", "matrix", "back", "variances")

    def transform(self, x) -> np.ndarray:
        """Return z = (x − mean) @ matrix for examples (n, features)."""
        return (_examples(x, self.mean) - self.mean) @ self.matrix

    def inverse_transform(self, z) -> np.ndarray:
        """Return x = z @ back + mean: exact when nothing was dropped, else the nearest that was kept."""
        return np.asarray(z, np.float64) @ self.back + self.mean


def raw(x_train) -> Scaling:
    """Return the transform that changes nothing."""
    _, width = _table(x_train)[0].shape
    return Scaling(np.zeros(width), np.ones(width))


def center(x_train, per="pixel") -> Scaling:
    """Return z = x − mean, the mean being that of the training data.

    `per` says over what the mean is taken: "pixel" gives every feature a mean of its own; "channel" one for
    each last axis of images (n, height, width, channels); "set" a single one for the whole set.
    Raises ValueError for another `per`, or for data that hold no examples or no finite numbers.
    """
    x = _examples(x_train)
    mean = x.mean(axis=_axes(x, per), keepdims=True)[0]
    return Scaling(mean, np.ones_like(mean))


def standardize(x_train, per="pixel", floor=0.0) -> Scaling:
    """Return z = (x − mean) / std, with the training data's mean and standard deviation.

    `per` is that of `center`. A standard deviation below `floor` is replaced by `floor`, which keeps a pixel
    that hardly ever changes from being blown up. One that never changes is only centered: its std, 0, is
    replaced by 1. Raises ValueError as `center` does, and for a negative floor.
    """
    if not floor >= 0:
        raise ValueError(f"floor must be 0 or more, got {floor}")
    x = _examples(x_train)
    axes = _axes(x, per)
    mean, std = x.mean(axis=axes, keepdims=True)[0], x.std(axis=axes, keepdims=True)[0]
    constant = np.ptp(x, axis=axes, keepdims=True)[0] == 0  # its std may be rounded to more than 0
    std = np.maximum(np.where(constant, 0.0, std), floor)
    return Scaling(mean, np.where(std == 0, 1.0, std))


def pca(x_train, n_components=None) -> LinearMap:
    """Return z = (x − mean) @ V: rotated onto the principal axes, the covariance of z is diagonal.

    The covariance is C = V diag(λ) Vᵀ; the columns of V are its eigenvectors, largest variance first, each
    with its largest entry positive. `n_components` drops all but the first so many. `x_train` is
    (n, features).
    Raises ValueError for an `n_components` outside 1 … features.
    """
    mean, variances, V = principal_axes(x_train)
    V = V[:, : _count(n_components, len(variances))]
    return LinearMap(mean, V, V.T, variances)


def whiten(x_train, n_components=None, eps=0.0) -> LinearMap:
    """Return z = (x − mean) @ V diag(1 / √(λ + ε)): the covariance of z is the identity.

    Where some direction has no variance (λ below `RANK_TOLERANCE` of the largest; so it is with images,
    whose border pixels never change, and with fewer examples than features) there is no such z. You then
    choose: `n_components` drops all but the first so many directions, and z has so many columns,
    covariance the identity; or `eps` > 0 is added to every λ, and the variances of z are λ / (λ + ε),
    less than 1. Raises ValueError where neither is given for such data, for an `n_components` beyond the
    rank without `eps`, or for a negative `eps`.
    """
    mean, variances, V = principal_axes(x_train)
    V, roots = _roots(variances, V, n_components, eps)
    return LinearMap(mean, V / roots, roots[:, None] * V.T, variances)


def zca(x_train, n_components=None, eps=0.0) -> LinearMap:
    """Return z = (x − mean) @ V diag(1 / √(λ + ε)) Vᵀ: whitened, and rotated back to where the pixels were.

    Of all whitenings it changes the data least (Kessy, Lewin, Strimmer 2018). Data without variance in some
    direction are treated as in `whiten`; with `n_components` z still has all its columns, but not more rank.
    """
    mean, variances, V = principal_axes(x_train)
    V, roots = _roots(variances, V, n_components, eps)
    return LinearMap(mean, (V / roots) @ V.T, (V * roots) @ V.T, variances)


def principal_axes(x) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (mean, λ, V) of data (n, features): C = V diag(λ) Vᵀ, with λ from the largest down.

    Each column of V is turned so that its entry of largest size is positive; no λ is below 0.
    """
    x, mean = _table(x)
    variances, V = np.linalg.eigh(covariance(x))
    variances, V = np.maximum(variances[::-1], 0), V[:, ::-1]
    largest = np.abs(V).argmax(axis=0)
    return mean, variances, V * np.where(V[largest, np.arange(V.shape[1])] < 0, -1.0, 1.0)


def covariance(x) -> np.ndarray:
    """Return C = (x − mean)ᵀ (x − mean) / n of data (n, features)."""
    x, mean = _table(x)
    centered = x - mean
    return centered.T @ centered / len(x)


def rank(variances) -> int:
    """Return how many variances λ are more than rounding: above `RANK_TOLERANCE` of the largest."""
    return int(np.sum(variances > RANK_TOLERANCE * variances.max()))


@dataclass(frozen=True)
class Preprocessor:
    """One step: its `fit(x_train, **options)`, which gives the transform, and what it does in words."""

    name: str
    label: str
    fit: Callable
    formula: str
    covariance: str


_ENTRIES = (
    ("raw", "raw", raw, "x", "C, as it comes"),
    ("center", "centered", center, "x − mean", "C, unchanged"),
    ("standardize", "standardized", standardize, "(x − mean) / std", "1 on the diagonal"),
    ("pca", "PCA", pca, "(x − mean) V", "diagonal, largest first"),
    ("whiten", "whitened", whiten, "(x − mean) V / √λ", "the identity"),
    ("zca", "ZCA", zca, "(x − mean) V / √λ Vᵀ", "the identity"),
)

PREPROCESSORS: dict[str, Preprocessor] = {entry[0]: Preprocessor(*entry) for entry in _ENTRIES}


def _keep_copies(fitted, *names):
    """Replace arrays of a fitted transform by copies that nobody can write to."""
    for name in names:
        own = np.array(getattr(fitted, name), np.float64)
        own.flags.writeable = False
        object.__setattr__(fitted, name, own)


def _examples(x, mean=None):
    """The data as float64, once it holds examples, all finite and in the shape that the transform knows."""
    x = np.asarray(x, np.float64)
    if x.ndim < 2 or not x.size:
        raise ValueError(f"data must be examples, of shape (n, features) or more axes, got shape {x.shape}")
    if mean is not None and not _fits(x.shape[1:], mean.shape):
        raise ValueError(f"fitted on examples of shape {mean.shape}, got examples of shape {x.shape[1:]}")
    if mean is None and not np.isfinite(x).all():
        raise ValueError("data to fit on must be finite, got inf or nan in it")
    return x


def _fits(shape, known):
    return len(shape) == len(known) and all(k in (1, size) for size, k in zip(shape, known, strict=True))


def _table(x):
    """The data (n, features) and its mean; raises ValueError for images that are not flat."""
    x = _examples(x)
    if x.ndim != 2:
        raise ValueError(f"data must have shape (n, features), got {x.shape}; reshape images to (n, pixels)")
    return x, x.mean(axis=0)


def _axes(x, per):
    if per not in PER:
        raise ValueError(f"per must be one of {', '.join(PER)}, got {per!r}")
    if per == "channel" and x.ndim != 4:
        raise ValueError(f"per channel wants images (n, height, width, channels), got shape {x.shape}")
    return {"pixel": (0,), "channel": (0, 1, 2), "set": tuple(range(x.ndim))}[per]


def _count(n_components, most):
    if n_components is None:
        return most
    if n_components not in range(1, most + 1):
        raise ValueError(f"n_components must lie in 1 … {most}, got {n_components}")
    return int(n_components)


def _roots(variances, V, n_components, eps):
    """The eigenvectors to keep and √(λ + ε) for each; refuses to divide by a variance that is not there."""
    if not eps >= 0:
        raise ValueError(f"eps must be 0 or more, got {eps}")
    count, found = _count(n_components, len(variances)), rank(variances)
    if count > found and eps == 0:
        raise ValueError(
            f"the data vary in {found} directions only, and {count} shall have variance 1: "
            f"give n_components = {found} or less, or eps > 0"
        )
    return V[:, :count], np.sqrt(variances[:count] + eps)
