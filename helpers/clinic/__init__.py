"""The clinic: from the vital signs of a network, or of its training, to named illnesses.

`examine(trace)` reads a `helpers.signals.trace.Trace`, `examine_training(recording)` a
`helpers.signals.recording.Recording`, and `examine_model(model, x, y)` does all that is possible with a
`keras.Model` and a batch. They return `Findings`, most serious first.

Every threshold stands beside what it comes from: theory, or the most that healthy networks were seen to
reach. Between that and the first networks that are ill it is a round number, set on the half "set" of
`tests/ward`; the half "hold" was never used to set one.
"""

import numpy as np

from helpers.clinic.ends import examine_ends
from helpers.clinic.findings import Evidence, Finding, Findings
from helpers.clinic.illnesses import CODES, ILLNESSES
from helpers.clinic.inputs import examine_features, examine_inputs
from helpers.clinic.normalizing import examine_normalizing
from helpers.clinic.passing import examine_passing
from helpers.clinic.progress import examine_progress
from helpers.clinic.training import examine_run
from helpers.clinic.units import examine_units
from helpers.signals.recording import Recording
from helpers.signals.trace import Trace, trace

__all__ = [
    "CODES",
    "ILLNESSES",
    "Evidence",
    "Finding",
    "Findings",
    "examine",
    "examine_model",
    "examine_training",
]


def examine(trace) -> Findings:
    """Return what is wrong with a network, from its `Trace`. Raises ValueError for anything else."""
    if not isinstance(trace, Trace):
        raise ValueError(
            f"a Trace is needed, as helpers.signals.trace gives it, got a {type(trace).__name__}"
        )
    parts = (examine_inputs, examine_ends, examine_units, examine_passing, examine_normalizing)
    found = [finding for part in parts for finding in part(trace)]
    return Findings(found, f"{len(trace.layers)} layers on {trace.examples} examples")


def examine_training(recording) -> Findings:
    """Return what is wrong with a training run, from its `Recording`. Raises ValueError for anything else."""
    if not isinstance(recording, Recording):
        raise ValueError(f"a Recording of a run is needed, got a {type(recording).__name__}")
    examined = f"{len(recording.steps)} records of {len(recording.layers)} layers"
    return Findings(examine_run(recording), examined)


def examine_model(model, x, y, *, history=None, recording=None) -> Findings:
    """Return what is wrong with a Keras model, from all that is given: one report, what to mend first on top.

    The model is read as a program: its layers, its loss, its optimizer. The targets `y` are held against its
    outputs and its loss. The batch `x`, `y` goes through it once and back. `history` is what `fit` returned,
    or its dict of logs; `recording` a `helpers.signals.recording.Recording`. What could not be looked at is
    told in `unseen`. Raises ValueError for what is no built `keras.Model`, or too few targets.
    """
    from helpers.clinic.reading import examine_program
    from helpers.clinic.targets import examine_targets
    from helpers.signals.keras_program import program_of

    program = program_of(model)
    found, unseen = [*examine_targets(program, y), *examine_program(program)], [*program.unread]
    try:
        found += examine(trace(model, x, y))
    except ValueError as reason:
        unseen.append(f"one batch on its way through: {reason}")
        found += _of_features(program, x)
    if recording is not None:
        found += examine_training(recording)
    if history is not None:
        found += examine_progress(getattr(history, "history", history))
    known = {}
    for one in found:
        known.setdefault(one.code, one)  # of one seen from two sides, what was found first knows the cause
    return Findings(known.values(), f"{model.name!r}, {len(program.parts)} layers", unseen)


def _of_features(program, x) -> list:
    """The findings on inputs that no Trace could be taken of; none of several inputs, or of words."""
    one_array = not isinstance(x, dict | list | tuple)
    amounts = program.weighted and program.weighted[0].kind != "embedding"
    return examine_features(np.asarray(x)) if one_array and amounts else []
