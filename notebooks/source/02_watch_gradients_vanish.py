# %% [markdown]
# # Watch gradients vanish and explode
#
# You will follow the gradient back through ten and a hundred layers, see where it gets lost, and predict
# how much of it arrives before you run anything.
#
# **Time:** about 90 minutes. **Know first:** how a network computes its output, the chain rule, and what a
# step of gradient descent does. Before this: [Start here](00_start_here.ipynb). After this:
# [Choose an activation](03_choose_an_activation.ipynb).

# %% [markdown]
# ## What you will learn
#
# Afterwards you can
#
# 1. measure the gradient at every layer, and tell vanishing from exploding;
# 2. say why one neuron with a large input stops learning;
# 3. predict the gradient's loss or growth per layer from the activation and the weights alone;
# 4. say what gradient clipping repairs and what it does not;
# 5. judge whether a result of one random seed means anything.
#
# A layer is `z = x @ W + b`, then `h = f(z)`. We call z the **pre-activation**, h the **activation**, f the
# **activation function**. Layers count from 1 at the input. "Gradient" is always the derivative of the loss.

# %%
import sys; sys.path[:0] = ["..", "../.."]  # the course's own package lies one folder up (two, for the solved twins)
import numpy as np
from helpers import activations, data, meanfield, network, signals
from helpers.checks import flow as checks
from helpers.labs import gradient_flow_lab, mean_field_lab, neuron_lab
from helpers.plots import flow as pictures, layers

# %% [markdown]
# ## 1. What reaches the first layer?
#
# The **sigmoid** σ(z) = 1 / (1 + e^−z) squeezes every number into 0 … 1. On the way back, the gradient is
# multiplied at each layer by the slope σ'(z), which is never more than 1/4.
#
# **Predict:** a network has ten sigmoid layers. By what factor do ten slopes shrink the gradient, at best?

# %%
z = np.linspace(-10, 10, 2001)
steepest = activations.sigmoid_derivative(z).max()
print(f"largest slope of the sigmoid: {steepest:.2f}")
print(f"ten of them multiplied:       {steepest**10:.1e}")
assert steepest == 0.25

# %% [markdown]
# At best, 9.5e-7 of the gradient is left: about one millionth. That is the slopes alone. The weights multiply
# the gradient too, and they could make up for it or make it worse. So we measure.
#
# The network below gets 200 real images from Fashion-MNIST. It has ten layers of 100 sigmoid units, and its
# weights are drawn by a common rule, **Glorot's**: random numbers with variance 1 / (average of inputs and
# outputs). A **trace** is a list of vital signs, layer by layer: what went forward and what came back.
# "Gradient norm" is the length of the gradient with respect to a layer's z, all images and units together.

# %%
x, y = data.load_batch(200, dtype=np.float64)

def build(depth, activation, initializer, gain=1.0, width=100, seed=0):
    rng = np.random.default_rng(seed)
    sizes = (784, *[width] * depth, 10)
    return network.MLP(sizes, activation=activation, initializer=initializer, gain=gain, rng=rng)

def norms_and_prediction(model):
    trace = signals.trace(model, x, y)
    return trace.per_layer("grad_z_norm"), meanfield.predict(model, x, trace.output_error).grad_z_norm

# %%
norms, predicted = norms_and_prediction(build(10, "sigmoid", "glorot_normal"))
for name, g in (("measured", norms), ("predicted", predicted)):
    print(f"{name:9}  layer 10: {g[-1]:.1e}  layer 1: {g[0]:.1e}  ratio: {g[0] / g[-1]:.1e}  "
          f"factor per layer: {(g[0] / g[-1]) ** (1 / 9):.2f}")
assert norms[0] / norms[-1] < 1e-5
layers.curves({"sigmoid": norms}, {"sigmoid": predicted}, ylabel="gradient norm of z")

# %% [markdown]
# On a log axis the dots lie on a straight line: each layer keeps about 0.23 of the gradient, a little less than
# the 0.25 that the steepest slope allows. Nine steps from layer 10 to layer 1 leave about 2.1e-6. This is the
# **vanishing gradient**. The dashed line was computed without looking at a single weight. How that is possible
# is the subject of section 6.
#
# What does it do to learning? We train for 200 steps and ask how far each layer's weights have moved.

# %%
def train(model, learning_rate, steps=200, clip_norm=None):
    x_train, y_train = data.load_batch(2000, dtype=np.float64)
    rng = np.random.default_rng(1)
    return network.train(model, x_train, y_train, learning_rate=learning_rate, steps=steps,
                         clip_norm=clip_norm, rng=rng)

# %%
model = build(10, "sigmoid", "glorot_normal")
start = [W.copy() for W in model.weights]
losses = train(model, learning_rate=0.1)
moved = [np.linalg.norm(W - W0) / np.linalg.norm(W0) for W, W0 in zip(model.weights, start)]
print("relative change of the weights, layers 1 to 10:", *(f"{m:.0e}" for m in moved[:10]))
print(f"loss, last 50 steps: {losses[-50:].mean():.1f}   loss of pure guessing: {np.log(10):.1f}")
assert moved[0] < 1e-4 < 1e-3 < moved[9]

