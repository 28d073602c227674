"""The look of the pictures: colors that differ for every reader, PNGs that are small."""

from io import BytesIO
from itertools import combinations

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from helpers.plots import style

# Machado, Oliveira, Fernandes (2009): what a reader without red or green cones sees, in linear RGB.
COLOR_BLIND = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
}


def linear(color):
    rgb = np.asarray(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("kind", COLOR_BLIND)
def test_measured_and_predicted_differ_for_the_color_blind(kind):
    seen = {c: np.array(COLOR_BLIND[kind]) @ linear(c) for c in (style.BLUE, style.RED, style.GREEN)}
    for one, other in combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 0.1, f"{one} and {other}"


def test_color_is_never_alone():
    assert style.MEASURED["marker"]
    assert "marker" not in style.PREDICTED
    assert style.MEASURED["linestyle"] != style.PREDICTED["linestyle"]
    for kinds in (style.COLORS, style.MARKERS, style.LINES):
        assert len(set(kinds)) == len(kinds) == len(style.COLORS)


def test_style_stays_inside_its_context():
    before = dict(matplotlib.rcParams)
    with style.styled():
        assert matplotlib.rcParams["axes.spines.top"] is False
    assert dict(matplotlib.rcParams) == before


def test_picture_tells_itself_in_words_and_pixels():
    picture = style.Picture((3, 2), alt="a line")
    picture.subplots().plot([0, 1])
    shown = Image.open(BytesIO(picture._repr_png_()))
    assert (repr(picture), shown.size, shown.format) == ("<picture: a line>", (300, 200), "PNG")
    assert picture._repr_png_() == picture._repr_png_()


def test_png_keeps_the_colors():
    image = Image.new("RGB", (90, 60), "white")
    for i, color in enumerate(style.COLORS):
        image.paste(color, (10 * i, 10, 10 * i + 8, 50))
    shown = Image.open(BytesIO(style.png(image))).convert("RGB")
    assert np.abs(np.asarray(shown).astype(int) - np.asarray(image).astype(int)).max() <= 24
