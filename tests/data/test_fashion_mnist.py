"""Fashion-MNIST is loaded as promised: shapes, types, values, batches and splits."""

import gzip

import numpy as np
import pytest

from helpers.data import fashion_mnist
from tests.data.mirror import REAL, put

needs_real = pytest.mark.skipif(REAL is None, reason="FASHION_MNIST_DIR is not set: no real images to check")


def test_load_gives_what_is_promised(place, originals):
    put(place, originals)
    images = fashion_mnist.load_fashion_mnist()
    sizes = (60_000, 10_000) if REAL else (60, 20)
    for x, y, size in zip(
        (images.x_train, images.x_test), (images.y_train, images.y_test), sizes, strict=True
    ):
        assert (x.shape, x.dtype) == ((size, 784), np.float32)
        assert (y.shape, y.dtype) == ((size,), np.int64)
        assert (x.min(), x.max()) == (0, 1) or not REAL
        assert set(y) == set(range(10))
    assert images.real
    assert (images.source, images.notice) == ("folder", "")
    assert images.class_names[9] == "Ankle boot"
    assert fashion_mnist.load_fashion_mnist() is images
    with pytest.raises(ValueError, match="read-only"):
        images.x_train[0] = 1


@needs_real
def test_repr_is_the_same_wherever_real_images_come_from(place, originals, tmp_path, monkeypatch):
    put(place, originals)
    from_folder = repr(fashion_mnist.load_fashion_mnist())
    monkeypatch.setenv("FASHION_MNIST_DIR", str(REAL))
    assert repr(fashion_mnist.load_fashion_mnist()) == from_folder
    assert from_folder == (
        "Fashion-MNIST: 60,000 training and 10,000 test images of 28 × 28 pixels, 10 classes"
    )


@needs_real
def test_real_constants_and_first_images(place, originals):
    put(place, originals)
    images = fashion_mnist.load_fashion_mnist()
    assert images.x_train.mean(dtype=float) == pytest.approx(fashion_mnist.TRAIN_MEAN, abs=1e-6)
    assert images.x_train.std(dtype=float) == pytest.approx(fashion_mnist.TRAIN_STD, abs=1e-6)
    assert images.y_train[:5].tolist() == [9, 0, 0, 3, 0]  # as in the published preview of the set
    assert images.y_test[:5].tolist() == [9, 2, 1, 1, 6]
    assert np.bincount(images.y_train).tolist() == [6000] * 10


@pytest.mark.parametrize("source", ["folder", "stand-in"])
def test_batch_is_the_head_of_the_training_set(place, originals, source):
    if source == "folder":
        put(place, originals)
    images = fashion_mnist.load_fashion_mnist()
    x, y = fashion_mnist.load_batch(50, standardize=False)
    assert np.array_equal(x, images.x_train[:50])
    assert np.array_equal(y, images.y_train[:50])
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    x[:], y[:] = 7, 7  # fresh arrays: the next caller must not see this
    assert np.array_equal(fashion_mnist.load_batch(50, standardize=False)[0], images.x_train[:50])
    assert np.array_equal(fashion_mnist.load_batch(50)[1], images.y_train[:50])


@pytest.mark.parametrize("source", ["folder", "stand-in"])
def test_batch_is_standardized_with_the_whole_training_set(place, originals, source):
    if source == "folder":
        put(place, originals)
    mean, std = {"folder": (0.286041, 0.353024), "stand-in": (0.292283, 0.341067)}[source]
    raw, _ = fashion_mnist.load_batch(50, standardize=False, dtype=np.float64)
    x, _ = fashion_mnist.load_batch(50, dtype=np.float64)
    assert x.dtype == raw.dtype == np.float64
    np.testing.assert_allclose(x, (raw - mean) / std, atol=1e-12)
    np.testing.assert_allclose(fashion_mnist.load_batch(50)[0], x, atol=1e-5)


