"""Paint: the Matplotlib picture of a Frame shows the numbers that the frame holds, where they belong."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from helpers.plots.frame import (
    Arrows,
    Axis,
    Bars,
    Frame,
    Image,
    Line,
    Panel,
    Points,
    Steps,
    Text,
    beside,
    layer_axis,
)
from helpers.plots.looks import COLORS
from helpers.plots.paint import paint


def painted(*marks, **options):
    """Return the axes of a picture of one panel."""
    return paint(Frame((Panel(marks, **options),), 300)).axes[0]


def test_a_line_has_its_look_and_its_numbers():
    x, y = layer_axis(3), Axis(1e-3, 10, log=True)
    axes = painted(Line([1, 2, 3], [1, 0, 0.01], "measured"), x=x, y=y, title="std")
    line, markers = axes.lines
    np.testing.assert_array_equal(line.get_ydata(), [0, np.nan, -2])
    np.testing.assert_array_equal(markers.get_ydata(), [0, -2])
    assert (line.get_linestyle(), markers.get_linestyle()) == ("-", "None")
    assert (line.get_marker(), markers.get_marker()) == ("", "o")
    assert to_hex(line.get_color()) == to_hex(markers.get_color()) == COLORS["blue"][0]
    assert axes.get_ylim() == (-3, 1)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(y.ticks.values())
    assert axes.get_title() == "std"


def test_nothing_is_painted_beside_a_panel():
    """The line ends at the edge; a marker on it is whole, one whose point lies outside is not drawn."""
    line, markers = painted(Line([0, 0.5, 2], [1, 40, 0.5], "measured")).lines
    assert line.get_clip_on()
    assert not markers.get_clip_on()
    assert markers.get_xydata().tolist() == [[0, 1]]


def test_points_have_no_line():
    (line,) = painted(Points([1], [1], "measured")).lines
    assert line.get_linestyle() == "None"


def test_a_marker_is_drawn_whole_at_the_edge_and_not_at_all_beyond():
    markers = painted(Points([0, 1, 2], [1, 1, 1], "measured")).lines[-1]
    np.testing.assert_array_equal(markers.get_xydata(), [[0, 1], [1, 1]])
    assert not markers.get_clip_on()


def test_steps_and_bars():
    axes = painted(Steps([1, 2], 0, 4, base=0.5), Bars([0, 1], [1, 2], [0, 0], [3, np.nan], "strong bars"))
    stairs, bar = axes.patches
    values, edges, baseline = stairs.get_data()
    np.testing.assert_array_equal(values, [1, 2])
    np.testing.assert_array_equal(edges, [0, 2, 4])
    assert baseline == 0.5
    assert (bar.get_xy(), bar.get_width(), bar.get_height()) == ((0, 0), 1, 3)


def test_the_first_row_of_an_image_is_at_the_top_of_its_extent():
    axes = painted(Image([[0], [1]], (0, 1, 0, 2), bar=True), x=Axis(0, 1), y=Axis(0, 2))
    (image,) = axes.images
    assert image.get_extent() == [0, 1, 0, 2]
    assert image.origin == "upper"
    assert len(axes.figure.axes) == 2  # and the bar of colors
    assert [label.get_text() for label in axes.figure.axes[1].get_yticklabels()] == ["0", "0.5", "1"]


def test_words_and_arrows():
    axes = painted(Text([1, 2], [3, np.nan], ("one", "two")), Arrows([0], [1], [2], [3]), bare=True)
    assert [text.get_text() for text in axes.texts] == ["one"]
    (arrow,) = axes.patches
    start, _, end = arrow.get_path().vertices[:3]
    assert start == pytest.approx((0, 1))
    assert end == pytest.approx((2, 4), abs=0.002)  # the tip is as sharp as the line is wide
    assert not axes.axison


def test_words_are_made_smaller_until_they_fit():
    words, look = ("one", "a longer one"), {"x": Axis(0, 10), "bare": True}
    alone = painted(Text([5, 5], [0.2, 0.8], words), **look).texts
    axes = painted(Text([5, 5], [0.2, 0.8], words, within=0.5), **look)
    widest = max(text.get_window_extent().width for text in axes.texts)
    assert widest == pytest.approx(0.05 * axes.bbox.width, rel=0.1)
    sizes = {text.get_size() for text in axes.texts}
    assert len(sizes) == 1
    assert sizes.pop() < alone[0].get_size()
    roomy = painted(Text([5, 5], [0.2, 0.8], words, within=9), **look).texts
    assert roomy[0].get_size() == alone[0].get_size()


@pytest.mark.parametrize("words", ["", "Overflow: too large."])
def test_words_and_legend_get_room_above(words):
    panels = beside(
        Panel((Line([1], [1], "measured", "measured"),)), Panel((Steps([1], 0, 1, label="bars"),))
    )
    picture = paint(Frame(panels, 300, words), "what it shows")
    assert round(picture.get_figheight() * 100) == 300 + 19 + 22 * bool(words)
    assert [text.get_text() for text in picture.texts] == [words] * bool(words)
    assert [text.get_text() for text in picture.legends[0].get_texts()] == ["measured", "bars"]
    assert repr(picture) == "<picture: what it shows>"


def test_a_long_legend_is_broken_into_rows():
    lines = [Line([1], [1], "measured", f"a rather long label, number {k}") for k in range(8)]
    picture = paint(Frame((Panel(tuple(lines)),), 300))
    assert len(picture.legends) > 1
    assert sum(len(legend.get_texts()) for legend in picture.legends) == 8


def test_markers_that_would_touch_are_smaller():
    sizes = [painted(Line(range(n), range(n), "measured")).lines[-1].get_markersize() for n in (10, 200)]
    assert sizes[1] < sizes[0]


def test_a_square_panel_keeps_its_shape():
    axes = painted(Image([[0, 1]], (0, 1, 0, 2), bar=True), x=Axis(0, 1), y=Axis(2, 0), square=True)
    assert 2 * axes.bbox.width == pytest.approx(axes.bbox.height)
    bar = axes.figure.axes[1]
    assert bar.bbox.x0 - axes.bbox.x1 == pytest.approx(8)
    assert (bar.bbox.y0, bar.bbox.y1) == pytest.approx((axes.bbox.y0, axes.bbox.y1))
