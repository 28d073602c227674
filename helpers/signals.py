"""The Trace: layer by layer, what went forward through a network and what came back.

Every plot, lab and finding reads a `Trace`; `trace(model, x, y)` takes one from a network and a batch.
"""

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from helpers.activations import ACTIVATIONS, get_activation
from helpers.network import MLP, cross_entropy

BINS = 40
SAFE_SQUARE = 1e-24  # sums of squares between this and its inverse are exact enough in float32
SATURATED_SLOPE = 0.05  # saturated: the derivative is below a twentieth of its largest value
UNBOUNDED_REACH = (
    3.0  # histograms of unbounded activations show three standard deviations of a healthy signal
)


@dataclass(frozen=True)
class Histogram:
    """Counts of activations in equal bins from `low` to `high`; what lies outside is in the end bins."""

    counts: np.ndarray
    low: float
    high: float

    @property
    def edges(self) -> np.ndarray:
        """The bins' borders, one more than there are bins."""
        return np.linspace(self.low, self.high, len(self.counts) + 1)

    @property
    def shares(self) -> np.ndarray:
        """The share of the activations in each bin; all 0 when every value is nan."""
        return self.counts / max(self.counts.sum(), 1)


@dataclass(frozen=True)
class LayerSignal:
    """One layer's vital signs on one batch.

    `mean`, `std`: of the activations h over batch and units; `z_mean`, `z_std`: of the pre-activations.
    `share_saturated`: share of all z whose derivative is below `SATURATED_SLOPE` of the activation's
    largest. `share_dead`: share of units whose derivative is 0 on every example. `grad_z_norm`,
    `grad_W_norm`: norms of the mean loss's gradient with respect to the pre-activations (over batch and
    units) and the weights. `finite` is false once any activation is inf or nan.
    """

    name: str
    activation: str
    histogram: Histogram
    z_mean: float
    z_std: float
    mean: float
    std: float
    share_saturated: float
    share_dead: float
    grad_z_norm: float
    grad_W_norm: float
    W_norm: float
    finite: bool


NUMBERS = tuple(field.name for field in fields(LayerSignal) if field.type is float or field.type == "float")


@dataclass(frozen=True)
class Trace:
    """The vital signs of every layer, first to last, on one batch; the last layer holds the logits.

    `loss` is the mean loss; `output_error` the squared norm of the loss's gradient with respect to each
    example's logits, shape (batch,), from which theory predicts the gradients before it.
    """

    layers: tuple[LayerSignal, ...]
    loss: float
    examples: int
    input_mean: float
    input_std: float
    output_error: np.ndarray

    @property
    def hidden(self) -> tuple[LayerSignal, ...]:
        """The layers before the output."""
        return self.layers[:-1]

    def per_layer(self, quantity) -> np.ndarray:
        """Return one number per hidden layer, as in `per_layer("std")`; raises ValueError for other names."""
        if quantity not in NUMBERS:
            raise ValueError(f"unknown quantity {quantity!r}; choose one of {', '.join(NUMBERS)}")
        return np.array([getattr(layer, quantity) for layer in self.hidden])

    def __repr__(self):
        return f"Trace of {len(self.layers)} layers on {self.examples} examples, loss {self.loss:.4g}"


def trace(model, x, y, *, weights=True) -> Trace:
    """Return the `Trace` of a network on one batch: `x` of shape (batch, inputs), integer labels `y`.

    Without `weights` the gradients of the weights are left out and `grad_W_norm` is nan: quicker, for live
    figures that don't show them. Works at any scale: overflow turns up as inf or nan in the numbers, never
    as an error or a warning. Raises ValueError for a model of an unknown kind or a batch that doesn't fit.
    """
    if not isinstance(model, MLP):
        raise ValueError(f"can't trace a {type(model).__name__}; a helpers.network.MLP is needed")
    x = np.asarray(x, dtype=model.weights[0].dtype)
    with np.errstate(all="ignore"):
        forward = model.forward(x)
        loss, dlogits = cross_entropy(forward.logits, y)
        gradients = model.backward(forward, dlogits, weights=weights)
        activations = [model.activation] * model.depth + [ACTIVATIONS["linear"]]
        layers = tuple(
            _layer_signal(f"layer {i + 1}", activation, forward, gradients, model.weights[i], i)
            for i, activation in enumerate(activations)
        )
        error = np.square(dlogits, dtype=np.float64).sum(axis=1)
        return Trace(layers, loss, len(x), *mean_and_std(x), error)


def _layer_signal(name, activation, forward, gradients, W, i):
    z, slope = forward.z[i], gradients.slope[i]
    h = forward.h[i + 1] if i + 1 < len(forward.h) else z
    z_mean, z_std = mean_and_std(z)
    mean, std = mean_and_std(h)
    return LayerSignal(
        name=name,
        activation=activation.name,
        histogram=histogram(h, *histogram_range(activation)),
        z_mean=z_mean,
        z_std=z_std,
        mean=mean,
        std=std,
        share_saturated=share_saturated(slope, activation),
        share_dead=share_dead(slope),
        grad_z_norm=norm(gradients.dz[i]),
        grad_W_norm=norm(gradients.dW[i]) if gradients.dW else float("nan"),
        W_norm=norm(W),
        finite=bool(np.isfinite(std)),
    )


def histogram_range(activation) -> tuple[float, float]:
    """Return the range to draw an activation's output in: its limits where it has them, else up to ±3."""
    low, high = get_activation(activation).limits
    return max(float(low), -UNBOUNDED_REACH), min(float(high), UNBOUNDED_REACH)


def histogram(values, low, high, bins=BINS) -> Histogram:
    """Return the `Histogram` of all values; nan values are left out.

    Each value's bin is computed, not searched for, and `np.bincount` counts: three times as quick as
    `np.histogram`.
    """
    number = values.dtype.type
    places = values * number(bins / (high - low)) - number(low * bins / (high - low))
    np.clip(places, 0, bins - 1, out=places)
    if np.isnan(places.sum()):
        places = places[~np.isnan(places)]
    return Histogram(np.bincount(places.ravel().astype(np.intp), minlength=bins), low, high)


def mean_and_std(a) -> tuple[float, float]:
    """Return the mean and the standard deviation over all entries; the std is taken about the mean, so that
    a small spread about a large mean keeps its digits."""
    mean = a.mean()
    return float(mean), norm(a - mean) / a.size**0.5


def norm(a) -> float:
    """Return the Euclidean norm over all entries, also where the squares would underflow or overflow."""
    a = a.ravel()
    with np.errstate(over="ignore"):
        square = float(np.dot(a, a))
    if SAFE_SQUARE < square < 1 / SAFE_SQUARE:
        return square**0.5
    largest = float(max(a.max(), -a.min()))
    if not np.isfinite(largest) or largest == 0:
        return largest
    scaled = a.astype(np.float64) / largest
    return largest * float(np.sqrt(np.dot(scaled, scaled)))


def share_saturated(slope, activation) -> float:
    """Return the share of all pre-activations whose derivative is below `SATURATED_SLOPE` of its largest."""
    limit = slope.dtype.type(SATURATED_SLOPE * largest_slope(activation))
    return float(np.count_nonzero(np.abs(slope) < limit) / slope.size)


def share_dead(slope) -> float:
    """Return the share of units whose derivative is exactly 0 on every example of the batch."""
    return float(np.mean(~(slope != 0).any(axis=0)))


@lru_cache(maxsize=64)
def largest_slope(activation) -> float:
    """Return the largest derivative of an activation, found on a fine grid."""
    return float(np.abs(get_activation(activation).df(np.linspace(-6, 6, 1201))).max())
