"""What every kind of picture shares: rows and grids of panels, log axes, legends, limits, labels."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from helpers.plots.style import Picture

WIDTH = 9.6  # inches: what a notebook shows without scaling it down


def row_of_panels(count, alt, height=3.0, *, width=WIDTH, **options) -> tuple[Picture, list[Axes]]:
    """Return a picture and its panels side by side; `options` go to Matplotlib's `subplots`."""
    picture = Picture((width, height), alt, layout="constrained")
    return picture, list(picture.subplots(1, count, squeeze=False, **options)[0])


def grid_of_panels(count, columns, alt, height, *, width=WIDTH, **options) -> tuple[Picture, list[Axes]]:
    """Return a picture and its panels, `columns` to a row; places to spare in the last row are hidden."""
    picture = Picture((width, height), alt, layout="constrained")
    panels = list(picture.subplots(-(-count // columns), columns, squeeze=False, **options).flat)
    for spare in panels[count:]:
        spare.set_visible(False)
    return picture, panels[:count]


def legend_below(picture, axes, columns=None, more=()) -> None:
    """Put the legend of `axes` below all panels; `more` holds artists, with labels, that no panel has."""
    handles, labels = axes.get_legend_handles_labels()
    handles, labels = [*handles, *more], [*labels, *(artist.get_label() for artist in more)]
    picture.legend(handles, labels, loc="outside lower center", ncols=columns or len(labels))


def legend_beside(axes) -> None:
    """Put the legend of `axes` to the right of them, where it covers no data."""
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def two_lines(label, at=" + ") -> str:
    """Return a label that breaks at its first `at`, for a narrow place: "ReLU + He" stands on two lines."""
    return label.replace(at, "\n", 1)


def log10(values) -> np.ndarray:
    """Return log10 of the values, and nan, which is not drawn, where there is none."""
    with np.errstate(all="ignore"):
        return finite(np.log10(values))


def finite(values) -> np.ndarray:
    """Return the values as floats, and nan, which is not drawn, for what is not finite."""
    values = np.asarray(values, float)
    return np.where(np.isfinite(values), values, np.nan)


def number_in_words(value) -> str:
    """Return a tick label in plain text: 0.01, 1, 2000, else 1e-7."""
    if not value or 0.01 <= abs(value) < 1e4:
        return f"{value:g}"
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def power_of_ten(exponent) -> str:
    """Return a tick label for 10^exponent in plain text, 0.1, 1, 10, else 1e-7; none between the powers."""
    if not float(exponent).is_integer():
        return ""
    return number_in_words(10.0**exponent) if -2 <= exponent < 4 else f"1e{int(exponent)}"


def label_decades(axes, most=5) -> None:
    """Label an axis that carries log10 with powers of ten: no math text, and a 0 is simply left out."""
    axes.yaxis.set_major_locator(MaxNLocator(most, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda exponent, _: power_of_ten(exponent)))


def log_scale(axis) -> None:
    """Make an axis (`axes.xaxis` or `axes.yaxis`) logarithmic, with plain numbers and no ticks between them.

    Where it spans fewer than three decades, 2 and 5 are labeled too.
    """
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1e3 * low else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number_in_words(value)))
    axis.set_minor_locator(NullLocator())


def whole_numbers(axis, most="auto") -> None:
    """Let an axis have ticks at whole numbers only, at most so many."""
    axis.set_major_locator(MaxNLocator(most, integer=True))


def fitting_limits(values, present, smallest) -> tuple[float, float]:
    """Return axis limits for the finite values: the present ones where they still serve, else new ones.

    Present limits serve while all values lie inside and fill an eighth of them, so that a small step of a
    slider leaves the axis alone and the background need not be redrawn. New ones are `smallest` or wider.
    """
    values = values[np.isfinite(values)]
    if not values.size:
        return present
    low, high = values.min(), values.max()
    width = present[1] - present[0]
    if present[0] <= low and high <= present[1] and max(high - low, smallest / 2) >= width / 8:
        return present
    room = max(0.4 * (high - low), (smallest - (high - low)) / 2)
    return low - room, high + room


def shared_limits(curves) -> list[tuple[float, float]]:
    """Return limits per curve, common to curves of one size: whose largest values are within a factor 2."""
    tops = [values.max() for values in curves]
    groups = [
        [c for c, t in zip(curves, tops, strict=True) if max(t, top) <= 2 * min(t, top)] for top in tops
    ]
    spans = [(min(c.min() for c in group), max(c.max() for c in group)) for group in groups]
    return [(low - 0.08 * (high - low) - 1e-9, high + 0.08 * (high - low) + 1e-9) for low, high in spans]
