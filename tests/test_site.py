"""The static site without Sphinx and without a browser: pages from notebooks, map, clinic, MathJax."""

import hashlib
import io
import re
import tarfile
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from struct import pack
from types import SimpleNamespace

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers import labs
from helpers.clinic.illnesses import ILLNESSES
from tools import grids, pages, site
from tools.grids import Play
from tools.sources import DEEPER, NOTE, ROOT, source_paths

NAME = "04_scale_the_weights"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + pack(">II", 960, 330) + b" and so on"


def shown(text, **more):
    """An output that shows something with a text form."""
    return new_output("execute_result", {"text/plain": text, **more}, execution_count=1)


def solved():
    """A solved twin with one cell of each kind."""
    picture = {"image/png": b64encode(PNG).decode()}
    start = (
        f"# Scale the weights — solved\n\n{NOTE.format(name=NAME)}\n\nYou will\nchoose weights.\n\n"
        "## First\nSee [data](../../data/README.md)."
    )
    return new_notebook(
        cells=[
            new_markdown_cell(start),
            new_code_cell(
                "x = 1\nlabs.depth_lab()", outputs=[shown("DepthLab(depth=100, note='<&>')", **picture)]
            ),
            new_code_cell("plot()", outputs=[shown("<picture: two curves\nthat part>", **picture)]),
            new_code_cell("def f():\n    return 1", metadata={"tags": ["solution"]}),
            new_code_cell("checks.scales.f(f)", outputs=[shown("Right", **{"text/html": "<b>Right</b>"})]),
            new_code_cell(
                "found", outputs=[shown("x", **{"text/html": '<a href="00_start_here.ipynb#a">00</a>'})]
            ),
        ]
    )


@pytest.fixture
def page():
    return pages.lesson(NAME, solved())


# ---------------------------------------------------------------- lessons


def test_a_page_has_the_lessons_title_and_says_what_it_is_for(page):
    text = page.page.cells[0].source
    assert text.startswith("# 04 Scale the weights\n")
    assert "solved" not in text
    assert "python3 course.py lab" in text
    assert text.endswith("You will\nchoose weights.\n\n## First\nSee data.")
    assert (page.title, page.about) == ("Scale the weights", "You will choose weights.")


def test_a_lab_becomes_a_player_with_its_stored_picture_in_it(page):
    (output,) = page.page.cells[1].outputs
    html = output.data["text/html"]
    assert 'class="td-player" id="depth_lab" data-grid="depth_lab"' in html
    assert 'src="../_static/labs/depth_lab.png"' in html
    assert 'width="960" height="330"' in html
    assert 'alt="DepthLab(depth=100, note=&#x27;&lt;&amp;&gt;&#x27;)"' in html
    assert page.plays == {Play("depth_lab"): PNG}


def test_other_pictures_stay_and_tell_what_they_show(page):
    cell = page.page.cells[2]
    assert cell.metadata["mystnb"]["image"]["alt"] == "two curves\nthat part"
    assert "image/png" in cell.outputs[0].data


def test_solutions_and_what_the_checks_say_are_folded(page):
    solution, check = page.page.cells[3:5]
    assert solution.metadata["tags"] == ["hide-cell"]
    assert solution.metadata["mystnb"]["code_prompt_show"] == "Show a solution"
    assert check.metadata["tags"] == ["hide-output"]
    assert "check" in check.metadata["mystnb"]["code_prompt_show"]


def test_links_in_outputs_lead_to_pages(page):
    assert page.page.cells[5].outputs[0].data["text/html"] == '<a href="00_start_here.html#a">00</a>'
    far = SimpleNamespace(outputs=[shown("x", **{"text/html": '<a href="https://x.org/a.ipynb">a</a>'})])
    pages._relink(far, NAME)
    assert "https://x.org/a.ipynb" in far.outputs[0].data["text/html"]


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        (NAME, "[02](03_choose_an_activation.ipynb#a-b)", "[02](03_choose_an_activation.ipynb#a-b)"),
        (NAME, "[02](../00_start_here.ipynb)", "[02](00_start_here.ipynb)"),
        (NAME, "[more](../deeper/01_a.ipynb)", "[more](deeper/01_a.ipynb)"),
        (NAME, "[the data](../../data/README.md)", "the data"),
        (
            NAME,
            "[paper](https://arxiv.org/abs/1) and [below](#there)",
            "[paper](https://arxiv.org/abs/1) and [below](#there)",
        ),
        (NAME, "`W[0](x)`", "`W[0](x)`"),
        (
            "deeper/01_a",
            "[back](../00_start_here.ipynb), [on](02_b.ipynb)",
            "[back](../00_start_here.ipynb), [on](02_b.ipynb)",
        ),
    ],
)
def test_links_in_texts_lead_to_pages_or_are_none(name, text, wanted, monkeypatch):
    known = [*source_paths(), "deeper/01_a", "deeper/02_b"]
    monkeypatch.setattr(pages, "source_paths", lambda: dict.fromkeys(known))
    assert pages.linked(text, name) == wanted


