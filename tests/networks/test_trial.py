"""One training of the comparison of activations: its network, its looks, its images."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.networks import trial
from helpers.networks.mlp import MLP
from helpers.networks.scoring import scores
from helpers.networks.stack import PRelu
from helpers.networks.training import train
from helpers.numerics.activations import ACTIVATIONS

SHORT = {"hidden": 2, "steps": 20, "looks": 2}


def test_the_last_look_is_the_network_at_its_end():
    found = trial.trial("tanh", 0.1, 3, **SHORT)
    x, y, x_valid, y_valid, x_test, y_test = trial.images()
    sizes, rng = (784, 50, 50, 10), np.random.default_rng(3)
    model = MLP(sizes, activation="tanh", initializer="glorot_normal", rng=rng)
    train(model, x, y, learning_rate=0.1, steps=20, batch_size=trial.BATCH, rng=np.random.default_rng(103))
    assert len(found["validation"]) == len(found["test"]) == 2
    assert found["validation"][-1] == scores(model.forward(x_valid).logits, y_valid)
    assert found["test"][-1] == scores(model.forward(x_test).logits, y_test)
    assert found["test"][0] != found["test"][1]


def test_images_are_standardized_by_the_training_images():
    x, _, x_valid, _, x_test, y_test = trial.images()
    assert (x.mean(), x.std()) == pytest.approx((0, 1), abs=1e-9)
    assert x_valid.mean() == pytest.approx(0, abs=0.1)
    assert x_test.mean() == pytest.approx(0, abs=0.1)
    assert x_test.min() == pytest.approx(x.min())  # black is black in all of them
    assert len(x_test) == len(y_test) == trial.TEST


def test_each_activation_has_its_own_initialization():
    for name in ("sigmoid", "relu", "selu"):
        model = trial.network(name, 3, 0)
        assert model.initializer.name == ACTIVATIONS[name].initializer
    own = replace(ACTIVATIONS["relu"], initializer="lecun_normal")
    assert trial.network(own, 1, 0).initializer.name == "lecun_normal"


def test_prelu_learns_a_slope_in_each_layer():
    model = trial.network("prelu", 3, 0)
    slopes = [layer.slope for layer in model.flat() if isinstance(layer, PRelu)]
    assert [float(slope) for slope in slopes] == [0.25] * 3
    x, y, *_ = trial.images()
    _, gradients = model.loss_and_gradients(x[:50], y[:50])
    model.step(gradients, 0.1)
    assert all(slope != 0.25 for slope in slopes)
    assert trial.trial("prelu", 0.03, 0, **SHORT)["test"][-1].loss < 2.3


def test_overflow_is_scored_as_always_wrong():
    last = trial.trial("relu", 1e300, 0, **SHORT)["test"][-1]
    assert (last.accuracy, last.loss) == (0, np.inf)
