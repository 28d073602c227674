"""Layers that normalize otherwise than batch normalization does, and statistics for a network that predicts.

Layer normalization, batch normalization with the noise of 2018, and one layer for every choice of which
numbers share a mean and a variance. Each takes the place of a `BatchNorm` in a `Stack`: see `replaced`.
"""

from dataclasses import dataclass

import numpy as np

from helpers.networks.stack import BatchNorm, Stack
from helpers.numerics.normalization import (
    RunningStatistics,
    layer_norm_backward,
    layer_norm_forward,
    normalize,
    shared_norm_backward,
    shared_norm_forward,
)

NOISE = {"mean": 0.5, "scale": 1.25, "around": 0.1}  # n_μ, n_σ, r_μ = r_σ of Santurkar et al. 2018
LEAST_NEW = 0.02  # the least weight of a new batch in the moving averages of `SharedNorm`


class LayerNorm(BatchNorm):
    """Mean and variance over the features of one example: the same in training and at inference."""

    kind = "layer_norm"

    def forward(self, x, *, training, rng):
        """Return the output and its cache; the batch plays no part."""
        return layer_norm_forward(x, self.gamma, self.beta, self.eps)

    def backward(self, dout, cache):
        """Return dx, and dγ, dβ."""
        dx, dgamma, dbeta = layer_norm_backward(dout, cache)
        return (dx,), {"gamma": dgamma, "beta": dbeta}


@dataclass(eq=False)
class NoisyBatchNorm(BatchNorm):
    """Batch normalization that puts the shift back: after it come noise of another mean and scale each step.

    In a training step every unit j draws μ_j ~ U(−0.5, 0.5) and σ_j ~ U(1, 1.25); then every value draws its
    own m_ij ~ U(μ_j − 0.1, μ_j + 0.1) and s_ij ~ N(σ_j, 0.1²), and out_ij becomes s_ij out_ij + m_ij.
    Without `noisy`, and at inference, it is batch normalization. Source: Santurkar et al. 2018,
    arXiv:1805.11604, appendix A, algorithm 1.
    """

    noisy: bool = True

    def forward(self, x, *, training, rng):
        """Return the output with noise, and (cache, s)."""
        out, cache = super().forward(x, training=training, rng=rng)
        if not (training and self.noisy):
            return out, (cache, None)
        shift = rng.uniform(-NOISE["mean"], NOISE["mean"], x.shape[1])
        scale = rng.uniform(1, NOISE["scale"], x.shape[1])
        shift = shift + rng.uniform(-NOISE["around"], NOISE["around"], x.shape)
        scale = (scale + NOISE["around"] * rng.standard_normal(x.shape)).astype(x.dtype)
        return scale * out + shift.astype(x.dtype), (cache, scale)

    def backward(self, dout, cache):
        """Return dx, and dγ, dβ, through the noise's scale."""
        inner, scale = cache
        return super().backward(dout if scale is None else dout * scale, inner)

    def remember(self, cache, count):
        """Move the running statistics toward those of a batch of `count` examples."""
        super().remember(cache[0], count)


class SharedNorm(BatchNorm):
    """One layer for every normalization: `shared(batch, features)` says which numbers share their statistics.

    It returns labels of shape (batch, features): numbers of one label have one mean and one variance. Where
    no label stands in two rows, an example is normalized by itself, in training and at inference. Else a
    moving average per feature serves at inference: all batches alike at first, later the new one by 0.02.
    """

    kind = "shared_norm"
    shared = None
    crosses = True

    def forward(self, x, *, training, rng):
        """Return the output and the cache of `shared_norm_forward`."""
        if not training and self.crosses:
            mean, variance = self.running.mean, self.running.variance
            return normalize(x, mean, variance, self.gamma, self.beta, self.eps), None
        labels = self.shared(*x.shape)
        out, cache = shared_norm_forward(x, self.gamma, self.beta, labels, self.eps)
        if training:
            self.crosses = share_labels_across_rows(labels)
            old = self.running
            new = max(LEAST_NEW, 1 / (old.batches + 1))
            mean = (1 - new) * old.mean + new * cache.mean.mean(axis=0)
            variance = (1 - new) * old.variance + new * cache.variance.mean(axis=0)
            self.running = RunningStatistics(mean, variance, old.batches + 1)
        return out, cache

    def backward(self, dout, cache):
        """Return dx, and dγ, dβ."""
        dx, dgamma, dbeta = shared_norm_backward(dout, cache)
        return (dx,), {"gamma": dgamma, "beta": dbeta}


def share_labels_across_rows(labels) -> bool:
    """Say whether a label stands in more than one row of `labels`, shape (batch, features)."""
    distinct = sum(len(np.unique(row)) for row in labels)
    return distinct > len(np.unique(labels))


def replaced(model: Stack, kind, **attributes) -> Stack:
    """Return the stack, its batch normalizations replaced in place by layers of the class `kind`.

    γ, β and ε are taken over; `attributes` are set on every new layer.
    """
    layers = []
    for layer in model.layers:
        if layer.kind == "batch_norm":
            layer = kind(layer.gamma, layer.beta, layer.eps)
            for name, value in attributes.items():
                setattr(layer, name, value)
        layers.append(layer)
    model.layers = layers
    return model


def take_statistics(model: Stack, x) -> None:
    """Give every batch normalization the statistics of all of `x`: moving ones lag behind a short run.

    Noise is left out, as it is at inference.
    """
    noisy = [layer for layer in model.layers if isinstance(layer, NoisyBatchNorm) and layer.noisy]
    for layer in noisy:
        layer.noisy = False
    for node in model.forward(x, training=True):
        if node.layer.kind == "batch_norm":
            cache = node.cache[0] if isinstance(node.layer, NoisyBatchNorm) else node.cache
            node.layer.running = RunningStatistics(cache.mean, cache.variance)
    for layer in noisy:
        layer.noisy = True
