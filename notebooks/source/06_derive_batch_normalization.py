# %% [markdown]
# # Derive batch normalization
#
# Three cures together brought your patient to life. Here one layer does the work of three. You
# will write it in a few lines, derive its way back, train the patient with your own derivation,
# and find out what breaks it.
#
# **Time:** about 60 minutes with the core exercises. **Know first:** the way back through a layer,
# from [Backpropagate by hand](01_backpropagate_by_hand.ipynb), and the three cures; the lesson
# before is [Prepare the inputs](05_prepare_the_inputs.ipynb). After this: [Use batch normalization
# in Keras](07_use_batch_normalization_in_keras.ipynb).
#
# Afterwards you can
#
# 1. write batch normalization forward and back, and prove it right by nudging;
# 2. say what it can't see, and what follows from that;
# 3. say which variance and which momentum a library means, and find out where nobody tells;
# 4. fold it away in a network that only predicts;
# 5. recognize the batches that break it.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    checks, comparison, data, dense_stack, keras_models, labs, normalization, normalized_patient,
    normalizing, numerical_gradient, patient, plots, predict, relative_error, runs, table, train,
)

# %% [markdown]
# ## 1. One layer for three causes
#
# Ten sigmoid layers, pixels from 0 to {{patient.Patient().images()[0].max():.0f}}, weights from
# N(0, {{patient.SMALL}}²). Lessons 03 to 05 found a cure for each. This is what they gave.

# %%
patient.scoreboard((), ("activation",), ("weights",), ("inputs",), tuple(patient.CURES))

# %% [markdown]
# None of them helps alone. Yet all three have one aim: to keep z where the next layer can tell the
# images apart. So why not simply *put* z there? Give every unit mean 0 and standard deviation 1
# over the mini-batch. For each unit, over its $m$ values in the batch:
#
# 1. the mean, $\mu = \frac1m \sum_i z_i$
# 2. the variance, $v = \frac1m \sum_i (z_i - \mu)^2$
# 3. normalized, $\hat z_i = (z_i - \mu) / \sqrt{v + \varepsilon}$. The small ε keeps the division
#    from being one by 0.
#
# That is **batch normalization**, but for one line that section 2 adds.

# %%
def normalize(z, eps=1e-3):
    mean = z.mean(axis=0)
    variance = np.mean((z - mean) ** 2, axis=0)
    return (z - mean) / np.sqrt(variance + eps)

# %% [markdown]
# Before you use it, two guesses on what it makes of a unit's values.

# %%
guess_range = predict.choice("After it, a unit's values lie between −1 and 1",
                             ["all of them", "about two thirds", "hardly any"])
guess_range

# %%
guess_shape = predict.choice("After it, a unit's histogram is",
                             ["a bell, whatever it was", "closer to a bell", "of the same shape"])
guess_shape

# %%
x, y, _, _ = patient.Patient().images()
x, y = x[:500], y[:500]
weights = patient.Patient().network(seed=0).weights

def skewness(values):
    return np.mean((values - values.mean(axis=0)) ** 3, axis=0) / values.std(axis=0) ** 3

z = x @ weights[0]
out = normalize(z)
lopsided = np.argmax(np.abs(skewness(z)))
for name, values in (("before", z), ("after", out)):
    unit = values[:, lopsided]
    print(f"{name:7} mean {unit.mean():7.2f}   std {unit.std():6.2f}   from {unit.min():7.2f} to "
          f"{unit.max():6.2f}   skewness {skewness(values)[lopsided]:.2f}")
within = np.mean(np.abs(out) < 1)
print(f"all units, values between −1 and 1: {within:.0%}")

# %%
guess_range.reveal("about two thirds" if 0.5 < within < 0.85 else "all of them")

# %%
guess_shape.reveal("of the same shape")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Subtracting and dividing moves and stretches a histogram, and does nothing else. The lopsided unit
# stays as lopsided: its **skewness**, which is 0 for a bell, is the same to all digits shown. And a
# standard deviation of 1 is no limit: {{within:.0%}} of the values lie between −1 and 1, and this
# unit's largest is {{out[:, lopsided].max():.1f}}.
#
# </details>
#
# Now put it before each activation, with the patient's own pixels and weights. How much does h
# differ *from image to image*? You measured that in lesson 02, as its std over the images.

# %%
def sigmoid(z):
    return (1 + np.tanh(z / 2)) / 2

plain, normed = x, x
for layer, W in enumerate(weights[:-1], 1):
    plain = sigmoid(plain @ W)
    normed = sigmoid(normalize(normed @ W))
    if layer in (1, 2, 10):
        gone = plain.std(axis=0).mean() < 1e-6
        print(f"layer {layer:2}   std over the images: "
              f"{'less than 1e-6' if gone else f'{plain.std(axis=0).mean():.3f}'}, "
              f"normalized: {normed.std(axis=0).mean():.3f}")

# %% [markdown]
# Some of the signal arrives in every layer. **Commit:** nothing else is changed. Will the patient
# learn?

# %%
guess_learns = predict.choice("The patient, with batch norm and no cure at all, will",
                              ["stay at chance", "get off chance", "learn as with all three cures"])
guess_learns

# %%
before = patient.Patient().train(seed=0, steps=200)
after = normalized_patient.train_normalized(patient.Patient(), seed=0, steps=200)
plots.curves({"patient": before.loss[::8], "with batch norm": after.loss[::8]},
             x=np.arange(0, 200, 8), xlabel="step", ylabel="training loss", log=False,
             alt="the patient's loss is flat, with batch norm it falls")

# %%
scored = {name: np.array(values.accuracy)
          for name, values in normalized_patient.stored_scores().items()}
alone = scored["nothing"]
guess_learns.reveal("get off chance")

