"""Look on while a network of lesson 00 trains: of ten images, how many does it get right?"""

from base64 import b64encode

import ipywidgets as widgets
import numpy as np
from IPython.display import display

from helpers import data
from helpers.checks import learner
from helpers.data import results
from helpers.networks import first_run, patient
from helpers.plots.canvas import Canvas
from helpers.plots.frame import Axis, Frame, Line, Panel, Points
from helpers.plots.images import gallery
from helpers.plots.paint import paint

RIGHT = "right, of ten images"
UP = Axis(0, first_run.IMAGES, ticks={n: str(n) for n in range(0, first_run.IMAGES + 1, 2)})
LOOKS = ("first", "second", "third")
CHANCE = 1  # right of ten images, where each of ten kinds is as likely as the other


def ten_kinds():
    """Return a picture with one image of each of the ten kinds."""
    images = data.load_fashion_mnist()
    places = [int(np.argmax(images.y_train == kind)) for kind in range(len(data.CLASS_NAMES))]
    kinds = "one image of each kind: " + ", ".join(data.CLASS_NAMES)
    return gallery({"": images.x_train[places]}, captions={"": data.CLASS_NAMES}, alt=kinds)


def train(layers=first_run.LAYERS, *, cured=False, guess=None, beside=(), steps=patient.STEPS):
    """Train the patient with so many layers while one looks on; return the run.

    `guess` is drawn as a line, a number of ten; `beside` holds earlier runs to draw, too. Where notebooks are
    written and nobody looks on, the picture appears when the training is over.
    """
    live = _Live(guess, tuple(beside), steps)
    if learner.is_kept():
        display(live)
    run = first_run.run(layers, cured=cured, steps=steps, shown=live.show)
    if not learner.is_kept():
        display(live)
    return run


class _Live:
    """The picture of a training: it shows itself as a canvas that moves, or when over as a still picture."""

    def __init__(self, guess, beside, steps):
        self.guess, self.beside, self.steps, self.run = guess, beside, steps, None
        self.canvas = Canvas(layout={"width": "100%"})
        self.root = widgets.Box([self.canvas])
        self.canvas.show(self.frame())

    def show(self, run):
        """Draw the run so far."""
        self.run = run
        self.canvas.show(self.frame())

    def frame(self):
        """Return the picture: the run so far, the earlier ones, the guess, what guessing blindly gives."""
        runs = [*self.beside, *([self.run] if self.run else [])]
        ends = [0, self.steps]
        marks = [Line(ends, [CHANCE] * 2, "reference", "guessing blindly")]
        if self.guess is not None:
            marks.append(Line(ends, [self.guess] * 2, "guess", "your guess"))
        marks += [Line(r.steps, r.right, LOOKS[k % len(LOOKS)], r.label) for k, r in enumerate(runs)]
        room = 0.02 * self.steps
        panel = Panel(tuple(marks), RIGHT, Axis(-room, self.steps + room, label="training step"), UP)
        return Frame((panel,), 280)

    def __repr__(self):
        return f"<picture: {RIGHT}: {self.run.label if self.run else 'before training'}>"

    def _repr_mimebundle_(self, **_):
        bundle = {**self.root._repr_mimebundle_(), "text/plain": repr(self)}
        if self.run:
            bundle["image/png"] = b64encode(paint(self.frame(), repr(self))._repr_png_()).decode("ascii")
        return bundle


def against_layers(guess=None):
    """Return a picture: right of ten images against the number of layers, five seeds, with a guessed line."""
    layers = np.arange(1, first_run.LAYERS + 1)
    scores = np.array([five_seeds(count) for count in layers])
    marks = [Line(layers, [CHANCE] * len(layers), "reference", "guessing blindly")]
    if guess is not None:
        marks.append(Line(layers, [np.nan if g is None else g for g in guess], "guess", "your guess"))
    marks.append(Line(layers, np.median(scores, axis=1), "measured", "the middle one"))
    places = np.repeat(layers, scores.shape[1])
    marks.append(Points(places, scores.ravel(), "dot", "a training"))
    across = Axis(0.5, len(layers) + 0.5, label="layers in the network", counts="layer", most=len(layers))
    panel = Panel(tuple(marks), RIGHT, across, UP)
    return paint(Frame((panel,), 280), "right of ten images, for one to ten layers: five, four, then one")


def right_by_layers() -> np.ndarray:
    """Return right of ten images for one, two, … layers: the median of five seeds each."""
    return np.array([np.median(five_seeds(layers)) for layers in range(1, first_run.LAYERS + 1)])


def five_seeds(layers) -> np.ndarray:
    """Return the stored results of five seeds for so many layers: right, of ten images."""
    return first_run.IMAGES * results.load("first_run").accuracy[str(layers)]
