"""A stack of layers: its way back against central differences, and what training and testing each do."""

import numpy as np
import pytest

from helpers.networks.builders import dense_stack, residual_stack
from helpers.networks.mlp import MLP, cross_entropy
from helpers.networks.stack import (
    Add,
    BatchNorm,
    Dense,
    DropConnect,
    Dropout,
    Nonlinearity,
    PRelu,
    Skip,
    Stack,
    without_subnormals,
)
from helpers.networks.training import train
from helpers.numerics.activations import ACTIVATIONS, Activation, get_activation, with_parameter
from helpers.numerics.gradcheck import numerical_gradient, relative_error
from helpers.numerics.normalization import CONVENTIONS, initial_statistics, update_running
from helpers.signals.trace import trace

SIZES = (6, 5, 5, 5, 3)
NAMES = sorted(ACTIVATIONS)
SMOOTH = "tanh"  # a kink within the step of the central differences would spoil them

OPTIONS = [
    {},
    {"normalized": "before"},
    {"normalized": "after"},
    {"dropout": 0.3},
    {"alpha_dropout": 0.3},
    {"skips": True},
    {"dropout": 0.2, "alpha_dropout": 0.1, "normalized": "before"},
    {"skips": True, "normalized": "before", "dropout": 0.2},
    {"skips": True, "normalized": "after", "alpha_dropout": 0.2},
]
named = pytest.mark.parametrize(
    "options", OPTIONS, ids=lambda options: " ".join(map(str, options.items())) or "plain"
)


@pytest.fixture
def batch(rng):
    return rng.normal(size=(8, 6)), rng.integers(3, size=8)


def parameters_of(stack):
    """List (layer, name) of all parameters there are."""
    names = [(layer, name) for layer in stack.flat() for name in layer.parameters]
    return [(layer, name) for layer, name in names if getattr(layer, name) is not None]


def shaken(stack, rng):
    """The stack with biases, gammas and betas that are not 0 and 1, and moving statistics of its own."""
    for layer, name in parameters_of(stack):
        values = getattr(layer, name)
        values += 0.3 * rng.normal(size=values.shape)
    for layer in stack.flat():
        if layer.kind == "batch_norm":
            size = len(layer.gamma)
            layer.running = update_running(
                layer.running, rng.normal(size=size), rng.random(size) + 1, 8, momentum=0.5
            )
    return stack


def loss_of(stack, x, y, seed, training=True):
    """The loss with the masks that this seed draws."""
    stack.rng = np.random.default_rng(seed)
    return cross_entropy(stack.forward(x, training=training)[-1].output, y)[0]


def gradients_of(stack, x, y, seed, training=True):
    stack.rng = np.random.default_rng(seed)
    nodes = stack.forward(x, training=training)
    return nodes, stack.backward(nodes, cross_entropy(nodes[-1].output, y)[1])


def assert_gradients(stack, x, y, *, training=True, seed=3):
    """Every parameter's gradient, and the input's, against central differences."""
    nodes, back = gradients_of(stack, x, y, seed, training)
    wanted = numerical_gradient(lambda x: loss_of(stack, x, y, seed, training), x)
    assert relative_error(nodes[0].parents[0].gradient, wanted) < 1e-6
    assert wanted.any()
    found = {
        (layer, name): own for layer, gradients in back.parameters.items() for name, own in gradients.items()
    }
    for layer, name in parameters_of(stack):
        if not training and layer.kind == "batch_norm":
            continue
        values = getattr(layer, name)

        def loss(trial, layer=layer, name=name, values=values):
            setattr(layer, name, trial)
            try:
                return loss_of(stack, x, y, seed, training)
            finally:
                setattr(layer, name, values)

        assert relative_error(found.pop((layer, name)), numerical_gradient(loss, values)) < 1e-6, name
    assert not found


# The way back


@named
def test_gradients_of_whole_stacks(options, batch, rng):
    assert_gradients(shaken(dense_stack(SIZES, activation=SMOOTH, rng=rng, **options), rng), *batch)


