"""The depth lab and the numerics behind it: measured against the Trace, predicted against measured."""

from dataclasses import replace

import numpy as np
import pytest

from helpers import data, labs
from helpers.labs import depth as module
from helpers.labs.wording import range_in_words
from helpers.networks import builders, training
from helpers.numerics import theory
from helpers.plots import hundred
from helpers.signals import flow, recording
from helpers.signals.trace import trace

SIZES = (784, *[100] * 40, 10)
# ReLU wanders: ln E[h²] gets the variance 5 / width at each layer, so that theory is tested on wide networks.
WIDE = (784, *[300] * 20, 10)
BROKEN = {
    "kept": builders.Design(),
    "Glorot": builders.Design(initializer="glorot_normal"),
    "He": builders.Design(initializer="he_normal"),
    "dropout": builders.Design(dropout=0.1),
    "alpha dropout": builders.Design(alpha_dropout=0.1),
    "alpha dropout, tanh": builders.Design("tanh", "glorot_normal", alpha_dropout=0.2),
}


@pytest.fixture(scope="module")
def batch():
    return data.load_batch(100, dtype=np.float64)


@pytest.fixture(scope="module")
def lab():
    return labs.depth_lab()


@pytest.fixture
def at_start(lab):
    lab.set(**labs.depth_lab().values)
    return lab


def flows(design, batch, sizes=SIZES, seeds=5):
    return [flow.flow(design.stack(sizes, rng=np.random.default_rng(seed)), *batch) for seed in range(seeds)]


@pytest.mark.parametrize("name", builders.DESIGNS)
def test_flow_is_what_a_trace_says(name, batch):
    net = builders.DESIGNS[name].stack(SIZES, rng=np.random.default_rng(0))
    seen, signals = flow.flow(net, *batch), trace(net, *batch)
    assert np.allclose(seen.mean, signals.per_layer("mean"), rtol=1e-9, atol=1e-12)
    assert np.allclose(seen.std, signals.per_layer("std"), rtol=1e-9)
    assert np.allclose(seen.grad_z_norm, signals.per_layer("grad_z_norm"), rtol=1e-9)
    assert np.allclose(seen.output_error, signals.output_error, rtol=1e-9)


def test_flow_leaves_the_random_numbers_alone(batch):
    net = builders.Design(dropout=0.3).stack(SIZES, rng=np.random.default_rng(0))
    one, two = flow.flow(net, *batch), flow.flow(net, *batch)
    assert np.array_equal(one.grad_z_norm, two.grad_z_norm)


def test_what_is_handed_on_is_after_dropout_and_skip():
    x = np.ones((4, 3))
    net = builders.Design("linear", "orthogonal", skips=True).stack(
        (3, 3, 3, 2), rng=np.random.default_rng(0)
    )
    W = [layer.W for layer in net.flat() if layer.kind == "dense"]
    h = x + x @ W[0]
    assert np.allclose(flow.flow(net, x, np.zeros(4, int)).std, [h.std(), (h + h @ W[1]).std()])


@pytest.mark.parametrize("name", [*builders.DESIGNS, *BROKEN])
def test_the_prediction_holds(name, batch):
    design = (builders.DESIGNS | BROKEN)[name]
    runs = flows(design, batch, WIDE)
    predicted = theory.predicted_flow(design, WIDE, batch[0], runs[0].output_error)
    for quantity, within in (("std", 1.35), ("grad_z_norm", 2.0)):
        measured = np.median([getattr(run, quantity) for run in runs], axis=0)
        ratio = measured / getattr(predicted, quantity)
        assert 1 / within < ratio.min() <= ratio.max() < within
    measured = np.median([run.mean for run in runs], axis=0)
    assert np.allclose(measured, predicted.mean, atol=0.2 * max(1, predicted.std.max()))


def test_selus_gradient_grows_32_fold_over_a_hundred_layers(batch):
    sizes = (784, *[200] * 100, 10)
    runs = flows(builders.Design(), batch, sizes)
    growth = np.median([run.grad_z_norm[0] / run.grad_z_norm[-1] for run in runs])
    assert theory.chi("selu") ** 50 == pytest.approx(32, abs=1)
    assert 20 < growth < 60
    assert all(0.7 < run.std[-1] < 1.3 for run in runs)


