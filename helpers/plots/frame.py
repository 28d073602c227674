"""Frame: a picture as data. Panels with axes and marks, whose numbers are arrays; painters draw it.

    Frame(beside(Panel((Line(layers, std, "measured"),), title="std of h", y=Axis(1e-3, 1, log=True)), …))

Sizes are in pixels, places in shares of the whole. Looks are named in `looks`. Numbers that are not finite,
and on a logarithmic axis those that are not positive, are not drawn: a line breaks there.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from matplotlib.ticker import MaxNLocator

from helpers.plots.axes import number_in_words
from helpers.plots.looks import get_look

WIDTH = 960
LARGEST = 1e30  # what is larger is not drawn: numbers travel in single precision, which ends at 3e38
DECADES = 2.0  # a fitted logarithmic axis shows at least so many, lest the eye take noise for a trend
EDGE, TITLE, TICKS, LABEL, LETTER = (
    8,
    20,
    16,
    15,
    6.2,
)  # pixels around a panel: free, title, ticks, label, a letter


# ---------------------------------------------------------------- marks


@dataclass(frozen=True)
class Mark:
    """What is drawn in a panel, in the numbers of its axes; `label` names it in the legend."""

    def __post_init__(self):
        for name in self.arrays():
            object.__setattr__(self, name, np.atleast_1d(np.asarray(getattr(self, name), np.float64)))
        sizes = {name: getattr(self, name).shape for name in self.arrays()}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"the arrays of a {type(self).__name__} must be of one size, got {sizes}")
        get_look(self.look)

    @classmethod
    def arrays(cls) -> tuple[str, ...]:
        """Return the names of the fields that hold numbers, those along x before those along y."""
        return cls.across + cls.up


@dataclass(frozen=True)
class Line(Mark):
    """A line through points (x, y), with the look's markers on them."""

    x: np.ndarray
    y: np.ndarray
    look: str
    label: str = ""
    across, up = ("x",), ("y",)


@dataclass(frozen=True)
class Points(Line):
    """Markers at points (x, y), and no line."""


@dataclass(frozen=True)
class Bars(Mark):
    """Rectangles from left to right and from bottom to top, one for each number of the four arrays."""

    left: np.ndarray
    right: np.ndarray
    bottom: np.ndarray
    top: np.ndarray
    look: str = "bars"
    label: str = ""
    across, up = ("left", "right"), ("bottom", "top")


@dataclass(frozen=True)
class Steps(Mark):
    """A histogram: `heights` (n,) over evenly spaced bins from `low` to `high`, standing at `base`.

    It is filled, or where the look has a line only outlined.
    """

    heights: np.ndarray
    low: float
    high: float
    base: float = 0.0
    look: str = "bars"
    label: str = ""
    across, up = (), ("heights",)


@dataclass(frozen=True)
class Arrows(Mark):
    """Arrows from points (x, y) by (dx, dy)."""

    x: np.ndarray
    y: np.ndarray
    dx: np.ndarray
    dy: np.ndarray
    look: str = "contour"
    label: str = ""
    across, up = ("x", "dx"), ("y", "dy")


@dataclass(frozen=True)
class Text(Mark):
    """Words at points (x, y), one of `words` at each, `lift` pixels above; `align` left, center or right.

    `within` is the room they have along x, in the numbers of the axis; where it is narrow they are smaller.
    """

    x: np.ndarray
    y: np.ndarray
    words: tuple[str, ...]
    look: str = "text"
    align: str = "center"
    lift: float = 0
    within: float = 0
    label: str = ""
    across, up = ("x",), ("y",)

    def __post_init__(self):
        words = (self.words,) if isinstance(self.words, str) else tuple(self.words)
        object.__setattr__(self, "words", words)
        super().__post_init__()
        if len(words) != len(self.x):
            raise ValueError(f"there are {len(words)} words for {len(self.x)} places")
        if self.align not in ("left", "center", "right"):
            raise ValueError(f"align can't be {self.align!r}; choose left, center or right")


@dataclass(frozen=True)
class Image:
    """Values (rows, columns) as colors between `low` and `high`, the first row at the top of `extent`.

    `extent` is (left, right, bottom, top) in the numbers of the axes; nan is left out. `colors` is the name
    of a colormap of Matplotlib; `bar` draws a bar of them, with their numbers, to the right of the panel.
    """

    values: np.ndarray
    extent: tuple[float, float, float, float]
    colors: str = "gray"
    low: float = 0.0
    high: float = 1.0
    bar: bool = False
    smooth: bool = False
    label: str = ""

    def __post_init__(self):
        object.__setattr__(self, "values", np.asarray(self.values, np.float64))
        if self.values.ndim != 2:
            raise ValueError(f"an image has rows and columns, got an array of shape {self.values.shape}")

    def levels(self) -> np.ndarray:
        """Return the values as whole numbers from 1 (`low`) to 255 (`high`), and 0 where there is none."""
        share = np.clip((self.values - self.low) / (self.high - self.low), 0, 1)
        return np.where(np.isfinite(share), 1 + np.round(254 * np.nan_to_num(share)), 0).astype(np.uint8)


