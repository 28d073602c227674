"""The exercises of lesson 01: a chain and a layer by hand, softmax and loss, epochs, a figure, a plan."""

from typing import NamedTuple

import numpy as np

from helpers.checks.frame import (
    NotAttempted,
    NotYet,
    Scored,
    array,
    call,
    close,
    exercise,
    explain,
    filled_in,
    require,
)
from helpers.networks import two_weights
from helpers.numerics import autodiff

TARGET = 0.3
ROUNDING = 0.02  # relative; who calculates by hand rounds at every step
WAY_BACK = ("dh3", "dz3", "dv2", "dh2", "dz2", "dw4")
NO_SLOPE = "you forgot the local derivative of σ, which is σ(z)(1 − σ(z))."
OTHER_FACTOR = "For a product, the local derivative by one factor is the other factor"


@exercise(
    hints=(
        "Which node hands a gradient to h3, and what is its local derivative by h3?",
        "Each number is an earlier one times one local derivative. From z3 the path forks: v2 and h2 both go "
        "on from dz3. At a product, the local derivative is the other factor.",
        "dz3 = dh3 · h3 (1 − h3), dv2 = dz3 · h2, dh2 = dz3 · v2. Then the same two kinds of step again, "
        "with h2, and with x2 = −1 as the other factor.",
    )
)
def chain_by_hand(answer):
    """Check the gradients dh3, dz3, dv2, dh2, dz2, dw4 of the two-layer chain with the target 0.3."""
    filled = filled_in(answer, WAY_BACK, wholly=False)
    right, known = _right_chain(), _known_slips()
    for name in WAY_BACK:
        require(name in filled, _what_is_next(name))
        got = array(answer[name], (), f"your {name}")
        explain(got, _nearer_than_right(known[name], got, right[name]), rtol=ROUNDING)
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


def _nearer_than_right(known, got, right):
    """Leave out slips that are further from the answer than the right number: rounding may lie between."""
    return [(wrong, hint) for wrong, hint in known if abs(got - wrong) < abs(got - right)]


def _what_is_next(name):
    before = WAY_BACK[: WAY_BACK.index(name)]
    return f"right so far: {', '.join(before)}. Next is {name}." if before else f"begin with {name}."


@exercise(
    hints=(
        "dW has the shape of W. Which product of h, (n, inputs), and dz, (n, outputs), has it, too?",
        "The loop adds h[k, i] · dz[k, j] over the examples k. A matrix product adds over the inner axis: "
        "bring k there. A bias is added in every row, so it hears from every row.",
        "Transpose h for dW, so that the examples meet; sum dz over axis 0 for db; in dh[k, i] the outputs j "
        "meet, so W must be transposed.",
    )
)
def layer_backward(answer):
    """Check `layer_backward(h, W, dz)`: (dW, db, dh) of z = h @ W + b for a whole batch."""
    rng = np.random.default_rng(4)
    for batch, inputs, outputs in ((5, 3, 2), (4, 4, 4)):
        h, W, dz = (rng.normal(size=size) for size in ((batch, inputs), (inputs, outputs), (batch, outputs)))
        got = call(answer, h, W, dz)
        require(isinstance(got, tuple | list) and len(got) == 3, "return three things: dW, db, dh.")
        _explain_parts(got, _wrong_layers(h, W, dz))
        for part, wanted, name in zip(got, _layer_backward(h, W, dz), ("dW", "db", "dh"), strict=True):
            close(part, wanted, what=f"your {name}")
    return "dW, db and dh are right: for 5 examples with 3 inputs and 2 outputs, and for a square layer."


def _layer_backward(h, W, dz):
    return h.T @ dz, dz.sum(axis=0), dz @ W.T


def _explain_parts(got, known):
    """Explain each part by itself: `known` is a list of (place in the tuple, wrong value, hint)."""
    for place, wrong, hint in known:
        explain(got[place], [(wrong, hint)])


