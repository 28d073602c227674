"""Checks of lesson 07: parameters, how long averages lag, recalibration, a figure, a program, a race."""

from itertools import pairwise
from math import ceil, log

import numpy as np

from helpers import data
from helpers.checks.frame import (
    EMPTY,
    NotAttempted,
    Scored,
    array,
    call,
    close,
    exercise,
    explain,
    filled_in,
    one_of,
    require,
)
from helpers.networks import keras_models, keras_patient
from helpers.networks.keras_patient import PLACES, Setup

NETWORKS = ((784, 300, 100, 10), (20, 8, 4), (64, 32, 32, 16, 5))
LAGS = ((0.0003, 0.99), (0.0003, 0.9), (0.01, 0.99), (0.2, 0.9), (0.05, 0.5))


# ---------------------------------------------------------------- warm-up: parameters


@exercise(
    hints=(
        "Which sizes have a normalization? How many numbers does it keep for each feature?",
        "Two of the four are trained. Beside them there are the kernels, and one bias: which?",
        "trainable: products of neighbors + 2 · (all sizes but the last) + the last; not: 2 · (all but it).",
    )
)
def parameter_counts(answer):
    """The learner's (trainable, not trainable) numbers: batch norm on inputs and hidden layers."""
    for sizes in NETWORKS:
        got = call(answer, sizes)
        right = _counts(sizes)
        explain(got, [(wrong, why) for wrong, why in _wrong_counts(sizes) if wrong != right])
        close(got, right, what=f"your answer for {sizes}")
    total = sum(_counts(NETWORKS[0]))
    return f"γ and β are learned, the moving statistics only follow; {total:,} numbers in the first network."


def _counts(sizes, learned=2, followed=2, normalized=None):
    """(trainable, not trainable) with so many numbers of each kind for every normalized feature."""
    features = sum(sizes[:-1]) if normalized is None else normalized
    kernels = sum(a * b for a, b in pairwise(sizes))
    return kernels + sizes[-1] + learned * features, followed * features


def _wrong_counts(sizes):
    trainable, fixed = _counts(sizes)
    hidden = sum(sizes[1:-1])
    output = "the output layer has no batch normalization after it, and keeps its bias."
    return [
        (trainable + fixed, "that is the sum of both. Return two numbers: (trainable, not trainable)."),
        (
            (trainable + fixed, 0),
            "the moving mean and variance are not trainable: no gradient reaches them, batches change them.",
        ),
        ((fixed, trainable), "the two are swapped: (trainable, not trainable)."),
        (
            (trainable, 0),
            "the moving mean and variance are missing: 2 numbers per feature, not trainable.",
        ),
        (
            _counts(sizes, 1, 1),
            "you counted 1 of each kind per feature; there are γ and β, and a mean and a variance.",
        ),
        (
            _counts(sizes, 0, 4),
            "γ and β are trainable: the gradient reaches them as it reaches weights.",
        ),
        (
            (trainable + hidden, fixed),
            "hidden layers have no bias here: use_bias=False, since β does its work.",
        ),
        (
            _counts(sizes, normalized=hidden),
            "the normalization on the inputs is missing: 4 numbers per input.",
        ),
        ((trainable - sizes[-1], fixed), "the output layer's bias is missing."),
        (_counts(sizes, normalized=sum(sizes)), output),
        (_counts(sizes, normalized=sum(sizes[1:])), output + " The inputs have one."),
        (_counts(sizes, normalized=sizes[0]), "the normalization after the hidden layers is missing."),
    ]


# ---------------------------------------------------------------- core: how long the start outweighs


