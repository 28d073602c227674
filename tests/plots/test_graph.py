"""The picture of a computation graph: every number in its box, nothing over anything else."""

from itertools import combinations

import numpy as np
import pytest

from helpers.numerics import autodiff
from helpers.plots import graph as pictures
from helpers.plots.style import Picture


@pytest.fixture
def loss():
    loss = autodiff.chain()
    autodiff.backward(loss)
    return loss


def panel_of(output):
    size = pictures.fitting_size(output)
    return pictures.GraphPanel(Picture((size[0] / 100, size[1] / 100)).add_axes([0, 0, 1, 1]), output, size)


def texts(panel, which):
    return {
        node.name: pair[which].get_text() for node, pair in panel.numbers.items() if pair[which].get_text()
    }


def test_all_values_and_gradients_are_shown(loss):
    panel = panel_of(loss)
    panel.show(13, 13)
    named = autodiff.nodes(loss)
    assert texts(panel, 0) == {name: pictures.short(node.value) for name, node in named.items()}
    assert texts(panel, 1) == {name: pictures.short(node.grad) for name, node in named.items()}
    assert len(panel.lines[0].get_segments()) == len(panel.lines[1].get_segments()) == 23


def test_only_what_is_known_is_shown(loss):
    panel = panel_of(loss)
    panel.show(0, 0)
    assert set(texts(panel, 0)) == set(autodiff.CHAIN)
    assert texts(panel, 1) == {}
    panel.show(13, 2)
    assert set(texts(panel, 1)) == {"L", "h3", "t", "z3"}
    assert len(panel.lines[1].get_segments()) == 3
    panel.show(4, 0)
    assert len(panel.lines[0].get_segments()) == 8


def test_local_derivatives_stand_on_the_edges(loss):
    panel = panel_of(loss)
    panel.show(13, 13, slopes=[autodiff.nodes(loss)["v2·h2"]])
    told = {
        edge[0].name: text.get_text()
        for edge, text in zip(panel.edges, panel.slopes, strict=True)
        if text.get_text()
    }
    assert told == {"v2": "×0.5", "h2": "×−1"}
    panel.show(13, 13)
    assert not any(text.get_text() for text in panel.slopes)


def boxes_of(output):
    size = pictures.fitting_size(output)
    return size, pictures.pixels_of(pictures.places(output), size)


def small(depth):
    x, w, b = autodiff.leaves(x=1, w=2, b=3)
    output = autodiff.sigmoid((w * x + b).named("z"))
    for k in range(depth):
        (v,) = autodiff.leaves(**{f"v{k}": 1})
        output = autodiff.sigmoid(output * v)
    return output


def crossed():
    """Two nodes fed by the same two, which by themselves would stand on the same spot."""
    a, b = autodiff.leaves(a=1, b=2)
    product, total = a * b, a + b
    return (product * total).named("u") + (product + total).named("v")


GRAPHS = [autodiff.chain(), small(0), small(1), small(2), crossed(), autodiff.Node("lone", 1)]


@pytest.mark.parametrize("output", GRAPHS)
def test_boxes_neither_overlap_nor_leave_the_picture(output):
    (width, height), boxes = boxes_of(output)
    for (x0, y0), (x1, y1) in combinations(boxes.values(), 2):
        assert abs(x0 - x1) > pictures.BOX[0] + 20 or abs(y0 - y1) > pictures.BOX[1] + 12
    for x, y in boxes.values():
        assert pictures.BOX[0] / 2 <= x <= width - pictures.BOX[0] / 2
        assert pictures.BOX[1] / 2 <= y <= height - pictures.BOX[1] / 2 - 20  # the legend's line stays free


def test_no_line_runs_through_a_box(loss):
    panel = panel_of(loss)
    for source, node in panel.edges:
        (a, b) = np.array(panel._segment((source, node)))
        points = a + np.linspace(0, 1, 50)[:, None] * (b - a)
        for other, (x, y) in panel.places.items():
            if other not in (source, node):
                inside = (abs(points[:, 0] - x) < pictures.BOX[0] / 2) & (
                    abs(points[:, 1] - y) < pictures.BOX[1] / 2
                )
                assert not inside.any(), (source, node, other)


def test_values_travel_to_the_right(loss):
    grid = pictures.places(loss)
    assert all(grid[source][0] < grid[node][0] for node in grid for source in node.inputs)
    assert all(grid[node][0] == node.depth for node in grid if node.inputs)


@pytest.mark.parametrize(
    ("value", "told"),
    [(0, "0"), (-0.0, "0"), (2, "2"), (0.7310, "0.731"), (-0.006928, "−0.0069"), (-5.0, "−5"),
     (2.1234e-7, "2.1e-7"), (-3e-12, "−3.0e-12"), (12345.6, "12346"), (-99.96, "−100")],
)  # fmt: skip
def test_numbers_are_short(value, told):
    assert pictures.short(value) == told


def test_the_still_picture(loss):
    picture = pictures.computation_graph(loss, slopes=["L"])
    assert picture._repr_png_()[:4] == b"\x89PNG"
    assert "z1" in repr(picture)
    assert [text.get_text() for text in picture.legends[0].get_texts()] == list(pictures.TEXT.values())[:2]
    forward_only = pictures.computation_graph(loss, sent=0)
    assert len(forward_only.legends[0].get_texts()) == 1
