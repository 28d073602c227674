"""The weight decay lab: both solutions are lowest points, and what is drawn of them."""

import numpy as np
import pytest

from helpers import labs
from helpers.labs import weight_decay as decay_module
from helpers.labs.weight_decay import PAIRS, STRENGTHS, halves, pixels, problem_of
from helpers.numerics.penalties import L1, L2
from helpers.plots.weights import SOLVERS
from tests.labs.driving import idle_controls

PENALTIES = {"L1": L1, "L2": L2}


@pytest.fixture(scope="module")
def lab():
    return labs.weight_decay_lab()


def total(w, x, t, cost):
    """Return the mean square loss of a centered target, and what the weights cost."""
    return np.mean((x @ w + t.mean() - t) ** 2) / 2 + cost.loss(w)


@pytest.mark.parametrize("pair", PAIRS[:2])
@pytest.mark.parametrize("penalty", list(SOLVERS))
@pytest.mark.parametrize("strength", [STRENGTHS[3], STRENGTHS[10]])
@pytest.mark.parametrize("images", [100, 400])
def test_both_solutions_are_lowest_points(lab, penalty, pair, strength, images):
    lab.set(penalty=penalty, pair=pair, strength=strength, images=images)
    drawn = lab.two.solution.get_xydata()[0], np.asarray(lab.pixels.get_array()).ravel()
    rng, cost = np.random.default_rng(0), PENALTIES[penalty](strength)
    for w, features in zip(drawn, (halves, pixels), strict=True):
        x, t = problem_of(pair, features, images)[:2]
        for size in (1e-3, 0.1):
            for step in size * rng.normal(size=(20, len(w))):
                assert total(w, x, t, cost) <= total(w + step, x, t, cost) + 1e-9


def test_numbers_are_those_of_the_drawn_weights(lab):
    lab.set(penalty="L1", pair=PAIRS[0], strength=STRENGTHS[8], images=200)
    w, numbers = np.asarray(lab.pixels.get_array()).ravel(), lab.numbers
    assert numbers["exactly_zero"] == pytest.approx(np.mean(w == 0))
    assert numbers["near_zero"] == pytest.approx(np.mean(np.abs(w) < 1e-3))
    assert numbers["largest"] == pytest.approx(np.abs(w).max())
    assert (numbers["weight_1"], numbers["weight_2"]) == pytest.approx(
        tuple(lab.two.solution.get_xydata()[0])
    )
    x, t, x_new, t_new = problem_of(PAIRS[0], pixels, 200)[:4]
    assert numbers["error_training"] == pytest.approx(np.mean((x @ w + t.mean() - t) ** 2))
    assert numbers["error_new"] == pytest.approx(np.mean((x_new @ w + t.mean() - t_new) ** 2))
    assert lab.bars.get_data()[0].sum() <= 49


def test_the_marked_place_is_on_both_curves(lab):
    lab.set(penalty="L2", pair=PAIRS[1], strength=STRENGTHS[5])
    assert set(lab.marks.get_xdata()) == {5}
    for name, number in (("training", "error_training"), ("new", "error_new")):
        assert lab.errors[name].get_ydata()[5] == pytest.approx(lab.numbers[number])


def test_l1_gives_zeros_and_l2_does_not(lab):
    shares = {}
    for penalty in SOLVERS:
        lab.set(penalty=penalty, pair=PAIRS[0], strength=STRENGTHS[8], images=100)
        shares[penalty] = lab.numbers["exactly_zero"]
    assert shares["L1"] > 0.5
    assert shares["L2"] < 0.2  # pixels that never change have no weight in either


@pytest.mark.parametrize("penalty", list(SOLVERS))
def test_a_stronger_penalty_fits_the_training_images_less(penalty):
    for pair in PAIRS[:2]:
        path = decay_module.solutions(pair, penalty, 100)
        errors = decay_module.errors_along(path, problem_of(pair, pixels, 100))
        assert (np.diff(errors[:, 0]) > -1e-6).all()
        assert (np.diff([PENALTIES[penalty](1).loss(w) for w in path]) < 1e-6).all()


def test_training_and_new_images_are_apart_and_scaled_by_the_training_ones():
    problem = problem_of(PAIRS[0], pixels, 100)
    assert (len(problem.x), len(problem.x_new)) == (100, 1000)
    varies = problem.x.std(axis=0) > 0
    np.testing.assert_allclose(problem.x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(problem.x.std(axis=0)[varies], 1)
    assert np.abs(problem.x_new.mean(axis=0)).max() > 1e-3
    more = problem_of(PAIRS[0], pixels, 400)
    assert len(more.x) == 400
    np.testing.assert_array_equal(more.t_new, problem.t_new)  # the same new images, so that errors compare


def test_extremes_are_told_in_words(lab):
    lab.set(penalty="L1", pair=PAIRS[0], strength=STRENGTHS[-1])
    assert lab._message.get_text() == decay_module.TEXT["all"]
    lab.set(strength=0)
    assert lab._message.get_text() == decay_module.TEXT["none"]


def test_every_control_moves_the_picture():
    assert idle_controls(labs.weight_decay_lab()) == []
