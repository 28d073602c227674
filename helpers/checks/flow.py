"""The exercise checks of lesson 02 and, at the end, of its deeper notebook.

How much is left, a stable slope, the way back, a figure, level gradients; χ, the edge of chaos, clipping.
"""

from functools import lru_cache
from itertools import pairwise

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
from helpers.numerics.activations import ACTIVATIONS, leaky_relu_derivative
from helpers.numerics.theory import chi

Z = np.array([0.0, 1.0, -1.0, 51.0, -51.0, 800.0, -800.0])
SAMPLING_ERROR = 0.02  # relative; a hundred thousand draws come within 0.01
BOTH_FACES = "σ(51) is rounded to exactly 1, so 1 − σ(51) is 0 and all 23 digits of the slope are lost."
LEVEL = 0.1  # how far from 1 the ratio of the challenge may be
LEVEL_SEEDS = 5
READING = 1.3  # a factor read from a figure may be off by so much


# ---------------------------------------------------------------- warm-up: how much is left, at best


@exercise(
    hints=(
        "Between two layers there is one step. How many steps lead from layer 3 back to layer 1?",
        "Each step multiplies by one slope, at most 1/4. The gradient at the last layer is where you start.",
        "Raise 0.25 to the number of steps, which is one less than the number of layers.",
    )
)
def best_share(answer):
    """The learner's share of the gradient that slopes leave at layer 1: 0.25^(depth − 1)."""
    depths = np.array([2, 5, 10])
    got = [call(answer, int(depth)) for depth in depths]
    right = 0.25 ** (depths - 1.0)
    explain(got, _wrong_shares(depths, right), rtol=1e-3, atol=0)
    values = array(got, depths.shape, "your share for 2, 5 and 10 layers")
    require(len(set(values)) > 1, "your share is the same for 2, 5 and 10 layers; it must depend on `depth`.")
    require(bool(np.all(values > 0)), "a share of a length is positive; yours is not.")
    close(values, right, rtol=1e-3, atol=0, what="your share for 2, 5 and 10 layers")
    alone = array(call(answer, 1), (), "your share for a single layer")
    require(alone == 1, f"with one layer there is no step, so all of it is left: 1. You get {alone:g}.")
    return "ten layers are nine steps: at best 3.8e-06 is left, whatever the data. Weights come on top."


def _wrong_shares(depths, right):
    steps = depths - 1.0
    return [
        (0.25**depths, "one factor too many: from layer 10 back to layer 1 there are nine steps, not ten."),
        (0.25 ** (steps + 2), "two factors too many: count the steps between the layers."),
        (0.25 ** (steps - 1), "one factor too few: from layer 2 to layer 1 there is one step already."),
        (0.25 * steps, "you added the slopes up; along a path they multiply."),
        (0.25 / steps, "you divided once by the number of steps; every step multiplies by 1/4 anew."),
        (0.25 / depths, "you divided once by the number of layers; every step multiplies by 1/4 anew."),
        (1 / right, "that is how many times smaller it gets; the share that is left is its inverse."),
        (4.0**depths, "that grows; and count the steps between the layers, not the layers."),
        (1 - right, "that is the share that is lost; asked for is what is left."),
        (0.5**steps, "0.5 is σ(0), the sigmoid's value; its largest slope is σ'(0) = 1/4."),
        (0.5**depths, "0.5 is σ(0), the sigmoid's value; its slope is 1/4. And ten layers have nine steps."),
        (0.75**steps, "0.75 is what one step takes away at least; 0.25 is what it leaves at most."),
        (0.0625**steps, "that is the share of the squared length; asked for is the length."),
        (np.log10(right), "that is the power of ten; raise 10 to it."),
        (np.full(3, 0.25), "that is one step; how many are there?"),
    ]


# ---------------------------------------------------------------- build: a slope that survives


