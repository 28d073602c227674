"""Models of the kinds that Keras's own examples show, each with a batch and what its Trace should say."""

from typing import NamedTuple

import numpy as np
import pytest

from helpers.signals.trace import NUMBERS

CLASSES = 4


class Row(NamedTuple):
    """What one layer of a Trace should say; `h` is Keras's own tensor, `z` too where it is a tensor."""

    name: str
    kind: str
    parts: tuple
    h: object
    activation: str = "linear"
    output: bool = False


class Case(NamedTuple):
    """A model, a batch for it, and the rows of its Trace."""

    model: object
    x: np.ndarray
    y: object
    rows: list


def labels(seed=0, n=8, classes=CLASSES):
    return np.random.default_rng(seed).integers(classes, size=n)


def images(shape=(12, 12, 3)):
    return np.random.default_rng(1).normal(size=(8, *shape)).astype(np.float32)


def table(width=6):
    return np.random.default_rng(1).normal(size=(8, width)).astype(np.float32)


def logits_of(keras, dense):
    """The tensor that a dense layer gives before its own softmax or sigmoid."""
    return keras.ops.matmul(dense.input, keras.ops.convert_to_tensor(dense.kernel)) + dense.bias


def dense(keras):
    L = keras.layers
    model = keras.Sequential(
        [keras.Input((6,))]
        + [L.Dense(8, activation=name, name=name) for name in ("relu", "selu", "gelu", "tanh")]
        + [L.Dense(CLASSES, activation="softmax", name="out")]
    )
    *hidden, out = model.layers
    rows = [Row(layer.name, "dense", ("dense", "activation"), layer.output, layer.name) for layer in hidden]
    return Case(
        model, table(), labels(), [*rows, Row("out", "dense", ("dense",), logits_of(keras, out), output=True)]
    )


def convolutional(keras):
    """examples/vision/mnist_convnet."""
    L = keras.layers
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            L.Conv2D(4, 3, activation="relu", name="a"),
            L.MaxPooling2D(2),
            L.Conv2D(5, 3, activation="relu", name="b"),
            L.MaxPooling2D(2),
            L.Flatten(),
            L.Dropout(0.5),
            L.Dense(CLASSES, activation="softmax", name="out"),
        ]
    )
    a, b, out = (model.get_layer(name) for name in ("a", "b", "out"))
    rows = [
        Row("a", "conv", ("conv", "activation", "max_pooling2d"), a.output, "relu"),
        Row("b", "conv", ("conv", "activation", "max_pooling2d", "flatten", "dropout"), b.output, "relu"),
        Row("out", "dense", ("dense",), logits_of(keras, out), output=True),
    ]
    return Case(model, images(), labels(), rows)


def residual_v1(keras):
    """A projection shortcut, addition, then the nonlinearity."""
    L = keras.layers
    inputs = keras.Input((12, 12, 3))
    first = L.Activation("relu")(L.BatchNormalization()(L.Conv2D(4, 3, padding="same", name="a")(inputs)))
    inner = L.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="b")(first)
    inner = L.ReLU()(L.BatchNormalization()(inner))
    branch = L.BatchNormalization()(L.Conv2D(8, 3, padding="same", name="c")(inner))
    short = L.Conv2D(8, 1, strides=2, name="d")(first)
    joined = L.Activation("relu")(L.Add()([short, branch]))
    outputs = L.Dense(CLASSES, activation="softmax", name="out")(L.GlobalAveragePooling2D()(joined))
    model = keras.Model(inputs, outputs)
    rows = [
        Row("a", "conv", ("conv", "batch_norm", "activation"), first, "relu"),
        Row("b", "conv", ("conv", "batch_norm", "activation"), inner, "relu"),
        Row("c", "conv", ("conv", "batch_norm"), branch),
        Row("d", "conv", ("conv", "add", "activation", "global_average_pooling2d"), joined, "relu"),
        Row("out", "dense", ("dense",), logits_of(keras, model.get_layer("out")), output=True),
    ]
    return Case(model, images(), labels(), rows)


def residual_v2(keras):
    """Normalization and nonlinearity come before the convolution; the skip stays free."""
    L = keras.layers

    def relu(x):
        return L.Activation("relu")(L.BatchNormalization()(x))

    inputs = keras.Input((12, 12, 3))
    x = L.Conv2D(4, 3, padding="same", name="a")(inputs)
    hidden = [relu(x)]
    hidden.append(relu(L.Conv2D(4, 3, padding="same", name="b")(hidden[0])))
    x = L.add([x, L.Conv2D(4, 3, padding="same", name="c")(hidden[1])])
    hidden.append(relu(x))
    outputs = L.Dense(CLASSES, name="out")(L.GlobalAveragePooling2D()(hidden[2]))
    rows = [
        Row("a", "conv", ("conv", "batch_norm", "activation"), hidden[0], "relu"),
        Row("b", "conv", ("conv", "batch_norm", "activation"), hidden[1], "relu"),
        Row(
            "c",
            "conv",
            ("conv", "add", "batch_norm", "activation", "global_average_pooling2d"),
            hidden[2],
            "relu",
        ),
        Row("out", "dense", ("dense",), outputs, output=True),
    ]
    return Case(keras.Model(inputs, outputs), images(), labels(), rows)


