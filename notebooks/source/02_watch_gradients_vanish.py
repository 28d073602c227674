# %% [markdown]
# # Watch gradients vanish and explode
#
# You will follow the gradient back through ten and a hundred layers, see where it gets lost, and
# predict how much of it arrives before you run anything.
#
# **Time:** about 90 minutes. **Know first:** how a network computes its output, the chain rule, and
# what a step of gradient descent does. Before this: [Backpropagate by
# hand](01_backpropagate_by_hand.ipynb). After this: [Choose an
# activation](03_choose_an_activation.ipynb).
#
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
# A layer is `z = x @ W + b`, then `h = f(z)`. We call z the **pre-activation**, h the
# **activation**, f the **activation function**. Layers count from 1 at the input. "Gradient" is
# always the derivative of the loss.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    MLP, activations, checks, clip_by_norm, cross_entropy, data, labs, measures, plots, theory,
    trace, train,
)

# %% [markdown]
# ## 1. What reaches the first layer?
#
# The **sigmoid** σ(z) = 1 / (1 + e^−z) squeezes every number into 0 … 1. On the way back, the
# gradient is multiplied at each layer by the slope σ'(z), which is never more than
# {{activations.largest_slope('sigmoid')}}.
#
# **Predict:** a network has ten sigmoid layers. By what factor do ten slopes shrink the gradient,
# at best?

# %%
z = np.linspace(-10, 10, 2001)
steepest = activations.sigmoid_derivative(z).max()
print(f"largest slope of the sigmoid: {steepest:.2f}")
print(f"ten of them multiplied:       {steepest**10:.1e}")
assert steepest == 0.25

# %% [markdown]
# At best, {{steepest**10:.1e}} of the gradient is left: about one millionth. The weights multiply
# the gradient too, and could make it better or worse. So we measure.
#
# The network below gets 100 images from Fashion-MNIST. It has ten layers of 100 sigmoid units. Its
# weights are drawn by **Glorot's** rule: random numbers with variance 1 / (average of inputs and
# outputs). A **trace** holds what went forward and what came back, layer by layer. "Gradient norm"
# is the length of the gradient with respect to a layer's z, all images and units together.

# %%
x, y = data.load_batch(100, dtype=np.float64)

def build(depth, activation, initializer, width=100, seed=0, **options):
    sizes, rng = (784, *[width] * depth, 10), np.random.default_rng(seed)
    return MLP(sizes, activation=activation, initializer=initializer, rng=rng, **options)

def norms_and_prediction(model):
    signals = trace(model, x, y)
    predicted = theory.predict(model, x, signals.output_error)
    return signals.per_layer("grad_z_norm"), predicted.grad_z_norm

# %%
norms, predicted = norms_and_prediction(build(10, "sigmoid", "glorot_normal"))
for name, g in (("measured", norms), ("predicted", predicted)):
    print(f"{name:9}  layer 10: {g[-1]:.1e}  layer 1: {g[0]:.1e}  ratio: {g[0] / g[-1]:.1e}  "
          f"factor per layer: {(g[0] / g[-1]) ** (1 / 9):.2f}")
assert norms[0] / norms[-1] < 1e-5
plots.curves({"sigmoid": norms}, {"sigmoid": predicted}, ylabel="gradient norm of z")

# %% [markdown]
# On a log axis the dots lie on a straight line: each layer keeps about
# {{(norms[0] / norms[-1]) ** (1 / 9):.2f}} of the gradient, a little less than the {{steepest}}
# that the steepest slope allows. {{words(len(norms) - 1).capitalize()}} steps from layer 10 to
# layer 1 leave about {{norms[0] / norms[-1]:.1e}}. This is the **vanishing gradient**. The dashed
# line starts from the error at the output and looks at no weight at all. Section 7 says how.
#
# What does it do to learning? We train for 200 steps and ask how far each layer's weights have
# moved.

# %%
def learn(model, learning_rate, steps=200, clip_norm=None):
    x_train, y_train = data.load_batch(2000, dtype=np.float64)
    rng = np.random.default_rng(1)
    return train(model, x_train, y_train, learning_rate=learning_rate, steps=steps,
                         clip_norm=clip_norm, rng=rng)

model = build(10, "sigmoid", "glorot_normal")
start = [W.copy() for W in model.weights]
losses = learn(model, learning_rate=0.1)
pairs = zip(model.weights, start, strict=True)
moved = [np.linalg.norm(W - W0) / np.linalg.norm(W0) for W, W0 in pairs]
print("relative change of the weights, layers 1 to 10:", *(f"{m:.0e}" for m in moved[:10]))
print(f"loss, last 50 steps: {losses[-50:].mean():.1f}   loss of pure guessing: {np.log(10):.1f}")
assert moved[0] < 1e-4 < 1e-3 < moved[9]

