# %% [markdown]
# # Train a hundred layers
#
# You will train a plain network of a hundred layers, watch every layer while it learns, and say
# beforehand what its signal and its gradient will do.
#
# *About 100 minutes. You should know SELU and its fixed point ([03 Choose an
# activation](03_choose_an_activation.ipynb)), the initializations of [04 Scale the
# weights](04_scale_the_weights.ipynb), and batch normalization in Keras ([07 Use batch
# normalization in Keras](07_use_batch_normalization_in_keras.ipynb)). The lesson after this one
# is [09 Curb overfitting](09_curb_overfitting.ipynb).*
#
# ## What you will learn
#
# After this lesson you can
#
# - compare training runs fairly: several seeds, and their spread;
# - watch a long run layer by layer, and stop it when it goes wrong;
# - predict how much a gradient grows or shrinks over a hundred layers, before you train;
# - read three vital signs: gradient per layer, update to weights, size of the activations;
# - say which condition of self-normalization is broken from mean and variance per layer.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    builders, checks, clip_each, data, flow, keras_models, keras_training, labs, plots, recorder,
    recording, results, table, theory, watch,
)

# %%
keras = keras_models.keras()
split = data.load_split()
print(split)
first, last = keras_models.SIZES[:4], keras_models.SIZES[-2:]
print("layer sizes:", *first, "…", *last, f"  hidden layers: {len(keras_models.SIZES) - 2}")

# %% [markdown]
# ## 1 The reference, and ours
#
# A hundred hidden layers, {{keras_models.SIZES[1]}} units and then
# {{len(keras_models.SIZES) - 3}} times {{keras_models.SIZES[2]}}, each with SELU; weights of
# LeCun's variance, standardized inputs, a softmax over ten classes. (Ours draws the softmax
# layer's weights in the same way; the published program leaves them to Keras, which takes
# Glorot's.) No batch normalization, no skip connections. The plain program trains it by gradient
# descent, learning rate {{keras_training.REFERENCE.learning_rate}}, batches of
# {{keras_training.REFERENCE.batch_size}}, {{words(keras_training.REFERENCE.epochs)}} epochs. It
# was published with a final validation accuracy of {{given("0.739", "Géron 2019")}}; another
# published run of the same network ends at
# {{given("0.822", "https://github.com/ageron/handson-ml2")}}, and with ReLU and He's weights at
# {{given("0.738", "https://github.com/ageron/handson-ml2")}}. **One seed each.**
#
# **Predict:** how far apart do {{words(len(results.load("depth").reference.seeds))}} seeds of the
# very same program end?

# %%
stored, rivals = results.load("depth"), results.load("depth_rivals")
tickets = results.load("depth_lottery")
programs = {"the plain program": stored.reference, "our recipe": stored.ours}
programs["ours, LeCun's weights"] = stored.ours_with_lecun

def median_and_range(values):
    return f"{np.median(values):.3f} ({values.min():.3f} to {values.max():.3f})"

rows = []
for name, runs in programs.items():
    told = [median_and_range(runs.val_accuracy[:, epoch]) for epoch in (0, -1)]
    rows.append((name, len(runs.epochs), *told))
print("published:", {n: value for n, value in stored.published.items() if n.startswith("val")})
print("validation accuracy of five seeds: median (range)")
print(table(("program", "epochs", "after the first", "at the end"), rows))

# %%
assert np.median(stored.ours.val_accuracy[:, -1]) >= 0.87
assert stored.ours.val_accuracy[:, 0].min() > stored.published.val_accuracy
plots.validation_curves(stored)

