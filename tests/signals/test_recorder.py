"""The recorder: what it measures is right, and training goes on as if it were not there."""

import numpy as np
import pytest

from helpers import clinic
from helpers.networks import keras_models
from helpers.signals import recorder
from helpers.signals.recording import BINS, REACH
from helpers.signals.trace import trace

SIZES = (12, 10, 10, 10, 4)
STEPS = 20  # per epoch


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(3)
    return rng.standard_normal((STEPS * 16, 12)).astype("float32"), rng.integers(4, size=STEPS * 16)


def network(keras, *, optimizer=None, steps_per_execution=1, **options):
    model = keras_models.dense_network(SIZES, seed=5, **options)
    model.compile(
        optimizer=optimizer or keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True, clipnorm=1.0),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution,
    )
    return model


def fit(model, batch, callbacks, epochs=2):
    x, y = batch
    return model.fit(
        x, y, batch_size=16, epochs=epochs, verbose=0, callbacks=callbacks, validation_data=(x[:32], y[:32])
    )


class Shown:
    """A figure that notes what it is shown, and stops the run after so many records."""

    def __init__(self, stop_after=10**6):
        self.recordings, self.stop_after = [], stop_after

    def show(self, recording):
        self.recordings.append(recording)
        return len(self.recordings) < self.stop_after


@pytest.fixture(scope="module")
def recorded(keras, batch):
    """A model trained with a recorder, and the recorder."""
    callback = recorder.recorder(batch[0][:16], batch[1][:16], every=7)
    model = network(keras)
    fit(model, batch, [callback])
    return model, callback


def test_records_come_before_the_first_step_then_every_so_many_and_at_the_end(recorded):
    recording = recorded[1].recording
    assert recording.steps.tolist() == [0, 7, 14, 21, 28, 35, 40]
    assert recording.total == 2 * STEPS
    layers = len(SIZES) - 1
    assert recording.grad_W_norm.shape == recording.ratio.shape == (7, layers)
    assert recording.counts.shape == (7, layers, BINS)
    assert [step for step, _ in recording.epochs] == [STEPS, 2 * STEPS]
    steps, accuracy = recording.logged("val_accuracy")
    assert steps.tolist() == [STEPS, 2 * STEPS]
    assert ((accuracy >= 0) & (accuracy <= 1)).all()
    assert recording.logged("no such thing")[1].size == 0


