# %% [markdown]
# # Backpropagate by hand
#
# You will follow numbers forward through a small network and gradients back, node by node, and
# then use them to make a network better.
#
# *About 90 minutes. You should know some Python, and what a slope is. Before this: [00 Start
# here](00_start_here.ipynb). After this: [02 Watch gradients
# vanish](02_watch_gradients_vanish.ipynb).*
#
# ## What you will learn
#
# After this lesson you can
#
# - compute what a neuron puts out, and draw any computation as a graph;
# - send a gradient back through the graph by hand, and check it;
# - say why a late weight needs every earlier value, and why an early weight's gradient is a long
#   product;
# - take a step of gradient descent, and notice a learning rate that is too large;
# - choose between one example, a mini-batch and all examples, knowing what each costs.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    MLP, autodiff, checks, data, labs, numerical_gradient, plots, relative_error, table,
    two_weights,
)

# %% [markdown]
# ## 1 What does one neuron compute?
#
# A **neuron** multiplies each of its **inputs** x by a **weight** w and adds up: the sum is the
# **pre-activation** z. It puts z through an **activation function**, and what comes out is its
# **activation** h.
#
# Our activation function is the **sigmoid**, σ(z) = 1 / (1 + e^−z): almost 0 far below 0, almost
# 1 far above. (With a hard step in its place the neuron is called a **perceptron**. A step has no
# useful slope, and slopes are what this lesson is about.)
#
# **Predict:** the inputs are 1 and −1. What is z for the weights 2 and 1? And for the weights 1
# and 1?

# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))

x = np.array([1, -1])
z1 = x @ np.array([2, 1])
z2 = x @ np.array([1, 1])
h1, h2 = sigmoid(z1), sigmoid(z2)
z3 = np.array([h1, h2]) @ np.array([1, -1])
h3 = sigmoid(z3)
for neuron, z, h in (("first", z1, h1), ("its neighbor", z2, h2), ("next layer", z3, h3)):
    print(f"{neuron:<14} z = {z:.2f}   σ(z) = {h:.2f}")

# %% [markdown]
# `x @ w` multiplies pair by pair and adds up: 1 · 2 + (−1) · 1 = {{z1}}, and σ({{z1}}) is
# {{h1:.2f}}. Its neighbor sees the same inputs, but with its weights they cancel: z = {{z2}}, and
# σ({{z2}}) = {{h2:.1f}}.
#
# The third line is a neuron of the next **layer**. Its inputs are what the first two put out, its
# weights 1 and −1: z = {{h1:.2f}} − {{h2:.2f}} = {{z3:.2f}}, and σ(z) = {{h3:.2f}}. That is all a
# network does, layer after layer. (Most neurons also add a number of their own, a **bias**. We
# leave it out, to have less to draw.)
#
# ## 2 How do you draw a computation?
#
# A **computation graph** has a **node** for every number that occurs. A node with nothing before
# it is a **leaf**: an input or a weight. Every other node is one operation on the nodes before
# it.
#
# **Predict:** how many nodes does the first neuron have?

# %%
x1, x2, w1, w2 = autodiff.leaves(x1=1, x2=-1, w1=2, w2=1)
h = autodiff.sigmoid((w1 * x1 + w2 * x2).named("z")).named("h")
nodes = autodiff.nodes(h).values()
print("nodes:", len(nodes), "  of these leaves:", sum(not node.inputs for node in nodes))
assert h.value == h1
plots.computation_graph(h, sent=0, alt="two products, their sum z = 1, and h = 0.731")

# %% [markdown]
# {{words(len(nodes)).capitalize()}} nodes: {{words(sum(not node.inputs for node in nodes))}}
# leaves, two products, a sum, a sigmoid. The blue values travel from left to right, along the
# solid lines: this is the **forward pass**.
#
# The second graph holds all three neurons, with the weights w1 … w4 in the first layer, v1 and v2
# in the second. It has two new parts. The **target** t is the answer we would like to have, here
# `0.7`. The **loss** L says how far off the network is: half the square of the **error** e = h3 −
# t.
#
# **Predict:** h3 is {{h3:.2f}}. Is the loss above or below a tenth?

