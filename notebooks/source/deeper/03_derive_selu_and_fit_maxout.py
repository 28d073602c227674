# %% [markdown]
# # Derive SELU and fit maxout
#
# Deeper than [lesson 03](../03_choose_an_activation.ipynb): how mini-batches loosen the zig-zag,
# how strongly SELU's fixed point attracts and what its conditions are worth, and maxout, which
# learns its own curve.
#
# *About 40 minutes. You should have done lesson 03.*

# %%
import numpy as np
from helpers import MLP, activations, checks, data, initializers, plots, predict, table, theory

# %% [markdown]
# ## 1. One sign for all weights, in a real network
#
# In lesson 03 all weights of a neuron moved up together or down together, as long as it learned
# from one example at a time with inputs of one sign. A mini-batch adds up errors of both signs.
#
# **Commit:** two hidden layers of sigmoids, a batch of 32. In which share of the second layer's
# units do all 100 weights get gradients of one sign?

# %%
guess_lock = predict.number("Batch of 32, sigmoid: share of units with one sign", low=0, high=1)
guess_lock

# %%
x, y = data.load_batch(500, dtype=np.float64)

def share_of_one_sign(name, batch, seed):
    rule = activations.ACTIVATIONS[name].initializer
    sizes, rng = (784, 100, 100, 10), np.random.default_rng(seed)
    model = MLP(sizes, activation=name, initializer=rule, rng=rng)
    dW = model.loss_and_gradients(x[:batch], y[:batch])[1].dW[1]
    return np.mean((dW >= 0).all(axis=0) | (dW <= 0).all(axis=0))

locked = {(name, batch): [share_of_one_sign(name, batch, seed) for seed in range(5)]
          for name in ("sigmoid", "relu", "tanh") for batch in (1, 4, 32)}
guess_lock.reveal(np.median(locked["sigmoid", 32]))

# %%
table(("activation", "batch", "units with one sign", "of 5 seeds"),
      [(name, batch, f"{np.median(s):.2f}", f"{min(s):.2f} to {max(s):.2f}")
       for (name, batch), s in locked.items()])

# %% [markdown]
# For a single image it is exact: one sign in {{np.median(locked["sigmoid", 1]):.0%}} of the
# sigmoid and ReLU units, in {{np.median(locked["tanh", 1]):.0%}} of tanh's. In a batch of 32 it
# still holds in {{np.median(locked["sigmoid", 32]):.0%}} of the sigmoid units, with a wide range
# over the seeds. So mini-batches soften the zig-zag; they do not remove its cause.
#
# ## 2. SELU's λ in closed form
#
# Lesson 03 found α in small steps. λ needs the second moment: λ² E[elu(z)²] = 1.
#
# 1. *Right half.* E[z²; z > 0] = ½: half of the variance of z.
# 2. *Left half.* (e^z − 1)² = e^(2z) − 2e^z + 1. The middle average is known from lesson 03:
#    E[e^z; z < 0] = √e · P(ξ < −1).
# 3. *The new one* goes the same way: 2z − z²/2 = 2 − (z − 2)²/2, so E[e^(2z); z < 0] = e² · P(ξ <
#    −2).
# 4. Together: E[elu²] = ½ + α² (e² P(ξ < −2) − 2√e P(ξ < −1) + ½), and λ is 1 over its root.

# %%
from math import e, erfc, exp, pi, sqrt

def below(deviations):
    """P(ξ < −deviations) for a standard normal ξ."""
    return erfc(deviations / sqrt(2)) / 2

alpha = 1 / sqrt(2 * pi) / (1 / 2 - sqrt(e) * below(1))
second = 1 / 2 + alpha**2 * (exp(2) * below(2) - 2 * sqrt(e) * below(1) + 1 / 2)
print(f"α = {alpha:.6f}   λ = {1 / sqrt(second):.6f}")
assert np.isclose(1 / sqrt(second), activations.SELU_SCALE)

# %% [markdown]
# ## 3. How strongly does the fixed point attract?
#
# Nudge mean and variance a little, and see what one layer leaves of the nudge. The four numbers are
# the map's **Jacobian**; its **spectral norm** is the largest factor that any small nudge can get.
#
# **Commit:** how much of a nudge is left after one layer, at worst?

# %%
guess_norm = predict.number("SELU's map: largest factor of a small nudge", low=0, high=2)
guess_norm

# %%
def one_layer(point):
    return np.array(theory.moment_map("selu", *point))

here, nudges = np.array([0.0, 1.0]), 1e-5 * np.eye(2)
changes = [one_layer(here + nudge) - one_layer(here - nudge) for nudge in nudges]
jacobian = np.column_stack(changes) / 2e-5
norm = np.linalg.norm(jacobian, 2)
print(np.round(jacobian, 4) + 0.0)
guess_norm.reveal(norm)

# %% [markdown]
# Rows: new mean, new variance; columns: old mean, old variance. The norm is {{norm:.3f}}, below 1,
# so every layer takes away at least a fifth of a small deviation. (The column of zeros is the
# choice ω = 0: weights that add up to 0 forget the mean.)
#
# ## 4. Break the conditions, one at a time
#
# Standardized inputs, LeCun's weights, a plain stack of dense layers. A hundred layers of 100
# units; each row changes one thing.

