"""The clinic as a whole: healthy networks, any scale, models as in Keras's examples, bad input."""

from pathlib import Path

import numpy as np
import pytest

from helpers import clinic
from helpers.networks.stack import Dense, Stack
from helpers.networks.training import train
from helpers.signals.trace import trace
from tests.clinic.cases import CLASSES, NAMES, WIDTH, codes, many, network
from tests.keras_models import CASES
from tests.keras_models import CLASSES as KERAS_CLASSES


@pytest.mark.parametrize("activation", [name for name in NAMES if name not in ("sigmoid", "softplus")])
def test_a_fresh_network_with_its_own_initialization_is_healthy(activation, batch):
    assert clinic.examine(trace(network(activation), *batch)) == ()


def test_a_trained_network_is_healthy(batch):
    model = network(depth=2)
    train(model, *batch, learning_rate=0.05, steps=100, rng=np.random.default_rng(0))
    assert clinic.examine(trace(model, *batch)).codes == ()


def test_nothing_found_is_said_with_what_was_looked_at(batch):
    found = clinic.examine(trace(network(), *batch))
    assert repr(found) == "No findings in 5 layers on 64 examples."
    assert "No findings in 5 layers" in found._repr_html_()


@pytest.mark.parametrize("bad", [None, 3, "trace", Path()])
def test_only_traces_and_recordings_are_examined(bad):
    with pytest.raises(ValueError, match="a Trace is needed"):
        clinic.examine(bad)
    with pytest.raises(ValueError, match="a Recording of a run is needed"):
        clinic.examine_training(bad)


@pytest.mark.parametrize("scale", [0, 1e-300, 1e-30, 1e30, np.nan])
@pytest.mark.parametrize("name", NAMES)
def test_any_scale_is_told_and_never_raises(name, scale, batch):
    """RuntimeWarning from helpers is an error, see pyproject.toml."""
    for examples in (1, 64):
        x, y = batch[0][:examples], batch[1][:examples]
        signals = trace(network(name, gain=scale), x, y)
        assert clinic.examine(signals) or scale == 1
        assert repr(clinic.examine(trace(network(name), scale * x, y)))


def test_one_layer_alone(batch):
    model = Stack([Dense(np.random.default_rng(0).normal(size=(WIDTH, CLASSES)), None)])
    assert clinic.examine(trace(model, *batch)) == ()


@pytest.fixture(scope="module")
def cases(keras):
    keras.utils.set_random_seed(0)
    return {case.__name__: case(keras) for case in CASES}


def state(model):
    """Every variable by its identity, with its value."""
    optimizer = model.optimizer.variables if model.compiled and model.optimizer else []
    return {id(v): v.numpy() for v in (*model.variables, *model.metrics_variables, *optimizer)}


@pytest.mark.parametrize("name", [case.__name__ for case in CASES])
def test_models_of_keras_examples_are_examined_and_left_as_they_were(name, cases):
    case = cases[name]
    before, compiled, loss = state(case.model), case.model.compiled, getattr(case.model, "loss", None)
    found = clinic.examine(trace(case.model, case.x, case.y))
    assert set(found.codes) <= set(clinic.CODES)
    assert repr(found)
    assert "severe" not in {f.severity for f in found} or found.codes == ("dead_units",)
    after = state(case.model)
    assert all(np.array_equal(value, after[key]) for key, value in before.items())
    assert not any(
        after[key].any() for key in after.keys() - before.keys()
    )  # Keras's own, made by its first loss
    assert (case.model.compiled, getattr(case.model, "loss", None)) == (compiled, loss)


def test_a_model_of_mixed_precision_is_examined(keras):
    inputs = keras.Input((6,))
    h = keras.layers.Dense(8, activation="relu", dtype="mixed_float16")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(KERAS_CLASSES, dtype="float32")(h))
    assert set(codes(model, *many())) <= {"dead_units"}
