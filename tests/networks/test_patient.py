"""The patient: what ails it is what is told, and each cure changes one thing."""

import numpy as np
import pytest

from helpers.data import results
from helpers.networks import patient
from helpers.networks.patient import Patient


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
    others = [np.median(scores.accuracy) for name, scores in stored.items() if name.count("+") < 2]
    assert worst > 0.75
    assert max(others) < 0.15


def test_the_scoreboard_tells_medians_and_ranges():
    board = patient.scoreboard((), ("activation",))
    accuracy = results.load("patient").scores.nothing.accuracy
    assert board.rows[0][:3] == (
        "nothing",
        f"{np.median(accuracy):.2f}",
        f"{accuracy.min():.2f} to {accuracy.max():.2f}",
    )
    assert [row[0] for row in patient.scoreboard().rows][-1] == "activation + weights + inputs"
    assert "<td>activation</td>" in board._repr_html_()
    assert repr(board).split("\n")[2].startswith("activation")


def test_a_short_run_of_the_cured_learns():
    course = patient.cured(*patient.CURES).train(steps=60)
    assert course.loss.shape == (60,)
    assert course.loss[-10:].mean() < 1.5 < 2.3 < course.loss[0]
    assert repr(course).startswith("validation accuracy 0.")
