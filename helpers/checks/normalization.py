"""Checks of lesson 06: batch norm forward, its gradient of x, a moving average, folding into dense layers."""

import numpy as np

from helpers.checks.frame import array, call, close, exercise, explain, require
from helpers.numerics.normalization import (
    RunningStatistics,
    batch_norm_backward,
    batch_norm_forward,
    batch_statistics,
    fold,
    layer_norm_forward,
    update_running,
)

EPS = 0.1  # large, so that its place in the formula shows
SHAPES = ((6, 4), (3, 5, 2, 4))  # a dense layer's batch; a convolution's


@exercise
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


@exercise
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
            "this takes mean and variance for constants, as in section 2. Both depend on x: "
            "subtract two terms.",
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


@exercise
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


@exercise
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
