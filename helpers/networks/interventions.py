"""Change one thing in a network, train it, and see: what lesson 02 does to the patient.

A correlation is no cause. To know why the patient does not learn, one thing is changed and all else stays:
which layers learn, how large their steps are, or whether the signal arrives. `over_seeds` trains each change
several times and tells validation accuracy and loss.
"""

import numpy as np

from helpers.networks.mlp import MLP, cross_entropy
from helpers.networks.patient import BATCH, RATE, Course, Patient, course_of
from helpers.networks.training import train
from helpers.numerics.over_seeds import median_and_range
from helpers.numerics.tables import Table, table

SIGNALS = ("as it is", "centered", "restored", "restored forward only")
STEPS = ("as they come", "equal")
LAYERS = ("all", "output")
COUNT, SEEDS = 200, 5
CHANCE, FAR = 0.13, 10  # told as chance up to this accuracy of ten classes; told as far off from this loss
HEADS = ("change", "validation accuracy", "of the seeds", "validation loss", "of the seeds")


class Changed:
    """An `MLP` of which one thing is changed; it can be trained by `train`.

    `signal` is one of SIGNALS: "restored" puts (h − center) / spread in place of every layer's h, two fixed
    numbers per unit and per layer, measured once on the images `x`, so that h varies by 1 over the images;
    "centered" leaves the spread alone, "restored forward only" leaves it out of the way back. `steps` is one
    of STEPS: "equal" scales each layer's gradient to the length of the output layer's. `layers` is one of
    LAYERS: with "output" only the last one learns. Raises
    ValueError for anything else.
    """

    def __init__(self, model: MLP, x, *, signal="as it is", steps="as they come", layers="all"):
        for name, value, allowed in (
            ("signal", signal, SIGNALS),
            ("steps", steps, STEPS),
            ("layers", layers, LAYERS),
        ):
            if value not in allowed:
                raise ValueError(f"{name} can't be {value!r}; choose one of {', '.join(map(repr, allowed))}")
        self.model, self.steps, self.layers = model.scaled(1), steps, layers  # a copy
        self.centers, self.spreads = [0.0] * model.depth, [1.0] * model.depth
        if signal != "as it is":
            self._measure(np.asarray(x), scaled=signal.startswith("restored"))
        self.spreads_back = self.spreads if signal == "restored" else [1.0] * model.depth

    def _measure(self, x, *, scaled):
        h = x
        for layer in range(self.model.depth):
            raw = self.model.activation.f(h @ self.model.weights[layer] + self.model.biases[layer])
            self.centers[layer] = raw.mean(axis=0)
            if scaled:
                self.spreads[layer] = spread_over_images(raw)
            h = (raw - self.centers[layer]) / self.spreads[layer]

    def forward(self, x):
        """Return all z, and all h as the next layer gets them; `h[0]` is the input."""
        z, h = [], [x]
        for layer, (W, b) in enumerate(zip(self.model.weights, self.model.biases, strict=True)):
            z.append(h[-1] @ W + b)
            if layer < self.model.depth:
                h.append((self.model.activation.f(z[-1]) - self.centers[layer]) / self.spreads[layer])
        return z, h

    def loss_and_gradients(self, x, y):
        """Return the mean loss of a batch, and (dW, db): a list for the weights and one for the biases.

        With "restored forward only" they are what comes back without the amplifiers, and no true gradient.
        """
        z, h = self.forward(x)
        loss, dz = cross_entropy(z[-1], y)
        dW, db = [h[-1].T @ dz], [dz.sum(axis=0)]
        for layer in range(self.model.depth - 1, -1, -1):
            dz = dz @ self.model.weights[layer + 1].T / self.spreads_back[layer]
            dz = dz * self.model.activation.df(z[layer])
            dW.insert(0, h[layer].T @ dz)
            db.insert(0, dz.sum(axis=0))
        return loss, (dW, db)

    def step(self, gradients, learning_rate):
        """Take one step of gradient descent in place, with the change of the steps or layers."""
        wanted = np.linalg.norm(gradients[0][-1])
        for layer, (dW, db) in enumerate(zip(*gradients, strict=True)):
            if self.layers == "output" and layer < self.model.depth:
                continue
            size = np.linalg.norm(dW)
            factor = wanted / size if self.steps == "equal" and size > 0 else 1.0
            self.model.weights[layer] -= learning_rate * factor * dW
            self.model.biases[layer] -= learning_rate * factor * db


def spread_over_images(h) -> float:
    """Return how much a layer's h differs from image to image: √ of its units' mean variance."""
    return float(np.sqrt(np.var(h, axis=0, dtype=np.float64).mean()))


def train_changed(patient: Patient, seed=0, *, rate=RATE, steps_taken=COUNT, **change) -> Course:
    """Train a patient with one thing changed, see `Changed`, and return how that went."""
    x, y, x_valid, y_valid = patient.images()
    with np.errstate(all="ignore"):
        changed = Changed(patient.network(seed), x, **change)
        rng = np.random.default_rng(100 + seed)
        loss = train(changed, x, y, learning_rate=rate, steps=steps_taken, batch_size=BATCH, rng=rng)
        return course_of(changed.model, loss, changed.forward(x_valid)[0][-1], y_valid)


class Comparison(dict):
    """Change → the Courses of all seeds; its text form is a table: median, smallest and largest."""

    def accuracy(self, change) -> np.ndarray:
        """Return the validation accuracy of each seed."""
        return np.array([course.accuracy for course in self[change]])

    def loss(self, change) -> np.ndarray:
        """Return the validation loss of each seed."""
        return np.array([course.validation_loss for course in self[change]])

    def curves(self) -> dict:
        """Return change → the training loss, (seeds, steps)."""
        return {change: np.array([course.loss for course in runs]) for change, runs in self.items()}

    def table(self) -> Table:
        """Return a row for every change."""
        told = {c: (*_accuracy_told(self.accuracy(c)), *_loss_told(self.loss(c))) for c in self}
        return table(HEADS, [(change, *cells) for change, cells in told.items()])

    def __repr__(self):
        return self.table()

    def _repr_html_(self):
        return self.table()._repr_html_()


def over_seeds(patient: Patient, changes, *, seeds=SEEDS) -> Comparison:
    """Train a patient with each of `changes` (label → options of `train_changed`) once for every seed."""
    return Comparison(
        {
            label: [train_changed(patient, seed, **options) for seed in range(seeds)]
            for label, options in changes.items()
        }
    )


def _accuracy_told(values):
    return ("chance", "chance") if values.max() <= CHANCE else median_and_range(values)


def _loss_told(values):
    """Which number a run that was flung far off ends with is an accident of rounding: it is left out."""
    far = np.isfinite(values).all() and values.min() > FAR
    return (f"above {FAR}", f"above {FAR}") if far else median_and_range(values)
