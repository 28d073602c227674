"""What a library takes where nothing is said, read from its source: importing Keras takes seconds."""

import ast
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path


def default_of(module, function, argument):
    """Return the default of an argument, as the source of an installed module has it.

    `module` is its dotted name, "keras.src.activations.activations"; `function` is the name of a function or
    of a class, whose `__init__` is read. Raises ValueError where one of these is not
    there, or has no default.
    """
    found = _function(module, function)
    named = [*found.args.posonlyargs, *found.args.args]
    with_default = named[len(named) - len(found.args.defaults) :]
    defaults = dict(zip([one.arg for one in with_default], found.args.defaults, strict=True))
    by_keyword = zip(found.args.kwonlyargs, found.args.kw_defaults, strict=True)
    defaults |= {one.arg: value for one, value in by_keyword if value}
    if argument not in defaults:
        known = ", ".join(defaults) or "none"
        raise ValueError(f"{function} has no default for {argument!r}; it has {known}")
    return ast.literal_eval(defaults[argument])


def _function(module, name):
    """The syntax tree of a function, or of the `__init__` of a class."""
    for node in ast.walk(_source(module)):
        if isinstance(node, ast.ClassDef) and node.name == name:
            return next(part for part in node.body if getattr(part, "name", "") == "__init__")
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    raise ValueError(f"there is no {name!r} in {module}")


@lru_cache(maxsize=8)
def _source(module):
    """The syntax tree of a module of an installed package; finding the package does not import it."""
    package, *rest = module.split(".")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ValueError(f"{package} is not installed")
    path = Path(spec.origin).parent.joinpath(*rest).with_suffix(".py")
    if not path.exists():
        raise ValueError(f"there is no module {module!r}")
    return ast.parse(path.read_text(encoding="utf-8"))