# %% [markdown]
# These runs take minutes, so they were made beforehand (`python3 -m experiments`) and are stored
# with the course. How long they take is another question, answered on your own machine:
# `python3 -m benchmarks depth` measures both programs side by side.
#
# The same program ends anywhere in the first row's range, and its curves jump up and down on the
# way. So a difference of a few percent between two single runs says nothing. The published
# {{stored.published.val_accuracy}} lies below all {{words(len(stored.reference.seeds))}}, and so
# does its training accuracy, {{stored.published.accuracy}}: hardly a ticket of the same lottery.
# {{stored.published.val_accuracy_of_another_run}} lies in their midst.
#
# **Our recipe** has the same network and the same images. It differs in the training:
#
# - Nesterov momentum, batches of {{keras_training.OURS.batch_size}}, a **warm-up** (the learning
#   rate rises in a straight line for a fifth of the run) and a **cosine** after it (it falls to 0
#   along half a wave);
# - the gradient of each array is clipped to norm 1 **by itself**; section 4 shows why not all
#   together;
# - orthogonal weights, of the same variance as LeCun's (the third row has LeCun's own).
#
# Every seed of ours is above the published {{stored.published.val_accuracy}} after its first
# epoch; of the plain program's {{words(len(stored.reference.seeds))}},
# {{words((stored.reference.val_accuracy[:, 0] > stored.published.val_accuracy).sum())}} are. At
# the end all of ours lie above the best of the plain ones, and closer together. The recipe was
# chosen on other seeds, by validation accuracy; what was tried is stored too (`stored.tried`).
#
# ## 2 Watch a run
#
# A long run should not be a black box. The **recorder** below is a Keras callback. Every 20 steps
# it sends one batch through the network and back, notes every layer's gradient, the update the
# optimizer would make and the activations, and puts everything back. The **training figure**
# draws each record while `fit` runs, with a progress bar. Its button stops the training, and what
# was recorded is kept.
#
# Our recipe is cut down to two epochs, so that it fits into a lesson. Nothing else changes.
#
# **Predict:** the gradient of which layer is the largest before training: the first, the middle,
# the last?

# %%
figure = watch.TrainingFigure()
figure

# %%
from dataclasses import replace

short = replace(keras_training.OURS, epochs=2, steps_per_execution=20)
model = short.compile(short.network(seed=0), len(split.x))
watcher = recorder.recorder(split.x[:256], split.y[:256], every=20, figure=figure)
history = short.fit(model, split, callbacks=[watcher])
live = watcher.recording
figure.picture()

# %%
print(live)
claims = {"validation accuracy above 0.8": history["val_accuracy"][-1] > 0.8}
claims["the batch's loss has halved"] = live.loss[-1] < live.loss[0] / 2
steep = live.grad_W_norm[0, 1] > 10 * live.grad_W_norm[0, 99]
claims["layer 2 begins with more than 10 times the gradient of layer 100"] = steep
for claim, holds in claims.items():
    print(f"{claim}: {holds}")
    assert holds or live.stopped
curves = {"the plain program": stored.reference.val_accuracy}
curves["our recipe"] = stored.ours.val_accuracy
curves["your run, two epochs"] = np.array([history["val_accuracy"]])
plots.seed_curves(
    curves,
    xlabel="epoch",
    ylabel="validation accuracy",
    alt="ours lies above the reference; the short live run begins above both",
)

# %% [markdown]
# Lines are medians of {{words(len(stored.ours.seeds))}} seeds, bands their range. Your short run
# follows its own, shorter schedule, and begins above both.
#
# In the training figure you find loss and validation accuracy, the gradient of every layer's
# weights before training and now, the size of the updates, and a map of the activations. Two
# things stand out:
#
# - The activations have about the same size in all hidden layers, and stay near 1 while the
#   network learns.
# - The gradients don't. Before training (dotted) the early layers' are far larger than the late
#   ones'. Why? Section 3 predicts it.
#
# (The last updates are tiny because the cosine has come down to 0.)
#
# Run the two cells again and press the button: the run ends within a few steps, `live` keeps its
# records, and the picture's axis ends where the run did.
#
# **One line on seeds.** `short.network(seed=0)` calls `keras.utils.set_random_seed`, which seeds
# Python, NumPy and the backend together. The older `tf.random.set_seed` alone does not fix the
# initial weights any more: Keras 3 draws the seed of an initializer with Python's `random`.

# %%
def first_weight():
    layer = keras.layers.Dense(1, kernel_initializer="lecun_normal")
    return float(np.asarray(layer(np.ones((1, 4))))[0, 0])

tf, pairs = keras_models.tensorflow(), {"keras.utils.set_random_seed": keras.utils.set_random_seed}
pairs["tf.random.set_seed"] = tf.random.set_seed
for name, seed_with in pairs.items():
    draws = []
    for _ in range(2):
        seed_with(7)
        draws.append(first_weight())
    print(f"{name:<30} the same weights twice: {draws[0] == draws[1]}")

