"""The exercise checks of lesson 05: everything that prepares inputs, and the leak in it.

Training statistics alone, folding them into W, steps of descent, a whitening matrix, a figure, a leak, and
the challenge: the best preparation for one fixed training.
"""

from math import ceil, log, log1p

import numpy as np

from helpers.checks.frame import (
    Scored,
    array,
    call,
    close,
    exercise,
    explain,
    filled_in,
    one_of,
    require,
    still_broken,
)
from helpers.networks import prepared
from helpers.numerics.conditioning import condition_number, predicted_steps, second_moments
from helpers.numerics.preprocessing import covariance, principal_axes

IDENTITY = 1e-6  # how near the covariance must come to the identity
KEPT = 40  # features in the exercise with the leak
PASSES, RATE, SEEDS = 0.45, 0.1, 3  # of the challenge: validation loss, learning rate, how many seeds
MOST_FEATURES = 1600
READING = 1.25  # a factor read from a figure may be off by so much


# ---------------------------------------------------------------- warm-up: training statistics alone


@exercise(
    hints=(
        "A single new image arrives. Whose mean is there to subtract?",
        "Compute mean and standard deviation once, from x_train, along axis 0. Use the same two for both.",
        "z = (x − mean) / std, with x_train.mean(axis=0) and x_train.std(axis=0), for x_train and for x_new.",
    )
)
def standardize(answer):
    """Check `standardize(x_train, x_new)`: both with the training data's mean and std, per column."""
    rng = np.random.default_rng(0)
    x_train = rng.standard_normal((50, 3)) * (1, 10, 0.1) + (5, -20, 0.3)
    x_new = rng.standard_normal((8, 3)) * (2, 5, 0.3) + (6, -10, 0)
    got = call(answer, x_train, x_new)
    require(isinstance(got, tuple | list) and len(got) == 2, "return two arrays: z_train and z_new.")
    mean, std = x_train.mean(axis=0), x_train.std(axis=0)
    for name, z, x, wrong in zip(("z_train", "z_new"), got, (x_train, x_new), (False, True), strict=True):
        explain(z, _wrong_scores(x_train, x_new, x, own=wrong))
        _tell_added(z, (x - mean) / std, std)
        close(z, (x - mean) / std, what=name)
    lone = call(answer, x_train, x_new[:1])[1]
    close(lone, (x_new[:1] - mean) / std, what="z_new for one new example alone")
    return "the training data have mean 0 and std 1; the new ones need not, and one alone works as well."


def _tell_added(got, right, std):
    """Name a small number that was added to std, or to the variance, against a division by 0."""
    got = np.asarray(got, float)
    if got.shape != right.shape or np.allclose(got, right, rtol=1e-12, atol=0) or not got.all():
        return
    ratio = right / got
    for told, added in (("standard deviation", std * (ratio - 1)), ("variance", std**2 * (ratio**2 - 1))):
        number = float(np.median(added))
        if number > 0 and np.allclose(added, number, rtol=1e-3, atol=1e-12):
            require(
                False,
                f"you added about {number:.0e} to the {told}, to be safe from dividing by 0. No column here "
                f"is constant, so it isn't needed, and it shifts every z a little (here up to "
                f"{np.abs(got - right).max():.0e}). Divide by std itself; where a std can be 0, use a floor.",
            )


def _wrong_scores(x_train, x_new, x, own):
    """Pairs (wrong answer, hint) for one of the two parts; `own` adds what only the new data can show."""
    mean, std, both = x_train.mean(axis=0), x_train.std(axis=0), np.concatenate([x_train, x_new])
    wrong = [
        ((x - mean) / std**2, "you divided by the variance. Divide by its root, the standard deviation."),
        (
            (x - mean) / x_train.std(axis=0, ddof=1),
            "your std divides by n − 1. Here it divides by n: ddof=0.",
        ),
        (x - mean, "this is centered only. Divide by the standard deviation too."),
        (x / std, "the mean was not subtracted."),
        ((x - mean) * std, "you multiplied by the standard deviation. Divide."),
        (x - mean / std, "brackets are missing: subtract the mean first, then divide the difference."),
        (
            (x - x_train.mean()) / x_train.std(),
            "one mean and one std for all columns. Take axis=0: per column.",
        ),
        ((x - both.mean(axis=0)) / both.std(axis=0), "new data leaked in: you fitted on both sets together."),
        ((x - x_new.mean(axis=0)) / x_new.std(axis=0), _OWN if own else "you fitted on the new data."),
        (_per_example(x), "you took each example's own mean and std (axis=1). Take each column's: axis=0."),
        (x, "this is the data as it came."),
    ]
    return wrong


