"""Illnesses of units: saturated, dead, or all alike."""

from helpers.clinic.findings import Evidence, crossed, finding

# Share of pre-activations where the activation is flat. Healthy networks (11 activations with the
# initialization that goes with each, 1 to 60 layers of 30 to 100 units, fresh and trained) reach 0.30 where
# it is flat on both sides. Where it is flat on the left alone, half may lie there by symmetry, as for ReLU;
# measured up to 0.45.
FLAT = {"both sides": (0.32, 0.7), "left": (0.6, 0.8), "right": (0.6, 0.8)}
NEAR = 0.8  # once a layer is found saturated, those at this share of the threshold are named too

# Share of dead units beyond that of the units which are always on. Deep in a healthy ReLU network all
# examples look alike, so that a unit is on for all or off for all by chance, as likely one as the other: what
# counts is how many more are off, and only where such a surplus is no chance. The healthy networks above
# reach 0.23.
DEAD = (0.25, 0.5)
DEVIATIONS = 3.0  # off minus on has the standard deviation √(off + on) when either is as likely

# Two units drawn at random are never alike, so any pair is a finding. Where the layers after them treat them
# alike too they stay so; severe where most of a layer does.
EQUAL, STAY_EQUAL = 0.0, 0.5


def examine_units(trace) -> list:
    """Return the findings of saturated and dead units and of units that are alike."""
    layers = [layer for layer in trace.hidden if layer.finite]
    flat = [(layer, layer.share_saturated, FLAT[layer.saturates]) for layer in layers if can_saturate(layer)]
    dead = [(layer, surplus(layer), DEAD) for layer in layers if layer.can_die]
    equal = [(layer, layer.share_equal, equal_limits(layer)) for layer in layers]
    return [
        *shares("saturated_units", flat, "share of flat places", near=NEAR),
        *shares("dead_units", dead, "share of dead units, less that of units always on"),
        *shares("symmetric_weights", equal, "share of units with a twin"),
    ]


def equal_limits(layer) -> tuple[float, float]:
    """Return the thresholds of the share of equal units: only those that stay equal can be severe."""
    return (EQUAL, STAY_EQUAL) if layer.share_stay_equal > STAY_EQUAL else (EQUAL, 1.0)


def can_saturate(layer) -> bool:
    """Say whether a layer's activation has a flat side that is not dead."""
    return layer.saturates != "no" and not layer.can_die


def surplus(layer) -> float:
    """Return the share of dead units beyond that of units always on; 0 where it may be chance."""
    off, on = layer.units * layer.share_dead, layer.units * layer.share_on
    by_chance = on > 0 and off - on <= DEVIATIONS * (off + on) ** 0.5
    return 0.0 if by_chance else layer.share_dead - layer.share_on


def shares(code, judged, quantity, near=1.0) -> list:
    """Return the finding of the layers whose share of ill units is above a threshold, if any.

    `judged` holds (layer, share, (mild, severe)). Once one is above, those above `near` of it are named too.
    """
    if not any(share > limits[0] for _, share, limits in judged):
        return []
    judged = [(layer, share, (near * limits[0], limits[1])) for layer, share, limits in judged]
    ill = [(layer, share, limits) for layer, share, limits in judged if share > limits[0]]
    evidence = [Evidence(quantity, share, crossed(share, limits), layer.name) for layer, share, limits in ill]
    severe = any(share > limits[1] for _, share, limits in ill)
    return [finding(code, severe, evidence)]
