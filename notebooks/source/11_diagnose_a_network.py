# %% [markdown]
# # Diagnose a network
#
# You will tell from a page of numbers what ails a network that won't train, treat it, and see it
# learn; then do the same with a Keras model of your own.
#
# *About 120 minutes. You should have met the illnesses: lessons
# [02](02_watch_gradients_vanish.ipynb) to [07](07_use_batch_normalization_in_keras.ipynb) and
# [09](09_curb_overfitting.ipynb). The lesson before is [10 Augment the
# data](10_augment_the_data.ipynb). This is the last one.*
#
# ## What you will learn
#
# After this lesson you can
#
# - say what each vital sign measures, and what is healthy, because you measured it;
# - tell how far a healthy signal may stray by mere chance;
# - diagnose sick networks, name what speaks against the other illnesses, and treat them;
# - find bugs in code that runs;
# - examine any Keras model, and its training, in three lines.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    activations,
    checks,
    clinic,
    initializers,
    keras_models,
    labs,
    patients,
    plots,
    recorder,
    table,
    trace,
)

# %% [markdown]
# ## 1 What is healthy?
#
# A **vital sign** is a number that one batch gives, without any training: send it through, send
# the gradient back, and read off.
#
# | vital sign | what it is | the lesson |
# | --- | --- | --- |
# | inputs | mean and standard deviation (std) of what enters | [05](05_prepare_the_inputs.ipynb) |
# | std of h | the spread of the activations of a layer | [04](04_scale_the_weights.ipynb) |
# | gradient of z | the norm of the gradient of a layer's pre-activations | [02](02_watch_gradients_vanish.ipynb) |
# | saturated | share of pre-activations where the activation is flat | [03](03_choose_an_activation.ipynb) |
# | dead | share of units that are off on every image | [03](03_choose_an_activation.ipynb) |
# | alike | share of units that compute the same as another one | [04](04_scale_the_weights.ipynb) |
# | update | norm of the first step, divided by that of the weights | [08](08_train_a_hundred_layers.ipynb) |
# | testing − training | the loss on the same images in both modes | [06](06_derive_batch_normalization.ipynb) |
# | new images | the loss on images not trained on | [09](09_curb_overfitting.ipynb) |
#
# A number means little without its healthy range. So first measure that: ten activations, each
# with the initialization made for it, 3 and 10 layers of `100` units, five seeds.
#
# **Predict:** by what factor do healthy networks differ in the gradient of their first layer?

# %%
x, y, *_ = patients.images("standardized", 200)
starts = [start for start in initializers.INITIALIZERS.values() if start.name.endswith("_normal")]
homes = {name: start.name for start in starts for name in activations.served_by(start.name)}
homes = {name: start for name, start in homes.items() if name not in ("sigmoid", "linear")}
builds = [
    patients.Build(activation=a, initializer=i, depth=d) for a, i in homes.items() for d in (3, 10)
]
healthy = [trace(build.network(seed), x, y) for build in builds for seed in range(5)]
print(len(healthy), "networks:", *homes)
print("findings:", sum(len(clinic.examine(seen)) for seen in healthy))

# %%
limits, rows = {}, []
for name in ("std", "grad_z_norm", "share_saturated", "share_dead", "share_equal"):
    lowest = np.array([seen.per_layer(name).min() for seen in healthy])
    highest = np.array([seen.per_layer(name).max() for seen in healthy])
    limits[name] = lowest.min(), highest.max()
    of = healthy[highest.argmax()].layers[0].activation
    rows.append((name, *(f"{limit:.2g}" for limit in limits[name]), of))
gradients = [seen.per_layer("grad_z_norm") for seen in healthy]
ratios = np.array([gradient[0] / gradient[-1] for gradient in gradients])
steepest = healthy[ratios.argmax()].layers[0].activation
rows.append(("gradient, first / last", f"{ratios.min():.2g}", f"{ratios.max():.2g}", steepest))
print(table(("vital sign, any layer", "lowest", "highest", "the highest is one of"), rows))
assert limits["share_equal"] == (0, 0)
assert 0.05 < ratios.min() < ratios.max() < 20

