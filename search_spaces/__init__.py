"""Search spaces of networks for analog hardware.

Importing this package does not import torch; building a network does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_spaces.cost import LayerCost, NetworkCost, count_network, layer_table, network_cost
from search_spaces.initialisation import initialise
from search_spaces.layer_graph import GraphBuilder, LayerGraph, window_need
from search_spaces.matrices import Matrices, Matrix
from search_spaces.nasbench201 import NasBench201Space
from search_spaces.published import PublishedNetwork, published, published_names, published_network
from search_spaces.resnet import MutationRates, ResNetSpace
from search_spaces.sequences import SequenceRanges, SequenceSpace
from search_spaces.space import (
    ArchitectureSpace,
    Countable,
    Genotype,
    Mappable,
    Ordered,
    Population,
    Readable,
    Recombining,
    SearchSpace,
    genotypes,
)
from search_spaces.staged import StagedRanges, StagedSpace

if TYPE_CHECKING:
    __version__: str

__all__ = [
    "ArchitectureSpace",
    "Countable",
    "Genotype",
    "GraphBuilder",
    "LayerCost",
    "LayerGraph",
    "Mappable",
    "Matrices",
    "Matrix",
    "MutationRates",
    "NasBench201Space",
    "NetworkCost",
    "Ordered",
    "Population",
    "PublishedNetwork",
    "Readable",
    "Recombining",
    "ResNetSpace",
    "SearchSpace",
    "SequenceRanges",
    "SequenceSpace",
    "StagedRanges",
    "StagedSpace",
    "__version__",
    "count_network",
    "genotypes",
    "initialise",
    "layer_table",
    "network_cost",
    "published",
    "published_names",
    "published_network",
    "window_need",
]

if not TYPE_CHECKING:  # a module with `__getattr__` has every name for a type checker

    def __getattr__(name: str) -> str:
        """Return the version, which is looked up when it is first asked for."""
        if name != "__version__":
            raise AttributeError(f"module 'search_spaces' has no attribute {name!r}")
        return _version()


def _version() -> str:
    """Return the installed version; `0+unknown` for a source tree that is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("analognas")
    except PackageNotFoundError:
        return "0+unknown"
