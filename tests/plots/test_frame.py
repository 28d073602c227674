"""Frame: what a picture holds, how it is divided, its limits and ticks, and what is sent of it."""

import numpy as np
import pytest

from helpers.plots import frame
from helpers.plots.frame import (
    Axis,
    Bars,
    Frame,
    Image,
    Line,
    Panel,
    Points,
    Steps,
    Text,
    beside,
    grid,
    pieces,
    stacked,
)


def test_a_mark_says_what_is_wrong_with_it():
    with pytest.raises(ValueError, match=r"one size, got \{'x': \(2,\), 'y': \(3,\)\}"):
        Line([1, 2], [1, 2, 3], "measured")
    with pytest.raises(ValueError, match="no look 'loud'; choose one of measured, predicted"):
        Points([1], [1], "loud")
    with pytest.raises(ValueError, match="2 words for 1 places"):
        Text([1], [1], ("a", "b"))
    with pytest.raises(ValueError, match="align can't be 'top'"):
        Text([1], [1], "a", align="top")
    with pytest.raises(ValueError, match=r"rows and columns, got an array of shape \(3,\)"):
        Image([1, 2, 3], (0, 1, 0, 1))


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ({"low": 1, "high": 1}, "from one number to another, got 1 to 1"),
        ({"low": 0, "high": np.nan}, "got 0 to nan"),
        ({"low": 0, "high": 1, "log": True}, "must be positive, got 0 to 1"),
    ],
)
def test_an_axis_needs_two_ends(ends, words):
    with pytest.raises(ValueError, match=words):
        Axis(**ends)


def test_what_cannot_be_drawn_is_left_out():
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(
            Axis(0.1, 1, log=True).scaled([-1, 0, 1, np.inf]), [np.nan, np.nan, 0, np.nan]
        )
    np.testing.assert_array_equal(Axis().scaled([1, np.inf, 1e31]), [1, np.nan, np.nan])


def test_levels_of_an_image():
    image = Image([[0, 0.5, 1, 2, np.nan]], (0, 1, 0, 1))
    assert image.levels().tolist() == [[1, 128, 255, 255, 0]]


class TestPlaces:
    def test_parts_share_the_room_as_they_are_told(self):
        a, b, c = (Panel(title=name) for name in "abc")
        placed = beside(a, stacked(b, c, heights=(3, 1)), widths=(1, 3))
        assert [panel.cell for panel in placed] == [
            (0, 0, 0.25, 1),
            (0.25, 0, 0.75, 0.75),
            (0.25, 0.75, 0.75, 0.25),
        ]
        assert [panel.title for panel in placed] == ["a", "b", "c"]

    def test_a_grid_is_filled_row_by_row(self):
        cells = [panel.cell for panel in grid([Panel()] * 3, 2)]
        assert cells == [(0, 0, 0.5, 0.5), (0.5, 0, 0.5, 0.5), (0, 0.5, 0.5, 0.5)]

    def test_panels_of_a_row_or_a_column_align(self):
        wide = Panel(title="a", y=Axis(0, 1, ticks={0.5: "a long label"}))
        plain, low = Panel(title="two\nlines"), Panel(y=Axis(ticks=()), x=Axis(ticks=()))
        rooms = Frame(grid([wide, plain, low], 2)).rooms()
        assert rooms[0][1] == rooms[1][1] == plain.room[1] > wide.room[1]  # titles of one row
        assert rooms[2][0] == rooms[0][0] == wide.room[0] > low.room[0]  # axes of one column
        assert rooms[2][3] == low.room[3]


def test_a_panel_is_found_by_its_title():
    shown = Frame((Panel(title="std of h"), Panel(title="mean of h")))
    assert shown.panel("mean").title == "mean of h"
    with pytest.raises(ValueError, match="no panel 'loss'; there are 'std of h', 'mean of h'"):
        shown.panel("loss")


def test_the_legend_names_each_label_once():
    line, other = Line([1], [1], "measured", "measured"), Steps([1], 0, 1, label="bars")
    shown = Frame((Panel((line, other)), Panel((line, Line([1], [1], "predicted")))))
    assert list(shown.legend().items()) == [("measured", line), ("bars", other)]


def test_pieces_are_one_line_with_gaps():
    line = pieces([[0, 1], [2, np.nan]], [[3, 4], [5, 6]], "zero", "both")
    np.testing.assert_array_equal(line.x, [0, 3, np.nan, 2, 5, np.nan])
    np.testing.assert_array_equal(line.y, [1, 4, np.nan, np.nan, 6, np.nan])
    assert (line.look, line.label) == ("zero", "both")
    assert len(pieces(np.empty((0, 2)), np.empty((0, 2)), "zero").x) == 0


