"""The exercise checks of lesson 01: a chain by hand, a neuron's way back, an update, an epoch."""

import numpy as np

from helpers.checks.frame import EMPTY, NotAttempted, array, call, close, exercise, explain, require
from helpers.numerics import autodiff
from helpers.numerics.activations import sigmoid, sigmoid_derivative

TARGET = 0.3
ROUNDING = 0.02  # relative; who calculates by hand rounds at every step
WAY_BACK = ("dh3", "dz3", "dv2", "dh2", "dz2", "dw4")
NO_SLOPE = "you forgot the local derivative of σ, which is σ(z)(1 − σ(z))."
OTHER_FACTOR = "For a product, the local derivative by one factor is the other factor"


@exercise
def chain_by_hand(answer):
    """Check the gradients dh3, dz3, dv2, dh2, dz2, dw4 of the two-layer chain with the target 0.3."""
    require(isinstance(answer, dict), "a dict is wanted, with a number for each of " + ", ".join(WAY_BACK))
    filled = [name for name in WAY_BACK if answer.get(name) not in (None, ...)]
    if not filled:
        raise NotAttempted(EMPTY)
    right, known = _right_chain(), _known_slips()
    for name in WAY_BACK:
        require(name in filled, _what_is_next(name))
        got = array(answer[name], (), f"your {name}")
        explain(got, _unless_right(known[name], right[name]), rtol=ROUNDING)
        close(got, right[name], rtol=ROUNDING, what=f"your {name}")
    return "six gradients, each the one before it times one local derivative. The graph says the same."


def _right_chain():
    loss = autodiff.chain(t=TARGET)
    autodiff.backward(loss)
    named = autodiff.nodes(loss)
    return {name: named[name[1:]].grad for name in WAY_BACK}


def _known_slips():
    """For each gradient the wrong values that common slips give, when all gradients before it are right."""
    value = {name: node.value for name, node in autodiff.nodes(autodiff.chain(t=TARGET)).items()}
    return _slips_at_the_loss(value, _right_chain()) | _slips_further_back(value, _right_chain())


def _slips_at_the_loss(value, right):
    h3, dh3, dz3 = value["h3"], right["dh3"], right["dz3"]
    return {
        "dh3": [
            (-dh3, "you took t − h3. The local derivative of ½(h3 − t)² by h3 is h3 − t."),
            (h3, "that is h3 itself. The target 0.3 is missing."),
            (value["L"], "that is the loss itself, not its derivative by h3."),
            (2 * dh3, "twice too much: the 2 of the square and the ½ cancel."),
            (h3 - autodiff.CHAIN["t"], "you used the target 0.7 of the text. Here it is 0.3."),
        ],
        "dz3": [
            (dh3, NO_SLOPE),
            (dh3 * h3, "you multiplied by σ(z3); its derivative is σ(z3)(1 − σ(z3))."),
            (dh3 * (1 - h3), "you multiplied by 1 − σ(z3); the derivative is σ(z3)(1 − σ(z3))."),
            (
                h3 * (1 - h3),
                "that is the local derivative alone. Multiply it by the gradient that arrives, dh3.",
            ),
        ],
        "dv2": [
            (dz3 * value["v2"], f"you multiplied by v2. {OTHER_FACTOR}: h2."),
            (dz3, f"that is the gradient of the product. {OTHER_FACTOR}: h2."),
            (
                value["h2"],
                "that is the local derivative alone. Multiply it by the gradient that arrives, dz3.",
            ),
            (dz3 * value["h1"], "you multiplied by h1, but v2 meets h2."),
        ],
    }


def _slips_further_back(value, right):
    dz3, dh2, dz2, h2, v2 = right["dz3"], right["dh2"], right["dz2"], value["h2"], value["v2"]
    return {
        "dh2": [
            (dz3 * h2, f"you multiplied by h2. {OTHER_FACTOR}: v2."),
            (dz3, "the sign is wrong: v2 is −1, and it multiplies the gradient."),
            (right["dv2"] * v2, "you went on from dv2. h2 gets its gradient from the product, as v2 does."),
        ],
        "dz2": [
            (dh2, NO_SLOPE),
            (dh2 * h2, "you multiplied by σ(z2); its derivative is σ(z2)(1 − σ(z2))."),
            (dh2 * value["h3"] * (1 - value["h3"]), "you took the slope at z3. This σ stands at z2 = 0."),
            (dh2 * value["z2"], "you multiplied by z2. The local derivative of σ at z2 is wanted."),
        ],
        "dw4": [
            (dz2 * value["w4"], f"you multiplied by w4. {OTHER_FACTOR}: x2, and that is −1."),
            (dh2 * value["x2"], "you skipped σ: go on from dz2."),
        ],
    }


def _unless_right(known, right):
    """Leave out slips that come so close to the right number that they can't be told from it."""
    return [(wrong, hint) for wrong, hint in known if abs(wrong - right) > 2 * ROUNDING * abs(right)]


def _what_is_next(name):
    before = WAY_BACK[: WAY_BACK.index(name)]
    return f"right so far: {', '.join(before)}. Next is {name}." if before else f"begin with {name}."


