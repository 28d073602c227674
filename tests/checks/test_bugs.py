"""The checks of lesson 11's bugs: mended functions pass; the bug itself and other wrong repairs are told."""

import re
from math import sqrt

import numpy as np
import pytest

from helpers.checks import bugs
from tools.sources import build, source_paths

CHECKS = (
    bugs.normalize_conv,
    bugs.tanh_histogram,
    bugs.norm_step,
    bugs.moving_average,
    bugs.leaky_variance,
    bugs.in_order,
    bugs.glorot_uniform,
)


def standardize(x, axes, eps=1e-3):
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + eps)


def half_mended(x):
    return (x - x.mean(axis=(0, 1, 2))) / np.sqrt(x.var(axis=0) + 1e-3)


def shares(h, bins, low=-1, high=1):
    counts, _ = np.histogram(h, bins=bins, range=(low, high))
    return counts / counts.sum()


def norm_step(x, mean, variance, training, *, moves=(True, False), by_batch=(True, False), weight=0.1):
    """A step whose modes can be set wrong: (in training, in testing)."""
    new, mode = (x.mean(axis=0), x.var(axis=0)), 0 if training else 1
    used = new if by_batch[mode] else (mean, variance)
    out = (x - used[0]) / np.sqrt(used[1] + 1e-3)
    if moves[mode]:
        mean, variance = (
            (1 - weight) * old + weight * n for old, n in zip((mean, variance), new, strict=True)
        )
    return out, mean, variance


def with_modes(**options):
    return lambda x, mean, variance, training: norm_step(x, mean, variance, training, **options)


def averages(values, momentum=0.99, start=0.0):
    average, history = start, []
    for value in values:
        average = momentum * average + (1 - momentum) * value
        history.append(average)
    return np.array(history)


def leaky(sigma, slope=0.01):
    return (1 + slope**2) / 2 * sigma**2 - ((1 - slope) * sigma) ** 2 / (2 * np.pi)


def ordered(record):
    return [record[name] for name in sorted(record, key=lambda name: int(name.split()[1]))]


def uniform(shape, rng, factor=6.0):
    limit = sqrt(factor / sum(shape))
    return rng.uniform(-limit, limit, shape)


RIGHT = [
    (bugs.normalize_conv, lambda x: standardize(x, (0, 1, 2))),
    (bugs.normalize_conv, lambda x: standardize(x.reshape(-1, 6), 0).reshape(x.shape)),
    (bugs.tanh_histogram, shares),
    (bugs.tanh_histogram, lambda h, bins: np.histogram(h, np.linspace(-1, 1, bins + 1))[0] / len(h)),
    (bugs.norm_step, norm_step),
    (bugs.moving_average, averages),
    (bugs.moving_average, lambda v, m: list(averages(v, m))),
    (bugs.leaky_variance, leaky),
    (bugs.in_order, ordered),
    (bugs.in_order, lambda record: np.array(ordered(record))),
    (bugs.in_order, lambda record: [record[f"layer {k + 1}"] for k in range(len(record))]),
    (bugs.glorot_uniform, uniform),
    (bugs.glorot_uniform, lambda s, rng: (2 * rng.random(s) - 1) * np.sqrt(6 / sum(s))),
]

