# %% [markdown]
# # Derive batch normalization
#
# You will build batch normalization from one line of statistics to its backward pass, and measure
# what it does, what it does not do, and what breaks it.
#
# *About 120 minutes. You should know how weights are scaled ([04 Scale the
# weights](04_scale_the_weights.ipynb)) and how inputs are standardized, the lesson before: [05
# Prepare the inputs](05_prepare_the_inputs.ipynb). The lesson after: [07 Use batch normalization in
# Keras](07_use_batch_normalization_in_keras.ipynb).*
#
# ## What you will learn
#
# After this lesson you can
#
# - write the forward and the backward pass of batch normalization, and prove them right;
# - say which variance and which momentum a library uses, and find it out where nobody says;
# - tell what was claimed for it from what you measured;
# - fold it into the layer before it, for a network that only predicts;
# - recognize the batches that break it.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    BatchNorm, activations, checks, data, dense_stack, initializers, keras_models, labs,
    normalization, numerical_gradient, plots, relative_error, results, table, train,
)

# %% [markdown]
# ## 1 Does it help because inputs stand still?
#
# The third layer learns from what the second hands it. But the second learns too, so its outputs
# drift while the third tries to use them. The paper of 2015 called this **internal covariate
# shift** and proposed **batch normalization**: give each unit's pre-activation mean 0 and standard
# deviation 1 over the mini-batch, then let the unit learn a scale and a shift of its own.
#
# Was that the reason for its success? In 2018 others put the shift back. Their network, here
# **shaken**, adds a random push to every unit *after* the normalization, another one at every step.
# We train all three: three hidden layers, 200 steps, five seeds. On the way we measure
#
# - **wandering**: how far the median of a unit's input has moved, in units of its own spread;
# - **cosine**: does the gradient still point the same way after the step it asks for? 1 is the same
#   direction, −1 the opposite;
# - **far**: the loss after a step four times as long, divided by the loss now. Below 1 it still
#   falls.
#
# The last two ask how **smooth** the loss surface is.
#
# **Predict:** will "shaken" train better or worse than the plain network?

# %%
x, y = data.load_batch(2000, dtype=np.float64)
x_new, y_new = (part[2000:] for part in data.load_batch(4000, dtype=np.float64))

def network(normalized=None, activation="relu", depth=3, seed=0, gain=1.0):
    start = {"relu": "he_normal", "sigmoid": "glorot_normal"}[activation]
    sizes, rng = (784, *[100] * depth, 10), np.random.default_rng(seed)
    options = {"activation": activation, "initializer": start, "gain": gain}
    return dense_stack(sizes, **options, normalized=normalized, rng=rng)

def entering(model):  # what enters the last activation
    calls = model.forward(x[:200], training=True)
    return [call.inputs[0] for call in calls if call.layer.kind == "activation"][-1]

def wandering(bands):  # (times, 3 quantiles, units)
    return np.median(np.ptp(bands[:, 1], axis=0) / (bands[:, 2] - bands[:, 0]).mean(axis=0))

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

# %%
class Shaken(BatchNorm):
    push = 0.0

    def forward(self, x, *, training, rng):
        out, cache = super().forward(x, training=training, rng=rng)
        return out + self.push, cache

def norms_replaced(layers, other):
    return [other(i.gamma, i.beta) if i.kind == "batch_norm" else i for i in layers]

def start(kind, activation, seed):
    model = network(None if kind == "plain" else "before", activation, seed=seed)
    if kind == "shaken":
        model.layers = norms_replaced(model.layers, Shaken)
    return model

def told(values, form=".2f"):
    return f"{np.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"

# %%
def observe(kind, activation, rate, seed):
    model, bands, ahead = start(kind, activation, seed), [], []
    rng, order = np.random.default_rng(seed), np.random.default_rng(seed)
    def watch(step, *_):
        for layer in model.layers:
            layer.push = rng.standard_normal(100)  # only Shaken takes notice
        if step % 10 == 0:
            bands.append(np.quantile(entering(model), (0.15, 0.5, 0.85), axis=0))
        if step % 40 == 39:
            ahead.append(look_ahead(model, rate))
    losses = train(model, x, y, learning_rate=rate, steps=200, rng=order, after_step=watch)
    numbers = wandering(np.array(bands)), *np.median(ahead, axis=0), losses[-50:].mean()
    return np.array(bands)[..., 0], numbers

# %%
kinds, rates = ("plain", "batch norm", "shaken"), {"sigmoid": 0.5, "relu": 0.05}
runs = {
    (activation, kind): [observe(kind, activation, rate, seed) for seed in range(5)]
    for activation, rate in rates.items()
    for kind in kinds
}
four = {name: np.transpose([numbers for _, numbers in five]) for name, five in runs.items()}
rows = [(*name, *map(told, numbers)) for name, numbers in four.items()]
print(table(("network", "", "wandering", "cosine", "far", "loss"), rows))
print("median of five seeds (smallest to largest)")
plain, shaken = four["sigmoid", "plain"], four["sigmoid", "shaken"]
assert shaken[0].min() > plain[0].max()  # wanders more ...
assert shaken[3].max() < plain[3].min()  # ... and learns faster
assert four["relu", "batch norm"][1].min() > four["relu", "plain"][1].max()
shown = {kind: (range(0, 200, 10), runs["sigmoid", kind][0][0]) for kind in kinds}
labels = {"xlabel": "step", "ylabel": "input of one sigmoid"}
plots.quantile_bands(shown, **labels, alt="plain wanders, shaken jumps")

