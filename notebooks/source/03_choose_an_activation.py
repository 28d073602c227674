# %% [markdown]
# # Choose an activation
#
# Your patient has sigmoids in all its layers. You will find what they do to the signal, cure it,
# and meet the other activations one by one. At the end you write one of your own and enter it
# against them.
#
# **Time:** about 60 minutes with the core exercises. **Know first:** two things vanish, the signal
# forward and the gradient back, from [Watch gradients vanish](02_watch_gradients_vanish.ipynb).
# After this: [Scale the weights](04_scale_the_weights.ipynb).
#
# Afterwards you can
#
# 1. say what a sigmoid puts in the place of the signal, and what brings the signal back;
# 2. take a popular story apart: sign, size and center of the inputs, one at a time;
# 3. tell a dead unit from a sleeping one, and write Leaky ReLU with both of its derivatives;
# 4. compute SELU's two constants, and say what they keep in balance and what they do not;
# 5. choose an activation by a fair comparison.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    MLP, activation_table, activations, checks, comparison, data, labs, library_defaults, patient,
    plots, predict, results, runs, sortable, table, theory, trace, train, tuning,
)

# %% [markdown]
# ## 1. What fills h?
#
# Give the patient standardized images and Glorot's weights, the cures that later lessons find. The
# sigmoid stays.

# %%
still_ill = patient.cured("weights", "inputs")
course = still_ill.train(seed=0, steps=200)
print(course, "  blind guessing costs", f"{np.log(10):.2f}")
plots.training_losses({"patient": course.loss}, levels={"blind guessing": np.log(10)}, low=0,
                      alt="a loss that stays at 2.3")

# %% [markdown]
# Nothing. Lesson 02 found the signal gone in the last layers. But h is not 0 there. What is in it?
#
# Take h² of a layer. A part of it is the same for all images: the square of each unit's mean. Only
# the rest can tell images apart.
#
# **Commit:** in layer 10, which share of h² is the *same* for all images?

# %%
guess_share = predict.number("Layer 10: share of h² that is the same for all images", low=0, high=1)
guess_share

# %%
sigmoid = activations.ACTIVATIONS["sigmoid"]
x, y, _, _ = still_ill.images()
x, y = x[:500], y[:500]
weights = still_ill.network(seed=0).weights

def forward(f, x):
    h = []
    for W in weights[:-1]:
        x = f(x @ W)
        h.append(x)
    return h

def constant_share(h):
    return np.mean(h.mean(axis=0) ** 2) / np.mean(h**2)

h = forward(sigmoid.f, x)
share = [constant_share(layer) for layer in h]
guess_share.reveal(share[-1])

# %%
plots.side_by_side({"share of h² that all images have in common": {"sigmoid": share}}, log=False,
                   guess={"share of h² that all images have in common": (10, guess_share.value)},
                   alt="the constant share rises from below 0.9 to 1 within three layers")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# All of it, but for {{power(1 - share[-1])}}. A sigmoid's output is about one half, whatever it is
# shown. That half goes into the next layer's z, where it is a push that is the same for every
# image: a **bias shift**. One often reads that the mean of h grows from layer to layer. It does
# not: it is {{h[0].mean():.2f}} in layer 1 and {{h[9].mean():.2f}} in layer 10, since weights of
# mean zero turn the push up as often as down. What grows is the share.
#
# </details>
#
# ### Change one thing
#
# A sigmoid is not centered on 0, and it is flat: its slope is at most $1/4$. Change each alone.
#
# **Commit:** subtract ½ from every h. What comes back in layer 10: the signal's *share* of h, or
# its *size*, the std over the images?

# %%
guess_half = predict.choice("σ − ½: what comes back in layer 10?",
                            ["the signal's share", "its size", "both", "neither"])
guess_half

# %%
changed = {
    "sigmoid": lambda z: sigmoid.f(z),
    "sigmoid − ½": lambda z: sigmoid.f(z) - 0.5,
    "4 × sigmoid": lambda z: 4 * sigmoid.f(z),
    "4 × (sigmoid − ½)": lambda z: 4 * (sigmoid.f(z) - 0.5),
}
size, part = {}, {}
for name, f in changed.items():
    layers = forward(f, x)
    size[name] = np.array([np.sqrt(h.var(axis=0).mean()) for h in layers])
    part[name] = size[name] / np.array([np.sqrt(np.mean(h**2)) for h in layers])
gained = [values["sigmoid − ½"][9] > 100 * values["sigmoid"][9] for values in (part, size)]
answers = {(True, False): "the signal's share", (False, True): "its size", (True, True): "both"}
guess_half.reveal(answers.get(tuple(map(bool, gained)), "neither"))

# %%
plots.side_by_side({"signal / h": part, "signal: std over the images": size},
                   alt="centering brings back the share, steepness the size, both together both")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Two faults, and each has its own cure. Centering alone brings back the *share*,
