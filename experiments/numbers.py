"""Numbers as they are stored: few digits, None for what is not finite."""

import numpy as np

DIGITS = 4


def rounded(values, digits=DIGITS) -> list:
    """Return numbers as floats of a few significant digits; None stands for what is not finite."""
    return [
        float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in np.asarray(values, float)
    ]


def median_of(values) -> list:
    """Return the medians over the first axis; what is not finite counts as larger than every number."""
    values = np.asarray(values, float)
    middle = np.median(np.where(np.isfinite(values), values, np.inf), axis=0)
    return rounded(middle)


def spread_of(values) -> dict:
    """Return the median, the smallest and the largest over the first axis; what is not finite is infinite."""
    values = np.asarray(values, float)
    filled = np.where(np.isfinite(values), values, -np.inf)
    return {
        "median": rounded(np.median(filled, axis=0)),
        "smallest": rounded(filled.min(axis=0)),
        "largest": rounded(filled.max(axis=0)),
    }
