"""The clinic on small networks made ill by hand, on bad input, and in how it tells what it found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers import clinic
from helpers.clinic import inputs, passing, units
from helpers.clinic.findings import Findings
from helpers.clinic.illnesses import finding
from helpers.clinic.normalizing import dropped_before_norm
from helpers.networks.builders import dense_stack
from helpers.networks.mlp import MLP
from helpers.networks.stack import Dense, Nonlinearity, Stack
from helpers.networks.training import train
from helpers.numerics.activations import ACTIVATIONS
from helpers.plots.clinic import marked
from helpers.signals.trace import trace

ROOT = Path(__file__).resolve().parents[2]
WIDTH, CLASSES = 40, 5
NAMES = sorted(ACTIVATIONS)
PROPER = {"tanh": "glorot_normal", "sigmoid": "glorot_normal", "selu": "lecun_normal"}


@pytest.fixture
def batch(rng):
    return rng.normal(size=(64, WIDTH)), rng.integers(CLASSES, size=64)


def network(activation="relu", depth=4, initializer=None, seed=1, width=WIDTH, **options):
    initializer = initializer or PROPER.get(activation, "he_normal")
    sizes = (WIDTH, *[width] * depth, CLASSES)
    return MLP(
        sizes, activation=activation, initializer=initializer, rng=np.random.default_rng(seed), **options
    )


def normalized(depth=3, **options):
    sizes = (WIDTH, *[WIDTH] * depth, CLASSES)
    return dense_stack(sizes, **({"normalized": "before"} | options), rng=np.random.default_rng(1))


def hidden(first, last):
    return tuple(f"layer {i}" for i in range(first, last + 1))


# The findings by their code


@pytest.mark.parametrize("activation", [name for name in NAMES if name not in ("sigmoid", "softplus")])
def test_a_fresh_network_with_its_own_initialization_is_healthy(activation, batch):
    assert clinic.examine(trace(network(activation), *batch)) == ()


def test_a_trained_network_is_healthy(batch):
    model = network(depth=2)
    train(model, *batch, learning_rate=0.05, steps=100, rng=np.random.default_rng(0))
    assert clinic.examine(trace(model, *batch)).codes == ()


def test_a_signal_that_halves_at_each_layer_vanishes(batch):
    found = clinic.examine(trace(network("linear", 12, "glorot_normal", gain=0.4, width=200), *batch))
    assert set(found.codes) == {"vanishing_signal", "vanishing_gradient"}
    assert found[0].severity == "severe"
    assert found.layers_of("vanishing_signal")[-1] == "layer 12"
    assert "layer 1" not in found.layers_of("vanishing_signal")
    assert found.layers_of("vanishing_gradient")[0] == "layer 1"
    assert "layer 12" not in found.layers_of("vanishing_gradient")
    worst = next(f for f in found if f.code == "vanishing_signal").evidence[0]
    assert (worst.layer, worst.value) == ("layer 12", pytest.approx(0.4**11, rel=0.5))


def test_a_signal_that_doubles_at_each_layer_explodes(batch):
    found = clinic.examine(trace(network("relu", 12, gain=2.0, width=200), *batch))
    assert set(found.codes) == {"exploding_signal", "exploding_gradient"}
    assert {f.severity for f in found} == {"severe"}
    mild = clinic.examine(trace(network("relu", 12, gain=1.35, width=200), *batch))
    assert set(mild.codes) == {"exploding_signal", "exploding_gradient"}
    assert {f.severity for f in mild} == {"mild"}


def test_large_biases_in_the_middle_are_no_explosion(batch):
    """A signal has exploded where it is large from there on; here the next tanh brings it back."""
    model = network("tanh", 6)
    assert clinic.examine(trace(model, *batch)).layers_of("exploding_signal") == ()
    model.biases[2][:] = 500.0 * np.resize([1, -1], len(model.biases[2]))
    signals = trace(model, *batch)
    assert signals.layers[2].z_std > 100 * signals.layers[1].z_std
    assert "exploding_signal" not in clinic.examine(signals).codes


def test_sigmoid_loses_three_quarters_of_the_gradient_per_layer(batch):
    found = clinic.examine(trace(network("sigmoid", 8), *batch))
    assert found.codes == ("vanishing_gradient",)
    assert found[0].severity == "severe"
    assert found[0].evidence[0].value == pytest.approx(0.25**7, rel=0.9)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_large_weights_saturate(activation, batch):
    found = clinic.examine(trace(network(activation, 2, gain=20), *batch))
    assert found.layers_of("saturated_units") == ("layer 1", "layer 2")
    assert next(f for f in found if f.code == "saturated_units").severity == "severe"


def test_the_left_side_of_leaky_relu_is_not_saturated(batch):
    signals = trace(network("leaky_relu"), *batch)
    assert signals.hidden[0].share_saturated > 0.4
    assert clinic.examine(signals) == ()


def test_a_bias_kills_units(batch):
    model = network(depth=3)
    model.biases[1][:12] = -30
    found = clinic.examine(trace(model, *batch))
    assert (found.codes, found.layers_of("dead_units")) == (("dead_units",), ("layer 2",))
    assert (found[0].severity, found[0].evidence[0].value) == (
        "mild",
        pytest.approx(0.275),
    )  # 12 of 40, less one that is always on
    model.biases[1][:] = -30
    worse = clinic.examine(trace(model, *batch))
    assert next(f for f in worse if f.code == "dead_units").severity == "severe"
    assert "100%" in next(f for f in worse if f.code == "dead_units").meaning


def test_units_that_are_off_by_chance_deep_in_a_network_are_not_dead(batch):
    signals = trace(network(depth=40, width=100), *batch)
    assert max(layer.share_dead for layer in signals.hidden) > 0.25
    assert "dead_units" not in clinic.examine(signals).codes


@pytest.mark.parametrize(("off", "on", "counted"), [(0.5, 0.2, 0), (0.9, 0.1, 0.8), (0.3, 0, 0.3)])
def test_a_surplus_of_dead_units_that_chance_explains_does_not_count(off, on, counted, batch):
    layer = replace(trace(network(), *batch).layers[0], share_dead=off, share_on=on, units=20)
    assert units.surplus(layer) == pytest.approx(counted)


def test_equal_weights(batch):
    model = network("tanh", depth=3)
    for W in model.weights[1:]:
        W[:] = 0.1
    found = clinic.examine(trace(model, *batch))
    assert "layer 2" in found.layers_of("symmetric_weights")
    assert "layer 1" not in found.layers_of("symmetric_weights")
    model = network("tanh", depth=3)
    model.weights[1][:, 1] = model.weights[1][:, 0]
    found = clinic.examine(trace(model, *batch))
    assert (found.codes, found[0].severity) == (("symmetric_weights",), "mild")  # the next weights differ
    assert found[0].evidence[0].value == pytest.approx(2 / WIDTH)


def test_a_layer_that_begins_at_0_with_random_ones_around_it_is_not_symmetric(batch):
    model = network("tanh", depth=1)
    model.weights[-1][:] = 0
    assert clinic.examine(trace(model, *batch)) == ()


def test_numbers_that_are_not_finite(batch):
    model = network(depth=3)
    model.weights[1][0, 0] = np.nan
    found = clinic.examine(trace(model, *batch))
    assert found.codes == ("non_finite_values",)
    assert found[0].layers == ("layer 2", "layer 3", "layer 4")
    x = batch[0].copy()
    x[3, 3] = np.inf
    assert clinic.examine(trace(network(), x, batch[1])).codes == ("non_finite_values",)
    overflow = clinic.examine(trace(network(depth=9, gain=1e20, dtype=np.float32), *batch))
    assert overflow.codes[:2] == ("non_finite_values", "exploding_signal")


# Inputs


@pytest.mark.parametrize(
    ("change", "code", "severity"),
    [
        (lambda x: 100 * x, "unscaled_inputs", "severe"),
        (lambda x: 8 * x, "unscaled_inputs", "mild"),
        (lambda x: 1e-4 * x, "unscaled_inputs", "severe"),
        (lambda x: x * np.where(np.arange(WIDTH) == 0, 30, 1), "unscaled_inputs", "mild"),
        (lambda x: x * np.where(np.arange(WIDTH) == 0, 1e3, 1), "unscaled_inputs", "severe"),
        (lambda x: x + 20, "uncentered_inputs", "severe"),
        (lambda x: x + 2, "uncentered_inputs", "mild"),
        (lambda x: x * 0 + 1, "constant_inputs", "severe"),
        (lambda x: x * (np.arange(WIDTH) < 10), "constant_inputs", "mild"),
    ],
)
def test_inputs(change, code, severity, batch):
    found = [
        f for f in clinic.examine(trace(network("tanh", 1), change(batch[0]), batch[1])) if "inputs" in f.code
    ]
    told = {f.code: (f.severity, f.layers) for f in found}
    assert told.get(code) == (severity, ())
    assert set(told) <= {code, "unscaled_inputs"}


@pytest.mark.parametrize(
    "change", [lambda x: x, lambda x: x + 0.8, lambda x: (x > 0) * 1.0, lambda x: 0.3 * x + 0.3]
)
def test_usual_inputs(change, batch):
    assert clinic.examine(trace(network("tanh", 1), change(batch[0]), batch[1])) == ()


def test_features_that_are_seldom_anything_are_not_stuck(rng, batch):
    """A bag of words: of rare words most are absent from a batch, some occur once."""
    x = (rng.random((64, WIDTH)) < np.where(np.arange(WIDTH) < 4, 0.5, 0.004)) * 1.0
    assert (x.std(axis=0) == 0).mean() > inputs.CONSTANT_MILD
    assert "constant_inputs" not in clinic.examine(trace(network("tanh", 1), x, batch[1])).codes


# Batch normalization


def test_fresh_moving_statistics_are_not_stale(batch):
    assert clinic.examine(trace(normalized(), *batch)) == ()
    assert clinic.examine(trace(normalized(), 3 * batch[0], batch[1])).codes == ()


def test_trained_and_then_lost_statistics_are_stale(batch):
    model = normalized()
    train(model, *batch, learning_rate=0.1, steps=600, batch_size=64, rng=np.random.default_rng(0))
    assert "stale_moving_statistics" not in clinic.examine(trace(model, *batch)).codes
    norm = next(layer for layer in model.flat() if layer.kind == "batch_norm")
    norm.running = replace(norm.running, mean=norm.running.mean + 5)
    found = clinic.examine(trace(model, *batch))
    assert found.layers_of("stale_moving_statistics") == ("layer 1",)
    assert next(f for f in found if f.code == "stale_moving_statistics").severity == "severe"


def test_small_batches(rng):
    for count, severity in ((2, "severe"), (8, "mild")):
        x, y = rng.normal(size=(count, WIDTH)), rng.integers(CLASSES, size=count)
        found = clinic.examine(trace(normalized(), x, y))
        told = {f.code: f for f in found}["batch_too_small_for_batch_norm"]
        assert (told.severity, told.layers, told.evidence[0].value) == (severity, hidden(1, 3), count)


def test_a_bias_before_batch_normalization(batch):
    model = normalized()
    dense = [layer for layer in model.flat() if layer.kind == "dense"]
    dense[1].b = np.zeros(WIDTH)
    found = clinic.examine(trace(model, *batch))
    assert (found.codes, found[0].layers) == (("useless_bias_before_batch_norm",), ("layer 2",))
    assert clinic.examine(trace(normalized(normalized="after"), *batch)) == ()


def test_dropout_before_batch_normalization(batch):
    found = clinic.examine(trace(normalized(dropout=0.5), *batch))
    assert (found.codes, found[0].severity) == (("dropout_before_batch_norm",), "severe")
    assert found[0].layers == hidden(1, 3)
    assert clinic.examine(trace(normalized(dropout=0.2), *batch))[0].severity == "mild"
    assert clinic.examine(trace(normalized(normalized=None, dropout=0.5), *batch)) == ()
    assert dropped_before_norm(("dense", "dropout", "activation", "batch_norm"))
    assert not dropped_before_norm(("dense", "alpha_dropout", "batch_norm"))
    assert not dropped_before_norm(("dense", "batch_norm", "activation", "dropout"))


def test_a_nonlinearity_between_the_logits_and_the_loss(batch):
    model = normalized(normalized=None)
    model.layers.append(Nonlinearity(ACTIVATIONS["relu"]))
    found = clinic.examine(trace(model, *batch))
    assert (found[0].code, found[0].severity) == ("output_activation_mismatch", "severe")
    assert found[0].layers == ("layer 4",)


# Depth, and what is no illness there


def test_the_branches_of_a_residual_network_may_begin_with_zeros(batch):
    model = normalized(depth=6, normalized=None, skips=True)
    for layer in model.layers[2:-1:2]:
        layer.layers[0].W[:] *= 0
    assert "vanishing_gradient" not in clinic.examine(trace(model, *batch)).codes


def test_what_batch_normalization_adds_to_the_gradient_is_never_severe(batch):
    found = clinic.examine(trace(normalized(depth=40), *batch))
    assert (found.codes, found[0].severity) == (("exploding_gradient",), "mild")


def test_chance_is_allowed_for_by_width():
    layer = trace(network(), np.ones((2, WIDTH)), np.zeros(2, int)).layers[0]
    narrow, wide = ([replace(layer, units=width)] * 10 for width in (10, 1000))
    assert passing.allowance(narrow)[-1] == pytest.approx(3 * np.sqrt(10 * 1.25 / 10))
    assert passing.allowance(wide)[-1] == pytest.approx(passing.allowance(narrow)[-1] / 10)


# How findings are told


def two_findings():
    one = clinic.Evidence("share of flat places", 0.9, 0.7, "layer <3>")
    other = clinic.Evidence("std of the inputs", 90.0, 20.0)
    pair = [finding("saturated_units", False, [one]), finding("unscaled_inputs", True, [other])]
    return Findings(pair, "3 layers on 8 examples")


def test_findings_are_a_tuple_most_serious_first():
    found = two_findings()
    assert isinstance(found, tuple)
    assert found.codes == ("unscaled_inputs", "saturated_units")
    assert [f.severity for f in found] == ["severe", "mild"]
    assert found.layers_of("saturated_units") == ("layer <3>",)
    assert found.layers_of("dead_units") == ()


def test_findings_print_as_aligned_text():
    lines = repr(two_findings()).splitlines()
    assert lines[0] == "2 findings in 3 layers on 8 examples:"
    heads, severe, mild = lines[2:5]
    for head, *cells in (("code", "unscaled_inputs", "saturated_units"), ("layers", "–", "layer <3>")):
        assert [line.index(cell) for line, cell in zip((severe, mild), cells, strict=True)] == [
            heads.index(head)
        ] * 2
    assert "  std of the inputs: 90, above 20" in lines
    assert "  share of flat places: 0.9, above 0.7 (layer <3>)" in lines
    assert max(map(len, lines)) < 140


def test_findings_show_as_a_table_with_links():
    html = two_findings()._repr_html_()
    assert html.count("<tr>") == 3
    assert '<a href="05_prepare_the_inputs.ipynb">' in html
    assert "layer &lt;3&gt;" in html
    assert "<3>" not in html


def test_nothing_found_is_said_with_what_was_looked_at(batch):
    found = clinic.examine(trace(network(), *batch))
    assert repr(found) == "No findings in 5 layers on 64 examples."
    assert "No findings in 5 layers" in found._repr_html_()


def test_every_code_has_its_words_and_its_lesson():
    assert len(clinic.CODES) == 19
    for code in clinic.CODES:
        told = finding(code, True, [clinic.Evidence("a", 0.5, 0.1)])
        assert told.meaning.endswith(".")
        assert told.advice.endswith(".")
        assert "{" not in told.meaning
        assert told.lesson[:2].isdigit()
        if int(told.lesson[:2]) < 9:
            assert (ROOT / "notebooks" / f"{told.lesson}.ipynb").exists()


@pytest.mark.parametrize("bad", [None, 3, "trace", Path()])
def test_only_traces_and_recordings_are_examined(bad):
    with pytest.raises(ValueError, match="a Trace is needed"):
        clinic.examine(bad)
    with pytest.raises(ValueError, match="a Recording of a run is needed"):
        clinic.examine_training(bad)


@pytest.mark.parametrize("scale", [0, 1e-300, 1e-30, 1e30, np.nan])
@pytest.mark.parametrize("name", NAMES)
def test_any_scale_is_told_and_never_raises(name, scale, batch):
    """RuntimeWarning from helpers is an error, see pyproject.toml."""
    for examples in (1, 64):
        x, y = batch[0][:examples], batch[1][:examples]
        signals = trace(network(name, gain=scale), x, y)
        assert clinic.examine(signals) or scale == 1
        assert repr(clinic.examine(trace(network(name), scale * x, y)))


def test_one_layer_alone(batch):
    model = Stack([Dense(np.random.default_rng(0).normal(size=(WIDTH, CLASSES)), None)])
    assert clinic.examine(trace(model, *batch)) == ()


# The figure


def test_findings_are_marked_on_the_layers_that_they_name(batch):
    model = network("sigmoid", 8)
    signals = trace(model, 100 * batch[0], batch[1])
    found = clinic.examine(signals)
    picture = marked(signals, found)
    panels = picture.axes
    assert [panel.get_title() for panel in panels] == [
        "std of z",
        "norm of the gradient of z",
        "share of units",
    ]
    rings = {line.get_label(): line for panel in panels for line in panel.lines if "(" in line.get_label()}
    vanished = rings["vanishing_gradient (severe)"]
    assert tuple(f"layer {x}" for x in vanished.get_xdata()) == found.layers_of("vanishing_gradient")
    np.testing.assert_allclose(10 ** vanished.get_ydata()[0], signals.layers[0].grad_z_norm)
    assert vanished in panels[1].lines
    assert rings["saturated_units (severe)"] in panels[2].lines
    assert "unscaled_inputs (severe)" in picture.get_suptitle()
    assert "vanishing_gradient" in picture.alt


@pytest.mark.parametrize("gain", [0, 1, 1e60])
def test_the_figure_shows_any_trace(gain, batch):
    signals = trace(network(gain=gain), *batch)
    found = clinic.examine(signals)
    assert len(marked(signals, found)._repr_png_()) > 5000
    assert (marked(signals, found).get_suptitle() == "no findings") == (gain == 1)
