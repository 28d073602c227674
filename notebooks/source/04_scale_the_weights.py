# %% [markdown]
# # Scale the weights
#
# Lesson 03 gave your patient tanh. It still does not learn. You will find its second cause, derive
# how wide random weights have to be, and put every step of the derivation to the test.
#
# **Time:** about 60 minutes to the end of section 9, with the core exercises; sections 10 to 12
# are a quarter of an hour more. **Know first:** signal and gradient through ten layers, from [Watch
# gradients vanish](02_watch_gradients_vanish.ipynb), and the activations of [Choose an
# activation](03_choose_an_activation.ipynb). After this: [Prepare the
# inputs](05_prepare_the_inputs.ipynb).
#
# Afterwards you can
#
# 1. derive the variance of a layer's output, and say what happens when an assumption fails;
# 2. do the same for the way back, and for ReLU: Glorot's rule and He's;
# 3. compute the right variance for any activation;
# 4. check in Keras what a dense or a convolutional layer really starts with;
# 5. start a residual network, or one that no formula fits.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    MLP, activations, builders, checks, comparison, data, initialization_table, initializers,
    keras_models, labs, landscape, lsuv, patient, plots, predict, runs, table, trace, train,
)

# %% [markdown]
# ## 1. It still does not learn
#
# Here is the patient with lesson 03's cure. (Ten classes: guessing blindly is right once in ten.)

# %%
patient.scoreboard((), ("activation",))

# %% [markdown]
# Lesson 02 taught you where to look: does the signal arrive? Send images through its ten tanh
# layers. In each layer take every unit's standard deviation *over the images*.
#
# **Commit:** what is it in layer 10?

# %%
guess_std = predict.number("tanh patient: std over the images in layer 10", low=1e-14, high=1,
                           log=True)
guess_std

# %%
ill = patient.cured("activation")
pixels = ill.images()[0][:500].astype(float)
weights = ill.network(seed=0).weights

def spreads(x, weights):
    found = []
    for W in weights[:-1]:
        x = np.tanh(x @ W)
        found.append(x.std(axis=0).mean())
    return np.array(found)

signal = spreads(pixels, weights)
guess_std.reveal(signal[9])

# %%
plots.side_by_side({"std of h over the images": {"N(0, 0.01²)": signal}},
                   guess={"std of h over the images": (10, guess_std.value)},
                   alt="from layer 2 on a straight line down: each layer keeps a tenth")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# After the first layer every layer keeps {{(signal[9] / signal[1]) ** (1 / 8):.3f}} of the spread,
# a tenth, and {{signal[9]:.0e}} is left. tanh should not do that: near 0 it is a straight line of
# slope 1. Is it the weights?
#
# </details>
#
# Change the weights alone: multiply all of them by one number.
#
# **Commit:** from which number on does the signal no longer die?

# %%
guess_times = predict.number("Small weights times what keep the signal alive", low=1, high=100,
                             log=True)
guess_times

# %%
kept = {}
for times in (1, 3, 10, 30):
    louder = spreads(pixels, [times * W for W in weights])
    kept[times] = louder[9] / louder[1]
    print(f"weights × {times:2}   std in layer 2: {louder[1]:.2g}   in layer 10: {louder[9]:.2g}")
guess_times.reveal(10)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Only the weights changed, so they did it. From about `10` on the signal arrives. Still larger
# weights hold it, too, since tanh can't leave −1 … 1: section 3 shows at what price. So the spread
# to look for is about {{10 * patient.SMALL:.1f}}. A unit here has {{patient.SIZES[1]}} inputs.
# Section 4 shows that this is no accident.
#
# </details>
#
# ### Warm-up: a sum
#
# A unit adds up n inputs, each times its own weight. Inputs and weights are independent, of mean 0;
# inputs have variance 1, weights the standard deviation `std`. What is the standard deviation of
# the sum? (Variances of independent terms add.)
#
# Stuck? `checks.scales.sum_std.hint()` gives a hint; call it again for the next. Every exercise has
# three.

# %% tags=["stub"]
def sum_std(n, std):
    """Return the standard deviation of a sum of n inputs of variance 1, times their weights."""
    ...

# %% tags=["solution"]
def sum_std(n, std):
    """Return the standard deviation of a sum of n inputs of variance 1, times their weights."""
    return np.sqrt(n) * std

# %%
checks.scales.sum_std(sum_std)

# %% [markdown]
# ## 2. Must they be random?
#
# Why not give every weight the value that is wanted? Start two hidden layers of 100 tanh units with
# all weights 0.01, and take 150 steps. The **rank** of a weight matrix counts the directions in
# which its units differ: 100 at most, here.
#
# **Commit:** what is the rank of the first layer's weights *after* training?

# %%
guess_rank = predict.number("All weights 0.01: rank after 150 steps", low=0, high=100)
guess_rank

# %%
x, y = data.load_batch(1000, dtype=np.float64)

def network(activation, initializer, depth=10, seed=0, **options):
    sizes, rng = (784, *[100] * depth, 10), np.random.default_rng(seed)
    return MLP(sizes, activation=activation, initializer=initializer, rng=rng, **options)

starts = {"all 0": "zeros", "all 0.01": initializers.constant(0.01), "random": "glorot_normal"}
trained, rows = {}, []
for name, start in starts.items():
    net = network("tanh", start, depth=2)
    losses = train(net, x, y, learning_rate=0.05, steps=150, rng=np.random.default_rng(1))
    ranks = [int(np.linalg.matrix_rank(W, rtol=1e-9)) for W in net.weights]
    rows.append((name, *ranks, f"{losses[-20:].mean():.2f}", f"{net.accuracy(x, y):.0%}"))
    trained[name] = net.weights[0][400:440, :40]
