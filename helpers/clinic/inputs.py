"""Illnesses of the inputs: constant, unscaled, not centered."""

import numpy as np

from helpers.clinic.findings import Evidence, finding

# Standardized images and images in 0 … 1 (Fashion-MNIST, batches of 8 to 1,000) are healthy: their spread is
# 0.29 and 0.84, the largest feature's 1.4 times the median one's, their mean up to 1.35 of the spread, and up
# to 12 % of their pixels constant, at the border.
CONSTANT = 1e-6  # a spread below this share of the size is rounding in float32, which has 7 digits
CONSTANT_MILD, CONSTANT_SEVERE = 0.6, 0.99
ONCE = 0.25  # share of the varying features seen once, above which they are rare ones, as words are
FEW = 8  # of fewer examples, a mean that isn't there and differences between features come by chance
# Initializations count on 1. At 5 a tanh is flat on both sides for two thirds of a normal z, at 20 for 91 %
# (|z| > 2.2 of N(0, s²)); of a hundredth and less the gradients of W are as much smaller.
LARGE_MILD, LARGE_SEVERE = 5.0, 20.0
SMALL_MILD, SMALL_SEVERE = 0.01, 0.001
# The loss's curvature along a feature goes with its variance (lesson 05): a factor of 10 in the spread costs
# 100 times the steps, one of 100 costs 10,000.
UNEVEN_MILD, UNEVEN_SEVERE = 10.0, 100.0
# Likewise along the mean, which all examples share: the curvature is 1 + ρ² times that of a feature for each
# of them (LeCun et al. 1998). At 1.6 a unit's sign is the same on 95 % of the examples if all
# weights are alike.
CENTER_MILD, CENTER_SEVERE = 1.6, 5.0

NAMED = "Feature {feature}, counted from 0, spreads {uneven:.3g} times as much as the median one."


def examine_inputs(trace) -> list:
    """Return the findings about what enters the first layer with weights; numbers of words are not judged."""
    if trace.entered is None or trace.layers[0].kind == "embedding":
        return []
    return examine_features(trace.entered)


def examine_features(x) -> list:
    """Return the findings about a batch of numbers, (batch, …); none of what is not finite."""
    if len(x) < 2:
        return []
    x = np.asarray(x, np.float64).reshape(len(x), -1)
    if not np.isfinite(x).all():
        return []
    mean, std = x.mean(axis=0), x.std(axis=0)
    constant = std <= CONSTANT * np.sqrt(mean**2 + std**2)
    share = 0.0 if seldom(x[:, ~constant]) else constant.mean()
    found = stepped("constant_inputs", "share of constant features", share, CONSTANT_MILD, CONSTANT_SEVERE)
    if constant.all():
        return found
    varying = std[~constant] if len(x) >= FEW else np.ones(1)
    return found + scale(std, varying) + (center(mean, std) if len(x) >= FEW else [])


def seldom(varying) -> bool:
    """Say whether many features differ from 0 in one example alone, as with words.

    Then others are absent by chance: what is seen once tells how much is not seen at all (Good 1953).
    """
    return bool(varying.size and np.mean(np.count_nonzero(varying, axis=0) == 1) > ONCE)


def scale(std, varying) -> list:
    """Return the finding of a spread far from 1, or of features of very different spread, if any."""
    code, whole = "unscaled_inputs", np.sqrt(np.mean(std**2))
    uneven = varying.max() / np.median(varying)
    return (
        stepped(code, "std of the inputs", whole, LARGE_MILD, LARGE_SEVERE)
        or stepped(code, "std of the inputs", whole, SMALL_MILD, SMALL_SEVERE)
        or stepped(
            code,
            "largest std of a feature, of the median one",
            uneven,
            UNEVEN_MILD,
            UNEVEN_SEVERE,
            said=NAMED.format(feature=int(np.argmax(std)), uneven=uneven),
        )
    )


def center(mean, std) -> list:
    """Return the finding of a mean many standard deviations away from 0, if any."""
    distance = np.sqrt(np.mean(mean**2) / np.mean(std**2))
    return stepped("uncentered_inputs", "mean of the inputs, in std", distance, CENTER_MILD, CENTER_SEVERE)


def stepped(code, quantity, value, mild, severe, *, said=None) -> list:
    """Return the finding of a value beyond the two thresholds: below them where the severe one is smaller."""
    sign = 1 if severe > mild else -1
    if sign * value <= sign * mild:
        return []
    bad = bool(sign * value > sign * severe)
    return [finding(code, bad, [Evidence(quantity, float(value), severe if bad else mild)], said=said)]