# %% [markdown]
# Relative to its size, layer 10 moved thousands of times more than layer 1. The first layers, which
# see the image, stay as they were drawn, and the loss is still that of guessing.
#
# ## 2. The other way: explode
#
# Now an activation that does not saturate: **ReLU**, max(0, z), with slope 1 for every positive z.
# **He's** rule draws its weights with variance 2 / inputs, which suits it. We multiply all weights
# by 2 (a **gain** of 2).
#
# **Predict:** by which factor does the gradient change per layer? And what will ten layers make of
# that?

# %%
loud = build(10, "relu", "he_normal", gain=2)
calm = build(10, "relu", "he_normal")
(loud_norms, loud_predicted), (calm_norms, calm_predicted) = map(norms_and_prediction, (loud, calm))
for name, g in (("gain 2", loud_norms), ("gain 1", calm_norms)):
    factor = (g[0] / g[-1]) ** (1 / 9)
    print(f"{name}  layer 10: {g[-1]:.2f}   layer 1: {g[0]:.2f}   factor per layer: {factor:.2f}")
plots.curves({"gain 2": loud_norms, "gain 1": calm_norms},
              {"gain 2": loud_predicted, "gain 1": calm_predicted}, ylabel="gradient norm of z")

# %% [markdown]
# With gain 2 the gradient about doubles at every layer on its way back: this is the **exploding
# gradient**. With gain 1 it stays level. Neither is exactly as predicted, since every network is
# one random draw.
#
# A step of gradient descent is proportional to the gradient. What will a step do to these weights?

# %%
losses = learn(build(10, "relu", "he_normal", gain=2), learning_rate=0.01)
print("log10 of the loss, first five steps:", *(f"{power:.0f}" for power in np.log10(losses[:5])))
print("steps with a loss that is a number:", np.isfinite(losses).sum(), "of", len(losses))
assert not np.isfinite(losses[5:]).any()

# %% [markdown]
# {{words(np.isfinite(losses).sum()).capitalize()}} steps and the training is over. The loss leaps
# by many powers of ten each time and then becomes NaN, "not a number", as when infinity is
# subtracted from infinity. No later step can bring it back.
#
# **Clipping** is the usual bandage: when the joint norm of all gradients is above a limit, they are
# all shrunk by one factor, so that the norm equals the limit.

# %%
clipped, healthy = build(10, "relu", "he_normal", gain=2), build(10, "relu", "he_normal")
runs = {"gain 2, clipped": learn(clipped, 0.01, clip_norm=1.0), "gain 1": learn(healthy, 0.01)}
for name, loss in runs.items():
    print(f"{name:16} all finite: {np.isfinite(loss).all()}   first loss: {loss[0]:.0e}   "
          f"median of the last 50: {np.median(loss[-50:]):.0e}")
before = trace(build(10, "relu", "he_normal", gain=2), x, y).per_layer("grad_W_norm")
_, gradients = build(10, "relu", "he_normal", gain=2).loss_and_gradients(x, y)
after = [np.linalg.norm(dW) for dW in clip_by_norm(gradients, 1.0).dW]
print(f"weight gradient, layer 1 / layer 10: {before[0] / before[9]:.2f} before clipping, "
      f"{after[0] / after[9]:.2f} after")
shown = {name: loss[::8] for name, loss in runs.items()}
plots.curves(shown, x=np.arange(0, 200, 8), xlabel="step", ylabel="loss")

# %% [markdown]
# Clipping repairs one thing: no step is too long, so no NaN. It does not repair the cause. The
# ratio between the layers is the same before and after, for all are shrunk by one factor. The
# signal is still far too large, since each of {{words(len(clipped.weights))}} weight matrices
# doubles it. After 200 steps the loss is far above that of guessing, while the network with gain 1
# has learned.
#
# ## 3. One neuron, far from zero
#
# Look into a single neuron. It has two inputs, 0.01 and 50, with the weights 100 and 1.
#
# **Predict:** what is z? Where on the sigmoid does that lie, and what is the slope there?

# %%
inputs, weights = np.array([0.01, 50.0]), np.array([100.0, 1.0])
z = inputs @ weights
slope = activations.sigmoid_derivative(z)
print(f"z = {z:.0f}   σ(z) = {activations.sigmoid(z):.4f}   σ'(z) = {slope:.0e}   "
      "gradients of the weights:", *(f"{g:.0e}" for g in slope * inputs))
assert 6e-23 < slope < 8e-23

# %% [markdown]
# The neuron says 1, and its slope is {{slope:.0e}}. Whatever the loss asks for is multiplied by
# that. The neuron is **saturated**: it sits where its output has settled and its slope is close
# to 0. Note who is to blame: the second input is large, and its weight of 1 looks quite normal.

# %%
labs.neuron_lab()

