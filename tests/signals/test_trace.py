"""The Trace: its numbers by hand on tiny networks, and its calm at every extreme."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.networks.mlp import MLP, cross_entropy
from helpers.numerics.activations import ACTIVATIONS, largest_slope, sigmoid
from helpers.signals.trace import NUMBERS, trace

NAMES = sorted(ACTIVATIONS)


def tiny_network(activation="relu", W=((1.0, -1.0),), b=(0.0, 0.0), dtype=np.float64):
    """One input, two hidden units, two logits that are the hidden units' outputs."""
    model = MLP((1, 2, 2), activation=activation, rng=np.random.default_rng(0), dtype=dtype)
    model.weights = [np.array(W, dtype), np.eye(2, dtype=dtype)]
    model.biases = [np.array(b, dtype), np.zeros(2, dtype)]
    return model


X, Y = np.array([[1.0], [-2.0]]), np.array([0, 1])


def test_numbers_of_a_network_worked_out_by_hand():
    seen = trace(tiny_network(), X, Y)
    hidden, output = seen.layers
    # z = (1, −1), (−2, 2); h = (1, 0), (0, 2); the logits are h
    assert (hidden.z_mean, hidden.z_std) == pytest.approx((0, np.sqrt(10 / 4)))
    assert (hidden.mean, hidden.std) == pytest.approx((3 / 4, np.sqrt(5 / 4 - 9 / 16)))
    assert (output.mean, output.std) == pytest.approx((hidden.mean, hidden.std))
    assert (hidden.share_saturated, hidden.share_dead) == (0.5, 0)
    assert hidden.W_norm == pytest.approx(np.sqrt(2))
    assert seen.loss == pytest.approx(-np.log(sigmoid(1.0)) / 2 - np.log(sigmoid(2.0)) / 2)
    # dlogits = (−s, s) / 2 and (t, −t) / 2 with s = σ(−1), t = σ(−2); the mask keeps the first and the last
    s, t = sigmoid(-1.0), sigmoid(-2.0)
    np.testing.assert_allclose(seen.output_error, [s**2 / 2, t**2 / 2])
    assert output.grad_z_norm == pytest.approx(np.sqrt((s**2 + t**2) / 2))
    assert hidden.grad_z_norm == pytest.approx(np.sqrt(s**2 + t**2) / 2)
    assert hidden.grad_W_norm == pytest.approx(np.sqrt((s / 2) ** 2 + (2 * t / 2) ** 2))
    assert (seen.examples, seen.input_mean, seen.input_std) == pytest.approx((2, -0.5, 1.5))
    assert seen.hidden == (hidden,)
    assert (hidden.name, hidden.activation, output.name, output.activation) == (
        "layer 1",
        "relu",
        "layer 2",
        "linear",
    )


def test_dead_unit_is_found():
    hidden = trace(tiny_network(b=(0.0, -10.0)), X, Y).layers[0]
    assert hidden.share_dead == 0.5
    assert hidden.share_saturated == 0.75


def test_units_always_on_and_the_sizes_of_a_layer():
    hidden = trace(tiny_network(b=(5.0, -10.0)), X, Y).layers[0]
    assert (hidden.share_dead, hidden.share_on, hidden.can_die, hidden.saturates) == (0.5, 0.5, True, "left")
    assert (hidden.units, hidden.size, hidden.fan_in) == (2, 4, 1)


def test_equal_units_are_found(rng):
    model = MLP((6, 5, 4, 3), rng=rng)
    x, y = rng.normal(size=(9, 6)), rng.integers(3, size=9)
    assert trace(model, x, y).layers[0].share_equal == 0
    model.weights[0][:, 3] = model.weights[0][:, 1]
    first = trace(model, x, y).layers[0]
    assert (first.share_equal, first.share_stay_equal) == (0.4, 0)  # the next layer treats them differently
    model.weights[1][3] = model.weights[1][1]
    assert trace(model, x, y).layers[0].share_stay_equal == 0.4


