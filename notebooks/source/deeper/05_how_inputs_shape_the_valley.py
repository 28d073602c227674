# %% [markdown]
# # How inputs shape the valley
#
# *Deeper than [lesson 05](../05_prepare_the_inputs.ipynb), sections 1, 3, 4 and 6: scaling as
# another rate, the lever for all pairs of classes, the steps derived and checked, whitening that
# over-fits, and what moving averages cost batch
# normalization early on.*

# %%
import numpy as np
from helpers import conditioning, dense_stack, predict, prepared, preprocessing, table

# %%
images = prepared.images()
x, y = images.x / 255, images.y

# %% [markdown]
# ## 1 Scaling is another start and another rate
#
# Divide the pixels by c. The same z comes from raw pixels if the first layer's weights are divided
# by c instead. What about a step? With $x = c\,x'$ and $W = W'/c$ the gradient is
# $dW = x^T dz = c\,dW'$, and the step that keeps $W = W'/c$ is $\eta\,dW / c^2$. So scaling
# pixels by 1/c is the same as smaller first weights *and* a first layer's rate of $\eta / c^2$.
#
# **Commit:** c = 255. How far apart are the logits after 50 steps?

# %%
guess_apart = predict.number("logits apart after 50 steps", low=1e-16, high=10, log=True)
guess_apart

# %%
def after_steps(images, first_weights, first_rate, steps=50, rate=0.1):
    net = dense_stack((784, 50, 10), rng=np.random.default_rng(0))
    dense = net.layers[0]
    dense.W *= first_weights
    for step in range(steps):
        rows = np.random.default_rng(step).choice(len(y), 50, replace=False)
        _, gradients = net.loss_and_gradients(images[rows], y[rows])
        for layer, own in gradients.parameters.items():
            for name, gradient in own.items():
                slower = first_rate if layer is dense and name == "W" else 1
                setattr(layer, name, getattr(layer, name) - rate * slower * gradient)
    return net.logits(images[:200])

divided = after_steps(x, 1, 1)
raw = after_steps(images.x, 1 / 255, 1 / 255**2)
apart = np.abs(divided - raw).max()
guess_apart.reveal(max(apart, 1e-12))

# %%
print("the same to 1e-9:", apart < 1e-9)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The same network. This is why no *single* rate repairs raw pixels: the first layer's weights would
# need another one than all other parameters, and another start besides. Subtracting the mean is
# more than that: it couples W and b.
#
# </details>
#
# ## 2 The lever, for all pairs of classes
#
# **Commit:** of 45 pairs, in how many does raw lose more than centered, if the slope of the line
# changes by `5 %`?

# %%
guess_pairs = predict.number("pairs in which raw loses more", low=0, high=45)
guess_pairs

# %%
def two_features(x):
    paper = 1 - x.reshape(-1, 28, 28)
    sides = np.concatenate([paper[:, :, :7], paper[:, :, 21:]], axis=2)
    return np.stack([sides.mean(axis=(1, 2)), paper[:, :, 7:21].mean(axis=(1, 2))], axis=1)

points = two_features(x)

def mistakes(cloud, second, w, b):
    wrong = np.sum((cloud[:, 1] > w * cloud[:, 0] + b) != second)
    return min(wrong, len(cloud) - wrong)  # either side may be the second class's

def added(first, second):
    chosen = (y == first) | (y == second)
    cloud, is_second = points[chosen], y[chosen] == second
    X, t = np.column_stack([cloud, np.ones(len(cloud))]), np.where(is_second, 1.0, -1.0)
    w1, w2, w3 = np.linalg.lstsq(X, t, rcond=None)[0]
    m, w, b = cloud.mean(axis=0), -w1 / w2, -w3 / w2
    placed = (cloud, b), (cloud - m, b + w * m[0] - m[1])
    fitted = mistakes(cloud, is_second, w, b)
    worse = [max(mistakes(z, is_second, w * c, start) for c in (0.95, 1.05)) for z, start in placed]
    return [(found - fitted) / len(cloud) for found in worse]

raw, near = np.transpose([added(i, j) for j in range(10) for i in range(j)])
guess_pairs.reveal(np.sum(raw > near))

# %%
cells = {"raw": raw, "centered": near}
table((f"mistakes added, {len(raw)} pairs", "median", "range"),
      [(n, f"{np.median(v):.1%}", f"{v.min():.1%} to {v.max():.1%}") for n, v in cells.items()])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Raw loses more in {{np.sum(raw > near)}} pairs, centered in {{np.sum(raw < near)}}; in the median
# raw adds {{np.median(raw):.1%}} of mistakes, centered {{np.median(near):.1%}}.
#
# </details>
#
# ## 3 The steps, derived and checked
#
# For the least squares loss $L(w) = \tfrac12\,\mathrm{mean}((Xw - t)^2)$, where X has a column of
# ones for the bias:
#
# 1. the gradient is $X^T(Xw - t)/n = H(w - w^*)$, with $H = X^TX/n$ and the minimum $w^*$;
# 2. a step changes the error $e = w - w^*$ to $(I - \eta H)\,e$;
# 3. along an eigenvector with eigenvalue λ it is multiplied by $1 - \eta\lambda$, and grows where
#    $\eta\lambda > 2$;
# 4. with $\eta = 1/\lambda_{max}$ the slowest keeps $1 - 1/\kappa$, and until a factor f is left it
#    takes $\ln f / \ln(1 - 1/\kappa)$ steps, about $\kappa \ln(1/f)$ for a large κ.