def test_batch_norms_factor_is_pi_over_pi_minus_1(batch):
    design = builders.DESIGNS["ReLU + He + batch norm"]
    predicted = theory.predicted_flow(design, SIZES, batch[0], np.ones(100))
    factor = (predicted.grad_z_norm[9] / predicted.grad_z_norm[19]) ** (2 / 10)
    assert factor == pytest.approx(np.pi / (np.pi - 1), rel=0.005)  # Keras's ε takes a little


def test_alpha_dropout_keeps_the_signal_and_loses_the_gradient(batch):
    runs = flows(builders.Design(alpha_dropout=0.1), batch, (784, *[100] * 100, 10))
    assert all(0.8 < run.std[-1] < 1.2 for run in runs)
    assert all(run.grad_z_norm[0] < 1e-3 * run.grad_z_norm[-1] for run in runs)


def test_skips_have_a_prediction_of_the_signal_only(batch):
    design = builders.Design(skips=True)
    runs = flows(design, batch)
    predicted = theory.predicted_flow(design, SIZES, batch[0], runs[0].output_error)
    assert np.isnan(predicted.grad_z_norm[:-1]).all()
    assert 0.5 < np.median([run.std[-1] for run in runs]) / predicted.std[-1] < 2
    both = theory.predicted_flow(replace(design, normalized="before"), SIZES, batch[0], runs[0].output_error)
    assert np.isnan(both.std).all()


def test_clip_each_shrinks_every_array_by_itself(batch):
    net = builders.Design().stack((784, 20, 20, 10), rng=np.random.default_rng(0))
    gradients = net.loss_and_gradients(*batch)[1]
    norms = [np.linalg.norm(g) for g in training.clip_each(gradients, 0.01).of_parameters()]
    before = [np.linalg.norm(g) for g in gradients.of_parameters()]
    assert np.allclose(norms, np.minimum(before, 0.01))
    with pytest.raises(ValueError, match="positive, got 0"):
        training.clip_each(gradients, 0)


def test_recorded_training_trains_and_records(batch):
    net = builders.Design().stack((784, 20, 20, 10), rng=np.random.default_rng(0))
    W = net.layers[0].W.copy()
    rng = np.random.default_rng(1)
    run = recording.recorded_training(net, *batch, learning_rate=0.1, steps=21, every=10, rng=rng)
    assert list(run.steps) == [0, 10, 20]
    assert run.gradient.shape == run.ratio.shape == (3, 3)
    assert (run.counts.sum(axis=2) == 64 * np.array([20, 20, 10])).all()
    assert run.loss[-1] < run.loss[0]
    assert not np.array_equal(W, net.layers[0].W)
    assert "done" in repr(run)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        recording.recorded_training(net, *batch, learning_rate=0.1, steps=1, every=0, rng=rng)


def test_the_recorded_ratio_is_that_of_the_step(batch):
    x, y = (part[:64] for part in batch)
    net = builders.Design().stack((784, 20, 10), rng=np.random.default_rng(0))
    W = net.layers[0].W.copy()
    run = recording.recorded_training(net, x, y, learning_rate=0.5, steps=1, rng=np.random.default_rng(1))
    assert run.ratio[0, 0] == pytest.approx(np.linalg.norm(net.layers[0].W - W) / np.linalg.norm(W))


