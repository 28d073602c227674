"""Predict: a question with a control and a button. What is committed is kept, to be compared later.

    guess = predict.number("length at layer 1", low=1e-12, high=1e3, log=True)
    guess.reveal(lengths[0])

Without a guess everything runs, and says so.
"""

import html

import ipywidgets as widgets
import numpy as np

from helpers.checks import learner
from helpers.checks.guesses import Guess, short, tally
from helpers.plots.canvas import Canvas
from helpers.plots.frame import Axis, Frame, Panel, round_above

QUIET = '<span style="opacity: 0.75">{words}</span>'
MANY = 12  # places of a line that are all numbered
STEPS = 100  # of a slider, or a few more or less, so that each is a round number
TEXT = {
    "commit": "Commit",
    "again": "Commit anew",
    "yours": "Your guess: {value}",
    "empty": "No guess yet. Everything runs without one, but you learn more with one.",
    "sketch": "Draw a line from left to right with the mouse, or click on the picture and use arrow keys.",
}


class Prediction:
    """A guess with its control. `value` is what was committed, or None; `reveal(measured)` compares."""

    def __init__(self, guess, control, read, shown=short, how=None):
        self.guess, self.control, self._read, self._shown = guess, control, read, shown
        wide = {"width": "auto", "min_width": "9em"}  # large type needs more room
        self.button = widgets.Button(description=TEXT["commit"], button_style="primary", layout=wide)
        self.state = widgets.HTML()
        self.button.on_click(lambda _: self.commit())
        head = widgets.HTML(f"<b>{html.escape(guess.question)}</b>")
        row = widgets.HBox([self.button, self.state], layout={"align_items": "center", "grid_gap": "1em"})
        self.root = widgets.VBox([head, *([how] if how else []), control, row])
        self.root.add_class("td-predict")
        self._tell()

    @property
    def value(self):
        """What was committed, or None."""
        return self.guess.value

    def commit(self) -> None:
        """Keep what the control says now."""
        value = self._read()
        if value is not None:
            self.guess.commit(value)
        self._tell()

    def reveal(self, measured):
        """Return in words how the guess compares with what was measured."""
        return self.guess.reveal(measured)

    def _tell(self):
        made = self.value is not None
        self.button.description = TEXT["again" if made else "commit"]
        words = TEXT["yours"].format(value=self._shown(self.value)) if made else TEXT["empty"]
        self.state.value = html.escape(words)

    def __repr__(self):
        return f"Predict: {self.guess.question}"

    def _repr_mimebundle_(self, **_):
        return {**self.root._repr_mimebundle_(), "text/plain": repr(self)}


def number(question, *, low, high, log=False) -> Prediction:
    """Return a question for a number on a slider from `low` to `high`; raises ValueError for an empty one."""
    if not low < high or (log and low <= 0):
        raise ValueError(f"a number is wanted between low and high, got low={low!r} and high={high!r}")
    guess, look = Guess(question, "number"), {"layout": {"width": "min(460px, 100%)"}}
    if log:
        exponents = np.log10([low, high])
        start = 10 ** exponents.mean() if guess.value is None else guess.value
        options = {"min": exponents[0], "max": exponents[1], "step": 0.1, "readout_format": ".1e"}
        slider = widgets.FloatLogSlider(value=np.clip(start, low, high), base=10, **options, **look)
    else:
        start = (low + high) / 2 if guess.value is None else guess.value
        step = round_above((high - low) / STEPS)
        told = f".{max(0, -int(np.floor(np.log10(step))))}f"
        options = {"min": low, "max": high, "step": step, "readout_format": told}
        slider = widgets.FloatSlider(value=np.clip(start, low, high), **options, **look)
    return Prediction(guess, slider, lambda: float(slider.value))


def choice(question, options) -> Prediction:
    """Return a question with several answers, of which one is chosen; none is chosen at first."""
    options = list(options)
    if len(set(options)) < 2:
        raise ValueError(f"a choice needs two answers at least, got {options}")
    guess = Guess(question, "choice")
    chosen = guess.value if guess.value in options else None
    buttons = widgets.RadioButtons(options=options, value=chosen, layout={"width": "max-content"})
    return Prediction(guess, buttons, lambda: buttons.value, str)


def curve(question, *, layers, low, high, log=True, ylabel="", xlabel="layer") -> Prediction:
    """Return a question whose answer is a line over the places 1 … `layers`, drawn with mouse or keys.

    `xlabel` says what is counted, where it is not the layer. Raises ValueError for fewer than two places and
    for an empty range.
    """
    if layers < 2 or not low < high:
        raise ValueError(f"a line needs two places and a range, got layers={layers}, low={low}, high={high}")
    guess = Guess(question, "curve")
    earlier = guess.value if guess.value and len(guess.value) == layers else []
    canvas = Canvas(sketch=list(earlier))
    ends = {"low": 0.5, "high": layers + 0.5}  # no room for a place beyond them
    places = Axis(**ends, counts="layer", label=xlabel, most=layers if layers <= MANY else 5)
    panel = Panel((), ylabel or " ", places, Axis(low, high, log=log), sketch=True)
    canvas.show(Frame((panel,), 220))
    how = widgets.HTML(QUIET.format(words=TEXT["sketch"]))

    def drawn():
        return list(canvas.sketch) if any(value is not None for value in canvas.sketch) else None

    def told(values):
        return f"a line at {sum(value is not None for value in values)} of {layers} places"

    return Prediction(guess, canvas, drawn, told, how)


def summary(lesson=None):
    """Return how the guesses of this lesson went, in a sentence."""
    return tally(learner.lesson() if lesson is None else lesson)