# %% [markdown]
# None of the {{len(healthy)}} networks gives the clinic a finding, though their numbers differ
# widely. The std of h lies between {{limits["std"][0]:.2g}} and {{limits["std"][1]:.2g}}. The
# first layer's gradient is {{ratios.min():.2g}} to {{ratios.max():.2g}} times the last one's. In
# a healthy ReLU network {{limits["share_saturated"][1]:.0%}} of the pre-activations of some layer
# lie on the flat side, where half is to be expected, and {{limits["share_dead"][1]:.0%}} of the
# units of some layer are off on all 200 images. Only one sign is the same everywhere: no two
# units are alike.
#
# So none of these numbers is an alarm by itself. What counts is how far outside of the range one
# lies.
#
# Sigmoid is not among them. No initialization makes ten layers of it healthy, as you will see.
#
# ## 2 Derivation: how far may a signal stray?
#
# Two healthy networks that differ in nothing but the seed have different signals in their last
# layer. So how small must a signal be to be called ill? Take ReLU with He's weights, $n$ units in
# each of $L$ layers.
#
# 1. A layer multiplies the signal's square by a random factor: $\|h_{l+1}\|^2 = \|h_l\|^2 \cdot
#    F_l$.
# 2. $F_l$ is the mean of $n$ terms $2\,\mathrm{relu}(\xi)^2$ with $\xi \sim N(0, 1)$, so $E[F_l]
#    = 1$.
# 3. One term has the variance $4 \cdot E[\xi^4]/2 - 1 = 4 \cdot 3/2 - 1 = 5$; their mean has $5/n$.
# 4. Small relative changes are changes of the logarithm: $\mathrm{Var}(\ln F_l) \approx 5/n$.
# 5. The factors are independent and their logarithms add up: $\mathrm{Var}(\ln\|h_L\|^2) \approx
#    5L/n$.
# 6. A norm has half the logarithm of its square: the standard deviation of $\ln\|h_L\|$ is
#    $\sqrt{5L/n}/2$.
#
# **Predict:** for ten layers of 100 units, by what factor does the signal stray, three standard
# deviations away?

# %%
def stray(depth, width, seeds=60):
    build, image = patients.Build(depth=depth, width=width), x[:1]
    return np.var(
        [np.log(np.sum(build.network(s).forward(image)[-2].output ** 2)) for s in range(seeds)]
    )

rows, factors = [], {}
for depth, width in ((10, 100), (10, 25), (40, 100)):
    predicted, measured = 5 * depth / width, stray(depth, width)
    factors[depth, width] = np.exp(1.5 * predicted**0.5)
    numbers = (f"{predicted:.2f}", f"{measured:.2f}", f"×{factors[depth, width]:.1f}")
    rows.append((depth, width, *numbers))
    assert 0.5 < measured / predicted < 2
print(
    table(("layers", "units", "5 L / n", "variance of ln |h|², 60 seeds", "three deviations"), rows)
)

# %% [markdown]
# The formula holds as well as 60 seeds can tell, for their own variance is uncertain by about a
# fifth. With 40 layers it is somewhat more than predicted: step 4 holds for small changes only.
#
# A network of ten layers may lose or gain a factor of ×{{factors[10, 100]:.1f}} by chance, a
# narrow or a deep one ×{{factors[40, 100]:.1f}}. So a threshold that fits one network is wrong
# for another. The clinic's thresholds grow with depth and shrink with width, by this very
# formula.
#
# ## 3 The patients
#
# {{words(len(patients.BUILDS)).capitalize()}} networks are brought in. Each is a stack of dense
# layers that shall learn Fashion-MNIST, most on {{patients.Build().images:,}} images, in
# {{patients.Build().steps}} steps at a rate of {{patients.Build().learning_rate:g}}. A healthy
# one ends with a loss below 1 on images it has not seen. You see their vital signs before the
# first step, then those of the training.

# %%
def told(value):
    return "0" if abs(value) < 1e-12 else f"{value:.2g}"