# %% [markdown]
# Three things to try:
#
# - **Pull `weight 2` from `1` to `0`.** z falls to 1 and the slope comes back, for the large input
#   is what saturates. On the log axis the point climbs more than
#   {{np.log10(activations.sigmoid_derivative(inputs[0] * weights[0]) / slope):.0f}} powers of ten.
# - **Put `weight 2` back to `1` and mend it with `weight 1` alone.** You must go down to about
#   {{-inputs[1] * weights[1] / inputs[0]:.0f}}, because this weight is multiplied by 0.01. That is
#   one reason to scale inputs alike.
# - **Choose ReLU.** At z = {{z:.0f}} the slope is 1 and the gradient passes. Now make z negative:
#   the slope is exactly 0. ReLU saturates too, but on one side only.
#
# ## 4. What made it so: N(0, 1)
#
# A natural first idea is to draw weights from N(0, 1), normal numbers with mean 0 and standard
# deviation 1. Each z is then a sum of 784 or 100 random terms.
#
# **Predict:** the images are scaled to standard deviation 1. How spread out is z in the first
# layer? Where on the sigmoid do most units sit, in the first layer and in the tenth?

# %%
old = build(10, "sigmoid", "standard_normal")
signals = trace(old, x, y)
predicted = theory.predict(old, x, signals.output_error)
low, high = measures.histogram_range("sigmoid")
density = [theory.predicted_density("sigmoid", q, low, high, measures.BINS) for q in predicted.q]
print("layer  variance in  variance of z  variance out  saturated")
variance_in = [signals.input_std**2, *signals.per_layer("std") ** 2]
for i in (0, 1, 2, 5, 9):
    s = signals.hidden[i]
    print(f"{i + 1:5} {variance_in[i]:12.2f} {s.z_std**2:14.1f} {s.std**2:13.2f} "
          f"{s.share_saturated:10.0%}")
plots.histograms(signals, density)

# %% [markdown]
# In the first layer the variance of z is hundreds of times that of the input. The sigmoid squeezes
# it to {{signals.hidden[0].std**2:.2f}}, and no numbers between 0 and 1 can vary more than
# {{np.var([0, 1])}}: nearly all of them are 0 or 1. Here "saturated" means a slope below one
# twentieth of the steepest. That holds for nearly
# {{words(round(10 * signals.hidden[0].share_saturated))}} in ten units of the first layer, which
# has the most inputs, and for about half in every later one. The dashed predictions fit.
#
# You will often read that this is why the gradient dies. Check that before you believe it.

# %%
kept = {}
for width in (30, 100, 300):
    models = [build(10, "sigmoid", "standard_normal", width=width, seed=seed) for seed in range(5)]
    g = np.array([norms_and_prediction(model)[0] for model in models])
    ratio = g[:, 0] / g[:, -1]
    kept[width] = np.median(ratio)
    saturated = np.median([trace(m, x, y).layers[9].share_saturated for m in models])
    print(f"width {width:3}   saturated in layer 10: {saturated:4.0%}   "
          f"gradient ratio first / last, median of 5 seeds: {kept[width]:7.1g}   "
          f"range: {ratio.min():.0e} to {ratio.max():.0e}")
models = [build(10, "sigmoid", "standard_normal", seed=seed) for seed in range(5)]
last = [learn(model, learning_rate=0.1)[-50:].mean() for model in models]
print("width 100, loss of the last 50 of 200 training steps, "
      f"median of 5 seeds: {np.median(last):.1f}   range: {min(last):.1f} to {max(last):.1f}")
assert max(last) < 2

# %% [markdown]
# The wider the network, the more units are saturated. Yet the gradient keeps {{kept[30]:.2f}} of
# itself at width 30, {{kept[100]:.1f}} at width 100, and at width 300 it grows
# {{kept[300]:.0f}}-fold. Two forces pull against each other. Saturated units pass almost nothing,
# but the few others pass it on through weights that are far too large. Near width 100 the two
# happen to balance. So "saturated" is not "vanished". You need one number for the whole layer, and
# section 7 gives it.
#
# And the saturated networks of width 100 learn: in 200 steps the loss falls to
# {{np.median(last):.1f}}, well below the {{np.log(10):.1f}} of guessing, where the network of
# section 1 stayed. What failed that one was the product of slopes and weights, not saturation.
#
# ## 5. The whole way back, live
#
# The lab shows one network on a few real images. Dots are measured, dashed lines predicted.

# %%
labs.gradient_flow_lab()

