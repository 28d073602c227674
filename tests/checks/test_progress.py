"""The progress page counts what a learner guessed and solved, and says where to go on."""

import pytest

from helpers.checks import flow, guesses, learner, progress, start
from helpers.numerics.activations import sigmoid, sigmoid_derivative


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("TAMING_DEPTH_LEARNER", str(tmp_path / "learner.json"))
    monkeypatch.setenv("JPY_SESSION_NAME", "notebooks/02_watch.ipynb")


def row(lesson):
    return next(row for row in progress.progress().rows if row.lesson == lesson)


def test_every_lesson_has_exercises():
    assert all(progress.exercises_of(lesson) for lesson in progress.LESSONS)
    assert "flow.stable_slope" in progress.exercises_of("02")


def test_solved_exercises_and_guesses_are_counted():
    assert (row("02").guesses, row("02").close, row("02").solved) == (0, 0, 0)
    flow.stable_slope(...)
    flow.stable_slope(sigmoid)
    assert row("02").solved == 0
    flow.stable_slope(sigmoid_derivative)
    flow.stable_slope(sigmoid)  # what was once right stays so
    assert row("02").solved == 1
    for question, measured in (("a", 1.0), ("b", 100.0)):
        guess = guesses.Guess(question, "number")
        guess.commit(1.0)
        guess.reveal(measured)
    assert (row("02").guesses, row("02").close) == (2, 1)


def test_it_says_where_to_go_on():
    page = progress.progress()
    assert page.words == "Go on with 00 Start here."
    start.pixels(784)
    assert progress.progress().words == "Go on with 00 Start here: still to solve spike."
    start.spike("b")
    page = progress.progress()
    assert page.words == "Go on with 01 Backpropagate by hand."
    assert page.words in repr(page)
    link = '<a href="01_backpropagate_by_hand.ipynb"><b>01 Backpropagate by hand</b></a>'
    assert link in page._repr_html_()
    assert "2 of 2 ✓" in page._repr_html_()


def test_scores_are_told():
    learner.keep("exercises", "flow.stable_slope", {"right": True, "tries": 1, "score": 0.0831})
    assert row("02").scores == {"stable_slope": 0.0831}
    assert "stable_slope 0.083" in repr(progress.progress())


def test_when_all_is_solved_it_says_so():
    for lesson in progress.LESSONS:
        for name in progress.exercises_of(lesson):
            learner.keep("exercises", name, {"right": True, "tries": 1})
    assert progress.progress().words == progress.DONE


def test_every_lesson_has_its_page():
    assert progress.title_of("07") == "07 Use batch normalization in Keras"
    assert all(progress.page_of(lesson) for lesson in progress.LESSONS)
