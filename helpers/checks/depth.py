"""Checks of lesson 08: a gradient's growth, a warm-up with a cosine, update to weight ratios, a diagnosis."""

import numpy as np

from helpers.checks.frame import EMPTY, NotAttempted, array, call, close, exercise, explain, one_of, require

GROWTHS = ((1.072, 100), (1.072, 20), (0.5, 10), (1.467, 50))
SCHEDULE = {"steps": 200, "peak": 0.003, "warm_up": 0.2}


@exercise
def gradient_growth(answer):
    """Check `gradient_growth(mean_square, layers)`: the factor on the gradient's standard deviation."""
    for square, layers in GROWTHS:
        got = call(answer, square, layers)
        explain(got, _wrong_growths(square, layers), rtol=1e-6)
        close(got, square ** (layers / 2), rtol=1e-6, what=f"your factor for {square}, {layers} layers")
    return "SELU's 1.072 becomes ×32 over 100 layers, and a half per layer becomes a 32nd over ten."


def _wrong_growths(square, layers):
    root = np.sqrt(square)
    return [
        (square**layers, "that is the factor on the mean square; the standard deviation is its root."),
        (root ** (layers / 2), "the root was taken twice: E[f'²] to the power of layers / 2 is enough."),
        (square ** (-layers / 2), "that is the inverse: with E[f'²] above 1 the gradient grows backward."),
        (1 + layers * (root - 1), "the layers' factors multiply, they don't add: take a power."),
        (1 + layers * (square - 1), "the layers' factors multiply, they don't add: take a power."),
        (root * layers, "that is one layer's factor times the depth; each layer multiplies again."),
        (square * layers, "that is one layer's factor times the depth; each layer multiplies again."),
        (root, "that is the factor of one layer; there are more."),
        (root ** (layers - 1), "one layer is missing: each of the layers counts."),
    ]


@exercise
def warm_up_cosine(answer):
    """Check `learning_rate(step, steps, peak, warm_up)`: a straight line up, then half a cosine down to 0."""
    steps, peak, warm_up = SCHEDULE.values()
    places = range(0, steps + 1, 5)
    got = array(
        [call(answer, step, steps, peak, warm_up) for step in places], (len(places),), "your schedule"
    )
    step, rising = np.array(places, float), warm_up * steps
    explain(got, _wrong_schedules(step, steps, peak, rising), rtol=1e-6)
    close(
        got, _schedule(step, steps, peak, rising), rtol=1e-6, atol=1e-9, what="your schedule, every 5 steps"
    )
    other = call(answer, 30, 60, 1.0, 0.0)
    close(other, 0.5, atol=1e-9, what="your rate half way without a warm-up, at peak 1")
    half = (steps + rising) / 2
    return f"it rises to {peak:g} at step {rising:.0f}, has half of that at {half:.0f}, and ends at 0."


def _schedule(step, steps, peak, rising):
    share = np.clip((step - rising) / (steps - rising), 0, 1)
    return np.where(step < rising, peak * step / rising, peak * (1 + np.cos(np.pi * share)) / 2)


def _wrong_schedules(step, steps, peak, rising):
    up, share = peak * step / rising, (step - rising) / (steps - rising)

    def either(down):
        return np.where(step < rising, up, down)

    return [
        (peak * (1 + np.cos(np.pi * step / steps)) / 2, "there is no warm-up: the first rate must be 0."),
        (either(peak), "it rises and then stays; let it fall along half a cosine."),
        (either(peak * (1 - share)), "it falls along a straight line; a cosine is flat at both ends."),
        (
            either(peak * (1 + np.cos(np.pi * step / steps)) / 2),
            "the cosine counts from step 0, so the rate jumps where the warm-up ends. Count from there.",
        ),
        (
            either(peak * (1 + np.cos(np.pi * (step - rising) / steps)) / 2),
            "the cosine is spread over all steps and does not reach 0: spread it over those that are left.",
        ),
        (either(peak * np.cos(np.pi * share)), "a cosine goes from 1 to −1: take (1 + cos) / 2."),
        (either(peak * np.cos(np.pi / 2 * share)), "that is a quarter of a cosine, steepest at its end."),
        (either(peak * (1 + np.cos(2 * np.pi * share)) / 2), "that is a whole cosine, which rises again."),
        (
            either(peak * (1 + np.cos(share * 180)) / 2),
            "np.cos takes radians: half a turn is π, not 180.",
        ),
    ]