# {{part["sigmoid − ½"][9]:.2f}}, while the size falls as before, to {{size["sigmoid − ½"][9]:.0e}}:
# every image's h shrinks toward 0, yet they stay different from each other. Steepness alone holds
# up the *size* ({{size["4 × sigmoid"][9]:.0e}} is left, where the sigmoid leaves
# {{size["sigmoid"][9]:.0e}}). Only both keep both: {{part["4 × (sigmoid − ½)"][9]:.2f}} and
# {{size["4 × (sigmoid − ½)"][9]:.2f}}.
#
# </details>
#
# Does it also learn? That is a comparison, so each contender gets the learning rate that suits it
# best: tried on validation images, in a grid that is widened until the best rate lies within it.
# Then fresh seeds are scored on test images. Ten layers of `50` units, `400` steps.
#
# **Commit:** which change alone gets ten sigmoid layers off chance?

# %%
guess_cure = predict.choice("Ten layers, best rates: what alone gets a sigmoid off chance?",
                            ["centering", "steepness", "each of them", "neither"])
guess_cure

# %%
deep = comparison.load("activations_deep")
accuracy = {name: deep.test(name, "accuracy") for name in deep}
off = [np.median(accuracy[name]) > 0.2 for name in ("sigmoid − ½", "4 × sigmoid")]
answers = {(True, False): "centering", (False, True): "steepness", (True, True): "each of them"}
guess_cure.reveal(answers.get(tuple(map(bool, off)), "neither"))

# %%
deep.table(*changed)

# %%
deep.grid("sigmoid")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The sigmoid stays at chance at every rate that was tried, and centering alone does not help it:
# {{np.median(accuracy["sigmoid − ½"]):.2f}}. Centered, its signal is whole, but too small.
# Steepness alone gets half of the way, {{np.median(accuracy["4 × sigmoid"]):.2f}} ({{accuracy["4 ×
# sigmoid"].min():.2f}} to {{accuracy["4 × sigmoid"].max():.2f}}). Both together get
# {{np.median(accuracy["4 × (sigmoid − ½)"]):.2f}}. Nothing else was changed between these
# networks. So the size must be there first, and then the center makes the difference.
#
# </details>
#
# ## 2. A story taken apart: the zig-zag
#
# There is a second, famous charge against sigmoids. A neuron computes h · w, and the gradient of
# each of its weights is the error times that weight's own input. If all inputs are positive, the
# gradients all have the sign of the error: all weights go up, or all go down. Say the one weight
# must rise from −1 to 1 and the other fall from 1 to −1. Then the path is a **zig-zag**.
#
# Here is such a neuron. It learns from one example at a time.

# %%
start, target = np.array([-1.0, 1.0]), np.array([1.0, -1.0])

def walk(h, rate=0.5):
    w, path = start, [start]
    for inputs in h:
        error = np.sum(inputs * (w - target), axis=-1, keepdims=True)
        w = w - rate * error * inputs
        path.append(w)
    return np.stack(np.broadcast_arrays(*path))

def steps_needed(path):
    """The first step after which w is within 0.1 of the target; all steps, if there is none."""
    near = np.linalg.norm(path - target, axis=-1) < 0.1
    return np.where(near.any(axis=0), near.argmax(axis=0), len(path))

# %%
z = 2 * np.random.default_rng(0).standard_normal((300, 2))
tanh = activations.ACTIVATIONS["tanh"]
paths = {"inputs from σ": walk(sigmoid.f(z)), "from σ − ½": walk(sigmoid.f(z) - 0.5),
         "from tanh": walk(tanh.f(z))}
plots.descent_paths(paths, target, alt="with sigmoid inputs a zig-zag, with centered ones a nearly "
                    "straight path, with tanh inputs a few long steps")

# %% [markdown]
# The zig-zag is there, and tanh is there in a few steps. So is that the price of not being
# centered? Three things differ between σ and tanh: the **sign** of the inputs, their **center**,
# and their **size**. Take them apart, over `200` seeds. Three of the inputs below:
#
# - *σ × coin*: each example's inputs together times 1 or −1, by a coin. Their mean is now 0, but
#   within an example they still share one sign.
# - *σ − ½*: centered one by one.
# - *tanh, shrunk*: as large as σ − ½, in mean square.

# %%
def kinds(rng, steps=400, seeds=200):
    z = 2 * rng.standard_normal((steps, seeds, 2))
    coin = rng.choice([-1.0, 1.0], (steps, seeds, 1))
    s, centered, t = sigmoid.f(z), sigmoid.f(z) - 0.5, tanh.f(z)
    size = {name: np.sqrt(np.mean(h**2)) for name, h in (("s", s), ("c", centered), ("t", t))}
    return {"σ": s, "σ × coin": s * coin, "σ − ½": centered, "tanh": t,
            "tanh, shrunk to σ − ½": t * size["c"] / size["t"],
            "σ, as large as tanh": s * size["t"] / size["s"]}

tried, fresh = kinds(np.random.default_rng(1)), kinds(np.random.default_rng(2))
of_sigmoid = steps_needed(walk(fresh["σ"]))
print(f"σ needs {np.median(of_sigmoid):.0f} steps, median of 200 seeds")

# %% [markdown]
# **Commit:** and with σ − ½, at the same rate?

