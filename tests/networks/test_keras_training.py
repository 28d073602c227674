"""The recipes: their schedule, their optimizer, and what they leave to the network."""

from dataclasses import replace

import numpy as np
import pytest

from helpers import data
from helpers.networks.builders import DESIGNS, Design
from helpers.networks.keras_training import OURS, REFERENCE

SIZES = (784, 12, 12, 10)


def test_the_reference_is_the_plain_program(keras):
    model = REFERENCE.compile(REFERENCE.network(0, sizes=SIZES), 1000)
    optimizer = model.optimizer.get_config()
    assert optimizer["learning_rate"] == pytest.approx(1e-3)
    assert (optimizer["momentum"], optimizer["nesterov"], optimizer["clipnorm"]) == (0, False, None)
    assert (REFERENCE.batch_size, REFERENCE.epochs, REFERENCE.design) == (32, 5, Design())


def test_ours_rises_for_half_an_epoch_and_falls_along_a_cosine(keras):
    images = 55_000
    rate, steps = OURS.schedule(images), OURS.epochs * 215
    rising = round(OURS.warm_up * steps)
    assert rising == pytest.approx(215 / 2, rel=0.05)
    rates = [float(rate(step)) for step in (0, rising, rising + (steps - rising) // 2, steps)]
    np.testing.assert_allclose(rates, [0, OURS.learning_rate, OURS.learning_rate / 2, 0], atol=2e-6)


def test_ours_clips_each_array_by_itself_and_has_its_variables_before_the_first_step(keras):
    model = OURS.compile(OURS.network(0, sizes=SIZES), 1000)
    optimizer = model.optimizer
    assert (optimizer.clipnorm, optimizer.global_clipnorm) == (1.0, None)
    assert optimizer.built
    assert len(optimizer.momentums) == len(model.trainable_variables) == 6


def test_orthogonal_weights_have_lecuns_variance(keras):
    kernels = [layer.kernel.numpy() for layer in OURS.network(0).layers[1:] if hasattr(layer, "kernel")]
    assert len(kernels) == 101
    for W in kernels:
        assert W.var() * W.shape[0] == pytest.approx(1, rel=0.05)
        columns = W.T @ W
        np.testing.assert_allclose(columns, np.eye(len(columns)), atol=1e-4)


def test_one_recipe_and_seed_give_one_network(keras):
    one, same, other = (OURS.network(seed, sizes=SIZES).get_weights() for seed in (0, 0, 1))
    np.testing.assert_array_equal(one[0], same[0])
    assert not np.array_equal(one[0], other[0])
    assert len(OURS.network(0).layers) == 1 + 2 * 100 + 1  # input, a hundred times dense and SELU, output


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_a_recipe_makes_the_network_of_its_design(keras, design):
    model = replace(OURS, design=design).network(0, SIZES)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("BatchNormalization") == 2 * (design.normalized == "before")
    functions = [layer.activation.__name__ for layer in model.layers if type(layer).__name__ == "Activation"]
    assert functions == [design.activation] * 2
    with pytest.raises(ValueError, match=r"gain must be 1 in Keras, got 2\.5"):
        replace(design, gain=2.5).keras(SIZES)


@pytest.mark.slow
def test_a_short_run_learns(keras):
    split, recipe = data.load_split(1500), replace(OURS, epochs=3, batch_size=50)
    model = recipe.compile(recipe.network(0, sizes=SIZES), len(split.x))
    history = recipe.fit(model, split)
    assert set(history) == {"accuracy", "loss", "val_accuracy", "val_loss"}
    assert len(history["loss"]) == 3
    assert history["val_accuracy"][-1] > 0.5


@pytest.mark.parametrize("recipe", [REFERENCE, OURS])
def test_a_training_step_is_traced_once(keras, monkeypatch, recipe):
    """Twice would cost a hundred layers seconds: every variable must be there before the first step."""
    traced, step = [], keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda model, data: traced.append(1) or step(model, data))
    model = recipe.compile(recipe.network(0, sizes=SIZES), 1000)
    model.fit(np.zeros((512, 784), np.float32), np.zeros(512, int), batch_size=256, verbose=0)
    assert len(traced) == 1
