"""Canvas: the widget that draws a Frame in the browser. The drawing itself is in canvas.js, beside this."""

from dataclasses import asdict
from functools import cache
from pathlib import Path

import anywidget
import traitlets
from matplotlib import colormaps
from matplotlib.colors import to_hex

from helpers.plots.frame import Frame, packed
from helpers.plots.looks import COLORMAPS, COLORS, DASHES, LOOKS

HERE = Path(__file__).parent
STOPS = 33  # colors sent of a colormap; those between are interpolated


class Canvas(anywidget.AnyWidget):
    """A picture that `show(frame)` changes at once; `sketch` holds what a learner has drawn in: a
    number for each place, or None.

    Only what has changed is sent: the numbers of nearly every step, the structure hardly ever.
    """

    _esm = traitlets.Unicode((HERE / "canvas.js").read_text("utf-8")).tag(sync=True)
    _css = traitlets.Unicode((HERE / "canvas.css").read_text("utf-8")).tag(sync=True)
    _anywidget_id = traitlets.Unicode("helpers.plots.canvas.Canvas").tag(sync=True)
    looks = traitlets.Dict().tag(sync=True)
    structure = traitlets.Dict().tag(sync=True)
    strings = traitlets.List().tag(sync=True)
    numbers = traitlets.Bytes().tag(sync=True)
    pixels = traitlets.Bytes().tag(sync=True)
    sketch = traitlets.List().tag(sync=True)

    def __init__(self, **options):
        super().__init__(looks=looks_by_name(), **options)

    def add_traits(self, **traits):
        """Add traits that the class lacks; each call makes a class that is never freed, so none in vain."""
        new = {name: trait for name, trait in traits.items() if not self.has_trait(name)}
        if new:
            super().add_traits(**new)

    def show(self, frame: Frame) -> None:
        """Draw a frame: one message with what differs from the last."""
        structure, strings, numbers, pixels = packed(frame)
        with self.hold_sync():
            self.structure, self.strings = structure, strings
            self.numbers, self.pixels = numbers.tobytes(), pixels.tobytes()


@cache
def looks_by_name() -> dict:
    """Return colors, dashes, looks and colormaps by name, as canvas.js reads them."""
    looks = {name: asdict(look) for name, look in LOOKS.items()}
    maps = {name: [to_hex(colormaps[name](k / (STOPS - 1))) for k in range(STOPS)] for name in COLORMAPS}
    return {"colors": COLORS, "dashes": DASHES, "looks": looks, "maps": maps}
