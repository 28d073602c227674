"""Augmentation: what each change keeps and what it moves, what it draws, and what it refuses."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.networks.mlp import MLP, cross_entropy
from helpers.networks.training import train
from helpers.numerics import augmentation as aug

CHANGES = {
    "flip": partial(aug.flip, probability=0.5),
    "shift": partial(aug.shift, reach=3),
    "crop": partial(aug.crop, size=9),
    "brightness": partial(aug.brightness, strength=0.3),
    "contrast": partial(aug.contrast, strength=0.5),
    "cutout": partial(aug.cutout, size=5),
}
BLENDS = {"mixup": partial(aug.mixup, alpha=0.4), "cutmix": partial(aug.cutmix, alpha=1.0)}
each_change = pytest.mark.parametrize("name", CHANGES)
each_blend = pytest.mark.parametrize("name", BLENDS)


@pytest.fixture
def images(rng):
    return 0.2 + 0.6 * rng.random((40, 12, 14))


def one_change(name, images, y, rng):
    """The images that a change or a blend gives."""
    return CHANGES[name](images, rng=rng) if name in CHANGES else BLENDS[name](images, y, rng=rng)[0]


# What all of them keep


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
@pytest.mark.parametrize("name", [*CHANGES, *BLENDS])
def test_shape_type_and_input_are_kept(name, channels, dtype, rng):
    images = rng.random((20, 12, 14, *channels)).astype(dtype)
    before, y = images.copy(), rng.integers(10, size=20)
    out = one_change(name, images, y, np.random.default_rng(1))
    assert out.shape == images.shape
    assert out.dtype == dtype
    assert not np.shares_memory(out, images)
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(out, one_change(name, images, y, np.random.default_rng(1)))
    assert not np.array_equal(out, one_change(name, images, y, np.random.default_rng(2)))
    assert 0 <= out.min() <= out.max() <= 1


@pytest.mark.parametrize("name", [*CHANGES, *BLENDS])
def test_a_gray_image_is_treated_as_one_channel(name, images, rng):
    y = rng.integers(10, size=40)
    gray = one_change(name, images, y, np.random.default_rng(3))
    channel = one_change(name, images[..., None], y, np.random.default_rng(3))
    np.testing.assert_array_equal(gray, channel[..., 0])


@pytest.mark.parametrize("name", [*CHANGES, *BLENDS])
def test_every_image_gets_a_draw_of_its_own(name, rng):
    image = rng.random((1, 12, 14))
    same = np.repeat(image, 30, axis=0)
    if name in BLENDS:
        same[1::2] = 1 - same[1::2]  # blended with its equal, an image stays as it is
    out = one_change(name, same, np.zeros(30, int), rng)
    assert len(np.unique(out.round(9), axis=0)) > (1 if name == "flip" else 5)


@pytest.mark.parametrize("name", [*CHANGES, *BLENDS])
def test_no_images_are_allowed(name, rng):
    out = one_change(name, np.zeros((0, 12, 14)), np.zeros(0, int), rng)
    assert out.shape == (0, 12, 14)


# What each one does


def test_a_flip_mirrors_left_and_right(images, rng):
    np.testing.assert_array_equal(aug.flip(images, 1, rng=rng), images[:, :, ::-1])
    np.testing.assert_array_equal(aug.flip(images, 0, rng=rng), images)
    many = np.repeat(images[:1], 4000, axis=0)
    mirrored = (aug.flip(many, 0.3, rng=rng) != many).any(axis=(1, 2))
    assert mirrored.mean() == pytest.approx(0.3, abs=5 * np.sqrt(0.21 / 4000))


@settings(max_examples=25)
@given(reach=st.integers(0, 12), seed=st.integers(0, 99))
def test_a_shift_moves_by_whole_pixels_and_fills_the_rest(reach, seed):
    images = 1 + np.random.default_rng(seed).random((5, 12, 14))
    for image, out in zip(
        images, aug.shift(images, reach, rng=np.random.default_rng(seed), fill=-1), strict=True
    ):
        found = [
            (down, right)
            for down in range(-reach, reach + 1)
            for right in range(-reach, reach + 1)
            if np.array_equal(out, moved(image, down, right))
        ]
        assert found


def moved(image, down, right, fill=-1):
    """The image moved by np.roll, and what came round filled."""
    rolled, (height, width) = np.roll(image, (down, right), axis=(0, 1)), image.shape
    rolled[np.arange(height) < down] = rolled[np.arange(height) >= height + down] = fill
    rolled[:, np.arange(width) < right] = rolled[:, np.arange(width) >= width + right] = fill
    return rolled


def test_all_shifts_are_equally_likely(rng):
    image = np.zeros((9000, 9, 9))
    image[:, 4, 4] = 1
    landed = aug.shift(image, 1, rng=rng).mean(axis=0)
    np.testing.assert_allclose(landed[3:6, 3:6], 1 / 9, atol=0.02)
    assert landed[3:6, 3:6].sum() == pytest.approx(1)


def test_padding_and_cropping_is_a_shift(images):
    padded = np.pad(images, [(0, 0), (2, 2), (2, 2)])
    rng = np.random.default_rng(5)
    rows, columns = (rng.integers(5, size=(40, 1)) for _ in range(2))
    cut = [
        padded[k, r : r + 12, c : c + 14]
        for k, (r, c) in enumerate(zip(rows[:, 0], columns[:, 0], strict=True))
    ]
    np.testing.assert_array_equal(aug.shift(images, 2, rng=np.random.default_rng(5)), cut)


def test_a_crop_enlarges_a_window(rng):
    image = np.arange(144.0).reshape(1, 12, 12)
    out = aug.crop(image, 6, rng=rng)[0]
    np.testing.assert_array_equal(out[::2, ::2], out[1::2, 1::2])  # every pixel twice, in both directions
    small = out[::2, ::2]
    np.testing.assert_array_equal(np.diff(small, axis=1), 1)
    np.testing.assert_array_equal(np.diff(small, axis=0), 12)
    np.testing.assert_array_equal(aug.crop(image, 12, rng=rng), image)
    corners = {int(aug.crop(image, 6, rng=rng)[0, 0, 0]) for _ in range(600)}
    assert corners == {12 * row + column for row in range(7) for column in range(7)}


def test_brightness_adds_one_number_to_an_image(images, rng):
    added = aug.brightness(images, 0.15, rng=rng) - images  # within 0.2 to 0.8, so that nothing is clipped
    np.testing.assert_allclose(added.std(axis=(1, 2)), 0, atol=1e-12)
    assert 0.1 < np.abs(added).max() <= 0.15
    assert abs(added.mean()) < 5 * 0.15 / np.sqrt(3 * 40)
    scaled = aug.brightness(255 * images, 0.15, rng=np.random.default_rng(1), high=255)
    np.testing.assert_allclose(scaled, 255 * aug.brightness(images, 0.15, rng=np.random.default_rng(1)))


def test_contrast_stretches_about_the_mean(images, rng):
    out = aug.contrast(images, 0.2, rng=rng)
    np.testing.assert_allclose(out.mean(axis=(1, 2)), images.mean(axis=(1, 2)))
    factor = out.std(axis=(1, 2)) / images.std(axis=(1, 2))
    assert 0.8 <= factor.min() < 0.9 < 1.1 < factor.max() <= 1.2


@pytest.mark.parametrize("size", [1, 4, 5])
def test_cutout_hides_a_square(size, rng):
    out = aug.cutout(np.ones((500, 12, 14)), size, rng=rng, fill=-1)
    hidden = out == -1
    counts = hidden.sum(axis=(1, 2))
    assert counts.max() == size**2
    assert counts.min() >= (-(-size // 2)) ** 2  # in the corner a quarter is left, for the middle lies inside
    for one in hidden:
        rows, columns = np.flatnonzero(one.any(axis=1)), np.flatnonzero(one.any(axis=0))
        assert one[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        assert len(rows) <= size
        assert len(columns) <= size
    assert set(np.unique(out)) == {-1, 1}


def test_a_square_larger_than_the_image_hides_all_or_most(images, rng):
    assert (aug.cutout(images, 40, rng=rng) == 0).all()
    np.testing.assert_array_equal(aug.cutout(images, 0, rng=rng), images)


# Labels


@settings(max_examples=25)
@given(alpha=st.floats(0.05, 5), seed=st.integers(0, 2**32), name=st.sampled_from(["mixup", "cutmix"]))
def test_label_mass_is_one_and_its_mean_is_the_labels(alpha, seed, name):
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=2000)
    images = rng.random((2000, 6, 6))
    _, targets = getattr(aug, name)(images, y, alpha, rng=rng, classes=3)
    np.testing.assert_allclose(targets.sum(axis=1), 1)
    assert targets.min() >= 0
    shares = np.bincount(y, minlength=3) / len(y)
    np.testing.assert_allclose(targets.mean(axis=0), shares, atol=5 * 0.5 / np.sqrt(2000))
    own = targets[
        np.arange(2000), y
    ]  # half of an image is its own, and the other half may be of its class too
    if name == "mixup":  # a box of cutmix may lie outside in part, so that its own share is larger
        assert abs(np.mean(own - 0.5 - 0.5 * shares[y])) < 5 * 0.5 / np.sqrt(2000)


def test_mixup_blends_images_and_labels_by_the_same_weight(rng):
    n = 60
    images = np.eye(n).reshape(n, 1, n)  # image k has its mass at pixel k
    out, targets = aug.mixup(images, np.arange(n), 1.0, rng=rng, classes=n)
    np.testing.assert_allclose(out[:, 0], targets)
    assert (np.count_nonzero(targets, axis=1) <= 2).all()
    weights = targets[np.arange(n), np.arange(n)]
    assert len(np.unique(weights.round(9))) > n / 2  # one weight for each image
    assert sorted(np.flatnonzero(targets.sum(axis=0))) == list(range(n))


@pytest.mark.parametrize("alpha", [0.1, 1.0, 8.0])
def test_the_weights_are_beta_distributed(alpha, rng):
    images = np.zeros((20_000, 1, 1))
    images[::2] = 1
    targets = aug.mixup(images, np.arange(20_000) % 2, alpha, rng=rng, classes=2)[1]
    mixed = targets[:, 0][(targets[:, 0] > 0) & (targets[:, 0] < 1)]
    beta = rng.beta(alpha, alpha, 200_000)
    beta = beta[(beta > 0) & (beta < 1)]
    for power in (1, 2):
        assert np.mean(mixed**power) == pytest.approx(np.mean(beta**power), abs=0.02)


def test_cutmix_pastes_a_box_and_counts_its_pixels(rng):
    n = 50
    images = np.repeat(np.arange(n, dtype=float), 12 * 14).reshape(n, 12, 14)
    out, targets = aug.cutmix(images, np.arange(n), 1.0, rng=rng, classes=n)
    shares = np.stack([(out == k).mean(axis=(1, 2)) for k in range(n)], axis=1)
    np.testing.assert_allclose(targets, shares)
    assert (np.count_nonzero(targets, axis=1) == 2).mean() > 0.5


def test_blended_labels_can_be_blended_again(images, rng):
    y = rng.integers(10, size=40)
    _, targets = aug.mixup(*aug.cutmix(images, y, rng=rng), alpha=0.5, rng=rng)
    np.testing.assert_allclose(targets.sum(axis=1), 1)
    assert np.isfinite(cross_entropy(np.zeros((40, 10)), targets)[0])


def test_labels_as_distributions():
    np.testing.assert_array_equal(aug.as_distributions([2, 0], 2, 3), [[0, 0, 1], [1, 0, 0]])
    np.testing.assert_array_equal(aug.as_distributions([[0.5, 0.5]], 1, 2), [[0.5, 0.5]])


# In training


def test_for_training_changes_flat_standardized_images(rng):
    pixels = rng.random((30, 784))
    x = (pixels - 0.3) / 0.5
    augment = aug.for_training(partial(aug.flip, probability=1), mean=0.3, std=0.5)
    out, y = augment(x, np.arange(30), rng=rng)
    np.testing.assert_allclose(out, (pixels.reshape(-1, 28, 28)[:, :, ::-1].reshape(30, 784) - 0.3) / 0.5)
    np.testing.assert_array_equal(y, np.arange(30))
    black, _ = aug.for_training(partial(aug.cutout, size=99), mean=0.3, std=0.5)(x, y, rng=rng)
    np.testing.assert_allclose(black, -0.6)  # 0 among the pixels, not among the standardized numbers


def test_changes_follow_one_another_and_the_blend_comes_last(rng):
    x = rng.random((8, 16))
    double, add = (lambda images, rng: 2 * images), (lambda images, rng: images + 1)
    out, _ = aug.for_training(double, add, side=4)(x, np.zeros(8, int), rng=rng)
    np.testing.assert_allclose(out, 2 * x + 1)
    blended = aug.for_training(add, blend=lambda images, y, rng: (10 * images, -y), side=4)
    out, y = blended(x, np.arange(8), rng=rng)
    np.testing.assert_allclose(out, 10 * (x + 1))
    np.testing.assert_array_equal(y, -np.arange(8))


def test_without_changes_nothing_changes(rng):
    x = rng.standard_normal((5, 784)).astype(np.float32)
    out, _ = aug.for_training(mean=0.286, std=0.353)(x, np.zeros(5, int), rng=rng)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, x, atol=1e-6)


@pytest.mark.parametrize("blend", [None, *BLENDS.values()])
def test_a_network_trains_with_it(blend, rng):
    x = rng.standard_normal((60, 64)).astype(np.float32)
    y = (x[:, :3].sum(axis=1) > 0).astype(int)
    augment = aug.for_training(partial(aug.cutout, size=1), blend=blend, side=8)
    model = MLP((64, 20, 10), activation="relu", initializer="he_normal", rng=rng, dtype=np.float32)
    losses = train(model, x, y, learning_rate=0.1, steps=300, batch_size=20, augment=augment, rng=rng)
    assert losses[-20:].mean() < losses[:5].mean()
    assert model.accuracy(x, y) > 0.8


# What is refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (partial(aug.flip, probability=1.5), r"probability must be 0 … 1, got 1\.5"),
        (partial(aug.shift, reach=-1), r"reach must be whole, 0 … 12, got -1"),
        (partial(aug.shift, reach=1.5), r"reach must be whole, 0 … 12, got 1\.5"),
        (partial(aug.shift, reach=13), r"reach must be whole, 0 … 12, got 13"),
        (partial(aug.crop, size=0), r"size must be whole, 1 … 12, got 0"),
        (partial(aug.crop, size=13), r"size must be whole, 1 … 12, got 13"),
        (partial(aug.brightness, strength=-0.1), r"strength must be 0 … 1, got -0\.1"),
        (partial(aug.contrast, strength=1.1), r"strength must be 0 … 1, got 1\.1"),
        (partial(aug.cutout, size=-2), r"size must be whole, 0 or more, got -2"),
        (partial(aug.cutout, size=2.5), r"size must be whole, 0 or more, got 2\.5"),
    ],
)
def test_arguments_are_checked(change, message, images, rng):
    with pytest.raises(ValueError, match=message):
        change(images, rng=rng)


@pytest.mark.parametrize("blend", [aug.mixup, aug.cutmix])
@pytest.mark.parametrize("alpha", [0, -1, np.inf, np.nan])
def test_alpha_is_checked(blend, alpha, images, rng):
    with pytest.raises(ValueError, match="alpha must be positive"):
        blend(images, np.zeros(40, int), alpha, rng=rng)


@each_blend
@pytest.mark.parametrize("y", [[1, 2], [0.5] * 40, [-1] * 40, [10] * 40, np.ones((40, 3))])
def test_labels_are_checked(name, y, images, rng):
    with pytest.raises(ValueError, match=r"y must hold 40 labels"):
        BLENDS[name](images, y, rng=rng)


@each_change
@pytest.mark.parametrize(
    "images", [np.zeros((3, 784)), np.zeros((2, 28, 28), np.uint8), np.zeros((1, 2, 3, 4, 5))]
)
def test_images_are_checked(name, images, rng):
    with pytest.raises(ValueError, match="images must be"):
        CHANGES[name](images, rng=rng)


# Testing, partners, expected shares


def test_the_middle_window_is_one_that_a_crop_may_take(images, rng):
    wanted = aug.middle(images, 8)
    np.testing.assert_array_equal(wanted[:, 0, 0], images[:, 2, 3])
    many = aug.crop(np.repeat(images[:1], 600, axis=0), 8, rng=rng)
    assert (many == wanted[0]).all(axis=(1, 2)).any()
    np.testing.assert_array_equal(aug.middle(images[:, :, :12], 12), images[:, :, :12])
    with pytest.raises(ValueError, match="size must be whole, 1 … 12, got 13"):
        aug.middle(images, 13)


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_partners_can_be_given(name, images, rng):
    others = np.ones_like(images), np.full(40, 9)
    out, targets = getattr(aug, name)(np.zeros_like(images), np.zeros(40, int), 1.0, rng=rng, others=others)
    np.testing.assert_allclose(out.mean(axis=(1, 2)), targets[:, 9])
    np.testing.assert_allclose(targets[:, 0] + targets[:, 9], 1)


@pytest.mark.parametrize("alpha", [0.1, 1.0, 2.0])
def test_the_pasted_share_is_the_mean_over_many_boxes(alpha, rng):
    images = np.zeros((20_000, 28, 28), np.float32)
    _, targets = aug.cutmix(
        images, np.zeros(20_000, int), alpha, rng=rng, others=(images, np.ones(20_000, int))
    )
    assert targets[:, 1].mean() == pytest.approx(aug.pasted_share(alpha), abs=0.01)


# Keras's layers


@pytest.fixture
def square(rng):
    return rng.random((1000, 28, 28, 1)).astype(np.float32)


def test_flips_are_those_of_keras(square, rng, keras):
    theirs = np.array(keras.layers.RandomFlip("horizontal", seed=1)(square, training=True))
    for out in (theirs, aug.flip(square, rng=rng)):
        mirrored = (out == square[:, :, ::-1]).all(axis=(1, 2, 3))
        assert (mirrored | (out == square).all(axis=(1, 2, 3))).all()
        assert mirrored.mean() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(1000))


def test_brightness_is_that_of_keras(rng, keras):
    gray = np.full((1000, 4, 4, 1), 0.5, np.float32)
    layer = keras.layers.RandomBrightness(0.2, value_range=(0, 1), seed=1)
    for out in (np.array(layer(gray, training=True)), aug.brightness(gray, 0.2, rng=rng)):
        added = (out - gray).mean(axis=(1, 2, 3))
        assert (out - gray).std(axis=(1, 2, 3)).max() < 1e-6
        assert added.std() == pytest.approx(0.2 / np.sqrt(3), abs=0.01)
        assert abs(added).max() <= 0.2 + 1e-6


def test_mixup_is_that_of_keras(rng, keras):
    n = 1000
    told = {"images": np.eye(n, dtype=np.float32).reshape(n, 1, n, 1), "labels": np.eye(n, dtype=np.float32)}
    theirs = keras.layers.MixUp(alpha=0.2, seed=1)(told, training=True)
    ours = dict(zip(told, aug.mixup(told["images"], np.arange(n), 0.2, rng=rng, classes=n), strict=True))
    for out in (theirs, ours):
        targets = np.array(out["labels"])
        np.testing.assert_allclose(np.array(out["images"])[:, 0, :, 0], targets, atol=1e-6)
        weights = np.diag(targets)
        assert weights.mean() == pytest.approx(0.5, abs=0.07)
        assert weights.var() == pytest.approx(1 / (4 * (2 * 0.2 + 1)), abs=0.02)


def test_what_is_labeled_is_what_is_pasted_but_in_keras_not_quite(rng, keras):
    number = np.repeat(np.arange(400, dtype=np.float32), 784).reshape(400, 28, 28, 1)
    told = {"images": number, "labels": np.eye(400, dtype=np.float32)}
    theirs = keras.layers.CutMix(seed=1)(told, training=True)
    out, targets = aug.cutmix(number, np.arange(400), rng=rng, classes=400)

    def kept(images):
        return (np.array(images) == number).mean(axis=(1, 2, 3))

    np.testing.assert_allclose(kept(out), np.diag(targets), atol=1e-6)
    assert 0.01 < np.abs(kept(theirs["images"]) - np.diag(theirs["labels"])).max() < 0.2


def test_erased_boxes_of_keras_stay_inside_and_ours_do_not(rng, keras):
    white = np.ones((1000, 28, 28, 1), np.float32)
    options = {"factor": (1.0, 1.0), "scale": (0.1, 0.1), "fill_value": 0.0, "value_range": (0, 1), "seed": 1}
    erased = np.array(keras.layers.RandomErasing(**options)(white, training=True))
    hidden = [1 - out.mean(axis=(1, 2, 3)) for out in (erased, aug.cutout(white, 9, rng=rng))]
    assert np.ptp(hidden[0]) < 0.05
    assert hidden[1].max() == pytest.approx(81 / 784, abs=1e-6)
    assert hidden[1].min() < 0.6 * hidden[1].max()
