# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Choose an activation
#
# You will put all the usual activation functions side by side on the same instruments, find the
# fault of each, and leave with a rule for which one to try first.
#
# About 75 minutes. Know first: what a layer `z = x @ W + b`, `h = f(z)` is, and what a vanishing
# gradient is. Before this: [Watch gradients vanish](02_watch_gradients_vanish.ipynb). After this:
# [Scale the weights](04_scale_the_weights.ipynb).
#
# ## What you will learn
#
# - read from a curve and its slope whether a unit **saturates**, can **die**, or shifts the mean;
# - write Leaky ReLU with the gradient of its slope, and check it numerically;
# - compute SELU's two constants, and say what they keep in balance and what they do not;
# - tell a dead unit from a sleeping one;
# - choose an activation, with measurements for your choice.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    MLP, activation_table, activations, checks, data, initializers, labs, numerical_gradient,
    plots, relative_error, theory, trace, train,
)

# %% [markdown]
# ## 1. Sigmoid: a good story with three faults
#
# The **sigmoid** σ(z) = 1 / (1 + e^−z) was chosen for what it resembles: a nerve cell that fires
# never (0), always (1), or at some rate between. Where does it let a gradient through? Guess its
# slope at z = 8 first.
#
# The cell ends in the lab for single activations. Solid is f, dashed its slope; drag the point
# along. On the right you see what f makes of a normally distributed z.

# %%
ACTIVATIONS = activations.ACTIVATIONS
sigmoid = ACTIVATIONS["sigmoid"]
for z in (-8.0, -2.0, 0.0, 2.0, 8.0):
    print(f"z = {z:4.0f}    σ(z) = {sigmoid.f(z):.4f}    σ'(z) = {sigmoid.df(z):.4f}")
labs.activation_lab()

# %% [markdown]
# First fault: it **saturates**. At z = {{z:.0f}} the slope is {{sigmoid.df(z):.4f}}, so almost
# nothing of the error comes back. Even at its best, at z = 0, the slope is
# {{activations.largest_slope("sigmoid")}}. Shaded is where the slope is below a twentieth of its
# largest value. Second fault: every output is positive, which is the subject of the next section.
# Third fault: an exponential takes longer to compute than a comparison; section 10 measures how
# much longer.
#
# Three things to try:
#
# 1. Drag `point z` from `0` to `6`. The tangent turns flat and the diamond sinks to 0: that is
#    saturation.
# 2. Set `std of z` to `10`. The sigmoid's outputs pile up at 0 and 1, because most z are now far
#    from 0.
# 3. Choose ELU, and drag `slope or α` from `1` to `2`. A step appears in the slope at z = 0: only
#    with α = 1 do the two halves meet with the same slope.
#
# Come back to this lab in every section below.
#
# ## 2. Not centred on zero: one sign for all, and a signal that stops telling images apart
#
# A neuron computes h · w. Its gradient is the error times h. If all of h is positive, the gradients
# of all its weights have the sign of the error: **all up or all down**. Suppose one weight should
# rise from −1 to 1 and the other fall from 1 to −1. What path must they take? Two neurons learn it
# here, one example at a time.

# %%
start, target, walks, walked = np.array([-1.0, 1.0]), np.array([1.0, -1.0]), {}, {}
z = 2 * np.random.default_rng(0).standard_normal((200, 2))
for name in ("sigmoid", "tanh"):
    path = [start]
    for h in ACTIVATIONS[name].f(z):
        path.append(path[-1] - 0.5 * (h @ (path[-1] - target)) * h)
    walks[f"inputs from {name}"] = walk = np.array(path)
    moves, near = np.diff(walk, axis=0), np.argmax(np.linalg.norm(walk - target, axis=1) < 0.1)
    same, length = np.mean(moves[:, 0] * moves[:, 1] > 0), np.linalg.norm(moves, axis=1).sum()
    times = length / np.linalg.norm(target - start)
    walked[name] = same, times, near
    print(f"{name:8} inputs: same sign {same:4.0%}, path {times:.1f} × the straight one, "
          f"there after {near} steps")
alt = "a zig-zag path with sigmoid inputs, a shorter one with tanh inputs"
plots.descent_paths(walks, target, alt=alt)

# %% [markdown]
# With sigmoid inputs {{walked["sigmoid"][0]:.0%}} of the moves go up-right or down-left, and the
# target lies down-right. So the path is a **zig-zag**, {{walked["sigmoid"][1]:.1f}} × as long as
# the straight line. Tanh inputs take {{walked["tanh"][2]}} steps where sigmoid's take
# {{walked["sigmoid"][2]}}.
#
# This is the textbook story, told for one example at a time. Does it survive mini-batches in a real
# network? Below, the share of units in the second layer whose 100 weights all get gradients of one
# sign.

