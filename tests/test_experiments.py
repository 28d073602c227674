"""The long runs: the same on every backend of joblib, and the stored results still come out of the script."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from experiments import __main__ as command
from experiments import depth, grid, learning_rate, lottery, numbers, store
from helpers import data
from helpers.data import results
from helpers.networks import keras_training

ROOT = Path(__file__).resolve().parent.parent
MOST_BYTES = 50_000
CELLS = [
    learning_rate.Cell(True, 0.1, 0.1, 0),
    learning_rate.Cell(False, 0.1, 0.1, 1),
    learning_rate.Cell(False, 10.0, 10.0, 0),
    learning_rate.Cell(True, 10.0, 0.001, 1),
]


@pytest.fixture
def real_images():
    if not data.load_fashion_mnist().real:
        pytest.skip("stored results come from the real images, which are not at hand")


@pytest.fixture(scope="module")
def in_order():
    return grid.run_all(learning_rate.run, CELLS)


def test_runs_come_back_in_the_order_of_their_settings(in_order):
    assert [one["loss"][-1] is None for one in in_order] == [False, False, True, False]
    assert grid.run_all(one_over, [1, 2, 4]) == [1, 0.5, 0.25]


@pytest.mark.slow
def test_two_processes_give_the_same(in_order):
    assert grid.run_all(learning_rate.run, CELLS, jobs=2) == in_order


@pytest.mark.slow
def test_two_dask_workers_give_the_same(in_order):
    from distributed import Client, LocalCluster

    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with LocalCluster(**options) as cluster:
        assert grid.run_all(learning_rate.run, CELLS, dask=cluster.scheduler_address) == in_order
        with Client(cluster) as client:  # the workers have done it, and not this process
            assert grid.run_all(pid, [0] * 8, dask=client).count(os.getpid()) == 0


def pid(_):
    return os.getpid()


def test_an_error_in_a_run_is_not_lost():
    with pytest.raises(ZeroDivisionError):
        grid.run_all(one_over, [1, 0])


def one_over(value):
    return 1 / value


# What is stored.


def test_the_command_makes_every_stored_file_and_no_other():
    assert results.names() == sorted(command.SECTIONS)


@pytest.mark.parametrize("name", command.SECTIONS)
def test_a_stored_file_is_small_and_says_where_it_comes_from(name):
    text = (results.FOLDER / f"{name}.json").read_text(encoding="utf-8")
    stored = json.loads(text)
    assert len(text.encode()) <= MOST_BYTES
    assert stored["made_by"] == f"python3 -m experiments {name}"
    assert list(stored["versions"]) == ["keras", "numpy", "tensorflow"]
    assert stored["images"] == "Fashion-MNIST"
    assert store.text_of(stored) + "\n" == text  # the same numbers are the same bytes


def test_the_stored_runs_are_those_of_the_present_recipes():
    stored = store.read("depth")
    for name, recipe in depth.HEADLINE.items():
        assert stored[name]["recipe"] == depth.stored_recipe(recipe)
        assert stored[name]["seeds"] == [0, 1, 2, 3, 4]
        assert np.shape(stored[name]["val_accuracy"]) == (5, recipe.epochs)
    assert store.read("depth_rivals")["recipe"] == depth.stored_recipe(depth.RIVAL_RECIPE) | {
        "initializer": "its own"
    }
    assert [len(entry) for entry in stored["tried"]] == [3] * len(keras_training.TRIED)
    assert {entry["seed"] for entry in stored["tried"]}.isdisjoint(depth.SEEDS)


def test_the_stored_headline_keeps_what_the_course_promises():
    stored = results.load("depth")
    ends = stored.ours.val_accuracy[:, -1]
    assert np.median(ends) >= 0.88
    assert stored.ours.val_accuracy[:, 0].min() >= stored.published.val_accuracy
    reference = stored.reference.val_accuracy[:, -1]
    assert reference.min() < stored.published.val_accuracy_of_another_run < reference.max()
    assert stored.published.val_accuracy < reference.min()  # no draw of ours: the lesson says so
    assert stored.published.accuracy < stored.reference.accuracy[:, -1].min()
    assert stored.published.best_val_accuracy < stored.reference.val_accuracy.max(axis=1).min()
    assert set(stored.reference) & set(stored.ours) >= {"test_accuracy"}
    assert "test_accuracy" not in stored.other_training


@pytest.mark.slow
def test_the_short_version_lies_within_the_stored_bands(real_images):
    """A process of its own: its Keras takes one thread, as the stored runs did."""
    run = subprocess.run(
        [sys.executable, "-m", "experiments", "--short"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.splitlines() == [f"{name}: within the stored bands" for name in command.SECTIONS]


# The comparison is itself tested: what leaves a band must be found out.


def test_a_first_epoch_outside_its_band_is_found():
    stored, short = store.read("depth"), depth.short()
    told = [{"val_accuracy": [stored[name]["val_accuracy"][0][0]]} for name in depth.TESTED]
    assert depth.faults(stored, short, told) == []
    low, _ = stored["ours"]["first_epochs_band"]
    told[1] = {"val_accuracy": [low - 0.001]}
    (fault,) = depth.faults(stored, short, told)
    assert fault.startswith("ours, seed 0:")
    told[1] = {"val_accuracy": [max(entry[0] for entry in stored["other_training"]["val_accuracy"])]}
    assert len(depth.faults(stored, short, told)) == 1  # other weights would not pass for ours


def test_a_gradient_outside_its_band_is_found():
    stored, short = store.read("depth_rivals"), depth.short_rivals()
    middles = [stored["rivals"][depth._name_of(one)]["gradients_before"]["median"] for one in short]
    assert depth.rival_faults(stored, short, [{"gradients_before": middle} for middle in middles]) == []
    wrong = [{"gradients_before": [*middle[:-1], middle[-1] + 2]} for middle in middles]
    assert len(depth.rival_faults(stored, short, wrong)) == 2


def test_a_wrong_lottery_and_a_wrong_grid_are_found():
    stored, tickets = store.read("depth_lottery"), lottery.short()[:1]
    right = {key: stored["networks"]["ReLU + He"][key][0] for key in ("signal", "gradient")}
    assert lottery.faults(stored, tickets, [right]) == []
    assert len(lottery.faults(stored, tickets, [right | {"signal": right["signal"] + 0.02}])) == 1
    stored, cells = store.read("learning_rate"), learning_rate.short()[:1]
    row, column = learning_rate.STDS.index(cells[0].std), learning_rate.RATES.index(cells[0].rate)
    known = stored["accuracy"][0][row][column][0]
    assert learning_rate.faults(stored, cells, [{"accuracy": known}]) == []
    assert len(learning_rate.faults(stored, cells, [{"accuracy": known + 0.05}])) == 1


def test_a_band_is_the_range_widened_by_its_own_width():
    assert depth.band([0.5, 0.6, 0.55]) == (0.4, 0.7)
    assert depth.band([0.9, 0.98]) == (0.82, 1)


def test_a_median_counts_what_is_not_finite_as_larger_than_all():
    assert numbers.median_of([[1.0, None], [2.0, None], [9.0, 3.0]]) == [2.0, None]
    assert numbers.rounded([1 / 3, np.inf, np.nan]) == [0.3333, None, None]
    assert numbers.spread_of([[1.0], [4.0], [2.0]]) == {"median": [2.0], "smallest": [1.0], "largest": [4.0]}


def test_json_is_laid_out_for_reading():
    told = store.text_of({"a": list(range(60)), "b": {"c": [[1.5] * 20, [2.5] * 20]}})
    assert json.loads(told) == {"a": list(range(60)), "b": {"c": [[1.5] * 20, [2.5] * 20]}}
    assert max(map(len, told.splitlines()[2:])) <= store.WIDTH
    assert len(told.splitlines()) == 9


def test_an_unknown_name_is_told(capsys):
    with pytest.raises(SystemExit):
        command.main(["speed"])
    assert "there is no result 'speed'; choose from depth, depth_rivals" in capsys.readouterr().err


def test_the_short_version_tells_a_fault_by_its_exit_code(monkeypatch, capsys, real_images):
    section = command.Section(None, int, None, lambda: ["1"], lambda *_: ["a cell differs"])
    monkeypatch.setattr(command, "SECTIONS", {"depth": section})
    assert command.main(["depth", "--short"]) == 1
    assert capsys.readouterr().out == "depth: a cell differs\n"


def test_a_file_is_made_from_the_runs_in_their_order(monkeypatch, tmp_path):
    section = command.Section(lambda: ["1", "2"], int, lambda told: {"told": told}, None, None)
    monkeypatch.setattr(store, "write", lambda name, entries: (tmp_path / name).write_text(str(entries)))
    assert command.make("depth", section, jobs=1, dask=None) == 0
    assert (tmp_path / "depth").read_text() == "{'told': [1, 2]}"