def test_gradients_with_slopes_that_learn(batch, rng):
    layers = dense_stack(SIZES, activation=SMOOTH, rng=rng).layers
    learning = [PRelu(np.array(0.1)) if isinstance(layer, Nonlinearity) else layer for layer in layers]
    assert_gradients(shaken(Stack(learning), rng), *batch)


@named
def test_gradients_as_in_testing(options, batch, rng):
    stack = shaken(dense_stack(SIZES, activation=SMOOTH, rng=rng, **options), rng)
    assert_gradients(stack, *batch, training=False)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_every_activation(name, rng):
    x, y = rng.normal(size=(4, 6)), rng.integers(3, size=4)
    assert_gradients(shaken(dense_stack((6, 5, 3), activation=name, rng=rng), rng), x, y)


LAYERS = [
    Dense(np.random.default_rng(1).normal(size=(5, 4)), np.ones(4)),
    Dense(np.random.default_rng(1).normal(size=(5, 4))),
    Nonlinearity(get_activation("silu")),
    Nonlinearity(with_parameter("elu", 0.5)),
    BatchNorm(np.array([1.0, 2, 3, -1, 0.5]), np.arange(5.0)),
    BatchNorm(np.ones(5), np.zeros(5), eps=0.1),
    Dropout(0.4),
    Dropout(0.4, alpha=True),
    DropConnect(np.random.default_rng(1).normal(size=(5, 4)), np.ones(4), 0.4),
    DropConnect(np.random.default_rng(1).normal(size=(5, 4)), rate=0.1),
]
RESIDUAL = [
    {},
    {"survival": 0.4},
    {"drop_connect": 0.4},
    {"survival": 0.5, "drop_connect": 0.2, "dropout": 0.2, "normalized": True},
]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.kind)
def test_the_way_back_through_one_layer(layer, training, rng):
    x = rng.normal(size=(7, 5))

    def run(x):
        return layer.forward(x, training=training, rng=np.random.default_rng(2))

    output, cache = run(x)
    weights = rng.normal(size=output.shape)
    (dx,), own = layer.backward(weights, cache)
    assert relative_error(dx, numerical_gradient(lambda x: np.sum(weights * run(x)[0]), x)) < 1e-6
    assert all(gradient.shape == getattr(layer, name).shape for name, gradient in own.items())


def test_one_array_used_three_times_adds_up(batch, rng):
    """A skip in a skip: the inner sum, the outer sum and the first layer all read the same array."""

    def square():
        return Dense(0.4 * rng.normal(size=(6, 6)), np.zeros(6))

    inner = Skip([square(), Nonlinearity(get_activation("tanh")), square()])
    last = Dense(rng.normal(size=(6, 3)))
    assert_gradients(Stack([Skip([square(), Nonlinearity(get_activation("tanh"))]), inner, last]), *batch)
    assert_gradients(Stack([Skip([Nonlinearity(get_activation("sigmoid"))]), Skip([]), last]), *batch)


def test_an_empty_skip_doubles():
    stack = Stack([Skip([]), Dense(np.eye(2))])
    assert np.array_equal(stack.logits(np.array([[1.0, -2.0]])), [[2.0, -4.0]])
    nodes = stack.forward(np.ones((1, 2)))
    stack.backward(nodes, np.array([[1.0, 3.0]]))
    assert np.array_equal(nodes[0].parents[0].gradient, [[2.0, 6.0]])


def test_layers_that_change_nothing_are_not_counted_twice(rng):
    """A linear activation, and dropout in testing, return the very array they got; two nodes hold it."""
    x, y = rng.normal(size=(4, 6)), rng.integers(3, size=4)
    for options in ({}, {"dropout": 0.5}):
        assert_gradients(
            dense_stack((6, 5, 5, 3), activation="linear", rng=rng, **options), x, y, training=False
        )


class Given:
    """A layer of one's own: what it does to an array on the way forward and back."""

    kind, parameters = "own", ()

    def __init__(self, forward=lambda x: x, backward=lambda dout: dout):
        self._forward, self._backward = forward, backward

    def forward(self, x, *, training, rng):
        return self._forward(x), None

    def backward(self, dout, cache):
        return (self._backward(dout),), {}


