"""The frame of the exercise checks, tried with right answers and with many a plausible wrong one."""

import html
import warnings
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from helpers.checks import frame, learner
from helpers.checks.frame import (
    NotAttempted,
    NotYet,
    Verdict,
    array,
    call,
    close,
    describe,
    exercise,
    explain,
    is_empty,
    one_of,
    require,
    still_broken,
)

Z = np.linspace(-3, 3, 7)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@exercise
def sigmoid_slope(answer):
    """The slope of the sigmoid, as an example of a check."""
    s = sigmoid(Z)
    close(call(answer, Z), s * (1 - s), known=[(s, "that is σ(z) itself, not its slope")])
    return "your slope is σ(z)(1 − σ(z))."


# --- the verdict -------------------------------------------------------------------------------------------


def right_slope(z):
    return sigmoid(z) * (1 - sigmoid(z))


def test_a_right_answer_is_told_what_it_showed():
    verdict = sigmoid_slope(right_slope)
    assert verdict == Verdict("right", "your slope is σ(z)(1 − σ(z)).")
    assert verdict.right
    assert repr(verdict) == "Right: your slope is σ(z)(1 − σ(z))."


def raises_not_implemented(z):
    raise NotImplementedError


def returns_nothing(z):
    1 / (1 + np.exp(-z))


@pytest.mark.parametrize("answer", [None, ..., raises_not_implemented, lambda z: ..., lambda z: (..., ...)])
def test_an_unsolved_stub_is_not_attempted(answer):
    verdict = sigmoid_slope(answer)
    assert verdict.status == "not attempted"
    assert (
        repr(verdict)
        == "Not attempted yet: replace the `...` with your own code, then run that cell and this one."
    )


def test_a_forgotten_return_is_pointed_out():
    assert repr(sigmoid_slope(returns_nothing)).startswith(
        "Not attempted yet: your function returns nothing yet"
    )


