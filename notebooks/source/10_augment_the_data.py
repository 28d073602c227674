# %% [markdown]
# # Augment the data
#
# You will change training images at random without making their labels wrong, drop weights,
# blocks and pixels as you please, and measure which of all this helps a small network on few
# images.
#
# *About 90 minutes. You should know dropout and what over-fitting is
# ([09 Curb overfitting](09_curb_overfitting.ipynb)), and residual blocks
# ([04 Scale the weights](04_scale_the_weights.ipynb)). The lesson after this one is
# [11 Diagnose a network](11_diagnose_a_network.ipynb).*
#
# ## What you will learn
#
# After this lesson you can
#
# - flip, shift, crop, brighten and cut images, and tell by a measurement when a change is wrong;
# - blend two images and their labels by mixup and CutMix;
# - write DropConnect and stochastic depth, forward and backward, and say what they do in testing;
# - draw the regions of fractional pooling;
# - compare methods fairly: same steps, same effort, paired differences over ten seeds, with their
#   errors.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    augmentation, checks, cross_entropy, data, dropout, keras_models, labs, normalization,
    numerical_gradient, plots, pooling, randomness, relative_error, residual_stack, results, table,
    train,
)

# %% [markdown]
# ## 1 What may change about an image?
#
# A shirt stays a shirt when it is moved by two pixels, or when the photograph is brighter. To
# train on such changed images is **data augmentation**: each time an image comes up, it is
# changed anew at random, and its label is kept. In testing the images are left as they are.
#
# **Predict:** which of the changes below could turn an image into one of another class?

# %%
from functools import partial

pixels, labels = data.load_batch(12_000, standardize=False, dtype=np.float64)
images, names = pixels.reshape(-1, 28, 28), np.array(data.CLASS_NAMES)
changes = {
    "flip": augmentation.flip,
    "shift by up to 4": partial(augmentation.shift, reach=4),
    "crop of 20 × 20": partial(augmentation.crop, size=20),
    "brightness ± 0.4": partial(augmentation.brightness, strength=0.4),
    "contrast ± 0.8": partial(augmentation.contrast, strength=0.8),
    "cutout, 10 × 10": partial(augmentation.cutout, size=10),
}

# %%
chosen = images[[0, 9, 15, 21, 22, 23, 40, 52]]
rows = {"original": chosen} | {
    n: change(chosen, rng=np.random.default_rng(3)) for n, change in changes.items()
}
told = [
    (n, f"{np.mean(new != chosen):.0%}", f"{np.abs(new - chosen).mean():.3f}")
    for n, new in rows.items()
]
print(table(("change", "pixels that differ", "mean difference"), told))
plots.gallery(
    rows,
    alt="eight pieces of clothing; below them mirrored, moved, enlarged, lighter, flatter, "
    "with a hole",
)

# %% [markdown]
# Every row drew its own numbers for every image. Some images stay as they were: a **flip**
# mirrors half of them. A **shift** moves by whole pixels and fills what it uncovers with
# background. A **crop** cuts a random window out and enlarges it. **Brightness** adds one number
# to all pixels, **contrast** stretches them about their mean. **Cutout** hides a square (section
# 3).
#
# Often you read "pad by 2 pixels and crop at random" instead of "shift". Is it something else?

# %%
padded = np.pad(images[:100], [(0, 0), (2, 2), (2, 2)])
rng = np.random.default_rng(0)
rows, columns = rng.integers(5, size=(2, 100))
cut = [image[r : r + 28, c : c + 28] for image, r, c in zip(padded, rows, columns, strict=True)]
assert np.array_equal(cut, augmentation.shift(images[:100], 2, rng=np.random.default_rng(0)))
print("padded by 2 and cropped = shifted by up to 2: True")

# %% [markdown]
# With the same draws it is the same, pixel by pixel.
#
# ## 2 When is a flip wrong?
#
# An augmentation promises: *what I make could have been in the data, with this label.* A mirrored
# `7` is no digit; a mirrored `b` is a `d`. And clothes?
#
# Let a machine tell originals from mirrored images, one class at a time. The difference between
# image and mirror image is all it may use, a **linear classifier** fitted by least squares. On a
# class without direction it can only guess.
#
# **Predict:** for which classes will it be right almost always?

# %%
def told_apart(label, ridge=10.0):
    half = (images - images[:, :, ::-1])[labels == label][:900, :, :14].reshape(-1, 28 * 14)
    fit, new = half[:600], half[600:]
    w = np.linalg.solve(fit.T @ fit + ridge * np.eye(28 * 14), fit.sum(axis=0))
    return np.mean(new @ w > 0)  # for the mirrored image the sign is the opposite

scores = {name: told_apart(label) for label, name in enumerate(names)}
print(table(("class", "told apart"), [(name, f"{score:.0%}") for name, score in scores.items()]))
shoes = [scores[name] for name in ("Sandal", "Sneaker", "Ankle boot")]
assert min(shoes) > 0.9 > 0.8 > min(scores.values())
plots.mirror_scores(
    scores,
    alt="shoes are told from their mirror images almost always, trousers and tops less often",
)

# %% [markdown]
# Sneakers and ankle boots are told from their mirror images {{scores["Sneaker"]:.0%}} of the
# time, sandals {{scores["Sandal"]:.0%}}: shoes all point one way in this data set. No class is at
# one half. Even T-shirts get {{scores["T-shirt/top"]:.0%}}, trousers {{scores["Trouser"]:.0%}}:
# shades, buttons and folds have a side too, though the eye overlooks it.
#
# So a flipped sneaker keeps its label, but the test set has none like it. There the flip is not
# wrong, it is wasted. It is wrong when the *label* is about direction. Take that to the end:
# sneakers, and the question "original or mirrored?"

