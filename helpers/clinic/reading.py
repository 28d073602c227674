"""A model read as a program: missing activations, dropout that leaves nothing, layers that can't learn."""

import numpy as np

from helpers.clinic.findings import Evidence, finding
from helpers.signals.keras_layers import array_of, weights_of

# What may stand between two linear layers and leaves the whole of them linear.
STILL_LINEAR = ("dropout", "flatten", "reshape", "padding", "activation", "input", "permute", "upsampling")
MATRICES = ("dense", "conv")
SQUASHING = ("sigmoid", "hard_sigmoid", "softmax", "tanh")
# Dropout at 0.5 leaves half and is usual in large dense layers (Srivastava et al. 2014). Its noise has
# rate / (1 − rate) times the signal's variance: 4 times at 0.8, 9 times at 0.9.
DROPPED = (0.7, 0.89)


def examine_program(program) -> list:
    """Return the findings that reading a `Program` gives, without a batch."""
    rules = (nothing_trainable, equal_layers, missing_activation, double_activation, dropped, discarded)
    return [found for rule in rules for found in rule(program)]


def nothing_trainable(program) -> list:
    """No weights that training may change, or a rate of 0."""
    if not program.outlets or not program.outlets[0].loss:
        return []
    if program.trainable == 0:
        said = f"None of the {program.frozen:,} numbers is trainable: training changes nothing."
        cure = "Set trainable = True on the layers that are to learn, then compile again."
        return [finding("nothing_trainable", True, (), (), said=said, cure=cure)]
    if program.learning_rate == 0:
        said = "The learning rate is 0: training changes nothing."
        return [finding("nothing_trainable", True, (), (), said=said, cure="Begin with Adam at 1e-3.")]
    return []


def equal_layers(program) -> list:
    """Layers that began with the same weights: one initializer instance draws the same numbers each time."""
    known, same = {}, {}
    for part in dict.fromkeys(program.weighted):
        W = weights_of(part.layer)
        if W is None or np.prod(W.shape) < 4 or any(other is part.layer for other in known.values()):
            continue
        array = array_of(W)
        if array.size and not array.std() > 0:
            continue  # all equal: symmetric weights, another illness
        key = (array.shape, array.tobytes())
        if key in known:
            same.setdefault(known[key].name, [known[key].name]).append(part.name)
        known.setdefault(key, part.layer)
    if not same:
        return []
    names = max(same.values(), key=len)
    said = f"{len(names)} layers have the very same weights."
    cure = 'Give each layer an initializer of its own: kernel_initializer="glorot_uniform", as a text.'
    return [finding("equal_layers", False, (), names, said=said, cure=cure)]


def missing_activation(program) -> list:
    """Two layers of weights with nothing between them that bends: together they are one linear layer."""
    pairs = [(part, before) for part in program.weighted if (before := linear_before(part)) is not None]
    pairs = [(part, before) for part, before in pairs if not is_bottleneck(before, part)]
    if not pairs:
        return []
    names = list(dict.fromkeys(before.name for _, before in pairs))
    bends = any(bends_something(part) for part in program.parts if part not in _ends(program))
    said = (
        f"Nothing bends between {pairs[0][1].name!r} and {pairs[0][0].name!r}: together they are one layer."
    )
    if not bends and len(program.weighted) > 1:
        said = f"None of the {len(program.weighted)} layers has an activation: together they are one layer."
    cure = f'Give {names[0]!r} activation="relu"' + (", and the others too." if names[1:] else ".")
    return [finding("missing_activation", not bends, (), names, said=said, cure=cure)]


def linear_before(part):
    """Return the layer of weights that a matrix's input comes from with nothing bent on the way, or None."""
    if not _is_matrix(part) or len(part.parents) != 1:
        return None
    before = part.parents[0]
    while before.kind in STILL_LINEAR and before.function == "linear" and len(before.parents) == 1:
        before = before.parents[0]
    return before if _is_matrix(before) and before.function == "linear" else None


