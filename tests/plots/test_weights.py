"""Pictures of weights: what they hold is what the numerics say."""

import numpy as np
import pytest

from helpers.numerics.penalties import lasso, ridge
from helpers.plots import weights

H, BEST = np.array([[1.0, 0.6], [0.6, 1.0]]), np.array([0.5, -0.2])


SOLVERS = {"L2": ridge, "L1": lasso}
SIZES = {"L2": lambda p: np.hypot(*p.T), "L1": lambda p: np.abs(p).sum(axis=-1)}


def points(panel, look):
    """Return the points (n, 2) of the first mark of this look, without its gaps."""
    found = next(mark for mark in panel.marks if mark.look == look)
    places = np.stack([found.x, found.y], axis=1)
    return places[np.isfinite(places).all(axis=1)]


@pytest.mark.parametrize("kind", SOLVERS)
class TestConstraints:
    def panel(self, kind, strength=0.1, hessian=H):
        return weights.constraint_panel(hessian, BEST, kind, strength, labels=("a", "b"))

    @pytest.mark.parametrize("strength", [0.01, 0.1, 0.5])
    def test_solution_region_and_contour_meet(self, kind, strength):
        panel, size, w = self.panel(kind, strength), SIZES[kind], SOLVERS[kind](H, BEST, strength)
        np.testing.assert_array_equal(points(panel, "point"), [w])
        region, contour = points(panel, "limit"), points(panel, "strong line")
        np.testing.assert_allclose(size(region), size(w[None])[0])
        losses = np.einsum("pi,ij,pj->p", contour - BEST, H, contour - BEST)
        np.testing.assert_allclose(losses, (w - BEST) @ H @ (w - BEST))
        assert (size(contour) >= size(w[None]) - 1e-9).all()  # it touches the region, and stays outside

    def test_contours_have_their_shares_of_the_loss_at_0(self, kind):
        contours = points(self.panel(kind), "contour")
        losses = np.einsum("pi,ij,pj->p", contours - BEST, H, contours - BEST)
        shares = losses.reshape(len(weights.LEVELS), -1) / (BEST @ H @ BEST)
        np.testing.assert_allclose(shares, np.transpose([weights.LEVELS] * shares.shape[1]))

    def test_the_path_leads_from_the_best_to_0(self, kind):
        panel = self.panel(kind)
        path = points(panel, "here")
        np.testing.assert_array_equal(path[0], BEST)
        np.testing.assert_array_equal(path, weights.solution_path(H, BEST, kind))
        np.testing.assert_array_equal(points(panel, "goal"), [BEST])
        assert np.abs(path[-1]).max() < 0.01
        assert panel.x.low < path.min() <= path.max() < panel.x.high
        assert panel.square

    def test_a_flat_loss_is_drawn(self, kind):
        panel = self.panel(kind, hessian=np.diag([1.0, 0.0]))
        assert len(points(panel, "here")) == len(weights.PATH)


def test_the_constraint_picture_has_both():
    picture = weights.constraints(H, BEST, 0.1, labels=("a", "b"), alt="x")
    assert [axes.get_title() for axes in picture.axes] == ["L2, λ = 0.1", "L1, λ = 0.1"]
    assert [(axes.get_xlabel(), axes.get_ylabel()) for axes in picture.axes] == [("a", "b")] * 2
    assert sum(len(legend.get_texts()) for legend in picture.legends) == 6
    assert picture._repr_png_().startswith(b"\x89PNG")
    assert repr(picture) == "<picture: x>"


def test_paths_end_where_the_walks_end():
    walk = np.array([[-1.0, 1.0], [0.0, 0.5], [1.0, -1.0]])
    picture = weights.descent_paths({"a": walk, "b": walk[::-1]}, np.array([1.0, -1.0]))
    assert [axes.get_title() for axes in picture.axes] == ["a", "b"]
    assert np.array_equal(picture.axes[0].lines[0].get_xydata(), walk)
    assert picture._repr_png_()


class TestLossLines:
    def test_curves_and_starts(self):
        t = np.linspace(-1, 1, 5)
        picture = weights.loss_lines({"a": t**2 + 1, "b": t + 30}, {"a": 1, "b": 0.1}, alt="x")
        np.testing.assert_array_equal(picture.axes[0].lines[0].get_ydata(), t**2 + 1)
        np.testing.assert_allclose(picture.axes[1].lines[0].get_xdata(), 0.1 * t)
        assert list(picture.axes[1].lines[1].get_ydata()) == [30]

    def test_curves_of_one_size_share_limits_others_do_not(self):
        t = np.linspace(-1, 1, 5)
        losses = {"flat": 0 * t + 2.3, "steep": t + 2.3, "high": t + 30}
        reaches = dict.fromkeys(losses, 1)
        limits = [axes.get_ylim() for axes in weights.loss_lines(losses, reaches, alt="x").axes]
        assert limits[0] == limits[1] != limits[2]
        assert limits[0][0] < 1.3 < 3.3 < limits[0][1]


def test_bars_are_the_parameters_in_millions():
    counts = {"old": {"convolution": 2e6, "dense": 8e6}, "new": {"convolution": 9e6, "dense": 1e6}}
    axes = weights.parameter_shares(counts, alt="x").axes[0]
    convolutions, dense = axes.containers
    assert [bar.get_width() for bar in convolutions] == [2, 9]
    assert [(bar.get_x(), bar.get_width()) for bar in dense] == [(2, 8), (9, 1)]
    assert convolutions[0].get_hatch() != dense[0].get_hatch()


def test_loss_valleys_draws_each_surface_and_the_start():
    w = np.linspace(0, 1, 5)
    left, right = weights.loss_valleys(w, {"a": w, "b": w**2}, starts=(0.2, 0.4), alt="x").axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), w)
    np.testing.assert_allclose(right.lines[0].get_ydata(), w**2)
    assert right.get_title() == "b"
