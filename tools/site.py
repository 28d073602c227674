"""Build the static site: the lessons as pages, in which every lab plays its stored grid.

    python3 course.py site                           everything, into build/site
    python3 course.py site 02 04                     some lessons only, to look at them
    python3 course.py site --dask tcp://HOST:8786    the grids on the workers of a Dask cluster

The pages are prepared here, with the course's own packages. Sphinx, which has an environment of its own,
writes them. The site is whole or not there: it is built beside, and takes its place when it is done.
"""

import argparse
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from pathlib import Path

import nbformat

from helpers.plots import canvas
from tools import grids, pages
from tools.sources import ROOT

BUILD = ROOT / "build"
OWN = ROOT / "site"  # what the site adds to the lessons
FRONT = grids.Play("initialization_lab")  # plays on the first page

MATHJAX = "3.2.2"
SHA512 = "Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw=="
REGISTRY = "https://registry.npmjs.org"
NEEDED = ("package/es5/tex-chtml.js", "package/es5/output/chtml/fonts/woff-v2/", "package/LICENSE")
NOT_FETCHED = "MathJax {}, which sets the site's formulas, could not be fetched from the npm registry: {}"


class Stop(Exception):
    """What keeps the site from being built, in one sentence."""


def main(arguments=None) -> int:
    """Run the command line; return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        build(options)
    except (Stop, ValueError) as problem:
        print(f"The site was not built: {problem}", file=sys.stderr)
        return 1
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="course.py site", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="number or name of a lesson (default: all)")
    parser.add_argument("--python", default=sys.executable, help="the Python that has Sphinx")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: all cores)")
    parser.add_argument("--dask", metavar="ADDRESS", help="the scheduler of a Dask cluster, for the grids")
    parser.add_argument("--grids", type=Path, default=grids.FOLDER, help="default: build/grids")
    parser.add_argument("--out", type=Path, default=BUILD / "site", help="default: build/site")
    return parser


def build(options) -> None:
    """Build the site; raises Stop, and leaves a site that was there as it was, where that fails."""
    BUILD.mkdir(exist_ok=True)
    tarball = mathjax(BUILD)
    lessons = pages.lessons(options.names)
    plays = list(dict.fromkeys([FRONT, *(play for lesson in lessons for play in lesson.plays)]))
    files = grids.write(plays, options.grids, jobs=options.jobs, dask=options.dask)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.out.parent, prefix="site-") as folder:
        source, html = Path(folder) / "source", Path(folder) / "html"
        pictures = pictures_of(plays, lessons)
        write_source(source, lessons, pictures)
        write_static(source / "_static", pictures, files, tarball)
        sphinx(source, html, options.python, whole=not options.names)
        replace(options.out, html)
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file()) / 2**20
    print(f"The site is in {options.out} ({size:.0f} MB). See it: python3 -m http.server -d {options.out}")


def replace(place, new) -> None:
    """Put a folder in the place of another."""
    if place.exists():
        shutil.rmtree(place)
    os.replace(new, place)


# ---------------------------------------------------------------- what Sphinx reads


def pictures_of(plays, lessons) -> dict:
    """Return the stored picture of every play, drawn now where no lesson has it."""
    stored = {play: picture for lesson in lessons for play, picture in lesson.plays.items()}
    return {play: stored.get(play) or play.make().picture()._repr_png_() for play in plays}


def write_source(folder, lessons, pictures) -> None:
    """Write all pages, and Sphinx's settings."""
    folder.mkdir()
    shutil.copy(OWN / "conf.py", folder)
    for lesson in lessons:
        path = folder / "lessons" / f"{lesson.name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(lesson.page, path)
    front = (OWN / "index.md").read_text(encoding="utf-8")
    front = front.replace("PLAYER", pages.player(FRONT, FRONT_ALT, pictures[FRONT]))
    texts = {
        "index": front.replace("CONTENTS", pages.contents(lessons)),
        "map": pages.map_of(lessons),
        "clinic": pages.clinic({lesson.name for lesson in lessons}),
    }
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


FRONT_ALT = "Ten layers' histograms; mean, spread and gradient of every layer, measured and predicted"


def write_static(folder, pictures, files, tarball) -> None:
    """Write what the pages load: the player, the labs' pictures, MathJax."""
    write_player(folder, files)
    (folder / "labs").mkdir()
    for play, picture in pictures.items():
        (folder / "labs" / f"{play.name}.png").write_bytes(picture)
    unpack_mathjax(tarball, folder / "mathjax")


def write_player(folder, files) -> None:
    """Write what plays a lab: the player, the module that draws, looks, and the files of the grids."""
    (folder / "grids").mkdir(parents=True)
    drawing = Path(canvas.__file__).parent
    for path in (drawing / "canvas.js", drawing / "canvas.css", OWN / "player.js", OWN / "site.css"):
        shutil.copy(path, folder)
    looks = json.dumps(canvas.looks_by_name(), separators=(",", ":"))
    (folder / "looks.js").write_text(f"export default {looks};\n", encoding="utf-8")
    for path in files:
        shutil.copy(path, folder / "grids")


def sphinx(source, html, python, whole=True) -> None:
    """Let Sphinx write the pages; a warning is an error. Without all lessons, links may lead nowhere."""
    options = ["-b", "html", "-q", "-W", "--keep-going", "-d", str(source.parent / "trees")]
    options += [] if whole else ["-D", "suppress_warnings=myst.xref_missing"]
    if subprocess.call([python, "-m", "sphinx", *options, str(source), str(html)]):
        raise Stop("Sphinx found something wrong in the pages; it says what, above.")


# ---------------------------------------------------------------- MathJax, from the npm registry


def mathjax(folder) -> Path:
    """Return the tarball of MathJax's package in a folder, fetched where it is not there; raises Stop."""
    path = folder / f"mathjax-{MATHJAX}.tgz"
    if path.exists() and is_genuine(path):
        return path
    try:
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            fetched = packed_by_npm(scratch) if shutil.which("npm") else downloaded(scratch)
            if not is_genuine(fetched):
                raise Stop(NOT_FETCHED.format(MATHJAX, "what came has another checksum."))
            os.replace(fetched, path)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Stop(NOT_FETCHED.format(MATHJAX, error)) from error
    return path


def packed_by_npm(folder) -> Path:
    """Fetch the package by npm, which knows the registry that this machine is to use."""
    command = [shutil.which("npm"), "pack", f"mathjax@{MATHJAX}", "--silent"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=300)
    return Path(folder) / f"mathjax-{MATHJAX}.tgz"


def downloaded(folder) -> Path:
    """Fetch the package without npm, from the public registry or the one that `npm_config_registry` names."""
    registry = os.environ.get("npm_config_registry") or REGISTRY  # noqa: SIM112
    path = Path(folder) / f"mathjax-{MATHJAX}.tgz"
    with urllib.request.urlopen(f"{registry.rstrip('/')}/mathjax/-/{path.name}", timeout=300) as answer:
        path.write_bytes(answer.read())
    return path


def is_genuine(path) -> bool:
    """Say whether a file is the package of that version."""
    return base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode() == SHA512


def unpack_mathjax(tarball, folder) -> None:
    """Write the files that pages with formulas load: one script, and its fonts."""
    with tarfile.open(tarball) as package:
        for member in package.getmembers():
            if member.isfile() and member.name.startswith(NEEDED):
                path = folder / member.name.removeprefix("package/").removeprefix("es5/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(package.extractfile(member).read())


if __name__ == "__main__":
    sys.exit(main())
