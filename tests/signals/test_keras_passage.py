"""Keras models under the instruments: the Trace of any model, taken without leaving a mark."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.signals import keras_layers, keras_passage, measures
from helpers.signals.blocks import signal_of
from helpers.signals.trace import NUMBERS, trace
from tests.keras_models import CASES, CLASSES, assert_same_signals, images, labels, softmax, table

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=[case.__name__ for case in CASES])
def case(request, cases):
    return cases[request.param]


def mean_loss(keras, model, y, outputs):
    """The loss, written down a second time: Keras's for compiled models, else the cross-entropy."""
    if model.compiled:
        return model.compute_loss(y=y, y_pred=outputs)
    softmax = np.allclose(outputs.numpy().sum(axis=-1), 1, atol=1e-3)
    return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(y, outputs, from_logits=not softmax))


# Whole models


@pytest.mark.parametrize("training", [True, False])
def test_rows_kinds_and_parts(case, training):
    seen = trace(case.model, case.x, case.y, training=training)
    assert [layer.name for layer in seen.layers] == [row.name for row in case.rows]
    assert [layer.kind for layer in seen.layers] == [row.kind for row in case.rows]
    assert [layer.output for layer in seen.layers] == [row.output for row in case.rows]
    for layer, row in zip(seen.layers, case.rows, strict=True):
        pairs = zip(layer.parts, row.parts, strict=True)
        assert all(theirs in (None, ours) for ours, theirs in pairs), (layer.parts, row.parts)
        assert row.activation in (None, layer.activation)
        assert layer.finite
    assert seen.examples == 8
    assert len(seen.hidden) == sum(not row.output for row in case.rows)


def test_gradients_are_those_of_a_tape_of_ones_own(case, keras, tf):
    with keras_passage.unchanged(case.model), tf.GradientTape() as tape:
        loss = mean_loss(keras, case.model, case.y, case.model(case.x, training=True))
    gradients = tape.gradient(loss, case.model.trainable_weights)
    norms = {
        tuple(weight.path.split("/")[-2:]): np.linalg.norm(tf.convert_to_tensor(gradient))
        for weight, gradient in zip(case.model.trainable_weights, gradients, strict=True)
    }
    seen = trace(case.model, case.x, case.y)
    assert seen.loss == pytest.approx(float(loss), rel=1e-5)
    for layer in seen.layers:
        kernels = [(layer.name, name) for name in keras_layers.KERNELS if (layer.name, name) in norms]
        assert layer.grad_W_norm == pytest.approx(norms[kernels[0]], rel=1e-4)
        assert layer.grad_W_norm > 0


def test_signals_are_those_of_a_model_that_stops_there(case, keras):
    found = keras.Model(case.model.inputs[0], [row.h for row in case.rows])(case.x, training=False)
    seen = trace(case.model, case.x, case.y, training=False)
    for layer, h in zip(seen.layers, found, strict=True):
        h = np.asarray(h, np.float64)
        assert (layer.mean, layer.std) == pytest.approx((h.mean(), h.std()), rel=1e-4, abs=1e-6)
        assert layer.histogram.counts.sum() == h.size


def test_pre_activations_and_their_gradients_by_hand(cases, tf):
    """A Sequential model, walked through layer by layer with every activation taken off its layer."""
    case = cases["dense"]
    seen = trace(case.model, case.x, case.y)
    with tf.GradientTape() as tape:
        h, pre = tf.constant(case.x), []
        for layer in case.model.layers:
            pre.append(h @ layer.kernel + layer.bias)
            tape.watch(pre[-1])
            h = layer.activation(pre[-1])
        loss = -tf.reduce_mean(tf.math.log(tf.gather(h, case.y, batch_dims=1)))
    for layer, z, dz in zip(seen.layers, pre, tape.gradient(loss, pre), strict=True):
        assert (layer.z_mean, layer.z_std) == pytest.approx((np.mean(z), np.std(z)), rel=1e-4, abs=1e-6)
        assert layer.grad_z_norm == pytest.approx(np.linalg.norm(dz), rel=1e-4)
    np.testing.assert_allclose(seen.output_error, np.sum(np.square(dz), axis=1), rtol=1e-3)
    assert (seen.input_mean, seen.input_std) == pytest.approx((case.x.mean(), case.x.std()), rel=1e-5)