def test_a_page_that_goes_deeper_has_its_own_title_and_place():
    cells = [new_markdown_cell("# How noisy?\n\n*Deeper than 01.*\n\nMore."), *solved().cells[1:2]]
    lesson = pages.lesson("deeper/01_a", new_notebook(cells=cells))
    assert lesson.page.cells[0].source == "# How noisy?\n\n*Deeper than 01.*\n\nMore."
    assert lesson.number == "01"
    assert 'src="../../_static/labs/depth_lab.png"' in lesson.page.cells[1].outputs[0].data["text/html"]
    assert "Deeper: [How noisy?](lessons/deeper/01_a.ipynb)" in pages.map_of([lesson])


def test_what_was_seen_is_closed_and_folded_code_is_folded():
    cells = [
        new_markdown_cell("# T — solved\n\nAbout."),
        new_markdown_cell("<details open><summary>What you saw</summary>"),
    ]
    cells.append(
        new_code_cell("plumbing()", metadata={"tags": ["folded"], "jupyter": {"source_hidden": True}})
    )
    page = pages.lesson(NAME, new_notebook(cells=cells)).page
    assert page.cells[1].source.startswith("<details><summary>")
    assert page.cells[2].metadata["tags"] == ["hide-input"]


def test_a_guess_is_asked_for_and_what_was_measured_is_folded():
    asked = shown("Predict: how long is |dz| & why?")
    told = shown("Measured: 1e-3.", **{"text/html": "<p>Measured: 1e-3.</p>"})
    cells = [
        new_markdown_cell("# T — solved\n\nAbout."),
        new_code_cell("guess = predict.number()\nguess", outputs=[asked]),
        new_code_cell("guess.reveal(1e-3)", outputs=[told]),
    ]
    _, question, answer = pages.lesson(NAME, new_notebook(cells=cells)).page.cells
    assert question.outputs[0].data["text/html"].endswith("</b> how long is |dz| &amp; why?</p>")
    assert answer.metadata["tags"] == ["hide-output"]
    assert answer.metadata["mystnb"]["code_prompt_show"] == "Show what was measured"


def test_the_notebook_itself_is_left_as_it_is():
    notebook = solved()
    pages.lesson(NAME, notebook)
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in solved().cells]
    assert "image/png" in notebook.cells[1].outputs[0].data


def test_what_a_lesson_sets_in_a_lab_is_played():
    play = pages.play_of("x = 1\nlabs.initialization_lab(gain=2, activation='relu')")
    assert play == Play("initialization_lab", (("gain", 2), ("activation", "relu")))
    assert play.name == "initialization_lab-gain_2-activation_relu"
    assert play.make().values["gain"] == 2


@pytest.mark.parametrize(
    "source", ["labs.depth_lab(depth=n)", "shown(labs.depth_lab())", "labs.depth_lab(3)"]
)
def test_what_cannot_be_played_is_told(source):
    with pytest.raises(ValueError, match=r"a cell that shows a lab|malformed"):
        pages.play_of(source)


def test_lessons_are_chosen_by_the_beginning_of_their_names():
    assert [lesson.name for lesson in pages.lessons(["04"])] == [NAME]
    with pytest.raises(ValueError, match="there is no lesson '44'"):
        pages.lessons(["44"])


def test_a_lesson_that_is_not_written_yet_is_told(tmp_path):
    (tmp_path / "notebooks/source").mkdir(parents=True)
    (tmp_path / "notebooks/source/04_a.py").touch()
    with pytest.raises(ValueError, match=r"python3 course\.py notebooks 04_a"):
        pages.lessons(root=tmp_path)


@pytest.mark.slow
def test_every_lab_of_the_course_is_played_in_a_lesson():
    known = pages.lessons()
    assert [lesson.name for lesson in known] == list(source_paths())
    assert {play.lab for lesson in known for play in lesson.plays} == set(labs.MODULES)
    for lesson in known:
        folded = sum(cell.metadata.get("tags") == ["hide-cell"] for cell in lesson.page.cells)
        assert folded or lesson.name.startswith(DEEPER), lesson.name


