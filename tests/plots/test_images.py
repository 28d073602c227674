"""Pictures of images: what the artists hold is what they were given."""

import numpy as np

from helpers.plots import images
from helpers.plots.frame import Line


def drawn(count):
    return np.random.default_rng(0).random((count, 8, 8))


def test_a_gallery_has_one_gray_scale_and_its_captions():
    given = drawn(3)
    rows = {"original": given, "darker": given[:2] / 4}
    picture = images.gallery(rows, captions={"darker": ["a", "b"]}, alt="two rows")
    axes = picture.axes
    np.testing.assert_array_equal(axes[1].images[0].get_array(), given[1])
    np.testing.assert_array_equal(axes[4].images[0].get_array(), given[1] / 4)
    assert {ax.images[0].get_clim() for ax in axes if ax.images} == {(0, 1)}
    assert [axes[0].get_ylabel(), axes[3].get_ylabel(), axes[4].get_xlabel()] == ["original", "darker", "b"]
    assert not axes[5].get_visible()
    assert repr(picture) == "<picture: two rows>"


def test_a_pixel_stands_at_its_column_and_row():
    values = drawn(1)[0]
    panel = images.image_panel(values, "eight by eight", colors="PuOr", low=-1)
    (image,) = panel.marks
    np.testing.assert_array_equal(image.values, values)
    assert (image.extent, image.colors, image.low, image.high) == ((-0.5, 7.5, 7.5, -0.5), "PuOr", -1, 1)
    assert (panel.x.ends, panel.y.ends) == ((-0.5, 7.5), (7.5, -0.5))
    assert panel.square


def test_a_smaller_image_stands_in_the_middle_and_marks_over_it():
    line = Line([0, 9], [0, 9], "border")
    panel = images.image_panel(drawn(1)[0], side=10, over=[line])
    assert panel.marks[0].extent == (0.5, 8.5, 8.5, 0.5)
    assert panel.x.ends == (-0.5, 9.5)
    assert panel.marks[1] is line


def test_pooling_shows_every_border_and_the_pooled_image():
    image, pooled = drawn(2)
    rows, columns = np.array([0, 1, 3, 5, 8]), np.array([0, 2, 4, 6, 8])
    left, right = images.pooling_regions(image, {"draw": (rows, columns, pooled[:4, :4])}, alt="x").axes
    np.testing.assert_array_equal([line.get_ydata()[0] + 0.5 for line in left.lines[:5]], rows)
    np.testing.assert_array_equal([line.get_xdata()[0] + 0.5 for line in left.lines[5:]], columns)
    np.testing.assert_array_equal(right.images[0].get_array(), pooled[:4, :4])
    assert "4 × 4" in right.get_title()


def test_mirror_scores_are_bars_with_their_numbers():
    axes = images.mirror_scores({"bag": 0.8, "boot": 1.0}, alt="x").axes[0]
    assert [bar.get_height() for bar in axes.patches] == [0.8, 1.0]
    assert [text.get_text() for text in axes.texts] == ["80%", "100%"]


def test_image_rows_have_a_gray_scale_of_their_own():
    plain = np.random.default_rng(0).random((3, 784))
    wild = plain.copy()
    wild[:, 0] = 1e6
    axes = images.gallery({"plain": plain, "wild": wild}, own_scales=True, alt="x").axes
    assert len(axes) == 6
    np.testing.assert_array_equal(axes[1].images[0].get_array(), plain[1].reshape(28, 28))
    assert axes[4].images[0].get_clim()[1] < 2
    assert [axes[0].get_ylabel(), axes[3].get_ylabel()] == ["plain", "wild"]


def test_an_even_image_is_drawn():
    picture = images.gallery({"black": np.zeros((1, 784))}, own_scales=True, alt="x")
    assert picture._repr_png_().startswith(b"\x89PNG")


def test_pixel_maps_show_the_numbers():
    values = np.arange(784.0)
    axes = images.pixel_maps({"std": values}, alt="x").axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), values.reshape(28, 28))
    assert axes.get_title() == "std"


def test_matrix_images_show_the_matrices():
    matrices = {"a": np.eye(3), "b": np.zeros((3, 3))}
    picture = images.matrix_images(matrices, alt="two")
    for axes, W in zip(picture.axes, matrices.values(), strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), W)
    assert repr(picture) == "<picture: two>"