def test_saturated_units_are_found():
    assert trace(tiny_network("tanh", W=((10.0, -10.0),)), X, Y).layers[0].share_saturated == 1
    assert trace(tiny_network("tanh", W=((0.1, 10.0),)), X, Y).layers[0].share_saturated == 0.5


@pytest.mark.parametrize(
    ("name", "slope"), [("sigmoid", 0.25), ("tanh", 1), ("relu", 1), ("selu", 1.7580993408), ("gelu", 1.1289)]
)
def test_largest_slope(name, slope):
    assert largest_slope(name) == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_norms_and_moments_are_those_of_the_arrays(name, rng):
    model = MLP((6, 5, 4, 3), activation=name, bias_std=0.5, rng=rng)
    x, y = rng.normal(size=(9, 6)), rng.integers(3, size=9)
    seen, forward = trace(model, x, y), model.forward(x)
    _, gradients = model.loss_and_gradients(x, y)
    outputs = [*forward.h[1:], forward.logits]
    for i, layer in enumerate(seen.layers):
        assert (layer.z_mean, layer.z_std) == pytest.approx((forward.z[i].mean(), forward.z[i].std()))
        assert (layer.mean, layer.std) == pytest.approx((outputs[i].mean(), outputs[i].std()))
        assert layer.grad_z_norm == pytest.approx(np.linalg.norm(gradients.dz[i]))
        assert layer.grad_W_norm == pytest.approx(np.linalg.norm(gradients.dW[i]))
        assert layer.W_norm == pytest.approx(np.linalg.norm(model.weights[i]))
        assert layer.histogram.counts.sum() == outputs[i].size
        assert layer.finite
    assert seen.loss == pytest.approx(cross_entropy(forward.logits, y)[0])


def test_output_error_is_that_of_each_example(rng):
    model = MLP((6, 5, 3), rng=rng)
    x, y = rng.normal(size=(9, 6)), rng.integers(3, size=9)
    seen, (_, dlogits) = trace(model, x, y), cross_entropy(model.forward(x).logits, y)
    np.testing.assert_allclose(seen.output_error, np.sum(dlogits**2, axis=1))
    assert seen.output_error.sum() == pytest.approx(seen.layers[-1].grad_z_norm ** 2)


def test_per_layer_gives_one_number_per_hidden_layer(rng):
    seen = trace(MLP((6, 5, 4, 3), rng=rng), rng.normal(size=(9, 6)), np.zeros(9, int))
    for quantity in NUMBERS:
        wanted = [getattr(layer, quantity) for layer in seen.hidden]
        assert np.array_equal(seen.per_layer(quantity), wanted)
        assert {type(number) for number in wanted} == {float}  # NumPy's own would print as np.float64(…)
    assert set(NUMBERS) >= {"mean", "std", "share_saturated", "share_dead", "grad_z_norm", "grad_W_norm"}


@pytest.mark.parametrize("quantity", ["stdd", "name", "histogram", "finite"])
def test_unknown_quantity_is_named_with_the_known_ones(quantity, rng):
    seen = trace(MLP((2, 2, 2), rng=rng), np.ones((1, 2)), np.zeros(1, int))
    with pytest.raises(ValueError, match=f"{quantity!r}.*grad_z_norm"):
        seen.per_layer(quantity)


def test_trace_says_what_it_is(rng):
    assert repr(trace(tiny_network(), X, Y)) == "Trace of 2 layers on 2 examples, loss 0.2201"


def test_input_of_integers_is_read_as_numbers(rng):
    x = rng.integers(0, 256, size=(50, 6)).astype(np.uint8)
    seen = trace(MLP((6, 5, 3), rng=rng), x, np.zeros(50, int))
    assert (seen.input_mean, seen.input_std) == pytest.approx((x.mean(), x.std()))


