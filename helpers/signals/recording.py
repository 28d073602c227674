"""A Recording: what was seen of every layer while a network trained, one record after another.

`watcher` makes one while `helpers.networks.training.train` runs, `recorded_training` trains and records at
once, and `helpers.signals.recorder` records a Keras `fit`. The pictures of `helpers.plots.training` draw it.
"""

from dataclasses import dataclass, replace

import numpy as np

from helpers.networks.mlp import MLP, cross_entropy
from helpers.networks.stack import Stack
from helpers.networks.training import clip_by_norm
from helpers.signals.blocks import blocks_of, signal_of
from helpers.signals.measures import histogram, norm
from helpers.signals.numpy_passage import steps_of
from helpers.signals.trace import passage_of

BINS = 30
REACH = 3.0  # histograms of |h| go from 0 to three standard deviations of a healthy signal
HEALTHY_RATIO = 1e-3  # an update about a thousandth of its weights (Karpathy, CS231n notes on learning)


@dataclass(frozen=True)
class Recording:
    """The records of one run; arrays are (records, layers), histograms (records, layers, BINS).

    A record is taken on one and the same batch, between two training steps. `loss` is the mean loss,
    `grad_W_norm` the norm of the gradient of each layer's weights, `ratio` the norm of the update that the
    optimizer would now make, divided by the norm of the weights. `counts` is a histogram of abs(activation)
    from 0 to `REACH`; what lies beyond is in the last bin. `steps` tells after how many training steps,
    `total` how many were planned. `epochs` holds what Keras logged after each epoch: (step, logs). `frozen`
    names the layers whose weights are not trainable.
    """

    layers: tuple[str, ...]
    total: int
    steps: np.ndarray
    loss: np.ndarray
    grad_W_norm: np.ndarray
    ratio: np.ndarray
    counts: np.ndarray
    epochs: tuple = ()
    stopped: bool = False
    frozen: tuple[str, ...] = ()

    @property
    def last_step(self) -> int:
        """The step of the last record; 0 before there is one."""
        return int(self.steps[-1]) if len(self.steps) else 0

    @property
    def end(self) -> int:
        """The step at which the run ends: as planned, or where it was stopped; at least 1, for an axis."""
        return max(self.last_step if self.stopped else self.total, 1)

    @property
    def mean_activation(self) -> np.ndarray:
        """Return the mean of abs(activation), (records, layers), read from the histograms."""
        middles = (np.arange(BINS) + 0.5) * REACH / BINS
        with np.errstate(invalid="ignore"):
            return self.counts @ middles / self.counts.sum(axis=2)

    def logged(self, name) -> tuple[np.ndarray, np.ndarray]:
        """Return (steps, values) that Keras logged under a name, such as "val_accuracy"; empty without it."""
        pairs = [(step, logs[name]) for step, logs in self.epochs if name in logs]
        return np.array([step for step, _ in pairs]), np.array([value for _, value in pairs])

    def __repr__(self):
        state = "stopped" if self.stopped else "done" if self.last_step >= self.total else "under way"
        return f"Recording of {len(self.layers)} layers, {self.last_step:,} of {self.total:,} steps, {state}"


def empty(layers, total, frozen=()) -> Recording:
    """Return a recording without records; raises ValueError for no layers or fewer than one step."""
    if not layers or total < 1:
        raise ValueError(f"a recording needs layers and steps, got {len(layers)} and {total}")
    none = np.zeros((0, len(layers)))
    steps, numbers, counts = np.zeros(0, int), np.zeros(0), np.zeros((0, len(layers), BINS))
    return Recording(tuple(layers), int(total), steps, numbers, none, none, counts, frozen=tuple(frozen))


def with_record(recording, step, loss, grad_W_norm, ratio, counts) -> Recording:
    """Return the recording with one more record: arrays (layers,), and `counts` (layers, BINS)."""
    new = {"steps": step, "loss": loss, "grad_W_norm": grad_W_norm, "ratio": ratio, "counts": counts}
    grown = {
        name: np.concatenate([getattr(recording, name), np.asarray(value)[None]])
        for name, value in new.items()
    }
    return replace(recording, **grown)


