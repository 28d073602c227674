"""The exercise checks of lesson 04.

A sum of many terms, the rule for any mean, He's weights, what Glorot leaves to ReLU, four rows of histograms,
a kernel's fans, a step of LSUV; and, as the challenge, weights for an awkward network.
"""

from functools import lru_cache
from itertools import pairwise
from math import prod, sqrt

import numpy as np

from helpers import data
from helpers.checks.frame import (
    Scored,
    array,
    call,
    close,
    exercise,
    explain,
    filled_in,
    one_of,
    require,
)
from helpers.networks.mlp import MLP, cross_entropy
from helpers.networks.scoring import scores
from helpers.networks.training import train
from helpers.networks.tuning import Knob, decades, search
from helpers.numerics.initializers import INITIALIZERS, draw_with_variance, fans

KERNELS = ((5, 3, 16, 8), (3, 3, 32, 64), (1, 1, 10, 20))
SHAPE = (400, 250)
SAMPLING = (
    0.05  # the variance of 100,000 draws is right to 0.5 percent, so 5 percent tells wrong from unlucky
)


# ---------------------------------------------------------------- warm-up: a sum


@exercise(
    hints=(
        "What is the variance of one term, a product of two independent numbers of mean 0?",
        "Each term has the variance 1 · std². There are n of them, and variances add. Asked for is a std.",
        "The variance of the sum is n · std²; take the root.",
    )
)
def sum_std(answer):
    """The learner's standard deviation of a sum of n products: √n · std."""
    cases = ((4, 0.5), (100, 0.01), (784, 1.0), (400, 0.1))
    n, std = np.array(cases).T
    got = [call(answer, int(a), float(b)) for a, b in cases]
    explain(got, _wrong_sums(n, std), rtol=1e-3, atol=0)
    values = array(got, n.shape, "your standard deviations")
    require(bool((values > 0).all()), "a standard deviation is positive here; yours is not.")
    require(len(set(values)) > 1, "your answer is always the same; it must depend on n and std.")
    close(values, np.sqrt(n) * std, rtol=1e-3, what="your answer for n = 4, 100, 784 and 400")
    return "a sum of n terms is √n times as wide, not n times: 100 inputs and weights of 0.01 leave a tenth."


def _wrong_sums(n, std):
    return [
        (n * std, "standard deviations don't add; variances do. The sum is √n times as wide, not n times."),
        (n * std**2, "that is the variance of the sum; its standard deviation is the root."),
        (np.sqrt(n) * std**2, "std is no variance: the variance of a term is std², its root is std."),
        (std / np.sqrt(n), "that is how wide the *mean* of n terms is; a unit adds them up."),
        (std, "that is one term; there are n of them."),
        (np.sqrt(n * std), "std has to be squared under the root: √(n · std²)."),
        (np.sqrt(n), "the weights' own std is missing: that would be right for std = 1."),
        (n**2 * std**2, "variances of independent terms add: n of them give n · std², not n² · std²."),
        (
            1 / np.sqrt(n),
            "that is the std that weights need for a sum of variance 1. Asked for is the sum's std.",
        ),
        (std**2 / n, "you divided; a sum of n terms is wider than one term."),
    ]


# ---------------------------------------------------------------- core: the rule for any mean


@exercise(
    hints=(
        "With w = m + r, y is a sum of two: Σ x_i m and Σ x_i r_i. Which of them is the same in every unit?",
        "The random part has variance v · Σ E[x_i²], as in step 4. The constant part is m times the sum "
        "of an image's inputs: it varies from image to image.",
        "v times the sum over inputs of the mean of x², plus m² times the variance of x.sum(axis=1).",
    )
)
def mended_rule(answer):
    """The learner's Var(y) for weights of any mean: v Σ E[x_i²] + m² Var(Σ x_i)."""
    cases = [(x, m, v) for x in _inputs() for m, v in ((0.0, 0.5), (1.0, 1.0), (-0.5, 2.0))]
    values = np.array([array(call(answer, *case), (), "your variance") for case in cases])
    right = [_mended(*case) for case in cases]
    if not np.allclose(values, right, rtol=1e-3):
        explain(values, _wrong_rules(cases), rtol=1e-3)
    require(bool((values >= 0).all()), "a variance is never negative; yours is.")
    close(values, right, rtol=1e-3, what="your variances, for 3 batches × 3 kinds of weights,")
    x, m, v = cases[4]
    drawn = m + sqrt(v) * np.random.default_rng(1).standard_normal((x.shape[1], 500))
    return (
        f"for inputs that move together and weights of mean 1 you say {right[4]:.0f}; 500 units drawn have "
        f"{np.var(x @ drawn):.0f}. The second part is the one that the simple rule leaves out."
    )


