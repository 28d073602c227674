"""How findings are put together and told."""

from math import inf, nan

import pytest

from helpers.clinic.findings import Evidence, Findings, crossed, finding, names_of


def two_findings():
    one = Evidence("share of flat places", 0.9, 0.7, "layer <3>")
    other = Evidence("std of the inputs", 90.0, 20.0)
    pair = [finding("saturated_units", False, [one]), finding("unscaled_inputs", True, [other])]
    return Findings(pair, "3 layers on 8 examples")


def test_findings_are_a_tuple_most_serious_first():
    found = two_findings()
    assert isinstance(found, tuple)
    assert found.codes == ("unscaled_inputs", "saturated_units")
    assert [f.severity for f in found] == ["severe", "mild"]
    assert found.layers_of("saturated_units") == ("layer <3>",)
    assert found.layers_of("dead_units") == ()


def test_findings_print_as_aligned_text():
    lines = repr(two_findings()).splitlines()
    assert lines[0] == "2 findings in 3 layers on 8 examples:"
    heads, severe, mild = lines[2:5]
    for head, *cells in (("code", "unscaled_inputs", "saturated_units"), ("layers", "–", "layer <3>")):
        assert [line.index(cell) for line, cell in zip((severe, mild), cells, strict=True)] == [
            heads.index(head)
        ] * 2
    assert "  std of the inputs: 90, above 20" in lines
    assert "  share of flat places: 0.9, above 0.7 (layer <3>)" in lines
    assert max(map(len, lines)) < 140


def test_findings_show_as_a_table_with_links():
    html = two_findings()._repr_html_()
    assert html.count("<tr>") == 3
    assert '<a href="05_prepare_the_inputs.ipynb">' in html
    assert "layer &lt;3&gt;" in html
    assert "<3>" not in html


def test_a_finding_has_the_worst_number_in_its_words_and_first_in_its_evidence():
    few, many = Evidence("share", 0.3, 0.25, "b"), Evidence("share", 0.62, 0.5, "a")
    found = finding("dead_units", True, [few, many])
    assert (found.severity, found.layers, found.evidence) == ("severe", ("b", "a"), (many, few))
    assert found.meaning.startswith("62% of the layer's units are off")
    assert finding("dead_units", False, [few], ["c"]).layers == ("c",)
    assert repr(found) == "<severe dead_units: b, a>"


def test_an_illness_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="no illness has the code 'flu'; there are non_finite_values, "):
        finding("flu", True, [])


def test_evidence_is_worse_the_further_out_and_worst_where_it_is_nan():
    low = [Evidence("std", value, 0.05) for value in (1e-5, 0.01)]
    high = [Evidence("std", value, 20.0) for value in (inf, 1e9, 90.0)]
    lost = Evidence("std", nan, 0.0)
    for worst_first in (low, high, [lost, high[-1]]):
        ranks = [one.rank for one in worst_first]
        assert ranks == sorted(set(ranks))
    assert (low[0].text, lost.text) == ("std: 1e-05, below 0.05", "std: nan, not 0")


def test_the_threshold_told_is_the_worst_one_crossed():
    assert [crossed(value, (1.0, 2.0)) for value in (1.5, 2.5)] == [1.0, 2.0]


def test_four_layers_are_named_and_more_are_counted():
    assert names_of(()) == "–"
    assert names_of(tuple("abcd")) == "a, b, c, d"
    assert names_of(tuple("abcde")) == "a … e (5 layers)"
