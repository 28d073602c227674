"""The clinic on Keras models: of the kinds that Keras's examples show, ill ones, and what is left behind."""

import numpy as np
import pytest

from helpers import clinic
from helpers.signals import measures
from helpers.signals.recorder import recorder
from helpers.signals.trace import trace
from tests.keras_models import CASES, CLASSES, images, labels, table


@pytest.fixture(scope="module")
def cases(keras):
    keras.utils.set_random_seed(0)
    return {case.__name__: case(keras) for case in CASES}


def state(model):
    """Every variable by its identity, with its value."""
    optimizer = model.optimizer.variables if model.compiled and model.optimizer else []
    return {id(v): v.numpy() for v in (*model.variables, *model.metrics_variables, *optimizer)}


@pytest.mark.parametrize("name", [case.__name__ for case in CASES])
def test_models_of_keras_examples_are_examined_and_left_as_they_were(name, cases):
    case = cases[name]
    before, compiled, loss = state(case.model), case.model.compiled, getattr(case.model, "loss", None)
    found = clinic.examine(trace(case.model, case.x, case.y))
    assert set(found.codes) <= set(clinic.CODES)
    assert repr(found)
    assert "severe" not in {f.severity for f in found} or found.codes == ("dead_units",)
    after = state(case.model)
    assert all(np.array_equal(value, after[key]) for key, value in before.items())
    assert not any(
        after[key].any() for key in after.keys() - before.keys()
    )  # Keras's own, made by its first loss
    assert (case.model.compiled, getattr(case.model, "loss", None)) == (compiled, loss)


def small(keras, *middle, last="softmax", loss="sparse_categorical_crossentropy", units=CLASSES):
    model = keras.Sequential([keras.Input((6,)), *middle, keras.layers.Dense(units, last, name="out")])
    if loss:
        model.compile("adam", loss)
    return model


def codes(model, x=None, y=None):
    found = clinic.examine(trace(model, table() if x is None else x, labels() if y is None else y))
    return {f.code: f.severity for f in found}


# The end of a network and its loss


@pytest.mark.parametrize(
    ("last", "loss", "severity"),
    [
        ("softmax", "sparse_categorical_crossentropy", None),
        (None, "logits", None),
        ("log_softmax", "logits", None),
        ("softmax", "logits", "mild"),
        (None, "sparse_categorical_crossentropy", "severe"),
        ("relu", "sparse_categorical_crossentropy", "severe"),
        ("tanh", "logits", "severe"),
        ("sigmoid", "sparse_categorical_crossentropy", "mild"),
        (None, None, None),
        ("softmax", None, None),
    ],
)
def test_output_and_loss(last, loss, severity, keras, capfd, recwarn):
    if loss == "logits":
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = codes(small(keras, last=last, loss=loss))
    assert found.get("output_activation_mismatch") == severity
    assert not [w for w in recwarn if "from_logits" in str(w.message)]


