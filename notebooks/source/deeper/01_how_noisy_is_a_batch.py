# %% [markdown]
# # How noisy is a batch?
#
# *Deeper than [lesson 01](../01_backpropagate_by_hand.ipynb), section 11 and 12: the spread of a
# small batch's gradient, each batch size at its own best rate, and the two valleys at all rates.*

# %%
import numpy as np
from helpers import plots, predict, table, tuning, two_weights, valleys

# %% [markdown]
# ## 1 The spread of a batch's gradient
#
# Stand at the lowest point of the surface of lesson 01. The mean gradient is 0 there, that of a
# single example is not. Means over $B$ examples spread like $1/\sqrt{B}$; drawn out of $n$ without
# repetition, by another $\sqrt{(n-B)/(n-1)}$.
#
# **Commit:** by how much is the noise of 64 smaller than that of 16?

# %%
ratio = predict.number("spread of 16 / spread of 64", low=1, high=8)
ratio

# %%
x, y = two_weights.brightness_of_dresses_and_shirts()
best = two_weights.lowest_point(x, y)
each = (1 / (1 + np.exp(-x @ best)) - y)[:, None] * x  # the gradient of every example
of_one = np.sqrt(each.var(axis=0).sum())
rng, rows, spreads = np.random.default_rng(0), [], {}
for size in (1, 4, 16, 64, 256):
    means = np.array([each[rng.permutation(256)[:size]].mean(axis=0) for _ in range(4000)])
    spreads[size] = np.sqrt(means.var(axis=0).sum())
    predicted = of_one * np.sqrt((256 - size) / 255 / size)
    rows.append((size, f"{spreads[size]:.3f}", f"{predicted:.3f}"))
ratio.reveal(spreads[16] / spreads[64])

# %%
table(("batch size", "spread of the gradient, measured", "predicted"), rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Four times as many examples halve the noise, a little more near the full batch, which has none. At
# the lowest point a single example still pulls: with a constant rate it never comes to rest.
#
# </details>
#
# ## 2 Each batch size at its own best rate
#
# Lesson 01 compared at one rate. Here every batch size gets the best of many rates, chosen on
# some seeds and told on others. We count until the loss is first within a twentieth of the
# lowest. ("First" is kind to noisy paths, which may leave again.)
#
# **Commit:** which batch size needs the fewest *updates*?

# %%
fewest = predict.choice("fewest updates at its best rate", ["1", "16", "256"])
fewest

# %%
RATES = tuning.Knob((0.03, 0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100), first=(4, 9))
lowest = two_weights.logistic_loss(best, x, y)

def updates_needed(size, rate, seed):
    path = two_weights.descend(
        x, y, batch_size=size, rate=rate, epochs=10, start=(3, -2), rng=np.random.default_rng(seed)
    )
    near = two_weights.logistic_loss(path, x, y) < 1.05 * lowest
    return np.argmax(near) if near.any() else np.inf

def best_rate(size):
    def mean_updates(rate):
        return np.mean([updates_needed(size, rate, seed) for seed in range(5)])

    return tuning.search({"rate": RATES}, mean_updates)[0]["rate"]

rates = {size: best_rate(size) for size in (1, 4, 16, 64, 256)}
needed = {
    size: np.array([updates_needed(size, rate, seed) for seed in range(10, 19)])
    for size, rate in rates.items()
}

medians = {size: np.median(counts) for size, counts in needed.items()}
fewest.reveal(str(min((1, 16, 256), key=medians.get)))

# %%
rows = [
    (size, f"{rates[size]:g}", f"{medians[size]:.0f}", f"{counts.min():.0f} to {counts.max():.0f}",
     f"{medians[size] * size:.0f}")
    for size, counts in needed.items()
]
heads = ("batch size", "best rate", "updates, median of 9", "range", "examples looked at")
table(heads, rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Counted in updates the full batch is cheapest, {{medians[256]:.0f}} against {{medians[1]:.0f}} of
# single examples. Counted in examples it is the dearest: {{256 * medians[256]:,.0f}} against
# {{medians[1]:.0f}}, and {{4 * medians[4]:.0f}} of batches of 4. Single examples vary most from
# seed to seed. `tuning.search` widened each grid until the best rate did not lie at its edge.
#
# </details>
#
# ## 3 The two valleys, rate by rate
#
# In lesson 01 each batch size got its best rate. Here is what each rate does: the mean loss of 24
# runs that start in the poor valley, after 50 epochs.

# %%
def mean_losses(share, size, **options):
    x, y = valleys.examples(share)
    updates = valleys.EPOCHS * valleys.EXAMPLES // size
    ends = [
        valleys.descend(
            x, y, batch_size=size, rate=rate, updates=updates, seeds=24, seed=1, **options
        )
        for rate in valleys.RATES
    ]
    return [float(valleys.loss(w, x, y).mean()) for w in ends]

grids = {
    share: {f"batches of {size}": mean_losses(share, size) for size in (64, 16, 4)}
    for share in (0.0, 0.3)
}

# %%
at = {label: np.log10(valleys.RATES) for label in grids[0.0]}
plots.training_losses(
    grids[0.0], x=at, xlabel="log10 of the rate", low=0,
    alt="shallow valley: small batches end low at high rates, the full batch never",
)

# %%
plots.training_losses(
    grids[0.3], x=at, xlabel="log10 of the rate", low=0,
    alt="deep valley: all batch sizes end near the poor valley, and higher at high rates",
)

# %%
def noise_at_the_floor(share):
    x, y = valleys.examples(share)
    floor = np.array([valleys.lowest(x, y)])
    return valleys.gradients(floor, x, y).std()

noise = {share: noise_at_the_floor(share) for share in grids}
print({share: f"{spread:.2f}" for share, spread in noise.items()})

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Shallow: below some rate nobody leaves. Above it, small batches end low, in a window of rates, and
# then everything is thrown about. The full batch has no such window.
#
# Deep: the window nearly closes. The mean of batches of 4 goes down to
# {{min(grids[0.3]["batches of 4"]):.2f}}, where staying gives
# {{min(grids[0.3]["batches of 64"]):.2f}}. One difference is printed above: the spread of the
# examples' gradients at the floor of the *low* valley. Where all examples ask for the same weight
# it is {{noise[0.0]:.2f}}, so a run that gets in is left in peace. With 30 % that disagree it is
# {{noise[0.3]:.2f}}. That may be why runs don't stay; no intervention here has tested it.
#
# </details>
#
# Back to [lesson 01](../01_backpropagate_by_hand.ipynb).
