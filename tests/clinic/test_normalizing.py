"""The rules about batch normalization: small batches, stale statistics, biases and dropout before it."""

from dataclasses import replace

import numpy as np
import pytest

from helpers import clinic
from helpers.clinic import normalizing
from helpers.clinic.normalizing import dropped_before_norm
from helpers.networks.training import train
from helpers.signals.trace import trace
from tests.clinic.cases import (
    CLASSES,
    ENDLESS,
    WIDTH,
    batch_norm_layer,
    codes,
    layer,
    made_up_trace,
    many,
    normalized,
    severities,
    small_keras,
)
from tests.keras_models import CLASSES as KERAS_CLASSES
from tests.keras_models import images, labels


def test_fresh_moving_statistics_are_not_stale(batch):
    assert clinic.examine(trace(normalized(), *batch)) == ()
    assert clinic.examine(trace(normalized(), 3 * batch[0], batch[1])).codes == ()


def test_trained_and_then_lost_statistics_are_stale(batch):
    model = normalized()
    train(model, *batch, learning_rate=0.1, steps=600, batch_size=64, rng=np.random.default_rng(0))
    assert "stale_moving_statistics" not in clinic.examine(trace(model, *batch)).codes
    norm = next(layer for layer in model.flat() if layer.kind == "batch_norm")
    norm.running = replace(norm.running, mean=norm.running.mean + 5)
    found = clinic.examine(trace(model, *batch))
    assert found.layers_of("stale_moving_statistics") == ("layer 1",)
    assert next(f for f in found if f.code == "stale_moving_statistics").severity == "severe"


def test_small_batches(rng):
    for count, severity in ((2, "severe"), (8, "mild")):
        x, y = rng.normal(size=(count, WIDTH)), rng.integers(CLASSES, size=count)
        found = clinic.examine(trace(normalized(), x, y))
        told = {f.code: f for f in found}["batch_too_small_for_batch_norm"]
        assert (told.severity, told.layers, told.evidence[0].value) == (
            severity,
            ("layer 1", "layer 2", "layer 3"),
            count,
        )


def test_a_bias_before_batch_normalization(batch):
    model = normalized()
    dense = [layer for layer in model.flat() if layer.kind == "dense"]
    dense[1].b = np.zeros(WIDTH)
    found = clinic.examine(trace(model, *batch))
    assert (found.codes, found[0].layers) == (("useless_bias_before_batch_norm",), ("layer 2",))
    assert clinic.examine(trace(normalized(normalized="after"), *batch)) == ()


def test_dropout_before_batch_normalization(batch):
    found = clinic.examine(trace(normalized(dropout=0.5), *batch))
    assert (found.codes, found[0].severity) == (("dropout_before_batch_norm",), "severe")
    assert found[0].layers == ("layer 1", "layer 2", "layer 3")
    assert clinic.examine(trace(normalized(dropout=0.2), *batch))[0].severity == "mild"
    assert clinic.examine(trace(normalized(normalized=None, dropout=0.5), *batch)) == ()
    assert dropped_before_norm(("dense", "dropout", "activation", "batch_norm"))
    assert not dropped_before_norm(("dense", "alpha_dropout", "batch_norm"))
    assert not dropped_before_norm(("dense", "batch_norm", "activation", "dropout"))


# In Keras


def normalized_keras(keras, bias=False, dropout=0.0, **options):
    L = keras.layers
    parts = [L.Dense(16, use_bias=bias, name="a"), *([L.Dropout(dropout)] if dropout else [])]
    return small_keras(keras, *parts, L.BatchNormalization(**options), L.ReLU())


def test_batch_normalization(keras):
    assert codes(normalized_keras(keras), *many()) == {}
    assert codes(normalized_keras(keras, bias=True), *many()) == {"useless_bias_before_batch_norm": "mild"}
    assert codes(normalized_keras(keras, dropout=0.5), *many()) == {"dropout_before_batch_norm": "severe"}
    assert codes(normalized_keras(keras), *many(3)) == {"batch_too_small_for_batch_norm": "severe"}


def test_stale_statistics_once_it_was_trained(keras):
    keras.utils.set_random_seed(0)
    model, (x, y) = normalized_keras(keras, momentum=0.9), many()
    x = 3 * x + 2
    assert "stale_moving_statistics" not in codes(model, x, y)
    model.train_on_batch(x, y)
    assert codes(model, x, y)["stale_moving_statistics"] == "severe"
    x_often, y_often = np.tile(x, (60, 1)), np.tile(y, 60)  # one epoch: its beginning and end take time
    model.fit(x_often, y_often, batch_size=128, verbose=0)
    assert "stale_moving_statistics" not in codes(model, x, y)


def test_normalization_of_a_convolution_counts_its_places(keras):
    L = keras.layers
    inputs = keras.Input((12, 12, 3))
    h = L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3, use_bias=False)(inputs)))
    model = keras.Model(inputs, L.Dense(KERAS_CLASSES)(L.GlobalAveragePooling2D()(h)))
    signals = trace(model, images()[:2], labels()[:2])
    assert signals.layers[0].batch_norm.count == 2 * 10 * 10
    assert "batch_too_small_for_batch_norm" not in clinic.examine(signals).codes


# From which number on: layers made up number by number


def told(*layers, examples=ENDLESS):
    """What is found in these layers, severity by code."""
    return severities(normalizing.examine_normalizing(made_up_trace(*layers, examples=examples)))


@pytest.mark.parametrize(("count", "severity"), [(4, "severe"), (5, "mild"), (15, "mild"), (16, None)])
def test_16_values_per_feature_are_enough_and_4_too_few(count, severity):
    """A variance of m values is off by √(2 / (m − 1)) of itself: by 0.37 for 16, by 0.82 for 4."""
    assert told(batch_norm_layer(count=count)).get("batch_too_small_for_batch_norm") == severity


SHIFTS = [(0.144, None), (0.156, "mild"), (0.384, "mild"), (0.416, "severe")]
STRETCHES = [(0.144, None), (0.156, "mild"), (0.768, "mild"), (0.832, "severe")]


@pytest.mark.parametrize(
    ("quantity", "off", "severity"),
    [*(("shift", *step) for step in SHIFTS), *(("stretch", *step) for step in STRETCHES)],
)
def test_moving_statistics_are_stale_beyond_0_15_of_a_deviation(quantity, off, severity):
    """Healthy networks reach 0.12; at 0.4 of a deviation, or 0.8 in ln variance, the loss has doubled."""
    assert told(batch_norm_layer(**{quantity: off})).get("stale_moving_statistics") == severity
    assert told(batch_norm_layer(fresh=True, **{quantity: off})) == {}


@pytest.mark.parametrize(("shift", "severity"), [(0.29, None), (0.31, "mild")])
def test_a_hundred_examples_allow_for_0_15_more_by_chance(shift, severity):
    """1.5 / √examples, twice what a batch's own statistics are off by."""
    assert told(batch_norm_layer(shift=shift), examples=100).get("stale_moving_statistics") == severity


@pytest.mark.parametrize(("rate", "severity"), [(0.48, "mild"), (0.5, "severe"), (0.52, "severe")])
def test_dropout_that_doubles_the_variance_is_severe(rate, severity):
    """It makes it 1 / (1 − p) times as large, Li et al. 2018."""
    ill = batch_norm_layer(dropout=rate)
    ill = replace(ill, parts=("dense", "dropout", "batch_norm", "activation"))
    assert told(ill) == {"dropout_before_batch_norm": severity}
    assert told(layer(dropout=rate), batch_norm_layer()) == {"dropout_before_batch_norm": severity}