# %% [markdown]
# Even with one seed the *same* run gives other numbers on another processor, since sums are added
# up in another order and a hundred layers magnify the last digit. So this lesson's Keras numbers
# are bands, and its headlines come from {{words(len(stored.ours.seeds))}} seeds.
#
# ## 3 What SELU does not normalize
#
# SELU keeps mean 0 and variance 1 going **forward** (lesson 03). Going **back**, every layer
# multiplies the gradient's mean square by
#
# 1. $\mathrm{fan\_out}\cdot\mathrm{Var}(w)$, which is 1 for LeCun's weights in square layers,
# 2. and $E[f'(z)^2]$ with $z \sim N(0, 1)$.
#
# 3. Over $L$ layers the standard deviation changes by $E[f'^2]^{L/2}$.
#
# Batch normalization has a factor of its own. It divides by the standard deviation of its input,
# so that with ReLU and weights of any size
#
# 4. $z_{l+1} = \hat W h_l / \sqrt{\mathrm{Var}(h)}$: the factor is $E[f'^2] / \mathrm{Var}(f)$.
# 5. For ReLU $E[f'^2] = 1/2$ and $\mathrm{Var}(f) = 1/2 - 1/(2\pi)$, which makes $\pi/(\pi-1)$.
#
# **Predict:** which has the steeper gradient over 100 layers, SELU or ReLU with batch
# normalization?

# %%
slope_square = theory.chi("selu")
normalized = theory.chi("relu") / (1 / 2 - 1 / (2 * np.pi))
assert np.isclose(normalized, np.pi / (np.pi - 1))
factors = {"SELU": slope_square, "ReLU + batch norm": normalized, "ReLU + He": 2 * 0.5}
for name, factor in factors.items():
    print(f"{name:<18} per layer, mean square: ×{factor:.3f}", end="   ")
    print(f"100 layers, standard deviation: ×{factor**50:.2g}")

# %% [markdown]
# SELU: a factor of {{slope_square:.3f}} per layer, {{slope_square**50:.0f}} over a hundred. Batch
# normalization with ReLU: {{normalized:.3f}} and {{normalized**50:.1e}}. Both have perfect
# activations. Now measure: five networks each, and what theory says of these very images.

# %%
x, y = data.load_batch(100, dtype=np.float64)
sizes = (784, *[100] * 100, 10)

def five(design, x=x, sizes=sizes):
    stacks = (design.stack(sizes, rng=np.random.default_rng(seed)) for seed in range(5))
    return [flow.flow(stack, x, y) for stack in stacks]

flows = {name: five(design) for name, design in builders.DESIGNS.items()}
predicted = {}
for name, runs in flows.items():
    design, output_error = builders.DESIGNS[name], runs[0].output_error
    predicted[name] = theory.predicted_flow(design, sizes, x, output_error)

# %%
def growth(measured):
    return measured.grad_z_norm[0] / measured.grad_z_norm[-1]

rows = []
for name, runs in flows.items():
    grown, last = [growth(run) for run in runs], np.median([run.std[-1] for run in runs])
    span = f"{min(grown):.1e} to {max(grown):.1e}"
    growths = f"×{growth(predicted[name]):.1e}", f"×{np.median(grown):.1e}"
    rows.append((name, f"{last:.2f}", *growths, span))
heads = ("network", "std h, last", "gradient 100 → 1, predicted", "median of 5 seeds", "range")
print(table(heads, rows))
selu = np.median([growth(run) for run in flows["SELU + LeCun"]])
assert 0.5 < selu / growth(predicted["SELU + LeCun"]) < 2
limits = {"mean": (-0.3, 1), "variance": (1e-3, 10), "gradient": (1e-12, 1e10)}
plots.flow_panels(
    flows,
    predicted,
    limits=limits,
    alt="activations level for SELU and batch norm, gradients steep",
)

# %% [markdown]
# Solid is measured, dashed predicted.
#
# - **SELU:** the activations are as promised, and the gradient grows
#   ×{{selu:.0f}} in the median, where
#   ×{{growth(predicted["SELU + LeCun"]):.0f}} is predicted. Finite width adds a little.
# - **Batch norm:** theory is good for this one too. A first gradient of many millions is what
#   nobody sees in a shallow net. More normalization is not more stability.
# - **ReLU + He:** level on average, but look how the orange line wanders. Section 5 comes back to
#   it.
# - **tanh:** signal and gradient fade slowly, together. **sigmoid:** the signal looks fine, and
#   the gradient, on its way back, has left the picture by layer
#   {{np.flatnonzero(flows["sigmoid + Glorot"][0].grad_z_norm < limits["gradient"][0])[-1] + 1}}.
#
# ## 4 The same depth, five ways
#
# Now the {{words(len(builders.DESIGNS))}} train, in NumPy so that it is quick: 300 steps of
# gradient descent in small batches, all gradients together **clipped** to norm 1 (lesson 02).
# Every twentieth step is recorded.
#
# **Predict:** which of them learn anything in 300 steps?