# %%
x, y = data.load_batch(500, dtype=np.float64)


def build(name, sizes, seed):
    rule = ACTIVATIONS[name].initializer
    return MLP(sizes, activation=name, initializer=rule, rng=np.random.default_rng(seed))


def median_and_range(runs, form=".2f"):
    return f"{np.median(runs):{form}} ({np.min(runs):{form}} to {np.max(runs):{form}})"


def second_weights_gradient(name, batch, seed):
    model = build(name, (784, 100, 100, 10), seed)
    return model.loss_and_gradients(x[:batch], y[:batch])[1].dW[1]


locked = {}
for name in ("sigmoid", "relu", "tanh"):
    for batch in (1, 4, 32):
        dWs = [second_weights_gradient(name, batch, seed) for seed in range(5)]
        one_sign = [np.mean((dW >= 0).all(axis=0) | (dW <= 0).all(axis=0)) for dW in dWs]
        locked[name, batch] = np.median(one_sign)
        found = median_and_range(one_sign, ".0%")
        print(f"{name:8} batch of {batch:2}: one sign in {found} of the units, 5 seeds")

# %% [markdown]
# For a single image the claim is exact: sigmoid and ReLU give one sign in
# {{min(locked["sigmoid", 1], locked["relu", 1]):.0%}} of the units, tanh in
# {{locked["tanh", 1]:.0%}}. A batch adds up gradients of both signs, and the lock loosens: at a
# batch of 32 it holds in {{locked["sigmoid", 32]:.0%}} of the sigmoid units and
# {{locked["relu", 32]:.0%}} of the ReLU units, with a wide range over the seeds. So mini-batches
# soften the zig-zag; they do not remove its cause.
#
# The other half of the story is the **bias shift**: positive outputs give the next layer a push
# that is the same for every image. Will the mean of the activations grow from layer to layer?
# Guess, then measure it together with the **constant share**: how much of the signal h² is the same
# for all images.

# %%
def constant_share(h):
    return np.mean(h.mean(axis=0) ** 2) / np.mean(h**2)


shares = {}
for name in ("sigmoid", "relu", "elu", "tanh"):
    runs = [build(name, (784, *[100] * 10, 10), seed).forward(x).h[1:] for seed in range(5)]
    means = np.median([[h.mean() for h in run] for run in runs], axis=0)
    shares[name] = np.array([[constant_share(h) for h in run] for run in runs])
    first, last = np.median(shares[name], axis=0)[[0, -1]]
    print(f"{name:8} mean of h {means[0]:5.2f} → {means[-1]:5.2f}    "
          f"constant share {first:.2f} → {last:.2f}")
assert np.median(shares["sigmoid"][:, -1]) > 0.99 > np.median(shares["relu"][:, -1]) > 0.7
alt = "constant share of the signal, layer by layer"
plots.seed_curves(shares, xlabel="layer", ylabel="constant share", alt=alt)

# %% [markdown]
# A mean that grows is not what you see. Sigmoid's stays near one half in every layer: random
# weights of mean zero turn a positive push into as many negative as positive ones. (ELU's grows
# because He's weights, made for ReLU, are a little too large for it.) What grows is the share that
# is the same for all images. After ten sigmoid layers it is
# {{np.median(shares["sigmoid"][:, -1]):.2f}}: the network says the same whatever it is shown. With
# ReLU it reaches {{np.median(shares["relu"][:, -1]):.2f}}, with ELU
# {{np.median(shares["elu"][:, -1]):.2f}}; with tanh it stays where it began, near
# {{np.median(shares["tanh"][:, -1]):.2f}}. That is what "centred on zero" buys.
#
# ## 3. Tanh: the sigmoid, centred
#
# **Tanh** looks like a stretched sigmoid. Is it exactly one? Claim: tanh(z) = 2σ(2z) − 1.
#
# 1. 2σ(2z) − 1 = 2 / (1 + e^−2z) − 1, by the definition of σ.
# 2. = (1 − e^−2z) / (1 + e^−2z), on a common denominator.
# 3. = (e^z − e^−z) / (e^z + e^−z) = tanh(z), multiplying above and below by e^z.

# %%
z, tanh = np.linspace(-20, 20, 4001), ACTIVATIONS["tanh"]
assert np.allclose(tanh.f(z), 2 * sigmoid.f(2 * z) - 1, rtol=0, atol=1e-15)
assert np.allclose(tanh.df(z), 4 * sigmoid.df(2 * z), rtol=0, atol=1e-15)
print(f"steepest: tanh {activations.largest_slope('tanh'):.2f}, "
      f"sigmoid {activations.largest_slope('sigmoid'):.2f}")
