"""The clinic: vital signs of every layer, and what the clinic finds, while the knobs make it ill."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from helpers import clinic, data
from helpers.labs import knobs, live, wording
from helpers.networks.builders import Design
from helpers.networks.stack import BatchNorm, Dense, Nonlinearity, Stack
from helpers.numerics.activations import get_activation
from helpers.numerics.initializers import get_initializer
from helpers.numerics.normalization import RunningStatistics
from helpers.numerics.theory import Flow, predicted_flow
from helpers.plots.frame import Axis, Frame, Line, Panel, Points, Text, beside, layer_axis, stacked
from helpers.plots.over_layers import layers_panel
from helpers.signals.trace import trace

WIDTH, DEEPEST = 100, 30
SCALES = (0, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 30, 50, 90, 150, 255)
BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 100, 128, 200, 256)
CURVES, FINDING = 240, 31  # pixels of height: of the curves, of a finding in words
FEWEST, MOST = 2, 6  # findings for which there is always room, and which are told; others are counted

# The curve that a finding is marked on; those of the inputs stand at layer 1 of the signal.
CURVE_OF = {
    "vanishing_gradient": "gradient",
    "exploding_gradient": "gradient",
    "saturated_units": "saturated",
    "dead_units": "dead",
}
SHARES = {"saturated": "fourth", "dead": "third"}  # of units, and how they look

TEXT = {
    "headline": "{severity}: {code}{where}",
    "layers": ", layers {first} to {last}",
    "one": ", layer {first}",
    "healthy": "No findings: signal, gradient and units are within what healthy networks show.",
    "more": "… and {count} more findings.",
}


class ClinicLab(live.LiveFigure):
    """Signal, gradient, saturated and dead units per layer, with the clinic's findings marked and told."""

    READ_OUT = {
        "std_first": "std of h, layer 1",
        "std_last": "std of h, layer {depth}",
        "gradient_first": "gradient norm of z, layer 1",
        "gradient_last": "gradient norm of z, layer {depth}",
        "saturated": "saturated, at most",
        "dead": "dead, at most",
    }

    def __init__(self, **start):
        self.free()
        super().__init__(**start)

    def controls(self):
        return {
            "activation": knobs.activation("tanh", "activation"),
            "initializer": knobs.initializer("glorot_normal", "initialization"),
            "normalized": live.switch("batch normalization"),
            "gain": knobs.gain(1, "gain"),
            "depth": live.whole("depth", 1, DEEPEST, 10),
            "scale": live.steps("inputs ×", SCALES, 1),
            "shift": live.real("inputs +", -5, 5, 0.25, 0.0),
            "bias": live.real("start bias", -5, 5, 0.25, 0.0),
            "batch": live.steps("batch size", BATCHES, 128),
            "seed": live.whole("seed", 0, 20, 0),
        }

    def update(self, activation, initializer, normalized, gain, depth, scale, shift, bias, batch, seed):
        images, y = data.load_batch(batch, dtype=np.float64)
        x = images * scale + shift
        weights = [gain * W for W in self._weights(initializer, depth, seed)]
        stack = network(weights, activation, bias, normalized)
        if normalized:
            settle(stack, x)
        signals = trace(stack, x, y, weights=False)
        findings = clinic.examine(signals)
        predicted = _predicted(x, signals, activation, initializer, gain, normalized, bias)
        curves, page = ringed_curves(signals, predicted, findings), findings_panel(findings)
        heights = (CURVES, FINDING * page.y.low / 2)
        return Frame(
            stacked(beside(*curves), page, heights=heights),
            height=round(sum(heights)),
            words=wording.signal_in_words(signals) or data.notice(),
            numbers=_numbers(signals, findings),
        )

    def free(self):
        self._kept = (None, None)

    def _weights(self, initializer, depth, seed):
        """The weights at gain 1; the last ones are kept, since most sliders ask for them again and again."""
        key = (initializer, depth, seed)
        if self._kept[0] != key:
            rng, sizes = np.random.default_rng(seed), (784, *[WIDTH] * depth, 10)
            draw = get_initializer(initializer)
            self._kept = key, [draw(shape, rng=rng) for shape in pairwise(sizes)]
        return self._kept[1]


