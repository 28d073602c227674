"""The patient with one to ten hidden layers, nothing else changed, five seeds each (lesson 00)."""

from dataclasses import dataclass

from experiments.numbers import rounded
from experiments.patient import SEEDS, TOLERANCE, TRAINING
from helpers.networks import first_run


@dataclass(frozen=True)
class Case:
    """One run: how many hidden layers, which seed."""

    layers: int
    seed: int


def settings() -> list:
    """Return all runs."""
    return [Case(layers, seed) for layers in range(1, first_run.LAYERS + 1) for seed in SEEDS]


def short() -> list:
    """Return the runs of the short version: the two sides of the edge."""
    return [Case(2, 0), Case(3, 0)]


def run(case) -> float:
    """Return validation accuracy at the end."""
    return first_run.run(case.layers, seed=case.seed).end / first_run.IMAGES


def merge(runs) -> dict:
    """Return what is stored: the accuracies of each number of layers, one per seed."""
    accuracy = {}
    for case, one in zip(settings(), runs, strict=True):
        accuracy.setdefault(str(case.layers), []).extend(rounded([one]))
    return {"settings": TRAINING, "accuracy": accuracy}


def faults(stored, cases, runs) -> list:
    """Say where the short version leaves the stored range by more than the tolerance.

    With pixels up to 255 a network that learns amplifies rounding: another processor gives another number.
    """
    found = []
    for case, one in zip(cases, runs, strict=True):
        low, high = min(stored["accuracy"][str(case.layers)]), max(stored["accuracy"][str(case.layers)])
        if not low - TOLERANCE <= one <= high + TOLERANCE:
            found.append(f"{case.layers} layers: accuracy {one:.3f}, stored {low:.3f} to {high:.3f}")
    return found
