"""Which variance an activation asks for, and what the usual initialization makes of it: computed, not typed.

Mean-field theory for wide layers: with z ~ N(0, 1) in one layer, E[h²] = E[f(z)²], so the next layer's
variance is fan_in · Var(w) · E[f²]. Backward, a layer multiplies the gradient's mean square by
fan_out · Var(w) · E[f'²].
"""

from helpers.numerics.activations import ACTIVATIONS, get_activation
from helpers.numerics.gaussian import mean_square, mean_square_slope
from helpers.numerics.initializers import INITIALIZERS
from helpers.numerics.tables import Table, table
from helpers.numerics.theory import variance_map

SQUARE = 100  # fan_in and fan_out of the layers that the table is for
STEPS = 9  # from layer 1 to layer 10
HEADS = (
    "activation",
    "signal asks: n·Var(w)",
    "gradient asks",
    "usual choice",
    "its n·Var(w)",
    "signal kept per layer",
    "gradient kept per layer",
    "std of z, layer 10, if 1 in layer 1",
)


def asked_by_signal(activation, q=1.0) -> float:
    """Return the fan_in · Var(w) that keeps Var(z) at `q`: q / E[f(√q ξ)²]."""
    return float(q / mean_square(activation, q))


def asked_by_gradient(activation, q=1.0) -> float:
    """Return the fan_out · Var(w) that keeps the gradient's mean square at Var(z) = `q`: 1 / E[f'(√q ξ)²]."""
    return float(1 / mean_square_slope(activation, q))


def usual_scale(activation) -> float:
    """Return fan_in · Var(w) of the initializer that an activation's entry names, for a square layer."""
    entry = INITIALIZERS[get_activation(activation).initializer]
    return SQUARE * entry.variance((SQUARE, SQUARE))


def std_after(activation, scale, steps=STEPS) -> float:
    """Return √Var(z) after so many steps of Var(z) ← scale · E[f²], from Var(z) = 1."""
    q = 1.0
    for _ in range(steps):
        q = variance_map(activation, q, scale)
    return float(q**0.5)


def initialization_table() -> Table:
    """Return a row for every activation, by theory, and one for softmax, which stands in no hidden layer.

    "Kept" are factors on mean squares at Var(z) = 1; the last column starts at a std of 1.
    """
    rows = []
    for name, entry in ACTIVATIONS.items():
        scale = usual_scale(name)
        signal, gradient = asked_by_signal(name), asked_by_gradient(name)
        told = (scale, scale / signal, scale / gradient, std_after(name, scale))
        usual = INITIALIZERS[entry.initializer].label.removesuffix(" normal")
        first, *rest = (f"{value:.2f}" for value in told)
        rows.append((entry.label, f"{signal:.2f}", f"{gradient:.2f}", usual, first, *rest))
    rows.append(("softmax", "–", "–", "Glorot", "1.00", "output layer only", "–", "–"))
    return table(HEADS, rows)
