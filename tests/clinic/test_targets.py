"""Outputs against targets, for every loss of Keras: each fault is named, and what fits is not."""

import numpy as np
import pytest

from helpers.clinic.targets import REACH, REGRESSION, examine_outlet, examine_targets
from helpers.signals.keras_program import Outlet, program_of

N, CLASSES = 64, 4
RNG = np.random.default_rng(0)
NUMBERS = RNG.integers(CLASSES, size=N)
ONE_HOT = np.eye(CLASSES)[NUMBERS]
BITS = RNG.integers(2, size=N)
AMOUNTS = RNG.normal(size=N)


def outlet(loss, units=1, function=None, shape=None):
    functions = (function,) if function else ()
    return Outlet("out", None, functions, shape or (None, units), loss, "")


def told(loss, y, *output, **shape):
    """(code, severity, meaning and advice) of what is found, or None."""
    found = examine_outlet(outlet(loss, *output, **shape), np.asarray(y))
    assert len(found) <= 1
    return (found[0].code, found[0].severity, f"{found[0].meaning} {found[0].advice}") if found else None


HEALTHY = [
    ("sparse_categorical_crossentropy", NUMBERS, CLASSES, "softmax"),
    ("sparse_categorical_crossentropy", NUMBERS[:, None], CLASSES, "softmax"),
    ("sparse_categorical_crossentropy", NUMBERS.astype(float), CLASSES, None),
    ("categorical_crossentropy", ONE_HOT, CLASSES, "softmax"),
    ("categorical_crossentropy", 0.9 * ONE_HOT + 0.025, CLASSES, "softmax"),
    ("categorical_hinge", ONE_HOT, CLASSES, None),
    ("binary_crossentropy", BITS, 1, "sigmoid"),
    ("binary_crossentropy", BITS[:, None], 1, "sigmoid"),
    ("binary_crossentropy", BITS == 1, 1, "sigmoid"),
    ("binary_crossentropy", RNG.integers(2, size=(N, CLASSES)), CLASSES, "sigmoid"),
    ("hinge", 2 * BITS - 1, 1, "tanh"),
    ("squared_hinge", BITS, 1, None),
    ("kl_divergence", ONE_HOT, CLASSES, "softmax"),
    ("poisson", RNG.poisson(3, N), 1, "exponential"),
    ("mean_squared_error", AMOUNTS, 1, None),
    ("mse", 20 + 9 * AMOUNTS, 1, None),
    ("mae", BITS, 1, "sigmoid"),
    ("huber", np.tanh(AMOUNTS), 1, "tanh"),
    ("mean_squared_error", np.abs(AMOUNTS), 1, "relu"),
    ("mean_squared_error", RNG.normal(size=(N, 3)), 3, None),
    ("mean_squared_error", RNG.integers(0, 90, N), 1, None),
    ("a_loss_of_ones_own", 1e9 * AMOUNTS, 1, "sigmoid"),
]


@pytest.mark.parametrize(("loss", "y", "units", "function"), HEALTHY)
def test_what_fits_is_healthy(loss, y, units, function):
    assert told(loss, y, units, function) is None


ILL = [
    ("binary_crossentropy", BITS, 1, "softmax", "output_activation_mismatch", "sigmoid"),
    ("mean_squared_error", AMOUNTS, 1, "softmax", "output_activation_mismatch", "without activation"),
    ("mean_squared_error", NUMBERS, 1, "softmax", "output_activation_mismatch", "Dense(4"),
    ("sparse_categorical_crossentropy", ONE_HOT, CLASSES, "softmax", "labels_do_not_fit", "argmax"),
    ("sparse_categorical_crossentropy", NUMBERS + 1, CLASSES, "softmax", "labels_do_not_fit", "y - 1"),
    ("sparse_categorical_crossentropy", NUMBERS - 1, CLASSES, "softmax", "labels_do_not_fit", "-1 to 2"),
    ("sparse_categorical_crossentropy", NUMBERS, 3, "softmax", "labels_do_not_fit", "Dense(4)"),
    ("sparse_categorical_crossentropy", NUMBERS + 0.5, CLASSES, "softmax", "labels_do_not_fit", "100%"),
    ("sparse_categorical_crossentropy", ONE_HOT[:, :2], CLASSES, "softmax", "labels_do_not_fit", "(2,)"),
    ("sparse_categorical_crossentropy", 0 * NUMBERS, CLASSES, "softmax", "one_class", "same target"),
    ("categorical_crossentropy", NUMBERS, CLASSES, "softmax", "labels_do_not_fit", "sparse_"),
    ("categorical_crossentropy", NUMBERS[:, None], CLASSES, "softmax", "labels_do_not_fit", "sparse_"),
    ("categorical_crossentropy", BITS[:, None], 1, "sigmoid", "labels_do_not_fit", "binary_"),
    ("categorical_crossentropy", ONE_HOT + ONE_HOT[::-1], CLASSES, "softmax", "labels_do_not_fit", "sigmoid"),
    ("categorical_crossentropy", 2 * ONE_HOT - 1, CLASSES, "softmax", "labels_do_not_fit", "negative"),
    ("categorical_crossentropy", 0 * ONE_HOT, CLASSES, "softmax", "labels_do_not_fit", "less than 1"),
    ("categorical_crossentropy", ONE_HOT[:, :3], CLASSES, "softmax", "labels_do_not_fit", "3 units"),
    ("binary_crossentropy", BITS + 1, 1, "sigmoid", "labels_do_not_fit", "(y == 2)"),
    ("binary_crossentropy", 2 * BITS - 1, 1, "sigmoid", "labels_do_not_fit", "(y == 1)"),
    ("binary_crossentropy", NUMBERS, 1, "sigmoid", "labels_do_not_fit", "0 to 3"),
    ("binary_crossentropy", ONE_HOT, 1, "sigmoid", "labels_do_not_fit", "4 units"),
    ("hinge", NUMBERS, 1, None, "labels_do_not_fit", "−1 and 1"),
    ("hinge", BITS, 1, "sigmoid", "output_activation_mismatch", "linear"),
    ("kl_divergence", ONE_HOT, CLASSES, None, "output_activation_mismatch", "softmax"),
    ("poisson", BITS, 1, None, "output_activation_mismatch", "softplus"),
    ("mean_squared_error", AMOUNTS, 1, "relu", "targets_out_of_reach", "0 and more"),
    ("mse", 30 + AMOUNTS, 1, "sigmoid", "targets_out_of_reach", "0 to 1"),
    ("mae", 3 * AMOUNTS, 1, "tanh", "targets_out_of_reach", "-1 to 1"),
    ("mean_squared_error", 1e6 * AMOUNTS, 1, None, "unscaled_targets", "y.std()"),
    ("mean_squared_error", 1e-5 * AMOUNTS, 1, None, "unscaled_targets", "drowns"),
    ("mean_squared_error", RNG.normal(size=(N, 3)), 1, None, "labels_do_not_fit", "3 units"),
    ("mean_squared_error", ONE_HOT, CLASSES, "softmax", "improper_loss", "categorical_crossentropy"),
    ("mean_squared_error", NUMBERS, 1, None, "improper_loss", "Dense(4"),
    ("mean_squared_error", np.where(BITS, np.nan, 1), 1, None, "non_finite_values", "inf or nan"),
]


