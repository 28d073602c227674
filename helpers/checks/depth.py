"""Checks of lesson 08: a gradient's growth, a model of a hundred layers, a figure of updates, four networks
examined blind, a schedule, and a recipe of one's own."""

import numpy as np

from helpers import data
from helpers.checks import blind
from helpers.checks.frame import (
    Scored,
    array,
    call,
    close,
    describe,
    exercise,
    explain,
    filled_in,
    one_of,
    require,
)
from helpers.networks.keras_training import Recipe

GROWTHS = ((1.072, 100), (1.072, 20), (0.5, 10), (1.467, 50))
SCHEDULE = {"steps": 200, "peak": 0.003, "warm_up": 0.2}


# ---------------------------------------------------------------- core: the model


WIDTHS = (300, *[100] * 99, 10)
PARAMETERS = 1_256_410
LECUN = {"scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal"}


@exercise(
    hints=(
        "Which three layers are not like the others? Begin with those: the input, the first, the last.",
        "An empty keras.Sequential(), then model.add(…) for the input, for the first layer, in a loop for 99 "
        "more, and for the output.",
        'In the loop: model.add(keras.layers.Dense(100, activation="selu", kernel_initializer=…)).',
    )
)
def hundred_layers(model):
    """The learner's Keras model: 300 units, then 99 times 100, SELU, LeCun normal; a softmax over ten."""
    require(
        hasattr(model, "layers") and hasattr(model, "count_params"),
        f"a Keras model is wanted, and you gave {describe(model)}.",
    )
    kinds = [type(layer).__name__ for layer in model.layers]
    strange = [kind for kind in kinds if kind not in ("InputLayer", "Dense", "Activation", "Flatten")]
    require(not strange, _whys_of_layers(strange))
    dense = [layer for layer in model.layers if type(layer).__name__ == "Dense"]
    _tell_widths([layer.units for layer in dense])
    require(model.built, "there are no weights yet: begin with keras.Input((784,)), so that layer 1 knows.")
    require(model.input_shape[-1] == 784, f"an image has 784 pixels; your input has {model.input_shape[-1]}.")
    _tell_activations(_activations(model))
    _tell_initializers(dense[:-1])
    require(all(layer.use_bias for layer in dense), "leave the biases in: the reference has them.")
    require(
        model.count_params() == PARAMETERS,
        f"your model has {model.count_params():,} parameters, and {PARAMETERS:,} are wanted.",
    )
    require(all(layer.trainable for layer in dense), "some of your layers are frozen; all have to learn.")
    return f"a hundred hidden layers, an output layer, {PARAMETERS:,} parameters: that is the reference."


def _whys_of_layers(kinds):
    if not kinds:
        return ""
    if "BatchNormalization" in kinds:
        return "the reference has no batch normalization: SELU is to do without."
    if any("Dropout" in kind for kind in kinds):
        return "the reference has no dropout; what it would do to SELU comes in a later section."
    if "Add" in kinds:
        return "the reference is a plain stack: no skips."
    return f"only dense layers are wanted, and yours has {kinds[0]} as well."


def _tell_widths(widths):
    require(len(widths) > 0, "your model has no dense layer yet.")
    hidden = len(widths) - 1
    require(
        widths[-1] == 10,
        f"your last layer has {widths[-1]} units; there are ten classes, so the output layer has ten.",
    )
    require(
        hidden != 99,
        "you have 99 hidden layers: the one of 300 counts, and 99 of 100 follow. The output does not count.",
    )
    require(hidden != 101, "you have 101 hidden layers: the first of the hundred is the one of 300 units.")
    require(hidden == 100, f"you have {hidden} hidden layers, and a hundred are wanted. Is it in a loop?")
    require(widths[0] == 300, f"your first hidden layer has {widths[0]} units; it is to have 300.")
    odd = next((place for place, width in enumerate(widths[:-1]) if place and width != 100), None)
    told = f"hidden layer {(odd or 0) + 1} has {widths[odd or 0]} units; from the second on: 100."
    require(odd is None, told)