# %%
def both_ways(shoes):
    x = np.concatenate([shoes, shoes[:, :, ::-1]]).reshape(-1, 784) - 0.286
    return x, np.repeat([0, 1], len(shoes))

(x, y), (x_new, y_new) = (
    both_ways(images[labels == 7][:700]),
    both_ways(images[labels == 7][700:1000]),
)
for name, augment in (
    ("without flips", None),
    ("with flips", augmentation.for_training(augmentation.flip)),
):
    found = []
    for seed in range(5):
        net = residual_stack(784, 30, 1, 2, rng=np.random.default_rng(seed))
        train(net, x, y, learning_rate=0.05, steps=150, augment=augment, rng=net.rng)
        found.append(net.accuracy(x_new, y_new))
    print(f"{name}: right {np.median(found):.0%} (5 seeds: {min(found):.0%} to {max(found):.0%})")
    assert min(found) > 0.9 if augment is None else 0.3 < np.median(found) < 0.7

# %% [markdown]
# Without flips the network tells new shoes apart. With flips its answers are worth nothing: from
# {{min(found):.0%}} to {{max(found):.0%}} right, by the luck of the seed. Half of its training
# images had the wrong label, and sneakers are so alike that the noise of the last steps decides
# for nearly all of them at once. **Ask what the label means before you choose an augmentation.**
#
# ## 3 Cutout: hide a square
#
# **Cutout** sets a random square to one value (DeVries and Taylor 2017). The network can't lean
# on one small part of the image, the sole of a boot, say: that may be hidden next time. The
# square's *middle* may be any pixel, so near the border part of it lies outside.
#
# **Predict:** 10 × 10 of 28 × 28 pixels would be an eighth of the image. Is more hidden on
# average, or less?

# %%
ones, share = np.ones((20_000, 28, 28)), {}
rng = np.random.default_rng(0)
print(f"inside: {10 * 10 / 28**2:.1%}")
for size in (6, 10, 14, 28):
    hidden = augmentation.cutout(ones, size, rng=rng).mean(axis=(1, 2))
    start = np.arange(28) - size // 2
    expected = np.mean(np.minimum(start + size, 28) - np.maximum(start, 0)) ** 2 / 28**2
    share[size] = 1 - hidden.mean()
    print(f"size {size:2}: hidden {share[size]:.2f}, expected {expected:.2f}, "
          f"at most {1 - hidden.min():.2f}")
    assert abs(1 - hidden.mean() - expected) < 0.01

# %% [markdown]
# Less: {{share[10]:.2f}} of it rather than an eighth, since squares near the border are cut off.
# Even a square as large as the image leaves almost half of it on average. The expected share is
# the mean visible length of one side, squared.
#
# ## 4 Mixup: blend the labels too
#
# **Mixup** blends two images, and says so in the label (Zhang et al. 2018):
#
# 1. Draw a weight λ between 0 and 1 for each image, and a partner x′, y′ from the batch.
# 2. The image becomes $\tilde x = \lambda x + (1 - \lambda)\,x'$.
# 3. The label, written as a row of 10 numbers with a 1 at its class, becomes $\tilde y = \lambda
#    y + (1 - \lambda)\,y'$. It is a distribution: its **mass**, the sum of its entries, is 1.
# 4. λ comes from the **Beta distribution** Beta(α, α). For small α nearly all λ lie near 0 or 1,
#    so that hardly anything is blended; α = 1 draws all values alike.
#
# **Predict:** what share of the label mass comes from the partner on average, for α = 0.2 and for
# α = 1?

# %%
batch, y = images[:2000], labels[:2000]
kept, pure = {}, {}
for alpha in (0.2, 1.0):
    mixed, targets = augmentation.mixup(batch, y, alpha, rng=np.random.default_rng(0))
    own, frequency = targets[np.arange(2000), y].mean(), np.bincount(y, minlength=10) / 2000
    expected = 0.5 + 0.5 * frequency[y].mean()
    largest, mass = targets.max(axis=1), targets.sum(axis=1)
    kept[alpha], pure[alpha] = own, np.mean(largest > 0.9)
    print(
        f"α = {alpha}: mass {mass.min():.2f} to {mass.max():.2f}, own class "
        f"{own:.2f}, expected {expected:.2f}; largest entry above 0.9 in {pure[alpha]:.0%}"
    )
    assert np.allclose(mass, 1)
    assert max(abs(own - expected), np.abs(targets.mean(axis=0) - frequency).max()) < 0.03

# %%
def in_words(target):
    top = target.argsort()[::-1][:2]
    return "\n".join(f"{target[k]:.2f} {names[k]}" for k in top if target[k] > 0.005)

few, y = images[20:28], labels[20:28]
rows, captions = {"original": few}, {"original": names[y]}
for name, blend in (("mixup, α = 1", augmentation.mixup), ("CutMix, α = 1", augmentation.cutmix)):
    rows[name], targets = blend(few, y, 1.0, rng=np.random.default_rng(5))
    captions[name] = [in_words(target) for target in targets]
print("mixup, first image:", captions["mixup, α = 1"][0].replace("\n", ", "))
plots.gallery(
    rows, captions=captions, alt="blended clothes with the shares of both classes below each"
)

