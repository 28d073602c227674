"""A Keras model read as a program: its parts in their graph, its outlets, and what could not be read."""

import pytest

from helpers.signals.keras_program import functions_on, program_of


@pytest.fixture(scope="module")
def L(keras):
    return keras.layers


def test_a_sequence(keras, L):
    model = keras.Sequential([keras.Input((8, 8, 1)), L.Conv2D(3, 3, name="conv"), L.ReLU(name="relu"),
                              L.Flatten(name="flat"), L.Dense(4, "softmax", name="out")])  # fmt: skip
    model.compile(keras.optimizers.SGD(0.25), "sparse_categorical_crossentropy")
    program = program_of(model)
    assert [(part.name, part.kind, part.function) for part in program.parts] == [
        ("conv", "conv", "linear"),
        ("relu", "activation", "relu"),
        ("flat", "flatten", "linear"),
        ("out", "dense", "softmax"),
    ]
    assert [part.name for part in program.weighted] == ["conv", "out"]
    conv, out = program.weighted
    assert (conv.entered, conv.shape, out.entering, out.units) == ((None, 8, 8, 1), (None, 6, 6, 3), 108, 4)
    (outlet,) = program.outlets
    assert (outlet.part, outlet.functions, outlet.units) == (out, ("softmax",), 4)
    assert (outlet.loss, outlet.takes) == ("sparse_categorical_crossentropy", "probabilities")
    assert (program.optimizer, program.learning_rate) == ("sgd", 0.25)
    assert program.trainable == model.count_params()
    assert program.unread == ()


def test_branches_shared_layers_and_nested_models(keras, L):
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    inner = keras.Sequential([keras.Input((4,)), L.Dense(3, "relu", name="inner")], name="nested")
    joined = L.Concatenate(name="join")([inner(a), inner(b)])
    model = keras.Model([a, b], [L.Dense(1, name="one")(joined), L.Dense(2, name="two")(joined)])
    program = program_of(model)
    assert sorted(part.name for part in program.parts) == ["inner", "inner", "join", "one", "two"]
    join = next(part for part in program.parts if part.name == "join")
    assert [parent.name for parent in join.parents] == ["inner", "inner"]
    assert [parent.parents[0].name for parent in join.parents] == ["a", "b"]
    assert [outlet.part.name for outlet in program.outlets] == ["one", "two"]
    assert [outlet.loss for outlet in program.outlets] == ["", ""]
    assert (program.optimizer, program.learning_rate) == ("", None)


def test_functions_are_read_back_to_the_last_weights(keras, L):
    model = keras.Sequential(
        [keras.Input((4,)), L.Dense(2, "relu"), L.Reshape((2,)), L.Activation("sigmoid")]
    )
    assert functions_on(program_of(model).outlets[0].part) == ("relu", "sigmoid")
    assert functions_on(None) == ()


def test_what_a_model_does_in_its_own_call_is_unread(keras, L):
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.hidden, self.out = L.Dense(3, "relu", name="hidden"), L.Dense(2, name="out")

        def call(self, x):
            return self.out(self.hidden(x))

    model = Own()
    model(keras.ops.zeros((1, 4)))
    program = program_of(model)
    assert [part.name for part in program.parts] == ["hidden", "out"]
    assert program.outlets == ()
    assert program.unread == ("'own' has a `call` of its own: how its layers hang together",)


def test_a_schedule_has_no_one_rate(keras, L):
    model = keras.Sequential([keras.Input((4,)), L.Dense(2)])
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 10)), "mse")
    assert program_of(model).learning_rate == pytest.approx(0.1)


def test_what_is_no_model_is_refused(keras, L):
    with pytest.raises(ValueError, match=r"a keras\.Model is needed, got a int"):
        program_of(1)
    with pytest.raises(ValueError, match="'empty' is not built yet"):
        program_of(keras.Sequential([L.Dense(2)], name="empty"))
