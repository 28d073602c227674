"""The rounds: every patient examined, and the table of what was found, missed and imagined."""

import time
from dataclasses import dataclass
from functools import cache

from helpers.signals.recording import Recording
from tests.ward import depth, healthy, inputs, norm, outputs, runs, units
from tests.ward.doses import signs
from tests.ward.patient import SEVERITIES, Case, Patient

ROOMS = (healthy, depth, units, inputs, norm, outputs, runs)
PATIENTS = tuple(patient for room in ROOMS for patient in room.PATIENTS)
HALVES = ("set", "hold")


@dataclass(frozen=True)
class Visit:
    """A patient and the findings; each finding has code, severity, layers and evidence."""

    patient: Patient
    findings: tuple

    def verdict(self, code) -> str:
        """Return "hit", "wrong layers" or "miss" for one of the illnesses that the patient has."""
        found = [finding for finding in self.findings if finding.code == code]
        layers = [name for finding in found for name in finding.layers]
        return "miss" if not found else "hit" if self.patient.expected[code].fits(layers) else "wrong layers"

    def severity_told(self, code) -> str:
        """Return the severity that the clinic gave; the upper one where it names both."""
        return min((f.severity for f in self.findings if f.code == code), key=SEVERITIES.index, default="")

    @property
    def false_alarms(self) -> list:
        """The findings of what this patient hasn't; on a healthy one every severe finding is one."""
        return [f for f in self.findings if f.code not in self.patient.allowed or self._too_grave(f)]

    def _too_grave(self, finding):
        return self.patient.healthy and finding.severity == "severe"


@cache
def admitted(name) -> Case:
    """Return the network or record of the patient of that name; each is built once per session."""
    return next(patient for patient in PATIENTS if patient.name == name).build()


@cache
def examined(name) -> tuple:
    """Return the clinic's findings on the patient of that name."""
    return tuple(clinic_of(admitted(name)))


def clinic_of(case: Case) -> tuple:
    """Return what `helpers.clinic` finds: by a Trace of one batch, or from a run's record."""
    from helpers import clinic

    if isinstance(case.subject, Recording):
        return clinic.examine_training(case.subject)
    return clinic.examine(signs(case))


def rounds(patients=PATIENTS, examine=None) -> list:
    """Return a `Visit` to each patient; `examine(patient)` gives the findings, without it the clinic does."""
    examine = examine or (lambda patient: examined(patient.name))
    return [Visit(patient, tuple(examine(patient))) for patient in patients]


def counts(visits) -> dict:
    """Return {code: {"severe": {verdict: n}, "mild": {…}, "false alarms": n}} for all codes that occur."""
    codes = {code for visit in visits for code in visit.patient.expected}
    codes |= {finding.code for visit in visits for finding in visit.findings}
    return {code: _counts_of(code, visits) for code in sorted(codes)}


def _counts_of(code, visits):
    told = {severity: {"hit": 0, "wrong layers": 0, "miss": 0} for severity in SEVERITIES}
    for visit in visits:
        if code in visit.patient.expected:
            told[visit.patient.expected[code].severity][visit.verdict(code)] += 1
    alarms = sum(finding.code == code for visit in visits for finding in visit.false_alarms)
    return {**told, "false alarms": alarms}


def share_found(visits, severity) -> float:
    """Return the share of the illnesses of a severity that were found, with the right layers."""
    verdicts = [v.verdict(c) for v in visits for c, i in v.patient.expected.items() if i.severity == severity]
    return verdicts.count("hit") / len(verdicts)


def healthy_alarms(visits) -> tuple[list, list]:
    """Return the healthy patients' visits with a severe finding, and those with any false alarm."""
    well = [visit for visit in visits if visit.patient.healthy]
    severe = [visit for visit in well if any(f.severity == "severe" for f in visit.findings)]
    return severe, [visit for visit in well if visit.false_alarms]


def summary(visits) -> str:
    """Return the sums in one line."""
    well = sum(visit.patient.healthy for visit in visits)
    severe, any_alarm = healthy_alarms(visits)
    grave = [v.severity_told(c) == i.severity for v in visits for c, i in v.patient.expected.items()]
    others = sum(bool(visit.false_alarms) for visit in visits if not visit.patient.healthy)
    return (
        f"{len(visits)} patients, {well} healthy. Found: severe {share_found(visits, 'severe'):.1%}, "
        f"mild {share_found(visits, 'mild'):.1%}; of the right severity {sum(grave) / len(grave):.1%}.\n"
        f"Healthy with a severe finding: {len(severe)}; with any false alarm: {len(any_alarm)} "
        f"({len(any_alarm) / max(well, 1):.1%}). Sick with a false alarm: {others}."
    )


def table(visits) -> str:
    """Return the table: one row per code, hits / wrong layers / misses, severe and mild apart."""
    lines = [f"{'code':34}{'severe: hit layers miss':>26}{'mild: hit layers miss':>26}{'false alarms':>14}"]
    for code, told in counts(visits).items():
        cells = ("".join(f"{n:>7}" for n in told[severity].values()) for severity in SEVERITIES)
        lines.append(f"{code:34}" + "".join(f"{cell:>26}" for cell in cells) + f"{told['false alarms']:>14}")
    return "\n".join(lines)


def complaints(visits) -> list:
    """Return a line for each miss, finding with wrong layers and false alarm, and the evidence for it."""
    lines = []
    for visit in visits:
        for code, illness in visit.patient.expected.items():
            verdict = visit.verdict(code)
            if verdict != "hit":
                lines.append(f"{verdict}: {code} ({illness.severity}) · {visit.patient.name}")
                lines += _wanted(visit, code)
        lines += [f"false alarm: {_words(f)} · {visit.patient.name}" for f in visit.false_alarms]
    return lines


def _wanted(visit, code):
    illness, found = visit.patient.expected[code], [f for f in visit.findings if f.code == code]
    must, may = sorted(illness.must), sorted(illness.may - illness.must)
    yield f"    has to name {must}, may name {may}"
    yield from (f"    found {_words(finding)}" for finding in found or visit.findings)


def _words(finding):
    shown = ", ".join(
        f"{e.quantity} {e.value:.3g} (threshold {e.threshold:.3g}{f', {e.layer}' if e.layer else ''})"
        for e in getattr(finding, "evidence", ())
    )
    return f"{finding.code} ({finding.severity}) in {list(finding.layers)}: {shown}"


def report(visits, half) -> str:
    """Return table, sums and complaints for one half of the ward."""
    chosen = [visit for visit in visits if visit.patient.half == half]
    head = f"The half “{half}”" + {"set": ", on which thresholds were set", "hold": ", held back"}[half]
    return "\n".join([head, table(chosen), summary(chosen), *complaints(chosen)])


def timed(function):
    """Return what a function gives, and the seconds of processor time that it took."""
    start = time.process_time()
    return function(), time.process_time() - start
