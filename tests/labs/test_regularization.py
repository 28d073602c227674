"""The labs of lesson 09: what is drawn and read out agrees with numerics computed apart."""

import numpy as np
import pytest

from helpers.labs import dropout as dropout_module
from helpers.labs import dropout_lab, weight_decay_lab
from helpers.labs import weight_decay as decay_module
from helpers.labs.weight_decay import PAIRS, STRENGTHS, halves, pixels, problem_of
from helpers.numerics.dropout import all_masks, mask_probabilities, thinned_outputs
from helpers.numerics.penalties import L1, L2
from helpers.plots.weights import SOLVERS

PENALTIES = {"L1": L1, "L2": L2}


@pytest.fixture(scope="module")
def decay():
    return weight_decay_lab()


@pytest.fixture(scope="module")
def dropout():
    return dropout_lab()


class TestWeightDecay:
    @pytest.fixture
    def lab(self, decay):
        return decay

    @pytest.mark.parametrize("pair", PAIRS[:2])
    @pytest.mark.parametrize("penalty", list(SOLVERS))
    @pytest.mark.parametrize("strength", [STRENGTHS[3], STRENGTHS[10]])
    @pytest.mark.parametrize("images", [100, 400])
    def test_both_solutions_are_lowest_points(self, lab, penalty, pair, strength, images):
        lab.set(penalty=penalty, pair=pair, strength=strength, images=images)
        drawn = lab.two.solution.get_xydata()[0], np.asarray(lab.pixels.get_array()).ravel()
        rng, cost = np.random.default_rng(0), PENALTIES[penalty](strength)
        for w, features in zip(drawn, (halves, pixels), strict=True):
            x, t = problem_of(pair, features, images)[:2]
            total = lambda w, x=x, t=t: np.mean((x @ w + t.mean() - t) ** 2) / 2 + cost.loss(w)  # noqa: E731
            for size in (1e-3, 0.1):
                for step in size * rng.normal(size=(20, len(w))):
                    assert total(w) <= total(w + step) + 1e-9

    def test_numbers_are_those_of_the_drawn_weights(self, lab):
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

    def test_the_marked_place_is_on_both_curves(self, lab):
        lab.set(penalty="L2", pair=PAIRS[1], strength=STRENGTHS[5])
        assert set(lab.marks.get_xdata()) == {5}
        for name, number in (("training", "error_training"), ("new", "error_new")):
            assert lab.errors[name].get_ydata()[5] == pytest.approx(lab.numbers[number])

    def test_l1_gives_zeros_and_l2_does_not(self, lab):
        shares = {}
        for penalty in SOLVERS:
            lab.set(penalty=penalty, pair=PAIRS[0], strength=STRENGTHS[8], images=100)
            shares[penalty] = lab.numbers["exactly_zero"]
        assert shares["L1"] > 0.5
        assert shares["L2"] < 0.2  # pixels that never change have no weight in either

    @pytest.mark.parametrize("penalty", list(SOLVERS))
    def test_a_stronger_penalty_fits_the_training_images_less(self, penalty):
        for pair in PAIRS[:2]:
            path = decay_module.solutions(pair, penalty, 100)
            errors = decay_module.errors_along(path, problem_of(pair, pixels, 100))
            assert (np.diff(errors[:, 0]) > -1e-6).all()
            assert (np.diff([PENALTIES[penalty](1).loss(w) for w in path]) < 1e-6).all()

    def test_training_and_new_images_are_apart_and_scaled_by_the_training_ones(self):
        problem = problem_of(PAIRS[0], pixels, 100)
        assert (len(problem.x), len(problem.x_new)) == (100, 1000)
        varies = problem.x.std(axis=0) > 0
        np.testing.assert_allclose(problem.x.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(problem.x.std(axis=0)[varies], 1)
        assert np.abs(problem.x_new.mean(axis=0)).max() > 1e-3
        more = problem_of(PAIRS[0], pixels, 400)
        assert len(more.x) == 400
        np.testing.assert_array_equal(
            more.t_new, problem.t_new
        )  # the same new images, so that errors compare

    def test_extremes_are_told_in_words(self, lab):
        lab.set(penalty="L1", pair=PAIRS[0], strength=STRENGTHS[-1])
        assert lab._message.get_text() == decay_module.TEXT["all"]
        lab.set(strength=0)
        assert lab._message.get_text() == decay_module.TEXT["none"]


class TestDropout:
    @pytest.fixture
    def lab(self, dropout):
        return dropout

    @pytest.mark.parametrize("method", ["inverted", "vanilla"])
    @pytest.mark.parametrize("rate", [0.2, 0.5, 0.8])
    def test_the_drawn_pass_is_the_network_under_its_mask(self, lab, method, rate):
        lab.set(mode="training", method=method, rate=rate, draw=7, image=2)
        kept = lab.chances[6] >= rate
        factor = 1 / (1 - rate) if method == "inverted" else 1
        h = lab.images[1]
        for W, part in zip(lab.weights[:-1], np.split(kept, 2), strict=True):
            h = factor * part * np.maximum(h @ W, 0)
        np.testing.assert_allclose(lab.dots["sample"].get_ydata(), h @ lab.weights[-1])
        assert lab.numbers["off"] == np.sum(~kept) == len(lab.units[1].get_xdata())
        assert lab.numbers["sample_3"] == pytest.approx((h @ lab.weights[-1])[-1])

    @pytest.mark.parametrize(("method", "factor", "scale"), [("inverted", 2, 1), ("vanilla", 1, 0.5)])
    def test_expected_and_testing(self, lab, method, factor, scale):
        lab.set(mode="training", method=method, rate=0.5, image=3)
        x, masks = lab.images[2], all_masks(12)
        expected = mask_probabilities(masks, 0.5) @ thinned_outputs(x, lab.weights, masks, factor)
        np.testing.assert_allclose(lab.dots["expected"].get_ydata(), expected)
        testing = thinned_outputs(x, lab.weights, np.ones((1, 12), bool), scale)[0]
        np.testing.assert_allclose(lab.dots["whole"].get_ydata(), testing)
        lab.set(mode="testing")
        np.testing.assert_allclose(lab.dots["sample"].get_ydata(), testing)
        assert lab.numbers["off"] == 0

    def test_the_running_mean_is_that_of_the_draws(self, lab):
        lab.set(mode="training", method="inverted", rate=0.3, image=1)
        samples = []
        for draw in range(1, 6):
            lab.set(draw=draw)
            samples.append(lab.numbers["sample_3"])
            assert lab.numbers["mean_3"] == pytest.approx(np.mean(samples))
        np.testing.assert_allclose(lab.lines[0].get_ydata(), np.cumsum(samples) / np.arange(1, 6))

    def test_many_draws_come_near_the_expectation(self, lab):
        lab.set(mode="training", method="inverted", rate=0.5, image=1, draw=200)
        outputs = thinned_outputs(lab.images[0], lab.weights, lab.chances >= 0.5, 2)
        near = 4 * outputs.std(axis=0) / np.sqrt(200)
        assert (np.abs(outputs.mean(axis=0) - lab.dots["expected"].get_ydata()) < near).all()

    def test_no_line_leads_to_or_from_a_unit_that_is_off(self, lab):
        lab.set(mode="training", rate=0.5, draw=3)
        off = {tuple(place) for place in lab.units[1].get_xydata()}
        ends = {tuple(end) for line in lab.edges.get_segments() for end in line}
        assert off
        assert not off & ends

    def test_what_a_unit_says_is_its_activation(self, lab):
        lab.set(mode="training", rate=0.5, draw=3)
        told = [[float(text.get_text()) for text in texts] for texts in lab.texts]
        np.testing.assert_allclose(told[0], lab.images[lab.values["image"] - 1], atol=0.006)
        np.testing.assert_allclose(told[-1], lab.dots["sample"].get_ydata(), atol=0.006)

    def test_extremes_are_told_in_words(self, lab):
        lab.set(mode="training", rate=0, draw=5)
        assert lab._message.get_text() == dropout_module.TEXT["nothing"]
        assert lab.numbers["sample_3"] == pytest.approx(lab.numbers["testing_3"])
        lab.set(rate=0.95)
        assert lab._message.get_text() == dropout_module.TEXT["cut"]
        lab.set(mode="testing")
        assert lab._message.get_text() == dropout_module.TEXT["still"]