def normalized(keras):
    """Five ways to normalize, five nonlinearities."""
    L = keras.layers
    parts = [
        (L.LayerNormalization(), L.LeakyReLU(0.3), "layer_norm", "leaky_relu"),
        (L.GroupNormalization(2), L.ELU(0.7), "group_norm", "elu"),
        (L.BatchNormalization(), L.ReLU(max_value=0.5), "batch_norm", None),
        (
            L.UnitNormalization(),
            L.PReLU(keras.initializers.RandomUniform(0, 0.5, seed=1)),
            "unit_norm",
            "prelu",
        ),
        (L.RMSNormalization(), L.Activation("silu"), None, "silu"),
    ]
    inputs = h = keras.Input((6,))
    rows = []
    for i, (norm, nonlinearity, kind, name) in enumerate(parts):
        h = nonlinearity(norm(L.Dense(8, name=f"d{i}")(h)))
        rows.append(Row(f"d{i}", "dense", ("dense", kind, "activation"), h, name))
    logits = L.Dense(CLASSES, name="out")(h)
    rows.append(Row("out", "dense", ("dense",), logits, output=True))
    return Case(keras.Model(inputs, L.Softmax()(logits)), table(), labels(), rows)


def dropped(keras):
    L = keras.layers
    inputs = h = keras.Input((6,))
    rows = []
    for i, drop in enumerate(
        (L.Dropout(0.3), L.AlphaDropout(0.2), L.GaussianNoise(0.1), L.GaussianDropout(0.1))
    ):
        h = L.Dense(8, activation="selu", name=f"d{i}")(h)
        kind = ("dropout", "alpha_dropout", "gaussian_noise", "gaussian_dropout")[i]
        rows.append(Row(f"d{i}", "dense", ("dense", "activation", kind), h, "selu"))
        h = drop(h)
    outputs = L.Dense(CLASSES, name="out")(h)
    rows.append(Row("out", "dense", ("dense",), outputs, output=True))
    return Case(keras.Model(inputs, outputs), table(), labels(), rows)


def nested(keras):
    """A Sequential model used twice inside a functional one, and its layer once more outside."""
    L = keras.layers
    inner = keras.Sequential(
        [keras.Input((6,)), L.Dense(7, activation="tanh", name="a"), L.Dense(6, name="b")]
    )
    inputs = keras.Input((6,))
    first = inner(inputs)
    middle = L.Activation("relu")(first)
    second = inner(middle)
    outputs = L.Dense(CLASSES, name="out")(second)
    inside = keras.Model(inner.inputs, inner.get_layer("a").output)
    rows = [
        Row("a", "dense", ("dense", "activation"), inside(inputs), "tanh"),
        Row("b", "dense", ("dense", "activation"), middle, "relu"),
        Row("a", "dense", ("dense", "activation"), inside(middle), "tanh"),
        Row("b", "dense", ("dense",), second),
        Row("out", "dense", ("dense",), outputs, output=True),
    ]
    return Case(keras.Model(inputs, outputs), table(), labels(), rows)


def shared(keras):
    """One layer called three times, once from inside a nested model."""
    L = keras.layers
    layer = L.Dense(6, activation="silu", name="a")
    inputs = keras.Input((6,))
    hidden = [layer(inputs)]
    hidden.append(layer(hidden[0]))
    inner = keras.Sequential([keras.Input((6,)), layer])
    hidden.append(inner(hidden[1]))
    outputs = L.Dense(CLASSES, name="out")(hidden[2])
    rows = [Row("a", "dense", ("dense", "activation"), h, "silu") for h in hidden]
    rows.append(Row("out", "dense", ("dense",), outputs, output=True))
    return Case(keras.Model(inputs, outputs), table(), labels(), rows)


def two_outputs(keras):
    L = keras.layers
    inputs = keras.Input((6,))
    h = L.Dense(8, activation="relu", name="a")(inputs)
    one, two = (
        L.Dense(CLASSES, activation="softmax", name="one")(h),
        L.Dense(1, activation="sigmoid", name="two")(h),
    )
    model = keras.Model(inputs, [one, two])
    model.compile(loss=["sparse_categorical_crossentropy", "binary_crossentropy"], loss_weights=[1.0, 0.5])
    ends = {name: logits_of(keras, model.get_layer(name)) for name in ("one", "two")}
    rows = [
        Row("a", "dense", ("dense", "activation"), h, "relu"),
        Row("two", "dense", ("dense", "activation"), ends["two"], output=True),
        Row("one", "dense", ("dense",), ends["one"], output=True),
    ]
    return Case(model, table(), [labels(), labels(classes=2)[:, None].astype(np.float32)], rows)


