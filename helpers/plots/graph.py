"""A computation graph as a picture: values forward in blue along solid lines, gradients back in red, dashed.

A node is a box: its symbol on the left, its value above and its gradient below on the right. Columns follow
the depth of the nodes, so that values travel to the right and gradients to the left.
"""

from itertools import pairwise

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from helpers.numerics.autodiff import forward_order, nodes
from helpers.plots.quicktext import QuickText
from helpers.plots.style import BLACK, BLUE, DPI, ORANGE, RED, Picture, styled

BOX, SYMBOL = (80, 36), 24  # pixels: width and height of a box, width of its left part
ROW, LEGEND = 62, 24  # pixels: height of a row, and of the line of words above
LANE = 4  # pixels between an edge's middle and its two lines
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
FORWARD = {"colors": BLUE, "linestyles": "-", "linewidths": 1.5}
BACKWARD = {"colors": RED, "linestyles": (0, (4, 2)), "linewidths": 1.5}
LEAF, INNER = "#ddf0fb", "#ffffff"

TEXT = {
    "forward": "value, forward (solid)",
    "backward": "gradient, backward (dashed)",
    "alt": "computation graph of {names}",
}


class GraphPanel:
    """The boxes and lines of a graph, drawn on axes of `size` pixels (width, height) and filled by `show`."""

    def __init__(self, axes, output, size):
        axes.set(xlim=(0, size[0]), ylim=(0, size[1]))
        axes.axis("off")
        self.axes, self.size, self.output, self.order = axes, size, output, forward_order(output)
        self.places = pixels_of(places(output), size)
        self.edges = [(source, node) for node in self.order for source in node.inputs]
        axes.add_collection(LineCollection([self._segment(edge) for edge in self.edges], colors="#dddddd"))
        for node in self.places:
            self._box(node)
        self.numbers = {node: self._two_texts(*self.places[node]) for node in self.places}
        self.lines = [axes.add_collection(LineCollection([], **look)) for look in (FORWARD, BACKWARD)]
        self.heads = [
            axes.plot([], [], marker, markersize=5, color=color)[0]
            for marker, color in ((">", BLUE), ("<", RED))
        ]
        self.slopes = [self._edge_text() for _ in self.edges]
        (self.frame,) = axes.plot([], [], color=ORANGE, linewidth=3)
        self.artists = [*self.lines, *self.heads, self.frame, *self.slopes]
        self.artists += [text for pair in self.numbers.values() for text in pair]

    def show(self, computed, sent, active=None, slopes=()):
        """Draw values of the leaves and the first `computed` nodes, gradients that the last `sent` handed on.

        A frame is put around the node `active`; local derivatives are written on the edges into the nodes
        of `slopes`.
        """
        done, senders = set(self.order[:computed]), set(self.order[len(self.order) - sent :])
        reached = {source for node in senders for source in node.inputs} | ({self.output} if sent else set())
        for node, (value, gradient) in self.numbers.items():
            value.set_text(short(node.value) if node in done or not node.inputs else "")
            gradient.set_text(short(node.grad) if node in reached else "")
        self._draw_lines(0, [edge for edge in self.edges if edge[1] in done])
        self._draw_lines(1, [edge for edge in self.edges if edge[1] in senders])
        self._write_slopes(slopes)
        self.frame.set_data(*self._frame_around(active))

    def _segment(self, edge, lane=0):
        """Return the two ends of an edge, from the right side of one box to the left side of the other."""
        (x0, y0), (x1, y1) = (self.places[node] for node in edge)
        return [(x0 + BOX[0] / 2, y0 + lane), (x1 - BOX[0] / 2, y1 + lane)]

    def _draw_lines(self, which, edges):
        segments = [self._segment(edge, (LANE, -LANE)[which]) for edge in edges]
        self.lines[which].set_segments(segments)
        ends = np.array([segment[1 - which] for segment in segments]).reshape(-1, 2)
        self.heads[which].set_data(ends[:, 0] + (4 * which - 2), ends[:, 1])

    def _write_slopes(self, active):
        for text, (source, node) in zip(self.slopes, self.edges, strict=True):
            if node not in active:
                text.set_text("")
                continue
            (x0, y0), (x1, y1) = self._segment((source, node))
            level = abs(y1 - y0) < BOX[1]
            text.set_position(((x0 + x1) / 2, (y0 + y1) / 2 + (14 if level else 0)))
            text.set_text(f"×{short(node.slopes[node.inputs.index(source)])}")

    def _frame_around(self, node):
        if node is None:
            return [], []
        (x, y), (w, h) = self.places[node], (BOX[0] / 2 + 3, BOX[1] / 2 + 3)
        return [x - w, x + w, x + w, x - w, x - w], [y - h, y - h, y + h, y + h, y - h]

    def _box(self, node):
        (x, y), (width, height) = self.places[node], BOX
        corner, fill = (x - width / 2, y - height / 2), INNER if node.inputs else LEAF
        self.axes.add_patch(Rectangle(corner, width, height, facecolor=fill, edgecolor=BLACK, linewidth=0.9))
        symbol = node.operation.label if node.inputs else label(node)
        middle = x - (width - SYMBOL) / 2 + (2 if len(symbol) > 2 else 0)
        self.axes.text(
            middle, y, symbol, ha="center", va="center_baseline", size=7 if len(symbol) > 2 else 11
        )
        if node.inputs and node.name.isalnum():  # "w·x" is no name of its own
            self.axes.text(
                x, y + height / 2 + 5, label(node), ha="center", va="bottom", size=8, weight="bold"
            )

    def _two_texts(self, x, y):
        x += SYMBOL / 2
        places = ((x, y + 5, BLUE), (x, y - 12, RED))
        texts = [QuickText(self.axes, a / self.size[0], b / self.size[1], color=c) for a, b, c in places]
        for text in texts:
            text.set_zorder(5)  # above the boxes
        return texts

    def _edge_text(self):
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
        return self.axes.text(0, 0, "", color=RED, size=7, ha="center", va="center", bbox=box)


