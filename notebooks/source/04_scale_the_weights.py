# %% [markdown]
# # Scale the weights

# %%
import sys; sys.path[:0] = ["..", "../.."]  # the course's own package lies one folder up (two, for the solved twins)
import numpy as np
from helpers import activations, data, initializers, labs, landscape, meanfield, residual
from helpers.checks import scales as checks
from helpers.network import MLP, lsuv, train
from helpers.plots import layers, scales; from helpers.signals import trace

# %%
x, y = data.load_batch(1000, dtype=np.float64)

def network(activation, initializer, depth=10, seed=0, **options):
    rng = np.random.default_rng(seed)
    return MLP((784, *[100] * depth, 10), activation=activation, initializer=initializer, rng=rng, **options)

# %%
starts = {"all 0": "zeros", "all 0.01": initializers.constant(0.01), "Glorot": "glorot_normal"}
hidden = {}
for label, start in starts.items():
    model = network("tanh", start, depth=2)
    train(model, x, y, learning_rate=0.05, steps=200, rng=np.random.default_rng(1))
    ranks = [int(np.linalg.matrix_rank(W)) for W in model.weights]
    print(f"{label:<9} ranks after 200 steps: {ranks}   right: {model.accuracy(x, y):.0%}")
    hidden[label] = model.weights[1]
scales.matrix_images(hidden, alt="hidden weights")

# %%
def compare(models, alt):
    traces = {label: trace(model, x, y) for label, model in models.items()}
    predictions = {label: meanfield.predict(m, x, traces[label].output_error) for label, m in models.items()}
    print(f"{'':<24}{'std of h in layers 1, 5, 10':<32}{'saturated in 10':<18}gradient of W, layers 1 and 10")
    for label, t in traces.items():
        std, dW = t.per_layer("std"), t.per_layer("grad_W_norm")
        spread = "  ".join(f"{std[layer - 1]:<8.2g}" for layer in (1, 5, 10))
        print(f"{label:<24}{spread:<32}{t.hidden[9].share_saturated:<18.0%}{dW[0]:<8.2g}  {dW[9]:.2g}")
    return scales.histogram_rows(traces, predictions, alt=alt)

compare({"tanh, N(0, 0.01²)": network("tanh", "small_normal"), "sigmoid, N(0, 0.01²)": network("sigmoid", "small_normal")}, alt="small")

# %%
large = {f"{label}, N(0, 1)": network(label, "standard_normal") for label in ("tanh", "sigmoid", "relu")}
compare(large, alt="large")

# %%
def ratio(x, W):
    """Var(y) as a share of fan_in Var(w) Var(x), for the layer and for its quietest and loudest unit."""
    expected = len(W) * W.var() * x.var()
    units = (x @ W).var(axis=0) / expected
    return (x @ W).var() / expected, units.min(), units.max()

rng = np.random.default_rng(0)
normal = rng.standard_normal
w, u = normal((784, 500)), normal((1000, 784))
cases = {
    "independent, mean 0": (u, w),
    "inputs of mean 1": (u + 1, w),
    "weights of mean 1": (u, w + 1),
    "inputs that move together": (u + normal((1000, 1)), w),
    "real images": (x, w),
    "weights made of the images": (x, x.T @ normal((1000, 500))),
}
for label, (inputs, W) in cases.items():
    print(f"{label:<30}" + "   ".join(f"{r:7.2f}" for r in ratio(inputs, W)))

# %%
for fan_in, fan_out in ((100, 100), (100, 400), (400, 100)):
    for mode in initializers.MODES:
        W = initializers.variance_scaling(1, mode, "normal")((fan_in, fan_out), rng=rng)
        signal, gradient = normal((500, fan_in)), normal((500, fan_out))
        forward, backward = np.var(signal @ W), np.var(gradient @ W.T)
        print(f"{fan_in} → {fan_out}   variance 1 / {mode:<8}  signal ×{forward:.2f}   gradient ×{backward:.2f}")

# %%
good = {
    "tanh, 1 / fan_in": network("tanh", "lecun_normal"),
    "tanh, Glorot": network("tanh", "glorot_normal"),
    "tanh, Glorot, gain 5/3": network("tanh", "glorot_normal", gain=5 / 3),
    "sigmoid, Glorot": network("sigmoid", "glorot_normal"),
}
compare(good, alt="Glorot")

