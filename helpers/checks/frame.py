"""The frame of every exercise check: it says why an answer is wrong and never raises on a learner's error.

A check is a function marked `@exercise`. It takes the learner's answer, asks for what it needs, and returns
one sentence on what a right answer has shown::

    @exercise
    def sigmoid_slope(answer):
        z = np.linspace(-5, 5, 11)
        s = sigmoid(z)
        close(call(answer, z), s * (1 - s), known=[(s, "that is σ(z) itself, not its slope")])
        return "your slope is σ(z)(1 − σ(z)) at eleven points, and never above 1/4."

Called in a notebook, `checks.sigmoid_slope(my_slope)` gives a Verdict, which the notebook shows, and keeps
for the progress page how far the learner is. `@exercise(hints=(…, …, …))` adds three hints in stages: a
question, the idea, nearly the code; `checks.sigmoid_slope.hint()` gives the next of them. A challenge returns
`Scored(message, score)`.
"""

import copy
import html
import inspect
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps

import numpy as np

from helpers.checks import learner

EMPTY = "replace the `...` with your own code, then run that cell and this one."
NOTHING_RETURNED = "your function returns nothing yet. Write its body, and end it with `return`."
WORDS = {"not attempted": "Not attempted yet", "not yet": "Not yet", "right": "Right"}
COLORS = {"not attempted": "#8c8c8c", "not yet": "#d55e00", "right": "#009e73"}  # Okabe and Ito (2008)
SHORT = 60  # characters of a value that a message quotes
FACTORS = {-1: "−1 times", 2: "2 times", 0.5: "half of", 4: "4 times", 0.25: "a quarter of"}


class NotYet(Exception):
    """The answer is wrong; the message says why."""


class NotAttempted(Exception):
    """There is no answer yet; the message says what to do."""


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check says: `status` is "not attempted", "not yet" or "right", `message` a sentence."""

    status: str
    message: str
    score: float | None = None

    @property
    def right(self) -> bool:
        """True where the answer is right."""
        return self.status == "right"

    def __repr__(self) -> str:
        return f"{WORDS[self.status]}: {self.message}"

    def _repr_html_(self) -> str:
        told = f"<b>{WORDS[self.status]}:</b> {html.escape(self.message)}"
        return boxed(told, COLORS[self.status])


def boxed(words, color) -> str:
    """Return HTML with a bar of a color to its left."""
    return f'<div style="border-left: 4px solid {color}; padding-left: 8px">{words}</div>'


class Scored(str):
    """The sentence on an answer to a challenge, with its score."""

    def __new__(cls, message, score):
        """Return the sentence; of the score the check says whether small or large is good."""
        said = super().__new__(cls, message)
        said.score = float(score)
        return said


@dataclass(frozen=True, repr=False)
class Hint:
    """One of an exercise's hints: which it is, of how many, and its words."""

    stage: int
    of: int
    words: str

    def __repr__(self):
        more = "" if self.stage == self.of else " Call it again for the next one."
        return f"Hint {self.stage} of {self.of}: {self.words}{more}"

    def _repr_html_(self) -> str:
        return boxed(html.escape(repr(self)), "#0072b2")


def exercise(check: Callable[..., str] | None = None, *, hints=()) -> Callable[..., Verdict]:
    """Turn a check into a function of the learner's answer (or answers) that returns a Verdict.

    It has a function `hint()`, which returns the next of `hints` at each call and the last one again after
    that. The check works on copies, so nothing it does reaches the learner's own arrays; NumPy's warnings are
    silenced, so that an overflow is reported in words and not on stderr. An answer that is None or `...` is
    not attempted yet. An error that a learner's answer sets off becomes "Not yet".
    """
    if check is None:
        return lambda check: exercise(check, hints=hints)

    @wraps(check)
    def judged(*answers) -> Verdict:
        verdict = _judged(check, answers)
        _keep(check, verdict)
        return verdict

    judged.hint = _hint_giver(hints)
    judged.is_exercise = True
    return judged


def _judged(check, answers) -> Verdict:
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            if any(is_empty(answer) for answer in answers):
                raise NotAttempted(EMPTY)
            message = check(*copy.deepcopy(answers))
            return Verdict("right", str(message), getattr(message, "score", None))
    except NotAttempted as reason:
        return Verdict("not attempted", str(reason))
    except NotYet as reason:
        return Verdict("not yet", str(reason))
    except Exception as error:
        return Verdict("not yet", f"the check cannot read your answer: {describe_error(error)}")


