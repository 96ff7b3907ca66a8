"""The published networks and where each is written down."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

from search_spaces.published.analognas import TABLE_II
from search_spaces.published.network import PublishedNetwork
from search_spaces.resnet import ResNetSpace

if TYPE_CHECKING:
    from torch import nn

MLPERF_TINY: Final = "Banbury et al., MLPerf Tiny Benchmark, 2021, arXiv 2106.07597"
SMALL_INPUTS: Final = "as published; an axis shorter than 4 is not halved"

# A network's file by name rather than its function: the files import torch, which listing the names must not.
FILES: Final = {
    "resnet8": "search_spaces.published.resnet8",
    "ds-cnn": "search_spaces.published.ds_cnn",
    "mobilenet-v1-0.25": "search_spaces.published.mobilenet_v1_025",
    "analognet-vww-like": "search_spaces.published.analognet_vww_like",
    "analognet-kws-like": "search_spaces.published.analognet_kws_like",
}
RESNET8_COUNTERPART: Final = {
    "OC0": 16,
    "KS0": 3,
    "M": 3,
    "blocks": [{"R": 1, "B": 1, "CT": "B", "WF": widening, "skip": True} for widening in (1, 2, 2)],
}
RESNET8_IN_STAGES: Final = {
    "stem": {"width": 16, "kernel": [3, 3], "stride": [1, 1]},
    "stages": [
        {"depth": 1, "width": width, "type": "B", "kernel": [3, 3], "stride": [stride, stride]}
        for width, stride in ((16, 1), (32, 2), (64, 2))
    ],
}
NETWORKS: Final = {
    network.name: network
    for network in (
        PublishedNetwork(
            "resnet8",
            MLPERF_TINY,
            (3, 32, 32),
            10,
            78_186,
            None,
            SMALL_INPUTS,
            counterpart=RESNET8_COUNTERPART,
            staged_counterpart=RESNET8_IN_STAGES,
        ),
        PublishedNetwork("ds-cnn", MLPERF_TINY, (1, 49, 10), 12, 23_756, None, SMALL_INPUTS),
        PublishedNetwork("mobilenet-v1-0.25", MLPERF_TINY, (3, 96, 96), 2, 216_322, None, SMALL_INPUTS),
        PublishedNetwork(
            "analognet-vww-like",
            "after Zhou et al., AnalogNets, 2021, arXiv 2111.06503",
            (3, 96, 96),
            2,
            356_818,
            None,
            "dense fused bottlenecks as in the publication, their widths our own",
        ),
        PublishedNetwork(
            "analognet-kws-like",
            "after Zhou et al., AnalogNets, 2021, arXiv 2111.06503",
            (1, 49, 10),
            12,
            151_436,
            None,
            "DS-CNN with dense 3 x 3 convolutions in place of its depthwise separable ones",
        ),
        *TABLE_II,
    )
}


class _File(Protocol):
    """A file of this folder with a network."""

    def build(self, input_shape: tuple[int, int, int], n_classes: int) -> nn.Module: ...


def published_names() -> list[str]:
    """Return the names that `published` knows."""
    return list(NETWORKS)


def published_network(name: str) -> PublishedNetwork:
    """Return what is known of a published network: source, task, parameters, architecture.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> published_network("analognas-cifar10-t100").parameters
        92586
    """
    if name not in NETWORKS:
        raise ValueError(f"`name` must be one of {', '.join(NETWORKS)}, got {name!r}")
    return NETWORKS[name]


def published(name: str, input_shape: tuple[int, int, int], n_classes: int) -> nn.Module:
    """Return a published network, fitted to the input and the classes, its weights drawn with seed 0.

    Args:
        name: one of `published_names()`.
        input_shape: `(channels, height, width)` of one example.
        n_classes: outputs of the network.

    Raises:
        ValueError: for an unknown name, or a shape or number of classes below 1.
    """
    network = published_network(name)
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise ValueError(
            f"`input_shape` must be (channels, height, width), each at least 1, got {input_shape}"
        )
    if n_classes < 1:
        raise ValueError(f"`n_classes >= 1` must hold, got {n_classes}")
    if network.architecture is None:
        return cast(_File, import_module(FILES[name])).build(input_shape, n_classes)
    space = ResNetSpace(input_shape, n_classes, ks0=(1, 7), bottleneck=network.bottleneck)
    return space.build(space.parse(network.architecture))
