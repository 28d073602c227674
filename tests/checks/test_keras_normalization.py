"""The checks of lesson 07: right answers pass, each known slip is met with its own reason."""

from itertools import pairwise
from math import ceil, log

import numpy as np
import pytest

from helpers import data
from helpers.checks import keras_normalization as checks
from helpers.networks import keras_models, keras_patient


def counts(sizes, learned=2, followed=2, features=None):
    features = sum(sizes[:-1]) if features is None else features
    kernels = sum(a * b for a, b in pairwise(sizes))
    return kernels + sizes[-1] + learned * features, followed * features


def steps(v, p):
    t = 0
    while p**t > (1 - p**t) * v:
        t += 1
    return t


def exact(v, p):
    return log(v / (1 + v)) / log(p)


READ = {"A": "late statistics", "B": "over-fitting", "C": "healthy"}

RIGHT = [
    (checks.parameter_counts, counts),
    (checks.parameter_counts, lambda sizes: list(counts(sizes))),
    (checks.parameter_counts, lambda sizes: np.array(counts(sizes))),
    (checks.steps_until, steps),
    (checks.steps_until, lambda v, p: ceil(exact(v, p))),
    (checks.steps_until, lambda v, p: np.ceil(exact(v, p))),
    (checks.read_curves, READ),
    (checks.read_curves, {name: ill.upper() for name, ill in READ.items()}),
]

