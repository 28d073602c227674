"""The checks of lesson 08: right answers pass, each known slip is met with its own reason."""

import types
from dataclasses import replace

import numpy as np
import pytest

from helpers.checks import blind
from helpers.checks import depth as checks
from helpers.checks.frame import NotYet
from helpers.networks.builders import DESIGNS, Design
from helpers.networks.keras_training import OURS, Recipe


def schedule(step, steps, peak, warm_up, down=lambda t: (1 + np.cos(np.pi * t)) / 2):
    rising = warm_up * steps
    return peak * step / rising if step < rising else peak * down((step - rising) / (steps - rising))


def in_pieces(step, steps, peak, warm_up):
    return (
        peak * np.interp(step, [0, warm_up * steps], [0, 1])
        if step < warm_up * steps
        else schedule(step, steps, peak, warm_up)
    )


WARD = blind.Ward("Ada", {}, {}, {})  # the check needs its name alone
DIAGNOSIS = {bed: case[0] for bed, case in blind.cases("Ada").items()}
READING = dict(checks.READINGS)
PACES, FIRST, LAST = READING


def diagnosed(**changes):
    return DIAGNOSIS | changes


RIGHT = [
    (checks.gradient_growth, lambda square, layers: square ** (layers / 2)),
    (checks.gradient_growth, lambda square, layers: np.sqrt(square) ** layers),
    (checks.gradient_growth, lambda square, layers: np.exp(layers / 2 * np.log(square))),
    (checks.warm_up_cosine, schedule),
    (checks.warm_up_cosine, in_pieces),
    (checks.warm_up_cosine, lambda *a: schedule(*a, down=lambda t: np.cos(np.pi * t / 2) ** 2)),
    (checks.read_updates, READING),
    (checks.read_updates, {symptom: run.upper() for symptom, run in READING.items()}),
]