_OWN = (
    "the new data were fitted on themselves. Use the training data's mean and std for them too: "
    "else one and the same example gets another z in other company."
)


def _per_example(x):
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


# ---------------------------------------------------------------- core: a whitening matrix


@exercise(
    hints=(
        "A rotation makes the covariance diagonal. What is left to do to each column after that?",
        "`values, V = np.linalg.eigh(C)` gives the eigenvectors as columns of V, and variances along them. "
        "A feature of variance λ has variance 1 once it is divided by √λ.",
        "C is centered.T @ centered / len(x); from its eigh return V with each column divided by the root of "
        "its value.",
    )
)
def whitening_matrix(answer):
    """Check `whitening_matrix(x)`: a W that gives (x − mean) @ W the identity for its covariance."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((200, 3)) @ np.array([[2.0, 1, 0], [0, 1, 0.5], [0.3, 0, 0.4]]) + (4, -2, 1)
    W = array(call(answer, x), (3, 3), "your matrix")
    C = covariance((x - x.mean(axis=0)) @ W)
    if np.abs(C - np.eye(3)).max() > IDENTITY:
        few = (len(x) - 1) / len(x)
        explain(C, [(few * np.eye(3), "your covariance divides by n − 1. Divide by n.")])
        explain(C, [(covariance((x - x.mean(axis=0)) @ wrong), hint) for wrong, hint in _wrong_whitenings(x)])
        require(
            np.abs(C - np.diag(np.diag(C))).max() < IDENTITY,
            f"the features are still correlated: the covariance has {_off(C):.3g} off its diagonal.",
        )
        require(False, f"the variances are {np.round(np.diag(C), 3)}; each has to be 1.")
    return (
        f"the covariance of (x − mean) @ W is the identity to {max(np.abs(C - np.eye(3)).max(), 1e-12):.0e}."
    )


def _off(C):
    return np.abs(C - np.diag(np.diag(C))).max()


def _wrong_whitenings(x):
    second, axes = np.linalg.eigh(x.T @ x / len(x))
    found = np.linalg.eigh(covariance(x))  # in the order and with the signs that the learner's eigh gives
    ways = (found, (found[0][::-1], found[1][:, ::-1]), principal_axes(x)[1:])
    return [pair for way in ways for pair in _wrong_rotations(*way)] + [
        (np.diag(1 / x.std(axis=0)), "this standardizes: variances 1, and the correlation is still there."),
        (axes / np.sqrt(second), "your covariance forgets to subtract the mean first."),
        (np.linalg.inv(covariance(x)), "this is the inverse of the covariance; its root is wanted."),
        (
            np.linalg.cholesky(covariance(x)),
            "this is a root of the covariance; the inverse of one is wanted.",
        ),
        (np.eye(3), "this changes nothing."),
    ]


def _wrong_rotations(variances, V):
    roots = np.sqrt(variances)
    return [
        (V, "you rotated only: the covariance is diagonal. Divide each column by the root of its variance."),
        (V / variances, "you divided by the eigenvalues. They are variances; divide by their roots."),
        (V * roots, "you multiplied by the roots. Divide."),
        (V.T / roots, "the eigenvectors are transposed: in NumPy's eigh they are the columns."),
        (V / roots[:, None], "you divided the rows of V. Each column is an axis: divide the columns."),
    ]


# ---------------------------------------------------------------- core: predict the steps


@exercise(
    hints=(
        "Each step multiplies the slowest error by one number below 1. Which?",
        "The number is 1 − 1/κ. How often must it be multiplied by itself to give `factor`? Logarithms tell. "
        "κ comes from the eigenvalues of XᵀX / n, and X has a column of ones for the bias.",
        "X = np.column_stack([x, np.ones(len(x))]); κ is the largest over the smallest of "
        "np.linalg.eigvalsh(X.T @ X / len(X)); the steps are the ratio of two logarithms.",
    )
)
def steps_needed(answer):
    """Check `steps_needed(x, factor)`: steps until the slowest error is `factor` of its start."""
    rng = np.random.default_rng(2)
    base = rng.standard_normal((100, 2))
    for x, factor in (
        (base + np.array((3, 0)), 1e-3),
        (base * (1, 0.1), 0.01),
        (base * (2, 1) + (0, 5), 0.5),
    ):
        got = call(answer, x, factor)
        kappa = condition_number(second_moments(x))
        exact = log(factor) / log1p(-1 / kappa)
        explain(got, _wrong_counts(x, factor, kappa), rtol=1e-3)
        steps = array(got, (), "your number of steps")
        near = exact * (1 - 1e-9) - 0.5 <= steps <= max(exact + 1, kappa * log(1 / factor)) * (1 + 1e-9)
        require(
            near,
            f"for κ = {kappa:.4g} and the factor {factor:g} your answer is {steps:.6g}, "
            f"and {ceil(exact)} is wanted.",
        )
    return f"for κ = {kappa:.3g} and the factor {factor:g} it is {predicted_steps(kappa, factor):.0f} steps."


def _wrong_counts(x, factor, kappa):
    exact, without = log(factor) / log1p(-1 / kappa), condition_number(second_moments(x, bias=False))
    kappas = {
        "that is with the covariance. The loss doesn't center its inputs: use XᵀX / n.": condition_number(
            covariance(x)
        ),
        "the bias is missing: give X a column of ones, for b is learned too.": without,
        "you took singular values of X. Their squares are the eigenvalues of XᵀX / n.": np.sqrt(kappa),
        "κ² is too much: the eigenvalues of XᵀX / n are the curvatures already.": kappa**2,
    }
    alone = "that is a logarithm alone, as if κ were 1. This valley is longer: about κ times as many steps."
    wrong = [(log(1 / factor), alone), (log(1000), alone), (log(factor), alone)]
    wrong += [(log(1 / factor) / kappa, "you divided by κ: a longer valley takes more steps, so multiply.")]
    wrong += [(kappa, "that is κ itself. How many steps shrink the error to `factor`?")]
    wrong += [(1 / kappa, "that is 1/κ: the largest eigenvalue comes above the line.")]
    wrong += [(log(factor) / log(1 / kappa), "each step multiplies the error by 1 − 1/κ, not by 1/κ.")]
    wrong += [(kappa * np.log10(1 / factor), "use the natural logarithm, np.log: log10 is off by 2.3.")]
    wrong += [
        (-sign * value, "a number of steps is positive: mind the signs of the two logarithms.")
        for sign, value in ((1, exact), (1, kappa * log(1 / factor)))
    ]
    wrong += [(kappa / factor, "the error shrinks by a factor at each step: logarithms are needed.")]
    for hint, other in kappas.items():
        if other > 1 and not np.isclose(other, kappa, rtol=1e-2):
            each = log(factor) / log1p(-1 / other)
            wrong += [(value, hint) for value in (each, ceil(each), other * log(1 / factor))]
    fits = (exact, ceil(exact), kappa * log(1 / factor))
    return [(value, hint) for value, hint in wrong if not np.isclose(value, fits, rtol=1e-2).any()]


# ---------------------------------------------------------------- core: scaling without scaling


@exercise(
    hints=(
        "Write (x − mean) / std @ W + b out. What multiplies x?",
        "x / std @ W is x @ (W with row i divided by std[i]). What is left over does not depend on x: it "
        "belongs to b.",
        "The new W is W / std[:, None]; the new b is b minus what the mean makes of the new W.",
    )
)
def fold(answer):
    """Check `fold(W, b, mean, std)`: weights for raw inputs that do what W, b do for standardized ones."""
    rng = np.random.default_rng(3)
    W, b, x = rng.standard_normal((4, 4)), rng.standard_normal(4), 3 * rng.standard_normal((6, 4)) + 7
    mean, std = np.array([1.0, -2, 5, 0.5]), np.array([0.5, 3, 2, 10])
    got = call(answer, W, b, mean, std)
    require(isinstance(got, tuple | list) and len(got) == 2, "return two things: the new W and the new b.")
    new_W, new_b = array(got[0], W.shape, "your W"), array(got[1], b.shape, "your b")
    explain(new_W, _wrong_weights(W, std))
    close(new_W, W / std[:, None], what="your W")
    explain(new_b, _wrong_biases(W, b, mean, std))
    close(new_b, b - mean / std @ W, what="your b")
    return f"x @ W + b agrees for raw inputs to {_agreement(x, (W, b), (new_W, new_b), mean, std):.0e}."


def _agreement(x, old, new, mean, std):
    before, after = (x - mean) / std @ old[0] + old[1], x @ new[0] + new[1]
    return max(np.abs(before - after).max(), 1e-12)


def _wrong_weights(W, std):
    return [
        (W, "this is the old W. A raw feature is std times as wide, so its weights must be smaller."),
        (W / std, "you divided the columns. Feature i meets row i of W: divide the rows, by std[:, None]."),
        (W * std[:, None], "you multiplied. A wider feature wants smaller weights: divide."),
        (W / std[:, None] ** 2, "you divided by the variance. Standardizing divides by std."),
    ]


def _wrong_biases(W, b, mean, std):
    return [
        (b, "this is the old b. Subtracting the mean moves z by a constant, which b must take over."),
        (b + mean / std @ W, "the sign is wrong: the mean is subtracted."),
        (b - mean @ W, "the mean is divided by std as well: (x − mean) / std = x / std − mean / std."),
        (b - mean / std, "mean / std has to pass through W on its way to z: mean / std @ W."),
        (-mean / std @ W, "the old b is missing."),
        (b - W @ (mean / std), "W is used the wrong way round: z = x @ W, so mean / std @ W."),
        (b - mean / std**2 @ W, "std was divided by twice: once in the new W, and again here."),
    ]


# ---------------------------------------------------------------- read a figure: which ε, and why


REASONS = {
    "A": "rounder is what a small ε makes it: there all variances become 1. The curve is highest there.",
    "C": "a small ε divides by smaller numbers: the inputs become larger, in every direction.",
    "D": "every ε was tried at several rates, and the curve shows the best of them.",
    "E": "the mean is subtracted for every ε alike.",
    "F": "all 784 components are kept for every ε; they are only divided by other numbers.",
}


@exercise(
    hints=(
        "The axis shows the power of ten of ε. Which power has the lowest point?",
        "Divide the height of the curve at 0.001, which is 10⁻³, by its lowest. And look at the printed "
        "counts: how many directions have more variance than the best ε?",
        "The lowest point stands at 10⁰, the left end is not quite twice as high, and of 784 directions "
        "hardly any has a variance above 1: what is then still whitened?",
    )
)
def read_eps(answer):
    """The learner's reading of the figure over ε: the best one, how much worse the smallest is, and why."""
    filled_in(answer, ("eps", "times", "because"))
    eps = float(array(answer["eps"], (), 'your "eps"'))
    require(eps != 0, "0 is the power of ten, log₁₀ ε; asked for is ε.")
    require(eps > 0, f"ε is added to variances: it is positive, and {eps:g} is its logarithm or a slip.")
    require(eps > 0.01, f"at ε = {eps:g} the curve is near its highest point; asked for is the lowest.")
    require(eps >= 0.5, f"at ε = {eps:g} the curve still falls; go on to the right.")
    require(eps <= 2, f"at ε = {eps:g} the curve has turned up again; its lowest point lies before that.")
    times = float(array(answer["times"], (), 'your "times"'))
    require(times > 0, "a ratio of two losses is positive.")
    require(not 0.8 < times < 1.0, "that is the loss at 0.001 itself; divide it by the lowest one.")
    require(times > 1, f"{times:g} is upside down: the loss at 0.001 stands above the line.")
    near = RIGHT_TIMES / READING <= times <= RIGHT_TIMES * READING
    require(near, f"{times:g} is off: divide the height at the left end by that of the lowest point.")
    one_of(answer["because"], "B", REASONS)
    return "the best whitening hardly whitens: nearly all directions keep their small variances."


