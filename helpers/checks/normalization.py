"""The exercises of lesson 06: the way back line by line, one line for all, a figure, folding, a challenge."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from helpers.checks.frame import (
    NotYet,
    Scored,
    array,
    call,
    close,
    describe,
    exercise,
    explain,
    filled_in,
    require,
)
from helpers.networks import patient
from helpers.networks.mlp import cross_entropy
from helpers.networks.normalized_patient import normalized_network
from helpers.networks.normalizing import SharedNorm, replaced, share_labels_across_rows
from helpers.networks.training import train
from helpers.numerics.activations import ACTIVATIONS
from helpers.numerics.gradcheck import numerical_gradient
from helpers.numerics.normalization import (
    RunningStatistics,
    batch_norm_backward,
    batch_norm_forward,
    batch_statistics,
    fold,
    initial_statistics,
    layer_norm_forward,
    update_running,
)

EPS = 0.1  # large, so that its place in the formula shows
SHAPES = ((6, 4), (3, 5, 2, 4))  # a dense layer's batch; a convolution's


# ---------------------------------------------------------------- warm-up: undo it


@exercise(
    hints=(
        "Which x̂ does the layer compute, and what would have to be multiplied and added to get x back?",
        "x̂ = (x − μ) / √(v + ε). Solve it for x, and compare with γ x̂ + β.",
        "γ is the root of the variance over axis 0 plus eps; β is the mean over axis 0.",
    )
)
def undo(answer):
    """Check `undo(x, eps)`: the (γ, β) for which batch normalization gives back its input."""
    x = 2 * np.random.default_rng(5).standard_normal((7, 3)) + np.array([3.0, -1, 0.5])
    got = call(answer, x, EPS)
    require(isinstance(got, tuple | list) and len(got) == 2, "a pair is wanted: (gamma, beta).")
    mean, variance = x.mean(axis=0), x.var(axis=0)
    explain(got[0], _wrong_scales(x, mean, variance))
    gamma = close(got[0], np.sqrt(variance + EPS), what="your gamma")
    explain(got[1], _wrong_shifts(x, mean, gamma))
    close(got[1], mean, what="your beta")
    return "γ = √(v + ε) and β = μ give back the input: nothing that the plain layer could do is lost."


def _wrong_scales(x, mean, variance):
    root = np.sqrt(variance + EPS)
    return [
        (1 / root, "upside down: x was divided by √(v + ε), so γ must multiply by it."),
        (variance, "that is the variance; x was divided by its root."),
        (variance + EPS, "that is v + ε; x was divided by its root."),
        (np.sqrt(variance), "nearly: ε stands under the root, so it must come back as well."),
        (np.sqrt(variance) + EPS, "ε stands under the root, not beside it."),
        (np.sqrt(x.var(axis=0, ddof=1) + EPS), "that is the unbiased variance; the batch is divided by m."),
        (np.ones(3), "with γ = 1 the output keeps a variance of about 1; x has another one."),
        (mean, "that is the mean, which is β. The pair is (gamma, beta)."),
        (np.sqrt(x.var() + EPS), "one number for everything; every feature has its own γ."),
    ]


def _wrong_shifts(x, mean, gamma):
    return [
        (-mean, "the sign is turned: the mean was subtracted, so β adds it."),
        (mean / gamma, "γ does not multiply β: y = γ x̂ + β."),
        (mean * gamma, "γ does not multiply β: y = γ x̂ + β."),
        (np.zeros(3), "with β = 0 the output's mean is 0; x has another one."),
        (x.mean(), "one number for everything; every feature has its own β."),
    ]


# ---------------------------------------------------------------- core: the way back, line by line


class Batch(NamedTuple):
    """A small batch to derive the way back on: x and dy (8, 3), γ and β (3,), and a large ε."""

    x: np.ndarray
    dy: np.ndarray
    gamma: np.ndarray
    beta: np.ndarray
    eps: float


def small_batch() -> Batch:
    """Return the batch that `way_back` is checked on."""
    rng = np.random.default_rng(6)
    x = 3 * rng.standard_normal((8, 3)) + 1
    return Batch(x, rng.standard_normal((8, 3)), np.array([1.0, 2, -3]), np.array([0.0, 1, 2]), EPS)


NODES = {  # a line of the way back → the node whose gradient it is
    "dbeta": "beta",
    "dgamma": "gamma",
    "dx_hat": "x_hat",
    "ds": "s",
    "dv": "v",
    "dc": "c",
    "dmu": "mu",
    "dx": "x",
}


@exercise(
    hints=(
        "For each node: to which nodes does it lead in the graph, and what is the local derivative there?",
        "What stands once per feature (β, γ, s, v, μ) hears from all m examples: sum over axis 0. What "
        "stands once per example (x̂, c, x) hears from its own row, and a share 1/m from each mean it is in.",
        "ds = −Σ dx̂ c / s²; dv = ds / 2s; dc = dx̂ / s + 2 c dv / m; dμ = −Σ dc. The last line has two "
        "terms as dc has: one straight from c, one by way of μ.",
    )
)
def way_back(answer):
    """Check the eight gradients of the way back on `small_batch`, each against a nudge of its node."""
    filled = filled_in(answer, NODES, wholly=False)
    for place, (name, node) in enumerate(NODES.items()):
        before = ", ".join(list(NODES)[:place])
        require(
            name in filled, f"right so far: {before}. Next is {name}." if place else f"begin with {name}."
        )
        nudged = _nudged(node)
        known = _slips(name)
        close(answer[name], nudged, rtol=1e-5, atol=1e-8, what=f"your {name}", known=known)
    return "eight lines, each the same as nudging its node and watching the loss."


def _graph(given=None):
    """Every node of the forward pass; one that is `given` takes the place of the computed one."""
    x, dy, gamma, beta, eps = small_batch()
    nodes = {"x": x, "gamma": gamma, "beta": beta} | (given or {})
    steps = {
        "mu": lambda n: n["x"].mean(axis=0),
        "c": lambda n: n["x"] - n["mu"],
        "v": lambda n: np.mean(n["c"] ** 2, axis=0),
        "s": lambda n: np.sqrt(n["v"] + eps),
        "x_hat": lambda n: n["c"] / n["s"],
        "loss": lambda n: np.sum(dy * (n["gamma"] * n["x_hat"] + n["beta"])),
    }
    for name, step in steps.items():
        if name not in nodes:
            nodes[name] = step(nodes)
    return nodes


@lru_cache(maxsize=len(NODES))
def _nudged(node):
    """The loss's gradient with respect to a node, by central differences."""
    return numerical_gradient(lambda values: _graph({node: values})["loss"], _graph()[node])