# %% [markdown]
# Each row of labels has the mass 1. The own class keeps {{kept[0.2]:.2f}} or {{kept[1.0]:.2f}},
# whatever α is: half from the image itself, since Beta(α, α) has the mean one half, and a little
# from partners that are of the same class. α decides about something else. For α = 0.2, the
# largest entry is above `0.9` in {{pure[0.2]:.0%}} of the labels, for α = 1 in {{pure[1.0]:.0%}}.
#
# **CutMix** does not blend pixels: it pastes a box of the partner in, and the label's weights are
# the areas (Yun et al. 2019).
#
# The loss takes such labels as they are. With a blended label the cross-entropy *is* the blend of
# two cross-entropies, since it is linear in the label:

# %%
rng = np.random.default_rng(0)
logits, first, second, weight = rng.normal(size=(1, 10)), np.array([3]), np.array([8]), 0.7
blended = weight * np.eye(10)[first] + (1 - weight) * np.eye(10)[second]
parts = [cross_entropy(logits, y)[0] for y in (first, second)]
print(f"{cross_entropy(logits, blended)[0]:.4f} = 0.7 · {parts[0]:.4f} + 0.3 · {parts[1]:.4f}")
assert np.isclose(cross_entropy(logits, blended)[0], weight * parts[0] + (1 - weight) * parts[1])

# %% [markdown]
# ## 5 DropConnect: drop weights
#
# Augmentation makes the *data* random. Dropout makes the *network* random, and so do the next
# three methods.
#
# Dropout switches off units. **DropConnect** (Wan et al. 2013) switches off single weights:
#
# 1. Forward: $z = x\,(W \odot m)/(1 - p) + b$, with a mask m of zeros and ones, p being the rate.
# 2. Its mean: every mask entry has the mean $1 - p$, so $E[z] = xW + b$.
# 3. Its variance: an entry of $m/(1-p)$ has the variance $p/(1-p)$, and entries are independent, so
#    $\mathrm{Var}(z_j) = \frac{p}{1-p}\sum_i x_i^2 W_{ij}^2$.
# 4. Backward, by the chain rule: $dx = dz\,\tilde W^T$ with the weights $\tilde W$ that were
#    used, and $dW = (x^T dz) \odot m/(1-p)$. A dropped weight had no say, and gets no gradient.
#
# **Predict:** dropout of x at the same rate also makes z random. Is its variance larger, or
# smaller? And which of the two moves all entries of z *together*?

# %%
rng = np.random.default_rng(0)
x, W, b, p = rng.normal(size=(1, 40)), rng.normal(size=(40, 5)) + 1, rng.normal(size=5), 0.5
ways = {"DropConnect": lambda: dropout.drop_connect_forward(x, W, b, p, rng=rng)[0]}
ways["dropout of x"] = lambda: dropout.dropout_forward(x, p, rng=rng)[0] @ W + b
variance, rows = p / (1 - p) * x**2 @ W**2, []
for name, way in ways.items():
    z = np.concatenate([way() for _ in range(4000)])
    off = np.abs(z.mean(axis=0) - x @ W - b) / z.std(axis=0) * 4000**0.5
    between = np.corrcoef(z.T)[np.triu_indices(5, 1)].mean()
    rows.append(
        (
            name,
            f"{off.max():.1f}",
            f"{z.var(axis=0).mean():.0f}",
            f"{variance.mean():.0f}",
            f"{abs(between):.2f}",
        )
    )
    assert np.allclose(z.var(axis=0), variance, rtol=0.15)
print(
    table(
        (
            "method",
            "mean off by errors",
            "variance of z",
            "formula",
            "|correlation| between entries",
        ),
        rows,
    )
)

# %%
def forward(x=x, W=W, b=b):  # with the same mask at each call
    return dropout.drop_connect_forward(x, W, b, p, rng=np.random.default_rng(7))

dz = rng.normal(size=(1, 5))
gradients, losses = dropout.drop_connect_backward(dz, forward()[1]), {
    "dx": (lambda v: np.sum(dz * forward(x=v)[0]), x),
    "dW": (lambda v: np.sum(dz * forward(W=v)[0]), W),
    "db": (lambda v: np.sum(dz * forward(b=v)[0]), b),
}
for got, (name, (loss, value)) in zip(gradients, losses.items(), strict=True):
    error = relative_error(got, numerical_gradient(loss, value))
    print(f"{name} agrees with central differences to 1e-6: {error < 1e-6}")
print(f"entries of dW that are 0: {np.mean(gradients[1] == 0):.0%}")

# %% [markdown]
# The mean is right: it is off by no more than a few standard errors. The variance is the same in
# both, and agrees with the formula. What differs is that dropout draws one mask entry per
# *input*, which all entries of z share: they move together. DropConnect draws one per weight, and
# the entries of z are independent.
#
# In the gradient, half of the entries of dW are 0. The original draws a mask for each *example*;
# ours is drawn for each batch, which is cheaper.
#
# ## 6 Fractional pooling: random regions
#
# **Max pooling** shrinks an image: it keeps the largest pixel of every 2 × 2 square. That halves
# each side at once. **Fractional max pooling** (Graham 2014) shrinks by less than half: regions
# are one *or* two pixels wide, and which are which is drawn at random. From 28 pixels to `20` it
# takes some twos and some ones, in any order.
#
# **Predict:** how does a boot look, seen through such regions?

