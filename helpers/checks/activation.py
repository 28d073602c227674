"""The exercise checks of lesson 03 and, at the end, of its deeper notebook.

Tanh from a sigmoid, dead units, Leaky ReLU, SELU's conditions, slopes read from a figure, an own activation;
maxout units.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from helpers.checks.frame import (
    NotYet,
    Scored,
    array,
    call,
    close,
    exercise,
    explain,
    filled_in,
    require,
)
from helpers.networks.trial import trial
from helpers.networks.tuning import Knob, decades, search
from helpers.numerics.activations import (
    ACTIVATIONS,
    SELU_ALPHA,
    SELU_SCALE,
    elu,
    leaky_relu,
    leaky_relu_derivative,
    sigmoid,
)
from helpers.numerics.gaussian import expectation

Z = np.array([[-3.0, -0.5, 0.25], [2.0, -1.25, 4.0]])
X = np.linspace(-3, 3, 25)
QUADRATURE = 1e-3  # what a plain sum on a fine grid reaches easily
LEAK = 0.01


# ---------------------------------------------------------------- warm-up: tanh from a sigmoid


@exercise(
    hints=(
        "The sigmoid runs from 0 to 1. Which stretch and which shift make that −1 to 1?",
        "2σ(z) − 1 has the right ends but is too flat: its slope at 0 is 1/2, that of tanh is 1. What makes "
        "a curve twice as steep without changing its ends?",
        "Put 2z into the sigmoid, multiply what comes out by 2, and subtract 1.",
    )
)
def tanh_from_sigmoid(answer):
    """The learner's tanh, made of a sigmoid that the check hands over: 2σ(2z) − 1."""
    z = np.linspace(-4, 4, 17)
    calls = []

    def given(values):
        calls.append(values)
        return sigmoid(np.asarray(values, float))

    got = call(lambda z: answer(z, given), z)
    s, s2 = sigmoid(z), sigmoid(2 * z)
    explain(
        got,
        [
            (2 * s - 1, "the ends are right, but the slope at 0 is 1/2; that of tanh is 1. Stretch z, too."),
            (s2, "that still runs from 0 to 1; tanh runs from −1 to 1."),
            (2 * s2, "that runs from 0 to 2: now shift it down."),
            (s - 0.5, "that is centered, but runs from −½ to ½ only."),
            (s2 - 0.5, "that is centered, but runs from −½ to ½ only: double it."),
            (2 * (s2 - 1), "that runs from −2 to 0: subtract 1 after doubling, not before."),
            (2 * s2 + 1, "the sign of the shift is turned: that runs from 1 to 3."),
            (2 * sigmoid(z / 2) - 1, "you flattened the curve: z/2 makes it half as steep; twice is wanted."),
            (4 * s - 2, "the slope at 0 is right; the ends are −2 and 2. Stretch z instead of the output."),
            (1 - 2 * s2, "that falls: the sign is turned."),
            (2 * s**2 - 1, "the 2 belongs to z inside of σ; you squared the sigmoid."),
            (2 * s * 2 - 1, "σ(2z) is not 2σ(z): the 2 belongs to z inside of σ."),
            (1 - s**2, "that is no tanh: 1 − h² is a slope, that of h = tanh(z)."),
        ],
    )
    close(got, np.tanh(z), what="your tanh")
    require(bool(calls), "every number is right; now do it with `sigmoid` alone: that is the point of it.")
    return "tanh is a sigmoid, stretched and shifted: as saturating, but centered, and four times as steep."


# ---------------------------------------------------------------- core: dead units