# %%
loss = autodiff.chain()
autodiff.forward(loss)
named = autodiff.nodes(loss)
error = named["h3"].value - named["t"].value
print(f"h3 = {named['h3'].value:.4f}   error = {error:.4f}   loss = {loss.value:.4f}")
assert named["h3"].value == h3
assert loss.value == error**2 / 2
plots.computation_graph(loss, sent=0, alt="the chain of three neurons and its loss, values only")

# %% [markdown]
# The loss is {{loss.value:.4f}}, and we want it smaller. Only the weights are ours to change.
# Which one, which way, by how much?
#
# ## 3 Which weight is to blame?
#
# Ask the network. Make one weight a tiny bit larger, run the forward pass, look at the loss; then
# a tiny bit smaller. The change of the loss, divided by the change of the weight, is (very
# nearly) the **derivative** of the loss with respect to that weight, ∂L/∂w. Nudging both ways is
# called a **central difference**. All derivatives together are the **gradient**; for a single
# number we also say "its gradient". Its size is the number's influence, its sign says which way
# makes the loss grow.
#
# **Predict:** the network's answer is too low. Should v1, the weight of h1 = {{h1:.2f}}, go up or
# down?

# %%
names = list(autodiff.CHAIN)
start = np.array([autodiff.CHAIN[name] for name in names], float)

def loss_of(numbers):
    return autodiff.chain(**dict(zip(names, numbers, strict=True))).value

numeric = numerical_gradient(loss_of, start)
by_nudging = dict(zip(names, numeric, strict=True))
for name in ("w1", "w2", "w3", "w4", "v1", "v2"):
    print(f"{name} = {autodiff.CHAIN[name]:2}   ∂L/∂{name} = {by_nudging[name]:.4f}")

# %% [markdown]
# v1 has the gradient {{by_nudging["v1"]:.4f}}: a larger v1 makes the loss smaller, so v1 should
# go up. w1 has a smaller one, {{by_nudging["w1"]:.4f}}: turning it moves the loss less.
#
# This is right and simple, but it takes two forward passes for every weight, and networks have
# millions of weights.
#
# ## 4 Can one pass find all of them?
#
# Every node needs to know one thing only: how its own value changes when one of its inputs is
# nudged. That is its **local derivative**, and there are four kinds here:
#
# - a **sum** a + b grows as much as a does: the local derivative is 1;
# - a **product** a · b grows b times as much as a does: the local derivative by one factor is
#   *the other factor*;
# - a **sigmoid** has the slope σ'(z) = σ(z)(1 − σ(z)), which is $1/4$ at z = 0 and less elsewhere;
# - the **loss** ½(h − t)² has the slope h − t with respect to h.
#
# The **chain rule** connects them: along a path, local derivatives multiply; where paths meet,
# they add. So we begin at the loss, whose derivative by itself is 1, and walk back. Each node
# hands to each input *the gradient it got itself, times the local derivative*. This is
# **backpropagation**, the **backward pass**.
#
# **Predict:** what does z3 get, when h3 has the gradient {{error:.4f}} and σ'(z3) is
# {{h3 * (1 - h3):.4f}}?

# %%
by_graph = autodiff.backward(loss)
rows = []
for node in autodiff.backward_order(loss):
    for to, slope, product in node.sends():
        rows.append((node.name, f"{node.grad:.4f}", f"{slope:.4f}", to.name, f"{product:.4f}"))
print(table(("node", "its gradient", "× local derivative", "to", "= handed back"), rows))

# %%
plots.computation_graph(
    loss, slopes=["h3", "v1·h1", "v2·h2", "h1", "h2"], alt="the chain, gradients filled in"
)

