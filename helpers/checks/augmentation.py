"""Checks of lesson 10: cutout, mixup, the way back through DropConnect, stochastic depth in testing."""

import numpy as np

from helpers.checks.frame import array, call, close, exercise, explain, require

CLASSES = 10
SQUARES = ((6, 7, 4), (6, 7, 5), (0, 0, 6), (11, 2, 6), (3, 13, 5), (5, 5, 1))  # row, column, side


@exercise
def cutout(answer):
    """Check `cutout(image, row, column, size)`: the image with a square around (row, column) set to 0."""
    image = 0.2 + np.random.default_rng(0).random((12, 14))
    for row, column, size in SQUARES:
        given = image.copy()
        what = f"your image for row {row}, column {column}, size {size}"
        got = array(
            call(lambda *places, given=given: answer(given, *places), row, column, size), image.shape, what
        )
        require(
            np.array_equal(given, image),
            "you changed the image you were given: the training set would lose it for good. Copy first.",
        )
        explain(got, _wrong_squares(image, row, column, size))
        close(got, _cut(image, row - size // 2, column - size // 2, size), what=what)
    return "the square is cut off at the border, and the image you were given is whole."


def _cut(image, top, left, size, value=0.0):
    """The image with one square set, clipped at the border."""
    out = image.copy()
    out[max(top, 0) : max(top + size, 0), max(left, 0) : max(left + size, 0)] = value
    return out


def _unclipped(image, top, left, size):
    """What slices with negative ends do: they count from the far side."""
    out = image.copy()
    out[top : top + size, left : left + size] = 0
    return out


def _wrong_squares(image, row, column, size):
    height, width = image.shape
    top, left = row - size // 2, column - size // 2
    inside = (min(max(top, 0), height - size), min(max(left, 0), width - size))
    outside = np.full_like(image, 0.0)
    rows, columns = slice(max(top, 0), max(top + size, 0)), slice(max(left, 0), max(left + size, 0))
    outside[rows, columns] = image[rows, columns]
    right = _cut(image, top, left, size)
    wrong = [
        (
            _unclipped(image, top, left, size),
            "a slice with a negative start counts from the far side: use max(…, 0).",
        ),
        (image, "nothing is hidden."),
        (_cut(image, *inside, size), "you pushed the square inside. It is cut off at the border instead."),
        (_cut(image, row, column, size), "(row, column) is the middle of the square, not its corner."),
        (
            _cut(image, row - size, column - size, 2 * size),
            "your square reaches `size` to each side; take size // 2.",
        ),
        (
            _cut(image, top, left, size // 2 * 2 + 1),
            "your square is size // 2 · 2 + 1 wide: end it at start + size.",
        ),
        (_cut(image, top, left, size, 1.0), "you set the square to 1; 0 is wanted."),
        (outside, "you kept the square and hid the rest."),
    ]
    return [(value, hint) for value, hint in wrong if not np.array_equal(value, right)]


@exercise
def mixup(answer):
    """Check `mixup(x, y, partner, weight)`: the blended images, and the blended labels as distributions."""
    rng = np.random.default_rng(1)
    x, y = rng.random((6, 4)), np.array([0, 3, 3, 9, 1, 5])
    partner, weight = np.array([3, 2, 1, 0, 5, 4]), np.array([0.9, 0.25, 0.6, 0.5, 1.0, 0.05])
    got = call(answer, x, y, partner, weight)
    require(isinstance(got, tuple | list) and len(got) == 2, "return two things: the images and the labels.")
    share, one_hot = weight[:, None], np.eye(CLASSES)[y]
    explain(got[0], _wrong_images(x, partner, share))
    close(got[0], share * x + (1 - share) * x[partner], what="your images")
    explain(got[1], _wrong_labels(y, one_hot, partner, share))
    targets = close(got[1], share * one_hot + (1 - share) * one_hot[partner], what="your labels")
    return f"every row of the labels sums to {targets.sum(axis=1).min():.0f}, and two of a class stay whole."


def _wrong_images(x, partner, share):
    return [
        (x, "the images are as they came: blend each with its partner's."),
        (share * x[partner] + (1 - share) * x, "the weights are swapped: λ belongs to the image's own part."),
        ((x + x[partner]) / 2, "you took half and half; each image has a weight λ of its own."),
        (
            share[0] * x + (1 - share[0]) * x[partner],
            "the first weight was used for all; each image has its own.",
        ),
        (x + (1 - share) * x[partner], "the image's own part is not multiplied by λ."),
        (share * x + share * x[partner], "the partner's part has the weight 1 − λ."),
    ]


def _wrong_labels(y, one_hot, partner, share):
    lam = share[:, 0]
    numbers = lam * y + (1 - lam) * y[partner]
    hint = (
        "you blended the class numbers: half sneaker (7), half bag (8) is not class 7.5. Blend one-hot rows."
    )
    return [
        (one_hot, "the labels are not blended: an image that is half a bag would be called a sneaker."),
        (y, "these are the old class numbers. Return one row of 10 numbers per image."),
        (numbers, hint),
        (np.round(numbers), hint),
        (
            share * one_hot[partner] + (1 - share) * one_hot,
            "the images are right, the labels' weights are swapped.",
        ),
        (one_hot[partner], "these are the partners' labels alone."),
        ((one_hot + one_hot[partner]) / 2, "blend the labels by λ too, not half and half."),
        (
            one_hot + one_hot[partner],
            "both labels count in full, so that rows sum to 2. Weigh them: λ and 1 − λ.",
        ),
        (np.maximum(share, 1 - share) * one_hot, "the smaller part of the label is missing."),
    ]


@exercise
def drop_connect_backward(answer):
    """Check `drop_connect_backward(dz, x, W, kept, rate)`: (dx, dW) for z = x @ (W · kept / (1 − rate))."""
    rng = np.random.default_rng(2)
    x, W, dz, rate = rng.normal(size=(5, 4)), rng.normal(size=(4, 3)), rng.normal(size=(5, 3)), 0.25
    kept = rng.random((4, 3)) >= 0.4
    got = call(answer, dz, x, W, kept, rate)
    require(isinstance(got, tuple | list) and len(got) == 2, "return two things: dx and dW.")
    used, factor = W * kept / (1 - rate), 1 / (1 - rate)
    explain(got[0], _wrong_inputs(dz, W, kept, rate))
    close(got[0], dz @ used.T, what="dx")
    full = x.T @ dz
    explain(got[1], _wrong_weights(full, W, kept, rate))
    dW = close(got[1], full * kept * factor, what="dW")
    return f"{np.sum(dW == 0)} of {dW.size} weights were dropped, and those get no gradient."


def _wrong_inputs(dz, W, kept, rate):
    return [
        (dz @ W.T, "dx went back through all of W. Only the weights that were used hand anything back."),
        (dz @ (W * kept).T, "the factor 1 / (1 − rate) is missing in dx."),
        (dz @ (W * kept).T / (1 - rate) ** 2, "dx is scaled twice."),
        (dz @ (W * kept).T * (1 - rate), "you multiplied by 1 − rate; the forward pass divides by it."),
        (dz @ (W * kept).T / rate, "you divided by the rate; divide by 1 − rate, the share that is kept."),
        (
            dz @ (W * ~kept).T / (1 - rate),
            "the mask is the wrong way round: `kept` is true for what was used.",
        ),
        (dz @ W.T / (1 - rate), "the mask is missing in dx."),
    ]


def _wrong_weights(full, W, kept, rate):
    return [
        (full, "this is the gradient of a plain layer: mask it, and scale it by 1 / (1 − rate)."),
        (full / (1 - rate), "dW is not masked: a weight that was dropped had no influence on z."),
        (full * kept, "the factor 1 / (1 − rate) is missing in dW."),
        (full * kept * (1 - rate), "you multiplied dW by 1 − rate; the forward pass divides by it."),
        (full * kept / rate, "you divided dW by the rate; divide by 1 − rate."),
        (full * kept / (1 - rate) ** 2, "dW is scaled twice."),
        (full * ~kept / (1 - rate), "the mask is the wrong way round in dW."),
        (full * W * kept / (1 - rate), "z is linear in W: its derivative is the mask and x, without W."),
    ]


@exercise
def stochastic_depth_testing(answer):
    """Check `stochastic_depth_testing(h, branches, survival)`: the output after all blocks, as in testing."""
    rng = np.random.default_rng(3)
    h, survival = rng.normal(size=(4, 3)), np.array([0.9, 0.6, 0.3])
    weights = [rng.normal(size=(3, 3)) for _ in survival]
    branches = [lambda h, W=W: np.tanh(h @ W) for W in weights]
    before = h.copy()
    got = call(lambda: answer(before, branches, survival))
    explain(got, _wrong_depths(h, branches, survival))
    close(got, _through(h, branches, survival), what="your output")
    require(np.array_equal(before, h), "you changed h itself: write h = h + …, not h += ….")
    always = call(lambda: answer(h.copy(), branches, np.ones(3)))
    close(always, _through(h, branches, np.ones(3)), what="your output for survival 1")
    return "each block adds its branch times its own survival, and nothing is drawn."


def _through(h, branches, factors, skips=None):
    for branch, factor, skip in zip(
        branches, factors, np.ones(len(branches)) if skips is None else skips, strict=True
    ):
        h = skip * h + factor * branch(h)
    return h


def _wrong_depths(h, branches, survival):
    first = h + sum(p * branch(h) for p, branch in zip(survival, branches, strict=True))
    return [
        (h, "these are the inputs: no block was run."),
        (
            _through(h, branches, np.ones(3)),
            "no branch is scaled: in training each is there only part of the time.",
        ),
        (
            _through(h, branches, 1 / survival),
            "you divided by the survival. That is for training, as in dropout.",
        ),
        (_through(h, branches, 1 - survival), "1 − survival is how often a branch is skipped."),
        (
            _through(h, branches, survival, survival),
            "the skip is scaled too; it is always there. Scale F(h) alone.",
        ),
        (_through(h, branches, survival > 0.5), "all blocks are used in testing, each in proportion."),
        (
            _through(h, branches, survival[::-1]),
            "the survivals are in reverse order: the first is the first block's.",
        ),
        (_through(h, branches, np.full(3, survival.mean())), "each block has a survival of its own."),
        (first, "each branch takes what the block before it gave, not the first h."),
        (_through(h, branches, survival, np.zeros(3)), "the skip is missing: h + survival · F(h)."),
    ]