def _slips(name):
    """The wrong arrays that common slips give for one line, when all lines before it are right."""
    x, dy, gamma, _, _ = small_batch()
    nodes = _graph()
    lines = {line: _nudged(NODES[line]) for line in ("dx_hat", "ds", "dv", "dc", "dmu")}
    values = {name: nodes[name] for name in ("c", "v", "s", "x_hat")}
    return SLIPS[name](x=x, dy=dy, gamma=gamma, m=len(x), **values, **lines)


SUMS = "stands once per feature and every example uses it: sum over axis 0."


def _slips_of_dbeta(dy, gamma, **_):
    return [
        (dy, f"β {SUMS}"),
        (dy.mean(axis=0), "you took the mean. Nothing is averaged here: what arrives adds up."),
        (dy.sum(axis=1), "you summed over the features; sum over the batch, axis 0."),
        (dy.sum(), "you summed over everything; every feature has its own β."),
        ((gamma * dy).sum(axis=0), "γ does not multiply β: y = γ x̂ + β."),
    ]


def _slips_of_dgamma(x, dy, c, x_hat, **_):
    return [
        (dy * x_hat, f"γ {SUMS}"),
        ((dy * x).sum(axis=0), "γ multiplies x̂, not x."),
        (dy.sum(axis=0), "that is dβ. The local derivative of γ x̂ + β by γ is x̂."),
        ((dy * x_hat).mean(axis=0), "you took the mean; what arrives from the examples adds up."),
        ((dy * c).sum(axis=0), "γ multiplies x̂ = c / s, not c."),
    ]