# %%
guess_steps = predict.number("Steps with σ − ½, at the same rate as σ", low=1, high=150)
guess_steps

# %%
ladder = tuning.Knob(tuning.decades(-2, 2, mantissas=(1, 2, 5)), (2, 6))
same_rate, best_rate = {}, {}
for name in tried:
    same_rate[name] = steps_needed(walk(fresh[name]))
    chosen, _ = tuning.search({"rate": ladder}, lambda rate, h=tried[name]: np.median(
        steps_needed(walk(h, rate))))
    best_rate[name] = chosen["rate"], steps_needed(walk(fresh[name], chosen["rate"]))
guess_steps.reveal(np.median(same_rate["σ − ½"]))

# %% tags=["folded"]
def told(steps):
    low, middle, high = np.percentile(steps, [5, 50, 95])
    return f"{middle:.0f} ({low:.0f} to {high:.0f})"

table_of_steps = [(name, told(same_rate[name]), f"{rate:g}", told(steps))
                  for name, (rate, steps) in best_rate.items()]
heads = ("inputs", "steps at rate 0.5 (9 of 10 seeds)", "best rate", "steps at its best rate")
table(heads, table_of_steps)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# - **Center alone, by the coin: nothing.** {{np.median(same_rate["σ × coin"]):.0f}} steps, the same
#   path exactly: error and input turn their signs together. What makes the zig-zag is that inputs
#   share a *sign within an example*, not that their mean is off 0.
# - **σ − ½ ends the zig-zag**, and at the same rate it wins no step:
#   {{np.median(same_rate["σ − ½"]):.0f}}. Tanh shrunk to that size is as slow.
# - **Size is the rate in disguise.** Tanh's {{np.median(same_rate["tanh"]):.0f}} steps come from
#   larger inputs. Shrunk, with the rate that suits it, it needs
#   {{np.median(best_rate["tanh, shrunk to σ − ½"][1]):.0f}}.
# - So what does the shared sign cost? **The rate.** It makes one direction so steep that a long
#   step overshoots there. Each at its best rate, inputs of one sign need
#   {{np.median(best_rate["σ"][1]):.0f}} steps, centered ones {{np.median(best_rate["σ −
#   ½"][1]):.0f}}.
#
# In a mini-batch, errors of both signs add up and the lock loosens: [deeper/03 measures
# it](deeper/03_derive_selu_and_fit_maxout.ipynb).
#
# </details>
#
# ## 3. Tanh: the sigmoid, centered
#
# The sigmoid was chosen for what it resembles: a nerve cell that fires never (0), always (1), or at
# some rate between. Solid is the value, dashed the slope. Shaded is where it **saturates**: the
# slope is below a twentieth of its largest.

# %%
labs.activation_lab()

# %% [markdown]
# - **Drag `point z` from `0` to `6`.** What becomes of the tangent?
# - **Set `std of z` to `10`.** Where do the outputs pile up?
# - **Compare with tanh**, at `point z` = `3`. Which of the two is flatter there?
#
# <details><summary>What you saw</summary>
#
# At `z = 3` the slope of tanh is {{tanh.df(3.0):.4f}}, that of the sigmoid {{sigmoid.df(3.0):.4f}}:
# tanh saturates sooner. At 0 it is {{words(activations.largest_slope("tanh") /
# activations.largest_slope("sigmoid"))}} times as steep. So of the sigmoid's three faults tanh has
# one: it saturates, but it is centered. (The third fault is the price of the exponential; section
# 8 tells it.) Where a bounded *answer* is wanted, say pixels between −1 and 1, one uses ReLU
# inside and tanh at the output alone: the gradient then passes one saturating step, not ten.
#
# </details>
#
# ### Warm-up: tanh from a sigmoid
#
# You nearly invented tanh in section 1: `4(σ − ½)`. Now write tanh itself, with nothing but
# `sigmoid`, which is handed to your function.

# %% tags=["stub"]
def my_tanh(z, sigmoid):
    """Return tanh(z), made of sigmoid(…) alone."""
    ...

# %% tags=["solution"]
def my_tanh(z, sigmoid):
    """Return tanh(z), made of sigmoid(…) alone."""
    return 2 * sigmoid(2 * z) - 1

# %%
checks.activation.tanh_from_sigmoid(my_tanh)

# %% [markdown]
# ### The patient's cure
#
# Tanh is this lesson's cure. **Commit:** the patient as it comes, raw pixels and tiny weights,
# gets tanh and nothing else. Its accuracy will …

# %%
guess_tanh = predict.choice("Tanh in the patient and nothing else: accuracy will",
                            ["stay at chance", "rise to about 0.3", "rise above 0.6"])
guess_tanh

# %%
scores = results.load("patient").scores
alone, pair = scores["activation"].accuracy, scores["activation + weights"].accuracy
guess_tanh.reveal("stay at chance" if alone.max() < 0.13 else "rise to about 0.3")

# %%
patient.scoreboard((), ("activation",), ("weights",), ("activation", "weights"),
                   ("weights", "inputs"), ("activation", "weights", "inputs"))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Alone tanh does nothing that one could measure. It brings back the signal's share; its size still