# %%
chosen = np.isin(y, (3, 7))
z, t = points[chosen], np.where(y[chosen] == 7, 1.0, -1.0)
z = preprocessing.standardize(z).transform(z)
X = np.column_stack([z, np.ones(len(z))])
H, best = X.T @ X / len(X), np.linalg.lstsq(X, t, rcond=None)[0]
assert np.allclose(X.T @ (X @ np.ones(3) - t) / len(X), H @ (np.ones(3) - best))  # step 1
values, vectors = np.linalg.eigh(H)
errors = conditioning.descent(H, np.ones(3) - best, 20) @ vectors  # along the eigenvectors
shrunk = (1 - values / values.max()) ** np.arange(21)[:, None]
assert np.allclose(errors, errors[0] * shrunk)  # steps 2 to 4
kappa = conditioning.condition_number(H)
print(f"κ = {kappa:.2f}   exact: {np.log(1e-3) / np.log(1 - 1 / kappa):.1f} steps   "
      f"κ ln 1000: {kappa * np.log(1000):.1f}")

# %% [markdown]
# For so small a κ the approximation is too high: −ln(1 − 1/κ) is more than 1/κ.
#
# ## 4 Whitening over-fits, too
#
# Whitening makes the variances of *its* images 1. What about new ones?
#
# **Commit:** fitted on 1,000 images, 400 directions kept. The last 50 have variance 1 there. On
# validation images?

# %%
guess_last = predict.number("variance of the last 50 of 400 on new images", low=0, high=3)
guess_last

# %%
rows, fresh = [], {}
for n, kept in ((1000, 50), (1000, 200), (1000, 400), (5000, 50), (5000, 200), (5000, 400)):
    white = preprocessing.whiten(x[:n], n_components=kept)
    own, new = (white.transform(part).var(axis=0)[-50:].mean() for part in (x[:n],
                                                                            images.x_valid / 255))
    fresh[n, kept] = new
    rows.append((f"{n:,}", kept, f"{own:.2f}", f"{new:.2f}"))
guess_last.reveal(fresh[1000, 400])

# %%
gigabytes = (224 * 224 * 3) ** 2 * 8 / 1e9  # the covariance of larger images, in double precision
table(("fitted on", "directions kept", "variance of the last 50: training", "validation"), rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# {{fresh[1000, 400]:.2f}} instead of 1: the smallest variances of a training set are small by
# chance. With {{len(x):,}} images it is {{fresh[5000, 400]:.2f}}. This is a second reason for a
# large ε, beside the noise. A third is size: the covariance of photographs of 224 × 224 pixels in
# three colors would take {{gigabytes:.0f}} GB.
#
# </details>
#
# ## 5 Batch normalization first: what its averages cost early
#
# In lesson 05's comparison "raw + batch norm" did as well at its end as prepared pixels. But in
# testing, batch normalization uses moving averages. They begin at mean 0 and variance 1, and each
# step moves them by a hundredth of the way.
#
# **Commit:** after 40 steps at rate 0.1, where does the accuracy of raw + batch norm stand beside
# that of standardized pixels?

# %%
guess_early = predict.choice("raw + batch norm after 40 steps, against standardized",
                             ["higher", "about the same", "lower"])
guess_early

# %%
def early(z, z_new, normalized, seed, own_statistics=False):
    net = prepared.trained(z, y, rate=0.1, seed=seed, batch_norm=normalized, steps=40)
    logits = net.forward(z_new, training=own_statistics)[-1].output
    return np.mean(logits.argmax(axis=1) == images.y_valid)

one = preprocessing.standardize(images.x, per="set")
z, z_valid = one.transform(images.x), one.transform(images.x_valid)
raw, raw_valid = images.x, images.x_valid
cases = {
    "standardized": (z, z_valid, False),
    "standardized + batch norm": (z, z_valid, True),
    "raw + batch norm": (raw, raw_valid, True),
    "raw + batch norm, new images' own statistics": (raw, raw_valid, True),
}
scores = {}
for name, case in cases.items():
    own = name.endswith("statistics")
    scores[name] = np.array([early(*case, seed, own) for seed in range(5)])
guess_early.reveal("lower" if np.median(scores["raw + batch norm"])
                   < np.median(scores["standardized"]) - 0.05 else "about the same")

# %%
table(("after 40 steps", "right, median of 5 seeds", "range"),
      [(name, f"{np.median(s):.2f}", f"{s.min():.2f} to {s.max():.2f}")
       for name, s in scores.items()])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# About the same. But change only the statistics that it is tested with, and raw + batch norm goes
# from {{np.median(scores["raw + batch norm"]):.2f}} to
# {{np.median(scores["raw + batch norm, new images' own statistics"]):.2f}}. So its weights are
# better than they look: its moving averages are not there yet. With long training that does not
# matter. (This is a look at one rate, and no comparison of the two at their best.)
#
# </details>

# %% [markdown] tags=["given"]
# ## Further reading
#
# - [LeCun, Bottou, Orr and Müller 1998, Efficient
#   BackProp](http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf), section 5: the eigenvalues
#   behind the learning rate.
# - [Goh 2017, Why Momentum Really Works](https://distill.pub/2017/momentum/): the valley and its
#   eigenvalues, with live pictures.
