"""What the cells of the live benchmark show: the lab, a bare label, and the same picture with `interact`."""

from time import perf_counter

import ipywidgets as widgets
import numpy as np

from helpers import data
from helpers.labs import initialization_lab
from helpers.labs.initialization import IMAGES
from helpers.labs.knobs import GAINS
from helpers.networks.mlp import MLP
from helpers.numerics.theory import predict, predicted_density
from helpers.signals.measures import BINS, histogram_range
from helpers.signals.trace import trace

SIZES = (784, *[100] * 10, 10)
shown = []  # keeps the lab for `kernel_milliseconds`


def lab():
    """Return the initialization lab at its start: 10 layers of 100 units, tanh, Glorot."""
    shown.append(initialization_lab())
    return shown[-1]


def gain_slider():
    """Return a slider over the lab's gains."""
    return widgets.SelectionSlider(
        options=[(f"{gain:.3g}", gain) for gain in GAINS], value=1, description="gain"
    )


def label():
    """Return a slider and a label that the kernel sets: nothing but the way there and back."""
    slider, text = gain_slider(), widgets.Label("1")
    text.add_class("bare-round-trip")
    slider.observe(lambda change: setattr(text, "value", f"{change['new']:.5g}"), "value")
    return widgets.VBox([slider, text])


def redrawn():
    """Return the lab's picture as most notebooks draw it: `interact`, pyplot, all anew at each step."""
    model = MLP(SIZES, rng=np.random.default_rng(0), dtype=np.float32)
    return widgets.interactive(lambda gain: draw(model.scaled(gain)), gain=gain_slider())


def draw(model):
    """Compute what the lab computes, and draw its ten histograms and three curves with pyplot."""
    from matplotlib import pyplot

    x, y = data.load_batch(IMAGES)
    signals = trace(model, x, y)
    predicted = predict(model, x, signals.output_error)
    figure = pyplot.figure(figsize=(9.6, 5.0), dpi=100)
    figure.subplots_adjust(left=0.06, right=0.99, top=0.95, bottom=0.06, hspace=0.5, wspace=0.3)
    for i, layer in enumerate(signals.hidden):
        draw_histogram(figure.add_subplot(3, 5, i + 1), i, layer, predicted)
    for i, name in enumerate(("mean", "std", "grad_z_norm")):
        axes = figure.add_subplot(3, 3, 7 + i, title=name, yscale="linear" if name == "mean" else "log")
        layers = range(1, len(signals.hidden) + 1)
        axes.plot(layers, signals.per_layer(name), "o-", label="measured")
        axes.plot(layers, getattr(predicted, name), "--", label="predicted")
    pyplot.show()


def draw_histogram(axes, i, layer, predicted):
    """Draw one layer's measured histogram and its predicted one."""
    low, high = histogram_range("tanh")
    histogram = layer.histogram
    axes.stairs(histogram.shares, histogram.edges, fill=True)
    density = predicted_density("tanh", predicted.q[i], low, high, BINS)
    axes.plot((histogram.edges[1:] + histogram.edges[:-1]) / 2, density, "--")
    axes.set_title(f"layer {i + 1}: std {layer.std:.2g}", fontsize=8)


def kernel_milliseconds(steps=20):
    """Return, per step of the lab's gain slider, the milliseconds that it takes inside the kernel."""
    figure, times = shown[-1], []
    slider = figure.widgets["gain"]
    start = slider.index
    for place in [*range(start, start + steps // 2), *range(start + steps // 2, start, -1)]:
        begin = perf_counter()
        slider.index = place + (1 if slider.index <= place else -1)
        times.append(1000 * (perf_counter() - begin))
    slider.index = start
    return times