charts = {name: patients.chart(build) for name, build in patients.BUILDS.items()}
signs = {name: chart.signs for name, chart in charts.items()}
ends_of = [f"{name}_{end}" for name in ("std", "gradient") for end in ("first", "last")]
before = ("inputs_mean", "inputs_std", *ends_of, "saturated", "dead", "alike")
names = [name.replace("gradient", "grad").replace("_", " ") for name in before]
rows = [
    (p, len(chart.before.hidden), *(told(signs[p][n]) for n in before))
    for p, chart in charts.items()
]
print("Before the first step: first and last hidden layer, worst layer for the shares")
print(table(("", "layers", *names), rows))

# %%
def told_loss(value):
    return "> 1.5" if value > 1.5 else told(value)

losses = ("loss_first", "loss_last", "loss_trained", "loss_tested", "new_lowest", "new_last")
print("The training: mini-batches, then the images trained on in both modes, then new images")
rows = [(name, told(s["update"]), *(told_loss(s[n]) for n in losses)) for name, s in signs.items()]
print(table(("", "update", *(n.replace("_", " ") for n in losses)), rows))
plots.patient_charts(
    charts,
    limits,
    alt="eight columns; B's gradient falls, D's signal grows, G's loss on new images rises",
)

# %% [markdown]
# How to read the second table: *loss first* is the mean loss of the first 40 mini-batches, *loss
# last* that of the last. *loss trained* and *loss tested* are taken after training on the same
# images, in training and in testing mode. *new lowest* is the best loss on new images on the way,
# *new last* the one at the end. How far a loss lies above 1.5 says little (guessing has $\ln
# 10$), and for patient A it differs from machine to machine. In the picture, what is 0 is drawn
# at the foot.
#
# ### Exercise 1: the diagnosis
#
# Name what ails each patient. Several signs may be off; look for the one that explains the
# others. Choose from `vanishing_signal`, `exploding_signal`, `vanishing_gradient`,
# `exploding_gradient`, `saturated_units`, `dead_units`, `symmetric_weights`, `unscaled_inputs`,
# `learning_rate_too_low`, `learning_rate_too_high`, `stale_moving_statistics` (batch
# normalization tests with old averages), `overfitting`. No two patients have the same illness,
# and some of these nobody has. You may fill in some and run the check.
#
# <details><summary>Hint</summary>Go through the columns. Whose inputs have another std? Whose
# units are alike? Whose std of h grows, whose gradient falls? Then the second table: whose two
# modes differ, whose loss on new images rises again?</details>

# %% tags=["stub"]
diagnosis = {
    "A": ...,
    "B": ...,
    "C": ...,
    "D": ...,
    "E": ...,
    "F": ...,
    "G": ...,
    "H": ...,
}

# %% tags=["solution"]
diagnosis = {
    "A": "saturated_units",
    "B": "vanishing_gradient",
    "C": "stale_moving_statistics",
    "D": "exploding_signal",
    "E": "symmetric_weights",
    "F": "dead_units",
    "G": "overfitting",
    "H": "unscaled_inputs",
}

# %%
checks.clinic.diagnosis(diagnosis)

# %% [markdown]
# ## 4 What the clinic says
#
# Read on when you have decided. `clinic.examine` reads the same vital signs and compares each
# with a threshold that comes from theory (section 2) or from healthy networks (section 1). It
# says what it found, where, and what to try.

# %%
clinic.examine(charts["B"].before)

# %%
rows = []
for name, chart in charts.items():
    found = [
        clinic.examine(chart.before),
        clinic.examine(chart.tested),
        clinic.examine_training(chart.recording),
    ]
    codes = list(dict.fromkeys(code for findings in found for code in findings.codes))
    codes.remove(patients.DIAGNOSES[name])  # which raises an error if it was not found
    rows.append((name, patients.DIAGNOSES[name], ", ".join(codes)))
print(table(("", "the illness", "found as well"), rows) + "\n")
for name, build in patients.BUILDS.items():
    print(f"{name}: {build}")
print(f"\ncured: a loss on new images below {checks.clinic.CURED}, ", end="")
print(f"that rises to {checks.clinic.RISE} of its lowest at most")
gradient = charts["B"].before.per_layer("grad_z_norm")
fall = (gradient[-1] / gradient[0]) ** (1 / (len(gradient) - 1))

