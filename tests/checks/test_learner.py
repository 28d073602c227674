"""What is kept for a learner survives a restart, a crash and a broken file."""

import json

import pytest

from helpers.checks import learner


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("TAMING_DEPTH_LEARNER", str(tmp_path / "learner.json"))
    return tmp_path / "learner.json"


def test_what_is_kept_is_there_after_a_restart(file):
    learner.keep("guesses", "length", {"value": 1e-3})
    learner.keep("runs", "α", {"loss": [1.0, None]})
    assert learner.load("guesses") == {"length": {"value": 1e-3}}
    assert learner.load("runs") == {"α": {"loss": [1.0, None]}}
    assert json.loads(file.read_text("utf-8"))["runs"]["α"]


def test_a_later_entry_takes_the_place_of_an_earlier_one():
    for value in (1, 2):
        learner.keep("guesses", "length", value)
    assert learner.load("guesses") == {"length": 2}


def test_a_crash_while_writing_leaves_the_old_file(file, monkeypatch):
    learner.keep("guesses", "length", 1)
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("no room")))
    with pytest.raises(OSError, match="no room"):
        learner.keep("guesses", "length", 2)
    assert json.loads(file.read_text("utf-8")) == {"guesses": {"length": 1}}


def test_a_broken_file_is_set_aside_not_lost(file):
    file.write_text('{"guesses": {"le', encoding="utf-8")
    assert learner.load("guesses") == {}
    assert file.with_name("learner.json.unreadable").read_text("utf-8") == '{"guesses": {"le'
    learner.keep("guesses", "length", 1)
    assert learner.load("guesses") == {"length": 1}


def test_where_nothing_is_to_be_kept_it_is_known_until_the_kernel_ends(monkeypatch, tmp_path):
    monkeypatch.setenv("TAMING_DEPTH_LEARNER", "")
    learner.forget()
    learner.keep("guesses", "length", 1)
    learner.keep("runs", "a", 1)
    assert (learner.load("guesses"), learner.load("runs")) == ({"length": 1}, {"a": 1})
    learner.forget("runs")
    assert (learner.load("guesses"), learner.load("runs")) == ({"length": 1}, {})
    learner.forget()
    assert learner.load("guesses") == {}
    assert learner.path() is None
    assert not learner.is_kept()
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_kind_is_set_aside(file):
    file.write_text("[1, 2]", encoding="utf-8")
    assert learner.load("guesses") == {}
    assert file.with_name("learner.json.unreadable").exists()


def test_by_default_it_stands_beside_course_py(monkeypatch):
    monkeypatch.delenv("TAMING_DEPTH_LEARNER")
    assert learner.path() == learner.ROOT / "learner.json"
    assert (learner.ROOT / "course.py").exists()


def test_a_part_or_everything_is_forgotten():
    learner.keep("guesses", "length", 1)
    learner.keep("runs", "a", 1)
    learner.forget("guesses")
    assert (learner.load("guesses"), learner.load("runs")) == ({}, {"a": 1})
    learner.forget()
    assert learner.load("runs") == {}


def test_an_unknown_part_is_named():
    with pytest.raises(
        ValueError, match="nothing is kept of 'marks'; choose one of guesses, exercises, runs"
    ):
        learner.load("marks")


@pytest.mark.parametrize(
    ("name", "lesson"),
    [("notebooks/02_watch.ipynb", "02"), ("/a/b/11_x.ipynb", "11"), ("my own.ipynb", ""), ("", "")],
)
def test_the_lesson_is_that_of_the_notebook(monkeypatch, name, lesson):
    monkeypatch.setenv("JPY_SESSION_NAME", name)
    assert learner.lesson() == lesson
