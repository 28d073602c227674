"""Preprocessing: fitted on training data alone, the covariances as promised, the same as scikit-learn's."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from helpers.numerics import preprocessing
from helpers.numerics.preprocessing import PREPROCESSORS, covariance

WHITE = ("whiten", "zca")
ALL = tuple(PREPROCESSORS)


def full_rank(n=300, d=6, seed=0):
    """Correlated data of very different scales, far from the origin."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) * np.geomspace(0.1, 30, d) + 50


def deficient(n=300, rank=3, d=6):
    rng = np.random.default_rng(1)
    return rng.standard_normal((n, rank)) @ rng.standard_normal((rank, d)) + 2


# --- what comes out -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WHITE)
@given(seed=st.integers(0, 10**6), d=st.integers(1, 12))
def test_white_data_have_the_identity_for_their_covariance(name, seed, d):
    x = full_rank(200, d, seed)
    if preprocessing.rank(preprocessing.principal_axes(x)[1]) < d:
        with pytest.raises(ValueError, match="directions only"):
            PREPROCESSORS[name].fit(x)
        return
    z = PREPROCESSORS[name].fit(x).transform(x)
    assert np.abs(covariance(z) - np.eye(d)).max() < 1e-6
    assert np.abs(z.mean(axis=0)).max() < 1e-6


def test_white_down_to_the_smallest_variance_that_counts():
    turned, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))
    x = np.random.default_rng(0).standard_normal((500, 3)) * (1, 1e-2, 4e-5) @ turned + 1
    _, variances, _ = preprocessing.principal_axes(x)
    assert 1e-9 < variances[-1] / variances[0] < 2e-9
    for name in WHITE:
        assert np.abs(covariance(PREPROCESSORS[name].fit(x).transform(x)) - np.eye(3)).max() < 1e-6


def test_pca_is_diagonal_and_sorted():
    x = full_rank()
    fitted = preprocessing.pca(x)
    C = covariance(fitted.transform(x))
    np.testing.assert_allclose(C, np.diag(fitted.variances), atol=1e-9 * C.max())
    assert (np.diff(fitted.variances) < 0).all()
    assert np.isclose(np.trace(C), np.trace(covariance(x)))


def test_centered_and_standardized():
    x = full_rank()
    centered, standard = preprocessing.center(x).transform(x), preprocessing.standardize(x).transform(x)
    np.testing.assert_allclose(covariance(centered), covariance(x))
    np.testing.assert_allclose(centered.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(standard.std(axis=0), 1)
    np.testing.assert_allclose(covariance(standard), np.corrcoef(x.T))
    np.testing.assert_array_equal(preprocessing.raw(x).transform(x), x)


def test_zca_is_the_symmetric_and_the_nearest_whitening():
    x = full_rank()
    matrix = preprocessing.zca(x).matrix
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-10 * np.abs(matrix).max())
    centered = preprocessing.center(x).transform(x)
    moved = {name: np.sum((PREPROCESSORS[name].fit(x).transform(x) - centered) ** 2) for name in WHITE}
    assert moved["zca"] < moved["whiten"]


@pytest.mark.parametrize("name", ALL)
def test_undo_gives_the_data_back(name):
    x, new = full_rank(), full_rank(7, seed=5)
    fitted = PREPROCESSORS[name].fit(x)
    np.testing.assert_allclose(fitted.inverse_transform(fitted.transform(new)), new, rtol=1e-8)


@pytest.mark.parametrize("name", ["pca", "whiten", "zca"])
def test_what_was_kept_comes_back_as_the_nearest(name):
    x = full_rank()
    fitted, best = PREPROCESSORS[name].fit(x, n_components=4), preprocessing.pca(x, n_components=4)
    back, nearest = (way.inverse_transform(way.transform(x)) for way in (fitted, best))
    np.testing.assert_allclose(back, nearest, rtol=1e-8)
    lost = np.mean(np.sum((nearest - x) ** 2, axis=1))
    assert np.isclose(lost, best.variances[4:].sum())


# --- the same as scikit-learn -------------------------------------------------------------------------------