def test_a_softmax_that_keras_does_not_see_is_severe(keras):
    """With a layer between softmax and loss, Keras applies another one: the loss tells it."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    plain = small(keras, last="softmax", loss=loss)
    hidden = keras.Sequential([plain, keras.layers.Reshape(plain.output_shape[1:])])
    hidden.compile(loss=loss)
    assert codes(plain).get("output_activation_mismatch") == "mild"
    assert codes(hidden).get("output_activation_mismatch") == "severe"
    assert trace(hidden, table(), labels()).loss != pytest.approx(
        trace(plain, table(), labels()).loss, rel=1e-3
    )


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")
@pytest.mark.parametrize(
    ("last", "units", "logits", "severity"),
    [
        ("sigmoid", 1, False, None),
        (None, 1, True, None),
        ("softmax", 1, False, "severe"),
        (None, 1, False, "severe"),
        ("sigmoid", 1, True, "mild"),
    ],
)
def test_one_output_and_its_loss(last, units, logits, severity, keras):
    model = small(keras, last=last, loss=keras.losses.BinaryCrossentropy(from_logits=logits), units=units)
    y = labels(classes=2)[:, None].astype(np.float32)
    assert codes(model, y=y).get("output_activation_mismatch") == severity


def test_a_softmax_on_a_softmax(keras):
    model = small(keras, last="softmax", loss=None)
    twice = keras.Sequential([model, keras.layers.Softmax()])
    twice.compile("sgd", "sparse_categorical_crossentropy")
    assert codes(twice)["output_activation_mismatch"] == "severe"


def test_each_output_meets_its_own_loss(keras):
    inputs = keras.Input((6,))
    one, two = (
        keras.layers.Dense(CLASSES, end, name=name)(inputs)
        for name, end in (("one", "softmax"), ("two", None))
    )
    model = keras.Model(inputs, {"one": one, "two": two})
    loss = "sparse_categorical_crossentropy"
    model.compile("sgd", {"one": loss, "two": loss})
    found = clinic.examine(trace(model, table(), {"one": labels(), "two": labels()}))
    assert found.layers_of("output_activation_mismatch") == ("two",)


def test_regression_takes_any_output(keras):
    model = small(keras, last=None, loss="mse", units=1)
    assert codes(model, y=np.zeros((8, 1), np.float32)) == {}


# Batch normalization in Keras


def normalized(keras, bias=False, dropout=0.0, **options):
    L = keras.layers
    parts = [L.Dense(16, use_bias=bias, name="a"), *([L.Dropout(dropout)] if dropout else [])]
    return small(keras, *parts, L.BatchNormalization(**options), L.ReLU())


def many(n=128, seed=2):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 6)).astype(np.float32), rng.integers(CLASSES, size=n)


def test_batch_normalization(keras):
    assert codes(normalized(keras), *many()) == {}
    assert codes(normalized(keras, bias=True), *many()) == {"useless_bias_before_batch_norm": "mild"}
    assert codes(normalized(keras, dropout=0.5), *many()) == {"dropout_before_batch_norm": "severe"}
    assert codes(normalized(keras), *many(3)) == {"batch_too_small_for_batch_norm": "severe"}


def test_stale_statistics_once_it_was_trained(keras):
    keras.utils.set_random_seed(0)
    model, (x, y) = normalized(keras, momentum=0.9), many()
    x = 3 * x + 2
    assert "stale_moving_statistics" not in codes(model, x, y)
    model.train_on_batch(x, y)
    assert codes(model, x, y)["stale_moving_statistics"] == "severe"
    model.fit(x, y, batch_size=128, epochs=60, verbose=0)
    assert "stale_moving_statistics" not in codes(model, x, y)


def test_normalization_of_a_convolution_counts_its_places(keras):
    L = keras.layers
    inputs = keras.Input((12, 12, 3))
    h = L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3, use_bias=False)(inputs)))
    model = keras.Model(inputs, L.Dense(CLASSES)(L.GlobalAveragePooling2D()(h)))
    signals = trace(model, images()[:2], labels()[:2])
    assert signals.layers[0].batch_norm.count == 2 * 10 * 10
    assert "batch_too_small_for_batch_norm" not in clinic.examine(signals).codes


# Large convolutions are read at some of their places


def test_some_places_stand_for_all(keras, monkeypatch):
    keras.utils.set_random_seed(1)
    L = keras.layers
    parts = [
        L.Conv2D(6, 3, name="a"),
        L.BatchNormalization(),
        L.ReLU(),
        L.Conv2D(6, 3, activation="tanh", name="b"),
    ]
    model = keras.Sequential([keras.Input((40, 40, 3)), *parts, L.Flatten(), L.Dense(CLASSES)])
    x = images((40, 40, 3))
    whole = trace(model, x, labels())
    monkeypatch.setattr(measures, "PLACES", 20_000)
    some = trace(model, x, labels())
    for one, other in zip(whole.layers[:2], some.layers[:2], strict=True):
        assert other.histogram.counts.sum() < one.histogram.counts.sum() / 2
        assert (one.size, one.units, one.name) == (other.size, other.units, other.name)
        assert other.grad_z_norm == pytest.approx(one.grad_z_norm, rel=1e-5)
        assert other.z_std == pytest.approx(one.z_std, rel=0.05)
    assert whole.layers[0].batch_norm.count == some.layers[0].batch_norm.count
    assert whole.layers[2].histogram.counts.sum() == some.layers[2].histogram.counts.sum()


# Runs, words, and what is refused


def test_a_recorded_fit_is_examined(keras):
    keras.utils.set_random_seed(3)
    x, y = many()
    for rate, expected in ((1e-7, ("learning_rate_too_low",)), (0.05, ())):
        model = small(keras, keras.layers.Dense(16, "relu", kernel_initializer="he_normal"))
        model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
        record = recorder(x[:32], y[:32], every=10)
        model.fit(x, x[:, 0] > 0, batch_size=32, epochs=10, verbose=0, callbacks=[record])
        found = clinic.examine_training(record.recording)
        assert "non_finite_values" not in found.codes
        assert ("learning_rate_too_low" in found.codes) == bool(expected)


def test_whole_numbers_of_words_are_not_judged(keras):
    L = keras.layers
    parts = [
        L.Embedding(1000, 8),
        L.GlobalAveragePooling1D(),
        L.Dense(16, "relu", kernel_initializer="he_normal"),
    ]
    model = keras.Sequential([keras.Input((20,), dtype="int64"), *parts, L.Dense(CLASSES)])
    x = np.random.default_rng(0).integers(1000, size=(64, 20))
    assert not [code for code in codes(model, x, labels(n=64)) if "inputs" in code]


def test_an_activation_of_ones_own_is_known_by_its_slopes(keras):
    L = keras.layers
    model = small(
        keras, *(L.Dense(8, activation=name) for name in ("relu6", "hard_sigmoid", "softsign", "hard_tanh"))
    )
    layers = trace(model, table(), labels()).hidden
    assert [layer.can_die for layer in layers] == [True, False, False, False]
    assert [layer.saturates for layer in layers] == ["both sides"] * 4


def test_a_model_of_mixed_precision_is_examined(keras):
    inputs = keras.Input((6,))
    h = keras.layers.Dense(8, activation="relu", dtype="mixed_float16")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(CLASSES, dtype="float32")(h))
    assert set(codes(model, *many())) <= {"dead_units"}


def test_nan_in_the_inputs_is_a_finding(keras):
    x = table()
    x[0, 0] = np.nan
    assert codes(small(keras, keras.layers.Dense(8, "relu")), x) == {"non_finite_values": "severe"}
