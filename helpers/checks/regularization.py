"""Checks of lesson 09: a step with L2, the soft threshold, inverted dropout both ways, a Monte Carlo mean."""

import numpy as np

from helpers.checks.frame import array, call, close, exercise, explain, require
from helpers.numerics import penalties as reg

RATE = 0.2  # not 0.5, where the rate and its complement are the same


@exercise
def l2_step(answer):
    """Check `l2_step(W, dW, learning_rate, strength)`: the weights after one step on loss and penalty."""
    rng = np.random.default_rng(0)
    W, dW = rng.standard_normal((2, 3, 4))
    got = call(answer, W, dW, 0.1, 0.7)
    explain(got, _wrong_steps(W, dW, 0.1, 0.7))
    close(got, W - 0.1 * (dW + reg.L2(0.7).gradient(W)), what="your W")
    left = call(answer, W, np.zeros_like(W), 0.1, 0.7)
    close(left, 0.86 * W, what="your W for dW = 0")
    return (
        "where the loss has no slope, every weight keeps the same share: 1 − 2 · 0.1 · 0.7 = 0.86 of itself."
    )


def _wrong_steps(W, dW, rate, strength):
    return [
        (W - rate * dW, "the penalty is missing: its gradient, 2 λ W, is added to dW."),
        (
            W - rate * (dW + strength * W),
            "this is the gradient of λ/2 · Σ W², another convention. Here the penalty is λ Σ W².",
        ),
        (W - rate * dW - 2 * strength * W, "the penalty's gradient is part of the step: times the rate too."),
        (W - rate * dW - strength * W, "the penalty's gradient is 2 λ W, and multiplied by the rate too."),
        (W + rate * (dW + 2 * strength * W), "uphill: the step is subtracted."),
        (W - rate * (dW - 2 * strength * W), "this makes the weights grow: the penalty's gradient is added."),
        (
            W - rate * (dW + strength * np.sign(W)),
            "that is L1, with λ sign(W). L2's gradient is in proportion to W.",
        ),
        (
            W - rate * (dW + strength * np.sum(W**2)),
            "you added the penalty itself; descent needs its gradient, one number for each weight.",
        ),
        (W - rate * (dW + strength * W**2), "that is the penalty of each weight, not its gradient, 2 λ W."),
        (rate * (dW + 2 * strength * W), "this is the step alone: W minus it is wanted."),
        (
            (1 - 2 * rate * strength) * (W - rate * dW),
            "here dW shrinks too: decay W alone, then subtract η dW.",
        ),
    ]


@exercise
def soft_threshold(answer):
    """Check `soft_threshold(W, amount)`: every weight moved toward 0, but not across."""
    W = np.array([[2.0, 0.5, 0.2], [0.0, -0.3, -3.0]])
    got = call(answer, W, 0.4)
    explain(got, _wrong_thresholds(W, 0.4))
    close(got, reg.soft_threshold(W, 0.4), what="your W")
    close(call(answer, W, 0.0), W, what="your W for amount = 0")
    return "small weights are exactly 0, large ones lose the amount, on both sides of 0."


def _wrong_thresholds(W, amount):
    size, sign = np.abs(W), np.sign(W)
    return [
        (W, "nothing has moved."),
        (
            np.where(size > amount, W, 0),
            "the small ones are 0, but the large ones have not moved. That is a hard threshold; here "
            "every weight loses the amount.",
        ),
        (sign * (size - amount), "small weights have crossed 0: their size must stop there, at 0."),
        (W - amount * sign, "small weights have crossed 0: stop them there."),
        (
            np.maximum(W - amount, 0),
            "negative weights are gone: they move up, toward 0. Treat sign and size apart.",
        ),
        (W - amount, "every weight moved down. Negative ones must move up, toward 0."),
        (np.maximum(size - amount, 0), "the signs are lost: multiply the new size by the old sign."),
        (sign * np.maximum(size - amount, amount), "the size stops at 0, not at the amount."),
        (W * (1 - amount), "that is decay by a share, as under L2; here each loses the same amount."),
        (np.clip(W, -amount, amount), "this cuts off the large ones. Keep what is left above the amount."),
    ]