# %% [markdown]
# **The shift.** In the plain sigmoid network a unit's input wanders by
# {{np.median(four["sigmoid", "plain"][0]):.2f}} of its own spread, and batch normalization holds it
# to {{np.median(four["sigmoid", "batch norm"][0]):.2f}}. Shaken, it wanders by
# {{np.median(four["sigmoid", "shaken"][0]):.2f}}, more than in the plain network. Yet the shaken
# network learns *faster* than the plain one with every seed:
# {{np.median(four["sigmoid", "shaken"][3]):.2f}} against
# {{np.median(four["sigmoid", "plain"][3]):.2f}}. The push does cost something, but an input that
# stands still is not what makes the difference.
#
# **The surface.** In the ReLU network the finding of 2018 is plain to see. With batch normalization
# the gradient keeps its direction (cosine {{np.median(four["relu", "batch norm"][1]):.2f}} against
# {{np.median(four["relu", "plain"][1]):.2f}}), and a step four times too long still lowers the loss
# ({{np.median(four["relu", "batch norm"][2]):.2f}}), where it raises the plain network's
# ({{np.median(four["relu", "plain"][2]):.2f}}). The shaken network is as smooth. In the *sigmoid*
# network these two numbers show no gain: {{np.median(four["sigmoid", "batch norm"][1]):.2f}}
# against {{np.median(four["sigmoid", "plain"][1]):.2f}}, and
# {{np.median(four["sigmoid", "batch norm"][2]):.2f}} against
# {{np.median(four["sigmoid", "plain"][2]):.2f}}. A sigmoid network is flat rather than rough
# (lesson 02), and there is little to smooth.
#
# **The gain.** Smoother is not yet faster. At this learning rate the ReLU network ends no lower,
# {{np.median(four["relu", "batch norm"][3]):.2f}} against
# {{np.median(four["relu", "plain"][3]):.2f}}, and the push costs it much
# ({{np.median(four["relu", "shaken"][3]):.2f}}). A smooth surface allows longer steps; section 10
# takes them.
#
# ## 2 Why not simply subtract the mean?
#
# One could normalize the activations now and then, outside of the gradient. Take the smallest case:
# a layer u + b, whose mean over the batch is subtracted. The target asks for a shift of 1.
# **Outside**, the update of b ignores that the mean depends on b. **Inside**, it does not.
#
# **Predict:** where does b go, and where does the loss go?

# %%
rng, rows, b, inside, beta = np.random.default_rng(0), [], 0.0, 0.0, 0.0
u = rng.standard_normal(500)
for step in range(1001):
    outputs = (u + b) - (u + b).mean(), (u + inside) - (u + inside).mean(), u - u.mean() + beta
    errors = [out - (u - u.mean() + 1) for out in outputs]
    if step in (0, 1, 10, 100, 1000):
        losses = [np.mean(error**2) / 2 for error in errors]
        numbers = b, losses[0], abs(inside), losses[1], beta, losses[2]
        rows.append((step, *(f"{number:.3f}" for number in numbers)))
    b -= 0.1 * errors[0].mean()
    inside -= 0.1 * (errors[1] - errors[1].mean()).mean()  # the mean moves with b and takes it back
    beta -= 0.1 * errors[2].mean()
print(table(("step", "b outside", "loss", "b inside", "loss", "β after it", "loss"), rows))

# %% [markdown]
# Outside, b grows by 0.1 at every step, for ever, while the loss stands still at {{losses[0]:.3f}}:
# whatever is added to b, the mean takes away again. Inside, the gradient knows this. It is 0, and b
# stays. Neither reaches the target. For that the layer needs a shift that comes *after* the
# subtraction: β, which brings the loss to 0.
#
# So the normalization must be part of the network, and the gradient must go through it.
#
# ## 3 The transform
#
# For each feature, over a mini-batch of $m$ values:
#
# 1. mean: $\mu = \frac1m \sum_i x_i$
# 2. **biased variance**, divided by $m$: $v = \frac1m \sum_i (x_i - \mu)^2$
# 3. normalize: $\hat x_i = (x_i - \mu) / \sqrt{v + \varepsilon}$, with a small ε against a division
#    by 0
# 4. scale and shift, both learned: $y_i = \gamma\,\hat x_i + \beta$
#
# **Predict:** which γ and β give back the input?

# %%
def batch_norm_by_hand(x, gamma, beta, eps=1e-3):
    mean = x.mean(axis=0)
    variance = np.mean((x - mean) ** 2, axis=0)
    return gamma * (x - mean) / np.sqrt(variance + eps) + beta

z, one, zero = x[:200] @ rng.standard_normal((784, 100)), np.ones(100), np.zeros(100)
out = batch_norm_by_hand(z, one, zero)
undone = batch_norm_by_hand(z, np.sqrt(z.var(axis=0) + 1e-3), z.mean(axis=0))
for name, a in {"z": z, "γ = 1, β = 0": out, "undone": undone}.items():
    means, stds = np.abs(a.mean(axis=0)), a.std(axis=0)
    print(f"{name:<13} largest mean of a unit {means.max():5.2f}, largest std {stds.max():5.2f}")
print("undone gives back z, to 1e-9:", bool(np.abs(undone - z).max() < 1e-9))
assert np.allclose(out, normalization.batch_norm_forward(z, one, zero)[0])

# %% [markdown]
# γ = √(v + ε) and β = μ undo it. So nothing the plain layer could do is lost: the **identity** is
# among the choices, and descent may walk there.
#
# ## 4 What would a sigmoid be without γ and β?
#
# With mean 0 and standard deviation 1, where on the sigmoid do the values fall? Here are the real
# pre-activations of a third layer, normalized, with three values of γ, and the straight line that
# fits σ best.
#
# **Predict:** how much of σ's output does a straight line explain at γ = 1?

