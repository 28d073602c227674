"""The weight decay lab: both solutions are lowest points, and what is drawn of them."""

import numpy as np
import pytest

from helpers import labs
from helpers.labs import weight_decay as decay_module
from helpers.labs.weight_decay import PAIRS, STRENGTHS, halves, pixels, problem_of
from helpers.numerics.penalties import L1, L2
from helpers.plots.weights import SOLVERS
from tests.labs.driving import idle_controls, mark

TEXT = decay_module.TEXT
PENALTIES = {"L1": L1, "L2": L2}


@pytest.fixture(scope="module")
def lab():
    return labs.weight_decay_lab()


def two_weights(lab):
    """Return the solution that is drawn in the plane of two weights."""
    solution = mark(lab.frame.panel(TEXT["two"]), "point")
    return np.array([solution.x[0], solution.y[0]])


def many_weights(lab):
    """Return the 49 weights that are drawn as an image."""
    return mark(lab.frame.panel(TEXT["image"]), "image").values.ravel()


def total(w, x, t, cost):
    """Return the mean square loss of a centered target, and what the weights cost."""
    return np.mean((x @ w + t.mean() - t) ** 2) / 2 + cost.loss(w)


@pytest.mark.parametrize("pair", PAIRS[:2])
@pytest.mark.parametrize("penalty", list(SOLVERS))
@pytest.mark.parametrize("strength", [STRENGTHS[3], STRENGTHS[10]])
@pytest.mark.parametrize("images", [100, 400])
def test_both_solutions_are_lowest_points(lab, penalty, pair, strength, images):
    lab.set(penalty=penalty, pair=pair, strength=strength, images=images)
    drawn = two_weights(lab), many_weights(lab)
    rng, cost = np.random.default_rng(0), PENALTIES[penalty](strength)
    for w, features in zip(drawn, (halves, pixels), strict=True):
        x, t = problem_of(pair, features, images)[:2]
        for size in (1e-3, 0.1):
            for step in size * rng.normal(size=(20, len(w))):
                assert total(w, x, t, cost) <= total(w + step, x, t, cost) + 1e-9


def test_numbers_are_those_of_the_drawn_weights(lab):
    lab.set(penalty="L1", pair=PAIRS[0], strength=STRENGTHS[8], images=200)
    w, numbers = many_weights(lab), lab.numbers
    assert numbers["exactly_zero"] == pytest.approx(np.mean(w == 0))
    assert numbers["near_zero"] == pytest.approx(np.mean(np.abs(w) < 1e-3))
    assert numbers["largest"] == pytest.approx(np.abs(w).max())
    assert (numbers["weight_1"], numbers["weight_2"]) == pytest.approx(tuple(two_weights(lab)))
    x, t, x_new, t_new = problem_of(PAIRS[0], pixels, 200)[:4]
    assert numbers["error_training"] == pytest.approx(np.mean((x @ w + t.mean() - t) ** 2))
    assert numbers["error_new"] == pytest.approx(np.mean((x_new @ w + t.mean() - t_new) ** 2))
    bars = lab.frame.panel(TEXT["histogram"]).marks[0]
    counts = np.histogram(w, len(bars.heights), (bars.low, bars.high))[0]
    np.testing.assert_array_equal(bars.heights, np.minimum(counts, decay_module.MOST))


def test_the_marked_place_is_on_both_curves(lab):
    lab.set(penalty="L2", pair=PAIRS[1], strength=STRENGTHS[5])
    panel = lab.frame.panel(TEXT["errors"])
    assert set(mark(panel, "here").x) == {5}
    for look, name in (("first", "training"), ("second", "new")):
        curve = mark(panel, look)
        assert curve.label == TEXT[name]
        assert (curve.x[5], curve.y[5]) == pytest.approx((5, lab.numbers[f"error_{name}"]))
    assert panel.x.ticks[5] == f"{STRENGTHS[5]:g}"


def test_the_constraint_picture_is_that_of_the_two_halves(lab):
    lab.set(penalty="L2", pair=PAIRS[1], strength=STRENGTHS[6], images=200)
    problem, panel = problem_of(PAIRS[1], halves, 200), lab.frame.panel(TEXT["two"])
    goal, path = mark(panel, "goal"), mark(panel, "here")
    np.testing.assert_allclose((goal.x[0], goal.y[0]), problem.best)
    np.testing.assert_allclose((path.x[0], path.y[0]), problem.best)
    np.testing.assert_allclose(
        two_weights(lab), SOLVERS["L2"](problem.hessian, problem.best, STRENGTHS[6]), atol=1e-12
    )
    lab.set(penalty="L1")
    np.testing.assert_allclose(
        two_weights(lab), SOLVERS["L1"](problem.hessian, problem.best, STRENGTHS[6]), atol=1e-12
    )


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
    assert lab.frame.words == TEXT["all"]
    lab.set(strength=0)
    assert lab.frame.words == TEXT["none"]
    lab.set(strength=STRENGTHS[8])
    assert lab.frame.words == TEXT["cut"]
    assert (two_weights(lab) == 0).sum() == 1


def test_every_control_moves_the_picture():
    assert idle_controls(labs.weight_decay_lab()) == []
