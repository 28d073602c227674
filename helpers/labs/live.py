"""LiveFigure: a picture that answers a slider at once.

The figure is drawn on an Agg canvas without pyplot. What never changes is drawn once and kept as a
background; a change of a control restores it, draws only the moving artists over it, and sends the
pixels as PNG to an Image widget. A lab is a subclass with three methods: `controls`, `build`, `update`.
"""

import gc
from base64 import b64encode
from collections import defaultdict
from threading import RLock

import ipywidgets as widgets
import numpy as np
from IPython import get_ipython

from helpers.plots import style

WHOLE_LABEL = {"description_width": "initial"}  # as wide as the words need, rather than cut off
MESSAGE_HEIGHT = 24  # pixels kept free at the top of every live figure, for what has to be said in words

_open_in_cell = defaultdict(list)  # cell id → its live figures, so that running the cell again closes them


class ByRounding(float):
    """A number that rounding decides, so that another processor has another one.

    The read-out tells one digit of it, the text form, which notebooks compare, only that it is one.
    """


class LiveFigure:
    """A figure with controls, redrawn at every change, with its numbers beside it.

    A subclass gives `size` (inches at 100 pixels each) and

    - `controls()`: a dict of name → widget with a `value`;
    - `build()`: make the axes in `self.figure`, and every moving artist through `self.moving(artist)`;
    - `update(**values)`: set the moving artists from the controls' values, and return the dict of numbers
      that the read-out and the text form tell. `self.say(text)` writes a sentence on the figure.

    A change of axis limits redraws the background by itself; `self.redraw()` asks for it. `update` runs with
    NumPy's warnings off, for overflow is something a lab shows. An error in it never reaches the
    learner as a traceback: the figure tells it in words, and `trouble` keeps it for the tests.
    Keyword arguments are the controls' start values; an unknown name or value raises ValueError.
    """

    size = (9.6, 4.0)

    def __init__(self, **start):
        self._lock = RLock()
        self._moving, self._background, self._drawn_limits, self._palette = [], None, None, None
        self.trouble, self.numbers, self.frames = None, {}, 0
        self.widgets = self.controls()
        for name, value in start.items():
            self._start(name, value)
        with style.styled():
            self.figure = style.Picture(self.size)
            self._message = self._message_line()
            self.build()
        self.image = widgets.Image(format="png", layout={"max_width": "100%", "width": f"{self._width}px"})
        self.readout = widgets.HTML()
        self.refresh()
        for widget in self.widgets.values():
            widget.observe(self.refresh, "value")
        self.root = self.layout()
        _replace_figures_of_this_cell(self)

    def controls(self) -> dict:
        """Return the controls by name."""
        raise NotImplementedError

    def build(self) -> None:
        """Make the axes and the moving artists."""
        raise NotImplementedError

    def update(self, **values) -> dict:
        """Set the moving artists and return the numbers to read out."""
        raise NotImplementedError

    def layout(self):
        """Return the widget that holds everything: controls above, picture and numbers below."""
        box = widgets.HBox(list(self.widgets.values()), layout={"flex_flow": "row wrap"})
        return widgets.VBox([box, self.image, self.readout])

    def moving(self, artist):
        """Register an artist (or a container of artists) that `update` changes, and return it."""
        for part in artist if isinstance(artist, tuple | list) else (artist,):
            part.set_animated(True)
            self._moving.append(part)
        return artist

    def say(self, text) -> None:
        """Write a sentence in the line at the top of the figure; it lasts until the next update."""
        self._message.set_text(text)

    def legend(self, *lines) -> None:
        """Put a legend of these artists at the right end of the top line, where it covers no data."""
        self.figure.legend(handles=lines, loc="upper right", ncols=len(lines), borderaxespad=0.2)

    def redraw(self) -> None:
        """Have the background drawn anew: call it in `update` after changing what doesn't move."""
        self._background = None

    @property
    def values(self) -> dict:
        """The controls' values by name."""
        return {name: widget.value for name, widget in self.widgets.items()}

    def set(self, **values) -> None:
        """Set several controls at once, with one redraw; raises ValueError for an unknown name or value."""
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
        """Compute and draw for the controls' present values, and send the picture to the browser."""
        with self._lock:
            if self.figure is None:
                return
            self._compute()
            self._draw()
            self.image.value = self._encode()
            self.readout.value = self._readout_html()
            self.frames += 1

    def close(self) -> None:
        """Take the figure out of the browser and free its memory; its text form stays."""
        with self._lock:
            if self.figure is None:
                return
            self._last_values = self.values
            for model in _models(self.root):
                model.close()
            self.widgets, self.figure, self._background, self._moving = {}, None, None, []
            self.root = self.image = self.readout = self._message = None
            self.free()

    def free(self) -> None:
        """Forget large arrays that a lab keeps between updates; called by `close`."""

    def __repr__(self):
        values = self.values if self.widgets else self._last_values
        told = ", ".join(f"{name}={_in_text(value)}" for name, value in (values | self.numbers).items())
        return f"{type(self).__name__}({told})"

    def _repr_mimebundle_(self, **_):
        if self.root is None:
            return {"text/plain": repr(self)}
        view = self.root._repr_mimebundle_()
        stored = style.png(style.pixels(self.figure.canvas))  # smaller than what is sent at each step
        return {**view, "image/png": b64encode(stored).decode("ascii"), "text/plain": repr(self)}

    @property
    def _width(self):
        return round(self.size[0] * style.DPI)

    def _message_line(self):
        """The line kept free at the top: words on the left; a subclass may put its legend on the right."""
        y = 1 - MESSAGE_HEIGHT / 2 / (self.size[1] * style.DPI)
        message = self.figure.text(0.01, y, "", ha="left", va="center", color=style.RED, weight="bold")
        return self.moving(message)

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

    def _compute(self):
        self.say("")
        try:
            with np.errstate(all="ignore"):
                self.numbers = self.update(**self.values)
            self.trouble = None
        except Exception as error:
            self.trouble = error
            self.numbers = {}
            self.say(f"Nothing can be drawn for these settings: {error}")

    def _draw(self):
        canvas = self.figure.canvas
        limits = [(axes.get_xlim(), axes.get_ylim(), axes.get_visible()) for axes in self.figure.axes]
        if self._background is None or limits != self._drawn_limits:
            with style.styled():
                canvas.draw()
            self._background = canvas.copy_from_bbox(self.figure.bbox)
            self._drawn_limits, self._palette = limits, None
        canvas.restore_region(self._background)
        for artist in self._moving:
            parent = artist.axes
            if parent is None or parent.get_visible():
                artist.draw(canvas.get_renderer())

    def _encode(self):
        image = style.pixels(self.figure.canvas)
        if self._palette is None:
            self._palette = style.palette_of(image)
        return style.png(image, self._palette)

    def _readout_html(self):
        cells = "".join(
            f"<span style='display:inline-block;margin-right:1.5em'>{k} = <b>{_short(v)}</b></span>"
            for k, v in self.numbers.items()
        )
        return f"<div role='status' style='font-family:monospace;line-height:1.5'>{cells}</div>"


