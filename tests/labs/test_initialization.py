"""The initialization lab: what it draws is what a trace measures and what theory predicts."""

import numpy as np
import pytest

from helpers import data, labs
from helpers.labs.initialization import IMAGES, MIN_IMAGES, TITLES, WORK, images_for
from helpers.networks.mlp import MLP
from helpers.numerics.theory import predict
from helpers.signals.trace import trace
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def lab():
    return labs.initialization_lab()


def histograms_of(lab):
    return [panel for panel in lab.frame.panels if panel.about]


def measured(activation, initializer, gain, depth, width, seed):
    """Return a Trace of the same network, and its prediction, made without the lab."""
    rng = np.random.default_rng(seed)
    sizes = (784, *[width] * depth, 10)
    model = MLP(sizes, activation=activation, initializer=initializer, rng=rng, dtype=np.float32)
    signals = trace(model.scaled(gain), *data.load_batch(IMAGES))
    return signals, predict(model.scaled(gain), data.load_batch(IMAGES)[0], signals.output_error)


SETTINGS = {
    "start": {"activation": "tanh", "initializer": "glorot_normal", "gain": 1, "depth": 10, "width": 100},
    "loud": {"activation": "relu", "initializer": "he_normal", "gain": 2, "depth": 4, "width": 50},
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("quantity", ["mean", "std", "grad_z_norm"])
def test_curves_are_the_measured_and_the_predicted(lab, name, quantity):
    settings = SETTINGS[name] | {"seed": 3}
    lab.set(**settings)
    signals, predicted = measured(**settings)
    panel = lab.frame.panel(TITLES[quantity])
    wanted = signals.per_layer(quantity), getattr(predicted, quantity)
    for mark, label, values in zip(panel.marks, ("measured", "predicted"), wanted, strict=True):
        assert mark.label == label
        np.testing.assert_allclose(mark.y, values, rtol=1e-4, atol=1e-6)
    assert panel.y.log == (quantity != "mean")


def test_bars_and_numbers_are_those_of_the_network(lab):
    settings = SETTINGS["start"] | {"seed": 0}
    lab.set(**settings)
    signals, _ = measured(**settings)
    for panel, layer in zip(histograms_of(lab), signals.hidden, strict=True):
        heights = panel.marks[0].heights
        np.testing.assert_allclose(heights / heights.sum(), layer.histogram.shares, atol=1e-4)
    assert lab.numbers["std_last"] == pytest.approx(signals.hidden[-1].std, rel=1e-4)
    assert lab.numbers["loss"] == pytest.approx(signals.loss, rel=1e-4)


def test_a_deep_network_shows_ten_layers_from_the_first_to_the_last(lab):
    lab.set(**SETTINGS["start"] | {"depth": 100, "width": 10})
    panels = histograms_of(lab)
    assert panels[0].title.startswith("layer 1:")
    assert panels[-1].title.startswith("layer 100:")
    assert panels[-1].about == ("layer", 100)
    assert len(panels) == 10
    lab.set(depth=3)
    assert len(histograms_of(lab)) == 3


def test_larger_networks_get_fewer_images():
    small = MLP((784, 10, 10), rng=np.random.default_rng(0))
    assert images_for(small) == IMAGES
    deep = MLP((784, *[1000] * 9, 10), rng=np.random.default_rng(0))
    weights = sum(W.size for W in deep.weights)
    assert images_for(deep) == max(MIN_IMAGES, WORK // weights) < IMAGES


def test_the_name_shows_the_lab_itself():
    """`initialization_lab??` in a notebook must show what computes and draws, not a wrapper."""
    assert labs.initialization_lab.__module__ == "helpers.labs.initialization"
    assert "update" in vars(labs.initialization_lab)


def test_every_control_moves_the_picture():
    assert idle_controls(labs.initialization_lab()) == []
