"""The checks of lesson 01: right answers pass, each known slip is met with its own reason."""

import numpy as np
import pytest

from helpers.checks import backprop
from helpers.networks.two_weights import batches
from helpers.numerics import autodiff
from helpers.numerics.activations import sigmoid
from helpers.numerics.gradcheck import numerical_gradient

H3, H2 = float(sigmoid(sigmoid(1.0) - 0.5)), 0.5


def by_hand():
    """The six gradients, written out here without the graph."""
    dh3 = H3 - 0.3
    dz3 = dh3 * H3 * (1 - H3)
    dh2 = dz3 * -1
    dz2 = dh2 * 0.25
    return {"dh3": dh3, "dz3": dz3, "dv2": dz3 * 0.5, "dh2": dh2, "dz2": dz2, "dw4": dz2 * -1}


def with_wrong(**wrong):
    return by_hand() | wrong


def layer(h, W, dz):
    return h.T @ dz, dz.sum(axis=0), dz @ W.T


def layer_with(place, wrong):
    """A layer's way back with `wrong(h, W, dz)` at one place of (dW, db, dh)."""

    def answer(h, W, dz):
        parts = list(layer(h, W, dz))
        parts[place] = wrong(h, W, dz)
        return tuple(parts)

    return answer


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def stable(logits, y):
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(y))
    return -log_p[rows, y].mean(), (np.exp(log_p) - np.eye(logits.shape[1])[y]) / len(y)


def loss_with(wrong):
    """Right gradients, and `wrong(p, y, rows)` for the loss."""
    return lambda logits, y: (wrong(softmax(logits), y, np.arange(len(y))), stable(logits, y)[1])


def gradient_with(wrong):
    """The right loss, and `wrong(p, t, n)` for the gradient."""

    def answer(logits, y):
        return stable(logits, y)[0], wrong(softmax(logits), np.eye(logits.shape[1])[y], len(y))

    return answer


def unshifted(logits, y):
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(y)), y]).mean(), (p - np.eye(logits.shape[1])[y]) / len(y)


def log_of_p(logits, y, eps=0.0):
    return -np.log(softmax(logits)[np.arange(len(y)), y] + eps).mean(), stable(logits, y)[1]


def one_shift_for_all(logits, y):
    shifted = logits - logits.max()
    total = np.exp(shifted).sum(axis=1, keepdims=True)
    rows = np.arange(len(y))
    log_p = shifted - np.log(total)
    return -log_p[rows, y].mean(), (np.exp(shifted) / total - np.eye(logits.shape[1])[y]) / len(y)


def runs(start, seed=0, seeds=5, steps=30):
    noise = np.random.default_rng(seed).uniform(0, 0.1, (seeds, steps))
    return np.linspace(2.3, start, steps) + noise


def drop_last(count, size, rng):
    return [batch for batch in batches(count, size, rng) if len(batch) == size]


def unshuffled(count, size, rng):
    return [np.arange(count)[start : start + size] for start in range(0, count, size)]


def inside_only(count, size, rng):
    return [rng.permutation(batch) for batch in unshuffled(count, size, rng)]


RIGHT = [
    (backprop.chain_by_hand, by_hand()),
    (backprop.chain_by_hand, {name: round(value, 4) for name, value in by_hand().items()}),
    (
        backprop.chain_by_hand,
        {"dh3": 0.26, "dz3": 0.064, "dv2": 0.032, "dh2": -0.064, "dz2": -0.016, "dw4": 0.016},
    ),
    (backprop.layer_backward, layer),
    (backprop.layer_backward, lambda h, W, dz: list(layer(h, W, dz))),
    (
        backprop.layer_backward,
        lambda h, W, dz: (np.einsum("ki,kj->ij", h, dz), np.ones(len(h)) @ dz, (W @ dz.T).T),
    ),
    (backprop.softmax_loss, stable),
    (backprop.softmax_loss, lambda logits, y: list(stable(logits, y))),
    (backprop.which_is_which, {"A": 16, "B": 256, "C": 1}),
    (backprop.which_is_which, {"A": 16.0, "B": np.int64(256), "C": 1}),
    (backprop.plan, lambda k: (8, 8 / (1 + k / 5))),
    (backprop.plan, lambda k: [4, 5 / (1 + k / 10)]),
    (backprop.epoch, batches),
    (backprop.epoch, lambda count, size, rng: [batch.tolist() for batch in batches(count, size, rng)]),
]

