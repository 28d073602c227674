# %% [markdown]
# # Watch gradients vanish and explode
#
# Your patient has ten layers and does not learn. You will follow the signal forward and the
# gradient back, find out where they get lost, and test by intervention what really stops it.
#
# **Time:** about 60 minutes with the core exercises. **Know first:** the way back through a layer,
# from [Backpropagate by hand](01_backpropagate_by_hand.ipynb). After this: [Choose an
# activation](03_choose_an_activation.ipynb).
#
# Afterwards you can
#
# 1. follow h, dz and dW through ten layers in a few lines of NumPy;
# 2. tell by an intervention, and not by a figure alone, why a network does not learn;
# 3. say what logged weight gradients show, and what they hide;
# 4. say why one neuron with a large input stops learning;
# 5. predict the gradient's factor per layer before a weight is drawn.
#
# A layer is `z = x @ W + b`, then `h = f(z)`. Layers count from 1 at the input. dz and dW are the
# loss's gradients with respect to z and W. |dz| is the length of dz: all images and units together.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    MLP, activations, checks, cross_entropy, data, flow, interventions, labs, patient, plots,
    predict, runs, theory, trace, train,
)

# %% [markdown]
# ## 1. It does not learn
#
# You met the patient in lesson 00: ten layers of {{patient.SIZES[1]}} sigmoid units, pixels from
# 0 to {{patient.Patient().images()[0].max():.0f}}, weights from N(0, {{patient.SMALL}}²). Give it
# 200 steps.

# %%
course = patient.Patient().train(seed=0, steps=200)
healthy = patient.cured("activation", "weights", "inputs").train(seed=0, steps=200)
print(course, "  blind guessing costs", f"{np.log(10):.2f}")
plots.curves({"patient": course.loss[::8], "a healthy twin": healthy.loss[::8]},
             x=np.arange(0, 200, 8), xlabel="step", ylabel="training loss", log=False)

# %% [markdown]
# Nothing, where a healthy twin on the same images learns at once. So there is something to learn
# from. Does it not arrive?
#
# ## 2. Follow the gradient back
#
# The output layer knows how wrong the answer was. Layer 1 is the only one that sees the image.
# Between them lie ten layers.
#
# **Commit to a guess.** At layer 10 let |dz| be 1. How long is it at layer 1?

# %%
guess_dz = predict.number("|dz| at layer 1, if it is 1 at layer 10", low=1e-24, high=1e3, log=True)
guess_dz

# %% [markdown]
# First forward. Keep every h: the way back needs them. (The biases are 0, so they are left out.)

# %%
x, y, _, _ = patient.Patient().images()
x, y = x[:500].astype(float), y[:500]
weights = [W.astype(float) for W in patient.Patient().network(seed=0).weights]

def sigmoid(z):
    return (1 + np.tanh(z / 2)) / 2  # 1 / (1 + e^−z), in a form that never overflows

def forward(x, weights):
    h = [x]
    for W in weights[:-1]:
        h.append(sigmoid(h[-1] @ W))
    return h

# %% [markdown]
# Then back. You derived these lines in lesson 01: through the weights, and through the slope
# σ' = σ(1 − σ). What came into the layer, times what came back to it, is dW.

# %%
def back(h, weights, y):
    loss, dz = cross_entropy(h[-1] @ weights[-1], y)
    all_dz, all_dW = [], []
    for layer in range(10, 0, -1):
        out = h[layer]
        dz = (dz @ weights[layer].T) * out * (1 - out)
        dW = h[layer - 1].T @ dz
        all_dz.insert(0, np.linalg.norm(dz))
        all_dW.insert(0, np.linalg.norm(dW))
    return np.array(all_dz), np.array(all_dW)

h = forward(x, weights)
dz, dW = back(h, weights, y)
guess_dz.reveal(dz[0] / dz[9])

# %%
plots.side_by_side({"|dz|, layer 10 = 1": {"patient": dz / dz[9]}},
                   guess={"|dz|, layer 10 = 1": (1, guess_dz.value)},
                   alt="|dz| of the patient falls on a straight line on a log axis")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# A straight line on a log axis: each step back keeps the same share, about
# {{(dz[1] / dz[9]) ** (1 / 8):.3f}}. The last step, into layer 1, loses more. In all,
# {{dz[0] / dz[9]:.0e}} is left. This is the **vanishing gradient**.
#
# </details>
#
# ### Warm-up: how much is left, at best?
#
# Each step back multiplies by a slope, and the sigmoid's slope is never above $1/4$. Suppose the
# weights neither shrink nor stretch anything. Which share of the gradient of the last of `depth`
# layers can reach layer 1?
#
# Stuck? `checks.flow.best_share.hint()` gives a hint; call it again for the next. Every exercise
# has three.

# %% tags=["stub"]
def best_share(depth):
    """Return the largest share of |dz| of the last layer that slopes alone leave at layer 1."""
    ...

