"""Batch normalization as a graph: one unit, a batch of three, forward and back one stage at a time."""

from itertools import accumulate, groupby

from helpers.labs import live
from helpers.labs.backprop import WORDS_HEIGHT, words_panel
from helpers.numerics import autodiff
from helpers.plots.frame import Frame, stacked
from helpers.plots.graph import graph_height, graph_panel

STAGES = 7  # μ, c, v, s, x̂, y, L
PLACES = {"μ": (1, 0), "v": (3, 0), "s": (4, 0), "β": (5, 0), "γ": (5, 4), "L": (7, 2)}
COLUMNS = {"x": 0, "c": 2, "x̂": 5, "y": 6}  # of what there is one of for each example; its row is its number

TEXT = {
    "start": "Step 0: a batch of three numbers, γ and β are known. Move the step right.",
    "forward": "Forward {k} of 7:   {what}",
    "backward": "Backward {k} of 7:   {what}",
    "same": "All three are alike: v is 0, and ε alone keeps the division from being one by 0.",
    "no_gamma": "γ is 0: no gradient gets past it.",
}
FORWARD = (
    "μ is the mean of the batch",
    "c = x − μ, for each example",
    "v is the mean of c²",
    "s = √(v + ε), with ε = 0.001",
    "x̂ = c / s, for each example",
    "y = γ x̂ + β, for each example",
    "only the first example's output counts: L = y₁",
)
BACKWARD = (
    ("L = y₁: dy is 1 for the first example and 0 for the others", ()),
    ("y = γ x̂ + β hands back", ("to x̂:   γ dy", "to γ:   Σ dy x̂,      to β:   Σ dy")),
    ("x̂ = c / s hands back", ("to c:   dx̂ / s", "to s:   −Σ dx̂ c / s², from all three")),
    ("s = √(v + ε) hands back", ("to v:   ds / 2s",)),
    ("v = mean of c² hands back", ("to c, which has something already:   + 2 c dv / m",)),
    ("c = x − μ hands back", ("to x:   dc", "to μ:   −Σ dc, from all three")),
    ("μ = mean of x hands back", ("to x, which has something already:   + dμ / m",)),
)


class BatchNormGraphLab(live.LiveFigure):
    """Batch normalization of a batch of three as a graph; one slider steps through it, the others set it."""

    READ_OUT = {"mean": "μ", "std": "s", "dx1": "dx₁", "dx2": "dx₂", "dx3": "dx₃", "sum": "sum of dx"}

    def controls(self):
        start = autodiff.BATCH
        xs = {name: live.real(name, -5, 10, 0.5, start[name]) for name in ("x1", "x2", "x3")}
        scale = {"gamma": live.real("γ", -3, 3, 0.25, start["γ"]), "beta": live.real("β", -3, 3, 0.25, 0)}
        return {"step": live.whole("step", 0, 2 * STAGES, STAGES)} | xs | scale

    def update(self, step, gamma, beta, **xs):
        loss = autodiff.batch_norm(γ=gamma, β=beta, **xs)
        ends = stage_ends(loss)
        forward, back = min(step, STAGES), max(0, step - STAGES)
        computed, sent = ends[forward], ends[-1] - ends[STAGES - back]
        autodiff.backward(loss, sent)
        stage = STAGES - back if back else forward - 1
        order = autodiff.forward_order(loss)
        active = [] if step == 0 else order[ends[stage] : ends[stage + 1]]
        grid = places_of(loss)
        height = graph_height(grid)
        title, lines = told(forward, back)
        graph = graph_panel(loss, computed, sent, active=active, at=grid)
        parts = stacked(graph, words_panel(title, list(lines)), heights=(height, WORDS_HEIGHT))
        return Frame(parts, height + WORDS_HEIGHT, _in_words(xs, gamma), _numbers(loss, forward, back))


def stage_ends(loss) -> list:
    """Return how many nodes are computed after 0, 1, … stages: those of equal depth make a stage."""
    stages = groupby(autodiff.forward_order(loss), key=lambda node: node.depth)
    return [0, *accumulate(len(list(members)) for _, members in stages)]


def places_of(loss) -> dict:
    """Return node → (column, row): a row for each example, what they share above it and γ below."""
    return {node: PLACES.get(name) or _row(name) for name, node in autodiff.nodes(loss).items()}


def _row(name):
    return COLUMNS[name[:-1]], int(name[-1])


def told(forward, back) -> tuple:
    """Return what is said of a step: a title and a line for each kind of input that gets something."""
    if back:
        what, lines = BACKWARD[back - 1]
        return TEXT["backward"].format(k=back, what=what), lines
    words = TEXT["forward"].format(k=forward, what=FORWARD[forward - 1]) if forward else TEXT["start"]
    return words, ()


def _numbers(loss, forward, back):
    named = autodiff.nodes(loss)
    known = {"mean": named["μ"].value if forward >= 1 else "not yet"}
    known |= {"std": named["s"].value} if forward >= 4 else {}
    if back == STAGES:
        gradients = {f"d{name}": named[name].grad for name in ("x1", "x2", "x3")}
        known |= gradients | {"sum": round(sum(gradients.values()), 12) + 0.0}
    return known


def _in_words(xs, gamma):
    if len(set(xs.values())) == 1:
        return TEXT["same"]
    return TEXT["no_gamma"] if gamma == 0 else ""