# %% [markdown]
# Read the table downward and the picture from right to left. Red numbers in boxes are gradients,
# those on lines local derivatives. z3 gets {{error:.4f}} · {{h3 * (1 - h3):.4f}} =
# {{named["z3"].grad:.4f}}.
#
# - **At the sum** nothing changes: both products get {{named["v1·h1"].grad:.4f}}.
# - **At a product** the factors are swapped. v1 gets the gradient times h1,
#   {{named["v1"].grad:.4f}}. h1 gets it times v1.
# - **At a sigmoid** the gradient shrinks: to a quarter at z2 = 0, to less at z1 = 1.
# - **x1** feeds two products, so it hears from both, {{named["z1"].grad * named["w1"].value:.4f}}
# and {{named["z2"].grad * named["w3"].value:.4f}}, and adds up.
#
# One pass back has found all gradients at once. Are they those of section 3?

# %%
relative = [abs(by_graph[name] / by_nudging[name] - 1) for name in names]
worst = max(relative)
print("largest relative difference from central differences below 1e-6:", worst < 1e-6)
assert worst < 1e-6

# %% [markdown]
# They are. This is **automatic differentiation**: `graph.backward` knows the local derivatives
# above and the order of the nodes. TensorFlow does the same with whole arrays; the tests of this
# course compare the two.
#
# ## 5 The lab
#
# Step through the same graph. A frame marks the node at work, the words below say what it does.
# Every leaf is yours to change.

# %%
labs.backprop_lab()

# %% [markdown]
# Three things to try:
#
# 1. **Move the step from `13` to `26`, one by one.** Before each, say the next number. You only
#    need the gradient of the framed node and one local derivative.
# 2. **Step `26`, and x1 from `1` to `0`.** w1 and w3 get the gradient 0, for their other factor
#    is 0. *A weight learns only while its input speaks.*
# 3. **Step `26`, w1 up to `5`, w2 down to `−5`.** z1 grows to where σ is flat. Its slope is
#    almost 0, and so is all that h1 hands on. The late weight v1 still has its gradient. That is
#    the theme of lesson 02.
#
# ## 6 Derivation: a late and an early weight
#
# Write the path from the loss back to v1, then to w1.
#
# 1. The loss: $\partial L/\partial h_3 = h_3 - t$.
# 2. Through the sigmoid: $\partial L/\partial z_3 = (h_3 - t)\,\sigma'(z_3)$.
# 3. The **late weight** v1, other factor h1: $\partial L/\partial v_1 = (h_3 -
#    t)\,\sigma'(z_3)\,h_1$.
# 4. Its neighbor in that product: $\partial L/\partial h_1 = (h_3 - t)\,\sigma'(z_3)\,v_1$.
# 5. Through the first sigmoid: $\partial L/\partial z_1 = (h_3 -
#    t)\,\sigma'(z_3)\,v_1\,\sigma'(z_1)$.
# 6. The **early weight** w1, other factor x1:
#    $\partial L/\partial w_1 = (h_3 - t)\,\sigma'(z_3)\,v_1\,\sigma'(z_1)\,x_1$.
#
# In general a weight's gradient is *what comes back to its product, times what came forward to it*.

# %%
value = {name: node.value for name, node in autodiff.nodes(loss).items()}

def slope(z):
    return sigmoid(z) * (1 - sigmoid(z))

both = {"h3 − t": value["h3"] - value["t"], "σ'(z3)": slope(value["z3"])}
formulas = {
    "v1": both | {"h1": value["h1"]},
    "w1": both | {"v1": value["v1"], "σ'(z1)": slope(value["z1"]), "x1": value["x1"]},
}

# %%
for name, factors in formulas.items():
    product = np.prod(list(factors.values()))
    told = "  ·  ".join(f"{label} = {number:.4f}" for label, number in factors.items())
    print(f"∂L/∂{name} = {product:.4f}:   {told}")
    assert abs(product / by_graph[name] - 1) < 1e-12
    assert abs(product / by_nudging[name] - 1) < 1e-6

# %% [markdown]
# **Why does the late weight need every earlier value?** Its formula is short, but h1 is in it,
# and h3 and z3: none is known before the forward pass has come that far. So a program keeps all
# values until the way back is done, and training needs much more memory than asking.
#
# **Why is the early weight's gradient a product of everything after it?** There is a factor for
# every step on its way to the loss: here two slopes and a weight between. With ten layers it is
# ten slopes and the weights between them on every path, and such a product rarely stays near 1.
#
# Test both: change one leaf at a time, and see whose gradient changes.
#
# **Predict:** does v1's gradient depend on w1? Does w1's gradient depend on v1? On v2?