def choice(label, options, value):
    """Return a drop-down list; `options` are names, or (label, value) pairs."""
    return widgets.Dropdown(
        options=options, value=value, description=label, layout={"width": "220px"}, style=WHOLE_LABEL
    )


def steps(label, options, value):
    """Return a slider over given values, an even step apart on the screen whatever their size."""
    pairs = [(_short(option), option) for option in options]
    return widgets.SelectionSlider(
        options=pairs, value=value, description=label, layout={"width": "300px"}, style=WHOLE_LABEL
    )


def whole(label, low, high, value):
    """Return a slider over the whole numbers from `low` to `high`."""
    return widgets.IntSlider(
        value, low, high, description=label, layout={"width": "300px"}, style=WHOLE_LABEL
    )


def real(label, low, high, step, value):
    """Return a slider over numbers from `low` to `high`, told to the digits of its step."""
    decimals = len(f"{step:g}".partition(".")[2])
    return widgets.FloatSlider(
        value,
        min=low,
        max=high,
        step=step,
        description=label,
        readout_format=f".{decimals}f",
        layout={"width": "300px"},
        style=WHOLE_LABEL,
    )


def switch(label, value=False):
    """Return a check box."""
    return widgets.Checkbox(value, description=label, indent=False, layout={"width": "auto"})


def _in_text(value) -> str:
    """A value as the text form tells it: the same on every processor."""
    return "by rounding" if isinstance(value, ByRounding) and np.isfinite(value) else _short(value)


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
