# %% [markdown]
# # Why does batch normalization help?
#
# Deeper than [lesson 06](../06_derive_batch_normalization.ipynb). The paper of 2015 gave a reason;
# a paper of 2018 took it away and gave another. You will run both arguments, with the noise that
# the second one used, for ReLU and for the sigmoid.
#
# *About 25 minutes. You should have done lesson 06.*

# %%
import numpy as np
from helpers import (
    comparison, data, dense_stack, normalizing, plots, predict, table, train,
)

# %% [markdown]
# ## 1. The claim of 2015: inputs that stand still
#
# A layer learns from what the one before hands it. But that one learns too, so what it hands on
# drifts while the next one tries to use it. The paper called this **internal covariate shift**.
# Batch normalization holds mean and variance still, and was said to help *because* of that.
#
# Take it as two claims. Does it hold the inputs still? And is that the reason? In 2018 the second
# was tested by intervention: put the shift back, *behind* the normalization, and see whether the
# gain goes away. Their noise: in every step each unit draws a shift, up to half a standard
# deviation to either side, and a scale, up to a quarter above 1 (`normalizing.NOISE`). Each value
# of each image then gets its own, near these: a new mean and a new variance for every unit at every
# step.
#
# **Commit:** five layers, each network at its own best rate. With that noise, the network is …

# %%
guess_relu = predict.choice("ReLU, batch norm with noise, beside plain ReLU: test loss is",
                            ["lower", "not told apart", "higher"])
guess_relu

# %%
guess_sigmoid = predict.choice("Sigmoid, batch norm with noise, beside plain sigmoid: test loss is",
                               ["lower", "not told apart", "higher"])
guess_sigmoid

# %% [markdown]
# The first claim, watched live: the 15 %, 50 % and 85 % quantiles of what enters one sigmoid of
# layer 3, over 200 steps. `NoisyBatchNorm` is the layer with the noise (`??` shows it).

# %%
x, y = data.load_batch(2000, dtype=np.float64)
KINDS = {"plain": None, "batch norm": normalizing.BatchNorm, "noisy": normalizing.NoisyBatchNorm}
ACTIVATIONS = {"ReLU": ("relu", "he_normal", 0.05), "sigmoid": ("sigmoid", "glorot_normal", 0.5)}

def network(kind, activation, seed):
    name, initializer, _ = ACTIVATIONS[activation]
    place, rng = None if kind == "plain" else "before", np.random.default_rng(seed)
    options = {"activation": name, "initializer": initializer, "normalized": place}
    model = dense_stack((784, *[100] * 3, 10), **options, rng=rng)
    return normalizing.replaced(model, KINDS[kind]) if KINDS[kind] else model

def entering(model):
    calls = model.forward(x[:200], training=True)
    return [call.inputs[0] for call in calls if call.layer.kind == "activation"][-1]

def watched(kind, activation, seed):
    """The quantiles of what enters layer 3's units every 10 steps, shape (times, 3, units)."""
    model, bands = network(kind, activation, seed), []
    def look(step, *_):
        if step % 10 == 0:
            bands.append(np.quantile(entering(model), (0.15, 0.5, 0.85), axis=0))
    options = {"learning_rate": ACTIVATIONS[activation][2], "steps": 200}
    train(model, x, y, rng=np.random.default_rng(seed), after_step=look, **options)
    return np.array(bands)

bands = {(activation, kind): [watched(kind, activation, seed) for seed in range(5)]
         for activation in ACTIVATIONS for kind in KINDS}

# %%
plots.quantile_bands(
    {kind: (range(0, 200, 10), bands["sigmoid", kind][0][:, :, 0]) for kind in KINDS},
    xlabel="step", ylabel="input of one sigmoid",
    alt="plain: the median drifts; batch norm: it stays; noisy: it jumps at every look")

# %%
def wandering(bands):
    """How far the median of a unit's input moves, in units of its own 15 to 85 % width."""
    width = (bands[:, 2] - bands[:, 0]).mean(axis=0)
    return np.median(np.ptp(bands[:, 1], axis=0) / width)

moved = {key: np.array([wandering(one) for one in five]) for key, five in bands.items()}

def told(values):
    return f"{np.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"

table(("how far the median moves", *KINDS),
      [(activation, *(told(moved[activation, kind]) for kind in KINDS))
       for activation in ACTIVATIONS])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Batch norm does hold the inputs still: {{np.median(moved["ReLU", "batch norm"]):.2f}} for ReLU
# against {{np.median(moved["ReLU", "plain"]):.2f}}, {{np.median(moved["sigmoid", "batch
# norm"]):.2f}} for the sigmoid against {{np.median(moved["sigmoid", "plain"]):.2f}}. The noise puts
# it back: {{np.median(moved["ReLU", "noisy"]):.2f}} for ReLU, and {{np.median(moved["sigmoid",
# "noisy"]):.2f}} for the sigmoid, where the plain network drifts further. But a drift goes one way,
# and the noise is another at every step.
#
# </details>
#
# Now the second claim: the scores, from the comparison that lesson 06 reads, too. Five layers,
# each contender at its own best rate, five fresh seeds.

# %%
study = comparison.load("normalization")
study.table(*(f"{activation}, {kind}" for activation in ACTIVATIONS
              for kind in ("without", "before", "noisy")))

