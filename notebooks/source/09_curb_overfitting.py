# %% [markdown]
# # Curb over-fitting
#
# You will watch a network learn its images by heart, and build the two usual remedies from
# scratch: penalties on the weights, and dropout. You will measure what each does and how much it
# helps.
#
# *About 120 minutes. You should know how to train a small network
# ([01 Backpropagate by hand](01_backpropagate_by_hand.ipynb)) and what batch normalization is
# ([06 Derive batch normalization](06_derive_batch_normalization.ipynb)). The lesson before:
# [08 Train a hundred layers](08_train_a_hundred_layers.ipynb). The lesson after:
# [10 Augment the data](10_augment_the_data.ipynb).*
#
# ## What you will learn
#
# After this lesson you can
#
# - tell over-fitting from two curves, and say which of them to trust;
# - choose between L1 and L2, and explain why one gives zeros and the other doesn't;
# - write dropout forward and backward, in both of its forms, and prove it right;
# - say what is averaged in testing, where that average is exact and where it is not;
# - judge from several seeds whether a remedy has helped.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    L1, L2, activations, checks, cross_entropy, data, dense_stack, dropout, famous, keras_models,
    labs, normalization, numerical_gradient, penalties, plots, randomness, relative_error, table,
    train,
)

# %% [markdown]
# ## 1 Has it learned clothes, or these images?
#
# A network gets `500` images, shrunk to 14 × 14 pixels so that a run takes a moment, and one
# hidden layer of 100 units. It takes 1,000 steps, on 25 of them each. Beside them lie `2,000`
# images that it never sees.
#
# **Predict:** will the loss on the new images fall, stand still, or rise, once the training
# images are all right?

# %%
X, Y = data.load_batch(2500, dtype=np.float64)
X = X.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)
x, y, x_new, y_new = X[:500], Y[:500], X[500:], Y[500:]

def norm(model):
    return np.sqrt(sum(np.sum(layer.W**2) for layer in model.layers if layer.kind == "dense"))

def state(model):
    losses = [cross_entropy(model.logits(a), b)[0] for a, b in ((x, y), (x_new, y_new))]
    return model.accuracy(x, y), model.accuracy(x_new, y_new), *losses, norm(model)

# %%
def learn(model, seed, penalty=None, after_step=None, steps=1000):
    rng = np.random.default_rng(seed)
    _ = train(
        model, x, y, learning_rate=0.1, steps=steps, batch_size=25,
        penalty=penalty, rng=rng, after_step=after_step,
    )
    return model

def network(seed, *hidden, dropout=0.0):
    return dense_stack(
        (196, *(hidden or (100,)), 10), dropout=dropout, rng=np.random.default_rng(seed)
    )

def told(values, form=".2f"):
    return f"{np.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"

def watched(seed):  # the state after every 50 steps
    model, states = network(seed), []
    learn(
        model,
        seed,
        after_step=lambda step, *_: states.append(state(model)) if step % 50 == 49 else None,
    )
    return states

# %%
runs = [watched(seed) for seed in range(5)]
right, right_new, loss, loss_new, norms = np.moveaxis(runs, 2, 0)
columns = {"right": right, "right, new": right_new, "gap": right - right_new}
columns |= {"loss": loss, "loss, new": loss_new, "norm": norms}
forms = (".0%", ".0%", ".0%", ".2f", ".2f", ".1f")
for k in (0, 5, 19):
    told_now = (
        f"{name} {told(v[:, k], form)}"
        for (name, v), form in zip(columns.items(), forms, strict=True)
    )
    print(f"step {50 * k + 50}:", ", ".join(told_now))
assert min(columns["gap"][:, -1]) > 0.05  # with every seed
panels = {"share of right answers": {"training images": right, "new images": right_new}}
panels |= {
    "loss": {"training": loss, "new": loss_new},
    "norm of the weights": {"all weights": norms},
}
plots.seed_bands(
    panels, range(50, 1001, 50), xlabel="step", alt="training and new images part; the weights grow"
)

# %% [markdown]
# Each training image has been seen {{words(1000 * 25 / len(x))}} times. At the end they are right
# but for at most {{words(round(len(x) * (1 - right[:, -1].min())))}}, and of the new ones
# {{np.median(right_new[:, -1]):.0%}}. What lies between, the **gap**, has grown from
# {{np.median(columns["gap"][:, 0]):.0%}} to {{np.median(columns["gap"][:, -1]):.0%}}. A network
# that does better on what it has seen than on what it hasn't is **over-fitting**; how well it
# does on new images is how well it **generalizes**.
#
# Two curves tell more than one. The share of right answers on new images creeps up and stays.
# Their *loss* falls to {{np.median(loss_new.min(axis=1)):.2f}} at its lowest and rises again to
# {{np.median(loss_new[:, -1]):.2f}}: the network makes the same mistakes, and grows surer of
# them. Meanwhile the weights grow, from a norm of {{np.median(norms[:, 0]):.1f}} to
# {{np.median(norms[:, -1]):.1f}}. Once nearly all training images are right, their loss can be
# lowered only by being surer, and that takes larger weights.
#
# ## 2 Do more parameters make it worse?
#
# More parameters can fit more, so they should over-fit more, and with larger weights. That is the
# usual story.
#
# **Predict:** which of these five widths does best on new images?

# %%
rows, sizes, ends, growth = [], {}, {}, {}
for width in (3, 10, 30, 100, 300):
    sizes[width] = 207 * width + 10
    starts = [norm(network(seed, width)) for seed in range(5)]
    ends[width] = np.transpose([state(learn(network(seed, width), seed)) for seed in range(5)])
    growth[width] = ends[width][4] / starts
    shown = zip(ends[width], (".0%", ".0%", ".2f", ".2f"), strict=False)
    told_ends = (told(values, form) for values, form in shown)
    rows.append((f"{sizes[width]:,}", *told_ends, told(growth[width])))
print(table(("parameters", "right", "right, new", "loss", "loss, new", "norm, end / start"), rows))