# %% [markdown]
# Three things to try:
#
# - **Drag depth from `10` to `100`.** The line goes on falling with the same slope. At 100 layers
#   the first layer gets about {{power(norms_and_prediction(build(100, "sigmoid",
#   "glorot_normal"))[1][0])}}, which 32-bit numbers cannot even hold; the lab uses 64 bits.
# - **Choose ReLU and `He normal`, then gain `2`, then gain `0.5`.** The gradient is level, then
#   explodes, then vanishes: the tilt flips at gain 1, where He's rule sits.
# - **Choose tanh and `N(0, 1)`.** Most units are saturated, but the gradient explodes on its way
#   back. The large weights win.
#
# ## 6. What depth adds
#
# We measure the gradient of the first layer over that of the last, for depths from 2 to 100 and
# five seeds.
#
# **Predict:** ten layers cost the sigmoid a factor of about {{about(norms[-1] / norms[0])}}. What
# will fifty cost? And is ReLU with He's rule safe at a hundred?

# %%
depths, seeds, ratios, predicted = (2, 5, 10, 20, 50, 100), range(5), {}, {}
cases = {"sigmoid, Glorot": ("sigmoid", "glorot_normal"), "tanh, Glorot": ("tanh", "glorot_normal"),
         "ReLU, He": ("relu", "he_normal")}
for label, case in cases.items():
    runs = [
        [norms_and_prediction(build(depth, *case, seed=seed)) for depth in depths] for seed in seeds
    ]
    ratios[label] = np.array([[g[0] / g[-1] for g, _ in run] for run in runs])
    predicted[label] = np.array([p[0] / p[-1] for _, p in runs[0]])
    for i in (2, 4, 5):
        r = ratios[label][:, i]
        print(f"{label:16} depth {depths[i]:3}   median {np.median(r):.0e}   "
              f"range {r.min():.0e} to {r.max():.0e}")
plots.ratio_by_depth(depths, ratios, predicted)

# %% [markdown]
# The sigmoid loses a fixed share per layer, so depth multiplies the loss: about
# {{np.median(ratios["sigmoid, Glorot"][:, -1]):.0e}} is left after a hundred layers. Tanh loses far
# less, but it loses, and at a hundred layers more than predicted: theory is exact only for
# infinitely wide layers. ReLU with He's rule has no trend. But look at its bars: they grow with
# depth, though nothing but the seed changed. Section 9 returns to that.
#
# Depth has two more prices: time, and **over-fitting**, which is doing well on the training images
# and worse on new ones. We train ReLU networks of three depths on just 400 images, and test them on
# 2,000 others.

# %%
x_all, y_all = data.load_batch(400 + 2000, dtype=np.float64)
(x_seen, y_seen), (x_new, y_new) = (x_all[:400], y_all[:400]), (x_all[400:], y_all[400:])
gaps = {}
for depth in (1, 4, 16):
    scores = []
    for seed in range(5):
        model, rng = build(depth, "relu", "he_normal", 50, seed), np.random.default_rng(seed)
        train(model, x_seen, y_seen, learning_rate=0.01, steps=300, rng=rng)
        scores.append((model.accuracy(x_seen, y_seen), model.accuracy(x_new, y_new)))
    seen, new = np.median(scores, axis=0)
    gaps[depth] = seen - new
    products = sum(W.size for W in model.weights)
    print(f"depth {depth:2}   products per image, one way: {products:6,}   "
          f"accuracy on seen images: {seen:.2f}   on new ones: {new:.2f}   gap: {gaps[depth]:.2f}")

# %% [markdown]
# Time first: every hidden layer adds the same number of products. Then over-fitting: one layer and
# four layers know the seen images almost by heart and do worse on new ones, with gaps of
# {{gaps[1]:.2f}} and {{gaps[4]:.2f}}. Sixteen layers have learned the seen images less well in the
# same 300 steps, and do worst on new ones. On this small task more layers cost time and stability,
# and gave nothing back. It is no verdict on deep networks.
#
# ## 7. Where the factor per layer comes from
#
# Call the gradient with respect to a layer's pre-activations dz, and let n be the number of units
# of layer l.
#
# 1. Layer l feeds the next one: $z_{l+1} = h_l W_{l+1} + b_{l+1}$ with $h_l = f(z_l)$.
# 2. The chain rule, unit by unit: $dz_{l,i} = f'(z_{l,i}) \sum_j W_{ij}\, dz_{l+1,j}$. For a whole
#    layer: $dz_l = (dz_{l+1} W_{l+1}^T) \odot f'(z_l)$.
# 3. Square it and average over the random weights. They have mean 0 and are independent, so all
#    products of two different weights drop out: $E\big[(\sum_j W_{ij}\, dz_{l+1,j})^2\big] =
#    \mathrm{Var}(w) \sum_j dz_{l+1,j}^2$.
# 4. *Assume* that the slope $f'(z_{l,i})$ is independent of that sum. That is not quite true, and
#    works well.
# 5. Add up the n units: $E\|dz_l\|^2 = n\,\mathrm{Var}(w)\,E[f'^2]\,\|dz_{l+1}\|^2$. With
#    $\sigma_w^2$ for $n\,\mathrm{Var}(w)$ the factor is $\chi = \sigma_w^2\,E[f'(z)^2]$, said
#    "chi".
# 6. What is the average over? z is a sum of many independent terms, so it is normal, with mean 0
#    and a variance q: $z = \sqrt q\,\xi$ with $\xi \sim N(0, 1)$.
# 7. The same argument forward gives q: $q_{l+1} = \sigma_w^2\,E[f(\sqrt{q_l}\,\xi)^2] +
#    \sigma_b^2$, where $\sigma_b^2$ is the variance of the biases.
# 8. After a few layers q settles, χ is the same everywhere, and the norm changes by $\sqrt\chi$ per
#    layer. This is called **mean-field theory**: each unit sees only the average of all the others.
#
# Now check steps 2, 5 and 8 against the code that made the figures above.

