"""The runs of lesson 00: the course's patient as it comes, with fewer layers, and cured.

`results/first_run.json` holds what one to ten layers gave, over five seeds.
"""

from dataclasses import dataclass

import numpy as np

from helpers.networks import patient
from helpers.networks.mlp import MLP
from helpers.networks.training import train

LAYERS = 10
EVERY = 20  # steps between two looks at how well it does
IMAGES = 10  # so many images the results are told of


@dataclass(frozen=True, repr=False)
class Run:
    """How a training went: of ten images it has not trained on, so many `right` at each of `steps`."""

    layers: int
    cured: bool
    steps: np.ndarray
    right: np.ndarray

    @property
    def end(self) -> float:
        """Right, of ten images, when the training is over."""
        return float(self.right[-1])

    @property
    def label(self) -> str:
        """The network in words."""
        return f"{self.layers} layer{'s' * (self.layers > 1)}{', cured' * self.cured}"

    def __repr__(self):
        return f"{self.label}: {self.end:.1f} of {IMAGES} images right"


def network(layers, cured=False, seed=0) -> MLP:
    """Return the patient's network with so many hidden layers, untrained; raises ValueError for none."""
    if layers < 1:
        raise ValueError(f"a network needs a layer at least, got {layers}")
    case = _case(cured)
    whole = case.network(seed)
    if layers == whole.depth:
        return whole
    sizes = (whole.sizes[0], *[whole.sizes[1]] * layers, whole.sizes[-1])
    drawn = {"activation": whole.activation, "initializer": whole.initializer}
    return MLP(sizes, **drawn, rng=np.random.default_rng(seed))


def run(layers=LAYERS, *, cured=False, seed=0, steps=patient.STEPS, shown=None) -> Run:
    """Train the patient with so many hidden layers, all else as it is, and return how that went.

    `cured` trains it with all its cures. `shown(run)` is called with the run so far at every look.
    """
    model, (x, y, x_valid, y_valid) = network(layers, cured, seed), _case(cured).images()
    done, right = [], []

    def look(step, *_):
        if step % EVERY == EVERY - 1 or not right:
            done.append(step + 1 if right else 0)
            right.append(IMAGES * model.accuracy(x_valid, y_valid))
            if shown:
                shown(so_far())

    def so_far():
        return Run(layers, cured, np.array(done), np.array(right))

    look(-1)
    settings = {"learning_rate": patient.RATE, "batch_size": patient.BATCH}
    train(model, x, y, steps=steps, rng=np.random.default_rng(100 + seed), after_step=look, **settings)
    return so_far()


def _case(cured):
    return patient.cured(*patient.CURES) if cured else patient.Patient()
