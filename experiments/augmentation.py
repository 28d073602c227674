"""Which augmentation or stochastic regularizer helps a small network on few images (lesson 10, row G7).

Every method trains the same residual network for the same number of steps on 1,000 images, with the same
first weights and the same mini-batches, so that differences between methods are taken seed by seed. Its one
strength was chosen among three on validation images, from other seeds; the test images were looked at once,
at the end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from experiments.numbers import rounded
from helpers import data
from helpers.networks.builders import residual_stack
from helpers.networks.training import train
from helpers.numerics import augmentation
from helpers.numerics.penalties import L2
from helpers.numerics.pooling import fractional_max_pool_forward

IMAGES, BATCH, RATE = 1000, 50, 0.05  # the learning rate of all
BUDGETS = (400, 1600)  # steps: 20 and 80 times through the images
WIDTH, BLOCKS, SIDE = 100, 2, 28
SEEDS = tuple(range(10))  # each with 1,000 training images of its own
TUNING_SEEDS = (20, 21, 22, 23)
LONG_BUDGET, LONG_SEEDS = (6400,), SEEDS[:5]
TOLERANCE = 0.02  # of an accuracy: the same draws, rounded otherwise


@dataclass(frozen=True)
class Method:
    """A method: what its strength is, the three strengths tried, the one chosen, and what it does.

    `network(s)` gives options of `residual_stack`, `change(s)` a function of images, `testing(s)` one
    of test images, `blend(s)` one of images and labels, `penalty(s)` one of the weights. `pooled` says that
    images are pooled to s × s, by "random" regions (and in testing by TEST_PASSES such draws, whose
    probabilities are averaged) or by "even" ones.
    """

    meaning: str = ""
    strengths: tuple = (0,)
    chosen: float = 0
    network: Callable | None = None
    change: Callable | None = None
    testing: Callable | None = None
    blend: Callable | None = None
    penalty: Callable | None = None
    pooled: str | None = None


def _changing(function, name, **options):
    """A function of the strength that gives the change of images."""
    return lambda strength: partial(function, **{name: strength}, **options)


METHODS = {
    "nothing": Method(),
    "flip": Method("probability", (0.1, 0.25, 0.5), 0.1, change=_changing(augmentation.flip, "probability")),
    "shift": Method("pixels", (1, 2, 4), 1, change=_changing(augmentation.shift, "reach")),
    "crop": Method(
        "side of the window",
        (26, 24, 20),
        26,
        change=_changing(augmentation.crop, "size"),
        testing=_changing(augmentation.middle, "size"),
    ),
    "brightness": Method(
        "largest change", (0.1, 0.2, 0.4), 0.1, change=_changing(augmentation.brightness, "strength")
    ),
    "cutout": Method(
        "side of the square",
        (6, 10, 14),
        6,
        change=_changing(augmentation.cutout, "size", fill=data.TRAIN_MEAN),
    ),
    "mixup": Method("α", (0.1, 0.3, 1.0), 0.1, blend=_changing(augmentation.mixup, "alpha")),
    "CutMix": Method("α", (0.1, 0.3, 1.0), 0.3, blend=_changing(augmentation.cutmix, "alpha")),
    "dropout": Method("rate", (0.1, 0.3, 0.5), 0.5, network=lambda s: {"dropout": s}),
    "DropConnect": Method("rate", (0.1, 0.3, 0.5), 0.5, network=lambda s: {"drop_connect": s}),
    "stochastic depth": Method(
        "survival of the last block", (0.9, 0.7, 0.5), 0.7, network=lambda s: {"survival": s}
    ),
    "fractional pooling": Method("side after pooling", (24, 20, 16), 24, pooled="random"),
    "even pooling": Method("side after pooling", (24, 20, 16), 24, pooled="even"),
    "L2": Method("λ", (1e-4, 1e-3, 1e-2), 1e-3, penalty=L2),
    "batch norm": Method(network=lambda s: {"normalized": True}),
}
TOGETHER = ("dropout", "DropConnect", "stochastic depth")  # the three that gained most on validation images
LONGER = ("nothing", "shift", "mixup", "dropout")  # trained for longer too: do they catch up?
TEST_PASSES = 6


@dataclass(frozen=True)
class Run:
    """One run: its methods as pairs (name, strength), the seed, and whether the test images judge it."""

    methods: tuple
    seed: int
    test: bool
    budgets: tuple = BUDGETS


def settings() -> list:
    """Return the runs that choose the strengths, then those that are judged on the test images."""
    return [*tuning_settings(), *test_settings(), *long_settings()]


def tuning_settings() -> list:
    """Return a run for each strength of each method and each tuning seed."""
    tried = [(name, strength) for name, method in METHODS.items() for strength in method.strengths]
    return [Run((one,), seed, False) for seed in TUNING_SEEDS for one in tried]


def test_settings() -> list:
    """Return a run for each method at its chosen strength, and for the best together, and each seed."""
    return [Run(methods, seed, True) for seed in SEEDS for methods in judged().values()]


def long_settings() -> list:
    """Return the runs that take four times as long as the longest of the others."""
    return [Run(judged()[name], seed, True, LONG_BUDGET) for seed in LONG_SEEDS for name in LONGER]


def judged() -> dict:
    """Return the methods of every row of the result, as pairs (name, strength), by the row's name."""
    alone = {name: ((name, method.chosen),) for name, method in METHODS.items()}
    return alone | {"together": tuple((name, METHODS[name].chosen) for name in TOGETHER)}


