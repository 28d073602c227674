"""The live figure of a training run, without a browser and without Keras: records go in, artists are read."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.labs import watch
from helpers.plots import style
from helpers.signals.recording import BINS, Recording, empty

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


@pytest.fixture
def figure():
    figure = watch.TrainingFigure()
    yield figure
    figure.close()


def test_before_the_first_record_it_says_that_it_waits(figure):
    assert figure._message.get_text() == watch.TEXT["waiting"]
    assert repr(figure) == "TrainingFigure(None)"
    assert figure.trouble is None
    assert bytes(figure.image.value).startswith(b"\x89PNG")


def test_a_record_moves_picture_progress_and_numbers(figure):
    before = figure.image.value
    assert figure.show(recording()) is True
    assert figure.trouble is None
    assert figure.image.value != before
    assert (figure.progress.value, figure.progress.max) == (300, 300)
    assert figure.numbers["loss"] == pytest.approx(0.5)
    assert figure.numbers["gradient_first"] == 1
    assert figure._message.get_text() == "Done: 300 of 300 steps."


def test_the_artists_hold_what_was_recorded(figure):
    seen = recording()
    figure.show(seen)
    loss, gradient, ratio, heat = figure.panels
    np.testing.assert_array_equal(loss.loss.get_ydata(), seen.loss)
    np.testing.assert_allclose(loss.accuracy.get_ydata(), [0.2, 0.4, 0.6])
    np.testing.assert_allclose(gradient.now.get_ydata(), np.log10(seen.grad_W_norm[-1]))
    np.testing.assert_allclose(ratio.first.get_ydata(), np.log10(seen.ratio[0]))
    np.testing.assert_allclose(heat.image.get_array(), seen.mean_activation.T)
    low, high = gradient.axes.get_ylim()
    assert low <= np.log10(seen.grad_W_norm.min())
    assert high >= 0


def test_the_button_stops_the_run(figure):
    assert figure.show(recording(2)) is True
    figure.set(stop=True)
    assert figure.show(recording(3)) is False
    figure.show(recording(3, stopped=True))
    assert figure._message.get_text() == "Stopped after 200 of 300 steps; what was recorded is kept."
    assert figure.panels[0].axes.get_xlim() == (0, 200)
    assert repr(figure) == "TrainingFigure(Recording of 12 layers, 200 of 300 steps, stopped)"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_diverged_run_is_told_in_words(figure, value):
    wrong = recording()
    bad = np.full_like(wrong.grad_W_norm, value)
    figure.show(replace(wrong, loss=np.full(4, value), grad_W_norm=bad, ratio=bad))
    assert figure._message.get_text() == watch.TEXT["overflow"]
    assert figure.trouble is None


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


def test_an_unfinished_run_says_how_far_it_is(figure):
    figure.show(recording(2))
    assert figure._message.get_text() == "step 100 of 300"


def test_the_stop_button_is_there_and_the_text_tells_no_number_of_keras(figure):
    figure.show(recording())
    assert figure.widgets["stop"].description == "Stop training"
    assert "0.5" not in repr(figure)


def test_an_empty_recording_can_be_shown(figure):
    with style.styled():
        for panel in figure.panels:
            panel.show(empty(LAYERS, 10))


def test_panels_appear_with_the_first_record(figure):
    assert not any(axes.get_visible() for axes in figure.figure.axes)
    figure.show(recording(1))
    assert all(axes.get_visible() for axes in figure.figure.axes)
