"""Pictures of lesson 07: what the artists hold is what was measured."""

import numpy as np
import pytest

from helpers.plots import keras_normalization as pictures

RUNS = np.array([[0.1, 0.5, 0.8], [0.2, 0.4, 0.7], [0.6, 0.6, 0.95]])


def drawn(**options):
    panels = {
        "epochs": {"with": ([1, 2, 3], RUNS), "without": ([1, 2, 3], RUNS / 2)},
        "seconds": {"with": (np.array([2.0, 4.0, 6.0]), RUNS)},
    }
    return pictures.training_panels(
        panels, xlabels=["epoch", "seconds"], ylabel="accuracy", alt="two panels", **options
    )


class TestTrainingPanels:
    def test_lines_are_medians_at_their_places(self):
        first, second = drawn().axes
        np.testing.assert_allclose(first.lines[0].get_ydata(), [0.2, 0.5, 0.8])
        np.testing.assert_allclose(first.lines[1].get_ydata(), [0.1, 0.25, 0.4])
        np.testing.assert_allclose(second.lines[0].get_xdata(), [2, 4, 6])

    def test_bands_reach_from_the_smallest_to_the_largest(self):
        heights = drawn().axes[0].collections[0].get_paths()[0].vertices[:, 1]
        assert (heights.min(), heights.max()) == (0.1, 0.95)

    def test_legends_tell_where_the_runs_ended(self):
        texts = [text.get_text() for text in drawn().axes[0].get_legend().get_texts()]
        assert texts == ["with: 0.80 (0.70 to 0.95)", "without: 0.40 (0.35 to 0.47)"]

    def test_colour_is_never_alone(self):
        lines = drawn().axes[0].lines
        looks = {(line.get_marker(), line.get_linestyle()) for line in lines}
        assert len(looks) == len(lines)

    def test_it_shows_itself_and_says_what_it_shows(self):
        assert repr(drawn()) == "<picture: two panels>"
        assert drawn()._repr_png_().startswith(b"\x89PNG")

    def test_labels_and_panels_must_match(self):
        with pytest.raises(ValueError, match="zip"):
            pictures.training_panels({"a": {"x": ([1], RUNS[:, :1])}}, xlabels=[], ylabel="", alt="")


class TestByBatchSize:
    def picture(self):
        sizes = (2, 8, 32)
        return pictures.by_batch_size(sizes, {"training": RUNS}, {"inference": 0.85}, ylabel="a", alt="b")

    def test_places_are_powers_of_two_and_named(self):
        axes = self.picture().axes[0]
        np.testing.assert_allclose(axes.lines[0].get_xdata(), [1, 3, 5])
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["2", "8", "32"]

    def test_values_and_level(self):
        axes = self.picture().axes[0]
        np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.2, 0.5, 0.8])
        np.testing.assert_allclose(axes.lines[1].get_ydata(), 0.85)
        assert "inference: 0.85" in [text.get_text() for text in axes.get_legend().get_texts()]
