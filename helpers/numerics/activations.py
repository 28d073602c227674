"""Activation functions and their derivatives, each with the facts that decide where it is used.

Every elementwise activation is one entry of `ACTIVATIONS`: `ACTIVATIONS["tanh"].f(z)` is its value and
`.df(z)` its derivative. Both keep the shape and the floating-point type of `z`. Maxout is not
elementwise: it takes the maximum over several pre-activations, so it stands beside the table.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import e, erfc, exp, inf, pi, sqrt
from typing import NamedTuple

import numpy as np

LEAKY_RELU_SLOPE = 0.01  # Maas et al. 2013; the Keras layer starts from 0.3, the Keras function from 0.2
PRELU_START_SLOPE = 0.25  # He et al. 2015, section 2.1; Keras starts from 0
ELU_ALPHA = 1.0  # Clevert et al. 2016
GELU_CUBE = 0.044715  # of GELU's tanh form, Hendrycks and Gimpel 2016, section 2


def sigmoid(z):
    """Return σ(z) = 1 / (1 + e^−z), between 0 and 1."""
    with np.errstate(over="ignore"):  # e^800 is inf, and 1 / inf is the right answer, 0
        return 1 / (1 + np.exp(-z))


def sigmoid_derivative(z):
    """Return σ'(z) = σ(z) σ(−z): the product keeps its digits where 1 − σ(z) would round to 0."""
    return sigmoid(z) * sigmoid(-z)


def tanh(z):
    """Return tanh(z) = 2σ(2z) − 1, between −1 and 1."""
    return np.tanh(z)


def tanh_derivative(z):
    """Return 1 − tanh²(z) = 4σ'(2z)."""
    h = np.tanh(z)
    return 1 - h * h


def relu(z):
    """Return max(0, z) (Nair and Hinton 2010)."""
    return np.maximum(z, 0)


def relu_derivative(z):
    """Return 1 where z > 0, else 0; at the kink z = 0 the choice is 0, as in Keras."""
    return np.greater(z, 0).astype(_float_type(z))


def leaky_relu(z, slope=LEAKY_RELU_SLOPE):
    """Return z where z > 0, else slope · z (Maas et al. 2013)."""
    return np.maximum(z, 0) + _like(z, slope) * np.minimum(z, 0)


def leaky_relu_derivative(z, slope=LEAKY_RELU_SLOPE):
    """Return 1 where z > 0, else the slope; at the kink z = 0 the choice is the slope."""
    right = relu_derivative(z)
    return right + (1 - right) * _like(z, slope)


def prelu_slope_gradient(z, dh):
    """Return the loss gradient of a PReLU's slope: the sum of dh · z over the places where z < 0.

    PReLU is `leaky_relu` with a learned slope a, so ∂h/∂a = min(0, z) (He et al. 2015, section 2.1).
    `z` and `dh` have the same shape; the result is one number, for a slope shared by the whole layer.
    """
    if np.shape(z) != np.shape(dh):
        raise ValueError(f"z and dh must have the same shape, got {np.shape(z)} and {np.shape(dh)}")
    return np.sum(dh * np.minimum(z, 0))


def elu(z, alpha=ELU_ALPHA):
    """Return z where z > 0, else α(e^z − 1) (Clevert et al. 2016)."""
    return np.maximum(z, 0) + _like(z, alpha) * np.expm1(np.minimum(z, 0))


def elu_derivative(z, alpha=ELU_ALPHA):
    """Return 1 where z > 0, else α e^z."""
    right = relu_derivative(z)
    return right + (1 - right) * _like(z, alpha) * np.exp(np.minimum(z, 0))


def selu_constants() -> tuple[float, float]:
    """Return (λ, α) of SELU, for which mean 0 and variance 1 come out of a layer as they went in.

    With z ~ N(0, 1) the two conditions E[selu(z)] = 0 and E[selu(z)²] = 1 have one solution,
    α = √(2/π) / (1 − √e erfc(1/√2)) and λ = E[elu(z, α)²]^(−1/2) (Klambauer et al. 2017, equation 14).
    """
    tail = sqrt(e) * erfc(1 / sqrt(2))  # 2 E[e^z; z < 0]
    alpha = sqrt(2 / pi) / (1 - tail)
    second_moment = 1 / 2 + alpha**2 * (exp(2) * erfc(sqrt(2)) / 2 - tail + 1 / 2)
    return 1 / sqrt(second_moment), alpha


SELU_SCALE, SELU_ALPHA = selu_constants()


def selu(z):
    """Return λ · elu(z, α) with the constants of `selu_constants` (Klambauer et al. 2017)."""
    return _like(z, SELU_SCALE) * elu(z, SELU_ALPHA)


