"""The authors' tools on a small course of two notebooks: written, run, stripped, checked, then broken."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import hygiene, notebooks, sources
from tools.claims import unbacked_numbers

ROOT = Path(__file__).resolve().parents[1]
START, LESSON = "00_start_here", "02_halve_the_signal"

START_SOURCE = f"""\
# %% [markdown]
# # Start here
# You will see what this course holds. It goes on with [the first lesson](02_halve_the_signal.ipynb).

# %%
{hygiene.SET_UP}
"""

LESSON_SOURCE = f"""\
# %% [markdown]
# # Halve the signal
# You will see a signal shrink by half in each layer. Before this one: [Start here](00_start_here.ipynb).
# The [words used](#What-we-see) come below, and the plan is in [the readme](../README.md). ![A dot](dot.png)

# %%
{hygiene.SET_UP}
from helpers.sample import Lab, halve, check_sum, check_mean, check_third

# %% [markdown]
# ## What we see
# How much of the signal is left after two layers? Make a guess, then run the cell below and compare.

# %%
print(f"left: {{halve(halve(1)):.2f}}")
assert halve(1) == 0.5

# %% [markdown]
# A share of 0.25 is left, or 25 %, as printed above. A lab shows the same in a picture that can be moved.

# %%
Lab()

# %% [markdown]
# ### Yours
# Write a function for the sum of two numbers, one for their mean, and one for a third of their sum.

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
# Further reading: [a paper](https://example.org/a.pdf) of 2010, which halves 99.9 % of its signals as well.
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
    """A course of two notebooks with the real conftest and the real frame of the checks."""
    folder = root / "notebooks"
    write(folder / "source" / f"{START}.py", START_SOURCE)
    write(folder / "source" / f"{LESSON}.py", LESSON_SOURCE)
    write(folder / "dot.png", "a picture")
    write(root / "README.md", "a readme")
    for name, text in {"__init__": "", "sample": SAMPLE, "data": DATA, "checks/__init__": ""}.items():
        write(root / "helpers" / f"{name}.py", text)
    shutil.copy(ROOT / "helpers" / "checks" / "frame.py", root / "helpers" / "checks")
    shutil.copy(ROOT / "notebooks" / "conftest.py", folder)
    return root


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The small course, written and run once; tests that change it take a copy."""
    root = new_course(tmp_path_factory.mktemp("course"))
    assert notebooks.main(["--root", str(root)]) == 0
    return root


@pytest.fixture
def course(built, tmp_path):
    return shutil.copytree(built, tmp_path / "course")


@pytest.fixture
def lesson(course):
    return hygiene.open_page(sources.lesson_path(LESSON, course))


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    write(path, text.replace(old, new))


def broken_rules(path: Path) -> set[str]:
    page = hygiene.open_page(path)
    return {rule.__name__ for rule in hygiene.RULES if rule(page)}


def run_nbval(root: Path, *options: str, images: str = "folder") -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "--nbval"]
    command += ["--nbval-current-env", "--nbval-cell-timeout=60", "-p", "no:hypothesispytest", *options]
    environment = {**os.environ, "SAMPLE_IMAGES": images}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=180)


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
    with pytest.raises(
        ValueError, match=r"unknown tags \['solutoin'\]; allowed are \['given', 'solution', 'stub'\]"
    ):
        sources.build(source)


def test_a_source_without_a_title_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"03_a\.py: the first cell must be markdown"):
        sources.build(write(tmp_path / "03_a.py", "# %%\n1\n"))


# --- running and stripping ---------------------------------------------------------------------------------


def test_outputs_are_stored_without_what_changes(built):
    lesson = nbformat.read(sources.lesson_path(LESSON, built), as_version=4)
    lab = next(cell for cell in lesson.cells if cell.source == "Lab()")
    assert set(lab.outputs[0].data) == {"text/plain", "image/png"}
    assert lab.outputs[0].metadata == {}
    assert lesson.metadata == sources.METADATA
    shown = [hygiene.output_text(output) for cell in lesson.cells for output in cell.get("outputs", [])]
    assert "left: 0.25\n" in shown
    assert sum("Not attempted yet" in text for text in shown) == 3
    solved = sources.solved_path(LESSON, built).read_text(encoding="utf-8")
    assert solved.count('"Right: ') == 3


def test_a_second_run_writes_the_same_bytes(course):
    path = sources.solved_path(START, course)
    before = path.read_bytes()
    path.unlink()
    assert notebooks.main(["00", "--root", str(course)]) == 0
    assert path.read_bytes() == before


def test_the_table_names_cells_size_and_seconds(course, capsys):
    assert notebooks.main(["--root", str(course), "--no-run", "02"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["notebook", "cells", "KB", "seconds"]
    assert re.fullmatch(rf"notebooks/{LESSON}\.ipynb +14 +\d+\.\d +\d+\.\d", table[1])
    assert table[2].startswith(f"notebooks/solutions/{LESSON}.ipynb")
    assert len(table) == 3


BROKEN_CELLS = {
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "writes to stderr": ('sys.stderr.write("careless")', "wrote to stderr:\ncareless"),
    "kernel ends": ("import os; os._exit(1)", "Kernel died"),
}


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
    assert f"no source for ['07']; there are ['{START}', '{LESSON}']" in capsys.readouterr().err


def test_without_running_outputs_stay_down_to_the_first_changed_code(course):
    source, path = course / "notebooks" / "source" / f"{LESSON}.py", sources.lesson_path(LESSON, course)
    replace(source, "Make a guess", "Guess")
    assert notebooks.main(["02", "--no-run", "--root", str(course)]) == 0
    assert broken_rules(path) == set()
    replace(source, "check_mean(mean_of)", "check_mean( mean_of)")
    assert notebooks.main(["02", "--no-run", "--root", str(course)]) == 0
    counts = [cell.execution_count for _, cell in hygiene.open_page(path).code]
    assert counts == [1, 2, 3, 4, 5, 6, None, None, None]
    assert broken_rules(path) == {"every_cell_was_run"}


# --- hygiene -----------------------------------------------------------------------------------------------


def test_the_small_course_keeps_every_rule(built):
    paths = hygiene.notebook_paths(built)
    assert len(paths) == 4
    assert {path: broken_rules(path) for path in paths} == {path: set() for path in paths}


def code(page, text):
    return next(cell for _, cell in page.code if text in cell.source)


def text(page, words):
    return next(c for c in page.notebook.cells if c.cell_type == "markdown" and words in c.source)


def say(page, words, old, new):
    cell = text(page, words)
    assert old in cell.source
    cell.source = cell.source.replace(old, new)


def output(page, **parts):
    code(page, "print(").outputs.append(new_output(**parts))


def stream(page, said, name="stdout"):
    output(page, output_type="stream", name=name, text=said)


DAMAGE = {
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
    "a claim's number is edited": ("numbers_are_backed", lambda p: say(p, "A share", "0.25", "0.26")),
    "a claim's percentage is edited": ("numbers_are_backed", lambda p: say(p, "A share", "25 %", "24 %")),
    "a printed number is edited": (
        "numbers_are_backed",
        lambda p: (code(p, "print(").outputs[0].update(text="left: 0.24"), code(p, "Lab()").outputs.clear()),
    ),
    "too many cells": (
        "is_small",
        lambda p: p.notebook.cells.extend(new_markdown_cell("a") for _ in range(60)),
    ),
    "too many bytes": ("is_small", lambda p: stream(p, "a" * 300 * 1024)),
    "a long cell": ("code_is_short", lambda p: code(p, "Lab()").update(source="Lab()\n" * 13)),
    "a long stub": ("code_is_short", lambda p: code(p, "third = ...").update(source="third = ...\n" * 21)),
    "all code": ("text_and_code_balance", lambda p: code(p, "print(").update(source="print(1)\n" * 80)),
    "all text": ("text_and_code_balance", lambda p: say(p, "Make a guess", "guess", "guess " * 900)),
    "two exercises": ("has_exercises", lambda p: code(p, "third = ...").metadata.update(tags=[])),
    "a solution left in": (
        "has_exercises",
        lambda p: p.notebook.cells.append(new_code_cell("1", metadata={"tags": ["solution"]})),
    ),
    "another first line": ("set_up_is_the_same", lambda p: p.code[0][1].update(source="import sys")),
    "a long set-up": (
        "set_up_is_the_same",
        lambda p: p.code[0][1].update(source=p.code[0][1].source + "\n1" * 5),
    ),
    "a semicolon": ("no_semicolons", lambda p: code(p, "Lab()").update(source="Lab();  # hidden")),
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
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_each_rule_finds_its_damage(lesson, kind):
    rule, damage = DAMAGE[kind]
    damage(lesson)
    nbformat.write(lesson.notebook, lesson.path)
    assert rule in broken_rules(lesson.path)


def test_every_rule_is_broken_once():
    assert {rule for rule, _ in DAMAGE.values()} == {rule.__name__ for rule in hygiene.RULES}


def test_an_edited_source_and_a_missing_twin_are_drift(course):
    path = sources.solved_path(LESSON, course)
    sources.lesson_path(LESSON, course).unlink()
    assert hygiene.source_and_twins_agree(hygiene.open_page(path)) == [
        f"{LESSON}.ipynb is missing in notebooks/"
    ]
    start = sources.lesson_path(START, course)
    replace(course / "notebooks" / "source" / f"{START}.py", "what this course holds", "what it holds")
    assert hygiene.source_and_twins_agree(hygiene.open_page(start)) == ["cell 0 differs from its source"]


# --- claims ------------------------------------------------------------------------------------------------


def claims(said: str, shown: str = "", source: str = "1", tags=()) -> list[str]:
    outputs = [new_output("stream", name="stdout", text=shown)]
    cells = [new_code_cell(source, outputs=outputs), new_markdown_cell(said, metadata={"tags": list(tags)})]
    return [number for _, number in unbacked_numbers(new_notebook(cells=cells))]


BACKED = [  # as written, what the output says, as written with one character edited
    ("a slope of 0.25.", "0.25", "a slope of 0.26."),
    ("a slope of 0.250", "0.25", "a slope of 0.260"),
    ("about 9.5e-7", "9.5e-07", "about 9.5e-8"),
    ("about 9.5×10⁻⁷", "9.5e-07", "about 9.5×10⁻⁸"),
    ("about 9.5 · 10^-7", "9.5e-07", "about 9.4 · 10^-7"),
    ("below 10⁻⁷", "1e-07", "below 10⁻⁸"),
    ("in 23 % of all units", "share 0.23", "in 24 % of all units"),
    ("in 23% of all units", "share 23", "in 33% of all units"),
    ("it grows ×32", "factor 32.0", "it grows ×31"),
    ("it falls by 0.5", "change -0.5", "it falls by 0.6"),
    ("it falls to −0.5", "change -0.5", "it falls to −0.6"),
    ("1,719.5 steps", "1719.5", "1,718.5 steps"),
    ("between 0.1–0.2", "[0.1 0.2]", "between 0.1–0.3"),
    ("**0.25**, (0.25)", "x=0.25,", "**0.25**, (0.35)"),
    ("val .626", "0.626", "val .627"),
]


@pytest.mark.parametrize(("said", "shown", "edited"), BACKED)
def test_a_claim_is_backed_by_an_output_and_falls_when_edited(said, shown, edited):
    assert claims(said, shown) == []
    assert claims(said, "nothing") != []
    assert len(claims(edited, shown)) == 1


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a slope of 0.25", "0.253"),
        ("a slope of 0.25", "10.25"),
        ("a slope of 0.25", "x0.25"),
        ("it is −0.5", "0.5"),
        ("×32", "132"),
        ("32× as large", "3.2"),
        ("9.5e-7", "9.5e-06"),
        ("99.9 %", "99.9.1"),
    ],
)
def test_a_claim_needs_the_same_number(said, shown):
    assert len(claims(said, shown)) == 1


@pytest.mark.parametrize(
    "said",
    [
        "ten layers of 100 units, 45 minutes",
        "images of 28 × 28, or 28×28, or 28 ×28 pixels",
        "`0.25` and $0.25$ and $$\n0.25 x\n$$",
        "```python\n0.25\n```",
        "## Part 0.25",
        "[about 0.25](a.html) ![0.25](b.png) https://example.org/0.25",
        "<span style='opacity: 0.25'>so</span>",
        "Keras 3.15.1, layer2.5, 1/4",
        "\\begin{align}x = 0.25\\end{align}",
    ],
)
def test_what_is_no_claim_is_free(said):
    assert claims(said) == []


def test_a_constant_in_the_code_backs_but_a_comment_does_not():
    assert claims("a slope of 0.01", source="leaky(z, slope=0.01)") == []
    assert claims("a slope of 0.01", source="leaky(z)  # slope 0.01") == ["0.01"]


def test_given_numbers_are_free():
    assert claims("the paper found 0.739") == ["0.739"]
    assert claims("the paper found 0.739", tags=["given"]) == []


def test_only_what_stands_above_backs():
    cells = [new_markdown_cell("it is 0.25"), new_code_cell("0.25"), new_markdown_cell("it is 0.25 or 0.5")]
    assert unbacked_numbers(new_notebook(cells=cells)) == [(0, "0.25"), (2, "0.5")]


def test_tables_in_html_back_and_their_tags_do_not():
    data = {"text/html": "<td width='0.5'>0.25</td>"}
    cells = [
        new_code_cell("t", outputs=[new_output("display_data", data=data)]),
        new_markdown_cell("0.25, 0.5"),
    ]
    assert unbacked_numbers(new_notebook(cells=cells)) == [(1, "0.5")]


# --- the cells run again under nbval -----------------------------------------------------------------------


def test_nbval_passes_where_only_pictures_and_widget_ids_differ(course):
    shutil.copytree(course / "notebooks", course / "notebooks" / ".ipynb_checkpoints")
    write(course / "notebooks" / "drafts" / "draft.ipynb", "this is no notebook")
    ran = run_nbval(course, "-n", "2", "--dist", "loadscope", "notebooks")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "20 passed" in ran.stdout
    assert "stand-in" not in ran.stdout


def test_nbval_fails_where_a_number_in_an_output_was_edited(lesson):
    replace(lesson.path, "Lab(share=0.25)", "Lab(share=0.26)")
    ran = run_nbval(lesson.path.parents[1], str(lesson.path))
    assert ran.returncode == 1
    assert "1 failed, 8 passed" in ran.stdout
    assert "mismatch 'text/plain'" in ran.stdout


def test_on_the_stand_in_outputs_are_not_compared_but_assertions_hold(lesson):
    root = lesson.path.parents[1]
    replace(lesson.path, "Lab(share=0.25)", "Lab(share=0.26)")
    replace(root / "helpers" / "sample.py", "return x / 2", "return x / 3")
    ran = run_nbval(root, str(lesson.path), images="stand-in")
    assert "1 failed, 8 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "AssertionError" in ran.stdout
    assert "every assertion tested, but outputs were not compared." in ran.stdout
