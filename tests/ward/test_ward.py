"""The clinic on the ward: what it finds on networks whose illness is known, and on healthy ones."""

from collections import Counter

import pytest

from helpers import data
from helpers.clinic import CODES
from helpers.networks.stack import Stack
from helpers.numerics.activations import ACTIVATIONS
from helpers.signals.recording import Recording
from tests.ward import doses, rounds
from tests.ward.patient import Illness, Patient, at, halved, within

SICK = [patient for patient in rounds.PATIENTS if not patient.healthy]
WELL = [patient for patient in rounds.PATIENTS if patient.healthy]
ONLY_MILD = {"useless_bias_before_batch_norm"}  # it costs parameters, never the result
ONLY_SEVERE = {"non_finite_values"}
OF_PROGRAMS = {  # read from a model, its targets and its logs: not yet on the ward, see tests/clinic
    "labels_do_not_fit",
    "one_class",
    "unscaled_targets",
    "improper_loss",
    "targets_out_of_reach",
    "nothing_trainable",
    "missing_activation",
    "double_activation",
    "too_much_dropout",
    "image_discarded",
    "equal_layers",
    "no_progress",
    "oscillating_loss",
    "still_learning",
}
ON_THE_WARD = [code for code in CODES if code not in OF_PROGRAMS]

# Runs with steps too large, and the same network's run with good ones.
TWINS = {
    "ReLU, steps of 0.6, images": "a good run: ReLU, steps of 0.1, images",
    "tanh, steps of 3, table": "a good run: tanh, steps of 0.3, table",
    "normalized, steps of 3, images": "a good run: normalized, steps of 0.1, images",
    "Keras: ReLU, Adam with 0.1, images": "Keras: a good run: Adam with 1e-3, images",
}


slow = pytest.mark.slow


@pytest.fixture(scope="module")
def real_images():
    if not data.load_fashion_mnist().real:
        pytest.skip("the doses were measured with the real images, which are not at hand")


@pytest.fixture(scope="module")
def visits(keras, real_images):
    """A visit to every patient, once for all tests."""
    return rounds.rounds()


@pytest.fixture(params=rounds.HALVES)
def half(request, visits):
    """The visits to the patients of one half."""
    return [visit for visit in visits if visit.patient.half == request.param]


def name_of(patient):
    return patient.name


# The ward itself: enough patients of every kind, and as ill as it says.


def test_names_are_unique():
    assert len({patient.name for patient in rounds.PATIENTS}) == len(rounds.PATIENTS)


@slow
def test_counts(keras):
    subjects = [rounds.admitted(patient.name).subject for patient in rounds.PATIENTS]
    networks = [subject for subject in subjects if not isinstance(subject, Recording)]
    assert len(networks) >= 60
    assert sum(isinstance(subject, keras.Model) for subject in networks) >= 20
    assert sum(isinstance(subject, Stack) for subject in networks) >= 20
    assert len(WELL) >= 24
    assert len([p for p in WELL if not isinstance(rounds.admitted(p.name).subject, Recording)]) >= 20


@pytest.mark.parametrize("code", ON_THE_WARD)
def test_every_illness_comes_three_times_and_in_both_halves(code):
    cases = Counter((p.expected[code].severity, p.half) for p in SICK if code in p.expected)
    assert sum(cases.values()) >= 3
    severities = {"mild"} if code in ONLY_MILD else {"severe"} if code in ONLY_SEVERE else {"severe", "mild"}
    assert set(cases) == {(severity, half) for severity in severities for half in rounds.HALVES}


def test_every_activation_is_among_the_healthy():
    words = {"leaky_relu": "leaky ReLU", "prelu": "PReLU", "gelu": "GELU", "silu": "SiLU"}
    spoken = " ".join(patient.name for patient in WELL).lower()
    assert not [name for name in ACTIVATIONS if words.get(name, name).lower() not in spoken]


@slow
@pytest.mark.parametrize("patient", SICK, ids=name_of)
def test_the_dose_is_what_the_severity_says(keras, real_images, patient):
    case = rounds.admitted(patient.name)
    for code, illness in patient.expected.items():
        assert doses.fits(code, case, illness), f"{code}: {doses.dose(code, case, illness):.4g}"


@slow
@pytest.mark.parametrize(("shaken", "good"), TWINS.items())
def test_mildly_high_rates_end_at_one_and_a_half_times_the_good_ones(keras, real_images, shaken, good):
    ends = [rounds.admitted(name).subject.logged("loss")[1][-1] for name in (shaken, good)]
    assert ends[0] >= 1.5 * ends[1]


@slow
@pytest.mark.parametrize("patient", WELL, ids=name_of)
def test_the_healthy_have_no_dose_of_what_can_be_measured(keras, real_images, patient):
    case = rounds.admitted(patient.name)
    codes = ("overfitting", "learning_rate_too_low") if case.x is None else doses.OF_HEALTHY
    for code in codes:
        value, limit = doses.dose(code, case, Illness("mild")), doses.BANDS[code]["mild"][0]
        assert not value >= limit or code in patient.accept, f"{code}: {value:.4g}"


