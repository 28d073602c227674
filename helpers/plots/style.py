"""How every picture of the course looks: colors, line styles, sizes, and the figure that shows itself.

Color is never alone: measured values have markers and a solid line, predicted ones none and a dashed line.
"""

from io import BytesIO

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from helpers.plots import looks

BLUE, ORANGE, GREEN, RED = (looks.COLORS[name][0] for name in ("blue", "orange", "green", "red"))
PURPLE, SKY, YELLOW, BLACK = (looks.COLORS[name][0] for name in ("purple", "sky", "yellow", "ink"))
GRAY = looks.COLORS["gray"][0]
COLORS = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK, YELLOW)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (7, 2)), (0, (3, 3)))

MEASURED = {"color": BLUE, "marker": "o", "markersize": 4, "linestyle": "-", "linewidth": 1.5}
PREDICTED = {"color": RED, "linestyle": "--", "linewidth": 1.6}
EXPECTED = {"color": GRAY, "linestyle": "--", "linewidth": 2.5, "alpha": 0.6}  # beneath a curve of its color

DPI = 100
RC = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GRAY,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "path.simplify_threshold": 0.5,
}


def styled():
    """Return a context (or decorator) inside which Matplotlib draws in the course's style, and only there."""
    return rc_context(RC)


class Picture(Figure):
    """A Matplotlib figure, made without pyplot, that shows itself as a PNG at the end of a notebook cell.

    `size` is in inches at 100 pixels each; `alt` says in words what the picture shows, and is its
    text form, for readers who don't see it and for the comparison of notebook outputs.
    """

    def __init__(self, size=(9.6, 3.2), alt="picture", **options):
        super().__init__(figsize=size, dpi=DPI, **options)
        self.alt = alt
        FigureCanvasAgg(self)

    def __repr__(self):
        return f"<picture: {self.alt}>"

    def _repr_png_(self):
        with styled():
            self.canvas.draw()
        return png(pixels(self.canvas))


def pixels(canvas) -> Image.Image:
    """Return what an Agg canvas shows, as an RGB image."""
    buffer = np.asarray(canvas.buffer_rgba())
    return Image.frombuffer("RGBA", buffer.shape[1::-1], buffer.tobytes(), "raw", "RGBA", 0, 1).convert("RGB")


def png(image: Image.Image) -> bytes:
    """Return PNG bytes of an image in 256 colors, which is small."""
    indexed = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    buffer = BytesIO()
    indexed.save(buffer, "png", optimize=True)
    return buffer.getvalue()
