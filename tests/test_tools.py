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

ROOT = Path(__file__).resolve().parents[1]
START, LESSON = "00_start_here", "02_halve_the_signal"

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
# ![A dot](dot.png)

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

# %% [markdown]
# ### Yours
# Write a function for the sum of two numbers, one for their mean, one for a third of their sum.

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
    environment = {**os.environ, "SAMPLE_IMAGES": images, "PYTHONPATH": str(root)}
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


@pytest.mark.slow
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


def edit_source(page, old, new):
    replace(page.folder / "source" / f"{page.path.stem}.py", old, new)


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
    "a told number is edited": ("twins_tell_the_same", lambda p: say(p, "A share", "0.25", "0.26")),
    "a told percentage is edited": ("twins_tell_the_same", lambda p: say(p, "A share", "25 %", "24 %")),
    "a number is literal": ("numbers_are_bound", lambda p: edit_source(p, "{{left:.2f}}", "0.25")),
    "a number word is literal": (
        "numbers_are_bound",
        lambda p: edit_source(p, "{{left:.2f}}", "a fifth of seven"),
    ),
    "an expression is a number": ("numbers_are_bound", lambda p: edit_source(p, "{{left:.2f}}", "{{0.25}}")),
    "too many bytes": ("is_small", lambda p: stream(p, "a" * 300 * 1024)),
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


# --- the cells run again under nbval -----------------------------------------------------------------------


@pytest.mark.slow
def test_nbval_passes_where_only_pictures_and_widget_ids_differ(course):
    shutil.copytree(course / "notebooks", course / "notebooks" / ".ipynb_checkpoints")
    write(course / "notebooks" / "drafts" / "draft.ipynb", "this is no notebook")
    ran = run_nbval(course, "-n", "2", "--dist", "loadscope", "notebooks")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "22 passed" in ran.stdout
    assert "stand-in" not in ran.stdout


@pytest.mark.slow
def test_nbval_fails_where_a_number_in_an_output_or_in_the_text_was_edited(lesson):
    root = lesson.path.parents[1]
    paths = (lesson.path, sources.solved_path(LESSON, root))
    for path in paths:  # in both: only the kernel knows better
        replace(path, "A share of 0.25", "A share of 0.26")
    replace(lesson.path, "Lab(share=0.25)", "Lab(share=0.26)")
    ran = run_nbval(root, *map(str, paths))
    assert ran.returncode == 1
    assert "3 failed, 17 passed" in ran.stdout, ran.stdout
    assert ran.stdout.count("mismatch 'text/plain'") == 1
    told = f"{LESSON}.ipynb, Text 4:\n{{{{left:.2f}}}} is stored as '0.26', computed '0.25'"
    assert ran.stdout.count(told) == 2


@pytest.mark.slow
def test_on_the_stand_in_all_is_run_and_nothing_compared(lesson):
    root = lesson.path.parents[1]
    solved = sources.solved_path(LESSON, root)
    replace(lesson.path, "Lab(share=0.25)", "Lab(share=0.26)")
    replace(lesson.path, "A share of 0.25", "A share of 0.26")
    replace(solved, "assert halve(1) == 0.5", "del left; assert halve(1) == 0.4")
    ran = run_nbval(root, str(lesson.path), str(solved), images="stand-in")
    assert "2 failed, 18 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "AssertionError" in ran.stdout
    assert "{{left:.2f}} raises" in ran.stdout
    assert ran.stdout.count(f"FAILED notebooks/solutions/{LESSON}.ipynb") == 2
    assert "every assertion tested, but outputs were not compared." in ran.stdout
