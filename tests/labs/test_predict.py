"""Predict: a control takes a guess, keeps it, and tells how it compares; without one all runs and says so."""

import ipywidgets as widgets
import numpy as np
import pytest

from helpers.labs import predict


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("TAMING_DEPTH_LEARNER", str(tmp_path / "learner.json"))
    monkeypatch.setenv("JPY_SESSION_NAME", "notebooks/02_watch.ipynb")


def committed(question, value):
    question.control.value = value
    question.button.click()
    return question


def test_a_number_is_kept_and_compared():
    guess = predict.number("length at layer 1", low=1e-12, high=1e3, log=True)
    assert guess.value is None
    assert repr(guess.reveal(2e-6)) == "You made no guess here. Measured: 2e-6."
    committed(guess, 1e-3)
    assert guess.value == pytest.approx(1e-3)
    assert "500 times too large" in repr(guess.reveal(2e-6))
    again = predict.number("length at layer 1", low=1e-12, high=1e3, log=True)
    assert again.value == again.control.value == pytest.approx(1e-3)
    assert again.state.value == "Your guess: 0.001"
    assert repr(predict.summary()).startswith("Your one guess was off")


def test_a_number_on_a_linear_slider():
    guess = committed(predict.number("share of dead units", low=0, high=1), 0.25)
    assert guess.reveal(0.2).outcome == "close"
    assert isinstance(guess.control, widgets.FloatSlider)


@pytest.mark.parametrize(
    ("low", "high", "step", "told"), [(0, 10, 0.1, ".1f"), (0, 1, 0.01, ".2f"), (0, 2000, 20, ".0f")]
)
def test_a_slider_has_round_steps(low, high, step, told):
    slider = predict.number("how many", low=low, high=high).control
    assert (slider.step, slider.readout_format) == (pytest.approx(step), told)


def test_what_is_typed_into_a_question_is_text():
    guess = predict.choice("is a < b?", ["a < b", "b < a"])
    guess.control.value = "a < b"
    guess.button.click()
    assert guess.root.children[0].value == "<b>is a &lt; b?</b>"
    assert guess.state.value == "Your guess: a &lt; b"


def test_a_choice_starts_without_one():
    guess = predict.choice("Will it learn?", ["yes", "no"])
    assert guess.control.value is None
    guess.button.click()
    assert guess.value is None
    assert repr(committed(guess, "yes").reveal("no")) == "You said “yes”. It is “no”."


def test_a_line_is_drawn_over_the_layers():
    guess = predict.curve("the gradient's norm", layers=4, low=1e-6, high=1)
    guess.button.click()
    assert guess.value is None
    guess.control.sketch = [1e-3, 1e-2, None, 1.0]
    guess.button.click()
    assert guess.value == [1e-3, 1e-2, None, 1.0]
    assert guess.state.value == "Your guess: a line at 3 of 4 places"
    again = predict.curve("the gradient's norm", layers=4, low=1e-6, high=1)
    assert again.control.sketch == [1e-3, 1e-2, None, 1.0]  # what was drawn is shown again, and goes on
    again.button.click()
    assert again.value == [1e-3, 1e-2, None, 1.0]


@pytest.mark.parametrize("layers", [2, 10, 100])
def test_a_line_has_as_many_places_as_layers(layers):
    guess = predict.curve("the norm", layers=layers, low=1e-6, high=1)
    low, high = np.frombuffer(guess.control.numbers, np.float32)[:2]  # of the first axis
    assert np.floor(high + 1e-6) - np.ceil(low - 1e-6) + 1 == layers  # as canvas.js counts them


def test_a_line_of_another_length_is_not_drawn_again():
    guess = predict.curve("the norm", layers=3, low=0, high=1, log=False)
    guess.control.sketch = [0.1, 0.2, 0.3]
    guess.button.click()
    assert predict.curve("the norm", layers=4, low=0, high=1, log=False).control.sketch == []


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: predict.number("n", low=1, high=1), "low=1 and high=1"),
        (lambda: predict.number("n", low=0, high=1, log=True), "low=0 and high=1"),
        (lambda: predict.choice("c", ["yes", "yes"]), "two answers at least"),
        (lambda: predict.curve("c", layers=1, low=0, high=1), "layers=1"),
        (lambda: predict.curve("c", layers=3, low=1, high=1), "low=1"),
    ],
)
def test_a_question_without_room_for_an_answer_is_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_the_text_form_gives_nothing_away():
    guess = predict.number("length", low=0, high=1)
    committed(guess, 0.5)
    assert guess._repr_mimebundle_()["text/plain"] == "Predict: length"
