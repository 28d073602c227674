# %% [markdown]
# # Explain a hundred layers
#
# Deeper than [lesson 08](../08_train_a_hundred_layers.ipynb): where batch normalization's factor
# comes from, what breaking SELU's conditions does to the gradient, and what luck decides.
#
# *About 40 minutes. You should have done lesson 08.*

# %%
import numpy as np
from helpers import (
    builders, data, flow, keras_models, median_and_range, plots, results, table, theory,
)

# %% [markdown]
# ## 1. Derivation: batch normalization's factor
#
# A layer is $\hat z = (z - \mu) / \sigma$, then $h = f(\hat z)$, then $z_{next} = h W$.
#
# 1. Forward: $\hat z$ has mean 0 and variance 1, whatever came in. So h has the variance
#    $\mathrm{Var}(f)$ over the batch, and $z_{next}$ the variance
#    $\sigma^2 = n\,\mathrm{Var}(w)\,\mathrm{Var}(f)$.
# 2. Back through the weights: the mean square of dz is multiplied by $n\,\mathrm{Var}(w)$.
# 3. Back through the activation: by $E[f'^2]$.
# 4. Back through the division: by $1 / \sigma^2$. (What the mean and the variance of a batch take
#    away besides is of the order of one part in the batch size.)
# 5. Together: $E[f'^2] / \mathrm{Var}(f)$. The weights have dropped out.
# 6. ReLU: $E[f'^2] = 1/2$. $E[f^2] = 1/2$ and $E[f] = 1/\sqrt{2\pi}$, so that
#    $\mathrm{Var}(f) = 1/2 - 1/(2\pi)$, and the factor is $\pi / (\pi - 1)$.
#
# For which f is the factor 1? By Poincaré's inequality $\mathrm{Var}(f) \le E[f'^2]$ for a normal
# input, with equality for a straight line alone. So **every** nonlinearity explodes under batch
# normalization in a plain deep stack. Here is step 5, checked with some of them.

# %%
x, y = data.load_batch(100, dtype=np.float64)
sizes = (784, *[100] * 100, 10)

def growth(measured):
    return measured.grad_z_norm[0] / measured.grad_z_norm[-1]

rows = []
for name in ("relu", "leaky_relu", "tanh", "selu"):
    design = builders.Design(name, "he_normal", normalized="before")
    seeds = [design.stack(sizes, rng=np.random.default_rng(seed)) for seed in range(5)]
    grown = [growth(flow.flow(network, x, y)) for network in seeds]
    expected = theory.predicted_flow(design, sizes, x, flow.flow(seeds[0], x, y).output_error)
    rows.append((name, f"×{growth(expected):.1e}", f"×{np.median(grown):.1e}",
                 f"{min(grown):.1e} to {max(grown):.1e}"))
