"""The batch size lab: statistics, moving averages and outputs, against their formulas."""

import numpy as np
import pytest

from helpers import data, labs
from helpers.labs.batch_size import REACH, SIZES, TIMES, draw, drawn_once, moving_average
from helpers.networks.mlp import MLP
from helpers.numerics.normalization import initial_statistics, update_running
from tests.labs.driving import idle_controls

EPS = 1e-3


@pytest.fixture(scope="module")
def size_lab():
    return labs.batch_size_lab()


@pytest.fixture
def sizes(size_lab):
    size_lab.set(size=8, momentum=0.99, seen=100)
    return size_lab


@pytest.fixture(scope="module")
def unit():
    """Return the unit that the lab shows, with the draws of every size."""
    return drawn_once(data.fetch())


def mark(lab, title, label):
    """Return the mark of a label on the panel of a title."""
    return next(found for found in lab.frame.panel(title).marks if found.label.startswith(label))


def ring(lab):
    """Return where the ring stands that marks the present size."""
    (found,) = (found for found in lab.frame.panel("their mean").marks if found.look == "ring")
    return found.x[0], found.y[0]


def test_it_shows_a_real_unit(sizes, unit):
    x, _ = data.load_batch(10_000)
    W = MLP((784, 100, 10), rng=np.random.default_rng(0)).weights[0][:, 3]
    z = x.astype(np.float64) @ W
    np.testing.assert_allclose(unit.z, z, atol=1e-4)
    assert sizes.numbers["variance_of_all"] == pytest.approx(z.var(), rel=1e-5)
    assert unit.mean == pytest.approx(z.mean(), rel=1e-5)
    assert set(mark(sizes, "moving mean", "all images").y) == {unit.mean}
    assert set(mark(sizes, "moving variance", "all images").y) == {unit.variance}


@pytest.mark.parametrize("size", SIZES)
def test_the_bias_is_as_predicted(sizes, unit, size):
    """The mean of 2,000 independent estimates lies within four of its own standard errors."""
    sizes.set(size=size)
    error = 4 * unit.draws[size].variance.std() / 2000**0.5
    assert sizes.numbers["predicted_biased"] == pytest.approx((size - 1) / size * unit.variance)
    assert sizes.numbers["biased"] == pytest.approx(sizes.numbers["predicted_biased"], abs=error + 1e-12)
    assert ring(sizes) == pytest.approx((size, sizes.numbers["biased"] / unit.variance))


def test_the_bias_of_every_size_is_shown(sizes, unit):
    _, corrected, biased, predicted, _ = sizes.frame.panel("their mean").marks
    assert tuple(biased.x) == SIZES
    ratios = [unit.draws[size].variance.mean() / unit.variance for size in SIZES]
    np.testing.assert_allclose(biased.y, ratios)
    np.testing.assert_allclose(corrected.y, np.array(ratios[1:]) * corrected.x / (corrected.x - 1))
    np.testing.assert_allclose(predicted.y, 1 - 1 / predicted.x)


def test_estimates_are_counted_with_and_without_the_correction(sizes, unit):
    biased = unit.draws[8].variance / unit.variance
    *histograms, _ = sizes.frame.panel("variance estimates").marks
    for bars, estimates in zip(histograms, (biased, biased * 8 / 7), strict=True):
        counts, _ = np.histogram(np.clip(estimates, 0, 3 - 1e-9), bins=60, range=(0, 3))
        np.testing.assert_allclose(bars.heights, counts / counts.max())
        assert (bars.low, bars.high) == (0, 3)


@pytest.mark.parametrize(("line", "convention"), [("biased", "keras"), ("unbiased", "pytorch")])
@pytest.mark.parametrize(("size", "momentum", "seen"), [(8, 0.99, 100), (2, 0.5, 7), (64, 0.998, 300)])
def test_moving_values_are_those_of_the_convention(sizes, unit, line, convention, size, momentum, seen):
    sizes.set(size=size, momentum=momentum, seen=seen)
    statistics, draws = initial_statistics(1), unit.draws[size]
    weighs = momentum if convention == "keras" else 1 - momentum  # PyTorch's momentum is on the new value
    for mean, variance in zip(draws.mean[:seen], draws.variance[:seen], strict=True):
        statistics = update_running(
            statistics, np.array([mean]), np.array([variance]), size, convention, momentum=weighs
        )
    shown = mark(sizes, "moving variance", line)
    assert shown.x[-1] == seen
    assert shown.y[-1] == pytest.approx(statistics.variance[0], rel=1e-9)
    assert sizes.numbers["moving_mean"] == pytest.approx(statistics.mean[0], rel=1e-9)
    if convention == "keras":
        assert sizes.numbers["moving_variance"] == pytest.approx(statistics.variance[0], rel=1e-9)