# %% [markdown]
# The usual story does not hold here. The widest network has about
# {{about(sizes[300] / sizes[3])}} times the parameters of the narrowest, and the most right on
# new images: {{np.median(ends[300][1]):.0%}}. Its loss there is {{np.median(ends[300][3]):.2f}},
# lower than that of the narrower ones that learn the training images too
# ({{np.median(ends[10][3]):.2f}}, {{np.median(ends[30][3]):.2f}},
# {{np.median(ends[100][3]):.2f}}). Its weights have grown least: {{np.median(growth[300]):.2f}}
# times, against {{np.median(growth[10]):.2f}} times for 10 units. With many units, each has to
# change only a little.
#
# Training by small steps hides something. So let us take the lowest point of the loss itself. We
# draw a hidden layer of ReLU units and leave it as it is. Only the last layer is fitted, to 200
# images, by least squares, which has an exact solution. (Where there are many, we take the one
# with the smallest weights.)
#
# **Predict:** 200 images, 10 to 1,500 units. Where is the answer worst?

# %%
def fitted(units, seed, strength=0.0):
    V = np.random.default_rng(seed).standard_normal((196, units)) / 14
    F, F_new, targets = np.maximum(x[:200] @ V, 0), np.maximum(x_new @ V, 0), np.eye(10)[y[:200]]
    if strength:  # section 5 derives this line
        W = np.linalg.solve(F.T @ F / 200 + 2 * strength * np.eye(units), F.T @ targets / 200)
    else:
        W = np.linalg.lstsq(F, targets)[0]
    shares = [
        np.mean((f @ W).argmax(axis=1) == labels) for f, labels in ((F, y[:200]), (F_new, y_new))
    ]
    return *shares, np.linalg.norm(W)

# %%
units = (10, 30, 60, 100, 150, 200, 270, 400, 700, 1500)
found = {s: np.array([[fitted(u, seed, s) for u in units] for seed in range(5)]) for s in (0, 0.01)}
rows = [
    (u, *(told(found[0][:, k, i], f) for i, f in enumerate((".0%", ".0%", ".1f"))))
    for k, u in enumerate(units)
]
print(table(("units", "right", "right, new", "norm of the weights"), rows))
print(
    "L2, 200 units:",
    ", ".join(told(found[0.01][:, 5, i], f) for i, f in enumerate((".0%", ".0%", ".1f"))),
)
middle = {s: np.median(v, axis=0) for s, v in found.items()}
assert middle[0][5, 1] < middle[0.01][5, 1]
names = {0: "no penalty", 0.01: "L2 penalty, section 3"}
panels = {
    t: {names[s]: v[..., i] for s, v in found.items()}
    for i, t in ((0, "right, training"), (1, "right, new"), (2, "norm"))
}
plots.seed_bands(
    panels,
    units,
    xlabel="units",
    log=("norm",),
    log_x=True,
    mark=200,
    alt="worst at 200 units, then better than ever",
)

# %% [markdown]
# Up to {{units[middle[0][:5, 1].argmax()]}} units more is better. Then new images get worse while
# the training images get better, as the usual story tells, until at
# {{units[middle[0][:, 1].argmin()]}} units, one for each image, only {{middle[0][5, 1]:.0%}} are
# right. There just one set of weights meets every target exactly, and these are huge: their norm
# is {{middle[0][5, 2]:.1f}}. Beyond, the story turns. With 1,500 units many sets of weights do,
# the smallest among them have a norm of {{middle[0][-1, 2]:.1f}}, and {{middle[0][-1, 1]:.0%}}
# are right. This is called **double descent**.
#
# So it is not the number of parameters that counts, but the weights they are given. With a
# penalty on large weights the peak is gone: at 200 units the norm is {{middle[0.01][5, 2]:.1f}},
# and again {{middle[0.01][5, 1]:.0%}} are right. Whatever narrows the gap is **regularization**
# (lesson 06). The next sections build two kinds.
#
# ## 3 Two pulls toward zero
#
# A **penalty** is a term added to the loss that grows with the weights. Two are in use:
#
# - **L2**, or **ridge**: $\lambda \sum w^2$. Its gradient is $2 \lambda w$, so a step does
#   $w \leftarrow (1 - 2 \eta \lambda)\,w - \eta\,dw$. Each weight decays by the same *share*: hence
#   **weight decay**.
# - **L1**, or **lasso**: $\lambda \sum |w|$. Its gradient is $\lambda\,\mathrm{sign}(w)$. Each
#   weight is moved by the same *amount*.
#
# Biases are left alone. λ says how much the penalty counts. (This is Keras's convention. Where a
# library writes $\frac{\lambda}{2} \sum w^2$, as PyTorch's `weight_decay` does in effect, its λ
# is twice ours.)
#
# We take a trained network and go on for 500 steps, with each penalty. Its first layer's weights
# are sorted by size into fifths.
#
# **Predict:** which fifth loses most under L2, and which under L1?

# %%
choices, before, lost = {"without": None, "L2": L2(0.003), "L1": L1(0.001)}, {}, {}
for name, penalty in choices.items():
    model = learn(network(0), 0)
    W0 = np.abs(model.layers[0].W).ravel()
    W = np.abs(learn(model, 1, penalty, steps=500).layers[0].W).ravel()
    fifths = np.array_split(np.argsort(W0), 5)
    before = [np.median(W0[i]) for i in fifths]
    lost[name] = [np.median((W0 - W)[i]) for i in fifths]
shares = {name: np.divide(lost[name], before) for name in ("L2", "L1")}
rows = [
    (f"{k + 1}", b, *(lost[n][k] for n in choices), *(f"{shares[n][k]:.0%}" for n in shares))
    for k, b in enumerate(before)
]
print(
    table(
        ("fifth", "size before", "lost without", "lost, L2", "lost, L1", "share, L2", "share, L1"),
        rows,
        digits=2,
    )
)
assert lost["L2"][4] / lost["L2"][0] > 2 * lost["L1"][4] / lost["L1"][0]

