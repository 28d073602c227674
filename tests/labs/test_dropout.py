"""The dropout lab: the drawn pass, the sample and its exact expectation."""

import numpy as np
import pytest

from helpers import labs
from helpers.labs import dropout as dropout_module
from helpers.numerics.dropout import all_masks, mask_probabilities, thinned_outputs
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def lab():
    return labs.dropout_lab()


@pytest.mark.parametrize("method", ["inverted", "vanilla"])
@pytest.mark.parametrize("rate", [0.2, 0.5, 0.8])
def test_the_drawn_pass_is_the_network_under_its_mask(lab, method, rate):
    lab.set(mode="training", method=method, rate=rate, draw=7, image=2)
    kept = lab.chances[6] >= rate
    factor = 1 / (1 - rate) if method == "inverted" else 1
    h = lab.images[1]
    for W, part in zip(lab.weights[:-1], np.split(kept, 2), strict=True):
        h = factor * part * np.maximum(h @ W, 0)
    np.testing.assert_allclose(lab.dots["sample"].get_ydata(), h @ lab.weights[-1])
    assert lab.numbers["off"] == np.sum(~kept) == len(lab.units[1].get_xdata())
    assert lab.numbers["sample_3"] == pytest.approx((h @ lab.weights[-1])[-1])


@pytest.mark.parametrize(("method", "factor", "scale"), [("inverted", 2, 1), ("vanilla", 1, 0.5)])
def test_expected_and_testing(lab, method, factor, scale):
    lab.set(mode="training", method=method, rate=0.5, image=3)
    x, masks = lab.images[2], all_masks(12)
    expected = mask_probabilities(masks, 0.5) @ thinned_outputs(x, lab.weights, masks, factor)
    np.testing.assert_allclose(lab.dots["expected"].get_ydata(), expected)
    testing = thinned_outputs(x, lab.weights, np.ones((1, 12), bool), scale)[0]
    np.testing.assert_allclose(lab.dots["whole"].get_ydata(), testing)
    lab.set(mode="testing")
    np.testing.assert_allclose(lab.dots["sample"].get_ydata(), testing)
    assert lab.numbers["off"] == 0


def test_the_running_mean_is_that_of_the_draws(lab):
    lab.set(mode="training", method="inverted", rate=0.3, image=1)
    samples = []
    for draw in range(1, 6):
        lab.set(draw=draw)
        samples.append(lab.numbers["sample_3"])
        assert lab.numbers["mean_3"] == pytest.approx(np.mean(samples))
    np.testing.assert_allclose(lab.lines[0].get_ydata(), np.cumsum(samples) / np.arange(1, 6))


def test_many_draws_come_near_the_expectation(lab):
    lab.set(mode="training", method="inverted", rate=0.5, image=1, draw=200)
    outputs = thinned_outputs(lab.images[0], lab.weights, lab.chances >= 0.5, 2)
    near = 4 * outputs.std(axis=0) / np.sqrt(200)
    assert (np.abs(outputs.mean(axis=0) - lab.dots["expected"].get_ydata()) < near).all()


def test_no_line_leads_to_or_from_a_unit_that_is_off(lab):
    lab.set(mode="training", rate=0.5, draw=3)
    off = {tuple(place) for place in lab.units[1].get_xydata()}
    ends = {tuple(end) for line in lab.edges.get_segments() for end in line}
    assert off
    assert not off & ends


def test_what_a_unit_says_is_its_activation(lab):
    lab.set(mode="training", rate=0.5, draw=3)
    told = [[float(text.get_text()) for text in texts] for texts in lab.texts]
    np.testing.assert_allclose(told[0], lab.images[lab.values["image"] - 1], atol=0.006)
    np.testing.assert_allclose(told[-1], lab.dots["sample"].get_ydata(), atol=0.006)


def test_extremes_are_told_in_words(lab):
    lab.set(mode="training", rate=0, draw=5)
    assert lab._message.get_text() == dropout_module.TEXT["nothing"]
    assert lab.numbers["sample_3"] == pytest.approx(lab.numbers["testing_3"])
    lab.set(rate=0.95)
    assert lab._message.get_text() == dropout_module.TEXT["cut"]
    lab.set(mode="testing")
    assert lab._message.get_text() == dropout_module.TEXT["still"]


def test_every_control_moves_the_picture():
    assert idle_controls(labs.dropout_lab()) == []
