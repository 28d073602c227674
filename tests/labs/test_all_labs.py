"""Every lab of the course, without a browser: hundreds of settings, extremes included, repeatability.

A lab added to `helpers/labs` is tested here without another line.
"""

import warnings
from pathlib import Path
from threading import Thread

import ipywidgets as widgets
import numpy as np
import pytest

from helpers import labs
from helpers.labs import live
from helpers.plots.frame import Frame, Line, Panel
from tests.labs.driving import NAMES, all_settings, drawn, each_lab, faults, idle_controls, make, neighbor


@pytest.fixture(scope="module")
def built():
    """A function: lab's name → the lab at its start state, built once and set back each time."""
    kept = {}

    def at_start(name):
        if name not in kept:
            lab = make(name)
            kept[name] = lab, lab.values
        lab, start = kept[name]
        lab.set(**start)
        return lab

    return at_start


@each_lab
def test_start_state(name, built):
    lab = built(name)
    assert faults(lab) == []
    assert set(lab.widgets) == set(lab.values)
    assert all(widget.description for widget in lab.widgets.values())


@each_lab
def test_numbers_are_told_in_words(name, built):
    """The read-out tells "std of h, layer 10", never the name of a variable."""
    lab = built(name)
    assert len(lab.frame.readout) == len(lab.numbers)
    for words, value in lab.frame.readout:
        assert "_" not in words
        assert "{" not in words
        assert value


@each_lab
def test_titles_and_words_have_no_math_text(name, built):
    """Neither painter sets formulas; a dollar sign would be shown as such."""
    titles = [panel.title for panel in built(name).frame.panels]
    assert any(titles)
    assert not any("$" in title for title in titles)


@each_lab
def test_first_state_travels_with_the_notebook(name, built):
    lab = built(name)
    bundle = lab._repr_mimebundle_()
    assert bundle["text/plain"] == repr(lab)
    assert bundle["image/png"].startswith("iVBOR")
    assert "application/vnd.jupyter.widget-view+json" in bundle


@pytest.mark.slow
@each_lab
def test_the_same_settings_give_the_same_picture(name, built):
    one, two = make(name), make(name)
    assert drawn(one) == drawn(two)
    assert repr(one) == repr(two)
    assert "0x" not in repr(one)
    moved = built(name)
    for control, widget in moved.widgets.items():
        moved.set(**{control: neighbor(widget)})
    fresh = make(name, **moved.values)
    assert repr(fresh) == repr(moved), "the numbers depend on the way that led to the settings"
    assert drawn(fresh) == drawn(moved), "the picture depends on the way that led to the settings"
    for lab in (one, two, fresh):
        lab.close()


@each_lab
def test_a_wrong_name_or_value_is_named(name, built):
    lab = built(name)
    with pytest.raises(ValueError, match="unknown control 'color'"):
        make(name, color="red")
    for control, widget in lab.widgets.items():
        wrong = (
            "no such value"
            if hasattr(widget, "options")
            else widget.max + 1
            if hasattr(widget, "max")
            else "?"
        )
        with pytest.raises(ValueError, match=f"{control} can't be {wrong!r}"):
            lab.set(**{control: wrong})
    assert faults(lab) == []


@pytest.mark.slow
@each_lab
def test_survives_its_extremes(name, built):
    lab = built(name)
    settings = all_settings(lab)
    assert len(settings) >= 40
    wrong = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for setting in settings:
            lab.set(**setting)
            if found := faults(lab):
                wrong[str(setting)] = found
    assert not wrong, f"{len(wrong)} of {len(settings)} settings"


def test_hundreds_of_settings_are_tried(built):
    assert sum(len(all_settings(built(name))) for name in NAMES) >= 500


@pytest.mark.slow
@each_lab
def test_two_threads_at_once(name, built):
    """ipykernel 7 may handle messages in a second thread: the last state must still be the one shown."""
    lab = built(name)
    values, moved = lab.values, {control: neighbor(widget) for control, widget in lab.widgets.items()}
    raised = []

    def use(settings):
        try:
            for setting in settings:
                lab.set(**setting)
        except Exception as error:
            raised.append(error)

    threads = [Thread(target=use, args=([moved, values] * 2,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []
    lab.set(**values)
    fresh = make(name, **values)
    assert repr(lab) == repr(fresh)
    assert faults(lab) == []
    fresh.close()


def test_the_list_of_labs():
    assert dir(labs) == NAMES
    assert all(name.endswith("_lab") for name in NAMES)
    with pytest.raises(AttributeError, match="initialization_lab"):
        _ = labs.no_such_lab


class Broken(live.LiveFigure):
    """A lab that shows what its one control says."""

    def controls(self):
        return {
            "state": live.choice("state", ["well", "blank", "overflow", "vanished", "error", "mute"], "well")
        }

    def update(self, state):
        if state == "error":
            raise ZeroDivisionError("no such number")
        heights = [np.nan, np.nan] if state == "blank" else [0, 1]
        numbers = {"overflow": {"std": np.inf}, "vanished": {"gradient": 0.0}, "mute": {}}
        panel = Panel((Line([0, 1], heights, "measured"),))
        return Frame((panel,), numbers=numbers.get(state, {"std": 1.0}))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("well", []),
        ("blank", ["nothing is drawn within the axes"]),
        ("overflow", ["not a word about ['std'] being out of range"]),
        ("vanished", ["not a word about ['gradient'] having vanished"]),
        (
            "error",
            [
                "trouble: ZeroDivisionError('no such number')",
                "nothing is drawn within the axes",
                "no numbers",
            ],
        ),
        ("mute", ["no numbers"]),
    ],
)
def test_a_faulty_lab_is_found_out(state, words):
    assert faults(Broken(state=state)) == words


@each_lab
def test_every_list_shows_what_is_chosen(name, built):
    """A list whose value is None looks empty in the browser."""
    lists = [w for w in built(name).widgets.values() if isinstance(w, widgets.Dropdown)]
    assert all(widget.index is not None for widget in lists)


@pytest.mark.parametrize("name", sorted(labs.MODULES.values()))
def test_every_lab_has_tests_of_its_own_that_move_its_controls(name):
    own = Path(__file__).with_name(f"test_{name}.py").read_text("utf-8")
    assert "idle_controls" in own


class Idle(Broken):
    """A lab whose control is not connected."""

    def update(self, **_):
        return super().update("well")


def test_an_idle_control_is_found_out():
    assert idle_controls(Idle()) == ["state = 'blank' changes nothing"]