# %% tags=["solution"]
def best_share(depth):
    """Return the largest share of |dz| of the last layer that slopes alone leave at layer 1."""
    return 0.25 ** (depth - 1)

# %%
checks.flow.best_share(best_share)

# %% [markdown]
# ### Slopes or weights?
#
# The patient lost far more than the slopes must take. So take the two apart: how much do the
# weights do at a step, and how much do the slopes? And change one of them alone: multiply all
# weights by 10, then by 100.
#
# **Commit:** with weights × 10, the gradient will …

# %%
guess_ten = predict.choice("With weights ten times as large, |dz| toward layer 1 will",
                           ["grow", "stay about level", "still vanish"])
guess_ten

# %%
sizes, slopes = {}, {}
for times in (1, 10, 100):
    larger = [times * W for W in weights]
    h_larger = forward(x, larger)
    sizes[times] = back(h_larger, larger, y)[0]
    slopes[times] = np.mean([np.mean(out * (1 - out)) for out in h_larger[2:10]])
    kept = (sizes[times][1] / sizes[times][9]) ** (1 / 8)
    print(f"weights × {times:3}   mean slope: {slopes[times]:.2f}   kept per step, "
          f"layers 10 to 2: {kept:.3f}   |dz|, layer 1 / layer 10: "
          f"{sizes[times][0] / sizes[times][9]:.0e}")
left = sizes[10][0] / sizes[10][9]
guess_ten.reveal("still vanish" if left < 0.01 else "grow" if left > 100 else "stay about level")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The patient's weights keep about a tenth per step, its slopes a quarter. Multiplied by 10, the
# weights take nothing away any more. The slopes still do: {{sizes[10][0] / sizes[10][9]:.0e}} is
# left. Multiplied by 100 they about make up for the slopes, at a price: the mean slope fell to
# {{slopes[100]:.2f}}. Section 7 looks at that price.
#
# </details>
#
# ### Core: every dW
#
# Now write the way back yourself, for a network of **tanh** layers with a linear output. `h[0]` is
# the input, `h[l]` the output of layer l, `dz` the gradient at the output layer. Return the dW of
# every layer. You need the slope of tanh, written with h; σ' = h(1 − h) was the sigmoid's.

# %% tags=["stub"]
def backward(weights, h, dz):
    """Return [dW_1, …, dW_L], one for each of the L weight matrices; there are L arrays in h."""
    ...

# %% tags=["solution"]
def backward(weights, h, dz):
    """Return [dW_1, …, dW_L], one for each of the L weight matrices; there are L arrays in h."""
    all_dW = [h[-1].T @ dz]
    for layer in range(len(weights) - 1, 0, -1):
        dz = (dz @ weights[layer].T) * (1 - h[layer] ** 2)
        all_dW.insert(0, h[layer - 1].T @ dz)
    return all_dW

# %%
checks.flow.backward(backward)

# %% [markdown]
# ## 3. Is that why?
#
# Layer 1 hears almost nothing, and the patient does not learn. That is a correlation. To call it a
# cause, change this one thing and leave the rest: in every step, stretch each layer's dW to the
# length that the output layer's has. In one line:
#
#     dW[layer] *= length(dW[-1]) / length(dW[layer])
#
# Now all layers move. **Commit:** will it learn?

# %%
guess_equal = predict.choice("With equal steps in all layers, validation accuracy will",
                             ["stay at chance", "rise to about 0.4", "rise above 0.6"])
guess_equal

# %% [markdown]
# And the other way round: let *only* the output layer learn. It gets the full gradient.
# `interventions` trains each change with {{words(interventions.SEEDS)}} seeds, 200 steps each.
# (`interventions.Changed??` shows the code: the loops above, and the changed line.)

# %%
found = interventions.over_seeds(patient.Patient(), {
    "as it comes": {},
    "equal steps": {"steps": "equal"},
    "equal steps, rate 0.01": {"steps": "equal", "rate": 0.01},
    "equal steps, rate 1": {"steps": "equal", "rate": 1},
    "output layer alone": {"layers": "output"},
})
found

# %%
rescued = found.accuracy("equal steps").max() > 0.2
guess_equal.reveal("rise above 0.6" if rescued else "stay at chance")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Nothing helps, at none of the rates. With equal steps the loss ends at
# {{np.median(found.loss("equal steps")):.2f}}, and blind guessing costs {{np.log(10):.2f}}. So
# the lost gradient is **not** what stops this patient, or not alone.
#
# The last line is the clue. The output layer had its full gradient and could move freely. It
# learned nothing from what it was given. So look at what it was given.
#
# </details>
#
# ## 4. What arrives at the last layer?
#
# A layer can tell two images apart only if its h differ. So measure how much each unit's h varies
# *from image to image*: its standard deviation over the images. In layer 1 it is about a third.
#
# **Commit:** how much is left of it in layer 10?

