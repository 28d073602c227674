"""A stack of layers: dense, activation, batch normalization, dropout, in any order, with skips over them.

Where `helpers.networks.mlp.MLP` is the one to read, with its formulas in two loops, a `Stack` takes any
layers in any order. Going forward it writes down a node for every call of a layer, which knows its parents;
going backward it reads the list from the end, and each layer adds its share to its parents' gradients. That
is all there is to automatic differentiation.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from helpers.networks.mlp import cross_entropy
from helpers.numerics import dropout
from helpers.numerics.activations import (
    PRELU_START_SLOPE,
    Activation,
    leaky_relu,
    leaky_relu_derivative,
    prelu_slope_gradient,
)
from helpers.numerics.normalization import (
    CONVENTIONS,
    RunningStatistics,
    batch_norm_backward,
    batch_norm_forward,
    normalize,
    update_running,
)

NORMALIZED = (None, "before", "after")  # where batch normalization stands: before or after the activation
SMALLEST_NORMAL = {np.dtype(name): np.finfo(name).smallest_normal for name in ("float32", "float64")}


@dataclass(eq=False)
class Node:
    """One array of a pass: the `output` that a `layer` made of its parents' outputs, and what came back.

    `gradient` is that of the loss with respect to `output`, in the same shape; None before the way back.
    `cache` is what the layer's backward pass needs. The batch that enters a network is a node without a layer
    and without parents.
    """

    output: np.ndarray
    layer: object = None
    parents: tuple = ()
    cache: object = None
    gradient: np.ndarray | None = None

    @property
    def inputs(self) -> tuple:
        """The arrays that the layer was given."""
        return tuple(parent.output for parent in self.parents)

    def receive(self, gradient) -> None:
        """Add what comes back from one of the layers that used this array."""
        total = gradient if self.gradient is None else self.gradient + gradient
        self.gradient = read_only(without_subnormals(total))


def without_subnormals(gradient) -> np.ndarray:
    """Return a gradient with 0 in place of numbers so small that their type has no full digits for them.

    Below 1.2e-38 in float32 a processor computes by a detour: a matrix product takes fifty times as long, and
    a gradient that vanishes passes there before it is 0.
    """
    flat, smallest = gradient.ravel(), SMALLEST_NORMAL.get(gradient.dtype, 0)
    if np.vdot(flat, flat) > smallest:  # a sum of squares: far from there, as a rule
        return gradient
    return np.where(np.abs(gradient) < smallest, 0, gradient)


def read_only(array) -> np.ndarray:
    """Return a view of an array that can't be written to: other nodes may hold the same memory."""
    view = array.view()
    view.setflags(write=False)
    return view


@dataclass(eq=False)
class Dense:
    """z = x @ W + b; without b where it is None. `W` has shape (fan_in, fan_out)."""

    W: np.ndarray
    b: np.ndarray | None = None
    kind = "dense"
    parameters = ("W", "b")

    def forward(self, x, *, training, rng):
        """Return z and x, which the gradient of W needs; raises ValueError for another width of x."""
        self.check(x)
        z = x @ self.W
        if self.b is not None:
            z += self.b  # in place: a new array costs as much as the sum itself
        return z, x

    def backward(self, dz, x):
        """Return dx = dz Wᵀ, and dW = xᵀ dz, db = Σ dz."""
        db = {} if self.b is None else {"b": dz.sum(axis=0)}
        return (self.to_input(dz, x),), {"W": x.T @ dz, **db}

    def to_input(self, dz, x):
        """Return dx = dz Wᵀ alone."""
        return dz @ self.W.T

    def check(self, x):
        """Raise ValueError for an x of another width than W has rows."""
        if x.ndim != 2 or x.shape[1] != len(self.W):
            raise ValueError(f"x must have shape (batch, {len(self.W)}), got {x.shape}")


@dataclass(eq=False)
class DropConnect(Dense):
    """A dense layer whose weights are dropped at random in training, at the given rate."""

    rate: float = 0.5
    kind = "drop_connect"

    def __post_init__(self):
        dropout.check_rate(self.rate)

    def forward(self, x, *, training, rng):
        """Return z, and x with the weights that were used; raises ValueError for another width of x."""
        self.check(x)
        if training:
            return dropout.drop_connect_forward(x, self.W, self.b, self.rate, rng=rng)
        return super().forward(x, training=False, rng=rng)[0], dropout.Connections(x, self.W, None)

    def backward(self, dz, cache):
        """Return dx, and dW, db: a weight that was dropped gets no gradient."""
        dx, dW, db = dropout.drop_connect_backward(dz, cache)
        return (dx,), {"W": dW} if self.b is None else {"W": dW, "b": db}

    def to_input(self, dz, cache):
        """Return dx alone, through the weights that were used."""
        return dz @ cache.W.T


@dataclass(eq=False)
class Nonlinearity:
    """h = f(z) for an entry of `ACTIVATIONS`."""

    activation: Activation
    kind = "activation"
    parameters = ()

    def forward(self, z, *, training, rng):
        """Return h and z."""
        return self.activation.f(z), z

    def backward(self, dh, z):
        """Return dz = dh ⊙ f'(z)."""
        return (dh * self.activation.df(z),), {}


