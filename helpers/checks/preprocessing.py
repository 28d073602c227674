"""Checks of lesson 05: training statistics alone, whitening, steps of descent, folding the scaling into W."""

from math import ceil, log, log1p

import numpy as np

from helpers.checks.frame import array, call, close, exercise, explain, require
from helpers.numerics.conditioning import condition_number, predicted_steps, second_moments
from helpers.numerics.preprocessing import covariance, principal_axes

IDENTITY = 1e-6  # how near the covariance must come to the identity


@exercise
def standardize(answer):
    """Check `standardize(x_train, x_new)`: both with the training data's mean and std, per column."""
    rng = np.random.default_rng(0)
    x_train = rng.standard_normal((50, 3)) * (1, 10, 0.1) + (5, -20, 0.3)
    x_new = rng.standard_normal((8, 3)) * (2, 5, 0.3) + (6, -10, 0)
    got = call(answer, x_train, x_new)
    require(isinstance(got, tuple | list) and len(got) == 2, "return two arrays: z_train and z_new.")
    mean, std = x_train.mean(axis=0), x_train.std(axis=0)
    for name, z, x, wrong in zip(("z_train", "z_new"), got, (x_train, x_new), (False, True), strict=True):
        explain(z, _wrong_scores(x_train, x_new, x, own=wrong))
        close(z, (x - mean) / std, what=name)
    lone = call(answer, x_train, x_new[:1])[1]
    close(lone, (x_new[:1] - mean) / std, what="z_new for one new example alone")
    return "the training data have mean 0 and std 1; the new ones need not, and one alone works as well."


def _wrong_scores(x_train, x_new, x, own):
    """Pairs (wrong answer, hint) for one of the two parts; `own` adds what only the new data can show."""
    mean, std, both = x_train.mean(axis=0), x_train.std(axis=0), np.concatenate([x_train, x_new])
    wrong = [
        ((x - mean) / std**2, "you divided by the variance. Divide by its root, the standard deviation."),
        (
            (x - mean) / x_train.std(axis=0, ddof=1),
            "your std divides by n − 1. Here it divides by n: ddof=0.",
        ),
        (x - mean, "this is centered only. Divide by the standard deviation too."),
        (x / std, "the mean was not subtracted."),
        ((x - mean) * std, "you multiplied by the standard deviation. Divide."),
        (x - mean / std, "brackets are missing: subtract the mean first, then divide the difference."),
        (
            (x - x_train.mean()) / x_train.std(),
            "one mean and one std for all columns. Take axis=0: per column.",
        ),
        ((x - both.mean(axis=0)) / both.std(axis=0), "new data leaked in: you fitted on both sets together."),
        ((x - x_new.mean(axis=0)) / x_new.std(axis=0), _OWN if own else "you fitted on the new data."),
        (_per_example(x), "you took each example's own mean and std (axis=1). Take each column's: axis=0."),
        (x, "this is the data as it came."),
    ]
    return wrong


_OWN = (
    "the new data were fitted on themselves. Use the training data's mean and std for them too: "
    "else one and the same example gets another z in other company."
)


def _per_example(x):
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


