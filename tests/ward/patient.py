"""A patient: a network or a recorded run, and what a truthful clinic would say of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import cycle

SEVERITIES = ("severe", "mild")

# What follows from an illness by its nature. Naming it too is no false alarm; not naming it is no miss.
CONSEQUENCES = {
    "vanishing_signal": {"vanishing_gradient"},  # dW = hᵀ dz, and dz passes the same weights backwards
    "exploding_signal": {"exploding_gradient", "saturated_units", "non_finite_values"},
    "exploding_gradient": {"non_finite_values"},
    "vanishing_gradient": {"vanishing_signal"},  # what differs between examples fades along with it
    "saturated_units": {"vanishing_gradient"},
    "dead_units": {"vanishing_gradient", "vanishing_signal"},  # a dead unit hands on and hands back nothing
    "constant_inputs": {"vanishing_signal", "vanishing_gradient", "dead_units", "symmetric_weights"},
    "learning_rate_too_high": {"non_finite_values", "exploding_gradient", "dead_units"},
}


@dataclass(frozen=True, eq=False)
class Case:
    """A network with a batch; or a `Recording` and the loss of a guess, ln of the number of classes."""

    subject: object
    x: object = None
    y: object = None
    guess: float | None = None


@dataclass(frozen=True)
class Illness:
    """How bad it is, and where: all of `must` have to be named, and nothing outside `may`."""

    severity: str
    must: frozenset = frozenset()
    may: frozenset = frozenset()

    def fits(self, layers) -> bool:
        """Whether a finding's layers are the right ones; an illness of the inputs or the run has none."""
        named = set(layers)
        return self.must <= named <= self.may and bool(named) == bool(self.may)


@dataclass(frozen=True)
class Patient:
    """`expected` is a dict {code: Illness}; `accept` holds further codes that would be true of this one."""

    name: str
    build: Callable
    expected: dict = field(default_factory=dict)
    accept: frozenset = frozenset()
    half: str = "set"

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong here."""
        return not self.expected

    @property
    def allowed(self) -> set:
        """The codes that are no false alarm."""
        follows = (CONSEQUENCES.get(code, set()) for code in self.expected)
        return set(self.expected) | set(self.accept) | set().union(*follows)


def at(severity, *must, may=()):
    """Return an `Illness` that sits in the layers `must`, and perhaps in `may`."""
    return Illness(severity, frozenset(must), frozenset(must) | frozenset(may))


def within(severity, *layers):
    """Return an `Illness` that sits somewhere in these layers."""
    return Illness(severity, frozenset(), frozenset(layers))


def halved(first, *patients) -> list:
    """Return the patients in turn in the two halves, beginning with `first`; so it was fixed beforehand."""
    halves = cycle(("set", "hold") if first == "set" else ("hold", "set"))
    return [replace(patient, half=half) for patient, half in zip(patients, halves, strict=False)]
