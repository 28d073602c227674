"""Checks of lesson 11, find the bug: seven functions that run and are wrong.

Each check first asks whether the answer still does what the broken function did. If so, nothing was mended
yet, and the check says by which symptom one knows.
"""

from math import pi, sqrt

import numpy as np

from helpers.checks.frame import array, call, close, exercise, explain, require, still_broken

EPS = 1e-3
BINS = 20
STORED = (3, 11, 1, 10, 2, 12, 7, 5, 9, 4, 8, 6)  # layers in the order in which they were recorded
SHAPE = (400, 250)
SAMPLING = 0.05  # the variance of 100,000 draws is right to 0.5 percent


@exercise
def normalize_conv(answer):
    """Check `normalize_conv(x)`: batch normalization of a convolution's output, one mean per channel."""
    rng = np.random.default_rng(0)
    x = 2 * rng.standard_normal((5, 4, 3, 6)) + rng.standard_normal((4, 3, 6)) + np.arange(6.0)
    got = call(answer, x)
    still_broken(
        got,
        _standardized(x, 0),
        "every place in the image has a mean of its own, 72 means for 6 channels. A convolution uses the "
        "same weights at every place, so a channel's places belong together.",
    )
    explain(got, _wrong_axes(x))
    close(got, _standardized(x, (0, 1, 2)), what="your output")
    return "six channels, six means and six variances, each over the batch and all places."


def _standardized(x, axes, variance_over=None):
    variance = x.var(axis=axes if variance_over is None else variance_over, keepdims=True)
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(variance + EPS)


def _wrong_axes(x):
    places, channels = (0, 1, 2), x.shape[-1]
    return [
        (
            _standardized(x, (1, 2)),
            "each image has its own mean now: that is instance normalization. The batch belongs to the "
            "average too.",
        ),
        (
            _standardized(x, (0, 1, 2, 3)),
            "one mean for everything: the channels are mixed. Each keeps its own.",
        ),
        (
            _standardized(x, 3),
            "you averaged over the channels of each place. The channels are what must stay apart.",
        ),
        (
            _standardized(x, (1, 2, 3)),
            "each image has its own mean, over its channels too: that is layer normalization.",
        ),
        (
            _standardized(x, (0, 1)),
            "one side of the image is averaged, the other is not. The axes are (batch, height, width, "
            "channels).",
        ),
        (
            _standardized(x, places, variance_over=0),
            "the mean is mended; the variance is still taken place by place.",
        ),
        (
            _standardized(x, 0, variance_over=places),
            "the variance is mended; the mean is still taken place by place.",
        ),
        (
            _standardized(x.reshape(-1, channels), 0),
            "the numbers are right; give them back in the shape of x.",
        ),
    ]


@exercise
def tanh_histogram(answer):
    """Check `tanh_histogram(h, bins)`: the share of tanh's outputs in each of equal bins from −1 to 1."""
    h = np.tanh(1.5 * np.random.default_rng(1).standard_normal(4000) - 0.3)
    got = call(answer, h, BINS)
    still_broken(
        got,
        _shares(h, 0, 1),
        f"{np.mean(h < 0):.0%} of the {len(h):,} values, all that are negative, are in no bin. tanh gives "
        "both signs.",
    )
    small = call(answer, h / 1000, BINS)
    explain(small, [(lambda: _shares(h / 1000, h.min() / 1000, h.max() / 1000), _ADAPTIVE)])
    explain(got, _wrong_ranges(h))
    close(got, _shares(h, -1, 1), what="your shares")
    close(small, _shares(h / 1000, -1, 1), what="your shares of a signal that has collapsed")
    return "all values are counted, half of them below 0, and a collapsed signal is seen as one bar."


_ADAPTIVE = (
    "the range follows the data. A signal that has shrunk a thousandfold then looks as wide as a healthy "
    "one. Draw every layer in the activation's own range."
)


def _shares(h, low, high, **options):
    counts, _ = np.histogram(h, bins=BINS, range=(low, high), **options)
    return counts / max(counts.sum(), 1)