# %%
def gradients_at(**changed):
    numbers = {name: autodiff.CHAIN[name] + change for name, change in changed.items()}
    return autodiff.backward(autodiff.chain(**numbers))

rows = []
for leaf in names:
    moved = gradients_at(**{leaf: 0.1})
    changes = [moved[weight] / by_graph[weight] - 1 for weight in ("v1", "w1")]
    rows.append((leaf, *(f"{change:+.0%}" for change in changes)))
print(table(("0.1 added to", "gradient of v1 changes by", "gradient of w1 changes by"), rows))
blocked = gradients_at(v1=-1)
print(f"\nwith v1 = 0:  gradient of v1 = {blocked['v1']:.4f}", end="   ")
print(f"gradient of w1 = {abs(blocked['w1']):.4f}")
assert blocked["w1"] == 0 != blocked["v1"]

# %% [markdown]
# Every leaf changes both gradients: through h3 and z3 each weight feels all the others. The last
# line shows what a product means: with v1 = 0, w1 gets nothing at all, whatever the other factors
# are. v1 itself still learns.
#
# ### Yours: fill in the numbers
#
# Same inputs, same weights, but now the target is `0.3`. The forward pass stays as it is. Walk
# back by hand: to h3, z3, v2, h2, z2, and at last to w4. Write numbers or formulas, to three
# digits. `dh3` stands for ∂L/∂h3.
#
# <details><summary>Hint</summary>All values are in the picture of section 2; dh3 is h3 minus the
# target. Each further number is the one before it times one local derivative, but dh2 goes on
# from dz3, as dv2 does. Mind the signs: v2 and x2 are −1.</details>

# %% tags=["stub"]
way_back = {"dh3": ..., "dz3": ..., "dv2": ..., "dh2": ..., "dz2": ..., "dw4": ...}

# %% tags=["solution"]
way_back = {
    "dh3": 0.558 - 0.3,
    "dz3": 0.258 * 0.558 * (1 - 0.558),
    "dv2": 0.0636 * 0.5,
    "dh2": 0.0636 * -1,
    "dz2": -0.0636 * 0.5 * (1 - 0.5),
    "dw4": -0.0159 * -1,
}

# %%
checks.backprop.chain_by_hand(way_back)

# %% [markdown]
# ### Yours: the way back through one neuron
#
# Now for any number of inputs. A neuron computes h = σ(x · w), and the gradient `dh` arrives at
# h. Return `dx` and `dw`, arrays as long as x and w.
#
# <details><summary>Hint</summary>First z = x @ w, then dz = dh · σ'(z). At the products the
# factors are swapped.</details>

# %% tags=["stub"]
def neuron_backward(x, w, dh):
    """Return (dx, dw) of the neuron h = sigmoid(x @ w), when dh is the gradient of h."""
    ...

# %% tags=["solution"]
def neuron_backward(x, w, dh):
    """Return (dx, dw) of the neuron h = sigmoid(x @ w), when dh is the gradient of h."""
    h = sigmoid(x @ w)
    dz = dh * h * (1 - h)
    return dz * w, dz * x

# %%
checks.backprop.neuron_backward(neuron_backward)

# %% [markdown]
# ## 7 Who gets how much of the error?
#
# h1 and h2 both had a hand in z3: z3 = v1 h1 + v2 h2. The error comes back along the same two
# lines.
#
# **Predict:** v1 is 1. For which v2 does h2 get twice the gradient of h1? For which none?

# %%
rows = []
for v2 in (-1, 0, 0.5, 2):
    chain = autodiff.chain(v2=v2)
    autodiff.backward(chain)
    inside = autodiff.nodes(chain)
    dh1, dh2 = inside["h1"].grad, inside["h2"].grad
    rows.append((v2, f"{dh1:.4f}", f"{dh2 + 0:.4f}"))  # + 0 turns −0 into 0
    assert np.isclose(dh2 / dh1, v2)
