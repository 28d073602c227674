"""The batch size lab: statistics, moving averages and outputs, against their formulas."""

import numpy as np
import pytest

from helpers import data, labs
from helpers.labs.batch_size import REACH, SIZES, TIMES, draw, moving_average
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


def test_it_shows_a_real_unit(sizes):
    x, _ = data.load_batch(10_000)
    W = MLP((784, 100, 10), rng=np.random.default_rng(0)).weights[0][:, 3]
    z = x.astype(np.float64) @ W
    np.testing.assert_allclose(sizes.z, z, atol=1e-4)
    assert sizes.numbers["variance_of_all"] == pytest.approx(z.var(), rel=1e-5)
    assert sizes.mean == pytest.approx(z.mean(), rel=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_the_bias_is_as_predicted(sizes, size):
    """The mean of 2,000 independent estimates lies within four of its own standard errors."""
    sizes.set(size=size)
    error = 4 * sizes.draws[size].variance.std() / 2000**0.5
    assert sizes.numbers["predicted_biased"] == pytest.approx((size - 1) / size * sizes.variance)
    assert sizes.numbers["biased"] == pytest.approx(sizes.numbers["predicted_biased"], abs=error + 1e-12)
    x, y = sizes.ring.get_data()
    assert 2 ** x[0] == pytest.approx(size)
    assert y[0] == pytest.approx(sizes.numbers["biased"] / sizes.variance)


def test_estimates_are_counted_with_and_without_the_correction(sizes):
    biased = sizes.draws[8].variance / sizes.variance
    for bars, estimates in zip(sizes.estimates, (biased, biased * 8 / 7), strict=True):
        counts, _ = np.histogram(np.clip(estimates, 0, 3 - 1e-9), bins=60, range=(0, 3))
        np.testing.assert_allclose(bars.get_data().values, counts / counts.max())


@pytest.mark.parametrize(("line", "convention"), [("biased", "keras"), ("unbiased", "pytorch")])
@pytest.mark.parametrize(("size", "momentum", "seen"), [(8, 0.99, 100), (2, 0.5, 7), (64, 0.998, 300)])
def test_moving_values_are_those_of_the_convention(sizes, line, convention, size, momentum, seen):
    sizes.set(size=size, momentum=momentum, seen=seen)
    statistics, draws = initial_statistics(1), sizes.draws[size]
    weighs = momentum if convention == "keras" else 1 - momentum  # PyTorch's momentum is on the new value
    for mean, variance in zip(draws.mean[:seen], draws.variance[:seen], strict=True):
        statistics = update_running(
            statistics, np.array([mean]), np.array([variance]), size, convention, momentum=weighs
        )
    x, y = sizes.moving_variance.lines[line].get_data()
    assert 10 ** x[-1] == pytest.approx(seen)
    assert y[-1] == pytest.approx(statistics.variance[0], rel=1e-9)
    assert sizes.numbers["moving_mean"] == pytest.approx(statistics.mean[0], rel=1e-9)
    if convention == "keras":
        assert sizes.numbers["moving_variance"] == pytest.approx(statistics.variance[0], rel=1e-9)


def test_moving_values_approach_as_predicted(sizes):
    sizes.set(size=32, momentum=0.99, seen=1000)
    for panel, start, average in (
        (sizes.moving_mean, 0, sizes.mean),
        (sizes.moving_variance, 1, 31 / 32 * sizes.variance),
    ):
        x, predicted = panel.predicted[0].get_data()
        t = np.round(10**x)
        np.testing.assert_allclose(predicted, start * 0.99**t + average * (1 - 0.99**t), rtol=1e-9)
        np.testing.assert_allclose(panel.lines["biased"].get_ydata(), predicted, atol=0.1)


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


def test_outputs_in_training_are_those_of_their_batches(sizes):
    rng = np.random.default_rng(8)
    batches = sizes.z[rng.integers(10_000, size=(8, 2000))]
    outputs = draw(sizes.z, sizes.followed, 8).outputs
    assert outputs.shape == (TIMES, 9)
    for k in (0, 5, 17, 500):
        column = batches[:, k].copy()
        column[0] = sizes.followed[k % 9]
        expected = (column[0] - column.mean()) / np.sqrt(column.var() + EPS)
        assert outputs[k // 9, k % 9] == pytest.approx(expected)
    _, middle, moving = sizes.outputs
    np.testing.assert_allclose(middle.get_ydata(), np.median(outputs, axis=0))
    mean, variance = sizes.numbers["moving_mean"], sizes.numbers["moving_variance"]
    np.testing.assert_allclose(moving.get_ydata(), (sizes.followed - mean) / np.sqrt(variance + EPS))
    in_order = (sizes.followed - sizes.mean) / np.sqrt(sizes.variance + EPS)
    np.testing.assert_allclose(middle.get_xdata(), in_order)


def test_a_batch_of_one_explains_itself(sizes):
    sizes.set(size=1, momentum=0.9, seen=1000)
    assert "batch of 1" in sizes._message.get_text()
    assert (sizes.draws[1].outputs == 0).all()
    assert sizes.numbers["biased"] == sizes.numbers["spread_in_training"] == 0
    assert sizes.numbers["moving_variance"] == pytest.approx(0.9**1000, rel=1e-6)
    assert np.isnan(sizes.moving_variance.lines["unbiased"].get_ydata()).all()
    assert np.abs(sizes.outputs[2].get_ydata()).max() == REACH  # held at the frame's edge, not lost


def test_a_batch_of_two_gives_plus_or_minus_one(sizes):
    sizes.set(size=2)
    assert "batch of 2" in sizes._message.get_text()
    assert np.mean(np.abs(sizes.draws[2].outputs) > 0.9) > 0.85


def test_what_lies_beyond_the_frame_is_told(sizes):
    told = []
    for size in (3, 4, 5, 6):
        for seen in (1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100):
            sizes.set(size=size, momentum=0, seen=seen)
            mean, variance = sizes.numbers["moving_mean"], sizes.numbers["moving_variance"]
            beyond = int((np.abs((sizes.followed - mean) / np.sqrt(variance + EPS)) > REACH).sum())
            told.append(beyond > 0)
            assert (f"{beyond} of 9" in sizes._message.get_text()) == (beyond > 0)
    assert any(told)


def test_every_control_moves_the_picture():
    assert idle_controls(labs.batch_size_lab()) == []