WRONG = [
    (bugs.normalize_conv, lambda x: standardize(x, (1, 2)), "instance normalization"),
    (bugs.normalize_conv, lambda x: standardize(x, None), "channels are mixed"),
    (bugs.normalize_conv, lambda x: standardize(x, -1), "must stay apart"),
    (bugs.normalize_conv, lambda x: standardize(x, (1, 2, 3)), "layer normalization"),
    (bugs.normalize_conv, lambda x: standardize(x, (0, 1)), "one side"),
    (bugs.normalize_conv, half_mended, "the mean is mended"),
    (bugs.normalize_conv, lambda x: standardize(x.reshape(-1, 6), 0), "shape of x"),
    (bugs.normalize_conv, lambda x: x, "off"),
    (bugs.tanh_histogram, lambda h, bins: shares(h, bins, h.min(), h.max()), "follows the data"),
    (bugs.tanh_histogram, lambda h, bins: shares(np.abs(h), bins, 0, 1), "folded"),
    (bugs.tanh_histogram, lambda h, bins: shares(h, bins, -1, 0), "positive half is hidden"),
    (bugs.tanh_histogram, lambda h, bins: shares(h, bins, -3, 3), "never goes"),
    (bugs.tanh_histogram, lambda h, bins: shares(h, bins, -0.5, 0.5), "ends are hidden"),
    (bugs.tanh_histogram, lambda h, bins: np.histogram(h, bins, (-1, 1))[0], "counts"),
    (
        bugs.tanh_histogram,
        lambda h, bins: np.histogram(h, bins, (-1, 1), density=True)[0],
        "density",
    ),
    (bugs.tanh_histogram, lambda h, bins: shares(h, 2 * bins), "shape"),
    (bugs.norm_step, with_modes(moves=(False, False)), "never move"),
    (bugs.norm_step, with_modes(moves=(False, True)), "wrong way round"),
    (bugs.norm_step, with_modes(by_batch=(True, True)), "depends on its neighbors"),
    (bugs.norm_step, with_modes(by_batch=(False, False)), "batch's own"),
    (bugs.norm_step, with_modes(weight=1.0), "last batch alone"),
    (bugs.norm_step, with_modes(weight=0.5), "moving mean in training"),
    (bugs.norm_step, lambda x, mean, variance, training: x, "three things"),
    (bugs.moving_average, lambda v, m=0.01: averages(v, 0.01), "turned the default round"),
    (bugs.moving_average, lambda v, m: averages(v, 0.99), "in place of a fixed number"),
    (bugs.moving_average, lambda v, m: (1 - m) * v, "starts from 0 again"),
    (bugs.moving_average, lambda v, m: averages(v / (1 - m), m), "add up to 1"),
    (bugs.moving_average, lambda v, m: averages(v, m, start=v[0]), "first value"),
    (bugs.moving_average, lambda v, m: np.cumsum(v) / np.arange(1, len(v) + 1), "plain average"),
    (bugs.moving_average, lambda v, m: averages(v, m)[-1], "after each value"),
    (bugs.moving_average, lambda v, m: averages(v, 0.8), "0.5"),
    (
        bugs.leaky_variance,
        lambda s, a: (1 + a**2) / 2 * s**2 - (1 - a) * s / sqrt(2 * np.pi),
        "square of the",
    ),
    (bugs.leaky_variance, lambda s, a: (1 + a**2) / 2 * s**2 - s**2 / (2 * np.pi), "ReLU's mean"),
    (bugs.leaky_variance, lambda s, a: (1 + a**2) / 2 * s**2 - (1 + a) ** 2 * s**2 / (2 * np.pi), "lowers"),
    (
        bugs.leaky_variance,
        lambda s, a: (1 + a**2) / 2 * s**2 - (1 - a) ** 2 * s**2 * 2 / np.pi,
        "half of that",
    ),
    (bugs.leaky_variance, lambda s, a: (1 + a**2) / 2 * s**2 - (1 - a) ** 2 / (2 * np.pi), "σ is missing"),
    (
        bugs.leaky_variance,
        lambda s, a: (1 + a**2) / 2 * s**2 + (1 - a) ** 2 * s**2 / (2 * np.pi),
        "not added",
    ),
    (bugs.leaky_variance, lambda s, a: (1 - a) ** 2 * s**2 / (2 * np.pi), "alone"),
    (bugs.leaky_variance, lambda s, a: s**2, "before the activation"),
    (bugs.leaky_variance, lambda s, a: 7.0, "is wanted"),
    (bugs.in_order, lambda record: list(record.values()), "were stored"),
    (bugs.in_order, lambda record: [record[n] for n in sorted(record, key=len)], "short names"),
    (bugs.in_order, lambda record: [record[n] for n in sorted(record, key=lambda n: n[-1])], "last digit"),
    (bugs.in_order, lambda record: sorted(record.values()), "what was recorded"),
    (bugs.in_order, lambda record: sorted(record.values(), reverse=True), "what was recorded"),
    (bugs.in_order, lambda record: list(range(1, 13)), "layers' numbers"),
    (bugs.in_order, lambda record: ordered(record)[::-1], "way round"),
    (bugs.in_order, lambda record: sorted(record), "numbers are wanted"),
    (bugs.glorot_uniform, lambda s, rng: uniform(s, rng, 3), "fan_avg"),
    (bugs.glorot_uniform, lambda s, rng: uniform(s, rng, 6 * sum(s) / s[0]), "He's"),
    (bugs.glorot_uniform, lambda s, rng: uniform(s, rng, 3 * sum(s) / s[0]), "LeCun's"),
    (bugs.glorot_uniform, lambda s, rng: uniform(s, rng, 36 / sum(s)), "root is missing"),
    (bugs.glorot_uniform, lambda s, rng: uniform(s, rng, 12), "s²/12"),
    (bugs.glorot_uniform, lambda s, rng: 3 * uniform(s, rng, 2), "it takes √3"),
    (bugs.glorot_uniform, lambda s, rng: rng.uniform(-1, 1, s), "not scaled"),
    (bugs.glorot_uniform, lambda s, rng: rng.standard_normal(s) * sqrt(2 / sum(s)), "these are normal"),
    (bugs.glorot_uniform, lambda s, rng: uniform(s, np.random.default_rng()), "rng you are given"),
    (bugs.glorot_uniform, lambda s, rng: uniform(s, rng) + sqrt(0.3 / sum(s)), "variance|mean"),
    (bugs.glorot_uniform, lambda s, rng: np.zeros(s), "equal"),
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_mended_functions_pass(check, answer):
    verdict = check(answer)
    assert verdict.right, verdict


@pytest.mark.parametrize(("check", "answer", "why"), WRONG)
def test_other_wrong_repairs_are_told_why(check, answer, why):
    verdict = check(answer)
    assert verdict.status == "not yet", verdict
    assert re.search(why, verdict.message), verdict


@pytest.fixture(scope="module")
def in_notebook():
    """Every stub and every solution of lesson 11 as it stands in the notebooks, run: name → function."""
    lesson, solved = build(source_paths()["11_diagnose_a_network"])
    return {tag: functions_of(notebook, tag) for notebook, tag in ((lesson, "stub"), (solved, "solution"))}


def functions_of(notebook, tag):
    names = {"np": np}
    for cell in notebook.cells:
        if tag in cell.metadata.get("tags", []) and cell.source.startswith("def "):
            exec(cell.source, names)
    return names


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_stub_is_the_bug_and_the_solution_mends_it(check, in_notebook):
    verdict = check(in_notebook["stub"][check.__name__])
    assert verdict.status == "not attempted"
    assert repr(verdict).startswith("Not attempted yet: still the bug: ")
    assert check(in_notebook["solution"][check.__name__]).right
