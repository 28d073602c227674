"""Outputs against targets: can this loss be met by these outputs on these labels, for every loss of Keras?"""

import numpy as np

from helpers.clinic.findings import Evidence, crossed, finding

INTEGER_LABELS = ("sparse_categorical_crossentropy",)
DISTRIBUTIONS = (
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "kl_divergence",
)
ONE_HOT = (*DISTRIBUTIONS, "categorical_hinge")
ZERO_TO_ONE = ("binary_crossentropy", "binary_focal_crossentropy", "dice", "tversky")
MARGINS = ("hinge", "squared_hinge")  # Keras turns labels 0 and 1 into −1 and 1 by itself
SQUARES = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")
RELATIVE = ("mean_absolute_percentage_error", "mean_squared_logarithmic_error")
REGRESSION = (*SQUARES, *RELATIVE, "poisson")
SHORT_NAMES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
    "huber_loss": "huber",
}
REACH = {  # what a function at the end of a network can give
    "sigmoid": (0, 1),
    "hard_sigmoid": (0, 1),
    "softmax": (0, 1),
    "tanh": (-1, 1),
    "hard_tanh": (-1, 1),
    "softsign": (-1, 1),
    "relu": (0, np.inf),
    "relu6": (0, 6),
    "softplus": (0, np.inf),
    "exponential": (0, np.inf),
    "elu": (-1, np.inf),
    "selu": (-1.7581, np.inf),
}
POSITIVE = ("softplus", "exponential", "relu", "relu6", "sigmoid", "hard_sigmoid", "softmax")
PROBABILITIES = ("softmax", "sigmoid", "hard_sigmoid")
BEYOND = (0.01, 0.1)  # share of the targets that an output can't reach
# A linear output begins near 0 with a spread near 1. The first losses and gradients are so many times too
# large as the targets are; Adam, whose steps do not grow with the gradient, needs as many times the steps.
LARGE = (100.0, 10_000.0)
SMALL = 1e-3
FEW = 8  # of fewer examples, one class alone may be chance
CLASSES = (3, 20)  # so many different whole numbers from 0 on are classes rather than amounts
WHOLE = 1e-6


def examine_targets(program, y) -> list:
    """Return the findings about a model's outputs, its loss and the targets `y`; none without a loss.

    `y` is an array, or for several outputs a list of them or a dict by the outputs' names. Raises ValueError
    where there are not as many targets as outputs.
    """
    return [
        found
        for outlet, target in paired(program.outlets, y)
        if outlet.loss
        for found in examine_outlet(outlet, target)
    ]


def paired(outlets, y) -> list[tuple]:
    """Return (outlet, its targets as an array) of every output that has targets."""
    if isinstance(y, dict):
        unknown = [name for name in y if name not in {outlet.name for outlet in outlets}]
        if unknown:
            names = ", ".join(outlet.name for outlet in outlets)
            raise ValueError(f"no output is named {unknown[0]!r}; the outputs are {names}")
        return [(outlet, np.asarray(y[outlet.name])) for outlet in outlets if outlet.name in y]
    several = y if isinstance(y, list | tuple) and len(outlets) > 1 else [y]
    if len(several) != len(outlets):
        raise ValueError(f"the model has {len(outlets)} outputs, and {len(several)} targets were given")
    return [(outlet, np.asarray(part)) for outlet, part in zip(outlets, several, strict=True)]


def examine_outlet(outlet, y) -> list:
    """Return the findings about one output and its targets, the first that explains the others alone."""
    loss = SHORT_NAMES.get(outlet.loss, outlet.loss)
    if y.dtype.kind not in "fiub" or not y.size:
        return []
    y = y.astype(np.float64)
    if not np.isfinite(y).all():
        share = float(np.mean(~np.isfinite(y)))
        said = f"{share:.0%} of the targets are inf or nan, and so is every loss computed from them."
        return [_told(outlet, "non_finite_values", True, said, "Drop or fill these targets first.")]
    for rule in (single_softmax, labels, not_met, one_value, improper, reach, scale):
        if found := rule(outlet, loss, y):
            return found
    return []


def single_softmax(outlet, loss, y) -> list:
    """A softmax of one unit is 1 whatever comes in."""
    if outlet.functions[-1:] != ("softmax",) or outlet.units != 1:
        return []
    classes = len(np.unique(y))
    cure = 'Dense(1, activation="sigmoid") and loss="binary_crossentropy"'
    if _not_whole(y):
        cure = "Dense(1), without activation"
    elif classes > 2:
        cure = f'Dense({classes}, activation="softmax") and loss="sparse_categorical_crossentropy"'
    said = "The output is a softmax of a single unit. It is 1 for every input, and no gradient comes back."
    return [_told(outlet, "output_activation_mismatch", True, said, f"End with {cure}.")]


