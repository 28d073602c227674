"""Builders: a design and its network, a residual stack's growth against theory and by hand."""

import numpy as np
import pytest

from helpers.networks.builders import (
    DESIGNS,
    STARTS,
    Design,
    bare_residual_stack,
    dense_stack,
    fixup_scale,
    stream_second_moments,
)
from helpers.networks.mlp import cross_entropy
from helpers.networks.stack import Skip
from helpers.networks.training import train
from helpers.numerics.gradcheck import numerical_gradient, relative_error
from helpers.numerics.initializers import INITIALIZERS


def small_net(start="he", seed=0, blocks=3, **options):
    return bare_residual_stack(7, 5, blocks, 4, start=start, rng=np.random.default_rng(seed), **options)


def dense_of(stack):
    return [layer for layer in stack.flat() if layer.kind == "dense"]


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    return rng.standard_normal((6, 7)), rng.integers(0, 4, 6)


# Designs


@pytest.mark.parametrize(
    "design",
    [*DESIGNS.values(), Design(gain=2.5, dropout=0.1), Design("relu", alpha_dropout=0.2, skips=True)],
    ids=str,
)
def test_a_designs_stack_is_the_dense_stack_of_its_options(design, batch):
    options = {name: getattr(design, name) for name in Design.__dataclass_fields__}
    one = design.stack((7, 5, 5, 4), rng=np.random.default_rng(3))
    other = dense_stack((7, 5, 5, 4), **options, rng=np.random.default_rng(3))
    assert [layer.kind for layer in one.flat()] == [layer.kind for layer in other.flat()]
    outputs = [stack.forward(batch[0], training=True)[-1].output for stack in (one, other)]
    assert np.array_equal(*outputs)


def test_given_weights_are_taken_as_they_are():
    weights = [np.full((7, 5), 0.5), np.full((5, 4), 2.0)]
    for design in (Design(), Design(gain=3.0)):
        taken = dense_of(design.stack((7, 5, 4), rng=np.random.default_rng(0), weights=weights))
        assert all(np.array_equal(layer.W, W) for layer, W in zip(taken, weights, strict=True))


# Residual stacks and their starts


def test_forward_is_what_the_formula_says(batch):
    net = small_net(blocks=2)
    entry, *branches, last = [layer.W for layer in dense_of(net)]
    h = batch[0] @ entry
    for W1, W2 in (branches[:2], branches[2:]):
        h = h + np.maximum(h @ W1, 0) @ W2
    np.testing.assert_allclose(net.logits(batch[0]), h @ last, rtol=1e-12)
    assert all(layer.b is None for layer in dense_of(net))


def test_weights_are_drawn_around_the_blocks_first_and_scaled_by_the_start(batch):
    """The order of the draws: a start changes the branches' scale, and nothing else."""
    rng = np.random.default_rng(0)
    shapes = [(7, 5), (5, 4), *[(5, 5)] * 6]
    entry, last, *branches = (INITIALIZERS["lecun_normal"](shape, rng=rng) for shape in shapes)
    for name, start in STARTS.items():
        scales = np.sqrt(start.variances(3) * 3)
        wanted = [entry, *(scale * W for scale, W in zip(scales, branches, strict=True)), last]
        for layer, W in zip(dense_of(small_net(name)), wanted, strict=True):
            np.testing.assert_allclose(layer.W, W, rtol=1e-15)


@pytest.mark.parametrize("start", STARTS)
def test_gradients_agree_with_differences(start, batch):
    net = small_net(start)
    _, gradients = net.loss_and_gradients(*batch)
    assert list(gradients.parameters) == dense_of(net)
    for layer, own in gradients.parameters.items():
        W = layer.W.copy()

        def loss(values, layer=layer):
            layer.W[...] = values
            return cross_entropy(net.logits(batch[0]), batch[1])[0]

        wanted = numerical_gradient(loss, W)
        layer.W[...] = W
        assert relative_error(own["W"], wanted) < 1e-6