# %%
model = build(6, "tanh", "glorot_normal")
forward = model.forward(x)
_, dlogits = cross_entropy(forward.logits, y)
back = model.backward(forward, dlogits)
tanh = activations.ACTIVATIONS["tanh"]
for i in range(6):  # step 2
    assert np.allclose(back.dz[i], back.dz[i + 1] @ model.weights[i + 1].T * tanh.df(forward.z[i]))

rng, n, sigma_w2, q, factors = np.random.default_rng(0), 300, 1.5, 0.8, []
for _ in range(200):  # step 5: fresh weights and fresh pre-activations each time
    W = rng.normal(0, np.sqrt(sigma_w2 / n), (n, n))
    z, dz = rng.normal(0, np.sqrt(q), n), rng.normal(size=n)
    factors.append(np.sum((dz @ W.T * tanh.df(z)) ** 2) / np.sum(dz**2))

# %%
chi, error = theory.chi("tanh", q, sigma_w2), np.std(factors) / np.sqrt(len(factors))
print(f"χ in theory: {chi:.3f}   mean of 200 draws: {np.mean(factors):.3f}   "
      f"standard error: {error:.3f}")
assert abs(np.mean(factors) - chi) < 3 * error
assert np.isclose(theory.chi("relu", q, sigma_w2), sigma_w2 / 2)  # half of the slopes are 1, half 0
z = np.sqrt(q) * np.random.default_rng(1).standard_normal(1_000_000)
assert np.isclose(theory.chi("tanh", q, sigma_w2), sigma_w2 * np.mean(tanh.df(z) ** 2), rtol=0.01)
q_star = theory.fixed_point("tanh", sigma_w2, 0.05)  # step 8: the signal's variance settles
assert np.isclose(theory.variance_map("tanh", q_star, sigma_w2, 0.05), q_star, rtol=0.001)

# %% [markdown]
# The factor is now explained. The sigmoid's slope is at most {{steepest}}, so χ ≤ σ_w² /
# {{1 / steepest**2:.0f}}. Glorot's rule has σ_w² = 1: the norm must shrink at least
# {{words(1 / steepest)}}fold per layer. ReLU has χ = σ_w² / 2, and He's rule, σ_w² = 2, makes it
# exactly 1.
#
# ## 8. Order, chaos, and the edge between
#
# χ < 1 is called **order**: gradients vanish. χ > 1 is called **chaos**: gradients explode. The
# names come from tanh networks, where two images grow alike on the way forward in order, and drift
# apart in chaos. χ = 1 is the **edge of chaos**. Off the edge, the **depth scale** 1 / |ln χ| is
# the number of layers over which the squared gradient norm changes by a factor of e.
#
# **Predict:** ReLU's edge is at σ_w² = 2. Tanh has slopes between 0 and 1. Is its edge at a larger
# or a smaller σ_w²?

# %%
print(f"tanh, σ_b² = 0.05: the edge is at σ_w² = {theory.critical_sigma_w2('tanh', 0.05):.3f}")
print(f"ReLU, σ_b² = 0:    the edge is at σ_w² = {theory.critical_sigma_w2('relu', 0):.3f}")
print(f"sigmoid, σ_b² = 0: the edge is at σ_w² = {theory.critical_sigma_w2('sigmoid', 0):.0f}")
assert abs(theory.critical_sigma_w2("tanh", 0.05) - 1.761) < 0.001

# %% [markdown]
# The sigmoid's edge explains the puzzle of section 4: N(0, 1) weights at width 100 have σ_w² = 100,
# next to the edge at {{theory.critical_sigma_w2("sigmoid", 0):.0f}}. It was luck.
#
# Does theory hold for every activation? Each gets the initialization that usually goes with it,
# five seeds, 10 layers of 200 units.