# %%
q = {1: 1.0, 5 / 3: 1.0}
for layer in range(1, 1001):
    q = {gain: meanfield.variance_map("tanh", q[gain], gain**2) for gain in q}
    if layer in (10, 100, 1000):
        print(f"layer {layer:<5}", *(f"gain {gain:.2f}: q = {value:.5f}   2 l q = {2 * layer * value:<10.2f}" for gain, value in q.items()))

# %%
signals = good["sigmoid, Glorot"].forward(x).h[1:]
for layer in (1, 2, 4, 6, 8, 10):
    h = signals[layer - 1]
    print(f"layer {layer:>2}: mean {h.mean():.2f}   std of all values {h.std():.2f}   std over the images, unit by unit {h.std(axis=0).mean():.1g}")

# %%
def small_uniform(shape, rng):
    return rng.uniform(-1, 1, shape) / np.sqrt(shape[0])

panels = {"std of h": {}, "gradient norm of z": {}, "gradient norm of W": {}}
for label, start in {"U(±1/√n)": small_uniform, "Glorot uniform": "glorot_uniform"}.items():
    nets = [MLP((784, *[1000] * 5, 10), activation="tanh", initializer=start, rng=np.random.default_rng(s)) for s in range(5)]
    traces = [trace(net, x[:200], y[:200]) for net in nets]
    for title, quantity in zip(panels, ("std", "grad_z_norm", "grad_W_norm")):
        panels[title][label] = np.array([t.per_layer(quantity) for t in traces])
        ends = panels[title][label][:, -1] / panels[title][label][:, 0]
        print(f"{label:<16}{title:<20} layer 5 / layer 1: median {np.median(ends):.2f}, from {ends.min():.2f} to {ends.max():.2f}")
scales.seed_panels(panels, xlabel="layer", alt="gb")

# %%
compare({"ReLU, Glorot": network("relu", "glorot_normal"), "ReLU, He": network("relu", "he_normal")}, alt="relu")

# %%
measured, predicted = {}, {}
for start in ("glorot_normal", "he_normal"):
    nets = [network("relu", start, seed=seed) for seed in range(20)]
    moments = np.array([[np.mean(h**2) for h in net.forward(x).h[1:]] for net in nets])
    factors = [shape[0] * nets[0].initializer.variance(shape) / 2 for shape in zip(nets[0].sizes, nets[0].sizes[1:])][:-1]
    measured[start], predicted[start] = np.median(moments, axis=0), np.mean(x**2) * np.cumprod(factors)
    print(f"{start:<14} factors of layers 1, 2, 3: {factors[0]:.3f}  {factors[1]:.3f}  {factors[2]:.3f}")
    print(f"               layer 10: predicted {predicted[start][-1]:.2g}; 20 seeds: mean {moments[:, -1].mean():.2g}, median {np.median(moments[:, -1]):.2g}, from {moments[:, -1].min():.2g} to {moments[:, -1].max():.2g}")
layers.curves(measured, predicted, ylabel="mean square of h")

# %%
compare({
    "SELU, LeCun, 10": network("selu", "lecun_normal"),
    "SELU, LeCun, 100": network("selu", "lecun_normal", depth=100),
    "SELU, He, 100": network("selu", "he_normal", depth=100),
}, alt="selu")

# %%
rng, shape = np.random.default_rng(0), (300, 100)
entries = [entry for entry in initializers.INITIALIZERS.values() if "fan" in entry.formula]
entries.append(initializers.variance_scaling(scale=2.0, mode="fan_avg", distribution="uniform"))
print(f"{'weights 300 → 100':<40}{'variance':<18}{'theory':<10}{'drawn':<10}{'largest':<11}for")
for entry in entries:
    W, theory = entry(shape, rng=rng), entry.variance(shape)
    serves = ", ".join(activations.ACTIVATIONS[name].label for name in entry.serves)
    print(f"{entry.label:<40}{entry.formula:<18}{theory:<10.5f}{W.var():<10.5f}{np.abs(W).max() / theory**0.5:.2f} std   {serves}")