@pytest.mark.slow
@pytest.mark.parametrize("steps_per_execution", [8, 50])
def test_with_many_steps_at_a_stroke_the_steps_are_told_right(keras, batch, steps_per_execution):
    callback = recorder.recorder(batch[0][:16], batch[1][:16], every=5)
    fit(network(keras, steps_per_execution=steps_per_execution), batch, [callback])
    wanted = {8: [0, 8, 16, 28, 36, 40], 50: [0, 20, 40]}[steps_per_execution]
    assert callback.recording.steps.tolist() == wanted


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        ("sgd", {}),
        ("adam", {"normalized": "before", "dropout": 0.3}),
        ("adam", {"alpha_dropout": 0.2, "skips": True}),
    ],
)
def test_training_is_the_same_with_and_without_the_recorder(keras, batch, optimizer, options):
    def run(callbacks):
        model = network(keras, optimizer=optimizer, **options)
        history = fit(model, batch, callbacks).history
        return [*model.get_weights(), *(np.asarray(v) for v in model.optimizer.variables)], history

    plain, history = run([])
    watched, seen = run([recorder.recorder(batch[0][:16], batch[1][:16], every=3)])
    assert seen == history
    for one, other in zip(plain, watched, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_last_record_is_the_trace_of_the_trained_model(recorded, batch):
    model, callback = recorded
    recording, seen = callback.recording, trace(model, batch[0][:16], batch[1][:16])
    assert recording.layers == tuple(layer.name for layer in seen.layers)
    assert recording.loss[-1] == pytest.approx(seen.loss, rel=1e-5)
    norms = [layer.grad_W_norm for layer in seen.layers]
    np.testing.assert_allclose(recording.grad_W_norm[-1], norms, rtol=1e-4)


def test_the_ratio_is_that_of_the_update_the_optimizer_then_makes(keras, batch):
    """Train one step on the recorded batch: the weights must move as the record before it said."""
    x, y = batch[0][:16], batch[1][:16]
    model = network(keras, optimizer="adam")
    callback = recorder.recorder(x, y, every=1)
    before = [layer.kernel.numpy() for layer in model.layers[1:] if hasattr(layer, "kernel")]
    model.fit(x, y, batch_size=16, epochs=1, verbose=0, callbacks=[callback])
    after = [layer.kernel.numpy() for layer in model.layers[1:] if hasattr(layer, "kernel")]
    moved = [np.linalg.norm(b - a) / np.linalg.norm(a) for a, b in zip(before, after, strict=True)]
    np.testing.assert_allclose(callback.recording.ratio[0], moved, rtol=1e-3)


def test_histograms_count_what_the_layers_put_out(keras, batch):
    x, y = batch[0][:16], batch[1][:16]
    model = network(keras)
    names, probe = recorder.probe_of(model, x, y)
    assert names == tuple(layer.name for layer in trace(model, x, y).layers)
    h = keras.Model(model.inputs, model.layers[2].output)([x])  # the first hidden layer's activation
    counts, _ = np.histogram(np.minimum(np.abs(h), REACH), bins=BINS, range=(0, REACH))
    np.testing.assert_array_equal(np.asarray(probe()[3])[0], counts)


def test_a_figure_is_shown_every_record_and_may_stop_the_run(keras, batch):
    figure = Shown(stop_after=3)
    callback = recorder.recorder(batch[0][:16], batch[1][:16], every=5, figure=figure)
    fit(network(keras), batch, [callback])
    recording = callback.recording
    assert recording.stopped
    assert recording.steps.tolist() == [0, 5, 10]
    assert recording.end == 10
    assert figure.recordings[-1] is recording
    assert repr(recording) == "Recording of 4 layers, 10 of 40 steps, stopped"


@pytest.mark.slow
def test_an_interrupted_run_keeps_what_was_recorded(keras, batch):
    class Impatient(Shown):
        def show(self, recording):
            if len(recording.steps) == 3:
                raise KeyboardInterrupt
            return True

    callback = recorder.recorder(batch[0][:16], batch[1][:16], every=5, figure=Impatient())
    with pytest.raises(KeyboardInterrupt):
        fit(network(keras), batch, [callback])
    assert callback.recording.steps.tolist() == [0, 5, 10]


@pytest.mark.slow
def test_a_diverging_run_is_recorded_to_its_end(keras, batch):
    model = network(keras, optimizer=keras.optimizers.SGD(1e30))
    callback = recorder.recorder(batch[0][:16], batch[1][:16], every=10)
    fit(model, batch, [callback], epochs=1)
    recording = callback.recording
    assert not np.isfinite(recording.loss[-1])
    assert (recording.counts.sum(axis=2) == recording.counts[0].sum(axis=1)).all()


def test_frozen_layers_have_no_gradient_and_no_update(keras, batch):
    model = keras_models.dense_network(SIZES, seed=1)
    model.layers[1].trainable = False
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    _, probe = recorder.probe_of(model, batch[0][:16], batch[1][:16])
    _, gradient, ratio, _ = (np.asarray(part) for part in probe())
    assert gradient[0] == ratio[0] == 0
    assert (gradient[1:] > 0).all()
    assert (ratio[1:] > 0).all()


def test_bad_input_is_named(keras, batch):
    x, y = batch[0][:16], batch[1][:16]
    with pytest.raises(ValueError, match="every must be at least 1 step, got 0"):
        recorder.recorder(x, y, every=0)
    with pytest.raises(ValueError, match="got 16 examples and 3 labels"):
        recorder.recorder(x, y[:3])
    with pytest.raises(ValueError, match="one batch, got 0"):
        recorder.recorder(x[:0], y[:0])
    with pytest.raises(ValueError, match="not compiled"):
        recorder.probe_of(keras_models.dense_network(SIZES), x, y)
    with pytest.raises(ValueError, match="x must have shape"):
        recorder.probe_of(network(keras), x[:, :5], y)


def test_activations_that_tensorflow_has_to_read_are_recorded(keras, batch):
    """ReLU6 and a slope per unit: both are described before the calls become a graph."""
    L = keras.layers
    middle = [L.Dense(8), L.ReLU(6.0), L.Dense(8), L.PReLU(), L.Dense(8, activation=keras.ops.sin)]
    model = keras.Sequential([keras.Input((12,)), *middle, L.Dense(4, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    callback = recorder.recorder(batch[0][:16], batch[1][:16], every=10)
    fit(model, batch, [callback], epochs=1)
    last = trace(model, batch[0][:16], batch[1][:16])
    norms = [layer.grad_W_norm for layer in last.layers]
    np.testing.assert_allclose(callback.recording.grad_W_norm[-1], norms, rtol=1e-4)


def test_a_run_that_early_stopping_ends_says_so(keras, batch):
    model, watcher = network(keras), recorder.recorder(batch[0][:16], batch[1][:16], every=7)
    stop = keras.callbacks.EarlyStopping(monitor="loss", min_delta=10, patience=1)
    fit(model, batch, [watcher, stop], epochs=9)
    assert watcher.recording.stopped
    assert watcher.recording.last_step == 2 * STEPS
    assert watcher.recording.total == 9 * STEPS


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # its length is what Keras finds out
def test_a_generator_of_unknown_length_is_recorded(keras, batch):
    x, y = batch
    tf = keras_models.tensorflow()
    rows = [(x[i : i + 16], y[i : i + 16]) for i in range(0, len(x), 16)]
    kinds = (tf.TensorSpec((None, 12)), tf.TensorSpec((None,), tf.int64))
    examples = tf.data.Dataset.from_generator(lambda: iter(rows), output_signature=kinds)
    model, watcher = network(keras), recorder.recorder(x[:16], y[:16], every=7)
    model.fit(examples, epochs=2, verbose=0, shuffle=False, callbacks=[watcher])
    assert watcher.recording.steps.tolist() == [0, 7, 14, 21, 28, 35, 40]
    assert (watcher.recording.total, watcher.recording.stopped) == (2 * STEPS, False)
    assert [step for step, _ in watcher.recording.epochs] == [STEPS, 2 * STEPS]


def test_frozen_layers_are_named_and_no_gradient_is_missed_in_them(keras, batch):
    model, watcher = network(keras), recorder.recorder(batch[0][:16], batch[1][:16], every=20)
    weighted = [layer for layer in model.layers if layer.weights]
    for layer in weighted[:-1]:
        layer.trainable = False
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
    fit(model, batch, [watcher], epochs=1)
    assert watcher.recording.frozen == tuple(layer.name for layer in weighted[:-1])
    assert "vanishing_gradient" not in clinic.examine_training(watcher.recording).codes