WRONG = [
    (checks.gradient_growth, lambda s, n: s**n, "factor on the mean square"),
    (checks.gradient_growth, lambda s, n: s ** (n / 4), "root was taken twice"),
    (checks.gradient_growth, lambda s, n: s ** (-n / 2), "the inverse"),
    (checks.gradient_growth, lambda s, n: 1 + n * (s - 1), "don't add"),
    (checks.gradient_growth, lambda s, n: 1 + n * (np.sqrt(s) - 1), "don't add"),
    (checks.gradient_growth, lambda s, n: s * n, "times the depth"),
    (checks.gradient_growth, lambda s, n: np.sqrt(s), "factor of one layer"),
    (checks.gradient_growth, lambda s, n: s ** ((n - 1) / 2), "one layer is missing"),
    (checks.gradient_growth, lambda s, n: np.inf, "infinite"),
    (checks.gradient_growth, lambda s, n: 2 * s ** (n / 2), "2 times"),
    (checks.warm_up_cosine, lambda k, n, p, w: p * (1 + np.cos(np.pi * k / n)) / 2, "no warm-up"),
    (checks.warm_up_cosine, lambda *a: schedule(*a, down=lambda t: 1), "then stays"),
    (checks.warm_up_cosine, lambda *a: schedule(*a, down=lambda t: 1 - t), "straight line"),
    (checks.warm_up_cosine, lambda *a: schedule(*a, down=lambda t: np.cos(np.pi * t)), "from 1 to −1"),
    (checks.warm_up_cosine, lambda *a: schedule(*a, down=lambda t: np.cos(np.pi / 2 * t)), "quarter"),
    (checks.warm_up_cosine, lambda *a: schedule(*a, down=lambda t: (1 + np.cos(2 * np.pi * t)) / 2),
     "whole cosine"),
    (checks.warm_up_cosine, lambda *a: schedule(*a, down=lambda t: (1 + np.cos(180 * t)) / 2), "radians"),
    (checks.warm_up_cosine, lambda *a: 2 * schedule(*a), "2 times"),
    (checks.warm_up_cosine, lambda *a: np.zeros(3), "shape"),
    (checks.read_updates, READING | {PACES: "SELU, clipped together"}, "about a decade apart"),
    (checks.read_updates, READING | {PACES: "batch norm"}, "layer 34 decades below"),
    (checks.read_updates, READING | {PACES: "sigmoid"}, "single line"),
    (checks.read_updates, READING | {FIRST: "sigmoid"}, "single line"),
    (checks.read_updates, READING | {FIRST: "SELU, clipped together"}, "all of them are in the picture"),
    (checks.read_updates, READING | {LAST: "batch norm"}, "layer 1 lies at the dashed line"),
    (checks.read_updates, READING | {LAST: "SELU, each clipped"}, "within a factor of a few"),
    (checks.read_updates, READING | {LAST: "tanh"}, "none of the choices"),
    (checks.read_updates, READING | {LAST: ...}, f'"{LAST}" is not filled in yet'),
    (checks.read_updates, "sigmoid", "a dict is wanted"),
]  # fmt: skip
HARD = [  # of a diagnosis: answers and what is told
    (diagnosed(A="dropout"), "A begins far off"),
    (diagnosed(A="none"), "A begins far off"),
    (diagnosed(B="initialization"), "B settles early"),
    (diagnosed(B="none"), "B settles early"),
    (diagnosed(C="initialization"), "C grows by a factor"),
    (diagnosed(C="dropout"), "C grows by a factor"),
    (diagnosed(D="skip"), "moves away from 1 layer after layer"),
    (diagnosed(D="inputs"), "wrong inputs show in layer 1 at once"),
    (diagnosed(D="depth"), "none of the choices"),
    (diagnosed(D=...), '"D" is not filled in yet'),
    ({"A": "inputs"}, '"B", "C", "D" are not filled in yet'),
    ("skip", "a dict is wanted"),
]
RECIPES = [
    (1, "Recipe is wanted"),
    (OURS, "16 epochs"),
    (replace(OURS, epochs=0), "without an epoch"),
    (replace(OURS, epochs=2, learning_rate=0), "nothing moves"),
    (replace(OURS, epochs=2, learning_rate=-1), "positive"),
    (replace(OURS, epochs=2, batch_size=10**6), "a batch of 1000000"),
    (replace(OURS, epochs=2, warm_up=1.0), "share of the run"),
    (replace(OURS, epochs=2, momentum=1.0), "forgotten"),
    (replace(OURS, epochs=2, design=Design(skips=True)), "no skips"),
    (replace(OURS, epochs=2, design=DESIGNS["ReLU + He + batch norm"]), "no batch normalization"),
    (replace(OURS, epochs=2, design=DESIGNS["ReLU + He"]), "yours have relu"),
    (replace(OURS, epochs=2, design=Design(alpha_dropout=0.1)), "no dropout"),
]
NOT_ATTEMPTED = [
    (checks.gradient_growth, lambda square, layers: None),
    (checks.warm_up_cosine, lambda *a: ...),
    (checks.read_updates, dict.fromkeys(READING, ...)),
    (checks.hundred_layers, ...),
    (checks.recipe, ...),
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_right(check, answer):
    verdict = check(answer)
    assert verdict.right, verdict


@pytest.mark.parametrize(("check", "answer", "why"), WRONG)
def test_wrong(check, answer, why):
    verdict = check(answer)
    assert verdict.status == "not yet"
    assert why in verdict.message


@pytest.mark.parametrize(("answer", "why"), HARD)
def test_a_wrong_diagnosis(answer, why):
    verdict = checks.diagnosis(answer, WARD)
    assert verdict.status == "not yet"
    assert why in verdict.message


def test_a_right_diagnosis_needs_its_ward():
    assert checks.diagnosis(DIAGNOSIS, WARD).right
    assert "give the ward" in checks.diagnosis(DIAGNOSIS, "Ada").message
    assert checks.diagnosis(dict.fromkeys("ABCD", ...), WARD).status == "not attempted"
    assert not checks.diagnosis(DIAGNOSIS, blind.Ward("Grace", {}, {}, {})).right


@pytest.mark.parametrize(("answer", "why"), RECIPES)
def test_a_recipe_that_breaks_the_rules_is_not_trained(answer, why, monkeypatch):
    monkeypatch.setattr(checks, "contest", lambda recipe: pytest.fail("trained"))
    verdict = checks.recipe(answer)
    assert verdict.status == "not yet"
    assert why in verdict.message


@pytest.mark.parametrize(
    ("reached", "status", "why"),
    [
        (0.78, "right", "more than 0.7"),
        (0.64, "not yet", "more than 0.6"),
        (0.1, "not yet", "that is guessing"),
    ],
)
def test_a_recipe_is_told_as_a_band(monkeypatch, reached, status, why):
    monkeypatch.setattr(checks, "contest", lambda recipe: [0.1, reached])
    verdict = checks.recipe(Recipe(learning_rate=0.01, epochs=2))
    assert verdict.status == status
    assert why in verdict.message
    assert verdict.score == (reached if status == "right" else None)


@pytest.mark.parametrize(("check", "answer"), NOT_ATTEMPTED)
def test_not_attempted(check, answer):
    assert check(answer).status == "not attempted"


@pytest.fixture(scope="module")
def network():
    """A function that builds the model of the lesson, or one like it."""
    from helpers.networks import keras_models

    keras = keras_models.keras()
    layers = keras.layers

    def build(
        hidden=(300, *[100] * 99), activation="selu", initializer="lecun_normal", last="softmax", **more
    ):
        model = keras.Sequential([keras.Input((more.get("inputs", 784),))] if more.get("input", True) else [])
        for width in hidden:
            model.add(layers.Dense(width, activation=activation, kernel_initializer=initializer))
            if "between" in more:
                model.add(more["between"](layers))
        model.add(layers.Dense(more.get("classes", 10), activation=last))
        return model

    return build


def model_cases():
    apart = {"activation": None, "between": lambda layers: layers.Activation("selu")}
    right = [{}, apart]
    wrong = [
        ({"hidden": (300, *[100] * 98)}, "99 hidden layers"),
        ({"hidden": (300, *[100] * 100)}, "101 hidden layers"),
        ({"hidden": (300, 100)}, "Is it in a loop"),
        ({"hidden": (100,) * 100}, "first hidden layer has 100"),
        ({"hidden": (300,) * 100}, "hidden layer 2 has 300"),
        ({"classes": 100}, "ten classes"),
        ({"activation": None}, "no activation"),
        ({"activation": "relu"}, "relu in place of SELU"),
        ({"last": None}, "no softmax"),
        ({"last": "selu"}, "SELU is for the hidden"),
        ({"last": "sigmoid"}, "the output is sigmoid"),
        ({"initializer": "glorot_uniform"}, "Keras's default"),
        ({"initializer": "he_normal"}, "twice LeCun's"),
        ({"initializer": "lecun_uniform"}, "the right variance"),
        ({"initializer": "glorot_normal"}, "where a layer is square"),
        ({"initializer": "random_normal"}, "LeCun's normal weights are wanted"),
        ({"between": lambda layers: layers.BatchNormalization(), "hidden": (300, 100)}, "no batch norm"),
        ({"between": lambda layers: layers.AlphaDropout(0.1), "hidden": (300, 100)}, "no dropout"),
        ({"input": False}, "begin with keras.Input"),
        ({"inputs": 28}, "784 pixels"),
        ({"hidden": (), "classes": 10}, "0 hidden layers"),
    ]
    return right, wrong


def tell(model):
    """What the check says, without the copy that `exercise` takes of a model, which takes seconds."""
    return checks.hundred_layers.__wrapped__(model)


@pytest.mark.slow
@pytest.mark.parametrize("options", model_cases()[0])
def test_a_right_model(network, options):
    assert "that is the reference" in tell(network(**options))


@pytest.mark.slow
@pytest.mark.parametrize(("options", "why"), model_cases()[1])
def test_a_wrong_model(network, options, why):
    with pytest.raises(NotYet) as told:
        tell(network(**options))
    assert why in str(told.value)


def test_odd_models():
    assert "a Keras model is wanted" in checks.hundred_layers(100).message
    empty = types.SimpleNamespace(layers=[], count_params=lambda: 0)
    assert "no dense layer" in checks.hundred_layers(empty).message


@pytest.mark.parametrize(
    "check",
    [checks.hundred_layers, checks.gradient_growth, checks.read_updates, checks.diagnosis,
     checks.warm_up_cosine, checks.recipe],
)  # fmt: skip
def test_every_exercise_has_three_hints(check):
    assert [check.hint().stage for _ in range(3)] == [1, 2, 3]