print(f"slope at z = 3: tanh {tanh.df(3.0):.4f}, sigmoid {sigmoid.df(3.0):.4f}")
rng = np.random.default_rng(0)
drawer = MLP((784, 100, 100, 784), activation="relu", initializer="he_normal", rng=rng)
logits = drawer.forward(x).logits
print(f"ReLU inside: outputs from {logits.min():.1f} to {logits.max():.1f}; "
      "with tanh at the end all between −1 and 1")
assert np.abs(np.tanh(logits)).max() <= 1

# %% [markdown]
# The identity holds to the last digit. Tanh is {{words(activations.largest_slope("tanh") /
# activations.largest_slope("sigmoid"))}} times as steep at its best
# ({{activations.largest_slope("tanh"):.2f}} against {{activations.largest_slope("sigmoid"):.2f}})
# and centred on zero, but it saturates sooner: at `z = 3` its slope is {{tanh.df(3.0):.4f}},
# sigmoid's {{sigmoid.df(3.0):.4f}}. In hidden layers it has made way for ReLU and its kin. It lives
# on at the **output**, where a bounded answer is wanted, for example pixels between −1 and 1:
# hidden ReLU, tanh at the end, as in the last line. The gradient then passes one saturating step,
# not one per layer.
#
# ## 4. ReLU: cheap, never saturated for z > 0, and mortal
#
# **ReLU** is max(0, z). For z > 0 its slope is 1, however large z grows; for z < 0 it is 0. It is
# famous for converging faster than tanh and sigmoid. Is that so? Predict the order, then train the
# same small network (196–32–32–32–10, images shrunk to 14 × 14) under each, at learning rates from
# 0.03 to 1.0 and with five seeds.

# %%
x, y = data.load_batch(2000, dtype=np.float64)
small = x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)


def losses(name, rate, seed):
    model = build(name, (196, 32, 32, 32, 10), seed)
    return train(model, small, y, learning_rate=rate, steps=300, rng=np.random.default_rng(seed))


# %%
final = {}
for name in ("relu", "tanh", "sigmoid"):
    best = np.inf
    for rate in (0.03, 0.1, 0.3, 1.0):
        runs = final[name, rate] = [losses(name, rate, seed)[-50:].mean() for seed in range(5)]
        told = median_and_range(runs) if np.median(runs) < 1.1 * best else "worse again"
        told = told if np.isfinite(runs).all() else "diverges in some or all runs"
        best = min(best, np.median(runs))
        print(f"{name:8} learning rate {rate:<5} loss of the last 50 of 300 steps: {told}")
ends = [np.median(final[run]) for run in (("relu", 0.03), ("tanh", 0.03), ("sigmoid", 1.0))]
assert ends[0] < ends[1] < ends[2]

# %% [markdown]
# Against sigmoid the story is true by a wide margin: at the best rate for each, ReLU ends at
# {{np.median(final["relu", 0.1]):.2f}}, sigmoid at {{np.median(final["sigmoid", 1.0]):.2f}}.
# Against tanh it is true at the small rate 0.03 ({{np.median(final["relu", 0.03]):.2f}} against
# {{np.median(final["tanh", 0.03]):.2f}}). At the best rate for each they are level: tanh
# {{np.median(final["tanh", 0.3]):.2f}}. At the rate 1.0 tanh does worse again, and ReLU diverges.
# So "ReLU converges faster" is a statement about a given rate and, most likely, about larger
# networks than this one; it is not a law.
#
# ### Dead units
#
# A ReLU unit whose z is below 0 on *every* image has slope 0 on every image. No gradient reaches
# its weights: it is **dead**. What kills units? Train 784–50–10 for 100 steps, with a high rate,
# then with a bad start bias.

# %%
def dead_share(rate, bias, seed, steps=100):
    model = build("relu", (784, 50, 10), seed)
    model.biases[0] += bias
    train(model, x, y, learning_rate=rate, steps=steps, rng=np.random.default_rng(seed))
    return trace(model, x, y).hidden[0].share_dead


by_rate = [(0.1, 0), (0.3, 0), (1.0, 0), (3.0, 0)]
by_bias = [(0.1, -1), (0.1, -3), (0.1, -5), (0.1, -10)]
for rate, bias in by_rate + by_bias:
    dead = [dead_share(rate, bias, seed) for seed in range(5)]
    print(f"rate {rate:<4} start bias {bias:3}: share of dead units {median_and_range(dead)}")

# %% [markdown]
# At the rate 0.1 no unit dies, at 0.3 a few, at 1.0 about half; with a start bias of −5 nearly all
# are dead from the start. One violent step can throw a unit's weights so far that its z is negative
# for all images, and no later step can bring it back. Can it really never recover? Kill units with
# a start bias of −5, first in a network with one hidden layer, then in the second layer of another.
# Train 300 steps, and compare their weights bit by bit.

