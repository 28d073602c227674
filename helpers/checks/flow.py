"""The exercise checks of lesson 02: a slope that survives, the way back, χ, the edge, and clipping."""

import numpy as np

from helpers.checks.frame import array, call, close, exercise, explain, require
from helpers.numerics.activations import ACTIVATIONS, leaky_relu_derivative
from helpers.numerics.theory import chi

Z = np.array([0.0, 1.0, -1.0, 51.0, -51.0, 800.0, -800.0])
SAMPLING_ERROR = 0.02  # relative; a hundred thousand draws come within 0.01
BOTH_FACES = "σ(51) is rounded to exactly 1, so 1 − σ(51) is 0 and all 23 digits of the slope are lost."


@exercise
def stable_slope(answer):
    """The learner's σ'(z), at places where the plain formulas lose everything."""
    got = call(answer, Z)
    with np.errstate(all="ignore"):
        explain(got, _wrong_slopes(), rtol=1e-9, atol=0)
    values = array(got, Z.shape, "your slope")
    require(values[3] > 0, f"your slope at z = 51 is 0. {BOTH_FACES}")
    small = np.exp(-np.abs(Z))
    close(values, small / (1 + small) ** 2, rtol=1e-9, atol=0, what="your slope")
    return "at z = 51 you get 7.1e-23 and at z = ±800 a clean 0, with no overflow on the way."


def _wrong_slopes():
    s, e = 1 / (1 + np.exp(-Z)), np.exp(-Z)
    return [
        (s, "that is σ(z) itself, not its slope."),
        (s * (1 - s), f"your slope at z = 51 is 0. {BOTH_FACES}"),
        (1 - s, "that is 1 − σ(z); the slope is σ(z) times that, and the difference needs care at z = 51."),
        (
            e / (1 + e) ** 2,
            "at z = −800 the power e^800 overflows, and ∞ / ∞ is NaN. Which of z and −z can't overflow?",
        ),
        (np.exp(-np.abs(Z)), "that is e^(−|z|) alone; at z = 0 it is 1, but the slope there is 1/4."),
    ]


@exercise
def gradients_back(answer):
    """The learner's list of gradients [dz_1, …, dz_L], from the last one, the weights and the slopes."""
    rng = np.random.default_rng(2)
    dz_last, slopes = rng.normal(size=(3, 4)), [rng.uniform(0.1, 1, (3, 4)) for _ in range(4)]
    weights = [rng.normal(size=(4, 4)) for _ in range(3)]
    got = call(answer, dz_last, weights, slopes)
    require(isinstance(got, tuple | list), "a list of arrays is wanted, one for each layer.")
    require(len(got) != 3, "your list has 3 arrays for 4 layers: dz_last belongs to it, as the last one.")
    require(len(got) == 4, f"your list has {len(got)} arrays, and there are 4 layers.")
    right = _way_back(dz_last, weights, slopes)
    explain(got, _wrong_ways_back(dz_last, weights, slopes, right))
    close(got, right, what="your list of gradients")
    return "each gradient is the next one, sent back through the weights and damped by the slopes."


def _way_back(dz, weights, slopes, step=lambda dz, W, slope, _: dz @ W.T * slope):
    """The recursion with any step (dz, W, slope of this layer, slope of the next one)."""
    gradients = [dz]
    for W, slope, next_slope in zip(weights[::-1], slopes[-2::-1], slopes[::-1], strict=False):
        gradients.insert(0, step(gradients[0], W, slope, next_slope))
    return np.array(gradients)


def _wrong_ways_back(dz, weights, slopes, right):
    no_slope = _way_back(dz, weights, slopes, lambda dz, W, slope, later: dz @ W.T)
    no_transpose = _way_back(dz, weights, slopes, lambda dz, W, slope, later: dz @ W * slope)
    later_slope = _way_back(dz, weights, slopes, lambda dz, W, slope, later: dz @ W.T * later)
    slope_first = _way_back(dz, weights, slopes, lambda dz, W, slope, later: (dz * later) @ W.T)
    order = "you went through the weights from first to last; the way back begins with the last ones."
    comes_from = (
        "you used the slopes of the layer that the gradient comes from; those of the layer it reaches count."
    )
    return [
        (right[::-1], "the gradients are right but in reverse order: the first array belongs to layer 1."),
        (_way_back(dz, weights[::-1], slopes), order),
        (no_slope, "you forgot the slopes: a gradient that passes a unit is multiplied by f'(z) there."),
        (no_transpose, "you multiplied by W; on the way back the weights are transposed, W.T."),
        (later_slope, comes_from),
        (
            slope_first,
            "first come the weights, dz @ W.T, then the slopes of the layer that the gradient reaches.",
        ),
    ]