def test_what_arrives_at_the_pre_activations_sums_to_the_bias_gradient(cases, keras, tf):
    """Through the convolutions of a residual network: db is the sum of dz over examples and places."""
    case = cases["residual_v1"]
    blocks = keras_passage.passage(case.model, case.x, case.y).blocks
    with keras_passage.unchanged(case.model), tf.GradientTape() as tape:
        loss = mean_loss(keras, case.model, case.y, case.model(case.x, training=True))
    shift = next(
        layer for layer in case.model.layers if "batch_norm" in layer.name
    ).beta  # what moves z of "a"
    biases = [shift, case.model.get_layer("out").bias]
    for block, db in zip((blocks[0], blocks[-1]), tape.gradient(loss, biases), strict=True):
        dz = signal_of(block)[0].gradient
        found = dz.sum(axis=tuple(range(dz.ndim - 1)))
        np.testing.assert_allclose(found, db, rtol=1e-3, atol=1e-6)
        assert np.abs(found).max() > 1e-4


def test_a_dead_convolution_channel_is_found(keras, layers):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(CLASSES),
        ]
    )
    model.layers[0].bias.assign([0, -100, 0, -100])
    layer = trace(model, images((6, 6, 1)), labels()).layers[0]
    assert layer.share_dead == 0.5
    assert 0.5 < layer.share_saturated < 1


def test_the_weights_gradients_can_be_left_out(cases):
    case = cases["residual_v2"]
    whole, quick = (trace(case.model, case.x, case.y, weights=weights) for weights in (True, False))
    assert np.isnan(quick.per_layer("grad_W_norm")).all()
    for quantity in set(NUMBERS) - {"grad_W_norm"}:
        np.testing.assert_allclose(whole.per_layer(quantity), quick.per_layer(quantity), rtol=1e-5)


# Losses


def mlp(keras, last="softmax", units=CLASSES, **options):
    L = keras.layers
    options = {"dtype": None} | options
    return keras.Sequential(
        [
            keras.Input((6,)),
            L.Dense(8, activation="relu", **options),
            L.Dense(units, activation=last, **options),
        ]
    )


