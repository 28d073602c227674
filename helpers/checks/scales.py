"""Checks of lesson 04: fans of a kernel, He's normal weights, the signal that Glorot leaves to ReLU, LSUV."""

from itertools import pairwise
from math import prod, sqrt

import numpy as np

from helpers.checks.frame import array, call, close, exercise, explain, require
from helpers.numerics.initializers import INITIALIZERS, draw_with_variance, fans

KERNELS = ((5, 3, 16, 8), (3, 3, 32, 64), (1, 1, 10, 20))
SHAPE = (400, 250)
SAMPLING = (
    0.05  # the variance of 100,000 draws is right to 0.5 percent, so 5 percent tells wrong from unlucky
)


@exercise
def conv_fans(answer):
    """Check `conv_fans(shape)`: the fans of a kernel (height, width, channels in, channels out)."""
    for shape in KERNELS:
        got = call(answer, shape)
        explain(got, _wrong_fans(*shape))
        close(got, fans(shape), what=f"your answer for {shape}")
    return (
        "the window's height × width multiplies both channel counts, and 1 × 1 leaves a dense layer's fans."
    )


def _wrong_fans(height, width, c_in, c_out):
    window, both = height * width, fans((height, width, c_in, c_out))
    if window == 1:
        return []
    return [
        (
            (c_in, c_out),
            "these are the channel counts alone. One output sees a whole window of each channel.",
        ),
        ((window * c_in, c_out), "fan_out is missing the window: one input pixel lies in many windows."),
        ((c_in, window * c_out), "fan_in is missing the window: one output sums over height × width places."),
        (both[::-1], "the two are swapped: fan_in counts what feeds one output."),
        ((window, window), "this is the window alone; multiply it by the channels."),
        ((height * c_in, height * c_out), "you took one side of the window; both count, height × width."),
        ((window * c_in * c_out,) * 2, "that is the number of all weights; a fan belongs to one unit."),
    ]


@exercise
def he_normal(answer):
    """Check `he_normal(shape, rng)`: normal weights of mean 0 and variance 2 / fan_in."""
    W = array(call(answer, SHAPE, np.random.default_rng(0)), SHAPE, "your weight matrix")
    require(W.std() > 0, "all your weights are equal, so every unit would do the same.")
    require(abs(W.mean()) < 0.1 * W.std(), f"your weights have the mean {W.mean():.2g}; it has to be 0.")
    _explain_variance(W.var())
    require(np.abs(W).max() > 1.9 * W.std(), _UNIFORM)
    again = array(call(answer, SHAPE, np.random.default_rng(0)), SHAPE, "your weight matrix")
    require(np.array_equal(W, again), "the same rng gave other weights: draw with the rng you are given.")
    other = array(call(answer, SHAPE, np.random.default_rng(1)), SHAPE, "your weight matrix")
    require(
        not np.array_equal(W, other), "another rng gave the same weights: draw with the rng you are given."
    )
    return f"{W.size:,} weights of variance {W.var():.4f}; 2 / fan_in is {2 / SHAPE[0]:.4f}."


_UNIFORM = (
    "the variance is right, but no weight lies beyond 1.9 standard deviations: these are uniform. "
    "Draw with rng.standard_normal."
)


def _explain_variance(variance):
    """Raise NotYet with the slip that this variance betrays, unless it is He's."""
    fan_in, fan_out = SHAPE
    he = 2 / fan_in
    if abs(variance / he - 1) < SAMPLING:
        return
    known = [
        (he**2, "you multiplied by the variance 2 / fan_in. Multiply by the standard deviation, its root."),
        (he / 3, "uniform numbers up to ±s have the variance s² / 3. Draw normal ones."),
        (2 / fan_out, "this is 2 / fan_out. What comes in is a sum over fan_in terms."),
        (1 / fan_in, "this is 1 / fan_in, LeCun's. ReLU drops half of the mean square, so it takes 2."),
        (2 / (fan_in + fan_out), "this is 1 / fan_avg, Glorot's. He takes 2 / fan_in."),
        (4 / (fan_in + fan_out), "this is 2 / fan_avg. He takes fan_in alone, to keep the signal."),
        (sqrt(he), "the scale was rooted once too often: the standard deviation is sqrt(2 / fan_in)."),
        (1, "these weights are not scaled at all: multiply them by sqrt(2 / fan_in)."),
        (2 * INITIALIZERS["he_normal"].variance(SHAPE), "this is twice He's variance: 4 / fan_in."),
    ]
    hints = (hint for wrong, hint in known if abs(variance / wrong - 1) < SAMPLING)
    plain = f"your weights have the variance {variance:.3g}, and {he:.3g} is wanted."
    require(False, next(hints, plain))


