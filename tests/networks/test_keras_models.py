"""The course's own Keras models: their layers, their weights, and an import that comes quietly and late."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.networks import keras_models

ROOT = Path(__file__).resolve().parents[2]


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


@pytest.mark.parametrize("place", ["between", True])
def test_dense_networks_are_checked(place, keras):
    with pytest.raises(ValueError, match=f"None, 'before' or 'after', got {place!r}"):
        keras_models.dense_network((6, 5, 3), normalized=place)
    with pytest.raises(ValueError, match="at least two numbers"):
        keras_models.dense_network((6,))
    with pytest.raises(ValueError, match="reluu"):
        keras_models.dense_network((6, 5, 3), activation="reluu")


def run(code):
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)


def test_keras_comes_quietly_and_late():
    done = run(
        "import sys, helpers.signals.trace, helpers.networks.keras_models as deep\n"
        "print({'keras', 'tensorflow'} & set(sys.modules))\n"
        "model = deep.dense_network((6, 5, 3), seed=0)\n"
        "print(deep.keras() is sys.modules['keras'], deep.keras().backend.backend())\n"
        "import os; os.write(2, b'stderr is back')"
    )
    assert done.stderr == "stderr is back"
    assert done.stdout.split("\n")[:2] == ["set()", "True tensorflow"]
