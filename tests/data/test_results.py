"""Reading stored results: arrays that can't be changed, and clear errors."""

import pickle

import numpy as np
import pytest

from helpers.data import results


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "one.json").write_text(
        '{"a": [1, null, 3], "b": {"c": [[1, 2], [3, 4]]}, "d": "x", "e": ["p"]}'
    )
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    return tmp_path


def test_entries_are_attributes_and_arrays(folder):
    one = results.load("one")
    assert list(one) == ["a", "b", "d", "e"]
    np.testing.assert_array_equal(one.a, [1, np.nan, 3])
    assert one["b"].c.shape == (2, 2)
    assert (one.d, one.e, len(one), "a" in one) == ("x", ("p",), 4, True)
    assert repr(one) == "Result of a, b, d, e"
    assert dict(one.b.items())["c"].dtype == float


def test_nothing_can_be_changed(folder):
    one = results.load("one")
    with pytest.raises(AttributeError, match="can't be changed"):
        one.a = 1
    with pytest.raises(ValueError, match="read-only"):
        one.a[0] = 5


def test_what_is_not_there_is_named(folder):
    with pytest.raises(ValueError, match="no stored result 'two'; choose one of one"):
        results.load("two")
    with pytest.raises(AttributeError, match="no entry 'z'; there are a, b, d, e"):
        _ = results.load("one").z


def test_a_result_can_be_pickled(folder):
    copy = pickle.loads(pickle.dumps(results.load("one")))
    np.testing.assert_array_equal(copy.b.c, [[1, 2], [3, 4]])
