"""The preprocessing lab: what is drawn and read out agrees with numerics computed apart."""

import numpy as np
import pytest

from helpers import labs
from helpers.labs import preprocessing as module
from helpers.numerics import conditioning
from helpers.numerics.preprocessing import PREPROCESSORS, covariance
from tests.labs.driving import idle_controls

CLOUDS = ("synthetic", "regions", "pixels")


@pytest.fixture(scope="module")
def lab():
    return labs.preprocessing_lab()


def marks(lab, title):
    """Return a panel's marks by label."""
    return {mark.label: mark for mark in lab.frame.panel(title).marks}


def places(mark):
    """Return a mark's points, (n, 2)."""
    return np.column_stack([mark.x, mark.y])


def drawn(lab):
    return places(marks(lab, "the cloud")["points"])


def path(lab):
    return places(marks(lab, "loss")["measured"])


@pytest.mark.parametrize("step", list(PREPROCESSORS))
@pytest.mark.parametrize("cloud", CLOUDS)
def test_points_matrix_and_numbers_agree(lab, cloud, step):
    lab.set(cloud=cloud, step=step, correlation=-0.6, offset=4, ratio=7)
    z, n = drawn(lab), lab.numbers
    C = covariance(z)
    assert (n["var_1"], n["var_2"]) == pytest.approx(tuple(np.diag(C)))
    assert n["covariance"] == pytest.approx(C[0, 1], abs=1e-8)
    assert (n["mean_1"], n["mean_2"]) == pytest.approx(tuple(z.mean(axis=0)), abs=1e-8)
    assert n["condition_of_covariance"] == pytest.approx(np.linalg.cond(C), rel=1e-6)
    assert n["condition_of_loss"] == pytest.approx(np.linalg.cond(z.T @ z), rel=1e-6)
    image, cells = lab.frame.panel("covariance").marks
    assert [float(words) for words in cells.words] == pytest.approx(C.ravel(), rel=6e-3, abs=1e-8)
    rows, columns = (2 - cells.y).astype(int), cells.x.astype(int)  # the cell in which each word stands
    assert image.values[rows, columns] * np.abs(C).max() == pytest.approx(C.ravel(), abs=1e-8)
    assert places(marks(lab, "the cloud")["mean"])[0] == pytest.approx(z.mean(axis=0), abs=1e-8)


@pytest.mark.parametrize("step", list(PREPROCESSORS))
@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_predicted_ellipse_is_the_measured_one(lab, cloud, step):
    """Points on the ellipse have the Mahalanobis distance 2, by the covariance of the drawn points."""
    lab.set(cloud=cloud, step=step, correlation=0.9, offset=1, ratio=20)
    z = drawn(lab)
    from_mean = places(marks(lab, "the cloud")["predicted"]) - z.mean(axis=0)
    squares = np.sum(from_mean @ np.linalg.inv(covariance(z)) * from_mean, axis=1)
    np.testing.assert_allclose(squares, module.DEVIATIONS**2, rtol=1e-6)


def test_drawn_points_have_the_correlation_offset_and_ratio_asked_for(lab):
    lab.set(cloud="synthetic", step="raw", correlation=0.5, offset=3, ratio=10)
    z = drawn(lab)
    np.testing.assert_allclose(np.corrcoef(z.T)[0, 1], 0.5)
    np.testing.assert_allclose(z.mean(axis=0) / z.std(axis=0), 3)
    np.testing.assert_allclose(z[:, 0].std() / z[:, 1].std(), 10)


def test_the_path_is_gradient_descent_on_these_inputs(lab):
    lab.set(cloud="synthetic", step="standardize", correlation=0.8, offset=2, ratio=3)
    z, steps = drawn(lab), path(lab)
    rate = 1 / np.linalg.eigvalsh(z.T @ z / len(z))[-1]
    e = steps[0]
    for later in steps[1:]:
        e = e - rate * np.mean(z * (z @ e)[:, None], axis=0)
        np.testing.assert_allclose(later, e, atol=1e-9)
    measured = marks(lab, "distance")["measured"]
    np.testing.assert_allclose(measured.y, np.linalg.norm(steps[1:], axis=1), rtol=1e-6)
    np.testing.assert_array_equal(measured.x, np.arange(1, module.STEPS + 1))


def test_prediction_and_measured_distance_meet(lab):
    for settings in ({"step": "raw", "offset": 5}, {"step": "standardize", "offset": 5}):
        lab.set(cloud="synthetic", correlation=0.8, ratio=5, **settings)
        measured, predicted = (np.log10(marks(lab, "distance")[name].y) for name in ("measured", "predicted"))
        assert np.abs(measured - predicted).max() < 0.01  # of a decade


def test_contours_hold_the_loss_they_stand_for(lab):
    lab.set(cloud="synthetic", step="center", correlation=0.3, offset=0, ratio=2)
    z, start = drawn(lab), path(lab)[0]

    def loss(e):
        return np.mean((z @ e) ** 2)

    lines = places(marks(lab, "loss")[""])
    found = [loss(e) / loss(start) for e in lines if np.isfinite(e).all()]
    assert np.allclose(np.unique(np.round(found, 6)), sorted(module.CONTOURS))


def test_steps_are_those_predicted(lab):
    lab.set(cloud="pixels", step="raw", offset=1, ratio=2)
    kappa = lab.numbers["condition_of_loss"]
    assert lab.numbers["steps_predicted"] == conditioning.predicted_steps(kappa, module.FACTOR)


def test_a_round_bowl_takes_one_step_and_says_so(lab):
    lab.set(cloud="synthetic", step="zca", correlation=0.9, offset=5, ratio=50)
    assert "One step" in lab.frame.words
    assert lab.numbers["steps_predicted"] == 1
    np.testing.assert_allclose(path(lab)[1:], 0, atol=1e-6)


def test_images_keep_their_own_correlation(lab):
    lab.set(cloud="pixels", step="raw", offset=0, ratio=1, correlation=-0.9)
    before = drawn(lab)
    said = lab.frame.words
    lab.set(correlation=0.9)
    np.testing.assert_array_equal(drawn(lab), before)
    correlation = np.corrcoef(before.T)[0, 1]
    assert f"{correlation:.2f}" in said or "images" in said  # or that these are not the real images


def test_a_shift_does_not_reach_what_is_centered(lab):
    lab.set(cloud="synthetic", step="center", correlation=0.7, offset=0, ratio=3)
    before = lab.numbers["condition_of_loss"]
    lab.set(offset=10)
    assert lab.numbers["condition_of_loss"] == pytest.approx(before)
    lab.set(step="raw")
    assert lab.numbers["condition_of_loss"] > 20 * before


def test_the_whole_cloud_is_in_sight(lab):
    for settings in ({"step": "raw", "offset": 10, "ratio": 1}, {"step": "pca", "offset": 0, "ratio": 100}):
        lab.set(cloud="synthetic", correlation=0.99, **settings)
        panel = lab.frame.panel("the cloud")
        low, high = panel.x.ends
        assert low < drawn(lab).min() <= drawn(lab).max() < high
        assert (low, high) == panel.y.ends
        assert panel.square


def test_every_control_moves_the_picture():
    assert idle_controls(labs.preprocessing_lab()) == []
