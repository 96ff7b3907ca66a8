"""A network in the manner of AnalogNet-KWS: keyword spotting without depthwise convolutions.

    conv 10x4, 64, stride 2 - 4 x conv 3x3, 64 - average pool - linear

A depthwise convolution fills one column of a tile with nine weights and leaves the rest empty. AnalogNets therefore
replace depthwise separable convolutions by dense 3 x 3 ones. This is DS-CNN changed that way; the published network
started from another one, whose layers we could not verify, so it stands for the design and not for the published
figures. Batch norm and ReLU follow every convolution. At 1 x 49 x 10 and 12 classes there are 151,436 trainable
parameters.

An axis shorter than 4 is not halved, and one of a single position is padded by one more.

References:
    Zhou et al., "AnalogNets: ML-HW Co-Design of Noise-robust TinyML Models and Always-On Analog
    Compute-in-Memory Accelerator", 2021, arXiv 2111.06503.
    Zhang et al., "Hello Edge: Keyword Spotting on Microcontrollers", 2017, arXiv 1711.07128.
"""

from __future__ import annotations

from torch import Tensor, nn

from search_spaces.initialisation import initialised
from search_spaces.published.ds_cnn import BLOCKS, FIRST_KERNEL, WIDTH
from search_spaces.published.small_inputs import halved


class AnalogNetKWSLike(nn.Module):
    """First convolution, dense 3 x 3 convolutions, average pool, linear layer.

    Args:
        input_shape: `(channels, height, width)` of one example.
        n_classes: outputs of the network.
    """

    def __init__(self, input_shape: tuple[int, int, int], n_classes: int) -> None:
        super().__init__()
        channels, height, width = input_shape
        stride, _ = halved([height, width], 2)
        padding = (FIRST_KERNEL[0] // 2, 1 if width > 1 else 2)
        stem = nn.Conv2d(channels, WIDTH, FIRST_KERNEL, stride=stride, padding=padding, bias=False)
        layers: list[nn.Module] = [stem, nn.BatchNorm2d(WIDTH), nn.ReLU()]
        for _ in range(BLOCKS):
            layers += [
                nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False),
                nn.BatchNorm2d(WIDTH),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Linear(WIDTH, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` to `(batch, classes)` logits."""
        logits: Tensor = self.classifier(self.layers(x).mean(dim=(2, 3)))
        return logits


def build(input_shape: tuple[int, int, int], n_classes: int) -> nn.Module:
    """Return the network for an input `(channels, height, width)`."""
    return initialised(lambda: AnalogNetKWSLike(input_shape, n_classes))
