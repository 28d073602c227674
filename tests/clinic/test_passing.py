"""The rules about signal and gradient over depth, and from which factor on each is an illness."""

from dataclasses import replace
from math import exp, pi

import numpy as np
import pytest

from helpers import clinic
from helpers.clinic import passing
from helpers.signals.trace import trace
from tests.clinic.cases import (
    WIDTH,
    batch_norm_layer,
    codes,
    layer,
    made_up_trace,
    network,
    normalized,
    severities,
    small_keras,
)
from tests.keras_models import table


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


def test_the_branches_of_a_residual_network_may_begin_with_zeros(batch):
    model = normalized(depth=6, normalized=None, skips=True)
    for skip in model.layers[2:-1:2]:
        skip.layers[0].W[:] *= 0
    assert "vanishing_gradient" not in clinic.examine(trace(model, *batch)).codes


def test_what_batch_normalization_adds_to_the_gradient_is_never_severe(batch):
    found = clinic.examine(trace(normalized(depth=40), *batch))
    assert (found.codes, found[0].severity) == (("exploding_gradient",), "mild")


def test_chance_is_allowed_for_by_width():
    layer = trace(network(), np.ones((2, WIDTH)), np.zeros(2, int)).layers[0]
    narrow, wide = ([replace(layer, units=width)] * 10 for width in (10, 1000))
    assert passing.allowance(narrow)[-1] == pytest.approx(3 * np.sqrt(10 * 1.25 / 10))
    assert passing.allowance(wide)[-1] == pytest.approx(passing.allowance(narrow)[-1] / 10)


def test_nan_in_the_inputs_is_a_finding(keras):
    x = table()
    x[0, 0] = np.nan
    assert codes(small_keras(keras, keras.layers.Dense(8, "relu")), x) == {"non_finite_values": "severe"}


# From which factor on: layers made up number by number, so wide that nothing happens by chance


def told(layers, output=1.0):
    """What is found in these layers and an output of this spread, severity by code."""
    end = layer(output=True, z_std=output, parts=("dense",))
    return severities(passing.examine_passing(made_up_trace(*layers, end)))


STEPS = [(3.35, None), (3.65, "mild"), (86, "mild"), (95, "severe")]


@pytest.mark.parametrize(("factor", "severity"), STEPS)
def test_a_factor_of_3_5_over_the_depth_is_mild_and_one_of_90_severe(factor, severity):
    """Healthy networks move by a factor of 2; at 90, mean squares differ by 9 depth scales."""
    assert told([layer(), layer(z_std=factor)], factor).get("exploding_signal") == severity
    assert told([layer(), layer(z_std=1 / factor)]).get("vanishing_signal") == severity
    assert told([layer(grad_z_norm=factor), layer(), layer()]).get("exploding_gradient") == severity
    assert told([layer(grad_z_norm=1 / factor), layer(), layer()]).get("vanishing_gradient") == severity


@pytest.mark.parametrize("factor", [1e6, 1e-6])
def test_the_first_layer_counts_no_further_from_its_inputs_than_90_times(factor):
    far = layer(z_std=factor)
    growth = passing.signal_growth(made_up_trace(far, far), [far, far])
    assert growth == pytest.approx([np.sign(np.log(factor)) * np.log(1e6 / 90)] * 2, abs=0.05)


@pytest.mark.parametrize(("factor", "severity"), [(exp(2.9), None), (exp(3.1), "mild")])
def test_with_batch_normalization_a_gradient_may_grow_over_six_depth_scales(factor, severity):
    """A mean square changes by e⁶ over six of them, a norm by e³."""
    layers = [batch_norm_layer(grad_z_norm=factor), batch_norm_layer(), batch_norm_layer()]
    assert told(layers).get("exploding_gradient") == severity


@pytest.mark.parametrize(("beyond", "severity"), [(0.95, "mild"), (1.05, "severe")])
def test_what_batch_normalization_adds_by_itself_is_no_part_of_what_is_severe(beyond, severity):
    """√(π / (π − 1)) per layer, Yang et al. 2019; and the factor of 90 as without it."""
    own = (pi / (pi - 1)) ** (20 / 2)
    layers = [batch_norm_layer(grad_z_norm=beyond * 90 * own), *[batch_norm_layer()] * 19]
    assert told(layers).get("exploding_gradient") == severity


@pytest.mark.parametrize(("log", "severity"), [(4.5, None), (4.7, "mild")])
def test_ten_layers_of_ten_units_may_move_by_three_deviations_more(log, severity):
    """ln‖h‖ has the variance 5/4 · depth / width (lesson 02): 3.5-fold, and 3 √1.25 = 3.35 in ln."""
    narrow = [layer(units=10)] * 9
    assert told([*narrow, layer(units=10, z_std=exp(log))], exp(log)).get("exploding_signal") == severity


def test_a_convolution_adds_up_as_many_terms_as_its_kernel_has():
    wide, conv = layer(units=90), layer(kind="conv", units=10, fan_in=90)
    assert passing.allowance([conv]) == pytest.approx(passing.allowance([wide]))
    assert passing.allowance([layer(units=10, fan_in=90)]) > passing.allowance([conv])
