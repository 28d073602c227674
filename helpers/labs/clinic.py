"""The clinic: vital signs of every layer, and what the clinic finds, while the knobs make it ill."""

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
from helpers.plots.over_layers import CurvePanel, set_layer_axis
from helpers.plots.quicktext import QuickText
from helpers.plots.style import GREEN, PURPLE, RED
from helpers.signals.trace import trace

WIDTH, DEEPEST = 100, 30
SCALES = (0, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 30, 50, 90, 150, 255)
BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 100, 128, 200, 256)
LINES = 7  # findings told in words; what is left over is counted
LETTERS = 165  # of a line of findings; longer ones are cut off
MARK = {"color": RED, "linestyle": "none", "marker": "o", "markersize": 11, "markerfacecolor": "none"}

# The panel that a finding is marked on; those of the inputs stand at layer 1 of the signal.
PANEL_OF = {
    "vanishing_gradient": "gradient",
    "exploding_gradient": "gradient",
    "saturated_units": "saturated",
    "dead_units": "dead",
}

TEXT = {
    "std": "std of h",
    "gradient": "gradient norm of z",
    "saturated": "saturated",
    "dead": "dead",
    "line": "{severity}: {code}{where}. {meaning}",
    "layers": ", layers {first} to {last}",
    "one": ", layer {first}",
    "healthy": "No findings: signal, gradient and units are within what healthy networks show.",
    "more": "… and {count} more findings.",
}


class ClinicLab(live.LiveFigure):
    """Signal, gradient, saturated and dead units per layer, with the clinic's findings marked and told."""

    size = (9.6, 4.6)

    def controls(self):
        return {
            "activation": knobs.activation("tanh", "activation"),
            "initializer": knobs.initializer("glorot_normal", "initialization"),
            "normalized": live.switch("batch normalization"),
            "gain": knobs.gain(1, "gain"),
            "depth": live.whole("depth", 1, DEEPEST, 10),
            "scale": live.steps("inputs × ", SCALES, 1),
            "shift": live.real("inputs +", -5, 5, 0.25, 0.0),
            "bias": live.real("start bias", -5, 5, 0.25, 0.0),
            "batch": live.steps("batch size", BATCHES, 128),
            "seed": live.whole("seed", 0, 20, 0),
        }

    def build(self):
        self.free()
        self._images = data.load_batch(max(BATCHES), dtype=np.float64)
        self.figure.subplots_adjust(left=0.06, right=0.99, top=0.8, bottom=0.41, wspace=0.2)
        left, middle, right = self.figure.subplots(1, 3)
        self.panels = {
            name: CurvePanel(a, TEXT[name], log=True) for name, a in (("std", left), ("gradient", middle))
        }
        self.shares = self._share_lines(right)
        axes = {"std": left, "gradient": middle, "saturated": right, "dead": right}
        self.marks = {name: self.moving(a.plot([], [], **MARK)[0]) for name, a in axes.items()}
        for panel in self.panels.values():
            self.moving(panel.artists)
        for a in (left, middle, right):
            a.set_xlabel("layer")
        self.legend(*self.panels["std"].artists, self._sample_mark(left))
        page = self.figure.add_axes([0.01, 0.01, 0.98, 0.27])
        page.set_axis_off()
        places = [1 - (k + 1) / LINES for k in range(LINES)]
        self.words = [self.moving(QuickText(page, 0, place, align="left")) for place in places]

    def update(self, activation, initializer, normalized, gain, depth, scale, shift, bias, batch, seed):
        x, y = (part[:batch] for part in self._images)
        x = x * scale + shift
        weights = [gain * W for W in self._weights(initializer, depth, seed)]
        stack = network(weights, activation, bias, normalized)
        if normalized:
            settle(stack, x)
        signals = trace(stack, x, y, weights=False)
        findings = clinic.examine(signals)
        self._show_curves(signals, _predicted(x, signals, activation, initializer, gain, normalized, bias))
        self._show_findings(signals, findings)
        self.say(wording.signal_in_words(signals) or data.notice())
        return _numbers(signals, findings)

    def free(self):
        self._kept = (None, None)
        self._images = self.panels = self.shares = self.marks = self.words = None

    def _share_lines(self, axes):
        looks = {"saturated": (PURPLE, "^", "--"), "dead": (GREEN, "s", "-")}
        lines = {}
        for name, (color, marker, style) in looks.items():
            (line,) = axes.plot([], [], color=color, marker=marker, linestyle=style, markersize=4)
            line.set_label(TEXT[name])
            lines[name] = self.moving(line)
        axes.set(ylim=(-0.06, 1.06), title="share of saturated and of dead units")
        axes.legend(handles=list(lines.values()), loc="lower center", bbox_to_anchor=(0.5, 1.1), ncols=2)
        return lines

    def _sample_mark(self, axes):
        (sample,) = axes.plot([], [], **MARK, label="finding")
        return sample

    def _weights(self, initializer, depth, seed):
        """The weights at gain 1; the last ones are kept, since most sliders ask for them again and again."""
        key = (initializer, depth, seed)
        if self._kept[0] != key:
            rng, sizes = np.random.default_rng(seed), (784, *[WIDTH] * depth, 10)
            draw = get_initializer(initializer)
            self._kept = key, [draw(shape, rng=rng) for shape in pairwise(sizes)]
        return self._kept[1]

    def _show_curves(self, signals, predicted):
        numbers = np.arange(1, len(signals.hidden) + 1)
        for name, quantity in (("std", "std"), ("gradient", "grad_z_norm")):
            self.panels[name].show(signals.per_layer(quantity), getattr(predicted, quantity))
        for name, line in self.shares.items():
            line.set_data(numbers, signals.per_layer(f"share_{name}"))
        for axes in {mark.axes for mark in self.marks.values()}:
            set_layer_axis(axes, len(numbers))

    def _show_findings(self, signals, findings):
        """Ring the layers of each finding on its panel, and tell each in a line of words."""
        names = [layer.name for layer in signals.hidden]
        lines = {name: panel.measured for name, panel in self.panels.items()} | self.shares
        for name, mark in self.marks.items():
            ill = {
                layer
                for f in findings
                if PANEL_OF.get(f.code, "std") == name
                for layer in f.layers or names[:1]
            }
            x, y = lines[name].get_data()
            keep = np.array([layer in ill for layer in names])
            mark.set_data(np.asarray(x)[keep], np.asarray(y)[keep])
        told = [_in_words(finding) for finding in findings] or [TEXT["healthy"]]
        if len(told) > LINES:
            told = [*told[: LINES - 1], TEXT["more"].format(count=len(told) - LINES + 1)]
        for k, words in enumerate(self.words):
            words.set_text(told[k] if k < len(told) else "")


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


def _predicted(x, signals, activation, initializer, gain, normalized, bias):
    """What theory says of these settings; nothing where all biases are the same and not 0."""
    depth = len(signals.hidden)
    if bias:
        return Flow(*np.full((3, depth), np.nan), signals.output_error)
    design = Design(activation, initializer, gain, normalized="before" if normalized else None)
    return predicted_flow(design, (784, *[WIDTH] * depth, 10), x, signals.output_error)


def _in_words(finding):
    where = ""
    if finding.layers:
        numbers = [layer.removeprefix("layer ") for layer in finding.layers]
        where = TEXT["layers" if len(numbers) > 1 else "one"].format(first=numbers[0], last=numbers[-1])
    told = TEXT["line"].format(
        severity=finding.severity, code=finding.code, where=where, meaning=finding.meaning
    )
    return told if len(told) <= LETTERS else told[: LETTERS - 1] + "…"


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
