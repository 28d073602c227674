"""The computation graph: closed forms, central differences, automatic differentiation, and its order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.numerics import autodiff
from helpers.numerics.activations import sigmoid
from helpers.numerics.gradcheck import numerical_gradient

NAMES = list(autodiff.CHAIN)
START = np.array(list(autodiff.CHAIN.values()), float)
numbers = st.floats(-5, 5).map(lambda value: round(value, 3))


def loss_of(values):
    """The chain's loss, written without the graph."""
    x1, x2, w1, w2, w3, w4, v1, v2, t = values
    h1, h2 = sigmoid(w1 * x1 + w2 * x2), sigmoid(w3 * x1 + w4 * x2)
    return (sigmoid(v1 * h1 + v2 * h2) - t) ** 2 / 2


def gradient_of(values):
    loss = autodiff.chain(**dict(zip(NAMES, values, strict=True)))
    by_name = autodiff.backward(loss)
    return loss.value, np.array([by_name[name] for name in NAMES])


def test_the_worked_numbers_of_the_lesson():
    named = autodiff.nodes(autodiff.chain())
    told = {name: round(named[name].value, 2) for name in ("z1", "h1", "z2", "h2", "z3", "h3")}
    assert told == {"z1": 1, "h1": 0.73, "z2": 0, "h2": 0.5, "z3": 0.23, "h3": 0.56}


@given(st.lists(numbers, min_size=9, max_size=9))
def test_the_chain_agrees_with_central_differences(values):
    value, gradient = gradient_of(values)
    assert value == pytest.approx(loss_of(values), abs=1e-14)
    numeric = numerical_gradient(loss_of, np.array(values, float))
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-9)


def test_the_chain_agrees_with_automatic_differentiation(autodiff):
    import tensorflow as tf

    def loss(values):
        x1, x2, w1, w2, w3, w4, v1, v2, t = tf.unstack(values)
        h1, h2 = tf.sigmoid(w1 * x1 + w2 * x2), tf.sigmoid(w3 * x1 + w4 * x2)
        return (tf.sigmoid(v1 * h1 + v2 * h2) - t) ** 2 / 2

    rng = np.random.default_rng(0)
    for values in (START, *rng.normal(scale=2, size=(20, 9))):
        wanted, automatic = autodiff(loss, values)
        value, gradient = gradient_of(values)
        assert value == pytest.approx(float(wanted), abs=1e-12)
        np.testing.assert_allclose(gradient, automatic, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(
    ("build", "value", "gradient"),
    [
        (lambda a, b: a + b, 5.0, (1, 1)),
        (lambda a, b: a * b, 6.0, (3, 2)),
        (lambda a, b: a * a + b, 7.0, (4, 1)),
        (lambda a, b: a * b * a, 12.0, (12, 4)),
        (autodiff.squared_error, 0.5, (-1, 1)),
    ],
)
def test_closed_forms(build, value, gradient):
    a, b = autodiff.leaves(a=2, b=3)
    output = build(a, b)
    by_name = autodiff.backward(output)
    assert output.value == value
    assert (by_name["a"], by_name["b"]) == gradient


def test_sigmoid_far_out_gives_no_gradient_and_no_overflow():
    for z, value in ((1000.0, 1.0), (-1000.0, 0.0)):
        (leaf,) = autodiff.leaves(z=z)
        output = autodiff.sigmoid(leaf)
        assert (output.value, autodiff.backward(output)["z"]) == (value, 0.0)


def test_an_input_of_several_nodes_sums_up_what_it_gets():
    loss = autodiff.chain()
    autodiff.backward(loss)
    named = autodiff.nodes(loss)
    got = [product for node in named.values() for to, _, product in node.sends() if to.name == "x1"]
    assert len(got) == 2
    assert sum(got) == named["x1"].grad


def test_every_node_comes_after_its_inputs():
    order = list(autodiff.nodes(autodiff.chain()).values())
    places = {node: place for place, node in enumerate(order)}
    assert len(order) == 22
    assert all(places[source] < places[node] for node in order for source in node.inputs)
    loss = order[-1]
    assert autodiff.backward_order(loss) == autodiff.forward_order(loss)[::-1]
    assert len(autodiff.forward_order(loss)) == 13
    depths = [node.depth for node in autodiff.forward_order(loss)]
    assert depths == sorted(depths)


def test_forward_follows_a_changed_leaf_and_backward_starts_afresh():
    loss = autodiff.chain()
    first = autodiff.backward(loss)
    assert autodiff.backward(loss) == first
    autodiff.nodes(loss)["w1"].value = -3.0
    assert autodiff.forward(loss) == pytest.approx(autodiff.chain(w1=-3).value, abs=0)
    assert autodiff.backward(loss) == autodiff.backward(autodiff.chain(w1=-3))
    assert autodiff.backward(loss) != first


def test_a_part_of_the_way_back():
    loss = autodiff.chain()
    named = autodiff.nodes(loss)
    autodiff.backward(loss, 0)
    assert (loss.grad, named["h3"].grad) == (1, 0)
    autodiff.backward(loss, 2)
    assert named["z3"].grad != 0 == named["v1"].grad
    whole = autodiff.backward(loss)
    assert autodiff.backward(loss, 13) == whole
    assert autodiff.backward(loss, 12) != whole


def test_names():
    x, w = autodiff.leaves(x=1, w=2)
    assert repr((w * x).named("z")) == "z = 2"
    assert (w * x).name == "w·x"
    with pytest.raises(ValueError, match="share 4 names"):
        autodiff.nodes((w * x) + autodiff.Node("x", 3))
    with pytest.raises(ValueError, match="unknown u; the chain has x1, x2"):
        autodiff.chain(u=1)