def _slips_of_dx_hat(dy, gamma, x_hat, **_):
    return [
        (dy, "γ is missing: y = γ x̂ + β."),
        (dy * x_hat, "that leads to γ; the local derivative by x̂ is γ."),
        ((gamma * dy).sum(axis=0), "x̂ stands once per example: no sum here."),
        (dy / gamma, "γ multiplied on the way forward, so it multiplies on the way back, too."),
    ]


def _slips_of_ds(x, dx_hat, c, s, x_hat, **_):
    return [
        (
            -(dx_hat * c).sum(axis=0) / s,
            "the derivative of c / s by s is −c / s²: the square is missing.",
        ),
        ((dx_hat * c).sum(axis=0) / s**2, "the sign: a larger s makes x̂ smaller."),
        (-dx_hat * c / s**2, f"s {SUMS}"),
        (-(dx_hat * x).sum(axis=0) / s**2, "s divides c = x − μ, not x."),
        (dx_hat.sum(axis=0) / s, "that would be the way to c; the derivative of c / s by s is −c / s²."),
        (-(dx_hat * c).mean(axis=0) / s**2, "you took the mean; what arrives from the examples adds up."),
        (-(dx_hat * x_hat).sum(axis=0) / s**2, "once too often divided: x̂ / s is c / s² already."),
    ]


def _slips_of_dv(ds, v, s, **_):
    return [
        (ds / 2, "the derivative of √(v + ε) is 1 / (2 √(v + ε)) = 1 / 2s."),
        (ds / s, "the ½ is missing: the derivative of a root is 1 / (2 root)."),
        (2 * s * ds, "upside down: v leads to s = √(v + ε), whose derivative is 1 / 2s."),
        (ds / (2 * np.sqrt(v)), "ε is missing: the root is √(v + ε), which is s."),
        (ds / (2 * v), "the root is in the denominator, not v: 1 / 2s."),
        (-ds / (2 * s), "the sign: a larger v makes a larger s."),
    ]


def _slips_of_dc(m, dx_hat, dv, c, s, **_):
    return [
        (dx_hat / s, "one of two ways is there. c leads to v as well: + 2 c dv / m."),
        (2 * c * dv / m, "one of two ways is there. c leads straight to x̂ as well: + dx̂ / s."),
        (dx_hat / s + 2 * c * dv, "v is a mean: each c has a share 1 / m in it."),
        (dx_hat / s + c * dv / m, "the 2 of the square is missing: 2 c dv / m."),
        (dx_hat / s - 2 * c * dv / m, "what arrives on two ways is added."),
        (dx_hat / s + dv / m, "the derivative of c² is 2c."),
        (dx_hat + 2 * c * dv / m, "x̂ = c / s: the first way divides by s."),
    ]


def _slips_of_dmu(m, dx_hat, dv, dc, c, **_):
    return [
        (dc.sum(axis=0), "the sign: c = x − μ."),
        (-dc, f"μ {SUMS}"),
        (-dc.mean(axis=0), "no mean here: μ is subtracted from every example, so it hears from all."),
        (-dx_hat.sum(axis=0), "go on from dc, not from dx̂."),
        (
            -2 * c.sum(axis=0) * dv / m,
            "that is the way by v alone, and Σ c is 0. Go on from the whole dc.",
        ),
    ]


