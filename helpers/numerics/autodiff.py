"""A computation graph of single numbers: values go forward, gradients come back, node by node.

`w * x + b` builds nodes instead of computing a number and forgetting how. `forward` computes every node from
its inputs; `backward` hands the gradient from each node to its inputs, multiplied by the local derivative.
This is reverse-mode automatic differentiation, as large libraries do it with arrays.
"""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

from helpers.numerics.activations import sigmoid as logistic
from helpers.numerics.activations import sigmoid_derivative

EPS = 1e-3  # under the root of batch normalization
BATCH = {"x1": 1, "x2": 2, "x3": 6, "γ": 1, "β": 0}
CHAIN = {"x1": 1, "x2": -1, "w1": 2, "w2": 1, "w3": 1, "w4": 1, "v1": 1, "v2": -1, "t": 0.7}


class Operation(NamedTuple):
    """What a node does: `f(*inputs)` is its value, `slopes(*inputs)` its derivative by each input."""

    label: str
    f: Callable
    slopes: Callable


OPERATIONS = {
    "add": Operation("+", lambda a, b: a + b, lambda a, b: (1.0, 1.0)),
    "multiply": Operation("×", lambda a, b: a * b, lambda a, b: (b, a)),
    "sigmoid": Operation("σ", lambda z: float(logistic(z)), lambda z: (float(sigmoid_derivative(z)),)),
    "squared_error": Operation("½e²", lambda h, t: (h - t) ** 2 / 2, lambda h, t: (h - t, t - h)),
    "subtract": Operation("−", lambda a, b: a - b, lambda a, b: (1.0, -1.0)),
    "divide": Operation("÷", lambda a, b: a / b, lambda a, b: (1 / b, -a / b**2)),
    "mean": Operation("Ø", lambda *a: sum(a) / len(a), lambda *a: (1 / len(a),) * len(a)),
    "mean_square": Operation(
        "Ø²", lambda *a: sum(x * x for x in a) / len(a), lambda *a: tuple(2 * x / len(a) for x in a)
    ),
    "root": Operation("√", lambda v: sqrt(v + EPS), lambda v: (0.5 / sqrt(v + EPS),)),
    "scale_and_shift": Operation("γβ", lambda a, g, b: g * a + b, lambda a, g, b: (g, a, 1.0)),
    "first": Operation("1st", lambda *a: a[0], lambda *a: (1.0,) + (0.0,) * (len(a) - 1)),
}


class Node:
    """One number of a graph: an input, a weight, or what an operation makes of other nodes.

    `value` is the number, `slopes` holds the local derivatives, one for each of `inputs`, and `grad` is the
    derivative of the graph's output with respect to this node, once `backward` has run.
    """

    def __init__(self, name, value=0.0, operation=None, inputs=()):
        self.name, self.inputs = name, tuple(inputs)
        self.operation = OPERATIONS[operation] if operation else None
        self.value, self.slopes, self.grad = float(value), (), 0.0
        self.depth = 1 + max((node.depth for node in self.inputs), default=-1)
        if self.inputs:
            self.compute()

    def compute(self) -> None:
        """Compute value and local derivatives from the inputs' present values."""
        values = [node.value for node in self.inputs]
        self.value, self.slopes = self.operation.f(*values), self.operation.slopes(*values)

    def sends(self) -> list:
        """Return (input, local derivative, product) for each input: the product is what it is handed."""
        pairs = zip(self.inputs, self.slopes, strict=True)
        return [(node, slope, self.grad * slope) for node, slope in pairs]

    def named(self, name) -> "Node":
        """Give the node a name and return it: `z = (w * x + b).named("z")`."""
        self.name = name
        return self

    def __add__(self, other):
        return Node(f"{self.name}+{other.name}", 0, "add", (self, other))

    def __mul__(self, other):
        return Node(f"{self.name}·{other.name}", 0, "multiply", (self, other))

    def __repr__(self):
        return f"{self.name} = {self.value:.3g}"


def leaves(**values) -> list[Node]:
    """Return one node per keyword, in order: `x, w = leaves(x=1, w=2)`."""
    return [Node(name, value) for name, value in values.items()]


def sigmoid(z: Node) -> Node:
    """Return the node σ(z) = 1 / (1 + e^−z), with the local derivative σ(z)(1 − σ(z))."""
    return Node(f"σ({z.name})", 0, "sigmoid", (z,))


