"""What a lab says in words when the numbers leave the range that a figure can show."""

import numpy as np

from helpers.labs.live import ByRounding

VANISHED = 1e-30  # nothing is left for float32 to compute with: its smallest normal number is about 1e-38
LEFT_OF_A_SUM = 1e4  # times the relative rounding: a sum below this share of its terms is what rounding left
CLASSES = 10
HOLDS = 1e-4  # three digits of a norm hold while rounding at any one place is amplified to less than this


def or_rounding(value, size, dtype=np.float64):
    """Return the value; as one that rounding decides where it is next to nothing beside its terms' `size`."""
    return ByRounding(value) if 0 < abs(value) < LEFT_OF_A_SUM * np.finfo(dtype).eps * abs(size) else value


def is_chaotic(std, gradient, dtype) -> bool:
    """Return whether a network amplifies rounding in `dtype` until no digit of its last layers holds.

    A small relative change at layer l becomes, at the last layer L, larger by about
    (gradient_l std_l) / (gradient_L std_L): the gradient says how far a change of z reaches the output.
    """
    with np.errstate(all="ignore"):
        grown = np.asarray(gradient, float) * np.asarray(std, float)
        return bool((grown * np.finfo(dtype).eps > HOLDS * grown[-1]).any())


def ends_of(signals, dtype) -> dict:
    """Return a `Trace`'s loss, and spread and gradient of its first and last hidden layer, in `dtype`.

    What rounding decides is told as such: everything after chaos; a spread beside a large mean; and through
    equal weights the gradient, which is the sum of an example's output errors, and the loss of equal logits.
    """
    first, last, output = signals.hidden[0], signals.hidden[-1], signals.layers[-1]
    chaotic = is_chaotic(signals.per_layer("std"), signals.per_layer("grad_z_norm"), dtype)
    error = np.sqrt(signals.output_error.sum()) * output.W_norm / CLASSES**0.5
    lost = chaotic or isinstance(or_rounding(last.grad_z_norm, error, dtype), ByRounding)
    logits = np.hypot(output.mean, output.std)
    return {
        "std_first": or_rounding(first.std, first.mean, dtype),
        "std_last": ByRounding(last.std) if chaotic else or_rounding(last.std, last.mean, dtype),
        "gradient_first": ByRounding(first.grad_z_norm) if lost else first.grad_z_norm,
        "gradient_last": ByRounding(last.grad_z_norm) if lost else last.grad_z_norm,
        "loss": ByRounding(signals.loss) if chaotic else or_rounding(signals.loss, logits, dtype),
    }


def signal_in_words(signals) -> str:
    """Return one sentence on overflow or vanishing in a `Trace`, or an empty string when all is in range."""
    return range_in_words(signals.per_layer("std"), signals.per_layer("grad_z_norm"))


def range_in_words(std, gradient) -> str:
    """Return the sentence for the standard deviation of h and the gradient's norm, one number per layer."""
    overflowed = ~np.isfinite(std)
    if overflowed.any():
        first = np.argmax(overflowed) + 1
        return f"Overflow: from layer {first} on, the signal is too large for the computer's numbers."
    if not np.isfinite(gradient).all():
        return "Overflow: the gradient is too large for the computer's numbers."
    if (std < VANISHED).any():
        first = np.argmax(std < VANISHED) + 1
        return f"The signal has vanished: from layer {first} on, every image gives the same output."
    if (gradient < VANISHED).any():
        last = len(gradient) - np.argmax(gradient[::-1] < VANISHED)
        return f"The gradient has vanished: up to layer {last} it is below {VANISHED:g}, or exactly 0."
    return ""