# %% [markdown]
# The list of builds tells what differs from the healthy network, `Build()`. The clinic found
# every illness, and in most patients something else too: an illness has consequences.
#
# - **A, saturated.** Weights {{words(patients.BUILDS["A"].gain)}} times too large push nearly
#   every pre-activation of tanh to a flat end. The std of h near 1 is itself a sign: tanh has
#   nothing larger to give.
# - **B, vanishing gradient.** Sigmoid, {{words(len(gradient))}} layers. The signal looks fine;
#   the gradient loses a factor of {{fall:.1f}} per layer on its way back.
# - **C, stale moving statistics.** It learns well in training mode. But a momentum of
#   {{patients.BUILDS["C"].momentum:g}} leaves the moving averages near their start after
#   {{patients.BUILDS["C"].steps}} steps, and testing uses them.
# - **D, exploding signal.** He's weights times {{patients.BUILDS["D"].gain:g}}. The first step is
#   larger than the weights, and everything after it nan.
# - **E, symmetric weights.** All weights equal: every unit has a twin, and the contributions to
#   the gradient cancel to exactly 0.
# - **F, dead units.** Biases of {{patients.BUILDS["F"].bias:g}} silence ReLU layer by layer.
# - **G, overfitting.** Nothing wrong before training. A hundred images are learned by heart; on
#   new ones the loss falls first, then rises.
# - **H, unscaled inputs.** Raw pixels. The layers hand the large numbers on as they
#   should.
#
# ### Exercise 2: the treatment
#
# Prescribe the changes that cure each patient, as a dictionary of settings: `{"gain": 1}`. You
# may change `activation`, `initializer`, `gain`, `bias`, `normalized` (None, "before" or
# "after"), `momentum` (of the moving statistics), `dropout`, `inputs`, `learning_rate`,
# `batch_size`, `weight_decay` (λ of an L2 penalty) and `clip_norm`. Depth, width, images and
# steps stay: cutting layers off is no cure.
#
# The check trains each with three seeds, and all three must be cured as the last line above says.
# You may begin with one patient.
#
# <details><summary>Hint</summary>Change as little as possible. What differs from the healthy
# network is in the list above. For G nothing is wrong with the network: what did lesson 09 use
# against large weights?</details>

# %% tags=["stub"]
treatment = {
    "A": ...,
    "B": ...,
    "C": ...,
    "D": ...,
    "E": ...,
    "F": ...,
    "G": ...,
    "H": ...,
}

# %% tags=["solution"]
treatment = {
    "A": {"gain": 1},
    "B": {"activation": "relu", "initializer": "he_normal"},
    "C": {"momentum": 0.9},
    "D": {"gain": 1},
    "E": {"initializer": "glorot_normal"},
    "F": {"bias": 0},
    "G": {"weight_decay": 0.015},
    "H": {"inputs": "standardized"},
}

# %%
checks.clinic.treatment(treatment)

# %%
def ends(build):
    return [patients.chart(build, seed).signs["new_last"] for seed in range(3)]

sick = {name: ends(build) for name, build in patients.BUILDS.items()}
tried = {name: changes for name, changes in treatment.items() if isinstance(changes, dict)}
cured = {
    name: ends(patients.treated(patients.BUILDS[name], changes)) for name, changes in tried.items()
}
rows = [(name, ", ".join(told_loss(loss) for loss in losses)) for name, losses in sick.items()]
print(table(("", "three seeds, as they came"), rows))
plots.final_losses(
    sick, cured, alt="losses of the untreated at 1.2 and above, or nan; treated ones below 1.1"
)

# %% [markdown]
# Red crosses are the patients as they came, blue dots those you have treated. Some treatments are
# often recommended, and each of them cures something.
#
# **Predict:** which of these help? Batch normalization for B, and for A; Leaky ReLU for F;
# dropout for G; a thousandth of the learning rate for H.

# %%
tempting = {
    "B + batch normalization": ("B", {"normalized": "before"}),
    "A + batch normalization": ("A", {"normalized": "before"}),
    "F + Leaky ReLU": ("F", {"activation": "leaky_relu"}),
    "G + dropout 0.5": ("G", {"dropout": 0.5}),
    "H + rate 0.00005": ("H", {"learning_rate": 5e-5}),
}

