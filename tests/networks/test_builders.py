"""The residual network: its gradients against differences, its growth against theory and by hand."""

import numpy as np
import pytest

from helpers.networks.builders import STARTS, ResidualNet, fixup_scale, stream_second_moments
from helpers.networks.mlp import cross_entropy
from helpers.networks.training import train
from helpers.numerics.activations import relu
from helpers.numerics.gradcheck import numerical_gradient, relative_error


def small_net(start="he", seed=0, blocks=3):
    return ResidualNet(7, 5, blocks, 4, start=start, rng=np.random.default_rng(seed))


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    return rng.standard_normal((6, 7)), rng.integers(0, 4, 6)


def test_forward_is_what_the_formula_says(batch):
    net = small_net(blocks=2)
    h = batch[0] @ net.entry
    for W1, W2 in net.branches:
        h = h + relu(h @ W1) @ W2
    np.testing.assert_allclose(net.forward(batch[0]).logits, h @ net.exit, rtol=1e-12)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("layer", range(8))
def test_gradients_agree_with_differences(start, layer, batch):
    net = small_net(start)
    _, gradients = net.loss_and_gradients(*batch)
    W = net.weights[layer]

    def loss(values):
        kept = W.copy()
        W[...] = values
        value, _ = cross_entropy(net.forward(batch[0]).logits, batch[1])
        W[...] = kept
        return value

    assert relative_error(gradients[layer], numerical_gradient(loss, W.copy())) < 1e-6


def test_gradients_come_in_the_order_of_the_weights(batch):
    net = small_net()
    _, gradients = net.loss_and_gradients(*batch)
    assert [g.shape for g in gradients] == [W.shape for W in net.weights]
    assert len(net.weights) == 2 + 2 * 3


@pytest.mark.parametrize("start", STARTS)
def test_the_stream_grows_as_predicted(start):
    """The mean over 20 seeds against growth^L, within three standard errors."""
    blocks, x = 6, np.random.default_rng(0).standard_normal((100, 50))
    nets = [ResidualNet(50, 200, blocks, 3, start=start, rng=np.random.default_rng(s)) for s in range(20)]
    runs = np.array([stream_second_moments(net, x) for net in nets])
    ratio = runs[:, -1] / runs[:, 0] / STARTS[start].growth(blocks) ** blocks
    assert abs(ratio.mean() - 1) <= 3 * ratio.std() / np.sqrt(20) + 1e-12


def test_growth_by_hand():
    assert STARTS["naive"].growth(10) == 1.5
    assert STARTS["he"].growth(10) == 3
    assert STARTS["zeroed"].growth(10) == STARTS["fixup"].growth(10) == 1
    assert STARTS["scaled"].growth(10) == pytest.approx(1.2)
    assert STARTS["scaled"].growth(1000) ** 1000 < np.exp(2)  # bounded, however deep


def test_zeroed_blocks_begin_as_the_identity(batch):
    for start in ("zeroed", "fixup"):
        stream = small_net(start).forward(batch[0]).stream
        assert all(np.array_equal(h, stream[0]) for h in stream)


def test_fixup_scale():
    assert fixup_scale(16) == 0.25  # L^(−1/2) for two matrices
    assert fixup_scale(16, 3) == 0.5  # L^(−1/4) for three
    assert fixup_scale(1) == 1
    for wrong in ((4, 1), (0, 2)):
        with pytest.raises(ValueError, match="a branch needs"):
            fixup_scale(*wrong)


def test_it_learns_and_its_diverged_twin_is_counted(batch):
    x, y = batch
    net = small_net("zeroed")
    losses = train(net, x, y, learning_rate=0.1, steps=200, batch_size=6, rng=np.random.default_rng(0))
    assert losses[-1] < 0.1 < losses[0]
    assert net.accuracy(x, y) == 1
    for W in net.weights:
        W *= 1e200
    assert 0 <= net.accuracy(x, y) <= 1  # overflow, and no warning


def test_float32_stays(batch):
    net = ResidualNet(7, 5, 2, 4, start="scaled", rng=np.random.default_rng(0), dtype=np.float32)
    _, gradients = net.loss_and_gradients(batch[0].astype(np.float32), batch[1])
    net.step(gradients, 0.1)
    assert {a.dtype for a in (*gradients, *net.weights)} == {np.dtype(np.float32)}


@pytest.mark.parametrize(("start", "blocks"), [("best", 3), ("he", 0)])
def test_bad_settings_are_named(start, blocks):
    with pytest.raises(ValueError, match=r"start must be one of naive"):
        small_net(start, blocks=blocks)