# %%
guess_std = predict.number("Std over the images in layer 10", low=1e-18, high=1, log=True)
guess_std

# %%
std = np.array([out.std(axis=0).mean() for out in h[1:]])
std = np.maximum(std, 1e-14)  # what is smaller is rounding, beside an h of one half
guess_std.reveal(std[9])

# %%
three = {"std of h over the images": std, "|dz|": dz, "|dW|": dW}
plots.side_by_side(
    {title: {"patient": values} for title, values in three.items()},
    guess={"std of h over the images": (10, guess_std.value)},
    alt="forward the signal falls, backward dz and dW fall, all on one log axis",
)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The signal vanishes too, on the way *forward*. Every image gives the same h in layer 10, to within
# {{std[9]:.0e}}: there the computer's digits end. dz and dW fall the other way.
#
# </details>
#
# Intervene again. Put the signal back: after every layer subtract each unit's mean over the images,
# and divide by the layer's spread.
#
#     h = sigmoid(h @ W)
#     h = (h - center) / spread
#
# `center` and `spread` are measured once, before training, and then stay. The weights are the
# patient's own.
#
# **Commit:** all ten hidden layers stay frozen, random as they were drawn. Only the output layer
# learns. Its accuracy will …

# %%
guess_frozen = predict.choice("Ten frozen random layers, signal restored: accuracy will",
                              ["stay at chance", "rise to about 0.4", "rise above 0.6"])
guess_frozen

# %%
restored = interventions.over_seeds(patient.Patient(), {
    "restored, output layer alone": {"signal": "restored", "layers": "output"},
    "restored forward only, all layers": {"signal": "restored forward only"},
    "restored, all layers": {"signal": "restored"},
    "restored, all layers, rate 0.0001": {"signal": "restored", "rate": 0.0001},
})
restored

# %%
frozen = restored.accuracy("restored, output layer alone")
guess_frozen.reveal("rise above 0.6" if np.median(frozen) > 0.6 else "rise to about 0.4")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# With frozen layers the accuracy is {{np.median(frozen):.2f}} ({{frozen.min():.2f}} to
# {{frozen.max():.2f}} over the seeds). The hidden layers got no gradient at all, as if it had
# vanished to the last digit. Only the signal was put back. So the missing **signal** is what stops
# the patient first.
#
# Then all layers may learn, in three ways. An amplifier works on the way back too: dz is divided by
# the same spread. Leave that out (forward only), and the gradient vanishes as before; the network
# still does as well as with frozen layers. Leave it in, and the gradient vanishes no more. Then the
# steps at the patient's rate, {{interventions.RATE}}, are far too long. At a thousandth of it the
# network learns: {{np.median(restored.accuracy("restored, all layers, rate 0.0001")):.2f}}.
#
# </details>
#
# Is it always the signal? Cure the patient in part: standardized images, and weights by
# **Glorot's** rule (variance 1 / average of inputs and outputs). The sigmoid stays.
#
# **Commit:** which of the two helps this one, equal steps or the restored signal?

# %%
guess_partly = predict.choice("Partly cured: what brings it furthest?",
                              ["equal steps", "the restored signal", "both alike", "neither"])
guess_partly

# %%
sigmoid_left = patient.cured("weights", "inputs")
partly = interventions.over_seeds(sigmoid_left, {
    "as it comes": {},
    "output layer alone": {"layers": "output"},
    "equal steps": {"steps": "equal"},
    "restored, output layer alone": {"signal": "restored", "layers": "output"},
    "restored, all layers, rate 0.01": {"signal": "restored", "rate": 0.01},
})
partly

# %%
x_std, _ = data.load_batch(500, dtype=np.float64)
glorot = sigmoid_left.network(seed=0).weights
std_partly = np.array([out.std(axis=0).mean() for out in forward(x_std, glorot)[1:]])
best = {name: np.median(partly.accuracy(name)) for name in partly}
guess_partly.reveal("the restored signal" if max(best, key=best.get).startswith("restored")
                    else "equal steps")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Here equal steps do something: the loss falls to {{np.median(partly.loss("equal steps")):.2f}}.
# This network's signal is weak, not gone: its std over the images falls from
# {{std_partly[0]:.2f}} to {{std_partly[9]:.0e}}. Long steps can still make use of that. The
# restored signal does far more. The output layer alone gets to {{best["restored, output layer
# alone"]:.2f}}. With all layers learning, which then get their gradient too, it is
# {{best["restored, all layers, rate 0.01"]:.2f}}.
#
# So two things vanish in a deep network: the signal on the way forward, the gradient on the way
# back. Here both do, by about the same factor per step, since each layer multiplies both by weights
# and slopes. The signal must arrive before any layer can learn; the gradient must, before the early
# layers can. Lesson 03 finds what fills h instead of the signal: a constant of about one half, the
# same for all images.
#
# </details>
#
# ## 5. What a practitioner sees
#
# The other way now: **exploding**. We take **ReLU**, max(0, z), which does not saturate for
# positive z. **He's** rule draws its weights with variance 2 / inputs. We multiply all weights by
# 2, a **gain** of 2. The images are standardized.
#
# **Commit:** draw how |dW| runs over the ten layers of this network.