# vanishes, for the weights are tiny. The weights alone do nothing either, for the sigmoid takes
# the signal. **Together** they get off chance with most seeds: {{np.median(pair):.2f}}
# ({{pair.min():.2f}} to {{pair.max():.2f}}). A cure that does nothing alone is not refuted by
# that. Lesson 04 turns to the weights.
#
# </details>
#
# ## 4. ReLU: never saturated on the right, and mortal
#
# **ReLU** is max(0, z). For z > 0 its slope is 1, however large z grows. For z < 0 it is exactly 0.
# A unit whose z is below 0 on *every* image gets no gradient at all: it is **dead**.
#
# ### Core: find the dead units

# %% tags=["stub"]
def my_dead_units(W, b, x):
    """Return True for each ReLU unit whose z is 0 or less on every row of x."""
    ...

# %% tags=["solution"]
def my_dead_units(W, b, x):
    """Return True for each ReLU unit whose z is 0 or less on every row of x."""
    z = x @ W + b
    return (z <= 0).all(axis=0)

# %%
checks.activation.dead_units(my_dead_units)

# %% [markdown]
# What kills units? One hidden layer of `50`, `100` steps, and one thing changed at a time: the
# learning rate, or the bias at the start.
#
# **Commit:** which share of the units is dead after 100 steps at rate 1?

# %%
guess_dead = predict.number("Share of dead ReLU units after 100 steps at rate 1", low=0, high=1)
guess_dead

# %%
x, y = data.load_batch(2000, dtype=np.float64)

def dead_share(rate, bias, seed):
    rng = np.random.default_rng(seed)
    model = MLP((784, 50, 10), activation="relu", initializer="he_normal", rng=rng)
    model.biases[0] += bias
    train(model, x, y, learning_rate=rate, steps=100, rng=rng)
    return (model.forward(x).z[0] <= 0).all(axis=0).mean()

dead = {(rate, bias): [dead_share(rate, bias, seed) for seed in range(5)]
        for rate, bias in [(0.1, 0), (0.3, 0), (1, 0), (3, 0), (0.1, -3), (0.1, -5)]}
guess_dead.reveal(np.median(dead[1, 0]))

# %%
table(("rate", "bias at the start", "share of dead units", "of 5 seeds"),
      [(f"{rate:g}", f"{bias:g}", f"{np.median(d):.2f}", f"{min(d):.2f} to {max(d):.2f}")
       for (rate, bias), d in dead.items()])

# %% [markdown]
# Can a dead unit come back? Kill units by a bias of −5, in the first hidden layer of one network
# and in the second of another, and train 300 steps.

# %%
def killed_and_revived(hidden, seed):
    rng = np.random.default_rng(seed)
    sizes = (784, *[50] * hidden, 10)
    model = MLP(sizes, activation="relu", initializer="he_normal", rng=rng)
    model.biases[-2] -= 5
    before = (model.forward(x).z[-2] <= 0).all(axis=0)
    train(model, x, y, learning_rate=0.1, steps=300, rng=rng)
    after = (model.forward(x).z[-2] <= 0).all(axis=0)
    return before.sum(), (before & ~after).sum()

found = {hidden: np.array([killed_and_revived(hidden, seed) for seed in range(5)]).T
         for hidden in (1, 2)}
table(("layer", "dead at the start, 5 seeds", "of these alive after 300 steps"),
      [(hidden, f"{dead.min()} to {dead.max()}", f"{back.min()} to {back.max()}")
       for hidden, (dead, back) in found.items()])

# %%
labs.dead_relu_lab()

# %% [markdown]
# The lab trains two small networks on a few images, shrunk to 7 × 7. One has ReLU, the other
# **Leaky ReLU**, which keeps a small slope on the left.
#
# - **Drag the learning rate from `0.5` to `3`.** Who falls silent, and who comes back?
# - **Rate `10`.** Read the sentence below the picture: why does the *immortal* network explode?
# - **Rate `1`, start bias `−5`, leaky slope `0.3`; then `0.01`.** Is a slope of a hundredth enough?
#
# <details><summary>What you saw</summary>
#
# At rate 1, {{np.median(dead[1, 0]):.0%}} of the units are dead ({{min(dead[1, 0]):.0%}} to
# {{max(dead[1, 0]):.0%}}); with a bias of −5 at the start it is {{np.median(dead[0.1, -5]):.0%}}.
# One violent step can throw z below 0 for all images. In the first layer no unit came back, and
# none can: its inputs are images, which never change. In a later layer the inputs do change, as
# the layers below learn from units that are still alive, and {{words(found[2][1].min())}} to
# {{words(found[2][1].max())}} woke up. "Dead units never recover" holds for the first layer, and
# for a layer that is dead as a whole.
#
# At rate 10 ReLU's units die, and that is what stops the explosion: what is dead passes nothing on.
# Leaky ReLU's live on, and every step overshoots further. Only the slope on the left differs; move
# the seed, and it goes the same way. A small slope keeps a door open; it does not make a rate fit.
#
# </details>
#
# ## 5. Leaky ReLU and PReLU
#
# **PReLU** learns the slope a of the left side, one number for the whole layer. h is z where z > 0,
# and a · z elsewhere. Where a does not stand in h, it has no influence; elsewhere ∂h/∂a = z.
#
# ### Core: Leaky ReLU with both of its derivatives

