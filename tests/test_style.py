"""The habits of the code that learners read: short functions, documented names, no prints, no globals."""

import ast
from pathlib import Path
from statistics import median

HELPERS = Path(__file__).resolve().parent.parent / "helpers"
MEDIAN_LINES, MOST_LINES = 8, 40
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef

MODULES = {
    path.relative_to(HELPERS).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(HELPERS.rglob("*.py"))
}


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


def undocumented(source, bases=None):
    """List the module, the public classes and the public functions and methods that have no docstring.

    A method that fills in one its base class documents inherits that docstring, as `help` shows it; `bases`
    maps the name of a class to its documented methods.
    """
    tree = ast.parse(source)
    nodes = [("the module", tree), *public(tree, bases or {})] if tree.body else []
    return [name for name, node in nodes if not ast.get_docstring(node)]


def public(module, bases):
    """List (name, node) of the public functions and classes of a module, and of the classes' own methods."""
    found = []
    for node in public_in(module):
        found.append((node.name, node))
        if isinstance(node, ast.ClassDef):
            inherited = set().union(
                *(bases.get(ast.unparse(base).split(".")[-1], set()) for base in node.bases)
            )
            methods = [method for method in public_in(node) if method.name not in inherited]
            found += [(f"{node.name}.{method.name}", method) for method in methods]
    return found


def public_in(parent):
    """List the functions and classes directly in a module or class whose names are public."""
    nodes = [node for node in parent.body if isinstance(node, FUNCTION | ast.ClassDef)]
    return [node for node in nodes if not node.name.startswith("_") and not is_setter(node)]


def documented_methods(sources):
    """Map the name of each class in the sources to its public methods that have a docstring."""
    classes = [n for source in sources for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ClassDef)]
    return {c.name: {method.name for method in public_in(c) if ast.get_docstring(method)} for c in classes}


def is_setter(node):
    """Say whether a function is the setter of a property; the docstring stands at its getter."""
    return any(ast.unparse(decorator).endswith(".setter") for decorator in node.decorator_list)


def habits_broken(source):
    """List each `print` and each `global` statement with its line."""
    nodes = list(ast.walk(ast.parse(source)))
    prints = [n.lineno for n in nodes if isinstance(n, ast.Call) and ast.unparse(n.func) == "print"]
    changes = [n.lineno for n in nodes if isinstance(n, ast.Global)]
    return [f"print, line {line}" for line in prints] + [f"global, line {line}" for line in changes]


def found_in_modules(reader):
    """Map each module in which a reader of its source finds something to what it finds."""
    return {name: found for name, source in MODULES.items() if (found := reader(source))}


def test_no_function_is_long():
    def long(source):
        return {name: n for name, n in function_lengths(source).items() if n > MOST_LINES}

    assert found_in_modules(long) == {}, f"over {MOST_LINES} lines"


def test_most_functions_are_short():
    lengths = [n for source in MODULES.values() for n in function_lengths(source).values()]
    assert median(lengths) <= MEDIAN_LINES


def test_public_names_are_documented():
    bases = documented_methods(MODULES.values())
    assert found_in_modules(lambda source: undocumented(source, bases)) == {}


def test_no_printing_and_no_global_state():
    found = found_in_modules(habits_broken)
    assert {name for name in found if not name.endswith("__main__.py")} == set()  # a command line prints


def test_all_modules_are_read():
    assert {"__init__.py", "labs/__init__.py"} <= MODULES.keys()


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


def test_a_method_inherits_the_docstring_of_the_one_it_fills_in():
    base = 'class Base:\n    def hook(self):\n        """Do it."""\n\n    def bare(self): ...\n'
    methods = "    def hook(self): ...\n    def bare(self): ...\n"
    child = '"""M."""\n\nclass Child(module.Base):\n    """C."""\n' + methods
    assert undocumented(child, documented_methods([base])) == ["Child.bare"]
    assert undocumented(child) == ["Child.hook", "Child.bare"]


def test_print_and_global_are_found():
    assert habits_broken("def f():\n    global x\n    print(x)\n") == ["print, line 3", "global, line 2"]
    assert habits_broken("def f(printer):\n    printer.print(1)\n") == []
