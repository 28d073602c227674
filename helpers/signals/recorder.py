"""A Keras callback that records every layer's vital signs while `fit` runs, and may feed a live figure.

Every so many steps it takes one batch, always the same, through the network and back, lets the optimizer
make the update that it would now make, measures, and puts everything back. So it sees updates as they are,
whatever the optimizer and however many steps Keras does at a stroke, and training goes on as without it.
"""

from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

import numpy as np

from helpers.networks import keras_models
from helpers.signals import keras_passage
from helpers.signals.blocks import blocks_of, signal_of
from helpers.signals.keras_layers import weights_of
from helpers.signals.recording import BINS, REACH, Recording, empty, with_record

EVERY = 50  # steps between two records
SAMPLE = 4000  # activations per layer that go into a histogram; evenly spaced where there are more


def recorder(x, y, *, every=EVERY, figure=None):
    """Return a callback for `fit` that records a run on the batch `x`, `y`; its `recording` is a `Recording`.

    Give a batch of the size that you train with, for the noise of a gradient depends on it. A record is taken
    before the first step, then every `every` steps (or as soon after as Keras lets a callback run, see
    `steps_per_execution`), and at the end. `figure.show(recording)` is called after each; where it returns
    False, training stops, and what was recorded is kept. So it is when you interrupt the kernel.
    Raises ValueError for `every` below 1, for an empty batch, and, when `fit` begins, for a model that
    can't be traced.
    """
    if every < 1:
        raise ValueError(f"every must be at least 1 step, got {every}")
    if len(x) == 0 or len(x) != len(y):
        raise ValueError(f"x and y must hold one batch, got {len(x)} examples and {len(y)} labels")
    return _callback_class()(x, y, every, figure)


@lru_cache(maxsize=1)
def _callback_class():
    """The class, made when it is first needed, since its parent is Keras's."""

    class Recorder(keras_models.keras().callbacks.Callback):
        def __init__(self, x, y, every, figure):
            super().__init__()
            self.x, self.y, self.every, self.figure = np.asarray(x), np.asarray(y), int(every), figure
            self.recording: Recording | None = None

        def on_train_begin(self, logs=None):
            layers, self._probe = probe_of(self.model, self.x, self.y)
            self._per_epoch = self.params["steps"]  # None where only the first epoch will tell
            planned = self.params["epochs"] * (self._per_epoch or 1)
            self.recording = empty(layers, planned, frozen_layers(self.model))
            self._done, self._taken, self._due = 0, 0, self.every
            self._record(0)

        def on_epoch_begin(self, epoch, logs=None):
            self._done = epoch * (self._per_epoch or 0)

        def on_train_batch_end(self, batch, logs=None):
            self._taken = self._done + _steps_of(batch, self._per_epoch)
            if self._taken >= self._due:
                self._due = self._taken + self.every
                self._record(self._taken)

        def on_epoch_end(self, epoch, logs=None):
            if self._per_epoch is None:
                self._per_epoch = self._taken
                self.recording = replace(self.recording, total=self.params["epochs"] * self._taken)
            step = (epoch + 1) * self._per_epoch
            known = {name: float(value) for name, value in (logs or {}).items()}
            self.recording = replace(self.recording, epochs=(*self.recording.epochs, (step, known)))

        def on_train_end(self, logs=None):
            if self._taken < self.recording.total:  # by EarlyStopping, or by the learner's button
                self.recording = replace(self.recording, stopped=True)
            if self.recording.last_step < self._taken:
                self._record(self._taken)
            elif self.figure is not None:
                self.figure.show(self.recording)

        def _record(self, step):
            values = [np.asarray(value) for value in self._probe()]
            self.recording = with_record(self.recording, step, *values)
            if self.figure is not None and self.figure.show(self.recording) is False:
                self.recording = replace(self.recording, stopped=True)
                self.model.stop_training = True

    return Recorder