# %%
boot, draws = images[labels == 9][0], {}
ways = {"draw 1": np.random.default_rng(1), "draw 2": np.random.default_rng(2)}
for name, rng in ways.items():
    rows, columns = (pooling.random_borders(28, 20, rng=rng) for _ in range(2))
    assert set(np.diff(rows)) == {1, 2}
    print(f"{name}, heights:", *np.diff(rows))
    draws[name] = rows, columns, pooling.pool_regions(boot[None], rows, columns)[0][0]
plots.pooling_regions(
    boot,
    draws,
    alt="a boot under two irregular grids, and the two slightly different boots they leave",
)

# %% [markdown]
# Where the ones crowd, the image is stretched; where twos crowd, it is squeezed. So pooling
# itself makes a small elastic distortion. Here the regions overlap: each takes one more row and
# column, shared with the next.
#
# Backward, the gradient of a region goes to the pixel that won, and adds up where one pixel won
# in two regions.

# %%
rng = np.random.default_rng(0)
small, dout = rng.normal(size=(2, 9, 9)), rng.normal(size=(2, 6, 6))
def pool(v):
    return pooling.fractional_max_pool_forward(v, 6, rng=np.random.default_rng(1))

back = pooling.fractional_max_pool_backward(dout, pool(small)[1])
numerical = numerical_gradient(lambda v: np.sum(dout * pool(v)[0]), small)
print(f"agrees to 1e-6: {relative_error(back, numerical) < 1e-6}")
share_of_winners = np.mean(back != 0)
print(f"pixels with a gradient: {share_of_winners:.0%}, ", end="")
print(f"for {dout.size} regions over {small.size} pixels")
assert relative_error(back, numerical) < 1e-6

# %% [markdown]
# ## 7 Stochastic depth: skip whole blocks
#
# A **residual block** gives $h + F(h)$. **Stochastic depth** (Huang et al. 2016) drops whole
# branches F:
#
# 1. In training, block l gives $h + B_l F_l(h)$, where $B_l$ is 1 with the **survival
#    probability** $p_l$, else 0. A dropped branch is not even computed.
# 2. In testing, it gives $h + p_l F_l(h)$, which is the mean of step 1 for this h.
# 3. Early blocks matter to all later ones, so they survive more often: $p_l = 1 - \frac{l}{L}(1 -
#    p_L)$.
# 4. Backward: the branch's gradient is multiplied by $B_l$, and the skip hands on everything.
#
# **Predict:** with 10 blocks and $p_L = 0.5$, how many blocks does a training pass compute on
# average?

# %%
survival = dropout.linear_decay(10, last=0.5)
net = residual_stack(784, 50, 10, 10, survival=0.5, rng=np.random.default_rng(0))
for skip in net.layers[2:-1]:  # random weights in place of zeros, so that the branches do something
    skip.layers[-1].W[:] = net.rng.normal(size=(50, 50)) / 50**0.5
x = (images[:200].reshape(200, -1) - 0.286) / 0.353
passes = [net.forward(x[:1], training=True) for _ in range(400)]
alive = [[len(call.inputs) == 2 for call in calls if call.layer.kind == "add"] for calls in passes]
print("survival:", *survival.round(2))
computed = np.sum(alive, axis=1).mean()
print(f"blocks computed: {computed:.1f} of 10, expected {survival.sum():.2f}")
assert abs(computed - survival.sum()) < 0.4
plots.skipped_blocks(
    np.array(alive), survival, alt="later blocks are skipped more often, along the dashed line"
)

# %% [markdown]
# On average {{computed:.1f}} of {{len(survival)}} blocks were computed, where the formula expects
# {{survival.sum():.2f}}. That also saves a quarter of the time of a training step. Each pass
# trained another, shorter network, and all share their weights.
#
# Is the testing output the mean of the training outputs? For one block, step 2 says so. And for
# ten?

# %%
h, F = x[:5, :50], lambda h: np.tanh(h @ net.layers[2].layers[0].W)
one = (
    lambda rng: dropout.stochastic_depth_forward(h, F(h), 0.5, rng=rng)[0],
    lambda rng: dropout.stochastic_depth_testing(h, F(h), 0.5),
)
ten = (lambda rng: net.forward(x[:5], training=True)[-1].output, lambda rng: net.logits(x[:5]))
for name, pair in (("one block", one), ("ten blocks", ten)):
    found = randomness.behavior(*pair, samples=2000, rng=np.random.default_rng(0))
    size = np.sqrt(np.mean(pair[1](None) ** 2))
    off = found.bias / size
    print(f"{name}: testing is the mean of training: {found.averages_out}; off by {off:.0%}")

# %% [markdown]
# For one block it is the mean. For ten it is off, here by {{off:.0%}} of the output, for these
# random weights: block 2 bends what block 1 gave, and the mean of a bent thing is not the bent
# mean. It is the same story as with dropout in several layers. The scaled network is an
# *approximation* of the average.
#
# ## 8 The common pattern, in one table
#
# Lesson 09 asked of each method: what is random in training, what happens in testing, and is
# testing the mean of training? Here is the same question for all methods of both lessons,
# answered by calling each one many times.
#
# **Predict:** which methods will have a "no" in the last column?

# %%
h, W, few = np.maximum(x[:20] @ net.layers[0].W, 0), net.layers[2].layers[0].W, images[:20]
rate, still, relu = 0.3, lambda out: (lambda rng: out), lambda z: np.maximum(z, 0)
def pooled(rng=None):
    return pooling.fractional_max_pool_forward(few, 20, rng=rng)[0]