# %% [markdown]
# **L2: the large ones lose most.** The largest fifth loses {{lost["L2"][4]:.3f}}, the smallest
# {{lost["L2"][0]:.3f}}. As a share it is nearly the same for all: {{min(shares["L2"]):.0%}} to
# {{max(shares["L2"]):.0%}}. **L1: all lose about as much.** From the third fifth on it is
# {{min(lost["L1"][2:]):.3f}} to {{max(lost["L1"][2:]):.3f}}. A weight of {{before[0]:.3f}} can't
# lose that much: the smallest fifth loses {{shares["L1"][0]:.0%}} and lies near 0. Without a
# penalty, all fifths go on growing a little.
#
# ## 4 Does L1 make zeros?
#
# "With L1 most weights become zero" is what is told. Gradient descent rarely lands on 0, though:
# a small weight is pulled across 0, then back. The **soft threshold** mends that. Take the step
# without the penalty, then move each weight toward 0 by ηλ, and where it would cross 0, leave it
# there.
#
# **Predict:** what share of the first layer's weights is below 0.001 in size at the end? What
# share is exactly 0?

# %%
from functools import cache

@cache
def trained(seed, penalty, dropout):
    return learn(network(seed, dropout=dropout), seed, penalty)

def soft_steps(seed, strength):
    model = network(seed)
    def shrink(*_):
        for layer in model.layers[::2]:  # the two dense ones
            layer.W[:] = penalties.soft_threshold(layer.W, 0.1 * strength)
    return learn(model, seed, after_step=shrink)

chosen = {
    "without": None,
    "L2, λ = 0.003": L2(0.003),
    "L1, λ = 0.001": L1(0.001),
    "L1, λ = 0.003": L1(0.003),
}
makers = {
    name: lambda seed, penalty=penalty: trained(seed, penalty, 0)
    for name, penalty in chosen.items()
}
makers |= {
    f"L1 by soft threshold, λ = {s}": lambda seed, s=s: soft_steps(seed, s) for s in (0.001, 0.003)
}

# %%
made = {name: [make(seed) for seed in range(5)] for name, make in makers.items()}
sizes = {name: [np.abs(model.layers[0].W) for model in five] for name, five in made.items()}
near = {name: [np.mean(W < 0.001) for W in five] for name, five in sizes.items()}
zeros = {name: [np.mean(W == 0) for W in five] for name, five in sizes.items()}
largest = {name: [W.max() for W in five] for name, five in sizes.items()}
scores = {name: [state(model)[1] for model in five] for name, five in made.items()}
measured = ((near, ".0%"), (zeros, ".0%"), (largest, ".2f"), (scores, ".0%"))
rows = [(name, *(told(values[name], form) for values, form in measured)) for name in made]
print(table(("", "below 0.001", "exactly 0", "largest", "right, new"), rows))
assert min(near["L1, λ = 0.001"]) > 5 * max(near["L2, λ = 0.003"])

# %%
def kept_weights(penalty, steps=(0, 99, 299, 999)):  # the first layer's, after some steps
    model, kept = network(0), {}
    def keep(step, *_):
        if step in steps:
            kept[f"step {step + 1}"] = model.layers[0].W.copy()
    learn(model, 0, penalty, after_step=keep)
    return kept

histograms = {name: kept_weights(penalty) for name, penalty in choices.items()}
plots.weight_histograms(
    histograms, reach=0.4, alt="without: wider; L2: narrower; L1: a needle at 0, and few large ones"
)

# %% [markdown]
# At a λ that costs little, not most. L1 at 0.001 brings {{np.median(near["L1, λ = 0.001"]):.0%}}
# of the weights near 0, where L2 and no penalty have
# {{np.median(near["L2, λ = 0.003"] + near["without"]):.0%}}; exactly 0 is none until the soft
# threshold is used, and then {{np.median(zeros["L1 by soft threshold, λ = 0.001"]):.0%}}. At
# 0.003 it is most, {{np.median(near["L1 by soft threshold, λ = 0.003"]):.0%}} near 0 and
# {{np.median(zeros["L1 by soft threshold, λ = 0.003"]):.0%}} exactly, but now fewer new images
# are right: {{np.median(scores["L1 by soft threshold, λ = 0.003"]):.0%}}. The noise of the small
# batches keeps kicking weights off 0.
#
# In the histograms (their height is a log axis) L2 pulls the sides in, so that the whole becomes
# narrower. L1 grows a needle at 0, while the largest weights stay:
# {{np.median(largest["L1, λ = 0.001"]):.2f}} against {{np.median(largest["L2, λ = 0.003"]):.2f}}
# under L2.
#
# ## 5 Derivation: why L1 gives zeros and L2 doesn't
#
# Near its lowest point $b$ a loss is a bowl, $\frac12 (w - b)^T H (w - b)$, with curvatures $h$:
# the eigenvalues of $H$ (lesson 05).
#
# 1. L2: the slope of bowl and penalty together is $H (w - b) + 2 \lambda w$. It is 0 at the
#    solution.
# 2. So $(H + 2 \lambda I)\,w = H b$: one line of linear algebra, which section 2 has used.
# 3. In the direction of an eigenvector: $w = \frac{h}{h + 2 \lambda}\,b$. Never 0 unless $b$ is.
#    Directions in which the loss is flat, small $h$, shrink most.
# 4. L1, one weight, $w > 0$: the slope is $h (w - b) + \lambda$, which is 0 at
#    $w = b - \lambda / h$.
# 5. If $h b < \lambda$, that would be below 0, so no $w > 0$ is lowest; nor any $w < 0$. The
#    solution is $w = 0$, exactly: a soft threshold.
# 6. So zeros come where the data's pull at 0, $h |b|$, is weaker than λ. L2's own pull fades at 0
#    and never wins.
#
# We check it with two weights. They weigh the brightness of the upper and of the lower half of an
# image, to tell 100 dresses and shirts apart (targets −1 and 1).

# %%
images, labels = data.load_batch(2000, standardize=False, dtype=np.float64)
chosen = np.flatnonzero(np.isin(labels, (3, 6)))[:100]
halves = images[chosen].reshape(100, 2, 392).mean(axis=2)
halves = (halves - halves.mean(axis=0)) / halves.std(axis=0)
target = np.where(labels[chosen] == 6, 1.0, -1.0)
H, b = halves.T @ halves / 100, np.linalg.lstsq(halves, target - target.mean())[0]
h, vectors = np.linalg.eigh(H)
for s in (0.01, 0.1, 1):
    w1 = w2 = np.zeros(2)
    for _ in range(2000):  # gradient descent, for L1 with the soft threshold
        w1 = penalties.soft_threshold(w1 - 0.3 * H @ (w1 - b), 0.3 * s)
        w2 = w2 - 0.3 * (H @ (w2 - b) + L2(s).gradient(w2))
    assert np.allclose((penalties.lasso(H, b, s), penalties.ridge(H, b, s)), (w1, w2))
    assert np.allclose(vectors.T @ w2, h / (h + 2 * s) * (vectors.T @ b))  # step 3