@exercise(
    hints=(
        "σ'(51) and σ'(−51) are equal. At which of the two is e^−z a small number?",
        "Divide σ'(z) = e^(−z) / (1 + e^(−z))² out by hand; then use that the slope is the same at z and −z.",
        "With small = e^(−|z|), which never overflows, the slope is small / (1 + small)².",
    )
)
def stable_slope(answer):
    """The learner's σ'(z), at places where the plain formulas lose everything or overflow."""
    got = call(answer, Z)
    with np.errstate(all="ignore"):
        explain(got, _wrong_slopes(), rtol=1e-9, atol=0)
    values = array(got, Z.shape, "your slope")
    require(values[3] > 0, f"your slope at z = 51 is 0. {BOTH_FACES}")
    require(values[4] > 0, "your slope at z = −51 is 0; it must be the same as at z = 51.")
    small = np.exp(-np.abs(Z))
    close(values, small / (1 + small) ** 2, rtol=1e-9, atol=0, what="your slope")
    for kind, why in (("invalid", NAN_ON_THE_WAY), ("over", OVERFLOW_ON_THE_WAY)):
        require(not _raises(answer, kind), why)
    return "at z = 51 you get 7.1e-23, at z = ±800 a clean 0, and NumPy reports no overflow."


NAN_ON_THE_WAY = (
    "every number is right, yet ∞ / ∞ is computed on the way and thrown away: np.where computes both of its "
    "branches, for all z. Put the power of −|z| in both."
)
OVERFLOW_ON_THE_WAY = (
    "every number is right, since 1 / ∞ is the 0 that is wanted; but a power overflows at z = ±800 and NumPy "
    "warns. Asked for is a formula without: the power of −|z| can't overflow."
)


def _raises(answer, kind):
    """Whether NumPy reports a floating-point error of this kind while the answer is computed."""
    with np.errstate(**{"all": "ignore"} | {kind: "raise"}):
        try:
            answer(Z.copy())
        except FloatingPointError:
            return True
    return False


def _wrong_slopes():
    s, e = 1 / (1 + np.exp(-Z)), np.exp(-Z)
    small = np.exp(-np.abs(Z))
    return [
        (s, "that is σ(z) itself, not its slope."),
        (s * (1 - s), f"your slope at z = 51 is 0. {BOTH_FACES}"),
        (s - s**2, f"your slope at z = 51 is 0. {BOTH_FACES}"),
        (1 - s, "that is 1 − σ(z); the slope is σ(z) times that, and the difference needs care at z = 51."),
        (
            e / (1 + e) ** 2,
            "at z = −800 the power e^800 overflows, and ∞ / ∞ is NaN. Which of z and −z can't overflow?",
        ),
        (
            1 / e / (1 + 1 / e) ** 2,
            "at z = 800 the power e^800 overflows, and ∞ / ∞ is NaN. Which of z and −z can't overflow?",
        ),
        (small, "that is e^(−|z|) alone; at z = 0 it is 1, but the slope there is 1/4."),
        (small / (1 + small), "that is one factor; the denominator (1 + e^(−|z|)) is squared."),
        (small / (1 + small**2), "the whole denominator is squared: (1 + e^(−|z|))², not 1 + e^(−2|z|)."),
        (1 - np.tanh(Z) ** 2, "that is the slope of tanh; the sigmoid's is a quarter of tanh's at z / 2."),
        (np.minimum(s, 1 - s), "that is the smaller of σ(z) and 1 − σ(z); the slope is their product."),
    ]


# ---------------------------------------------------------------- core: every dW


@exercise(
    hints=(
        "Two things are needed for dW of a layer: what came in, and what came back. Which h came in?",
        "Walk from the last layer to the first. At each: first dW = (its input)ᵀ dz; then carry dz one layer "
        "on, through the weights and the slope of tanh. That slope is 1 − h², since h = tanh(z).",
        "For layer l from the last to the first: put h[l].T @ dz at the front of your list, and if l > 0 let "
        "dz become dz @ weights[l].T times (1 − h[l]²).",
    )
)
def backward(answer):
    """The learner's list [dW_1, …, dW_L] of a network of tanh layers with a linear output."""
    weights, h, dz = _tanh_network()
    got = call(answer, weights, h, dz)
    require(isinstance(got, tuple | list), "a list of arrays is wanted, one for each weight matrix.")
    n = len(weights)
    fewer = (
        f"your list has {n - 1} arrays for {n} weight matrices: the output layer and layer 1 both have one."
    )
    require(len(got) != n - 1, fewer)
    require(len(got) == n, f"your list has {len(got)} arrays, and there are {n} weight matrices.")
    dWs, dzs = _way_back(weights, h, dz)
    for wrong, why in _wrong_ways_back(weights, h, dz, dWs, dzs):
        if _alike(got, wrong):
            require(False, why)
    for number, (one, right) in enumerate(zip(got, dWs, strict=True), 1):
        close(one, right, what=f"your dW of layer {number}")
    return "each dW is what came forward into the layer, transposed, times what came back to it."