def connect(rng):
    return dropout.drop_connect_forward(h, W, None, rate, rng=rng)[0]

methods = {"dropout": (lambda rng: dropout.dropout_forward(h, rate, rng=rng)[0], still(h))}
methods["alpha dropout"] = lambda rng: dropout.alpha_dropout_forward(h, rate, rng=rng)[0], still(h)
methods["DropConnect"] = connect, still(h @ W)
methods["DropConnect, then ReLU"] = lambda rng: relu(connect(rng)), still(relu(h @ W))
methods["fractional pooling, tested evenly"] = pooled, still(pooled())
methods["fractional pooling, mean of 12"] = (
    pooled,
    lambda rng: np.mean([pooled(rng) for _ in range(12)], axis=0),
)

# %%
def batch_norm(rng):  # one image, in other company each time
    batch = pixels[[0, *rng.choice(2000, 49, replace=False)], 300:400]
    return normalization.batch_norm_forward(batch, np.ones(100), np.zeros(100), 1e-3)[0][0]

of_all = (pixels[0] - pixels[:2000].mean(axis=0)) / np.sqrt(pixels[:2000].var(axis=0) + 1e-3)
methods["stochastic depth, one block"], methods["stochastic depth, ten blocks"] = one, ten
methods["batch norm"] = batch_norm, still(of_all[300:400])
for name, change in changes.items():
    methods[name] = (lambda rng, change=change: change(few, rng=rng), still(few))
methods["mixup, images"] = (
    lambda rng: augmentation.mixup(few, labels[:20], 0.2, rng=rng)[0],
    still(few),
)
methods["L2"] = still(h), still(h)
print(randomness.behavior_table(methods, samples=400, rng=np.random.default_rng(0)))

# %% [markdown]
# The pattern holds everywhere: **random in training, still in testing.** (L2 is the contrast:
# nothing random at all.) The last column is more sober:
#
# - Testing *is* the mean of training where nothing bent comes in between: dropout, DropConnect,
#   one residual block.
# - One ReLU later it is not any more, and through ten blocks neither.
# - Alpha dropout keeps the mean of a *SELU* layer over its units, not the value of each unit.
# - Batch normalization nearly does. But an image counts in the mean and the spread of its own
#   batch, so in training it stands out a little less than among all images.
# - An augmentation makes no attempt. The mean of all shifted shirts is a blurred shirt, and
#   testing shows sharp ones.
# - Fractional pooling can be tested on even regions, or by averaging several draws. Then testing
#   is random too: its distance from the mean is less than half of that of even regions.
#
# ## 9 Keras's own layers
#
# Keras has layers for most of this. They work on batches of shape (n, height, width, channels),
# and are random in training only. Are they the same as ours?
#
# **Predict:** what does `RandomBrightness(0.2)` do to pixels between 0 and 1?

# %%
keras, rng = keras_models.keras(), np.random.default_rng(0)
layers, four = keras.layers, images[:1000, :, :, None].astype(np.float32)
def holds(claim, value):
    print(f"{claim}: {bool(value)}")
    assert value

def trained(layer, x=four):
    return np.array(layer(x, training=True))

# %%
flipped = trained(layers.RandomFlip("horizontal", seed=1))
mirrored = (flipped == four[:, :, ::-1]).all(axis=(1, 2, 3))
holds(
    "RandomFlip: each image is drawn on its own, about half are mirrored",
    0.4 < mirrored.mean() < 0.6,
)
holds(
    "RandomFlip: nothing happens in testing",
    np.array_equal(layers.RandomFlip()(four, training=False), four),
)
dot = np.zeros((1000, 28, 28, 1), np.float32)
dot[:, 14, 14] = 1
moved = trained(layers.RandomTranslation(2 / 28, 2 / 28, fill_mode="constant", seed=1), dot)
ours = augmentation.shift(dot, 2, rng=rng)
holds("RandomTranslation: parts of pixels too", 0.1 < moved.max(axis=(1, 2, 3)).min() < 0.9)
holds("our shift: whole pixels only", set(np.unique(ours)) == {0, 1})
brighter = trained(layers.RandomBrightness(0.2, seed=1))
holds("RandomBrightness(0.2): some pixels are above 10", brighter.max() > 10)

# %%
gray, within = np.full((1000, 4, 4, 1), 0.5, np.float32), {"value_range": (0, 1), "seed": 1}
theirs = trained(layers.RandomBrightness(0.2, **within), gray) - gray
ours = augmentation.brightness(gray, 0.2, rng=rng) - gray
holds(
    "with value_range=(0, 1): spread as ours",
    np.allclose([theirs.std(), ours.std()], 0.2 / 3**0.5, atol=0.01),
)
white = np.ones((1000, 28, 28, 1), np.float32)
erase = layers.RandomErasing(factor=(1.0, 1.0), scale=(0.1, 0.1), fill_value=0.0, **within)
hidden = [
    1 - out.mean(axis=(1, 2, 3))
    for out in (trained(erase, white), augmentation.cutout(white, 9, rng=rng))
]
holds("RandomErasing: boxes stay inside", np.ptp(hidden[0]) < 0.05)
holds("our cutout: squares reach over the edge", np.ptp(hidden[1]) > 0.05)

