"""A loss with a low valley and a poor one: does the noise of small batches lead out of the poor one?

The model is one neuron of one weight, p = sin(w x), the loss half the mean squared error. A sine fits in more
than one way, so this loss has several valleys: the simplest surface on which one can get stuck.
"""

from typing import NamedTuple

import numpy as np

from helpers.networks.tuning import Knob, search

EXAMPLES, SLOW, FAST = 64, 6.0, 13.0  # examples, and the two frequencies that they may follow
FROM, TO = 12.0, 14.0  # where runs start: in the poor valley
EPOCHS = 50
RATES = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30)


def examples(share=0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return x (64,) in −1 … 1 and y = sin(6 x), but sin(13 x) for a `share` of them.

    The larger the share, the deeper the poor valley near w = 13.
    """
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, EXAMPLES)
    fast = rng.permutation(EXAMPLES) < share * EXAMPLES
    return x, np.where(fast, np.sin(FAST * x), np.sin(SLOW * x))


def loss(w, x, y) -> np.ndarray:
    """Return ½ mean (sin(w x) − y)² for one w or many."""
    return np.mean((np.sin(np.multiply.outer(w, x)) - y) ** 2, axis=-1) / 2


def gradients(w, x, y) -> np.ndarray:
    """Return the gradient of each example for each of several w, (w, examples): (sin(w x) − y) cos(w x) x."""
    z = w[:, None] * x
    return (np.sin(z) - y) * np.cos(z) * x


def descend(x, y, *, batch_size, rate, updates, seeds, seed, noise_of=None) -> np.ndarray:
    """Return the w at which several runs of gradient descent end, all begun in the poor valley.

    Each epoch visits the examples in a new random order. `noise_of` adds normal noise to every
    gradient, of the spread that batches of that size have at the same w.
    """
    rng = np.random.default_rng(seed)
    w, n = rng.uniform(FROM, TO, seeds), len(x)
    for update in range(updates):
        start = update * batch_size % n
        if start == 0:
            orders = rng.permuted(np.tile(np.arange(n), (seeds, 1)), axis=1)
        rows = orders[:, start : start + batch_size]
        each = gradients(w, x[rows], y[rows])
        step = each.mean(axis=1)
        if noise_of is not None:
            spread = each.std(axis=1) * np.sqrt((n - noise_of) / (n - 1) / noise_of)
            step = step + spread * rng.standard_normal(seeds)
        w = w - rate * step
    return w


class Ends(NamedTuple):
    """Where a way to step ends at its best rate: one loss per seed, and in how many runs the low valley."""

    rate: float
    losses: np.ndarray
    escaped: int

    @property
    def row(self) -> tuple:
        """Rate, runs that got out, median loss, range: for a table."""
        low, middle, high = self.losses.min(), np.median(self.losses), self.losses.max()
        return f"{self.rate:g}", self.escaped, f"{middle:.2f}", f"{low:.2f} to {high:.2f}"


def at_best_rate(share, batch_size, *, seeds=24) -> Ends:
    """Tune the rate by the mean loss of `seeds` runs, then tell how as many fresh ones end at that rate.

    Every batch size looks at the same number of examples, EPOCHS × 64. Of rates that are equal to two digits
    it takes the smallest, so that no rounding error chooses.
    """
    x, y = examples(share)
    options = {"batch_size": batch_size, "updates": EPOCHS * EXAMPLES // batch_size, "seeds": seeds}

    def mean_loss(rate):
        return round(loss(descend(x, y, rate=rate, seed=1, **options), x, y).mean(), 2)

    chosen, _ = search({"rate": Knob(RATES, (0, len(RATES)))}, mean_loss)
    return ends(share, rate=chosen["rate"], **options)


def ends(share, *, rate, **options) -> Ends:
    """Tell how fresh runs end at this rate; `options` are those of `descend`, but for the seed."""
    x, y = examples(share)
    w = descend(x, y, rate=rate, seed=2, **options)
    return Ends(rate, loss(w, x, y), int((np.abs(w - lowest(x, y)) < 1).sum()))


def lowest(x, y) -> float:
    """Return the w at the floor of the low valley."""
    grid = np.linspace(SLOW - 2, SLOW + 2, 401)
    return float(grid[loss(grid, x, y).argmin()])