def test_the_lab_shows_a_flow_and_its_prediction(at_start):
    at_start.set(network="tanh + Glorot", depth=20, width=50, seed=3)
    x, y = data.load_batch(64)
    deepest = (784, *[50] * 100, 10)
    net = builders.DESIGNS["tanh + Glorot"].stack(deepest, rng=np.random.default_rng(3), dtype=np.float32)
    weights = [layer.W for layer in net.flat() if layer.kind == "dense"]
    sizes = (784, *[50] * 20, 10)
    shown = [*weights[:20], weights[-1]]
    net = builders.DESIGNS["tanh + Glorot"].stack(sizes, rng=np.random.default_rng(3), weights=shown)
    seen = flow.flow(net, x, y)
    predicted = theory.predicted_flow(builders.DESIGNS["tanh + Glorot"], sizes, x, seen.output_error)
    for name, quantity in (("std", "std"), ("gradient", "grad_z_norm")):
        panel = at_start.panels[name]
        assert np.allclose(10 ** panel.measured.get_ydata(), getattr(seen, quantity), rtol=1e-3)
        assert np.allclose(10 ** panel.predicted.get_ydata(), getattr(predicted, quantity), rtol=1e-3)
    assert at_start.numbers["growth"] == pytest.approx(seen.grad_z_norm[0] / seen.grad_z_norm[-1], rel=1e-3)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "predicted: ×"),
        ({"skips": True}, "no theory with skips"),
        ({"network": "sigmoid + Glorot"}, "The gradient has vanished"),
        ({"network": "ReLU + He", "skips": True, "inputs": "pixels 0 to 255", "dropout": 0.5, "width": 300},
         "changes by ×"),
        ({"depth": 1}, "nothing to compare"),
    ],
)  # fmt: skip
def test_the_lab_explains_itself(at_start, settings, words):
    at_start.set(**settings)
    assert at_start.trouble is None
    assert words in at_start._message.get_text()


@pytest.mark.parametrize("network", builders.DESIGNS)
@pytest.mark.parametrize("width", [10, 100, 300])
def test_the_lab_survives_all_at_once_at_full_depth(at_start, network, width):
    for inputs in module.INPUTS:
        at_start.set(
            network=network, width=width, inputs=inputs, initializer="he_normal",
            dropout=0.5, alpha_dropout=0.5, skips=True,
        )  # fmt: skip
        assert at_start.trouble is None
        assert at_start.frames


def test_the_lab_keeps_a_step_small():
    assert module.images_for((784, *[100] * 100, 10)) == 64
    assert module.images_for((784, *[300] * 100, 10)) == module.MIN_IMAGES


def test_closing_drops_the_weights():
    lab = labs.depth_lab(depth=3, width=10)
    lab.close()
    assert lab._weights == (None, None)


def test_out_of_range_is_put_in_words():
    fine, one = np.ones(3), np.array([1.0, np.inf, np.nan])
    assert range_in_words(fine, fine) == ""
    assert "from layer 2 on" in range_in_words(one, fine)
    assert "gradient is too large" in range_in_words(fine, one)
    assert "up to layer 2" in range_in_words(fine, np.array([0.0, 1e-40, 1.0]))


def test_pictures_of_the_lesson(batch):
    sizes = (784, *[20] * 6, 10)
    runs = {"kept": flows(builders.Design(), batch, sizes, 2)}
    expected = {
        "kept": theory.predicted_flow(builders.Design(), sizes, batch[0], runs["kept"][0].output_error)
    }
    limits = {"mean": (-1, 1), "variance": (0.1, 10), "gradient": (1e-3, 10)}
    picture = hundred.flow_panels(runs, expected, limits=limits, alt="a picture")
    measured, dashed = picture.axes[1].get_lines()[:2]
    assert np.allclose(measured.get_ydata(), np.median([run.std**2 for run in runs["kept"]], axis=0))
    assert np.allclose(dashed.get_ydata(), expected["kept"].std ** 2)
    net = builders.Design().stack(sizes, rng=np.random.default_rng(0))
    run = recording.recorded_training(net, *batch, learning_rate=0.1, steps=5, every=2, rng=net.rng)
    first, last = hundred.gradient_panels({"SELU + LeCun": run}, alt="a picture").axes[0].get_lines()
    assert np.allclose(first.get_ydata(), run.gradient[0])
    assert np.allclose(last.get_ydata(), run.gradient[-1])
    lines = hundred.update_panels({"SELU + LeCun": run}, alt="a picture").axes[0].get_lines()
    assert np.allclose(lines[0].get_ydata(), run.ratio[:, 0])
    assert set(lines[-1].get_ydata()) == {1e-3}
