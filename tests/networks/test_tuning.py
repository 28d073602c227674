"""A grid is widened until the chosen setting lies within it."""

import numpy as np
import pytest

from helpers.networks.tuning import Grid, Knob, best_of, decades, search

RATES = Knob(decades(-4, 2), (3, 6))


def test_a_ladder_of_decades():
    assert decades(-2, 0) == (0.01, 0.03, 0.1, 0.3, 1.0)
    assert decades(0, 1, (1, 2, 5)) == (1, 2, 5, 10)


def test_a_ladder_ascends_and_first_is_a_part_of_it():
    with pytest.raises(ValueError, match="ascends"):
        Knob((1, 3, 2), (0, 2))
    with pytest.raises(ValueError, match=r"3 rungs, got \(1, 4\)"):
        Knob((1, 2, 3), (1, 4))


@pytest.mark.parametrize("best", [1e-3, 0.01, 0.03, 1, 30])
def test_the_search_finds_what_lies_outside_of_its_first_grid(best):
    seen = []

    def loss(rate):
        seen.append(rate)
        return abs(np.log10(rate / best))

    chosen, grid = search({"rate": RATES}, loss)
    tried = grid.values()["rate"]
    assert chosen == {"rate": best}
    assert tried[0] < best < tried[-1]
    assert sorted(seen) == list(tried)  # each of them once


def test_what_ends_its_ladder_is_refused_unless_nothing_lies_beyond():
    with pytest.raises(ValueError, match="the best rate, 100, ends its ladder"):
        search({"rate": RATES}, lambda rate: -rate)
    chosen, grid = search({"rate": Knob((0, 1, 2), (1, 2), closed=("low",))}, lambda rate: rate)
    assert chosen == {"rate": 0}
    assert grid.at_edge((("rate", 0),)) == []
    assert grid.at_edge((("rate", 1),)) == []  # 0 and 2 were tried


def test_an_edge_is_the_end_of_what_was_tried():
    grid = Grid({"rate": Knob((1, 2, 3, 4), (0, 3)), "decay": Knob((1, 2, 3), (0, 3))})
    assert grid.at_edge((("rate", 3), ("decay", 2))) == ["rate"]
    assert grid.at_edge((("rate", 2), ("decay", 1))) == ["decay"]
    assert len(grid.settings()) == 9
    assert grid.widen((("rate", 3), ("decay", 2)))
    assert grid.values() == {"rate": (1, 2, 3, 4), "decay": (1, 2, 3)}
    assert not grid.widen((("rate", 3), ("decay", 2)))


def test_what_is_not_a_number_never_wins():
    assert best_of(["a", "b", "c"], [np.nan, np.inf, 3.0]) == "c"