def labels(outlet, loss, y) -> list:
    """Labels of another form than the loss takes."""
    if loss in INTEGER_LABELS:
        return _integers(outlet, y)
    if loss in ONE_HOT:
        return _one_hot(outlet, loss, y)
    if loss in ZERO_TO_ONE:
        return _between(outlet, y)
    if loss in MARGINS:
        return _signs(outlet, y)
    return _shapes(outlet, y) if loss in REGRESSION else []


def _integers(outlet, y):
    units, shape = outlet.units, tuple(outlet.shape[1:-1])
    if y.shape[1:] not in (shape, (*shape, 1)):
        if y.shape[1:] == (*shape, units):
            said = "The labels are one-hot rows, and the loss takes the number of the class."
            return _unfit(outlet, said, 'Use loss="categorical_crossentropy", or y.argmax(axis=-1).')
        said = f"Each example has targets of shape {y.shape[1:]}; the loss takes {shape or 'one number'}."
        return _unfit(outlet, said, "Give one whole number for each example.")
    if share := _not_whole(y):
        said = f"{share:.0%} of the labels are not whole numbers; the loss reads them as numbers of classes."
        return _unfit(outlet, said, "Look at how the labels were made: classes are 0, 1, 2 and so on.")
    low, high = int(y.min()), int(y.max())
    if low == 1 and high == units:
        said = f"The labels run from 1 to {high}, and classes are counted from 0."
        return _unfit(outlet, said, "Give y - 1.")
    if low < 0 or high >= units:
        said = f"The labels run from {low} to {high}; {units} outputs take 0 to {units - 1}."
        return _unfit(outlet, said, f"End with Dense({max(high + 1, 2)}), or mend the labels.")
    return []


def _one_hot(outlet, loss, y):
    if y.shape[1:] != tuple(outlet.shape[1:]):
        if y.ndim < len(outlet.shape) or y.shape[-1] == 1:
            said = "The labels are numbers of classes, and the loss takes one-hot rows."
            cure = 'Use loss="sparse_categorical_crossentropy", or keras.utils.to_categorical(y).'
            return _unfit(outlet, said, cure)
        return _shapes(outlet, y)
    if outlet.units == 1:
        said = "There is one output, and the loss divides by the sum of all: it is 0 whatever comes out."
        return _unfit(outlet, said, 'Use loss="binary_crossentropy" with activation="sigmoid".')
    if (y < 0).any():
        said = f"{np.mean(y < 0):.0%} of the targets are negative, and the loss takes them as probabilities."
        return _unfit(outlet, said, "Give one-hot rows of 0 and 1.")
    sums = y.sum(axis=-1)
    several = float(np.mean(sums > 1 + 1e-3))
    if several > BEYOND[0]:
        said = (
            f"{several:.0%} of the rows have more than one label, and a softmax can give all its weight once."
        )
        return _unfit(outlet, said, 'Use activation="sigmoid" and loss="binary_crossentropy".')
    empty = float(np.mean(sums < 1 - 1e-3))
    if empty > BEYOND[1]:
        said = f"In {empty:.0%} of the rows the targets add up to less than 1: they name no class."
        return _unfit(outlet, said, "Give one-hot rows, with a class for what is none of the others.")
    return []


def _between(outlet, y):
    outside = float(np.mean((y < 0) | (y > 1)))
    if outside:
        low, high = y.min(), y.max()
        said = f"The targets run from {low:g} to {high:g}, and the loss takes them as probabilities, 0 to 1."
        two = len(np.unique(y)) == 2
        cure = (
            f"Give (y == {high:g}) as 0 and 1."
            if two
            else 'Of classes use a softmax and "sparse_categorical_crossentropy", of amounts "mse".'
        )
        return _unfit(outlet, said, cure)
    return _shapes(outlet, y)


def _signs(outlet, y):
    if not np.isin(y, (-1, 1)).all() and not np.isin(y, (0, 1)).all():
        said = f"The hinge loss takes −1 and 1, and the targets run from {y.min():g} to {y.max():g}."
        return _unfit(outlet, said, "Give −1 and 1.")
    return _shapes(outlet, y)


def _shapes(outlet, y):
    """Targets and outputs that broadcasting compares each with every other."""
    wanted = tuple(outlet.shape[1:])
    given = y.shape[1:] or (1,)
    if None in wanted or (given in (wanted, wanted[:-1]) and (given == wanted or outlet.units == 1)):
        return []
    said = f"Each example has targets of shape {given} and outputs of shape {wanted}."
    return _unfit(outlet, said, f"Let the last layer have {given[-1]} units, or mend the targets.")


