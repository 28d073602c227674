"""The clinic on recorded runs: made up ones, and short real ones of small networks."""

from dataclasses import replace

import numpy as np
import pytest

from helpers import clinic
from helpers.networks.builders import dense_stack
from helpers.networks.mlp import MLP
from helpers.networks.training import train
from helpers.signals import recording

LAYERS = ("a", "b", "c", "d")


def made_up(loss, ratio=3e-3, gradient=(1.0, 1.0, 1.0, 1.0), validation=None, training=None, steps=1000):
    """A run with the given losses; ratio and gradient are the same at every record."""
    loss = np.asarray(loss, float)
    count, shape = len(loss), (len(loss), len(LAYERS))
    run = recording.empty(LAYERS, steps)
    marks = np.linspace(0, steps, count).astype(int)
    epochs = [
        (mark, {"val_loss": float(v), "loss": float(t)})
        for mark, v, t in zip(marks, validation or (), training or loss, strict=False)
    ]
    return replace(
        run,
        steps=marks,
        loss=loss,
        grad_W_norm=np.broadcast_to(gradient, shape),
        ratio=np.broadcast_to(np.asarray(ratio, float), (len(LAYERS), count)).T
        if np.ndim(ratio)
        else np.full(shape, ratio),
        counts=np.ones((*shape, recording.BINS)),
        epochs=tuple(epochs),
    )


GOOD = [2.3, 1.5, 1.0, 0.7, 0.5, 0.45]


def severities(run):
    return {finding.code: finding.severity for finding in clinic.examine_training(run)}


def test_a_good_run_has_no_findings():
    found = clinic.examine_training(made_up(GOOD, validation=[2.2, 1.6, 1.1, 0.9, 0.8, 0.79]))
    assert found == ()
    assert repr(found) == "No findings in 6 records of 4 layers."


def test_a_run_without_records_has_no_findings():
    assert clinic.examine_training(recording.empty(LAYERS, 100)) == ()
    assert clinic.examine_training(made_up([2.3])) == ()


@pytest.mark.parametrize(
    ("loss", "ratio", "severity"),
    [
        ([2.3, np.nan, np.nan, np.nan], 0.3, "severe"),
        ([2.3, 9.0, 8.0, 9.0, 7.0, 8.0], 0.2, "severe"),
        ([2.3, 2.4, 2.2, 2.3, 2.2, 2.3], 0.8, "severe"),
        ([2.3, 3.5, 1.5, 2.5, 1.2, 1.1], 0.2, "mild"),
        ([2.3, 3.5, 1.5, 2.5, 1.2, 1.1], 0.01, None),
        (GOOD, 0.3, None),
    ],
)
def test_steps_too_long(loss, ratio, severity):
    assert severities(made_up(loss, ratio)).get("learning_rate_too_high") == severity


@pytest.mark.parametrize(
    ("loss", "ratio", "severity"),
    [
        ([2.3, 2.29, 2.28, 2.27], 1e-6, "severe"),
        ([2.3, 2.2, 2.1, 2.0], 5e-5, "mild"),
        ([2.3, 2.2, 2.1, 2.0], 1e-3, None),
        (GOOD, 5e-5, None),
        ([2.3, 2.3, 2.3, 2.3], 0.0, None),  # no gradient at all: that is another illness
    ],
)
def test_steps_too_short(loss, ratio, severity):
    assert severities(made_up(loss, ratio)).get("learning_rate_too_low") == severity


@pytest.mark.parametrize(
    ("gradient", "code", "severity", "layers"),
    [
        ((1e-4, 1e-3, 1e-1, 1), "vanishing_gradient", "severe", ("a", "b")),
        ((0.02, 0.1, 0.5, 1), "vanishing_gradient", "mild", ("a",)),
        ((1e4, 1e3, 10, 1), "exploding_gradient", "severe", ("a", "b")),
        ((50, 10, 2, 1), "exploding_gradient", "mild", ("a",)),
        ((1, 1e-9, 1e-9, 1), None, None, ()),  # small in branches alone
        ((5, 0.3, 2, 1), None, None, ()),
    ],
)
def test_gradients_over_depth(gradient, code, severity, layers):
    found = clinic.examine_training(made_up(GOOD, gradient=gradient))
    assert [(f.code, f.severity, f.layers) for f in found] == ([(code, severity, layers)] if code else [])


@pytest.mark.parametrize(
    ("validation", "severity"),
    [
        ([2.3, 1.2, 1.0, 1.5, 2.0, 2.5], "severe"),
        ([2.3, 1.2, 1.0, 1.05, 1.1, 1.2], "mild"),
        ([2.3, 1.2, 1.0, 1.01, 1.0, 1.02], None),
        ([2.3, 1.2], None),
    ],
)
def test_overfitting(validation, severity):
    assert severities(made_up(GOOD, validation=validation)).get("overfitting") == severity


def test_a_validation_loss_that_rises_with_the_training_loss_is_another_illness():
    validation, training = [2.3, 1.2, 1.0, 1.5, 2.0, 2.5], [2.3, 1.2, 1.0, 1.4, 1.8, 2.2]
    assert "overfitting" not in severities(made_up(GOOD, validation=validation, training=training))


def test_numbers_that_are_lost():
    run = made_up(GOOD)
    gradient = run.grad_W_norm.copy()
    gradient[3, 2] = np.inf
    found = clinic.examine_training(replace(run, grad_W_norm=gradient))
    assert [(f.code, f.severity, f.layers) for f in found] == [("non_finite_values", "severe", ("c",))]
    logged = clinic.examine_training(made_up(GOOD, validation=[1.0, np.nan]))
    assert logged.codes == ("non_finite_values",)


# Real runs, watched


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
        recording.watcher(small(), *data, steps=10, learning_rate=0.1, every=0)


@pytest.mark.parametrize(
    ("learning_rate", "codes"),
    [(0.1, ()), (1e-6, ("learning_rate_too_low",)), (30.0, ("learning_rate_too_high",))],
)
def test_the_learning_rate_of_real_runs(learning_rate, codes, data):
    run = watched(small(initializer="he_normal"), *data, learning_rate=learning_rate)
    assert clinic.examine_training(run).codes == codes


def test_overfitting_of_a_real_run(data):
    x, y = data
    y = np.where(
        np.arange(600) % 3 == 0, (y + 1) % 5, y
    )  # a third of the labels wrong: to be learned by heart
    run = watched(
        small(initializer="he_normal"),
        x[:60],
        y[:60],
        learning_rate=0.2,
        steps=600,
        every=30,
        valid=(x[60:], y[60:]),
    )
    assert clinic.examine_training(run).codes == ("overfitting",)


def test_the_gradient_of_a_real_run_vanishes(data):
    run = watched(small(8, "sigmoid", initializer="glorot_normal"), *data, learning_rate=0.1, steps=60)
    found = clinic.examine_training(run)
    assert found.codes == ("vanishing_gradient",)
    assert found[0].layers[0] == "layer 1"
