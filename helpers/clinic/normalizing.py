"""Illnesses around batch normalization: small batches, stale statistics, biases and dropout before it."""

from itertools import pairwise

import numpy as np

from helpers.clinic.findings import Evidence, finding

# A batch's variance is off by √(2 / (m − 1)) of itself: by a third for m = 16, by as much as itself for m =
# 3. The error of batch normalization rises quickly as batches get smaller (Wu and He 2018).
COUNT_MILD, COUNT_SEVERE = 15, 4
# How far the moving statistics of a median feature may be off, in std and in |ln variance|, beyond chance.
# Healthy networks after 200 steps or more (3 to 10 layers, momentum 0.99) reach 0.12, and lose nothing in
# testing; after 100 steps, at 0.25, their loss in testing is up to 1.3 times as high, after 20, at 0.4 … 1.4,
# double.
SHIFT_MILD, SHIFT_SEVERE = 0.15, 0.4
STRETCH_MILD, STRETCH_SEVERE = 0.15, 0.8
# Over √examples. A batch's own statistics are off by 0.7 of that, the median of |N(0, 1)|; twice as much was
# measured at 32 to 500.
CHANCE = 1.5
# Dropout of rate p right before a normalization makes the variance 1 / (1 − p) times as large in training as
# in testing (Li et al. 2018): severe where it doubles, at p = 0.5. One layer further on it is
# less, but of the same size; further than that the normalization in between has taken it up, and tells.
RATIO_SEVERE = 2.0


def examine_normalizing(trace) -> list:
    """Return the findings about batch normalization and what stands before it."""
    normalized = [layer for layer in trace.layers if layer.batch_norm is not None]
    return [
        *small_batches(normalized),
        *stale(trace, normalized),
        *useless_biases(trace),
        *dropout_before(trace),
    ]


def small_batches(layers) -> list:
    """Return the finding of layers whose statistics come from few values, if any."""
    counts = [
        (layer.name, layer.batch_norm.count) for layer in layers if layer.batch_norm.count <= COUNT_MILD
    ]
    evidence = [
        Evidence(
            "values per feature", count, 1 + (COUNT_SEVERE if count <= COUNT_SEVERE else COUNT_MILD), name
        )
        for name, count in counts
    ]
    severe = any(count <= COUNT_SEVERE for _, count in counts)
    return [finding("batch_too_small_for_batch_norm", severe, evidence)] if evidence else []


def stale(trace, layers) -> list:
    """Return the finding of moving statistics far from the batch's own, if any."""
    chance, evidence, severe = CHANCE / np.sqrt(trace.examples), [], False
    for layer in layers:
        norm = layer.batch_norm
        for quantity, value, mild, worse in (
            ("moving mean is off, in std", norm.shift, SHIFT_MILD, SHIFT_SEVERE),
            ("moving variance is off, |ln|", norm.stretch, STRETCH_MILD, STRETCH_SEVERE),
        ):
            if value > mild + chance and not norm.fresh:
                severe |= bool(value > worse + chance)
                limit = (worse if value > worse + chance else mild) + chance
                evidence.append(Evidence(quantity, value, float(limit), layer.name))
    return [finding("stale_moving_statistics", severe, evidence)] if evidence else []


def useless_biases(trace) -> list:
    """Return the finding of layers with a bias directly before a batch normalization, if any."""
    ill = [layer.name for layer in trace.layers if layer.biased and layer.parts[1:2] == ("batch_norm",)]
    evidence = [Evidence("biases in vain", 1.0, 0.0, name) for name in ill]
    return [finding("useless_bias_before_batch_norm", False, evidence)] if ill else []


def dropout_before(trace) -> list:
    """Return the finding of dropout whose noise the next batch normalization takes for signal, if any.

    Both layers are named where the normalization is the next one's.
    """
    ill = [(layer, layer) for layer in trace.layers if dropped_before_norm(layer.parts)]
    for layer, follower in pairwise(trace.layers):
        if layer.dropout and "batch_norm" in follower.parts and not dropped_before_norm(layer.parts):
            ill.append((layer, follower))
    if not ill:
        return []
    ratios = [(1 / (1 - layer.dropout), layer.name) for layer, _ in ill]
    evidence = [
        Evidence(
            "variance in training, of that in testing",
            ratio,
            RATIO_SEVERE if ratio >= RATIO_SEVERE else 1.0,
            name,
        )
        for ratio, name in ratios
    ]
    names = {layer.name for pair in ill for layer in pair}
    named = [layer.name for layer in trace.layers if layer.name in names]
    return [finding("dropout_before_batch_norm", max(ratios)[0] >= RATIO_SEVERE, evidence, named)]


def dropped_before_norm(parts) -> bool:
    """Say whether dropout comes before a batch normalization in a block."""
    drops = [i for i, part in enumerate(parts) if "dropout" in part and "alpha" not in part]
    norms = [i for i, part in enumerate(parts) if part == "batch_norm"]
    return bool(drops and norms and drops[0] < norms[-1])