# %% tags=["stub"]
def my_leaky_relu(z, slope):
    """Return (h, dh_dz, dh_dslope), each in the shape of z."""
    ...

# %% tags=["solution"]
def my_leaky_relu(z, slope):
    """Return (h, dh_dz, dh_dslope), each in the shape of z."""
    h = np.where(z > 0, z, slope * z)
    return h, np.where(z > 0, 1.0, slope), np.minimum(z, 0)

# %%
checks.activation.leaky_relu_with_gradients(my_leaky_relu)

# %% [markdown]
# By the chain rule ∂loss/∂a is the sum of ∂loss/∂h · ∂h/∂a over all images and units. Test that on
# a real network: nudge a, and look at the loss. (At z = 0 there is a kink, and the slope is a
# choice. A computed z is almost never exactly 0.)

# %%
def loss_and_gradient(slope):
    prelu = activations.with_parameter("prelu", slope)
    model = MLP((784, 50, 10), activation=prelu, rng=np.random.default_rng(0))
    loss, gradients = model.loss_and_gradients(x[:64], y[:64])
    z, dh = model.forward(x[:64]).z[0], gradients.dz[1] @ model.weights[1].T
    return loss, np.sum(dh * np.minimum(z, 0))

up, down = loss_and_gradient(0.25 + 1e-5)[0], loss_and_gradient(0.25 - 1e-5)[0]
by_nudging, by_formula = (up - down) / 2e-5, loss_and_gradient(0.25)[1]
print(f"∂loss/∂a, by the formula: {by_formula:.6f}   by nudging: {by_nudging:.6f}")

# %% [markdown]
# Now mind your library. **Commit:** the paper has a slope of `0.01`. What does Keras take for
# `LeakyReLU()`?

# %%
guess_slope = predict.choice("Keras: LeakyReLU() without a number has the slope",
                             ["0.01", "0.1", "0.2", "0.3"])
guess_slope

# %%
layer = library_defaults.default_of(
    "keras.src.layers.activations.leaky_relu", "LeakyReLU", "negative_slope")
function = library_defaults.default_of(
    "keras.src.activations.activations", "leaky_relu", "negative_slope")
guess_slope.reveal(f"{layer:g}")

# %%
sources = {"Keras, the layer": layer, "Keras, the function": function,
           "this course, as the paper": activations.LEAKY_RELU_SLOPE}
rows = []
for source, slope in sources.items():
    kept = theory.variance_map(activations.with_parameter("leaky_relu", slope), 1.0, sigma_w2=1.0)
    rows.append((source, f"{slope:g}", f"{(2 * kept) ** 10:.2f}"))