# %%
for hidden in (1, 2):
    for seed in range(5):
        model = build("relu", (784, *[50] * hidden, 10), seed)
        model.biases[-2] -= 5
        before = (model.forward(x).z[-2] <= 0).all(axis=0)
        W = model.weights[-2][:, before].copy()
        train(model, x, y, learning_rate=0.1, steps=300, rng=np.random.default_rng(seed))
        after = (model.forward(x).z[-2] <= 0).all(axis=0)
        untouched = np.array_equal(W, model.weights[-2][:, before])
        revived = np.sum(before & ~after)
        print(f"layer {hidden}: {before.sum()} of 50 dead; weights untouched: {untouched!s:5}  "
              f"revived: {revived}")
        assert hidden == 2 or (untouched and revived == 0)

# %% [markdown]
# In the first layer not one bit has moved: its inputs are the images, which never change. In a
# second layer the inputs do change, because the first layer learns from the units that are still
# alive; so some sleepers wake. "A dead unit never recovers" is exact for the first layer and for a
# layer that is dead as a whole, since that blocks the gradient of everything below.
#
# The lab trains two small networks (a few images shrunk to 7 × 7, 50 units, few steps) at every
# move of a slider.

# %%
labs.dead_relu_lab()

# %% [markdown]
# Three things to try:
#
# 1. Drag the learning rate from `0.5` to `10`. Units fall silent step by step, ReLU's for good;
#    Leaky ReLU's silent share also falls now and then, since its units can come back.
# 2. Set the learning rate to `1`, `start bias` to `−5` and `leaky slope` to `0.3`. Almost all ReLU
#    units stay dead, and the loss stays high. Leaky ReLU's units climb back above 0, and the loss
#    falls.
# 3. Same bias, `leaky slope` `0.01`: so small a slope does not save the units in so few steps.
#
# ### Yours: find the dead units
#
# <details><summary>Hint</summary>
# z has the shape (images, units). Dead means: z ≤ 0 on all images. That is one call of `all` along
# the axis of the images.
# </details>

# %% tags=["stub"]
def my_dead_units(W, b, x):
    """Return True for each ReLU unit whose pre-activation is 0 or less on every row of x."""
    ...

# %% tags=["solution"]
def my_dead_units(W, b, x):
    """Return True for each ReLU unit whose pre-activation is 0 or less on every row of x."""
    z = x @ W + b
    return (z <= 0).all(axis=0)

# %%
checks.activation.dead_units(my_dead_units)

# %% [markdown]
# ## 5. Leaky ReLU and PReLU: a small slope keeps the door open
#
# **Leaky ReLU** gives z < 0 a small slope a, 0.01 in the paper. **PReLU** learns a. How does the
# loss change with a? One number a serves the whole layer.
#
# 1. h = z where z > 0, and h = a z elsewhere.
# 2. So ∂h/∂a = 0 where z > 0, and z elsewhere: min(0, z).
# 3. By the chain rule ∂loss/∂a = Σ (∂loss/∂h) · min(0, z), over all images and units.
#
# At z = 0 the curve has a kink, and the derivative is a choice: 0 for ReLU, a for Leaky ReLU here.
# A computed z is almost never exactly 0, so the choice hardly matters.

# %%
def loss_at(slope):
    prelu = activations.with_parameter("prelu", float(slope))
    model = MLP((784, 50, 10), activation=prelu, rng=np.random.default_rng(0))
    return model, *model.loss_and_gradients(x[:64], y[:64])


model, loss, gradients = loss_at(0.25)
dh = gradients.dz[1] @ model.weights[1].T
by_formula = activations.prelu_slope_gradient(model.forward(x[:64]).z[0], dh)
numerically = numerical_gradient(lambda a: loss_at(a)[1], np.array(0.25))
print(f"∂loss/∂a by the formula {by_formula:.5f}, numerically {numerically:.5f}")
assert relative_error(by_formula, numerically) < 1e-6

# %% [markdown]
# The formula holds. Now mind your library: in Keras the layer `LeakyReLU` starts with slope 0.3,
# the function `leaky_relu` with 0.2, and the paper has 0.01. What difference does it make to a
# signal?

# %%
for slope in (0.0, 0.01, 0.2, 0.3):
    leaky = activations.with_parameter("leaky_relu", slope)
    kept = theory.variance_map(leaky, 1.0, sigma_w2=1.0)
    print(f"slope {slope:<4}: keeps {kept:.3f} of E[z²]; "
          f"ten layers with He weights multiply it by {(2 * kept) ** 10:.2f}")