def _wrong_layers(h, W, dz):
    dW, db, dh = _layer_backward(h, W, dz)
    return [
        (0, dh, "dW and dh are swapped: return (dW, db, dh)."),
        (0, -dW, "dW has the wrong sign: no minus here. It comes with the step."),
        (0, dW.T, "dW is transposed: it must have the shape of W, (inputs, outputs)."),
        (
            0,
            dW / len(h),
            "dW is the mean over the examples. Sum: dividing by n is the loss's business, in dz.",
        ),
        (0, h.mean(axis=0)[:, None] * dz.sum(axis=0), "you summed over the examples before you multiplied."),
        (0, h.sum(axis=0)[:, None] * dz.sum(axis=0), "you summed over the examples before you multiplied."),
        (0, np.outer(h[0], dz[0]), "dW hears from the first example only. Sum over all of them."),
        (0, np.outer(h[-1], dz[-1]), "dW hears from the last example only: += it, don't overwrite it."),
        (0, W * 0 + dz.sum(axis=0), "h is missing from dW: the other factor of w[i, j] is h[i]."),
        (1, dz.mean(axis=0), "db is the mean over the examples. Sum: b is added in every row."),
        (
            1,
            dz.sum(axis=0, keepdims=True),
            "db has one axis too many: leave keepdims out, b is a row (outputs,).",
        ),
        (1, dz.sum(axis=1), "db sums over the outputs. Sum over the examples: axis 0."),
        (1, dz.sum(), "db is one number: sum over axis 0 only, each output has its own bias."),
        (1, dz, "db still holds one row per example. All of them use the same b: sum over axis 0."),
        (1, dW.sum(axis=0), "you summed dW. The other factor of b is 1: sum dz itself."),
        (1, -db, "db has the wrong sign: no minus here. It comes with the step."),
        (
            2,
            dz @ W if W.shape[0] == W.shape[1] else None,
            "dh = dz @ W multiplies along the wrong axis of W: h[i] meets row i of W, so transpose W.",
        ),
        (2, W @ dz.T, "dh is transposed: one row per example."),
        (
            2,
            (dz @ W.T) * h * (1 - h),
            "your dh holds the slope of a sigmoid. This layer has none: z = h @ W + b.",
        ),
        (2, (dz @ W.T).sum(axis=0), "dh is summed over the examples. Each example has its own h: don't sum."),
        (2, -dh, "dh has the wrong sign: no minus here. It comes with the step."),
    ]


@exercise(
    hints=(
        "What is e^1000 in Python? And what does a softmax do when one number is taken off all logits?",
        "Take off each row's largest logit, exponentiate, divide by the row's sum. For the loss use "
        "log p = shifted − log(sum), so no log sees a 0. The gradient is p minus the one-hot row.",
        "rows = np.arange(len(y)). log_p[rows, y] picks the right classes; the loss is minus their mean. "
        "Copy p, subtract 1 at [rows, y], and divide by n, since the loss is a mean.",
    )
)
def softmax_loss(answer):
    """Check `softmax_loss(logits, y)`: (mean cross-entropy, its gradient by the logits), without overflow."""
    rng = np.random.default_rng(5)
    logits, y = rng.normal(size=(6, 4)), np.array([0, 3, 1, 1, 2, 0])
    loss, dlogits = _two_of(call(answer, logits, y))
    right, gradient = _softmax_loss(logits, y)
    explain(loss, _wrong_losses(logits, y))
    close(loss, right, what="your loss")
    explain(dlogits, _wrong_dlogits(logits, y))
    close(dlogits, gradient, what="your dlogits")
    _check_large_logits(answer)
    return "loss and gradient are right, and stay so for logits of 1000, where e^z alone overflows."


def _softmax_loss(logits, y):
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(y))
    dlogits = np.exp(log_p)
    dlogits[rows, y] -= 1
    return -log_p[rows, y].mean(), dlogits / len(y)


def _two_of(got):
    require(isinstance(got, tuple | list) and len(got) == 2, "return two things: loss, dlogits.")
    return got


def _wrong_losses(logits, y):
    n, classes = logits.shape
    rows, p = np.arange(n), np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    right, hot = -np.log(p[rows, y]), np.eye(classes)[y]
    down = np.exp(logits) / np.exp(logits).sum(axis=0)
    return [
        (right, "that is one loss per example. Return their mean."),
        (right.sum(), "that is the sum over the examples. The loss is their mean."),
        (-right.mean(), "the sign is wrong: log p is below 0, the loss is minus that."),
        (right.mean() / np.log(10), "that is the logarithm to base 10. np.log is the natural one."),
        (right.mean() / np.log(2), "that is the logarithm to base 2. np.log is the natural one."),
        (
            right.mean() / classes,
            "you took the mean over the classes, too. Sum over them; the mean is over examples.",
        ),
        (-np.log(down[rows, y]).mean(), "your softmax sums down the examples. Sum along each row: axis=1."),
        (-np.log(p).mean(), "you averaged −log p of all classes. Pick the right class's: p[rows, y]."),
        (
            -np.log(p).sum(axis=1).mean(),
            "you summed −log p over all classes. Pick the right class's: p[rows, y].",
        ),
        (-logits[rows, y].mean(), "the logarithm of the sum is missing: log p = z − log Σ e^z."),
        (1 - p[rows, y].mean(), "that is 1 − p. The loss is −log p."),
        (p[rows, y].mean(), "that is the probability itself. The loss is −log of it."),
        (np.mean((p - hot) ** 2), "that is a squared error. Cross-entropy is −log p of the right class."),
        (
            ((p - hot) ** 2).sum(axis=1).mean(),
            "that is a squared error. Cross-entropy is −log p of the right class.",
        ),
        (
            -(hot * np.log(p) + (1 - hot) * np.log(1 - p)).sum(axis=1).mean(),
            "the wrong classes' log(1 − p) is the "
            "loss of separate yes-or-no questions. Here −log p of the right class is all.",
        ),
    ]


