"""The form of the benchmarks' table and JSON, with made-up measurements: no test here measures a time."""

import json
import math

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import clinic, imports, live, network, recording, site
from benchmarks.results import AT_LEAST, HEADS, Result, middle, quartiles, table, write_json

KEPT = Result("slider step", 42.0, "ms", 60, runs=36, spread="40 ms … 45 ms")
MISSED = Result("quicker than interact", 9.5, "×", 15, AT_LEAST, ratio_to="interact")
PLAIN = Result("bare round trip", 25.0, "ms")


@pytest.mark.parametrize(
    ("measured", "limit", "verdict"),
    [
        (2.0, "≤", "kept"),
        (2.01, "≤", "missed"),
        (2.0, "≥", "kept"),
        (1.99, "≥", "missed"),
        (math.nan, "≤", "missed"),
    ],
)
def test_verdict(measured, limit, verdict):
    assert Result("a", measured, "×", 2, limit).verdict == verdict


def test_nothing_promised_nothing_judged():
    assert PLAIN.verdict == ""
    assert PLAIN.row() == ("bare round trip", "25 ms", "", "", "1", "", "")


def test_table():
    heads, line, kept, missed, plain = table([KEPT, MISSED, PLAIN]).splitlines()
    assert set(line) == {"-"}
    places = [heads.index(head) for head in HEADS if head]
    assert places == sorted(places)
    assert kept[heads.index("measured") :].startswith("42 ms")
    assert kept[heads.index("promised") :].startswith("≤ 60 ms")
    assert kept.endswith("kept")
    assert missed[heads.index("promised") :].startswith("≥ 15×")
    assert missed[heads.index("ratio to") :].startswith("interact")
    assert missed.endswith("missed")
    assert plain.split() == ["bare", "round", "trip", "25", "ms", "1"]


def test_json(tmp_path):
    write_json([KEPT, MISSED, PLAIN], tmp_path / "figures.json")
    told = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert [(t["name"], t["measured"], t["promised"], t["unit"]) for t in told] == [
        ("slider step", 42.0, 60, "ms"),
        ("quicker than interact", 9.5, 15, "×"),
        ("bare round trip", 25.0, None, "ms"),
    ]


def test_middle_is_the_median_and_the_middle_half():
    times = [9.0, 1.0, 3.0, 2.0, 100.0]
    assert quartiles(times) == (np.percentile(times, 25), np.percentile(times, 75))
    assert middle(times) == {"measured": 3.0, "unit": "ms", "runs": 5, "spread": "2 ms … 9 ms"}


def test_live_ratios():
    told = {r.name.strip(): r for r in live.results([40.0] * 36, [20.0] * 36, [1000.0] * 8, [30.0] * 20)}
    assert told["slider step to changed picture"].verdict == "kept"
    assert told["the same, beside the bare round trip"].measured == 2
    assert told["how many times quicker than interact"].measured == 25
    assert {r.promised for r in told.values()} == {40, 2.5, 20, None}


def test_enough_steps_are_measured_and_end_where_they_began():
    assert len(live.SWEEP) >= 30
    assert len(live.SHORT_SWEEP) >= 5
    for keys in (live.SWEEP, live.SHORT_SWEEP, live.WARM_UP):
        assert keys.count("ArrowLeft") == keys.count("ArrowRight")


def test_printed_times_are_read():
    assert live.told_times("[1.5,\n 2.0, 3.25]\n") == [1.5, 2.0, 3.25]


def test_network_ratio_and_products():
    ratio, whole, alone = network.results([3.0, 3.0], [2.0, 2.0])
    assert (ratio.measured, ratio.promised, ratio.verdict) == (1.5, 1.5, "kept")
    assert (whole.measured, alone.measured) == (3.0, 2.0)
    pairs = network.products_of((7, 5, 3), 11)
    shapes = [(a.shape, b.shape) for a, b in pairs]
    first, second = [((11, 7), (7, 5)), ((7, 11), (11, 5))], [((11, 5), (5, 3)), ((5, 11), (11, 3))]
    assert shapes == [*first, *second, ((11, 3), (3, 5))]
    assert all(a.dtype == b.dtype == np.float32 for a, b in pairs)


