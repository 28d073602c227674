# %% [markdown]
# # Train a hundred layers
#
# You will write a network of a hundred layers, train it, watch every layer while it learns, say why
# its rivals fail, and then train it better than the book did.
#
# **Time:** about 60 minutes, with one run of some minutes in between. **Know first:** SELU
# ([lesson 03](03_choose_an_activation.ipynb)), initialization
# ([lesson 04](04_scale_the_weights.ipynb)), batch normalization in Keras ([lesson
# 07](07_use_batch_normalization_in_keras.ipynb)). After this: [Curb
# overfitting](09_curb_overfitting.ipynb).
#
# Afterwards you can
#
# 1. write, train and stop a deep Keras model, and compare runs over seeds;
# 2. predict how a gradient changes over a hundred layers, before you train;
# 3. read update to weights, layer by layer;
# 4. say by intervention why batch norm fails at this depth, and what mends it;
# 5. tell from mean and variance which condition of self-normalization is broken.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    MLP, blind, builders, checks, clip_each, data, flow, keras_models, keras_training, labs,
    median_and_range, paired_difference, patient, plots, predict, recorder, recording, results,
    runs, table, theory, train, watch,
)

# %% [markdown]
# ## 1. The cured patient, ten times as deep
#
# Lesson 05 left your patient cured: tanh, Glorot's weights, standardized images. Ten layers learn.
# Change one thing, the depth: a hundred layers, all else as it was.
#
# **Commit:** after 100 steps, validation accuracy will be …

# %%
guess_deep = predict.choice("The cured patient with a hundred layers will",
                            ["learn as well as with ten", "get about half way", "stay near chance"])
guess_deep

# %%
x, y, x_valid, y_valid = patient.cured("activation", "weights", "inputs").images()

def accuracies(depth, activation):
    found = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        net = MLP((784, *[100] * depth, 10), activation=activation, initializer="glorot_normal",
                  rng=rng)
        train(net, x, y, learning_rate=patient.RATE, steps=100, batch_size=50, rng=rng)
        found.append(np.mean(net.forward(x_valid).logits.argmax(axis=1) == y_valid))
    return np.array(found)

deep = {"tanh, 10 layers": accuracies(10, "tanh"), "tanh, 100 layers": accuracies(100, "tanh"),
        "sigmoid, 100 layers": accuracies(100, "sigmoid")}
rows = [(name, f"{(a > 0.6).sum()} of 3", f"{(a < 0.4).sum()} of 3") for name, a in deep.items()]
table(("network", "seeds above 0.6", "seeds below 0.4"), rows)