@exercise
def relu_second_moment(answer):
    """Check `relu_second_moment(sizes, mean_square)`: E[h²] of the last hidden layer, ReLU with Glorot."""
    for sizes, start in (
        ((784, 100, 100, 100, 10), 1.0),
        ((784, *[100] * 10, 10), 1.5),
        ((64, 64, 64, 4), 2.0),
    ):
        got = call(answer, sizes, start)
        explain(got, _wrong_moments(sizes, start))
        close(got, start * prod(_glorot_factors(sizes)), what=f"your answer for {sizes}")
    return "each layer multiplies by fan_in · Var(w) / 2, which is one half only where fan_in = fan_out."


def _glorot_factors(sizes, share=0.5):
    """fan_in Var(w) · share of every hidden layer: what each one does to E[h²]."""
    return [share * a * 2 / (a + b) for a, b in pairwise(sizes[:-1])]


def _wrong_moments(sizes, start):
    hidden, factors = len(sizes) - 2, _glorot_factors(sizes)
    a, b = sizes[-2:]
    wrong = [
        (start * prod(_glorot_factors(sizes, 1)), "ReLU's half is missing: E[relu(z)²] = Var(z) / 2."),
        (start, "this is He's answer: nothing changes. Glorot's variance is 1 / fan_avg, half of He's."),
        (start * prod(factors) * a / (a + b), "you counted the output layer, which comes after the last h."),
        (
            start * prod(factors) * 2 * a / (a + b),
            "you counted the output layer, which comes after the last h.",
        ),
        (prod(factors), "you forgot to start from the mean square of the input."),
        (start**2 * prod(factors), "mean_square is squared already."),
        (start * sqrt(prod(factors)), "you followed the standard deviation; the mean square is its square."),
    ]
    if sizes[0] != sizes[1]:
        first = "the first layer is not square: it has fan_in · Var(w) = fan_in / fan_avg, which is not 1."
        wrong += [(start / 2**hidden, first), (start / 2 ** (hidden + 1), first)]
    else:
        wrong.append((start / 2 ** (hidden + 1), "one half too many: count the hidden layers alone."))
    return [(value, hint) for value, hint in wrong if not np.isclose(value, start * prod(factors))]


@exercise
def lsuv_step(answer):
    """Check `lsuv_step(h, W)`: W times one number, so that h @ W has the variance 1."""
    rng = np.random.default_rng(0)
    h, W = 3 * rng.standard_normal((500, 60)) + 1, draw_with_variance((60, 40), 0.2, "normal", rng)
    got = array(call(answer, h, W), W.shape, "your weight matrix")
    z = h @ W
    explain(got, _wrong_steps(h, W, z))
    close(got, W / z.std(), rtol=1e-6, what="your weight matrix")
    return f"z had the variance {z.var():.1f}; one division by its root made it {(h @ got).var():.2f}."


def _wrong_steps(h, W, z):
    return [
        (W, "these are the old weights: divide them by the standard deviation of h @ W."),
        (W / z.var(), "you divided by the variance. z then has the variance 1 / Var(z); divide by the root."),
        (W * z.std(), "you multiplied; z grew. Divide."),
        (W / W.std(), "you divided by the spread of the weights. LSUV looks at what they do: z = h @ W."),
        (W / h.std(), "you divided by the spread of what comes in. LSUV looks at what comes out: z = h @ W."),
        (W / np.sqrt(np.mean(z**2)), "this makes the mean square 1. The variance leaves the mean of z out."),
        (W / z.std(axis=0), "you scaled each unit by itself. LSUV scales the whole layer by one number."),
        (W / np.maximum(z, 0).std(), "this is the spread after ReLU. The variance of z itself has to be 1."),
    ]
