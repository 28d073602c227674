"""The one patient of the course: ten layers that do not learn, for three reasons; curing two is not enough.

Its pixels run from 0 to 255, its weights are drawn from N(0, 0.01²), its hidden units are sigmoids. Lessons
find one reason after the other by changing it alone. `results/patient.json` holds what every combination of
cures gave.

All is computed in double precision. Where it learns with all its cures, every digit told is then the same on
every processor. With pixels up to 255 a network that learns at all amplifies rounding so much that no digit
is: there only a range over seeds can be told.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

import numpy as np

from helpers import data
from helpers.data import results
from helpers.networks.mlp import MLP, cross_entropy
from helpers.networks.training import train
from helpers.numerics.over_seeds import median_and_range
from helpers.numerics.tables import Table, table

SIZES = (784, *[100] * 10, 10)
IMAGES, VALIDATION = 3000, 2000
RATE, STEPS, BATCH = 0.1, 500, 50
INPUTS = ("pixels 0 to 255", "standardized")
SMALL = 0.01  # standard deviation of the patient's weights


@dataclass(frozen=True)
class Patient:
    """Ten hidden layers of 100 units on Fashion-MNIST; as it comes, nothing in it helps it to learn.

    `inputs` is one of `INPUTS`; `initializer` is a name, or None for the patient's own N(0, 0.01²). Raises
    ValueError for other inputs.
    """

    inputs: str = INPUTS[0]
    initializer: str | None = None
    activation: str = "sigmoid"

    def __post_init__(self):
        if self.inputs not in INPUTS:
            raise ValueError(f"inputs can't be {self.inputs!r}; choose one of {', '.join(INPUTS)}")

    def images(self):
        """Return training images and labels, then validation images and labels, as the patient sees them."""
        x, y, x_valid, y_valid = _pixels()
        if self.inputs == INPUTS[0]:
            return 255 * x, y, 255 * x_valid, y_valid
        mean, std = x.mean(), x.std()  # of the training images alone
        return (x - mean) / std, y, (x_valid - mean) / std, y_valid

    def network(self, seed=0) -> MLP:
        """Return the untrained network."""
        drawn = self.initializer or small_weights
        return MLP(SIZES, activation=self.activation, initializer=drawn, rng=np.random.default_rng(seed))

    def train(self, seed=0, steps=STEPS, **options) -> "Course":
        """Train it by stochastic gradient descent and return how that went; `options` go to `train`."""
        x, y, x_valid, y_valid = self.images()
        model, rng = self.network(seed), np.random.default_rng(100 + seed)
        settings = {"learning_rate": RATE, "batch_size": BATCH} | options
        loss = train(model, x, y, steps=steps, rng=rng, **settings)
        with np.errstate(all="ignore"):
            return course_of(model, loss, model.forward(x_valid).logits, y_valid)


@dataclass(frozen=True, repr=False)
class Course:
    """How a training went: the loss of every step, validation accuracy and loss at the end, the network."""

    loss: np.ndarray
    accuracy: float
    validation_loss: float
    model: MLP

    def __repr__(self):
        return f"validation accuracy {self.accuracy:.2f}, loss {self.validation_loss:.2f}"


def course_of(model, loss, logits, y_valid) -> Course:
    """Return how a training went, from its losses and what the network says of the validation images."""
    accuracy = float(np.mean(logits.argmax(axis=1) == y_valid))
    return Course(loss, accuracy, float(cross_entropy(logits, y_valid)[0]), model)


CURES = {  # in the order of the lessons that find them
    "activation": {"activation": "tanh"},
    "weights": {"initializer": "glorot_normal"},
    "inputs": {"inputs": INPUTS[1]},
}


def cured(*names) -> Patient:
    """Return the patient with these cures; raises ValueError for an unknown one."""
    patient = Patient()
    for name in names:
        if name not in CURES:
            raise ValueError(f"there is no cure {name!r}; choose from {', '.join(CURES)}")
        patient = replace(patient, **CURES[name])
    return patient


def combinations_of_cures() -> list[tuple[str, ...]]:
    """Return every set of cures, from none to all."""
    return [names for count in range(len(CURES) + 1) for names in combinations(CURES, count)]


def scoreboard(*chosen) -> Table:
    """Return the stored scores of sets of cures, each a tuple of names; of all, where none is chosen.

    Validation accuracy and loss over five seeds: the median, and from the lowest to the highest.
    """
    stored, rows = results.load("patient"), []
    for names in chosen or combinations_of_cures():
        cured(*names)  # names the unknown
        scores = stored.scores[" + ".join(sorted(names, key=list(CURES).index)) or "nothing"]
        told = *median_and_range(scores.accuracy), *median_and_range(scores.loss)
        rows.append((" + ".join(names) or "nothing", *told))
    return table(("cured", "accuracy", "of 5 seeds", "loss", "of 5 seeds"), rows)


def small_weights(shape, *, rng):
    """The patient's own: N(0, 0.01²)."""
    return SMALL * rng.standard_normal(shape)


@lru_cache(maxsize=1)
def _pixels():
    """Pixels in 0 … 1 and labels, to train with and to validate with."""
    images, end = data.load_fashion_mnist(), data.VALIDATION_SIZE + IMAGES
    train_part, valid_part = slice(data.VALIDATION_SIZE, end), slice(VALIDATION)
    x, y = images.x_train, images.y_train
    return x[train_part].astype(float), y[train_part], x[valid_part].astype(float), y[valid_part]