def _tanh_network():
    rng = np.random.default_rng(2)
    sizes = (6, 5, 4, 5, 3)
    weights = [rng.normal(0, 0.6, shape) for shape in pairwise(sizes)]
    h = [rng.normal(size=(7, sizes[0]))]
    for W in weights[:-1]:
        h.append(np.tanh(h[-1] @ W))
    return weights, h, rng.normal(size=(7, sizes[-1]))


def _way_back(weights, h, dz, carry=lambda dz, W, h: dz @ W.T * (1 - h**2)):
    """All dW and all dz, with any step that carries dz through W to the layer that puts out h."""
    dzs = [dz]
    for W, out in zip(weights[:0:-1], h[:0:-1], strict=True):
        dzs.insert(0, carry(dzs[0], W, out))
    return [before.T @ d for before, d in zip(h, dzs, strict=True)], dzs


def _wrong_ways_back(weights, h, dz, dWs, dzs):
    def other(carry):
        return _way_back(weights, h, dz, carry)[0]

    def slope_first(dz, W, out):
        return (dz @ W.T) * out

    batch = len(dz)
    return [
        (dzs, "that is dz of every layer; the weights' gradient is (the layer's input)ᵀ @ dz."),
        (dWs[::-1], "the gradients are right but in reverse order: the first array belongs to layer 1."),
        ([dW.T for dW in dWs], "each dW is transposed: it has the shape of W, inputs × units."),
        (
            other(lambda dz, W, out: dz @ W.T),
            "you forgot the slopes: what passes a tanh is multiplied by 1 − h².",
        ),
        (
            other(lambda dz, W, out: dz @ W.T * out * (1 - out)),
            "h(1 − h) is the sigmoid's slope; with h = tanh(z) the slope is 1 − h².",
        ),
        (other(lambda dz, W, out: dz @ W.T * (1 - out)), "the slope of tanh is 1 − h², with the square."),
        (
            other(lambda dz, W, out: dz @ W.T * (1 - np.tanh(out) ** 2)),
            "h is tanh(z) already: its slope is 1 − h², with no second tanh.",
        ),
        (other(slope_first), "you multiplied by h itself; the slope of tanh is 1 − h²."),
        (
            [dW / batch for dW in dWs],
            "you divided by the number of images once more; dz has it in it already.",
        ),
        ([-dW for dW in dWs], "the sign is turned: a gradient points uphill; the minus belongs to the step."),
        (
            [before.T @ dzs[-1] for before in h],
            "you used the last layer's dz everywhere; carry it back layer by layer.",
        ),
        ([0 * dW for dW in dWs[:-1]] + dWs[-1:], "only the last dW is filled; walk on to layer 1."),
    ]


def _alike(got, wrong):
    """Whether two lists hold equal arrays; lists of other lengths or shapes are not alike."""
    try:
        return len(got) == len(wrong) and all(
            np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-6, atol=1e-10)
            for a, b in zip(got, wrong, strict=True)
        )
    except (TypeError, ValueError):
        return False


# ---------------------------------------------------------------- read a figure: dz grows, dW does not


REASONS = {
    "A": "nothing was clipped here: these are the first gradients, before any step.",
    "C": "dW does not contain the layer's own weights; it is the layer's input, transposed, times dz.",
    "D": "nothing is computed before anything: dW of layer 1 uses dz of layer 1, the last of the way back.",
    "E": "the axis is the same in the three panels, and dz does grow, by three powers of ten.",
    "F": "ReLU's slopes act on dz, and dz grows all the same; they can't keep dW level.",
}


@exercise(
    hints=(
        "Read |h| at layers 1 and 10. Nine steps led from one to the other. What is the factor of one step?",
        "The factor per layer is (last / first) to the power 1/9. For dz the way goes from layer 10 to 1.",
        "h and dz both about double, in opposite directions. And dW is made of which two of them?",
    )
)
def read_flow(answer):
    """The learner's reading of the figure at gain 2: the factors of h and dz, and why dW is level."""
    filled_in(answer, ("h", "dz", "because"))
    for name, way in (("h", "from one layer to the next"), ("dz", "from one layer to the one before it")):
        _tell_factor(float(array(answer[name], (), f'your "{name}"')), name, way)
    one_of(answer["because"], "B", REASONS)
    return "h doubles on the way forward, dz on the way back: their product, dW, is level. Look at dz, too."