# %%
x_train, y_train = data.load_batch(3000)
recordings = {}
for name, design in builders.DESIGNS.items():
    rng = np.random.default_rng(0)
    net = design.stack(sizes, rng=rng, dtype=np.float32)
    options = {"learning_rate": 0.03, "steps": 300, "every": 20, "rng": rng}
    recordings[name] = recording.recorded_training(net, x_train, y_train, **options)

# %%
def decade(value):
    return f"1e{round(float(np.log10(value)))}" if value > 1e-30 else "below 1e-30"

rows = []
for name, run in recordings.items():
    before, last = run.grad_W_norm[0], run.loss[-5:].mean()
    rows.append((name, decade(before[0]), decade(before[99]), str(last < 2)))
heads = ("network", "dW layer 1, start", "dW layer 100", "loss falls below 2")
print(table(heads, rows))
assert [row[3] for row in rows] == ["True", "True", "False", "True", "False"]
plots.gradient_panels(
    recordings,
    alt="gradients per layer: level for tanh and ReLU, steep for batch norm, gone for sigmoid",
)

# %% [markdown]
# A loss of {{np.log(sizes[-1]):.1f}} is that of guessing. SELU, tanh and ReLU learn, ReLU slowly.
# Batch norm and sigmoid learn nothing, for opposite reasons: one has a first gradient of
# {{power(recordings["ReLU + He + batch norm"].grad_W_norm[0, 0])}}, and clipping it leaves the
# other layers nothing; the other has none at all. After 300 steps (green) SELU's slope is
# flatter. Batch norm and sigmoid are as they were: training can't repair what it can't reach.
#
# The table says only who learns, and that on purpose. In networks this deep a rounding error
# grows while they train, and SELU's loss halfway through is another one on every processor. To
# rank those that learn would take many seeds.
#
# **Predict:** with a joint norm of 1, which layers of the SELU network get the updates?

# %%
rng = np.random.default_rng(0)
net = builders.Design().stack(sizes, rng=rng, dtype=np.float32)
options = {"learning_rate": 0.003, "steps": 300, "every": 20, "clip": clip_each, "rng": rng}
each = recording.recorded_training(net, x_train, y_train, **options)
clipped = {"clipped together": recordings["SELU + LeCun"], "each array by itself": each}
for label, run in clipped.items():
    hidden = run.ratio[:, :100]
    spread, learns = np.median(hidden.max(axis=1) / hidden.min(axis=1)), run.loss[-5:].mean() < 2
    print(f"{label:<22} largest update more than 5 times the smallest: {spread > 5}", end="   ")
    print(f"loss below 2: {learns}")
    assert learns
    assert (spread > 5) == (run is not each)

# %%
names = ("SELU + LeCun", "ReLU + He + batch norm", "sigmoid + Glorot")
shown = {name: recordings[name] for name in names}
plots.update_panels(
    {"SELU + each clipped": each} | shown,
    alt="level where each array is clipped, decades apart otherwise",
)

# %% [markdown]
# Drawn is the second vital sign: the size of an **update** relative to the **weights** it
# changes, ‖ΔW‖ / ‖W‖. Far above a thousandth, the dashed line, a layer forgets what it knew; far
# below, it stands still. Read it as an order of magnitude: the rule was found on networks of a
# few layers, and a hundred small steps add up.
#
# - **Each array clipped by itself**: every layer moves at the same pace, and a tenth of the
#   learning rate is enough. This is why our recipe clips each array (`clipnorm` in Keras, not
#   `global_clipnorm`).
# - **SELU, clipped together**: the first layer is at the line, the deep ones about a decade below.
#   The ×{{slope_square**50:.0f}} takes its toll: the early layers' gradients use up the norm.
# - **Batch norm**: layer 1 at the line, `layer 34`
#   {{words(round(-np.log10(np.median(shown["ReLU + He + batch norm"].ratio[:, 33]) / 1e-3)))}}
#   decades below, the rest out of the picture.
# - **sigmoid**: only the output layer moves.
#
# The third vital sign is the size of the activations, layer by layer, over the whole run.

# %%
plots.activation_maps(
    recordings, alt="mean of abs(activation) over steps and layers, one map per network"
)

