"""How a run went, from what was logged after each epoch: does it stand still, swing, or end too early?"""

import numpy as np

from helpers.clinic.findings import Evidence, finding

MOST_EPOCHS_TO_JUDGE = 5  # of fewer logged losses nothing is said
STILL = 0.01  # a loss that moves by less than this share of itself, over all epochs, stands still
# A third of the epochs before the end: a run that has converged gains a few percent there.
FALLING = (0.15, 0.4)  # fall of the training loss over the last third, of what was left before it
SWING = 0.25  # median jump from one epoch to the next, of the mean loss, of losses that go up half the time


def examine_progress(history) -> list:
    """Return the findings of a run's logs: a dict of name → one value for each epoch, as Keras's History has.

    Without a "loss", or with fewer than five epochs, there are none.
    """
    loss = np.asarray(history.get("loss", ()), float)
    if len(loss) < MOST_EPOCHS_TO_JUDGE or not np.isfinite(loss).all() or not loss[0] > 0:
        return []
    validation = np.asarray(history.get("val_loss", ()), float)
    return stands_still(loss) or swings(loss) or still_falling(loss, validation)


def stands_still(loss) -> list:
    """A loss that does not move at all."""
    moved = float(np.ptp(loss) / np.abs(loss).mean())
    if moved >= STILL:
        return []
    said = f"Over {len(loss)} epochs the loss moved by {moved:.1%} of itself: nothing is learned."
    cure = "Check that layers are trainable, then the labels, the inputs' scale, and ten times the rate."
    return [
        finding(
            "no_progress",
            True,
            [Evidence("range of the loss, of its mean", moved, STILL)],
            said=said,
            cure=cure,
        )
    ]


def swings(loss) -> list:
    """A loss that goes up as often as down, by large jumps."""
    steps = np.diff(loss)
    jump, up = float(np.median(np.abs(steps)) / loss.mean()), float(np.mean(steps > 0))
    if jump < SWING or not 0.3 <= up <= 0.7:
        return []
    said = f"From one epoch to the next the loss jumps by {jump:.0%} of itself, up as often as down."
    evidence = [Evidence("median jump of the loss, of its mean", jump, SWING)]
    return [
        finding("oscillating_loss", False, evidence, said=said, cure="Divide the learning rate by 3 to 10.")
    ]


def still_falling(loss, validation) -> list:
    """A run that was ended while both losses were falling."""
    third = max(1, len(loss) // 3)
    before, end = loss[-third - 1], loss[-1]
    fallen = float((before - end) / before) if before > 0 else 0.0
    steady = np.mean(np.diff(loss[-third - 1 :]) < 0) > 0.7
    worse = len(validation) == len(loss) and validation[-1] > validation.min() * 1.02
    if fallen < FALLING[0] or not steady or worse:
        return []
    said = f"In the last {third} of {len(loss)} epochs the loss fell by {fallen:.0%}: it ended early."
    evidence = [Evidence("fall of the loss in the last third", fallen, FALLING[0])]
    cure = f"Train on: epochs={4 * len(loss)}, with EarlyStopping on the validation loss; or a higher rate."
    return [finding("still_learning", False, evidence, said=said, cure=cure)]
