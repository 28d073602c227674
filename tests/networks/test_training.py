"""Training: every step as told, clipping by the joint norm and array by array, mini-batches, penalties."""

import numpy as np
import pytest

from helpers.networks.builders import dense_stack
from helpers.networks.mlp import MLP, Gradients, cross_entropy
from helpers.networks.training import _mini_batches, clip_by_norm, clip_each, train
from helpers.numerics.activations import ACTIVATIONS

SIZES = (6, 5, 4, 3)


@pytest.fixture
def model(rng):
    return MLP(SIZES, bias_std=0.3, rng=rng)


@pytest.fixture
def batch(rng):
    return rng.normal(size=(8, 6)), rng.integers(3, size=8)


# Clipping


def joint_norm(gradients):
    return np.sqrt(sum(np.sum(g.astype(float) ** 2) for g in gradients.of_parameters()))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clipping_brings_the_joint_norm_to_the_limit(dtype, model, batch):
    _, gradients = model.loss_and_gradients(*batch)
    gradients = gradients._replace(
        **{k: [a.astype(dtype) for a in getattr(gradients, k)] for k in ("dW", "db")}
    )
    clipped = clip_by_norm(gradients, 0.01)
    assert joint_norm(clipped) == pytest.approx(0.01, rel=1e-6)
    factor = 0.01 / joint_norm(gradients)
    for a, b in zip((*gradients.dW, *gradients.db), (*clipped.dW, *clipped.db), strict=True):
        np.testing.assert_allclose(b, factor * a, rtol=1e-6)


def test_clipping_leaves_small_gradients_alone(model, batch):
    _, gradients = model.loss_and_gradients(*batch)
    clipped = clip_by_norm(gradients, 1e6)
    assert all(np.array_equal(a, b) for a, b in zip(gradients.dW, clipped.dW, strict=True))
    zero = Gradients([], [np.zeros((2, 2))], [np.zeros(2)], [])
    assert not clip_by_norm(zero, 1.0).dW[0].any()


def test_clipping_survives_squares_that_overflow_float32():
    huge = Gradients([], [np.full((2, 2), 1e30, np.float32)], [np.zeros(2, np.float32)], [])
    np.testing.assert_allclose(clip_by_norm(huge, 1.0).dW[0], 0.5, rtol=1e-6)


@pytest.mark.parametrize("limit", [0, -1.0, float("nan")])
@pytest.mark.parametrize("clip", [clip_by_norm, clip_each])
def test_clipping_needs_a_positive_limit(clip, limit, model, batch):
    with pytest.raises(ValueError, match=f"limit must be positive, got {limit}"):
        clip(model.loss_and_gradients(*batch)[1], limit)


@pytest.mark.parametrize("options", [{}, {"normalized": "before"}, {"skips": True}], ids=str)
def test_the_joint_norm_is_that_of_all_parameters_of_a_stack(options, batch, rng):
    stack = dense_stack((6, 5, 5, 3), rng=rng, **options)
    _, gradients = stack.loss_and_gradients(*batch)
    clipped = clip_by_norm(gradients, 0.01)
    assert joint_norm(gradients) > 0.01
    assert joint_norm(clipped) == pytest.approx(0.01)
    factor = 0.01 / joint_norm(gradients)
    assert list(clipped.parameters) == list(gradients.parameters)
    for a, b in zip(gradients.of_parameters(), clipped.of_parameters(), strict=True):
        np.testing.assert_allclose(b, factor * a)
    same = clip_by_norm(gradients, 1e6)
    assert all(map(np.array_equal, same.of_parameters(), gradients.of_parameters()))


@pytest.mark.parametrize("build", [MLP, dense_stack])
def test_clip_each_shrinks_every_array_by_itself(build, batch, rng):
    _, gradients = build(SIZES, rng=rng).loss_and_gradients(*batch)
    before = [np.linalg.norm(g) for g in gradients.of_parameters()]
    limit = np.median(before)
    after = [np.linalg.norm(g) for g in clip_each(gradients, limit).of_parameters()]
    np.testing.assert_allclose(after, np.minimum(before, limit))
    assert min(before) < limit < max(before)


def test_clip_each_survives_squares_that_overflow_float32():
    huge = Gradients([], [np.full((2, 2), 1e30, np.float32)], [np.zeros(2, np.float32)], [])
    clipped = clip_each(huge, 1.0)
    np.testing.assert_allclose(clipped.dW[0], 0.5, rtol=1e-6)
    assert not clipped.db[0].any()


# Steps


