"""LiveFigure: a picture that answers a slider at once.

A lab is a subclass with two methods: `controls`, and `update`, which returns the Frame for the controls'
values. The frame's numbers go to a canvas in the browser, which draws it.
"""

import gc
from base64 import b64encode
from collections import defaultdict
from dataclasses import replace
from threading import RLock

import ipywidgets as widgets
import numpy as np
from IPython import get_ipython

from helpers.plots.canvas import Canvas
from helpers.plots.frame import Frame
from helpers.plots.paint import paint

COLUMN = 300  # pixels that a control needs; as many stand in a row as there is room for

_open_in_cell = defaultdict(list)  # cell id → its live figures, so that running the cell again closes them


class ByRounding(float):
    """A number that rounding decides, so that another processor has another one.

    The read-out tells one digit of it, the text form, which notebooks compare, only that it is one.
    """


class LiveFigure:
    """A figure with controls, drawn anew at every change, with its numbers beside it.

    A subclass gives

    - `controls()`: a dict of name → widget with a `value`;
    - `update(**values)`: the `Frame` for these values, a pure function of them; its `numbers` are what the
      read-out and the text form tell, its `words` a sentence that goes with the picture;
    - `READ_OUT`: in which words the numbers are told; `{depth}` stands for the value of a control.

    `update` runs with NumPy's warnings off, for overflow is something a lab shows. An error in it never
    reaches the learner as a traceback: the figure tells it in words, and `trouble` keeps it for the tests.
    Keyword arguments are the controls' start values; an unknown name or value raises ValueError.
    """

    READ_OUT: dict[str, str] = {}

    def __init__(self, **start):
        self._lock = RLock()
        self.trouble, self.frame, self.frames = None, Frame(()), 0
        self.widgets = self.controls()
        for name, value in start.items():
            self._start(name, value)
        self.canvas = Canvas()
        self.refresh()
        for widget in self.widgets.values():
            widget.observe(self.refresh, "value")
        self.root = self.layout()
        _replace_figures_of_this_cell(self)

    def controls(self) -> dict:
        """Return the controls by name."""
        raise NotImplementedError

    def update(self, **values) -> Frame:
        """Return the picture for these values of the controls."""
        raise NotImplementedError

    def layout(self):
        """Return the widget that holds everything: controls in even columns above, the picture below."""
        return widgets.VBox([control_grid(self.widgets.values()), self.canvas])

    @property
    def values(self) -> dict:
        """The controls' values by name."""
        return {name: widget.value for name, widget in self.widgets.items()}

    @property
    def numbers(self) -> dict:
        """What the present picture tells, by name."""
        return self.frame.numbers

    def set(self, **values) -> None:
        """Set several controls at once, with one picture; raises ValueError for an unknown name or value."""
        with self._lock:
            for widget in self.widgets.values():
                widget.unobserve(self.refresh, "value")
            try:
                for name, value in values.items():
                    self._start(name, value)
            finally:
                for widget in self.widgets.values():
                    widget.observe(self.refresh, "value")
                self.refresh()  # after an error too: what was set before it is shown

    def refresh(self, _change=None) -> None:
        """Compute the picture for the controls' present values, and send it to the browser."""
        with self._lock:
            if self.canvas is None:
                return
            self.frame = self._compute()
            self.canvas.show(self.frame)
            self.frames += 1

    def close(self) -> None:
        """Take the figure out of the browser and free its memory; its text form stays."""
        with self._lock:
            if self.canvas is None:
                return
            self._last_values = self.values
            for model in _models(self.root):
                model.close()
            self.frame = Frame((), numbers=self.numbers)
            self.widgets, self.root, self.canvas = {}, None, None
            self.free()

    def free(self) -> None:
        """Forget large arrays that a lab keeps between updates; called by `close`."""

    def picture(self):
        """Return the present picture as a still one."""
        return paint(self.frame, repr(self))

    def __repr__(self):
        values = self.values if self.widgets else self._last_values
        told = ", ".join(f"{name}={_in_text(value)}" for name, value in (values | self.numbers).items())
        return f"{type(self).__name__}({told})"

    def _repr_mimebundle_(self, **_):
        if self.root is None:
            return {"text/plain": repr(self)}
        stored = b64encode(self.picture()._repr_png_()).decode("ascii")
        return {**self.root._repr_mimebundle_(), "image/png": stored, "text/plain": repr(self)}

    def _start(self, name, value):
        if name not in self.widgets:
            raise ValueError(f"unknown control {name!r}; choose one of {', '.join(self.widgets)}")
        widget, before = self.widgets[name], self.widgets[name].value
        try:
            widget.value = value
        except Exception as error:
            raise ValueError(f"{name} can't be {value!r}: {error}") from error
        if widget.value != value:  # a slider takes its own limit instead, and says nothing
            widget.value = before
            raise ValueError(f"{name} can't be {value!r}: it must lie in {widget.min} … {widget.max}")

    def _compute(self) -> Frame:
        values = self.values
        try:
            with np.errstate(all="ignore"):
                frame = self.update(**values)
            self.trouble = None
        except Exception as error:
            self.trouble = error
            words = f"Nothing can be drawn for these settings: {error}"
            frame = replace(self.frame, numbers={}, words=words)
        return replace(frame, readout=self._read_out(frame.numbers, values))

    def _read_out(self, numbers, values):
        words = {name: self.READ_OUT.get(name, name.replace("_", " ")) for name in numbers}
        return tuple((words[name].format(**values), _told(value)) for name, value in numbers.items())


