"""Eight sick networks for lesson 11: how each is built, its vital signs before, in and after training.

A `Build` says everything about a network and its training, so that a treatment is a changed build. `chart`
trains one and returns what was measured. All networks see the same real images.
"""

from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache

import numpy as np

from helpers import data
from helpers.networks.builders import Design
from helpers.networks.stack import Stack
from helpers.networks.training import train
from helpers.numerics.initializers import constant
from helpers.numerics.penalties import L2
from helpers.signals.recording import Recording, watcher
from helpers.signals.trace import Trace, trace

EVERY = 40  # steps between two records
LOOKED_AT = 200  # training images that the vital signs are taken on
NEW = 1000  # images that no network trains on
INPUTS = {"standardized": None, "pixels 0 to 1": 1, "pixels 0 to 255": 255}
SAME = "all 0.01"
FIXED = ("depth", "width", "steps", "images")  # a treatment leaves these alone


@dataclass(frozen=True)
class Build(Design):
    """The design of a network, and its training by `train`; the defaults are healthy.

    Biases of hidden layers start at `bias`; `momentum` is that of batch normalization's moving statistics, on
    the old value; `weight_decay` is the λ of `helpers.numerics.penalties.L2`. The training counts steps of
    plain gradient descent, whose `clip_norm` is a joint norm: another idea than a Keras `Recipe` with its
    epochs, momentum and schedule. Raises ValueError for inputs that are not in `INPUTS`.
    """

    activation: str = "relu"
    initializer: str = "he_normal"
    bias: float = 0.0
    momentum: float = 0.99
    inputs: str = "standardized"
    learning_rate: float = 0.05
    batch_size: int = 50
    weight_decay: float = 0.0
    clip_norm: float | None = None
    depth: int = 6
    width: int = 100
    steps: int = 120
    images: int = 1000

    def __post_init__(self):
        if self.inputs not in INPUTS:
            raise ValueError(f"inputs must be one of {', '.join(map(repr, INPUTS))}, got {self.inputs!r}")

    def __repr__(self):
        """Name only what differs from the healthy network."""
        changed = ", ".join(f"{name}={value!r}" for name, value in self.differences().items())
        return f"Build({changed})"

    def differences(self) -> dict:
        """Return the settings that are not the healthy network's, by name."""
        own = asdict(self)
        return {f.name: own[f.name] for f in fields(self) if own[f.name] != f.default}

    def network(self, seed) -> Stack:
        """Return the network as it is before training."""
        sizes = (784, *[self.width] * self.depth, 10)
        same = self.initializer == SAME
        design = replace(self, initializer=constant(0.01)) if same else self
        stack = design.stack(sizes, rng=np.random.default_rng(seed))
        for layer in stack.flat()[:-1]:
            if layer.kind == "dense" and layer.b is not None:
                layer.b += self.bias
            if layer.kind == "batch_norm":
                layer.momentum = self.momentum
        return stack


@dataclass(frozen=True, eq=False)
class Chart:
    """What was measured of one network: `before` and `after` training, and the `recording` of it.

    `tested` is the trace after training in testing mode, on the images of `after`.
    """

    build: Build
    model: Stack
    before: Trace
    after: Trace
    tested: Trace
    recording: Recording

    def __repr__(self):
        return f"Chart of {self.build}"

    @property
    def signs(self) -> dict:
        """Return the vital signs as numbers: before training, then of the training."""
        return vital_signs(self.before) | signs_of_training(self)


# The notebook shows the builds only after the diagnosis.
BUILDS = {
    "A": Build(activation="tanh", initializer="glorot_normal", gain=10),
    "B": Build(activation="sigmoid", initializer="glorot_normal", depth=10),
    "C": Build(normalized="before", momentum=0.999, steps=60),
    "D": Build(gain=2.5, depth=8),
    "E": Build(activation="tanh", initializer=SAME),
    "F": Build(bias=-1),
    "G": Build(depth=2, images=100, steps=400, learning_rate=0.1),
    "H": Build(inputs="pixels 0 to 255"),
}
DIAGNOSES = {  # patient → code, as in `helpers.clinic.illnesses.ILLNESSES`
    "A": "saturated_units",
    "B": "vanishing_gradient",
    "C": "stale_moving_statistics",
    "D": "exploding_signal",
    "E": "symmetric_weights",
    "F": "dead_units",
    "G": "overfitting",
    "H": "unscaled_inputs",
}


@lru_cache(maxsize=128)
def chart(build: Build, seed=0) -> Chart:
    """Train a network and return its `Chart`; asked again, the same chart. Overflow is in the numbers."""
    model, (x, y, x_new, y_new) = build.network(seed), images(build.inputs, build.images)
    looked_at = x[:LOOKED_AT], y[:LOOKED_AT]
    before = trace(model, *looked_at)
    settings = {"steps": build.steps, "learning_rate": build.learning_rate}
    watch = watcher(model, *looked_at, every=EVERY, valid=(x_new, y_new), **settings)
    train(
        model,
        x,
        y,
        batch_size=build.batch_size,
        clip_norm=build.clip_norm,
        penalty=L2(build.weight_decay) if build.weight_decay else None,
        rng=np.random.default_rng(seed),
        after_step=watch,
        **settings,
    )
    after, tested = (trace(model, *looked_at, training=mode) for mode in (True, False))
    return Chart(build, model, before, after, tested, watch.recording)


def treated(build: Build, changes) -> Build:
    """Return the build with the changes made; raises ValueError for a setting that is not to be changed."""
    allowed = [f.name for f in fields(Build) if f.name not in FIXED]
    for name in changes:
        if name not in allowed:
            raise ValueError(f"a treatment can't change {name!r}; it can change {', '.join(allowed)}")
    return replace(build, **changes)


@lru_cache(maxsize=8)
def images(inputs, n):
    """Return (x, y) of `n` training images and of `NEW` others, as a build's inputs say."""
    highest = INPUTS[inputs]
    x, y = data.load_batch(n + NEW, standardize=highest is None, dtype=np.float64)
    x *= highest or 1
    return x[NEW:], y[NEW:], x[:NEW], y[:NEW]


def vital_signs(seen: Trace) -> dict:
    """Return a trace's vital signs as numbers: of the inputs, of first and last layer, the worst of any."""
    hidden = seen.per_layer
    return {
        "inputs_mean": seen.input_mean,
        "inputs_std": seen.input_std,
        "std_first": hidden("std")[0],
        "std_last": hidden("std")[-1],
        "gradient_first": abs(hidden("grad_z_norm")[0]),
        "gradient_last": abs(hidden("grad_z_norm")[-1]),
        "saturated": hidden("share_saturated").max(),
        "dead": hidden("share_dead").max(),
        "alike": hidden("share_equal").max(),
    }


def signs_of_training(chart: Chart) -> dict:
    """Return the signs of the training: loss in both modes, on the images trained on and on new ones."""
    _, losses = chart.recording.logged("loss")
    _, new = chart.recording.logged("val_loss")
    return {
        "update": float(np.median(chart.recording.ratio[0])),
        "loss_first": losses[0],
        "loss_last": losses[-1],
        "loss_trained": chart.after.loss,
        "loss_tested": chart.tested.loss,
        "new_lowest": new.min(),
        "new_last": new[-1],
        "new_right": chart.recording.logged("val_accuracy")[1][-1],
    }
