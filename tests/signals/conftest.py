"""What the tests of Keras models share."""

import pytest

from tests.keras_models import CASES


@pytest.fixture(scope="module")
def layers(keras):
    return keras.layers


@pytest.fixture(scope="module")
def tf(keras):
    import tensorflow

    return tensorflow


@pytest.fixture(scope="module")
def cases(keras):
    """Every case, made once; its model is left as it was by every test."""
    keras.utils.set_random_seed(0)
    return {case.__name__: case(keras) for case in CASES}
