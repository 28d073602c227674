# %% [markdown]
# # Use batch normalization in Keras
#
# In lesson 06 you derived batch normalization. Here you put it into a Keras model, watch it rescue
# the patient in `fit`, and watch the same patient fail in `evaluate`.
#
# **Time:** about 60 minutes with the core exercises. **Know first:** what the layer computes, from
# [Derive batch normalization](06_derive_batch_normalization.ipynb). After this: [Train a hundred
# layers](08_train_a_hundred_layers.ipynb).
#
# Afterwards you can
#
# 1. place the layer, drop useless biases, and count its parameters;
# 2. explain a model that does well in `fit` and badly in `evaluate`, and cure it;
# 3. say what the layer gains and costs, from a fair comparison;
# 4. freeze it, and keep away from batches that are too small;
# 5. find the usual mistakes in somebody's program by experiment.
#
# Keras gives slightly other digits on another processor. So a number here comes as a **band**:
# `0.70 ± 0.03` is the median of stored runs, and how far a run like them may lie from it.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
import numpy as np
from helpers import (
    bands, checks, comparison, keras_models, keras_patient, plots, predict, results, runs, table,
)

# %%
keras = keras_models.keras()  # Keras on TensorFlow, imported without its messages
layers = keras.layers
stored = results.load("keras_runs").runs  # five seeds of every run below
x, y, x_valid, y_valid = keras_patient.images()
print(x.shape, f"pixels from {x.min():.0f} to {x.max():.0f}")

# %% [markdown]
# ## 1. The patient in Keras
#
# Ten Dense layers, small weights, sigmoids, pixels as they come. One thing differs from before: the
# output layer keeps Keras's default weights. (The end of section 5 shows what that is worth.)

# %%
def small():
    return keras.initializers.RandomNormal(stddev=0.01)

def plain():
    model = keras.Sequential([keras.Input((784,))])
    for _ in range(10):
        model.add(layers.Dense(100, activation="sigmoid", kernel_initializer=small()))
    model.add(layers.Dense(10, activation="softmax"))
    return model

def compiled(model, rate=0.01):
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy",
                  metrics=["accuracy"])
    return model

def fit(model, epochs, batch_size=50):
    return model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0).history

def evaluate(model, x, y):
    return model.evaluate(x, y, batch_size=1000, verbose=0)[1]

# %% [markdown]
# `small()` makes a new initializer for each layer. If you share one, Keras draws the same weights
# for every layer of one shape, and says nothing.

# %%
keras.utils.set_random_seed(0)
patient = compiled(plain())
_ = fit(patient, epochs=3)
bands.compare("patient, validation accuracy", evaluate(patient, x_valid, y_valid),
              stored["without"].val_accuracy[:, 2])

# %% [markdown]
# One of ten images: chance. You know this patient.
#
# ## 2. Put the layer in
#
# In the paper the layer stands **before** the activation: Dense, BatchNormalization, Activation.
#
# **Commit:** how many numbers does one `BatchNormalization` keep for 784 inputs? What does it need
# in training, and what at inference?

# %%
guess_count = predict.number("Numbers kept for 784 inputs", low=0, high=8000)
guess_count

# %%
norm = layers.BatchNormalization()
norm.build((None, 784))
guess_count.reveal(norm.count_params())

# %%
table(("variable", "numbers", "starts at", "trained by the gradient"),
      [(v.name, v.shape[0], int(v.numpy()[0]), "yes" if v.trainable else "no")
       for v in norm.weights])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# {{words(len(norm.weights)).capitalize()}} numbers per feature, {{norm.count_params():,}} in all.
# γ and β are trained. The moving mean and the moving variance are not: every training batch pulls
# them a little toward its own. They start at 0 and 1. Remember that 1.
#
# </details>
#
# And the bias of the Dense layer? It adds a constant to each unit. **Commit:** which bias can go?

# %%
guess_bias = predict.choice("The Dense layer's bias is useless, if the normalization stands",
                            ["before the activation", "after the activation", "either way",
                             "neither way"])
guess_bias

# %% [markdown]
# Change the bias alone and look at the block's output.