def _inputs():
    rng = np.random.default_rng(0)
    u = rng.standard_normal((400, 60))
    uneven = u * np.linspace(0.2, 2, 60)
    return u + 1, u + rng.standard_normal((400, 1)), uneven + rng.standard_normal(60)


def _mended(x, m, v):
    return v * np.sum(np.mean(x**2, axis=0)) + m**2 * np.var(x.sum(axis=1))


WRONG_RULES = [
    (
        lambda x, m, v: x.shape[1] * v * np.var(x),
        "that is the simple rule, which the table has broken. Where does m come in?",
    ),
    (
        lambda x, m, v: v * np.sum(np.mean(x**2, axis=0)),
        "the constant part is missing: m adds m · Σ x_i to every unit, and that varies over images.",
    ),
    (
        lambda x, m, v: x.shape[1] * (v + m**2) * np.mean(x**2),
        "E[w²] in place of Var(w) is right for inputs that don't move together. Here they may: take the "
        "variance of their sum.",
    ),
    (
        lambda x, m, v: x.shape[1] * (v + m**2) * np.var(x),
        "you put E[w²] in place of Var(w), and left the inputs' mean and their moving together out.",
    ),
    (
        lambda x, m, v: v * np.sum(np.mean(x**2, axis=0)) + m * np.var(x.sum(axis=1)),
        "m multiplies a sum, so its variance gets m², not m.",
    ),
    (
        lambda x, m, v: v * np.sum(np.var(x, axis=0)) + m**2 * np.var(x.sum(axis=1)),
        "the random part takes the mean square of the inputs, not their variance: see step 4.",
    ),
    (
        lambda x, m, v: x.shape[1] * v * np.var(x) + m**2 * np.var(x.sum(axis=1)),
        "the random part takes the mean square of the inputs, not their variance: see step 4.",
    ),
    (
        lambda x, m, v: v * np.sum(np.mean(x**2, axis=0)) + m**2 * np.sum(np.var(x, axis=0)),
        "Σ Var(x_i) is the variance of the sum only if inputs don't move together. Add up first.",
    ),
    (
        lambda x, m, v: v * np.sum(np.mean(x**2, axis=0)) + m**2 * np.mean(x.sum(axis=1) ** 2),
        "that is the mean square of the constant part; a sum that is the same for all images adds none.",
    ),
    (
        lambda x, m, v: v * np.mean(x**2) + m**2 * np.var(x.sum(axis=1)),
        "the random part has one term per input: add them up, not the mean over all.",
    ),
    (
        lambda x, m, v: v * np.sum(x**2) + m**2 * np.var(x.sum(axis=1)),
        "you added the squares up over images, too: there the mean is taken.",
    ),
    (
        lambda x, m, v: v**2 * np.sum(np.mean(x**2, axis=0)) + m**2 * np.var(x.sum(axis=1)),
        "v is the variance already; don't square it.",
    ),
    (lambda x, m, v: m**2 * np.var(x.sum(axis=1)), "the random part is missing: v · Σ E[x_i²]."),
    (
        lambda x, m, v: sqrt(_mended(x, m, v)),
        "that is the standard deviation of y; asked for is the variance.",
    ),
    (
        lambda x, m, v: v * np.sum(np.mean(x**2, axis=0)) + m**2 * np.var(x.sum(axis=0)),
        "you added up along the wrong axis: the sum runs over an image's inputs, x.sum(axis=1).",
    ),
]


def _wrong_rules(cases):
    return [([rule(*case) for case in cases], why) for rule, why in WRONG_RULES]


# ---------------------------------------------------------------- read a figure: four rows