# %%
solved = {
    s: (*penalties.ridge(H, b, s), *penalties.lasso(H, b, s)) for s in (0, 0.01, 0.03, 0.1, 0.3, 1)
}
rows = [(f"{s:g}", *(f"{w + 0:.2f}" for w in weights)) for s, weights in solved.items()]
print(table(("λ", "L2: upper", "lower", "L1: upper", "lower"), rows))
plots.constraints(
    H,
    b,
    0.1,
    labels=("weight of the upper half", "weight of the lower half"),
    alt="L1's solution sits in a corner, L2's on a circle",
)

# %% [markdown]
# The picture says the same. To lower loss plus penalty is to go as low as the penalty's limit
# allows: a circle for L2, a diamond for L1. The solution is where a contour of the loss first
# touches it. A diamond has corners, and the corners lie on the axes, where a weight is 0. At λ =
# 0.1 the lower half's weight is {{penalties.lasso(H, b, 0.1)[1] + 0:.2f}} under L1 and
# {{penalties.ridge(H, b, 0.1)[1]:.2f}} under L2. (At 0.3 L2 gives
# {{penalties.ridge(H, b, 0.3)[1]:.2f}}: on its way from {{b[1]:.2f}} it has passed through 0,
# without stopping.)
#
# The lab has the same two weights on the left. On the right are 49, one for each pixel of the
# same images at 7 × 7.

# %%
labs.weight_decay_lab()

# %% [markdown]
# Three things to try:
#
# 1. **Move λ from 0 upward, under L1.** One pixel after another goes out, and the error on new
#    images falls before it rises. At λ = 1 every weight is 0, and the error that of always giving
#    the same answer.
# 2. **The same under L2.** All pixels grow pale together, and the image of the weights gets
#    smoother, since neighboring pixels share the work. None goes out (two are always dark and
#    have no say in either).
# 3. **Pullover or Coat, then 400 training images.** These two are hard to tell apart. With 49
#    weights and 100 images there is room for over-fitting: at λ = 0 the errors lie far apart, and
#    a penalty brings the error on new images to less than half. With 400 images they lie closer,
#    there is less to gain, and a smaller λ does it.
#
# ## 6 Dropout: units off at random
#
# **Dropout** switches each unit of a layer off with a probability, the **rate**, at random and
# anew for every image and every step. Which units are on is the **mask**. In testing all units
# are on.
#
# With fewer units on, the next layer gets less. There are two ways to make up for it:
#
# - **vanilla** dropout, as first published: in testing, multiply by the probability 1 − rate of
#   being on;
# - **inverted** dropout, which libraries use: in training, divide by 1 − rate. Testing needs
#   nothing.
#
# The way back is short. A unit that was off passed nothing on, so no gradient comes through it;
# one that was on is multiplied by the same factor.
#
# **Predict:** does a central difference through a random layer agree with that?

# %%
def dropout_forward(h, rate, rng):
    kept = rng.random(h.shape) >= rate
    return h * kept / (1 - rate), kept

def dropout_backward(dout, kept, rate):
    return dout * kept / (1 - rate)

(h, dout), fresh = np.random.default_rng(0).standard_normal((2, 6, 8)), np.random.default_rng(2)
out, kept = dropout_forward(h, 0.5, np.random.default_rng(1))
assert np.array_equal(out, dropout.dropout_forward(h, 0.5, rng=np.random.default_rng(1))[0])
loss_of = {
    "mask held still": lambda h: np.sum(dout * dropout_forward(h, 0.5, np.random.default_rng(1))[0])
}
loss_of["a new mask each time"] = lambda h: np.sum(dout * dropout_forward(h, 0.5, fresh)[0])
for name, f in loss_of.items():
    error = relative_error(dropout_backward(dout, kept, 0.5), numerical_gradient(f, h))
    print(f"{name}: agrees to 1e-6: {error < 1e-6}")

# %% [markdown]
# It agrees while the mask is held still. With a new mask each time the loss itself jumps between
# the two calls of a difference, and comparing is meaningless. To check a random layer, fix its
# randomness.
#
# Now the averages. A layer's activations $h$ are passed through both forms, each with 10,000 masks.
#
# **Predict:** which of the numbers in a row agree with each other?

# %%
def hidden(model, images):  # activations of the first hidden layer
    return next(c.output for c in model.forward(images) if c.layer.kind == "activation")

h, rng, rows = hidden(trained(0, None, 0), x[:1]), np.random.default_rng(0), []
for rate in (0.2, 0.5, 0.8):
    vanilla, _ = dropout.vanilla_dropout_forward(np.tile(h, (10_000, 1)), rate, rng=rng)
    inverted, _ = dropout.dropout_forward(np.tile(h, (10_000, 1)), rate, rng=rng)
    still = dropout.vanilla_dropout_testing(h, rate)
    rows.append((rate, *(f"{a.mean():.2f}" for a in (vanilla, still, inverted, h))))
    assert np.abs(vanilla.mean(axis=0) - still).max() < 0.3
    assert np.abs(inverted.mean(axis=0) - h).max() < 0.3
print(table(("rate", "vanilla: training", "testing", "inverted: training", "testing"), rows))

# %% [markdown]
# In each form training and testing agree: {{rows[0][1]}} and {{rows[0][2]}} at a rate of
# {{rows[0][0]}} for vanilla, {{rows[0][3]}} and {{rows[0][4]}} for inverted dropout. Only the
# place of the scaling differs. The inverted form leaves testing alone, so a network can be used
# without knowing that it was trained with dropout, or at what rate.
#
# The lab draws a small network, with a new mask at each draw.

# %%
labs.dropout_lab()

