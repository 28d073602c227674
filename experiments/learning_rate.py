"""Learning rate × spread of the weights, with and without batch normalization (lesson 06, the lab's grid)."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from experiments.numbers import median_of, rounded
from helpers import data
from helpers.networks.builders import Design
from helpers.networks.normalizing import take_statistics
from helpers.networks.training import train

RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
STDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
SEEDS = (0, 1, 2, 3, 4)
IMAGES, VALIDATION = 2000, 1000
HIDDEN = (100,) * 5
STEPS, BATCH = 150, 100
POINTS = 10  # of a stored loss curve, each the mean over STEPS / POINTS steps
SHORT = ((False, 0.1, 0.03), (False, 0.1, 0.1), (True, 0.1, 0.1), (True, 1.0, 0.1), (False, 0.003, 0.1))
TOLERANCE = 0.02  # between processors: rounding grows over the steps, in accuracy and in loss


@dataclass(frozen=True)
class Cell:
    """The settings of one run: whether batch normalization stands before each ReLU, std, rate, seed."""

    normalized: bool
    std: float
    rate: float
    seed: int


def settings() -> list:
    """Return all runs of the grid, in the order of the stored arrays."""
    return [Cell(*cell) for cell in product((False, True), STDS, RATES, SEEDS)]


def short() -> list:
    """Return the few runs of the short version: cells where the run converges or stands still, two seeds."""
    return [Cell(*cell, seed) for cell in SHORT for seed in SEEDS[:2]]


def run(cell: Cell) -> dict:
    """Return the loss over the steps and the validation accuracy at the end."""
    x, y, x_valid, y_valid = images()
    rng = np.random.default_rng(cell.seed)
    place = "before" if cell.normalized else None
    design = Design("relu", "standard_normal", gain=cell.std, normalized=place)
    model = design.stack((784, *HIDDEN, 10), rng=rng, dtype=np.float32)
    losses = train(model, x, y, learning_rate=cell.rate, steps=STEPS, batch_size=BATCH, rng=rng)
    with np.errstate(all="ignore"):
        curve = losses.reshape(POINTS, -1).mean(axis=1)
        take_statistics(model, x)
    return {"loss": rounded(curve), "accuracy": float(model.accuracy(x_valid, y_valid))}


def merge(runs) -> dict:
    """Return what is stored: per cell the median curve over the seeds, and all accuracies.

    A median loss is None from where on most of the seeds have left the range of float32.
    """
    grid = 2, len(STDS), len(RATES), len(SEEDS)
    curves = np.array([one["loss"] for one in runs], float).reshape(*grid, POINTS)
    accuracies = np.array([one["accuracy"] for one in runs]).reshape(grid)
    middle = [median_of(cell) for cell in curves.reshape(-1, len(SEEDS), POINTS)]
    middle = np.array(middle, float).reshape(*grid[:3], POINTS)
    return {
        "settings": {
            "hidden": list(HIDDEN),
            "activation": "relu",
            "weights": "normal with mean 0 and the same std in every layer",
            "optimizer": "stochastic gradient descent without momentum",
            "steps": STEPS,
            "batch_size": BATCH,
            "images": IMAGES,
            "statistics_for_validation": "of all training images, at the end",
            "validation_images": VALIDATION,
            "seeds": list(SEEDS),
        },
        "axes": "the first axis is without, with batch normalization; then std; then rate",
        "std": list(STDS),
        "rate": list(RATES),
        "steps": [(k + 1) * STEPS // POINTS for k in range(POINTS)],
        "loss": nested(middle),
        "diverged": np.isnan(curves[..., -1]).sum(axis=-1).tolist(),
        "accuracy": nested(accuracies),
    }


def faults(stored, cells, runs) -> list:
    """Say where the short version's accuracies leave the stored ones by more than the tolerance."""
    found = []
    for cell, one in zip(cells, runs, strict=True):
        place = int(cell.normalized), STDS.index(cell.std), RATES.index(cell.rate), SEEDS.index(cell.seed)
        known = stored["accuracy"][place[0]][place[1]][place[2]][place[3]]
        if not abs(known - one["accuracy"]) <= TOLERANCE:
            found.append(f"{asdict(cell)}: accuracy {one['accuracy']:.3f}, stored {known:.3f}")
    return found


def nested(array) -> list:
    """Return nested lists of rounded numbers."""
    return rounded(array) if array.ndim == 1 else [nested(part) for part in array]


@lru_cache(maxsize=1)
def images():
    """Return training images and labels, then validation images and labels."""
    x, y = data.load_batch(IMAGES + VALIDATION)
    return x[:IMAGES], y[:IMAGES], x[IMAGES:], y[IMAGES:]