guess_rank.reveal(rows[1][1])

# %%
table(("start", "rank of W 1", "W 2", "W 3", "loss", "right, of the seen"), rows)

# %%
plots.matrix_images(trained, alt="first weights: blank for all 0, stripes for all 0.01, noise else")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Equal units get equal gradients, take equal steps, and stay equal: the rank stays
# {{rows[1][1]}}, and 100 units do the work of one. In the picture each column is a unit. With all
# 0 nothing reaches the hidden weights from either side. Descent alone never breaks this
# **symmetry**. Random numbers do, at once.
#
# </details>
#
# ## 3. Too large
#
# Random, then. And a natural first idea is N(0, 1). Ten layers again, standardized images.
#
# **Commit:** what will the histograms of h show?

# %%
guess_large = predict.choice("N(0, 1) in tanh, sigmoid and ReLU:", [
    "all three pile up at their ends",
    "tanh and sigmoid pile up at their ends, ReLU explodes",
    "all three explode",
    "tanh piles up at its ends, sigmoid stays near one half, ReLU explodes",
])
guess_large

# %%
large = {}
for name in ("tanh", "sigmoid", "relu"):
    net = network(name, "standard_normal")
    large[f"{activations.ACTIVATIONS[name].label}, N(0, 1)"] = trace(net, x, y)
guess_large.reveal("tanh and sigmoid pile up at their ends, ReLU explodes")

# %%
plots.histogram_rows(large, alt="tanh piles up at −1 and 1, sigmoid at 0 and 1; ReLU has half of "
                     "its values at 0 and the rest far beyond 3")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# tanh and sigmoid can't explode, so they saturate: where h is at an end, the slope is next to 0.
# ReLU has no upper end. About half of its values are 0, and the rest grows from layer to layer.
#
# </details>
#
# Can ReLU also *die*? A unit that is 0 for all images gets no gradient, and never comes back. Test
# it: the same random numbers at two scales, and **one** step of gradient descent.
#
# **Commit:** after this one step from N(0, 1), how many units are silent on all images?

# %%
guess_silent = predict.number("ReLU, N(0, 1): share of silent units after one step", low=0, high=1)
guess_silent

# %%
def silent(net):
    return np.mean([~(h > 0).any(axis=0) for h in net.forward(x).h[1:]])

shares = {}
for name in ("N(0, 1)", "scaled: N(0, 2 / inputs)"):
    five = []
    for seed in range(5):
        net = network("relu", "standard_normal", seed=seed)
        if name != "N(0, 1)":
            net.weights = [W * np.sqrt(2 / len(W)) for W in net.weights]
        before = silent(net)
        train(net, x, y, learning_rate=0.01, steps=1, rng=np.random.default_rng(seed))
        five.append((before, silent(net)))
    shares[name] = np.array(five)
    told = [f"{np.median(v):.0%} ({v.min():.0%} to {v.max():.0%})" for v in shares[name].T]
    print(f"{name:26} silent before: {told[0]}   after one step: {told[1]}   of 5 seeds")
guess_silent.reveal(np.median(shares["N(0, 1)"][:, 1]))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The scale alone changed, so the scale did it. Before the step both have the same silent units,
# for ReLU passes a scale on unchanged. But the gradient of the large ones explodes, and one step
# throws {{np.median(shares["N(0, 1)"][:, 1]):.0%}} of all units out of reach. A few steps later
# there is no finite number left.
#
# Three activations, three ways to fail. Between N(0, 0.01²) and N(0, 1) must be a spread that
# neither kills nor explodes.
#
# </details>
#
# ## 4. The rule
#
# What we wish: a layer's output shall have the variance of its input. Take one unit, before its
# activation. Cover the right side of each line and say the next step first.
#
# 1. $y = x_1 w_1 + \dots + x_n w_n$. The number n of inputs is called **fan_in**.
# 2. The terms are independent: $\mathrm{Var}(y) = \sum_i \mathrm{Var}(x_i w_i)$.
# 3. $x_i$ and $w_i$ are independent: $\mathrm{Var}(x_i w_i) = E[x_i^2]\,E[w_i^2] -
#    E[x_i]^2\,E[w_i]^2$.
# 4. Weights have mean 0: what is left is $E[x_i^2]\,\mathrm{Var}(w)$.
# 5. Inputs have mean 0: $\mathrm{Var}(x)\,\mathrm{Var}(w)$.
# 6. All n terms are alike:
#
# $$\mathrm{Var}(y) = \text{fan\_in} \cdot \mathrm{Var}(w) \cdot \mathrm{Var}(x)$$
#
# So the wish needs $\mathrm{Var}(w) = 1/\text{fan\_in}$. For the patient's 100 inputs that is a
# standard deviation of 0.1: what you found by trying.
#
# Steps 2 to 5 each assume something. Break one at a time. **Commit:** give the weights a mean of
# 1 instead of 0, with *real images* as input. Var(y) is now how many times what the rule says?

# %%
guess_mean = predict.number("Weights of mean 1, real images: Var(y) over the rule", low=0.1,
                            high=1000, log=True)
guess_mean

# %%
def over_the_rule(x, W):
    return np.var(x @ W) / (len(W) * np.var(W) * np.var(x))

