"""The checks of lesson 10: right answers pass, each known slip is met with its own reason."""

import numpy as np
import pytest

from helpers.checks import augmentation as checks


def cut(image, row, column, size):
    out, top, left = image.copy(), row - size // 2, column - size // 2
    out[max(top, 0) : max(top + size, 0), max(left, 0) : max(left + size, 0)] = 0
    return out


def cut_by_mask(image, row, column, size):
    rows, columns = np.indices(image.shape)
    top, left = row - size // 2, column - size // 2
    hidden = (rows >= top) & (rows < top + size) & (columns >= left) & (columns < left + size)
    return np.where(hidden, 0, image)


def cut_in_place(image, row, column, size):
    image[:] = cut(image, row, column, size)
    return image


def cut_unclipped(image, row, column, size):
    out, top, left = image.copy(), row - size // 2, column - size // 2
    out[top : top + size, left : left + size] = 0
    return out


def cut_inside(image, row, column, size):
    top, left = (
        min(max(place - size // 2, 0), side - size)
        for place, side in zip((row, column), image.shape, strict=True)
    )
    return cut(image, top + size // 2, left + size // 2, size)


def odd_cut(image, row, column, size):
    out, half = image.copy(), size // 2
    out[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1] = 0
    return out


def blend(x, y, partner, weight):
    share, one_hot = weight[:, None], np.eye(10)[y]
    return share * x + (1 - share) * x[partner], share * one_hot + (1 - share) * one_hot[partner]


def images_of(function):
    """An answer with right labels and images from `function(x, x', λ)`."""
    return lambda x, y, p, w: (function(x, x[p], w[:, None]), blend(x, y, p, w)[1])


def labels_of(function):
    """An answer with right images and labels from `function(y, y', λ)`."""
    return lambda x, y, p, w: (blend(x, y, p, w)[0], function(y, y[p], w))


def hot(y):
    return np.eye(10)[y]


def connect(dz, x, W, kept, rate):
    return dz @ (W * kept / (1 - rate)).T, x.T @ dz * kept / (1 - rate)


def dx_of(function):
    return lambda dz, x, W, kept, rate: (function(dz, W, kept, rate), connect(dz, x, W, kept, rate)[1])


def dW_of(function):
    return lambda dz, x, W, kept, rate: (
        connect(dz, x, W, kept, rate)[0],
        function(x.T @ dz, kept, rate, W),
    )


def deep(h, branches, survival):
    for branch, p in zip(branches, survival, strict=True):
        h = h + p * branch(h)
    return h


def each(step):
    """An answer that goes through the blocks by `step(h, F(h), p)`."""

    def answer(h, branches, survival):
        for branch, p in zip(branches, survival, strict=True):
            h = step(h, branch(h), p)
        return h

    return answer


def deep_in_place(h, branches, survival):
    for branch, p in zip(branches, survival, strict=True):
        h += p * branch(h)
    return h


def drawn(h, branches, survival):
    rng = np.random.default_rng(1)  # which skips the second block
    return each(lambda h, f, p: h + (rng.random() < p) * f)(h, branches, survival)


RIGHT = [
    (checks.cutout, cut),
    (checks.cutout, cut_by_mask),
    (checks.mixup, blend),
    (checks.mixup, lambda *batch: list(blend(*batch))),
    (checks.drop_connect_backward, connect),
    (checks.stochastic_depth_testing, deep),
]

WRONG = [
    (checks.cutout, lambda i, r, c, s: i.copy(), "nothing is hidden"),
    (checks.cutout, cut_in_place, "you changed the image"),
    (checks.cutout, cut_unclipped, "far side"),
    (checks.cutout, lambda i, r, c, s: cut(i, r + s // 2, c + s // 2, s), "not its corner"),
    (checks.cutout, lambda i, r, c, s: cut(i, r, c, 2 * s), "to each side"),
    (checks.cutout, odd_cut, "end it at start + size"),
    (checks.cutout, cut_inside, "pushed the square inside"),
    (checks.cutout, lambda i, r, c, s: np.where(cut(i, r, c, s) == i, i, 1), "0 is wanted"),
    (checks.cutout, lambda i, r, c, s: i - cut(i, r, c, s), "hid the rest"),
    (checks.cutout, lambda i, r, c, s: cut(i, c, r, s), "are off"),
    (checks.cutout, lambda i, r, c, s: cut(i, r, c, s).ravel(), "shape"),
    (checks.mixup, images_of(lambda a, b, w: a), "as they came"),
    (checks.mixup, images_of(lambda a, b, w: (1 - w) * a + w * b), "weights are swapped"),
    (checks.mixup, images_of(lambda a, b, w: (a + b) / 2), "half and half"),
    (checks.mixup, images_of(lambda a, b, w: w[0] * a + (1 - w[0]) * b), "first weight"),
    (checks.mixup, images_of(lambda a, b, w: a + (1 - w) * b), "not multiplied"),
    (checks.mixup, images_of(lambda a, b, w: w * a + w * b), "1 − λ"),
    (checks.mixup, labels_of(lambda a, b, w: hot(a)), "not blended"),
    (checks.mixup, labels_of(lambda a, b, w: a), "old class numbers"),
    (checks.mixup, labels_of(lambda a, b, w: w * a + (1 - w) * b), "class 7.5"),
    (checks.mixup, labels_of(lambda a, b, w: np.round(w * a + (1 - w) * b)), "class 7.5"),
    (checks.mixup, labels_of(lambda a, b, w: w[:, None] * hot(b) + (1 - w[:, None]) * hot(a)), "swapped"),
    (checks.mixup, labels_of(lambda a, b, w: hot(b)), "partners' labels alone"),
    (checks.mixup, labels_of(lambda a, b, w: (hot(a) + hot(b)) / 2), "by λ too"),
    (checks.mixup, labels_of(lambda a, b, w: hot(a) + hot(b)), "sum to 2"),
    (checks.mixup, lambda *batch: blend(*batch)[0], "two things"),
    (checks.drop_connect_backward, dx_of(lambda dz, W, k, p: dz @ W.T), "all of W"),
    (checks.drop_connect_backward, dx_of(lambda dz, W, k, p: dz @ (W * k).T), "missing in dx"),
    (checks.drop_connect_backward, dx_of(lambda dz, W, k, p: dz @ W.T / (1 - p)), "mask is missing in dx"),
    (checks.drop_connect_backward, dx_of(lambda dz, W, k, p: dz @ (W * k).T / p), "divided by the rate"),
    (checks.drop_connect_backward, dx_of(lambda dz, W, k, p: dz @ (W * ~k).T / (1 - p)), "wrong way round"),
    (checks.drop_connect_backward, dx_of(lambda dz, W, k, p: dz @ (W * k).T * (1 - p)), "divides by it"),
    (checks.drop_connect_backward, dW_of(lambda full, k, p, W: full), "plain layer"),
    (checks.drop_connect_backward, dW_of(lambda full, k, p, W: full / (1 - p)), "not masked"),
    (checks.drop_connect_backward, dW_of(lambda full, k, p, W: full * k), "missing in dW"),
    (
        checks.drop_connect_backward,
        dW_of(lambda full, k, p, W: full * k / (1 - p) ** 2),
        "dW is scaled twice",
    ),
    (checks.drop_connect_backward, dW_of(lambda full, k, p, W: full * W * k / (1 - p)), "linear in W"),
    (checks.drop_connect_backward, dW_of(lambda full, k, p, W: full.T), "transposed"),
    (checks.drop_connect_backward, lambda *given: connect(*given)[1], "two things"),
    (checks.stochastic_depth_testing, lambda h, b, s: h, "no block was run"),
    (checks.stochastic_depth_testing, each(lambda h, f, p: h + f), "no branch is scaled"),
    (checks.stochastic_depth_testing, each(lambda h, f, p: h + f / p), "divided by the survival"),
    (checks.stochastic_depth_testing, each(lambda h, f, p: h + (1 - p) * f), "how often a branch is skipped"),
    (checks.stochastic_depth_testing, each(lambda h, f, p: p * (h + f)), "skip is scaled too"),
    (checks.stochastic_depth_testing, each(lambda h, f, p: h + (p > 0.5) * f), "in proportion"),
    (checks.stochastic_depth_testing, each(lambda h, f, p: p * f), "skip is missing"),
    (checks.stochastic_depth_testing, lambda h, b, s: deep(h, b, s[::-1]), "reverse"),
    (checks.stochastic_depth_testing, lambda h, b, s: deep(h, b, s * 0 + s.mean()), "survival of its own"),
    (
        checks.stochastic_depth_testing,
        lambda h, b, s: h + sum(p * branch(h) for p, branch in zip(s, b, strict=True)),
        "not the first h",
    ),
    (checks.stochastic_depth_testing, deep_in_place, "changed h itself"),
    (checks.stochastic_depth_testing, drawn, "wanted"),
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_right_answers_pass(check, answer):
    verdict = check(answer)
    assert verdict.right, verdict


@pytest.mark.parametrize(("check", "answer", "why"), WRONG)
def test_wrong_answers_are_told_why(check, answer, why):
    verdict = check(answer)
    assert verdict.status == "not yet", verdict
    assert why in verdict.message