# The clinic on the ward.


def failing(visits, severity):
    """What was missed of a severity, in words."""
    here = [visit for visit in visits if any(i.severity == severity for i in visit.patient.expected.values())]
    return "\n".join(rounds.complaints(here))


@slow
def test_every_severe_illness_is_found_in_the_right_layers(half):
    assert rounds.share_found(half, "severe") == 1, failing(half, "severe")


@slow
def test_mild_illnesses_are_found(half):
    assert rounds.share_found(half, "mild") >= 0.95, failing(half, "mild")


@slow
def test_the_healthy_are_left_alone(half):
    severe, any_alarm = rounds.healthy_alarms(half)
    well = [visit for visit in half if visit.patient.healthy]
    assert not severe, "\n".join(rounds.complaints(severe))
    assert len(any_alarm) <= 0.05 * len(well), "\n".join(rounds.complaints(any_alarm))


@slow
def test_false_alarms_on_the_sick_are_few(half):
    sick = [visit for visit in half if not visit.patient.healthy]
    alarmed = [visit for visit in sick if visit.false_alarms]
    assert len(alarmed) <= 0.05 * len(sick), "\n".join(rounds.complaints(alarmed))


# The rounds find fault with clinics that deserve it.


class Told:
    """A finding of a made-up clinic."""

    def __init__(self, code, severity="severe", layers=()):
        self.code, self.severity, self.layers, self.evidence = code, severity, tuple(layers), ()


BEDS = halved(
    "set",
    Patient("well", None),
    Patient("dead", None, {"dead_units": at("severe", "a", may=("b",))}),
    Patient("faint", None, {"dead_units": at("mild", "a")}, frozenset({"unscaled_inputs"})),
    Patient("raw", None, {"unscaled_inputs": at("severe")}),
)


def test_a_blind_clinic_misses_everything():
    visits = rounds.rounds(BEDS, lambda patient: ())
    told = rounds.counts(visits)
    assert told["dead_units"]["severe"] == {"hit": 0, "wrong layers": 0, "miss": 1}
    assert rounds.share_found(visits, "severe") == rounds.share_found(visits, "mild") == 0
    assert rounds.healthy_alarms(visits) == ([], [])
    assert len(rounds.complaints(visits)) == 2 * 3  # each with what it should have named


def test_an_alarmist_is_found_out():
    visits = rounds.rounds(
        BEDS, lambda patient: [Told(code, layers=["a"] if "units" in code else []) for code in CODES]
    )
    severe, any_alarm = rounds.healthy_alarms(visits)
    assert [visit.patient.name for visit in severe] == [visit.patient.name for visit in any_alarm] == ["well"]
    assert rounds.share_found(visits, "severe") == 1
    assert rounds.counts(visits)["overfitting"]["false alarms"] == 4
    assert rounds.counts(visits)["unscaled_inputs"]["false alarms"] == 2  # at "faint" it would be true


def test_a_truthful_clinic_is_praised():
    def truth(patient):
        return [Told(code, i.severity, i.must or i.may) for code, i in patient.expected.items()]

    visits = rounds.rounds(BEDS, truth)
    assert rounds.share_found(visits, "severe") == rounds.share_found(visits, "mild") == 1
    assert rounds.complaints(visits) == []
    assert "severe 100.0%, mild 100.0%; of the right severity 100.0%" in rounds.summary(visits)


@pytest.mark.parametrize("layers", [(), ("b",), ("a", "c"), ("c",)])
def test_wrong_layers_are_no_hit(layers):
    visits = rounds.rounds(BEDS[1:2], lambda patient: [Told("dead_units", layers=layers)])
    assert visits[0].verdict("dead_units") == "wrong layers"


@pytest.mark.parametrize("layers", [("a",), ("a", "b")])
def test_right_layers_are_a_hit(layers):
    visits = rounds.rounds(BEDS[1:2], lambda patient: [Told("dead_units", layers=layers)])
    assert visits[0].verdict("dead_units") == "hit"


def test_an_illness_that_may_sit_anywhere_within_has_to_be_placed():
    illness = within("mild", "a", "b")
    assert illness.fits(["b"])
    assert not illness.fits([])
    assert not illness.fits(["c"])


def test_a_severe_finding_on_a_healthy_network_is_an_alarm_even_where_a_mild_one_is_not():
    bed = Patient("almost", None, {}, frozenset({"uncentered_inputs"}))
    mild, severe = (rounds.Visit(bed, (Told("uncentered_inputs", s),)) for s in ("mild", "severe"))
    assert not mild.false_alarms
    assert severe.false_alarms


@slow
def test_the_report_shows_each_code_once(visits):
    report = rounds.report(visits, "set")
    lines = [line.split()[0] for line in report.splitlines()[2:]]
    assert {code: lines.count(code) for code in ON_THE_WARD} == dict.fromkeys(ON_THE_WARD, 1)