normal = np.random.default_rng(0).standard_normal
w, noise = normal((784, 500)), normal((1000, 784))
together = noise + normal((1000, 1))  # one number per image, added to all its inputs
cases = {
    "all assumptions hold": (noise, w),
    "inputs of mean 1": (noise + 1, w),
    "inputs that move together": (together, w),
    "weights of mean 1": (noise, w + 1),
    "weights of mean 1, inputs that move together": (together, w + 1),
    "real images": (x, w),
    "real images, weights of mean 1": (x, w + 1),
}
broken = {name: over_the_rule(*case) for name, case in cases.items()}
guess_mean.reveal(broken["real images, weights of mean 1"])

# %%
table(("case", "Var(y) over the rule"), [(n, f"{v:.2f}") for n, v in broken.items()])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# A mean of 1 in the inputs doubles the variance: by step 4 their *mean square* counts, not their
# variance. Inputs that move together do no harm, as long as the weights have mean 0. A mean of 1 in
# the weights doubles the variance too, if the inputs are independent. But the two together
# multiply: then every unit adds up what all inputs share. Pixels move together, and the images give
# ×{{broken["real images, weights of mean 1"]:.1f}}. So the mean of 0 is not a detail.
#
# And on real images the rule holds (×{{broken["real images"]:.2f}}), though pixels are neither
# independent nor alike. The weights' independence is enough. Training takes that away, for dW is
# made of the inputs. The rule speaks about the start.
#
# </details>
#
# ### Core: mend the rule
#
# Now write the rule that holds in all cases of the table. `x` holds one image per row. The weights
# are independent of one another and of x, with mean `m` and variance `v`. Return Var(y), over
# images and units together. Split the weights: w = m + (w − m). What does the constant part m add
# up in every unit? What does the random part add?

# %% tags=["stub"]
def mended_rule(x, m, v):
    """Return Var(y) of y = x @ W over images and units, for weights of mean m and variance v."""
    ...

# %% tags=["solution"]
def mended_rule(x, m, v):
    """Return Var(y) of y = x @ W over images and units, for weights of mean m and variance v."""
    random_part = v * np.sum(np.mean(x**2, axis=0))
    constant_part = m**2 * np.var(np.sum(x, axis=1))
    return random_part + constant_part

# %%
checks.scales.mended_rule(mended_rule)

# %% [markdown]
# ## 5. And the way back: Glorot
#
# The gradient goes back by `dx = dy @ W.T`. It is the same sum, but over the units that one input
# feeds: their number is **fan_out**.
#
# $$\mathrm{Var}(dx) = \text{fan\_out} \cdot \mathrm{Var}(w) \cdot \mathrm{Var}(dy)$$
#
# **Commit:** a layer leads from 100 units to 400, with the weights that suit the signal, 1 /
# fan_in. What does it multiply the gradient's variance by?

# %%
guess_back = predict.number("100 to 400 units, 1 / fan_in: the gradient's variance times", low=0.1,
                            high=10, log=True)
guess_back

# %%
rng, rows, factor = np.random.default_rng(0), [], {}
fan_in, fan_out = 100, 400
for name, fan in {"fan_in": 100, "fan_out": 400, "their average": 250}.items():
    W = rng.normal(0, np.sqrt(1 / fan), (fan_in, fan_out))
    forward = np.var(normal((2000, fan_in)) @ W)
    factor[name] = np.var(normal((2000, fan_out)) @ W.T)
    rows.append((f"1 / {name}", f"×{forward:.2f}", f"×{factor[name]:.2f}"))
guess_back.reveal(factor["fan_in"])