# %% [markdown]
# SELU's map is even and stays so: the fixed point holds while the weights move. tanh begins dark
# in the depth, and brightens as it learns. ReLU's is striped: layers differ by luck. Batch norm
# and sigmoid are perfectly even, and learn nothing. **Healthy activations alone prove nothing;
# look at the gradient as well.**
#
# ## 5 A lottery over seeds
#
# ReLU with He's weights is level *on average*. Single networks are not: the logarithm of the
# signal's mean square takes a random step of variance 5 / width at every layer (lesson 02). SELU
# has a fixed point that pulls each of them back.
#
# **Predict:** twenty seeds of 100 layers, 30 units wide. How far apart are their last signals,
# for ReLU, for SELU?

# %%
def log_squares(name, width, seed):
    net = builders.DESIGNS[name].stack((784, *[width] * 100, 10), rng=np.random.default_rng(seed))
    run = flow.flow(net, x[:20], y[:20])
    return np.log(run.std**2 + run.mean**2)

pairs = {"ReLU + He, width 100": ("ReLU + He", 100), "ReLU + He, width 30": ("ReLU + He", 30)}
pairs["SELU + LeCun, width 30"] = ("SELU + LeCun", 30)
paths = {}
for label, pair in pairs.items():
    paths[label] = np.array([log_squares(*pair, seed) for seed in range(20)])

# %%
rows, steps = [], {}
for label, logs in paths.items():
    width, last = pairs[label][1], logs[:, -1]
    expected = (-2.5 / width, 5 / width) if "ReLU" in label else (np.nan, np.nan)
    steps[label] = expected
    told = "none" if np.isnan(expected[1]) else f"{100 * expected[1]:.1f}"
    span = f"{np.exp(last.min()):.0e} to {np.exp(last.max()):.0e}"
    rows.append((label, told, f"{last.var(ddof=1):.1f}", span))
print(table(("network", "variance of ln E[h²], predicted", "20 seeds", "E[h²] in layer 100"), rows))
drawn = {label: logs[:6] for label, logs in paths.items() if "30" in label}
plots.seed_paths(
    drawn, steps, alt="six seeds of width 30: ReLU's signals wander, SELU's stay together"
)

# %% [markdown]
# The ReLU networks scatter as predicted, those 30 wide more so than those 100 wide. (Predicted is
# a variance of many seeds; twenty give it roughly.) A signal in the last layer may be
# {{np.exp(paths["ReLU + He, width 30"][:, -1].min()):.0e}} with one seed and
# {{np.exp(paths["ReLU + He, width 30"][:, -1].max()):.0f}} with the next. SELU at the same width
# stays within a factor of {{np.exp(np.ptp(paths["SELU + LeCun, width 30"][:, -1])):.1f}}. Who
# quotes one seed of a deep narrow ReLU network quotes a lottery ticket.
#
# Does the luck of the start decide the training? Stored are {{len(tickets.settings.seeds)}} seeds
# of both networks, 100 wide; {{words(len(tickets.settings.trained_seeds))}} of each were trained
# for {{tickets.settings.steps}} steps.

# %%
rows = []
for name, run in tickets.networks.items():
    luck = np.corrcoef(run.signal[:10], run.accuracy)[0, 1]
    signal = f"{10 ** run.signal.min():.2f} to {10 ** run.signal.max():.2f}"
    rows.append((name, signal, median_and_range(run.accuracy), f"{luck:.1f}"))
heads = ("network", "std in layer 100", "accuracy of ten seeds", "correlation with log std")
print(table(heads, rows))
plots.lottery_strip(tickets)

# %% [markdown]
# The same training takes one ReLU network to {{tickets.networks["ReLU + He"].accuracy.max():.3f}}
# and another to {{tickets.networks["ReLU + He"].accuracy.min():.3f}}; SELU's seeds lie closer
# together, and higher. But the size of the signal at the start does not tell the winners: the
# correlations are near 0. The lottery is real, and its prize is not written on one number.
#
# Does a good recipe help them all? The stored runs train each network for
# {{words(rivals.recipe.epochs)}} epochs on all images by our recipe, each with its own
# initialization, {{words(len(rivals.rivals["SELU + LeCun"].seeds))}} seeds.
#
# **Predict:** which of the {{words(len(rivals.rivals))}} comes second?

