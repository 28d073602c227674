"""The rules about units: saturated, dead, all alike, and from which share on."""

from dataclasses import replace

import pytest

from helpers import clinic
from helpers.clinic import units
from helpers.signals.trace import trace
from tests.clinic.cases import WIDTH, layer, made_up_trace, network, severities


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


# From which share on: layers made up number by number


def told(*layers):
    """What is found in these layers, severity by code."""
    return severities(units.examine_units(made_up_trace(*layers)))


BOTH = [(0.31, None), (0.33, "mild"), (0.68, "mild"), (0.72, "severe")]
ONE = [(0.58, None), (0.62, "mild"), (0.78, "mild"), (0.82, "severe")]
SIDES = {"both sides": BOTH, "left": ONE, "right": ONE}


@pytest.mark.parametrize(
    ("flat", "share", "severity"), [(side, *step) for side, steps in SIDES.items() for step in steps]
)
def test_saturation_by_the_sides_that_are_flat(flat, share, severity):
    """Healthy networks reach 0.30 where both sides are flat, 0.45 where one is."""
    assert told(layer(saturates=flat, share_saturated=share)).get("saturated_units") == severity


@pytest.mark.parametrize(("share", "named"), [(0.25, 1), (0.262, 2)])
def test_beside_a_saturated_layer_four_fifths_of_the_limit_are_enough(share, named):
    ill, near = (layer(saturates="both sides", share_saturated=s) for s in (0.5, share))
    (found,) = units.examine_units(made_up_trace(ill, near))
    assert len(found.layers) == named


@pytest.mark.parametrize(
    ("share", "severity"), [(0.24, None), (0.26, "mild"), (0.48, "mild"), (0.52, "severe")]
)
def test_dead_units_are_mild_above_a_quarter_and_severe_above_a_half(share, severity):
    """Healthy networks reach 0.23."""
    assert told(layer(can_die=True, share_dead=share)).get("dead_units") == severity


@pytest.mark.parametrize(("off", "counted"), [(28, 0.0), (29, 0.19)])
def test_a_surplus_counts_beyond_three_standard_deviations(off, counted):
    """Off minus on has the deviation √(off + on): 28 and 10 are 2.9 of them apart, 29 and 10 are 3.04."""
    assert units.surplus(layer(units=100, share_dead=off / 100, share_on=0.1)) == pytest.approx(counted)


@pytest.mark.parametrize(
    ("equal", "stay", "severity"),
    [(0.0, 0.0, None), (2e-2, 0.0, "mild"), (1.0, 0.48, "mild"), (0.52, 0.52, "severe")],
)
def test_any_pair_of_equal_units_is_mild_and_most_of_a_layer_that_stays_so_severe(equal, stay, severity):
    found = told(layer(share_equal=equal, share_stay_equal=stay))
    assert found.get("symmetric_weights") == severity
