"""Batch normalization: forward, backward, running statistics, inference, folding; and layer normalization.

`x` is (batch, features), or (batch, height, width, channels) after a convolution. Batch normalization takes
its statistics over all axes but the last: one mean, one variance, one `gamma` and one `beta` per feature or
channel, each of shape (features,). The arithmetic stays in the floating-point type of `x`.
Source: Ioffe and Szegedy 2015, arXiv:1502.03167.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

KERAS_EPS, PYTORCH_EPS = 1e-3, 1e-5  # defaults of Keras's BatchNormalization and of PyTorch's BatchNorm


class NormCache(NamedTuple):
    """What a forward pass keeps for the backward pass.

    `mean` and `variance` (biased: divided by the number of values) are the statistics that were used,
    `std` is √(variance + ε), `x_hat` the normalized input in the shape of x.
    """

    x_hat: np.ndarray
    gamma: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    std: np.ndarray

    @property
    def count(self) -> int:
        """The number m of values behind each mean: for batch norm, batch size times positions."""
        return self.x_hat.size // self.mean.size


def batch_norm_forward(x, gamma, beta, eps=KERAS_EPS) -> tuple[np.ndarray, NormCache]:
    """Normalize every feature over the batch, scale and shift it; return the output and a cache.

    μ = Σ x / m,  v = Σ (x − μ)² / m,  x̂ = (x − μ) / √(v + ε),  out = γ x̂ + β, in the shape of x.
    A batch of 1 is allowed: the one value is its own mean, the variance is 0, and the output is β.
    With eps = 0 a feature that is constant over the batch gives nan.
    Raises ValueError for an empty batch, parameters of another shape than (features,), or eps below 0.
    Source: algorithm 1; section 3.2 for convolutions.
    """
    x, gamma, beta = _checked(x, eps, gamma=gamma, beta=beta)
    cache = _normalized(x, gamma, eps, axes=_all_but_last(x))
    return gamma * cache.x_hat + beta, cache


def batch_norm_backward(dout, cache: NormCache) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (dx, dgamma, dbeta), given the loss's gradient with respect to the output.

    dβ = Σ dout,  dγ = Σ dout x̂,  dx = γ / √(v + ε) · (dout − dβ / m − x̂ dγ / m).
    Taking part in its own mean and variance costs each value the two subtracted terms.
    Raises ValueError when dout has another shape than the output.
    """
    dout = _gradient(dout, cache)
    axes, m = _all_but_last(dout), cache.count
    dbeta = dout.sum(axis=axes)
    dgamma = (dout * cache.x_hat).sum(axis=axes)
    dx = cache.gamma / cache.std * (dout - dbeta / m - cache.x_hat * (dgamma / m))
    return dx, dgamma, dbeta


