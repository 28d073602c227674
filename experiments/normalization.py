"""Batch normalization (lesson 06): what it buys the patient, and how it fares beside others, tuned alike.

`patient_normalized` puts it before each activation of the one patient, with every combination of the three
cures. `STUDY` compares places, batch sizes, layer normalization, the noise of 2018, and a longer training.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from experiments.fair import Contender, Study
from experiments.numbers import rounded
from experiments.patient import TRAINING
from helpers import data
from helpers.networks import patient
from helpers.networks.builders import Design
from helpers.networks.normalized_patient import train_normalized
from helpers.networks.normalizing import LayerNorm, NoisyBatchNorm, replaced, take_statistics
from helpers.networks.scoring import scores
from helpers.networks.training import train
from helpers.networks.tuning import Knob, decades

SEEDS = (0, 1, 2, 3, 4)
TOLERANCE = 0.06  # between processors, in accuracy: with small weights a run amplifies rounding

# ---------------------------------------------------------------- the patient, normalized

CHANGES = {  # of the patient with batch normalization and no other cure
    "smaller ε": {"eps": 1e-8},
    "shorter steps": {"hidden_rate": 0.01},
    "smaller ε, shorter steps": {"eps": 1e-8, "hidden_rate": 0.01},
}


@dataclass(frozen=True)
class Case:
    """One run of the normalized patient: which cures, which of `CHANGES`, which seed."""

    cures: tuple[str, ...]
    change: str
    seed: int

    @property
    def name(self) -> str:
        """The run in words."""
        return self.change or " + ".join(self.cures) or "nothing"


def cases() -> list:
    """Return all runs."""
    combined = [(cures, "") for cures in patient.combinations_of_cures()]
    return [Case(*one, seed) for one in [*combined, *(((), change) for change in CHANGES)] for seed in SEEDS]


def short_cases() -> list:
    """Return the runs of the short version: those that learn steadily."""
    return [Case(("weights",), "", 0), Case((), "smaller ε, shorter steps", 0)]


def run_case(case) -> dict:
    """Return validation accuracy and loss at the end."""
    course = train_normalized(patient.cured(*case.cures), case.seed, **CHANGES.get(case.change, {}))
    return {"accuracy": course.accuracy, "loss": course.validation_loss}


def merge_cases(runs) -> dict:
    """Return what is stored: the scores of each case, one number per seed."""
    kept = {}
    for case, one in zip(cases(), runs, strict=True):
        entry = kept.setdefault(case.name, {"accuracy": [], "loss": []})
        for quantity in entry:
            entry[quantity] += rounded([one[quantity]])
    statistics = {"statistics_for_validation": "of all training images, at the end"}
    return {"settings": TRAINING | statistics, "scores": kept}


def case_faults(stored, some, runs) -> list:
    """Say where the short version's accuracies leave the stored ones by more than the tolerance."""
    found = []
    for case, one in zip(some, runs, strict=True):
        known = stored["scores"][case.name]["accuracy"][SEEDS.index(case.seed)]
        if not abs(known - one["accuracy"]) <= TOLERANCE:
            found.append(f"{case.name}: accuracy {one['accuracy']:.3f}, stored {known:.3f}")
    return found


# ---------------------------------------------------------------- the fair comparison

HIDDEN = (50,) * 5
IMAGES, VALIDATION, TEST = 2000, 1000, 1000
STEPS, LONG, LOOKS = 200, 800, 8  # of the long training, so many looks
SIZES = (2, 4, 16, 32)
RATES = Knob(decades(-4, 2), (4, 8))
START = {"relu": "he_normal", "sigmoid": "glorot_normal"}


@dataclass(frozen=True)
class How:
    """What a contender is: its activation, where and what normalizes, its batch size and steps."""

    activation: str = "relu"
    place: str | None = None
    layer: type | None = None  # in place of batch normalization
    batch: int = 32
    steps: int = STEPS
    looks: int = 1


KINDS = {
    "without": How(),
    "batch norm": How(place="before"),
    "layer norm": How(place="before", layer=LayerNorm),
}
PLACES = {"without": None, "before": "before", "after": "after"}
CONTENDERS = {f"{kind}, batches of {m}": replace(how, batch=m) for kind, how in KINDS.items() for m in SIZES}
CONTENDERS |= {
    f"{name}, {place}": How(activation, where)
    for name, activation in (("ReLU", "relu"), ("sigmoid", "sigmoid"))
    for place, where in PLACES.items()
}
CONTENDERS |= {
    f"{name}, noisy": How(activation, "before", NoisyBatchNorm)
    for name, activation in (("ReLU", "relu"), ("sigmoid", "sigmoid"))
}
CONTENDERS |= {f"long, {p}": How(place=PLACES[p], steps=LONG, looks=LOOKS) for p in ("without", "before")}
STOPPED = "long, without, stopped early"
SAME = {"ReLU, without": "without, batches of 32", "ReLU, before": "batch norm, batches of 32"}


def train_one(contender, setting, seed) -> dict:
    """Train one network and return its scores on validation and test images."""
    how, (x, y), rng = CONTENDERS[contender], images()["train"], np.random.default_rng(seed)
    design = Design(how.activation, START[how.activation], normalized=how.place)
    model = design.stack((784, *HIDDEN, 10), rng=rng, dtype=np.float32)
    if how.layer:
        replaced(model, how.layer)
    looks = {"validation": [], "test": []}
    every = how.steps // how.looks

    def look(step, *_):
        if (step + 1) % every == 0:
            with np.errstate(all="ignore"):
                take_statistics(model, x)
                for part, found in looks.items():
                    x_new, y_new = images()[part]
                    found.append(scores(model.logits(x_new), y_new))

    options = {"learning_rate": setting["rate"], "steps": how.steps, "batch_size": how.batch}
    train(model, x, y, rng=rng, after_step=look, **options)
    return looks


def contenders() -> dict:
    """Return who is compared; those that train alike share their runs."""
    knobs = {"rate": RATES}
    made = {name: Contender(knobs, trains_as=SAME.get(name)) for name in CONTENDERS}
    return made | {STOPPED: Contender(knobs, stops_early=True, trains_as="long, without")}


STUDY = Study(
    name="normalization",
    contenders=contenders(),
    train=train_one,
    tuning_seeds=(100, 101, 102),
    seeds=SEEDS,
    told={
        "hidden": list(HIDDEN),
        "weights": "He's for ReLU, Glorot's for the sigmoid",
        "optimizer": "stochastic gradient descent without momentum",
        "images": IMAGES,
        "validation_images": VALIDATION,
        "test_images": TEST,
        "steps": STEPS,
        "steps_of_long": LONG,
        "statistics_at_inference": "of all training images, at the end",
    },
    tolerance=0.1,
    repeated=("batch norm, batches of 32", "without, batches of 32"),
)


@lru_cache(maxsize=1)
def images() -> dict:
    """Return part → images and labels; the parts are train, validation and test."""
    x, y = data.load_batch(IMAGES + VALIDATION + TEST)
    ends = {"train": (0, IMAGES), "validation": (IMAGES, IMAGES + VALIDATION)}
    ends |= {"test": (IMAGES + VALIDATION, IMAGES + VALIDATION + TEST)}
    return {part: (x[slice(*each)], y[slice(*each)]) for part, each in ends.items()}
