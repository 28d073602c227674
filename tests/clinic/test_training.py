"""The rules about a recorded run, on made-up recordings and on short real ones."""

from dataclasses import replace

import numpy as np
import pytest

from helpers import clinic
from helpers.clinic import training
from helpers.networks.mlp import MLP
from helpers.networks.training import train
from helpers.signals import recording
from helpers.signals.recorder import recorder
from tests.clinic.cases import GOOD, LAYERS, made_up, many, small_keras
from tests.clinic.cases import severities as severities_of


def severities(run):
    return severities_of(clinic.examine_training(run))


def test_a_good_run_has_no_findings():
    found = clinic.examine_training(made_up(GOOD, validation=[2.2, 1.6, 1.1, 0.9, 0.8, 0.79]))
    assert found == ()
    assert repr(found) == "No findings in 6 records of 4 layers."


def test_a_run_without_records_has_no_findings():
    assert clinic.examine_training(recording.empty(LAYERS, 100)) == ()
    assert clinic.examine_training(made_up([2.3])) == ()


@pytest.mark.parametrize(
    ("loss", "ratio", "severity"),
    [
        ([2.3, np.nan, np.nan, np.nan], 0.3, "severe"),
        ([2.3, 9.0, 8.0, 9.0, 7.0, 8.0], 0.2, "severe"),
        ([2.3, 2.4, 2.2, 2.3, 2.2, 2.3], 0.8, "severe"),
        ([2.3, 3.5, 1.5, 2.5, 1.2, 1.1], 0.2, "mild"),
        ([2.3, 3.5, 1.5, 2.5, 1.2, 1.1], 0.01, None),
        (GOOD, 0.3, None),
    ],
)
def test_steps_too_long(loss, ratio, severity):
    assert severities(made_up(loss, ratio)).get("learning_rate_too_high") == severity


@pytest.mark.parametrize(
    ("loss", "ratio", "severity"),
    [
        ([2.3, 2.29, 2.28, 2.27], 1e-6, "severe"),
        ([2.3, 2.2, 2.1, 2.0], 5e-5, "mild"),
        ([2.3, 2.2, 2.1, 2.0], 1e-3, None),
        (GOOD, 5e-5, None),
        ([2.3, 2.3, 2.3, 2.3], 0.0, None),  # no gradient at all: that is another illness
    ],
)
def test_steps_too_short(loss, ratio, severity):
    assert severities(made_up(loss, ratio)).get("learning_rate_too_low") == severity


@pytest.mark.parametrize(
    ("gradient", "code", "severity", "layers"),
    [
        ((1e-4, 1e-3, 1e-1, 1), "vanishing_gradient", "severe", ("a", "b")),
        ((0.02, 0.1, 0.5, 1), "vanishing_gradient", "mild", ("a",)),
        ((1e4, 1e3, 10, 1), "exploding_gradient", "severe", ("a", "b")),
        ((50, 10, 2, 1), "exploding_gradient", "mild", ("a",)),
        ((1, 1e-9, 1e-9, 1), None, None, ()),  # small in branches alone
        ((5, 0.3, 2, 1), None, None, ()),
    ],
)
def test_gradients_over_depth(gradient, code, severity, layers):
    found = clinic.examine_training(made_up(GOOD, gradient=gradient))
    assert [(f.code, f.severity, f.layers) for f in found] == ([(code, severity, layers)] if code else [])


@pytest.mark.parametrize(
    ("validation", "severity"),
    [
        ([2.3, 1.2, 1.0, 1.5, 2.0, 2.5], "severe"),
        ([2.3, 1.2, 1.0, 1.05, 1.1, 1.2], "mild"),
        ([2.3, 1.2, 1.0, 1.01, 1.0, 1.02], None),
        ([2.3, 1.2], None),
    ],
)
def test_overfitting(validation, severity):
    assert severities(made_up(GOOD, validation=validation)).get("overfitting") == severity


def test_a_validation_loss_that_rises_with_the_training_loss_is_another_illness():
    validation, training = [2.3, 1.2, 1.0, 1.5, 2.0, 2.5], [2.3, 1.2, 1.0, 1.4, 1.8, 2.2]
    assert "overfitting" not in severities(made_up(GOOD, validation=validation, training=training))


