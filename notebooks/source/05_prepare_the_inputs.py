# %% [markdown]
# # Prepare the inputs
#
# You will center, scale, rotate and whiten real data, measure what each step buys, and see where it
# does harm.
#
# *About 75 minutes. You should know what a layer, a mini-batch and a learning rate are, and why the
# size of a signal matters ([04 Scale the weights](04_scale_the_weights.ipynb)). The lesson after
# this one is [06 Derive batch normalization](06_derive_batch_normalization.ipynb).*
#
# ## What you will learn
#
# After this lesson you can
#
# - center and standardize data per pixel, per channel or per set, with training statistics alone;
# - explain, and count, what data far from the origin do to a decision boundary;
# - read a condition number, and predict the steps that gradient descent needs;
# - whiten data, say what happens where a direction has no variance, and why images seldom get it;
# - judge by measurement whether batch normalization makes preprocessing superfluous.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    BatchNorm, Stack, checks, conditioning, data, dense_stack, labs, plots, preprocessing, table,
    train,
)

# %% [markdown]
# ## 1 Where do raw inputs lie?
#
# Fashion-MNIST comes as light clothes on black. Suppose it had been scanned from paper: dark
# clothes on white. So that you can see the data, each image is boiled down to two **features**,
# numbers that a network gets: the mean brightness of its sides, and that of its middle.
#
# The images fall into three parts. The **training set** is learned from; the **validation set**
# helps to choose settings; the **test set** stands for all images still to come.
#
# **Predict:** where is the cloud of all images: around the origin, or away from it?

# %%
images, labels = data.load_batch(7000, standardize=False, dtype=np.float64)
(x, x_val, x_test), (y, y_val, y_test) = (np.split(part, [5000, 6000]) for part in (images, labels))

def two_features(x):
    paper = 1 - x.reshape(-1, 28, 28)
    sides = np.concatenate([paper[:, :, :7], paper[:, :, 21:]], axis=2)
    return np.stack([sides.mean(axis=(1, 2)), paper[:, :, 7:21].mean(axis=(1, 2))], axis=1)

points = two_features(x)

# %%
centered = points - points.mean(axis=0)
standardized = centered / points.std(axis=0)
after = {"raw": points, "centered": centered, "standardized": standardized}
rows = [
    (name, *np.abs(z.mean(axis=0)).round(3), *z.std(axis=0).round(3)) for name, z in after.items()
]
print(table(("step", "mean of sides", "of middle", "std of sides", "of middle"), rows))
fitted = preprocessing.PREPROCESSORS["standardize"].fit(points)
assert np.allclose(fitted.transform(points), standardized)
assert np.allclose(fitted.inverse_transform(standardized), points)
alt = "a cloud far from the origin, then centered, then round in scale"
plots.clouds(after, labels=("sides", "middle"), alt=alt)

# %% [markdown]
# The raw cloud lies around ({{points.mean(axis=0)[0]:.3f}}, {{points.mean(axis=0)[1]:.3f}}), far
# from the origin for a spread of {{points.std(axis=0)[0]:.3f}} and {{points.std(axis=0)[1]:.3f}}.
#
# - To **center** is to subtract the mean: $x - \mu$. The cloud moves to the origin and keeps its
#   shape.
# - To **standardize** is to divide by the standard deviation as well: $(x - \mu) / \sigma$. Every
#   feature then has mean 0 and variance 1. The ellipse, two standard deviations wide, still leans:
#   standardizing does not undo correlation.
#
# A mean of *what*? For images there are three usual answers: per **pixel**, each pixel its own mean
# and standard deviation; per **channel**, one pair for all red values, one for green, one for blue;
# per **set**, one pair for everything.
#
# **Predict:** how many means does each of them keep, for color images of 28 × 28 pixels?

# %%
colors = x.reshape(-1, 28, 28, 1) * (0.9, 0.6, 0.3) + (0.0, 0.1, 0.2)  # tinted: three channels
rows = []
for per in preprocessing.PER:
    fitted = preprocessing.standardize(colors, per=per)
    z = fitted.transform(colors)
    red, pixel, corner = z[..., 0], z[:, 14, 14, 0], z[:, 3, 3, 0]
    rows.append((per, fitted.mean.size, *(f"{part.std():.2f}" for part in (z, red, pixel, corner))))
columns = ("means kept", "std of all", "of red", "of a middle pixel", "near the corner")
print(table(("per", *columns), rows))
assert [row[1] for row in rows] == [28 * 28 * 3, 3, 1]