# %%
images, raw = x[:100], data.load_batch(100, standardize=False, dtype=np.float64)[0]

def stds(x, seed, initializer="lecun_normal", widths=(100,), skip=False, omega=0.0):
    rng, h, seen = np.random.default_rng(seed), x, []
    for width in (100 * widths)[:100]:
        W = initializers.get_initializer(initializer)((h.shape[1], width), rng=rng)
        new = activations.selu(h @ (W + omega / len(W)))
        h = h + new if skip and h.shape == new.shape else new
        seen.append(h.std())
    return [seen[0], seen[9], seen[99]]

trials = {
    "all conditions kept": (images, {}),
    "pixels 0 to 1, not standardized": (raw, {}),
    "pixels 0 to 255": (255 * raw, {}),
    "He instead of LeCun": (images, {"initializer": "he_normal"}),
    "Glorot, widths 150, 50, 150 …": (
        images, {"initializer": "glorot_normal", "widths": (150, 50)}),
    "weights with sum ω = 1": (images, {"omega": 1.0}),
    "skip connections": (images, {"skip": True}),
}
after = {label: np.median([stds(x, seed, **options) for seed in range(5)], axis=0)
         for label, (x, options) in trials.items()}
table(("changed", "std of h, layer 1", "layer 10", "layer 100, median of 5 seeds"),
      [(label, *(f"{std:.3g}" for std in row)) for label, row in after.items()])

# %% [markdown]
# Not all breaks are equal. Inputs on a wrong scale are pulled back, since the fixed point
# attracts: the first layers pay, not the last. Glorot's rule equals LeCun's where widths are
# equal; with changing widths {{after["Glorot, widths 150, 50, 150 …"][2]:.2f}} is left. He's rule
# has twice the variance and comes to {{after["He instead of LeCun"][2]:.0f}}. Weights whose sum is
# not 0 feed the mean back, and a skip adds up what was balanced: the signal grows without end.
#
# ## 5. Maxout learns its curve
#
# The largest of k straight lines is a curve that bends upward. **Commit:** a parabola between −2
# and 2 is fitted with two lines, from a random start. How far off is it, by the root of the mean
# square (one line: about `1.2`)?

# %%
guess_two = predict.number("Maxout of two pieces: error on the parabola", low=0, high=1.5)
guess_two

# %%
points = np.linspace(-2, 2, 81)[:, None]
wanted = points[:, 0] ** 2

def fit(pieces, seed):
    rng = np.random.default_rng(seed)
    w, b = rng.standard_normal((1, pieces)), rng.standard_normal(pieces)
    for _ in range(2000):
        z = points @ w + b
        error = activations.maxout(z, pieces) - wanted[:, None]
        dz = activations.maxout_derivative(z, pieces) * error
        w, b = w - 0.2 * points.T @ dz / len(points), b - 0.2 * dz.mean(axis=0)
    return points @ w + b

fits, reached, rows = {}, {}, []
for pieces in (1, 2, 4, 8):
    lines = [fit(pieces, seed) for seed in range(5)]
    errors = [np.sqrt(np.mean((line.max(axis=1) - wanted) ** 2)) for line in lines]
    used = [len(set(line.argmax(axis=1))) for line in lines]
    fits[pieces], reached[pieces] = lines[int(np.argmin(errors))], np.median(errors)
    rows.append((pieces, f"{min(used)} to {max(used)}", f"{np.median(errors):.2f}",
                 f"{min(errors):.2f} to {max(errors):.2f}", f"{pieces * 100 * (784 + 1):,}"))
guess_two.reveal(reached[2])

# %%
heads = "pieces", "in use", "error", "of 5 starts", "parameters of 100 such units, 784 inputs"
table(heads, rows)

# %%
plots.maxout_fits(points[:, 0], wanted, fits, alt="the best of five starts for 1, 2, 4, 8 pieces: "
                  "more pieces follow the parabola more closely")

# %% [markdown]
# The picture shows the best of five starts. Four pieces bring the error from {{reached[1]:.2f}} to
# {{reached[4]:.2f}}. But with two, most starts end at {{reached[2]:.2f}}, no better than one: only
# one piece is in use. A piece that is nowhere the largest gets no gradient. So maxout, which cannot
# die as a whole, can lose its pieces.
#
# ### Exercise: two maxout units
#
# Give the weights and biases of two units of two pieces each, for one input x: one that computes
# |x|, and one that computes Leaky ReLU with slope 0.01. (`checks.activation.maxout_weights.hint()`
# helps.)

# %% tags=["folded"]
abs_w, abs_b = [1.0, -1.0], [0.0, 0.0]
leaky_w, leaky_b = [1.0, 0.01], [0.0, 0.0]

# %%
checks.activation.maxout_weights(abs_w, abs_b, leaky_w, leaky_b)

# %% [markdown] tags=["given"]
# ## Sources
#
# - [Self-normalizing neural networks](https://arxiv.org/abs/1706.02515), Klambauer and others 2017:
#   the constants are equation 14.
# - [Maxout networks](https://arxiv.org/abs/1302.4389), Goodfellow and others 2013.