@exercise(
    hints=(
        "A living unit passes something on at least one image. What is z of a dead one on each image?",
        "z has one row for each image and one column for each unit. Look at a column as a whole.",
        "Compute z = x @ W + b, compare with 0, and ask for `all` along the axis of the images.",
    )
)
def dead_units(answer):
    """The learner's function (W, b, x) → which units of a ReLU layer are dead on the inputs x."""
    rng = np.random.default_rng(1)  # the known wrong answers differ from each other here
    W, x = rng.standard_normal((6, 5)), rng.standard_normal((50, 6))
    b = np.array([-40.0, -1.0, -4.0, -30.0, 1.0])
    z = x @ W + b
    got = np.asarray(call(answer, W, b, x))
    _refuse_shape(got, z)
    require(got.dtype == bool or np.isin(got, (0, 1)).all(), "True or False is wanted for each unit.")
    explain(got.astype(float), [(wrong.astype(float), why) for wrong, why in _known_dead(W, x, z)])
    close(got.astype(float), (z <= 0).all(axis=0), what="your list of dead units")
    return f"{int((z <= 0).all(axis=0).sum())} of the 5 units are dead: their z is below 0 on all 50 inputs."


def _refuse_shape(got, z):
    require(got.ndim > 0, "one number came back; True or False is wanted for each of the 5 units.")
    require(got.shape != z.shape, "one value for each input and unit: take all inputs together, with axis=0.")
    require(
        got.shape != z.shape[:1], "one value for each input came back; take `all` over axis=0, the inputs."
    )
    require(
        got.dtype.kind != "i" or got.shape == z.shape[1:],
        "those are the numbers of some units; True or False is wanted for each of the 5.",
    )
    require(
        got.shape == z.shape[1:], f"the shape is {got.shape}; one value for each of the 5 units is wanted."
    )


def _known_dead(W, x, z):
    return [
        (
            z.mean(axis=0) <= 0,
            "a unit with a negative mean z may still be above 0 on some input. Dead means: on none.",
        ),
        (
            (z <= 0).any(axis=0),
            "`any` finds units that are off on some input; dead ones are off on all of them.",
        ),
        ((z > 0).any(axis=0), "you found the living units: turn True and False round."),
        (z[0] <= 0, "that looks at the first input alone; a dead unit is off on all of them."),
        (
            (x @ W <= 0).all(axis=0),
            "no unit is dead by your rule, yet the biases −40 and −30 leave two no chance. Did b go in? And "
            "is it z that you compare, with `<= 0`? (max(0, z) is never below 0.)",
        ),
    ]


# ---------------------------------------------------------------- core: Leaky ReLU with both derivatives


@exercise(
    hints=(
        "There are two cases, z > 0 and the rest. What is h in each? Which of z and the slope stands in it?",
        "Where z > 0, h = z: nothing of the slope is in it. Elsewhere h = slope · z: differentiate it once "
        "with respect to z, once with respect to the slope.",
        "Three times `np.where(z > 0, …, …)`; the second halves are slope * z, slope, and z.",
    )
)
def leaky_relu_with_gradients(answer):
    """The learner's function (z, slope) → (h, dh_dz, dh_dslope)."""
    for slope in (0.1, 0.3, 1.5):
        h, dz, dslope = _three(call(answer, Z, slope))
        _check_value(h, slope)
        _check_derivative(dz, slope)
        _check_slope_gradient(dslope, slope)
    kink = float(array(_three(call(answer, np.zeros((1, 1)), 0.3))[1], (1, 1), "dh_dz at z = 0")[0, 0])
    require(
        0.3 <= kink <= 1, f"at the kink z = 0 your dh_dz is {kink:.3g}; choose the slope on one of its sides."
    )
    side = "the slope" if np.isclose(kink, 0.3) else "1" if np.isclose(kink, 1) else "a value between"
    return f"value and both derivatives fit for three slopes; at the kink you chose {side}, as one may."


def _wrong(known, right, rtol=1e-6):
    """The known wrong answers without those that happen to be right for these inputs."""
    return [(answer, why) for answer, why in known if not np.allclose(answer, right, rtol=rtol, atol=1e-12)]


def _three(got):
    require(isinstance(got, tuple | list), "return three arrays: `return h, dh_dz, dh_dslope`.")
    require(len(got) == 3, f"you return {len(got)} things; three are wanted: h, dh_dz, dh_dslope.")
    return got