def separable(keras):
    """examples/vision/image_classification_from_scratch: a small Xception."""
    L = keras.layers
    inputs = keras.Input((12, 12, 3))
    x = L.Conv2D(4, 3, strides=2, padding="same", name="a")(L.Rescaling(0.5)(inputs))
    first = x = L.Activation("relu")(L.BatchNormalization()(x))
    x = L.SeparableConv2D(8, 3, padding="same", name="b")(L.Activation("relu")(x))
    second = x = L.Activation("relu")(L.BatchNormalization()(x))
    x = L.DepthwiseConv2D(3, padding="same", name="c")(x)
    third = x = L.BatchNormalization()(x)
    x = L.MaxPooling2D(3, strides=2, padding="same")(x)
    x = L.add([x, L.Conv2D(8, 1, strides=2, padding="same", name="d")(first)])
    outputs = L.Dense(CLASSES, name="out")(L.Dropout(0.25)(L.GlobalAveragePooling2D()(x)))
    rows = [
        Row("a", "conv", ("conv", "batch_norm", "activation", "activation"), first, "relu"),
        Row("b", "conv", ("conv", "batch_norm", "activation"), second, "relu"),
        Row("c", "conv", ("conv", "batch_norm", "max_pooling2d"), third),
        Row("d", "conv", ("conv", "add", "global_average_pooling2d", "dropout"), x),
        Row("out", "dense", ("dense",), outputs, output=True),
    ]
    return Case(keras.Model(inputs, outputs), images(), labels(), rows)


def text(keras):
    """examples/nlp/text_classification_from_scratch."""
    L = keras.layers
    inputs = keras.Input((9,), dtype="int64")
    words = L.Embedding(30, 5, name="a")(inputs)
    conv = L.Conv1D(6, 3, activation="relu", name="b")(L.Dropout(0.5)(words))
    hidden = L.Dense(7, activation="relu", name="c")(L.GlobalMaxPooling1D()(conv))
    outputs = L.Dense(1, activation="sigmoid", name="out")(hidden)
    model = keras.Model(inputs, outputs)
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    rows = [
        Row("a", "embedding", ("embedding", "dropout"), words),
        Row("b", "conv", ("conv", "activation", "global_max_pooling1d"), conv, "relu"),
        Row("c", "dense", ("dense", "activation"), hidden, "relu"),
        Row("out", "dense", ("dense", "activation"), logits_of(keras, model.get_layer("out")), output=True),
    ]
    return Case(model, np.random.default_rng(1).integers(30, size=(8, 9)), labels(classes=2), rows)


def operations(keras):
    """Functional, with `keras.ops` between the layers."""
    L, ops = keras.layers, keras.ops
    inputs = keras.Input((6,))
    first = ops.relu(L.Dense(6, name="a")(inputs))
    added = first + ops.leaky_relu(L.Dense(6, name="b")(first), negative_slope=0.1)
    third = ops.tanh(L.Dense(3, name="c")(added))
    fourth = ops.gelu(L.Dense(5, name="d")(ops.concatenate([added, third], axis=-1)), approximate=True)
    logits = L.Dense(CLASSES, name="out")(fourth)
    middle = keras.Model(inputs, added - first).outputs[0]
    rows = [
        Row("a", "dense", ("dense", "activation"), first, "relu"),
        Row("b", "dense", ("dense", "activation", "add"), middle, "leaky_relu"),
        Row("c", "dense", ("dense", "activation", "concatenate"), third, "tanh"),
        Row("d", "dense", ("dense", "activation"), fourth, None),
        Row("out", "dense", ("dense",), logits, output=True),
    ]
    return Case(keras.Model(inputs, ops.softmax(logits)), table(), labels(), rows)


CASES = (
    dense, convolutional, residual_v1, residual_v2, normalized, dropped,
    nested, shared, two_outputs, separable, text, operations,
)  # fmt: skip


# What tests of several modules compare


def assert_same_signals(ours, theirs, rtol=1e-4):
    """All numbers of two Traces agree; the shares up to one pre-activation that rounds across the limit."""
    assert len(ours.layers) == len(theirs.layers)
    assert theirs.loss == pytest.approx(ours.loss, rel=rtol)
    np.testing.assert_allclose(theirs.output_error, ours.output_error, rtol=1e-3, atol=1e-9)
    for a, b in zip(ours.layers, theirs.layers, strict=True):
        assert (a.kind, a.parts, a.activation, a.output) == (b.kind, b.parts, b.activation, b.output)
        for quantity in NUMBERS:
            atol = 0.011 if quantity == "share_saturated" else 2e-6
            x, y = getattr(a, quantity), getattr(b, quantity)
            assert y == pytest.approx(x, rel=rtol, abs=atol), (a.name, quantity)


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