B = by_hand()
WRONG = [
    (backprop.chain_by_hand, with_wrong(dh3=-B["dh3"]), "t − h3"),
    (backprop.chain_by_hand, with_wrong(dh3=H3), "target 0.3 is missing"),
    (backprop.chain_by_hand, with_wrong(dh3=B["dh3"] ** 2 / 2), "loss itself"),
    (backprop.chain_by_hand, with_wrong(dh3=2 * B["dh3"]), "twice too much"),
    (backprop.chain_by_hand, with_wrong(dh3=H3 - 0.7), "target 0.7"),
    (backprop.chain_by_hand, with_wrong(dz3=B["dh3"]), "forgot the local derivative"),
    (backprop.chain_by_hand, with_wrong(dz3=B["dh3"] * H3), "multiplied by σ(z3)"),
    (backprop.chain_by_hand, with_wrong(dz3=B["dh3"] * (1 - H3)), "1 − σ(z3)"),
    (backprop.chain_by_hand, with_wrong(dz3=H3 * (1 - H3)), "local derivative alone"),
    (backprop.chain_by_hand, with_wrong(dv2=-B["dz3"]), "multiplied by v2"),
    (backprop.chain_by_hand, with_wrong(dv2=B["dz3"]), "gradient of the product"),
    (backprop.chain_by_hand, with_wrong(dv2=0.5), "local derivative alone"),
    (backprop.chain_by_hand, with_wrong(dv2=B["dz3"] * sigmoid(1.0)), "v2 meets h2"),
    (backprop.chain_by_hand, with_wrong(dh2=B["dz3"] * 0.5), "multiplied by h2"),
    (backprop.chain_by_hand, with_wrong(dh2=B["dz3"]), "sign is wrong"),
    (backprop.chain_by_hand, with_wrong(dh2=-B["dv2"]), "went on from dv2"),
    (backprop.chain_by_hand, with_wrong(dz2=B["dh2"]), "forgot the local derivative"),
    (backprop.chain_by_hand, with_wrong(dz2=B["dh2"] * 0.5), "multiplied by σ(z2)"),
    (backprop.chain_by_hand, with_wrong(dz2=0.0), "multiplied by z2"),
    (backprop.chain_by_hand, with_wrong(dw4=B["dz2"]), "multiplied by w4"),
    (backprop.chain_by_hand, with_wrong(dw4=-B["dh2"]), "skipped σ"),
    (backprop.chain_by_hand, with_wrong(dw4=9.0), "is wanted"),
    (backprop.chain_by_hand, with_wrong(dh2=...), "right so far: dh3, dz3, dv2. Next is dh2"),
    (backprop.chain_by_hand, with_wrong(dh3=...), "begin with dh3"),
    (backprop.chain_by_hand, with_wrong(dh3="much"), "numbers are wanted"),
    (backprop.chain_by_hand, 3.0, "a dict is wanted"),
    (backprop.chain_by_hand, with_wrong(dz2=-0.0157), "slope at z3"),
    (backprop.chain_by_hand, with_wrong(dz2=B["dh2"] * H3 * (1 - H3)), "slope at z3"),
    (backprop.layer_backward, lambda h, W, dz: layer(h, W, dz)[:2], "three things"),
    (backprop.layer_backward, lambda h, W, dz: layer(h, W, dz)[0], "three things"),
    (backprop.layer_backward, lambda h, W, dz: layer(h, W, dz)[::-1], "swapped"),
    (backprop.layer_backward, layer_with(0, lambda h, W, dz: -h.T @ dz), "dW has the wrong sign"),
    (backprop.layer_backward, layer_with(0, lambda h, W, dz: dz.T @ h), "dW is transposed"),
    (backprop.layer_backward, layer_with(0, lambda h, W, dz: h.T @ dz / len(h)), "dW is the mean"),
    (
        backprop.layer_backward,
        layer_with(0, lambda h, W, dz: np.outer(h.mean(0), dz.sum(0))),
        "before you multiplied",
    ),
    (
        backprop.layer_backward,
        layer_with(0, lambda h, W, dz: np.outer(h.sum(0), dz.sum(0))),
        "before you multiplied",
    ),
    (backprop.layer_backward, layer_with(0, lambda h, W, dz: np.outer(h[0], dz[0])), "first example only"),
    (backprop.layer_backward, layer_with(0, lambda h, W, dz: np.outer(h[-1], dz[-1])), "last example only"),
    (backprop.layer_backward, layer_with(0, lambda h, W, dz: W * 0 + dz.sum(0)), "h is missing"),
    (backprop.layer_backward, layer_with(0, lambda h, W, dz: h @ dz), "ValueError"),
    (backprop.layer_backward, layer_with(1, lambda h, W, dz: dz.mean(0)), "db is the mean"),
    (backprop.layer_backward, layer_with(1, lambda h, W, dz: dz.sum(0, keepdims=True)), "keepdims"),
    (backprop.layer_backward, layer_with(1, lambda h, W, dz: dz.sum(1)), "sums over the outputs"),
    (backprop.layer_backward, layer_with(1, lambda h, W, dz: dz.sum()), "db is one number"),
    (backprop.layer_backward, layer_with(1, lambda h, W, dz: dz), "one row per example"),
    (backprop.layer_backward, layer_with(1, lambda h, W, dz: (h.T @ dz).sum(0)), "you summed dW"),
    (backprop.layer_backward, layer_with(1, lambda h, W, dz: -dz.sum(0)), "db has the wrong sign"),
    (backprop.layer_backward, layer_with(2, lambda h, W, dz: W @ dz.T), "dh is transposed"),
    (
        backprop.layer_backward,
        layer_with(2, lambda h, W, dz: (dz @ W.T) * h * (1 - h)),
        "slope of a sigmoid",
    ),
    (backprop.layer_backward, layer_with(2, lambda h, W, dz: (dz @ W.T).sum(0)), "don't sum"),
    (backprop.layer_backward, layer_with(2, lambda h, W, dz: -dz @ W.T), "dh has the wrong sign"),
    (
        backprop.layer_backward,
        layer_with(2, lambda h, W, dz: dz @ (W if W.shape[0] == W.shape[1] else W.T)),
        "wrong axis of W",
    ),
    (backprop.softmax_loss, lambda logits, y: stable(logits, y)[0], "two things"),
    (backprop.softmax_loss, loss_with(lambda p, y, rows: -np.log(p[rows, y])), "one loss per example"),
    (backprop.softmax_loss, loss_with(lambda p, y, rows: -np.log(p[rows, y]).sum()), "sum over the examples"),
    (backprop.softmax_loss, loss_with(lambda p, y, rows: np.log(p[rows, y]).mean()), "sign is wrong"),
    (backprop.softmax_loss, loss_with(lambda p, y, rows: -np.log10(p[rows, y]).mean()), "base 10"),
    (backprop.softmax_loss, loss_with(lambda p, y, rows: -np.log2(p[rows, y]).mean()), "base 2"),
    (
        backprop.softmax_loss,
        loss_with(lambda p, y, rows: -(np.eye(p.shape[1])[y] * np.log(p)).mean()),
        "mean over the classes, too",
    ),
    (backprop.softmax_loss, loss_with(lambda p, y, rows: -np.log(p).mean()), "averaged −log p of all"),
    (backprop.softmax_loss, loss_with(lambda p, y, rows: -np.log(p).sum(1).mean()), "summed −log p over all"),
    (backprop.softmax_loss, loss_with(lambda p, y, rows: 1 - p[rows, y].mean()), "that is 1 − p"),
    (backprop.softmax_loss, loss_with(lambda p, y, rows: p[rows, y].mean()), "probability itself"),
    (
        backprop.softmax_loss,
        loss_with(lambda p, y, rows: ((p - np.eye(p.shape[1])[y]) ** 2).mean()),
        "squared error",
    ),
    (
        backprop.softmax_loss,
        lambda logits, y: (
            -np.log(softmax(logits.T).T[np.arange(len(y)), y]).mean(),
            stable(logits, y)[1],
        ),
        "axis=1",
    ),
    (
        backprop.softmax_loss,
        lambda logits, y: (-logits[np.arange(len(y)), y].mean(), stable(logits, y)[1]),
        "logarithm of the sum is missing",
    ),
    (
        backprop.softmax_loss,
        loss_with(
            lambda p, y, rows: -np.where(np.eye(p.shape[1])[y] > 0, np.log(p), np.log1p(-p)).sum(1).mean()
        ),
        "yes-or-no questions",
    ),
    (backprop.softmax_loss, gradient_with(lambda p, t, n: p - t), "n times too large"),
    (backprop.softmax_loss, gradient_with(lambda p, t, n: (t - p) / n), "p − t, not t − p"),
    (backprop.softmax_loss, gradient_with(lambda p, t, n: t - p), "1/n is missing"),
    (backprop.softmax_loss, gradient_with(lambda p, t, n: p), "that is p itself"),
    (backprop.softmax_loss, gradient_with(lambda p, t, n: p / n), "right class is missing"),
    (backprop.softmax_loss, gradient_with(lambda p, t, n: p - t / n), "not the 1 alone"),
    (backprop.softmax_loss, gradient_with(lambda p, t, n: p / n - t), "not p alone"),
    (backprop.softmax_loss, gradient_with(lambda p, t, n: (p - 1) / n), "subtracted 1 everywhere"),
    (backprop.softmax_loss, gradient_with(lambda p, t, n: (p - t) / p.size), "number of classes, too"),
    (backprop.softmax_loss, gradient_with(lambda p, t, n: -t / p / n), "gradient by p"),
    (backprop.softmax_loss, gradient_with(lambda p, t, n: (p - t) * p * (1 - p) / n), "p(1 − p) once more"),
    (backprop.softmax_loss, gradient_with(lambda p, t, n: p * (1 - p) / n), "slope of one probability"),
    (
        backprop.softmax_loss,
        lambda logits, y: (stable(logits, y)[0], (logits - np.eye(logits.shape[1])[y]) / len(y)),
        "logits for probabilities",
    ),
    (backprop.softmax_loss, unshifted, "e^1000 overflows"),
    (backprop.softmax_loss, log_of_p, "infinite"),
    (backprop.softmax_loss, lambda logits, y: log_of_p(logits, y, 1e-12), "hides it"),
    (backprop.softmax_loss, one_shift_for_all, "one largest number for the whole batch"),
    (backprop.epoch, drop_last, "never seen"),
    (backprop.epoch, unshuffled, "old order"),
    (backprop.epoch, inside_only, "inside the batches"),
    (backprop.epoch, lambda n, k, rng: np.array_split(rng.permutation(n), k), "size counts examples"),
    (
        backprop.epoch,
        lambda n, k, rng: [rng.integers(n, size=len(b)) for b in batches(n, k, rng)],
        "come twice",
    ),
    (backprop.epoch, lambda n, k, rng: [b + 1 for b in batches(n, k, rng)], "count from 0"),
    (backprop.epoch, lambda n, k, rng: batches(n, k, rng) * 2, "your batches hold 24"),
    (backprop.epoch, lambda n, k, rng: batches(n, k, np.random.default_rng(3)), "another rng gave the same"),
    (backprop.epoch, lambda n, k, rng: batches(n, k, np.random.default_rng()), "the same rng gave another"),
    (backprop.epoch, lambda n, k, rng: rng.permutation(n), "a list of batches"),
    (backprop.which_is_which, {"A": 1, "B": 256, "C": 16}, "A and C are swapped"),
    (backprop.which_is_which, {"A": 256, "B": 16, "C": 1}, "A bends many times"),
    (backprop.which_is_which, {"A": 256, "B": 1, "C": 16}, "A bends many times"),
    (backprop.which_is_which, {"A": 16, "B": 1, "C": 256}, "C jumps"),
    (backprop.which_is_which, {"A": 1, "B": 16, "C": 256}, "C jumps"),
    (backprop.which_is_which, {"A": 16, "B": 16, "C": 1}, "same batch size"),
    (backprop.which_is_which, {"A": 32, "B": 512, "C": 2}, "32, 512, 2 is none of the three"),
    (backprop.which_is_which, {"A": 16, "B": 256, "C": ...}, "C has no batch size"),
    (backprop.which_is_which, {"A": 16, "B": "two", "C": 1}, "numbers are wanted"),
    (backprop.which_is_which, [16, 256, 1], "a dict is wanted"),
    (backprop.plan, lambda k: (256, 15), "only 2 updates"),
    (backprop.plan, lambda k: (16, 0.01), "steps are short"),
    (backprop.plan, lambda k: (1, 1), "Let the rate fall"),
    (backprop.plan, lambda k: (4, 20 / (1 + k / 2)), "The rate falls"),
    (backprop.plan, lambda k: (1.0, 8), "Let the rate fall"),
    (backprop.plan, lambda k: (0.5, 16), "swapped"),
    (backprop.plan, lambda k: (2.5, 0.5), "a whole number"),
    (backprop.plan, lambda k: (0, 1), "1 at least"),
    (backprop.plan, lambda k: (512, 1), "only 256 examples"),
    (backprop.plan, lambda k: (8, 0), "nothing moves"),
    (backprop.plan, lambda k: (8, 1 - k), "at update 1"),
    (backprop.plan, lambda k: 8, "two things"),
    (backprop.plan, lambda k: (8, 1 / k), "ZeroDivisionError"),
    (backprop.plan, 8, "a function is wanted"),
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_right_answers_pass(check, answer):
    verdict = check(answer)
    assert verdict.right, verdict


@pytest.mark.parametrize(("check", "answer", "why"), WRONG)
def test_wrong_answers_are_told_why(check, answer, why):
    verdict = check(answer)
    assert verdict.status == "not yet", verdict
    assert why in verdict.message


def test_an_empty_dict_of_numbers_is_not_attempted():
    assert backprop.chain_by_hand(dict.fromkeys(backprop.WAY_BACK, ...)).status == "not attempted"
    assert backprop.chain_by_hand({}).status == "not attempted"
    assert backprop.chain_by_hand(...).status == "not attempted"


EXPERIMENTS = [
    (runs(0.5), runs(0.5), "the same runs"),
    (runs(0.5), runs(0.2, 1, seeds=6), "compare the same seeds"),
    (runs(0.5), runs(0.2, 1, steps=40), "more steps are an advantage"),
    (runs(0.5), runs(0.2, 1)[0], "one row of losses per seed"),
    (runs(0.5)[:1], runs(0.2, 1), "below five"),
    (runs(0.5), runs(0.2, 1)[:, :5], "give each run 20"),
    (runs(0.5), runs(0.2, 1) * np.nan, "holds NaN"),
    (runs(0.5), -runs(0.2, 1), "losses below 0"),
    (runs(0.5), np.tile(runs(0.2, 1)[:1], (5, 1)), "same run twice"),
    (runs(0.5), np.concatenate([runs(0.2, 1)[:4], runs(0.5)[4:]]), "left out there"),
    (runs(0.5), "better", "numbers are wanted"),
]


@pytest.mark.parametrize(("baseline", "mine", "why"), EXPERIMENTS)
def test_experiments_that_show_nothing_are_told_why(baseline, mine, why):
    verdict = backprop.experiment(baseline, mine)
    assert verdict.status == "not yet", verdict
    assert why in verdict.message


def test_an_experiment_says_what_may_be_claimed():
    assert "your change did it" in backprop.experiment(runs(0.5), runs(1.5, 1)).message
    assert "can't claim" in backprop.experiment(runs(0.5), list(runs(0.5, 1))).message


def test_a_plan_is_scored():
    verdict = backprop.plan(lambda k: (8, 8 / (1 + k / 5)))
    assert 0 < verdict.score < backprop.PASS
    assert "at worst" in verdict.message


def test_parts_are_the_learners_where_right():
    mixed = backprop.parts(layer_backward=layer, softmax_loss=unshifted, epoch=lambda n, k, rng: None)
    assert mixed.layer_backward is layer
    assert mixed.softmax_loss is backprop.COURSE["softmax_loss"]
    assert mixed.epoch is batches
    assert repr(mixed) == "layer_backward: your own. softmax_loss, epoch: the course's, until yours is right."
    assert repr(backprop.parts()).startswith("layer_backward, softmax_loss, epoch: the course's")
    with pytest.raises(ValueError, match="unknown forward"):
        backprop.parts(forward=layer)


def test_every_exercise_has_three_hints():
    exercises = [check for check in vars(backprop).values() if getattr(check, "is_exercise", False)]
    assert len(exercises) == 7
    for check in exercises:
        assert [check.hint().stage for _ in range(3)] == [1, 2, 3]
        assert check.hint().of == 3


def test_the_courses_gradients_are_those_of_central_differences(rng):
    h, W, dz = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=(4, 2))
    dW, _, dh = layer(h, W, dz)
    assert dW == pytest.approx(numerical_gradient(lambda V: np.sum(h @ V * dz), W), rel=1e-6)
    assert dh == pytest.approx(numerical_gradient(lambda g: np.sum(g @ W * dz), h), rel=1e-6)
    logits, y = rng.normal(size=(4, 3)), np.array([0, 2, 1, 1])
    numeric = numerical_gradient(lambda z: backprop._softmax_loss(z, y)[0], logits)
    assert backprop._softmax_loss(logits, y)[1] == pytest.approx(numeric, rel=1e-6, abs=1e-9)


def test_the_numbers_wanted_are_those_of_central_differences():
    """The check's own numbers come from the graph; here they are found without it."""

    def loss(at):
        v2, w4 = at
        h2 = sigmoid(1 - w4)
        return (sigmoid(sigmoid(1.0) + v2 * h2) - 0.3) ** 2 / 2

    dv2, dw4 = numerical_gradient(loss, np.array([-1.0, 1.0]))
    right = backprop._right_chain()
    assert (right["dv2"], right["dw4"]) == pytest.approx((dv2, dw4), rel=1e-6)
    assert right == pytest.approx(by_hand(), rel=1e-12)
    assert autodiff.CHAIN["t"] != backprop.TARGET