def _check_value(h, slope):
    known = [
        (np.maximum(Z, 0), "h is a plain ReLU: where z ≤ 0 it must be slope · z."),
        (slope * Z, "h is slope · z everywhere: where z > 0 it must be z itself."),
        (
            np.maximum(Z, slope * Z),
            "max(z, slope · z) picks the wrong side once the slope is above 1. Use np.where.",
        ),
        (np.where(Z > 0, Z, -slope * Z), "where z ≤ 0 the sign is turned: slope · z is negative there."),
        (np.where(Z > 0, Z, slope), "where z ≤ 0 your h is the slope itself: multiply it by z."),
    ]
    right = leaky_relu(Z, slope)
    close(h, right, what="h", known=_wrong(known, right))


def _check_derivative(dz, slope):
    known = [
        (
            (Z > 0) * 1.0,
            "dh_dz is ReLU's: where z ≤ 0 it must be the slope, so that gradient still gets through.",
        ),
        (np.full_like(Z, slope), "dh_dz is the slope everywhere: where z > 0 it must be 1."),
        (
            np.where(Z > 0, 1, slope * Z),
            "where z ≤ 0 your dh_dz is slope · z, which is h itself: drop the z.",
        ),
        (np.where(Z > 0, Z, slope), "where z > 0 your dh_dz is z; the derivative of z is 1."),
        (np.minimum(Z, 0), "your dh_dz and dh_dslope are swapped, it seems: this is the slope's."),
    ]
    right = leaky_relu_derivative(Z, slope)
    close(dz, right, what="dh_dz", known=_wrong(known, right))


def _check_slope_gradient(dslope, slope):
    known = [
        (Z, "dh_dslope is z everywhere. Where z > 0, h = z does not hold the slope at all, so it must be 0."),
        (np.maximum(-Z, 0), "dh_dslope has the wrong sign: h = slope · z, and z is negative there."),
        (
            np.where(Z > 0, 0, 1),
            "where z ≤ 0, h = slope · z; its derivative with respect to the slope is z, not 1.",
        ),
        (np.where(Z > 0, 0, slope), "where z ≤ 0 you give ∂h/∂z; with respect to the slope it is z."),
        (np.where(Z > 0, 0, slope * Z), "where z ≤ 0 your dh_dslope is h itself: drop the slope."),
        (
            np.where(Z > 0, 1, Z),
            "where z > 0, h = z does not hold the slope: its derivative there is 0, not 1.",
        ),
        (np.maximum(Z, 0), "the sides are swapped: the slope counts where z ≤ 0."),
    ]
    right = np.minimum(Z, 0)
    if np.ndim(dslope) == 0 and np.isclose(float(dslope), right.sum()):
        raise NotYet("that is the sum over all places; return one number for each, in the shape of z.")
    close(dslope, right, what="dh_dslope", known=_wrong(known, right))


# ---------------------------------------------------------------- core: SELU's conditions


@exercise(
    hints=(
        "An average over many z is a sum of value · share. Which share of all z lies between z and z + dz?",
        "The share is density(z) · dz, with the density e^(−z²/2) / √(2π). Sum h times that for E[h], and h² "
        "times that for E[h²].",
        "With `z, dz = np.linspace(-10, 10, 20001, retstep=True)` let share be the density times dz, and "
        "h = scale * activations.elu(z, alpha). Two np.sum are left.",
    )
)
def selu_moments(answer):
    """The learner's function (scale, alpha) → (E[h], E[h²]) for h = scale · elu(z, alpha), z ~ N(0, 1)."""
    for scale, alpha in ((1.3, 0.8), (0.9, 1.0), (SELU_SCALE, SELU_ALPHA)):
        got = array(call(answer, scale, alpha), (2,), "your pair (E[h], E[h²])")
        right = _moments(scale, alpha)
        explain(got, _wrong(_known_moments(scale, alpha, right), right, 2 * QUADRATURE), rtol=QUADRATURE)
        _explain_sums(got, scale, alpha, right)
        close(got, right, rtol=QUADRATURE, atol=QUADRATURE, what="(E[h], E[h²])")
    return (
        "with SELU's constants your mean is 0 and your second moment 1, and no other pair tried gives that."
    )