@exercise
def neuron_backward(answer):
    """Check `neuron_backward(x, w, dh)`: (dx, dw) of one neuron h = σ(x · w)."""
    rng = np.random.default_rng(4)
    for size in (2, 5):
        x, w, dh = rng.normal(size=size), rng.normal(size=size), float(rng.normal())
        got = call(answer, x, w, dh)
        require(isinstance(got, tuple | list) and len(got) == 2, "return two things: dx, dw.")
        dz = dh * sigmoid_derivative(x @ w)
        explain(got, _wrong_ways_back(x, w, dh))
        close(got[0], dz * w, what="your dx")
        close(got[1], dz * x, what="your dw")
    return (
        "dx and dw are right for 2 and for 5 inputs: the slope, the gradient that arrives, the other factor."
    )


def _wrong_ways_back(x, w, dh):
    z = x @ w
    h, slope = sigmoid(z), sigmoid_derivative(z)

    def pair(factor):
        return factor * w, factor * x

    return [
        (pair(dh * slope)[::-1], "dx and dw are swapped: the gradient of x carries w, that of w carries x."),
        (pair(dh), "the slope of σ is missing: dz = dh · σ(z)(1 − σ(z))."),
        (pair(slope), "you forgot dh, the gradient that arrives at h."),
        (pair(dh * h), "you multiplied by σ(z); its derivative is σ(z)(1 − σ(z))."),
        (pair(dh * (1 - h)), "you multiplied by 1 − σ(z); the derivative is σ(z)(1 − σ(z))."),
        (pair(dh * sigmoid_derivative(h)), "you took the slope at h; it belongs to z."),
        (pair(dh * z * (1 - z)), "you wrote z(1 − z). The slope is h(1 − h), with h = σ(z)."),
        (pair(-dh * slope), "the sign is wrong: no minus here. It comes with the update of the weights."),
    ]


@exercise
def update(answer):
    """Check `update(w, dw, rate)`: the weights after one step of gradient descent."""
    w, dw = np.array([0.5, -1.0, 2.0, 0.25]), np.array([1.5, -0.4, 0.2, -2.0])
    got = call(answer, w, dw, 0.1)
    explain(got, _wrong_updates(w, dw, 0.1))
    close(got, w - 0.1 * dw, what="your weights")
    again = call(answer, w, dw, 0.0)
    close(again, w, what="with the learning rate 0, your weights")
    return "each weight went against its own gradient, by the learning rate times its size."


def _wrong_updates(w, dw, rate):
    return [
        (w + rate * dw, "you went up: the gradient points to where the loss grows. Subtract."),
        (w - dw, "you left out the learning rate."),
        (w, "these are the old weights."),
        (-rate * dw, "that is the step alone. Add it to the old weights."),
        (w - rate, "the gradient is missing: all weights moved by the same amount."),
        (w - rate * np.sign(dw), "you used only the signs. A weight of more influence moves further."),
        (w * (1 - rate * dw), "you shrank the weights in proportion. The step does not depend on w itself."),
        (dw - rate * w, "weights and gradients are swapped."),
    ]


@exercise
def epoch(answer):
    """Check `epoch(count, size, rng)`: a list of index arrays, each example once, in shuffled batches."""
    for count, size in ((12, 4), (10, 4), (5, 5), (7, 1)):
        got = call(answer, count, size, np.random.default_rng(1))
        require(isinstance(got, tuple | list), "a list of batches is wanted, each an array of numbers.")
        batches = [array(batch, what=f"batch {k}").ravel() for k, batch in enumerate(got)]
        _check_batches(batches, count, size)
    _check_shuffling(answer)
    return "every example once per epoch, in a new order each time, and the last batch takes what is left."


def _check_batches(batches, count, size):
    told, sizes = f"for {count} examples in batches of {size}", [len(batch) for batch in batches]
    every = np.sort(np.concatenate(batches)) if batches else np.array([])
    whole, rest = divmod(count, size)
    require(
        not (rest and sizes == [size] * whole),
        f"{told}, {rest} examples are never seen: the last batch may be smaller.",
    )
    require(
        len(batches) != size or size == whole + bool(rest),
        f"{told}, you made {size} batches: size counts examples.",
    )
    require(len(every) == count, f"{told}, your batches hold {len(every)} examples.")
    require(every.max() < count, f"{told}, the number {every.max():g} is too large: count from 0.")
    twice = count - len(np.unique(every))
    require(
        not twice, f"{told}, some come twice and {twice} not at all: shuffle, don't draw with replacement."
    )
    require(sizes == [size] * whole + [rest] * bool(rest), f"{told}, your batches have the sizes {sizes}.")


def _check_shuffling(answer):
    first, second, other = (
        np.concatenate([np.ravel(batch) for batch in call(answer, 50, 10, np.random.default_rng(seed))])
        for seed in (1, 1, 2)
    )
    require(not np.array_equal(first, np.arange(50)), "the examples come in their old order: shuffle them.")
    require(
        np.array_equal(first, second), "the same rng gave another order: draw with the rng you are given."
    )
    require(
        not np.array_equal(first, other), "another rng gave the same order: draw with the rng you are given."
    )
    within = all(set(first[k : k + 10]) == set(range(k, k + 10)) for k in range(0, 50, 10))
    require(not within, "you shuffled inside the batches only: shuffle all examples, then cut.")