# %% [markdown]
# He's initialization assumes {{theory.variance_map("relu", 1.0, sigma_w2=1.0):.3f}}. With slope
# {{slope}} it is {{kept:.3f}}, and ten layers make the signal's square {{(2 * kept) ** 10:.2f}} ×
# as large. Not a disaster, but a surprise when you copy a network from one library to another.
#
# ## 6. ELU: smooth, and closer to mean zero
#
# **ELU** is z for z > 0 and α(e^z − 1) below. Its negative outputs pull the mean toward 0. By how
# much, and what does the exponential cost?

# %%
for name in ("relu", "leaky_relu", "elu"):
    measured = [build(name, (784, 100, 10), seed).forward(x).h[1].mean() for seed in range(5)]
    exact = activation_table.properties(name).mean
    print(f"{name:10} mean of f(z): {exact:.3f} for z ~ N(0, 1), "
          f"{median_and_range(measured)} on real images, layer 1")
costs = activation_table.relative_costs()
print("ELU takes more than 1.3 × as long as ReLU:", costs["elu"] > 1.3)

# %% [markdown]
# For normal pre-activations ELU's mean is {{exact:.3f}} where ReLU's is
# {{activation_table.properties("relu").mean:.3f}}. It is dearer; section 10 shows how much dearer
# on the machine this was run on. Like ReLU it saturates to the left, but its slope there is small
# and not 0, so no unit is dead in the strict sense.
#
# ### Yours: Leaky ReLU with both derivatives
#
# <details><summary>Hint</summary>
# `np.where(z > 0, …, …)` for each of the three. `np.maximum(z, slope * z)` fails for slopes
# above 1. Where z > 0 the slope does not appear in h at all.
# </details>

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
# ## 7. SELU: a layer that normalizes itself
#
# **SELU** is λ · ELU with α, two fixed constants. They are made for one purpose: if the inputs of a
# layer have mean 0 and variance 1, so have its outputs. Where do the constants come from? Let z ~
# N(0, 1).
#
# 1. Mean 0 asks for E[z; z > 0] + α E[e^z − 1; z < 0] = 0.
# 2. The first part is 1/√(2π). The second is √e · erfc(1/√2)/2 − 1/2, completing the square in the
#    exponent.
# 3. So α = √(2/π) / (1 − √e erfc(1/√2)).
# 4. Variance 1 with mean 0 asks for λ² E[elu(z, α)²] = 1, which gives λ.

# %%
from math import e, erfc, pi, sqrt

alpha = sqrt(2 / pi) / (1 - sqrt(e) * erfc(1 / sqrt(2)))
scale = 1 / sqrt(theory.expectation(lambda z: activations.elu(z, alpha) ** 2, 1.0))
print(f"λ = {scale:.4f}, α = {alpha:.4f}")
assert np.allclose((scale, alpha), (activations.SELU_SCALE, activations.SELU_ALPHA), rtol=1e-9)
mean, variance = theory.moment_map("selu", 0.0, 1.0)
assert np.allclose((mean, variance), (0, 1), atol=1e-9)

# %% [markdown]
# λ = {{scale:.4f}} and α = {{alpha:.4f}}, computed and not pasted. So (mean, variance) = (0, 1) is
# a **fixed point** of the map that one layer makes. Does it also attract? Nudge mean and variance a
# little: the map's **Jacobian** says how much of the nudge is left after a layer, and its
# **spectral norm** is the worst case.

# %%
def one_layer(point):
    return np.array(theory.moment_map("selu", *point))


here, nudges = np.array([0.0, 1.0]), 1e-5 * np.eye(2)
changes = [one_layer(here + nudge) - one_layer(here - nudge) for nudge in nudges]
jacobian = np.column_stack(changes) / 2e-5
print(np.round(jacobian, 4) + 0.0)
print(f"spectral norm {np.linalg.norm(jacobian, 2):.3f}")
assert np.linalg.norm(jacobian, 2) < 1

# %% [markdown]
# Rows: new mean, new variance; columns: old mean, old variance. The spectral norm is
# {{np.linalg.norm(jacobian, 2):.3f}}, below 1, so every layer takes away at least a fifth of any
# small deviation. (The column of zeros is the choice ω = 0: weights that add up to 0 forget the
# mean.)

# %%
labs.selu_map_lab()

# %% [markdown]
# Arrows show where one layer takes a (mean, variance); dashes the predicted path of the start point
# through some layers; dots a real random network. ω is the sum of a unit's weights, τ the sum of
# their squares.
#
# 1. Drag start mean and start variance anywhere: all paths end in (0, 1), but for a variance of
#    exactly 0, which leaves nothing to scale up.
# 2. Drag τ to `2`, He's choice: the path leaves the picture. Drag it to `0.5`: the signal shrinks
#    to almost nothing.
# 3. Drag the width down to `2`. The dots scatter about the path: the prediction is for wide layers.
# 4. Choose ReLU, with any τ: the arrows have no place of rest at (0, 1).
#
# Now break the conditions one by one in a real stack of 100 layers.