def _activations(model):
    """The activation after each dense layer, by name: its own, or that of Activation layers behind it."""
    names = []
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Dense":
            names.append(layer.activation.__name__)
        elif kind == "Activation" and names:
            name = layer.activation.__name__
            names[-1] = name if names[-1] == "linear" else f"{names[-1]} and {name}"
    return names


def _tell_activations(names):
    *hidden, last = names
    wrong = [name for name in hidden if name != "selu"]
    if wrong and wrong[0] == "linear":
        require(False, 'a hidden layer has no activation: activation="selu". A stack of lines is one line.')
    told = f"{len(wrong)} of your hidden layers have {wrong[0] if wrong else ''} in place of SELU."
    require(not wrong, told)
    require(last != "linear", "the output has no softmax: without it these are no probabilities.")
    require(last != "selu", "SELU is for the hidden layers; ten classes want a softmax.")
    require(last == "softmax", f"the output is {last}; ten classes, one of them right, want a softmax.")


def _tell_initializers(layers):
    for place, layer in enumerate(layers, 1):
        drawn = layer.kernel_initializer
        name, settings = type(drawn).__name__, drawn.get_config()
        if name == "LecunNormal" or all(settings.get(key) == value for key, value in LECUN.items()):
            continue
        where = f"hidden layer {place} has {name}"
        whys = {
            "GlorotUniform": f'{where}, Keras\'s default: say kernel_initializer="lecun_normal".',
            "HeNormal": f"{where}: twice LeCun's variance, made for ReLU. SELU wants 1 / fan_in.",
            "HeUniform": f"{where}: twice LeCun's variance, made for ReLU. SELU wants 1 / fan_in.",
            "LecunUniform": f"{where}: the right variance; the reference draws normal numbers.",
            "GlorotNormal": f"{where}: the same variance where a layer is square, another in layers 1 and 2.",
        }
        require(False, whys.get(name, f"{where}; LeCun's normal weights are wanted."))


# ---------------------------------------------------------------- warm-up: how much a gradient grows


@exercise(
    hints=(
        "What happens to the mean square over two layers? Over all of them?",
        "Factors multiply: the mean square changes by a power. What is a standard deviation of it?",
        "The root of a power: mean_square to the power of layers / 2.",
    )
)
def gradient_growth(answer):
    """Check `gradient_growth(mean_square, layers)`: the factor on the gradient's standard deviation."""
    for square, layers in GROWTHS:
        got = call(answer, square, layers)
        explain(got, _wrong_growths(square, layers), rtol=1e-6)
        close(got, square ** (layers / 2), rtol=1e-6, what=f"your factor for {square}, {layers} layers")
    return "SELU's 1.072 becomes ×32 over 100 layers, and a half per layer becomes a 32nd over ten."


def _wrong_growths(square, layers):
    root = np.sqrt(square)
    return [
        (square**layers, "that is the factor on the mean square; the standard deviation is its root."),
        (root ** (layers / 2), "the root was taken twice: E[f'²] to the power of layers / 2 is enough."),
        (square ** (-layers / 2), "that is the inverse: with E[f'²] above 1 the gradient grows backward."),
        (1 + layers * (root - 1), "the layers' factors multiply, they don't add: take a power."),
        (1 + layers * (square - 1), "the layers' factors multiply, they don't add: take a power."),
        (root * layers, "that is one layer's factor times the depth; each layer multiplies again."),
        (square * layers, "that is one layer's factor times the depth; each layer multiplies again."),
        (root, "that is the factor of one layer; there are more."),
        (root ** (layers - 1), "one layer is missing: each of the layers counts."),
    ]


# ---------------------------------------------------------------- read a figure: who moves


RUNS = ("SELU, clipped together", "SELU, each clipped", "batch norm", "sigmoid")
READINGS = {
    "all layers move at one pace": "SELU, each clipped",
    "the first layer takes the clip's whole norm, the rest are out of sight": "batch norm",
    "the output layer moves alone": "sigmoid",
}
SEEN = {
    "SELU, clipped together": "there the layers lie about a decade apart, and all of them are in the picture",
    "SELU, each clipped": "there every layer's line lies within a factor of a few of the others",
    "batch norm": "there layer 1 lies at the dashed line, layer 34 decades below, and the others nowhere",
    "sigmoid": "there a single line is left, that of the last layer",
}


