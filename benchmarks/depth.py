"""The hundred layers of lesson 08: the plain program of the reference beside ours, in turns, a process each.

Ten whole trainings: a quarter of an hour on two cores. Both are looked at once within their first epoch, and
at the end of each; what a look takes is counted. Seconds are counted from building the network to the
end of the last epoch, validation and TensorFlow's own preparation included, the import of Keras not.
"""

import json
import subprocess
import sys
from math import nan
from pathlib import Path
from statistics import median

from benchmarks.results import AT_LEAST, Result, middle

ROOT = Path(__file__).resolve().parent.parent
SEEDS = (0, 1, 2, 3, 4)
GOAL = 0.739  # the published validation accuracy at the end of the reference run
EARLY = 0.75  # of the first epoch: where the early look is taken
RUN = (
    f"EARLY = {EARLY}"
    + """
import json, sys
from time import perf_counter
from helpers import data, keras_models, keras_training

recipe, split, ends = getattr(keras_training, sys.argv[1]), data.load_split(), []
keras = keras_models.keras()
begin = perf_counter()
model = recipe.compile(recipe.network(int(sys.argv[2])), len(split.x))

class Looks(keras.callbacks.Callback):
    looked = False

    def on_train_batch_end(self, batch, logs=None):
        if not self.looked and batch + 1 >= EARLY * self.params["steps"]:
            self.looked = True
            self.note(model.evaluate(split.x_valid, split.y_valid, verbose=0)[1])

    def on_epoch_end(self, epoch, logs=None):
        self.note(logs["val_accuracy"])

    def note(self, accuracy):
        ends.append((perf_counter() - begin, float(accuracy)))

recipe.fit(model, split, callbacks=[Looks()])
print(json.dumps(ends))
"""
)


def measure() -> list[Result]:
    """Return what both recipes take and reach over the seeds, each seed of both in turn."""
    reference, ours = [], []
    for seed in SEEDS:
        reference.append(trained("REFERENCE", seed))
        ours.append(trained("OURS", seed))
    return results(reference, ours)


def trained(recipe, seed) -> list:
    """Return (seconds, validation accuracy) at each look at one run, in a new process."""
    command = [sys.executable, "-c", RUN, recipe, str(seed)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return [tuple(end) for end in json.loads(told.splitlines()[-1])]


def seconds_to(goal, ends) -> float:
    """Return the seconds at the first look that reaches the goal; nan where none does."""
    return next((seconds for seconds, accuracy in ends if accuracy >= goal), nan)


def results(reference, ours) -> list[Result]:
    """Return the table's lines for runs given as (seconds, validation accuracy) per look, in pairs."""
    whole, own = ([ends[-1][0] for ends in runs] for runs in (reference, ours))
    quick = [seconds_to(GOAL, ends) for ends in ours]
    shares = [a / b for a, b in zip(quick, whole, strict=True)]
    ratios = [a / b for a, b in zip(own, whole, strict=True)]
    beside = "the reference's whole run"
    reached, plain = ([ends[-1][1] for ends in runs] for runs in (ours, reference))
    return [
        Result(
            f"100 SELU layers to {GOAL} of validation",
            promised=1 / 8,
            ratio_to=beside,
            **middle_or_nan(shares),
        ),
        Result("100 SELU layers, our whole run", promised=1, ratio_to=beside, **middle(ratios, "×")),
        Result("validation accuracy at its end", promised=0.88, limit=AT_LEAST, **accuracies(reached)),
        Result("  the reference's", **accuracies(plain)),
        Result("  the reference's whole run", **middle(whole, "s")),
        Result("  our whole run", **middle(own, "s")),
        Result(f"  ours to {GOAL}", **middle_or_nan(quick, "s")),
    ]


def middle_or_nan(values, unit="×") -> dict:
    """Return the `middle` of numbers; nan where a run never reached the goal, for then nothing is kept."""
    if any(value != value for value in values):
        return {"measured": nan, "unit": unit, "runs": len(values), "spread": "not reached by every run"}
    return middle(values, unit)


def accuracies(values) -> dict:
    """Return `measured`, `unit`, `runs` and `spread` of accuracies: their median, smallest and largest."""
    spread = f"{min(values):.3f} … {max(values):.3f}"
    return {"measured": median(values), "unit": "", "runs": len(values), "spread": spread}
