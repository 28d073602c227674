"""Canvas: what of a frame is sent to the browser, and when."""

import numpy as np
import pytest

from helpers.plots.canvas import STOPS, Canvas, looks_by_name
from helpers.plots.frame import Axis, Frame, Image, Line, Panel, packed
from helpers.plots.looks import COLORMAPS, LOOKS


def shown(values, title="std", words=""):
    return Frame(
        (Panel((Line(range(len(values)), values, "measured"),), title, Axis(), Axis(0, 9)),), 300, words
    )


@pytest.fixture
def canvas():
    canvas = Canvas()
    yield canvas
    canvas.close()


def test_the_state_is_the_packed_frame(canvas):
    frame = Frame((*shown([1, 2]).panels, Panel((Image([[0, 1]], (0, 1, 0, 1)),))), 300)
    canvas.show(frame)
    structure, strings, numbers, pixels = packed(frame)
    assert (canvas.structure, canvas.strings) == (structure, strings)
    np.testing.assert_array_equal(np.frombuffer(canvas.numbers, np.float32), numbers)
    assert canvas.pixels == pixels.tobytes()


def test_a_step_is_one_message_with_what_has_changed(canvas, monkeypatch):
    canvas.show(shown([1, 2]))
    sent = []
    monkeypatch.setattr(Canvas, "send_state", lambda _self, key=None: sent.append(set(key)))
    canvas.show(shown([1, 3]))
    canvas.show(shown([1, 3]))
    canvas.show(shown([1, 3], words="said"))
    canvas.show(shown([1, 3, 4]))
    assert sent == [{"numbers"}, set(), {"strings"}, {"structure", "numbers", "strings"}]


def test_every_look_and_colormap_is_sent_once():
    sent = looks_by_name()
    assert set(sent["looks"]) == set(LOOKS)
    assert {len(stops) for stops in sent["maps"].values()} == {STOPS}
    assert set(sent["maps"]) == set(COLORMAPS)
    assert looks_by_name() is sent


def test_a_canvas_makes_no_class_of_its_own():
    """anywidget adds traits to each instance, which makes a class each time, never freed."""
    one, two = Canvas(), Canvas()
    assert type(one) is type(two) is Canvas
    for made in (one, two):
        made.close()


def test_the_module_asks_for_nothing_from_outside():
    assert "http" not in Canvas._esm.default_value
    assert "import(" not in Canvas._esm.default_value
    assert "http" not in Canvas._css.default_value