def _slips_of_dx(m, dx_hat, dc, dmu, s, **_):
    return [
        (dc, "one of two ways is there. x is in the mean as well: + dμ / m."),
        (dc + dmu, "μ is a mean: each x has a share 1 / m in it."),
        (dc - dmu / m, "the minus is in dμ already; what arrives on two ways is added."),
        (np.broadcast_to(dmu / m, dc.shape), "one of two ways is there. x leads straight to c as well."),
        (dx_hat / s, "that takes mean and variance for constants, as section 3 did outside."),
        (dc - dmu, "what arrives by way of μ is dμ / m, added."),
    ]


SLIPS = {
    "dbeta": _slips_of_dbeta,
    "dgamma": _slips_of_dgamma,
    "dx_hat": _slips_of_dx_hat,
    "ds": _slips_of_ds,
    "dv": _slips_of_dv,
    "dc": _slips_of_dc,
    "dmu": _slips_of_dmu,
    "dx": _slips_of_dx,
}


# ---------------------------------------------------------------- forward, for any number of axes


@exercise(
    hints=(
        "How many numbers does one channel's mean average over, after a convolution?",
        "All axes but the last: a channel's weights are the same at every place, so its places count alike.",
        "axes = tuple(range(x.ndim - 1)): mean and variance over these, then γ (x − mean) / √(v + ε) + β.",
    )
)
def batch_norm(answer):
    """Check `batch_norm(x, gamma, beta, eps)`, for arrays (batch, features) and (batch, …, channels)."""
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        x, gamma, beta = 2 * rng.standard_normal(shape) + 3, np.arange(1.0, 5), np.arange(4.0) - 7
        got = call(answer, x, gamma, beta, EPS)
        require(not isinstance(got, tuple), "one array is wanted, the output alone.")
        explain(got, _wrong_outputs(x, gamma, beta))
        close(got, batch_norm_forward(x, gamma, beta, EPS)[0], what=f"your output for x of shape {shape}")
    return "each feature of the batch, and each channel over batch and places, has its own mean and variance."


def _wrong_outputs(x, gamma, beta):
    axes = tuple(range(x.ndim - 1))
    mean, variance, m = batch_statistics(x)
    std, centered = np.sqrt(variance + EPS), x - mean
    over_all = (x - x.mean()) / np.sqrt(x.var() + EPS)
    wrong = [
        (
            layer_norm_forward(x, gamma, beta, EPS)[0],
            "you averaged over the features of each example. That is "
            "layer normalization; batch normalization averages over the batch, one mean per feature.",
        ),
        (
            gamma * over_all + beta,
            "you took one mean and one variance of everything; each feature has its own.",
        ),
        (
            gamma * centered / np.sqrt(variance * m / (m - 1) + EPS) + beta,
            "this is the unbiased variance. The batch is normalized with the biased one, divided by m.",
        ),
        (gamma * centered / (np.sqrt(variance) + EPS) + beta, "ε stands under the root: sqrt(var + eps)."),
        (gamma * centered / np.sqrt(variance) + beta, "ε is missing: sqrt(var + eps)."),
        (gamma * centered / (variance + EPS) + beta, "you divided by the variance; divide by its root."),
        (centered / std, "x is normalized; γ and β are still missing."),
        (gamma * centered / std, "β is missing."),
        (centered / std + beta, "γ is missing."),
        (gamma * x / std + beta, "the mean is still in x: subtract it before you divide."),
        (gamma * (centered / std + beta), "γ multiplied β too: scale first, then shift."),
    ]
    return wrong + (_wrong_for_images(x, gamma, beta) if len(axes) > 1 else [])


def _wrong_for_images(x, gamma, beta):
    """Means over the batch alone, and over the places of each image alone."""
    inside = tuple(range(1, x.ndim - 1))
    places = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + EPS)
    image = (x - x.mean(axis=inside, keepdims=True)) / np.sqrt(x.var(axis=inside, keepdims=True) + EPS)
    return [
        (
            gamma * places + beta,
            "right for a dense layer. After a convolution a channel has one mean for the "
            "batch and all its places: average over all axes but the last.",
        ),
        (
            gamma * image + beta,
            "you averaged over the places of each image alone; the batch belongs to the average too.",
        ),
    ]


