"""The rules about inputs: what is constant, unscaled or not centered, and from which number on."""

import numpy as np
import pytest

from helpers import clinic
from helpers.clinic import inputs
from helpers.signals.trace import trace
from tests.clinic.cases import WIDTH, codes, layer, made_up_trace, network, severities
from tests.keras_models import CLASSES, labels


@pytest.mark.parametrize(
    ("change", "code", "severity"),
    [
        (lambda x: 100 * x, "unscaled_inputs", "severe"),
        (lambda x: 8 * x, "unscaled_inputs", "mild"),
        (lambda x: 1e-4 * x, "unscaled_inputs", "severe"),
        (lambda x: x * np.where(np.arange(WIDTH) == 0, 30, 1), "unscaled_inputs", "mild"),
        (lambda x: x * np.where(np.arange(WIDTH) == 0, 1e3, 1), "unscaled_inputs", "severe"),
        (lambda x: x + 20, "uncentered_inputs", "severe"),
        (lambda x: x + 2, "uncentered_inputs", "mild"),
        (lambda x: x * 0 + 1, "constant_inputs", "severe"),
        (lambda x: x * (np.arange(WIDTH) < 10), "constant_inputs", "mild"),
    ],
)
def test_inputs(change, code, severity, batch):
    found = [
        f for f in clinic.examine(trace(network("tanh", 1), change(batch[0]), batch[1])) if "inputs" in f.code
    ]
    told = {f.code: (f.severity, f.layers) for f in found}
    assert told.get(code) == (severity, ())
    assert set(told) <= {code, "unscaled_inputs"}


@pytest.mark.parametrize(
    "change", [lambda x: x, lambda x: x + 0.8, lambda x: (x > 0) * 1.0, lambda x: 0.3 * x + 0.3]
)
def test_usual_inputs(change, batch):
    assert clinic.examine(trace(network("tanh", 1), change(batch[0]), batch[1])) == ()


def test_features_that_are_seldom_anything_are_not_stuck(rng, batch):
    """A bag of words: of rare words most are absent from a batch, some occur once."""
    x = (rng.random((64, WIDTH)) < np.where(np.arange(WIDTH) < 4, 0.5, 0.004)) * 1.0
    assert (x.std(axis=0) == 0).mean() > inputs.CONSTANT_MILD
    assert "constant_inputs" not in clinic.examine(trace(network("tanh", 1), x, batch[1])).codes


def test_whole_numbers_of_words_are_not_judged(keras):
    L = keras.layers
    parts = [
        L.Embedding(1000, 8),
        L.GlobalAveragePooling1D(),
        L.Dense(16, "relu", kernel_initializer="he_normal"),
    ]
    model = keras.Sequential([keras.Input((20,), dtype="int64"), *parts, L.Dense(CLASSES)])
    x = np.random.default_rng(0).integers(1000, size=(64, 20))
    assert not [code for code in codes(model, x, labels(n=64)) if "inputs" in code]


# From which number on: inputs whose mean and spread are exact


def signs(examples=1000, features=40):
    """±1 in turns: every feature has mean 0 and standard deviation 1."""
    return np.tile((-1.0) ** np.arange(examples)[:, None], features)


def told(x):
    """What is found in these inputs, severity by code."""
    return severities(inputs.examine_inputs(made_up_trace(layer(), entered=x)))


@pytest.mark.parametrize(
    ("spread", "severity"),
    [
        *((4.8, None), (5.2, "mild"), (19.2, "mild"), (20.8, "severe")),
        *((0.0104, None), (0.0096, "mild"), (0.00104, "mild"), (0.00096, "severe")),
    ],
)
def test_a_spread_of_5_or_a_hundredth_is_mild_and_one_of_20_or_a_thousandth_severe(spread, severity):
    """At 5 a tanh is flat for two thirds of a normal z, at 20 for 91 %: P(|N(0, s²)| > 2.2)."""
    assert told(spread * signs()).get("unscaled_inputs") == severity


@pytest.mark.parametrize(("factor", "severity"), [(9.6, None), (10.4, "mild"), (96, "mild"), (104, "severe")])
def test_a_feature_10_times_as_wide_is_mild_and_100_times_severe(factor, severity):
    """Steps go with the square of it: 100 and 10,000 times as many."""
    x = signs() * np.where(np.arange(40) == 0, factor, 1.0)
    assert told(x / np.sqrt(np.mean(x**2))).get("unscaled_inputs") == severity


@pytest.mark.parametrize(("mean", "severity"), [(1.54, None), (1.66, "mild"), (4.8, "mild"), (5.2, "severe")])
def test_a_mean_of_1_6_deviations_is_mild_and_one_of_5_severe(mean, severity):
    """Φ(1.6) = 95 % of the examples are on the same side; images in 0 … 1 have 1.35."""
    assert told(signs() + mean).get("uncentered_inputs") == severity


@pytest.mark.parametrize(
    ("constant", "severity"), [(290, None), (310, "mild"), (494, "mild"), (496, "severe")]
)
def test_constant_features_are_mild_above_60_percent_and_severe_above_99(constant, severity):
    x = signs(features=500) * (np.arange(500) >= constant)
    assert told(x).get("constant_inputs") == severity


@pytest.mark.parametrize(("spread", "found"), [(0.96e-6, True), (1.04e-6, False)])
def test_a_spread_of_a_millionth_of_the_size_is_rounding(spread, found):
    assert ("constant_inputs" in told(1 + spread * signs())) == found


@pytest.mark.parametrize(("once", "found"), [(24, True), (26, False)])
def test_where_a_quarter_of_what_varies_is_seen_once_the_rest_may_be_absent_by_chance(once, found):
    """Good (1953): the share seen once tells how much is not seen at all."""
    x = np.zeros((1000, 400))
    x[:, : 100 - once] = signs(features=100 - once)
    x[np.arange(once), 100 - once + np.arange(once)] = 1
    assert ("constant_inputs" in told(x)) == found


@pytest.mark.parametrize(("examples", "found"), [(7, False), (8, True)])
def test_a_mean_and_uneven_features_take_8_examples(examples, found):
    assert ("uncentered_inputs" in told(signs(examples) + 3)) == found
    uneven = signs(examples) * np.where(np.arange(40) == 0, 30.0, 1.0) / 10
    assert ("unscaled_inputs" in told(uneven)) == found


def test_the_feature_that_spreads_most_is_named(rng):
    x = rng.normal(size=(64, 8))
    x[:, 5] *= 500
    x /= x.std()
    (found,) = [one for one in inputs.examine_features(x) if one.code == "unscaled_inputs"]
    assert "Feature 5, counted from 0, spreads" in found.meaning
