"""Imports in `helpers` go one way only; this reads them, and nothing is imported to do so."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# From the top of the page to its foot: a module may import its own tier and those above it.
TIERS = ("numerics", "signals", "beside", "pictures", "live")
PLACES = {
    "numerics": "numerics activations initializers gradcheck graph tables "
    "normalization preprocessing conditioning regularization augmentation stochastic "
    "randomness ensemble architectures",
    "signals": "recording network depth stack vitals blocks residual meanfield signals flow "
    "descent landscape patients facts data standin imagefiles results",
    "beside": "deep keraslayers kerastrace recipes recorder clinic checks",
    "pictures": "style plots",
    "live": "live labs watch",
}
TIER_OF = {module: tier for tier, modules in PLACES.items() for module in modules.split()}

# Packages from outside, and the tiers that may import them. `helpers.deep` alone imports Keras, see below.
MAY_IMPORT = {
    "numpy": TIERS,
    "scipy": TIERS,
    "pooch": ("signals",),
    "requests": ("signals",),
    "tqdm": ("signals", "beside"),
    "PIL": ("pictures", "live"),
    "matplotlib": ("pictures", "live"),
    "IPython": ("beside", "live"),
    "ipywidgets": ("live",),
    "jupyter_ui_poll": ("live",),
}
KERAS = ("keras", "tensorflow")


def imports_of(source, package):
    """List (imported name, line, whether inside a function) of every import in a source.

    `package` is that of the module, as in "helpers.labs": relative imports count from it.
    """
    found = []
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inner = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        for name in names_imported(node, package):
            found.append((name, node.lineno, id(node) in inner))
    return found


def names_imported(node, package):
    """List the full dotted names that one node of the syntax tree imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        parents = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
        base = ".".join([*parents, *([node.module] if node.module else [])])
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        return [str(literal.value) for literal in node.args[:1] if isinstance(literal, ast.Constant)]
    return []


def room_of(name):
    """Return the room of `helpers` that a dotted name lies in: "labs" for "helpers.labs.neuron"."""
    return name.split(".")[1]


def faults_of(room, source, package="helpers"):
    """List what is wrong with the imports of one module, in words."""
    if room not in TIER_OF:
        return [f"helpers.{room} has no place yet: give it one in PLACES, in tests/test_layers.py"]
    faults = [fault_of(room, *found) for found in imports_of(source, package)]
    return [fault for fault in faults if fault]


def fault_of(room, name, line, inside):
    """Say what is wrong with one import, or return None."""
    top, said = name.split(".")[0], f"line {line}: helpers.{room} ({TIER_OF[room]}) imports {name}"
    if "pyplot" in name.split("."):
        return f"{said}, which keeps figures in global state"
    if top == "helpers":
        return (
            None
            if "." not in name or may_import_room(room, room_of(name), inside)
            else f"{said}, up the page"
        )
    if top in KERAS:
        return None if room == "deep" and inside else f"{said}; only helpers.deep may, inside a function"
    if top not in MAY_IMPORT:
        return None if top in sys.stdlib_module_names else f"{said}, a package that MAY_IMPORT does not list"
    return None if TIER_OF[room] in MAY_IMPORT[top] else f"{said}, a package for {', '.join(MAY_IMPORT[top])}"


def may_import_room(room, other, inside):
    """Say whether one room may import another; `other` may also be a plain name in `helpers`."""
    if other not in TIER_OF or room == other:
        return True
    if other in ("checks", "clinic") or room in ("checks", "clinic"):  # these stand beside: they read a Trace
        reads = TIER_OF[other] in ("numerics", "signals")
        return reads or (other == "clinic" and TIER_OF[room] in ("pictures", "live"))
    if (room, other) == ("signals", "kerastrace"):
        return inside  # a Trace of a Keras model: asked for only when there is one
    return TIERS.index(TIER_OF[other]) <= TIERS.index(TIER_OF[room])


def modules():
    """List (path, room, package) of every module in `helpers` but its empty front door."""
    paths = [path.relative_to(ROOT) for path in sorted((ROOT / "helpers").rglob("*.py"))]
    rooms = [path for path in paths if path != Path("helpers/__init__.py")]
    return [(path, path.with_suffix("").parts[1], ".".join(path.parent.parts)) for path in rooms]