def _tell_factor(got, name, way):
    def near(value):
        return value / READING <= got <= value * READING

    require(got > 0, f'your "{name}" is {got:g}; a factor between two lengths is positive.')
    require(not near(0.5), f'your "{name}" is upside down: {way} it grows.')
    require(not near(1), f'your "{name}" says that nothing changes; that is dW. Look at the panel of {name}.')
    many = f'your "{name}" is the factor over all nine steps or so; asked for is that of one step, {way}.'
    require(got < 100, many)
    require(not 2.6 < got < 6, f'your "{name}" is too large for one step; is it the factor of the square?')
    require(
        near(2), f'your "{name}" is {got:g}; (layer 10 / layer 1) to the power 1/9 is what one step does.'
    )


# ---------------------------------------------------------------- challenge: level gradients


@exercise(
    hints=(
        "Which of your ten scales does |dz| at layer 1 not depend on much?",
        "A step multiplies by weights, about scale · √100, and by slopes, at most 1/4. But larger weights "
        "push z outward, where slopes are smaller: what you win in one factor you lose in part in the other.",
        "Try one number for all ten, between 0.5 and 2, and halve the interval until the ratio is near 1.",
    )
)
def level(answer):
    """The learner's ten weight scales: |dz| at layer 1 within 10 % of layer 10, median of five seeds."""
    scales = array(answer, None, "your list of scales")
    require(scales.ndim == 1, f"a list of ten numbers is wanted, yours has the shape {scales.shape}.")
    require(len(scales) == 10, f"your list has {len(scales)} numbers, and there are ten layers.")
    require(bool((scales > 0).all()), "every scale is a standard deviation: above 0. With 0 nothing passes.")
    ratios, weights, slopes = level_ratios(scales)
    if not np.isfinite(ratios).all():
        require(
            False, "with these scales all slopes of a layer are rounded to 0: no gradient is left to compare."
        )
    middle = float(np.median(ratios))
    spread = f"five seeds: {min(ratios):.2g} to {max(ratios):.2g}"
    told = f"|dz| at layer 1 is {middle:.2g} of that at layer 10 ({spread})"
    worst = int(np.argmax(np.abs(np.log(weights * slopes)))) + 1
    where = (
        f"From layer {worst + 1} to {worst} the weights multiply by {weights[worst - 1]:.2g}, the slopes by "
        f"{slopes[worst - 1]:.2g}."
    )
    if np.allclose(scales, 0.01):
        require(False, f"that is the patient: {told}. {where}")
    if np.allclose(scales, 0.4, rtol=0.03):
        require(False, f"0.4 · √100 · 1/4 is 1, but slopes are 1/4 only at z = 0: {told}. {where}")
    require(middle < 1000, f"it explodes: {told}. {where}")
    require(middle > 1e-3, f"it vanishes: {told}. {where}")
    require(middle < 1 + LEVEL, f"nearly, but it grows on its way back: {told}. {where}")
    require(middle > 1 - LEVEL, f"nearly, but it shrinks on its way back: {told}. {where}")
    return Scored(f"{told}. Your score is {abs(middle - 1):.3f}; smaller is better.", abs(middle - 1))


def level_ratios(scales):
    """Return |dz_1| / |dz_10| for each seed, and what weights and slopes do at each step (medians).

    Ten sigmoid layers of 100 units, N(0, scale²) in each, on 100 standardized images.
    """
    parts = [_passage(tuple(map(float, scales)), seed) for seed in range(LEVEL_SEEDS)]
    ratios, weights, slopes = (np.array(part) for part in zip(*parts, strict=True))
    with np.errstate(all="ignore"):
        return ratios, np.median(weights, axis=0), np.median(slopes, axis=0)


