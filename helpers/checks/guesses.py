"""Guesses: compared with what was measured, in words; kept for the learner; counted at a lesson's end."""

import html
from dataclasses import dataclass, field

import numpy as np

from helpers.checks import learner
from helpers.checks.frame import boxed

CLOSE = 2.0  # a guess within this factor of the measured one is close
TEXT = {
    "none": "You made no guess here. Measured: {measured}.",
    "close": "You said {guess}, measured {measured}: close.",
    "more": "You said {guess}, measured {measured}: {factor} too large.",
    "less": "You said {guess}, measured {measured}: {factor} too small.",
    "side": "You said {guess}, measured {measured}: on the other side of zero.",
    "zero": "You said {guess}, measured {measured}.",
    "right": "You said “{guess}”, and so it is.",
    "wrong": "You said “{guess}”. It is “{measured}”.",
    "no choice": "You made no guess here. It is “{measured}”.",
    "curve": "Your line lies within a factor of 2 at {close} of {all} places; {where}.",
    "flat curve": "Your line lies near what was measured at {close} of {all} places; {where}.",
    "no curve": "You drew no line here.",
}

WHERE = {
    "close": "you saw it coming",
    "more": "on the whole it is too high",
    "less": "on the whole it is too low",
}


@dataclass(repr=False)
class Guess:
    """A question and what the learner answered: `value` is None until there is an answer.

    `kind` is "number", "choice" or "curve"; a curve's value is one number per place, None where nothing was
    drawn.
    """

    question: str
    kind: str
    value: object = None
    lesson: str = field(default_factory=learner.lesson)

    def __post_init__(self):
        kept = learner.load("guesses").get(self.name)
        if kept is not None and self.value is None:
            self.value = kept["value"]

    @property
    def name(self) -> str:
        """Under what it is kept."""
        return f"{self.lesson} {self.question}".strip()

    def commit(self, value) -> None:
        """Keep an answer, in place of an earlier one; how the first one went stays, once it was told."""
        self.value = value
        self._keep(self._counted())

    def reveal(self, measured) -> "Told":
        """Compare the guess with what was measured, keep how it went, and return it in words."""
        told = COMPARE[self.kind](self.value, measured)
        if self.value is not None:
            self._keep(self._counted() or told.outcome)
        return told

    def _counted(self):
        """How the first compared answer went, or None: whoever has seen the result no longer guesses."""
        return learner.load("guesses").get(self.name, {}).get("outcome")

    def _keep(self, outcome):
        entry = {"kind": self.kind, "lesson": self.lesson, "value": self.value}
        learner.keep("guesses", self.name, entry | ({"outcome": outcome} if outcome else {}))

    def __repr__(self):
        return f"Guess: {self.question} {'not made yet' if self.value is None else self.value}"


@dataclass(frozen=True, repr=False)
class Told:
    """How a guess went, in words; `outcome` is none, close, more, less, side, right or wrong."""

    outcome: str
    words: str

    def __repr__(self):
        return self.words

    def _repr_html_(self):
        return boxed(html.escape(self.words), "#b5578e")


def compare_number(guess, measured) -> Told:
    """Compare two numbers by their ratio."""
    measured = float(measured)
    told = {"measured": short(measured)}
    if guess is None:
        return Told("none", TEXT["none"].format(**told))
    told["guess"] = short(guess)
    if guess == 0 or measured == 0:
        return Told("close" if guess == measured else "side", TEXT["zero"].format(**told))
    if guess * measured < 0:
        return Told("side", TEXT["side"].format(**told))
    ratio = guess / measured
    outcome = "close" if 1 / CLOSE <= ratio <= CLOSE else "more" if abs(ratio) > 1 else "less"
    return Told(outcome, TEXT[outcome].format(**told, factor=factor_in_words(max(ratio, 1 / ratio))))


def compare_choice(guess, measured) -> Told:
    """Compare two choices."""
    if guess is None:
        return Told("none", TEXT["no choice"].format(measured=measured))
    outcome = "right" if guess == measured else "wrong"
    return Told(outcome, TEXT[outcome].format(guess=guess, measured=measured))


def compare_curve(guess, measured) -> Told:
    """Compare a line with the measured one at each place: by ratio, or where signs mix by distance."""
    if guess is None or all(value is None for value in guess):
        return Told("none", TEXT["no curve"])
    drawn = np.array([np.nan if value is None else value for value in guess], float)
    measured = np.asarray(measured, float)
    if drawn.shape != measured.shape:
        raise ValueError(f"the guess has {drawn.size} places, what was measured {measured.size}")
    by_ratio = bool((measured > 0).all() and (drawn[np.isfinite(drawn)] > 0).all())
    if by_ratio:
        off = np.log(drawn / measured) / np.log(CLOSE)
    else:
        off = (drawn - measured) / (0.1 * max(np.ptp(measured), 1e-12))
    close = int((np.abs(off) <= 1).sum())
    outcome = "close" if close > drawn.size / 2 else "more" if np.nanmean(off) > 0 else "less"
    said = TEXT["curve" if by_ratio else "flat curve"]
    return Told(outcome, said.format(close=close, all=drawn.size, where=WHERE[outcome]))


COMPARE = {"number": compare_number, "choice": compare_choice, "curve": compare_curve}


def tally(lesson=None) -> "Tally":
    """Return how the guesses of a lesson (all, for None) went, and what one tends to get wrong."""
    kept = learner.load("guesses").values()
    chosen = [entry for entry in kept if lesson is None or entry["lesson"] == lesson]
    return Tally([entry.get("outcome") for entry in chosen])


@dataclass(frozen=True, repr=False)
class Tally:
    """How guesses went: one outcome for each, None for one that was not compared yet."""

    outcomes: list

    def __repr__(self):
        compared = [outcome for outcome in self.outcomes if outcome not in (None, "none")]
        if not compared:
            return "You have made no guess in this lesson yet. A wrong guess teaches more than none."
        good = sum(outcome in ("close", "right") for outcome in compared)
        if len(compared) == 1:
            return f"Your one guess was {'close or right' if good else 'off: there you learned most'}."
        tend = {name: compared.count(name) for name in ("more", "less")}
        often = max(tend, key=tend.get)
        lean = ""
        if tend[often] >= 2 and tend[often] > 2 * min(tend.values()):
            lean = f" You tend to guess too {'large' if often == 'more' else 'small'}: {tend[often]} times."
        verb = "was" if good == 1 else "were"
        return f"{good or 'None'} of your {len(compared)} guesses {verb} close or right.{lean}"

    def _repr_html_(self):
        return boxed(html.escape(repr(self)), "#b5578e")


def short(value) -> str:
    """Return a number in two or three digits: 0.23, 1e-6, 500."""
    text = f"{float(value):.2g}" if abs(value) < 1 else f"{float(value):.3g}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else text


def factor_in_words(factor) -> str:
    """Return "3 times", "500 times" or "10^12 times", in one digit or as a power."""
    if factor < 10:
        return f"{factor:.2g} times"
    power = int(np.floor(np.log10(factor)))
    if power >= 6:
        return f"10^{round(np.log10(factor))} times"
    return f"{round(factor, -power):,.0f} times"
