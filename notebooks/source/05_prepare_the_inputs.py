# %% [markdown]
# # Prepare the inputs
#
# Your patient has two cures and still hardly learns. You will find its third cause by changing one
# thing at a time, write the preparation of the inputs by hand, and commit the mistake that makes
# bad methods look good.
#
# **Time:** about 60 minutes with the core exercises. **Know first:** why the size of a signal
# matters, from [Scale the weights](04_scale_the_weights.ipynb). After this: [Derive batch
# normalization](06_derive_batch_normalization.ipynb).
#
# Afterwards you can
#
# 1. tell by intervention what unprepared inputs do to a network;
# 2. write `fit` and `transform` by hand, and use scikit-learn's and Keras's;
# 3. read a condition number, and predict the steps of gradient descent;
# 4. whiten data, and judge by a fair comparison whether it pays;
# 5. find a leak, and say how large it is.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    checks, comparison, conditioning, keras_models, labs, patient, plots, predict, prepared,
    preprocessing, runs, table,
)

# %% [markdown]
# ## 1. Two cures, and still ill
#
# The patient got tanh in lesson 03 and Glorot's weights in lesson 04. Trained with several seeds:

# %%
patient.scoreboard(("activation", "weights"))

# %% [markdown]
# Off chance, and no more. What is left of its illness are the pixels: they come as in the file,
# from 0 to {{patient.Patient().images()[0].max():.0f}}. Look at what the first layer makes of them.
# Lesson 04 wanted z to vary by about 1.
#
# **Commit:** how large is the standard deviation of z in layer 1?

# %%
guess_z = predict.number("Std of z in layer 1, pixels 0 to 255", low=0.01, high=1e5, log=True)
guess_z

# %%
half_cured = patient.cured("activation", "weights")
x, y, x_valid, y_valid = half_cured.images()
W = half_cured.network(seed=0).weights[0]
z = x[:500] @ W
too_wide = z.std()
guess_z.reveal(too_wide)

# %%
flat = np.mean(1 - np.tanh(z) ** 2 < 0.05)
print(f"pixels: mean {x.mean():.0f}, std {x.std():.0f}   z: std {z.std():.0f}   "
      f"slope of tanh below 0.05: {flat:.0%} of all units")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# z is about {{about(too_wide)}} times too wide, and {{flat:.0%}} of the first layer's units are
# saturated. Glorot's rule keeps the spread of its inputs. It cannot know that they come so large.
#
# </details>
#
# What would you change? Three suspects:
#
# - the pixels are **off center**: their mean is far from 0;
# - they are **too large**: their spread is far from 1;
# - neither: it is only the **learning rate**, which is too large for such inputs.
#
# Change one at a time. To **center** is to subtract the mean, to **scale** is to divide by the
# standard deviation. All else stays, the rate too.
#
# **Commit:** which one alone brings the patient above 0.7?

# %%
guess_alone = predict.choice("Which alone brings it above 0.7, at its own rate?",
                             ["centering", "scaling", "each of them", "only both together"])
guess_alone

# %%
found = comparison.load("patient_inputs")
own_rate = [name for name in found if name.endswith("rate 0.1")]
ends = {name.removesuffix(", rate 0.1"): found.test(name, "accuracy") for name in own_rate}
above = [name for name in ("centered", "scaled") if np.median(ends[name]) > 0.7]
guess_alone.reveal({(): "only both together", ("centered",): "centering", ("scaled",): "scaling"}
                   .get(tuple(above), "each of them"))

# %%
found.table(*own_rate)

# %% [markdown]
# Each row is {{words(len(found.stored.settings.seeds))}} runs with other seeds, judged on test
# images. ("Smaller first weights" leaves the pixels alone and divides the first layer's weights by
# their spread.) Now the third suspect. Leave the pixels as they are, and tune the rate: every
# decade and half decade, chosen on validation images, until the best one lies inside of what was
# tried.
#
# **Commit:** raw pixels at their best rate. What accuracy?

# %%
guess_rate = predict.number("Raw pixels at their best rate: accuracy", low=0, high=1)
guess_rate

# %%
guess_rate.reveal(np.median(found.test("raw", "accuracy")))

# %%
found.grid("raw")

