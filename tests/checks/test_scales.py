"""The checks of lesson 04: right answers pass, each known slip is met with its own reason."""

from itertools import pairwise

import numpy as np
import pytest

from helpers.checks import scales
from helpers.networks.mlp import MLP
from helpers.numerics.initializers import INITIALIZERS, fans, random_normal, variance_scaling


def window_fans(shape):
    height, width, c_in, c_out = shape
    return height * width * c_in, height * width * c_out


def he(shape, rng):
    return rng.standard_normal(shape) * np.sqrt(2 / shape[0])


def moment(sizes, mean_square):
    for a, b in pairwise(sizes[:-1]):
        mean_square *= a * 2 / (a + b) / 2
    return mean_square


def lsuv(h, W):
    return W / np.std(h @ W)


def mended(x, m, v):
    return v * np.sum(np.mean(x**2, axis=0)) + m**2 * np.var(x.sum(axis=1))


def squares(x):
    return np.sum(np.mean(x**2, axis=0))


def by_covariance(x, m, v):
    """The same by another way, with the covariance matrix of the inputs."""
    ones = np.ones(x.shape[1])
    return np.mean(np.sum(v * x * x, axis=1)) + m * m * ones @ np.cov(x.T, bias=True) @ ones


def read(**changed):
    right = {"A": "ReLU, He", "B": "sigmoid, Glorot", "C": "ReLU, Glorot", "D": "tanh, Glorot"}
    return right | changed


def scaled(c):
    return lambda shape, rng: rng.standard_normal(shape) * np.sqrt(c / shape[0])


