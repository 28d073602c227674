"""A table that is sorted by the column one chooses; where no kernel runs it stands still."""

import ipywidgets as widgets

from helpers.labs import live
from helpers.numerics.activation_table import told
from helpers.numerics.tables import Table, table


class Sortable:
    """Rows, all with the same headings, sorted by `by`: a list to choose the column from, and the table.

    `rows` is a list of dicts heading → value. Values are told by `tell`; one that is None comes last. Raises
    ValueError for rows that differ in their headings, and for an unknown column.
    """

    def __init__(self, rows, by, *, descending=False, tell=told):
        self.rows, self.heads, self._tell = list(rows), list(rows[0]), tell
        if any(list(row) != self.heads for row in self.rows):
            raise ValueError(f"all rows need the headings {', '.join(self.heads)}")
        self._check(by)
        self.by = live.choice("sort by", [(head, head) for head in self.heads], by)
        self.descending = live.switch("largest first", descending)
        self.body = widgets.HTML()
        self.root = widgets.VBox([widgets.HBox([self.by, self.descending]), self.body])
        for control in (self.by, self.descending):
            control.observe(self._show, "value")
        self._show()

    def table(self, by, *, descending=False) -> Table:
        """Return the table sorted by a column; raises ValueError for an unknown one."""
        self._check(by)
        known = [row for row in self.rows if row[by] is not None]
        known.sort(key=lambda row: _key(row[by]), reverse=descending)
        unknown = [row for row in self.rows if row[by] is None]
        return table(self.heads, [[self._tell(row[head]) for head in self.heads] for row in known + unknown])

    def _check(self, by):
        if by not in self.heads:
            raise ValueError(f"unknown column {by!r}; choose one of {', '.join(self.heads)}")

    def _present(self):
        return self.table(self.by.value, descending=self.descending.value)

    def _show(self, _change=None):
        self.body.value = self._present().html

    def __repr__(self):
        return str(self._present())

    def _repr_mimebundle_(self, **_):
        still = {"text/plain": repr(self), "text/html": self._present().html}
        return {**self.root._repr_mimebundle_(), **still}


def _key(value):
    return value.casefold() if isinstance(value, str) else value