# %%
def change_by_bias(*rest):
    dense = layers.Dense(100, kernel_initializer=small())
    block = keras.Sequential([keras.Input((784,)), dense, *rest])
    output = block(x[:200], training=True).numpy()
    dense.bias.assign(np.random.default_rng(0).normal(0, 20, size=100))
    return np.abs(block(x[:200], training=True).numpy() - output).max()

changed = {
    "before": change_by_bias(layers.BatchNormalization(), layers.Activation("sigmoid")),
    "after": change_by_bias(layers.Activation("sigmoid"), layers.BatchNormalization()),
}
print({place: "changes" if change > 0.01 else "stays" for place, change in changed.items()})
guess_bias.reveal("before the activation")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Before the activation the batch's mean takes every constant away again, and β does the bias's
# work: `use_bias=False`. After the activation the bias still decides where the sigmoid bends: keep
# it.
#
# </details>
#
# Now write the model. Read it line by line, you will change it later.

# %%
def normalized(momentum=0.99):
    model = keras.Sequential([keras.Input((784,))])
    for _ in range(10):
        model.add(layers.Dense(100, use_bias=False, kernel_initializer=small()))
        model.add(layers.BatchNormalization(momentum=momentum))
        model.add(layers.Activation("sigmoid"))
    model.add(layers.Dense(10, activation="softmax"))
    return model

keras.utils.set_random_seed(0)
model = compiled(normalized())
total, free = model.count_params(), sum(w.numpy().size for w in model.trainable_weights)
print(f"{total:,} parameters, {free:,} trainable, {total - free:,} not")

# %% [markdown]
# ### Warm-up: count before you build
#
# A network has `sizes` (inputs, hidden …, outputs). Normalization stands on the inputs and after
# every hidden Dense, before its activation; hidden layers have no bias, the output layer has one.
# Return (trainable, not trainable). Stuck? `checks.keras_normalization.parameter_counts.hint()`
# gives a hint; every exercise has three.

# %% tags=["stub"]
def parameter_counts(sizes):
    """Return (trainable, not trainable) parameters of the normalized network."""
    ...

# %% tags=["solution"]
def parameter_counts(sizes):
    """Return (trainable, not trainable) parameters of the normalized network."""
    kernels = sum(sizes[i] * sizes[i + 1] for i in range(len(sizes) - 1))
    features = sum(sizes[:-1])
    return kernels + sizes[-1] + 2 * features, 2 * features

# %%
checks.keras_normalization.parameter_counts(parameter_counts)

# %% [markdown]
# ## 3. It learns, and it doesn't
#
# Five epochs, the same images, the same rate as the plain patient.

# %%
history = fit(model, epochs=5)
bands.compare("training images, in fit", history["accuracy"][-1],
              stored["momentum 0.99"].accuracy[:, 4])

# %% [markdown]
# It learns. **Commit:** the same model, `evaluate` on images it has never seen:

# %%
guess_new = predict.number("Validation accuracy after five epochs", low=0, high=1)
guess_new

# %%
new = evaluate(model, x_valid, y_valid)
guess_new.reveal(np.median(stored["momentum 0.99"].val_accuracy[:, 4]))

# %% [markdown]
# So it learned the training images by heart, and knows nothing else? **Commit** before you test it:
# `evaluate` on the *training* images.

# %%
guess_heart = predict.choice("evaluate on the training images gives",
                             ["about what fit said", "a little less", "chance"])
guess_heart

# %%
seen = evaluate(model, x, y)
guess_heart.reveal("chance")

# %%
bands.compare("training images, in evaluate", seen, stored["momentum 0.99"].val_accuracy[:, 4])

# %% [markdown]
# The same weights, the same images, and chance. One thing differs between `fit` and `evaluate`.
# Change it alone: call the model by hand, once in each mode.

# %%
def share_right(model, training):
    kept = model.get_weights()
    answers = np.argmax(model(x[:1000], training=training), axis=1)
    model.set_weights(kept)
    return np.mean(answers == y[:1000])

modes = {mode: share_right(model, mode) for mode in (True, False)}
print(f"training=True: above one half: {modes[True] > 0.5}")
print(f"training=False: chance: {modes[False] < 0.2}")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# With `training=True` the layer uses the batch's own mean and variance, with `training=False` the
# moving ones. No weight differs. So it is neither over-fitting nor a lack of training: the moving
# statistics are wrong. (A call with `training=True` also *changes* them. That is why `share_right`
# puts them back. A harmless look at the batch's statistics stays in every later prediction.)
#
# </details>
#
# ## 4. The averages are late
#
# Look at what the layers keep, and at what they ought to keep.