def batch_norm_backward_staged(dout, cache: NormCache) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the same as `batch_norm_backward`, walking back over the computation graph one node a line.

    Forward: μ → centered = x − μ → square → v = Σ square / m → std = √(v + ε) → inverse = 1 / std
    → x̂ = centered · inverse → out = γ x̂ + β. `centered` and x feed two nodes each: their gradients add up.
    Raises ValueError when dout has another shape than the output.
    """
    dout = _gradient(dout, cache)
    axes, m = _all_but_last(dout), cache.count
    centered, inverse = cache.x_hat * cache.std, 1 / cache.std
    dbeta = dout.sum(axis=axes)  #                           out = γ x̂ + β
    dgamma = (dout * cache.x_hat).sum(axis=axes)
    dx_hat = dout * cache.gamma
    dinverse = (dx_hat * centered).sum(axis=axes)  #         x̂ = centered · inverse
    dcentered = dx_hat * inverse
    dstd = -dinverse * inverse**2  #                         inverse = 1 / std
    dvariance = dstd * inverse / 2  #                        std = √(v + ε)
    dsquare = dvariance / m  #                               v = Σ square / m
    dcentered = dcentered + 2 * centered * dsquare  #        square = centered²
    dmean = -dcentered.sum(axis=axes)  #                     centered = x − μ
    dx = dcentered + dmean / m  #                            μ = Σ x / m
    return dx, dgamma, dbeta


def normalize(x, mean, variance, gamma, beta, eps=KERAS_EPS) -> np.ndarray:
    """Return γ (x − mean) / √(variance + ε) + β with given statistics: the form used at inference.

    Every value is treated alone: what else is in the batch no longer matters. All four parameters have
    shape (features,). Raises ValueError as `batch_norm_forward`, and for a negative variance.
    Source: algorithm 2, step 11.
    """
    x, gamma, beta, mean, variance = _checked(x, eps, gamma=gamma, beta=beta, mean=mean, variance=variance)
    return gamma * ((x - mean) / np.sqrt(variance + eps)) + beta


@dataclass(frozen=True)
class Convention:
    """How one source keeps the statistics for inference; all three normalize with the biased variance.

    `stores` is "biased" (Σ/m) or "unbiased" (Σ/(m−1)): the variance that is kept. `momentum` is the factor
    on what `weighs` names, the "old" or the "new" value; where it is "all", every batch counts alike and
    there is no momentum. `eps` is the default ε; the paper names no number, which is None here.
    """

    name: str
    stores: str
    weighs: str
    momentum: float | None
    eps: float | None
    source: str

    def weight_of_new(self, batches, momentum=None) -> float:
        """Return the share of the new value in the running one, after `batches` earlier batches."""
        momentum = self.momentum if momentum is None else momentum
        if self.weighs == "all":
            return 1 / (batches + 1)
        return 1 - momentum if self.weighs == "old" else momentum


CONVENTIONS = {
    "paper": Convention("paper", "unbiased", "all", None, None, "Ioffe and Szegedy 2015, algorithm 2"),
    "keras": Convention("keras", "biased", "old", 0.99, KERAS_EPS, "keras.layers.BatchNormalization"),
    "pytorch": Convention("pytorch", "unbiased", "new", 0.1, PYTORCH_EPS, "torch.nn.BatchNorm1d"),
}


@dataclass(frozen=True)
class RunningStatistics:
    """Mean and variance of each feature as inference will use them, and how many batches went into them."""

    mean: np.ndarray
    variance: np.ndarray
    batches: int = 0


def initial_statistics(features) -> RunningStatistics:
    """Return mean 0 and variance 1 for every feature, where both libraries start.

    Raises ValueError for fewer than one feature.
    """
    if features < 1:
        raise ValueError(f"features must be 1 or more, got {features}")
    return RunningStatistics(np.zeros(features), np.ones(features))


def update_running(
    statistics: RunningStatistics, mean, variance, count, convention="keras", *, momentum=None
) -> RunningStatistics:
    """Return the statistics after one more batch, of which `mean` and the biased `variance` are given.

    new = (1 − w) · old + w · batch, where w is what the convention says. `count` is the number m of values
    per feature: where the unbiased variance is stored, the batch's is first multiplied by m / (m − 1).
    `convention` is a name in `CONVENTIONS` or a `Convention`; `momentum` replaces its default.
    Raises ValueError for an unknown name, a momentum outside 0 … 1, other shapes, or too small a count.
    """
    convention = get_convention(convention)
    if momentum is not None and not 0 <= momentum <= 1:
        raise ValueError(f"momentum must lie in 0 … 1, got {momentum}")
    mean, variance = np.asarray(mean), np.asarray(variance)
    if not mean.shape == variance.shape == statistics.mean.shape:
        raise ValueError(
            f"mean and variance must be {statistics.mean.shape}, got {mean.shape}, {variance.shape}"
        )
    if count < 1:
        raise ValueError(f"count must be 1 or more, got {count}")
    if convention.stores == "unbiased":
        variance = unbiased(variance, count)
    w = convention.weight_of_new(statistics.batches, momentum)
    return RunningStatistics(
        (1 - w) * statistics.mean + w * mean,
        (1 - w) * statistics.variance + w * variance,
        statistics.batches + 1,
    )


def expected_running(start, average, momentum, batches) -> np.ndarray:
    """Return where a running value stands on average after `batches` batches, its momentum on the old value.

    start pᵗ + average (1 − pᵗ): each batch leaves the share p of the way that was left before it. `average`
    is what one batch gives on average: of a biased variance, (m − 1) / m of the population's.
    Raises ValueError for a momentum outside 0 … 1.
    """
    if not 0 <= momentum <= 1:
        raise ValueError(f"momentum must lie in 0 … 1, got {momentum}")
    left = float(momentum) ** np.asarray(batches)
    return start * left + average * (1 - left)


def unbiased(variance, count) -> np.ndarray:
    """Return m / (m − 1) times the biased variance of m values: on average the population's variance.

    Raises ValueError for a count below 2: one value tells nothing about the spread.
    """
    if count < 2:
        raise ValueError(f"an unbiased variance needs 2 values or more per feature, got {count}")
    return np.asarray(variance) * (count / (count - 1))


def batch_statistics(x) -> tuple[np.ndarray, np.ndarray, int]:
    """Return (mean, biased variance, number of values per feature) of a batch, the first two (features,).

    Raises ValueError for an empty batch or fewer than two axes.
    """
    (x,) = _checked(x, 0)
    mean, variance, _ = _moments(x, _all_but_last(x))
    return mean.reshape(-1), variance.reshape(-1), x.size // x.shape[-1]


def get_convention(convention) -> Convention:
    """Return the entry of `CONVENTIONS` of that name, or the `Convention` itself.

    Raises ValueError for an unknown name, and tells the known ones.
    """
    if isinstance(convention, Convention):
        return convention
    if convention not in CONVENTIONS:
        raise ValueError(f"unknown convention {convention!r}; choose one of {', '.join(CONVENTIONS)}")
    return CONVENTIONS[convention]


def fold(W, b, gamma, beta, mean, variance, eps=KERAS_EPS) -> tuple[np.ndarray, np.ndarray]:
    """Return (W', b') of one layer that does what the layer and the batch normalization after it did.

    s = γ / √(variance + ε),  W' = W s,  b' = β + (b − mean) s, with the statistics used at inference.
    W is (fan_in, fan_out) or a kernel (height, width, in, out): its last axis is scaled. `b` is (fan_out,),
    or 0 for a layer without one. Raises ValueError for other shapes, eps below 0, a negative variance.
    """
    b = np.broadcast_to(b, np.shape(W)[-1:]) if np.ndim(b) == 0 else b
    W, b, gamma, beta, mean, variance = _checked(
        W, eps, b=b, gamma=gamma, beta=beta, mean=mean, variance=variance
    )
    scale = gamma / np.sqrt(variance + eps)
    return W * scale, beta + (b - mean) * scale


def layer_norm_forward(x, gamma, beta, eps=KERAS_EPS) -> tuple[np.ndarray, NormCache]:
    """Normalize every example over its own features, scale and shift it; return the output and a cache.

    As batch normalization, with mean and variance over the last axis instead of all others: an example's
    output does not depend on its batch, and training and inference are the same.
    Raises ValueError as `batch_norm_forward`. Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450.
    """
    x, gamma, beta = _checked(x, eps, gamma=gamma, beta=beta)
    cache = _normalized(x, gamma, eps, axes=-1)
    return gamma * cache.x_hat + beta, cache


def layer_norm_backward(dout, cache: NormCache) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (dx, dgamma, dbeta) of layer normalization, given the gradient with respect to its output.

    With dx̂ = γ dout and means over each example's features:
    dx = (dx̂ − mean(dx̂) − x̂ mean(dx̂ x̂)) / √(v + ε);  dγ = Σ dout x̂ and dβ = Σ dout over all else.
    Raises ValueError when dout has another shape than the output.
    """
    dout = _gradient(dout, cache)
    axes = _all_but_last(dout)
    dx_hat = dout * cache.gamma
    along = (dx_hat * cache.x_hat).mean(axis=-1, keepdims=True)
    dx = (dx_hat - dx_hat.mean(axis=-1, keepdims=True) - cache.x_hat * along) / cache.std
    return dx, (dout * cache.x_hat).sum(axis=axes), dout.sum(axis=axes)


