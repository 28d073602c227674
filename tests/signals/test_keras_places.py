"""Large convolutions in Keras are read at some of their places, activations of one's own at theirs."""

import pytest

from helpers.signals import keras_passage
from helpers.signals.trace import trace
from tests.clinic.cases import small_keras
from tests.keras_models import CLASSES, images, labels, table


def test_some_places_stand_for_all(keras, monkeypatch):
    keras.utils.set_random_seed(1)
    L = keras.layers
    parts = [
        L.Conv2D(6, 3, name="a"),
        L.BatchNormalization(),
        L.ReLU(),
        L.Conv2D(6, 3, activation="tanh", name="b"),
    ]
    model = keras.Sequential([keras.Input((40, 40, 3)), *parts, L.Flatten(), L.Dense(CLASSES)])
    x = images((40, 40, 3))
    whole = trace(model, x, labels())
    monkeypatch.setattr(keras_passage, "ENTRIES", 20_000)
    some = trace(model, x, labels())
    for one, other in zip(whole.layers[:2], some.layers[:2], strict=True):
        assert other.histogram.counts.sum() < one.histogram.counts.sum() / 2
        assert (one.size, one.units, one.name) == (other.size, other.units, other.name)
        assert other.grad_z_norm == pytest.approx(one.grad_z_norm, rel=1e-5)
        assert other.z_std == pytest.approx(one.z_std, rel=0.05)
    assert whole.layers[0].batch_norm.count == some.layers[0].batch_norm.count
    assert whole.layers[2].histogram.counts.sum() == some.layers[2].histogram.counts.sum()


def test_an_activation_of_ones_own_is_known_by_its_slopes(keras):
    L = keras.layers
    model = small_keras(
        keras, *(L.Dense(8, activation=name) for name in ("relu6", "hard_sigmoid", "softsign", "hard_tanh"))
    )
    layers = trace(model, table(), labels()).hidden
    assert [layer.can_die for layer in layers] == [True, False, False, False]
    assert [layer.saturates for layer in layers] == ["both sides"] * 4
