"""The dropout lab: the drawn pass, the sample and its exact expectation."""

import numpy as np
import pytest

from helpers import labs
from helpers.labs import dropout as dropout_module
from helpers.numerics.dropout import all_masks, mask_probabilities, thinned_outputs
from tests.labs.driving import idle_controls, mark

TEXT = dropout_module.TEXT


@pytest.fixture(scope="module")
def lab():
    return labs.dropout_lab()


@pytest.fixture(scope="module")
def given():
    """Return the images' bands, the weights and the chances of the draws."""
    return dropout_module.network()


def outputs(lab, name):
    """Return the three outputs that are drawn under this name."""
    return mark(lab.frame.panel(TEXT["outputs"]), dropout_module.LOOKS[name]).y


def units(lab, state):
    """Return the places of the units that are "on" or "off"."""
    points = mark(lab.frame.panel(TEXT["network"]), f"unit {state}")
    return {(x, y) for x, y in zip(points.x, points.y, strict=True) if np.isfinite(x)}


def lines_between(lab):
    """Return the ends of the lines that are drawn, {look: {((x, y), (x, y)), …}}."""
    panel, found = lab.frame.panel(TEXT["network"]), {}
    for look in ("positive weight", "negative weight"):
        line = mark(panel, look)
        pieces = np.stack([line.x, line.y], axis=1).reshape(-1, 3, 2)[:, :2]
        found[look] = {tuple(map(tuple, piece)) for piece in pieces if np.isfinite(piece).all()}
    return found


@pytest.mark.parametrize("method", ["inverted", "vanilla"])
@pytest.mark.parametrize("rate", [0.2, 0.5, 0.8])
def test_the_drawn_pass_is_the_network_under_its_mask(lab, given, method, rate):
    lab.set(mode="training", method=method, rate=rate, draw=7, image=2)
    images, weights, chances = given
    kept = chances[6] >= rate
    factor = 1 / (1 - rate) if method == "inverted" else 1
    h = images[1]
    for W, part in zip(weights[:-1], np.split(kept, 2), strict=True):
        h = factor * part * np.maximum(h @ W, 0)
    np.testing.assert_allclose(outputs(lab, "sample"), h @ weights[-1])
    assert lab.numbers["off"] == np.sum(~kept) == len(units(lab, "off"))
    assert len(units(lab, "on")) == sum(dropout_module.SIZES) - np.sum(~kept)
    assert lab.numbers["sample_3"] == pytest.approx((h @ weights[-1])[-1])


@pytest.mark.parametrize(("method", "factor", "scale"), [("inverted", 2, 1), ("vanilla", 1, 0.5)])
def test_expected_and_testing(lab, given, method, factor, scale):
    lab.set(mode="training", method=method, rate=0.5, image=3, draw=50)
    images, weights, _ = given
    masks = all_masks(12)
    expected = mask_probabilities(masks, 0.5) @ thinned_outputs(images[2], weights, masks, factor)
    np.testing.assert_allclose(outputs(lab, "expected"), expected)
    testing = thinned_outputs(images[2], weights, np.ones((1, 12), bool), scale)[0]
    np.testing.assert_allclose(outputs(lab, "testing"), testing)
    _, dashed, dotted = lab.frame.panel(TEXT["running"]).marks
    np.testing.assert_allclose(dashed.y, expected[-1])
    np.testing.assert_allclose(dotted.y, testing[-1])
    lab.set(mode="testing")
    np.testing.assert_allclose(outputs(lab, "sample"), testing)
    assert lab.numbers["off"] == 0


def test_the_running_mean_is_that_of_the_draws(lab):
    lab.set(mode="training", method="inverted", rate=0.3, image=1)
    samples = []
    for draw in range(1, 6):
        lab.set(draw=draw)
        samples.append(lab.numbers["sample_3"])
        assert lab.numbers["mean_3"] == pytest.approx(np.mean(samples))
    mean = lab.frame.panel(TEXT["running"]).marks[0]
    np.testing.assert_allclose(mean.y[:5], np.cumsum(samples) / np.arange(1, 6))
    assert np.isnan(mean.y[5:]).all()
    np.testing.assert_array_equal(mean.x, np.arange(1, dropout_module.MOST_DRAWS + 1))


def test_many_draws_come_near_the_expectation(lab, given):
    lab.set(mode="training", method="inverted", rate=0.5, image=1, draw=200)
    images, weights, chances = given
    drawn = thinned_outputs(images[0], weights, chances >= 0.5, 2)
    near = 4 * drawn.std(axis=0) / np.sqrt(200)
    np.testing.assert_allclose(outputs(lab, "mean"), drawn.mean(axis=0))
    assert (np.abs(drawn.mean(axis=0) - outputs(lab, "expected")) < near).all()


def test_lines_join_the_units_that_are_on_by_the_sign_of_their_weight(lab, given):
    lab.set(mode="training", rate=0.5, draw=3)
    on, expected = units(lab, "on"), {"positive weight": set(), "negative weight": set()}
    for W, before, after in zip(given[1], dropout_module.PLACES, dropout_module.PLACES[1:], strict=False):
        for (i, j), w in np.ndenumerate(W):
            ends = tuple(before[i]), tuple(after[j])
            if set(ends) <= on:
                expected["positive weight" if w > 0 else "negative weight"].add(ends)
    assert units(lab, "off")
    assert lines_between(lab) == expected


def test_what_a_unit_says_is_its_activation(lab, given):
    lab.set(mode="training", rate=0.5, draw=3)
    values = mark(lab.frame.panel(TEXT["network"]), "small text")
    told = np.array([float(words) for words in values.words])
    np.testing.assert_allclose(told[:5], given[0][lab.values["image"] - 1], atol=0.006)
    np.testing.assert_allclose(told[-3:], outputs(lab, "sample"), atol=0.006)
    beside = {(x - dropout_module.BESIDE, y): v for x, y, v in zip(values.x, values.y, told, strict=True)}
    for x, y in units(lab, "off"):
        assert beside[min(beside, key=lambda place: np.hypot(place[0] - x, place[1] - y))] == 0


def test_axes_hold_what_is_drawn(lab):
    for rate in dropout_module.RATES:
        lab.set(mode="training", method="inverted", rate=rate, draw=200)
        for title in ("outputs", "running"):
            panel = lab.frame.panel(TEXT[title])
            values = np.concatenate([m.y for m in panel.marks])
            assert panel.y.low <= min(values.min(), 0) <= max(values.max(), 0) <= panel.y.high


def test_extremes_are_told_in_words(lab):
    lab.set(mode="training", rate=0, draw=5)
    assert lab.frame.words == TEXT["nothing"]
    assert lab.numbers["sample_3"] == pytest.approx(lab.numbers["testing_3"])
    lab.set(rate=0.95)
    assert lab.frame.words == TEXT["cut"]
    lab.set(mode="testing")
    assert lab.frame.words == TEXT["still"]


def test_every_control_moves_the_picture():
    assert idle_controls(labs.dropout_lab()) == []