LOSSES = {
    "sparse": ("softmax", CLASSES, lambda keras: "sparse_categorical_crossentropy", labels()),
    "sparse column": ("softmax", CLASSES, lambda keras: "sparse_categorical_crossentropy", labels()[:, None]),
    "one-hot": ("softmax", CLASSES, lambda keras: "categorical_crossentropy", np.eye(CLASSES)[labels()]),
    "logits": (
        None, CLASSES, lambda keras: keras.losses.SparseCategoricalCrossentropy(from_logits=True), labels(),
    ),
    "smooth one-hot": (
        None,
        CLASSES,
        lambda keras: keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        np.eye(CLASSES, dtype=np.float32)[labels()],
    ),
    "mse": (None, 1, lambda keras: "mse", table(1)[:, 0]),
    "mse on many": (None, CLASSES, lambda keras: "mse", table(CLASSES)),
    "binary": ("sigmoid", 1, lambda keras: "binary_crossentropy", labels(classes=2)),
    "binary logits": (
        None, 1, lambda keras: keras.losses.BinaryCrossentropy(from_logits=True), labels(classes=2)[:, None],
    ),
    "a function": (None, 1, lambda keras: lambda y, out: keras.ops.mean(keras.ops.abs(out)), table(1)),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_the_compiled_loss_is_used(name, keras, tf):
    last, units, loss, y = LOSSES[name]
    model = mlp(keras, last, units)
    model.compile("sgd", loss(keras))
    seen = trace(model, table(), y)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(y=y, y_pred=model(table(), training=True))
    kernels = [layer.kernel for layer in model.layers]
    norms = [np.linalg.norm(gradient) for gradient in tape.gradient(loss, kernels)]
    assert [layer.grad_W_norm for layer in seen.layers] == pytest.approx(norms, rel=1e-4)
    assert seen.loss == pytest.approx(model.evaluate(table(), y, verbose=0), rel=1e-5)


def test_without_a_compiled_loss_it_is_the_cross_entropy_of_logits_or_probabilities(keras):
    model, probabilities = mlp(keras, None), mlp(keras, "softmax")
    probabilities.set_weights(model.get_weights())
    bare, bent = (trace(m, table(), labels()) for m in (model, probabilities))
    logits = np.asarray(model(table()), np.float64)
    wanted = -np.log(softmax(logits)[np.arange(8), labels()]).mean()
    assert bare.loss == pytest.approx(wanted, rel=1e-5)
    assert_same_signals(bare, bent)
    model.compile("sgd")  # compiled, but with no loss
    assert trace(model, table(), labels()).loss == bare.loss


def test_probabilities_that_are_no_keras_softmax_are_known_by_their_sum(keras, layers):
    """Keras itself takes such an output for what it is told it is: logits or probabilities."""
    inputs = keras.Input((6,))
    powers = keras.ops.exp(layers.Dense(CLASSES)(inputs))
    model = keras.Model(inputs, powers / keras.ops.sum(powers, axis=-1, keepdims=True))
    wanted = -np.log(np.asarray(model(table()), np.float64)[np.arange(8), labels()]).mean()
    assert trace(model, table(), labels()).loss == pytest.approx(wanted, rel=1e-5)


def test_two_outputs_without_a_compiled_loss(keras, layers):
    inputs = keras.Input((6,))
    ends = [layers.Dense(CLASSES)(inputs), layers.Dense(3, activation="softmax")(inputs)]
    model = keras.Model(inputs, ends)
    seen = trace(model, table(), [labels(), labels(classes=3)])
    alone = [
        trace(keras.Model(inputs, end), table(), labels(classes=n))
        for end, n in zip(ends, (4, 3), strict=True)
    ]
    assert seen.loss == pytest.approx(sum(one.loss for one in alone), rel=1e-5)
    np.testing.assert_allclose(seen.output_error, sum(one.output_error for one in alone), rtol=1e-4)
    assert seen.hidden == ()
    with pytest.raises(ValueError, match="2 outputs, and 3 sets of labels"):
        trace(model, table(), [labels()] * 3)


def test_regularization_belongs_to_a_compiled_loss(keras, layers):
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(CLASSES, kernel_regularizer=keras.regularizers.L2(1.0))]
    )
    bare = trace(model, table(), labels())
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    whole = trace(model, table(), labels())
    assert whole.loss == pytest.approx(bare.loss + whole.layers[0].W_norm ** 2, rel=1e-5)
    assert whole.layers[0].grad_W_norm > bare.layers[0].grad_W_norm


# The model is left as it was


def fitted(keras, traced):
    """What a model is after two fits, with or without Traces before, between and after a failure."""
    keras.utils.set_random_seed(5)
    L = keras.layers
    inputs = keras.Input((6,))
    h = L.Dropout(0.3)(L.Dense(8, activation="selu")(inputs))
    h = L.AlphaDropout(0.1)(L.GaussianNoise(0.1)(L.BatchNormalization()(h)))
    model = keras.Model(inputs, L.Dense(CLASSES, activation="softmax")(h))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
    histories = []
    for _ in range(2):
        for _ in range(traced):
            trace(model, table(), labels())
            trace(model, table(), labels(), training=False)
            with pytest.raises(ValueError, match="can't take these labels"):
                trace(model, table(), labels()[:3])
        histories.append(model.fit(table(), labels(), batch_size=4, epochs=2, verbose=0).history)
    metrics = [float(value) for value in model.get_metrics_result().values()]
    state = [variable.numpy() for variable in (*model.variables, *model.optimizer.variables)]
    return histories, metrics, [variable.path for variable in model.variables], state


