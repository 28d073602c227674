# %% [markdown]
# # Backpropagate by hand
#
# A network has thousands of weights. You will find out which of them to blame for an error, by
# hand, number by number. Then you write it for whole batches, and train a network with your lines.
#
# *About 60 minutes with the core exercises, more with the challenge and the experiment. You should
# know some Python, and what a slope is. Before this: [00 Start here](00_start_here.ipynb). After
# this: [02 Watch gradients vanish](02_watch_gradients_vanish.ipynb).*
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    autodiff, checks, data, gradcheck, keras_models, labs, numerical_gradient, plots, predict,
    runs, table, two_weights, valleys,
)

# %% [markdown]
# ## 1 Can a network learn without knowing which weight to blame?
#
# Here is a network for small images of clothes, of ten kinds. It is a list of arrays of weights:
# what they do comes later. Its **loss** says how wrong it is. Whoever guesses blindly among ten
# kinds has the loss ln 10.

# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def new_network(seed):
    rng = np.random.default_rng(seed)
    W1, W2 = rng.normal(0, 1 / 28, (784, 30)), rng.normal(0, 1 / np.sqrt(30), (30, 10))
    return [W1, np.zeros(30), W2, np.zeros(10)]

def loss_of_network(parameters, x, y):
    W1, b1, W2, b2 = parameters
    logits = sigmoid(x @ W1 + b1) @ W2 + b2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(y)), y]).mean()

images, kinds = data.load_batch(1000, dtype=np.float64)
x_train, y_train, x_held, y_held = images[:500], kinds[:500], images[500:], kinds[500:]
print("numbers to set:", sum(part.size for part in new_network(0)))

# %% [markdown]
# The simplest way to learn: change all weights a little at random. If the loss falls, keep the
# change, else take it back. We allow it 200 tries.
#
# **Commit to a guess.** Where is the loss then?

# %%
blind = predict.number("loss after 200 blind tries", low=0, high=3)
blind

# %%
def learn_blindly(seed, tries=200, size=0.03):
    rng, network = np.random.default_rng(100 + seed), new_network(seed)
    losses = [loss_of_network(network, x_train, y_train)]
    for _ in range(tries):
        tried = [part + size * rng.standard_normal(part.shape) for part in network]
        loss = loss_of_network(tried, x_train, y_train)
        network = tried if loss < losses[-1] else network
        losses.append(min(loss, losses[-1]))
    return losses

blind_losses = np.array([learn_blindly(seed) for seed in range(5)])
blind.reveal(np.median(blind_losses[:, -1]))

# %%
plots.training_losses(
    {"blind tries": blind_losses}, xlabel="try", guess=blind.value, low=0,
    levels={"guessing among ten": np.log(10)},
    alt="the loss falls slowly over the tries, ever slower, median and range of 5 seeds",
)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# After 200 tries the loss is {{np.median(blind_losses[:, -1]):.2f}}
# ({{blind_losses[:, -1].min():.2f}} to {{blind_losses[:, -1].max():.2f}} over five seeds). Each
# try moves all {{sum(part.size for part in new_network(0)):,}} numbers at once, and knows nothing
# about any of them. It learns, but slowly.
#
# Is that what is missing: for each weight, *which way* and *how much*? You will know in section 9:
# there the same network, from the same start, learns from lines that you wrote.
#
# </details>
#
# ## 2 What does one neuron compute?
#
# A **neuron** multiplies each of its **inputs** x by a **weight** w and adds up: the sum is the
# **pre-activation** z. It puts z through an **activation function**, and out comes its
# **activation** h. Ours is the **sigmoid**, σ(z) = 1 / (1 + e^−z): near 0 far below 0, near 1 far
# above. (With a hard step in its place the neuron is a **perceptron**. A step has no useful
# slope, and slopes are what we need.)
#
# Three neurons. Two look at the inputs 1 and −1, with weights (2, 1) and (1, 1). A third looks at
# the first two, with weights (1, −1). **Commit:** what does the third put out?

# %%
output = predict.number("output of the third neuron", low=-1, high=2)
output

# %%
x = np.array([1.0, -1.0])
z1, z2 = x @ [2, 1], x @ [1, 1]
h1, h2 = sigmoid(z1), sigmoid(z2)
z3 = 1 * h1 - 1 * h2
h3 = sigmoid(z3)
output.reveal(h3)

# %%
neurons = [("first", z1, h1), ("its neighbor", z2, h2), ("the third", z3, h3)]
table(("neuron", "z", "σ(z)"), [(name, f"{z:.2f}", f"{h:.2f}") for name, z, h in neurons])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# `x @ w` multiplies pair by pair and adds up: 1 · 2 + (−1) · 1 = {{z1:.0f}}, and σ({{z1:.0f}}) is
# {{h1:.2f}}. For the neighbor the inputs cancel: z = {{z2:.0f}}, σ = {{h2:.1f}}. The third gets
# {{h1:.2f}} − {{h2:.2f}} = {{z3:.2f}}, and puts out {{h3:.2f}}. That is all a network does,
# **layer** after layer. (Most neurons also add a number of their own, the **bias** b.)
#
# </details>
#
# Draw it as a **computation graph**: a **node** for every number. A node with nothing before it is
# a **leaf**, an input or a weight. Every other node is one operation. First one neuron alone.

