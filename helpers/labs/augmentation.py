"""Augmentation: a real image, eight draws of it, the mean of many, and their label mass."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from helpers import data
from helpers.labs import live
from helpers.numerics import augmentation
from helpers.numerics.pooling import fractional_max_pool_forward, random_borders
from helpers.plots.quicktext import QuickText
from helpers.plots.style import BLUE, ORANGE, PREDICTED

SIDE, SHOWN, MANY = augmentation.SIDE, 8, 200  # draws that are shown, and draws that are averaged
IMAGES = 60  # of the training set that can be chosen; blended with the first 200
SHOES = (5, 7, 9)  # sandal, sneaker, ankle boot
CLASSES = len(data.CLASS_NAMES)


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
    "draws": "eight draws",
    "mean": f"mean of {MANY} draws",
    "mass": f"label mass of {MANY} draws",
    "measured": "measured",
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

    size = (9.6, 4.2)

    def controls(self):
        return {
            "method": live.choice("method", [(m.label, name) for name, m in METHODS.items()], "shift"),
            "strength": live.real("strength", 0, 1, 0.05, 0.3),
            "image": live.whole("image", 0, IMAGES - 1, 0),
            "seed": live.whole("draw", 0, 50, 0),
        }

    def build(self):
        x, self._y = data.load_batch(MANY, standardize=False, dtype=np.float64)
        self._images = x.reshape(-1, SIDE, SIDE)
        self.original = self._panel([0.01, 0.46, 0.19, 0.4], "original")
        self.mean = self._panel([0.01, 0.005, 0.19, 0.38], TEXT["mean"])
        self.draws, self.captions = [], []
        for k in range(SHOWN):
            place = [0.215 + 0.118 * (k % 4), 0.53 - 0.4 * (k // 4), 0.113, 0.29]
            self.draws.append(self._panel(place))
            self.captions.append(self.moving(QuickText(self.draws[-1].axes, 0.5, 1.03, size=8)))
        (self.borders,) = self.original.axes.plot([], [], color=ORANGE, linewidth=0.8)
        self.moving(self.borders)
        self._build_mass(self.figure.add_axes([0.775, 0.1, 0.215, 0.74]))

    def update(self, method, strength, image, seed):
        chosen, original, label = METHODS[method], self._images[image], self._y[image]
        parameter = chosen.parameter(strength)
        copies, y = np.repeat(original[None], MANY, axis=0), np.repeat(label, MANY)
        others, rng = (self._images, self._y), np.random.default_rng(seed)
        out, y = chosen.change(copies, y, others, parameter, rng)
        targets = augmentation.as_distributions(y, MANY, CLASSES)
        mass = targets.mean(axis=0)
        self._show_images(original, label, out, targets)
        self._show_regions(method, parameter, seed)
        self._show_mass(mass, self._predicted(method, parameter, label))
        self.say(_in_words(method, parameter, label))
        return {
            chosen.meaning: parameter,
            "class_name": data.CLASS_NAMES[label],
            "pixels_changed": _share_changed(out, original),
            "own_label": float(mass[label]),
            "label_mass": float(mass.sum()),
        }

    def free(self):
        self._images = self.original = self.mean = self.draws = None

    def _panel(self, place, title=""):
        axes = self.figure.add_axes(place)
        axes.set(xticks=[], yticks=[], title=title, xlim=(-0.5, SIDE - 0.5), ylim=(SIDE - 0.5, -0.5))
        axes.grid(False)
        axes.spines[:].set_visible(False)
        blank = np.zeros((SIDE, SIDE))
        return self.moving(axes.imshow(blank, cmap="gray", vmin=0, vmax=1, interpolation="nearest"))

    def _build_mass(self, axes):
        axes.set(title=TEXT["mass"], xlim=(0, 1.04), ylim=(CLASSES - 0.5, -0.5))
        axes.set_yticks(range(CLASSES), data.CLASS_NAMES)
        axes.tick_params(axis="y", labelsize=7)
        self.bars = self.moving(list(axes.barh(range(CLASSES), np.zeros(CLASSES), color=BLUE)))
        dashes = np.repeat(np.arange(CLASSES), 3) + np.tile([-0.45, 0.45, np.nan], CLASSES)
        (self.expected,) = axes.plot(np.zeros(3 * CLASSES), dashes, **PREDICTED, label="predicted")
        self.moving(self.expected)
        self.legend(self.expected)

    def _show_images(self, original, label, out, targets):
        self.original.set_data(original)
        size = out.shape[1]
        for panel, caption, image, target in zip(self.draws, self.captions, out, targets, strict=False):
            panel.set_data(image)
            panel.set_extent(_extent(size))
            other = target.copy()
            other[label] = 0
            told = f"{other.max():.2f} {data.CLASS_NAMES[other.argmax()]}"
            caption.set_text(told if other.max() >= 0.005 else "")
        self.mean.set_data(out.mean(axis=0))
        self.mean.set_extent(_extent(size))

    def _show_regions(self, method, parameter, seed):
        lines = np.full((2, 1), np.nan)
        if method == "pooling":
            rng = np.random.default_rng(seed)  # the first draws of the first image's pooling
            rows, columns = (random_borders(SIDE, parameter, rng=rng) - 0.5 for _ in range(2))
            low, high, gap = -0.5, SIDE - 0.5, (np.nan, np.nan)
            level = [point for row in rows for point in ((low, row), (high, row), gap)]
            upright = [point for column in columns for point in ((column, low), (column, high), gap)]
            lines = np.transpose(level + upright)
        self.borders.set_data(*lines)

    def _show_mass(self, mass, predicted):
        for bar, width in zip(self.bars, mass, strict=True):
            bar.set_width(width)
        self.expected.set_xdata(np.repeat(predicted, 3))

    def _predicted(self, method, parameter, label):
        """The label mass to be expected: a known share of a blend comes from others, by their frequencies."""
        share = 0.0
        if parameter and method in ("mixup", "cutmix"):
            share = 0.5 if method == "mixup" else augmentation.pasted_share(parameter)
        frequencies = np.bincount(self._y, minlength=CLASSES) / MANY
        return (1 - share) * np.eye(CLASSES)[label] + share * frequencies


def _extent(size):
    """Where an image of size × size pixels stands in a frame of SIDE × SIDE: in the middle."""
    room = (SIDE - size) / 2
    return (room - 0.5, SIDE - room - 0.5, SIDE - room - 0.5, room - 0.5)


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
