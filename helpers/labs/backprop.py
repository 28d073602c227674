"""Backpropagation node by node: step a small graph forward and back, and change its numbers."""

from helpers.labs import live
from helpers.numerics import autodiff
from helpers.plots.frame import Axis, Frame, Panel, Text, stacked
from helpers.plots.graph import SUBSCRIPTS, graph_height, graph_panel, label, places, short

NODES = 13  # of the chain, that have something to compute: as many steps forward, and as many back
HANDED = 2  # inputs that a node has at most, and so hands a gradient to
WORDS_HEIGHT = 74  # pixels of the words on the step
TOLD = ("v1", "w1")  # the late and the early weight whose gradients are read out
LOST = 1e-30

TEXT = {
    "names": {"t": "target t"},
    "start": "Step 0: inputs, weights and target are known, nothing is computed yet. Move the step right.",
    "forward": "Forward {k} of {n}:   {name} = {sum} = {value}",
    "backward": "Backward {k} of {n}:   {name} has the gradient {grad}, and hands back",
    "handed": "to {name}:   gradient × local derivative = {grad} × {slope} = {product}{so_far}",
    "so_far": "      ({name} now has {grad})",
    "sums": {"+": "{0} + {1}", "×": "{0} × {1}", "σ": "σ({0})", "½e²": "½({0} − {1})²"},
    "zero": "{name} gets the gradient 0: a factor on its way back is 0.",
}


class BackpropLab(live.LiveFigure):
    """The two-layer chain of lesson 01 as a graph; one slider steps through it, the others set its leaves."""

    READ_OUT = {
        "node": "node of this step",
        "h3": "h₃",
        "loss": "loss L",
        "gradient_v1": "gradient of v₁",
        "gradient_w1": "gradient of w₁",
    }

    def controls(self):
        sliders = {name: _leaf_slider(name, value) for name, value in autodiff.CHAIN.items()}
        return {"step": live.whole("step", 0, 2 * NODES, NODES)} | sliders

    def update(self, step, **numbers):
        loss = autodiff.chain(**numbers)
        order = autodiff.forward_order(loss)
        computed, sent = min(step, NODES), max(0, step - NODES)
        autodiff.backward(loss, sent)
        active = order[computed - 1 if not sent else NODES - sent] if step else None
        here = [active] if active else []
        graph = graph_panel(loss, computed, sent, active=here, slopes=here if sent else [])
        title, *handed = _backward_words(sent, active) if sent else [_forward_words(step, active)]
        height = graph_height(places(loss))
        numbers = _numbers(loss, active, computed, sent)
        return Frame(
            stacked(graph, words_panel(title, handed), heights=(height, WORDS_HEIGHT)),
            height=height + WORDS_HEIGHT,
            words=_lost_in_words(numbers),
            numbers=numbers,
        )


def words_panel(title, lines) -> Panel:
    """Return what is said of a step: its title, and below it one line for each input that gets something."""
    lines = [*lines, *[""] * (HANDED - len(lines))]
    text = Text([0.5] * HANDED, range(HANDED), lines, within=1)
    return Panel((text,), title, y=Axis(HANDED - 0.5, -0.5), bare=True)


def _leaf_slider(name, value):
    low, high, step = (0, 1, 0.05) if name == "t" else (-5, 5, 0.25)
    return live.real(TEXT["names"].get(name, name), low, high, step, value)


def _forward_words(step, active):
    if active is None:
        return TEXT["start"]
    total = TEXT["sums"][active.operation.label].format(*(in_brackets(node.value) for node in active.inputs))
    return TEXT["forward"].format(k=step, n=NODES, name=label(active), sum=total, value=short(active.value))


def _backward_words(sent, active):
    grad = short(active.grad)
    lines = [TEXT["backward"].format(k=sent, n=NODES, name=label(active), grad=grad)]
    for source, slope, product in active.sends():
        several = abs(source.grad - product) > 0
        so_far = TEXT["so_far"].format(name=label(source), grad=short(source.grad)) if several else ""
        told = {"grad": grad, "slope": in_brackets(slope), "product": short(product), "so_far": so_far}
        lines.append(TEXT["handed"].format(name=label(source), **told))
    return lines


def _numbers(loss, active, computed, sent):
    """The numbers known at this step."""
    named = autodiff.nodes(loss)
    known = {"node": active.name if active else "none"}
    if computed == NODES:
        known |= {"h3": named["h3"].value, "loss": loss.value}
    reached = {source for node in autodiff.backward_order(loss)[:sent] for source in node.inputs}
    return known | {f"gradient_{name}": named[name].grad for name in TOLD if named[name] in reached}


def _lost_in_words(numbers):
    """A sentence where a weight's gradient is lost, about the earliest such weight."""
    lost = [name for name in TOLD if abs(numbers.get(f"gradient_{name}", 1)) < LOST]
    return TEXT["zero"].format(name=lost[-1].translate(SUBSCRIPTS)) if lost else ""


def in_brackets(value) -> str:
    """Return a number as it is written inside a sum or product: a negative one in brackets."""
    return f"({short(value)})" if value < 0 else short(value)
