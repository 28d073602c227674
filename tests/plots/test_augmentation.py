"""Pictures of lesson 10: what the artists hold is what they were given."""

import numpy as np
import pytest

from helpers.plots import augmentation as pictures


def images(count):
    return np.random.default_rng(0).random((count, 8, 8))


def test_a_gallery_has_one_gray_scale_and_its_captions():
    given = images(3)
    rows = {"original": given, "darker": given[:2] / 4}
    picture = pictures.gallery(rows, captions={"darker": ["a", "b"]}, alt="two rows")
    axes = picture.axes
    np.testing.assert_array_equal(axes[1].images[0].get_array(), given[1])
    np.testing.assert_array_equal(axes[4].images[0].get_array(), given[1] / 4)
    assert {ax.images[0].get_clim() for ax in axes if ax.images} == {(0, 1)}
    assert [axes[0].get_ylabel(), axes[3].get_ylabel(), axes[4].get_xlabel()] == ["original", "darker", "b"]
    assert not axes[5].get_visible()
    assert repr(picture) == "<picture: two rows>"


def test_pooling_shows_every_border_and_the_pooled_image():
    image, pooled = images(2)
    rows, columns = np.array([0, 1, 3, 5, 8]), np.array([0, 2, 4, 6, 8])
    left, right = pictures.pooling(image, {"draw": (rows, columns, pooled[:4, :4])}, alt="x").axes
    np.testing.assert_array_equal([line.get_ydata()[0] + 0.5 for line in left.lines[:5]], rows)
    np.testing.assert_array_equal([line.get_xdata()[0] + 0.5 for line in left.lines[5:]], columns)
    np.testing.assert_array_equal(right.images[0].get_array(), pooled[:4, :4])
    assert "4 × 4" in right.get_title()


def test_skipped_blocks_shows_the_passes_and_their_share():
    alive = np.random.default_rng(0).random((100, 5)) < 0.7
    left, right = pictures.skipped_blocks(alive, np.full(5, 0.7), shown=30, alt="x").axes
    np.testing.assert_array_equal(left.images[0].get_array(), alive[:30].T)
    measured, survival = right.lines
    np.testing.assert_allclose(measured.get_ydata(), alive.mean(axis=0))
    np.testing.assert_allclose(survival.get_ydata(), 0.7)
    assert measured.get_marker() == "o"
    assert survival.get_linestyle() == "--"


def test_differences_show_mean_error_and_every_seed():
    series = {
        "short": {"a": np.array([1.0, 2, 3]), "b": np.zeros(3)},
        "long": {"a": np.ones(3), "b": -np.arange(3.0)},
    }
    axes = pictures.differences(series, xlabel="gain", alt="x").axes[0]
    short, long = axes.containers
    np.testing.assert_allclose(short.lines[0].get_xdata(), [2, 0])
    np.testing.assert_allclose(long.lines[0].get_xdata(), [1, -1])
    low, high = short.lines[2][0].get_segments()[0][:, 0]
    np.testing.assert_allclose([low, high], 2 + np.array([-2, 2]) / np.sqrt(3))
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b"]
    assert axes.get_ylim() == (1.5, -0.5)  # the first method on top
    assert short.lines[0].get_marker() != long.lines[0].get_marker()
    ticks = [line for line in axes.lines if line.get_marker() == "|" and len(line.get_xdata()) == 3]
    assert [1, 2, 3] in [list(line.get_xdata()) for line in ticks]


def test_mirror_scores_are_bars_with_their_numbers():
    axes = pictures.mirror_scores({"bag": 0.8, "boot": 1.0}, alt="x").axes[0]
    assert [bar.get_height() for bar in axes.patches] == [0.8, 1.0]
    assert [text.get_text() for text in axes.texts] == ["80%", "100%"]


def test_the_standard_error():
    assert pictures.standard_error([1.0, 2, 3, 4]) == pytest.approx(np.std([1, 2, 3, 4], ddof=1) / 2)