def _wrong_dlogits(logits, y):
    n, classes = logits.shape
    p, hot = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), np.eye(classes)[y]
    at_right = (p * hot).sum(axis=1, keepdims=True)
    return [
        (p - hot, "dlogits is n times too large: the loss is a mean, so each example counts 1/n."),
        ((hot - p) / n, "the sign is wrong: p − t, not t − p. A wrong class's logit should come down."),
        (hot - p, "the sign is wrong, and the mean's 1/n is missing: (p − t) / n."),
        (p, "that is p itself. Subtract 1 at the right class, and divide by n."),
        (p / n, "the 1 at the right class is missing: p − t."),
        (p - hot / n, "divide all of p − t by n, not the 1 alone."),
        (p / n - hot, "divide all of p − t by n, not p alone."),
        ((p - 1) / n, "you subtracted 1 everywhere. Only the right class has t = 1."),
        (
            (p - hot) / (n * classes),
            "you divided by the number of classes, too. The mean is over the examples.",
        ),
        ((p - hot) / classes, "you divided by the number of classes. The mean is over the examples."),
        (-hot / p / n, "that is the gradient by p. Go on through the softmax: it becomes p − t."),
        (-hot / at_right / n, "that is the gradient by p. Go on through the softmax: it becomes p − t."),
        (
            (p - hot) * p * (1 - p) / n,
            "you multiplied by p(1 − p) once more. In p − t the softmax is already done.",
        ),
        (
            p * (1 - p) / n,
            "that is the slope of one probability by its own logit. All p change: it becomes p − t.",
        ),
        (logits - hot, "you took the logits for probabilities: p − t, with p the softmax."),
        ((logits - hot) / n, "you took the logits for probabilities: p − t, with p the softmax."),
    ]


def _check_large_logits(answer):
    far, y = np.array([[1000.0, 0.0], [0.0, 1000.0]]), np.array([1, 1])
    loss, dlogits = _two_of(call(answer, far, y))
    require(
        not np.any(np.isnan(np.asarray(loss, float))) and not np.any(np.isnan(np.asarray(dlogits, float))),
        "right for small logits, but NaN for [1000, 0]: e^1000 overflows. Take off each row's largest first.",
    )
    require(
        np.isfinite(loss),
        "for logits [1000, 0] and class 1 your loss is infinite: log of a p that is 0. "
        "Use log p = z − log Σ e^z, and never the log of p.",
    )
    require(
        abs(loss - 500) < 1,
        f"for logits [1000, 0] and class 1 the loss is 1000, 500 in the mean over two; "
        f"yours is {float(loss):.4g}. A small number added in the log, or a clipped p, hides it.",
    )
    close(dlogits, _softmax_loss(far, y)[1], what="your dlogits for large logits")
    apart = np.array([[0.0, 1.0], [-2000.0, -2001.0]])
    loss, dlogits = _two_of(call(answer, apart, y))
    require(
        bool(np.isfinite(loss)) and bool(np.isfinite(dlogits).all()),
        "one largest number for the whole batch is not enough: a row far below it has only zeros. "
        "Take off each row's own largest, with axis=1 and keepdims=True.",
    )
    close(loss, _softmax_loss(apart, y)[0], what="your loss for rows far apart")


@exercise(
    hints=(
        "How can you put 0 … count − 1 into a random order, each number once?",
        "Shuffle all numbers first, then cut the row into pieces. A slice past the end simply stops there.",
        "order = rng.permutation(count), then order[start : start + size] for start in steps of size.",
    )
)
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


SIZES_SHOWN = {"A": 16, "B": 256, "C": 1}  # the curves of the figure to read, and their batch sizes