# %%
sigmoid, groups, rows = activations.ACTIVATIONS["sigmoid"], {}, []
normal_z = entering(network("before", "sigmoid")).ravel()
straight, saturated = {}, {}
for gamma in (0.5, 1, 4):
    values, slopes = gamma * normal_z, sigmoid.df(gamma * normal_z)
    line = np.polyfit(values, sigmoid.f(values), 1)
    left = np.var(sigmoid.f(values) - np.polyval(line, values))
    explained = straight[gamma] = 1 - left / np.var(sigmoid.f(values))
    saturated[gamma] = np.mean(slopes < 0.0125)
    groups[f"γ = {gamma}"] = values, line
    steep = f"{np.mean(slopes > 0.1875):.0%}"
    rows.append((f"γ = {gamma}", steep, f"{explained:.1%}", f"{saturated[gamma]:.0%}"))
    assert (explained > 0.97) == (gamma <= 1)
print(table(("", "slope above 3/4 of the largest", "explained by the line", "saturated"), rows))
plots.over_sigmoid(groups, alt="γ = 0.5 and 1 lie where σ is straight, γ = 4 reaches its flat ends")

# %% [markdown]
# At γ = 1 a straight line explains {{straight[1]:.1%}} of what σ puts out. Layers of nearly
# straight units make a nearly linear network, however deep. γ = 4 reaches the bends: the line
# explains {{straight[4]:.1%}}, and {{saturated[4]:.0%}} of the values are saturated. How far to go
# into the bends is thus left to descent: that is what γ and β are for.
#
# The lab shows a layer before and after. Its weights are far larger than Glorot's, so that the
# layer saturates.

# %%
labs.batch_norm_lab()

# %% [markdown]
# Three things to try:
#
# 1. **Move the weight scale.** On the left the bars run to the ends and pile up there. On the right
#    nothing happens: scaling W changes nothing that comes out (section 6).
# 2. **Raise γ to `4`, then move β to `3`.** γ spreads the values into the bends, β pushes them to
#    one side. The layer can saturate, if that is what lowers the loss; but it must learn to.
# 3. **Switch on "let γ and β undo it".** The right side becomes the left one: the identity of
#    section 3.
#
# ## 5 Derivation: the backward pass
#
# Walk back over the graph, $x \to \mu,\ c = x - \mu \to v = \overline{c^2} \to s = \sqrt{v +
# \varepsilon} \to \hat x = c / s \to y = \gamma \hat x + \beta$. A name with d is the loss's
# gradient with respect to it.
#
# 1. $d\beta = \sum dy$ and $d\gamma = \sum dy\,\hat x$
# 2. $d\hat x = \gamma\,dy$
# 3. $\hat x = c/s$: $ds = -\sum d\hat x\, c / s^2$, and $c$ gets $d\hat x / s$
# 4. $s = \sqrt{v + \varepsilon}$: $dv = ds / 2s$
# 5. $v = \overline{c^2}$: $c$ gets $2c\,dv / m$ as well; both add up to $dc$
# 6. $c = x - \mu$: $d\mu = -\sum dc$
# 7. $\mu = \overline{x}$: $dx = dc + d\mu / m$

# %%
def staged(dy, x, gamma, eps=1e-3):
    m, c = len(x), x - x.mean(axis=0)
    s = np.sqrt(np.mean(c**2, axis=0) + eps)
    dbeta, dgamma = dy.sum(axis=0), (dy * c / s).sum(axis=0)
    dx_hat = gamma * dy
    ds = -(dx_hat * c / s**2).sum(axis=0)
    dv = ds / (2 * s)
    dc = dx_hat / s + 2 * c * dv / m
    dmean = -dc.sum(axis=0)
    return dc + dmean / m, dgamma, dbeta

few, dy = 3 * rng.standard_normal((8, 3)) + 1, rng.standard_normal((8, 3))
gamma = np.array([1.0, 2, -3])
point = [few, gamma, np.ones(3)]

# %%
from functools import partial

def loss_of(k, array):  # the loss, with the k-th of x, γ, β replaced
    return np.sum(dy * normalization.batch_norm_forward(*point[:k], array, *point[k + 1 :])[0])
numeric = [numerical_gradient(partial(loss_of, k), point[k]) for k in range(3)]
tf = keras_models.tensorflow()
with tf.GradientTape() as tape:
    a, g, b = variables = [tf.Variable(array) for array in point]
    mean, variance = tf.nn.moments(a, axes=[0])
    total = tf.reduce_sum(dy * (g * (a - mean) / tf.sqrt(variance + 1e-3) + b))
by_hand, automatic = staged(dy, few, gamma), tape.gradient(total, variables)
for name, mine, *others in zip(("dx", "dγ", "dβ"), by_hand, numeric, automatic, strict=True):
    same = [relative_error(mine, np.asarray(other)) < 1e-6 for other in others]
    print(f"{name}: equal to 1e-6 to central differences, to automatic differentiation: {same}")

# %% [markdown]
# The three gradients agree with both. Automatic differentiation is TensorFlow's, which knows
# nothing of our steps. Now simplify, with $c = s\,\hat x$:
#
# 8. steps 3 to 5: $2c\,dv/m = \hat x\,ds/m = -\frac{\hat x}{s}\,\overline{d\hat x\,\hat x}$
# 9. so $dc = \frac1s\,(d\hat x - \hat x\,\overline{d\hat x\,\hat x})$
# 10. $\sum \hat x = 0$, so in step 6 the second term sums to 0: $d\mu = -\frac1s \sum d\hat x$
# 11. $dx = \frac{\gamma}{s}\left(dy - \overline{dy} - \hat x\;\overline{dy\,\hat x}\right)$
#
# Read it: from $dy$ is taken away its mean, and what of it runs along $\hat x$. What a change of
# the mean or of the scale could do is gone, since the layer undoes both.
#
# **Predict:** how much faster is the one line than the steps?

