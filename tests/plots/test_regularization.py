"""Pictures of lesson 09: what the artists hold is what the numerics say."""

import numpy as np
import pytest

from helpers.numerics.penalties import lasso, ridge
from helpers.plots import regularization as pictures

H, BEST = np.array([[1.0, 0.6], [0.6, 1.0]]), np.array([0.5, -0.2])


class TestConstraints:
    @pytest.fixture(params=["L2", "L1"])
    def panel(self, request):
        axes = pictures.Picture((3, 3)).subplots()
        panel = pictures.ConstraintPanel(axes)
        panel.set_problem(H, BEST, request.param)
        panel.solver = {"L2": ridge, "L1": lasso}[request.param]
        return panel

    @pytest.mark.parametrize("strength", [0.01, 0.1, 0.5])
    def test_solution_region_and_contour_meet(self, panel, strength):
        w = panel.show(strength)
        np.testing.assert_allclose(w, panel.solver(H, BEST, strength))
        np.testing.assert_array_equal(panel.solution.get_xydata()[0], w)
        region, contour = panel.region.get_xydata(), panel.touching.get_xydata()
        contour = contour[np.isfinite(contour).all(axis=1)]
        size = (lambda p: np.abs(p).sum(axis=-1)) if panel.solver is lasso else (lambda p: np.hypot(*p.T))
        np.testing.assert_allclose(size(region), size(w))
        losses = np.einsum("pi,ij,pj->p", contour - BEST, H, contour - BEST)
        np.testing.assert_allclose(losses, (w - BEST) @ H @ (w - BEST))
        assert (size(contour) >= size(w) - 1e-9).all()  # the contour touches the region, and stays outside

    def test_the_path_leads_from_the_best_to_0(self, panel):
        path = panel.path.get_xydata()
        np.testing.assert_array_equal(path[0], BEST)
        assert np.abs(path[-1]).max() < 0.01
        low, high = panel.axes.get_xlim()
        assert low < path.min() <= path.max() < high

    def test_a_flat_loss_is_drawn(self, panel):
        panel.set_problem(np.diag([1.0, 0.0]), BEST, "L1")
        panel.show(0.1)
        assert np.isfinite(panel.path.get_xydata()).all()

    def test_the_picture_has_both(self):
        picture = pictures.constraints(H, BEST, 0.1, labels=("a", "b"), alt="x")
        assert [axes.get_title() for axes in picture.axes] == ["L2, λ = 0.1", "L1, λ = 0.1"]
        assert picture._repr_png_().startswith(b"\x89PNG")


def test_bands_are_median_and_range():
    runs = np.array([[1.0, 2], [2, 4], [9, 9]])
    panels = {"a": {"x": runs}, "b": {"x": runs, "y": 2 * runs}}
    picture = pictures.bands(panels, (1, 10), xlabel="n", alt="x", log=("b",), log_x=True, mark=5)
    left, right = picture.axes
    np.testing.assert_array_equal(left.lines[0].get_ydata(), [2, 4])
    np.testing.assert_array_equal(right.lines[1].get_ydata(), [4, 8])
    edges = left.collections[0].get_paths()[0].vertices
    assert (edges[:, 1].min(), edges[:, 1].max()) == (1, 9)
    assert (left.get_yscale(), right.get_yscale(), left.get_xscale()) == ("linear", "log", "log")
    assert right.lines[0].get_linestyle() != right.lines[1].get_linestyle()
    assert "$" not in "".join(label.get_text() for label in right.get_yticklabels())


def test_histograms_hold_the_shares():
    weights = {"step 1": np.array([-0.3, 0.0, 0.0, 0.3]), "step 2": np.zeros(8)}
    picture = pictures.weight_histograms({"L1": weights, "L2": weights}, reach=0.4, alt="x", bins=5)
    first, second = picture.axes[:2]
    np.testing.assert_allclose(first.patches[0].get_data()[0], [0.25, 0, 0.5, 0, 0.25])
    np.testing.assert_allclose(second.patches[0].get_data()[0], [0, 0, 1, 0, 0])
    assert [axes.get_title() for axes in picture.axes] == ["step 1", "step 2", "", ""]
    assert [axes.get_ylabel() for axes in picture.axes] == ["L1", "", "L2", ""]


def test_means_are_drawn_against_testing_outputs():
    means, testing = np.array([1.0, 2, 3]), np.array([1.0, 2.5, 2])
    axes = pictures.against_testing({"two": (means, testing)}, alt="x").axes[0]
    points, line = axes.lines
    np.testing.assert_array_equal(points.get_xdata(), testing)
    np.testing.assert_array_equal(points.get_ydata(), means)
    assert line.get_slope() == 1
    assert points.get_linestyle() != line.get_linestyle()


def test_bars_are_the_parameters_in_millions():
    counts = {"old": {"convolution": 2e6, "dense": 8e6}, "new": {"convolution": 9e6, "dense": 1e6}}
    axes = pictures.parameter_shares(counts, alt="x").axes[0]
    convolutions, dense = axes.containers
    assert [bar.get_width() for bar in convolutions] == [2, 9]
    assert [(bar.get_x(), bar.get_width()) for bar in dense] == [(2, 8), (9, 1)]
    assert convolutions[0].get_hatch() != dense[0].get_hatch()