# %%
rows, medians, told_of = [], {}, ("loss_last", "loss_trained", "loss_tested", "new_last")
for title, (name, changes) in tempting.items():
    build = patients.treated(patients.BUILDS[name], changes)
    runs = [patients.chart(build, seed).signs for seed in range(3)]
    medians[name] = {sign: np.median([run[sign] for run in runs]) for sign in told_of}
    rows.append((title, *(f"{medians[name][sign]:.1f}" for sign in told_of)))
    assert checks.clinic.treatment({name: changes}).status == "not yet"
print(
    table(("treatment, median of three seeds", *(sign.replace("_", " ") for sign in told_of)), rows)
)

# %% [markdown]
# None of the {{words(len(tempting))}} cures its patient; all but one do something.
#
# - **B and A** learn in training mode now: the loss on the mini-batches falls to
#   {{medians["B"]["loss_last"]:.1f}} and {{medians["A"]["loss_last"]:.1f}}. But in testing mode
#   it is {{medians["B"]["loss_tested"]:.1f}} and {{medians["A"]["loss_tested"]:.1f}} on the
#   *same* images. After {{patients.BUILDS["B"].steps}} steps the moving statistics, with Keras's
#   momentum of {{patients.BUILDS["B"].momentum:g}}, still lag behind: cured of one illness, they
#   caught patient C's. (Add `"momentum": 0.9` and try again.)
# - **F** stays as it was. Leaky ReLU's left slope is {{activations.LEAKY_RELU_SLOPE:g}}, and
#   where every unit is on the left, each layer divides what is left of the signal by
#   {{1 / activations.LEAKY_RELU_SLOPE:.0f}}.
# - **G** gets worse: dropout is famous against overfitting, but here the loss on new images ends
#   at {{medians["G"]["new_last"]:.1f}}, and it was {{np.median(sick["G"]):.1f}} before. With
#   {{patients.BUILDS["G"].images}} images and {{patients.BUILDS["G"].steps}} steps at this rate
#   the small network learns the masked images by heart as well, and makes larger weights for it.
#   Lesson 09 shows where dropout helps.
# - **H** no longer overflows, and learns a little, but slowly. The rate was not the illness.
#
# ## 5 The lab
#
# One network, on real images, with its vital signs and the clinic's findings. Rings mark the
# layers that a finding names; dashed lines are predictions.

# %%
labs.clinic_lab()

# %% [markdown]
# Three things to try:
#
# 1. **Choose the sigmoid, then move the depth from `10` down.** The gradient falls by the same
#    factor at each layer. With few layers too little is lost to be an illness, and the finding
#    goes away.
# 2. **ReLU with He: move the start bias down to −1.** Layer by layer the units die, and where all
#    of them are dead, nothing comes back. With batch normalization switched on, the bias is a
#    shift *after* the normalization: it silences few units of a layer, since every layer starts
#    afresh. Look at the gradient then: that growth is the price.
# 3. **Move the inputs' factor up to `90` with tanh, then with ReLU.** tanh saturates in its first
#    layer; ReLU hands the large numbers on. One cause, two pictures; the clinic names the inputs
#    in both.
#
# ## 6 Find the bug
#
# These functions run, and raise nothing. Each does something else than its docstring says. All
# kinds of them have been seen in well-known courses and libraries; the code here is new. Mend
# each one in place. The check tells "still the bug" with the symptom by which you would notice
# it.
#
# ### Exercise 3: statistics of a convolution
#
# `x` has the shape (batch, height, width, channels).
#
# <details><summary>Hint</summary>How many means should there be for a convolution with 6
# channels, and how many are there here?</details>

# %% tags=["stub"]
def normalize_conv(x, eps=1e-3):
    """Return x with mean 0 and variance 1 in every channel, as batch normalization has it."""
    mean = x.mean(axis=0)
    variance = x.var(axis=0)
    return (x - mean) / np.sqrt(variance + eps)

# %% tags=["solution"]
def normalize_conv(x, eps=1e-3):
    """Return x with mean 0 and variance 1 in every channel, as batch normalization has it."""
    mean = x.mean(axis=(0, 1, 2))
    variance = x.var(axis=(0, 1, 2))
    return (x - mean) / np.sqrt(variance + eps)