LETTERS = {  # which network is which; the figure does not say
    "A": ("relu", "he_normal"),
    "B": ("sigmoid", "glorot_normal"),
    "C": ("relu", "glorot_normal"),
    "D": ("tanh", "glorot_normal"),
}
NAMES = {
    ("relu", "he_normal"): "ReLU, He",
    ("relu", "glorot_normal"): "ReLU, Glorot",
    ("tanh", "glorot_normal"): "tanh, Glorot",
    ("sigmoid", "glorot_normal"): "sigmoid, Glorot",
}
SEEN = {
    "A": "row A has a bar at 0 and nothing below, and the rest keeps its reach to the last layer.",
    "B": "row B lies around one half and breaks up into spikes: one for each unit, the same for all images.",
    "C": "row C has a bar at 0 and nothing below, and the rest shrinks toward it layer by layer.",
    "D": "row D lies on both sides of 0, and gets a little narrower from layer to layer.",
}


def four_networks():
    """Return letter → the network of ten layers whose histograms stand in that row of the figure."""
    return {
        letter: MLP(
            (784, *[100] * 10, 10),
            activation=activation,
            initializer=initializer,
            rng=np.random.default_rng(0),
        )
        for letter, (activation, initializer) in LETTERS.items()
    }


@exercise(
    hints=(
        "Look at the axes and at where the bars lie: which rows have nothing below 0? Which lies around 1/2?",
        "ReLU puts half of its values at exactly 0. Of its two rows one shrinks: by which rule is half lost?",
        "Glorot does not make up for the half that ReLU takes, so its std falls by √2 a layer; He's stays.",
    )
)
def read_rows(answer):
    """The learner's reading of four rows of histograms: which network is which."""
    filled_in(answer, LETTERS)
    told = [str(answer[letter]).strip().casefold() for letter in LETTERS]
    names = list(NAMES.values())
    for letter, key in LETTERS.items():
        whys = {name: SEEN[letter] for name in names if name != NAMES[key]}
        one_of(answer[letter], NAMES[key], whys)
    require(len(set(told)) == len(told), "each network stands in one row.")
    return "the axis tells sigmoid and tanh; a bar at 0 tells ReLU; and what the spread does tells the rule."


# ---------------------------------------------------------------- the fans of a convolution


@exercise(
    hints=(
        "How many numbers does one output add up? How many outputs does one input reach?",
        "One output sees height × width places in every input channel. One input is seen from height × width "
        "places, in every output channel.",
        "Multiply height · width · (channels in) for the one, height · width · (channels out) for the other.",
    )
)
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


@exercise(
    hints=(
        "rng.standard_normal(shape) has variance 1. What does a factor c do to it?",
        "Multiplying a random number by c multiplies its variance by c². Which c makes it 2 / fan_in?",
        "Multiply the draws by the root of 2 / shape[0].",
    )
)
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


@exercise(
    hints=(
        "What does one layer do to E[h²]? Three factors: two from the rule, one from ReLU.",
        "Go from layer to layer: multiply by fan_in, by Glorot's variance, and by the half that ReLU leaves. "
        "The output layer has no h.",
        "For each pair of neighbors in sizes[:-1], a and b: multiply by a · 2 / (a + b) / 2.",
    )
)
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


@exercise(
    hints=(
        "z = h @ W is linear in W. What happens to z when you divide W by a number?",
        "Then z is divided by it, too, and its variance by the square. Which number makes the variance 1?",
        "Divide W by the standard deviation of h @ W, over all its entries.",
    )
)
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


# ---------------------------------------------------------------- challenge: an awkward network

AWKWARD = (784, *((100, 40, 70) * 5), 10)
AWKWARD_IMAGES, HELD_OUT, AWKWARD_STEPS, AWKWARD_BATCH = 3000, 1000, 120, 32
AWKWARD_PASSES = 1.5
AWKWARD_SEEDS = 3
DEAD = 1e-3  # no longer told apart from guessing: what a signal may lose, or gain, over the layers
RATES = Knob(decades(-6, 1), (7, 10))  # begun with 0.003 … 0.03