# %%
kernel = (3, 3, 32, 64)
windows = rng.standard_normal((5000, 3 * 3 * 32))
print("fans of a 3 × 3 kernel, 32 → 64 channels:", initializers.fans(kernel))
W = initializers.INITIALIZERS["he_normal"](kernel, rng=rng)
print(f"variance of z: {np.var(windows @ W.reshape(-1, 64)):.2f}; with fan_in = 32 it would be {np.var(windows @ W.reshape(-1, 64)) * 9:.1f}")

# %%
blocks, width = 50, 100
growth, theory = {}, {}
for name in ("he", "naive", "scaled", "zeroed"):
    start = residual.STARTS[name]
    nets = [residual.ResidualNet(784, width, blocks, 10, start=name, rng=np.random.default_rng(s)) for s in range(5)]
    runs = np.array([residual.stream_second_moments(net, x[:200]) for net in nets])
    growth[start.label] = np.median(runs / runs[:, :1], axis=0)
    theory[start.label] = start.growth(blocks) ** np.arange(blocks + 1)
    print(f"{start.label:<28} ×{start.growth(blocks):.2f} a block; after {blocks}: measured {growth[start.label][-1]:.2g}, predicted {theory[start.label][-1]:.2g}")
layers.curves(growth, theory, xlabel="block", ylabel="mean square of h", x=range(blocks + 1))

# %%
x_new, y_new = (part[1000:] for part in data.load_batch(3000, dtype=np.float64))

def score(start, blocks, rate, seed):
    net = residual.ResidualNet(784, 50, blocks, 10, start=start, rng=np.random.default_rng(seed))
    train(net, x, y, learning_rate=rate, steps=150, rng=np.random.default_rng(seed))
    return net.accuracy(x_new, y_new)

dots = {}
for blocks, rate in ((3, 0.01), (20, 0.01), (20, 0.1)):
    title = f"{blocks} blocks, rate {rate}"
    dots[title] = {s: [score(s, blocks, rate, seed) for seed in range(5)] for s in residual.STARTS}
    for s, scores in dots[title].items():
        print(f"{title:<22}{s:<8} median {np.median(scores):.0%}, from {min(scores):.0%} to {max(scores):.0%}")
scales.seed_dots(dots, ylabel="right on new images", alt="residual")

# %%
distances, lines = np.linspace(-1, 1, 81), {}
for label, start in {"N(0, 0.01²)": "small_normal", "Glorot": "glorot_normal", "N(0, 1)": "standard_normal"}.items():
    model = network("tanh", start)
    direction = landscape.random_direction(model, np.random.default_rng(1))
    losses = landscape.losses_along(model, direction, distances, x, y)
    slope, here = landscape.slope_along(model, direction, x, y), trace(model, x, y).loss
    lines[label] = (losses, here)
    print(f"{label:<14} loss {here:.3f}   slope {abs(slope):.1g}   highest − lowest {np.ptp(losses):.1g}   turns {landscape.turns(losses)}")
scales.loss_lines(distances, lines, alt="lines")

# %%
for start in ("small_normal", "glorot_normal", "standard_normal"):
    runs = []
    for seed in range(5):
        model = network("tanh", start, seed=seed)
        before = trace(model, x, y).loss
        train(model, x, y, learning_rate=0.03, steps=100, rng=np.random.default_rng(seed))
        runs.append((before, trace(model, x, y).loss))
    before, after = np.median(runs, axis=0)
    print(f"{start:<16} loss before {before:.2f}, after 100 steps {after:.2f}, from {min(r[1] for r in runs):.2f} to {max(r[1] for r in runs):.2f}")

# %%
print(f"{'':<12}{'divisions, layer by layer':<34}{'std of z, all layers':<24}std of h in layer 10")
for name in activations.ACTIVATIONS:
    model = network(name, "zeros")
    divisions = lsuv(model, x, rng=np.random.default_rng(0))
    signal = trace(model, x, y)
    z_std = signal.per_layer("z_std")
    print(f"{name:<12}{str(divisions):<34}{z_std.min():.2f} to {z_std.max():<16.2f}{signal.per_layer('std')[-1]:.2f}")

# %%
labs.initialization_lab()