@pytest.mark.parametrize(
    "same", [lambda x: x, lambda x: x[:], lambda x: x.view()], ids=["itself", "slice", "view"]
)
def test_a_layer_that_returns_its_own_input_leaves_every_gradient_right(same, batch, rng):
    """As one entry of a tape keyed by arrays, it would double every gradient before it."""
    stack = dense_stack(SIZES, activation=SMOOTH, rng=rng)
    stack.layers[2:2] = [Given(same), Given(same)]
    stack.layers.insert(0, Skip([Given(same), Given(same)]))
    assert_gradients(shaken(stack, rng), *batch)


def test_a_layer_used_twice_has_the_sum_of_both_gradients_and_moves_once(batch, rng):
    shared = Dense(rng.normal(size=(6, 6)), rng.normal(size=6))
    tanh, last = Nonlinearity(get_activation(SMOOTH)), Dense(rng.normal(size=(6, 3)))
    stack = Stack([shared, tanh, shared, tanh, Skip([shared, tanh]), last])
    _, back = gradients_of(stack, *batch, seed=3)
    assert list(back.parameters) == [shared, last]
    for layer, own in back.parameters.items():
        for name, gradient in own.items():
            wanted = numerical_gradient(
                lambda trial, layer=layer, name=name: loss_with(stack, layer, name, trial, (*batch, 3)),
                getattr(layer, name),
            )
            assert relative_error(gradient, wanted) < 1e-6
    before = shared.W.copy()
    stack.step(back, 0.25)
    np.testing.assert_allclose(shared.W, before - 0.25 * back.parameters[shared]["W"])


def in_place(array):
    array += 1
    return array


def through_a_view(array):
    array[1:][0] = 0.0
    return array.copy()


def with_out(array):
    return np.tanh(array, out=array)


@pytest.mark.parametrize("writing", [in_place, through_a_view, with_out])
@pytest.mark.parametrize("way", ["forward", "backward"])
def test_a_layer_that_works_in_place_is_refused(way, writing, batch, rng):
    stack = dense_stack(SIZES, rng=rng)
    stack.layers.insert(2, Given(**{way: writing}))
    x = batch[0].copy()
    with pytest.raises(ValueError, match="Given writes into an array that it was given"):
        stack.loss_and_gradients(*batch)
    assert np.array_equal(batch[0], x)
    assert batch[0].flags.writeable  # the caller may still write into what is the caller's own


def test_other_errors_of_a_layer_pass(batch, rng):
    def fail(x):
        raise ValueError("another reason")

    with pytest.raises(ValueError, match=r"^another reason$"):
        Stack([Given(fail), Dense(np.eye(6))]).forward(batch[0])


@pytest.mark.parametrize(("dtype", "smallest"), [(np.float32, 2.0**-126), (np.float64, 2.0**-1022)])
def test_what_is_below_the_smallest_normal_number_is_0(dtype, smallest):
    small = np.array([0.5, -0.99, 1, -3, 0, np.nan], dtype) * dtype(smallest)
    wanted = np.array([0, 0, 1, -3, 0, np.nan], dtype) * dtype(smallest)
    np.testing.assert_array_equal(without_subnormals(small), wanted)
    assert without_subnormals(small).dtype == dtype
    for large in (np.array([1e-3, smallest / 2], dtype), np.array([np.inf, 1e30], dtype)):
        assert without_subnormals(large) is large


def test_a_gradient_vanishes_without_passing_through_subnormal_numbers():
    """In float64, where there is room, the first gradients are 1e-60; in float32 they are 0."""
    x, y = np.random.default_rng(0).standard_normal((16, 20)), np.arange(16) % 3
    gradients = {}
    for dtype in (np.float32, np.float64):
        options = {"activation": "sigmoid", "initializer": "glorot_normal", "dtype": dtype}
        net = dense_stack((20, *[30] * 100, 3), **options, rng=np.random.default_rng(1))
        nodes = net.forward(x.astype(dtype), training=True)
        net.backward(nodes, cross_entropy(nodes[-1].output, y)[1].astype(dtype))
        gradients[dtype] = [np.abs(node.gradient) for node in nodes]
    assert 0 < gradients[np.float64][0].max() < 1e-50
    assert gradients[np.float32][0].max() == 0
    for single, double in zip(*gradients.values(), strict=True):
        assert ((single == 0) | (single >= 2.0**-126)).all()
        assert np.abs(single - double).max() <= 1e-4 * double.max() + 1e-36


