"""What `watcher` records while a network trains, and that it changes nothing."""

import numpy as np
import pytest

from helpers.networks.builders import dense_stack
from helpers.networks.mlp import MLP
from helpers.networks.training import train
from helpers.signals import recording


@pytest.fixture
def data(rng):
    """Five clusters that overlap a little, 20 inputs, labels."""
    y = rng.integers(5, size=600)
    return 0.8 * rng.normal(size=(5, 20))[y] + rng.normal(size=(600, 20)), y


def watched(model, x, y, *, learning_rate, steps=200, every=20, valid=None, batch_size=32):
    watch = recording.watcher(
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


def test_what_the_watcher_records(data):
    x, y = data
    model, twin = small(initializer="he_normal"), small(initializer="he_normal")
    run = watched(model, x[:400], y[:400], learning_rate=0.05, valid=(x[400:], y[400:]))
    assert run.layers == ("layer 1", "layer 2", "layer 3")
    assert (run.total, run.last_step, len(run.steps), len(run.epochs)) == (200, 200, 11, 10)
    loss, gradients = twin.loss_and_gradients(x[:32], y[:32])
    assert run.loss[0] == pytest.approx(loss)
    for i, dW in enumerate(gradients.dW):
        assert run.gradient[0, i] == pytest.approx(np.linalg.norm(dW))
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
        recording.watcher(small(), *data, steps=10, learning_rate=0.1, every=0)
