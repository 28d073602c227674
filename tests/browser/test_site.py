"""The static site in a browser that reaches nothing else: players answer, pages open, nobody else is asked.

The players are tested on pages of their own, with small grids. The site is built from two lessons, with the
Sphinx of .venv-site: in CI, and where `python3 course.py site` has made that environment. TAMING_DEPTH_SITE
names a folder with the whole site, to be looked at instead.
"""

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

import course
from benchmarks.site import megabytes
from benchmarks.static import Player, StaticPage, files_served
from helpers import labs
from tests.grids import few
from tools import gridfile, grids, pages, site

pytestmark = pytest.mark.slow

REQUIRED = os.environ.get("TAMING_DEPTH_REQUIRE_BROWSER") == "1"
WHOLE = os.environ.get("TAMING_DEPTH_SITE")
LESSONS = ("00", "04")
MOST_MB, MOST_LOADED_MB = 40, 3
NUMBERS = """root => {
    const arrays = { line: ['x', 'y'], points: ['x', 'y'], bars: ['left', 'right', 'bottom', 'top'],
        steps: ['heights', 'low', 'high', 'base'], arrows: ['x', 'dx', 'y', 'dy'], text: ['x', 'y'],
        image: ['left', 'right', 'bottom', 'top', 'low', 'high'] };
    const axis = ({ ends, ticks }) => [...ends, ...ticks];
    const spread = value => typeof value === 'number' ? value : [...value];
    const mark = told => arrays[told.kind].flatMap(name => spread(told[name]));
    const { panels } = root.querySelector('canvas.td-canvas').figure.frame;
    return panels.flatMap(({ x, y, marks }) => [...axis(x), ...axis(y), ...marks.flatMap(mark)]);
}"""
LEVELS = """root => root.querySelector('canvas.td-canvas').figure.frame.panels
    .flatMap(({ marks }) => marks).flatMap(({ levels }) => levels ? [...levels] : [])"""
NOTHING = ["favicon"]  # a browser asks for it by itself


def faults(page):
    """List what went wrong on a page, and what it asked of others."""
    return [told for told in page.errors + page.outside if not any(words in told for words in NOTHING)]


# ---------------------------------------------------------------- the player, on a page of its own


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A folder with a page of every lab's player, over small grids; and the grids as Python reads them."""
    folder = tmp_path_factory.mktemp("players")
    paths = [folder / f"{name}.grid" for name in labs.MODULES]
    for path in paths:
        grids.make(grids.Play(path.stem), path, "test", few(path.stem), jobs=1)
    site.write_player(folder / "_static", paths)
    for name in [*labs.MODULES, "lost_lab"]:
        html = pages.player(grids.Play(name), "a picture", PNG)
        (folder / f"{name}.html").write_text(PAGE.format(html), encoding="utf-8")
    return folder, {path.stem: gridfile.decode(path.read_bytes()) for path in paths}


PNG = bytes(16) + (960).to_bytes(4, "big") + (400).to_bytes(4, "big")  # no more than a picture's size
PAGE = """<!doctype html><meta charset="utf-8"><title>player</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="_static/canvas.css"><link rel="stylesheet" href="_static/site.css">
<style>@media (prefers-color-scheme: dark) {{ body {{ color: #eee }} }}</style>
<body>{}<script type="module" src="_static/player.js"></script>"""


@pytest.fixture(scope="module")
def players(stored):
    """The address of the pages with the players."""
    with files_served(stored[0]) as address:
        yield address


@pytest.fixture
def opened(players, browser):
    """A function: a lab's name → the page with its player, open until the test ends."""
    made = []

    def get(name, **options):
        made.append(StaticPage(browser, players, f"{name}.html", **options))
        return made[-1]

    yield get
    for page in made:
        page.close()


def without_pictures(page):
    """List a page's faults but for the stored pictures, which this folder has none of."""
    return [fault for fault in faults(page) if ".png" not in fault and "404" not in fault]


@pytest.mark.parametrize("name", labs.MODULES)
def test_every_main_control_moves_the_picture_to_what_is_stored(name, opened, stored):
    page = opened(name)
    player, grid = Player(page, page.page.locator(".td-player")), stored[1][name]
    unmoved = []
    for told, control in zip(grid.head["controls"], player.controls, strict=True):
        before = player.picture()
        move(control, told, 1 - told["at"])
        assert_shows(player, grid)
        unmoved += [told["label"]] * (player.picture() == before)
        move(control, told, told["at"])
        assert player.picture() == before
    assert unmoved == []
    assert without_pictures(page) == []


def move(control, told, to):
    """Move a control to one of its two places, as a keyboard or a finger does."""
    if told["kind"] == "choice":
        control.select_option(index=to)
    elif told["kind"] == "switch":
        control.click()
    else:
        control.press("ArrowRight" if to else "ArrowLeft")


