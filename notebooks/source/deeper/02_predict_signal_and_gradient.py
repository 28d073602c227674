# %% [markdown]
# # Predict signal and gradient
#
# Deeper than [lesson 02](../02_watch_gradients_vanish.ipynb): where the factor per layer comes
# from, how well it holds for every activation, why N(0, 1) weights happen to suit its sigmoid
# network, and why one narrow deep network is a lottery ticket.
#
# *About 45 minutes. You should have done lesson 02.*

# %%
import numpy as np
from helpers import MLP, activations, checks, cross_entropy, data, plots, predict, theory, trace

# %% [markdown]
# ## 1. Derivation: the factor χ
#
# Call the gradient with respect to a layer's pre-activations dz, and let n be the number of units
# of layer l.
#
# 1. Layer l feeds the next one: $z_{l+1} = h_l W_{l+1} + b_{l+1}$ with $h_l = f(z_l)$.
# 2. The chain rule, unit by unit: $dz_{l,i} = f'(z_{l,i}) \sum_j W_{ij}\, dz_{l+1,j}$. For a whole
#    layer: $dz_l = (dz_{l+1} W_{l+1}^T) \odot f'(z_l)$.
# 3. Square it and average over the random weights. They have mean 0 and are independent, so all
#    products of two different weights drop out: $E\big[(\sum_j W_{ij}\, dz_{l+1,j})^2\big] =
#    \mathrm{Var}(w) \sum_j dz_{l+1,j}^2$.
# 4. *Assume* that the slope $f'(z_{l,i})$ is independent of that sum. That is not quite true, and
#    works well.
# 5. Add up the n units: $E\|dz_l\|^2 = n\,\mathrm{Var}(w)\,E[f'^2]\,\|dz_{l+1}\|^2$. With
#    $\sigma_w^2$ for $n\,\mathrm{Var}(w)$ the factor is $\chi = \sigma_w^2\,E[f'(z)^2]$, said
#    "chi".
# 6. What is the average over? z is a sum of many independent terms, so it is normal, with mean 0
#    and a variance q: $z = \sqrt q\,\xi$ with $\xi \sim N(0, 1)$.
# 7. The same argument forward gives q: $q_{l+1} = \sigma_w^2\,E[f(\sqrt{q_l}\,\xi)^2] +
#    \sigma_b^2$, where $\sigma_b^2$ is the variance of the biases.
# 8. After a few layers q settles, χ is the same everywhere, and the length changes by $\sqrt\chi$
#    per layer. This is called **mean-field theory**: each unit sees only the average of all others.
#
# Check step 2 against the code that made the figures, then step 5 with fresh weights each time.

# %%
x, y = data.load_batch(100, dtype=np.float64)
model = MLP((784, *[100] * 6, 10), activation="tanh", rng=np.random.default_rng(0))
passed = model.forward(x)
_, dlogits = cross_entropy(passed.logits, y)
gradients = model.backward(passed, dlogits)
tanh = activations.ACTIVATIONS["tanh"]
for i in range(6):  # step 2
    one_step = gradients.dz[i + 1] @ model.weights[i + 1].T * tanh.df(passed.z[i])
    assert np.allclose(gradients.dz[i], one_step)

# %%
rng, n, sigma_w2, q = np.random.default_rng(0), 300, 1.5, 0.8
factors = []
for _ in range(200):  # step 5
    W = rng.normal(0, np.sqrt(sigma_w2 / n), (n, n))
    z, dz = rng.normal(0, np.sqrt(q), n), rng.normal(size=n)
    factors.append(np.sum((dz @ W.T * tanh.df(z)) ** 2) / np.sum(dz**2))
chi, error = theory.chi("tanh", q, sigma_w2), np.std(factors) / np.sqrt(len(factors))
print(f"χ in theory: {chi:.3f}   mean of 200 draws: {np.mean(factors):.3f}   "
      f"standard error: {error:.3f}")
assert abs(np.mean(factors) - chi) < 3 * error

# %% [markdown]
# ### Exercise: χ by yourself
#
# Compute χ for any activation, given its derivative. Draw random numbers, or add up over a fine
# grid. The check allows an error of two per hundred. (`checks.flow.chi_factor.hint()` helps.)

# %% tags=["folded"]
def chi_factor(df, sigma_w2, q):
    """Return χ = σ_w² E[f'(z)²] for z ~ N(0, q); `df` is the derivative of the activation."""
    z = np.sqrt(q) * np.random.default_rng(0).standard_normal(1_000_000)
    return sigma_w2 * np.mean(df(z) ** 2)

# %%
checks.flow.chi_factor(chi_factor)

