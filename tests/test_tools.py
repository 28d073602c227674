"""The authors' tools on a small course of two lessons and a page: written, run, checked, then broken."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import hygiene, mutate_claims, notebooks, sources

ROOT = Path(__file__).resolve().parents[1]
START, LESSON, DEEPER = "00_start_here", "02_halve_the_signal", "deeper/01_halve_again"

START_SOURCE = """\
# %% [markdown]
# # Start here
# You will see what this course holds. It goes on with
# [the first lesson](02_halve_the_signal.ipynb).

# %%
import os
"""

LESSON_SOURCE = """\
# %% [markdown]
# # Halve the signal
# You will see a signal shrink by half in each layer. Before this one:
# [Start here](00_start_here.ipynb).
# The [words used](#What-we-see) come below, and the plan is in [the readme](../README.md).
# ![A dot](dot.png) Who wants more can [halve it again](deeper/01_halve_again.ipynb).

# %%
from helpers.sample import Lab, halve, check_sum, check_mean, check_third

# %% [markdown]
# ## What we see
# How much of the signal is left after two layers? Make a guess, then run the cell below, compare.

# %%
left = halve(halve(1))
print(f"left: {left:.2f}")
assert halve(1) == 0.5

# %% [markdown]
# A share of {{left:.2f}} is left, or {{left:.0%}}, as printed above.
# A lab shows the same in a picture that can be moved.

# %%
Lab()

# %% tags=["folded"]
halve(3)

# %% [markdown]
# ### Yours
# Write a function for the sum of two numbers, one for their mean, one for a third of their sum.
# <details><summary>Hint</summary>The sum comes first.</details>

# %% tags=["stub"]
def sum_of(a, b):
    ...

# %% tags=["solution"]
def sum_of(a, b):
    return a + b

# %%
check_sum(sum_of)

# %% tags=["stub"]
mean_of = ...

# %% tags=["solution"]
mean_of = 1.5

# %%
check_mean(mean_of)

# %% tags=["stub"]
third = ...

# %% tags=["solution"]
third = 1.0

# %%
check_third(third)

# %% [markdown] tags=["given"]
# Further reading: [a paper](https://example.org/a.pdf) of 2010, which halves
# 99.9 % of its signals.
"""

DEEPER_SOURCE = """\
# %% [markdown]
# # Halve it again
# For those to whom [the lesson](../02_halve_the_signal.ipynb#What-we-see) did not tell enough.
# <details><summary>What is left?</summary>A half of it.</details>

# %%
from helpers.sample import halve

# %%
rest = halve(0.25)
rest

# %% [markdown]
# What is left of a quarter is {{rest:.3f}}.
"""

SAMPLE = '''\
import base64, uuid

from helpers.checks.frame import call, close, exercise


class Lab:
    """Like a live figure: a picture and a widget id that change from run to run, and a text that does not."""

    def __repr__(self):
        return "Lab(share=0.25)"

    def _repr_mimebundle_(self, **_):
        view = {"model_id": uuid.uuid4().hex, "version_major": 2, "version_minor": 0}
        picture = base64.b64encode(uuid.uuid4().bytes).decode()
        widget = {"application/vnd.jupyter.widget-view+json": view}
        return {"text/plain": repr(self), "image/png": picture, **widget}


def halve(x):
    return x / 2


@exercise
def check_sum(answer):
    close(call(answer, 1, 2), 3)
    return "1 + 2 is 3."


@exercise
def check_mean(answer):
    close(answer, 1.5)
    return "it lies halfway."


@exercise
def check_third(answer):
    close(answer, 1)
    return "a third of it."
'''

DATA = """\
import os


