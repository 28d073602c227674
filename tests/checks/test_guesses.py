"""Guesses are compared in words that say how far off they are, and in which direction."""

import pytest

from helpers.checks import guesses, learner
from helpers.checks.guesses import Guess


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("TAMING_DEPTH_LEARNER", str(tmp_path / "learner.json"))
    monkeypatch.setenv("JPY_SESSION_NAME", "notebooks/02_watch.ipynb")


@pytest.mark.parametrize(
    ("guess", "measured", "outcome", "words"),
    [
        (1e-3, 2e-6, "more", "You said 0.001, measured 2e-6: 500 times too large."),
        (1.0, 40.0, "less", "You said 1, measured 40: 40 times too small."),
        (1.0, 3.3, "less", "3.3 times too small"),
        (3.0, 2.0, "close", "You said 3, measured 2: close."),
        (1.0, 1e-13, "more", "10^13 times too large"),
        (-1.0, 2.0, "side", "on the other side of zero"),
        (0.5, 0.0, "side", "You said 0.5, measured 0."),
        (0.0, 0.0, "close", "You said 0, measured 0."),
        (None, 2e-6, "none", "You made no guess here. Measured: 2e-6."),
    ],
)
def test_numbers(guess, measured, outcome, words):
    told = guesses.compare_number(guess, measured)
    assert told.outcome == outcome
    assert words in repr(told)


def test_choices():
    assert guesses.compare_choice("yes", "yes").outcome == "right"
    assert repr(guesses.compare_choice("yes", "no")) == "You said “yes”. It is “no”."
    assert repr(guesses.compare_choice(None, "no")) == "You made no guess here. It is “no”."


def test_curves():
    measured = [1.0, 0.1, 0.01, 0.001]
    assert guesses.compare_curve([1.2, 0.09, 0.015, 0.1], measured).outcome == "close"
    high = guesses.compare_curve([1.0, 1.0, 1.0, 1.0], measured)
    assert (high.outcome, repr(high)) == (
        "more",
        "Your line lies within a factor of 2 at 1 of 4 places; on the whole it is too high.",
    )
    assert guesses.compare_curve([None, 1e-4, None, 1e-9], measured).outcome == "less"
    assert (
        guesses.compare_curve([-0.9, 0.1, 1.0], [-1.0, 0.0, 1.0]).outcome == "close"
    )  # signs mix: by distance
    assert guesses.compare_curve(None, measured).outcome == "none"
    assert guesses.compare_curve([None] * 4, measured).outcome == "none"
    with pytest.raises(ValueError, match="the guess has 2 places, what was measured 4"):
        guesses.compare_curve([1.0, 2.0], measured)


def test_a_guess_survives_a_restart_and_is_kept_with_how_it_went():
    Guess("length at layer 1", "number").commit(1e-3)
    again = Guess("length at layer 1", "number")
    assert again.value == 1e-3
    again.reveal(2e-6)
    assert learner.load("guesses") == {
        "02 length at layer 1": {"kind": "number", "lesson": "02", "value": 1e-3, "outcome": "more"}
    }


def test_who_has_seen_the_result_no_longer_guesses():
    guess = Guess("length at layer 1", "number")
    for value in (1.0, 1e-3):  # before the result is told, one may think again
        guess.commit(value)
    guess.reveal(2e-6)
    guess.commit(2e-6)
    assert guess.reveal(2e-6).outcome == "close"
    kept = learner.load("guesses")["02 length at layer 1"]
    assert (kept["value"], kept["outcome"]) == (2e-6, "more")


def test_a_line_where_signs_mix_is_told_without_a_factor():
    told = guesses.compare_curve([-0.9, 0.1, 1.0], [-1.0, 0.0, 1.0])
    assert repr(told) == "Your line lies near what was measured at 3 of 3 places; you saw it coming."


def test_without_a_guess_nothing_is_kept():
    assert Guess("length", "number").reveal(1.0).outcome == "none"
    assert learner.load("guesses") == {}


def test_the_same_question_in_another_lesson_is_another_guess(monkeypatch):
    Guess("length", "number").commit(1.0)
    monkeypatch.setenv("JPY_SESSION_NAME", "notebooks/03_choose.ipynb")
    assert Guess("length", "number").value is None


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        ([], "You have made no guess in this lesson yet."),
        ([None, "none"], "no guess in this lesson yet"),
        (["close"], "Your one guess was close or right."),
        (["wrong"], "Your one guess was off"),
        (["close", "wrong", "more"], "1 of your 3 guesses was close or right."),
        (["close", "right", "more"], "2 of your 3 guesses were close or right."),
        (["more", "more", "close"], "You tend to guess too large: 2 times."),
        (["less"] * 3 + ["more"], "You tend to guess too small: 3 times."),
        (["less", "less", "more"], "None of your 3 guesses were close or right."),
    ],
)
def test_the_tally_tells_what_one_tends_to_get_wrong(outcomes, words):
    assert words in repr(guesses.Tally(outcomes))
    assert ("You tend" in repr(guesses.Tally(outcomes))) == ("You tend" in words)


def test_the_tally_is_that_of_the_lesson():
    for question, value in (("a", 1.0), ("b", 1.0)):
        guess = Guess(question, "number")
        guess.commit(value)
        guess.reveal(1.0)
    assert guesses.tally("02").outcomes == ["close", "close"]
    assert guesses.tally("03").outcomes == []