# %%
checks.bugs.normalize_conv(normalize_conv)

# %% [markdown]
# ### Exercise 4: a histogram of tanh
#
# The histograms of a tanh network all looked half empty, and nobody wondered.
#
# <details><summary>Hint</summary>Which values can tanh give? The range should be the same for
# every layer, so that layers can be compared.</details>

# %% tags=["stub"]
def tanh_histogram(h, bins):
    """Return the share of the outputs h of a tanh layer in each bin."""
    counts, _ = np.histogram(h, bins=bins, range=(0, 1))
    return counts / counts.sum()

# %% tags=["solution"]
def tanh_histogram(h, bins):
    """Return the share of the outputs h of a tanh layer in each bin."""
    counts, _ = np.histogram(h, bins=bins, range=(-1, 1))
    return counts / counts.sum()

# %%
checks.bugs.tanh_histogram(tanh_histogram)

# %% [markdown]
# ### Exercise 5: a step of batch normalization
#
# The test accuracy depended on how often one had tested before.
#
# <details><summary>Hint</summary>What is allowed to change the moving statistics, and what only
# uses them?</details>

# %% tags=["stub"]
def norm_step(x, mean, variance, training):
    """Return (normalized x, moving mean, moving variance); x is (batch, features)."""
    batch_mean, batch_variance = x.mean(axis=0), x.var(axis=0)
    if training:
        out = (x - batch_mean) / np.sqrt(batch_variance + 1e-3)
    else:
        out = (x - mean) / np.sqrt(variance + 1e-3)
    mean = 0.9 * mean + 0.1 * batch_mean
    variance = 0.9 * variance + 0.1 * batch_variance
    return out, mean, variance

# %% tags=["solution"]
def norm_step(x, mean, variance, training):
    """Return (normalized x, moving mean, moving variance); x is (batch, features)."""
    if not training:
        return (x - mean) / np.sqrt(variance + 1e-3), mean, variance
    batch_mean, batch_variance = x.mean(axis=0), x.var(axis=0)
    out = (x - batch_mean) / np.sqrt(batch_variance + 1e-3)
    mean = 0.9 * mean + 0.1 * batch_mean
    variance = 0.9 * variance + 0.1 * batch_variance
    return out, mean, variance

# %%
checks.bugs.norm_step(norm_step)

# %% [markdown]
# ### Exercise 6: a moving average
#
# Momentum 0.99 was meant to make the average steady. It jumped about like the batches.
#
# <details><summary>Hint</summary>In Keras the momentum is the weight of the *old* value. What is
# left is that of the new one.</details>

# %% tags=["stub"]
def moving_average(values, momentum=0.99):
    """Return the moving average after each value, starting from 0, momentum as in Keras."""
    average, history = 0.0, []
    for value in values:
        average = (1 - momentum) * average + momentum * value
        history.append(average)
    return np.array(history)

# %% tags=["solution"]
def moving_average(values, momentum=0.99):
    """Return the moving average after each value, starting from 0, momentum as in Keras."""
    average, history = 0.0, []
    for value in values:
        average = momentum * average + (1 - momentum) * value
        history.append(average)
    return np.array(history)

# %%
checks.bugs.moving_average(moving_average)

# %% [markdown]
# ### Exercise 7: the variance after Leaky ReLU
#
# The line drawn over the measured variances lay too high in every layer.
#
# <details><summary>Hint</summary>Var(h) = E[h²] − E[h]². The positive half of N(0, σ²)
# contributes σ/√(2π) to the mean; what does the leaky half contribute?</details>

# %% tags=["stub"]
def leaky_variance(sigma, slope):
    """Return the variance of LeakyReLU(z) for z from N(0, sigma²)."""
    second_moment = (1 + slope**2) / 2 * sigma**2
    mean = 0
    return second_moment - mean**2

# %% tags=["solution"]
def leaky_variance(sigma, slope):
    """Return the variance of LeakyReLU(z) for z from N(0, sigma²)."""
    second_moment = (1 + slope**2) / 2 * sigma**2
    mean = (1 - slope) * sigma / np.sqrt(2 * np.pi)
    return second_moment - mean**2

