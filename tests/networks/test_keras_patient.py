"""The patient in Keras: its parameters, its starts, what recalibrating and freezing change."""

import numpy as np
import pytest

from helpers.networks import keras_models, keras_patient, patient
from helpers.networks.keras_patient import Setup

HIDDEN, UNITS = 10, 100
KERNELS = 784 * 100 + 9 * 100 * 100 + 1000


def test_parameters_before_after_and_without():
    sizes = {place: Setup(place).build().count_params() for place in keras_patient.PLACES}
    assert sizes == {
        None: KERNELS + HIDDEN * UNITS + 10,
        "before": KERNELS + 4 * HIDDEN * UNITS + 10,
        "after": KERNELS + 5 * HIDDEN * UNITS + 10,
    }


def test_the_layer_stands_where_it_is_asked_for():
    kinds = [type(layer).__name__ for layer in Setup("before").build().layers[:3]]
    assert kinds == ["Dense", "BatchNormalization", "Activation"]
    kinds = [type(layer).__name__ for layer in Setup("after").build().layers[:3]]
    assert kinds == ["Dense", "Activation", "BatchNormalization"]


def test_weights_are_small_and_differ_from_layer_to_layer():
    model = Setup("before", momentum=0.7).build()
    dense = [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]
    assert all(abs(W.std() - patient.SMALL) < 0.001 for W in dense[:-1])
    assert not np.array_equal(dense[1], dense[2])
    assert dense[-1].std() > 5 * patient.SMALL
    assert [layer.momentum for layer in keras_patient.norms(model)] == [0.7] * HIDDEN
    last = Setup(small_output=True).build().layers[-1].kernel.numpy()
    assert abs(last.std() - patient.SMALL) < 0.002


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"place": "behind"}, "place must be"),
        ({"momentum": 1.5}, "momentum must be"),
        ({"batch_size": 0}, "batch_size must be"),
    ],
)
def test_a_setup_that_can_not_be_is_refused(wrong, why):
    with pytest.raises(ValueError, match=why):
        Setup(**wrong)


def test_a_start_depends_on_the_seed_alone_and_is_compiled_once():
    setup = Setup("before")
    first = keras_patient.started(setup, rate=0.3, seed=1)
    weights = first.get_weights()
    other = keras_patient.started(setup, seed=2)
    assert other is first
    assert not np.array_equal(weights[0], other.get_weights()[0])
    again = keras_patient.started(setup, rate=0.3, seed=1).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(weights, again, strict=True))
    assert float(first.optimizer.learning_rate) == pytest.approx(0.3)


def test_images_are_the_patients_in_single_precision():
    x, y, x_valid, y_valid = keras_patient.images()
    assert x.dtype == x_valid.dtype == np.float32
    assert (len(x), len(x_valid)) == (patient.IMAGES, patient.VALIDATION) == (len(y), len(y_valid))
    assert x.max() > 200


def test_recalibrating_moves_the_statistics_to_those_of_the_images_and_nothing_else():
    x, _, _, _ = keras_patient.images()
    model = keras_patient.started(Setup("before"), seed=3)
    before = [v.numpy() for v in model.trainable_variables]
    keras_patient.recalibrate(model, x, batches=20)
    first = keras_patient.norms(model)[0]
    z = x[:1000] @ model.layers[0].kernel.numpy()
    np.testing.assert_allclose(first.moving_mean.numpy(), z.mean(axis=0), rtol=1e-3, atol=1e-2)
    within = np.mean([z[k : k + 50].var(axis=0) for k in range(0, 1000, 50)], axis=0)
    np.testing.assert_allclose(first.moving_variance.numpy(), within, rtol=1e-3)
    assert all(np.array_equal(a, v.numpy()) for a, v in zip(before, model.trainable_variables, strict=True))
    assert first.momentum == keras_patient.MOMENTUM


def test_frozen_normalization_stays_in_training():
    x, y, _, _ = keras_patient.images()
    model = keras_patient.started(Setup("before"), seed=4)
    keras_patient.freeze(model, True)
    before = [w.numpy() for layer in keras_patient.norms(model) for w in layer.weights]
    model.fit(x[:40], y[:40], batch_size=20, verbose=0)
    after = [w.numpy() for layer in keras_patient.norms(model) for w in layer.weights]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    keras_patient.freeze(model, False)
    assert all(layer.trainable for layer in keras_patient.norms(model))


@pytest.mark.slow
def test_training_tells_an_entry_for_every_epoch():
    model, history = keras_patient.train(Setup(batch_size=500), epochs=2)
    assert {"accuracy", "loss", "val_accuracy", "val_loss"} <= history.keys()
    assert all(values.shape == (2,) for values in history.values())
    x, y, _, _ = keras_patient.images()
    assert keras_patient.accuracy(model, x, y) < 0.2


def test_what_keras_makes_of_a_call_with_training_false():
    """Lesson 07 tells it: `fit` overrides it in a functional model; in a subclassed one it holds."""
    keras = keras_models.keras()
    layers = keras.layers
    x, y = np.random.default_rng(0).normal(3, 5, (40, 4)).astype("float32"), np.arange(40) % 3
    inputs = keras.Input((4,))

    class Own(keras.Model):
        def __init__(self, norm):
            super().__init__()
            self.norm, self.head = norm, layers.Dense(3, activation="softmax")

        def call(self, x):
            return self.head(self.norm(x, training=False))

    moved = {}
    for kind in ("functional", "subclassed"):
        norm = layers.BatchNormalization()
        norm.build((None, 4))
        outputs = layers.Dense(3, activation="softmax")(norm(inputs, training=False))
        model = keras.Model(inputs, outputs) if kind == "functional" else Own(norm)
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(x, y, verbose=0)
        moved[kind] = bool(np.any(norm.moving_mean.numpy() != 0))
    assert moved == {"functional": True, "subclassed": False}