# %% [markdown]
# Per pixel keeps {{rows[0][1]}} means, and gives every pixel variance 1. Per channel keeps
# {{rows[1][1]}}: a pixel near the corner may still vary less, {{rows[1][5]}}, than one in the
# middle, {{rows[1][4]}}. Per set keeps {{rows[2][1]}}, and with it the differences between colors:
# red, the strongest here, has {{rows[2][3]}}. Photographs usually get per channel, for the same
# pattern should look the same wherever in the image it appears. Gray images have one channel, so
# that per channel *is* per set.
#
# ## 2 Whose mean?
#
# In use, a network meets one new image at a time. Its mean must come from somewhere.
#
# **Predict:** what does an image become if it is standardized per pixel by *its own* statistics,
# alone, or in a batch of 10 or 1000?

# %%
fitted = preprocessing.standardize(x, floor=0.05)  # section 3 tells what the floor is for
rows = [("fitted on the training set", f"{fitted.transform(x_val[:1]).std():.3f}")]
for n in (1, 10, 1000):
    own = preprocessing.standardize(x_val[:n], floor=0.05)
    rows.append((f"fitted on it and {n - 1} others", f"{own.transform(x_val[:1]).std():.3f}"))
print(table(("one validation image, standardized", "its std"), rows))
sets = {"training": x, "validation": x_val, "test": x_test}
scaled = {name: fitted.transform(part) for name, part in sets.items()}
rows = [(name, f"{abs(z.mean()):.3f}", f"{z.std():.3f}") for name, z in scaled.items()]
print("\n" + table(("all images, fitted on the training set", "|mean|", "std"), rows))

# %% [markdown]
# Alone, the image *is* its own mean: nothing is left of it. In a batch of 10 it turns into
# something else than in one of 1000. A network can only know what z meant in training, and for that
# it needs the training set's numbers: **fit on the training set, apply to all.** Validation and
# test images then have a mean near 0 and nearly the training set's spread, not exactly, and that is
# no fault.
#
# A **leak** is anything that fitting learns from data it will later be tested on. The `fit` of this
# course takes the training data and nothing else, and keeps copies. Whatever happens to the other
# sets later, its numbers stay:

# %%
before = np.array([fitted.mean, fitted.scale])
_ = fitted.transform(x_test * 1000 - 7)
assert np.array_equal(before, (fitted.mean, fitted.scale))
try:
    fitted.mean[0] = 0.5
except ValueError as error:
    print("changing a fitted number:", error)

# %% [markdown]
# ## 3 The trap: pixels that hardly ever change
#
# Near the border almost every training image is black. Standardizing divides by the standard
# deviation.
#
# **Predict:** what is the largest |z| among the training images? And among new ones?

# %%
std = x.std(axis=0)
ways = {"per pixel": preprocessing.standardize(x), "per pixel, floor 0.05": fitted}
ways["per set"] = preprocessing.standardize(x, per="set")
largest = {
    name: [np.abs(way.transform(part)).max() for part in sets.values()]
    for name, way in ways.items()
}
print(f"std of a pixel: {std.min():.4f} to {std.max():.3f}, "
      f"below 0.05 in {np.sum(std < 0.05)} of {std.size}")
rows = [(name, *(f"{z:.0f}" for z in values)) for name, values in largest.items()]
print(table(("largest |z|", *sets), rows))
print(f"√n for n = {len(x)}: {np.sqrt(len(x)):.1f}")
assert max(largest["per pixel"]) > 100 > 30 > max(largest["per pixel, floor 0.05"])
extreme = np.abs(ways["per pixel"].transform(images[5000:])).max(axis=0)
maps = {"std of each pixel": std, "log₁₀ of the largest |z|, new images": np.log10(extreme + 0.1)}
alt = "the standard deviation is near 0 at the border, where the largest z are"
plots.pixel_maps(maps, alt=alt)

# %% [markdown]
# A pixel that is black in all training images but one has a |z| of almost √n in that one:
# {{largest["per pixel"][0]:.0f}}, and never more on the training set. On new images there is no
# limit: {{max(largest["per pixel"][1:]):.0f}} here. A single such input outweighs hundreds of
# ordinary ones. Two remedies:
#
# - a **floor** under the standard deviation: pixels reach from 0 to 1, so with a floor of `0.05` no
#   |z| exceeds {{(images.max() - images.min()) / fitted.scale.min():.0f}};
# - one standard deviation per set: the largest |z| is {{max(largest["per set"]):.0f}}.
#
# A pixel that *never* changes has the standard deviation 0. The `standardize` of this course only
# centers it.
#
# ## 4 Why center? The boundary on a long lever
#
# Dresses and sneakers can be told apart by a line, middle = w · sides + b, fitted here by least
# squares. Training changes w all the time. Change it by 5 %, leave b alone, and count the
# **mistakes**, points on the wrong side.
#
# The same line can be drawn over centered data: same w, and b moved along with the cloud.
#
# **Predict:** how many of about a thousand points does such a small change cost, raw and centered?