@exercise
def inverted_dropout(forward, backward):
    """Check `inverted_dropout(h, kept, rate)` and `inverted_dropout_dh(dout, kept, rate)`."""
    rng = np.random.default_rng(1)
    h, dout, kept = *(1 + rng.random((2, 3, 4))), rng.random((3, 4)) >= RATE
    kept[0, :2] = True, False  # of both kinds, whatever is drawn
    for answer, values, name in ((forward, h, "output"), (backward, dout, "gradient")):
        got = call(answer, values, kept, RATE)
        explain(got, _wrong_masks(values, kept, name))
        close(got, values * kept / (1 - RATE), what=f"your {name}")
    return (
        "both ways the same: 0 where a unit is off, and 1 / (1 − rate) = 1.25 times as much where it is on."
    )


def _wrong_masks(values, kept, name):
    off, keep = ~kept, 1 - RATE
    mean = "the mean no longer stays" if name == "output" else "the way back must match the way forward"
    return [
        (
            values * kept,
            f"this is vanilla dropout: {mean}. Inverted dropout divides by 1 − rate.",
        ),
        (values / keep, f"the mask is missing: the {name} is 0 where a unit is off."),
        (values, "neither mask nor factor: nothing has happened."),
        (values * off / keep, "upside down: `kept` is True where the unit is on."),
        (
            values * off / RATE,
            "upside down: `kept` is True where the unit is on, with the probability 1 − rate.",
        ),
        (values * kept / RATE, "you divided by the rate. A unit is on with the probability 1 − rate."),
        (values * kept * keep, "you multiplied by 1 − rate: what is on must grow, so divide."),
        (values * kept * RATE, "divide by 1 − rate; here it is multiplied by the rate."),
        (values * kept / keep**2, "divided twice: the factor of the way forward occurs once."),
        (kept / keep, f"this is the mask with its factor: the values are missing in your {name}."),
        (np.where(kept, values / keep, values), "where a unit is off, 0 is wanted."),
    ]


@exercise
def monte_carlo(answer):
    """Check `monte_carlo(run, draws)`: the mean of some passes and its standard error."""
    rng, drawn = np.random.default_rng(2), []

    def run():
        drawn.append(rng.standard_normal(5) + np.arange(5))
        return drawn[-1].copy()

    got = call(answer, run, 40)
    require(isinstance(got, tuple | list) and len(got) == 2, "a pair is wanted: (mean, standard error).")
    require(len(drawn) > 1, "run() was called once: every pass needs a call of its own, for a new mask.")
    require(len(drawn) == 40, f"run() was called {len(drawn)} times; {40} draws were asked for.")
    mean, error = array(got[0], what="your mean"), array(got[1], what="your standard error")
    explain(mean, _wrong_means(np.array(drawn)))
    close(mean, np.mean(drawn, axis=0), what="your mean")
    unbiased = np.std(drawn, axis=0, ddof=1) / np.sqrt(40)
    if error.shape == unbiased.shape and np.allclose(error, unbiased):
        return _praise("divided by draws − 1, as statisticians do")
    explain(error, _wrong_errors(np.array(drawn)))
    close(error, np.std(drawn, axis=0) / np.sqrt(40), what="your standard error")
    return _praise("with the plain standard deviation")


def _praise(how):
    return f"the error is taken {how}; four times as many draws halve it."


def _wrong_means(drawn):
    return [
        (drawn.sum(axis=0), "this is the sum: divide by the number of draws."),
        (np.mean(drawn), "this is one number for all; average over the draws alone, axis 0."),
        (drawn.mean(axis=1), "you averaged each output over its entries; average over the draws, axis 0."),
        (np.median(drawn, axis=0), "this is the median; the mean over the draws is wanted."),
        (drawn[-1], "this is the last pass alone."),
        (drawn[0], "this is the first pass alone."),
    ]


def _wrong_errors(drawn):
    std, n = drawn.std(axis=0), len(drawn)
    return [
        (
            std,
            "this is how far one pass lies from the mean; the mean of many is steadier. Divide by √draws.",
        ),
        (drawn.std(axis=0, ddof=1), "this is the spread of single passes: divide by the root of draws."),
        (std / n, "divide by the root of draws, not by draws: errors of both signs partly cancel."),
        (std**2 / n, "this is the variance of the mean: take its root."),
        (std**2, "this is the variance of one pass: take the root, and divide by the root of draws."),
        (
            std**2 / np.sqrt(n),
            "you took the variance; the standard deviation is divided by the root of draws.",
        ),
        (std * np.sqrt(n), "more draws must make the error smaller: divide by the root."),
        (drawn.std() / np.sqrt(n), "this is one number for all; every entry has its own error, axis 0."),
    ]
