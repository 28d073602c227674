# %% [markdown]
# # Scale the weights
#
# You will choose how widely random weights are spread, so that ten or a hundred layers hand on both
# the signal and the gradient.
#
# *About 90 minutes. You should know why gradients vanish ([02 Watch gradients
# vanish](02_watch_gradients_vanish.ipynb)) and the activations of the lesson before, [03 Choose an
# activation](03_choose_an_activation.ipynb). After this: [05 Prepare the
# inputs](05_prepare_the_inputs.ipynb).*
#
# ## What you will learn
#
# After this lesson you can
#
# - tell weights that are equal, too small or too large from ten histograms;
# - derive the variance that keeps a signal alive, and test each assumption on the way;
# - pick Glorot, He or LeCun for an activation, and predict the signal in any layer;
# - count the fans of a convolution, and start a residual network that does not explode;
# - scale a network without a formula, by looking at one batch.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    MLP, activations, builders, checks, data, initializers, labs, landscape, lsuv, plots, table,
    theory, trace, train,
)

# %% [markdown]
# ## 1 Should all weights start equal?
#
# Networks with two hidden layers of 100 units train for 150 steps on 1,000 images. Their weights
# start all 0, all a hundredth, all a hundredth with random biases, and random as in section 4.
#
# The **rank** of a weight matrix counts the directions in which its units differ: at most one per
# unit, here 100.
#
# **Predict:** what is the rank of each matrix after training, when all weights were equal at the
# start?

# %%
x, y = data.load_batch(1000, dtype=np.float64)

def network(activation, initializer, depth=10, seed=0, **options):
    sizes, rng = (784, *[100] * depth, 10), np.random.default_rng(seed)
    return MLP(sizes, activation=activation, initializer=initializer, rng=rng, **options)

same = initializers.constant(0.01)
starts = {
    "all 0": ("zeros", 0),
    "all 0.01": (same, 0),
    "random b": (same, 0.01),
    "Glorot": ("glorot_normal", 0),
}
nets = {name: network("tanh", start, depth=2, bias_std=b) for name, (start, b) in starts.items()}

# %%
rows = []
for name, net in nets.items():
    _ = train(net, x, y, learning_rate=0.05, steps=150, rng=np.random.default_rng(1))
    ranks = [int(np.linalg.matrix_rank(W, rtol=1e-9)) for W in net.weights]
    first, second = np.linalg.svd(net.weights[0], compute_uv=False)[:2]
    share = f"{second / first:.1g}" if second > 1e-9 * first else "0"
    gradient = trace(net, x, y).layers[0].grad_W_norm
    rows.append((name, ranks, share, f"{gradient:.1g}", f"{net.accuracy(x, y):.0%}"))
print(table(("start", "ranks", "2nd / 1st direction", "gradient of W, layer 1", "right"), rows))
assert [row[1] for row in rows[:2]] == [[0, 0, 0], [1, 1, 1]]
part = {name: net.weights[0][400:440, :40] for name, net in nets.items()}
alt = "first weights: blank for all 0, stripes for all 0.01, noise for Glorot"
plots.matrix_images(part, alt=alt)

# %% [markdown]
# **All 0.** After 150 steps the gradient is still exactly 0: every h is 0, so nothing reaches the
# hidden weights from either side. Only the last bias learns.
#
# **All 0.01.** There is a gradient, but it is the same for every unit. The columns of the picture
# stay equal, the rank stays 1 in every layer over 150 real steps, and 100 units do the work of one.
# This **symmetry** is never broken by descent alone.
#
# **What breaks it?** Anything random that tells units apart. Random biases do, but feebly: the
# second direction of the first weights is {{rows[2][2]}} of the first, and no more images are
# right. Random weights give 100 different units at once.
#
# ## 2 How wide should random weights be?
#
# Take ten layers of 100 units, and weights from `N(0, 0.01²)`. Each histogram shows one layer's
# activations on the images, the dashed line what mean-field theory (lesson 02) predicts. A bar that
# would dwarf the others is cut off.
#
# **Predict:** does a signal of size 1 come out larger or smaller? What does the gradient do?

# %%
traced = {}  # every network compared so far

