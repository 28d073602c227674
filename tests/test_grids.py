"""The stored grids: which settings the site plays, and that a stored frame is what the lab computes there."""

import json
from itertools import product

import numpy as np
import pytest

from helpers import labs
from helpers.labs import live
from helpers.plots.frame import packed
from tests.grids import few
from tools import gridfile, grids
from tools.grids import GRIDS, Play

SMALL = {"activation": ("tanh", "relu"), "gain": (0.5, 1)}


@pytest.fixture(scope="module")
def made():
    """A function: a lab's name → the lab at its start."""
    known = {}

    def get(name):
        if name not in known:
            known[name] = getattr(labs, name)()
        return known[name]

    return get


@pytest.fixture
def small(monkeypatch):
    """Let the grid of one lab be small."""
    monkeypatch.setitem(GRIDS, "initialization_lab", SMALL)


# ---------------------------------------------------------------- the table


def test_every_lab_has_a_grid():
    assert GRIDS.keys() == labs.MODULES.keys()


@pytest.mark.parametrize("name", GRIDS)
def test_two_to_four_controls_of_a_lab_can_be_moved(name, made):
    lab = made(name)
    assert 2 <= len(GRIDS[name]) <= 4
    assert GRIDS[name].keys() <= lab.widgets.keys()
    points = {
        control: grids.points_of(lab.widgets[control], values) for control, values in GRIDS[name].items()
    }
    assert all(len(values) >= 2 for values in points.values())
    assert np.prod([len(values) for values in points.values()]) <= 5000
    for control, values in GRIDS[name].items():
        assert len(points[control]) - len(values or points[control]) <= 1, (
            f"{control}: a value stands there twice"
        )


# ---------------------------------------------------------------- points and texts of controls


def test_a_point_that_a_control_cannot_take_is_refused():
    with pytest.raises(ValueError, match=r"'gain' can't stand at 1\.05"):
        grids.points_of(live.steps("gain", (0.5, 1, 2), 1), (1.05,))


def test_points_come_in_the_controls_order_with_its_start():
    slider = live.real("shift", -1, 1, 0.1, 0.3)
    assert grids.points_of(slider, (1, -1, 0.7)) == [-1, 0.3, 0.7, 1]
    assert grids.points_of(live.switch("skips"), ()) == [False, True]
    assert grids.points_of(live.choice("list", [("one", 1), ("two", 2)], 2), (1,)) == [1, 2]
    assert grids.points_of(live.whole("depth", 1, 4, 2), ()) == [1, 2, 3, 4]


def test_texts_are_those_of_the_widgets():
    assert grids.text_of(live.real("shift", -1, 1, 0.05, 0), -0.5) == "−0.50"
    assert grids.text_of(live.steps("gain", (1, 2**0.5), 1), 2**0.5) == "1.41"
    assert grids.text_of(live.choice("list", [("One", 1)], 1), 1) == "One"
    assert grids.text_of(live.whole("depth", 1, 100, 10), 50) == "50"
    assert [grids.text_of(live.switch("skips"), value) for value in (False, True)] == ["off", "on"]


def test_the_head_tells_all_controls_with_their_labels(made):
    lab = made("initialization_lab")
    points = {name: grids.points_of(lab.widgets[name], values) for name, values in SMALL.items()}
    told = grids.told_controls(lab, points)
    assert [control["name"] for control in told["controls"]] == ["activation", "gain"]
    assert [control["options"] for control in told["controls"]] == [["tanh", "ReLU"], ["0.5", "1"]]
    assert [(control["at"], control["stride"]) for control in told["controls"]] == [(0, 2), (1, 1)]
    assert [control["kind"] for control in told["controls"]] == ["choice", "slider"]
    others = {control["label"]: control["text"] for control in told["others"]}
    assert others == {"initialization": "Glorot normal", "depth": "10", "width": "100", "seed": "0"}


def test_a_pale_slider_shows_where_it_stands():
    assert grids.share_of(live.whole("depth", 0, 100, 25)) == 0.25
    assert grids.share_of(live.steps("gain", (1, 5, 100), 5)) == 0.5
    assert grids.share_of(live.switch("skips", True)) == 1


# ---------------------------------------------------------------- computing


