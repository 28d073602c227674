"""The comparison of row G7: fair by construction, and what is stored is what its code says."""

from dataclasses import replace

import numpy as np
import pytest

from experiments import augmentation as experiment
from experiments import store
from helpers import data

BUDGET = (20,)


@pytest.fixture(scope="module")
def stored():
    return store.read("augmentation")


@pytest.fixture
def little(monkeypatch):
    """A few images in place of all, real or not."""
    x, y = data.load_batch(300, standardize=False)
    x = (x - x.mean()) / x.std()
    monkeypatch.setattr(
        experiment, "images", lambda seed, test: ((x[:200], y[:200], x[200:], y[200:]), 0.286, 0.353)
    )


@pytest.mark.parametrize("name", [*experiment.METHODS, "together"])
def test_every_method_runs_and_repeats(name, little):
    one = experiment.Run(experiment.judged()[name], 3, True, BUDGET)
    told = experiment.run(one)
    assert told == experiment.run(one)
    assert 0 <= told["accuracy"][0] <= 1
    assert np.isfinite(told["loss"])


def test_all_methods_see_the_same_mini_batches_and_first_weights(little, monkeypatch):
    seen = []

    def watched(model, x, y, *, augment, rng, **options):
        rows = rng.permutation(len(x))
        seen.append((rows, model.layers[0].W.copy() if model.layers[0].W.shape[0] == 784 else None))
        augment(x[:5], y[:5], rng=rng)  # its draws must not disturb the order of the batches
        seen[-1] += (rng.permutation(len(x)),)
        return np.zeros(100)

    monkeypatch.setattr(experiment, "train", watched)
    for methods in experiment.judged().values():
        experiment.run(experiment.Run(methods, 3, True))
    for first, W, second in seen[1:]:
        np.testing.assert_array_equal(first, seen[0][0])
        np.testing.assert_array_equal(second, seen[0][2])
        assert W is None or np.array_equal(W, seen[0][1])


def test_training_and_tuning_images_are_disjoint():
    starts = [seed * experiment.IMAGES for seed in (*experiment.SEEDS, *experiment.TUNING_SEEDS)]
    assert len(set(starts)) == len(starts)
    assert max(starts) + experiment.IMAGES <= 55_000
    assert all(not run.test for run in experiment.tuning_settings())
    assert all(run.test for run in [*experiment.test_settings(), *experiment.long_settings()])


def test_each_strength_is_the_best_of_those_tried(stored):
    for name, tried in stored["tried"].items():
        method = experiment.METHODS[name]
        assert tried["strengths"] == list(method.strengths)
        assert tried["chosen"] == method.chosen == tried["strengths"][int(np.argmax(tried["validation"]))]
        assert len(method.strengths) == 3


def test_together_are_the_three_that_gained_most_on_validation_images(stored):
    best = {name: max(tried["validation"]) for name, tried in stored["tried"].items()}
    assert set(sorted(best, key=best.get)[-3:]) == set(experiment.TOGETHER)


def test_what_is_stored_has_all_rows_seeds_and_budgets(stored):
    assert list(stored["rows"]) == list(experiment.judged())
    for row in stored["rows"].values():
        assert np.shape(row["test"]) == np.shape(row["training"]) == (10, 2)
    assert stored["settings"]["steps"] == list(experiment.BUDGETS)
    assert {name: len(ends) for name, ends in stored["longer"].items()} == dict.fromkeys(experiment.LONGER, 5)


def test_merge_puts_every_run_in_its_row():
    told = [
        {"accuracy": [k / 1e4] * len(one.budgets), "training": [1.0] * len(one.budgets), "loss": 0.1}
        for k, one in enumerate(experiment.settings())
    ]
    merged = experiment.merge(told)
    for name, methods in experiment.judged().items():
        places = [
            experiment.settings().index(experiment.Run(methods, seed, True)) for seed in experiment.SEEDS
        ]
        assert [row[0] for row in merged["rows"][name]["test"]] == [place / 1e4 for place in places]


def test_an_accuracy_that_differs_is_found(stored):
    runs = experiment.short()
    names = {methods: name for name, methods in experiment.judged().items()}
    told = [{"accuracy": [stored["rows"][names[one.methods]]["test"][0][0]]} for one in runs]
    assert experiment.faults(stored, runs, told) == []
    told[1] = {"accuracy": [told[1]["accuracy"][0] + 0.03]}
    (fault,) = experiment.faults(stored, runs, told)
    assert fault.startswith(f"{names[runs[1].methods]}, seed 0:")


def test_a_crop_is_tested_on_the_middle_window_and_pooling_in_several_passes(little):
    (x, *_), mean, std = experiment.images(0, True)
    same, _ = experiment.pooling(())
    (cropped,) = experiment.in_testing((("crop", 20),), x, same, mean, std)
    images = (x * std + mean).reshape(-1, 28, 28)
    np.testing.assert_allclose(
        cropped[:, :28] * std + mean, np.repeat(images[:, 4, 4:24], 2, axis=1)[:, _nearest()], atol=1e-5
    )
    pool, side = experiment.pooling((("fractional pooling", 24),))
    passes = experiment.in_testing((("fractional pooling", 24),), x, pool, mean, std)
    assert len(passes) == experiment.TEST_PASSES
    assert passes[0].shape == (200, side**2)
    assert not np.array_equal(passes[0], passes[1])


def _nearest():
    """Places, among pixels that stand twice each, that an enlargement of 20 to 28 takes."""
    return 2 * ((np.arange(28) + 0.5) * 20 / 28).astype(int)


def test_runs_can_be_told_apart():
    settings = experiment.settings()
    assert len(set(settings)) == len(settings)
    assert replace(settings[0], seed=99) not in settings
