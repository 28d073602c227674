"""Dense networks in Keras: the layers of a dense stack, the weights of an MLP, and a quiet, late import."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.networks import keras_models
from helpers.networks.builders import dense_stack
from helpers.networks.mlp import MLP
from helpers.networks.training import train
from helpers.numerics.activations import ACTIVATIONS, with_parameter
from helpers.signals.trace import trace
from tests.keras_models import CLASSES, assert_same_signals, labels, softmax, table

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(ACTIVATIONS)
DEPTHS = {name: (3, 20, 10, 5)[i % 4] for i, name in enumerate(NAMES)}


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_of_an_mlp_has_its_signals(name, rng, keras):
    model = MLP((6, *[10] * DEPTHS[name], CLASSES), activation=name, bias_std=0.1, gain=1.2, rng=rng)
    ours, theirs = (trace(m, table(), labels()) for m in (model, keras_models.keras_copy(model)))
    assert_same_signals(ours, theirs)
    assert sum(layer.grad_W_norm > 0 for layer in ours.layers) == DEPTHS[name] + 1


@pytest.mark.parametrize(("name", "value"), [("leaky_relu", 0.3), ("prelu", 0.4), ("elu", 0.5), ("elu", 0)])
def test_a_copy_has_the_parameter_of_the_activation(name, value, rng, keras):
    model = MLP((6, 8, 8, CLASSES), activation=with_parameter(name, value), rng=rng)
    copy = keras_models.keras_copy(model)
    np.testing.assert_allclose(copy(table()), softmax(model.forward(table()).logits), rtol=1e-4)
    assert_same_signals(trace(model, table(), labels()), trace(copy, table(), labels()))


def carry(stack, model):
    """Give a Keras model the parameters and the moving statistics of a stack of the same layers."""
    ours = [layer for layer in stack.flat() if layer.kind in ("dense", "batch_norm")]
    theirs = [layer for layer in model.layers if layer.weights]
    for a, b in zip(ours, theirs, strict=True):
        if a.kind == "dense":
            b.set_weights([a.W] if a.b is None else [a.W, a.b])
        else:
            b.set_weights([a.gamma, a.beta, a.running.mean, a.running.variance])


OPTIONS = [
    {"normalized": "before"},
    {"normalized": "after"},
    {"skips": True},
    {"normalized": "before", "skips": True},
    {"normalized": "after", "skips": True},
]


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_stack_and_a_keras_model_of_the_same_weights_train_alike(options, rng, keras):
    """Signals before, in training and in testing; then five steps; then the signals again."""
    sizes, x, y = (6, *[10] * 4, CLASSES), table(), labels()
    stack = dense_stack(sizes, activation="tanh", rng=rng, **options)
    model = keras_models.dense_network(sizes, activation="tanh", **options)
    carry(stack, model)
    for _ in range(2):
        for training in (True, False):
            assert_same_signals(*(trace(m, x, y, training=training) for m in (stack, model)))
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        losses = train(stack, x, y, learning_rate=0.1, steps=5, batch_size=8, rng=rng)
        theirs = [float(model.train_on_batch(x, y)) for _ in range(5)]
        np.testing.assert_allclose(theirs, losses, rtol=1e-4)


@pytest.mark.parametrize("options", [*OPTIONS, {"dropout": 0.2, "alpha_dropout": 0.1}], ids=str)
def test_dense_networks_have_the_layers_of_dense_stacks(options, rng, keras):
    sizes = (6, 5, 5, CLASSES)
    stack, model = dense_stack(sizes, rng=rng, **options), keras_models.dense_network(sizes, **options)
    parts = [[layer.parts for layer in trace(m, table(), labels()).layers] for m in (stack, model)]
    assert parts[0] == parts[1]
    assert model.output_shape == (None, CLASSES)


def test_the_reference_network_has_a_hundred_hidden_layers(keras):
    assert len(keras_models.SIZES) == 102
    assert keras_models.SIZES[:3] == (784, 300, 100)
    model = keras_models.dense_network((6, 5, 5, 3), seed=3)
    again, other = (keras_models.dense_network((6, 5, 5, 3), seed=seed) for seed in (3, 4))
    same = [np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True)]
    assert all(same)
    assert not np.array_equal(model.get_weights()[0], other.get_weights()[0])
    kernels = [layer.kernel for layer in model.layers if layer.weights]
    assert not np.array_equal(kernels[1][:3, :3], kernels[2][:3, :3])  # each layer draws weights of its own
    assert model.layers[-1].activation is keras.activations.softmax


def test_the_default_design_keeps_the_signal(keras):
    """SELU with LeCun's initialization: after twenty layers the spread is still of order 1."""
    signals = trace(keras_models.dense_network((6, *[100] * 20, CLASSES), seed=0), table(), labels())
    assert 0.5 < signals.per_layer("std")[-1] < 2
    assert {layer.activation for layer in signals.hidden} == {"selu"}


@pytest.mark.parametrize("place", ["between", True])
def test_dense_networks_are_checked(place, keras):
    with pytest.raises(ValueError, match=f"None, 'before' or 'after', got {place!r}"):
        keras_models.dense_network((6, 5, 3), normalized=place)
    with pytest.raises(ValueError, match="at least two numbers"):
        keras_models.dense_network((6,))
    with pytest.raises(ValueError, match="reluu"):
        keras_models.dense_network((6, 5, 3), activation="reluu")


# The import


def run(code):
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)


@pytest.mark.slow
def test_keras_comes_quietly_and_late():
    done = run(
        "import sys, helpers.signals.trace, helpers.networks.keras_models as models\n"
        "print({'keras', 'tensorflow'} & set(sys.modules))\n"
        "model = models.dense_network((6, 5, 3), seed=0)\n"
        "print(models.keras() is sys.modules['keras'], models.keras().backend.backend())\n"
        "import os; os.write(2, b'stderr is back')"
    )
    assert done.stderr == "stderr is back"
    assert done.stdout.split("\n")[:2] == ["set()", "True tensorflow"]
