"""Text pasted letter by letter: where it stands, and that a letter is drawn but once."""

import numpy as np
import pytest

from helpers.plots.quicktext import QuickText, letter
from helpers.plots.style import Picture


def columns_of(text, align):
    """Return the first and the last pixel column that the text darkens, on axes of 300 pixels."""
    picture = Picture((3, 1))
    axes = picture.add_axes([0, 0, 1, 1])
    axes.axis("off")
    QuickText(axes, 0.5, 0.5, align=align).set_text(text)
    picture.canvas.draw()
    dark = np.asarray(picture.canvas.buffer_rgba())[..., :3].min(axis=(0, 2)) < 200
    return np.flatnonzero(dark)[[0, -1]]


@pytest.mark.parametrize("text", ["o", "lower and lower"])
def test_centered_text_is_centered_and_left_text_begins_at_its_point(text):
    first, last = columns_of(text, "center")
    assert (first + last) / 2 == pytest.approx(150, abs=2)
    first, last = columns_of(text, "left")
    assert 150 <= first <= 152 < last


def test_a_letter_is_drawn_once():
    assert letter("a", 8, "#222222") is letter("a", 8, "#222222")
    assert letter("i", 8, "#222222").shape[1] < letter("m", 8, "#222222").shape[1]


def test_an_empty_text_draws_nothing():
    with pytest.raises(IndexError):
        columns_of("", "center")
