"""The habits of the code that learners read: short functions, documented names, no prints, no globals."""

import ast
from pathlib import Path
from statistics import median

import pytest

HELPERS = Path(__file__).resolve().parent.parent / "helpers"
MEDIAN_LINES, MOST_LINES = 8, 40
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef

MODULES = sorted(HELPERS.rglob("*.py"))
each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(HELPERS).as_posix())


def read(path):
    return path.read_text(encoding="utf-8")


def function_lengths(source):
    """Map each function, as name:line, to its lines of code: docstring, comments, empty lines don't count."""
    lines = source.splitlines()
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, FUNCTION)]
    return {f"{node.name}:{node.lineno}": body_length(node, lines) for node in functions}


def body_length(function, lines):
    """Count the lines of code in one function."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    if not body:
        return 0
    code = [line.strip() for line in lines[body[0].lineno - 1 : function.end_lineno]]
    return sum(bool(line) and not line.startswith("#") for line in code)


def undocumented(source):
    """List the module, the public classes and the public functions and methods that have no docstring."""
    tree = ast.parse(source)
    nodes = [("the module", tree), *public(tree, "")]
    return [name for name, node in nodes if not ast.get_docstring(node)]


def public(parent, prefix):
    """List (name, node) of the public classes and functions of a module, and the methods of those classes."""
    found = []
    for node in parent.body:
        if (
            isinstance(node, FUNCTION | ast.ClassDef)
            and not node.name.startswith("_")
            and not is_setter(node)
        ):
            found.append((prefix + node.name, node))
            found += public(node, f"{node.name}.") if isinstance(node, ast.ClassDef) else []
    return found


def is_setter(node):
    """Say whether a function is the setter of a property; the docstring stands at its getter."""
    return any(ast.unparse(decorator).endswith(".setter") for decorator in node.decorator_list)


def habits_broken(source):
    """List each `print` and each `global` statement with its line."""
    nodes = list(ast.walk(ast.parse(source)))
    prints = [n.lineno for n in nodes if isinstance(n, ast.Call) and ast.unparse(n.func) == "print"]
    changes = [n.lineno for n in nodes if isinstance(n, ast.Global)]
    return [f"print, line {line}" for line in prints] + [f"global, line {line}" for line in changes]


@each_module
def test_no_function_is_long(path):
    long = {name: n for name, n in function_lengths(read(path)).items() if n > MOST_LINES}
    assert not long, f"over {MOST_LINES} lines"


def test_most_functions_are_short():
    lengths = [n for path in MODULES for n in function_lengths(read(path)).values()]
    assert median(lengths) <= MEDIAN_LINES


@each_module
def test_public_names_are_documented(path):
    assert undocumented(read(path)) == []


@each_module
def test_no_printing_and_no_global_state(path):
    assert habits_broken(read(path)) == []


# The readers above are themselves tested.


def test_length_counts_code_alone():
    docstring = '    """Say.\n\n    More.\n    """\n'
    source = "def f():\n" + docstring + "    # why\n    a = 1\n\n    return (\n        a\n    )\n"
    assert function_lengths(source) == {"f:1": 4}
    assert function_lengths("def g():\n" + "    a = 1\n" * 41) == {"g:1": 41}


def test_missing_docstrings_are_found():
    source = 'class A:\n    """A."""\n    def b(self): ...\n    def _c(self): ...\n\ndef d(): ...\n'
    assert undocumented(source) == ["the module", "A.b", "d"]
    assert undocumented('"""M."""\n\ndef _private(): ...\n') == []


def test_print_and_global_are_found():
    assert habits_broken("def f():\n    global x\n    print(x)\n") == ["print, line 3", "global, line 2"]
    assert habits_broken("def f(printer):\n    printer.print(1)\n") == []