# %%
from timeit import repeat

def simplified(dy, x_hat, gamma, std):
    return gamma / std * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))

_, cache = normalization.batch_norm_forward(*point)
dx = simplified(dy, cache.x_hat, gamma, cache.std)
print("equal to 1e-12:", relative_error(dx, staged(dy, few, gamma)[0]) < 1e-12)
ways = normalization.batch_norm_backward_staged, normalization.batch_norm_backward
big = rng.standard_normal((256, 400))
_, cache = normalization.batch_norm_forward(big, np.ones(400), np.zeros(400))
seconds = [min(repeat(partial(way, big, cache), number=5, repeat=20)) for way in ways]
print("256 × 400 values: the simplified form is faster:", seconds[0] > seconds[1])
pairs = zip(*(way(big, cache) for way in ways), strict=True)
assert all(relative_error(a, b) < 1e-12 for a, b in pairs)

# %% [markdown]
# The result is the same and it is faster, since it makes fewer passes over the data.
#
# ## 6 What it cannot see
#
# Batch normalization undoes every shift and every scaling of its input. From that follow facts that
# make good tests of any implementation, and one saving.
#
# **Predict:** W is multiplied by 5. What happens to the output, and what to the gradient of W?

# %%
def through(W, b):
    out, cache = normalization.batch_norm_forward(x[:64] @ W + b, np.ones(20), np.zeros(20), 0.0)
    dz, *_ = normalization.batch_norm_backward(arriving, cache)
    return out, x[:64].T @ dz, dz

W, b = rng.standard_normal((784, 20)), 10 * rng.standard_normal(20)
arriving = rng.standard_normal((64, 20))
(out, dW, dz), (with_b, _, dz_b) = through(W, 0), through(W, b)
scaled, dW_5, _ = through(5 * W, 0)
facts = {"the output with b is that without, to 1e-6": np.abs(with_b - out).max() < 1e-6}
facts["the gradient of z sums to 0 per feature"] = np.abs(dz.sum(axis=0)).max() < 1e-10
facts["the gradient of b is 0"] = np.abs(dz_b.sum(axis=0)).max() < 1e-10
facts["5 W: the same output"] = np.allclose(scaled, out)
facts["5 W: a fifth of the gradient"] = np.allclose(5 * dW_5, dW)
print("\n".join(f"{fact}: {bool(holds)}" for fact, holds in facts.items()))
norms = [layer for layer in network("before").layers if layer.kind == "batch_norm"]
spared = sum(layer.beta.size for layer in norms)  # one b less for every β
assert all(facts.values())

# %% [markdown]
# (Sums of rounding errors are not exactly 0, so the test allows for them. ε is 0 here; with ε above
# 0 the last two hold as long as the variance is far larger than ε.)
#
# **The saving:** in BN(xW + b) the mean cancels b, and β takes its place. Leave b out:
# `use_bias=False` in Keras. Three layers of 100 units save {{spared}} parameters, and get
# {{2 * spared}} others, γ and β.
#
# **A larger W gets a smaller gradient.** So weights that a large step has blown up move less from
# then on. Keep that in mind for section 10.
#
# ## 7 Which variance, which momentum?
#
# To predict for a single image there is no batch. So a **moving average** of mean and variance is
# kept in training: *new = (1 − w) · old + w · batch*, starting at mean 0, variance 1. How large is
# w, and is it the biased variance that is stored, or the **unbiased** one, divided by m − 1? This
# is the question asked most, so ask the library itself: give a fresh layer one batch of a few
# numbers and look at what it has stored.
#
# PyTorch is not installed here. Its line and the paper's come from our code of the rule in its
# documentation and in the paper; for Keras the real layer is asked.

# %%
layers = keras_models.keras().layers

def ask_keras(batch):
    layer = layers.BatchNormalization()
    out = layer(batch, training=True)  # which also moves the two others
    return np.asarray(out), np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)

def ask_rule(convention, eps):
    def ask(batch):
        out, cache = normalization.batch_norm_forward(batch, [1.0], [0.0], eps)
        start = normalization.initial_statistics(1)
        fresh = cache.mean, cache.variance, len(batch)
        kept = normalization.update_running(start, *fresh, convention)
        return out, kept.mean, kept.variance
    return ask

# %%
def which(variance, batch):
    return {True: "biased", False: "unbiased"}[abs(variance / batch.var() - 1) < 0.01]

asked = {"Keras": ask_keras}
asked |= {"PyTorch's rule": ask_rule("pytorch", 1e-5), "the paper's rule": ask_rule("paper", 0.0)}
batch, rows = np.array([[1.0], [2.0], [6.0], [7.0]]), []
for name, ask in asked.items():
    out, mean, variance = ask(batch)
    tiny, w = ask(0.001 * batch)[0], (mean / batch.mean()).item()
    eps = (0.001 * batch.std() / tiny.std()) ** 2 - 1e-6 * batch.var()  # what tiny values reveal
    used = which((batch.std() / out.std()) ** 2, batch)
    stored = which(((variance - 1 + w) / w).item(), batch)
    rows.append((name, used, stored, f"{w:.2f}", f"{eps:.0e}" if eps > 1e-9 else "no number"))