@dataclass(eq=False)
class PRelu:
    """h = z where z > 0, else slope · z, with one slope that the whole layer shares and learns."""

    slope: np.ndarray = field(default_factory=lambda: np.array(PRELU_START_SLOPE))
    kind = "activation"
    parameters = ("slope",)

    def forward(self, z, *, training, rng):
        """Return h, and z with the slope that was used."""
        return leaky_relu(z, float(self.slope)), (z, float(self.slope))

    def backward(self, dh, cache):
        """Return dz = dh ⊙ f'(z), and dslope = Σ dh · min(0, z)."""
        z, slope = cache
        dslope = np.asarray(prelu_slope_gradient(z, dh), self.slope.dtype)
        return (dh * leaky_relu_derivative(z, slope),), {"slope": dslope}


@dataclass(eq=False)
class BatchNorm:
    """Batch normalization: the batch's statistics in training, the moving ones otherwise, as in Keras.

    `momentum` is the weight of the old value in a moving statistic.
    """

    gamma: np.ndarray
    beta: np.ndarray
    eps: float = CONVENTIONS["keras"].eps
    running: RunningStatistics = None
    momentum: float = CONVENTIONS["keras"].momentum
    kind = "batch_norm"
    parameters = ("gamma", "beta")

    def __post_init__(self):
        if self.running is None:
            self.running = RunningStatistics(np.zeros_like(self.beta), np.ones_like(self.gamma))

    def forward(self, x, *, training, rng):
        """Return the normalized, scaled and shifted x, and the cache of `batch_norm_forward`."""
        if training:
            return batch_norm_forward(x, self.gamma, self.beta, self.eps)
        mean, variance = self.running.mean, self.running.variance
        return normalize(x, mean, variance, self.gamma, self.beta, self.eps), None

    def backward(self, dout, cache):
        """Return dx, and dγ, dβ: through the batch's statistics too, which after inference are constants."""
        if cache is None:
            return (dout * self.gamma / np.sqrt(self.running.variance + dout.dtype.type(self.eps)),), {}
        dx, dgamma, dbeta = batch_norm_backward(dout, cache)
        return (dx,), {"gamma": dgamma, "beta": dbeta}

    def remember(self, cache, count):
        """Move the running statistics toward those of a batch of `count` examples."""
        new = cache.mean, cache.variance, count
        self.running = update_running(self.running, *new, "keras", momentum=self.momentum)


@dataclass(eq=False)
class Dropout:
    """Inverted dropout, or alpha dropout, in training; nothing otherwise."""

    rate: float
    alpha: bool = False
    parameters = ()

    def __post_init__(self):
        dropout.check_rate(self.rate)

    @property
    def kind(self):
        """What a Trace calls this layer."""
        return "alpha_dropout" if self.alpha else "dropout"

    def forward(self, x, *, training, rng):
        """Return x with units dropped, and the mask."""
        if not training:
            return x, None
        drop = dropout.alpha_dropout_forward if self.alpha else dropout.dropout_forward
        return drop(x, self.rate, rng=rng)

    def backward(self, dout, mask):
        """Return dx: the gradient is blocked where a unit was off."""
        return (dout if mask is None else dropout.dropout_backward(dout, mask),), {}


@dataclass(eq=False)
class Add:
    """The end of a skip: a + b; a alone where the branch was skipped; in testing a + survival · b."""

    survival: float = 1.0
    kind = "add"
    parameters = ()

    def __post_init__(self):
        dropout.check_survival(self.survival)

    def forward(self, a, b=None, *, training, rng):
        """Return the sum, and the factor on b, or None where there is no b."""
        if b is None:
            return a, None
        factor = 1.0 if training else self.survival
        return (a + b if factor == 1 else a + b.dtype.type(factor) * b), factor

    def backward(self, dout, factor):
        """Return dout for a, and factor · dout for b."""
        if factor is None:
            return (dout,), {}
        return (dout, dout if factor == 1 else dout.dtype.type(factor) * dout), {}


@dataclass(eq=False)
class Skip:
    """x + F(x), where F is a short list of layers that keep the shape.

    With a `survival` below 1 it has stochastic depth: in training F is left out with the probability
    1 − survival, so that its layers are not called; in testing it is x + survival · F(x).
    """

    layers: list
    survival: float = 1.0
    add: Add = field(init=False)

    def __post_init__(self):
        self.add = Add(self.survival)

    def is_left_out(self, training, rng) -> bool:
        """Draw whether F is left out of this pass; without stochastic depth nothing is drawn."""
        return training and self.survival < 1 and rng.random() >= self.survival


class ParameterGradients(NamedTuple):
    """What a step uses: `parameters[layer][name]` is the gradient of one array, layers first to last.

    A layer that was called twice has the sum of both.
    """

    parameters: dict

    def of_parameters(self) -> list:
        """Return all gradients in a list."""
        return [gradient for own in self.parameters.values() for gradient in own.values()]

    def mapped(self, change) -> "ParameterGradients":
        """Return these gradients with `change(gradient)` in place of each."""
        changed = {
            layer: {name: change(gradient) for name, gradient in own.items()}
            for layer, own in self.parameters.items()
        }
        return ParameterGradients(changed)


