"""How ill a patient is, by measures that owe nothing to the clinic, and what dose is severe or mild.

Each measure takes a `Case` and the `Illness` and gives a number; `BANDS` holds the lowest and highest dose of
each severity. What has no measure here is so by construction: a bias before batch normalization, the
rate of a dropout before it, an output that doesn't belong to its loss.
"""

import warnings
from functools import cache

import numpy as np

from helpers.signals.trace import trace

ANY = float("inf")
NARROW = 40  # tables have fewer columns than this; of images, single pixels are not judged

BANDS = {
    "vanishing_signal": {"severe": (1e3, ANY), "mild": (15, 300)},
    "exploding_signal": {"severe": (1e3, ANY), "mild": (15, 300)},
    "vanishing_gradient": {"severe": (1e3, ANY), "mild": (15, 300)},
    "exploding_gradient": {"severe": (1e3, ANY), "mild": (15, 300)},
    "saturated_units": {"severe": (0.6, 1), "mild": (0.25, 0.5)},
    "dead_units": {"severe": (0.6, 1), "mild": (0.25, 0.45)},
    "symmetric_weights": {"severe": (1, 1), "mild": (0.4, 0.6)},
    "unscaled_inputs": {"severe": (50, ANY), "mild": (5, 20)},
    "uncentered_inputs": {"severe": (5, ANY), "mild": (1.3, 2.5)},
    "constant_inputs": {"severe": (1, 1), "mild": (0.6, 0.8)},
    "batch_too_small_for_batch_norm": {"severe": (0.5, 1), "mild": (0.2, 0.25)},
    "stale_moving_statistics": {"severe": (1.5, ANY), "mild": (1.1, 1.5)},
    "learning_rate_too_high": {"severe": (0.95, ANY), "mild": (0, 0.95)},
    "learning_rate_too_low": {"severe": (0.95, ANY), "mild": (0.7, 0.95)},
    "overfitting": {"severe": (1.5, ANY), "mild": (1.1, 1.4)},
    "non_finite_values": {"severe": (1, ANY)},
}


@cache
def signs(case, training=True):
    """Return the `Trace` of a case; Keras's warnings, where output and loss don't fit, are left unsaid."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return trace(case.subject, case.x, case.y, training=training)


def fading(case, illness):
    """How many times the spread of z is smaller at the last hidden layer than at the first."""
    hidden = signs(case).hidden
    return hidden[0].z_std / hidden[-1].z_std if hidden else 1.0


def growing(case, illness):
    """The inverse."""
    return 1 / fading(case, illness)


def fading_back(case, illness):
    """How many times the gradient of one z is smaller at the first hidden layer than at the last.

    The layers of convolutions are not to be compared with dense ones: nan for a mixture, or for none.
    """
    hidden = signs(case).hidden
    rates = [layer.grad_z_norm / layer.histogram.counts.sum() ** 0.5 for layer in hidden]
    return rates[-1] / rates[0] if len({layer.kind for layer in hidden}) == 1 else float("nan")


def growing_back(case, illness):
    """The inverse."""
    return 1 / fading_back(case, illness)


def least_share(quantity):
    """The smallest share of such units in the layers that must be named; without any, the largest in all."""

    def measure(case, illness):
        layers = signs(case).layers
        if not illness.must:
            return max(getattr(layer, quantity) for layer in layers)
        return min(getattr(layer, quantity) for layer in layers if layer.name in illness.must)

    return measure


def share_of_copies(case, illness):
    """The smallest share of a layer's units that are copies of one before them; 1 if all are alike."""
    return min(_copies(np.asarray(W)) for W in _kernels(case.subject, illness.must))


def _copies(W):
    units, kinds = W.reshape(-1, W.shape[-1]).T, []
    for unit in units:
        kinds += [] if any(np.allclose(unit, known) for known in kinds) else [unit]
    return 1.0 if len(kinds) == 1 else 1 - len(kinds) / len(units)