# %% [markdown]
# Three things to try:
#
# 1. **Move the draw.** The outputs of single passes (squares) jump about. Their mean (dots) comes
#    to rest near the average over all masks.
# 2. **Raise the rate to 0.8.** Passes jump much more, and sometimes a whole layer is off. Far
#    more draws would be needed, since what is left is multiplied by {{1 / (1 - rate):.0f}}.
# 3. **Look at the bar and the diamond.** They are close, but not the same: the next section asks
#    why. Set the rate to 0 and they meet. With vanilla dropout both shrink alike: training loses
#    units, and testing is scaled down.
#
# ## 7 Is testing the average of all the thinned networks?
#
# A mask leaves a smaller network. With 12 hidden units there are $2^{12} = 4096$ masks, and as
# many networks, all with the same weights. Training with dropout trains them all, a little each.
# Several networks that answer together are an **ensemble**, and the average answer of an ensemble
# is usually better than that of one member.
#
# Testing uses the whole network *once*. Is that the average over the masks? With so few units we
# can list all masks and need no sampling. The 12 units stand in one hidden layer, in two, or in
# three; the weights are random, 100 draws each.
#
# **Predict:** in which of the three is the whole network's output the exact average?

# %%
from itertools import pairwise

masks, whole = dropout.all_masks(12), np.ones((1, 12), bool)
chances = dropout.mask_probabilities(masks, 0.5)

def both_answers(layers, seed):  # of one random network, for one image
    rng, sizes = np.random.default_rng(seed), (196, *layers, 1)
    weights = [rng.standard_normal((m, n)) * np.sqrt(2 / m) for m, n in pairwise(sizes)]
    outputs = dropout.thinned_outputs(x[seed], weights, masks, factor=2)[:, 0]
    return outputs, dropout.thinned_outputs(x[seed], weights, whole)[0, 0]

# %%
shown, rows = {}, []
for layers in ((12,), (6, 6), (4, 4, 4)):
    pairs = [both_answers(layers, seed) for seed in range(100)]
    means = np.array([chances @ outputs for outputs, _ in pairs])
    testing = np.array([t for _, t in pairs])
    apart = np.sqrt(np.mean((means - testing) ** 2) / np.mean(testing**2))
    spread = np.sqrt(
        np.mean([chances @ (o - chances @ o) ** 2 for o, _ in pairs]) / np.mean(testing**2)
    )
    rows.append((len(layers), bool(apart < 1e-9), f"{apart:.0%}", f"{spread:.0%}"))
    shown["hidden layers: " + ", ".join(map(str, layers))] = means, testing
print(table(("hidden layers", "average = testing", "apart", "one mask, apart"), rows))
plots.against_testing(
    shown, alt="one layer: on the line; two and three layers: near the line, not on it"
)

# %% [markdown]
# With one hidden layer it is exact. The output is linear in what the mask multiplies, and the
# average goes through a linear layer. With two or three layers a masked value goes through a
# ReLU, and the average of a ReLU is not the ReLU of the average: they lie {{rows[1][2]}} and
# {{rows[2][2]}} of the output apart. That is close if one thinks of what a single mask does:
# {{rows[1][3]}} and {{rows[2][3]}}.
#
# Now a trained network of two hidden layers, with dropout of 0.5. Its masks are too many to list,
# so we draw some and average the probabilities that the thinned networks give: a **Monte Carlo
# average**.
#
# **Predict:** how many masks does it take to be as good as the whole network, used once?

# %%
def probabilities(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)

answers = {1: [], 3: [], 10: [], 50: [], "whole network": []}
few, labels = x_new[:1000], y_new[:1000]
for seed in range(5):
    model = learn(network(seed, 100, 100, dropout=0.5), seed)
    drawn = [probabilities(model.forward(few, training=True)[-1].output) for _ in range(50)]
    for count, judged in answers.items():
        whole_network = count == "whole network"
        p = probabilities(model.logits(few)) if whole_network else np.mean(drawn[:count], axis=0)
        judged.append((np.mean(p.argmax(axis=1) == labels), cross_entropy(np.log(p), labels)[0]))
columns = {k: np.transpose(v) for k, v in answers.items()}
print(
    table(
        ("masks", "right, new", "loss, new"),
        [(str(k), told(v[0], ".1%"), told(v[1])) for k, v in columns.items()],
    )
)

# %% [markdown]
# In right answers, ten are nearly enough: {{np.median(columns[10][0]):.1%}} against
# {{np.median(columns["whole network"][0]):.1%}}, which fifty masks do not beat
# ({{np.median(columns[50][0]):.1%}}). One mask alone has {{np.median(columns[1][0]):.1%}}. So the
# ensemble is much better than its members, and one pass of the whole network stands in for it.
#
# In the loss, though, the two differ. Fifty masks reach {{np.median(columns[50][1]):.2f}} (at
# most {{columns[50][1].max():.2f}}), the whole network
# {{np.median(columns["whole network"][1]):.2f}} (at least
# {{columns["whole network"][1].min():.2f}}). The average of the probabilities is less sure of
# itself, and here rightly. The whole network used once is a good and cheap stand-in for the
# average, not the same thing.
#
# ## 8 Do units depend on each other less?
#
# The other reason given is **co-adaptation**: without dropout a unit may rely on a certain other
# unit to correct its mistakes. With dropout it cannot count on anyone. If so, a network trained
# with dropout should suffer less when some units are taken away, and its units should be less
# alike. Both can be measured.
#
# **Predict:** 60 % of the hidden units are removed at random. What is left of the
# {{np.median(right_new[:, -1]):.0%}}?

# %%
removed, alike = (0, 0.2, 0.4, 0.6, 0.8, 0.9), {}
kinds = {"without dropout": 0.0, "dropout of 0.5": 0.5}
shares = {kind: np.zeros((5, len(removed))) for kind in kinds}
for (kind, rate), seed in ((pair, seed) for pair in kinds.items() for seed in range(5)):
    model, rng = trained(seed, None, rate), np.random.default_rng(0)
    h, last = hidden(model, x_new), model.layers[-1]
    for k, share in enumerate(removed):
        thinned = [
            dropout.dropout_forward(h, share, rng=rng)[0] @ last.W + last.b for _ in range(5)
        ]
        shares[kind][seed, k] = np.mean([z.argmax(axis=1) == y_new for z in thinned])
    used = np.corrcoef(h[:, h.std(axis=0) > 0].T)
    alike.setdefault(kind, []).append(np.abs(used[np.triu_indices(len(used), 1)]).mean())

