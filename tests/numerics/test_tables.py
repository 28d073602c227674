"""Tables: columns line up, numbers to the right, texts to the left."""

import pytest

from helpers.numerics.tables import table


def test_columns_line_up():
    said = table(("name", "count", "size"), [("a", 7, 0.123456), ("longer", 12, 1e-9)])
    assert said.split("\n") == [
        "name     count    size",
        "a            7   0.123",
        "longer      12   1e-09",
    ]


def test_digits_and_other_kinds():
    said = table(("x", "ok", "list"), [(3.14159, True, [1, 2])], digits=2)
    assert said.split("\n")[1].split(maxsplit=2) == ["3.1", "True", "[1, 2]"]


def test_no_rows_is_the_header_alone():
    assert table(("a", "b"), []) == "a   b"


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="needs 2 cells, got 3"):
        table(("a", "b"), [(1, 2, 3)])


def test_a_notebook_shows_html():
    made = table(("a <b>", "n"), [("x & y", 0.12345)])
    assert made._repr_html_() == (
        "<table><thead><tr><th>a &lt;b&gt;</th><th>n</th></tr></thead>"
        "<tbody><tr><td>x &amp; y</td><td>0.123</td></tr></tbody></table>"
    )
    assert repr(made) == str(made)
