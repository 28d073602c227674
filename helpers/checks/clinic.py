"""Checks of lesson 11: the diagnosis of eight sick networks from their vital signs, and their treatment."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from helpers.checks.frame import EMPTY, NotAttempted, describe, exercise, one_of, require
from helpers.clinic import patients

SEEDS = range(3)
CURED = 1.1  # loss on new images: guessing gives ln 10 = 2.3, the healthy network ends between 0.6 and 1
RISE = 1.1  # loss on new images at the end, of its lowest: at most so much in a network that doesn't overfit


class Reason(NamedTuple):
    """Why an illness is not a patient's: `fits(signs)` would have to hold; `words` tell the numbers."""

    fits: Callable
    words: str


# What the vital signs would be in each illness. The bounds are wide: they only tell the eight patients apart.
REASONS = {
    "vanishing_signal": Reason(
        lambda s: s["std_last"] < 0.1 * s["std_first"],
        "a vanishing signal loses a good part in every layer. Here the std of h is {std_first:.2g} in the "
        "first layer and {std_last:.2g} in the last.",
    ),
    "exploding_signal": Reason(
        lambda s: s["std_last"] > 10 * s["std_first"],
        "an exploding signal grows from layer to layer. Here the std of h is {std_first:.2g} in the first "
        "and {std_last:.2g} in the last.",
    ),
    "vanishing_gradient": Reason(
        lambda s: s["gradient_first"] < 0.1 * s["gradient_last"],
        "a vanishing gradient is far smaller in the first layer than in the last. Here they are "
        "{gradient_first:.2g} and {gradient_last:.2g}.",
    ),
    "exploding_gradient": Reason(
        lambda s: s["gradient_first"] > 10 * s["gradient_last"],
        "an exploding gradient is far larger in the first layer than in the last. Here they are "
        "{gradient_first:.2g} and {gradient_last:.2g}.",
    ),
    "saturated_units": Reason(
        lambda s: s["saturated"] > 0.7,
        "saturated units would show a share near 100 %. Here at most {saturated:.0%} of a layer lie on a "
        "flat part (for ReLU, whose left side is flat, a half is normal).",
    ),
    "dead_units": Reason(
        lambda s: s["dead"] > 0.5,
        "dead units would show a share near 100 %. Here at most {dead:.0%} of a layer are off on every "
        "image; healthy deep ReLU networks show up to about 20 %.",
    ),
    "symmetric_weights": Reason(
        lambda s: s["alike"] > 0,
        "in a layer of equal weights all units are alike. Here {alike:.0%} have a twin.",
    ),
    "unscaled_inputs": Reason(
        lambda s: abs(s["inputs_mean"]) > 1 or s["inputs_std"] > 3,
        "these inputs are standardized: their mean is {inputs_mean:.2f}, their std {inputs_std:.2f}.",
    ),
    "learning_rate_too_high": Reason(
        lambda s: s["update"] > 0.1,
        "the first step moves the weights of a typical layer by {update:.1g} of their norm: no leap.",
    ),
    "learning_rate_too_low": Reason(
        lambda s: s["update"] < 1e-4,
        "the first step moves the weights of a typical layer by {update:.1g} of their norm. A rate that is "
        "too low would show 0.0001 and less.",
    ),
    "stale_moving_statistics": Reason(
        lambda s: s["loss_tested"] > 1.5 * s["loss_trained"],
        "the moving statistics are used in testing alone. On the same training images the loss is "
        "{loss_trained:.2g} in training mode and {loss_tested:.2g} in testing mode.",
    ),
    "overfitting": Reason(
        lambda s: s["loss_tested"] < 0.1 and s["new_last"] > RISE * s["new_lowest"],
        "a network that has learned by heart is nearly perfect on the images it was trained on. Here the "
        "loss on them is {loss_trained:.2g}, and {loss_tested:.2g} in testing mode.",
    ),
}

# Where the signs do fit, but come from something else.
CONSEQUENCES = {
    ("A", "exploding_gradient"): "true, the gradient grows on its way back, from {gradient_last:.2g} to "
    "{gradient_first:.2g}. But look at the units: {saturated:.0%} are where the activation is flat. Weights "
    "that are too large do both, and here the units are the more serious.",
    (
        "B",
        "learning_rate_too_low",
    ): "true, the updates are tiny: {update:.1g} of the weights. But the rate is "
    "that of the others. It is the gradient that is small, and only in the early layers.",
    (
        "D",
        "exploding_gradient",
    ): "true, the gradient grows too. But it goes back through a signal that has grown "
    "from {std_first:.2g} to {std_last:.2g} before: name what comes first.",
    (
        "D",
        "learning_rate_too_high",
    ): "true, the first update is {update:.1g} of the weights. But the rate is that "
    "of the others. The std of h is {std_last:.3g} before any step was taken.",
    ("E", "vanishing_gradient"): "the gradient is 0 in the last layer as well, {gradient_last:.1g} but for "
    "rounding: it is not lost on the way. Ask what makes it cancel everywhere.",
    ("E", "learning_rate_too_low"): "true, the updates are 0 but for rounding. No rate makes 0 larger.",
    (
        "F",
        "vanishing_signal",
    ): "true, nothing is left in the last layer. But see why: {dead:.0%} of the units of a layer are off.",
    (
        "F",
        "vanishing_gradient",
    ): "true, and it is exactly 0: no gradient passes where {dead:.0%} of the units of a "
    "layer are off. Name the cause.",
    (
        "F",
        "saturated_units",
    ): "true for ReLU's flat side. A unit that is on it for every image has a name of its own.",
    ("F", "learning_rate_too_low"): "true, there are no updates. No rate makes 0 larger.",
    (
        "H",
        "learning_rate_too_high",
    ): "true, the first update is {update:.1g} of the weights. But the rate is that "
    "of the others. The gradient of a weight is the error times the input, and the inputs' std is "
    "{inputs_std:.0f}.",
}


