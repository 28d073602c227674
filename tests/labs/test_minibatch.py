"""The mini-batch lab: three paths on one loss surface are those of the descent."""

import numpy as np
import pytest

from helpers import labs
from helpers.labs.minibatch import LEVELS, LOSS_SHOWN, START, TEXT, outside
from helpers.networks import two_weights
from helpers.plots import style
from tests.labs.driving import idle_controls


@pytest.fixture(scope="module")
def paths():
    return labs.minibatch_lab()


def path(lab, label):
    """Return the path (updates + 1, 2) of a label on the surface."""
    drawn = next(mark for mark in lab.frame.panel("paths").marks if mark.label == label)
    return np.stack([drawn.x, drawn.y], axis=1)


def losses(lab, label):
    """Return the curve of a label: epochs and losses."""
    return next(mark for mark in lab.frame.panel("loss").marks if mark.label == label)


@pytest.fixture(scope="module")
def examples():
    return two_weights.brightness_of_dresses_and_shirts()


def test_paths_and_losses_are_what_is_read_out(paths, examples):
    paths.set(batch=16, rate=1, epochs=2, seed=0)
    for name, updates in (("full", 2), ("mini", 32), ("single", 512)):
        drawn, curve = path(paths, TEXT[name]), losses(paths, TEXT[name])
        assert len(drawn) == updates + 1
        assert tuple(drawn[0]) == START
        expected = two_weights.logistic_loss(drawn, *examples)
        assert np.allclose(curve.y, np.minimum(expected, LOSS_SHOWN))
        assert np.allclose(curve.x, np.linspace(0, 2, updates + 1))
        assert paths.numbers[f"loss_{name}"] == pytest.approx(expected[-1])
    assert paths.frame.words == "Updates: full batch 2, mini-batch 32, one example at a time 512."
    one_step = np.array(START) - two_weights.logistic_gradient(np.array(START), *examples)
    assert path(paths, "full batch")[1] == pytest.approx(one_step)


def test_the_contours_are_lines_of_equal_loss(paths, examples):
    contour, told, *_, lowest = paths.frame.panel("paths").marks
    points = np.stack([contour.x, contour.y], axis=1)
    found = two_weights.logistic_loss(points[np.isfinite(points).all(axis=1)], *examples)
    levels = np.array(LEVELS)
    nearest = levels[np.abs(found[:, None] - levels).argmin(axis=1)]
    assert set(nearest) == set(LEVELS)
    assert np.abs(found - nearest).max() < 0.02
    at_words = two_weights.logistic_loss(np.stack([told.x, told.y], axis=1), *examples)
    assert at_words == pytest.approx([float(words) for words in told.words], abs=0.01)
    least = two_weights.logistic_loss(np.array([lowest.x[0], lowest.y[0]]), *examples)
    assert least < min(found.min(), LEVELS[0])


def test_a_batch_of_one_and_of_all_are_the_other_paths(paths):
    paths.set(batch=1, rate=1, epochs=2, seed=0)
    assert np.array_equal(path(paths, "mini-batch"), path(paths, "one example"))
    assert "same" in paths.frame.words
    paths.set(batch=256)
    assert np.allclose(path(paths, "mini-batch"), path(paths, "full batch"))
    assert "same" in paths.frame.words


def test_the_seed_changes_the_noisy_paths_only(paths):
    paths.set(batch=16, rate=1, epochs=2, seed=0)
    before = {name: path(paths, TEXT[name]) for name in ("full", "mini", "single")}
    paths.set(seed=1)
    same = {name: np.allclose(path(paths, TEXT[name]), drawn) for name, drawn in before.items()}
    assert same == {"full": True, "mini": False, "single": False}


def test_steps_that_are_too_long_are_told(paths):
    paths.set(batch=16, rate=30, epochs=2, seed=0)
    assert "3 of 3 paths leave" in paths.frame.words
    assert losses(paths, "one example").y.max() == LOSS_SHOWN < paths.numbers["loss_single"]
    paths.set(rate=0)
    assert "no path moves" in paths.frame.words
    assert outside(np.array([[0.0, 0.0], [9.0, 0.0]]))
    assert not outside(np.array([[0.0, 0.0]]))


def test_painted_paths_end_at_the_axes(paths):
    paths.set(batch=16, rate=30, epochs=2, seed=0)
    painted = np.asarray(style.pixels(drawn(paths.picture()).canvas)).astype(int)
    green = np.abs(painted - (0, 158, 115)).max(axis=-1) < 30
    assert green[:, 60:400].sum() > 1000
    assert not green[:, :30].any()


def drawn(picture):
    """Return a picture whose pixels are there to be read."""
    picture.canvas.draw()
    return picture


def test_every_control_moves_the_picture():
    assert idle_controls(labs.minibatch_lab()) == []
