"""What Keras's layers are called, and which function each applies."""

import numpy as np
import pytest

from helpers.numerics.activations import ACTIVATIONS
from helpers.signals import keras_layers
from helpers.signals.trace import trace
from tests.keras_models import CLASSES, labels, table

NAMES = sorted(ACTIVATIONS)


def test_kinds(keras, layers):
    kinds = {
        "conv": [layers.Conv1D(1, 1), layers.Conv3DTranspose(1, 1), layers.SeparableConv2D(1, 1)],
        "dense": [layers.Dense(1), layers.EinsumDense("ab,bc->ac", 1)],
        "embedding": [layers.Embedding(2, 2)],
        "batch_norm": [layers.BatchNormalization()],
        "layer_norm": [layers.LayerNormalization()],
        "activation": [layers.ReLU(), layers.LeakyReLU(), layers.Activation("tanh"), layers.ELU()],
        "softmax": [layers.Softmax()],
        "alpha_dropout": [layers.AlphaDropout(0.1)],
        "max_pooling2d": [layers.MaxPooling2D()],
        "global_average_pooling2d": [layers.GlobalAveragePooling2D()],
        "zero_padding2d": [layers.ZeroPadding2D()],
        "flatten": [layers.Flatten()],
    }
    for kind, members in kinds.items():
        assert {keras_layers.kind_of(member) for member in members} == {kind}


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"linear", "prelu", "leaky_relu"}))
def test_activations_are_known_by_name_in_three_places(name, keras, layers):
    for part in (layers.Dense(3, activation=name), layers.Activation(name)):
        assert keras_layers.activation_of(part) is ACTIVATIONS[name]


def test_activations_without_an_entry_are_differentiated(keras, layers):
    z = np.linspace(-3, 3, 24, dtype=np.float32)[:, None]
    sine = keras_layers.activation_of(layers.Dense(3, activation=keras.ops.sin))
    np.testing.assert_allclose(sine.f(z), np.sin(z), atol=1e-6)
    np.testing.assert_allclose(sine.df(z), np.cos(z), atol=1e-6)
    six = keras_layers.activation_of(layers.ReLU(max_value=2.0, negative_slope=0.1))
    np.testing.assert_allclose(six.df(z), np.where(z > 2, 0, np.where(z > 0, 1, 0.1)), atol=1e-6)
    keras_slope = keras_layers.activation_of(
        layers.Dense(3, activation="leaky_relu")
    )  # 0.2 there, not our 0.01
    assert (keras_slope.name, keras_slope.df(z)[0, 0]) == ("leaky_relu", pytest.approx(0.2))
    assert keras_layers.activation_of(layers.Dense(3, activation=layers.LeakyReLU(0.25))).df(z)[0, 0] == 0.25
    for part in (
        layers.Dense(3),
        layers.Dense(3, activation="softmax"),
        layers.Dense(3, activation=layers.Softmax()),
    ):
        assert keras_layers.activation_of(part) is None


def test_the_approximate_gelu_is_not_taken_for_the_exact_one(cases, keras):
    z = np.linspace(-3, 3, 24, dtype=np.float32)
    bends = {
        type(part).__name__: keras_layers.activation_of(part) for part in cases["operations"].model.operations
    }
    np.testing.assert_allclose(bends["Gelu"].f(z), keras.activations.gelu(z, approximate=True), atol=1e-6)
    assert np.abs(bends["Gelu"].f(z) - ACTIVATIONS["gelu"].f(z)).max() > 1e-4


def test_a_slope_per_unit(keras, layers):
    part = layers.PReLU()
    part.build((None, 2))
    part.alpha.assign([0.1, 0.4])
    bend = keras_layers.activation_of(part)
    z = np.array([[-2.0, -2.0], [3.0, -1.0]], np.float32)
    np.testing.assert_allclose(bend.f(z), part(z), rtol=1e-6)
    np.testing.assert_allclose(bend.df(z), [[0.1, 0.4], [1, 0.4]], rtol=1e-6)


def test_an_activation_of_ones_own_is_known_by_its_slopes(keras):
    L = keras.layers
    names = ("relu6", "hard_sigmoid", "softsign", "hard_tanh")
    layers = [keras.Input((6,)), *(L.Dense(8, activation=name) for name in names), L.Dense(CLASSES)]
    model = keras.Sequential(layers)
    layers = trace(model, table(), labels()).hidden
    assert [layer.can_die for layer in layers] == [True, False, False, False]
    assert [layer.saturates for layer in layers] == ["both sides"] * 4


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda L: L.Dense(3), "linear"),
        (lambda L: L.Dense(3, activation="softmax"), "softmax"),
        (lambda L: L.Dense(3, activation="log_softmax"), "log_softmax"),
        (lambda L: L.Dense(3, activation=L.LeakyReLU()), "leakyrelu"),
        (lambda L: L.Activation("tanh"), "tanh"),
        (lambda L: L.LeakyReLU(), "leaky_relu"),
        (lambda L: L.Softmax(), "softmax"),
        (lambda L: L.Flatten(), "linear"),
    ],
)
def test_the_function_at_the_end_of_a_layer(make, name, layers):
    assert keras_layers.function_name(make(layers)) == name


def test_what_a_compiled_loss_takes(keras, layers):
    model = keras.Sequential([keras.Input((6,)), layers.Dense(CLASSES)])
    assert keras_layers.losses_of(model) == [("", "")]
    for loss, told in (
        ("mse", ("mse", "")),
        ("sparse_categorical_crossentropy", ("sparse_categorical_crossentropy", "probabilities")),
        (keras.losses.BinaryCrossentropy(from_logits=True), ("binary_crossentropy", "logits")),
    ):
        model.compile("sgd", loss)
        assert keras_layers.losses_of(model) == [told]