# %%
def true_variances(model):
    """The variance that reaches each normalization in training mode; h goes through by hand."""
    h, found = x[:1000], []
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            found.append(np.median(h.var(axis=0)))
            h = (h - h.mean(axis=0)) / np.sqrt(h.var(axis=0) + layer.epsilon)
            h = h * layer.gamma.numpy() + layer.beta.numpy()
        else:
            h = np.asarray(layer(h))
    return np.array(found)

def kept_variances(model):
    return np.array([np.median(layer.moving_variance) for layer in keras_patient.norms(model)])

true, kept = true_variances(model), kept_variances(model)
plots.side_by_side({"variance of z": {"of the images": true, "moving": kept}},
                   alt="of the images: 440, then below a thousandth; moving: level, 100 times more")

# %% [markdown]
# Behind the first layer both weights and inputs are small, and so is z. The moving variance started
# at 1 and has to come down. Each batch takes it a bit further: `new = p · old + (1 − p) · batch`,
# with the **momentum** p, in Keras `0.99`. The start's weight is p after one batch, pᵗ after t.
#
# **Commit:** five epochs were 300 batches. How much of the 1 is left?

# %%
guess_left = predict.number("Weight of the start after 300 batches", low=0.0001, high=1, log=True)
guess_left

# %%
left = 0.99**300
guess_left.reveal(left)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# {{left:.2f}} of the start is left. That sounds like little. But in the middle layers the true
# variance is about {{power(np.median(true[2:7]))}}. At inference each of them divides by far
# too much, and the signal shrinks at every layer, one after the other.
#
# </details>
#
# ### Core: how long does it take?
#
# The true variance is v, the start is 1. Derive the first batch after which the start makes up at
# most half of the moving variance: $p^t \cdot 1 \le (1 - p^t)\,v$.

# %% tags=["stub"]
def steps_until(variance, momentum):
    """Return the smallest whole t with p**t <= (1 - p**t) * variance."""
    ...

# %% tags=["solution"]
def steps_until(variance, momentum):
    """Return the smallest whole t with p**t <= (1 - p**t) * variance."""
    share = variance / (1 + variance)
    return int(np.ceil(np.log(share) / np.log(momentum)))

# %%
checks.keras_normalization.steps_until(steps_until)

# %% [markdown]
# Three cures follow: train longer; a lower momentum; or recalibrate. Change the momentum alone.
#
# **Commit:** `momentum=0.9`, all else the same. Validation accuracy after five epochs?

# %%
guess_low = predict.number("Momentum 0.9: validation accuracy", low=0, high=1)
guess_low

# %%
keras.utils.set_random_seed(0)
quick = compiled(normalized(momentum=0.9))
_ = fit(quick, epochs=5)
after_five = stored["momentum 0.9"].val_accuracy[:, 4]
guess_low.reveal(np.median(after_five))

# %%
bands.compare("momentum 0.9, validation accuracy", evaluate(quick, x_valid, y_valid), after_five)

# %% [markdown]
# ### Core: recalibrate
#
# Your first model is not lost. Its weights are good. Write a function that sends images through
# and lets only the moving statistics move, until they have forgotten their start. The layer's
# momentum is an attribute: `layer.momentum`. `keras_patient.norms(model)` lists the layers.

# %% tags=["stub"]
def recalibrate(model, x):
    """Bring the moving statistics to those of x; change no weight; return the model."""
    ...

# %% tags=["solution"]
def recalibrate(model, x):
    """Bring the moving statistics to those of x; change no weight; return the model."""
    for layer in keras_patient.norms(model):
        layer.momentum = 0.8
    for start in range(0, len(x), 50):
        model(x[start : start + 50], training=True)
    for start in range(0, len(x), 50):
        model(x[start : start + 50], training=True)
    return model

# %%
verdict = checks.keras_normalization.recalibrate(recalibrate)
verdict

# %%
if verdict.right:
    print("before: chance:", evaluate(model, x_valid, y_valid) < 0.2)
    recalibrate(model, x)
    print("after: above one half:", evaluate(model, x_valid, y_valid) > 0.5)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The stored runs, five seeds of {{words(results.load("keras_runs").settings.epochs)}} epochs:
# validation accuracy {{np.median(stored["momentum 0.99"].val_accuracy[:, -1]):.2f}} as trained,
# {{np.median(stored["momentum 0.99"].recalibrated):.2f}} recalibrated. No weight was changed. The
# knowledge was there all the time.
#
# Can the momentum be too low? With `0.1` the average is hardly more than the last batch. With
# batches of 50 that costs little: {{np.median(stored["momentum 0.1"].val_accuracy[:, -1]):.2f}}
# against {{np.median(stored["momentum 0.9"].val_accuracy[:, -1]):.2f}}, within the ranges over the
# seeds. The smaller the batch, the noisier.
#
# </details>
#
# ### Read the figure
#
# Three runs. One has late statistics, one over-fits, one is healthy. Which is which?

# %% tags=["folded"]
three = {"A": "momentum 0.99", "B": "cured", "C": "after"}
epochs = np.arange(1, results.load("keras_runs").settings.epochs + 1)
plots.seed_bands({name: {"in fit": stored[run].accuracy, "evaluated": stored[run].val_accuracy}
                  for name, run in three.items()}, epochs, xlabel="epoch",
                 alt="three panels of accuracy over the epochs, in fit and evaluated")

# %% tags=["stub"]
# each one of "late statistics", "over-fitting", "healthy"
reading = {"A": ..., "B": ..., "C": ...}

# %% tags=["solution"]
reading = {"A": "late statistics", "B": "over-fitting", "C": "healthy"}

# %%
checks.keras_normalization.read_curves(reading)

# %% [markdown]
# ## 5. What does it gain?
#
# Now a fair comparison: each network at its own best learning rate, chosen on validation images,
# told on test images, with fresh seeds. "Cured" is the patient with the three cures of lessons 03
# to 05: tanh, Glorot's rule, standardized inputs. All stop at their best epoch; momentum is
# {{results.load("keras_normalization").settings.momentum_of_the_moving_averages}}.
#
# **Commit:** which test loss is lowest?

# %%
guess_best = predict.choice("Test loss, each network at its own best rate", [
    "normalization alone beats the three cures",
    "the three cures beat it, and with it on top they are better still",
    "the three cures beat it, and on top it changes nothing that five seeds can tell"])
guess_best

# %%
fair = comparison.load("keras_normalization")
alone = fair.difference("patient, after", "cured, without")
on_top = fair.difference("cured, before", "cured, without", comparisons=4)
guess_best.reveal("normalization alone beats the three cures" if alone.mean < 0 else
                  "the three cures beat it, and with it on top they are better still"
                  if on_top.high < 0 else
                  "the three cures beat it, and on top it changes nothing that five seeds can tell")

# %%
fair

# %%
fair.against("cured, without")

# %%
fair.grid("patient, before")

# %% tags=["folded"]
def bare(name, metric="accuracy"):
    return np.median(fair.test(name, metric))

small_end = stored["small output"].val_accuracy[:, -1]
default_end = stored["momentum 0.9"].val_accuracy[:, -1]
plots.seed_bands({"validation accuracy": {
    "without": stored["without"].val_accuracy, "before": stored["momentum 0.9"].val_accuracy,
    "after": stored["after"].val_accuracy, "three cures": stored["cured"].val_accuracy},
    "validation loss": {
    "without": stored["without"].val_loss, "before": stored["momentum 0.9"].val_loss,
    "after": stored["after"].val_loss, "three cures": stored["cured"].val_loss}},
    epochs, xlabel="epoch", alt="accuracy and loss over the epochs, medians and ranges of 5 seeds")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Without normalization the patient stays at chance at *every* rate. With it, and nothing else