@pytest.mark.slow
def test_training_goes_on_bit_by_bit_as_without_a_trace(keras):
    plain, traced = (fitted(keras, traced) for traced in (0, 2))
    assert plain[0] == traced[0]
    assert plain[1] == traced[1]
    assert len(plain[3]) == len(traced[3])
    assert all(map(np.array_equal, plain[3], traced[3]))


def test_every_variable_is_left_as_it_was(case):
    everything = lambda: [v.numpy() for v in (*case.model.variables, *case.model.metrics_variables)]  # noqa: E731
    before, losses = everything(), list(case.model.losses)
    trace(case.model, case.x, case.y)
    assert all(map(np.array_equal, before, everything()))
    made = everything()[len(before) :]  # Keras makes the means of several losses when it first needs the loss
    assert not any(map(np.any, made))
    assert not made or len(case.model.outputs) > 1
    before = everything()
    trace(case.model, case.x, case.y)
    assert len(before) == len(everything())
    assert case.model.losses == losses
    with pytest.raises(ValueError, match=r"labels|sets"):
        trace(case.model, case.x, labels()[:3])
    assert all(map(np.array_equal, before, everything()))


def attributes(model):
    """What each layer's instance carries: `call` is the class's own, `activation` the function it was."""
    return [
        (part, "call" in vars(part), vars(part).get("activation"))
        for part in keras_passage.operations_of(model)
    ]


def test_layers_get_their_own_calls_back(case):
    before = attributes(case.model)
    assert not any(own for _, own, _ in before)
    trace(case.model, case.x, case.y)
    assert attributes(case.model) == before


def test_layers_get_their_own_calls_back_after_an_error_inside(keras, layers):
    def breaks(z):
        raise RuntimeError("inside")

    bad = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(CLASSES),
        ]
    )
    bad.layers[-1].activation = breaks
    before = attributes(bad)
    with pytest.raises(RuntimeError, match="inside"):
        trace(bad, table(), labels())
    assert attributes(bad) == before
    assert bad.layers[-1].activation is breaks


def test_a_call_of_ones_own_on_the_instance_is_put_back(keras):
    model = mlp(keras)
    plain = trace(model, table(), labels()).layers[0].std
    first = model.layers[0]
    first.__dict__["call"] = own = lambda x, **options: 2 * type(first).call(first, x, **options)
    assert trace(model, table(), labels()).layers[0].std == pytest.approx(2 * plain)
    assert vars(first)["call"] is own


# What is refused, and what is not


def test_values_that_are_not_numbers_are_reported_not_raised(keras, layers, recwarn):
    x = table()
    x[0, 0] = np.nan
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(CLASSES),
        ]
    )
    for last in (model, keras.Sequential([model, layers.Softmax()])):
        for loss in (None, keras.losses.SparseCategoricalCrossentropy(from_logits=last is model)):
            if loss:
                last.compile("sgd", loss)
            seen = trace(last, x, labels())
            assert not any(layer.finite for layer in seen.layers)
            assert np.isnan(seen.loss)
    assert np.isfinite(model.layers[1].moving_mean).all()
    model.layers[0].kernel.assign(np.full((6, 5), np.inf))
    assert not trace(model, table(), labels()).layers[0].finite
    assert not [w for w in recwarn if "from_logits" in str(w.message)]


@pytest.mark.parametrize("bad", [1e30, np.inf, -np.inf])
def test_huge_numbers_are_reported_not_raised(bad, keras):
    x = table()
    x[2, 3] = bad
    seen = trace(mlp(keras), x, labels())
    assert len(seen.layers) == 2
    assert seen.layers[0].finite == np.isfinite(seen.layers[0].std)