# %%
images, raw = x[:100], data.load_batch(100, standardize=False, dtype=np.float64)[0]


def stds(x, initializer="lecun_normal", widths=(100,), skip=False, omega=0.0, seed=0):
    """Return the standard deviation of h at layers 1, 10 and 100."""
    rng, h, seen = np.random.default_rng(seed), x, []
    for width in (100 * widths)[:100]:
        W = initializers.get_initializer(initializer)((h.shape[1], width), rng=rng)
        new = activations.selu(h @ (W + omega / len(W)))
        h = h + new if skip and h.shape == new.shape else new
        seen.append(h.std())
    return [seen[0], seen[9], seen[99]]


# %%
trials = {
    "all conditions kept": {"x": images},
    "pixels 0 to 1, not standardized": {"x": raw},
    "pixels 0 to 255": {"x": 255 * raw},
    "He instead of LeCun": {"x": images, "initializer": "he_normal"},
    "Glorot, widths 150, 50, 150 …": {
        "x": images, "initializer": "glorot_normal", "widths": (150, 50),
    },
    "weights with sum ω = 1": {"x": images, "omega": 1.0},
    "skip connections": {"x": images, "skip": True},
}
after = {}
for label, options in trials.items():
    after[label] = np.median([stds(**options, seed=seed) for seed in range(5)], axis=0)
    first, tenth, last = after[label]
    print(f"{label:32} std at layer 1: {first:6.2f}    10: {tenth:8.2f}    100: {last:10.3g}")

# %% [markdown]
# With all conditions kept the standard deviation is {{after["all conditions kept"][2]:.3f}} after
# 100 layers. Not all breaks are equal:
#
# - Inputs on a wrong scale are pulled back, since the fixed point attracts: pixels up to 255 begin
#   with a standard deviation of {{after["pixels 0 to 255"][0]:.2f}} and are near 1 by layer 100.
#   The first layers pay, not the last.
# - Glorot's rule equals LeCun's where widths are equal. With changing widths a small loss remains:
#   {{after["Glorot, widths 150, 50, 150 …"][2]:.3f}}.
# - He's rule has τ = 2: {{after["He instead of LeCun"][2]:.0f}} after 100 layers.
# - Weights whose sum is not 0 feed the mean back, and a skip connection adds up what was balanced:
#   the signal grows without end, to {{after["weights with sum ω = 1"][2]:.2e}} and
#   {{after["skip connections"][2]:.1e}}.
#
# What do the constants *not* keep in balance? The gradient. It is multiplied by f' at each layer,
# and the factor for its mean square is E[f'²].

# %%
factor = theory.expectation(lambda z: ACTIVATIONS["selu"].df(z) ** 2, 1.0)
print(f"E[f'²] = {factor:.3f}; "
      f"over 100 layers the gradient's standard deviation grows × {factor**50:.0f}")
measured = []
for seed in range(5):
    model = build("selu", (784, *[200] * 100, 10), seed)
    signal = trace(model, images, y[:100])
    predicted = theory.predict(model, images, signal.output_error).grad_z_norm
    measured.append(signal.per_layer("grad_z_norm") / signal.per_layer("grad_z_norm")[-1])
growth = [run[0] for run in measured]
print(f"layer 100 back to layer 1: predicted × {predicted[0] / predicted[-1]:.0f}, "
      f"measured × {median_and_range(growth, '.0f')}")
assert 0.6 < np.median(growth) / (predicted[0] / predicted[-1]) < 1.7
shown, dashed = np.median(measured, axis=0), predicted / predicted[-1]
plots.curves({"measured": shown}, {"measured": dashed}, ylabel="gradient norm")

# %% [markdown]
# So a self-normalizing network does not normalize its gradients. E[f'²] = {{factor:.3f}} is a
# little more than 1, and 100 layers turn that into × {{factor**50:.0f}}. The prediction for these
# images says × {{predicted[0] / predicted[-1]:.0f}} from layer 100 back to layer 1, and five real
# networks of width 200 have a median of × {{np.median(growth):.0f}}. (The picture shows the norm
# relative to layer 100.) It is mild, for 100 layers, but it is not 1.
#
# ### Yours: SELU's two conditions
#
# Compute E[h] and E[h²] for h = scale · elu(z, α) by a plain sum over a fine grid of z.
#
# <details><summary>Hint</summary>
# Take `z = np.linspace(-10, 10, 20001)`, the density `np.exp(-z**2 / 2) / np.sqrt(2 * np.pi)`, and
# the grid's step dz. An average is the sum of value · density · dz. `activations.elu(z, alpha)` is
# at hand.
# </details>

