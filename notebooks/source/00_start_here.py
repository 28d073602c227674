# %% [markdown]
# # Start here
#
# You will see what this course is, find out whether your machine is ready for it, and move your
# first live figure.
#
# *About 15 minutes. You should know some Python, and what a neural network is for. The next
# lesson is [01 Backpropagate by hand](01_backpropagate_by_hand.ipynb).*
#
# ## What this course is
#
# A network of two layers trains almost by itself. A network of a hundred layers does not: on the
# way through the layers signals fade or explode, and so do the gradients that training needs.
# This course shows you how to look inside, what goes wrong, and what tames it.
#
# After this notebook you can
#
# - run, change and reset a notebook;
# - read a live figure, and use its controls with mouse or keyboard;
# - solve an exercise and understand what its check says;
# - find your way through the twelve lessons.
#
# *If the next cell finds no module named `helpers`, this notebook runs in another Python than the
# course's: open it with `python3 course.py lab`.*

# %%
from helpers import checks, data, labs

# %% [markdown]
# ## How to use a notebook
#
# A notebook is made of **cells**: text like this, and code like the one above. Click on a code
# cell and press Shift+Enter: it runs, and the next one is chosen. Run the cells from top to
# bottom, for later ones need what the earlier ones made.
#
# - To run all cells: menu *Run*, *Run All Cells*.
# - When nothing makes sense any more: menu *Kernel*, *Restart Kernel and Run All Cells*. A
#   **kernel** is the Python behind the notebook; restarting makes it forget everything.
# - Change whatever you like. The original can be had back from where you got the course.
#
# ## Is this machine ready?
#
# The next cell looks for what the course needs. Every line should say *yes*.

# %%
import sys
from importlib.metadata import version

lab = labs.initialization_lab()
before, _ = lab.numbers, lab.set(gain=2)
answers = {
    "Python 3.11, 3.12 or 3.13": (3, 11) <= sys.version_info[:2] <= (3, 13),
    "ipykernel 6": version("ipykernel").startswith("6."),
    "ipywidgets 8": version("ipywidgets").startswith("8."),
    "the images are Fashion-MNIST": data.fetch() != "stand-in",
    "a live figure answers": lab.numbers != before and lab.trouble is None,
}
for what, fine in answers.items():
    print(f"{what:<32}{'yes' if fine else 'NO, see below'}")

# %% [markdown]
# Where a line says NO:
#
# - *Python* or a package: start the course with `python3 course.py lab`, which installs what is
#   right.
# - *Fashion-MNIST*: the images could not be downloaded, and drawn ones stand in for them.
#   Everything runs, but the numbers differ from those in the text. The file `data/README.md` says
#   how to put the images in place.
# - *A live figure*: run the cell again. If it still says NO, restart the kernel.
#
# The images are what all networks of the course look at: small gray pictures of clothes.

# %%
data.load_fashion_mnist()

# %% [markdown]
# ## How a lesson goes: predict, run, drag
#
# 1. **Predict.** Before a cell that measures something, the text asks what you expect. Say it, or
#    write it down. A wrong guess teaches you more than none.
# 2. **Run.** The cell computes, and prints its numbers. The text after it talks about these
#    numbers, and about no others.
# 3. **Drag.** Live figures answer at once. Change one control, watch, and explain what you see
#    before you change the next.
#
# ## Your first live figure
#
# A thousand images go through ten layers of a hundred units each. Each histogram shows what one
# layer puts out, the three curves below the mean, the spread and the gradient, layer by layer.
# Blue is measured. Dashed is predicted by theory, before any weight was drawn. The numbers are
# told again below the picture.
#
# **Predict:** if all weights are made half as large, does the tenth layer's spread become half as
# large, too?

# %%
labs.initialization_lab()

# %% [markdown]
# Three things to try. Click on a slider's knob, then use the arrow keys for small steps.
#
# 1. **Gain to `0.5`.** Every weight is halved. The tenth layer's spread falls not by half but to
#    less than a hundredth: each layer halves what it gets, and ten halvings multiply. That is the
#    theme of the course.
# 2. **Gain to `3`.** The values pile up at −1 and 1, where tanh is flat. The gradient now grows
#    on its way back, from the last layer to the first.
# 3. **Gain `1`, activation ReLU, depth `50`.** The signal fades, layer by layer, as predicted.
#    Now change the initialization to *He normal*. Lesson 04 explains what happened.
#
# ## How checks work
#
# Lessons have exercises. You write your answer over the three dots, run that cell, and then the
# check below it. A check knows the usual slips, and says *why* an answer is wrong. Try a wrong
# one first.
#
# **Exercise:** an image has 28 rows of 28 pixels. How many numbers is that, for one image?
#
# <details><summary>Hint</summary>Every row has 28 numbers, and there are 28 rows. You may let
# Python multiply: <code>28 * 28</code>.</details>

# %% tags=["stub"]
pixels = ...

# %% tags=["solution"]
pixels = 28 * 28

# %%
checks.start.pixels(pixels)

# %% [markdown]
# A check says one of three things: *Not attempted yet*, *Not yet* with a reason, or *Right*.
# Nothing is recorded. Every lesson has a solved twin in the folder `solutions`; look there when a
# hint was not enough.
#
# ## The map of the course
#
# | | Lesson | You will learn to |
# | --- | --- | --- |
# | 00 | [Start here](00_start_here.ipynb) | use the course |
# | 01 | [Backpropagate by hand](01_backpropagate_by_hand.ipynb) | follow a gradient through a graph, number by number |
# | 02 | [Watch gradients vanish](02_watch_gradients_vanish.ipynb) | see and predict vanishing and exploding gradients |
# | 03 | [Choose an activation](03_choose_an_activation.ipynb) | weigh activation functions against each other |
# | 04 | [Scale the weights](04_scale_the_weights.ipynb) | start a deep network so that it can learn |
# | 05 | [Prepare the inputs](05_prepare_the_inputs.ipynb) | center, scale and whiten the inputs |
# | 06 | [Derive batch normalization](06_derive_batch_normalization.ipynb) | write it, forward and backward |
# | 07 | [Use batch normalization in Keras](07_use_batch_normalization_in_keras.ipynb) | use it, and know its switches |
# | 08 | [Train a hundred layers](08_train_a_hundred_layers.ipynb) | train a very deep plain network |
# | 09 | [Curb overfitting](09_curb_overfitting.ipynb) | keep a network from learning by heart |
# | 10 | [Augment the data](10_augment_the_data.ipynb) | make much of few images |
# | 11 | [Diagnose a network](11_diagnose_a_network.ipynb) | find out why a network will not train |
#
# ## Summary
#
# - Predict, run, drag: guess first, then look, then play.
# - Live figures show what was measured and what was predicted, and answer at once.
# - Checks say why.
#
# ## What to do in practice
#
# Take the lessons in order. In class, open the labs on the projector and let people predict
# before you drag.
#
# ## Further reading
#
# - [JupyterLab's documentation](https://jupyterlab.readthedocs.io/en/stable/user/notebook.html):
#   all that notebooks can do.
# - [Fashion-MNIST](https://arxiv.org/abs/1708.07747): where the images come from, and why they
#   are harder than digits.
#
# Go on with [01 Backpropagate by hand](01_backpropagate_by_hand.ipynb).
