"""The static site: how large it is, how soon a lesson is there, how soon a slider's step is seen."""

import subprocess
import sys
from statistics import median

from benchmarks.browser import ROOT, chromium
from benchmarks.results import Result, middle
from benchmarks.static import Player, StaticPage, files_served

SITE = ROOT / "build" / "site"
SWEEP = ["ArrowRight"] * 4 + ["ArrowLeft"] * 8 + ["ArrowRight"] * 4
LOADED = """() => new Promise(told => {
    const look = () => {
        const { loadEventEnd } = performance.getEntriesByType('navigation')[0];
        loadEventEnd ? told(loadEventEnd) : setTimeout(look, 10);
    };
    look();
})"""
SLIDER = ".td-controls input[type=range]"


def measure() -> list[Result]:
    """Return size and times of the site in `build/site`, which is built first where there is none."""
    if not SITE.exists():
        subprocess.run([sys.executable, "course.py", "site"], cwd=ROOT, check=True)
    loads, times, steps = {}, [], {}
    with files_served(SITE) as address, chromium() as browser:
        for path in sorted(SITE.glob("lessons/**/*.html")):
            page = StaticPage(browser, address, path.relative_to(SITE).as_posix())
            times.append(page.page.evaluate(LOADED))
            page.settle()
            loads[path.stem] = sum(n for name, n in page.loaded().items() if "/grids/" not in name) / 2**20
            for root in page.page.locator(".td-player").all():
                steps[root.get_attribute("id")] = sweep(Player(page, root))
            page.close()
    return results(megabytes(SITE), megabytes(SITE / "_static" / "grids"), loads, times, steps)


def sweep(player) -> list[float]:
    """Return the milliseconds of each step of a lab's first slider, there and back."""
    slider = player.root.locator(SLIDER).first
    player.step(slider, "ArrowRight")
    player.step(slider, "ArrowLeft")
    return [time for key in SWEEP if (time := step_or_none(player, slider, key)) is not None]


def step_or_none(player, slider, key):
    """Return the milliseconds of a step, or None where the slider is at its end already."""
    value, end = slider.input_value(), slider.get_attribute("max" if key == "ArrowRight" else "min")
    return None if value == end else player.step(slider, key)


def megabytes(folder) -> float:
    """Return the size of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def results(whole, grids, loads, times, steps) -> list[Result]:
    """Return the table's lines; `loads` is lesson → MB, `steps` is lab → milliseconds per step."""
    slowest = max(steps, key=lambda lab: median(steps[lab]))
    heaviest = max(loads, key=loads.get)
    every = [time for times in steps.values() for time in times]
    return [
        Result("site, whole", whole, "MB", 40),
        Result("  of it stored grids", grids, "MB"),
        Result("first load of a lesson without its grids", loads[heaviest], "MB", 3, spread=heaviest),
        Result("lesson loaded, from loopback", **middle(times)),
        Result("slider step on a page, all labs", promised=20, **middle(every)),
        Result("  the slowest lab", promised=20, **middle(steps[slowest]) | {"spread": slowest}),
    ]
