"""The torch network of a ResNet-like genotype.

    Conv(OC0, KS0) - BN - ReLU - main block 1 .. M - average pool - linear

A main block is R residual blocks, each the sum of B parallel branches and, where there is one, the skip
connection. A branch has one of four types:

    A  bottleneck  1x1 3x3 1x1   convolution, batch norm, ReLU; the last ReLU after the sum
    B  basic       3x3 3x3       the same
    C  bottleneck                convolution, ReLU, batch norm; nothing after the sum
    D  basic                     the same

The first residual block of a main block changes the width and strides: in its first 3 x 3 convolution and on
its skip, which is then a 1 x 1 convolution with batch norm, otherwise the identity. No convolution has a
bias, since a batch norm or a ReLU and a batch norm follow.

Every layer is a module of torch.nn of its own, the ReLUs included, and the forward pass has no branch that
depends on data, so that torch.fx and torch.export see a flat network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from torch import Tensor, nn

from search_spaces.initialisation import initialised
from search_spaces.resnet.geometry import Axes, geometry
from search_spaces.resnet.ranges import BLOCK_GENES, STEM_GENES, Ranges
from search_spaces.space import Genotype

BOTTLENECK: Final = (0, 2)
RELU_FIRST: Final = (2, 3)


class ResidualBlock(nn.Module):
    """The sum of parallel branches and, if `skip`, of what came in.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output.
        channels_inside: channels of the 3 x 3 convolution of a bottleneck.
        branches: number of parallel branches.
        convolution_type: 0 to 3 for A to D.
        stride: of the first 3 x 3 convolution and of the skip.
        skip: whether there is a skip connection.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        channels_inside: int,
        branches: int,
        convolution_type: int,
        stride: Axes,
        skip: bool,
    ) -> None:
        super().__init__()
        relu_first = convolution_type in RELU_FIRST
        if convolution_type in BOTTLENECK:
            steps = [
                (channels_in, channels_inside, 1, (1, 1)),
                (channels_inside, channels_inside, 3, stride),
                (channels_inside, channels_out, 1, (1, 1)),
            ]
        else:
            steps = [(channels_in, channels_out, 3, stride), (channels_out, channels_out, 3, (1, 1))]
        self.branches = nn.ModuleList(_branch(steps, relu_first) for _ in range(branches))
        self.skip: nn.Module | None = nn.Identity() if skip else None
        if skip and (channels_in != channels_out or stride != (1, 1)):
            self.skip = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride=stride, bias=False),
                nn.BatchNorm2d(channels_out),
            )
        self.activation: nn.Module = nn.Identity() if relu_first else nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels_in, height, width)` to `(batch, channels_out, ...)`."""
        terms = [branch(x) for branch in self.branches]
        if self.skip is not None:
            terms.append(self.skip(x))
        total: Tensor = terms[0]
        for term in terms[1:]:
            total = total + term
        result: Tensor = self.activation(total)
        return result


class ResNetLike(nn.Module):
    """First convolution, main blocks, average pool and linear layer.

    Args:
        stem: the first convolution with batch norm and ReLU.
        blocks: all residual blocks in order.
        classifier: the linear layer.
    """

    def __init__(self, stem: nn.Sequential, blocks: Sequence[nn.Module], classifier: nn.Linear) -> None:
        super().__init__()
        self.stem = stem
        self.blocks = nn.Sequential(*blocks)
        self.classifier = classifier

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` to `(batch, classes)` logits."""
        features = self.blocks(self.stem(x)).mean(dim=(2, 3))
        logits: Tensor = self.classifier(features)
        return logits


def build(genotype: Genotype, ranges: Ranges) -> nn.Module:
    """Return the network of a canonical genotype, its weights drawn with seed 0."""
    return initialised(lambda: _network(genotype, ranges))


def _network(genotype: Genotype, ranges: Ranges) -> ResNetLike:
    oc0, ks0, m = genotype[:STEM_GENES]
    plan = geometry(ranges.input_shape[1:], ks0, m)
    stem = nn.Sequential(
        nn.Conv2d(ranges.input_shape[0], oc0, ks0, stride=plan.stem_stride, padding=ks0 // 2, bias=False),
        nn.BatchNorm2d(oc0),
        nn.ReLU(),
    )
    blocks = []
    width = oc0
    for block in range(m):
        start = STEM_GENES + BLOCK_GENES * block
        r, b, ct, wf, skip = genotype[start : start + BLOCK_GENES]
        channels_in, width = width, width * wf
        inside = {"full": width, "input": channels_in, "quarter": max(width // 4, 1)}[ranges.bottleneck]
        for residual in range(r):
            first = residual == 0
            stride = plan.strides[block] if first else (1, 1)
            blocks.append(
                ResidualBlock(channels_in if first else width, width, inside, b, ct, stride, bool(skip))
            )
    return ResNetLike(stem, blocks, nn.Linear(width, ranges.n_classes))


def _branch(steps: list[tuple[int, int, int, Axes]], relu_first: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index, (channels_in, channels_out, kernel, stride) in enumerate(steps):
        convolution = nn.Conv2d(
            channels_in, channels_out, kernel, stride=stride, padding=kernel // 2, bias=False
        )
        norm = nn.BatchNorm2d(channels_out)
        if relu_first:
            layers += [convolution, nn.ReLU(), norm]
        elif index + 1 < len(steps):
            layers += [convolution, norm, nn.ReLU()]
        else:
            layers += [convolution, norm]
    return nn.Sequential(*layers)