WRONG = [
    (checks.parameter_counts, lambda s: sum(counts(s)), "sum of both"),
    (checks.parameter_counts, lambda s: (sum(counts(s)), 0), "no gradient reaches them"),
    (checks.parameter_counts, lambda s: counts(s)[::-1], "swapped"),
    (checks.parameter_counts, lambda s: (counts(s)[0], 0), "are missing"),
    (checks.parameter_counts, lambda s: counts(s, 1, 1), "1 of each kind"),
    (checks.parameter_counts, lambda s: counts(s, 0, 4), "are trainable"),
    (checks.parameter_counts, lambda s: (counts(s)[0] + sum(s[1:-1]), counts(s)[1]), "use_bias=False"),
    (checks.parameter_counts, lambda s: counts(s, features=sum(s[1:-1])), "on the inputs is missing"),
    (checks.parameter_counts, lambda s: counts(s, features=sum(s)), "output layer has no"),
    (checks.parameter_counts, lambda s: counts(s, features=sum(s[1:])), "The inputs have one"),
    (checks.parameter_counts, lambda s: counts(s, features=s[0]), "after the hidden layers is missing"),
    (checks.parameter_counts, lambda s: (counts(s)[0] - s[-1], counts(s)[1]), "bias is missing"),
    (checks.parameter_counts, lambda s: (1, 2), "off"),
    (checks.parameter_counts, lambda s: "many", "wanted"),
    (checks.steps_until, exact, "round up"),
    (checks.steps_until, lambda v, p: int(exact(v, p)), "rounded down"),
    (checks.steps_until, lambda v, p: steps(v, p) + 1, "one too many"),
    (checks.steps_until, lambda v, p: log(v / (1 + v)) / log(1 - p), "PyTorch"),
    (checks.steps_until, lambda v, p: ceil(log(v / (1 + v)) / log(1 - p)), "PyTorch"),
    (checks.steps_until, lambda v, p: -exact(v, p), "sign"),
    (checks.steps_until, lambda v, p: -ceil(exact(v, p)), "sign"),
    (checks.steps_until, lambda v, p: 1 / (1 - p), "37 percent"),
    (checks.steps_until, lambda v, p: round(1 / (1 - p)), "37 percent"),
    (checks.steps_until, lambda v, p: ceil(log(0.5) / log(p)), "far less than 1"),
    (checks.steps_until, lambda v, p: ceil(log(v) * log(p)), "multiplied the logarithms"),
    (checks.steps_until, lambda v, p: ceil(-log(v / (1 + v))), "momentum is missing"),
    (checks.steps_until, lambda v, p: ceil(0.5 * exact(v, p)), "root"),
    (checks.steps_until, lambda v, p: 17, "is wanted"),
    (checks.steps_until, lambda v, p: "17", "numbers are wanted"),
    (checks.read_curves, READ | {"A": "over-fitting"}, "training images themselves"),
    (checks.read_curves, READ | {"A": "healthy"}, "training images themselves"),
    (checks.read_curves, READ | {"B": "late statistics"}, "part slowly"),
    (checks.read_curves, READ | {"B": "healthy"}, "part slowly"),
    (checks.read_curves, READ | {"C": "late statistics"}, "go together"),
    (checks.read_curves, READ | {"C": "over-fitting"}, "go together"),
    (checks.read_curves, READ | {"C": ...}, '"C" is not filled in'),
    (checks.read_curves, READ | {"B": "broken"}, "none of the choices"),
    (checks.read_curves, ["late statistics"] * 3, "a dict"),
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_right_answers_pass(check, answer):
    verdict = check(answer)
    assert verdict.right, verdict


@pytest.mark.parametrize(("check", "answer", "why"), WRONG)
def test_wrong_answers_are_told_why(check, answer, why):
    verdict = check(answer)
    assert verdict.status == "not yet", verdict
    assert why in verdict.message


@pytest.mark.parametrize(
    "check",
    [
        checks.parameter_counts,
        checks.steps_until,
        checks.recalibrate,
        checks.read_curves,
        checks.program,
        checks.three_epochs,
    ],
)
def test_every_exercise_has_three_hints(check):
    assert check.hint().of == 3


def test_the_expected_counts_are_those_of_keras():
    """The check's own formula against a real model: it must not be wrong together with the learner."""
    keras = keras_models.keras()
    for sizes in checks.NETWORKS:
        layers = [keras.Input((sizes[0],)), keras.layers.BatchNormalization()]
        for size in sizes[1:-1]:
            layers += [keras.layers.Dense(size, use_bias=False), keras.layers.BatchNormalization()]
        model = keras.Sequential([*layers, keras.layers.Dense(sizes[-1])])
        found = [
            sum(v.numpy().size for v in some)
            for some in (model.trainable_weights, model.non_trainable_weights)
        ]
        assert tuple(found) == checks._counts(sizes)


# ---------------------------------------------------------------- recalibrate


def send(model, x, times=2, momentum=0.8, size=50, which=slice(None), training=True):
    for layer in keras_patient.norms(model)[which]:
        layer.momentum = momentum
    for _ in range(times):
        for start in range(0, len(x), size):
            model(x[start : start + size], training=training)
    return model


def by_fit(model, x, rate):
    keras = keras_models.keras()
    send(model, x, times=0, momentum=0.9)
    model.compile(keras.optimizers.SGD(rate), "mse")
    model.fit(x, np.ones((len(x), 6)), batch_size=50, epochs=3, verbose=0)
    return model


def put(model, x, change):
    for layer, (mean, variance) in zip(
        keras_patient.norms(model), checks._true_statistics(model, x)[0], strict=True
    ):
        mean, variance = change(mean, variance)
        layer.moving_mean.assign(mean)
        layer.moving_variance.assign(variance)
    return model


def nothing_returned(model, x):
    send(model, x)


def first_alone(model, x):
    _, second = keras_patient.norms(model)
    send(model, x)
    second.moving_mean.assign(np.zeros(6))
    second.moving_variance.assign(np.ones(6))
    return model


def library(model, x):
    keras_patient.recalibrate(model, x)
    return model


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer",
    [
        send,
        library,
        nothing_returned,
        lambda m, x: by_fit(m, x, 0.0),
        lambda m, x: send(m, x, times=20, momentum=0.99),
        lambda m, x: send(m, x, times=1, momentum=0.0, size=1000),
        lambda m, x: put(m, x, lambda mean, variance: (mean, variance)),
    ],
)
def test_any_way_to_recalibrate_passes(answer):
    verdict = checks.recalibrate(answer)
    assert verdict.right, verdict


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda m, x: send(m, x, times=1, momentum=0.99), "the start still weighs"),
        (lambda m, x: send(m, x, momentum=1.0), "keeps the old value forever"),
        (lambda m, x: send(m, x, momentum=0.0), "last batch alone"),
        (lambda m, x: by_fit(m, x, 0.1), "you trained"),
        (first_alone, "still at its start"),
        (lambda m, x: put(m, x, lambda mean, v: (mean, np.sqrt(v))), "standard deviation"),
        (lambda m, x: put(m, x, lambda mean, v: (mean, 9 * v)), "9 times"),
        (lambda m, x: put(m, x, lambda mean, v: (-mean, v)), "far from the mean"),
        (lambda m, x: keras_models.keras().models.clone_model(m), "in place"),
        (lambda m, x: m.layers[7], "IndexError"),
    ],
)
def test_slips_in_recalibrating_are_told(answer, why):
    verdict = checks.recalibrate(answer)
    assert verdict.status == "not yet", verdict
    assert why in verdict.message


def test_inference_mode_moves_nothing():
    verdict = checks.recalibrate(lambda m, x: send(m, x, training=False))
    assert "training=True" in verdict.message


# ---------------------------------------------------------------- mend a program


