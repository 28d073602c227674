"""The clinic from a terminal: a saved model and a file of arrays."""

import json

import numpy as np
import pytest

from helpers.clinic.__main__ import main


@pytest.fixture
def files(keras, tmp_path):
    """A function: labels and more arrays → the paths of a saved model and of its data."""
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16), keras.layers.Dense(4, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)

    def files(**arrays):
        np.savez(tmp_path / "data.npz", x=x, **arrays)
        return [str(tmp_path / "model.keras"), str(tmp_path / "data.npz")]

    return files


LABELS = np.random.default_rng(1).integers(4, size=64)


def test_the_report_is_printed_and_severe_findings_are_the_status(files, capsys):
    assert main(files(y=LABELS)) == 1
    assert "missing_activation" in capsys.readouterr().out


def test_json_for_scripts(files, capsys):
    main([*files(y=LABELS + 1, loss=np.full(9, 2.3)), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert [one["code"] for one in told["findings"]][:1] == ["labels_do_not_fit"]
    assert {"missing_activation", "no_progress"} <= {one["code"] for one in told["findings"]}
    still = next(one for one in told["findings"] if one["code"] == "no_progress")
    assert still["evidence"] == [
        {"quantity": "range of the loss, of its mean", "value": 0.0, "threshold": 0.01, "layer": None}
    ]
    assert told["not_looked_at"]


def test_what_cannot_be_read_is_told(files, capsys, tmp_path):
    model, data = files(labels=LABELS)
    assert main([model, data]) == 2
    assert "holds no y; it has x, labels" in capsys.readouterr().err
    assert main([str(tmp_path / "none.keras"), data]) == 2
    assert "none.keras" in capsys.readouterr().err