# %% tags=["stub"]
def my_selu_moments(scale, alpha):
    """Return (E[h], E[h²]) for h = scale · elu(z, alpha) and z ~ N(0, 1)."""
    ...

# %% tags=["solution"]
def my_selu_moments(scale, alpha):
    """Return (E[h], E[h²]) for h = scale · elu(z, alpha) and z ~ N(0, 1)."""
    z, dz = np.linspace(-10, 10, 20001, retstep=True)
    weight = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * dz
    h = scale * activations.elu(z, alpha)
    return np.sum(weight * h), np.sum(weight * h**2)

# %%
checks.activation.selu_moments(my_selu_moments)

# %% [markdown]
# ## 8. Maxout: learn the activation
#
# **Maxout** takes the largest of k linear functions of its inputs: h = max(x·w₁ + b₁, …, x·w_k +
# b_k). It has no curve of its own; it learns one, as long as that curve bends upward. How many
# pieces does a parabola need?

# %%
points = np.linspace(-2, 2, 81)[:, None]
wanted = points[:, 0] ** 2


def fit(pieces, seed):
    rng = np.random.default_rng(seed)
    w, b = rng.standard_normal((1, pieces)), rng.standard_normal(pieces)
    for _ in range(2000):
        z = points @ w + b
        error = activations.maxout(z, pieces) - wanted[:, None]
        dz = activations.maxout_derivative(z, pieces) * error
        w, b = w - 0.2 * points.T @ dz / len(points), b - 0.2 * dz.mean(axis=0)
    return points @ w + b


# %%
fits, reached = {}, {}
for pieces in (1, 2, 4, 8):
    runs = [fit(pieces, seed) for seed in range(5)]
    errors = [np.sqrt(np.mean((run.max(axis=1) - wanted) ** 2)) for run in runs]
    fits[pieces], reached[pieces] = runs[int(np.argmin(errors))], np.median(errors)
    used, layer = [len(set(run.argmax(axis=1))) for run in runs], pieces * 100 * (784 + 1)
    print(f"{pieces} pieces ({min(used)} to {max(used)} in use): "
          f"error {median_and_range(errors)}, 5 starts")
    print(f"    a layer of 784 inputs and 100 such units has {layer:,} parameters")
plots.maxout_fits(points[:, 0], wanted, fits)

# %% [markdown]
# The picture shows the best of five starts. Four pieces bring the error from {{reached[1]:.2f}} to
# {{reached[4]:.2f}}, eight to {{reached[8]:.2f}}. But with two pieces most starts end at
# {{reached[2]:.2f}}, no better than one: only 1 piece is in use. A piece that is nowhere the
# largest gets no gradient. So maxout, which cannot die as a whole, can lose its pieces.
#
# The price is k times the parameters. ReLU and Leaky ReLU are maxout units with two fixed pieces.
# Which ones?
#
# ### Yours: two maxout units
#
# Give the weights and biases of two units of two pieces each, for one input x: one that computes
# |x|, and one that computes Leaky ReLU with slope 0.01.
#
# <details><summary>Hint</summary>
# Draw |x|: it consists of two straight lines through 0. Which weight has each? For Leaky ReLU do
# the same.
# </details>

# %% tags=["stub"]
abs_w, abs_b = ..., ...  # two numbers each, for example [0.0, 0.0]
leaky_w, leaky_b = ..., ...

# %% tags=["solution"]
abs_w, abs_b = [1.0, -1.0], [0.0, 0.0]
leaky_w, leaky_b = [1.0, 0.01], [0.0, 0.0]

# %%
checks.activation.maxout_weights(abs_w, abs_b, leaky_w, leaky_b)

# %% [markdown]
# ## 9. Modern ones: GELU, SiLU, softplus, Mish
#
# **Softplus** is ReLU with the corner rounded off. **SiLU** (also called swish), **GELU** and
# **Mish** are z times a smooth switch between 0 and 1. What do the last three do that no function
# above does?

# %%
for name in ("gelu", "silu", "mish", "softplus"):
    z = np.linspace(-6, 0, 60001)
    h = ACTIVATIONS[name].f(z)
    print(f"{ACTIVATIONS[name].label:8} lowest value for z < 0: {h.min():.3f} "
          f"at z = {z[h.argmin()]:.2f}")
plots.activation_cards(ACTIVATIONS)

# %% [markdown]
# All on the same axes. GELU, SiLU and Mish dip below zero and come back: falling, then rising. Left
# of the lowest point the slope is negative. The dip brings the mean nearer to 0 than ReLU's, and
# there is no place where the slope jumps. Softplus has no dip. (Leaky ReLU is shaded on the left
# because its slope {{ACTIVATIONS["leaky_relu"].df(-1.0)}} is below a twentieth; it is never 0.)
#
# ## 10. All side by side
#
# Everything in tables made from the code. "mean" and "std" are those of f(z), E[f'²] is the average
# squared slope, all for z ~ N(0, 1). Sort by any column, for example
# `activation_table.properties_table("std", descending=True)`. Maxout is not in it: it has no curve
# before it has learned one.

