"""A network in the manner of AnalogNet-VWW: visual wake words without depthwise convolutions.

    conv 3x3, 16, stride 2 - 6 x [conv 3x3, 4 x wider - conv 1x1] up to 64 channels - average pool - linear

A depthwise convolution fills one column of a tile with nine weights and leaves the rest empty. AnalogNets
therefore fuse the expansion and the depthwise convolution of MobileNetV2's inverted bottleneck into one dense
3 x 3 convolution. This network follows that idea with widths of our own choice: the published layer table
could not be verified, so it stands for the design and not for the published figures. Batch norm follows every
convolution, ReLU the 3 x 3 ones; blocks that keep shape have a skip. At 3 x 96 x 96 and 2 classes there are
356,818 trainable parameters.

An axis shorter than 4 is not halved, so that small inputs work.

References:
    Zhou et al., "AnalogNets: ML-HW Co-Design of Noise-robust TinyML Models and Always-On Analog
    Compute-in-Memory Accelerator", 2021, arXiv 2111.06503.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

from search_spaces.initialisation import initialised
from search_spaces.published.small_inputs import halved

FIRST_WIDTH: Final = 16
EXPANSION: Final = 4
# Output channels and stride of each block.
BLOCKS: Final = ((24, 2), (24, 1), (40, 2), (40, 1), (64, 2), (64, 1))


class FusedBottleneck(nn.Module):
    """A widening 3 x 3 convolution, a narrowing 1 x 1 convolution, and a skip where the shape stays.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output.
        stride: of the 3 x 3 convolution.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: tuple[int, int]) -> None:
        super().__init__()
        inside = EXPANSION * channels_in
        self.branch = nn.Sequential(
            nn.Conv2d(channels_in, inside, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(inside),
            nn.ReLU(),
            nn.Conv2d(inside, channels_out, 1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        self.keeps_shape = channels_in == channels_out and stride == (1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels_in, height, width)` to `(batch, channels_out, ...)`."""
        result: Tensor = self.branch(x)
        return result + x if self.keeps_shape else result


class AnalogNetLike(nn.Module):
    """First convolution, fused bottlenecks, average pool, linear layer.

    Args:
        input_shape: `(channels, height, width)` of one example.
        n_classes: outputs of the network.
    """

    def __init__(self, input_shape: tuple[int, int, int], n_classes: int) -> None:
        super().__init__()
        channels, *size = input_shape
        stride, size = halved(size, 2)
        self.stem = nn.Sequential(
            nn.Conv2d(channels, FIRST_WIDTH, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(FIRST_WIDTH),
            nn.ReLU(),
        )
        blocks = []
        width = FIRST_WIDTH
        for channels_out, wanted in BLOCKS:
            stride, size = halved(size, wanted)
            blocks.append(FusedBottleneck(width, channels_out, stride))
            width = channels_out
        self.blocks = nn.Sequential(*blocks)
        self.classifier = nn.Linear(width, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` to `(batch, classes)` logits."""
        logits: Tensor = self.classifier(self.blocks(self.stem(x)).mean(dim=(2, 3)))
        return logits


def build(input_shape: tuple[int, int, int], n_classes: int) -> nn.Module:
    """Return the network for an input `(channels, height, width)`."""
    return initialised(lambda: AnalogNetLike(input_shape, n_classes))
