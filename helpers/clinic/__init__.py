"""The clinic: from the vital signs of a network, or of its training, to named illnesses.

`examine(trace)` reads a `helpers.signals.trace.Trace`, `examine_training(recording)` a
`helpers.signals.recording.Recording`. Both return `Findings`, most serious first.

Every threshold stands beside what it comes from: theory, or the most that healthy networks were seen to
reach. Between that and the first networks that are ill it is a round number, set on the half "set" of
`tests/ward`; the half "hold" was never used to set one.
"""

from helpers.clinic.ends import examine_ends
from helpers.clinic.findings import Evidence, Finding, Findings
from helpers.clinic.illnesses import CODES, ILLNESSES
from helpers.clinic.inputs import examine_inputs
from helpers.clinic.normalizing import examine_normalizing
from helpers.clinic.passing import examine_passing
from helpers.clinic.training import examine_run
from helpers.clinic.units import examine_units
from helpers.signals.recording import Recording
from helpers.signals.trace import Trace

__all__ = ["CODES", "ILLNESSES", "Evidence", "Finding", "Findings", "examine", "examine_training"]


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