MARKS = {kind.__name__.lower(): kind for kind in (Line, Points, Bars, Steps, Arrows, Text, Image)}


# ---------------------------------------------------------------- axes, panels, the frame


@dataclass(frozen=True)
class Axis:
    """One axis: from `low` (left, bottom) to `high`, linear or logarithmic.

    `ticks` is number → label, None for ticks that fit, () for none. `counts` names what its whole numbers
    count ("layer", "step"): pointing at one marks it in all panels that count the same.
    """

    low: float = 0.0
    high: float = 1.0
    log: bool = False
    label: str = ""
    ticks: dict | tuple | None = None
    counts: str = ""
    most: int = 5

    def __post_init__(self):
        if not np.isfinite([self.low, self.high]).all() or self.low == self.high:
            raise ValueError(f"an axis must reach from one number to another, got {self.low} to {self.high}")
        if self.log and min(self.low, self.high) <= 0:
            raise ValueError(f"a logarithmic axis must be positive, got {self.low} to {self.high}")
        if self.ticks is None:
            ticks = decades if self.log else whole_ticks if self.counts else round_ticks
            object.__setattr__(self, "ticks", ticks(float(self.low), float(self.high), self.most))

    @property
    def ends(self) -> tuple[float, float]:
        """Where the axis begins and ends, on its scale."""
        return tuple(float(end) for end in self.scaled([self.low, self.high]))

    def scaled(self, values) -> np.ndarray:
        """Return values on the axis's scale, log10 of them or themselves, and nan for what can't be drawn."""
        values = np.asarray(values, np.float64)
        if self.log:
            with np.errstate(all="ignore"):
                values = np.log10(values)
        return np.where(np.abs(values) < LARGEST, values, np.nan)


@dataclass(frozen=True)
class Panel:
    """A part of the picture with axes of its own, `marks` from back to front.

    `cell` is (left, top, width, height) in shares of the frame, for the panel with all that stands around it.
    `about` says that the whole panel shows one thing that others count: ("layer", 7). A `square` panel has
    the same unit on both axes; a `bare` one shows no axes; one to `sketch` in takes a learner's line.
    """

    marks: tuple = ()
    title: str = ""
    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    cell: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    about: tuple[str, int] | None = None
    square: bool = False
    bare: bool = False
    sketch: bool = False

    @property
    def room(self) -> tuple[int, int, int, int]:
        """Pixels left, above, right and below that titles, ticks and labels need."""
        letters = (
            max((len(text) for text in (self.y.ticks or {}).values()), default=0) if not self.bare else 0
        )
        left = (
            EDGE
            + (8 + 12 * round(0.49 + LETTER * letters / 12) if letters else 0)
            + LABEL * bool(self.y.label)
        )
        below = EDGE // 2 + TICKS * bool(self.x.ticks and not self.bare) + LABEL * bool(self.x.label)
        bar = any(isinstance(mark, Image) and mark.bar for mark in self.marks)
        return (
            left,
            EDGE // 2 + TITLE * (1 + self.title.count("\n")) * bool(self.title),
            EDGE + 44 * bar,
            below,
        )


@dataclass(frozen=True)
class Frame:
    """A picture: panels, how high it is beside `WIDTH`, a sentence that goes with it, and numbers by name."""

    panels: tuple[Panel, ...]
    height: int = 400
    words: str = ""
    numbers: dict = field(default_factory=dict)
    readout: tuple[tuple[str, str], ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "panels", tuple(self.panels))

    def panel(self, title) -> Panel:
        """Return the panel whose title begins so; raises ValueError that names all titles."""
        found = [panel for panel in self.panels if panel.title.startswith(title)]
        if not found:
            raise ValueError(f"no panel {title!r}; there are {', '.join(repr(p.title) for p in self.panels)}")
        return found[0]

    def legend(self) -> dict[str, Mark]:
        """Return label → the first mark of that label and look."""
        named = {}
        for mark in (mark for panel in self.panels for mark in panel.marks if mark.label):
            named.setdefault(mark.label, mark)
        return named

    def rooms(self) -> list[tuple[int, int, int, int]]:
        """Return the room of every panel; those of one column or one row share theirs, to align."""
        rooms, columns, rows = [panel.room for panel in self.panels], {}, {}
        for panel, (left, above, right, below) in zip(self.panels, rooms, strict=True):
            x, y, width, height = (round(share, 6) for share in panel.cell)
            columns.setdefault((x, width), []).append((left, right))
            rows.setdefault((y, height), []).append((above, below))
        widest = {cell: tuple(map(max, zip(*pairs, strict=True))) for cell, pairs in columns.items()}
        highest = {cell: tuple(map(max, zip(*pairs, strict=True))) for cell, pairs in rows.items()}
        aligned = []
        for panel in self.panels:
            x, y, width, height = (round(share, 6) for share in panel.cell)
            (left, right), (above, below) = widest[x, width], highest[y, height]
            aligned.append((left, above, right, below))
        return aligned