# %%
x1, x2, w1, w2 = autodiff.leaves(x1=1, x2=-1, w1=2, w2=1)
one_neuron = autodiff.sigmoid((w1 * x1 + w2 * x2).named("z")).named("h")
plots.computation_graph(one_neuron, sent=0, alt="two products, their sum z = 1, and h = 0.731")

# %% [markdown]
# Now all three. The **target** t is the answer we want, `0.7`. The loss L is half the square of
# the **error** h3 − t. Blue values travel right: the **forward pass**.

# %%
t = 0.7
loss = autodiff.chain(t=t)
plots.computation_graph(loss, sent=0, alt="the chain of three neurons and its loss, values only")

# %% [markdown]
# ## 3 Which weight is to blame?
#
# Ask the network. Make one weight a little larger, then a little smaller, and look at the loss.
# Its change, divided by that of the weight, is nearly the **derivative** ∂L/∂w: which way, and
# how much. Nudging both ways is a **central difference**. All derivatives together are the
# **gradient**.
#
# The answer h3 = {{h3:.2f}} is too low. v1 is the weight of h1. **Commit:** which way should it go?

# %%
way = predict.choice("v1 should go", ["up", "down", "stay"])
way

# %%
def loss_at(w1=2, v1=1):
    h1, h2 = sigmoid(w1 * 1 + 1 * -1), sigmoid(0)
    return (sigmoid(v1 * h1 - h2) - t) ** 2 / 2

step = 1e-5
nudged_v1 = (loss_at(v1=1 + step) - loss_at(v1=1 - step)) / (2 * step)
nudged_w1 = (loss_at(w1=2 + step) - loss_at(w1=2 - step)) / (2 * step)
print(f"∂L/∂v1 = {nudged_v1:.4f}   ∂L/∂w1 = {nudged_w1:.4f}")
way.reveal("up" if nudged_v1 < 0 else "down")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# ∂L/∂v1 is negative: a larger v1 makes the loss smaller, so v1 should go up. w1 has a smaller
# derivative, {{nudged_w1:.4f}}: turning it moves the loss less.
#
# This is right, and slow: two forward passes for every weight. The network of section 1 would need
# {{2 * sum(part.size for part in new_network(0)):,}} for one step.
#
# </details>
#
# ## 4 Can one pass back find all of them?
#
# Every node needs to know one thing: how its value changes when one of its inputs is nudged. That
# is its **local derivative**.
#
# - A **sum** a + b grows as much as a does: 1.
# - A **product** a · b grows b times as much as a does: *the other factor*.
# - A **sigmoid** has the slope σ'(z) = σ(z)(1 − σ(z)): a quarter at z = 0, less elsewhere.
# - The **loss** ½(h − t)² has the slope h − t.
#
# The **chain rule**: along a path local derivatives multiply, and where paths meet they add. So
# begin at the loss and walk back. Each node hands to each input *the gradient it got, times the
# local derivative*. This is **backpropagation**. We write `dz` for ∂L/∂z.
#
# **Commit:** h3 gets h3 − t = {{h3 - t:.3f}}. How much of it arrives at z3?

# %%
arrives = predict.number("gradient at z3", low=-0.2, high=0.2)
arrives

# %% [markdown]
# Walk the upper branch: from the loss to v1, and on to w1.

# %%
dh3 = h3 - t
dz3 = dh3 * h3 * (1 - h3)  # through the sigmoid
dv1 = dz3 * h1             # a product: the other factor
dh1 = dz3 * 1              # the same product, its other side: v1 = 1
dz1 = dh1 * h1 * (1 - h1)
dw1 = dz1 * 1              # x1 = 1
arrives.reveal(dz3)

# %%
named = autodiff.nodes(loss)
autodiff.backward(loss)
plots.computation_graph(
    loss, slopes=["h3", "v1·h1", "v2·h2", "h1", "h2"], alt="the chain, gradients filled in"
)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Read the picture from right to left. Red numbers in boxes are gradients, those on lines local
# derivatives. z3 gets {{dh3:.4f}} · {{h3 * (1 - h3):.4f}} = {{dz3:.4f}}.
#
# - **At the sum** nothing changes. **At a product** the factors are swapped: v1 gets dz3 times h1.
# - **At a sigmoid** the gradient shrinks: to a quarter at best.
# - **x1** feeds two products, so it hears from both and adds up.
#
# </details>
#
# ### Yours: the lower branch (warm-up, 8 minutes)
#
# Same weights and inputs, but the target is now `0.3`. Forward, nothing changes. Walk back to h3,
# z3, v2, h2, z2, and at last w4, the weight between x2 and z2. Write numbers or formulas, to three
# digits.
#
# Stuck? `checks.backprop.chain_by_hand.hint()` in a cell of its own gives the next of three hints.
# Every exercise has them.

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
# Step through the graph yourself. A frame marks the node at work; every leaf is yours to change.

