"""Where the parameters of famous image networks lie: their layers as data, counted by kind.

Sizes are those of the papers. A convolution of k × k pixels over `fan_in` channels has k² · fan_in weights
per output channel; batch normalization has γ and β. All three classify 224 × 224 pixels into 1,000 classes.
"""

from collections import Counter
from itertools import pairwise
from typing import NamedTuple

KINDS = ("convolution", "batch_norm", "dense")
CLASSES = 1000
VGG_BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
RESNET_STAGES = (
    (64, 3),
    (128, 4),
    (256, 6),
    (512, 3),
)  # narrow channels, blocks; the output is 4 times wider


class Layer(NamedTuple):
    """A layer with weights: its kind, the inputs of each unit, the units, and whether each has a bias."""

    kind: str
    fan_in: int
    units: int
    bias: bool = True

    @property
    def parameters(self) -> int:
        """The number of weights, and of biases where there are some; for batch normalization γ and β."""
        if self.kind == "batch_norm":
            return 2 * self.units
        return (self.fan_in + self.bias) * self.units


def alexnet() -> list[Layer]:
    """Return AlexNet (Krizhevsky et al. 2012, figure 2); layers 2, 4 and 5 see half of the channels each."""
    return [
        conv(11, 3, 96),
        conv(5, 48, 256),
        conv(3, 256, 384),
        conv(3, 192, 384),
        conv(3, 192, 256),
        *dense(6 * 6 * 256, 4096, 4096, CLASSES),
    ]


def vgg16() -> list[Layer]:
    """Return VGG-16 (Simonyan and Zisserman 2015, table 1, column D)."""
    layers, channels = [], 3
    for units in (units for block in VGG_BLOCKS for units in block):
        layers.append(conv(3, channels, units))
        channels = units
    return layers + dense(7 * 7 * channels, 4096, 4096, CLASSES)


def resnet50() -> list[Layer]:
    """Return ResNet-50 (He et al. 2016, table 1); its convolutions have no bias, a normalization follows."""
    layers, channels = normalized(7, 3, 64), 64
    for narrow, blocks in RESNET_STAGES:
        for block in range(blocks):
            layers += normalized(1, channels, narrow) + normalized(3, narrow, narrow)
            layers += normalized(1, narrow, 4 * narrow)
            if block == 0:  # the skip has to widen too
                layers += normalized(1, channels, 4 * narrow)
            channels = 4 * narrow
    return layers + dense(channels, CLASSES)


ARCHITECTURES = {"AlexNet": alexnet, "VGG-16": vgg16, "ResNet-50": resnet50}


def parameters_by_kind(layers) -> dict[str, int]:
    """Return the number of parameters of each kind of layer, 0 where there is none."""
    counts = Counter(dict.fromkeys(KINDS, 0))
    for layer in layers:
        counts[layer.kind] += layer.parameters
    return dict(counts)


def conv(size, channels, units, bias=True) -> Layer:
    """Return a convolution of size × size pixels over `channels`, with `units` output channels."""
    return Layer("convolution", size * size * channels, units, bias)


def normalized(size, channels, units) -> list[Layer]:
    """Return a convolution without bias and its batch normalization."""
    return [conv(size, channels, units, bias=False), Layer("batch_norm", 0, units)]


def dense(*sizes) -> list[Layer]:
    """Return dense layers, one from each size to the next."""
    return [Layer("dense", *pair) for pair in pairwise(sizes)]
