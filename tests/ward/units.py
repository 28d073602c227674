"""Units that are saturated, dead or copies of each other, and numbers that are none.

Saturated, severe: in a layer at least 60 % of the pre-activations lie where the slope is below a twentieth of
its largest; mild: 25 to 50 %. Dead, severe: at least 60 % of a layer's units have slope 0 on every example;
mild: 25 to 45 %. Symmetric, severe: all units of a layer have equal weights, so that it counts as one; mild:
half of them are copies. A number that is not finite spoils every layer after it: that is always severe.
"""

import numpy as np

from tests.ward.material import images, mlp, names, net, parts, pictures, plain, scaled, table
from tests.ward.patient import Patient, at, halved

UPSTREAM = frozenset({"vanishing_gradient", "vanishing_signal"})  # little comes back through a shut layer


def shifted(layer, amount, share=1.0, sign=-1.0):
    """A change of an `MLP`: the biases of the first `share` of a layer's units become sign · amount."""

    def change(model):
        bias = model.biases[layer - 1]
        bias[: round(share * len(bias))] = sign * amount

    return change


def shifted_in(name, amount, share=1.0):
    """The same for a layer of a Keras model; `amount` carries its sign."""

    def change(model):
        layer = model.get_layer(name)
        kernel, bias = layer.get_weights()
        bias[: round(share * len(bias))] = amount
        layer.set_weights([kernel, bias])

    return change


def copied(layer, share):
    """A change of an `MLP`: the first `share` of a layer's units become copies of its first one."""

    def change(model):
        W = model.weights[layer - 1]
        W[:, : round(share * W.shape[1])] = W[:, :1]

    return change


def copied_in(name, share):
    """The same for a layer of a Keras model."""

    def change(model):
        layer = model.get_layer(name)
        kernel, *rest = layer.get_weights()
        kernel[..., : round(share * kernel.shape[-1])] = kernel[..., :1]
        layer.set_weights([kernel, *rest])

    return change


def paired(layer):
    """A change of an `MLP`: every second unit of a layer is a copy of the one before it."""

    def change(model):
        W = model.weights[layer - 1]
        W[:, 1::2] = W[:, ::2]

    return change


def equal(shape, *, rng):
    """An initializer that gives every unit the same weights, of a size that keeps their mean."""
    return np.full(shape, 1.0 / shape[0])


def spoiled(layer, value):
    """A change of an `MLP`: one weight of a layer becomes inf or nan."""

    def change(model):
        model.weights[layer - 1][0, 0] = value

    return change


def spoiled_in(name, value):
    """The same for a layer of a Keras model, in its bias."""

    def change(model):
        layer = model.get_layer(name)
        kernel, bias = layer.get_weights()
        bias[0] = value
        layer.set_weights([kernel, bias])

    return change


def _with_dead_branch(draw, inputs, classes):
    shut = draw.dense(40, 40)
    shut.b -= 12.0
    return [
        draw.dense(inputs, 40),
        draw.bend("tanh"),
        draw.skip(shut, draw.bend("relu")),
        draw.skip(draw.dense(40, 40), draw.bend("tanh")),
        draw.dense(40, classes),
    ]


SATURATED = halved(
    "set",
    Patient(
        "tanh with weights from N(0, 1), 4 layers, images",
        mlp(images, [100] * 4, "tanh", "standard_normal"),
        {"saturated_units": at("severe", *names(1, 4))},
        frozenset({"exploding_gradient"}),  # σ_w is 10 here: what comes back doubles at every layer
    ),
    Patient(
        "sigmoid in Keras, the second of three layers with biases of 8",
        net(table, plain([40] * 3, "sigmoid", "glorot_normal", norm=False), change=shifted_in("d2", 8.0)),
        {"saturated_units": at("severe", "d2")},
        UPSTREAM,
    ),
    Patient(
        "tanh convolutions with weights times 6",
        net(pictures, plain([], "tanh", scaled(36.0), convs=[8] * 2)),
        {"saturated_units": at("severe", "c1", "c2")},
    ),
    Patient(
        "ELU, layer 2 of 4 with biases of −8",
        mlp(table, [50] * 4, "elu", "he_normal", change=shifted(2, 8.0)),
        {"saturated_units": at("severe", "layer 2")},
        UPSTREAM,
    ),
) + halved(
    "hold",
    Patient(
        "tanh times 2.6, 3 layers, table",
        mlp(table, [60] * 3, "tanh", "lecun_normal", gain=2.6),
        {"saturated_units": at("mild", *names(1, 3))},
    ),
    Patient(
        "tanh in Keras, layer 2 with two fifths of its biases at 4",
        net(table, plain([45] * 3, "tanh", "glorot_normal"), change=shifted_in("d2", 4.0, 0.4)),
        {"saturated_units": at("mild", "d2")},
    ),
    Patient(
        "sigmoid with wide weights, one layer, images",
        mlp(images, [60], "sigmoid", "lecun_normal", gain=5.0),
        {"saturated_units": at("mild", "layer 1")},
    ),
    Patient(
        "tanh convolutions with weights times 3",
        net(pictures, plain([], "tanh", scaled(9.0), convs=[10] * 2), seed=4),
        {"saturated_units": at("mild", "c1", "c2")},
    ),
)