print(table(("", "normalizes with", "stores", "w, weight of the new batch", "ε"), rows))
assert [row[1] for row in rows] == ["biased", "biased", "biased"]
assert [row[2] for row in rows] == ["biased", "unbiased", "unbiased"]

# %% [markdown]
# All normalize with the biased variance. Keras stores the same; PyTorch and the paper store the
# unbiased one.
#
# - **Keras** has `momentum=0.99`, which weighs the *old* value, so w = {{rows[0][3]}}. **PyTorch**
#   has `momentum=0.1`, which weighs the *new* one. The same word, the opposite meaning: to carry a
#   setting over, take 1 − momentum.
# - **The paper** averages over many batches, all alike: the first one has the weight 1, the second
#   a half, and so on. It names no ε.
#
# **Why two variances?** The mean is fitted to the batch, so values lie closer to it than to the
# true one. On average the biased variance is (m − 1) / m of the true one.
#
# **Predict:** by how much is it too small for a batch of 2, of 8, of 32? Then move the batch size
# in the lab.

# %%
unit, rows = (x @ network().layers[0].W)[:, 0], []
for m in (2, 8, 32):
    batches = unit[rng.integers(2000, size=(m, 100_000))]  # one batch a column
    _, biased, _ = normalization.batch_statistics(batches)
    ratios = [values.mean() / unit.var() for values in (biased, normalization.unbiased(biased, m))]
    rows.append((m, f"{(m - 1) / m:.2f}", *(f"{ratio:.2f}" for ratio in ratios)))
    assert abs(ratios[0] - (m - 1) / m) < 0.03 > abs(ratios[1] - 1)
print(table(("batch size m", "(m − 1) / m", "biased / true, measured", "unbiased / true"), rows))
labs.batch_size_lab()

# %% [markdown]
# Three things to try:
#
# 1. **Batch size 2.** The bias is a half, and the images on the right go out near −1 or +1 in
#    training, whatever they are. In a large batch training and inference agree.
# 2. **Batches seen from `10` to `1,000`, momentum `0.99`.** The moving mean and variance creep from
#    0 and 1 to where they belong. After 10 batches they hold mostly their starting values.
# 3. **Momentum `0.5`.** It arrives at once, but then jumps with every batch: memory against noise.
#
# The second has a consequence. Train for a few steps and ask about new images, in three ways: with
# the **batch**'s statistics, with the **moving** ones, and with **population** statistics, averaged
# over all training batches *after* training (the paper's way).
#
# **Predict:** which of the three is wrong after 10 steps?

# %%
def fill_with_population(model):
    passes = [model.forward(x[i : i + 100], training=True) for i in range(0, 2000, 100)]
    for k, call in enumerate(passes[0]):
        if call.layer.kind == "batch_norm":
            seen = (calls[k].inputs[0] for calls in passes)
            call.layer.running = normalization.population_statistics(seen)

def asked_in_three_ways(seed, steps):
    model = network("before", seed=seed)
    _ = train(model, x, y, learning_rate=0.05, steps=steps, rng=np.random.default_rng(seed))
    said = model.forward(x_new, training=True)[-1].output.argmax(axis=1)
    moving = model.accuracy(x_new, y_new)
    fill_with_population(model)
    return np.mean(said == y_new), moving, model.accuracy(x_new, y_new)

# %%
ways = {
    steps: np.transpose([asked_in_three_ways(seed, steps) for seed in range(5)])
    for steps in (3, 10, 30, 100, 300)
}
rows = [(n, *(told(shares, ".0%") for shares in three)) for n, three in ways.items()]
print(table(("steps", "batch", "moving", "population"), rows))
assert np.median(ways[10][1]) < np.median(ways[10][2]) - 0.1
assert abs(np.median(ways[300][1]) - np.median(ways[300][2])) < 0.05

# %% [markdown]
# The moving ones. After 10 steps they get {{np.median(ways[10][1]):.0%}} right, the batch's
# statistics {{np.median(ways[10][0]):.0%}}. The weights are fine: with population statistics the
# same network gets {{np.median(ways[10][2]):.0%}} too. The averages have not arrived yet; after 300
# steps all three agree. When validation lags far behind training in the first epochs, think of this
# first.
#
# ## 8 Convolutions, and inference for free
#
# After a convolution, x has the shape (batch, height, width, channels). All places of a channel go
# through the same weights, so they share one mean, one variance, **one γ and one β per channel**:
# the average is over batch *and* places. Twenty batches go through Keras's layer and ours.

# %%
normal = np.random.default_rng(0).standard_normal
for shape in ((64, 20), (16, 8, 8, 20)):
    layer, kept = layers.BatchNormalization(), normalization.initial_statistics(20)
    for _ in range(20):
        batch = 3 * normal(shape).astype(np.float32) + 2
        theirs = layer(batch, training=True)
        ours, cache = normalization.batch_norm_forward(batch, np.ones(20), np.zeros(20))
        kept = normalization.update_running(kept, cache.mean, cache.variance, cache.count)
    ready = normalization.normalize(batch, kept.mean, kept.variance, np.ones(20), np.zeros(20))
    pairs = (ours, theirs), (ready, layer(batch, training=False))
    close = [bool(np.abs(a - np.asarray(b)).max() < 1e-5) for a, b in pairs]
    print(f"{shape}: γ {layer.gamma.shape}, {cache.count} values in a mean; "
          f"equal in training, at inference: {close}")

