"""A computation graph as a picture: values forward in blue along solid arrows, gradients back in red, dashed.

A node is a box: its symbol on the left, its value above and its gradient below on the right. Columns follow
the depth of the nodes, so that values travel to the right and gradients to the left.
"""

from itertools import pairwise

import numpy as np

from helpers.numerics.autodiff import forward_order, nodes
from helpers.plots.frame import EDGE, WIDTH, Arrows, Axis, Bars, Frame, Panel, Text, pieces
from helpers.plots.paint import paint
from helpers.plots.style import Picture

BOX, SYMBOL = (86, 36), 25  # pixels: width and height of a box, width of its left part
COLUMN, ROW = 160, 62  # pixels of a column, where there is room for it, and of a row
LANE = 4  # pixels between an edge's middle and its two arrows
VALUE, GRADIENT, NAME = 9, -8, 26  # pixels above the middle of a box
ABOVE = 14  # pixels above a level edge, of its local derivative
OPERATORS = set("+·(")
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")

TEXT = {
    "forward": "value, forward (solid)",
    "backward": "gradient, backward (dashed)",
    "alt": "computation graph of {names}",
}


def graph_panel(output, computed=None, sent=None, *, active=(), slopes=(), at=None) -> Panel:
    """Return a graph as it stands after `computed` nodes forward and `sent` nodes backward; all by default.

    There are the values of the leaves and of the first `computed` nodes, and the gradients that the last
    `backward` left in the nodes, as far as the last `sent` handed them on. A frame is put around the nodes
    `active`; local derivatives stand on the edges into the nodes `slopes`. `at` gives every node's (column,
    row), where `places` would draw a line through a box. The axes count pixels.
    """
    at = at or places(output)
    order, size = forward_order(output), fitting_size(at)
    computed, sent = (len(order) if given is None else given for given in (computed, sent))
    done, senders = set(order[:computed]), set(order[len(order) - sent :])
    boxes = pixels_of(at, size)
    edges = [(source, node) for node in order for source in node.inputs]
    marks = [
        pieces(*_ends(boxes, edges), "graph edge"),
        _bars(boxes, lambda node: not node.inputs, "leaf"),
        _bars(boxes, lambda node: node.inputs, "node"),
        _bars(boxes, lambda node: node in active, "active"),
        _arrows(boxes, edges, done, "forward", TEXT["forward"]),
        _arrows(boxes, edges, senders, "backward", TEXT["backward"] * bool(sent)),
        *_words_of(boxes),
        *_numbers(boxes, done, senders, output),
        _slopes(boxes, edges, slopes),
    ]
    margin = (WIDTH - 2 * EDGE - size[0]) / 2
    x, y = Axis(-margin, size[0] + margin, ticks=()), Axis(0, size[1], ticks=())
    return Panel(tuple(marks), x=x, y=y, bare=True)


def computation_graph(output, *, computed=None, sent=None, slopes=(), alt=None) -> Picture:
    """Return a graph as `graph_panel` has it; `slopes` holds names of nodes."""
    named = nodes(output)
    panel = graph_panel(output, computed, sent, slopes=[named[name] for name in slopes])
    words = alt or TEXT["alt"].format(names=", ".join(named))
    return paint(Frame((panel,), graph_height(places(output))), words)


def graph_height(grid) -> int:
    """Return the pixels that a frame needs for a graph alone, from node → (column, row)."""
    return fitting_size(grid)[1] + EDGE


def fitting_size(grid) -> tuple[int, int]:
    """Return the pixels (width, height) that a graph needs: the whole width from six columns on."""
    columns, rows = (1 + max(place[axis] for place in grid.values()) for axis in (0, 1))
    return min(WIDTH - 2 * EDGE, COLUMN * columns), round(ROW * rows)


def _ends(boxes, edges, lane=0):
    """Where edges leave their first box and enter their second, two arrays (edges, 2)."""
    middles = np.reshape([(boxes[source], boxes[node]) for source, node in edges], (-1, 2, 2))
    return middles[:, 0] + (BOX[0] / 2, lane), middles[:, 1] + (-BOX[0] / 2, lane)


def _arrows(boxes, edges, users, look, label):
    """Arrows along the edges into the nodes `users`: above the edge's middle forward, below it back."""
    back = look == "backward"
    starts, ends = _ends(boxes, edges, -LANE if back else LANE)
    starts[[node not in users for _, node in edges]] = np.nan
    starts, ends = (ends, starts) if back else (starts, ends)
    return Arrows(*starts.T, *(ends - starts).T, look, label)


def _bars(boxes, chosen, look):
    """The boxes of the chosen nodes; nan for the others, so that there are always as many."""
    x, y = np.transpose([box if chosen(node) else (np.nan, np.nan) for node, box in boxes.items()])
    width, height = BOX
    return Bars(x - width / 2, x + width / 2, y - height / 2, y + height / 2, look)


def _words_of(boxes):
    """What stands in and above the boxes whatever the numbers are: symbols, long ones smaller, and names."""
    x, y = np.transpose(list(boxes.values()))
    symbols = [node.operation.label if node.inputs else label(node) for node in boxes]
    brief, long = ([s if (len(s) > 2) == longer else "" for s in symbols] for longer in (False, True))
    # "w·x" is no name of its own
    names = [label(node) if node.inputs and not OPERATORS & set(node.name) else "" for node in boxes]
    left = x - (BOX[0] - SYMBOL) / 2
    return (
        Text(left, y, brief, within=SYMBOL - 4),
        Text(left, y, long, within=SYMBOL - 4),
        Text(x, y + NAME, names, "name text", within=BOX[0]),
    )


def _numbers(boxes, done, senders, output):
    """Values and gradients of all nodes; no words where one is not known yet."""
    reached = {source for node in senders for source in node.inputs} | ({output} if senders else set())
    values = [short(node.value) if node in done or not node.inputs else "" for node in boxes]
    gradients = [short(node.grad) if node in reached else "" for node in boxes]
    x, y = np.transpose(list(boxes.values()))
    right, room = x + SYMBOL / 2, BOX[0] - SYMBOL - 2
    return (
        Text(right, y + VALUE, values, "value text", within=room),
        Text(right, y + GRADIENT, gradients, "gradient text", within=room),
    )


def _slopes(boxes, edges, users):
    """Local derivatives in the middle of their edges, or above it where the edge is level."""
    starts, ends = _ends(boxes, edges)
    x, y = ((starts + ends) / 2).T
    wide, high = np.abs(ends - starts).T
    words = [
        f"×{short(node.slopes[node.inputs.index(source)])}" if node in users else "" for source, node in edges
    ]
    above = np.where(high < BOX[1], ABOVE, 0)
    return Text(x, y + above, words, "gradient text", within=0.9 * wide.min(initial=COLUMN))


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
    room, height = size[0] - BOX[0] - EDGE, size[1]
    return {
        node: ((EDGE + BOX[0]) / 2 + room * column / max(1, columns - 1), height * (1 - (row + 0.5) / rows))
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
