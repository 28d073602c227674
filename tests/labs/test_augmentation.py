"""The augmentation lab: what is drawn and read out agrees with numerics computed apart."""

from itertools import pairwise

import numpy as np
import pytest

from helpers import data, labs
from helpers.labs import augmentation as module
from helpers.numerics import augmentation
from tests.labs.driving import idle_controls, mark

BLENDS = ("mixup", "cutmix")


@pytest.fixture(scope="module")
def lab():
    return labs.augmentation_lab()


@pytest.fixture(scope="module")
def pixels():
    return data.load_batch(module.MANY, standardize=False, dtype=np.float64)


def image(lab, title):
    """Return the pixels of the image in the panel of this title."""
    return mark(lab.frame.panel(title), "image").values


def original(lab):
    return image(lab, "original")


def shown(lab):
    return np.array([image(lab, f"draw {k + 1}") for k in range(module.SHOWN)])


def captions(lab):
    return [mark(lab.frame.panel(f"draw {k + 1}"), "small text").words[0] for k in range(module.SHOWN)]


def widths(lab):
    """Return how far the bars of the label mass reach; they lie one below the other, as the names do."""
    panel = lab.frame.panel(module.TEXT["mass"])
    bars = mark(panel, "strong bars")
    np.testing.assert_array_equal(np.round((bars.bottom + bars.top) / 2), list(panel.y.ticks))
    assert list(panel.y.ticks.values()) == list(data.CLASS_NAMES)
    assert panel.y.low > panel.y.high  # the first class is at the top
    return bars.right - bars.left


def expected(lab):
    """Return the predicted label mass, where the dashes stand."""
    dashes = mark(lab.frame.panel(module.TEXT["mass"]), "guide")
    ends = dashes.x.reshape(-1, 3)[:, :2]
    np.testing.assert_array_equal(ends[:, 0], ends[:, 1])
    return ends[:, 0]


@pytest.mark.parametrize("chosen", [0, 7, module.IMAGES - 1])
def test_the_original_is_the_image_chosen(lab, pixels, chosen):
    lab.set(method="flip", strength=0, image=chosen, seed=0)
    x, y = pixels
    np.testing.assert_array_equal(original(lab), x[chosen].reshape(28, 28))
    np.testing.assert_array_equal(shown(lab), np.repeat(x[chosen].reshape(1, 28, 28), module.SHOWN, axis=0))
    assert lab.numbers["class_name"] == data.CLASS_NAMES[y[chosen]]
    assert lab.numbers["pixels_changed"] == 0
    assert "nothing is changed" in lab.frame.words