@exercise
def diagnosis(answer):
    """Check a dictionary, patient → code of the illness, against what the patients have."""
    named = _filled(answer)
    for patient, code in named.items():
        signs = patients.chart(patients.BUILDS[patient]).signs
        whys = {wrong: f"patient {patient}: {_why_not(patient, wrong, signs)}" for wrong in REASONS}
        right = patients.DIAGNOSES[patient]
        one_of(code, right, {wrong: why for wrong, why in whys.items() if wrong != right})
    _complete(named, "diagnosed")
    return "all eight. Each shows one sign that the others don't; the rest are consequences."


def _why_not(patient, code, signs):
    return CONSEQUENCES.get((patient, code), REASONS[code].words).format(**signs)


@exercise
def treatment(answer):
    """Check a dictionary, patient → changed settings: every treated network must learn, with three seeds."""
    changes = _filled(answer)
    ends = {patient: _treated(patient, changed) for patient, changed in changes.items()}
    _complete(changes, "treated")
    return (
        f"all eight learn. With three seeds each, the worst loss on new images is {max(ends.values()):.2g}."
    )


def _treated(patient, changed) -> float:
    """Return the worst last loss on new images of a treated patient; raises NotYet where it isn't cured."""
    what = f"patient {patient}: "
    require(isinstance(changed, dict), f"{what}a dictionary of settings is wanted, not {describe(changed)}.")
    build = patients.BUILDS[patient]
    try:
        better = patients.treated(build, changed)
        require(better != build, f"{what}this changes nothing: those are the settings it is ill with.")
        signs = [patients.chart(better, seed).signs for seed in SEEDS]
    except (TypeError, ValueError) as error:
        require(False, f"{what}{error}.")
    for one in signs:
        require(_is_cured(patient, one), what + _why_ill(patient, one))
    return max(one["new_last"] for one in signs)


def _is_cured(patient, signs):
    heart = patients.DIAGNOSES[patient] == "overfitting" and signs["new_last"] > RISE * signs["new_lowest"]
    return signs["new_last"] < CURED and not heart


def _why_ill(patient, signs):
    """Say what is wrong with a treated network: its illness, another one, or only its losses."""
    illness = patients.DIAGNOSES[patient]
    if REASONS[illness].fits(signs):
        words = _STILL[illness]
    elif not np.isfinite(signs["loss_last"]):
        words = "the training diverges with these settings: the loss is nan."
    elif REASONS["stale_moving_statistics"].fits(signs):
        words = (
            "it learns now, and has caught another illness: on the same images the loss is "
            "{loss_trained:.2g} in training mode and {loss_tested:.2g} in testing mode. Moving "
            "statistics have to keep up."
        )
    else:
        words = (
            "its sign is gone, but it isn't well with each of three seeds. The loss ends at {loss_last:.2g} "
            "on the images trained on and at {new_last:.2g} on new ones; healthy ones end below 1 on both."
        )
    return words.format(**signs)


_STILL = {
    "saturated_units": "still {saturated:.0%} of a layer are where the activation is flat, before any step.",
    "vanishing_gradient": "the first layer's gradient is still {gradient_first:.1g}, the last one's "
    "{gradient_last:.1g}. A higher rate can't help both.",
    "stale_moving_statistics": "the loss is {loss_trained:.2g} in training mode and {loss_tested:.2g} in "
    "testing mode: the moving statistics still lag behind.",
    "exploding_signal": "the std of h still goes from {std_first:.2g} to {std_last:.2g}. What comes "
    "after, be it the rate or clipping, meets numbers that are too large.",
    "symmetric_weights": "still {alike:.0%} of the units have a twin. Only chance can tell them apart.",
    "dead_units": "still {dead:.0%} of a layer are off on every image.",
    "overfitting": "the loss on new images still rises, from {new_lowest:.2g} to {new_last:.2g}, while that "
    "on the images trained on falls to {loss_tested:.1g}.",
    "unscaled_inputs": "the inputs still have the std {inputs_std:.0f}, and the loss on new images ends at "
    "{new_last:.2g}.",
}


def _filled(answer) -> dict:
    """Return the entries that are no longer `...`; raises NotAttempted where there is none."""
    require(isinstance(answer, dict), f"a dictionary is wanted here, and you gave {describe(answer)}.")
    unknown = [name for name in answer if name not in patients.BUILDS]
    require(not unknown, f"there is no patient {unknown[:1]}; they are {', '.join(patients.BUILDS)}.")
    filled = {name: value for name, value in answer.items() if value is not ... and value is not None}
    if not filled:
        raise NotAttempted(EMPTY)
    return filled


def _complete(filled, done):
    left = [name for name in patients.BUILDS if name not in filled]
    if left:
        raise NotAttempted(f"right so far; {', '.join(left)} still to be {done}.")
