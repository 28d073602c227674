# %% [markdown]
# # Start here
#
# You will watch a network fail, find out what its depth has to do with it, and learn the few
# things that you need to use this course.
#
# *About 20 minutes. You should know some Python, and what a neural network is for. After this:
# [01 Backpropagate by hand](01_backpropagate_by_hand.ipynb).*
#
# This page is a **notebook**: cells of text, and cells of code like the next one. Click on it and
# press **Shift+Enter**. It runs, and the next cell is chosen. Go on like this from top to bottom.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
from helpers import checks, first_look, labs, machine, predict, runs

# %% [markdown]
# ## A network that does not learn
#
# Here are ten images, one of each kind. The network's task: look at an image, and say which kind
# of clothes it is.

# %%
first_look.ten_kinds()

# %% [markdown]
# The network is a chain of ten **layers**. The first takes the numbers of an image, one for each
# pixel, and makes a hundred new numbers of them. The second makes a hundred new ones of these, and
# so on. From the last layer's numbers comes the answer.
#
# How a layer makes numbers is set by its **weights**: the numbers it multiplies with. At first
# they are drawn at random. **Training** changes them step by step, so that the answers get better.
# Its **accuracy** is the share of images that it gets right, out of images it was not trained on.
#
# This network will now be trained for `500` steps, and you will watch. First commit to a guess:
# move the knob, then press the button. A wrong guess teaches you more than none.

# %%
how_many = predict.number("Of ten images, how many are right after training?", low=0, high=10)
how_many

# %%
ten = first_look.train(layers=10, guess=how_many.value)

# %%
how_many.reveal(ten.end)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The curve does not move. There are ten kinds of clothes, so whoever guesses blindly is right once
# in ten. The network ends at {{ten.end:.1f}} of ten. It has learned nothing.
#
# Was it bad luck with the random weights? The same training from
# {{words(len(first_look.five_seeds(ten.layers)))}} draws of the weights ended between
# {{first_look.five_seeds(ten.layers).min():.1f}} and
# {{first_look.five_seeds(ten.layers).max():.1f}} of ten. It is not luck.
#
# </details>
#
# Is the program broken, then? Or are ten layers too many? Run the next cell. It trains ten layers
# on the same images for the same number of steps. Three settings are different.

# %%
cured = first_look.train(layers=10, cured=True, beside=(ten,))

# %% [markdown]
# <details><summary>What you saw</summary>
#
# {{cured.end:.1f}} of ten are right. So the program works, and ten layers can learn this.
#
# </details>
#
# The first network is the **patient** of this course. You will meet it again and again. In lesson
# 02 you look for what keeps it from learning, and in lessons 03, 04 and 05 you find the three
# settings one by one. By then you will know why they matter.
#
# ## Is it the number of layers?
#
# Back to the patient, without any cure. Take away layers until two are left, and leave everything
# else as it is: same images, same kind of random weights, same number of steps. To change one
# thing alone is how this course looks for causes.

# %%
answers = {1: "one, as before", 4: "about four", 8: "eight or more"}
two_layers = predict.choice("With two layers, how many of ten are right?", answers.values())
two_layers

# %%
two = first_look.train(layers=2, beside=(ten,))

# %%
nearest = min(answers, key=lambda count: abs(count - two.end))
two_layers.reveal(answers[nearest])

# %% [markdown]
# <details><summary>What you saw</summary>
#
# The same patient with two layers gets {{answers[nearest]}} of ten right. That is not much, but it
# learns. With several draws of the weights it ended between
# {{first_look.five_seeds(two.layers).min():.1f}} and
# {{first_look.five_seeds(two.layers).max():.1f}}. Only the number of layers was changed, so here
# it is the **depth** that makes the difference.
#
# </details>
#
# Somewhere between two layers and ten it stops learning. Does it get worse little by little, or all
# at once? **Draw it:** from left to right over the picture, how many of ten are right with one
# layer, with two, and so on up to ten.

# %%
line = predict.curve(
    "Right, of ten images, for one to ten layers",
    layers=10, low=0, high=10, log=False,
    xlabel="layers in the network", ylabel="right, of ten images",
)
line

# %% [markdown]
# So many trainings would take you minutes, so their results are stored with the course: one to ten
# layers, and for each {{words(len(first_look.five_seeds(ten.layers)))}} draws of the random
# weights. The dots are the single trainings. The line goes through the middle ones.

# %%
first_look.against_layers(guess=line.value)

# %%
by_layers = first_look.right_by_layers()
line.reveal(by_layers)

# %% [markdown]
# <details><summary>What you saw</summary>
#
# It is a cliff. One layer: {{by_layers[0]:.1f}} of ten. Two layers: {{by_layers[1]:.1f}}. From
# three layers on: {{by_layers[2:].max():.1f}}, which is guessing. And yet the cured network learns
# with ten. A setting that a shallow network survives can be the end of a deep one. That is what
# this course is about.
#
# </details>
#
# ## Where does the image get lost?
#
# Look inside. The figure below is **live**: it answers at once when you move a control. A thousand
# images go through ten layers like the cured ones, before any training. Each of the ten small
# pictures at the top shows the numbers that one layer puts out: on the left the low ones, on the
# right the high ones. A broad picture means that the layer says different things about different
# images.
#
# Touch one control only, the slider **gain**. It makes all weights larger or smaller together.
# Leave all other controls and the curves below for later lessons.
#
# 1. Drag **gain** slowly to the left, until the last of the ten pictures is a single spike. Does
#    the first one change as much? (Click on the knob, and the arrow keys make small steps.)
# 2. Now drag it far to the right. What happens to the pictures?

