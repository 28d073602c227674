"""The passage through a small network and through a stack of layers: steps, blocks, gradients."""

import numpy as np
import pytest

from helpers.networks.builders import dense_stack
from helpers.networks.mlp import MLP, cross_entropy
from helpers.numerics.activations import ACTIVATIONS
from helpers.signals.trace import NUMBERS, trace

NAMES = sorted(ACTIVATIONS)


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
    seen = trace(stack, *batch, training=training)
    assert [layer.parts for layer in seen.layers] == [parts] * 3 + [("dense",)]
    nodes = again.forward(batch[0], training=training)
    loss, dlogits = cross_entropy(nodes[-1].output, batch[1])
    back = again.backward(nodes, dlogits)
    kernels = [own["W"] for layer, own in back.parameters.items() if layer.kind == "dense"]
    assert seen.loss == loss
    for i, layer in enumerate(seen.layers[:-1]):
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
    seen = trace(stack_of(skips=True), *batch)
    assert [layer.parts for layer in seen.layers] == [
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
    seen = trace(stack, *batch)
    assert len(seen.layers) == 21
    assert all(layer.finite == np.isfinite(layer.std) for layer in seen.layers)
    bad = batch[0].copy()
    bad[0, 0] = np.nan
    assert not trace(stack, bad, batch[1]).layers[0].finite


def test_stacks_and_batches_that_do_not_fit_are_named(batch):
    with pytest.raises(ValueError, match=r"x must have shape \(batch, 6\), got \(9, 5\)"):
        trace(stack_of(), batch[0][:, :5], batch[1])
    with pytest.raises(ValueError, match="labels must lie in 0 … 2"):
        trace(stack_of(), batch[0], batch[1] + 3)