@pytest.mark.parametrize(("n", "batch_size"), [(12, 4), (12, 12), (12, 1), (13, 4)])
def test_mini_batches_visit_each_example_once_an_epoch(n, batch_size, rng):
    batches = _mini_batches(n, batch_size, rng)
    epochs = [np.concatenate([next(batches) for _ in range(n // batch_size)]) for _ in range(3)]
    for order in epochs:
        assert (
            len(set(order)) == n // batch_size * batch_size
        )  # no example twice; an incomplete batch is left out
        assert set(order) <= set(range(n))
    assert not np.array_equal(epochs[0], epochs[1])


def separable(rng, n=200):
    x = rng.normal(size=(n, 6))
    return x, (x[:, 0] + x[:, 1] > 0).astype(int)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_training_lowers_the_loss(name, rng):
    x, y = separable(rng)
    model = MLP((6, 16, 2), activation=name, initializer=ACTIVATIONS[name].initializer, rng=rng)
    before, _ = cross_entropy(model.forward(x).logits, y)
    losses = train(model, x, y, learning_rate=0.3, steps=150, rng=rng)
    after, _ = cross_entropy(model.forward(x).logits, y)
    assert after < 0.5 * before
    assert model.accuracy(x, y) > 0.9
    assert losses.shape == (150,)
    assert losses[-20:].mean() < losses[:20].mean()


def test_training_reports_each_step(rng):
    x, y = separable(rng)
    seen = []
    losses = train(
        MLP((6, 4, 2), rng=rng),
        x,
        y,
        learning_rate=0.1,
        steps=5,
        rng=rng,
        after_step=lambda *now: seen.append(now),
    )
    assert [step for step, _, _ in seen] == list(range(5))
    assert np.array_equal([loss for _, loss, _ in seen], losses)


def test_clipping_bounds_each_step_of_training(rng):
    x, y = separable(rng)
    model = MLP((6, 4, 2), gain=20, rng=rng)
    before = [W.copy() for W in model.weights]
    train(model, x, y, learning_rate=0.5, steps=3, clip_norm=1e-3, rng=rng)
    moved = np.sqrt(sum(np.sum((a - b) ** 2) for a, b in zip(before, model.weights, strict=True)))
    assert 0 < moved <= 3 * 0.5 * 1e-3


class Halves:
    """A penalty whose gradient is half of the weights."""

    def gradient(self, W):
        return W / 2


@pytest.mark.parametrize("build", [MLP, dense_stack])
def test_a_penalty_is_added_to_the_gradient_of_the_weights_alone(build, rng):
    x, y = separable(rng)
    plain, penalized = (build((6, 4, 2), rng=np.random.default_rng(1)) for _ in range(2))
    before = [array.copy() for array in parameters_of(plain)]
    for model, penalty in ((plain, None), (penalized, Halves())):
        train(model, x, y, learning_rate=0.5, steps=1, penalty=penalty, rng=np.random.default_rng(2))
    for start, a, b in zip(before, parameters_of(plain), parameters_of(penalized), strict=True):
        np.testing.assert_allclose(b, a - 0.25 * start if start.ndim == 2 else a, rtol=1e-12, atol=1e-15)


def parameters_of(model):
    if isinstance(model, MLP):
        return [*model.weights, *model.biases]
    return [array for layer in model.flat() if layer.kind == "dense" for array in (layer.W, layer.b)]


def test_the_penalty_is_clipped_with_the_gradient(rng):
    x, y = np.zeros((8, 6)), np.zeros(8, int)  # on which no weight has a gradient of its own
    model = MLP((6, 4, 2), rng=rng)
    before = [array.copy() for array in parameters_of(model)]
    train(model, x, y, learning_rate=1, steps=1, batch_size=8, clip_norm=1e-3, penalty=Halves(), rng=rng)
    moves = [a - b for a, b in zip(before, parameters_of(model), strict=True)]
    assert np.sqrt(sum(np.sum(move**2) for move in moves)) == pytest.approx(1e-3, rel=1e-6)
    assert all(move.any() for move in moves[: len(model.weights)])


def test_augmentation_makes_the_mini_batches(rng):
    x, y = separable(rng)
    seen = []

    def blank(images, labels, *, rng):
        seen.append((images.copy(), labels.copy()))
        return np.zeros_like(images), np.full((len(labels), 2), 0.5)

    model = MLP((6, 4, 2), bias_std=1, rng=rng)
    expected = cross_entropy(model.forward(np.zeros((8, 6))).logits, np.full((8, 2), 0.5))[0]
    losses = train(model, x, y, learning_rate=1e-9, steps=30, batch_size=8, augment=blank, rng=rng)
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    assert len(seen) == 30
    visited = {tuple(image) for images, _ in seen[:25] for image in images}
    assert visited == {tuple(image) for image in x}  # 25 batches of 8 are one epoch, handed over as they are
    assert all(
        label == (image[0] + image[1] > 0)
        for images, labels in seen
        for image, label in zip(images, labels, strict=True)
    )


def test_diverging_training_ends_in_nan_without_a_warning(rng):
    x, y = separable(rng)
    model = MLP((6, 8, 8, 2), activation="relu", gain=10, rng=rng, dtype=np.float32)
    losses = train(model, x.astype(np.float32), y, learning_rate=1e6, steps=40, rng=rng)
    assert not np.isfinite(losses[-1])


@pytest.mark.parametrize("batch_size", [0, 201, -1])
def test_batch_size_is_checked(batch_size, rng):
    x, y = separable(rng)
    with pytest.raises(ValueError, match=f"1 … 200, got {batch_size}"):
        train(MLP((6, 2), rng=rng), x, y, learning_rate=0.1, steps=1, batch_size=batch_size, rng=rng)
