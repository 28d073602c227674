"""The labs: live figures, each made by one call at the end of a notebook cell, `initialization_lab()`."""

from importlib import import_module

MODULES = {
    "backprop_lab": "backprop",
    "minibatch_lab": "minibatch",
    "activation_lab": "activation",
    "selu_map_lab": "selu_map",
    "dead_relu_lab": "dead_relu",
    "gradient_flow_lab": "gradient_flow",
    "mean_field_lab": "mean_field",
    "neuron_lab": "neuron",
    "initialization_lab": "initialization",
    "batch_norm_lab": "batch_norm",
    "batch_size_lab": "batch_size",
    "preprocessing_lab": "preprocessing",
    "learning_rate_lab": "learning_rate",
    "depth_lab": "depth",
    "clinic_lab": "clinic",
    "augmentation_lab": "augmentation",
    "weight_decay_lab": "weight_decay",
    "dropout_lab": "dropout",
}


def __getattr__(name):
    """Import a lab's module when the lab is first asked for, so that a notebook loads only what it uses."""
    if name not in MODULES:
        raise AttributeError(f"there is no {name!r}; the labs are {', '.join(MODULES)}")
    return getattr(import_module(f"helpers.labs.{MODULES[name]}"), name)


def __dir__():
    return sorted(MODULES)
