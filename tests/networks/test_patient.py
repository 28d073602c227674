"""The patient: what ails it is what is told, and each cure changes one thing."""

import re

import numpy as np
import pytest

from helpers.data import results
from helpers.networks import patient
from helpers.networks.patient import Patient
from helpers.networks.training import train


def test_it_comes_with_three_illnesses():
    x, _, x_valid, _ = Patient().images()
    assert x.max() == x_valid.max() == 255
    model = Patient().network()
    assert model.activation.name == "sigmoid"
    assert [W.std() for W in model.weights] == pytest.approx([0.01] * 11, rel=0.1)
    assert model.depth == 10


def test_each_cure_changes_one_thing():
    for name, change in patient.CURES.items():
        assert vars(patient.cured(name)) == vars(Patient()) | change
    assert patient.cured(*patient.CURES) == Patient("standardized", "glorot_normal", "tanh")


def test_standardized_inputs_have_the_training_images_statistics():
    x, _, x_valid, _ = patient.cured("inputs").images()
    assert (float(x.mean()), float(x.std())) == pytest.approx((0, 1), abs=1e-3)
    assert abs(float(x_valid.mean())) > 1e-4  # taken from the training images, not from these


def test_what_is_unknown_is_named():
    with pytest.raises(
        ValueError, match="inputs can't be 'raw'; choose one of pixels 0 to 255, standardized"
    ):
        Patient("raw")
    with pytest.raises(ValueError, match="no cure 'rest'; choose from activation, weights, inputs"):
        patient.cured("rest")


def test_every_combination_of_cures_is_stored_with_five_seeds():
    assert len(patient.combinations_of_cures()) == 8
    stored = results.load("patient").scores
    for names in patient.combinations_of_cures():
        assert len(stored[" + ".join(names) or "nothing"].accuracy) == 5


def test_only_all_three_cures_together_make_it_learn():
    stored = results.load("patient").scores
    worst = min(stored["activation + weights + inputs"].accuracy)
    fewer = {name: scores.accuracy for name, scores in stored.items() if name.count("+") < 2}
    assert worst > 0.75
    assert max(accuracy.max() for accuracy in fewer.values()) < worst / 2
    assert [name for name, accuracy in fewer.items() if accuracy.max() > 0.12] == ["activation + weights"]


def test_all_cures_together_give_the_same_digits_again():
    """What rounding moves by 1e-12 at the start has not grown into what is told by the end."""
    cured = patient.cured(*patient.CURES)
    course, (x, y, _, _) = cured.train(steps=200), cured.images()
    model = cured.network()
    model.weights[0] *= 1 + 1e-12
    moved = train(model, x, y, steps=200, learning_rate=patient.RATE, batch_size=patient.BATCH,
                  rng=np.random.default_rng(100))  # fmt: skip
    assert moved[-1] != course.loss[-1]
    np.testing.assert_allclose(moved, course.loss, rtol=1e-4)


def test_the_scoreboard_tells_medians_and_ranges():
    board = patient.scoreboard((), ("activation",))
    accuracy = results.load("patient").scores.nothing.accuracy
    _, first, second = (re.split(r" {2,}", line) for line in board.splitlines())
    told = f"{np.median(accuracy):.2f}", f"{accuracy.min():.2f} to {accuracy.max():.2f}"
    assert first[:3] == ["nothing", *told]
    assert second[0] == "activation"
    assert patient.scoreboard().splitlines()[-1].startswith("activation + weights + inputs")
    assert "<td>activation</td>" in board._repr_html_()


def test_a_short_run_of_the_cured_learns():
    course = patient.cured(*patient.CURES).train(steps=60)
    assert course.loss.shape == (60,)
    assert course.loss[-10:].mean() < 1.5 < 2.3 < course.loss[0]
    assert repr(course).startswith("validation accuracy 0.")