# %% [markdown]
# A batch of 16 small feature maps gives {{cache.count}} values for each mean, so convolutions bear
# smaller batches than dense layers do.
#
# At inference the statistics are constants, and $\gamma\,(xW + b - \mu)/s + \beta$ is one more
# linear layer. So it can be **folded** into the one before: $W' = W\,\gamma/s$ and $b' = \beta +
# (b - \mu)\,\gamma/s$.
#
# **Predict:** how far will the folded layer's output be from that of the two?

# %%
model = network("before")
_ = train(model, x, y, learning_rate=0.05, steps=100, rng=np.random.default_rng(0))
dense, norm = model.layers[:2]
mean, variance = norm.running.mean, norm.running.variance
W, b = normalization.fold(dense.W, 0, norm.gamma, norm.beta, mean, variance)
two = model.forward(x_new)[1].output
print("one layer in place of two, equal to 1e-9:", bool(np.abs(x_new @ W + b - two).max() < 1e-9))
print(f"numbers to store: {dense.W.size + 4 * 100:,} before, {W.size + b.size:,} after")

# %% [markdown]
# The prediction is the same, and the normalization costs nothing any more.
#
# ## 9 Before or after the activation?
#
# The paper puts it before the activation; others put it after. Train both, and a network without,
# five layers deep, on 2,000 images; test them on 2,000 new ones.
#
# **Predict:** which place wins? And does batch normalization narrow the gap between old and new
# images?

# %%
from itertools import product

old, new = ({activation: {} for activation in rates} for _ in range(2))
for activation, place in product(rates, ("without", "before", "after")):
    five, rate = [], rates[activation]
    for seed in range(5):
        model = network(None if place == "without" else place, activation, 5, seed)
        _ = train(model, x, y, learning_rate=rate, steps=200, rng=np.random.default_rng(seed))
        five.append((model.accuracy(x, y), model.accuracy(x_new, y_new)))
    old[activation][place], new[activation][place] = np.transpose(five)

# %%
for activation, found in new.items():
    gaps = {place: old[activation][place] - found[place] for place in found}
    three = old[activation], found, gaps
    rows = [(place, *(told(v[place], ".0%") for v in three)) for place in ("without", "before")]
    print(table((activation, "right, training images", "right, new images", "gap"), rows))
    above = np.sum(found["after"] > 0.6)
    near = abs(np.median(found["after"]) - np.median(found["before"])) < 0.06
    print(f"after: {above} of 5 seeds above 60%, median less than 6% from before: {near}\n")
assert max(new["sigmoid"]["without"]) < 0.3 < 0.5 < min(new["sigmoid"]["before"])
alt = "before and after alike; without, the sigmoid network stays at chance"
plots.seed_dots(new, ylabel="right, new images", alt=alt)

# %% [markdown]
# - **ReLU:** no place wins, and without it the network does as well:
#   {{np.median(new["relu"]["without"]):.0%}} of the new images.
# - **sigmoid:** without it, five layers don't leave chance. With it they learn, in either place:
#   with every seed above 60 %, and the medians are less than 6 % apart. Five seeds don't decide
#   between the two.
# - **Over-fitting:** for ReLU the gap is {{np.median(old["relu"]["without"] -
#   new["relu"]["without"]):.0%}} without and {{np.median(old["relu"]["before"] -
#   new["relu"]["before"]):.0%}} with it. The paper saw some **regularization**, which is whatever
#   narrows this gap, from the noise of the batches. We see none here. Where over-fitting is the
#   trouble, still use dropout or more data.
#
# (What is told of "after" are bands, and the dots: there, rounding errors in the last digit already
# change a run a little.)
#
# ## 10 What it buys: a wider choice
#
# Two claims: higher learning rates, and less care about initialization. A grid of 9 learning rates
# by 9 spreads of the weights, five ReLU layers, 150 steps, five seeds, was computed once
# (`python3 -m experiments learning_rate` does it again) and is stored with the course. Two cuts
# through it, and beside them a few runs made now.
#
# **Predict:** over what range does each network still learn?

# %%
stored, live = results.load("learning_rate"), {}
for kind, rate in product((None, "before"), (0.01, 0.1, 1)):
    weights, rng = initializers.random_normal(0.1), np.random.default_rng(9)
    model = dense_stack((784, *[100] * 5, 10), initializer=weights, normalized=kind, rng=rng)
    rng = np.random.default_rng(9)
    _ = train(model, x, y, learning_rate=rate, steps=150, batch_size=100, rng=rng)
    with np.errstate(all="ignore"):  # where it has diverged
        fill_with_population(model)
    live[kind, rate] = f"{model.accuracy(x_new, y_new):.0%}"
middle = 4  # of 9 rates, and of 9 spreads: both 0.1
cuts = {"learning rate": (stored.rate, stored.accuracy[:, middle], stored.loss[:, middle, :, -1])}
right, loss = stored.accuracy[:, :, middle], stored.loss[:, :, middle, -1]
cuts["std of the weights"] = (stored.std, right, loss)

# %%
def loss_in_words(loss):
    return "diverged" if np.isnan(loss) else f"{loss:.1f}"

for title, (places, right, loss) in cuts.items():
    rows = []
    for k, place in enumerate(places):
        cells = [(loss_in_words(loss[i, k]), told(right[i, k], ".0%")) for i in (0, 1)]
        rows.append((f"{place:g}", *cells[0], *cells[1]))
    print(table((title, "without: loss", "right", "batch norm: loss", "right"), rows), end="\n\n")
rows = [(rate, live[None, rate], live["before", rate]) for rate in (0.01, 0.1, 1)]
print(table(("learning rate", "without, run now", "batch norm, run now"), rows))
labs.learning_rate_lab()