def _wrong_ranges(h):
    counts, _ = np.histogram(h, bins=BINS, range=(-1, 1))
    density, _ = np.histogram(h, bins=BINS, range=(-1, 1), density=True)
    return [
        (
            _shares(np.abs(h), 0, 1),
            "you folded the negative half onto the positive one. A layer at −1 and one at +1 look alike.",
        ),
        (_shares(h, -1, 0), "now the positive half is hidden."),
        (_shares(h, -3, 3), "nothing is hidden, but two thirds of the bins lie where tanh never goes."),
        (_shares(h, -0.5, 0.5), "the ends are hidden, and that is where saturated units are."),
        (counts, "these are counts. Divide by their sum, for shares."),
        (density, "this is a density, whose sum over the bins is not 1. Divide the counts by their sum."),
    ]


@exercise
def norm_step(answer):
    """Check `norm_step(x, mean, variance, training)`: the output, and the moving statistics after it."""
    rng = np.random.default_rng(2)
    x, mean, variance = 2 * rng.standard_normal((8, 3)) + 4, np.array([1.0, 2, 3]), np.array([4.0, 5, 6])
    trained, tested = (_three(call(answer, x, mean, variance, mode)) for mode in (True, False))
    moved = [0.9 * old + 0.1 * new for old, new in ((mean, x.mean(axis=0)), (variance, x.var(axis=0)))]
    by_batch, by_moving = _normed(x, x.mean(axis=0), x.var(axis=0)), _normed(x, mean, variance)
    if _alike(trained, (by_batch, *moved)):
        still_broken(
            np.concatenate([np.ravel(part) for part in tested]),
            np.concatenate([np.ravel(part) for part in (by_moving, *moved)]),
            "after a test batch the moving mean is another. Testing twice gives two results, and the test "
            "images have leaked into the network.",
        )
    _explain_modes(trained, tested, (by_batch, by_moving), moved, (mean, variance))
    for part, wanted, what in zip(trained, (by_batch, *moved), _PARTS, strict=True):
        close(part, wanted, what=f"your {what} in training")
    for part, wanted, what in zip(tested, (by_moving, mean, variance), _PARTS, strict=True):
        close(part, wanted, what=f"your {what} in testing")
    return "training moves the statistics and testing leaves them alone, however often you test."


_PARTS = ("output", "moving mean", "moving variance")


def _three(got):
    require(isinstance(got, tuple | list) and len(got) == 3, "three things are wanted: out, mean, variance.")
    return tuple(array(part, what=f"your {what}") for part, what in zip(got, _PARTS, strict=True))


def _normed(x, mean, variance):
    return (x - mean) / np.sqrt(variance + EPS)


def _alike(got, wanted):
    return all(a.shape == np.shape(b) and np.allclose(a, b) for a, b in zip(got, wanted, strict=True))


def _explain_modes(trained, tested, outputs, moved, old):
    """Raise NotYet for the ways to mend one mode and break the other."""
    by_batch, by_moving = ([output] for output in outputs)
    last_batch = [10 * new - 9 * before for new, before in zip(moved, old, strict=True)]
    still = _alike(trained[1:], old)
    slips = [
        (
            still and _alike(tested[1:], old),
            "now they never move, in training neither. Testing would use the start values for ever.",
        ),
        (
            still and _alike(tested[1:], moved),
            "the wrong way round: now they move in testing and stand still in training.",
        ),
        (
            _alike(trained[:1], by_moving),
            "training normalizes with the moving statistics. It needs the batch's own.",
        ),
        (
            _alike(tested[:1], by_batch),
            "testing normalizes with its own batch now. An image's answer then depends on its neighbors; "
            "use the moving statistics.",
        ),
        (
            _alike(trained[1:], last_batch),
            "training keeps the last batch alone. The old value has the weight 0.9.",
        ),
    ]
    for slipped, why in slips:
        require(not slipped, why)


