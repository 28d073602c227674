"""Pictures of the stored long runs: what is drawn is what is stored."""

import numpy as np
import pytest

from helpers.data import results
from helpers.plots import depth


def markers(axes):
    """Return the drawn values of every strip of dots."""
    return [line.get_ydata() for line in axes.lines if line.get_linestyle() == "None"]


def test_validation_curves():
    stored = results.load("depth")
    picture = depth.validation_curves(stored)
    assert [axes.get_title() for axes in picture.axes] == list(depth.NAMES.values())
    for axes, name in zip(picture.axes, depth.NAMES, strict=True):
        drawn = [line.get_ydata() for line in axes.lines if len(line.get_xdata()) == len(stored[name].epochs)]
        seeds, median = np.array(drawn[:5]), drawn[5]
        np.testing.assert_array_equal(seeds, stored[name].val_accuracy)
        np.testing.assert_array_equal(median, np.median(stored[name].val_accuracy, axis=0))


def test_rival_accuracies():
    stored = results.load("depth_rivals")
    (axes,) = depth.rival_accuracies(stored).axes
    ends = [stored.rivals[name].val_accuracy[:, -1] for name in stored.rivals]
    np.testing.assert_array_equal(markers(axes), ends)
    low, high = axes.get_ylim()
    assert low < min(map(min, ends))
    assert high > max(map(max, ends))


def test_lottery_strip():
    stored = results.load("depth_lottery")
    picture = depth.lottery_strip(stored)
    for axes, name in zip(picture.axes, ("signal", "gradient", "accuracy"), strict=True):
        for drawn, network in zip(markers(axes), stored.networks, strict=True):
            np.testing.assert_array_equal(drawn, stored.networks[network][name])


@pytest.mark.parametrize("when", ["gradients_before", "gradients_after"])
def test_gradient_rows_are_in_order(when):
    for name, rows in depth.gradient_rows(results.load("depth_rivals"), when).items():
        low, middle, high = rows
        assert rows.shape == (3, 100), name
        known = np.isfinite(low)
        assert (low[known] <= middle[known]).all()
        assert (middle[known] <= high[known]).all()


def test_pictures_are_small_enough_for_a_notebook():
    pictures = [
        depth.validation_curves(results.load("depth")),
        depth.rival_accuracies(results.load("depth_rivals")),
        depth.rival_gradients(results.load("depth_rivals")),
        depth.lottery_strip(results.load("depth_lottery")),
    ]
    for picture in pictures:
        assert 4_000 < len(picture._repr_png_()) < 40_000