# %%
labs.initialization_lab()

# %% [markdown]
# <details><summary>What you saw</summary>
#
# To the left: every layer makes the numbers a little smaller, and the next layer makes them smaller
# again. The first picture hardly suffers. The last has been shrunk by every layer, and is a spike.
#
# To the right: the numbers pile up at both ends, as high and as low as a layer can say. In lesson
# 02 you see why that is bad, too.
#
# </details>
#
# ## Your turn: how checks and hints work
#
# Every lesson has exercises. Write your answer in place of the three dots, run that cell, then run
# the check below it. A check says *Not attempted yet*, or *Right*, or *Not yet* with a reason that
# fits your answer. Try a wrong answer first, to see one.
#
# **Warm-up.** An image has 28 rows of 28 pixels. How many numbers go into the network for one
# image?

# %% tags=["stub"]
pixels = ...

# %% tags=["solution"]
pixels = 28 * 28

# %%
checks.start.pixels(pixels)

# %% [markdown]
# Stuck? Put your cursor in the cell below and run it. Each time you run it you get the next of
# three hints: a question, then the idea, then nearly the answer. In lessons 01 and 02 every check
# has such hints, too: write `.hint()` after its name. Later lessons fold a hint up below the task.

# %%
checks.start.pixels.hint()

# %% [markdown]
# **Read a figure.** In the live figure, the gain was small and the last picture was a single spike.
# What does the spike say? Write one letter, in quotation marks.
#
# - (a) The last layer has fewer numbers than the first.
# - (b) Whatever image goes in, nearly the same comes out.
# - (c) The network has learned the images by heart.
# - (d) The last layer works best, for its numbers are nearly without error.
# - (e) The images are all black.

# %% tags=["stub"]
spike = ...

# %% tags=["solution"]
spike = "b"

# %%
checks.start.spike(spike)

# %% [markdown]
# Every lesson has a solved twin in the folder `solutions`. Look there when three hints were not
# enough.
#
# **Experiment.** You can keep what you try, and compare. The first two lines keep the trainings
# from above. Then try another number of layers: change the `3`, and its name.

# %%
runs.save("ten layers", right=ten.right)
runs.save("ten layers, cured", right=cured.right)

# %%
mine = first_look.train(layers=3, beside=(ten, cured))
runs.save("three layers", right=mine.right)
runs.compare()

# %% [markdown]
# In later lessons you will keep the **loss**, too. The loss is a number that says how wrong the
# answers are. Training tries to make it small, and accuracy is what you hope to get by that.
#
# ## Is this machine ready?
#
# Every line should say *yes*. Where one says *NO*, it says what to do.

# %%
machine.check()

# %% [markdown]
# Three things to know when you get lost:
#
# - Cells need what the cells above them made. Run them from top to bottom.
# - The **kernel** is the Python behind the notebook. When nothing makes sense any more, choose
#   *Kernel*, *Restart Kernel and Run All Cells*. Your guesses, solved exercises and saved runs
#   stay.
# - Change whatever you like, and try things out. Nothing breaks but this copy.
#
# ## How a lesson goes
#
# 1. **Something fails**, and you see it.
# 2. **You guess**, with a knob, a choice or a line, before you run the cell that tells. The text
#    that gives the answer away is folded up under *What you saw*. Open it after you have looked.
# 3. **You change one thing** and watch what it does.
# 4. **You build it**, and a check tells you what is not right yet.
#
# | | Lesson | You will learn to |
# | --- | --- | --- |
# | 00 | [Start here](00_start_here.ipynb) | use the course |
# | 01 | [Backpropagate by hand](01_backpropagate_by_hand.ipynb) | compute how each weight must change |
# | 02 | [Watch gradients vanish](02_watch_gradients_vanish.ipynb) | see what gets lost on the way through many layers |
# | 03 | [Choose an activation](03_choose_an_activation.ipynb) | choose what a layer does with its sums |
# | 04 | [Scale the weights](04_scale_the_weights.ipynb) | draw first weights with which a deep network can learn |
# | 05 | [Prepare the inputs](05_prepare_the_inputs.ipynb) | bring the images into a form that helps |
# | 06 | [Derive batch normalization](06_derive_batch_normalization.ipynb) | keep every layer's numbers in a good range, by your own code |
# | 07 | [Use batch normalization in Keras](07_use_batch_normalization_in_keras.ipynb) | do the same with a library, and know its switches |
# | 08 | [Train a hundred layers](08_train_a_hundred_layers.ipynb) | train a very deep network |
# | 09 | [Curb overfitting](09_curb_overfitting.ipynb) | keep a network from learning by heart |
# | 10 | [Augment the data](10_augment_the_data.ipynb) | make much of few images |
# | 11 | [Diagnose a network](11_diagnose_a_network.ipynb) | find out why a network will not train |
#
# ## How far are you?
#
# The course keeps your guesses and what you have solved, on this machine only, in the file
# `learner.json`. The next cell is your progress page. Come back and run it whenever you like.

# %%
predict.summary()

# %%
checks.progress.progress()

# %% [markdown]
# ## Summary
#
# - The patient has ten layers and learns nothing. With two layers it learns a little. With three
#   settings changed, ten layers learn well.
# - To find a cause, change one thing alone.
# - Guess first, then run, then open *What you saw*.
#
# ## Further reading
#
# - [JupyterLab's documentation](https://jupyterlab.readthedocs.io/en/stable/user/notebook.html):
#   all that notebooks can do.
# - [Fashion-MNIST](https://arxiv.org/abs/1708.07747): where the images come from.
#
# Go on with [01 Backpropagate by hand](01_backpropagate_by_hand.ipynb).