def _moments(scale, alpha):
    return tuple(float(expectation(lambda z, k=k: (scale * elu(z, alpha)) ** k, 1.0)) for k in (1, 2))


def _explain_sums(got, scale, alpha, right):
    """Say what is missing where a sum over a grid went wrong: no dz makes both too large, by one factor."""
    if abs(right[0]) > 0.05:
        factor = got[1] / right[1]
        alike = np.isclose(got[0] / right[0], factor, rtol=0.01)
        require(
            not (alike and factor > 5),
            f"both numbers are {factor:.0f} times too large: that is 1 / dz. Did you multiply by the grid's "
            "step, and is there the factor 1 / √(2π)?",
        )
    z = np.linspace(-10, 10, 4001)
    plain = scale * elu(z, alpha)
    uniform = (plain.mean() * 20, np.mean(plain**2) * 20)
    for factor, why in ((1, "the density is missing"), (1 / 20, "that is the plain mean over the grid")):
        if np.allclose(got, np.multiply(uniform, factor), rtol=0.02):
            raise NotYet(f"{why}: z near 0 is far more frequent than near 10, so weigh by e^(−z²/2) / √(2π).")


def _known_moments(scale, alpha, right):
    root, (first, second) = np.sqrt(2 * np.pi), right
    return [
        (
            (first, second - first**2),
            "your second number is the variance, E[h²] − E[h]²; E[h²] itself is asked for.",
        ),
        ((first, np.sqrt(second)), "your second number is the root of E[h²]: leave the root out."),
        ((first, first**2), "your second is the square of the mean; asked for is the mean of the square."),
        ((second, first), "the two are swapped: E[h] comes first."),
        ((first / scale, second / scale**2), "the scale is missing: h = scale · elu(z, alpha)."),
        ((first, second / scale), "the scale must be squared in E[h²]."),
        (
            (root * first, root * second),
            "the density lacks its factor 1 / √(2π), so it does not add up to 1.",
        ),
        (_moments(scale, 1.0), "α is missing: your curve is scale · elu(z, 1)."),
        (
            tuple(float(expectation(lambda z, k=k: (scale * np.maximum(z, 0)) ** k, 1.0)) for k in (1, 2)),
            "the half below 0 is missing: your grid begins at 0, or that is ReLU.",
        ),
    ]


# ---------------------------------------------------------------- read a figure: slopes without names

SHOWN = {"A": "gelu", "B": "relu", "C": "sigmoid", "D": "elu", "E": "prelu", "F": "tanh"}
QUESTIONS = {"can die": "B", "falls somewhere": "A", "flat on both sides": "CF", "never flat": "E"}


@exercise(
    hints=(
        "The panels show slopes, not values. What does it mean for a gradient where a slope is 0?",
        "A unit can die where its slope is exactly 0 on a whole side. A curve falls where its slope is "
        "negative. It is flat where its slope tends to 0.",
        "Count the panels that come down to 0 on the right, too; look for a dip below 0; and for the one "
        "that keeps a small slope on the left. The one left with a jump to 0 can die.",
    )
)
def read_slopes(answer):
    """The learner's reading of six slopes without names: question → the letters of the panels."""
    filled_in(answer, QUESTIONS)
    for name, right in QUESTIONS.items():
        given = answer[name]
        letters = set("".join(given).upper())
        letters -= set(" ,")
        known = ", ".join(SHOWN)
        require(letters <= set(SHOWN), f'"{name}": the panels are {known}; you say {given!r}.')
        for letter in sorted(letters - set(right)):
            require(False, f'"{name}" is not {letter}: {_why_not(name, letter)}')
        missing = set(right) - letters
        require(not missing, f'"{name}": there is one more. Look at the right end of every panel, too.')
    return "B is ReLU, E the leaky one, D ELU, A GELU; C and F are sigmoid and tanh: look at their heights."