def squared_error(h: Node, t: Node) -> Node:
    """Return the node ½(h − t)², with the local derivative h − t by h."""
    return Node("L", 0, "squared_error", (h, t))


def chain(**values) -> Node:
    """Return the loss of the two-layer chain of lesson 01; all its other nodes hang on it.

    Two neurons, h1 = σ(w1 x1 + w2 x2) and h2 = σ(w3 x1 + w4 x2), feed a third, h3 = σ(v1 h1 + v2 h2), and
    L = ½(h3 − t)². Keywords replace numbers of `CHAIN`; an unknown one raises ValueError.
    """
    if unknown := values.keys() - CHAIN.keys():
        raise ValueError(f"unknown {', '.join(sorted(unknown))}; the chain has {', '.join(CHAIN)}")
    x1, x2, w1, w2, w3, w4, v1, v2, t = leaves(**CHAIN | values)
    z1, z2 = (w1 * x1 + w2 * x2).named("z1"), (w3 * x1 + w4 * x2).named("z2")
    h1, h2 = sigmoid(z1).named("h1"), sigmoid(z2).named("h2")
    z3 = (v1 * h1 + v2 * h2).named("z3")
    return squared_error(sigmoid(z3).named("h3"), t)


def batch_norm(**values) -> Node:
    """Return the loss L = y1 of batch normalization of one unit over a batch of three (lesson 06).

    μ and v are means over the batch of x and of c², where c = x − μ; s = √(v + ε), x̂ = c / s, y = γ x̂ + β.
    Keywords replace numbers of `BATCH`; an unknown one raises ValueError.
    """
    if unknown := values.keys() - BATCH.keys():
        raise ValueError(f"unknown {', '.join(sorted(unknown))}; the batch has {', '.join(BATCH)}")
    *x, gamma, beta = leaves(**BATCH | values)
    mu = Node("μ", 0, "mean", x)
    c = [Node(f"c{k}", 0, "subtract", (one, mu)) for k, one in enumerate(x, 1)]
    s = Node("s", 0, "root", (Node("v", 0, "mean_square", c),))
    x_hat = [Node(f"x̂{k}", 0, "divide", (one, s)) for k, one in enumerate(c, 1)]
    y = [Node(f"y{k}", 0, "scale_and_shift", (one, gamma, beta)) for k, one in enumerate(x_hat, 1)]
    return Node("L", 0, "first", y)


def nodes(output: Node) -> dict[str, Node]:
    """Return all nodes that `output` depends on by name, and itself, each after its own inputs.

    They come in the order of the forward pass: leaves first, then depth by depth. Raises ValueError where
    two of them have the same name.
    """
    found = {}
    _collect(output, found)
    named = {node.name: node for node in sorted(found, key=lambda node: node.depth)}
    if len(named) < len(found):
        raise ValueError(f"{len(found)} nodes share {len(named)} names; give each its own with `named`")
    return named


def _collect(node, found):
    """Put the node into `found` after its inputs; a dict, since it keeps the order and each node once."""
    if node not in found:
        for source in node.inputs:
            _collect(source, found)
        found[node] = True


def forward_order(output: Node) -> list[Node]:
    """Return the nodes that have something to compute, each after its inputs."""
    return [node for node in nodes(output).values() if node.inputs]


def backward_order(output: Node) -> list[Node]:
    """Return the same nodes in reverse: each has heard from all it feeds before it hands anything back."""
    return forward_order(output)[::-1]


def forward(output: Node) -> float:
    """Compute every node anew, from the leaves' present values, and return the output's value."""
    for node in forward_order(output):
        node.compute()
    return output.value


def backward(output: Node, steps=None) -> dict[str, float]:
    """Hand the gradient back from the output to the leaves, and return it by name, ∂output/∂leaf.

    The output's own gradient is 1. Each node hands its gradient times the local derivative to each input; an
    input that feeds several nodes sums up what it gets. Only the first `steps` nodes hand on, if given.
    """
    named = nodes(output)
    for node in named.values():
        node.grad = 0.0
    output.grad = 1.0
    for node in backward_order(output)[:steps]:
        for source, _, product in node.sends():
            source.grad += product
    return {name: node.grad for name, node in named.items() if not node.inputs}