@exercise(
    hints=(
        "How many updates does each batch size make in an epoch of 256 examples?",
        "A curve can turn only where an update is made. And a small batch's gradient is noisy: what does "
        "that do to the loss near its lowest value?",
        "The curve with two straight pieces made two updates. Of the other two, the one that never comes to "
        "rest is the noisier.",
    )
)
def which_is_which(answer):
    """Check which of the curves A, B and C belongs to the batch sizes 1, 16 and 256."""
    filled = filled_in(answer, SIZES_SHOWN, wholly=False)
    lost = [name for name in SIZES_SHOWN if name not in filled]
    require(not lost, f"{' and '.join(lost)} has no batch size yet.")
    sizes = {name: float(array(answer[name], (), f"your {name}")) for name in SIZES_SHOWN}
    strange = [f"{size:g}" for size in sizes.values() if size not in SIZES_SHOWN.values()]
    require(not strange, f"{', '.join(strange)} is none of the three batch sizes, 1, 16 and 256.")
    require(
        len(set(sizes.values())) == 3, "two curves have the same batch size in your answer; each has its own."
    )
    _explain_curves(sizes)
    return (
        "256 makes two updates and is still high, 16 comes down smoothly, 1 is first and then does not rest."
    )


def _explain_curves(sizes):
    require(
        sizes["A"] != 256,
        "A bends many times. Batches of 256 make two updates in two epochs, so two straight pieces.",
    )
    require(
        sizes["C"] != 256,
        "C jumps up and down within an epoch. Batches of 256 make one update per epoch, and no noise.",
    )
    require(
        sizes["B"] == 256,
        f"B is two straight pieces: two updates. Sizes of {sizes['B']:g} make {2 * 256 // int(sizes['B'])}.",
    )
    require(sizes["C"] == 1, "A and C are swapped: the rougher curve is the one with the noisier gradient.")


BUDGET = 512  # examples that a plan may look at
START = (3.0, -2.0)
PASS = 0.005  # of the lowest loss
PLAN_SEEDS = range(100, 121)


@exercise(
    hints=(
        "In the lab: which batch size falls fastest at first, and which ends nearest to the star?",
        "What is good far away (long, noisy steps) is bad near the goal. Let the learning rate depend on k.",
        "Batches of about 8, a rate of several at the start, divided by something that grows with k: "
        "rate / (1 + k / 10), for example. Then try other numbers.",
    )
)
def plan(answer):
    """Score `plan(k)`, (batch size, learning rate) of update k: how near 512 examples bring the loss."""
    x, y = two_weights.brightness_of_dresses_and_shirts()
    lowest = float(two_weights.logistic_loss(two_weights.lowest_point(x, y), x, y))
    ends = [_follow(answer, x, y, np.random.default_rng(seed)) / lowest - 1 for seed in PLAN_SEEDS]
    score, worst = float(np.median(ends)), max(ends)
    require(score < PASS, _why_not_near(answer, score, worst))
    return Scored(
        f"{score:.2%} above the lowest loss in the median of 21 seeds, {worst:.1%} at worst. Less is better.",
        score,
    )


def _follow(answer, x, y, rng):
    """Return the loss where a plan ends that may look at BUDGET examples, in shuffled epochs."""
    w, left, order, k = np.array(START), BUDGET, np.array([], int), 0
    while left:
        size, rate = _settings(call(answer, k), k)
        size = min(size, left)
        while len(order) < size:
            order = np.concatenate([order, rng.permutation(len(y))])
        batch, order = order[:size], order[size:]
        w = w - rate * two_weights.logistic_gradient(w, x[batch], y[batch])
        left, k = left - size, k + 1
    return float(two_weights.logistic_loss(w, x, y))


def _settings(got, k):
    require(isinstance(got, tuple | list) and len(got) == 2, "return two things: the batch size, the rate.")
    size, rate = (float(array(part, (), name)) for part, name in zip(got, ("size", "rate"), strict=True))
    told = f"at update {k}"
    swapped = size != int(size) and rate == int(rate) and rate >= 1
    require(not swapped, f"{told} the batch size would be {size:g}: are size and rate swapped?")
    require(size == int(size), f"{told} the batch size is {size:g}; a whole number is wanted.")
    require(size >= 1, f"{told} the batch size is {size:g}; it must be 1 at least.")
    require(size <= 256, f"{told} the batch size is {size:g}, and there are only 256 examples.")
    require(rate > 0, f"{told} the rate is {rate:g}: with 0 nothing moves, below 0 it goes uphill.")
    return int(size), rate


