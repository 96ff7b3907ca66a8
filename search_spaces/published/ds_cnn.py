"""DS-CNN of the MLPerf Tiny benchmark: keyword spotting on 49 x 10 spectrograms.

    conv 10x4, 64, stride 2 - 4 x [depthwise 3x3 - pointwise 1x1, 64] - average pool - linear

Batch norm and ReLU follow every convolution; all of them have biases. The benchmark's dropout is left to the
training. At 1 x 49 x 10 and 12 classes there are 23,756 trainable parameters (24,908 with the statistics of
the batch norms).

An axis shorter than 4 is not halved, and one of a single position is padded by one more.

References:
    Banbury et al., "MLPerf Tiny Benchmark", NeurIPS Datasets and Benchmarks 2021, arXiv 2106.07597.
    Zhang et al., "Hello Edge: Keyword Spotting on Microcontrollers", 2017, arXiv 1711.07128.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

from search_spaces.initialisation import initialised
from search_spaces.published.small_inputs import halved

WIDTH: Final = 64
BLOCKS: Final = 4
FIRST_KERNEL: Final = (10, 4)


class DSCNN(nn.Module):
    """First convolution, depthwise separable blocks, average pool, linear layer.

    Args:
        input_shape: `(channels, height, width)` of one example.
        n_classes: outputs of the network.
    """

    def __init__(self, input_shape: tuple[int, int, int], n_classes: int) -> None:
        super().__init__()
        channels, height, width = input_shape
        stride, _ = halved([height, width], 2)
        padding = (FIRST_KERNEL[0] // 2, 1 if width > 1 else 2)
        layers: list[nn.Module] = [
            nn.Conv2d(channels, WIDTH, FIRST_KERNEL, stride=stride, padding=padding),
            nn.BatchNorm2d(WIDTH),
            nn.ReLU(),
        ]
        for _ in range(BLOCKS):
            layers += [
                nn.Conv2d(WIDTH, WIDTH, 3, padding=1, groups=WIDTH),
                nn.BatchNorm2d(WIDTH),
                nn.ReLU(),
                nn.Conv2d(WIDTH, WIDTH, 1),
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
    """Return DS-CNN for an input `(channels, height, width)`."""
    return initialised(lambda: DSCNN(input_shape, n_classes))
