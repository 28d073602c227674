"""Checks of lesson 07: parameters counted, the moving average's memory, a layer folded, a diagnosis made."""

from itertools import pairwise
from math import ceil, log

import numpy as np

from helpers.checks.frame import call, close, exercise, explain, one_of, require
from helpers.numerics.normalization import fold

NETWORKS = ((784, 300, 100, 10), (20, 8, 4), (64, 32, 32, 16, 5))
MEMORIES = ((0.25, 0.9), (0.01, 0.99), (0.01, 0.9), (0.1, 0.9), (0.5, 0.99), (0.25, 0.5))
SHAPES = ((6, 4), (5, 5))
EPS = 0.01  # large, so that forgetting it shows
RUNS = (
    ((0.70, 0.69, 0.68), "fine"),
    ((0.99, 0.99, 0.81), "over-fitting"),
    ((0.70, 0.18, 0.17), "statistics"),
    ((0.85, 0.86, 0.84), "fine"),
    ((0.95, 0.94, 0.70), "over-fitting"),
    ((0.88, 0.35, 0.33), "statistics"),
)


@exercise
def parameter_counts(answer):
    """Check `parameter_counts(sizes)`: (trainable, not trainable), batch norm on inputs and hidden layers."""
    for sizes in NETWORKS:
        got = call(answer, sizes)
        right = _counts(sizes)
        explain(got, [(wrong, why) for wrong, why in _wrong_counts(sizes) if wrong != right])
        close(got, right, what=f"your answer for {sizes}")
    total = sum(_counts(NETWORKS[0]))
    return f"γ and β are learned, the moving statistics only follow; {total:,} numbers in the first network."


def _counts(sizes, learned=2, followed=2, normalized=None):
    """(trainable, not trainable) with so many numbers of each kind for every normalized feature."""
    features = sum(sizes[:-1]) if normalized is None else normalized
    return _kernels(sizes) + sizes[-1] + learned * features, followed * features


def _kernels(sizes):
    return sum(a * b for a, b in pairwise(sizes))


def _wrong_counts(sizes):
    trainable, fixed = _counts(sizes)
    hidden = sum(sizes[1:-1])
    output = "the output layer has no batch normalization after it, and keeps its bias."
    return [
        (trainable + fixed, "that is the sum of both. Return two numbers: (trainable, not trainable)."),
        (
            (trainable + fixed, 0),
            "the moving mean and variance are not trainable: no gradient reaches them, batches change them.",
        ),
        ((fixed, trainable), "the two are swapped: (trainable, not trainable)."),
        (
            (trainable, 0),
            "the moving mean and variance are missing: 2 numbers per feature, not trainable.",
        ),
        (
            _counts(sizes, 1, 1),
            "you counted 1 of each kind per feature; there are γ and β, and a mean and a variance.",
        ),
        (
            _counts(sizes, 0, 4),
            "γ and β are trainable: the gradient reaches them as it reaches weights.",
        ),
        (
            (trainable + hidden, fixed),
            "hidden layers have no bias here: use_bias=False, since β does its work.",
        ),
        (
            _counts(sizes, normalized=hidden),
            "the normalization on the inputs is missing: 4 numbers per input.",
        ),
        ((trainable - sizes[-1], fixed), "the output layer's bias is missing."),
        (_counts(sizes, normalized=sum(sizes)), output),
        (_counts(sizes, normalized=sum(sizes[1:])), output + " The inputs have one."),
        (_counts(sizes, normalized=sizes[0]), "the normalization after the hidden layers is missing."),
    ]


@exercise
def steps_until(answer):
    """Check `steps_until(share, momentum)`: the first step at which so little of the start value is left."""
    for share, momentum in MEMORIES:
        got, right = call(answer, share, momentum), _steps(share, momentum)
        known = [(value, why) for value, why in _wrong_steps(share, momentum) if abs(value - right) > 1e-9]
        explain(got, known)
        close(got, right, what=f"your answer for share = {share}, momentum = {momentum}")
    return (
        f"{_steps(0.01, 0.99)} steps at momentum 0.99, {_steps(0.01, 0.9)} at 0.9, until 1 percent is left."
    )


def _steps(share, momentum):
    """The smallest t with momentum**t ≤ share; the ratio of logs is rounded first: 0.5² is 0.25 after 2."""
    return ceil(round(log(share) / log(momentum), 9))


_RULE_OF_THUMB = "after 1 / (1 − momentum) steps a factor of e is gone: about 37 percent is still left."