# %% [markdown]
# ## 2. Order, chaos, and the edge between
#
# χ < 1 is called **order**: gradients vanish. χ > 1 is called **chaos**: gradients explode. The
# names come from tanh networks, where two images grow alike on the way forward in order, and drift
# apart in chaos. χ = 1 is the **edge of chaos**. Off the edge, the **depth scale** 1 / |ln χ| is
# the number of layers over which the squared length changes by a factor of e.
#
# **Commit:** ReLU's edge is at σ_w² = 2. Tanh has slopes between 0 and 1. Its edge is at …

# %%
guess_tanh = predict.choice("Tanh with a few biases: its edge, beside ReLU's 2, is at",
                            ["a smaller σ_w²", "the same", "a larger σ_w²"])
guess_tanh

# %%
print(f"tanh, σ_b² = 0.05: the edge is at σ_w² = {theory.critical_sigma_w2('tanh', 0.05):.3f}")
print(f"ReLU, σ_b² = 0:    the edge is at σ_w² = {theory.critical_sigma_w2('relu', 0):.3f}")
print(f"sigmoid, σ_b² = 0: the edge is at σ_w² = {theory.critical_sigma_w2('sigmoid', 0):.0f}")
guess_tanh.reveal("a smaller σ_w²")

# %% [markdown]
# ### Exercise: the edge of Leaky ReLU
#
# Leaky ReLU is z for positive z and a · z for negative z. At which σ_w² is χ = 1? Try a = 0 and
# a = 1 in your head first: you know both answers.

# %% tags=["folded"]
def edge_of_leaky_relu(a):
    """Return the σ_w² for which χ = 1 with a Leaky ReLU of slope a."""
    return 2 / (1 + a**2)

# %%
checks.flow.edge_of_leaky_relu(edge_of_leaky_relu)

# %% [markdown]
# ## 3. The puzzle of N(0, 1)
#
# In lesson 02, N(0, 1) weights saturated half of the sigmoid's units, and the gradient hardly
# vanished. Is that a law, or luck? Change the width alone.