# %%
def two_classes(first, second):
    chosen = (y == first) | (y == second)
    return points[chosen], y[chosen] == second

def fit_line(points, second):
    X = np.column_stack([points, np.ones(len(points))])
    w1, w2, b = np.linalg.lstsq(X, np.where(second, 1.0, -1.0), rcond=None)[0]
    return -w1 / w2, -b / w2

def mistakes(points, second, w, b):
    wrong = np.sum((points[:, 1] > w * points[:, 0] + b) != second)
    return min(wrong, len(points) - wrong)  # either side may be the second class's

# %%
clothes, sneaker = two_classes(3, 7)
mean = clothes.mean(axis=0)
w, b = fit_line(clothes, sneaker)
b_centered = b + w * mean[0] - mean[1]
changes = {"w as fitted": 1, "w − 5 %": 0.95, "w + 5 %": 1.05}
placed = {"raw": (clothes, b), "centered": (clothes - mean, b_centered)}
count = {
    name: [mistakes(z, sneaker, w * factor, start) for factor in changes.values()]
    for name, (z, start) in placed.items()
}
print(f"{len(clothes)} points, w = {w:.2f}, b = {b:.2f} raw and {abs(b_centered):.2f} centered")
print(table(("mistakes", *count), list(zip(changes, *count.values(), strict=True))))
panels = {
    name: (z, sneaker, {label: (w * factor, start) for label, factor in changes.items()})
    for name, (z, start) in placed.items()
}
alt = "raw: three lines fan out over the cloud; centered: they cross in it"
plots.boundaries(panels, ("dress", "sneaker"), labels=("sides", "middle"), alt=alt)

# %%
shares = np.linspace(-0.2, 0.2, 41)
curve = {
    name: [mistakes(z, sneaker, w * (1 + share), start) for share in shares]
    for name, (z, start) in placed.items()
}
moved = 0.05 * w * mean[0]
print(f"5 % of w moves the line by {moved:.2f} at the cloud's mean, raw; by 0 centered")
print(f"the std of the points in that direction is {clothes[:, 1].std():.2f}")
print(f"most mistakes within 20 %: raw {max(curve['raw'])}, centered {max(curve['centered'])}")
assert max(curve["raw"]) > 10 * max(curve["centered"])
alt = "raw climbs steeply, centered stays flat"
plots.weight_changes(shares, curve, xlabel="change of w in percent", alt=alt)

# %% [markdown]
# Raw, the change costs {{max(count["raw"])}} mistakes instead of {{count["raw"][0]}} one way. The
# other way it happens to *save* some: least squares does not minimize mistakes. Centered it costs
# nothing either way.
#
# A line turns about its **pivot**, the point at sides = 0. Raw data hang on a long lever: where
# they are, the line moves by {{moved:.2f}}, and they spread by {{clothes[:, 1].std():.2f}}.
# Centered, the pivot is in their midst. A change of 20 % costs up to {{max(curve["raw"])}} mistakes
# raw, half of all points, and {{max(curve["centered"])}} centered.
#
# One pair of classes may be luck. Here are all pairs.

# %%
def added(first, second):
    cloud, is_second = two_classes(first, second)
    m, (w, b) = cloud.mean(axis=0), fit_line(cloud, is_second)
    placed = (cloud, b), (cloud - m, b + w * m[0] - m[1])
    fitted = mistakes(cloud, is_second, w, b)
    worse = [max(mistakes(z, is_second, w * c, start) for c in (0.95, 1.05)) for z, start in placed]
    return [(found - fitted) / len(cloud) for found in worse]

raw, near = np.transpose([added(i, j) for j in range(10) for i in range(j)])
cells = {"raw": raw, "centered": near}
rows = [(n, f"{np.median(v):.1%}", f"{v.min():.1%} to {v.max():.1%}") for n, v in cells.items()]
print(table((f"mistakes added, {len(raw)} pairs", "median", "range"), rows))
print("raw loses more in", np.sum(raw > near), "pairs, centered in", np.sum(raw < near))
assert np.sum(raw > near) > 35

