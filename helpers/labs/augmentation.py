"""Augmentation: a real image, eight draws of it, the mean of many, and their label mass."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from helpers import data
from helpers.labs import live
from helpers.numerics import augmentation
from helpers.numerics.pooling import fractional_max_pool_forward, random_borders
from helpers.plots.frame import Axis, Bars, Frame, Panel, Text, beside, grid, pieces, stacked
from helpers.plots.images import image_panel

SIDE, SHOWN, MANY = augmentation.SIDE, 8, 200  # draws that are shown, and draws that are averaged
IMAGES = 60  # of the training set that can be chosen; blended with the first 200
SHOES = (5, 7, 9)  # sandal, sneaker, ankle boot
CLASSES = len(data.CLASS_NAMES)
LEAST = 0.005  # a share of a label that is told; below it is 0.00
CAPTION = 6  # pixels of an image, that the words below it are high


@dataclass(frozen=True)
class Method:
    """A method: its name, what its strength means, the parameter for a strength of 0 … 1, and the change.

    `change(images, y, others, parameter, rng)` returns images and labels; `others` are images and labels.
    """

    label: str
    meaning: str
    parameter: Callable
    change: Callable


def _keeping(change):
    """A change of images alone, with the labels handed on."""

    def changed(images, y, _others, parameter, rng):
        return change(images, parameter, rng=rng), y

    return changed


def _blending(blend):
    """A blend of images and labels with those of others; at the strength 0 there is nothing to blend."""

    def change(images, y, others, alpha, rng):
        order = rng.permutation(len(images))
        others = tuple(part[order] for part in others)
        return blend(images, y, alpha, rng=rng, others=others) if alpha else (images, y)

    return change


def _pooled(images, y, others, size, rng):
    """Fractional pooling with regions of their own for the draws that are shown; the rest share four."""
    parts = [*images[:SHOWN, None], *np.array_split(images[SHOWN:], 4)]
    out = np.concatenate([fractional_max_pool_forward(part, size, rng=rng)[0] for part in parts])
    return out, y


METHODS = {
    "flip": Method("flip", "probability", float, _keeping(augmentation.flip)),
    "shift": Method("shift", "pixels", lambda s: round(14 * s), _keeping(augmentation.shift)),
    "crop": Method("crop", "side of the window", lambda s: SIDE - round(20 * s), _keeping(augmentation.crop)),
    "brightness": Method("brightness", "largest change", float, _keeping(augmentation.brightness)),
    "contrast": Method("contrast", "largest change", float, _keeping(augmentation.contrast)),
    "cutout": Method(
        "cutout", "side of the square", lambda s: round(SIDE * s), _keeping(augmentation.cutout)
    ),
    "mixup": Method("mixup", "α", lambda s: 2 * s, _blending(augmentation.mixup)),
    "cutmix": Method("CutMix", "α", lambda s: 2 * s, _blending(augmentation.cutmix)),
    "pooling": Method("fractional pooling", "side", lambda s: SIDE - round(14 * s), _pooled),
}

TEXT = {
    "original": "original",
    "draw": "draw {}",
    "mean": f"mean of {MANY} draws",
    "mass": f"label mass of {MANY} draws",
    "shoe": "A shoe that points the other way: the label stays right, but the test set has none like it.",
    "nothing": "At this strength nothing is changed.",
    "half": "The label is blended too: at any α, half of the mass comes from other images on average.",
    "boxes": "The label is blended by area. Boxes reach over the edge, so less than half is another's.",
    "hidden": "So large a square can hide all that told the class. The label does not know.",
    "regions": "Orange: the regions of the first draw, one or two pixels wide; overlapping by one.",
}
WORDS = {"mixup": TEXT["half"], "cutmix": TEXT["boxes"], "pooling": TEXT["regions"]}


class AugmentationLab(live.LiveFigure):
    """One image, eight random changes of it, the mean of many, and how the label's mass is spread."""

    READ_OUT = {
        "probability": "probability of a flip",
        "pixels": "largest shift in pixels",
        "α": "α of the blend",
        "side": "side of the pooled image",
        "class_name": "class of the original",
        "pixels_changed": "share of the pixels changed",
        "own_label": "label mass of its own class",
        "label_mass": "label mass of all classes",
    }

    def controls(self):
        return {
            "method": live.choice("method", [(m.label, name) for name, m in METHODS.items()], "shift"),
            "strength": live.real("strength", 0, 1, 0.05, 0.3),
            "image": live.whole("image", 0, IMAGES - 1, 0),
            "seed": live.whole("draw", 0, 50, 0),
        }

    def update(self, method, strength, image, seed):
        x, y = data.shared_batch(MANY, standardize=False, dtype=np.float64)
        chosen, images = METHODS[method], x.reshape(-1, SIDE, SIDE)
        parameter, original, label = chosen.parameter(strength), images[image], y[image]
        copies, labels = np.repeat(original[None], MANY, axis=0), np.repeat(label, MANY)
        out, labels = chosen.change(copies, labels, (images, y), parameter, np.random.default_rng(seed))
        targets = augmentation.as_distributions(labels, MANY, CLASSES)
        mass = targets.mean(axis=0)
        first = image_panel(original, TEXT["original"], over=_regions(method, parameter, seed))
        mean = image_panel(out.mean(axis=0), TEXT["mean"], side=SIDE)
        draws = [draw_panel(k + 1, out[k], targets[k], label) for k in range(SHOWN)]
        spread = mass_panel(mass, _predicted(method, parameter, label, y))
        return Frame(
            beside(stacked(first, mean), grid(draws, 4), spread, widths=(0.158, 0.508, 0.334)),
            height=350,
            words=_in_words(method, parameter, label),
            numbers={
                chosen.meaning: parameter,
                "class_name": data.CLASS_NAMES[label],
                "pixels_changed": _share_changed(out, original),
                "own_label": float(mass[label]),
                "label_mass": float(mass.sum()),
            },
        )


