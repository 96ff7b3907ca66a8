"""The NAS-Bench-201 network around a cell.

    conv 3x3 (C) - BN - N cells - reduction to 2C - N cells - reduction to 4C - N cells - BN - ReLU - average
    pool - linear

A convolution of a cell is ReLU, convolution, batch norm. A reduction is a residual block of two of those, the
first with stride 2, and on its skip a 2 x 2 average pool with a 1 x 1 convolution. An axis shorter than 4 is
not halved, so that small inputs work. Edges that carry nothing to a cell's output are left out.

References:
    Dong and Yang, ICLR 2020, arXiv 2001.00326, Fig. 1.
"""

from __future__ import annotations

from torch import Tensor, nn

from search_spaces.initialisation import initialised
from search_spaces.nasbench201.cell import CONV1, CONV3, EDGES, POOL, SKIP
from search_spaces.nasbench201.isomorphism import live_edges
from search_spaces.nasbench201.skeleton import STAGES, Skeleton, reduction_strides
from search_spaces.space import Genotype


class Cell(nn.Module):
    """Four nodes, each the sum of what its live edges carry.

    Args:
        genotype: the six operations.
        channels: of input and output.
    """

    def __init__(self, genotype: Genotype, channels: int) -> None:
        super().__init__()
        live = live_edges(genotype)
        self.edges = nn.ModuleDict(
            {
                _edge_name(edge): _operation(code, channels)
                for edge, code, carries in zip(EDGES, genotype, live, strict=True)
                if carries
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` to the same shape."""
        nodes = {0: x}
        for target in (1, 2, 3):
            sources = [source for source in range(target) if _edge_name((source, target)) in self.edges]
            terms = [self.edges[_edge_name((source, target))](nodes[source]) for source in sources]
            if terms:
                nodes[target] = sum(terms[1:], terms[0])
        return nodes[3]


class Reduction(nn.Module):
    """The residual block between two stages.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output.
        stride: along height and width.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            _convolution(channels_in, channels_out, 3, stride), _convolution(channels_out, channels_out, 3)
        )
        # An odd axis keeps its last position, as the convolution's padding makes the branch do.
        self.skip = nn.Sequential(
            nn.AvgPool2d(stride, stride, ceil_mode=True), nn.Conv2d(channels_in, channels_out, 1, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels_in, height, width)` to `(batch, channels_out, ...)`."""
        result: Tensor = self.branch(x) + self.skip(x)
        return result


class CellNetwork(nn.Module):
    """First convolution, three stages of cells, average pool and linear layer.

    Args:
        genotype: the cell.
        skeleton: what is around it.
    """

    def __init__(self, genotype: Genotype, skeleton: Skeleton) -> None:
        super().__init__()
        width = skeleton.channels
        self.stem = nn.Sequential(
            nn.Conv2d(skeleton.input_shape[0], width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )
        strides = reduction_strides(skeleton)
        layers: list[nn.Module] = []
        for stage in range(STAGES):
            if stage:
                layers.append(Reduction(width, 2 * width, strides[stage - 1]))
                width *= 2
            layers += [Cell(genotype, width) for _ in range(skeleton.cells_per_stage)]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU())
        self.classifier = nn.Linear(width, skeleton.n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, channels, height, width)` to `(batch, classes)` logits."""
        features = self.head(self.layers(self.stem(x))).mean(dim=(2, 3))
        logits: Tensor = self.classifier(features)
        return logits


def build(genotype: Genotype, skeleton: Skeleton) -> nn.Module:
    """Return the network of a connected cell, its weights drawn with seed 0."""
    return initialised(lambda: CellNetwork(genotype, skeleton))


def _edge_name(edge: tuple[int, int]) -> str:
    return f"from{edge[0]}to{edge[1]}"


def _operation(code: int, channels: int) -> nn.Module:
    if code == SKIP:
        return nn.Identity()
    if code == POOL:
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    return _convolution(channels, channels, {CONV3: 3, CONV1: 1}[code])


def _convolution(
    channels_in: int, channels_out: int, kernel: int, stride: tuple[int, int] = (1, 1)
) -> nn.Sequential:
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels_in, channels_out, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out),
    )
