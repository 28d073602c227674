"""Looking on while a network of lesson 00 trains: what is drawn is what was measured."""

import numpy as np
import pytest

from helpers.labs import first_look
from helpers.networks import first_run


def shown(live):
    return {mark.label: mark for mark in live.frame().panels[0].marks}


@pytest.fixture
def displayed(monkeypatch):
    """What was displayed, in order, each with the run that it showed then."""
    seen = []
    monkeypatch.setattr(first_look, "display", lambda live: seen.append((live, live.run)))
    return seen


def test_the_guess_and_earlier_runs_are_drawn_with_the_run():
    earlier = first_run.Run(10, False, np.array([0, 20]), np.array([1.0, 1.1]))
    live = first_look._Live(7.0, (earlier,), 500)
    assert shown(live).keys() == {"guessing blindly", "your guess", "10 layers"}
    live.show(first_run.Run(2, False, np.array([0, 20]), np.array([1.0, 4.0])))
    marks = shown(live)
    assert marks["your guess"].y.tolist() == [7, 7]
    assert marks["2 layers"].y.tolist() == [1, 4]
    assert marks["2 layers"].look != marks["10 layers"].look
    assert repr(live) == "<picture: right, of ten images: 2 layers>"
    assert live._repr_mimebundle_()["image/png"].startswith("iVBORw0KGgo")


def test_without_a_guess_none_is_drawn():
    assert shown(first_look._Live(None, (), 500)).keys() == {"guessing blindly"}


def test_where_one_looks_on_the_picture_is_there_before_the_training(displayed, monkeypatch, tmp_path):
    monkeypatch.setenv("TAMING_DEPTH_LEARNER", str(tmp_path / "learner.json"))
    run = first_look.train(2, steps=40)
    ((live, before),) = displayed
    assert before is None
    assert live.run.right.tolist() == run.right.tolist()
    assert run.steps.tolist() == [0, 20, 40]


def test_where_notebooks_are_written_it_comes_with_the_result(displayed, monkeypatch):
    monkeypatch.setenv("TAMING_DEPTH_LEARNER", "")
    run = first_look.train(2, steps=20)
    ((_, at_display),) = displayed
    assert at_display.right.tolist() == run.right.tolist()


def test_the_stored_cliff_is_drawn_with_the_guess():
    assert first_look.right_by_layers().shape == (10,)
    assert first_look.five_seeds(2).shape == (5,)
    picture = first_look.against_layers([5.0] * 9 + [None])
    labels = [text.get_text() for legend in picture.legends for text in legend.get_texts()]
    assert "your guess" in labels
    assert first_look.against_layers() is not None


def test_only_one_and_two_layers_learn():
    right = first_look.right_by_layers()
    assert right[0] > right[1] > 3
    assert max(first_look.five_seeds(layers).max() for layers in range(3, 11)) < 1.2


def test_every_kind_is_shown_once():
    assert repr(first_look.ten_kinds()).count(",") == 9
