"""LiveFigure by itself: what is computed and when, what it says in words, and how it goes."""

import sys
import time
from base64 import b64decode
from io import BytesIO
from threading import Thread
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

from helpers.labs import live
from helpers.plots.frame import Axis, Frame, Line, Panel


class Parabola(live.LiveFigure):
    """y = a x²."""

    READ_OUT = {"top": "y at the ends, of {points} points"}

    def controls(self):
        return {
            "a": live.real("a", -2, 2, 0.1, 1),
            "kind": live.choice("kind", ["line", "broken", "nan"], "line"),
            "points": live.whole("points", 2, 50, 20),
            "zoom": live.switch("zoom"),
        }

    def update(self, a, kind, points, zoom):
        if kind == "broken":
            raise ZeroDivisionError("there is no such curve")
        x, reach = np.linspace(-1, 1, points), 1.0 if zoom else 2.0
        panel = Panel((Line(x, a * x**2, "measured"),), "parabola", Axis(-1, 1), Axis(-reach, reach))
        top = np.float64(np.inf if kind == "nan" else a)
        words = "a is 0: a straight line." if a == 0 else ""
        return Frame((panel,), 200, words, {"top": top, "points": points, "zoomed": np.bool_(zoom)})


@pytest.fixture
def figure():
    return Parabola()


def curve(figure):
    return figure.frame.panel("parabola").marks[0].y


def test_every_change_is_computed_and_sent(figure):
    frames, sent = figure.frames, figure.canvas.numbers
    figure.widgets["a"].value = -1
    assert curve(figure).min() == -1
    assert figure.frames == frames + 1
    assert figure.canvas.numbers != sent


def test_only_what_has_changed_is_sent(figure, monkeypatch):
    """A step that changes numbers alone sends numbers alone, in one message."""
    messages = []
    monkeypatch.setattr(
        type(figure.canvas), "_send", lambda _self, msg, buffers=None: messages.append((msg, buffers))
    )
    figure.set(a=0.5)
    figure.set(zoom=True)
    figure.set(points=21)
    sent = [set(message["state"]) | {path[-1] for path in message["buffer_paths"]} for message, _ in messages]
    assert sent == [
        {"numbers", "strings"},
        {"numbers", "strings", "structure"},
        {"numbers", "strings", "structure"},
    ]


def test_setting_several_draws_once(figure):
    frames = figure.frames
    figure.set(a=0.3, points=7)
    assert (figure.frames, figure.values["a"], figure.values["points"]) == (frames + 1, 0.3, 7)
    figure.widgets["a"].value = 0.4  # and single changes are still heard
    assert figure.frames == frames + 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"b": 1}, "unknown control 'b'; choose one of a, kind, points, zoom"),
        ({"kind": "circle"}, "kind can't be 'circle'"),
        ({"a": 3}, r"a can't be 3: it must lie in -2\.0 … 2\.0"),
        ({"points": 1}, "points can't be 1: it must lie in 2 … 50"),
        ({"points": "many"}, "points can't be 'many'"),
    ],
)
def test_wrong_settings_are_named(figure, wrong, words):
    with pytest.raises(ValueError, match=words):
        Parabola(**wrong)
    before = repr(figure)
    with pytest.raises(ValueError, match=words):
        figure.set(**wrong)
    assert repr(figure) == before


def test_after_a_wrong_setting_the_picture_still_fits_the_controls(figure):
    with pytest.raises(ValueError, match="unknown control 'b'"):
        figure.set(a=-2, b=1)
    assert figure.values["a"] == figure.numbers["top"]


def test_an_error_is_told_on_the_figure(figure):
    before = curve(figure)
    figure.widgets["kind"].value = "broken"
    assert isinstance(figure.trouble, ZeroDivisionError)
    assert figure.frame.words == "Nothing can be drawn for these settings: there is no such curve"
    assert figure.canvas.strings[0] == figure.frame.words
    assert figure.numbers == {}
    assert (curve(figure) == before).all()  # what was shown before stays
    figure.widgets["kind"].value = "line"
    assert figure.trouble is None
    assert figure.frame.words == ""


def test_what_is_said_lasts_for_one_state(figure):
    figure.set(a=0)
    assert figure.frame.words == "a is 0: a straight line."
    figure.set(a=1)
    assert figure.frame.words == ""