def test_numbers_that_are_lost():
    run = made_up(GOOD)
    gradient = run.grad_W_norm.copy()
    gradient[3, 2] = np.inf
    found = clinic.examine_training(replace(run, grad_W_norm=gradient))
    assert [(f.code, f.severity, f.layers) for f in found] == [("non_finite_values", "severe", ("c",))]
    logged = clinic.examine_training(made_up(GOOD, validation=[1.0, np.nan]))
    assert logged.codes == ("non_finite_values",)


@pytest.fixture
def data(rng):
    """Five clusters that overlap a little, 20 inputs, labels."""
    y = rng.integers(5, size=600)
    return 0.8 * rng.normal(size=(5, 20))[y] + rng.normal(size=(600, 20)), y


def watched(model, x, y, *, learning_rate, steps=200, every=20, valid=None, batch_size=32):
    watch = recording.watcher(
        model,
        x[:batch_size],
        y[:batch_size],
        steps=steps,
        learning_rate=learning_rate,
        every=every,
        valid=valid,
    )
    train(model, x, y, learning_rate=learning_rate, steps=steps, batch_size=batch_size,
          rng=np.random.default_rng(3), after_step=watch)  # fmt: skip
    return watch.recording


def small(depth=2, activation="relu", **options):
    return MLP((20, *[30] * depth, 5), activation=activation, rng=np.random.default_rng(1), **options)


@pytest.mark.parametrize(
    ("learning_rate", "codes"),
    [(0.1, ()), (1e-6, ("learning_rate_too_low",)), (30.0, ("learning_rate_too_high",))],
)
def test_the_learning_rate_of_real_runs(learning_rate, codes, data):
    run = watched(small(initializer="he_normal"), *data, learning_rate=learning_rate)
    assert clinic.examine_training(run).codes == codes


def test_overfitting_of_a_real_run(data):
    x, y = data
    y = np.where(
        np.arange(600) % 3 == 0, (y + 1) % 5, y
    )  # a third of the labels wrong: to be learned by heart
    run = watched(
        small(initializer="he_normal"),
        x[:60],
        y[:60],
        learning_rate=0.2,
        steps=600,
        every=30,
        valid=(x[60:], y[60:]),
    )
    assert clinic.examine_training(run).codes == ("overfitting",)


def test_the_gradient_of_a_real_run_vanishes(data):
    run = watched(small(8, "sigmoid", initializer="glorot_normal"), *data, learning_rate=0.1, steps=60)
    found = clinic.examine_training(run)
    assert found.codes == ("vanishing_gradient",)
    assert found[0].layers[0] == "layer 1"


@pytest.mark.slow
def test_a_recorded_fit_is_examined(keras):
    keras.utils.set_random_seed(3)
    x, y = many()
    for rate, expected in ((1e-7, ("learning_rate_too_low",)), (0.05, ())):
        model = small_keras(keras, keras.layers.Dense(16, "relu", kernel_initializer="he_normal"))
        model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
        record = recorder(x[:32], y[:32], every=10)
        model.fit(x, x[:, 0] > 0, batch_size=32, epochs=10, verbose=0, callbacks=[record])
        found = clinic.examine_training(record.recording)
        assert "non_finite_values" not in found.codes
        assert ("learning_rate_too_low" in found.codes) == bool(expected)


# From which number on: records made up number by number


HIGH, LOW = "learning_rate_too_high", "learning_rate_too_low"


@pytest.mark.parametrize(("rise", "severity"), [(0.19, None), (0.21, "mild")])
def test_a_loss_that_rises_by_a_fifth_of_the_first_is_shaken(rise, severity):
    """Good runs rise by 0.16."""
    assert severities(made_up([1, 0.5, 0.5 + rise, 0.4, 0.3, 0.3], ratio=0.3)).get(HIGH) == severity


@pytest.mark.parametrize(
    ("end", "severity"), [(0.96, None), (1.04, "mild"), (1.44, "mild"), (1.56, "severe")]
)
def test_a_loss_that_ends_above_the_first_learned_nothing_and_at_1_5_unlearned(end, severity):
    assert severities(made_up([1, 1, 1, 1, end, end], ratio=0.3)).get(HIGH) == severity


@pytest.mark.parametrize(("jump", "severity"), [(0.096, None), (0.104, "mild")])
def test_the_rate_is_to_blame_where_an_update_is_a_tenth_of_the_weights(jump, severity):
    """A hundred times a healthy one."""
    assert severities(made_up([1, 1.4, 0.5, 0.9, 0.4, 0.4], ratio=jump)).get(HIGH) == severity