@pytest.mark.slow
def test_no_answer_lies_open():
    for lesson in pages.lessons():
        for cell in lesson.page.cells:
            told = [output.get("data", {}).get("text/html", "") for output in cell.get("outputs", [])]
            folded = {"hide-cell", "hide-output"} & set(cell.metadata.get("tags", []))
            assert folded or not any("<b>Right:" in html for html in told), cell.source
            assert folded or ".reveal(" not in cell.source


# ---------------------------------------------------------------- the map and the clinic


def test_every_lesson_has_its_part_of_the_map():
    numbers = [number for part in pages.PARTS.values() for number in part]
    assert numbers == [name[:2] for name in source_paths() if not name.startswith(DEEPER)]


def test_the_contents_list_every_page_and_no_empty_group(page):
    assert pages.contents([page]).count("```{toctree}") == 3
    text = pages.contents([page, replace(page, name="deeper/04_a")])
    assert f":caption: Lessons\n\nlessons/{NAME}\n```" in text
    assert ":caption: Deeper\n\nlessons/deeper/04_a\n```" in text


def test_the_map_tells_what_a_lesson_is_about_and_links_to_its_labs(page):
    text = pages.map_of([page])
    assert f"**[04 Scale the weights](lessons/{NAME}.ipynb)**\n\nYou will choose weights." in text
    assert f'<a href="lessons/{NAME}.html#depth_lab">depth lab</a>: spread and mean of what' in text
    assert "## Start well" in text
    assert "## Go deep" not in text


def test_a_lab_is_named_as_it_is_said():
    assert [pages.lab_name(name) for name in ("dead_relu_lab", "selu_map_lab")] == [
        "dead ReLU lab",
        "SELU map lab",
    ]


def test_the_clinics_page_tells_every_illness():
    text = pages.clinic({lesson.lesson for lesson in ILLNESSES.values()} - {"02_watch_gradients_vanish"})
    for code, illness in ILLNESSES.items():
        assert f"In code: `{code}`." in text
        assert illness.advice in text
    assert "{" not in text
    assert "the signal falls to *v* of what it was" in text
    assert "*p* % of the layer's units" in text
    assert "[Lesson 04](lessons/04_scale_the_weights.ipynb) tells more" in text
    assert "\nLesson 02 tells more" in text  # it has no page here, and so no link


# ---------------------------------------------------------------- MathJax


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that stands in for MathJax's, with its checksum, in a registry made of files."""
    path = tmp_path / "registry/mathjax/-" / f"mathjax-{site.MATHJAX}.tgz"
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w:gz") as package:
        for name in (
            "es5/tex-chtml.js",
            "es5/output/chtml/fonts/woff-v2/a.woff",
            "es5/tex-svg.js",
            "LICENSE",
        ):
            told = tarfile.TarInfo(f"package/{name}")
            told.size = len(name)
            package.addfile(told, io.BytesIO(name.encode()))
    monkeypatch.setattr(site, "SHA512", b64encode(hashlib.sha512(path.read_bytes()).digest()).decode())
    monkeypatch.setattr(site.shutil, "which", lambda name: None)
    monkeypatch.setenv("npm_config_registry", (tmp_path / "registry").as_uri())
    (tmp_path / "build").mkdir()
    return path


def test_mathjax_comes_from_the_registry_once(package, tmp_path):
    path = site.mathjax(tmp_path / "build")
    assert path.read_bytes() == package.read_bytes()
    package.unlink()
    assert site.mathjax(tmp_path / "build") == path
    assert list((tmp_path / "build").iterdir()) == [path]


def test_npm_fetches_mathjax_where_there_is_npm(package, tmp_path, monkeypatch):
    seen = []

    def run(command, cwd, **_):
        seen.append(command)
        (Path(cwd) / package.name).write_bytes(package.read_bytes())

    monkeypatch.setattr(site.shutil, "which", lambda name: "/there/npm")
    monkeypatch.setattr(site.subprocess, "run", run)
    assert site.mathjax(tmp_path / "build").exists()
    assert seen[0][:3] == ["/there/npm", "pack", f"mathjax@{site.MATHJAX}"]