print(table(("v2", "gradient of h1", "gradient of h2"), rows))

# %% [markdown]
# In each line the gradient of h2 is v2 times that of h1. The error is handed back **in proportion
# to influence**: who counts twice as much forward gets twice as much back, who counts nothing
# gets nothing, and who counts negatively is told the opposite. (From the third line on, h3 is
# above the target, and all signs turn.)
#
# Now use the gradient. It points to where the loss grows, so we go the other way. **Gradient
# descent** makes the step
#
# $$w \leftarrow w - \eta \cdot \partial L/\partial w$$
#
# for all weights at once, with one **learning rate** η. On a straight slope such a step would
# lower the loss by η times the sum of the squared gradients.
#
# **Predict:** the larger the learning rate, the lower the loss?

# %%
weights = names[2:8]

def after_a_step(rate):
    moved = {name: autodiff.CHAIN[name] - rate * by_graph[name] for name in weights}
    stepped = autodiff.chain(**moved)
    return autodiff.nodes(stepped)["h3"].value, stepped.value

square = sum(by_graph[name] ** 2 for name in weights)
print(f"before: h3 = {value['h3']:.3f}   loss = {loss.value:.5f}")
for rate in (0.1, 1, 10, 50, 100, 400):
    h3_after, loss_after = after_a_step(rate)
    share = (loss.value - loss_after) / (rate * square)
    print(f"rate {rate:<5g} h3 = {h3_after:.3f}   loss = {loss_after:.5f}", end="   ")
    print(f"share of the promised fall: {share:.2f}")

# %%
losses = {rate: after_a_step(rate)[1] for rate in (0.1, 1, 10, 50)}
assert losses[10] < losses[1] < losses[0.1] < loss.value < losses[50]
assert abs((loss.value - losses[0.1]) / (0.1 * square) - 1) < 0.02

# %% [markdown]
# A short step does what the slope promises: at the rates 0.1 and 1 the share is
# {{(loss.value - losses[0.1]) / (0.1 * square):.2f}} and
# {{(loss.value - losses[1]) / square:.2f}}. At 10 the loss falls most, to {{losses[10]:.5f}}. At
# 50 the step jumps over the target: h3 is {{after_a_step(50)[0]:.3f}}, and the loss is *higher*
# than before. **A learning rate can be too large**, and the gradient does not tell: it knows the
# slope here, not the valley beyond.
#
# One step is not the end. Take fifty, each with the gradient of the place where it starts.

# %%
for rate in (1, 10, 50, 400):
    numbers, losses = dict(autodiff.CHAIN), []
    for _ in range(51):
        chain = autodiff.chain(**numbers)
        gradients = autodiff.backward(chain)
        losses.append(chain.value)
        numbers |= {name: numbers[name] - rate * gradients[name] for name in weights}
    told = "   ".join(f"after {k}: {losses[k]:.5f}" for k in (1, 2, 10, 50))
    print(f"rate {rate:<4} loss {told}")

# %% [markdown]
# At 10 the loss is soon 0 to all digits shown. At 50 the first step does harm, and the second
# makes up for it. At 400 the first step lands at h3 = {{after_a_step(400)[0]:.3f}}, where σ is
# flat: the gradient is almost 0, and after fifty steps the loss is still {{losses[50]:.5f}}.
#
# Here is a network for real images: 784 inputs, one for each pixel, 30 **hidden** neurons (those
# between input and output), ten outputs, one for each kind of clothes. Its loss is small where it
# trusts in the right kind. It takes one step on one image, and is asked about the same image
# again: 100 images, five networks with different random weights.
#
# **Predict:** at the learning rate `0.01`, for how many of 100 images does the loss fall?

# %%
images, classes = data.load_batch(100, dtype=np.float64)

