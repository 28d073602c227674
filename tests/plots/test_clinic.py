"""What the clinic sees: charts show the numbers of the patients, findings ring the layers that they name."""

import numpy as np
import pytest

from helpers import clinic
from helpers.clinic import patients
from helpers.plots import clinic as pictures
from helpers.signals.trace import trace
from tests.clinic.cases import CLASSES, WIDTH, network

HEALTHY = {"std": (0.1, 2.0), "grad_z_norm": (0.01, 0.3)}


@pytest.fixture(scope="module")
def charts():
    return {name: patients.chart(patients.BUILDS[name]) for name in ("B", "D", "F")}


@pytest.fixture(scope="module")
def picture(charts):
    return pictures.patient_charts(charts, HEALTHY, alt="three patients")


def columns(picture):
    axes = np.array(picture.axes).reshape(3, -1)
    return dict(zip("BDF", axes.T, strict=True))


def test_a_column_per_patient(picture):
    assert repr(picture) == "<picture: three patients>"
    assert [column[0].get_title() for column in columns(picture).values()] == ["B", "D", "F"]
    assert picture._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("row", [0, 1])
def test_signal_and_gradient_are_the_traces(picture, charts, row):
    quantity = ("std", "grad_z_norm")[row]
    for name, column in columns(picture).items():
        drawn = column[row].get_lines()[0].get_ydata()
        values = np.abs(charts[name].before.per_layer(quantity))
        assert np.allclose(10.0**drawn, np.maximum(values, 10.0**pictures.LOWEST))


def test_the_healthy_band_is_drawn(picture):
    band = columns(picture)["D"][0].patches[0]
    assert np.allclose(10 ** np.array([band.get_y(), band.get_y() + band.get_height()]), HEALTHY["std"])


def test_losses_are_the_recordings_and_nan_is_said(picture, charts):
    column = columns(picture)["B"][2]
    for line, name in zip(column.get_lines(), ("loss", "val_loss"), strict=False):
        steps, values = charts["B"].recording.logged(name)
        assert np.array_equal(line.get_xdata(), steps)
        assert np.allclose(line.get_ydata(), np.minimum(values, pictures.LOSS_SHOWN))
    assert [text.get_text() for text in columns(picture)["D"][2].texts][:1] == ["nan"]
    assert not column.texts


def test_ends_show_every_seed():
    sick, treated = {"A": [3.0, 2.0, 9.0], "B": [np.nan] * 3}, {"A": [0.5, 0.6, 0.7]}
    axes = pictures.final_losses(sick, treated).axes[0]
    drawn = [list(line.get_ydata()) for line in axes.get_lines() if len(line.get_ydata()) == 3]
    assert drawn == [[3.0, 2.0, 4.0], [4.0] * 3, [0.5, 0.6, 0.7]]
    assert [text.get_text() for text in axes.texts] == ["nan"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["A", "B"]


@pytest.fixture
def batch(rng):
    return rng.normal(size=(64, WIDTH)), rng.integers(CLASSES, size=64)


def test_findings_are_marked_on_the_layers_that_they_name(batch):
    model = network("sigmoid", 8)
    signals = trace(model, 100 * batch[0], batch[1])
    found = clinic.examine(signals)
    picture = pictures.marked_layers(signals, found)
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
    assert len(pictures.marked_layers(signals, found)._repr_png_()) > 5000
    assert (pictures.marked_layers(signals, found).get_suptitle() == "no findings") == (gain == 1)