# %%
finals = {name: run.val_accuracy[:, -1] for name, run in rivals.rivals.items()}
rows = [(name, median_and_range(values)) for name, values in finals.items()]
print(table(("network", "validation accuracy, median (range)"), rows))
first, second = np.median(finals["SELU + LeCun"]), np.median(finals["tanh + Glorot"])
assert first > second > max(finals["ReLU + He"])
assert max(*finals["sigmoid + Glorot"], *finals["ReLU + He + batch norm"]) < 0.2
plots.rival_accuracies(rivals)

# %% [markdown]
# SELU is first. tanh, so often said to fail in depth, comes close with its best seeds: its
# gradient fades slowly at the edge of chaos. ReLU with He trails, sigmoid and batch norm guess.
# (Each array is clipped by itself here: the joint clip of section 4 is not all that holds batch
# norm back.) That batch norm fails here is no verdict on batch norm: nobody stacks a hundred
# plain layers of it, and with skips (lesson 04) its gradients are tame.
#
# ## 6 Break the conditions, one by one
#
# SELU's fixed point is promised for **standardized inputs**, **LeCun's weights**, a **plain
# stack** of dense layers, and **alpha dropout** if there has to be dropout. Lesson 03 broke some.
# Here each is broken alone, in the reference's own shape, and the gradient is watched too.
#
# **Alpha dropout** sets a dropped unit to SELU's floor, −λα, and then scales and shifts
# everything so that mean 0 and variance 1 survive.
#
# **Predict:** which breaks does the fixed point mend within a hundred layers? And what does alpha
# dropout, the right one, do to the gradient?

# %%
kept, raw = builders.Design(), data.load_batch(100, standardize=False, dtype=np.float64)[0]
broken = {
    "all conditions kept": (kept, x),
    "pixels 0 to 1": (kept, raw),
    "pixels 0 to 255": (kept, 255 * raw),
    "Glorot": (replace(kept, initializer="glorot_normal"), x),
    "He": (replace(kept, initializer="he_normal"), x),
    "dropout 10 %": (replace(kept, dropout=0.1), x),
    "alpha dropout 10 %": (replace(kept, alpha_dropout=0.1), x),
    "skip connections": (replace(kept, skips=True), x),
}
sizes = keras_models.SIZES
signs = {name: five(design, inputs, sizes) for name, (design, inputs) in broken.items()}

# %%
def told(runs, name):
    medians = np.median([run.std**2 if name == "variance" else run.mean for run in runs], axis=0)
    chosen = medians[[0, 9, 99]]
    return [f"{value:.2g}" if abs(value) > 0.005 else "0.00" for value in chosen]

predicted = {}
for name, (design, inputs) in broken.items():
    output_error = signs[name][0].output_error
    predicted[name] = theory.predicted_flow(design, sizes, inputs, output_error)
rows = [(name, *told(runs, "mean"), *told(runs, "variance")) for name, runs in signs.items()]
print(table(("condition", "mean h 1", "10", "100", "variance h 1", "10", "100"), rows))

# %%
rows = []
for name, runs in signs.items():
    grown = [growth(run) for run in runs]
    expected = growth(predicted[name])
    told_theory = "no theory" if np.isnan(expected) else f"×{expected:.1e}"
    span = f"{min(grown):.0e} to {max(grown):.0e}"
    rows.append((name, told_theory, f"×{np.median(grown):.1e}", span))
    assert np.isnan(expected) or abs(np.log(np.median(grown) / expected)) < 1
print(table(("condition", "gradient 100 → 1, predicted", "median of 5 seeds", "range"), rows))
limits = {"mean": (-1, 5), "variance": (0.1, 1e4), "gradient": (1e-7, 1e4)}
drawn = {name: runs for name, runs in signs.items() if name != "pixels 0 to 1"}
plots.flow_panels(
    drawn,
    predicted,
    limits=limits,
    alt="mean, variance and gradient per layer for each broken condition",
)

