"""What several seeds say together: median and range, and differences taken seed by seed."""

from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95


def spread(values) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the smallest, the median and the largest over the seeds, which are the rows of `values`."""
    values = np.asarray(values, float)
    return values.min(axis=0), np.median(values, axis=0), values.max(axis=0)


def median_and_range(values, digits=2) -> tuple[str, str]:
    """Return the median and the range of numbers, one per seed, as a table tells them."""
    if not np.isfinite(values).all():
        return "overflow", "overflow"
    low, middle, high = spread(values)
    return f"{middle:.{digits}f}", f"{low:.{digits}f} to {high:.{digits}f}"


class Difference(NamedTuple):
    """The mean of a − b over the seeds, and the interval it lies in with the confidence asked for."""

    mean: float
    low: float
    high: float

    @property
    def tells_apart(self) -> bool:
        """Whether 0 lies outside of the interval."""
        return self.low > 0 or self.high < 0


def paired_difference(a, b, *, comparisons=1, confidence=CONFIDENCE) -> Difference:
    """Return the mean of a − b over seeds that both share, with Student's t interval.

    mean ± t · s / √n, where s is the standard deviation of the n differences (n − 1 in its denominator) and t
    the quantile at 1 − (1 − confidence) / (2 · comparisons) with n − 1 degrees of freedom. `comparisons` is
    the number of intervals told together: Bonferroni's correction keeps the confidence for all of them. A
    difference that is not finite gives nan.

    Raises ValueError for unequal lengths, fewer than two seeds, or fewer than one comparison.
    Source: Student 1908; Dunn 1961 for the correction.
    """
    from scipy.special import stdtrit  # a tenth of a second, which no lesson's imports should wait for

    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2:
        raise ValueError(f"a and b need the same seeds, two at least; got shapes {a.shape} and {b.shape}")
    if comparisons < 1:
        raise ValueError(f"comparisons must be 1 or more, got {comparisons}")
    with np.errstate(invalid="ignore"):
        gained = a - b
    if not np.isfinite(gained).all():
        return Difference(np.nan, np.nan, np.nan)
    quantile = stdtrit(len(gained) - 1, 1 - (1 - confidence) / (2 * comparisons))
    reach = quantile * gained.std(ddof=1) / np.sqrt(len(gained))
    mean = gained.mean()
    return Difference(float(mean), float(mean - reach), float(mean + reach))
