"""Controls that several labs share, with the same choices in each."""

from helpers.labs import live
from helpers.numerics.activations import ACTIVATIONS
from helpers.numerics.initializers import INITIALIZERS

_TENTHS = tuple(k / 10 for k in range(1, 15))
GAINS = (
    0,
    0.01,
    0.03,
    *_TENTHS,
    2**0.5,
    1.5,
    5 / 3,
    1.8,
    2,
    2.2,
    2.5,
    3,
    4,
    5,
    7,
    10,
    15,
    20,
    30,
    50,
    70,
    100,
)


def activation(value, label="activation", also=()):
    """Return a list of all activations, with `value` chosen; `also` are further choices before them."""
    entries = [(entry.label, name) for name, entry in ACTIVATIONS.items()]
    return live.choice(label, [*((text, text) for text in also), *entries], value)


def initializer(value, label="initialization"):
    """Return a list of all initializations, with `value` chosen."""
    return live.choice(label, [(entry.label, name) for name, entry in INITIALIZERS.items()], value)


def gain(value=1, label="gain"):
    """Return a slider over the factors that multiply every weight: from 0 to 100, in small steps around 1."""
    return live.steps(label, GAINS, value)
