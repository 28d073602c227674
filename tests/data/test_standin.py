"""The stand-in says that it is one, has the form of the real images, and can be learned like them."""

import numpy as np
import pytest

from helpers.data import fashion_mnist, standin
from tests.data.mirror import reason_given


@pytest.fixture(scope="module")
def drawn(draw_once):
    return draw_once(60_000)


def test_stand_in_says_so(place, tmp_path):
    images = fashion_mnist.load_fashion_mnist()
    assert not images.real
    assert images.source == "stand-in"
    first, second = repr(images).splitlines()
    assert first.startswith("Stand-in for Fashion-MNIST: 60,000 training and 10,000 test images of 28 × 28")
    assert second == images.notice == reason_given()
    assert "not the real Fashion-MNIST images" in second
    assert "data/README.md" in second
    assert str(tmp_path) not in repr(images)


def test_stand_in_has_the_shape_of_the_real_images(place):
    images = fashion_mnist.load_fashion_mnist()
    for x, y, size in ((images.x_train, images.y_train, 60_000), (images.x_test, images.y_test, 10_000)):
        assert (x.shape, x.dtype, y.shape, y.dtype) == ((size, 784), np.float32, (size,), np.int64)
        assert np.bincount(y).tolist() == [size // 10] * 10
        assert 0 == x.min() < x.max() <= 1
    drawn, _ = standin.draw(10)
    np.testing.assert_allclose(images.x_train[:10], drawn / 255, rtol=1e-6)
    assert images.class_names == (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip


def test_stand_in_pixels_resemble_the_real_ones(drawn):
    x = drawn[0] / 255
    assert x.mean() == pytest.approx(standin.TRAIN_MEAN, abs=1e-6)
    assert x.std() == pytest.approx(standin.TRAIN_STD, abs=1e-6)
    assert abs(standin.TRAIN_MEAN - fashion_mnist.TRAIN_MEAN) < 0.02
    assert abs(standin.TRAIN_STD - fashion_mnist.TRAIN_STD) < 0.02
    assert (x == 0).mean() == pytest.approx(0.502, abs=0.02)  # the share of zeros in the real training set


def test_stand_in_is_always_the_same(drawn):
    pixels, labels = standin.draw(1500)
    assert np.array_equal(pixels, drawn[0][:1500])
    assert np.array_equal(labels, drawn[1][:1500])
    assert len({row.tobytes() for row in drawn[0]}) == 60_000  # and no image comes twice


def test_stand_in_can_be_learned_but_not_at_a_glance(drawn):
    x, y = drawn
    centroids = np.stack([x[y == label].mean(axis=0) for label in range(10)])
    test, truth = standin.draw(1000, part="test")
    distances = ((test[:, None] - centroids) ** 2).sum(axis=2)
    accuracy = (distances.argmin(axis=1) == truth).mean()
    assert 0.6 < accuracy < 0.85  # 0.70 on the real images; chance is 0.1


def test_stand_in_test_images_are_new(drawn):
    assert not {row.tobytes() for row in standin.draw(1000, part="test")[0]} & {
        row.tobytes() for row in drawn[0]
    }


def test_stand_in_refuses_nonsense():
    with pytest.raises(ValueError, match="n is 0"):
        standin.draw(0)
    with pytest.raises(ValueError, match="part is 'validation'; allowed are 'train' and 'test'"):
        standin.draw(1, part="validation")