# %%
checks.bugs.leaky_variance(leaky_variance)

# %% [markdown]
# ### Exercise 8: layers in order
#
# `record` holds one number per layer, by name: "layer 1", "layer 2" and so on, stored in any
# order. With `9` layers the curve was right. With `12` it had a kink.
#
# <details><summary>Hint</summary>As text <code>layer 10</code> comes before <code>layer 2</code>.
# Sort by the number in the name: <code>int(name.split()[1])</code>.</details>

# %% tags=["stub"]
def in_order(record):
    """Return the numbers of a record, first layer to last."""
    return [record[name] for name in sorted(record)]

# %% tags=["solution"]
def in_order(record):
    """Return the numbers of a record, first layer to last."""
    return [record[name] for name in sorted(record, key=lambda name: int(name.split()[1]))]

# %%
checks.bugs.in_order(in_order)

# %% [markdown]
# ### Exercise 9: Glorot's uniform weights
#
# The signal of a deep tanh network died, although it was "Glorot".
#
# <details><summary>Hint</summary>A uniform number between −s and s has the variance $s^2/3$.
# Which s gives $2 / (\text{fan\_in} + \text{fan\_out})$?</details>

# %% tags=["stub"]
def glorot_uniform(shape, rng):
    """Return uniform weights of variance 2 / (fan_in + fan_out); the shape is (fan_in, fan_out)."""
    limit = np.sqrt(2 / sum(shape))
    return rng.uniform(-limit, limit, shape)

# %% tags=["solution"]
def glorot_uniform(shape, rng):
    """Return uniform weights of variance 2 / (fan_in + fan_out); the shape is (fan_in, fan_out)."""
    limit = np.sqrt(6 / sum(shape))
    return rng.uniform(-limit, limit, shape)

# %%
checks.bugs.glorot_uniform(glorot_uniform)

# %% [markdown]
# ## 7 A model of your own
#
# Put your own model in place of this one: any `keras.Model` of layers and a batch that it takes.
# Here it is an image classifier as one finds it in many a first attempt. It runs, its loss goes
# down a little, and then stays.
#
# **Predict:** what is wrong with it? There is more than one thing.

# %%
keras = keras_models.keras()
L = keras.layers
pixels, labels, *_ = patients.images("pixels 0 to 255", 2000)
pixels = pixels.reshape(-1, 28, 28, 1).astype("float32")

def classifier(activation, scale, from_logits, seed=0, rate=0.02):
    keras.utils.set_random_seed(seed)
    start = "he_normal" if activation == "relu" else "glorot_uniform"
    options = {"activation": activation, "kernel_initializer": start}
    front = [keras.Input((28, 28, 1)), L.Rescaling(scale, -73 * scale), L.Conv2D(8, 3, **options)]
    dense = [L.Dense(50, **options) for _ in range(4)]
    model = keras.Sequential(
        [*front, L.MaxPooling2D(), L.Flatten(), *dense, L.Dense(10, activation="softmax")]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    model.compile(keras.optimizers.SGD(rate), loss, metrics=["accuracy"])
    return model

# %%
model = classifier("sigmoid", scale=1.0, from_logits=True)
signals = trace(model, pixels[:200], labels[:200])  # one batch through your model and back
findings = clinic.examine(signals)                  # show it: a table with what to try
picture = plots.marked_layers(signals, findings)
print(sorted(findings.codes))
assert {"unscaled_inputs", "output_activation_mismatch", "vanishing_gradient"} <= set(
    findings.codes
)
picture

# %% [markdown]
# {{words(len(findings)).capitalize()}} findings. The inputs are raw pixels, and the
# first layer's sigmoids are saturated by them: one cause, two signs. The gradient shrinks from
# layer to layer, as with patient B. And the last one no curve would tell: the model ends with a
# softmax, while its loss was told `from_logits=True` and applies another.
#
# **Predict:** does the second softmax change the loss?

# %%
def loss_with(from_logits, between=()):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((784,)), L.Dense(10, activation="softmax"), *between])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits))
    return trace(model, pixels[:200].reshape(200, 784) / 90, labels[:200]).loss

