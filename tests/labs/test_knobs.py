"""Controls that labs share: they offer what the numerics have."""

import pytest
from traitlets import TraitError

from helpers.labs import knobs
from helpers.numerics.activations import ACTIVATIONS
from helpers.numerics.initializers import INITIALIZERS


def values(widget):
    return [value for _, value in widget.options]


def test_every_activation_and_initialization_can_be_chosen():
    assert values(knobs.activation("tanh")) == list(ACTIVATIONS)
    assert values(knobs.activation("tanh", also=["none"])) == ["none", *ACTIVATIONS]
    assert values(knobs.initializer("he_normal")) == list(INITIALIZERS)


def test_gains_rise_from_0_to_100_and_have_the_theoretical_ones():
    gains = values(knobs.gain())
    assert gains == sorted(gains)
    assert (gains[0], gains[-1]) == (0, 100)
    for gain in (1, 2**0.5, 5 / 3):
        assert gain in gains
        assert knobs.gain(gain).value == pytest.approx(gain)


def test_what_is_not_offered_is_refused():
    with pytest.raises(TraitError, match="Invalid selection"):
        knobs.activation("swoosh")
