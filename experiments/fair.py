"""Fair comparisons: contenders × settings × seeds, each contender tuned with the same effort.

A `Study` says who is compared and how one training goes. Making it takes three steps:

1. Every contender is trained with every setting of its grid and every tuning seed. The setting with the
   lowest mean validation loss is chosen.
2. Where the chosen value of a knob lies at the edge of what was tried, the grid is widened by the next rung
   of the knob's ladder, until it lies within, or at an end beyond which there is nothing.
3. The chosen setting is trained again with fresh seeds, which all contenders share, and test images score it.

A contender that stops early is scored at the look with the lowest validation loss, the others at the end.
What comes out is read by `helpers.networks.comparison`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from experiments import store
from experiments.grid import run_all
from experiments.numbers import rounded
from helpers.networks.tuning import Grid, best_of


@dataclass(frozen=True)
class Contender:
    """Who is compared: its knobs by name, and whether it stops early.

    `trains_as` is the name that `run` is called with: contenders that train alike share their runs.
    """

    knobs: dict = field(default_factory=dict)
    stops_early: bool = False
    trains_as: str | None = None


@dataclass(frozen=True)
class Job:
    """One training: of which contender, with which settings (pairs of name and value) and seed."""

    contender: str
    setting: tuple
    seed: int


@dataclass(frozen=True)
class Study:
    """A comparison: its contenders, and `train(contender, setting, seed)`, which trains one network.

    `train` returns {"validation": [Scores …], "test": [Scores …]}, see `helpers.networks.scoring`: one entry
    for each look along the training, the last one at its end. It never sees which settings win.
    `told` is stored beside the scores: whatever a reader needs to know of the training. `tolerance` is how
    far a test loss may lie outside of the stored range when a short version repeats some runs.
    """

    name: str  # of its file in results/
    contenders: dict
    train: Callable
    tuning_seeds: tuple
    seeds: tuple
    told: dict
    tolerance: float
    repeated: tuple = ()  # the contenders of the short version

    def __post_init__(self):
        if shared := set(self.tuning_seeds) & set(self.seeds):
            raise ValueError(f"seeds that tuned can't score: {sorted(shared)} are in both")

    def make(self, **where) -> dict:
        """Tune, widen, score, and return what is stored; `where` goes to `run_all`."""
        done, grids = {}, {name: Grid(contender.knobs) for name, contender in self.contenders.items()}
        still_open = list(grids)
        while still_open:
            self._do(done, [job for name in still_open for job in self._tuning(name, grids[name])], where)
            still_open = [
                name for name in still_open if grids[name].widen(self._best(name, grids[name], done))
            ]
        chosen = {name: self._best(name, grid, done) for name, grid in grids.items()}
        self._do(done, [job for name in grids for job in self._jobs(name, chosen[name], self.seeds)], where)
        seeds = {"tuning_seeds": list(self.tuning_seeds), "seeds": list(self.seeds)}
        entries = {name: self._entry(name, grid, done) for name, grid in grids.items()}
        return {"settings": self.told | seeds, "contenders": entries}

    def run(self, job: Job) -> dict:
        """Do one training."""
        return self.train(job.contender, dict(job.setting), job.seed)

    def _do(self, done, jobs, where):
        new = [job for job in dict.fromkeys(jobs) if job not in done]
        done.update(zip(new, run_all(self.run, new, **where), strict=True))

    def _jobs(self, name, setting, seeds):
        trained = self.contenders[name].trains_as or name
        return [Job(trained, setting, seed) for seed in seeds]

    def _tuning(self, name, grid):
        return [job for setting in grid.settings() for job in self._jobs(name, setting, self.tuning_seeds)]

    def _read(self, name, ran, which):
        """The scores of one run that count for a contender."""
        losses = np.nan_to_num([one.loss for one in ran["validation"]], nan=np.inf)
        look = int(losses.argmin()) if self.contenders[name].stops_early else -1
        return ran[which][look]

    def _losses(self, name, grid, done):
        """The mean validation loss of every setting of a grid."""
        runs = [[done[job] for job in self._jobs(name, s, self.tuning_seeds)] for s in grid.settings()]
        return [float(np.mean([self._read(name, ran, "validation").loss for ran in own])) for own in runs]

    def _best(self, name, grid, done):
        return best_of(grid.settings(), self._losses(name, grid, done))

    def _entry(self, name, grid, done):
        chosen = self._best(name, grid, done)
        test = [self._read(name, done[job], "test") for job in self._jobs(name, chosen, self.seeds)]
        return {
            "grid": {knob: list(values) for knob, values in grid.values().items()},
            "validation_loss": rounded(self._losses(name, grid, done)),
            "chosen": dict(chosen),
            "at_edge": grid.at_edge(chosen),
            "test": {metric: rounded([getattr(one, metric) for one in test]) for metric in test[0]._fields},
        }

    def short(self) -> list:
        """Return the runs of the short version: the first seed of the contenders to be repeated."""
        stored = store.read(self.name)["contenders"]
        return [
            self._jobs(name, tuple(stored[name]["chosen"].items()), self.seeds)[0] for name in self.repeated
        ]

    def faults(self, stored, jobs, runs) -> list:
        """Say which test losses of the short version leave the stored range by more than the tolerance."""
        found = []
        for name, ran in zip(self.repeated, runs, strict=True):
            loss = self._read(name, ran, "test").loss
            known = stored["contenders"][name]["test"]["loss"]
            if not min(known) - self.tolerance <= loss <= max(known) + self.tolerance:
                found.append(f"{name}: test loss {loss:.3f}, stored {min(known):.3f} to {max(known):.3f}")
        return found