class TestLimits:
    @pytest.mark.parametrize("values", [[0, 1], [-3.3, 12], [1e-4, 2e-4], [5e5, 7e5], [0.999, 1.001]])
    def test_all_values_lie_within(self, values):
        axis = frame.fitting_axis(values)
        assert axis.low < min(values) < max(values) < axis.high
        assert axis.high - axis.low >= 0.2
        assert axis.high - axis.low <= 2.5 * max(0.2, values[1] - values[0])

    @pytest.mark.parametrize("values", [[1e-30, 1], [0.2, 0.3], [1e-300, 1e-290], [3, 1e300]])
    def test_a_log_axis_holds_them_over_two_decades_at_least(self, values):
        axis = frame.fitting_log_axis(values)
        low, high = axis.ends
        assert low <= np.log10(values[0]) <= np.log10(values[1]) <= high
        assert high - low >= 2

    def test_where_nothing_is_finite_there_still_is_an_axis(self):
        assert frame.fitting_axis([np.nan, np.inf]).low < 0 < frame.fitting_axis([np.nan]).high
        assert frame.fitting_log_axis([0, np.nan, -1]).log

    def test_limits_hang_on_the_values_alone(self):
        before = frame.fitting_axis([0, 1])
        frame.fitting_axis([0, 100])
        assert frame.fitting_axis([0, 1]) == before


class TestTicks:
    def test_round_numbers(self):
        ticks = frame.round_ticks(0, 1)
        assert list(ticks.values()) == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
        np.testing.assert_allclose(list(ticks), [0, 0.2, 0.4, 0.6, 0.8, 1])
        assert list(frame.round_ticks(2, -2)) == [-2, -1, 0, 1, 2]

    def test_whole_numbers_where_they_count_something(self):
        assert list(Axis(0.5, 3.5, counts="layer").ticks) == [1, 2, 3]

    def test_decades(self):
        assert list(Axis(1e-6, 1, log=True, most=3).ticks.values()) == ["1e-6", "1e-4", "0.01", "1"]
        assert list(Axis(0.1, 2, log=True).ticks.values()) == ["0.1", "0.2", "0.5", "1", "2"]

    def test_own_and_no_ticks(self):
        assert Axis(ticks=()).ticks == ()
        assert Axis(ticks={0.3: "here"}).ticks == {0.3: "here"}


def test_a_layer_axis_counts_layers():
    axis = frame.layer_axis(100)
    assert (axis.counts, axis.label) == ("layer", "layer")
    assert axis.low < 1 < 100 < axis.high


def example():
    std = Panel(
        (Line([1, 2], [0.1, 0], "measured", "measured"), Bars([0], [1], [0.1], [1])),
        "std",
        Axis(0, 3, counts="layer"),
        Axis(0.1, 1, log=True, ticks={1: "1"}),
    )
    image = Panel(
        (Image([[0, 1]], (0, 2, 0, 1)), Text([1], [1], "here")), about=("layer", np.int64(7)), bare=True
    )
    return Frame(beside(std, image), 300, "words", readout=(("loss", "2.3"),))


def test_what_is_sent_holds_everything_once():
    structure, strings, numbers, pixels = frame.packed(example())
    assert strings[0] == "words"
    assert strings[-3:] == ["here", "loss", "2.3"]
    assert pixels.tolist() == [1, 255]
    assert numbers.dtype == np.float32
    left, right = structure["panels"]
    assert [mark["kind"] for mark in left["marks"]] == ["line", "bars"]
    assert left["marks"][0] == {"kind": "line", "look": "measured", "label": "measured", "length": 2}
    assert (left["y"], left["x"]["counts"]) == ({"log": True, "ticks": 1, "counts": ""}, "layer")
    assert (right["about"], right["bare"], structure["readouts"]) == (["layer", 7], True, 1)
    tail = numbers[: 2 + 4 + 2 + 1 + 4]
    np.testing.assert_array_equal(tail, np.float32([0, 3, 0, 1, 2, 3, -1, 0, 0, 1, 2, -1, np.nan]))


def test_numbers_alone_change_where_only_numbers_do():
    one, two = ({"panels": example().panels, "height": 300, "words": word} for word in ("a", "b"))
    assert frame.packed(Frame(**one))[0] == frame.packed(Frame(**two))[0]
