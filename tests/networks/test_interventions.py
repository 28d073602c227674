"""The interventions change one thing and nothing else, and their gradients are right."""

import re

import numpy as np
import pytest

from helpers.networks import interventions
from helpers.networks.interventions import Changed, Comparison, spread_over_images
from helpers.networks.mlp import MLP
from helpers.networks.patient import Course, Patient
from helpers.numerics.gradcheck import numerical_gradient


def small(signal="as it is", **change):
    rng = np.random.default_rng(0)
    model = MLP((6, 5, 5, 3), activation="sigmoid", initializer="glorot_normal", rng=rng)
    x, y = rng.normal(size=(20, 6)), rng.integers(0, 3, 20)
    return Changed(model, x, signal=signal, **change), x, y


@pytest.mark.parametrize("signal", interventions.SIGNALS[:3])
def test_the_gradients_are_right(signal):
    changed, x, y = small(signal)
    loss, (dW, _) = changed.loss_and_gradients(x, y)

    def loss_of(W):
        changed.model.weights[0] = W
        return changed.loss_and_gradients(x, y)[0]

    start = changed.model.weights[0].copy()
    assert np.allclose(dW[0], numerical_gradient(loss_of, start), atol=1e-7)
    assert np.isfinite(loss)


def test_as_it_is_it_is_the_network_itself():
    changed, x, y = small()
    loss, (dW, db) = changed.loss_and_gradients(x, y)
    own_loss, own = changed.model.loss_and_gradients(x, y)
    assert loss == pytest.approx(own_loss)
    for a, b in zip((*dW, *db), (*own.dW, *own.db), strict=True):
        assert np.allclose(a, b)


def test_a_restored_signal_varies_by_one_over_the_images():
    changed, x, _ = small("restored")
    for h in changed.forward(x)[1][1:]:
        assert spread_over_images(h) == pytest.approx(1)
        assert np.allclose(h.mean(axis=0), 0)


def test_restored_forward_only_leaves_the_way_back_as_weak_as_it_was():
    both, x, y = small("restored")
    forward, _, _ = small("restored forward only")
    (loss, (dW, _)), (own_loss, (own, _)) = both.loss_and_gradients(x, y), forward.loss_and_gradients(x, y)
    assert loss == own_loss
    assert np.allclose(own[0], dW[0] * both.spreads[0] * both.spreads[1])
    assert np.allclose(own[-1], dW[-1])


def test_equal_steps_are_as_long_as_the_output_layers():
    changed, x, y = small(steps="equal")
    before = [W.copy() for W in changed.model.weights]
    changed.step(changed.loss_and_gradients(x, y)[1], 0.1)
    moved = [np.linalg.norm(W - W0) for W, W0 in zip(changed.model.weights, before, strict=True)]
    assert moved == pytest.approx([moved[-1]] * 3)


def test_the_output_layer_alone_learns():
    changed, x, y = small(layers="output")
    before = [W.copy() for W in changed.model.weights]
    changed.step(changed.loss_and_gradients(x, y)[1], 0.1)
    same = [np.array_equal(W, W0) for W, W0 in zip(changed.model.weights, before, strict=True)]
    assert same == [True, True, False]


def test_an_unknown_change_is_refused():
    with pytest.raises(ValueError, match="'as it is', 'centered', 'restored'"):
        small("louder")


def test_a_comparison_tells_chance_and_runs_flung_far_off():
    def course(accuracy, loss):
        return Course(np.zeros(2), accuracy, loss, None)

    found = Comparison({"a": [course(0.1, 2.3), course(0.11, 2.31)], "b": [course(0.1, 900.0)] * 2})
    _, first, second = (re.split(r" {2,}", line) for line in repr(found).splitlines())
    assert first == ["a", "chance", "chance", "2.30", "2.30 to 2.31"]
    assert second == ["b", "chance", "chance", "above 10", "above 10"]
    assert "<table>" in found._repr_html_()
    assert found.curves()["a"].shape == (2, 2)


@pytest.mark.slow
def test_the_signal_is_what_the_patient_lacks():
    """The statement of lesson 02, with fewer steps."""
    short = {"steps_taken": 100, "layers": "output"}
    found = interventions.over_seeds(
        Patient(), {"as": short, "restored": short | {"signal": "restored"}}, seeds=2
    )
    assert found.loss("as").min() > 2.2 > 1.8 > found.loss("restored").max()
