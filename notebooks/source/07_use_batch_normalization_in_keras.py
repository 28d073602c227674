# %% [markdown]
# # Use batch normalization in Keras
#
# You will put `BatchNormalization` into Keras models, measure what it buys and what it costs, and
# recognize the mistakes that its two modes lead to.
#
# *About 90 minutes. You should know what batch normalization computes
# ([06 Derive batch normalization](06_derive_batch_normalization.ipynb)). After this lesson:
# [08 Train a hundred layers](08_train_a_hundred_layers.ipynb).*
#
# ## What you will learn
#
# After this lesson you can
#
# - place the layer, drop the biases it makes useless, and predict its parameters;
# - tell where it helps, where it does not, and what a step costs with it;
# - explain a model that does well in `fit` and badly in `evaluate` on the *same* images, and cure
#   it;
# - freeze the layer, and keep away from batches that are too small or too alike;
# - fold the layer into its neighbor before you ship a model.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import checks, data, keras_models, labs, normalization, plots, table, trace

# %%
keras = keras_models.keras()  # Keras on TensorFlow, imported without its messages
images = data.load_split(10_000)
layers = keras.layers

def holds(claim, seeds):
    print(f"{claim}: {all(seeds)} ({sum(map(bool, seeds))} of {len(seeds)} seeds)")
    assert all(seeds)

images

# %% [markdown]
# Training in Keras gives slightly other numbers on another processor, whatever the seed. So this
# lesson prints **bands** (`above 0.7: True`), each for several seeds, and the exact curves stand
# in the pictures.
#
# ## 1 Where does the layer go?
#
# The model below has the layer in three places: on the inputs, **before** an activation as in the
# paper, and **after** one. A feature is one column of the batch: a pixel, or a unit.
#
# **Predict:** how many numbers does the layer keep for 784 inputs? Recall what it needs in
# training, and what at inference.

# %%
model = keras.Sequential([
    keras.Input((784,)), layers.BatchNormalization(),
    layers.Dense(300, use_bias=False), layers.BatchNormalization(), layers.Activation("relu"),
    layers.Dense(100, activation="relu"), layers.BatchNormalization(),
    layers.Dense(10, activation="softmax"),
])
norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
print("predicted:", [f"4 × {features} = {4 * features:,}" for features in (784, 300, 100)])
assert [layer.count_params() for layer in norms] == [4 * 784, 4 * 300, 4 * 100]

# %%
model.summary(line_length=78)
rows = [
    (v.name, v.shape, float(v.numpy().min()), "yes" if v.trainable else "no")
    for v in norms[0].weights
]
print(table(("variable", "shape", "all start at", "trained"), rows))

# %% [markdown]
# **{{words(len(norms[0].weights)).capitalize()}} numbers per feature.** γ and β are trained by
# the gradient. The **moving mean** and **moving variance** are not: every training batch pulls
# them a little toward its own, and inference uses them. That is where the
# {{sum(v.numpy().size for v in model.non_trainable_weights):,}} non-trainable parameters come
# from, two for each of 784 + 300 + 100 features.
#
# The first Dense has `use_bias=False`, the second keeps its bias. Why the difference?
#
# **Predict:** a bias of any size is added to the Dense layer. Does the block's output change,
# with the normalization before the activation? With it after?

# %%
x, y = images.x[:256], images.y[:256]
for place in ("before", "after"):
    dense, norm, relu = layers.Dense(50), layers.BatchNormalization(), layers.Activation("relu")
    parts = [norm, relu] if place == "before" else [relu, norm]
    block = keras.Sequential([keras.Input((784,)), dense, *parts])
    without = block(x, training=True).numpy()
    dense.bias.assign(np.random.default_rng(0).normal(size=50))
    change = np.abs(block(x, training=True).numpy() - without).max()
    print(f"normalization {place} the activation: a bias changes the output: {change > 1e-3}")
    assert (change > 1e-3) == (place == "after")