def is_bottleneck(first, second) -> bool:
    """Say whether two linear layers are one of low rank on purpose: narrower than what enters and leaves."""
    return 0 < first.units < min(first.entering, second.units)


def bends_something(part) -> bool:
    """Say whether a part is no linear map of what enters it."""
    if part.function != "linear":
        return True
    known = (
        "dense",
        "conv",
        "embedding",
        "batch_norm",
        "add",
        "concatenate",
        "average",
        "subtract",
        "rescaling",
    )
    linear = part.kind in STILL_LINEAR or any(part.kind.startswith(word) for word in known)
    return not linear and "average_pooling" not in part.kind


def double_activation(program) -> list:
    """Two squashing functions in a row, or a softmax inside of the network."""
    ends = _ends(program)
    for part in program.parts:
        before = part.parents[0] if len(part.parents) == 1 else None
        if part.kind == "dense" and before is not None and "softmax" in before.function and before.weighted:
            said = f"{before.name!r} is a hidden layer with a softmax: its units share a total of 1."
            cure = f'Give {before.name!r} activation="relu"; the softmax belongs to the output.'
            return [finding("double_activation", False, (), (before.name,), said=said, cure=cure)]
        if part.weighted or part.kind not in ("activation", "softmax") or before is None:
            continue
        if part.function in SQUASHING and before.function in (*SQUASHING, "relu") and part in ends:
            said = f"Two functions stand on the output: {before.function}, then {part.function}."
            cure = f"Leave {before.name!r} linear."
            return [finding("double_activation", True, (), (before.name, part.name), said=said, cure=cure)]
    return []


def dropped(program) -> list:
    """Dropout that leaves hardly any signal, or that drops outputs."""
    found, ends = [], _ends(program)
    drops = [part for part in program.parts if "dropout" in part.kind and hasattr(part.layer, "rate")]
    if on_output := [part.name for part in drops if part in ends]:
        said = "Dropout stands after the output layer: in training it sets answers to 0."
        found.append(
            finding("too_much_dropout", True, (), on_output, said=said, cure="Put it before the output.")
        )
    evidence = [
        Evidence(
            "rate of dropout", float(part.layer.rate), DROPPED[int(part.layer.rate > DROPPED[1])], part.name
        )
        for part in drops
        if part.layer.rate > DROPPED[0] and part not in ends
    ]
    if evidence:
        worst = max(one.value for one in evidence)
        said = f"Dropout at {worst:g} leaves {1 - worst:.0%} of the units; its noise drowns the signal."
        severe = worst > DROPPED[1]
        found.append(
            finding("too_much_dropout", severe, evidence, said=said, cure="Try a rate of 0.2 to 0.5.")
        )
    return found


def discarded(program) -> list:
    """Strides that step over pixels, and windows larger than the image."""
    for part in program.parts:
        window = getattr(part.layer, "kernel_size", None) or getattr(part.layer, "pool_size", None)
        strides, space = getattr(part.layer, "strides", None), part.entered[1:-1]
        if not window or not strides or len(space) != len(window) or None in space:
            continue
        if any(step > width for step, width in zip(strides, window, strict=True)):
            said = f"{part.name!r} moves its window of {window} by {strides}: it steps over pixels."
            cure = "Let the strides be no larger than the window."
        elif any(width > size for width, size in zip(window, space, strict=True)) and max(window) > 1:
            said = f"The window of {part.name!r}, {window}, is larger than what it looks at, {space}."
            cure = "Pool less before it, or take a smaller window."
        else:
            continue
        return [finding("image_discarded", False, (), (part.name,), said=said, cure=cure)]
    return []


def _is_matrix(part):
    name = type(part.layer).__name__
    return part.weighted and part.kind in MATRICES and "Depthwise" not in name and "Separable" not in name


def _ends(program):
    """The parts that give outputs, with the functions and reshapes that stand on them."""
    return {outlet.part for outlet in program.outlets if outlet.part is not None}