def test_the_way_back_can_be_taken_again(batch, rng):
    """Gradients are filled in anew, not added to those of the last time."""
    stack = dense_stack(SIZES, activation=SMOOTH, skips=True, rng=rng)
    nodes = stack.forward(batch[0])
    dlogits = cross_entropy(nodes[-1].output, batch[1])[1]
    first = [*stack.backward(nodes, dlogits).of_parameters(), nodes[0].parents[0].gradient]
    again = [*stack.backward(nodes, dlogits).of_parameters(), nodes[0].parents[0].gradient]
    assert all(map(np.array_equal, first, again))


# DropConnect and stochastic depth


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("options", RESIDUAL, ids=str)
def test_gradients_of_residual_stacks(options, seed, training, batch, rng):
    """Whichever blocks this seed skips: those have no gradient, which central differences find to be 0."""
    stack = shaken(residual_stack(6, 5, 3, 3, rng=rng, **options), rng)
    for layer in stack.flat():
        if layer.kind == "activation":
            layer.activation = get_activation(SMOOTH)
    x, y = batch
    nodes, back = gradients_of(stack, x, y, seed, training)
    called = {node.layer for node in nodes}
    found = {
        (layer, name): own for layer, gradients in back.parameters.items() for name, own in gradients.items()
    }
    for layer, name in parameters_of(stack):
        if not training and layer.kind == "batch_norm":
            continue
        wanted = numerical_gradient(
            lambda trial, layer=layer, name=name: loss_with(
                stack, layer, name, trial, (x, y, seed, training)
            ),
            getattr(layer, name),
        )
        if layer in called:
            assert relative_error(found.pop((layer, name)), wanted) < 1e-6
        else:
            assert not wanted.any()
    assert not found
    wanted = numerical_gradient(lambda x: loss_of(stack, x, y, seed, training), x)
    assert relative_error(nodes[0].parents[0].gradient, wanted) < 1e-6


def loss_with(stack, layer, name, trial, batch):
    """The loss with one parameter array replaced for a moment."""
    values = getattr(layer, name)
    setattr(layer, name, trial)
    try:
        return loss_of(stack, *batch)
    finally:
        setattr(layer, name, values)


def test_a_skipped_branch_is_not_called(rng):
    branch = [Dense(np.ones((4, 4)))]
    stack = Stack([Skip(branch, 0.5), Dense(np.ones((4, 2)))], rng=rng)
    x, passes = np.ones((3, 4)), []
    for _ in range(400):
        nodes = stack.forward(x, training=True)
        passes.append([node.layer.kind for node in nodes])
        np.testing.assert_array_equal(nodes[-1].output, 20 if len(nodes) == 3 else 4)
    assert {tuple(kinds) for kinds in passes} == {("dense", "add", "dense"), ("add", "dense")}
    assert np.mean([len(kinds) == 3 for kinds in passes]) == pytest.approx(0.5, abs=5 * 0.5 / 20)
    np.testing.assert_array_equal(stack.logits(x), 4 * (1 + 0.5 * 4))  # in testing x + survival · F(x)


def test_a_stack_of_one_skip_stands_being_skipped():
    stack = Stack([Skip([Dense(np.eye(2))], 0.0)])
    x = np.array([[1.0, 2.0]])
    nodes = stack.forward(x, training=True)
    np.testing.assert_array_equal(nodes[-1].output, x)
    back = stack.backward(nodes, np.ones((1, 2)))
    np.testing.assert_array_equal(nodes[0].parents[0].gradient, [[1, 1]])
    assert back.parameters == {}


def test_a_skip_without_stochastic_depth_draws_nothing(rng):
    state = rng.bit_generator.state
    Stack([Skip([Dense(np.eye(2))]), Dense(np.eye(2))], rng=rng).forward(np.ones((1, 2)), training=True)
    assert rng.bit_generator.state == state