def _why_not(question, letter):
    left = {
        "A": "its slope tends to 0 on the left but passes it only at one point, and comes back.",
        "B": "its slope is 1 wherever z > 0.",
        "C": "its slope is small on both sides and never exactly 0.",
        "D": "its slope tends to 0 on the left, and is never exactly 0.",
        "E": "its slope is small on the left, but it stays.",
        "F": "its slope tends to 0 on both sides, and is never exactly 0.",
    }
    if question == "falls somewhere":
        return "its slope is nowhere below 0. Look for a dip under the line."
    if question == "never flat":
        side = "on both sides" if letter in "CF" else "on the left"
        return f"its slope goes to 0 {side}."
    return left[letter]


# ---------------------------------------------------------------- challenge: an activation of one's own

RATES = Knob(decades(-4, 3), (5, 8))  # 0.03 to 0.3 at first
QUICK = {"hidden": 3, "steps": 150, "looks": 1}
ENTRY_SEEDS = (0, 1, 2)
RULES = ("glorot_normal", "he_normal", "lecun_normal")
NUDGE = 1e-5


@exercise(
    hints=(
        "Which of the curves that you know come out best in the table, and what have they in common?",
        "Take a good one and change one thing: where it settles on the left, how steep it is on the right, "
        "or how round its corner is. Differentiate by the chain and the product rule; a nudge tells a slip.",
        "For h = z·σ(b·z) the slope is σ(b·z) + b·z·σ(b·z)(1 − σ(b·z)). Try some b, and add a shift that "
        "brings the mean of f(z) nearer to 0.",
    )
)
def entry(f, df, initializer="he_normal"):
    """The learner's activation and slope: nudged, then trained at its best rate; its test loss scores."""
    require(initializer in RULES, f"the initializer is one of {', '.join(RULES)}; you gave {initializer!r}.")
    z = np.concatenate([np.linspace(-6, 6, 97), [0.013, -0.013]])
    h, slope = array(call(f, z), z.shape, "your f(z)"), array(call(df, z), z.shape, "your f'(z)")
    _refuse_curves(z, h)
    _nudged(f, z, h, slope)
    far = np.array([-1e3, 1e3])
    array(call(f, far), far.shape, "your f(z) at z = ±1000")
    array(call(df, far), far.shape, "your f'(z) at z = ±1000")
    loss, rate = score_of(f, df, initializer)
    limit, relu = baseline("sigmoid"), baseline("relu")
    told = f"test loss {loss:.3f} at its best rate, {rate:g}; sigmoid has {limit:.3f}, ReLU {relu:.3f}"
    require(loss < limit, f"value and slope fit together, but it does not beat the sigmoid: {told}.")
    return Scored(f"{told}. Your score is {loss:.3f}; smaller is better.", loss)


def _refuse_curves(z, h):
    require(np.ptp(h) > 1e-9, "your f(z) is the same for all z: nothing of the image gets through.")
    line = np.polyfit(z, h, 1)
    straight = np.allclose(np.polyval(line, z), h, atol=1e-9 * (1 + np.abs(h).max()))
    require(not straight, "your f(z) is a straight line: a stack of such layers is one linear layer.")


def _nudged(f, z, h, slope):
    """Compare a slope with (f(z + ε) − f(z − ε)) / 2ε, and name the usual slips."""
    up, down = (array(call(f, z + sign * NUDGE), z.shape, "your f(z)") for sign in (1, -1))
    numeric = (up - down) / (2 * NUDGE)
    sides = np.abs((up - h) - (h - down)) / NUDGE  # large at a kink, where each side has its own slope
    smooth = sides < 1e-3 * (1 + np.abs(numeric))
    require(
        bool(np.abs(np.concatenate([up - h, h - down])).max() < 1),
        "your f jumps: a nudge of z by 0.00001 moves it by more than 1. No gradient knows of a jump.",
    )
    part = np.asarray(call(f, z[40:60]))
    require(
        part.shape == (20,) and bool(np.allclose(part, h[40:60], atol=1e-9)),
        "your f(z) depends on the other numbers in z: an activation looks at each z alone.",
    )
    scale = 1e-4 * (1 + np.abs(numeric).max())
    for wrong, why in (
        (h, "your f'(z) is f(z) itself."),
        (-numeric, "the sign of your slope is turned."),
        (2 * numeric, "your slope is twice what a nudge measures: a factor too many."),
        (numeric / 2, "your slope is half of what a nudge measures: a factor is missing."),
        (np.ones_like(z), "your slope is 1 everywhere; a nudge measures otherwise."),
        (numeric**2, "your slope is the square of what a nudge measures."),
        (np.zeros_like(z), "your slope is 0 everywhere: with it nothing below this layer would learn."),
    ):
        known = not np.allclose(wrong[smooth], numeric[smooth], atol=scale)
        require(not (known and np.allclose(slope[smooth], wrong[smooth], atol=scale)), why)
    off = np.where(smooth, np.abs(slope - numeric), 0)
    worst = int(np.argmax(off))
    require(
        off[worst] < scale,
        f"your slope at z = {z[worst]:.3g} is {slope[worst]:.4g}; a nudge measures {numeric[worst]:.4g}.",
    )


