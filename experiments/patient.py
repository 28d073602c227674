"""The one patient under every combination of its cures, five seeds each (lessons 00 to 05)."""

from dataclasses import dataclass

from experiments.numbers import rounded
from helpers.networks import patient

SEEDS = (0, 1, 2, 3, 4)
TRAINING = {
    "learning_rate": patient.RATE,
    "steps": patient.STEPS,
    "batch_size": patient.BATCH,
    "images": patient.IMAGES,
    "validation_images": patient.VALIDATION,
    "seeds": list(SEEDS),
}
TOLERANCE = 0.03  # between processors, in accuracy


@dataclass(frozen=True)
class Case:
    """One run: which cures, which seed."""

    cures: tuple[str, ...]
    seed: int

    @property
    def name(self) -> str:
        """The cures in words."""
        return " + ".join(self.cures) or "nothing"


def settings() -> list:
    """Return all runs."""
    return [Case(cures, seed) for cures in patient.combinations_of_cures() for seed in SEEDS]


def short() -> list:
    """Return the runs of the short version: no cure, and all of them."""
    return [Case(cures, 0) for cures in ((), tuple(patient.CURES))]


def run(case) -> dict:
    """Return validation accuracy and loss at the end."""
    course = patient.cured(*case.cures).train(case.seed)
    return {"accuracy": course.accuracy, "loss": course.validation_loss}


def merge(runs) -> dict:
    """Return what is stored: the scores of each set of cures, one number per seed."""
    scores = {}
    for case, one in zip(settings(), runs, strict=True):
        kept = scores.setdefault(case.name, {"accuracy": [], "loss": []})
        for quantity in kept:
            kept[quantity] += rounded([one[quantity]])
    told = {"sizes": list(patient.SIZES), "optimizer": "stochastic gradient descent without momentum"}
    return {"settings": told | TRAINING, "scores": scores}


def faults(stored, cases, runs) -> list:
    """Say where the short version's accuracies leave the stored ones by more than the tolerance."""
    found = []
    for case, one in zip(cases, runs, strict=True):
        known = stored["scores"][case.name]["accuracy"][SEEDS.index(case.seed)]
        if not abs(known - one["accuracy"]) <= TOLERANCE:
            found.append(f"{case.name}: accuracy {one['accuracy']:.3f}, stored {known:.3f}")
    return found
