"""Pictures of prepared inputs: what the artists hold is what the numerics say."""

import numpy as np
import pytest

from helpers.numerics.preprocessing import covariance
from helpers.plots import preprocessing


def cloud(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((100, 2)) @ np.array([[2.0, 1], [0, 0.5]]) + (5, 3)


class TestClouds:
    def test_points_ellipse_and_mean(self):
        points = cloud()
        axes = preprocessing.clouds(
            {"raw": points, "centered": points - points.mean(axis=0)}, alt="two"
        ).axes[0]
        dots, outline, mean = axes.lines[2:5]
        np.testing.assert_array_equal(np.transpose(dots.get_data()), points)
        np.testing.assert_allclose(np.ravel(mean.get_data()), points.mean(axis=0))
        np.testing.assert_array_equal(outline.get_data(), preprocessing.ellipse(points))
        assert axes.get_title() == "raw"

    @pytest.mark.parametrize("shift", [-20, 0, 20])
    def test_all_of_it_and_the_origin_are_in_sight(self, shift):
        points = np.sign(cloud() - (5, 3)) + shift  # at the corners of a square: the ellipse reaches beyond
        axes = preprocessing.clouds({"a": points}, alt="x").axes[0]
        for limits in (axes.get_xlim(), axes.get_ylim()):
            for values in (points, preprocessing.ellipse(points), 0):
                assert limits[0] < np.min(values) <= np.max(values) < limits[1]

    def test_the_ellipse_lies_two_standard_deviations_out(self):
        points = cloud()
        out = preprocessing.ellipse(points).T - points.mean(axis=0)
        np.testing.assert_allclose(np.sum(out @ np.linalg.inv(covariance(points)) * out, axis=1), 4)

    def test_a_line_of_points_is_drawn(self):
        points = np.outer(np.arange(5.0), (1, 2))
        assert preprocessing.clouds({"a": points}, alt="x")._repr_png_().startswith(b"\x89PNG")


def test_boundaries_show_classes_lines_and_pivot():
    points, second = cloud(), np.arange(100) % 3 == 0
    panels = {"a": (points, second, {"w": (2, -1), "w + 5 %": (2.1, -1)})}
    axes = preprocessing.boundaries(panels, ("dress", "boot"), labels=("x", "y"), alt="x").axes[0]
    lines = {line.get_label(): np.transpose(line.get_data()) for line in axes.lines}
    np.testing.assert_array_equal(lines["dress"], points[~second])
    np.testing.assert_array_equal(lines["boot"], points[second])
    for label, slope in (("w", 2), ("w + 5 %", 2.1)):
        np.testing.assert_allclose(lines[label][:, 1], slope * lines[label][:, 0] - 1)
    np.testing.assert_array_equal(lines["pivot, x = 0"], [[0, -1]])
    styles = [line.get_linestyle() for line in axes.lines]
    assert styles[2] != styles[3]


def test_covariances_show_small_matrices_in_numbers():
    C = {"a": np.array([[1, -0.25], [-0.25, 1e-17]]), "b": np.eye(28)}
    small, large = preprocessing.covariances(C, alt="x").axes
    np.testing.assert_array_equal(small.images[0].get_array(), C["a"])
    assert [text.get_text() for text in small.texts] == ["1", "-0.25", "-0.25", "0"]
    assert not large.texts
    low, high = large.images[0].get_clim()
    assert low == -high == -1