def score_of(f, df, initializer) -> tuple[float, float]:
    """Return the test loss of a quick training, median of three seeds, and the rate chosen on validation."""
    own = replace(ACTIVATIONS["linear"], name="mine", label="mine", f=f, df=df, initializer=initializer)
    ran = {}

    def validation_loss(rate):
        ran[rate] = [trial(own, rate, seed, **QUICK) for seed in ENTRY_SEEDS]
        return float(np.median([one["validation"][-1].loss for one in ran[rate]]))

    chosen, _ = search({"rate": RATES}, validation_loss)
    return float(np.median([one["test"][-1].loss for one in ran[chosen["rate"]]])), chosen["rate"]


@lru_cache(maxsize=4)
def baseline(name) -> float:
    """Return the score of a known activation."""
    known = ACTIVATIONS[name]
    return score_of(known.f, known.df, known.initializer)[0]


# ---------------------------------------------------------------- deeper: two maxout units


@exercise(
    hints=(
        "Draw |x|. Of how many straight lines does it consist?",
        "A maxout unit takes the larger of its two lines at every x. Which lines lie under |x| and touch it?",
        "For |x| the lines are x and −x. For Leaky ReLU they are x and 0.01 x; all biases are 0.",
    )
)
def maxout_weights(abs_w, abs_b, leaky_w, leaky_b):
    """The learner's weights and biases of two maxout units of two pieces: |x|, and Leaky ReLU."""
    _fits(
        abs_w,
        abs_b,
        np.abs(X),
        "|x|",
        [
            (
                np.maximum(X, 0),
                "one piece is x, the other 0: that is ReLU. For |x| the left half needs −x.",
            ),
            (X, "both pieces together give x: one of them must take over where x < 0."),
            (-X, "both pieces together give −x: one of them must take over where x > 0."),
            (-np.abs(X), "that is the minimum; flip the signs."),
            (2 * np.abs(X), "that is 2|x|: the slopes are 1 and −1."),
            (0 * X, "both pieces are 0."),
        ],
    )
    _fits(
        leaky_w,
        leaky_b,
        leaky_relu(X, LEAK),
        "Leaky ReLU",
        [
            (np.maximum(X, 0), "that is ReLU; give the flat piece the weight 0.01."),
            (
                np.maximum(X, -LEAK * X),
                "a piece −0.01 x points upward on the left: its weight must be +0.01.",
            ),
            (np.maximum(X, 0.3 * X), "0.3 is Keras's slope; asked for is 0.01."),
            (np.abs(X), "that is |x| again."),
            (X, "both pieces together give x: one of them must take over where x < 0."),
        ],
    )
    return "two straight pieces each are enough: |x| is max(x, −x), and Leaky ReLU is max(x, 0.01 x)."


def _fits(w, b, wanted, name, known):
    w, b = array(w, (2,), f"the weights of {name}"), array(b, (2,), f"the biases of {name}")
    h = (X[:, None] * w + b).max(axis=1)
    explain(h, known)
    if np.any(b != 0) and np.allclose((X[:, None] * w).max(axis=1), wanted):
        raise NotYet(f"the weights of {name} are right, and both biases must be 0: both pieces go through 0.")
    close(h, wanted, what=f"your unit for {name}")