def short() -> list:
    """Return the smaller budget of a few runs of the first seed."""
    names = ("nothing", "cutout", "mixup", "DropConnect", "stochastic depth")
    return [Run(judged()[name], SEEDS[0], True, BUDGETS[:1]) for name in names]


def run(one: Run) -> dict:
    """Return the accuracies after each budget, on new and on training images, and the loss at the end."""
    (x, y, x_new, y_new), mean, std = images(one.seed, one.test)
    pool, side = pooling(one.methods)
    rng = np.random.default_rng(one.seed)
    options = merged(one.methods, "network")
    model = residual_stack(side**2, WIDTH, BLOCKS, 10, **options, rng=rng, dtype=np.float32)
    augment, shares = augmenting(one.methods, mean, std), {"accuracy": [], "training": []}
    drawn = np.random.default_rng((one.seed, 2))  # of its own: all methods see the same mini-batches
    seen, new = (in_testing(one.methods, part, pool, mean, std) for part in (x, x_new))

    def change(x, y, *, rng):
        x, y = augment(x, y, rng=drawn)
        return pool(x, drawn), y

    def look(step, loss, gradients):
        if step + 1 in one.budgets:
            shares["accuracy"].append(right(model, new, y_new))
            shares["training"].append(right(model, seen, y))

    penalty = next((METHODS[name].penalty(s) for name, s in one.methods if METHODS[name].penalty), None)
    order = np.random.default_rng((one.seed, 1))
    how = {"learning_rate": RATE, "steps": one.budgets[-1], "batch_size": BATCH, "penalty": penalty}
    losses = train(model, x, y, **how, augment=change, rng=order, after_step=look)
    return shares | {"loss": rounded([losses[-IMAGES // BATCH :].mean()])[0]}


def right(model, passes, y) -> float:
    """Return the share of images whose class has the largest probability, averaged over several passes."""
    probabilities = 0
    for x in passes:
        logits = model.logits(x)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = probabilities + shares / shares.sum(axis=1, keepdims=True)
    return float(np.mean(probabilities.argmax(axis=1) == y))


def in_testing(methods, x, pool, mean, std) -> list:
    """Return the images as testing shows them to the network: in one pass, or in several to be averaged."""
    for name, strength in methods:
        if METHODS[name].testing:
            change = METHODS[name].testing(strength)
            augment = augmentation.for_training(partial(_without_draws, change), mean=mean, std=std)
            x, _ = augment(x, None, rng=None)
    random = any(METHODS[name].pooled == "random" for name, _ in methods)
    drawn = np.random.default_rng(0)
    return [pool(x, drawn) for _ in range(TEST_PASSES if random else 1)]


def _without_draws(change, images, rng):
    return change(images)


def merged(methods, part) -> dict:
    """Return the options that all methods give to one part, together."""
    found = [getattr(METHODS[name], part)(s) for name, s in methods if getattr(METHODS[name], part)]
    return {key: value for options in found for key, value in options.items()}


def augmenting(methods, mean, std) -> Callable:
    """Return the augmentation that all methods make together."""
    changes = [METHODS[name].change(s) for name, s in methods if METHODS[name].change]
    blends = [METHODS[name].blend(s) for name, s in methods if METHODS[name].blend]
    return augmentation.for_training(*changes, blend=next(iter(blends), None), mean=mean, std=std)


def pooling(methods) -> tuple[Callable, int]:
    """Return a function (x, rng) → x, which pools where a method asks for it, and the side it leaves."""
    for name, size in methods:
        if kind := METHODS[name].pooled:
            return partial(_pooled, size=size, kind=kind), size
    return (lambda x, rng: x), SIDE


def _pooled(x, rng, size, kind):
    rng = rng if kind == "random" else None
    return fractional_max_pool_forward(x.reshape(-1, SIDE, SIDE), size, rng=rng)[0].reshape(len(x), -1)


@lru_cache(maxsize=4)
def images(seed, test):
    """Return ((training images, labels, new images, labels), mean, std), the images being standardized."""
    split, own = data.load_split(55_000, standardize=False), slice(seed * IMAGES, (seed + 1) * IMAGES)
    x, mean, std = split.x[own], float(split.x[own].mean()), float(split.x[own].std())
    x_new, y_new = (split.x_test, split.y_test) if test else (split.x_valid, split.y_valid)
    scaled = [((part - mean) / std).astype(np.float32) for part in (x, x_new)]
    return (scaled[0], split.y[own], scaled[1], y_new), mean, std


def merge(runs) -> dict:
    """Return what is stored: of each row its accuracies by seed and budget, and the strengths tried."""
    results = dict(zip(settings(), runs, strict=True))
    return {
        "settings": {
            "network": f"784 → {WIDTH}, {BLOCKS} residual blocks of two layers, ReLU, 10 logits",
            "training_images": IMAGES,
            "batch_size": BATCH,
            "learning_rate": RATE,
            "optimizer": "stochastic gradient descent without momentum",
            "steps": list(BUDGETS),
            "seeds": list(SEEDS),
            "tuning_seeds": list(TUNING_SEEDS),
            "test_passes_of_fractional_pooling": TEST_PASSES,
            "together": list(TOGETHER),
            "longer_steps": LONG_BUDGET[0],
        },
        "meaning": "test and training: share right after each number of steps, one row a seed; loss: mean of "
        "the last 20 steps; tried: mean validation accuracy of each strength after the longer training",
        "rows": {name: _row(results, methods) for name, methods in judged().items()},
        "longer": {name: _ends(results, judged()[name]) for name in LONGER},
        "tried": {name: _tried(results, name) for name, method in METHODS.items() if method.meaning},
    }


def _row(results, methods):
    own = [results[Run(methods, seed, True)] for seed in SEEDS]
    test, training, loss = ([one[key] for one in own] for key in ("accuracy", "training", "loss"))
    return {"test": test, "training": training, "loss": loss}


def _ends(results, methods):
    return [results[Run(methods, seed, True, LONG_BUDGET)]["accuracy"][0] for seed in LONG_SEEDS]


def _tried(results, name):
    method = METHODS[name]
    runs = [[results[Run(((name, s),), seed, False)] for seed in TUNING_SEEDS] for s in method.strengths]
    means = [round(float(np.mean([one["accuracy"][-1] for one in own])), 4) for own in runs]
    entry = {"meaning": method.meaning, "strengths": list(method.strengths), "validation": means}
    return entry | {"chosen": method.chosen}


def faults(stored, asked, runs) -> list:
    """Say which accuracies differ from the stored ones by more than the tolerance."""
    found, names = [], {methods: name for name, methods in judged().items()}
    for one, got in zip(asked, runs, strict=True):
        name = names[one.methods]
        known = stored["rows"][name]["test"][one.seed][0]
        if not abs(known - got["accuracy"][0]) <= TOLERANCE:
            found.append(f"{name}, seed {one.seed}: {got['accuracy'][0]}, stored {known}")
    return found
