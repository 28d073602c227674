"""The look of the pictures: colours that differ for every reader, PNGs that are small, panels that fit."""

from io import BytesIO
from itertools import combinations

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from PIL import Image

from helpers.networks.mlp import MLP
from helpers.plots import layers, panels, style
from helpers.signals.trace import trace

# Machado, Oliveira, Fernandes (2009): what a reader without red or green cones sees, in linear RGB.
COLOUR_BLIND = {
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


@pytest.fixture(scope="module")
def traced():
    """A Trace of three layers on random input."""
    rng = np.random.default_rng(3)
    model = MLP((20, 30, 30, 30, 10), activation="tanh", initializer="glorot_normal", rng=rng)
    return trace(model, rng.standard_normal((50, 20)), rng.integers(0, 10, 50))


def linear(colour):
    rgb = np.asarray(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("kind", COLOUR_BLIND)
def test_measured_and_predicted_differ_for_the_colour_blind(kind):
    seen = {c: np.array(COLOUR_BLIND[kind]) @ linear(c) for c in (style.BLUE, style.RED, style.GREEN)}
    for one, other in combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 0.1, f"{one} and {other}"


def test_colour_is_never_alone():
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


def test_png_keeps_the_colours():
    image = Image.new("RGB", (90, 60), "white")
    for i, colour in enumerate(style.COLORS):
        image.paste(colour, (10 * i, 10, 10 * i + 8, 50))
    for palette in (None, style.palette_of(Image.new("RGB", (90, 60), "white"))):  # made before they came
        shown = Image.open(BytesIO(style.png(image, palette))).convert("RGB")
        assert np.abs(np.asarray(shown).astype(int) - np.asarray(image).astype(int)).max() <= 24


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(-10, 0), st.floats(0.1, 10), st.floats(0.1, 5))
def test_limits_hold_every_value(values, low, width, smallest):
    values = np.array([*values, np.nan, np.inf])
    limits = panels.fitting_limits(values, (low, low + width), smallest)
    finite = values[np.isfinite(values)]
    assert limits[0] <= finite.min() <= finite.max() <= limits[1]
    assert panels.fitting_limits(values, limits, smallest) == limits  # a second look changes nothing


def test_limits_without_a_finite_value_stay():
    assert panels.fitting_limits(np.array([np.nan, np.inf]), (-1, 4), 1) == (-1, 4)


def test_limits_follow_when_the_values_have_shrunk():
    low, high = panels.fitting_limits(np.array([0.0, 1.0]), (0.0, 1000.0), 0.2)
    assert high - low < 3


@pytest.mark.parametrize(
    ("exponent", "told"), [(0, "1"), (-2, "0.01"), (3, "1000"), (-7, "1e-7"), (12, "1e12"), (0.5, "")]
)
def test_powers_of_ten_in_plain_text(exponent, told):
    assert panels.power_of_ten(exponent) == told


def test_a_lone_bin_runs_out_of_the_frame():
    assert panels.height_unit(np.array([0.9, 0.05, 0.05])) == 0.05
    assert panels.height_unit(np.array([0.5, 0.3, 0.2])) == 0.5
    assert panels.height_unit(np.array([1.0, 0.0, 0.0])) == 1.0  # collapsed into one bin: shown whole
    assert panels.height_unit(np.zeros(3)) > 0


@style.styled()
def test_histogram_panel_shows_the_layer(traced):
    panel = panels.HistogramPanel(style.Picture().subplots(), -1, 1, 40)
    layer = traced.hidden[1]
    panel.show(2, layer, layer.histogram.shares)
    heights = panel.bars.get_data().values
    np.testing.assert_allclose(heights / heights.sum(), layer.histogram.shares)
    np.testing.assert_allclose(panel.line.get_ydata(), heights)  # the prediction in the same unit
    assert panel.title.get_text() == f"layer 2: std {layer.std:.2g}"
    panel.show(2, layer)
    assert np.isnan(panel.line.get_ydata()).all()


@style.styled()
def test_curve_panel_leaves_out_what_has_no_logarithm():
    panel = panels.CurvePanel(style.Picture().subplots(), "std", log=True)
    panel.show([1.0, 0.0, np.inf, 100.0], [1.0, 10.0, 10.0, 100.0])
    np.testing.assert_array_equal(panel.measured.get_ydata(), [0, np.nan, np.nan, 2])
    np.testing.assert_array_equal(panel.predicted.get_ydata(), [0, 1, 1, 2])
    low, high = panel.axes.get_ylim()
    assert low <= 0 < 2 <= high


def test_layers_pictures(traced):
    shares = [layer.histogram.shares for layer in traced.hidden]
    picture = layers.histograms(traced, shares)
    assert len([axes for axes in picture.axes if axes.get_visible()]) == 3
    assert len(picture._repr_png_()) > 1000

    picture = layers.curves({"a": [1, 10], "b": [2, 20]}, {"a": [1, 11]}, ylabel="std", alt="two curves")
    lines = picture.axes[0].get_lines()
    assert [line.get_label() for line in lines if not line.get_label().startswith("_")] == [
        "a",
        "b",
        "predicted",
    ]
    assert lines[0].get_marker() != lines[2].get_marker()
    assert repr(picture) == "<picture: two curves>"

    picture = layers.seed_curves(
        {"runs": np.array([[1.0, 4.0], [2.0, 6.0], [9.0, 5.0]])}, xlabel="step", ylabel="y"
    )
    np.testing.assert_array_equal(picture.axes[0].get_lines()[0].get_ydata(), [2, 5])
    assert "median and range" in repr(picture)