def test_standardize_is_the_standard_scaler():
    x, new = full_rank(), full_rank(9, seed=2)
    x[:, 2] = 0.1  # never changes, and its mean is rounded
    theirs, ours = StandardScaler().fit(x), preprocessing.standardize(x)
    np.testing.assert_allclose(ours.transform(new), theirs.transform(new), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.scale, theirs.scale_)


@pytest.mark.parametrize("n_components", [None, 3])
@pytest.mark.parametrize("white", [False, True])
def test_pca_and_whiten_are_sklearns(white, n_components):
    x, new = full_rank(), full_rank(9, seed=2)
    theirs = PCA(n_components=n_components, whiten=white, svd_solver="full").fit(x)
    ours = (preprocessing.whiten if white else preprocessing.pca)(x, n_components=n_components)
    n_or_less = np.sqrt(len(x) / (len(x) - 1)) if white else 1  # theirs divides by n − 1
    np.testing.assert_allclose(ours.transform(new), theirs.transform(new) * n_or_less, rtol=1e-6, atol=1e-8)
    variances = ours.variances[:n_components] * len(x) / (len(x) - 1)
    np.testing.assert_allclose(variances, theirs.explained_variance_)


# --- per pixel, per channel, per set ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per", "axes", "count"), [("pixel", 0, 48), ("channel", (0, 1, 2), 3), ("set", (0, 1, 2, 3), 1)]
)
def test_per_pixel_channel_and_set(per, axes, count):
    x = np.random.default_rng(0).random((20, 4, 4, 3)) * (1, 2, 3)
    fitted = preprocessing.standardize(x, per=per)
    z = fitted.transform(x)
    assert fitted.mean.size == fitted.scale.size == count
    np.testing.assert_allclose(z.mean(axis=axes), 0, atol=1e-12)
    np.testing.assert_allclose(z.std(axis=axes), 1)
    np.testing.assert_allclose(fitted.inverse_transform(z), x)
    assert preprocessing.center(x, per=per).mean.size == count


def test_flat_images_per_set():
    x = full_rank()
    fitted = preprocessing.standardize(x, per="set")
    assert fitted.mean.shape == (1,)
    np.testing.assert_allclose(fitted.transform(x), (x - x.mean()) / x.std())


def test_a_floor_bounds_what_hardly_changes():
    x = np.zeros((1000, 3))
    x[0, 0], x[:, 1] = 1, np.random.default_rng(0).random(1000)
    plain, floored = preprocessing.standardize(x), preprocessing.standardize(x, floor=0.1)
    assert np.isclose(np.abs(plain.transform(x)).max(), np.sqrt(999))  # one of n: |z| = √(n − 1)
    assert np.abs(floored.transform(np.ones((1, 3)))).max() <= 10
    assert list(plain.scale[[2]]) == [1]
    np.testing.assert_allclose(floored.scale, [0.1, x[:, 1].std(), 0.1])


# --- data without variance in some direction ----------------------------------------------------------------


@pytest.mark.parametrize("name", WHITE)
def test_rank_deficient_data_are_refused_and_the_ways_out_named(name):
    with pytest.raises(ValueError, match=r"in 3 directions only, and 6 .* n_components = 3 or less, or eps"):
        PREPROCESSORS[name].fit(deficient())
    with pytest.raises(ValueError, match="3 directions only, and 4 shall"):
        PREPROCESSORS[name].fit(deficient(), n_components=4)


def test_fewer_examples_than_features_are_rank_deficient():
    with pytest.raises(ValueError, match="vary in 4 directions only"):
        preprocessing.whiten(full_rank(5, 6))


def test_fewer_components_give_the_identity_in_fewer_columns():
    z = preprocessing.whiten(deficient(), n_components=3).transform(deficient())
    assert np.abs(covariance(z) - np.eye(3)).max() < 1e-6


def test_zca_with_fewer_components_has_all_columns_and_less_rank():
    x = deficient()
    fitted = preprocessing.zca(x, n_components=3)
    z = fitted.transform(x)
    assert z.shape == x.shape
    np.testing.assert_allclose(np.linalg.eigvalsh(covariance(z)), [0, 0, 0, 1, 1, 1], atol=1e-6)
    np.testing.assert_allclose(fitted.inverse_transform(z), x)


