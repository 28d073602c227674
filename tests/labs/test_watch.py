"""The live figure of a training run, without a browser and without Keras: records go in, Frames come out."""

from dataclasses import replace

import numpy as np
import pytest

from helpers import data
from helpers.labs import watch
from helpers.plots.training import TITLES
from helpers.signals.recording import BINS, HEALTHY_RATIO, Recording, empty
from tests.labs.driving import mark

LAYERS = tuple(f"layer {i}" for i in range(12))


def recording(records=4, total=300, **changes):
    """A recording of so many records, 100 steps apart, of 12 layers whose gradients halve."""
    rng = np.random.default_rng(0)
    gradient = 2.0 ** -np.arange(12) * np.ones((records, 1))
    made = Recording(
        LAYERS,
        total,
        100 * np.arange(records),
        np.linspace(2.3, 0.5, records),
        gradient,
        gradient / 100,
        rng.integers(1, 50, size=(records, 12, BINS)),
        tuple((100 * i, {"val_accuracy": 0.2 * i}) for i in range(1, records)),
    )
    return replace(made, **changes)


def panel(figure, name):
    return figure.frame.panel(TITLES[name])


@pytest.fixture
def figure():
    figure = watch.TrainingFigure()
    yield figure
    figure.close()


def test_before_the_first_record_it_says_that_it_waits(figure):
    assert figure.frame.words == watch.TEXT["waiting"]
    assert repr(figure) == "TrainingFigure(None)"
    assert figure.trouble is None
    assert figure.picture()._repr_png_().startswith(b"\x89PNG")


def test_a_record_moves_picture_progress_and_numbers(figure):
    before = figure.canvas.numbers
    assert figure.show(recording()) is True
    assert figure.trouble is None
    assert figure.canvas.numbers != before
    assert (figure.progress.value, figure.progress.max) == (300, 300)
    assert figure.numbers["loss"] == pytest.approx(0.5)
    assert figure.numbers["gradient_first"] == 1
    assert figure.frame.words == "Done: 300 of 300 steps."


def test_the_frame_holds_what_was_recorded(figure):
    seen = recording()
    figure.show(seen)
    (loss,), (accuracy,) = panel(figure, "loss").marks, panel(figure, "val_accuracy").marks
    np.testing.assert_array_equal((loss.x, loss.y), (seen.steps, seen.loss))
    np.testing.assert_allclose((accuracy.x, accuracy.y), ([100, 200, 300], [0.2, 0.4, 0.6]))
    for quantity in ("grad_W_norm", "ratio"):
        values, shown = getattr(seen, quantity), panel(figure, quantity)
        np.testing.assert_array_equal(mark(shown, "before").y, values[0])
        np.testing.assert_array_equal(mark(shown, "now").y, values[-1])
        np.testing.assert_array_equal(mark(shown, "now").x, np.arange(1, 13))
        assert shown.y.log
        assert shown.y.low <= values.min() <= values.max() <= shown.y.high
    assert set(mark(panel(figure, "ratio"), "guide").y) == {HEALTHY_RATIO}
    heat = panel(figure, "mean_activation").marks[0]
    np.testing.assert_allclose(heat.values[::-1], seen.mean_activation.T)  # the first layer is at the bottom
    assert heat.extent == (0, 300, 0.5, 12.5)


def test_a_rising_loss_stays_in_sight(figure):
    figure.show(recording(3, loss=np.array([2.3, 40.0, np.inf])))
    assert panel(figure, "loss").y.high >= 40


def test_the_button_stops_the_run(figure):
    assert figure.show(recording(2)) is True
    figure.set(stop=True)
    assert figure.show(recording(3)) is False
    figure.show(recording(3, stopped=True))
    assert figure.frame.words == "Stopped after 200 of 300 steps; what was recorded is kept."
    assert panel(figure, "loss").x.ends == (0, 200)
    assert repr(figure) == "TrainingFigure(Recording of 12 layers, 200 of 300 steps, stopped)"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_diverged_run_is_told_in_words(figure, value):
    wrong = recording()
    bad = np.full_like(wrong.grad_W_norm, value)
    figure.show(replace(wrong, loss=np.full(4, value), grad_W_norm=bad, ratio=bad))
    assert figure.frame.words == watch.TEXT["overflow"]
    assert figure.trouble is None
    assert ("loss", "undefined" if np.isnan(value) else "overflow") in figure.frame.readout


@pytest.mark.parametrize(
    "odd",
    [
        recording(1),
        recording(2, grad_W_norm=np.zeros((2, 12)), ratio=np.zeros((2, 12))),
        recording(3, counts=np.zeros((3, 12, BINS), int)),
        recording(2, total=10**7),
    ],
)
def test_odd_recordings_are_drawn(figure, odd):
    figure.show(odd)
    assert figure.trouble is None
    assert figure.picture()._repr_png_().startswith(b"\x89PNG")


def test_an_unfinished_run_says_how_far_it_is(figure):
    figure.show(recording(2))
    assert figure.frame.words == "step 100 of 300"
    assert panel(figure, "loss").x.ends == (0, 300)
    assert mark(panel(figure, "mean_activation"), "image").extent[:2] == (0, 100)  # the rest is to come


def test_the_stop_button_is_there_and_the_text_tells_no_number_of_keras(figure):
    figure.show(recording())
    assert figure.widgets["stop"].description == "Stop training"
    assert "0.5" not in repr(figure)


def test_an_empty_recording_can_be_shown(figure):
    figure.show(empty(LAYERS, 10))
    assert figure.trouble is None
    assert figure.numbers == {"step": 0}
    assert figure.picture()._repr_png_().startswith(b"\x89PNG")


def test_panels_are_filled_with_the_first_record(figure):
    assert [shown.title for shown in figure.frame.panels] == list(TITLES.values())
    assert not any(shown.marks for shown in figure.frame.panels)
    figure.show(recording(1))
    assert [shown.title for shown in figure.frame.panels] == list(TITLES.values())
    assert all(shown.marks for shown in figure.frame.panels)


def test_pointing_at_a_step_or_a_layer_marks_it_in_all_panels_of_its_kind(figure):
    figure.show(recording())
    assert [shown.x.counts for shown in figure.frame.panels] == ["step"] * 3 + ["layer"] * 2


def test_the_time_to_go_is_told_from_the_second_record_on(figure, monkeypatch):
    clock = iter([0.0, 30.0, 90.0, 100.0])
    monkeypatch.setattr(watch, "perf_counter", lambda: next(clock))
    figure.show(recording(1, total=1000))
    assert figure.to_go.value == ""
    figure.show(recording(2, total=1000))  # a hundred steps took 30 seconds, 900 are left
    assert figure.to_go.value == "about 4 min to go"
    figure.show(recording(4, total=400))
    assert figure.to_go.value == "about 30 s to go"
    figure.show(recording(4, total=400, stopped=True))
    assert figure.to_go.value == ""


def test_a_run_is_cut_short_only_where_nobody_looks_on(monkeypatch):
    split = data.load_split(2000)
    monkeypatch.setattr(watch.learner, "is_kept", lambda: True)
    assert watch.cut_short_unless_watched(split) is split
    assert watch.said_of_cut(split, split) == "The whole run: all 2,000 images."
    monkeypatch.setattr(watch.learner, "is_kept", lambda: False)
    cut = watch.cut_short_unless_watched(split)
    assert len(cut.x) == len(cut.y) == watch.UNWATCHED
    assert cut.x_valid is split.x_valid
    told = "Nobody looks on: this run is cut short, to 1,600 of 2,000 images."
    assert watch.said_of_cut(cut, split) == told