table(("batch norm and", "dz 100 → 1, predicted", "median of 5 seeds", "range"), rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# ReLU is the steepest of these, since it is the furthest from a straight line. None is level. For
# tanh and SELU, which are close to a line, the prediction is too small by up to a power of ten:
# what step 4 leaves out, and the finite width, count for more there.
#
# </details>
#
# ## 2. Broken conditions, and the gradient
#
# Lesson 08 looked at mean and variance. Here is the gradient, in the reference's own shape.
# **Alpha dropout** sets a dropped unit to SELU's floor, −λα, then scales and shifts everything so
# that mean 0 and variance 1 survive. It keeps its promise forward. Backward each layer multiplies
# the mean square by $E[f'^2] / (1 + p\lambda^2\alpha^2)$.

# %%
kept, raw = builders.Design(), data.load_batch(100, standardize=False, dtype=np.float64)[0]
broken = {
    "all conditions kept": (kept, x),
    "pixels 0 to 1": (kept, raw),
    "pixels 0 to 255": (kept, 255 * raw),
    "Glorot": (builders.Design(initializer="glorot_normal"), x),
    "He": (builders.Design(initializer="he_normal"), x),
    "dropout 10 %": (builders.Design(dropout=0.1), x),
    "alpha dropout 10 %": (builders.Design(alpha_dropout=0.1), x),
    "skip connections": (builders.Design(skips=True), x),
}
shape = keras_models.SIZES
signs, predicted = {}, {}
for name, (design, inputs) in broken.items():
    networks = [design.stack(shape, rng=np.random.default_rng(seed)) for seed in range(5)]
    signs[name] = [flow.flow(network, inputs, y) for network in networks]
    predicted[name] = theory.predicted_flow(design, shape, inputs, signs[name][0].output_error)

# %%
rows = []
for name, runs in signs.items():
    grown, expected = [growth(run) for run in runs], growth(predicted[name])
    rows.append((name, f"{np.median([run.std[-1] ** 2 for run in runs]):.2g}",
                 "no theory" if np.isnan(expected) else f"×{expected:.1e}",
                 f"×{np.median(grown):.1e}", f"{min(grown):.0e} to {max(grown):.0e}"))
    assert np.isnan(expected) or abs(np.log(np.median(grown) / expected)) < 1
table(("condition", "variance of h 100", "dz 100 → 1, predicted", "5 seeds", "range"), rows)

# %%
limits = {"mean": (-1, 5), "variance": (0.1, 1e4), "gradient": (1e-7, 1e4)}
drawn = {name: runs for name, runs in signs.items() if name != "pixels 0 to 1"}
plots.flow_panels(drawn, predicted, limits=limits,
                  alt="mean, variance and gradient per layer for each broken condition")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# - **Glorot for LeCun** does next to nothing: with equal widths the two agree, and what the first
#   two layers do wrong is mended. The condition is about the variance, not about a name.
# - **Dropout** settles at a variance of
#   {{np.median([run.std[-1] ** 2 for run in signs["dropout 10 %"]]):.1f}}, and the gradient grows
#   more than before.
# - **Alpha dropout** keeps mean and variance to perfection. The gradient:
#   {{np.median([growth(run) for run in signs["alpha dropout 10 %"]]):.1e}} is left. In a hundred
#   layers even the right dropout is dear.
#
# </details>
#
# ## 3. A lottery over seeds
#
# ReLU with He's weights is level *on average*. Single networks are not: the log of the signal's
# mean square takes a random step of mean −2.5 / width and variance 5 / width at every layer
# ([derived in deeper/02](02_predict_signal_and_gradient.ipynb)). SELU has a fixed point that pulls
# each of them back. Twenty seeds of a hundred layers:

# %%
def log_squares(name, width, seed):
    rng = np.random.default_rng(seed)
    net = builders.DESIGNS[name].stack((784, *[width] * 100, 10), rng=rng)
    run = flow.flow(net, x[:20], y[:20])
    return np.log(run.std**2 + run.mean**2)

pairs = {"ReLU + He, width 100": ("ReLU + He", 100), "ReLU + He, width 30": ("ReLU + He", 30),
         "SELU + LeCun, width 30": ("SELU + LeCun", 30)}
paths = {}
for label, pair in pairs.items():
    paths[label] = np.array([log_squares(*pair, seed) for seed in range(20)])

# %%
rows, steps = [], {}
for label, logs in paths.items():
    width, last = pairs[label][1], logs[:, -1]
    steps[label] = (-2.5 / width, 5 / width) if "ReLU" in label else (np.nan, np.nan)
    told = f"{100 * steps[label][1]:.1f}" if "ReLU" in label else "none"
    rows.append((label, told, f"{last.var(ddof=1):.1f}",
                 f"{np.exp(last.min()):.0e} to {np.exp(last.max()):.0e}"))
table(("network", "variance of ln E[h²], predicted", "20 seeds", "E[h²] in layer 100"), rows)

# %%
drawn = {label: logs[:6] for label, logs in paths.items() if "30" in label}
plots.seed_paths(drawn, steps, alt="six seeds of width 30: ReLU wanders, SELU stays together")

# %% [markdown]
# Does the luck of the start decide the training? Stored are
# {{len(results.load("depth_lottery").settings.seeds)}} seeds of both networks, 100 wide;
# {{words(len(results.load("depth_lottery").settings.trained_seeds))}} of each were trained for
# {{results.load("depth_lottery").settings.steps}} steps.

# %%
tickets = results.load("depth_lottery")
rows = []
for name, run in tickets.networks.items():
    luck = np.corrcoef(run.signal[:10], run.accuracy)[0, 1]
    signal = f"{10 ** run.signal.min():.2f} to {10 ** run.signal.max():.2f}"
    rows.append((name, signal, *median_and_range(run.accuracy, 3), f"{luck:.1f}"))
table(("network", "std in layer 100", "accuracy", "of ten seeds", "correlation with log std"), rows)

# %%
plots.lottery_strip(tickets)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The same training takes one ReLU network to {{tickets.networks["ReLU + He"].accuracy.max():.2f}}
# and another to {{tickets.networks["ReLU + He"].accuracy.min():.2f}}; SELU's lie closer together,
# and higher. But the size of the signal at the start does not tell the winners: with
# {{words(len(tickets.settings.trained_seeds))}} seeds no correlation is to be seen.
#
# </details>
#
# ## 4. A word on seeds
#
# `keras.utils.set_random_seed` seeds Python, NumPy and the backend together. The older
# `tf.random.set_seed` alone does not fix initial weights any more: Keras 3 draws the seed of an
# initializer with Python's `random`.

# %%
keras, tf = keras_models.keras(), keras_models.tensorflow()

def first_weight():
    layer = keras.layers.Dense(1, kernel_initializer="lecun_normal")
    return float(np.asarray(layer(np.ones((1, 4))))[0, 0])

rows = []
for name, seed_with in {"keras.utils.set_random_seed": keras.utils.set_random_seed,
                        "tf.random.set_seed": tf.random.set_seed}.items():
    draws = []
    for _ in range(2):
        seed_with(7)
        draws.append(first_weight())
    rows.append((name, "yes" if draws[0] == draws[1] else "no"))
table(("seeded with", "the same weights twice"), rows)

# %% [markdown]
# Even with one seed the same run gives other numbers on another processor: sums are added up in
# another order, and a hundred layers magnify the last digit. So Keras's numbers are told as bands
# over seeds.

# %% [markdown] tags=["given"]
# ## Further reading
#
# - [Yang and others 2019](https://arxiv.org/abs/1902.08129): a mean-field theory of batch
#   normalization.
# - [Hanin and Rolnick 2018](https://arxiv.org/abs/1803.01719): how to start training; the lottery
#   of narrow deep networks.
# - [Klambauer and others 2017](https://arxiv.org/abs/1706.02515): SELU and alpha dropout.
