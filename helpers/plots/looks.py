"""Looks: how a mark is drawn, by name. A Frame names a look; both painters read it here.

Color is never alone: what is compared differs in its line or its marker too.
"""

from dataclasses import dataclass

from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap

# Each color on a light and on a dark page. The light ones are those of Okabe and Ito (2008), which readers
# with any common color blindness can tell apart; the dark ones keep their hues and are lighter.
COLORS = {
    "blue": ("#0072b2", "#4db2f0"),
    "red": ("#d55e00", "#ff8a3d"),
    "green": ("#009e73", "#35cfa3"),
    "purple": ("#b5578e", "#e59ac5"),
    "orange": ("#e69f00", "#f2b84b"),
    "sky": ("#56b4e9", "#2f7fae"),
    "yellow": ("#f0e442", "#8d8420"),
    "ink": ("#222222", "#e8e8e8"),
    "gray": ("#777777", "#a0a0a0"),
    "pale": ("#b8b8b8", "#5c5c5c"),
    "box": ("#eef3f8", "#26303a"),
    "leaf": ("#fff6e0", "#3a3222"),
    "paper": ("#ffffff", "#111111"),
    "black": ("#222222", "#767676"),  # of lines on an image, whose colors are the same on both pages
}
DASHES = {  # of a line: lengths of stroke and gap, in widths of the line
    "solid": (),
    "dashed": (4, 2),
    "dotted": (1, 1.6),
    "dashdot": (6, 2, 1, 2),
}
MARKERS = ("circle", "square", "triangle", "diamond", "down", "plus", "cross", "star", "dash")
ORDER_AND_CHAOS = ("#0072b2", "#ffffff", "#e69f00")
colormaps.register(LinearSegmentedColormap.from_list("order and chaos", ORDER_AND_CHAOS), force=True)
COLORMAPS = ("gray", "viridis", "cividis", "cividis_r", "PuOr", "order and chaos")


@dataclass(frozen=True)
class Look:
    """How a mark is drawn: color by name, line (None: none), marker (None: none); sizes in pixels.

    `filled` fills a marker or a bar; `rim` is the color of its edge; `alpha` is between 0 and 1; `hatched`
    bars are striped; `small` and `bold` are for text.
    """

    color: str = "ink"
    line: str | None = None
    width: float = 1.8
    marker: str | None = None
    size: float = 6
    filled: bool = True
    rim: str | None = None
    alpha: float = 1.0
    hatched: bool = False
    small: bool = False
    bold: bool = False

    def __post_init__(self):
        allowed = {
            "color": COLORS,
            "line": (None, *DASHES),
            "marker": (None, *MARKERS),
            "rim": (None, *COLORS),
        }
        for name, choices in allowed.items():
            if getattr(self, name) not in choices:
                said = f"{name} can't be {getattr(self, name)!r}; choose one of "
                raise ValueError(said + ", ".join(map(str, choices)))


LOOKS = {
    # what was measured, what theory predicts, what the learner guessed
    "measured": Look("blue", "solid", 2, "circle", 6),
    "predicted": Look("red", "dashed", 2.2),
    "guess": Look("purple", "dashdot", 2.6, "diamond", 6, filled=False),
    # histograms and other bars
    "bars": Look("sky"),
    "outline": Look("green", "dashdot", 2),
    "corrected": Look("green", "solid", 1.5),
    "strong bars": Look("blue"),
    "shade": Look("yellow", alpha=0.35),
    "hatched": Look("green", alpha=0.3, hatched=True),
    "diverged": Look("pale", hatched=True),
    "chosen": Look("ink", width=2, filled=False),
    "around chosen": Look("paper", width=5, filled=False),
    # lines that orient the eye
    "zero": Look("pale", "solid", 1.2),
    "reference": Look("gray", "dotted", 2),
    "tested level": Look("green", "dotted", 2.4),
    "here": Look("ink", "dotted", 1.8),
    "guide": Look("red", "dashed", 1.8),
    "border": Look("orange", "solid", 0.8),
    "contour": Look("gray", "solid", 1.2),
    "level": Look("pale", "solid", 1),
    "casing": Look("paper", "solid", 3),
    "strong line": Look("blue", "solid", 2),
    "derivative": Look("ink", "dashdot", 1.5),
    "limit": Look("orange", "dashed", 2.6),
    # a training run
    "curve": Look("blue", "solid", 1.8),
    "before": Look("ink", "dotted", 1.6),
    "now": Look("green", "solid", 1.4, "circle", 4),
    # the nodes and edges of a graph, what goes through it and what comes back
    "node": Look("box", rim="ink"),
    "leaf": Look("leaf", rim="ink"),
    "active": Look("orange", width=3, filled=False),
    "graph edge": Look("pale", "solid", 1),
    "forward": Look("blue", "solid", 1.6),
    "backward": Look("red", "dashed", 1.6),
    "edge": Look("black", "solid", 2.4),
    "equal depth": Look("black", "dashed", 1),
    "asymptote": Look("green", "dotted", 3),
    # a function and its slope, and another one
    "value": Look("blue", "solid", 2),
    "slope": Look("red", "dashed", 2),
    "other value": Look("green", "dashdot", 1.8),
    "other slope": Look("purple", "dotted", 2),
    "tangent": Look("ink", "solid", 1.4),
    # several things side by side
    "first": Look("blue", "solid", 2, "circle", 5.5),
    "second": Look("red", "dashed", 2, "square", 5.5),
    "third": Look("green", "dashdot", 2, "triangle", 6),
    "fourth": Look("purple", "dotted", 2.2, "diamond", 6),
    "fifth": Look("orange", "solid", 2, "down", 6),
    "noisy": Look("red", "solid", 0.8, "circle", 3),
    # a network drawn unit by unit
    "unit on": Look("sky", marker="circle", size=13, rim="ink"),
    "unit off": Look("gray", marker="cross", size=13, width=2.4),
    "positive weight": Look("sky", "solid", 1.4),
    "negative weight": Look("orange", "dashed", 1.4),
    # single points
    "point": Look("red", marker="circle", size=9),
    "start": Look("ink", marker="diamond", size=9),
    "goal": Look("green", marker="star", size=15),
    "ring": Look("red", marker="circle", size=15, filled=False, width=2),
    "dot": Look("sky", marker="circle", size=3.5),
    "sample": Look("orange", marker="square", size=9),
    "expectation": Look("red", marker="dash", size=18, width=2.4),
    "testing": Look("green", marker="diamond", size=8, filled=False, width=1.8),
    "lowest": Look("ink", marker="star", size=14, rim="paper"),
    "at inference": Look("orange", marker="diamond", size=8, rim="ink"),
    "value point": Look("blue", marker="circle", size=11, rim="ink"),
    "slope point": Look("red", marker="diamond", size=8, rim="ink"),
    "gradient 1": Look("green", marker="triangle", size=9),
    "gradient 2": Look("purple", marker="down", size=9),
    "network": Look("red", marker="star", size=18, rim="paper"),
    "fixed point": Look("blue", marker="plus", size=16, width=2.5),
    "middle": Look("ink", marker="plus", size=12, width=2.5),
    # words
    "text": Look("ink"),
    "small text": Look("ink", small=True),
    "name text": Look("ink", small=True, bold=True),
    "value text": Look("blue", small=True),
    "gradient text": Look("red", small=True),
    "headline": Look("ink", bold=True),
}


def get_look(name) -> Look:
    """Return the look of this name; raises ValueError, with all there are, for an unknown one."""
    if name not in LOOKS:
        raise ValueError(f"there is no look {name!r}; choose one of {', '.join(LOOKS)}")
    return LOOKS[name]