# %%
best_rate = [name for name in found if not name.endswith("rate 0.1")]
found.table(*best_rate)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Scaling alone is nearly the whole cure: {{np.median(ends["scaled"]):.2f}}. Centering alone gets to
# {{np.median(ends["centered"]):.2f}}, where raw pixels have {{np.median(ends["raw"]):.2f}}. Both
# together get to {{np.median(ends["standardized"]):.2f}}, and these few seeds can't tell that from
# scaling alone.
#
# The rate is a part of it. At {{found.chosen("raw")["rate"]:g}} raw pixels reach
# {{np.median(found.test("raw", "accuracy")):.2f}}. No rate does better, and with
# {{np.median(found.test("raw")):.2f}} against {{np.median(found.test("standardized")):.2f}} the
# loss is far off: one rate for all layers must suit the first layer, whose inputs are huge, and
# starves the others. The saturated start is a part, too. But smaller first weights at their best
# rate get to {{np.median(found.test("smaller first weights", "accuracy")):.2f}} only. Scaling cures
# the start and the first layer's rate at once;
# [deeper/05](deeper/05_how_inputs_shape_the_valley.ipynb) shows that it is exactly these two.
#
# </details>
#
# ## 2. Bare hands: fit, then transform
#
# The cure has two steps. `fit` learns numbers from the training set. `transform` applies them to
# anything.

# %%
def fit(x_train):
    """Return the numbers to remember: mean and standard deviation of every pixel."""
    return x_train.mean(axis=0), x_train.std(axis=0)

def transform(x, fitted):
    mean, std = fitted
    return (x - mean) / std

images = prepared.images()
fitted = fit(images.x)
z_train = transform(images.x, fitted)
print(f"training images, mean {abs(z_train.mean()):.2f}, std {z_train.std():.2f}")

# %% [markdown]
# Here are three sets of images. The **training set** is learned from. The **validation set** helps
# to choose settings. The **test set** stands for all images still to come.
#
# **Commit:** on the training images every pixel now has mean 0 and std 1. What is the largest |z|
# among the validation images?

# %%
guess_largest = predict.number("Largest |z| among new images", low=1, high=1e5, log=True)
guess_largest

# %%
largest = {name: np.abs(transform(part, fitted)).max()
           for name, part in (("training", images.x), ("validation", images.x_valid),
                              ("test", images.x_test))}
guess_largest.reveal(largest["validation"])

# %%
floor = 13  # of 255: a twentieth of the range
floored = images.x.mean(axis=0), np.maximum(images.x.std(axis=0), floor)
largest_floored = np.abs(transform(images.x_valid, floored)).max()
rare = np.sum(images.x.std(axis=0) < floor)
print({name: round(float(z)) for name, z in largest.items()},
      f"  with a floor: {largest_floored:.0f}   pixels below the floor: {rare}")
extreme = np.abs(transform(images.x_valid, fitted)).max(axis=0)
plots.pixel_maps({"std of each pixel": images.x.std(axis=0),
                  "log₁₀ of the largest |z|, new images": np.log10(extreme + 0.1)},
                 alt="border pixels hardly vary; there new images have the largest z")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Some border pixels are black in nearly all training images. Their std is tiny, and one new image
# that is bright there gets a z of {{largest["validation"]:.0f}}. Squared, it outweighs all other
# pixels of that image together. The remedy is a **floor** under the standard deviation: then no |z|
# can exceed 255 / floor. Or take one standard deviation for the whole set, as the patient's cure
# does.
#
# </details>
#
# A mean of *what*? Per pixel, each pixel has its own. Per **channel**, there is one for all red
# values, one for all green, one for all blue. Per set, there is one for everything.

# %%
tinted = images.x[:500].reshape(-1, 28, 28, 1) * (0.9, 0.6, 0.3) + (0, 25, 50)  # three channels
kept = {per: preprocessing.standardize(tinted, per=per) for per in preprocessing.PER}
rows = []
for per, way in kept.items():
    z = way.transform(tinted)
    rows.append((per, way.mean.size, *(f"{part.std():.2f}" for part in (
        z, z[..., 0], z[:, 14, 14, 0], z[:, 3, 3, 0]))))
table(("per", "means kept", "std of all", "of red", "of a middle pixel", "near the corner"), rows)

# %% [markdown]
# Photographs usually get per channel: a pattern should look the same wherever it appears. Gray
# images have one channel, so there per channel is per set.
#
# ### Warm-up: training statistics alone
#
# Standardize two tables, per column, by what the *training* data say. Every column varies enough:
# no floor, no small number added. (`checks.preprocessing.standardize.hint()` helps. Every exercise
# has three hints.)

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
# ### Core: scaling without scaling
#
# A layer `z = x @ W + b` was trained on standardized inputs. Find a W and a b that give the same z
# for *raw* inputs. Then whoever uses the network can't forget to standardize.

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

