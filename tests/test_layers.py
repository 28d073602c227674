"""Imports in `helpers` go one way only. This reads folders and sources; nothing is imported to do so."""

import ast
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from benchmarks.imports import needs

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "notebooks/source").rglob("[0-9]*.py"))

# From the top of the page to its foot: a module may import its own room and those before it.
PAGE = ("numerics", "data", "networks", "signals", "clinic", "checks", "plots", "labs")
FOR_NOTEBOOKS = ("checks", "labs")  # no other room imports these
KEEPS_GUESSES = ("labs", "checks")  # but a guess's control keeps what the checks' learner file holds
FLOORS = 7  # checks stand beside plots

# Packages from outside, and the rooms that may import them.
MAY_IMPORT = {
    "numpy": PAGE,
    "scipy": PAGE,
    "pooch": ("data",),
    "requests": ("data",),
    "tqdm": ("data",),
    "PIL": ("plots", "labs"),
    "matplotlib": ("plots", "labs"),
    "contourpy": ("plots",),  # Matplotlib brings it
    "IPython": ("plots", "labs"),
    "anywidget": ("plots",),
    "traitlets": ("plots",),
    "ipywidgets": ("labs",),
    "jupyter_ui_poll": ("labs",),
}
KERAS = ("keras", "tensorflow")
WITH_KERAS = "helpers.networks.keras_models"  # the one module that imports it, inside functions


@cache
def imports_of(source, package):
    """List (imported name, line, whether inside a function) of every import in a source.

    `package` is that of the module, as in "helpers.labs": relative imports count from it.
    """
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inner = {id(node) for function in functions for node in ast.walk(function)}
    return [
        (name, node.lineno, id(node) in inner)
        for node in ast.walk(tree)
        for name in names_imported(node, package)
    ]


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


def place_of(name):
    """Return where a name of the front door lives: "helpers.networks.mlp.MLP" for "helpers.MLP"."""
    first, second, *rest = name.split(".") + [""] * (name.count(".") == 0)
    module, attribute = front_door().get(second, (f"{first}.{second}", None))
    return ".".join([module, *([attribute] if attribute else []), *rest])


def front_door():
    """Return the front door's table: name → (module, attribute or None)."""
    import helpers

    return helpers._PLACES


def faults_of(module, source):
    """List what is wrong with the imports of one module, such as "helpers.plots.layers", in words."""
    package = module.rpartition(".")[0]
    faults = [fault_of(module, *found) for found in imports_of(source, package)]
    return [fault for fault in faults if fault]


def fault_of(module, name, line, inside):
    """Say what is wrong with one import, or return None."""
    room, top, said = module.split(".")[1], name.split(".")[0], f"{module}, line {line}, imports {name}"
    if "pyplot" in name.split("."):
        return f"{said}, which keeps figures in global state"
    if top == "helpers":
        return fault_of_room(room, place_of(name).split(".")[1], said)
    if top in KERAS:
        return None if module == WITH_KERAS and inside else f"{said}; only {WITH_KERAS} may, in a function"
    if top not in MAY_IMPORT:
        return None if top in sys.stdlib_module_names else f"{said}, a package that MAY_IMPORT does not list"
    return None if room in MAY_IMPORT[top] else f"{said}, a package for {', '.join(MAY_IMPORT[top])}"


def fault_of_room(room, other, said):
    """Say what is wrong with an import of one room by another, or return None."""
    if other not in PAGE:
        return f"{said}, which is in no room"
    if room != other and other in FOR_NOTEBOOKS and (room, other) != KEEPS_GUESSES:
        return f"{said}, which is for notebooks"
    return None if PAGE.index(other) <= PAGE.index(room) else f"{said}, up the page"


@cache
def modules():
    """Return {name: path} of every module in a room of `helpers`, as "helpers.labs.live"."""
    paths = [path for path in sorted((ROOT / "helpers").rglob("*.py")) if path.parent.name != "helpers"]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in paths}


def text(path):
    return path.read_text(encoding="utf-8")


# The rooms


def test_there_are_eight_rooms_and_nothing_loose():
    places = [place for place in (ROOT / "helpers").iterdir() if place.name != "__pycache__"]
    assert {place.name for place in places if place.is_dir()} == set(PAGE)
    assert [place.name for place in places if not place.is_dir()] == ["__init__.py"]