def images_improved(rate, seed):
    model = MLP((784, 30, 10), rng=np.random.default_rng(seed))
    better = 0
    for image, kind in zip(images[:, None], classes[:, None], strict=True):
        before, gradients = model.loss_and_gradients(image, kind)
        stepped = model.scaled(1)  # a copy, so that every image meets the same weights
        stepped.step(gradients, rate)
        after, _ = stepped.loss_and_gradients(image, kind)
        better += after < before
    return better

# %%
improved, rows = {}, []
for rate in (0.001, 0.01, 0.1, 1, 10):
    improved[rate] = [images_improved(rate, seed) for seed in range(5)]
    spread = f"{min(improved[rate])} to {max(improved[rate])}"
    rows.append((rate, f"{np.median(improved[rate]):.0f}", spread))
print(table(("learning rate", "images whose loss falls, median of 5", "range"), rows))
assert min(improved[0.001]) == 100

# %% [markdown]
# Up to the rate 0.1 the loss falls for every image in every network. At 1 it rises for a few, at
# 10 for about half. What "too large" means depends on the network: our chain was content with 10.
#
# ### Yours: an update
#
# <details><summary>Hint</summary>The formula stands above. `w` and `dw` are arrays of the same
# shape.</details>

# %% tags=["stub"]
def update(w, dw, rate):
    """Return the weights after one step of gradient descent."""
    ...

# %% tags=["solution"]
def update(w, dw, rate):
    """Return the weights after one step of gradient descent."""
    return w - rate * dw

# %%
checks.backprop.update(update)

# %% [markdown]
# ## 8 How many examples for one step?
#
# So far one example decided about a step. But the loss that counts is the mean over all examples,
# and its gradient the mean of all their gradients. There are three ways to step:
#
# - **full batch**: take all examples, then make one step;
# - **one at a time**: take one example, step, take the next (*stochastic* gradient descent);
# - **mini-batch**: take a few, for example 16, and step along their mean gradient.
#
# One walk through all examples is an **epoch**. They are shuffled before each.
#
# The loss over all weights is a landscape, the **loss surface**. To see it we need a network of
# two weights: one neuron, and two numbers for each of 256 images, the brightness of its middle
# and of its sides (both scaled to mean 0 and variance 1). It shall tell shirts from dresses. What
# it puts out, p = σ(w₁ · middle + w₂ · sides), is read as the probability of a shirt, and the
# loss is the mean of −log(probability of the right answer).
#
# **Predict:** shirts have sleeves. Which weight will be positive at the lowest point?

# %%
x, y = two_weights.brightness_of_dresses_and_shirts()
best = two_weights.lowest_point(x, y)
lowest = float(two_weights.logistic_loss(best, x, y))
right = np.mean((x @ best > 0) == (y == 1))
print(f"lowest point: weights {best[0]:.2f} (middle) and {best[1]:.2f} (sides)")
print(f"its loss: {lowest:.3f}   images told apart: {right:.0%}")
here = np.array([3.0, -2.0])
nudged = numerical_gradient(lambda w: two_weights.logistic_loss(w, x, y), here)
assert relative_error(two_weights.logistic_gradient(here, x, y), nudged) < 1e-6

# %% [markdown]
# Bright sides speak for a shirt, and {{right:.0%}} of the images come out right. The surface has
# only this one lowest point, {{lowest:.3f}}, so all paths have the same goal.
#
# Now walk there from (3, −2), at the learning rate 1, for two epochs.
#
# **Predict:** which of the three ways gets lowest?

# %%
def losses_along(batch_size, rate, epochs, seed):
    rng = np.random.default_rng(seed)
    path = two_weights.descend(
        x, y, batch_size=batch_size, rate=rate, epochs=epochs, start=(3, -2), rng=rng
    )
    return two_weights.logistic_loss(path, x, y)