# %%
rows = [
    (f"{share:.0%}", *(told(shares[kind][:, k], ".0%") for kind in kinds))
    for k, share in enumerate(removed)
]
print(table(("units removed", *kinds), rows))
print(
    "size of the correlation of two units:",
    ", ".join(f"{kind} {told(alike[kind])}" for kind in kinds),
)
assert shares["dropout of 0.5"][:, 3].min() > shares["without dropout"][:, 3].max()
plots.seed_bands(
    {"right, new images": shares},
    removed,
    xlabel="share of hidden units removed",
    alt="with dropout, removing units costs less",
)

# %% [markdown]
# With {{removed[3]:.0%}} of the units removed, {{np.median(shares["dropout of 0.5"][:, 3]):.0%}}
# are still right with dropout, and {{np.median(shares["without dropout"][:, 3]):.0%}} without.
# That is what dropout has trained for, so it had better be so; it does show that units trained
# with it do not need one another as much. In their correlation there is little to see:
# {{np.median(alike["dropout of 0.5"]):.2f}} against {{np.median(alike["without dropout"]):.2f}}.
# The claim holds for what happens when units are missing. It is not proved by this to be the
# *reason* for better answers, and the gain with all units on is
# {{100 * np.median(shares["dropout of 0.5"][:, 0] - shares["without dropout"][:, 0]):.1f}}
# points.
#
# ## 9 Dropout for SELU
#
# SELU holds mean 0 and variance 1 from layer to layer (lesson 03). Dropout disturbs that: zeros
# are not what SELU gives where a unit is silent, and the division by 1 − rate widens the rest.
# **Alpha dropout** sets dropped units to SELU's floor, λ·α below 0, then scales and shifts all by
# the same two numbers, chosen so that mean and variance stay.
#
# **Predict:** eight SELU layers with a rate of 0.1. What is the variance at the end, with either
# dropout?

# %%
def through_eight(drop, rate, seed):
    rng = np.random.default_rng(seed)
    h = rng.standard_normal((1000, 300))
    for _ in range(8):
        h = activations.selu(h @ rng.standard_normal((300, 300)) / np.sqrt(300))
        h = drop(h, rate, rng=rng)[0] if drop else h
    return h.mean(), h.var()

drops = {
    "none": None,
    "dropout": dropout.dropout_forward,
    "alpha dropout": dropout.alpha_dropout_forward,
}
numbers = {
    kind: np.array([through_eight(drop, 0.1, seed) for seed in range(5)])
    for kind, drop in drops.items()
}
print(
    table(
        ("after 8 layers", "size of the mean", "variance"),
        [(k, told(np.abs(v[:, 0])), told(v[:, 1])) for k, v in numbers.items()],
    )
)
assert numbers["dropout"][:, 1].min() > 1.2 > 1.15 > numbers["alpha dropout"][:, 1].max()

# %% [markdown]
# Dropout: {{np.median(numbers["dropout"][:, 1]):.2f}}, after eight layers at a rate of only 0.1.
# Alpha dropout: {{np.median(numbers["alpha dropout"][:, 1]):.2f}}, as without any. So SELU takes
# alpha dropout. Note that it holds mean and variance of the *layer*. A single unit's average is
# not what it is in testing, as section 12 will show.
#
# Keras has them all: `kernel_regularizer=regularizers.L2(…)`, `L1`, `Dropout`, `AlphaDropout`.
# Are they ours?

# %%
keras, W, ones = keras_models.keras(), x[:20].astype(np.float32), np.ones((500, 100), np.float32)
for ours, theirs in (
    (L1(0.01), keras.regularizers.L1(0.01)),
    (L2(0.01), keras.regularizers.L2(0.01)),
):
    same = abs(float(theirs(W)) / ours.loss(W) - 1) < 1e-5
    print(f"{type(ours).__name__}: the same penalty to 1e-5: {same}")
pairs = {"Dropout": dropout.dropout_forward, "AlphaDropout": dropout.alpha_dropout_forward}
for name, forward in pairs.items():
    layer = getattr(keras.layers, name)(0.3, seed=1)
    ours = forward(ones, 0.3, rng=np.random.default_rng(1))[0]
    out = np.asarray(layer(ones, training=True))
    same = np.allclose(np.unique(out), np.unique(ours), rtol=1e-5)
    seventy = abs(np.mean(out == out.max()) - 0.7) < 0.02
    print(
        f"{name}: the same two values: {same}; about 70% kept: {seventy}; "
        f"nothing in testing: {np.array_equal(layer(ones, training=False), ones)}"
    )

# %% [markdown]
# ## 10 Where was dropout needed?
#
# Dropout became famous with AlexNet and VGG, which used it in two large dense layers. Later
# networks mostly do without. A count of parameters, from the sizes in the papers, shows one
# reason.
#
# **Predict:** what share of VGG-16's parameters lies in its three dense layers?

# %%
counted = {
    name: famous.parameters_by_kind(layers()) for name, layers in famous.ARCHITECTURES.items()
}
shares = {n: {kind: c[kind] / sum(c.values()) for kind in c} for n, c in counted.items()}
rows = [
    (name, f"{sum(c.values()):,}", *(f"{share:.1%}" for share in shares[name].values()))
    for name, c in counted.items()
]
print(table(("", "parameters", *famous.KINDS), rows))
first = {
    name: next(layer for layer in layers() if layer.kind == "dense")
    for name, layers in famous.ARCHITECTURES.items()
}
print(
    "first dense layer:",
    ", ".join(f"{name} {layer.fan_in:,} × {layer.units:,}" for name, layer in first.items()),
)
plots.parameter_shares(
    counted, alt="AlexNet and VGG-16 are mostly dense layers, ResNet-50 mostly convolutions"
)