def _keep(check, verdict):
    """Keep how far the learner is: what was once right stays so, and the last score counts."""
    if verdict.status == "not attempted":
        return
    name = f"{check.__module__.rpartition('.')[2]}.{check.__name__}"
    known = learner.load("exercises").get(name, {"right": False, "tries": 0})
    entry = {"right": known["right"] or verdict.right, "tries": known["tries"] + 1}
    score = known.get("score") if verdict.score is None else verdict.score
    learner.keep("exercises", name, entry | ({} if score is None else {"score": score}))


def _hint_giver(hints):
    given = 0

    def hint() -> Hint:
        """Return the next hint: a question, then the idea, then nearly the code."""
        nonlocal given
        if not hints:
            raise ValueError("this exercise has no hints")
        given = min(given + 1, len(hints))
        return Hint(given, len(hints), hints[given - 1])

    return hint


def require(condition: bool, why: str) -> None:
    """Raise NotYet with the sentence `why` unless the condition holds."""
    if not condition:
        raise NotYet(why)


def call(function: Callable, *inputs):
    """Return what the learner's function gives for copies of the inputs.

    Raises NotYet where it is no function or raises, naming the error and the inputs; NotAttempted where it
    returns None or `...`, or raises NotImplementedError.
    """
    require(callable(function), f"a function is wanted here, and you gave {describe(function)}.")
    try:
        got = function(*copy.deepcopy(inputs))
    except NotImplementedError as error:
        raise NotAttempted(EMPTY) from error
    except Exception as error:
        where = _where(function, inputs)
        raise NotYet(f"your function raised {describe_error(error)}, for {where}.") from error
    if got is None:
        raise NotAttempted(NOTHING_RETURNED)
    if is_empty(got):
        raise NotAttempted(EMPTY)
    return got


def filled_in(answer, names, *, wholly=True) -> list:
    """Return which parts of a dict the learner has filled in, of those named, in their order.

    Raises NotYet where the answer is no dict, or has to be `wholly` filled in and is not, naming what is
    left; NotAttempted where nothing is.
    """
    require(isinstance(answer, dict), f"a dict is wanted, with {', '.join(map(repr, names))}.")
    filled = [name for name in names if not is_empty(answer.get(name))]
    if not filled:
        raise NotAttempted(EMPTY)
    left = [f'"{name}"' for name in names if name not in filled]
    verb = "is" if len(left) == 1 else "are"
    require(not (wholly and left), f"{', '.join(left)} {verb} not filled in yet.")
    return filled


def array(got, shape: tuple[int, ...] | None = None, what: str = "your answer") -> np.ndarray:
    """Return a copy of `got` as a float array, once it holds finite real numbers in the wanted shape.

    Raises NotYet otherwise, saying what it holds instead. `what` names the thing in the message.
    """
    values = _numbers(got, what)
    if shape is not None and values.shape != shape:
        hint = " Is it transposed?" if values.shape == shape[::-1] else ""
        raise NotYet(f"{what} has the shape {values.shape}, and {shape} is wanted.{hint}")
    _refuse(np.isnan(values), f"{what} holds NaN")
    _refuse(np.isinf(values), f"{what} holds an infinite number")
    return values


def close(got, expected, *, rtol=1e-6, atol=1e-12, what="your answer", known=()) -> np.ndarray:
    """Return `got` as an array, once |got − expected| ≤ atol + rtol·|expected| everywhere.

    Raises NotYet otherwise: with the hint of the first pair in `known` that fits (see `explain`), else with a
    factor that would put it right, else with the place where it differs most.
    """
    expected = np.asarray(expected, dtype=float)
    if not _same(got, expected, rtol, atol):  # where a known slip gives the right number, it is right
        explain(got, known, rtol=rtol, atol=atol)
    values = array(got, expected.shape, what)
    wrong = np.abs(values - expected) > atol + rtol * np.abs(expected)
    if wrong.any():
        raise NotYet(_difference(values, expected, wrong, what, max(rtol, 1e-6)))
    return values


def explain(got, known: Iterable[tuple], *inputs, rtol=1e-6, atol=1e-12) -> None:
    """Raise NotYet with the hint of the first known wrong answer that `got` equals.

    `known` holds pairs (wrong, hint); a `wrong` that is a function is called with the inputs first. An answer
    of another shape or kind simply does not fit.
    """
    for wrong, hint in known:
        value = wrong(*copy.deepcopy(inputs)) if callable(wrong) else wrong
        if _same(got, value, rtol, atol):
            raise NotYet(hint)


