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


RIGHT = [
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