# ---------------------------------------------------------------- core: one line in place of seven


@exercise(
    hints=(
        "In dc, write c = s x̂ and put ds in. What is ds, written with x̂ and s?",
        "dc = (dx̂ − x̂ · mean(dx̂ x̂)) / s. And Σ x̂ = 0: what is left of dμ = −Σ dc?",
        "Three terms, all multiplied by γ / std: dout, minus its mean over the batch, minus x̂ times the mean "
        "of dout · x̂.",
    )
)
def batch_norm_dx(answer):
    """Check `batch_norm_dx(dout, x_hat, gamma, std)`: the gradient of the input."""
    rng = np.random.default_rng(1)
    x, dout, gamma = 2 * rng.standard_normal((5, 3)) + 1, rng.standard_normal((5, 3)), np.array([1.0, 2, -3])
    _, cache = batch_norm_forward(x, gamma, np.zeros(3), EPS)
    got = call(answer, dout, cache.x_hat, gamma, cache.std)
    explain(got, _wrong_gradients(dout, cache.x_hat, gamma, cache.std))
    dx = close(got, batch_norm_backward(dout, cache)[0], what="your dx")
    require(np.abs(dx.sum(axis=0)).max() < 1e-9, "the sum over the batch should be 0.")
    return "its sum over the batch is 0 for every feature: moving all x alike changes nothing."


def _wrong_gradients(dout, x_hat, gamma, std):
    mean, along = dout.mean(axis=0), (dout * x_hat).mean(axis=0)
    scale, wanted = gamma / std, dout - mean - x_hat * along
    by_std = (dout * x_hat).sum(axis=0)
    return [
        (
            scale * dout,
            "this takes mean and variance for constants. Both depend on x: subtract two terms.",
        ),
        (
            scale * (dout - mean),
            "the path through the mean is there; the one through the variance is "
            "missing: − x̂ · mean(dout · x̂).",
        ),
        (
            scale * (dout - x_hat * along),
            "the path through the variance is there; the one through the mean is missing: − mean(dout).",
        ),
        (wanted / std, "γ is missing: it multiplied x̂ on the way forward."),
        (gamma * wanted, "the division by the standard deviation is missing."),
        (gamma * std * wanted, "you multiplied by the standard deviation; on the way forward x was divided."),
        (
            scale * (dout - len(dout) * mean - x_hat * by_std),
            "you took sums; each x has only a share of 1 / m in the mean and the variance.",
        ),
        (scale * (dout + mean + x_hat * along), "the two terms are subtracted, not added."),
        (scale * (dout - mean - along), "the last term lacks its x̂: − x̂ · mean(dout · x̂)."),
        (scale * (dout - mean - dout * along), "the last term is x̂ times a mean, not dout times a mean."),
        (scale / std * wanted, "you divided by the variance; the gradient is divided by its root."),
        (wanted, "γ / std is missing in front of everything."),
    ]


# ---------------------------------------------------------------- moving averages: a figure, and an update


@exercise(
    hints=(
        "In Keras's words, momentum 0.9: how much of the old value stays?",
        "new = momentum · old + (1 − momentum) · batch, for the mean and for the variance divided by m.",
        "batch.mean(axis=0) and batch.var(axis=0), each times 1 − momentum, added to momentum times the old.",
    )
)
def keras_update(answer):
    """Check `keras_update(mean, variance, batch, momentum)`: moving statistics after one more batch."""
    rng = np.random.default_rng(2)
    batch, old = (
        2 * rng.standard_normal((4, 3)) + 5,
        RunningStatistics(np.array([1.0, 2, 3]), np.arange(3.0) + 4),
    )
    got = call(answer, old.mean, old.variance, batch, 0.9)
    require(isinstance(got, tuple | list) and len(got) == 2, "a pair is wanted: (new mean, new variance).")
    new, variance, count = batch_statistics(batch)
    right = update_running(old, new, variance, count, "keras", momentum=0.9)
    mean, kept = (
        array(part, (3,), f"your {name}") for part, name in zip(got, ("mean", "variance"), strict=True)
    )
    explain(mean, _wrong_averages(old.mean, new, "mean"))
    close(mean, right.mean, what="your mean")
    explain(kept, _wrong_averages(old.variance, variance, "variance"))
    explain(kept, _wrong_variances(old, variance, count))
    close(kept, right.variance, what="your variance")
    return "a tenth of the batch goes in, with the biased variance; PyTorch would call this momentum 0.1."


