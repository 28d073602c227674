"""The clinic's lab: it draws what the trace says, rings what was found, and each knob brings its illness."""

import numpy as np
import pytest

from helpers import clinic, data, labs
from helpers.labs import clinic as module
from helpers.networks.mlp import MLP
from helpers.numerics.activations import get_activation
from helpers.numerics.initializers import INITIALIZERS
from helpers.plots.frame import LETTER, WIDTH
from helpers.signals.trace import trace
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def lab():
    return labs.clinic_lab()


@pytest.fixture
def at_start(lab):
    lab.set(**labs.clinic_lab().values)
    return lab


TITLES = {
    "std": "std of h",
    "gradient": "gradient norm of z",
    "saturated": "share of saturated and of dead units",
    "dead": "share of saturated and of dead units",
}


def told(lab):
    """Return the findings in words: headline and meaning of each."""
    headlines, meanings = lab.frame.panels[-1].marks
    return [" ".join(pair).strip() for pair in zip(headlines.words, meanings.words, strict=True)]


def line(lab, name, label="measured"):
    """Return a line of the panel that shows a quantity: that of its own name, if it has one."""
    marks = {mark.label: mark for mark in lab.frame.panel(TITLES[name]).marks}
    return marks.get(name) or marks[label]


def rings(lab, name):
    """Return the rings around the points of a quantity."""
    found = [mark for mark in lab.frame.panel(TITLES[name]).marks if mark.look == "ring"]
    return found[1 if name == "dead" else 0]


def ringed(lab, name):
    """Return the layers that are ringed."""
    return [int(layer) for layer in rings(lab, name).x]


def test_it_draws_what_a_trace_says(at_start):
    at_start.set(activation="relu", initializer="he_normal", gain=1.5, depth=5, seed=3, scale=2, shift=0.5)
    x, y = data.load_batch(256, dtype=np.float64)
    sizes, rng = (784, *[100] * 5, 10), np.random.default_rng(3)
    model = MLP(sizes, activation="relu", initializer="he_normal", gain=1.5, rng=rng)
    seen = trace(model, 2 * x[:128] + 0.5, y[:128])
    for name, quantity in (("std", "std"), ("gradient", "grad_z_norm")):
        assert np.allclose(line(at_start, name).y, seen.per_layer(quantity))
    for name in ("saturated", "dead"):
        assert np.allclose(line(at_start, name).y, seen.per_layer(f"share_{name}"))
    assert at_start.numbers["loss"] == pytest.approx(seen.loss)
    assert at_start.numbers["findings"] == " ".join(clinic.examine(seen).codes)


@pytest.mark.parametrize(
    ("activation", "initializer", "normalized"),
    [("tanh", "glorot_normal", False), ("relu", "he_normal", True), ("sigmoid", "glorot_normal", False)],
)
def test_the_prediction_lies_over_the_measurement(at_start, activation, initializer, normalized):
    at_start.set(activation=activation, initializer=initializer, normalized=normalized, depth=6)
    for name in ("std", "gradient"):
        off = line(at_start, name).y / line(at_start, name, "predicted").y
        assert np.abs(np.log(off)).max() < np.log(2)


def test_gain_is_in_the_prediction_and_biases_have_none(at_start):
    at_start.set(activation="relu", initializer="he_normal", gain=2, depth=6)
    off = line(at_start, "std").y / line(at_start, "std", "predicted").y
    assert np.abs(np.log(off)).max() < np.log(2)
    at_start.set(bias=0.5)
    assert np.isnan(line(at_start, "std", "predicted").y).all()


def test_a_healthy_network_is_told_so(at_start):
    assert told(at_start) == [module.TEXT["healthy"]]
    assert not any(ringed(at_start, name) for name in TITLES)
    assert ("findings", "none") in at_start.frame.readout
    assert at_start.numbers["findings"] == ""