@pytest.mark.parametrize("name", WHITE)
def test_eps_gives_the_variances_it_promises(name):
    x, eps = deficient(), 0.3
    fitted = PREPROCESSORS[name].fit(x, eps=eps)
    found = np.linalg.eigvalsh(covariance(fitted.transform(x)))[::-1]
    np.testing.assert_allclose(found, fitted.variances / (fitted.variances + eps), atol=1e-9)
    assert (found < 1).all()
    np.testing.assert_allclose(fitted.inverse_transform(fitted.transform(x)), x)


# --- test data can't leak in --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_fit_takes_training_data_and_nothing_else(name):
    first, *others = inspect.signature(PREPROCESSORS[name].fit).parameters
    assert first == "x_train"
    assert set(others) <= {"per", "floor", "n_components", "eps"}


@pytest.mark.parametrize("name", ALL)
def test_nothing_done_later_changes_a_fitted_number(name):
    x_train, x_test = full_rank(), full_rank(50, seed=9)
    fitted, probe = PREPROCESSORS[name].fit(x_train), full_rank(4, seed=3)
    wanted = fitted.transform(probe)
    held = {field: value.copy() for field, value in vars(fitted).items()}
    fitted.transform(x_test)
    x_test *= -1000
    fitted.transform(x_test)
    x_train[:] = x_test.mean()  # not even the training data themselves, once fitted
    for field, value in held.items():
        np.testing.assert_array_equal(getattr(fitted, field), value)
    np.testing.assert_array_equal(fitted.transform(probe), wanted)


def test_a_transform_keeps_copies_of_what_it_is_made_of():
    mean, scale = np.zeros(3), np.ones(3)
    made = preprocessing.Scaling(mean, scale)
    mean += 5  # stays free to change
    scale *= 2
    np.testing.assert_array_equal(made.transform(np.ones((1, 3))), np.ones((1, 3)))


@pytest.mark.parametrize("name", ALL)
def test_every_example_is_transformed_alone(name):
    fitted, new = PREPROCESSORS[name].fit(full_rank()), full_rank(5, seed=3)
    alone = np.concatenate([fitted.transform(example[None]) for example in new])
    np.testing.assert_allclose(fitted.transform(new), alone, rtol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_a_fitted_transform_can_not_be_written_to(name):
    fitted = PREPROCESSORS[name].fit(full_rank())
    with pytest.raises(AttributeError):
        fitted.mean = 0
    for value in vars(fitted).values():
        with pytest.raises(ValueError, match="read-only"):
            value += 1


# --- bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (
            lambda x: preprocessing.center(x, per="image"),
            "per must be one of pixel, channel, set, got 'image'",
        ),
        (lambda x: preprocessing.center(x, per="channel"), r"\(n, height, width, channels\)"),
        (lambda x: preprocessing.standardize(x, floor=-1), "floor must be 0 or more, got -1"),
        (lambda x: preprocessing.whiten(x, eps=-0.1), "eps must be 0 or more, got -0.1"),
        (lambda x: preprocessing.zca(x, eps=float("nan")), "eps must be 0 or more, got nan"),
        (lambda x: preprocessing.pca(x, n_components=7), r"n_components must lie in 1 … 6, got 7"),
        (lambda x: preprocessing.pca(x, n_components=0), r"n_components must lie in 1 … 6, got 0"),
        (lambda x: preprocessing.center(x[:0]), "examples"),
        (lambda x: preprocessing.standardize(x[0]), "examples"),
        (lambda x: preprocessing.standardize(x * np.inf), "finite"),
        (lambda x: preprocessing.pca(x.reshape(-1, 2, 3)), "reshape"),
        (lambda x: preprocessing.center(x).transform(x[:, :4]), r"\(6,\), got examples of shape \(4,\)"),
        (lambda x: preprocessing.pca(x).transform(x[:, :1]), r"got examples of shape \(1,\)"),
    ],
)
def test_bad_input_is_named(wrong, why):
    with pytest.raises(ValueError, match=why):
        wrong(full_rank())
