"""One call, one report."""

import numpy as np
import pytest

from helpers import clinic

X = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
Y = np.random.default_rng(1).integers(4, size=64)
LOSS = "sparse_categorical_crossentropy"


@pytest.fixture(scope="module")
def compiled(keras):
    def compiled(*parts, shape=(8,), loss=LOSS):
        model = keras.Sequential([keras.Input(shape), *parts], name="mine")
        model.compile("adam", loss)
        return model

    return compiled


@pytest.fixture(scope="module")
def healthy(keras, compiled):
    return compiled(keras.layers.Dense(16, "relu"), keras.layers.Dense(4, "softmax"))


def test_a_healthy_model_has_no_findings(healthy):
    found = clinic.examine_model(healthy, X, Y)
    assert (found.codes, found.unseen) == ((), ())
    assert repr(found) == "No findings in 'mine', 2 layers."


def test_it_sees_the_batch_the_program_the_targets_and_the_run(keras, compiled):
    model = compiled(keras.layers.Dense(16), keras.layers.Dense(4, "softmax"))
    found = clinic.examine_model(model, 100 * X, 0 * Y, history={"loss": [2.3] * 9})
    assert set(found.codes) >= {"missing_activation", "one_class", "unscaled_inputs", "no_progress"}


def test_what_fit_returns_is_read(healthy):
    history = healthy.fit(X, Y, epochs=5, verbose=0)
    history.history["loss"] = [2.3] * 5
    assert clinic.examine_model(healthy, X, Y, history=history).codes == ("no_progress",)


def test_an_illness_seen_from_two_sides_is_told_once(keras, compiled):
    model = compiled(
        keras.layers.Dense(16, "relu"), keras.layers.Dense(1, "softmax"), loss="binary_crossentropy"
    )
    with pytest.warns(UserWarning, match="softmax"):
        found = clinic.examine_model(model, X, Y % 2)
    assert found.codes == ("output_activation_mismatch",)
    assert "sigmoid" in found[0].advice


def test_what_could_not_be_looked_at_is_told_and_the_rest_is_examined(keras, compiled):
    L = keras.layers
    model = compiled(L.Reshape((8, 1)), L.LSTM(5), L.Dense(4, "softmax"))
    found = clinic.examine_model(model, 100 * X, Y + 1)
    assert found.codes == ("labels_do_not_fit", "unscaled_inputs")
    assert "LSTM" in found.unseen[0]
    assert "Not looked at: one batch" in repr(found)
    assert "Not looked at" in found._repr_html_()


def test_numbers_of_words_are_no_amounts(keras, compiled):
    L = keras.layers
    words = np.random.default_rng(0).integers(0, 50, (64, 8))
    model = compiled(L.Embedding(50, 6), L.LSTM(5), L.Dense(4, "softmax"))
    assert clinic.examine_model(model, words, Y).codes == ()


def test_labels_that_the_loss_refuses_are_no_crash(keras, compiled):
    model = compiled(keras.layers.Dense(16, "relu"), keras.layers.Dense(4, "softmax"))
    found = clinic.examine_model(model, X, np.eye(4)[Y])
    assert found.codes == ("labels_do_not_fit",)
