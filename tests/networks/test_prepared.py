"""The one training of lesson 05: the images apart, the seeds obeyed, batch normalization first."""

import numpy as np
import pytest

from helpers import data
from helpers.networks import prepared
from helpers.networks.stack import BatchNorm, Dense


@pytest.fixture(scope="module")
def images():
    return prepared.images()


def test_pixels_come_as_in_the_file_and_can_not_be_written_to(images):
    assert images.x.shape == images.x_valid.shape == images.x_test.shape == (5000, 784)
    assert images.x.dtype == np.float64
    assert (images.x == np.rint(images.x)).all()
    assert images.x.min() == 0
    assert images.x.max() == 255
    with pytest.raises(ValueError, match="read-only"):
        images.x += 1


def test_no_image_is_in_two_parts(images):
    known = data.load_fashion_mnist()
    np.testing.assert_array_equal(images.x_valid, np.rint(255 * known.x_train[:5000].astype(float)))
    np.testing.assert_array_equal(images.x, np.rint(255 * known.x_train[5000:10_000].astype(float)))
    np.testing.assert_array_equal(images.y_test, known.y_test[:5000])


def test_the_seed_alone_decides(images):
    z = images.x[:300] / 255 - 0.3
    one, again, other = (prepared.trained(z, images.y[:300], rate=0.1, seed=s, steps=5) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.loss, again.loss)
    assert (one.loss != other.loss).all()


def test_kinds_and_batch_normalization(images):
    z, y = (images.x[:100] / 255).astype(np.float32), images.y[:100]
    net = prepared.trained(z, y, rate=0.1, steps=2)
    assert [layer.W.shape for layer in net.flat() if isinstance(layer, Dense)] == [
        (784, 50),
        (50, 50),
        (50, 10),
    ]
    linear = prepared.trained(z, y, rate=0.1, steps=2, kind="linear", batch_norm=True)
    first, dense = linear.layers
    assert isinstance(first, BatchNorm)
    assert dense.W.shape == (784, 10)
    assert dense.W.dtype == np.float32
    with pytest.raises(ValueError, match="'deep'; choose one of network, linear"):
        prepared.trained(z, y, rate=0.1, kind="deep")


def test_it_learns_and_is_scored(images):
    z = images.x / 255 - images.x.mean() / 255
    net = prepared.trained(z, images.y, rate=0.1, steps=60)
    before = prepared.trained(z, images.y, rate=0.1, steps=0)
    found = prepared.score(net, z[:500], images.y[:500])
    assert found.loss < 0.8 * prepared.score(before, z[:500], images.y[:500]).loss
    assert found.accuracy > 0.5