def compare(models, alt):
    traces = {name: trace(model, x, y) for name, model in models.items()}
    traced.update(traces)
    rows = []
    for name, t in traces.items():
        std, dW = t.per_layer("std"), t.per_layer("grad_W_norm")
        spread = [f"{std[i]:.2g}" for i in (0, len(std) // 2, -1)]
        saturated = f"{t.hidden[-1].share_saturated:.0%}"
        rows.append((name, *spread, saturated, f"{dW[0]:.2g}", f"{dW[-1]:.2g}"))
    columns = ("std h first", "middle", "last", "saturated last", "dW first", "dW last")
    print(table(("network", *columns), rows))
    predictions = {
        name: theory.predict(model, x, traces[name].output_error) for name, model in models.items()
    }
    return plots.histogram_rows(traces, predictions, alt=alt)

small = {f"{name}, N(0, 0.01²)": network(name, "small_normal") for name in ("tanh", "sigmoid")}
compare(small, "tanh collapses onto 0 by layer 3, sigmoid onto one half by layer 2")

# %% [markdown]
# The table tells the standard deviation of h in the first, middle and last hidden layer, the share
# of saturated units in the last, and the norm of the weights' gradient.
#
# - **tanh:** each layer divides the signal by about {{words(round((traced["tanh, N(0,
#   0.01²)"].hidden[0].std / traced["tanh, N(0, 0.01²)"].hidden[-1].std) ** (1 / 9)))}}. A shallow
#   network would still train. The last layers put out 0, whatever the image:
#   {{traced["tanh, N(0, 0.01²)"].hidden[-1].std:.1e}} of signal is left. A weight's gradient is the
#   signal that comes in times the gradient that comes back, and both are gone.
# - **sigmoid:** every unit sits at one half, and the gradient of the first layer is
#   {{traced["sigmoid, N(0, 0.01²)"].layers[0].grad_W_norm:.1e}}.
#
# **Predict:** now N(0, 1), for tanh, sigmoid and ReLU.

# %%
names = ("tanh", "sigmoid", "relu")
large = {f"{name}, N(0, 1)": network(name, "standard_normal") for name in names}
compare(large, "tanh piles up at both ends, sigmoid at 0 and 1, ReLU at exactly 0 and far beyond 3")

# %% [markdown]
# - **tanh** piles up at −1 and +1, **sigmoid** at 0 and 1. Most units are saturated, and an error
#   reaches a weight only through the others.
# - **ReLU** can't saturate on the right. Half of its values are 0, the other half explode, by a
#   factor of about {{words(round((traced["relu, N(0, 1)"].hidden[-1].std / traced["relu, N(0,
#   1)"].hidden[0].std) ** (1 / 9)))}} per layer. The bar at the right end holds everything beyond.
#
# Between the two there must be a spread that neither kills nor explodes.
#
# ## 3 Derivation: the wish
#
# A layer's output shall have the **variance** of its input; the same for gradients on the way back.
# Take one output, without activation.
#
# 1. $y = x_1 w_1 + \dots + x_n w_n$, where $n$ is **fan_in**, the number of inputs that feed one
#    unit.
# 2. Independent terms: $\mathrm{Var}(y) = \sum_i \mathrm{Var}(x_i w_i)$.
# 3. $x_i$ independent of $w_i$: $\mathrm{Var}(x_i w_i) = E[x_i^2]\,E[w_i^2] - E[x_i]^2\,E[w_i]^2$.
# 4. Weights of mean 0: $\mathrm{Var}(x_i w_i) = E[x_i^2]\,\mathrm{Var}(w)$.
# 5. Inputs of mean 0: $\mathrm{Var}(x_i w_i) = \mathrm{Var}(x)\,\mathrm{Var}(w)$.
# 6. All $n$ terms alike: $\mathrm{Var}(y) = n\,\mathrm{Var}(w)\,\mathrm{Var}(x)$.
# 7. The wish, $\mathrm{Var}(y) = \mathrm{Var}(x)$, gives $\mathrm{Var}(w) = 1/n$.
#
# Steps 2 to 5 each assume something. Now each assumption is broken in turn.
#
# **Predict:** which broken assumption does the most harm?

# %%
def ratios(x, W):
    expected = len(W) * W.var() * x.var()
    units = (x @ W).var(axis=0) / expected
    return (x @ W).var() / expected, units.min(), units.max()

normal = np.random.default_rng(0).standard_normal
w, u = normal((784, 500)), normal((1000, 784))
cases = {"all assumptions hold": (u, w)}
cases["weights of mean 1"] = (u, w + 1)
cases["inputs of mean 1"] = (u + 1, w)
cases["inputs that move together"] = (u + normal((1000, 1)), w)
cases["real images"] = (x, w)
cases["images, weights made of them"] = (x, x.T @ normal((1000, 500)))

# %%
against = {name: ratios(inputs, W) for name, (inputs, W) in cases.items()}
rows = [(name, *(f"{r:.2f}" for r in three)) for name, three in against.items()]
print(table(("case", "Var(y) / formula", "quietest unit", "loudest unit"), rows))
z = u @ w / np.sqrt(784)  # weights of variance 1 / fan_in
h = {name: activations.ACTIVATIONS[name].f(z) for name in ("linear", "tanh", "relu", "selu")}
rows = [(name, *(f"{v:.2f}" for v in (z.var(), a.var(), np.mean(a**2)))) for name, a in h.items()]
print("\n" + table(("activation", "Var(z)", "Var(h)", "E[h²]"), rows))
assert abs(ratios(u, w)[0] - 1) < 0.02
assert abs(ratios(u + 1, w)[0] - 2) < 0.1

# %% [markdown]
# - A **mean of 1**, in weights or inputs, doubles the variance. By step 4 the **mean square**
#   $E[x^2]$ takes the place of Var(x), whatever the mean; so it is the safer thing to follow.
# - **Inputs that move together**, as pixels do, leave the layer's variance alone while weights are
#   random. But single units differ: on images the loudest has {{against["real images"][2]:.2f}}
#   times the formula, the quietest {{against["real images"][1]:.2f}}.
# - **Weights made of the inputs** break the formula altogether. Training makes such weights, since
#   $dW = x^T dz$. The formula holds at the start, and only there.
# - **The activation** was left out. tanh keeps {{h["tanh"].var() / z.var():.2f}} of the variance,
#   ReLU half of the mean square, SELU all of it. So different activations want different weights.
#
# On the way back, $dx = dy\,W^T$ sums over **fan_out** terms, the number of units that one input
# feeds:
#
# 8. $\mathrm{Var}(dx) = \text{fan\_out}\cdot\mathrm{Var}(w)\,\mathrm{Var}(dy)$: the gradient wants
#    $\mathrm{Var}(w) = 1/\text{fan\_out}$.
# 9. Both wishes need fan_in = fan_out. Else one meets in the middle, **fan_avg** = (fan_in +
#    fan_out) / 2.
#
# **Predict:** what happens to signal and gradient from 100 to 400 units, for each choice?

# %%
rng, rows = np.random.default_rng(0), []
for shape in ((100, 100), (100, 400), (400, 100)):
    for mode in initializers.MODES:
        W = initializers.variance_scaling(1, mode, "normal")(shape, rng=rng)
        signal, gradient = (normal((1000, size)) for size in shape)
        factors = (signal @ W).var(), (gradient @ W.T).var()
        layer = f"{shape[0]} → {shape[1]}"
        rows.append((layer, f"1 / {mode}", *(f"×{factor:.2f}" for factor in factors)))
print(table(("layer", "Var(w)", "signal", "gradient"), rows))
rules = {mode: initializers.variance_scaling(1, mode, "normal") for mode in initializers.MODES}
rule = {mode: scaled.variance((100, 400)) for mode, scaled in rules.items()}
assert rule == {"fan_in": 1 / 100, "fan_out": 1 / 400, "fan_avg": 1 / 250}

# %% [markdown]
# A square layer keeps both. In the others each choice keeps one and changes the other fourfold;
# fan_avg shares the damage.
#
# ## 4 Glorot: variance 1 / fan_avg
#
# **Glorot** initialization (2010, also called Xavier, after its author's first name) is step 9:
# mean 0, variance 1 / fan_avg. A uniform weight between ±s has the variance s²/3, so the uniform
# form has the limit $\sqrt{3/\text{fan\_avg}}$. The simple form, still often seen, is a standard
# deviation of $1/\sqrt{\text{fan\_in}}$.
#
# **Predict:** will tanh keep its spread over ten layers? Will sigmoid?

# %%
good = {
    "tanh, 1 / fan_in": network("tanh", "lecun_normal"),
    "tanh, Glorot": network("tanh", "glorot_normal"),
    "tanh, Glorot × 5/3": network("tanh", "glorot_normal", gain=5 / 3),
    "sigmoid, Glorot": network("sigmoid", "glorot_normal"),
}
alt = ("tanh stays spread, ever narrower; with gain 5/3 it keeps its shape; "
       "sigmoid turns into spikes")
compare(good, alt)

# %% [markdown]
# tanh stays spread in all ten layers, and first and last weights have gradients of similar size.
# But the spread goes on falling, for tanh pulls every value toward 0. With $q_l$ the variance of z
# in layer $l$, $q_{l+1} = E[\tanh^2(\sqrt{q_l}\,\xi)] \approx q_l - 2q_l^2$, which falls like
# $1/(2l)$. A **gain** multiplies every weight; 5/3 is the usual cure.
#
# **Predict:** if $q_l$ falls like $1/(2l)$, what does $2\,l\,q_l$ do?

# %%
q, rows = {1: 1.0, 5 / 3: 1.0}, []
for layer in range(1, 1001):
    q = {gain: float(theory.variance_map("tanh", q[gain], gain**2)) for gain in q}
    if layer in (10, 100, 1000):
        chi = theory.chi("tanh", q[5 / 3], (5 / 3) ** 2)
        at_1 = f"{q[1]:.5f}", f"{2 * layer * q[1]:.3f}"
        rows.append((layer, *at_1, f"{q[5 / 3]:.3f}", f"{chi:.2f}", f"{chi**100:.0e}"))
print(table(("layer", "q, gain 1", "2 l q", "q, gain 5/3", "χ, gain 5/3", "χ to the 100"), rows))
assert abs(2 * 1000 * q[1] - 1) < 0.01

# %% [markdown]
# At gain 1 the product settles at 1: a slow decay, no collapse. At gain 5/3 the signal stands still
# at {{q[5 / 3]:.3f}}, but at a price seldom told: each layer multiplies the gradient's mean square
# by {{chi:.2f}} on the way back, and a hundred layers by {{chi**100:.0e}}.
#
# **Now sigmoid.** Its histograms look healthier than before: nothing saturated, mean near one half,
# spread {{traced["sigmoid, Glorot"].hidden[-1].std:.2f}} to the end. Yet they break up into spikes.
#
# **Predict:** how much of that spread is a difference between *images*?

# %%
rows = []
for layer in (1, 2, 4, 6, 8, 10):
    h = good["sigmoid, Glorot"].forward(x).h[layer]
    rows.append((layer, f"{h.mean():.2f}", f"{h.std():.2f}", f"{h.std(axis=0).mean():.1g}"))
print(table(("layer", "mean of h", "std of h over all", "std over the images, one unit"), rows))
assert h.std(axis=0).mean() < 1e-5 < 0.05 < h.std()

# %% [markdown]
# Almost nothing. Each spike is one unit, with the same value for every image. Glorot cures the
# saturation. It can't cure the mean of one half, which hands a large constant to every next unit,
# nor the slope of at most 1/4, which shrinks every difference. The gradients above say so too:
# {{traced["sigmoid, Glorot"].layers[0].grad_W_norm:.1e}} in the first layer,
# {{traced["sigmoid, Glorot"].hidden[-1].grad_W_norm:.2f}} in the last.
#
# **The finding of 2010, replayed.** Until then many drew weights from U(±1/√n), n being fan_in.
# Five tanh layers of 1,000 units, five seeds:

# %%
def old_uniform(shape, rng):
    return rng.uniform(-1, 1, shape) / np.sqrt(shape[0])

rows, panels = [], {"std of h": {}, "gradient norm of z": {}, "gradient norm of W": {}}
for name, start in {"U(±1/√n)": old_uniform, "Glorot uniform": "glorot_uniform"}.items():
    rngs, sizes = map(np.random.default_rng, range(5)), (784, *[1000] * 5, 10)
    five = [MLP(sizes, activation="tanh", initializer=start, rng=rng) for rng in rngs]
    traces = [trace(model, x[:200], y[:200]) for model in five]
    for title, quantity in zip(panels, ("std", "grad_z_norm", "grad_W_norm"), strict=True):
        panels[title][name] = np.array([t.per_layer(quantity) for t in traces])

# %%
kept = {}
for title, runs in panels.items():
    for name, values in runs.items():
        ends = values[:, -1] / values[:, 0]
        kept[title, name] = np.median(ends)
        spread = f"{ends.min():.2f} to {ends.max():.2f}"
        rows.append((title, name, f"{kept[title, name]:.2f}", spread))
print(table(("quantity", "weights", "layer 5 / layer 1, median", "range over 5 seeds"), rows))
old = {title: np.median(runs["U(±1/√n)"], axis=0) for title, runs in panels.items()}
assert np.ptp(old["gradient norm of W"]) < 0.3 * old["gradient norm of W"].mean()
assert old["gradient norm of z"][-1] > 5 * old["gradient norm of z"][0]
alt = "signal and gradient shrink, each its own way; weight gradients are flat"
plots.seed_panels(panels, xlabel="layer", alt=alt)

# %% [markdown]
# The old weights have a third of the variance 1 / fan_in. The signal shrinks forward, to
# {{kept["std of h", "U(±1/√n)"]:.2f}} by layer 5. The gradient shrinks backward: layer 5 has
# {{kept["gradient norm of z", "U(±1/√n)"]:.2f}} times that of layer 1. And the gradient of the
# *weights* is flat, since it is the product of the two: what one loses the other has gained.
# Whoever looks at weight gradients alone sees no illness.
#
# ## 5 He: variance 2 / fan_in, for ReLU
#
# ReLU loses half of the mean square, $E[\mathrm{relu}(z)^2] = \mathrm{Var}(z)/2$. **He**
# initialization (2015, also called Kaiming) makes up for it: variance 2 / fan_in.
#
# **Predict:** what is left of the mean square after ten layers with Glorot's weights?

# %%
relu = {"ReLU, Glorot": network("relu", "glorot_normal"), "ReLU, He": network("relu", "he_normal")}
compare(relu, "with Glorot ReLU's values shrink toward 0 layer by layer, with He they stay spread")

# %%
moments, predicted, rows = {}, {}, []
for start, name in {"glorot_normal": "Glorot", "he_normal": "He"}.items():
    twenty = [network("relu", start, seed=seed) for seed in range(20)]
    moments[name] = np.array([[np.mean(h**2) for h in net.forward(x).h[1:]] for net in twenty])
    factors = np.array([784, *[100] * 9]) * theory.weight_variances(twenty[0])[:-1] / 2
    predicted[name], last = np.mean(x**2) * np.cumprod(factors), moments[name][:, -1]
    told = (f"×{factors[0]:.3f}", f"×{factors[1]:.3f}", f"{predicted[name][-1]:.2g}")
    rows.append((name, *told, f"{np.median(last):.1g}", f"{last.min():.1g} to {last.max():.1g}"))
    assert abs(np.log(np.median(last) / predicted[name][-1])) < 0.7
columns = ("layer 1", "next layers", "layer 10, predicted", "median of 20 seeds", "range")
print(table(("weights", *columns), rows))
panels = {"mean square of h, ReLU": moments}
plots.seed_panels(panels, predicted, xlabel="layer", alt="Glorot halves, He holds")

# %% [markdown]
# With Glorot each layer halves the mean square, and {{np.median(moments["Glorot"][:, -1]):.1g}} is
# left after ten. The first layer is not square: from 784 to 100 units its factor is ×{{784 *
# initializers.INITIALIZERS["glorot_normal"].variance((784, 100)) / 2:.3f}}. With He every factor is
# 1: neither mean nor spread collapses. The prediction is for the average of many draws; one network
# of width 100 may be off by a factor of {{words(round(predicted["He"][-1] / moments["He"][:,
# -1].min()))}} or {{words(round(moments["He"][:, -1].max() / predicted["He"][-1]))}} (lesson 02
# says why).
#
# ## 6 LeCun: variance 1 / fan_in, for SELU
#
# SELU's constants make $E[h^2] = 1$ when z has variance 1. So it needs no factor $2$: **LeCun**
# initialization (1998) is the simple form, 1 / fan_in.
#
# **Predict:** does it last for 100 layers? What would He's weights do to SELU?

# %%
selu = {
    "SELU, LeCun": network("selu", "lecun_normal"),
    "SELU, LeCun, 100": network("selu", "lecun_normal", depth=100),
    "SELU, He, 100": network("selu", "he_normal", depth=100),
}
compare(selu, "with LeCun SELU keeps its shape for 10 and for 100 layers, with He it explodes")

# %% [markdown]
# The hundredth layer looks like the first. The gradient is less steady,
# {{traced["SELU, LeCun, 100"].layers[0].grad_W_norm:.0f}} in the first layer and
# {{traced["SELU, LeCun, 100"].hidden[-1].grad_W_norm:.1f}} in the last, as lesson 03 explains. With
# He's weights the same network explodes: right for one activation is wrong for another.
#
# ## 7 The table
#
# Every rule is one function of a scale, a fan and a distribution; Keras calls it `VarianceScaling`.
# The table is built from the code that draws the weights. "Largest" is the largest of 300 × 100, in
# standard deviations.
#
# **Predict:** how large can a uniform weight get? And the library's "normal"?

# %%
rng, shape, rows = np.random.default_rng(0), (300, 100), []
entries = [entry for entry in initializers.INITIALIZERS.values() if "fan" in entry.formula]
entries.append(initializers.variance_scaling(scale=2.0, mode="fan_avg", distribution="uniform"))
for entry in entries:
    W, expected = entry(shape, rng=rng), entry.variance(shape)
    served = activations.served_by(entry.name)
    serves = ", ".join(activations.ACTIVATIONS[name].label for name in served)
    largest = np.abs(W).max() / expected**0.5
    drawn = (f"{expected:.5f}", f"{W.var() / expected:.2f}", f"{largest:.2f}")
    rows.append((entry.label, entry.formula, *drawn, serves))
    assert abs(W.var() / expected - 1) < 0.03
print(table(("initialization", "variance", "300 → 100", "drawn / theory", "largest", "for"), rows))

# %% [markdown]
# - **Uniform** weights end at √3 = {{np.sqrt(3):.2f}} standard deviations.
# - The library's **normal** is *truncated*: what lies beyond two standard deviations is drawn
#   again. That alone would make the variance too small, so the normal is widened first. The
#   variance is right, and the largest weight is {{rows[0][4]}} standard deviations of the result.
# - `VarianceScaling(scale=2., mode="fan_avg", distribution="uniform")` is He with both fans: the
#   last line.
# - **Orthogonal** weights keep the length of every vector, as far as the fans allow. Section 10
#   uses them.
#
# ## 8 Convolutions and residual blocks
#
# A convolution sums over a window of every input channel: **fan_in = kernel height × width × input
# channels**. It is a dense layer applied to windows, and so it is tested.

# %%
kernel = (3, 3, 32, 64)  # height, width, channels in, channels out
windows = normal((5000, 3 * 3 * 32))
print("fans:", initializers.fans(kernel))
shapes = {"fan_in = 3 × 3 × 32": kernel, "fan_in = 32, the window forgotten": kernel[2:]}
gained = {}
for name, shape in shapes.items():
    std = np.sqrt(initializers.INITIALIZERS["he_normal"].variance(shape))
    gained[name] = np.var(windows @ normal((288, 64)) * std)
    print(f"{name:<35} Var(z) / Var(x) = {gained[name]:.1f}")

# %% [markdown]
# He asks for $2$, and gets {{gained["fan_in = 3 × 3 × 32"]:.1f}}. With the window forgotten it is
# {{words(round(gained["fan_in = 32, the window forgotten"] / gained["fan_in = 3 × 3 × 32"]))}}
# times that, in every layer.
#
# A **residual block** adds a branch to its input, $h \leftarrow h + F(h)$, here with $F(h) =
# \mathrm{relu}(h W_1) W_2$. With random weights the two are uncorrelated, so their variances *add*,
# and h grows with every block. Four ways to start:
#
# - **naive**: Glorot everywhere, the library's default; **he**: He everywhere;
# - **zeroed**: He, but the last matrix of every branch is 0, so that each block begins as the
#   identity;
# - **scaled**: He, with $W_1$ multiplied by $L^{-1/(2m-2)}$, for $L$ blocks and $m = 2$ matrices in
#   a branch. **Fixup** (2019) uses this factor *and* zeroes the last matrix.
#
# **Predict:** by what factor do 50 blocks with He's weights multiply the mean square?

# %%
blocks, growth, predicted, rows = 50, {}, {}, []
for name in ("he", "naive", "scaled", "zeroed"):
    start, rngs = builders.STARTS[name], map(np.random.default_rng, range(5))
    five = [builders.bare_residual_stack(784, 100, blocks, 10, start=name, rng=rng) for rng in rngs]
    runs = np.array([builders.stream_second_moments(net, x[:200]) for net in five])
    growth[name] = runs / runs[:, :1]
    predicted[name] = start.growth(blocks) ** np.arange(blocks + 1)
    last = growth[name][:, -1]
    told = (f"×{start.growth(blocks):.2f}", f"{predicted[name][-1]:.2g}", f"{np.median(last):.2g}")
    rows.append((name, *told, f"{last.min():.1g} to {last.max():.1g}"))
print(table(("start", "each block", "after 50, predicted", "median of 5 seeds", "range"), rows))
closer = {name: growth[name] for name in ("scaled", "zeroed")}
panels = {"mean square of h": growth, "the last two, closer": closer}
alt = "he and naive explode, scaled grows a little"
plots.seed_panels(panels, predicted, xlabel="block", first=0, alt=alt)

# %% [markdown]
# He triples the mean square at every block, naive multiplies by
# {{builders.STARTS["naive"].growth(blocks):.1f}}. Scaling by depth lets each of $L$ blocks add only
# a share of order $1/L$, so the product stays bounded however deep the net. Zeroing keeps it at
# exactly 1.
#
# **But does it train better?** These, and `fixup` which does both, train 120 steps on 1,000 images
# and are tested on 2,000 others.
#
# **Predict:** does zeroing help a network of three blocks?

# %%
x_new, y_new = (part[1000:] for part in data.load_batch(1000 + 2000, dtype=np.float64))

def score(start, blocks, rate, seed):
    rng = np.random.default_rng(seed)
    net = builders.bare_residual_stack(784, 50, blocks, 10, start=start, rng=rng)
    _ = train(net, x, y, learning_rate=rate, steps=120, rng=np.random.default_rng(seed))
    return net.accuracy(x_new, y_new)

dots = {}
for blocks, rate in ((3, 0.01), (20, 0.01), (20, 0.1)):
    dots[f"{blocks} blocks, rate {rate}"] = {
        start: [score(start, blocks, rate, seed) for seed in range(5)] for start in builders.STARTS
    }

# %%
def told(scores):
    return f"{np.median(scores):.0%} ({min(scores):.0%} to {max(scores):.0%})"

rows = [(start, *(told(dots[title][start]) for title in dots)) for start in builders.STARTS]
print(table(("start", *dots), rows))
slow, fast = dots["20 blocks, rate 0.01"], dots["20 blocks, rate 0.1"]
assert max(slow["he"]) < 0.3 < np.median(fast["fixup"])
alt = "3 blocks: all alike; 20 blocks: he and naive fail"
plots.seed_dots(dots, ylabel="right on new images", alt=alt)

# %% [markdown]
# In the shallow network zeroing gains nothing: all starts end within a few percent of each other.
# With 20 blocks `naive` and `he` diverge ({{np.median(dots["20 blocks, rate 0.01"]["he"]):.0%}} is
# what one and the same answer to every image gets), and the three remedies train. At the rate 0.1
# only `fixup` survives. A remedy for depth shows its worth at depth. (These nets have no biases and
# no normalization; with those the limits lie elsewhere.)
#
# ## 9 What is a good start?
#
# Is it one with a low loss? Walk from the start along one random direction through the space of all
# weights. At distance 1 the step is as long as the weights themselves.
#
# **Predict:** which start of a ten-layer tanh network has the lowest loss: `N(0, 0.01²)`, Glorot,
# or `N(0, 1)`?

# %%
distances, lines, rows = np.linspace(-1, 1, 61), {}, []
starts = {"N(0, 0.01²)": "small_normal", "Glorot": "glorot_normal", "N(0, 1)": "standard_normal"}
for name, start in starts.items():
    model = network("tanh", start)
    direction = landscape.random_direction(model, np.random.default_rng(1))
    losses = landscape.losses_along(model, direction, distances, x[:300], y[:300])
    slope = landscape.slope_along(model, direction, x[:300], y[:300])
    lines[name] = (losses, losses[30])  # the 31st of 61 points is the start itself
    shape = f"{abs(slope):.1g}", f"{np.ptp(losses):.2g}", landscape.turns(losses)
    rows.append((name, f"{losses[30]:.3f}", *shape))
print(table(("start", "loss", "slope", "highest − lowest", "turns"), rows))
alt = "N(0, 0.01²) is flat, Glorot slopes gently, N(0, 1) is high and jagged"
plots.loss_lines(distances, lines, alt=alt)

# %%
rows = []
for name, start in starts.items():
    losses = []
    for seed in range(5):
        model, rng = network("tanh", start, seed=seed), np.random.default_rng(seed)
        before = trace(model, x, y).loss
        after = train(model, x, y, learning_rate=0.03, steps=80, rng=rng)[-10:].mean()
        losses.append((before, after))
    before, after = np.transpose(losses)
    above, below = np.sum(after > 2), np.sum(after < 1)
    rows.append((name, f"{np.median(before):.2f}", f"{above} of 5", f"{below} of 5"))
    assert (np.median(after) < 1.5) == (name == "Glorot")
print(table(("start", "median loss at the start", "after 80 steps above 2", "below 1"), rows))

# %% [markdown]
# The small start has the *lowest* loss, that of guessing all ten classes alike, and is perfectly
# flat: there is no slope to follow. N(0, 1) has slopes of thousands that turn around
# {{landscape.turns(lines["N(0, 1)"][0])}} times on the way. Neither gets below 2 with any seed.
# Glorot's start has a higher loss than the small one, a gentle slope, and gets below 1 with every
# seed. The aim is not to begin near the minimum, but where the gradient is worth following.
#
# ## 10 Without a formula: LSUV
#
# **LSUV** (layer-sequential unit variance) measures instead: take orthogonal weights, send one
# batch in, divide the first layer's weights by the standard deviation of its z, go on to the next
# layer.
#
# **Predict:** how many divisions does a layer need until the variance of z is within 0.1 of 1?

# %%
rows = []
for name, entry in activations.ACTIVATIONS.items():
    model = network(name, "zeros")
    divisions = lsuv(model, x, rng=np.random.default_rng(0), tolerance=0.1)
    z_std, h = trace(model, x, y).per_layer("z_std"), model.forward(x).h[-1]
    told = " ".join(map(str, divisions)), f"{z_std.min():.2f} to {z_std.max():.2f}"
    rows.append((entry.label, *told, f"{h.std(axis=0).mean():.1g}"))
    assert max(divisions) <= 1
    assert 0.94 < z_std.min() <= z_std.max() < 1.06
columns = ("divisions, layers 1 to 10", "std of z, all layers", "std over the images, layer 10")
print(table(("activation", *columns), rows))

# %% [markdown]
# One at most: z is linear in W, so a single division is exact. Where none was needed, orthogonal
# weights were right already. It works for every activation. But read the last column: sigmoid and
# softplus pass hardly anything of an image on, although z has the wanted spread. LSUV looks after
# the variance, and nothing else.
#
# ## 11 The lab
#
# Activation, initialization, gain, depth and width, on real images. Dashed lines are predictions.

# %%
labs.initialization_lab()

# %% [markdown]
# Three things to try:
#
# 1. **tanh with Glorot: move the gain down to `0.5`, then up to `3`.** Below 1 the spread falls
#    steadily, since each layer multiplies it by the gain. Above 1 it settles, since tanh holds it,
#    but the histograms fill at their ends and the gradient grows toward the first layer.
# 2. **ReLU with He, width `10`, depth `50`: move the seed.** The measured lines fall far below the
#    predicted ones, each seed elsewhere: few units, many layers, much luck. At width `500` they lie
#    close.
# 3. **tanh with `N(0, 0.01²)`: raise the gain.** Around `10` the signal comes back: `10 · 0.01` is
#    $1/\sqrt{100}$, LeCun's rule for 100 units. For ReLU the best gain is larger by √2.
#
# ## Yours
#
# Write over the `...`, run the cell, then the check below it.
#
# ### Exercise 1: fans of a convolution
#
# A kernel has the shape (height, width, channels in, channels out). Return (fan_in, fan_out).
#
# <details><summary>Hint</summary>One output sees height × width places in every input channel. One
# input is seen from height × width places, in every output channel.</details>

# %% tags=["stub"]
def conv_fans(shape):
    """Return (fan_in, fan_out) of a kernel (height, width, channels in, channels out)."""
    ...

# %% tags=["solution"]
def conv_fans(shape):
    """Return (fan_in, fan_out) of a kernel (height, width, channels in, channels out)."""
    height, width, c_in, c_out = shape
    return height * width * c_in, height * width * c_out

# %%
checks.scales.conv_fans(conv_fans)

# %% [markdown]
# ### Exercise 2: He's normal weights
#
# Return weights of the shape (fan_in, fan_out) and variance 2 / fan_in, drawn with
# `rng.standard_normal`.
#
# <details><summary>Hint</summary>Multiplying a random number by c multiplies its variance by c².
# Which c makes it 2 / fan_in?</details>

# %% tags=["stub"]
def he_normal(shape, rng):
    """Return normal weights of mean 0 and variance 2 / fan_in."""
    ...

# %% tags=["solution"]
def he_normal(shape, rng):
    """Return normal weights of mean 0 and variance 2 / fan_in."""
    fan_in, _ = shape
    return rng.standard_normal(shape) * np.sqrt(2 / fan_in)

# %%
checks.scales.he_normal(he_normal)

# %% [markdown]
# ### Exercise 3: predict a signal
#
# A ReLU network of the given `sizes` (inputs, hidden …, outputs) has Glorot's weights, and its
# input the given mean square. Return the mean square of h that theory predicts for the last hidden
# layer.
#
# <details><summary>Hint</summary>Go from layer to layer: multiply by fan_in, by the weights'
# variance, and by the half that ReLU leaves. The output layer has no h.</details>

# %% tags=["stub"]
def relu_second_moment(sizes, mean_square):
    """Return E[h²] of the last hidden layer, predicted for ReLU and Glorot's weights."""
    ...

# %% tags=["solution"]
def relu_second_moment(sizes, mean_square):
    """Return E[h²] of the last hidden layer, predicted for ReLU and Glorot's weights."""
    for layer in range(len(sizes) - 2):
        fan_in, fan_out = sizes[layer], sizes[layer + 1]
        variance = 2 / (fan_in + fan_out)
        mean_square = fan_in * variance * mean_square / 2
    return mean_square

# %%
checks.scales.relu_second_moment(relu_second_moment)

# %% [markdown]
# ### Exercise 4: a step of LSUV
#
# `h` is the batch that arrives at a layer, `W` its weights. Return weights for which z has the
# variance 1.
#
# <details><summary>Hint</summary>Compute z = h @ W. Which single number do you divide W
# by?</details>

# %% tags=["stub"]
def lsuv_step(h, W):
    """Return W divided by one number, so that h @ W has the variance 1."""
    ...

# %% tags=["solution"]
def lsuv_step(h, W):
    """Return W divided by one number, so that h @ W has the variance 1."""
    return W / np.std(h @ W)

# %%
checks.scales.lsuv_step(lsuv_step)

# %% [markdown] tags=["given"]
# ## Summary
#
# - Equal weights keep the rank at 1; weights must be random.
# - Each layer multiplies the mean square of the signal by fan_in · Var(w) · (the share that the
#   activation keeps), and that of the gradient by fan_out · Var(w) · E[f'²]. Depth raises these
#   factors to a power.
# - Glorot, 1 / fan_avg, for tanh; He, 2 / fan_in, for ReLU and its kin; LeCun, 1 / fan_in, for
#   SELU.
# - A spread that looks right may hide a signal that is gone: look between images, and at the
#   gradient.
# - Residual streams grow with depth; zero or scale the branches.
#
# ## What to do in practice
#
# 1. Take the initialization that goes with the activation. In Keras write
#    `kernel_initializer="he_normal"` for ReLU; the default is Glorot uniform.
# 2. Before a long run send one batch through. No layer's spread should lie an order of magnitude
#    above the first one's, or below.
# 3. In deep residual networks zero the last layer of each branch.
# 4. For an activation of your own use LSUV, or measure E[f(z)²] for normal z and take Var(w) = 1 /
#    (fan_in · E[f²]).
#
# ## Further reading
#
# - [Glorot and Bengio 2010](https://proceedings.mlr.press/v9/glorot10a.html): the paper replayed in
#   section 4.
# - [He et al. 2015](https://arxiv.org/abs/1502.01852): the derivation for ReLU and PReLU, forward
#   and backward.
# - [Klambauer et al. 2017](https://arxiv.org/abs/1706.02515): SELU, and why it goes with LeCun's
#   variance.
# - [Mishkin and Matas 2016](https://arxiv.org/abs/1511.06422): LSUV, tried on many architectures.
# - [Zhang, Dauphin and Ma 2019](https://arxiv.org/abs/1901.09321): Fixup, very deep networks
#   without normalization.
# - [Li et al. 2018](https://arxiv.org/abs/1712.09913): how to look at loss surfaces and not be
#   misled by scale.
# - [Keras: initializers](https://keras.io/api/layers/initializers/): the names used here, with
#   their settings.
#
# The lesson before: [03 Choose an activation](03_choose_an_activation.ipynb). The next:
# [05 Prepare the inputs](05_prepare_the_inputs.ipynb). Back to the
# [start and the map of the course](00_start_here.ipynb).