DEAD = halved(
    "set",
    Patient(
        "ReLU, layer 2 of 4 with most biases at −12, images",
        mlp(images, [60] * 4, "relu", "he_normal", change=shifted(2, 12.0, 0.9)),
        {"dead_units": at("severe", "layer 2")},
    ),
    Patient(
        "ReLU convolutions, three quarters of the filters of c2 shut",
        net(pictures, plain([20], "relu", convs=[8, 12, 8]), change=shifted_in("c2", -30.0, 0.75)),
        {"dead_units": at("severe", "c2")},
    ),
    Patient(
        "ReLU in Keras, all units of d1 shut",
        net(table, plain([32] * 3, "relu"), change=shifted_in("d1", -20.0)),
        {"dead_units": at("severe", "d1", may=("d2", "d3"))},  # no input left: what follows is constant
        UPSTREAM | {"constant_inputs", "symmetric_weights"},
    ),
    Patient(
        "a branch of a residual network shut",
        parts(table, _with_dead_branch),
        {"dead_units": at("severe", "layer 2")},
    ),
) + halved(
    "hold",
    Patient(
        "ReLU, layer 1 of 3 with a third of its units shut, table",
        mlp(table, [60] * 3, "relu", "he_normal", change=shifted(1, 12.0, 0.33)),
        {"dead_units": at("mild", "layer 1")},
    ),
    Patient(
        "ReLU in Keras, two fifths of d2 shut, images",
        net(images, plain([50] * 3, "relu"), change=shifted_in("d2", -12.0, 0.4)),
        {"dead_units": at("mild", "d2")},
    ),
    Patient(
        "ReLU after learning with steps too large, table",
        mlp(table, [60] * 2, "relu", "he_normal", fit={"learning_rate": 1.4, "steps": 60}),
        {"dead_units": at("mild", "layer 2")},
    ),
    Patient(
        "ReLU convolutions, a third of the filters of c1 shut",
        net(pictures, plain([20], "relu", convs=[12, 8]), change=shifted_in("c1", -12.0, 0.33)),
        {"dead_units": at("mild", "c1")},
    ),
)

SYMMETRIC = halved(
    "set",
    Patient(
        "tanh, all units of a layer begin alike, and do so after 30 steps",
        mlp(table, [30] * 3, "tanh", equal, fit={"learning_rate": 0.1, "steps": 30}),
        {"symmetric_weights": at("severe", *names(1, 3), may=("layer 4",))},
        UPSTREAM,  # its output is alike as well, so that nothing comes back at the start
    ),
    Patient(
        "ReLU in Keras, all units of d2 alike",
        net(table, plain([32] * 3, "relu"), change=copied_in("d2", 1.0)),
        {"symmetric_weights": at("severe", "d2")},
        frozenset({"dead_units"}),  # all are on or off together
    ),
    Patient(
        "all weights zero, ReLU, images",
        mlp(images, [40] * 3, "relu", "zeros"),
        {"symmetric_weights": at("severe", *names(1, 3), may=("layer 4",))},
        UPSTREAM | {"dead_units"},
    ),
    Patient(
        "convolutions, all filters of c1 and c2 alike",
        net(
            pictures,
            plain([16], "tanh", "glorot_normal", convs=[6, 8]),
            change=lambda m: [copied_in(name, 1.0)(m) for name in ("c1", "c2")],
        ),
        {"symmetric_weights": at("severe", "c1", "c2")},
    ),
) + halved(
    "hold",
    Patient(
        "tanh, half of layer 2 copies of one unit",
        mlp(images, [40] * 4, "tanh", "glorot_normal", change=copied(2, 0.5)),
        {"symmetric_weights": at("mild", "layer 2")},
    ),
    Patient(
        "ELU in Keras, half of d1 copies of one unit",
        net(table, plain([24] * 2, "elu"), change=copied_in("d1", 0.5)),
        {"symmetric_weights": at("mild", "d1")},
    ),
    Patient(
        "convolutions, half of the filters of c2 alike",
        net(pictures, plain([16], "relu", convs=[6, 12]), change=copied_in("c2", 0.5)),
        {"symmetric_weights": at("mild", "c2")},
    ),
    Patient(
        "SELU, every second unit of layer 3 a copy of its neighbour",
        mlp(table, [40] * 4, "selu", "lecun_normal", change=paired(3)),
        {"symmetric_weights": at("mild", "layer 3")},
    ),
)


def _broken(first, last):
    return {"non_finite_values": at("severe", *first, may=last)}


WRECK = frozenset(
    {"exploding_signal", "exploding_gradient", "dead_units", "saturated_units", "vanishing_gradient"}
)

NON_FINITE = halved(
    "set",
    Patient(
        "one weight of layer 3 is nan",
        mlp(images, [40] * 5, "tanh", "glorot_normal", change=spoiled(3, np.nan)),
        _broken(["layer 3"], names(4, 6)),
    ),
    Patient(
        "float32 overflows in layer 6, weights of 1e6",
        mlp(images, [40] * 8, "relu", lambda shape, *, rng: 1e6 * rng.normal(size=shape), dtype=np.float32),
        _broken(["layer 6"], names(5, 9)),
        WRECK,
    ),
    Patient(
        "a bias of d2 is inf, ReLU in Keras",
        net(table, plain([20] * 3, "relu"), change=spoiled_in("d2", np.inf)),
        _broken(["d2"], ("d3", "out")),
        WRECK,
    ),
    Patient(
        "all weights nan after steps of 1e4, ReLU in Keras",
        net(table, plain([20] * 2, "relu"), change=lambda m: _to_nan(m)),
        _broken(["d1", "d2", "out"], ()),
        WRECK,
    ),
)


def _to_nan(model):
    model.set_weights([np.full_like(W, np.nan) for W in model.get_weights()])


PATIENTS = [*SATURATED, *DEAD, *SYMMETRIC, *NON_FINITE]