for name, between in (
    ("softmax right before the loss", []),
    ("a Reshape between them", [L.Reshape((10,))]),
):
    right, doubled = (loss_with(from_logits, between) for from_logits in (False, True))
    print(f"{name}: the same loss with from_logits=True: {abs(doubled / right - 1) < 1e-3}")

# %% [markdown]
# Right before the loss it does not: Keras on TensorFlow notices a softmax there, takes the
# numbers from before it, and warns in its log. So the clinic calls this one mild. With one more
# layer between the two, here a `Reshape`, the second softmax is applied without a word, and the
# loss is another one.
#
# In your own notebook write `findings` at the end of the cell: it shows the table with the
# evidence and what to try. (Keras's numbers differ from machine to machine, so here only the
# codes are printed.)
#
# **The treatment:** ReLU with He's weights, inputs scaled by a `Rescaling` layer,
# `from_logits=False`.

# %%
treated = [classifier("relu", scale=1 / 90, from_logits=False, seed=seed) for seed in range(3)]
codes = [clinic.examine(trace(model, pixels[:200], labels[:200])).codes for model in treated]
print("findings in the treated models:", sum(len(found) for found in codes))
right = [
    model.fit(pixels, labels, batch_size=50, epochs=3, verbose=0).history["accuracy"][-1]
    for model in treated
]
print("right after three epochs, above 0.5 with all three seeds:", min(right) > 0.5)
assert min(right) > 0.5

# %% [markdown]
# **The same for a training run.** The recorder of lesson 08 notes loss, gradients and updates
# while `fit` runs; `examine_training` reads its recording. Here is the treated model once more,
# at two learning rates.

# %%
rates = {}
for rate in (5.0, 0.02):
    model = classifier("relu", scale=1 / 90, from_logits=False, rate=rate)
    watch = recorder.recorder(pixels[:50], labels[:50], every=10)
    _ = model.fit(pixels, labels, batch_size=50, epochs=1, verbose=0, callbacks=[watch])
    rates[rate] = clinic.examine_training(watch.recording)
    found = "learning_rate_too_high" in rates[rate].codes
    print(f"rate {rate}: learning_rate_too_high is found: {found}")
assert "learning_rate_too_high" in rates[5.0].codes
assert "learning_rate_too_high" not in rates[0.02].codes

# %% [markdown] tags=["given"]
# ## Summary
#
# - Vital signs come from one batch, before any training; healthy ranges come from measuring
#   healthy networks.
# - How far a healthy signal strays by chance grows with depth / width, and thresholds have to
#   grow with it.
# - Look for the sign that explains the others. A tiny update may be a small gradient, a nan a
#   large input.
# - A treatment may cure one illness and bring another: look again after treating.
# - Code that runs may be wrong. Test what it computes against a formula, a count, or a second way.
#
# ## What to do in practice
#
# 1. Before a long run: one batch, `clinic.examine(trace(model, x, y))`.
# 2. Begin at the front: inputs, then signal, then units, then gradient, then the learning rate.
# 3. Change one thing, and look at the same signs again.
# 4. During the run: loss on new images, and the ratio of update to weights.
# 5. If the loss differs between the two modes on the *same* images, look at batch normalization
#    and dropout.
#
# ## Further reading
#
# - [Karpathy, A recipe for training neural
#   networks](https://karpathy.github.io/2019/04/25/recipe/): the order in which to check things.
# - [Schoenholz et al. 2017](https://arxiv.org/abs/1611.01232): how deep a signal gets, and why
#   depth scales decide what can be trained.
# - [Hanin and Rolnick 2018](https://arxiv.org/abs/1803.01719): the spread over seeds of section
#   2, with proofs.
# - [Li et al. 2018](https://arxiv.org/abs/1801.05134): why dropout and batch normalization
#   disturb each other.
# - [Keras: debugging tips](https://keras.io/examples/keras_recipes/debugging_tips/): how to look
#   inside a model while it trains.
#
# The lesson before: [10 Augment the data](10_augment_the_data.ipynb). Back to the
# [start and the map of the course](00_start_here.ipynb).
