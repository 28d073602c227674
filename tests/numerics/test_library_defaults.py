"""Defaults read from a library's source are those that the library has."""

import inspect
import subprocess
import sys

import pytest

from helpers.numerics.library_defaults import default_of

READ = [
    ("keras.src.layers.activations.leaky_relu", "LeakyReLU", "negative_slope", 0.3),
    ("keras.src.activations.activations", "leaky_relu", "negative_slope", 0.2),
    ("keras.src.layers.activations.prelu", "PReLU", "alpha_initializer", "Zeros"),
    ("keras.src.activations.activations", "gelu", "approximate", False),
]


@pytest.mark.parametrize(("module", "function", "argument", "value"), READ)
def test_the_source_says_so(module, function, argument, value):
    assert default_of(module, function, argument) == value


@pytest.mark.slow
@pytest.mark.parametrize(("module", "function", "argument", "value"), READ)
def test_the_imported_library_says_the_same(module, function, argument, value):
    import keras

    place = keras.layers if hasattr(keras.layers, function) else keras.activations
    assert inspect.signature(getattr(place, function)).parameters[argument].default == value


def test_nothing_is_imported():
    code = f"from helpers.numerics import library_defaults as d; d.default_of{READ[0][:3]}; import sys; " + (
        "sys.exit('keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_keyword_only_defaults_are_found():
    assert default_of("json.encoder", "JSONEncoder", "skipkeys") is False


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("no_such_package.x", "f", "a"), "not installed"),
        (("json.nowhere", "f", "a"), "no module"),
        (("json.encoder", "nothing", "a"), "no 'nothing'"),
        (("json.encoder", "JSONEncoder", "beauty"), "no default for 'beauty'"),
    ],
)
def test_what_is_not_there_is_told(wrong, said):
    with pytest.raises(ValueError, match=said):
        default_of(*wrong)