# %%
ended = np.median(deep["tanh, 100 layers"])
guess_deep.reveal("stay near chance" if ended < 0.4 else "learn as well as with ten")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Three cures suffice for ten layers, not for a hundred. Only the depth was changed. (At a tenth of
# the rate the deep one begins to learn, and slips back. Try it.) No digits are told here: rounding
# grows in such a network, and each processor has its own run.
#
# </details>
#
# ## 2. Write it
#
# A book published a program that trains a hundred plain layers, without batch normalization and
# without skips. Its means are **SELU**, **LeCun's** weights (normal, variance 1 / inputs) and
# standardized images.
#
# **Core.** Write the model: 784 inputs; a first hidden layer of 300 units; 99 more of 100; an
# output layer of ten units with a softmax. Use `keras.Sequential` and a loop. A hidden layer is
#
#     keras.layers.Dense(100, activation="selu", kernel_initializer="lecun_normal")

# %%
keras = keras_models.keras()
split = data.load_split()
keras.utils.set_random_seed(0)
split

# %% tags=["stub"]
model = ...

# %% tags=["solution"]
model = keras.Sequential([keras.Input((784,))])
for width in [300] + 99 * [100]:
    model.add(keras.layers.Dense(width, activation="selu", kernel_initializer="lecun_normal"))
model.add(keras.layers.Dense(10, activation="softmax"))

# %%
checks.depth.hundred_layers(model)

# %% [markdown]
# ## 3. Run it
#
# Plain gradient descent, rate {{keras_training.REFERENCE.learning_rate}}, batches of
# {{keras_training.REFERENCE.batch_size}}, {{words(keras_training.REFERENCE.epochs)}} epochs. The
# **recorder** is a callback: every hundred steps it sends one batch through and back and notes
# every layer's gradient, update and activations. The figure shows it, with the time to go. The
# button stops the run and keeps what was recorded.
#
# It takes some minutes. Commit to the guess, start it, and read on while it runs.

# %%
figure = watch.TrainingFigure()
figure

# %%
guess_spread = predict.number("Five seeds of this program: best end minus worst end", low=0,
                              high=0.3)
guess_spread

# %%
if model is ...:  # until yours is written
    model = keras_models.dense_network(seed=0)
images = watch.cut_short_unless_watched(split)
print(watch.said_of_cut(images, split))
model.compile(optimizer=keras.optimizers.SGD(0.001), loss="sparse_categorical_crossentropy",
              metrics=["accuracy"])
watcher = recorder.recorder(images.x[:32], images.y[:32], every=100, figure=figure)
history = model.fit(images.x, images.y, batch_size=32, epochs=5, verbose=0, callbacks=[watcher],
                    validation_data=(images.x_valid, images.y_valid)).history
runs.save("the reference", loss=history["loss"], val_accuracy=history["val_accuracy"])
print(watcher.recording)

# %%
figure.picture()

# %% [markdown]
# Beside it: the published log, and {{words(len(results.load("depth").reference.seeds))}} seeds of
# the same program, which were run beforehand and stored.

# %%
stored = results.load("depth")
published = stored.published
reference = stored.reference
curves = {"training accuracy, end": reference.accuracy[:, -1],
          "best validation epoch": reference.val_accuracy.max(axis=1),
          "validation accuracy, end": reference.val_accuracy[:, -1]}
logged = (published.accuracy, published.best_val_accuracy, published.val_accuracy)
yours = (history["accuracy"][-1], max(history["val_accuracy"]), history["val_accuracy"][-1])
whole = len(images.x) == len(split.x)
told = [f"{value:.3f}" if whole else "cut short" for value in yours]
rows = [(name, log, *median_and_range(values, 3), own)
        for (name, values), log, own in zip(curves.items(), logged, told)]
table(("", "published", "five seeds, median", "range", "your run"), rows)

# %%
spread = np.ptp(curves["validation accuracy, end"])
guess_spread.reveal(spread)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# One program, {{words(len(reference.seeds))}} seeds: the ends lie {{spread:.2f}} apart, and single
# epochs jump. So a difference of a few hundredths between two single runs says nothing.
#
# The published log (training accuracy {{given(".786", "Géron 2019")}}, best epoch
# {{given(".783", "Géron 2019")}}, end {{given(".739", "Géron 2019")}}) lies **outside**: below
# every one of our seeds, in all three rows. So it is not one more draw of our program. One
# difference we know: our stored runs drew the softmax layer's weights by LeCun's rule too, the
# published one left them to Keras, which takes Glorot's, as yours did. Whether that is why, nobody
# has tested. Another run published later ends at
# {{given(".822", "https://github.com/ageron/handson-ml2")}}, in the midst of ours.
#
# </details>
#
# ## 4. What SELU does not normalize
#
# SELU keeps mean 0 and variance 1 going **forward**. Going **back**, a layer multiplies the
# gradient's mean square by fan_out · Var(w), which is 1 here, and by the mean of f'(z)². For SELU
# at its fixed point that is {{theory.chi("selu"):.3f}}.
#
# **Warm-up.** What becomes of a gradient's standard deviation over many such layers?

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
# Batch normalization divides by the standard deviation of what enters: with ReLU the factor is the
# mean of f'², 1/2, over the variance of f, 1/2 − 1/(2π). That makes **π/(π − 1)**, whatever the
# size of the weights ([derived in deeper/08](deeper/08_explain_a_hundred_layers.ipynb)).
#
# **Commit:** five networks of a hundred layers, all with healthy activations or nearly. Which has
# the largest gradient at layer 1, compared to layer 100?

# %%
guess_steep = predict.choice("The steepest gradient over a hundred layers has", builders.DESIGNS)
guess_steep

# %%
x, y = data.load_batch(100, dtype=np.float64)
sizes = (784, *[100] * 100, 10)
flows, predicted = {}, {}
for name, design in builders.DESIGNS.items():
    networks = [design.stack(sizes, rng=np.random.default_rng(seed)) for seed in range(5)]
    flows[name] = [flow.flow(network, x, y) for network in networks]
    predicted[name] = theory.predicted_flow(design, sizes, x, flows[name][0].output_error)

# %%
def growth(measured):
    return measured.grad_z_norm[0] / measured.grad_z_norm[-1]

rows = []
for name, seeds in flows.items():
    grown = [growth(one) for one in seeds]
    rows.append((name, f"{np.median([one.std[-1] for one in seeds]):.2f}",
                 f"×{growth(predicted[name]):.1e}", f"×{np.median(grown):.1e}",
                 f"{min(grown):.0e} to {max(grown):.0e}"))
table(("network", "std of h, layer 100", "dz 100 → 1, predicted", "5 seeds", "range"), rows)

# %%
selu = np.median([growth(one) for one in flows["SELU + LeCun"]])
normalized = theory.chi("relu") / (1 / 2 - 1 / (2 * np.pi))
assert np.isclose(normalized, np.pi / (np.pi - 1))
assert 0.5 < selu / growth(predicted["SELU + LeCun"]) < 2
steepest = max(flows, key=lambda name: np.median([growth(one) for one in flows[name]]))
guess_steep.reveal(steepest)

# %%
limits = {"mean": (-0.3, 1), "variance": (1e-3, 10), "gradient": (1e-12, 1e10)}
plots.flow_panels(flows, predicted, limits=limits,
                  alt="SELU and batch norm: level activations, gradients rising toward layer 1")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# SELU: ×{{theory.chi("selu") ** 50:.0f}} predicted, ×{{selu:.0f}} measured. Batch norm:
# {{normalized:.3f}} per layer makes {{power(normalized**50)}} over a hundred. Both have perfect
# activations. tanh fades slowly, signal and gradient together. The sigmoid's gradient has left the
# picture long before layer 1. **Healthy activations alone prove nothing.**
#
# </details>
#
# ## 5. The rivals
#
# All of them were trained in Keras for
# {{words(results.load("depth_rivals").recipe.epochs)}} epochs on all images, alike but for their
# own activation and weights,
# {{words(len(results.load("depth").ours.seeds))}} seeds each.
#
# **Commit:** SELU comes first. Which comes second?

# %%
guess_second = predict.choice("Second among five networks of a hundred layers",
                              list(builders.DESIGNS)[1:])
guess_second

# %%
rivals = results.load("depth_rivals")
finals = {name: run.val_accuracy[:, -1] for name, run in rivals.rivals.items()}
losses = {name: run.val_loss[:, -1] for name, run in rivals.rivals.items()}
order = sorted(finals, key=lambda name: -np.median(finals[name]))
rows = [(name, *median_and_range(finals[name]), *median_and_range(losses[name])) for name in order]
table(("network", "validation accuracy", "of 5 seeds", "validation loss", "of 5 seeds"), rows)

# %%
guess_second.reveal(order[1])

# %%
plots.rival_accuracies(rivals, alt="SELU and tanh high, ReLU below, batch norm and sigmoid at 0.1")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# {{order[0]}}, then {{order[1]}}, so often said to fail in depth, then {{order[2]}}. Sigmoid and
# batch norm guess. They were all trained at one rate, which was chosen for SELU: this ranks the
# networks under that recipe, not at their best.
#
# </details>
#
# ### Who moves?
#
# A layer learns if its **update** is neither tiny nor huge beside its weights. By hand, for one
# layer and one step of plain descent:

# %%
net = builders.Design().stack(sizes, rng=np.random.default_rng(0))
_, gradients = net.loss_and_gradients(x, y)
for number in (1, 50, 100):
    layer = [part for part in net.flat() if part.kind == "dense"][number - 1]
    dW = gradients.parameters[layer]["W"]
    ratio = np.log10(np.linalg.norm(0.001 * dW) / np.linalg.norm(layer.W))
    print(f"layer {number:3}: log10(update / weights) = {ratio:.1f}")

# %% [markdown]
# A rule of thumb from shallow networks wants about
# {{given("−3", "https://cs231n.github.io/neural-networks-3/")}}: a thousandth per step. Now follow
# it while the networks train: 300 small steps in NumPy, all gradients **clipped together** to norm
# 1, and once each array by itself. The dashed line is that thousandth.

# %%
x_train, y_train = data.load_batch(3000)

def record(name, rate=0.03, **options):
    rng = np.random.default_rng(0)
    net = builders.DESIGNS[name].stack(sizes, rng=rng, dtype=np.float32)
    return recording.recorded_training(net, x_train, y_train, learning_rate=rate, steps=300,
                                       batch_size=32, every=20, rng=rng, **options)

recordings = {name: record(name) for name in builders.DESIGNS}
shown = {
    "SELU, clipped together": recordings["SELU + LeCun"],
    "SELU, each clipped": record("SELU + LeCun", rate=0.003, clip=clip_each),
    "batch norm": recordings["ReLU + He + batch norm"],
    "sigmoid": recordings["sigmoid + Glorot"],
}
plots.update_panels(shown, alt="update over weights of four layers over 300 steps, line at 0.001")

# %%
learns = {name: bool(run.loss[-5:].mean() < 2) for name, run in recordings.items()}
assert list(learns.values()) == [True, True, False, True, False]
table(("network", "loss falls below 2"), learns.items())

# %% [markdown]
# **Read the figure.** Which panel shows which symptom? Write the titles of the panels.

# %% tags=["stub"]
reading = {
    "all layers move at one pace": ...,
    "the first layer takes the clip's whole norm, the rest are out of sight": ...,
    "the output layer moves alone": ...,
}

# %% tags=["solution"]
reading = {
    "all layers move at one pace": "SELU, each clipped",
    "the first layer takes the clip's whole norm, the rest are out of sight": "batch norm",
    "the output layer moves alone": "sigmoid",
}

# %%
checks.depth.read_updates(reading)

# %% [markdown]
# The third vital sign: the size of the activations, every layer, over the whole run.

# %%
plots.activation_maps(recordings, alt="mean of abs(activation): even for SELU, batch norm, sigmoid")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# SELU's map is even and stays so. tanh begins black in the depth and brightens a little. ReLU's
# is striped: layers differ by luck. Batch norm and sigmoid are perfectly even, and learn nothing.
#
# </details>
#
# ## 6. What would mend batch norm?
#
# Its gradient at layer 1 is {{power(growth(predicted["ReLU + He + batch norm"]))}} times that at
# layer 100. Is *that* why it does not learn? Change one thing at a time. Each change was run at
# {{words(len(results.load("normalized_depth").settings.rates))}} rates with
# {{words(len(results.load("normalized_depth").settings.seeds))}} seeds.
#
# **Commit:** which change makes the hundred layers learn?

# %%
guess_mend = predict.choice("What mends batch norm at a hundred layers?", [
    "each array clipped by itself", "each step as long as its weights",
    "smaller weights from layer 51 on", "batch norm at every tenth layer",
    "a skip over every layer", "several of them", "none of them"])
guess_mend

# %%
changes = results.load("normalized_depth").changes
rows = []
for change, run in changes.items():
    each_rate = [f"{value:.2f}" for value in np.median(run.accuracy, axis=1)]
    rows.append((change, f"×{10 ** np.median(run.growth):.0e}", *each_rate,
                 f"{np.median(run.loss, axis=1).min():.2f}"))
rates = [f"rate {rate:g}" for rate in results.load("normalized_depth").settings.rates]
table(("change", "dz 100 → 1, start", *rates, "lowest loss"), rows)

# %%
tried = ["each array clipped by itself", "each step as long as its weights",
         "smaller weights from layer 51 on", "batch norm at every tenth layer",
         "a skip over every layer"]
mended = [name for name in tried if np.median(changes[name].accuracy, axis=1).max() > 0.3]
guess_mend.reveal(mended[0] if len(mended) == 1 else
                  "none of them" if not mended else "several of them")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The skip, and nothing else:
# {{np.median(changes["a skip over every layer"].accuracy, axis=1).max():.2f}}.
# Look at "each step as long as its weights": there every layer moves at one pace, whatever its
# gradient, and the network still guesses. Look at "every tenth layer": the slope is
# {{power(10 ** (np.median(changes["as it is"].growth)
# - np.median(changes["batch norm at every tenth layer"].growth)))}} times
# smaller, and it still guesses. Smaller weights change nothing, since batch norm divides them out
# again. So the steep gradient is **not** what stops this network, or not alone.
#
# </details>
#
# Lesson 02 had a second suspect: the signal. Freeze all hundred layers as they were drawn, and fit
# only a straight line from layer 100 to the classes, the best one that there is. No gradient plays
# a part.

# %%
x_read, y_read = data.load_batch(2000, dtype=np.float64)

def read_out(design, seed):
    net = design.stack(sizes, rng=np.random.default_rng(seed))
    h = net.forward(x_read, training=True)[-2].output
    h = (h - h.mean(axis=0)) / (h.std(axis=0) + 1e-12)
    W = np.linalg.lstsq(h[:1500], np.eye(10)[y_read[:1500]] - 0.1, rcond=None)[0]
    return np.mean((h[1500:] @ W).argmax(axis=1) == y_read[1500:])

frozen = {name: builders.Design("relu", "he_normal", normalized="before", skips=skips)
          for name, skips in (("batch norm", False), ("batch norm and skips", True))}
frozen["SELU"] = builders.Design()
arrives = {name: np.array([read_out(design, seed) for seed in range(5)])
           for name, design in frozen.items()}
table(("frozen layers", "read from layer 100: accuracy", "of 5 seeds"),
      [(name, *median_and_range(values)) for name, values in arrives.items()])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# From a hundred layers of batch norm nothing can be read:
# {{np.median(arrives["batch norm"]):.2f}} is guessing. (Theory says that all images end equally far
# from each other, Yang and others, below.) Add the skips, change nothing else, and it is
# {{np.median(arrives["batch norm and skips"]):.2f}}. SELU keeps a little,
# {{np.median(arrives["SELU"]):.2f}}, and that is enough to begin with. The skip mends signal and
# gradient at once, which is why residual networks have both. Repairs of the steps alone mend
# nothing.
#
# Two reserves. All this is told of {{results.load("normalized_depth").settings.steps}} steps; what
# thousands would do is not known. And the skip is told by its accuracy: its loss is still above
# that of guessing, for h grows with every skip, and a wrong answer is given with much confidence.
#
# </details>
#
# ## 7. Break the conditions
#
# SELU's fixed point is promised for standardized **inputs**, LeCun's **initialization**, a plain
# stack without **skips**, and no ordinary **dropout**. Break each of them alone in the lab, and
# note what mean and spread do: where does it begin, does it grow, does it settle, is it mended?

# %%
labs.depth_lab()

# %% [markdown]
# - **Inputs: pixels `0 to 255`.** How many layers does it take until the spread is back?
# - **Initialization: He.** Then **skips** alone. Which grows faster?
# - **Dropout `0.1`,** then **alpha dropout `0.1`,** which was made for SELU. Look at the gradient.
# - **ReLU + He + batch norm, depth `100`,** then `10`. Would you have noticed at ten?
#
# **Core: blind.** You get {{words(len(blind.BEDS))}} SELU networks, each with at most one condition
# broken, drawn from your name. Type it, read the chart, and commit to a diagnosis: "inputs",
# "initialization", "dropout", "skip" or "none". Each occurs once at most.

# %% tags=["stub"]
ward = blind.ward("your name")
ward

# %% tags=["solution"]
ward = blind.ward("Ada")
ward

# %% tags=["stub"]
diagnosis = {"A": ..., "B": ..., "C": ..., "D": ...}

# %% tags=["solution"]
diagnosis = {"A": "inputs", "B": "dropout", "C": "skip", "D": "initialization"}

# %%
checks.depth.diagnosis(diagnosis, ward)

# %% [markdown]
# ## 8. Beat it
#
# The same hundred layers, the same images, no more time than the reference takes. What would you
# change? From the figures you know two things: a joint clip, or none, leaves the late layers
# behind; and momentum and a schedule cost nothing. Here is what was done, one step after the other.
#
# **Core.** First write the schedule: the rate rises in a straight line to `peak` over the first
# `warm_up` share of the run, then falls to 0 along half a cosine.

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
# The steps:
#
# 1. **Other training**: Nesterov momentum, batches of {{keras_training.OURS.batch_size}}, a rate of
#    {{keras_training.OURS.learning_rate}} with that schedule, each array clipped to norm 1 by
#    itself, {{words(results.load("depth").other_training.recipe.epochs)}} epochs.
# 2. **Orthogonal weights**: LeCun's variance, but no direction is stretched more than another.
# 3. **Longer, with a shorter warm-up**: {{words(keras_training.OURS.epochs)}} epochs, of which the
#    first half epoch is the warm-up.
#
# **Commit:** which of the three steps gains most validation accuracy at the end?

# %%
guess_step = predict.choice("The largest gain over the reference comes from",
                            ["other training", "orthogonal weights", "longer"])
guess_step

# %%
chain = {"the reference": reference, "other training": stored.other_training,
         "orthogonal weights": stored.and_orthogonal, "longer": stored.ours}
ends = {name: run.val_accuracy[:, -1] for name, run in chain.items()}
steps = list(chain)
gains = {steps[i]: paired_difference(ends[steps[i]], ends[steps[i - 1]], comparisons=3)
         for i in range(1, len(steps))}
rows = []
for name, run in chain.items():
    gain = gains.get(name)
    told = f"{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})" if gain else ""
    rows.append((name, *median_and_range(ends[name], 3), told,
                 f"{np.median(run.val_loss[:, -1]):.2f}"))
table(("program", "validation accuracy", "of 5 seeds", "gain, 95 % interval", "loss"), rows)

# %%
guess_step.reveal(max(gains, key=lambda name: gains[name].mean))

# %%
assert np.median(ends["longer"]) >= 0.88
plots.validation_curves(stored, alt="four programs: each step is higher and its seeds closer")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Ours ends at {{np.median(ends["longer"]):.3f}} in the median, {{ends["longer"].min():.3f}} to
# {{ends["longer"].max():.3f}}; the reference at {{np.median(ends["the reference"]):.3f}}. After its
# first epoch every seed of ours is above the published {{published.val_accuracy}}:
# {{stored.ours.val_accuracy[:, 0].min():.2f}} at least. The first step is several changes at once,
# and its interval holds 0, because the reference's seeds lie far apart;
# what each gives was not measured by itself. Recipes were chosen on another seed than those told
# here. Look at the loss, too: the longer run gains accuracy, and its loss is
# {{np.median(stored.ours.val_loss[:, -1]):.2f}} where it was
# {{np.median(stored.and_orthogonal.val_loss[:, -1]):.2f}}. It begins to over-fit, which lesson 09
# is about. `python3 -m benchmarks depth` measures on your machine what the time is.
#
# </details>
#
# ### Challenge: your recipe
#
# {{checks.depth.CONTEST:,}} images, each seen {{words(checks.depth.PASSES)}} times at most, the
# same hundred layers. The score is the validation accuracy; {{checks.depth.GOAL}} passes. The
# fields of a `Recipe` are in `keras_training.Recipe??`. One check takes about half a minute.

# %% tags=["stub"]
my_recipe = ...

# %% tags=["solution"]
my_recipe = keras_training.Recipe(
    learning_rate=0.007, design=builders.Design(initializer="orthogonal"), batch_size=96, epochs=2,
    momentum=0.9, nesterov=True, clip_norm=1.0, warm_up=0.1, cosine=True, rewrites_graph=False)

# %%
checks.depth.recipe(my_recipe)

# %% [markdown]
# ### Experiment: your own question
#
# Change **one** thing of the reference: the activation, the initializer, the inputs, clipping, the
# optimizer. Say first what you expect. One epoch is about half a minute; a second seed tells what
# luck does.

# %% tags=["stub"]
keras.utils.set_random_seed(1)
other = keras_models.dense_network(activation="tanh", initializer="glorot_normal")  # change this
other.compile(optimizer=keras.optimizers.SGD(0.001), loss="sparse_categorical_crossentropy",
              metrics=["accuracy"])
tried = other.fit(images.x, images.y, batch_size=32, epochs=1, verbose=0,
                  validation_data=(images.x_valid, images.y_valid)).history
runs.save("tanh, one epoch", loss=tried["loss"], val_accuracy=tried["val_accuracy"])
runs.compare()

# %% tags=["solution"]
keras.utils.set_random_seed(1)
other = keras_models.dense_network(activation="tanh", initializer="glorot_normal")
other.compile(optimizer=keras.optimizers.SGD(0.001), loss="sparse_categorical_crossentropy",
              metrics=["accuracy"])
tried = other.fit(images.x, images.y, batch_size=32, epochs=1, verbose=0,
                  validation_data=(images.x_valid, images.y_valid)).history
runs.save("tanh, one epoch", loss=tried["loss"], val_accuracy=tried["val_accuracy"])
print("saved:", *runs.compare(), sep="\n  ")

# %% [markdown]
# ## 9. The test images, once
#
# Recipes were compared on validation images. The test images were kept for one look, at the end.

# %%
tested = {"the reference": reference, "ours": stored.ours}
rows = [(name, *median_and_range(run.test_accuracy, 3)) for name, run in tested.items()]
table(("program", "test accuracy", "of 5 seeds"), rows)

# %% [markdown]
# ## How did you guess?

# %%
predict.summary()

# %% [markdown]
# ## Summary
#
# - A hundred plain layers train: SELU, variance 1 / inputs, standardized images. Three cures that
#   suffice for ten layers do not suffice here.
# - SELU levels activations, not gradients: E[f'²] = {{theory.chi("selu"):.3f}} per layer makes
#   ×{{theory.chi("selu") ** 50:.0f}}. Batch norm with ReLU: {{power(normalized**50)}}.
# - Three vital signs together tell who learns: gradient, update to weights, activations.
# - A single run tells little: {{words(len(reference.seeds))}} seeds lie {{spread:.2f}} apart.
# - The fixed point mends wrong inputs, not wrong weights, dropout or skips.
#
# ## In practice
#
# - Before a long run send one batch through and back. Is the gradient's slope small on a log axis?
# - Record update to weights from the first step. Where layers differ by decades, clip each array by
#   itself or repair the start.
# - Watch the run, and stop it when it goes wrong.
# - Prefer skips with normalization to a hundred plain layers. This lesson is about depth, not about
#   the best classifier of shirts.
#
# Next: [Curb overfitting](09_curb_overfitting.ipynb). Deeper: [Explain a hundred
# layers](deeper/08_explain_a_hundred_layers.ipynb). Before: [Use batch normalization in
# Keras](07_use_batch_normalization_in_keras.ipynb).

# %% [markdown] tags=["given"]
# ## Further reading
#
# - [Klambauer and others 2017](https://arxiv.org/abs/1706.02515): SELU, alpha dropout, the proof of
#   the fixed point.
# - [Yang and others 2019](https://arxiv.org/abs/1902.08129): why gradients explode in deep plain
#   networks with batch normalization.
# - [He and others 2016](https://arxiv.org/abs/1512.03385): residual networks.
# - [Géron 2019, chapter
#   11](https://github.com/ageron/handson-ml2/blob/master/11_training_deep_neural_networks.ipynb):
#   the reference run.
# - [CS231n, babysitting the learning process](https://cs231n.github.io/neural-networks-3/): where
#   the ratio of updates to weights comes from.