def _why_not_near(answer, score, worst):
    (first, rate), (_, later) = (_settings(call(answer, k), k) for k in (0, 20))
    told = f"{score:.1%} above the lowest loss in the median, {worst:.0%} at worst; below {PASS:.1%} passes. "
    if first >= 128:
        return told + f"With batches of {first} there are only {BUDGET // first} updates. Take smaller ones."
    if later < rate / 2:
        return (
            told + "The rate falls, which damps the noise. Try another first rate, or let it fall less fast."
        )
    if rate * BUDGET / first < 60:
        return told + f"The steps are short: {BUDGET // first} updates of rate {rate:g} don't get there."
    return told + "The end is noise: a constant rate never comes to rest. Let the rate fall with k."


@exercise(
    hints=(
        "Which single number of the training loop would you change, and what do you expect?",
        "Copy the cell with `trained`, change one thing in it, and run it for the same five seeds and steps.",
        "mine = [trained(seed, rate=1.5) for seed in range(5)], and baseline as above; both have five rows.",
    )
)
def experiment(baseline, mine):
    """Check an experiment: losses (seeds, steps) of a baseline and of a change; at least five seeds each."""
    before, after = (_rows_of_losses(runs, name) for runs, name in ((baseline, "baseline"), (mine, "mine")))
    require(
        len(before) == len(after),
        f"the baseline has {len(before)} seeds, yours {len(after)}: compare the same seeds.",
    )
    require(
        before.shape == after.shape,
        f"the baseline has {before.shape[1]} steps, yours {after.shape[1]}: more steps are an advantage.",
    )
    require(not np.array_equal(before, after), "both are the same runs: nothing was changed.")
    same = [k for k, (a, b) in enumerate(zip(before, after, strict=True)) if np.array_equal(a, b)]
    require(not same, f"seed {same[:1]} gave the same run in both: was the change left out there?")
    return _verdict_on(before[:, -1], after[:, -1])


def _rows_of_losses(runs, name):
    values = array(runs, what=name)
    require(values.ndim == 2, f"{name} must be a list of runs, one row of losses per seed.")
    require(
        len(values) >= 5, f"{name} has {len(values)} seeds; below five, chance speaks as loud as the change."
    )
    require(values.shape[1] >= 20, f"{name} has {values.shape[1]} steps; give each run 20 at least.")
    require((values >= 0).all(), f"{name} holds losses below 0, and −log p never is.")
    require(len(np.unique(values, axis=0)) == len(values), f"{name} holds the same run twice: vary the seed.")
    return values


def _verdict_on(before, after):
    told = " against ".join(
        f"{np.median(ends):.2f} ({ends.min():.2f} to {ends.max():.2f})" for ends in (after, before)
    )
    apart = after.max() < before.min() or before.max() < after.min()
    claim = (
        "The ranges don't overlap: your change did it."
        if apart
        else ("The ranges overlap: with so few seeds you can't claim a difference.")
    )
    return f"{told} in the baseline, median and range at the last step. {claim}"


class Parts(NamedTuple):
    """What a network is trained with: a learner's own functions where they are right, else the course's."""

    layer_backward: object
    softmax_loss: object
    epoch: object

    def __repr__(self):
        own = [name for name in self._fields if getattr(self, name) is not COURSE[name]]
        ours = [name for name in self._fields if name not in own]
        said = [f"{', '.join(own)}: your own."] * bool(own)
        return " ".join(said + [f"{', '.join(ours)}: the course's, until yours is right."] * bool(ours))


COURSE = {"layer_backward": _layer_backward, "softmax_loss": _softmax_loss, "epoch": two_weights.batches}


def parts(**own) -> Parts:
    """Return the functions to train with: each of `own` that passes its check, else the course's own.

    Nothing is kept of these checks. Raises ValueError for a name that is no part.
    """
    if unknown := own.keys() - COURSE.keys():
        raise ValueError(f"unknown {', '.join(sorted(unknown))}; the parts are {', '.join(COURSE)}")
    checks = {"layer_backward": layer_backward, "softmax_loss": softmax_loss, "epoch": epoch}
    good = {name: made for name, made in own.items() if _passes(checks[name], made)}
    return Parts(**COURSE | good)


def _passes(check, answer) -> bool:
    """Say whether an answer is right, without keeping that it was tried."""
    try:
        with np.errstate(all="ignore"):
            return bool(check.__wrapped__(answer))
    except (NotYet, NotAttempted):
        return False
