"""MobileNetV1 with a quarter of its width, of the MLPerf Tiny benchmark: visual wake words on 96 x 96 images.

    conv 3x3, 8, stride 2 - 13 x [depthwise 3x3 - pointwise 1x1] up to 256 channels - average pool - linear

Batch norm and ReLU follow every convolution; all of them have biases. At 3 x 96 x 96 and 2 classes there are
216,322 trainable parameters (221,794 with the statistics of the batch norms).

An axis shorter than 4 is not halved, so that small inputs work.

References:
    Banbury et al., "MLPerf Tiny Benchmark", NeurIPS Datasets and Benchmarks 2021, arXiv 2106.07597.
    Howard et al., "MobileNets", 2017, arXiv 1704.04861.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

from search_spaces.initialisation import initialised
from search_spaces.published.small_inputs import halved

FIRST_WIDTH: Final = 8
# Output channels and stride of each depthwise separable block.
BLOCKS: Final = (
    (16, 1),
    (32, 2),
    (32, 1),
    (64, 2),
    (64, 1),
    (128, 2),
    *((128, 1),) * 5,
    (256, 2),
    (256, 1),
)


class MobileNetV1(nn.Module):
    """First convolution, depthwise separable blocks, average pool, linear layer.

    Args:
        input_shape: `(channels, height, width)` of one example.
        n_classes: outputs of the network.
    """

    def __init__(self, input_shape: tuple[int, int, int], n_classes: int) -> None:
        super().__init__()
        channels, *size = input_shape
        stride, size = halved(size, 2)
        layers: list[nn.Module] = [
            nn.Conv2d(channels, FIRST_WIDTH, 3, stride=stride, padding=1),
            *_activated(FIRST_WIDTH),
        ]
        width = FIRST_WIDTH
        for channels_out, wanted in BLOCKS:
            stride, size = halved(size, wanted)
            layers += [
                nn.Conv2d(width, width, 3, stride=stride, padding=1, groups=width),
                *_activated(width),
                nn.Conv2d(width, channels_out, 1),
                *_activated(channels_out),
            ]
            width = channels_out
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Linear(width, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` to `(batch, classes)` logits."""
        logits: Tensor = self.classifier(self.layers(x).mean(dim=(2, 3)))
        return logits


def build(input_shape: tuple[int, int, int], n_classes: int) -> nn.Module:
    """Return MobileNetV1-0.25 for an input `(channels, height, width)`."""
    return initialised(lambda: MobileNetV1(input_shape, n_classes))


def _activated(channels: int) -> tuple[nn.BatchNorm2d, nn.ReLU]:
    return nn.BatchNorm2d(channels), nn.ReLU()