# ---------------------------------------------------------------- places


def beside(*parts, widths=None) -> tuple[Panel, ...]:
    """Return the parts, panels or groups of panels, side by side; `widths` are in proportion."""
    return _divided(parts, widths, 0)


def stacked(*parts, heights=None) -> tuple[Panel, ...]:
    """Return the parts, panels or groups of panels, one above the other; `heights` are in proportion."""
    return _divided(parts, heights, 1)


def grid(panels, columns) -> tuple[Panel, ...]:
    """Return panels of one size, `columns` to a row, filled row by row."""
    panels = list(panels)
    rows = -(-len(panels) // columns)
    places = [((i % columns) / columns, (i // columns) / rows) for i in range(len(panels))]
    return tuple(
        replace(panel, cell=(left, top, 1 / columns, 1 / rows))
        for panel, (left, top) in zip(panels, places, strict=True)
    )


def _divided(parts, sizes, direction):
    shares = np.array([1.0] * len(parts) if sizes is None else sizes)
    shares = shares / shares.sum()
    starts = np.cumsum(shares) - shares
    placed = []
    for part, start, share in zip(parts, starts, shares, strict=True):
        for panel in (part,) if isinstance(part, Panel) else part:
            cell = list(panel.cell)
            cell[direction] = float(start + share * cell[direction])
            cell[2 + direction] = float(share * cell[2 + direction])
            placed.append(replace(panel, cell=tuple(cell)))
    return tuple(placed)


# ---------------------------------------------------------------- marks in one stroke


def pieces(starts, ends, look, label="") -> Line:
    """Return a line of pieces, from each of `starts` (n, 2) to the same row of `ends`; nan is left out."""
    gaps = np.full_like(starts, np.nan, dtype=np.float64)
    return Line(*np.stack([starts, ends, gaps], axis=1).reshape(-1, 2).T, look, label)


# ---------------------------------------------------------------- limits and ticks


def fitting_axis(*values, smallest=0.2, **options) -> Axis:
    """Return a linear axis with round ends that holds all finite values and is at least `smallest` wide."""
    low, high = _span(values)
    if high - low < smallest:
        low, high = (low + high - smallest) / 2, (low + high + smallest) / 2
    step = round_above((high - low) / 6)
    low, high = np.floor(low / step - 0.15) * step, np.ceil(high / step + 0.15) * step
    return Axis(float(low), float(high), **options)


def fitting_log_axis(*values, smallest=DECADES, **options) -> Axis:
    """Return a logarithmic axis that holds all positive values, `smallest` decades or more."""
    with np.errstate(all="ignore"):
        low, high = _span([np.log10(np.asarray(v, np.float64)) for v in values])
    unit = round_above((high - low) / 12, least=0.5)
    low, high = np.floor(low / unit - 0.1) * unit, np.ceil(high / unit + 0.1) * unit
    while high - low < smallest:
        low, high = low - unit, high + unit
    return Axis(10.0 ** max(low, -307), 10.0 ** min(high, 307), log=True, **options)


def layer_axis(depth, label="layer") -> Axis:
    """Return an axis over the layers 1 … `depth`, with a little room on both sides."""
    room = max(0.5, 0.03 * depth)
    return Axis(1 - room, depth + room, counts="layer", label=label)


def round_above(value, least=0.0) -> float:
    """Return the smallest of …, 0.1, 0.2, 0.5, 1, 2, … that is not below `value`, nor below `least`."""
    value = max(value, least, 1e-300)
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-9)))


@lru_cache(maxsize=2048)
def round_ticks(low, high, most=5) -> dict:
    """Return number → label at round numbers of a linear axis."""
    return {tick: number_in_words(tick) for tick in _ticks(low, high, most, False)}


@lru_cache(maxsize=2048)
def whole_ticks(low, high, most=5) -> dict:
    """Return number → label at whole numbers of a linear axis."""
    return {tick: number_in_words(tick) for tick in _ticks(low, high, most, True)}


@lru_cache(maxsize=2048)
def decades(low, high, most=5) -> dict:
    """Return number → label at powers of ten of a logarithmic axis; where it is short, at 2 and 5 too."""
    low, high = np.log10([low, high])
    if high - low < 1.7:
        powers = range(int(np.floor(low)), int(np.ceil(high)) + 1)
        near = [step * 10.0**power for power in powers for step in (1, 2, 5)]
        return {tick: number_in_words(tick) for tick in near if low - 1e-9 <= np.log10(tick) <= high + 1e-9}
    return {10.0**power: number_in_words(10.0**power) for power in _ticks(low, high, most, True)}


def _ticks(low, high, most, whole):
    low, high = sorted((low, high))
    ticks = MaxNLocator(most, integer=whole, min_n_ticks=1, steps=(1, 2, 5, 10)).tick_values(low, high)
    slack = 1e-9 * (high - low)
    return [float(tick) + 0.0 for tick in ticks if low - slack <= tick <= high + slack]


def _span(values):
    """The smallest and the largest finite number of several arrays; 0 and 0 where there is none."""
    together = np.concatenate([np.ravel(v) for v in values])
    together = together[np.abs(together) < LARGEST]
    return (float(together.min()), float(together.max())) if together.size else (0.0, 0.0)


# ---------------------------------------------------------------- what is sent to a browser


def packed(frame) -> tuple[dict, list[str], np.ndarray, np.ndarray]:
    """Return a frame as (structure, strings, numbers, pixels), to be sent or stored.

    The structure says which panels and marks there are; it changes seldom. Strings are titles, tick labels
    and words; numbers (float32) are limits, ticks and the arrays of the marks, logarithms on logarithmic
    axes; pixels (uint8) are the levels of the images. `canvas.js` unpacks them in the same order.
    """
    strings, numbers, pixels = [frame.words], [], []
    panels = [
        _packed_panel(panel, room, strings, numbers, pixels)
        for panel, room in zip(frame.panels, frame.rooms(), strict=True)
    ]
    strings += [text for pair in frame.readout for text in pair]
    readouts = len(frame.readout)
    structure = {"width": WIDTH, "height": frame.height, "panels": panels, "readouts": readouts}
    floats = np.concatenate([np.empty(0), *map(np.ravel, numbers)]).astype(np.float32)
    levels = np.concatenate([np.empty(0, np.uint8), *map(np.ravel, pixels)])
    return structure, strings, floats, levels


def _packed_panel(panel, room, strings, numbers, pixels):
    strings.append(panel.title)
    axes = {name: _packed_axis(axis, strings, numbers) for name, axis in (("x", panel.x), ("y", panel.y))}
    marks = [_packed_mark(mark, panel, strings, numbers, pixels) for mark in panel.marks]
    told = {name: True for name in ("square", "bare", "sketch") if getattr(panel, name)}
    about = {"about": [panel.about[0], int(panel.about[1])]} if panel.about else {}
    return {
        "cell": [round(share, 5) for share in panel.cell],
        "room": room,
        **axes,
        "marks": marks,
        **told,
        **about,
    }


def _packed_axis(axis, strings, numbers):
    ticks = axis.ticks or {}
    strings += [axis.label, *ticks.values()]
    numbers += [axis.ends, axis.scaled(list(ticks))]
    return {"log": axis.log, "ticks": len(ticks), "counts": axis.counts}


def _packed_mark(mark, panel, strings, numbers, pixels):
    kind = type(mark).__name__.lower()
    if kind == "image":
        pixels.append(mark.levels())
        numbers.append(
            [*panel.x.scaled(mark.extent[:2]), *panel.y.scaled(mark.extent[2:]), mark.low, mark.high]
        )
        told = {
            "colors": mark.colors,
            "shape": list(mark.values.shape),
            "bar": mark.bar,
            "smooth": mark.smooth,
        }
        return {"kind": kind, "label": mark.label, **told}
    numbers += [panel.x.scaled(getattr(mark, name)) for name in mark.across]
    numbers += [panel.y.scaled(getattr(mark, name)) for name in mark.up]
    length = len(getattr(mark, mark.arrays()[0]))
    told = {"kind": kind, "look": mark.look, "label": mark.label, "length": length}
    if kind == "steps":
        numbers.append([mark.low, mark.high, mark.base])
    if kind == "text":
        strings += mark.words
        told |= {"align": mark.align, "lift": mark.lift, "within": mark.within}
    return told