@lru_cache(maxsize=64)
def _passage(scales, seed):
    x, y = data.load_batch(100, dtype=np.float64)
    sizes = (784, *[100] * 10, 10)
    model = MLP(sizes, activation="sigmoid", initializer="standard_normal", rng=np.random.default_rng(seed))
    model.weights = [W * scale for W, scale in zip(model.weights, (*scales, 0.1), strict=True)]
    with np.errstate(all="ignore"):
        passed = model.forward(x)
        back = model.backward(passed, cross_entropy(passed.logits, y)[1], weights=False)
        sizes = [np.linalg.norm(dz) for dz in back.dz[:-1]]
        through = [np.linalg.norm(dz @ W.T) for dz, W in zip(back.dz[1:-1], model.weights[1:-1], strict=True)]
        weights = [a / b for a, b in zip(through, sizes[1:], strict=True)]
        slopes = [a / b for a, b in zip(sizes[:-1], through, strict=True)]
        return sizes[0] / sizes[-1], weights, slopes


# ---------------------------------------------------------------- deeper: χ, the edge, clipping


@exercise(
    hints=(
        "The gradient's square gets two factors at each layer: one from weights, one from slopes. Which?",
        "z is normal with variance q, so z = √q · ξ. Average the square of df(z) over many ξ.",
        "Draw a million ξ from N(0, 1); χ is sigma_w2 times the mean of df(√q · ξ) squared.",
    )
)
def chi_factor(answer):
    """The learner's χ = σ_w² E[f'(√q ξ)²], by sampling or by quadrature, to 2 %."""
    cases = [(name, sigma_w2, q) for name, sigma_w2, q in CHI_CASES]
    got = [array(call(answer, ACTIVATIONS[n].df, w, q), (), f"your χ for {n}") for n, w, q in cases]
    right = [float(chi(name, q, sigma_w2)) for name, sigma_w2, q in cases]
    if not np.allclose(got, right, rtol=SAMPLING_ERROR):
        slips = [_wrong_chis(ACTIVATIONS[name].df, sigma_w2, q) for name, sigma_w2, q in cases]
        known = [([one[k][0] for one in slips], slips[0][k][1]) for k in range(len(slips[0]))]
        explain(got, known, rtol=SAMPLING_ERROR)  # a slip must fit all three: some change nothing for one
    for value, wanted, (name, sigma_w2, q) in zip(got, right, cases, strict=True):
        what = f"your χ for {name} with σ_w² = {sigma_w2:g}, q = {q:g}"
        half = [(wanted / 2, f"{what} is half of what is wanted.")]
        close(value, wanted, rtol=SAMPLING_ERROR, what=what, known=half)
    return "your χ agrees with exact integration for tanh, sigmoid and ReLU, to 2 %."


CHI_CASES = (("tanh", 1.5, 16.0), ("sigmoid", 3.0, 6.0), ("relu", 3.0, 0.5))


def _wrong_chis(df, sigma_w2, q):
    xi = np.linspace(-8, 8, 16_001)
    weight = np.exp(-(xi**2) / 2)

    def mean(values):
        return float(np.sum(weight * values) / weight.sum())

    slopes = df(np.sqrt(q) * xi)
    square = mean(slopes**2)
    return [
        (square, "you forgot σ_w²: the weights multiply the gradient too."),
        (np.sqrt(sigma_w2) * square, "you multiplied by σ_w; χ is a factor on the square, so it needs σ_w²."),
        (
            sigma_w2**2 * square,
            "you squared σ_w² once more: sigma_w2 is the square already. χ = σ_w² E[f'²].",
        ),
        (sigma_w2 * mean(slopes), "you averaged f' itself; χ needs the average of its square."),
        (sigma_w2 * mean(slopes) ** 2, "you squared the average; χ needs the average of the squares."),
        (
            sigma_w2 * mean(df(q * xi) ** 2),
            "you used z = q ξ; q is a variance, so the standard deviation is √q.",
        ),
        (sigma_w2 * mean(df(xi) ** 2), "your χ does not depend on q: z = √q ξ, not ξ."),
        (np.sqrt(sigma_w2 * square), "that is √χ, the factor on the norm; χ is the factor on its square."),
        (sigma_w2 * square / 2, "your χ is half of what is wanted; the slope on both sides counts."),
        (sigma_w2 * q * square, "you multiplied by q; it only sets where the slopes are taken."),
    ]