def test_moving_values_approach_as_predicted(sizes, unit):
    sizes.set(size=32, momentum=0.99, seen=1000)
    for title, start, average in (
        ("moving mean", 0, unit.mean),
        ("moving variance", 1, 31 / 32 * unit.variance),
    ):
        predicted = mark(sizes, title, "predicted")
        kept = 0.99**predicted.x
        np.testing.assert_allclose(predicted.y, start * kept + average * (1 - kept), rtol=1e-9)
        np.testing.assert_allclose(mark(sizes, title, "biased").y, predicted.y, atol=0.1)


def test_moving_average_is_the_sum_written_out():
    values = np.array([3.0, -1.0, 5.0])
    expected = [2, 0.8 * 2 + 0.2 * 3, 0.64 * 2 + 0.16 * 3 - 0.2, 0.512 * 2 + 0.128 * 3 - 0.16 + 1]
    assert moving_average(values, 2, 0.8) == pytest.approx(expected)


def test_training_and_inference_come_together_with_large_batches(sizes):
    spread, gap = [], []
    for size in (4, 16, 64, 512):
        sizes.set(size=size, seen=1000)
        spread.append(sizes.numbers["spread_in_training"])
        gap.append(sizes.numbers["gap"])
    assert spread == sorted(spread, reverse=True)
    assert gap == sorted(gap, reverse=True)
    assert gap[-1] < 0.1 < 0.4 < gap[0]


def test_outputs_in_training_are_those_of_their_batches(sizes, unit):
    rng = np.random.default_rng(8)
    batches = unit.z[rng.integers(10_000, size=(8, 2000))]
    outputs = draw(unit.z, unit.followed, 8).outputs
    assert outputs.shape == (TIMES, 9)
    for k in (0, 5, 17, 500):
        column = batches[:, k].copy()
        column[0] = unit.followed[k % 9]
        expected = (column[0] - column.mean()) / np.sqrt(column.var() + EPS)
        assert outputs[k // 9, k % 9] == pytest.approx(expected)
    _, interval, middle, moving = sizes.frame.panel("output of nine").marks
    np.testing.assert_allclose(middle.y, np.median(outputs, axis=0))
    ends = interval.y.reshape(9, 3)  # low, high, and a gap
    np.testing.assert_allclose(ends[:, :2].T, np.quantile(outputs, (0.05, 0.95), axis=0))
    assert np.isnan(ends[:, 2]).all()
    mean, variance = sizes.numbers["moving_mean"], sizes.numbers["moving_variance"]
    np.testing.assert_allclose(moving.y, (unit.followed - mean) / np.sqrt(variance + EPS))
    in_order = (unit.followed - unit.mean) / np.sqrt(unit.variance + EPS)
    np.testing.assert_allclose(middle.x, in_order)
    np.testing.assert_allclose(interval.x, np.repeat(in_order, 3))


def test_a_batch_of_one_explains_itself(sizes, unit):
    sizes.set(size=1, momentum=0.9, seen=1000)
    assert "batch of 1" in sizes.frame.words
    assert (unit.draws[1].outputs == 0).all()
    assert sizes.numbers["biased"] == sizes.numbers["spread_in_training"] == 0
    assert sizes.numbers["moving_variance"] == pytest.approx(0.9**1000, rel=1e-6)
    assert np.isnan(mark(sizes, "moving variance", "unbiased").y).all()
    assert (
        np.abs(mark(sizes, "output", "at inference").y).max() == REACH
    )  # held at the frame's edge, not lost


def test_a_batch_of_two_gives_plus_or_minus_one(sizes, unit):
    sizes.set(size=2)
    assert "batch of 2" in sizes.frame.words
    assert np.mean(np.abs(unit.draws[2].outputs) > 0.9) > 0.85


def test_what_lies_beyond_the_frame_is_told(sizes, unit):
    told = []
    for size in (3, 4, 5, 6):
        for seen in (1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100):
            sizes.set(size=size, momentum=0, seen=seen)
            mean, variance = sizes.numbers["moving_mean"], sizes.numbers["moving_variance"]
            beyond = int((np.abs((unit.followed - mean) / np.sqrt(variance + EPS)) > REACH).sum())
            told.append(beyond > 0)
            assert (f"{beyond} of 9" in sizes.frame.words) == (beyond > 0)
    assert any(told)


def test_every_control_moves_the_picture():
    assert idle_controls(labs.batch_size_lab()) == []
