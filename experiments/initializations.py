"""Starts compared fairly (lesson 04): initializations, and starts of a residual net, each at its best rate.

Every contender is trained by plain stochastic gradient descent on the same images; its learning rate is
chosen on validation images, and test images score it with fresh seeds.
"""

from functools import lru_cache

import numpy as np

from experiments.fair import Contender, Study
from helpers import data
from helpers.networks.builders import bare_residual_stack
from helpers.networks.mlp import MLP
from helpers.networks.scoring import scores
from helpers.networks.training import train
from helpers.networks.tuning import Knob, decades
from helpers.numerics.initialization_table import asked_by_signal
from helpers.numerics.initializers import variance_scaling

IMAGES, STEPS, BATCH = 3000, 300, 50
SIZES = (784, *[100] * 10, 10)
WIDTH = 50  # of the residual nets
TUNING_SEEDS, SEEDS = (100, 101, 102), tuple(range(10))
RATES = Knob(decades(-8, 2), (10, 16))  # begun with 0.001 … 0.3


def _by_theory(activation):
    """The normal initializer that keeps E[h²] at 1 for this activation."""
    return variance_scaling(asked_by_signal(activation), "fan_in", "truncated_normal")


NETWORKS = {  # contender → activation, initializer, gain
    "tanh, N(0, 0.01²)": ("tanh", "small_normal", 1),
    "tanh, Glorot": ("tanh", "glorot_normal", 1),
    "tanh, Glorot × 5/3": ("tanh", "glorot_normal", 5 / 3),
    "tanh, N(0, 1)": ("tanh", "standard_normal", 1),
    "ReLU, Glorot": ("relu", "glorot_normal", 1),
    "ReLU, He": ("relu", "he_normal", 1),
    "SiLU, Glorot": ("silu", "glorot_normal", 1),
    "SiLU, He": ("silu", "he_normal", 1),
    "SiLU, by theory": ("silu", _by_theory("silu"), 1),
}
RESIDUAL = {  # contender → blocks, start
    f"{blocks} blocks, {start}": (blocks, start)
    for blocks, starts in ((3, ("naive", "he", "zeroed")), (20, ("naive", "he", "zeroed", "scaled", "fixup")))
    for start in starts
}


@lru_cache(maxsize=1)
def images():
    """Return training, validation and test images with their labels, standardized by the training pixels."""
    split = data.load_split(IMAGES, standardize=False)
    mean, std = split.x.mean(), split.x.std()
    pairs = ((split.x, split.y), (split.x_valid, split.y_valid), (split.x_test, split.y_test))
    return [((x - mean) / std, y) for x, y in pairs]


def train_network(contender, setting, seed) -> dict:
    """Train one of `NETWORKS` and return its scores at the end."""
    activation, initializer, gain = NETWORKS[contender]
    rng, options = np.random.default_rng(seed), {"gain": gain, "dtype": np.float32}
    model = MLP(SIZES, activation=activation, initializer=initializer, rng=rng, **options)
    return _trained(model, lambda x: model.forward(x).logits, setting, seed)


def train_residual(contender, setting, seed) -> dict:
    """Train one of `RESIDUAL` and return its scores at the end."""
    blocks, start = RESIDUAL[contender]
    rng = np.random.default_rng(seed)
    model = bare_residual_stack(784, WIDTH, blocks, 10, start=start, rng=rng, dtype=np.float32)
    return _trained(model, lambda x: model.forward(x)[-1].output, setting, seed)


def _trained(model, logits, setting, seed):
    seen, valid, test = images()
    rng = np.random.default_rng(1000 + seed)
    train(model, *seen, learning_rate=setting["rate"], steps=STEPS, batch_size=BATCH, rng=rng)
    with np.errstate(all="ignore"):
        return {name: [scores(logits(x), y)] for name, (x, y) in (("validation", valid), ("test", test))}


TOLD = {"images": IMAGES, "steps": STEPS, "batch_size": BATCH, "optimizer": "plain gradient descent"}
_SEEDS = {"tuning_seeds": TUNING_SEEDS, "seeds": SEEDS, "tolerance": 0.1}
INITIALIZATIONS = Study(
    "initializations",
    {name: Contender({"rate": RATES}) for name in NETWORKS},
    train_network,
    told=TOLD,
    repeated=("tanh, Glorot", "ReLU, He"),
    **_SEEDS,
)
RESIDUAL_STARTS = Study(
    "residual_starts",
    {name: Contender({"rate": RATES}) for name in RESIDUAL},
    train_residual,
    told=TOLD | {"width": WIDTH},
    repeated=("3 blocks, zeroed",),
    **_SEEDS,
)