# %%
guess_dW = predict.curve("|dW| over the layers, ReLU at gain 2", layers=10, low=0.1, high=1e5,
                         ylabel="|dW|")
guess_dW

# %%
x, y = data.load_batch(100, dtype=np.float64)

def relu_network(gain, seed=0):
    sizes, rng = (784, *[100] * 10, 10), np.random.default_rng(seed)
    return MLP(sizes, activation="relu", initializer="he_normal", gain=gain, rng=rng)

def h_dz_dW(model):
    passed = model.forward(x)
    _, dlogits = cross_entropy(passed.logits, y)
    gradients = model.backward(passed, dlogits)
    return passed.h, gradients.dz, gradients.dW

def lengths(arrays):
    return np.array([np.linalg.norm(a) for a in arrays[:10]])

# %%
h2, dz2, dW2 = h_dz_dW(relu_network(gain=2))
guess_dW.reveal(lengths(dW2))

# %%
plots.side_by_side({"|h|": {"gain 2": lengths(h2[1:])}, "|dz|": {"gain 2": lengths(dz2)},
                    "|dW|": {"gain 2": lengths(dW2)}}, guess={"|dW|": guess_dW.value},
                   alt="at gain 2: |h| rises with the layer, |dz| falls with it, |dW| is level")

# %% [markdown]
# ### Read the figure
#
# Tools log |dW|, layer by layer. In the right panel all seems well; in the middle one it does
# not. Read the factors from the figure: of |h| from one layer to the next, of |dz| from one layer
# to the one *before* it. Then choose why |dW| is level:
#
# - `"A"`: large gradients were clipped;
# - `"B"`: dW is made of h and dz, and one grows as the other falls;
# - `"C"`: dW follows the weights, and these are alike in all layers;
# - `"D"`: dW is computed first, before dz has exploded;
# - `"E"`: the log axis hides it;
# - `"F"`: ReLU's slope is 1.

# %% tags=["stub"]
reading = {"h": ..., "dz": ..., "because": ...}

# %% tags=["solution"]
reading = {"h": 1.9, "dz": 1.9, "because": "B"}

# %%
checks.flow.read_flow(reading)

# %% [markdown]
# Test your reason: swap one factor and leave the other. dW is `h.T @ dz`. Take h from the same
# network at gain 1, where it does not grow, and dz from gain 2. Then the reverse.

# %%
h1, dz1, dW1 = h_dz_dW(relu_network(gain=1))
swapped = {
    "h and dz of gain 2": lengths(dW2),
    "h of gain 1": lengths([a.T @ b for a, b in zip(h1, dz2)]),
    "dz of gain 1": lengths([a.T @ b for a, b in zip(h2, dz1)]),
}
plots.side_by_side({"|dW|": swapped}, alt="level with both, falling with h of gain 1, rising else")

# %%
ratios = {"|dz|": [], "|dW|": []}
for seed in range(5):
    _, a, b = h_dz_dW(relu_network(gain=2, seed=seed))
    ratios["|dz|"].append(lengths(a)[0] / lengths(a)[9])
    ratios["|dW|"].append(lengths(b)[0] / lengths(b)[9])
for name, values in ratios.items():
    print(f"{name}  first / last, median of 5 seeds: {np.median(values):.2g}   "
          f"range: {min(values):.2g} to {max(values):.2g}")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# |dz| is {{lengths(dz2)[9]:.2f}} at layer 10 and {{lengths(dz2)[0]:.0f}} at layer 1. |dW| is
# {{lengths(dW2)[9]:,.0f}} and {{lengths(dW2)[0]:,.0f}}: level, and far too large everywhere. Hold h
# level, and dW follows dz. Hold dz level, and dW follows h.
#
# So a level row of weight gradients does not say that gradients are level. Log the size of h too,
# or dz. In the patient, h has the same *size* in every layer, all near one half. So there dW does
# fall with dz, but for layer 1, whose input are the pixels.
#
# </details>
#
# ### The step that kills
#
# A step of gradient descent is proportional to dW. **Commit:** train this network at rate 0.01, as
# it is, and with **clipping**: when the joint length of all gradients is above 1, all are shrunk by
# one factor to length 1.
#
#     factor = min(1, 1 / length_of_all)

# %%
guess_clip = predict.choice("Gain 2, clipped: after 200 steps the loss is",
                            ["NaN", "far above guessing", "well below guessing"])
