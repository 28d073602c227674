"""Contours: lines of equal value on a surface."""

import numpy as np
from contourpy import contour_generator

from helpers.plots.frame import Line


def contour(x, y, values, levels, look, label="") -> Line:
    """Return where `values` (len(y), len(x)) over a grid equal one of the levels, as one line with gaps."""
    drawn = contour_generator(x, y, values)
    gap = np.full((1, 2), np.nan)
    pieces = [part for level in levels for line in drawn.lines(level) for part in (line, gap)]
    return Line(*np.concatenate([gap, *pieces]).T, look, label)