@pytest.mark.parametrize("start", STARTS)
def test_the_stream_grows_as_predicted(start):
    """The mean over 20 seeds against growth^L, within three standard errors."""
    blocks, x, seeds = (
        6,
        np.random.default_rng(0).standard_normal((100, 50)),
        map(np.random.default_rng, range(20)),
    )
    nets = [bare_residual_stack(50, 200, blocks, 3, start=start, rng=rng) for rng in seeds]
    runs = np.array([stream_second_moments(net, x) for net in nets])
    ratio = runs[:, -1] / runs[:, 0] / STARTS[start].growth(blocks) ** blocks
    assert abs(ratio.mean() - 1) <= 3 * ratio.std() / np.sqrt(20) + 1e-12


def test_the_stream_is_read_before_the_first_block_and_after_each(batch):
    net, h = small_net(blocks=2), batch[0]
    moments = stream_second_moments(net, batch[0])
    h = h @ net.layers[0].W
    wanted = [np.mean(h**2)]
    for skip in net.layers[1:3]:
        W1, W2 = skip.layers[0].W, skip.layers[2].W
        h = h + np.maximum(h @ W1, 0) @ W2
        wanted.append(np.mean(h**2))
    np.testing.assert_allclose(moments, wanted)


def test_growth_by_hand():
    assert STARTS["naive"].growth(10) == 1.5
    assert STARTS["he"].growth(10) == 3
    assert STARTS["zeroed"].growth(10) == STARTS["fixup"].growth(10) == 1
    assert STARTS["scaled"].growth(10) == pytest.approx(1.2)
    assert STARTS["scaled"].growth(1000) ** 1000 < np.exp(2)  # bounded, however deep


def test_zeroed_blocks_begin_as_the_identity(batch):
    for start in ("zeroed", "fixup"):
        nodes = small_net(start).forward(batch[0])
        stream = [nodes[0], *(node for node in nodes if node.layer.kind == "add")]
        assert len(stream) == 4
        assert all(np.array_equal(node.output, stream[0].output) for node in stream)


def test_fixup_scale():
    assert fixup_scale(16) == 0.25  # L^(−1/2) for two matrices
    assert fixup_scale(16, 3) == 0.5  # L^(−1/4) for three
    assert fixup_scale(1) == 1
    for wrong in ((4, 1), (0, 2)):
        with pytest.raises(ValueError, match="a branch needs"):
            fixup_scale(*wrong)


def test_it_learns_and_where_it_diverged_it_is_right_by_chance(batch):
    x, y = batch
    net = small_net("zeroed")
    losses = train(net, x, y, learning_rate=0.1, steps=200, batch_size=6, rng=np.random.default_rng(0))
    assert losses[-1] < 0.1 < losses[0]
    assert net.accuracy(x, y) == 1
    for layer in dense_of(net):
        layer.W *= 1e200
    assert 0 <= net.accuracy(x, y) <= 1  # overflow, and no warning
    with np.errstate(all="ignore"):
        assert not np.isfinite(stream_second_moments(net, x)[-1])


def test_float32_stays(batch):
    net = small_net("scaled", blocks=2, dtype=np.float32)
    _, gradients = net.loss_and_gradients(batch[0].astype(np.float32), batch[1])
    net.step(gradients, 0.1)
    weights = [layer.W for layer in dense_of(net)]
    assert {a.dtype for a in (*gradients.of_parameters(), *weights)} == {np.dtype(np.float32)}


def test_a_block_is_a_skip():
    assert [isinstance(layer, Skip) for layer in small_net(blocks=3).layers] == [
        False,
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(("start", "blocks"), [("best", 3), ("he", 0)])
def test_bad_settings_are_named(start, blocks):
    with pytest.raises(ValueError, match=r"start must be one of naive"):
        small_net(start, blocks=blocks)