@pytest.mark.parametrize("damage", ["gone", "another"])
def test_without_mathjax_nothing_is_built_and_it_is_said_why(package, tmp_path, damage, monkeypatch, capsys):
    package.unlink() if damage == "gone" else package.write_bytes(b"another")
    monkeypatch.setattr(site, "BUILD", tmp_path / "build")
    monkeypatch.setattr(pages, "lessons", lambda names: pytest.fail("must stop before"))
    assert site.main(["--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"The site was not built: MathJax {site.MATHJAX}")
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
    assert not list((tmp_path / "build").iterdir())


def test_a_damaged_copy_is_fetched_again(package, tmp_path):
    (tmp_path / "build" / package.name).write_bytes(b"half of it")
    assert site.is_genuine(site.mathjax(tmp_path / "build"))


def test_only_the_script_and_its_fonts_are_taken(package, tmp_path):
    site.unpack_mathjax(package, tmp_path / "mathjax")
    files = {
        path.relative_to(tmp_path / "mathjax").as_posix() for path in (tmp_path / "mathjax").rglob("*.*")
    }
    assert files == {"tex-chtml.js", "output/chtml/fonts/woff-v2/a.woff"}
    assert (tmp_path / "mathjax/LICENSE").exists()


# ---------------------------------------------------------------- building


@pytest.fixture
def workshop(tmp_path, monkeypatch, page):
    """Everything around Sphinx in a folder of its own; `pages` is what Sphinx would write."""
    monkeypatch.setattr(site, "BUILD", tmp_path / "build")
    monkeypatch.setattr(site, "mathjax", lambda folder: None)
    monkeypatch.setattr(site, "unpack_mathjax", lambda tarball, folder: None)
    monkeypatch.setattr(pages, "lessons", lambda names: [page])
    monkeypatch.setattr(grids, "write", lambda plays, folder, **_: [])
    return tmp_path


def built(workshop, monkeypatch, code=0):
    """Build, with a Sphinx that writes one page or fails; return the exit status and what Sphinx got."""
    given = []

    def call(command):
        source, html = map(Path, command[-2:])
        given.append({path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()})
        html.mkdir()
        (html / "index.html").write_text("new")
        return code

    monkeypatch.setattr(site.subprocess, "call", call)
    return site.main(["--out", str(workshop / "out/site")]), given[0]


def test_sphinx_gets_every_page_and_all_that_they_load(workshop, monkeypatch):
    code, files = built(workshop, monkeypatch)
    assert code == 0
    assert {"conf.py", "index.md", "map.md", "clinic.md", f"lessons/{NAME}.ipynb"} <= files
    for name in ("player.js", "canvas.js", "canvas.css", "looks.js", "site.css", "labs/depth_lab.png"):
        assert f"_static/{name}" in files
    assert "_static/labs/initialization_lab.png" in files  # for the first page
    assert (workshop / "out/site/index.html").read_text() == "new"
    assert [path.name for path in (workshop / "out").iterdir()] == ["site"]


def test_a_new_site_takes_the_place_of_the_old_one(workshop, monkeypatch):
    (workshop / "out/site").mkdir(parents=True)
    (workshop / "out/site/gone.html").write_text("old")
    built(workshop, monkeypatch)
    assert [path.name for path in (workshop / "out/site").iterdir()] == ["index.html"]


def test_where_sphinx_finds_a_fault_the_old_site_stays(workshop, monkeypatch, capsys):
    (workshop / "out/site").mkdir(parents=True)
    (workshop / "out/site/index.html").write_text("old")
    assert built(workshop, monkeypatch, code=2)[0] == 1
    assert "Sphinx found something wrong" in capsys.readouterr().err
    assert (workshop / "out/site/index.html").read_text() == "old"
    assert [path.name for path in (workshop / "out").iterdir()] == ["site"]


def test_the_first_page_has_a_player_in_its_place():
    text = (ROOT / "site/index.md").read_text(encoding="utf-8")
    assert text.count("PLAYER") == text.count("CONTENTS") == 1
    assert 'src="_static/labs/initialization_lab.png"' in pages.player(site.FRONT, "x", PNG)


def test_nothing_of_the_sites_own_names_another_server():
    for path in [
        *(ROOT / "site").glob("*.js"),
        *(ROOT / "site").glob("*.css"),
        ROOT / "helpers/plots/canvas.js",
    ]:
        assert "://" not in path.read_text(encoding="utf-8"), path.name


def test_the_lock_of_the_site_is_whole_and_names_no_place():
    lock = (ROOT / "site/requirements.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", lock)[1:]
    assert all("--hash=sha256:" in block for block in blocks)
    assert not re.search(r"://|--index|--find-links|file:", lock)
    wanted = re.findall(
        r"^([\w-]+)==", (ROOT / "site/requirements.in").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {"sphinx", "myst-nb"} <= set(wanted)
    assert all(re.search(rf"^{name}==", lock, re.MULTILINE) for name in wanted)
