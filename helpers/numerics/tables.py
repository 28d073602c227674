"""Tables for the numbers that stand beside every figure: text where they are printed, HTML in a notebook."""

import html
from itertools import zip_longest
from numbers import Number

GAP = "   "


class Table(str):
    """A table as aligned text; a notebook shows it as HTML."""

    def __repr__(self):
        return str(self)

    def _repr_html_(self):
        return self.html


def table(header, rows, digits=3) -> Table:
    """Return an aligned text table: text to the left, numbers to the right, floats to `digits` digits.

    `header` is one text per column, `rows` a list of sequences of texts or numbers. Raises ValueError for a
    row that does not have one cell per column.
    """
    rows = [tuple(row) for row in rows]
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"a row needs {len(header)} cells, got {len(row)}: {row}")
    columns = [_column(title, cells, digits) for title, *cells in zip_longest(header, *rows)]
    made = Table("\n".join(GAP.join(line).rstrip() for line in zip(*columns, strict=True)))
    body = "".join(_html_row("td", [_text(cell, digits) for cell in row]) for row in rows)
    made.html = f"<table><thead>{_html_row('th', header)}</thead><tbody>{body}</tbody></table>"
    return made


def _html_row(tag, texts) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(str(text))}</{tag}>" for text in texts) + "</tr>"


def _column(title, cells, digits) -> list[str]:
    texts = [title, *(_text(cell, digits) for cell in cells)]
    width = max(len(text) for text in texts)
    numeric = bool(cells) and all(isinstance(cell, Number) for cell in cells)
    return [text.rjust(width) if numeric else text.ljust(width) for text in texts]


def _text(cell, digits) -> str:
    return (
        f"{cell:.{digits}g}" if isinstance(cell, Number) and not isinstance(cell, bool | int) else str(cell)
    )