def test_drop_connect_is_a_dense_layer_in_testing(batch, rng):
    W, b = rng.normal(size=(6, 4)), rng.normal(size=4)
    layer, state = DropConnect(W, b, 0.5), rng.bit_generator.state
    np.testing.assert_allclose(layer.forward(batch[0], training=False, rng=rng)[0], batch[0] @ W + b)
    assert rng.bit_generator.state == state
    first, second = (layer.forward(batch[0], training=True, rng=rng)[0] for _ in range(2))
    assert not np.array_equal(first, second)
    with pytest.raises(ValueError, match="rate must be 0 or more and below 1, got 1"):
        DropConnect(W, b, 1)
    with pytest.raises(ValueError, match=r"survival must lie in 0 … 1, got 1\.5"):
        Skip([layer], 1.5)
    for training in (True, False):
        with pytest.raises(ValueError, match=r"x must have shape \(batch, 6\)"):
            layer.forward(np.ones((2, 5)), training=training, rng=rng)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("options", RESIDUAL[1:], ids=str)
def test_without_weights_the_same_comes_back_through_what_is_random(options, training, rng):
    stack = shaken(residual_stack(6, 5, 3, 3, rng=rng, **options), rng)
    nodes = stack.forward(rng.normal(size=(9, 6)), training=training)
    stack.backward(nodes, np.ones((9, 3)))
    full = [node.gradient for node in nodes]
    bare = stack.backward(nodes, np.ones((9, 3)), weights=False)
    for node, gradient in zip(nodes, full, strict=True):
        np.testing.assert_array_equal(node.gradient, gradient)
    assert not {layer.kind for layer in bare.parameters} & {"dense", "drop_connect"}


@pytest.mark.parametrize("options", RESIDUAL, ids=str)
def test_a_trace_of_it(options, batch, rng):
    """In testing every layer has its signal; in training a skipped one has none, and the state is kept."""
    stack = shaken(residual_stack(6, 5, 3, 3, rng=rng, **options), rng)
    state = stack.rng.bit_generator.state
    signs = trace(stack, *batch, training=False)
    assert len(signs.layers) == 8
    assert np.isfinite(signs.per_layer("grad_W_norm")).all()
    lengths = set()
    for seed in range(12):
        stack.rng = np.random.default_rng(seed)
        lengths.add(len(trace(stack, *batch).layers))
    assert lengths <= {2, 4, 6, 8}
    assert (len(lengths) > 1) == ("survival" in options)
    kinds = {kind for layer in signs.layers[:-1] for kind in layer.parts}
    assert kinds >= {"drop_connect"} if "drop_connect" in options else {"dense"}
    stack.rng.bit_generator.state = state
    trace(stack, *batch)
    assert stack.rng.bit_generator.state == state


@pytest.mark.parametrize("options", RESIDUAL, ids=str)
def test_a_residual_stack_trains(options, rng):
    x = rng.normal(size=(64, 6)).astype(np.float32)
    y = x[:, :3].argmax(axis=1)
    stack = residual_stack(6, 16, 3, 3, rng=rng, dtype=np.float32, **options)
    train(stack, x, y, learning_rate=0.1, steps=300, batch_size=16, clip_norm=5.0, rng=rng)
    assert stack.accuracy(x, y) > 0.8
    assert {getattr(layer, name).dtype for layer, name in parameters_of(stack)} == {np.dtype(np.float32)}


def test_a_residual_stack_starts_as_its_entry_and_exit(batch):
    stack = residual_stack(6, 5, 3, 3, survival=0.4, rng=np.random.default_rng(1))
    entry, exit = stack.layers[0], stack.layers[-1]
    np.testing.assert_allclose(stack.logits(batch[0]), np.maximum(batch[0] @ entry.W, 0) @ exit.W)
    assert [layer.survival for layer in stack.layers if isinstance(layer, Skip)] == pytest.approx(
        [0.8, 0.6, 0.4]
    )
    for options in RESIDUAL:
        same = residual_stack(6, 5, 3, 3, rng=np.random.default_rng(1), **options)
        pairs = [(a.W, b.W) for a, b in zip(dense_of(stack), dense_of(same), strict=True)]
        assert all(np.array_equal(*pair) for pair in pairs)


