"""Pictures, filed by kind: arrays, a Trace or a Recording in, a picture out; never pyplot.

`helpers.plots.histograms` draws histograms, `over_seeds` everything with median and range, `images` rows of
images, and so on; a notebook calls `plots.name(...)`, which loads the module of that picture.
"""

from importlib import import_module

PICTURES = {
    "activation": "activation_cards cost_bars maxout_fits unnamed_slopes",
    "clinic": "final_losses marked_layers patient_charts",
    "graph": "computation_graph",
    "histograms": "histogram_rows histograms over_sigmoid weight_histograms",
    "images": "gallery matrix_images mirror_scores pixel_maps pooling_regions",
    "over_layers": "curves flow_panels seed_paths side_by_side small_multiples",
    "over_seeds": (
        "against_testing by_batch_size lottery_strip paired_differences ratio_by_depth "
        "rival_accuracies seed_bands seed_curves seed_dots seed_panels seeds_against standard_error "
        "validation_curves"
    ),
    "preprocessing": "boundaries clouds covariances",
    "training": "activation_maps quantile_bands skipped_blocks training_losses update_panels",
    "weights": "constraints descent_paths loss_lines loss_valleys parameter_shares",
}
_PLACES = {name: module for module, names in PICTURES.items() for name in names.split()}


def __getattr__(name):
    """Load the module of the picture that is asked for; raises AttributeError that names all there are."""
    if name not in _PLACES:
        raise AttributeError(f"there is no picture {name!r}; there are {', '.join(sorted(_PLACES))}")
    return getattr(import_module(f"helpers.plots.{_PLACES[name]}"), name)


def __dir__():
    return sorted(_PLACES)
