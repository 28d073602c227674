"""The runs of lesson 00: only the number of layers is changed, or all cures at once."""

import numpy as np
import pytest

from helpers.networks import first_run, patient


def test_only_the_number_of_layers_is_changed():
    whole, shallow = first_run.network(10), first_run.network(2)
    assert (whole.depth, shallow.depth) == (10, 2)
    assert shallow.activation == whole.activation
    for W, V in zip(shallow.weights[:2], whole.weights[:2], strict=True):
        np.testing.assert_array_equal(W, V)  # drawn layer after layer from the same seed
    assert shallow.weights[0].dtype == whole.weights[0].dtype


def test_ten_layers_are_the_patient():
    run = first_run.run(steps=20)
    course = patient.Patient().train(steps=20)
    assert run.end == pytest.approx(10 * course.accuracy)


def test_cured_it_is_the_cured_patient():
    assert first_run.network(10, cured=True).activation.name == "tanh"


def test_every_look_is_shown_and_kept():
    seen = []
    run = first_run.run(1, steps=40, shown=lambda so_far: seen.append(len(so_far.right)))
    assert seen == [1, 2, 3]
    assert run.steps.tolist() == [0, 20, 40]
    assert repr(run) == f"1 layer: {run.end:.1f} of 10 images right"
    assert first_run.Run(10, True, run.steps, run.right).label == "10 layers, cured"


def test_no_layer_is_named():
    with pytest.raises(ValueError, match="a layer at least, got 0"):
        first_run.network(0)