@exercise
def update_ratio(answer):
    """Check `update_ratio(W, dW, learning_rate)`: log10 of the update's norm over that of the weights."""
    rng = np.random.default_rng(8)
    for shape, rate in (((30, 20), 0.01), ((5, 40), 0.3)):
        W, dW = 0.4 + 0.1 * rng.standard_normal(shape), 3 * rng.standard_normal(shape)
        got = call(answer, W, dW, rate)
        explain(got, _wrong_ratios(W, dW, rate), rtol=1e-9)
        close(got, np.log10(rate * np.linalg.norm(dW) / np.linalg.norm(W)), rtol=1e-9, what="your ratio")
    return "log10(‖η dW‖ / ‖W‖), the same in every layer whatever its size; around −3 a layer learns well."


def _wrong_ratios(W, dW, rate):
    size, step = np.linalg.norm(W), rate * np.linalg.norm(dW)
    return [
        (step / size, "that is the ratio itself; its log10 is asked for."),
        (np.log(step / size), "that is the natural logarithm; take np.log10."),
        (
            np.log10(step / size / rate),
            "that is gradient over weights: the update has the learning rate in it.",
        ),
        (np.log10(size / step), "that is upside down: the update goes above the weights."),
        (2 * np.log10(step / size), "you divided sums of squares; a norm is the root."),
        (np.log10(step), "you forgot to divide by the norm of the weights."),
        (
            np.log10(np.mean(np.abs(rate * dW / W))),
            "you averaged ratios entry by entry; weights near 0 then count most. One norm over the other.",
        ),
        (
            np.log10(step / np.linalg.norm(W - rate * dW)),
            "you divided by the weights after the update; take those before it.",
        ),
        (
            np.log10(rate * dW.std() / W.std()),
            "standard deviations leave the mean out; weights with a mean are larger than that. Use norms.",
        ),
        (
            np.log10(abs(rate * dW.sum() / W.sum())),
            "in a sum positive and negative entries cancel; take the norms.",
        ),
    ]


CONDITIONS = ("inputs", "initialization", "dropout", "skip", "none")
BROKEN = {"A": "initialization", "B": "inputs", "C": "skip", "D": "dropout"}
SIGNS = {
    "A": "A's variance grows slowly, layer after layer, and never stops",
    "B": "B begins far off, and is at (0, 1) in the end",
    "C": "C's mean and variance grow by a factor at every layer",
    "D": "D settles, but not at (0, 1)",
}
WHYS = {
    "inputs": "wrong inputs show in the first layers and are pulled back to (0, 1) after some",
    "initialization": "weights of a wrong variance move the place of rest, and He's doubled one has none",
    "dropout": "ordinary dropout adds a little variance at every layer, so that another balance is found",
    "skip": "a skip adds h to F(h), so that the signal about doubles its mean square at every layer",
    "none": "with all conditions kept, mean and variance are about 0 and 1 in every layer",
}


@exercise
def diagnosis(answer):
    """Check the dict network → broken condition, from the vital signs of four networks."""
    require(isinstance(answer, dict), "a dict is wanted, such as {'A': 'inputs', …}.")
    missing = [name for name in BROKEN if name not in answer]
    require(not missing, f"there is no answer for {', '.join(missing)} yet.")
    blank = [name for name in BROKEN if answer[name] is ...]
    if len(blank) == len(BROKEN):
        raise NotAttempted(EMPTY)
    require(not blank, f"there is no answer for {', '.join(blank)} yet.")
    for name, right in BROKEN.items():
        whys = {
            wrong: f"{SIGNS[name]}. {WHYS[wrong]}.".capitalize() for wrong in CONDITIONS if wrong != right
        }
        one_of(answer[name], right, whys)
    return "each broken condition has a signature: where it begins, and whether the fixed point can mend it."