# %%
normalized_patient.scoreboard("nothing")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# It learns, with each of {{words(len(alone))}} seeds: {{np.median(alone):.2f}}
# ({{alone.min():.2f}} to {{alone.max():.2f}}, after {{patient.STEPS}} steps). One layer did what no
# single cure did. But all three cures together reach more, as the first table says. So something is
# not replaced.
#
# </details>
#
# **Commit:** which cure is still worth having?

# %%
guess_cure = predict.choice("With batch norm, which cure still helps most?",
                            ["tanh for sigmoid", "Glorot's weights", "standardized inputs"])
guess_cure

# %%
normalized_patient.scoreboard("nothing", "activation", "weights", "inputs", "weights + inputs",
                              "activation + weights + inputs")

# %%
guess_cure.reveal("Glorot's weights")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# With Glorot's weights alone it gets to {{np.median(scored["weights"]):.2f}}, and standardized
# inputs then add nothing: {{np.median(scored["weights + inputs"]):.2f}}. Tanh helps as long as the
# weights are small, {{np.median(scored["activation"]):.2f}}, and with good weights no more. So
# batch normalization stands in for the inputs' cure and for the activation's. Why not for the
# weights'? Section 5 finds the two reasons, and removes them.
#
# </details>
#
# ## 2. What if mean 0 is not what the layer needs?
#
# The fourth line gives the choice back. Every unit gets a scale and a shift of its own, **γ** and
# **β**, learned like weights:
#
# $$y_i = \gamma\,\hat z_i + \beta$$
#
# They start at 1 and 0. Is anything lost that the plain layer could do?
#
# ### Warm-up: undo it (3 minutes)
#
# Which γ and β give back the input? Return them for a batch `x`, one number per feature each.
#
# Stuck? `checks.normalization.undo.hint()` gives a hint; call it again for the next.

# %% tags=["stub"]
def undo(x, eps):
    """Return (gamma, beta) for which batch normalization of x gives x."""
    ...

# %% tags=["solution"]
def undo(x, eps):
    """Return (gamma, beta) for which batch normalization of x gives x."""
    return np.sqrt(x.var(axis=0) + eps), x.mean(axis=0)

# %%
checks.normalization.undo(undo)

# %% [markdown]
# And why is γ needed? Look where normalized values fall on the sigmoid. Fit a straight line through
# what σ makes of them. **Commit:** at γ = 1, how much of σ's variance does the line explain?

# %%
guess_straight = predict.number("Share of σ's variance that a straight line explains",
                                low=0.5, high=1)
guess_straight

# %%
values, groups, straight = normalize(x @ weights[0]), {}, {}
for gamma in (0.5, 1, 4):
    line = np.polyfit((gamma * values).ravel(), sigmoid(gamma * values).ravel(), 1)
    left = sigmoid(gamma * values) - np.polyval(line, gamma * values)
    straight[gamma] = 1 - left.var() / sigmoid(gamma * values).var()
    groups[f"γ = {gamma}"] = (gamma * values).ravel(), line
guess_straight.reveal(straight[1])

# %%
plots.over_sigmoid(groups, alt="γ = 0.5 and 1 lie where σ is straight, γ = 4 reaches its flat ends")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# At γ = 1 a line explains {{straight[1]:.1%}}. Ten nearly straight layers are nearly one straight
# layer. At γ = 4 it is {{straight[4]:.1%}}: the values reach the bends. With γ and β descent may
# decide how far to go.
#
# </details>

# %%
labs.batch_norm_lab()

# %% [markdown]
# 1. **Move the weight scale.** The left side piles up at the ends. Does the right side move?
# 2. **Raise γ to `4`, then move β to `3`.** The layer can saturate. But it must learn to.
# 3. **Switch on "let γ and β undo it".** That is your warm-up.
#
# ## 3. Why not subtract the mean and be done?
#
# One could normalize outside of the gradient: step, then subtract the mean as if it were a number.
# Take the smallest layer, u + b, whose mean over the batch is subtracted. The target asks for a
# shift of 1. **Outside**, the update of b takes the mean for a constant. **Inside**, it knows that
# the mean contains b.
#
# **Commit:** after 1,000 steps outside, b is …

# %%
guess_b = predict.choice("b, updated as if the mean were a constant, after 1,000 steps",
                         ["near 1, the target", "back at 0", "far away, and growing"])
guess_b

# %%
u = np.random.default_rng(0).standard_normal(500)
target = u - u.mean() + 1
outside, inside, beta, rows = 0.0, 0.0, 0.0, []
for step in range(1001):
    error_outside = (u + outside) - (u + outside).mean() - target
    error_inside = (u + inside) - (u + inside).mean() - target
    error_beta = u - u.mean() + beta - target
    if step in (0, 10, 100, 1000):
        rows.append((step, f"{outside:.2f}", f"{np.mean(error_outside**2) / 2:.2f}",
                     f"{abs(inside):.2f}", f"{np.mean(error_inside**2) / 2:.2f}",
                     f"{beta:.2f}", f"{np.mean(error_beta**2) / 2:.2f}"))
    outside -= 0.1 * error_outside.mean()
    inside -= 0.1 * (error_inside - error_inside.mean()).mean()  # the mean takes back what b adds
    beta -= 0.1 * error_beta.mean()
guess_b.reveal("far away, and growing")