def _wrong_averages(old, new, name):
    return [
        (
            0.1 * old + 0.9 * new,
            f"momentum 0.9 weighs the old {name} in Keras; you gave it to the new one, which "
            "is PyTorch's convention.",
        ),
        (new, f"this is the batch's {name} alone; the old one has a weight of 0.9."),
        (old, f"the {name} has not moved: the batch comes in with the weight 1 − momentum."),
        (old + 0.1 * new, f"the weights must add up to 1: the old {name} is multiplied by the momentum."),
        (0.9 * old + new, "the weights must add up to 1: the new value is multiplied by 1 − momentum."),
        ((old + new) / 2, "this is the plain average of both; the momentum is not used."),
    ]


def _wrong_variances(old, variance, count):
    unbiased = variance * count / (count - 1)
    return [
        (
            0.9 * old.variance + 0.1 * unbiased,
            "this is the unbiased variance, which PyTorch stores. Keras stores the biased one.",
        ),
        (
            0.1 * old.variance + 0.9 * unbiased,
            "this is PyTorch's update: unbiased, and the momentum on the new.",
        ),
        (
            0.9 * old.variance + 0.1 * np.sqrt(variance),
            "you averaged the standard deviation; the variance is kept.",
        ),
    ]


# ---------------------------------------------------------------- folding


@exercise(
    hints=(
        "At inference mean and variance are constants. What does the normalization do to z, then?",
        "It is a multiplication and an addition per unit. Write γ (xW + b − mean) / s + β, multiply out, and "
        "collect what multiplies x.",
        "With scale = gamma / sqrt(variance + eps): W times scale, column by column; beta plus (b − mean) "
        "times scale.",
    )
)
def folded(answer):
    """Check `folded(W, b, gamma, beta, mean, variance, eps)`: one dense layer in place of two."""
    rng = np.random.default_rng(3)
    W, b, gamma, beta, mean = rng.standard_normal((3, 3)), *rng.standard_normal((4, 3))
    variance = np.array([0.5, 2, 9])
    inputs = W, b, gamma, beta, mean, variance, EPS
    got = call(answer, *inputs)
    require(isinstance(got, tuple | list) and len(got) == 2, "a pair is wanted: (new W, new b).")
    kernel = array(got[0], W.shape, "your W")
    scale = gamma / np.sqrt(variance + EPS)
    wanted_W, wanted_b = fold(*inputs)
    explain(kernel, _wrong_kernels(W, gamma, variance, scale))
    close(kernel, wanted_W, what="your W")
    explain(got[1], _wrong_biases(b, beta, mean, scale))
    close(got[1], wanted_b, what="your b")
    return "the normalization is gone, and the network predicts the same with one multiplication less."


def _wrong_kernels(W, gamma, variance, scale):
    return [
        (W, "W is unchanged; each unit's weights are multiplied by γ / sqrt(variance + eps)."),
        (W * scale[:, None], "you scaled the rows. A unit's weights are a column of W, (fan_in, fan_out)."),
        (W / np.sqrt(variance + EPS), "γ is missing."),
        (W * gamma, "the division by sqrt(variance + eps) is missing."),
        (W * gamma / (variance + EPS), "you divided by the variance; divide by its root."),
        (W * gamma / np.sqrt(variance), "ε is missing under the root."),
        (W / scale, "upside down: multiply by γ, divide by sqrt(variance + eps)."),
    ]