# changed, it gets to {{bare("patient, before"):.2f}} before the activation and
# {{bare("patient, after"):.2f}} after it: one kind of layer, nearly in place of three cures.
#
# Before or after? Accuracy and loss disagree. Before has the higher accuracy, with a range of
# {{np.ptp(fair.test("patient, before", "accuracy")):.2f}} over the seeds; after has the lower loss,
# {{bare("patient, after", "loss"):.2f}} against {{bare("patient, before", "loss"):.2f}}. The last
# columns say why: before is far off in how sure it is. Try both, and look at both numbers.
#
# The three cures alone reach a loss of {{bare("cured, without", "loss"):.2f}}. Normalization on top
# changes it by {{on_top.mean:+.2f}}, with an interval from {{on_top.low:+.2f}} to
# {{on_top.high:+.2f}}: these seeds can't tell it from nothing. **It makes a bad start matter less.
# It does not make a good network better here.**
#
# And it reaches only as far as it stands. The output layer has none behind it. Give that layer the
# patient's small weights too, this one thing. After {{words(len(epochs))}} epochs the accuracy is
# {{np.median(small_end):.2f}} ({{small_end.min():.2f}} to {{small_end.max():.2f}}) in place of
# {{np.median(default_end):.2f}} ({{default_end.min():.2f}} to {{default_end.max():.2f}}).
#
# </details>
#
# And the price? Parameters do not tell the time. Measure a step, one after the other.

# %%
from time import perf_counter

def seconds_per_step(models, rounds=60):
    best = dict.fromkeys(models, np.inf)
    for _ in range(rounds):  # in turn, so that a busy moment hits all alike
        for name, one in models.items():
            begun = perf_counter()
            one.train_on_batch(x[:50], y[:50])
            best[name] = min(best[name], perf_counter() - begun)
    return best

seconds = seconds_per_step({"without": patient, "with": compiled(normalized())})
print("a step takes longer with normalization:", seconds["with"] > seconds["without"])

# %% [markdown]
# Look at `seconds["with"] / seconds["without"]` on your machine. The layer has few parameters, but
# each of its small operations is a step of its own, forward and back. Small networks on a processor
# feel it most, a convolution on a graphics card least. Epochs are the wrong clock for a comparison.
#
# ## 6. Small batches
#
# In training mode each image's answer depends on the others in its batch. Take the trained `quick`
# and ask it in training mode, in batches of several sizes.
#
# **Commit:** with batches of 2, how many answers are right, of those that are right with 256?

# %%
guess_size = predict.choice("Training mode, batches of 2: of the accuracy with 256 is left",
                            ["nearly all", "about half", "hardly more than chance"])
guess_size

# %%
SIZES = (2, 4, 8, 16, 64, 256)

def accuracy_in_training_mode(model, size, first):
    kept, right = model.get_weights(), []
    for start in range(first, first + min(256, 20 * size), size):
        part = slice(start, start + size)
        right.extend(np.argmax(model(x_valid[part], training=True), axis=1) == y_valid[part])
    model.set_weights(kept)
    return np.mean(right)

by_size = np.array([[accuracy_in_training_mode(quick, size, first) for size in SIZES]
                    for first in (0, 500, 1000)])
plots.by_batch_size(SIZES, {"256, median of 3 sets of images": by_size}, {}, ylabel="accuracy",
                    alt="accuracy in training mode rises with the batch size, steeply at first")

# %%
guess_size.reveal("about half")

# %% [markdown]
# That is the noise that training has to live with. What does it cost in the end, at *inference*?
# The cured patient, trained for
# {{words(results.load("keras_batches").settings.steps)}} steps at each batch size, with the layer
# and without it, each at its own best rate. (Equal steps, so a small batch sees fewer images. The
# rows without the layer show what that alone costs.)

# %%
batches = comparison.load("keras_batches")
batches

# %%
def at(size, place, metric="accuracy"):
    return np.median(batches.test(f"batch {size}, {place}", metric))

batches.against("batch 64, with", metric="accuracy")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# At inference, with a batch of 2: {{at(2, "with"):.2f}} with the layer, {{at(2, "without"):.2f}}
# without. With 4: {{at(4, "with"):.2f}}. With 8: {{at(8, "with"):.2f}}. With 16:
# {{at(16, "with"):.2f}} with the layer, {{at(16, "without"):.2f}} without. With 64:
# {{at(64, "with"):.2f}}. Compare within a batch size: there the difference is the layer's alone.
#
# </details>
#
# Where memory allows only small batches, take a layer that looks at a single image:
# `GroupNormalization` or `LayerNormalization`. They have no second mode. (Try one at the end.)
#
# ## 7. Freeze it
#
# You reuse a trained model, on a machine with room for batches of 2. Its statistics come from
# batches of 50 and are good. So you set `trainable = False` on each normalization, and train on.
#
# **Commit:** in Keras, what does `trainable = False` do to this layer?

