"""A model read as a program: what is written wrong is found without a batch, and what is usual is not."""

import pytest

from helpers.clinic.reading import examine_program
from helpers.signals.keras_program import program_of

LOSS = "sparse_categorical_crossentropy"


@pytest.fixture(scope="module")
def read(keras):
    """A function: layers → severities by code of what is found in a compiled Sequential of them."""

    def read(*parts, shape=(8,), optimizer="sgd", loss=LOSS):
        model = keras.Sequential([keras.Input(shape), *parts])
        model.compile(optimizer, loss)
        return {one.code: one.severity for one in examine_program(program_of(model))}

    return read


@pytest.fixture(scope="module")
def layers(keras):
    return keras.layers


def test_usual_networks_are_healthy(read, layers):
    D = layers.Dense
    assert read(D(6, "relu"), layers.Dropout(0.5), D(4, "softmax")) == {}
    assert read(D(6), layers.Activation("relu"), D(4), layers.Activation("softmax")) == {}
    assert read(D(6, use_bias=False), layers.BatchNormalization(), layers.ReLU(), D(4, "softmax")) == {}
    assert read(D(6), layers.LeakyReLU(), layers.AlphaDropout(0.1), D(4)) == {}
    assert read(D(4, "softmax")) == {}
    assert read(layers.Embedding(9, 5), layers.GlobalAveragePooling1D(), D(4, "softmax")) == {}
    assert read(layers.Embedding(9, 5), layers.LSTM(5), D(4, "softmax")) == {}


def test_a_usual_convolutional_network_is_healthy(read, layers):
    C = layers.Conv2D
    parts = [
        C(3, 3, activation="relu"),
        layers.MaxPooling2D(),
        C(4, 3),
        layers.MaxPooling2D(),
        layers.Flatten(),
    ]
    assert read(*parts, layers.Dense(4, "softmax"), shape=(16, 16, 1)) == {}
    depthwise = [layers.DepthwiseConv2D(3), C(4, 1, activation="relu"), layers.GlobalAveragePooling2D()]
    assert read(*depthwise, layers.Dense(4, "softmax"), shape=(16, 16, 3)) == {}


def test_a_narrow_linear_layer_is_a_code_on_purpose(read, layers):
    D = layers.Dense
    assert read(D(6, "relu"), D(2), D(6, "relu"), D(8), loss="mse") == {}


@pytest.mark.parametrize("between", ["nothing", "dropout", "flatten"])
def test_nothing_that_bends_between_two_layers(read, layers, between):
    parts = {"nothing": (), "dropout": (layers.Dropout(0.2),), "flatten": (layers.Flatten(),)}[between]
    found = read(layers.Dense(6, "relu"), layers.Dense(7), *parts, layers.Dense(4, "softmax"))
    assert found == {"missing_activation": "mild"}


def test_a_whole_network_without_a_bend_is_severe(read, layers):
    D = layers.Dense
    assert read(D(9), D(8), D(4, "softmax")) == {"missing_activation": "severe"}
    assert read(D(9), D(8), D(1), loss="mse") == {"missing_activation": "severe"}


def test_two_convolutions_without_a_bend(read, layers):
    parts = [layers.Conv2D(8, 3), layers.Conv2D(8, 3, activation="relu"), layers.Flatten()]
    assert read(*parts, layers.Dense(4, "softmax"), shape=(16, 16, 1)) == {"missing_activation": "mild"}


def test_two_functions_in_a_row(read, layers):
    D = layers.Dense
    found = read(D(6, "relu"), D(4, "relu"), layers.Activation("softmax"))
    assert found == {"double_activation": "severe"}
    assert read(D(6, "relu"), D(4, "softmax"), layers.Softmax()) == {"double_activation": "severe"}
    assert read(D(6, "softmax"), D(4, "softmax")) == {"double_activation": "mild"}


@pytest.mark.parametrize(("rate", "severity"), [(0.7, None), (0.8, "mild"), (0.95, "severe")])
def test_dropout_that_leaves_too_little(read, layers, rate, severity):
    found = read(layers.Dense(6, "relu"), layers.Dropout(rate), layers.Dense(4, "softmax"))
    assert found.get("too_much_dropout") == severity


def test_dropout_on_the_answers(read, layers):
    found = read(layers.Dense(6, "relu"), layers.Dense(4, "softmax"), layers.Dropout(0.1))
    assert found == {"too_much_dropout": "severe"}


def test_nothing_can_change(keras, read, layers):
    D = layers.Dense
    assert read(D(6, "relu"), D(4), optimizer=keras.optimizers.SGD(0.0)) == {"nothing_trainable": "severe"}
    frozen = [D(6, "relu", trainable=False), D(4, "softmax", trainable=False)]
    assert read(*frozen) == {"nothing_trainable": "severe"}
    assert read(frozen[0], D(4, "softmax")) == {}  # a frozen base is what one wants
    assert read(*frozen, loss=None) == {}


def test_one_initializer_for_two_layers(keras, read, layers):
    shared = keras.initializers.GlorotNormal()
    equal = [layers.Dense(8, "relu", kernel_initializer=shared) for _ in range(2)]
    assert read(*equal, layers.Dense(4)) == {"equal_layers": "mild"}
    assert read(equal[0], equal[0], layers.Dense(4)) == {}  # one layer used twice is meant so


def test_windows_that_skip_or_are_too_large(read, layers):
    skipping = [layers.Conv2D(3, 2, strides=3, activation="relu"), layers.Flatten()]
    assert read(*skipping, layers.Dense(4), shape=(16, 16, 1)) == {"image_discarded": "mild"}
    small = [layers.MaxPooling2D(8), layers.Conv2D(3, 5, padding="same", activation="relu"), layers.Flatten()]
    assert read(*small, layers.Dense(4), shape=(16, 16, 1)) == {"image_discarded": "mild"}
    plain = [layers.Conv2D(3, 3, strides=2, activation="relu"), layers.Flatten()]
    assert read(*plain, layers.Dense(4), shape=(16, 16, 1)) == {}


def test_names_and_cure_are_those_of_the_model(keras):
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(9, name="hidden"), keras.layers.Dense(4)])
    model.compile("sgd", LOSS)
    (found,) = examine_program(program_of(model))
    assert found.layers == ("hidden",)
    assert found.advice == "Give 'hidden' activation=\"relu\"."
    assert found.meaning.startswith("None of the 2 layers has an activation")
