"""The checks of lesson 05: right answers pass, each known slip is met with its own reason."""

import re

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


def read(eps=1, times=1.9, because="B"):
    return {"eps": eps, "times": times, "because": because}


def halves(t):
    return slice(len(t) // 2), slice(len(t) // 2, None)


def report(x, t, see=None, learn=None, test=None, order=lambda size: np.argsort(size)[-40:], size=np.abs):
    first, last = halves(t)
    see, learn, test = see or first, learn or first, test or last
    best = order(size(x[see].T @ t[see]))
    return np.mean(np.sign(x[test][:, best] @ (x[learn][:, best].T @ t[learn])) == t[test])


ALL = slice(None)


def scaled(x, shift=0.0, scale=1.0):
    return lambda new: (new - shift) / scale


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
    (checks.standardize, lambda a, b: tuple((x - a.mean(0)) / np.maximum(a.std(0), 1e-8) for x in (a, b))),
    (checks.read_eps, read()),
    (checks.read_eps, read(1.0, 2.1, " b")),
    (checks.honest, report),
    (checks.honest, lambda x, t: float(report(x, t, order=lambda size: np.argsort(-size)[:40]))),
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
    (checks.standardize, both(lambda x, t, n: (x - t.mean(0)) / (t.std(0) + 1e-7)), "added about 1e-07"),
    (checks.standardize, both(lambda x, t, n: (x - t.mean(0)) / (t.std(0) + 1e-3)), "added about 1e-03"),
    (
        checks.standardize,
        both(lambda x, t, n: (x - t.mean(0)) / np.sqrt(t.var(0) + 1e-5)),
        "1e-05 to the variance",
    ),
    (checks.steps_needed, lambda x, f: np.log(1 / f), "logarithm alone"),
    (checks.steps_needed, lambda x, f: np.log(1000), "logarithm alone"),
    (checks.steps_needed, lambda x, f: np.log(1 / f) / kappa(x), "divided by κ"),
    (checks.read_eps, read(eps=0), "power of ten"),
    (checks.read_eps, read(eps=-3), "positive"),
    (checks.read_eps, read(eps=0.001), "near its highest"),
    (checks.read_eps, read(eps=0.1), "still falls"),
    (checks.read_eps, read(eps=3), "turned up"),
    (checks.read_eps, read(times=0.52), "upside down"),
    (checks.read_eps, read(times=0.9), "itself"),
    (checks.read_eps, read(times=4), "is off"),
    (checks.read_eps, read(times=-2), "positive"),
    (checks.read_eps, read(because="A"), "rounder"),
    (checks.read_eps, read(because="C"), "larger"),
    (checks.read_eps, read(because="D"), "several rates"),
    (checks.read_eps, read(because="E"), "mean is subtracted"),
    (checks.read_eps, read(because="F"), "784 components"),
    (checks.read_eps, read(because="G"), "none of the choices"),
    (checks.read_eps, {"eps": 1}, "not filled in"),
    (checks.honest, lambda x, t: report(x, t, see=halves(t)[1]), "the one that tests"),
    (checks.honest, lambda x, t: report(x, t, learn=ALL), "weights are learned from all"),
    (checks.honest, lambda x, t: report(x, t, see=ALL, learn=ALL), "second leak"),
    (checks.honest, lambda x, t: report(x, t, see=ALL, learn=halves(t)[1]), "half that tests"),
    (checks.honest, lambda x, t: report(x, t, test=halves(t)[0]), "was trained on"),
    (checks.honest, lambda x, t: report(x, t, see=ALL, test=ALL), "on all images"),
    (checks.honest, lambda x, t: report(x, t, order=lambda size: np.argsort(size)[:40]), "worst"),
    (checks.honest, lambda x, t: report(x, t, see=ALL, order=lambda size: ALL), "mend the choice"),
    (
        checks.honest,
        lambda x, t: report(x, t, see=ALL, order=lambda size: np.argsort(size)[-10:]),
        "fewer features",
    ),
    (checks.honest, lambda x, t: report(x, t, size=lambda v: v), "absolute value"),
    (checks.honest, lambda x, t: 1 - report(x, t), "wrong answers"),
    (checks.honest, lambda x, t: 0.5, "on the mean only"),
    (checks.honest, lambda x, t: 100 * report(x, t), "between 0 and 1"),
    (
        checks.honest,
        lambda x, t: report(x, t, see=ALL, order=lambda size: np.argsort(size)[-39:]),
        "more than chance",
    ),
]
TRAINED = [
    (lambda x: x, "a function that transforms"),
    (lambda x: (x - x.mean()) / x.std(), "a function that transforms"),
    (lambda x: lambda new: (new - new.mean(axis=0)) / 255, "fits on what it transforms"),
    (lambda x: lambda new: new[:, :1] * 0, "nothing is left"),
    (lambda x: lambda new: new[:10], "10 rows"),
    (lambda x: lambda new: new.mean(), "numbers are wanted, and|have the shape"),
    (lambda x: lambda new: np.hstack([new, new, new]) / 255, "at most 1600"),
    (lambda x: lambda new: np.full_like(new, np.nan), "NaN"),
    (scaled, "too long"),
    (lambda x: scaled(x, x.mean(axis=0), 2.0), "too long"),
    (lambda x: scaled(x, 0, 255), "off center"),
    (lambda x: scaled(x, x.mean(axis=0), 1e5), "too short"),
    (lambda x: scaled(x, -900, 255), "off center"),
    (lambda x: scaled(x, x.mean(), x.std()), "large for this rate"),
    (lambda x: scaled(x, x.mean(axis=0), 1e3), "small for this rate"),
    (lambda x: scaled(x, x.mean(axis=0), 255), "size and center are right"),
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


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "why"), TRAINED)
def test_a_preparation_that_does_not_pass_is_told_why(answer, why):
    verdict = checks.prepare(answer)
    assert verdict.status == "not yet", verdict
    assert re.search(why, verdict.message), verdict


@pytest.mark.slow
def test_the_challenge_is_scored():
    verdict = checks.prepare(lambda x: lambda new: (np.sqrt(new) - np.sqrt(x).mean(axis=0)) / 16)
    assert verdict.right, verdict
    assert verdict.score < checks.PASSES


def test_what_the_untouched_stub_gives_is_no_answer():
    verdict = checks.honest(lambda x, t: report(x, t, see=ALL))
    assert verdict.status == "not attempted"
    assert "coin flips" in verdict.message
    assert checks.read_eps(read(..., ..., ...)).status == "not attempted"
    assert checks.read_eps(read(because=...)).status == "not yet"


CHECKS = (
    checks.standardize,
    checks.fold,
    checks.steps_needed,
    checks.whitening_matrix,
    checks.read_eps,
    checks.honest,
    checks.prepare,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_exercise_has_three_hints_and_eight_wrong_answers(check):
    assert [check.hint().of for _ in range(3)] == [3, 3, 3]
    tried = len(TRAINED) if check is checks.prepare else sum(one is check for one, *_ in WRONG)
    assert tried >= 8
