"""The measures that a Trace is made of: norms, histograms, shares of saturated, dead and equal units, and
what batch normalization remembers. Each is cheap, or read from a small sample, for live figures.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from helpers.numerics.activations import SATURATED_SLOPE, get_activation, largest_slope

BINS = 40
SAFE_SQUARE = 1e-24  # sums of squares between this and its inverse are exact enough in float32
UNBOUNDED_REACH = (
    3.0  # histograms of unbounded activations show three standard deviations of a healthy signal
)
PLACES = 2**17  # so many entries of a convolution's signal give means, shares and histograms to three digits
EXAMPLES = 32  # so many examples of a batch tell units apart …
WEIGHTS = 64  # … and so many rows of their weights
ROWS = 4  # of which so many tell quickly that no units are equal
ALIKE = 1e-4  # equal up to rounding: float32 has 7 digits, and sums of hundreds of terms lose 2 or 3


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


def shares_off_and_on(slope, both=True) -> tuple[float, float]:
    """Return the shares of units (the last axis) whose derivative is 0 on every example, and on none.

    Without `both` the second is 0: it means nothing where the derivative is never 0.
    """
    axes, passes = tuple(range(slope.ndim - 1)), slope != 0
    return float(np.mean(~passes.any(axis=axes))), float(np.mean(passes.all(axis=axes))) if both else 0.0


class BatchNormSignal(NamedTuple):
    """What a batch normalization sees in a batch, beside what it remembers for inference.

    `count` is the number of values m per feature; `shift` the median over the features of |batch mean −
    moving mean| in standard deviations, `stretch` that of |ln(batch variance / moving variance)|. `fresh`
    says that nothing was ever learned or remembered: mean 0, variance 1, γ and β as they began.
    """

    count: int
    shift: float
    stretch: float
    fresh: bool


def batch_norm_signal(x, *, mean, variance, eps, trained) -> BatchNormSignal:
    """Return the `BatchNormSignal` of what enters a batch normalization, `x` of shape (batch, …, features).

    `mean` and `variance` are the moving ones; `trained` says whether anything was ever learned. Of very many
    places some are read.
    """
    count, x = x.size // x.shape[-1], some_places(x)
    values = x.reshape(-1, x.shape[-1]).astype(np.float64)
    mean, variance = np.asarray(mean, np.float64), np.asarray(variance, np.float64)
    found, spread = values.mean(axis=0), values.var(axis=0)
    shift = np.abs(found - mean) / np.sqrt((spread + variance) / 2 + eps)
    stretch = np.abs(np.log((spread + eps) / (variance + eps)))
    initial = bool((mean == 0).all() and (variance == 1).all())
    return BatchNormSignal(count, float(np.median(shift)), float(np.median(stretch)), initial and not trained)


def some_places(a) -> np.ndarray:
    """Return an array (batch, places …, channels) with so few of its places, evenly spaced, that it has not
    many more entries than `PLACES`."""
    axes = a.ndim - 2
    if axes < 1 or a.size <= PLACES:
        return a
    stride = int(np.ceil((a.size / PLACES) ** (1 / axes)))
    return np.ascontiguousarray(a[(slice(None), *[slice(None, None, stride)] * axes)])


def shares_equal(W, z, dz) -> tuple[float, float]:
    """Return the shares of units that another one equals, and of those that stay equal.

    Equal units have the same weights, not all 0, and pre-activations; they stay equal where their gradients
    are the same too, for then every update is. `W` has the units on its last axis. A gradient of 0 in one of
    two units counts as the same, since dropout may have switched that one off.
    """
    units = z.shape[-1]
    if units < 2 or W.shape[-1] != units:
        return 0.0, 0.0
    columns = W.reshape(-1, units)
    columns = columns[:: max(1, len(columns) // WEIGHTS)]
    if not _any_alike(columns):
        return 0.0, 0.0
    return _of_neighbors(columns, z.reshape(-1, units)[:EXAMPLES], dz.reshape(-1, units)[:EXAMPLES])


def _any_alike(columns):
    """Whether columns may be equal, judged cheaply: each of a few rows has two entries alike, or none are."""
    rows = np.sort(columns[:: max(1, len(columns) // ROWS)], axis=1)
    return bool((np.diff(rows) <= ALIKE * np.abs(rows[:, 1:])).any(axis=1).all())


def _of_neighbors(W, z, dz):
    """The shares of columns that equal a neighbor, once sorted: in weights and z, and in dz too."""
    order = np.lexsort(np.round(_directions(W), 4))
    one, other = order[1:], order[:-1]
    same_W, same_z, same_dz = (
        (np.abs(a[:, one] - a[:, other]) <= ALIKE * np.abs(a).max(initial=0)) for a in (W, z, dz)
    )
    same_dz |= (dz[:, one] == 0) | (dz[:, other] == 0)
    equal, stay = same_W.all(axis=0) & same_z.all(axis=0), same_dz.all(axis=0)
    return _in_pairs(equal & (W[:, one].any(axis=0) | stay)), _in_pairs(equal & stay)


def _in_pairs(pairs):
    """The share of units that a pair holds; `pairs` tells of each two neighbors whether they are one."""
    return float(np.mean(np.append(pairs, False) | np.append(False, pairs)))


def _directions(columns):
    """Three numbers that columns which are equal have in common."""
    rng = np.random.default_rng(0)
    scale = np.abs(columns).max(initial=0) or 1
    return rng.standard_normal((3, len(columns))) @ (columns / scale)