def compare(name, path, settings):
    """Say that the file's frames are what the lab computes, to the precision stored."""
    grid, lab = gridfile.decode(path.read_bytes()), getattr(labs, name)()
    for place, values in settings:
        lab.set(**values)
        structure, strings, numbers, pixels = packed(lab.frame)
        read = grid.frame(place)
        assert read[0] == json.loads(json.dumps(structure))
        assert read[1] == strings
        assert (read[3] == pixels).all()
        assert (np.isnan(read[2]) == np.isnan(numbers)).all()
        assert within(read[2], numbers, read[0], grid.precision(place)).all(), values


def within(read, numbers, structure, precision):
    """Say for each number whether it is as it was, where it is drawn; what is far outside may be nearer."""
    off = np.nan_to_num(np.abs(read - numbers))
    start, fine = 0, off <= precision * 1.01 + 2e-7 * np.nan_to_num(np.abs(numbers))
    slots = gridfile.slots_of(structure)
    parts = np.split(read, np.cumsum([slot.length for slot in slots])[:-1])
    for slot, part in zip(slots, parts, strict=True):
        if slot.ends >= 0:
            low, high = np.sort(parts[slot.ends])
            outside = (part < low - (high - low)) | (part > high + (high - low))
            fine[start : start + slot.length] |= outside
        start += slot.length
    return fine


def test_a_small_grid_is_what_the_lab_computes(tmp_path, small):
    (path,) = grids.write([Play("initialization_lab")], tmp_path, jobs=1)
    settings = [dict(zip(SMALL, values, strict=True)) for values in product(*SMALL.values())]
    compare("initialization_lab", path, list(enumerate(settings)))


@pytest.mark.slow
@pytest.mark.parametrize("name", GRIDS)
def test_stored_frames_are_what_the_lab_computes(name, tmp_path):
    """At the ends of every main control, in another order than they were computed in."""
    grid = few(name)
    path = tmp_path / "a.grid"
    count = grids.make(Play(name), path, "test", grid, jobs=1)
    settings = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    assert count == len(settings) >= 4
    compare(name, path, list(enumerate(settings))[::-3])


def test_a_lab_that_cannot_draw_stops_the_grid(monkeypatch, small, tmp_path):
    def broken(self, **values):
        raise ValueError("no such thing")

    monkeypatch.setattr(labs.initialization_lab, "update", broken)
    with pytest.raises(RuntimeError, match="initialization_lab can't draw"):
        grids.write([Play("initialization_lab")], tmp_path, jobs=1)
    assert not list(tmp_path.iterdir())


def test_a_grid_is_computed_again_only_when_what_it_is_made_from_has_changed(tmp_path, small, monkeypatch):
    made, code = [], ["as it is"]

    def make(play, path, made_of, **_):
        made.append(play.name)
        path.write_bytes(gridfile.encode({"made_of": made_of}, [packed(labs.initialization_lab().frame)]))
        return 1

    monkeypatch.setattr(grids, "make", make)
    monkeypatch.setattr(grids, "made_from", lambda: code[0])
    plays = [Play("initialization_lab"), Play("initialization_lab", (("gain", 2),))]
    for change, count in (("as it is", 2), ("as it is", 2), ("changed", 4)):
        code[0] = change
        paths = grids.write(plays, tmp_path)
        assert len(made) == count
    assert [path.name for path in paths] == ["initialization_lab.grid", "initialization_lab-gain_2.grid"]


def test_what_all_grids_are_made_from_is_the_code_and_the_results(tmp_path, monkeypatch):
    for name in ("helpers/labs", "results", "tools", "notebooks"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(grids, "ROOT", tmp_path)
    seen = [grids.made_from()]
    for name in ("helpers/labs/a.py", "results/a.json", "tools/grids.py"):
        (tmp_path / name).write_text("1")
        seen.append(grids.made_from())
    (tmp_path / "notebooks/a.py").write_text("1")
    assert len(set(seen)) == 4
    assert grids.made_from() == seen[-1]


def test_an_unknown_grid_is_named(capsys):
    with pytest.raises(SystemExit):
        grids.main(["nothing_lab"])
    assert "there is no grid 'nothing_lab'" in capsys.readouterr().err


def test_a_start_that_a_lesson_sets_is_part_of_the_grid(tmp_path, small):
    (path,) = grids.write([Play("initialization_lab", (("gain", 2), ("depth", 3)))], tmp_path, jobs=1)
    head = gridfile.read_head(path.read_bytes())
    gain = head["controls"][1]
    assert (gain["options"], gain["at"]) == (["0.5", "1", "2"], 2)
    assert {other["name"]: other["text"] for other in head["others"]}["depth"] == "3"
