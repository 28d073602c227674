"""Numbers in the prose: how they are evaluated, written, compared, and which ones are refused."""

from decimal import Decimal

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import bound, hygiene, mutate_claims, notebooks, telling
from tools.claims import constants, refused, unbound_numbers
from tools.sources import ROOT, build, cells, lesson_path, paths_of, solved_path, source_paths


def told(field, **namespace):
    [[text, error]] = telling.json.loads(telling.tell([field], namespace))
    return text or error


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("x:.2f", "−0.50"),
        ("abs(x):.0%", "50 %"),
        ("x * 1e-6:.1e", "−5.0×10⁻⁷"),
        ("words(n)", "seven"),
        ("words(23_000).capitalize()", "Twenty-three thousand"),
        ("ordinal(n + 14)", "twenty-first"),
        ("about(1719, 2)", "1,700"),
        ("about(9.6)", "10"),
        ("power(2e-8)", "10⁻⁸"),
        ('{"a": n}["a"]!r:>3', "  7"),
        ('given("0.739", "Géron 2019")', "0.739"),
    ],
)
def test_a_field_is_written_as_a_sentence_needs_it(field, text):
    assert told(f" {field}" if field.startswith("{") else field, x=-0.5, n=7) == text


@pytest.mark.parametrize(
    ("field", "error"),
    [
        ("nowhere", "NameError"),
        ("words(2.5)", "ValueError: no words for 2.5"),
        ('given("3", "a book")', "ValueError: given"),
        ("1 +", "SyntaxError"),
        ('""', "ValueError: gives"),
        ("words + 1", "NameError: ['words'] is a name of the notebook"),
    ],
)
def test_a_field_that_cannot_be_told_says_why(field, error):
    assert told(field, words=1).startswith(error) or told(field).startswith(error)


TEMPLATE = "It is {{x:.1f}}, not 3, in {{words(n)}} of ten."


def test_the_texts_in_the_holes_are_found_and_a_changed_literal_is_not():
    assert bound.stored_texts(TEMPLATE, "It is 0.5, not 3, in seven of ten.") == ["0.5", "seven"]
    assert bound.stored_texts(TEMPLATE, "It is 0.5, not 4, in seven of ten.") is None


def test_a_difference_names_the_expression_and_both_texts():
    answers = [bound.Told("x:.1f", "0.5", None), bound.Told("words(n)", "seven", None)]
    assert bound.differences(TEMPLATE, "It is 0.5, not 3, in seven of ten.", answers) == []
    assert bound.differences(TEMPLATE, "It is 0.5, not 3, in five of ten.", answers) == [
        "{{words(n)}} is stored as 'five', computed 'seven'"
    ]


def test_evaluation_leaves_no_trace_and_an_error_names_notebook_and_cell(tmp_path):
    cells = ["n = 7\nn", "It is {{words(n)}}.", "_, sorted(k for k in globals() if k in ('words', 'space'))"]
    made = [new_markdown_cell(c) if "{{" in c else new_code_cell(c) for c in cells]
    ran = notebooks.execute(new_notebook(cells=made), tmp_path / "a.ipynb")
    assert ran.cells[1].source == "It is seven."
    assert [ran.cells[k].execution_count for k in (0, 2)] == [1, 2]
    assert ran.cells[2].outputs[0].data["text/plain"] == "(7, [])"
    broken = new_notebook(cells=[new_code_cell("1"), new_markdown_cell("{{lost}}")])
    with pytest.raises(notebooks.NotebookError, match=r"a\.ipynb, cell 1 .*\{\{lost\}\} raises NameError"):
        notebooks.execute(broken, tmp_path / "a.ipynb")


SET_UP = {Decimal(n) for n in ("0", "1", "5", "7", "10", "0.05")}


@pytest.mark.parametrize(
    "text",
    [
        "lesson 04, for 90 minutes, in 2019",
        "28 × 28",
        "a rate of 5 %",
        "two layers",
        "set it to `0.5`",
        "{{n}} of 5",
    ],
)
def test_set_up_and_names_may_stand(text):
    assert refused(text, SET_UP, SET_UP) == []


@pytest.mark.parametrize(
    "text",
    [
        "0.002 of the first",
        "about five times",
        "seven of ten",
        "78 layers die",
        "9.5×10⁻⁷",
        "23 %",
        "it grows ×32",
        "a slope of `0.2467`",
        "eight nodes",
    ],
)
def test_what_reports_is_refused(text):
    assert len(refused(text, SET_UP, SET_UP)) >= 1


def test_strings_comments_and_indices_are_no_set_up():
    assert constants("x[3] = f(4, axis=2)  # 5\nprint(f'{x:.6f} 7')") == {Decimal(4)}


def test_a_literal_in_a_source_is_refused_where_an_expression_was(tmp_path):
    path = next(path for name, path in source_paths().items() if name.startswith("01"))
    assert unbound_numbers(path) == []
    changed = tmp_path / path.name
    text = path.read_text(encoding="utf-8")
    assert text.count("{{h3 - t:.3f}}") == 1
    changed.write_text(text.replace("{{h3 - t:.3f}}", "−0.144"), encoding="utf-8")
    (found,) = [index for index, _ in unbound_numbers(changed)]
    assert "h3 gets h3 − t" in cells(changed)[found].source


@pytest.mark.slow
def test_changed_numbers_are_caught(capsys):
    assert mutate_claims.main(["01", "--no-run", "--digits", "20", "--words", "4"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert [row.split()[0].split("/")[0] for row in table[1:-1]] == ["notebooks", "solutions"]
    assert table[-1].split() == ["all", "24", "24"]


class RanError(Exception):
    """A notebook was run."""


def test_a_copy_is_judged_by_the_rules_and_never_run(monkeypatch):
    def run(*_):
        raise RanError

    monkeypatch.setattr(mutate_claims, "execute", run)
    [name] = notebooks.choose(["01"], ROOT)
    with pytest.raises(RanError):
        mutate_claims.judge_of_notebook(solved_path(name), run=True)
    copy = lesson_path(name)
    judge = mutate_claims.judge_of_notebook(copy, run=True)
    built = [cell.source for cell in build(source_paths()[name])[0].cells]
    found = [(i, text) for i, text in hygiene.open_page(copy).texts if bound.fields(built[i])]
    index, text = found[0]
    inside = bound.stored_texts(built[index], text)[0]
    place = len(bound.HOLE.split(built[index])[0])
    assert text[place:].startswith(inside)
    digit = mutate_claims.Change(copy, index, place, inside, f"{inside}0")
    assert judge(digit) == "twins_tell_the_same"
    assert judge(mutate_claims.Change(copy, index, 0, text[0], "9")) == "source_and_twins_agree"
    assert judge(mutate_claims.Change(copy, index, place, inside, inside)) is None


def test_pages_in_deeper_are_among_the_notebooks_to_change(tmp_path):
    assert mutate_claims._paths(["01_a", "deeper/01_a"], source=False, root=tmp_path) == [
        *paths_of("01_a", tmp_path),
        tmp_path / "notebooks" / "deeper" / "01_a.ipynb",
    ]
