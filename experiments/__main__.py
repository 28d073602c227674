"""Make the stored results of the long runs anew: every file in `results/`.

    python3 -m experiments                              everything: about an hour on two cores
    python3 -m experiments learning_rate --jobs 2       one result, two runs at a time
    python3 -m experiments --dask tcp://HOST:8786       on the workers of a Dask cluster
    python3 -m experiments --short                      a few minutes: do the stored results still come out?

The workers of a Dask cluster are started in the course's folder, `dask worker tcp://HOST:8786 --nthreads 1`,
and find the images there or by FASHION_MNIST_DIR.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

from experiments import (
    activations,
    augmentation,
    depth,
    first_run,
    initializations,
    keras_normalization,
    keras_runs,
    learning_rate,
    lottery,
    normalization,
    normalized_depth,
    patient,
    patient_inputs,
    preprocessing,
    store,
)
from experiments.grid import run_all
from helpers import data


@dataclass(frozen=True)
class Section:
    """One stored result: its runs, the function that does one, what is stored, and the short version."""

    settings: Callable
    run: Callable
    merge: Callable
    short: Callable
    faults: Callable

    def make(self, **where) -> dict:
        """Do all runs and return what is stored."""
        settings = self.settings()
        print(f"{len(settings)} runs …", file=sys.stderr, flush=True)
        return self.merge(run_all(self.run, settings, **where))


SECTIONS = {  # name of the file in results/ → how it is made
    "depth": Section(depth.settings, depth.run, depth.merge, depth.short, depth.faults),
    "depth_rivals": Section(
        depth.rival_settings, depth.run, depth.merge_rivals, depth.short_rivals, depth.rival_faults
    ),
    "depth_lottery": Section(lottery.settings, lottery.run, lottery.merge, lottery.short, lottery.faults),
    "learning_rate": Section(
        learning_rate.settings,
        learning_rate.run,
        learning_rate.merge,
        learning_rate.short,
        learning_rate.faults,
    ),
    "first_run": Section(
        first_run.settings, first_run.run, first_run.merge, first_run.short, first_run.faults
    ),
    "patient": Section(patient.settings, patient.run, patient.merge, patient.short, patient.faults),
    "augmentation": Section(
        augmentation.settings,
        augmentation.run,
        augmentation.merge,
        augmentation.short,
        augmentation.faults,
    ),
    "activations": activations.SHALLOW,
    "activations_deep": activations.DEEP,
    "activation_costs": Section(
        activations.cost_settings,
        activations.measure,
        activations.merge_costs,
        activations.short_costs,
        activations.cost_faults,
    ),
    "patient_inputs": patient_inputs.STUDY,
    "preprocessing": preprocessing.NETWORK,
    "preprocessing_linear": preprocessing.LINEAR,
    "patient_normalized": Section(
        normalization.cases,
        normalization.run_case,
        normalization.merge_cases,
        normalization.short_cases,
        normalization.case_faults,
    ),
    "normalization": normalization.STUDY,
    "initializations": initializations.INITIALIZATIONS,
    "residual_starts": initializations.RESIDUAL_STARTS,
    "keras_runs": Section(
        keras_runs.settings, keras_runs.run, keras_runs.merge, keras_runs.short, keras_runs.faults
    ),
    "keras_normalization": keras_normalization.STUDY,
    "keras_batches": keras_normalization.BATCHES,
    "normalized_depth": Section(
        normalized_depth.settings,
        normalized_depth.run,
        normalized_depth.merge,
        normalized_depth.short,
        normalized_depth.faults,
    ),
}


def main(arguments=None) -> int:
    """Run the command line; 1 says that the short version left the stored bands."""
    parser = argparse.ArgumentParser(
        prog="python3 -m experiments",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"some of: {', '.join(SECTIONS)}")
    parser.add_argument("--jobs", type=int, default=1, help="how many runs at a time, each on one thread")
    parser.add_argument("--dask", metavar="ADDRESS", help="the scheduler of a Dask cluster")
    parser.add_argument("--short", action="store_true", help="compare a few short runs with what is stored")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in SECTIONS]:
        parser.error(f"there is no result {unknown[0]!r}; choose from {', '.join(SECTIONS)}")
    where = {"jobs": options.jobs, "dask": options.dask}
    work = compare if options.short else make
    return max([work(name, SECTIONS[name], **where) for name in options.names or SECTIONS])


def make(name, section, **where) -> int:
    """Do all runs of a section and store what they gave."""
    print(f"{name} …", file=sys.stderr, flush=True)
    store.write(name, section.make(**where))
    return 0


def compare(name, section, **where) -> int:
    """Do the short version of a section, tell what leaves the stored bands, and return how it went."""
    if not data.load_fashion_mnist().real:
        print(f"{name}: not compared; what is stored comes from the real images", file=sys.stderr)
        return 0
    settings = section.short()
    faults = section.faults(store.read(name), settings, run_all(section.run, settings, **where))
    print("\n".join([f"{name}: {fault}" for fault in faults] or [f"{name}: within the stored bands"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
