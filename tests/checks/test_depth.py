"""The checks of lesson 08: right answers pass, each known slip is met with its own reason."""

import numpy as np
import pytest

from helpers.checks import depth as checks


def schedule(step, steps, peak, warm_up, down=lambda t: (1 + np.cos(np.pi * t)) / 2):
    rising = warm_up * steps
    if step < rising:
        return peak * step / rising
    return peak * down((step - rising) / (steps - rising))


def cosine_from_the_start(step, steps, peak, warm_up):
    if step < warm_up * steps:
        return peak * step / (warm_up * steps)
    return peak * (1 + np.cos(np.pi * step / steps)) / 2


def over_all_steps(step, steps, peak, warm_up):
    rising = warm_up * steps
    if step < rising:
        return peak * step / rising
    return peak * (1 + np.cos(np.pi * (step - rising) / steps)) / 2


def ratio(W, dW, rate):
    return np.log10(rate * np.linalg.norm(dW) / np.linalg.norm(W))


DIAGNOSIS = {"A": "initialization", "B": "inputs", "C": "skip", "D": "dropout"}

RIGHT = [
    (checks.gradient_growth, lambda square, layers: square ** (layers / 2)),
    (checks.gradient_growth, lambda square, layers: np.sqrt(np.prod([square] * layers))),
    (checks.warm_up_cosine, schedule),
    (checks.update_ratio, ratio),
    (checks.update_ratio, lambda W, dW, rate: np.log10(np.sqrt(np.sum((rate * dW) ** 2) / np.sum(W**2)))),
    (checks.diagnosis, DIAGNOSIS),
    (checks.diagnosis, {name: f" {word.upper()} " for name, word in DIAGNOSIS.items()}),
]

WRONG = [
    (checks.gradient_growth, lambda square, layers: square**layers, "on the mean square"),
    (checks.gradient_growth, lambda square, layers: square ** (layers / 4), "root was taken twice"),
    (checks.gradient_growth, lambda square, layers: square ** (-layers / 2), "inverse"),
    (checks.gradient_growth, lambda square, layers: 1 + layers * (square - 1), "don't add"),
    (checks.gradient_growth, lambda square, layers: np.sqrt(square) * layers, "times the depth"),
    (checks.gradient_growth, lambda square, layers: np.sqrt(square), "factor of one layer"),
    (checks.gradient_growth, lambda square, layers: np.sqrt(square) ** (layers - 1), "one layer is missing"),
    (checks.gradient_growth, lambda square, layers: 32.0, "is wanted"),
    (checks.warm_up_cosine, lambda *a: schedule(*a[:3], 0.0) if a[3] else 0.5, "no warm-up"),
    (checks.warm_up_cosine, lambda *a: schedule(*a, down=lambda t: 1), "rises and then stays"),
    (checks.warm_up_cosine, lambda *a: schedule(*a, down=lambda t: 1 - t), "straight line"),
    (checks.warm_up_cosine, cosine_from_the_start, "jumps"),
    (checks.warm_up_cosine, over_all_steps, "does not reach 0"),
    (checks.warm_up_cosine, lambda *a: schedule(*a, down=lambda t: np.cos(np.pi * t)), "from 1 to −1"),
    (checks.warm_up_cosine, lambda *a: schedule(*a, down=lambda t: np.cos(np.pi / 2 * t)), "quarter"),
    (checks.warm_up_cosine, lambda *a: schedule(*a, down=lambda t: (1 + np.cos(6.283185307179586 * t)) / 2),
     "whole cosine"),
    (checks.warm_up_cosine, lambda *a: schedule(*a, down=lambda t: (1 + np.cos(180 * t)) / 2), "radians"),
    (checks.warm_up_cosine, lambda *a: 2 * schedule(*a), "2 times"),
    (checks.update_ratio, lambda W, dW, rate: 10 ** ratio(W, dW, rate), "the ratio itself"),
    (checks.update_ratio, lambda W, dW, rate: np.log(10) * ratio(W, dW, rate), "natural logarithm"),
    (checks.update_ratio, lambda W, dW, rate: ratio(W, dW, 1), "learning rate in it"),
    (checks.update_ratio, lambda W, dW, rate: -ratio(W, dW, rate), "upside down"),
    (checks.update_ratio, lambda W, dW, rate: 2 * ratio(W, dW, rate), "sums of squares"),
    (checks.update_ratio, lambda W, dW, rate: np.log10(np.linalg.norm(rate * dW)), "forgot to divide"),
    (checks.update_ratio, lambda W, dW, rate: np.log10(np.mean(abs(rate * dW / W))), "entry by entry"),
    (checks.update_ratio, lambda W, dW, rate: ratio(W - rate * dW, dW, rate), "after the update"),
    (checks.update_ratio, lambda W, dW, rate: np.log10(rate * dW.std() / W.std()), "leave the mean out"),
    (checks.update_ratio, lambda W, dW, rate: np.log10(abs(rate * dW.sum() / W.sum())), "cancel"),
    (checks.diagnosis, DIAGNOSIS | {"A": "skip"}, "A's variance grows slowly"),
    (checks.diagnosis, DIAGNOSIS | {"B": "initialization"}, "B begins far off"),
    (checks.diagnosis, DIAGNOSIS | {"C": "dropout"}, "C's mean and variance grow by a factor"),
    (checks.diagnosis, DIAGNOSIS | {"D": "none"}, "D settles, but not"),
    (checks.diagnosis, DIAGNOSIS | {"D": "depth"}, "none of the choices"),
    (checks.diagnosis, DIAGNOSIS | {"D": ...}, "no answer for D"),
    (checks.diagnosis, {"A": "skip"}, "no answer for B, C, D"),
    (checks.diagnosis, "skip", "a dict is wanted"),
]  # fmt: skip

NOT_ATTEMPTED = [
    (checks.gradient_growth, lambda square, layers: None),
    (checks.warm_up_cosine, lambda *a: ...),
    (checks.update_ratio, ...),
    (checks.diagnosis, dict.fromkeys(DIAGNOSIS, ...)),
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_right(check, answer):
    verdict = check(answer)
    assert verdict.right, verdict


@pytest.mark.parametrize(("check", "answer", "why"), WRONG)
def test_wrong(check, answer, why):
    verdict = check(answer)
    assert verdict.status == "not yet"
    assert why in verdict.message


@pytest.mark.parametrize(("check", "answer"), NOT_ATTEMPTED)
def test_not_attempted(check, answer):
    assert check(answer).status == "not attempted"
