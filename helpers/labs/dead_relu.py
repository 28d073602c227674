"""Dead units: a small network trained on real images while its learning rate and its biases are bad."""

from typing import NamedTuple

import numpy as np

from helpers import data
from helpers.labs import live
from helpers.networks.mlp import MLP, cross_entropy
from helpers.numerics.activations import with_parameter
from helpers.plots.frame import Axis, Frame, Line, Panel, beside

IMAGES, SIDE, UNITS, STEPS = 200, 7, 50, 25
RATES = (0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 20, 30, 100)
SLOPES = (0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1)
LOSS_SHOWN, Z_SHOWN = 5.0, 10.0
FAR = 1e6  # a loss above this never comes back

NAMES = {"relu": "ReLU", "leaky": "Leaky ReLU"}
TEXT = {
    "all_dead": "All ReLU units are dead: only the output's biases still learn.",
    "diverged": "{label}: the loss has grown out of all bounds by step {step}: each step overshoots more.",
    "spared": "{label}: the loss is out of all bounds from step {step} on. Nothing here can die, so each "
    "step overshoots more. ReLU's loss came back, for dead units pass nothing on: {share:.0%} of them are.",
    "linear": "With slope 1 the second network is linear: nothing in it can fall silent for good.",
}


class Run(NamedTuple):
    """One training run: silent share and loss before each step and at the end, the units' largest z then."""

    silent: np.ndarray
    loss: np.ndarray
    largest: np.ndarray


class DeadReluLab(live.LiveFigure):
    """Silent units over real training steps under ReLU and Leaky ReLU, the loss, how far gone each one is."""

    READ_OUT = {
        "silent_relu": "silent share, ReLU",
        "silent_leaky": "silent share, Leaky ReLU",
        "loss_relu": "loss, ReLU",
        "loss_leaky": "loss, Leaky ReLU",
    }

    def controls(self):
        return {
            "rate": live.steps("learning rate", RATES, 2),
            "bias": live.real("start bias", -10, 2, 0.25, 0.0),
            "slope": live.steps("leaky slope", SLOPES, 0.01),
            "seed": live.whole("seed", 0, 20, 0),
        }

    def update(self, rate, bias, slope, seed):
        x, y = small_images()
        relu = train_small("relu", x, y, rate, bias, seed)
        leaky = train_small(with_parameter("leaky_relu", slope), x, y, rate, bias, seed)
        steps = Axis(-1, STEPS + 1, label="step (all 200 images)", counts="step")
        units = Axis(0, UNITS + 1, label="units, sorted (z cut off at ±10)", counts="unit")
        silent = two_curves([run.silent for run in (relu, leaky)])
        loss = two_curves([np.minimum(run.loss, LOSS_SHOWN) for run in (relu, leaky)])
        largest = two_curves([np.clip(run.largest, -Z_SHOWN, Z_SHOWN) for run in (relu, leaky)], first=1)
        zero = Line((0.5, UNITS + 0.5), (0, 0), "zero")
        panels = beside(
            Panel(silent, "share with z ≤ 0 on every image", steps, Axis(-0.04, 1.04)),
            Panel(loss, "training loss (cut off at 5)", steps, Axis(0, 1.04 * LOSS_SHOWN)),
            Panel((zero, *largest), "largest z of each unit after training", units, Axis(-10.6, 10.6)),
        )
        numbers = {
            "silent_relu": relu.silent[-1],
            "silent_leaky": leaky.silent[-1],
            "loss_relu": relu.loss[-1],
            "loss_leaky": leaky.loss[-1],
        }
        return Frame(panels, 310, _in_words(relu, leaky, slope), numbers)


def two_curves(both, first=0) -> tuple[Line, Line]:
    """Return ReLU's and Leaky ReLU's values as lines over whole numbers from `first` on."""
    looks = zip(both, ("first", "second"), NAMES.values(), strict=True)
    return tuple(Line(np.arange(len(values)) + first, values, look, label) for values, look, label in looks)


def small_images() -> tuple[np.ndarray, np.ndarray]:
    """Return 200 images, shrunk to 7 × 7 by averaging 4 × 4 blocks and standardized, and their labels."""
    x, y = data.load_batch(IMAGES, dtype=np.float64)  # training amplifies rounding: float32 would show it
    x = x.reshape(IMAGES, SIDE, 28 // SIDE, SIDE, 28 // SIDE).mean(axis=(2, 4)).reshape(IMAGES, -1)
    return (x - x.mean()) / x.std(), y


def train_small(activation, x, y, rate, bias, seed) -> Run:
    """Return the `Run` of a network with one hidden layer, its biases all starting at `bias`.

    Every step uses all images. A run that has overflowed stops, and its last values are repeated.
    """
    rng = np.random.default_rng(seed)
    model = MLP((x.shape[1], UNITS, 10), activation=activation, initializer="he_normal", rng=rng)
    model.biases[0] += bias
    silent, losses = [], []
    for step in range(STEPS + 1):
        forward = model.forward(x)
        loss, dlogits = cross_entropy(forward.logits, y)
        if not np.isfinite(loss):
            losses.append(np.inf)
            break
        largest = forward.z[0].max(axis=0)
        silent.append(np.mean(largest <= 0))
        losses.append(loss)
        if step < STEPS:
            model.step(model.backward(forward, dlogits), rate)
    return Run(np.array(silent), np.array(losses), np.sort(largest))


def _in_words(relu, leaky, slope):
    for run, label in zip((relu, leaky), NAMES.values(), strict=True):
        if not run.loss[-1] < FAR:
            kind = "spared" if run is leaky and slope > 0 else "diverged"
            step = int(np.argmax(~(run.loss < FAR)))
            return TEXT[kind].format(label=label, step=step, share=relu.silent[-1])
    if relu.silent[-1] == 1:
        return TEXT["all_dead"]
    return TEXT["linear"] if slope == 1 else ""
