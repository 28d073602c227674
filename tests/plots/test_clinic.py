"""The picture of findings: rings on the layers that they name."""

import numpy as np
import pytest

from helpers import clinic
from helpers.plots.clinic import marked
from helpers.signals.trace import trace
from tests.clinic.cases import CLASSES, WIDTH, network


@pytest.fixture
def batch(rng):
    return rng.normal(size=(64, WIDTH)), rng.integers(CLASSES, size=64)


def test_findings_are_marked_on_the_layers_that_they_name(batch):
    model = network("sigmoid", 8)
    signals = trace(model, 100 * batch[0], batch[1])
    found = clinic.examine(signals)
    picture = marked(signals, found)
    panels = picture.axes
    assert [panel.get_title() for panel in panels] == [
        "std of z",
        "norm of the gradient of z",
        "share of units",
    ]
    rings = {line.get_label(): line for panel in panels for line in panel.lines if "(" in line.get_label()}
    vanished = rings["vanishing_gradient (severe)"]
    assert tuple(f"layer {x}" for x in vanished.get_xdata()) == found.layers_of("vanishing_gradient")
    np.testing.assert_allclose(10 ** vanished.get_ydata()[0], signals.layers[0].grad_z_norm)
    assert vanished in panels[1].lines
    assert rings["saturated_units (severe)"] in panels[2].lines
    assert "unscaled_inputs (severe)" in picture.get_suptitle()
    assert "vanishing_gradient" in picture.alt


@pytest.mark.parametrize("gain", [0, 1, 1e60])
def test_the_figure_shows_any_trace(gain, batch):
    signals = trace(network(gain=gain), *batch)
    found = clinic.examine(signals)
    assert len(marked(signals, found)._repr_png_()) > 5000
    assert (marked(signals, found).get_suptitle() == "no findings") == (gain == 1)
