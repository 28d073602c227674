"""The check of notebook 00: right answers pass, each known slip is met with its own reason."""

import pytest

from helpers.checks import start


@pytest.mark.parametrize("answer", [784, 28 * 28.0])
def test_a_right_answer_passes(answer):
    assert start.pixels(answer).right


@pytest.mark.parametrize(
    ("answer", "why"),
    [(28, "one side"), (56, "added"), (112, "way around"), (2352, "gray"), (256, "shades"), (785, "784")],
)
def test_a_wrong_answer_is_told_why(answer, why):
    verdict = start.pixels(answer)
    assert verdict.status == "not yet"
    assert why in verdict.message


@pytest.mark.parametrize("answer", [..., None])
def test_no_answer_is_not_attempted(answer):
    assert start.pixels(answer).status == "not attempted"


def test_words_are_no_number():
    assert start.pixels("many").status == "not yet"
