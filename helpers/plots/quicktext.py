"""Text that changes at every frame of a live figure.

Matplotlib lays out and rasterizes a text anew each time it is drawn, about 0.1 ms a letter: more than all
else in a live figure. Here each letter is rasterized once, and a text is the letters pasted side by side.
"""

from functools import lru_cache

import numpy as np
from matplotlib.artist import Artist
from matplotlib.font_manager import FontProperties

from helpers.plots.style import BLACK, DPI, Picture

BASELINE = 4  # pixels below the letters, for those that reach down


class QuickText(Artist):
    """One line of text above a point, in axes coordinates, centered on it or beginning at it ("left"); set it
    with `set_text`."""

    def __init__(self, axes, x, y, *, size=8, color=BLACK, align="center"):
        super().__init__()
        self._place, self._size, self._color, self._text = (x, y), size, color, ""
        self._before = {"center": 0.5, "left": 0.0}[align]  # how much of the text lies left of the point
        axes.add_artist(self)
        self.set_clip_on(False)

    def set_text(self, text):
        """Set the text; the axes must be drawn again to show it."""
        self._text = text

    def get_text(self):
        """Return the text."""
        return self._text

    def draw(self, renderer):
        """Paste the letters onto the canvas."""
        if not self._text or not self.get_visible():
            return
        pixels = np.concatenate(
            [letter(character, self._size, self._color) for character in self._text], axis=1
        )
        x, y = self.axes.transAxes.transform(self._place)
        left = round(x - self._before * pixels.shape[1])
        renderer.draw_image(renderer.new_gc(), left, round(y) - BASELINE, pixels)


@lru_cache(maxsize=512)
def letter(character, size, color) -> np.ndarray:
    """Return one letter as RGBA pixels, bottom row first, as wide as the font lets it advance."""
    picture = Picture((0.4, 2.2 * size / DPI))
    width = picture.canvas.get_renderer().get_text_width_height_descent(
        character, FontProperties(size=size), False
    )[0]
    picture.patch.set_alpha(0)
    picture.text(0, BASELINE / (2.2 * size), character, size=size, color=color, va="baseline")
    picture.canvas.draw()
    return np.asarray(picture.canvas.buffer_rgba())[::-1, : max(1, round(width))].copy()
