"""Layer sizes of famous networks: the counts that others have published."""

import pytest

from helpers.networks.famous import ARCHITECTURES, KINDS, Layer, alexnet, parameters_by_kind, resnet50, vgg16

# AlexNet: Caffe's two-group model; VGG-16: Keras; ResNet-50: torchvision. All with 1,000 classes.
PUBLISHED = {"AlexNet": 60_965_224, "VGG-16": 138_357_544, "ResNet-50": 25_557_032}
KERAS_RESNET50 = 25_636_712  # counts biases of its convolutions, and the moving statistics


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_totals_are_the_published_ones(name):
    assert sum(parameters_by_kind(ARCHITECTURES[name]()).values()) == PUBLISHED[name]


def test_resnet_as_keras_counts_it():
    layers = resnet50()
    biases = sum(layer.units for layer in layers if layer.kind == "convolution")
    moving = parameters_by_kind(layers)["batch_norm"]
    assert sum(parameters_by_kind(layers).values()) + biases + moving == KERAS_RESNET50


def test_layers_are_as_many_as_the_names_say():
    def weighted(layers):
        return sum(layer.kind != "batch_norm" for layer in layers)

    assert weighted(alexnet()) == 8
    assert weighted(vgg16()) == 16
    assert weighted(resnet50()) == 50 + 4  # four skips widen by a convolution of their own


def test_dense_layers_hold_most_of_the_older_two():
    share = {}
    for name, layers in ARCHITECTURES.items():
        counts = parameters_by_kind(layers())
        assert tuple(counts) == KINDS
        share[name] = counts["dense"] / sum(counts.values())
    assert share["AlexNet"] > share["VGG-16"] > 0.85
    assert share["ResNet-50"] < 0.1


@pytest.mark.parametrize(
    ("layer", "count"),
    [
        (Layer("dense", 3, 2), 8),
        (Layer("convolution", 27, 4, bias=False), 108),
        (Layer("batch_norm", 0, 5), 10),
    ],
)
def test_one_layer(layer, count):
    assert layer.parameters == count