@exercise
def whitening_matrix(answer):
    """Check `whitening_matrix(x)`: a W that gives (x − mean) @ W the identity for its covariance."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((200, 3)) @ np.array([[2.0, 1, 0], [0, 1, 0.5], [0.3, 0, 0.4]]) + (4, -2, 1)
    W = array(call(answer, x), (3, 3), "your matrix")
    C = covariance((x - x.mean(axis=0)) @ W)
    if np.abs(C - np.eye(3)).max() > IDENTITY:
        few = (len(x) - 1) / len(x)
        explain(C, [(few * np.eye(3), "your covariance divides by n − 1. Divide by n.")])
        explain(C, [(covariance((x - x.mean(axis=0)) @ wrong), hint) for wrong, hint in _wrong_whitenings(x)])
        require(
            np.abs(C - np.diag(np.diag(C))).max() < IDENTITY,
            f"the features are still correlated: the covariance has {_off(C):.3g} off its diagonal.",
        )
        require(False, f"the variances are {np.round(np.diag(C), 3)}; each has to be 1.")
    return (
        f"the covariance of (x − mean) @ W is the identity to {max(np.abs(C - np.eye(3)).max(), 1e-12):.0e}."
    )


def _off(C):
    return np.abs(C - np.diag(np.diag(C))).max()


def _wrong_whitenings(x):
    second, axes = np.linalg.eigh(x.T @ x / len(x))
    found = np.linalg.eigh(covariance(x))  # in the order and with the signs that the learner's eigh gives
    ways = (found, (found[0][::-1], found[1][:, ::-1]), principal_axes(x)[1:])
    return [pair for way in ways for pair in _wrong_rotations(*way)] + [
        (np.diag(1 / x.std(axis=0)), "this standardizes: variances 1, and the correlation is still there."),
        (axes / np.sqrt(second), "your covariance forgets to subtract the mean first."),
        (np.linalg.inv(covariance(x)), "this is the inverse of the covariance; its root is wanted."),
        (
            np.linalg.cholesky(covariance(x)),
            "this is a root of the covariance; the inverse of one is wanted.",
        ),
        (np.eye(3), "this changes nothing."),
    ]


def _wrong_rotations(variances, V):
    roots = np.sqrt(variances)
    return [
        (V, "you rotated only: the covariance is diagonal. Divide each column by the root of its variance."),
        (V / variances, "you divided by the eigenvalues. They are variances; divide by their roots."),
        (V * roots, "you multiplied by the roots. Divide."),
        (V.T / roots, "the eigenvectors are transposed: in NumPy's eigh they are the columns."),
        (V / roots[:, None], "you divided the rows of V. Each column is an axis: divide the columns."),
    ]


@exercise
def steps_needed(answer):
    """Check `steps_needed(x, factor)`: steps until the slowest error is `factor` of its start."""
    rng = np.random.default_rng(2)
    base = rng.standard_normal((100, 2))
    for x, factor in (
        (base + np.array((3, 0)), 1e-3),
        (base * (1, 0.1), 0.01),
        (base * (2, 1) + (0, 5), 0.5),
    ):
        got = call(answer, x, factor)
        kappa = condition_number(second_moments(x))
        exact = log(factor) / log1p(-1 / kappa)
        explain(got, _wrong_counts(x, factor, kappa), rtol=1e-3)
        steps = array(got, (), "your number of steps")
        near = exact * (1 - 1e-9) - 0.5 <= steps <= max(exact + 1, kappa * log(1 / factor)) * (1 + 1e-9)
        require(
            near,
            f"for κ = {kappa:.4g} and the factor {factor:g} your answer is {steps:.6g}, "
            f"and {ceil(exact)} is wanted.",
        )
    return f"for κ = {kappa:.3g} and the factor {factor:g} it is {predicted_steps(kappa, factor):.0f} steps."


def _wrong_counts(x, factor, kappa):
    exact, without = log(factor) / log1p(-1 / kappa), condition_number(second_moments(x, bias=False))
    kappas = {
        "that is with the covariance. The loss doesn't center its inputs: use XᵀX / n.": condition_number(
            covariance(x)
        ),
        "the bias is missing: give X a column of ones, for b is learned too.": without,
        "you took singular values of X. Their squares are the eigenvalues of XᵀX / n.": np.sqrt(kappa),
        "κ² is too much: the eigenvalues of XᵀX / n are the curvatures already.": kappa**2,
    }
    wrong = [(kappa, "that is κ itself. How many steps shrink the error to `factor`?")]
    wrong += [(1 / kappa, "that is 1/κ: the largest eigenvalue comes above the line.")]
    wrong += [(log(factor) / log(1 / kappa), "each step multiplies the error by 1 − 1/κ, not by 1/κ.")]
    wrong += [(kappa * np.log10(1 / factor), "use the natural logarithm, np.log: log10 is off by 2.3.")]
    wrong += [
        (-sign * value, "a number of steps is positive: mind the signs of the two logarithms.")
        for sign, value in ((1, exact), (1, kappa * log(1 / factor)))
    ]
    wrong += [(kappa / factor, "the error shrinks by a factor at each step: logarithms are needed.")]
    for hint, other in kappas.items():
        if other > 1 and not np.isclose(other, kappa, rtol=1e-2):
            each = log(factor) / log1p(-1 / other)
            wrong += [(value, hint) for value in (each, ceil(each), other * log(1 / factor))]
    fits = (exact, ceil(exact), kappa * log(1 / factor))
    return [(value, hint) for value, hint in wrong if not np.isclose(value, fits, rtol=1e-2).any()]


@exercise
def fold(answer):
    """Check `fold(W, b, mean, std)`: weights for raw inputs that do what W, b do for standardized ones."""
    rng = np.random.default_rng(3)
    W, b, x = rng.standard_normal((4, 4)), rng.standard_normal(4), 3 * rng.standard_normal((6, 4)) + 7
    mean, std = np.array([1.0, -2, 5, 0.5]), np.array([0.5, 3, 2, 10])
    got = call(answer, W, b, mean, std)
    require(isinstance(got, tuple | list) and len(got) == 2, "return two things: the new W and the new b.")
    new_W, new_b = array(got[0], W.shape, "your W"), array(got[1], b.shape, "your b")
    explain(new_W, _wrong_weights(W, std))
    close(new_W, W / std[:, None], what="your W")
    explain(new_b, _wrong_biases(W, b, mean, std))
    close(new_b, b - mean / std @ W, what="your b")
    return f"x @ W + b agrees for raw inputs to {_agreement(x, (W, b), (new_W, new_b), mean, std):.0e}."


def _agreement(x, old, new, mean, std):
    before, after = (x - mean) / std @ old[0] + old[1], x @ new[0] + new[1]
    return max(np.abs(before - after).max(), 1e-12)


def _wrong_weights(W, std):
    return [
        (W, "this is the old W. A raw feature is std times as wide, so its weights must be smaller."),
        (W / std, "you divided the columns. Feature i meets row i of W: divide the rows, by std[:, None]."),
        (W * std[:, None], "you multiplied. A wider feature wants smaller weights: divide."),
        (W / std[:, None] ** 2, "you divided by the variance. Standardizing divides by std."),
    ]


def _wrong_biases(W, b, mean, std):
    return [
        (b, "this is the old b. Subtracting the mean moves z by a constant, which b must take over."),
        (b + mean / std @ W, "the sign is wrong: the mean is subtracted."),
        (b - mean @ W, "the mean is divided by std as well: (x − mean) / std = x / std − mean / std."),
        (b - mean / std, "mean / std has to pass through W on its way to z: mean / std @ W."),
        (-mean / std @ W, "the old b is missing."),
        (b - W @ (mean / std), "W is used the wrong way round: z = x @ W, so mean / std @ W."),
        (b - mean / std**2 @ W, "std was divided by twice: once in the new W, and again here."),
    ]
