"""Recordings: what a record tells is right, and training goes on as if nobody watched."""

import numpy as np
import pytest

from helpers import data as images
from helpers.networks import builders
from helpers.networks.builders import dense_stack
from helpers.networks.mlp import MLP
from helpers.networks.training import train
from helpers.signals.recording import BINS, REACH, Recording, empty, recorded_training, watcher


def test_a_recording_reads_its_histograms():
    counts = np.zeros((1, 1, BINS), int)
    counts[0, 0, 0], counts[0, 0, -1] = 3, 1
    one = np.ones((1, 1))
    recording = Recording(("a",), 5, np.array([0]), np.ones(1), one, one, counts)
    width = REACH / BINS
    assert recording.mean_activation[0, 0] == pytest.approx((3 * width / 2 + REACH - width / 2) / 4)
    assert repr(recording) == "Recording of 1 layers, 0 of 5 steps, under way"


def test_an_empty_recording_needs_layers_and_steps():
    assert empty(("a", "b"), 4).counts.shape == (0, 2, BINS)
    for layers, total in (((), 4), (("a",), 0)):
        with pytest.raises(ValueError, match="needs layers and steps"):
            empty(layers, total)


@pytest.fixture
def data(rng):
    """Five clusters that overlap a little, 20 inputs, labels."""
    y = rng.integers(5, size=600)
    return 0.8 * rng.normal(size=(5, 20))[y] + rng.normal(size=(600, 20)), y


def watched(model, x, y, *, learning_rate, steps=200, every=20, valid=None, batch_size=32):
    watch = watcher(
        model,
        x[:batch_size],
        y[:batch_size],
        steps=steps,
        learning_rate=learning_rate,
        every=every,
        valid=valid,
    )
    train(model, x, y, learning_rate=learning_rate, steps=steps, batch_size=batch_size,
          rng=np.random.default_rng(3), after_step=watch)  # fmt: skip
    return watch.recording


def small(depth=2, activation="relu", **options):
    return MLP((20, *[30] * depth, 5), activation=activation, rng=np.random.default_rng(1), **options)


@pytest.fixture(scope="module")
def batch():
    return images.load_batch(100, dtype=np.float64)


def test_what_the_watcher_records(data):
    x, y = data
    model, twin = small(initializer="he_normal"), small(initializer="he_normal")
    run = watched(model, x[:400], y[:400], learning_rate=0.05, valid=(x[400:], y[400:]))
    assert run.layers == ("layer 1", "layer 2", "layer 3")
    assert (run.total, run.last_step, len(run.steps), len(run.epochs)) == (200, 200, 11, 10)
    loss, gradients = twin.loss_and_gradients(x[:32], y[:32])
    assert run.loss[0] == pytest.approx(loss)
    for i, dW in enumerate(gradients.dW):
        assert run.grad_W_norm[0, i] == pytest.approx(np.linalg.norm(dW))
        assert run.ratio[0, i] == pytest.approx(0.05 * np.linalg.norm(dW) / np.linalg.norm(twin.weights[i]))
    assert (run.counts.sum(axis=2) == [[32 * 30, 32 * 30, 32 * 5]]).all()
    losses = train(twin, x[:400], y[:400], learning_rate=0.05, steps=200, rng=np.random.default_rng(3))
    assert run.logged("loss")[1] == pytest.approx(losses.reshape(10, 20).mean(axis=1))
    assert run.logged("val_accuracy")[1][-1] == model.accuracy(x[400:], y[400:])
    assert all(map(np.array_equal, model.weights, twin.weights))  # watching changed nothing


def test_the_last_steps_are_recorded_where_they_make_no_whole_round(data):
    run = watched(small(), *data, learning_rate=0.05, steps=50)
    assert run.steps.tolist() == [0, 20, 40, 50]
    assert [step for step, _ in run.epochs] == [20, 40, 50]


@pytest.mark.parametrize("options", [{"normalized": "before"}, {"dropout": 0.3}])
def test_a_stack_trains_on_as_without_a_watcher(options, data):
    one, other = (dense_stack((20, 30, 5), rng=np.random.default_rng(2), **options) for _ in range(2))
    run = watched(one, *data, learning_rate=0.1, steps=40, valid=data)
    train(other, *data, learning_rate=0.1, steps=40, rng=np.random.default_rng(3))
    assert np.array_equal(one.logits(data[0]), other.logits(data[0]))
    assert len(run.steps) == 3


def test_every_must_be_a_step_or_more(data):
    with pytest.raises(ValueError, match="every must be at least 1 step, got 0"):
        watcher(small(), *data, steps=10, learning_rate=0.1, every=0)


def test_recorded_training_trains_and_records(batch):
    net = builders.Design().stack((784, 20, 20, 10), rng=np.random.default_rng(0))
    W = net.layers[0].W.copy()
    rng = np.random.default_rng(1)
    run = recorded_training(net, *batch, learning_rate=0.1, steps=21, every=10, rng=rng)
    assert list(run.steps) == [0, 10, 20]
    assert run.grad_W_norm.shape == run.ratio.shape == (3, 3)
    assert (run.counts.sum(axis=2) == 64 * np.array([20, 20, 10])).all()
    assert run.loss[-1] < run.loss[0]
    assert not np.array_equal(W, net.layers[0].W)
    assert "done" in repr(run)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        recorded_training(net, *batch, learning_rate=0.1, steps=1, every=0, rng=rng)


def test_the_recorded_ratio_is_that_of_the_step(batch):
    x, y = (part[:64] for part in batch)
    net = builders.Design().stack((784, 20, 10), rng=np.random.default_rng(0))
    W = net.layers[0].W.copy()
    run = recorded_training(net, x, y, learning_rate=0.5, steps=1, rng=np.random.default_rng(1))
    assert run.ratio[0, 0] == pytest.approx(np.linalg.norm(net.layers[0].W - W) / np.linalg.norm(W))