def test_batch_drawn_by_rng(place, originals):
    put(place, originals)

    def pick(seed):
        return fashion_mnist.load_batch(40, rng=np.random.default_rng(seed))

    assert all(map(np.array_equal, pick(1), pick(1)))
    assert not np.array_equal(pick(1)[0], pick(2)[0])
    x, y = fashion_mnist.load_batch(60, rng=np.random.default_rng(0), standardize=False)
    assert len(np.unique(x, axis=0)) == 60  # without repetition
    images = fashion_mnist.load_fashion_mnist()
    row = np.flatnonzero((images.x_train == x[0]).all(axis=1))
    assert y[0] in images.y_train[row]


@pytest.mark.parametrize("n", [0, -1, 60_001, 1.5])
def test_batch_refuses_a_wrong_size(place, n):
    with pytest.raises(ValueError, match=rf"n is {n}; allowed are 1 to 60,000"):
        fashion_mnist.load_batch(n)


def test_batch_refuses_a_wrong_dtype(place):
    with pytest.raises(ValueError, match="dtype is int64; allowed are float32 and float64"):
        fashion_mnist.load_batch(dtype=np.int64)


def fake_images(pixels=5):
    """As many images as the real ones, of few pixels, of which the last two never change in training."""
    rng = np.random.default_rng(3)
    x, x_test = (rng.random((n, pixels), np.float32) for n in (60_000, 10_000))
    x[:, -2:] = x_test[:, -2:] = 0.0, 0.1
    x[:5000, -1] = 0.9  # only the validation images differ there
    y, y_test = (rng.integers(10, size=n) for n in (60_000, 10_000))
    return fashion_mnist.FashionMnist(x, y, x_test, y_test, source="folder")


@pytest.fixture
def fake(monkeypatch):
    """A function that puts images in place of the real ones; without an argument, made-up ones."""

    def put_in_place(images=None):
        images = images or fake_images()
        monkeypatch.setattr(fashion_mnist, "load_fashion_mnist", lambda: images)
        return images

    return put_in_place


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("n", [1, 300, 55_000])
def test_split_has_the_promised_parts_in_order(fake, n, standardize):
    images, split = fake(), fashion_mnist.load_split(n, standardize=standardize)
    assert [len(part) for part in (split.x, split.x_valid, split.x_test)] == [n, 5000, 10_000]
    assert np.array_equal(split.y, images.y_train[5000 : 5000 + n])  # the first 5,000 validate, whatever n is
    assert np.array_equal(split.y_valid, images.y_train[:5000])
    assert np.array_equal(split.y_test, images.y_test)
    assert {part.dtype for part in (split.x, split.x_valid, split.x_test)} == {np.dtype(np.float32)}
    if not standardize:
        assert np.array_equal(split.x, images.x_train[5000 : 5000 + n])
        assert np.array_equal(split.x_valid, images.x_train[:5000])
        assert np.array_equal(split.x_test, images.x_test)


@pytest.mark.parametrize("n", [300, 55_000])
def test_split_is_standardized_with_its_training_part(fake, n):
    images, split = fake(), fashion_mnist.load_split(n)
    own = images.x_train[5000 : 5000 + n].astype(np.float64)
    mean, std = own.mean(axis=0), own.std(axis=0)
    moving = std > 1e-6
    assert moving.tolist() == [True] * 3 + [False] * 2
    for found, raw in ((split.x, own), (split.x_valid, images.x_train[:5000]), (split.x_test, images.x_test)):
        np.testing.assert_allclose(
            found[:, moving], ((raw - mean) / np.where(moving, std, 1))[:, moving], atol=1e-4
        )
    np.testing.assert_allclose(split.x.mean(axis=0, dtype=float), 0, atol=1e-4)
    np.testing.assert_allclose(split.x.std(axis=0, dtype=float)[moving], 1, atol=1e-4)