# %% [markdown]
# **Learning rates.** Without it, {{stored.rate[~np.isnan(stored.loss[0, middle, :, -1])].max():g}}
# is the last that trains, and 1 diverges. With it, 1 and {{stored.rate[7]:g}} still give
# {{np.median(stored.accuracy[1, middle, 7]):.0%}}; {{stored.rate[8]:g}} is too much for both.
# **Spreads.** Without it, {{words(np.sum(np.median(stored.accuracy[0, :, middle], axis=-1) >
# 0.2))}} of {{words(len(stored.std))}} trains. With it, all
# {{words(np.sum(np.median(stored.accuracy[1, :, middle], axis=-1) > 0.2))}} leave chance, over
# {{words(round(np.log10(stored.std[-1] / stored.std[0])))}} decades, but not all alike:
# {{np.median(stored.accuracy[1, 2, middle]):.0%}} at {{stored.std[2]:g}},
# {{np.median(stored.accuracy[1, 8, middle]):.0%}} at {{stored.std[8]:g}}. Less care about
# initialization, not none. And where both train well, at 0.1, it is
# {{np.median(stored.accuracy[1, middle, middle]):.0%}} against
# {{np.median(stored.accuracy[0, middle, middle]):.0%}}: the wider choice is the larger gain.
#
# Three things to try in the lab, which shows the whole grid:
#
# 1. **std `0.1`, move the rate from `0.1` to `1`.** On the left the run diverges, on the right
#    hardly anything changes.
# 2. **std `1`, move the rate from `0.01` to `3`.** With batch norm it gets better at every step.
#    Large weights have small gradients (section 6), so they bear, and need, longer steps.
# 3. **std `0.001`, rate `0.1`.** Here batch norm does worse too. The variance of z is so small that
#    `ε = 0.001` outweighs it: the normalization hardly takes place at first.
#
# ## 11 What breaks it
#
# An image's output depends on its neighbors in the batch. What if there are none, or few? **Layer
# normalization** serves as the contrast: the same formula, but mean and variance over the features
# of *one* image, so the batch plays no part, and training and inference are the same.
#
# **Predict:** what is learned from batches of 1? Of 2?

# %%
class LayerNorm(BatchNorm):
    kind = "layer_norm"

    def forward(self, x, *, training, rng):
        return normalization.layer_norm_forward(x, self.gamma, self.beta, self.eps)

    def backward(self, dout, cache):
        dx, dgamma, dbeta = normalization.layer_norm_backward(dout, cache)
        return (dx,), {"gamma": dgamma, "beta": dbeta}

def build(kind, seed):
    model = network(None if kind == "without" else "before", seed=seed)
    if kind == "layer norm":
        model.layers = norms_replaced(model.layers, LayerNorm)
    return model

# %%
def share_right(kind, m, seed):
    model, rng = build(kind, seed), np.random.default_rng(seed)
    _ = train(model, x, y, learning_rate=0.02, steps=200, batch_size=m, rng=rng)
    return model.accuracy(x_new, y_new)

kinds = ("without", "batch norm", "layer norm")
found = {
    kind: {m: [share_right(kind, m, seed) for seed in range(5)] for m in (1, 2, 4, 32)}
    for kind in kinds
}
rows = []
for m, five in found["batch norm"].items():
    others = [told(found[kind][m], ".0%") for kind in ("without", "layer norm")]
    above = [f"{sum(share > bar for share in five)} of 5" for bar in (0.45, 0.7)]
    rows.append((m, *others, *above))
print(table(("batch size", "without", "layer norm", "batch norm: above 45%", "above 70%"), rows))
z = x[:2] @ network().layers[0].W
pair, _ = normalization.batch_norm_forward(z, np.ones(100), np.zeros(100))
beyond = np.mean(np.abs(pair) > 0.99)
print(f"in a batch of 2, beyond 0.99 in size: {beyond:.0%} of the values")
labels = {"xlabels": ["batch size"], "ylabel": "right"}
plots.seeds_against({"200 steps": found}, **labels, alt="batch norm fails in small batches")

# %% [markdown]
# - **1:** the value is its own mean, so every output is β, whatever the image. Nothing is learned.
# - **2:** {{beyond:.0%}} of the values lie beyond 0.99. All that is left of an image is which of
#   two was larger, and no seed gets above 45 %.
# - **4:** still behind: no seed above 70 %. At **32** all three are alike.
#
# Layer normalization doesn't care. (At 1 it does better than no normalization:
# {{np.median(found["layer norm"][1]):.0%}} against {{np.median(found["without"][1]):.0%}}.) The lab
# of section 7 shows the same as a **difference between training and test**: the smaller the batch,
# the further the outputs in training lie from those at inference.
#
# **Correlated batches.** Now batches of a good size, but all images of a batch are of one class.
# First a network that was trained on mixed batches is asked about new images, 50 at a time.
#
# **Predict:** does it matter for the answer who else is asked?

