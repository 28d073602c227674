"""Paint: a Frame as a Matplotlib picture, for what a notebook stores and for still figures."""

import numpy as np
from matplotlib import colormaps
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import offset_copy

from helpers.plots import frame as marks
from helpers.plots.axes import number_in_words
from helpers.plots.looks import COLORS, DASHES, get_look
from helpers.plots.style import DPI, Picture, styled

POINT = 72 / DPI  # points of a pixel
WORDS, ROW = 22, 19  # pixels of the line of words, and of a row of the legend
HEAD = 7  # pixels from the tip of an arrow to the end of its head
SYMBOLS = {
    "circle": "o", "square": "s", "triangle": "^", "diamond": "D", "down": "v", "plus": "+", "cross": "x",
    "star": "*", "dash": "_",
}  # fmt: skip
AS_ON_CANVAS = {"square": 0.81, "diamond": 0.81, "star": 1.15, "dash": 1.6}  # Matplotlib draws it as large
STROKES = ("plus", "cross", "dash")  # markers that are strokes, with nothing to fill


@styled()
def paint(frame, alt="picture") -> Picture:
    """Return the picture of a frame on white, with its words and its legend above the panels."""
    named = frame.legend()
    rows = _legend_rows(named)
    above = WORDS * bool(frame.words) + ROW * len(rows)
    height = frame.height + above
    picture = Picture((marks.WIDTH / DPI, height / DPI), alt)
    if frame.words:
        place = {"x": 0.008, "y": 1 - WORDS / 2 / height, "va": "center"}
        picture.text(s=frame.words, color=COLORS["red"][0], weight="bold", **place)
    for k, row in enumerate(rows):
        place = {"loc": "center", "bbox_to_anchor": (0.5, 1 - (above - ROW * (len(rows) - k - 0.5)) / height)}
        handles = [_handle(named[label], label) for label in row]
        picture.legend(handles=handles, ncols=len(row), borderpad=0, **place)
    for panel, room in zip(frame.panels, frame.rooms(), strict=True):
        _draw_panel(picture, panel, _box(panel, room, frame.height, height))
    return picture


def _legend_rows(named, widest=150):
    """The labels in rows that are not wider than the picture, by the number of their letters."""
    rows = [[]]
    for label in named:
        if rows[-1] and sum(len(other) + 9 for other in (*rows[-1], label)) > widest:
            rows.append([])
        rows[-1].append(label)
    return [row for row in rows if row]


def _box(panel, room, frame_height, height):
    """Where a panel's axes stand, in shares of the picture from its lower left corner."""
    (left, top, wide, high), (l, t, r, b) = panel.cell, room  # noqa: E741
    x, w = left * marks.WIDTH + l, wide * marks.WIDTH - l - r
    y, h = (1 - top - high) * frame_height + b, high * frame_height - t - b
    if panel.square:
        across, up = (np.ptp(axis.ends) for axis in (panel.x, panel.y))
        unit = min(w / across, h / up)
        x, y = x + (w - unit * across) / 2, y + h - unit * up
        w, h = unit * across, unit * up
    return x / marks.WIDTH, y / height, w / marks.WIDTH, h / height


def _draw_panel(picture, panel, box):
    axes = picture.add_axes(box)
    axes.set(xlim=panel.x.ends, ylim=panel.y.ends)
    axes.set_title(panel.title, pad=5)
    if panel.bare:
        axes.set_axis_off()
    else:
        for name, axis in (("x", panel.x), ("y", panel.y)):
            ticks = axis.ticks or {}
            axes.set(**{f"{name}ticks": axis.scaled(list(ticks)), f"{name}ticklabels": list(ticks.values())})
            axes.set(**{f"{name}label": axis.label})
        axes.tick_params(length=0)
    for order, mark in enumerate(panel.marks):
        _DRAW[type(mark)](axes, panel, mark, order + 2)


def _line(axes, panel, mark, order):
    """The line ends at the panel's edge; a marker is drawn whole, or not at all if its point lies outside."""
    look, x, y = get_look(mark.look), panel.x.scaled(mark.x), panel.y.scaled(mark.y)
    style = _line_style(look, len(x), axes) | {"zorder": order}
    if look.line and not isinstance(mark, marks.Points):
        axes.plot(x, y, **style | {"marker": ""})
    if look.marker:
        shown = _within(x, panel.x.ends) & _within(y, panel.y.ends)
        axes.plot(x[shown], y[shown], **style | {"linestyle": "none"}, clip_on=False)


def _within(values, ends, room=0.01):
    low, high = np.sort(ends) + room * abs(ends[1] - ends[0]) * np.array([-1, 1])
    return (low <= values) & (values <= high)


def _line_style(look, points=1, axes=None):
    """How Matplotlib draws a line and its markers; markers that would touch are drawn smaller."""
    size = look.size
    if look.line and axes is not None:
        crowded = 0.8 * axes.get_position().width * marks.WIDTH / max(points, 1)
        size = max(3, min(size, crowded))
    dashes = DASHES[look.line or "solid"]
    rim = max(2, look.width) if look.marker in STROKES else look.width if not look.filled else bool(look.rim)
    return {
        "color": COLORS[look.color][0],
        "linestyle": "none" if look.line is None else (0, dashes) if dashes else "-",
        "linewidth": look.width * POINT,
        "marker": SYMBOLS.get(look.marker, ""),
        "markersize": size * POINT * AS_ON_CANVAS.get(look.marker, 1),
        "markerfacecolor": COLORS[look.color][0] if look.filled else "none",
        "markeredgecolor": COLORS[look.rim or look.color][0],
        "markeredgewidth": rim * POINT,
        "alpha": look.alpha,
    }