def selu_derivative(z):
    """Return λ where z > 0, else λα e^z."""
    return _like(z, SELU_SCALE) * elu_derivative(z, SELU_ALPHA)


def normal_cdf(z):
    """Return Φ(z), the probability that a standard normal variable is below z."""
    from scipy.special import ndtr  # here, since its import takes 0.2 s and GELU alone needs it

    return ndtr(z)


def gelu(z):
    """Return z Φ(z), where Φ is the cumulative normal distribution (Hendrycks and Gimpel 2016)."""
    return z * normal_cdf(z)


def gelu_tanh(z):
    """Return z/2 · (1 + tanh(√(2/π) (z + 0.044715 z³))), GELU's cheap form (Hendrycks and Gimpel 2016)."""
    return z / 2 * (1 + np.tanh(_gelu_inside(z)))


def gelu_tanh_derivative(z):
    """Return (1 + t) / 2 + z/2 · (1 − t²) · √(2/π) (1 + 3 · 0.044715 z²), t being `gelu_tanh`'s tanh."""
    t = np.tanh(_gelu_inside(z))
    inner = _like(z, sqrt(2 / pi)) * (1 + _like(z, 3 * GELU_CUBE) * z * z)
    return (1 + t) / 2 + z / 2 * (1 - t * t) * inner


def gelu_derivative(z):
    """Return Φ(z) + z φ(z), where φ is the normal density."""
    return normal_cdf(z) + z * np.exp(-np.square(z) / 2) / _like(z, sqrt(2 * pi))


def silu(z):
    """Return z σ(z), also called swish (Elfwing et al. 2018)."""
    return z * sigmoid(z)


def silu_derivative(z):
    """Return σ(z) + z σ'(z)."""
    s = sigmoid(z)
    return s + z * s * (1 - s)


