"""The end of a network and its loss: do they fit?"""

from helpers.clinic.findings import Evidence, finding

PROBABILITIES = ("softmax", "sigmoid", "hard_sigmoid")  # functions whose values are probabilities
LOGITS = ("log_softmax",)  # and those that a softmax leaves as they are


def examine_ends(trace) -> list:
    """Return the finding of outputs that don't fit their loss, if any.

    Keras on TensorFlow sees a softmax or sigmoid right before its own cross-entropy, undoes it and warns, so
    that this one misfit is mild; so are probabilities of the wrong kind, with which a network still trains.
    """
    units = {layer.name: layer.units for layer in trace.layers if layer.output}
    ill = [(end, *said) for end in trace.ends if (said := misfit(end, units.get(end.layer, 0)))]
    if not ill:
        return []
    severe = any(severity == "severe" for _, severity, _ in ill)
    evidence = [
        Evidence(said, len(end.functions), float(end.takes == "probabilities"), end.layer)
        for end, _, said in ill
    ]

    return [finding("output_activation_mismatch", severe, evidence)]


def misfit(end, units) -> tuple[str, str] | None:
    """Return (severity, words) of what doesn't fit between an output and its loss; None where they fit."""
    functions = tuple(name for name in end.functions if name not in LOGITS)
    said = " then ".join(end.functions) or "linear"
    binary = end.loss.startswith("binary")
    if end.takes == "logits" and functions:
        mended = end.mended and len(functions) == 1 and "crossentropy" in end.loss
        return "mild" if mended else "severe", f"{said} before a loss that takes logits"
    if end.takes != "probabilities":
        return None
    if end.functions == ("softmax",) and units == 1:
        return "severe", "softmax of a single unit, which is always 1"
    if len(end.functions) != 1 or end.functions[0] not in PROBABILITIES:
        return "severe", f"{said} before a loss that takes probabilities"
    fits = (end.functions != ("softmax",)) if binary else (end.functions == ("softmax",))
    return None if fits else ("mild", f"{said} before {end.loss}")