@pytest.mark.parametrize(("jump", "end", "severity"), [(0.48, 0.9, None), (0.52, 0.9, "severe"),
                                                       (0.6, 0.69, None), (0.6, 0.71, "severe")])  # fmt: skip
def test_updates_of_half_the_weights_are_severe_where_the_loss_falls_by_less_than_0_3(jump, end, severity):
    """With batch normalization good ones reach 0.6, and their loss falls by 0.47 or more."""
    assert severities(made_up([1, end, end, end, end, end], ratio=jump)).get(HIGH) == severity


@pytest.mark.parametrize(("jump", "found"), [(0.0096, False), (0.0104, True)])
def test_a_loss_is_lost_by_divergence_after_an_update_of_a_hundredth(jump, found):
    """Ten times a healthy update, which is a thousandth of the weights."""
    assert (HIGH in severities(made_up([2.3, np.nan, np.nan], ratio=jump))) == found


@pytest.mark.parametrize(
    ("reach", "severity"), [(0.0192, "severe"), (0.0208, "mild"), (0.096, "mild"), (0.104, None)]
)
def test_weights_that_move_by_less_than_a_tenth_get_nowhere(reach, severity):
    """Update ratio times steps; good runs have 0.3 or more."""
    assert severities(made_up([1, 0.99, 0.98], ratio=reach / 1000)).get(LOW) == severity


@pytest.mark.parametrize(
    ("fall", "severity"), [(0.096, "severe"), (0.104, "mild"), (0.29, "mild"), (0.31, None)]
)
def test_steps_are_not_too_short_where_the_loss_falls_by_0_3(fall, severity):
    """Good ones fall by 0.47 or more; below 0.1 nothing was learned."""
    assert severities(made_up([1, 1 - fall, 1 - fall], ratio=1e-5)).get(LOW) == severity


@pytest.mark.parametrize(("log", "severity"), [(2.9, None), (3.1, "mild"), (5.8, "mild"), (6.2, "severe")])
def test_gradients_that_differ_by_6_depth_scales_are_mild_and_by_12_severe(log, severity):
    """A norm changes by e^½ over each (Schoenholz et al. 2017); healthy networks stay within e²."""
    for sign, code in ((1, "exploding_gradient"), (-1, "vanishing_gradient")):
        run = made_up(GOOD, gradient=(np.exp(sign * log), 1, 1, 1))
        assert severities(run).get(code) == severity


@pytest.mark.parametrize(
    ("end", "severity"), [(1.08, None), (1.12, "mild"), (1.47, "mild"), (1.53, "severe")]
)
def test_a_validation_loss_of_1_1_times_its_lowest_is_mild_and_of_1_5_severe(end, severity):
    assert severities(made_up(GOOD, validation=[2, 1.5, 1, 1, 1, end])).get("overfitting") == severity


def test_late_is_the_last_third():
    assert training.late(np.arange(9)).tolist() == [6, 7, 8]
    assert training.late(np.arange(2)).tolist() == [1]


def test_a_rate_is_told_by_what_was_measured():
    (high,) = clinic.examine_training(made_up([2.3, 9.0, 8.0, 9.0, 7.0, 8.0], 0.2))
    assert "the largest is 0.2 of the weights' norm, and the loss ends at" in high.meaning
    found = {one.code: one for one in clinic.examine_training(made_up([2.3, np.nan, np.nan, np.nan], 0.3))}
    assert "no number any more after 333 steps" in found["learning_rate_too_high"].meaning
    (low,) = clinic.examine_training(made_up([2.3, 2.29, 2.28, 2.27], 1e-6))
    assert "of the weights' norm, and the loss fell by 1%" in low.meaning


def test_frozen_layers_have_no_vanished_gradient():
    recorded = made_up(GOOD, gradient=(0.0, 0.0, 1.0, 1.0))
    assert "vanishing_gradient" in severities(recorded)
    assert severities(replace(recorded, frozen=LAYERS[:2])) == {}


def test_numbers_lost_in_the_gradients_alone_name_the_layers():
    grad_W_norm = np.ones((len(GOOD), len(LAYERS)))
    grad_W_norm[2:, 1] = np.nan
    (found,) = clinic.examine_training(replace(made_up(GOOD), grad_W_norm=grad_W_norm))
    assert found.layers == LAYERS[1:2]
    assert "layers with inf or nan after 400 steps: 1" in found.evidence[0].text