def still_broken(got, broken, symptom: str, *, rtol=1e-6, atol=1e-12) -> None:
    """Raise NotAttempted with the symptom where a function to be mended still gives what the broken one gave.

    For exercises whose stub holds a bug: there an untouched stub returns something, and it is no answer yet.
    """
    if _same(got, broken, rtol, atol):
        raise NotAttempted(f"still the bug: {symptom}")


def one_of(answer, right, whys: dict) -> None:
    """Accept one choice of several; raise NotYet with `whys[answer]` for a wrong one.

    Texts are compared without regard to case and outer blanks. An answer that is no choice is told what is.
    """
    if _folded(answer) == _folded(right):
        return
    choices = ", ".join(sorted(repr(choice) for choice in {right, *whys}))
    otherwise = f"{describe(answer)} is none of the choices: {choices}."
    raise NotYet(next((why for wrong, why in whys.items() if _folded(wrong) == _folded(answer)), otherwise))


def is_empty(answer) -> bool:
    """Say whether an answer, or any part of a tuple or list, is None or `...`."""
    if isinstance(answer, tuple | list):
        return any(is_empty(part) for part in answer)
    return answer is None or answer is ...


def describe(value) -> str:
    """Return a few words for a value: its kind and size for an array, else the value itself, cut short."""
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    kind = type(value).__name__
    if callable(value):
        return f"the {kind} {getattr(value, '__name__', '')}".rstrip()
    text = f"{value:.6g}" if isinstance(value, float | np.floating) else repr(value)
    return f"{text if len(text) <= SHORT else text[:SHORT] + '…'} ({kind})"


def describe_error(error: Exception) -> str:
    """Return the kind and the first line of an error's message."""
    message = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _where(function: Callable, inputs: tuple) -> str:
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some built-in functions have no signature
        names = []
    names += [f"input {k}" for k in range(len(names) + 1, len(inputs) + 1)]
    pairs = zip(names, inputs, strict=False)
    return ", ".join(f"{name} = {describe(value).removesuffix(_kind(value))}" for name, value in pairs)


def _kind(value) -> str:
    return f" ({type(value).__name__})"


def _numbers(got, what: str) -> np.ndarray:
    require(not callable(got), f"{what} is {describe(got)}; a number or an array is wanted.")
    try:
        values = np.array(got)
    except ValueError as error:
        raise NotYet(f"{what} has rows of different lengths, which make no array.") from error
    if values.dtype.kind == "c":
        raise NotYet(f"{what} holds complex numbers; real ones are wanted.")
    if values.dtype.kind not in "iuf":
        raise NotYet(f"{what} is {describe(got)}; numbers are wanted.")
    return values.astype(float)


def _refuse(bad: np.ndarray, why: str) -> None:
    if bad.any():
        place = f", first at {_index(np.argmax(bad), bad.shape)}"
        raise NotYet(f"{why} in {bad.sum()} of {bad.size} places{place}." if bad.ndim else f"{why}.")


def _index(flat: int, shape: tuple[int, ...]) -> str:
    place = [int(i) for i in np.unravel_index(flat, shape)]
    return f"index {place[0] if len(place) == 1 else tuple(place)}"


def _difference(values, expected, wrong, what, rtol) -> str:
    for factor, words in FACTORS.items():
        if np.allclose(values, factor * expected, rtol=rtol, atol=0) and np.any(expected):
            return f"{what} is {words} what is wanted{' everywhere' if values.ndim else ''}."
    worst = int(np.argmax(np.abs(values - expected)))
    got, wanted = values.flat[worst], expected.flat[worst]
    if not values.ndim:
        return f"{what} is {got:.6g}, and {wanted:.6g} is wanted."
    count = f"{wrong.sum()} of {wrong.size} values of {what} are off"
    return f"{count}, most at {_index(worst, wrong.shape)}: {got:.6g}, where {wanted:.6g} is wanted."


def _same(got, wrong, rtol: float, atol: float) -> bool:
    try:
        ours, theirs = np.asarray(wrong, dtype=float), np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        return False
    return ours.shape == theirs.shape and np.allclose(theirs, ours, rtol=rtol, atol=atol, equal_nan=True)


def _folded(choice):
    return choice.strip().casefold() if isinstance(choice, str) else choice