# %% [markdown]
# - **Inputs on a wrong scale** are mended: 0 to 255 begins with a variance of
#   {{np.median([run.std[0] ** 2 for run in signs["pixels 0 to 255"]]):.1e}} and is at
#   {{np.median([run.std[-1] ** 2 for run in signs["pixels 0 to 255"]]):.0f}} in the end.
#   The early layers pay, and the gradient with them.
# - **Glorot instead of LeCun** does next to nothing here: with equal widths the two agree, and
#   what the first two layers do wrong is mended. The condition is about the variance, not about a
#   name.
# - **He** doubles every variance; the fixed point is lost.
# - **Dropout** finds another balance, at a variance of
#   {{np.median([run.std[-1] ** 2 for run in signs["dropout 10 %"]]):.1f}}, with a gradient that
#   grows more than before.
# - **Skip connections** explode:
#   {{np.median([run.std[-1] ** 2 for run in signs["skip connections"]]):.1e}}. h and F(h) add up,
#   and nobody divides.
# - **Alpha dropout** keeps mean 0 and variance 1 to perfection. And the gradient? A factor of
#   {{np.median([growth(run) for run in signs["alpha dropout 10 %"]]):.1e}}: a dropped unit lets
#   no gradient pass, and the rescaling makes up for the signal only. Each layer multiplies by
#   $E[f'^2] / (1 + p\lambda^2\alpha^2)$, predicted and measured. In a hundred layers even the
#   *right* dropout is dear. Use it in the last few, if at all.
#
# ## 7 The lab
#
# All of this on sliders: {{words(len(builders.DESIGNS))}} networks, inputs, initialization, both
# dropouts, skips, depth, width and seed. Dots are measured on real images, dashes predicted.

# %%
labs.depth_lab()

# %% [markdown]
# Three things to try:
#
# 1. **SELU: raise alpha dropout to `0.02`, then to `0.1`.** At `0.02` the gradient is nearly
#    level, since the dropout takes what E[f'²] adds. At `0.1` it vanishes toward layer 1, while
#    mean and spread do not move.
# 2. **ReLU + He + batch norm: move the depth from `100` down to `10`.** The gradient's slope
#    stays; over ten layers it is a factor of a few, which nobody would notice. Now add skips:
#    most of the slope goes. Residual networks have both for a reason.
# 3. **SELU, pixels `0 to 255`, then width `10`.** The wrong scale is mended within about
#    {{about(np.argmax(np.median([r.std for r in signs["pixels 0 to 255"]], axis=0) < 1.5) + 1)}}
#    layers. Few units make the dots wander about the prediction.
#
# ## Yours
#
# Write over the `...`, run the cell, then the check below it.
#
# ### Exercise 1: how much does a gradient grow?
#
# Every layer multiplies the gradient's mean square by `mean_square`, E[f'²]. Return the factor on
# its **standard deviation** over `layers` layers.
#
# <details><summary>Hint</summary>What happens to the mean square over all layers? What is a
# standard deviation of something with mean 0?</details>

# %% tags=["stub"]
def gradient_growth(mean_square, layers):
    """Return the factor on the gradient's standard deviation over so many layers."""
    ...

# %% tags=["solution"]
def gradient_growth(mean_square, layers):
    """Return the factor on the gradient's standard deviation over so many layers."""
    return mean_square ** (layers / 2)

# %%
checks.depth.gradient_growth(gradient_growth)

# %% [markdown]
# ### Exercise 2: which condition is broken?
#
# Four SELU networks, each with at most one condition broken. Name it from their vital signs:
# "inputs", "initialization", "dropout", "skip" or "none".
#
# <details><summary>Hint</summary>Look where the trouble begins, and whether it grows by a factor,
# grows slowly, stays, or is mended.</details>

# %%
patients = {
    "A": ("He", 1),
    "B": ("pixels 0 to 255", 2),
    "C": ("skip connections", 3),
    "D": ("dropout 10 %", 4),
}
rows = []
for name, (condition, seed) in patients.items():
    run = signs[condition][seed]
    rows.append((name, *(f"{run.mean[i]:.2g}, {run.std[i] ** 2:.2g}" for i in (0, 4, 19, 99))))
print(table(("network", "mean, variance in layer 1", "5", "20", "100"), rows))

# %% tags=["stub"]
diagnosis = {"A": ..., "B": ..., "C": ..., "D": ...}

# %% tags=["solution"]
diagnosis = {"A": "initialization", "B": "inputs", "C": "skip", "D": "dropout"}

# %%
checks.depth.diagnosis(diagnosis)

# %% [markdown]
# ### Exercise 3: warm up, then follow a cosine
#
# Return the learning rate of a step: in a straight line from 0 to `peak` over the first `warm_up`
# share of all `steps`, then to 0 along half a cosine.
#
# <details><summary>Hint</summary>After the warm-up let t go from 0 to 1 over the steps that are
# left. Half a cosine is (1 + cos(π t)) / 2.</details>

# %% tags=["stub"]
def learning_rate(step, steps, peak, warm_up):
    """Return the learning rate of one step; `warm_up` is the share of steps in which it rises."""
    ...