@exercise(
    hints=(
        "In each panel: how many of the four lines can you see, and how far apart do they lie?",
        "A layer that is missing moves too little for the picture. Which layer is it, the first or the last?",
        "One panel holds a single line. One holds layer 1 and little else. One holds all four, together.",
    )
)
def read_updates(answer):
    """The learner's reading of the update panels: which run shows which symptom."""
    filled_in(answer, READINGS)
    for symptom, right in READINGS.items():
        one_of(
            answer[symptom], right, {run: f'not "{symptom}": {SEEN[run]}.' for run in RUNS if run != right}
        )
    return "update / weights tells who moves. Look at all layers: layer 1 alone calls batch norm healthy."


# ---------------------------------------------------------------- core: four networks, blind


CONDITIONS = blind.CONDITIONS
SIGNS = {
    "inputs": "{bed} begins far off, and is at (0, 1) in the end",
    "initialization": "{bed}'s variance is not far off in layer 1, and moves away from 1 layer after layer",
    "dropout": "{bed} settles early, a little above 1, and stays there",
    "skip": "{bed} grows by a factor at every layer, without end",
    "none": "{bed} stays near (0, 1) in all layers; 0.8 to 1.3 is what a hundred units leave to chance",
}
WHYS = {
    "inputs": "wrong inputs show in layer 1 at once, and are pulled back",
    "initialization": "weights of a wrong variance begin mildly and lead to a place of rest far off",
    "dropout": "ordinary dropout adds a little variance at every layer, so that a balance near by is found",
    "skip": "a skip adds h to F(h), so that the variance about doubles at every layer",
    "none": "with all conditions kept, mean and variance are about 0 and 1 in every layer",
}


@exercise(
    hints=(
        "For each network: does the trouble begin in layer 1, or does it grow on the way?",
        "Pulled back to (0, 1): the inputs. A factor per layer, without end: one thing. A new balance: two.",
        "Two that settle: dropout settles near by, within ten layers or so; weights of a wrong size go far.",
    )
)
def diagnosis(answer, ward):
    """Check the dict bed → broken condition against the ward that it was read from."""
    require(isinstance(ward, blind.Ward), "give the ward as well: checks.depth.diagnosis(diagnosis, ward).")
    beds = {bed: case[0] for bed, case in blind.cases(ward.name).items()}
    filled_in(answer, beds)
    for bed, right in beds.items():
        seen = SIGNS[right].format(bed=bed)
        whys = {wrong: f"{seen}. But {WHYS[wrong]}." for wrong in CONDITIONS if wrong != right}
        one_of(answer[bed], right, whys)
    return "each broken condition has a signature: where it begins, and whether the fixed point can mend it."


# ---------------------------------------------------------------- core: a warm-up with a cosine


@exercise(
    hints=(
        "Draw it first: two pieces, which meet at `peak`. At which step does the first one end?",
        "After the warm-up let t go from 0 to 1 over the steps left. Half a cosine goes from 1 to −1.",
        "Rising: peak · step / rising. Then peak · (1 + cos(π t)) / 2, t = (step − rising) / what is left.",
    )
)
def warm_up_cosine(answer):
    """Check `learning_rate(step, steps, peak, warm_up)`: a straight line up, then half a cosine down to 0."""
    steps, peak, warm_up = SCHEDULE.values()
    places = range(0, steps + 1, 5)
    got = array(
        [call(answer, step, steps, peak, warm_up) for step in places], (len(places),), "your schedule"
    )
    step, rising = np.array(places, float), warm_up * steps
    explain(got, _wrong_schedules(step, steps, peak, rising), rtol=1e-6)
    close(
        got, _schedule(step, steps, peak, rising), rtol=1e-6, atol=1e-9, what="your schedule, every 5 steps"
    )
    other = call(answer, 30, 60, 1.0, 0.0)
    close(other, 0.5, atol=1e-9, what="your rate half way without a warm-up, at peak 1")
    half = (steps + rising) / 2
    return f"it rises to {peak:g} at step {rising:.0f}, has half of that at {half:.0f}, and ends at 0."