def not_met(outlet, loss, y) -> list:
    """Outputs that are no probabilities or no positive numbers where the loss needs them."""
    last = outlet.functions[-1:]
    if loss == "kl_divergence" and last != ("softmax",):
        said = f"The loss compares two distributions, and the output is {_in_words(outlet)}."
        return [_told(outlet, "output_activation_mismatch", True, said, 'Use activation="softmax".')]
    if loss == "poisson" and not set(last) & set(POSITIVE):
        said = (
            f"The loss takes the logarithm of the output, which is {_in_words(outlet)} and may be negative."
        )
        return [_told(outlet, "output_activation_mismatch", True, said, 'Use activation="softplus".')]
    if loss in MARGINS and set(last) & set(POSITIVE):
        said = f"The hinge loss wants −1 or 1, and {_in_words(outlet)} gives nothing below 0."
        return [_told(outlet, "output_activation_mismatch", True, said, "Leave the output linear.")]
    return []


def one_value(outlet, loss, y) -> list:
    """Targets that are all the same: nothing to learn but a constant."""
    rows = y.reshape(len(y), -1)
    if len(y) < FEW or (rows != rows[0]).any():
        return []
    said = f"All {len(y)} examples have the same target. A constant output is all that can be learned."
    return [
        _told(outlet, "one_class", True, said, "Look at how the labels were read; shuffle before you cut.")
    ]


def improper(outlet, loss, y) -> list:
    """A regression loss on what are classes."""
    if loss not in SQUARES or _not_whole(y):
        return []
    last, values = outlet.functions[-1:], np.unique(y)
    one_hot = outlet.units > 1 and np.array_equal(values, (0, 1)) and (y.sum(axis=-1) == 1).all()
    if one_hot and last == ("softmax",):
        said = (
            "The targets are classes, and the loss measures distances: it hardly pushes where most is wrong."
        )
        return [_told(outlet, "improper_loss", False, said, 'Use loss="categorical_crossentropy".')]
    counted = CLASSES[0] <= len(values) <= CLASSES[1] and np.array_equal(values, np.arange(len(values)))
    if counted and outlet.units == 1:
        said = (
            f"The targets are the whole numbers 0 to {len(values) - 1}. If they name classes, none is *more*."
        )
        cure = f'Dense({len(values)}, activation="softmax") and loss="sparse_categorical_crossentropy"'
        return [_told(outlet, "improper_loss", False, said, f"For classes end with {cure}.")]
    return []


def reach(outlet, loss, y) -> list:
    """Targets where the output's activation can't get."""
    limits = REACH.get(outlet.functions[-1]) if outlet.functions else None
    if loss not in REGRESSION or limits is None:
        return []
    low, high = limits
    share = float(np.mean((y < low) | (y > high)))
    if share <= BEYOND[0]:
        return []
    said = (
        f"{share:.0%} of the targets lie where the output can't get: they run from {y.min():.3g} to "
        f"{y.max():.3g}, and {outlet.functions[-1]} gives {_range_in_words(low, high)}."
    )
    evidence = [Evidence("share of targets out of reach", share, crossed(share, BEYOND))]
    cure = "Leave the output linear: Dense(…) without activation."
    return [_told(outlet, "targets_out_of_reach", share > BEYOND[1], said, cure, evidence)]


def scale(outlet, loss, y) -> list:
    """Targets far larger or smaller than what a linear output begins with."""
    if loss not in SQUARES or outlet.functions:
        return []
    size = float(np.sqrt(np.mean(y**2)))
    cure = "Train on (y - y.mean()) / y.std(), and turn predictions back."
    if size > LARGE[0]:
        evidence = [Evidence("root mean square of the targets", size, crossed(size, LARGE))]
        said = f"The targets are of the size {size:.3g}, and the outputs begin near 0 with a spread near 1."
        return [_told(outlet, "unscaled_targets", size > LARGE[1], said, cure, evidence)]
    if 0 < size < SMALL:
        evidence = [Evidence("root mean square of the targets", size, SMALL)]
        said = f"The targets are of the size {size:.1g}: the outputs' own spread at the start drowns them."
        return [_told(outlet, "unscaled_targets", False, said, cure, evidence)]
    return []


def _not_whole(y) -> float:
    return float(np.mean(np.abs(y - np.round(y)) > WHOLE))


def _in_words(outlet):
    return outlet.functions[-1] if outlet.functions else "linear"


def _unfit(outlet, said, cure):
    return [_told(outlet, "labels_do_not_fit", True, said, cure)]


def _range_in_words(low, high):
    return f"{low:g} and more" if np.isinf(high) else f"{low:g} to {high:g}"


def _told(outlet, code, severe, said, cure, evidence=()):
    where = (outlet.part.name if outlet.part is not None else outlet.name,)
    return finding(code, severe, evidence, where, said=said, cure=cure)