def draw_panel(number, image, target, label) -> Panel:
    """Return one draw, and below it how much of another class's label is blended in."""
    other = np.where(np.arange(CLASSES) == label, 0, target)
    share, name = other.max(), data.CLASS_NAMES[other.argmax()]
    caption = f"{share:.2f} {name}" if share >= LEAST else ""
    panel = image_panel(image, TEXT["draw"].format(number), side=SIDE)
    words = Text(SIDE / 2 - 0.5, SIDE + CAPTION / 2, (caption,), "small text", within=SIDE)
    return replace(panel, marks=(*panel.marks, words), y=Axis(SIDE + CAPTION, -0.5, ticks=()))


def mass_panel(mass, predicted) -> Panel:
    """Return the label mass of each class as bars, with the predicted one as dashes."""
    classes, zero = np.arange(CLASSES), np.zeros(CLASSES)
    low, high = classes - 0.4, classes + 0.4
    dashes = pieces(np.c_[predicted, low], np.c_[predicted, high], "guide", "predicted")
    bars = Bars(zero, mass, low, high, "strong bars", "measured")
    names = dict(enumerate(data.CLASS_NAMES))
    return Panel((bars, dashes), TEXT["mass"], Axis(0, 1.04), Axis(CLASSES - 0.5, -0.5, ticks=names))


def _regions(method, parameter, seed):
    """The borders of the first draw's pooling regions, to be drawn over the original."""
    if method != "pooling":
        return ()
    rng = np.random.default_rng(seed)  # the first draws of the first image's pooling
    rows, columns = (random_borders(SIDE, parameter, rng=rng) - 0.5 for _ in range(2))
    low, high = -0.5, SIDE - 0.5
    starts = [*((low, row) for row in rows), *((column, low) for column in columns)]
    ends = [*((high, row) for row in rows), *((column, high) for column in columns)]
    return (pieces(starts, ends, "border"),)


def _predicted(method, parameter, label, y):
    """The label mass to be expected: a known share of a blend comes from others, by their frequencies."""
    share = 0.0
    if parameter and method in ("mixup", "cutmix"):
        share = 0.5 if method == "mixup" else augmentation.pasted_share(parameter)
    return (1 - share) * np.eye(CLASSES)[label] + share * np.bincount(y, minlength=CLASSES) / MANY


def _share_changed(out, original):
    """The share of pixels that differ from the original's; pooled images have others altogether."""
    if out.shape[1:] != original.shape:
        return 1.0
    return float(np.mean(np.abs(out - original) > 1e-9))


def _in_words(method, parameter, label):
    if parameter == (SIDE if method in ("crop", "pooling") else 0):
        return TEXT["nothing"]
    if method == "flip" and label in SHOES:
        return TEXT["shoe"]
    if method == "cutout" and parameter > SIDE / 2:
        return TEXT["hidden"]
    return WORDS.get(method, data.notice())
