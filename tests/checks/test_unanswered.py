"""Every exercise of every lesson: what says that there is no answer yet, and that an answer raises."""

import inspect
import pkgutil
from importlib import import_module

import pytest

from helpers import checks

MODULES = [import_module(f"helpers.checks.{module.name}") for module in pkgutil.iter_modules(checks.__path__)]
EXERCISES = {
    f"{module.__name__.rpartition('.')[2]}.{name}": check
    for module in MODULES
    for name, check in inspect.getmembers(module, inspect.isfunction)
    if hasattr(check, "__wrapped__") and check.__module__ == module.__name__
}
OF_VALUES = (
    "clinic.diagnosis",
    "clinic.treatment",
    "activation.maxout_weights",
    "activation.read_slopes",
    "scales.read_rows",
    "backprop.chain_by_hand",
    "backprop.experiment",
    "backprop.which_is_which",
    "depth.diagnosis",
    "depth.hundred_layers",
    "depth.read_updates",
    "depth.recipe",
    "flow.level",
    "flow.read_flow",
    "preprocessing.read_eps",
    "keras_normalization.read_curves",
    "keras_normalization.three_epochs",
    "start.pixels",
    "start.spike",
    "normalization.small_batches",
    "normalization.way_back",
    "normalization.which_is_which",
)
OF_FUNCTIONS = sorted(EXERCISES.keys() - set(OF_VALUES))


def answers_of(check):
    """How many answers a check asks for; further ones, with a default, are the learner's choice."""
    return sum(p.default is p.empty for p in inspect.signature(check).parameters.values())


def test_the_exercises_are_found():
    assert set(OF_VALUES) <= EXERCISES.keys()
    assert len(EXERCISES) >= 34


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("stub", [None, ...])
def test_no_answer_is_not_attempted(name, stub):
    check = EXERCISES[name]
    assert check(*[stub] * answers_of(check)).status == "not attempted"


@pytest.mark.parametrize("name", OF_FUNCTIONS)
@pytest.mark.parametrize("result", [None, ...])
def test_a_function_that_returns_nothing_is_not_attempted(name, result):
    check = EXERCISES[name]
    assert check(*[lambda *inputs: result] * answers_of(check)).status == "not attempted"


@pytest.mark.parametrize("name", OF_FUNCTIONS)
def test_a_function_that_raises_is_told_so(name):
    def broken(*inputs):
        raise KeyError("no")

    check = EXERCISES[name]
    verdict = check(*[broken] * answers_of(check))
    assert verdict.status == "not yet"
    assert "KeyError" in verdict.message


@pytest.mark.parametrize("name", EXERCISES)
def test_an_answer_of_another_kind_is_told_so(name):
    check = EXERCISES[name]
    verdict = check(*["text"] * answers_of(check))
    assert verdict.status == "not yet"
    assert verdict.message
