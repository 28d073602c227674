"""The dead-units lab: who falls silent, who comes back, and what is drawn of it."""

from itertools import product

import numpy as np
import pytest

from helpers import labs
from helpers.labs.dead_relu import STEPS, UNITS, small_images, train_small
from helpers.numerics.activations import with_parameter
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def dead():
    return labs.dead_relu_lab()


def lines(lab, title):
    """Return the y of ReLU and of Leaky ReLU in one panel."""
    named = {mark.label: mark.y for mark in lab.frame.panel(title).marks if mark.label}
    assert list(named) == ["ReLU", "Leaky ReLU"]
    return list(named.values())


def test_small_images_are_means_of_blocks():
    x, y = small_images()
    assert x.shape == (200, 49)
    assert (x.mean(), x.std()) == pytest.approx((0, 1), abs=1e-9)
    assert set(y) <= set(range(10))


def test_rate_0_changes_nothing(dead):
    dead.set(rate=0, bias=0, slope=0.01, seed=3)
    for drawn in (*lines(dead, "share"), *lines(dead, "training loss")):
        assert len(drawn) == STEPS + 1
        assert np.ptp(drawn) == 0


def test_a_silent_relu_unit_stays_silent():
    x, y = small_images()
    for rate, seed in product((0.5, 2, 10), range(3)):
        assert (np.diff(train_small("relu", x, y, rate, -2.0, seed).silent) >= 0).all()


def test_higher_rates_and_lower_biases_silence_more(dead):
    shares = []
    for rate, bias in ((0.1, 0), (10, 0), (0.1, -10)):
        dead.set(rate=rate, bias=bias, slope=0.01, seed=0)
        shares.append(dead.numbers["silent_relu"])
    assert shares[0] < 0.1 < 0.5 < shares[1]
    assert shares[2] == 1
    assert "All ReLU units are dead" in dead.frame.words


def test_leaky_units_come_back_where_relu_s_do_not(dead):
    dead.set(rate=1, bias=-5, slope=0.3, seed=0)
    assert dead.numbers["silent_relu"] > 0.9
    assert dead.numbers["silent_leaky"] < 0.2
    assert dead.numbers["loss_leaky"] < dead.numbers["loss_relu"]


def test_overflow_is_told_in_words(dead):
    dead.set(rate=100, bias=2, slope=1)
    assert "out of all bounds" in dead.frame.words
    assert dead.trouble is None


def test_a_leaky_network_that_explodes_where_relu_dies_is_explained(dead):
    dead.set(rate=10, bias=0, slope=0.01, seed=0)
    assert dead.numbers["loss_relu"] < 5 < 1e6 < dead.numbers["loss_leaky"]
    assert "Nothing here can die" in dead.frame.words
    assert f"{dead.numbers['silent_relu']:.0%}" in dead.frame.words


def test_drawn_units_are_sorted_and_cut_off(dead):
    dead.set(rate=3, bias=0, slope=0.01, seed=0)
    for z in lines(dead, "largest z"):
        assert len(z) == UNITS
        assert (np.diff(z) >= 0).all()
        assert np.abs(z).max() <= 10


def test_lines_are_the_runs(dead):
    dead.set(rate=1, bias=-1, slope=0.1, seed=4)
    runs = [train_small(f, *small_images(), 1, -1, 4) for f in ("relu", with_parameter("leaky_relu", 0.1))]
    for drawn, run in zip(lines(dead, "share"), runs, strict=True):
        assert np.array_equal(drawn, run.silent)
    for drawn, run in zip(lines(dead, "training loss"), runs, strict=True):
        assert np.array_equal(drawn, np.minimum(run.loss, 5))
    for drawn, run in zip(lines(dead, "largest z"), runs, strict=True):
        assert np.array_equal(drawn, np.clip(run.largest, -10, 10))
    told = {run: dead.numbers[f"loss_{run}"] for run in ("relu", "leaky")}
    assert told == {"relu": runs[0].loss[-1], "leaky": runs[1].loss[-1]}


def test_every_control_moves_the_picture():
    assert idle_controls(labs.dead_relu_lab()) == []