def refused(keras):
    """Pairs (model, x, words of the message)."""
    L = keras.layers

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.last = L.Dense(CLASSES)

        def call(self, x):
            return self.last(x)

    class Mine(L.Layer):
        def build(self, shape):
            self.matrix = self.add_weight(shape=(shape[-1], 3))

        def call(self, x):
            return x @ self.matrix

    class Beyond(keras.Model):
        def call(self, x):
            return 2 * super().call(x)

    called = Own()
    called(table())
    sequence = lambda layer: keras.Sequential([keras.Input((5, 6)), layer, L.Flatten(), L.Dense(CLASSES)])  # noqa: E731
    steps = np.ones((8, 5, 6), np.float32)
    inputs = keras.Input((5, 6))
    attention = keras.Model(inputs, L.Dense(CLASSES)(L.Flatten()(L.MultiHeadAttention(2, 3)(inputs, inputs))))
    pair = [keras.Input((6,)), keras.Input((6,))]
    adapted = mlp(keras)
    adapted.layers[0].enable_lora(2)
    plain = keras.Input((6,))
    yield "own call", called, table(), "'own.*' is a Own with a `call` of its own"
    yield "unbuilt own", Own(), table(), "not built yet"
    yield "unbuilt", keras.Sequential([L.Dense(CLASSES)]), table(), "not built yet"
    for layer in (L.SimpleRNN(4), L.GRU(4), L.LSTM(4), L.RNN(L.GRUCell(4)), L.Bidirectional(L.LSTM(2))):
        yield (
            type(layer).__name__,
            sequence(layer),
            steps,
            f"is a {type(layer).__name__}; a Trace has no place",
        )
    yield "TimeDistributed", sequence(L.TimeDistributed(L.Dense(3))), steps, "is a TimeDistributed"
    yield "attention", attention, steps, "is a MultiHeadAttention"
    yield "mine", keras.Sequential([keras.Input((6,)), Mine(), L.Dense(CLASSES)]), table(), "'mine' is a Mine"
    yield "two inputs", keras.Model(pair, L.Dense(CLASSES)(L.add(pair))), [table()] * 2, "has 2 inputs"
    yield "unbuilt inside", mlp(keras, L.PReLU()), table(), "a Trace has no place for its weights"
    yield "no weights", keras.Sequential([keras.Input((6,)), L.Flatten()]), table(), "no layer with weights"
    yield "low rank", adapted, table(), "a Trace has no place for its weights"
    beyond = Beyond(plain, L.Dense(CLASSES)(plain))
    yield "goes on", beyond, table(), "is not what one of its layers gave"
    for shape in ((8, 5), (6,), (8, 6, 1), ()):
        yield f"shape {shape}", mlp(keras), np.ones(shape), r"x must have shape \('batch', 6\), got"
    yield "empty", mlp(keras), np.ones((0, 6)), "one example or more"


def test_what_cannot_be_traced_is_named(keras):
    for name, model, x, words in refused(keras):
        with pytest.raises(ValueError, match=words):
            trace(model, x, labels())
        assert name


def test_only_models_are_traced(keras, layers):
    with pytest.raises(ValueError, match=r"can't trace a Dense; an MLP, a Stack or a keras.Model is needed"):
        trace(layers.Dense(3), table(), labels())
    with pytest.raises(ValueError, match=r"a keras\.Model is needed, got a dict"):
        keras_passage.check_model({})


WRONG_LABELS = [
    (labels() + CLASSES, "0 … 3, got|outside the valid range"),
    (labels() - 1, "0 … 3, got|outside the valid range"),
    (labels()[:3], r"8 integer labels, got shape \(3,\)|must have the same shape"),
    (np.eye(CLASSES)[labels()], r"8 integer labels, got shape \(8, 4\)|must have rank"),
    (None, "8 integer labels|None"),
    (np.array(list("abcdefgh")), "8 integer labels|could not convert"),
]


@pytest.mark.parametrize("compiled", [False, True])
def test_labels_are_checked(compiled, keras, capfd):
    model = mlp(keras)
    if compiled:
        model.compile("sgd", "sparse_categorical_crossentropy")
    for y, words in WRONG_LABELS:
        with pytest.raises(ValueError, match=words) as caught:
            trace(model, table(), y)
        assert "node __wrapped__" not in str(caught.value)
        assert not compiled or "the compiled loss 'sparse_categorical_crossentropy'" in str(caught.value)
    if not compiled:
        with pytest.raises(ValueError, match="float64; for another loss compile the model with it"):
            trace(model, table(), labels().astype(float))


