"""Signals and gradients that fade or grow with depth.

By theory a layer multiplies the standard deviation of what passes by √(σ_w² E[f²] / q) forwards and √χ
backwards (`helpers.numerics.theory`). Severe: over the whole depth that makes a factor of 1,000 or more, so
that with one learning rate one end stands still while the other leaps. Mild: a factor of 15 to 300. The
layers that must be named are those at the far end; those at the near end, which are as they should be, may
not.
"""

from tests.ward.material import (
    called,
    images,
    mlp,
    names,
    net,
    parts,
    pictures,
    plain,
    scaled,
    stack,
    table,
)
from tests.ward.patient import Patient, at, halved


def forwards(severity, layers, out):
    """The signal is wrong at the last hidden layer for certain, at the first it is not."""
    return at(severity, layers[-1], may=(*layers[1:], out))


def backwards(severity, layers):
    """The gradient is wrong at the first layer for certain, at the last hidden one it is not."""
    return at(severity, layers[0], may=layers[:-1])


def both(kind, severity, layers, out):
    """Signal and gradient alike, as with activations that are linear at these scales."""
    return {
        f"{kind}_signal": forwards(severity, layers, out),
        f"{kind}_gradient": backwards(severity, layers),
    }


def numbered(depth):
    """Names of the hidden layers and of the output of a NumPy network."""
    return names(1, depth), f"layer {depth + 1}"


def residual(blocks, width, variance=2.0):
    """Layers that add relu(h W) to h: with every block the variance grows by half of `variance` and more."""

    def make(draw, inputs, classes):
        def block():
            return draw.skip(draw.dense(width, width, variance), draw.bend())

        first = [draw.dense(inputs, width), draw.bend()]
        return [*first, *(block() for _ in range(blocks)), draw.dense(width, classes)]

    return make


def cliff(factor):
    """A change that multiplies the weights of layer 4 by a factor."""

    def change(model):
        model.weights[3] *= factor

    return change


def _keras_cliff(model):
    layer = model.get_layer("c3")
    layer.set_weights([layer.kernel.numpy() * 1e-4, layer.bias.numpy()])


def _cliff_of(severity, depth, place):
    layers, out = numbered(depth)
    return {
        "vanishing_signal": at(severity, *layers[place - 1 :], may=(out,)),
        "vanishing_gradient": at(severity, *layers[: place - 1]),
    }


VANISHING_SIGNAL = halved(
    "set",
    Patient(
        "tanh, weights of 0.01, 10 layers, images",
        mlp(images, [60] * 10, "tanh", "small_normal"),
        both("vanishing", "severe", *numbered(10)),
    ),
    Patient(
        "ReLU convolutions with a fiftieth of He's variance",
        net(pictures, plain([], "relu", scaled(0.04), convs=[8] * 6)),
        both("vanishing", "severe", called(1, 6, "c"), "out"),
    ),
    Patient(
        "tanh, all fine but layer 4 with weights times 1e-4",
        mlp(table, [40] * 8, "tanh", "glorot_normal", change=cliff(1e-4)),
        _cliff_of("severe", 8, 4),
    ),
    Patient(
        "ReLU with He times 0.4, 12 layers, table",
        mlp(table, [50] * 12, "relu", "he_normal", gain=0.4),
        both("vanishing", "severe", *numbered(12)),
    ),
) + halved(
    "hold",
    Patient(
        "ReLU with He times 0.7, 10 layers, images",
        mlp(images, [60] * 10, "relu", "he_normal", gain=0.7),
        both("vanishing", "mild", *numbered(10)),
    ),
    Patient(
        "GELU with Glorot in Keras, 7 layers, table",
        net(table, plain([32] * 7, "gelu", "glorot_uniform")),
        both("vanishing", "mild", called(1, 7), "out"),
    ),
    Patient(
        "linear, weights times 0.65, widths from 80 to 20",
        mlp(images, [80, 70, 60, 50, 40, 30, 20, 20], "linear", "lecun_normal", gain=0.65),
        both("vanishing", "mild", *numbered(8)),
    ),
    Patient(
        "leaky ReLU convolutions with two fifths of He's variance",
        net(pictures, plain([], "leaky_relu", scaled(0.8), convs=[12] * 8)),
        both("vanishing", "mild", called(1, 8, "c"), "out"),
    ),
)

