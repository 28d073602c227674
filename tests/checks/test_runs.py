"""Saved runs come back as they were, and bad ones are named."""

import numpy as np
import pytest

from helpers.checks import runs


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("TAMING_DEPTH_LEARNER", str(tmp_path / "learner.json"))


def lines():
    return [line.split() for line in repr(runs.compare()).split("\n")]


def test_runs_are_compared_by_their_ends_their_lowest_and_their_highest():
    assert repr(runs.compare()).startswith("No run is saved yet.")
    assert "No run is saved yet." in runs.compare()._repr_html_()
    runs.save("patient", loss=np.array([2.3, 2.2, 2.25]))
    runs.save("idea", loss=[2.3, 1.0, np.nan], right=[1, 5])
    assert runs.compare("patient") == {"patient": {"loss": [2.3, 2.2, 2.25]}}
    assert lines() == [
        ["run", "curve", "at", "the", "end", "lowest", "highest", "values"],
        ["patient", "loss", "2.25", "2.2", "2.3", "3"],
        ["idea", "loss", "overflow", "1", "2.3", "3"],
        ["idea", "right", "5", "1", "5", "2"],
    ]
    assert "<td>2.25</td>" in runs.compare()._repr_html_()


def test_a_run_that_overflowed_says_so():
    runs.save("loud", loss=[np.inf, np.nan])
    assert lines()[1] == ["loud", "loss", "overflow", "overflow", "overflow", "2"]


def test_a_name_is_shown_as_text():
    runs.save("<b>", loss=[1.0])
    assert "<td>&lt;b&gt;</td>" in runs.compare()._repr_html_()


@pytest.mark.parametrize(
    ("name", "curves", "words"),
    [
        (" ", {"loss": [1]}, "a run needs a name"),
        ("a", {}, "there is nothing to save"),
        ("a", {"loss": [[1, 2]]}, r"loss must be a row of numbers, got an array of shape \(1, 2\)"),
        ("a", {"loss": []}, r"got an array of shape \(0,\)"),
    ],
)
def test_what_cannot_be_saved_is_named(name, curves, words):
    with pytest.raises(ValueError, match=words):
        runs.save(name, **curves)


def test_a_missing_run_is_named():
    runs.save("a", loss=[1.0])
    with pytest.raises(ValueError, match="no run 'b' is saved; there are 'a'"):
        runs.compare("a", "b")
