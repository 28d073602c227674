"""The checks of the eight patients: wrong diagnoses are refuted with true numbers, treatments are tried."""

import numpy as np
import pytest

from helpers.checks import clinic
from helpers.clinic import patients

RIGHT = {
    "A": {"gain": 1},
    "B": {"activation": "relu", "initializer": "he_normal"},
    "C": {"momentum": 0.9},
    "D": {"gain": 1},
    "E": {"initializer": "glorot_normal"},
    "F": {"bias": 0},
    "G": {"weight_decay": 0.015},
    "H": {"inputs": "standardized"},
}
WRONG_CODES = [
    (patient, code)
    for patient in patients.BUILDS
    for code in clinic.REASONS
    if code != patients.DIAGNOSES[patient]
]


def signs_of(patient):
    return patients.chart(patients.BUILDS[patient]).signs


@pytest.mark.slow
def test_the_right_diagnosis_passes():
    assert clinic.diagnosis(patients.DIAGNOSES).right
    assert clinic.diagnosis({p: f" {code.upper()} " for p, code in patients.DIAGNOSES.items()}).right


@pytest.mark.parametrize("patient", patients.BUILDS)
def test_the_illness_shows_in_the_signs(patient):
    assert clinic.REASONS[patients.DIAGNOSES[patient]].fits(signs_of(patient))


@pytest.mark.parametrize(("patient", "code"), WRONG_CODES)
def test_a_wrong_diagnosis_is_refuted_by_numbers_that_are_so(patient, code):
    verdict = clinic.diagnosis({patient: code})
    assert verdict.status == "not yet"
    assert verdict.message.startswith(f"patient {patient}: ")
    assert "{" not in verdict.message
    # The plain reason says that the signs don't fit; where they do, the patient has words of its own.
    if (patient, code) not in clinic.CONSEQUENCES:
        assert not clinic.REASONS[code].fits(signs_of(patient))


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        ({"A": ..., "B": None}, "not attempted", "replace the `...`"),
        ({}, "not attempted", "replace the `...`"),
        (
            patients.DIAGNOSES | {"C": ..., "G": ...},
            "not attempted",
            "right so far; C, G still to be diagnosed",
        ),
        ({"A": "measles"}, "not yet", "is none of the choices"),
        ({"A": 3}, "not yet", "is none of the choices"),
        ({"Z": "dead_units"}, "not yet", "there is no patient ['Z']"),
        (["saturated_units"], "not yet", "a dictionary is wanted"),
        ({"A": ..., "B": "dead_units"}, "not yet", "patient B"),
    ],
)
def test_odd_diagnoses(answer, status, words):
    verdict = clinic.diagnosis(answer)
    assert verdict.status == status
    assert words in verdict.message


@pytest.mark.slow
def test_the_right_treatment_passes():
    verdict = clinic.treatment(RIGHT)
    assert verdict.right, verdict
    assert "three seeds" in verdict.message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("patient", "changes"),
    [
        ("B", {"activation": "tanh"}),
        ("E", {"activation": "relu", "initializer": "he_normal"}),
        ("F", {"activation": "elu"}),
        ("H", {"inputs": "pixels 0 to 1"}),
    ],
)
def test_other_treatments_that_help(patient, changes):
    assert "right so far" in clinic.treatment({patient: changes}).message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("patient", "changes", "words"),
    [
        ("A", {"learning_rate": 0.005}, "where the activation is flat"),
        ("A", {"normalized": "before"}, "caught another illness"),
        ("A", {"gain": 10}, "changes nothing"),
        ("A", {}, "changes nothing"),
        ("A", {"depth": 1}, "can't change 'depth'"),
        ("A", {"colour": 1}, "can't change 'colour'"),
        ("A", {"activation": "soft"}, "unknown activation 'soft'"),
        ("A", {"inputs": "pixels"}, "inputs must be one of"),
        ("A", {"gain": [1]}, "unhashable"),
        ("A", "gain=1", "a dictionary of settings is wanted"),
        ("B", {"learning_rate": 5}, "the first layer's gradient is still"),
        ("B", {"normalized": "before"}, "caught another illness"),
        ("C", {"batch_size": 500}, "still lag behind"),
        ("D", {"learning_rate": 0.0005}, "meets numbers that are too large"),
        ("D", {"clip_norm": 1}, "meets numbers that are too large"),
        ("E", {"gain": 2}, "have a twin"),
        ("E", {"bias": 0.1}, "have a twin"),
        ("F", {"gain": 2}, "are off on every image|diverges"),
        ("F", {"activation": "leaky_relu"}, "each of three seeds"),
        ("F", {"bias": 0, "learning_rate": 50}, "diverges|each of three seeds"),
        ("G", {"dropout": 0.5}, "still rises"),
        ("H", {"learning_rate": 1e-5}, "the inputs still have the std"),
    ],
)
def test_treatments_that_do_not_help_are_told_why(patient, changes, words):
    verdict = clinic.treatment({patient: changes})
    assert verdict.status == "not yet", verdict
    assert any(part in verdict.message for part in words.split("|")), verdict
    assert "{" not in verdict.message


@pytest.mark.slow
def test_the_sick_do_not_count_as_cured():
    """The bound that tells cured from sick tells the untreated patients, with every seed of the check."""
    for patient, build in patients.BUILDS.items():
        for seed in clinic.SEEDS:
            assert not clinic._is_cured(patient, patients.chart(build, seed).signs), patient


def test_the_healthy_network_counts_as_cured():
    ends = [patients.chart(patients.Build(), seed).signs["new_last"] for seed in range(5)]
    assert np.max(ends) < 1 < clinic.CURED