def control_grid(controls):
    """Return controls in columns of one width, with their labels, as wide as the longest, to their left."""
    controls = list(controls)
    longest = max((len(c.description) for c in controls if not isinstance(c, widgets.Checkbox)), default=0)
    for control in controls:
        control.layout.width = "auto"
        if not isinstance(control, widgets.Checkbox | widgets.ToggleButton):
            control.style.description_width = f"{0.55 * longest + 0.6:.1f}em"
    columns = f"repeat(auto-fill, minmax({COLUMN}px, 1fr))"
    return widgets.GridBox(controls, layout={"grid_template_columns": columns, "grid_gap": "0 18px"})


def choice(label, options, value):
    """Return a drop-down list; `options` are names, or (label, value) pairs."""
    return widgets.Dropdown(options=options, value=value, description=label)


def steps(label, options, value):
    """Return a slider over given values, an even step apart on the screen whatever their size."""
    pairs = [(_short(option), option) for option in options]
    return widgets.SelectionSlider(options=pairs, value=value, description=label)


def whole(label, low, high, value):
    """Return a slider over the whole numbers from `low` to `high`."""
    return widgets.IntSlider(value, low, high, description=label)


def real(label, low, high, step, value):
    """Return a slider over numbers from `low` to `high`, told to the digits of its step."""
    decimals = len(f"{step:g}".partition(".")[2])
    told = f".{decimals}f"
    return widgets.FloatSlider(value, min=low, max=high, step=step, description=label, readout_format=told)


def switch(label, value=False):
    """Return a check box."""
    return widgets.Checkbox(value, description=label, indent=False)


def _in_text(value) -> str:
    """A value as the text form tells it: the same on every processor."""
    return "by rounding" if isinstance(value, ByRounding) and np.isfinite(value) else _short(value)


def _told(value) -> str:
    """A value as the read-out tells it: words without quotes, all else as in the text form."""
    return (value or "none") if isinstance(value, str) else _short(value)


def _short(value) -> str:
    """A value as the read-out and the text form tell it: three digits, and words for what is not a number."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, ByRounding) and np.isfinite(value):
        return f"≈ {float(value):.0e}"
    if isinstance(value, float | np.floating):
        return "undefined" if np.isnan(value) else "overflow" if np.isinf(value) else f"{value + 0.0:.3g}"
    return repr(value)


def _models(widget, seen=None):
    """The widget and all it holds: children, layouts, styles; each has a model of its own to close."""
    seen = set() if seen is None else seen
    if id(widget) in seen:
        return
    seen.add(id(widget))
    for name in widget.keys:
        value = getattr(widget, name, None)
        for part in value if isinstance(value, tuple | list) else (value,):
            if isinstance(part, widgets.Widget):
                yield from _models(part, seen)
    yield widget


def _replace_figures_of_this_cell(figure):
    """Close what an earlier run of the same notebook cell showed, and remember what this run shows.

    Two figures of one run share its message id; only those of earlier runs are closed.
    """
    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = (parent.get("metadata") or {}).get("cellId")
    if cell is None:
        return
    run = parent["header"]["msg_id"]
    replaced = [earlier for earlier_run, earlier in _open_in_cell[cell] if earlier_run != run]
    for earlier in replaced:
        earlier.close()
    if replaced:
        gc.collect()  # a figure and its axes refer to each other, so that only the collector frees them
    _open_in_cell[cell] = [(r, f) for r, f in _open_in_cell[cell] if r == run] + [(run, figure)]