# %% [markdown]
# Raw adds {{np.median(raw):.1%}} in the median and up to {{raw.max():.1%}}, centered
# {{np.median(near):.1%}}. Training changes w at every step; on raw data each small change throws
# the boundary about. So the learning rate has to be small. How small, and what does that cost?
#
# ## 5 Why scale? The valley and its steps
#
# The loss of such a line is a valley over its weights. How long does gradient descent take to its
# lowest point? Derive it for the **least squares** loss, with targets t = ±1 for the two classes.
#
# 1. Give every input a further 1, so that b becomes a weight too: $L(w) =
#    \tfrac12\,\mathrm{mean}((Xw - t)^2)$.
# 2. The gradient is $X^T(Xw - t)/n = H(w - w^*)$, with the **Hessian** $H = X^TX/n$ and the minimum
#    $w^*$. H depends on the inputs alone.
# 3. One step with learning rate η changes the error $e = w - w^*$ to $(I - \eta H)\,e$.
# 4. Along an eigenvector of H with eigenvalue λ, the error is multiplied by $1 - \eta\lambda$. It
#    grows where $\eta\lambda > 2$: the *largest* λ limits the learning rate.
# 5. With $\eta = 1/\lambda_{max}$ the *smallest* λ sets the pace: $1 - \lambda_{min}/\lambda_{max}
#    = 1 - 1/\kappa$. The ratio $\kappa = \lambda_{max}/\lambda_{min}$ is the **condition number**.
# 6. Until the error is a thousandth: $\ln(1/1000) / \ln(1 - 1/\kappa) \approx \kappa \ln 1000$
#    steps.
#
# **Predict:** which step helps more here, centering or scaling? What does a rotation do to κ?

# %%
t, rows, kappas = np.where(sneaker, 1.0, -1.0), [], {}
for step in preprocessing.PREPROCESSORS.values():
    z = step.fit(clothes).transform(clothes)
    H = conditioning.second_moments(z)
    kappa = kappas[step.label] = conditioning.condition_number(H)
    predicted, measured = conditioning.predicted_steps(kappa), conditioning.measured_steps(z, t)
    rows.append((step.label, f"{kappa:.1f}", f"{predicted:.0f}", f"{measured:.0f}"))
    assert 0.5 * predicted <= measured <= predicted
print(table(("inputs", "κ", "steps, predicted", "measured"), rows))

# %%
z = preprocessing.standardize(clothes).transform(clothes)
X = np.column_stack([z, np.ones(len(z))])
H, best = X.T @ X / len(X), np.linalg.lstsq(X, t, rcond=None)[0]
assert np.allclose(X.T @ (X @ np.ones(3) - t) / len(X), H @ (np.ones(3) - best))  # step 2
values, vectors = np.linalg.eigh(H)
errors = conditioning.descent(H, np.ones(3) - best, 20) @ vectors  # along the eigenvectors
shrunk = (1 - values / values.max()) ** np.arange(21)[:, None]
assert np.allclose(errors, errors[0] * shrunk)  # steps 3 to 5
assert np.isclose(values.max() / values.min(), conditioning.condition_number(H))

# %% [markdown]
# - **Centering** divides κ by about {{words(round(kappas["raw"] / kappas["centered"]))}}: the long
#   lever was one long direction of the valley.
# - **Scaling** does more, {{kappas["standardized"]:.1f}} is left: the features vary little, and the
#   1 that the bias gets is large beside them.
# - **PCA** changes nothing: a rotation leaves all eigenvalues as they are.
# - **Whitening** makes the bowl round, κ = 1, and one step is enough.
#
# The measured steps stay a little below the predicted ones. Those count the slowest direction
# alone, and the start has some of its error in the quicker ones.
#
# ## 6 Decorrelate and whiten
#
# What is left after standardizing is the correlation. The **covariance matrix** C holds each
# feature's variance on its diagonal, and beside it how two features move together.
#
# 1. C is symmetric, so $C = V \Lambda V^T$: the columns of V are its eigenvectors, the cloud's
#    **principal axes**, and Λ holds the variances λ along them.
# 2. Rotate onto the axes, $z = (x - \mu)V$. Its covariance is $V^TCV = \Lambda$, diagonal: z is
#    **decorrelated**. This is **PCA**, principal component analysis.
# 3. Divide each column by its $\sqrt\lambda$. The covariance becomes the identity: z is
#    **whitened**.
# 4. Rotating white data leaves them white, $R^T I R = I$. **ZCA** rotates back with $V^T$: of all
#    whitenings it changes the data least.
#
# **Predict:** write down the covariance matrix after each step, before you look.