# %%
number = np.repeat(np.arange(400, dtype=np.float32), 784).reshape(400, 28, 28, 1)
told = {"images": number, "labels": np.eye(400, dtype=np.float32)}
mixed, pasted = (
    layer(told, training=True) for layer in (layers.MixUp(alpha=0.2, seed=1), layers.CutMix(seed=1))
)
weights = [np.diag(out["labels"]) for out in (mixed, pasted)]
mass = [np.array(out["labels"]).sum(axis=1) for out in (mixed, pasted)]
holds("MixUp and CutMix: the label mass is 1", np.allclose(mass, 1))
holds(
    "MixUp: a weight for each image, spread as Beta(0.2, 0.2)",
    abs(weights[0].var() - 1 / 5.6) < 0.04,
)
off = np.abs((np.array(pasted["images"]) == number).mean(axis=(1, 2, 3)) - weights[1]).max()
holds("CutMix: the label is off the area by more than 0.01 somewhere", 0.01 < off < 0.2)
out, targets = augmentation.cutmix(number, np.arange(400), rng=rng, classes=400)
holds("our cutmix: never", np.allclose((out == number).mean(axis=(1, 2, 3)), np.diag(targets)))

# %% [markdown]
# What to know before you use them:
#
# - `RandomBrightness` and `RandomErasing` expect raw pixels, of one byte each. For pixels from 0
#   to 1, say `value_range=(0, 1)`; without it, images are destroyed silently.
# - `RandomTranslation` moves by parts of a pixel, which blurs, and by itself fills with a
#   reflection of the image.
# - `RandomErasing` takes a *share* of the image and stays inside; `factor=1.0` is a *range* of
#   probabilities from 0 to 1, `(1.0, 1.0)` means always.
# - `MixUp` and `CutMix` take images and one-hot labels, and draw a weight for each image, as ours
#   do. CutMix labels by the weight that was drawn; ours by the pixels that were pasted after
#   rounding.
# - DropConnect, stochastic depth and fractional pooling have no Keras layer.
#
# ## 10 Which helps here?
#
# Everyone has a favorite. Let the methods compete on equal terms:
#
# - one network: 784 → 100, two residual blocks of two layers, ReLU; 1,000 real training images,
#   so that it over-fits;
# - one budget: the same number of steps, batch size and learning rate;
# - equal effort: three strengths for each method, the best chosen on validation images, on seeds
#   of their own;
# - ten new seeds, each with 1,000 *other* training images; the same first weights and
#   mini-batches for all methods, so that they are compared seed by seed: **paired differences**;
# - each treated in testing as it should be: crops get the middle window, fractional pooling the
#   mean of several draws. "Even pooling" is its control, the same pooling with regions that are
#   not random;
# - the test images looked at once, at the end.
#
# All runs, tuning included, take about ten minutes; `python3 -m experiments augmentation` makes
# them anew. Here is what they gave.
#
# **Predict:** order these by gain: flip, shift by 1, cutout, mixup, dropout, L2.

# %%
stored = results.load("augmentation")
def gains(name, budget, than="nothing"):
    return 100 * (stored.rows[name].test[:, budget] - stored.rows[than].test[:, budget])

def told(gain):
    return f"{gain.mean():+.2f} ± {plots.standard_error(gain):.2f}"

rows = []
for name, row in stored.rows.items():
    right = [f"{part[:, 1].mean():.1%}" for part in (row.training, row.test)]
    strength = stored.tried[name].chosen if name in stored.tried else ""
    rows.append((name, str(strength), *right, *(told(gains(name, budget)) for budget in (0, 1))))
print(
    table(("method", "strength", "training", "test", "gain after 400 steps", "after 1,600"), rows)
)

# %%
others = [name for name in stored.rows if name != "nothing"]
shown = {
    "400 steps": {name: gains(name, 0) for name in others},
    "1,600 steps": {name: gains(name, 1) for name in others},
}
for steps, found in shown.items():
    sure = {name: g.mean() / plots.standard_error(g) for name, g in found.items()}
    print(steps, "better by 3 errors:", ", ".join(n for n, z in sure.items() if z > 3) or "none")
    print(steps, "worse by 3 errors:", ", ".join(n for n, z in sure.items() if z < -3))
print(
    "fractional pooling against even pooling, 1,600 steps:",
    told(gains("fractional pooling", 1, than="even pooling")),
)
label, alt = (
    "gain in test accuracy, percentage points, same seed",
    "most methods lie at or left of 0, dropout a little right",
)
plots.paired_differences(shown, xlabel=label, alt=alt)

# %% [markdown]
# "Training" and "test" are the shares right after `1600` steps. The error is one standard error
# over ten seeds; the whiskers reach two. With {{len(others)}} methods some pass two errors by
# luck alone, so ask for three.
#
# - **No method gains clearly in the long run.** Dropout comes nearest,
#   {{told(gains("dropout", 1))}} points, then L2 with {{told(gains("L2", 1))}}.
# - **Mixup, CutMix, even pooling and batch normalization lose**, each by half a point to a point.
# - After `400` steps *cutout* gains, {{told(gains("cutout", 0))}}; after `1600` it loses. The
#   budget decides.
# - Fractional pooling ties with "nothing", but look at what it is made of: pooling alone loses
#   {{-gains("even pooling", 1).mean():.2f}} points, and random regions win
#   {{gains("fractional pooling", 1, "even pooling").mean():.2f}} back.
# - The three that gained most on validation images, **together**, learn only
#   {{stored.rows["together"].training[:, 1].mean():.1%}} of their training images, and lose
#   {{-gains("together", 1).mean():.2f}} points. Several brakes do not add up to one good brake.
#
# So much for the famous names. They earned them on large photographs, with large networks, in
# long runs. Could it be the length? {{words(len(list(stored.longer)) - 1).capitalize()}} of the
# methods had far more steps, on a few seeds.

