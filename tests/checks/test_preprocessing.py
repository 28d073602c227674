"""The checks of lesson 05: right answers pass, each known slip is met with its own reason."""

import numpy as np
import pytest

from helpers.checks import preprocessing as checks
from helpers.numerics import preprocessing as prep


def scores(x_train, x_new):
    mean, std = x_train.mean(axis=0), x_train.std(axis=0)
    return (x_train - mean) / std, (x_new - mean) / std


def both(function):
    """An answer that treats both sets by one function of (x, x_train, x_new)."""
    return lambda x_train, x_new: (function(x_train, x_train, x_new), function(x_new, x_train, x_new))


def eigen(x, center=True, ddof=0):
    c = x - x.mean(axis=0) if center else x
    return np.linalg.eigh(c.T @ c / (len(x) - ddof))


def white(x):
    values, V = eigen(x)
    return V / np.sqrt(values)


def reversed_white(x):
    values, V = eigen(x)
    return V[:, ::-1] / np.sqrt(values[::-1])


def kappa(x, bias=True, center=False):
    x = x - x.mean(axis=0) if center else x
    X = np.column_stack([x, np.ones(len(x))]) if bias else x
    values = np.linalg.eigvalsh(X.T @ X / len(X))
    return values[-1] / values[0]


def steps(x, factor, **options):
    return np.log(factor) / np.log(1 - 1 / kappa(x, **options))


def folded(W, b, mean, std):
    return W / std[:, None], b - mean / std @ W


RIGHT = [
    (checks.standardize, scores),
    (checks.standardize, lambda a, b: list(scores(a, b))),
    (checks.standardize, lambda a, b: tuple(prep.standardize(a).transform(x) for x in (a, b))),
    (checks.whitening_matrix, white),
    (checks.whitening_matrix, reversed_white),
    (checks.whitening_matrix, lambda x: prep.whiten(x).matrix),
    (checks.whitening_matrix, lambda x: prep.zca(x).matrix),
    (checks.whitening_matrix, lambda x: np.linalg.inv(np.linalg.cholesky(prep.covariance(x))).T),
    (checks.steps_needed, steps),
    (checks.steps_needed, lambda x, f: int(np.ceil(steps(x, f)))),
    (checks.steps_needed, lambda x, f: kappa(x) * np.log(1 / f)),
    (checks.fold, folded),
    (checks.fold, lambda W, b, m, s: ((W.T / s).T, b - m @ (W / s[:, None]))),
]

