"""What tells right answers from wrong ones, and says why: a module per topic, loaded when first asked for."""

from importlib import import_module
from pkgutil import iter_modules

_MODULES = tuple(module.name for module in iter_modules(__path__))


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"there are no checks {name!r}; there are {', '.join(_MODULES)}")
    return import_module(f"helpers.checks.{name}")


def __dir__():
    return sorted(_MODULES)
