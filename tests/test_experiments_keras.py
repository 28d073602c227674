"""The experiments of lesson 07: what is trained, what scores it, and what the short version finds."""

import contextlib

import numpy as np

from experiments import keras_normalization, keras_runs
from helpers.networks import keras_patient, patient


def test_each_contender_trains_what_its_name_says(monkeypatch):
    seen = []

    def started(setup, *, rate, seed):
        seen.append((setup.place, setup.case.activation, setup.batch_size, rate))
        raise StopIteration

    monkeypatch.setattr(keras_patient, "started", started)
    for train, study in (
        (keras_normalization.train, keras_normalization.STUDY),
        (keras_normalization.train_batches, keras_normalization.BATCHES),
    ):
        for name in study.contenders:
            with contextlib.suppress(StopIteration):
                train(name, {"rate": 0.5}, 0)
    assert seen[:5] == [
        (None, "sigmoid", 50, 0.5),
        ("before", "sigmoid", 50, 0.5),
        ("after", "sigmoid", 50, 0.5),
        (None, "tanh", 50, 0.5),
        ("before", "tanh", 50, 0.5),
    ]
    assert [(place, size) for place, _, size, _ in seen[5:]] == [
        *(("before", size) for size in (2, 4, 8, 16, 64)),
        *((None, size) for size in (2, 16)),
    ]


def test_a_training_is_scored_at_every_look_on_both_held_out_sets(monkeypatch):
    monkeypatch.setattr(keras_normalization, "EPOCHS", 4)
    ran = keras_normalization.train("cured, without", {"rate": 0.1}, 0)
    assert len(ran["validation"]) == len(ran["test"]) == 2
    assert ran["validation"][-1] != ran["test"][-1]
    assert all(np.isfinite(one).all() for looks in ran.values() for one in looks)


def test_test_images_are_prepared_with_the_training_images_numbers_alone():
    raw = keras_normalization._held_out("patient")["test"][0]
    ready = keras_normalization._held_out("cured")["test"][0]
    x = keras_patient.images()[0].astype(float)
    np.testing.assert_allclose(ready, (raw - x.mean()) / x.std(), atol=1e-4)
    assert len(raw) == keras_normalization.TEST


def test_logits_give_back_the_probabilities():
    model = keras_patient.started(keras_patient.Setup(), seed=0)
    x = keras_patient.images()[0][:5]
    np.testing.assert_allclose(
        np.exp(keras_normalization._logits(model, x)).sum(axis=1), np.ones(5), rtol=1e-5
    )


def test_runs_are_merged_by_name_and_a_run_outside_the_band_is_found():
    one = {"val_accuracy": [0.5, 0.7], "seen": 0.71}
    stored = keras_runs.merge([one] * len(keras_runs.settings()))
    entry = stored["runs"]["cured"]
    assert np.shape(entry["val_accuracy"]) == (len(keras_runs.SEEDS), 2)
    assert entry["seen"] == [0.71] * len(keras_runs.SEEDS)
    case = keras_runs.Case("cured", 0)
    assert keras_runs.faults(stored, [case], [one]) == []
    (fault,) = keras_runs.faults(stored, [case], [{"val_accuracy": [0.5, 0.3]}])
    assert fault == "cured: accuracy 0.300, stored 0.700 to 0.700"


def test_the_runs_cover_every_place_and_momentum_of_the_lesson():
    setups = {name: setup for name, (setup, _) in keras_runs.RUNS.items()}
    assert setups["momentum 0.99"].momentum == keras_patient.MOMENTUM
    assert setups["cured"].case == patient.cured(*patient.CURES)
    assert setups["small output"].small_output