WRONG = [
    (checks.standardize, both(lambda x, t, n: (x - t.mean(0)) / t.var(0)), "by the variance"),
    (checks.standardize, both(lambda x, t, n: (x - t.mean(0)) / t.std(0, ddof=1)), "n − 1"),
    (checks.standardize, both(lambda x, t, n: x - t.mean(0)), "centered only"),
    (checks.standardize, both(lambda x, t, n: x / t.std(0)), "mean was not subtracted"),
    (checks.standardize, both(lambda x, t, n: (x - t.mean(0)) * t.std(0)), "multiplied"),
    (checks.standardize, both(lambda x, t, n: x - t.mean(0) / t.std(0)), "brackets"),
    (checks.standardize, both(lambda x, t, n: (x - t.mean()) / t.std()), "axis=0"),
    (
        checks.standardize,
        both(lambda x, t, n: prep.standardize(np.concatenate([t, n])).transform(x)),
        "leaked",
    ),
    (checks.standardize, both(lambda x, t, n: (x - n.mean(0)) / n.std(0)), "fitted on the new data"),
    (checks.standardize, both(lambda x, t, n: (x - x.mean(0)) / x.std(0)), "fitted on themselves"),
    (checks.standardize, both(lambda x, t, n: ((x.T - x.mean(1)) / x.std(1)).T), "axis=1"),
    (checks.standardize, both(lambda x, t, n: x), "as it came"),
    (checks.standardize, lambda a, b: scores(a, b)[1], "two arrays"),
    (checks.whitening_matrix, lambda x: eigen(x)[1], "rotated only"),
    (checks.whitening_matrix, lambda x: prep.pca(x).matrix, "rotated only"),
    (checks.whitening_matrix, lambda x: eigen(x)[1] / eigen(x)[0], "by the eigenvalues"),
    (checks.whitening_matrix, lambda x: eigen(x)[1] * np.sqrt(eigen(x)[0]), "multiplied"),
    (checks.whitening_matrix, lambda x: eigen(x)[1].T / np.sqrt(eigen(x)[0]), "transposed"),
    (checks.whitening_matrix, lambda x: eigen(x)[1] / np.sqrt(eigen(x)[0])[:, None], "rows of V"),
    (checks.whitening_matrix, lambda x: np.diag(1 / x.std(0)), "this standardizes"),
    (
        checks.whitening_matrix,
        lambda x: eigen(x, False)[1] / np.sqrt(eigen(x, False)[0]),
        "subtract the mean",
    ),
    (checks.whitening_matrix, lambda x: eigen(x)[1] / np.sqrt(eigen(x, ddof=1)[0]), "n − 1"),
    (checks.whitening_matrix, lambda x: np.linalg.inv(prep.covariance(x)), "inverse of the covariance"),
    (checks.whitening_matrix, lambda x: np.linalg.cholesky(prep.covariance(x)), "root of the covariance"),
    (checks.whitening_matrix, lambda x: np.eye(3), "changes nothing"),
    (checks.whitening_matrix, lambda x: 2 * white(x), "variances are"),
    (checks.whitening_matrix, lambda x: np.ones((3, 3)), "still correlated"),
    (checks.whitening_matrix, lambda x: (x - x.mean(0)) @ white(x), "shape"),
    (checks.steps_needed, lambda x, f: kappa(x), "κ itself"),
    (checks.steps_needed, lambda x, f: 1 / kappa(x), "1/κ"),
    (checks.steps_needed, lambda x, f: np.log(f) / np.log(1 / kappa(x)), "not by 1/κ"),
    (checks.steps_needed, lambda x, f: kappa(x) * np.log10(1 / f), "natural"),
    (checks.steps_needed, lambda x, f: -steps(x, f), "positive"),
    (checks.steps_needed, lambda x, f: kappa(x) / f, "logarithms"),
    (checks.steps_needed, lambda x, f: steps(x, f, bias=False), "bias is missing"),
    (checks.steps_needed, lambda x, f: steps(x, f, bias=False, center=True), "covariance"),
    (checks.steps_needed, lambda x, f: np.log(f) / np.log(1 - 1 / np.sqrt(kappa(x))), "singular values"),
    (checks.steps_needed, lambda x, f: np.log(f) / np.log(1 - 1 / kappa(x) ** 2), "κ²"),
    (checks.steps_needed, lambda x, f: 7.5e4, "is wanted"),
    (checks.steps_needed, lambda x, f: np.ones(2), "shape"),
    (checks.fold, lambda W, b, m, s: (W, folded(W, b, m, s)[1]), "old W"),
    (checks.fold, lambda W, b, m, s: (W / s, folded(W, b, m, s)[1]), "the columns"),
    (checks.fold, lambda W, b, m, s: (W * s[:, None], b), "multiplied"),
    (checks.fold, lambda W, b, m, s: (W / s[:, None] ** 2, b), "by the variance"),
    (checks.fold, lambda W, b, m, s: (W / s[:, None], b), "old b"),
    (checks.fold, lambda W, b, m, s: (W / s[:, None], b + m / s @ W), "sign"),
    (checks.fold, lambda W, b, m, s: (W / s[:, None], b - m @ W), "divided by std as well"),
    (checks.fold, lambda W, b, m, s: (W / s[:, None], b - m / s), "pass through W"),
    (checks.fold, lambda W, b, m, s: (W / s[:, None], -m / s @ W), "old b is missing"),
    (checks.fold, lambda W, b, m, s: (W / s[:, None], b - W @ (m / s)), "wrong way round"),
    (checks.fold, lambda W, b, m, s: (W / s[:, None], b - m / s**2 @ W), "twice"),
    (checks.fold, lambda W, b, m, s: W / s[:, None], "two things"),
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


def test_an_answer_that_fails_for_one_example_is_told_so():
    def picky(x_train, x_new):
        if len(x_new) == 1:
            raise ValueError("too few")
        return scores(x_train, x_new)

    verdict = checks.standardize(picky)
    assert verdict.status == "not yet"
    assert "too few" in verdict.message


def test_verdicts_tell_no_rounding():
    """Notebooks compare the verdicts' text, and the last digits differ from processor to processor."""
    assert "1e-12" in checks.whitening_matrix(white).message
    assert "1e-12" in checks.fold(folded).message