# %%
steps = preprocessing.PREPROCESSORS.values()
after = {step.label: step.fit(clothes).transform(clothes) for step in steps}
mean, variances, V = preprocessing.principal_axes(clothes)
z = (clothes - mean) @ V
assert np.allclose(preprocessing.covariance(z), np.diag(variances))  # step 2
for white in (z / np.sqrt(variances), z / np.sqrt(variances) @ V.T):  # steps 3 and 4
    assert np.abs(preprocessing.covariance(white) - np.eye(2)).max() < 1e-6
assert np.allclose(white, after["ZCA"])
shown = dict(list(after.items())[1:])
plots.clouds(shown, labels=("", ""), alt="it leans, PCA turns it level, then it is round")

# %%
C = {name: preprocessing.covariance(z) for name, z in after.items()}
rows = [(name, f"{c[0, 0]:.4f}", f"{c[1, 1]:.4f}", f"{abs(c[0, 1]):.4f}") for name, c in C.items()]
print(table(("step", "variance of the first", "of the second", "|covariance|"), rows))
alt = "full, full, ones on the diagonal, diagonal, identity, identity"
plots.covariances(C, height=1.9, alt=alt)

# %% [markdown]
# Centering leaves C alone. Standardizing puts 1 on the diagonal and leaves a covariance of
# {{abs(C["standardized"][0, 1]):.4f}} beside it. PCA clears what is beside the diagonal. Whitened
# and ZCA both have the identity, and differ by a rotation: ZCA's first feature is still mostly
# "sides", while a principal axis has no name.
#
# White is not the same as shapeless. The two arms of the cloud are still there: variances and
# covariances are not all there is to know.
#
# ## 7 What whitening does to images
#
# Now with all 784 pixels. Whitening divides by $\sqrt\lambda$, so it needs some variance in every
# direction.
#
# **Predict:** can `500` images have variance in 784 directions?

# %%
few = x[:500]
try:
    preprocessing.whiten(few)
except ValueError as error:
    print(error)
rows, fresh = [], {}
for n, kept in ((1000, 50), (1000, 200), (1000, 400), (5000, 50), (5000, 200), (5000, 400)):
    white = preprocessing.whiten(x[:n], n_components=kept)
    last = [white.transform(part).var(axis=0)[-50:].mean() for part in (x[:n], x_val)]
    fresh[n, kept] = last[1]
    rows.append((f"{n:,}", kept, *(f"{variance:.2f}" for variance in last)))
columns = ("fitted on", "directions kept", "variance of the last 50: training", "validation")
print(table(columns, rows))

# %% [markdown]
# {{len(few):.0f}} points span {{np.linalg.matrix_rank(few - few.mean(axis=0))}} directions around
# their mean, no more, so the fit refuses and tells the ways out. `n_components` drops the
# directions of least variance. `eps` is added to every λ, so that nothing is divided by 0, and what
# had no variance stays small.
#
# Even where it is possible, look at new data. Fitted on 1,000 images with 400 directions kept, the
# last ones have variance {{fresh[1000, 400]:.2f}} on validation images rather than 1: the smallest
# variances of a training set are small by chance. With 5,000 images it is {{fresh[5000, 400]:.2f}}.
# Whitening too can be over-fitted.
#
# **Predict:** will you still recognize the whitened images?

# %%
ways = {"original": preprocessing.raw(x), "standardized": fitted}
ways["PCA-whitened"] = preprocessing.whiten(x, eps=1e-4)
ways["ZCA, eps 0.1"] = preprocessing.zca(x, eps=0.1)
ways["ZCA, eps 1e-4"] = preprocessing.zca(x, eps=1e-4)
shown = {name: way.transform(x[[0, 1, 5, 8, 15, 20, 22, 30]]) for name, way in ways.items()}
alt = "standardized: recognizable; PCA-whitened: noise; ZCA: edges, with small eps grainy ones"
plots.gallery(shown, own_scales=True, alt=alt)

# %%
V, rows, tail, correlation = preprocessing.principal_axes(x)[2], [], {}, {}
for name in ("original", "standardized", "ZCA, eps 0.1", "ZCA, eps 1e-4"):
    z = ways[name].transform(x_val)
    along, square = (z @ V).var(axis=0), z.reshape(-1, 28, 28)[:, 10:18, 10:18]
    together = np.corrcoef(square[:, :, :-1].ravel(), square[:, :, 1:].ravel())[0, 1]
    tail[name], correlation[name] = along[392:].sum() / along.sum(), abs(together)
    rows.append((name, f"{tail[name]:.1%}", f"{correlation[name]:.2f}"))
