"""The depth lab: what it draws is a flow and its prediction, and what left the range is said."""

import numpy as np
import pytest

from helpers import data, labs
from helpers.labs import depth as module
from helpers.networks import builders
from helpers.numerics import theory
from helpers.signals import flow
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def lab():
    return labs.depth_lab()


@pytest.fixture
def at_start(lab):
    lab.set(**labs.depth_lab().values)
    return lab


def test_the_lab_shows_a_flow_and_its_prediction(at_start):
    at_start.set(network="tanh + Glorot", depth=20, width=50, seed=3)
    x, y = data.load_batch(64)
    deepest = (784, *[50] * 100, 10)
    net = builders.DESIGNS["tanh + Glorot"].stack(deepest, rng=np.random.default_rng(3), dtype=np.float32)
    weights = [layer.W for layer in net.flat() if layer.kind == "dense"]
    sizes = (784, *[50] * 20, 10)
    shown = [*weights[:20], weights[-1]]
    net = builders.DESIGNS["tanh + Glorot"].stack(sizes, rng=np.random.default_rng(3), weights=shown)
    seen = flow.flow(net, x, y)
    predicted = theory.predicted_flow(builders.DESIGNS["tanh + Glorot"], sizes, x, seen.output_error)
    for quantity in ("std", "grad_z_norm"):
        measured, dashed = at_start.frame.panel(module.TITLES[quantity]).marks
        assert np.allclose(measured.y, getattr(seen, quantity), rtol=1e-3)
        assert np.allclose(dashed.y, getattr(predicted, quantity), rtol=1e-3)
    assert at_start.numbers["growth"] == pytest.approx(seen.grad_z_norm[0] / seen.grad_z_norm[-1], rel=1e-3)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "predicted: ×"),
        ({"skips": True}, "no theory with skips"),
        ({"network": "sigmoid + Glorot"}, "The gradient has vanished"),
        ({"network": "ReLU + He", "skips": True, "inputs": "pixels 0 to 255", "dropout": 0.5, "width": 300},
         "changes by ×"),
        ({"depth": 1}, "nothing to compare"),
    ],
)  # fmt: skip
def test_the_lab_explains_itself(at_start, settings, words):
    at_start.set(**settings)
    assert at_start.trouble is None
    assert words in at_start.frame.words


@pytest.mark.slow
@pytest.mark.parametrize("network", builders.DESIGNS)
@pytest.mark.parametrize("width", [10, 100, 300])
def test_the_lab_survives_all_at_once_at_full_depth(at_start, network, width):
    for inputs in module.INPUTS:
        at_start.set(
            network=network, width=width, inputs=inputs, initializer="he_normal",
            dropout=0.5, alpha_dropout=0.5, skips=True,
        )  # fmt: skip
        assert at_start.trouble is None
        assert at_start.frames


def test_the_lab_keeps_a_step_small():
    assert module.images_for((784, *[100] * 100, 10)) == 64
    assert module.images_for((784, *[300] * 100, 10)) == module.MIN_IMAGES


def test_closing_drops_the_weights():
    lab = labs.depth_lab(depth=3, width=10)
    lab.close()
    assert lab._weights == (None, None)


def test_every_control_moves_the_picture():
    assert idle_controls(labs.depth_lab()) == []