def dense_of(stack):
    return [layer for layer in stack.flat() if isinstance(layer, Dense)]


# The same numbers as the small network


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_a_plain_stack_is_the_small_network(name, dtype, batch):
    options = {"activation": name, "initializer": "glorot_uniform", "gain": 1.5, "dtype": dtype}
    stack = dense_stack(SIZES, **options, rng=np.random.default_rng(7))
    model = MLP(SIZES, **options, rng=np.random.default_rng(7))
    x, y = batch[0].astype(dtype), batch[1]
    assert np.array_equal(stack.logits(x), model.forward(x).logits)
    for _ in range(3):
        (loss, back), (wanted, gradients) = stack.loss_and_gradients(x, y), model.loss_and_gradients(x, y)
        assert loss == wanted
        dense = [own for layer, own in back.parameters.items() if layer.kind == "dense"]
        for own, dW, db in zip(dense, gradients.dW, gradients.db, strict=True):
            assert np.array_equal(own["W"], dW)
            assert np.array_equal(own["b"], db)
        stack.step(back, 0.1)
        model.step(gradients, 0.1)
    assert stack.accuracy(x, y) == model.accuracy(x, y)
    assert stack.dtype == model.weights[0].dtype == dtype


@pytest.mark.parametrize("options", OPTIONS[1:])
def test_options_leave_the_weights_of_a_seed_alone(options):
    plain, other = (dense_stack(SIZES, rng=np.random.default_rng(7), **own) for own in ({}, options))
    pairs = zip(dense_of(plain), dense_of(other), strict=True)
    assert all(np.array_equal(a.W, b.W) for a, b in pairs)


@named
def test_type_is_kept_from_input_to_gradient(options, batch, rng):
    stack = dense_stack(SIZES, rng=rng, dtype=np.float32, **options)
    _, back = stack.loss_and_gradients(batch[0].astype(np.float32), batch[1])
    stack.step(back, 0.1)
    nodes = stack.forward(batch[0].astype(np.float32))
    stack.backward(nodes, cross_entropy(nodes[-1].output, batch[1])[1])
    everything = [array for node in nodes for array in (node.output, node.gradient)] + back.of_parameters()
    everything += [getattr(layer, name) for layer, name in parameters_of(stack)]
    assert {array.dtype for array in everything} == {np.dtype(np.float32)}
    running = [layer.running for layer in stack.flat() if layer.kind == "batch_norm"]
    assert {array.dtype for own in running for array in (own.mean, own.variance)} <= {np.dtype(np.float32)}


# What stands where


def kinds(**options):
    return [layer.kind for layer in dense_stack((6, 5, 5, 3), rng=np.random.default_rng(0), **options).flat()]


def test_layers_stand_where_they_were_asked_for():
    assert kinds() == ["dense", "activation"] * 2 + ["dense"]
    assert kinds(normalized="before") == ["dense", "batch_norm", "activation"] * 2 + ["dense"]
    assert kinds(normalized="after") == ["dense", "activation", "batch_norm"] * 2 + ["dense"]
    assert kinds(dropout=0.1) == ["dense", "activation", "dropout"] * 2 + ["dense"]
    assert kinds(alpha_dropout=0.1) == ["dense", "activation", "alpha_dropout"] * 2 + ["dense"]
    assert kinds(skips=True) == ["dense", "activation", "dense", "activation", "add", "dense"]


def test_only_a_layer_whose_output_is_normalized_loses_its_bias(rng):
    for normalized, hidden in ((None, True), ("before", False), ("after", True)):
        stack = dense_stack(SIZES, normalized=normalized, rng=rng)
        biases = [layer.b is not None for layer in stack.flat() if layer.kind == "dense"]
        assert biases == [hidden, hidden, hidden, True]


def test_a_skip_adds_its_input(rng, batch):
    stack = dense_stack((6, 6, 3), skips=True, rng=rng)
    skip, last = stack.layers
    x, dense = batch[0], skip.layers[0]
    assert isinstance(skip.add, Add)
    np.testing.assert_allclose(stack.logits(x), (x + np.maximum(x @ dense.W + dense.b, 0)) @ last.W + last.b)