def network(weights, activation, bias, normalized) -> Stack:
    """Return a stack of these weights; `bias` is every hidden unit's b, or its β with batch normalization."""
    activation, layers = get_activation(activation), []
    for W in weights[:-1]:
        norm = [BatchNorm(np.ones(WIDTH), np.full(WIDTH, float(bias)))] if normalized else []
        b = None if normalized else np.full(WIDTH, float(bias))
        layers += [Dense(W, b), *norm, Nonlinearity(activation)]
    return Stack([*layers, Dense(weights[-1], np.zeros(10))])


def settle(stack, x) -> None:
    """Set the moving statistics to those of the batch, as they are after long training."""
    for call in stack.forward(x, training=True):
        if call.layer.kind == "batch_norm":
            call.layer.running = RunningStatistics(call.cache.mean, call.cache.variance, 1)


def ringed_curves(signals, predicted, findings) -> list[Panel]:
    """Return spread, gradient and ill units per layer, with rings at the layers that the findings name."""
    std, gradient = map(signals.per_layer, ("std", "grad_z_norm"))
    panels = {
        ("std",): layers_panel("std of h, per layer", std, predicted.std, log=True),
        ("gradient",): layers_panel(
            "gradient norm of z, per layer", gradient, predicted.grad_z_norm, log=True
        ),
        tuple(SHARES): shares_panel(signals),
    }
    names = [layer.name for layer in signals.hidden]
    return [with_rings(panel, curves, findings, names) for curves, panel in panels.items()]


def shares_panel(signals) -> Panel:
    """Return the shares of saturated and of dead units, per layer."""
    layers = np.arange(1, len(signals.hidden) + 1)
    marks = [Line(layers, signals.per_layer(f"share_{name}"), look, name) for name, look in SHARES.items()]
    title = "share of saturated and of dead units"
    return Panel(tuple(marks), title, layer_axis(len(layers)), Axis(-0.06, 1.06))


def with_rings(panel, curves, findings, names) -> Panel:
    """Return the panel, whose first marks are these curves, with rings where findings name a layer."""
    lines = zip(curves, panel.marks, strict=False)
    rings = [rings_of(line, curve, findings, names) for curve, line in lines]
    return replace(panel, marks=(*panel.marks, *rings))


def rings_of(line, curve, findings, names) -> Points:
    """Return rings around the points of a curve, at the layers that its findings name."""
    found = [finding for finding in findings if CURVE_OF.get(finding.code, "std") == curve]
    ill = {layer for finding in found for layer in finding.layers or names[:1]}
    ringed = np.array([layer in ill for layer in names])
    return Points(line.x[ringed], line.y[ringed], "ring", "finding")


def findings_panel(findings) -> Panel:
    """Return the findings in words, what and where in one row and what it means in the next."""
    told = [(headline(finding), finding.meaning) for finding in findings] or [(TEXT["healthy"], "")]
    if len(told) > MOST:
        told = [*told[: MOST - 1], (TEXT["more"].format(count=len(told) - MOST + 1), "")]
    headlines, meanings = zip(*told, strict=True)
    left, rows = np.zeros(len(told)), 2 * np.arange(len(told)) + 0.5
    marks = (
        Text(left, rows, headlines, "headline", "left", within=1),
        Text(left, rows + 1, meanings, align="left", within=1),
    )
    return Panel(marks, y=Axis(2 * max(FEWEST, len(told)), 0), bare=True)


def headline(finding) -> str:
    """Return a finding's severity, code and layers."""
    where = ""
    if finding.layers:
        numbers = [layer.removeprefix("layer ") for layer in finding.layers]
        where = TEXT["layers" if len(numbers) > 1 else "one"].format(first=numbers[0], last=numbers[-1])
    return TEXT["headline"].format(severity=finding.severity, code=finding.code, where=where)


def _predicted(x, signals, activation, initializer, gain, normalized, bias):
    """What theory says of these settings; nothing where all biases are the same and not 0."""
    depth = len(signals.hidden)
    if bias:
        return Flow(*np.full((3, depth), np.nan), signals.output_error)
    design = Design(activation, initializer, gain, normalized="before" if normalized else None)
    return predicted_flow(design, (784, *[WIDTH] * depth, 10), x, signals.output_error)


def _numbers(signals, findings):
    told = wording.ends_of(signals, np.float64)
    loss = told.pop("loss")
    return {
        **told,
        "saturated": signals.per_layer("share_saturated").max(),
        "dead": signals.per_layer("share_dead").max(),
        "loss": loss,
        "findings": " ".join(findings.codes),
    }