@exercise(
    hints=(
        "What does the check tell of your signal: does it shrink or grow? Which scale lies between?",
        "Start with normal numbers of variance c / fan_in, and try c between He's 2 and SiLU's 2.81.",
        "Beyond that: SiLU(z) − SiLU(−z) = z. If units come in pairs, one with W and one with −W, what does "
        "the next layer get that adds the one and subtracts the other?",
    )
)
def awkward(answer):
    """The learner's initializer for fifteen SiLU layers of uneven widths, scored by the held-out loss."""
    _check_draws(answer)
    signal, gradient = _evenness(answer)
    finite = np.isfinite(signal).all() and np.isfinite(gradient).all()
    require(bool(finite), "signal or gradient overflow on their way. Draw smaller weights.")
    forward, back = signal[-1] / signal[0], gradient[0] / gradient[-1]
    told = f"from layer 1 to 15 the signal goes ×{forward:.2g}, the gradient back ×{back:.2g}"
    require(forward > DEAD, f"the signal dies: {told}. Nothing is left to learn from. Draw larger weights.")
    require(forward < 1 / DEAD, f"the signal explodes: {told}. Draw smaller weights.")
    require(back > DEAD, f"the signal arrives, the gradient does not: {told}.")
    require(back < 1 / DEAD, f"the signal arrives, but the gradient explodes on its way back: {told}.")
    try:
        chosen, _ = search({"rate": RATES}, lambda rate: _held_out_loss(answer, rate, 0))
    except ValueError as error:
        require(False, f"no learning rate suits it ({error}): {told}.")
    losses = [_held_out_loss(answer, chosen["rate"], seed) for seed in range(1, 1 + AWKWARD_SEEDS)]
    score = float(np.median(losses))
    said = f"held-out loss {score:.2f} at its best rate, {chosen['rate']:g}; {told}"
    require(score < 2.25, f"it does not learn: {said}. Guessing costs 2.30.")
    require(score < AWKWARD_PASSES, f"it learns, but below {AWKWARD_PASSES} is wanted: {said}.")
    return Scored(f"{said}. Your score is {score:.2f}; smaller is better.", score)


def _check_draws(answer):
    """The weights must have the shape, be random, and come from the given rng alone."""
    for shape in sorted(set(pairwise(AWKWARD))):
        W = array(call(answer, shape, np.random.default_rng(0)), shape, f"your weights for {shape}")
        require(W.std() > 0, f"your weights for {shape} are all equal: every unit would do the same.")
        again = array(call(answer, shape, np.random.default_rng(0)), shape, f"your weights for {shape}")
        same = "the same rng gave other weights: draw with the rng you are given."
        require(np.array_equal(W, again), same)
        rank = np.linalg.matrix_rank(W)
        low = f"your weights for {shape} have rank {rank}: units that are copies stay copies."
        require(rank > 1, low)


def _drawn(answer, seed):
    rng = np.random.default_rng(seed)
    return MLP(
        AWKWARD,
        activation="silu",
        initializer=lambda shape, rng: np.array(answer(shape, rng), float),
        rng=rng,
    )


@lru_cache(maxsize=1)
def _images():
    """Images to train with and to hold out, standardized by the pixels of the former, with labels."""
    x, y = data.load_batch(AWKWARD_IMAGES + HELD_OUT, standardize=False, dtype=np.float64)
    mean, std = x[:AWKWARD_IMAGES].mean(), x[:AWKWARD_IMAGES].std()
    x = (x - mean) / std
    return x[:AWKWARD_IMAGES], y[:AWKWARD_IMAGES], x[AWKWARD_IMAGES:], y[AWKWARD_IMAGES:]


def _evenness(answer):
    """Of one draw: each hidden layer's √ of the variance over images, and the root mean square of its dz."""
    x, y, _, _ = _images()
    model = _drawn(answer, 0)
    passed = model.forward(x[:200])
    dz = model.backward(passed, cross_entropy(passed.logits, y[:200])[1], weights=False).dz[:-1]
    signal = [np.sqrt(h.var(axis=0).mean()) for h in passed.h[1:]]
    return np.array(signal), np.array([np.sqrt(np.mean(d**2)) for d in dz])


def _held_out_loss(answer, rate, seed):
    x, y, x_new, y_new = _images()
    model = _drawn(answer, seed)
    rng = np.random.default_rng(100 + seed)
    train(model, x, y, learning_rate=rate, steps=AWKWARD_STEPS, batch_size=AWKWARD_BATCH, rng=rng)
    return scores(model.forward(x_new).logits, y_new).loss
