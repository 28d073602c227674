"""Exercise checks of lesson 03: Leaky ReLU and its gradients, SELU's conditions, maxout, dead units."""

import numpy as np

from helpers.checks.frame import NotYet, array, call, close, exercise, explain, require
from helpers.numerics.activations import SELU_ALPHA, SELU_SCALE, elu, leaky_relu, leaky_relu_derivative
from helpers.numerics.theory import expectation

Z = np.array([[-3.0, -0.5, 0.25], [2.0, -1.25, 4.0]])
X = np.linspace(-3, 3, 25)
QUADRATURE = 1e-3  # what a plain sum on a fine grid reaches easily
LEAK = 0.01


@exercise
def leaky_relu_with_gradients(answer):
    """Check a function (z, slope) → (h, dh_dz, dh_dslope)."""
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
        (
            np.where(Z > 0, 1, Z),
            "where z > 0, h = z does not hold the slope: its derivative there is 0, not 1.",
        ),
    ]
    right = np.minimum(Z, 0)
    close(dslope, right, what="dh_dslope", known=_wrong(known, right))


@exercise
def selu_moments(answer):
    """Check a function (scale, alpha) → (E[h], E[h²]) for h = scale · elu(z, alpha), z ~ N(0, 1)."""
    for scale, alpha in ((1.3, 0.8), (0.9, 1.0), (SELU_SCALE, SELU_ALPHA)):
        got = array(call(answer, scale, alpha), (2,), "your pair (E[h], E[h²])")
        first, second = _moments(scale, alpha)
        known = _wrong(_known_moments(scale, alpha, first, second), (first, second), 2 * QUADRATURE)
        explain(got, known, rtol=QUADRATURE)
        close(got, [first, second], rtol=QUADRATURE, atol=QUADRATURE, what="(E[h], E[h²])")
    return (
        "with SELU's constants your mean is 0 and your second moment 1, and no other pair tried gives that."
    )


def _moments(scale, alpha):
    first, second = (float(expectation(lambda z, k=k: (scale * elu(z, alpha)) ** k, 1.0)) for k in (1, 2))
    return first, second


def _known_moments(scale, alpha, first, second):
    root = np.sqrt(2 * np.pi)
    return [
        (
            (first, second - first**2),
            "your second number is the variance, E[h²] − E[h]²; E[h²] itself is asked for.",
        ),
        ((first, np.sqrt(second)), "your second number is the root of E[h²]: leave the root out."),
        ((first / scale, second / scale**2), "the scale is missing: h = scale · elu(z, alpha)."),
        ((first, second / scale), "the scale must be squared in E[h²]."),
        (
            (root * first, root * second),
            "the density lacks its factor 1 / √(2π), so it does not add up to 1.",
        ),
        (_moments(scale, 1.0), "α is missing: your curve is scale · elu(z, 1)."),
    ]


@exercise
def maxout_weights(abs_w, abs_b, leaky_w, leaky_b):
    """Check the weights and biases of two maxout units of two pieces: |x|, and Leaky ReLU of slope 0.01."""
    flat = [(np.maximum(X, 0), "one piece is x, the other 0: that is ReLU. For |x| the left half needs −x.")]
    linear = [(X, "both pieces together give x: one of them must take over where x < 0.")]
    _fits(
        abs_w, abs_b, np.abs(X), "|x|", flat + linear + [(-np.abs(X), "that is the minimum; flip the signs.")]
    )
    turned = [
        (np.maximum(X, -LEAK * X), "a piece −0.01 x points upward on the left: its weight must be +0.01.")
    ]
    flat = [(np.maximum(X, 0), "that is ReLU; give the flat piece the weight 0.01.")]
    _fits(leaky_w, leaky_b, leaky_relu(X, LEAK), "Leaky ReLU", flat + turned + linear)
    return "two straight pieces each are enough: |x| is max(x, −x), and Leaky ReLU is max(x, 0.01 x)."


def _fits(w, b, wanted, name, known):
    w, b = array(w, (2,), f"the weights of {name}"), array(b, (2,), f"the biases of {name}")
    h = (X[:, None] * w + b).max(axis=1)
    explain(h, known)
    if np.any(b != 0) and np.allclose((X[:, None] * w).max(axis=1), wanted):
        raise NotYet(f"the weights of {name} are right, and both biases must be 0: both pieces go through 0.")
    close(h, wanted, what=f"your unit for {name}")


@exercise
def dead_units(answer):
    """Check a function (W, b, x) → which units of a ReLU layer are dead on the inputs x."""
    rng = np.random.default_rng(3)
    W, b, x = (
        rng.standard_normal((6, 5)),
        np.array([-40.0, -1.0, -4.0, -30.0, 1.0]),
        rng.standard_normal((50, 6)),
    )
    z = x @ W + b
    got = np.asarray(call(answer, W, b, x))
    _refuse_shape(got, z)
    require(got.dtype == bool or np.isin(got, (0, 1)).all(), "True or False is wanted for each unit.")
    explain(got.astype(float), _known_dead(W, z))
    close(got.astype(float), (z <= 0).all(axis=0), what="your list of dead units")
    return f"{int((z <= 0).all(axis=0).sum())} of the 5 units are dead: their z is below 0 on all 50 inputs."


def _refuse_shape(got, z):
    require(got.ndim > 0, "one number came back; True or False is wanted for each of the 5 units.")
    require(got.shape != z.shape, "one value for each input and unit: take all inputs together, with axis=0.")
    require(
        got.shape != z.shape[:1], "one value for each input came back; take `all` over axis=0, the inputs."
    )
    require(
        got.shape == z.shape[1:], f"the shape is {got.shape}; one value for each of the 5 units is wanted."
    )


def _known_dead(W, z):
    pairs = [
        (
            z.mean(axis=0) <= 0,
            "a unit with a negative mean z may still be above 0 on some input. Dead means: on none.",
        ),
        (
            (z <= 0).any(axis=0),
            "`any` finds units that are off on some input; dead ones are off on all of them.",
        ),
        ((z > 0).any(axis=0), "you found the living units: turn True and False round."),
        (
            np.zeros(len(z[0])),
            "no unit is dead by your rule, yet the biases −40 and −30 leave two no chance. Did b go in?",
        ),
    ]
    return [(wrong.astype(float), why) for wrong, why in pairs]