rows, ends = [], {}
for size in (256, 64, 16, 4, 1):
    ends[size] = [losses_along(size, rate=1, epochs=2, seed=seed)[-1] for seed in range(9)]
    spread = f"{min(ends[size]):.2f} to {max(ends[size]):.2f}"
    rows.append((size, 256 // size, f"{np.median(ends[size]):.2f}", spread))
print(
    table(
        (
            "examples per update",
            "updates per epoch",
            "loss after 2 epochs, median of 9 seeds",
            "range",
        ),
        rows,
    )
)
assert np.median(ends[4]) < np.median(ends[1]) < np.median(ends[256])
assert np.ptp(ends[1]) > np.ptp(ends[16])

# %% [markdown]
# All have looked at {{2 * len(x)}} examples. The full batch made two steps of them and is still
# far away, at {{np.median(ends[256]):.2f}}. Batches of 16 and 4 are at
# {{np.median(ends[16]):.2f}} and {{np.median(ends[4]):.2f}}, close to the lowest point. Single
# examples made {{2 * len(x)}} steps and do a little worse, with a wide range: they are there
# early, and then are thrown about.
#
# How noisy is the gradient of a small batch? Draw many batches at one point, and look at the
# spread of their gradients. Means over $B$ examples spread like $1/\sqrt{B}$. Ours are drawn out
# of $n$ without repetition, which multiplies by $\sqrt{(n-B)/(n-1)}$.

# %%
each = (sigmoid(x @ best) - y)[:, None] * x  # the gradient of every example, at the lowest point
spread_of_one = np.sqrt(each.var(axis=0).sum())
rng, rows = np.random.default_rng(0), []
for size in (1, 4, 16, 64, 256):
    drawn = [rng.permutation(256)[:size] for _ in range(4000)]
    means = np.array([each[batch].mean(axis=0) for batch in drawn])
    measured = np.sqrt(means.var(axis=0).sum())
    predicted = spread_of_one * np.sqrt((256 - size) / 255 / size)
    rows.append((size, f"{measured:.3f}", f"{predicted:.3f}"))
    assert abs(measured - predicted) < 0.03 * predicted + 1e-9
print(table(("batch size", "spread of the gradient, measured", "predicted"), rows))

# %% [markdown]
# From each batch size to the next the noise is about halved, as predicted, for four times as many
# examples. At the lowest point the gradient of one example is not 0: with a constant learning
# rate it never comes to rest.
#
# The lab shows the three paths on the surface, where gray lines join points of equal loss.

# %%
labs.minibatch_lab()

# %% [markdown]
# Three things to try:
#
# 1. **Batch size from `16` down to `1`, then up to `256`.** The green path frays and becomes the
#    red one, then straightens and becomes the blue one: fewer, surer steps.
# 2. **Learning rate `10`.** Now the full batch is near the goal after two steps, and the others
#    are thrown about. A small batch wants a small rate.
# 3. **Learning rate `0.1`, epochs `4`.** The single examples arrive and stay close, for short
#    steps damp the noise. Many trainings therefore begin with a large rate and end with a small
#    one.
#
# ## 9 So which batch size?
#
# It is unfair to compare at one learning rate. Give each batch size the best of several rates,
# and count what it takes until the loss is first within a twentieth of the lowest.
#
# **Predict:** which batch size needs the fewest examples? Which the fewest updates?

# %%
def updates_needed(size, rate, seed):
    near = losses_along(size, rate, epochs=10, seed=seed) < 1.05 * lowest
    return np.argmax(near) if near.any() else np.inf

rates = (0.1, 0.3, 1, 3, 10, 15)
rows, needed = [], {}
for size in (256, 64, 16, 4, 1):
    trials = {rate: [updates_needed(size, rate, seed) for seed in range(5)] for rate in rates}
    by_rate = {rate: np.median(counts) for rate, counts in trials.items()}
    rate = min(by_rate, key=by_rate.get)
    needed[size] = by_rate[rate]
    rows.append((size, f"{rate:g}", f"{needed[size]:.0f}", f"{needed[size] * size:.0f}"))
print(table(("batch size", "best rate", "updates (median of 5 seeds)", "examples looked at"), rows))

# %%
assert needed[256] <= needed[16] < needed[1]
assert needed[1] < 16 * needed[16] < 256 * needed[256]

# %% [markdown]
# Counted in examples, one at a time is cheapest: {{needed[1]:.0f}} against
# {{256 * needed[256]:.0f}}. Counted in updates it is the full batch, {{needed[256]:.0f}} against
# {{needed[1]:.0f}}. ("First" is kind to noisy paths, which may leave again.) So what does an
# update cost in time?
#
# In arithmetic, a batch of 256 is the work of 256 single examples. But the examples of a batch
# use the same weights and don't wait for each other: they can be computed **in parallel**, in one
# product of matrices. The cell times a network of 784, 100 and 10 neurons with a batch of 256,
# and with the same images one by one.

# %%
from time import perf_counter

images, classes = data.load_batch(256)
model = MLP((784, 100, 10), rng=np.random.default_rng(0), dtype=np.float32)

def seconds(size):
    start = perf_counter()
    for k in range(0, 256, size):
        model.loss_and_gradients(images[k : k + size], classes[k : k + size])
    return perf_counter() - start

one_by_one = min(seconds(1) for _ in range(5))
together = min(seconds(256) for _ in range(100))
print("the batch takes less than half of the time:", together < one_by_one / 2)

# %% [markdown]
# Graphics processors, made for thousands of numbers side by side, gain more still. So a larger
# batch costs little time and gives surer steps. This is why people train with batches of
# {{given("32", "Bengio 2012, arXiv 1206.5533")}} to some hundreds.
#
# ### Yours: cut an epoch into batches
#
# Return one epoch as a list of arrays: the numbers 0 … count − 1, each once, shuffled with `rng`,
# in batches of `size`. The last batch takes what is left, even when it is smaller.
#
# <details><summary>Hint</summary><code>rng.permutation(count)</code> shuffles the numbers. Then
# cut: from 0 to size, from size to 2 · size, and so on.</details>

# %% tags=["stub"]
def epoch(count, size, rng):
    """Return a list of index arrays: every example once, in random order."""
    ...

# %% tags=["solution"]
def epoch(count, size, rng):
    """Return a list of index arrays: every example once, in random order."""
    order = rng.permutation(count)
    return [order[start : start + size] for start in range(0, count, size)]

# %%
checks.backprop.epoch(epoch)

# %% [markdown] tags=["given"]
# ## Summary
#
# - A neuron adds up weighted inputs and applies an activation function. A network is a graph of
#   such steps.
# - Forward, every node computes its value. Backward, it hands to its inputs its own gradient
#   times the local derivative; what arrives from several sides adds up.
# - A weight's gradient is what comes back times what came forward. For an early weight, what
#   comes back is a product of everything after it.
# - Gradient descent subtracts the learning rate times the gradient. A short step lowers the loss;
#   a long one can raise it.
# - Small batches give many noisy updates, large ones few and exact ones, and are faster to compute.
#
# ## What to do in practice
#
# 1. Let a library do the way back. Compare a derivative of your own with central differences, in
#    float64.
# 2. When the loss rises from the first steps on, divide the learning rate by ten.
# 3. Take a batch size that your machine computes fast, {{given("32", "Bengio 2012")}} to 256,
#    then look for the learning rate.
# 4. A gradient of exactly 0 has a reason: an input or a weight that is 0, or an activation
#    function that is flat.
#
# ## Further reading
#
# - [Rumelhart, Hinton and Williams 1986](https://www.nature.com/articles/323533a0): the letter
#   that made backpropagation known.
# - [Baydin et al. 2018](https://arxiv.org/abs/1502.05767): a survey of automatic differentiation,
#   forward and reverse, and what it is not.
# - [CS231n, Backpropagation, Intuitions](https://cs231n.github.io/optimization-2/): the same kind
#   of graph, with more examples and the step to arrays.
# - [micrograd](https://github.com/karpathy/micrograd): a whole reverse-mode engine with a neural
#   network on top, in some 150 lines.
# - [Bottou, Curtis and Nocedal 2018](https://arxiv.org/abs/1606.04838): what is known about
#   batches, noise and learning rates.
#
# The lesson before: [00 Start here](00_start_here.ipynb). Go on with [02 Watch gradients
# vanish](02_watch_gradients_vanish.ipynb): the same way back, through a hundred layers.
