"""The patient with batch normalization: the same weights, own steps for the hidden ones, stored scores."""

import numpy as np
import pytest

from helpers.networks import normalized_patient as module
from helpers.networks import patient


def test_the_weights_are_the_patients_and_epsilon_is_set():
    plain = patient.cured("weights").network(seed=3)
    model = module.normalized_network(patient.cured("weights"), 3, eps=1e-8)
    dense = [layer.W for layer in model.layers if layer.kind == "dense"]
    assert all(np.array_equal(a, b) for a, b in zip(dense, plain.weights, strict=True))
    norms = [layer for layer in model.layers if layer.kind == "batch_norm"]
    assert len(norms) == 10
    assert {layer.eps for layer in norms} == {1e-8}


def test_hidden_weights_take_steps_of_their_own():
    model = module.normalized_network(patient.cured("weights", "inputs"), 0)
    before = [layer.W.copy() for layer in model.layers if layer.kind == "dense"]
    module.train_normalized(patient.cured("weights", "inputs"), 0, hidden_rate=0.0, steps=2, network=model)
    after = [layer.W for layer in model.layers if layer.kind == "dense"]
    moved = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert moved == [False] * 10 + [True]


def test_the_scale_of_the_pixels_is_invisible():
    """An affine change of all pixels: the same loss at every step, but for ε."""
    raw = module.train_normalized(patient.cured("weights"), 0, steps=5)
    standardized = module.train_normalized(patient.cured("weights", "inputs"), 0, steps=5)
    assert np.allclose(raw.loss, standardized.loss, rtol=0.01)


def test_small_weights_are_small_ones_times_a_step():
    """With ε = 0, weights times c and steps times c² give the same loss: the claim behind `hidden_rate`."""
    course = []
    for factor in (1.0, 0.1):
        model = module.normalized_network(patient.cured("weights", "inputs"), 0, eps=0)
        for layer in model.layers[:-1]:
            if layer.kind == "dense":
                layer.W *= factor
        options = {"hidden_rate": factor**2, "steps": 5, "network": model}
        course.append(module.train_normalized(patient.cured("weights", "inputs"), 0, **options).loss)
    assert np.allclose(*course, rtol=1e-6)


def test_the_stored_scores_are_told():
    told = module.scoreboard("nothing", "smaller ε")
    assert "smaller ε" in told
    assert len(told.splitlines()) == 3
    with pytest.raises(ValueError, match="no case 'all' is stored"):
        module.scoreboard("all")


def test_decades_of_rates():
    found = module.rates_that_work(0.1, accuracy=0.6)
    assert found["with"] > found["without"] >= 0
    with pytest.raises(ValueError, match="std must be one of"):
        module.rates_that_work(0.2, accuracy=0.6)
