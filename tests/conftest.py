"""What the tests share: Keras, imported quietly and only where asked for, and repeatable hypothesis runs."""

import os

import numpy as np
import pytest
from hypothesis import settings

from helpers.networks import keras_models

os.environ["TAMING_DEPTH_LEARNER"] = ""  # no test reads or writes what the learner of this copy has done
settings.register_profile("course", derandomize=True, deadline=None, database=None)
settings.load_profile("course")


@pytest.fixture(scope="session")
def keras():
    """The Keras package, on TensorFlow; the import takes seconds, so only tests that need it ask for it."""
    return keras_models.keras()


@pytest.fixture(scope="session")
def keras_twin(keras):
    """A function: activation's name → (Keras's counterpart with our parameters, how exactly it computes).

    Keras rounds the slope 0.01 of Leaky ReLU and the √2 of GELU to float32, even for float64 tensors.
    """

    def twin(name):
        told = {
            "leaky_relu": lambda z: keras.activations.leaky_relu(z, negative_slope=0.01),
            "elu": lambda z: keras.activations.elu(z, alpha=1.0),
            "gelu": lambda z: keras.activations.gelu(z, approximate=False),
            "prelu": keras.layers.PReLU(alpha_initializer=keras.initializers.Constant(0.25), dtype="float64"),
        }
        return told.get(name) or getattr(keras.activations, name), 1e-6 if name in (
            "leaky_relu",
            "gelu",
        ) else 1e-10

    return twin


@pytest.fixture(scope="session")
def autodiff(keras):
    """A function (f, z) → (f(z), ∂ Σf / ∂z) in float64, by TensorFlow's automatic differentiation."""
    import tensorflow as tf

    def value_and_gradient(f, z):
        z = tf.constant(np.asarray(z, np.float64))
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = f(z)
        return value.numpy(), tape.gradient(value, z).numpy()

    return value_and_gradient


@pytest.fixture
def rng():
    return np.random.default_rng(20)
