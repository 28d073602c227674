"""Backpropagation node by node: step a small graph forward and back, and change its numbers."""

from helpers.labs import live
from helpers.numerics import autodiff
from helpers.plots.graph import GraphPanel, fitting_size, label, legend_handles, short
from helpers.plots.quicktext import QuickText
from helpers.plots.style import DPI

NODES = 13  # of the chain, that have something to compute: as many steps forward, and as many back
LINES = (46, 28, 10)  # pixels above the lower edge, of the three lines of words
WORDS_HEIGHT = 66
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

    size = (9.6, 4.6)

    def controls(self):
        sliders = {name: self._leaf_slider(name, value) for name, value in autodiff.CHAIN.items()}
        return {"step": live.whole("step", 0, 2 * NODES, NODES)} | sliders

    def build(self):
        self.loss = autodiff.chain()
        self.named, self.order = autodiff.nodes(self.loss), autodiff.forward_order(self.loss)
        width, height = fitting_size(self.loss)
        total = self.size[1] * DPI
        axes = self.figure.add_axes([0, WORDS_HEIGHT / total, 1, height / total])
        self.panel = GraphPanel(axes, self.loss, (width, height))
        self.moving(self.panel.artists)
        words = self.figure.add_axes([0, 0, 1, WORDS_HEIGHT / total])
        words.axis("off")
        self.words = [self.moving(QuickText(words, 0.5, y / WORDS_HEIGHT, size=9)) for y in LINES]
        self.legend(*legend_handles())

    def update(self, step, **numbers):
        for name, value in numbers.items():
            self.named[name].value = float(value)
        autodiff.forward(self.loss)
        computed, sent = min(step, NODES), max(0, step - NODES)
        autodiff.backward(self.loss, sent)
        active = self.order[computed - 1 if not sent else NODES - sent] if step else None
        self.panel.show(computed, sent, active, [active] if sent else [])
        lines = self._forward_words(step, active) if not sent else self._backward_words(sent, active)
        for text, line in zip(self.words, [*lines, "", ""], strict=False):
            text.set_text(line)
        return self._told(active, computed, sent)

    def free(self):
        self.loss = self.named = self.order = self.panel = self.words = None

    def _leaf_slider(self, name, value):
        words = TEXT["names"].get(name, name)
        low, high, step = (0, 1, 0.05) if name == "t" else (-5, 5, 0.25)
        slider = live.real(words, low, high, step, value)
        slider.layout.width = "220px"  # four in a row, so that the picture stays in sight
        return slider

    def _forward_words(self, step, active):
        if active is None:
            return [TEXT["start"]]
        inputs = [in_brackets(node.value) for node in active.inputs]
        total = TEXT["sums"][active.operation.label].format(*inputs)
        name, value = label(active), short(active.value)
        return [TEXT["forward"].format(k=step, n=NODES, name=name, sum=total, value=value)]

    def _backward_words(self, sent, active):
        grad = short(active.grad)
        lines = [TEXT["backward"].format(k=sent, n=NODES, name=label(active), grad=grad)]
        for source, slope, product in active.sends():
            several = abs(source.grad - product) > 0
            so_far = TEXT["so_far"].format(name=label(source), grad=short(source.grad)) if several else ""
            told = {"grad": grad, "slope": in_brackets(slope), "product": short(product), "so_far": so_far}
            lines.append(TEXT["handed"].format(name=label(source), **told))
        return lines

    def _told(self, active, computed, sent):
        """The numbers known at this step, and a word where a weight's gradient is lost."""
        known = {"node": active.name if active else "none"}
        if computed == NODES:
            known |= {"h3": self.named["h3"].value, "loss": self.loss.value}
        reached = {source for node in self.order[NODES - sent :] for source in node.inputs}
        for name in TOLD:
            node = self.named[name]
            if node in reached:
                known[f"gradient_{name}"] = node.grad
                if abs(node.grad) < LOST:
                    self.say(TEXT["zero"].format(name=label(node)))
        return known


def in_brackets(value) -> str:
    """Return a number as it is written inside a sum or product: a negative one in brackets."""
    return f"({short(value)})" if value < 0 else short(value)
