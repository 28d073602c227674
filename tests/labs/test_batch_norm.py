"""The batch normalization lab: what it draws is what the layer computes."""

import numpy as np
import pytest

from helpers import data, labs
from helpers.networks.mlp import MLP
from helpers.numerics.activations import sigmoid, sigmoid_derivative, tanh_derivative
from tests.labs.driving import idle_controls

EPS = 1e-3


@pytest.fixture(scope="module")
def norm_lab():
    return labs.batch_norm_lab()


@pytest.fixture
def norm(norm_lab):
    norm_lab.set(activation="sigmoid", layer=2, gain=7, gamma=1, beta=0, undo=False)
    return norm_lab


def mark(panel, label):
    """Return the mark of a label on a panel."""
    return next(found for found in panel.marks if found.label.startswith(label))


def curves(lab):
    """Return the panels before and after the normalization."""
    return [lab.frame.panel(title) for title in ("before", "after")]


def outputs(lab):
    """Return the panels of the activation's outputs, before and after."""
    return [panel for panel in lab.frame.panels if panel.title.startswith("output")]


def heights(panel):
    """Return how high the bars of a panel stand above its floor."""
    bars = mark(panel, "measured")
    return bars.heights - bars.base


def layer_input(activation, layer, gain):
    """Compute a layer's pre-activations of the lab's network, image by image."""
    x, _ = data.load_batch(256, dtype=np.float64)
    model = MLP((784, *[100] * 5, 10), activation=activation, rng=np.random.default_rng(0))
    h = x
    for W in model.weights[:layer]:
        z = h @ (gain * W)
        h = model.activation.f(z)
    return z


@pytest.mark.parametrize("layer", [1, 3, 5])
@pytest.mark.parametrize(
    ("activation", "slope"), [("sigmoid", sigmoid_derivative), ("tanh", tanh_derivative)]
)
def test_before_and_after_are_those_of_the_layer(norm, activation, slope, layer):
    norm.set(activation=activation, layer=layer, gain=5, gamma=2, beta=-0.5)
    z = layer_input(activation, layer, 5)
    after = 2 * (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + EPS) - 0.5
    largest = slope(np.zeros(1))[0]
    for name, values in (("before", z), ("after", after)):
        expected = {
            "mean": values.mean(),
            "std": values.std(),
            "linear": np.mean(slope(values) >= 0.75 * largest),
            "saturated": np.mean(slope(values) < largest / 20),
            "slope": slope(values).mean(),
        }
        shown = {fact: norm.numbers[f"{fact}_{name}"] for fact in expected}
        assert shown == pytest.approx(expected, rel=1e-6, abs=1e-8)
        told = f"{expected['linear']:.0%} linear, {expected['saturated']:.0%} saturated"
        assert norm.frame.panel(name).title.endswith(f"\n{told}")


def test_bars_count_the_pre_activations(norm):
    z = layer_input("sigmoid", 2, 7)
    counts, _ = np.histogram(np.clip(z, -8, 8), bins=64, range=(-8, 8))
    measured = heights(curves(norm)[0])
    inner = slice(1, -1)  # the end bars hold all that lies beyond
    np.testing.assert_allclose(
        measured[inner] / measured[inner].sum(), counts[inner] / counts[inner].sum(), atol=1e-12
    )
    after = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + EPS)
    for panel, values in zip(outputs(norm), (z, after), strict=True):
        shares, _ = np.histogram(sigmoid(values), bins=50, range=(0, 1))
        (bars,) = panel.marks
        assert (bars.low, bars.high) == (0, 1)
        np.testing.assert_allclose(bars.heights, shares / shares.max(), atol=1e-3)


def test_bars_stand_on_the_floor_under_the_curve_and_its_slope(norm):
    norm.set(activation="tanh")
    for panel in curves(norm):
        f, slope = (mark(panel, label) for label in ("activation f", "its slope"))
        np.testing.assert_allclose(f.y, np.tanh(f.x))
        np.testing.assert_allclose(slope.y, tanh_derivative(slope.x))
        assert mark(panel, "measured").base == panel.y.low == -1
        assert panel.y.high == 1


@pytest.mark.parametrize("layer", [1, 2, 5])
def test_it_holds_a_sigmoid_in_its_linear_part(norm, layer):
    """Of a standard normal variable 73 % lie where the slope is at least 3/4 of the largest: |z| ≤ ln 3."""
    norm.set(layer=layer)
    assert norm.numbers["linear_before"] < 0.4
    assert norm.numbers["linear_after"] == pytest.approx(0.728, abs=0.04)
    assert norm.numbers["saturated_after"] < 0.005 < norm.numbers["saturated_before"]
    assert norm.numbers["slope_after"] > 1.5 * norm.numbers["slope_before"]


def test_a_larger_gamma_lets_it_leave_the_linear_part(norm):
    shares = []
    for gamma in (0.5, 1, 2, 5, 10):
        norm.set(gamma=gamma)
        assert norm.numbers["std_after"] == pytest.approx(gamma, rel=1e-2)
        shares.append(norm.numbers["linear_after"])
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.9
    assert shares[-1] < 0.15


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_undo_gives_back_the_input(norm, activation):
    norm.set(activation=activation, undo=True)
    for fact in ("mean", "std", "linear", "saturated", "slope"):
        assert norm.numbers[f"{fact}_after"] == pytest.approx(norm.numbers[f"{fact}_before"], rel=1e-9)
    before, after = (heights(panel) for panel in curves(norm))
    np.testing.assert_allclose(after, before, atol=1e-3)
    assert "input is back" in norm.frame.words
    told = dict(norm.numbers)
    norm.set(gamma=5, beta=2)
    assert norm.numbers == told


@pytest.mark.parametrize(("gamma", "beta"), [(1, 0), (2, 1.5), (0.5, -2)])
def test_predicted_normal_lies_on_the_bars_after(norm, gamma, beta):
    norm.set(gamma=gamma, beta=beta)
    panel = norm.frame.panel("after")
    z, predicted = mark(panel, "predicted").x, mark(panel, "predicted").y
    density = np.exp(-(((z - beta) / gamma) ** 2) / 2)
    np.testing.assert_allclose(predicted / predicted.max(), density / density.max(), atol=0.06)
    assert np.abs(predicted - heights(panel)).mean() < 0.03


def test_shading_is_where_the_slope_says(norm):
    def shade(label):
        found = mark(norm.frame.panel("before"), label)
        return [*found.left, *found.right]

    assert shade("linear part") == pytest.approx([-np.log(3), np.log(3)], abs=0.05)
    assert shade("saturated") == pytest.approx([-8, 4.36, -4.36, 8], abs=0.05)
    norm.set(activation="tanh")
    assert shade("linear part") == pytest.approx([-np.log(3) / 2, np.log(3) / 2], abs=0.05)


def test_words_when_nothing_is_left_to_normalize(norm):
    assert norm.frame.words == data.notice()
    norm.set(gain=0, beta=2)
    assert "variance is 0" in norm.frame.words
    assert norm.numbers["std_after"] == 0
    assert norm.numbers["mean_after"] == 2
    norm.set(gain=1, layer=5)
    assert "ε = 0.001" in norm.frame.words
    assert norm.numbers["std_after"] < 0.2  # ε outweighs the variance, so it is far from γ = 1
    norm.set(gain=7, layer=2, gamma=0)
    assert "γ is 0" in norm.frame.words


def test_every_control_moves_the_picture():
    assert idle_controls(labs.batch_norm_lab()) == []