@exercise(
    hints=(
        "After t batches the moving variance is made of two parts. What weight does the start have?",
        "The start has the weight pᵗ, the true variance 1 − pᵗ. The start is 1. When are the parts equal?",
        "pᵗ ≤ (1 − pᵗ) · v means pᵗ ≤ v / (1 + v). Take logarithms, mind the sign of ln p, and round up.",
    )
)
def steps_until(answer):
    """The learner's first step at which the start is at most half of a moving variance: pᵗ ≤ (1 − pᵗ) v."""
    for variance, momentum in LAGS:
        got, right = call(answer, variance, momentum), _steps(variance, momentum)
        value = float(array(got, (), f"your answer for variance = {variance}, momentum = {momentum}"))
        known = [(wrong, why) for wrong, why in _wrong_steps(variance, momentum) if abs(wrong - right) > 1e-9]
        explain(value, known)
        close(value, right, what=f"your answer for variance = {variance}, momentum = {momentum}")
    return (
        f"{_steps(*LAGS[0])} batches at momentum 0.99, {_steps(*LAGS[1])} at 0.9, for a variance of 0.0003."
    )


def _steps(variance, momentum):
    """The smallest t with pᵗ ≤ v / (1 + v); the ratio of logs is rounded first, lest rounding add a step."""
    return ceil(round(log(variance / (1 + variance)) / log(momentum), 9))


def _wrong_steps(variance, momentum):
    share = variance / (1 + variance)
    exact = log(share) / log(momentum)
    rule = "1 / (1 − momentum) steps leave 37 percent of the start, whatever the variance."
    return [
        (exact, "that is right between two batches; batches are whole, so round up."),
        (int(exact), "you rounded down: at that step the start is still a little more than half."),
        (ceil(exact) + 1, "that is one too many: the first batch already takes its part."),
        (
            log(share) / log(1 - momentum) if momentum != 0.5 else -1,
            "you let the momentum weigh the new value, as PyTorch does. In Keras it weighs the old one.",
        ),
        (
            ceil(log(share) / log(1 - momentum)) if momentum != 0.5 else -1,
            "you let the momentum weigh the new value, as PyTorch does. In Keras it weighs the old one.",
        ),
        (-exact, "the sign is turned: ln p and ln of the share are both negative, their ratio is positive."),
        (-ceil(exact), "the sign is turned: ln p and the share's ln are negative, their ratio positive."),
        (1 / (1 - momentum), rule),
        (round(1 / (1 - momentum)), rule),
        (
            ceil(log(0.5) / log(momentum)),
            "then the start's *weight* is a half. But the start is 1, and the true variance far less than 1.",
        ),
        (ceil(log(variance) * log(momentum)), "you multiplied the logarithms; pᵗ = s means t = ln s / ln p."),
        (
            ceil(-log(share)),
            "the momentum is missing: t = ln(share) / ln(momentum).",
        ),
        (
            ceil(0.5 * exact),
            "you took the root: a variance is averaged itself, not its standard deviation.",
        ),
        (ceil(-np.log10(share) / -log(momentum)), "you mixed ln and log10; take the same for both."),
    ]


# ---------------------------------------------------------------- core: recalibrate


@exercise(
    hints=(
        "What moves the moving statistics, and which part of `fit` is not wanted here?",
        "A call with training=True moves them and no weight. At momentum 0.99 that takes hundreds of calls: "
        "which attribute of the layer says how far one call moves them?",
        "Set layer.momentum = 0.9 in each BatchNormalization, then call model(batch, training=True) for all "
        "batches of 50, twice over; return the model.",
    )
)
def recalibrate(answer):
    """The learner's recalibration of a small model whose moving statistics are at their start."""
    model, x = _unsettled()
    before = [w.numpy().copy() for w in model.weights]
    require(callable(answer), "a function is wanted here: recalibrate(model, x).")
    returned = call(lambda: _or_same(answer(model, x), model, before))
    for other in [returned] if hasattr(returned, "layers") else []:
        require(other is model, "change the model that is given, in place, and return it.")
    _tell_weights(model, before)
    first, last = _true_statistics(model, x)
    for number, layer in enumerate(keras_patient.norms(model), 1):
        _tell_statistics(number, layer, first[number - 1], last[number - 1])
    return "the moving statistics are those of the images, and no weight has changed."


