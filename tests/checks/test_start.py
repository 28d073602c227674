"""The checks of lesson 00: right answers pass in every spelling, each slip is met with its own reason."""

import numpy as np
import pytest

from helpers.checks import start

PIXELS_RIGHT = [784, 28 * 28.0, np.int64(784), np.full((28, 28), 1).sum()]
PIXELS_WRONG = [
    (28, "one row"),
    (56, "added the sides"),
    (112, "way around"),
    (108, "at the edge"),
    (729, "gaps"),
    (392, "half"),
    (21952, "one 28 too many"),
    (2352, "gray"),
    (7840, "ten images"),
    (794, "come out"),
    (256, "shades"),
    (255, "whitest"),
    (10, "kinds of clothes"),
    ("784", "quotation marks"),
    ((28, 28), "shape"),
    (-784, "−1 times"),
    (785, "784 is wanted"),
    (float("inf"), "infinite"),
    (lambda: 784, "function"),
]
SPIKE_RIGHT = ["b", "B", " b ", "(b)", "b.", "whatever image goes in, nearly the same comes out"]
SPIKE_WRONG = [
    ("a", "a hundred numbers"),
    ("c", "nothing was trained"),
    ("d", "no errors"),
    ("e", "when they go in"),
    ("The images are all black", "when they go in"),
    ("f", "there is no (f)"),
    ("", "empty"),
    ("ab", "choose one"),
    ("a and b", "choose one"),
    (["b"], "choose one"),
    ({"b"}, "choose one"),
    (2, "2 (int) is no letter"),
    (True, "no letter"),
    (print, "function"),
    ("it is dead", "not words"),
]


@pytest.mark.parametrize("answer", PIXELS_RIGHT)
def test_a_right_number_passes(answer):
    assert start.pixels(answer).right


@pytest.mark.parametrize("answer", SPIKE_RIGHT)
def test_a_right_choice_passes_in_every_spelling(answer):
    assert start.spike(answer).right


@pytest.mark.parametrize(
    ("check", "answer", "why"),
    [(start.pixels, *wrong) for wrong in PIXELS_WRONG] + [(start.spike, *wrong) for wrong in SPIKE_WRONG],
)
def test_a_wrong_answer_is_told_why(check, answer, why):
    verdict = check(answer)
    assert verdict.status == "not yet"
    assert why in verdict.message
    assert "cannot read" not in verdict.message


@pytest.mark.parametrize("check", [start.pixels, start.spike])
@pytest.mark.parametrize("answer", [..., None])
def test_no_answer_is_not_attempted(check, answer):
    assert check(answer).status == "not attempted"


@pytest.mark.parametrize("check", [start.pixels, start.spike])
def test_there_are_three_hints_and_none_is_the_answer(check):
    hints = [check.hint() for _ in range(3)]
    assert [hint.stage for hint in hints] == [1, 2, 3]
    assert not any("784" in hint.words or "(b)" in hint.words for hint in hints)


def test_every_wrong_option_has_its_own_reason():
    reasons = {start.spike(letter).message for letter in start.OPTIONS if letter != start.RIGHT}
    assert len(reasons) == len(start.OPTIONS) - 1