# %% [markdown]
# ## 3. Why center? A long lever
#
# So a network *could* learn raw inputs: weights exist that do the same. The way there is harder.
# See it with two features of each image, the mean brightness of its sides and that of its middle.
# Suppose the images had been scanned from paper, dark on white. Dresses and sneakers can then be
# told apart by a line.
#
# Training changes weights all the time. **Commit:** change the line's slope by 5 % and leave its
# intercept. How many of about a thousand images change sides, on raw data?

# %%
guess_lever = predict.number("Images that change sides, slope off by 5 %", low=0, high=1000)
guess_lever

# %%
def two_features(x):
    paper = 1 - x.reshape(-1, 28, 28) / 255
    sides = np.concatenate([paper[:, :, :7], paper[:, :, 21:]], axis=2)
    return np.stack([sides.mean(axis=(1, 2)), paper[:, :, 7:21].mean(axis=(1, 2))], axis=1)

chosen = np.isin(images.y, (3, 7))
points, sneaker = two_features(images.x[chosen]), images.y[chosen] == 7
X, t = np.column_stack([points, np.ones(len(points))]), np.where(sneaker, 1.0, -1.0)
w1, w2, w3 = np.linalg.lstsq(X, t, rcond=None)[0]  # the line by least squares
slope, intercept = -w1 / w2, -w3 / w2

# %%
def changed_sides(points, intercept, change):
    before = points[:, 1] > slope * points[:, 0] + intercept
    after = points[:, 1] > slope * (1 + change) * points[:, 0] + intercept
    return np.sum(before != after)

mean = points.mean(axis=0)
centered = points - mean, intercept + slope * mean[0] - mean[1]  # the same line, moved along
moved = {name: max(changed_sides(*placed, change) for change in (-0.05, 0.05))
         for name, placed in (("raw", (points, intercept)), ("centered", centered))}
guess_lever.reveal(moved["raw"])

# %%
fans = {f"slope {change:+.0%}": 1 + change for change in (-0.05, 0, 0.05)}
panels = {
    name: (cloud, sneaker, {label: (slope * by, start) for label, by in fans.items()})
    for name, (cloud, start) in (("raw", (points, intercept)), ("centered", centered))
}
print(f"of {len(points)} images change sides:", {name: int(n) for name, n in moved.items()})
plots.boundaries(panels, ("dress", "sneaker"), labels=("sides", "middle"),
                 alt="raw: three lines fan out over the cloud; centered: they cross within it")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# A line turns about its **pivot**, the point at sides = 0. Raw data hang on a long lever:
# {{moved["raw"]}} images change sides, centered {{moved["centered"]}}. Only the place of the cloud
# was changed. All pairs of classes are in
# [deeper/05](deeper/05_how_inputs_shape_the_valley.ipynb).
#
# </details>
#
# ## 4. Why scale? A long valley
#
# Turn the lever into a number. The loss of such a line, by least squares, is a valley over its
# weights. How steep it is along each direction is an eigenvalue λ of $H = X^TX / n$. It depends on
# the inputs alone.
#
# One step of gradient descent at rate η multiplies the error along a direction by $1 -
# \eta\lambda$. The steepest direction limits the rate: take $\eta = 1 / \lambda_{max}$. Then the
# flattest one keeps $1 - \lambda_{min} / \lambda_{max}$ of its error at each step. The ratio
# $\kappa = \lambda_{max} / \lambda_{min}$ is the **condition number**. A thousandth of the error is
# left when
#
# $$(1 - 1 / \kappa)^{steps} = 1 / 1000$$
#
# **Commit:** which step helps this loss most?

# %%
guess_kappa = predict.choice("Which step shortens the way most?",
                             ["centering", "then scaling", "then rotating", "then whitening"])
guess_kappa

# %% [markdown]
# "Rotating" and "whitening" come in section 5: the cloud is turned level, then made round.

# %%
rows, kappas = [], {}
for step in preprocessing.PREPROCESSORS.values():
    z = step.fit(points).transform(points)
    kappa = kappas[step.label] = conditioning.condition_number(conditioning.second_moments(z))
    rows.append((step.label, f"{kappa:.1f}", f"{conditioning.predicted_steps(kappa):.0f}",
                 f"{conditioning.measured_steps(z, t):.0f}"))
ways = list(kappas.values())
helped = dict(zip(("centering", "then scaling", "then rotating", "then whitening"),
                  (ways[0] / ways[1], ways[1] / ways[2], 1, ways[2] / ways[4])))
