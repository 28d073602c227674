"""The table to be sorted: every column, both ways, and what is shown where no kernel runs."""

import pytest

from helpers.labs.sortable import Sortable

ROWS = [
    {"name": "b", "range": (0.0, 1.0), "cost": 2.5},
    {"name": "a", "range": (-1.0, 1.0), "cost": None},
    {"name": "C", "range": (float("-inf"), 0.0), "cost": 1.0},
]


def names(text):
    return [line.split()[0] for line in str(text).splitlines()[1:]]


@pytest.mark.parametrize(
    ("by", "descending", "order"),
    [
        ("name", False, "abC"),
        ("name", True, "Cba"),
        ("range", False, "Cab"),
        ("cost", False, "Cba"),
        ("cost", True, "bCa"),
    ],
)
def test_rows_are_sorted_by_a_column_and_what_is_missing_comes_last(by, descending, order):
    assert names(Sortable(ROWS, by, descending=descending)) == list(order)
    assert names(Sortable(ROWS, "name").table(by, descending=descending)) == list(order)


def test_the_controls_sort_what_is_shown():
    shown = Sortable(ROWS, "name")
    shown.by.value = "cost"
    shown.descending.value = True
    assert names(shown) == ["b", "C", "a"]
    assert shown.body.value.index(">b<") < shown.body.value.index(">C<") < shown.body.value.index(">a<")
    bundle = shown._repr_mimebundle_()
    assert bundle["text/html"] == shown.body.value
    assert bundle["text/plain"] == repr(shown)
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "−∞ … 0" in repr(shown)
    assert "–" in repr(shown)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="beauty"):
        Sortable(ROWS, "beauty")
    with pytest.raises(ValueError, match="beauty"):
        Sortable(ROWS, "name").table("beauty")
    with pytest.raises(ValueError, match="headings"):
        Sortable([*ROWS, {"name": "d"}], "name")