def assert_shows(player, grid):
    """Say that the canvas shows the frame that is stored for the place where the controls stand."""
    structure, strings, numbers, pixels = grid.frame(player.place())
    shown = np.array(player.root.evaluate(NUMBERS), np.float64)
    assert shown.size == numbers.size
    assert (np.isnan(shown) == np.isnan(numbers)).all()
    assert np.nan_to_num(np.abs(shown - numbers) <= 3e-7 * np.abs(numbers) + 1e-9, nan=True)[
        ~np.isnan(shown)
    ].all()
    assert player.root.evaluate(LEVELS) == pixels.tolist()
    assert player.root.locator(".td-words").text_content() == strings[0]
    told = player.root.locator(".td-readout > *").all_text_contents()
    count = structure["readouts"]
    assert told == [f"{strings[k - 2 * count]}: {strings[k - 2 * count + 1]}" for k in range(0, 2 * count, 2)]


def test_controls_have_the_widgets_labels_and_the_pale_ones_their_values(opened):
    lab = labs.initialization_lab()
    root = opened("initialization_lab").page.locator(".td-player")
    root.locator(".td-canvas").wait_for()
    for name, widget in lab.widgets.items():
        control = root.get_by_label(widget.description, exact=False)
        assert control.count() == 1
        assert control.is_enabled() == (name in grids.GRIDS["initialization_lab"])
    assert root.locator(".td-pale").inner_text().split() == ["width", "100", "seed", "0"]
    assert "need the notebook" in root.locator(".td-needs").inner_text()
    assert root.get_by_label("gain").get_attribute("aria-valuetext") == "1"


def test_a_slider_snaps_to_stored_places_and_tells_them(opened, stored):
    page = opened("initialization_lab")
    player = Player(page, page.page.locator(".td-player"))
    gain = player.root.get_by_label("gain")
    gain.press("End")
    assert player.root.locator(".td-control output").first.inner_text() in ("10", "1")
    assert (
        gain.get_attribute("aria-valuetext")
        == stored[1]["initialization_lab"].head["controls"][2]["options"][1]
    )
    drawn = player.drawn
    gain.press("ArrowRight")
    assert player.drawn == drawn  # it was at its end


def test_pointing_at_a_layer_tells_its_numbers(opened):
    page = opened("initialization_lab")
    player = Player(page, page.page.locator(".td-player"))
    player.canvas.press("ArrowRight")
    assert re.match(r"layer 1 · .*measured", player.root.locator(".td-told").inner_text())


def test_a_grid_that_is_not_there_leaves_the_picture_and_says_so(opened):
    page = opened("lost_lab")
    note = page.page.locator(".td-needs")
    note.wait_for()
    assert "could not be loaded" in note.inner_text()
    assert page.page.locator(".td-player img").count() == 1


def test_without_javascript_the_stored_picture_stays(opened):
    page = opened("depth_lab", java_script_enabled=False)
    assert page.page.locator(".td-player img").get_attribute("alt") == "a picture"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_canvas_follows_the_systems_theme(opened, scheme):
    page = opened("depth_lab", color_scheme=scheme)
    player = Player(page, page.page.locator(".td-player"))
    before = player.picture()
    page.page.emulate_media(color_scheme="light" if scheme == "dark" else "dark")
    page.page.wait_for_timeout(200)
    assert player.picture() != before


# ---------------------------------------------------------------- the site, as Sphinx builds it


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder of the site: the one that TAMING_DEPTH_SITE names, or two lessons built now."""
    if WHOLE:
        return Path(WHOLE)
    if REQUIRED:
        course.set_up(course.SITE)
    elif not course.is_set_up(course.SITE):
        pytest.skip("Sphinx is not there: python3 course.py site installs it")
    folder = tmp_path_factory.mktemp("site")
    build_two_lessons(folder)
    return folder / "site"


def build_two_lessons(folder):
    """Build a site of two lessons with small grids; what stands in for MathJax marks the formulas."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("initialization_lab", "depth_lab"):
            patch.setitem(grids.GRIDS, name, few(name))
        patch.setattr(site, "mathjax", lambda folder: None)
        patch.setattr(site, "unpack_mathjax", lambda tarball, folder: write_stand_in(folder))
        options = ["--python", str(course.python_of(course.SITE)), "--jobs", "1"]
        assert (
            site.main([*LESSONS, *options, "--grids", str(folder / "grids"), "--out", str(folder / "site")])
            == 0
        )


def write_stand_in(folder):
    """Write a script in MathJax's place."""
    folder.mkdir()
    (folder / "tex-chtml.js").write_text(STAND_IN)


STAND_IN = """for (const math of document.querySelectorAll('.math')) {
    math.append(document.createElement('mjx-container'));
}"""


@pytest.fixture(scope="module")
def served(built):
    """The site's address."""
    with files_served(built) as address:
        yield address


def html_pages(folder):
    """List all pages of a site."""
    return sorted(folder.rglob("*.html"))