# %% [markdown]
# {{shares["VGG-16"]["dense"]:.1%}} of VGG-16's parameters, and {{shares["AlexNet"]["dense"]:.1%}}
# of AlexNet's, lie in dense layers. VGG-16's first one alone joins {{first["VGG-16"].fan_in:,}}
# numbers with {{first["VGG-16"].units:,}} units. ResNet-50 averages each channel over its places
# first, has one small dense layer, and {{shares["ResNet-50"]["dense"]:.1%}} of its parameters
# there. The layers that dropout was made for are gone. A convolution shares its few weights over
# all places. Another reason that is given: neighboring places say nearly the same, so that a
# dropped one is hardly missed, and batch normalization already brings in some noise. (Where large
# dense layers came back, in transformers, so did dropout.)
#
# ## 11 What helps here?
#
# The usual advice: L2 first, dropout added when that is not enough. We try it on the network of
# section 1: three strengths of each, and both together. All rows are shown, so nothing has been
# picked. Every seed starts from the same weights in each row, so we may compare run by run.
#
# **Predict:** how many of the {{100 * np.median(right[:, -1] - right_new[:, -1]):.0f}} points
# between training and new images will the best row win back?

# %%
settings = [(0, 0), (0.001, 0), (0.003, 0), (0.01, 0)]  # λ of L2, rate of dropout
settings += [(0, 0.2), (0, 0.5), (0, 0.7), (0.001, 0.5), (0.003, 0.5)]
ends = {
    s: np.array([state(trained(seed, L2(s[0]) if s[0] else None, s[1])) for seed in range(5)])
    for s in settings
}
rows, plain = [], ends[0, 0]
gained = {s: 100 * (end[:, 1] - plain[:, 1]) for s, end in ends.items()}
for (strength, rate), end in ends.items():
    gain = told(gained[strength, rate], "+.1f") if strength or rate else "-"
    numbers = told(end[:, 1], ".1%"), gain, told(end[:, 0] - end[:, 1], ".0%"), told(end[:, 3])
    rows.append((f"{strength:g}", f"{rate:g}", *numbers))
print(table(("λ of L2", "dropout", "right, new", "points gained", "gap", "loss, new"), rows))
names = {
    "neither": (0, 0),
    "L2, λ = 0.003": (0.003, 0),
    "dropout, 0.5": (0, 0.5),
    "both": (0.003, 0.5),
}
# A little dropout lowers the loss with every seed.
assert ends[0, 0.2][:, 3].max() < plain[:, 3].min()
plots.seed_dots(
    {"loss, new images": {n: ends[s][:, 3] for n, s in names.items()}},
    ylabel="loss",
    alt="the loss on new images falls with each remedy, most with both",
)

# %% [markdown]
# In right answers: hardly any. The best median, dropout of 0.5, gains
# {{np.median(gained[0, 0.5]):.1f}} points, and {{words(sum(gained[0, 0.5] < 0))}} of its seeds
# loses. L2 alone gains nothing, and at 0.01 it costs: the gap closes to
# {{np.median(ends[0.01, 0][:, 0] - ends[0.01, 0][:, 1]):.0%}}, but because the training images
# get worse. A narrow gap is no aim in itself.
#
# In the loss: much. L2 at 0.003 and dropout of 0.5 bring it from {{np.median(plain[:, 3]):.2f}}
# to {{np.median(ends[0.003, 0][:, 3]):.2f}} and {{np.median(ends[0, 0.5][:, 3]):.2f}}, both
# together to {{np.median(ends[0.003, 0.5][:, 3]):.2f}}. With every seed each of the three is
# below all runs that have neither. So they cure what section 1 saw, the growing sureness, and not
# the mistakes.
#
# And the usual advice? For the loss L2 alone did as much as dropout alone, for the price of one
# line, and both together did more. That speaks for it: L2 first, then dropout. But mind the
# baseline: without any remedy the loss was {{np.median(loss_new.min(axis=1)):.2f}} at its lowest,
# before it rose (section 1). Of the ends in the table only that of both, with the stronger L2, is
# clearly lower. What lacks here is images. Lesson 10 makes more of them.
#
# ## 12 One pattern
#
# Dropout is one case of a pattern: *disturb the training at random; in testing, use the average*.
# Batch normalization (lesson 06) is another: an image's outputs depend on which images share its
# batch, and testing uses the average statistics. L2 is the contrast, with nothing random in it.
#
# The table is made of 4,000 passes in training and two in testing for each method, on one image.
# "averages" says whether the testing output is the mean of the training outputs, within three
# standard errors.
#
# **Predict:** for which rows is it not?

# %%
h, one, zero = hidden(trained(0, None, 0), x), np.ones(100), np.zeros(100)
a = activations.selu(x[:1] @ np.random.default_rng(0).standard_normal((196, 100)) / 14)
deep_net = dense_stack((196, 30, 30, 10), dropout=0.5, rng=np.random.default_rng(0))

def batch_of(rng):  # the first image, among 31 others drawn at random
    batch = np.vstack([h[:1], h[rng.choice(np.arange(1, 500), 31, replace=False)]])
    return normalization.batch_norm_forward(batch, one, zero, 1e-3)[0][:1]

def thinned(rng):
    deep_net.rng = rng
    return deep_net.forward(x[:1], training=True)[-1].output

# %%
methods = {
    "L2": (lambda rng: h[:1], lambda rng: h[:1]),
    "dropout, vanilla": (
        lambda rng: dropout.vanilla_dropout_forward(h[:1], 0.5, rng=rng)[0],
        lambda rng: dropout.vanilla_dropout_testing(h[:1], 0.5),
    ),
    "dropout, inverted": (
        lambda rng: dropout.dropout_forward(h[:1], 0.5, rng=rng)[0],
        lambda rng: h[:1],
    ),
    "inverted, two layers": (thinned, lambda rng: deep_net.logits(x[:1])),
    "alpha dropout": (lambda rng: dropout.alpha_dropout_forward(a, 0.1, rng=rng)[0], lambda rng: a),
    "batch norm": (
        batch_of,
        lambda rng: normalization.normalize(h[:1], h.mean(axis=0), h.var(axis=0), one, zero, 1e-3),
    ),
}
print(randomness.behavior_table(methods, samples=4000, rng=np.random.default_rng(0)))