@styled()
def computation_graph(output, *, computed=None, sent=None, slopes=(), alt=None) -> Picture:
    """Return a graph as it stands after `computed` nodes forward and `sent` nodes backward; all by default.

    Gradients are those that the last `backward` left in the nodes. `slopes` holds names of nodes, on whose
    incoming edges the local derivatives are written.
    """
    named, count = nodes(output), len(forward_order(output))
    size = fitting_size(output)
    words = alt or TEXT["alt"].format(names=", ".join(named))
    picture = Picture((size[0] / DPI, size[1] / DPI), words)
    panel = GraphPanel(picture.add_axes([0, 0, 1, 1]), output, size)
    computed, sent = (count if given is None else given for given in (computed, sent))
    panel.show(computed, sent, slopes=[named[name] for name in slopes])
    picture.legend(handles=legend_handles(sent), loc="upper right", ncols=2, borderaxespad=0.2)
    return picture


def legend_handles(backward=True) -> list:
    """Return lines that say in a legend which style is which."""
    kinds = [("forward", BLUE, "-")] + [("backward", RED, "--")] * bool(backward)
    return [Line2D([], [], linestyle=line, color=color, label=TEXT[name]) for name, color, line in kinds]


def fitting_size(output) -> tuple[int, int]:
    """Return the pixels (width, height) that a graph needs: all 960 wide from six columns on."""
    columns, rows = (1 + max(place[axis] for place in places(output).values()) for axis in (0, 1))
    return min(960, 160 * columns), round(ROW * rows) + LEGEND


def places(output) -> dict:
    """Return (column, row) of every node, rows counted from the top; two in a column are a row apart.

    An operation stands one column right of its last input and midway between its inputs, a leaf one column
    left of what it feeds first. The leaves on the left are sorted by what they feed, so that few lines cross.
    """
    columns = columns_of(output)
    users = users_of(output)
    first, second = ([node for node in columns if columns[node] == c] for c in (0, 1))
    second.sort(key=lambda node: not node.inputs)
    first.sort(key=lambda node: _middle([second.index(user) for user in users[node] if user in second]))
    rows = _evenly(first, len(first)) | _evenly([node for node in second if node.inputs], len(first))
    for column in range(1, 1 + max(columns.values())):
        members = [node for node in columns if columns[node] == column]
        members.sort(key=lambda node: not node.inputs)
        for node in members:
            if node not in rows:
                rows[node] = (
                    _middle([rows[source] for source in node.inputs])
                    if node.inputs
                    else (_beside(node, users[node][0], rows, len(first)))
                )
        _separate(members, rows)
    top = min(rows.values())
    return {node: (columns[node], rows[node] - top) for node in columns}


def columns_of(output) -> dict:
    """Return the column of every node: its depth, or for a leaf the column before the first that it feeds."""
    users = users_of(output)
    return {
        node: node.depth if node.inputs or not users[node] else min(user.depth for user in users[node]) - 1
        for node in users
    }


def users_of(output) -> dict:
    """Return for every node the list of nodes that it feeds."""
    everything = list(nodes(output).values())
    return {node: [user for user in everything if node in user.inputs] for node in everything}


def _evenly(members, rows):
    return {node: (k + 0.5) / len(members) * rows - 0.5 for k, node in enumerate(members)}


def _beside(leaf, user, rows, height):
    """A row away from the other input of what the leaf feeds: above in the upper half, else below."""
    others = [rows[node] for node in user.inputs if node in rows and node is not leaf]
    place = _middle(others)
    return place - 1 if place <= (height - 1) / 2 else place + 1


def _separate(members, rows):
    """Move nodes of one column down until each is a row below the one above it."""
    ordered = sorted(members, key=rows.get)
    for above, below in pairwise(ordered):
        rows[below] = max(rows[below], rows[above] + 1)


def _middle(numbers):
    return sum(numbers) / len(numbers) if numbers else 0.0


def pixels_of(grid, size) -> dict:
    """Return the middle of every box in pixels, from columns and rows."""
    columns, rows = (1 + max(place[axis] for place in grid.values()) for axis in (0, 1))
    room, height = size[0] - BOX[0] - 16, size[1] - LEGEND
    return {
        node: (8 + BOX[0] / 2 + room * column / max(1, columns - 1), height * (1 - (row + 0.5) / rows))
        for node, (column, row) in grid.items()
    }


def label(node) -> str:
    """Return a node's name as it is drawn: x₁ for "x1"."""
    return node.name.translate(SUBSCRIPTS)


def short(value) -> str:
    """Return a number in at most eight characters: 0.731, −0.0069, 2.1e-7."""
    size = abs(value)
    if size == 0:
        return "0"
    if 0.1 <= size < 1000:
        text = f"{value:.3g}"
    elif size >= 0.001:
        text = f"{value:.4f}" if size < 1 else f"{value:.0f}"
    else:
        mantissa, exponent = f"{value:.1e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−", 1) if value < 0 else text