def softplus(z):
    """Return ln(1 + e^z), a smooth ReLU (Dugas et al. 2001)."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))  # e^|z| never overflows this way


def softplus_derivative(z):
    """Return σ(z)."""
    return sigmoid(z)


def mish(z):
    """Return z tanh(softplus(z)) (Misra 2019)."""
    return z * _tanh_of_softplus(z)


def mish_derivative(z):
    """Return tanh(s) + z σ(z) (1 − tanh²(s)) with s = softplus(z)."""
    t = _tanh_of_softplus(z)
    return t + z * sigmoid(z) * (1 - t**2)


def linear(z):
    """Return z: no activation at all."""
    return z


def linear_derivative(z):
    """Return 1 everywhere."""
    return np.ones_like(z)


def maxout(z, pieces):
    """Return the maximum over groups of `pieces` neighboring pre-activations (Goodfellow et al. 2013).

    `z` has shape (batch, units · pieces), the result (batch, units): h_j = max_k z_{j,k}.
    Raises ValueError when the number of columns is not a multiple of `pieces`.
    """
    return _in_pieces(z, pieces).max(axis=-1)


def maxout_derivative(z, pieces):
    """Return ∂h/∂z in the shape of `z`: 1 at the winner of each group (the first of equals), else 0."""
    groups = _in_pieces(z, pieces)
    winners = groups.argmax(axis=-1)[..., None]
    return (np.arange(pieces) == winners).astype(groups.dtype).reshape(np.shape(z))


class Saturation(NamedTuple):
    """The values that the output settles at, far left and far right; None where it keeps growing."""

    left: float | None = None
    right: float | None = None


@dataclass(frozen=True)
class Activation:
    """An elementwise activation: its value `f`, its derivative `df`, and all that is known about it.

    `label` is what a figure shows, `formula` and `derivative` are f and f' as a learner reads them.
    `limits` are the infimum and the supremum of f. `saturation` tells where the output settles and the
    derivative goes to 0. `can_die` is true when a unit can sit where the derivative is exactly 0 for a
    whole half-line, so that no update reaches it any more. `initializer` is the usual companion.
    """

    name: str
    label: str
    f: Callable
    df: Callable
    formula: str
    derivative: str
    limits: tuple[float, float]
    initializer: str
    saturation: Saturation = Saturation()  # noqa: RUF009 - a named tuple can't be changed
    can_die: bool = False

    @property
    def zero_centered(self) -> bool:
        """Whether the output takes both signs about equally: an odd function."""
        z = np.linspace(0.1, 5, 50)
        return bool(np.allclose(self.f(-z), -self.f(z)))

    @property
    def saturates(self) -> str:
        """On which sides the output settles: 'both sides', 'left', 'right' or 'no'."""
        left, right = (side is not None for side in self.saturation)
        return {(True, True): "both sides", (True, False): "left", (False, True): "right"}.get(
            (left, right), "no"
        )


SELU_FLOOR = -SELU_SCALE * SELU_ALPHA  # what SELU settles at, far left
_TO_ZERO = Saturation(left=0.0)

_ENTRIES = (
    Activation(
        name="sigmoid",
        label="sigmoid",
        f=sigmoid,
        df=sigmoid_derivative,
        formula="1 / (1 + exp(-z))",
        derivative="f·(1 - f)",
        limits=(0, 1),
        initializer="glorot_normal",
        saturation=Saturation(0.0, 1.0),
    ),
    Activation(
        name="tanh",
        label="tanh",
        f=tanh,
        df=tanh_derivative,
        formula="tanh(z)",
        derivative="1 - f²",
        limits=(-1, 1),
        initializer="glorot_normal",
        saturation=Saturation(-1.0, 1.0),
    ),
    Activation(
        name="relu",
        label="ReLU",
        f=relu,
        df=relu_derivative,
        formula="z if z > 0 else 0",
        derivative="1 if z > 0 else 0",
        limits=(0, inf),
        initializer="he_normal",
        saturation=_TO_ZERO,
        can_die=True,
    ),
    Activation(
        name="leaky_relu",
        label="Leaky ReLU",
        f=leaky_relu,
        df=leaky_relu_derivative,
        formula="z if z > 0 else 0.01·z",
        derivative="1 if z > 0 else 0.01",
        limits=(-inf, inf),
        initializer="he_normal",
    ),
    Activation(
        name="prelu",
        label="PReLU",
        f=partial(leaky_relu, slope=PRELU_START_SLOPE),
        df=partial(leaky_relu_derivative, slope=PRELU_START_SLOPE),
        formula="z if z > 0 else a·z",
        derivative="1 if z > 0 else a",
        limits=(-inf, inf),
        initializer="he_normal",
    ),
    Activation(
        name="elu",
        label="ELU",
        f=elu,
        df=elu_derivative,
        formula="z if z > 0 else exp(z) - 1",
        derivative="1 if z > 0 else exp(z)",
        limits=(-ELU_ALPHA, inf),
        initializer="he_normal",
        saturation=Saturation(left=-ELU_ALPHA),
    ),
    Activation(
        name="selu",
        label="SELU",
        f=selu,
        df=selu_derivative,
        formula="λ·z if z > 0 else λ·α·(exp(z) - 1)",
        derivative="λ if z > 0 else λ·α·exp(z)",
        limits=(SELU_FLOOR, inf),
        initializer="lecun_normal",
        saturation=Saturation(left=SELU_FLOOR),
    ),
    Activation(
        name="gelu",
        label="GELU",
        f=gelu,
        df=gelu_derivative,
        formula="z·Φ(z)",
        derivative="Φ(z) + z·φ(z)",
        limits=(-0.169971207479904, inf),
        initializer="he_normal",
        saturation=_TO_ZERO,
    ),
    Activation(
        name="silu",
        label="SiLU",
        f=silu,
        df=silu_derivative,
        formula="z·σ(z)",
        derivative="σ(z) + z·σ(z)·σ(-z)",
        limits=(-0.278464542761074, inf),
        initializer="he_normal",
        saturation=_TO_ZERO,
    ),
    Activation(
        name="softplus",
        label="softplus",
        f=softplus,
        df=softplus_derivative,
        formula="ln(1 + exp(z))",
        derivative="σ(z)",
        limits=(0, inf),
        initializer="he_normal",
        saturation=_TO_ZERO,
    ),
    Activation(
        name="mish",
        label="Mish",
        f=mish,
        df=mish_derivative,
        formula="z·tanh(s) with s = softplus(z)",
        derivative="tanh(s) + z·σ(z)·(1 - tanh(s)²)",
        limits=(-0.308843413017250, inf),
        initializer="he_normal",
        saturation=_TO_ZERO,
    ),
    Activation(
        name="linear",
        label="linear",
        f=linear,
        df=linear_derivative,
        formula="z",
        derivative="1",
        limits=(-inf, inf),
        initializer="lecun_normal",
    ),
)

ACTIVATIONS: dict[str, Activation] = {entry.name: entry for entry in _ENTRIES}

# GELU as most libraries compute it where speed counts; beside the table, for it is no other activation.
GELU_TANH = replace(
    ACTIVATIONS["gelu"],
    name="gelu_tanh",
    label="GELU, tanh form",
    f=gelu_tanh,
    df=gelu_tanh_derivative,
    formula="z/2·(1 + tanh(√(2/π)·(z + 0.044715·z³)))",
    derivative="as GELU's, to 0.001",
)


def get_activation(name) -> Activation:
    """Return the entry of `ACTIVATIONS` of that name, or the `Activation` itself.

    Raises ValueError naming the unknown activation and those that exist.
    """
    if isinstance(name, Activation):
        return name
    if name not in ACTIVATIONS:
        raise ValueError(f"unknown activation {name!r}; choose one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def served_by(initializer) -> tuple[str, ...]:
    """Return the names of the activations that an initializer, by its name, was made for.

    They are those whose companion is of its family: "he_uniform" serves what starts with "he_normal".
    """
    family = initializer.split("_")[0]
    return tuple(name for name, entry in ACTIVATIONS.items() if entry.initializer.split("_")[0] == family)


def reshaped(name, label, *, factor=1.0, shift=0.0) -> Activation:
    """Return the entry `name` with factor · (f(z) + shift) for f(z): steeper, or around another middle."""
    entry = get_activation(name)
    limits = tuple(factor * (limit + shift) for limit in entry.limits)
    ends = (None if end is None else factor * (end + shift) for end in entry.saturation)
    return replace(
        entry,
        name=label,
        label=label,
        f=lambda z: _like(z, factor) * (entry.f(z) + _like(z, shift)),
        df=lambda z: _like(z, factor) * entry.df(z),
        formula=f"{factor:g}·({entry.name} + {shift:g})",
        derivative=f"{factor:g}·{entry.name}'",
        limits=limits,
        saturation=Saturation(*ends),
    )


# A unit counts as saturated where its slope is below a twentieth of the steepest. A sigmoid is then
# within 1.3 % of its limits, and the gradient that passes is a twentieth at most of what it could be.
SATURATED_SLOPE = 0.05


@lru_cache(maxsize=64)
def largest_slope(activation) -> float:
    """Return the largest |f'(z)| of an activation, by name or entry, found on a fine grid of −6 … 6."""
    return float(np.abs(get_activation(activation).df(np.linspace(-6, 6, 1201))).max())


