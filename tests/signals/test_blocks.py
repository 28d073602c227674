"""Blocks: steps of any library in groups, where z and h are read, and which functions stand at the end."""

from types import SimpleNamespace

import numpy as np
import pytest

from helpers.numerics.activations import ACTIVATIONS
from helpers.signals.blocks import Step, blocks_of, dropout_of, functions_on, parts_of, signal_of


def step(kind, *parents, W=None, activation=None, **options):
    name = activation or kind
    entry = activation and ACTIVATIONS[activation]
    return Step(np.zeros(2), parents=parents, kind=kind, name=name, W=W, activation=entry, **options)


def chain(*kinds):
    """Steps one after another: dense layers, activations by their names, and other kinds of layers."""
    steps = [step("input")]
    for kind in kinds:
        own = {"W": 1} if kind == "dense" else {"activation": kind} if kind in ACTIVATIONS else {}
        steps.append(step("activation" if "activation" in own else kind, steps[-1], **own))
    return steps


def kinds_of(steps):
    return [parts_of(block) for block in blocks_of(steps)]


def test_every_layer_with_weights_begins_a_block():
    steps = chain("flatten", "dense", "batch_norm", "dense", "relu", "dropout")
    assert kinds_of(steps) == [("dense", "batch_norm"), ("dense", "activation", "dropout")]
    assert blocks_of(steps[:2]) == []


def test_where_branches_meet_the_later_weights_count():
    x = step("input")
    first = step("dense", x, W=1)
    second = step("conv", first, W=2)
    late = step("activation", first, activation="relu")  # the first branch again, after the second began
    past = step("rescaling", x)  # reads the input, past all weights
    assert kinds_of([x, first, second, late, step("add", late, second), past]) == [
        ("dense", "activation"),
        ("conv", "add"),
    ]


def test_a_layer_without_parents_begins_no_block():
    assert blocks_of([step("input"), step("add")]) == []


def test_z_and_h_are_those_of_the_first_nonlinearity():
    _, dense, norm, tanh, relu = steps = chain("dense", "batch_norm", "tanh", "relu")
    (block,) = blocks_of(steps)
    assert signal_of(block) == (norm, tanh, ACTIVATIONS["tanh"])
    assert signal_of([dense, relu])[:2] == (tanh, relu)  # what its parent gave, wherever that stands


@pytest.mark.parametrize("end", ["tanh", "dropout"])
def test_an_output_holds_the_logits_whatever_function_is_on_it(end):
    steps = chain("dense", "batch_norm", "tanh", "dropout")
    (block,) = blocks_of(steps)
    outputs = [one for one in block if end in (one.name, one.kind)]
    assert signal_of(block, outputs) == (steps[2], steps[2], ACTIVATIONS["linear"])


def test_without_a_nonlinearity_both_are_what_the_last_sum_gave():
    steps = chain("dense", "add", "dropout", "max_pooling2d", "softmax")
    assert signal_of(steps[1:]) == (steps[2], steps[2], ACTIVATIONS["linear"])


def test_a_softmax_is_no_part():
    assert parts_of(chain("dense", "softmax", "log_softmax")[1:]) == ("dense",)


@pytest.mark.parametrize(
    ("kinds", "functions"),
    [
        (("dense",), ()),
        (("dense", "relu", "softmax"), ("relu", "softmax")),
        (("dense", "relu", "dropout", "softmax"), ("relu", "softmax")),
        (("dense", "relu", "max_pooling2d", "softmax"), ("softmax",)),
        (("dense", "softmax", "linear"), ("softmax",)),
        (("dense", "relu", "add"), ()),
    ],
)
def test_functions_on_an_output(kinds, functions):
    block = chain(*kinds)[1:]
    assert functions_on(block, block[-1]) == functions
    assert functions_on(block, block[0]) == ()


def test_the_largest_rate_of_dropout_counts_and_alpha_dropout_does_not():
    rates = {"dropout": 0.2, "gaussian_dropout": 0.3, "alpha_dropout": 0.4}
    block = [step(kind, layer=SimpleNamespace(rate=rate)) for kind, rate in rates.items()]
    assert dropout_of(block) == 0.3
    assert dropout_of(block[2:]) == 0