# %% [markdown]
# Before the activation, the mean takes every constant away again, and β does the bias's work:
# leave the bias out. After the activation, the bias still decides which values ReLU cuts off:
# keep it.
#
# ## 2 What does it buy?
#
# Five hidden layers of 50 units, with the normalization before, after, or nowhere. Two starts:
# He's, made for ReLU, and a careless one: Keras's `"random_normal"`, with `stddev=0.05` whatever
# the fan.
#
# **Predict:** which of these networks train? Where do you expect the largest gain?

# %%
def build(place=None, start="he_normal", seed=0, norm=layers.BatchNormalization):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((784,))])
    for _ in range(5):
        parts = [layers.Activation("relu")]
        if place:
            parts.insert(0 if place == "before" else 1, norm())
        dense = layers.Dense(50, kernel_initializer=start, use_bias=place != "before")
        for layer in (dense, *parts):
            model.add(layer)
    model.add(layers.Dense(10, activation="softmax", kernel_initializer=start))
    return model

# %%
PLACES, SEEDS = {"without": None, "before": "before", "after": "after"}, range(5)
valid = {"validation_data": (images.x_valid, images.y_valid), "validation_batch_size": 1000}

def runs(place, start, epochs=3, **options):
    model, histories, kept = build(place, start, **options), [], []
    model.compile(
        keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    for seed in SEEDS:
        afresh = build(place, start, seed, **options)  # compiled only once, above
        model.set_weights(afresh.get_weights())
        fitted = model.fit(images.x, images.y, batch_size=128, epochs=epochs, verbose=0, **valid)
        histories.append(fitted.history)
        kept.append(model.get_weights())
    return model, {key: np.array([h[key] for h in histories]) for key in histories[0]}, kept

# %%
good = {name: runs(place, "he_normal") for name, place in PLACES.items()}

# %%
careless = {name: runs(place, "random_normal") for name, place in PLACES.items()}

# %%
def final(results, key="val_accuracy"):
    return {name: history[key][:, -1] for name, (_, history, _) in results.items()}

end = final(good)
medians = [np.median(values) for values in end.values()]
print(f"He's start: the three medians lie within 0.06 of each other: {np.ptp(medians) < 0.06}")
assert np.ptp(medians) < 0.06
worst = np.min(list(end.values()), axis=0)
holds("He's start, all three: validation accuracy above 0.7", worst > 0.7)
end = final(careless)
holds("careless start, without: below 0.4", end["without"] < 0.4)
holds("careless start, before or after: above 0.6", np.minimum(end["before"], end["after"]) > 0.6)

# %% [markdown]
# **From He's start, next to nothing.** Five layers with the right weights need no help; the three
# end alike.
#
# **From the careless start, everything.** Without normalization no seed gets going in the same
# three epochs; with it, before or after the activation, every seed trains. That is the honest
# summary of this experiment: batch normalization here does not make a good network better, it
# makes the start matter less. (Higher learning rates and deeper networks gain more; lesson 06 and
# lesson 08 measure those.)
#
# Why does the careless start fail? The Trace of lesson 02 reads Keras models, too.
#
# **Predict:** by how much does one layer of 50 units shrink the signal, with `stddev=0.05`? ReLU
# keeps half of the mean square.

# %%
traces = {name: trace(build(place, "random_normal"), x, y) for name, place in PLACES.items()}
spread = {name: t.per_layer("std") for name, t in traces.items()}
factor = np.sqrt(50 * 0.05**2 / 2)
print(f"predicted: ×{factor:.2f} per layer, ×{factor**4:.1g} from layer 1 to layer 5")
shrunk = spread["without"][-1] / spread["without"][0]
close = 1 / 3 < shrunk / factor**4 < 3
print(f"measured without normalization within a factor of 3 of it: {close}")
kept_up = [0.7 < spread[name][-1] / spread[name][1] < 1.4 for name in ("before", "after")]
print(f"with it, layer 5 has 0.7 to 1.4 times the spread of layer 2: {all(kept_up)}")
assert close
assert all(kept_up)
plots.curves(
    spread,
    ylabel="standard deviation of h",
    alt="spread of h per layer: falls without normalization, flat with it",
)

# %% [markdown]
# Each layer multiplies the signal by {{factor:.2f}}, the next one again, and by layer 5 little of
# the image is left. Normalization sets the spread back in every layer, whatever the weights. (The
# curve `after` shows the activation before it is normalized: a step down once, from the larger
# first layer, then level.)
#
# ## 3 What does it cost?
#
# A step with normalization computes more. The fair comparison is not per epoch but **per second**.
#
# **Predict:** the layers of normalization have few parameters. Do they also take little time?

# %%
from time import perf_counter

def seconds_per_step(models, rounds=300):
    best = dict.fromkeys(models, np.inf)
    for _ in range(rounds):  # one after the other, so that a busy moment hits all alike
        for name, model in models.items():
            begun = perf_counter()
            _ = model.train_on_batch(images.x[:128], images.y[:128])
            best[name] = min(best[name], perf_counter() - begun)
    return best

cost = seconds_per_step({name: model for name, (model, _, _) in good.items()})
ratios = [cost[name] / cost["without"] for name in ("before", "after")]
longer, bounded = np.mean(ratios) > 1, max(ratios) < 4
print(f"a step takes longer with normalization: {longer}; less than four times as long: {bounded}")
assert 1 < np.mean(ratios) <= max(ratios) < 4

# %%
epochs, steps = np.arange(1, 4), -(-10_000 // 128)
panels = {
    "He's start": {n: (epochs, h["val_accuracy"]) for n, (_, h, _) in good.items()},
    "careless start": {n: (epochs, h["val_accuracy"]) for n, (_, h, _) in careless.items()},
    "He's start, per second": {
        n: (epochs * steps * cost[n], h["val_accuracy"]) for n, (_, h, _) in good.items()
    },
}
seconds = "seconds of training steps, measured here"
plots.training_panels(
    panels,
    xlabels=["epoch", "epoch", seconds],
    ylabel="validation accuracy",
    alt="He's start: three curves alike; careless: without stays at chance, the others rise late; "
    "per second without is ahead",
)

# %% [markdown]
# Under each panel stand the median of {{words(len(SEEDS))}} seeds and their range. Parameters do
# not tell the time: the layer computes two statistics, keeps moving ones and has a longer way
# back. Small layers feel it most, since little else is to be computed. Per second, the network
# without normalization is not behind from He's start.
#
# Now look at the middle panel once more. After the first epoch the normalized networks look poor on
# validation images. Do they do as badly on training images?

# %%
_, history, _ = careless["before"]
gap = history["accuracy"] - history["val_accuracy"]  # one row per seed, one column per epoch
holds("before: accuracy in fit is above validation by more than 0.15, epoch 1", gap[:, 0] > 0.15)
holds("before: the gap has closed by half or more, epoch 3", gap[:, 2] < 0.5 * gap[:, 0])

# %% [markdown]
# A large gap in the *first* epoch, closing later. Over-fitting opens with time. This must be
# something else.
#
# ## 4 Two modes: training=True and training=False
#
# A normalized model is two functions. With `training=True`, as in `fit`, the batch's own mean and
# variance are used. With `training=False`, as in `evaluate` and `predict`, the moving ones.
#
# **Predict:** take a few hundred validation images. How many get another class in the other mode?
# Does the call itself change the model?

# %%
new_x, new_y = images.x_valid[:256], images.y_valid[:256]

def moved(model, *arrays):
    """Share of images that get another class with training=True."""
    answers = [np.argmax(model(*arrays, training=mode), axis=1) for mode in (True, False)]
    return np.mean(answers[0] != answers[1])

def over_seeds(results, name, measure):
    model, _, kept = results[name]
    return np.array([(model.set_weights(weights), measure(model))[1] for weights in kept])

# %%
holds("without: no image changes", over_seeds(good, "without", lambda m: moved(m, new_x)) == 0)
shares = over_seeds(good, "before", lambda m: moved(m, new_x))
some = (shares > 0) & (shares < 0.3)
holds("before, He's start, after 3 epochs: some images change, fewer than 30 %", some)

model, _, _ = good["before"]
norm = model.layers[1]
before = norm.moving_mean.numpy()
_ = model(new_x, training=False)
stirred = np.any(norm.moving_mean.numpy() != before)
print("a call with training=False moves the moving mean:", stirred)
_ = model(new_x, training=True)
print("a call with training=True moves it:", np.any(norm.moving_mean.numpy() != before))
assert np.any(norm.moving_mean.numpy() != before)

# %% [markdown]
# Some images change class though not one weight differs. And the last line holds a trap: calling
# a model with `training=True` changes it, without `fit` and without a gradient. A "harmless" look
# at the batch's statistics leaves traces in every later prediction.
#
# **Is it our formula?** Lesson 06's functions, in NumPy, on the trained layer's own numbers:

# %%
model.set_weights(good["before"][2][0])
dense, norm = model.layers[:2]
z = new_x @ dense.kernel.numpy()
gamma, beta, mean, variance = (v.numpy() for v in norm.weights)
inference = normalization.normalize(z, mean, variance, gamma, beta, eps=norm.epsilon)
training, _ = normalization.batch_norm_forward(z, gamma, beta, eps=norm.epsilon)
for mode, ours in ((False, inference), (True, training)):
    error = np.abs(norm(z, training=mode).numpy() - ours).max() / np.abs(ours).max()
    print(f"training={mode}: Keras equals our formula to 1e-5: {error < 1e-5}")
    assert error < 1e-5

# %% [markdown]
# Both modes are the formulas you derived: the batch's biased variance in training, the moving
# statistics at inference, and ε = {{power(norm.epsilon)}} under the root.
#
# ## 5 Derivation: how long does the start linger?
#
# The moving mean starts at 0 and the moving variance at 1, and both are wrong. How long?
#
# 1. One batch with mean $a$ gives $m_1 = p\,m_0 + (1-p)\,a$, with the **momentum** $p$ on the
#    *old* value.
# 2. Subtract $a$ on both sides: $m_1 - a = p\,(m_0 - a)$. What was wrong shrinks by the factor $p$.
# 3. After $t$ batches: $m_t - a = p^t\,(m_0 - a)$. The start's weight is $p^t$.
# 4. A share $s$ is left when $p^t = s$, so $t = \ln s / \ln p$, rounded up to a whole step.
# 5. With $p = 1 - 1/k$ and large $k$, $p^k \approx 1/e$: the **time constant** is $1/(1-p)$ steps.
#
# **Predict:** Keras's default is `momentum=0.99`. After one epoch of {{steps}} batches, how much
# of the start is left?

# %%
x_same, measured, rows = 3 * np.ones((4, 1), "float32"), {}, []  # every batch has the mean 3
for p in (0.99, 0.9):
    norm = layers.BatchNormalization(momentum=p)
    path = []
    for _ in range(460):
        _ = norm(x_same, training=True)
        path.append(float(norm.moving_mean[0]))
    measured[f"momentum {p}"] = left = 1 - np.array(path) / 3
    predicted = 1 - normalization.expected_running(0, 3, p, np.arange(1, 461)) / 3
    np.testing.assert_allclose(left, predicted, atol=1e-5)
    enough = int(np.argmax(left < 0.01)) + 1
    shares = [f"{p**t:.3f}" for t in (79, 237)]
    rows.append((p, round(1 / (1 - p)), *shares, f"{np.log(0.01) / np.log(p):.1f}", enough))
heads = ("momentum", "time constant", "left after 79", "after 237", "ln 0.01 / ln p")
print(table((*heads, "Keras: 1 % at step"), rows))
assert [row[-1] for row in rows] == [459, 44]

# %%
theory = {f"momentum {p}": p ** np.arange(1, 461, 20) for p in (0.99, 0.9)}
shown = {name: values[::20] for name, values in measured.items()}
plots.curves(
    shown,
    theory,
    x=np.arange(1, 461, 20),
    xlabel="training step",
    ylabel="share of the start",
    log=False,
    alt="share of the start value falls from 1 to 0: slowly at momentum 0.99, at once at 0.9, "
    "each on its prediction",
)

# %% [markdown]
# Keras needs {{rows[0][-1]}} steps to forget all but a hundredth at momentum 0.99, and
# {{rows[1][-1]}} at 0.9. After one epoch of {{steps}} batches {{rows[0][2]}} of the start
# remains, and after three still {{rows[0][3]}}. At momentum 0.9 nothing is left to three digits.
#
# ## 6 The famous surprise
#
# Now the middle panel explains itself. From the second layer on, a careless pre-activation has a
# variance of only $50 \cdot 0.05^2 = 0.125$ times the mean square that arrives. The moving
# variance has not come down that far from its start at 1, and inference divides by too much,
# layer after layer.
#
# **Predict:** train one epoch and evaluate on the *training* images. Do they do well? And with
# momentum 0.9?

# %%
def quick():
    return layers.BatchNormalization(momentum=0.9)

def on_training_images(model):
    return model.evaluate(images.x[:2000], images.y[:2000], batch_size=1000, verbose=0)[1]

slow = {"before": runs("before", "random_normal", epochs=1)}
fast = {"before": runs("before", "random_normal", epochs=1, norm=quick)}
momenta = {0.99: slow, 0.9: fast}
at_inference = {p: over_seeds(r, "before", on_training_images) for p, r in momenta.items()}

# %%
worse = final(slow, "accuracy")["before"] - at_inference[0.99]
holds("momentum 0.99: evaluated on training images, worse than in fit by 0.15", worse > 0.15)
holds("momentum 0.9: better at inference than 0.99", at_inference[0.9] > at_inference[0.99])
gain = np.median(final(fast)["before"] - final(slow)["before"])
print(f"momentum 0.9: validation accuracy gains more than 0.15 (median): {gain > 0.15}")
assert gain > 0.15

# %% [markdown]
# The *same* images do badly as soon as the mode changes. No over-fitting: the weights are good,
# the moving statistics are late. `fit` shows training accuracy in training mode and validation
# accuracy in inference mode, so the two are not comparable early on. (Its training accuracy is
# also the mean over an epoch in which the weights still improve; that makes it lower, not
# higher.) Short runs, small data sets and large batches all mean few steps: then lower the
# momentum.
#
# **A cure without training:** send batches through with `training=True`. No weight changes, only
# the moving statistics catch up. **Predict:** are 40 batches enough?

# %%
def recalibrated(model):
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    for layer in norms:
        layer.momentum = 0.9
    for i in range(40):
        _ = model(images.x[128 * i : 128 * (i + 1)], training=True)
    return model.evaluate(images.x_valid, images.y_valid, batch_size=1000, verbose=0)[1]

cured = over_seeds(slow, "before", recalibrated)
late = final(slow)["before"]
holds("recalibrated: validation accuracy is better by more than 0.1", cured - late > 0.1)

# %% [markdown]
# The knowledge was there all the time. Recalibrating is worth a try on every normalized model that
# disappoints at inference, and after averaging the weights of several models.
#
# ## 7 Freezing
#
# You reuse a trained model and don't want it to change: `layer.trainable = False`.
#
# **Predict:** which mode does a frozen normalization use when it is called with `training=True`?
# Which does a frozen dropout use?

# %%
model, _, kept = good["before"]
model.set_weights(kept[0])
norm, dropout = model.layers[1], layers.Dropout(0.5)
seen = norm.moving_mean.numpy()
norm.trainable = dropout.trainable = False
same = np.array_equal(norm(z, training=True), norm(z, training=False))
print("frozen normalization, training=True: the same as at inference:", same)
stays = np.array_equal(norm.moving_mean.numpy(), seen)
print("its moving mean stays:", stays, "| trainable:", len(norm.trainable_weights))
dropped = dropout(np.ones((9, 9)), training=True).numpy() == 0
print("frozen dropout still drops:", bool(np.any(dropped)))
assert same
assert stays
norm.trainable = True

# %% [markdown]
# In Keras a frozen normalization **runs in inference mode**, always. That is a special rule for
# this layer: a frozen dropout goes on dropping. It is what fine-tuning wants: statistics from
# millions of images are not replaced by those of your few hundred. Two habits go with it: set
# `trainable` before `compile`, since what `fit` may change is settled there; and if you unfreeze
# later, call the normalized base with `training=False`, so that it stays in inference mode.
#
# ## 8 Small batches
#
# In training mode every image's output depends on who else is in the batch.
#
# **Predict:** what comes out for a batch of one image?

# %%
def alone(model):
    outputs = np.concatenate([model(new_x[i : i + 1], training=True) for i in range(20)])
    return np.ptp(outputs, axis=0).max()

lone = over_seeds(good, "before", alone)
print(f"20 different images, one at a time: all outputs equal to 0.001: {lone.max() < 1e-3}")
h = norm(z[:1], training=True).numpy()
print(f"the layer gives β, whatever comes in: {np.allclose(h, norm.beta.numpy(), atol=1e-4)}")
assert lone.max() < 1e-3
assert np.allclose(h, norm.beta.numpy(), atol=1e-4)

# %% [markdown]
# One value is its own mean: what is left is 0, times γ, plus β. The model is blind, and all
# images get one answer. And with two, four, 32 or 256?

# %%
BATCHES = (2, 4, 32, 256)

def score(model, order=slice(None), sizes=BATCHES):
    """Accuracy in training mode for each batch size, on 256 images or their first 40 batches."""
    a, b = new_x[order], new_y[order]
    batches = [[slice(i, i + m) for i in range(0, 256, m)][:40] for m in sizes]
    def right(s):
        return np.argmax(model(a[s], training=True), axis=1) == b[s]

    return [np.mean(np.concatenate([right(s) for s in slices])) for slices in batches]

by_size = over_seeds(good, "before", score)
kept_mode = over_seeds(good, "before", lambda m: np.mean(np.argmax(m(new_x), axis=1) == new_y))

# %%
holds("batches of 2: below batches of 32 by more than 0.15", by_size[:, 2] - by_size[:, 0] > 0.15)
holds("batches of 4: below batches of 32", by_size[:, 1] < by_size[:, 2])
print(f"32 and 256: medians within 0.1: {abs(np.median(by_size[:, 2] - by_size[:, 3])) < 0.1}")
assert abs(np.median(by_size[:, 2] - by_size[:, 3])) < 0.1
level = {"at inference, any batch": np.median(kept_mode)}
plots.by_batch_size(BATCHES, {"training mode": by_size}, level, ylabel="accuracy",
    alt="accuracy in training mode rises steeply from batches of 2 to batches of 32, little after")

# %% [markdown]
# A mean over $m$ images is off by about $1/\sqrt m$ standard deviations. With 2 or 4 that noise
# drowns the image; at 32 most is back. At inference the batch does not matter at all. Rule:
# {{given("16", "Wu and He 2018")}} images or more per batch *and per device*, or another
# normalization (section 10).
#
# ## 9 Batches that belong together
#
# Now 32 images per batch, but sorted, so that most batches hold a single class.
#
# **Predict:** what does the normalization subtract, when all images of a batch are shirts?

# %%
order = np.argsort(new_y, kind="stable")
together = over_seeds(good, "before", lambda m: score(m, order, (32,)))[:, 0]
holds("sorted by class: worse than mixed by more than 0.15", by_size[:, 2] - together > 0.15)

# %% [markdown]
# The mean of the batch is what the shirts have in common, and just that is taken away. The layer
# removes what tells the class. Frames of one film, crops of one picture or patients of one
# hospital are the same case.
#
# What to do: shuffle (`fit` does so for arrays; for a `tf.data` set shuffle with a buffer larger
# than a run of like examples); mix several sources in each batch; if neither is possible, freeze
# the layer or take a normalization that looks at one example at a time.
#
# ## 10 Without a batch
#
# **Layer normalization** takes mean and variance over the features of one example; **group
# normalization** over groups of them. Both do the same in training and at inference. Do they save
# the careless start, too?

# %%
def groups():
    return layers.GroupNormalization(groups=5)

others = {"layer": runs("before", "random_normal", epochs=1, norm=layers.LayerNormalization)}
others["group"] = runs("before", "random_normal", epochs=1, norm=groups)
for name, values in final(others).items():
    holds(
        f"{name}: further after one epoch than without normalization after three",
        values > end["without"],
    )
    holds(
        f"{name}: no image changes with the mode",
        over_seeds(others, name, lambda m: moved(m, new_x)) == 0,
    )
    ahead = np.median(values) - np.median(late)
    told = "ahead of batch normalization by more than 0.1 on validation, median"
    print(f"{name}: {told}: {ahead > 0.1}")
    assert ahead > 0.1

# %% [markdown]
# They get going from the careless start, too, know no second mode, and never lag. Layer
# normalization is the rule in transformers, group normalization in vision where pictures are
# large and batches small.
#
# ## 11 The lab
#
# One unit of a first layer on real images: batches of every size, moving averages, and the
# outputs of single images in training and at inference.

# %%
labs.batch_size_lab()

# %% [markdown]
# Three things to try:
#
# 1. **Move the batch size down to `2`, then to `1`.** The bars of
#    the single images grow until nearly every output is −1 or +1; with `1`
#    they all are 0, which is β.
# 2. **Momentum `0.99`: move the batches seen from `1` to `1,000`.** The moving statistics creep
#    to their goal, and the orange diamonds at inference move with them: section 5's formula is
#    the dashed line.
# 3. **Momentum `0.5`, batch size `8`.** The average forgets its start at once, but now it dances
#    with every batch. Fast and smooth cannot both be had; larger batches allow a smaller
#    momentum.
#
# ## Yours
#
# Write over the `...`, run the cell, then the check below it.
#
# ### Exercise 1: count before you build
#
# A dense network has `sizes` (inputs, hidden …, outputs). Batch normalization stands on the
# inputs and after every hidden Dense, before its activation; hidden layers have `use_bias=False`,
# the output layer is a plain Dense with bias. Return (trainable, not trainable) numbers of
# parameters.
#
# <details><summary>Hint</summary>Kernels: products of neighboring sizes. Which sizes are
# normalized? All but the last. Two numbers of each kind per feature.</details>

# %% tags=["stub"]
def parameter_counts(sizes):
    """Return (trainable, not trainable) parameters of the normalized network."""
    ...

# %% tags=["solution"]
def parameter_counts(sizes):
    """Return (trainable, not trainable) parameters of the normalized network."""
    kernels = sum(sizes[i] * sizes[i + 1] for i in range(len(sizes) - 1))
    features = sum(sizes[:-1])
    return kernels + sizes[-1] + 2 * features, 2 * features

# %%
checks.keras_normalization.parameter_counts(parameter_counts)

# %% [markdown]
# ### Exercise 2: how many steps?
#
# Return the first step after which at most `share` of the start value is left in a Keras moving
# average, as a whole number.
#
# <details><summary>Hint</summary>Step 4 of section 5. `math.ceil` rounds up.</details>

# %% tags=["stub"]
def steps_until(share, momentum):
    """Return the smallest whole t with momentum**t <= share."""
    ...

# %% tags=["solution"]
def steps_until(share, momentum):
    """Return the smallest whole t with momentum**t <= share."""
    t = 0
    while momentum**t > share:
        t += 1
    return t

# %%
checks.keras_normalization.steps_until(steps_until)

# %% [markdown]
# ### Exercise 3: fold the layer away
#
# At inference `z = x @ W` followed by the normalization is one linear map. Return `(W', b')` such
# that `x @ W' + b'` is the same. The cell below then builds your slim network in Keras and
# compares.
#
# <details><summary>Hint</summary>With s = γ / √(variance + ε) the normalization is
# (z − mean) · s + β. Sort it into what multiplies z and what does not.</details>

# %% tags=["stub"]
def fold_layer(W, gamma, beta, mean, variance, eps):
    """Return (W', b') of the one layer that replaces Dense without bias and normalization."""
    ...

# %% tags=["solution"]
def fold_layer(W, gamma, beta, mean, variance, eps):
    """Return (W', b') of the one layer that replaces Dense without bias and normalization."""
    s = gamma / np.sqrt(variance + eps)
    return W * s, beta - mean * s

# %%
verdict = checks.keras_normalization.fold_layer(fold_layer)
if verdict.right:
    # kernel, γ, β, moving mean and moving variance of each hidden layer; then the output
    *blocks, W, b = kept[0]
    folded = [a for i in range(0, len(blocks), 5) for a in fold_layer(*blocks[i : i + 5], 1e-3)]
    slim = build()
    slim.set_weights([*folded, W, b])
    model.set_weights(kept[0])
    gap = np.abs(slim.predict(new_x, verbose=0) - model.predict(new_x, verbose=0)).max()
    fewer = f"{len(model.layers)} layers become {len(slim.layers)}"
    print(f"{fewer}; same predictions to 1e-4: {gap < 1e-4}")
    assert gap < 1e-4
verdict

# %% [markdown]
# ### Exercise 4: make the diagnosis
#
# Three accuracies: training images as `fit` reports them, the same images under `evaluate`, new
# images under `evaluate`. Return `"fine"`, `"over-fitting"` or `"statistics"`. A gap counts from
# 0.1 on.
#
# <details><summary>Hint</summary>Which two accuracies were measured on the same images with the
# same weights? If these differ, what is left to blame?</details>

# %% tags=["stub"]
def diagnose(in_fit, evaluated, validation):
    """Return "fine", "over-fitting" or "statistics"."""
    ...

# %% tags=["solution"]
def diagnose(in_fit, evaluated, validation):
    """Return "fine", "over-fitting" or "statistics"."""
    if in_fit - evaluated >= 0.1:
        return "statistics"
    return "over-fitting" if evaluated - validation >= 0.1 else "fine"

# %%
checks.keras_normalization.diagnose(diagnose)

# %% [markdown]
# ## Summary
#
# - {{words(len(norms[0].weights)).capitalize()}} numbers per feature; two are trained, two follow
#   the batches.
# - Before an activation the layer makes the bias useless; after it, it does not.
# - It rescued a careless start, and gained next to nothing for a shallow network that started well.
# - Two modes: batch statistics in `fit`, moving ones in `evaluate`. The moving ones need hundreds
#   of steps at momentum `0.99`.
# - Frozen means inference mode. Batches of one or two, and batches of one kind, break training
#   mode.
#
# ## What to do in practice
#
# 1. `Dense(n, use_bias=False)`, `BatchNormalization()`, `Activation("relu")`; the right
#    initialization all the same.
# 2. Count your training steps. Below about {{about(rows[0][-1])}}, set `momentum=0.9`, or
#    recalibrate at the end.
# 3. Good in `fit`, bad in validation, early on: evaluate on the *training* images before you
#    regularize.
# 4. Keep {{given("16", "Wu and He 2018")}} images or more per batch, shuffled. Otherwise group or
#    layer normalization.
# 5. Fine-tuning: freeze, and call the base model with `training=False`.
# 6. Before you ship, fold. Converters for phones do it for you; check that yours did.
#
# ## Further reading
#
# - [Keras:
#   BatchNormalization](https://keras.io/api/layers/normalization_layers/batch_normalization/):
#   all arguments, and the rule about freezing.
# - [Keras: transfer learning and fine-tuning](https://keras.io/guides/transfer_learning/):
#   freezing and `training=False` at work.
# - [Ioffe and Szegedy 2015](https://arxiv.org/abs/1502.03167): the paper; its
#   algorithms are both modes.
# - [Wu and Johnson 2021](https://arxiv.org/abs/2105.07576): batch statistics, their surprises and
#   their cures, measured at length.
# - [Wu and He 2018](https://arxiv.org/abs/1803.08494): group normalization, and how batch
#   normalization suffers from small batches.
# - [Ba, Kiros and Hinton 2016](https://arxiv.org/abs/1607.06450): layer normalization.
# - [Ioffe 2017](https://arxiv.org/abs/1702.03275): batch renormalization, a cure for small and
#   correlated batches.
#
# The lesson before: [06 Derive batch normalization](06_derive_batch_normalization.ipynb). The
# next one: [08 Train a hundred layers](08_train_a_hundred_layers.ipynb).