# %% [markdown]
# The last layer moved thousands of times more than the first, relative to its size. The first layers, which
# see the image, stay as they were drawn. The loss is still that of guessing among ten classes. The network
# is not slow here: it has not begun.

# %% [markdown]
# ## 2. The other way: explode
#
# Now an activation that does not saturate: **ReLU**, max(0, z), with slope 1 for every positive z. **He's**
# rule draws its weights with variance 2 / inputs, which suits it. We multiply all weights by 2 (a **gain** of 2).
#
# **Predict:** by which factor does the gradient change per layer? And what will ten layers make of that?

# %%
loud = build(10, "relu", "he_normal", gain=2)
calm = build(10, "relu", "he_normal")
(loud_norms, loud_predicted), (calm_norms, calm_predicted) = map(norms_and_prediction, (loud, calm))
for name, g in (("gain 2", loud_norms), ("gain 1", calm_norms)):
    print(f"{name}  layer 10: {g[-1]:.2f}   layer 1: {g[0]:.2f}   factor per layer: {(g[0] / g[-1]) ** (1 / 9):.2f}")
layers.curves({"gain 2": loud_norms, "gain 1": calm_norms}, {"gain 2": loud_predicted, "gain 1": calm_predicted},
              ylabel="gradient norm of z")

# %% [markdown]
# With gain 2 the gradient about doubles at every layer on its way back: this is the **exploding gradient**. With
# gain 1 it stays level. Both follow the prediction, not exactly, since every network is one random draw.
#
# A step of gradient descent is proportional to the gradient. What will a step do to these weights?

# %%
losses = train(build(10, "relu", "he_normal", gain=2), learning_rate=0.01)
print("loss of the first steps:", *(f"1e{np.log10(loss):.0f}" if np.isfinite(loss) else loss for loss in losses[:5]))
print("steps with a loss that is a number:", np.isfinite(losses).sum(), "of", len(losses))
assert not np.isfinite(losses[5:]).any()

# %% [markdown]
# Three steps and the training is over. The loss leaps by many powers of ten each time and then becomes NaN,
# "not a number": the computer subtracted infinity from infinity. No later step can bring it back.
#
# **Clipping** is the usual bandage: when the joint norm of all gradients is above a limit, they are all shrunk by
# one factor, so that the norm equals the limit.

# %%
clipped, healthy = build(10, "relu", "he_normal", gain=2), build(10, "relu", "he_normal")
runs = {"gain 2, clipped": train(clipped, 0.01, clip_norm=1.0), "gain 1": train(healthy, 0.01)}
for name, loss in runs.items():
    print(f"{name:16} all finite: {np.isfinite(loss).all()}   first loss: {loss[0]:.0e}   "
          f"median of the last 50: {np.median(loss[-50:]):.0e}")
before = signals.trace(build(10, "relu", "he_normal", gain=2), x, y).per_layer("grad_W_norm")
_, gradients = build(10, "relu", "he_normal", gain=2).loss_and_gradients(x, y)
after = [np.linalg.norm(dW) for dW in network.clip_by_norm(gradients, 1.0).dW]
print(f"weight gradient, layer 1 / layer 10: {before[0] / before[9]:.2f} before clipping, {after[0] / after[9]:.2f} after")
layers.curves({name: loss[::8] for name, loss in runs.items()}, xlabel="step", x=np.arange(0, 200, 8), ylabel="loss")

# %% [markdown]
# Clipping repairs one thing: no step is too long, so no NaN. It does not repair the cause. The ratio between the
# layers is the same before and after, for all are shrunk by one factor. The signal is still a thousand
# times too large, and after 200 steps the loss is far above that of guessing, while the network with the right
# weights learns from its first steps. Clip to survive a rare bad batch, and still scale the weights.

# %% [markdown]
# ## 3. One neuron, far from zero
#
# Look into a single neuron. It has two inputs, 0.01 and 50, with the weights 100 and 1.
#
# **Predict:** what is z? Where on the sigmoid does that lie, and what is the slope there?

# %%
inputs, weights = np.array([0.01, 50.0]), np.array([100.0, 1.0])
z = inputs @ weights
slope = activations.sigmoid_derivative(z)
print(f"z = {z:.0f}   σ(z) = {activations.sigmoid(z):.4f}   σ'(z) = {slope:.0e}   gradients of the weights:",
      *(f"{g:.0e}" for g in slope * inputs))
assert 6e-23 < slope < 8e-23

# %% [markdown]
# The neuron says 1, and its slope is 7e-23. Whatever the loss asks for, it is multiplied by that. The neuron is
# **saturated**: it sits where its output has settled and its slope is close to 0. Note who is to blame:
# the second input is large, and its weight of 1 looks quite normal.

# %%
neuron_lab()