# %%
rows, later = [], {}
for name, ends in stored.longer.items():
    later[name] = last = 100 * (ends - stored.longer["nothing"])
    rows.append(
        (
            name,
            *(told(gains(name, budget)[:5]) for budget in (0, 1)),
            told(last),
            f"{ends.mean():.1%}",
        )
    )
    assert name != "shift" or last.min() > 0
print(table(("gain in points, 5 seeds", "400 steps", "1,600", "6,400", "right after 6,400"), rows))

# %% [markdown]
# There it is. Shifts cost {{-gains("shift", 0)[:5].mean():.2f}} points after `400` steps, and
# *gain* {{later["shift"].mean():.2f}} after `6400`, more than dropout with
# {{later["dropout"].mean():.2f}}. Without any method nothing is learned any more:
# {{stored.rows["nothing"].test[:, 1].mean():.1%}} after `1600` steps,
# {{stored.longer["nothing"].mean():.1%}} after `6400`. **Augmentation is a harder task, and pays
# late.** Whoever compares after a short run finds that it does not work. Mixup does not catch up
# here.
#
# What can and what can't be read from this: one small network without convolutions, 1,000 small
# centered images, plain gradient descent, one strength each. The *way* of comparing carries over,
# the ranking need not.
#
# ## 11 Repeat a small part of it
#
# You need not believe a file. Here is a small live run, three methods and five seeds. This time
# also look at *other* test images: mirrored ones, and ones that were moved by up to two pixels.
#
# **Predict:** which network is best on moved images?

# %%
x = (pixels - 0.286) / 0.353
new, rng = images[8000:], np.random.default_rng(0)
tests = {
    "as they are": new,
    "mirrored": new[:, :, ::-1],
    "moved": augmentation.shift(new, 2, rng=rng),
}
tests = {name: (part.reshape(-1, 784) - 0.286) / 0.353 for name, part in tests.items()}
ready = partial(augmentation.for_training, mean=0.286, std=0.353)
augments = {"nothing": None, "flip": ready(augmentation.flip)}
augments["shift by 2"] = ready(partial(augmentation.shift, reach=2))

# %%
options, found = (
    {"learning_rate": 0.05, "steps": 400, "batch_size": 50},
    {name: [] for name in augments},
)
for name, seed in ((name, seed) for name in augments for seed in range(5)):
    rng, own = np.random.default_rng(seed), slice(1000 * seed, 1000 * seed + 1000)
    net = residual_stack(784, 100, 2, 10, rng=rng)
    train(net, x[own], labels[own], **options, augment=augments[name], rng=rng)
    found[name].append([net.accuracy(part, labels[8000:]) for part in tests.values()])
def in_short(v):
    return f"{np.median(v):.0%} ({v.min():.0%} to {v.max():.0%})"

print(
    table(
        ("trained with", *tests),
        [(name, *map(in_short, np.array(v).T)) for name, v in found.items()],
    )
)
medians = {name: np.median(v, axis=0) for name, v in found.items()}
assert medians["flip"][1] > medians["nothing"][1] + 0.03
assert medians["shift by 2"][2] > medians["nothing"][2] + 0.03

# %% [markdown]
# On test images as they are, flips change nothing that shows, and shifts cost a few points after
# so few steps. On *other* images all is different. Moved by up to two pixels, the network without
# augmentation falls from {{medians["nothing"][0]:.0%}} to {{medians["nothing"][2]:.0%}}; the one
# that trained with shifts stays at {{medians["shift by 2"][2]:.0%}}. Mirrored, it falls to
# {{medians["nothing"][1]:.0%}}, and the one with flips stays at {{medians["flip"][1]:.0%}}.
#
# That is what an augmentation buys first of all: you get what you train for. The test images of
# Fashion-MNIST are centered and point the same way as its training images, so little is to be
# gained there. Photographs are not so kind.
#
# ## 12 The lab
#
# One real image, a few draws, the mean of many, and where their label mass lies. Dashed lines are
# predictions.

# %%
labs.augmentation_lab()

# %% [markdown]
# Three things to try:
#
# 1. **Flip, strength `0.5`, and go through the images.** The mean of the draws becomes nearly
#    symmetric: that is all that a network can know after many epochs. For a shirt it hardly
#    changes, for a shoe it is a shoe with two tips.
# 2. **Mixup: move the strength from `0.05` to `1`.** Early on most draws are nearly whole images;
#    at the end most are half and half. The label mass of the own class stays near its dashed
#    line: on average a half goes to others, whatever α is.
# 3. **Cutout: raise the strength until the class is gone.** At `0.5` the square is half as wide
#    as the image. Find an image that you could no longer name. Its label still claims to know.
#
# ## Yours
#
# Write over the `...`, run the cell, then the check below it.
#
# ### Exercise 1: cutout
#
# Return a copy of the image, with a square of `size` pixels around (row, column) set to 0, cut
# off at the border.
#
# <details><summary>Hint</summary>The square begins at row − size // 2. If that is negative, a
# slice counts from the other side: `max(…, 0)` helps. Slices that end beyond the image are no
# problem.</details>

# %% tags=["stub"]
def cutout(image, row, column, size):
    """Return a copy of image (height, width) with a square set to 0."""
    ...