@exercise
def moving_average(answer):
    """Check `moving_average(values, momentum)`: the average after each value, momentum on the old one."""
    values, momentum = np.array([2.0, 5, 1, 4]), 0.8
    got = call(answer, values, momentum)
    wrong = _averages(values, 1 - momentum)
    still_broken(
        got,
        wrong,
        f"with momentum {momentum} the average leaps to {wrong[0]:.1f} on the first value, 2. A momentum "
        "near 1 should hold on to what was there.",
    )
    explain(got, _wrong_momentum(values, momentum))
    right = _averages(values, momentum)
    close(got, right, what="your averages")
    close(call(answer, values, 0.5), _averages(values, 0.5), what="your averages with momentum 0.5")
    return f"after four values the average is {right[-1]:.2f}: with momentum 0.8 it follows slowly."


def _averages(values, momentum, start=0.0):
    history = [start]
    for value in values:
        history.append(momentum * history[-1] + (1 - momentum) * value)
    return np.array(history[1:])


def _wrong_momentum(values, momentum):
    grown = np.array([sum(v * momentum ** (n - k) for k, v in enumerate(values[: n + 1])) for n in range(4)])
    return [
        (
            _averages(values, 0.01),
            "you turned the default round and left the formula: another momentum, as here 0.8, is ignored.",
        ),
        (_averages(values, 0.99), "the momentum is given: use it in place of a fixed number."),
        (
            (1 - momentum) * values,
            "each value starts from 0 again. The average after one value is where the next begins.",
        ),
        (grown, "the two weights must add up to 1: the new value is multiplied by 1 − momentum."),
        (
            _averages(values, momentum, start=values[0]),
            "this starts from the first value. Here it starts from 0, as a moving mean does in Keras.",
        ),
        (np.cumsum(values) / np.arange(1, 5), "this is the plain average of all values so far."),
        (_averages(values, momentum)[-1], "the average after each value is wanted, not the last alone."),
    ]


@exercise
def leaky_variance(answer):
    """Check `leaky_variance(sigma, slope)`: Var(LeakyReLU(z)) for z from N(0, σ²)."""
    for sigma, slope in ((0.7, 0.1), (2.0, 0.3)):
        got = call(answer, sigma, slope)
        drawn = np.random.default_rng(3).standard_normal(200_000) * sigma
        measured = np.where(drawn > 0, drawn, slope * drawn).var()
        second, mean = (1 + slope**2) / 2 * sigma**2, (1 - slope) * sigma / sqrt(2 * pi)
        still_broken(
            got,
            second,
            f"for σ = {sigma:g} and slope {slope:g} this says {second:.3f}. 200,000 random numbers have the "
            f"variance {measured:.3f}.",
        )
        explain(got, _wrong_variances(sigma, slope, second, mean))
        close(got, second - mean**2, what=f"your variance for sigma = {sigma:g}, slope = {slope:g}")
    return (
        f"for σ = 2 and slope 0.3 the mean is {mean:.2f} rather than 0, which takes {mean**2:.2f} off E[h²]."
    )


def _wrong_variances(sigma, slope, second, mean):
    of_relu = sigma / sqrt(2 * pi)
    return [
        (second - mean, "subtract the square of the mean: Var(h) = E[h²] − E[h]²."),
        (second + mean**2, "the square of the mean is subtracted, not added."),
        (
            second - of_relu**2,
            "this is ReLU's mean, σ/√(2π). The leaky side takes a part of it away again: times 1 − slope.",
        ),
        (
            second - ((1 + slope) * of_relu) ** 2,
            "the leaky side is negative: it lowers the mean, so the factor is 1 − slope.",
        ),
        (
            second - (2 * mean) ** 2,
            "E[|z|] is σ·√(2/π), and z is positive half of the time only: half of that.",
        ),
        (second - (1 - slope) ** 2 / (2 * pi), "σ is missing in the mean: it is (1 − slope) σ / √(2π)."),
        (mean**2, "this is the square of the mean alone: take it from E[h²]."),
        (sigma**2, "this is the variance of z, before the activation."),
    ]