# %%
formulas = ("activation", "value", "derivative")
print(activation_table.properties_table("activation", columns=formulas), "\n")
print(activation_table.properties_table("mean"))
weights = np.random.default_rng(0).standard_normal((100, 100)).astype(np.float32)
signal = np.random.default_rng(1).standard_normal((1000, 100)).astype(np.float32)
timed = {"relu": lambda: activations.relu(signal), "product": lambda: signal @ weights}
seconds = activation_table.best_times(timed, rounds=15)
bars = {ACTIVATIONS[name].label: cost for name, cost in costs.items() if name != "linear"}
plots.cost_bars(bars | {"(matrix product)": seconds["product"] / seconds["relu"]})

# %% [markdown]
# The nearer the mean is to 0, the less bias shift. A small E[f'²] means that a layer needs larger
# weights to carry the gradient; sigmoid's
# {{activation_table.properties("sigmoid").slope_square:.3f}} is the smallest by far.
#
# The bars are the cost for 1,000 × 100 numbers, with the layer's own matrix product for scale. They
# are one machine's and one library's: they tell you about an *implementation*. (Don't be surprised
# by a quick tanh: NumPy has one tuned by hand for some processors.) Run the cell to measure on
# yours; `activation_table.properties_table("cost", costs=costs)` adds the column to the table.
#
# Last, what you came for: the same network, the same 300 steps at rate 0.1, under each activation,
# with the initialization that goes with it. Linear is there as a control. Who will win, and by how
# much?

# %%
runs = {}
for name in ACTIVATIONS:
    by_ten = [losses(name, 0.1, seed).reshape(-1, 10) for seed in range(5)]
    runs[name] = np.mean(by_ten, axis=2)
for name in sorted(runs, key=lambda name: np.median(runs[name][:, -5:].mean(axis=1))):
    last = runs[name][:, -5:].mean(axis=1)
    print(f"{ACTIVATIONS[name].label:11} loss of the last 50 steps {median_and_range(last)}")
print(f"guessing: {np.log(10):.2f}")
assert max(runs, key=lambda name: np.median(runs[name][:, -5:])) == "sigmoid"
plots.loss_panels(runs, "relu", x=np.arange(5, 300, 10))

# %% [markdown]
# Sigmoid, at the same rate, has learned next to nothing in 300 steps:
# {{np.median(runs["sigmoid"][:, -5:].mean(axis=1)):.2f}}, where guessing gives ln 10 =
# {{np.log(10):.2f}}. That is the one choice to avoid. Most others are close together, from
# {{np.median(runs["elu"][:, -5:].mean(axis=1)):.2f}} for ELU to
# {{np.median(runs["relu"][:, -5:].mean(axis=1)):.2f}} for ReLU; ELU's lead is small, but its range
# over the seeds does not touch ReLU's. (PReLU's slope stands at its start value
# {{ACTIVATIONS["prelu"].df(-1.0)}} here; this small network does not learn it.) And mind the
# control: without any activation the same network reaches
# {{np.median(runs["linear"][:, -5:].mean(axis=1)):.2f}}, as well as softplus. On so easy a task and
# in so few steps, bending matters less than letting the gradient through.
#
# ## Summary
#
# - Saturation and a mean away from zero are the sigmoid's faults; tanh has only the first.
# - ReLU does not saturate to the right, costs next to nothing, and can die.
# - Leaky ReLU, PReLU, ELU and the smooth ones keep a gradient on the left.
# - SELU holds mean and variance by itself, not the gradient, and only on its conditions.
# - Measured claims are smaller than told ones: always several seeds, and a fair rate for each.
#
# ## In practice
#
# Begin with ReLU and He weights. If units die, lower the learning rate first, then try Leaky ReLU
# or ELU. In transformers follow the custom (GELU or SiLU). For a plain deep stack of dense layers
# try SELU with LeCun weights and standardized inputs. Keep sigmoid and tanh for outputs and gates.
# Don't use sigmoid in hidden layers.
#
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
# - [Goodfellow et al. 2013](https://arxiv.org/abs/1302.4389): maxout networks.
# - [Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415): GELU. [Misra
#   2019](https://arxiv.org/abs/1908.08681): Mish.
# - [CS231n notes](https://cs231n.github.io/neural-networks-1/): the classical comparison, in plain
#   words.
#
# Before: [Watch gradients vanish](02_watch_gradients_vanish.ipynb). Next:
# [Scale the weights](04_scale_the_weights.ipynb).