def test_activation_of_ones_own_can_be_traced(rng):
    steep = replace(
        ACTIVATIONS["tanh"], name="steep", f=lambda z: np.tanh(3 * z), df=lambda z: 3 / np.cosh(3 * z) ** 2
    )
    seen = trace(MLP((6, 5, 3), activation=steep, rng=rng), rng.normal(size=(9, 6)), np.zeros(9, int))
    assert seen.layers[0].activation == "steep"
    assert 0 < seen.layers[0].share_saturated < 1


def test_only_networks_and_fitting_batches_are_traced(rng):
    with pytest.raises(ValueError, match="can't trace a dict"):
        trace({}, X, Y)
    with pytest.raises(ValueError, match=r"\(batch, 1\), got \(2, 3\)"):
        trace(tiny_network(), np.ones((2, 3)), Y)
    with pytest.raises(ValueError, match="2 integer labels"):
        trace(tiny_network(), X, np.array([0, 1, 1]))


# Extremes: RuntimeWarning is an error here, see pyproject.toml


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gain", [0, 1e-30, 1e-3, 1e3, 1e30])
@pytest.mark.parametrize("name", NAMES)
def test_any_gain_gives_numbers_and_no_warning(name, gain, dtype, rng):
    model = MLP((6, *[8] * 30, 3), activation=name, gain=gain, rng=rng, dtype=dtype)
    seen = trace(model, rng.normal(size=(9, 6)).astype(dtype), np.zeros(9, int))
    assert len(seen.layers) == 31
    assert all(layer.finite == np.isfinite(layer.std) for layer in seen.layers)
    if gain == 0:
        assert (seen.per_layer("grad_z_norm") == 0).all()
        assert seen.loss == pytest.approx(np.log(3), rel=1e-6)
    if gain == 1e30 and dtype == np.float32 and name in ("relu", "linear"):
        assert not seen.layers[-1].finite
        assert np.isnan(seen.loss)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("name", NAMES)
def test_any_input_gives_numbers_and_no_warning(name, bad, rng):
    x = rng.normal(size=(9, 6)).astype(np.float32)
    x[2, 3] = bad
    seen = trace(MLP((6, 8, 8, 3), activation=name, rng=rng, dtype=np.float32), x, np.zeros(9, int))
    assert len(seen.layers) == 3
    if np.isnan(bad):
        assert not any(layer.finite for layer in seen.layers)


def test_vanishing_gradient_is_followed_down_to_the_smallest_numbers(rng):
    model = MLP((6, *[8] * 10, 3), activation="linear", gain=1e-4, rng=rng, dtype=np.float32)
    exact = MLP((6, *[8] * 10, 3), activation="linear", gain=1e-4, rng=np.random.default_rng(20))
    x, y = rng.normal(size=(9, 6)), rng.integers(3, size=9)
    norms, wanted = (trace(m, x, y).per_layer("grad_z_norm") for m in (model, exact))
    assert wanted[0] < 1e-38  # below float32's smallest normal number
    np.testing.assert_allclose(norms[wanted > 1e-37], wanted[wanted > 1e-37], rtol=1e-4)
    np.testing.assert_allclose(norms[wanted > 1e-42], wanted[wanted > 1e-42], rtol=1e-2)


def test_the_weights_gradients_can_be_left_out():
    model = MLP((6, 5, 5, 3), rng=np.random.default_rng(0))
    x, y = np.random.default_rng(1).standard_normal((8, 6)), np.arange(8) % 3
    whole, quick = trace(model, x, y), trace(model, x, y, weights=False)
    assert np.isfinite(whole.per_layer("grad_W_norm")).all()
    assert np.isnan(quick.per_layer("grad_W_norm")).all()
    for quantity in ("mean", "std", "grad_z_norm", "share_dead"):
        assert np.array_equal(whole.per_layer(quantity), quick.per_layer(quantity))