# %%
labs.backprop_lab()

# %% [markdown]
# 1. **Step from `13` to `26`, one by one.** Say each number before it appears.
# 2. **Step `26`, x1 from `1` to `0`.** What happens to w1 and w3, and why?
# 3. **Step `26`, w1 up to `5`, w2 down to `−5`.** Which weight still learns?
#
# <details><summary>What you saw</summary>
#
# With x1 = 0 the other factor is 0: *a weight learns only while its input speaks.* With z1 far out
# the sigmoid is flat, so almost nothing passes h1, and w1 stops. The late weight v1 still
# learns. That is the theme of lesson 02.
#
# </details>
#
# ### Three ways, one answer?
#
# A machine can walk back, too: **automatic differentiation**. It records every operation on the
# way forward and knows their local derivatives. The graph above does it for single numbers;
# TensorFlow's `GradientTape` does it for arrays. Run both, against hand and nudge.

# %%
tf = keras_models.tensorflow()

W = tf.Variable([[2.0, 1.0], [1.0, 1.0]], dtype="float64")  # columns: the two neurons
v = tf.Variable([1.0, -1.0], dtype="float64")
with tf.GradientTape() as tape:
    hidden = tf.sigmoid(tf.linalg.matvec(W, x, transpose_a=True))
    tape_loss = (tf.sigmoid(tf.tensordot(v, hidden, 1)) - t) ** 2 / 2
by_tape_W, by_tape_v = tape.gradient(tape_loss, [W, v])

by_hand = np.array([dv1, dw1])
by_graph = np.array([named["v1"].grad, named["w1"].grad])
by_tape = np.array([by_tape_v[0], by_tape_W[0, 0]])
by_nudge = np.array([nudged_v1, nudged_w1])

# %%
for name, other in {"nudges": by_nudge, "graph": by_graph, "tape": by_tape}.items():
    print(f"{name:<7} {gradcheck.agreement([(by_hand, other)])}")

# %% [markdown]
# Keep this habit: whatever you derive, nudge it.
#
# ## 5 What does a weight's gradient depend on?
#
# Write the two paths as one line each:
#
# $$\frac{\partial L}{\partial v_1} = (h_3 - t)\,\sigma'(z_3)\,h_1 \qquad\qquad
# \frac{\partial L}{\partial w_1} = (h_3 - t)\,\sigma'(z_3)\,v_1\,\sigma'(z_1)\,x_1$$
#
# **Commit:** change w1, which is *earlier*, and nothing else. Does the gradient of the late
# weight v1 change?

# %%
depends = predict.choice("v1's gradient, when w1 changes", ["changes", "stays"])
depends

# %%
def both_gradients(**changed):
    return np.array([autodiff.backward(autodiff.chain(**changed))[name] for name in ("v1", "w1")])

rows, now = [], both_gradients()
for leaf in ("x1", "w1", "v1", "v2"):
    moved = both_gradients(**{leaf: autodiff.CHAIN[leaf] + 0.5})
    rows.append((leaf, *(f"{change:+.0%}" for change in moved / now - 1)))
blocked = both_gradients(v1=0)
depends.reveal("stays" if both_gradients(w1=2.5)[0] == now[0] else "changes")

