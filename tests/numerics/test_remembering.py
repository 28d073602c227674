"""What is remembered of an array: of one that nobody may change, never of one that can be written to."""

import numpy as np

from helpers.numerics.remembering import once_per_array


def counting():
    calls = []

    @once_per_array
    def total(array):
        calls.append(1)
        return float(array.sum())

    return total, calls


def read_only(values):
    array = np.array(values, float)
    array.flags.writeable = False
    return array


def test_a_read_only_array_is_computed_once():
    total, calls = counting()
    array = read_only([1, 2])
    assert [total(array), total(array)] == [3, 3]
    assert len(calls) == 1
    assert total(read_only([1, 5])) == 6


def test_an_array_that_can_change_is_computed_anew():
    total, calls = counting()
    array = np.array([1.0, 2.0])
    assert total(array) == 3
    array[0] = 5
    assert total(array) == 7
    assert len(calls) == 2


def test_nothing_is_kept_of_an_array_that_is_gone():
    total, calls = counting()
    for value in range(50):  # a new array may get the place of an old one
        assert total(read_only([value])) == value
    assert len(calls) == 50
    assert total.__wrapped__(read_only([3])) == 3
