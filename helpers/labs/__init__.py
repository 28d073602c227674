"""The labs: live figures, each made by one call at the end of a notebook cell, `initialization_lab(gain=2)`.

A lab is a class in a module of its name: `initialization_lab` is `InitializationLab` in `initialization.py`.
"""

from importlib import import_module
from pkgutil import iter_modules

# What several labs use, and what is no lab.
SHARED = ("first_look", "knobs", "live", "machine", "predict", "sortable", "watch", "wording")
MODULES = {
    f"{module.name}_lab": module.name for module in iter_modules(__path__) if module.name not in SHARED
}


def __getattr__(name):
    """Import a lab's module when the lab is first asked for, so that a notebook loads only what it uses."""
    if name not in MODULES:
        raise AttributeError(f"there is no {name!r}; the labs are {', '.join(MODULES)}")
    module = import_module(f"{__name__}.{MODULES[name]}")
    return getattr(module, name.title().replace("_", ""))


def __dir__():
    return sorted(MODULES)