# %% [markdown]
# Three things to try:
#
# - **Pull weight 2 from 1 to 0.** z falls to 1 and the slope comes back, for the large input is what saturates.
#   On the log axis the point climbs 22 powers of ten.
# - **Put weight 2 back to 1 and mend it with weight 1 alone.** You must go down to about −5000, because this
#   weight is multiplied by 0.01. Inputs of very different size make very different weights. Scaling the
#   inputs comes in a later lesson.
# - **Choose ReLU.** At z = 51 the slope is 1 and the gradient passes. Now make z negative: the slope is exactly 0.
#   ReLU saturates too, but on one side only.

# %% [markdown]
# ## 4. What made it so: N(0, 1)
#
# For years, networks were begun with weights from N(0, 1), normal numbers with mean 0 and standard deviation 1. Each
# z is then a sum of 784 or 100 random terms.
#
# **Predict:** the images are scaled to standard deviation 1. How spread out is z in the first layer? Where on the
# sigmoid do most units sit, in the first layer and in the tenth?

# %%
old = build(10, "sigmoid", "standard_normal")
trace = signals.trace(old, x, y)
theory = meanfield.predict(old, x, trace.output_error)
low, high = signals.histogram_range("sigmoid")
density = [meanfield.predicted_density("sigmoid", q, low, high, signals.BINS) for q in theory.q]
print(f"layer  variance in  variance of z  variance out  saturated   (input of layer 1: {trace.input_std**2:.2f})")
variance_in = [trace.input_std**2, *trace.per_layer("std") ** 2]
for i in (0, 1, 2, 5, 9):
    s = trace.hidden[i]
    print(f"{i + 1:5}  {variance_in[i]:11.2f}  {s.z_std**2:13.1f}  {s.std**2:12.2f}  {s.share_saturated:9.0%}")
layers.histograms(trace, density)

# %% [markdown]
# The variance of z is hundreds of times that of the input in the first layer. Here "saturated" means a slope below
# one twentieth of the steepest. Nearly nine in ten units of the first layer are saturated, and about half in
# every later layer: the histograms pile up at 0 and 1.
#
# You will often read that this is why the gradient dies. Check that before you believe it.

# %%
for width in (30, 100, 300):
    models = [build(10, "sigmoid", "standard_normal", width=width, seed=seed) for seed in range(5)]
    g = np.array([norms_and_prediction(model)[0] for model in models])
    ratio = g[:, 0] / g[:, -1]
    saturated = np.median([signals.trace(m, x, y).layers[9].share_saturated for m in models])
    print(f"width {width:3}   saturated in layer 10: {saturated:4.0%}   gradient ratio first / last, "
          f"median of 5 seeds: {np.median(ratio):7.1g}   range: {ratio.min():.0e} to {ratio.max():.0e}")

# %% [markdown]
# The wider the network, the more saturated it is, and yet the gradient shrinks least in the widest one: there
# it even grows. Two forces pull against each other. Saturated units pass almost nothing, but the few
# others pass it on through weights that are far too large. Near width 100 the two happen to balance. So
# "saturated" is not the same as "vanished". You need a number for the whole layer, and section 6 gives it.
# What saturation does cost is that most units cannot learn, whatever the norm says.

# %% [markdown]
# ## 5. The whole way back, live
#
# The lab shows one network on 32 real images. Dots are measured, dashed lines predicted.

# %%
gradient_flow_lab()

# %% [markdown]
# Three things to try:
#
# - **Drag depth from 10 to 100.** The line goes on falling with the same slope. At 100 layers the first layer gets
#   about 10 to the minus 64, which ordinary 32-bit numbers cannot even hold. We compute with 64 bits here.
# - **Choose ReLU and `He normal`, then gain 2, then gain 0.5.** The gradient norm is level, then explodes, then vanishes. The
#   sign of the slope flips at gain 1, where He's rule sits.
# - **Choose tanh and `N(0, 1)`.** Nearly all units are saturated, but the gradient explodes on its way
#   back. The large weights win.

# %% [markdown]
# ## 6. What depth adds
#
# Now depth itself. We measure the ratio of the first to the last layer's gradient for six depths and five seeds.
#
# **Predict:** ten layers cost the sigmoid a factor of about a million. What will fifty cost? And is ReLU with
# He's rule safe at a hundred?

# %%
depths, seeds = (2, 5, 10, 20, 50, 100), range(5)
cases = {"sigmoid, Glorot": ("sigmoid", "glorot_normal"), "tanh, Glorot": ("tanh", "glorot_normal"),
         "ReLU, He": ("relu", "he_normal")}
ratios, theory = {}, {}
for label, case in cases.items():
    pairs = [[norms_and_prediction(build(depth, *case, seed=seed)) for depth in depths] for seed in seeds]
    ratios[label] = np.array([[g[0] / g[-1] for g, _ in row] for row in pairs])
    theory[label] = np.array([p[0] / p[-1] for _, p in pairs[0]])
    low, middle, high = ratios[label].min(axis=0), np.median(ratios[label], axis=0), ratios[label].max(axis=0)
    print(f"{label:16}", *(f" {d}: {m:.0e} ({a:.0e} to {b:.0e})" for d, m, a, b in list(zip(depths, middle, low, high))[2::2] + []))
pictures.ratio_by_depth(depths, ratios, theory)