# %%
table(("0.5 added to", "gradient of v1", "gradient of w1"), rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Each row changes one leaf alone, and both gradients change.
#
# **A late weight needs every earlier value.** Its formula is short, but h1 and z3 are in it, known
# only once the forward pass has come that far. So a program keeps all values until the way back
# is done.
#
# **An early weight's gradient is a product of everything after it**: a slope and a weight per
# layer. One factor 0 is enough: with v1 = 0 the gradient of w1 is {{abs(blocked[1]):.0f}}, that
# of v1 still {{blocked[0]:.3f}}. With ten layers it is a product of ten slopes and the weights
# between, and such a product rarely stays near 1.
#
# </details>
#
# ## 6 Who gets how much, and how far do you step?
#
# h1 and h2 both had a hand in z3 = v1 · h1 + v2 · h2. Change v2 alone, and see what h2 gets back.

# %%
rows = []
for v2 in (-1, 0, 0.5, 2):
    changed = autodiff.chain(v2=v2)
    autodiff.backward(changed)
    dh1, dh2 = (autodiff.nodes(changed)[name].grad for name in ("h1", "h2"))
    rows.append((v2, f"{dh2 / dh1 + 0:.2f}"))
table(("v2, while v1 = 1", "gradient of h2 / gradient of h1"), rows)

# %% [markdown]
# The error is handed back **in proportion to influence**: who counts twice forward gets twice as
# much back, who counts negatively is told the opposite.
#
# The gradient points uphill, so step against it. **Gradient descent**, with the **learning rate**
# η, for all weights at once:
#
# $$w \leftarrow w - \eta \cdot \partial L/\partial w$$
#
# Make *one* step in our chain, and one in each of 200 chains with random weights. **Commit:** for
# how many of these does the loss fall, at the rate 100?

# %%
falls = predict.number("losses that fall at rate 100, of 200", low=0, high=200)
falls

# %%
WEIGHTS = ("w1", "w2", "w3", "w4", "v1", "v2")

def one_step(start, rate):
    before = autodiff.chain(**start)
    gradient = autodiff.backward(before)
    after = autodiff.chain(**{name: start[name] - rate * gradient[name] for name in WEIGHTS})
    return before.value, after.value

def random_start(seed):
    return dict(zip(WEIGHTS, np.random.default_rng(seed).normal(0, 1, 6), strict=True))

rows, fallen, after_step = [], {}, {}
for rate in (0.1, 1, 10, 100):
    steps = [one_step(random_start(seed), rate) for seed in range(200)]
    fallen[rate] = sum(after < before for before, after in steps)
    before_step, after_step[rate] = one_step({name: autodiff.CHAIN[name] for name in WEIGHTS}, rate)
    rows.append((rate, f"{before_step:.5f}", f"{after_step[rate]:.5f}", fallen[rate]))
falls.reveal(fallen[100])

# %%
table(("rate", "our loss before", "after", "losses that fall, of 200"), rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Same starts, same gradients, only the rate differs. Up to the rate 10 the loss falls in
# {{fallen[10]}} of 200 chains, at 100 in {{fallen[100]}}. In our own chain it is
# {{before_step:.5f}} before, {{after_step[10]:.5f}} after a step at the rate 10, and
# {{after_step[100]:.5f}} after one at 100. **A rate can be too large**: the gradient knows the
# slope here, not the valley beyond. What "too large" means depends on the network.
#
# </details>
#
# ## 7 From one neuron to a whole batch
#
# A layer computes `z = h @ W + b`: row k of h is example k, column j of W holds the weights of
# output j. Nothing new comes back, only more of it: weight W[i, j] multiplies h[k, i] in *every*
# example k, so what it gets from all of them adds up. Written as loops:

# %%
def layer_backward_slowly(h, W, dz):
    dW, db, dh = np.zeros_like(W), np.zeros(W.shape[1]), np.zeros_like(h)
    for k in range(len(h)):
        for i in range(W.shape[0]):
            for j in range(W.shape[1]):
                dW[i, j] += h[k, i] * dz[k, j]
                dh[k, i] += W[i, j] * dz[k, j]
    for k in range(len(h)):
        db += dz[k]
    return dW, db, dh

# %% [markdown]
# ### Yours: a layer's way back (core, 10 minutes)
#
# Write the same without loops: three short lines. The shapes nearly tell you how.

# %% tags=["stub"]
def layer_backward(h, W, dz):
    """Return (dW, db, dh) of the layer z = h @ W + b, when dz is the gradient of z."""
    ...

# %% tags=["solution"]
def layer_backward(h, W, dz):
    """Return (dW, db, dh) of the layer z = h @ W + b, when dz is the gradient of z."""
    return h.T @ dz, dz.sum(axis=0), dz @ W.T

# %%
checks.backprop.layer_backward(layer_backward)

# %% [markdown]
# <details><summary>The derivation, when you are done</summary>
#
# $\partial L/\partial W_{ij} = \sum_k h_{ki}\,dz_{kj}$: the sum runs over the examples, the
# *first* index of h, so h is transposed: `dW = h.T @ dz`. A bias is added in every row with
# the local derivative 1: `db = dz.sum(axis=0)`. And h[k, i] feeds all outputs j:
# $\partial L/\partial h_{ki} = \sum_j dz_{kj} W_{ij}$, so `dh = dz @ W.T`.
#
# </details>
#
# ## 8 How wrong is a network that names ten kinds?
#
# Its last layer gives ten numbers per image, the **logits** z. The **softmax** turns them into
# probabilities, and **cross-entropy** is the surprise at the right one, averaged over the examples:
#
# $$p_k = \frac{e^{z_k}}{\sum_j e^{z_j}} \qquad\qquad L = -\log p_{\text{right}}$$
#
# Logits of 1000 happen in a training that goes wrong. **Commit:** what does this formula give for
# the logits 1000 and 0?

# %%
far = predict.choice("softmax of 1000 and 0, typed as is", ["1 and 0", "½ and ½", "no number"])
far

# %%
with np.errstate(all="ignore"):
    typed = np.exp([1000.0, 0.0]) / np.exp([1000.0, 0.0]).sum()
shifted = np.exp([0.0, -1000.0]) / np.exp([0.0, -1000.0]).sum()
print("typed as is:", typed, "  after taking 1000 off both:", shifted)
far.reveal("no number" if np.isnan(typed[0]) else "1 and 0")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# e^1000 is more than a float can hold, and inf / inf is no number. But a softmax stays the same
# when one number is taken off all logits, since it cancels. So take off the largest.
#
# </details>
#
# Now the way back through both. Don't derive yet: nudge the logits of one example, and look. The
# right class is the third. **Commit:** which logits have a negative gradient, and should go up?

# %%
negative = predict.choice(
    "logits with a negative gradient", ["the right one", "all wrong ones", "those below 0"]
)
negative

# %%
logits, right = np.array([2.0, 0.5, 1.0, -1.0]), 2

def surprise(z):
    return np.log(np.exp(z).sum()) - z[right]

p = np.exp(logits) / np.exp(logits).sum()
nudged = numerical_gradient(surprise, logits)
negative.reveal("the right one" if list(np.flatnonzero(nudged < 0)) == [right] else "other")

# %%
rows = [(k + 1, f"{p[k]:.3f}", f"{nudged[k]:.3f}") for k in range(4)]
table(("class", "probability p", "gradient of the logit"), rows)

# %% [markdown]
# **Look before you read on:** what is the rule? Then derive it: write $L = \log \sum_j e^{z_j} -
# z_{\text{right}}$, and take the derivative by one logit.
#
# ### Yours: softmax and cross-entropy (core, 12 minutes)
#
# For a whole batch: logits of shape (n, classes), `y` the number of each row's right class.
# Return the mean loss, and its gradient by the logits. Logits of 1000 must not hurt it.

# %% tags=["stub"]
def softmax_loss(logits, y):
    """Return (mean cross-entropy, its gradient with respect to the logits)."""
    ...

# %% tags=["solution"]
def softmax_loss(logits, y):
    """Return (mean cross-entropy, its gradient with respect to the logits)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(y))
    dlogits = np.exp(log_p)
    dlogits[rows, y] -= 1
    return -log_p[rows, y].mean(), dlogits / len(y)

# %%
checks.backprop.softmax_loss(softmax_loss)

# %% [markdown]
# <details><summary>The derivation, when you are done</summary>
#
# $\log \sum_j e^{z_j}$ has the derivative $e^{z_k} / \sum_j e^{z_j} = p_k$. The second term gives
# −1 at the right class. Together $p_k - t_k$, with t = 1 at the right class and 0 elsewhere: the
# error itself, no slope left over. The mean over n examples divides by n.
#
# </details>
#
# ## 9 Train it with your own lines
#
# One part is missing: **mini-batches**. An **epoch** looks at every example once, in a new random
# order, a few at a time.
#
# ### Yours: cut an epoch into batches (core, 6 minutes)
#
# Return a list of arrays: the numbers 0 … count − 1, each once, shuffled with `rng`, in batches
# of `size`. The last batch takes what is left.

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

# %% [markdown]
# Now the network of section 1 again. Forward as there; back with your lines. (Where one of yours
# isn't right yet, the next cell takes the course's, and says so.)

# %%
parts = checks.backprop.parts(
    layer_backward=layer_backward, softmax_loss=softmax_loss, epoch=epoch
)
parts

# %%
def way_back_through(network, x, y):
    W1, b1, W2, b2 = network
    h = sigmoid(x @ W1 + b1)
    loss, dlogits = parts.softmax_loss(h @ W2 + b2, y)
    dW2, db2, dh = parts.layer_backward(h, W2, dlogits)
    dz = dh * h * (1 - h)
    dW1, db1, _ = parts.layer_backward(x, W1, dz)
    return loss, [dW1, db1, dW2, db2]

# %% [markdown]
# Ten epochs in batches of 50 are 100 updates, from the same five starts as the blind tries.
# **Commit:** where is the loss after them?

# %%
trained_to = predict.number("loss after 100 updates", low=0, high=2.5)
trained_to

# %%
def train_network(network, seed, rate=1.0, epochs=10, size=50):
    rng, losses = np.random.default_rng(seed), [loss_of_network(network, x_train, y_train)]
    for _ in range(epochs):
        for batch in parts.epoch(len(y_train), size, rng):
            _, gradients = way_back_through(network, x_train[batch], y_train[batch])
            network = [part - rate * d for part, d in zip(network, gradients, strict=True)]
            losses.append(loss_of_network(network, x_train, y_train))
    return network, losses

trained = [train_network(new_network(seed), seed) for seed in range(5)]
baseline = np.array([losses for _, losses in trained])
held = np.array([loss_of_network(network, x_held, y_held) for network, _ in trained])
trained_to.reveal(np.median(baseline[:, -1]))

# %%
plots.training_losses(
    {"blind tries": blind_losses[:, :101], "your gradients": baseline}, xlabel="try or update",
    guess=trained_to.value, low=0, alt="blind tries fall slowly, your gradients fast; 5 seeds each",
)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Your lines bring the loss to {{np.median(baseline[:, -1]):.2f}} ({{baseline[:, -1].min():.2f}} to
# {{baseline[:, -1].max():.2f}} over five seeds). The blind tries, from the same starts, are at
# {{np.median(blind_losses[:, 100]):.2f}} by then. On {{len(y_held)}} images it has never seen, the
# loss is {{np.median(held):.2f}} ({{held.min():.2f}} to {{held.max():.2f}}): higher, and lesson
# 09 is about that gap.
#
# Same network, same starts: what differs is the direction of the steps. So that was missing.
#
# And the patient of lesson 00? It is trained by the same lines, and learns nothing. So it is not
# the lines. Lesson 02 looks for the reason, layer by layer.
#
# </details>
#
# ## 10 Is it the same as in Keras?
#
# Keras has never seen your derivation. Give it the same start and the same batches. **Commit:**
# after 100 updates, are the weights the same?

# %%
same = predict.choice(
    "your weights and Keras's, after 100 updates",
    ["the same to a millionth", "the same to a hundredth", "quite different"],
)
same

# %%
keras = keras_models.keras()
model = keras.Sequential([
    keras.Input((784,), dtype="float64"),
    keras.layers.Dense(30, activation="sigmoid", dtype="float64"),
    keras.layers.Dense(10, dtype="float64"),
])
model.set_weights(new_network(0))
keras_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")

def keras_gradients(x, y):
    with tf.GradientTape() as tape:
        value = keras_loss(y, model(x))
    return tape.gradient(value, model.trainable_variables)

first = parts.epoch(500, 50, np.random.default_rng(0))[0]
_, mine = way_back_through(new_network(0), x_train[first], y_train[first])
theirs = [d.numpy() for d in keras_gradients(x_train[first], y_train[first])]
print("gradients of one batch,", gradcheck.agreement(zip(mine, theirs, strict=True)))

# %%
rng = np.random.default_rng(0)
for _ in range(10):
    for batch in parts.epoch(500, 50, rng):
        gradients = keras_gradients(x_train[batch], y_train[batch])
        for part, d in zip(model.trainable_variables, gradients, strict=True):
            part.assign_sub(1.0 * d)

after = list(zip(trained[0][0], model.get_weights(), strict=True))
print("weights after 100 updates,", gradcheck.agreement(after))
same.reveal("the same to a millionth" if gradcheck.agrees(after) else "quite different")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The same, to a millionth and better, in float64. There is no secret in the library:
# `tape.gradient` is your `way_back_through`, for any network. From now on machines walk back, and
# you know what they do.
#
# </details>
#
# ## 11 How many examples for one step?
#
# **Full batch**: all examples, then one update. **One at a time**: an example, an update.
# **Mini-batch**: between. To *see* them we need two weights only: one neuron that tells shirts
# from dresses by two numbers, the brightness of an image's middle and of its sides. p = σ(x · w) is
# the probability of a shirt (y = 1), and the loss −log of the right answer's probability.
#
# Its gradient is short. It is a softmax over the logits z and 0, so dz = p − y, as you derived.
# The other factor of w is x: the gradient of one example is (σ(x · w) − y) · x. Write it, and
# nudge it.

# %%
x, y = two_weights.brightness_of_dresses_and_shirts()

def mean_loss(w):
    p = sigmoid(x @ w)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

def mean_gradient(w, batch):
    dz = sigmoid(x[batch] @ w) - y[batch]
    return (dz[:, None] * x[batch]).mean(axis=0)

start = np.array([3.0, -2.0])
everyone = np.arange(256)
pair = [(mean_gradient(start, everyone), numerical_gradient(mean_loss, start))]
print(gradcheck.agreement(pair))

# %% [markdown]
# All walk from (3, −2) at the rate 1, and look at 512 examples: two epochs. **Commit:** which batch
# size gets lowest?

# %%
lowest_size = predict.choice("lowest after two epochs at rate 1", ["1", "16", "256"])
lowest_size

# %%
def losses_along(size, seed, rate=1.0, epochs=2):
    rng, w = np.random.default_rng(seed), start
    losses = [mean_loss(w)]
    for _ in range(epochs):
        for batch in two_weights.batches(256, size, rng):
            w = w - rate * mean_gradient(w, batch)
            losses.append(mean_loss(w))
    return np.array(losses)

ends = {
    size: np.array([losses_along(size, seed)[-1] for seed in range(9)]) for size in (1, 16, 256)
}
medians = {size: np.median(found) for size, found in ends.items()}
lowest_size.reveal(str(min(medians, key=medians.get)))

# %%
rows = [
    (size, 512 // size, f"{medians[size]:.2f}", f"{found.min():.2f} to {found.max():.2f}")
    for size, found in ends.items()
]
table(("batch size", "updates", "loss, median of 9 seeds", "range"), rows)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# At this one rate, 16 ends at {{medians[16]:.2f}}, single examples at {{medians[1]:.2f}}, the full
# batch, with two updates, at {{medians[256]:.2f}}. Small batches step often and noisily: means over
# B examples spread like $1/\sqrt{B}$. [Deeper](deeper/01_how_noisy_is_a_batch.ipynb) measures
# that, and gives each batch size its own best rate.
#
# </details>
#
# What does an update cost? In arithmetic, B examples cost B times one. Let the clock judge, with
# the network of section 9: 256 images in one batch, and the same images one by one.

# %%
from time import perf_counter

def seconds(size):
    begun = perf_counter()
    for k in range(0, 256, size):
        way_back_through(new, x_train[k : k + size], y_train[k : k + size])
    return perf_counter() - begun

new = new_network(0)
ratio = min(seconds(1) for _ in range(5)) / min(seconds(256) for _ in range(20))
print("one by one / together:", "more than 2" if ratio > 2 else f"{ratio:.1f}")

# %% [markdown]
# The examples of a batch don't wait for each other: one product of matrices computes them **in
# parallel**. So people train with batches of {{given("32", "Bengio 2012, arXiv 1206.5533")}} to
# some hundreds.
#
# Drag it: the paths on the surface, gray lines join equal losses.

# %%
labs.minibatch_lab()

# %% [markdown]
# 1. **Batch size from `16` down to `1`, then up to `256`.** The green path frays, then straightens.
# 2. **Learning rate `10`.** Who profits, who is thrown about?
# 3. **Learning rate `0.1`, epochs `4`.** Why do trainings often end with a small rate?
#
# <details><summary>What you saw</summary>
#
# At `10` the full batch gets near in two steps, and small batches are thrown about: a small batch
# wants a small rate. At `0.1` single examples arrive and stay close: short steps damp the noise.
#
# </details>
#
# ### Yours: read the figure (4 minutes)
#
# Three batch sizes, 1, 16 and 256, in some order: two epochs at the rate 1 from the same start.
# Which curve is which? Say why before you run the check.

# %%
SHOWN = dict(zip("ABC", checks.backprop.SIZES_SHOWN.values(), strict=True))
plots.training_losses(
    {name: losses_along(size, 0) for name, size in SHOWN.items()},
    x={name: np.linspace(0, 2, 512 // size + 1) for name, size in SHOWN.items()},
    xlabel="epochs", low=0, alt="three curves of the loss, A, B and C, over two epochs",
)

# %% tags=["stub"]
sizes = {"A": ..., "B": ..., "C": ...}

# %% tags=["solution"]
sizes = {"A": 16, "B": 256, "C": 1}

# %%
checks.backprop.which_is_which(sizes)

# %% [markdown]
# ## 12 Do small batches avoid poor valleys?
#
# One often reads so. The surface above has one valley only, and can't tell. Here are two that can:
# one weight w, p = sin(w · x), 64 examples. On the left all of them ask for w =
# {{valleys.SLOW:.0f}}; the valley near {{valleys.FAST:.0f}} is poor and shallow. On the right 30 %
# ask for {{valleys.FAST:.0f}}, and the poor valley is deep.

# %%
w = np.linspace(2, 17, 400)
surfaces = {"a shallow poor valley": 0.0, "a deep poor valley": 0.3}
plots.loss_valleys(
    w, {name: valleys.loss(w, *valleys.examples(share)) for name, share in surfaces.items()},
    starts=(valleys.FROM, valleys.TO), alt="two losses over one weight, each with two valleys",
)

# %% [markdown]
# 24 runs start in the poor valley, and look at 50 epochs of examples. Each batch size gets its
# best of many rates, chosen on other seeds. **Commit:** how many of 24 runs with batches of 4 get
# from the shallow poor valley to the low one?

# %%
escapes = predict.number("runs of 24 that leave the shallow valley", low=0, high=24)
escapes

# %%
found = {
    (name, size): valleys.at_best_rate(share, size)
    for name, share in surfaces.items()
    for size in (64, 16, 4)
}
shallow, deep = ("a shallow poor valley", 4), ("a deep poor valley", 4)
escapes.reveal(found[shallow].escaped)

# %%
heads = ("valley", "batch size", "best rate", "of 24 in the low valley", "loss, median", "range")
table(heads, [(*key, *end.row) for key, end in found.items()])

# %% [markdown]
# Is it the *noise*, or something else about small batches? Change the noise alone. Take the full
# batch, at the rate of the batches of 4 and with as many updates. Then add random noise to its
# gradient, as strong as theirs.

# %%
options = {"batch_size": 64, "rate": found[shallow].rate, "updates": 800, "seeds": 24}
quiet = valleys.ends(0.0, **options)
noisy = valleys.ends(0.0, **options, noise_of=4)
print(f"full batch, same rate and updates: {quiet.escaped} of 24 get out")
print(f"the same with noise added:         {noisy.escaped} of 24 get out")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# **What holds.** From the *shallow* valley {{found[shallow].escaped}} of 24 runs with batches of 4
# get out, with the full batch {{found["a shallow poor valley", 64].escaped}}. And it is the noise:
# the full batch gets out in {{noisy.escaped}} runs with noise added, and in {{quiet.escaped}}
# without it, at the same rate and number of updates.
#
# **What does not.** From the *deep* valley {{found[deep].escaped}} of 24 runs with batches of 4 get
# out. Their losses end between {{found[deep].losses.min():.2f}} and
# {{found[deep].losses.max():.2f}}, where the full batch ends at
# {{np.median(found["a deep poor valley", 64].losses):.2f}} every time: some end *worse* than if
# they had stayed. Noise that can climb out can also throw you elsewhere.
#
# So: noise can lead out of valleys that are shallow compared with it. It does not know which
# valley is better. And these are surfaces of one weight. Whether large networks meet such valleys
# is another question.
#
# </details>
#
# ## 13 Yours: a challenge and an experiment
#
# ### Challenge: 512 examples (10 minutes)
#
# On the surface of section 11, from the same start, you may look at {{checks.backprop.BUDGET}}
# examples. Write `plan(k)`: the batch size and the learning rate of update k, counted from 0. The
# score is how far above the lowest loss you end, in the median of
# {{len(checks.backprop.PLAN_SEEDS)}} seeds. Below {{checks.backprop.PASS:.1%}} passes. How low can
# you get?

# %% tags=["stub"]
def plan(k):
    """Return (batch size, learning rate) of update k."""
    ...

# %% tags=["solution"]
def plan(k):
    """Return (batch size, learning rate) of update k."""
    return 8, 8 / (1 + k / 5)

# %%
checks.backprop.plan(plan)

# %% [markdown]
# ### Experiment: change one thing (15 minutes)
#
# Ask a question of your own about the network of section 9: another rate, batch size, start (what
# if all weights start at 0?), a slope you leave out of `way_back_through`. Change *one* thing, keep
# the five seeds and the number of updates, save the run, and see whether you may claim anything.

# %% tags=["stub"]
mine = ...

# %% tags=["solution"]
mine = [train_network(new_network(seed), seed, rate=0.3)[1] for seed in range(5)]
runs.save("baseline, rate 1", loss=np.median(baseline, axis=0))
runs.save("rate 0.3", loss=np.median(mine, axis=0))

# %%
checks.backprop.experiment(baseline, mine)

# %% [markdown]
# Save yours with `runs.save("my idea", loss=np.median(mine, axis=0))`, and come back with another.

# %%
runs.compare()

# %%
predict.summary()

# %% [markdown] tags=["given"]
# ## Summary
#
# - Forward, every node computes its value. Backward, it hands to its inputs its own gradient times
#   the local derivative; what arrives from several sides adds up.
# - For a batch: `dW = h.T @ dz`, `db = dz.sum(axis=0)`, `dh = dz @ W.T`; at the loss (p − t) / n.
# - A late weight needs what came before it; an early weight's gradient is a product of all that
#   comes after it.
# - A short step against the gradient lowers the loss; a long one can raise it.
# - Small batches give many noisy updates. The noise can lead out of shallow valleys, and does not
#   know which valley is better.
#
# ## What to do in practice
#
# 1. Let a library walk back. Nudge every derivative of your own, in float64.
# 2. When the loss rises from the first steps on, divide the learning rate by ten.
# 3. Take a batch size that your machine computes fast, {{given("32", "Bengio 2012")}} to 256, then
#    look for the learning rate.
# 4. A gradient of exactly 0 has a reason: an input or a weight that is 0, or a flat activation.
#
# ## Further reading
#
# - [Rumelhart, Hinton and Williams 1986](https://www.nature.com/articles/323533a0): the letter
#   that made backpropagation known.
# - [CS231n, Backpropagation, Intuitions](https://cs231n.github.io/optimization-2/): the same kind
#   of graph, with more examples.
# - [micrograd](https://github.com/karpathy/micrograd): a whole engine in some 150 lines.
# - [Bottou, Curtis and Nocedal 2018](https://arxiv.org/abs/1606.04838): what is known about
#   batches, noise and learning rates.
#
# The lesson before: [00 Start here](00_start_here.ipynb). Go on with [02 Watch gradients
# vanish](02_watch_gradients_vanish.ipynb): the same way back, through ten layers and a hundred.