@pytest.mark.parametrize("module", modules())
def test_imports_go_down_the_page(module):
    assert not faults_of(module, text(modules()[module]))


def test_front_door_imports_nothing_before_it_is_asked():
    names = {name for name, _, _ in imports_of(text(ROOT / "helpers/__init__.py"), "helpers")}
    assert not [name for name in names if name.split(".")[0] not in sys.stdlib_module_names]


def edges_of(module, source, names):
    """Return the modules among `names` that a module imports, wherever it does so."""
    found = [place_of(name) for name, _, _ in imports_of(source, module.rpartition(".")[0])]
    return {longest for name in found if (longest := home_of(name, names))} - {
        module.removesuffix(".__init__")
    }


def home_of(name, names):
    """Return the longest of the names that a dotted name begins with, or None."""
    while name and name not in names:
        name = name.rpartition(".")[0]
    return name or None


@cache
def between_modules():
    """Return {module: the modules that it imports}; a room's `__init__` goes by the room's name."""
    found = modules()
    names = {module.removesuffix(".__init__") for module in found}
    return {m.removesuffix(".__init__"): edges_of(m, text(path), names) for m, path in found.items()}


def between_rooms():
    """Return {room: the rooms that it imports}, with all that stands around `helpers`."""
    rooms = {room: set() for room in PAGE}
    for module, imported in between_modules().items():
        rooms[module.split(".")[1]] |= {name.split(".")[1] for name in imported} - {module.split(".")[1]}
    for folder in ("notebooks/source", "benchmarks", "experiments"):
        names = [
            name for path in (ROOT / folder).rglob("*.py") for name, _, _ in imports_of(text(path), folder)
        ]
        places = [place_of(name).split(".")[1] for name in names if name.startswith("helpers.")]
        rooms[folder] = set(places)
    return rooms


def test_no_module_waits_for_another_that_waits_for_it():
    assert circle_in(between_modules()) is None


def test_no_circle_of_rooms_and_at_most_seven_floors():
    rooms = between_rooms()
    assert circle_in(rooms) is None
    assert max(floors(rooms).values()) <= FLOORS, floors(rooms)
    assert all(rooms["notebooks/source"] & {room} for room in FOR_NOTEBOOKS)


def circle_in(edges):
    """Return names that cannot be put in order because they wait for each other, or None."""
    left = {name: set(needs) for name, needs in edges.items()}
    while ready := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in ready:
            del left[name]
    while idle := [name for name in left if not any(name in needs for needs in left.values())]:
        for name in idle:
            del left[name]
    return sorted(left) or None


def floors(edges):
    """Return the floor that each name stands on: 1 without imports, else one above the highest it imports."""

    def floor(name):
        return 1 + max((floor(need) for need in edges[name]), default=0)

    return {name: floor(name) for name in edges}


@pytest.mark.parametrize("folder", ["tools", "course.py"])
def test_keras_stays_out_of_the_tools(folder):
    place = ROOT / folder
    for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
        names = imports_of(text(path), folder)
        assert not [name for name, _, _ in names if name.split(".")[0] in KERAS], path


# What it costs to come in


def loaded(code):
    """Return the packages from outside that a new Python has loaded after this code."""
    ask = f"import sys\n{code}\nprint({{name.split('.')[0] for name in sys.modules}})"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return ast.literal_eval(run.stdout.splitlines()[-1])


def test_the_front_door_alone_loads_no_package():
    assert loaded("import helpers") - loaded("") <= {*sys.stdlib_module_names, "helpers"}


LESSON_BY_LESSON = """
import json, sys
loaded = {}
for lesson, code in json.load(sys.stdin).items():
    exec(code, {})
    loaded[lesson] = list(sys.modules)
    for name in [name for name in sys.modules if name.split(".")[0] == "helpers"]:
        del sys.modules[name]
print(json.dumps(loaded))
"""


@pytest.fixture(scope="module")
def after_imports():
    """The names of the modules that each lesson's imports load: lesson → list.

    One new Python for all of them. The course's own modules are loaded anew by each; what is from outside
    stays, so that Keras, once loaded, is on the lists of all that follow.
    """
    codes = json.dumps({path.stem: needs(text(path)) for path in SOURCES})
    options = {"cwd": ROOT, "env": os.environ | {"PYTHONPATH": str(ROOT)}, "capture_output": True}
    run = subprocess.run([sys.executable, "-c", LESSON_BY_LESSON], input=codes, text=True, **options)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("lesson", SOURCES, ids=lambda path: path.stem)