def test_a_lesson_needs_its_imports_and_what_it_takes_piece_by_piece():
    lesson = """
from math import pi
from helpers import (
    data, plots,
)
plots.curves(data.load_batch(3))
plots.curves
"""
    assert imports.needs(lesson) == "from helpers import data, plots\nplots.curves"
    assert "labs.initialization_lab" in imports.needs(imports.LESSON.read_text(encoding="utf-8")).splitlines()


def test_import_promise():
    promise, kernel = imports.results([0.2, 0.3, 0.25], [0.5] * 3, [0.1] * 3)
    assert (promise.measured, promise.promised, promise.unit, kernel.promised) == (0.25, 0.3, "s", None)


def test_an_import_of_keras_is_an_error(monkeypatch):
    monkeypatch.setattr(
        imports.subprocess, "run", lambda *_, **__: type("R", (), {"stdout": "0.1 ['keras']\n"})
    )
    with pytest.raises(RuntimeError, match="keras"):
        imports.seconds("", "import keras")


def test_command_line(monkeypatch, tmp_path, capsys):
    asked = []

    def fake(module):
        asked.append(module)
        return type("Section", (), {"measure": staticmethod(lambda: [MISSED])})

    monkeypatch.setattr(command, "import_module", fake)
    assert command.main(["network", "--json", str(tmp_path / "figures.json")]) == 0  # missed, and still 0
    assert asked == ["benchmarks.network"]
    assert "missed" in capsys.readouterr().out
    assert json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))[0]["measured"] == 9.5
    assert command.main([]) == 0
    assert asked[1:] == list(command.SECTIONS.values())


def test_unknown_section(capsys):
    with pytest.raises(SystemExit):
        command.main(["speed"])
    assert "there is no section 'speed'; choose from live, network, import" in capsys.readouterr().err


def test_missing_packages_are_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command, "VENV_PYTHON", tmp_path / "python")
    assert command.elsewhere(["numpy", "playwright"], []) == 2
    assert "This Python lacks numpy, playwright." in capsys.readouterr().err


def test_recording_is_told_as_a_share_of_the_run_without_it():
    cost, recorded, plain, begun = recording.results([10.9, 12.0, 10.5], [10.0, 10.0, 10.0], [1.0, 1.0, 2.0])
    assert cost.measured == pytest.approx(9)
    assert (cost.unit, cost.promised, cost.verdict) == ("%", 10, "kept")
    assert (recorded.measured, plain.measured, begun.measured) == (10.9, 10, 1)
    assert recording.results([11.2], [10.0], [1.0])[0].verdict == "missed"


def test_an_examination_is_told_as_training_steps():
    told = clinic.results("a network", [20.0, 25.0, 30.0], [50.0, 50.0, 50.0], [10.0, 10.0, 10.0])
    assert (told[0].measured, told[0].promised, told[0].unit, told[0].verdict) == (2.5, 3, "×", "kept")
    assert [line.measured for line in told[1:]] == [0.5, 25, 10, 50]
    assert clinic.results("a network", [31.0], [50.0], [10.0])[0].verdict == "missed"


def test_the_site_is_told_by_its_largest_and_its_slowest():
    steps = {"depth_lab": [3.0, 4.0, 30.0], "clinic_lab": [5.0, 6.0, 7.0]}
    told = {r.name.strip(): r for r in site.results(8.0, 2.5, {"00": 1.2, "04": 3.5}, [800.0, 900.0], steps)}
    heaviest = told["first load of a lesson without its grids"]
    assert (heaviest.measured, heaviest.spread, heaviest.verdict) == (3.5, "04", "missed")
    assert told["slider step on a page, all labs"].measured == 5.5
    assert told["slider step on a page, all labs"].runs == 6
    assert (told["the slowest lab"].measured, told["the slowest lab"].spread) == (6.0, "clinic_lab")
    assert told["site, whole"].verdict == told["the slowest lab"].verdict == "kept"


def test_a_folders_size_counts_all_below_it(tmp_path):
    (tmp_path / "a").mkdir()
    for path in (tmp_path / "one", tmp_path / "a/two"):
        path.write_bytes(bytes(2**19))
    assert site.megabytes(tmp_path) == 1