@pytest.mark.parametrize("n", [1, 3, 300, 55_000])
def test_a_pixel_that_never_changes_is_divided_by_1(fake, n):
    fake()
    split = fashion_mnist.load_split(n)
    for part, last in ((split.x, 0), (split.x_valid, 0.8), (split.x_test, 0)):
        np.testing.assert_allclose(part[:, -2:], np.tile([0, last], (len(part), 1)), atol=1e-6)


def test_nothing_leaks_from_the_images_that_only_judge(fake):
    before = fake()
    split = fashion_mnist.load_split(300)
    x = before.x_train.copy()
    x[:5000], x[5300:] = 77, -77
    fake(fashion_mnist.FashionMnist(x, before.y_train, before.x_test * 5 + 1, before.y_test, source="folder"))
    other, plain = fashion_mnist.load_split(300), fashion_mnist.load_split(300, standardize=False)
    assert np.array_equal(split.x, other.x)
    ours = before.x_train[5000:5300]
    std = np.where(ours.max(axis=0) > ours.min(axis=0), ours.std(axis=0), 1)
    np.testing.assert_allclose(other.x_test, (plain.x_test - ours.mean(axis=0)) / std, atol=1e-3)
    assert not np.array_equal(split.x_valid, other.x_valid)
    assert not np.array_equal(split.x_test, other.x_test)


def test_standardized_splits_share_nothing_with_the_images(fake):
    images = fake()
    before = images.x_train.copy()
    split = fashion_mnist.load_split(300)
    split.x[:], split.x_valid[:] = 7, 7
    assert np.array_equal(images.x_train, before)


def test_split_says_what_it_is(fake):
    fake()
    assert repr(fashion_mnist.load_split()) == "55,000 training, 5,000 validation and 10,000 test images"
    assert repr(fashion_mnist.load_split(1200)) == "1,200 training, 5,000 validation and 10,000 test images"


@pytest.mark.parametrize("n", [0, -1, 55_001, 1.5])
def test_split_refuses_a_wrong_size(fake, n):
    fake()
    with pytest.raises(ValueError, match=rf"n is {n}; allowed are 1 to 55,000 training images"):
        fashion_mnist.load_split(n)


@needs_real
def test_split_of_the_real_images(place, originals):
    put(place, originals)
    split = fashion_mnist.load_split(2000)
    assert split.x.shape == (2000, 784)
    assert split.y_valid[:5].tolist() == [9, 0, 0, 3, 0]
    assert split.y[:5].tolist() == [4, 0, 7, 9, 9]
    assert np.abs(split.x.mean(axis=0)).max() < 1e-4
    assert np.isfinite(split.x_valid).all()
    assert np.isfinite(split.x_test).all()


def test_only_the_head_of_a_file_is_unpacked(tmp_path):
    items = np.random.default_rng(0).integers(0, 256, (5000, 28, 28), np.uint8)
    packed = gzip.compress(bytes([0, 0, 8, 3]) + np.array(items.shape, ">u4").tobytes() + items.tobytes())
    (tmp_path / "cut.gz").write_bytes(packed[: len(packed) // 2])  # the tail is not even there
    assert np.array_equal(fashion_mnist._read_idx(tmp_path / "cut.gz", 100), items[:100])
    with pytest.raises(EOFError):
        fashion_mnist._read_idx(tmp_path / "cut.gz")


def test_a_shared_batch_is_that_of_load_batch_made_once_and_read_only():
    x, y = fashion_mnist.shared_batch(20, dtype=np.float64)
    fresh_x, fresh_y = fashion_mnist.load_batch(20, dtype=np.float64)
    np.testing.assert_array_equal(x, fresh_x)
    np.testing.assert_array_equal(y, fresh_y)
    assert fashion_mnist.shared_batch(20, dtype=np.float64)[0] is x
    assert fashion_mnist.shared_batch(20, standardize=False)[0].max() <= 1
    with pytest.raises(ValueError, match="read-only"):
        x[0] = 0