def _kernels(model, names):
    if hasattr(model, "get_layer"):
        return [model.get_layer(name).kernel for name in names]
    return [model.weights[int(name.split()[1]) - 1] for name in names]


def off_scale(case, illness):
    """How many times 1 the inputs' standard deviation is, or 1 it; of a table that of the widest column."""
    x = np.asarray(case.x, float)
    widest = x.std(axis=0).max() if x.shape[1] < NARROW and x.ndim == 2 else 0
    return max(widest, x.std(), 1 / x.std())


def off_center(case, illness):
    """How many standard deviations the inputs' mean is away from 0."""
    return abs(np.mean(case.x)) / np.std(case.x)


def share_constant(case, illness):
    """The share of features that are the same in every example."""
    return np.mean(np.ptp(np.asarray(case.x), axis=0) == 0)


def scarce(case, illness):
    """One part of a feature's statistics that one example makes up, in a dense layer."""
    return 1 / len(case.x)


def testing_over_training(case, illness):
    """The loss in testing, as many times that of training mode on the same batch."""
    return signs(case, training=False).loss / signs(case).loss


def end_over_start(case, illness):
    """The recorded batch's loss, median of the last three, as many times the first; inf if not finite."""
    loss = case.subject.loss
    ratio = np.median(loss[-3:]) / loss[0]
    return ratio if np.isfinite(ratio) else ANY


def end_over_guess(case, illness):
    """The same, as many times the loss of a guess among the classes, where that is less than the first."""
    first = case.subject.loss[0]
    return end_over_start(case, illness) * max(1.0, first / case.guess)


def end_over_least(case, illness):
    """The last validation loss, as many times the smallest one."""
    _, loss = case.subject.logged("val_loss")
    return loss[-1] / loss.min()


def not_numbers(case, illness):
    """How many layers, or losses of a run, are not finite."""
    if case.x is None:
        return np.sum(~np.isfinite(case.subject.loss))
    return sum(not layer.finite for layer in signs(case).layers)


MEASURES = {
    "vanishing_signal": fading,
    "exploding_signal": growing,
    "vanishing_gradient": fading_back,
    "exploding_gradient": growing_back,
    "saturated_units": least_share("share_saturated"),
    "dead_units": least_share("share_dead"),
    "symmetric_weights": share_of_copies,
    "unscaled_inputs": off_scale,
    "uncentered_inputs": off_center,
    "constant_inputs": share_constant,
    "batch_too_small_for_batch_norm": scarce,
    "stale_moving_statistics": testing_over_training,
    "learning_rate_too_high": end_over_guess,
    "learning_rate_too_low": end_over_start,
    "overfitting": end_over_least,
    "non_finite_values": not_numbers,
}


def dose(code, case, illness) -> float:
    """Return how ill a case is; nan where the illness has no measure here."""
    of_a_run = case.x is None
    words = not of_a_run and np.asarray(case.x).dtype.kind == "i" and code.endswith("inputs")
    measurable = code in MEASURES and not (code.endswith("gradient") and of_a_run) and not words
    with np.errstate(all="ignore"):
        return float(MEASURES[code](case, illness)) if measurable else float("nan")


def fits(code, case, illness) -> bool:
    """Whether the dose lies in the band of the illness's severity; true where there is no measure."""
    value = dose(code, case, illness)
    low, high = BANDS.get(code, {}).get(illness.severity, (-ANY, ANY))
    return np.isnan(value) or low <= value <= high


# What a healthy network mustn't have. Of saturation and dead units a Trace gives the shares; a ReLU has no
# slope on its left, which is its nature and no saturation.
OF_HEALTHY = (
    "vanishing_signal",
    "exploding_signal",
    "vanishing_gradient",
    "exploding_gradient",
    "dead_units",
    "unscaled_inputs",
    "uncentered_inputs",
    "constant_inputs",
)