RIGHT_TIMES = 1.94


# ---------------------------------------------------------------- core: find the leak


@exercise(
    hints=(
        "Go through the lines one by one. At each ask: does it see a label of the second half?",
        "Training on the first half and testing on the second is as it should be. But before that, something "
        "is chosen.",
        "`together` takes x and t of all images. Let it see the first half alone: x[:half] and t[:half].",
    )
)
def honest(answer):
    """The learner's mended report: the features are chosen on the first half, too."""
    cases = [_coin_flips(seed) for seed in range(12)]
    got = [call(answer, x, t) for x, t in cases]
    still_broken(
        got,
        [_report(x, t, choose=slice(None)) for x, t in cases],
        "the features are still chosen with the labels of all images, so coin flips seem to be predicted.",
    )
    explain(got, [([wrong(x, t) for x, t in cases], why) for wrong, why in WRONG_REPORTS])
    right = [_report(x, t) for x, t in cases]
    values = array(got, (len(cases),), "your reported accuracy")
    inside = bool(((values >= 0) & (values <= 1)).all())
    require(inside, f"an accuracy lies between 0 and 1; yours reaches {values[np.abs(values).argmax()]:g}.")
    told = f"your accuracies are {np.mean(values):.2f} on the mean of {len(cases)} draws of coin flips"
    require(np.mean(values) < 0.6, f"{told}: more than chance, so labels of the second half still get in.")
    close(values, right, what="your accuracy", known=[(0.5 + 0 * values, "0.5 is right on the mean only.")])
    return f"on coin flips the report is {np.mean(values):.2f} now, where it was {_leaked(cases):.2f}."


