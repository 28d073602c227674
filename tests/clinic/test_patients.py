"""The eight patients: their builds do what they say, and the clinic finds what each one has."""

import numpy as np
import pytest

from helpers import clinic, data
from helpers.clinic import patients
from helpers.clinic.patients import Build
from helpers.numerics.normalization import update_running
from helpers.signals.trace import trace


def test_a_build_tells_what_is_not_healthy():
    assert repr(Build()) == "Build()"
    assert repr(Build(gain=2, inputs="pixels 0 to 1")) == "Build(gain=2, inputs='pixels 0 to 1')"
    with pytest.raises(ValueError, match=r"inputs must be one of 'standardized', .* got 'raw'"):
        Build(inputs="raw")


def test_the_network_is_built_as_it_says():
    net = Build(gain=2, bias=-1, depth=3, width=20, normalized="after", momentum=0.5).network(seed=4)
    healthy = Build(depth=3, width=20).network(seed=4)
    dense, other = ([layer for layer in n.layers if layer.kind == "dense"] for n in (net, healthy))
    assert [layer.W.shape for layer in dense] == [(784, 20), (20, 20), (20, 20), (20, 10)]
    assert all(np.allclose(a.W, 2 * b.W) for a, b in zip(dense, other, strict=True))
    assert [set(layer.b) for layer in dense] == [{-1.0}, {-1.0}, {-1.0}, {0.0}]
    assert [layer.momentum for layer in net.layers if layer.kind == "batch_norm"] == [0.5] * 3


def test_the_moving_statistics_have_their_own_momentum():
    x, y, _, _ = patients.images("standardized", 100)
    net = Build(normalized="before", momentum=0.25, depth=1).network(seed=0)
    norm = next(layer for layer in net.layers if layer.kind == "batch_norm")
    cache, before = net.forward(x, training=True)[1].cache, norm.running
    net.loss_and_gradients(x, y)
    wanted = update_running(before, cache.mean, cache.variance, 100, "keras", momentum=0.25)
    assert np.allclose(norm.running.mean, wanted.mean)
    assert np.allclose(norm.running.mean, 0.75 * cache.mean)


def test_equal_weights_are_equal():
    weights = [layer.W for layer in patients.BUILDS["E"].network(0).layers if layer.kind == "dense"]
    assert {float(value) for W in weights for value in W.ravel()} == {0.01}


@pytest.mark.parametrize(("inputs", "high"), [("pixels 0 to 1", 1), ("pixels 0 to 255", 255)])
def test_inputs_come_as_the_build_says(inputs, high):
    x, y, x_new, _ = patients.images(inputs, 50)
    assert (len(x), len(x_new)) == (50, patients.NEW)
    assert (x.min(), x.max()) == (0, high)
    raw, labels = data.load_batch(patients.NEW + 50, standardize=False, dtype=np.float64)
    assert np.allclose(x, high * raw[patients.NEW :])
    assert np.array_equal(y, labels[patients.NEW :])


def test_a_chart_is_made_once_and_tells_of_the_run():
    build = Build(depth=2, steps=80, images=200)
    chart = patients.chart(build, 1)
    assert patients.chart(build, 1) is chart
    assert list(chart.recording.steps) == [0, 40, 80]
    x, y, _, _ = patients.images("standardized", 200)
    fresh = trace(build.network(1), x[: patients.LOOKED_AT], y[: patients.LOOKED_AT])
    assert chart.before.loss == fresh.loss
    assert chart.after.loss < fresh.loss
    assert chart.signs["loss_tested"] == chart.tested.loss == pytest.approx(chart.after.loss)
    assert chart.signs["gradient_first"] == fresh.layers[0].grad_z_norm
    assert repr(chart) == "Chart of Build(depth=2, steps=80, images=200)"


def test_weight_decay_shrinks_the_weights():
    plain, decayed = (patients.chart(Build(depth=1, steps=80, weight_decay=wd)) for wd in (0, 0.05))
    norms = [np.linalg.norm(chart.model.layers[0].W) for chart in (plain, decayed)]
    assert norms[1] < 0.95 * norms[0]


def test_clipping_bounds_the_step():
    sick = patients.BUILDS["D"]
    clipped = patients.chart(patients.treated(sick, {"clip_norm": 1, "learning_rate": 1e-4}))
    assert np.isfinite(clipped.recording.loss).all()
    assert not np.isfinite(patients.chart(sick).recording.loss).all()


@pytest.mark.parametrize("name", [*patients.FIXED, "colour"])
def test_a_treatment_leaves_the_case_alone(name):
    with pytest.raises(ValueError, match=f"can't change '{name}'; it can change activation, initializer"):
        patients.treated(Build(), {name: 1})


@pytest.mark.slow
@pytest.mark.parametrize("patient", patients.BUILDS)
def test_the_clinic_finds_the_illness_with_five_seeds(patient):
    for seed in range(5):
        chart = patients.chart(patients.BUILDS[patient], seed)
        found = {*clinic.examine(chart.before).codes, *clinic.examine(chart.tested).codes}
        found |= set(clinic.examine_training(chart.recording).codes)
        assert patients.DIAGNOSES[patient] in found


def test_the_clinic_finds_nothing_in_the_healthy_network():
    for seed in range(5):
        chart = patients.chart(Build(), seed)
        assert clinic.examine(chart.before).codes == ()
        assert clinic.examine(chart.tested).codes == ()