def test_flips_are_the_image_or_its_mirror_image(lab):
    lab.set(method="flip", strength=0.5, image=1, seed=2)
    mirrored = [np.array_equal(draw, original(lab)[:, ::-1]) for draw in shown(lab)]
    kept = [np.array_equal(draw, original(lab)) for draw in shown(lab)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert any(mirrored)
    assert any(kept)
    lab.set(strength=1)
    np.testing.assert_allclose(image(lab, module.TEXT["mean"]), original(lab)[:, ::-1], atol=1e-12)


@pytest.mark.parametrize("chosen", range(12))
def test_only_shoes_are_warned_of_when_flipped(lab, pixels, chosen):
    lab.set(method="flip", strength=0.5, image=chosen)
    assert (module.TEXT["shoe"] == lab.frame.words) == (pixels[1][chosen] in (5, 7, 9))


@pytest.mark.parametrize("method", ["shift", "crop", "brightness", "contrast", "cutout"])
def test_the_draws_are_those_of_the_numerics(lab, method):
    lab.set(method=method, strength=0.4, image=3, seed=9)
    copies = np.repeat(original(lab)[None], module.MANY, axis=0)
    value = module.METHODS[method].parameter(0.4)
    assert value == lab.numbers[module.METHODS[method].meaning]
    wanted = getattr(augmentation, method)(copies, value, rng=np.random.default_rng(9))
    np.testing.assert_array_equal(shown(lab), wanted[: module.SHOWN])
    np.testing.assert_allclose(image(lab, module.TEXT["mean"]), wanted.mean(axis=0))
    assert lab.numbers["pixels_changed"] == pytest.approx(np.mean(np.abs(wanted - copies) > 1e-9))
    np.testing.assert_array_equal(widths(lab), np.eye(10)[data.CLASS_NAMES.index(lab.numbers["class_name"])])


@pytest.mark.parametrize("method", BLENDS)
@pytest.mark.parametrize("strength", [0.05, 0.5, 1])
def test_label_mass_is_near_its_prediction_and_sums_to_one(lab, method, strength):
    for chosen in (0, 5):
        lab.set(method=method, strength=strength, image=chosen, seed=1)
        assert widths(lab).sum() == pytest.approx(1)
        assert expected(lab).sum() == pytest.approx(1)
        own = data.CLASS_NAMES.index(lab.numbers["class_name"])
        assert lab.numbers["own_label"] == pytest.approx(widths(lab)[own])
        error = 5 * 0.5 / np.sqrt(module.MANY)
        np.testing.assert_allclose(widths(lab), expected(lab), atol=error)
        assert expected(lab)[own] < 0.85


def test_a_caption_tells_the_partner_and_its_share(lab, pixels):
    lab.set(method="mixup", strength=0.5, image=0, seed=3)
    x, y = pixels
    assert sum(map(bool, captions(lab))) > module.SHOWN / 2
    for draw, caption in zip(shown(lab), captions(lab), strict=True):
        share, _, name = caption.partition(" ")
        if not share:
            continue
        candidates = x[y == data.CLASS_NAMES.index(name)].reshape(-1, 28, 28)
        blends = (1 - float(share)) * original(lab) + float(share) * candidates
        assert np.abs(blends - draw).max(axis=(1, 2)).min() < 0.011  # the share is told to two digits
    lab.set(method="shift")
    assert captions(lab) == [""] * module.SHOWN


def test_the_borders_are_those_of_the_first_draw(lab):
    lab.set(method="pooling", strength=0.5, image=0, seed=4)
    borders = mark(lab.frame.panel("original"), "border")
    x, y = borders.x, borders.y
    level = np.unique(y[0::3][x[0::3] == -0.5])
    assert len(level) == 22  # 21 regions
    rows = (np.sort(np.unique(y[: 3 * 22 : 3])) + 0.5).astype(int)
    columns = (np.sort(np.unique(x[3 * 22 :: 3])) + 0.5).astype(int)
    assert set(np.diff(rows)) == set(np.diff(columns)) == {1, 2}
    pooled = module.fractional_max_pool_forward
    first, whole = shown(lab)[0], original(lab)
    again, _ = pooled(whole[None], 21, rng=np.random.default_rng(4))
    np.testing.assert_array_equal(first, again[0])
    by_hand = [[whole[a : b + 1, c : d + 1].max() for c, d in pairwise(columns)] for a, b in pairwise(rows)]
    np.testing.assert_array_equal(first, by_hand)
    lab.set(method="flip")
    assert len(lab.frame.panel("original").marks) == 1  # the image alone


def test_pooled_images_stand_in_the_middle_at_their_own_size(lab):
    lab.set(method="pooling", strength=1)
    assert shown(lab)[0].shape == image(lab, module.TEXT["mean"]).shape == (14, 14)
    assert mark(lab.frame.panel("draw 1"), "image").extent == (6.5, 20.5, 20.5, 6.5)
    assert mark(lab.frame.panel("original"), "image").extent == (-0.5, 27.5, 27.5, -0.5)
    lab.set(method="shift")
    assert mark(lab.frame.panel("draw 1"), "image").extent == (-0.5, 27.5, 27.5, -0.5)


def test_another_seed_gives_other_draws(lab):
    lab.set(method="cutout", strength=0.3, seed=0)
    before = shown(lab)
    lab.set(seed=1)
    assert not np.array_equal(shown(lab), before)
    lab.set(seed=0)
    np.testing.assert_array_equal(shown(lab), before)


def test_a_large_square_is_warned_of(lab):
    lab.set(method="cutout", strength=0.3)
    assert "can hide all" not in lab.frame.words
    lab.set(strength=0.8)
    assert "can hide all" in lab.frame.words


def test_a_closed_lab_keeps_its_text_and_no_image():
    lab = labs.augmentation_lab(method="mixup")
    lab.close()
    assert lab.frame.panels == ()
    assert "mixup" in repr(lab)


@pytest.mark.parametrize("method", module.METHODS)
def test_every_number_is_told_in_words(lab, method):
    lab.set(method=method, strength=0.5)
    told = [words for words, _ in lab.frame.readout]
    assert told[1:] == [
        "class of the original",
        "share of the pixels changed",
        "label mass of its own class",
        "label mass of all classes",
    ]
    assert len(told[0].split()) > 1


def test_every_control_moves_the_picture():
    assert idle_controls(labs.augmentation_lab()) == []