def program(momentum=0.9, training=False, *, tell="new", norm=True, after=None, fits=True):
    def answer(x, y, x_new, y_new):
        keras = keras_models.keras()
        layers = keras.layers
        keras.utils.set_random_seed(0)
        between = [layers.BatchNormalization(momentum=momentum)] if norm else []
        model = keras.Sequential(
            [
                keras.Input((784,)),
                layers.Dense(50, use_bias=False),
                *between,
                layers.Activation("relu"),
                layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=10, epochs=2 if fits else 0, verbose=0)
        if not fits:
            model.optimizer.iterations.assign(200)
            keras_patient.recalibrate(model, x)
        images, labels = (x, y) if tell == "known" else (x_new, y_new)
        right = 0
        for i in range(0, len(images), 50):
            answers = np.argmax(model(images[i : i + 50], training=training), axis=1)
            right += np.sum(answers == labels[i : i + 50])
        if after:
            after(model, x_new)
        share = right / len(images)
        return {"new": (model, share), "known": (model, share), "count": (model, right), "alone": model}[tell]

    return answer


def look(model, x):
    for i in range(0, len(x), 50):
        model(x[i : i + 50], training=True)


@pytest.mark.slow
@pytest.mark.parametrize("answer", [program(), program(0.95)])
def test_a_mended_program_passes(answer):
    verdict = checks.program(answer)
    assert verdict.right, verdict


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (program(0.1), "PyTorch's 0.1"),
        (program(0.0), "last batch alone"),
        (program(0.99), "the start still weighs"),
        (program(1.0), "never takes a new value"),
        (program(training=True), "judges in training mode"),
        (program(norm=False), "Taken out is not mended"),
        (program(tell="known"), "*training* images"),
        (program(tell="count"), "you tell"),
        (program(tell="alone"), "return the model and the share"),
        (program(after=look), "also changes the model"),
        (program(fits=False), "does it still train"),
    ],
)
def test_slips_in_the_program_are_told(answer, why):
    verdict = checks.program(answer)
    assert verdict.status == "not yet", verdict
    assert why in verdict.message


def test_the_untouched_program_is_not_attempted():
    verdict = checks.program(program(0.1, training=True))
    assert verdict.status == "not attempted", verdict
    assert "still the bugs" in verdict.message


# ---------------------------------------------------------------- challenge

GOOD = {"place": "before", "momentum": 0.9, "rate": 0.01, "batch_size": 20}


@pytest.fixture
def trained(monkeypatch):
    """Replace the trainings; returns a function that says how they end."""

    def ends(loss, accuracy=0.7, in_fit=0.72):
        monkeypatch.setattr(checks, "_trained", lambda setup, rate, seed: [loss, accuracy, in_fit])

    ends(0.83)
    return ends


def test_the_challenge_is_scored_to_one_digit(trained):
    verdict = checks.three_epochs(GOOD)
    assert verdict.right
    assert verdict.score == 0.8
    assert "0.8" in verdict.message


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"place": None}, "stays at chance"),
        ({"place": "behind"}, "'before' or 'after'"),
        ({"momentum": 1.0}, "never moves"),
        ({"momentum": -0.1}, "from 0 to below 1"),
        ({"rate": 0}, "above 0"),
        ({"rate": "fast"}, "numbers are wanted"),
        ({"batch_size": 2}, "from 10 on"),
        ({"batch_size": 20.5}, "whole number"),
        ({"epochs": 9}, "no setting 'epochs'"),
        ({"rate": ...}, "not filled in"),
    ],
)
def test_a_recipe_that_can_not_be_trained_is_told_why(trained, changed, why):
    verdict = checks.three_epochs(GOOD | changed)
    assert verdict.status == "not yet"
    assert why in verdict.message


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"batch_size": 100}, "few steps"),
        ({"momentum": 0.1}, "noisy"),
        ({"rate": 1.0}, "smaller rate"),
        ({"rate": 0.0001}, "larger rate"),
        ({}, "more steps"),
    ],
)
def test_a_poor_recipe_gets_advice(trained, changed, why):
    trained(1.4)
    assert why in checks.three_epochs(GOOD | changed).message


def test_late_statistics_and_overflow_are_told(trained):
    trained(2.3, accuracy=0.1, in_fit=0.7)
    assert "statistics are late" in checks.three_epochs(GOOD | {"momentum": 0.99}).message
    trained(np.nan)
    assert "rate is too large" in checks.three_epochs(GOOD).message


def test_new_images_are_sorted_by_class_so_that_training_mode_is_seen_through():
    x, y = data.load_batch(1300)
    assert x.shape == (1300, 784)
    assert len(np.unique(y[1000:])) == 10