# %%
orders = {"mixed": np.arange(2000), "one class at a time": np.argsort(y_new, kind="stable")}
answers = {(name, by_batch): [] for by_batch in (True, False) for name in orders}
for seed in range(5):
    model = network("before", seed=seed)
    _ = train(model, x, y, learning_rate=0.05, steps=200, rng=np.random.default_rng(seed))
    fill_with_population(model)
    for (name, by_batch), shares in answers.items():
        fifties = np.split(orders[name], 2000 // 50)
        calls = [model.forward(x_new[fifty], training=by_batch) for fifty in fifties]
        said = np.concatenate([call[-1].output.argmax(axis=1) for call in calls])
        shares.append(np.mean(said == y_new[orders[name]]))
rows = [
    (name, "batch" if by_batch else "population", told(shares, ".0%"))
    for (name, by_batch), shares in answers.items()
]
print(table(("50 images", "statistics", "right"), rows))

# %%
rows, one_class = [], {}
for kind in kinds:
    shares = []
    for seed in range(5):
        model, rng = build(kind, seed), np.random.default_rng(seed)
        for step in range(200):
            same = rng.choice(np.flatnonzero(y == step % 10), 32)
            model.step(model.loss_and_gradients(x[same], y[same])[1], 0.01)
        shares.append(model.accuracy(x_new, y_new))
    rows.append((kind, told(shares, ".0%")))
    one_class[kind] = np.median(shares)
    assert (one_class[kind] < 0.3) == (kind == "batch norm")
print(table(("trained on batches of one class", "right, new images"), rows))

# %% [markdown]
# With the batch's statistics it does: {{np.median(answers["mixed", True]):.0%}} mixed,
# {{np.median(answers["one class at a time", True]):.0%}} one class at a time. Batch normalization
# takes away what the images of a batch have in common, and here that is the class. With population
# statistics every image is asked alone, and the order is nothing to it: {{np.median([answers[name,
# False] for name in orders]):.0%}} both times.
#
# *Training* on such batches is worse. The network learns to answer from what is left after the
# class has been taken away, and asked properly it is at chance: {{one_class["batch norm"]:.0%}}.
# The same batches hardly harm the other two, {{one_class["without"]:.0%}} and
# {{one_class["layer norm"]:.0%}}. Sorted data, frames of one film, patients of one hospital: mix
# them.
#
# ## Yours
#
# Write over the `...`, run the cell, then the check below it.
#
# ### Exercise 1: forward, for dense and convolutional layers
#
# `x` has the shape (batch, features) or (batch, height, width, channels); `gamma` and `beta` have
# one number for each of the last axis. Return the output.
#
# <details><summary>Hint</summary>Average over all axes but the last: `tuple(range(x.ndim - 1))`
# names them.</details>

# %% tags=["stub"]
def batch_norm(x, gamma, beta, eps):
    """Return gamma * x_hat + beta, with the statistics of the batch, for any number of axes."""
    ...

# %% tags=["solution"]
def batch_norm(x, gamma, beta, eps):
    """Return gamma * x_hat + beta, with the statistics of the batch, for any number of axes."""
    axes = tuple(range(x.ndim - 1))
    x_hat = (x - x.mean(axis=axes)) / np.sqrt(x.var(axis=axes) + eps)
    return gamma * x_hat + beta

# %%
checks.normalization.batch_norm(batch_norm)

# %% [markdown]
# ### Exercise 2: the gradient of x
#
# Return dx for a dense layer, from what the forward pass has kept. Try it without looking at
# step 11.
#
# <details><summary>Hint</summary>Three terms, all multiplied by γ / std: the gradient that arrives,
# its mean over the batch, and x̂ times the mean of their product.</details>

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
# ### Exercise 3: a moving average, Keras's way
#
# Return the moving mean and variance after one more batch of shape (batch, features).
#
# <details><summary>Hint</summary>Keras's momentum weighs the old value, and Keras keeps the
# variance that it normalizes with.</details>

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
# ### Exercise 4: fold it away
#
# Return W and b of one dense layer that does what `x @ W + b` and the batch normalization after it
# do at inference.
#
# <details><summary>Hint</summary>Write γ (xW + b − mean) / s + β, multiply out, and collect what
# multiplies x.</details>

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

# %% [markdown] tags=["given"]
# ## Summary
#
# - Normalize with the batch's mean and biased variance, inside the gradient; scale by γ, shift by
#   β.
# - $dx = \frac{\gamma}{s}(dy - \overline{dy} - \hat x\;\overline{dy\,\hat x})$.
# - Shifts and scalings before it vanish: leave b out.
# - Inference needs other statistics than training: moving averages, or averages over batches.
#   Libraries differ in which variance they keep and in what they call momentum.
# - The input's drift does not explain its success: with the drift put back, the sigmoid network
#   still gained.
# - It needs batches: large enough, and mixed.
#
# ## What to do in practice
#
# 1. Put it between a layer and its activation, with `use_bias=False`. Then try a higher learning
#    rate.
# 2. When inference is much worse than training, look at the moving statistics: too few steps, too
#    small batches, or a momentum carried over from the other library.
# 3. Keep batches mixed and not far below 32; with tiny batches take layer normalization.
# 4. Don't count on it against over-fitting. Where that is the trouble, use dropout or more data.
# 5. Fold it into the weights of a network that only predicts.
#
# ## Further reading
#
# - [Ioffe and Szegedy 2015](https://arxiv.org/abs/1502.03167): the paper, with the algorithm for
#   inference.
# - [Santurkar et al. 2018](https://arxiv.org/abs/1805.11604): the shift put back, and the smoother
#   surface.
# - [Ba, Kiros and Hinton 2016](https://arxiv.org/abs/1607.06450): layer normalization.
# - [Wu and Johnson 2021](https://arxiv.org/abs/2105.07576): "Rethinking 'batch' in BatchNorm":
#   everything that goes wrong with batches, and what helps.
# - [Keras:
#   BatchNormalization](https://keras.io/api/layers/normalization_layers/batch_normalization/): the
#   settings asked in section 7.
# - [PyTorch:
#   BatchNorm1d](https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html): its
#   rule, with the note on momentum.
#
# The lesson before: [05 Prepare the inputs](05_prepare_the_inputs.ipynb). The lesson after:
# [07 Use batch normalization in Keras](07_use_batch_normalization_in_keras.ipynb).