def _wrong_steps(share, momentum):
    exact = log(share) / log(momentum)
    return [
        (exact, "that is right between two steps; steps are whole, so round up."),
        (int(exact), "you rounded down: at that step a little more than the wanted share is still left."),
        (ceil(exact) + 1, "that is one step too many: the first batch already takes its part."),
        (
            ceil(log(share) / log(1 - momentum)) if momentum != 0.5 else -1,
            "you let the momentum weigh the new value, as PyTorch does. In Keras it weighs the old one.",
        ),
        (
            ceil(log(1 - share) / log(momentum)),
            "then the share is what has been *replaced*. Ask when momentum**t falls to the share itself.",
        ),
        (1 / (1 - momentum), _RULE_OF_THUMB),
        (round(1 / (1 - momentum)), _RULE_OF_THUMB),
        (
            ceil(round((1 - share) / (1 - momentum), 9)),
            "you took the same amount away at every step. Each step takes a part of what is left.",
        ),
        (momentum**share, "that is momentum to the power of the share. Solve momentum**t = share for t."),
    ]


@exercise
def fold_layer(answer):
    """Check `fold_layer(W, gamma, beta, mean, variance, eps)` → (W', b') of one layer that does both."""
    for shape in SHAPES:
        given = _trained(shape)
        right = fold(given[0], 0, *given[1:], EPS)
        got = call(answer, *given, EPS)
        _two_parts(got, right, _wrong_kernels(*given), _wrong_biases(*given))
    return "x @ W' + b' is what the layer and the normalization after it gave; each column has its own scale."


def _trained(shape):
    rng = np.random.default_rng(shape[0])
    W, (gamma, beta, mean) = rng.standard_normal(shape), rng.standard_normal((3, shape[1]))
    return W, 1.5 + 0.3 * gamma, beta, mean, rng.uniform(0.05, 3, shape[1])


def _two_parts(got, right, kernels, biases):
    require(isinstance(got, tuple | list) and len(got) == 2, "return two arrays: `return W_new, b_new`.")
    names = ("W'", "b'")
    for part, wanted, known, name in zip(got, right, (kernels, biases), names, strict=True):
        close(part, wanted, what=name, known=known)


def _wrong_kernels(W, gamma, beta, mean, variance):
    scale = gamma / np.sqrt(variance + EPS)
    wrong = [
        (W, "W' is still W: each column must be scaled by γ / √(variance + ε)."),
        (W * gamma / (variance + EPS), "W' is divided by the variance; divide by its root, √(variance + ε)."),
        (W * gamma / np.sqrt(variance), "ε is missing under the root in W': Keras adds it there."),
        (W * gamma / (np.sqrt(variance) + EPS), "ε belongs under the root, beside the variance."),
        (W / np.sqrt(variance + EPS), "γ is missing in W'."),
        (W * gamma, "W' is scaled by γ alone; divide by √(variance + ε), too."),
        (W / scale, "W' is divided by the scale; multiply by γ / √(variance + ε)."),
    ]
    if W.shape[0] == W.shape[1]:
        rows = "you scaled the rows of W. Features come out of its columns: W * scale, without turning it."
        wrong.append((W * scale[:, None], rows))
    return wrong


def _wrong_biases(W, gamma, beta, mean, variance):
    scale = gamma / np.sqrt(variance + EPS)
    return [
        (beta, "b' is β alone: the moving mean has to be taken off, scaled as W is."),
        (beta + mean * scale, "the sign of the mean is turned in b': normalizing subtracts it."),
        (beta - mean, "the mean in b' is not scaled: it is divided by √(variance + ε) and multiplied by γ."),
        (beta - mean * gamma, "in b' the mean is multiplied by γ, but not divided by √(variance + ε)."),
        (beta - mean / np.sqrt(variance + EPS), "γ is missing in b': it multiplies the mean, too."),
        ((beta - mean) * scale, "in b' β is scaled, too; it is added after the scaling."),
        (-mean * scale, "β is missing in b'."),
        (mean, "b' is the moving mean itself; work out what x = 0 gives after the normalization."),
    ]


@exercise
def diagnose(answer):
    """Check `diagnose(in_fit, evaluated, validation)`: "fine", "over-fitting" or "statistics"."""
    for run, right in RUNS:
        got = call(answer, *run)
        one_of(got, right, _reasons(run, right))
    return "two modes that part on the same images: statistics. Known and new images that part: over-fitting."


def _reasons(run, right):
    in_fit, evaluated, validation = (f"{value:.0%}" for value in run)
    told = f"for {in_fit} in fit, {evaluated} evaluated on the same images, {validation} on new ones: "
    reasons = {
        "fine": "all three are close, so nothing is wrong.",
        "over-fitting": "the training images are known in both modes, the new ones are not: over-fitting.",
        "statistics": "the *same* images do far worse at inference. That is no over-fitting: "
        "the moving statistics are wrong.",
    }
    return {wrong: told + reasons[right] for wrong in reasons if wrong != right}