def _coin_flips(seed, images=60, features=300):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((images, features)), rng.permutation([-1.0, 1.0] * (images // 2))


def _report(x, t, choose=None, learn=None, test=None, sort=1, count=KEPT):
    """The accuracy with features chosen, weights learned and answers tested on parts of the images."""
    half = len(t) // 2
    first, last = slice(half), slice(half, None)
    choose, learn, test = choose or first, learn or first, test or last
    best = np.argsort(sort * np.abs(x[choose].T @ t[choose]))[-count:]
    w = x[learn][:, best].T @ t[learn]
    return np.mean(np.sign(x[test][:, best] @ w) == t[test])


def _leaked(cases):
    return np.mean([_report(x, t, choose=slice(None)) for x, t in cases])


def _halves(t):
    return slice(len(t) // 2), slice(len(t) // 2, None)


def _signed(x, t):
    first, last = _halves(t)
    best = np.argsort(x[first].T @ t[first])[-KEPT:]
    w = x[first][:, best].T @ t[first]
    return np.mean(np.sign(x[last][:, best] @ w) == t[last])


WRONG_REPORTS = (
    (
        lambda x, t: _report(x, t, choose=_halves(t)[1]),
        "now the features are chosen on the second half, the one that tests: the leak is larger than before.",
    ),
    (
        lambda x, t: _report(x, t, learn=slice(None)),
        "the features are chosen honestly now, but the weights are learned from all images.",
    ),
    (
        lambda x, t: _report(x, t, choose=slice(None), learn=slice(None)),
        "now the weights see all images as well: that is a second leak. The first one is in `together`.",
    ),
    (
        lambda x, t: _report(x, t, choose=slice(None), learn=_halves(t)[1]),
        "now the weights are learned on the half that tests.",
    ),
    (
        lambda x, t: _report(x, t, test=_halves(t)[0]),
        "now it is tested on the half that it was trained on.",
    ),
    (
        lambda x, t: _report(x, t, choose=slice(None), test=slice(None)),
        "now it is tested on all images, those it was trained on included.",
    ),
    (
        lambda x, t: _report(x, t, sort=-1),
        "now the features that go worst with the labels are kept; the last of argsort are the largest.",
    ),
    (
        lambda x, t: _report(x, t, choose=slice(None), count=x.shape[1]),
        "keeping all features avoids the choice; mend the choice instead.",
    ),
    (
        lambda x, t: _report(x, t, choose=slice(None), count=10),
        "keeping fewer features changes how much leaks, not that it leaks.",
    ),
    (_signed, "the absolute value is lost: a feature that goes against the labels tells as much."),
    (
        lambda x, t: 1 - _report(x, t),
        "that is the share of wrong answers.",
    ),
)


# ---------------------------------------------------------------- challenge: prepare the images


@exercise(
    hints=(
        "The rate is fixed at 0.1. What does the size of the inputs do to the size of a step?",
        "Center first. Then look for what a pixel's number hides: clothes are bright or dark, and edges are "
        "not. And more inputs, or larger ones, make longer steps: rescale after each idea.",
        "Try a power of the pixels below 1, then center; ZCA with a large ε; differences of neighboring "
        "pixels as further features. Scale the whole by one number, and try three of them.",
    )
)
def prepare(answer):
    """The learner's preparation, scored by the loss of one fixed training on held-out images."""
    given = prepared.images()
    way = call(answer, given.x)
    require(
        callable(way),
        "return a function that transforms images, so that new ones get what the training images got; you "
        "returned the transformed training images or something else.",
    )
    z = [_transformed(way, part) for part in (given.x, given.x_valid, given.x_test)]
    features = z[0].shape[1]
    require(
        features <= MOST_FEATURES, f"at most {MOST_FEATURES} features are allowed, and you made {features}."
    )
    require(all(part.shape[1] == features for part in z), "new images get another number of features.")
    _own_statistics(way, given.x_valid, z[1])
    require(np.ptp(z[0]) > 0, "every input is the same number: nothing is left of the images.")
    ran = [prepared.trained(z[0], given.y, rate=RATE, seed=seed) for seed in range(SEEDS)]
    valid = float(np.median([prepared.score(net, z[1], given.y_valid).loss for net in ran]))
    test = float(np.median([prepared.score(net, z[2], given.y_test).loss for net in ran]))
    told = f"validation loss {valid:.3f}, test loss {test:.3f}, medians of {SEEDS} seeds"
    _tell_size(z[0], valid, told)
    require(valid < PASSES, f"{told}. It trains; below {PASSES} passes. {_next_idea(z[0])}")
    return Scored(f"{told}. Your score is {valid:.3f}; smaller is better.", valid)


def _next_idea(z):
    """What to try first with inputs that train, but not well enough."""
    if np.abs(z.mean()) > 0.2 * z.std():
        return "Your inputs are off center."
    if np.sqrt(np.square(z).sum(axis=1).mean()) > 20:
        return "Your inputs are large for this rate: divide them all by one number, 2 or 3."
    if np.sqrt(np.square(z).sum(axis=1).mean()) < 3:
        return "Your inputs are small for this rate: multiply them all by one number, 2 or 3."
    return "Their size and center are right; now look at what a pixel's number means (second hint)."


def _transformed(way, x):
    z = array(call(way, x), None, "what your function makes of images")
    require(z.ndim == 2, f"inputs (images, features) are wanted, and yours have the shape {z.shape}.")
    require(len(z) == len(x), f"your function makes {len(z)} rows of {len(x)} images.")
    return z


def _own_statistics(way, x, z):
    """Refuse a function that looks at the other new images."""
    alone = _transformed(way, x[:1])
    require(
        alone.shape == z[:1].shape and np.allclose(alone, z[:1], rtol=1e-6, atol=1e-6),
        "one new image alone gets other numbers than among others: your function fits on what it transforms. "
        "Fit once, on x_train, before you return the function.",
    )


def _tell_size(z, loss, told):
    """Say what is wrong with the inputs where the training got nowhere."""
    if loss < 1:
        return
    mean, std = np.abs(z.mean()), z.std()
    if std > 10 * max(1.0, mean / 10):
        require(False, f"{told}. Your inputs vary by {std:.0f}: at this rate the steps are far too long.")
    require(mean <= std, f"{told}. Your inputs have mean {z.mean():.3g} and std {std:.3g}: far off center.")
    require(std > 0.05, f"{told}. Your inputs vary by {std:.2g}: at this rate the steps are too short.")
    require(
        np.abs(z).max() < 60 * std,
        f"{told}. Your largest input is {np.abs(z).max() / std:.0f} times their std: blown up.",
    )
    require(False, f"{told}. Something that the network needs is lost, or noise is blown up.")