def fetch():
    return os.environ["SAMPLE_IMAGES"]
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def new_course(root: Path) -> Path:
    """A course of two lessons and a page, with the real conftest and the real frame of the checks."""
    folder = root / "notebooks"
    write(folder / "source" / f"{START}.py", START_SOURCE)
    write(folder / "source" / f"{LESSON}.py", LESSON_SOURCE)
    write(folder / "source" / f"{DEEPER}.py", DEEPER_SOURCE)
    write(folder / "dot.png", "a picture")
    write(root / "README.md", "a readme")
    for name, text in {"__init__": "", "sample": SAMPLE, "data": DATA, "checks/__init__": ""}.items():
        write(root / "helpers" / f"{name}.py", text)
    for name in ("frame", "learner"):
        shutil.copy(ROOT / "helpers" / "checks" / f"{name}.py", root / "helpers" / "checks")
    shutil.copy(ROOT / "notebooks" / "conftest.py", folder)
    shutil.copytree(ROOT / "tools", root / "tools")
    return root


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The small course, written and run once; tests that change it take a copy."""
    root = new_course(tmp_path_factory.mktemp("course"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(root))
        assert notebooks.main(["--root", str(root)]) == 0
    return root


@pytest.fixture
def course(built, tmp_path):
    return shutil.copytree(built, tmp_path / "course")


@pytest.fixture
def lesson(course):
    """The learner's copy of the lesson."""
    return hygiene.open_page(sources.lesson_path(LESSON, course))


@pytest.fixture
def twin(course):
    """The solved twin of the lesson."""
    return hygiene.open_page(sources.solved_path(LESSON, course))


@pytest.fixture
def deeper(course):
    """The page in deeper/."""
    return hygiene.open_page(sources.lesson_path(DEEPER, course))


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    write(path, text.replace(old, new))


def broken_rules(path: Path) -> set[str]:
    page = hygiene.open_page(path)
    return {rule.__name__ for rule in hygiene.RULES if rule(page)}


# --- from one source to two notebooks ----------------------------------------------------------------------


def test_learner_gets_the_stubs_and_the_twin_the_solutions(built):
    lesson, solved = sources.build(sources.source_paths(built)[LESSON])
    learner_text = "\n".join(cell.source for cell in lesson.cells)
    assert "return a + b" not in learner_text
    assert "mean_of = ..." in learner_text
    solved_text = "\n".join(cell.source for cell in solved.cells)
    assert "return a + b" in solved_text
    assert "mean_of = ..." not in solved_text
    assert len(lesson.cells) == len(solved.cells)


def test_a_folded_cell_hides_its_source_in_both(built):
    for notebook in sources.build(sources.source_paths(built)[LESSON]):
        hidden = [cell.source for cell in notebook.cells if cell.metadata.get("jupyter")]
        assert hidden == ["halve(3)"]
        folded = next(cell for cell in notebook.cells if cell.source == "halve(3)")
        assert folded.metadata == {"tags": ["folded"], "jupyter": {"source_hidden": True}}


def test_details_are_closed_for_the_learner_and_open_in_the_twin(built):
    pages = [hygiene.open_page(path(LESSON, built)) for path in (sources.lesson_path, sources.solved_path)]
    closed, opened = ["\n".join(text for _, text in page.texts) for page in pages]
    assert "<details><summary>Hint" in closed
    assert "<details open><summary>Hint" in opened
    assert closed.count("<details") == opened.count("<details") == 1


def test_a_page_in_deeper_is_one_notebook_with_outputs_and_links_as_written(built):
    assert list(sources.source_paths(built)) == [START, LESSON, DEEPER]
    assert sources.paths_of(DEEPER, built) == [built / "notebooks" / f"{DEEPER}.ipynb"]
    page = hygiene.open_page(sources.lesson_path(DEEPER, built))
    assert page.texts[0][1].startswith("# Halve it again\nFor those")
    assert "](../02_halve_the_signal.ipynb#What-we-see)" in page.texts[0][1]
    assert "<details><summary>What" in page.texts[0][1]
    assert page.texts[1][1] == "What is left of a quarter is 0.125."
    assert page.outputs[0][1].data["text/plain"] == "0.125"
    assert [cell.execution_count for _, cell in page.code] == [1, 2]
    assert not (built / "notebooks" / "solutions" / "deeper").exists()


def test_a_page_in_deeper_has_no_exercises(tmp_path):
    source = write(tmp_path / "deeper" / "03_a.py", '# %% [markdown]\n# # A\n\n# %% tags=["stub"]\n1\n')
    with pytest.raises(ValueError, match=r"03_a\.py: a page in deeper/ has no exercises"):
        sources.build(source)