def test_all_pages_open_and_ask_nothing_of_others(built, served, browser):
    wrong, heaviest = {}, 0
    for path in html_pages(built):
        name = path.relative_to(built).as_posix()
        page = StaticPage(browser, served, name)
        page.settle()
        wrong |= {name: told} if (told := faults(page)) else {}
        loaded = sum(size for asked, size in page.loaded().items() if "/grids/" not in asked)
        heaviest = max(heaviest, loaded)
        assert page.page.title().endswith("Taming Depth")
        formulas = page.page.locator("article .math").count()
        assert page.page.locator("article mjx-container").count() >= formulas
        page.close()
    assert wrong == {}
    assert heaviest <= MOST_LOADED_MB * 2**20


def test_every_lab_on_every_page_answers_to_every_main_control(built, served, browser):
    played, wrong = set(), []
    for path in html_pages(built):
        page = StaticPage(browser, served, path.relative_to(built).as_posix(), size=(390, 844))
        for root in page.page.locator(".td-player").all():
            player = Player(page, root)
            played.add(root.get_attribute("id"))
            wrong += [f"{path.stem}, {root.get_attribute('id')}: {label}" for label in unanswered(player)]
        wrong += faults(page) + [f"{path.stem} is wider than a phone"] * page.page.evaluate(TOO_WIDE)
        page.close()
    assert wrong == []
    assert played == (set(labs.MODULES) if WHOLE else {"initialization_lab"})


TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"
PUT_BACK = "(node, value) => { node.value = value; node.dispatchEvent(new Event('input')) }"


def unanswered(player):
    """List the labels of the controls that leave the picture as it is, wherever they are moved to."""
    silent = []
    for control in player.controls:
        seen = {player.picture()}
        if control.evaluate("node => node.tagName") == "SELECT":
            start = control.evaluate("list => list.selectedIndex")
            for index in range(control.locator("option").count()):
                control.select_option(index=index)
                seen.add(player.picture())
            control.select_option(index=start)
        elif control.get_attribute("type") == "checkbox":
            for _ in range(2):
                control.click()
                seen.add(player.picture())
        else:
            start = control.input_value()
            for key in ("Home", "End"):
                control.press(key)
                seen.add(player.picture())
            control.evaluate(
                "(node, value) => { node.value = value; node.dispatchEvent(new Event('input')) }", start
            )
        silent += [control.evaluate("node => node.closest('label').innerText")] * (len(seen) < 2)
    return silent


def test_on_a_phone_the_controls_stay_in_sight(built, served, browser):
    (name,) = (path.name for path in built.glob("lessons/04*.html"))
    page = StaticPage(browser, served, f"lessons/{name}", size=(390, 844))
    player = Player(page, page.page.locator(".td-player"))
    player.root.locator(".td-readout").scroll_into_view_if_needed()
    page.page.wait_for_timeout(1500)  # the theme scrolls smoothly
    place = player.root.get_by_label("gain").bounding_box()
    assert 0 < place["y"] < 422
    page.close()


def test_the_whole_is_small(built):
    assert megabytes(built) <= MOST_MB


def test_solutions_are_folded_and_can_be_opened(built, served, browser):
    (name,) = (path.name for path in built.glob("lessons/04*.html"))
    page = StaticPage(browser, served, f"lessons/{name}")
    solution = page.page.locator("details", has_text="Show a solution").first
    assert not solution.locator("pre").first.is_visible()
    solution.locator("summary").click()
    assert solution.locator("pre").first.is_visible()
    check = page.page.locator("details", has_text="Show what the check says").first
    assert not check.get_by_text("Right:").first.is_visible()
    page.close()


def test_search_finds_a_lesson(built, served, browser):
    page = StaticPage(browser, served, "search.html?q=symmetry")
    found = page.page.locator("#search-results a").first
    found.wait_for()
    assert "04" in page.page.locator("#search-results").inner_text()
    assert faults(page) == []
    page.close()


class Links(HTMLParser):
    """Collects what a page links to or loads, and the names that can be linked to."""

    def __init__(self):
        super().__init__()
        self.targets, self.names = [], set()

    def handle_starttag(self, tag, attributes):
        """Note one element's links and name."""
        told = dict(attributes)
        self.targets += [told[name] for name in ("href", "src") if told.get(name)]
        self.names |= {told[name] for name in ("id", "name") if told.get(name)}


def test_every_link_within_the_site_leads_somewhere(built):
    read = {}
    for path in html_pages(built):
        read[path.resolve()] = Links()
        read[path.resolve()].feed(path.read_text(encoding="utf-8"))
    lost = [
        f"{path.name}: {to}"
        for path, links in read.items()
        for to in links.targets
        if not leads(path, to, read)
    ]
    assert lost == []


LESSON = re.compile(r"#?(\.\./|deeper/)?\d\d_\w+\.(ipynb|html)(#.*)?")  # one that may not be built


def leads(path, target, read):
    """Say whether a link of a page leads to a file, and to a name in it."""
    parts = urlsplit(target)
    if parts.scheme or (not WHOLE and LESSON.fullmatch(target)):
        return True
    file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    named = not parts.fragment or file not in read or unquote(parts.fragment) in read[file].names
    return file.exists() and named
