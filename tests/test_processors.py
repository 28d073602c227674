"""What nbval compares is the same on every processor: a part of `python -m tools.processors`, and a guard."""

from concurrent.futures import ThreadPoolExecutor

import nbformat
import numpy as np
import pytest

from helpers import labs
from helpers.labs import live, wording
from tools import processors
from tools.notebooks import choose
from tools.sources import ROOT

CONTRASTING = ("Haswell", "oldest")  # any x86-64 since 2013 has both
SETTINGS = 2
SINGLE_PRECISION = """
import numpy as np
from helpers.labs import depth

design = type(next(iter(depth.DESIGNS.values())))
double = design.stack
design.stack = lambda self, sizes, **options: double(self, sizes, **options | {"dtype": np.float32})
"""

x86_64 = pytest.mark.skipif(not processors.can_choose(), reason="the paths are those of an x86-64 processor")


def on_both(names, count, before=""):
    """Return the texts of these labs on the contrasting paths, side by side."""
    with ThreadPoolExecutor(len(CONTRASTING)) as pool:
        told = list(pool.map(lambda path: processors.on_path(path, names, count, before), CONTRASTING))
    if None in told:
        pytest.skip(f"this processor lacks the instructions of one of {CONTRASTING}")
    return dict(zip(CONTRASTING, told, strict=True))


@x86_64
@pytest.mark.slow
def test_every_lab_tells_the_same_on_two_processors():
    told = on_both(sorted(labs.MODULES), SETTINGS)
    for forms in told.values():
        assert forms.keys() == labs.MODULES.keys()
        assert all(len(texts) == 1 + SETTINGS for texts in forms.values())
    assert processors.differences(told) == []


@x86_64
@pytest.mark.slow
def test_a_lab_in_single_precision_is_found_out(capsys):
    told = on_both(["depth_lab"], SETTINGS, SINGLE_PRECISION)
    assert "gradient_first" in {name for _, _, name, _ in processors.differences(told)}
    assert processors.report_labs(told) == 1
    assert "of 3 differ" in capsys.readouterr().out


@x86_64
def test_a_process_that_fails_is_no_agreement():
    with pytest.raises(RuntimeError, match="the lab is closed"):
        processors.on_path("default", ["depth_lab"], 0, "raise SystemExit('the lab is closed')")


def test_a_path_that_the_processor_lacks_is_told(monkeypatch, capsys):
    dies = "import os, signal; os.kill(os.getpid(), signal.SIGILL)"
    monkeypatch.setattr(processors, "PRODUCT", dies)
    if not hasattr(processors.signal, "SIGILL") or processors.os.name == "nt":
        pytest.skip("no such signal can be sent here")
    assert processors.on_path("default", ["depth_lab"], 0) is None
    assert processors.report_labs({"here": {"a": ["A(x=1)"]}, "there": None}) == 0
    assert processors.NOT_HERE in capsys.readouterr().out


def test_differences_name_lab_setting_and_number():
    told = {
        "one": {"a": ["A(x=1, y=2)", "A(x='p, q=1', y=2)"]},
        "two": {"a": ["A(x=1, y=2)", "A(x='p, q=1', y=3)"]},
    }
    assert processors.differences(told) == [("a", 1, "y", {"2": ["one"], "3": ["two"]})]


@pytest.mark.parametrize("name", ["depth_lab", "neuron_lab"])
def test_settings_are_repeatable_and_take_every_end(name):
    lab = getattr(labs, name)()
    settings = processors.settings_of(lab)
    assert settings == processors.settings_of(lab)
    assert len(settings) == processors.SETTINGS
    for control, widget in lab.widgets.items():
        drawn, values = [setting[control] for setting in settings], processors._allowed(widget)
        assert {values[0], values[-1]} <= set(drawn) <= set(values)


def test_lessons_with_keras_are_told_from_those_without():
    names = choose(["01", "02", "05", "07", "08", "11"], ROOT)
    assert [processors.imports_keras(name) for name in names] == [True, False, True, True, True, True]


@x86_64
@pytest.mark.slow
def test_nbval_runs_on_the_path(tmp_path):
    source = "import os; os.environ.get('OPENBLAS_CORETYPE')"
    cell = nbformat.v4.new_code_cell(source, execution_count=1)
    cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "'Nehalem'"}, execution_count=1)]
    solved = tmp_path / "notebooks" / "solutions"
    solved.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), solved / "00_a.ipynb")
    assert processors.nbval("00_a", processors.NUMPY_PATHS["Nehalem"], tmp_path) == "passed"
    assert processors.nbval("00_a", processors.NUMPY_PATHS["Haswell"], tmp_path) == "1 failed"


def test_what_rounding_decides_is_told_to_one_digit_and_not_compared():
    assert live._in_text(live.ByRounding(1.94e23)) == live._in_text(live.ByRounding(1.48e24)) == "by rounding"
    assert live._short(live.ByRounding(1.94e23)) == "≈ 2e+23"
    assert live._in_text(live.ByRounding(np.inf)) == "overflow"
    assert isinstance(wording.or_rounding(1e-17, 1.0), live.ByRounding)
    assert not isinstance(wording.or_rounding(1e-3, 1.0), live.ByRounding)
    assert live._in_text(-0.0) == "0"


def test_chaos_is_not_explosion():
    layers = np.arange(80.0)
    still, exploding, back = np.ones(80), 10 ** (layers / 4), 10 ** (-layers / 4)
    assert wording.is_chaotic(still, back, np.float64)
    assert not wording.is_chaotic(exploding, back, np.float64)
    assert not wording.is_chaotic(still, 10 ** (-layers / 8), np.float64)
    assert wording.is_chaotic(still, 10 ** (-layers / 8), np.float32)


def test_the_initialization_lab_tells_no_digit_of_chaos():
    lab = labs.initialization_lab(gain=4, depth=100, width=30)
    assert isinstance(lab.numbers["gradient_first"], live.ByRounding)
    assert "gradient_first=by rounding" in repr(lab)
    lab.set(gain=1)
    assert "by rounding" not in repr(lab)


def test_what_comes_through_equal_weights_is_rounding():
    lab = labs.clinic_lab(initializer="ones", activation="elu", gain=5, depth=1)
    assert isinstance(lab.numbers["gradient_last"], live.ByRounding)
    lab.set(initializer="glorot_normal", gain=0.01)
    assert not isinstance(lab.numbers["gradient_last"], live.ByRounding)
