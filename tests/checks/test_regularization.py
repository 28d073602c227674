"""The checks of lesson 09: right answers pass, each known slip is met with its own reason."""

import numpy as np
import pytest

from helpers.checks import regularization as checks
from helpers.numerics import penalties as reg


def step(W, dW, rate, strength):
    return W - rate * (dW + 2 * strength * W)


def soft(W, amount):
    return np.sign(W) * np.maximum(np.abs(W) - amount, 0)


def drop(values, kept, rate):
    return values * kept / (1 - rate)


def average(run, draws, *, ddof=0):
    outputs = np.stack([run() for _ in range(draws)])
    return outputs.mean(axis=0), outputs.std(axis=0, ddof=ddof) / np.sqrt(draws)


def mean_by(formula):
    """An answer whose mean is a formula of the outputs, and whose error is right."""

    def answer(run, draws):
        outputs = np.stack([run() for _ in range(draws)])
        return formula(outputs), outputs.std(axis=0) / np.sqrt(draws)

    return answer


def error_by(formula):
    """An answer whose mean is right, and whose error is a formula of the outputs and their number."""

    def answer(run, draws):
        outputs = np.stack([run() for _ in range(draws)])
        return outputs.mean(axis=0), formula(outputs, draws)

    return answer


RIGHT = [
    (checks.l2_step, [step]),
    (checks.l2_step, [lambda W, dW, r, s: (1 - 2 * r * s) * W - r * dW]),
    (checks.l2_step, [lambda W, dW, r, s: W - r * dW - r * reg.L2(s).gradient(W)]),
    (checks.soft_threshold, [soft]),
    (checks.soft_threshold, [lambda W, a: W - np.clip(W, -a, a)]),
    (checks.inverted_dropout, [drop, drop]),
    (checks.inverted_dropout, [lambda h, k, r: np.where(k, h / (1 - r), 0), drop]),
    (checks.monte_carlo, [average]),
    (checks.monte_carlo, [lambda run, n: average(run, n, ddof=1)]),
    (checks.monte_carlo, [lambda run, n: list(average(run, n))]),
]