# %%
measured, predicted, found = {}, {}, {}
for name, entry in activations.ACTIVATIONS.items():
    models = [build(10, name, entry.initializer, 200, seed) for seed in range(5)]
    runs = [norms_and_prediction(model) for model in models]
    per_layer = [(g[0] / g[-1]) ** (1 / 9) for g, _ in runs]
    measured[entry.label] = np.exp(np.mean([np.log(g / g[-1]) for g, _ in runs], axis=0))
    predicted[entry.label] = runs[0][1] / runs[0][1][-1]
    expected = predicted[entry.label][0] ** (1 / 9)
    median = np.median(per_layer)
    found[entry.label] = expected, median
    print(f"{entry.label:10} {entry.initializer:13}  factor per layer, predicted: {expected:.2f}   "
          f"median: {median:.2f}   range: {min(per_layer):.2f} to {max(per_layer):.2f}")
    assert abs(median / expected - 1) < 0.1
plots.small_multiples(measured, predicted, ylabel="gradient norm, last layer = 1")

# %% [markdown]
# {{words(len(found)).capitalize()}} activations, one formula: no median printed is more than
# {{max(abs(round(e, 2) - round(m, 2)) for e, m in found.values()):.2f}} from its prediction. The
# sigmoid stands alone with {{found["sigmoid"][1]:.2f}}. ReLU, Leaky ReLU and the straight line sit
# at the edge, {{found["ReLU"][1]:.2f}}. ELU with He's rule explodes slowly, {{found["ELU"][1]:.2f}}
# per layer; tanh, SiLU and softplus vanish slowly. "Slowly" is still a factor per layer: over a
# hundred layers it decides.
#
# Is the depth scale real, too? We take tanh off the edge and compare layers 10 and 40, where q has
# settled. Then comes the lab: on its left the map, with your network as a star; on its right that
# network's gradients, and a dotted line of slope √χ.

# %%
sigma_w2, sigma_b2, scales = 1.2, 0.05, []
q = theory.fixed_point("tanh", sigma_w2, sigma_b2)
for seed in range(5):
    spread = {"gain": np.sqrt(sigma_w2), "bias_std": np.sqrt(sigma_b2)}
    model = build(40, "tanh", "lecun_normal", 200, seed, **spread)
    norm = trace(model, x, y).per_layer("grad_z_norm")
    scales.append(30 / np.log(norm[39] ** 2 / norm[9] ** 2))
scale = theory.depth_scale(theory.chi("tanh", q, sigma_w2))
print(f"depth scale of tanh, σ_w² = 1.2, σ_b² = 0.05: predicted {scale:.1f}   "
      f"measured over 30 layers, median: {np.median(scales):.1f}   "
      f"range: {min(scales):.1f} to {max(scales):.1f}")
labs.mean_field_lab()

# %% [markdown]
# The measured scale agrees: {{scale:.1f}} is predicted, {{np.median(scales):.1f}} measured.
#
# Three things to try:
#
# - **Move σ_w² from 1.2 to 1.761.** The star reaches the black edge, the line lies flat and the
#   depth scale shoots up. Go on to `4` and the line tilts the other way.
# - **Choose ReLU.** The edge is a vertical line at 2, whatever the biases: ReLU's slopes depend on
#   the sign of z alone, not on its size.
# - **Stay on ReLU's edge, set the depth to 100 and change the seed.** The prediction stays, the
#   dots wander. That is the last topic.
#
# ## 9. The lottery of narrow networks
#
# At the edge nothing vanishes and nothing explodes, on average. What does a single network do?
#
# **Predict:** 60 networks of ReLU, He's rule, 100 layers of 100 units, each fed one input of
# size 1. How far apart are the sizes of their last signals? Twofold? Tenfold?

# %%
def log_squares(width, seed, depth=100):
    """ln of the mean square of h after each layer: one input, ReLU, He's rule, uniform."""
    rng, h, logs = np.random.default_rng(seed), np.ones(width, np.float32), []
    limit = np.float32(np.sqrt(6 / width))  # between −limit and limit the variance is 2 / width
    for _ in range(depth):
        W = rng.random((width, width), dtype=np.float32)
        W -= np.float32(0.5)
        W *= 2 * limit
        h = np.maximum(h @ W, 0)
        logs.append(np.log(np.mean(h.astype(float) ** 2)))
    return logs

# %%
def sixty_paths(width):
    return np.array([log_squares(width, seed) for seed in range(60)])

paths = {f"width {width}": sixty_paths(width) for width in (100, 500)}
for label, logs in paths.items():
    last, width = logs[:, -1], int(label.split()[1])
    print(f"{label}: variance of the log, 60 seeds: {last.var(ddof=1):.1f}   "
          f"5 · depth / width: {500 / width:.1f}   "
          f"mean square of h from {np.exp(last.min()):.0e} to {np.exp(last.max()):.0e}")
    assert abs(last.var(ddof=1) / (500 / width) - 1) < 0.5
plots.seed_paths(paths, {f"width {n}": (-2.5 / n, 5 / n) for n in (100, 500)})

