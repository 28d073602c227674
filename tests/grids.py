"""Small grids for the tests: every main control of a lab at two places."""

from helpers import labs
from tools.grids import GRIDS, points_of, same


def few(name) -> dict:
    """Return a grid of a lab in which each main control stands where it starts, or at its other end."""
    lab = getattr(labs, name)()
    grid = {}
    for control, values in GRIDS[name].items():
        points, start = points_of(lab.widgets[control], values), lab.widgets[control].value
        other = points[0] if same(points[-1], start) else points[-1]
        grid[control] = [point for point in points if same(point, start) or point == other]
    lab.close()
    return grid