@pytest.mark.parametrize(
    ("settings", "code", "panel"),
    [
        ({"activation": "sigmoid"}, "vanishing_gradient", "gradient"),
        ({"activation": "relu", "initializer": "he_normal", "gain": 3}, "exploding_signal", "std"),
        ({"activation": "relu", "gain": 0.3}, "vanishing_signal", "std"),
        ({"gain": 10}, "saturated_units", "saturated"),
        ({"activation": "relu", "bias": -1}, "dead_units", "dead"),
        ({"scale": 90}, "unscaled_inputs", "std"),
        ({"shift": 5}, "uncentered_inputs", "std"),
        ({"initializer": "ones", "gain": 0.01}, "symmetric_weights", "std"),
        ({"normalized": True, "batch": 2}, "batch_too_small_for_batch_norm", "std"),
        ({"scale": 0}, "constant_inputs", "std"),
    ],
)
def test_each_knob_brings_its_illness(at_start, settings, code, panel):
    at_start.set(**settings)
    assert at_start.trouble is None
    assert code in at_start.numbers["findings"].split()
    words = next(words for words in told(at_start) if code in words)
    assert words.startswith(("severe: ", "mild: "))
    assert words.endswith(".")
    assert ringed(at_start, panel)


@pytest.mark.parametrize("gain", [0.3, 3, 30])
def test_no_line_of_words_is_longer_than_the_picture(at_start, gain):
    """At 6.2 pixels a letter the canvas shows them whole, as wide as the Matplotlib picture."""
    at_start.set(activation="sigmoid", initializer="ones", scale=255, shift=5, gain=gain)
    lines = [words for mark in at_start.frame.panels[-1].marks for words in mark.words]
    assert len(lines) > 2
    assert max(map(len, lines)) * LETTER < WIDTH


def test_the_rings_are_the_layers_that_the_finding_names(at_start):
    at_start.set(activation="sigmoid", depth=9)
    weights = at_start._weights("glorot_normal", 9, 0)
    x, y = data.load_batch(256, dtype=np.float64)
    seen = trace(module.network(weights, "sigmoid", 0, False), x[:128], y[:128])
    named = [int(name.split()[1]) for name in clinic.examine(seen).layers_of("vanishing_gradient")]
    assert ringed(at_start, "gradient") == named
    heights = rings(at_start, "gradient").y
    assert np.array_equal(heights, line(at_start, "gradient").y[: len(named)])


def test_what_does_not_fit_is_counted(at_start, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    at_start.set(activation="relu", bias=-2, scale=90, normalized=True, batch=2)
    assert len(told(at_start)) == 2
    assert told(at_start)[-1].startswith("… and ")


def test_curves_keep_their_height_whatever_is_found(at_start):
    heights = []
    for settings in ({}, {"activation": "sigmoid", "initializer": "ones", "scale": 255, "shift": 5}):
        at_start.set(**settings)
        *curves, _ = at_start.frame.panels
        heights += [panel.cell[3] * at_start.frame.height for panel in curves]
    assert heights == pytest.approx([module.CURVES] * 6, abs=1)


def test_normalization_does_not_count_as_untrained(at_start):
    at_start.set(normalized=True, bias=1, gain=3)
    assert "stale_moving_statistics" not in at_start.numbers["findings"]


def test_the_network_is_what_it_says():
    rng = np.random.default_rng(0)
    weights = [INITIALIZERS["he_normal"](shape, rng=rng) for shape in ((784, 100), (100, 10))]
    kinds = [layer.kind for layer in module.network(weights, "relu", -1, True).layers]
    assert kinds == ["dense", "batch_norm", "activation", "dense"]
    plain = module.network(weights, "relu", -1, False)
    assert set(plain.layers[0].b) == {-1.0}
    assert plain.layers[1].activation is get_activation("relu")


def test_weights_are_freed():
    lab = labs.clinic_lab(depth=2)
    lab.close()
    assert lab._kept == (None, None)


def test_every_control_moves_the_picture():
    assert idle_controls(labs.clinic_lab()) == []
