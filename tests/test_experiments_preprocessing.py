"""The studies of lesson 05: each way of preparing against its formula, on the training images alone."""

import numpy as np
import pytest

from experiments import patient_inputs, preprocessing
from helpers.networks import patient, prepared
from helpers.numerics import preprocessing as formulas


@pytest.mark.parametrize("way", ["PCA-whitened", "ZCA"])
def test_whitened_inputs_are_those_of_the_formula(way):
    x = prepared.images().x / 255
    fit = {"PCA-whitened": formulas.whiten, "ZCA": formulas.zca}[way]
    z, z_valid, _ = preprocessing.inputs(way, 0.3)
    fitted = fit(x, eps=0.3)
    np.testing.assert_allclose(z[:50], fitted.transform(x[:50]), atol=1e-4)
    np.testing.assert_allclose(
        z_valid[:50], fitted.transform(prepared.images().x_valid[:50] / 255), atol=1e-4
    )


def test_the_other_ways():
    images = prepared.images()
    x, x_test = images.x, images.x_test
    mean, std = x.mean(axis=0), x.std(axis=0)
    wanted = {
        "raw": x_test,
        "centered": x_test - mean,
        "scaled": x_test / 255,
        "centered + scaled": (x_test - mean) / 255,
        "standardized": (x_test - x.mean()) / x.std(),
    }
    for way, z_test in wanted.items():
        np.testing.assert_allclose(preprocessing.inputs(way)[2], z_test, rtol=1e-5, atol=1e-4)
    floored = preprocessing.inputs("per pixel", 0.1)[2]
    np.testing.assert_allclose(floored, (x_test - mean) / np.maximum(std, 25.5), rtol=1e-4, atol=1e-4)


def test_batch_normalization_is_put_first(monkeypatch):
    seen = []

    def watched(z, y, **options):
        seen.append((z, options))
        return real(z[:50], y[:50], **options | {"steps": 1})

    real = prepared.trained
    monkeypatch.setattr(prepared, "trained", watched)
    preprocessing.train_network("raw + batch norm", {"rate": 0.1}, 0)
    preprocessing.train_linear("centered + scaled", {"rate": 0.1}, 0)
    (z, first), (_, second) = seen
    assert z.max() == 255
    assert first["batch_norm"]
    assert first["kind"] == "network"
    assert not second["batch_norm"]
    assert second["kind"] == "linear"


def test_the_patients_inputs():
    x, _, x_valid, _ = patient.cured("activation", "weights").images()
    standardized = patient.cured(*patient.CURES).images()
    got = patient_inputs.inputs("standardized")
    np.testing.assert_allclose(got[0], standardized[0])
    np.testing.assert_allclose(got[2], standardized[2])
    np.testing.assert_allclose(patient_inputs.inputs("centered")[2], x_valid - x.mean())
    np.testing.assert_allclose(patient_inputs.inputs("scaled")[0], x / x.std())
    np.testing.assert_array_equal(patient_inputs.inputs("smaller first weights")[0], x)