# Training and testing


def state_of(stack):
    """Copies of all that a stack holds."""
    arrays = [getattr(layer, name).copy() for layer, name in parameters_of(stack)]
    running = [layer.running for layer in stack.flat() if layer.kind == "batch_norm"]
    return arrays + [a.copy() for own in running for a in (own.mean, own.variance, np.array(own.batches))]


@pytest.mark.parametrize("normalized", ["before", "after"])
def test_moving_statistics_move_in_a_training_step_only(normalized, batch, rng):
    stack = dense_stack(SIZES, normalized=normalized, rng=rng)
    before = state_of(stack)
    nodes = stack.forward(batch[0], training=True)
    stack.logits(batch[0])
    stack.accuracy(*batch)
    stack.backward(nodes, np.ones((8, 3)))
    assert all(map(np.array_equal, before, state_of(stack)))
    _, back = stack.loss_and_gradients(*batch)
    norms = [node for node in nodes if node.layer.kind == "batch_norm"]
    assert len(norms) == 3
    for node in norms:
        x, running = node.inputs[0], node.layer.running
        np.testing.assert_allclose(running.mean, 0.01 * x.mean(axis=0))
        np.testing.assert_allclose(
            running.variance, 0.99 + 0.01 * x.var(axis=0)
        )  # the biased one, as in Keras
        assert running.batches == 1
    moved = state_of(stack)
    stack.step(back, 0.1)
    assert not any(map(np.array_equal, moved[: len(parameters_of(stack))], state_of(stack)))


def test_batch_norm_starts_like_the_keras_layer_and_tests_with_moving_statistics(rng):
    layer = BatchNorm(np.full(3, 2.0), np.full(3, -1.0))
    start, eps = initial_statistics(3), CONVENTIONS["keras"].eps
    assert np.array_equal(layer.running.mean, start.mean)
    assert np.array_equal(layer.running.variance, start.variance)
    layer.running = update_running(start, np.arange(3.0), np.arange(1.0, 4), 8, momentum=0)
    x = rng.normal(size=(5, 3))
    out, cache = layer.forward(x, training=False, rng=rng)
    np.testing.assert_allclose(out, 2 * (x - np.arange(3)) / np.sqrt(np.arange(1, 4) + eps) - 1)
    assert cache is None


def test_dropout_is_off_in_testing(batch):
    options = {"dropout": 0.5, "alpha_dropout": 0.2}
    stack, plain = (dense_stack(SIZES, rng=np.random.default_rng(7), **own) for own in (options, {}))
    state = stack.rng.bit_generator.state
    assert np.array_equal(stack.logits(batch[0]), plain.logits(batch[0]))
    assert stack.rng.bit_generator.state == state  # no mask was drawn
    first, second = (stack.forward(batch[0], training=True)[-1].output for _ in range(2))
    assert not np.array_equal(first, second)
    stack.rng.bit_generator.state = state
    assert np.array_equal(stack.forward(batch[0], training=True)[-1].output, first)


def test_accuracy_is_that_of_testing(batch, rng):
    stack = shaken(dense_stack(SIZES, normalized="before", dropout=0.5, rng=rng), rng)
    state = stack.rng.bit_generator.state
    right = stack.logits(batch[0]).argmax(axis=1)
    assert stack.accuracy(batch[0], right) == 1
    assert stack.accuracy(batch[0], (right + 1) % 3) == 0
    assert stack.accuracy(batch[0], np.where(np.arange(8) < 2, right, (right + 1) % 3)) == 0.25
    assert stack.rng.bit_generator.state == state


def test_accuracy_of_a_stack_that_overflowed_is_a_number(batch, rng):
    stack = dense_stack(SIZES, gain=1e200, activation="linear", rng=rng)
    assert 0 <= stack.accuracy(*batch) <= 1