# %% [markdown]
# From {{np.exp(paths["width 100"][:, -1].min()):.0e}} to
# {{np.exp(paths["width 100"][:, -1].max()):.0f}}: the same rule, the same input, another seed, and
# signals that differ by a factor of {{about(np.exp(np.ptp(paths["width 100"][:, -1])))}}. In a
# network of width 500 the spread is far smaller. The dashed lines were drawn from theory: the log
# of the signal takes a small random step at each layer, a **random walk**. A variance from 60 seeds
# is itself uncertain by about a fifth, so {{paths["width 100"][:, -1].var(ddof=1):.1f}} beside
# {{5 * logs.shape[1] / 100:.1f}} is what one should expect.
#
# Where does the 5 come from? Take one layer, and write a unit's z as $\sqrt{2/n}\,\|h\|\,\xi$.
#
# 1. The squared length is multiplied by $r = \frac2n \sum_i \max(0, \xi_i)^2$.
# 2. Half of the ξ are negative, so $E[\max(0, \xi)^2] = \frac12$ and $E[r] = 1$: the edge.
# 3. The fourth moment of a normal number is $3$, so $E[\max(0, \xi)^4] = \frac32$ and the variance
#    of $\max(0, \xi)^2$ is $\frac32 - \frac14 = \frac54$.
# 4. The sum of n terms gives $\mathrm{Var}(r) = \frac{4}{n^2}\, n\, \frac54 = \frac5n$.
# 5. For small changes, $\ln r \approx (r - 1) - \frac12 (r - 1)^2$: its variance is about
#    $\frac5n$, its mean $-\frac{5}{2n}$.
# 6. Layers are independent, so L layers give the variance $5L/n$ and the drift $-5L/(2n)$: depth
#    over width.
#
# Step 1 also gives a short cut: to have the size of the signal one needs no matrix, only n normal
# numbers per layer. So we can afford 2,000 seeds.

# %%
rng, variances = np.random.default_rng(0), {}
for n in (100, 500):
    totals = np.zeros(2000)
    for _ in range(100):  # layers
        xi = rng.standard_normal((2000, n), dtype=np.float32)
        totals += np.log(2 / n * np.sum(np.maximum(xi, 0) ** 2, axis=1))
    variances[n] = totals.var()
    error = variances[n] * np.sqrt(2 / 2000)
    print(f"width {n}: variance {variances[n]:.2f} ± {error:.2f}, mean {totals.mean():.2f}   "
          f"first-order theory: {500 / n:.2f} and {-250 / n:.2f}")
    assert abs(variances[n] / (500 / n) - 1) < 0.15

# %% [markdown]
# Variance {{variances[100]:.2f}} at width 100 and {{variances[500]:.2f}} at width 500:
# {{words(round(variances[100]))}} times depth over width, as derived. The drift is there too. A
# *typical* network of width 100 ends with a smaller signal than it began with, although the
# *average* is kept: a few large ones make up for the rest. "He's rule keeps the variance" is a
# sentence about the average.
#
# So one run of a narrow deep network proves little. This is why the headlines of this course are
# medians over several seeds, with their range.
#
# ## Yours
#
# Replace each `...`, run the cell, then run the check below it. A check says what is wrong,
# and why.
#
# ### Exercise 1: a slope that survives
#
# Write the derivative of the sigmoid so that it is right at `z = 51`, where σ(z)(1 − σ(z)) gives 0,
# and at `z = −800`, where `e^800` is too large for any number.
#
# <details><summary>Hint</summary>
#
# The slope is the same at z and −z. So you may compute it from |z|, and e^(−|z|) never overflows.
# Divide σ'(z) = e^(−z) / (1 + e^(−z))² out by hand first.
# </details>

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
# ### Exercise 2: the way back
#
# Write the recursion of section 7, step 2, for a stack of layers. `slopes[k]` is f'(z) of layer k +
# 1; `weights[k]` leads from layer k + 1 to layer k + 2; `dz_last` is the gradient at the last of
# these layers.
#
# <details><summary>Hint</summary>
#
# Begin with a list that holds `dz_last`. Go through the weights from last to first; each time, put
# a new gradient at the front. The first one you need is `dz_last @ weights[-1].T * slopes[-2]`.
# </details>

# %% tags=["stub"]
def gradients_back(dz_last, weights, slopes):
    """Return the list [dz_1, …, dz_L], the last is dz_last; there are L slopes, L − 1 weights."""
    ...

# %% tags=["solution"]
def gradients_back(dz_last, weights, slopes):
    """Return the list [dz_1, …, dz_L], the last is dz_last; there are L slopes, L − 1 weights."""
    gradients = [dz_last]
    for W, slope in zip(reversed(weights), reversed(slopes[:-1]), strict=True):
        gradients.insert(0, gradients[0] @ W.T * slope)
    return gradients

# %%
checks.flow.gradients_back(gradients_back)