def mirrored(shape, rng):
    """Units in pairs, W and −W: SiLU(z) − SiLU(−z) = z, so each layer starts as an orthogonal map."""
    fan_in, fan_out = shape
    if fan_out == 10:
        return rng.standard_normal(shape) / np.sqrt(fan_in)
    if fan_in == 784:
        B = rng.standard_normal((784, fan_out // 2)) / 28
        return np.hstack([B, -B])
    n, m = fan_in // 2, fan_out // 2
    q, _ = np.linalg.qr(rng.standard_normal((max(n, m), max(n, m))))
    B = q[:n, :m] * np.sqrt(max(1, m / n))
    return np.block([[B, -B], [-B, B]])


RIGHT = [
    (scales.sum_std, lambda n, std: np.sqrt(n) * std),
    (scales.sum_std, lambda n, std: (n * std**2) ** 0.5),
    (scales.mended_rule, mended),
    (scales.mended_rule, by_covariance),
    (scales.read_rows, read()),
    (scales.read_rows, read(A=" relu, he ")),
    (scales.conv_fans, window_fans),
    (scales.conv_fans, lambda shape: list(window_fans(shape))),
    (scales.conv_fans, fans),
    (scales.he_normal, he),
    (scales.he_normal, lambda shape, rng: INITIALIZERS["he_normal"](shape, rng=rng)),
    (scales.he_normal, lambda shape, rng: he(shape, rng).astype(np.float32)),
    (scales.relu_second_moment, moment),
    (scales.lsuv_step, lsuv),
    (scales.lsuv_step, lambda h, W: W / np.sqrt((h @ W).var())),
]

WRONG = [
    (scales.sum_std, lambda n, std: n * std, "don't add"),
    (scales.sum_std, lambda n, std: n * std**2, "variance of the sum"),
    (scales.sum_std, lambda n, std: np.sqrt(n) * std**2, "std is no variance"),
    (scales.sum_std, lambda n, std: std / np.sqrt(n), "*mean*"),
    (scales.sum_std, lambda n, std: std, "one term"),
    (scales.sum_std, lambda n, std: np.sqrt(n * std), "squared under the root"),
    (scales.sum_std, lambda n, std: np.sqrt(n), "own std is missing"),
    (scales.sum_std, lambda n, std: (n * std) ** 2, "not n² · std²"),
    (scales.sum_std, lambda n, std: 1 / np.sqrt(n), "that weights need"),
    (scales.sum_std, lambda n, std: std**2 / n, "divided"),
    (scales.sum_std, lambda n, std: 0.3, "always the same"),
    (scales.sum_std, lambda n, std: -np.sqrt(n) * std, "positive"),
    (scales.mended_rule, lambda x, m, v: x.shape[1] * v * np.var(x), "simple rule"),
    (scales.mended_rule, lambda x, m, v: v * squares(x), "constant part is missing"),
    (scales.mended_rule, lambda x, m, v: x.shape[1] * (v + m**2) * np.mean(x**2), "take the variance of"),
    (scales.mended_rule, lambda x, m, v: x.shape[1] * (v + m**2) * np.var(x), "left the inputs' mean"),
    (scales.mended_rule, lambda x, m, v: v * squares(x) + m * np.var(x.sum(axis=1)), "m², not m"),
    (
        scales.mended_rule,
        lambda x, m, v: v * np.sum(np.var(x, axis=0)) + m**2 * np.var(x.sum(axis=1)),
        "not their variance",
    ),
    (
        scales.mended_rule,
        lambda x, m, v: v * squares(x) + m**2 * np.sum(np.var(x, axis=0)),
        "Add up first",
    ),
    (
        scales.mended_rule,
        lambda x, m, v: v * squares(x) + m**2 * np.mean(x.sum(axis=1) ** 2),
        "mean square of the constant part",
    ),
    (scales.mended_rule, lambda x, m, v: v * np.mean(x**2) + m**2 * np.var(x.sum(axis=1)), "add them up"),
    (scales.mended_rule, lambda x, m, v: v * np.sum(x**2) + m**2 * np.var(x.sum(axis=1)), "over images, too"),
    (scales.mended_rule, lambda x, m, v: v**2 * squares(x) + m**2 * np.var(x.sum(axis=1)), "don't square it"),
    (scales.mended_rule, lambda x, m, v: m**2 * np.var(x.sum(axis=1)), "random part is missing"),
    (scales.mended_rule, lambda x, m, v: np.sqrt(mended(x, m, v)), "standard deviation of y"),
    (scales.mended_rule, lambda x, m, v: v * squares(x) + m**2 * np.var(x.sum(axis=0)), "wrong axis"),
    (scales.mended_rule, lambda x, m, v: -mended(x, m, v), "never negative"),
    (scales.mended_rule, lambda x, m, v: x, "and () is wanted"),
    (scales.read_rows, read(A="ReLU, Glorot"), "keeps its reach"),
    (scales.read_rows, read(A="tanh, Glorot"), "nothing below"),
    (scales.read_rows, read(B="tanh, Glorot"), "around one half"),
    (scales.read_rows, read(B="ReLU, He"), "around one half"),
    (scales.read_rows, read(C="ReLU, He"), "shrinks toward it"),
    (scales.read_rows, read(C="sigmoid, Glorot"), "shrinks toward it"),
    (scales.read_rows, read(D="sigmoid, Glorot"), "both sides of 0"),
    (scales.read_rows, read(D="tanh"), "none of the choices"),
    (scales.read_rows, {"A": "ReLU, He"}, "not filled in"),
    (scales.read_rows, ["ReLU, He"], "a dict is wanted"),
    (scales.conv_fans, lambda s: (s[0] * s[1],) * 2, "window alone"),
    (scales.he_normal, lambda s, rng: rng.standard_normal(s) * (2 / s[0]) ** 0.25, "rooted once too often"),
    (scales.he_normal, lambda s, rng: rng.standard_normal(s) * np.sqrt(4 / sum(s)), "2 / fan_avg"),
    (scales.relu_second_moment, lambda sizes, m: moment(sizes, m**2), "squared already"),
    (scales.relu_second_moment, lambda sizes, m: m * np.sqrt(moment(sizes, 1)), "standard deviation"),
    (scales.awkward, scaled(1), "the signal dies"),
    (scales.awkward, lambda s, rng: rng.standard_normal(s), "the signal explodes"),
    (scales.awkward, lambda s, rng: 0.01 * rng.standard_normal(s), "the signal dies"),
    (scales.awkward, lambda s, rng: np.full(s, 0.1), "all equal"),
    (scales.awkward, lambda s, rng: rng.standard_normal(s[::-1]), "shape"),
    (scales.awkward, lambda s, rng: scaled(2.5)(s, np.random.default_rng()), "draw with the rng"),
    (scales.awkward, lambda s, rng: np.outer(rng.normal(size=s[0]), np.ones(s[1])) / 28, "rank 1"),
    (scales.awkward, lambda s, rng: 1e30 * rng.standard_normal(s), "overflow"),
    (scales.awkward, lambda s, rng: np.zeros(s), "all equal"),
    (scales.awkward, lambda s: np.zeros(s), "raised TypeError"),
    (scales.awkward, 2.0, "a function is wanted"),
    (scales.conv_fans, lambda s: s[2:], "channel counts alone"),
    (scales.conv_fans, lambda s: (s[0] * s[1] * s[2], s[3]), "fan_out is missing"),
    (scales.conv_fans, lambda s: (s[2], s[0] * s[1] * s[3]), "fan_in is missing"),
    (scales.conv_fans, lambda s: window_fans(s)[::-1], "swapped"),
    (scales.conv_fans, lambda s: (s[0] * s[2], s[0] * s[3]), "one side"),
    (scales.conv_fans, lambda s: (np.prod(s), np.prod(s)), "number of all weights"),
    (scales.conv_fans, lambda s: (1, 2), "off"),
    (scales.conv_fans, lambda s: window_fans(s)[0], "shape"),
    (scales.he_normal, lambda s, rng: rng.standard_normal(s) * 2 / s[0], "standard deviation"),
    (scales.he_normal, lambda s, rng: rng.standard_normal(s) * np.sqrt(2 / s[1]), "fan_out"),
    (scales.he_normal, lambda s, rng: rng.standard_normal(s) * np.sqrt(1 / s[0]), "LeCun"),
    (scales.he_normal, lambda s, rng: rng.standard_normal(s) * np.sqrt(2 / sum(s)), "Glorot"),
    (scales.he_normal, lambda s, rng: rng.standard_normal(s), "not scaled"),
    (scales.he_normal, lambda s, rng: rng.uniform(-1, 1, s) * np.sqrt(6 / s[0]), "uniform"),
    (scales.he_normal, lambda s, rng: rng.uniform(-1, 1, s) * np.sqrt(2 / s[0]), "s² / 3"),
    (scales.he_normal, lambda s, rng: he(s, rng) + 0.1, "mean"),
    (scales.he_normal, lambda s, rng: np.zeros(s), "equal"),
    (scales.he_normal, lambda s, rng: he(s, rng).T, "transposed"),
    (scales.he_normal, lambda s, rng: he(s, np.random.default_rng()), "the rng you are given"),
    (scales.he_normal, lambda s, rng: he(s, np.random.default_rng(5)), "the rng you are given"),
    (scales.he_normal, lambda s, rng: he(s, rng) * 3, "is wanted"),
    (scales.he_normal, lambda s: he(s, np.random.default_rng(0)), "raised TypeError"),
    (scales.relu_second_moment, lambda sizes, m: m / 2 ** (len(sizes) - 2), "not square"),
    (scales.relu_second_moment, lambda sizes, m: moment(sizes, m) * 2 ** (len(sizes) - 2), "half is missing"),
    (scales.relu_second_moment, lambda sizes, m: m, "He's answer"),
    (scales.relu_second_moment, lambda sizes, m: moment((*sizes, 1), m), "output layer"),
    (
        scales.relu_second_moment,
        lambda sizes, m: moment(sizes, m) / m if m != 1 else moment(sizes, 1),
        "start from",
    ),
    (scales.relu_second_moment, lambda sizes, m: 7.0, "is wanted"),
    (scales.lsuv_step, lambda h, W: W, "old weights"),
    (scales.lsuv_step, lambda h, W: W / (h @ W).var(), "by the variance"),
    (scales.lsuv_step, lambda h, W: W * (h @ W).std(), "multiplied"),
    (scales.lsuv_step, lambda h, W: W / W.std(), "spread of the weights"),
    (scales.lsuv_step, lambda h, W: W / h.std(), "what comes in"),
    (scales.lsuv_step, lambda h, W: W / (h @ W).std(axis=0), "each unit"),
    (scales.lsuv_step, lambda h, W: W / np.sqrt(np.mean((h @ W) ** 2)), "mean square"),
    (scales.lsuv_step, lambda h, W: W / np.maximum(h @ W, 0).std(), "after ReLU"),
    (scales.lsuv_step, lambda h, W: W[0], "shape"),
]
CHECKS = sorted({check for check, *_ in [*RIGHT, *WRONG]}, key=lambda check: check.__name__)


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_right_answers_pass(check, answer):
    verdict = check(answer)
    assert verdict.right, verdict


@pytest.mark.parametrize(("check", "answer", "why"), WRONG)
def test_wrong_answers_are_told_why(check, answer, why):
    verdict = check(answer)
    assert verdict.status == "not yet", verdict
    assert why in verdict.message


@pytest.mark.parametrize(
    "initializer",
    [variance_scaling(2, "fan_in", "uniform"), variance_scaling(2, "fan_out", "normal"), random_normal(0.1)],
)
def test_other_initializers_are_not_he(initializer):
    assert not scales.he_normal(lambda shape, rng: initializer(shape, rng=rng)).right


@pytest.mark.slow
def test_the_awkward_network_is_scored_and_more_than_a_scale_helps():
    plain, best = scales.awkward(scaled(2.5)), scales.awkward(mirrored)
    assert plain.right, plain
    assert best.score < 0.9 < plain.score < scales.AWKWARD_PASSES
    he = scales.awkward(scaled(2))
    assert "it learns, but" in he.message


@pytest.mark.parametrize("check", CHECKS)
def test_each_exercise_has_three_hints(check):
    assert [check.hint().of for _ in range(3)] == [3, 3, 3]


def test_each_exercise_has_eight_wrong_answers_or_more():
    counts = {check: sum(one is check for one, _, _ in WRONG) for check in CHECKS}
    assert min(counts.values()) >= 8, counts


@pytest.mark.parametrize("check", [c for c in CHECKS if c is not scales.read_rows])
def test_what_was_not_attempted(check):
    assert check(lambda *given: None).status == "not attempted"
    assert check(...).status == "not attempted"


def test_a_reading_half_done_is_attempted():
    assert scales.read_rows(dict.fromkeys("ABCD", ...)).status == "not attempted"
    assert scales.read_rows(read(C=...)).status == "not yet"


def test_the_mended_rule_is_what_drawn_weights_have():
    rng = np.random.default_rng(3)
    for x in scales._inputs():
        for m, v in ((0.0, 1.0), (1.0, 0.5), (-2.0, 0.1)):
            W = m + np.sqrt(v) * rng.standard_normal((x.shape[1], 4000))
            assert abs(np.var(x @ W) / scales._mended(x, m, v) - 1) < 0.05


def test_the_four_rows_are_what_the_key_says():
    nets = scales.four_networks()
    assert list(nets) == ["A", "B", "C", "D"]
    assert {letter: net.activation.name for letter, net in nets.items()}["D"] == "tanh"


def test_the_expected_moment_is_what_networks_have():
    """The check's own formula against 60 drawn networks: it must not be wrong together with the learner."""
    x = np.random.default_rng(0).standard_normal((200, 90))
    sizes = (90, 60, 60, 5)
    runs = [
        MLP(sizes, activation="relu", initializer="glorot_normal", rng=np.random.default_rng(seed)).forward(x)
        for seed in range(60)
    ]
    moments = [np.mean(run.h[-1] ** 2) for run in runs]
    wanted = np.mean(x**2) * np.prod(scales._glorot_factors(sizes))
    assert abs(np.mean(moments) / wanted - 1) < 3 * np.std(moments) / wanted / np.sqrt(60)