# %%
table(("step", "b outside", "loss", "b inside", "loss", "β after the mean", "loss"), rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Outside, b grows at every step while the loss stands still: whatever is added, the mean takes away
# again. Inside, the gradient knows it, and is 0. Neither reaches the target; β does, which comes
# *after* the mean. So the gradient must go **through** the mean and the variance.
#
# </details>
#
# ## 4. The way back
#
# Here is the layer for one unit and a batch of three, as a graph. Only the first example's output
# counts: L = y₁. **Commit:** which of the three x get a gradient?

# %%
guess_hear = predict.choice("L is the first example's output: who gets a gradient?",
                            ["x₁ alone", "x₁ and, by the mean, all alike", "all, each its own"])
guess_hear

# %%
labs.batch_norm_graph_lab()

# %%
guess_hear.reveal("all, each its own")

# %% [markdown]
# - **Step from `7` to `14`.** Watch c₁: what arrives first, what is added at step `12`?
# - **At step `14`, move x₃.** The example that nobody asked changes the answer for the first one.
# - **Read "sum of dx" while you move anything.** Why is it what it is?
#
# <details><summary>What you saw</summary>
#
# Ø stands for a mean. The three examples are tied together by μ and s, so all of them hear of y₁.
# Their gradients add up to 0: moving all x alike changes nothing.
#
# </details>
#
# ### Core: eight lines (12 minutes)
#
# Now for a whole batch of several units. Forward first. `given` lets you nudge any
# node: what is given takes the place of what would be computed. "Loss" is any number whose gradient
# with respect to y is dy.

# %%
x, dy, gamma, beta, eps = checks.normalization.small_batch()

def loss(**given):
    at_x = given.get("x", x)
    mu = given.get("mu", at_x.mean(axis=0))
    c = given.get("c", at_x - mu)
    v = given.get("v", np.mean(c**2, axis=0))
    s = given.get("s", np.sqrt(v + eps))
    x_hat = given.get("x_hat", c / s)
    return np.sum(dy * (given.get("gamma", gamma) * x_hat + given.get("beta", beta)))

m, mu = len(x), x.mean(axis=0)
c = x - mu
v = np.mean(c**2, axis=0)
s = np.sqrt(v + eps)
x_hat = c / s

# %% [markdown]
# Nudge s, and you know what ds must be, without any derivation:

# %%
numerical_gradient(lambda nudged: loss(s=nudged), s)

# %% [markdown]
# Fill in line by line, from the loss back to x, and run the check after *each* line. It nudges that
# node and compares. What you have not reached yet stays `...`.

# %% tags=["stub"]
dbeta = ...
dgamma = ...
dx_hat = ...
ds = ...
dv = ...
dc = ...
dmu = ...
dx = ...

# %% tags=["solution"]
dbeta = dy.sum(axis=0)
dgamma = (dy * x_hat).sum(axis=0)
dx_hat = gamma * dy
ds = -(dx_hat * c).sum(axis=0) / s**2
dv = ds / (2 * s)
dc = dx_hat / s + 2 * c * dv / m
dmu = -dc.sum(axis=0)
dx = dc + dmu / m

# %%
checks.normalization.way_back({
    "dbeta": dbeta, "dgamma": dgamma, "dx_hat": dx_hat, "ds": ds,
    "dv": dv, "dc": dc, "dmu": dmu, "dx": dx,
})

# %% [markdown]
# ### Core: one line (6 minutes)
#
# Most of these lines lead to dx. They shrink to one. Put ds and dv into dc, write c as $s\,\hat
# x$, and use that $\sum \hat x = 0$. You need only dy (called `dout` here), x̂, γ and s (`std`).

# %% tags=["stub"]
def batch_norm_dx(dout, x_hat, gamma, std):
    """Return the gradient of x; dout and x_hat are (batch, features), gamma and std (features,)."""
    ...

# %% tags=["solution"]
def batch_norm_dx(dout, x_hat, gamma, std):
    """Return the gradient of x; dout and x_hat are (batch, features), gamma and std (features,)."""
    along = (dout * x_hat).mean(axis=0)
    return gamma / std * (dout - dout.mean(axis=0) - x_hat * along)

# %%
checks.normalization.batch_norm_dx(batch_norm_dx)

# %% [markdown]
# <details><summary>The derivation, when you have yours</summary>
#
# 1. $2c\,dv/m = \hat x\,ds/m = -\frac{\hat x}{s}\,\overline{d\hat x\,\hat x}$, where the bar is a
#    mean over the batch.
# 2. So $dc = \frac1s\,(d\hat x - \hat x\,\overline{d\hat x\,\hat x})$.
# 3. $\sum \hat x = 0$, so the second term adds nothing to $d\mu$, and $d\mu = -\sum dc = -\frac1s
#    \sum d\hat x$.
# 4. $dx = \frac{\gamma}{s}\left(dy - \overline{dy} - \hat x\;\overline{dy\,\hat x}\right)$
#
# Read it: taken away from dy are its mean, and what of it runs along x̂. Those are the two changes
# that the layer undoes anyway.
#
# </details>
#
# **Commit:** both give the same dx. How many times as long does the long form take?

# %%
guess_faster = predict.number("Time of the eight lines / time of the short form", low=1, high=5)
guess_faster

# %%
from timeit import repeat

ones, big = np.ones(400), np.random.default_rng(0).standard_normal((256, 400))
_, cache = normalization.batch_norm_forward(big, ones, 0 * ones)

def seconds(way):
    return min(repeat(lambda: way(big, cache), number=3, repeat=5))

staged, short = normalization.batch_norm_backward_staged, normalization.batch_norm_backward
ratios = np.array([seconds(staged) / seconds(short) for _ in range(7)])
same = relative_error(staged(big, cache)[0], short(big, cache)[0]) < 1e-12
print(f"same dx, to 1e-12: {same}")
print("eight lines / short form, median of seven:",
      "more than 1.2" if np.median(ratios) > 1.2 else "less than 1.2")

# %% [markdown]
# The exact number belongs to your machine: `np.median(ratios)`, and from `ratios.min()` to
# `ratios.max()`. Fewer passes over the array is all there is to it.
#
# ### Your derivation trains the patient
#
# Hang your line into the ten layers, and train the patient with Glorot's weights: once with your
# dx, once with the library's. The forward pass is `normalize` with γ and β.

# %%
class Mine(normalizing.BatchNorm):
    def backward(self, dout, cache):
        dx = batch_norm_dx(dout, cache.x_hat, self.gamma, cache.std)
        return (dx,), {"gamma": (dout * cache.x_hat).sum(axis=0), "beta": dout.sum(axis=0)}

# %% tags=["stub"]
is_written = False  # set it to True when your batch_norm_dx is right

# %% tags=["solution"]
is_written = True  # set it to True when your batch_norm_dx is right

# %%
partly = patient.cured("weights")
network = normalized_patient.normalized_network(partly, seed=0)
if is_written:
    normalizing.replaced(network, Mine)
with_mine = normalized_patient.train_normalized(partly, seed=0, steps=100, network=network)
with_theirs = normalized_patient.train_normalized(partly, seed=0, steps=100)
print("loss, last 20 steps:", f"{with_mine.loss[-20:].mean():.2f}", " accuracy:",
      f"{with_mine.accuracy:.2f}")
print("the same loss at every step, to a millionth:",
      bool(np.allclose(with_mine.loss, with_theirs.loss, rtol=1e-6)))

# %% [markdown]
# ## 5. What it can't see
#
# Multiply all weights of a layer by `5`. The normalization behind divides by a standard deviation
# that has grown as much: y stays. **Commit:** what happens to dW?

# %%
guess_five = predict.choice("All weights × 5, batch norm behind: dW becomes",
                            ["5 times as large", "the same", "a fifth"])
guess_five

# %%
x, y, _, _ = patient.cured("inputs").images()
x, arriving = x[:64], np.random.default_rng(1).standard_normal((64, 20))
W, b = 0.1 * np.random.default_rng(2).standard_normal((784, 20)), 10 * np.arange(20)

def through(inputs, W, b=0):
    ones = np.ones(20)
    out, cache = normalization.batch_norm_forward(inputs @ W + b, ones, 0 * ones, eps=0)
    dz, _, _ = normalization.batch_norm_backward(arriving, cache)
    return out, inputs.T @ dz, dz.sum(axis=0)

out, dW, _ = through(x, W)
cases = {"5 W": through(x, 5 * W), "x W + b": through(x, W, b), "pixels × 90 + 70": through(
    90 * x + 70, W)}
rows = []
for name, (out_case, dW_case, db_case) in cases.items():
    factor = np.median(dW_case / dW)
    rows.append((name, bool(np.allclose(out_case, out)), f"{factor:.2f}",
                 bool(np.allclose(dW_case, factor * dW, atol=1e-6)),
                 bool(np.abs(db_case).max() < 1e-8)))
spared = sum(W.shape[1] for W in weights[:-1])  # one b for every hidden unit of the patient
guess_five.reveal("a fifth")

# %%
table(("change", "same output", "factor on dW", "on all of dW", "db is 0"), rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# - **Larger W**: the same output, and dW smaller by as much as W is larger. So a step changes large
#   weights less, relative to their size: by the *square* of the factor.
# - **b**: the mean cancels it, and its gradient is 0. β takes its place. Leave b out:
#   `use_bias=False` in Keras. The patient saves {{spared:,}} parameters.
# - **Other pixels**: the same output *and* the same dW. To such a network, standardizing the inputs
#   as a whole is invisible. That is why it added nothing in section 1. (Pixels scaled each by their
#   own factor are another matter.)
#
# These make good tests of any implementation.
#
# </details>
#
# Now the open question: why did small weights still hurt? The layer can't see the scale of W, but
# two things can. **ε**: in the patient's deep layers v is smaller than `eps=1e-3`, so z is divided
# by √ε and hardly normalized. **The step**: small weights take longer relative steps, by the
# square, as you just saw. Change each alone: `eps=1e-8`, or the steps of the hidden weights times
# `0.01`, which is the square of the patient's weights beside Glorot's in a layer of 100.
#
# **Commit:** what brings it to where Glorot's weights brought it?

# %%
guess_small = predict.choice("Small weights, batch norm: what is in the way?",
                             ["ε alone", "too long steps alone", "each a part, both together all"])
guess_small

# %%
normalized_patient.scoreboard("nothing", "smaller ε", "shorter steps", "smaller ε, shorter steps",
                              "weights")

# %%
guess_small.reveal("each a part, both together all")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# A smaller ε alone gives {{np.median(scored["smaller ε"]):.2f}}, shorter steps alone
# {{np.median(scored["shorter steps"]):.2f}}, both {{np.median(scored["smaller ε, shorter
# steps"]):.2f}} ({{scored["smaller ε, shorter steps"].min():.2f}} to {{scored["smaller ε, shorter
# steps"].max():.2f}}). With both, no cure of lessons 03 to 05 is needed any more. Less care about
# the start, then, but not none.
#
# </details>
#
# ## 6. One image has no batch
#
# In training an image is judged beside its neighbors. To *predict*, the network must judge one
# image. It needs a mean and a variance that don't come from a batch: the population's.
#
# ### Bessel's correction
#
# The batch's variance is taken around the batch's *own* mean, and the values lie closer to that
# than to the true mean. By how much is v too small? Let the true mean be 0 and the true variance
# σ². Then
#
# $$E[v] = E\Big[\tfrac1m\sum z_i^2 - \mu^2\Big] = \sigma^2 - \mathrm{Var}(\mu) = \sigma^2 -
# \frac{\sigma^2}{m} = \frac{m-1}{m}\,\sigma^2$$
#
# since a mean of $m$ independent values has variance $\sigma^2/m$. v is called **biased**; times
# $m/(m-1)$ it is **unbiased**. That factor is **Bessel's correction**.
#
# **Commit:** for batches of 2, how large is v on average, as a share of the true variance?

# %%
guess_bias = predict.number("Batches of 2: mean of v / true variance", low=0, high=1.5)
guess_bias

# %%
images, _, _, _ = patient.cured("inputs").images()
unit = images @ patient.cured("weights").network(seed=0).weights[0][:, 3]
rng, rows, biased = np.random.default_rng(0), [], {}
for m in (2, 8, 32):
    batches = unit[rng.integers(len(unit), size=(m, 50_000))]
    biased[m] = batches.var(axis=0).mean() / unit.var()
    rows.append((m, f"{(m - 1) / m:.3f}", f"{biased[m]:.3f}", f"{biased[m] * m / (m - 1):.3f}"))
guess_bias.reveal(biased[2])

# %%
table(("batch size m", "(m − 1) / m", "v / true, measured", "times m / (m − 1)"), rows)

# %% [markdown]
# ### Which variance, which momentum?
#
# The population's numbers are collected in training, as a **moving average**: new = (1 − w) · old +
# w · batch, from mean 0 and variance 1 on. How large is w? Which variance is normalized with, and
# which is stored? This is asked more than anything else about the layer. So find out: hand a fresh
# layer one batch of four numbers, and look at what it stored.
#
# Keras's real layer is asked. PyTorch is not installed here: its line and the paper's come from the
# rule in their text.

# %% tags=["folded"]
def ask_keras(batch):
    layer = keras_models.keras().layers.BatchNormalization()
    out = layer(batch.astype(np.float32), training=True)  # which also fills what is kept
    return np.asarray(out), np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)

def ask_rule(convention, eps):
    def ask(batch):
        out, cache = normalization.batch_norm_forward(batch, [1.0], [0.0], eps)
        fresh = cache.mean, cache.variance, len(batch)
        start = normalization.initial_statistics(1)
        kept = normalization.update_running(start, *fresh, convention)
        return out, kept.mean, kept.variance
    return ask

def which_variance(found, batch):
    return "biased" if abs(found / batch.var() - 1) < 0.01 else "unbiased"

# %%
asked = {"Keras": ask_keras, "PyTorch's rule": ask_rule("pytorch", 1e-5),
         "the paper's rule": ask_rule("paper", 0.0)}
batch, rows = np.array([[1.0], [2.0], [6.0], [7.0]]), []
for name, ask in asked.items():
    out, mean, variance = ask(batch)
    w = (mean / batch.mean()).item()  # it began at 0
    used = which_variance((batch.std() / out.std()) ** 2, batch)
    stored = which_variance((variance.item() - (1 - w)) / w, batch)  # it began at 1
    tiny = ask(0.001 * batch)[0]
    eps_found = (0.001 * batch.std() / tiny.std()) ** 2 - 1e-6 * batch.var()
    rows.append((name, used, stored, f"{w:.2f}", f"{eps_found:.0e}" if eps_found > 1e-9 else "–"))
table(("", "normalizes with", "stores", "w of the new batch", "ε"), rows)

# %% [markdown]
# - All three normalize with the **biased** variance. Keras stores it too. PyTorch and the paper
#   store the unbiased one.
# - Keras says `momentum=0.99`, the weight of the *old* value. PyTorch says `momentum=0.1`, the
#   weight of the *new* one. The same word for opposite things: to carry a setting over, take one
#   minus it.
# - The paper averages all batches alike, so its first batch has weight 1.
#
# ### Yours: read the figure (4 minutes)
#
# The three rules saw the same batches of {{words(checks.normalization.FOLLOWED)}} from one unit,
# and stored a variance. The dashed line is the true one. Which curve is whose? Two things tell.

# %%
scaled = unit / unit.std() * np.sqrt(3)
stored = checks.normalization.moving_variances(scaled, 400, np.random.default_rng(3))
plots.curves({name: stored[source][::4] for name, source in checks.normalization.SHOWN.items()},
             {name: np.full(100, 3.0) for name in "ABC"}, x=np.arange(0, 400, 4), log=False,
             xlabel="batches seen", ylabel="stored variance",
             alt="three stored variances: A settles, B creeps and stays lower, C jumps")

# %% tags=["stub"]
curves = {"A": ..., "B": ..., "C": ...}  # "Keras", "PyTorch" or "paper"

# %% tags=["solution"]
curves = {"A": "paper", "B": "Keras", "C": "PyTorch"}

# %%
checks.normalization.which_is_which(curves)

# %% [markdown]
# ### Core: a moving average, Keras's way (4 minutes)
#
# Return the moving mean and the moving variance after one more batch of shape (batch, features).

# %% tags=["stub"]
def keras_update(mean, variance, batch, momentum):
    """Return (new moving mean, new moving variance)."""
    ...

# %% tags=["solution"]
def keras_update(mean, variance, batch, momentum):
    """Return (new moving mean, new moving variance)."""
    mean = momentum * mean + (1 - momentum) * batch.mean(axis=0)
    variance = momentum * variance + (1 - momentum) * batch.var(axis=0)
    return mean, variance

# %%
checks.normalization.keras_update(keras_update)

# %% [markdown]
# Two more guesses. Train the patient (Glorot's weights) for a few steps and ask it about new
# images: with the **batch**'s statistics, the **moving** ones, and the **population**'s, taken from
# all training images afterwards.

# %%
guess_early = predict.choice("After 200 steps, whose statistics predict far worse?",
                             ["the batch's", "the moving ones", "the population's", "none's"])
guess_early

# %%
guess_gamma = predict.choice("γ and β, to predict with, are",
                             ["averaged as mean and variance are", "as the last step left them",
                              "set back to 1 and 0"])
guess_gamma

# %%
def asked_in_three_ways(momentum, steps, seed):
    x, y, x_new, y_new = partly.images()
    model, rng = normalized_patient.normalized_network(partly, seed), np.random.default_rng(seed)
    for layer in model.layers:
        layer.momentum = momentum  # of the moving averages; only batch norm takes notice
    train(model, x, y, learning_rate=patient.RATE, steps=steps, batch_size=50, rng=rng)
    said = model.forward(x_new, training=True)[-1].output.argmax(axis=1)
    moving = model.accuracy(x_new, y_new)
    normalizing.take_statistics(model, x)
    return np.mean(said == y_new), moving, model.accuracy(x_new, y_new), model

ways = {(steps, momentum): [asked_in_three_ways(momentum, steps, seed) for seed in range(3)]
        for momentum in (0.99, 0.9) for steps in (20, 200)}
right = {key: np.median([found[:3] for found in three], axis=0) for key, three in ways.items()}
still_there = 0.99 ** 200
guess_early.reveal("the moving ones")

# %%
table(("steps", "momentum", "batch", "moving", "population"),
      [(*key, *(f"{share:.2f}" for share in shares)) for key, shares in right.items()])

# %%
model = ways[200, 0.99][0][3]
norm, (_, _, x_new, _) = model.layers[1], partly.images()
z = x_new @ model.layers[0].W
by_hand = norm.gamma * (z - norm.running.mean) / np.sqrt(norm.running.variance + norm.eps)
deepest = [layer for layer in model.layers if layer.kind == "batch_norm"][-1].running
away = np.median(np.abs(deepest.mean) / np.sqrt(deepest.variance))
true_variance = np.median(deepest.variance)
print("with γ and β as they are, the same as the network at inference:",
      bool(np.allclose(by_hand + norm.beta, model.forward(x_new)[1].output)))
guess_gamma.reveal("as the last step left them")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The moving averages. With momentum `0.99` they still hold {{still_there:.0%}} of their starting
# values, mean 0 and variance 1, after 200 steps. In the last layer the median unit's true mean lies
# {{away:.1f}} standard deviations from 0, and its true variance is {{true_variance:.2f}}. Ten such
# layers in a row, each a little off, spoil everything: {{right[200, 0.99][1]:.2f}} right. The
# weights are fine: with the population's statistics the same
# network gets {{right[200, 0.99][2]:.2f}}. Change momentum alone, to `0.9`, and the moving averages
# arrive: {{right[200, 0.9][1]:.2f}}. When validation lags far behind training in the first epochs,
# think of this first.
#
# γ and β are weights: descent sets them, and nothing averages them. Only mean and variance change
# hands between training and prediction.
#
# </details>

# %%
labs.batch_size_lab()

# %% [markdown]
# - **Batch size `2`.** What becomes of the images on the right in training? And with `32`?
# - **Batches seen from `10` to `1,000`, momentum `0.99`**, then momentum `0.5`: late, or restless.
#
# ## 7. Convolutions, and normalization for free
#
# After a convolution, z has the shape (batch, height, width, channels). All places of a channel go
# through the same weights. So they share one mean, one variance, one γ and one β.
#
# ### Core: any number of axes (4 minutes)

# %% tags=["stub"]
def batch_norm(x, gamma, beta, eps):
    """Return gamma * x_hat + beta for (batch, features) and (batch, height, width, channels)."""
    ...

# %% tags=["solution"]
def batch_norm(x, gamma, beta, eps):
    """Return gamma * x_hat + beta for (batch, features) and (batch, height, width, channels)."""
    axes = tuple(range(x.ndim - 1))
    x_hat = (x - x.mean(axis=axes)) / np.sqrt(x.var(axis=axes) + eps)
    return gamma * x_hat + beta

# %%
checks.normalization.batch_norm(batch_norm)

# %%
maps = 3 * np.random.default_rng(0).standard_normal((16, 8, 8, 20)) + 2
layer = keras_models.keras().layers.BatchNormalization()
theirs = np.asarray(layer(maps.astype(np.float32), training=True))
ours, cache = normalization.batch_norm_forward(maps, np.ones(20), np.zeros(20))
print(f"Keras: γ has the shape {layer.gamma.shape}; values behind each mean: {cache.count:,}")
print("the same output, to 1e-5:", bool(np.abs(ours - theirs).max() < 1e-5))

# %% [markdown]
# Sixteen images give {{cache.count:,}} values for each mean. So convolutions bear smaller batches.
#
# To predict, mean and variance are constants. Then $\gamma\,(xW + b - \mu)/s + \beta$ is one more
# linear layer, and two linear layers are one. **Folding** it away makes the network faster.
#
# ### Core: fold it away (5 minutes)

# %% tags=["stub"]
def folded(W, b, gamma, beta, mean, variance, eps):
    """Return (new W, new b); W is (fan_in, fan_out), all others but eps (fan_out,)."""
    ...

# %% tags=["solution"]
def folded(W, b, gamma, beta, mean, variance, eps):
    """Return (new W, new b); W is (fan_in, fan_out), all others but eps (fan_out,)."""
    scale = gamma / np.sqrt(variance + eps)
    return W * scale, beta + (b - mean) * scale

# %%
checks.normalization.folded(folded)

# %%
W, b = normalization.fold(model.layers[0].W, 0, norm.gamma, norm.beta, norm.running.mean,
                          norm.running.variance, norm.eps)
print("one layer for two, to 1e-9:",
      bool(np.abs(x_new @ W + b - model.forward(x_new)[1].output).max() < 1e-9))
print(f"numbers to store: {model.layers[0].W.size + 4 * 100:,} before, {W.size + b.size:,} after")

# %% [markdown]
# ## 8. What it buys, and what breaks it
#
# Four claims stand in the paper of 2015: train at higher rates, care less about the start, learn
# faster, over-fit less. First the rates and the start: five ReLU layers, every learning rate with
# every spread of the weights, five seeds each, stored.
#
# **Commit:** with weights of std 0.1, over how many powers of ten of the learning rate does the
# network with batch norm get above 0.6?

# %%
guess_decades = predict.number("Decades of the rate that work with batch norm", low=0, high=4)
guess_decades

# %%
grid = normalized_patient.rates_that_work(0.1, accuracy=0.6)
guess_decades.reveal(grid["with"])

# %%
labs.learning_rate_lab()

# %% [markdown]
# - **std `0.1`, rate from `0.1` to `1`.** Who diverges?
# - **std `1`, rate from `0.01` to `3`.** Large weights bear, and need, longer steps: section 5.
# - **std `0.001`.** ε again.
#
# <details><summary>What you saw</summary>
#
# At this spread the network works over {{grid["with"]:.1f}} decades of rates with it, and over
# {{grid["without"]:.1f}} without. That is the wider choice.
#
# </details>
#
# Is it also *better*, when each network gets its own best rate? And does the place matter, before
# the activation as in the paper or after it? Every contender below had its rate tuned on validation
# images, with other seeds, and is scored on test images.
#
# **Commit:** five ReLU layers, each at its best rate. Batch norm before the activation is …

# %%
guess_better = predict.choice("ReLU, five layers, 200 steps, best rates: with batch norm",
                              ["clearly better", "about the same", "worse"])
guess_better

# %%
study = comparison.load("normalization")
relu, sigmoids = ([f"{name}, {place}" for place in ("without", "before", "after")]
                  for name in ("ReLU", "sigmoid"))
study.table(*relu, *sigmoids)

# %%
gained = {name: study.difference(f"{name}, before", f"{name}, without", comparisons=2)
          for name in ("ReLU", "sigmoid")}
placed = {name: study.difference(f"{name}, after", f"{name}, before", comparisons=2)
          for name in ("ReLU", "sigmoid")}

def told(found):
    return f"{found.mean:+.3f} ({found.low:+.3f} to {found.high:+.3f})"

guess_better.reveal("about the same" if not gained["ReLU"].tells_apart else
                    "clearly better" if gained["ReLU"].high < 0 else "worse")

# %%
table(("test loss, difference (95 % interval)", "ReLU", "sigmoid"),
      [("before − without", told(gained["ReLU"]), told(gained["sigmoid"])),
       ("after − before", told(placed["ReLU"]), told(placed["sigmoid"]))])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Each at its best rate, batch norm before the activation changes the ReLU network's test loss by
# {{told(gained["ReLU"])}}: a little better. Without it five
# sigmoid layers stay at chance at every rate that was tried; with it they learn as well as ReLU. So
# what it gives depends on what was missing. The place: after the activation is not told apart for
# ReLU, and better by {{-placed["sigmoid"].mean:.2f}} for the sigmoid.
#
# </details>
#
# What was tried is stored too: `study.grid("ReLU, before")` shows every rate with its validation
# loss. And over-fitting? Four times as many steps on the same images, beside a network that
# stops at its lowest validation loss.

# %%
study.table("long, without", "long, without, stopped early", "long, before")

# %%
fitted = {(other, metric): study.difference("long, before", other, metric, comparisons=4)
          for other in ("long, without", "long, without, stopped early")
          for metric in ("loss", "accuracy")}
table(("long, before − …", "test loss", "test accuracy"),
      [(other, told(fitted[other, "loss"]), told(fitted[other, "accuracy"]))
       for other in ("long, without", "long, without, stopped early")])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Of the four differences {{words(sum(found.tells_apart for found in fitted.values())) if
# any(found.tells_apart for found in fitted.values()) else "none"}} can be told from 0. Some
# regularization, then, at most a hundredth or two of accuracy here. Where over-fitting is the
# trouble, dropout and more data come first: lessons 09 and 10.
#
# </details>
#
# ### What breaks it
#
# An image's output depends on its neighbors. What if there are few? With a batch of 1 no run is
# needed: the value is its own mean, and the output is β whatever the image. **Layer normalization**
# is the contrast: the same formula, with mean and variance over the features of *one* image.
#
# **Commit:** draw the test loss of the network with batch norm at batches of 2, 4, 16 and 32, each
# at its best rate. (Chance is {{np.log(10):.1f}}.)

# %%
guess_sizes = predict.curve("Test loss at batches of 2, 4, 16, 32", layers=4, low=0.3, high=2.5,
                            log=False, ylabel="test loss", xlabel="place in 2, 4, 16, 32")
guess_sizes

# %%
kinds, sizes = ("without", "batch norm", "layer norm"), (2, 4, 16, 32)
by_size = {kind: np.transpose([study.test(f"{kind}, batches of {m}") for m in sizes])
           for kind in kinds}
guess_sizes.reveal(np.median(by_size["batch norm"], axis=0))

# %%
plots.side_by_side({"test loss, median of five seeds": {
    kind: np.median(losses, axis=0) for kind, losses in by_size.items()}},
    guess={"test loss, median of five seeds": guess_sizes.value}, log=False,
    xlabel="place in 2, 4, 16, 32", alt="batch norm's loss is highest at 2 and falls with the size")

# %%
study.table(*(f"{kind}, batches of {m}" for kind in kinds for m in sizes))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# At 2 it is near chance: {{np.median(by_size["batch norm"][:, 0]):.2f}}. Two values, made to have
# mean 0 and standard deviation 1, are −1 and 1: all that is left of an image is whether it is the
# larger one. At 4 it is still worse than no normalization,
# {{np.median(by_size["batch norm"][:, 1]):.2f}} against {{np.median(by_size["without"][:,
# 1]):.2f}}. At 16, where one often reads that it starts to suffer, it is
# {{np.median(by_size["batch norm"][:, 2]):.2f}} against {{np.median(by_size["without"][:,
# 2]):.2f}}: nothing is broken there. Small batches are worse for all three, since all took the
# same 200 steps; layer norm shows how much of it is the batch's size alone.
#
# </details>
#
# **Correlated batches.** The same images, in another order: each batch holds one class only. Both
# runs have batches of 32, the same rate, the same number of steps.

# %%
guess_class = predict.choice("Trained on batches of one class each, with batch norm: accuracy is",
                             ["about as on mixed ones", "somewhat lower", "near chance"])
guess_class

# %%
x, y = data.load_batch(4000, dtype=np.float64)
x, y, x_new, y_new = x[:2000], y[:2000], x[2000:], y[2000:]

def accuracy_after(kind, order, seed):
    place, rng = None if kind == "without" else "before", np.random.default_rng(seed)
    model = dense_stack((784, 100, 100, 100, 10), normalized=place, rng=rng)
    if kind == "layer norm":
        normalizing.replaced(model, normalizing.LayerNorm)
    for step in range(200):
        among = np.flatnonzero(y == step % 10) if order == "one class" else len(y)
        rows = rng.choice(among, 32)
        model.step(model.loss_and_gradients(x[rows], y[rows])[1], 0.01)
    normalizing.take_statistics(model, x)
    return model.accuracy(x_new, y_new)

found = {(kind, order): [accuracy_after(kind, order, seed) for seed in range(5)]
         for kind in kinds for order in ("mixed", "one class")}
guess_class.reveal("near chance" if np.median(found["batch norm", "one class"]) < 0.3 else
                   "somewhat lower")

# %%
def spread(values):
    return f"{np.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"

table(("accuracy on new images", "mixed batches", "batches of one class"),
      [(kind, spread(found[kind, "mixed"]), spread(found[kind, "one class"])) for kind in kinds])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Only the order was changed. Batch norm falls from {{np.median(found["batch norm",
# "mixed"]):.2f}} to {{np.median(found["batch norm", "one class"]):.2f}}. It takes away what the
# images of a batch have in common, and here that is the class. Layer norm keeps
# {{np.median(found["layer norm", "one class"]):.2f}}. Sorted data, frames of one film, patients of
# one hospital: mix them.
#
# </details>
#
# **Why does it help at all?** The paper said: because each layer's inputs stop moving as the layers
# before it learn, the **internal covariate shift**. In 2018 others put the shift back with noise,
# and the network still learned well. [Deeper: why does it help?](deeper/06_why_does_it_help.ipynb)
# repeats both, and says what holds here.
#
# ### Challenge: batches of four (10 minutes)
#
# Four images give poor means. Invent a better normalization. `shared(batch, features)` returns
# labels, whole numbers of shape (batch, features): numbers with the same label share one mean and
# one variance. A label per column is batch normalization. Choose the labels, the activation and the
# rate. The check trains the patient (Glorot's weights, pixels as they come) for
# {{checks.normalization.STEPS}} steps with batches of {{words(checks.normalization.BATCH)}}, and
# scores you by validation loss. Batch norm gets to about
# {{checks.normalization.LEVEL_OF_BATCH_NORM}}; below {{checks.normalization.PASS}} passes.

# %% tags=["stub"]
recipe = {"shared": ..., "activation": ..., "rate": ...}

# %% tags=["solution"]
def one_label_per_image(batch, features):
    return np.repeat(np.arange(batch), features).reshape(batch, features)

recipe = {"shared": one_label_per_image, "activation": "tanh", "rate": 0.01}

# %%
checks.normalization.small_batches(recipe)

# %% [markdown]
# ### Experiment: change one thing (10 minutes)
#
# Ask a question of your own about the normalized patient: another ε, another rate, another
# activation, other steps for the hidden weights. Change *one* thing, save the run, compare. Several
# seeds before you believe it.

# %%
runs.save("batch norm, Glorot's weights", loss=with_theirs.loss)

tried = normalized_patient.train_normalized(partly, seed=0, steps=100, rate=0.3)  # change this line
runs.save("rate 0.3", loss=tried.loss)

runs.compare()

# %% [markdown]
# ## How did you guess?

# %%
predict.summary()

# %% [markdown] tags=["given"]
# ## Summary
#
# - Normalize each unit over the batch, inside the gradient; scale by γ, shift by β.
# - $dx = \frac{\gamma}{s}(dy - \overline{dy} - \hat x\;\overline{dy\,\hat x})$.
# - It can't see shifts and scales before it. What remains visible are ε and the length of a step.
# - To predict, it needs the population's mean and variance. Libraries differ in which variance they
#   keep, and in what they call momentum. γ and β are never averaged.
# - It needs batches: large enough, and mixed.
#
# ## In practice
#
# 1. Put it between a layer and its activation, without a bias. Then try a higher learning rate.
# 2. Standardize the inputs and draw good weights all the same: it costs nothing.
# 3. When predictions are much worse than training, look at the moving statistics first.
# 4. Don't count on it against over-fitting.
# 5. With tiny batches take layer normalization, and an activation that suits it.
#
# Next: [Use batch normalization in Keras](07_use_batch_normalization_in_keras.ipynb). Deeper: [Why
# does it help?](deeper/06_why_does_it_help.ipynb). Before: [Prepare the
# inputs](05_prepare_the_inputs.ipynb).
#
# ## Further reading
#
# - [Ioffe and Szegedy 2015](https://arxiv.org/abs/1502.03167): the paper, with the algorithm for
#   inference.
# - [Ba, Kiros and Hinton 2016](https://arxiv.org/abs/1607.06450): layer normalization. [Wu and He
#   2018](https://arxiv.org/abs/1803.08494): groups between the two.
# - [Wu and Johnson 2021](https://arxiv.org/abs/2105.07576): everything that goes wrong with
#   batches, and what helps.
# - [Keras:
#   BatchNormalization](https://keras.io/api/layers/normalization_layers/batch_normalization/) and
#   [PyTorch:
#   BatchNorm1d](https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html): the
#   settings asked in section 6.
