"""The lab of learning rate and spread: the maps, the cell that is chosen, and what is said in words."""

import numpy as np
import pytest

from helpers import labs
from helpers.data import results
from helpers.labs import learning_rate as module
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def lab():
    return labs.learning_rate_lab()


@pytest.fixture(scope="module")
def stored():
    return results.load("learning_rate")


def set_to(lab, **values):
    lab.set(**{"rate": 0.1, "std": 0.1, "shown": "accuracy"} | values)
    return lab


def test_the_numbers_are_the_stored_ones(lab, stored):
    set_to(lab, rate=1.0, std=0.3)
    row, column = stored.std.tolist().index(0.3), stored.rate.tolist().index(1.0)
    assert lab.numbers["accuracy_with"] == np.median(stored.accuracy[1, row, column])
    assert lab.numbers["loss_with"] == stored.loss[1, row, column, -1]
    assert not np.isfinite(lab.numbers["loss_without"])


@pytest.mark.parametrize(("rate", "std"), [(0.001, 0.001), (10.0, 10.0), (0.03, 0.3)])
def test_the_cross_stands_on_the_chosen_cell(lab, stored, rate, std):
    set_to(lab, rate=rate, std=std)
    place = stored.rate.tolist().index(rate), stored.std.tolist().index(std)
    for cross in lab.crosses.values():
        across, up, square, inner, _ = cross
        assert (up.get_xdata()[0], across.get_ydata()[0]) == place
        for marker in (square, inner):
            assert (marker.get_xdata()[0], marker.get_ydata()[0]) == place


def test_the_maps_are_medians_and_diverged_cells_are_hatched(lab, stored):
    for shown in module.SHOWN[::-1]:
        set_to(lab, shown=shown)
        values = module.map_of(stored, shown)
        for i, axes in enumerate(lab.maps.values()):
            (image,) = axes.images
            np.testing.assert_array_equal(np.ma.filled(image.get_array(), np.nan), values[i])
            hatched = {(round(p.get_x() + 0.5), round(p.get_y() + 0.5)) for p in axes.patches}
            diverged = {(int(c), int(r)) for r, c in np.argwhere(stored.diverged[i] >= 3)}
            assert hatched == diverged
            assert all(patch.get_hatch() for patch in axes.patches)
    lowest = np.ma.filled(module.map_of(stored, "worst"), np.nan)
    np.testing.assert_array_equal(lowest[1], stored.accuracy[1].min(axis=-1))
    assert lab.maps["without"].patches
    assert not lab.maps["with"].patches


def test_curves_stay_inside_the_picture(lab, stored):
    for rate in stored.rate.tolist():
        for std in stored.std.tolist():
            set_to(lab, rate=rate, std=std)
            for line in lab.lines.values():
                values = line.get_ydata()
                assert not (values > module.LOSS_SHOWN).any()
            assert np.isfinite(lab.lines["with"].get_ydata()).any() or lab._message.get_text()


def test_what_the_picture_cannot_show_is_said(lab):
    def words(**values):
        return set_to(lab, **values)._message.get_text()

    assert words() == ""
    assert words(std=1.0).startswith("Without batch norm: diverged here")
    assert lab.crosses["without"][-1].get_text() == "diverged"
    cells = {name: {"loss": loss} for name, loss in (("without", np.nan), ("with", np.nan))}
    assert module.in_words(cells) == module.TEXT["both"]
    cells["with"]["loss"], cells["without"]["loss"] = 1.0, 80.0
    assert module.in_words(cells) == "Without batch norm: the loss lies above the picture, at 80 in the end."


def test_batch_norm_trains_over_more_of_the_grid(stored):
    """What the lab is there to show (row N10): higher rates, and less care about the start."""
    learns = module.map_of(stored, "accuracy") > 0.5
    without, with_norm = (int(part.sum()) for part in learns)
    assert with_norm > 5 * without
    spreads = learns.any(axis=2).sum(axis=1)
    assert spreads[1] == len(stored.std) > 3 * spreads[0]


def test_every_control_moves_the_picture():
    assert idle_controls(labs.learning_rate_lab()) == []
