"""The rule about the end of a network and its loss."""

import numpy as np
import pytest

from helpers import clinic
from helpers.networks.stack import Nonlinearity
from helpers.numerics.activations import ACTIVATIONS
from helpers.signals.trace import trace
from tests.clinic.cases import codes, normalized, small_keras
from tests.keras_models import CLASSES, labels, table


def test_a_nonlinearity_between_the_logits_and_the_loss(batch):
    model = normalized(normalized=None)
    model.layers.append(Nonlinearity(ACTIVATIONS["relu"]))
    found = clinic.examine(trace(model, *batch))
    assert (found[0].code, found[0].severity) == ("output_activation_mismatch", "severe")
    assert found[0].layers == ("layer 4",)


@pytest.mark.parametrize(
    ("last", "loss", "severity"),
    [
        ("softmax", "sparse_categorical_crossentropy", None),
        (None, "logits", None),
        ("log_softmax", "logits", None),
        ("softmax", "logits", "mild"),
        (None, "sparse_categorical_crossentropy", "severe"),
        ("relu", "sparse_categorical_crossentropy", "severe"),
        ("tanh", "logits", "severe"),
        ("sigmoid", "sparse_categorical_crossentropy", "mild"),
        (None, None, None),
        ("softmax", None, None),
    ],
)
def test_output_and_loss(last, loss, severity, keras, capfd, recwarn):
    if loss == "logits":
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = codes(small_keras(keras, last=last, loss=loss))
    assert found.get("output_activation_mismatch") == severity
    assert not [w for w in recwarn if "from_logits" in str(w.message)]


def test_a_softmax_that_keras_does_not_see_is_severe(keras):
    """With a layer between softmax and loss, Keras applies another one: the loss tells it."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    plain = small_keras(keras, last="softmax", loss=loss)
    hidden = keras.Sequential([plain, keras.layers.Reshape(plain.output_shape[1:])])
    hidden.compile(loss=loss)
    assert codes(plain).get("output_activation_mismatch") == "mild"
    assert codes(hidden).get("output_activation_mismatch") == "severe"
    assert trace(hidden, table(), labels()).loss != pytest.approx(
        trace(plain, table(), labels()).loss, rel=1e-3
    )


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")
@pytest.mark.parametrize(
    ("last", "units", "logits", "severity"),
    [
        ("sigmoid", 1, False, None),
        (None, 1, True, None),
        ("softmax", 1, False, "severe"),
        (None, 1, False, "severe"),
        ("sigmoid", 1, True, "mild"),
    ],
)
def test_one_output_and_its_loss(last, units, logits, severity, keras):
    model = small_keras(
        keras, last=last, loss=keras.losses.BinaryCrossentropy(from_logits=logits), units=units
    )
    y = labels(classes=2)[:, None].astype(np.float32)
    assert codes(model, y=y).get("output_activation_mismatch") == severity


def test_a_softmax_on_a_softmax(keras):
    model = small_keras(keras, last="softmax", loss=None)
    twice = keras.Sequential([model, keras.layers.Softmax()])
    twice.compile("sgd", "sparse_categorical_crossentropy")
    assert codes(twice)["output_activation_mismatch"] == "severe"


def test_each_output_meets_its_own_loss(keras):
    inputs = keras.Input((6,))
    one, two = (
        keras.layers.Dense(CLASSES, end, name=name)(inputs)
        for name, end in (("one", "softmax"), ("two", None))
    )
    model = keras.Model(inputs, {"one": one, "two": two})
    loss = "sparse_categorical_crossentropy"
    model.compile("sgd", {"one": loss, "two": loss})
    found = clinic.examine(trace(model, table(), {"one": labels(), "two": labels()}))
    assert found.layers_of("output_activation_mismatch") == ("two",)


def test_regression_takes_any_output(keras):
    model = small_keras(keras, last=None, loss="mse", units=1)
    assert codes(model, y=np.zeros((8, 1), np.float32)) == {}
