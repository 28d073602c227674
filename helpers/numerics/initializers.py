"""Weight initializations: functions of a shape that return a weight matrix, and the variance they aim at.

Every one is an entry of `INITIALIZERS`, under its Keras name where Keras has one, and is called as
`INITIALIZERS["he_normal"]((fan_in, fan_out), rng=rng)`. A dense shape is (fan_in, fan_out), a
convolutional one (height, width, input channels, output channels).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import nan, sqrt

import numpy as np

TRUNCATED_STD = 0.87962566103423978  # std of a standard normal cut off at ±2, as in Keras
LSUV_TOLERANCE = 0.1  # Mishkin and Matas 2016, algorithm 1
LSUV_MAX_ITERATIONS = 10

DISTRIBUTIONS = ("normal", "truncated_normal", "uniform")
MODES = ("fan_in", "fan_out", "fan_avg")


def fans(shape) -> tuple[int, int]:
    """Return (fan_in, fan_out): how many inputs feed one unit, and how many units one input feeds.

    For a kernel of shape (height, width, c_in, c_out) they are height · width · c_in and
    height · width · c_out. Raises ValueError for fewer than two dimensions or an empty one.
    """
    if len(shape) < 2 or min(shape) < 1:
        raise ValueError(f"weights need a shape of at least two positive numbers, got {tuple(shape)}")
    positions = int(np.prod(shape[:-2]))
    return positions * shape[-2], positions * shape[-1]


@dataclass(frozen=True)
class Initializer:
    """A named way to draw weights: call it with a shape and `rng`, ask `variance(shape)` for its theory.

    `label` is what a figure shows, `formula` the variance in words. `variance` is nan for weights that
    are all equal and not 0: no random-weight theory holds for them. `activations.served_by(name)` tells
    whom it serves.
    """

    name: str
    label: str
    formula: str
    draw: Callable
    variance: Callable

    def __call__(self, shape, *, rng: np.random.Generator) -> np.ndarray:
        return self.draw(shape, rng)


def constant(value) -> Initializer:
    """Return an initializer that gives every weight the same value, so that symmetry never breaks."""
    return Initializer(
        f"constant({value:g})",
        f"all {value:g}",
        "0",
        lambda shape, rng: np.full(shape, float(value)),
        lambda shape: 0.0 if value == 0 else nan,  # equal weights: the theory of random ones is silent
    )


def random_normal(std) -> Initializer:
    """Return an initializer that draws from N(0, std²), whatever the shape.

    Raises ValueError for a negative standard deviation.
    """
    if not std >= 0:
        raise ValueError(f"std must be 0 or more, got {std}")
    return Initializer(
        f"random_normal({std:g})",
        f"N(0, {std:g}²)",
        f"{std:g}²",
        lambda shape, rng: std * rng.standard_normal(shape),
        lambda shape: float(std) ** 2,
    )


def draw_with_variance(shape, variance, distribution, rng) -> np.ndarray:
    """Return weights of mean 0 and the given variance.

    'normal' draws N(0, v); 'uniform' draws U(±√(3v)); 'truncated_normal' cuts N(0, s²) at ±2s and
    widens s by 1/0.8796 so that the variance is v all the same (as Keras's `VarianceScaling` does).
    """
    std = sqrt(variance)
    if distribution == "uniform":
        return rng.uniform(-sqrt(3) * std, sqrt(3) * std, shape)
    if distribution == "truncated_normal":
        return std / TRUNCATED_STD * _truncated_standard_normal(shape, rng)
    return std * rng.standard_normal(shape)


def variance_scaling(scale, mode, distribution, name=None, label=None) -> Initializer:
    """Return the general initializer: mean 0 and variance scale / fan, with the fan that `mode` names.

    `mode` is 'fan_in', 'fan_out' or 'fan_avg' (their mean); `distribution` is 'normal', 'uniform' or
    'truncated_normal' (what Keras means by "normal"). LeCun is (1, 'fan_in'), Glorot (1, 'fan_avg'), He
    (2, 'fan_in'). Raises ValueError for a scale that is not positive, an unknown mode or distribution.
    """
    if not scale > 0:
        raise ValueError(f"scale must be positive, got {scale}")
    if mode not in MODES:
        raise ValueError(f"unknown mode {mode!r}; choose one of {', '.join(MODES)}")
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"unknown distribution {distribution!r}; choose one of {', '.join(DISTRIBUTIONS)}")

    def variance(shape):
        fan_in, fan_out = fans(shape)
        return scale / {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]

    name = name or f"variance_scaling({scale:g}, {mode}, {distribution})"
    formula = f"{scale:g} / {mode}"
    return Initializer(
        name,
        label or name,
        formula,
        lambda shape, rng: draw_with_variance(shape, variance(shape), distribution, rng),
        variance,
    )


def _truncated_standard_normal(shape, rng):
    """Standard normal numbers, each drawn again until it lies within ±2."""
    numbers = rng.standard_normal(shape)
    while (outside := np.abs(numbers) > 2).any():
        numbers[outside] = rng.standard_normal(outside.sum())
    return numbers


def _orthogonal(shape, rng):
    """A random matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2014)."""
    fans(shape)
    rows, columns = int(np.prod(shape[:-1])), shape[-1]
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))  # makes the draw uniform over all such matrices
    return (q if rows >= columns else q.T).reshape(shape)


def _orthogonal_variance(shape):
    rows, columns = int(np.prod(shape[:-1])), shape[-1]
    return 1 / max(rows, columns)


def _scaling_family(name, label, scale, mode):
    """The two forms that Keras has of one variance rule: normal (cut off at ±2 std) and uniform."""
    forms = {"normal": "truncated_normal", "uniform": "uniform"}
    for form, distribution in forms.items():
        yield variance_scaling(scale, mode, distribution, f"{name}_{form}", f"{label} {form}")


_ENTRIES = (
    replace(constant(0), name="zeros", label="zeros"),
    replace(constant(1), name="ones", label="ones"),
    replace(random_normal(0.01), name="small_normal", label="N(0, 0.01²)"),
    replace(random_normal(1), name="standard_normal", label="N(0, 1)"),
    *_scaling_family("lecun", "LeCun", 1, "fan_in"),
    *_scaling_family("glorot", "Glorot", 1, "fan_avg"),
    *_scaling_family("he", "He", 2, "fan_in"),
    Initializer("orthogonal", "orthogonal", "1 / larger fan", _orthogonal, _orthogonal_variance),
)

INITIALIZERS: dict[str, Initializer] = {entry.name: entry for entry in _ENTRIES}


def get_initializer(initializer) -> Callable:
    """Return the entry of `INITIALIZERS` of that name, or the function itself.

    An initializer is a name or any function `(shape, rng=…)`. Raises ValueError naming an unknown one.
    """
    if callable(initializer):
        return initializer
    if initializer not in INITIALIZERS:
        raise ValueError(f"unknown initializer {initializer!r}; choose one of {', '.join(INITIALIZERS)}")
    return INITIALIZERS[initializer]


def scale_to_unit_variance(h, W, *, tolerance=LSUV_TOLERANCE, max_iterations=LSUV_MAX_ITERATIONS):
    """Return (W, iterations): W divided by the standard deviation of z = h @ W until Var(z) is 1.

    This is the layer step of LSUV (Mishkin and Matas 2016, algorithm 1): `h` is the batch that arrives,
    (batch, fan_in), `W` (fan_in, fan_out). Stops when |Var(z) − 1| < tolerance, or after `max_iterations`
    divisions. Raises ValueError when z does not vary at all, since no factor can help then.
    """
    for iteration in range(max_iterations + 1):
        variance = np.var(h @ W)
        if not (np.isfinite(variance) and variance > 0):
            raise ValueError(f"the pre-activations have variance {variance}: no scale can make it 1")
        if abs(variance - 1) < tolerance or iteration == max_iterations:
            return W, iteration
        W = W / np.sqrt(variance)
