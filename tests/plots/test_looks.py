"""Looks: every one can be drawn, and those that are compared differ in more than their color."""

from itertools import combinations

import pytest
from matplotlib.colors import to_rgb

from helpers.plots import looks


@pytest.mark.parametrize("wrong", [{"color": "pink"}, {"line": "wavy"}, {"marker": "heart"}, {"rim": "gold"}])
def test_a_look_names_what_it_does_not_know(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} can't be {value!r}; choose one of"):
        looks.Look(**wrong)
    with pytest.raises(ValueError, match="no look 'pink'; choose one of measured"):
        looks.get_look("pink")


@pytest.mark.parametrize(
    "names", [("first", "second", "third", "fourth", "fifth"), ("measured", "predicted", "guess")]
)
def test_what_stands_side_by_side_differs_in_line_or_marker(names):
    for one, two in combinations(map(looks.get_look, names), 2):
        assert one.color != two.color
        assert (one.line, one.marker) != (two.line, two.marker)


def luminance(color):
    """The relative luminance of WCAG 2."""
    parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, two):
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("page", [0, 1])
@pytest.mark.parametrize("color", ["blue", "red", "green", "purple", "ink", "gray"])
def test_lines_and_words_stand_out_from_the_page(color, page):
    """WCAG asks 3 : 1 of what is drawn, and 4.5 : 1 of words."""
    wanted = 4.5 if color == "ink" else 3
    assert contrast(looks.COLORS[color][page], ("#ffffff", "#111111")[page]) >= wanted


def test_every_colormap_is_known_to_matplotlib():
    from matplotlib import colormaps

    assert set(looks.COLORMAPS) <= set(colormaps)
