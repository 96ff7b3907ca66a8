"""ResNet-8 of the MLPerf Tiny benchmark: image classification on CIFAR-10.

    conv 3x3, 16 - stage of 16 - stage of 32, stride 2 - stage of 64, stride 2 - average pool - linear

Each stage is one basic block: two 3 x 3 convolutions and a skip, which is a 1 x 1 convolution without batch
norm where the stage strides. All convolutions have biases. At 3 x 32 x 32 and 10 classes there are 78,186
trainable parameters (78,666 with the statistics of the batch norms, as the benchmark counts them) and 12.5 M
multiply-accumulates.

A stage strides along an axis only where at least 4 positions are left, so that no axis falls below 2 on a
small input.

References:
    Banbury et al., "MLPerf Tiny Benchmark", NeurIPS Datasets and Benchmarks 2021, arXiv 2106.07597.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

from search_spaces.initialisation import initialised
from search_spaces.published.small_inputs import halved

STAGES: Final = ((16, 1), (32, 2), (64, 2))


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and a skip.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output.
        stride: of the first convolution and of the skip.
        projected: whether the skip is a 1 x 1 convolution.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: tuple[int, int], projected: bool) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
            nn.BatchNorm2d(channels_out),
        )
        self.skip: nn.Module = nn.Identity()
        if projected:
            self.skip = nn.Conv2d(channels_in, channels_out, 1, stride=stride)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels_in, height, width)` to `(batch, channels_out, ...)`."""
        result: Tensor = self.activation(self.branch(x) + self.skip(x))
        return result


class ResNet8(nn.Module):
    """First convolution, three basic blocks, average pool, linear layer.

    Args:
        input_shape: `(channels, height, width)` of one example.
        n_classes: outputs of the network.
    """

    def __init__(self, input_shape: tuple[int, int, int], n_classes: int) -> None:
        super().__init__()
        channels, *size = input_shape
        width = STAGES[0][0]
        self.stem = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
        blocks = []
        for channels_out, wanted in STAGES:
            stride, size = halved(size, wanted)
            blocks.append(BasicBlock(width, channels_out, stride, projected=wanted > 1))
            width = channels_out
        self.blocks = nn.Sequential(*blocks)
        self.classifier = nn.Linear(width, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` to `(batch, classes)` logits."""
        logits: Tensor = self.classifier(self.blocks(self.stem(x)).mean(dim=(2, 3)))
        return logits


def build(input_shape: tuple[int, int, int], n_classes: int) -> nn.Module:
    """Return ResNet-8 for an input `(channels, height, width)`."""
    return initialised(lambda: ResNet8(input_shape, n_classes))
