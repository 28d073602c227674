"""A Recording: what was seen of every layer while a network trained, one record after another.

`helpers.recorder` makes one during a Keras `fit`; the pictures of `helpers.plots.training` draw it.
"""

from dataclasses import dataclass

import numpy as np

BINS = 30
REACH = 3.0  # histograms of |h| go from 0 to three standard deviations of a healthy signal
HEALTHY_RATIO = 1e-3  # an update about a thousandth of its weights (Karpathy, CS231n notes on learning)


@dataclass(frozen=True)
class Recording:
    """The records of one run; arrays are (records, layers), histograms (records, layers, BINS).

    A record is taken on one and the same batch, between two training steps. `loss` is the mean loss,
    `gradient` the norm of the gradient of each layer's weights, `ratio` the norm of the update that the
    optimizer would now make, divided by the norm of the weights. `counts` is a histogram of abs(activation)
    from 0 to `REACH`; what lies beyond is in the last bin. `steps` tells after how many training steps,
    `total` how many were planned. `epochs` holds what Keras logged after each epoch: (step, logs).
    """

    layers: tuple[str, ...]
    total: int
    steps: np.ndarray
    loss: np.ndarray
    gradient: np.ndarray
    ratio: np.ndarray
    counts: np.ndarray
    epochs: tuple = ()
    stopped: bool = False

    @property
    def last_step(self) -> int:
        """The step of the last record; 0 before there is one."""
        return int(self.steps[-1]) if len(self.steps) else 0

    @property
    def end(self) -> int:
        """The step at which the run ends: as planned, or where it was stopped; at least 1, for an axis."""
        return max(self.last_step if self.stopped else self.total, 1)

    @property
    def mean_activation(self) -> np.ndarray:
        """Return the mean of abs(activation), (records, layers), read from the histograms."""
        middles = (np.arange(BINS) + 0.5) * REACH / BINS
        with np.errstate(invalid="ignore"):
            return self.counts @ middles / self.counts.sum(axis=2)

    def logged(self, name) -> tuple[np.ndarray, np.ndarray]:
        """Return (steps, values) that Keras logged under a name, such as "val_accuracy"; empty without it."""
        pairs = [(step, logs[name]) for step, logs in self.epochs if name in logs]
        return np.array([step for step, _ in pairs]), np.array([value for _, value in pairs])

    def __repr__(self):
        state = "stopped" if self.stopped else "done" if self.last_step >= self.total else "under way"
        return f"Recording of {len(self.layers)} layers, {self.last_step:,} of {self.total:,} steps, {state}"


def empty(layers, total) -> Recording:
    """Return a recording without records; raises ValueError for no layers or fewer than one step."""
    if not layers or total < 1:
        raise ValueError(f"a recording needs layers and steps, got {len(layers)} and {total}")
    none = np.zeros((0, len(layers)))
    numbers = np.zeros(0)
    return Recording(
        tuple(layers), int(total), np.zeros(0, int), numbers, none, none, np.zeros((0, len(layers), BINS))
    )
