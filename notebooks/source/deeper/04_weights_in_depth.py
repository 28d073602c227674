# %% [markdown]
# # Weights in depth
#
# Deeper than [lesson 04](../04_scale_the_weights.ipynb): how slowly tanh decays and what the gain
# of `5/3` costs, SELU through a hundred layers, why a lopsided weight matrix lets one unit shout,
# and how much a residual branch has to be scaled.
#
# *About 30 minutes. You should have done lesson 04.*

# %%
import numpy as np
from helpers import MLP, builders, data, initializers, plots, table, theory, trace

# %%
x, y = data.load_batch(1000, dtype=np.float64)

# %% [markdown]
# ## 1. tanh decays like 1 / (2l)
#
# With Glorot's weights in square layers, q, the variance of z, goes from layer to layer by $q_{l+1}
# = E[\tanh^2(\sqrt{q_l}\,\xi)]$, with ξ from N(0, 1). For small z, $\tanh z \approx z - z^3/3$, so
# $\tanh^2 z \approx z^2 - \tfrac23 z^4$. Since $E[\xi^4] = 3$:
#
# $$q_{l+1} \approx q_l - 2 q_l^2$$
#
# As a differential equation, $q' = -2q^2$, it has the solution $q = 1/(2l)$. So the product
# $2\,l\,q_l$ should settle at 1. And with all weights times `5/3`?

# %%
q, rows = {1: 1.0, 5 / 3: 1.0}, []
for layer in range(1, 1001):
    q = {gain: float(theory.variance_map("tanh", q[gain], gain**2)) for gain in q}
    if layer in (10, 100, 1000):
        chi = theory.chi("tanh", q[5 / 3], (5 / 3) ** 2)
        rows.append((layer, f"{q[1]:.5f}", f"{2 * layer * q[1]:.3f}", f"{q[5 / 3]:.3f}",
                     f"{chi:.2f}", f"{chi**100:.0e}"))
assert abs(2 * 1000 * q[1] - 1) < 0.01
table(("layer", "q, gain 1", "2 l q", "q, gain 5/3", "χ, gain 5/3", "χ to the power 100"), rows)

# %% [markdown]
# At gain 1 the product settles at 1: a slow decay, no collapse. At gain `5/3` the signal stands
# still at {{q[5 / 3]:.3f}}. The price is on the way back: each layer multiplies the gradient's mean
# square by χ = {{chi:.2f}}, and a hundred layers by {{chi**100:.0e}}. In lesson 04's fair race the
# gain costs a little loss at ten layers already.
#
# ## 2. SELU through a hundred layers
#
# SELU's constants make variance 1 a fixed point that attracts (lesson 03). So LeCun's weights
# should do for any depth, and He's should not.

# %%
def deep(initializer, seed=0):
    sizes, rng = (784, *[100] * 100, 10), np.random.default_rng(seed)
    return MLP(sizes, activation="selu", initializer=initializer, rng=rng)

hundred = {"SELU, LeCun": trace(deep("lecun_normal"), x[:300], y[:300]),
           "SELU, He": trace(deep("he_normal"), x[:300], y[:300])}
plots.histogram_rows(hundred, alt="with LeCun SELU keeps its shape through a hundred layers, with "
                     "He it grows out of the frame")

# %%
rows = []
for name, start in {"LeCun": "lecun_normal", "He": "he_normal"}.items():
    last = [trace(deep(start, seed), x[:300], y[:300]).hidden[-1].std for seed in range(5)]
    rows.append((name, f"{np.median(last):.2g}", f"{min(last):.2g} to {max(last):.2g}"))
table(("SELU, weights", "std of h, layer 100", "of 5 seeds"), rows)