def _steps_of(batch, per_epoch) -> int:
    """The steps of an epoch so far; Keras counts whole strokes of steps, which may reach beyond its end."""
    return batch + 1 if per_epoch is None else min(batch + 1, per_epoch)


def probe_of(model, x, y):
    """Return (layers' names, a function that gives loss, gradient norms, update ratios and counts).

    The function is compiled for this model and batch; it leaves weights, moving statistics, seeds and the
    optimizer as they were. Raises ValueError for a model that can't be traced, or is not compiled.
    """
    tf = keras_models.tensorflow()
    keras_passage.check_model(model)
    if not getattr(model, "compiled", False):
        raise ValueError(f"the model {model.name!r} is not compiled: its optimizer makes the updates")
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    x, y = keras_passage.inputs_that_fit(model, x), tf.constant(y)
    names, layers = [], keras_passage.described(model)

    @tf.function(autograph=False)  # nothing here is to be rewritten, and that would take most of the time
    def probe():
        with _taken_back(model), keras_passage.recorded(layers) as steps:
            with tf.GradientTape() as tape:
                loss = model.compute_loss(x=x, y=y, y_pred=model(x, training=True), training=True)
            gradients = tape.gradient(loss, model.trainable_variables)
            blocks = blocks_of(steps)
            names[:] = [block[0].name for block in blocks]
            known = {id(v): g for v, g in zip(model.trainable_variables, gradients, strict=True)}
            weights = [block[0].W for block in blocks]
            norms = [_norm(known.get(id(W))) for W in weights]
            ratios = _update_ratios(model, gradients, weights)
            counts = _histograms([signal_of(block)[1].output for block in blocks])
        return loss, tf.stack(norms), tf.stack(ratios), counts

    probe()  # compiles, and tells the names
    return tuple(names), probe


def frozen_layers(model) -> tuple[str, ...]:
    """Return the names of the layers whose weights training leaves as they are."""
    trained = {id(variable) for variable in model.trainable_variables}
    weights = [(part.name, weights_of(part)) for part in keras_passage.operations_of(model)]
    return tuple(name for name, W in weights if W is not None and id(W) not in trained)


@contextmanager
def _taken_back(model):
    """Put every variable back at the end: weights, optimizer, moving statistics, seeds, metrics."""
    tf = keras_models.tensorflow()
    state = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    kept = [tf.identity(variable) for variable in state]
    yield
    for variable, value in zip(state, kept, strict=True):
        variable.assign(value)


def _update_ratios(model, gradients, weights):
    """‖ΔW‖ / ‖W‖ of the update that the optimizer would make with these gradients."""
    tf = keras_models.tensorflow()
    before = [tf.identity(W) for W in weights]
    model.optimizer.apply(gradients, model.trainable_variables)
    return [_norm(W - old) / _norm(old) for W, old in zip(weights, before, strict=True)]


def _histograms(signals):
    """Counts (layers, BINS) of abs(activation), of at most about SAMPLE values per layer."""
    tf = keras_models.tensorflow()
    places = []
    for layer, h in enumerate(signals):
        values = tf.abs(tf.reshape(tf.cast(h, tf.float32), [-1]))
        values = values[:: max(1, values.shape[0] // SAMPLE)]
        values = tf.where(tf.math.is_finite(values), tf.minimum(values * (BINS / REACH), BINS - 1), BINS - 1)
        places.append(tf.cast(values, tf.int32) + layer * BINS)
    size = len(signals) * BINS
    counts = tf.math.bincount(tf.concat(places, 0), minlength=size, maxlength=size)
    return tf.reshape(counts, [len(signals), BINS])


def _norm(tensor):
    """The Euclidean norm; 0 for None, the gradient of weights that are frozen or play no part."""
    tf = keras_models.tensorflow()
    if tensor is None:
        return tf.constant(0.0)
    return tf.sqrt(tf.reduce_sum(tf.square(tf.cast(tf.convert_to_tensor(tensor), tf.float32))))