def test_targets_of_another_shape_are_named(keras, capfd):
    model = mlp(keras)
    model.compile("sgd", "mse")
    with pytest.raises(
        ValueError, match="the compiled loss 'mse' can't take these labels: Incompatible shapes"
    ):
        trace(model, table(), labels())


def test_batches_of_several_types_are_read(cases, keras):
    case = cases["dense"]
    wanted = trace(case.model, case.x, case.y).loss
    for convert in (np.ndarray.tolist, keras.ops.convert_to_tensor):
        assert trace(case.model, convert(case.x), convert(case.y)).loss == pytest.approx(wanted)
    assert trace(case.model, case.x.astype(np.float64), case.y.astype(np.uint8)).loss == pytest.approx(wanted)
    whole = np.round(10 * np.abs(case.x)).astype(np.uint8)
    assert trace(case.model, whole, case.y).input_mean == pytest.approx(whole.mean())


def test_layers_without_weights_are_followed_whatever_they_hold(keras, layers):
    """Augmentation draws from seeds of its own, which are put back; a Pipeline holds layers."""
    random = [layers.RandomFlip(), layers.RandomRotation(0.1), layers.RandomContrast(0.1)]
    model = keras.Sequential([keras.Input((6, 6, 1)), layers.Pipeline(random[:2]), random[2]])
    for layer in (
        layers.Conv2D(3, 3),
        layers.Flatten(),
        layers.Dense(5, activation=layers.LeakyReLU(0.25)),
        layers.Lambda(lambda x: 2 * x),
        layers.Dense(CLASSES),
    ):
        model.add(layer)
    first, second = (trace(model, np.abs(images((6, 6, 1))), labels()) for _ in range(2))
    assert first.loss == second.loss
    assert [layer.parts for layer in first.layers] == [
        ("conv", "flatten"),
        ("dense", "activation", "lambda"),
        ("dense",),
    ]
    assert first.layers[1].activation == "leaky_relu"


@pytest.mark.parametrize("last", ["float32", None])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy, last, keras, layers):
    """What enters a layer of another type is a copy: the rows and the output must be found all the same."""
    inputs = keras.Input((6,))
    h = layers.ReLU(dtype=policy)(
        layers.BatchNormalization(dtype=policy)(layers.Dense(8, dtype=policy)(inputs))
    )
    logits = layers.Dense(CLASSES, dtype=policy)(layers.Dropout(0.2, dtype=policy)(h))
    model = keras.Model(inputs, layers.Activation("softmax", dtype=last or policy)(logits))
    exact = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dense(CLASSES),
        ]
    )
    exact.set_weights([weight for weight in model.get_weights() if weight.dtype == np.float32])
    ours, theirs = (trace(m, table(), labels(), training=False) for m in (exact, model))
    digits = 2e-2 if policy == "mixed_bfloat16" else 3e-3
    for a, b in zip(ours.layers, theirs.layers, strict=True):
        assert a.output == b.output
        for quantity in ("z_mean", "z_std", "std", "grad_z_norm", "grad_W_norm", "W_norm"):
            assert getattr(b, quantity) == pytest.approx(getattr(a, quantity), rel=digits, abs=digits), (
                quantity
            )
    assert theirs.loss == pytest.approx(ours.loss, rel=digits)
    assert trace(model, table(), labels()).layers[-1].output


def test_frozen_layers_still_show_their_gradients(keras):
    model = mlp(keras)
    before = trace(model, table(), labels())
    model.layers[0].trainable = False
    assert_same_signals(before, trace(model, table(), labels()))


def run(code):
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)


def test_a_trace_without_keras_imports_none():
    done = run(
        "import sys, numpy as np\n"
        "from helpers.signals.trace import trace\n"
        "try: trace(3, None, None)\n"
        "except ValueError as error: print(error)\n"
        "print({'keras', 'tensorflow'} & set(sys.modules))"
    )
    assert done.stdout.splitlines() == [
        "can't trace a int; an MLP, a Stack or a keras.Model is needed",
        "set()",
    ]


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