EXPLODING_SIGNAL = halved(
    "set",
    Patient(
        "ReLU with He times 3, 10 layers, images",
        mlp(images, [60] * 10, "relu", "he_normal", gain=3.0),
        both("exploding", "severe", *numbered(10)),
    ),
    Patient(
        "residual, 20 blocks started with He",
        parts(images, residual(20, 40)),
        both("exploding", "severe", *numbered(21)),
        frozenset({"dead_units"}),  # with all units alike, some are off for every image
    ),
    Patient(
        "linear, weights times 2.5, 9 layers, table",
        mlp(table, [40] * 9, "linear", "lecun_normal", gain=2.5),
        both("exploding", "severe", *numbered(9)),
    ),
    Patient(
        "leaky ReLU convolutions with twelve times He's variance",
        net(pictures, plain([], "leaky_relu", scaled(24.0), convs=[8] * 7)),
        both("exploding", "severe", called(1, 7, "c"), "out"),
    ),
) + halved(
    "hold",
    Patient(
        "ReLU with He times 1.6, 9 layers, images",
        mlp(images, [60] * 9, "relu", "he_normal", gain=1.6),
        both("exploding", "mild", *numbered(9)),
    ),
    Patient(
        "ReLU in Keras with 2.4 times He's variance, 10 layers, table",
        net(table, plain([40] * 10, "relu", scaled(4.8))),
        both("exploding", "mild", called(1, 10), "out"),
    ),
    Patient(
        "residual, 9 blocks started with He",
        parts(images, residual(9, 80), seed=2),
        both("exploding", "mild", *numbered(10)),
        frozenset({"dead_units"}),
    ),
    Patient(
        "linear, weights times 1.6, 8 layers, images",
        mlp(images, [50] * 8, "linear", "lecun_normal", gain=1.6),
        both("exploding", "mild", *numbered(8)),
    ),
)

VANISHING_GRADIENT = halved(
    "set",
    Patient(
        "sigmoid with Glorot, 10 layers, images",
        mlp(images, [60] * 10, "sigmoid", "glorot_normal"),
        {"vanishing_gradient": backwards("severe", names(1, 10))},
    ),
    Patient(
        "sigmoid in Keras, 8 layers, table",
        net(table, plain([32] * 8, "sigmoid", "glorot_uniform")),
        {"vanishing_gradient": backwards("severe", called(1, 8))},
    ),
) + halved(
    "hold",
    Patient(
        "sigmoid with Glorot, 4 layers, images",
        mlp(images, [80] * 4, "sigmoid", "glorot_uniform"),
        {"vanishing_gradient": backwards("mild", names(1, 4))},
    ),
    Patient(
        "sigmoid convolutions, 4 layers",
        net(pictures, plain([], "sigmoid", "glorot_uniform", convs=[8] * 4)),
        {"vanishing_gradient": backwards("mild", called(1, 4, "c"))},
    ),
)

EXPLODING_GRADIENT = halved(
    "set",
    Patient(
        "tanh times 6, 20 layers, images",
        mlp(images, [60] * 20, "tanh", "glorot_normal", gain=6.0),
        {
            "exploding_gradient": backwards("severe", names(1, 20)),
            "saturated_units": at("severe", *names(1, 20)),
        },
    ),
    Patient(
        "batch normalization before ReLU, 50 layers without skips",
        stack(images, [40] * 50, normalized="before"),
        {"exploding_gradient": backwards("severe", names(1, 50))},
    ),
) + halved(
    "hold",
    Patient(
        "tanh times 3, 13 layers, table",
        mlp(table, [60] * 13, "tanh", "glorot_normal", gain=3.0),
        {
            "exploding_gradient": backwards("mild", names(1, 13)),
            "saturated_units": at("mild", *names(2, 13), may=names(1, 1)),
        },
    ),
    Patient(
        "batch normalization before ReLU in Keras, 18 layers",
        net(table, plain([32] * 18, "relu", norm=True, bias=False)),
        {"exploding_gradient": backwards("mild", called(1, 18))},
    ),
)

PATIENTS = [*VANISHING_SIGNAL, *EXPLODING_SIGNAL, *VANISHING_GRADIENT, *EXPLODING_GRADIENT]
