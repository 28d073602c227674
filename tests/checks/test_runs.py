"""Saved runs come back as they were, and bad ones are named."""

import numpy as np
import pytest

from helpers.checks import runs


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("TAMING_DEPTH_LEARNER", str(tmp_path / "learner.json"))


def test_runs_are_compared_by_their_ends_and_their_lowest():
    assert repr(runs.compare()) == "No run is saved yet."
    runs.save("patient", loss=np.array([2.3, 2.2, 2.25]))
    runs.save("my idea", loss=[2.3, 1.0, np.nan])
    assert runs.compare("patient") == {"patient": {"loss": [2.3, 2.2, 2.25]}}
    text = repr(runs.compare())
    assert text.split("\n")[0].split() == ["run", "loss", "at", "the", "end", "lowest", "steps"]
    assert text.split("\n")[1].split() == ["patient", "2.25", "2.2", "3"]
    assert text.split("\n")[2].split() == ["my", "idea", "nan", "1", "3"]


def test_a_run_that_overflowed_says_so():
    runs.save("loud", loss=[np.inf, np.nan])
    assert repr(runs.compare()).split("\n")[1].split() == ["loud", "overflow", "overflow", "2"]


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