# %%
table(("Var(w)", "signal", "gradient"), rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Each choice keeps one of the two. Both wishes need fan_in = fan_out.
#
# </details>
#
# The compromise is the average of both fans, **fan_avg**: variance 1 / fan_avg. This is **Glorot
# initialization** (also called Xavier). As a uniform draw between −s and s, which has the variance
# s² / 3, the limit is s = √(3 / fan_avg):

# %%
def glorot_uniform(shape, rng):
    limit = np.sqrt(3 / np.mean(shape))
    return rng.uniform(-limit, limit, shape)

def old_uniform(shape, rng):  # what many used before: variance 1 / (3 · fan_in)
    limit = 1 / np.sqrt(shape[0])
    return rng.uniform(-limit, limit, shape)

# %% [markdown]
# Replay the experiment that led to it: five tanh layers of 1,000 units, five seeds. Only the
# weights differ.
#
# **Commit:** with the old weights, |dW| over the layers will …

# %%
guess_old = predict.choice("Old weights: |dW| from layer 1 to layer 5 will",
                           ["fall", "rise", "stay level"])
guess_old

# %%
panels = {"std of h": {}, "|dz|": {}, "|dW|": {}}
for name, start in {"U(±1/√n)": old_uniform, "Glorot": glorot_uniform}.items():
    seen = []
    for seed in range(5):
        net = MLP((784, *[1000] * 5, 10), activation="tanh", initializer=start,
                  rng=np.random.default_rng(seed))
        seen.append(trace(net, x[:200], y[:200]))
    for title, quantity in zip(panels, ("std", "grad_z_norm", "grad_W_norm")):
        panels[title][name] = np.array([t.per_layer(quantity) for t in seen])

ratio = {title: np.median(by["U(±1/√n)"][:, 4] / by["U(±1/√n)"][:, 0])
         for title, by in panels.items()}
level = 2 / 3 < ratio["|dW|"] < 3 / 2
guess_old.reveal("stay level" if level else "rise" if ratio["|dW|"] > 1 else "fall")

# %%
plots.seed_panels(panels, xlabel="layer",
                  alt="old weights: std of h falls, |dz| rises with the layer, |dW| is level")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# With the old weights the signal shrinks forward, to {{ratio["std of h"]:.2f}} of layer 1's by
# layer 5. The gradient shrinks backward: layer 5 has {{ratio["|dz|"]:.0f}} times as much as layer
# 1. And their product dW is level. Whoever logs weight gradients alone sees no illness. With
# Glorot's weights both lose far less.
#
# </details>
#
# A little is still lost: tanh pulls every value toward 0. A factor of `5/3` on all weights (a
# **gain**) stops that, at a price. [deeper/04](deeper/04_weights_in_depth.ipynb) derives both.
#
# And what does Glorot do for **sigmoid**? Look at two spreads in layer 10: over all h, and over the
# images within one unit.

# %%
over_images = {}
for name in ("tanh", "sigmoid"):
    h = network(name, "glorot_normal").forward(x).h[10]
    over_images[name] = h.std(axis=0).mean()
    print(f"{name:8} mean of h: {h.mean():5.2f}   std over all: {h.std():.2f}   "
          f"std over the images: {over_images[name]:.1g}")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Nothing is saturated, and the std over all h looks well. But it is a difference between *units*.
# From image to image hardly anything is left ({{over_images["sigmoid"]:.0e}}). Glorot cures
# saturation. It can't cure sigmoid's mean of one half, and its slope of at most $1/4$.
#
# </details>
#
# ## 6. What ReLU takes: He
#
# So far the activation was left out. ReLU sets half of all z to 0.
#
# **Commit:** z is normal with mean 0. How much of its mean square is left, E[relu(z)²] / Var(z)?

# %%
guess_half = predict.number("Share of the mean square that ReLU leaves", low=0, high=1)
guess_half

# %%
z = normal(1_000_000)
guess_half.reveal(np.mean(np.maximum(z, 0) ** 2) / np.var(z))

# %% [markdown]
# Why just this share? Try to say it before you open the answer. It needs no integral.
#
# <details><summary>Why</summary>
#
# Write every z² as two parts, of which one is always 0:
#
# $$z^2 = \mathrm{relu}(z)^2 + \mathrm{relu}(-z)^2$$
#
# If z is symmetric about 0, then −z is distributed like z, so both parts have the same average.
# Each is half: $E[\mathrm{relu}(z)^2] = E[z^2]/2 = \mathrm{Var}(z)/2$. Nothing else is used.
#
# </details>
#
# Test the reason: is it the bell shape, or the symmetry?

# %%
rng = np.random.default_rng(1)
for name, z in {
    "normal": rng.normal(size=1_000_000),
    "uniform": rng.uniform(-1, 1, 1_000_000),
    "lopsided": rng.exponential(size=1_000_000) - 1,  # its mean is 0, too
}.items():
    h, slope = np.maximum(z, 0), np.where(z > 0, 1.0, 0.0)
    print(f"{name:9} E[h²] / Var(z): {np.mean(h**2) / np.var(z):.2f}   "
          f"E[slope²]: {np.mean(slope**2):.2f}   mean of h: {h.mean():.2f}   std: {h.std():.2f}")

# %% [markdown]
# It is the symmetry. The second column is the way back: ReLU's slope is 1 for half of all symmetric
# z and 0 for the rest, so the gradient's mean square is halved, too. Both ways the weights'
# variance must double:
#
# $$\text{fan\_in} \cdot \mathrm{Var}(w) \cdot \tfrac12 = 1
#   \quad\Rightarrow\quad \mathrm{Var}(w) = \frac{2}{\text{fan\_in}}$$
#
# This is **He initialization** (also called Kaiming). On the way back it is 2 / fan_out. Either one
# does: they differ by a fixed factor, which does not grow with depth, where widths are equal.
#
# ### Core: He's weights
#
# Draw them, with `rng.standard_normal`.

# %% tags=["stub"]
def he_normal(shape, rng):
    """Return normal weights of shape (fan_in, fan_out), mean 0 and variance 2 / fan_in."""
    ...

# %% tags=["solution"]
def he_normal(shape, rng):
    """Return normal weights of shape (fan_in, fan_out), mean 0 and variance 2 / fan_in."""
    return rng.standard_normal(shape) * np.sqrt(2 / shape[0])

# %%
checks.scales.he_normal(he_normal)

# %% [markdown]
# ### Build: what Glorot leaves to ReLU
#
# Predict a whole network. A ReLU network has `sizes` (inputs, hidden …, outputs), **Glorot's**
# weights, and inputs of the given mean square. What is E[h²] in its last hidden layer?

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
# **Commit:** ten ReLU layers with Glorot's weights. How much of layer 1's E[h²] is left in layer
# 10?

# %%
guess_glorot = predict.number("ReLU, Glorot: E[h²] of layer 10 over layer 1", low=1e-5, high=10,
                              log=True)
guess_glorot

# %%
rows, left, in_theory = [], {}, 0.5**9
for label, start in {"Glorot": "glorot_normal", "He": "he_normal"}.items():
    hidden = [network("relu", start, seed=seed).forward(x).h for seed in range(20)]
    left[label] = np.mean([np.mean(h[10]**2) / np.mean(h[1]**2) for h in hidden])
    for layer in (1, 5, 10):
        means = [h[layer].mean() for h in hidden]
        stds = [h[layer].std() for h in hidden]
        rows.append((f"{label}, layer {layer}", *(f"{np.median(v):.2f}" for v in (means, stds)),
                     f"{min(stds):.2f} to {max(stds):.2f}"))
guess_glorot.reveal(left["Glorot"])

# %%
table(("ReLU", "mean of h, median of 20 seeds", "std of h", "range of std"), rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# With Glorot each layer halves E[h²]: averaged over the seeds, {{left["Glorot"]:.2g}} of it is left
# in layer 10, where theory says {{in_theory:.2g}}. With He it is {{left["He"]:.2f}}; theory says 1.
# Neither mean nor spread collapses. Single seeds wander, as lesson 02 showed: width 100 is narrow
# for ten layers.
#
# </details>
#
# ### Read the figure
#
# Here are networks of ten layers. Which is which? Fill in the letters: `"tanh, Glorot"`, `"sigmoid,
# Glorot"`, `"ReLU, Glorot"`, `"ReLU, He"`.

# %%
four = {letter: trace(net, x, y) for letter, net in checks.scales.four_networks().items()}
plots.histogram_rows(four, alt="four rows of ten histograms, A to D, without names")

# %% tags=["stub"]
reading = {"A": ..., "B": ..., "C": ..., "D": ...}

# %% tags=["solution"]
reading = {"A": "ReLU, He", "B": "sigmoid, Glorot", "C": "ReLU, Glorot", "D": "tanh, Glorot"}

# %%
checks.scales.read_rows(reading)

# %% [markdown]
# ## 7. Every activation has its own variance
#
# ReLU's ½ was special only in being easy. For any f, ask the same: what is E[f(z)²] for normal z of
# variance 1? The rule wants fan_in · Var(w) = 1 / E[f²]; the way back wants fan_out · Var(w) = 1 /
# E[f'²]. Both are one weighted sum:

# %%
z = np.linspace(-10, 10, 20_001)
chance = np.exp(-(z**2) / 2)
chance /= chance.sum()
for name in ("relu", "selu", "silu"):
    f, df = activations.ACTIVATIONS[name].f, activations.ACTIVATIONS[name].df
    print(f"{name:5} signal asks for {1 / np.sum(chance * f(z) ** 2):.2f}   "
          f"gradient asks for {1 / np.sum(chance * df(z) ** 2):.2f}")

# %% [markdown]
# SELU asks for 1, by its construction: variance 1 / fan_in is called **LeCun initialization**.
# SiLU asks for clearly more than He's 2. Yet He is what is usually taken for it.
#
# **Commit:** SiLU with He's weights. The std of z is 1 in layer 1. What does theory say for layer
# 10?

# %%
guess_silu = predict.number("SiLU with He: std of z in layer 10", low=0.001, high=10, log=True)
guess_silu

# %%
guess_silu.reveal(initialization_table.std_after("silu", 2))

# %%
initialization_table.initialization_table()

# %% [markdown]
# n is the fan, for layers as wide as their inputs. "Kept" are factors on mean squares. Theory is
# one thing. Measure ten layers on real images, five seeds, with the usual weights and with those
# that the signal asks for.

# %%
def ten_layers(name, start, images):
    ends, over_images = [], []
    for seed in range(5):
        signals = trace(network(name, start, seed=seed), images, y)
        ends.append(signals.per_layer("z_std")[[0, 9]])
        h = network(name, start, seed=seed).forward(images).h[10]
        over_images.append(h.std(axis=0).mean())
    first, last = np.transpose(ends)
    return np.median(first), np.median(last), np.median(last / first), np.median(over_images)

measured = {}
for name in ("gelu", "silu", "elu", "softplus", "sigmoid"):
    entry = activations.ACTIVATIONS[name]
    scale = initialization_table.asked_by_signal(name)
    asked = initializers.variance_scaling(scale, "fan_in", "normal")
    measured[f"{entry.label}, usual"] = ten_layers(name, entry.initializer, x)
    measured[f"{entry.label}, by theory"] = ten_layers(name, asked, x)
    if name == "silu":  # every image scaled, so that z has variance 1 in layer 1
        x_scaled = x / np.sqrt(scale * np.mean(x**2, axis=1, keepdims=True))
        measured["SiLU, by theory, images scaled"] = ten_layers(name, asked, x_scaled)

rows = [(name, *(f"{v:.2f}" for v in told[:3]), f"{told[3]:.1g}")
        for name, told in measured.items()]
table(("median of 5 seeds", "std of z, layer 1", "layer 10", "layer 10 / layer 1",
       "std of h over the images, layer 10"), rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# He's weights suit ReLU and its leaky kin. At He's scale GELU, SiLU and Mish lose size: over ten
# layers SiLU's std of z falls to {{measured["SiLU, usual"][2]:.2f}} of layer 1's. ELU and softplus
# grow. By theory's variance ELU and softplus about keep it. SiLU now *grows*,
# ×{{measured["SiLU, by theory"][2]:.1f}}. Why? Theory's number is for a z of variance 1, and here z
# starts larger. Scale the images alone, so that it starts at 1, and the factor is
# {{measured["SiLU, by theory, images scaled"][2]:.2f}}. SiLU keeps a larger share of a larger z, so
# an error grows from layer to layer.
#
# Then read the last column. Sigmoid and softplus hold the size of z, and still pass next to nothing
# of an image on. What fills their h is a mean, the same for all images. No scale in the table cures
# that. **Softmax** has no business in a hidden layer. It is the output layer's, whose usual weights
# are Glorot's.
#
# </details>
#
# ## 8. In Keras, and on a convolution
#
# The libraries know these rules by name. Their default for dense and convolutional layers is
# Glorot, uniform. What they call "normal" has a peculiarity.
#
# **Commit:** draw a large matrix with Keras's `he_normal`. How large is the largest, in
# standard deviations?

# %%
guess_largest = predict.number("he_normal in Keras: largest weight, in standard deviations", low=1,
                               high=6)
guess_largest

# %%
keras = keras_models.keras()
keras.utils.set_random_seed(0)
rows, largest = [], {}
for name, fan in {"glorot_uniform": 200, "glorot_normal": 200, "he_normal": 300,
                  "he_uniform": 300, "lecun_normal": 300}.items():
    layer = keras.layers.Dense(100, kernel_initializer=name)
    layer.build((None, 300))
    W = layer.kernel.numpy().astype(float)
    largest[name] = np.abs(W).max() / W.std()
    rows.append((name, "fan_avg" if fan == 200 else "fan_in", f"{fan * W.var():.1f}",
                 f"{largest[name]:.1f}"))
guess_largest.reveal(largest["he_normal"])

# %%
table(("Dense(100), 300 inputs", "fan", "variance × fan", "largest / std"), rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The variances are those of the rules. A uniform weight ends at √3 standard deviations. Keras's
# "normal" is **truncated**: what lies beyond two standard deviations is drawn again. That alone
# would make the variance too small, so the normal is widened first. The variance is right again,
# and the largest weight is {{largest["he_normal"]:.1f}} standard deviations of the result. All are
# special cases of `VarianceScaling(scale=2., mode="fan_in", distribution="truncated_normal")`.
#
# </details>
#
# A **convolution** slides a small window over an image with several channels. One output adds up
# the window's pixels of *all* input channels.
#
# ### Build: the fans of a convolution
#
# A kernel has the shape (height, width, channels in, channels out). Return (fan_in, fan_out).

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
# Ask Keras whether it counts alike. Then forget the window: scale for fan_in = 32.

# %%
conv = keras.layers.Conv2D(64, 3, kernel_initializer="he_normal")
pictures = normal((20, 12, 12, 32))
z = conv(pictures.astype("float32")).numpy()
kernel = conv.kernel.numpy()
forgotten = np.sqrt((2 / 32) / (2 / (3 * 3 * 32)))  # the std that it would have, over the right one
conv.kernel.assign(kernel * forgotten)
z_forgotten = conv(pictures.astype("float32")).numpy()
print(f"shape of the kernel: {kernel.shape}")
print(f"variance of the kernel × (3 · 3 · 32): {288 * kernel.var(dtype=float):.1f}")
print(f"Var(z) / Var(x): {z.var(dtype=float):.1f}   with the window forgotten: "
      f"{z_forgotten.var(dtype=float):.0f}")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Keras counts the window: He asks for `2`, and gets it. With the window forgotten it is
# {{words(round(z_forgotten.var() / z.var()))}} times that, and in every layer again.
#
# </details>
#
# ## 9. Does it cure the patient?
#
# Give the patient Glorot's weights. **Commit:** what do they do alone, and with lesson 03's tanh?

# %%
guess_cure = predict.choice("Glorot's weights for the patient:", [
    "cure it alone",
    "do nothing alone, get it off chance with tanh",
    "do nothing alone, cure it with tanh",
    "do nothing, either way",
])
guess_cure

# %%
guess_cure.reveal("do nothing alone, get it off chance with tanh")

# %%
patient.scoreboard((), ("activation",), ("weights",), ("activation", "weights"))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Alone the weights do nothing. With tanh the patient gets off chance for the first time, with most
# seeds, and with none far. So both are causes, and neither was the only one. The pixels are still
# as they were: lesson 05.
#
# </details>
#
# ### Which start trains best?
#
# A fair race needs each start at *its own* best learning rate. So every contender below was trained
# with a grid of rates, widened until the best one was not at its edge. The rate was chosen on
# validation images, and the scores come from test images and fresh seeds. Ten layers, standardized
# images, 300 steps.
#
# **Commit:** take tanh. Does `N(0, 0.01²)` learn at *any* rate? Does N(0, 1)?

# %%
guess_any = predict.choice("With its best learning rate, which start still fails?", [
    "N(0, 0.01²) alone", "N(0, 1) alone", "both", "neither"])
guess_any

# %%
race = comparison.load("initializations")
fails = [name for name in ("tanh, N(0, 0.01²)", "tanh, N(0, 1)") if race.test(name).min() > 1.8]
won = {}
for name, rival in (("ReLU, He", "ReLU, Glorot"), ("tanh, Glorot × 5/3", "tanh, Glorot"),
                    ("SiLU, by theory", "SiLU, He")):
    won[name] = race.difference(rival, name, comparisons=3)
guess_any.reveal("both" if len(fails) == 2 else f"{fails[0][6:]} alone" if fails else "neither")

# %%
race

# %%
race.grid("tanh, N(0, 1)")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Both fail at every rate in their grids. No learning rate makes up for such a start.
#
# Between sound starts the differences are small, once each has its own rate. For ReLU, He's weights
# beat Glorot's by {{won["ReLU, He"].mean:.2f}} in loss (interval at `95 %`:
# {{won["ReLU, He"].low:.2f}} to {{won["ReLU, He"].high:.2f}}). The gain of `5/3` for tanh *costs*
# {{-won["tanh, Glorot × 5/3"].mean:.2f}} ({{-won["tanh, Glorot × 5/3"].high:.2f}} to
# {{-won["tanh, Glorot × 5/3"].low:.2f}}). And SiLU by theory can't be told apart from SiLU with He
# in ten layers, though one lets the size of z grow and the other lets it fall. A moderate factor
# over all layers is something that training makes up for. A tenth *per layer* is not.
#
# </details>
#
# ## 10. What is a good start?
#
# Is it one with a low loss? Walk from the start along one random direction through the space of all
# weights. At distance 1 the step is as long as the weights themselves.
#
# **Commit:** which start of the ten tanh layers has the lowest loss?

# %%
starts = {"N(0, 0.01²)": "small_normal", "Glorot": "glorot_normal", "N(0, 1)": "standard_normal"}
guess_lowest = predict.choice("Lowest loss before training:", list(starts))
guess_lowest

# %%
x50, y50 = x[:50], y[:50]

def walk(start, reach, points):
    model = network("tanh", start)
    direction = landscape.random_direction(model, np.random.default_rng(1))
    distances = np.linspace(-reach, reach, points)
    return landscape.losses_along(model, direction, distances, x50, y50)

lines, reaches = {}, {}
for name, reach, points in (("N(0, 0.01²)", 1, 101), ("Glorot", 1, 101), ("N(0, 1)", 2e-4, 321)):
    title = name if reach == 1 else f"{name}, very near"
    lines[title], reaches[title] = walk(starts[name], reach, points), reach
first, moves = {}, {}
for name, losses in zip(starts, lines.values()):
    first[name], moves[name] = losses[len(losses) // 2], np.ptp(losses)
    print(f"{name:12} loss at the start: {first[name]:6.3f}   along the line it moves by "
          f"{moves[name]:.3f}")
guess_lowest.reveal(min(first, key=first.get))

# %%
plots.loss_lines(lines, reaches, alt="N(0, 0.01²) is flat, Glorot's slopes are gentle, N(0, 1) is "
                 "jagged even on a five-thousandth of the way")

# %% [markdown]
# How often does the last line turn? A count is worth nothing until it stops growing when you
# look closer:

# %%
turns = {points: landscape.turns(walk("standard_normal", 2e-4, points))
         for points in (21, 81, 321, 1281)}
print("points sampled: turns seen  ", turns)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The small start has the *lowest* loss, that of guessing, and is flat: there is nothing to follow.
# Glorot's start has a higher loss. Over the whole line it moves by
# {{moves["Glorot"]:.2f}}, in a few wide bends: a gradient stays right for a while. N(0, 1) turns
# about {{about(turns[1281])}} times on a few ten-thousandths of the way; a gradient there is right
# for a shorter way than any step. Sampled coarsely one sees {{turns[21]}} turns and
# takes that for the truth. The aim is a gradient worth following, not a start near the minimum.
#
# </details>
#
# ## 11. Residual blocks
#
# A **residual block** adds a branch to its input: h ← h + F(h), here with F(h) = relu(h W₁) W₂.
# With random weights the two are uncorrelated, so their variances *add*.
#
# **Commit:** He's weights in all branches. What do 50 blocks multiply the mean square of h by?

# %%
guess_blocks = predict.number("50 residual blocks with He: E[h²] times", low=1, high=1e40, log=True)
guess_blocks

# %% [markdown]
# Four ways to start: **naive** (Glorot everywhere, the default); **he**; **zeroed** (He, but W₂ =
# 0, so that a block begins as the identity); **scaled** (He, with W₁ multiplied by $L^{-1/2}$ for L
# blocks, so that each adds its share of 1/L).

# %%
blocks, growth, predicted, rows = 50, {}, {}, []
for name in ("he", "naive", "scaled", "zeroed"):
    five = []
    for seed in range(5):
        net = builders.bare_residual_stack(784, 100, blocks, 10, start=name,
                                           rng=np.random.default_rng(seed))
        five.append(builders.stream_second_moments(net, x[:200]))
    growth[name] = np.array(five) / np.array(five)[:, :1]
    each = builders.STARTS[name].growth(blocks)
    predicted[name] = each ** np.arange(blocks + 1)
    rows.append((name, f"×{each:.2f}", f"{predicted[name][-1]:.1e}",
                 f"{np.median(growth[name][:, -1]):.1e}"))
guess_blocks.reveal(np.median(growth["he"][:, -1]))

# %%
table(("start", "each block, predicted", "50 blocks, predicted", "median of 5 seeds"), rows)

# %%
plots.seed_panels({"mean square of h": growth, "the last two, closer":
                   {name: growth[name] for name in ("scaled", "zeroed")}}, predicted,
                  xlabel="block", first=0, alt="he and naive explode, scaled grows a little, "
                  "zeroed stays at 1")

# %% [markdown]
# Do these remedies help training? Another fair race; **fixup** scales *and* zeroes. **Commit:**

# %%
guess_shallow = predict.choice("Zeroing the last matrix, in 3 blocks and in 20:",
                               ["helps in both", "helps in 20 only", "helps in neither"])
guess_shallow

# %%
residual = comparison.load("residual_starts")
helps = {blocks: residual.difference(f"{blocks} blocks, zeroed", f"{blocks} blocks, he")
         for blocks in (3, 20)}
guess_shallow.reveal("helps in both" if helps[3].high < 0 else "helps in 20 only")

# %%
residual

# %% [markdown]
# <details><summary>What you saw</summary>
#
# With 20 blocks **he** is lost at every rate, and **naive** ends far behind. The remedies train as
# well as three blocks do. With three blocks zeroing still helps a little: against he the test
# loss is lower by {{-helps[3].mean:.3f}} (interval at `95 %`: {{-helps[3].high:.3f}} to
# {{-helps[3].low:.3f}}), which one often reads it would not. The starts alone differ, so the starts
# did it. These nets have neither biases nor normalization; with those the limits lie elsewhere.
#
# </details>
#
# ## 12. Without a formula: LSUV
#
# **LSUV** (layer-sequential unit variance) measures instead of predicting: draw any weights (the
# authors take orthogonal ones), send one batch in, divide the first layer's weights so that its z
# has variance 1, go on to the next layer.
#
# ### Build: one step of LSUV
#
# `h` is the batch that arrives at a layer, `W` its weights. Return weights for which z has the
# variance 1.

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

# %% [markdown]
# **Commit:** how many such divisions does a layer need, at most?

# %%
guess_steps = predict.number("LSUV: divisions that a layer needs", low=0, high=10)
guess_steps

# %%
rows, most = [], 0
for name in ("tanh", "relu", "silu", "softplus", "sigmoid"):
    net = network(name, "zeros")
    divisions = lsuv(net, x, rng=np.random.default_rng(0), tolerance=0.1)
    most = max(most, *divisions)
    z_std, h = trace(net, x, y).per_layer("z_std"), net.forward(x).h[10]
    rows.append((activations.ACTIVATIONS[name].label, " ".join(map(str, divisions)),
                 f"{z_std.min():.2f} to {z_std.max():.2f}", f"{h.std(axis=0).mean():.1g}"))
guess_steps.reveal(most)

# %%
table(("activation", "divisions, layers 1 to 10", "std of z", "std over the images, layer 10"),
      rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# At most {{words(most)}}: z is linear in W, so a single division is exact. It works for every
# activation. But read the last column again: LSUV looks after the size of z and nothing else.
# Sigmoid and softplus still lose the image.
#
# </details>
#
# ## 13. The lab, and your own start
#
# Activation, initialization, gain, depth and width, on real images. Dashed lines are predictions.

# %%
labs.initialization_lab()

# %% [markdown]
# - **tanh with Glorot: move the gain down to `0.5`, then up to `3`.** What holds the spread above
#   1? Watch the gradient.
# - **ReLU with He, width `10`, depth `50`: move the seed.** Then width `500`.
# - **tanh with `N(0, 0.01²)`: raise the gain** until the signal comes back. Which gain, and why?
#
# ### Challenge: an awkward network
#
# SiLU again, in {{words(len(checks.scales.AWKWARD) - 2)}} layers that are
# {{checks.scales.AWKWARD[1]}}, {{checks.scales.AWKWARD[2]}} and {{checks.scales.AWKWARD[3]}} units
# wide in turn. None of the named rules serves it well. Write your own: any function of the shape
# and `rng`. The check trains your network for {{checks.scales.AWKWARD_STEPS}} steps at its best
# learning rate, with several seeds, and scores the **held-out loss**: smaller is better, below
# {{checks.scales.AWKWARD_PASSES}} passes. It also tells what becomes of your signal and gradient.
# It takes some seconds. Plan for several tries: first the scale, then what else a matrix of random
# numbers can be.

# %% tags=["stub"]
def my_weights(shape, rng):
    """Return weights of shape (fan_in, fan_out)."""
    ...

# %% tags=["solution"]
def my_weights(shape, rng):
    """Return weights of shape (fan_in, fan_out)."""
    return rng.standard_normal(shape) * np.sqrt(2.5 / shape[0])

# %%
checks.scales.awkward(my_weights)

# %% [markdown]
# ### Experiment: a question of your own
#
# Here is the patient with all its cures. Which start does it like best? Or ask something else. Save
# each run under a name and compare. Try several seeds before you believe it.

# %%
glorot = patient.cured("activation", "weights", "inputs").train(seed=0, steps=200)
runs.save("Glorot", loss=glorot.loss)

tried = patient.Patient("standardized", "he_normal", "tanh").train(seed=0, steps=200)  # change this
runs.save("He instead of Glorot", loss=tried.loss)

runs.compare()

# %% [markdown]
# ## How did you guess?

# %%
predict.summary()

# %% [markdown]
# ## Summary
#
# - Equal weights stay equal. Weights must be random, with mean 0.
# - Var(y) = fan_in · Var(w) · Var(x) forward, fan_out · Var(w) · Var(dy) back. The activation adds
#   E[f²] to the one and E[f'²] to the other.
# - Glorot, 1 / fan_avg, for tanh. He, 2 / fan_in, for ReLU and its leaky kin. LeCun, 1 / fan_in,
#   for SELU. For all others compute it, or measure (LSUV).
# - A size that looks right may hide a signal that is gone: look over the images.
# - Residual streams grow with every block: zero the last matrix of each branch, or scale it.
#
# ## In practice
#
# - In Keras write `kernel_initializer="he_normal"` for ReLU. The default is Glorot, uniform.
# - Before a long run send one batch through and print the std of z, layer by layer.
# - A different start wants a different learning rate. Compare each at its own.
#
# Next: [Prepare the inputs](05_prepare_the_inputs.ipynb). It finds the patient's third cause.
# Deeper: [Weights in depth](deeper/04_weights_in_depth.ipynb). Before: [Choose an
# activation](03_choose_an_activation.ipynb).

# %% [markdown] tags=["given"]
# ## Further reading
#
# - [Glorot and Bengio 2010](https://proceedings.mlr.press/v9/glorot10a.html): the experiment of
#   section 5.
# - [He and others 2015](https://arxiv.org/abs/1502.01852): the derivation for ReLU, both ways.
# - [Mishkin and Matas 2016](https://arxiv.org/abs/1511.06422): LSUV.
# - [Zhang, Dauphin and Ma 2019](https://arxiv.org/abs/1901.09321): Fixup.
# - [Keras: initializers](https://keras.io/api/layers/initializers/): the names and their settings.