@exercise
def in_order(answer):
    """Check `in_order(record)`: the numbers of the layers, "layer 1" first, whatever the record's order."""
    record = {f"layer {k}": 7.5 * k % 13 for k in STORED}
    got = call(answer, record)
    still_broken(
        got,
        [record[name] for name in sorted(record)],
        "after layer 1 comes layer 10, then 11 and 12, and only then layer 2: the names are sorted as text, "
        "letter by letter.",
    )
    explain(got, _wrong_orders(record))
    close(got, [record[f"layer {k}"] for k in range(1, 13)], what="your list")
    return "layer 2 comes before layer 10, since 2 is less than 10 as a number."


def _wrong_orders(record):
    given, digit = list(record.values()), {name: int(name[-1]) for name in record}
    by_value = "you sorted what was recorded; it is the layers that have an order."
    return [
        (given, "this is the order in which they were stored. Nothing says that a record is in order."),
        (
            [record[name] for name in sorted(record, key=len)],
            "the short names come first, but among themselves they stand as they were stored.",
        ),
        (
            [record[name] for name in sorted(record, key=digit.get)],
            "you sorted by the last digit: layer 10 comes first, and 11 beside 1. Take the whole number.",
        ),
        (sorted(given), by_value),
        (sorted(given, reverse=True), by_value),
        (range(1, 13), "these are the layers' numbers; what was recorded of them is wanted."),
        ([record[f"layer {k}"] for k in range(12, 0, -1)], "the wrong way round: layer 1 comes first."),
    ]


@exercise
def glorot_uniform(answer):
    """Check `glorot_uniform(shape, rng)`: uniform weights of variance 2 / (fan_in + fan_out)."""
    W = array(call(answer, SHAPE, np.random.default_rng(0)), SHAPE, "your weight matrix")
    limit, wanted = float(np.abs(W).max()), 2 / sum(SHAPE)
    still_broken(
        limit,
        sqrt(wanted),
        f"the variance is {W.var():.5f}, a third of the {wanted:.5f} that is wanted. A uniform number "
        "between ±s has the variance s²/3.",
        rtol=1e-3,
    )
    require(W.std() > 0, "all your weights are equal, so every unit would do the same.")
    explain(W.var(), _wrong_bounds(wanted), rtol=SAMPLING)
    close(W.var(), wanted, rtol=SAMPLING, what="the variance of your weights")
    require(limit < 1.8 * W.std(), "the variance is right, but these are normal: draw with rng.uniform.")
    require(abs(W.mean()) < 0.05 * W.std(), f"your weights have the mean {W.mean():.2g}; it has to be 0.")
    again = array(call(answer, SHAPE, np.random.default_rng(0)), SHAPE, "your weight matrix")
    require(np.array_equal(W, again), "the same rng gave other weights: draw with the rng you are given.")
    return f"the bound is {limit:.4f}, √3 standard deviations, and the variance {W.var():.5f}."


def _wrong_bounds(wanted):
    fan_in, _ = SHAPE
    return [
        (
            _uniform_variance(sqrt(3 / sum(SHAPE))),
            "half of what is wanted: fan_avg is (fan_in + fan_out) / 2.",
        ),
        (_uniform_variance(sqrt(6 / fan_in)), "this is 2 / fan_in, He's. Glorot takes both fans."),
        (_uniform_variance(sqrt(3 / fan_in)), "this is 1 / fan_in, LeCun's. Glorot takes both fans."),
        (_uniform_variance(3 * wanted), "the root is missing: the variance is s²/3, so s = √(3 · variance)."),
        (
            _uniform_variance(sqrt(12 / sum(SHAPE))),
            "twice too much. A number between ±s has s²/3; s²/12 is for 0 … s.",
        ),
        (_uniform_variance(3 * sqrt(wanted)), "the standard deviation was multiplied by 3; it takes √3."),
        (
            _uniform_variance(sqrt(wanted)),
            "this is a third of it: normal or uniform, the variance has to be 2 / (sum).",
        ),
        (1 / 3, "these weights are not scaled at all."),
    ]


def _uniform_variance(bound):
    return bound**2 / 3
