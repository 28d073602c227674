"""The arithmetic of the depth benchmark, with made-up runs: nothing is trained or timed here."""

import math

import pytest

from benchmarks import __main__ as command
from benchmarks import depth
from benchmarks.results import table

REFERENCE = [(20.0, 0.7), (40.0, 0.75), (100.0, 0.8)]
OURS = [(12.0, 0.74), (60.0, 0.88)]


def told(reference=REFERENCE, ours=OURS, pairs=3):
    return {r.name.strip(): r for r in depth.results([reference] * pairs, [ours] * pairs)}


def test_the_section_is_known():
    assert command.SECTIONS["depth"] == "benchmarks.depth"


def test_seconds_to_a_goal_are_those_of_the_first_epoch_that_reaches_it():
    assert depth.seconds_to(0.739, REFERENCE) == 40.0
    assert depth.seconds_to(0.7, REFERENCE) == 20.0
    assert math.isnan(depth.seconds_to(0.81, REFERENCE))


def test_ratios_are_to_the_reference_of_the_same_turn():
    lines = told()
    share, whole = lines["100 SELU layers to 0.739 of validation"], lines["100 SELU layers, our whole run"]
    assert (share.measured, share.promised, share.verdict) == (0.12, 1 / 8, "kept")
    assert (whole.measured, whole.promised, whole.verdict) == (0.6, 1, "kept")
    pairs = depth.results([REFERENCE, [(200.0, 0.8)]], [OURS, OURS])
    assert pairs[0].measured == pytest.approx((0.12 + 0.06) / 2)


@pytest.mark.parametrize(
    ("ours", "missed"),
    [
        ([(13.0, 0.74), (60.0, 0.88)], ["100 SELU layers to 0.739 of validation"]),
        ([(12.0, 0.74), (101.0, 0.88)], ["100 SELU layers, our whole run"]),
        ([(12.0, 0.74), (60.0, 0.87)], ["validation accuracy at its end"]),
        (
            [(12.0, 0.7), (60.0, 0.73)],
            ["100 SELU layers to 0.739 of validation", "validation accuracy at its end"],
        ),
    ],
)
def test_what_is_missed_is_told(ours, missed):
    lines = told(ours=ours)
    assert [name for name, line in lines.items() if line.verdict == "missed"] == missed


def test_one_run_that_never_reaches_the_goal_misses_the_promise():
    lines = depth.results([REFERENCE] * 3, [OURS, OURS, [(60.0, 0.7)]])
    assert lines[0].verdict == "missed"
    assert "not reached" in table(lines)


def test_the_median_and_the_range_of_accuracies():
    assert depth.accuracies([0.9, 0.7, 0.8]) == {
        "measured": 0.8,
        "unit": "",
        "runs": 3,
        "spread": "0.700 … 0.900",
    }
    assert len(depth.SEEDS) >= 5
