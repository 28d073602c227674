"""How the tests drive a lab: the settings to try, what is wrong with it, which of its controls are idle."""

import random
from dataclasses import replace
from itertools import combinations, product

import ipywidgets as widgets
import numpy as np
import pytest

from helpers import labs
from helpers.plots.frame import Image, Text, packed

NAMES = sorted(labs.MODULES)
FULL_GRID = 300  # a lab with more combinations of extremes than this is tested on all pairs of them
RANDOM_SETTINGS = 20
MOST = 75  # settings tried of one lab; where there are more, so many of the list, evenly spread
DEAR = (
    500_000  # weights of a network above which a step takes a second and more; only a few of them are tried
)
FEW = 4


each_lab = pytest.mark.parametrize("name", NAMES)


def make(name, **start):
    """Make a new lab."""
    return getattr(labs, name)(**start)


def allowed(widget):
    """List the values that a control can take; those of a fine slider, 21 of them."""
    if hasattr(widget, "options"):
        return [option[1] if isinstance(option, tuple) else option for option in widget.options]
    if isinstance(widget, widgets.Checkbox):
        return [False, True]
    if isinstance(widget, widgets.IntSlider):
        return list(range(widget.min, widget.max + 1, max(widget.step, (widget.max - widget.min) // 100)))
    return [float(value) for value in np.linspace(widget.min, widget.max, 21)]


def extremes(widget):
    """List the first value of a control, the present one and the last."""
    values = allowed(widget)
    return list(dict.fromkeys([values[0], widget.value, values[-1]]))


def neighbor(widget):
    """Return the value that one press of an arrow key gives: the next, or before the end the one before."""
    if hasattr(widget, "options") or isinstance(widget, widgets.Checkbox):
        values = allowed(widget)
        place = values.index(widget.value)
        return values[place + 1] if place + 1 < len(values) else values[place - 1]
    up = widget.value + widget.step
    return up if up <= widget.max else widget.value - widget.step


def all_settings(lab):
    """List the settings to try: extremes together, choices also at the sliders' ends, and random ones."""
    start, choices = lab.values, {n: w for n, w in lab.widgets.items() if isinstance(w, widgets.Dropdown)}
    settings = [*grid_of_extremes(lab)]
    for name, widget in choices.items():
        ends = [
            {},
            *({n: allowed(w)[end] for n, w in lab.widgets.items() if n not in choices} for end in (0, -1)),
        ]
        settings += [start | end | {name: option} for option in allowed(widget) for end in ends]
    draw = random.Random(5)
    settings += [{n: draw.choice(allowed(w)) for n, w in lab.widgets.items()} for _ in range(RANDOM_SETTINGS)]
    unique = list({repr(setting): setting for setting in settings}.values())
    affordable = without_most_of_the_dear(unique)
    chosen = np.linspace(0, len(affordable) - 1, min(MOST, len(affordable))).round().astype(int)
    return [affordable[place] for place in chosen]


def grid_of_extremes(lab):
    """List every combination of the controls' extremes; all pairs of them where there are too many."""
    values = {name: extremes(widget) for name, widget in lab.widgets.items()}
    if np.prod([len(v) for v in values.values()]) <= FULL_GRID:
        return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]
    pairs = [
        lab.values | {a: x, b: y} for a, b in combinations(values, 2) for x in values[a] for y in values[b]
    ]
    return [*pairs, *({n: v[end] for n, v in values.items()} for end in (0, -1))]


def without_most_of_the_dear(settings):
    """Leave out networks whose step takes seconds, but for a few; the largest of all comes last."""
    weights = [setting.get("depth", 1) * setting.get("width", 1) ** 2 for setting in settings]
    slow_to_draw = [setting.get("initializer") == "orthogonal" for setting in settings]
    order = sorted(range(len(settings)), key=lambda place: (weights[place], -slow_to_draw[place]))
    dear = [place for place in order if weights[place] > DEAR]
    kept = [place for place in dear if not slow_to_draw[place]][-1 :: -max(1, len(dear) // FEW)]
    return [settings[place] for place in range(len(settings)) if place not in dear] + [
        settings[place] for place in reversed(kept)
    ]


def drawn(lab):
    """Return all that the browser draws in the panels, as bytes: no words, no read-out."""
    structure, strings, numbers, pixels = packed(replace(lab.frame, words="", readout=()))
    return repr((structure, strings)).encode() + numbers.tobytes() + pixels.tobytes()


def in_sight(panel, mark):
    """Return how many points of a mark lie within the panel's axes."""
    if isinstance(mark, Image):
        return int(np.isfinite(mark.values).sum())
    x, y = (
        [axis.scaled(getattr(mark, name)) for name in names]
        for axis, names in ((panel.x, mark.across), (panel.y, mark.up))
    )
    return min(within(values, axis) for values, axis in ((x, panel.x), (y, panel.y)) if values)


def within(values, axis):
    """Return how many of the first of several arrays of numbers lie between an axis's ends."""
    low, high = sorted(axis.ends)
    room = 1e-6 * (high - low)
    return int(((values[0] >= low - room) & (values[0] <= high + room)).sum())


def mark(panel, look):
    """Return the first mark of a panel that has this look."""
    return next(mark for mark in panel.marks if getattr(mark, "look", "image") == look)


def faults(lab):
    """List what is wrong with a lab in its present state, in words."""
    frame, said = lab.frame, lab.frame.words
    marks = [(panel, mark) for panel in frame.panels for mark in panel.marks]
    shown = sum(in_sight(*pair) for pair in marks if not isinstance(pair[1], Text))
    numbers = {n: v for n, v in lab.numbers.items() if isinstance(v, float | np.floating)}
    odd = [n for n, v in numbers.items() if not np.isfinite(v)]
    gone = [n for n, v in numbers.items() if ("std" in n or "gradient" in n) and 0 <= v < 1e-30]
    checks = {
        f"trouble: {lab.trouble!r}": lab.trouble is not None,
        "nothing is drawn within the axes": not shown,
        f"not a word about {odd} being out of range": odd and not said,
        f"not a word about {gone} having vanished": gone and not said,
        "no numbers": not lab.numbers,
    }
    return [words for words, wrong in checks.items() if wrong]


def idle_controls(lab) -> list[str]:
    """List what is wrong with a lab's controls: each must move the picture, and move all of it back."""
    text, before, wrong = repr(lab), drawn(lab), []
    for control, widget in lab.widgets.items():
        start = widget.value
        widget.value = neighbor(widget)
        if drawn(lab) == before:
            wrong.append(f"{control} = {widget.value!r} changes nothing")
        widget.value = start
        if repr(lab) != text or drawn(lab) != before:
            wrong.append(f"{control} moved and moved back gives another picture or other numbers")
    return wrong