@exercise(
    hints=(
        "Try a = 1: a straight line. And a = 0: ReLU. You know both edges.",
        "Half of all z are positive, with slope 1; the others slope a. What is the mean of the squares?",
        "E[f'²] is (1 + a²) / 2, and σ_w² times that is to be 1.",
    )
)
def edge_of_leaky_relu(answer):
    """The learner's critical σ_w² for a Leaky ReLU of any slope, 2 / (1 + a²)."""
    slopes = np.array([0.0, 0.01, 0.3, 1.0])
    got = [array(call(answer, float(a)), (), f"your σ_w² for slope {a:g}") for a in slopes]
    right = 2 / (1 + slopes**2)
    if not np.allclose(got, right, rtol=0.01):
        explain(got, _wrong_edges(slopes, right), rtol=1e-3)  # a slip must fit all slopes
    for value, wanted, a in zip(got, right, slopes, strict=True):
        close(value, wanted, rtol=0.01, what=f"your σ_w² for slope {a:g}")
        mean_square = np.mean(leaky_relu_derivative(np.array([-1.0, 1.0]), a) ** 2)
        require(abs(value * mean_square - 1) < 0.01, f"with your σ_w² for slope {a:g}, χ is not 1.")
    return "with these weights χ = 1 for every slope: 2 for ReLU (a = 0), 1 for a straight line (a = 1)."


def _wrong_edges(a, right):
    return [
        (2 / (1 + a), "the slope counts by its square: E[f'²] = (1 + a²) / 2."),
        (2 / (1 + a) ** 2, "take the square of each slope, then the mean; you squared their sum."),
        (1 + a**2, "that is 2 E[f'²]; χ = σ_w² E[f'²] is to be 1, so σ_w² is its inverse."),
        (1 / (1 + a**2), "you forgot that each half of the z axis has probability 1/2."),
        ((1 + a**2) / 2, "that is E[f'²]; χ = σ_w² E[f'²] is to be 1, so σ_w² is its inverse."),
        (0 * a + 2, "that is ReLU's value; the negative side of a Leaky ReLU passes some gradient too."),
        (
            0 * a + 1,
            "that is Glorot's value, which suits a straight line; half of the slopes are smaller here.",
        ),
        (np.sqrt(right), "that is σ_w; asked for is its square."),
    ]


@exercise(
    hints=(
        "All arrays together have one norm. What is its square, in terms of the entries?",
        "Above the limit all arrays shrink by one factor and the direction stays; below it nothing happens.",
        "The factor is limit / norm, but never more than 1; multiply every array by it.",
    )
)
def clip_together(answer):
    """The learner's clipping of a list of gradients by their joint norm."""
    small, large = [np.array([0.3, -0.4]), np.array([[0.0]])], [np.array([3.0, -4.0]), np.array([[12.0]])]
    _check_clipped(answer, large, 2.0, 2 / 13)
    got = _flat(call(answer, small, 2.0))
    explain(
        got,
        [
            (
                _flat(small) * 4,
                "your gradients of norm 0.5 were stretched to the limit 2: below it, leave them.",
            )
        ],
    )
    close(got, _flat(small), what="your gradients, already below the limit,")
    return (
        "the joint norm 13 became 2 with the direction kept, and gradients below the limit were left alone."
    )


def _check_clipped(answer, gradients, limit, factor):
    got = call(answer, gradients, limit)
    require(isinstance(got, tuple | list), "a list of arrays is wanted, as long as the one that was given.")
    require(len(got) == len(gradients), f"your list has {len(got)} arrays, and {len(gradients)} were given.")
    shapes = [np.shape(part) for part in got]
    require(
        shapes == [part.shape for part in gradients],
        f"your arrays have shapes {shapes}; shapes must not change.",
    )
    flat = _flat(gradients)
    known = [
        (flat, "nothing was clipped: the joint norm is 13 and the limit 2."),
        (
            np.clip(flat, -limit, limit),
            "you cut off each number; that turns the direction. Shrink all by one factor.",
        ),
        (
            np.array([3 * 0.4, -4 * 0.4, 2]),
            "you clipped each array by itself; that changes the layers' balance. One joint norm.",
        ),
        (
            flat * limit / 13**2,
            "you divided by the squared norm: take the square root of the sum of squares.",
        ),
        (flat / 13, "you scaled to norm 1; the limit was 2."),
        (
            flat * limit / 19,
            "you took the sum of the absolute values; the norm is the root of the sum of squares.",
        ),
    ]
    close(_flat(got), flat * factor, what="your clipped gradients", known=known)


def _flat(arrays):
    return np.concatenate([np.ravel(part) for part in arrays])