# %%
against = {(activation, other): study.difference(f"{activation}, noisy", f"{activation}, {other}",
                                                 comparisons=4)
           for activation in ACTIVATIONS for other in ("without", "before")}

def verdict(found):
    return "not told apart" if not found.tells_apart else "lower" if found.high < 0 else "higher"

guess_relu.reveal(verdict(against["ReLU", "without"]))

# %%
guess_sigmoid.reveal(verdict(against["sigmoid", "without"]))

# %%
table(("test loss of noisy, beside", "difference", "95 % interval", "noisy is"),
      [(f"{activation}, {other}", f"{found.mean:+.3f}", f"{found.low:+.3f} to {found.high:+.3f}",
        verdict(found)) for (activation, other), found in against.items()])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# For the sigmoid, batch norm with noise is far better than the plain network:
# {{against["sigmoid", "without"].mean:+.2f}}. For ReLU it is {{against["ReLU",
# "without"].mean:+.2f}}, and {{verdict(against["ReLU", "without"])}}: not worse, at any rate. And
# beside batch norm *without* noise, it is {{verdict(against["ReLU", "before"])}} for ReLU and
# {{verdict(against["sigmoid", "before"])}} for the sigmoid. Put the shift back, and no part
# of the gain goes away that five seeds can tell. So inputs that stand still are not what makes it.
# For ReLU that is a strong test, since the shift was put back in full. For the sigmoid it is a
# weaker one: it moved more than with batch norm, and less than without.
#
# Each had its own best rate. At one fixed rate the noise can look harmful, or harmless, as one
# likes.
#
# </details>
#
# ## 2. The claim of 2018: a smoother surface
#
# Their own explanation: with batch norm the gradient tells more about what lies ahead. Measure two
# things along the training. **Cosine:** the gradient here and the gradient after the step it asks
# for: 1 is the same direction. **Far:** the loss after a step four times as long, divided by the
# loss now; above 1 the step was too long.

# %%
def flat(gradients):
    return np.concatenate([g.ravel() for g in gradients.of_parameters()])

def look_ahead(model, rate):
    loss, here = model.loss_and_gradients(x[:200], y[:200])
    model.step(here, rate)
    _, there = model.loss_and_gradients(x[:200], y[:200])
    model.step(here, 3 * rate)
    far, _ = model.loss_and_gradients(x[:200], y[:200])
    model.step(here, -4 * rate)  # back to where it was
    a, b = flat(here), flat(there)
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b), far / loss

def smoothness(kind, activation, seed):
    model, found = network(kind, activation, seed), []
    rate = ACTIVATIONS[activation][2]
    def look(step, *_):
        if step % 40 == 39:
            found.append(look_ahead(model, rate))
    options = {"learning_rate": rate, "steps": 200}
    train(model, x, y, rng=np.random.default_rng(seed), after_step=look, **options)
    return np.median(found, axis=0)

smooth = {(activation, kind): np.transpose(
    [smoothness(kind, activation, seed) for seed in range(5)])
    for activation in ACTIVATIONS for kind in ("plain", "batch norm")}
table(("", "cosine", "far"),
      [(f"{activation}, {kind}", told(cosine), told(far))
       for (activation, kind), (cosine, far) in smooth.items()])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# At equal rates. For ReLU the gradient keeps its direction better with batch norm:
# {{np.median(smooth["ReLU", "batch norm"][0]):.2f}} against
# {{np.median(smooth["ReLU", "plain"][0]):.2f}}, and the step four times too long
# {{"still lowers" if np.median(smooth["ReLU", "batch norm"][1]) < 1 else "raises"}} the loss
# ({{np.median(smooth["ReLU", "batch norm"][1]):.2f}}), where it
# {{"raises" if np.median(smooth["ReLU", "plain"][1]) > 1 else "lowers"}} the plain network's
# ({{np.median(smooth["ReLU", "plain"][1]):.2f}}). For the sigmoid the same two numbers are
# {{np.median(smooth["sigmoid", "batch norm"][0]):.2f}} against
# {{np.median(smooth["sigmoid", "plain"][0]):.2f}}, and
# {{np.median(smooth["sigmoid", "batch norm"][1]):.2f}} against
# {{np.median(smooth["sigmoid", "plain"][1]):.2f}}: no gain. A plain sigmoid network is
# flat rather than rough, and there is little to smooth.
#
# </details>
#
# ## Summary
#
# - Batch norm holds a unit's inputs still. That is not why it helps: with the shift put back by
#   noise, neither the ReLU nor the sigmoid network lost anything that could be measured.
# - What it gives depends on what is missing. A sigmoid network gets its signal back. A ReLU network
#   that trains anyway gets a surface on which long steps are safe.
#
# ## How did you guess?

# %%
predict.summary()

# %% [markdown] tags=["given"]
# ## Further reading
#
# - [Ioffe and Szegedy 2015](https://arxiv.org/abs/1502.03167): the claim.
# - [Santurkar and others 2018](https://arxiv.org/abs/1805.11604): the noise, in appendix A, and the
#   smoother surface.
#
# Back to [lesson 06](../06_derive_batch_normalization.ipynb).