# %%
kept, saturated = {}, {}
for width in (30, 100, 300):
    ratios, shares = [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        model = MLP((784, *[width] * 10, 10), activation="sigmoid", initializer="standard_normal",
                    rng=rng)
        signal = trace(model, x, y)
        sizes = signal.per_layer("grad_z_norm")
        ratios.append(sizes[0] / sizes[-1])
        shares.append(signal.per_layer("share_saturated")[9])
    kept[width], saturated[width] = np.array(ratios), np.median(shares)
    print(f"width {width:3}   saturated in layer 10: {saturated[width]:4.0%}   |dz| first / last, "
          f"median of 5 seeds: {np.median(ratios):6.1g}   range: {min(ratios):.0e} to "
          f"{max(ratios):.0e}")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Luck. At width 30 the gradient keeps {{np.median(kept[30]):.2f}} of itself, at width 300 it grows
# {{np.median(kept[300]):.0f}}-fold, though there more units are saturated. σ_w² is the width here,
# and the sigmoid's edge lies at {{theory.critical_sigma_w2("sigmoid", 0):.0f}}.
#
# </details>
#
# ## 4. Does it hold for every activation?
#
# Each gets the initialization that usually goes with it, five seeds, 10 layers of 200 units.

# %%
measured, predicted, found = {}, {}, {}
for name, entry in activations.ACTIVATIONS.items():
    sizes = []
    for seed in range(5):
        model = MLP((784, *[200] * 10, 10), activation=name, initializer=entry.initializer,
                    rng=np.random.default_rng(seed))
        signal = trace(model, x, y)
        size = signal.per_layer("grad_z_norm")
        sizes.append(size / size[-1])
    expected = theory.predict(model, x, signal.output_error).grad_z_norm
    measured[entry.label] = np.exp(np.mean(np.log(sizes), axis=0))
    predicted[entry.label] = expected / expected[-1]
    steps = np.array(sizes)[:, 0] ** (1 / 9)
    found[entry.label] = predicted[entry.label][0] ** (1 / 9), np.median(steps)
    print(f"{entry.label:10} {entry.initializer:13}  factor per step, predicted: "
          f"{found[entry.label][0]:.2f}   median: {np.median(steps):.2f}   range: "
          f"{min(steps):.2f} to {max(steps):.2f}")
plots.small_multiples(measured, predicted, ylabel="|dz|, last layer = 1")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# {{words(len(found)).capitalize()}} activations, one formula, one axis: no median printed is more
# than {{max(abs(round(e, 2) - round(m, 2)) for e, m in found.values()):.2f}} from its prediction.
# The sigmoid stands alone with {{found["sigmoid"][1]:.2f}}. ReLU, Leaky ReLU and the straight line
# sit at the edge. ELU with He's rule explodes slowly, {{found["ELU"][1]:.2f}} per step; tanh, SiLU
# and softplus vanish slowly. "Slowly" is still a factor: over a hundred layers it decides.
#
# </details>
#
# Is the depth scale real, too? Take tanh off the edge and compare layers 10 and 40, where q has
# settled.

# %%
sigma_w2, sigma_b2, scales = 1.2, 0.05, []
q = theory.fixed_point("tanh", sigma_w2, sigma_b2)
for seed in range(5):
    model = MLP((784, *[200] * 40, 10), activation="tanh", initializer="lecun_normal",
                gain=np.sqrt(sigma_w2), bias_std=np.sqrt(sigma_b2), rng=np.random.default_rng(seed))
    size = trace(model, x, y).per_layer("grad_z_norm")
    scales.append(30 / np.log(size[39] ** 2 / size[9] ** 2))
scale = theory.depth_scale(theory.chi("tanh", q, sigma_w2))
print(f"depth scale of tanh, σ_w² = 1.2, σ_b² = 0.05: predicted {scale:.1f}   "
      f"measured over 30 layers, median: {np.median(scales):.1f}   "
      f"range: {min(scales):.1f} to {max(scales):.1f}")

# %% [markdown]
# ## 5. Derivation: the lottery
#
# Where does the `5` of `5 · depth / width` come from? Take one layer of ReLU with He's rule, and
# write a unit's z as $\sqrt{2/n}\,\|h\|\,\xi$.
#
# 1. The squared length is multiplied by $r = \frac2n \sum_i \max(0, \xi_i)^2$.
# 2. Half of the ξ are negative, so $E[\max(0, \xi)^2] = \frac12$ and $E[r] = 1$: the edge.
# 3. The fourth moment of a normal number is $3$, so $E[\max(0, \xi)^4] = \frac32$ and the variance
#    of $\max(0, \xi)^2$ is $\frac32 - \frac14 = \frac54$.
# 4. The sum of n terms gives $\mathrm{Var}(r) = \frac{4}{n^2}\, n\, \frac54 = \frac5n$.
# 5. For small changes, $\ln r \approx (r - 1) - \frac12 (r - 1)^2$: its variance is about
#    $\frac5n$, its mean $-\frac{5}{2n}$.
# 6. Layers are independent, so L layers give the variance $5L/n$ and the drift $-5L/(2n)$.
#
# Step 1 also gives a short cut: to have the size of the signal one needs no matrix, only n normal
# numbers per layer. So 2,000 seeds can be afforded.

# %%
rng, seeds, variances, drifts = np.random.default_rng(0), 2000, {}, {}
for n in (100, 500):
    totals = np.zeros(seeds)
    for _ in range(100):  # layers
        xi = rng.standard_normal((seeds, n), dtype=np.float32)
        totals += np.log(2 / n * np.sum(np.maximum(xi, 0) ** 2, axis=1))
    variances[n], drifts[n] = totals.var(), totals.mean()
    error = variances[n] * np.sqrt(2 / seeds)
    print(f"width {n}: variance {variances[n]:.2f} ± {error:.2f}, mean {drifts[n]:.2f}   "
          f"first-order theory: {500 / n:.2f} and {-250 / n:.2f}")
    assert abs(variances[n] / (500 / n) - 1) < 0.15

# %% [markdown]
# Variance {{variances[100]:.2f}} at width 100 and {{variances[500]:.2f}} at width 500, as
# derived. The drift is there too. A *typical* network of width 100 ends with a smaller signal
# than it began with, although the *average* is kept: a few large ones make up for the rest. "He's
# rule keeps the variance" is a sentence about the average.
#
# ## 6. The bandage, by yourself
#
# ### Exercise: clip by norm
#
# All arrays together have one norm. Above the limit all are shrunk by one factor; below it nothing
# happens.

# %% tags=["folded"]
def clip_together(gradients, limit):
    """Return the arrays as a list, shrunk by one factor: their joint norm is at most `limit`."""
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    return [g * min(1, limit / norm) for g in gradients]

# %%
checks.flow.clip_together(clip_together)

# %% [markdown] tags=["given"]
# ## Further reading
#
# - [Exponential expressivity in deep neural networks through transient
#   chaos](https://arxiv.org/abs/1606.05340), Poole and others 2016: the map of order and chaos.
# - [Deep information propagation](https://arxiv.org/abs/1611.01232), Schoenholz and others 2017:
#   the depth scale, and that networks train only down to a few of them.
# - [Which neural net architectures give rise to exploding and vanishing
#   gradients?](https://arxiv.org/abs/1801.03744), Hanin 2018: the lottery, with proofs.
