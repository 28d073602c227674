"""The picture of a computation graph: every number in its box, nothing over anything else."""

from itertools import combinations

import numpy as np
import pytest

from helpers.numerics import autodiff
from helpers.plots import graph as pictures
from helpers.plots.frame import EDGE, WIDTH


@pytest.fixture
def loss():
    loss = autodiff.chain()
    autodiff.backward(loss)
    return loss


def mark(panel, look):
    """Return the first mark of this look."""
    return next(mark for mark in panel.marks if mark.look == look)


def texts(panel, look, output):
    """Return name of the node → words, of the numbers that are shown."""
    told = dict(zip(autodiff.nodes(output), mark(panel, f"{look} text").words, strict=True))
    return {name: words for name, words in told.items() if words}


def drawn(panel, look):
    """Count the arrows, boxes or pieces of a mark that are drawn."""
    found = mark(panel, look)
    return int(np.isfinite([getattr(found, name) for name in found.arrays()]).all(axis=0).sum())


def edges_of(output):
    return [(source, node) for node in autodiff.forward_order(output) for source in node.inputs]


def test_all_values_and_gradients_are_shown(loss):
    panel, named = pictures.graph_panel(loss), autodiff.nodes(loss)
    assert texts(panel, "value", loss) == {name: pictures.short(node.value) for name, node in named.items()}
    assert texts(panel, "gradient", loss) == {name: pictures.short(node.grad) for name, node in named.items()}
    assert drawn(panel, "forward") == drawn(panel, "backward") == 23
    assert (drawn(panel, "leaf"), drawn(panel, "node"), drawn(panel, "active")) == (9, 13, 0)


def test_only_what_is_known_is_shown(loss):
    panel = pictures.graph_panel(loss, 0, 0)
    assert set(texts(panel, "value", loss)) == set(autodiff.CHAIN)
    assert texts(panel, "gradient", loss) == {}
    assert drawn(panel, "forward") == drawn(panel, "backward") == 0
    panel = pictures.graph_panel(loss, 13, 2)
    assert set(texts(panel, "gradient", loss)) == {"L", "h3", "t", "z3"}
    assert drawn(panel, "backward") == 3
    assert drawn(pictures.graph_panel(loss, 4, 0), "forward") == 8


def test_the_structure_does_not_change_from_step_to_step(loss):
    """So that only numbers and words are sent."""
    sizes = {
        tuple(
            len(getattr(m, m.arrays()[0]))
            for m in pictures.graph_panel(loss, *step, active=[active] if active else []).marks
        )
        for step, active in (((0, 0), None), ((5, 0), loss), ((13, 7), None))
    }
    assert len(sizes) == 1


def test_arrows_lead_from_box_to_box_and_back(loss):
    panel, (size, boxes) = pictures.graph_panel(loss), boxes_of(loss)
    forward, backward = mark(panel, "forward"), mark(panel, "backward")
    for k, (source, node) in enumerate(edges_of(loss)):
        (x0, y0), (x1, y1) = boxes[source], boxes[node]
        half, lane = pictures.BOX[0] / 2, pictures.LANE
        there = forward.x[k], forward.y[k], forward.x[k] + forward.dx[k], forward.y[k] + forward.dy[k]
        back = backward.x[k], backward.y[k], backward.x[k] + backward.dx[k], backward.y[k] + backward.dy[k]
        assert there == pytest.approx((x0 + half, y0 + lane, x1 - half, y1 + lane))
        assert back == pytest.approx((x1 - half, y1 - lane, x0 + half, y0 - lane))
    assert panel.x.high - panel.x.low == WIDTH - 2 * EDGE
    assert panel.y.high == size[1]


def test_local_derivatives_stand_on_the_edges(loss):
    panel = pictures.graph_panel(loss, slopes=[autodiff.nodes(loss)["v2·h2"]])
    slopes = panel.marks[-1]
    told = {edge[0].name: words for edge, words in zip(edges_of(loss), slopes.words, strict=True) if words}
    assert told == {"v2": "×0.5", "h2": "×−1"}
    assert not any(pictures.graph_panel(loss).marks[-1].words)


def boxes_of(output):
    size = pictures.fitting_size(pictures.places(output))
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
        assert pictures.BOX[1] / 2 <= y <= height - pictures.BOX[1] / 2
        assert y + pictures.NAME <= height + 6  # a name may reach into the free edge above
    panel = pictures.graph_panel(output)
    for look in ("leaf", "node"):
        bars = mark(panel, look)
        shown = np.isfinite(bars.left)
        middles = np.stack([(bars.left + bars.right) / 2, (bars.bottom + bars.top) / 2], axis=1)[shown]
        expected = [box for node, box in boxes.items() if bool(node.inputs) == (look == "node")]
        np.testing.assert_allclose(middles, np.reshape(expected, (-1, 2)))


def test_no_line_runs_through_a_box(loss):
    edge, (_, boxes) = mark(pictures.graph_panel(loss), "graph edge"), boxes_of(loss)
    pieces = np.stack([edge.x, edge.y], axis=1).reshape(-1, 3, 2)
    for (source, node), (a, b, _) in zip(edges_of(loss), pieces, strict=True):
        points = a + np.linspace(0, 1, 50)[:, None] * (b - a)
        for other, (x, y) in boxes.items():
            if other not in (source, node):
                inside = (np.abs(points - (x, y)) < np.divide(pictures.BOX, 2)).all(axis=1)
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
    drawn = {text.get_text() for text in picture.axes[0].texts}
    assert {"h₃", "×−0.142", pictures.short(loss.value)} <= drawn
    legends = [text.get_text() for legend in picture.legends for text in legend.get_texts()]
    assert legends == [pictures.TEXT["forward"], pictures.TEXT["backward"]]
    forward_only = pictures.computation_graph(loss, sent=0)
    assert [text.get_text() for text in forward_only.legends[0].get_texts()] == [pictures.TEXT["forward"]]


def test_words_stay_in_their_boxes(loss):
    picture = pictures.computation_graph(loss)
    (axes,), (_, boxes) = picture.axes, boxes_of(loss)
    for text in axes.texts:
        extent = text.get_window_extent().transformed(axes.transData.inverted())
        middle = min(boxes.values(), key=lambda box: np.hypot(*(np.mean(extent.get_points(), axis=0) - box)))
        assert middle[0] - pictures.BOX[0] / 2 <= extent.x0 < extent.x1 <= middle[0] + pictures.BOX[0] / 2 + 1