def _schedule(step, steps, peak, rising):
    share = np.clip((step - rising) / (steps - rising), 0, 1)
    return np.where(step < rising, peak * step / rising, peak * (1 + np.cos(np.pi * share)) / 2)


def _wrong_schedules(step, steps, peak, rising):
    up, share = peak * step / rising, (step - rising) / (steps - rising)

    def either(down):
        return np.where(step < rising, up, down)

    return [
        (peak * (1 + np.cos(np.pi * step / steps)) / 2, "there is no warm-up: the first rate must be 0."),
        (either(peak), "it rises and then stays; let it fall along half a cosine."),
        (either(peak * (1 - share)), "it falls along a straight line; a cosine is flat at both ends."),
        (
            either(peak * (1 + np.cos(np.pi * step / steps)) / 2),
            "the cosine counts from step 0, so the rate jumps where the warm-up ends. Count from there.",
        ),
        (
            either(peak * (1 + np.cos(np.pi * (step - rising) / steps)) / 2),
            "the cosine is spread over all steps and does not reach 0: spread it over those that are left.",
        ),
        (either(peak * np.cos(np.pi * share)), "a cosine goes from 1 to −1: take (1 + cos) / 2."),
        (either(peak * np.cos(np.pi / 2 * share)), "that is a quarter of a cosine, steepest at its end."),
        (either(peak * (1 + np.cos(2 * np.pi * share)) / 2), "that is a whole cosine, which rises again."),
        (
            either(peak * (1 + np.cos(share * 180)) / 2),
            "np.cos takes radians: half a turn is π, not 180.",
        ),
    ]


# ---------------------------------------------------------------- challenge: a recipe of one's own


CONTEST = 8000  # training images
PASSES = 2  # how often each may be seen
GOAL = 0.7  # of the validation images, to pass
CHANCE = 0.15


@exercise(
    hints=(
        "Two passes are few steps. How many are they at batch 32, and how many at 256?",
        "What held the reference back at the start: the size of its steps. Which layers take a joint clip?",
        "Momentum, a clip for each array, a warm-up as short as it may be, and a larger rate. One at a time.",
    )
)
def recipe(answer):
    """Train the hundred layers by the learner's `Recipe` on few images; the score is validation accuracy."""
    given = describe(answer)
    require(isinstance(answer, Recipe), f"a keras_training.Recipe is wanted, and you gave {given}.")
    require(answer.epochs <= PASSES, f"{answer.epochs} epochs; here every image may be seen {PASSES} times.")
    require(answer.epochs >= 1, "without an epoch nothing is learned.")
    require(answer.learning_rate > 0, "a learning rate is positive; with 0 nothing moves.")
    size = answer.batch_size
    require(1 <= size <= CONTEST, f"a batch of {size}: choose between 1 and {CONTEST:,}.")
    require(0 <= answer.warm_up < 1, "the warm-up is a share of the run: from 0 to below 1.")
    require(0 <= answer.momentum < 1, "a momentum lies from 0 to below 1; at 1 nothing is ever forgotten.")
    design = answer.design
    require(not design.skips, "no skips: the hundred layers are to be plain.")
    require(design.normalized is None, "no batch normalization: the layers are to be the reference's.")
    require(design.activation == "selu", f"the layers are SELU's; yours have {design.activation}.")
    require(not design.dropout and not design.alpha_dropout, "no dropout: the layers are the reference's.")
    accuracies = contest(answer)
    reached = accuracies[-1]
    if reached < CHANCE:
        steps = answer.epochs * -(-CONTEST // answer.batch_size)
        require(False, f"that is guessing, after {steps} steps: too large a rate, or far too small a one.")
    told = f"more than {np.floor(reached * 10) / 10:.1f} of the validation images"
    require(reached >= GOAL, f"{told} are told apart; {GOAL} passes. Longer steps, or more of them?")
    return Scored(f"{told} are told apart. The score is kept; larger is better.", round(reached, 3))


def contest(recipe) -> list[float]:
    """Return the validation accuracy after each epoch of a recipe on the first images, from seed 0."""
    split = data.load_split(CONTEST)
    model = recipe.compile(recipe.network(0), len(split.x))
    return [float(value) for value in recipe.fit(model, split)["val_accuracy"]]
