"""Plain text tables, for the numbers that stand beside every figure."""

from itertools import zip_longest
from numbers import Number

GAP = "   "


def table(header, rows, digits=3) -> str:
    """Return an aligned text table: text to the left, numbers to the right, floats to `digits` digits.

    `header` is one text per column, `rows` a list of sequences of texts or numbers. Raises ValueError for a
    row that does not have one cell per column.
    """
    rows = [tuple(row) for row in rows]
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"a row needs {len(header)} cells, got {len(row)}: {row}")
    columns = [_column(title, cells, digits) for title, *cells in zip_longest(header, *rows)]
    return "\n".join(GAP.join(line).rstrip() for line in zip(*columns, strict=True))


def _column(title, cells, digits) -> list[str]:
    texts = [title, *(_text(cell, digits) for cell in cells)]
    width = max(len(text) for text in texts)
    numeric = bool(cells) and all(isinstance(cell, Number) for cell in cells)
    return [text.rjust(width) if numeric else text.ljust(width) for text in texts]


def _text(cell, digits) -> str:
    return (
        f"{cell:.{digits}g}" if isinstance(cell, Number) and not isinstance(cell, bool | int) else str(cell)
    )
