"""What the clinic sees: charts of patients show the numbers of the charts, findings are ringed."""

import numpy as np
import pytest

from helpers.clinic import patients
from helpers.plots import clinic

HEALTHY = {"std": (0.1, 2.0), "grad_z_norm": (0.01, 0.3)}


@pytest.fixture(scope="module")
def charts():
    return {name: patients.chart(patients.BUILDS[name]) for name in ("B", "D", "F")}


@pytest.fixture(scope="module")
def picture(charts):
    return clinic.patient_charts(charts, HEALTHY, alt="three patients")


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
        assert np.allclose(10.0**drawn, np.maximum(values, 10.0**clinic.LOWEST))


def test_the_healthy_band_is_drawn(picture):
    band = columns(picture)["D"][0].patches[0]
    assert np.allclose(10 ** np.array([band.get_y(), band.get_y() + band.get_height()]), HEALTHY["std"])


def test_losses_are_the_recordings_and_nan_is_said(picture, charts):
    column = columns(picture)["B"][2]
    for line, name in zip(column.get_lines(), ("loss", "val_loss"), strict=False):
        steps, values = charts["B"].recording.logged(name)
        assert np.array_equal(line.get_xdata(), steps)
        assert np.allclose(line.get_ydata(), np.minimum(values, clinic.LOSS_SHOWN))
    assert [text.get_text() for text in columns(picture)["D"][2].texts][:1] == ["nan"]
    assert not column.texts


def test_ends_show_every_seed():
    sick, treated = {"A": [3.0, 2.0, 9.0], "B": [np.nan] * 3}, {"A": [0.5, 0.6, 0.7]}
    axes = clinic.final_losses(sick, treated).axes[0]
    drawn = [list(line.get_ydata()) for line in axes.get_lines() if len(line.get_ydata()) == 3]
    assert drawn == [[3.0, 2.0, 4.0], [4.0] * 3, [0.5, 0.6, 0.7]]
    assert [text.get_text() for text in axes.texts] == ["nan"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["A", "B"]