table(("Leaky ReLU of", "slope", "E[h²] after ten layers with He's weights, times"), rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The helper reads Keras's own source. The layer takes {{layer}}, the function {{function}}, the
# paper {{activations.LEAKY_RELU_SLOPE}}. He's weights assume that half of z² gets through. With
# {{layer}} a little more does, and ten layers make that {{rows[0][2]}} times the signal's square.
# No disaster, but a surprise when you carry a network from one library to another.
#
# </details>
#
# ## 6. ELU and SELU
#
# **ELU** is z for z > 0 and α(e^z − 1) below: it settles at −α. Its negative outputs pull the mean
# toward 0. **Commit:** for z ~ N(0, 1) the mean of ReLU(z) is about `0.40`. ELU's, with α = 1?

# %%
guess_elu = predict.number("Mean of ELU(z) for z ~ N(0, 1)", low=-0.5, high=0.5)
guess_elu

# %%
z = np.random.default_rng(0).standard_normal(1_000_000)
means = {name: activations.ACTIVATIONS[name].f(z).mean() for name in ("relu", "leaky_relu", "elu")}
print({name: f"{mean:.2f}" for name, mean in means.items()})
guess_elu.reveal(means["elu"])

# %% [markdown]
# What if the mean were *exactly* 0, and the variance exactly 1? Then a layer would hand on what it
# got, and so would a hundred of them. That is **SELU**: λ · ELU with an α, two constants made for
# z ~ N(0, 1). You can find them.
#
# ### Core: SELU's two averages

# %% tags=["stub"]
def my_selu_moments(scale, alpha):
    """Return (E[h], E[h²]) for h = scale · elu(z, alpha) and z ~ N(0, 1)."""
    ...

# %% tags=["solution"]
def my_selu_moments(scale, alpha):
    """Return (E[h], E[h²]) for h = scale · elu(z, alpha) and z ~ N(0, 1)."""
    z, dz = np.linspace(-10, 10, 20001, retstep=True)
    share = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * dz
    h = scale * activations.elu(z, alpha)
    return np.sum(share * h), np.sum(share * h**2)

# %%
checks.activation.selu_moments(my_selu_moments)

# %% [markdown]
# λ only stretches h: a mean of 0 stays 0. So halve an interval for α until the mean is 0. Then
# choose λ so that the mean square is 1. (`theory.expectation` does what you just wrote.)

# %%
low, high = 1.0, 3.0
for _ in range(50):
    alpha = (low + high) / 2
    mean = theory.expectation(lambda z, alpha=alpha: activations.elu(z, alpha), 1.0)
    low, high = (alpha, high) if mean > 0 else (low, alpha)
scale = 1 / np.sqrt(theory.expectation(lambda z: activations.elu(z, alpha) ** 2, 1.0))
print(f"by halving:   α = {alpha:.6f}   λ = {scale:.6f}")
print(f"in libraries: α = {activations.SELU_ALPHA:.6f}   λ = {activations.SELU_SCALE:.6f}")

# %% [markdown]
# The same α in closed form, in small steps. E[…; z < 0] is the average over all z that counts
# only z < 0.
#
# 1. *Right half.* E[z; z > 0] = ∫ z e^(−z²/2) / √(2π) dz from 0 on. The derivative of −e^(−z²/2) is
#    z e^(−z²/2), so the integral is 1 / √(2π).
# 2. *Left half.* E[α(e^z − 1); z < 0] = α (E[e^z; z < 0] − ½), since half of all z are below 0.
# 3. *The one new average.* Under the integral stands e^z · e^(−z²/2). Write the exponent as a
#    square: z − z²/2 = ½ − (z − 1)²/2. So it is √e times a bell curve around 1, and its part below
#    0 is P(ξ < −1), the share of normal numbers more than one standard deviation below their mean.
#    Libraries have it as `erfc(1 / √2) / 2`; "erfc" is the area under a bell curve's two tails.
# 4. *Together they must give 0:* 1/√(2π) + α(√e · P(ξ < −1) − ½) = 0. Solve for α.

# %%
from math import e, erfc, pi, sqrt

tail = erfc(1 / sqrt(2)) / 2
print(f"P(ξ < −1): {tail:.4f}   by drawing: {np.mean(z < -1):.4f}")
print(f"E[z; z > 0]: {1 / sqrt(2 * pi):.4f}   by drawing: {np.mean(np.maximum(z, 0)):.4f}")
print(f"E[e^z; z < 0]: {sqrt(e) * tail:.4f}   by drawing: {np.mean(np.exp(z) * (z < 0)):.4f}")
print(f"α = {1 / sqrt(2 * pi) / (1 / 2 - sqrt(e) * tail):.6f}")

# %% [markdown]
# So (mean 0, variance 1) is a **fixed point**: one layer maps it to itself. Do other starts get
# there? In the lab, arrows show where one layer takes a (mean, variance). Dashes are the predicted
# path of a start, dots a real random network. ω is the sum of a unit's weights, τ the sum of their
# squares; LeCun's rule, variance 1 / inputs, has ω = 0 and τ = 1 on average.

# %%
labs.selu_map_lab()

# %% [markdown]
# - **Drag start mean and variance anywhere.** Where do all paths end?
# - **τ = `2`, He's choice. Then `0.5`.** What becomes of the path?
# - **Width `2`.** Why do the dots scatter?
#
# <details><summary>What you saw</summary>
#
# With τ = 1 all paths end in (0, 1), but for a variance of exactly 0. With τ = 2 the path leaves
# the picture; with 0.5 the signal shrinks. The prediction is for wide layers. How strongly the
# point attracts, and what each broken condition costs over a hundred layers:
# [deeper/03](deeper/03_derive_selu_and_fit_maxout.ipynb).
#
# </details>
#
# What do these constants *not* keep? A gradient is multiplied by f', not by f. **Commit:** over a
# hundred SELU layers the signal keeps its size. |dz| at layer 1, beside layer 100, is …

# %%
guess_back = predict.number("SELU: |dz| at layer 1 / layer 100", low=0.01, high=1000, log=True)
guess_back

# %%
factor = theory.chi("selu")  # mean of f'(z)² for z ~ N(0, 1)
growth = []
for seed in range(5):
    rng = np.random.default_rng(seed)
    model = MLP((784, *[200] * 100, 10), activation="selu", initializer="lecun_normal", rng=rng)
    lengths = trace(model, x[:100], y[:100]).per_layer("grad_z_norm")
    growth.append(lengths[0] / lengths[-1])
print(f"mean of f'²: {factor:.3f}   to the power 100/2: × {factor**50:.0f}")
print(f"measured, median of 5 seeds: × {np.median(growth):.0f}   "
      f"({min(growth):.0f} to {max(growth):.0f})")
guess_back.reveal(np.median(growth))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# A layer multiplies the mean square of dz by the mean of f'², {{factor:.3f}}. That is a little
# more than 1, and a hundred layers make × {{factor**50:.0f}} of it. A self-normalizing network
# normalizes its signal, not its gradient. For a hundred layers that is mild.
#
# </details>
#
# ## 7. The modern ones
#
# **Softplus** is ReLU with a round corner. **SiLU** (or swish), **GELU** and **Mish** are z times a
# smooth switch between 0 and 1.
#
# ### Read the figure: slopes without names
#
# Activations that you have met, and only their *slopes*. Give the letter, or letters (`"AB"`).

# %%
plots.unnamed_slopes(checks.activation.SHOWN)

# %% tags=["stub"]
reading = {"can die": ..., "falls somewhere": ..., "flat on both sides": ..., "never flat": ...}

# %% tags=["solution"]
reading = {"can die": "B", "falls somewhere": "A", "flat on both sides": "CF", "never flat": "E"}

# %%
checks.activation.read_slopes(reading)

# %%
plots.activation_cards(activations.ACTIVATIONS)

# %% [markdown]
# All on the same axes. GELU, SiLU and Mish dip below 0 and come back: left of the lowest point
# their slope is negative. (Leaky ReLU is shaded on the left, for its slope there is below a
# twentieth; it is never 0.)
#
# And one has no curve at all: **maxout** takes the largest of k linear functions of its inputs,
# max(x·w₁ + b₁, …, x·w_k + b_k), and learns its shape. ReLU and Leaky ReLU are maxout units with
# two fixed pieces. The price is k times the parameters. [deeper/03 fits one to a curve and counts
# them](deeper/03_derive_selu_and_fit_maxout.ipynb).
#
# ## 8. All side by side, each at its best rate
#
# "ReLU converges faster than tanh and sigmoid" is the textbook's verdict. Test it as fairly as you
# can: three hidden layers of `50`, each activation with the initialization that goes with it, each
# at the learning rate that suits *it* (chosen on validation images), fresh seeds, test
# images. Every run counts where its validation loss was lowest. PReLU learns its slopes. "Linear"
# has no activation at all, as a control.
#
# **Commit:** ReLU is compared with the other eleven. Against how many does its test *accuracy*
# differ for sure, by `95 %` intervals that hold for all together?

# %%
guess_differ = predict.number("Of 11, how many differ in accuracy from ReLU", low=0, high=11)
guess_differ

# %%
shallow = comparison.load("activations")
others = [name for name in shallow if name != "ReLU"]
apart = {metric: [name for name in others
                  if shallow.difference(name, "ReLU", metric, comparisons=11).tells_apart]
         for metric in ("accuracy", "loss")}
guess_differ.reveal(len(apart["accuracy"]))

# %%
shallow

# %%
shallow.against("ReLU")

# %% [markdown]
# And where does "sigmoid learns nothing" come from? Look at the rates that were tried.

# %%
rates = (0.03, 0.1, 0.3, 1.0)
tried = {}
for name in ("sigmoid", "tanh", "ReLU", "SELU"):
    losses = dict(zip(*shallow.tuning_curve(name, "rate")))
    tried[name] = [losses[rate] if losses[rate] < 2.5 else np.nan for rate in rates]
plots.curves(tried, x=np.log10(rates), xlabel="log10 of the learning rate", log=False,
             ylabel="validation loss", alt="the sigmoid's best rate is far above that of the "
             "others, which overflow or get worse there")

# %% [markdown]
# Now ten layers.

# %%
deep.table("sigmoid", "tanh", "ReLU", "ELU", "SELU", "GELU", "linear")

# %%
deep.against("ReLU")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# In three layers, how many of the eleven differ from ReLU for sure? By accuracy
# {{words(len(apart["accuracy"]))}}, by loss {{words(len(apart["loss"]))}}:
# {{", ".join(apart["loss"])}}. Tanh has the lowest loss, {{np.median(shallow.test("tanh")):.3f}}
# beside ReLU's {{np.median(shallow.test("ReLU")):.3f}}: "ReLU is better than tanh" is not what you
# see here. Without any activation at all the loss is {{np.median(shallow.test("linear")):.3f}}. On
# so easy a task bending matters little.
#
# Sigmoid is the worst, {{np.median(shallow.test("sigmoid")):.3f}}. But at rate 0.1, where many
# comparisons put all alike, its validation loss is {{tried["sigmoid"][1]:.2f}}, and at its own
# best, {{shallow.chosen("sigmoid")["rate"]:g}}, it is {{min(tried["sigmoid"]):.2f}}. An unfair
# rate would have made a weak activation look hopeless.
#
# Depth is what makes it hopeless: in ten layers sigmoid stays at
# {{np.median(deep.test("sigmoid", "accuracy")):.2f}}, tanh has {{np.median(deep.test("tanh",
# "accuracy")):.2f}}, ReLU {{np.median(deep.test("ReLU", "accuracy")):.2f}}.
#
# </details>
#
# ### Everything in one table
#
# Choose the column to sort by. "f(z)" and "f'(z)" are the ranges of value and slope.
# "Zero-centered" says whether the mean of f(z) is 0 for z ~ N(0, 1). Costs are multiples of
# ReLU's: the function *alone*, a *step* of training, *inference*, in a network of three layers of
# `100`. They were measured once, on one processor, with NumPy; yours has others.

# %%
costs = results.load("activation_costs").in_multiples_of_relu
everything = []
for name in activation_table.COMPARED:
    row, cost = activation_table.properties(name), costs[name]
    label = row["activation"]
    for hidden in ("mean of f", "E[f'²]"):
        row.pop(hidden)
    row |= {"alone": cost["alone"], "step": cost["training step"], "inference": cost["inference"]}
    for head, compared in (("loss, 3 layers", shallow), ("10 layers", deep)):
        row[head] = float(np.median(compared.test(label))) if label in list(compared) else None
    everything.append(row)
sortable.Sortable(everything, by="loss, 3 layers")

# %%
here = activation_table.relative_costs()
bars = {activation_table.COMPARED[name].label: cost for name, cost in here.items()}
bars["GELU, by SciPy's error function"] = bars.pop("GELU")
plots.cost_bars(bars, alt="cost of each activation alone, on this machine, in multiples of ReLU's")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The exponential does cost: a sigmoid alone takes {{costs["sigmoid"].alone:.0f}} times as long as a
# ReLU. In a whole training step it is {{costs["sigmoid"]["training step"]:.1f}} times: matrix
# products rule. GELU as a formula needs the error function, which SciPy computes number by number:
# {{about(costs["gelu"].alone)}} times. That says nothing about GELU, as its tanh form shows, which
# most libraries offer: {{costs["gelu_tanh"].alone:.0f}} times. A cost is that of an
# *implementation*. The bars are your machine's.
#
# </details>
#
# ## 9. Your own
#
# ### Challenge: enter the comparison
#
# Write an activation and its slope. The check nudges z to test the slope, then trains a quick
# version of the comparison, at the best rate for yours. The score is the test loss: beat the
# sigmoid to pass. Smaller is better, and there is no lower end. Plan for several tries; you may
# give a third argument, the initialization: `"he_normal"`, `"glorot_normal"` or `"lecun_normal"`.

# %% tags=["stub"]
def my_activation(z):
    """Return f(z), in the shape of z."""
    ...

def my_slope(z):
    """Return f'(z), in the shape of z."""
    ...

# %% tags=["solution"]
def my_activation(z):
    """Return f(z): ELU on the left, and on the right bent a little."""
    return np.where(z > 0, 2 * np.log1p(np.maximum(z, 0) / 2), np.expm1(np.minimum(z, 0)))

def my_slope(z):
    """Return f'(z)."""
    return np.where(z > 0, 1 / (1 + np.maximum(z, 0) / 2), np.exp(np.minimum(z, 0)))

# %%
checks.activation.entry(my_activation, my_slope)

# %% [markdown]
# ### Experiment: which one saves the deep patient?
#
# The patient with its weights and inputs cured has ten layers of sigmoids. Which activation, at
# which rate, serves it best? Is one seed enough to say so?

# %%
runs.save("sigmoid", loss=course.loss)

tried_one = patient.Patient(inputs="standardized", initializer="he_normal", activation="elu")
ran = tried_one.train(seed=0, steps=200, learning_rate=0.03)  # change these lines
runs.save("ELU, He, rate 0.03", loss=ran.loss)
print(ran)

runs.compare()

# %% [markdown]
# ## How did you guess?

# %%
predict.summary()

# %% [markdown]
# ## Summary
#
# - A sigmoid fills h with a constant, and its flatness shrinks the signal. Ten layers learn only
#   when both are cured: tanh does.
# - The zig-zag comes from inputs that share a sign within an example. Its price is the learning
#   rate.
# - ReLU does not saturate to the right, costs next to nothing, and can die.
# - Leaky ReLU, PReLU, ELU and the smooth ones keep a gradient on the left.
# - SELU holds mean and variance of the signal, not the gradient.
# - At their own best rates most are hard to tell apart in a shallow network.
#
# ## In practice
#
# Begin with ReLU and He's weights. If units die, lower the learning rate first, then try Leaky
# ReLU or ELU. In transformers follow the custom (GELU or SiLU). For a plain deep stack of dense
# layers try SELU with LeCun's weights and standardized inputs. Keep sigmoid and tanh for outputs
# and gates. Don't use sigmoid in deep hidden layers.
#
# Next: [Scale the weights](04_scale_the_weights.ipynb). It finds the patient's second cause.
# Deeper: [Derive SELU and fit maxout](deeper/03_derive_selu_and_fit_maxout.ipynb). Before: [Watch
# gradients vanish](02_watch_gradients_vanish.ipynb).

# %% [markdown] tags=["given"]
# ## Further reading
#
# - [Glorot, Bordes, Bengio 2011](https://proceedings.mlr.press/v15/glorot11a.html): why rectifiers
#   suit deep networks.
# - [He et al. 2015](https://arxiv.org/abs/1502.01852): PReLU and the initialization for ReLU, both
#   derived.
# - [Clevert et al. 2016](https://arxiv.org/abs/1511.07289): ELU, and the bias shift it is meant to
#   cure.
# - [Klambauer et al. 2017](https://arxiv.org/abs/1706.02515): SELU; a long appendix proves the
#   fixed point.
# - [Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415): GELU, and its tanh form. [Misra
#   2019](https://arxiv.org/abs/1908.08681): Mish.
# - [LeCun et al. 1998](http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf): why inputs should be
#   centered, section 4.3.