@exercise
def chi_factor(answer):
    """The learner's χ = σ_w² E[f'(√q ξ)²], by sampling or by quadrature, to 2 %."""
    for name, sigma_w2, q in (("tanh", 1.5, 16.0), ("sigmoid", 3.0, 6.0), ("relu", 3.0, 0.5)):
        df = ACTIVATIONS[name].df
        got = call(answer, df, sigma_w2, q)
        right = float(chi(name, q, sigma_w2))
        for wrong, hint in _wrong_chis(df, sigma_w2, q):
            if abs(wrong - right) > 3 * SAMPLING_ERROR * right:
                explain(got, [(wrong, hint)], rtol=SAMPLING_ERROR)
        what = f"your χ for {name} with σ_w² = {sigma_w2:g}, q = {q:g}"
        close(
            got,
            right,
            rtol=SAMPLING_ERROR,
            what=what,
            known=[(right / 2, f"{what} is half of what is wanted.")],
        )
    return "your χ agrees with exact integration for tanh, sigmoid and ReLU, to 2 %."


def _wrong_chis(df, sigma_w2, q):
    xi = np.linspace(-8, 8, 16_001)
    weight = np.exp(-(xi**2) / 2)

    def mean(values):
        return float(np.sum(weight * values) / weight.sum())

    square = mean(df(np.sqrt(q) * xi) ** 2)
    return [
        (square, "you forgot σ_w²: the weights multiply the gradient too."),
        (np.sqrt(sigma_w2) * square, "you multiplied by σ_w; χ is a factor on the square, so it needs σ_w²."),
        (sigma_w2 * mean(df(np.sqrt(q) * xi)), "you averaged f' itself; χ needs the average of its square."),
        (
            sigma_w2 * mean(df(np.sqrt(q) * xi)) ** 2,
            "you squared the average; χ needs the average of the squares.",
        ),
        (
            sigma_w2 * mean(df(q * xi) ** 2),
            "you used z = q ξ; q is a variance, so the standard deviation is √q.",
        ),
        (sigma_w2 * mean(df(xi) ** 2), "your χ does not depend on q: z = √q ξ, not ξ."),
        (np.sqrt(sigma_w2 * square), "that is √χ, the factor on the norm; χ is the factor on its square."),
    ]


@exercise
def edge_of_leaky_relu(answer):
    """The learner's critical σ_w² for a Leaky ReLU of any slope, 2 / (1 + a²)."""
    for slope in (0.0, 0.01, 0.3, 1.0):
        got = array(call(answer, slope), (), f"your σ_w² for slope {slope:g}")
        right = 2 / (1 + slope**2)
        _tell_wrong_edge(float(got), slope, right)
        close(got, right, rtol=0.01, what=f"your σ_w² for slope {slope:g}")
        mean_square = np.mean(leaky_relu_derivative(np.array([-1.0, 1.0]), slope) ** 2)
        require(abs(got * mean_square - 1) < 0.01, f"with your σ_w² for slope {slope:g}, χ is not 1.")
    return "with these weights χ = 1 for every slope: 2 for ReLU (a = 0), 1 for a straight line (a = 1)."


def _tell_wrong_edge(got, slope, right):
    known = [
        (2 / (1 + slope), "the slope counts by its square: E[f'²] = (1 + a²) / 2."),
        (1 / (1 + slope**2), "you forgot that each half of the z axis has probability 1/2."),
        ((1 + slope**2) / 2, "that is E[f'²]; χ = σ_w² E[f'²] is to be 1, so σ_w² is its inverse."),
        (2.0, "that is ReLU's value; the negative side of a Leaky ReLU passes some gradient too."),
        (1.0, "that is Glorot's value, which suits a straight line; half of the slopes are smaller here."),
        (np.sqrt(right), "that is σ_w; asked for is its square."),
    ]
    if abs(got - right) > 0.01 * right:
        explain(got, known, rtol=1e-3)


@exercise
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