# %% [markdown]
# ### Exercise 3: χ by yourself
#
# Compute χ for any activation, given its derivative. Draw random numbers, or add up over a fine
# grid. The check allows an error of two per hundred.
#
# <details><summary>Hint</summary>
#
# Draw a million numbers from N(0, 1), multiply them by √q, and average df of them, squared. Which
# factor is missing?
# </details>

# %% tags=["stub"]
def chi_factor(df, sigma_w2, q):
    """Return χ = σ_w² E[f'(z)²] for z ~ N(0, q); `df` is the derivative of the activation."""
    ...

# %% tags=["solution"]
def chi_factor(df, sigma_w2, q):
    """Return χ = σ_w² E[f'(z)²] for z ~ N(0, q); `df` is the derivative of the activation."""
    z = np.sqrt(q) * np.random.default_rng(0).standard_normal(1_000_000)
    return sigma_w2 * np.mean(df(z) ** 2)

# %%
checks.flow.chi_factor(chi_factor)

# %% [markdown]
# ### Exercise 4: the edge of Leaky ReLU
#
# Leaky ReLU is z for positive z and a · z for negative z. At which σ_w² is χ = 1? Try a = 0 and a =
# 1 in your head first: you know both answers.
#
# <details><summary>Hint</summary>
#
# Half of all z are positive, with slope 1; the other half have slope a. What is the average of the
# squared slope?
# </details>

# %% tags=["stub"]
def edge_of_leaky_relu(a):
    """Return the σ_w² for which χ = 1 with a Leaky ReLU of slope a."""
    ...

# %% tags=["solution"]
def edge_of_leaky_relu(a):
    """Return the σ_w² for which χ = 1 with a Leaky ReLU of slope a."""
    return 2 / (1 + a**2)

# %%
checks.flow.edge_of_leaky_relu(edge_of_leaky_relu)

# %% [markdown]
# ### Exercise 5: clip by norm
#
# Write the bandage. All arrays together have one norm. Above the limit all are shrunk by one
# factor; below it nothing happens.
#
# <details><summary>Hint</summary>
#
# The squared joint norm is the sum of the squares of all entries of all arrays. The factor is limit
# / norm, but never more than 1.
# </details>

# %% tags=["stub"]
def clip_together(gradients, limit):
    """Return the arrays as a list, shrunk by one factor: their joint norm is at most `limit`."""
    ...

# %% tags=["solution"]
def clip_together(gradients, limit):
    """Return the arrays as a list, shrunk by one factor: their joint norm is at most `limit`."""
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    return [g * min(1, limit / norm) for g in gradients]

# %%
checks.flow.clip_together(clip_together)

# %% [markdown]
# ## Summary
#
# - On its way back the gradient is multiplied, layer by layer, by slopes and weights. The product
#   of many factors vanishes or explodes unless each is close to 1.
# - The factor on the squared norm is χ = σ_w² E[f'²]. It is known before a single weight is drawn.
# - Saturation shrinks slopes and large weights make up for it or more. Only the product tells.
# - The edge χ = 1 keeps gradients level on average; the depth scale says how far from the edge a
#   depth allows you to be.
# - A single narrow deep network is one ticket of a lottery: the log of its signal spreads like
#   depth / width.
#
# ## In practice
#
# - Before you train, look at the gradient norm per layer on one batch. A straight slope on the log
#   axis is a scaling fault: change the activation or the initialization, not the learning rate.
# - Don't use sigmoid in hidden layers. With ReLU use He's rule.
# - Clip gradients by their joint norm as an insurance, and log how often it happens. If it happens
#   at every step, repair the cause.
# - Compare methods over several seeds, at least {{words(len(seeds))}}, and show the spread.
#
# Next: [Choose an activation](03_choose_an_activation.ipynb). Before:
# [Backpropagate by hand](01_backpropagate_by_hand.ipynb).

# %% [markdown] tags=["given"]
# ## Further reading
#
# - [Understanding the difficulty of training deep feedforward neural
#   networks](https://proceedings.mlr.press/v9/glorot10a.html), Glorot and Bengio 2010: the paper
#   that looked at activations and gradients layer by layer and found the cure.
# - [On the difficulty of training recurrent neural networks](https://arxiv.org/abs/1211.5063),
#   Pascanu and others 2013: vanishing, exploding, and clipping by norm.
# - [Exponential expressivity in deep neural networks through transient
#   chaos](https://arxiv.org/abs/1606.05340), Poole and others 2016: the map of order and chaos.
# - [Deep information propagation](https://arxiv.org/abs/1611.01232), Schoenholz and others 2017:
#   the depth scale, and that networks train only down to a few of them.
# - [Which neural net architectures give rise to exploding and vanishing
#   gradients?](https://arxiv.org/abs/1801.03744), Hanin 2018: the lottery of section 9, with
#   proofs.