columns = ("variance in the last half of the directions", "|correlation| of neighbors")
print(table(("validation images", *columns), rows))
row = slice(14 * 28, 15 * 28)  # one row of pixels
line = {name: slice(28) if "PCA" in name else row for name in ways}
C = {name: preprocessing.covariance(way.transform(x)[:, line[name]]) for name, way in ways.items()}
alt = "a row of pixels: near ones covary, until whitening leaves the diagonal alone"
plots.covariances(C, height=2.3, alt=alt)

# %% [markdown]
# To the eye PCA-whitened images are noise: principal directions have no place in an image. ZCA
# turns back to the pixels and leaves edges, since what neighbors have in common is gone: their
# correlation falls from {{correlation["original"]:.2f}} to {{correlation["ZCA, eps 0.1"]:.2f}}, and
# with the smaller eps to {{correlation["ZCA, eps 1e-4"]:.2f}}.
#
# The price: the last half of the directions holds {{tail["original"]:.1%}} of the variance of the
# originals, and {{tail["ZCA, eps 1e-4"]:.1%}} after whitening. What hardly varied, the grain, now
# counts for more than the shape of the shoe.
#
# Does it train better? A small ReLU network takes 200 steps on each kind of input, with three
# learning rates and five seeds. Each kind may choose its best rate.
#
# **Predict:** which kind of input is right most often on new images? Which gets the lowest training
# loss?

# %%
def network(inputs, seed, first=False):
    net = dense_stack((inputs, 50, 50, 10), rng=np.random.default_rng(seed))
    return Stack([BatchNorm(np.ones(inputs), np.zeros(inputs)), *net.layers]) if first else net

def scores(way, rate, first=False, steps=200, measure=Stack.accuracy):
    z, new, found = way.transform(x), way.transform(x_val), []
    for seed in range(5):
        net, rng = network(z.shape[1], seed, first), np.random.default_rng(seed)
        losses = train(net, z, y, learning_rate=rate, steps=steps, batch_size=50, rng=rng)
        found.append((measure(net, new, y_val), losses[-20:].mean()))
    return np.array(found)

# %%
ways = {"raw, 0 to 1": preprocessing.raw(x), "centered": preprocessing.center(x)}
ways |= {"per set": preprocessing.standardize(x, per="set"), "per pixel": fitted}
ways |= {"ZCA, eps 0.01": preprocessing.zca(x, eps=0.01)}
rows, best, left = [], {}, {}
for name, way in ways.items():
    tried = {rate: scores(way, rate) for rate in (0.03, 0.1, 0.3)}
    rate = max(tried, key=lambda rate: np.median(tried[rate][:, 0]))
    right, loss = tried[rate].T
    best[name], left[name] = np.median(right), np.median(loss)
    spread = f"{right.min():.0%} to {right.max():.0%}"
    rows.append((name, rate, f"{best[name]:.0%}", spread, f"{left[name]:.1f}"))
columns = ("best of 3 rates", "right, median of 5 seeds", "range", "training loss")
print(table(("inputs", *columns), rows))
gigabytes = (224 * 224 * 3) ** 2 * 8 / 1e9
print(f"\nthe covariance of photographs, 224 × 224 × 3: {gigabytes:.0f} GB")
assert max(best, key=best.get) != "ZCA, eps 0.01"

# %% [markdown]
# Centering and scaling per pixel get {{best["per pixel"]:.0%}}. Whitening has the lowest training
# loss, {{left["ZCA, eps 0.01"]:.1f}}, and gets {{best["ZCA, eps 0.01"]:.0%}}: it hands the network
# the grain to learn from. That is one small network on 5,000 images; but it is one of the reasons
# why images **usually get only centering**, and a common scale:
#
# - all pixels have the same unit and range already, so there is little to scale;
# - whitening blows up noise, and its statistics need many images;
# - the covariance of photographs of usual size would take {{gigabytes:.0f}} GB;
# - a convolution looks for one pattern in all places, and per pixel statistics change it with the
#   place.
#
# ## 8 Batch normalization first: is preprocessing superfluous?
#
# **Batch normalization** is a layer that standardizes its input on each mini-batch; lesson 06
# derives it. Put it first, before all other layers, and raw inputs are standardized by the network
# itself. In testing it uses a moving average of the batches' means and variances.
#
# The networks: pixels from 0 to 255 as they stand in the file, or standardized per set; with and
# without batch normalization first. Each learning rate gets the same seeds.
#
# **Predict:** which of them fail? Is raw with batch normalization as good as standardized?

# %%
file = preprocessing.Scaling(np.zeros(784), np.full(784, 1 / 255))  # from 0 … 1 back to 0 … 255
inputs = {"raw": file, "standardized": ways["per set"]}
rates, runs = (0.001, 0.01, 0.1, 0.3), {}
for name, first in ((name, first) for name in inputs for first in (False, True)):
    found = [scores(inputs[name], rate, first)[:, 0] for rate in rates]
    runs[name + " + BN" * first] = np.array(found).T