guess_clip

# %%
x_train, y_train = data.load_batch(2000, dtype=np.float64)

def learn(gain, seed, **options):
    rng = np.random.default_rng(seed)
    return train(relu_network(gain, seed), x_train, y_train, learning_rate=0.01, steps=200,
                 rng=rng, **options)

kinds = {"gain 2": (2, {}), "gain 2, clipped": (2, {"clip_norm": 1.0}), "gain 1": (1, {})}
losses = {}
for name, (gain, options) in kinds.items():
    losses[name] = np.array([learn(gain, seed, **options) for seed in range(5)])
    ends = np.median(losses[name][:, -50:], axis=1)
    finite = np.isfinite(losses[name]).sum(axis=1)
    print(f"{name:16} steps with a loss that is a number: {finite.min():3} to {finite.max():3}   "
          f"loss at the end: {'NaN' if np.isnan(ends).all() else f'{np.median(ends):.2g}'}")

# %%
ended = np.median(losses["gain 2, clipped"][:, -50:], axis=1)
guess_clip.reveal("far above guessing" if ended.min() > 10 else "well below guessing")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Unclipped, the loss is NaN after {{words(np.isfinite(losses["gain 2"]).sum(axis=1).max())}}
# steps at most, and never comes back. Clipping prevents that, and is a bandage: after 200 steps
# the loss is still above {{about(ended.min())}} with every seed, where the same network at gain 1
# has learned. One factor for all keeps every step short. It does not touch h, which still doubles
# at each layer.
#
# </details>
#
# ## 6. One neuron, far from zero
#
# Look into one sigmoid neuron. Its inputs are 0.01 and 50, its weights 100 and 1.
#
# **Commit:** what is its slope σ'(z)?

# %%
guess_slope = predict.number("Slope of the neuron", low=1e-30, high=1, log=True)
guess_slope

# %%
inputs, w = np.array([0.01, 50.0]), np.array([100.0, 1.0])
z = inputs @ w
slope = activations.sigmoid_derivative(z)
guess_slope.reveal(slope)

# %%
labs.neuron_lab()

# %% [markdown]
# - **Pull `weight 2` from `1` to `0`.** The slope comes back.
# - **Put it back to `1` and mend it with `weight 1` alone.** How far must you go? Why so far?
# - **Choose ReLU.** Then make z negative.
#
# <details><summary>What you saw</summary>
#
# z is {{z:.0f}}, and the slope {{slope:.0e}}: whatever the loss asks for is multiplied by that.
# The neuron is **saturated**. The large *input* does it, with a weight that looks normal. To mend
# it with weight 1 you must go down to about {{-inputs[1] * w[1] / inputs[0]:.0f}}, for that
# weight is multiplied by 0.01. ReLU saturates on one side only, where its slope is exactly 0.
#
# </details>
#
# ### Build: a slope that survives
#
# Write σ'(z) so that it is right at `z = 51`, where σ(z)(1 − σ(z)) gives 0. And let nothing
# overflow at `z = −800` or `z = 800`: `e^800` is too large for any number, and NumPy would warn.

# %% tags=["stub"]
def stable_slope(z):
    """Return σ'(z) for an array z of any size, with no overflow and no rounding to 0 at z = 51."""
    ...

# %% tags=["solution"]
def stable_slope(z):
    """Return σ'(z) for an array z of any size, with no overflow and no rounding to 0 at z = 51."""
    small = np.exp(-np.abs(z))
    return small / (1 + small) ** 2

# %%
checks.flow.stable_slope(stable_slope)

# %% [markdown]
# ## 7. The price of large weights: N(0, 1)
#
# A natural first idea is to draw weights from N(0, 1). You saw in section 2 that they make up for
# the slopes. One often reads what is wrong with them: *each layer's output varies more than its
# input, so late layers saturate.*
#
# **Commit:** is the variance of a sigmoid layer's output above that of its input?

# %%
guess_var = predict.choice("N(0, 1): a layer's output varies more than its input",
                           ["in every layer", "only where the input varies little", "in no layer"])
guess_var

# %%
pixels = {"pixels 0 to 1": data.load_batch(100, standardize=False, dtype=np.float64)[0],
          "standardized": x}
old = MLP((784, *[100] * 10, 10), activation="sigmoid", initializer="standard_normal",
          rng=np.random.default_rng(0))
signals = {name: trace(old, images, y) for name, images in pixels.items()}
for name, images in pixels.items():
    variance_in = [images.var(), *signals[name].per_layer("std") ** 2]
    print(f"{name}\nlayer   variance in   of z    out   saturated")
    for i in (0, 1, 4, 9):
        s = signals[name].hidden[i]
        print(f"{i + 1:5} {variance_in[i]:12.2f} {s.z_std**2:8.1f} {s.std**2:6.2f} "
              f"{s.share_saturated:8.0%}")

