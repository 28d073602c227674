"""What is changed in a hundred layers with batch normalization: each change is the one that its name says."""

import numpy as np
import pytest

from experiments import normalized_depth as nd
from experiments import store
from helpers.data import results


def kinds(net):
    return [layer.kind for layer in net.flat()]


def test_the_networks_differ_in_what_is_told():
    plain, rare = nd.as_it_is(np.random.default_rng(0)), nd.rarely_normalized(np.random.default_rng(0))
    smaller, skips = nd.smaller_weights(np.random.default_rng(0)), nd.with_skips(np.random.default_rng(0))
    assert kinds(plain).count("batch_norm") == 100
    assert kinds(rare).count("batch_norm") == 100 // nd.EVERY
    assert kinds(nd.without_normalization(np.random.default_rng(0))).count("batch_norm") == 0
    assert kinds(skips).count("add") == 99
    ratios = [
        np.linalg.norm(a.W) / np.linalg.norm(b.W)
        for a, b in zip(smaller.flat(), plain.flat(), strict=True)
        if a.kind == "dense"
    ]
    np.testing.assert_allclose(ratios, [1] * nd.FROM + [nd.SMALLER] * 50 + [1], rtol=1e-5)
    for layer, other in zip(rare.flat(), plain.flat(), strict=False):
        if layer.kind == "dense":
            np.testing.assert_array_equal(layer.W, other.W)  # the same draws
            break


@pytest.fixture(scope="module")
def gradients():
    net = nd.with_skips(np.random.default_rng(0))
    x, y, _, _ = nd.images()
    return net.loss_and_gradients(x[:32], y[:32])[1]


def test_steps_are_as_long_as_what_they_change(gradients):
    for layer, own in nd.steps_like_weights(gradients, 1.0).parameters.items():
        if layer.kind == "dense":
            assert np.linalg.norm(own["W"]) == pytest.approx(np.linalg.norm(layer.W), rel=1e-4)


def test_what_is_stored_says_what_the_lesson_tells():
    stored = results.load("normalized_depth")
    assert list(stored.changes) == list(nd.CHANGES)
    for change, run in stored.changes.items():
        assert run.accuracy.shape == run.loss.shape == (len(nd.RATES), len(nd.SEEDS)), change
    medians = {change: np.median(run.accuracy, axis=1).max() for change, run in stored.changes.items()}
    assert medians["a skip over every layer"] > 0.4
    assert medians["as it is"] < 0.2
    assert np.ptp(stored.changes["as it is"].growth) < 1


def test_a_start_outside_its_band_is_found():
    stored, trials = store.read("normalized_depth"), nd.short()
    right = [{"growth": stored["changes"][trial.change]["growth"][0]} for trial in trials]
    assert nd.faults(stored, trials, right) == []
    assert len(nd.faults(stored, trials, [{"growth": one["growth"] + 0.1} for one in right])) == len(trials)
