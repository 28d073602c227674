"""Contours lie where the value is that of the level."""

import numpy as np

from helpers.plots.contours import contour

X, Y = np.linspace(-2, 2, 81), np.linspace(-3, 3, 121)
BOWL = X**2 + Y[:, None] ** 2


def test_a_bowl_has_circles_with_gaps_between_them():
    line = contour(X, Y, BOWL, (1, 2.25), "level", "equal height")
    radius = np.hypot(line.x, line.y)
    drawn = radius[np.isfinite(radius)]
    assert np.isclose(np.unique(drawn.round(1)), (1.0, 1.5)).all()
    steps = np.hypot(np.diff(line.x), np.diff(line.y))
    assert steps[np.isfinite(steps)].max() < 0.1, "two circles are joined"
    assert line.label == "equal height"


def test_a_level_that_is_nowhere_draws_nothing():
    assert np.isnan(contour(X, Y, BOWL, (-1,), "level").x).all()
