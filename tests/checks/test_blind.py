"""Patients examined blind: the same for a name, another for another, and nothing on them tells the key."""

import numpy as np
import pytest

from helpers.checks import blind


@pytest.fixture(scope="module")
def ward():
    return blind.ward("Ada")


def test_a_name_draws_its_patients_whatever_its_case():
    assert blind.cases("Ada") == blind.cases(" ada ")
    drawn = {tuple(case[0] for case in blind.cases(f"learner {i}").values()) for i in range(30)}
    assert len(drawn) > 20
    assert {condition for one in drawn for condition in one} == set(blind.CONDITIONS)


def test_each_condition_occurs_once_at_most():
    for i in range(20):
        conditions = [case[0] for case in blind.cases(str(i)).values()]
        assert len(set(conditions)) == len(blind.BEDS)


@pytest.mark.parametrize("name", ["", "  ", None, 7, ...])
def test_a_ward_needs_a_name(name):
    with pytest.raises(ValueError, match="type yours"):
        blind.ward(name)


def test_the_chart_tells_no_condition(ward):
    told = repr(ward) + repr(vars(ward)) + ward._repr_html_()
    assert not any(condition in told for condition in blind.CONDITIONS)
    assert len(repr(ward).splitlines()) == 1 + 2 * len(blind.BEDS)
    assert all(len(values) == 100 for values in ward.variance.values())


@pytest.mark.parametrize("severity", range(3))
def test_every_condition_shows_its_signature(severity):
    signs = {name: blind._signs(name, severity, 5) for name in blind.CONDITIONS}
    variance = {name: sign.std**2 for name, sign in signs.items()}
    assert np.all(np.abs(np.log(variance["none"])) < 0.6)
    assert variance["inputs"][0] > 100
    assert 0.7 < variance["inputs"][-1] < 1.4
    assert 1.3 < variance["dropout"][30:].min() < variance["dropout"].max() < 4
    assert variance["skip"][-1] > 1e20
    assert abs(np.log(variance["initialization"][-1])) > 2
    assert abs(np.log(variance["initialization"][0])) < 1


def test_two_digits_are_told():
    assert (blind._told(0.001, "mean"), blind._told(0.001, "variance")) == ("0.00", "0.001")
