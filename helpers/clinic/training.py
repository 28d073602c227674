"""What the record of a training run shows: the learning rate, gradients over depth, overfitting."""

import numpy as np

from helpers.clinic.findings import Evidence, crossed, finding
from helpers.clinic.passing import from_the_first
from helpers.signals.recording import HEALTHY_RATIO

# Measured on runs of 300 steps on images: 7 networks at 5 to 9 learning rates from 1e-5 to 3; good ones are
# those with a validation accuracy within 0.05 of the network's best.
RISE = 0.2  # good, where updates are large: the loss rises above its lowest by up to 0.16 of the first
BACK = (1.0, 1.5)  # late loss of the first: above 1 nothing was learned, well above it was unlearned
JUMP = (0.1, 0.5)  # largest update of a layer, of its weights: good 0.004 … 0.19, with batch norm up to 0.6
LOST = 10 * HEALTHY_RATIO  # largest update before a loss of nan: by divergence rather than by bad data
FALL = 0.3  # good: the loss falls by 0.47 or more; with a learning rate a hundred times too low, by 0.2
REACH = (0.1, 0.02)  # update ratio times steps, how far weights can have moved: good ones 0.3 or more
LITTLE = 0.1  # fall of the loss below which nothing was learned

# ln of the gradients of W, first layers against the last. Runs of healthy networks (1 to 20 layers, as above)
# stay within 2.0; beyond 3 and 6 the norms differ 20- and 400-fold, 6 and 12 depth scales (Schoenholz et al.
# 2017).
DEPTH = (3.0, 6.0)

OVER = (1.1, 1.5)  # last validation loss of its lowest

TOO_LONG = "The steps are too long: the largest is {jump:.2g} of the weights' norm, and the loss {loss}."
TOO_SHORT = (
    "The steps are too short: all together at most {reach:.2g} of the weights' norm, and the loss {loss}."
)


def examine_run(recording) -> list:
    """Return the findings of a run: numbers, learning rate, gradients, overfitting.

    One illness hides others: where numbers are lost or steps too long, gradients and losses tell no more.
    """
    found = [*not_finite(recording), *too_high(recording)]
    if found:
        return found
    deep = gradients(recording)
    return [*deep, *([] if deep else too_low(recording)), *overfitting(recording)]


def not_finite(recording) -> list:
    """Return the finding of a loss, gradients or updates that are inf or nan, if any."""
    fine = np.isfinite(recording.grad_W_norm) & np.isfinite(recording.ratio)
    bad = ~np.isfinite(recording.loss) | ~fine.all(axis=1)
    logged = np.concatenate([recording.logged(name)[1] for name in ("loss", "val_loss")])
    if bad.any():
        first = int(np.argmax(bad))
        names = [name for name, good in zip(recording.layers, fine[first], strict=True) if not good]
        step, loss = recording.steps[first], float(recording.loss[first])
        evidence = Evidence(f"loss after {step} steps", loss, 0.0)
        if np.isfinite(loss):
            evidence = Evidence(f"layers with inf or nan after {step} steps", float(len(names)), 0.0)
        return [finding("non_finite_values", True, [evidence], names)]
    if not np.isfinite(logged).all():
        return [finding("non_finite_values", True, [Evidence("logged loss", float("nan"), 0.0)])]
    return []