def _patch_style(look):
    color = COLORS[look.color][0]
    edge = COLORS[look.rim][0] if look.rim else "white" if look.hatched else color
    filled = look.filled and not look.line
    line = "-" if not look.line or look.line == "solid" else (0, DASHES[look.line])
    width = look.width * POINT if look.line or not look.filled else 1 if look.rim else 0
    hatch = "///" if look.hatched else None
    return {"facecolor": color if filled else "none", "edgecolor": edge, "alpha": look.alpha, "hatch": hatch,
            "linewidth": width, "linestyle": line}  # fmt: skip


def _bars(axes, panel, mark, order):
    style = _patch_style(get_look(mark.look))
    x = np.sort([panel.x.scaled(mark.left), panel.x.scaled(mark.right)], axis=0)
    y = np.sort([panel.y.scaled(mark.bottom), panel.y.scaled(mark.top)], axis=0)
    for left, right, bottom, top in zip(*x, *y, strict=True):
        if np.isfinite([left, right, bottom, top]).all():
            axes.add_patch(Rectangle((left, bottom), right - left, top - bottom, **style, zorder=order))


def _steps(axes, panel, mark, order):
    look = get_look(mark.look)
    edges = np.linspace(mark.low, mark.high, len(mark.heights) + 1)
    heights = np.nan_to_num(panel.y.scaled(mark.heights), nan=mark.base)
    style = _patch_style(look) | {"antialiased": bool(look.line), "hatch": None}
    axes.stairs(heights, edges, baseline=mark.base, fill=not look.line, zorder=order, **style)


def _arrows(axes, _panel, mark, order):
    look = get_look(mark.look)
    style = {
        "arrowstyle": "-|>",
        "mutation_scale": HEAD / 0.4 * POINT,
        "shrinkA": 0,
        "shrinkB": 0,
        "color": COLORS[look.color][0],
        "linewidth": look.width * POINT,
        "linestyle": (0, DASHES[look.line]) if DASHES[look.line] else "-",
        "joinstyle": "miter",
        "zorder": order,
    }
    for x, y, dx, dy in zip(mark.x, mark.y, mark.dx, mark.dy, strict=True):
        if np.isfinite([x, y, dx, dy]).all() and (dx or dy):
            axes.add_patch(FancyArrowPatch((x, y), (x + dx, y + dy), **style))


def _text(axes, panel, mark, order):
    look = get_look(mark.look)
    style = {
        "ha": mark.align,
        "va": "center",
        "size": 7.5 if look.small else 8.6,
        "weight": "bold" if look.bold else "normal",
        "color": COLORS[look.color][0],
        "path_effects": [withStroke(linewidth=2, foreground="white")],
    }
    place = offset_copy(axes.transData, axes.figure, y=mark.lift * POINT, units="points")
    texts = [
        axes.text(x, y, words, transform=place, zorder=order, **style)
        for x, y, words in zip(panel.x.scaled(mark.x), panel.y.scaled(mark.y), mark.words, strict=True)
        if words and np.isfinite([x, y]).all()
    ]
    if mark.within and texts:
        widest = max(text.get_window_extent().width for text in texts)
        room = axes.bbox.width * mark.within / abs(panel.x.high - panel.x.low)
        for text in texts:
            text.set_size(style["size"] * min(1, room / widest))


def _image(axes, panel, mark, order):
    left, right = panel.x.scaled(mark.extent[:2])
    bottom, top = panel.y.scaled(mark.extent[2:])
    image = axes.imshow(
        mark.values, extent=(left, right, bottom, top), origin="upper", aspect="auto", vmin=mark.low,
        vmax=mark.high, cmap=colormaps[mark.colors], zorder=order,
        interpolation="bilinear" if mark.smooth else "nearest",
    )  # fmt: skip
    axes.set(xlim=panel.x.ends, ylim=panel.y.ends)
    if mark.bar:
        x, y, w, h = axes.get_position().bounds
        ends = (mark.low, (mark.low + mark.high) / 2, mark.high)
        place = axes.figure.add_axes((x + w + 8 / marks.WIDTH, y, 10 / marks.WIDTH, h))
        labels = FuncFormatter(lambda value, _: number_in_words(value))
        bar = axes.figure.colorbar(image, cax=place, ticks=ends, format=labels)
        bar.ax.tick_params(length=0)
        bar.outline.set_visible(False)


def _handle(mark, label):
    """What stands for a mark in the legend."""
    look = get_look(mark.look)
    if isinstance(mark, marks.Bars | marks.Steps):
        return Patch(**_patch_style(look), label=label)
    style = _line_style(look)
    if isinstance(mark, marks.Points):
        style["linestyle"] = "none"
    return Line2D([], [], **style, label=label)


_DRAW = {
    marks.Line: _line,
    marks.Points: _line,
    marks.Bars: _bars,
    marks.Steps: _steps,
    marks.Arrows: _arrows,
    marks.Text: _text,
    marks.Image: _image,
}