def _wrong_biases(b, beta, mean, scale):
    return [
        (b, "b is unchanged; it is normalized too: β + (b − mean) · γ / sqrt(variance + eps)."),
        (beta - mean * scale, "the layer's own b is missing: it is added before the mean is subtracted."),
        (beta + b * scale, "the mean is missing: it is subtracted from b before the scaling."),
        (beta + (b + mean) * scale, "the mean is subtracted, not added."),
        ((b - mean) * scale, "β is missing."),
        (beta + b - mean * scale, "b comes before the normalization, so it is scaled as well."),
        (beta + b - mean, "the scaling is missing: β + (b − mean) · γ / sqrt(variance + eps)."),
        ((beta + b - mean) * scale, "β comes after the scaling and is not scaled itself."),
    ]


# ---------------------------------------------------------------- read a figure: three moving variances

SOURCES = ("Keras", "PyTorch", "paper")
FOLLOWED = 4  # the batch size of the figure
REASONS = {
    ("Keras", "PyTorch"): "this one jumps with every batch: the new value weighs a lot. Keras's weighs 0.01.",
    ("Keras", "paper"): "Keras starts at 1 and creeps; this one left 1 with the first batch.",
    ("PyTorch", "Keras"): "PyTorch's momentum 0.1 weighs the new batch: it must jump. This one creeps.",
    ("PyTorch", "paper"): "this one gets calmer and calmer; a fixed weight of 0.1 never does.",
    (
        "paper",
        "Keras",
    ): "the paper averages all batches alike, so the first one counts wholly. This one creeps "
    "away from 1, and ends below the dashed line.",
    ("paper", "PyTorch"): "the paper's average gets calmer with every batch; this one doesn't.",
}


def moving_variances(z, batches, rng) -> dict:
    """Return source → the stored variance after each of `batches` batches of FOLLOWED values out of z."""
    kept = {source: initial_statistics(1) for source in SOURCES}
    found = {source: [] for source in SOURCES}
    for _ in range(batches):
        mean, variance, count = batch_statistics(rng.choice(z, (FOLLOWED, 1)))
        for source in SOURCES:
            kept[source] = update_running(kept[source], mean, variance, count, source.lower())
            found[source].append(kept[source].variance[0])
    return {source: np.array(values) for source, values in found.items()}


SHOWN = {"A": "paper", "B": "Keras", "C": "PyTorch"}


@exercise(
    hints=(
        "Two things tell them apart: how much a new batch moves the value, and where it ends.",
        "A weight of 0.01 creeps, one of 0.1 jumps for ever, one of 1 / (batches so far) only at first.",
        "One curve ends below the dashed line, at (m − 1) / m of it: who stores the biased variance?",
    )
)
def which_is_which(answer):
    """Check which of the three curves A, B, C of the figure is Keras's, PyTorch's and the paper's."""
    filled_in(answer, SHOWN)
    known = {source.casefold(): source for source in SOURCES}
    told = {}
    for name in SHOWN:
        source = known.get(str(answer[name]).strip().casefold())
        choices = ", ".join(map(repr, SOURCES))
        require(source is not None, f"{describe(answer[name])} is none of the choices: {choices}.")
        told[name] = source
    twice = [source for source in SOURCES if list(told.values()).count(source) > 1]
    require(not twice, f"{twice[0] if twice else ''} stands twice; each is one curve.")
    for name, source in told.items():
        if source != SHOWN[name]:
            raise NotYet(f"{name} is not {source}: {REASONS[source, SHOWN[name]]}")
    return "the paper settles, Keras creeps to (m − 1) / m of the variance, PyTorch jumps about all of it."


# ---------------------------------------------------------------- challenge: batches of four

BATCH, STEPS, CHALLENGE_SEEDS = 4, 500, 3
PASS = 1.1  # validation loss; batch normalization at its best rate ends at about 1.3
LEVEL_OF_BATCH_NORM = 1.3
WIDTH = 100


