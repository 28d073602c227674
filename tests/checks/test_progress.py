"""The progress page counts what a learner guessed and solved, and says where to go on."""

import pytest

from helpers.checks import flow, guesses, progress, start
from helpers.numerics.activations import sigmoid, sigmoid_derivative


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("TAMING_DEPTH_LEARNER", str(tmp_path / "learner.json"))
    monkeypatch.setenv("JPY_SESSION_NAME", "notebooks/02_watch.ipynb")


def row(lesson):
    return next(cells for cells in progress.progress().rows if cells[0] == lesson)


def test_every_lesson_has_exercises():
    assert all(progress.exercises_of(lesson) for lesson in progress.LESSONS)
    assert "flow.stable_slope" in progress.exercises_of("02")


def test_solved_exercises_and_guesses_are_counted():
    assert row("02")[1:4] == (0, 0, 0)
    flow.stable_slope(...)
    flow.stable_slope(sigmoid)
    assert row("02")[3] == 0
    flow.stable_slope(sigmoid_derivative)
    flow.stable_slope(sigmoid)  # what was once right stays so
    assert row("02")[3] == 1
    for question, measured in (("a", 1.0), ("b", 100.0)):
        guess = guesses.Guess(question, "number")
        guess.commit(1.0)
        guess.reveal(measured)
    assert row("02")[1:3] == (2, 1)


def test_it_says_where_to_go_on():
    assert progress.progress().words == "Go on with lesson 00."
    start.pixels(784)
    page = progress.progress()
    assert page.words == "Go on with lesson 01."
    assert "Go on with lesson 01." in repr(page)
    assert "<td>00</td>" in page._repr_html_()