def too_high(recording) -> list:
    """Return the finding of a learning rate that throws the weights about, if any.

    The updates must be large; and the loss be lost, or rise, or not fall. Weights that are 0 have no ratio.
    """
    loss, jump = recording.loss, largest_update(recording)
    if len(loss) < 2 or not np.isfinite(loss[0]) or jump <= (LOST if np.isnan(loss).any() else JUMP[0]):
        return []
    evidence = [
        Evidence("largest update, of the weights", jump, LOST if jump < JUMP[0] else crossed(jump, JUMP))
    ]
    if not np.isfinite(loss).all():
        step = recording.steps[np.argmax(~np.isfinite(loss))]
        lost = Evidence(f"loss after {step} steps", np.nan, loss[0])
        said = TOO_LONG.format(jump=jump, loss=f"is no number any more after {step} steps")
        return [finding("learning_rate_too_high", True, [*evidence, lost], said=said)]
    rise = float(np.max(loss - np.minimum.accumulate(loss)) / loss[0])
    end = float(np.median(late(loss)) / loss[0])
    if end > BACK[0]:
        evidence.append(Evidence("late loss, of the first", end, crossed(end, BACK)))
    if end > 1 - FALL and jump > JUMP[1]:
        evidence.append(Evidence("fall of the loss", 1 - end, FALL))
    if rise > RISE:
        evidence.append(Evidence("largest rise of the loss, of the first", rise, RISE))
    severe = end > BACK[1] or (end > 1 - FALL and jump > JUMP[1])
    went = f"ends at {end:.2g} times its start" if end > 1 - FALL else f"jumps by {rise:.0%} of its start"
    said = TOO_LONG.format(jump=jump, loss=went)
    return [finding("learning_rate_too_high", severe, evidence, said=said)] if evidence[1:] else []


def largest_update(recording) -> float:
    """Return the largest finite update ratio of the records; 0 without one."""
    ratio = recording.ratio[np.isfinite(recording.ratio)]
    return float(ratio.max(initial=0.0))


def late(values) -> np.ndarray:
    """Return the last third of the records, at least one."""
    return values[-max(1, len(values) // 3) :]


def too_low(recording) -> list:
    """Return the finding of a run whose steps are too short to get anywhere, if any."""
    if len(recording.steps) < 2:
        return []
    reach = float(np.median(recording.ratio, axis=0).max()) * recording.last_step
    fall = 1 - float(np.median(late(recording.loss)) / recording.loss[0])
    if not 0 < reach < REACH[0] or fall > FALL:
        return []
    severe = reach < REACH[1] and fall < LITTLE
    evidence = [
        Evidence("update ratio times steps", reach, REACH[int(severe)]),
        Evidence("fall of the loss", fall, LITTLE if severe else FALL),
    ]
    said = TOO_SHORT.format(reach=reach, loss=f"fell by {fall:.0%}" if fall > 0 else "did not fall")
    return [finding("learning_rate_too_low", severe, evidence, said=said)]


def gradients(recording) -> list:
    """Return the findings of gradients that vanish or explode over depth, in the median over the records.

    As in a Trace, a gradient has vanished where it is small there and at all layers before. Frozen layers
    have none, and are left out.
    """
    learning = np.array([name not in recording.frozen for name in recording.layers])
    if len(recording.steps) == 0 or not learning.any():
        return []
    layers = [name for name in recording.layers if name not in recording.frozen]
    with np.errstate(divide="ignore"):
        logs = np.log(np.median(recording.grad_W_norm[:, learning], axis=0))
    if not np.isfinite(logs[-1]):
        return []
    fallen, grown = from_the_first(logs - logs[-1])
    return [
        *_over_depth("vanishing_gradient", layers, fallen, -1),
        *_over_depth("exploding_gradient", layers, grown, 1),
    ]


def _over_depth(code, layers, logs, sign):
    ill = [(name, log) for name, log in zip(layers[:-1], logs[:-1], strict=True) if log > DEPTH[0]]
    evidence = [
        Evidence(
            "gradient of W, of the last layer's",
            *(float(np.exp(sign * x)) for x in (log, crossed(log, DEPTH))),
            name,
        )
        for name, log in ill
    ]
    return [finding(code, any(log > DEPTH[1] for _, log in ill), evidence)] if ill else []


def overfitting(recording) -> list:
    """Return the finding of a validation loss that rose while the training loss fell, if any."""
    (_, validation), (_, loss) = recording.logged("val_loss"), recording.logged("loss")
    if len(validation) < 2 or len(loss) != len(validation):
        return []
    lowest = int(np.argmin(validation))
    rise = float(validation[-1] / validation[lowest])
    if rise <= OVER[0] or loss[-1] >= loss[lowest]:
        return []
    evidence = [
        Evidence("last validation loss, of its lowest", rise, crossed(rise, OVER)),
        Evidence("training loss since, of what it was", float(loss[-1] / loss[lowest]), 1.0),
    ]
    return [finding("overfitting", rise > OVER[1], evidence)]