class Stack:
    """A network of layers, first to last; the last gives the logits. `rng` draws the masks of dropout.

    It trains with `helpers.networks.training.train`, and `helpers.signals.trace` takes its vital signs.
    """

    def __init__(self, layers, *, rng: np.random.Generator | None = None):
        self.layers, self.rng = list(layers), rng or np.random.default_rng(0)
        if not any(isinstance(layer, Dense) for layer in self.flat()):
            raise ValueError("a stack needs a dense layer or more, got none")

    @property
    def dtype(self):
        """The floating-point type of the weights."""
        return next(layer.W.dtype for layer in self.flat() if isinstance(layer, Dense))

    def flat(self) -> list:
        """Return the layers in the order of their calls, those inside skips included."""
        flat = []
        for layer in self.layers:
            flat += [*layer.layers, layer.add] if isinstance(layer, Skip) else [layer]
        return flat

    def forward(self, x, *, training=False) -> list[Node]:
        """Return the nodes of all layers' calls on a batch `x`, first to last; nothing is changed by it.

        Raises ValueError for a shape that doesn't fit, and for a layer that writes into an array it is given.
        """
        nodes = []
        self._run(self.layers, Node(read_only(np.asarray(x))), training, nodes)
        return nodes

    def backward(self, nodes, dlogits, *, weights=True) -> ParameterGradients:
        """Fill in every node's gradient, and return the parameters', given the loss's at the logits.

        Without `weights`, those of the dense layers' W and b are left out, which spares a third of the work.

        Read from the last node to the first: what came back to a node goes through its layer to the parents,
        and where an array was used twice, as by a skip, both contributions add up. Raises ValueError for a
        layer that writes into an array it is given.
        """
        for node in (*nodes[0].parents, *nodes):
            node.gradient = None
        nodes[-1].receive(dlogits)
        parameters = {}
        for node in reversed(nodes):
            if isinstance(node.layer, Dense) and not weights:
                dinputs, own = (node.layer.to_input(node.gradient, node.cache),), {}
            else:
                dinputs, own = _called(node.layer.backward, node.gradient, node.cache)
            for parent, dinput in zip(node.parents, dinputs, strict=True):
                parent.receive(dinput)
            for name, gradient in own.items():
                known = parameters.setdefault(node.layer, {})
                known[name] = known[name] + gradient if name in known else gradient
        return ParameterGradients(dict(reversed(parameters.items())))

    def logits(self, x) -> np.ndarray:
        """Return the logits of a batch, as in testing."""
        return self.forward(x)[-1].output

    def loss_and_gradients(self, x, y) -> tuple[float, ParameterGradients]:
        """Return the mean cross-entropy of a training batch and its gradients; moving statistics move."""
        nodes = self.forward(x, training=True)
        loss, dlogits = cross_entropy(nodes[-1].output, y)
        for node in nodes:
            if node.layer.kind == "batch_norm":
                node.layer.remember(node.cache, len(x))
        return loss, self.backward(nodes, dlogits)

    def penalized(self, gradients: ParameterGradients, penalty) -> ParameterGradients:
        """Return the gradients with `penalty.gradient(W)` added to that of every dense layer's weights."""
        penalized = {
            layer: own | {"W": own["W"] + penalty.gradient(layer.W)} if "W" in own else own
            for layer, own in gradients.parameters.items()
        }
        return ParameterGradients(penalized)

    def step(self, gradients: ParameterGradients, learning_rate) -> None:
        """Take one step of gradient descent in place."""
        for layer, own in gradients.parameters.items():
            for name, gradient in own.items():
                values = getattr(layer, name)
                values -= values.dtype.type(learning_rate) * gradient

    def accuracy(self, x, y) -> float:
        """Return the share of examples whose largest logit is the right class, as in testing."""
        with np.errstate(all="ignore"):  # a net that diverged has no answer, and is right by chance
            return float(np.mean(self.logits(x).argmax(axis=1) == y))

    def _run(self, layers, node, training, nodes):
        """Append the nodes of these layers, begun at `node`, and return the last one."""
        for layer in layers:
            if isinstance(layer, Skip):
                left_out = layer.is_left_out(training, self.rng)
                branch = () if left_out else (self._run(layer.layers, node, training, nodes),)
                layer, parents = layer.add, (node, *branch)
            else:
                parents = (node,)
            inputs = (parent.output for parent in parents)
            output, cache = _called(layer.forward, *inputs, training=training, rng=self.rng)
            node = Node(read_only(output), layer, parents, cache)
            nodes.append(node)
        return node


def _called(method, *arrays, **options):
    """What a layer's method gives; NumPy refuses a write into its arrays, and here it is said whose."""
    try:
        return method(*arrays, **options)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        layer = type(method.__self__).__name__
        raise ValueError(
            f"{layer} writes into an array that it was given; a layer must make a new one"
        ) from error
