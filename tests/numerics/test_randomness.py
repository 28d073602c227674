"""Random in training, still in testing: what `behavior` finds in methods whose answer is known."""

import numpy as np
import pytest

from helpers.numerics.randomness import behavior, behavior_table

X = np.linspace(-2, 2, 20)


def measured(training, testing, samples=2000):
    return behavior(training, testing, samples=samples, rng=np.random.default_rng(0))


def noisy(rng):
    return X + rng.standard_normal(20)


def still(rng):
    return X


def test_noise_that_averages_out():
    found = measured(noisy, still)
    assert found[:2] == (True, False)
    assert found.standard_error == pytest.approx(1 / np.sqrt(2000), rel=0.05)
    assert found.bias < 2 * found.standard_error
    assert found.averages_out


def test_a_testing_output_that_is_off_is_found_out():
    found = measured(noisy, lambda rng: X + 0.2)
    assert found.bias == pytest.approx(0.2, rel=0.1)
    assert not found.averages_out


def test_offsets_of_both_signs_do_not_cancel():
    assert not measured(noisy, lambda rng: X + 0.2 * np.sign(X)).averages_out


def test_the_standard_error_is_the_bias_by_chance():
    runs = [behavior(noisy, still, samples=50, rng=np.random.default_rng(seed)) for seed in range(50)]
    squares = np.mean([(run.bias, run.standard_error) for run in runs], axis=0)
    assert squares[0] == pytest.approx(squares[1], rel=0.1)


def test_what_is_the_same_at_every_pass():
    assert measured(still, still) == (False, False, 0, 0)
    assert measured(still, still).averages_out
    assert not measured(still, lambda rng: 2 * X).averages_out


def test_random_testing_is_told():
    assert measured(still, noisy).random_in_testing


def test_rounding_is_no_bias():
    found = measured(lambda rng: X.astype(np.float32), still)
    assert found.bias == 0
    assert measured(lambda rng: X * (1 + 1e-4), still).bias > 0


def test_mean_and_variance_are_those_of_all_samples():
    seen = []

    def training(rng):
        seen.append(1e6 + noisy(rng))  # far from 0, where a plain sum of squares would lose its digits
        return seen[-1]

    found = measured(training, lambda rng: 1e6 + X + 5, samples=30)
    assert found.standard_error == pytest.approx(np.sqrt(np.var(seen, axis=0, ddof=1).mean() / 30))
    assert found.bias == pytest.approx(np.sqrt(np.mean((1e6 + X + 5 - np.mean(seen, axis=0)) ** 2)))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="samples must be 2 or more, got 1"):
        measured(noisy, still, samples=1)
    with pytest.raises(ValueError, match=r"training returns shape \(20,\) and testing \(3,\)"):
        measured(noisy, lambda rng: X[:3])


def test_the_table_has_a_row_per_method():
    methods = {"noise": (noisy, still), "off": (noisy, lambda rng: X + 0.2), "nothing": (still, still)}
    header, *rows = behavior_table(methods, samples=500, rng=np.random.default_rng(0)).split("\n")
    assert header.startswith("method")
    assert [row.split()[0] for row in rows] == list(methods)
    assert [row.split()[1:3] for row in rows] == [["yes", "no"], ["yes", "no"], ["no", "no"]]
    assert [row.split()[-1] for row in rows] == ["yes", "no", "yes"]