# %%
guess_freeze = predict.choice("BatchNormalization with trainable = False, then compile and fit",
                              ["γ, β stay; batch statistics are used, averages move",
                               "γ, β and averages stay; moving statistics are used",
                               "nothing until the model is built anew"])
guess_freeze

# %%
def what_moves(model):
    before = [w.numpy() for w in model.weights]
    model.fit(x[:50], y[:50], batch_size=2, verbose=0)
    moved = {}
    for old, w in zip(before, model.weights):
        moved[w.name] = moved.get(w.name, False) or bool(np.any(old != w.numpy()))
    return ["moves" if moved[name] else "stays"
            for name in ("kernel", "gamma", "moving_mean", "moving_variance")]

def freeze(model, frozen=True):
    for layer in keras_patient.norms(model):
        layer.trainable = not frozen

good = quick.get_weights()
rows = [("as it is", *what_moves(quick))]
freeze(quick)
rows.append(("frozen", *what_moves(quick)))
compiled(quick, rate=0.001)
rows.append(("frozen, compiled again", *what_moves(quick)))
table(("", "kernel", "γ", "moving mean", "moving variance"), rows)

# %%
guess_freeze.reveal("γ, β and averages stay; moving statistics are used")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The second row is the trap. The model had been trained before, and `fit` went on with what was
# settled then: nothing was frozen, and nothing said so. After `compile` γ, β and both averages
# stay, and the layer runs in inference mode even inside `fit`. That is a special rule for this
# layer; a frozen Dropout goes on dropping.
#
# One often reads a second recipe: leave the layer free and call the base model with
# `training=False`. In a subclassed model, where you write `call`, this holds. In a model made by
# `keras.Model(inputs, outputs)` the Keras of this course lets `fit` override it, and the averages
# move. `what_moves` tells you which case is yours.
#
# </details>
#
# What is it worth? The same trained models,
# {{words(results.load("keras_runs").settings.continued.steps)}} more steps in batches of
# {{words(results.load("keras_runs").settings.continued.batch_size)}}. Only the freezing differs.

# **Commit:** which keeps more of the accuracy?

# %%
guess_worth = predict.choice("Trained on with batches of 2, the better one is",
                             ["frozen", "learning on",
                              "neither, if the rate is small; with a larger one both lose"])
guess_worth

# %%
before = stored["momentum 0.9"].val_accuracy[:, -1]
learning, frozen = (stored["momentum 0.9"][way] for way in ("learning on", "frozen"))
rates = results.load("keras_runs").settings.continued.rates
plots.seed_dots({f"rate {rate:g}": {"learning on": learning[:, i], "frozen": frozen[:, i]}
                 for i, rate in enumerate(rates)}, ylabel="validation accuracy",
                alt="accuracy of five seeds at three rates, learning on and frozen")

# %%
guess_worth.reveal("neither, if the rate is small; with a larger one both lose")

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Before: {{np.median(before):.2f}}. At rate {{rates[0]:g}}: learning on
# {{np.median(learning[:, 0]):.2f}}, frozen {{np.median(frozen[:, 0]):.2f}}. At {{rates[1]:g}}:
# {{np.median(learning[:, 1]):.2f}} and {{np.median(frozen[:, 1]):.2f}}. At {{rates[2]:g}}:
# {{np.median(learning[:, 2]):.2f}} and {{np.median(frozen[:, 2]):.2f}}. The usual
# advice is to freeze. Here, with the same kind of images as before, it gains nothing, and at the
# largest rate it loses more. The rate matters most. Freezing is for new images whose statistics you
# don't trust; for your own case, measure.
#
# </details>
#
# ## 8. Mend a program
#
# Somebody brings you this program. It trains well, and then says that few new images are right.
# Nothing raises an error. Two lines are wrong. Find them by experiment: what does `model.evaluate`
# say of the same images? What if you shuffle them? Then mend both.

