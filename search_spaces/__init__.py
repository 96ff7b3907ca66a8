"""Search spaces of networks for analog hardware.

Importing this package does not import torch; building a network does.
"""

from search_spaces.cost import LayerCost, NetworkCost, count_network, layer_table, network_cost
from search_spaces.initialisation import initialise
from search_spaces.matrices import Matrices, Matrix
from search_spaces.nasbench201 import NasBench201Space
from search_spaces.published import PublishedNetwork, published, published_names, published_network
from search_spaces.resnet import MutationRates, ResNetSpace
from search_spaces.space import (
    ArchitectureSpace,
    Countable,
    Genotype,
    Mappable,
    Population,
    Readable,
    Recombining,
    SearchSpace,
    genotypes,
)

__all__ = [
    "ArchitectureSpace",
    "Countable",
    "Genotype",
    "LayerCost",
    "Mappable",
    "Matrices",
    "Matrix",
    "MutationRates",
    "NasBench201Space",
    "NetworkCost",
    "Population",
    "PublishedNetwork",
    "Readable",
    "Recombining",
    "ResNetSpace",
    "SearchSpace",
    "count_network",
    "genotypes",
    "initialise",
    "layer_table",
    "network_cost",
    "published",
    "published_names",
    "published_network",
]