def test_the_twin_says_what_it_is_and_its_links_fit_its_folder(built):
    _, solved = sources.build(sources.source_paths(built)[LESSON])
    first = solved.cells[0].source
    assert first.startswith(
        "# Halve the signal — solved\n\n*This is the solved twin of [02_halve_the_signal](../02"
    )
    assert "[Start here](00_start_here.ipynb)" in first
    assert "[the readme](../../README.md)" in first
    assert "![A dot](../dot.png)" in first
    assert "[words used](#What-we-see)" in first
    assert "(https://example.org/a.pdf)" in solved.cells[-1].source


@pytest.mark.parametrize(
    ("written", "deeper"),
    [
        ("[a](03_x.ipynb#Lab)", "[a](03_x.ipynb#Lab)"),
        ("[a](solutions/03_x.ipynb)", "[a](../solutions/03_x.ipynb)"),
        ('<img alt="a" src="b.png">', '<img alt="a" src="../b.png">'),
        ("`[a](b.png)` and $x$", "`[a](b.png)` and $x$"),
        ("[a](mailto:a@b.c)", "[a](mailto:a@b.c)"),
    ],
)
def test_links_one_folder_deeper(written, deeper):
    assert sources.LINK.sub(sources._deeper, written) == deeper


def test_ids_follow_from_the_text_alone_and_are_unique(built):
    first, second = (sources.build(sources.source_paths(built)[LESSON]) for _ in range(2))
    ids = [cell.id for cell in first[0].cells]
    assert ids == [cell.id for cell in second[0].cells]
    assert len(set(ids)) == len(ids)
    for notebook in first:
        nbformat.validate(notebook)


def test_equal_cells_get_different_ids(tmp_path):
    source = write(tmp_path / "03_a.py", "# %% [markdown]\n# # A\n\n# %%\n1\n\n# %%\n1\n")
    ids = [cell.id for cell in sources.build(source)[0].cells]
    assert ids[2] == f"{ids[1]}-2"


def test_a_mistyped_tag_is_refused(tmp_path):
    source = write(tmp_path / "03_a.py", '# %% [markdown]\n# # A\n\n# %% tags=["solutoin"]\n1\n')
    allowed = r"\['folded', 'given', 'solution', 'stub'\]"
    with pytest.raises(ValueError, match=rf"unknown tags \['solutoin'\]; allowed are {allowed}"):
        sources.build(source)


def test_a_source_without_a_title_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"03_a\.py: the first cell must be markdown"):
        sources.build(write(tmp_path / "03_a.py", "# %%\n1\n"))


# --- running and stripping ---------------------------------------------------------------------------------


def test_outputs_are_stored_without_what_changes(built):
    solved = nbformat.read(sources.solved_path(LESSON, built), as_version=4)
    lab = next(cell for cell in solved.cells if cell.source == "Lab()")
    assert set(lab.outputs[0].data) == {"text/plain", "image/png"}
    assert lab.outputs[0].metadata == {}
    assert solved.metadata == sources.METADATA
    shown = [hygiene.output_text(output) for cell in solved.cells for output in cell.get("outputs", [])]
    assert "left: 0.25\n" in shown
    assert sum("Right" in text for text in shown) == 3
    assert sum("Not attempted yet" in text for text in shown) == 0


def test_a_copy_has_no_outputs_and_tells_what_its_twin_computed(built):
    lesson = hygiene.open_page(sources.lesson_path(LESSON, built))
    assert len(lesson.code) == 10
    assert [(cell.outputs, cell.execution_count) for _, cell in lesson.code] == [([], None)] * 10
    told = "A share of 0.25 is left, or 25 %, as printed above."
    for path in sources.paths_of(LESSON, built):
        assert text(hygiene.open_page(path), "A share").source.startswith(told)


