"""What a lab says in words when the numbers leave the range that a figure can show."""

import numpy as np

VANISHED = 1e-30  # nothing is left for float32 to compute with: its smallest normal number is about 1e-38


def signal_in_words(signals) -> str:
    """Return one sentence on overflow or vanishing in a `Trace`, or an empty string when all is in range."""
    overflowed = [i + 1 for i, layer in enumerate(signals.hidden) if not layer.finite]
    if overflowed:
        return f"Overflow: from layer {overflowed[0]} on, the signal is too large for the computer's numbers."
    gradient, std = signals.per_layer("grad_z_norm"), signals.per_layer("std")
    if not np.isfinite(gradient).all():
        return "Overflow: the gradient is too large for the computer's numbers."
    if (std < VANISHED).any():
        first = np.argmax(std < VANISHED) + 1
        return f"The signal has vanished: from layer {first} on, every image gives the same output."
    if (gradient < VANISHED).any():
        last = len(gradient) - np.argmax(gradient[::-1] < VANISHED)
        return f"The gradient has vanished: up to layer {last} it is below {VANISHED:g}, or exactly 0."
    return ""