# %%
def told(found):
    return f"{np.median(found):.0%} ({found.min():.0%} to {found.max():.0%})"

rows = [(label, *map(told, found.T)) for label, found in runs.items()]
print(table(("right after 200 steps", *(f"rate {rate}" for rate in rates)), rows))
axes = {"xlabel": "log₁₀ of the learning rate", "ylabel": "right on new images"}
alt = "raw fails, the three others lie close together"
plots.seed_curves(runs, x=np.log10(rates), alt=alt, **axes)

# %%
def with_batch_statistics(net, new, labels):
    return np.mean(net.forward(new, training=True)[-1].output.argmax(axis=1) == labels)

rows, early = [], {}
for label in runs:
    way, first = inputs[label.removesuffix(" + BN")], label.endswith("BN")
    measures = (Stack.accuracy, with_batch_statistics)[: 1 + first]
    early[label] = [scores(way, 0.1, first, 40, measure)[:, 0] for measure in measures]
    rows.append((label, *map(told, early[label]), *["-"] * (2 - len(measures))))
print(table(("after 40 steps, rate 0.1", "right", "with the new images' own statistics"), rows))

# %% [markdown]
# **Raw** fails: at the smallest rate it is right for {{np.median(runs["raw"][:, 0]):.0%}}, at all
# others for {{np.median(runs["raw"][:, 1:]):.0%}}, no better than guessing. **Raw with batch
# normalization** trains as well as standardized inputs do:
# {{np.median(runs["raw + BN"][:, 2]):.0%}} and {{np.median(runs["standardized"][:, 2]):.0%}} at the
# rate 0.1, and {{np.median(runs["standardized + BN"][:, 2]):.0%}} with both. In this experiment,
# after 200 steps, it *did* replace the scaling.
#
# It is early on that it does not. After 40 steps raw with batch normalization is right for
# {{np.median(early["raw + BN"][0]):.0%}}, the standardized ones for
# {{np.median(early["standardized"][0]):.0%}}. Given the new images' own statistics it has
# {{np.median(early["raw + BN"][1]):.0%}}, just as both together have. So its weights are as good;
# its moving averages are not there yet. They start from mean 0 and variance 1, move by a hundredth
# of the way at each step, and raw pixels are far away. Standardized inputs *are* where the averages
# start.
#
# "Batch normalization first does not replace preprocessing; do both" is common advice. Our runs
# speak for doing both, but more softly than the advice does: it was never clearly worse than the
# best, and it needs no waiting.
#
# ## 9 The lab
#
# A cloud, its covariance matrix, and gradient descent on a loss over two weights, without bias.
# Dashed lines are predictions.

# %%
labs.preprocessing_lab()

# %% [markdown]
# Three things to try:
#
# 1. **Raw: move the offset from `0` to `10`.** The covariance does not change, but the valley
#    narrows and the steps multiply: the loss does not know that a mean could be subtracted. Now
#    choose "centered", and move it again: nothing happens any more.
# 2. **Centered: raise the scale ratio to `100`, then choose "standardized".** The cloud becomes a
#    line, and after one step descent hardly moves. Standardizing undoes the ratio. Then move the
#    correlation to its end: that it can't cure; "whitened" and "ZCA" can.
# 3. **Two neighbor pixels, step by step.** They are correlated before you touch anything. PCA turns
#    the cloud, and the steps stay the same: a rotation changes no eigenvalue.
#
# ## Yours
#
# Write over the `...`, run the cell, then the check below it.
#
# ### Exercise 1: training statistics alone
#
# Standardize both sets per column. Return (z_train, z_new).
#
# <details><summary>Hint</summary>Compute mean and std once, from x_train, along axis 0. Use the
# same two for both.</details>

# %% tags=["stub"]
def standardize(x_train, x_new):
    """Return (z_train, z_new), both with the mean and the std of x_train, per column."""
    ...

# %% tags=["solution"]
def standardize(x_train, x_new):
    """Return (z_train, z_new), both with the mean and the std of x_train, per column."""
    mean, std = x_train.mean(axis=0), x_train.std(axis=0)
    return (x_train - mean) / std, (x_new - mean) / std

# %%
checks.preprocessing.standardize(standardize)

