"""A comparison as a lesson reads it."""

import numpy as np
import pytest

from helpers.data.results import Result
from helpers.networks.comparison import Comparison

STORED = Result(
    {
        "contenders": {
            "plain": {
                "grid": {"rate": [0.1, 1.0, 10.0]},
                "validation_loss": [0.9, 0.8, None],
                "chosen": {"rate": 1.0},
                "at_edge": [],
                "test": {
                    "loss": [0.8, 0.9, 1.0],
                    "accuracy": [0.7, 0.71, 0.72],
                    "calibration_error": [0.05, 0.06, 0.07],
                },
            },
            "better": {
                "grid": {"rate": [0.1, 1.0, 10.0], "strength": [1.0, 2.0]},
                "validation_loss": [0.9, 0.7, 0.5, 0.6, None, None],
                "chosen": {"rate": 1.0, "strength": 1.0},
                "at_edge": [],
                "test": {
                    "loss": [0.5, 0.61, 0.7],
                    "accuracy": [0.8, 0.8, 0.83],
                    "calibration_error": [0.05, 0.065, 0.08],
                },
            },
            "broken": {
                "grid": {},
                "validation_loss": [None],
                "chosen": {},
                "at_edge": [],
                "test": {
                    "loss": [2.3, None, 2.3],
                    "accuracy": [0.1, 0.0, 0.1],
                    "calibration_error": [0.2, None, 0.2],
                },
            },
        }
    }
)


@pytest.fixture
def comparison():
    return Comparison(STORED)


def test_the_best_comes_first_by_any_metric(comparison):
    assert comparison.order() == ["better", "plain", "broken"]
    assert comparison.order("accuracy") == ["better", "plain", "broken"]
    assert comparison.order("calibration_error")[:2] == ["plain", "better"]


def test_the_table_tells_what_was_chosen_and_the_scores(comparison):
    first, second, third = str(comparison.table()).splitlines()[1:]
    assert first.split("   ")[0].strip() == "better"
    assert "rate 1, strength 1" in first
    assert "0.610" in first
    assert "0.500 to 0.700" in first
    assert "0.710" in second
    assert "overflow" not in second
    assert "overflow" in third
    assert "–" in third
    assert "<table>" in comparison._repr_html_()
    assert str(comparison) == str(comparison.table())
    assert len(str(comparison.table("plain")).splitlines()) == 2


def test_the_grid_shows_every_setting_and_the_choice(comparison):
    lines = str(comparison.grid("better")).splitlines()
    assert len(lines) == 7
    assert [line for line in lines if line.endswith("chosen")] == [lines[3]]
    assert lines[3].split()[:3] == ["1", "1", "0.500"]
    assert lines[-1].split()[:3] == ["10", "2", "overflow"]


def test_a_tuning_curve_is_the_best_over_the_other_knobs(comparison):
    values, losses = comparison.tuning_curve("better", "rate")
    assert values.tolist() == [0.1, 1, 10]
    assert losses.tolist() == [0.7, 0.5, np.inf]
    assert comparison.tuning_curve("better", "strength")[1].tolist() == [0.5, 0.6]
    with pytest.raises(ValueError, match="plain has no 'strength'; it has rate"):
        comparison.tuning_curve("plain", "strength")


def test_differences_are_taken_seed_by_seed(comparison):
    found = comparison.difference("better", "plain")
    assert found.mean == pytest.approx(np.mean([-0.3, -0.29, -0.3]))
    assert found.tells_apart
    better, broken = str(comparison.against("plain")).splitlines()[1:]
    assert better.endswith("better")
    assert "-0.297" in better
    assert broken.endswith("not told apart")  # one of its seeds overflowed
    assert str(comparison.against("plain", "accuracy")).splitlines()[1].endswith("better")
    assert str(comparison.against("better", "accuracy")).splitlines()[1].endswith("worse")


def test_what_is_unknown_is_told(comparison):
    with pytest.raises(ValueError, match="'rival'; choose one of plain, better, broken"):
        comparison.chosen("rival")
    with pytest.raises(ValueError, match="'speed'; choose one of loss, accuracy, calibration_error"):
        comparison.test("plain", "speed")
