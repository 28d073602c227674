"""Two valleys: where they lie, the gradient, and who gets out of the poor one."""

import numpy as np
import pytest

from helpers.networks import valleys
from helpers.numerics.gradcheck import numerical_gradient


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_the_gradient_is_that_of_the_loss(share):
    x, y = valleys.examples(share)
    for w in (3.0, 12.5):
        numeric = numerical_gradient(lambda v: float(valleys.loss(v[0], x, y)), np.array([w]))
        assert valleys.gradients(np.array([w]), x, y).mean() == pytest.approx(numeric[0], rel=1e-6)


def test_the_poor_valley_is_shallow_or_deep():
    heights = {}
    for share in (0.0, 0.3):
        x, y = valleys.examples(share)
        ridge = valleys.loss(np.linspace(7, 12, 101), x, y).max()
        poor = valleys.loss(np.linspace(valleys.FROM, valleys.TO, 101), x, y).min()
        assert valleys.loss(valleys.lowest(x, y), x, y) < poor < ridge
        heights[share] = ridge - poor
    assert heights[0.3] > 2 * heights[0.0]


def test_the_full_batch_stays_and_noise_leads_out():
    options = {"batch_size": 64, "rate": 10, "updates": 400, "seeds": 8}
    assert valleys.ends(0.0, **options).escaped == 0
    assert valleys.ends(0.0, **options, noise_of=4).escaped > 3


def test_batches_of_everything_are_the_full_gradient():
    x, y = valleys.examples()
    one = valleys.descend(x, y, batch_size=64, rate=0.5, updates=1, seeds=3, seed=0)
    start = np.random.default_rng(0).uniform(valleys.FROM, valleys.TO, 3)
    assert one == pytest.approx(start - 0.5 * valleys.gradients(start, x, y).mean(axis=1))


@pytest.mark.slow
def test_no_chosen_rate_lies_at_the_edge():
    for share in (0.0, 0.3):
        for size in (64, 16, 4):
            assert valleys.RATES[0] < valleys.at_best_rate(share, size).rate < valleys.RATES[-1]