# %% tags=["solution"]
def cutout(image, row, column, size):
    """Return a copy of image (height, width) with a square set to 0."""
    top, left, out = row - size // 2, column - size // 2, image.copy()
    out[max(top, 0) : max(top + size, 0), max(left, 0) : max(left + size, 0)] = 0
    return out

# %%
checks.augmentation.cutout(cutout)

# %% [markdown]
# ### Exercise 2: mixup
#
# Return the blended images and the blended labels. `y` holds class numbers, `0` to `9`, `partner`
# the place of every image's partner in the batch, `weight` its λ.
#
# <details><summary>Hint</summary>`np.eye(10)[y]` makes rows of 10 numbers. λ needs a second axis
# to meet them: `weight[:, None]`.</details>

# %% tags=["stub"]
def mixup(x, y, partner, weight):
    """Return (images (n, features), labels (n, 10))."""
    ...

# %% tags=["solution"]
def mixup(x, y, partner, weight):
    """Return (images (n, features), labels (n, 10))."""
    share, one_hot = weight[:, None], np.eye(10)[y]
    return share * x + (1 - share) * x[partner], share * one_hot + (1 - share) * one_hot[partner]

# %%
checks.augmentation.mixup(mixup)

# %% [markdown]
# ### Exercise 3: the way back through DropConnect
#
# The forward pass was `z = x @ (W * kept / (1 - rate))`. Given dz, return (dx, dW).
#
# <details><summary>Hint</summary>Name the weights that were used: `used = W * kept / (1 - rate)`.
# What are the gradients of x and of `used`? And what does a change of W do to `used`?</details>

# %% tags=["stub"]
def drop_connect_backward(dz, x, W, kept, rate):
    """Return (dx, dW) for z = x @ (W * kept / (1 - rate))."""
    ...

# %% tags=["solution"]
def drop_connect_backward(dz, x, W, kept, rate):
    """Return (dx, dW) for z = x @ (W * kept / (1 - rate))."""
    scaled = kept / (1 - rate)
    return dz @ (W * scaled).T, x.T @ dz * scaled

# %%
checks.augmentation.drop_connect_backward(drop_connect_backward)

# %% [markdown]
# ### Exercise 4: stochastic depth in testing
#
# `branches` is a list of functions F, one for each block, `survival` their probabilities. Return
# what the last block gives in testing.
#
# <details><summary>Hint</summary>Go through both lists with `zip`. Each block takes what the one
# before gave. Write `h = h + …`: `h += …` would change the array that you were given.</details>

# %% tags=["stub"]
def stochastic_depth_testing(h, branches, survival):
    """Return h after all blocks, as in testing."""
    ...

# %% tags=["solution"]
def stochastic_depth_testing(h, branches, survival):
    """Return h after all blocks, as in testing."""
    for branch, p in zip(branches, survival, strict=True):
        h = h + p * branch(h)
    return h

# %%
checks.augmentation.stochastic_depth_testing(stochastic_depth_testing)

# %% [markdown] tags=["given"]
# ## Summary
#
# - An augmentation promises that what it makes could have been in the data, with this label.
# - A flip is wasted where the data have a direction, and wrong where the label has one.
# - Mixup and CutMix change labels too; every label keeps the mass 1, and half of it comes from
#   others with mixup.
# - DropConnect, stochastic depth and fractional pooling make the network random; testing uses a
#   mean, exact only where what follows is linear.
# - On 1,000 centered images, a small dense network gained little from anything in `1600` steps:
#   dropout {{gains("dropout", 1).mean():.1f}} points, and mixup, CutMix and batch normalization
#   lost. After `6400` steps shifts gained most.
# - Shifts and flips paid at once where the test images were shifted or flipped.
#
# ## What to do in practice
#
# 1. Ask of every change: will I meet such images in use? If not, leave it out.
# 2. Look at fifty augmented images before you train on them.
# 3. Fit one strength per method on validation images, and compare with "nothing" seed by seed.
# 4. Give augmented training more steps: it learns a harder task.
# 5. Treat test images as the training ended up treating images on average: a crop needs the
#    middle crop.
# 6. In Keras, set `value_range`, and look at one batch after each layer.
#
# ## Further reading
#
# - [Shorten and Khoshgoftaar 2019, A survey on image data
#   augmentation](https://doi.org/10.1186/s40537-019-0197-0): what has been tried, with results.
# - [DeVries and Taylor 2017, Cutout](https://arxiv.org/abs/1708.04552): short, with a study of
#   the square's size.
# - [Zhang and others 2018, mixup](https://arxiv.org/abs/1710.09412): the method in a page, and
#   what it changes.
# - [Yun and others 2019, CutMix](https://arxiv.org/abs/1905.04899): boxes in place of blends.
# - [Wan and others 2013, DropConnect](https://proceedings.mlr.press/v28/wan13.html): with a mask
#   per example, and a Gaussian in testing.
# - [Huang and others 2016, Stochastic depth](https://arxiv.org/abs/1603.09382): 1,202 layers, and
#   shorter training.
# - [Graham 2014, Fractional max-pooling](https://arxiv.org/abs/1412.6071): random and
#   pseudorandom regions.
# - [CS231n, Neural Networks part 2](https://cs231n.github.io/neural-networks-2/): regularization
#   in short.
#
# The lesson before: [09 Curb overfitting](09_curb_overfitting.ipynb). The next:
# [11 Diagnose a network](11_diagnose_a_network.ipynb).