def test_no_lesson_loads_keras_with_its_imports(lesson, after_imports):
    """Not with the import line, nor with what the lesson's cells then take from checks, labs and plots."""
    code, names = needs(text(lesson)), after_imports[lesson.stem]
    assert code.startswith("from helpers import ")
    assert not {name.split(".")[0] for name in names} & set(KERAS)
    for room in re.findall(r"^(labs|plots)\.", code, re.MULTILINE):
        assert any(name.startswith(f"helpers.{room}.") for name in names), room


def test_all_that_the_front_door_promises_is_there():
    loaded("import helpers\nfor name in dir(helpers): getattr(helpers, name)")
    promised = "activations initializers normalization data labs clinic recorder checks MLP trace"
    assert set(promised.split()) <= front_door().keys()


# The reader of imports is itself tested: each of these must be found out, or let pass.

WRONG = [
    ("numerics.activations", "from helpers.networks.mlp import MLP"),
    ("numerics.activations", "from helpers import MLP"),
    ("numerics.activations", "from helpers import signals"),
    ("numerics.activations", "from ..plots import curves"),
    ("numerics.initializers", "import helpers.labs.live as live"),
    ("data.files", "from helpers.networks import mlp"),
    ("networks.mlp", "def f():\n    from helpers import plots"),
    ("signals.trace", "from helpers.clinic import examine"),
    ("clinic.findings", "from helpers.checks import frame"),
    ("clinic.findings", "from helpers import plots"),
    ("checks.frame", "from helpers.plots import curves"),
    ("plots.layers", "from helpers.labs import neuron"),
    ("plots.layers", "from helpers import checks"),
    ("clinic.findings", "from helpers.checks import frame"),
    ("plots.layers", "from helpers import lessons"),
    ("plots.layers", "from helpers.style import CYCLE"),
    ("networks.mlp", "import matplotlib"),
    ("numerics.activations", "import pandas"),
    ("plots.layers", "import ipywidgets"),
    ("checks.frame", "from ipywidgets import Button"),
    ("labs.live", "import matplotlib.pyplot as plt"),
    ("plots.layers", "from matplotlib import pyplot"),
    ("networks.mlp", "def f():\n    import keras"),
    ("networks.keras_models", "import keras"),
    ("networks.keras_models", "from tensorflow import data"),
    ("labs.live", "import importlib\nimportlib.import_module('keras')"),
]
RIGHT = [
    ("numerics.activations", "from scipy.special import erf\nfrom math import pi"),
    ("networks.mlp", "from helpers import activations, data\nfrom helpers.numerics import theory"),
    ("networks.keras_models", "from helpers.networks.mlp import MLP\ndef f():\n    import keras"),
    ("clinic.findings", "from helpers.signals.trace import Trace\nfrom helpers import trace"),
    ("checks.clinic", "from helpers.clinic import patients\nfrom . import frame"),
    ("plots.layers", "from matplotlib.figure import Figure\nfrom . import style\nfrom helpers import clinic"),
    ("labs.live", "import ipywidgets\nfrom helpers.plots.style import CYCLE\nfrom . import neuron"),
]


@pytest.mark.parametrize(("module", "source"), WRONG)
def test_a_wrong_import_is_found(module, source):
    assert len(faults_of(f"helpers.{module}", source)) == 1


@pytest.mark.parametrize(("module", "source"), RIGHT)
def test_a_right_import_passes(module, source):
    assert faults_of(f"helpers.{module}", source) == []


def test_a_circle_is_found_and_floors_are_counted():
    assert circle_in({"a": {"b"}, "b": {"a"}, "c": {"a"}}) == ["a", "b"]
    edges = {"a": {"b", "c"}, "b": {"c"}, "c": set()}
    assert circle_in(edges) is None
    assert floors(edges) == {"a": 3, "b": 2, "c": 1}


def test_an_import_is_an_edge_from_module_to_module():
    names = {"helpers.data", "helpers.data.files", "helpers.networks.mlp"}
    source = "from helpers import MLP, data\nfrom helpers.data import files\nimport numpy"
    assert edges_of("helpers.signals.trace", source, names) == names
    assert edges_of("helpers.data.__init__", "from helpers.data.files import Place", names) == {
        "helpers.data.files"
    }