class SharedCache(NamedTuple):
    """What `shared_norm_forward` keeps; all but `gamma` have the shape of x.

    `count` is how many numbers share each one's statistics; `std` is √(variance + ε).
    """

    x_hat: np.ndarray
    gamma: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    std: np.ndarray
    labels: np.ndarray


def shared_norm_forward(x, gamma, beta, labels, eps=KERAS_EPS) -> tuple[np.ndarray, SharedCache]:
    """Normalize numbers that bear the same label together, scale and shift; return the output and a cache.

    x is (batch, features), `labels` whole numbers of that shape, from 0 on. A label per column is batch
    normalization, a label per row layer normalization, several per row group normalization (Wu and He 2018,
    arXiv:1803.08494). Raises ValueError for labels of another shape or kind, and as `batch_norm_forward`.
    """
    x, gamma, beta = _checked(x, eps, gamma=gamma, beta=beta)
    labels = np.asarray(labels)
    if labels.shape != x.shape or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(
            f"labels must be whole numbers from 0 on of shape {x.shape}, got {labels.dtype} {labels.shape}"
        )
    mean = _mean_of_label(x, labels)
    variance = _mean_of_label((x - mean) ** 2, labels)
    std = np.sqrt(variance + eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, SharedCache(x_hat, gamma, mean, variance, std, labels)


def shared_norm_backward(dout, cache: SharedCache) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (dx, dgamma, dbeta), given the loss's gradient with respect to the output.

    With dx̂ = γ dout and means over equal labels: dx = (dx̂ − mean(dx̂) − x̂ mean(dx̂ x̂)) / √(v + ε).
    """
    dx_hat = dout * cache.gamma
    along = _mean_of_label(dx_hat * cache.x_hat, cache.labels)
    dx = (dx_hat - _mean_of_label(dx_hat, cache.labels) - cache.x_hat * along) / cache.std
    return dx, (dout * cache.x_hat).sum(axis=0), dout.sum(axis=0)


def _mean_of_label(values, labels):
    """The mean over all numbers of a label, at each of them."""
    flat = labels.ravel()
    return (np.bincount(flat, values.ravel()) / np.maximum(np.bincount(flat), 1))[labels]


def _normalized(x, gamma, eps, axes):
    mean, variance, centered = _moments(x, axes)
    std = np.sqrt(variance + eps)
    with np.errstate(invalid="ignore"):  # 0 / 0 where eps is 0 and a feature constant: nan, as promised
        x_hat = centered / std
    if axes == -1:  # layer norm: one mean per example, kept as a column
        return NormCache(x_hat, gamma, mean, variance, std)
    return NormCache(x_hat, gamma, *(array.reshape(-1) for array in (mean, variance, std)))


def _moments(x, axes):
    """Mean, biased variance about it, and x − mean; the sums run in float64, or long batches lose digits."""
    mean = x.mean(axis=axes, keepdims=True, dtype=np.float64).astype(x.dtype)
    centered = x - mean  # the textbook's mean(x²) − mean(x)² loses all digits where the mean is large
    variance = np.square(centered).mean(axis=axes, keepdims=True, dtype=np.float64).astype(x.dtype)
    return mean, variance, centered


def _all_but_last(x):
    return tuple(range(x.ndim - 1))


def _checked(x, eps, **parameters):
    """`x` and the parameters as arrays of one floating-point type; ValueError where they don't fit."""
    x = np.asarray(x)
    if x.ndim < 2 or x.size == 0:
        raise ValueError(f"expected two axes or more, (…, features), none of them empty, got {x.shape}")
    if not eps >= 0:
        raise ValueError(f"eps must be 0 or more, got {eps}")
    dtype = x.dtype if np.issubdtype(x.dtype, np.floating) else np.float64
    arrays = {name: np.asarray(value, dtype) for name, value in parameters.items()}
    for name, array in arrays.items():
        if array.shape != x.shape[-1:]:
            raise ValueError(
                f"{name} must have shape {x.shape[-1:]}, one number per feature, got {array.shape}"
            )
    if "variance" in arrays and (arrays["variance"] < 0).any():
        raise ValueError(f"variance must be 0 or more, got {arrays['variance'].min()}")
    return x.astype(dtype, copy=False), *arrays.values()


def _gradient(dout, cache):
    dout = np.asarray(dout, cache.x_hat.dtype)
    if dout.shape != cache.x_hat.shape:
        raise ValueError(f"dout must have the output's shape {cache.x_hat.shape}, got {dout.shape}")
    return dout