PARAMETERS = {  # name: f, f', and the keyword of the number that one may choose
    "leaky_relu": (leaky_relu, leaky_relu_derivative, "slope"),
    "prelu": (leaky_relu, leaky_relu_derivative, "slope"),
    "elu": (elu, elu_derivative, "alpha"),
}


def with_parameter(name, value) -> Activation:
    """Return the entry `name` with its slope (leaky_relu, prelu) or its α (elu) set to `value`.

    At 0 all three are ReLU in all but name. Raises ValueError for an activation without a parameter, or
    for a value that is not between 0 and 10.
    """
    if name not in PARAMETERS:
        raise ValueError(f"{name!r} has no parameter; those with one are {', '.join(PARAMETERS)}")
    if not 0 <= value <= 10:
        raise ValueError(f"the parameter of {name} must lie in 0 … 10, got {value}")
    f, df, keyword = PARAMETERS[name]
    chosen = {"f": partial(f, **{keyword: value}), "df": partial(df, **{keyword: value})}
    return replace(ACTIVATIONS[name], **chosen, **_with_value(name, float(value)))


def _with_value(name, value):
    """What else of an entry changes with its parameter."""
    if value == 0:
        shared = ("formula", "derivative", "limits", "saturation", "can_die")
        return {field: getattr(ACTIVATIONS["relu"], field) for field in shared}
    if name == "elu":
        left = {"formula": f"{value:g}·(exp(z) - 1)", "derivative": f"{value:g}·exp(z)"}
        changed = {"limits": (-value, inf), "saturation": Saturation(left=-value)}
    else:
        left, changed = {"formula": f"{value:g}·z", "derivative": f"{value:g}"}, {}
    return changed | {
        "formula": f"z if z > 0 else {left['formula']}",
        "derivative": f"1 if z > 0 else {left['derivative']}",
    }


def _float_type(z):
    dtype = np.asarray(z).dtype
    return dtype if dtype.kind == "f" else np.float64


def _like(z, number):
    """The number in z's own floating-point type, so that float32 stays float32."""
    return _float_type(z).type(number) if isinstance(z, np.ndarray) else number


def _gelu_inside(z):
    return _like(z, sqrt(2 / pi)) * (z + _like(z, GELU_CUBE) * z * z * z)


def _tanh_of_softplus(z):
    """tanh(ln(1 + e^z)) = n / (n + 2) with n = e^z (e^z + 2): no logarithm; 1 from z = 20 on."""
    exp_z = np.exp(np.minimum(z, 20))
    n = exp_z * (exp_z + 2)
    return n / (n + 2)


def _in_pieces(z, pieces):
    z = np.asarray(z)
    if pieces < 1 or z.shape[-1] % pieces:
        raise ValueError(f"{z.shape[-1]} pre-activations can't be split into groups of {pieces} pieces")
    return z.reshape(*z.shape[:-1], -1, pieces)