guess_kappa.reveal(max(helped, key=helped.get))

# %%
table(("inputs", "κ", "steps to a thousandth, predicted", "measured"), rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Centering divides κ by about {{about(helped["centering"])}}, scaling by about
# {{about(helped["then scaling"])}} more: the two features
# vary by {{points.std(axis=0)[0]:.2f}} and {{points.std(axis=0)[1]:.2f}} only, and the 1 that the
# bias gets is large beside them. PCA is taken of the centered points: a rotation changes no
# eigenvalue, so its row is the centered one. Whitening makes the bowl round, and one step is
# enough. The measured steps stay a little below: part of the error lies in quicker directions.
#
# </details>
#
# ### Core: predict the steps
#
# Return how many steps gradient descent needs until its slowest error is `factor` of what it was.
# Start from the data: bias, H, eigenvalues, κ. Then solve $(1 - 1/\kappa)^{steps}$ = factor.

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
# ## 5. Decorrelate and whiten
#
# Standardized features still move together. The **covariance matrix** C tells how: each feature's
# variance on the diagonal, beside it how two of them move together.
#
# 1. C is symmetric, so $C = V \Lambda V^T$. The columns of V are the cloud's **principal axes**, Λ
#    holds the variances λ along them.
# 2. Rotate onto the axes, $z = (x - \mu)V$: the covariance of z is Λ, diagonal. This is **PCA**.
# 3. Divide each column by $\sqrt\lambda$: the covariance is the identity. z is **white**.
# 4. White data stay white when they are turned. **ZCA** turns them back by $V^T$, to where the
#    features were.
#
# **Commit:** standardized, then rotated, then whitened. In which of these is the covariance beside
# the diagonal 0?

# %%
guess_zero = predict.choice("Covariance 0 beside the diagonal", ["only standardized",
                            "only whitened", "rotated and whitened", "all three"])
guess_zero

# %%
after = {step.label: step.fit(points).transform(points)
         for step in preprocessing.PREPROCESSORS.values()}
C = {name: preprocessing.covariance(z) for name, z in after.items()}
guess_zero.reveal("rotated and whitened")

# %%
clouds = {name: after[name] for name in ("standardized", "PCA", "whitened", "ZCA")}
plots.clouds(clouds, labels=("", ""), alt="it leans, PCA turns it level, then it is round")

# %%
plots.covariances(C, height=1.9, alt="full, full, ones on the diagonal, diagonal, then identities")

# %% [markdown]
# ### Core: a whitening matrix
#
# Return a matrix W for which (x − mean) @ W has the identity for its covariance. Divide by n, not n
# − 1.

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
# ### What it does to images
#
# Now all 784 pixels, from 0 to 1. Many directions hardly vary: dividing by $\sqrt\lambda$ would
# blow them up. So one adds a small ε and divides by $\sqrt{\lambda + \varepsilon}$. A direction
# with λ far above ε becomes white, one far below stays small.
#
# **Commit:** will you still recognize a shoe after PCA whitening? After ZCA?

# %%
guess_shoe = predict.choice("Which whitened images can you still recognize?",
                            ["both", "only PCA-whitened", "only ZCA", "neither"])
guess_shoe

# %%
pixels = images.x / 255
white = preprocessing.whiten(pixels, eps=1e-4)
ways = {"original": preprocessing.raw(pixels), "standardized": preprocessing.standardize(
        pixels, floor=0.05), "ZCA, ε 1": preprocessing.zca(pixels, eps=1.0),
        "ZCA, ε 0.1": preprocessing.zca(pixels, eps=0.1),
        "ZCA, ε 0.0001": preprocessing.zca(pixels, eps=1e-4), "PCA, ε 0.0001": white}
some = pixels[[0, 1, 5, 8, 15, 20, 22, 30]]
guess_shoe.reveal("only ZCA")

# %%
plots.gallery({name: way.transform(some) for name, way in ways.items()}, own_scales=True, side=0.8,
              alt="ZCA: edges, grainier as ε shrinks; PCA: noise, for components have no place")

# %%
def means_at(way):
    """The variance along each principal axis after a step, on validation images."""
    return (way.transform(images.x_valid / 255) @ axes).var(axis=0)

axes = preprocessing.principal_axes(pixels)[2]
last_half = {name: means_at(way)[392:].sum() / means_at(way).sum()
             for name, way in ways.items() if "PCA" not in name}
table(("validation images", "variance in the last 392 of 784 directions"),
      [(name, f"{share:.1%}") for name, share in last_half.items()])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The last row is no image. It shows **components**, not pixels: number one at the top left, then
# row by row the shares of each image along one principal axis after the other. They have no place,
# so nothing can be recognized. ZCA turns them back to the pixels and leaves edges: what neighbors
# have in common is gone. With a small ε come the grains. The last half of all directions, which
# held {{last_half["original"]:.1%}} of the variance, then holds
# {{last_half["ZCA, ε 0.0001"]:.0%}}.
#
# </details>
#
# ## 6. Does it train better?
#
# A fair comparison: a small network on {{len(images.x):,}} images, {{prepared.STEPS}} steps. Every
# way of preparing gets its own best rate. Both whitenings get their own ε, "per pixel" its own
# floor. All of it is chosen on validation images with other seeds, every grid is widened until the
# choice lies inside, and test images tell. Two more contenders keep a layer of **batch
# normalization** before all others, which standardizes each mini-batch by itself; lesson 06 derives
# it.
#
# **Commit:** which gets the lowest test loss?

# %%
guess_best = predict.choice("Lowest test loss, each at its best settings",
                            ["centered + scaled", "per pixel", "whitened",
                             "can't be told apart"])
guess_best

# %%
fair = comparison.load("preprocessing")
rivals = ("per pixel", "PCA-whitened", "ZCA")
apart = [name for name in rivals
         if fair.difference(name, "centered + scaled", comparisons=9).tells_apart]
guess_best.reveal("can't be told apart" if not apart else fair.order()[0])

# %%
fair

# %%
fair.against("centered + scaled")

# %% [markdown]
# So much for the end. Look at what was chosen, and at how it was chosen: the validation loss of
# each ε, at its own best rate.

# %%
eps, by_eps = fair.tuning_curve("PCA-whitened", "eps")
plots.curves({"PCA-whitened": by_eps, "centered + scaled": np.full(
             len(eps), fair.tuning_curve("centered + scaled", "rate")[1].min())},
             x=np.log10(eps), xlabel="log₁₀ ε", ylabel="validation loss", log=False,
             alt="the loss falls as ε grows to 1, and meets that of centered and scaled pixels")

# %%
variances = preprocessing.whiten(pixels, eps=1.0).variances
print("directions with a variance above ε, of 784:",
      {value: int(np.sum(variances > value)) for value in (0.001, 0.01, 0.1, 1)})

# %% [markdown]
# ### Read the figure
#
# At which ε is the loss lowest? How many times that loss is the loss at ε `0.001`? And why does
# the curve fall? Choose:
#
# - `"A"`: whitening with a large ε makes the bowl of the loss rounder;
# - `"B"`: with a large ε hardly any direction is whitened, so that little noise is blown up;
# - `"C"`: a small ε makes the inputs smaller, so that the network learns too slowly;
# - `"D"`: a small ε was tried at one rate only;
# - `"E"`: a large ε removes the mean of the pixels;
# - `"F"`: a large ε keeps more principal components.

# %% tags=["stub"]
reading = {"eps": ..., "times": ..., "because": ...}

# %% tags=["solution"]
reading = {"eps": 1, "times": 1.9, "because": "B"}

# %%
checks.preprocessing.read_eps(reading)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The best whitening uses ε = {{fair.chosen("PCA-whitened")["eps"]:g}}, and of 784 directions only
# {{int(np.sum(variances > 1))}} have a variance above that. All others are divided by about the
# same number. It makes the few largest ones smaller, and that is all.
#
# </details>
#
# Is it the small directions? Intervene: leave ε at `0.001`, and the rate that suits it best.
# *Drop* all directions but the first 40.

# %%
dropped = {}
for kept in (784, 40):
    way = preprocessing.whiten(pixels, eps=0.001, n_components=kept)
    z, z_valid = way.transform(pixels), way.transform(images.x_valid / 255)
    nets = [prepared.trained(z, images.y, rate=0.1, seed=seed) for seed in range(3)]
    dropped[kept] = np.array([prepared.score(net, z_valid, images.y_valid).loss for net in nets])
drawn = {f"{kept} directions": losses for kept, losses in dropped.items()}
plots.seed_dots({"ε 0.001": drawn}, ylabel="validation loss",
                alt="with 40 directions the loss is far lower than with all 784")

# %% [markdown]
# And a model without hidden units? The same for a linear softmax model. **Commit:** does whitening
# win there?

# %%
guess_linear = predict.choice("Linear model: tuned whitening against centered + scaled",
                              ["better", "not told apart", "worse"])
guess_linear

# %%
linear = comparison.load("preprocessing_linear")
gain = linear.difference("PCA-whitened", "centered + scaled", comparisons=9)
gain_accuracy = linear.difference("PCA-whitened", "centered + scaled", "accuracy", comparisons=9)
guess_linear.reveal("not told apart" if not gain.tells_apart else
                    "better" if gain.mean < 0 else "worse")

# %%
linear

# %%
both = fair.difference("raw + batch norm", "standardized + batch norm")
instead = fair.difference("raw + batch norm", "centered + scaled", comparisons=9)
per_pixel = fair.difference("centered + scaled", "standardized", comparisons=9)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# - **Raw pixels stay far behind at every rate**, and centering alone does not save them.
# - **Whitening at its best ties with centering and scaling**, in loss and in accuracy. With a small
#   ε it does harm: the network learns from the grain. With ε left alone and the small directions
#   dropped the loss goes from {{np.median(dropped[784]):.2f}} to {{np.median(dropped[40]):.2f}}.
#   The often-told sentence "whitening hurts on images" is true of one ε, not of whitening.
# - **One mean per pixel beats one mean for all** ("standardized") by
#   {{abs(per_pixel.mean):.2f}} of loss ({{abs(per_pixel.high):.2f}} to {{abs(per_pixel.low):.2f}}).
# - **Batch normalization first** does replace preparation here: raw + batch norm and centered +
#   scaled differ by {{instead.mean:+.3f}} ({{instead.low:+.3f}} to {{instead.high:+.3f}}). The
#   usual advice is to do both, and both together are better than batch norm on raw pixels, by
#   {{both.mean:.3f}} of loss ({{both.low:.3f}} to {{both.high:.3f}}). That is sure, and very small;
#   in accuracy the two can't be told apart.
# - **The linear model gains from whitening**: {{gain.mean:+.3f}} of loss ({{gain.low:+.3f}} to
#   {{gain.high:+.3f}}), {{gain_accuracy.mean:+.3f}} of accuracy ({{gain_accuracy.low:+.3f}} to
#   {{gain_accuracy.high:+.3f}}). Sure, and small.
#
# Images **usually get only centering and a common scale**. You see why: their pixels have one unit
# already, and the rest gains little or nothing. Tables with columns in different units are another
# matter.
#
# </details>
#
# ## 7. Commit a leak
#
# A **leak** is anything that is learned from data one is later tested on. Commit two.
#
# *First leak.* Fit mean and standard deviation on all images, the test images included. To make it
# bad, train on 200 images only, and fit on them and all {{len(images.x_test):,}} test images.
#
# **Commit:** how much accuracy does the leak seem to win?

# %%
guess_first = predict.choice("Fitting mean and std on test images too seems to win",
                             ["more than 0.05", "about 0.02", "nothing to be seen"])
guess_first

# %%
few = 200
x_few, y_few = images.x[:few], images.y[:few]
everything = np.concatenate([x_few, images.x_test])
accuracy = {}
for name, fitted_on in (("honest", x_few), ("leak", everything)):
    way = preprocessing.standardize(fitted_on, floor=13)
    z, z_test = way.transform(x_few), way.transform(images.x_test)
    nets = [prepared.trained(z, y_few, rate=0.03, seed=seed, steps=100) for seed in range(10)]
    accuracy[name] = np.array([net.accuracy(z_test, images.y_test) for net in nets])
gained = accuracy["leak"] - accuracy["honest"]
guess_first.reveal("nothing to be seen" if abs(gained.mean()) < 0.01 else
                   "about 0.02" if gained.mean() < 0.05 else "more than 0.05")

# %%
plots.seed_dots({"": accuracy}, ylabel="test accuracy, 10 seeds",
                alt="two rows of dots that overlap")

# %% [markdown]
# *Second leak.* 100 images, and the labels are coin flips: nobody can be right more often than half
# the time on new ones. The features are 400 white ones, fitted on {{len(images.x):,}} other images;
# no leak there. We keep the 40 features that go best with the labels. Then we train on half of the
# images and test on the other half.
#
# **Commit:** what accuracy do we report?

# %%
guess_second = predict.number("Reported accuracy on coin flips", low=0, high=1)
guess_second

# %%
def reported(x, t):
    half = len(t) // 2
    together = np.abs(x.T @ t)  # how well each feature goes with the labels, −1 and 1
    best = np.argsort(together)[-40:]
    w = x[:half, best].T @ t[:half]  # learn on the first half
    said = np.sign(x[half:, best] @ w)  # test on the other
    return np.mean(said == t[half:])

features = preprocessing.whiten(pixels, n_components=400).transform(images.x_valid / 255)

def coin_flips(seed):
    rng = np.random.default_rng(seed)
    return features[rng.permutation(len(features))[:100]], rng.permutation([-1.0, 1.0] * 50)

leaked = np.array([reported(*coin_flips(seed)) for seed in range(40)])
guess_second.reveal(np.median(leaked))

# %%
print(f"reported on coin flips, 40 seeds: {np.median(leaked):.2f} "
      f"({leaked.min():.2f} to {leaked.max():.2f})")

# %% [markdown]
# ### Core: find the leak
#
# It sits in one line of `reported`. Mend it, and leave all else.

# %% tags=["stub"]
def honest(x, t):
    half = len(t) // 2
    together = np.abs(x.T @ t)
    best = np.argsort(together)[-40:]
    w = x[:half, best].T @ t[:half]
    said = np.sign(x[half:, best] @ w)
    return np.mean(said == t[half:])

# %% tags=["solution"]
def honest(x, t):
    half = len(t) // 2
    together = np.abs(x[:half].T @ t[:half])
    best = np.argsort(together)[-40:]
    w = x[:half, best].T @ t[:half]
    said = np.sign(x[half:, best] @ w)
    return np.mean(said == t[half:])

# %%
checks.preprocessing.honest(honest)

# %% tags=["folded"]
def mended(x, t):
    half = len(t) // 2
    best = np.argsort(np.abs(x[:half].T @ t[:half]))[-40:]
    w = x[:half, best].T @ t[:half]
    return np.mean(np.sign(x[half:, best] @ w) == t[half:])

truth = np.array([mended(*coin_flips(seed)) for seed in range(40)])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The first leak won {{gained.mean():+.3f}} on the mean of {{words(len(gained))}} seeds
# ({{gained.min():+.3f}} to {{gained.max():+.3f}}): nothing to be seen. Means and standard
# deviations of pixels hold no labels, and a few images give much the same. It is wrong all the
# same, for one never knows beforehand.
#
# The second one reports {{np.median(leaked):.2f}} where the truth is a coin flip. Mended, the same
# {{len(truth)}} seeds give {{np.median(truth):.2f}}: one line was changed. Among 400 features some
# go with any labels by chance, and the choice knew the test labels. **What looks at labels leaks
# most.**
#
# </details>
#
# ## 8. The same with tools
#
# scikit-learn has the same two verbs. A `Pipeline` chains them, and its `fit` sees what you give
# it: training data alone.

# %%
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pipeline = make_pipeline(StandardScaler(), PCA(50, whiten=True, svd_solver="full"))
theirs = pipeline.fit(images.x).transform(images.x_test)

scaled = preprocessing.standardize(images.x)
ours = preprocessing.whiten(scaled.transform(images.x), n_components=50)
z = ours.transform(scaled.transform(images.x_test))
n = len(images.x)
z *= np.sqrt((n - 1) / n)  # scikit-learn's PCA divides by n − 1
assert np.allclose(np.abs(theirs), np.abs(z), rtol=1e-6, atol=1e-6)  # an axis may point either way

# %% [markdown]
# Keras has a layer for it, `Normalization`. It is fitted by `adapt`, and is then a part of the
# model. Who uses the model gives it raw pixels, and nobody can forget a step.

# %%
keras = keras_models.keras()

normalization = keras.layers.Normalization()
normalization.adapt(images.x)  # training images alone

by_hand = transform(images.x_test, fitted)
by_keras = np.asarray(normalization(images.x_test))
assert np.allclose(by_keras, by_hand, rtol=1e-6, atol=1e-5)  # float32

# %%
keras.utils.set_random_seed(0)
model = keras.Sequential([
    keras.Input((784,)),
    normalization,
    keras.layers.Dense(50, activation="relu", kernel_initializer="he_normal"),
    keras.layers.Dense(10, activation="softmax"),
])
model.compile(keras.optimizers.SGD(0.03), loss="sparse_categorical_crossentropy",
              metrics=["accuracy"])
model.fit(images.x, images.y, batch_size=50, epochs=4, verbose=0)
loss, right = model.evaluate(images.x_test, images.y_test, verbose=0)
print("raw test images into the model, accuracy above 0.75:", right > 0.75)
print("numbers that training changes in the first layer:", len(normalization.trainable_weights))

# %% [markdown]
# The pixels that go in are raw, the first layer prepares them. Its mean and variance are not
# trained.
#
# ## 9. The lab
#
# A cloud, its covariance matrix, and gradient descent over two weights, without a bias. Dashed
# lines are predictions.

# %%
labs.preprocessing_lab()

# %% [markdown]
# - **Raw: move the offset from `0` to `10`.** What happens to the covariance, what to the steps?
#   Then choose "centered" and move it again.
# - **Centered: raise the scale ratio to `100`, then choose "standardized".** Now move the
#   correlation to its end. Which steps cure that?
# - **Two neighbor pixels, step by step.** Which step leaves the steps of descent as they are?
#
# ### Challenge: prepare the images
#
# Write the best preparation you can for one fixed training: the network of section 6, rate `0.1`,
# 400 steps, three seeds. Your function gets the training images (pixels from 0 to 255) and returns
# a *function* that transforms any images. The score is the median loss on validation images;
# smaller is better, below `0.45` passes. You may make new features, as many as
# {{checks.preprocessing.MOST_FEATURES:,}}. But each look at a score learns a little from the
# validation images: the check tells the test loss beside it.

# %% tags=["stub"]
def prepare(x_train):
    """Return a function that transforms images (n, 784) into inputs (n, features)."""
    ...

# %% tags=["solution"]
def prepare(x_train):
    """Return a function that transforms images (n, 784) into inputs (n, features)."""
    mean = np.sqrt(x_train).mean(axis=0)
    return lambda x: (np.sqrt(x) - mean) / 16

# %%
checks.preprocessing.prepare(prepare)

# %% [markdown]
# ### Experiment: your own question
#
# What does a preparation need, and what is luck? Does a square root of the pixels help? One mean
# per image? Half of the training images? Save runs under names and compare, with more than
# one seed.

# %%
way = preprocessing.standardize(images.x, per="set")
net = prepared.trained(way.transform(images.x), images.y, rate=0.03, seed=0)
runs.save("one mean, one std", loss=net.loss)

way = preprocessing.center(images.x / 255)  # change this line, and the next ones with it
net = prepared.trained(way.transform(images.x / 255), images.y, rate=0.1, seed=0)
runs.save("centered per pixel, 0 to 1", loss=net.loss)

runs.compare()

# %% [markdown]
# ## The patient is well
#
# Three cures, one after the other, none of them enough alone:

# %%
patient.scoreboard((), ("activation",), ("activation", "weights"),
                   ("activation", "weights", "inputs"))

# %% [markdown]
# ## How did you guess?

# %%
predict.summary()

# %% [markdown]
# ## Summary
#
# - The third cause: the first layer's z were {{about(too_wide)}} times too wide. Scaling alone
#   nearly cures it, the best rate alone does not.
# - Fit on the training set alone; apply the same numbers everywhere. A floor under the std keeps
#   rare pixels small.
# - Off center, a small change of a weight moves the boundary far. κ tells how long the valley is.
# - Whitening makes it round, and blows up what hardly varies. ε decides; judge it as tuned.
# - What looks at labels before the split leaks most. Measure a leak by labels that are coin flips.
#
# ## In practice
#
# - Features of different units, as in tables: standardize each one, inside a `Pipeline`.
# - Images: divide by 255 and subtract the mean image or the mean of each channel.
# - Keep the fitted numbers with the model: a `Normalization` layer, or folded into W and b.
# - Batch normalization and prepared inputs: do both. It costs nothing and wins a little.
#
# Next: [Derive batch normalization](06_derive_batch_normalization.ipynb). Deeper: [How inputs shape
# the valley](deeper/05_how_inputs_shape_the_valley.ipynb). Before: [Scale the
# weights](04_scale_the_weights.ipynb).

# %% [markdown] tags=["given"]
# ## Further reading
#
# - [LeCun, Bottou, Orr and Müller 1998, Efficient
#   BackProp](http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf): centering, scaling and
#   decorrelating inputs, and the eigenvalues behind it.
# - [Hastie, Tibshirani and Friedman 2009](https://hastie.su.domains/ElemStatLearn/), section
#   7.10.2: the wrong and the right way to cross-validate, with labels that are coin flips.
# - [Kessy, Lewin and Strimmer 2018](https://arxiv.org/abs/1512.00809): all whitenings compared, and
#   in what sense ZCA is the nearest.
# - [Wadia and others 2021](https://arxiv.org/abs/2008.07545): why whitening can cost
#   generalization.
# - [scikit-learn, Preprocessing data](https://scikit-learn.org/stable/modules/preprocessing.html):
#   the same steps, ready-made, with the same `fit` on training data.