# %% [markdown]
# ### Exercise 2: a whitening matrix
#
# Return a matrix W for which (x − mean) @ W has the identity for its covariance. Divide by n, not n
# − 1.
#
# <details><summary>Hint</summary>`values, V = np.linalg.eigh(C)` gives the eigenvectors as columns
# of V. Which number does each column have to be divided by?</details>

# %% tags=["stub"]
def whitening_matrix(x):
    """Return W (features, features) that whitens x − mean."""
    ...

# %% tags=["solution"]
def whitening_matrix(x):
    """Return W (features, features) that whitens x − mean."""
    centered = x - x.mean(axis=0)
    values, V = np.linalg.eigh(centered.T @ centered / len(x))
    return V / np.sqrt(values)

# %%
checks.preprocessing.whitening_matrix(whitening_matrix)

# %% [markdown]
# ### Exercise 3: predict the steps
#
# Return how many steps gradient descent needs on the least squares loss, bias included, until its
# slowest error is `factor` of what it was.
#
# <details><summary>Hint</summary>Add a column of ones, form XᵀX / n, take `np.linalg.eigvalsh`,
# then use step 6 of section 5.</details>

# %% tags=["stub"]
def steps_needed(x, factor):
    """Return the steps until the slowest error is `factor` of its start, at the rate 1 / λ_max."""
    ...

# %% tags=["solution"]
def steps_needed(x, factor):
    """Return the steps until the slowest error is `factor` of its start, at the rate 1 / λ_max."""
    X = np.column_stack([x, np.ones(len(x))])
    values = np.linalg.eigvalsh(X.T @ X / len(X))
    kappa = values.max() / values.min()
    return np.log(factor) / np.log(1 - 1 / kappa)

# %%
checks.preprocessing.steps_needed(steps_needed)

# %% [markdown]
# ### Exercise 4: no preprocessing in use
#
# A layer `z = x @ W + b` was trained on standardized inputs. Return a W and a b that give the same
# z for *raw* inputs, so that whoever uses the network can't forget to standardize.
#
# <details><summary>Hint</summary>Write (x − mean) / std @ W + b out. What multiplies x? What is
# left over?</details>

# %% tags=["stub"]
def fold(W, b, mean, std):
    """Return (W, b) for raw inputs that do what the given ones do for (x − mean) / std."""
    ...

# %% tags=["solution"]
def fold(W, b, mean, std):
    """Return (W, b) for raw inputs that do what the given ones do for (x − mean) / std."""
    return W / std[:, None], b - mean / std @ W

# %%
checks.preprocessing.fold(fold)

# %% [markdown] tags=["given"]
# ## Summary
#
# - Center, then scale; fit on the training set alone, and apply the same numbers everywhere.
# - A boundary turns about the origin: the farther the data, the longer the lever.
# - The condition number κ of the inputs' second moments sets the steps, about κ ln 1000 to a
#   thousandth.
# - A rotation changes no condition number; scaling does, and whitening makes it 1.
# - Whitening blows up what hardly varies: border pixels, rare directions, noise.
# - Batch normalization first can stand in for scaling, once its averages have settled; scaling
#   needs no waiting.
#
# ## What to do in practice
#
# 1. Features of different units, as in tables: standardize each one.
# 2. Images: divide by 255, then subtract a mean and divide by a standard deviation, one pair per
#    channel.
# 3. Per pixel only with a floor under the standard deviation.
# 4. Store the fitted numbers with the model, or fold them into its first layer.
# 5. Whiten only few, clean features, and look at the variances on validation data afterwards.
# 6. Use batch normalization *and* standardized inputs: the second costs nothing.
#
# ## Further reading
#
# - [LeCun, Bottou, Orr and Müller 1998, Efficient
#   BackProp](http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf): centering, scaling and
#   decorrelating inputs, and the eigenvalues behind it.
# - [CS231n, Neural Networks part 2](https://cs231n.github.io/neural-networks-2/): preprocessing of
#   images in short, with pictures of PCA and whitening.
# - [Kessy, Lewin and Strimmer 2018](https://arxiv.org/abs/1512.00809): all whitenings compared, and
#   in what sense ZCA is the nearest.
# - [Wadia and others 2021](https://arxiv.org/abs/2008.07545): why whitening can cost
#   generalization.
# - [Goh 2017, Why Momentum Really Works](https://distill.pub/2017/momentum/): the valley and its
#   eigenvalues, with live pictures.
# - [scikit-learn, Preprocessing data](https://scikit-learn.org/stable/modules/preprocessing.html):
#   the same steps, ready-made, with the same `fit` on training data.
#
# The lesson before: [04 Scale the weights](04_scale_the_weights.ipynb). The next:
# [06 Derive batch normalization](06_derive_batch_normalization.ipynb).