# %% tags=["stub"]
def program(x, y, x_new, y_new):
    model = keras.Sequential([
        keras.Input((784,)), layers.Dense(50, use_bias=False),
        layers.BatchNormalization(momentum=0.1), layers.Activation("relu"),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=10, epochs=2, verbose=0)
    right = 0
    for start in range(0, len(x_new), 50):
        part = slice(start, start + 50)
        answers = np.argmax(model(x_new[part], training=True), axis=1)
        right += np.sum(answers == y_new[part])
    return model, right / len(x_new)

# %% tags=["solution"]
def program(x, y, x_new, y_new):
    model = keras.Sequential([
        keras.Input((784,)), layers.Dense(50, use_bias=False),
        layers.BatchNormalization(momentum=0.9), layers.Activation("relu"),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=10, epochs=2, verbose=0)
    right = 0
    for start in range(0, len(x_new), 50):
        part = slice(start, start + 50)
        answers = np.argmax(model(x_new[part], training=False), axis=1)
        right += np.sum(answers == y_new[part])
    return model, right / len(x_new)

# %%
checks.keras_normalization.program(program)

# %% [markdown]
# ### Challenge: three epochs
#
# The patient with batch normalization, its pixels, its weights, its sigmoids. You choose where the
# layer stands, its momentum, the rate and the batch size (`10` or more). Three epochs. The score is
# the validation loss, the median of three seeds, told to one digit so that it holds on every
# processor. Below `1.0` passes, smaller is better.

# %% tags=["stub"]
recipe = {"place": ..., "momentum": ..., "rate": ..., "batch_size": ...}

# %% tags=["solution"]
recipe = {"place": "after", "momentum": 0.9, "rate": 0.0003, "batch_size": 20}

# %%
checks.keras_normalization.three_epochs(recipe)

# %% [markdown]
# ### Experiment: your own question
#
# `normalized` is yours. What if the layer stands only after the first Dense? After every second
# one? With `epsilon=1e-5` in place of Keras's `0.001`, which is more than the variance itself? With
# `GroupNormalization(groups=10)`? Change one thing, save the run, compare, try several seeds.

# %%
runs.save("before, momentum 0.9", val_loss=stored["momentum 0.9"].val_loss[0],
          val_accuracy=stored["momentum 0.9"].val_accuracy[0])
runs.save("after, momentum 0.9", val_loss=stored["after"].val_loss[0],
          val_accuracy=stored["after"].val_accuracy[0])
runs.compare("before, momentum 0.9", "after, momentum 0.9")

# %% [markdown]
# ## How did you guess?

# %%
predict.summary()

# %% [markdown]
# ## Summary
#
# - {{words(len(norm.weights)).capitalize()}} numbers per feature: two are trained, two follow the
#   batches.
# - Before the activation the bias is useless; after it, it is not.
# - A normalized model is two functions. Good in `fit` and bad in `evaluate` on the *same* images
#   means: the moving statistics are wrong.
# - At momentum `0.99` they need hundreds of batches, and more where the variance is small.
# - It makes a bad start matter less, as far as it stands.
# - Frozen means inference mode, once you have compiled again.
#
# ## In practice
#
# 1. `Dense(n, use_bias=False)`, `BatchNormalization()`, the activation. Good initial weights and
#    standardized inputs all the same.
# 2. Count your training steps. Under a thousand: `momentum=0.9`, or recalibrate at the end.
#    PyTorch's `momentum=0.1` is Keras's `0.9`.
# 3. Disappointed by validation? Evaluate on the *training* images before you regularize.
# 4. Shuffle, and keep {{given("16", "Wu and He 2018")}} images or more per batch and per device.
# 5. Fine-tuning: a small rate first. If you freeze, compile again, and look at what moves.
#
# Next: [Train a hundred layers](08_train_a_hundred_layers.ipynb). Before: [Derive batch
# normalization](06_derive_batch_normalization.ipynb).

# %% [markdown] tags=["given"]
# ## Further reading
#
# - [Keras:
#   BatchNormalization](https://keras.io/api/layers/normalization_layers/batch_normalization/): all
#   arguments, and the rule about freezing.
# - [Keras: transfer learning and fine-tuning](https://keras.io/guides/transfer_learning/): freezing
#   and `training=False` at work.
# - [Rethinking "Batch" in BatchNorm](https://arxiv.org/abs/2105.07576), Wu and Johnson 2021: batch
#   statistics, their surprises and their cures, measured at length.
# - [Group normalization](https://arxiv.org/abs/1803.08494), Wu and He 2018: how batch normalization
#   suffers from small batches.