def test_a_step_is_gradient_descent(batch, rng):
    stack = shaken(dense_stack(SIZES, normalized="before", rng=rng), rng)
    _, back = stack.loss_and_gradients(*batch)
    before = [getattr(layer, name).copy() for layer, name in parameters_of(stack)]
    stack.step(back, 0.25)
    for (layer, name), old, gradient in zip(parameters_of(stack), before, back.of_parameters(), strict=True):
        np.testing.assert_allclose(getattr(layer, name), old - 0.25 * gradient)


@named
def test_it_trains(options, rng):
    x = rng.normal(size=(64, 6))
    y = x[:, :3].argmax(axis=1)
    stack = dense_stack((6, 16, 16, 3), rng=rng, **options)
    losses = train(stack, x, y, learning_rate=0.1, steps=200, batch_size=16, clip_norm=5.0, rng=rng)
    assert losses[-20:].mean() < 0.8 * losses[:5].mean()
    assert stack.accuracy(x, y) > 0.7


# What is refused


@pytest.mark.parametrize("place", ["between", True, "Before", 1])
def test_places_of_the_normalization_are_checked(place, rng):
    with pytest.raises(ValueError, match=f"None, 'before' or 'after', got {place!r}"):
        dense_stack(SIZES, normalized=place, rng=rng)


@pytest.mark.parametrize("sizes", [(), (3,)])
def test_sizes_are_checked(sizes, rng):
    with pytest.raises(ValueError, match="at least two numbers"):
        dense_stack(sizes, rng=rng)


def test_names_and_rates_are_checked(rng):
    with pytest.raises(ValueError, match="'reluu'"):
        dense_stack(SIZES, activation="reluu", rng=rng)
    with pytest.raises(ValueError, match="'hee'"):
        dense_stack(SIZES, initializer="hee", rng=rng)
    for option in ("dropout", "alpha_dropout"):
        with pytest.raises(ValueError, match=r"rate must be 0 or more and below 1, got 1\.5"):
            dense_stack(SIZES, rng=rng, **{option: 1.5})


@pytest.mark.parametrize("layers", [[], [Nonlinearity(get_activation("tanh"))], [Skip([])]])
def test_a_stack_without_a_dense_layer_is_refused(layers):
    with pytest.raises(ValueError, match="needs a dense layer"):
        Stack(layers)


@pytest.mark.parametrize("shape", [(8, 5), (6,), (8, 6, 1)])
def test_shapes_are_checked(shape, rng):
    stack = dense_stack(SIZES, rng=rng)
    for call in (stack.forward, stack.logits, lambda x: stack.accuracy(x, np.zeros(8, int))):
        with pytest.raises(ValueError, match=r"x must have shape \(batch, 6\), got"):
            call(np.ones(shape))


def test_labels_are_checked(batch, rng):
    stack = dense_stack(SIZES, rng=rng)
    with pytest.raises(ValueError, match="labels must lie in 0 … 2"):
        stack.loss_and_gradients(batch[0], batch[1] + 5)
    with pytest.raises(ValueError, match="8 integer labels"):
        stack.loss_and_gradients(batch[0], batch[1][:3])


def test_an_activation_of_ones_own_is_allowed(batch, rng):
    cube = Activation(
        "cube", "cube", lambda z: z**3, lambda z: 3 * z**2, (-9, 9), None, False, "lecun_normal"
    )
    assert_gradients(dense_stack((6, 5, 3), activation=cube, rng=rng), *batch)


def test_without_weights_the_same_comes_back_and_no_gradient_of_a_dense_layer(rng):
    stack = dense_stack((6, 5, 5, 3), normalized="before", skips=True, rng=rng)
    x, y = rng.normal(size=(9, 6)), rng.integers(3, size=9)
    nodes = stack.forward(x, training=True)
    dlogits = cross_entropy(nodes[-1].output, y)[1]
    full = stack.backward(nodes, dlogits)
    gradients = [node.gradient for node in nodes]
    bare = stack.backward(nodes, dlogits, weights=False)
    for node, gradient in zip(nodes, gradients, strict=True):
        np.testing.assert_array_equal(node.gradient, gradient)
    assert {layer.kind for layer in full.parameters} == {"dense", "batch_norm"}
    assert {layer.kind for layer in bare.parameters} == {"batch_norm"}