# %%
guess_var.reveal("only where the input varies little")

# %%
plots.histograms(signals["standardized"])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# With standardized images the variance falls, from {{x.var():.2f}} to
# {{signals["standardized"].hidden[0].std ** 2:.2f}}. It cannot be otherwise: numbers between 0
# and 1 vary by at most 1/4, and nearly all are 0 or 1. With pixels from 0 to 1 it rises, from
# {{pixels["pixels 0 to 1"].var():.2f}} to {{signals["pixels 0 to 1"].hidden[0].std ** 2:.2f}}. So
# the sentence is wrong for h in general. It is right for **z**: each z is a sum of 784 or 100
# random terms, and its variance is hundreds of times that of the input. Wide z means saturated
# units, in layer 1 {{signals["standardized"].hidden[0].share_saturated:.0%}} of them, in layer 10
# {{signals["standardized"].hidden[9].share_saturated:.0%}}. ("Saturated" means here: a slope
# below a twentieth of the steepest.) Late layers do saturate, but the first one most.
#
# And saturated is not vanished: few units pass anything, but those pass it on through large
# weights.
#
# </details>
#
# ### Challenge: level
#
# Choose ten scales, one for each layer's N(0, scale²), so that |dz| at layer 1 is within `10 %` of
# |dz| at layer 10: sigmoid units, standardized images, the median over several seeds. The check
# scores you: below `0.1` passes, 0 is perfect. It tells you which step loses or gains most. Plan
# for several tries.

# %% tags=["stub"]
scales = ...

# %% tags=["solution"]
scales = [0.3] + [1.03] * 9

# %%
checks.flow.level(scales)

# %% [markdown]
# ## 8. What depth adds
#
# The lab shows one network on a few real images, any depth. Dots are measured, dashed lines
# predicted; section 9 says how.

# %%
labs.gradient_flow_lab()

# %% [markdown]
# - **Drag depth from `10` to `100`.** Does the slope of the line change?
# - **Choose ReLU and `He normal`, then gain `2`, then gain `0.5`.** Where does the tilt flip?
# - **Choose tanh and `N(0, 1)`.** Most units are saturated. Does the gradient vanish?
#
# **Commit:** sigmoid layers with Glorot's rule keep about a quarter per step. At depth 100, how
# much of |dz| of the last layer reaches the first?

# %%
guess_deep = predict.number("Sigmoid, depth 100: first over last", low=1e-120, high=1, log=True)
guess_deep

# %%
depths = (2, 5, 10, 20, 50, 100)
cases = {"sigmoid, Glorot": ("sigmoid", "glorot_normal"), "tanh, Glorot": ("tanh", "glorot_normal"),
         "ReLU, He": ("relu", "he_normal")}
by_depth = {}
for label, (activation, initializer) in cases.items():
    rows = []
    for seed in range(5):
        deep = MLP((784, *[100] * 100, 10), activation=activation, initializer=initializer,
                   rng=np.random.default_rng(seed))
        rows.append(flow.gradient_ratios(deep, x[:32], y[:32], depths))
    by_depth[label] = np.array(rows)
guess_deep.reveal(np.median(by_depth["sigmoid, Glorot"][:, -1]))

# %%
plots.seed_curves(by_depth, x=depths, xlabel="depth", ylabel="|dz|, first / last layer", log=True)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The sigmoid keeps {{np.median(by_depth["sigmoid, Glorot"][:, -1]):.0e}} at depth 100. On the
# same axis tanh hardly bends: {{np.median(by_depth["tanh, Glorot"][:, -1]):.2g}}. ReLU with He's
# rule has no trend, but its range grows with depth: {{by_depth["ReLU, He"][:, -1].min():.2g}} to
# {{by_depth["ReLU, He"][:, -1].max():.2g}} over five seeds, where only the seed changed. Section
# 10 returns to that.
#
# </details>
#
# Depth has two more prices: time, and **over-fitting**, which is doing well on the training images
# and worse on new ones. Train three depths on 400 images, test on 2,000 others, five seeds each.

# %%
count, others = 400, 2000
x_all, y_all = data.load_batch(count + others, dtype=np.float64)
seen, new = (x_all[:count], y_all[:count]), (x_all[count:], y_all[count:])

def accuracy_and_loss(model, x, y):
    logits = model.forward(x).logits
    return np.mean(logits.argmax(axis=1) == y), cross_entropy(logits, y)[0]

scores = {}
for depth in (1, 4, 16):
    scores[depth] = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        model = MLP((784, *[50] * depth, 10), activation="relu", initializer="he_normal", rng=rng)
        train(model, *seen, learning_rate=0.01, steps=300, rng=rng)
        scores[depth].append([*accuracy_and_loss(model, *seen), *accuracy_and_loss(model, *new)])

# %%
gaps = {}