def test_text_form_tells_controls_and_numbers(figure):
    assert repr(figure) == "Parabola(a=1, kind='line', points=20, zoom=False, top=1, zoomed=False)"
    figure.set(kind="nan", a=0.123456)
    assert "top=overflow" in repr(figure)
    assert "a=0.123" in repr(figure)


def test_the_read_out_tells_numbers_in_words(figure):
    figure.set(a=0.5)
    assert figure.frame.readout == (
        ("y at the ends, of 20 points", "0.5"),
        ("points", "20"),
        ("zoomed", "False"),
    )
    assert figure.canvas.strings[-6:] == [text for pair in figure.frame.readout for text in pair]


def test_mime_bundle(figure):
    bundle = figure._repr_mimebundle_()
    stored = Image.open(BytesIO(b64decode(bundle["image/png"])))
    assert stored.size == (960, 200)
    assert np.ptp(np.asarray(stored.convert("L"))) > 100
    assert bundle["text/plain"] == repr(figure)
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == figure.root.model_id


def test_closing_leaves_the_text_and_no_widget(figure):
    before, text = len(widgets.widget._instances), repr(figure)
    spare = Parabola()
    assert len(widgets.widget._instances) > before
    spare.close()
    assert len(widgets.widget._instances) == before
    assert repr(spare) == text
    assert spare._repr_mimebundle_() == {"text/plain": text}
    spare.refresh()
    spare.close()
    assert repr(spare) == text


def run_of_cell(monkeypatch, cell, run):
    parent = {"metadata": {"cellId": cell} if cell else {}, "header": {"msg_id": run}}
    monkeypatch.setattr(live, "get_ipython", lambda: SimpleNamespace(get_parent=lambda: parent))
    return Parabola()


def test_running_a_cell_again_closes_its_earlier_figures(monkeypatch):
    one, two = (run_of_cell(monkeypatch, "cell 1", "run 1") for _ in range(2))
    other = run_of_cell(monkeypatch, "cell 2", "run 2")
    assert all(figure.canvas is not None for figure in (one, two, other))
    again = run_of_cell(monkeypatch, "cell 1", "run 3")
    assert one.canvas is two.canvas is None
    assert again.canvas is not None
    assert other.canvas is not None


def test_without_cells_nothing_is_closed(monkeypatch):
    first, _ = (run_of_cell(monkeypatch, None, run) for run in ("run 1", "run 2"))
    assert first.canvas is not None
    monkeypatch.setattr(live, "get_ipython", lambda: None)
    Parabola()
    assert first.canvas is not None


def test_threads_take_turns(figure):
    inside, most, update = [0], [0], figure.update

    def slow_update(**values):
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.01)
        inside[0] -= 1
        return update(**values)

    figure.update = slow_update
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [Thread(target=figure.refresh) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert most == [1]
    assert figure.trouble is None


def test_controls_are_ones_that_a_keyboard_drives():
    made = [
        live.choice("c", ["x", "y"], "x"),
        live.steps("s", (0.1, 5 / 3), 0.1),
        live.whole("w", 1, 9, 2),
        live.real("r", 0, 1, 0.1, 0.5),
        live.switch("on"),
    ]
    kinds = [
        widgets.Dropdown,
        widgets.SelectionSlider,
        widgets.IntSlider,
        widgets.FloatSlider,
        widgets.Checkbox,
    ]
    assert [type(widget) for widget in made] == kinds
    assert [widget.description for widget in made] == ["c", "s", "w", "r", "on"]
    assert [widget.value for widget in made] == ["x", 0.1, 2, 0.5, False]
    assert made[1].options == (("0.1", 0.1), ("1.67", 5 / 3))


def test_controls_stand_in_even_columns():
    made = [live.choice("a longer label", ["x"], "x"), live.real("r", 0, 1, 0.1, 0.5), live.switch("on")]
    grid = live.control_grid(made)
    assert "minmax(300px, 1fr)" in grid.layout.grid_template_columns
    assert made[0].style.description_width == made[1].style.description_width != ""


def test_a_subclass_must_say_two_things():
    for method in ("controls", "update"):
        with pytest.raises(NotImplementedError):
            getattr(live.LiveFigure, method)(object())


def test_overflow_and_what_is_not_a_number_are_told_apart(figure):
    figure.frame = Frame((), numbers={"top": np.float64(np.inf), "ratio": np.float64(np.nan)})
    assert "top=overflow, ratio=undefined" in repr(figure)
