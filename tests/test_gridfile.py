"""A grid's file gives back what was put in: exactly, or to the precision that its kind promises."""

import json

import numpy as np
import pytest

from helpers.plots.frame import (
    Arrows,
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
    packed,
)
from tools import gridfile

LAYERS = np.arange(1, 11)


def curve(values, **axis):
    """A frame with one counted panel."""
    panel = Panel(
        (Line(LAYERS, values, "measured", "measured"),), "std", Axis(0, 11, counts="layer"), Axis(**axis)
    )
    return Frame((panel,), 300)


def everything(rng, shift=0.0, title="one"):
    """A frame with every kind of mark, and with what is not a number."""
    x, y = rng.uniform(0, 1, (2, 40))
    y[3] = np.nan
    marks = (
        Points(x, y, "dot"),
        Bars(x[:5], x[:5] + 0.1, np.zeros(5), y[5:10]),
        Steps(rng.uniform(0, 1, 30), 0, 1),
        Arrows(x[:9], x[9:18], x[18:27] / 20 - 0.02, x[27:36] / 20),
        Text([0.5], [0.2 + shift / 10], f"at {shift:g}"),
        Image(rng.uniform(0, 1, (7, 5)), (0, 1, 0, 1)),
    )
    counted = Line(LAYERS, 10.0 ** rng.uniform(-3, 0, 10), "measured", "measured")
    log = Panel((counted,), title, Axis(0, 11, counts="layer"), Axis(1e-4, 10, log=True), about=("layer", 3))
    return Frame(
        beside(Panel(marks, f"shift {shift:g}"), log), 300, "Words.", readout=(("std", f"{shift:g}"),)
    )


def stored(frames, head=None):
    """Return frames as they come back from a file."""
    sent = [packed(frame) for frame in frames]
    return sent, gridfile.decode(gridfile.encode(head or {}, sent))


def differs(sent, grid, place):
    """Return by how much each number differs, beside what its kind may be off."""
    _, _, numbers, _ = grid.frame(place)
    assert (np.isnan(numbers) == np.isnan(sent[2])).all()
    rounding = 2e-7 * np.abs(sent[2]) + 1e-12
    return np.nan_to_num(np.abs(numbers - sent[2])), np.nan_to_num(grid.precision(place) + rounding)


def test_every_mark_comes_back():
    rng = np.random.default_rng(0)
    sent, grid = stored([everything(rng, shift) for shift in (0, 1, 2, 3)])
    for place, frame in enumerate(sent):
        structure, strings, _, pixels = grid.frame(place)
        assert structure == json.loads(json.dumps(frame[0]))
        assert strings == frame[1]
        assert (pixels == frame[3]).all()
        off, allowed = differs(frame, grid, place)
        assert (off <= allowed).all()


def test_axes_and_counted_places_are_exact():
    sent, grid = stored([curve(np.linspace(0.1, 0.9, 10) ** k, low=0, high=k / 3) for k in range(3, 9)])
    for place, frame in enumerate(sent):
        slots = gridfile.slots_of(frame[0])
        assert [slot.levels for slot in slots] == [0, 0, 0, 0, 0, gridfile.FINE]
        count = sum(slot.length for slot in slots[:-1])
        assert (grid.frame(place)[2][:count] == frame[2][:count]).all()


def test_what_pointing_tells_keeps_three_digits():
    rng = np.random.default_rng(1)
    values = 10.0 ** rng.uniform(-6, 2, 10)
    _, grid = stored([curve(values, low=1e-7, high=1e3, log=True)] * 2)
    read = 10.0 ** grid.frame(1)[2][-10:].astype(float)
    assert np.abs(read / values - 1).max() < 5e-4


def test_what_is_only_drawn_is_within_half_a_pixel():
    rng = np.random.default_rng(2)
    panel = Panel((Steps(rng.uniform(0, 1, 50), 0, 1),), y=Axis(0, 1))
    (sent, *_), grid = stored([Frame((panel,), 300)] * 2)
    off, _ = differs(sent, grid, 0)
    assert 0 < off.max() * 300 < 0.5


def test_what_is_told_stays_exact_outside_the_axis():
    sent, grid = stored([curve(10.0**LAYERS, low=0, high=100)])
    assert (grid.frame(0)[2] == sent[0][2]).all()


def test_what_is_drawn_far_outside_stays_outside_and_the_rest_in_place():
    values = np.array([0.25, 0.5, 1e20, -1e20, np.nan, 0.75])
    panel = Panel((Line(np.arange(6), values, "zero"),), x=Axis(0, 5), y=Axis(0, 1))
    _, grid = stored([Frame((panel,), 300)])
    read = grid.frame(0)[2][-6:]
    assert np.abs(read[[0, 1, 5]] - values[[0, 1, 5]]).max() < 1 / 500
    assert read[2] == 1 + gridfile.REACH
    assert read[3] == -gridfile.REACH
    assert np.isnan(read[4])


def test_frames_of_several_structures_are_told_apart():
    lengths = (3, 10, 3, 7, 10, 3)
    frames = [
        Frame((Panel((Line(range(n), np.full(n, k / 9), "zero"),), f"{k}"),)) for k, n in enumerate(lengths)
    ]
    sent, grid = stored(frames)
    assert len(grid.head["structures"]) == 3
    assert [grid.frame(k)[2].size for k in range(6)] == [frame[2].size for frame in sent]
    assert [grid.frame(k)[1][1] for k in range(6)] == [f"{k}" for k in range(6)]


def test_what_is_the_same_is_stored_once():
    rng = np.random.default_rng(3)
    frames = [everything(rng) for _ in range(2)]
    two = gridfile.encode({}, [packed(frame) for frame in frames])
    many = gridfile.encode({}, [packed(frame) for frame in frames * 50])
    assert len(many) < 1.3 * len(two)


def test_the_same_frames_give_the_same_bytes():
    one, two = (
        gridfile.encode({"lab": "x"}, [packed(everything(np.random.default_rng(4)))]) for _ in range(2)
    )
    assert one == two


def test_the_head_is_told_as_it_was_given_and_names_the_settings():
    controls = [
        {"name": "gain", "options": ["0.5", "1", "2"], "stride": 2},
        {"name": "skips", "options": ["off", "on"], "stride": 1},
    ]
    frames = [curve(np.full(10, k / 6), low=0, high=1) for k in range(6)]
    _, grid = stored(frames, {"lab": "x_lab", "controls": controls})
    assert gridfile.read_head(gridfile.encode({"lab": "x_lab"}, [packed(frames[0])]))["lab"] == "x_lab"
    assert grid.place(gain="2", skips="on") == 5
    assert grid.frame(grid.place(gain="1", skips="off"))[2][-1] == pytest.approx(2 / 6, abs=1e-4)


@pytest.mark.parametrize("relative", [gridfile.NONE, gridfile.ALONG, gridfile.ACROSS])
@pytest.mark.parametrize("width", [1, 2, 4])
def test_differences_of_whole_numbers_can_be_undone(relative, width):
    size = 256**width
    rows = np.random.default_rng(5).integers(0, size, (9, 13))
    rows[0, :4] = 0, size - 1, 0, size - 1
    told = gridfile._differences(rows, relative, size)
    assert told.min() >= 0
    assert told.max() < size
    assert (gridfile._summed(told, relative, size) == rows).all()