WRONG = [
    (checks.l2_step, [lambda W, d, r, s: W - r * d], "penalty is missing"),
    (checks.l2_step, [lambda W, d, r, s: W - r * (d + s * W)], "another convention"),
    (checks.l2_step, [lambda W, d, r, s: W - r * d - 2 * s * W], "times the rate too"),
    (checks.l2_step, [lambda W, d, r, s: W - r * d - s * W], "multiplied by the rate too"),
    (checks.l2_step, [lambda W, d, r, s: W + r * (d + 2 * s * W)], "uphill"),
    (checks.l2_step, [lambda W, d, r, s: W - r * (d - 2 * s * W)], "weights grow"),
    (checks.l2_step, [lambda W, d, r, s: W - r * (d + s * np.sign(W))], "that is L1"),
    (checks.l2_step, [lambda W, d, r, s: W - r * (d + s * np.sum(W**2))], "the penalty itself"),
    (checks.l2_step, [lambda W, d, r, s: W - r * (d + s * W**2)], "not its gradient"),
    (checks.l2_step, [lambda W, d, r, s: r * (d + 2 * s * W)], "the step alone"),
    (checks.l2_step, [lambda W, d, r, s: (1 - 2 * r * s) * (W - r * d)], "dW shrinks too"),
    (checks.l2_step, [lambda W, d, r, s: step(W, d, r, s) + (0 if d.any() else 1)], "for dW = 0"),
    (checks.l2_step, [lambda W, d, r, s: step(W, d, r, s) + 1], "values of your W"),
    (checks.soft_threshold, [lambda W, a: W], "nothing has moved"),
    (checks.soft_threshold, [lambda W, a: np.where(np.abs(W) > a, W, 0)], "hard threshold"),
    (checks.soft_threshold, [lambda W, a: W - a * np.sign(W)], "crossed 0"),
    (checks.soft_threshold, [lambda W, a: np.maximum(W - a, 0)], "negative weights are gone"),
    (checks.soft_threshold, [lambda W, a: W - a], "moved down"),
    (checks.soft_threshold, [lambda W, a: np.maximum(np.abs(W) - a, 0)], "signs are lost"),
    (checks.soft_threshold, [lambda W, a: W * (1 - a)], "by a share"),
    (checks.soft_threshold, [lambda W, a: np.clip(W, -a, a)], "cuts off the large ones"),
    (checks.soft_threshold, [lambda W, a: soft(W, a) if a else W + 1], "for amount = 0"),
    (checks.inverted_dropout, [lambda h, k, r: h * k, drop], "vanilla dropout: the mean"),
    (checks.inverted_dropout, [drop, lambda d, k, r: d * k], "must match the way forward"),
    (checks.inverted_dropout, [lambda h, k, r: h / (1 - r), drop], "mask is missing: the output"),
    (checks.inverted_dropout, [drop, lambda d, k, r: d / (1 - r)], "mask is missing: the gradient"),
    (checks.inverted_dropout, [lambda h, k, r: h, drop], "nothing has happened"),
    (checks.inverted_dropout, [lambda h, k, r: h * ~k / (1 - r), drop], "upside down"),
    (checks.inverted_dropout, [lambda h, k, r: h * k / r, drop], "divided by the rate"),
    (checks.inverted_dropout, [lambda h, k, r: h * k * (1 - r), drop], "so divide"),
    (checks.inverted_dropout, [drop, lambda d, k, r: d * k / (1 - r) ** 2], "divided twice"),
    (checks.inverted_dropout, [drop, lambda d, k, r: k / (1 - r)], "values are missing in your gradient"),
    (checks.inverted_dropout, [lambda h, k, r: np.where(k, h / (1 - r), h), drop], "0 is wanted"),
    (checks.inverted_dropout, [lambda h, k, r: drop(h, k, r).T, drop], "transposed"),
    (checks.monte_carlo, [lambda run, n: average(run, n)[0]], "a pair is wanted"),
    (checks.monte_carlo, [lambda run, n: (run(), run())], "40 draws were asked for"),
    (checks.monte_carlo, [lambda run, n: (run(), 0)], "called once"),
    (checks.monte_carlo, [mean_by(lambda o: o.sum(axis=0))], "this is the sum"),
    (checks.monte_carlo, [mean_by(np.mean)], "one number for all"),
    (checks.monte_carlo, [mean_by(lambda o: o.mean(axis=1))], "over its entries"),
    (checks.monte_carlo, [mean_by(lambda o: np.median(o, axis=0))], "the median"),
    (checks.monte_carlo, [mean_by(lambda o: o[-1])], "last pass"),
    (checks.monte_carlo, [mean_by(lambda o: o[0])], "first pass"),
    (checks.monte_carlo, [error_by(lambda o, n: o.std(axis=0))], "how far one pass lies"),
    (checks.monte_carlo, [error_by(lambda o, n: o.std(axis=0, ddof=1))], "spread of single passes"),
    (checks.monte_carlo, [error_by(lambda o, n: o.std(axis=0) / n)], "not by draws"),
    (checks.monte_carlo, [error_by(lambda o, n: o.var(axis=0) / n)], "variance of the mean"),
    (checks.monte_carlo, [error_by(lambda o, n: o.var(axis=0))], "variance of one pass"),
    (checks.monte_carlo, [error_by(lambda o, n: o.var(axis=0) / np.sqrt(n))], "you took the variance"),
    (checks.monte_carlo, [error_by(lambda o, n: o.std(axis=0) * np.sqrt(n))], "make the error smaller"),
    (checks.monte_carlo, [error_by(lambda o, n: o.std() / np.sqrt(n))], "every entry has its own error"),
]


@pytest.mark.parametrize(("check", "answers"), RIGHT)
def test_right_answers_pass(check, answers):
    verdict = check(*answers)
    assert verdict.right, verdict


@pytest.mark.parametrize(("check", "answers", "why"), WRONG)
def test_wrong_answers_are_told_why(check, answers, why):
    verdict = check(*answers)
    assert verdict.status == "not yet", verdict
    assert why in verdict.message