# %% [markdown]
# - **Dropout** averages out as one layer, in both forms; through two layers it doesn't, as in
#   section 7.
# - **Alpha dropout** doesn't for a single unit: on average a unit comes out smaller than it went
#   in. What it holds is the mean and the variance of the layer.
# - **Batch normalization** nearly does. But an image counts in the mean and the spread of its own
#   batch, so in training it stands out a little less than among all images.
#
# So "average it out in testing" is the idea behind these methods. It is strictly true only of the
# first ones. Lesson 10 fills this table with more rows.
#
# ## Yours
#
# Write over the `...`, run the cell, then the check below it.
#
# ### Exercise 1: a step with L2
#
# Return the weights after one step of gradient descent on loss + λ Σ W², where `dW` is the
# gradient of the loss.
#
# <details><summary>Hint</summary>The penalty's gradient is 2 λ W. Add it to dW before you
# multiply by the learning rate.</details>

# %% tags=["stub"]
def l2_step(W, dW, learning_rate, strength):
    """Return W after one step; strength is λ."""
    ...

# %% tags=["solution"]
def l2_step(W, dW, learning_rate, strength):
    """Return W after one step; strength is λ."""
    return W - learning_rate * (dW + 2 * strength * W)

# %%
checks.regularization.l2_step(l2_step)

# %% [markdown]
# ### Exercise 2: the soft threshold
#
# Return W moved toward 0 by `amount`, and exactly 0 where it would cross.
#
# <details><summary>Hint</summary>Treat size and sign apart: np.abs, np.maximum, np.sign.</details>

# %% tags=["stub"]
def soft_threshold(W, amount):
    """Return every weight moved toward 0 by amount, but not across."""
    ...

# %% tags=["solution"]
def soft_threshold(W, amount):
    """Return every weight moved toward 0 by amount, but not across."""
    return np.sign(W) * np.maximum(np.abs(W) - amount, 0)

# %%
checks.regularization.soft_threshold(soft_threshold)

# %% [markdown]
# ### Exercise 3: inverted dropout, there and back
#
# `kept` is the mask: True where a unit is on. Return the output, then the gradient of h.
#
# <details><summary>Hint</summary>A unit is on with the probability 1 − rate, so what is on must
# grow for the mean to stay. The way back does to the gradient what the way forward did to
# h.</details>

# %% tags=["stub"]
def inverted_dropout(h, kept, rate):
    """Return the layer's output in training."""
    ...

def inverted_dropout_dh(dout, kept, rate):
    """Return the gradient of h, given that of the output."""
    ...

# %% tags=["solution"]
def inverted_dropout(h, kept, rate):
    """Return the layer's output in training."""
    return h * kept / (1 - rate)

def inverted_dropout_dh(dout, kept, rate):
    """Return the gradient of h, given that of the output."""
    return dout * kept / (1 - rate)

# %%
checks.regularization.inverted_dropout(inverted_dropout, inverted_dropout_dh)

# %% [markdown]
# ### Exercise 4: a Monte Carlo average
#
# `run()` gives the output of one pass in training, an array, with a new mask at each call. Return
# the mean of `draws` passes, and its standard error: how far the mean may lie from the average
# over all masks, by chance.
#
# <details><summary>Hint</summary>Stack the outputs along a new first axis. The standard error is
# the standard deviation over that axis, divided by the root of the number of draws.</details>

# %% tags=["stub"]
def monte_carlo(run, draws):
    """Return (mean, standard error), arrays in the shape of one output."""
    ...

# %% tags=["solution"]
def monte_carlo(run, draws):
    """Return (mean, standard error), arrays in the shape of one output."""
    outputs = np.stack([run() for _ in range(draws)])
    return outputs.mean(axis=0), outputs.std(axis=0) / np.sqrt(draws)

# %%
checks.regularization.monte_carlo(monte_carlo)

# %% [markdown] tags=["given"]
# ## Summary
#
# - Over-fitting shows in the loss on new images, which rises while the share of right answers
#   stands still.
# - More parameters need not over-fit more. The weights that a fit needs do harm, and they are
#   largest where there is just one way to fit.
# - L2 takes from each weight the same share, L1 the same amount. L1 gives zeros, since its pull
#   doesn't fade at 0.
# - Dropout: forward and back times mask / (1 − rate), and nothing in testing.
# - One pass of the whole network is the exact average over the masks for one layer, a good
#   stand-in for several.
# - Here both remedies lowered the loss on new images much, and the number of mistakes hardly.
#
# ## What to do in practice
#
# 1. Watch the loss on images that are not trained on. Keep the weights of the step where it was
#    lowest.
# 2. Start with L2 on the weights, not on biases. Try factors of three. When you move a λ to
#    another library, see whether it means λ or `λ / 2`.
# 3. Add dropout before large dense layers when there is still a gap: `0.5` there, `0.1` or `0.2`
#    elsewhere. With SELU take alpha dropout.
# 4. Use L1 where zeros are of use, for example to find the few inputs that matter, and then with
#    a soft threshold.
# 5. Compare on {{words(len(plain))}} seeds at least. One point more on one seed is nothing.
#
# ## Further reading
#
# - [Srivastava et al. 2014](https://jmlr.org/papers/v15/srivastava14a.html): dropout, with the
#   ensemble of thinned networks and the scaling in testing.
# - [Hinton et al. 2012](https://arxiv.org/abs/1207.0580): the first paper; co-adaptation.
# - [Belkin et al. 2019](https://arxiv.org/abs/1812.11118): double descent.
# - [Zhang et al. 2017](https://arxiv.org/abs/1611.03530): networks that learn random labels by
#   heart, and what that says about regularization.
# - [Gal and Ghahramani 2016](https://arxiv.org/abs/1506.02142): many masks in testing, to tell
#   how sure a network is.
# - [Hastie, Tibshirani, Friedman: The Elements of Statistical
#   Learning](https://hastie.su.domains/ElemStatLearn/): chapter 3 on ridge and lasso, with the
#   picture of the diamond.
# - [Klambauer et al. 2017](https://arxiv.org/abs/1706.02515): SELU and alpha dropout.
# - [AlexNet](https://doi.org/10.1145/3065386),
#   [VGG](https://arxiv.org/abs/1409.1556), [ResNet](https://arxiv.org/abs/1512.03385): the
#   networks of section 10.
# - [Keras: regularizers](https://keras.io/api/layers/regularizers/): the arguments of a layer
#   that take them.
#
# The lesson before: [08 Train a hundred layers](08_train_a_hundred_layers.ipynb). The lesson after:
# [10 Augment the data](10_augment_the_data.ipynb).
