"""What a lab says in words when the numbers leave the range that a figure can show."""

import numpy as np

VANISHED = 1e-30  # nothing is left for float32 to compute with: its smallest normal number is about 1e-38


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
