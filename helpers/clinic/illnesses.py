"""The words of every finding: what each illness means, what to try, and the lesson that tells of it."""

from dataclasses import dataclass

L01, L02, L03 = "01_backpropagate_by_hand", "02_watch_gradients_vanish", "03_choose_an_activation"
L04, L05, L06 = "04_scale_the_weights", "05_prepare_the_inputs", "06_derive_batch_normalization"
L07, L08, L09 = "07_use_batch_normalization_in_keras", "08_train_a_hundred_layers", "09_curb_overfitting"


@dataclass(frozen=True)
class Illness:
    """What is said of an illness: `meaning` may hold {value}, the first evidence's number."""

    meaning: str
    advice: str
    lesson: str


ILLNESSES: dict[str, Illness] = {
    "non_finite_values": Illness(
        "Some numbers are inf or nan, and every number computed from them is lost.",
        "Look at the first layer named: check the inputs for nan, lower the learning rate, clip the "
        "gradient, or scale the weights down.",
        L02,
    ),
    "constant_inputs": Illness(
        "{value:.0%} of the input features are the same in every example, so they tell nothing apart.",
        "Look at how the batch was loaded and scaled: a division by the wrong number, or an empty column.",
        L05,
    ),
    "unscaled_inputs": Illness(
        "The inputs' spread is {value:.3g}, far from the 1 that initializations count on, or differs from "
        "feature to feature.",
        "Divide each feature, or all pixels, by their standard deviation over the training set.",
        L05,
    ),
    "uncentered_inputs": Illness(
        "The inputs lie {value:.3g} standard deviations away from 0, so most units of the first layer see "
        "every example on the same side.",
        "Subtract the mean of the training set.",
        L05,
    ),
    "labels_do_not_fit": Illness(
        "The targets are not of the form that the loss takes.",
        "Look at one row of the targets beside what the loss's page in Keras's manual asks for.",
        L01,
    ),
    "one_class": Illness(
        "All examples have the same target.",
        "Look at how the labels were read; shuffle before you cut a part off.",
        L05,
    ),
    "unscaled_targets": Illness(
        "The targets are far larger or smaller than what the network begins with.",
        "Train on standardized targets, and turn the predictions back.",
        L05,
    ),
    "improper_loss": Illness(
        "The loss measures distances between numbers, and the targets name classes.",
        "Use a cross-entropy.",
        L01,
    ),
    "targets_out_of_reach": Illness(
        "Some targets lie where the output's activation can't get.",
        "Leave the output linear.",
        L03,
    ),
    "output_activation_mismatch": Illness(
        "What the network gives is not what the loss takes: one of the two applies the softmax or sigmoid.",
        "End with a linear layer and a loss with from_logits=True, or with a softmax and from_logits=False.",
        L07,
    ),
    "nothing_trainable": Illness(
        "Training changes nothing.",
        "Set trainable = True on the layers that are to learn, then compile again.",
        L07,
    ),
    "missing_activation": Illness(
        "Two layers of weights follow each other with nothing between that bends: they are one linear layer.",
        "Give the first one an activation.",
        L03,
    ),
    "double_activation": Illness(
        "Two functions stand one after the other where one belongs.",
        "Leave the first layer linear.",
        L03,
    ),
    "too_much_dropout": Illness(
        "Dropout leaves too little of the signal.",
        "Try a rate of 0.2 to 0.5.",
        L09,
    ),
    "image_discarded": Illness(
        "A window skips pixels, or is larger than what it looks at.",
        "Let the strides be no larger than the window, and pool less before it.",
        L04,
    ),
    "equal_layers": Illness(
        "Several layers began with the very same weights.",
        "Give each layer an initializer of its own.",
        L04,
    ),
    "symmetric_weights": Illness(
        "{value:.0%} of the layer's units compute the same and get the same gradient: they stay one unit.",
        "Draw the weights at random; only biases may start out equal.",
        L04,
    ),
    "vanishing_signal": Illness(
        "On the way through the layers the signal falls to {value:.3g} of what it was.",
        "Use the initialization that goes with the activation (He for ReLU, LeCun for SELU), or batch "
        "normalization.",
        L04,
    ),
    "exploding_signal": Illness(
        "On the way through the layers the signal grows {value:.3g}-fold.",
        "Scale the weights down to the initialization that goes with the activation, or use batch "
        "normalization; start the branches of a residual network at 0.",
        L04,
    ),
    "vanishing_gradient": Illness(
        "On its way back the gradient falls to {value:.3g} of what it was: the layers named hardly learn.",
        "Use an activation that doesn't saturate with its own initialization, batch normalization, or skips.",
        L02,
    ),
    "exploding_gradient": Illness(
        "On its way back the gradient grows {value:.3g}-fold: one step throws the first layers about.",
        "Scale the weights down, use batch normalization, or clip the gradient's norm.",
        L02,
    ),
    "saturated_units": Illness(
        "At {value:.0%} of the layer's pre-activations the activation is flat, and no gradient passes.",
        "Use smaller weights, scaled inputs or batch normalization before the activation, or one that "
        "doesn't saturate.",
        L03,
    ),
    "dead_units": Illness(
        "{value:.0%} of the layer's units are off on every example, and no update reaches them.",
        "Lower the learning rate, start biases at 0, or use Leaky ReLU or ELU.",
        L03,
    ),
    "batch_too_small_for_batch_norm": Illness(
        "Batch normalization takes its statistics from {value:.0f} values per feature, too few to trust.",
        "Train with larger batches, or use layer or group normalization.",
        L06,
    ),
    "stale_moving_statistics": Illness(
        "The moving statistics, which inference uses, are far from those of this batch.",
        "Train on for some hundred steps, lower the momentum, and let the statistics be updated "
        "(training=True).",
        L07,
    ),
    "useless_bias_before_batch_norm": Illness(
        "Batch normalization takes away the bias of the layer before it: it is stored and updated in vain.",
        "Give the layer use_bias=False; the shift β takes the bias's place.",
        L06,
    ),
    "dropout_before_batch_norm": Illness(
        "Dropout makes the variance {value:.3g} times as large in training as in testing, and the batch "
        "normalization after it remembers the wrong one.",
        "Put dropout after the last batch normalization, or leave it out.",
        L09,
    ),
    "learning_rate_too_high": Illness(
        "The steps are too long: {value:.3g} of the weights' norm at a time, or a loss that doesn't fall.",
        "Divide the learning rate by 3 to 10, warm it up, or clip the gradient's norm.",
        L08,
    ),
    "learning_rate_too_low": Illness(
        "The steps are too short: {value:.3g} of the weights' norm at a time, while the loss hardly moves.",
        "Multiply the learning rate by 3 to 10.",
        L08,
    ),
    "no_progress": Illness(
        "The loss stands still over the whole run.",
        "Check that layers are trainable, then the labels, the inputs' scale, and ten times the rate.",
        L08,
    ),
    "oscillating_loss": Illness(
        "The loss jumps up and down from epoch to epoch.",
        "Divide the learning rate by 3 to 10.",
        L08,
    ),
    "still_learning": Illness(
        "The run ended while the loss was falling.",
        "Train on, with early stopping on the validation loss.",
        L08,
    ),
    "overfitting": Illness(
        "The validation loss has risen to {value:.3g} times its lowest value while the training loss fell.",
        "Stop at the lowest validation loss, or use more data, augmentation, weight decay or dropout.",
        L09,
    ),
}

CODES = tuple(ILLNESSES)  # roughly from cause to consequence; the clinic finds them in about this order