def _or_same(returned, model, before):
    """What was returned; a function that changes the model and forgets `return` has done its work."""
    changed = any(np.any(a != w.numpy()) for a, w in zip(before, model.weights, strict=True))
    return model if returned is None and changed else returned


def _unsettled():
    """A model of two normalized layers, untrained, and images of which the last ones are unlike the rest."""
    keras = keras_models.keras()
    layers, rng = keras.layers, np.random.default_rng(7)
    model = keras.Sequential([keras.Input((12,))])
    for units in (8, 6):
        model.add(layers.Dense(units, use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.Activation("relu"))
    model.set_weights(
        [rng.normal(0, 0.4, w.shape) if "kernel" in w.path else w.numpy() for w in model.weights]
    )
    x = rng.normal(2, 3, (1000, 12))
    x[-50:] += 9
    return model, x.astype(np.float32)


def _tell_weights(model, before):
    trained = [v.path for v in model.trainable_weights]
    for old, v in zip(before, model.weights, strict=True):
        if v.path in trained and np.any(old != v.numpy()):
            name = v.path.split("/")[-1]
            require(False, f"{name} has changed: you trained. Only the moving statistics are to move.")


def _true_statistics(model, x):
    """(mean, variance) of what reaches each normalization in training mode: of all images, of the last 50."""
    found = []
    for images in (x, x[-50:]):
        h, own = images, []
        for layer in model.layers:
            if hasattr(layer, "moving_mean"):
                mean, variance = h.mean(axis=0), h.var(axis=0)
                own.append((mean, variance))
                h = (h - mean) / np.sqrt(variance + layer.epsilon)
            else:
                h = np.asarray(layer(h))
        found.append(own)
    return found


def _tell_statistics(number, layer, true, last):
    mean, variance = layer.moving_mean.numpy(), layer.moving_variance.numpy()
    where = f"normalization {number}: "
    if np.all(mean == 0) and np.all(variance == 1):
        require(layer.momentum != 1, where + "a momentum of 1 keeps the old value forever.")
        require(number == 1, where + "it is still at its start. The model has two of these layers.")
        raise NotAttempted("nothing has moved yet: only a call with training=True moves the statistics.")
    of_last = np.median(np.abs(mean - last[0]) / np.sqrt(true[1]))
    off = np.median(np.abs(mean - true[0]) / np.sqrt(true[1]))
    share = np.median(mean / true[0])
    require(
        of_last > 0.05 or off < 0.2, where + "these are the statistics of the last batch alone; average more."
    )
    require(
        off < 0.5 or not 0.02 < share < 0.75,
        where + f"the start still weighs about {1 - share:.0%}. Call more often, or lower the momentum.",
    )
    require(off < 0.5, where + "the moving mean is far from the mean of what reaches the layer.")
    ratio = np.median(variance / true[1])
    require(
        not np.allclose(variance, np.sqrt(true[1]), rtol=0.2),
        where + "you stored the standard deviation; the layer takes the root itself.",
    )
    require(
        0.5 < ratio < 2, where + f"the moving variance is {ratio:.2g} times that of what reaches the layer."
    )


# ---------------------------------------------------------------- read a figure: three runs

ILLS = ("late statistics", "over-fitting", "healthy")
SEEN = {
    "A": "in A the training images themselves do badly as soon as they are evaluated, epoch after epoch.",
    "B": "in B the two lines part slowly, and evaluation is smooth: new images do worse than known ones.",
    "C": "in C both lines go together, but for the first epoch: nothing opens, nothing stays behind.",
}
FIGURE = dict(zip("ABC", ILLS, strict=True))


@exercise(
    hints=(
        "In which panel is evaluation left behind only slowly?",
        "Over-fitting opens with time. Late statistics part the lines at once. And a healthy run?",
        "Compare the lines at the last epoch, and half way: level at chance, slowly parting, or together.",
    )
)
def read_curves(answer):
    """The learner's reading of three runs: {"A": …, "B": …, "C": …}, each one of ILLS."""
    filled_in(answer, FIGURE)
    for name, right in FIGURE.items():
        why = {ill: f"{name} is not “{ill}”: {SEEN[name]}" for ill in ILLS if ill != right}
        one_of(answer[name], right, why)
    return "late parts at once, over-fitting opens with time, healthy stays together. Look at several epochs."


# ---------------------------------------------------------------- mend a program


@exercise(
    hints=(
        "Evaluate the same model twice: with the program's loop, and with model.evaluate. What differs?",
        "There are two faults: one in how the images are judged, one in how the averages are kept. Which "
        "weight does 0.1 give to the old value, in Keras?",
        "Judge with training=False. PyTorch's momentum 0.1 weighs the new value: in Keras that is 0.9.",
    )
)
def program(answer):
    """The learner's mended program: momentum for Keras, evaluation at inference."""
    x, y = data.load_batch(1300)
    x, y, x_new, y_new = x[:1000], y[:1000], x[1000:], y[1000:]
    order = np.argsort(y_new, kind="stable")
    x_new, y_new = x_new[order], y_new[order]
    got = call(answer, x, y, x_new, y_new)
    require(
        isinstance(got, tuple | list) and len(got) == 2 and hasattr(got[0], "layers"),
        "return the model and the share of new images it gets right: `return model, share`.",
    )
    model, told = got[0], float(array(got[1], (), "the share of new images"))
    norms = keras_patient.norms(model)
    require(bool(norms), "there is no BatchNormalization left. Taken out is not mended.")
    in_training = _accuracy_in_batches(model, x_new, y_new)
    momentum = norms[0].momentum
    right = keras_patient.accuracy(model, x_new, y_new)
    judged_so = abs(told - in_training) < 1e-6 < abs(told - right)
    if judged_so and momentum == 0.1:
        raise NotAttempted("still the bugs: the program says so little, and model.evaluate says otherwise.")
    require(not judged_so, "it still judges in training mode: each answer depends on the rest of its batch.")
    _tell_momentum(momentum, int(model.optimizer.iterations))
    _tell_drift(model, x)
    seen = keras_patient.accuracy(model, x, y)
    require(
        abs(told - seen) > 1e-6 or abs(told - right) < 1e-6,
        "that is the share of the *training* images; asked for is that of the new ones.",
    )
    require(
        abs(told * len(x_new) - right * len(x_new)) > 1e-6 or told <= 1,
        "a share is wanted, between 0 and 1.",
    )
    require(
        abs(told - right) < 0.5 / len(x_new),
        f"you tell {told:.2f}, and at inference the model gets {right:.2f} of the new images right. "
        "A call with training=True also changes the model: was there one, to look?",
    )
    require(right > 0.6, "the model gets less than 0.6 of the new images right: does it still train?")
    return "the same model, judged by itself: two lines were wrong, and none of them raised an error."


def _accuracy_in_batches(model, x, y, size=50):
    """Accuracy in training mode, in the program's batches; the model is left as it is."""
    kept = model.get_weights()
    right = [
        np.argmax(model(x[i : i + size], training=True), axis=1) == y[i : i + size]
        for i in range(0, len(x), size)
    ]
    model.set_weights(kept)
    return float(np.mean(np.concatenate(right)))


def _tell_momentum(momentum, steps):
    require(
        momentum >= 0.5,
        f"momentum={momentum:g} keeps a tenth or so of the old value: nearly the last batch alone. "
        "PyTorch's 0.1 is Keras's 0.9.",
    )
    require(momentum < 1, "momentum=1 never takes a new value: the averages stay at their start.")
    left = momentum**steps
    require(
        left < 0.05,
        f"at momentum={momentum:g} the start still weighs {left:.0%} after this program's {steps} steps.",
    )


def _tell_drift(model, x):
    """Whether the first normalization's moving mean is that of the training images."""
    h = x
    for layer in model.layers:
        if hasattr(layer, "moving_mean"):
            break
        h = np.asarray(layer(h))
    off = np.median(np.abs(layer.moving_mean.numpy() - h.mean(axis=0)) / h.std(axis=0))
    require(
        off < 0.15,
        "the moving statistics are not those of the training images. A call with training=True changes them, "
        "also when you only want to look.",
    )


# ---------------------------------------------------------------- challenge: three epochs

KEYS = ("place", "momentum", "rate", "batch_size")
EPOCHS, SEEDS, PASS, SMALLEST_BATCH = 3, (10, 11, 12), 1.0, 10
SENSIBLE = {"before": (0.003, 0.02), "after": (0.0001, 0.002)}  # rates; results/keras_normalization.json


@exercise(
    hints=(
        "Three epochs are few steps. Which of your four settings decides how many?",
        "Count the steps, then choose a momentum that has forgotten its start by then. Smaller batches give "
        "more steps, and noisier statistics.",
        "Try momentum 0.9, batches of 20, and rates a factor of 3 apart, between 0.0001 and 0.1: the two "
        "places want very different ones.",
    )
)
def three_epochs(answer):
    """The learner's recipe for the patient with batch normalization: validation loss after three epochs."""
    setup, rate = _read_recipe(answer)
    losses, accuracies, in_fit = np.transpose([_trained(setup, rate, seed) for seed in SEEDS])
    require(np.isfinite(losses).all(), "the loss is no longer a number: the rate is too large.")
    score, share = round(float(np.median(losses)), 1), np.median(accuracies)
    late = np.median(in_fit) - share > 0.15 and setup.momentum > 0.95
    told = f"validation loss {score:.1f}, the median of {len(SEEDS)} seeds; below {PASS:.1f} passes. "
    require(
        score < PASS or not late,
        told + "In fit it does far better than evaluated: the moving statistics are late.",
    )
    require(score < PASS, told + _advice(setup, rate))
    return Scored(f"validation loss {score:.1f}, the median of {len(SEEDS)} seeds. Smaller is better.", score)


def _read_recipe(answer):
    require(isinstance(answer, dict), f"a dict is wanted, with {', '.join(KEYS)}.")
    if all(answer.get(key) in (None, ...) for key in KEYS):
        raise NotAttempted(EMPTY)
    for key in answer:
        require(key in KEYS, f"there is no setting {key!r}; there are {', '.join(KEYS)}.")
    for key in KEYS:
        require(key in answer and answer[key] is not ..., f'"{key}" is not filled in yet.')
    require(answer["place"] is not None, "without it the patient stays at chance: before or after?")
    require(answer["place"] in PLACES, f"place is 'before' or 'after', yours is {answer['place']!r}.")
    momentum, rate = (float(array(answer[key], (), key)) for key in ("momentum", "rate"))
    require(
        0 <= momentum < 1, f"a momentum lies from 0 to below 1, which never moves; yours is {momentum:g}."
    )
    require(rate > 0, f"a rate is above 0, yours is {rate:g}.")
    size = float(array(answer["batch_size"], (), "batch_size"))
    require(
        size == int(size) and size >= SMALLEST_BATCH, f"a whole number from {SMALLEST_BATCH} on is wanted."
    )
    return Setup(answer["place"], momentum=momentum, batch_size=int(size)), rate


def _trained(setup, rate, seed):
    _, history = keras_patient.train(setup, rate=rate, epochs=EPOCHS, seed=seed)
    return [history[name][-1] for name in ("val_loss", "val_accuracy", "accuracy")]


def _advice(setup, rate):
    if setup.batch_size > 50:
        return f"Batches of {setup.batch_size} leave few steps: take smaller ones."
    if setup.momentum < 0.7:
        return "So low a momentum keeps hardly more than the last batch: evaluation is noisy."
    lowest, highest = SENSIBLE[setup.place]
    if rate > highest:
        return f"Try a smaller rate than {rate:g}."
    if rate < lowest:
        return f"Try a larger rate than {rate:g}."
    return "Take more steps: smaller batches; and try the other place."