@pytest.mark.parametrize(("loss", "y", "units", "function", "code", "words"), ILL)
def test_every_misfit_is_named_with_a_cure_for_it(loss, y, units, function, code, words):
    found, _, said = told(loss, y, units, function)
    assert found == code
    assert words in said
    assert said.endswith(".")


def test_targets_a_little_out_of_reach_are_mild():
    y = np.append(np.full(98, 0.5), [1.2, 1.3])
    y[0] = 0.4
    assert told("mse", y, 1, "sigmoid")[1] == "mild"
    assert told("mse", y + 2, 1, "sigmoid")[1] == "severe"
    assert told("mse", np.append(y, np.full(400, 0.5)), 1, "sigmoid") is None


def test_the_size_of_targets_has_two_steps():
    found = [told("mse", size * AMOUNTS, 1, None) for size in (1, 50, 300, 30_000)]
    assert [one and one[1] for one in found] == [None, None, "mild", "severe"]


def test_a_map_of_classes_takes_a_label_for_each_pixel():
    y = RNG.integers(CLASSES, size=(3, 8, 8))
    shape = {"shape": (None, 8, 8, CLASSES)}
    assert told("sparse_categorical_crossentropy", y, CLASSES, "softmax", **shape) is None
    assert told("sparse_categorical_crossentropy", y[..., None], CLASSES, "softmax", **shape) is None
    assert (
        told("sparse_categorical_crossentropy", y[:, 0, 0], CLASSES, "softmax", **shape)[0]
        == "labels_do_not_fit"
    )


def test_texts_are_left_to_the_loss():
    assert told("mean_squared_error", np.array(["a", "b"]), 1, None) is None


def test_the_reaches_are_those_of_kerass_functions(keras):
    line = np.linspace(-60, 60, 1201).astype(np.float32)
    z = keras.ops.convert_to_tensor(np.stack([line, 0 * line], axis=1))
    for name, (low, high) in REACH.items():
        values = np.asarray(getattr(keras.activations, name)(z))
        assert values.min() == pytest.approx(low, abs=0.02)
        assert values.max() > 55 if np.isinf(high) else values.max() == pytest.approx(high, abs=0.02)


def test_every_regression_loss_is_one_of_kerass(keras):
    assert all(hasattr(keras.losses, name) for name in REGRESSION)


def test_several_outputs_take_a_list_or_a_dict(keras):
    entered = keras.Input((3,))
    outputs = {
        "a": keras.layers.Dense(1, name="a")(entered),
        "b": keras.layers.Dense(2, "softmax", name="b")(entered),
    }
    model = keras.Model(entered, list(outputs.values()))
    model.compile("sgd", ["mse", "sparse_categorical_crossentropy"])
    program, wrong = program_of(model), BITS + 0.5
    for y in ([AMOUNTS, wrong], {"a": AMOUNTS, "b": wrong}):
        (found,) = examine_targets(program, y)
        assert (found.code, found.layers) == ("labels_do_not_fit", ("b",))
    assert examine_targets(program, [AMOUNTS, BITS]) == []
    with pytest.raises(ValueError, match="2 outputs, and 3 targets"):
        examine_targets(program, [AMOUNTS] * 3)
    with pytest.raises(ValueError, match="no output is named 'c'; the outputs are a, b"):
        examine_targets(program, {"c": AMOUNTS})
