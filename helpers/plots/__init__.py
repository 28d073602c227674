"""Pictures: arrays, a Trace or a Recording in, a picture out; never pyplot. Each is loaded when it is first asked for."""

from importlib import import_module

PICTURES = {
    "activation": "cards paths cost_bars loss_panels maxout_fits",
    "augmentation": "gallery pooling skipped_blocks differences mirror_scores standard_error",
    "clinic": "marked",
    "depth": "validation_curves rival_accuracies lottery_strip",
    "flow": "ratio_by_depth small_multiples lottery",
    "graph": "computation_graph",
    "hundred": "flow_panels gradient_panels update_panels",
    "keras_normalization": "training_panels by_batch_size",
    "layers": "histograms curves seed_curves",
    "normalization": "quantile_bands over_sigmoid seeds_against",
    "patients": "charts ends",
    "preprocessing": "clouds boundaries covariances image_rows pixel_maps wiggles",
    "regularization": "constraints bands weight_histograms against_testing parameter_shares",
    "scales": "histogram_rows seed_panels loss_lines matrix_images seed_dots",
    "training": "activation_maps",
}
_PLACES = {name: module for module, names in PICTURES.items() for name in names.split()}


def __getattr__(name):
    if name not in _PLACES:
        raise AttributeError(f"there is no picture {name!r}; there are {', '.join(sorted(_PLACES))}")
    return getattr(import_module(f"helpers.plots.{_PLACES[name]}"), name)


def __dir__():
    return sorted(_PLACES)
