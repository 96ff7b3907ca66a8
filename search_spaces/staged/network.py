"""The torch network of a staged genotype; `search_spaces.staged.layout` has its blocks.

    Conv(width, kernel, stride) - BN - ReLU - stages - average pool - linear

Every layer is a module of torch.nn of its own, the ReLUs included, and the forward pass has no branch that depends on
data, so that torch.fx and torch.export see a flat network.
"""

from __future__ import annotations

from torch import Tensor, nn

from search_spaces.initialisation import initialised
from search_spaces.resnet.network import ResNetLike
from search_spaces.space import Genotype
from search_spaces.staged.ranges import STAGE_GENES, STEM_GENES, Axes, StagedRanges


class StagedBlock(nn.Module):
    """The sum of one branch and of what came in.

    Args:
        branch: convolutions, batch norms and activations.
        skip: the identity, or a 1 x 1 convolution with batch norm.
        activation: after the sum.
    """

    def __init__(self, branch: nn.Sequential, skip: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.branch = branch
        self.skip = skip
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` to the same with other channels and map."""
        result: Tensor = self.activation(self.branch(x) + self.skip(x))
        return result


def build(genotype: Genotype, ranges: StagedRanges) -> nn.Module:
    """Return the network of a canonical genotype, its weights drawn with seed 0."""
    return initialised(lambda: _network(genotype, ranges))


def _network(genotype: Genotype, ranges: StagedRanges) -> ResNetLike:
    steps, kernel, stride, stages = genotype[:STEM_GENES]
    width = steps * ranges.width_step
    stem = _convolved(ranges.input_shape[0], width, ranges.kernels[kernel], ranges.strides[stride])
    blocks = []
    for stage in range(stages):
        start = STEM_GENES + STAGE_GENES * stage
        depth, steps, letter, kernel, stride, expansion, groups = genotype[start : start + STAGE_GENES]
        channels = steps * ranges.width_step
        for number in range(depth):
            first = number == 0
            blocks.append(
                _block(
                    ranges.types[letter],
                    width if first else channels,
                    channels,
                    ranges.kernels[kernel],
                    ranges.strides[stride] if first else (1, 1),
                    ranges.expansions[expansion] * channels,
                    ranges.groups[groups],
                )
            )
        width = channels
    return ResNetLike(nn.Sequential(*stem), blocks, nn.Linear(width, ranges.n_classes))


def _block(
    letter: str, before: int, after: int, kernel: Axes, stride: Axes, inside: int, groups: int
) -> StagedBlock:
    match letter:
        case "B":
            layers = [
                *_convolved(before, after, kernel, stride),
                *_convolved(after, after, kernel, (1, 1))[:2],
            ]
        case "D":
            first = _convolved(before, after, kernel, stride)
            second = _convolved(after, after, kernel, (1, 1))
            layers = [first[0], first[2], first[1], second[0], second[2], second[1]]
        case "E":
            layers = [
                *_convolved(before, inside, (1, 1), (1, 1)),
                *_convolved(inside, inside, kernel, stride, groups),
                *_convolved(inside, after, (1, 1), (1, 1))[:2],
            ]
        case "W":
            layers = [
                *_convolved(before, before, kernel, stride, before),
                *_convolved(before, after, (1, 1), (1, 1))[:2],
            ]
        case _:
            layers = _convolved(before, after, kernel, stride)[:2]
    skip: nn.Module = nn.Identity()
    if before != after or stride != (1, 1):
        skip = nn.Sequential(*_convolved(before, after, (1, 1), stride)[:2])
    return StagedBlock(nn.Sequential(*layers), skip, nn.ReLU() if letter in "BSW" else nn.Identity())


def _convolved(before: int, after: int, kernel: Axes, stride: Axes, groups: int = 1) -> list[nn.Module]:
    """Return a convolution, its batch norm and a ReLU."""
    padding = (kernel[0] // 2, kernel[1] // 2)
    convolution = nn.Conv2d(before, after, kernel, stride=stride, padding=padding, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(after), nn.ReLU()]
