"""The lab of learning rate and spread: the maps, the cell that is chosen, and what is said in words."""

import numpy as np
import pytest

from helpers import labs
from helpers.data import results
from helpers.labs import learning_rate as module
from helpers.plots.looks import get_look
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def lab():
    return labs.learning_rate_lab()


@pytest.fixture(scope="module")
def stored():
    return results.load("learning_rate")


def maps(lab):
    return [lab.frame.panel(f"{place} batch norm") for place in ("without", "with")]


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
    for panel in maps(lab):
        *_, cross, around, square = panel.marks
        across, up = (cross.x[:2], cross.y[:2]), (cross.x[3:], cross.y[3:])
        assert (*up[0], *across[1]) == (place[0], place[0], place[1], place[1])
        assert [*across[0], *up[1]] == [panel.x.low, panel.x.high, panel.y.low, panel.y.high]
        for marker in (around, square):
            ends = [
                (end[0] + start[0]) / 2
                for start, end in ((marker.left, marker.right), (marker.bottom, marker.top))
            ]
            assert tuple(ends) == place


def test_the_maps_are_medians_and_diverged_cells_are_hatched(lab, stored):
    for shown in module.SHOWN[::-1]:
        set_to(lab, shown=shown)
        values = module.map_of(stored, shown)
        for i, panel in enumerate(maps(lab)):
            image, hatched = panel.marks[:2]
            np.testing.assert_array_equal(image.values[::-1], values[i])  # the first row is the top one
            assert image.extent == (-0.5, 8.5, -0.5, 8.5)
            cells = {
                (int(left + 0.5), int(low + 0.5))
                for left, low in zip(hatched.left, hatched.bottom, strict=True)
            }
            assert cells == {(int(c), int(r)) for r, c in np.argwhere(stored.diverged[i] >= 3)}
            assert get_look(hatched.look).hatched
    np.testing.assert_array_equal(module.map_of(stored, "worst")[1], stored.accuracy[1].min(axis=-1))
    without, with_norm = (panel.marks[1] for panel in maps(lab))
    assert len(without.left) > 0 == len(with_norm.left)


@pytest.mark.parametrize(
    ("shown", "colors", "high"), [("accuracy", "cividis", 0.8), ("loss", "cividis_r", np.log(10))]
)
def test_bright_is_good_and_one_bar_tells_it(lab, shown, colors, high):
    set_to(lab, shown=shown)
    images = [panel.marks[0] for panel in maps(lab)]
    assert [(image.colors, image.low, image.high) for image in images] == [(colors, 0, high)] * 2
    assert [image.bar for image in images] == [False, True]


def test_titles_tell_the_chosen_cell_with_its_range(lab, stored):
    set_to(lab)
    row, column = stored.std.tolist().index(0.1), stored.rate.tolist().index(0.1)
    seeds = stored.accuracy[1, row, column]
    expected = f"{np.median(seeds):.3g} ({seeds.min():.2g} to {seeds.max():.2g})"
    assert lab.frame.panel("with batch norm").title.endswith(f"\n{expected}")
    set_to(lab, shown="loss")
    assert lab.frame.panel("with batch norm").title.endswith(f"\n{lab.numbers['loss_with']:.3g}")


def test_curves_stay_inside_the_picture(lab, stored):
    for rate in stored.rate.tolist():
        for std in stored.std.tolist():
            set_to(lab, rate=rate, std=std)
            *curves, chance = lab.frame.panel("training loss").marks
            for i, (curve, look) in enumerate(zip(curves, module.PLACES.values(), strict=True)):
                place = i, stored.std.tolist().index(std), stored.rate.tolist().index(rate)
                inside = np.where(stored.loss[place] <= module.LOSS_SHOWN, stored.loss[place], np.nan)
                np.testing.assert_array_equal(curve.y, inside)
                assert curve.look == look
            assert np.isfinite(curves[1].y).any() or lab.frame.words
            assert set(chance.y) == {np.log(10)}


def test_what_the_picture_cannot_show_is_said(lab):
    def words(**values):
        return set_to(lab, **values).frame.words

    assert words() == ""
    assert words(std=1.0).startswith("Without batch norm: diverged here")
    assert lab.frame.panel("without batch norm").title.endswith("\ndiverged")
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
