"""The Trace: its numbers by hand on tiny networks, and its calm at every extreme."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from helpers.networks.builders import dense_stack
from helpers.networks.mlp import MLP, cross_entropy
from helpers.numerics.activations import ACTIVATIONS, largest_slope, sigmoid
from helpers.signals.blocks import Step, grouped, parts_of, signal_of
from helpers.signals.measures import (
    BINS,
    batch_norm_signal,
    histogram,
    histogram_range,
    mean_and_std,
    norm,
    share_dead,
    share_saturated,
    shares_alike,
    shares_off_and_on,
)
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
    signals = trace(tiny_network(), X, Y)
    hidden, output = signals.layers
    # z = (1, −1), (−2, 2); h = (1, 0), (0, 2); the logits are h
    assert (hidden.z_mean, hidden.z_std) == pytest.approx((0, np.sqrt(10 / 4)))
    assert (hidden.mean, hidden.std) == pytest.approx((3 / 4, np.sqrt(5 / 4 - 9 / 16)))
    assert (output.mean, output.std) == pytest.approx((hidden.mean, hidden.std))
    assert (hidden.share_saturated, hidden.share_dead) == (0.5, 0)
    assert hidden.W_norm == pytest.approx(np.sqrt(2))
    assert signals.loss == pytest.approx(-np.log(sigmoid(1.0)) / 2 - np.log(sigmoid(2.0)) / 2)
    # dlogits = (−s, s) / 2 and (t, −t) / 2 with s = σ(−1), t = σ(−2); the mask keeps the first and the last
    s, t = sigmoid(-1.0), sigmoid(-2.0)
    np.testing.assert_allclose(signals.output_error, [s**2 / 2, t**2 / 2])
    assert output.grad_z_norm == pytest.approx(np.sqrt((s**2 + t**2) / 2))
    assert hidden.grad_z_norm == pytest.approx(np.sqrt(s**2 + t**2) / 2)
    assert hidden.grad_W_norm == pytest.approx(np.sqrt((s / 2) ** 2 + (2 * t / 2) ** 2))
    assert (signals.examples, signals.input_mean, signals.input_std) == pytest.approx((2, -0.5, 1.5))
    assert signals.hidden == (hidden,)
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


def test_unit_off_on_some_examples_only_is_not_dead():
    slope = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    assert share_dead(slope) == pytest.approx(1 / 3)


def test_units_off_and_on():
    slope = np.array([[0.0, 0.0, 1.0, 0.5], [0.0, 1.0, 1.0, 0.0]])
    assert shares_off_and_on(slope) == (0.25, 0.25)
    assert shares_off_and_on(slope, both=False) == (0.25, 0)
    hidden = trace(tiny_network(b=(5.0, -10.0)), X, Y).layers[0]
    assert (hidden.share_dead, hidden.share_on, hidden.can_die, hidden.saturates) == (0.5, 0.5, True, "left")
    assert (hidden.units, hidden.size, hidden.fan_in) == (2, 4, 1)


def test_units_that_are_alike():
    rng = np.random.default_rng(0)
    W, z, dz = (rng.standard_normal((9, 4)) for _ in range(3))
    assert shares_alike(W, z, dz) == (0, 0)
    for array in (W, z):
        array[:, 3] = array[:, 1]
    assert shares_alike(W, z, dz) == (0.5, 0)
    dz[:, 3] = dz[:, 1]
    assert shares_alike(W, z, dz) == (0.5, 0.5)
    dz[4, 3] = 0  # dropout switched it off
    assert shares_alike(W, z, dz) == (0.5, 0.5)
    assert shares_alike(0 * W, 0 * z, rng.standard_normal((9, 4))) == (0, 0)  # 0, but told apart from now on
    assert shares_alike(0 * W, 0 * z, 0 * dz) == (1, 1)
    assert shares_alike(W[:, :1], z[:, :1], dz[:, :1]) == (0, 0)


def test_what_a_batch_normalization_sees():
    x = np.array([[1.0, 5.0], [3.0, 5.0], [2.0, 8.0]])
    start = {"mean": np.zeros(2), "variance": np.ones(2), "eps": 0.0}
    seen = batch_norm_signal(x, **start, trained=False)
    spread = x.var(axis=0)
    assert (seen.count, seen.fresh) == (3, True)
    assert seen.shift == pytest.approx(np.median(x.mean(axis=0) / np.sqrt((spread + 1) / 2)))
    assert seen.stretch == pytest.approx(np.median(np.abs(np.log(spread))))
    assert not batch_norm_signal(x, **start, trained=True).fresh
    same = batch_norm_signal(x, mean=x.mean(axis=0), variance=spread, eps=0.0, trained=False)
    assert (same.shift, same.stretch, same.fresh) == (0, 0, False)


def test_saturated_units_are_found():
    assert trace(tiny_network("tanh", W=((10.0, -10.0),)), X, Y).layers[0].share_saturated == 1
    assert trace(tiny_network("tanh", W=((0.1, 10.0),)), X, Y).layers[0].share_saturated == 0.5


def test_saturated_means_below_a_twentieth_of_the_largest_slope():
    slope = ACTIVATIONS["sigmoid"].df(np.array([[0.0, 4.3, 4.4, -4.4]]))  # σ' = 0.25 / 20 at |z| = 4.357
    assert share_saturated(slope, "sigmoid") == 0.5


@pytest.mark.parametrize(
    ("name", "slope"), [("sigmoid", 0.25), ("tanh", 1), ("relu", 1), ("selu", 1.7580993408), ("gelu", 1.1289)]
)
def test_largest_slope(name, slope):
    assert largest_slope(name) == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_norms_and_moments_are_those_of_the_arrays(name, rng):
    model = MLP((6, 5, 4, 3), activation=name, bias_std=0.5, rng=rng)
    x, y = rng.normal(size=(9, 6)), rng.integers(3, size=9)
    signals, forward = trace(model, x, y), model.forward(x)
    _, gradients = model.loss_and_gradients(x, y)
    outputs = [*forward.h[1:], forward.logits]
    for i, layer in enumerate(signals.layers):
        assert (layer.z_mean, layer.z_std) == pytest.approx((forward.z[i].mean(), forward.z[i].std()))
        assert (layer.mean, layer.std) == pytest.approx((outputs[i].mean(), outputs[i].std()))
        assert layer.grad_z_norm == pytest.approx(np.linalg.norm(gradients.dz[i]))
        assert layer.grad_W_norm == pytest.approx(np.linalg.norm(gradients.dW[i]))
        assert layer.W_norm == pytest.approx(np.linalg.norm(model.weights[i]))
        assert layer.histogram.counts.sum() == outputs[i].size
        assert layer.finite
    assert signals.loss == pytest.approx(cross_entropy(forward.logits, y)[0])


def test_output_error_is_that_of_each_example(rng):
    model = MLP((6, 5, 3), rng=rng)
    x, y = rng.normal(size=(9, 6)), rng.integers(3, size=9)
    signals, (_, dlogits) = trace(model, x, y), cross_entropy(model.forward(x).logits, y)
    np.testing.assert_allclose(signals.output_error, np.sum(dlogits**2, axis=1))
    assert signals.output_error.sum() == pytest.approx(signals.layers[-1].grad_z_norm ** 2)


def test_per_layer_gives_one_number_per_hidden_layer(rng):
    signals = trace(MLP((6, 5, 4, 3), rng=rng), rng.normal(size=(9, 6)), np.zeros(9, int))
    for quantity in NUMBERS:
        wanted = [getattr(layer, quantity) for layer in signals.hidden]
        assert np.array_equal(signals.per_layer(quantity), wanted)
        assert {type(number) for number in wanted} == {float}  # NumPy's own would print as np.float64(…)
    assert set(NUMBERS) >= {"mean", "std", "share_saturated", "share_dead", "grad_z_norm", "grad_W_norm"}


@pytest.mark.parametrize("quantity", ["stdd", "name", "histogram", "finite"])
def test_unknown_quantity_is_named_with_the_known_ones(quantity, rng):
    signals = trace(MLP((2, 2, 2), rng=rng), np.ones((1, 2)), np.zeros(1, int))
    with pytest.raises(ValueError, match=f"{quantity!r}.*grad_z_norm"):
        signals.per_layer(quantity)


def test_trace_says_what_it_is(rng):
    assert repr(trace(tiny_network(), X, Y)) == "Trace of 2 layers on 2 examples, loss 0.2201"


def test_input_of_integers_is_read_as_numbers(rng):
    x = rng.integers(0, 256, size=(50, 6)).astype(np.uint8)
    signals = trace(MLP((6, 5, 3), rng=rng), x, np.zeros(50, int))
    assert (signals.input_mean, signals.input_std) == pytest.approx((x.mean(), x.std()))


def test_activation_of_ones_own_can_be_traced(rng):
    steep = replace(
        ACTIVATIONS["tanh"], name="steep", f=lambda z: np.tanh(3 * z), df=lambda z: 3 / np.cosh(3 * z) ** 2
    )
    signals = trace(MLP((6, 5, 3), activation=steep, rng=rng), rng.normal(size=(9, 6)), np.zeros(9, int))
    assert signals.layers[0].activation == "steep"
    assert 0 < signals.layers[0].share_saturated < 1


def test_only_networks_and_fitting_batches_are_traced(rng):
    with pytest.raises(ValueError, match="can't trace a dict"):
        trace({}, X, Y)
    with pytest.raises(ValueError, match=r"\(batch, 1\), got \(2, 3\)"):
        trace(tiny_network(), np.ones((2, 3)), Y)
    with pytest.raises(ValueError, match="2 integer labels"):
        trace(tiny_network(), X, np.array([0, 1, 1]))


# Histograms


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1.0), (0.0, 3.0), (-1.75, 3.0)])
@settings(max_examples=20)
@given(data=st.data())
def test_histogram_counts_what_numpy_counts(low, high, dtype, data):
    width = (high - low) / BINS
    places = data.draw(arrays(np.int64, 30, elements=st.integers(-20, BINS + 20)))
    inside = data.draw(
        arrays(np.float64, 30, elements=st.floats(0.01, 0.99))
    )  # off the edges, where rounding decides
    values = (low + (places + inside) * width).astype(dtype)
    result = histogram(values, low, high)
    wanted, edges = np.histogram(np.clip(values, low, high), BINS, (low, high))
    assert np.array_equal(result.counts, wanted)
    np.testing.assert_allclose(result.edges, edges)
    np.testing.assert_allclose(result.shares, wanted / 30)


def test_both_limits_belong_to_the_histogram():
    result = histogram(np.array([[-1.0, 1.0]]), -1.0, 1.0)
    assert (result.counts[0], result.counts[-1], result.counts.sum()) == (1, 1, 2)


def test_histogram_puts_infinities_at_the_ends_and_leaves_out_nan():
    result = histogram(np.array([-np.inf, np.inf, np.inf, np.nan, 0.01]), -1.0, 1.0)
    assert (result.counts[0], result.counts[-1], result.counts.sum()) == (1, 2, 4)
    assert result.shares.sum() == pytest.approx(1)
    assert histogram(np.full(3, np.nan), 0, 1).shares.sum() == 0


@pytest.mark.parametrize(
    ("name", "limits"), [("tanh", (-1, 1)), ("sigmoid", (0, 1)), ("relu", (0, 3)), ("linear", (-3, 3))]
)
def test_histogram_range_is_the_activations_own(name, limits):
    assert histogram_range(name) == limits
    assert all(isinstance(limit, float) for limit in histogram_range(name))


# Norms, means and spreads at every scale


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_norm_neither_overflows_nor_vanishes(scale):
    assert norm(scale * np.array([[3.0, -4.0]])) == pytest.approx(5 * scale, rel=1e-14, abs=0)


def test_norm_of_the_smallest_float32_numbers():
    smallest = np.full(9, 1e-42, np.float32)
    assert norm(smallest) == pytest.approx(3e-42, rel=2e-3, abs=0)


def test_norm_of_what_is_not_finite():
    assert norm(np.zeros(3)) == 0
    assert norm(np.array([1.0, -np.inf])) == np.inf
    assert np.isnan(norm(np.array([1.0, np.nan, np.inf])))


@given(arrays(np.float32, (3, 4), elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_norm_and_spread_are_those_of_float64(values):
    exact = values.astype(np.float64)
    mean, std = mean_and_std(values)
    assert norm(values) == pytest.approx(np.linalg.norm(exact), rel=1e-5)
    assert mean == pytest.approx(exact.mean(), abs=1e-6 * np.abs(exact).max())
    assert std == pytest.approx(exact.std(), rel=1e-4, abs=1e-6 * np.abs(exact).max())


def test_small_spread_about_a_large_mean_keeps_its_digits():
    values = np.array([[1e6, 1e6 + 1]], np.float32)
    assert mean_and_std(values) == (1e6 + 0.5, 0.5)
    values = 1e8 + np.array([-1e-4, 1e-4])
    assert mean_and_std(values)[1] == pytest.approx(1e-4, rel=1e-3)


# Extremes: RuntimeWarning is an error here, see pyproject.toml


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gain", [0, 1e-30, 1e-3, 1e3, 1e30])
@pytest.mark.parametrize("name", NAMES)
def test_any_gain_gives_numbers_and_no_warning(name, gain, dtype, rng):
    model = MLP((6, *[8] * 30, 3), activation=name, gain=gain, rng=rng, dtype=dtype)
    signals = trace(model, rng.normal(size=(9, 6)).astype(dtype), np.zeros(9, int))
    assert len(signals.layers) == 31
    assert all(layer.finite == np.isfinite(layer.std) for layer in signals.layers)
    if gain == 0:
        assert (signals.per_layer("grad_z_norm") == 0).all()
        assert signals.loss == pytest.approx(np.log(3), rel=1e-6)
    if gain == 1e30 and dtype == np.float32 and name in ("relu", "linear"):
        assert not signals.layers[-1].finite
        assert np.isnan(signals.loss)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("name", NAMES)
def test_any_input_gives_numbers_and_no_warning(name, bad, rng):
    x = rng.normal(size=(9, 6)).astype(np.float32)
    x[2, 3] = bad
    signals = trace(MLP((6, 8, 8, 3), activation=name, rng=rng, dtype=np.float32), x, np.zeros(9, int))
    assert len(signals.layers) == 3
    if np.isnan(bad):
        assert not any(layer.finite for layer in signals.layers)


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


# Stacks of layers


def stack_of(seed=5, sizes=(6, 5, 5, 5, 3), **options):
    return dense_stack(sizes, rng=np.random.default_rng(seed), **options)


@pytest.fixture
def batch(rng):
    return rng.normal(size=(9, 6)), rng.integers(3, size=9)


@pytest.mark.parametrize("name", NAMES)
def test_a_plain_stack_has_the_signals_of_the_small_network(name, batch):
    stack = stack_of(activation=name, initializer="glorot_normal", gain=1.5)
    model = MLP((6, 5, 5, 5, 3), activation=name, gain=1.5, rng=np.random.default_rng(5))
    ours, theirs = trace(stack, *batch), trace(model, *batch)
    assert (ours.loss, ours.input_mean, ours.input_std) == (theirs.loss, theirs.input_mean, theirs.input_std)
    assert np.array_equal(ours.output_error, theirs.output_error)
    for a, b in zip(ours.layers, theirs.layers, strict=True):
        assert np.array_equal(a.histogram.counts, b.histogram.counts)
        assert [getattr(a, quantity) for quantity in NUMBERS] == [
            getattr(b, quantity) for quantity in NUMBERS
        ]
        assert (a.name, a.activation, a.parts, a.output) == (b.name, b.activation, b.parts, b.output)


PLACES = {  # options: the kinds of a hidden layer's parts, and where z and h are among the outputs
    "before": ({"normalized": "before"}, ("dense", "batch_norm", "activation"), 1, 2),
    "after": ({"normalized": "after"}, ("dense", "activation", "batch_norm"), 0, 1),
    "dropout": ({"dropout": 0.5}, ("dense", "activation", "dropout"), 0, 1),
    "alpha": ({"alpha_dropout": 0.5}, ("dense", "activation", "alpha_dropout"), 0, 1),
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("place", PLACES)
def test_one_block_per_dense_layer_whatever_follows_it(place, training, batch):
    options, parts, z, h = PLACES[place]
    stack, again = stack_of(**options), stack_of(**options)
    signals = trace(stack, *batch, training=training)
    assert [layer.parts for layer in signals.layers] == [parts] * 3 + [("dense",)]
    nodes = again.forward(batch[0], training=training)
    loss, dlogits = cross_entropy(nodes[-1].output, batch[1])
    back = again.backward(nodes, dlogits)
    kernels = [own["W"] for layer, own in back.parameters.items() if layer.kind == "dense"]
    assert signals.loss == loss
    for i, layer in enumerate(signals.layers[:-1]):
        own = nodes[3 * i : 3 * i + 3]
        outputs = [node.output for node in own]
        assert (layer.z_mean, layer.z_std) == pytest.approx((outputs[z].mean(), outputs[z].std()))
        assert (layer.mean, layer.std) == pytest.approx((outputs[h].mean(), outputs[h].std()))
        assert layer.grad_z_norm == pytest.approx(np.linalg.norm(own[z].gradient))
        assert layer.grad_W_norm == pytest.approx(np.linalg.norm(kernels[i]))


def test_the_batchs_statistics_in_training_and_the_moving_ones_otherwise(batch):
    stack = stack_of(normalized="before", gain=3.0)
    training, testing = (trace(stack, *batch, training=training) for training in (True, False))
    np.testing.assert_allclose(training.per_layer("z_mean"), 0, atol=1e-12)
    np.testing.assert_allclose(training.per_layer("z_std"), 1, atol=0.01)
    assert (testing.per_layer("z_std") > 1.5).all()  # the moving variance is still 1: nothing is normalized


def test_skips_belong_to_the_layer_whose_weights_came_last(batch):
    signals = trace(stack_of(skips=True), *batch)
    assert [layer.parts for layer in signals.layers] == [
        ("dense", "activation"),
        ("dense", "activation", "add"),
        ("dense", "activation", "add"),
        ("dense",),
    ]


@pytest.mark.parametrize("place", PLACES)
def test_a_stack_is_left_as_it_was(place, batch):
    stack, again = stack_of(**PLACES[place][0]), stack_of(**PLACES[place][0])
    first = trace(stack, *batch)
    assert trace(stack, *batch).loss == first.loss  # the same masks are drawn
    for one in (stack, again):
        for _ in range(2):
            one.step(one.loss_and_gradients(*batch)[1], 0.1)
    assert np.array_equal(stack.logits(batch[0]), again.logits(batch[0]))


def test_the_weights_gradients_of_a_stack_can_be_left_out(batch):
    whole, quick = (trace(stack_of(), *batch, weights=weights) for weights in (True, False))
    assert np.isnan(quick.per_layer("grad_W_norm")).all()
    assert np.array_equal(whole.per_layer("grad_z_norm"), quick.per_layer("grad_z_norm"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gain", [0, 1e-30, 1e30])
@pytest.mark.parametrize(
    "options",
    [{}, {"normalized": "before"}, {"normalized": "after", "skips": True}, {"alpha_dropout": 0.2}],
    ids=str,
)
def test_any_gain_of_a_stack_gives_numbers_and_no_warning(options, gain, dtype, batch):
    stack = stack_of(sizes=(6, *[8] * 20, 3), gain=gain, dtype=dtype, **options)
    signals = trace(stack, *batch)
    assert len(signals.layers) == 21
    assert all(layer.finite == np.isfinite(layer.std) for layer in signals.layers)
    bad = batch[0].copy()
    bad[0, 0] = np.nan
    assert not trace(stack, bad, batch[1]).layers[0].finite


def test_stacks_and_batches_that_do_not_fit_are_named(batch):
    with pytest.raises(ValueError, match=r"x must have shape \(batch, 6\), got \(9, 5\)"):
        trace(stack_of(), batch[0][:, :5], batch[1])
    with pytest.raises(ValueError, match="labels must lie in 0 … 2"):
        trace(stack_of(), batch[0], batch[1] + 3)


# Blocks: layers of any library in groups


def step(kind, inputs, output, *, weights=None, activation=None, z=None):
    return Step(kind, kind, inputs, output, weights, activation and ACTIVATIONS[activation], z)


def arrays_of(n):
    return [np.full(2, float(i)) for i in range(n)]


def kinds_of(steps):
    return [parts_of(group) for group in grouped(steps)]


def test_every_layer_with_weights_begins_a_group():
    x, a, b, c, d, e = arrays_of(6)
    steps = [
        step("flatten", (x,), a),
        step("dense", (a,), b, weights=1),
        step("batch_norm", (b,), c),
        step("dense", (c,), d, weights=2, activation="relu", z=c),
        step("dropout", (d,), e),
    ]
    assert kinds_of(steps) == [("dense", "batch_norm"), ("dense", "activation", "dropout")]
    assert grouped(steps[:1]) == []


def test_where_branches_meet_the_later_weights_count():
    x, a, b, c, d, e = arrays_of(6)
    steps = [
        step("dense", (x,), a, weights=1),
        step("conv", (a,), b, weights=2),
        step("activation", (a,), c, activation="relu"),  # the first branch again, after the second began
        step("add", (c, b), d),
        step("rescaling", (x,), e),  # reads the input, past all weights
    ]
    assert kinds_of(steps) == [("dense", "activation"), ("conv", "add")]


def test_z_and_h_are_those_of_the_first_nonlinearity():
    x, a, b, c, d = arrays_of(5)
    steps = [
        step("dense", (x,), a, weights=1),
        step("batch_norm", (a,), b),
        step("activation", (b,), c, activation="tanh"),
        step("activation", (c,), d, activation="relu"),
    ]
    z, h, activation = signal_of(steps)
    assert (z is b, h is c, activation.name) == (True, True, "tanh")
    fused = [step("dense", (x,), c, weights=1, activation="relu", z=a), *steps[3:]]
    z, h, activation = signal_of(fused)
    assert (z is a, h is c, activation.name) == (True, True, "relu")


def test_without_a_nonlinearity_both_are_what_the_last_sum_gave():
    x, a, b, c, d = arrays_of(5)
    steps = [
        step("dense", (x,), a, weights=1),
        step("add", (a, x), b),
        step("dropout", (b,), c),
        step("max_pooling2d", (c,), d),
        step("softmax", (d,), x),
    ]
    z, h, activation = signal_of(steps)
    assert (z is b, h is b, activation.name) == (True, True, "linear")
    z, _, _ = signal_of([step("dense", (x,), b, weights=1, z=a)])  # a softmax inside: what entered it
    assert z is a