def told(values):
    return f"{np.median(values):.2f} ({values.min():.2f} to {values.max():.2f})"

for depth, values in scores.items():
    seen_accuracy, seen_loss, new_accuracy, new_loss = np.array(values).T
    gaps[depth] = seen_accuracy - new_accuracy
    print(f"depth {depth:2}   accuracy on seen images: {told(seen_accuracy)}   on new: "
          f"{told(new_accuracy)}")
    print(f"           gap: {told(gaps[depth])}   loss on new images: {told(new_loss)}")

# %% [markdown]
# And time. Look at `seconds`: on your machine, one step at each depth.

# %%
from time import perf_counter

def seconds_per_step(depth):
    model = MLP((784, *[100] * depth, 10), activation="relu", rng=np.random.default_rng(0))
    times = []
    for _ in range(5):
        start = perf_counter()
        _, gradients = model.loss_and_gradients(x, y)
        model.step(gradients, 0)
        times.append(perf_counter() - start)
    return min(times)

seconds = {depth: seconds_per_step(depth) for depth in (1, 10, 100)}
products = {depth: 784 * 100 + (depth - 1) * 100 * 100 + 1000 for depth in seconds}
print("products per image, one way:", products)
print("a step at depth 100 takes 3 times as long as at depth 1, or more:",
      seconds[100] > 3 * seconds[1])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Every layer adds the same number of products, and each must be done forward and back. From one
# layer to four the gap between seen and new images goes from {{np.median(gaps[1]):.2f}} to
# {{np.median(gaps[4]):.2f}}, and the ranges over the seeds {{"do not overlap" if gaps[1].max() <
# gaps[4].min() else "overlap"}}. Sixteen layers differ from seed to seed more than that
# ({{gaps[16].min():.2f}} to {{gaps[16].max():.2f}}). They have also learned the seen images less
# well in the same 300 steps, so their smaller gap is no virtue: they are worst on new ones. On
# this small task depth cost time and stability and gave nothing back. That is no verdict on deep
# networks.
#
# </details>
#
# ## 9. Predict it before you draw a weight
#
# Where does the factor per layer come from? One step back is `dz = (dz_next @ W.T) * slope`. Square
# its length and average over the random weights: each unit gets n terms of variance Var(w), times
# its own squared slope. With σ_w² for n · Var(w):
#
# $$\chi = \sigma_w^2 \cdot \text{mean of } f'(z)^2, \qquad |dz_l| \approx \sqrt{\chi}\,|dz_{l+1}|$$
#
# "Chi" below 1: the gradient vanishes. Above 1: it explodes. χ = 1 is called the **edge of chaos**.
# Nothing in it depends on the data, but through the width of z, which the same argument gives.
#
# **Commit:** ReLU's slope is 1 for half of all z, else 0. For which σ_w² is χ = 1?

# %%
guess_edge = predict.number("ReLU's edge: σ_w²", low=0.1, high=4)
guess_edge

# %%
guess_edge.reveal(theory.critical_sigma_w2("relu", 0))

# %%
measured, expected = {}, {}
for label, (activation, initializer) in cases.items():
    all_dz = []
    for seed in range(5):
        model = MLP((784, *[200] * 10, 10), activation=activation, initializer=initializer,
                    rng=np.random.default_rng(seed))
        signal = trace(model, x, y)
        sizes = signal.per_layer("grad_z_norm")
        all_dz.append(np.log(sizes / sizes[-1]))
    predicted = theory.predict(model, x, signal.output_error).grad_z_norm
    measured[label] = np.exp(np.median(all_dz, axis=0))
    expected[label] = predicted / predicted[-1]
plots.side_by_side({name: {"measured": measured[name], "predicted": expected[name]}
                    for name in cases}, alt="measured and predicted |dz| lie on each other")

# %%
per_layer = {name: (expected[name][0] ** (1 / 9), measured[name][0] ** (1 / 9)) for name in cases}
for name, (p, m) in per_layer.items():
    print(f"{name:16} factor per step, predicted: {p:.2f}   median of 5 seeds: {m:.2f}")
print(f"the edge: ReLU {theory.critical_sigma_w2('relu', 0):.2f}   tanh with biases of variance "
      f"0.05: {theory.critical_sigma_w2('tanh', 0.05):.3f}")

# %%
labs.mean_field_lab()