def numbers_of(W, dW, used, h, learning_rate) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what a record tells of all layers: ‖dW‖, η ‖used‖ / ‖W‖, and counts (layers, BINS) of abs(h).

    The four are lists of arrays, one per layer; `used` is dW as the step uses it, clipped or not. What is not
    finite in h counts as beyond `REACH`.
    """
    with np.errstate(all="ignore"):
        norms_W, norms_dW, norms_used = (np.array([norm(a) for a in arrays]) for arrays in (W, dW, used))
        sizes = [np.where(np.isfinite(a), np.abs(a), REACH) for a in h]
        counts = np.array([histogram(size, 0.0, REACH, BINS).counts for size in sizes])
        return norms_dW, learning_rate * norms_used / norms_W, counts


def activations_of(blocks) -> list[np.ndarray]:
    """Return h of each block."""
    return [signal_of(block)[1].output for block in blocks]


def watcher(model, x, y, *, steps, learning_rate, every=50, valid=None) -> "Watcher":
    """Return an `after_step` for `helpers.networks.training.train` whose `recording` is that of the run.

    `model` is an `MLP` or a `Stack`, `x`, `y` the batch that every record is taken on; `steps` and
    `learning_rate` are those that `train` gets, and updates are told as plain steps make them, without
    clipping or penalty. A record is taken before the first step, every `every` steps and after the last. So
    often an entry joins `epochs` too: the mean "loss" of the mini-batches since the last and, where `valid`
    holds a pair (x, y), "val_loss" and "val_accuracy" on it. Raises ValueError for `every` below 1.

        watch = watcher(model, x[:32], y[:32], steps=500, learning_rate=0.1, valid=(x_valid, y_valid))
        train(model, x, y, steps=500, learning_rate=0.1, after_step=watch, rng=rng)
        watch.recording
    """
    if every < 1:
        raise ValueError(f"every must be at least 1 step, got {every}")
    return Watcher(model, x, y, steps, learning_rate, every, valid)


class Watcher:
    """What `watcher` gives: call it after each step; `recording` grows."""

    def __init__(self, model, x, y, steps, learning_rate, every, valid):
        self.model, self.batch, self.valid = model, (np.asarray(x), np.asarray(y)), valid
        self.steps, self.learning_rate, self.every = steps, learning_rate, every
        self._losses = []
        self.recording = empty([block[0].name for block in self._passage().blocks], steps)
        self._record(0)

    def __call__(self, step, loss, gradients):
        """Note the loss of a step; every so many steps, and after the last, take a record."""
        self._losses.append(loss)
        if (step + 1) % self.every == 0 or step + 1 == self.steps:
            self._record(step + 1)
            logs = {"loss": float(np.mean(self._losses)), **self._validation()}
            self.recording = replace(self.recording, epochs=(*self.recording.epochs, (step + 1, logs)))
            self._losses = []

    def _passage(self):
        return passage_of(self.model)(self.model, *self.batch, weights=True, training=True)

    def _record(self, step):
        with np.errstate(all="ignore"):
            blocks, loss, *_ = self._passage()
        W, dW = [block[0].W for block in blocks], [block[0].dW for block in blocks]
        numbers = numbers_of(W, dW, dW, activations_of(blocks), self.learning_rate)
        self.recording = with_record(self.recording, step, loss, *numbers)

    def _validation(self):
        if self.valid is None:
            return {}
        x, y = self.valid
        with np.errstate(all="ignore"):
            logits = self.model.forward(x).logits if isinstance(self.model, MLP) else self.model.logits(x)
            loss, _ = cross_entropy(logits, y)
        return {"val_loss": loss, "val_accuracy": float(np.mean(logits.argmax(axis=1) == y))}


def recorded_training(
    stack: Stack, x, y, *, learning_rate, steps, batch_size=64, clip=clip_by_norm, limit=1.0, every=10, rng
) -> Recording:
    """Train a stack by gradient descent, in place, and return the `Recording` of every `every`-th step.

    `clip(gradients, limit)` is `clip_by_norm`, for all parameters together, or `clip_each`. A record tells of
    one step: loss and gradient norms of its mini-batch, the update's norm divided by that of the weights, and
    histograms on the first `batch_size` images. The last step has one too. Raises ValueError for `every` or
    `steps` below 1.
    """
    if every < 1 or steps < 1:
        raise ValueError(f"every and steps must be at least 1, got {every} and {steps}")
    dense = [layer for layer in stack.flat() if layer.kind == "dense"]
    recording = empty([f"layer {i + 1}" for i in range(len(dense))], steps)
    for step in range(steps):
        rows = rng.choice(len(x), batch_size, replace=False)
        loss, gradients = stack.loss_and_gradients(x[rows], y[rows])
        clipped = clip(gradients, limit)
        if step % every == 0 or step == steps - 1:
            W = [layer.W for layer in dense]
            dW, used = ([g.parameters[layer]["W"] for layer in dense] for g in (gradients, clipped))
            h = activations_of(blocks_of(steps_of(stack.forward(x[:batch_size], training=True))))
            recording = with_record(recording, step, loss, *numbers_of(W, dW, used, h, learning_rate))
        stack.step(clipped, learning_rate)
    return replace(recording, total=steps - 1)