def test_a_copy_tells_nothing_that_its_twin_does_not_compute(course, capsys):
    path = sources.lesson_path(START, course)
    before = path.read_bytes()
    source = course / "notebooks" / "source" / f"{START}.py"
    write(source, f'{START_SOURCE}\n# %% [markdown] tags=["stub"]\n# There is {{{{os.sep}}}}.\n')
    assert notebooks.main(["00", "--no-run", "--root", str(course)]) == 1
    complaint = (
        f"notebooks/{START}.ipynb, cell 2 (counted from 0): its text has expressions, which the solved"
    )
    assert complaint in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.slow
def test_a_second_run_writes_the_same_bytes(course):
    path = sources.solved_path(START, course)
    before = path.read_bytes()
    path.unlink()
    assert notebooks.main(["00", "--root", str(course)]) == 0
    assert path.read_bytes() == before


def test_the_table_names_cells_size_and_seconds_of_copy_twin_and_page(course, capsys):
    assert notebooks.main(["--root", str(course), "--no-run", "02", "deeper"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["notebook", "cells", "KB", "seconds"]
    assert re.fullmatch(rf"notebooks/{LESSON}\.ipynb +15 +\d+\.\d +0\.0", table[1])
    assert re.fullmatch(rf"notebooks/solutions/{LESSON}\.ipynb +15 +\d+\.\d +\d+\.\d", table[2])
    assert re.fullmatch(rf"notebooks/{DEEPER}\.ipynb +4 +\d+\.\d +\d+\.\d", table[3])
    assert len(table) == 4


BROKEN_CELLS = {
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "writes to stderr": ('import sys; sys.stderr.write("careless")', "wrote to stderr:\ncareless"),
    "kernel ends": ("import os; os._exit(1)", "Kernel died"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", BROKEN_CELLS)
def test_a_broken_cell_is_named_and_the_file_stays(course, capsys, kind):
    code, complaint = BROKEN_CELLS[kind]
    paths = [sources.lesson_path(START, course), sources.solved_path(START, course)]
    before = [path.read_bytes() for path in paths]
    source = course / "notebooks" / "source" / f"{START}.py"
    write(source, f'{START_SOURCE}\n# %% tags=["solution"]\n{code}\n')
    assert notebooks.main(["00", "--root", str(course)]) == 1
    shown = capsys.readouterr()
    assert f"Not written: solutions/{START}.ipynb, cell 2 (counted from 0): " in shown.err
    assert complaint in re.sub(r"\x1b\[[\d;]*m", "", shown.err)
    assert START not in shown.out
    assert [path.read_bytes() for path in paths] == before


def test_a_cell_has_limited_time(tmp_path):
    notebook = new_notebook(cells=[new_code_cell("import time; time.sleep(30)")])
    with pytest.raises(notebooks.NotebookError, match=r"a\.ipynb, cell 0 .*time"):
        notebooks.execute(notebook, tmp_path / "a.ipynb", seconds=1)


def test_an_unknown_name_is_refused(course, capsys):
    assert notebooks.main(["07", "--root", str(course)]) == 1
    assert f"no source for ['07']; there are ['{START}', '{LESSON}', '{DEEPER}']" in capsys.readouterr().err


def test_without_running_outputs_of_the_twin_stay_down_to_the_first_changed_code(course):
    source, path = course / "notebooks" / "source" / f"{LESSON}.py", sources.solved_path(LESSON, course)
    copy, before = sources.lesson_path(LESSON, course), hygiene.open_page(path).outputs
    replace(source, "Make a guess", "Guess")
    assert notebooks.main(["02", "--no-run", "--root", str(course)]) == 0
    assert hygiene.open_page(path).outputs == before
    for page in (hygiene.open_page(path), hygiene.open_page(copy)):
        assert "Guess, then run" in text(page, "How much").source
        assert broken_rules(page.path) == set()
    replace(source, "check_mean(mean_of)", "check_mean( mean_of)")
    assert notebooks.main(["02", "--no-run", "--root", str(course)]) == 0
    counts = [cell.execution_count for _, cell in hygiene.open_page(path).code]
    assert counts == [1, 2, 3, 4, 5, 6, 7, None, None, None]
    assert broken_rules(path) == {"every_cell_was_run"}
    assert broken_rules(copy) == set()


def test_without_running_a_new_expression_is_refused(course, capsys):
    paths = sources.paths_of(LESSON, course)
    before = [path.read_bytes() for path in paths]
    replace(course / "notebooks" / "source" / f"{LESSON}.py", "as printed above", "or {{left:.1f}}")
    assert notebooks.main(["02", "--no-run", "--root", str(course)]) == 1
    complaint = f"solutions/{LESSON}.ipynb, cell 4 (counted from 0): its text has new expressions"
    assert complaint in capsys.readouterr().err
    assert [path.read_bytes() for path in paths] == before


# --- hygiene -----------------------------------------------------------------------------------------------


def test_the_small_course_keeps_every_rule(built):
    paths = hygiene.notebook_paths(built)
    assert [path.parent.name for path in paths] == [*["notebooks"] * 2, *["solutions"] * 2, "deeper"]
    assert {path: broken_rules(path) for path in paths} == {path: set() for path in paths}


def code(page, text):
    return next(cell for _, cell in page.code if text in cell.source)


def text(page, words):
    return next(c for c in page.notebook.cells if c.cell_type == "markdown" and words in c.source)


def say(page, words, old, new):
    cell = text(page, words)
    assert old in cell.source
    cell.source = cell.source.replace(old, new)


def edit_source(page, old, new):
    replace(hygiene.source_and_twin(page)[0], old, new)


def output(page, **parts):
    page.code[1][1].outputs.append(new_output(**parts))


def stream(page, said, name="stdout"):
    output(page, output_type="stream", name=name, text=said)


OF_COPY = {
    "an output is left": ("every_cell_was_run", lambda p: stream(p, "left: 0.25")),
    "a count is left": ("every_cell_was_run", lambda p: code(p, "Lab()").update(execution_count=3)),
    "a told number is edited": ("twins_tell_the_same", lambda p: say(p, "A share", "0.25", "0.26")),
    "a told percentage is edited": ("twins_tell_the_same", lambda p: say(p, "A share", "25 %", "24 %")),
    "a number is literal": ("numbers_are_bound", lambda p: edit_source(p, "{{left:.2f}}", "0.25")),
    "a number word is literal": (
        "numbers_are_bound",
        lambda p: edit_source(p, "{{left:.2f}}", "a fifth of seven"),
    ),
    "an expression is a number": ("numbers_are_bound", lambda p: edit_source(p, "{{left:.2f}}", "{{0.25}}")),
    "two exercises": ("has_exercises", lambda p: code(p, "third = ...").metadata.update(tags=[])),
    "a solution left in": (
        "has_exercises",
        lambda p: p.notebook.cells.append(new_code_cell("1", metadata={"tags": ["solution"]})),
    ),
    "a path in the set-up": (
        "set_up_is_plain",
        lambda p: p.code[0][1].update(source='import sys; sys.path[:0] = [".."]'),
    ),
    "a path further down": (
        "set_up_is_plain",
        lambda p: code(p, "Lab()").update(source="import sys\nsys.path.append('..')"),
    ),
    "a long set-up": ("set_up_is_plain", lambda p: p.code[0][1].update(source="import os\n" * 3)),
    "a semicolon": (
        "statements_are_not_joined",
        lambda p: code(p, "Lab()").update(source="Lab();  # hidden"),
    ),
    "joined statements": (
        "statements_are_not_joined",
        lambda p: code(p, "Lab()").update(source="a = 1; Lab()"),
    ),
    "a long line": ("lines_are_short", lambda p: edit_source(p, "Make a guess", "Make a guess " * 9)),
    "a marker": ("outputs_are_compared", lambda p: code(p, "Lab()").update(source="# NBVAL_SKIP\nLab()")),
    "two titles": ("headings_are_in_order", lambda p: say(p, "How much", "## What", "# What")),
    "a skipped level": ("headings_are_in_order", lambda p: say(p, "Write a", "### Yours", "#### Yours")),
    "no title": ("headings_are_in_order", lambda p: say(p, "You will", "# Halve the signal\n", "")),
    "no alt text": ("images_have_alt_text", lambda p: say(p, "You will", "![A dot]", "![]")),
    "no alt text in HTML": (
        "images_have_alt_text",
        lambda p: say(p, "You will", "![A dot](dot.png)", '<img src="dot.png">'),
    ),
    "a dead link": ("links_resolve", lambda p: say(p, "You will", "../README.md", "../READER.md")),
    "a dead picture": ("links_resolve", lambda p: say(p, "You will", "dot.png", "dots.png")),
    "a dead anchor": ("links_resolve", lambda p: say(p, "You will", "#What-we-see", "#What-we-saw")),
    "a rooted path": ("links_resolve", lambda p: say(p, "You will", "../README.md", "/README.md")),
    "no link to the neighbour": (
        "neighbours_are_linked",
        lambda p: say(p, "You will", "(00_start_here.ipynb)", "(https://example.org)"),
    ),
    "the text drifts": ("source_and_twins_agree", lambda p: say(p, "Make a guess", "guess", "bet")),
    "an id drifts": ("source_and_twins_agree", lambda p: code(p, "Lab()").update(id="mine")),
    "a cell is added": (
        "source_and_twins_agree",
        lambda p: p.notebook.cells.append(new_markdown_cell("more")),
    ),
    "a folded cell is shown": (
        "source_and_twins_agree",
        lambda p: code(p, "halve(3)").metadata.pop("jupyter"),
    ),
    "a hint is open": ("source_and_twins_agree", lambda p: say(p, "Write a", "<details>", "<details open>")),
}

OF_TWIN = {
    "a cell is left unrun": ("every_cell_was_run", lambda p: code(p, "Lab()").update(execution_count=None)),
    "cells were run twice": ("every_cell_was_run", lambda p: code(p, "Lab()").update(execution_count=9)),
    "an error is stored": ("no_errors", lambda p: output(p, output_type="error", ename="E", evalue="")),
    "stderr is stored": ("no_stderr", lambda p: stream(p, "careful", "stderr")),
    "widget state is stored": ("nothing_volatile", lambda p: p.notebook.metadata.update(widgets={})),
    "timing is stored": ("nothing_volatile", lambda p: code(p, "Lab()").metadata.update(execution={})),
    "a version is stored": (
        "nothing_volatile",
        lambda p: p.notebook.metadata.language_info.update(version="3.11.2"),
    ),
    "a widget view is stored": (
        "nothing_volatile",
        lambda p: output(p, output_type="display_data", data={notebooks.WIDGET_VIEW: {}}),
    ),
    "a path is shown": ("no_machine_traces", lambda p: stream(p, "saved to /home/me/figure.png")),
    "a drive is shown": ("no_machine_traces", lambda p: stream(p, r"saved to C:\Users")),
    "an address is shown": ("no_machine_traces", lambda p: stream(p, "<object at 0x7f12ab34cd>")),
    "too many bytes": ("is_small", lambda p: stream(p, "a" * 300 * 1024)),
    "a told number is edited": ("twins_tell_the_same", lambda p: say(p, "A share", "0.25", "0.26")),
    "a stub left in": (
        "has_exercises",
        lambda p: p.notebook.cells.append(new_code_cell("1", metadata={"tags": ["stub"]})),
    ),
    "two solutions": ("has_exercises", lambda p: code(p, "third = 1.0").metadata.update(tags=[])),
    "a hint is closed": (
        "source_and_twins_agree",
        lambda p: say(p, "Write a", "<details open>", "<details>"),
    ),
    "a neighbour is not the twin": (
        "neighbours_are_linked",
        lambda p: say(p, "You will", "(00_start_here.ipynb)", "(../00_start_here.ipynb)"),
    ),
}

OF_PAGE = {
    "a cell is left unrun": ("every_cell_was_run", lambda p: p.code[1][1].update(execution_count=None)),
    "stderr is stored": ("no_stderr", lambda p: stream(p, "careful", "stderr")),
    "an address is shown": ("no_machine_traces", lambda p: stream(p, "<object at 0x7f12ab34cd>")),
    "a number is literal": ("numbers_are_bound", lambda p: edit_source(p, "{{rest:.3f}}", "0.125")),
    "a long line": ("lines_are_short", lambda p: edit_source(p, "What is left of", "What is left of " * 9)),
    "a dead anchor": ("links_resolve", lambda p: say(p, "For those", "#What-we-see", "#What-we-saw")),
    "a solution": ("has_exercises", lambda p: p.code[1][1].metadata.update(tags=["solution"])),
    "the text drifts": ("source_and_twins_agree", lambda p: say(p, "For those", "enough", "all")),
}

DAMAGE = {"lesson": OF_COPY, "twin": OF_TWIN, "deeper": OF_PAGE}


@pytest.mark.parametrize(("kept", "kind"), [(kept, kind) for kept in DAMAGE for kind in DAMAGE[kept]])
def test_each_rule_finds_its_damage(request, kept, kind):
    page, (rule, damage) = request.getfixturevalue(kept), DAMAGE[kept][kind]
    damage(page)
    nbformat.write(page.notebook, page.path)
    assert rule in broken_rules(page.path)


def test_every_rule_is_broken_once():
    broken = {rule for damages in DAMAGE.values() for rule, _ in damages.values()}
    assert broken == {rule.__name__ for rule in hygiene.RULES}


@pytest.mark.parametrize("edited", [0, 1], ids=["copy", "twin"])
def test_a_digit_changed_in_either_is_seen_in_both(course, edited):
    paths = sources.paths_of(LESSON, course)
    replace(paths[edited], "A share of 0.25", "A share of 0.26")
    assert [broken_rules(path) for path in paths] == [{"twins_tell_the_same"}] * 2


def test_an_edited_source_and_a_missing_twin_are_drift(course):
    path = sources.solved_path(LESSON, course)
    sources.lesson_path(LESSON, course).unlink()
    assert hygiene.source_and_twins_agree(hygiene.open_page(path)) == [
        f"{LESSON}.ipynb is missing in notebooks/"
    ]
    start = sources.lesson_path(START, course)
    replace(course / "notebooks" / "source" / f"{START}.py", "what this course holds", "what it holds")
    assert hygiene.source_and_twins_agree(hygiene.open_page(start)) == ["cell 0 differs from its source"]


# --- changed numbers ---------------------------------------------------------------------------------------


def caught_by(page, words, old, new):
    index, before = next((index, told) for index, told in page.texts if words in told)
    change = mutate_claims.Change(page.path, index, before.index(old), old, new)
    return mutate_claims.judge_of_notebook(page.path, run=False)(change)


def test_a_changed_number_is_caught_by_the_twin_or_by_the_kernel(lesson, twin, deeper):
    for page in (lesson, twin):
        assert caught_by(page, "A share", "0.25", "0.26") == "twins_tell_the_same"
        assert caught_by(page, "Further", "2010", "2011") == "source_and_twins_agree"
        assert caught_by(page, "A share", "0.25", "0.25") is None
    assert caught_by(deeper, "a quarter", "0.125", "0.126") == "nbval"
    assert caught_by(deeper, "a quarter", "0.125", "0.125") is None


# --- the cells run again under nbval -----------------------------------------------------------------------

OTHER_OUTPUT = ("Lab(share=0.25)", "Lab(share=0.26)")
OTHER_TEXT = ("A share of 0.25", "A share of 0.26")
BROKEN = ("assert halve(1) == 0.5", "del left; assert halve(1) == 0.7")
RAISED = {"Cell 1": "AssertionError", "Text 4": "{{left:.2f}} raises NameError"}

# A changed notebook: what it is made of, the changes, and which items fail with which words, where outputs
# are compared and on the stand-in. A copy's changed text is not seen here: `twins_tell_the_same` sees it.
CHANGED = {
    "solutions/10_numbers": (
        LESSON,
        (OTHER_OUTPUT, OTHER_TEXT),
        {"Cell 2": "mismatch 'text/plain'", "Text 4": "stored as '0.26', computed '0.25'"},
        {},
    ),
    "solutions/11_errors": (LESSON, (BROKEN,), RAISED, RAISED),
    "12_copy": (LESSON, (OTHER_TEXT, BROKEN), {"Cell 1": "AssertionError"}, {"Cell 1": "AssertionError"}),
    "deeper/13_numbers": (
        DEEPER,
        (('"0.125"', '"0.126"'), ("is 0.125", "is 0.126")),
        {"Cell 1": "mismatch 'text/plain'", "Text 3": "stored as '0.126', computed '0.125'"},
        {},
    ),
}
UNCHANGED = {START: 1, LESSON: 10, f"solutions/{START}": 1, f"solutions/{LESSON}": 11, DEEPER: 3}  # items


@pytest.fixture(scope="module")
def nbval_root(built, tmp_path_factory):
    """The small course and its CHANGED notebooks, with a draft and a checkpoint that nobody wants tested."""
    root = shutil.copytree(built, tmp_path_factory.mktemp("nbval") / "course")
    folder = root / "notebooks"
    shutil.copytree(folder / "solutions", folder / ".ipynb_checkpoints")
    write(folder / "drafts" / "draft.ipynb", "this is no notebook")
    for name, (made_of, changes, *_) in CHANGED.items():
        first = sources.solved_path if "/" in name else sources.lesson_path
        shutil.copy(first(made_of, root), folder / f"{name}.ipynb")
        source = folder / "source" / f"{name.removeprefix('solutions/')}.py"
        shutil.copy(folder / "source" / f"{made_of}.py", source)
        for change in changes:
            replace(folder / f"{name}.ipynb", *change)
    own = hygiene.open_page(folder / "12_copy.ipynb")  # the learner has run a cell, which nobody compares
    code(own, "Lab()").update(execution_count=1, outputs=[new_output("stream", text="mine")])
    nbformat.write(own.notebook, own.path)
    return root


@pytest.fixture(scope="module")
def with_images(nbval_root):
    """What nbval says of all notebooks."""
    return run_nbval(nbval_root, "folder", "-n", "2", "--dist", "loadscope", "notebooks")


@pytest.fixture(scope="module")
def on_stand_in(nbval_root):
    """What nbval says of the changed notebooks where the images are the stand-in."""
    return run_nbval(nbval_root, "stand-in", *(f"notebooks/{name}.ipynb" for name in CHANGED))


def run_nbval(root: Path, images: str, *arguments: str) -> tuple[str, dict[str, dict[str, str]]]:
    """Return what pytest wrote, and of each notebook its items: why one failed, "" where it passed."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "--nbval"]
    command += ["--nbval-current-env", "--nbval-cell-timeout=60", "-p", "no:hypothesispytest"]
    command += [f"--junitxml={images}.xml", *arguments]
    environment = {**os.environ, "SAMPLE_IMAGES": images, "PYTHONPATH": str(root)}
    ran = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 1, ran.stdout + ran.stderr  # some items failed, and nothing else went wrong
    items = {}
    for case in ElementTree.parse(root / f"{images}.xml").iter("testcase"):
        name = case.get("classname").removeprefix("notebooks.").removesuffix(".ipynb").replace(".", "/")
        items.setdefault(name, {})[case.get("name")] = "".join(part.text or part.tag for part in case)
    return ran.stdout, items


@pytest.mark.slow
def test_nbval_passes_where_only_pictures_and_widget_ids_differ(with_images):
    said, items = with_images
    assert items.keys() == UNCHANGED.keys() | CHANGED.keys()  # no draft, no checkpoint
    assert {name: len(items[name]) for name in UNCHANGED} == UNCHANGED
    assert {why for name in UNCHANGED for why in items[name].values()} == {""}
    assert "stand-in" not in said


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGED)
def test_nbval_finds_what_was_changed(with_images, name):
    assert_failures(with_images[1][name], CHANGED[name][2])


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGED)
def test_on_the_stand_in_nothing_is_compared_but_all_is_run(with_images, on_stand_in, name):
    assert on_stand_in[1][name].keys() == with_images[1][name].keys()
    assert_failures(on_stand_in[1][name], CHANGED[name][3])


def assert_failures(items, expected):
    failed = {item: why for item, why in items.items() if why}
    assert failed.keys() == expected.keys()
    assert [item for item in expected if expected[item] not in failed[item]] == []


@pytest.mark.slow
def test_the_summary_says_that_the_images_are_the_stand_in(on_stand_in):
    assert "every assertion tested, but outputs were not compared." in on_stand_in[0]