# %% [markdown]
# The lab is a map: σ_w² to the right, the variance of the biases upward, your network a star.
#
# - **Move σ_w² from `1.2` up** with tanh, to the edge that was just printed. The star reaches the
#   edge, the line lies flat.
# - **Choose ReLU.** Its edge is a vertical line. Why do biases not matter?
#
# <details><summary>What you saw</summary>
#
# One formula predicts all three, on equal axes. He's rule is σ_w² =
# {{theory.critical_sigma_w2("relu", 0):.0f}}: exactly ReLU's edge. Glorot's rule has σ_w² = 1, so
# the sigmoid's χ is at most $1/16$, and $\sqrt\chi$ at most a quarter. The derivation, step by
# step, and all other activations: [deeper/02](deeper/02_predict_signal_and_gradient.ipynb).
#
# </details>
#
# ## 10. One seed is a lottery ticket
#
# At the edge nothing vanishes and nothing explodes, *on average*. **Commit:** 60 ReLU networks at
# the edge, 100 layers of 100 units, the same input. How many times larger is the largest last
# signal (mean square of h) than the smallest?

# %%
guess_lottery = predict.number("Largest over smallest of 60 signals", low=1, high=1e9, log=True)
guess_lottery

# %%
def log_signal(width, seed):
    """ln of the mean square of h after each of 100 layers, He's rule with uniform numbers."""
    rng, h, logs = np.random.default_rng(seed), np.ones(width, np.float32), []
    limit = np.sqrt(6 / width)  # between −limit and limit the variance is 2 / width
    for _ in range(100):
        W = (2 * rng.random((width, width), dtype=np.float32) - 1) * np.float32(limit)
        h = np.maximum(h @ W, 0)
        logs.append(np.log(np.mean(h.astype(float) ** 2)))
    return logs

narrow = np.array([log_signal(100, seed) for seed in range(60)])
guess_lottery.reveal(np.exp(np.ptp(narrow[:, -1])))

# %%
wide = np.array([log_signal(500, seed) for seed in range(60)])
for name, logs, width in (("width 100", narrow, 100), ("width 500", wide, 500)):
    print(f"{name}: variance of the log at layer 100: {logs[:, -1].var(ddof=1):.1f}   "
          f"5 · depth / width: {500 / width:.1f}")
plots.seed_paths({"width 100": narrow, "width 500": wide},
                 {"width 100": (-0.025, 0.05), "width 500": (-0.005, 0.01)})

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The same rule, the same input, another seed: signals {{about(np.exp(np.ptp(narrow[:, -1])))}}
# times apart. The log of the signal takes a random step at each layer, and its variance grows
# like depth over width. Change the width alone and it shrinks. [The derivation is in
# deeper/02](deeper/02_predict_signal_and_gradient.ipynb). So one run of a narrow deep network
# proves little. This is why the course tells medians and ranges over seeds.
#
# </details>
#
# ### Experiment: what helps most?
#
# Which *single* change of the patient helps most? You may change its activation, its initializer,
# its inputs, the rate, clipping. Save each run under a name and compare. Then find the smallest
# set of changes that works. Try several seeds before you believe it.

# %%
runs.save("as it comes", loss=course.loss)

tried = patient.Patient(activation="tanh").train(seed=0, steps=200)  # change this line
runs.save("tanh", loss=tried.loss)
print(tried)

runs.compare()

# %% [markdown]
# ## How did you guess?

# %%
predict.summary()

# %% [markdown]
# ## Summary
#
# - Two things travel: the signal forward, the gradient back. Each layer multiplies both by weights
#   and slopes. The way back through ten layers has {{words(len(dz) - 1)}} steps.
# - What stops the patient first is the missing signal: put back, ten frozen layers are enough to
#   learn from. Equal steps alone cure nothing there.
# - dW is h times dz. It can be level while both are not.
# - Saturated is not vanished, and clipped is not cured.
# - χ = σ_w² · mean of f'² is known before a weight is drawn. One seed is one ticket.
#
# ## In practice
#
# - Before you train, look at one batch: the std of h *over the examples*, and |dz|, layer by layer.
# - A straight slope on a log axis is a fault of scale. Change the activation or the initialization,
#   not the learning rate.
# - Clip as an insurance, and log how often it happens. If it is every step, mend the cause.
#
# Next: [Choose an activation](03_choose_an_activation.ipynb). It finds the patient's first cause.
# Deeper: [Predict signal and gradient](deeper/02_predict_signal_and_gradient.ipynb). Before:
# [Backpropagate by hand](01_backpropagate_by_hand.ipynb).

# %% [markdown] tags=["given"]
# ## Further reading
#
# - [Understanding the difficulty of training deep feedforward neural
#   networks](https://proceedings.mlr.press/v9/glorot10a.html), Glorot and Bengio 2010: looks at
#   activations and gradients layer by layer, and finds the cure.
# - [On the difficulty of training recurrent neural networks](https://arxiv.org/abs/1211.5063),
#   Pascanu and others 2013: vanishing, exploding, and clipping by norm.
# - [Deep information propagation](https://arxiv.org/abs/1611.01232), Schoenholz and others 2017:
#   the edge of chaos, and how deep a signal gets.
# - [Which neural net architectures give rise to exploding and vanishing
#   gradients?](https://arxiv.org/abs/1801.03744), Hanin 2018: the lottery, with proofs.