@exercise(
    hints=(
        "Which numbers of a (4, 100) batch are many enough to give a trustworthy mean?",
        "Four per unit are few; the 100 of one image are many. But in a sigmoid layer all images have nearly "
        "the same h: an image's own mean and variance leave that constant in. Which activation has none?",
        "Take a label per row, `np.repeat(np.arange(batch), features).reshape(batch, features)`, an "
        "activation that is centered or cuts off, and try rates from 0.003 to 0.1.",
    )
)
def small_batches(answer):
    """Check a recipe {"shared": …, "activation": …, "rate": …}: the patient's loss at batches of four."""
    filled_in(answer, ("shared", "activation", "rate"))
    shared, activation = answer["shared"], answer["activation"]
    rate = float(array(answer["rate"], (), "your rate"))
    require(rate > 0, f"a learning rate is above 0; yours is {rate:g}.")
    require(
        activation in ACTIVATIONS,
        f"there is no activation {describe(activation)}; there are {', '.join(ACTIVATIONS)}.",
    )
    labels = _labels(shared)
    losses = [_loss_with(shared, activation, rate, seed) for seed in range(CHALLENGE_SEEDS)]
    return _judged(losses, labels, activation)


def _labels(shared):
    """The learner's labels for a batch, once they are labels and alone no number makes its own mean."""
    got = call(shared, BATCH, WIDTH)
    values = array(got, None, "your labels")
    turned = values.shape == (WIDTH, BATCH)
    hint = " Is it transposed?" if turned else " One label for each number of the batch."
    require(
        values.shape == (BATCH, WIDTH),
        f"labels of shape ({BATCH}, {WIDTH}) are wanted, yours {values.shape}.{hint}",
    )
    require(bool((values == values.astype(int)).all()), "labels are whole numbers; yours are not.")
    require(bool((values >= 0).all()), "labels count from 0; yours are negative in places.")
    require(np.asarray(got).dtype.kind in "iu", "labels are whole numbers; make them so with .astype(int).")
    require(
        np.array_equal(values, array(call(shared, BATCH, WIDTH))),
        "your labels are others at every call; who shares a mean must not change by chance.",
    )
    labels = values.astype(int)
    alone = np.bincount(labels.ravel())
    require(
        alone[alone > 0].max() > 1,
        "every number has a label of its own: it is its own mean, and every output is β. Let some share.",
    )
    return labels


def _loss_with(shared, activation, rate, seed):
    drawn = patient.Patient(initializer="glorot_normal", activation=activation)
    x, y, x_valid, y_valid = drawn.images()
    model = replaced(normalized_network(drawn, seed), SharedNorm, shared=shared)
    rng = np.random.default_rng(100 + seed)
    train(model, x, y, learning_rate=rate, steps=STEPS, batch_size=BATCH, rng=rng)
    return cross_entropy(model.logits(x_valid), y_valid)[0]


def _judged(losses, labels, activation):
    loss = float(np.median(losses))
    require(np.isfinite(loss), "the loss is no number any more: it diverged. A smaller rate.")
    told = f"validation loss {loss:.2f}, median of {CHALLENGE_SEEDS} seeds"
    crosses = share_labels_across_rows(labels)
    if loss > 2.2 and activation == "sigmoid" and not crosses:
        raise NotYet(
            f"{told}: chance. A sigmoid's h is about one half for every image, and statistics of one image "
            "leave that constant in. Either let images share, or take another activation."
        )
    require(loss < 2.2, f"{told}: chance. Is the rate far too large, or far too small, for 500 steps?")
    if loss > LEVEL_OF_BATCH_NORM - 0.05:
        what = "your labels join images, and four are few" if crosses else "it can do better: try other rates"
        raise NotYet(f"{told}; batch normalization gets to about {LEVEL_OF_BATCH_NORM}. Here {what}.")
    require(loss < PASS, f"{told}: better than batch normalization; below {PASS} passes.")
    return Scored(f"{told}. Smaller is better. How far can you get?", loss)
