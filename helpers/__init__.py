"""The front door: what a notebook takes from the course, each loaded when it is first asked for.

    from helpers import MLP, train, trace, table, activations, data, labs, checks, plots

The rooms behind it are folders, and imports go down the page only: `numerics`, `data`, `networks`, `signals`,
`clinic` and `checks`, `plots`, `labs`.
"""

from importlib import import_module

MODULES = {
    "numerics": (
        "activation_table activations augmentation autodiff conditioning dropout gaussian gradcheck "
        "initialization_table initializers library_defaults normalization penalties pooling "
        "preprocessing randomness theory"
    ),
    "data": "results",
    "networks": (
        "builders comparison famous interventions keras_models keras_patient keras_training "
        "landscape normalized_patient normalizing patient prepared tuning two_weights valleys"
    ),
    "signals": "flow measures recorder recording",
    "clinic": "patients",
    "checks": "bands blind runs",
    "labs": "first_look machine predict sortable watch",
}
NAMES = {
    "numerics.gradcheck": "numerical_gradient relative_error",
    "numerics.penalties": "L1 L2",
    "numerics.over_seeds": "median_and_range paired_difference",
    "numerics.tables": "table",
    "networks.builders": "dense_stack residual_stack",
    "networks.scoring": "scores",
    "networks.mlp": "MLP cross_entropy lsuv",
    "networks.stack": "BatchNorm Stack",
    "networks.training": "clip_by_norm clip_each train",
    "signals.trace": "trace",
}
ROOMS = ("checks", "clinic", "data", "labs", "networks", "numerics", "plots", "signals")

_PLACES = {name: (f"helpers.{room}.{name}", None) for room, text in MODULES.items() for name in text.split()}
_PLACES |= {name: (f"helpers.{place}", name) for place, text in NAMES.items() for name in text.split()}
_PLACES |= {room: (f"helpers.{room}", None) for room in ROOMS}


def __getattr__(name):
    """Import what is asked for; raises AttributeError that names all there is."""
    if name not in _PLACES:
        raise AttributeError(f"helpers has no {name!r}; there are {', '.join(sorted(_PLACES))}")
    module, attribute = _PLACES[name]
    found = import_module(module)
    return found if attribute is None else getattr(found, attribute)


def __dir__():
    return sorted(_PLACES)
