"""The graph of batch normalization: a stage per step, gradients as those of differences, no box crossed."""

import numpy as np
import pytest

from helpers import labs
from helpers.labs.batch_norm_graph import STAGES, places_of, stage_ends
from helpers.numerics import autodiff
from helpers.numerics.gradcheck import numerical_gradient, relative_error
from helpers.plots.graph import BOX, fitting_size, pixels_of
from tests.labs.driving import idle_controls, mark


@pytest.fixture(scope="module")
def lab():
    return labs.batch_norm_graph_lab()


def shown(lab, which):
    told = mark(lab.frame.panels[0], f"{which} text").words
    return {n: w for n, w in zip(autodiff.nodes(autodiff.batch_norm()), told, strict=True) if w}


def test_each_step_is_a_stage_of_the_layer(lab):
    assert stage_ends(autodiff.batch_norm()) == [0, 1, 4, 5, 6, 9, 12, 13]
    lab.set(step=2)
    assert set(shown(lab, "value")) == {"x1", "x2", "x3", "γ", "β", "μ", "c1", "c2", "c3"}
    lab.set(step=STAGES + 1)
    assert set(shown(lab, "gradient")) == {"L", "y1", "y2", "y3"}
    lab.set(step=STAGES + 3)
    assert "s" in shown(lab, "gradient")
    assert "v" not in shown(lab, "gradient")


def test_the_gradients_are_those_of_differences(lab):
    lab.set(step=2 * STAGES, x1=1, x2=2, x3=6, gamma=1.5, beta=-1)
    start = np.array([1.0, 2, 6])

    def loss(x):
        return autodiff.batch_norm(x1=x[0], x2=x[1], x3=x[2], γ=1.5, β=-1).value

    got = np.array([lab.numbers[f"dx{k}"] for k in (1, 2, 3)])
    assert relative_error(got, numerical_gradient(loss, start)) < 1e-6
    assert lab.numbers["sum"] == 0


def test_equal_inputs_and_a_gamma_of_0_are_said_in_words(lab):
    lab.set(step=7, x1=2, x2=2, x3=2, gamma=1)
    assert "ε alone" in lab.frame.words
    lab.set(x3=6, gamma=0)
    assert "no gradient" in lab.frame.words
    lab.set(gamma=1)
    assert lab.frame.words == ""


def test_no_edge_runs_through_a_box():
    loss = autodiff.batch_norm()
    grid = places_of(loss)
    boxes = pixels_of(grid, fitting_size(grid))
    for node in autodiff.forward_order(loss):
        for source in node.inputs:
            (x0, y0), (x1, y1) = boxes[source], boxes[node]
            start, end = np.array([x0 + BOX[0] / 2, y0]), np.array([x1 - BOX[0] / 2, y1])
            for other, (x, y) in boxes.items():
                if other not in (source, node):
                    points = start + np.linspace(0, 1, 50)[:, None] * (end - start)
                    inside = np.abs(points - (x, y)) < (BOX[0] / 2, BOX[1] / 2)
                    assert not inside.all(axis=1).any(), (source, node, other)


def test_an_unknown_number_is_named():
    with pytest.raises(ValueError, match="x4"):
        autodiff.batch_norm(x4=1)


def test_every_control_moves_the_picture():
    assert idle_controls(labs.batch_norm_graph_lab()) == []