@pytest.mark.parametrize(("path", "room", "package"), modules(), ids=lambda value: str(value))
def test_imports_go_down_the_page(path, room, package):
    source = (ROOT / path).read_text(encoding="utf-8")
    assert not faults_of(room, source, package), path


def test_front_door_imports_nothing():
    assert imports_of((ROOT / "helpers/__init__.py").read_text(encoding="utf-8"), "helpers") == []


def test_no_circles():
    """Two modules that import each other at their heads cannot be read one after the other."""
    edges = {}
    for path, _, package in modules():
        name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        found = imports_of((ROOT / path).read_text(encoding="utf-8"), package)
        edges[name] = {imported for imported, _, inside in found if not inside}
    names = set(edges)
    depends = {name: {known for known in names if known in imported} for name, imported in edges.items()}
    parents = {name: {i.rpartition(".")[0] for i in imported} & names for name, imported in edges.items()}
    assert circle_in({name: (depends[name] | parents[name]) - {name} for name in names}) is None


def circle_in(edges):
    """Return names that cannot be put in order because they wait for each other, or None."""
    left = dict(edges)
    while ready := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in ready:
            del left[name]
    return sorted(left) or None


@pytest.mark.parametrize("folder", ["tools", "course.py"])
def test_keras_stays_out_of_the_tools(folder):
    place = ROOT / folder
    for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
        names = imports_of(path.read_text(encoding="utf-8"), folder)
        assert not [name for name, _, _ in names if name.split(".")[0] in KERAS], path


# The reader of imports is itself tested: each of these must be found out, or let pass.

WRONG = [
    ("numerics", "from helpers.network import MLP"),
    ("numerics", "from helpers import network"),
    ("activations", "from . import signals"),
    ("activations", "from .plots import draw"),
    ("initializers", "import helpers.live as live"),
    ("network", "def f():\n    from helpers import plots"),
    ("signals", "from helpers import deep"),
    ("signals", "from helpers.clinic import examine"),
    ("plots", "from helpers.labs import neuron"),
    ("plots", "from helpers import checks"),
    ("clinic", "from helpers import plots"),
    ("checks", "from helpers.live import LiveFigure"),
    ("labs", "from helpers.checks import frame"),
    ("network", "import matplotlib"),
    ("activations", "import pandas"),
    ("plots", "import ipywidgets"),
    ("checks", "from ipywidgets import Button"),
    ("live", "import matplotlib.pyplot as plt"),
    ("plots", "from matplotlib import pyplot"),
    ("network", "import keras"),
    ("deep", "import keras"),
    ("deep", "from tensorflow import data"),
    ("labs", "def f():\n    import tensorflow as tf"),
    ("live", "import importlib\nimportlib.import_module('keras')"),
    ("gadgets", ""),
]
RIGHT = [
    ("activations", "from scipy.special import erf"),
    ("network", "from helpers import activations, numerics"),
    ("signals", "def trace(model):\n    from helpers import kerastrace"),
    ("deep", "from helpers.signals import Trace\ndef f():\n    import keras"),
    ("clinic", "from helpers.signals import Trace"),
    ("checks", "from helpers.activations import ACTIVATIONS"),
    ("plots", "from matplotlib.figure import Figure\nfrom . import style"),
    ("live", "import ipywidgets\nfrom helpers.style import CYCLE"),
    ("labs", "from helpers.live import LiveFigure\nfrom helpers import clinic"),
]


@pytest.mark.parametrize(("room", "source"), WRONG)
def test_a_wrong_import_is_found(room, source):
    assert len(faults_of(room, source)) == 1


@pytest.mark.parametrize(("room", "source"), RIGHT)
def test_a_right_import_passes(room, source):
    assert faults_of(room, source) == []


def test_relative_imports_count_from_their_package():
    assert faults_of("labs", "from ..live import LiveFigure\nfrom . import neuron", "helpers.labs") == []
    assert len(faults_of("checks", "from ..plots import draw", "helpers.checks")) == 1


def test_a_circle_is_found():
    assert circle_in({"a": {"b"}, "b": {"a"}, "c": set()}) == ["a", "b"]
    assert circle_in({"a": {"b"}, "b": set()}) is None