WRONG = {
    "the sigmoid itself": (sigmoid, "that is σ(z) itself, not its slope"),
    "twice": (lambda z: 2 * right_slope(z), "your answer is 2 times what is wanted everywhere."),
    "wrong sign": (lambda z: -right_slope(z), "your answer is −1 times what is wanted everywhere."),
    "list": (lambda z: [0.1, 0.2], "your answer has the shape (2,), and (7,) is wanted."),
    "number": (lambda z: 0.25, "your answer has the shape (), and (7,) is wanted."),
    "text": (lambda z: "0.25", "your answer is '0.25' (str); numbers are wanted."),
    "truth values": (lambda z: z > 0, "your answer is an array of shape (7,); numbers are wanted."),
    "complex": (lambda z: right_slope(z) + 0j, "your answer holds complex numbers; real ones are wanted."),
    "function": (lambda z: sigmoid, "your answer is the function sigmoid; a number or an array is wanted."),
    "ragged": (lambda z: [[1, 2], [3]], "your answer has rows of different lengths, which make no array."),
    "NaN": (lambda z: np.log(z), "your answer holds NaN in 3 of 7 places, first at index 0."),
    "infinite": (
        lambda z: 1 / (z * 0 + [1, 1, 0, 1, 1, 1, 1]),
        "your answer holds an infinite number in 1 of 7",
    ),
    "one value": (
        lambda z: right_slope(z) + (z == 0),
        "1 of 7 values of your answer are off, most at index 3: 1.25",
    ),
    "division": (lambda z: 1 // 0, "your function raised ZeroDivisionError: "),
    "two inputs": (lambda z, w: z, "your function raised TypeError: "),
    "no function": (0.25, "a function is wanted here, and you gave 0.25 (float)."),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_told_why(name):
    answer, why = WRONG[name]
    verdict = sigmoid_slope(answer)
    assert verdict.status == "not yet"
    assert not verdict.right
    assert verdict.message.startswith(why)
    assert repr(verdict) == f"Not yet: {verdict.message}"


def test_an_error_names_the_inputs():
    @exercise
    def check(answer):
        call(answer, 50, Z)
        return "fine"

    def answer(z, weights):
        raise ValueError("too far from zero\nand more")

    message = (
        "your function raised ValueError: too far from zero, for z = 50, weights = an array of shape (7,)."
    )
    assert check(answer).message == message


def test_an_error_inside_the_check_never_reaches_the_learner():
    @exercise
    def check(answer):
        return f"it has {answer.shape[1]} columns"

    assert check(3.0).message == (
        "the check cannot read your answer: AttributeError: 'float' object has no attribute 'shape'"
    )


def test_an_interrupt_is_not_swallowed():
    def answer(z):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sigmoid_slope(answer)


def test_several_answers_are_attempted_only_when_all_are():
    @exercise
    def sizes(fan_in, fan_out):
        require(fan_in > fan_out, "fan_in is the number of inputs")
        return "yes"

    assert sizes(3, 2).right
    assert sizes(2, 3).message == "fan_in is the number of inputs"
    assert sizes(3, ...).status == "not attempted"


# --- no side effects ---------------------------------------------------------------------------------------


def test_an_answer_cannot_change_the_inputs_of_the_check():
    z = Z.copy()

    def spoil(values):
        values[:] = 0
        return values

    assert not call(spoil, z).any()
    np.testing.assert_array_equal(z, Z)


def test_a_generator_given_to_an_answer_is_left_as_it_was():
    rng = np.random.default_rng(1)
    first = call(lambda rng: rng.normal(), rng)
    assert call(lambda rng: rng.normal(), rng) == first


def test_the_check_cannot_change_the_answer():
    mine = np.ones(3)

    @exercise
    def check(answer):
        answer[:] = 7
        return "done"

    assert check(mine).right
    assert mine.tolist() == [1, 1, 1]


def test_warnings_are_silent_and_overflow_is_said_in_words():
    def overflow(z):
        warnings.warn("from the learner", UserWarning, stacklevel=1)
        return np.exp(1000 * z)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verdict = sigmoid_slope(overflow)
    assert verdict.message == "your answer holds an infinite number in 3 of 7 places, first at index 4."


# --- pieces ------------------------------------------------------------------------------------------------


def test_verdict_reads_without_color_and_escapes():
    shown = Verdict("not yet", "0.3 < 0.5 & so on")._repr_html_()
    assert "<b>Not yet:</b> 0.3 &lt; 0.5 &amp; so on" in shown
    assert html.unescape(shown).count("0.3 < 0.5") == 1


def test_verdict_is_frozen():
    with pytest.raises(FrozenInstanceError):
        Verdict("right", "").status = "not yet"


def test_the_check_keeps_its_name_and_text():
    assert sigmoid_slope.__name__ == "sigmoid_slope"
    assert sigmoid_slope.__doc__ == "The slope of the sigmoid, as an example of a check."


def test_array_returns_a_copy_of_floats():
    given = np.array([1, 2])
    got = array(given, (2,))
    got[0] = 9
    assert got.dtype == float
    assert given[0] == 1


def test_a_transposed_answer_is_recognized():
    with pytest.raises(NotYet, match=r"\(3, 4\), and \(4, 3\) is wanted. Is it transposed\?"):
        array(np.zeros((3, 4)), (4, 3))


def test_close_keeps_its_tolerances():
    assert close(1 + 5e-7, 1.0) == 1 + 5e-7
    with pytest.raises(NotYet, match=r"W is 1\.1, and 1 is wanted"):
        close(1.1, 1.0, what="W")
    with pytest.raises(NotYet, match="wanted"):
        close(1 + 2e-6, 1.0)
    assert close(1.1, 1.0, rtol=0.2) == 1.1


def test_close_names_the_place_in_a_matrix():
    with pytest.raises(
        NotYet, match=r"1 of 6 values of dW are off, most at index \(1, 2\): 5, where 0 is wanted"
    ):
        close([[0, 0, 0], [0, 0, 5]], np.zeros((2, 3)), what="dW")


def test_explain_knows_values_and_functions_and_leaves_the_rest():
    known = [(0.5, "forgot the square"), (lambda n: 1 / n, "that is 1/n")]
    with pytest.raises(NotYet, match="forgot the square"):
        explain(0.5, known, 10)
    with pytest.raises(NotYet, match="that is 1/n"):
        explain(0.1, known, 10)
    for other in (0.3, "0.5 or so", [0.5, 0.5], None):
        assert explain(other, known, 10) is None


def test_one_of_explains_each_wrong_choice():
    whys = {"explodes": "each layer multiplies by less than 1"}
    assert one_of(" Vanishes", "vanishes", whys) is None
    with pytest.raises(NotYet, match="each layer multiplies by less than 1"):
        one_of("explodes", "vanishes", whys)
    with pytest.raises(NotYet, match=r"'grows' \(str\) is none of the choices: 'explodes', 'vanishes'\."):
        one_of("grows", "vanishes", whys)


def test_empty_answers():
    assert is_empty(...)
    assert is_empty((1, None))
    assert not is_empty(np.zeros(2))
    assert not is_empty(0)
    with pytest.raises(NotAttempted):
        call(lambda: None)


def test_describe_is_short():
    assert describe(0.1 + 0.2) == "0.3 (float)"
    assert len(describe("x" * 1000)) < 80
    assert describe(np.float64(2.0)) == "2 (float64)"
    assert describe(sigmoid) == "the function sigmoid"


def test_a_known_slip_that_gives_the_right_number_is_right():
    assert close(0.0, 0.0, known=[(0.0, "that is the slip")]) == 0
    with pytest.raises(NotYet, match="that is the slip"):
        close(1.0, 0.0, known=[(1.0, "that is the slip")])


def test_a_stub_that_still_holds_its_bug_is_not_attempted():
    @exercise
    def half(answer):
        still_broken(call(answer, 8.0), 2.0, "a quarter is too little.")
        close(call(answer, 8.0), 4.0)
        return "half."

    assert repr(half(lambda x: x / 4)) == "Not attempted yet: still the bug: a quarter is too little."
    assert half(lambda x: x / 3).status == "not yet"
    assert half(lambda x: x / 2).right
    assert half(lambda x: np.array([2.0, 2])).status == "not yet"


class TestHints:
    def test_they_come_one_after_the_other_and_the_last_stays(self):
        @frame.exercise(hints=("What shrinks?", "The slope.", "Multiply by h (1 − h)."))
        def check(answer):
            return "fine."

        assert repr(check.hint()) == "Hint 1 of 3: What shrinks? Call it again for the next one."
        assert [check.hint().stage for _ in range(3)] == [2, 3, 3]
        assert repr(check.hint()) == "Hint 3 of 3: Multiply by h (1 − h)."
        assert "Hint 3 of 3" in check.hint()._repr_html_()
        assert check(1).right

    def test_an_exercise_without_hints_says_so(self):
        @frame.exercise
        def check(answer):
            return "fine."

        with pytest.raises(ValueError, match="no hints"):
            check.hint()


def test_tries_and_scores_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("TAMING_DEPTH_LEARNER", str(tmp_path / "learner.json"))

    @frame.exercise
    def challenge(answer):
        frame.require(answer < 1, "too large.")
        return frame.Scored("well done.", answer)

    assert challenge(2).score is None
    verdict = challenge(0.25)
    assert (verdict.status, verdict.message, verdict.score) == ("right", "well done.", 0.25)
    challenge(...)
    (kept,) = learner.load("exercises").values()
    assert kept == {"right": True, "tries": 2, "score": 0.25}