# %% tags=["solution"]
def learning_rate(step, steps, peak, warm_up):
    """Return the learning rate of one step; `warm_up` is the share of steps in which it rises."""
    rising = warm_up * steps
    if step < rising:
        return peak * step / rising
    t = (step - rising) / (steps - rising)
    return peak * (1 + np.cos(np.pi * t)) / 2

# %%
checks.depth.warm_up_cosine(learning_rate)

# %% [markdown]
# ### Exercise 4: the size of an update
#
# A layer has the weights `W` and the gradient `dW`; plain gradient descent takes a step with the
# given learning rate. Return log10 of the update's norm divided by the weights' norm.
#
# <details><summary>Hint</summary>The update is learning_rate · dW. `np.linalg.norm` takes the
# norm over all entries of a matrix.</details>

# %% tags=["stub"]
def update_ratio(W, dW, learning_rate):
    """Return log10(‖update‖ / ‖W‖) for one step of gradient descent."""
    ...

# %% tags=["solution"]
def update_ratio(W, dW, learning_rate):
    """Return log10(‖update‖ / ‖W‖) for one step of gradient descent."""
    return np.log10(learning_rate * np.linalg.norm(dW) / np.linalg.norm(W))

# %%
checks.depth.update_ratio(update_ratio)

# %% [markdown]
# ## 8 The test images, once
#
# Recipes were compared on validation images. The test images were kept for one look, at the end.

# %%
tested = {"the plain program": stored.reference, "our recipe": stored.ours}
rows = [(name, median_and_range(runs.test_accuracy)) for name, runs in tested.items()]
print(table(("program", "test accuracy of five seeds, median (range)"), rows))

# %% [markdown]
# A little below the validation accuracy, as is to be expected: the choices were made on the
# latter. A hundred plain layers are worth training for what they teach about depth.

# %% [markdown]
# ## Summary
#
# - A hundred plain layers train, without batch normalization and without skips: SELU, weights of
#   variance 1 / fan_in, standardized inputs, a warm-up, and a clip for each array.
# - SELU normalizes activations, not gradients: ×{{slope_square**50:.0f}} over a hundred layers,
#   predicted from E[f'²] = {{slope_square:.3f}}. Batch norm with ReLU: {{power(normalized**50)}}.
#   Alpha dropout of {{broken["alpha dropout 10 %"][0].alpha_dropout:.0%}} turns growth into
#   vanishing.
# - Three vital signs together tell whether a layer learns: gradient, update to weights,
#   activations. Each alone can look healthy in a network that learns nothing.
# - Narrow deep ReLU networks are a lottery over seeds. Quote several seeds and their range.
# - The fixed point mends wrong inputs, not wrong weights, dropout or skips.
#
# ## What to do in practice
#
# 1. Before a long run, send one batch through and back. Mean and spread per layer level? The
#    gradient's slope small on a log axis?
# 2. Record update to weights from the first step. If layers differ by decades, clip each array by
#    itself or repair the start.
# 3. Watch the run, and stop it when it goes wrong: a minute at the start saves an hour at the end.
# 4. Prefer skips with normalization to a hundred plain layers. This lesson is about understanding
#    depth, not about the best classifier of shirts.
#
# ## Further reading
#
# - [Klambauer et al. 2017](https://arxiv.org/abs/1706.02515): SELU and alpha dropout; the proof
#   of the fixed point.
# - [Yang et al. 2019](https://arxiv.org/abs/1902.08129): why batch normalization makes gradients
#   explode in deep plain networks, with the factor π / (π − 1).
# - [Hanin and Rolnick 2018](https://arxiv.org/abs/1803.01719): how to start training; the lottery
#   of narrow deep ReLU networks.
# - [Pascanu et al. 2013](https://arxiv.org/abs/1211.5063): clipping by the joint norm.
# - [Géron's notebooks, chapter
#   11](https://github.com/ageron/handson-ml2/blob/master/11_training_deep_neural_networks.ipynb):
#   the reference run.
# - [CS231n: babysitting the learning process](https://cs231n.github.io/neural-networks-3/): where
#   the ratio of updates to weights comes from.
# - [Keras: callbacks](https://keras.io/api/callbacks/): how to write a recorder of your own.
#
# The lesson before: [07 Use batch normalization in
# Keras](07_use_batch_normalization_in_keras.ipynb). The next: [09 Curb
# overfitting](09_curb_overfitting.ipynb).