# %% [markdown]
# ## 3. One unit is not the layer
#
# Lesson 04's rule speaks about all units together. If inputs move together, single units differ:
# a unit's variance over the images is $w^T C w$, with C the covariance of the inputs. Its average
# over random w is $\mathrm{Var}(w)\,\mathrm{tr}\,C$, as the rule says. Its spread depends on how
# unequal C's eigenvalues are: $\mathrm{Var}(w^T C w) = 2\,\mathrm{Var}(w)^2\,\mathrm{tr}\,C^2$ for
# normal w.

# %%
normal = np.random.default_rng(0).standard_normal
W, rows = normal((784, 500)), []
for name, inputs in {"independent": normal((1000, 784)), "images": x}.items():
    C = np.cov(inputs.T)
    units = (inputs @ W).var(axis=0) / np.trace(C)
    expected = np.sqrt(2 * np.sum(C**2)) / np.trace(C)
    rows.append((name, *(f"{v:.2f}" for v in (units.mean(), units.std(), expected, units.min(),
                                              units.max()))))
table(("inputs", "mean over units", "std", "std, predicted", "quietest", "loudest"), rows)

# %% [markdown]
# And weights that were made of the inputs break the rule altogether, since w then lies along C's
# large eigenvalues. Training makes such weights: dW is xᵀ dz.

# %%
made = x.T @ normal((1000, 500))
ratio = np.var(x @ made) / (784 * made.var() * x.var())
print(f"weights made of the images: Var(y) over the rule: {ratio:.0f}")

# %% [markdown]
# ## 4. How much a branch has to be scaled
#
# A residual branch of m matrices multiplies the mean square it is given by some c. With L blocks
# the stream grows by $(1 + c)^L$. That stays bounded as L grows if c is of order 1/L. **Fixup**
# (Zhang and others) asks for more: the *change* of the network's function by one step of gradient
# descent shall not depend on L. Each of the L blocks contributes to it. The last matrix of a branch
# starts at 0, and the other m − 1 are multiplied by a factor $s$. The last matrix's gradient
# carries $s^{m-1}$, and so does what its step changes: $s^{2(m-1)}$ for each block. L of these
# are to be of order 1, so
#
# $$s = L^{-1/(2m-2)}$$
#
# For $m = 2$ it is $L^{-1/2}$, lesson 04's factor.

# %%
rows = []
for blocks in (10, 50, 200):
    he, scaled = (builders.STARTS[name].growth(blocks) for name in ("he", "scaled"))
    rows.append((blocks, f"{builders.fixup_scale(blocks):.3f}", f"{he**blocks:.1e}",
                 f"{scaled**blocks:.2f}"))
table(("blocks", "factor s", "growth of the mean square, he", "scaled"), rows)

# %% [markdown]
# With the factor the growth has a bound, $e^2$ = {{np.exp(2):.2f}}: each block multiplies by
# $1 + 2/L$.
#
# ## 5. The whole family
#
# Every rule is a scale, a fan and a distribution. "Drawn" are the weights of 300 inputs and 100
# units; "largest" is told in standard deviations.

# %%
rng, rows = np.random.default_rng(0), []
entries = [entry for entry in initializers.INITIALIZERS.values() if "fan" in entry.formula]
entries.append(initializers.variance_scaling(scale=2.0, mode="fan_avg", distribution="uniform"))
for entry in entries:
    W, expected = entry((300, 100), rng=rng), entry.variance((300, 100))
    assert abs(W.var() / expected - 1) < 0.03
    rows.append((entry.label, entry.formula, f"{expected:.5f}", f"{W.var() / expected:.2f}",
                 f"{np.abs(W).max() / np.sqrt(expected):.2f}"))
table(("initialization", "variance", "its value", "drawn / value", "largest"), rows)

# %% [markdown] tags=["given"]
# Back to [lesson 04](../04_scale_the_weights.ipynb). Sources: [Glorot and Bengio
# 2010](https://proceedings.mlr.press/v9/glorot10a.html), [Klambauer and others
# 2017](https://arxiv.org/abs/1706.02515), [Zhang, Dauphin and Ma
# 2019](https://arxiv.org/abs/1901.09321).
